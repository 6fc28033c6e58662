"""A static function or variable must be used in every configuration that compiles it.

Why: where the users stand below an #ifdef, or in a macro that drops its arguments when an option is off, the
compiler warns "defined but not used" in the other configurations. The author's has the option on.

Severity: a warning; of const data, which the compiler speaks of with W=1 only, too.

Not found: files that their makefiles do not list in plain words; conditions other than CONFIG symbols; what only
another unused function uses.
"""

from __future__ import annotations

from collections.abc import Iterator

from checkseries.facts.answer import Impossible, Possible
from checkseries.facts.c_decl import kernel_source
from checkseries.facts.c_static import Static, Use, elsewhere, static_in, statics
from checkseries.facts.c_vanish import kept
from checkseries.facts.kbuild_gate import gate
from checkseries.facts.kconfig import model
from checkseries.facts.places import line_place
from checkseries.facts.presence import (
    ALWAYS,
    Expression,
    Option,
    answered,
    contrary,
    every,
    kconfig,
    never,
    said,
    some,
)
from checkseries.judge.history import History
from checkseries.judge.rule import Subject, bad, counted, good, rule
from checkseries.judge.witness import config
from checkseries.model import Confidence, Finding, Held, Related, Severity, Undecided, Verdict
from checkseries.tree import Snapshot

_MOST = 30  # statics of one file that are proved


def conditional(history: History, arch: str) -> Iterator[Subject]:
    """The statics of touched files whose uses are not there whenever they are, after some patch."""
    for step, path in history.touched(".c"):
        if kernel_source(path):
            before = {
                each.name: _alone(step.before, each) for each in statics(step.before, path) if each.uses
            }
            found = [
                each
                for each in statics(step.after, path)
                if each.uses
                and not never(alone := _alone(step.after, each))
                and alone != before.get(each.name)
            ]
            for each in found[:_MOST]:
                yield Subject(each.name, arch, (path,))


def _alone(tree: Snapshot, each: Static) -> Expression:
    """When it is compiled and nothing that uses it is."""
    uses = []
    for use in each.uses:
        around = tuple(kept(tree, macro) for macro in use.around)
        uses.append(every((use.condition, *around)))
        if uses[-1] == ALWAYS or uses[-1] == each.condition:
            return some(())
    return every((each.condition, contrary(some(tuple(uses)))))


@rule(
    "unused-in-config",
    severity=Severity.WARNING,
    confidence=Confidence.HIGH,
    since="0.1",
    subjects=conditional,
    summary=counted("static functions and variables"),
    per_arch=True,
)
def check(tree: Snapshot, subject: Subject) -> Iterator[Verdict]:
    """One verdict a static."""
    (path,) = subject.detail
    each = static_in(tree, path, subject.name)
    if each is None or not each.uses:
        return
    alone = _alone(tree, each)
    if never(alone):
        yield Held(each.place, f"{each.name} is used wherever it is compiled")
        return
    groups = gate(tree, path)
    if not groups:
        yield Undecided(each.place, f"what builds {path} is not known")
        return
    condition = kconfig(_built_in(alone, groups[0][0]) if len(groups[0]) == 1 else alone)
    if condition is None:
        yield Undecided(
            each.place, f"{each.name} is unused if {said(alone)}, which is not decided by Kconfig"
        )
        return
    other = each.doubt or elsewhere(tree, path, each.name)
    if other:
        yield Undecided(each.place, each.doubt or f"{other} names {each.name} too")
        return
    built = " && ".join(f"({' || '.join(f'{symbol} != n' for symbol in group)})" for group in groups)
    kernel = model(tree, subject.arch)
    match kernel.satisfiable(f"{built} && ({condition})"):
        case Possible(witness=witness):
            yield Finding(
                rule="unused-in-config",
                severity=Severity.WARNING,
                confidence=Confidence.HIGH,
                place=each.place,
                subject=each.name,
                message=_message(each, alone),
                archs=(subject.arch,),
                related=tuple(
                    Related(line_place(tree, path, use.line), f"used if {said(_of(tree, use))}")
                    for use in each.uses[:2]
                ),
                witness=config(witness, subject.arch),
                profile=kernel.profile,
            )
        case Impossible():
            yield Held(each.place, f"{each.name} is used wherever it is compiled")
        case unknown:
            yield Undecided(each.place, f"{each.name}: {unknown.because}")


def _of(tree: Snapshot, use: Use) -> Expression:
    """When a use is compiled."""
    return every((use.condition, *(kept(tree, macro) for macro in use.around)))


def _built_in(of: Expression, symbol: str) -> Expression:
    """The condition with MODULE told by the symbol that builds the file."""
    return answered(of, lambda each: Option(symbol, "m") if each.text == "defined(MODULE)" else each)


def _message(each: Static, alone: Expression) -> str:
    what = f"{each.name}()" if each.function else each.name
    level = " (with W=1)" if each.const else ""
    return f"{what} is static and unused if {said(alone)}: the compiler warns{level}"


_KCONFIG = 'source "arch/$(SRCARCH)/Kconfig"\nconfig PM\n\tbool "pm"\nconfig OF\n\tbool "of"\nconfig PARK\n\tbool "park"\n'
_CODE = "int x;\n"
_BASE = {
    "Kconfig": _KCONFIG,
    "arch/x86/Kconfig": "config X86\n\tdef_bool y\n",
    "d/Makefile": "obj-$(CONFIG_PARK) += park.o\n",
    "d/park.c": _CODE,
    "include/linux/of.h": "#ifdef CONFIG_OF\n#define of_match_ptr(p) (p)\n#else\n#define of_match_ptr(p) NULL\n#endif\n",
}
_FUNCTION = "static int park(int cpu)\n{\n\treturn cpu;\n}\n"
_USE = "int go(int cpu)\n{\n\treturn park(cpu);\n}\n"
_GUARDED = f"{_FUNCTION}#ifdef CONFIG_PM\n{_USE}#endif\n"
_TABLE = (
    "static const struct id ids[] = {\n\t{ 1 },\n};\nstruct driver d = {\n\t.table = of_match_ptr(ids),\n};\n"
)

EXAMPLES = (
    bad("its only user stands below an #ifdef", _BASE, {"d/park.c": _GUARDED}, finds=("1 d/park.c:1",)),
    bad("a table that of_match_ptr() drops", _BASE, {"d/park.c": _TABLE}, finds=("1 d/park.c:1",)),
    bad(
        "its only user goes below an #ifdef",
        {**_BASE, "d/park.c": _FUNCTION + _USE},
        {"d/park.c": _GUARDED},
        finds=("1 d/park.c:1",),
    ),
    good("both below the #ifdef", _BASE, {"d/park.c": f"#ifdef CONFIG_PM\n{_FUNCTION}{_USE}#endif\n"}),
    good("a user in each branch", _BASE, {"d/park.c": _GUARDED.replace("#endif", f"#else\n{_USE}#endif")}),
    good(
        "said to be unused", _BASE, {"d/park.c": _GUARDED.replace("int park", "int __maybe_unused park", 1)}
    ),
    good(
        "the driver needs the option",
        {**_BASE, "Kconfig": _KCONFIG + "\tdepends on PM\n"},
        {"d/park.c": _GUARDED},
    ),
    good(
        "no makefile builds it in plain words",
        {**_BASE, "d/Makefile": "x := park.o\n"},
        {"d/park.c": _GUARDED},
    ),
    good(
        "unused without PM before, and still",
        {**_BASE, "d/park.c": _GUARDED},
        {"d/park.c": _GUARDED + "int y;\n"},
    ),
)
