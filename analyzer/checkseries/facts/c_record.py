"""The members of structs and unions: each with its type's words and the condition under which it is there.

What a macro brings into a body is not known: its words count as *loose*, and a body that holds a macro which nobody
knows is not *whole*.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from checkseries.facts.c_decl import arch_of
from checkseries.facts.c_given import macro_for, read_with
from checkseries.facts.c_head import heads
from checkseries.facts.c_layout import bodies_in
from checkseries.facts.c_outline import LARGEST
from checkseries.facts.c_text import Code, closing, code, place, split
from checkseries.facts.c_words import QUALIFIERS, TAGGED, attribute
from checkseries.facts.presence import Expression, presence_of
from checkseries.model import Place
from checkseries.tree import Kept, Snapshot, fact

_TAGGED = re.compile(rb"\b(struct|union)\s[^;{}=,*]{0,200}\{")
_WORD_OF = re.compile(rb"[A-Za-z_]\w*")
_WORD = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_NEST = re.compile(r"[(){}\[\];]")
_NESTED = re.compile(r"\s*+(?:(?:const|volatile)\s++)*+(struct|union|enum)\b([^{};()]*+)\{", re.ASCII)
_MACRO = re.compile(r"\s*+([A-Za-z_]\w*+)\s*+\((?!\s*+[*^])", re.ASCII)
_PADDING = re.compile(
    r"\s*+(?:(?:(?:unsigned|signed|const|int|long|short|char)\b\s*+)++|[A-Za-z_]\w*+\s*+):\s*+\w++\s*+",
    re.ASCII,
)
_NO_MEMBERS = frozenset(("static_assert", "_Static_assert"))
_PLAIN_MACROS = frozenset(
    (
        "DECLARE_BITMAP",
        "DECLARE_FLEX_ARRAY",
        "__DECLARE_FLEX_ARRAY",
        "DECLARE_HASHTABLE",
        "DECLARE_KFIFO",
        "DECLARE_KFIFO_PTR",
        "struct_group",
        "struct_group_attr",
        "struct_group_tagged",
        "__struct_group",
    )
)
"""Macros whose members are all named in their arguments."""
_DEEPEST = 12
_MOST = 2000  # declarations of one body


@dataclass(frozen=True, slots=True)
class Field:
    """A member of a struct or union, those of nameless ones within it included."""

    name: str
    type: str
    """The words of its type without qualifiers and stars; empty if nothing is to be looked into."""
    inner: Record | None
    """The nested type whose body stands here."""
    condition: Expression
    place: Place


@dataclass(frozen=True, slots=True)
class Record:
    """One definition of a struct or union."""

    place: Place
    fields: tuple[Field, ...]
    loose: frozenset[str]
    """Words of declarations that are not understood: any of them may be a member's name."""
    whole: bool
    """Whether no macro may bring members of other names."""

    def named(self, name: str) -> tuple[Field, ...]:
        """The declarations of a member, one a branch of ``#if``."""
        return tuple(each for each in self.fields if each.name == name)


@fact(kept=Kept())
def tags_in(tree: Snapshot, path: str) -> frozenset[bytes]:
    """The words that may be tags of structs and unions which a file defines."""
    data = tree.read(path)
    if data is None or len(data) > LARGEST:
        return frozenset()
    return frozenset(word for match in _TAGGED.finditer(data) for word in _WORD_OF.findall(match[0]))


@fact
def defining(tree: Snapshot, path: str) -> Mapping[bytes, tuple[str, ...]]:
    """The files that may define each tag, of those that a file is read with."""
    found: dict[bytes, list[str]] = {}
    for each in read_with(tree, path).paths:
        for tag in tags_in(tree, each):
            found.setdefault(tag, []).append(each)
    return MappingProxyType({tag: tuple(paths) for tag, paths in found.items()})


@fact
def records_in(tree: Snapshot, path: str, kind: str, tag: str) -> tuple[Record, ...]:
    """The definitions of a tag in one file."""
    data = tree.read(path)
    if data is None:
        return ()
    source = code(data)
    return tuple(
        _record(source, path, tag, body.brace + 1, body.close, 0) for body in bodies_in(tree, path, kind, tag)
    )


