"""A defconfig should not set a symbol that no Kconfig file defines any more.

Why: conf ignores the line without a word. Where a symbol was renamed, the machines of that defconfig lose what it
stood for; where it went for good, the line is dead.

Severity: a note; the kernel cleans its defconfigs up in rounds of their own.

Not found: symbols that are left defined for another architecture; uses in code and in Kconfig, which
undefined-symbol finds; fragments outside of arch/ and kernel/configs/.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from checkseries.facts.kconfig.lexical import defined, definitions, paths, spelt
from checkseries.facts.places import line_place
from checkseries.judge.history import History
from checkseries.judge.rule import Subject, bad, counted, good, rule
from checkseries.model import Confidence, Finding, Held, Severity, Undecided, Verdict
from checkseries.tree import Snapshot

_DEFCONFIG = re.compile(r"(?:arch/[^/]+|kernel)/configs/")


def removed_symbols(history: History, _arch: str) -> Iterator[Subject]:
    """The names whose definition the series takes out of a file, and that some snapshot does not define."""
    seen: set[str] = set()
    for step in history.steps:
        before, after = paths(step.before), paths(step.after)
        for path in step.touched:
            if path not in before:
                continue
            left = {each.name for each in defined(step.after, path)} if path in after else set()
            for each in defined(step.before, path):
                if each.name and each.name not in left | seen and each.name not in definitions(step.after):
                    seen.add(each.name)
                    yield Subject(each.name)


def written(subject: Subject) -> tuple[str, ...]:
    """As a defconfig writes it."""
    return (f"CONFIG_{subject.name}",)


@rule(
    "renamed-symbol-left-behind",
    severity=Severity.NOTE,
    confidence=Confidence.HIGH,
    since="0.1",
    subjects=removed_symbols,
    words=written,
    summary=counted("lines"),
)
def check(tree: Snapshot, subject: Subject) -> Iterator[Verdict]:
    """One verdict a line of a defconfig that sets the symbol."""
    name = subject.name
    setting = re.compile(rf"CONFIG_{re.escape(name)}=")
    for path in tree.grep(f"CONFIG_{name}"):
        if not _DEFCONFIG.match(path):
            continue
        for number, text in enumerate((tree.text(path) or "").split("\n"), 1):
            if not setting.match(text):
                continue
            place = line_place(tree, path, number)
            if name in definitions(tree):
                yield Held(place, f"{name} is defined")
            elif spelt(tree):
                yield Undecided(place, "a macro spells the name of some symbol")
            else:
                yield Finding(
                    rule="renamed-symbol-left-behind",
                    severity=Severity.NOTE,
                    confidence=Confidence.HIGH,
                    place=place,
                    subject=name,
                    message=f"no Kconfig file defines {name} any more: the line sets nothing",
                )


_KCONFIG = 'config OLD\n\tbool "old"\n\nconfig SMP\n\tbool "SMP"\n'
_NEW = {"Kconfig": _KCONFIG.replace("OLD", "NEW")}
_DEF = "CONFIG_SMP=y\nCONFIG_OLD=y\n"
_BASE = {"Kconfig": _KCONFIG, "arch/x86/configs/x86_64_defconfig": _DEF}

EXAMPLES = (
    bad("a symbol is renamed", _BASE, _NEW, finds=("1 arch/x86/configs/x86_64_defconfig:2",)),
    bad(
        "a fragment for all architectures",
        {"Kconfig": _KCONFIG, "kernel/configs/tiny.config": "CONFIG_OLD=m\n"},
        {"Kconfig": _KCONFIG[_KCONFIG.index("config SMP") :]},
        finds=("1 kernel/configs/tiny.config:1",),
    ),
    good(
        "the line goes with it",
        _BASE,
        {**_NEW, "arch/x86/configs/x86_64_defconfig": _DEF.replace("OLD", "NEW")},
    ),
    good(
        "the line only says that it is not set",
        {**_BASE, "arch/x86/configs/x86_64_defconfig": "# CONFIG_OLD is not set\n"},
        _NEW,
    ),
    good(
        "the definition moves to another file",
        _BASE,
        {"Kconfig": _KCONFIG[_KCONFIG.index("config SMP") :], "lib/Kconfig": 'config OLD\n\tbool "old"\n'},
    ),
    good(
        "the line was dead before",
        {**_BASE, "arch/x86/configs/x86_64_defconfig": "CONFIG_GONE=y\n"},
        _NEW,
    ),
)
