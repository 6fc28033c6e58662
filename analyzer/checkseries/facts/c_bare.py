"""A name within a function, where nothing says of what it is a member: which occurrences use it, which may declare it.

An occurrence is *plain* if C allows nothing there but a use: behind an operator or an opening bracket, and in no
call of what may be a macro. All others may declare the name, from there to the end of the block.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from checkseries.facts.c_outline import Function
from checkseries.facts.c_scope import local, scope
from checkseries.facts.c_text import Code, brackets
from checkseries.facts.c_words import STATEMENT, TYPEOF

_BEFORE = re.compile(r"([A-Za-z_]\w*|->|\S)\s*\Z", re.ASCII)
_MOST = 200  # occurrences of one name in a function
_LONGEST = 300_000  # characters of a function
_ENUM = re.compile(r"\benum\b[^{}();=]*\Z", re.ASCII)
_AFTER = re.compile(r"\s*(\S)(\S?)")
_OPERATORS = frozenset("(&|!=+-/%<>^~?:[;{")
_STRUCTURE = STATEMENT | TYPEOF
_MACRO_LIKE = frozenset(("asm", "__asm__", "__asm", "_Generic", "defined", "__builtin_offsetof"))


@dataclass(frozen=True, slots=True)
class Bare:
    """An occurrence of a name, the words that call what is around it, and where the block around it ends."""

    at: int
    operator: bool
    """Whether what stands before it makes it an operand, or the beginning of a statement."""
    around: tuple[str, ...]
    end: int


def bare(source: Code, function: Function, name: str) -> tuple[Bare, ...]:
    """The occurrences of a name in a function's body that name no member and no label; of too many the first."""
    if function.body[1] - function.body[0] > _LONGEST:
        return ()
    return tuple(itertools.islice(_bare(source.plain, function.body, name), _MOST + 1))


def _bare(text: str, body: tuple[int, int], name: str) -> Iterator[Bare]:
    begin, end = body
    close = brackets(text)
    for match in re.finditer(rf"(?<![\w$]){re.escape(name)}(?![\w$])", text[begin : end + 1], re.ASCII):
        at = begin + match.start()
        before = _BEFORE.search(text, max(begin, at - 400), at)
        after = _AFTER.match(text, begin + match.end())
        first = before[1] if before else ""
        then = after[1] if after else ""
        if first in (".", "->", "goto") or (
            first == "&" and text[max(0, at - 2) : at] == "&&" and _label(text, at)
        ):
            continue
        if then == ":" and first in (";", "{", "}", ":", ",", ")"):
            continue  # a label, or a designator of old
        if (
            first == "["
            and then == "]"
            and text[close.get(text.rfind("[", 0, at), at) + 1 :].lstrip()[:1] == '"'
        ):
            continue  # an operand of assembly
        operator = first in _OPERATORS or first in STATEMENT
        around, block, enumerator = _around(text, begin, at, close)
        operator = operator and not enumerator
        if first == "*":
            operator = _dereferenced(text, begin, at)
        elif first == ",":
            operator = bool(around) and around[0] not in ("", "for")
        yield Bare(at, operator, around, min(end, block))


def _dereferenced(text: str, begin: int, at: int) -> bool:
    """Whether the stars before a name can be those of no declarator and no product."""
    before = _BEFORE.search(text[max(begin, at - 400) : at].rstrip().rstrip("* \t\r\n"))
    return before is not None and (before[1] in _OPERATORS - {"(", "{", ";"} or before[1] in STATEMENT)


def _label(text: str, at: int) -> bool:
    """Whether ``&&`` takes the address of a label: what stands before it is no operand."""
    before = text[:at].rstrip().removesuffix("&&").rstrip()[-1:]
    return not (before.isalnum() or before in ("_", ")", "]", '"', "'"))


def _around(text: str, begin: int, at: int, close: dict[int, int]) -> tuple[tuple[str, ...], int, bool]:
    """The words before the brackets that are open, the innermost first, where the block ends, whether in an enum.

    What an enum declares holds in the block around it.
    """
    words: list[str] = []
    block = len(text)
    enumerator = False
    for match in re.finditer(r"[({\[]", text[begin:at]):
        opening = begin + match.start()
        closed = close.get(opening)
        if closed is not None and closed < at:
            continue
        before = _BEFORE.search(text, max(begin, opening - 400), opening)
        word = before[1] if before else ""
        if match[0] == "{" and _ENUM.search(text, max(begin, opening - 400), opening):
            enumerator = True
        elif match[0] == "{":
            block = len(text) if closed is None else closed
            enumerator = False
        elif match[0] == "(":
            words.append(word if word[:1].isalpha() or word[:1] == "_" else "")
    return tuple(reversed(words)), block, enumerator


def undeclared(
    source: Code, function: Function, name: str, may_be_macro: Callable[[str], bool]
) -> Bare | None:
    """The first use of a name that no declaration of the function can be meant by; None if there is none."""
    locals_ = scope(source, function)
    if local(locals_, name, function.body[0]) is not None:
        return None  # a parameter
    found = bare(source, function, name)
    if len(found) > _MOST:
        return None
    known: dict[str, bool] = {}

    def doubtful(word: str) -> bool:
        if word in _MACRO_LIKE:
            return True
        if not word or word in _STRUCTURE:
            return False
        if word not in known:
            known[word] = may_be_macro(word)
        return known[word]

    declaring: list[int] = []  # the ends of the blocks of what may declare it
    for each in found:
        plain = each.operator and not any(map(doubtful, each.around))
        if not plain:
            declaring.append(each.end)
        elif not any(end >= each.at for end in declaring) and local(locals_, name, each.at) is None:
            return each
    return None
