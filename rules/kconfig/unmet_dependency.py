"""A select must not force on a symbol whose dependencies can be unmet.

Why: select does not look at dependencies. Where they are not met, conf warns ("unmet direct dependencies
detected") and the build goes on with code whose requirements are missing; robots report it days later.

Not found: effects over more than one symbol that the series does not touch; symbols that a macro spells;
other toolchains than the profile named in the finding.
"""

from __future__ import annotations

from collections.abc import Iterator

from checkseries.facts.answer import Impossible, Possible
from checkseries.facts.kconfig import Model, Select, model
from checkseries.facts.kconfig.entries import changed_entries
from checkseries.facts.kconfig.lexical import concerns
from checkseries.facts.places import line_place
from checkseries.facts.selection import selects_near
from checkseries.judge.history import History
from checkseries.judge.rule import Subject, bad, counted, good, no_words, rule
from checkseries.judge.witness import config
from checkseries.model import Confidence, Finding, Held, Place, Related, Severity, Undecided, Verdict
from checkseries.tree import Snapshot

_MOST = 120  # selects around one symbol that are proved; PCI alone has thousands around it
_MOST_CHANGED = 400  # symbols of one file: an if around the source of drivers/Kconfig changes all of them


def changed_symbols(history: History, arch: str) -> Iterator[Subject]:
    """What the series changes: a symbol with all that hangs on it, or one select (selector and target)."""
    for step in history.steps:
        for path in step.touched:
            if not (concerns(step.before, path, arch) or concerns(step.after, path, arch)):
                continue
            changes = changed_entries(step.before, step.after, path, arch)
            if len(changes) > _MOST_CHANGED:
                yield Subject(path, arch, ("more", str(len(changes))))
            for change in changes[:_MOST_CHANGED]:
                if change.otherwise:
                    yield Subject(change.name, arch, ("entry",))
                for target in change.gained:
                    yield Subject(target, arch, ("select", change.name))
                for target in change.lost:
                    yield Subject(target, arch, ("entry",))


def _asked(kconfig: Model, subject: Subject) -> tuple[Select, ...]:
    """The selects to prove for a subject."""
    if subject.detail[0] == "entry":
        return selects_near(kconfig, subject.name, dependents=True)
    near = selects_near(kconfig, subject.name, dependents=False)
    return tuple(each for each in near if each.selector == subject.detail[1] or each.selector == subject.name)


@rule(
    "unmet-dependency",
    severity=Severity.ERROR,
    confidence=Confidence.HIGH,
    since="0.1",
    subjects=changed_symbols,
    words=no_words,
    summary=counted("selects"),
    per_arch=True,
)
def check(tree: Snapshot, subject: Subject) -> Iterator[Verdict]:
    """One verdict a select around the symbol, on one arch."""
    if subject.detail[0] == "more":
        why = f"{subject.detail[1]} symbols change with {subject.name}; {_MOST_CHANGED} were looked at"
        yield Undecided(None, why)
        return
    kconfig = model(tree, subject.arch)
    selects = _asked(kconfig, subject)
    for select in selects[:_MOST]:
        place = line_place(tree, select.path, select.line, select.selector)
        match kconfig.unmet(select):
            case Possible(witness=witness):
                yield Finding(
                    rule="unmet-dependency",
                    severity=Severity.ERROR,
                    confidence=Confidence.HIGH,
                    place=place,
                    subject=select.target,
                    message=_message(select, kconfig.depends(select.target)),
                    archs=(subject.arch,),
                    related=tuple(
                        Related(
                            line_place(tree, path, line, select.target), f"{select.target} is defined here"
                        )
                        for path, line in kconfig.definitions(select.target)[:2]
                    ),
                    witness=config(witness, subject.arch),
                    profile=kconfig.profile,
                )
            case Impossible():
                yield Held(place, f"{select.selector} selects {select.target}")
            case unknown:
                yield Undecided(place, f"{select.selector} selects {select.target}: {unknown.because}")
    why = f"{len(selects)} selects on {subject.arch} hang on {subject.name}; {_MOST} were proved"
    for select in selects[_MOST:]:
        # Each at its place: what another patch brings among those that are proved is no news.
        yield Undecided(Place(select.path, select.line, symbol=select.selector), why)


def _message(select: Select, depends: str) -> str:
    when = f" (if {select.condition})" if select.condition else ""
    return f"{select.selector} selects {select.target}{when}, which depends on {depends}: that can be unmet"


