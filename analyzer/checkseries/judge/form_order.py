"""The ``order`` form of a contract: what a function must not call before it has called something else.

::

    [contract.order]
    function   = "secondary_start_kernel"          # every definition of it that calls the next
    first      = "rcutree_report_cpu_starting"
    not-before = "prints"                          # a kind of calls, or a list: ["complete", "wake_up"]

The functions of the same file that it calls up to there are looked into as well.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from checkseries.errors import RuleError
from checkseries.facts.c_decl import arch_of, declarations
from checkseries.facts.c_outline import Function, functions, outline_of
from checkseries.facts.c_text import Code, code, place
from checkseries.facts.c_words import KEYWORDS
from checkseries.facts.kernel_words import PRINTS
from checkseries.facts.presence import Expression, every, never, presence_of
from checkseries.judge.rule import Check, Subject, told
from checkseries.judge.stale import stale
from checkseries.judge.vocabulary import known, one_of
from checkseries.model import (
    Confidence,
    Finding,
    Held,
    Place,
    Related,
    Severity,
    Verdict,
    Witness,
    WitnessKind,
)
from checkseries.tree import Snapshot

KINDS = {"prints": PRINTS}
"""The kinds of calls that a contract can name by a word."""

_CALL = re.compile(r"(?<![\w.>])([A-Za-z_]\w*)\s*\(", re.ASCII)
_DEEPEST = 4  # functions of the file within each other
_MOST = 200  # functions of the file


@dataclass(frozen=True, slots=True)
class OrderForm:
    """A function, what it calls first, and what it must not call before that."""

    function: str
    first: str
    unwanted: frozenset[str]
    what: str
    """``nothing that prints``, ``no complete()``."""


def form(table: Any, where: str) -> OrderForm:
    """The form that a ``[contract.order]`` table describes; raises RuleError."""
    if not isinstance(table, dict):
        raise RuleError(f"{where}: order is one table, [contract.order]")
    known(table, {"function", "first", "not-before"}, f"{where}: order")
    function, first, unwanted = table.get("function"), table.get("first"), table.get("not-before")
    for key, name in (("function", function), ("first", first)):
        if not isinstance(name, str) or not name.isidentifier():
            raise RuleError(f'{where}: order needs {key} = "NAME"')
    if isinstance(unwanted, list):
        if not unwanted or not all(isinstance(name, str) and name.isidentifier() for name in unwanted):
            raise RuleError(f'{where}: order: not-before is a kind of calls or ["NAME", ...]')
        names, what = frozenset(unwanted), "no " + " or ".join(f"{name}()" for name in unwanted)
    elif isinstance(unwanted, str):
        kind = one_of(unwanted, KINDS, "kind of calls", f"{where}: order")
        names, what = KINDS[kind], f"nothing that {kind}"
    else:
        raise RuleError(f'{where}: order needs not-before = "prints" or ["NAME", ...]')
    return OrderForm(str(function), str(first), names, what)


def check(name: str, severity: Severity, order: OrderForm) -> Check:
    """The judgement: one verdict a definition that calls what comes first, and one for each call before that."""

    def judged(tree: Snapshot, _subject: Subject) -> Iterator[Verdict]:
        defined = [each for each in declarations(tree, order.function) if each.kind == "definition"]
        if not defined:
            yield stale(name, order.function, f"{order.function}() is no longer defined in the tree")
            return
        for path in sorted({each.place.path for each in defined}):
            data = tree.read(path)
            if data is not None:
                yield from _file(path, code(data), name, severity, order)

    return judged


@dataclass(frozen=True, slots=True)
class _Called:
    name: str
    at: int
    condition: Expression
    around: str


def _file(path: str, source: Code, name: str, severity: Severity, order: OrderForm) -> Iterator[Verdict]:
    own: dict[str, list[Function]] = {}
    for chunk in outline_of(source.data).chunks:
        for function in functions(source, chunk):
            own.setdefault(function.name, []).append(function)
    for function in own.get(order.function, ()):
        calls = tuple(_calls(source, function))
        first = next((each for each in calls if each.name == order.first), None)
        if first is None:
            continue
        before = [
            each
            for each in calls
            if each.at < first.at and not never(every((each.condition, first.condition)))
        ]
        bad = [found for each in before if (found := _unwanted(source, own, each, order)) is not None]
        where = place(source, path, first.at, order.function)
        if not bad:
            yield Held(where, f"{order.what} before {order.first}()")
        for chain in bad:
            yield _finding(chain, where, source, path, name, severity, order)


def _calls(source: Code, function: Function) -> Iterator[_Called]:
    presence = presence_of(source.data)
    line, counted = source.line(function.body[0]), function.body[0]
    for match in _CALL.finditer(source.plain, *function.body):
        if match[1] not in KEYWORDS:
            line += source.plain.count("\n", counted, match.start())
            counted = match.start()
            yield _Called(match[1], match.start(), presence.at(line), function.name)


def _unwanted(
    source: Code, own: dict[str, list[Function]], call: _Called, order: OrderForm
) -> tuple[_Called, ...] | None:
    """The way from a call to one that must not be made, through functions of the file; None if there is none."""
    pending: list[tuple[_Called, ...]] = [(call,)]
    seen: set[str] = set()
    while pending:
        chain = pending.pop(0)
        last = chain[-1]
        if last.name in order.unwanted:
            return chain
        if last.name in seen or len(chain) > _DEEPEST or len(seen) > _MOST:
            continue
        seen.add(last.name)
        for function in own.get(last.name, ()):
            pending += [
                (*chain, each)
                for each in _calls(source, function)
                if not never(every((*(one.condition for one in chain), each.condition)))
            ]
    return None


def _finding(
    chain: tuple[_Called, ...],
    first: Place,
    source: Code,
    path: str,
    name: str,
    severity: Severity,
    order: OrderForm,
) -> Finding:
    last = chain[-1]
    where = place(source, path, last.at, last.around)
    way = "".join(f", by way of {each.name}()" for each in chain[:-1])
    steps = (place(source, path, each.at, each.around) for each in chain)
    return Finding(
        rule=name,
        severity=severity,
        confidence=Confidence.HIGH,
        place=where,
        subject=f"{order.function} {last.name}",
        message=f"{order.function}() calls {last.name}(){way}, before {order.first}(): it must call {order.what} until then",
        archs=(arch,) if (arch := arch_of(path)) else (),
        related=(Related(first, f"{order.first}() is called here"),),
        witness=Witness(
            WitnessKind.SITE, tuple(f"{each.path}:{each.line}: {each.text.strip()}" for each in steps)
        ),
    )


def summary(order: OrderForm) -> Callable[[int, int, int], str]:
    """``1 secondary_start_kernel(), nothing that prints before rcutree_report_cpu_starting()``."""

    def line(holds: int, broken: int, unknown: int) -> str:
        what = f"{order.what} before {order.first}()"
        if not broken and not unknown:
            return f"{holds} {order.function}(), {what}"
        return (
            f"{order.function}(), {what}: {told((holds, 'hold'), (broken, 'broken'), (unknown, 'unknown'))}"
        )

    return line
