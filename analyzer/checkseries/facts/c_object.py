"""Objects at file scope: variables and arrays, where they are declared and with what attributes.

Not found: what a macro defines out of its arguments (``LIST_HEAD(x)``, ``DEFINE_MUTEX(x)``), the per-CPU
family (include/linux/percpu-defs.h) apart, and variables that are static within a function.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from checkseries.facts.c_decl import kernel_source
from checkseries.facts.c_head import Head
from checkseries.facts.c_outline import Chunk, declarators, outline_of
from checkseries.facts.c_text import Code, closing, code, place, split
from checkseries.facts.presence import Expression, presence_of
from checkseries.model import Place
from checkseries.tree import Kept, Snapshot, fact

_PER_CPU = re.compile(r"\b(DEFINE|DECLARE)_(?:EARLY_)?PER_CPU\w*\s*\(", re.ASCII)
_NAME = re.compile(r"\s*([A-Za-z_]\w*)\s*((?:\[[^\]]*\]\s*)*)$", re.ASCII)


@dataclass(frozen=True, slots=True)
class CObject:
    """One declaration or definition of an object at file scope."""

    name: str
    place: Place
    type: str
    """The type of the element of an array, else that of the object: ``struct foo *``."""
    dims: tuple[str, ...]
    """What stands in the brackets, ``""`` for ``[]``; empty unless it is an array."""
    pointer: bool
    """Whether the object, or the array's element, is a pointer."""
    attributes: tuple[str, ...]
    """``__ro_after_init``, ``__section(".x")``..., with their arguments as written; ``per-cpu`` for that family."""
    extern: bool
    static: bool
    initialised: bool
    condition: Expression
    sure: bool = True

    def has(self, *words: str) -> bool:
        """Whether it bears one of the attributes, whatever their arguments."""
        return any(attribute.partition("(")[0].strip() in words for attribute in self.attributes)


@fact
def objects(tree: Snapshot, name: str) -> tuple[CObject, ...]:
    """All declarations and definitions of objects of that name in the kernel, by path and line."""
    return tuple(
        each for path in tree.grep(name) if kernel_source(path) for each in objects_named(tree, path, name)
    )


@fact
def objects_in(tree: Snapshot, path: str) -> tuple[CObject, ...]:
    """All objects that a file declares at file scope, in their order."""
    data = tree.read(path)
    if data is None:
        return ()
    source = code(data)
    return tuple(each for chunk in outline_of(data).chunks for each in _objects(source, path, chunk))


@fact(kept=Kept())
def objects_named(tree: Snapshot, path: str, name: str) -> tuple[CObject, ...]:
    """The declarations of an object in one file."""
    data = tree.read(path)
    if data is None:
        return ()
    source = code(data)
    outline = outline_of(data)
    found: list[CObject] = []
    done: set[int] = set()
    for match in re.finditer(rf"(?<![\w$]){re.escape(name)}(?![\w$])", source.plain, re.ASCII):
        chunk = outline.chunk(match.start())
        if chunk is None or chunk.body is not None or chunk.start in done:
            continue
        done.add(chunk.start)
        found += [each for each in _objects(source, path, chunk) if each.name == name]
    return tuple(found)


def _objects(source: Code, path: str, chunk: Chunk) -> Iterator[CObject]:
    if chunk.body is not None:
        return
    per_cpu = _PER_CPU.search(source.plain, chunk.start, chunk.end)
    if per_cpu is not None:
        yield from _per_cpu(source, path, chunk, per_cpu)
        return
    seen: set[int] = set()
    for head in declarators(source, chunk.start, chunk.end):
        if (
            head.parameters is None
            and "typedef" not in head.storage
            and not head.bits
            and head.at not in seen
        ):
            seen.add(head.at)
            yield _object(source, path, chunk, head)


def _object(source: Code, path: str, chunk: Chunk, head: Head) -> CObject:
    where = place(source, path, head.at)
    return CObject(
        head.name,
        where,
        head.full_type,
        head.dims,
        bool(head.pointer) or head.function_pointer,
        tuple(_written(source, chunk, each) for each in head.attributes),
        "extern" in head.storage,
        "static" in head.storage,
        head.initialiser is not None,
        presence_of(source.data).at(where.line),
        head.sure and chunk.sure,
    )


def _written(source: Code, chunk: Chunk, attribute: str) -> str:
    """An attribute with the literals that the blanked text has not: ``__section(".data..x")``."""
    if '"' not in attribute:
        return attribute
    at = source.plain.find(attribute, chunk.start, chunk.end)
    return attribute if at < 0 else source.source(at, at + len(attribute))


def _per_cpu(source: Code, path: str, chunk: Chunk, match: re.Match[str]) -> Iterator[CObject]:
    close = closing(source.plain, match.end() - 1, chunk.end)
    if close is None:
        return
    parts = split(source.plain, match.end(), close)
    if len(parts) < 2:
        return
    name = _NAME.match(source.plain, *parts[1])
    if name is None:
        return
    kind = source.source(*parts[0])
    words = source.plain[chunk.start : match.start()].split()
    where = place(source, path, name.start(1))
    dims = tuple(part.split("]")[0].strip() for part in name[2].split("[")[1:])
    yield CObject(
        name[1],
        where,
        kind,
        dims,
        kind.endswith("*"),
        ("per-cpu", *(word for word in words if word not in ("static", "extern"))),
        "extern" in words or match[1] == "DECLARE",
        "static" in words,
        "=" in source.plain[close : chunk.end],
        presence_of(source.data).at(where.line),
    )
