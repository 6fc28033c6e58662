"""Selection tables as people read them: one block a symbol, one line an arch."""

from __future__ import annotations

from collections.abc import Iterator

from rich.cells import cell_len
from rich.text import Text

from checkseries.model import SelectionRow, SelectionTable
from checkseries.report.clean import printable
from checkseries.report.wrap import ink, wrapped

_VERDICT = {
    True: ("holds", "green"),
    False: ("broken", "bold red"),
    None: ("unknown", "yellow"),
}
_CAN = {True: "yes", False: "no", None: "?"}
_VERDICT_WIDTH = len("verdict")
_WIDEST = 16
"""Columns for the name of an arch, at most; a longer one has a line of its own."""
_NARROW = 60
"""Below this width the selectors stand under their arch."""


def selection(table: SelectionTable, width: int) -> Iterator[Text]:
    """The lines of one table, at most ``width`` columns wide; symbols in the order in which they come."""
    yield from wrapped(ink((table.title + ":", "bold")), width, "", "  ")
    by_symbol: dict[str, list[SelectionRow]] = {}
    for row in table.rows:
        by_symbol.setdefault(row.symbol, []).append(row)
    names = [cell_len(printable(row.arch)) for row in table.rows]
    arch = min(max((len("arch"), *names)), _WIDEST)
    judged = any(map(_judged, table.rows))
    verdict = f"{'verdict':<{_VERDICT_WIDTH}}  " if judged else ""
    selected = "" if width < _NARROW else "selected by"
    for symbol, rows in by_symbol.items():
        yield from wrapped(ink((symbol, "bold")), width, "  ")
        header = ink((f"    {'arch':<{arch}}  can be y  {verdict}{selected}", "dim"))
        header.rstrip()
        yield header
        for row in rows:
            yield from _row(row, arch, width, judged=judged)


def _judged(row: SelectionRow) -> bool:
    """Whether anything is expected of the row; a symbol that was asked for by hand has no verdict."""
    return bool(row.expected) or row.holds is not None


def _row(row: SelectionRow, arch: int, width: int, *, judged: bool) -> Iterator[Text]:
    name = printable(row.arch)
    head = ink(f"    {name}{' ' * (arch - cell_len(name))}  {_CAN[row.can_be_y]:<8}  ")
    indent = 4 + arch + 2 + 8 + 2
    if judged:
        verdict, style = _VERDICT[row.holds] if _judged(row) else ("-", "dim")
        head.append_text(ink((f"{verdict:<{_VERDICT_WIDTH}}", style), "  "))
        indent += _VERDICT_WIDTH + 2
    selectors = list(row.selected_by) or ["(nothing)"]
    if width < _NARROW or cell_len(head.plain) > indent:
        head.rstrip()
        yield from wrapped(head, width, "", "    ")
        below = " " * 8
    else:
        yield from wrapped(ink(head, selectors.pop(0)), width, "", " " * (indent + 2))
        below = " " * indent
    for selector in selectors:
        yield from wrapped(ink(selector), width, below, below + "  ")
    if row.holds is not True and row.expected:
        yield from wrapped(ink("wanted: ", row.expected), width, below, below + "  ")
    for line in row.witness:
        yield from wrapped(ink("with ", line), width, below, below + "  ")
