"""One report that holds every kind of thing that a report can say, and one that has nothing to say."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from checkseries.model import (
    Checked,
    Confidence,
    Cover,
    Finding,
    Introduced,
    Judged,
    Letter,
    Outcome,
    Patch,
    Place,
    Related,
    Report,
    SelectionRow,
    SelectionTable,
    Series,
    Severity,
    Skipped,
    Status,
    Undecided,
    Witness,
    WitnessKind,
)
from checkseries.report.info import RuleInfo

GOLDEN = Path(__file__).parent / "golden"
HOSTILE = (
    "\x1b[31mred\x1b[0m \u202eesrever\u202c \x07\x9b2J [bold]markup[/bold] \udcff\ud800 \u200b\ufe0f end"
)


def patch(number: int, subject: str) -> Patch:
    return Patch(
        number, subject, f"2026.{number}@example.org", "A. Hacker", "", "", (), f"series.mbox#{number + 1}"
    )


def _full() -> Report:
    patches = (
        patch(1, "fan: count the blades of each fan"),
        patch(2, "fan: pass the fan to fan_set_state() - for Jörg and 北京, who asked for it long ago"),
        patch(3, "fan: " + HOSTILE),
        patch(4, "fan: start all fans at once"),
        patch(5, "fan: document it"),
    )
    series = Series(
        name="fan: start fans in parallel, für alle",
        revision=3,
        total=6,
        patches=patches,
        cover=Cover("fan: start fans in parallel, für alle", "2026.0@example.org", "", "series.mbox#1"),
        base_commit="0123456789abcdef0123456789abcdef01234567",
        prerequisites=("patch-id 89abcdef",),
        remarks=("patch 6/6 is missing", "v2 of the series was left aside: v3 is in the same mailbox"),
        letters=(
            Letter("series.mbox#1", "[PATCH v3 0/6] fan: start", "2026.0@example.org", Outcome.COVER, ""),
            Letter("series.mbox#2", "[PATCH v3 1/6] fan: count", "2026.1@example.org", Outcome.PATCH, ""),
            Letter("series.mbox#7", "Re: [PATCH v3 1/6] fan: count", None, Outcome.REPLY, "a reply"),
            Letter("series.mbox#8", "Re: [PATCH v3 2/6] " + HOSTILE, None, Outcome.REPLY, "a reply"),
            Letter("series.mbox#9", "Lunch?", None, Outcome.OTHER, "no diff in it"),
        ),
    )
    call = "\t\tfan_set_state(FAN_BROKEN, fan);"
    swapped = Finding(
        rule="fan-state-args",
        severity=Severity.ERROR,
        confidence=Confidence.HIGH,
        place=Place("drivers/fan/core.c", 395, call.index("FAN") + 1, "fan_give_up()", call),
        subject="fan_set_state",
        message="fan_set_state() takes the fan first: argument 1 is FAN_BROKEN, a state",
        archs=("arm64", "mips", "x86"),
        related=(
            Related(
                Place("include/linux/fan.h", 12, 0, "", "void fan_set_state(struct fan *fan, int state);"),
                "declared here [with](https://example.org/) {braces}",
            ),
            Related(Place("drivers/fan/Makefile", 0), ""),
        ),
    )
    undeclared = Finding(
        rule="call-undeclared",
        severity=Severity.ERROR,
        confidence=Confidence.HIGH,
        place=Place(
            "drivers/fan/a_rather_long_directory_name/and_another_long_directory_name/start.c",
            1031,
            91,
            "fan_start_all()",
            "\tif (fan_is_ready(fan) && fan_has_blades(fan) && !fan_is_stuck(fan) && "
            "(fan->flags & FAN_PARALLEL) && fan_start_async(fan, fan_done, GFP_KERNEL) == -EAGAIN) /* again */",
        ),
        subject="fan_start_async",
        message="fan_start_async() is not declared when FAN_PARALLEL is off\n"
        "The call is built on every configuration, the declaration is below #ifdef CONFIG_FAN_PARALLEL.",
        archs=("arm64",),
        witness=Witness(
            WitnessKind.CONFIG,
            ("CONFIG_FAN=y", "# CONFIG_FAN_PARALLEL is not set", 'CONFIG_FAN_NAME="\x1b[2J"'),
            "arm64",
        ),
    )
    stride = Finding(
        rule="fan-table-stride",
        severity=Severity.WARNING,
        confidence=Confidence.MEDIUM,
        place=Place("arch/arm64/kernel/fan.S", 64, 3, "fan_entry", "\t\tadd\tx0, x0, x1, lsl #4"),
        subject="fan_table",
        message="the element of fan_table[] has 24 bytes, and the code steps by 16",
        archs=("arm64",),
        profile="gcc-14",
        witness=Witness(WitnessKind.SIZE, ("sizeof(struct fan_entry) = 24", "lsl #4 steps by 16")),
    )
    moved = Finding(
        rule="fan-state-args",
        severity=Severity.NOTE,
        confidence=Confidence.LOW,
        place=Place("drivers/fan/wide.c", 7, 18, "風扇()", "\t/* 扇風機 */ fan_set_state(𝒙, 1);"),
        subject="fan_set_state",
        message="moved together with its function; it was broken before",
        related=(Related(Place("drivers/fan/old.c", 90), "moved from here"),),
        witness=Witness(WitnessKind.SITE, tuple(f"fact {number}" for number in range(1, 41))),
    )
    hostile = Finding(
        rule="kconfig-select-unmet",
        severity=Severity.ERROR,
        confidence=Confidence.HIGH,
        place=Place(
            "drivers/\udce9\x1b[2J\n/Kconfig",
            3,
            9,
            "config " + HOSTILE,
            "\tselect\x1b[0m FAN_\u202e" + HOSTILE,
        ),
        subject=HOSTILE,
        message=HOSTILE,
        related=(Related(Place("drivers/fan/Kconfig", 8, 0, "", HOSTILE), HOSTILE),),
    )
    findings = (
        Introduced(swapped, 2, 4, "aaaaaaaaaaaaaaaa"),
        Introduced(moved, 4, None, "bbbbbbbbbbbbbbbb"),
        Introduced(stride, 4, None, "cccccccccccccccc"),
        Introduced(undeclared, 4, None, "dddddddddddddddd"),
        Introduced(hostile, 3, None, "eeeeeeeeeeeeeeee"),
    )
    checked = (
        Checked(
            "fan-state-args", "fan_set_state() takes the fan first", 6, 6, 0, 0,
            "6 calls of fan_set_state(), all pass a fan",
        ),
        Checked(
            "call-undeclared", "A function called under an option exists under that option", 31, 27, 1, 3,
            doubts=(
                Undecided(Place("drivers/fan/gen.c", 4), "the include <generated/fan.h> is made by the build"),
                Undecided(Place("drivers/fan/gen.c", 9), "the include <generated/fan.h> is made by the build"),
                Undecided(None, HOSTILE),
            ),
        ),
        Checked("fan-table-stride", "fan.S steps by the size of an element", 1, 0, 1, 0),
        Checked("fan-lock-pair", "fan_lock() is paired with fan_unlock()", 0, 0, 0, 0),
        Checked("fan-confined", "Only drivers/fan/ pokes at fans", 0, 0, 0, 0),
    )  # fmt: skip
    table = SelectionTable(
        "FAN_PARALLEL and what it wants",
        (
            SelectionRow("arm64", "FAN_PARALLEL", ("ARM64 if SMP && ARM64_FAN",), True, "selected", True),
            SelectionRow("loongarch", "FAN_PARALLEL", (), False, "selected whenever SMP", False),
            SelectionRow(
                "x86",
                "FAN_PARALLEL",
                ("X86 if SMP && X86_64", "X86_FAN_QUIRK if PCI && ACPI && (X86_64 || X86_PAE) && EXPERT"),
                True,
                "",
                None,
            ),
            SelectionRow("arm64", "FAN_SMT", (), None, "never selected", None),
        ),
    )
    return Report(
        series=series,
        base="linux-7.2 at v7.2-rc3 (89abcdef0123)",
        patches=(
            Judged(patches[0], Status.ALREADY_APPLIED, "as commit 456789abcdef"),
            Judged(patches[1], Status.APPLIED, "hunk 2 of drivers/fan/core.c at an offset of 14 lines"),
            Judged(patches[2], Status.APPLIED),
            Judged(
                patches[3],
                Status.DOES_NOT_APPLY,
                "drivers/fan/core.c: hunk 3 at line 510 is not there:\nexpected: \tfan_start(fan);\n"
                f"found:    \tfan_begin(fan); {HOSTILE}",
            ),
            Judged(patches[4], Status.NOT_JUDGED, "a patch before it does not apply"),
        ),
        findings=findings,
        checked=checked,
        skipped=(
            Skipped("kconfig-select-unmet", "arch/um", "more than 200000 clauses", failure=False),
            Skipped("fan-lock-pair", "drivers/fan/core.c", "KeyError: 'fan'", failure=True),
        ),
        tables=(table,),
        archs=("arm64", "loongarch", "mips", "x86"),
        profile="gcc-14",
        remarks=("the base is not the author's base-commit 0123456789ab: not in this repository",),
        seconds=3.24,
    )


def _clean() -> Report:
    patches = (patch(1, "fan: count the blades of each fan"), patch(2, "fan: show them in sysfs"))
    return Report(
        series=Series("fan: blades", 1, 2, patches),
        base="linux-7.2 at v7.2-rc3 (89abcdef0123)",
        patches=tuple(Judged(each, Status.APPLIED) for each in patches),
        findings=(),
        checked=(
            Checked(
                "fan-state-args", "fan_set_state() takes the fan first", 6, 6, 0, 0,
                "6 calls of fan_set_state(), all pass a fan",
            ),
            Checked("call-undeclared", "A function called under an option exists under it", 31, 31, 0, 0),
            Checked("fan-table-stride", "fan.S steps by the size of an element", 0, 0, 0, 0),
        ),
        archs=("arm64", "x86"),
        seconds=1.96,
    )  # fmt: skip


@pytest.fixture
def report() -> Report:
    return _full()


@pytest.fixture
def clean() -> Report:
    return _clean()


@pytest.fixture
def rules() -> tuple[RuleInfo, ...]:
    doc = "Why: a state in the place of the fan writes `struct fan { int x; }` of another one.\n\nNot found: <macros>."
    return (
        RuleInfo(
            "fan-state-args", "fan_set_state() takes the fan first", doc, Severity.ERROR, Confidence.HIGH
        ),
        RuleInfo("fan-lock-pair", "fan_lock() is paired", "Long. " * 200, Severity.NOTE, Confidence.LOW),
    )


@pytest.fixture
def golden() -> Callable[[str, str], None]:
    """A check that a text is the golden file of a name.

    ``CHECKSERIES_GOLDEN=write pytest tests/report`` writes the files anew; review the difference.
    """

    def check(name: str, text: str) -> None:
        path = GOLDEN / name
        if os.environ.get("CHECKSERIES_GOLDEN") == "write":
            path.write_bytes(text.encode())
        assert text.encode() == path.read_bytes()

    return check
