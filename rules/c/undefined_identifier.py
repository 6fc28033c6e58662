"""A function or macro that an added line calls must be defined or declared somewhere in the tree.

Why: what is defined nowhere does not build in any configuration. It is what remains when a helper was renamed,
when the patch that brings it comes later in the series, or belongs to another series that was not named.

Not found: names that are defined, but not in what the file includes; types, constants and members; calls that
stand below an #if that is not of CONFIG_ symbols alone; names that a macro may put together by pasting; files
that include a header which the build generates or the compiler brings.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from checkseries.facts.c_call import Use, uses
from checkseries.facts.c_decl import arch_of, kernel_source
from checkseries.facts.c_given import dormant, unread
from checkseries.facts.c_include import nearest_first
from checkseries.facts.c_text import code, place
from checkseries.facts.c_words import KEYWORDS
from checkseries.judge.history import History, Step
from checkseries.judge.rule import Subject, bad, good, rule, some, told
from checkseries.model import (
    Confidence,
    Finding,
    Held,
    Place,
    Severity,
    Undecided,
    Verdict,
    Witness,
    WitnessKind,
)
from checkseries.tree import Snapshot
from checkseries.tree.base import holds_word

_CALLED = re.compile(r"(?<![\w$.>#])([A-Za-z_]\w*)[ \t]*\(", re.ASCII)
_ENCLOSING = re.compile(r"([A-Z_][A-Z0-9_]*)\s*\($", re.ASCII)
_NEAR = 400
"""Files that are looked through before the whole tree is."""
_MOST = 60
"""Files that may hold an undefined name, in comments too: what more of them hold, somebody defines."""
_PROSE = (".rst", ".txt", ".yaml", ".json", ".md", ".dts", ".dtsi")
"""Files that define nothing for C."""


def called(history: History, _arch: str) -> Iterator[Subject]:
    """What added lines call, without what the headers around them know."""
    wanted: set[str] = set()
    roots: dict[str, None] = {}
    for step in history.steps:
        for path in step.touched:
            if kernel_source(path) and step.added.get(path):
                fresh = set(_called_in(step, path))
                if fresh:
                    wanted |= fresh
                    roots[path] = None
    changed = {path for step in history.steps for path in step.touched}
    for number, path in enumerate(nearest_first(history.last, roots)):
        if not wanted or number > _NEAR:
            break
        data = None if path in changed else history.last.peek(path)
        if data is not None:
            wanted -= {name for name in wanted if holds_word(data, name)}
    yield from (Subject(name) for name in sorted(wanted))


def _called_in(step: Step, path: str) -> Iterator[str]:
    """What the added lines of a file call that neither it nor another file of the series has otherwise."""
    data = step.after.peek(path)
    if data is None:
        return
    source = code(data)
    lines = source.plain.split("\n")
    names = {
        match[1]
        for number in step.added[path]
        if 0 < number <= len(lines)
        for match in _CALLED.finditer(lines[number - 1])
    }
    before = step.before.peek(path)
    known = step.before.lineage.words_of(before) if before is not None else frozenset()
    for name in names - KEYWORDS:
        if name.encode() not in known and not name.startswith("__builtin_"):
            found = tuple(uses(data, name))
            if _only_called(source.text, name, found):
                yield name


def _only_called(text: str, name: str, found: tuple[Use, ...]) -> bool:
    """Whether every occurrence of a name in a file is a call within a function."""
    count = sum(1 for _ in re.finditer(rf"(?<![\w$]){re.escape(name)}(?![\w$])", text, re.ASCII))
    return count == len(found) and all(use.role == "call" and use.function is not None for use in found)


def summary(holds: int, broken: int, unknown: int) -> str:
    """``3 calls of names new to their files, all defined``."""
    total = holds + broken + unknown
    if holds == total:
        return f"{some(total, 'name')} that added lines call, all defined"
    counts = told((holds, "defined"), (broken, "not"), (unknown, "unknown"))
    return f"{some(total, 'name')} that added lines call: {counts}"


@rule(
    "undefined-identifier",
    severity=Severity.ERROR,
    confidence=Confidence.HIGH,
    since="0.1",
    subjects=called,
    summary=summary,
)
def check(tree: Snapshot, subject: Subject) -> Iterator[Verdict]:
    """One verdict a call of a name that only calls hold, one in all for a name that is more."""
    name = subject.name
    paths = [path for path in tree.grep(name) if _counts(path)]
    if not paths:
        return
    if len(paths) > _MOST:
        yield Held(None, f"{name} is all over the tree")
        return
    sites: list[tuple[str, Use]] = []
    for path in paths:
        data = tree.read(path)
        if data is None or not kernel_source(path):
            yield Undecided(None, f"{path} may define {name}")
            return
        found = tuple(uses(data, name))
        text = code(data).text
        if not _only_called(text, name, found):
            yield Held(None, f"{name} is more than called in {path}")
            return
        if found:
            sites += [(path, use) for use in found]
    for path, use in sites:
        yield _judged(tree, name, path, use)


def _counts(path: str) -> bool:
    """Whether a file may define a name for the kernel: scripts may generate a header."""
    if path.startswith(("Documentation/", "tools/", "usr/")) or path.endswith(_PROSE):
        return False
    return kernel_source(path) or not path.startswith("samples/")


def _judged(tree: Snapshot, name: str, path: str, use: Use) -> Verdict:
    data = tree.read(path)
    assert data is not None
    source = code(data)
    where = place(source, path, use.at, use.function.name if use.function else "")
    doubt = _doubt(tree, name, where, source.plain[max(0, use.at - 200) : use.at])
    if doubt:
        return Undecided(where, doubt)
    arch = arch_of(path)
    return Finding(
        rule="undefined-identifier",
        severity=Severity.ERROR,
        confidence=Confidence.HIGH,
        place=where,
        subject=name,
        message=f"{name}() is called, but nothing in the tree defines or declares it",
        archs=(arch,) if arch else (),
        witness=Witness(
            WitnessKind.SITE, (f"the word {name} stands in no other place of the tree than in calls",)
        ),
    )


def _doubt(tree: Snapshot, name: str, where: Place, before: str) -> str:
    """Why a call cannot be said to be broken, or nothing."""
    doubt = dormant(tree, where)
    statement = before[max(before.rfind(mark) for mark in ";{}") + 1 :]
    if not doubt and _macro_around(statement):
        return f"{name} is an argument of a macro, which may give it another name"
    return doubt or unread(tree, where.path, name)


def _macro_around(statement: str) -> bool:
    """Whether the last bracket that is open in a text is that of a macro's call, by its capitals."""
    depth = 0
    for at in range(len(statement) - 1, -1, -1):
        depth += {")": 1, "(": -1}.get(statement[at], 0)
        if depth < 0:
            if _ENCLOSING.search(statement[: at + 1]):
                return True
            depth = 0
    return False


