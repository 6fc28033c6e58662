"""What a person asks of Kconfig by hand: values, selects that can be unmet, and why a symbol is or is not y."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from checkseries.facts.answer import Impossible, Possible
from checkseries.facts.kconfig import Evaluation, KconfigError, Model, model
from checkseries.facts.kconfig.evaluate import Mode, quoted
from checkseries.facts.kconfig.expression import text
from checkseries.facts.kconfig.symbol import And, Expr, Symbol, Type, both
from checkseries.model import Blocker, Reason, UnmetSelect, UnmetSweep, Values
from checkseries.tree import Snapshot

MAX_PARTS = 64
"""Operands of one conjunction that are tried one by one."""
MAX_BLOCKERS = 16
"""Blockers that are named for one symbol on one arch."""

_MAKEFILE = 200_000  # bytes of one that are looked at
_DEFAULT = re.compile(r"^[ \t]*KBUILD_DEFCONFIG[ \t]*:?=[ \t]*(\S.*?)[ \t]*$", re.MULTILINE)


def values(
    tree: Snapshot, arch: str, assignments: Iterable[tuple[str, str]], mode: Mode, start: str
) -> Values:
    """The value of every defined symbol of an arch; raises KconfigError."""
    kconfig = model(tree, arch)
    found = Evaluation(kconfig.tree, assignments, mode)
    written = []
    for symbol in sorted(kconfig.tree.order, key=lambda each: each.name):
        if symbol.type is not Type.UNKNOWN:
            value = found.text(symbol)
            written.append((symbol.name, quoted(value) if symbol.type is Type.STRING else value))
    return Values(arch, start, tuple(written), tuple(sorted(found.all_unmet())))


def default_config(tree: Snapshot, arch: str) -> str | None:
    """The file below ``configs`` that ``make defconfig`` takes; None if that hangs on more than the makefile says.

    Of several, it is the one of 64 bits, as for ARCH=x86 on most machines.
    """
    makefile = (tree.text(f"arch/{arch}/Makefile") or "")[:_MAKEFILE]
    said = dict.fromkeys(match[1] for match in _DEFAULT.finditer(makefile))
    names = [name for name in said if "$" not in name]
    if len(said) > 1:
        names = [name for name in names if "64" in name]
    if not said:
        return "defconfig"
    return names[0] if len(names) == 1 else None


def sweep(tree: Snapshot, arch: str) -> UnmetSweep:
    """Every select of an arch whose target's dependencies can be unmet; a tree that conf refuses is a failure."""
    try:
        kconfig = model(tree, arch)
    except KconfigError as error:
        return UnmetSweep(arch, 0, failure=str(error))
    asked = 0
    unmet, unknown = [], []
    for symbol in sorted(kconfig.tree.order, key=lambda each: each.name):
        if not symbol.direct:
            continue  # without dependencies there are none to be unmet
        for select in dict.fromkeys(kconfig.selects(symbol.name)):
            if select.implied:
                continue
            asked += 1
            match kconfig.unmet(select):
                case Possible(witness=witness):
                    unmet.append(
                        UnmetSelect(
                            symbol.name,
                            kconfig.depends(symbol.name),
                            select.selector,
                            select.condition,
                            select.path,
                            select.line,
                            witness,
                        )
                    )
                case Impossible():
                    pass
                case undecided:
                    unknown.append(f"{select.selector} selects {select.target}: {undecided.because}")
    return UnmetSweep(arch, asked, tuple(unmet), tuple(unknown))


def why(tree: Snapshot, arch: str, name: str) -> Reason:
    """What has to be set for a symbol to be y, or what never lets it; raises KconfigError."""
    kconfig = model(tree, arch)
    match kconfig.can_be(name, "y"):
        case Possible(witness=witness):
            return Reason(arch, name, can_be_y=True, witness=witness)
        case Impossible():
            return Reason(arch, name, can_be_y=False, blockers=_blockers(kconfig, name))
        case undecided:
            return Reason(arch, name, can_be_y=None, unknown=undecided.because)


def _blockers(kconfig: Model, name: str) -> tuple[Blocker, ...]:
    """What blocks a symbol, then what blocks the single symbols among that, each once."""
    found: list[Blocker] = []
    pending, seen = [name], {name}
    while pending and len(found) < MAX_BLOCKERS:
        symbol = kconfig.tree.symbols.get(pending.pop(0))
        if symbol is None or not symbol.places:
            continue
        for blocker, part in _blocked(kconfig, symbol):
            found.append(blocker)
            if isinstance(part, Symbol) and not part.constant and part.name not in seen:
                seen.add(part.name)
                pending.append(part.name)
    if not found and not kconfig.defined(name):
        return (Blocker(name, "definition", "", "", 0, f"{name} is not defined on {kconfig.arch}"),)
    return tuple(found[:MAX_BLOCKERS])


def _blocked(kconfig: Model, symbol: Symbol) -> Iterator[tuple[Blocker, Expr | None]]:
    """Each way for a symbol to be y, and the part of it that cannot be; its dependencies alone if they suffice."""
    path, line = symbol.places[0]
    cores = [_core(kconfig, each) for each in symbol.direct]
    if cores and all(core is not None for core in cores):
        ways = [("dependencies", core, path, line) for core in cores]
    else:
        ways = [("prompt", _core(kconfig, each.when), path, line) for each in symbol.prompts]
        ways += [
            ("default", _core(kconfig, both(each.value, each.when)), path, line) for each in symbol.defaults
        ]
        if not ways and not symbol.selected:
            yield (
                Blocker(
                    symbol.name,
                    "definition",
                    "",
                    path,
                    line,
                    "it has no prompt and no default, nothing selects it",
                ),
                None,
            )
    for each in symbol.selected:
        core = _core(kconfig, both(each.selector, each.when))
        ways.append((f"select by {each.selector.name}", core, each.path, each.line))
    for role, core, where, at in ways:
        if core is None:
            yield Blocker(symbol.name, role, "", where, at, "it can be met, but never makes it y"), None
            continue
        because = ""
        if isinstance(core, Symbol) and not core.constant and not core.places:
            because = f"{core.name} is not defined on {kconfig.arch}"
        yield Blocker(symbol.name, role, text(core), where, at, because), core


def _core(kconfig: Model, expr: Expr | None) -> Expr | None:
    """The smallest part of a conjunction that is never true: one operand if one will do; None if all can be."""
    if expr is None or not _never(kconfig, expr):
        return None
    operands = list(dict.fromkeys(_operands(expr)))
    if len(operands) > MAX_PARTS:
        return expr
    for each in operands:
        if _never(kconfig, each):
            return each
    position = 0
    while position < len(operands) and len(operands) > 1:
        fewer = operands[:position] + operands[position + 1 :]
        if _never(kconfig, And(tuple(fewer)) if len(fewer) > 1 else fewer[0]):
            operands = fewer
        else:
            position += 1
    return And(tuple(operands)) if len(operands) > 1 else operands[0]


def _operands(expr: Expr) -> Iterator[Expr]:
    """The operands of a conjunction, those of the conjunctions in it in their place."""
    pending = [expr]
    while pending:
        each = pending.pop()
        if isinstance(each, And):
            pending.extend(reversed(each.operands))
        else:
            yield each


def _never(kconfig: Model, expr: Expr) -> bool:
    """Whether it is proved that an expression is n in every configuration."""
    return isinstance(kconfig.satisfiable(text(expr)), Impossible)
