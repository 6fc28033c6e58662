"""A select must not name a member of a choice: it has no effect.

Why: a choice alone decides which of its members is y. Selecting one is ignored without a word, so what the
selector wants is not there.

Not found: selects that an if, menu or source newly around them changes; members of choices on architectures
that are not judged for.
"""

from __future__ import annotations

from collections.abc import Iterator

from checkseries.facts.kconfig import model
from checkseries.facts.places import line_place
from checkseries.judge.rule import Subject, bad, counted, good, no_words, rule
from checkseries.judge.selects import gained_selects, selects_of
from checkseries.model import Confidence, Finding, Held, Related, Severity, Verdict, Witness, WitnessKind
from checkseries.tree import Snapshot


@rule(
    "select-choice",
    severity=Severity.WARNING,
    confidence=Confidence.HIGH,
    since="0.1",
    subjects=gained_selects,
    words=no_words,
    summary=counted("selects"),
    per_arch=True,
)
def check(tree: Snapshot, subject: Subject) -> Iterator[Verdict]:
    """One verdict a select of the symbol by the selector, on one arch."""
    kconfig = model(tree, subject.arch)
    for select in selects_of(kconfig, subject):
        place = line_place(tree, select.path, select.line, select.selector)
        if not kconfig.in_choice(select.target):
            yield Held(place, f"{select.target} is in no choice")
            continue
        path, line = kconfig.definitions(select.target)[0]
        defined = line_place(tree, path, line, select.target)
        yield Finding(
            rule="select-choice",
            severity=Severity.WARNING,
            confidence=Confidence.HIGH,
            place=place,
            subject=select.target,
            message=f"{select.selector} selects {select.target}, which is a member of a choice: the select does nothing",
            archs=(subject.arch,),
            related=(Related(defined, f"{select.target} is defined here"),),
            witness=Witness(WitnessKind.SITE, (f"{path}:{line} stands in a choice",), subject.arch),
        )


_CHOICE = (
    'choice\n\tprompt "speed"\n\nconfig FAST\n\tbool "fast"\n\nconfig SLOW\n\tbool "slow"\n\nendchoice\n'
)
_TOP = 'source "arch/$(SRCARCH)/Kconfig"\n\n' + _CHOICE + "\nconfig PLAIN\n\tbool\n"
_ARCH = 'config X86\n\tdef_bool y\n\nconfig BOARD\n\tbool "board"\n'
_BASE = {"Kconfig": _TOP, "arch/x86/Kconfig": _ARCH}

EXAMPLES = (
    bad(
        "a select of a member",
        _BASE,
        {"arch/x86/Kconfig": _ARCH + "\tselect SLOW\n"},
        finds=("1 arch/x86/Kconfig:6",),
    ),
    bad(
        "a new symbol selects a member under a condition",
        _BASE,
        {"arch/x86/Kconfig": _ARCH + '\nconfig OTHER\n\tbool "other"\n\tselect FAST if BOARD\n'},
        finds=("1 arch/x86/Kconfig:9",),
    ),
    good("a select of another symbol", _BASE, {"arch/x86/Kconfig": _ARCH + "\tselect PLAIN\n"}),
    good(
        "the member is a dependency, and the choice's own default",
        _BASE,
        {
            "arch/x86/Kconfig": _ARCH + "\tdepends on SLOW\n\tselect PLAIN\n",
            "Kconfig": _TOP.replace('"speed"\n', '"speed"\n\tdefault SLOW\n'),
        },
    ),
    good(
        "it was selected before",
        {"Kconfig": _TOP, "arch/x86/Kconfig": _ARCH + "\tselect SLOW\n"},
        {"arch/x86/Kconfig": _ARCH + "\tdepends on X86\n\tselect SLOW\n"},
    ),
)
