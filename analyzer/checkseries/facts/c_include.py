"""Headers: what a file includes, as far as names tell.

Nothing is preprocessed, so this is more than any one build sees: both branches of an ``#if``, and the headers of
every architecture where a path says ``asm/``. What is not in it is not included.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from checkseries.facts.c_decl import HOST_PROGRAMS, arch_of
from checkseries.tree import Kept, Snapshot, fact

_INCLUDE = re.compile(rb'^[ \t]*#[ \t]*include[ \t]*[<"]([\w./+-]{1,200})[>"]', re.MULTILINE)
_MOST = 4000
"""Files of one closure: a driver's is about 900."""
_HEADERS = (".h", ".inc", ".c")


@dataclass(frozen=True, slots=True)
class Closure:
    """What some files include, directly or not, themselves first."""

    paths: tuple[str, ...]
    missing: frozenset[str]
    """The names that no file of the tree answers to: headers that the build or the compiler brings."""
    whole: bool
    """False if it was cut short."""


@fact
def _named(tree: Snapshot, base: str) -> tuple[str, ...]:
    """What may be included, by the last component of its path."""
    if not base.endswith(_HEADERS):
        return ()
    return tuple(path for path in tree.named(base) if not path.startswith(HOST_PROGRAMS))


@fact(kept=Kept())
def includes(tree: Snapshot, path: str) -> tuple[str, ...]:
    """The names that a file includes, as written, in their order."""
    data = tree.read(path)
    if data is None:
        return ()
    return tuple(dict.fromkeys(match[1].decode() for match in _INCLUDE.finditer(data)))


@fact
def included(tree: Snapshot, path: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Each name that a file includes, with the files that may be meant."""
    here = path.rpartition("/")[0]
    own = arch_of(path)
    found: list[tuple[str, tuple[str, ...]]] = []
    for name in includes(tree, path):
        plain = name.rpartition("../")[2]
        answers = _named(tree, plain.rpartition("/")[2])
        near = f"{here}/{name}" if here else name
        if near in answers:
            found.append((name, (near,)))
            continue
        meant = [each for each in answers if each == plain or each.endswith(f"/{plain}")] or list(answers)
        if own is not None:  # another architecture's headers are not this one's
            meant = [each for each in meant if arch_of(each) in (None, own)] or meant
        generic = plain.removeprefix("asm/")
        if generic != plain:
            meant.append(f"include/asm-generic/{generic}")
        found.append((name, tuple(each for each in meant if tree.exists(each))))
    return tuple(found)


def closure(tree: Snapshot, roots: Iterable[str]) -> Closure:
    """All that files include, directly or not."""
    paths: list[str] = []
    missing: set[str] = set()
    for path in nearest_first(tree, roots):
        if len(paths) == _MOST:
            return Closure(tuple(paths), frozenset(missing), whole=False)
        paths.append(path)
        missing.update(name for name, answers in included(tree, path) if not answers)
    return Closure(tuple(paths), frozenset(missing), whole=True)


def nearest_first(tree: Snapshot, roots: Iterable[str]) -> Iterator[str]:
    """The files of a closure, those with the fewest steps from its roots first, as far as they are asked for."""
    seen = dict.fromkeys(roots)
    todo = deque(seen)
    while todo:
        path = todo.popleft()
        yield path
        for _, answers in included(tree, path):
            todo.extend(each for each in answers if each not in seen)
            seen.update(dict.fromkeys(answers))
