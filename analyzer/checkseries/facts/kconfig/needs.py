"""What a symbol needs by the mere text of its entry: cheaper than a model, and never more than is so.

A proof of this kind is one of need only: "X is not y without Y". That it needs nothing else is not said. Of the
blocks around an entry, those of other files count too as long as each file is sourced at one place.
"""

from __future__ import annotations

import posixpath
import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from checkseries.facts.kconfig.lexical import definitions, paths, sources, statements
from checkseries.tree import Snapshot, fact

_MOST = 200  # symbols that one needs
_DEEPEST = 12  # files that source each other
_TYPE = re.compile(r"\s*(?:def_)?(bool|tristate)\b", re.ASCII)
_SELECT = re.compile(r"\s*select\s+(\w+)\s*(?:#.*)?$", re.ASCII)
_DEPENDS = re.compile(r"\s*(?:depends\s+on|if)\s+([^|()]+?)\s*(?:#.*)?$", re.ASCII)
_TERM = re.compile(r"(\w+)(?:\s*=\s*(y))?", re.ASCII)
_BLOCK = re.compile(
    r"\s*(config|menuconfig|choice|endchoice|menu|endmenu|if|endif|source|comment|mainmenu)\b(.*)", re.ASCII
)
_SOURCED = re.compile(r"""\s*["']([^"'\n$]+)["']""")

_Need = tuple[str, str]
"""How a symbol needs another one: ``select``, ``depends`` or ``depends=y``, and its name."""


@dataclass(slots=True)
class _Open:
    """An ``if`` or ``menu`` that is being read."""

    word: str
    needs: list[_Need]


@dataclass(frozen=True, slots=True)
class _Entry:
    """One entry of a symbol, with what the blocks around it in its file ask for."""

    kind: str
    needs: tuple[_Need, ...]


@fact
def _read(
    tree: Snapshot, path: str
) -> tuple[Mapping[int, _Entry], tuple[tuple[str, tuple[_Need, ...]], ...]]:
    """The entries of a Kconfig file by line, and each path that it sources with what stands around that."""
    entries: dict[int, _Entry] = {}
    sourced: list[tuple[str, tuple[_Need, ...]]] = []
    stack: list[_Open] = []
    needs: list[_Need] = []
    line, kind, word = 0, "", ""
    for statement in (*statements(tree.text(path) or ""), [(0, "mainmenu")]):
        text = " ".join(part for _, part in statement)
        if match := _BLOCK.match(text):
            if line:
                entries[line] = _Entry(kind, tuple(needs))
            line, kind, word = 0, "", match[1]
            around = [need for each in stack for need in each.needs]
            if word in ("config", "menuconfig"):
                line, needs = statement[0][0], around
            elif word in ("if", "menu"):
                stack.append(_Open(word, _depends(text) if word == "if" else []))
            elif word in ("endif", "endmenu"):
                del stack[-1:]
            elif word == "source" and (name := _SOURCED.match(match[2])):
                sourced.append((posixpath.normpath(name[1]), tuple(around)))
        elif line:
            if match := _TYPE.match(text):
                kind = match[1]
            elif match := _SELECT.match(text):
                needs.append(("select", match[1]))
            else:
                needs += _depends(text)
        elif word == "menu" and stack:
            stack[-1].needs += _depends(text)
    return MappingProxyType(entries), tuple(sourced)


def _depends(text: str) -> list[_Need]:
    """What a ``depends on`` or ``if`` asks for, as far as it is a mere list of symbols."""
    match = _DEPENDS.match(text)
    terms = (_TERM.fullmatch(term.strip()) for term in match[1].split("&&")) if match else ()
    return [("depends=y" if one[2] else "depends", one[1]) for one in terms if one]


@fact
def _sourced(tree: Snapshot) -> Mapping[str, tuple[str, ...]]:
    """Who sources each Kconfig file."""
    found: dict[str, tuple[str, ...]] = {}
    for path in paths(tree):
        for other in sources(tree, path):
            found[other] = (*found.get(other, ()), path)
    return MappingProxyType(found)


@fact
def _around(tree: Snapshot, path: str, depth: int) -> tuple[_Need, ...]:
    """What stands around the one place where a file is sourced."""
    by = _sourced(tree).get(path, ())
    if len(by) != 1 or depth > _DEEPEST:
        return ()
    places = [needs for other, needs in _read(tree, by[0])[1] if other == path]
    return (*places[0], *_around(tree, by[0], depth + 1)) if len(places) == 1 else ()


@fact
def _entry(tree: Snapshot, name: str) -> _Entry:
    """The entry of a symbol that is defined once, with all around it; nothing of any other."""
    found = definitions(tree).get(name, ())
    if len(found) != 1:
        return _Entry("", ())
    ((path, line),) = found
    entry = _read(tree, path)[0].get(line)
    return _Entry(entry.kind, (*entry.needs, *_around(tree, path, 0))) if entry else _Entry("", ())


@fact
def needed(tree: Snapshot, name: str, value: str) -> Mapping[str, str]:
    """The least values, ``m`` or ``y``, of the symbols that one with a value of ``m`` or ``y`` needs."""
    least = {name: value}
    pending = deque([name])
    while pending and len(least) < _MOST:
        each = pending.popleft()
        entry = _entry(tree, each)
        kind = entry.kind
        for how, other in entry.needs:
            other_kind = _entry(tree, other).kind
            if how == "select":
                given = "y" if kind == "bool" else least[each]
            elif how == "depends=y":
                given = "y"
            else:
                given = least[each] if kind == "tristate" else "m"
            given = "y" if other_kind == "bool" else given
            if other_kind and least.get(other) not in (given, "y"):
                least[other] = given
                pending.append(other)
    return MappingProxyType(least)
