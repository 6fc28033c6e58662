"""Types as they lie in memory, as people read it: a line a member, and a line a hole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.text import Text

from checkseries.model import Laid, LaidMember
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
        whole = f"size {each.size}, alignment {each.align}"
        empty = sum(member.bits for member in each.members if not member.name)
        if empty:
            whole += f", holes {_bytes(empty)}"
        yield from wrapped(ink(whole), width, "  ", "    ")


def _row(member: LaidMember) -> Text:
    offset = f"{member.bit // 8}:{member.bit % 8}" if member.field or member.bit % 8 else f"{member.bit // 8}"
    size = f":{member.bits}" if member.field else _bytes(member.bits)
    columns = f"{offset:>8} {size:>7}  "
    if not member.name:
        return ink(columns, ("hole", "yellow"))
    return ink(columns, "  " * member.depth, (member.name, "bold"), f"  {member.type}" if member.type else "")


def _bytes(bits: int) -> str:
    return f":{bits}" if bits % 8 else f"{bits // 8}"
