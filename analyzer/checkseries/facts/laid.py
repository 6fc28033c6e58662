"""What a person asks of a type by hand: how large it is, where its members lie, and where its holes are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

from checkseries.facts.c_decl import arch_of
from checkseries.facts.c_layout import bodies_of, typedefs_of
from checkseries.facts.c_unit import types
from checkseries.facts.c_words import TAGGED
from checkseries.facts.unit import Configuration
from checkseries.facts.unit_type import Field, Type, UnknownTypeError
from checkseries.model import Laid, LaidMember, LaidPair, Moved, Relaid
from checkseries.tree import Snapshot

_NAMED = 6  # files that are named where one has to be chosen


def laid(tree: Snapshot, name: str, arch: str, values: Configuration, path: str) -> Laid:
    """A type as a C file has it; without a file as the header has it that defines it."""
    words = name.split()
    asked = (
        [" ".join(words)] if len(words) > 1 else [*(f"{kind} {name}" for kind in ("struct", "union")), name]
    )
    where = {each: (path,) if path else _defined(tree, each, arch) for each in asked}
    asked = [each for each in asked if where[each]] if not path else asked
    if not asked:
        return Laid(
            name, arch, values.name, "", None, None, (), f"no header of {arch} defines {name}", absent=True
        )
    found = [_laid(tree, each, arch, values, unit) for each in asked for unit in where[each]]
    known = [each for each in found if not each.unknown]
    if len(known) > 1 and any(_shape(each) != _shape(known[0]) for each in known):
        units = ", ".join(dict.fromkeys(each.unit for each in known[:_NAMED]))
        return Laid(name, arch, values.name, "", None, None, (), f"it is defined in several ways: {units}")
    return known[0] if known else found[0]


def _shape(found: Laid) -> tuple[object, ...]:
    return found.name, found.size, found.align, found.members


def _defined(tree: Snapshot, name: str, arch: str) -> tuple[str, ...]:
    """The headers that may define a type on an architecture: its own, else the public ones, else any."""
    kind, _, tag = name.partition(" ")
    if kind in TAGGED and tag:
        paths = [each.path for each in bodies_of(tree, kind, tag, "")]
    else:
        paths = [each.place.path for each in typedefs_of(tree, name, "")]
    paths = [path for path in dict.fromkeys(paths) if arch_of(path) in (None, arch)]
    for best in (
        [path for path in paths if arch_of(path) == arch],
        [path for path in paths if path.startswith("include/") and "/asm-generic/" not in path],
        [path for path in paths if path.startswith("include/")],
    ):
        if best:
            return tuple(best[:_NAMED])
    return tuple(paths[:_NAMED])


def _laid(tree: Snapshot, name: str, arch: str, values: Configuration, unit: str) -> Laid:
    try:
        found = types(tree, unit, arch, values).named(name)
    except UnknownTypeError as error:
        return Laid(name, arch, values.name, unit, None, None, (), str(error))
    if found.size < 0 or found.kind in ("void", "function"):
        return Laid(name, arch, values.name, unit, None, None, (), "it is incomplete")
    return Laid(name, arch, values.name, unit, found.size, found.align, tuple(_members(found)))


def _members(found: Type) -> Iterator[LaidMember]:
    """The members in their order, with the holes between them."""
    end = 0
    for each in found.fields:
        bit = 8 * each.offset + each.bit
        if not found.union and bit > end:
            yield LaidMember("", "", end, bit - end)
        yield _member(each)
        end = max(end, bit + (each.bits if each.bits >= 0 else 8 * each.size))
    if found.fields and not found.union and 8 * found.size > end:
        yield LaidMember("", "", end, 8 * found.size - end)


def _member(each: Field) -> LaidMember:
    field = each.bits >= 0
    return LaidMember(
        each.name,
        each.text,
        8 * each.offset + each.bit,
        each.bits if field else 8 * each.size,
        each.depth,
        field,
    )


def holes(members: Sequence[LaidMember]) -> int:
    """How many bits of a type no member has."""
    return sum(each.bits for each in members if not each.name)


# --- before and after a series


def relaid(before: Laid, after: Laid) -> Relaid:
    """A type before and after a series, member by member."""
    if before.unknown or after.unknown:
        return Relaid(before, after)
    return Relaid(before, after, tuple(_pairs(before.members, after.members)))


def _pairs(before: Sequence[LaidMember], after: Sequence[LaidMember]) -> Iterator[LaidPair]:
    """The members of both in one order; those of one name are one pair, wherever they stand."""
    old, new = _keyed(before), _keyed(after)
    told = set()
    steps = SequenceMatcher(None, list(old), list(new), autojunk=False).get_opcodes()
    for _, start, end, first, last in steps:
        for key in list(old)[start:end]:
            if key not in new:
                yield LaidPair(Moved.REMOVED, old[key], None)
        for key in list(new)[first:last]:
            if key not in told:
                told.add(key)
                yield _pair(old.get(key), new[key])


def _keyed(members: Sequence[LaidMember]) -> dict[tuple[str, str, int], LaidMember]:
    """The members by name, a hole by the member that it follows; a name may stand in several branches of a union."""
    found: dict[tuple[str, str, int], LaidMember] = {}
    last = ""
    for each in members:
        name, follows = (each.name, "") if each.name else ("", last)
        number = 0
        while (name, follows, number) in found:
            number += 1
        found[name, follows, number] = each
        last = each.name or last
    return found


def _pair(before: LaidMember | None, after: LaidMember) -> LaidPair:
    if before is None:
        return LaidPair(Moved.ADDED, None, after)
    if before.bits != after.bits:
        return LaidPair(Moved.RESIZED, before, after)
    return LaidPair(Moved.SAME if before.bit == after.bit else Moved.MOVED, before, after)
