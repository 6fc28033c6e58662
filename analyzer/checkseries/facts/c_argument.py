"""What a macro at file scope does with its arguments: ``module_init(park_init)`` uses one, ``LIST_HEAD(parks)`` declares one.

An argument is only *used* if every definition of the macro that a file may reach has it where C takes a value, and
nowhere where it may be declared; what is pasted to a part of another name or made a text does not count.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass

from checkseries.facts.c_outline import outline_of
from checkseries.facts.c_text import Code, closing, code, split
from checkseries.facts.reach import reached
from checkseries.tree import Snapshot, fact
from checkseries.tree.base import holds_word

_INVOKED = re.compile(r"\s*+([A-Za-z_]\w*+)[ \t]*+\(", re.ASCII)
_NEXT = re.compile(r"[\s;]*+")
_CALLEE = re.compile(r"([A-Za-z_]\w*)\s*\Z", re.ASCII)
_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_STATEMENT = re.compile(r"(?:\A|[;{}])\s*\Z", re.ASCII)
_VALUE = re.compile(r"(?:[=,{(\[!?:|+]|&&?|\breturn)\s*\Z", re.ASCII)
_DEEPEST = 12  # macros within each other
_MOST = 5000  # arguments of one file


@dataclass(frozen=True, slots=True)
class Given:
    """A name that is the whole of an argument of what may be a macro at file scope."""

    name: str
    at: int
    macro: str
    number: int


@functools.lru_cache(maxsize=128)  # a pure function of the bytes
def given_at_file_scope(data: bytes) -> tuple[Given, ...]:
    """The arguments of a file's macros at file scope that are a name each, in order."""
    source = code(data)
    outline = outline_of(data)
    if not outline.whole:
        return ()
    found = [
        each
        for chunk in outline.chunks
        if chunk.body is None and chunk.sure
        for each in _given(source, chunk.start, chunk.end)
    ]
    return tuple(found[:_MOST])


def _given(source: Code, start: int, end: int) -> Iterator[Given]:
    """The names that a run of macros, with or without semicolons, is given."""
    text = source.plain
    while match := _INVOKED.match(text, start, end):
        close = closing(text, match.end() - 1, end + 1)
        if close is None:
            return
        after = _NEXT.match(text, close + 1, end + 1)
        assert after is not None
        if after.end() <= end and "\n" not in after[0]:
            return  # ``f(x) y``: a declaration
        for number, (first, last) in enumerate(split(text, match.end(), close)):
            name = text[first:last].strip()
            if _NAME.fullmatch(name):
                yield Given(name, text.index(name, first), match[1], number)
        start = after.end()


@fact
def used(tree: Snapshot, path: str, arch: str, macro: str, number: int) -> bool:
    """Whether a macro that a file reaches uses an argument, and may not declare it."""
    return _used(tree, path, arch, macro, number, 0) == "value"


def _used(tree: Snapshot, path: str, arch: str, macro: str, number: int, depth: int) -> str:
    """``value``, ``nothing`` for what is pasted or made a text only, or ``doubt``."""
    definitions = _definitions(tree, path, arch, macro)
    if depth > _DEEPEST or not definitions:
        return "doubt"
    answers = set()
    for parameters, body in definitions:
        if number >= len(parameters):
            return "doubt"
        answers.add(_in_body(tree, path, arch, parameters[number], body, depth))
    return answers.pop() if len(answers) == 1 else "doubt"


def _in_body(tree: Snapshot, path: str, arch: str, parameter: str, body: str, depth: int) -> str:
    answer = "nothing"
    for match in re.finditer(rf"(?<![\w$]){re.escape(parameter)}(?![\w$])", body, re.ASCII):
        before, after = body[: match.start()].rstrip(), body[match.end() :].lstrip()
        if before.endswith("#") or after.startswith("##"):
            continue
        role = _role(tree, path, arch, body, match.start(), match.end(), depth)
        if role == "doubt":
            return role
        if role == "value":
            answer = role
    return answer


def _role(tree: Snapshot, path: str, arch: str, body: str, at: int, end: int, depth: int) -> str:
    opening = _opening(body, at)
    callee = _CALLEE.search(body, max(0, opening - 100), opening) if opening >= 0 else None
    if callee is not None:
        if body[: opening - len(callee[0])].rstrip().endswith("##"):
            return "doubt"  # what is called is put together
        if _definitions(tree, path, arch, callee[1]):
            close = closing(body, opening)
            parts = split(body, opening + 1, close) if close is not None else ()
            number = next((n for n, (first, last) in enumerate(parts) if first <= at < last), -1)
            whole = number >= 0 and body[slice(*parts[number])].strip() == body[at:end]
            return _used(tree, path, arch, callee[1], number, depth + 1) if whole else "doubt"
        return "value" if _VALUE.search(body, max(0, at - 20), at) and callee[1] != "asm" else "doubt"
    if _VALUE.search(body, max(0, at - 20), at):
        return "value"
    if (
        body[end:].lstrip().startswith("(")
        and _STATEMENT.search(body, max(0, at - 20), at)
        and "{" in body[:at]
    ):
        return "value"  # a call
    return "value" if body[end:].strip() in ("", ";") and body[:at].rstrip().endswith("=") else "doubt"


def _opening(body: str, at: int) -> int:
    """The bracket that is open at an offset, -1 if none is or a brace."""
    depth = 0
    for index in range(at - 1, -1, -1):
        if body[index] in ")}]":
            depth += 1
        elif body[index] in "({[":
            if not depth:
                return index if body[index] == "(" else -1
            depth -= 1
    return -1


@fact
def _definitions(tree: Snapshot, path: str, arch: str, name: str) -> tuple[tuple[tuple[str, ...], str], ...]:
    """The parameters and the texts of the function-like macros of a name that a file may reach."""
    closure = reached(tree, path, arch)
    wanted = re.compile(rb"#[ \t]*define[ \t]+" + re.escape(name).encode() + rb"\(")
    found = []
    for each in (*closure.always, *closure.under):
        data = tree.peek(each)  # each is in the footprint of the closure
        if data is None or name.encode() not in data or not wanted.search(data):
            continue
        source = code(data)
        for macro in source.macros:
            if macro.name == name and macro.parameters is not None:
                body = source.text[macro.body : macro.end].replace("\\\n", " \n")
                found.append((macro.parameters, body))
    return tuple(found)


def alone(tree: Snapshot, path: str, arch: str, name: str) -> bool:
    """Whether a file has a name nowhere but where macros at file scope use it, and reaches it in no header."""
    data = tree.read(path)
    if data is None:
        return False
    sites = [each for each in given_at_file_scope(data) if each.name == name]
    word = re.compile(rf"(?<![\w$]){re.escape(name)}(?![\w$])", re.ASCII)
    if not sites or len(word.findall(code(data).text)) != len(sites):
        return False
    closure = reached(tree, path, arch)
    if not closure.whole or not all(used(tree, path, arch, each.macro, each.number) for each in sites):
        return False
    return not any(
        each != path and (text := tree.peek(each)) is not None and holds_word(text, name)
        for each in (*closure.always, *closure.under)
    )
