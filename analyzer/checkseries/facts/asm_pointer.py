"""Registers that hold a pointer to a structure wherever kernel code runs, as the headers of C say.

``register struct task_struct *riscv_current_is_tp __asm__("tp")`` says it of a general register, and a system
register is what ``get_current()`` reads and casts. In the flow such a pointer is a symbol of the structure's own
name, ``struct task_struct``, which no object of C can have. It is one, too, where code makes room for a structure
on the stack, ``sub sp, sp, #PT_REGS_SIZE``, and where C calls a function of assembly with one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from checkseries.facts.c_decl import Parameter, arch_of, declarations
from checkseries.tree import Snapshot, fact

_HEADERS = ("current.h", "thread_info.h")
_GENERAL = re.compile(
    r"^register\s+(struct\s+\w+)\s*\*\s*\w+\s+(?:__asm__|asm)\s*\(\s*\"([\w$]+)\"\s*\)\s*;",
    re.MULTILINE | re.ASCII,
)
_SYSTEM = re.compile(
    r"\basm\s*(?:volatile\s*)?\(\s*\"mrs\s+%0,\s*(\w+)\"\s*:\s*\"=r\"\s*\(\s*(\w+)\s*\)", re.ASCII
)
_SIZE = re.compile(r"(?:ALIGN\s*\(\s*)?sizeof\s*\(\s*(struct\s+\w+)\s*\)(?:\s*,\s*\w+\s*\))?\s*\Z", re.ASCII)


_STRUCT = re.compile(
    r"(?:(?:const|volatile)\s+)*(struct\s+\w+)\s+(?:(?:const|volatile)\s*)*\*\s*(?:const|volatile|restrict)?\s*\Z",
    re.ASCII,
)
_PLAIN = re.compile(r"[\w\s]+\Z", re.ASCII)
_OTHER = re.compile(r"\b(?:struct|union|float|double|__int128|u128|s128|__u128)\b", re.ASCII)


@fact
def arguments(tree: Snapshot, name: str, arch: str) -> tuple[str, ...]:
    """The structures that the parameters of a function point to, one by one, empty for other types.

    All declarations that an architecture may mean must agree. What stands behind a parameter that may take no or
    several registers is left out.
    """
    found = set()
    for each in declarations(tree, name):
        if (
            each.kind not in ("prototype", "definition")
            or (arch_of(each.place.path) or arch) != arch
            or each.static
        ):
            continue
        if each.parameters is None or each.variadic or not each.sure:
            return ()
        found.add(tuple(_pointed(each.parameters)))
    return found.pop() if len(found) == 1 else ()


def _pointed(parameters: tuple[Parameter, ...]) -> Iterator[str]:
    for each in parameters:
        match = _STRUCT.match(each.type.replace("*", " * "))
        if (
            match is None
            and "*" not in each.type
            and (_OTHER.search(each.type) or not _PLAIN.match(each.type))
        ):
            return
        yield " ".join(match[1].split()) if match else ""


@fact
def pointers(tree: Snapshot, arch: str) -> Mapping[str, str]:
    """The registers by the names that the headers have for them, and the structures that they point to."""
    found: dict[str, str] = {}
    for name in _HEADERS:
        text = tree.text(f"arch/{arch}/include/asm/{name}") or ""
        for match in _GENERAL.finditer(text):
            found[match[2]] = " ".join(match[1].split())
        for match in _SYSTEM.finditer(text):
            cast = re.search(rf"\(\s*(struct\s+\w+)\s*\*\s*\)\s*{match[2]}\b", text[match.end() :], re.ASCII)
            if cast is not None:
                found[match[1]] = " ".join(cast[1].split())
    return MappingProxyType(found)


def sized(expression: str) -> str:
    """The structure whose size an expression of asm-offsets.c is, or that size aligned; empty if it is none."""
    match = _SIZE.match(expression.strip())
    return " ".join(match[1].split()) if match else ""


def typed(symbol: str | None) -> bool:
    """Whether a symbol of the flow is what a pointer points to, and no object."""
    return symbol is not None and symbol.startswith("struct ")
