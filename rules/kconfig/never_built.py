"""A source file must be built by some makefile in some configuration, or be included by what is.

Why: code that nothing builds is never compiled, by nobody, and no build says so: a line for the makefile was
forgotten, or the file has another name there.

The same is true of one whose conditions exclude each other: that of its own line, and those of the directories
above. Each of them can be met, all together on no architecture.

Severity: a note for a file that nothing names, since the makefile's line may come with a later series; a warning
where it is proved that its conditions cannot be met.

Not found: objects under a condition with a symbol that can never be set, which other rules find; old objects whose
symbols change; files whose name a makefile computes are taken for built.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from checkseries.facts.c_decl import HOST_PROGRAMS
from checkseries.facts.include import stem_word
from checkseries.facts.kbuild import built, makefile
from checkseries.facts.kconfig import PROFILES, archs
from checkseries.facts.kconfig.needs import needed
from checkseries.facts.kconfig.union import possible_on
from checkseries.facts.places import line_place
from checkseries.facts.presence import NEVER, Expression, kconfig, never, opaque, options, said, some
from checkseries.judge.history import History, Step
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

_SOURCES = (".c", ".S")
_COMPUTES = re.compile(rb"\$[({](?:wildcard|patsubst|foreach|shell|addprefix|addsuffix|eval|call)\b|%\.o")
_MOST = 400  # files that hold a word of its name
_MOST_OBJECTS = 200  # objects that the added lines of one makefile name
_LONGEST = 200  # characters of a condition that a message tells
_OBJECT = re.compile(r"(?<![\w$)./-])([\w.-]+(?:/[\w.-]+)*)\.o(?!\S)", re.ASCII)


def new_sources(history: History, _arch: str) -> Iterator[Subject]:
    """The sources that the series adds and that nothing names in the end either; those that makefiles newly name.

    That a driver comes before its makefile is common, and nothing is broken by it.
    """
    for step, path in history.touched(*_SOURCES):
        if (
            step.before.peek(path) is None
            and step.after.peek(path) is not None
            and not path.startswith(HOST_PROGRAMS)
            and path not in step.renames
            and makefile(history.last, path.rpartition("/")[0]) is not None
            and not _by_makefile(history.last, path)
        ):
            yield Subject(path)
    named: dict[str, None] = {}
    for step, path in history.touched("Makefile", "Kbuild"):
        if path.startswith(HOST_PROGRAMS):
            continue
        lines = (step.after.text(path) or "").split("\n")
        fresh = step.added.get(path, frozenset())
        added = [lines[line - 1] for line in sorted(fresh) if line <= len(lines)]
        if any(line.lstrip().startswith(("if", "else")) for line in added):
            added = lines  # what stands below is as it was, and comes under another condition
        directory = path.rpartition("/")[0]
        for stem in _OBJECT.findall(" ".join(added))[:_MOST_OBJECTS]:
            sources = (f"{directory}/{stem}{ending}".lstrip("/") for ending in _SOURCES)
            named |= {
                source: None
                for source in sources
                if history.last.peek(source) is not None and _differs(step, source, history.archs)
            }
    yield from (Subject(path, "", ("when", *history.archs)) for path in sorted(named))


def _differs(step: Step, source: str, archs: tuple[str, ...]) -> bool:
    """Whether a step changes when a source is built: an ``if`` of its makefile may be about others."""
    there = (source.split("/")[1],) if source.startswith("arch/") else archs
    return any(built(step.before, source, arch) != built(step.after, source, arch) for arch in there)


def _by_makefile(tree: Snapshot, path: str) -> str:
    """The makefile beside or above a file that names it, or may compute its name; "" if there is none."""
    directory, _, name = path.rpartition("/")
    stem = name.rpartition(".")[0]
    word = re.compile(rb"(?<![\w-])%b(?![\w-])" % re.escape(stem).encode())
    parts = directory.split("/") if directory else []
    for depth in range(len(parts), -1, -1):
        for base in ("Makefile", "Kbuild"):
            other = "/".join((*parts[:depth], base))
            data = tree.read(other)
            if data is not None and (word.search(data) or (depth == len(parts) and _COMPUTES.search(data))):
                return other
    return ""


def name_word(subject: Subject) -> tuple[str, ...]:
    """A word of the file's name, which whoever includes it must hold."""
    word = stem_word(subject.name)
    return (word,) if word else ()


