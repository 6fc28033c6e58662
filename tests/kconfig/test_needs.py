"""What a symbol needs by the text of its entry."""

from __future__ import annotations

import pytest

from checkseries.facts.kconfig.needs import needed
from checkseries.tree import MemoryTree, Snapshot

_TOP = (
    'config Y\n\tbool\n\nconfig T\n\ttristate\n\nconfig ON\n\tbool\n\nmenu "m"\n\tdepends on ON\n\n'
    'if T\nsource "d/Kconfig"\nendif\n\nendmenu\n\n'
)  # fmt: skip


def least(entry: str, value: str, lower: str = "") -> dict[str, str]:
    tree = Snapshot.of(MemoryTree({"Kconfig": _TOP + entry, "d/Kconfig": lower}))
    return {name: given for name, given in needed(tree, "X", value).items() if name != "X"}


@pytest.mark.parametrize(
    ("entry", "value", "expected"),
    [
        ("config X\n\ttristate\n\tdepends on T && Y\n", "m", {"T": "m", "Y": "y"}),
        ("config X\n\ttristate\n\tdepends on T\n", "y", {"T": "y"}),
        ("config X\n\tbool\n\tdepends on T\n", "y", {"T": "m"}),
        ("config X\n\tbool\n\tdepends on T=y\n", "y", {"T": "y"}),
        ("config X\n\tbool\n\tselect T\n", "y", {"T": "y"}),
        ("config X\n\ttristate\n\tselect T\n", "m", {"T": "m"}),
        ("config X\n\ttristate\n\tselect T if Y\n", "m", {}),
        ("config X\n\ttristate\n\tdepends on T || Y\n", "m", {}),
        ("config X\n\ttristate\n\tdepends on T if Y\n", "m", {}),
        ("config X\n\ttristate\n\tdepends on !T\n", "m", {}),
        ("config X\n\ttristate\n\timply T\n\tdefault Y\n", "m", {}),
        ("if Y\nconfig X\n\ttristate\nendif\n", "m", {"Y": "y"}),
        ("if Y\nendif\nconfig X\n\ttristate\n", "m", {}),
        ("config X\n\ttristate\n\thelp\n\t  depends on T\n", "m", {}),
        ("config X\n\ttristate\n\tdepends on T\n\nconfig X\n\tbool\n", "m", {}),
    ],
)
def test_one_entry(entry: str, value: str, expected: dict[str, str]) -> None:
    assert least(entry, value) == expected


def test_what_stands_around_the_file() -> None:
    assert least("", "m", "config X\n\ttristate\n") == {"ON": "y", "T": "m"}


def test_needs_of_needs() -> None:
    text = "config X\n\tbool\n\tdepends on A\n\nconfig A\n\ttristate\n\tselect Y\n\tdepends on X\n"
    assert least(text, "y") == {"A": "m", "Y": "y"}


def test_a_file_that_two_others_source() -> None:
    text = 'config X\n\ttristate\n\nsource "d/Kconfig"\n'
    tree = Snapshot.of(
        MemoryTree({"Kconfig": _TOP + text.replace("X", "W"), "d/Kconfig": "config X\n\ttristate\n"})
    )
    assert dict(needed(tree, "X", "m")) == {"X": "m"}
