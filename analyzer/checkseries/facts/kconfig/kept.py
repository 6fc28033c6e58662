"""A parsed Kconfig tree as bytes and back: reading one costs a sixth of parsing it.

Symbols refer to each other in circles. Each is written once, flat, and stands elsewhere as its number.
"""

from __future__ import annotations

import io
import pickle  # only what _Reader allows is read
from collections import deque
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from checkseries.facts.kconfig import symbol as kinds
from checkseries.facts.kconfig.symbol import MOD, NO, YES, Choice, Symbol, Tree, Type

_CONSTANTS = (NO, MOD, YES)  # one of each: they are compared by identity
_CLASSES: dict[str, Any] = {
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
_FIELDS = {kind: tuple(each.name for each in fields(kind)) for kind in _CLASSES.values() if kind is not Type}
_TREE = tuple(each.name for each in fields(Tree) if each.name != "free")
_KINDS: tuple[type[Symbol], type[Choice]] = (Symbol, Choice)
_MEMBERS: dict[type, list[Any]] = {
    kind: [getattr(kind, each.name) for each in fields(kind)] for kind in _KINDS
}


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
        writer.dump(tuple(_columns(some, kind) for kind in _KINDS))
        written += len(some)
    return bytes(isinstance(each, Choice) for each in writer.found) + b"\2" + out.getvalue()


def loaded(data: bytes) -> Tree:
    """The tree again; raises UnpicklingError, EOFError, IndexError or TypeError for what ``dumped`` did not write."""
    states, _, rest = data.partition(b"\2")
    reader = _Reader(io.BytesIO(rest))
    reader.found = [_empty(choice) for choice in states]
    whole = reader.load()
    read = 0
    while read < len(reader.found):
        columns = reader.load()
        end = read + sum(len(each[0]) for each in columns)
        for kind, some in zip(_KINDS, columns, strict=True):
            owners = [each for each in reader.found[read:end] if type(each) is kind]
            if any(len(column) != len(owners) for column in some):
                raise pickle.UnpicklingError("a symbol is in parts")
            for member, column in zip(_MEMBERS[kind], some, strict=True):
                deque(map(member.__set__, owners, column), maxlen=0)
        if end == read:
            raise pickle.UnpicklingError("a symbol is missing")
        read = end
    return Tree(**dict(zip(_TREE, whole, strict=True)))


def _empty(choice: int) -> Symbol | Choice:
    """A choice or a symbol without anything that makes it up: all of that is read."""
    return object.__new__(Choice) if choice else object.__new__(Symbol)


def _columns(some: Sequence[Symbol | Choice], kind: type) -> list[list[object]]:
    """What symbols or choices are made up of, one list a field: that is read back at the speed of C."""
    owners = [each for each in some if type(each) is kind]
    # What a symbol needs is soon found again where anybody asks.
    return [
        [None if each.name == "needs" else getattr(owner, each.name) for owner in owners]
        for each in fields(kind)
    ]


class _Writer(pickle.Pickler):
    def __init__(self, file: io.BytesIO, protocol: int) -> None:
        super().__init__(file, protocol)
        self.found: list[Symbol | Choice] = []

    def reducer_override(self, obj: Any) -> Any:
        kind = type(obj)
        if kind is Symbol or kind is Choice:
            for number, constant in enumerate(_CONSTANTS):
                if obj is constant:
                    return numbered, (-1 - number,)
            self.found.append(obj)  # each is asked about once: pickle remembers what it has written
            return numbered, (len(self.found) - 1,)
        names = _FIELDS.get(kind)
        if names is None:
            return NotImplemented
        # As a call: faster than what a class with slots does by itself.
        return kind, tuple([getattr(obj, name) for name in names])


class _Reader(pickle.Unpickler):
    found: list[Symbol | Choice]

    def find_class(self, module: str, name: str) -> Any:
        if module == kinds.__name__ and name in _CLASSES:
            return _CLASSES[name]
        if (module, name) == (__name__, numbered.__name__):
            return self._numbered
        raise pickle.UnpicklingError(f"{module}.{name} is no part of a Kconfig tree")

    def _numbered(self, number: int) -> Symbol | Choice:
        return self.found[number] if number >= 0 else _CONSTANTS[-1 - number]


def numbered(number: int) -> Symbol | Choice:
    """What stands in the bytes for the symbol or choice of a number; only ``_Reader`` can tell which that is."""
    raise pickle.UnpicklingError(f"number {number} of no Kconfig tree")