@rule(
    "never-built",
    severity=Severity.NOTE,
    confidence=Confidence.MEDIUM,
    since="0.1",
    subjects=new_sources,
    words=name_word,
    summary=counted("new source files"),
)
def check(tree: Snapshot, subject: Subject) -> Iterator[Verdict]:
    """One verdict a file."""
    path = subject.name
    directory, _, name = path.rpartition("/")
    if tree.read(path) is None:
        return
    place = line_place(tree, path, 1)
    beside = makefile(tree, directory)
    if beside is None:
        return
    if by := _by_makefile(tree, path):
        yield (
            _condition(tree, path, by, subject.detail[1:])
            if subject.detail
            else Held(place, f"{by} names it")
        )
        return
    if subject.detail:
        return  # its makefile's line comes with a later patch
    word = stem_word(path)
    others = tree.grep(word) if word else ()
    if not word or len(others) > _MOST:
        yield Undecided(place, "what may include it is not known")
        return
    stem = re.compile(rb"(?<![\w-])%b(?![\w-])" % re.escape(name.rpartition(".")[0]).encode())
    for other in others:
        base = other.rpartition("/")[2]
        reads = other.endswith((".c", ".h", ".S", ".inc", ".rs")) and b"include" in (tree.read(other) or b"")
        if other == path or not (reads or base.startswith(("Makefile", "Kbuild", "Platform"))):
            continue
        data = tree.read(other) or b""
        if any(name.encode() in line or (not reads and stem.search(line)) for line in data.split(b"\n")):
            yield Held(place, f"{other} names it")
            return
    yield Finding(
        rule="never-built",
        severity=Severity.NOTE,
        confidence=Confidence.MEDIUM,
        place=place,
        subject=name,
        message=f"{name} is never built: neither {beside} names it, nor is it included by another file",
    )


def _condition(tree: Snapshot, path: str, by: str, first: tuple[str, ...]) -> Verdict:
    """Whether some configuration of some architecture builds a file that a makefile names."""
    place = line_place(tree, path, 1)
    parts = path.split("/")
    there = (parts[1],) if parts[0] == "arch" else archs(tree)
    under: dict[Expression, list[str]] = {}
    for arch in there:
        each = built(tree, path, arch)
        under.setdefault(some((each.inside, each.module)), []).append(arch)
    conditions = tuple(under)
    if all(_one_need(tree, each) for each in conditions):
        return Held(place, f"{by} names it")
    asked = {text: some_archs for each, some_archs in under.items() if (text := kconfig(each)) is not None}
    if len(asked) < len(conditions) or all(never(each) for each in conditions):
        return Undecided(place, f"when {by} builds it is not decided by Kconfig alone")
    ask = tuple(each for each in first if each in there)
    can: dict[str, str] = {}
    # A makefile may name it on some architectures alone.
    for text, some_archs in sorted(asked.items(), key=lambda each: len(each[1])):
        if text != "n" and not any(can.values()):
            can |= possible_on(tree, (text,), ask, tuple(some_archs))
    if any(can.values()):
        return (
            Held(place, f"{by} names it")
            if "?" not in can.values()
            else Undecided(place, "not every model can be had")
        )
    names = sorted(frozenset[str]().union(*map(options, conditions)))
    each_can = possible_on(tree, tuple(names), ask)
    if lost := [name for name in names if each_can[name] in ("", "?")]:
        return Undecided(place, f"{lost[0]} can never be set")
    if other := _elsewhere(tree, path):
        return Undecided(place, f"{other} may build it too")
    when = " or ".join(dict.fromkeys(said(each) for each in conditions if not never(each)))
    return Finding(
        rule="never-built",
        severity=Severity.WARNING,
        confidence=Confidence.HIGH,
        place=place,
        subject=parts[-1],
        message=f"{parts[-1]} is never built: no configuration of any architecture has {when[:_LONGEST]}",
        related=(Related(line_place(tree, by, 1), f"{by} names it"),),
        witness=Witness(
            WitnessKind.SITE,
            (
                f"each of {', '.join(names)} can be set, all together cannot: proved for {len(there)} architectures",
            ),
        ),
        profile=PROFILES[tree.lineage.toolchain].text,
    )


def _elsewhere(tree: Snapshot, path: str) -> str:
    """A makefile that is not above a file, and names its object by a path: ``obj-y += ../car/car.o``."""
    word = stem_word(path)
    wanted = f"/{path.rpartition('/')[2].rpartition('.')[0]}.o".encode()
    for other in tree.grep(word) if word else ():
        directory, _, base = other.rpartition("/")
        above = not directory or f"{path.rpartition('/')[0]}/".startswith(f"{directory}/")
        if base.startswith(("Makefile", "Kbuild")) and not above and wanted in (tree.read(other) or b""):
            return other
    return "" if word else "another makefile"


