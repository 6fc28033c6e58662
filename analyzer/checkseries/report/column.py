"""A column that is counted in bytes, in the other units in which readers count."""

from __future__ import annotations

import re

_WORD = re.compile(r"\w+")


def index(text: str, column: int) -> int | None:
    """The index into ``text`` of the character that holds the byte at ``column`` (from 1).

    ``text`` is UTF-8 with bytes that are none kept as surrogates. None if the column is 0 or not in the line.
    """
    if column < 1:
        return None
    if text.isascii():
        return column - 1 if column <= len(text) else None
    left = column - 1
    for position, char in enumerate(text):
        size = 1 if 0xDC80 <= ord(char) <= 0xDCFF else len(char.encode("utf-8", "surrogatepass"))
        if left < size:
            return position
        left -= size
    return None


def word_end(text: str, start: int) -> int:
    """The index behind the word that starts at ``start``, or behind that one character if it is no word."""
    word = _WORD.match(text, start)
    return word.end() if word else start + 1


def utf16(text: str, position: int) -> int:
    """The column from 1 of an index into ``text``, in UTF-16 code units, as SARIF and editors count."""
    return 1 + sum(2 if ord(char) > 0xFFFF else 1 for char in text[:position])
