"""Units and their types as facts."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from checkseries.facts.kbuild import built
from checkseries.facts.presence import (
    Option,
    held,
)
from checkseries.facts.unit import Configuration, Unit, dict_of, walked
from checkseries.facts.unit_type import Types
from checkseries.tree import Snapshot, fact


@fact(keep=4)
def unit(tree: Snapshot, path: str, arch: str, values: Configuration) -> Unit:
    """A file as the compiler sees it, with the headers of constants that the build would make first."""

    def made(source: str) -> Mapping[str, int]:
        found = constants(tree, source, arch, values)
        return {name: value for name, value in found.items() if isinstance(value, int)}

    return walked(tree, path, arch, values, made, _module(tree, path, arch, values))


def _module(tree: Snapshot, path: str, arch: str, values: Configuration) -> bool | None:
    """Whether a file is compiled for a module; a header is looked at as the kernel itself includes it."""
    if path.endswith(".h"):
        return False
    known = dict_of(values)
    where = built(tree, path, arch)

    def value(option: Option) -> bool:
        return known.get(option.name) == option.value

    inside, module = held(where.inside, value), held(where.module, value)
    if inside:
        return False
    return True if module and inside is False else None


@fact
def constants(tree: Snapshot, path: str, arch: str, values: Configuration) -> Mapping[str, int | str]:
    """The constants that the build takes from a file like ``asm-offsets.c``; a text says why one is not known."""
    return MappingProxyType(Types(walked(tree, path, arch, values, None, module=False)).constants())


@fact(keep=4)
def types(tree: Snapshot, path: str, arch: str, values: Configuration) -> Types:
    """The types of a file, measured as they are asked for: what is asked depends on nothing but the unit."""
    return Types(unit(tree, path, arch, values))
