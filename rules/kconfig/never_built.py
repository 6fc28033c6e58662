"""A new source file must be built by some makefile, or be included by what is.

Why: code that nothing builds is never compiled, by nobody, and no build says so: a line for the makefile was
forgotten, or the file has another name there.

Severity: a note: the makefile's line may come with a later series.

Not found: objects that a makefile names under a condition that never holds; files whose name a makefile computes
are taken for built.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from checkseries.facts.c_decl import HOST_PROGRAMS
from checkseries.facts.include import stem_word
from checkseries.facts.kbuild import makefile
from checkseries.facts.places import line_place
from checkseries.judge.history import History
from checkseries.judge.rule import Subject, bad, counted, good, rule
from checkseries.model import Confidence, Finding, Held, Severity, Undecided, Verdict
from checkseries.tree import Snapshot

_SOURCES = (".c", ".S")
_COMPUTES = re.compile(rb"\$[({](?:wildcard|patsubst|foreach|shell|addprefix|addsuffix|eval|call)\b|%\.o")
_MOST = 400  # files that hold a word of its name


def new_sources(history: History, _arch: str) -> Iterator[Subject]:
    """The sources that the series adds and that nothing names in the end either.

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
        yield Held(place, f"{by} names it")
        return
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


_CAR = "int car;\n"
_BASE = {"drivers/car/Makefile": "obj-y += bus.o\n", "drivers/car/bus.c": "int bus;\n"}

EXAMPLES = (
    bad("no makefile names it", _BASE, {"drivers/car/car.c": _CAR}, finds=("1 drivers/car/car.c:1",)),
    bad(
        "almost: the makefile has another name",
        _BASE,
        {"drivers/car/car.c": _CAR, "drivers/car/Makefile": "obj-y += bus.o car-core.o\n"},
        finds=("1 drivers/car/car.c:1",),
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
