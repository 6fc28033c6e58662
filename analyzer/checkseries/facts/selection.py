"""The table that a reader wants of a symbol: arch by arch, who selects it when, and whether it can be y."""

from __future__ import annotations

from collections.abc import Iterable

from checkseries.facts.answer import Broken, Holds, Impossible, Possible
from checkseries.facts.kconfig import Model, Select, model
from checkseries.facts.kconfig.expression import leaves
from checkseries.facts.kconfig.symbol import Expr
from checkseries.model import SelectionRow
from checkseries.tree import Snapshot


def row(kconfig: Model, symbol: str, expected: str = "", holds: bool | None = None) -> SelectionRow:
    """The table row of a symbol on the model's arch."""
    match kconfig.can_be(symbol, "y"):
        case Possible():
            can: bool | None = True
        case Impossible():
            can = False
        case _:
            can = None
    selected_by = tuple(str(select) for select in kconfig.selects(symbol) if not select.implied)
    return SelectionRow(kconfig.arch, symbol, selected_by, can, expected, holds)


def selections(tree: Snapshot, archs: Iterable[str], symbols: Iterable[str]) -> tuple[SelectionRow, ...]:
    """The rows of some symbols on some architectures, by symbol; raises KconfigError."""
    names = tuple(symbols)
    rows = [row(kconfig, symbol) for kconfig in (model(tree, arch) for arch in archs) for symbol in names]
    return tuple(sorted(rows, key=lambda each: (names.index(each.symbol), each.arch)))


def implications(tree: Snapshot, archs: Iterable[str], first: str, second: str) -> tuple[SelectionRow, ...]:
    """On each arch whether the second expression holds wherever the first does, with a witness if not."""
    rows = []
    for arch in archs:
        kconfig = model(tree, arch)
        match kconfig.implies(first, second):
            case Holds():
                holds: bool | None = True
                said: tuple[str, ...] = ()
            case Broken(witness=witness):
                holds, said = False, witness or ("# nothing has to be set: the defaults do",)
            case unknown:
                holds, said = None, (unknown.because,)
        can = isinstance(kconfig.satisfiable(first), Possible)
        selected_by = tuple(str(select) for select in kconfig.selects(first) if not select.implied)
        rows.append(SelectionRow(arch, first, selected_by, can, f"implies {second}", holds, said))
    return tuple(rows)


def selected_undefined(kconfig: Model) -> tuple[str, ...]:
    """The names that something selects on the arch and nothing defines, sorted."""
    return tuple(
        sorted(
            name
            for name, symbol in kconfig.tree.symbols.items()
            if not symbol.places and any(not each.implied for each in symbol.selected)
        )
    )


def selects_near(kconfig: Model, name: str, *, dependents: bool) -> tuple[Select, ...]:
    """The selects that a change of a symbol can make wrong, the nearest first.

    Those in its own entries and those of itself; with ``dependents`` also those of and by symbols whose
    direct dependencies mention it: a selector that depends on it may have lost what its target asks for.
    """
    found = {
        select: None for select in (*kconfig.selects_by(name), *kconfig.selects(name)) if not select.implied
    }
    if dependents:
        hanging = kconfig.dependents(name)
        for selects in (kconfig.selects, kconfig.selects_by):
            for each in hanging:
                found |= {select: None for select in selects(each) if not select.implied}
    return tuple(found)


def mentioned(expression: Expr) -> frozenset[str]:
    """The names of the symbols in an expression."""
    return frozenset(each.name for each in leaves(expression))
