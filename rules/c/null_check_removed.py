"""What may be NULL must be looked at before it is followed.

Why: a clean-up that takes "if (!p)" out leaves nothing between an allocation that fails and the first p->member.

Severity: a warning for allocations; a note for those whose flags a variable gives, which may forbid them to fail, and
for what looks something up, which may be known to be there.

Not found: what functions of the kernel's own give back that are not known to give NULL; pointers that are kept in
structures; checks in functions that the pointer is passed to.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from checkseries.facts.c_decl import kernel_source
from checkseries.facts.c_outline import Function, function_at, functions_named
from checkseries.facts.c_text import Code, closing, code, place
from checkseries.facts.kernel_words import ALLOCATES, LOOKS_UP
from checkseries.judge.history import History
from checkseries.judge.rule import Subject, bad, counted, good, no_words, rule
from checkseries.model import Confidence, Finding, Held, Related, Severity, Verdict
from checkseries.tree import Snapshot

_TEST = re.compile(
    r"!\s*([A-Za-z_]\w*)\s*[)&|]|\b([A-Za-z_]\w*)\s*[!=]=\s*NULL\b|\bif\s*\(\s*([A-Za-z_]\w*)\s*[)&|]",
    re.ASCII,
)
_MOST = 20  # pointers of one file
_NAMES = 50  # that lines which go look at
_FLAGS = re.compile(r"\b\w*(?:gfp|flags)\b", re.ASCII)
_CAST = r"(?:\(\s*+[\w\s]++\*\s*\)\s*)?"


@dataclass(frozen=True, slots=True)
class _Given:
    """An assignment of what may be NULL."""

    at: int
    end: int
    by: str
    allocated: bool
    sure: bool
    """Whether no variable decides how hard an allocation is tried."""


def unchecked(history: History, _arch: str) -> Iterator[Subject]:
    """The pointers whose check a patch takes out, in the functions that get them."""
    for step, path in history.touched(".c"):
        if not kernel_source(path):
            continue
        names = {
            name
            for line in step.removed(path)
            for match in _TEST.finditer(line)
            for name in match.groups()
            if name
        }
        if not names:
            continue
        source = code(step.after.peek(path) or b"")
        found = set()
        for name in sorted(names)[:_NAMES]:
            for match in re.finditer(rf"(?<![\w.>]){re.escape(name)}\s*=(?!=)", source.plain, re.ASCII):
                function = function_at(source, match.start())
                if function is not None and function.sure:
                    found.add((name, function.name))
        for name, function_name in sorted(found)[:_MOST]:
            yield Subject(name, "", (path, function_name))


@rule(
    "null-check-removed",
    severity=Severity.WARNING,
    confidence=Confidence.MEDIUM,
    since="0.1",
    subjects=unchecked,
    words=no_words,
    summary=counted("pointers"),
)
def check(tree: Snapshot, subject: Subject) -> Iterator[Verdict]:
    """One verdict an assignment of what may be NULL."""
    path, function_name = subject.detail
    data = tree.read(path)
    if data is None:
        return
    source = code(data)
    for function in functions_named(source, function_name)[:1]:
        for given in _given(source, function, subject.name):
            yield from _judged(source, path, function, subject.name, given)


def _judged(source: Code, path: str, function: Function, name: str, given: _Given) -> Iterator[Verdict]:
    word = re.escape(name)
    text = source.plain
    start = place(source, path, given.at, function.name)
    followed = re.compile(rf"(?<![\w.>]){word}\s*(?:->|\[)|(?<=[;{{}}])\s*\*\s*{word}\b", re.ASCII).search(
        text, given.end, function.body[1]
    )
    if followed is None:
        return
    plain = re.compile(rf"(?<![\w.>]){word}\b(?!\s*(?:->|\[|\.))", re.ASCII)
    between = [match.start() for match in plain.finditer(text, given.end, followed.start())]
    if between:
        yield Held(start, f"{name} is looked at, or handed on, before it is followed")
        return
    severity = Severity.WARNING if given.allocated and given.sure else Severity.NOTE
    why = "memory is short" if given.allocated else "there is none"
    yield Finding(
        rule="null-check-removed",
        severity=severity,
        confidence=Confidence.MEDIUM,
        place=place(
            source, path, followed.start() + len(followed[0]) - len(followed[0].lstrip()), function.name
        ),
        subject=name,
        message=f"{name} is followed unchecked: {given.by}() gives NULL if {why}",
        related=(Related(start, f"{name} comes from here"),),
    )


def _given(source: Code, function: Function, name: str) -> Iterator[_Given]:
    assigned = re.compile(rf"(?<![\w.>]){re.escape(name)}\s*=\s*{_CAST}([A-Za-z_]\w*)\s*\(", re.ASCII)
    for match in assigned.finditer(source.plain, *function.body):
        allocated = ALLOCATES.fullmatch(match[1]) is not None
        if not allocated and LOOKS_UP.fullmatch(match[1]) is None:
            continue
        close = closing(source.plain, match.end() - 1, function.body[1])
        if close is None or source.plain[close + 1 : close + 3].strip()[:1] != ";":
            continue
        passed = source.plain[match.end() : close]
        if "NOFAIL" not in passed:
            yield _Given(match.start(), close + 1, match[1], allocated, sure=not _FLAGS.search(passed))


_CHECKED = (
    "int probe(int n)\n{\n\tstruct up *up;\n\n\tup = kzalloc(sizeof(*up), GFP_KERNEL);\n"
    "\tif (!up)\n\t\treturn -ENOMEM;\n\tup->n = n;\n\treturn publish(up);\n}\n"
)
_BARE = _CHECKED.replace("\tif (!up)\n\t\treturn -ENOMEM;\n", "")
_C = "drivers/up.c"
_FOUND = (_CHECKED.replace("kzalloc(sizeof(*up), GFP_KERNEL)", "of_match_node(ids, n)"),
          _BARE.replace("kzalloc(sizeof(*up), GFP_KERNEL)", "of_match_node(ids, n)"))  # fmt: skip

EXAMPLES = (
    bad("the check of an allocation goes", {_C: _CHECKED}, {_C: _BARE}, finds=(f"1 {_C}:6",)),
    bad("that of something looked up goes", {_C: _FOUND[0]}, {_C: _FOUND[1]}, finds=(f"1 {_C}:6",)),
    bad(
        "the check comes too late",
        {_C: _CHECKED},
        {_C: _BARE.replace("\treturn publish", "\tif (up == NULL)\n\t\treturn 1;\n\treturn publish")},
        finds=(f"1 {_C}:6",),
    ),
    good("another check", {_C: _CHECKED}, {_C: _CHECKED.replace("if (!up)", "if (up == NULL)")}),
    good(
        "it does not come back without memory",
        {_C: _CHECKED},
        {_C: _BARE.replace("GFP_KERNEL", "GFP_KERNEL | __GFP_NOFAIL")},
    ),
    good(
        "it comes from elsewhere",
        {_C: _CHECKED},
        {_C: _BARE.replace("kzalloc(sizeof(*up), GFP_KERNEL)", "up_of(n)")},
    ),
    good(
        "it is handed to a check", {_C: _CHECKED}, {_C: _BARE.replace("\tup->n", "\tvalidate(up);\n\tup->n")}
    ),
    good("it was unchecked before", {_C: _BARE}, {_C: _BARE.replace("publish(up)", "show(up)")}),
    good(
        "it was unchecked before, and another check goes",
        {_C: _BARE.replace("\treturn publish", "\tif (!up)\n\t\treturn 1;\n\treturn publish")},
        {_C: _BARE},
    ),
)
