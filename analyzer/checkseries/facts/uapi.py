"""The types that programs share with the kernel: where their members lie, ABI by ABI, as programs have them.

A header is looked at alone, as a program that includes it sees it after ``make headers_install``: no option of
the configuration is there, and no header but public ones.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from checkseries.facts.c_decl import arch_of
from checkseries.facts.c_text import Code, closing, code, place
from checkseries.facts.predefined import PUBLIC, Public
from checkseries.facts.unit import exported
from checkseries.facts.unit_type import Types, UnknownTypeError
from checkseries.model import Place
from checkseries.tree import Snapshot, fact

_PUBLIC = re.compile(r"(?:arch/[\w-]+/)?include/uapi/(?!asm-generic/Kbuild).+\.h")
_HEAD = re.compile(r"(?<![\w$])(struct|union)(?:\s+([A-Za-z_]\w*))?(?:\s+__\w+)*\s*\{", re.ASCII)
_TAIL = 400  # characters behind a body
_NUMBER = re.compile(r"(?<!\w)_IO(?:R|W|WR)(?:_BAD)?\s*\(([^;{}]{0,400}?)\)", re.ASCII)
_WORD = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_COMMON = ("arm", "arm64", "mips", "riscv", "x86")
_MOST_TYPES = 400  # of one header


@dataclass(frozen=True, slots=True)
class Piece:
    """A member, in bits; those of anonymous structs and unions stand among the others."""

    name: str
    bit: int
    bits: int


@dataclass(frozen=True, slots=True)
class Shape:
    """A type as it lies in memory."""

    size: int
    pieces: tuple[Piece, ...]


def public(path: str) -> bool:
    """Whether programs may include a header."""
    return _PUBLIC.fullmatch(path) is not None


def abis(path: str) -> tuple[Public, ...]:
    """The ABIs to look at a public header in: those of its architecture, else of the ones with most users."""
    arch = arch_of(path)
    return tuple(each for each in PUBLIC if each.arch in ((arch,) if arch else _COMMON))


@fact
def declared(tree: Snapshot, path: str) -> Mapping[str, Place]:
    """The structs and unions that a header defines at file scope, by what C calls them, and where."""
    data = tree.read(path)
    if data is None or (b"struct" not in data and b"union" not in data):
        return MappingProxyType({})
    source = code(data)
    found: dict[str, Place] = {}
    for name, at, _, _ in _types_in(source):
        found.setdefault(name, place(source, path, at, name.rpartition(" ")[2]))
    return MappingProxyType(found)


def _types_in(source: Code) -> Iterator[tuple[str, int, int, int]]:
    """(what C calls it, where its name stands, where it begins, its last brace) of each type at file scope."""
    position = count = 0
    for match in _HEAD.finditer(source.plain):
        if match.start() < position:
            continue
        close = closing(source.plain, match.end() - 1)
        if close is None or count == _MOST_TYPES:
            continue
        position = close
        if match[2]:
            count += 1
            yield f"{match[1]} {match[2]}", match.start(2), match.start(), close
        elif source.plain[: match.start()].rstrip().endswith("typedef"):
            name = _typedef_name(source.plain, close + 1)
            if name is not None:
                count += 1
                yield name[0], name.start(), match.start(), close


def _typedef_name(text: str, start: int) -> re.Match[str] | None:
    """The first name that a typedef gives to the body before an offset: no attribute, and nothing within brackets."""
    end = text.find(";", start, start + _TAIL)
    position = start
    while 0 <= position < end:
        match = _WORD.search(text, position, end)
        bracket = text.find("(", position, end)
        if match is not None and (bracket < 0 or match.start() < bracket):
            if not match[0].startswith("__"):
                return match
            position = match.end()
        else:
            closed = closing(text, bracket) if bracket >= 0 else None
            position = -1 if closed is None else closed + 1
    return None


@fact
def numbered(tree: Snapshot, path: str) -> Mapping[str, Place]:
    """The words that a header builds numbers of ioctls with, and where first: their types' sizes are part of them."""
    data = tree.read(path)
    if data is None or b"_IO" not in data:
        return MappingProxyType({})
    source = code(data)
    found: dict[str, Place] = {}
    for macro in source.macros:
        match = _NUMBER.search(source.text, macro.body, macro.end)
        if match is not None and macro.parameters is None:
            where = place(source, path, source.text.find(macro.name, macro.at), macro.name)
            for word in _WORD.findall(match[1]):
                found.setdefault(word, where)
    return MappingProxyType(found)


