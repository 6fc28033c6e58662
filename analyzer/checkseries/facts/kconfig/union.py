"""What can be on any architecture at all: each costs a model, so it is asked only until one says yes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from checkseries.facts.answer import Impossible, Possible, Unknown
from checkseries.facts.kconfig.entries import entries
from checkseries.facts.kconfig.expression import leaves
from checkseries.facts.kconfig.lexical import concerns, definitions, paths, references
from checkseries.facts.kconfig.model import Model, archs, attempt
from checkseries.facts.kconfig.symbol import CONSTANTS, And, KconfigError, Symbol
from checkseries.tree import Snapshot, fact

MAX_MENTIONED = 100
"""Symbols in the dependencies of one that are asked for."""

_WORD = re.compile(r"\w+", re.ASCII)


@fact
def possible_on(
    tree: Snapshot, expressions: tuple[str, ...], first: tuple[str, ...], among: tuple[str, ...] = ()
) -> Mapping[str, str]:
    """For each expression an architecture that has a configuration in which it holds.

    "" if none has, which is proved; ``?`` if none is seen to have, but one could not be asked. The architectures
    ``first`` are asked first, then those whose own symbols the expressions mention, then all others, or those
    ``among`` a few alone.
    """
    left = dict.fromkeys(expressions, "")
    found: dict[str, str] = {}
    for arch in _order(tree, expressions, first):
        if among and arch not in among:
            continue
        if not left:
            break
        kconfig = attempt(tree, arch)
        if isinstance(kconfig, KconfigError):
            left = dict.fromkeys(left, "?")
            continue
        for expression in tuple(left):
            answer = kconfig.satisfiable(expression)
            if isinstance(answer, Possible):
                found[expression] = arch
                del left[expression]
            elif isinstance(answer, Unknown):
                left[expression] = "?"
    return MappingProxyType({**found, **left})


@dataclass(frozen=True, slots=True)
class Dead:
    """What keeps a symbol from being set on every architecture."""

    unknown: bool
    """Whether one of them could not be asked."""
    depends: str
    """Its dependencies on the first architecture that defines it."""
    met: bool
    """Whether they can be met somewhere, so that something else keeps it."""
    possible: Mapping[str, bool]
    """Of each symbol in them whether it can be set somewhere."""
    needs: tuple[str, ...] = ()
    """The symbols that it cannot be set without, unless it is selected."""


@fact
def dead_everywhere(tree: Snapshot, names: tuple[str, ...], first: tuple[str, ...]) -> Mapping[str, Dead]:
    """Which of some symbols can be set on no architecture, and why; in one go, as each costs a model."""
    done: dict[str, Dead] = {}
    left = {name: Dead(unknown=False, depends="", met=False, possible={}) for name in names}
    hints = [line for name in names for line in _needed(tree, name)]
    for arch in _order(tree, hints, first):
        if not left:
            break
        asked = {name: dead for name, dead in left.items() if not _without(tree, name, dead, arch)}
        if not asked:
            continue
        kconfig = attempt(tree, arch)
        for name, dead in asked.items():
            if isinstance(kconfig, KconfigError):
                left[name] = replace(dead, unknown=True)
                continue
            answer = kconfig.satisfiable(name)
            if isinstance(answer, Possible):
                del left[name]
            else:
                left[name] = _further(
                    kconfig, name, replace(dead, unknown=dead.unknown or isinstance(answer, Unknown))
                )
            for need in left[name].needs if name in left else ():
                if not left[name].possible.get(need) and _never(tree, need):
                    done[name] = left.pop(name)  # no model says more
                    break
    return MappingProxyType({**left, **done})


def _never(tree: Snapshot, name: str) -> bool:
    """Whether nothing can make a symbol y by the mere text of all files: no prompt, no default, no select."""
    for path, _ in definitions(tree).get(name, ()):
        for line in entries(tree, path).get(name, ()):
            word, _, rest = line.partition(" ")
            if word in ("default", "prompt", "def_bool", "def_tristate") or (
                word in ("bool", "tristate") and rest
            ):
                return False
    return not _selected(tree, name)


def _selected(tree: Snapshot, name: str) -> bool:
    """Whether any Kconfig file selects or implies a symbol."""
    return any(
        each.name == name and each.keyword in ("select", "imply")
        for path in paths(tree)
        if name in (tree.text(path) or "")
        for each in references(tree, path)
    )


def _further(kconfig: Model, name: str, dead: Dead) -> Dead:
    """What one more architecture says of a symbol that is dead there."""
    possible = dict(dead.possible)
    depends, met, needs = dead.depends, dead.met, dead.needs
    if kconfig.defined(name):
        depends = depends or kconfig.depends(name)
        met = met or not isinstance(kconfig.satisfiable(kconfig.depends(name) or "y"), Impossible)
        hanging = kconfig.tree.symbols[name].direct
        if len(hanging) == 1:
            parts = hanging[0].operands if isinstance(hanging[0], And) else tuple(hanging)
            needs = tuple(each.name for each in parts if isinstance(each, Symbol))
        mentions = {each.name for expression in hanging for each in leaves(expression)} - CONSTANTS.keys()
        possible = {**dict.fromkeys(sorted(mentions)[:MAX_MENTIONED], False), **possible}
    for other in [other for other, can in possible.items() if not can]:
        possible[other] = kconfig.defined(other) and isinstance(kconfig.satisfiable(other), Possible)
    return replace(dead, depends=depends, met=met, possible=MappingProxyType(possible), needs=needs)


def _without(tree: Snapshot, name: str, dead: Dead, arch: str) -> bool:
    """Whether an architecture reads no definition of something that a symbol needs: no model is needed to see that."""
    known = definitions(tree)
    own = f"arch/{arch}/"
    if any(
        path.startswith(own)
        for each, can in dead.possible.items()
        if not can
        for path, _ in known.get(each, ())
    ):
        return False  # it may tell that this one can be set at least
    without = any(
        need in known and not any(concerns(tree, path, arch) for path, _ in known[need])
        for need in dead.needs
    )
    return without and not _selected(tree, name)


def _needed(tree: Snapshot, name: str) -> Iterator[str]:
    """The words of the lines of a symbol's entry: those of an architecture say where to look first."""
    for path, _ in definitions(tree).get(name, ()):
        yield from entries(tree, path).get(name, ())


def _order(tree: Snapshot, expressions: Iterable[str], first: Iterable[str]) -> Iterator[str]:
    there = archs(tree)
    known = definitions(tree)
    own = (
        path.split("/")[1]
        for expression in expressions
        for name in _WORD.findall(expression)
        for path, _ in known.get(name, ())
        if path.startswith("arch/")
    )
    yield from (arch for arch in dict.fromkeys((*first, *own, *there)) if arch in there)
