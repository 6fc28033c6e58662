"""Kconfig must still be readable on every architecture, after every patch.

Why: one syntax error, one file that is sourced but not there, one dependency loop, and no configuration of that
architecture can be made any more, by anybody.

Not found: what conf only warns of; architectures that are not judged for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from checkseries.facts.kconfig import KconfigError, attempt
from checkseries.facts.kconfig.lexical import concerns, defined
from checkseries.facts.places import line_place
from checkseries.judge.history import History
from checkseries.judge.rule import Subject, bad, good, no_words, rule
from checkseries.model import Confidence, Finding, Held, Severity, Verdict, Witness, WitnessKind
from checkseries.tree import Snapshot


def touched_kconfig(history: History, arch: str) -> Iterator[Subject]:
    """The architecture, if the series touches, adds or removes any Kconfig file that it may read."""
    for step in history.steps:
        for path in step.touched:
            if concerns(step.before, path, arch) or concerns(step.after, path, arch):
                yield Subject(arch, arch)
                return


def summary(holds: int, broken: int, _unknown: int) -> str:
    """``Kconfig can be read on 4 architectures``."""
    if broken:
        return f"Kconfig cannot be read on {broken} of {holds + broken} architectures"
    return f"Kconfig can be read on {holds} architecture{'s' if holds != 1 else ''}"


@rule(
    "kconfig-error",
    severity=Severity.ERROR,
    confidence=Confidence.HIGH,
    since="0.1",
    subjects=touched_kconfig,
    words=no_words,
    summary=summary,
    per_arch=True,
)
def check(tree: Snapshot, subject: Subject) -> Iterator[Verdict]:
    """One verdict: the model, or the error that stands in its place."""
    outcome = attempt(tree, subject.arch)
    if not isinstance(outcome, KconfigError):
        yield Held(None, f"Kconfig of {subject.arch}")
        return
    yield Finding(
        rule="kconfig-error",
        severity=Severity.ERROR,
        confidence=Confidence.HIGH,
        place=line_place(tree, outcome.path, outcome.line, _entry(tree, outcome)),
        subject=f"Kconfig: {_kind(outcome.message)}",
        message=f"Kconfig cannot be read: {outcome.message}",
        archs=(subject.arch,),
        witness=Witness(WitnessKind.SITE, (str(outcome),), subject.arch),
    )


def _entry(tree: Snapshot, error: KconfigError) -> str:
    """The symbol that is defined last before an error; none at the end of a file, where blocks are missed."""
    lines = (tree.text(error.path) or "").rstrip("\n").count("\n") + 1
    above = [each.name for each in defined(tree, error.path) if each.line <= error.line]
    return above[-1] if above and error.line < lines else ""


def _kind(message: str) -> str:
    """An error message without the paths and numbers in it: what tells one kind of error from another."""
    return " ".join(re.sub(r"[\w.$()-]*/[\w./$()-]*|\b[0-9]+\b", "", message).split())


_TOP = 'source "arch/$(SRCARCH)/Kconfig"\n'
_ARCH = 'config X86\n\tdef_bool y\n\nconfig SMP\n\tbool "SMP"\n'
_BASE = {"Kconfig": _TOP, "arch/x86/Kconfig": _ARCH, "arch/riscv/Kconfig": "config RISCV\n\tdef_bool y\n"}
_CRYPTO = {
    "Kconfig": _TOP + 'source "arch/x86/crypto/Kconfig"\n',
    "arch/riscv/Kconfig": "config RISCV\n\tdef_bool y\n",
    "arch/x86/crypto/Kconfig": "config AES\n\tbool\n",
}

EXAMPLES = (
    bad(
        "an expression that does not end",
        _BASE,
        {"arch/x86/Kconfig": _ARCH + "\tdepends on X86 &&\n"},
        finds=("1 arch/x86/Kconfig:6",),
    ),
    bad(
        "a file that is not there",
        _BASE,
        {"Kconfig": _TOP + 'source "lib/Kconfig"\n'},
        finds=("1 Kconfig:2",),
    ),
    bad(
        "an if that does not end",
        _BASE,
        {"arch/x86/Kconfig": "if SMP\n" + _ARCH},
        finds=("1 arch/x86/Kconfig:6",),
    ),
    bad(
        "broken by one patch, mended by the next",
        _BASE,
        {"Kconfig": _TOP + 'source "lib/Kconfig"\n'},
        {"lib/Kconfig": "config LIB\n\tbool\n"},
        finds=("1 Kconfig:2",),
    ),
    bad(
        "one error is mended, another one made",
        {**_BASE, "arch/x86/Kconfig": _ARCH + "\tdepends on X86 &&\n"},
        {"arch/x86/Kconfig": _ARCH + "\tdepends on X86\n\tfoo\n"},
        finds=("1 arch/x86/Kconfig:7",),
    ),
    bad(
        "the same error in another entry",
        _BASE,
        {"arch/x86/Kconfig": _ARCH + "\tdepends on X86 &&\n\nconfig SMT\n\tbool\n"},
        {"arch/x86/Kconfig": _ARCH + "\nconfig SMT\n\tbool\n\tdepends on (\n\nconfig MT\n\tbool\n"},
        finds=("1 arch/x86/Kconfig:6", "2 arch/x86/Kconfig:9"),
    ),
    bad(
        "a file of another architecture that all of them read",
        _CRYPTO,
        {"arch/x86/crypto/Kconfig": "config AES\n\tbool\n\tdepends on (\n"},
        finds=("1 arch/x86/crypto/Kconfig:3",),
    ),
    bad(
        "two symbols that depend on each other",
        _BASE,
        {"arch/x86/Kconfig": _ARCH + '\tdepends on SMT\n\nconfig SMT\n\tbool "SMT"\n\tdepends on SMP\n'},
        finds=("1 arch/x86/Kconfig:4",),
    ),
    bad(
        "a default closes a loop over three symbols",
        _BASE,
        {
            "arch/x86/Kconfig": _ARCH
            + "\tdepends on SMT\n\nconfig SMT\n\tbool\n\tdefault y if MT\n\nconfig MT\n\tbool\n\tdepends on SMP\n"
        },
        finds=("1 arch/x86/Kconfig:4",),
    ),
    good(
        "almost a loop: a symbol selects what depends on it",
        _BASE,
        {"arch/x86/Kconfig": _ARCH + "\tselect SMT\n\nconfig SMT\n\tbool\n\tdepends on SMP\n"},
    ),
    good("a new symbol", _BASE, {"arch/x86/Kconfig": _ARCH + "\nconfig SMT\n\tbool\n\tdepends on SMP\n"}),
    good(
        "a file that comes with the patch that sources it",
        _BASE,
        {"Kconfig": _TOP + 'source "lib/Kconfig"\n', "lib/Kconfig": "config LIB\n\tbool\n"},
    ),
    good(
        "it could not be read before",
        {**_BASE, "arch/x86/Kconfig": "if SMP\n" + _ARCH},
        {"arch/x86/Kconfig": "if SMP\n" + _ARCH + "\tdefault y\n"},
    ),
)
