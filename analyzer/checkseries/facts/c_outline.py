"""What stands at file scope: where each declaration, function and type begins and ends.

A scan of brackets and semicolons, with the branches of ``#if`` taken one by one: each begins with the brackets
that were open at ``#if``, and what follows ``#endif`` goes on from the first branch. Two heads before one body
(``#ifdef`` around a parameter list) are two functions with the same body. When the branches do not open and
close alike, a ``}`` in the first column ends the function; what it ended is then not ``sure``.
"""

from __future__ import annotations

import functools
import re
from bisect import bisect_right
from dataclasses import dataclass, replace

from checkseries.facts.c_head import Head, heads
from checkseries.facts.c_text import Code, closing, code, tokens
from checkseries.facts.c_words import attribute

LARGEST = 2 << 20  # bytes of a file whose structure is read; larger ones are register headers without code
_MOST = 200_000  # chunks of one file

_BACK = 8  # chunks that may lie within a parted one

_TOP = re.compile(r"[{}();]")
_BRACE = re.compile(r"[{}]")
_CONDITIONAL = {
    "if": 1,
    "ifdef": 1,
    "ifndef": 1,
    "else": 0,
    "elif": 0,
    "elifdef": 0,
    "elifndef": 0,
    "endif": -1,
}
_TAG = re.compile(r"\b(?:struct|union|enum)\b", re.ASCII)
_NAME = re.compile(r"([A-Za-z_]\w*)\s*\(", re.ASCII)


@dataclass(frozen=True, slots=True)
class Chunk:
    """One declaration at file scope, from behind the one before to its ``;`` or its body's end."""

    start: int
    end: int
    body: tuple[int, int] | None
    """The offsets of the braces of a function (or of a macro's block); None for all else."""
    sure: bool = True


@dataclass(frozen=True, slots=True)
class Function:
    """A function's definition, or a block that a macro heads (``SYSCALL_DEFINE1(exit, ...) {``)."""

    name: str
    """For a macro's block ``SYSCALL_DEFINE1(exit)``."""
    head: Head | None
    start: int
    body: tuple[int, int]
    sure: bool


@dataclass(frozen=True, slots=True)
class Outline:
    """The chunks of a file in order."""

    chunks: tuple[Chunk, ...]
    whole: bool
    """Whether all brackets matched and nothing was left out."""

    def chunk(self, offset: int) -> Chunk | None:
        """The chunk that an offset lies in; of those that share a body and hold it there, the first."""
        number = bisect_right(self.chunks, offset, key=_start) - 1
        for _ in range(_BACK):  # a head that ``#if`` parts may hold others
            if number < 0 or offset <= self.chunks[number].end:
                break
            number -= 1
        if number < 0 or offset > self.chunks[number].end:
            return None
        chunk = self.chunks[number]
        while number and self.chunks[number - 1].end == chunk.end and chunk.body and offset > chunk.body[0]:
            number -= 1
            chunk = self.chunks[number]
        return chunk


def _start(chunk: Chunk) -> int:
    return chunk.start


@dataclass(frozen=True, slots=True)
class _State:
    """What is open: ``kind`` says what the braces that are open belong to."""

    depth: int = 0
    parens: int = 0
    start: int = 0
    opened: tuple[tuple[int, int], ...] = ()
    """(start of the chunk, offset of its ``{``) of the functions being read; several share a body."""
    kind: str = ""
    skewed: bool = False


@dataclass(frozen=True, slots=True)
class _Branches:
    """An ``#if`` being read: the state before it, and that at the end of its first branch that is not ``#if 0``.

    The flags tell whether a head was begun there.
    """

    before: _State
    pending: bool
    first: tuple[_State, bool] | None
    dead: bool


@functools.lru_cache(maxsize=192)  # a pure function of the bytes
def outline_of(data: bytes) -> Outline:
    """The outline of a file."""
    if len(data) > LARGEST:
        return Outline((), whole=False)
    source = code(data)
    chunks, whole = _chunks(source)
    return Outline(tuple(sorted(chunks, key=_start)), whole)


