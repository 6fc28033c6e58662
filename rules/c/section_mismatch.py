"""Code that stays must not call code that is given away after boot.

Why: an __init function's memory is freed once the kernel is up. Whoever calls it later jumps into whatever is there
then; modpost warns of a section mismatch.

Severity: a warning, for the compiler may inline the one into the other.

Not found: calls through pointers; callees of other files; callers that are static and called by name alone, which
may end up in an __init function themselves; __meminit and its like.
"""

from __future__ import annotations

from collections.abc import Iterator

from checkseries.facts.c_call import calls_in, references_in
from checkseries.facts.c_decl import Declaration, arch_of, declared_in, functions_in, kernel_source
from checkseries.facts.c_words import EXIT_CODE, INIT_CODE, SOMETIMES_INIT_CODE
from checkseries.facts.presence import kconfig, never
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

_OTHER_SECTIONS = INIT_CODE | EXIT_CODE | SOMETIMES_INIT_CODE
_SECTION = ("__section", "__attribute__", "__ref")


def boot_code(history: History, _arch: str) -> Iterator[Subject]:
    """The static __init functions of touched files."""
    for step, path in history.touched(".c"):
        if kernel_source(path):
            for each in functions_in(step.after, path):
                if _init(each):
                    yield Subject(each.name, "", (path,))


def _init(each: Declaration) -> bool:
    return each.static and each.sure and each.kind == "definition" and "__init" in each.attributes


@rule(
    "section-mismatch",
    severity=Severity.WARNING,
    confidence=Confidence.MEDIUM,
    since="0.1",
    subjects=boot_code,
    words=lambda _: (),
    summary=counted("calls of __init functions"),
)
def check(tree: Snapshot, subject: Subject) -> Iterator[Verdict]:
    """One verdict a call."""
    (path,) = subject.detail
    found = declared_in(tree, path, subject.name)
    callee = next((each for each in found if _init(each)), None)
    if callee is None or not all(_init(each) for each in found if each.kind == "definition"):
        return
    for call in calls_in(tree, path, subject.name):
        if call.in_macro is not None or not call.place.symbol or never(call.condition):
            continue
        callers = [each for each in declared_in(tree, path, call.place.symbol) if each.kind == "definition"]
        if len(callers) != 1 or not callers[0].sure:
            yield Undecided(call.place, f"what {call.place.symbol} is, is not clear")
            continue
        (caller,) = callers
        words = {attribute.partition("(")[0].strip() for attribute in caller.attributes}
        if words & _OTHER_SECTIONS or words & set(_SECTION) or caller.inline:
            yield Held(call.place, f"{caller.name}() is not ordinary code")
            continue
        if caller.static and not any(
            each.kind == "address" for each in references_in(tree, path, caller.name)
        ):
            yield Undecided(call.place, f"{caller.name}() may be inlined into __init code")
            continue
        if kconfig(call.condition) is None:
            yield Undecided(call.place, "whether this is built is not known")
            continue
        arch = arch_of(path)
        yield Finding(
            rule="section-mismatch",
            severity=Severity.WARNING,
            confidence=Confidence.MEDIUM,
            place=call.place,
            subject=subject.name,
            message=f"{caller.name}() stays after boot, but calls {subject.name}(), which is __init",
            archs=(arch,) if arch else (),
            related=(Related(callee.place, f"{subject.name}() is __init"),),
            witness=Witness(WitnessKind.SITE, (f"{path}:{callee.place.line}: {callee.place.text.strip()}",)),
        )


_CALLEE = "static int __init park(int cpu)\n{\n\treturn cpu;\n}\n\n"
_CALLER = "static int probe(int cpu)\n{\n\treturn park(cpu);\n}\n\n"
_TABLE = "struct driver d = {\n\t.probe = probe,\n};\n"
_BASE = {"a.c": _CALLEE.replace("__init ", "") + _CALLER + _TABLE}

EXAMPLES = (
    bad("a probe function calls __init code", _BASE, {"a.c": _CALLEE + _CALLER + _TABLE}, finds=("1 a.c:8",)),
    bad(
        "a function of other files' calls __init code",
        _BASE,
        {"a.c": _CALLEE + _CALLER.replace("static ", "")},
        finds=("1 a.c:8",),
    ),
    good(
        "almost: the caller is __init too",
        _BASE,
        {"a.c": _CALLEE + _CALLER.replace("int probe", "int __init probe")},
    ),
    good(
        "the caller says that it knows",
        _BASE,
        {"a.c": _CALLEE + _CALLER.replace("int probe", "int __ref probe") + _TABLE},
    ),
    good(
        "a static function that only __init code calls",
        _BASE,
        {"a.c": _CALLEE + _CALLER + "static int __init go(void)\n{\n\treturn probe(1);\n}\n"},
    ),
    good(
        "it did so before, and still does",
        {"a.c": _CALLEE + _CALLER + _TABLE},
        {"a.c": _CALLEE + _CALLER + _TABLE + "int x;\n"},
    ),
)
