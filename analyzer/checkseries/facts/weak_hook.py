"""The ``__weak`` functions of the core: defaults that an architecture overrides by a function of the same name."""

from __future__ import annotations

from dataclasses import dataclass

from checkseries.facts.c_outline import functions, outline_of
from checkseries.facts.c_text import code, place
from checkseries.facts.directory import c_files
from checkseries.facts.presence import Expression, Option, contrary, every, never, presence_of
from checkseries.model import Place
from checkseries.tree import Snapshot, fact

_CORE = ("kernel", "mm", "init")
_LARGEST = 1 << 20


@dataclass(frozen=True, slots=True)
class Hook:
    """A weak function."""

    name: str
    place: Place
    condition: Expression

    @property
    def family(self) -> str:
        """The first two words of its name: ``arch_cpuhp``."""
        return "_".join(self.name.split("_")[:2])

    def needs(self, symbol: str) -> bool:
        """Whether it is only there where a symbol is y."""
        return never(every((self.condition, contrary(Option(symbol, "y")))))


@fact
def weak_hooks(tree: Snapshot, path: str) -> tuple[Hook, ...]:
    """The weak functions of a file, in order."""
    data = tree.read(path)
    if data is None or b"__weak" not in data or len(data) > _LARGEST:
        return ()
    source, presence = code(data), presence_of(data)
    found = []
    for chunk in outline_of(data).chunks:
        if chunk.body is None or "__weak" not in source.plain[chunk.start : chunk.body[0]]:
            continue
        for function in functions(source, chunk):
            if function.head is not None and function.sure:
                where = place(source, path, function.head.at, function.name)
                found.append(Hook(function.name, where, presence.at(where.line)))
    return tuple(found)


@fact
def core_files(tree: Snapshot, symbol: str) -> tuple[str, ...]:
    """The files of the core that ask for a symbol and have weak functions; those of subdirectories apart."""
    option = f"CONFIG_{symbol}".encode()
    return tuple(
        path
        for directory in _CORE
        for path in c_files(tree, directory)
        if option in (data := tree.read(path) or b"") and b"__weak" in data
    )
