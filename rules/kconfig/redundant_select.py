"""A select in an architecture's Kconfig must not repeat what another select does in every configuration.

Why: it changes nothing, and whoever removes the other one later does not know which of them is meant.

Severity: a note: the repetition may be wanted as a word of documentation.

Not found: selects outside of the architecture's own directory, which other architectures may need; targets that
are no bool, where m and y make a difference; selects that an if, menu or source newly around them changes.
"""

from __future__ import annotations

from collections.abc import Iterator

from checkseries.facts.answer import Broken, Holds
from checkseries.facts.kconfig import Model, Select, model
from checkseries.facts.places import line_place
from checkseries.judge.rule import Subject, bad, counted, good, no_words, rule
from checkseries.judge.selects import gained_selects, selects_of
from checkseries.model import Confidence, Finding, Held, Related, Severity, Undecided, Verdict
from checkseries.tree import Snapshot

_MOST = 40  # other selects of the target that are compared


def _when(select: Select) -> str:
    return f"{select.selector} && ({select.condition})" if select.condition else select.selector


def _said(select: Select, target: str) -> str:
    return f"{select.selector} selects {target}" + (f" if {select.condition}" if select.condition else "")


@rule(
    "redundant-select",
    severity=Severity.NOTE,
    confidence=Confidence.MEDIUM,
    since="0.1",
    subjects=gained_selects,
    words=no_words,
    summary=counted("selects"),
    per_arch=True,
)
def check(tree: Snapshot, subject: Subject) -> Iterator[Verdict]:
    """One verdict a select of the symbol by the selector, on one arch."""
    kconfig = model(tree, subject.arch)
    target = subject.name
    if kconfig.type_of(target) != "bool" or kconfig.in_choice(target):
        return
    every = tuple(each for each in kconfig.selects(target) if not each.implied)
    for select in selects_of(kconfig, subject):
        if not select.path.startswith(f"arch/{subject.arch}/"):
            continue
        place = line_place(tree, select.path, select.line, select.selector)
        if len(every) > _MOST:
            yield Undecided(place, f"{len(every)} symbols select {target}")
            continue
        other = _other(kconfig, select, every)
        if other is None:
            yield Held(place, f"no other select is there whenever {select.selector} selects {target}")
            continue
        yield Finding(
            rule="redundant-select",
            severity=Severity.NOTE,
            confidence=Confidence.MEDIUM,
            place=place,
            subject=target,
            message=f"{_said(select, target)}: wherever it does, {_said(other, target)} too",
            archs=(subject.arch,),
            related=(
                Related(line_place(tree, other.path, other.line, other.selector), "the other select is here"),
            ),
            profile=kconfig.profile,
        )


def _other(kconfig: Model, select: Select, every: tuple[Select, ...]) -> Select | None:
    """Another select that holds wherever this one does; of two that hold together the first one counts."""
    this = every.index(select)
    if isinstance(kconfig.implies(_when(select), "n"), Holds):
        return None  # it is never there at all: nothing is repeated
    for number, other in enumerate(every):
        if (other.path, other.line) == (select.path, select.line):
            continue
        if not isinstance(kconfig.implies(_when(select), _when(other)), Holds):
            continue
        if number < this or isinstance(kconfig.implies(_when(other), _when(select)), Broken):
            return other
    return None


_TOP = 'source "arch/$(SRCARCH)/Kconfig"\n\nconfig T\n\tbool\n'
_ARCH = 'config X86\n\tdef_bool y\n\tselect T if BUS\n\nconfig BUS\n\tbool "bus"\n\nconfig BOARD\n\tbool "board"\n'
_BASE = {"Kconfig": _TOP, "arch/x86/Kconfig": _ARCH}

EXAMPLES = (
    bad(
        "what the selector depends on brings it already",
        _BASE,
        {"arch/x86/Kconfig": _ARCH + "\tdepends on BUS\n\tselect T\n"},
        finds=("1 arch/x86/Kconfig:11",),
    ),
    bad(
        "the same condition, once more",
        _BASE,
        {"arch/x86/Kconfig": _ARCH + "\tselect T if BUS\n"},
        finds=("1 arch/x86/Kconfig:10",),
    ),
    good("without the dependency", _BASE, {"arch/x86/Kconfig": _ARCH + "\tselect T\n"}),
    good(
        "in a file that other architectures read",
        _BASE,
        {"Kconfig": _TOP + '\nconfig LIB\n\tbool "lib"\n\tdepends on BUS\n\tselect T\n'},
    ),
    good(
        "the other one only implies it",
        {**_BASE, "arch/x86/Kconfig": _ARCH.replace("select T", "imply T")},
        {"arch/x86/Kconfig": _ARCH.replace("select T", "imply T") + "\tdepends on BUS\n\tselect T\n"},
    ),
    good(
        "it was repeated before",
        {"Kconfig": _TOP, "arch/x86/Kconfig": _ARCH + "\tdepends on BUS\n\tselect T\n"},
        {"arch/x86/Kconfig": _ARCH + "\tdefault y\n\tdepends on BUS\n\tselect T\n"},
    ),
)
