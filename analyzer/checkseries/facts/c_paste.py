"""Names that macros put together with ``##``: what they may be put together from.

Only told by looks, so that more names are thought possible than are made.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from checkseries.facts.c_text import code
from checkseries.tree import Kept, Snapshot, fact

_INVOKED = re.compile(r"^(?:static[ \t]+)?[A-Za-z_]\w*[ \t]*\(([^;{}()]{1,2000})", re.MULTILINE | re.ASCII)
_PASTED = re.compile(r"([A-Za-z_]\w*)(?=[ \t]*##)|(?<=##)[ \t]*([A-Za-z_]\w*)", re.ASCII)
_WORD = re.compile(r"[A-Za-z_0-9]+", re.ASCII)
_LONGEST = 200_000
"""Characters of one macro: lists of messages that are passed to another macro are long."""
_SHORTEST = 2
"""Letters of an argument that is believed to be a part of a name."""


@fact(kept=Kept())
def invoked_with(tree: Snapshot, path: str) -> frozenset[str]:
    """The words that a file passes to macros at file scope, and to those within its own macros."""
    data = tree.read(path)
    if data is None:
        return frozenset()
    source = code(data)
    found = {word for match in _INVOKED.finditer(source.plain) for word in _WORD.findall(match[1])}
    for macro in source.macros:
        body = source.text[macro.body : macro.end]
        if "##" in body or "\\" in body:
            found.update(_WORD.findall(body[:_LONGEST]))
    return frozenset(word for word in found if len(word) >= _SHORTEST)


@fact(kept=Kept())
def affixes(tree: Snapshot, path: str) -> frozenset[str]:
    """The words that stand beside a ``##`` in a file and are no parameter of the macro."""
    data = tree.read(path)
    if data is None or b"##" not in data:
        return frozenset()
    source = code(data)
    found: set[str] = set()
    for macro in source.macros:
        body = source.text[macro.body : macro.end]
        if "##" in body:
            beside = {match[1] or match[2] for match in _PASTED.finditer(body)}
            found |= beside - set(macro.parameters or ())
    return frozenset(found)


@dataclass(frozen=True, slots=True)
class Pasting:
    """What the macros of some files put names together from."""

    given: frozenset[str]
    """The words that macros are given."""
    parts: frozenset[str]
    """The words that macros paste to them."""

    def may_give(self, name: str) -> bool:
        """Whether any macro may put a name together.

        That is, whether it begins or ends with a word that some macro pastes, and some macro is given a word that
        the rest begins or ends with.
        """
        rests = {name}  # what is pasted from arguments alone: both ends are given
        for part in self.parts:
            if len(part) < len(name):
                if name.startswith(part):
                    rests.add(name[len(part) :])
                if name.endswith(part):
                    rests.add(name[: -len(part)])
        whole = {word for word in self.given if word != name and word in name}
        return any(rest in whole for rest in rests) or any(
            rest.startswith(one) and rest[len(one) :].strip("_") in whole for rest in rests for one in whole
        )


def pasting(tree: Snapshot, paths: Iterable[str]) -> Pasting:
    """What the macros of some files put names together from."""
    parts: set[str] = set()
    given: set[str] = set()
    for path in paths:
        given |= invoked_with(tree, path)
        parts |= affixes(tree, path)
    return Pasting(frozenset(given), frozenset(parts))