def _chunks(source: Code) -> tuple[list[Chunk], bool]:
    text = source.plain
    chunks: list[Chunk] = []
    state = _State()
    stack: list[_Branches] = []
    position = 0
    marks = [directive for directive in source.directives if directive.word in _CONDITIONAL]
    for mark in [*marks, None]:
        limit = mark.start if mark else len(text)
        state = _scan(text, position, limit, state, chunks)
        if len(chunks) > _MOST:
            return chunks, False
        if mark is None:
            break
        position = mark.end
        step = _CONDITIONAL[mark.word]
        if not state.depth and not text[state.start : mark.start].strip():
            state = replace(state, start=mark.end)  # nothing pending: each branch begins afresh
            pending = False
        else:
            pending = True
        if step > 0:
            dead = mark.word == "if" and text_of(source, mark.rest, mark.end) == "0"
            stack.append(_Branches(state, pending, None, dead))
        elif stack:
            branches = stack.pop()
            ended = (state, pending)
            first = branches.first or (None if branches.dead else ended)
            if step == 0:
                before = branches.before
                stack.append(replace(branches, first=first, dead=False))
                state = before if branches.pending else replace(before, start=mark.end)
            else:
                state = _joined(branches, first or ended, ended, mark.end)
    return chunks, state.depth == 0 and state.parens == 0 and not state.skewed


def text_of(source: Code, start: int, end: int) -> str:
    """The code between two offsets without the blanks around it."""
    return source.text[start:end].strip()


def _joined(branches: _Branches, first: tuple[_State, bool], last: tuple[_State, bool], end: int) -> _State:
    """What is open behind ``#endif``: the first branch's brackets, and the heads that either left pending."""
    kept, other = first[0], last[0]
    if branches.first is None:  # no #else: the other branch is nothing at all
        last = (branches.before, branches.pending)
        other = last[0]
    starts = [state.start for state, pending in (first, last) if pending and not state.depth]
    start = kept.start if kept.depth else min(starts, default=end)
    if (kept.depth, kept.parens) == (other.depth, other.parens):
        extra = tuple(each for each in other.opened if each not in kept.opened)
        return replace(kept, opened=kept.opened + extra, start=start)
    if kept.depth == 0 and other.depth == 0:
        return replace(kept, parens=min(kept.parens, other.parens), start=start)
    return replace(kept, skewed=True, start=start)


def _scan(text: str, position: int, limit: int, state: _State, chunks: list[Chunk]) -> _State:
    depth, parens, start = state.depth, state.parens, state.start
    opened, kind, skewed = state.opened, state.kind, state.skewed
    while True:
        if depth:
            match = _BRACE.search(text, position, limit)
            if match is None:
                break
            at = match.start()
            position = at + 1
            if match[0] == "{":
                depth += 1
                continue
            depth -= 1
            resync = depth > 0 and skewed and kind == "function" and text[at - 1 : at] == "\n"
            if resync:
                after = text[at + 1 : at + 40].lstrip()
                resync = not after.startswith((",", ";", ")", "else", "while"))
            if depth == 0 or resync:
                if kind == "function":
                    for begin, brace in opened or ((start, at),):
                        chunks.append(Chunk(begin, at, (brace, at), sure=not skewed))
                    start = at + 1
                depth, opened, kind, skewed = 0, (), "", False
            continue
        match = _TOP.search(text, position, limit)
        if match is None:
            break
        at = match.start()
        position = at + 1
        character = match[0]
        if character == "(":
            parens += 1
        elif character == ")":
            parens = max(0, parens - 1)
        elif parens:
            if character in "{}" and text[at - 1 : at] == "\n":  # a lost bracket: C puts these at file scope
                parens, skewed = 0, True
                position = at
        elif character == ";":
            if text[start:at].strip():
                chunks.append(Chunk(start, at, None))
            start = at + 1
        elif character == "}":  # closes extern "C" {
            start = at + 1
        else:
            kind = _kind(text, start, at)
            if kind == "linkage":
                start = at + 1
                continue
            depth = 1
            opened = ((start, at),) if kind == "function" else ()
    return _State(depth, parens, start, opened, kind, skewed)


def _kind(text: str, start: int, brace: int) -> str:
    """What a ``{`` at file scope opens."""
    head = text[max(start, brace - 4000) : brace].strip()
    if re.search(r"\bextern\s*\"\s*\"$", head):
        return "linkage"
    if head.endswith("=") or _tagged(head[-400:]):
        return "other"
    return "function" if head.endswith(")") or (_NAME.search(head) and "=" not in head) else "other"


