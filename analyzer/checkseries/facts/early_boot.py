"""What a secondary CPU runs on its way up, before the control CPU lets it go on, and what it writes there.

In assembly that is what is named ``secondary`` in ``arch/ARCH/kernel/*.S`` and what those functions name of their
file; in C it is the function of ``arch/ARCH/kernel/smp*.c`` that tells the core that its CPU comes up, as far as
the point at which it waits to be released, with the functions of the file that it calls up to there.

Not followed: calls into other files; stores through registers that another instruction computed.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from checkseries.facts.asm_text import Line, asm_source
from checkseries.facts.c_call import uses
from checkseries.facts.c_object import objects_named
from checkseries.facts.c_outline import Function, functions, outline_of
from checkseries.facts.c_text import Code, code, place
from checkseries.facts.c_words import KEYWORDS
from checkseries.facts.directory import assembly_files, c_files
from checkseries.facts.kconfig.entries import entries
from checkseries.facts.kernel_words import (
    ADDRESS_OF,
    COMING_UP,
    NONATOMIC_BITS,
    RELEASED,
    STORE,
    STORES_TO,
    ZERO,
)
from checkseries.facts.places import line_place
from checkseries.facts.presence import Expression, presence_of
from checkseries.model import Place
from checkseries.tree import Snapshot, fact

_WORD = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_CALL = re.compile(r"(?<![\w.>])([A-Za-z_]\w*)\s*\(", re.ASCII)
_ASSIGNED = re.compile(
    r"(?:^|[;{}])\s*(?:WRITE_ONCE\s*\(\s*)?([A-Za-z_]\w*)\s*(?:(?:[-+*/%]|<<|>>)?=(?!=)|\+\+|--|,)",
    re.ASCII,
)
_BITS = re.compile(
    rf"(?<![\w.>])(?:{'|'.join(sorted(NONATOMIC_BITS))})\s*\([^;]{{0,400}}?[,(]\s*+&?\s*+([A-Za-z_]\w*)[\s\w.\[\]]{{0,80}}\)\s*[;)]"
    r"|(?:^|[;{})])\s*([A-Za-z_]\w*)(?:\s*\.\s*\w+){0,4}\s*[|&^]=(?!=)",
    re.ASCII,
)
_BITMAP = re.compile(r"(?<!\w)DECLARE_BITMAP\s*\(\s*([A-Za-z_]\w*)", re.ASCII)
_LOCKED = re.compile(
    r"\b(?:raw_|arch_)?(?:spin|read|write|mutex|seq)_?\w*lock\w*\s*\(|\b(?:scoped_)?guard\s*\(", re.ASCII
)
_DEEPEST = 4  # functions that name functions
_WINDOW = 12  # lines of assembly between an address and the store to it
_MOST = 200  # writes


@dataclass(frozen=True, slots=True)
class EarlyWrite:
    """A write of something by its name, or through its address, in code that a secondary CPU runs early."""

    name: str
    place: Place
    condition: Expression
    zero: bool
    """Whether what is written is zero, whoever writes it."""


def arch_symbols(tree: Snapshot, arch: str) -> frozenset[str]:
    """The symbols that entries of ``arch/ARCH/Kconfig`` select, and what those select in ``arch/Kconfig``."""
    return _selected(tree, arch)


@fact
def _selected(tree: Snapshot, arch: str) -> frozenset[str]:
    own, shared = entries(tree, f"arch/{arch}/Kconfig"), entries(tree, "arch/Kconfig")
    pending = [target for said in own.values() for target in _targets(said)]
    found: set[str] = set()
    while pending:
        name = pending.pop()
        if name not in found:
            found.add(name)
            pending += _targets((*own.get(name, ()), *shared.get(name, ())))
    return frozenset(found)


def _targets(said: tuple[str, ...]) -> Iterator[str]:
    for line in said:
        words = line.split()
        if words[:1] == ["select"] and len(words) > 1:
            yield words[1]


def select_place(tree: Snapshot, arch: str, symbol: str) -> Place:
    """Where ``arch/ARCH/Kconfig`` selects a symbol, or what leads to it; its whole file if no line says so."""
    path = f"arch/{arch}/Kconfig"
    text = tree.text(path) or ""
    wanted, pending = {symbol}, [symbol]
    shared = entries(tree, "arch/Kconfig")
    while pending:
        target = pending.pop()
        above = {name for name, said in shared.items() if target in _targets(said)} - wanted
        wanted |= above
        pending += sorted(above)
    for number, line in enumerate(text.split("\n"), 1):
        words = line.split()
        if words[:1] == ["select"] and len(words) > 1 and words[1] in wanted:
            return line_place(tree, path, number)
    return Place(path, 0)


# --- assembly


@fact
def early_writes(tree: Snapshot, arch: str) -> tuple[EarlyWrite, ...]:
    """What secondary CPUs write early, by path and line."""
    found: list[EarlyWrite] = []
    for path in assembly_files(tree, f"arch/{arch}/kernel"):
        if b"secondary" in (tree.read(path) or b""):
            found += _assembly(tree, path)
    for path, functions_of in early_functions(tree, arch).items():
        found += _c(tree, path, functions_of)
    return tuple(sorted(found, key=lambda each: (each.place.path, each.place.line))[:_MOST])


def _assembly(tree: Snapshot, path: str) -> Iterator[EarlyWrite]:
    source = asm_source(tree, path)
    data = tree.read(path)
    if source is None or source.why or data is None:
        return
    bodies: dict[str, list[Line]] = {}
    for line in source.lines:
        bodies.setdefault(line.symbol, []).append(line)
    for macro in source.macros:
        bodies.setdefault(macro.name, []).extend(macro.body)
    early = _named(bodies, {name for name in bodies if "secondary" in name})
    presence = presence_of(data)
    for name in sorted(early):
        for number, symbol, value in _stores(bodies[name]):
            yield EarlyWrite(
                symbol, line_place(tree, path, number, name), presence.at(number), zero=value in ZERO
            )


def _named(bodies: Mapping[str, list[Line]], names: set[str]) -> set[str]:
    """Those functions and macros, and what they name of the file, in some steps."""
    found, pending = set(names), set(names)
    for _ in range(_DEEPEST):
        words = {word for name in pending for line in bodies[name] for word in _WORD.findall(line.text)}
        pending = {word for word in words if word in bodies} - found - {""}
        found |= pending
    return found


def _stores(lines: list[Line]) -> Iterator[tuple[int, str, str]]:
    """(line, symbol, what is stored) of each store to a symbol."""
    held: dict[str, tuple[str, int]] = {}
    for line in lines:
        direct = STORES_TO.match(line.text)
        if direct:
            kind = next(name for name in ("arm64", "risc", "x86") if direct[name])
            yield line.number, direct[f"{kind}to"], direct[kind]
            continue
        address = ADDRESS_OF.match(line.text)
        if address:
            held[address["register"] or address["literal"]] = (
                address["symbol"] or address["named"],
                line.number,
            )
            continue
        store = STORE.match(line.text)
        if store:
            symbol, since = held.get(store["abase"] or store["bbase"], ("", 0))
            if symbol and line.number - since <= _WINDOW:
                yield line.number, symbol, store["a"] or store["b"]
            continue
        words = line.text.replace(",", " ").split()
        if len(words) > 1:
            held.pop(words[1], None)  # most instructions write their first operand


# --- C


@dataclass(frozen=True, slots=True)
class EarlyFunction:
    """A function of which a secondary CPU runs the text between two offsets early."""

    name: str
    start: int
    end: int


@fact
def early_functions(tree: Snapshot, arch: str) -> Mapping[str, tuple[EarlyFunction, ...]]:
    """Path -> the functions of it that a secondary CPU runs before it is released."""
    found = {}
    for path in c_files(tree, f"arch/{arch}/kernel"):
        if path.rpartition("/")[2].startswith("smp"):
            data = tree.read(path) or b""
            if any(word.encode() in data for word in COMING_UP):
                found[path] = tuple(_early(code(data)))
    return found


def _early(source: Code) -> Iterator[EarlyFunction]:
    text = source.plain
    defined = _defined(source)
    releasing = {
        name
        for name, function in defined.items()
        if any(match[1] == RELEASED for match in _CALL.finditer(text, *function.body))
    }
    entries_of = []
    for function in defined.values():
        called = [
            match
            for match in _CALL.finditer(text, *function.body)
            if match[1] in COMING_UP or match[1] == RELEASED or match[1] in releasing
        ]
        if any(match[1] in COMING_UP for match in called):
            entries_of.append(EarlyFunction(function.name, function.body[0], called[0].start()))
    yield from _closure(source, defined, entries_of)


def _defined(source: Code) -> dict[str, Function]:
    """The functions of a file by name."""
    defined: dict[str, Function] = {}
    for chunk in outline_of(source.data).chunks:
        for function in functions(source, chunk):
            defined.setdefault(function.name, function)
    return defined


def _closure(
    source: Code, defined: Mapping[str, Function], pending: list[EarlyFunction]
) -> Iterator[EarlyFunction]:
    """Those functions, and what they call of the file, in some steps."""
    seen = {each.name for each in pending}
    for _ in range(_DEEPEST):
        yield from pending
        pending = [
            EarlyFunction(name, *defined[name].body)
            for name in sorted(_called(source, pending) - seen)
            if name in defined
        ]
        seen |= {each.name for each in pending}


def _called(source: Code, early: Iterable[EarlyFunction]) -> set[str]:
    return {
        match[1] for each in early for match in _CALL.finditer(source.plain, each.start, each.end)
    } - KEYWORDS


def _c(tree: Snapshot, path: str, early: tuple[EarlyFunction, ...]) -> Iterator[EarlyWrite]:
    data = tree.read(path)
    if data is None:
        return
    source = code(data)
    presence = presence_of(data)
    for each in early:
        for match in _ASSIGNED.finditer(source.plain, each.start, each.end):
            at = match.start(1)
            rest = source.plain[match.end() : match.end() + 20].split(";")[0].rstrip(" )")
            zero = rest.strip() in ("0", "false", "NULL")
            where = place(source, path, at, each.name)
            yield EarlyWrite(match[1], where, presence.at(where.line), zero)


@fact
def early_bits(tree: Snapshot, arch: str) -> tuple[EarlyWrite, ...]:
    """Where secondary CPUs change bits of something at file scope early, and not at once, by path and line.

    The files of ``arch/ARCH/kernel`` that the early functions call into are looked at, too.
    """
    own = early_functions(tree, arch)
    found: list[EarlyWrite] = []
    called: set[str] = set()
    for path, early in own.items():
        source = code(tree.read(path) or b"")
        called |= _called(source, early)
        found += _bits(tree, path, source, early)
    if not called:
        return ()
    for path in c_files(tree, f"arch/{arch}/kernel"):
        if path not in own:
            data = tree.read(path) or b""
            if any(word in data for word in _NONATOMIC):
                source = code(data)
                defined = _defined(source)
                entered = [
                    EarlyFunction(name, *defined[name].body) for name in sorted(called & defined.keys())
                ]
                found += _bits(tree, path, source, tuple(_closure(source, defined, entered)))
    return tuple(sorted(found, key=lambda each: (each.place.path, each.place.line))[:_MOST])


_NONATOMIC = tuple(f"{word}(".encode() for word in sorted(NONATOMIC_BITS))


def _bits(tree: Snapshot, path: str, source: Code, early: Iterable[EarlyFunction]) -> Iterator[EarlyWrite]:
    presence = presence_of(source.data)
    for each in early:
        if _LOCKED.search(source.plain, each.start, each.end):
            continue
        for match in itertools.islice(_BITS.finditer(source.plain, each.start, each.end), _MOST):
            name = match[1] or match[2]
            at = match.start(1) if match[1] else match.start(2)
            if _shared(tree, path, source, name, at):
                where = place(source, path, at, each.name)
                yield EarlyWrite(name, where, presence.at(where.line), zero=False)


def _shared(tree: Snapshot, path: str, source: Code, name: str, at: int) -> bool:
    """Whether a name is at that place one object for all CPUs, which the file defines."""
    if not any(use.at == at and use.role == "reference" for use in uses(source.data, name)):
        return False  # a parameter or a local
    outline = outline_of(source.data)
    for match in _BITMAP.finditer(source.plain):
        chunk = outline.chunk(match.start())
        if match[1] == name and (chunk is None or chunk.body is None):
            return True
    declared = objects_named(tree, path, name)
    return bool(declared) and not any(
        each.pointer or len(each.dims) > 1 or each.has("per-cpu", "__thread") for each in declared
    )
