"""From which element on C fills a table.

Known is what a plain ``for`` loop counts up from (``for (i = 1; ...; i++)``) and an index that is a number. Every
other index, and every place that hands out the table's address, may be any element.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from checkseries.facts.answer import Unknown
from checkseries.facts.c_call import uses
from checkseries.facts.c_outline import Function
from checkseries.facts.c_text import Code, closing, code
from checkseries.facts.c_write import writes
from checkseries.model import Place
from checkseries.tree import Snapshot, fact

_FOR = re.compile(r"(?<![\w$])for\s*\(", re.ASCII)
_INIT = re.compile(r"(?:[A-Za-z_]\w*\s+)*([A-Za-z_]\w*)\s*=\s*(\d+)[uU]?\s*\Z", re.ASCII)
_INDEX = re.compile(r"\s*\[\s*([A-Za-z_]\w*|\d+)\s*\]", re.ASCII)
_MOST_LOOPS = 200


@dataclass(frozen=True, slots=True)
class Fill:
    """One place that writes elements of a table."""

    place: Place
    first: int
    """The first element that it may write."""
    loop: bool
    """Whether it goes on from there; else it writes that element only."""


@fact
def fills(tree: Snapshot, name: str) -> tuple[Fill, ...] | Unknown:
    """The places that write elements of a table, by path and line."""
    found = []
    for write in writes(tree, name):
        path = write.place.path
        if write.kind not in ("assign", "update", "call") or not write.sure or write.in_macro:
            return Unknown(f"{path}:{write.place.line} may write any element of {name}")
        data = tree.read(path)
        if data is None:
            return Unknown(f"{path} is not there")
        source = code(data)
        fill = None
        for use in uses(data, name):
            here = (source.line(use.at), source.column(use.at)) == (write.place.line, write.place.column)
            if here and use.function is not None:
                fill = _fill(source, use.function, use.at, name, write.place)
        if fill is None:
            return Unknown(f"{path}:{write.place.line} may write any element of {name}")
        found.append(fill)
    return tuple(found)


def _fill(source: Code, function: Function, at: int, name: str, place: Place) -> Fill | None:
    text = source.plain
    index = _INDEX.match(text, at + len(name))
    if index is None:
        return None
    if index[1].isdigit():
        return Fill(place, int(index[1]), loop=False)
    first = _counted(text, function.body[0], at, function.body[1], index[1])
    return None if first is None else Fill(place, first, loop=True)


def _counted(text: str, low: int, at: int, high: int, name: str) -> int | None:
    """What the innermost loop around a place counts a variable up from; None if that is not plain."""
    within: tuple[int, int, int] | None = None
    for number, match in enumerate(_FOR.finditer(text, low, at)):
        if number == _MOST_LOOPS:
            return None
        close = closing(text, match.end() - 1, high)
        if close is None or close > at:
            continue
        end = _end(text, close + 1, high)
        if end is None or end < at:
            continue
        header = text[match.end() : close].split(";")
        init = _INIT.match(header[0].strip()) if len(header) == 3 else None
        if init is None or init[1] != name:
            continue
        if not re.fullmatch(rf"{name}\s*\+\+|\+\+\s*{name}|{name}\s*\+=\s*1", header[2].strip()):
            return None
        within = (int(init[2]), close + 1, end)
    if within is None:
        return None
    first, start, end = within
    return None if _changed(text, start, end, name) else first


def _changed(text: str, start: int, end: int, name: str) -> bool:
    """Whether the body of a loop writes its variable, or hands out its address."""
    word = rf"(?<![\w$.>]){name}(?![\w$])"
    wrote = re.compile(rf"{word}\s*(?:\+\+|--|[-+*/%&|^]=|<<=|>>=|=(?!=))|(?:\+\+|--|&)\s*{word}")
    return wrote.search(text, start, end) is not None


def _end(text: str, at: int, high: int) -> int | None:
    """Where the body of a loop ends."""
    body = re.compile(r"\s*").match(text, at, high)
    assert body is not None
    at = body.end()
    if text[at : at + 1] == "{":
        return closing(text, at, high)
    semicolon = text.find(";", at, high)
    # What has a block of its own ends somewhere else.
    return semicolon if semicolon >= 0 and "{" not in text[at:semicolon] else None
