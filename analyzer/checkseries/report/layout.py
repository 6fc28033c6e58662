"""Types as they lie in memory, as people read it: a line a member, and a line a hole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from rich.text import Text

from checkseries.model import Laid, LaidMember, LaidPair, Moved, Relaid
from checkseries.report.text import NARROWEST
from checkseries.report.wrap import drawn, ink, wrapped


def render_layouts(laid: Sequence[Laid], tree: str, *, width: int = 80, color: bool = False) -> str:
    """The types one after another."""
    return drawn(_layouts(laid, tree, max(width, NARROWEST)), color=color)


def _layouts(laid: Sequence[Laid], tree: str, width: int) -> Iterator[Text]:
    for number, each in enumerate(laid):
        if number:
            yield Text()
        unit = f" in {each.unit}" if each.unit else ""
        head = ink((each.name, "bold"), f": {tree}, {each.arch}, {each.start}{unit}")
        yield from wrapped(head, width, "", "  ")
        if each.unknown:
            yield from wrapped(ink(("unknown: ", "yellow"), each.unknown), width, "  ", "    ")
            continue
        if each.members:
            yield Text("  offset    size  member")
        for member in each.members:
            yield _row(member)
        yield from wrapped(ink(_whole(each)), width, "  ", "    ")


def _whole(each: Laid) -> str:
    whole = f"size {each.size}, alignment {each.align}"
    empty = _empty(each)
    return f"{whole}, holes {_bytes(empty)}" if empty else whole


def _empty(each: Laid) -> int:
    """The bits of all holes."""
    return sum(member.bits for member in each.members if not member.name)


def _offset(member: LaidMember) -> str:
    return f"{member.bit // 8}:{member.bit % 8}" if member.field or member.bit % 8 else f"{member.bit // 8}"


def _size(member: LaidMember) -> str:
    return f":{member.bits}" if member.field else _bytes(member.bits)


def _row(member: LaidMember) -> Text:
    columns = f"{_offset(member):>8} {_size(member):>7}  "
    if not member.name:
        return ink(columns, ("hole", "yellow"))
    return ink(columns, "  " * member.depth, (member.name, "bold"), f"  {member.type}" if member.type else "")


def _bytes(bits: int) -> str:
    return f":{bits}" if bits % 8 else f"{bits // 8}"


# --- before and after a series

_STYLES = {Moved.MOVED: "yellow", Moved.RESIZED: "yellow", Moved.ADDED: "green", Moved.REMOVED: "red"}


def render_relaid(
    relaid: Sequence[Relaid], tree: str, series: str, *, width: int = 80, color: bool = False
) -> str:
    """The types one after another, each before and after a series."""
    return drawn(_relaid(relaid, tree, series, max(width, NARROWEST)), color=color)


def _relaid(relaid: Sequence[Relaid], tree: str, series: str, width: int) -> Iterator[Text]:
    for number, each in enumerate(relaid):
        if number:
            yield Text()
        shown = each.before if each.after.absent else each.after
        unit = f" in {shown.unit}" if shown.unit else ""
        head = ink(
            (shown.name, "bold"), f": {tree}, {shown.arch}, {shown.start}{unit}; before and after: {series}"
        )
        yield from wrapped(head, width, "", "  ")
        if each.before.unknown or each.after.unknown:
            for when, side in (("before", each.before), ("after", each.after)):
                doubt = ink(("unknown: ", "yellow")) if side.unknown and not side.absent else Text()
                yield from wrapped(ink(f"{when}: ", doubt, side.unknown or _whole(side)), width, "  ", "    ")
            continue
        yield from _pairs(each.members, width)
        yield from wrapped(ink(_both(each)), width, "  ", "    ")


def _pairs(members: Sequence[LaidPair], width: int) -> Iterator[Text]:
    """A line a member that differs, and one for all that stand between them."""
    if all(each.moved is Moved.SAME for each in members):
        return
    yield Text("  before   after       size  member")
    for same, some in groupby(members, key=lambda each: each.moved is Moved.SAME):
        if same:
            number = len(list(some))
            yield ink(" " * 29, f"({number} as before)")
            continue
        for each in some:
            yield from _moved(each, width)


def _moved(pair: LaidPair, width: int) -> list[Text]:
    shown = pair.after or pair.before
    assert shown is not None
    places = [_offset(each) if each is not None else "" for each in (pair.before, pair.after)]
    size = _size(shown)
    if pair.moved is Moved.RESIZED and pair.before is not None:
        size = f"{_size(pair.before)}->{size}"
    columns = f"{places[0]:>8}{places[1]:>8} {size:>10}  "
    name = ink("  " * shown.depth, (shown.name or "hole", "bold" if shown.name else "yellow"))
    said = ink(name, f"  {shown.type}" if shown.type else "", "  ", (str(pair.moved), _STYLES[pair.moved]))
    return wrapped(said, width, columns, " " * (len(columns) + 2))


def _both(each: Relaid) -> str:
    before, after = each.before, each.after
    said = [f"size {_turned(before.size, after.size)}", f"alignment {_turned(before.align, after.align)}"]
    empty = [_empty(side) for side in (before, after)]
    if any(empty):
        said.append(f"holes {_turned(_bytes(empty[0]), _bytes(empty[1]))}")
    moved = sum(pair.moved is Moved.MOVED and bool(pair.after and pair.after.name) for pair in each.members)
    if moved:
        said.append(f"{moved} {'member' if moved == 1 else 'members'} moved")
    same = before.align == after.align and all(pair.moved is Moved.SAME for pair in each.members)
    return ", ".join(said) + (": as before" if same and before.size == after.size else "")


def _turned(before: object, after: object) -> str:
    return f"{before}" if before == after else f"{before} -> {after}"
