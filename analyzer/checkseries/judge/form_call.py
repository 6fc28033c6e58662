"""The ``call`` form of a contract: what a function's arguments must be, at every call in the tree.

::

    [contract.call]
    function   = "update_cpu_boot_status"
    parameters = 2                  # judged where the function takes so many
    argument   = { 0 = "cpu-id" }   # kinds of arguments by position, from 0
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from checkseries.errors import RuleError
from checkseries.facts.c_call import Call, calls
from checkseries.facts.c_decl import arch_of, declarations
from checkseries.facts.cpu_id import No, Yes, cpu_id
from checkseries.judge.rule import Check, Subject, told
from checkseries.judge.stale import stale
from checkseries.judge.vocabulary import known, one_of
from checkseries.model import (
    Confidence,
    Finding,
    Held,
    Severity,
    Undecided,
    Verdict,
    Witness,
    WitnessKind,
)
from checkseries.tree import Snapshot

KINDS = {"cpu-id": "a CPU ID"}
"""The kinds that an argument can be demanded to be, and how to say so."""


@dataclass(frozen=True, slots=True)
class CallForm:
    """A function, how many parameters it takes, and the kinds of some of its arguments."""

    function: str
    parameters: int
    arguments: tuple[tuple[int, str], ...]


def form(table: Any, where: str) -> CallForm:
    """The form that a ``[contract.call]`` table describes; raises RuleError."""
    if not isinstance(table, dict):
        raise RuleError(f"{where}: call is one table, [contract.call]")
    known(table, {"function", "parameters", "argument"}, f"{where}: call")
    function, parameters, argument = table.get("function"), table.get("parameters"), table.get("argument")
    if not isinstance(function, str) or not function.isidentifier():
        raise RuleError(f'{where}: call needs function = "NAME"')
    if not isinstance(parameters, int) or parameters < 1:
        raise RuleError(f"{where}: call needs parameters = N")
    if not isinstance(argument, dict) or not argument:
        raise RuleError(f'{where}: call needs argument = {{ 0 = "cpu-id" }}')
    kinds = []
    for position, kind in argument.items():
        if not position.isdigit() or int(position) >= parameters:
            raise RuleError(f"{where}: argument {position!r} is no position below {parameters}")
        kinds.append((int(position), one_of(kind, KINDS, "kind of argument", f"{where}: call")))
    return CallForm(function, parameters, tuple(sorted(kinds)))


def check(name: str, severity: Severity, call_form: CallForm) -> Check:
    """The judgement: one verdict a call."""

    def judged(tree: Snapshot, _subject: Subject) -> Iterator[Verdict]:
        declared = [each for each in declarations(tree, call_form.function) if each.kind != "macro"]
        if not declared:
            yield stale(name, call_form.function, f"{call_form.function}() is no longer declared in the tree")
            return
        takes = {None if each.parameters is None else len(each.parameters) for each in declared}
        if takes == {call_form.parameters}:
            for call in calls(tree, call_form.function):
                yield from _call(tree, name, severity, call_form, call)
        elif call_form.parameters in takes or None in takes:
            yield Undecided(declared[0].place, f"the declarations of {call_form.function}() do not agree")

    return judged


def _call(
    tree: Snapshot, name: str, severity: Severity, call_form: CallForm, call: Call
) -> Iterator[Verdict]:
    arguments = call.arguments
    if not call.arity_known:
        yield Undecided(call.place, "its argument list cannot be read for sure")
        return
    if len(arguments) != call_form.parameters:
        yield Undecided(call.place, f"passes {len(arguments)} arguments, not {call_form.parameters}")
        return
    for position, kind in call_form.arguments:
        said = cpu_id(tree, call, position)
        ordinal = (
            ("first", "second", "third", "fourth", "fifth", "sixth")[position]
            if position < 6
            else f"{position + 1}th"
        )
        match said:
            case Yes():
                yield Held(call.place, f"{arguments[position]}: {said.because}")
            case No():
                yield Finding(
                    rule=name,
                    severity=severity,
                    confidence=Confidence.HIGH,
                    place=call.place,
                    subject=call_form.function,
                    message=(
                        f"the {ordinal} argument of {call_form.function}() must be {KINDS[kind]}, "
                        f"but `{arguments[position]}` is not: {said.because}"
                    ),
                    archs=(arch,) if (arch := arch_of(call.place.path)) else (),
                    witness=Witness(
                        WitnessKind.SITE, (f"{call.place.path}:{call.place.line}: {call.place.text.strip()}",)
                    ),
                )
            case _:
                yield Undecided(call.place, f"`{arguments[position]}`: {said.because}")


def summary(call_form: CallForm) -> Callable[[int, int, int], str]:
    """``6 calls of f(), all pass a CPU ID as first argument``."""
    what = " and ".join(KINDS[kind] for _, kind in call_form.arguments)

    def line(holds: int, broken: int, unknown: int) -> str:
        total = holds + broken + unknown
        calls_of = f"{total} call{'s' if total != 1 else ''} of {call_form.function}()"
        if not broken and not unknown:
            return f"{calls_of}, all pass {what}" if total != 1 else f"{calls_of}, passes {what}"
        return f"{calls_of}: {told((holds, f'pass {what}'), (broken, 'do not'), (unknown, 'unknown'))}"

    return line
