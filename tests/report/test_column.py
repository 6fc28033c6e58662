from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkseries.report import column


@pytest.mark.parametrize(
    ("text", "at", "index"),
    [
        ("abc", 1, 0),
        ("abc", 3, 2),
        ("abc", 4, None),
        ("abc", 0, None),
        ("äb", 2, 0),
        ("äb", 3, 1),
        ("\udce9b", 2, 1),
        ("𝒙b", 5, 1),
    ],
)
def test_index(text: str, at: int, index: int | None) -> None:
    assert column.index(text, at) == index


@given(st.binary(max_size=40), st.integers(1, 40))
def test_index_and_bytes_agree(raw: bytes, at: int) -> None:
    text = raw.decode("utf-8", "surrogateescape")
    found = column.index(text, at)
    if found is None:
        assert at > len(raw)
    else:
        before = text[:found].encode("utf-8", "surrogateescape")
        through = text[: found + 1].encode("utf-8", "surrogateescape")
        assert len(before) < at <= len(through)


@given(st.text(), st.data())
def test_utf16_counts_code_units(text: str, data: st.DataObject) -> None:
    position = data.draw(st.integers(0, len(text)))
    assert column.utf16(text, position) == 1 + len(text[:position].encode("utf-16-le")) // 2


def test_word_end() -> None:
    assert column.word_end("  fan_set(x)", 2) == 9
    assert column.word_end("(x)", 0) == 1
