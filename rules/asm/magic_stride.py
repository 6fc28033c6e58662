"""A literal in assembly that is the size of a structure can come from asm-offsets.c instead.

Why: asm-offsets.c is there so that the compiler tells assembly how large things are. A literal is right until a
member is added, and then nothing fails to build.

Not found: tables that are walked element by element, and numbers in a row, whose size does not change; a literal
within a macro that takes the shift.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from checkseries.facts.asm import Sites, Stride
from checkseries.facts.asm_table import Table, steps, tables
from checkseries.judge.history import History
from checkseries.judge.rule import Subject, bad, counted, good, rule
from checkseries.judge.tables import touched_tables, words
from checkseries.model import Confidence, Finding, Held, Related, Severity, Verdict
from checkseries.tree import Snapshot

_CONSTANT = re.compile(r"(?<![\w\\])[A-Z_][A-Z0-9_]{2,}(?![\w(])")
_LITERAL = re.compile(r"\d")


def stepped(history: History, _arch: str) -> Iterator[Subject]:
    """The tables that changed functions step through, and those whose element changes."""
    return touched_tables(history, _scaled)


def _scaled(sites: Sites) -> bool:
    return any(each.bytes is not None and each.how == "scaled" for each in sites.strides)


@rule(
    "magic-stride",
    severity=Severity.NOTE,
    confidence=Confidence.MEDIUM,
    since="0.1",
    subjects=stepped,
    words=words,
    summary=counted("steps of assembly through tables of structures"),
)
def check(tree: Snapshot, subject: Subject) -> Iterator[Verdict]:
    """One verdict a site that scales an index by the size of a structure."""
    seen = set()
    for path, arch, found in tables(tree, subject.name):
        if not found.array or not found.whole:
            continue
        for step in steps(tree, subject.name, path):
            if step.how == "scaled" and step.place not in seen:
                seen.add(step.place)
                yield from _judged(step, found, arch)


def _judged(step: Stride, of: Table, arch: str) -> Iterator[Verdict]:
    if of.layout is None or step.bytes != of.layout.size:
        return  # nothing is known to be the same, or the other rule has a word on it
    if _CONSTANT.search(step.place.text) or not _LITERAL.search(step.place.text):
        yield Held(step.place, f"steps through {of.name} by a constant with a name")
        return
    size = of.layout.size
    what = f"DEFINE(..., {f'sizeof({of.type})' if size & (size - 1) else f'ilog2(sizeof({of.type}))'})"
    yield Finding(
        rule="magic-stride",
        severity=Severity.NOTE,
        confidence=Confidence.MEDIUM,
        place=step.place,
        subject=of.name,
        message=f"a literal holds the {size} bytes of {of.type} in {of.name}; "
        f"{what} in arch/{arch}/kernel/asm-offsets.c would follow it",
        archs=(arch,),
        related=(Related(of.of or of.place, f"{of.type} takes {size} bytes"),),
    )


_TYPE = "struct slot {\n\tstruct task *task;\n\tlong state;\n};\n\nextern struct slot boot_slots[NR_CPUS];\n"
_HEAD = """\
SYM_FUNC_START(start)
	adr_l	x0, boot_slots
	add	x0, x0, x19, lsl #4
	ldr	x2, [x0]
	ret
SYM_FUNC_END(start)
"""
_NOTHING = "SYM_FUNC_START(start)\n\tret\nSYM_FUNC_END(start)\n"
_BASE = {
    "arch/arm64/include/asm/slot.h": _TYPE,
    "arch/arm64/kernel/slot.c": '#include "slot.h"\n\nstruct slot boot_slots[NR_CPUS];\n',
    "arch/arm64/kernel/asm-offsets.c": "int main(void)\n{\n\tDEFINE(SLOT_SHIFT, 4);\n}\n",
    "arch/arm64/kernel/start.S": _NOTHING,
}

EXAMPLES = (
    bad(
        "a literal shift",
        _BASE,
        {"arch/arm64/kernel/start.S": _HEAD},
        finds=("1 arch/arm64/kernel/start.S:3",),
    ),
    good(
        "a constant of asm-offsets.c",
        _BASE,
        {"arch/arm64/kernel/start.S": _HEAD.replace("#4", "#SLOT_SHIFT")},
    ),
    good(
        "almost: the element is a number, which does not grow",
        {**_BASE, "arch/arm64/kernel/slot.c": "u64 boot_words[8];\n"},
        {"arch/arm64/kernel/start.S": _HEAD.replace("boot_slots", "boot_words").replace("#4", "#3")},
    ),
    good(
        "the literal was there before",
        {**_BASE, "arch/arm64/kernel/start.S": _HEAD},
        {"arch/arm64/kernel/start.S": _HEAD.replace("\tret\n", "\tnop\n\tret\n")},
    ),
)
