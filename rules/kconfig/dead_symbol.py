"""The dependencies of a symbol must leave a configuration in which it can be set.

Why: if each dependency can be met, but never all of them together, nobody can build what hangs on the symbol, and
no build says so.

Only symbols with a prompt that one architecture alone defines are judged, so that the answer of that architecture
is the answer of all.

Not found: symbols that several architectures read; symbols with a dependency that can never be met on its own
(BROKEN, a symbol that nothing selects yet), which is mostly meant so; other toolchains than the profile.
"""

from __future__ import annotations

from collections.abc import Iterator

from checkseries.facts.answer import Impossible, Possible
from checkseries.facts.kconfig import archs, model
from checkseries.facts.kconfig.entries import changed_entries
from checkseries.facts.kconfig.lexical import concerns, definitions
from checkseries.facts.places import line_place
from checkseries.facts.selection import mentioned
from checkseries.judge.history import History
from checkseries.judge.rule import Subject, bad, counted, good, no_words, rule
from checkseries.model import Confidence, Finding, Held, Severity, Undecided, Verdict, Witness, WitnessKind
from checkseries.tree import Snapshot

_MOST = 100  # symbols that a patch changes in one file
_MOST_MENTIONED = 40  # symbols in the dependencies of one


def changed_symbols(history: History, arch: str) -> Iterator[Subject]:
    """The symbols that the series adds to the architecture's own files, or whose entries it changes there."""
    seen = set()
    for step in history.steps:
        for path in step.touched:
            if not path.startswith(f"arch/{arch}/") or not concerns(step.after, path, arch):
                continue
            for change in changed_entries(step.before, step.after, path, arch)[:_MOST]:
                if change.otherwise and change.name not in seen:
                    seen.add(change.name)
                    yield Subject(change.name, arch)


@rule(
    "dead-symbol",
    severity=Severity.WARNING,
    confidence=Confidence.HIGH,
    since="0.1",
    subjects=changed_symbols,
    words=no_words,
    summary=counted("symbols"),
    per_arch=True,
)
def check(tree: Snapshot, subject: Subject) -> Iterator[Verdict]:
    """One verdict a symbol that its architecture alone defines."""
    name, arch = subject.name, subject.arch
    kconfig = model(tree, arch)
    read = kconfig.definitions(name)
    everywhere = definitions(tree).get(name, ())
    if not read or not all(path.startswith(f"arch/{arch}/") for path, _ in everywhere):
        return
    if kconfig.type_of(name) not in ("bool", "tristate") or not kconfig.visible(name):
        return
    path, line = read[0]
    place = line_place(tree, path, line, name)
    # Another architecture that reads this one's files (um those of x86) may well be able to set it.
    if any(concerns(tree, path, other) for other in _others(tree, arch)):
        yield Undecided(place, "another architecture reads the file too")
        return
    match kconfig.satisfiable(name):
        case Possible():
            yield Held(place, f"{name} can be set")
        case Impossible():
            hanging = kconfig.tree.symbols[name].direct
            names = sorted(frozenset[str]().union(*map(mentioned, hanging)) - {"y", "m", "n"})
            if len(names) > _MOST_MENTIONED:
                yield Undecided(place, f"{name} depends on {len(names)} symbols")
                return
            never = [
                each
                for each in names
                if not kconfig.defined(each) or not isinstance(kconfig.satisfiable(each), Possible)
            ]
            if not names or not isinstance(kconfig.satisfiable(kconfig.depends(name)), Impossible):
                yield Undecided(place, f"{name} can never be set, but not for its dependencies alone")
                return
            if never:
                yield Undecided(place, f"{name} can never be set, and neither can {', '.join(never)}")
                return
            yield Finding(
                rule="dead-symbol",
                severity=Severity.WARNING,
                confidence=Confidence.HIGH,
                place=place,
                subject=name,
                message=f"{name} can never be set: no configuration meets {kconfig.depends(name)}",
                archs=(arch,),
                witness=Witness(
                    WitnessKind.SITE,
                    (
                        f"each of {', '.join(names)} can be set; {name} cannot: proved over all configurations",
                    ),
                    arch,
                ),
                profile=kconfig.profile,
            )
        case unknown:
            yield Undecided(place, f"whether {name} can be set: {unknown.because}")


def _others(tree: Snapshot, arch: str) -> tuple[str, ...]:
    return tuple(each for each in archs(tree) if each != arch)


_TOP = 'source "arch/$(SRCARCH)/Kconfig"\n'
_ARCH = 'config X86\n\tdef_bool y\n\nconfig UP\n\tdef_bool !SMP\n\nconfig SMP\n\tbool "SMP"\n'
_BASE = {"Kconfig": _TOP, "arch/x86/Kconfig": _ARCH}
_NEW = '\nconfig HOTPLUG\n\tbool "hotplug"\n\tdepends on UP\n\tdepends on SMP\n'

EXAMPLES = (
    bad(
        "two dependencies that exclude each other",
        _BASE,
        {"arch/x86/Kconfig": _ARCH + _NEW},
        finds=("1 arch/x86/Kconfig:10",),
    ),
    bad(
        "a further dependency makes it dead",
        {**_BASE, "arch/x86/Kconfig": _ARCH + _NEW.replace("\tdepends on UP\n", "")},
        {"arch/x86/Kconfig": _ARCH + _NEW},
        finds=("1 arch/x86/Kconfig:10",),
    ),
    good(
        "one or the other", _BASE, {"arch/x86/Kconfig": _ARCH + _NEW.replace("UP\n\tdepends on ", "UP || ")}
    ),
    good(
        "selected nonetheless",
        _BASE,
        {"arch/x86/Kconfig": _ARCH + _NEW + '\nconfig BOARD\n\tbool "board"\n\tselect HOTPLUG\n'},
    ),
    good(
        "a dependency that is never there is meant so",
        {**_BASE, "Kconfig": _TOP + "\nconfig BROKEN\n\tbool\n"},
        {"arch/x86/Kconfig": _ARCH + _NEW.replace("UP", "BROKEN")},
    ),
    good(
        "another architecture defines it too",
        {**_BASE, "arch/riscv/Kconfig": 'config HOTPLUG\n\tbool "hotplug"\n'},
        {"arch/x86/Kconfig": _ARCH + _NEW},
    ),
    good(
        "it was dead before",
        {**_BASE, "arch/x86/Kconfig": _ARCH + _NEW},
        {"arch/x86/Kconfig": _ARCH + _NEW + "\tdefault y\n"},
    ),
)
