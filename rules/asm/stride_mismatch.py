"""Assembly must step through an array of C by the size of its element.

Why: nothing ties ``lsl #4`` in a .S file to the structure whose size it is. With a member more, every element
but the first is read from the middle of another one, and nothing fails to build.

Not found: tables whose address is handed over in a register, on the stack or in memory, or loaded by a macro that
takes the name; arrays of bytes and of several dimensions; elements whose size depends on the configuration; an index
into an array of numbers that takes several at once. Read is
assembly of arm64, mips, riscv and x86, as 64 bits have it, and of no other architecture.
"""

from __future__ import annotations

from collections.abc import Iterator

from checkseries.facts.asm import Sites, Stride
from checkseries.facts.asm_table import Table, steps, tables
from checkseries.judge.history import History
from checkseries.judge.rule import Subject, bad, counted, good, rule
from checkseries.judge.tables import touched_tables, words
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


def stepped(history: History, _arch: str) -> Iterator[Subject]:
    """The tables that changed functions step through, and those whose element changes."""
    return touched_tables(history, _steps)


def _steps(sites: Sites) -> bool:
    return any(each.bytes is not None or each.unmeasured for each in sites.strides)


@rule(
    "stride-mismatch",
    severity=Severity.ERROR,
    confidence=Confidence.HIGH,
    since="0.1",
    subjects=stepped,
    words=words,
    summary=counted("steps of assembly through tables of C"),
)
def check(tree: Snapshot, subject: Subject) -> Iterator[Verdict]:
    """One verdict a site that steps through the table."""
    seen = set()
    for path, arch, found in tables(tree, subject.name):
        if not found.array:
            continue
        for step in steps(tree, subject.name, path):
            if (step.place, step.bytes) not in seen:
                seen.add((step.place, step.bytes))
                yield _judged(step, found, arch)


def _judged(step: Stride, of: Table, arch: str) -> Verdict:
    if step.bytes is None:
        return Undecided(step.place, f"a step through {of.name}: {step.why_unknown}")
    if of.layout is None:
        return Undecided(step.place, f"an element of {of.name}: {of.why}")
    size = of.layout.size
    if step.bytes == size:
        return Held(step.place, f"steps through {of.name} by {size} bytes, the size of its element")
    doubt = _doubt(step, of, size)
    if doubt:
        return Undecided(step.place, f"steps through {of.name} by {step.bytes} bytes: {doubt}")
    related = [Related(of.place, f"{of.name} is an array of {of.type}")]
    if of.of is not None:
        related.append(Related(of.of, f"{of.type} takes {size} bytes"))
    under = f", under {step.condition}" if step.condition else ""
    return Finding(
        rule="stride-mismatch",
        severity=Severity.ERROR,
        confidence=Confidence.HIGH,
        place=step.place,
        subject=of.name,
        message=f"steps through {of.name} by {step.bytes} bytes, but its element, {of.type}, takes {size}",
        archs=(arch,),
        related=tuple(related),
        witness=Witness(
            WitnessKind.SIZE,
            (
                f"{of.type}: {size} bytes",
                f"{step.place.path}:{step.place.line}: {step.bytes} bytes a step{under}",
            ),
        ),
    )


def _doubt(step: Stride, of: Table, size: int) -> str:
    """Why a step of another size may be meant; empty if it cannot."""
    if size <= 1:
        return "what is in an array of bytes, its type does not say"
    if step.how == "increment":
        if step.bytes is not None and step.bytes % size == 0:
            return "it may take several elements a round"
        if step.bytes is not None and size % step.bytes == 0:
            return "it may take an element in parts"
        return ""
    if step.bytes is not None and step.bytes % size == 0 and not of.whole:
        return "its index may count groups of elements"
    return ""