def records(tree: Snapshot, path: str, type_words: str, arch: str) -> tuple[Record, ...]:
    """The definitions of a struct or union that a file may mean on an arch ("" for any); nothing if not one file's."""
    words = [word for word in type_words.split() if word not in QUALIFIERS]
    if len(words) != 2 or words[0] not in TAGGED - {"enum"} or macro_for(tree, path, words[1]):
        return ()
    found: list[Record] = []
    for each in defining(tree, path).get(words[1].encode(), ()):
        if arch and arch_of(each) not in (None, arch):
            continue
        here = records_in(tree, each, words[0], words[1])
        if here and found:
            return ()  # which of two files is meant is not known
        found += here
    return tuple(found)


def _record(source: Code, path: str, tag: str, start: int, end: int, depth: int) -> Record:
    fields: list[Field] = []
    loose: set[str] = set()
    whole = depth < _DEEPEST and not any(
        each.word in ("include", "pragma") for each in source.directives_in(start, end)
    )
    declarations = (
        tuple(itertools.islice(_declarations(source.plain, start, end), _MOST + 1)) if whole else ()
    )
    whole = whole and len(declarations) <= _MOST
    for begin, stop, closed in declarations:
        read = _read(source, path, tag, begin, stop, depth) if closed else None
        if read is None:
            found = _WORD.findall(source.plain, begin, stop)
            loose.update(found)
            macro = _MACRO.match(source.plain, begin, stop)
            whole = whole and (macro is not None and macro[1] in _PLAIN_MACROS)
        else:
            fields += read.fields
            loose |= read.loose
            whole = whole and read.whole
    return Record(place(source, path, start, tag), tuple(fields), frozenset(loose), whole)


def _declarations(text: str, start: int, end: int) -> Iterator[tuple[int, int, bool]]:
    """The declarations in a body, and whether a semicolon ends them."""
    depth = 0
    begin = start
    for match in _NEST.finditer(text, start, end):
        if match[0] in "({[":
            depth += 1
        elif match[0] in ")}]":
            depth -= 1
        elif depth == 0:
            if text[begin : match.start()].strip():
                yield begin, match.start(), True
            begin = match.end()
    if text[begin:end].strip():
        yield begin, end, False


def _read(source: Code, path: str, tag: str, begin: int, end: int, depth: int) -> Record | None:
    """The members of one declaration; None if it is not understood."""
    text = source.plain
    macro = _MACRO.match(text, begin, end)
    if (macro and macro[1] in _NO_MEMBERS) or _PADDING.fullmatch(text, begin, end):
        return Record(place(source, path, begin, tag), (), frozenset(), whole=True)
    nested = _NESTED.match(text, begin, end)
    first = begin + len(text[begin:end]) - len(text[begin:end].lstrip())
    if nested is None:
        if macro or source.directives_in(first, end):
            return None
        found = heads(text, begin, end)
        if len(found) != len(split(text, begin, end)):
            return None  # nameless bits among others
        if not all(each.sure and not each.storage and not each.parameters for each in found):
            return None
        return Record(
            place(source, path, first, tag),
            tuple(
                _field(
                    source, path, tag, each.name, each.at, "" if each.function_pointer else each.type, None
                )
                for each in found
            ),
            frozenset(),
            whole=True,
        )
    brace = nested.end() - 1
    close = closing(text, brace, end)
    if close is None or source.directives_in(close, end):
        return None
    names = [word for word in _WORD.findall(text, close + 1, end) if not attribute(word)]
    inner = None if nested[1] == "enum" else _record(source, path, tag, brace + 1, close, depth + 1)
    tags = [word for word in nested[2].split() if not attribute(word)]
    if names:
        tail = f"struct _ {text[close + 1 : end]}"
        found = heads(tail, 0, len(tail))
        if not found or not all(each.sure for each in found):
            return None
        return Record(
            place(source, path, first, tag),
            tuple(
                _field(source, path, tag, each.name, close + each.at - 8, "", inner)
                for each in found
                if each.name
            ),
            frozenset(),
            whole=True,
        )
    if inner is None or tags:
        return None
    return inner


def _field(
    source: Code, path: str, tag: str, name: str, at: int, type_words: str, inner: Record | None
) -> Field:
    where = place(source, path, at, tag)
    plain = " ".join(word for word in type_words.split() if word not in QUALIFIERS)
    return Field(name, plain, inner, presence_of(source.data).at(where.line), where)