_HEADER = "void park(int cpu);\n"
_USER = '#include "park.h"\nvoid f(int cpu)\n{\n\tpark(cpu);\n}\n'
_CALLS = _USER.replace("park(cpu);", "park(cpu);\n\tunpark(cpu);")
_BASE = {"include/park.h": _HEADER, "a.c": _USER}
_DEFINES = "#define DEFINE_PARK(x) static inline void x##_park(int cpu) { }\n"

EXAMPLES = (
    bad("a function that nothing defines", _BASE, {"a.c": _CALLS}, finds=("1 a.c:5",)),
    bad(
        "the patch that brings the function comes later",
        _BASE,
        {"a.c": _CALLS},
        {"include/park.h": _HEADER + "void unpark(int cpu);\n"},
        finds=("1 a.c:5",),
    ),
    bad(
        "a program for the host has a function of that name",
        {**_BASE, "tools/x.c": "void unpark(int cpu)\n{\n}\n"},
        {"a.c": _CALLS},
        finds=("1 a.c:5",),
    ),
    good(
        "almost: the same patch declares it",
        _BASE,
        {"a.c": _CALLS, "include/park.h": _HEADER + "void unpark(int cpu);\n"},
    ),
    good(
        "a macro puts the name together",
        {**_BASE, "include/park.h": _HEADER + _DEFINES + "DEFINE_PARK(un)\n"},
        {"a.c": _CALLS.replace("unpark", "un_park")},
    ),
    good(
        "a pointer that is a parameter",
        _BASE,
        {"a.c": _USER + "void g(void (*unpark)(int))\n{\n\tunpark(1);\n}\n"},
    ),
    good(
        "a call below #if 0",
        _BASE,
        {"a.c": _CALLS.replace("\tunpark(cpu);\n", "#if 0\n\tunpark(cpu);\n#endif\n")},
    ),
    good(
        "a header that the build generates",
        _BASE,
        {"a.c": "#include <generated/park-calls.h>\n" + _CALLS},
    ),
    good(
        "a call that was undefined before, and still is",
        {**_BASE, "a.c": _CALLS},
        {"a.c": "\n" + _CALLS},
    ),
)
