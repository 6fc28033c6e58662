"""An object that other files share should be there only where something uses it.

Why: when the last unconditional user of an object goes below an #ifdef, the object stays in every kernel. Static ones
the compiler warns of; of those that headers declare nobody tells, and a reader takes them for live.

Severity: a note: it costs a few bytes and a reader's time.

Not found: functions; objects that are exported without a condition, or that linker scripts, makefiles or other
languages name; files that are not built in all configurations, those of an architecture apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from checkseries.facts.c_call import uses
from checkseries.facts.c_decl import HOST_PROGRAMS, arch_of, kernel_source
from checkseries.facts.c_object import CObject, objects_in, objects_named
from checkseries.facts.c_text import code, place
from checkseries.facts.kbuild_gate import gate
from checkseries.facts.presence import (
    ALWAYS,
    Expression,
    contrary,
    never,
    presence_of,
    said,
    some,
    widest,
)
from checkseries.facts.presence_case import case, known
from checkseries.judge.guards import newly_guarded
from checkseries.judge.history import History
from checkseries.judge.rule import Subject, bad, counted, good, rule
from checkseries.model import Confidence, Finding, Held, Place, Related, Severity, Undecided, Verdict
from checkseries.tree import Snapshot

_MOST = 20  # objects of a series
_WIDEST = 200  # files that name one
_TEXTS = (".rst", ".txt", ".md", ".yaml", ".json")


def newly_conditional(history: History, _arch: str) -> Iterator[Subject]:
    """The shared objects of touched files that a patch puts code of below a condition."""
    names: set[str] = set()
    for step, path in history.touched(".c", ".h", ".S"):
        names |= newly_guarded(step, path)
    if not names:
        return
    count = 0
    for path in sorted({path for _, path in history.touched(".c") if kernel_source(path)}):
        there = {each.name for each in objects_in(history.base, path)}
        for each in objects_in(history.last, path):
            if each.name in names and each.name in there and _shared(each) and count < _MOST:
                count += 1
                yield Subject(each.name, "", (path,))


def _shared(each: CObject) -> bool:
    """Whether it is a plain definition that other files can use, and that is always there."""
    return (
        not each.static
        and not each.extern
        and each.sure
        and each.condition == ALWAYS
        and not each.has("per-cpu", "__section", "__used", "__visible", "__weak")
    )


@rule(
    "dead-definition",
    severity=Severity.NOTE,
    confidence=Confidence.MEDIUM,
    since="0.1",
    subjects=newly_conditional,
    summary=counted("shared objects"),
)
def check(tree: Snapshot, subject: Subject) -> Iterator[Verdict]:
    """One verdict an object."""
    name, path = subject.name, subject.detail[0]
    declared = [each for each in objects_named(tree, path, name) if not each.extern]
    if len(declared) != 1 or not _shared(declared[0]):
        return
    where = declared[0].place
    paths = tree.grep(name)
    if len(paths) > _WIDEST:
        yield Undecided(where, f"{len(paths)} files name {name}")
        return
    found: list[tuple[Place, Expression]] = []
    for other in paths:
        arch = arch_of(other)
        if other.endswith(_TEXTS) or other.startswith(HOST_PROGRAMS):
            continue
        if arch is not None and arch_of(path) is not None and arch != arch_of(path):
            continue
        if kernel_source(other):
            found += _in_c(tree, other, name)
        elif other.endswith(".S") and not other.endswith(".lds.S"):
            found += _in_assembly(tree, other, name)
        else:
            yield Undecided(where, f"{other} names {name} too")
            return
    if not found:
        return
    using = widest(some(tuple(condition for _, condition in found)))
    dead = contrary(using)
    if never(dead) or (known(dead) and case(dead) is None):
        yield Held(where, f"{name} is used in every configuration")
        return
    if not known(dead):
        yield Undecided(where, f"too many options decide whether {name} is used")
        return
    if not path.startswith("arch/") and gate(tree, path) != ():
        yield Undecided(where, f"{path} is not built in every configuration")
        return
    yield Finding(
        rule="dead-definition",
        severity=Severity.NOTE,
        confidence=Confidence.MEDIUM,
        place=where,
        subject=name,
        message=f"{name} is always there, but nothing uses it if {said(dead)}",
        related=tuple(Related(spot, f"used if {said(condition)}") for spot, condition in found[:2]),
    )


def _in_c(tree: Snapshot, path: str, name: str) -> Iterator[tuple[Place, Expression]]:
    data = tree.read(path)
    if data is None:
        return
    source, presence = code(data), presence_of(data)
    for use in uses(data, name):
        if use.role != "declaration":
            where = place(source, path, use.at, use.function.name if use.function else "")
            yield where, presence.at(where.line)


def _in_assembly(tree: Snapshot, path: str, name: str) -> Iterator[tuple[Place, Expression]]:
    data = tree.read(path)
    if data is None:
        return
    source, presence = code(data), presence_of(data)
    for match in re.finditer(rf"(?<![\w$.]){re.escape(name)}(?![\w$])", source.text, re.ASCII):
        where = place(source, path, match.start())
        yield where, presence.at(where.line)


_HEADER = "struct boot { long status; };\nextern struct boot boot_data;\nextern struct boot boot_slots[8];\n"
_OBJECT = "struct boot boot_data;\n\n"
_NEW = "struct boot boot_data;\nstruct boot boot_slots[8];\n\n"
_UP = "int cpu_up(int cpu)\n{\n\tboot_data.status = cpu;\n\treturn boot(cpu);\n}\n"
_SLOT = _UP.replace("boot_data", "boot_slots[cpu]")
_ASM = "\tadr_l\tx0, boot_data\n\tldr\tx1, [x0]\n"
_BRANCHED = "#ifdef CONFIG_PARALLEL\n\tadr_l\tx0, boot_slots\n#else\n\tadr_l\tx0, boot_data\n#endif\n\tldr\tx1, [x0]\n"
_C, _S = "arch/arm64/kernel/smp.c", "arch/arm64/kernel/head.S"
_BASE = {"arch/arm64/include/asm/smp.h": _HEADER, _C: _OBJECT + _UP, _S: _ASM}
_AFTER = f"{_NEW}#ifdef CONFIG_PARALLEL\n{_SLOT}#else\n{_UP}#endif\n"

EXAMPLES = (
    bad("all uses go below #else", _BASE, {_C: _AFTER, _S: _BRANCHED}, finds=(f"1 {_C}:1",)),
    bad(
        "in two patches",
        _BASE,
        {_C: _AFTER},
        {_S: _BRANCHED},
        finds=(f"2 {_C}:1",),
    ),
    good(
        "it goes below the condition too",
        _BASE,
        {
            _C: _AFTER.replace(
                "struct boot boot_data;", "#ifndef CONFIG_PARALLEL\nstruct boot boot_data;\n#endif"
            ),
            _S: _BRANCHED,
        },
    ),
    good("assembly still uses it", _BASE, {_C: _AFTER}),
    good(
        "a header uses it in a macro",
        {**_BASE, "arch/arm64/include/asm/smp.h": _HEADER + "#define boot_status() (boot_data.status)\n"},
        {_C: _AFTER, _S: _BRANCHED},
    ),
    good(
        "a linker script names it",
        {**_BASE, "arch/arm64/kernel/vmlinux.lds.S": "boot_start = boot_data;\n"},
        {_C: _AFTER, _S: _BRANCHED},
    ),
    good("it was so before", {**_BASE, _C: _AFTER, _S: _BRANCHED}, {_C: _AFTER + "int x;\n"}),
    good(
        "it was so before, and more goes below the option",
        {**_BASE, _C: _AFTER, _S: _BRANCHED},
        {
            _C: _AFTER.replace(
                "\tboot_data.status = cpu;\n", "#ifdef CONFIG_PM\n\tboot_data.status = cpu;\n#endif\n"
            )
        },
    ),
)
