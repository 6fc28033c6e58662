"""Which struct a member belongs to where a file names it: a small inference of types.

Known are ``a.b->c[i].d`` with a local, a parameter or an object of the file at its head, designators of
initialisers whose type is written there, and ``container_of(p, struct tag, a.b)`` and its like. All else, such as
what a call or a macro gives, is unknown. How often a name is a pointer does not matter: C that is otherwise right
has one struct that can be meant.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from checkseries.facts.c_given import macro_for, may_be_macro
from checkseries.facts.c_object import objects_named
from checkseries.facts.c_outline import Function, functions, outline_of
from checkseries.facts.c_record import Record, records
from checkseries.facts.c_scope import local, scope
from checkseries.facts.c_text import Code, brackets, code
from checkseries.facts.c_words import QUALIFIERS, STATEMENT
from checkseries.tree import Snapshot

_ACCESS = re.compile(r"(?:(?<![.\d])\.|->)\s*+([A-Za-z_]\w*)", re.ASCII)
_TYPED = re.compile(
    r"\b(?:offsetof|offsetofend|sizeof_field|container_of|container_of_const|list_entry|list_first_entry"
    r"|list_last_entry|list_first_entry_or_null|list_entry_rcu|hlist_entry|rb_entry|rb_entry_safe)\s*+\(",
    re.ASCII,
)
_TYPE = re.compile(
    r"[^;{}]*?(?<=[(,])\s*+(?:const\s++)?((?:struct|union)\s++\w++)\s*+,\s*+([A-Za-z_][\w.]*+)\s*+\)",
    re.ASCII,
)
_BEFORE = re.compile(r"([A-Za-z_]\w*|->|\S)\s*\Z", re.ASCII)
_DECLARED = re.compile(
    r"\b((?:struct|union)\s++\w++)\s*+((?:[A-Za-z_]\w*+\s*+|\[[^\]\[]*+\]\s*+)*+)=\s*+\Z", re.ASCII
)
_LITERAL = re.compile(
    r"\(\s*+(?:const\s++)?((?:struct|union)\s++\w++)\s*+((?:\[[^\]\[]*+\]\s*+)*+)\)\s*+\Z", re.ASCII
)
_DESIGNATOR = re.compile(r"((?:\.\s*[A-Za-z_]\w*\s*|\[[^\]\[]*\]\s*)+)=\s*\Z", re.ASCII)
_POINTER = re.compile(r"(->\s*|\.\s*)?(?<![\w$])([A-Za-z_]\w*)\s*->\s*\Z", re.ASCII)
_EVALUATED = frozenset(
    ("likely", "unlikely", "READ_ONCE", "WRITE_ONCE", "ARRAY_SIZE", "WARN_ON", "WARN_ON_ONCE", "BUG_ON")
)
"""Macros that the compiler sees the arguments of in every configuration."""
_DEEPEST = 12
_FAR = 2000
_LONGEST = 10_000  # characters from a designator back to the brace around it
_PIECE = 400  # characters that are looked at together on the way back
_MARK = re.compile(r"[()\[\]{};]")


@dataclass(frozen=True, slots=True)
class Named:
    """A place where a file names a member."""

    name: str
    at: int


def members_named(source: Code, start: int, end: int) -> Iterator[Named]:
    """Where a file names members between two offsets."""
    for match in _ACCESS.finditer(source.plain, start, end):
        yield Named(match[1], match.start(1))
    for match in _TYPED.finditer(source.plain, start, end):
        typed = _TYPE.match(source.plain, match.end(), min(end, match.end() + 400))
        if typed and "." not in typed[2]:
            yield Named(typed[2], typed.start(2))


@dataclass(frozen=True, slots=True)
class _Around:
    tree: Snapshot
    path: str
    arch: str
    source: Code
    function: Function | None

    def records(self, type_words: str) -> tuple[Record, ...]:
        return records(self.tree, self.path, type_words, self.arch)


def owner(tree: Snapshot, path: str, named: Named, arch: str) -> tuple[Record, ...]:
    """The definitions of the struct that a named member belongs to; nothing if that is not known."""
    around = _seen(tree, path, named, arch)
    return _owner(around, named.at, 0) if around else ()


def pointed(tree: Snapshot, path: str, named: Named) -> str:
    """The type in words of what a pointer before ``->`` points to, defined or not; nothing if that is not known."""
    data = tree.read(path) or b""
    before = _POINTER.search(code(data).plain, max(0, named.at - 200), named.at)
    around = _seen(tree, path, named, "") if before else None
    if around is None or before is None or around.function is None or macro_for(tree, path, before[2]):
        return ""
    if before[1]:
        fields = [each for record in _owner(around, before.start(2), 1) for each in record.named(before[2])]
        types = {each.type for each in fields if each.inner is None}
        return types.pop() if len(types) == 1 else ""
    found = local(scope(around.source, around.function), before[2], named.at)
    words = found.type.replace("*", " * ").split() if found else []
    return " ".join(word for word in words if word not in {"*", *QUALIFIERS}) if words.count("*") == 1 else ""


def _seen(tree: Snapshot, path: str, named: Named, arch: str) -> _Around | None:
    """What is around a member that the compiler surely sees; None if that is not clear."""
    data = tree.read(path)
    if data is None:
        return None
    source = code(data)
    chunk = outline_of(data).chunk(named.at)
    if chunk is None or not chunk.sure:
        return None
    inside = functions(source, chunk) if chunk.body and named.at > chunk.body[0] else ()
    if len(inside) > 1 or (inside and (inside[0].head is None or not inside[0].sure)):
        return None
    around = _Around(tree, path, arch, source, inside[0] if inside else None)
    return None if _vanishes(around, named.at, chunk.start) else around


def _vanishes(around: _Around, at: int, start: int) -> bool:
    """Whether a call around an offset is that of a macro that may drop its arguments, or give them another sense."""
    text = around.source.plain
    close = brackets(text)
    begin = max(start, at - _FAR)
    for match in re.finditer(r"\(", text[begin:at]):
        opening = begin + match.start()
        if close.get(opening, at) < at:
            continue
        before = _BEFORE.search(text, max(start, opening - 200), opening)
        word = before[1] if before else ""
        if not (word[:1].isalpha() or word[:1] == "_") or word in STATEMENT | _EVALUATED:
            continue
        if _TYPED.match(f"{word}("):
            continue
        if may_be_macro(around.tree, around.path, word):
            return True
    return False


def _owner(around: _Around, at: int, depth: int) -> tuple[Record, ...]:
    """The struct of the member whose name begins at an offset."""
    text = around.source.plain
    if depth > _DEEPEST:
        return ()
    before = _BEFORE.search(text, max(0, at - 200), at)
    if before is None:
        return ()
    if before[1] == ",":
        return _typed(around, at)
    if before[1] not in (".", "->"):
        return ()
    return _value(around, before.start(1), depth)


def _typed(around: _Around, at: int) -> tuple[Record, ...]:
    text = around.source.plain
    for match in _TYPED.finditer(text, max(0, at - 400), at):
        typed = _TYPE.match(text, match.end(), at + 200)
        if typed and typed.start(2) == at:
            return around.records(typed[1])
    return ()


def _value(around: _Around, end: int, depth: int) -> tuple[Record, ...]:
    """The struct that the expression which ends before an offset is, or points to."""
    text = around.source.plain
    at = _stripped(text, end)
    indices = 0
    while at and text[at - 1] == "]":
        opening = _opening(text, at - 1)
        if opening is None:
            return ()
        at = _stripped(text, opening)
        indices += 1
    if not at:
        return ()
    if text[at - 1] in "{,":
        return _initialised(around, end, indices, depth)
    word = re.search(r"(?<![\w$])[A-Za-z_]\w*\Z", text[max(0, at - 200) : at], re.ASCII)
    if word is None:
        return ()
    name = word[0]
    start = at - len(name)
    before = _BEFORE.search(text, max(0, start - 200), start)
    if before is not None and before[1] in (".", "->"):
        return _into(around, _owner(around, start, depth + 1), name)
    if before is not None and before[1] == "," and (typed := _typed(around, start)):
        return _into(around, typed, name)
    return _variable(around, name, start)


def _stripped(text: str, end: int) -> int:
    """The offset behind the last character before an offset that is not blank."""
    begin = max(0, end - _FAR)
    return begin + len(text[begin:end].rstrip())


def _opening(text: str, close: int) -> int | None:
    depth = 0
    for at in range(close, max(-1, close - _FAR), -1):
        depth += {"]": 1, "[": -1}.get(text[at], 0)
        if depth == 0:
            return at
    return None


def _into(around: _Around, found: tuple[Record, ...], name: str) -> tuple[Record, ...]:
    """The struct of a member of structs, all of which must agree."""
    if not found or macro_for(around.tree, around.path, name):
        return ()
    answers: dict[tuple[Record, ...], None] = {}
    for record in found:
        fields = record.named(name)
        if not fields and (name in record.loose or not record.whole):
            return ()
        for each in fields:
            answers[(each.inner,) if each.inner else around.records(each.type)] = None
    return next(iter(answers)) if len(answers) == 1 else ()


def _variable(around: _Around, name: str, at: int) -> tuple[Record, ...]:
    if macro_for(around.tree, around.path, name):
        return ()
    if around.function is not None:
        found = local(scope(around.source, around.function), name, at)
        if found is not None:
            return around.records(found.type.replace("*", " "))
    objects = objects_named(around.tree, around.path, name)
    types = {" ".join(each.type.replace("*", " ").split()) for each in objects if each.sure}
    if len(types) != 1 or not all(each.sure for each in objects):
        return ()
    return around.records(types.pop())


def _initialised(around: _Around, end: int, elements: int, depth: int) -> tuple[Record, ...]:
    """The struct whose initialiser holds the designator that ends at an offset.

    ``elements`` counts the arrays that it is an element of: as many dimensions must be declared.
    """
    text = around.source.plain
    opening = _brace(text, end)
    if opening is None or depth > _DEEPEST:
        return ()
    head = text[max(0, opening - 600) : opening]
    own = head[max(head.rfind(mark) for mark in ";{}") + 1 :]
    if typed := _LITERAL.search(own) or _DECLARED.search(own):
        return around.records(typed[1]) if typed[2].count("[") == elements else ()
    designator = _DESIGNATOR.search(own)
    if designator:
        names = re.findall(r"\.\s*([A-Za-z_]\w*)", designator[1])
        indices = designator[1].count("[")
        if not names:
            return _initialised(around, opening, elements + indices, depth + 1)
        if elements or indices:
            return ()
        found = _initialised(around, opening - len(own) + designator.start(1), 0, depth + 1)
        for name in names:
            found = _into(around, found, name)
        return found
    if not own.strip() or own.rstrip().endswith(","):
        return _initialised(around, opening, elements + 1, depth + 1)
    return ()


def _brace(text: str, at: int) -> int | None:
    """The brace that is open at an offset, with no other bracket open within."""
    open_: list[str] = []
    end = at
    while end > max(0, at - _LONGEST):
        begin = max(0, at - _LONGEST, end - _PIECE)
        for match in reversed([*_MARK.finditer(text, begin, end)]):
            character = match[0]
            if character in ")]}":
                open_.append(character)
            elif character in "([{":
                if not open_:
                    return match.start() if character == "{" else None
                open_.pop()
            elif not open_:
                return None
        end = begin
    return None
