"""A function should be compiled as a whole or not at all, rather than parted by #ifdef.

Why: Documentation/process/coding-style.rst, section 21: conditionals in functions of .c files make code hard to read
and hide errors from the compiler in the other configuration. A stub in a header, or IS_ENABLED(), does the same.

Severity: a note, and only of functions that had no such conditional before.

Not found: conditions on anything but CONFIG symbols; headers.
"""

from __future__ import annotations

from collections.abc import Iterator

from checkseries.facts.c_decl import kernel_source
from checkseries.facts.c_outline import Function, function_at, functions_named
from checkseries.facts.c_text import Code, code, line_starts
from checkseries.facts.places import line_place
from checkseries.facts.presence import Branch, opaque, options, presence_of, said
from checkseries.judge.guards import new_branches
from checkseries.judge.history import History
from checkseries.judge.rule import Subject, bad, good, no_words, rule
from checkseries.model import Confidence, Finding, Severity, Verdict
from checkseries.tree import Snapshot

_MOST = 30  # functions of one file
_OPENING = ("if", "ifdef", "ifndef")


def parted(history: History, _arch: str) -> Iterator[Subject]:
    """The functions that a patch puts a conditional into."""
    for step, path in history.touched(".c"):
        if not kernel_source(path):
            continue
        branches = [each for each in new_branches(step, path) if _conditional(each)]
        if not branches:
            continue
        source = code(step.after.peek(path) or b"")
        starts = line_starts(source)
        found = (function_at(source, starts[each.first]) for each in branches if each.first < len(starts))
        for name in sorted({each.name for each in found if each and each.sure})[:_MOST]:
            yield Subject(name, "", (path,))


def _conditional(each: Branch) -> bool:
    """Whether it is the first branch of a conditional on CONFIG symbols alone."""
    return each.word in _OPENING and bool(options(each.own)) and not opaque(each.own)


def summary(holds: int, broken: int, unknown: int) -> str:
    """``3 functions parted by #ifdef``."""
    total = holds + broken + unknown
    return f"{total} function{'s' if total != 1 else ''} parted by #ifdef"


@rule(
    "ifdef-in-function",
    severity=Severity.NOTE,
    confidence=Confidence.HIGH,
    since="0.1",
    subjects=parted,
    words=no_words,
    summary=summary,
)
def check(tree: Snapshot, subject: Subject) -> Iterator[Verdict]:
    """One verdict a function that is parted."""
    path = subject.detail[0]
    data = tree.read(path)
    if data is None:
        return
    source = code(data)
    branches = [each for each in presence_of(data).branches if _conditional(each)]
    for function in functions_named(source, subject.name)[:1]:
        first = next(iter(_within(source, function, branches)), None)
        if first is not None:
            yield Finding(
                rule="ifdef-in-function",
                severity=Severity.NOTE,
                confidence=Confidence.HIGH,
                place=line_place(tree, path, first.first - 1, subject.name),
                subject=subject.name,
                message=(
                    f"#if {said(first.own)} parts {subject.name}(): a stub for the other case, or IS_ENABLED(), "
                    "lets the compiler see both"
                ),
            )


def _within(source: Code, function: Function, branches: list[Branch]) -> Iterator[Branch]:
    low, high = source.line(function.body[0]), source.line(function.body[1])
    yield from sorted((each for each in branches if low < each.first <= high), key=lambda each: each.first)


_PLAIN = "int up(int cpu)\n{\n\tkick(cpu);\n\treturn 0;\n}\n"
_PARTED = _PLAIN.replace("\tkick(cpu);\n", "#ifdef CONFIG_SMP\n\tkick(cpu);\n#endif\n")
_C = "kernel/up.c"

EXAMPLES = (
    bad("a call goes below #ifdef", {_C: _PLAIN}, {_C: _PARTED}, finds=(f"1 {_C}:3",)),
    bad(
        "a new function comes parted",
        {_C: "int x;\n"},
        {_C: "int x;\n\n" + _PARTED.replace("#ifdef CONFIG_SMP", "#if IS_ENABLED(CONFIG_SMP)")},
        finds=(f"1 {_C}:5",),
    ),
    good("the whole function", {_C: _PLAIN}, {_C: f"#ifdef CONFIG_SMP\n{_PLAIN}#endif\n"}),
    good("IS_ENABLED()", {_C: _PLAIN}, {_C: _PLAIN.replace("kick", "if (IS_ENABLED(CONFIG_SMP))\n\t\tkick")}),
    good("a header", {"kernel/up.h": _PLAIN}, {"kernel/up.h": _PARTED}),
    good("no CONFIG symbol", {_C: _PLAIN}, {_C: _PARTED.replace("CONFIG_SMP", "DEBUG")}),
    good(
        "it was parted before",
        {_C: _PARTED},
        {_C: _PARTED.replace("\treturn 0;", "#ifdef CONFIG_PM\n\tpark(cpu);\n#endif\n\treturn 0;")},
    ),
)
