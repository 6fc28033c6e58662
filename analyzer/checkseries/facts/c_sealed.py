"""What is read-only once boot is over: the objects in .data..ro_after_init (include/linux/cache.h)."""

from __future__ import annotations

import re

from checkseries.facts.c_decl import kernel_source
from checkseries.facts.c_object import CObject, objects_named
from checkseries.tree import Kept, Snapshot, fact

ATTRIBUTE = "__ro_after_init"
_WORD = re.compile(rb"[A-Za-z_]\w*")


def sealed(each: CObject) -> bool:
    """Whether an attribute puts the object into that section."""
    return any("ro_after_init" in attribute for attribute in each.attributes)


@fact
def sealed_objects(tree: Snapshot, name: str) -> tuple[CObject, ...]:
    """The definitions of an object of that name that are put there, by path and line."""
    return tuple(
        each
        for path in tree.grep(ATTRIBUTE)
        if kernel_source(path) and name in words_nearby(tree, path)
        for each in objects_named(tree, path, name)
        if sealed(each) and not each.extern
    )


@fact
def names_nearby(tree: Snapshot) -> frozenset[str]:
    """Every word on a line with the attribute, or on the line before: the names of all such objects, and more."""
    return frozenset().union(
        *(words_nearby(tree, path) for path in tree.grep(ATTRIBUTE) if kernel_source(path))
    )


@fact(kept=Kept())
def words_nearby(tree: Snapshot, path: str) -> frozenset[str]:
    """The same for one file."""
    lines = (tree.read(path) or b"").split(b"\n")
    found: set[str] = set()
    for number, line in enumerate(lines):
        if b"ro_after_init" in line:
            for text in lines[max(number - 1, 0) : number + 2]:
                found.update(word.decode() for word in _WORD.findall(text))
    return frozenset(found)
