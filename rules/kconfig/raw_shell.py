"""Kconfig should ask the toolchain through the macros of scripts/Kconfig.include, not through a raw shell command.

Why: what ``$(shell,...)`` prints depends on the machine that configures. The macros ($(success,...),
$(cc-option,...), $(as-instr,...)) give y or n, and tests that fail, fail on all machines alike. Here nothing can
say what such a command prints: it was taken to print nothing, and what hangs on it was judged so.

Severity: a note, since a few questions can be asked in no other way.

Not found: commands that the toolchain model knows; commands behind macros.
"""

from __future__ import annotations

from collections.abc import Iterator

from checkseries.facts.kconfig import model
from checkseries.facts.kconfig.lexical import concerns, defined
from checkseries.facts.places import line_place
from checkseries.judge.history import History
from checkseries.judge.rule import Subject, bad, counted, good, no_words, rule
from checkseries.model import Confidence, Finding, Severity, Verdict, Witness, WitnessKind
from checkseries.tree import Snapshot

_RAW = "$(shell,"
_LONGEST = 120  # characters of the command that are shown


def added_commands(history: History, arch: str) -> Iterator[Subject]:
    """The Kconfig files to which the series adds a line with a raw command."""
    for step in history.steps:
        for path in step.touched:
            if not concerns(step.after, path, arch):
                continue
            lines = (step.after.text(path) or "").split("\n")
            fresh = step.added.get(path, frozenset())
            if any(_RAW in lines[line - 1] for line in fresh if line <= len(lines)):
                yield Subject(path, arch)


@rule(
    "raw-shell",
    severity=Severity.NOTE,
    confidence=Confidence.MEDIUM,
    since="0.1",
    subjects=added_commands,
    words=no_words,
    summary=counted("commands"),
    per_arch=True,
)
def check(tree: Snapshot, subject: Subject) -> Iterator[Verdict]:
    """One verdict a raw command of the file whose answer nothing here knows."""
    path = subject.name
    lines = (tree.text(path) or "").split("\n")
    for statement in model(tree, subject.arch).unmodelled:
        if statement.path != path or not 0 < statement.line <= len(lines):
            continue
        if _RAW not in lines[statement.line - 1]:
            continue
        above = [each.name for each in defined(tree, path) if each.line <= statement.line]
        command = " ".join(statement.command.split())
        shown = command if len(command) <= _LONGEST else f"{command[:_LONGEST]}..."
        yield Finding(
            rule="raw-shell",
            severity=Severity.NOTE,
            confidence=Confidence.MEDIUM,
            place=line_place(tree, path, statement.line, above[-1] if above else ""),
            subject=command[:_LONGEST],
            message="a raw shell command decides what can be configured; scripts/Kconfig.include has macros for it",
            archs=(subject.arch,),
            witness=Witness(
                WitnessKind.SITE, (f"nothing is known of what this prints: {shown}",), subject.arch
            ),
        )


_TOP = 'source "arch/$(SRCARCH)/Kconfig"\n'
_ARCH = "config X86\n\tdef_bool y\n"
_BASE = {"Kconfig": _TOP, "arch/x86/Kconfig": _ARCH}
_NEW = '\nconfig TOOL\n\tstring\n\tdefault "$(shell,frobnicate --version)"\n'

EXAMPLES = (
    bad("a new command", _BASE, {"arch/x86/Kconfig": _ARCH + _NEW}, finds=("1 arch/x86/Kconfig:6",)),
    bad(
        "in a variable",
        _BASE,
        {"Kconfig": "tool := $(shell,frobnicate --version)\n" + _TOP},
        finds=("1 Kconfig:1",),
    ),
    good(
        "a command whose answer is known",
        _BASE,
        {
            "arch/x86/Kconfig": _ARCH
            + '\nconfig GCC\n\tstring\n\tdefault "$(shell,expr 8 / 2)"\n\thelp\n\t  $(shell,x)\n'
        },
    ),
    good("a comment", _BASE, {"arch/x86/Kconfig": _ARCH + "# $(shell,frobnicate)\n"}),
    good(
        "it was there before",
        {**_BASE, "arch/x86/Kconfig": _ARCH + _NEW},
        {"arch/x86/Kconfig": "# The architecture.\n" + _ARCH + _NEW + "\thelp\n\t  The tool.\n"},
    ),
)