_HEAD = """\
SYM_FUNC_START(start)
	adr_l	x0, boot_slots
	add	x0, x0, x19, lsl #4
	ldr	x2, [x0]
	ret
SYM_FUNC_END(start)
"""
_TYPE = "struct slot {\n\tstruct task *task;\n\tlong state;\n};\n\nextern struct slot boot_slots[NR_CPUS];\n"
_GROWN = _TYPE.replace("\tlong state;\n", "\tlong state;\n\tlong tries;\n")
_C = '#include "slot.h"\n\nstruct slot boot_slots[NR_CPUS];\n'
_BASE = {
    "arch/arm64/include/asm/slot.h": _TYPE,
    "arch/arm64/kernel/slot.c": _C,
    "arch/arm64/kernel/start.S": _HEAD,
}
_WALK = """\
SYM_FUNC_START(find)
	adr_l	x1, known_ids
	mov	x0, #0
1:	ldr	x3, [x1, x0, lsl #3]
	cmp	x3, x2
	b.eq	2f
	add	x0, x0, #1
	b	1b
2:	ret
SYM_FUNC_END(find)
"""
_RECORDS = "struct record {\n\tvoid *pc;\n\tlong sp;\n};\n\nstruct record records[NR_CPUS];\n"
_X86 = "SYM_CODE_START(find)\n\tmovq\tknown_ids(,%rax,8), %rcx\n\tRET\nSYM_CODE_END(find)\n"
_RISCV = "\tla t0, records\n\tslli t1, a0, 4\n\tadd t0, t0, t1\n\tld sp, 8(t0)\n"
_MIPS = "LEAF(find)\n\tdla t0, records\n\tdsll t1, a0, 4\n\tdaddu t0, t1\n\tld sp, 8(t0)\nEND(find)\n"
_IDS = "unsigned long known_ids[NR_CPUS];\n"

EXAMPLES = (
    bad(
        "a member more",
        _BASE,
        {"arch/arm64/include/asm/slot.h": _GROWN},
        finds=("1 arch/arm64/kernel/start.S:3",),
    ),
    bad(
        "the shift of another size",
        _BASE,
        {"arch/arm64/kernel/start.S": _HEAD.replace("lsl #4", "lsl #3")},
        finds=("1 arch/arm64/kernel/start.S:3",),
    ),
    bad(
        "a new table that is searched in steps of half its element",
        {"arch/arm64/kernel/ids.c": "int x;\n"},
        {
            "arch/arm64/kernel/ids.c": _IDS,
            "arch/arm64/kernel/find.S": _WALK.replace(
                "ldr	x3, [x1, x0, lsl #3]", "ldr	w3, [x1, x0, lsl #2]"
            ),
        },
        finds=("1 arch/arm64/kernel/find.S:4",),
    ),
    bad(
        "the array becomes one of another struct",
        _BASE,
        {
            "arch/arm64/include/asm/slot.h": _TYPE.replace(
                "extern struct slot", "struct large { struct slot slot; long more; };\nextern struct large"
            ),
            "arch/arm64/kernel/slot.c": _C.replace("struct slot boot", "struct large boot"),
        },
        finds=("1 arch/arm64/kernel/start.S:3",),
    ),
    bad(
        "x86: the scale of an address",
        {"arch/x86/kernel/ids.c": _IDS, "arch/x86/kernel/find.S": _X86},
        {"arch/x86/kernel/find.S": _X86.replace(",8)", ",4)")},
        finds=("1 arch/x86/kernel/find.S:2",),
    ),
    bad(
        "riscv: a shift that is added",
        {"arch/riscv/kernel/slot.c": _RECORDS, "arch/riscv/kernel/find.S": _RISCV},
        {"arch/riscv/kernel/find.S": _RISCV.replace("a0, 4", "a0, 3")},
        finds=("1 arch/riscv/kernel/find.S:2",),
    ),
    bad(
        "mips: the element grows",
        {"arch/mips/kernel/slot.c": _RECORDS, "arch/mips/kernel/find.S": _MIPS},
        {"arch/mips/kernel/slot.c": _RECORDS.replace("sp;", "sp, gp;")},
        finds=("1 arch/mips/kernel/find.S:3",),
    ),
    good(
        "both change together",
        _BASE,
        {
            "arch/arm64/include/asm/slot.h": _TYPE.replace("long state;", "long state, tries, left;"),
            "arch/arm64/kernel/start.S": _HEAD.replace("lsl #4", "lsl #5"),
        },
    ),
    good(
        "other members of the same size",
        _BASE,
        {"arch/arm64/include/asm/slot.h": _TYPE.replace("long state;", "int state;\n\tint tries;")},
    ),
    good(
        "almost: an array of numbers of which an index takes two at once",
        {"arch/arm64/kernel/ids.c": _IDS, "arch/arm64/kernel/find.S": _WALK},
        {"arch/arm64/kernel/find.S": _WALK.replace("lsl #3", "lsl #4")},
    ),
    good(
        "a static object of the same name is another one",
        {"arch/arm64/kernel/ids.c": "int x;\n"},
        {
            "arch/arm64/kernel/ids.c": "static u32 known_ids[4];\n",
            "arch/arm64/kernel/find.S": _WALK,
        },
    ),
    good(
        "the step was wrong before",
        {**_BASE, "arch/arm64/kernel/start.S": _HEAD.replace("lsl #4", "lsl #3")},
        {"arch/arm64/include/asm/slot.h": _TYPE.replace("long state;", "int state;\n\tint tries;")},
    ),
)
