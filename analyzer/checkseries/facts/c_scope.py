"""The names that a function has for itself: its parameters and local variables, with where they hold.

Lexical: a statement that reads as a declaration is one. Not found: variables that a macro declares out of its
arguments (``DEFINE_WAIT(name)``, ``CLASS(fd, f)``); ``macro_names`` tells what may be one.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass

from checkseries.facts.c_head import heads, parameters
from checkseries.facts.c_outline import Function
from checkseries.facts.c_text import Code, closing, code
from checkseries.facts.c_words import BUILTIN, QUALIFIERS, STATEMENT, STORAGE, TAGGED, TYPEOF

_LONGEST = 100_000  # characters of one declaration with its initialiser
_EVENT = re.compile(r"[{};]|\bfor\s*\(|\)\s*(?=[A-Za-z_])", re.ASCII)
_DECLARING = re.compile(
    r"\s*+([A-Za-z_]\w*+)(\s*+)((?:\*\s*+)*+)(?:(?:const|volatile)\s++)?(?=(\w|\(\s*\*))", re.ASCII
)
_TYPE_WORDS = STORAGE | QUALIFIERS | TAGGED | BUILTIN | TYPEOF
_MACRO = re.compile(r"(?:^|[;{}])\s*(?:static\s+)?([A-Z][A-Z0-9_]{3,}|[a-z_]+_guard|CLASS)\s*\(", re.ASCII)


@dataclass(frozen=True, slots=True)
class Local:
    """A parameter or local variable, and the offsets between which its name means it."""

    name: str
    type: str
    """With the stars; arrays and functions without theirs."""
    pointer: bool
    """Whether its value is an address: a pointer, an array, a function pointer."""
    parameter: bool
    at: int
    end: int
    static: bool = False


def scope(source: Code, function: Function) -> tuple[Local, ...]:
    """The parameters and local variables of a function, in the order of their declarations."""
    return _scope(source.data, function)


@functools.lru_cache(maxsize=1024)  # asked for each name in a function; a pure function of the bytes
def _scope(data: bytes, function: Function) -> tuple[Local, ...]:
    source = code(data)
    begin, end = function.body
    found: list[Local] = []
    if function.head is not None and function.head.parameters is not None:
        read = parameters(source.plain, *function.head.parameters)
        for head in read[0] if read else ():
            pointer = bool(head.pointer or head.dims or head.function_pointer or head.parameters)
            found.append(Local(head.name, head.full_type, pointer, parameter=True, at=head.at, end=end))
    found += _locals(source.plain, begin, end)
    return tuple(found)


def _locals(text: str, begin: int, end: int) -> Iterator[Local]:
    blocks: list[int] = []  # where each open block ends
    position = begin
    while match := _EVENT.search(text, position, end):
        position = match.end()
        if match[0] == "{":
            close = closing(text, match.start(), end + 1) if len(blocks) < 200 else None
            blocks.append(end if close is None else close)
        elif match[0] == "}" and blocks:
            blocks.pop()
        yield from _statement(text, position, end, blocks[-1] if blocks else end)


def _statement(text: str, start: int, end: int, block: int) -> Iterator[Local]:
    match = _DECLARING.match(text, start, end)
    if match is None or match[1] in STATEMENT:
        return
    if match[1] not in _TYPE_WORDS and not match[2] and not match[3]:
        return
    stop = _semicolon(text, start, min(end, start + _LONGEST))
    if stop is None:
        return
    for head in heads(text, start, stop):
        if head.parameters is None:
            pointer = bool(head.pointer or head.dims or head.function_pointer)
            static = "static" in head.storage
            yield Local(
                head.name, head.full_type, pointer, parameter=False, at=head.at, end=block, static=static
            )


def _semicolon(text: str, start: int, end: int) -> int | None:
    depth = 0
    for match in re.finditer(r"[()\[\]{};]", text[start:end]):
        if match[0] in "([{":
            depth += 1
        elif match[0] in ")]}":
            depth -= 1
            if depth < 0:
                return None
        elif depth == 0:
            return start + match.start()
    return None


def local(found: tuple[Local, ...], name: str, offset: int) -> Local | None:
    """The parameter or local variable that a name means at an offset: the last declared that holds there."""
    for each in reversed(found):
        if each.name == name and each.at <= offset <= each.end:
            return each
    return None


def macro_names(text: str, start: int, end: int, name: str) -> bool:
    """Whether a macro that stands as a statement of its own has the name for an argument, and may declare it."""
    for match in _MACRO.finditer(text, start, end):
        close = closing(text, match.end() - 1, min(end, match.end() + 2000))
        if close is not None and re.search(
            rf"[(,]\s*{re.escape(name)}\s*[,)]", text[match.end() - 1 : close + 1]
        ):
            return True
    return False