def _tagged(head: str) -> bool:
    """Whether a head ends in ``struct attributes tag``, with nothing called behind it."""
    tags = [match.end() for match in _TAG.finditer(head)]
    if not tags:
        return False
    words = list(tokens(head, tags[-1]))
    index = 0
    while index < len(words):
        if words[index].text == ":":
            return True
        if not words[index].word:
            return False
        if attribute(words[index].text) and index + 1 < len(words) and words[index + 1].text == "(":
            close = closing(head, words[index + 1].at)
            if close is None:
                return False
            while index < len(words) and words[index].at < close:
                index += 1
        index += 1
    return True


def functions(source: Code, chunk: Chunk) -> tuple[Function, ...]:
    """What a chunk with a body defines: one function, two if ``#if`` parts its head, none without a body."""
    if chunk.body is None:
        return ()
    text = source.plain
    found: dict[int, Function] = {}
    for head in declarators(source, chunk.start, chunk.body[0]):
        if head.parameters and head.at not in found:
            found[head.at] = Function(head.name, head, chunk.start, chunk.body, sure=chunk.sure and head.sure)
    if found:
        return tuple(found.values())
    match = _NAME.search(text, chunk.start, chunk.body[0])
    if match is None:
        return (Function("", None, chunk.start, chunk.body, sure=False),)
    close = closing(text, match.end() - 1, chunk.body[0])
    first = text[match.end() : close or match.end()].split(",")[0].strip()
    return (Function(f"{match[1]}({first})", None, chunk.start, chunk.body, sure=False),)


def declarators(source: Code, start: int, end: int) -> tuple[Head, ...]:
    """The heads of the declaration between two offsets, in each variant that ``#if`` makes of it."""
    return _declarators(source.data, start, end)


@functools.lru_cache(
    maxsize=1024
)  # a pure function of the bytes; each name in a table asks for the table's head
def _declarators(data: bytes, start: int, end: int) -> tuple[Head, ...]:
    source = code(data)
    return tuple(
        replace(
            head,
            at=start + head.at,
            parameters=head.parameters and (start + head.parameters[0], start + head.parameters[1]),
            initialiser=None if head.initialiser is None else start + head.initialiser,
        )
        for variant in variants(source, start, end)
        for head in heads(variant, 0, len(variant))
    )


def variants(source: Code, start: int, end: int) -> tuple[str, ...]:
    """The code between two offsets, without directives; twice if ``#if`` parts it.

    First with the first branch of each ``#if``, then with the last; offsets are those from ``start`` on.
    """
    marks = [d for d in source.directives_in(start, end) if d.word in _CONDITIONAL]
    plain = source.plain[start:end]
    if not marks:
        return (plain,)
    found = []
    for last in (False, True):
        pieces = list(plain)
        stack: list[tuple[int, bool]] = []
        for mark in marks:
            step = _CONDITIONAL[mark.word]
            if step > 0:
                stack.append((mark.end, False))
                continue
            begin, later = stack.pop() if stack else (start, False)  # its #if stands before
            drop = (step == 0) if last else later
            if drop:
                for offset in range(begin - start, mark.start - start):
                    if pieces[offset] != "\n":
                        pieces[offset] = " "
            if step == 0:
                stack.append((mark.end, True))
        text = "".join(pieces)
        if text not in found:
            found.append(text)
    return tuple(found)


def function_at(source: Code, offset: int) -> Function | None:
    """The function, or the first of those that share a body, in whose body an offset lies."""
    chunk = outline_of(source.data).chunk(offset)
    if chunk is None or chunk.body is None or not chunk.body[0] < offset < chunk.body[1]:
        return None
    return next(iter(functions(source, chunk)), None)


def functions_named(source: Code, name: str) -> tuple[Function, ...]:
    """The definitions of a function in a file, in order."""
    outline = outline_of(source.data)
    found: dict[int, Function] = {}
    for match in re.finditer(rf"(?<![\w$]){re.escape(name)}\s*\(", source.plain, re.ASCII):
        chunk = outline.chunk(match.start())
        if chunk is not None and chunk.body is not None and match.start() < chunk.body[0]:
            for function in functions(source, chunk):
                if function.name == name:
                    found.setdefault(function.body[0], function)
    return tuple(found.values())


@functools.lru_cache(maxsize=64)  # a pure function of the bytes
def defined(data: bytes) -> tuple[Function, ...]:
    """All functions that a file defines, and the blocks that macros head, in their order."""
    source = code(data)
    return tuple(each for chunk in outline_of(data).chunks for each in functions(source, chunk))
