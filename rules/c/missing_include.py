"""A name that a C file uses must be declared in a header that the file reaches.

Why: a file builds on one architecture because some header there happens to include what it needs, and fails on
the next one. It must include what it uses; what no header that it reaches declares does not build at all.

Not found: members of structs; names on lines below an #if that is not of CONFIG_ symbols alone; files that their
makefiles do not list in plain words, or that other files include; what a header's own inline functions lack.
"""

from __future__ import annotations

from collections.abc import Iterator

from checkseries.facts.presence import NEVER, said
from checkseries.facts.shortfall import Shortfall, kind, shortfall
from checkseries.judge.mentioned import newly_mentioned
from checkseries.judge.rule import Subject, bad, counted, good, no_words, rule
from checkseries.judge.witness import config
from checkseries.model import Confidence, Finding, Severity, Undecided, Verdict
from checkseries.tree import Snapshot


@rule(
    "missing-include",
    severity=Severity.ERROR,
    confidence=Confidence.HIGH,
    since="0.1",
    subjects=newly_mentioned,
    words=no_words,
    summary=counted("names that may be out of reach"),
    per_arch=True,
)
def check(tree: Snapshot, subject: Subject) -> Iterator[Verdict]:
    """One verdict a name that a header of the tree declares, which the file does not reach."""
    (path,) = subject.detail
    short = shortfall(tree, path, subject.name, subject.arch)
    if short is None or (not short.doubt and kind(tree, subject.name, short) != "include"):
        return
    if short.doubt:
        if short.under == NEVER:
            yield Undecided(short.place, short.doubt)
        return
    yield Finding(
        rule="missing-include",
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
    if short.under == NEVER:
        return f"{what}, but no header that this file includes declares it: {short.by[0]} does"
    return f"{what}, but {short.by[0]} declares it, which is included only if {said(short.under)}"


_HEADER = "void *park_alloc(int cpu);\n#define PARKED 4\n"
_KCONFIG = 'source "arch/$(SRCARCH)/Kconfig"\nconfig PARK\n\tbool "park"\n'
_BASE = {
    "Kconfig": _KCONFIG,
    "Makefile": "drivers-y += d/\n",
    "arch/x86/Kconfig": "config X86\n\tdef_bool y\n",
    "d/Makefile": "obj-$(CONFIG_PARK) += park.o\n",
    "d/park.c": "#include <linux/cpu.h>\nint go(int cpu)\n{\n\treturn cpu_of(cpu);\n}\n",
    "include/linux/cpu.h": "int cpu_of(int cpu);\n",
    "include/linux/park.h": _HEADER,
}
_USE = "#include <linux/cpu.h>\nint go(int cpu)\n{\n\treturn park_alloc(cpu_of(cpu)) != (void *)PARKED;\n}\n"

EXAMPLES = (
    bad(
        "a function and a constant of a header that is not included",
        _BASE,
        {"d/park.c": _USE},
        finds=("1 d/park.c:4", "1 d/park.c:4"),
    ),
    bad(
        "the include goes, the use stays",
        {**_BASE, "d/park.c": "#include <linux/park.h>\n" + _USE},
        {"d/park.c": _USE},
        finds=("1 d/park.c:4", "1 d/park.c:4"),
    ),
    bad(
        "another header includes it for SMP only",
        {
            **_BASE,
            "Kconfig": _KCONFIG + 'config SMP\n\tbool "smp"\n',
            "include/linux/cpu.h": "int cpu_of(int cpu);\n#ifdef CONFIG_SMP\n#include <linux/park.h>\n#endif\n",
        },
        {"d/park.c": _USE},
        finds=("1 d/park.c:4", "1 d/park.c:4"),
    ),
    good("it is included", _BASE, {"d/park.c": "#include <linux/park.h>\n" + _USE}),
    good(
        "almost: it is included by what the file includes",
        _BASE,
        {"d/park.c": _USE, "include/linux/cpu.h": "#include <linux/park.h>\nint cpu_of(int cpu);\n"},
    ),
    good(
        "a local variable of the name",
        _BASE,
        {"d/park.c": "int go(int cpu)\n{\n\tint PARKED = cpu;\n\treturn PARKED;\n}\n"},
    ),
    good(
        "a macro makes another name of it",
        {**_BASE, "include/linux/cpu.h": "#define bit(x) x##_BIT\n#define HALTED_BIT 1\n"},
        {
            "d/park.c": "#include <linux/cpu.h>\nint go(int cpu)\n{\n\treturn bit(HALTED);\n}\n",
            "include/linux/park.h": _HEADER + "#define HALTED 5\n",
        },
    ),
    good(
        "nothing builds the file in plain words",
        {**_BASE, "d/Makefile": "x := park.o\n"},
        {"d/park.c": _USE},
    ),
    good(
        "a macro declares it",
        {
            **_BASE,
            "include/linux/cpu.h": "#define DECLARE_ALLOC(x) void *x##_alloc(int cpu)\n"
            "int cpu_of(int cpu);\nDECLARE_ALLOC(park);\n",
        },
        {"d/park.c": _USE.replace("PARKED", "4")},
    ),
    good("out of reach before, and still", {**_BASE, "d/park.c": _USE}, {"d/park.c": "\n" + _USE}),
)
