"""A parsed Kconfig tree as bytes and back: reading one costs a sixth of parsing it.

Symbols refer to each other in circles. Each is written once, flat, and stands elsewhere as its number.
"""

from __future__ import annotations

import io
import pickle  # only what _Reader allows is read
from dataclasses import fields
from typing import Any

from checkseries.facts.kconfig import symbol as kinds
from checkseries.facts.kconfig.symbol import MOD, NO, YES, Choice, Symbol, Tree, Type

_CONSTANTS = (NO, MOD, YES)  # one of each: they are compared by identity
_CLASSES = {
    each.__name__: each
    for each in (
        kinds.And,
        kinds.Or,
        kinds.Not,
        kinds.Relation,
        kinds.Prompt,
        kinds.Default,
        kinds.Range,
        kinds.Reverse,
        Type,
        kinds.Statement,
        kinds.Grammar,
    )
}
_TREE = tuple(each.name for each in fields(Tree) if each.name != "free")
_SYMBOL = tuple(each.name for each in fields(Symbol))
_CHOICE = tuple(each.name for each in fields(Choice))


def dumped(tree: Tree) -> bytes:
    """A tree as bytes; raises TypeError for one of a free toolchain, whose answers are functions."""
    if tree.free:
        raise TypeError("a tree with free answers is not kept")
    out = io.BytesIO()
    writer = _Writer(out, protocol=5)
    writer.dump(tuple(getattr(tree, name) for name in _TREE))
    written = 0
    while written < len(writer.found):  # writing some may meet others
        some = writer.found[written:]
        writer.dump([_state(each) for each in some])
        written += len(some)
    return bytes(isinstance(each, Choice) for each in writer.found) + b"\2" + out.getvalue()


def loaded(data: bytes) -> Tree:
    """The tree again; raises UnpicklingError, EOFError, IndexError or TypeError for what ``dumped`` did not write."""
    states, _, rest = data.partition(b"\2")
    reader = _Reader(io.BytesIO(rest))
    reader.found = [Choice("", 0) if choice else Symbol("") for choice in states]
    whole = reader.load()
    read = 0
    while read < len(reader.found):
        some = reader.load()
        for each, state in zip(reader.found[read:], some, strict=False):
            for name, value in zip(_CHOICE if type(each) is Choice else _SYMBOL, state, strict=True):
                setattr(each, name, value)
        read += len(some)
    return Tree(**dict(zip(_TREE, whole, strict=True)))


def _state(each: Symbol | Choice) -> tuple[object, ...]:
    names = _CHOICE if isinstance(each, Choice) else _SYMBOL
    # What a symbol needs is soon found again where anybody asks.
    return tuple(None if name == "needs" else getattr(each, name) for name in names)


class _Writer(pickle.Pickler):
    def __init__(self, file: io.BytesIO, protocol: int) -> None:
        super().__init__(file, protocol)
        self.found: list[Symbol | Choice] = []
        self._numbers: dict[int, int] = {}

    def persistent_id(self, obj: Any) -> int | None:
        kind = type(obj)
        if kind is not Symbol and kind is not Choice:
            return None
        for number, constant in enumerate(_CONSTANTS):
            if obj is constant:
                return -1 - number
        if id(obj) not in self._numbers:
            self._numbers[id(obj)] = len(self.found)
            self.found.append(obj)
        return self._numbers[id(obj)]

    def reducer_override(self, obj: Any) -> Any:
        kind = type(obj)
        if kind is Type or kind.__name__ not in _CLASSES:
            return NotImplemented
        # As a call: faster than what a class with slots does by itself.
        return kind, tuple(getattr(obj, each.name) for each in fields(obj))


class _Reader(pickle.Unpickler):
    found: list[Symbol | Choice]

    def persistent_load(self, pid: int) -> Symbol | Choice:
        return self.found[pid] if pid >= 0 else _CONSTANTS[-1 - pid]

    def find_class(self, module: str, name: str) -> Any:
        if module == kinds.__name__ and name in _CLASSES:
            return _CLASSES[name]
        raise pickle.UnpicklingError(f"{module}.{name} is no part of a Kconfig tree")
