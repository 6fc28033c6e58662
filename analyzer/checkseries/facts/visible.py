"""Whether a C file can see a name on an architecture: under which options anything it reaches may declare it.

Any occurrence of a name outside of function bodies, initialisers and the members of a struct may declare it, a
prototype's parameter too; so may one in a macro's text that follows a type. What is said not to be visible is
declared nowhere that the file reaches; the converse is not sure.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass

from checkseries.facts.c_decl import arch_of, kernel_source
from checkseries.facts.c_outline import Chunk, outline_of
from checkseries.facts.c_text import Code, code
from checkseries.facts.presence import (
    ALWAYS,
    NEVER,
    Expression,
    every,
    presence_of,
    some,
    widest,
)
from checkseries.facts.reach import reached, when
from checkseries.tree import Kept, Snapshot, fact
from checkseries.tree.base import identifiers

_TYPE_BEFORE = re.compile(r"([A-Za-z_]\w*|\*)\s*$", re.ASCII)
_NO_TYPE = frozenset(("return", "else", "do", "case", "goto", "sizeof", "typeof", "defined", "in"))
_MOST = 40  # occurrences in one file whose conditions are told apart
_OPENERS = re.compile(r"\b(struct|union|enum)\b[^;{}()=]*$|(=)\s*(?:\([^()]*\)\s*)?$", re.ASCII)


@functools.lru_cache(maxsize=4096)  # a pure function of the bytes; few files hold any one name
def may_declare(data: bytes, name: str) -> Expression:
    """The options under which a file's own lines may declare a name; ``NEVER`` if none does."""
    if name.encode() not in data:
        return NEVER
    presence = presence_of(data)
    found: list[Expression] = []
    for line in _lines(data, name):
        found.append(widest(presence.at(line)))
        if found[-1] == ALWAYS or len(found) > _MOST:
            return ALWAYS
    return some(tuple(found))


def _lines(data: bytes, name: str) -> Iterator[int]:
    """The lines at which a file may declare a name."""
    source = code(data)
    outline = outline_of(data)
    for match in re.finditer(rf"(?<![\w$]){re.escape(name)}(?![\w$])", source.text, re.ASCII):
        if _may(source, outline.chunk(match.start()), match.start()):
            yield source.line(match.start())


def _may(source: Code, chunk: Chunk | None, at: int) -> bool:
    """Whether the occurrence of a name at an offset may declare it."""
    directive = source.directive_at(at)
    if directive is not None:
        if directive.word != "define":
            return False
        macro = source.macro_at(at)
        if macro is None or at < macro.body:  # its name, or a parameter
            return macro is None or not source.text[directive.rest : at].strip()
        before = _TYPE_BEFORE.search(source.text, max(macro.body, at - 200), at)
        return before is not None and before[1] not in _NO_TYPE
    if chunk is None:
        return True
    if chunk.body is not None and chunk.body[0] < at < chunk.body[1]:
        return False
    return not _within(source.plain[chunk.start : at])


def _within(text: str) -> bool:
    """Whether what follows a text is a member of a struct or stands in an initialiser."""
    depth = 0
    value = True  # an ``=`` would belong to it
    for index in range(len(text) - 1, -1, -1):
        letter = text[index]
        if letter in "})":
            depth += 1
        elif letter in "{(" and depth:
            depth -= 1
        elif depth:
            continue
        elif letter == "{":
            opener = _OPENERS.search(text[max(0, index - 300) : index])
            if opener is not None and opener[1] != "enum":
                return True
            value = False
        elif letter in ",;":
            value = False
        elif letter == "=" and value:
            return True
    return False


@fact(kept=Kept())
def declares(tree: Snapshot, path: str, name: str) -> Expression:
    """The same for a file of the tree."""
    return may_declare(tree.read(path) or b"", name)


@fact(kept=Kept())
def words_in(tree: Snapshot, path: str) -> bytes:
    """The words of a file, each once, with a blank on both sides."""
    return b" %s " % b" ".join(sorted(identifiers(tree.read(path) or b"")))


@dataclass(frozen=True, slots=True)
class Visible:
    """What a file sees of a name on an architecture."""

    under: Expression
    """At most under these options is it declared."""
    by: tuple[str, ...]
    """The files that may declare it, of those that the file may reach."""
    whole: bool
    """Whether the closure was followed to its end."""


@fact
def visible(tree: Snapshot, path: str, name: str, arch: str) -> Visible:
    """What a file sees of a name on an architecture, itself included."""
    closure = reached(tree, path, arch)
    found: list[Expression] = []
    by: list[str] = []
    word = b" %s " % name.encode()
    for each in (*closure.always, *closure.under):
        own = declares(tree, each, name) if word in words_in(tree, each) else NEVER
        if own == NEVER:
            continue
        by.append(each)
        found.append(own if each in closure.always else every((own, when(closure, each))))
        if found[-1] == ALWAYS:
            return Visible(ALWAYS, (each,), closure.whole)
    return Visible(some(tuple(found)), tuple(dict.fromkeys(by)), closure.whole)


@fact
def declaring(tree: Snapshot, name: str) -> tuple[str, ...]:
    """The headers of the kernel that may declare a name, those of no architecture and with short paths first."""
    return tuple(
        sorted(
            (
                path
                for path in tree.grep(name)
                if kernel_source(path) and path.endswith(".h") and declares(tree, path, name) != NEVER
            ),
            key=lambda path: (
                arch_of(path) is not None,
                not path.startswith("include/linux/"),
                len(path),
                path,
            ),
        )
    )


@fact
def unseen(
    tree: Snapshot, path: str, names: frozenset[str], arch: str, leaving_out: frozenset[str]
) -> frozenset[str]:
    """Those names that a file may not see on an architecture, some of the headers that it reaches left out."""
    closure = reached(tree, path, arch)
    left = {name.encode(): name for name in names}
    for each in closure.always:
        if left and (each not in leaving_out or each == path):
            held = left.keys() & words_in(tree, each).split()
            for word in sorted(held):
                if declares(tree, each, left[word]) == ALWAYS:
                    del left[word]
    return frozenset(left.values())


def first_line(tree: Snapshot, path: str, name: str) -> int:
    """The line at which a file may declare a name first; 1 if none may."""
    return next(_lines(tree.read(path) or b"", name), 1)
