"""Every caller must follow when a function's parameter list changes, after every patch.

Why: a caller that is left behind does not build, often on another architecture or configuration than the
author's; a caller that goes ahead of its function breaks bisecting.

Not found: changed types with the same number of parameters; calls through pointers; calls that a macro puts
together by pasting; functions that are removed or renamed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from checkseries.facts.c_call import Call, arity, calls, calls_in
from checkseries.facts.c_decl import (
    Declaration,
    arch_of,
    arguments,
    declarations,
    declared_in,
    functions_in,
    kernel_source,
    seen_from,
)
from checkseries.facts.presence import Constant
from checkseries.judge.history import History
from checkseries.judge.rule import Subject, bad, good, rule, some, told
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


def changed_functions(history: History, _arch: str) -> Iterator[Subject]:
    """The functions and macros of which some patch changes how many arguments they take.

    What only one .c file can call is judged there, and no other file is searched: its detail is that file.
    """
    for step in history.steps:
        old: dict[str, set[_Taken]] = defaultdict(set)
        new: dict[str, set[_Taken]] = defaultdict(set)
        for path in step.touched:
            if kernel_source(path):
                for taken, tree in ((old, step.before), (new, step.after)):
                    for each in functions_in(tree, path):
                        if each.parameters is not None:
                            where = path if _private(each) else ""
                            taken[each.name].add((where, len(each.parameters), each.variadic))
        for name in old.keys() & new.keys():
            if old[name] != new[name]:
                files = {where for where, *_ in old[name] | new[name]}
                yield from (
                    Subject(name, "", (path,) if path else ()) for path in ({""} if "" in files else files)
                )


_Taken = tuple[str, int, bool]
"""The file if it is private to it, how many parameters, and whether more."""


def _private(each: Declaration) -> bool:
    return each.place.path.endswith(".c") and (each.static or each.kind == "macro")


def words(subject: Subject) -> tuple[str, ...]:
    """The function, unless one file alone can call it."""
    return () if subject.detail else (subject.name,)


def summary(holds: int, broken: int, unknown: int) -> str:
    """``9 callers of functions whose parameters change, all follow``."""
    total = holds + broken + unknown
    if holds == total:
        return f"{some(total, 'caller')} of functions whose parameters change, all follow"
    counts = told((holds, "follow"), (broken, "do not"), (unknown, "unknown"))
    return f"{some(total, 'caller')} of functions whose parameters change: {counts}"


@rule(
    "signature-drift",
    severity=Severity.ERROR,
    confidence=Confidence.HIGH,
    since="0.1",
    subjects=changed_functions,
    words=words,
    summary=summary,
)
def check(tree: Snapshot, subject: Subject) -> Iterator[Verdict]:
    """One verdict a call, and one a declaration that no call fits."""
    (path,) = subject.detail or ("",)
    declared = declared_in(tree, path, subject.name) if path else declarations(tree, subject.name)
    if not declared:
        return
    fitting: dict[Declaration, list[bool]] = defaultdict(list)
    for call in calls_in(tree, path, subject.name) if path else calls(tree, subject.name):
        if call.condition == Constant(value=False):
            continue  # below #if 0
        seen = seen_from(declared, call.place.path, call.in_macro)
        fits = [each.accepts(len(call.arguments)) if call.arity_known else None for each in seen]
        for each, fit in zip(seen, fits, strict=True):
            fitting[each].append(fit is not False)
        yield _call(tree, call, seen, fits)
    for each in declared:
        # A stub or prototype that was forgotten: its callers fit another declaration of the same name.
        if fitting[each] and not any(fitting[each]) and _others_fit(each, declared, fitting):
            yield _declaration(each, declared, fitting)


def _others_fit(
    one: Declaration, declared: tuple[Declaration, ...], fitting: dict[Declaration, list[bool]]
) -> bool:
    """Whether another branch of an #if in the same header is what the callers fit."""
    return one.place.path.endswith(".h") and any(
        other is not one and other.place.path == one.place.path and any(fitting[other]) for other in declared
    )


