from __future__ import annotations

import pytest

from checkseries.model import SelectionRow, SelectionTable
from checkseries.report.text import render_tables

ASKED = SelectionTable(
    "selections in fan.git",
    (
        SelectionRow("arm64", "FAN", ("ARM64 if SMP && " + "ARM64_HAS_A_FAN && " * 3 + "PCI", "FAN_ALL"), True, "", None),
        SelectionRow("loongarch", "FAN", (), False, "", None),
        SelectionRow("an_architecture_of_a_long_name", "FAN", ("X",), None, "", None),
    ),
)  # fmt: skip


def test_what_was_asked_by_hand_has_no_verdict() -> None:
    assert (
        render_tables((ASKED,))
        == """\
selections in fan.git:
  FAN
    arch              can be y  selected by
    arm64             yes       ARM64 if SMP && ARM64_HAS_A_FAN &&
                                  ARM64_HAS_A_FAN && ARM64_HAS_A_FAN && PCI
                                FAN_ALL
    loongarch         no        (nothing)
    an_architecture_of_a_long_name  ?
        X
"""
    )


def test_selectors_stand_below_when_it_is_narrow() -> None:
    assert (
        render_tables((ASKED,), width=42)
        == """\
selections in fan.git:
  FAN
    arch              can be y
    arm64             yes
        ARM64 if SMP && ARM64_HAS_A_FAN &&
          ARM64_HAS_A_FAN &&
          ARM64_HAS_A_FAN && PCI
        FAN_ALL
    loongarch         no
        (nothing)
    an_architecture_of_a_long_name  ?
        X
"""
    )


@pytest.mark.parametrize(
    ("holds", "verdict", "wanted"),
    [(True, "holds", False), (False, "broken", True), (None, "unknown", True)],
)
def test_what_is_expected_is_said_unless_it_holds(holds: bool | None, verdict: str, wanted: bool) -> None:
    row = SelectionRow("arm64", "FAN", (), None, "selected whenever SMP", holds)
    shown = render_tables((SelectionTable("t", (row,)),))
    assert f"    arm64  ?         {verdict:<7}  (nothing)\n" in shown
    assert ("wanted: selected whenever SMP" in shown) is wanted
