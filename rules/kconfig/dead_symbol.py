"""The dependencies of a symbol must leave a configuration in which it can be set.

Why: if each dependency can be met, but never all of them together, nobody can build what hangs on the symbol, and
no build says so.

Only symbols with a prompt are judged. One that no architecture defines for itself alone is asked on all of them,
those that are judged for first: one configuration of one architecture is enough.

Not found: symbols with several entries; symbols with a dependency that can never be met on its own
(BROKEN, a symbol that nothing selects yet), which is mostly meant so; other toolchains than the profile.
"""

from __future__ import annotations

from collections.abc import Iterator

from checkseries.facts.answer import Impossible, Possible
from checkseries.facts.kconfig import PROFILES, archs, model
from checkseries.facts.kconfig.entries import changed_entries, entries
from checkseries.facts.kconfig.lexical import concerns, definitions, paths
from checkseries.facts.kconfig.union import Dead, dead_everywhere
from checkseries.facts.places import line_place
from checkseries.facts.selection import mentioned
from checkseries.judge.history import History
from checkseries.judge.rule import Subject, bad, counted, good, no_words, rule
from checkseries.model import (
    Confidence,
    Finding,
    Held,
    Place,
    Severity,
    Undecided,
    Verdict,
    Witness,
    WitnessKind,
)
from checkseries.tree import Snapshot

_MOST = 100  # symbols that a patch changes in one file
_MOST_MENTIONED = 40  # symbols in the dependencies of one


def changed_symbols(history: History, arch: str) -> Iterator[Subject]:
    """The symbols that the series adds to the architecture's own files, or whose entries it changes there.

    Those of files that all architectures may read are asked about once, where the first one is judged, together:
    they may need all models.
    """
    own: set[str] = set()
    common: set[str] = set()
    for step in history.steps:
        for path in step.touched:
            local = path.startswith("arch/")
            if local and not (path.startswith(f"arch/{arch}/") and concerns(step.after, path, arch)):
                continue
            if not local and (arch != history.archs[0] or path not in paths(step.after)):
                continue
            for change in changed_entries(step.before, step.after, path, arch)[:_MOST]:
                if change.otherwise:
                    (own if local else common).add(change.name)
    yield from (Subject(name, arch) for name in sorted(own))
    if common:
        yield Subject("", arch, (" ".join(history.archs), *sorted(common)[:_MOST]))


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
    """One verdict a symbol."""
    if not subject.name:
        yield from _anywhere(tree, subject)
        return
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


def _anywhere(tree: Snapshot, subject: Subject) -> Iterator[Verdict]:
    """One verdict a symbol that no architecture has for itself."""
    first, *names = subject.detail
    known = definitions(tree)
    names = [
        name
        for name in names
        if len(known.get(name, ())) == 1 and not known[name][0][0].startswith("arch/") and _asked(tree, name)
    ]
    dead = dead_everywhere(tree, tuple(names), tuple(first.split()))
    for name in names:
        ((path, line),) = known[name]
        place = line_place(tree, path, line, name)
        if name in dead:
            yield _dead(tree, name, place, dead[name])
        else:
            yield Held(place, f"{name} can be set")


def _asked(tree: Snapshot, name: str) -> bool:
    """Whether an entry has a prompt and a type that can be y."""
    said = (
        line.split()[:2] for path, _ in definitions(tree)[name] for line in entries(tree, path).get(name, ())
    )
    words = {word[0]: word[1:] for word in said if word}
    return bool("prompt" in words or words.get("bool") or words.get("tristate")) and bool(
        words.keys() & {"bool", "tristate"}
    )


def _dead(tree: Snapshot, name: str, place: Place, dead: Dead) -> Verdict:
    """A symbol that is seen to be n everywhere: a finding if its dependencies exclude each other."""
    if dead.unknown:
        return Undecided(place, f"whether {name} can be set on any architecture is not known")
    if not dead.depends or dead.met:
        return Undecided(place, f"{name} can never be set, but not for its dependencies alone")
    never = [other for other, can in dead.possible.items() if not can]
    if never or len(dead.possible) > _MOST_MENTIONED:
        return Undecided(place, f"{name} can never be set, and neither can {', '.join(never[:3])}")
    names = ", ".join(dead.possible)
    number = len(archs(tree))
    return Finding(
        rule="dead-symbol",
        severity=Severity.WARNING,
        confidence=Confidence.HIGH,
        place=place,
        subject=name,
        message=f"{name} can never be set on any architecture: no configuration meets {dead.depends}",
        witness=Witness(
            WitnessKind.SITE,
            (f"each of {names} can be set somewhere, {name} on none of {number} architectures: proved",),
        ),
        profile=PROFILES[tree.lineage.toolchain].text,
    )


def _others(tree: Snapshot, arch: str) -> tuple[str, ...]:
    return tuple(each for each in archs(tree) if each != arch)


_TOP = 'source "arch/$(SRCARCH)/Kconfig"\n'
_ARCH = 'config X86\n\tdef_bool y\n\nconfig UP\n\tdef_bool !SMP\n\nconfig SMP\n\tbool "SMP"\n'
_BASE = {"Kconfig": _TOP, "arch/x86/Kconfig": _ARCH}
_RISCV = _ARCH.replace("X86", "RISCV")
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
    bad(
        "of no architecture's own",
        {**_BASE, "arch/riscv/Kconfig": _RISCV},
        {"Kconfig": _TOP + _NEW},
        finds=("1 Kconfig:3",),
    ),
    good(
        "another architecture can have both",
        {**_BASE, "arch/riscv/Kconfig": _RISCV.replace("!SMP", "y")},
        {"Kconfig": _TOP + _NEW},
    ),
    good(
        "almost: what it needs is of an architecture that is not judged for",
        {**_BASE, "arch/parisc/Kconfig": "config PARISC\n\tdef_bool y\n"},
        {"Kconfig": _TOP + _NEW.replace("UP", "PARISC").replace("\tdepends on SMP\n", "")},
    ),
    good(
        "what it needs is nowhere",
        _BASE,
        {"Kconfig": _TOP + "\nconfig LATER\n\tbool\n" + _NEW.replace("UP", "LATER")},
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
