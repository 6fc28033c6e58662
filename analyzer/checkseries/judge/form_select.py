"""The ``select`` form of a contract: what Kconfig must make of a symbol, arch by arch, in every configuration.

::

    [[contract.select]]
    symbol      = "PARALLEL_SMT_PRIMARY_FIRST"
    archs       = ["x86", "mips", "riscv"]
    always-with = "HOTPLUG_PARALLEL"     # y wherever that expression holds

Instead of ``always-with``: ``never = true`` (cannot be y), ``possible = true`` (can be y) or
``selected-when = "EXPR"`` (y where the expression holds, and only there).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from checkseries.errors import RuleError
from checkseries.facts.answer import Broken, Holds, Impossible, Possible, Unknown
from checkseries.facts.kconfig import Model, model
from checkseries.facts.kconfig.lexical import definitions, spelt
from checkseries.facts.near import nearest
from checkseries.facts.places import line_place
from checkseries.facts.selection import row, selected_undefined
from checkseries.judge import witness as witnesses
from checkseries.judge.rule import Check, Subject, told
from checkseries.judge.stale import stale
from checkseries.judge.vocabulary import known
from checkseries.model import (
    Confidence,
    Finding,
    Held,
    Place,
    Related,
    Severity,
    Undecided,
    Verdict,
    Witness,
    WitnessKind,
)
from checkseries.tree import Snapshot

_EXPRESSIONS = ("always-with", "selected-when")
_DEMANDS = (*_EXPRESSIONS, "never", "possible")


@dataclass(frozen=True, slots=True)
class Clause:
    """One demand on one symbol: ``expression`` is empty for ``never`` and ``possible``."""

    symbol: str
    archs: tuple[str, ...]
    demand: str
    expression: str

    @property
    def words(self) -> str:
        """The demand as a reader says it."""
        return {
            "always-with": f"always with {self.expression}",
            "never": "never",
            "possible": "can be y",
            "selected-when": f"y exactly when {self.expression}",
        }[self.demand]


def clauses(tables: Any, where: str) -> tuple[Clause, ...]:
    """The clauses of the ``[[contract.select]]`` tables; raises RuleError."""
    if not isinstance(tables, list) or not tables:
        raise RuleError(f"{where}: select is a list of tables, [[contract.select]]")
    found = []
    for number, table in enumerate(tables, 1):
        spot = f"{where}: select {number}"
        known(table, {"symbol", "archs", *_DEMANDS}, spot)
        demands = [demand for demand in _DEMANDS if demand in table]
        if len(demands) != 1:
            raise RuleError(f"{spot}: needs exactly one of {', '.join(_DEMANDS)}")
        archs = table.get("archs")
        if not isinstance(archs, list) or not archs or not all(isinstance(arch, str) for arch in archs):
            raise RuleError(f'{spot}: needs archs = ["ARCH"]')
        if not isinstance(table.get("symbol"), str):
            raise RuleError(f'{spot}: needs symbol = "NAME"')
        value = table[demands[0]]
        if demands[0] in _EXPRESSIONS and not (isinstance(value, str) and value.strip()):
            raise RuleError(f"{spot}: {demands[0]} takes a Kconfig expression")
        if demands[0] not in _EXPRESSIONS and value is not True:
            raise RuleError(f"{spot}: {demands[0]} takes true")
        found.append(
            Clause(table["symbol"], tuple(archs), demands[0], value if isinstance(value, str) else "")
        )
    return tuple(found)


def check(name: str, severity: Severity, all_clauses: Sequence[Clause]) -> Check:
    """The judgement of a clause on an arch, one verdict and one table row: the subject has its number."""

    def judged(tree: Snapshot, subject: Subject) -> Iterator[Verdict]:
        clause = all_clauses[int(subject.detail[0])]
        gone = stale(name, clause.symbol, f"nothing defines {clause.symbol} any more", (subject.arch,))
        # What no file defines needs no model, which is what a series costs that is not about the contract.
        if clause.symbol not in definitions(tree) and not spelt(tree):
            yield gone
            return
        kconfig = model(tree, subject.arch)
        if not kconfig.defined(clause.symbol):
            yield gone
            return
        verdict, holds = _judge(tree, kconfig, name, severity, clause)
        yield verdict
        yield row(kconfig, clause.symbol, clause.words, holds)

    return judged


def _judge(
    tree: Snapshot, kconfig: Model, name: str, severity: Severity, clause: Clause
) -> tuple[Verdict, bool | None]:
    symbol, arch = clause.symbol, kconfig.arch
    place, related = _spot(tree, kconfig, clause)
    answers: list[tuple[str, Holds | Broken | Possible | Impossible | Unknown]] = []
    match clause.demand:
        case "always-with":
            answers.append(
                (f"{clause.expression} can be y without {symbol}", kconfig.implies(clause.expression, symbol))
            )
        case "selected-when":
            answers.append(
                (f"{clause.expression} can hold without {symbol}", kconfig.implies(clause.expression, symbol))
            )
            answers.append(
                (f"{symbol} can be y without {clause.expression}", kconfig.implies(symbol, clause.expression))
            )
        case "never":
            answers.append((f"{symbol} can be y", kconfig.satisfiable(symbol)))
        case _:
            answers.append((f"{symbol} can never be y", kconfig.satisfiable(symbol)))
    for fault, answer in answers:
        match clause.demand, answer:
            case ("never", Possible(witness=lines)) | (_, Broken(witness=lines)):
                witness = witnesses.config(lines, arch)
            case "possible", Impossible():
                witness = Witness(WitnessKind.SITE, (f"no configuration of {arch} has {symbol}=y",), arch)
            case _, Unknown(because=because):
                return Undecided(place, f"{arch}: {because}"), None
            case _:
                continue
        misspelt = nearest(symbol, selected_undefined(kconfig))
        if misspelt is not None:
            return Undecided(
                place, f"{arch}: selects {misspelt}, which nothing defines; {symbol} may be meant"
            ), None
        finding = Finding(
            rule=name,
            severity=severity,
            confidence=Confidence.HIGH,
            place=place,
            subject=symbol,
            message=f"{fault} on {arch}; the contract wants: {clause.words}",
            archs=(arch,),
            related=related,
            witness=witness,
            profile=kconfig.profile,
        )
        return finding, False
    return Held(place, f"{symbol} on {arch}: {clause.words}"), True


def _spot(tree: Snapshot, kconfig: Model, clause: Clause) -> tuple[Place, tuple[Related, ...]]:
    """Where to look: the select of the symbol on this arch, else that of what it must come with, else its entry."""
    own = kconfig.selects(clause.symbol)
    partners = (
        kconfig.selects(clause.expression) if clause.expression and kconfig.defined(clause.expression) else ()
    )
    # A select below the arch's own directory explains more than one in a shared file.
    for select in sorted(
        (*own, *partners), key=lambda each: not each.path.startswith(f"arch/{kconfig.arch}/")
    ):
        related = tuple(
            Related(
                line_place(tree, other.path, other.line, other.selector), f"{other.target} is selected here"
            )
            for other in (*own, *partners)
            if other is not select
        )
        return line_place(tree, select.path, select.line, select.selector), related[:4]
    path, line = kconfig.definitions(clause.symbol)[0]
    return line_place(tree, path, line, clause.symbol), ()


def summary(holds: int, broken: int, unknown: int) -> str:
    """``7 of 7 selections as they must be``."""
    total = holds + broken + unknown
    if holds == total:
        return f"{total} selections, all as they must be in every configuration"
    return f"{total} selections: {told((holds, 'as they must be'), (broken, 'not'), (unknown, 'unknown'))}"