@fact
def _types(tree: Snapshot, path: str, abi: str) -> Types:
    ours = next(each for each in PUBLIC if each.name == abi)
    return Types(exported(tree, path, ours))


@fact
def shape(tree: Snapshot, path: str, name: str, abi: str) -> Shape | str:
    """A type of a public header in one ABI, or why that is not known."""
    try:
        found = _types(tree, path, abi).named(name)
    except UnknownTypeError as error:
        return str(error)
    if found.size < 0 or found.kind != "record":
        return "it is no struct or union with a size"
    pieces = (
        Piece(each.name, 8 * each.offset + each.bit, each.bits if each.bits >= 0 else 8 * each.size)
        for each in found.fields
    )
    return Shape(found.size, tuple(pieces))


# --- what a change of a header concerns


def concerned(before: Snapshot, after: Snapshot, path: str) -> frozenset[str]:
    """The types of a header whose definition differs, or rests on one that does, or on a macro or typedef that does."""
    old, new = _parts(before.peek(path)), _parts(after.peek(path))
    changed = {name for name in new.types if old.types.get(name) != new.types[name]}
    loose = old.loose ^ new.loose
    if any(_EVERYWHERE.match(line) for line in loose):
        return frozenset(new.types)
    words = {word for line in loose for word in _WORD.findall(line)}
    words |= {name.rpartition(" ")[2] for name in changed}
    more = True
    while more:
        resting = {
            name
            for name, text in new.types.items()
            if name not in changed and not words.isdisjoint(_WORD.findall(text))
        }
        changed |= resting
        words |= {name.rpartition(" ")[2] for name in resting}
        more = bool(resting)
    return frozenset(changed)


_EVERYWHERE = re.compile(r"\s*#\s*(?:if|ifdef|ifndef|elif|else|endif|pragma\s+pack)\b", re.ASCII)
"""Lines outside of all types that may change any of them."""


@dataclass(frozen=True, slots=True)
class _Parts:
    types: Mapping[str, str]
    """The text of each type that a header defines, up to its semicolon."""
    loose: frozenset[str]
    """The lines outside of them."""


@functools.lru_cache(maxsize=64)
def _parts(data: bytes | None) -> _Parts:
    if data is None:
        return _Parts({}, frozenset())
    source = code(data)
    types: dict[str, str] = {}
    loose: list[str] = []
    position = 0
    for name, _, start, close in _types_in(source):
        end = source.plain.find(";", close)
        end = len(source.plain) if end < 0 else end + 1
        types[name] = types.get(name, "") + " ".join(source.text[start:end].split())
        loose.append(source.text[position:start])
        position = max(end, position)
    loose.append(source.text[position:])
    lines = (" ".join(line.split()) for text in loose for line in text.split("\n"))
    return _Parts(types, frozenset(line for line in lines if line))


# --- what programs notice


@dataclass(frozen=True, slots=True)
class Shift:
    """A member that lies elsewhere, in bits."""

    name: str
    before: int
    after: int


def shifted(old: Shape, new: Shape) -> Shift | None:
    """The first member that both have and that lies elsewhere; padding may, and what marks the end."""
    was, now = _by_name(old), _by_name(new)
    for name, places in was.items():
        if name in now and places.isdisjoint(now[name]) and not _PADDING.search(name):
            return Shift(name, min(places), min(now[name]))
    return None


# What is kept free by its name: it is there to become something else.
_PADDING = re.compile(
    r"(?:^|_)(?:pad(?:ding)?|res|resv|reserved|rsvd?|rsrvd|unused|spare|fill(?:er)?|dummy|hole|empty|mbz"
    r"|zero(?:es|s)?)(?=\d|_|$)",
    re.ASCII | re.IGNORECASE,
)


def _by_name(of: Shape) -> dict[str, set[int]]:
    """Where the members of a name lie: a name may stand in several branches of a union."""
    found: dict[str, set[int]] = {}
    for each in of.pieces:
        if each.bits:
            found.setdefault(each.name, set()).add(each.bit)
    return found


def parted(wide: Shape, narrow: Shape) -> str | None:
    """What differs first between two ABIs: a member, else "" for the size; None if nothing does."""
    for one, other in zip(wide.pieces, narrow.pieces, strict=False):
        if one != other:
            return one.name
    return None if wide == narrow else ""


__all__ = [
    "Piece",
    "Shape",
    "Shift",
    "abis",
    "concerned",
    "declared",
    "numbered",
    "parted",
    "public",
    "shape",
    "shifted",
]
