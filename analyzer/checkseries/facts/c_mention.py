"""Where a C file uses a name that it does not declare itself: in functions and in initialisers.

Only names that can mean nothing of the file's own are told: one that any function has for a parameter or a local
variable, that may be a label, a type in a declaration, or what a macro declares out of its arguments, is none.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass

from checkseries.facts.c_outline import functions, outline_of
from checkseries.facts.c_scope import scope
from checkseries.facts.c_text import Code, code
from checkseries.facts.c_words import KEYWORDS

_BEFORE = re.compile(r"([A-Za-z_$][\w$]*|->|\.|\#\#?|[^\s\w])?\s*$", re.ASCII)
_AFTER = re.compile(r"\s*(\#\#|[^\s])?", re.ASCII)
_OPERAND = re.compile(r"\s*\]\s*\"")
"""What follows the name of an operand of inline assembly: its constraint."""
_BEFORE_VALUE = frozenset(("return", "else", "case", "do", "sizeof", "in"))
_CALLEE = re.compile(r"([A-Za-z_]\w*)\s*\($", re.ASCII)
_DECLARES = re.compile(r"each|scoped|guard|with|^CLASS|[A-Z]", re.ASCII)
_MOST = 200
"""Occurrences of a name in one file."""
_WORD = re.compile(r"(?<![\w$.#\"'])(?<!->)[A-Za-z_]\w*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Mention:
    """One use of a name that the file does not declare."""

    at: int
    function: str
    """The function around it; "" in an initialiser at file scope."""
    called: bool
    within: tuple[str, ...]
    """The callees that it is passed to, the innermost first: a macro may take it for anything."""


@functools.lru_cache(maxsize=2048)  # a pure function of the bytes
def mentions(data: bytes, name: str) -> tuple[Mention, ...]:
    """The uses of a name in a file; none if it may be the file's own, or what it means is not clear."""
    source = code(data)
    outline = outline_of(data)
    found: list[Mention] = []
    for number, match in enumerate(
        re.finditer(rf"(?<![\w$]){re.escape(name)}(?![\w$])", source.text, re.ASCII)
    ):
        if number >= _MOST:
            return ()
        at = match.start()
        if source.directive_at(at) is not None:
            continue
        before = _BEFORE.search(source.plain, max(0, at - 200), at)
        word = before[1] if before and before[1] else ""
        if word in (".", "->"):
            continue
        chunk = outline.chunk(at)
        if chunk is None or not chunk.sure:
            return ()
        inside = chunk.body is not None and chunk.body[0] < at < chunk.body[1]
        if not inside and "=" not in source.plain[chunk.start : at]:
            return ()
        after = _AFTER.match(source.plain, match.end())
        follows = after[1] if after and after[1] else ""
        if _declared(source, word, follows, chunk.start, at, match.end()):
            return ()
        function = functions(source, chunk)[0] if inside else None
        if function is not None and (function.head is None or name in _own_names(data, chunk.start)):
            return ()
        callees = tuple(_callees(source.plain, chunk.start, at))
        found.append(Mention(at, function.name if function else "", follows == "(", callees))
    return tuple(found)


@functools.lru_cache(maxsize=512)
def _own_names(data: bytes, start: int) -> frozenset[str]:
    """The parameters and local variables of the function that begins at an offset."""
    source = code(data)
    chunk = outline_of(data).chunk(start)
    found = functions(source, chunk) if chunk else ()
    return frozenset(each.name for function in found for each in scope(source, function))


def _declared(source: Code, word: str, follows: str, start: int, at: int, end: int) -> bool:
    """Whether what stands around a name may make it a declaration, a label, or a macro's word."""
    if word.startswith("#") or (word == "*" and _star_declares(source.plain, start, at)):
        return True
    if word and (word[0].isalpha() or word[0] in "_$") and word not in _BEFORE_VALUE:
        return True
    if follows == "##" or (follows == ":" and word in ("", "{", "}", ";")):
        return True
    if follows and (follows[0].isalpha() or follows[0] == "_"):
        return True  # ``name x``: a type, or a macro
    if word == "[" and _OPERAND.match(source.plain, end):
        return True
    return _argument_of(source.plain, start, at)


def _star_declares(text: str, start: int, at: int) -> bool:
    """Whether ``word *name`` at the beginning of a statement declares the name."""
    begin = max(text.rfind(mark, start, at) for mark in ";{}()")
    return re.match(r"\s*(?:\w+\s+)*\w+\s*\**\s*$", text[begin + 1 : at], re.ASCII) is not None


def _argument_of(text: str, start: int, at: int) -> bool:
    """Whether a name stands within a call that may declare it, by the callee's name."""
    return any(_DECLARES.search(callee) for callee in _callees(text, start, at))


def _callees(text: str, start: int, at: int) -> Iterator[str]:
    """What is called around an offset, the innermost first."""
    depth = 0
    low = max(start, at - 4000)
    for index in range(at - 1, low, -1):
        letter = text[index]
        if letter in ";{}" and depth == 0:
            return
        if letter == ")":
            depth += 1
        elif letter == "(":
            if depth:
                depth -= 1
                continue
            callee = _CALLEE.search(text, max(low, index - 100), index + 1)
            if callee is not None:
                yield callee[1]


_COMPILERS = frozenset(
    ("__func__", "__FUNCTION__", "__FILE__", "__LINE__", "__COUNTER__", "_Pragma", "MODULE", "__KERNEL__")
) | frozenset(("KBUILD_MODNAME", "KBUILD_BASENAME", "KBUILD_MODFILE"))
"""What the compiler knows besides its keywords and ``__builtin_`` functions, and what Kbuild tells it with ``-D``
(scripts/Makefile.lib)."""


def words_in(data: bytes, lines: frozenset[int]) -> frozenset[str]:
    """The identifiers on some lines of a file that are no members, no words of the compiler and in no directive."""
    text = code(data).plain.split("\n")
    found = frozenset(
        match[0] for number in lines if 0 < number <= len(text) for match in _WORD.finditer(text[number - 1])
    )
    return frozenset(name for name in found - KEYWORDS - _COMPILERS if not name.startswith("__builtin_"))
