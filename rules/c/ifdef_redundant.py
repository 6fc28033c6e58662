"""A guard around a call that a stub already switches off says the same thing twice.

Why: a stub that does nothing, or returns a constant, is there so that its callers need no #ifdef. Where the series
puts one around the call nevertheless, or puts it around the stub as well, the stub serves nobody: let it be there in
that configuration, and the guard can go.

Severity: a note.

Not found: guards with #else; guards around more than calls and one if; stubs in headers that the file includes by
way of others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from checkseries.facts.c_decl import arch_of, kernel_source
from checkseries.facts.c_outline import function_at, functions_named
from checkseries.facts.c_text import Code, closing, code, line_starts, place
from checkseries.facts.c_words import KEYWORDS
from checkseries.facts.include import includes, joined
from checkseries.facts.places import line_place
from checkseries.facts.presence import Branch, Expression, contrary, every, never, presence_of, said
from checkseries.judge.guards import new_branches
from checkseries.judge.history import History
from checkseries.judge.rule import Subject, bad, counted, good, no_words, rule
from checkseries.model import Confidence, Finding, Place, Related, Severity, Verdict
from checkseries.tree import Snapshot

_MOST = 20  # guards of one file
_HEADERS = 150  # that a file includes itself
_LARGEST = 400_000  # bytes of a header
_LONGEST = 6000  # characters below a guard
_CALL = re.compile(r"\s*(?:if\s*\(\s*)?([A-Za-z_]\w*)\s*\(", re.ASCII)
_CONSTANT = re.compile(r"\{\s*(?:return\s*(?:0|false|NULL)\s*;\s*)?\}", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Guarded:
    """A guard in a function that has nothing but one call, or one if on a call, below it."""

    branch: Branch
    outer: Expression
    name: str
    """What is called."""
    function: str
    """What it is called by."""


@dataclass(frozen=True, slots=True)
class _Stub:
    place: Place
    condition: Expression


def guarded(history: History, _arch: str) -> Iterator[Subject]:
    """What is called below the guards that a patch brings."""
    for step, path in history.touched(".c"):
        if not kernel_source(path):
            continue
        fresh = {each.first for each in new_branches(step, path)}
        if fresh:
            data = step.after.peek(path) or b""
            for each in _guards(data)[:_MOST]:
                if each.branch.first in fresh:
                    yield Subject(each.name, "", (path, each.function))


def _guards(data: bytes) -> list[_Guarded]:
    source, presence = code(data), presence_of(data)
    starts = line_starts(source)
    further = {each.first for each in presence.branches if each.word not in ("if", "ifdef", "ifndef")}
    found = []
    for branch in presence.branches:
        if (
            branch.word not in ("if", "ifdef")
            or "CONFIG_" not in said(branch.own)
            or branch.last + 2 in further
        ):
            continue
        if branch.last < branch.first or branch.last + 1 >= len(starts):
            continue
        low, high = starts[branch.first], starts[branch.last + 1]
        name = _only_call(source.text[low:high]) if high - low <= _LONGEST else ""
        function = function_at(source, low) if name else None
        if name and function is not None and function.sure:
            found.append(_Guarded(branch, presence.at(branch.first - 1), name, function.name))
    return found


def _only_call(text: str) -> str:
    """The function that a text calls, if it does nothing but that, or an if on its answer; else nothing."""
    match = _CALL.match(text)
    if match is None or match[1] in KEYWORDS or "#" in text:
        return ""
    close = closing(text, match.end() - 1)
    if close is None:
        return ""
    rest = text[close + 1 :].strip()
    if not match[0].lstrip().startswith("if"):
        return match[1] if rest == ";" else ""
    if not rest.startswith(")"):
        return ""
    rest = rest[1:].strip()
    if rest.startswith("{"):
        end = closing(rest, 0)
        return match[1] if end is not None and not rest[end + 1 :].strip() else ""
    return match[1] if rest.count(";") == 1 and rest.endswith(";") else ""


@rule(
    "ifdef-redundant",
    severity=Severity.NOTE,
    confidence=Confidence.MEDIUM,
    since="0.1",
    subjects=guarded,
    words=no_words,
    summary=counted("guards around calls"),
)
def check(tree: Snapshot, subject: Subject) -> Iterator[Verdict]:
    """One verdict a guard around a call of what has a stub."""
    path, function = subject.detail
    data = tree.read(path)
    if data is None:
        return
    for each in _guards(data):
        if (each.name, each.function) != (subject.name, function):
            continue
        stubs = _stubs(tree, path, subject.name)
        own = each.branch.own
        without = every((each.outer, contrary(own)))
        there = next((stub for stub in stubs if never(every((without, contrary(stub.condition))))), None)
        along = next((stub for stub in stubs if _needs(stub.condition, own)), None)
        if there is not None:
            why, stub = f"its stub is there if {said(contrary(own))}", there
        elif along is not None and all(_needs(one, own) for one in _definitions(tree, path, subject.name)):
            why, stub = (
                f"it has a stub: were that there if {said(contrary(own))} too, the guard could go",
                along,
            )
        else:
            continue
        yield Finding(
            rule="ifdef-redundant",
            severity=Severity.NOTE,
            confidence=Confidence.MEDIUM,
            place=line_place(tree, path, each.branch.first - 1, function),
            subject=subject.name,
            message=f"{subject.name}() needs no guard by #if {said(own)} here: {why}",
            related=(Related(stub.place, "the stub"),),
        )


def _needs(condition: Expression, own: Expression) -> bool:
    return never(every((condition, contrary(own))))


def _seen(tree: Snapshot, path: str, name: str) -> Iterator[tuple[str, bytes]]:
    """The file itself if it defines a function, else the headers that it includes and that name it."""
    data = tree.read(path)
    if data is None:
        return
    if functions_named(code(data), name):
        yield path, data
        return
    arch = arch_of(path)
    roots = ("include", *((f"arch/{arch}/include",) if arch else ()))
    for each in includes(tree, path)[:_HEADERS]:
        beside = joined(path.rpartition("/")[0], each.name) if each.quoted else None
        for other in (*((beside,) if beside else ()), *(f"{root}/{each.name}" for root in roots)):
            header = tree.read(other)
            if header is not None and len(header) <= _LARGEST and name.encode() in header:
                yield other, header


def _stubs(tree: Snapshot, path: str, name: str) -> list[_Stub]:
    """The definitions of a function that do nothing or give a constant."""
    found = []
    for other, data in _seen(tree, path, name):
        source = code(data)
        for function in functions_named(source, name):
            if _CONSTANT.fullmatch(source.plain, function.body[0], function.body[1] + 1):
                where = place(source, other, function.head.at if function.head else function.start, name)
                found.append(_Stub(where, presence_of(data).at(where.line)))
    return found


def _definitions(tree: Snapshot, path: str, name: str) -> list[Expression]:
    """When each definition of a function in the file and the headers that it includes is there."""
    found = []
    for other, data in _seen(tree, path, name):
        source: Code = code(data)
        for function in functions_named(source, name):
            where = place(source, other, function.body[0])
            found.append(presence_of(data).at(where.line))
    return found


_HEADER = "#ifdef CONFIG_SMT\nint smt_park(int cpu);\n#else\nstatic inline int smt_park(int cpu)\n{\n\treturn 0;\n}\n#endif\n"
_PLAIN = '#include "smt.h"\n\nvoid up(int cpu)\n{\n\tsmt_park(cpu);\n\tkick(cpu);\n}\n'
_GUARD = _PLAIN.replace("\tsmt_park(cpu);\n", "#ifdef CONFIG_SMT\n\tsmt_park(cpu);\n#endif\n")
_BARE = _PLAIN.replace("\tsmt_park(cpu);\n", "")
_TESTS = _GUARD.replace("\tsmt_park(cpu);", "\tif (smt_park(cpu)) {\n\t\tstop(cpu);\n\t}")
_AWARE = (
    "#ifdef CONFIG_SMT\nstatic bool aware(void)\n{\n\treturn smt_control();\n}\n#else\n"
    "static bool aware(void)\n{\n\treturn false;\n}\n#endif\n"
)
_ASKS = "void up(int cpu)\n{\n\tif (aware()) {\n\t\tkick(cpu);\n\t}\n}\n"
_C, _H = "kernel/up.c", "kernel/smt.h"
_WRAPPED = (
    f"#ifdef CONFIG_FIRST\n{_AWARE}#endif\n"
    + _ASKS.replace("\tif", "#ifdef CONFIG_FIRST\n\tif").replace("\t}\n}", "\t}\n#endif\n}")
)  # fmt: skip

EXAMPLES = (
    bad(
        "the stub is there where the guard is not",
        {_C: _BARE, _H: _HEADER},
        {_C: _GUARD},
        finds=(f"1 {_C}:5",),
    ),
    bad("an if on its answer", {_C: _BARE, _H: _HEADER}, {_C: _TESTS}, finds=(f"1 {_C}:5",)),
    bad(
        "the guard goes around the stub as well",
        {_C: _AWARE + _ASKS},
        {_C: _WRAPPED},
        finds=(f"1 {_C}:16",),
    ),
    good("no stub", {_C: _BARE, _H: "int smt_park(int cpu);\n"}, {_C: _GUARD}),
    good(
        "a stub for another option",
        {_C: _BARE, _H: _HEADER.replace("CONFIG_SMT", "CONFIG_SMP")},
        {_C: _GUARD},
    ),
    good(
        "more below the guard",
        {_C: _BARE, _H: _HEADER},
        {_C: _GUARD.replace("#endif", "\tslow(cpu);\n#endif")},
    ),
    good(
        "something else where the guard is not",
        {_C: _BARE, _H: _HEADER},
        {_C: _GUARD.replace("#endif", "#else\n\tpark(cpu);\n#endif")},
    ),
    good("it was guarded before", {_C: _GUARD, _H: _HEADER}, {_C: _GUARD + "int x;\n"}),
)
