"""A static function or variable must be used in its file.

Why: the compiler warns "defined but not used", and builds with CONFIG_WERROR stop. The last user went in another
hunk, or comes in a later patch only: then every build between the two warns.

Not found: what a header also names, what macros may paste a name of, what is used by itself alone; static inline
functions; uses that vanish in some configuration; of headers, those that a file has included before.
"""

from __future__ import annotations

from collections.abc import Iterator

from checkseries.facts.c_decl import arch_of, kernel_source
from checkseries.facts.c_given import read_with
from checkseries.facts.c_static import Static, elsewhere, static_in, statics
from checkseries.facts.include import includes, meant
from checkseries.facts.presence import opaque, said
from checkseries.judge.history import History
from checkseries.judge.rule import Subject, bad, counted, good, rule
from checkseries.model import Confidence, Finding, Held, Severity, Undecided, Verdict, Witness, WitnessKind
from checkseries.tree import Snapshot
from checkseries.tree.base import holds_word

_MOST = 20  # statics of one header


def without_use(history: History, _arch: str) -> Iterator[Subject]:
    """The statics of touched files that nothing in the file refers to after some patch."""
    for step, path in history.touched(".c"):
        if kernel_source(path):
            before = {each.name for each in statics(step.before, path) if not each.uses}
            for each in statics(step.after, path):
                if not each.uses and each.name not in before:
                    yield Subject(each.name, "", (path,))
            known = _beside(step.before, path)
            for header in sorted(_beside(step.after, path) - known):
                for each in statics(step.after, header)[:_MOST]:
                    if not each.uses:
                        yield Subject(each.name, "", (path, header))


def _beside(tree: Snapshot, path: str) -> set[str]:
    """The headers that a file includes by a quoted name."""
    quoted = (meant(tree, path, each.name, each.quoted) for each in includes(tree, path) if each.quoted)
    return {found[0] for found in quoted if len(found) == 1 and found[0].endswith(".h")}


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
    path, *header = subject.detail
    if header:
        yield from _included(tree, path, header[0], subject.name)
        return
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
    yield _finding(
        each,
        path,
        "nothing in the file uses it",
        "its name stands nowhere else in the file, nor in a header or in a file that includes this one",
    )


def _finding(each: Static, path: str, why: str, fact: str) -> Finding:
    arch = arch_of(path)
    what = f"{each.name}()" if each.function else each.name
    level = " (with W=1)" if each.const else ""
    return Finding(
        rule="unused-static",
        severity=Severity.WARNING,
        confidence=Confidence.HIGH,
        place=each.place,
        subject=each.name,
        message=f"{what} is static and {why}: the compiler warns{level}",
        archs=(arch,) if arch else (),
        witness=Witness(WitnessKind.SITE, (fact,)),
    )


def _included(tree: Snapshot, path: str, header: str, name: str) -> Iterator[Verdict]:
    """A static of a header that a file includes."""
    each = static_in(tree, header, name)
    if each is None or header not in _beside(tree, path):
        return
    users = [other for other in read_with(tree, path).paths if holds_word(tree.read(other) or b"", name)]
    if path in users or each.uses:
        yield Held(each.place, f"{path} uses {name}")
    elif each.doubt or users != [header]:
        yield Undecided(each.place, each.doubt or f"{' and '.join(users[:3])} name {name} too")
    elif opaque(each.condition):
        yield Undecided(each.place, f"whether {name} is there depends on {said(each.condition)}")
    else:
        yield _finding(
            each,
            path,
            f"{path}, which includes it, does not use it",
            f"its name stands in no other file that {path} may include",
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
    bad(
        "a header with a table gets a second user",
        {"d/a.h": "static const int t[] = { 1 };\n", "d/b.c": "int x;\n"},
        {"d/b.c": '#include "a.h"\nint x;\n'},
        finds=("1 d/a.h:1",),
    ),
    good(
        "a header whose table its new user uses",
        {"d/a.h": "static const int t[] = { 1 };\n", "d/b.c": "int x;\n"},
        {"d/b.c": '#include "a.h"\nint x(void)\n{\n\treturn t[0];\n}\n'},
    ),
    good("unused before, and still", {"a.c": _FUNCTION}, {"a.c": "int x;\n" + _FUNCTION}),
)
