"""A call that a series adds must pass as many arguments as the function or macro takes.

Why: it does not build. Helpers of one family differ in what they take, and code that was moved from one to the
other, or written for another kernel, passes the old arguments.

Not found: functions whose parameters the series itself changes (see signature-drift); what is declared in C
files only, but its own; calls through pointers and from a macro's body; arguments of the wrong type.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from checkseries.facts.c_call import Call, arity, calls_in
from checkseries.facts.c_decl import (
    Declaration,
    arch_of,
    arguments,
    declared_in,
    functions_in,
    kernel_source,
    seen_from,
)
from checkseries.facts.c_text import code
from checkseries.facts.c_words import KEYWORDS
from checkseries.facts.presence import never
from checkseries.judge.history import History
from checkseries.judge.rule import Subject, bad, counted, good, rule
from checkseries.model import (
    Confidence,
    Finding,
    Held,
    Related,
    Severity,
    Undecided,
    Verdict,
    Witness,
    WitnessKind,
)
from checkseries.tree import Snapshot

_CALLED = re.compile(r"(?<![\w$.>#])([A-Za-z_]\w*)[ \t]*\(", re.ASCII)
_MOST = 40
"""Headers that may hold a name: which of more is meant is not told."""


def added_calls(history: History, _arch: str) -> Iterator[Subject]:
    """What added lines call, each with its file, without the functions whose parameters change."""
    wanted: dict[tuple[str, str], None] = {}
    moved: set[str] = set()
    for step in history.steps:
        for path in step.touched:
            if not kernel_source(path):
                continue
            moved |= _moved(step.before, step.after, path)
            fresh = step.added.get(path)
            data = step.after.peek(path)
            if not fresh or data is None:
                continue
            lines = code(data).plain.split("\n")
            for number in sorted(fresh):
                for match in _CALLED.finditer(lines[number - 1] if number <= len(lines) else ""):
                    if match[1] not in KEYWORDS:
                        wanted[match[1], path] = None
    for name, path in sorted(wanted):
        # What the file called so before the series is no news, and needs no search of the tree.
        before = _passed(history.base, path, name)
        if name not in moved and any(_passed(tree, path, name) - before for tree in history.snapshots[1:]):
            yield Subject(name, "", (path,))


def _passed(tree: Snapshot, path: str, name: str) -> set[int]:
    """The numbers of arguments that a file passes to a name."""
    return {len(call.arguments) for call in calls_in(tree, path, name)}


def _moved(before: Snapshot, after: Snapshot, path: str) -> set[str]:
    """The functions of a file that take another number of arguments than before."""
    old, new = (
        {(each.name, len(each.parameters or ())) for each in functions_in(tree, path)}
        for tree in (before, after)
    )
    return {name for name, _ in old - new} | ({name for name, _ in new - old} & {name for name, _ in old})


@rule(
    "argument-count",
    severity=Severity.ERROR,
    confidence=Confidence.HIGH,
    since="0.1",
    subjects=added_calls,
    summary=counted("calls"),
)
def check(tree: Snapshot, subject: Subject) -> Iterator[Verdict]:
    """One verdict a call of one name in one file."""
    name = subject.name
    (path,) = subject.detail
    paths = tree.grep(name)
    headers = [each for each in paths if each.endswith((".h", ".inc")) and kernel_source(each)]
    if path not in paths or len(headers) > _MOST:
        return
    declared = tuple(
        each for where in dict.fromkeys((*headers, path)) for each in declared_in(tree, where, name)
    )
    if not declared:
        return
    for call in calls_in(tree, path, name):
        if call.in_macro is None and not never(call.condition):
            yield _judged(tree, call, declared)


def _judged(tree: Snapshot, call: Call, declared: tuple[Declaration, ...]) -> Verdict:
    seen = seen_from(declared, call.place.path, None)
    passed = len(call.arguments)
    if not seen:
        return Undecided(call.place, f"no declaration of {call.name}() is seen from here")
    if not call.arity_known:
        return Undecided(call.place, f"how many arguments {call.name}() is given here is not known")
    fits = [each.accepts(passed) for each in declared]
    if any(fits):
        return Held(call.place, f"{call.name}() takes {passed} arguments")
    if None in fits or call.seen_by != "syntax":
        return Undecided(call.place, f"not every declaration of {call.name}() can be read")
    if arity(tree, call) is None:
        return Undecided(call.place, f"an argument of {call.name}() may be a macro that holds several")
    wanted = seen[0]
    arch = arch_of(call.place.path)
    return Finding(
        rule="argument-count",
        severity=Severity.ERROR,
        confidence=Confidence.HIGH,
        place=call.place,
        subject=call.name,
        message=f"{call.name}() is called with {arguments(passed)}, but takes {wanted.takes}",
        archs=(arch,) if arch else (),
        related=tuple(
            Related(each.place, f"{call.name}() is declared here, with {each.takes}") for each in seen[:3]
        ),
        witness=Witness(
            WitnessKind.SITE, (f"{wanted.place.path}:{wanted.place.line}: {wanted.place.text.strip()}",)
        ),
    )


_BASE = {"include/park.h": "void park(int cpu);\n", "a.c": '#include "park.h"\nvoid f(int cpu)\n{\n}\n'}


def _calling(text: str, more: str = "") -> dict[str, str]:
    return {"a.c": f'#include "park.h"\n{more}void f(int cpu)\n{{\n\t{text}\n}}\n'}


EXAMPLES = (
    bad("one argument too many", _BASE, _calling("park(cpu, 1);"), finds=("1 a.c:4",)),
    bad("a macro is given none of two", {**_BASE, "include/park.h": "#define park(a, b) f(a)\n"},
        _calling("park(cpu);"), finds=("1 a.c:4",)),
    bad(
        "a function of the file itself",
        _BASE,
        _calling("stop();", "static void stop(int cpu) { }\n"),
        finds=("1 a.c:5",),
    ),
    good("as many as it takes", _BASE, _calling("park(cpu);")),
    good("almost: the comma is within brackets", _BASE, _calling("park(max(cpu, 1));")),
    good("a macro holds two arguments", {**_BASE, "include/park.h": "void park(int a, int b);\n"},
         _calling("park(BOTH);", "#define BOTH 1, 2\n")),
    good("a pointer of that name", _BASE, _calling("int (*park)(int, int) = g;\n\tpark(1, 2);")),
    good(
        "the other branch of an #if takes as many",
        {**_BASE, "include/park.h": "#ifdef X\nvoid park(int a);\n#else\n#define park(a, b) f(a)\n#endif\n"},
        _calling("park(cpu, 1);"),
    ),
    good(
        "a call that was wrong before, and still is",
        {**_BASE, **_calling("park(cpu, 1);")},
        {"a.c": "\n" + _calling("park(cpu, 1);")["a.c"]},
    ),
)  # fmt: skip
