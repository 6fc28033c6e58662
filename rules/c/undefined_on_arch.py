"""A name must be declared on every architecture for which the file that uses it can be built.

Why: what arch/x86/include declares is not there on arm64. Code that is built everywhere needs a declaration
everywhere, a dependency in Kconfig, or an #ifdef.

Not found: members of structs; names on lines below an #if that is not of CONFIG_ symbols alone; files that their
makefiles do not list in plain words, or that other files include; architectures that are not judged (--arch).
"""

from __future__ import annotations

from collections.abc import Iterator

from checkseries.facts.c_decl import arch_of
from checkseries.facts.shortfall import Shortfall, kind, shortfall
from checkseries.judge.mentioned import newly_mentioned
from checkseries.judge.rule import Subject, bad, counted, good, no_words, rule
from checkseries.judge.witness import config
from checkseries.model import Confidence, Finding, Severity, Verdict
from checkseries.tree import Snapshot


@rule(
    "undefined-on-arch",
    severity=Severity.ERROR,
    confidence=Confidence.HIGH,
    since="0.1",
    subjects=newly_mentioned,
    words=no_words,
    summary=counted("names that an architecture may lack"),
    per_arch=True,
)
def check(tree: Snapshot, subject: Subject) -> Iterator[Verdict]:
    """One verdict a name that the file reaches on other architectures alone."""
    (path,) = subject.detail
    short = shortfall(tree, path, subject.name, subject.arch)
    if short is None or short.doubt or kind(tree, subject.name, short) != "arch":
        return  # a doubt is missing-include's to say
    yield Finding(
        rule="undefined-on-arch",
        severity=Severity.ERROR,
        confidence=Confidence.HIGH,
        place=short.place,
        subject=subject.name,
        message=_message(subject.name, short),
        archs=(short.arch,),
        witness=config(short.witness, short.arch),
        profile=short.profile,
    )


def _message(name: str, short: Shortfall) -> str:
    what = short.used(name)
    there = sorted({arch for each in short.by if (arch := arch_of(each))})
    return f"{what}, but is declared on {', '.join(there)} alone"


_KCONFIG = 'source "arch/$(SRCARCH)/Kconfig"\nconfig PARK\n\tbool "park"\n'
_PLAIN = "#include <asm/park.h>\nint go(int cpu)\n{\n\treturn park(cpu);\n}\n"
_USE = _PLAIN.replace("park(cpu)", "park_idle(cpu)")
_BASE = {
    "Kconfig": _KCONFIG,
    "Makefile": "drivers-y += d/\n",
    "arch/x86/Kconfig": "config X86\n\tdef_bool y\n",
    "arch/arm64/Kconfig": "config ARM64\n\tdef_bool y\n",
    "arch/x86/include/asm/park.h": "int park(int cpu);\nint park_idle(int cpu);\n",
    "arch/arm64/include/asm/park.h": "int park(int cpu);\n",
    "d/Makefile": "obj-$(CONFIG_PARK) += park.o\n",
    "d/park.c": _PLAIN,
}

EXAMPLES = (
    bad("a function of one architecture in code for all", _BASE, {"d/park.c": _USE}, finds=("1 d/park.c:4",)),
    bad(
        "a patch takes the declaration from one of them",
        {**_BASE, "arch/arm64/include/asm/park.h": "int park(int cpu);\nint park_idle(int cpu);\n"},
        {"d/park.c": _USE, "arch/arm64/include/asm/park.h": "int park(int cpu);\n"},
        finds=("1 d/park.c:4",),
    ),
    good(
        "the driver is for that architecture",
        {**_BASE, "Kconfig": _KCONFIG + "\tdepends on X86\n"},
        {"d/park.c": _USE},
    ),
    good(
        "almost: the header of the other comes from asm-generic",
        {
            **_BASE,
            "arch/arm64/include/asm/park.h": "#include <asm-generic/park.h>\n",
            "include/asm-generic/park.h": "int park(int cpu);\nint park_idle(int cpu);\n",
        },
        {"d/park.c": _USE},
    ),
    good(
        "below an #ifdef of the architecture",
        _BASE,
        {"d/park.c": _USE.replace("\treturn", "#ifdef CONFIG_X86\n\treturn").replace(";\n}", ";\n#endif\n}")},
    ),
    good("undeclared there before, and still", {**_BASE, "d/park.c": _USE}, {"d/park.c": "\n" + _USE}),
)
