"""A function that a header defines must be static inline: else every file that includes it has one of its own.

Why: a stub that lacks "static inline" compiles where its author looks, in the other branch of the #if. In the
configuration that takes the stub, two files that include the header do not link ("multiple definition"), and each
warns "no previous prototype"; one that is static without inline warns "defined but not used".

Not found: definitions that macros make; those below #if conditions that no CONFIG symbol decides, as headers have
them that are included once as code.
"""

from __future__ import annotations

from collections.abc import Iterator

from checkseries.facts.c_decl import Declaration, arch_of, declared_in, functions_in, kernel_source
from checkseries.facts.c_words import INLINE
from checkseries.facts.include import includers, stem_word
from checkseries.facts.presence import never, opaque, said
from checkseries.judge.history import History
from checkseries.judge.rule import Subject, bad, counted, good, rule
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


def defined_functions(history: History, _arch: str) -> Iterator[Subject]:
    """The functions whose definition in a header some patch writes."""
    for step, path in history.touched(".h"):
        if not kernel_source(path):
            continue
        fresh = step.added.get(path, frozenset())
        for each in functions_in(step.after, path):
            lines = range(each.lines[0], each.place.line + 1)
            if each.kind == "definition" and not fresh.isdisjoint(lines):
                yield Subject(each.name, "", (path,))


def words(subject: Subject) -> tuple[str, ...]:
    """What a file that includes the header must hold."""
    return (stem_word(subject.detail[0]) or subject.name,)


@rule(
    "nonstatic-stub",
    severity=Severity.ERROR,
    confidence=Confidence.HIGH,
    since="0.1",
    subjects=defined_functions,
    words=words,
    summary=counted("functions in headers"),
)
def check(tree: Snapshot, subject: Subject) -> Iterator[Verdict]:
    """One verdict a definition."""
    (path,) = subject.detail
    for each in declared_in(tree, path, subject.name):
        if each.kind == "definition" and not never(each.condition):
            yield _definition(tree, each)


_KNOWN = frozenset(
    f"defined({name})" for name in ("__KERNEL__", "__ASSEMBLY__", "__ASSEMBLER__", "__VDSO__", "MODULE")
)
_PLAIN = frozenset(("__init", "__exit", "asmlinkage", "__cold", "__must_check", "notrace", "noinline"))
"""Attributes that leave it a definition as any other; a weak one, or one in a section of its own, is not judged."""


def _definition(tree: Snapshot, each: Declaration) -> Verdict:
    path, name = each.place.path, each.name
    if each.inline or set(each.attributes) & INLINE:
        return Held(each.place, f"{name}() is inline")
    if not each.sure or not set(each.attributes) <= _PLAIN:
        return Undecided(each.place, f"what the words before {name}() make of it is not known")
    if not all(text in _KNOWN or text == f"defined({name})" for text in opaque(each.condition)):
        return Undecided(each.place, f"whether {name}() is there depends on {said(each.condition)}")
    users = includers(tree, path)
    files = [user for user in users if user.endswith(".c")]
    public = "include/" in path
    if len(users) < 2 and not public:
        return Undecided(each.place, f"{path} is included once at most: it may be code")
    return _finding(each, users, sure=len(users) > 1 and (public or len(files) > 1))


def _finding(each: Declaration, users: tuple[str, ...], *, sure: bool) -> Finding:
    name = each.name
    arch = arch_of(each.place.path)
    if each.static:
        severity = Severity.WARNING
        message = (
            f"{name}() is static but not inline: files that include this and do not call it warn that it is "
            "unused"
        )
    else:
        severity = Severity.ERROR
        message = (
            f"this header defines {name}() without static inline: every file that includes it defines it"
        )
    if not sure:
        severity = Severity.NOTE
    shown = users[:3]
    return Finding(
        rule="nonstatic-stub",
        severity=severity,
        confidence=Confidence.HIGH if sure else Confidence.LOW,
        place=each.place,
        subject=name,
        message=message,
        archs=(arch,) if arch else (),
        related=tuple(Related(_whole(user), "includes this header") for user in shown),
        witness=Witness(
            WitnessKind.SITE,
            (
                f"{len(users)} files include it directly{': ' if shown else ''}{', '.join(shown)}",
                f"it is defined if {said(each.condition)}",
            ),
        ),
    )


def _whole(path: str) -> Place:
    return Place(path, 0)


_HEADER = (
    "#ifdef CONFIG_PARK\nint park(int cpu);\n#else\nstatic inline int park(int cpu) { return 0; }\n#endif\n"
)
_BASE = {
    "include/park.h": _HEADER.replace("static inline int park(int cpu) { return 0; }\n", ""),
    "a.c": "#include <park.h>\n",
    "b.c": "#include <park.h>\n",
}
_STUB = _HEADER.replace("static inline ", "")

EXAMPLES = (
    bad("a stub that is not static", _BASE, {"include/park.h": _STUB}, finds=("1 include/park.h:4",)),
    bad(
        "a stub that is static, but not inline",
        _BASE,
        {"include/park.h": _HEADER.replace("static inline", "static")},
        finds=("1 include/park.h:4",),
    ),
    bad(
        "a driver's own header, in two of its files",
        {"d/a.c": '#include "park.h"\n', "d/b.c": '#include "park.h"\n', "d/park.h": "int x;\n"},
        {"d/park.h": "int x;\nvoid park(void)\n{\n}\n"},
        finds=("1 d/park.h:2",),
    ),
    good("static inline", _BASE, {"include/park.h": _HEADER}),
    good("always inline", _BASE, {"include/park.h": _HEADER.replace("static inline", "__always_inline")}),
    good("a prototype", _BASE, {"include/park.h": _HEADER.replace("{ return 0; }", ";")}),
    good("weak", _BASE, {"include/park.h": _HEADER.replace("static inline", "__weak")}),
    good(
        "code that one file includes",
        {"d/a.c": '#include "park.h"\n', "d/park.h": "int x;\n"},
        {"d/park.h": "int x;\nvoid park(void)\n{\n}\n"},
    ),
    good(
        "code that one file asks for",
        _BASE,
        {"include/park.h": "#ifdef PARK_CODE\nvoid park(void)\n{\n}\n#endif\n"},
    ),
    good(
        "the body of a macro",
        _BASE,
        {"include/park.h": "#define PARK(x) \\\nvoid x(void) \\\n{ \\\n}\n"},
    ),
    good(
        "not static before, and still not",
        {**_BASE, "include/park.h": _STUB},
        {"include/park.h": _STUB.replace("return 0", "return 1")},
    ),
)