_TOP = 'source "arch/$(SRCARCH)/Kconfig"\n\nconfig BUS\n\tbool "bus"\n\nconfig DRIVER\n\tbool\n\tdepends on BUS\n'
_ARCH = 'config X86\n\tdef_bool y\n\nconfig BOARD\n\tbool "board"\n'
_SELECT = _ARCH + "\tselect DRIVER\n"
_BASE = {"Kconfig": _TOP, "arch/x86/Kconfig": _ARCH}
_MIDDLE = '\nconfig MID\n\tbool "middle"\n\tdepends on BUS\n'
_TARGET = "config DRIVER\n\tbool\n"
_NESTED = 'source "arch/$(SRCARCH)/Kconfig"\n\nconfig BUS\n\tbool "bus"\n\nsource "a/Kconfig"\n'
_SELECTING = 'source "arch/$(SRCARCH)/Kconfig"\nconfig BUS\n\tbool "bus"\n\nconfig BOARD\n\tbool "board"\n\tselect DRIVER\n'

EXAMPLES = (
    bad(
        "a select without its target's dependency",
        _BASE,
        {"arch/x86/Kconfig": _SELECT},
        finds=("1 arch/x86/Kconfig:6",),
    ),
    bad(
        "the target gains a dependency, the select stays as it was",
        {"Kconfig": _TOP.replace("\tdepends on BUS\n", ""), "arch/x86/Kconfig": _SELECT},
        {"Kconfig": _TOP},
        finds=("1 arch/x86/Kconfig:6",),
    ),
    bad(
        "what used to select the dependency no longer does",
        {"Kconfig": _TOP, "arch/x86/Kconfig": _SELECT + "\tselect BUS\n"},
        {"arch/x86/Kconfig": _SELECT},
        finds=("1 arch/x86/Kconfig:6",),
    ),
    good(
        "the select has the dependency as its condition",
        _BASE,
        {"arch/x86/Kconfig": _SELECT.replace("DRIVER", "DRIVER if BUS")},
    ),
    good(
        "the selector depends on it",
        _BASE,
        {"arch/x86/Kconfig": _ARCH + "\tdepends on BUS\n\tselect DRIVER\n"},
    ),
    good("the selector selects it too", _BASE, {"arch/x86/Kconfig": _SELECT + "\tselect BUS\n"}),
    good("imply asks, and is refused", _BASE, {"arch/x86/Kconfig": _ARCH + "\timply DRIVER\n"}),
    bad(
        "what the selector depends on loses the dependency",
        {"Kconfig": _TOP, "arch/x86/Kconfig": _ARCH + "\tdepends on MID\n\tselect DRIVER\n" + _MIDDLE},
        {"arch/x86/Kconfig": _ARCH + "\tdepends on MID\n\tselect DRIVER\n" + _MIDDLE.replace(" BUS", " X86")},
        finds=("1 arch/x86/Kconfig:7",),
    ),
    bad(
        "a source of a source comes under an if",
        {
            "Kconfig": _NESTED,
            "a/Kconfig": 'source "b/Kconfig"\n',
            "b/Kconfig": _TARGET,
            "arch/x86/Kconfig": _SELECT,
        },
        {"Kconfig": _NESTED.replace('source "a/Kconfig"', 'if BUS\nsource "a/Kconfig"\nendif')},
        finds=("1 arch/x86/Kconfig:6",),
    ),
    bad(
        "the architecture's file comes under an if",
        {"Kconfig": _SELECTING, "arch/x86/Kconfig": _TARGET},
        {"Kconfig": "if BUS\n" + _SELECTING.replace("\n", "\nendif\n", 1)},
        finds=("1 Kconfig:9",),
    ),
    bad(
        "of two selects of the same target the wrong one is new",
        {"Kconfig": _TOP, "arch/x86/Kconfig": _SELECT.replace("DRIVER", "DRIVER if BUS")},
        {"arch/x86/Kconfig": _SELECT.replace("DRIVER", "DRIVER if BUS") + "\tselect DRIVER if X86\n"},
        finds=("1 arch/x86/Kconfig:7",),
    ),
    good(
        "of two selects of the same target the wrong one was there",
        {"Kconfig": _TOP, "arch/x86/Kconfig": _SELECT.replace("DRIVER", "DRIVER if X86")},
        {"arch/x86/Kconfig": _SELECT.replace("DRIVER", "DRIVER if X86") + "\tselect DRIVER if BUS\n"},
    ),
    good(
        "it was unmet before",
        {"Kconfig": _TOP, "arch/x86/Kconfig": _SELECT},
        {"arch/x86/Kconfig": _SELECT.replace('"board"', '"the board"') + "\thelp\n\t  More.\n"},
    ),
    good(
        "it was unmet before, and the entry changes otherwise",
        {"Kconfig": _TOP, "arch/x86/Kconfig": _SELECT},
        {"arch/x86/Kconfig": _SELECT + "\tdefault y\n"},
    ),
)
