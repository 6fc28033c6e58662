from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkseries.report.clean import block, document, printable

ANY = st.text(st.characters(exclude_categories=()))


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("plain Jörg 北京", "plain Jörg 北京"),
        ("\x1b[31m", "\\x1b[31m"),
        ("a\nb\tc\r", "a\\nb\\tc\\r"),
        ("\x9b2J", "\\x9b2J"),
        ("\u202eabc\u2066", "\\u202eabc\\u2066"),
        ("zero\u200bwidth\ufeff", "zero\\u200bwidth\\ufeff"),
        ("x\ufe0f\u3164\U000e0101", "x\\ufe0f\\u3164\\U000e0101"),
        ("\udce9t\ud800", "\\xe9t\\ud800"),
        ("\U000e0041", "\\U000e0041"),
        ("\u2028\u00a0", "\\u2028\\xa0"),
    ],
)
def test_what_cannot_be_printed_is_escaped(raw: str, shown: str) -> None:
    assert printable(raw) == shown


def test_a_limit_cuts() -> None:
    assert printable("x" * 11, 10) == "x" * 10 + "..."
    assert printable("x" * 10, 10) == "x" * 10


@given(ANY)
def test_a_line_is_printable_and_encodes(raw: str) -> None:
    shown = printable(raw)
    assert shown.isprintable()
    assert all(unicodedata.bidirectional(char) not in _REORDERING for char in shown)
    assert shown.encode("utf-8").decode("utf-8") == shown
    assert printable(shown) == shown


_REORDERING = {"LRE", "LRO", "RLE", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


@given(ANY)
def test_a_block_keeps_line_ends_and_tabs_only(raw: str) -> None:
    kept = block(raw)
    assert kept.replace("\n", "").replace("\t", "").isprintable()
    assert kept.count("\n") == raw.count("\n")
    assert kept.count("\t") == raw.count("\t")


def test_a_document_is_passed_whole() -> None:
    assert document({"a\x1b": ["\x07", 1, None, {"b": True}]}) == {"a\\x1b": ["\\x07", 1, None, {"b": True}]}