def _call(tree: Snapshot, call: Call, seen: tuple[Declaration, ...], fits: list[bool | None]) -> Verdict:
    name, passed = call.name, len(call.arguments)
    if not seen:
        return Undecided(call.place, f"no declaration of {name}() is seen from here")
    if not call.arity_known:
        return Undecided(call.place, f"how many arguments {name}() is given here is not known")
    if any(fits):
        files = {each.place.path for each, fit in zip(seen, fits, strict=True) if fit}
        for each, fit in zip(seen, fits, strict=True):
            if fit is False and each.place.path.endswith(".h") and each.place.path not in files:
                return Undecided(
                    call.place, f"{each.place.path} declares another {name}(), which may be meant"
                )
        return Held(call.place, f"{name}() takes {passed} arguments")
    if None in fits:
        return Undecided(call.place, f"not every declaration of {name}() can be read")
    if arity(tree, call) is None:
        return Undecided(call.place, f"an argument of {name}() may be a macro that holds several")
    wanted = seen[0]
    arch = arch_of(call.place.path)
    return Finding(
        rule="signature-drift",
        severity=Severity.ERROR,
        confidence=Confidence.HIGH if call.seen_by == "syntax" else Confidence.MEDIUM,
        place=call.place,
        subject=name,
        message=f"{name}() is called with {arguments(passed)}, but takes {wanted.takes}",
        archs=(arch,) if arch else (),
        related=tuple(
            Related(each.place, f"{name}() is declared here, with {each.takes}") for each in seen[:3]
        ),
        witness=Witness(
            WitnessKind.SITE, (f"{wanted.place.path}:{wanted.place.line}: {wanted.place.text.strip()}",)
        ),
    )


def _declaration(
    each: Declaration, declared: tuple[Declaration, ...], fitting: dict[Declaration, list[bool]]
) -> Finding:
    arch = arch_of(each.place.path)
    other = next(other for other in declared if other is not each and any(fitting[other]))
    return Finding(
        rule="signature-drift",
        severity=Severity.ERROR,
        confidence=Confidence.HIGH,
        place=each.place,
        subject=each.name,
        message=f"this {each.kind} of {each.name}() takes {each.takes}, but all its callers pass otherwise",
        archs=(arch,) if arch else (),
        related=(Related(other.place, f"what its callers fit, with {other.takes}"),),
        witness=Witness(WitnessKind.SITE, (f"{len(fitting[each])} calls see it, none fits",)),
    )


_HEADER = "static inline void park(void)\n{\n}\n"
_ONE = "static inline void park(unsigned int cpu)\n{\n}\n"
_USER = '#include "park.h"\nvoid f(int cpu)\n{\n\tpark();\n}\n'
_FOLLOWED = _USER.replace("park()", "park(cpu)")
_BASE = {"include/park.h": _HEADER, "a.c": _USER, "b.c": _USER.replace("void f", "void g")}
_GUARDED = "#ifdef CONFIG_PARK\nvoid park(int cpu);\n#else\nstatic inline void park(int cpu) { }\n#endif\n"

EXAMPLES = (
    bad("a caller left behind", _BASE, {"include/park.h": _ONE, "a.c": _FOLLOWED}, finds=("1 b.c:4",)),
    bad(
        "callers go first, the function follows one patch later",
        {"include/park.h": _HEADER, "a.c": _USER},
        {"a.c": _FOLLOWED},
        {"include/park.h": _ONE},
        finds=("1 a.c:4",),
    ),
    bad(
        "the stub of the other configuration is forgotten",
        {"include/park.h": _GUARDED, "a.c": _FOLLOWED},
        {
            "include/park.h": _GUARDED.replace("void park(int cpu);", "void park(int cpu, int why);"),
            "a.c": _USER.replace("park()", "park(cpu, 1)"),
        },
        finds=("1 include/park.h:4",),
    ),
    bad(
        "a caller in a macro's body",
        {"include/park.h": _HEADER + "#define park_now() park()\n"},
        {"include/park.h": _ONE + "#define park_now() park()\n"},
        finds=("1 include/park.h:4",),
    ),
    good(
        "all callers follow in the same patch",
        _BASE,
        {"include/park.h": _ONE, "a.c": _FOLLOWED, "b.c": _FOLLOWED.replace("void f", "void g")},
    ),
    good(
        "another file's static function of the same name",
        {**_BASE, "c.c": "static void park(void) { }\nvoid h(void)\n{\n\tpark();\n}\n", "b.c": "int x;\n"},
        {"include/park.h": _ONE, "a.c": _FOLLOWED},
    ),
    good(
        "a member of the same name",
        {"include/park.h": _HEADER, "a.c": _USER, "c.c": "void h(struct ops *ops)\n{\n\tops->park();\n}\n"},
        {"include/park.h": _ONE, "a.c": _FOLLOWED},
    ),
    good(
        "a caller that was wrong before, and still is",
        {"include/park.h": _HEADER, "a.c": _USER.replace("park()", "park(1, 2, 3)")},
        {"include/park.h": _ONE},
    ),
    good(
        "a caller below #if 0",
        {"include/park.h": _HEADER, "a.c": "#if 0\nvoid f(void)\n{\n\tpark();\n}\n#endif\n"},
        {"include/park.h": _ONE},
    ),
    good(
        "another driver's function of the same name",
        {
            "include/park.h": _HEADER,
            "a.c": _USER,
            "drivers/x/x.c": "void park(void)\n{\n}\n\nstruct ops o = { .p = park };\n",
        },
        {"include/park.h": _ONE, "a.c": _FOLLOWED},
    ),
)