def _one_need(tree: Snapshot, condition: Expression) -> bool:
    """Whether one symbol of a condition needs all others by the mere text of its entry: then it can be met."""
    if condition == NEVER:
        return False
    names = options(condition)
    if opaque(condition) or "!" in (kconfig(condition) or ""):
        return False
    return not names or any(names <= needed(tree, name, "m").keys() for name in names)


_CAR = "int car;\n"
_BASE = {"drivers/car/Makefile": "obj-y += bus.o\n", "drivers/car/bus.c": "int bus;\n"}
_KBUILT = {
    "Kconfig": (
        'source "arch/$(SRCARCH)/Kconfig"\nconfig ROADS\n\tbool "roads"\n\nconfig TOLL\n\tbool "toll"\n'
        "\tdepends on !ROADS\n"
    ),
    "arch/x86/Kconfig": "config X86\n\tdef_bool y\n",
    "Makefile": "obj-y += drivers/\n",
    "drivers/Makefile": "obj-$(CONFIG_ROADS) += car/\n",
    "drivers/car/Makefile": "obj-y += bus.o\n",
    "drivers/car/bus.c": "int bus;\n",
}

EXAMPLES = (
    bad("no makefile names it", _BASE, {"drivers/car/car.c": _CAR}, finds=("1 drivers/car/car.c:1",)),
    bad(
        "almost: the makefile has another name",
        _BASE,
        {"drivers/car/car.c": _CAR, "drivers/car/Makefile": "obj-y += bus.o car-core.o\n"},
        finds=("1 drivers/car/car.c:1",),
    ),
    bad(
        "its directory is left out where its own line takes it",
        _KBUILT,
        {"drivers/car/Makefile": "obj-$(CONFIG_TOLL) += car.o\n", "drivers/car/car.c": _CAR},
        finds=("1 drivers/car/car.c:1",),
    ),
    bad(
        "an old object comes under another condition",
        {**_KBUILT, "drivers/car/Makefile": "obj-y += car.o\n", "drivers/car/car.c": _CAR},
        {"drivers/car/Makefile": "ifdef CONFIG_TOLL\nobj-y += car.o\nendif\n"},
        finds=("1 drivers/car/car.c:1",),
    ),
    good(
        "almost: another architecture has both",
        {**_KBUILT, "arch/riscv/Kconfig": "config RISCV\n\tdef_bool y\n\tselect TOLL\n\tselect ROADS\n"},
        {"drivers/car/Makefile": "obj-$(CONFIG_TOLL) += car.o\n", "drivers/car/car.c": _CAR},
    ),
    good(
        "a directory beside builds it as well",
        {
            **_KBUILT,
            "Makefile": "obj-y += drivers/ bikes/\n",
            "bikes/Makefile": "obj-$(CONFIG_TOLL) += ../drivers/car/car.o\n",
        },
        {"drivers/car/Makefile": "obj-$(CONFIG_TOLL) += car.o\n", "drivers/car/car.c": _CAR},
    ),
    good(
        "a symbol that is not there yet",
        _KBUILT,
        {"drivers/car/Makefile": "obj-$(CONFIG_LATER) += car.o\n", "drivers/car/car.c": _CAR},
    ),
    good(
        "never built so before",
        {**_KBUILT, "drivers/car/Makefile": "obj-$(CONFIG_TOLL) += car.o\n", "drivers/car/car.c": _CAR},
        {"drivers/car/Makefile": "obj-$(CONFIG_TOLL) +=  car.o\n"},
    ),
    good(
        "the makefile names it",
        _BASE,
        {"drivers/car/car.c": _CAR, "drivers/car/Makefile": "obj-$(CONFIG_CAR) += bus.o car.o\n"},
    ),
    good(
        "a later patch adds it to the makefile",
        _BASE,
        {"drivers/car/car.c": _CAR},
        {"drivers/car/Makefile": "obj-y += bus.o car.o\n"},
    ),
    good(
        "a makefile above names it",
        {**_BASE, "drivers/Makefile": "obj-y += car/car.o\n"},
        {"drivers/car/car.c": _CAR},
    ),
    good(
        "another file includes it",
        _BASE,
        {"drivers/car/car.c": _CAR, "drivers/car/bus.c": '#include "car.c"\n'},
    ),
    good(
        "the makefile computes its objects",
        {"drivers/car/Makefile": "obj-y += $(patsubst %.c,%.o,$(wildcard *.c))\n"},
        {"drivers/car/car.c": _CAR},
    ),
    good(
        "it was there before",
        {**_BASE, "drivers/car/car.c": _CAR},
        {"drivers/car/car.c": _CAR + _CAR.replace("car", "truck")},
    ),
)
