"""A name must be declared in every configuration in which it is used.

Why: where a header declares something below an #ifdef only, the file that uses it fails to build as soon as the
option is off. The author's has the option on, as have most defconfigs.

Not found: members of structs; names on lines below an #if that is not of CONFIG_ symbols alone; files that their
makefiles do not list in plain words, or that other files include; what a header's own inline functions lack.
"""

from __future__ import annotations

from collections.abc import Iterator

from checkseries.facts.places import line_place
from checkseries.facts.presence import NEVER, said
from checkseries.facts.shortfall import Shortfall, kind, shortfall
from checkseries.facts.visible import first_line
from checkseries.judge.mentioned import newly_mentioned
from checkseries.judge.rule import Subject, bad, counted, good, no_words, rule
from checkseries.judge.witness import config
from checkseries.model import Confidence, Finding, Related, Severity, Undecided, Verdict
from checkseries.tree import Snapshot


@rule(
    "undefined-in-config",
    severity=Severity.ERROR,
    confidence=Confidence.HIGH,
    since="0.1",
    subjects=newly_mentioned,
    words=no_words,
    summary=counted("names that are declared under options"),
    per_arch=True,
)
def check(tree: Snapshot, subject: Subject) -> Iterator[Verdict]:
    """One verdict a name whose declarations do not cover its uses."""
    (path,) = subject.detail
    short = shortfall(tree, path, subject.name, subject.arch)
    if short is None or (not short.doubt and kind(tree, subject.name, short) != "config"):
        return
    if short.doubt:
        if short.under != NEVER:
            yield Undecided(short.place, short.doubt)
        return
    yield Finding(
        rule="undefined-in-config",
        severity=Severity.ERROR,
        confidence=Confidence.HIGH,
        place=short.place,
        subject=subject.name,
        message=_message(subject.name, short),
        archs=(short.arch,),
        related=tuple(
            Related(line_place(tree, each, first_line(tree, each, subject.name)), "declared here")
            for each in short.by[:2]
        ),
        witness=config(short.witness, short.arch),
        profile=short.profile,
    )


def _message(name: str, short: Shortfall) -> str:
    what = short.used(name)
    return f"{what}, but is declared only if {said(short.under)}"


_KCONFIG = 'source "arch/$(SRCARCH)/Kconfig"\nconfig SMP\n\tbool "smp"\nconfig PARK\n\tbool "park"\n'
_CPU = "int cpu_of(int cpu);\n#ifdef CONFIG_SMP\nint park_cpu(int cpu);\n#endif\n"
_PLAIN = "#include <linux/cpu.h>\nint go(int cpu)\n{\n\treturn cpu_of(cpu);\n}\n"
_USE = _PLAIN.replace("cpu_of(cpu)", "park_cpu(cpu)")
_BASE = {
    "Kconfig": _KCONFIG,
    "Makefile": "drivers-y += d/\n",
    "arch/x86/Kconfig": "config X86\n\tdef_bool y\n",
    "d/Makefile": "obj-$(CONFIG_PARK) += park.o\n",
    "d/park.c": _PLAIN,
    "include/linux/cpu.h": _CPU,
}
_STUB = _CPU.replace("#endif", "#else\nstatic inline int park_cpu(int cpu)\n{\n\treturn cpu;\n}\n#endif")

EXAMPLES = (
    bad("a function that the header declares for SMP", _BASE, {"d/park.c": _USE}, finds=("1 d/park.c:4",)),
    bad(
        "the #ifdef around the use goes",
        {
            **_BASE,
            "d/park.c": _USE.replace("\treturn", "#ifdef CONFIG_SMP\n\treturn").replace(
                ";\n}", ";\n#endif\n}"
            ),
        },
        {"d/park.c": _USE},
        finds=("1 d/park.c:4",),
    ),
    good("almost: there is a stub", {**_BASE, "include/linux/cpu.h": _STUB}, {"d/park.c": _USE}),
    good(
        "the use stands below the #ifdef, too",
        _BASE,
        {"d/park.c": _USE.replace("\treturn", "#ifdef CONFIG_SMP\n\treturn").replace(";\n}", ";\n#endif\n}")},
    ),
    good(
        "the driver needs the option",
        {**_BASE, "Kconfig": _KCONFIG + "\tdepends on SMP\n"},
        {"d/park.c": _USE},
    ),
    good(
        "the patch brings a declaration for the others",
        _BASE,
        {"d/park.c": "#include <linux/cpu.h>\n#ifndef CONFIG_SMP\nint park_cpu(int cpu);\n#endif\n" + _USE},
    ),
    good(
        "an #if that no option decides",
        _BASE,
        {"d/park.c": _USE.replace("\treturn", "#ifdef PARKS\n\treturn").replace(";\n}", ";\n#endif\n}")},
    ),
    good("undeclared before, and still", {**_BASE, "d/park.c": _USE}, {"d/park.c": "\n" + _USE}),
)
