"""A static function or variable must be used in its file.

Why: the compiler warns "defined but not used", and builds with CONFIG_WERROR stop. The last user went in another
hunk, or comes in a later patch only: then every build between the two warns.

Not found: what a header also names, what macros may paste a name of, what is used by itself alone; static inline
functions; uses that vanish in some configuration.
"""

from __future__ import annotations

from collections.abc import Iterator

from checkseries.facts.c_decl import arch_of, kernel_source
from checkseries.facts.c_static import elsewhere, static_in, statics
from checkseries.facts.presence import opaque, said
from checkseries.judge.history import History
from checkseries.judge.rule import Subject, bad, counted, good, rule
from checkseries.model import Confidence, Finding, Held, Severity, Undecided, Verdict, Witness, WitnessKind
from checkseries.tree import Snapshot


def without_use(history: History, _arch: str) -> Iterator[Subject]:
    """The statics of touched files that nothing in the file refers to after some patch."""
    for step, path in history.touched(".c"):
        if kernel_source(path):
            before = {each.name for each in statics(step.before, path) if not each.uses}
            for each in statics(step.after, path):
                if not each.uses and each.name not in before:
                    yield Subject(each.name, "", (path,))


@rule(
    "unused-static",
    severity=Severity.WARNING,
    confidence=Confidence.HIGH,
    since="0.1",
    subjects=without_use,
    summary=counted("static functions and variables"),
)
def check(tree: Snapshot, subject: Subject) -> Iterator[Verdict]:
    """One verdict a static."""
    (path,) = subject.detail
    each = static_in(tree, path, subject.name)
    if each is None:
        return
    name = each.name
    if each.uses:
        yield Held(each.place, f"{name} is used in line {each.uses[0].line}")
        return
    other = each.doubt or elsewhere(tree, path, name)
    if other:
        yield Undecided(each.place, each.doubt or f"{other} names {name} too")
        return
    if opaque(each.condition):
        yield Undecided(each.place, f"whether {name} is there depends on {said(each.condition)}")
        return
    arch = arch_of(path)
    what = f"{name}()" if each.function else name
    level = " (with W=1)" if each.const else ""
    yield Finding(
        rule="unused-static",
        severity=Severity.WARNING,
        confidence=Confidence.HIGH,
        place=each.place,
        subject=name,
        message=f"{what} is static and nothing in the file uses it: the compiler warns{level}",
        archs=(arch,) if arch else (),
        witness=Witness(
            WitnessKind.SITE,
            (
                "its name stands nowhere else in the file, nor in a header or in a file that includes this one",
            ),
        ),
    )


_FUNCTION = "static int park(int cpu)\n{\n\treturn cpu;\n}\n"
_USED = _FUNCTION + "\nint go(int cpu)\n{\n\treturn park(cpu);\n}\n"
_BASE = {"a.c": "int x;\n"}

EXAMPLES = (
    bad("a function without a caller", _BASE, {"a.c": _FUNCTION}, finds=("1 a.c:1",)),
    bad("its caller comes one patch later", _BASE, {"a.c": _FUNCTION}, {"a.c": _USED}, finds=("1 a.c:1",)),
    bad(
        "its last caller goes", {"a.c": _USED}, {"a.c": _USED.replace("park(cpu);", "0;")}, finds=("1 a.c:1",)
    ),
    bad("a variable", _BASE, {"a.c": "int x;\nstatic int timeout = 5;\n"}, finds=("1 a.c:2",)),
    bad(
        "a constant table",
        _BASE,
        {"a.c": "int x;\nstatic const struct ops park_ops = {\n\t.go = 0,\n};\n"},
        finds=("1 a.c:2",),
    ),
    bad(
        "a caller below #if 0, and a member of that name",
        _BASE,
        {"a.c": _FUNCTION + "#if 0\nint y = park(1);\n#endif\nint f(struct s *s)\n{\n\treturn s->park;\n}\n"},
        finds=("1 a.c:1",),
    ),
    good("a caller", _BASE, {"a.c": _USED}),
    good("a pointer to it", _BASE, {"a.c": _FUNCTION + "struct ops o = { .park = park };\n"}),
    good("said to be unused", _BASE, {"a.c": _FUNCTION.replace("int park", "int __maybe_unused park")}),
    good("inline", _BASE, {"a.c": _FUNCTION.replace("static", "static inline")}),
    good("in the body of a macro", _BASE, {"a.c": "#define go(c) park(c)\n" + _FUNCTION}),
    good(
        "a macro pastes its name", _BASE, {"a.c": _FUNCTION.replace("park", "park_show") + "ATTR_RO(park);\n"}
    ),
    good(
        "a macro of a header uses it",
        {**_BASE, "b.h": "#define go(c) park(c)\n"},
        {"a.c": '#include "b.h"\n' + _FUNCTION},
    ),
    good(
        "another file includes it",
        {**_BASE, "b.c": '#include "a.c"\nint y(void)\n{\n\treturn park(1);\n}\n'},
        {"a.c": _FUNCTION},
    ),
    good("unused before, and still", {"a.c": _FUNCTION}, {"a.c": "int x;\n" + _FUNCTION}),
)
