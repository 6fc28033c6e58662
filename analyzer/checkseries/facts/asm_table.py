"""The objects of C that assembly reaches by their names, and how large their elements are.

A name that assembly takes the address of is looked for in C as the linker does: what is static is not meant, nor
what another architecture defines.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from checkseries.facts.answer import Unknown
from checkseries.facts.asm import MOST_EFFORT, MemberAccess, Sites, Stride, asm_sites
from checkseries.facts.asm_closure import closure, constants_for
from checkseries.facts.asm_constant import options_of
from checkseries.facts.asm_expand import Budget, Expander
from checkseries.facts.asm_text import asm_source, stretches
from checkseries.facts.c_decl import arch_of
from checkseries.facts.c_layout import LP64, Layout, layout, type_size
from checkseries.facts.c_measure import measure
from checkseries.facts.c_object import CObject, objects
from checkseries.facts.kbuild import NOT_BUILT, built
from checkseries.facts.presence import held, some
from checkseries.model import Place
from checkseries.tree import Snapshot, fact

_TYPE = re.compile(r"\b(?:struct|union)\s+\w+", re.ASCII)
_WORD = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_NAME = r"([A-Za-z_][\w.$]*)"
_ADDRESSED: Mapping[str, re.Pattern[str]] = MappingProxyType(
    {
        "arm64": re.compile(
            rf"\b(?:adr_l|adrp?|ldr_l|str_l)\s+[\w\\()]+\s*,\s*{_NAME}|:lo12:{_NAME}|,\s*={_NAME}"
        ),
        "mips": re.compile(rf"\b(?:d?la|PTR_LA|dLA|LA)\s+[\w\\()$]+\s*,\s*{_NAME}"),
        "riscv": re.compile(rf"\bl?la\s+[\w\\()]+\s*,\s*{_NAME}"),
        "x86": re.compile(rf"(?<![\w.%$]){_NAME}\s*(?:[+-][\w\s+*()-]*)?\(\s*(?=%|,)|\$\s*{_NAME}"),
    }
)
"""How the address of a symbol is written, for each architecture whose assembly is understood."""

ARCHS = frozenset(_ADDRESSED)
_BITS = {"64BIT": True, "32BIT": False, "X86_64": True, "X86_32": False}
"""The options that say how wide a kernel is."""


@dataclass(frozen=True, slots=True)
class Table:
    """An object of C as assembly finds it."""

    name: str
    place: Place
    """Where it is defined, else declared."""
    type: str
    """The type of an element, or of the object if it is no array."""
    array: bool
    layout: Layout | None
    """Of an element, or of the object if it is no array; None if it is not known."""
    why: str = ""
    of: Place | None = None
    """Where the type is defined, if it is one that has a definition."""
    dims: tuple[str, ...] = ()
    """What stands in the brackets of an array."""
    initialised: bool = False

    @property
    def whole(self) -> bool:
        """Whether an element has members."""
        return self.layout is not None and bool(self.layout.members)


@fact
def addressed(tree: Snapshot, path: str) -> Mapping[str, frozenset[str]]:
    """The text of each function of an assembly file -> the symbols that it takes the address of by their names."""
    pattern = _ADDRESSED.get(arch_of(path) or "")
    source = asm_source(tree, path) if pattern is not None else None
    if pattern is None or source is None:
        return MappingProxyType({})
    found = {}
    numbers = constants_for(tree, path)  # "name(%rax)" is a symbol or a number
    texts = ["\n".join(line.text for line in lines) for lines in stretches(source.lines)]
    # A function that uses a macro does not change with it.
    texts += ["\n".join((macro.name, *(line.text for line in macro.body))) for macro in source.macros]
    for text in texts:
        names = {name for match in pattern.finditer(text) for name in match.groups() if name}
        found[text] = frozenset(names - numbers.keys())
    return MappingProxyType(found)


@fact
def table(tree: Snapshot, name: str, arch: str) -> Table | None:
    """The object that assembly of an architecture means by a name; None if C has none that can be meant."""
    seen = [
        each for each in objects(tree, name) if not each.static and (arch_of(each.place.path) or arch) == arch
    ]
    if not seen:
        return None
    meant = [each for each in seen if not each.extern] or seen
    first = meant[0]
    sizes = {_layout(tree, each) for each in meant}
    answer = sizes.pop()
    if sizes:
        answer = Unknown(f"the definitions of {name} do not agree")
    known = None if isinstance(answer, Unknown) else answer
    why = answer.because if isinstance(answer, Unknown) else ""
    size = None if first.pointer else type_size(tree, first.type, LP64, first.place.path)
    of = size.place if size is not None and size.place.line else None
    initialised = any(each.initialised for each in meant)
    return Table(
        name, first.place, first.type, bool(first.dims), known, why, of, first.dims, initialised
    )  # fmt: skip


@fact
def length(tree: Snapshot, of: Table, path: str) -> tuple[str, frozenset[str]] | None:
    """How many elements an array has, as an assembly file would write it, and the options that this depends on.

    All other names are replaced; None if one is not known there.
    """
    seen = closure(tree, path, None) if len(of.dims) == 1 and of.dims[0] else None
    if seen is None or seen.why:
        return None
    left = options_of(of.dims[0], Expander(seen, seen.given, None, Budget(MOST_EFFORT)))
    if left is None:
        return None
    return left[0], frozenset(name.removeprefix("CONFIG_") for name in left[1])


def _layout(tree: Snapshot, found: CObject) -> Layout | Unknown:
    if not found.sure:
        return Unknown(f"the declaration of {found.name} is not clear")
    if found.has("per-cpu"):
        return Unknown(f"each CPU has its own {found.name}")
    if len(found.dims) > 1:
        return Unknown(f"{found.name} has several dimensions")
    return layout(tree, found.type, LP64, found.place.path)


@fact
def asm_naming(tree: Snapshot, name: str) -> tuple[str, ...]:
    """The assembly files that name a symbol, of the architectures whose assembly is understood.

    Those that only kernels of 32 bits are built from are left out: tables are measured as 64 bits have them.
    """
    return tuple(
        path
        for path in tree.grep(name)
        if path.endswith(".S") and arch_of(path) in ARCHS and _wide(tree, path)
    )


def _wide(tree: Snapshot, path: str) -> bool:
    """Whether a kernel of 64 bits may be built from a file."""
    where = built(tree, path, arch_of(path) or "")
    inside = some((where.inside, where.module))
    return where == NOT_BUILT or held(inside, lambda option: _BITS.get(option.name)) is not False


def tables(tree: Snapshot, name: str) -> Iterator[tuple[str, str, Table]]:
    """Each assembly file that names an object of C, its architecture, and the object as it finds it."""
    for path in asm_naming(tree, name):
        arch = arch_of(path) or ""
        found = table(tree, name, arch)
        if found is not None:
            yield path, arch, found


def reached(tree: Snapshot, name: str, path: str) -> Sites:
    """What an assembly file does with an object, as far as that is known without measuring C: nothing is searched."""
    found = asm_sites(tree, path, name, None)
    return Sites(
        tuple(each for each in found.strides if each.symbol == name),
        tuple(each for each in found.members if each.symbol == name),
        searches=tuple(each for each in found.searches if each.symbol == name),
    )


@dataclass(frozen=True, slots=True)
class _Of:
    """Measures what one type comes to, and nothing else: every other one would be searched for in vain."""

    type: str

    def __call__(self, tree: Snapshot, arch: str, expression: str, /) -> int | None:
        return measure(tree, arch, expression) if self.type in measured_types(expression) else None


@fact
def steps(tree: Snapshot, name: str, path: str) -> tuple[Stride, ...]:
    """The steps of an assembly file through a table, and those that are not understood; empty if it takes none."""
    found = reached(tree, name, path).strides
    of = table(tree, name, arch_of(path) or "") if any(each.unmeasured for each in found) else None
    if of is None or of.layout is None:
        return found
    return tuple(each for each in asm_sites(tree, path, name, _Of(of.type)).strides if each.symbol == name)


@fact
def accesses(tree: Snapshot, name: str, path: str) -> tuple[MemberAccess, ...]:
    """What an assembly file reads and writes at constant offsets from an object, or from an element of one."""
    found = reached(tree, name, path).members
    of = table(tree, name, arch_of(path) or "") if any(each.offset is None for each in found) else None
    if of is None or of.layout is None:
        return found
    return tuple(each for each in asm_sites(tree, path, name, _Of(of.type)).members if each.symbol == name)


def measured_types(expression: str) -> tuple[str, ...]:
    """The structs and unions that a constant of asm-offsets.c measures: ``struct foo``."""
    return tuple(" ".join(each.split()) for each in _TYPE.findall(expression))


def tags_of(tree: Snapshot, path: str, text: str) -> frozenset[str]:
    """The tags of the types that the constants of C in an expression of an assembly file measure."""
    known = constants_for(tree, path)
    found = (each for name in _WORD.findall(text) for each in measured_types(known.get(name, "")))
    return frozenset(each.split()[1] for each in found)
