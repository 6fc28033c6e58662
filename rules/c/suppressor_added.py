"""Code should not silence the checker that would report it.

Why: lockdep_off() and its like switch a checker off for all that is called until it is on again, so that a report
goes away and its cause stays. Where a false report is the reason, a class, a subclass or an annotation of the one
access says so, and leaves the checker its eyes.

Severity: a note: there are places that cannot do without.

Not found: what macros of a subsystem hide; annotations of single accesses, which are the better way.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from checkseries.facts.c_call import calls_in
from checkseries.facts.c_decl import kernel_source
from checkseries.facts.kernel_words import SUPPRESSORS
from checkseries.judge.history import History
from checkseries.judge.rule import Subject, bad, counted, good, no_words, rule
from checkseries.model import Confidence, Finding, Severity, Verdict
from checkseries.tree import Snapshot

_WORD = re.compile(rf"\b(?:{'|'.join(sorted(SUPPRESSORS))})\b", re.ASCII)


def silencing(history: History, _arch: str) -> Iterator[Subject]:
    """The words that silence a checker in lines that the series adds."""
    for step, path in history.touched(".c", ".h"):
        if kernel_source(path):
            for _, line in step.written(path):
                for match in _WORD.finditer(line):
                    yield Subject(match[0], "", (path,))


@rule(
    "suppressor-added",
    severity=Severity.NOTE,
    confidence=Confidence.HIGH,
    since="0.1",
    subjects=silencing,
    words=no_words,
    summary=counted("calls to silence a checker"),
)
def check(tree: Snapshot, subject: Subject) -> Iterator[Verdict]:
    """One verdict a call."""
    for call in calls_in(tree, subject.detail[0], subject.name):
        yield Finding(
            rule="suppressor-added",
            severity=Severity.NOTE,
            confidence=Confidence.HIGH,
            place=call.place,
            subject=subject.name,
            message=f"{subject.name}() silences {SUPPRESSORS[subject.name]}, and so hides what it would report",
        )


_PLAIN = "void up(int cpu)\n{\n\tkick(cpu);\n}\n"
_OFF = _PLAIN.replace("\tkick(cpu);", "\tlockdep_off();\n\tkick(cpu);\n\tlockdep_on();")
_C = "kernel/up.c"

EXAMPLES = (
    bad("lockdep goes off around a call", {_C: _PLAIN}, {_C: _OFF}, finds=(f"1 {_C}:3",)),
    bad(
        "once more",
        {_C: _OFF},
        {_C: _OFF + _OFF.replace("up", "down")},
        finds=(f"1 {_C}:9",),
    ),
    good("it goes on again", {_C: _OFF}, {_C: _OFF.replace("\tlockdep_off();\n", "")}),
    good("a comment speaks of it", {_C: _PLAIN}, {_C: "/* no lockdep_off() here */\n" + _PLAIN}),
    good("its own definition", {_C: _PLAIN}, {_C: _PLAIN + "void lockdep_off(void)\n{\n}\n"}),
    good("it was off before", {_C: _OFF}, {_C: _OFF.replace("void up", "void lockdep_off(void);\nvoid up")}),
)
