"""A variable that is read must be written somewhere in the same configurations.

Why: where a series puts other code beside the old one by #ifdef, the old one's bookkeeping goes along. What still
reads it then sees zero for ever, and answers as if nothing had happened.

Severity: a note. It may be meant.

Not found: variables that begin with a value of their own, constants, members; files that are not built in all
configurations, those of an architecture apart; what Kconfig excludes, so that no configuration is left.
"""

from __future__ import annotations

from collections.abc import Iterator

from checkseries.facts.c_call import uses
from checkseries.facts.c_decl import kernel_source
from checkseries.facts.c_object import CObject, objects_in, objects_named
from checkseries.facts.c_text import code, place
from checkseries.facts.c_write import Write, writes_in
from checkseries.facts.kbuild_gate import gate
from checkseries.facts.places import line_place
from checkseries.facts.presence import (
    ALWAYS,
    Expression,
    contrary,
    every,
    narrowest,
    never,
    presence_of,
    said,
    some,
    widest,
)
from checkseries.facts.presence_case import case, known
from checkseries.judge.guards import newly_guarded
from checkseries.judge.history import History
from checkseries.judge.rule import Subject, bad, counted, good, no_words, rule
from checkseries.model import Confidence, Finding, Held, Place, Related, Severity, Undecided, Verdict
from checkseries.tree import Snapshot

_MOST = 30  # variables of one file


def newly_conditional(history: History, _arch: str) -> Iterator[Subject]:
    """The static variables that a patch puts code of below a condition."""
    for step, path in history.touched(".c"):
        if not kernel_source(path):
            continue
        words = newly_guarded(step, path)
        if not words:
            continue
        there = {each.name for each in objects_in(step.before, path)}
        found = [each.name for each in objects_in(step.after, path) if each.name in words and _state(each)]
        for name in [name for name in found if name in there][:_MOST]:
            yield Subject(name, "", (path,))


def _state(each: CObject) -> bool:
    """Whether it is a static variable that begins as zero."""
    return each.static and not each.initialised and not each.type.startswith("const ") and each.sure


@rule(
    "dead-state",
    severity=Severity.NOTE,
    confidence=Confidence.MEDIUM,
    since="0.1",
    subjects=newly_conditional,
    words=no_words,
    summary=counted("variables"),
)
def check(tree: Snapshot, subject: Subject) -> Iterator[Verdict]:
    """One verdict a variable."""
    name, path = subject.name, subject.detail[0]
    declared = objects_named(tree, path, name)
    if len(declared) != 1 or not _state(declared[0]):
        return
    written = writes_in(tree, path, name, path)
    reads = _reads(tree, path, name, written)
    if not written or not reads:
        return
    writing = widest(some(tuple(each.condition for each in written)))
    if writing == ALWAYS:
        yield Held(declared[0].place, f"{name} is written in every configuration")
        return
    reading = narrowest(some(tuple(condition for _, condition in reads)))
    dead = every((reading, contrary(writing)))
    if never(dead) or (known(dead) and case(dead) is None):
        yield Held(declared[0].place, f"{name} is written wherever it is read")
        return
    if not known(dead):
        yield Undecided(declared[0].place, f"too many options decide whether {name} is written")
        return
    if not path.startswith("arch/") and gate(tree, path) != ():
        yield Undecided(declared[0].place, f"{path} is not built in every configuration")
        return
    where, _ = next(
        each for each in reads if case(every((narrowest(each[1]), contrary(writing)))) is not None
    )
    yield Finding(
        rule="dead-state",
        severity=Severity.NOTE,
        confidence=Confidence.MEDIUM,
        place=where,
        subject=name,
        message=f"{name} is read here, but nothing writes it if {said(dead)}: it stays zero",
        related=tuple(
            Related(line_place(tree, each.place.path, each.place.line), f"written if {said(each.condition)}")
            for each in written[:2]
        ),
    )


def _reads(
    tree: Snapshot, path: str, name: str, written: tuple[Write, ...]
) -> tuple[tuple[Place, Expression], ...]:
    """Where functions and macros of the file use the variable without writing it, and when."""
    data = tree.read(path)
    if data is None:
        return ()
    source, presence = code(data), presence_of(data)
    spots = {(each.place.line, each.place.column) for each in written}
    found = []
    for use in uses(data, name):
        if use.role != "declaration" and (use.function or use.macro):
            where = place(source, path, use.at, use.function.name if use.function else "")
            if (where.line, where.column) not in spots:
                found.append((where, presence.at(where.line)))
    return tuple(found)


_HEAD = "static int stuck;\n\n"
_UP = "int cpu_up(int cpu)\n{\n\tif (boot(cpu))\n\t\tstuck++;\n\treturn 0;\n}\n"
_OTHER = "int kick(int cpu)\n{\n\treturn boot(cpu);\n}\n"
_ASK = "\nbool cpus_stuck(void)\n{\n\treturn stuck != 0;\n}\n"
_PLAIN = _HEAD + _UP + _ASK
_BESIDE = f"{_HEAD}#ifdef CONFIG_PARALLEL\n{_OTHER}#else\n{_UP}#endif\n{_ASK}"
_BASE = {"arch/x86/kernel/smp.c": _PLAIN}
_PATH = "arch/x86/kernel/smp.c"

EXAMPLES = (
    bad("its only writer stands beside the new code", _BASE, {_PATH: _BESIDE}, finds=(f"1 {_PATH}:19",)),
    bad(
        "its only writer goes below an option",
        _BASE,
        {_PATH: f"{_HEAD}#ifdef CONFIG_PARALLEL\n{_UP}#endif\n{_ASK}"},
        finds=(f"1 {_PATH}:14",),
    ),
    good(
        "the new code writes it too",
        _BASE,
        {_PATH: _BESIDE.replace("return boot(cpu);", "stuck += boot(cpu);\n\treturn 0;")},
    ),
    good(
        "its reader goes along",
        _BASE,
        {_PATH: f"{_HEAD}#ifdef CONFIG_PARALLEL\n{_OTHER}#else\n{_UP}{_ASK}#endif\n"},
    ),
    good(
        "it begins with a value of its own",
        {_PATH: _PLAIN.replace("stuck;", "stuck = 1;", 1)},
        {_PATH: _BESIDE.replace("stuck;", "stuck = 1;", 1)},
    ),
    good(
        "a driver, which Kconfig may build with the option only",
        {"drivers/a.c": _PLAIN},
        {"drivers/a.c": _BESIDE},
    ),
    good("it was so before", {_PATH: _BESIDE}, {_PATH: _BESIDE.replace("return 0;", "return 1;")}),
    good(
        "it was so before, and more goes below the option",
        {_PATH: _BESIDE},
        {_PATH: _BESIDE.replace("\t\tstuck++;\n", "#ifdef CONFIG_PM\n\t\tstuck++;\n#endif\n")},
    ),
)
