from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from checkseries.report.wrap import drawn, ink, source, wrapped

WORDS = st.text(st.sampled_from("ab /_北é\u0301\x1b"), max_size=200)


@given(WORDS, st.integers(40, 90), st.sampled_from(["", "  "]), st.sampled_from(["", "      "]))
def test_no_line_is_too_wide_and_nothing_is_lost(text: str, width: int, first: str, rest: str) -> None:
    lines = wrapped(ink(text), width, first, rest)
    assert all(cell_len(made.plain) <= width for made in lines)
    assert not any(made.plain.endswith(" ") for made in lines)
    whole = "".join(made.plain for made in lines)
    assert whole.replace(" ", "") == ink(text).plain.replace(" ", "")


def test_breaks_are_at_spaces_then_behind_punctuation() -> None:
    text = ink("see drivers/net/ethernet/a_long_directory/and/its/files.c")
    assert [made.plain for made in wrapped(text, 40)] == [
        "see",
        "drivers/net/ethernet/a_long_directory/",
        "and/its/files.c",
    ]


def test_an_empty_line_stays_one() -> None:
    assert [made.plain for made in wrapped(ink(""), 40, "  ")] == [""]


@pytest.mark.parametrize(
    ("text", "at", "room", "quoted", "caret"),
    [
        ("\tfoo(bar);", 6, 40, "foo(bar);", "    ^"),
        ("\tfoo(bar);", 0, 40, "foo(bar);", ""),
        ("\tfoo(bar);", 99, 40, "foo(bar);", ""),
        ("\ta\tb", 4, 40, "a       b", "        ^"),
        ("   x", 2, 40, "  x", "^"),
        ("a\x1bb", 3, 40, "a\\x1bb", "     ^"),
        ("風扇(x)", 8, 40, "風扇(x)", "     ^"),
        ("\u0301a\u0301", 3, 40, "\\u0301a\u0301", "      ^"),
        ("\udce9(x)", 3, 40, "\\xe9(x)", "     ^"),
        ("a" * 30 + "B" + "c" * 30, 31, 21, "...aaaaaaaBccccccc...", "          ^"),
        ("a" * 30 + "B", 31, 21, "..." + "a" * 17 + "B", " " * 20 + "^"),
        ("a" * 30, 1, 21, "a" * 18 + "...", "^"),
        ("a" * 21, 21, 21, "a" * 21, " " * 20 + "^"),
    ],
)
def test_source(text: str, at: int, room: int, quoted: str, caret: str) -> None:
    assert source(text, at, room) == (quoted, caret)


@given(st.text(st.characters(exclude_categories=()), max_size=200), st.integers(0, 300), st.integers(20, 90))
def test_a_source_line_fits(text: str, at: int, room: int) -> None:
    quoted, caret = source(text, at, room)
    assert quoted.isprintable()
    assert cell_len(quoted) <= room
    assert len(caret) <= room


@given(st.text(st.sampled_from("ab \t(北\x1b"), max_size=200), st.integers(20, 90), st.data())
def test_the_caret_points_at_the_character(text: str, room: int, data: st.DataObject) -> None:
    text += "@" + text
    at = len(text.encode()) // 2 + 1
    quoted, caret = source(text, at, room)
    assert cell_len(quoted[: quoted.index("@")]) == len(caret) - 1


def test_a_very_long_line_is_looked_at_in_part() -> None:
    text = "x" * 2_000_000 + "@" + "y" * 2_000_000
    quoted, caret = source(text, 2_000_001, 30)
    assert quoted == "..." + "x" * 12 + "@" + "y" * 11 + "..."
    assert quoted[len(caret) - 1] == "@"


@given(st.text(st.characters(exclude_categories=())), st.sampled_from(["bold red", "dim", ""]))
def test_colour_adds_escape_sequences_and_nothing_else(text: str, style: str) -> None:
    lines = wrapped(ink((text, style), " tail"), 60)
    assert re.sub(r"\x1b\[[\d;]*m", "", drawn(lines, color=True)) == drawn(lines, color=False)
