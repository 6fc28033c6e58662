"""What assembly reads at a constant offset from an object of C must be a member of it, whole.

Why: ``ldr x2, [x0, #8]`` goes on reading 8 bytes at 8 when the structure has become another one. It then reads half
of two members, padding, or what lies behind the object.

Not found: another member of the same size that has come to lie there; objects whose address is handed over in a
register, on the stack or in memory; offsets from a member that is itself a structure; structures whose
layout depends on the configuration, but for what a constant of asm-offsets.c names. Read is
assembly of arm64, mips, riscv and x86, as 64 bits have it, and of no other architecture.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from checkseries.facts.answer import Unknown
from checkseries.facts.asm import MemberAccess, Sites
from checkseries.facts.asm_closure import constants_for
from checkseries.facts.asm_table import Table, accesses, measured_types, tables
from checkseries.facts.c_layout import LP64, Layout, extent_of, leading
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

_OFFSETOF = re.compile(r"offsetof\s*\(\s*((?:struct|union)\s+\w+)\s*,\s*([\w.\[\]]+)\s*\)", re.ASCII)


def accessed(history: History, _arch: str) -> Iterator[Subject]:
    """The objects that changed functions read or write at an offset, and those whose type changes."""
    return touched_tables(history, _accesses)


def _accesses(sites: Sites) -> bool:
    return bool(sites.members)


@rule(
    "offset-mismatch",
    severity=Severity.ERROR,
    confidence=Confidence.HIGH,
    since="0.1",
    subjects=accessed,
    words=words,
    summary=counted("reads and writes of assembly within objects of C"),
)
def check(tree: Snapshot, subject: Subject) -> Iterator[Verdict]:
    """One verdict a register that is loaded from the object or stored there."""
    seen = set()
    for path, arch, found in tables(tree, subject.name):
        for access in accesses(tree, subject.name, path):
            if access not in seen:
                seen.add(access)
                yield from _judged(tree, access, found, path, arch)


def _judged(tree: Snapshot, access: MemberAccess, of: Table, path: str, arch: str) -> Iterator[Verdict]:
    what = f"[{of.name}, {access.constant}]"
    if access.widths and (access.offset is None or of.layout is None):
        named = _named(tree, access, of, path)
        if named:
            yield Held(access.place, f"{what} takes {access.widths[0]} bytes of {named}")
            return
    if access.offset is None or not access.widths:
        yield Undecided(access.place, f"{what}: where it is, and how wide, is not known")
        return
    if of.layout is None:
        yield Undecided(access.place, f"{what}: {of.why}")
        return
    size = of.layout.size
    if (access.every and not of.array) or size == 0 or access.every % size:
        yield Undecided(access.place, f"{what}: what else is added to the address is not whole elements")
        return
    offset = access.offset
    for width in access.widths:
        at = offset % size if of.array else offset
        offset += width
        fault, doubt = _fault(of, of.layout, at, width)
        if doubt and _element(tree, of, of.layout, at, width):
            doubt = ""
        if fault:
            yield _finding(access, of, arch, f"{width} bytes at {at} of {of.name}, which is {fault}")
        elif doubt:
            yield Undecided(access.place, f"{what}: {width} bytes at {at} are {doubt}")
        else:
            yield Held(access.place, f"{what} takes {width} bytes at {at}")


def _named(tree: Snapshot, access: MemberAccess, of: Table, path: str) -> str:
    """The member that a constant of asm-offsets.c is the offset of, if it is one of this type and taken whole.

    Where it lies the compiler says, whatever the configuration.
    """
    match = _OFFSETOF.fullmatch(constants_for(tree, path).get(access.constant.strip(), ""))
    if match is None or len(access.widths) != 1:
        return ""
    wanted = measured_types(match[1])[0]
    if wanted != " ".join(of.type.split()) and wanted not in leading(tree, of.type, path):
        return ""
    found = extent_of(tree, wanted, match[2], LP64, path)
    taken = not isinstance(found, Unknown) and access.widths[0] == found.element
    return match[2] if taken else ""


def _element(tree: Snapshot, of: Table, layout: Layout, at: int, width: int) -> bool:
    """Whether so many bytes at an offset are one element of a member that is an array."""
    for each in layout.members:
        if each.offset <= at and at + width <= each.offset + each.size:
            found = extent_of(tree, " ".join(of.type.split()), each.name, LP64, of.place.path)
            if (
                not isinstance(found, Unknown)
                and (found.element, found.whole) == (width, each.size)
                and (at - each.offset) % width == 0
            ):
                return True
    return False


def _fault(of: Table, layout: Layout, at: int, width: int) -> tuple[str, str]:
    """What is wrong with so many bytes at an offset, or why that is not known; both empty if nothing is."""
    if not layout.members:
        if at + width <= layout.size:
            return "", "" if at == 0 and width == layout.size else f"a part of {of.type}"
        # Numbers in a row may be read two at once.
        return ("", "several elements") if of.array else (f"only {layout.size} bytes long", "")
    if at < 0 or at + width > layout.size:
        return f"only {layout.size} bytes long", ""
    met = [each for each in layout.members if each.offset < at + width and each.offset + each.size > at]
    if not met:
        return "padding there", ""
    if any(each.offset == at and each.size == width for each in met):
        return "", ""
    around = [each for each in met if each.offset <= at and each.offset + each.size >= at + width]
    if around:
        return "", f"a part of {around[0].name}"
    cut = [each for each in met if each.offset < at or each.offset + each.size > at + width]
    if cut and all(each.size for each in met):
        return "a part of " + " and ".join(each.name for each in met[:3]), ""
    return "", "several members"


def _finding(access: MemberAccess, of: Table, arch: str, message: str) -> Finding:
    assert of.layout is not None
    related = [Related(of.place, f"{of.name} is {'an array of ' if of.array else 'a '}{of.type}")]
    if of.of is not None:
        related.append(Related(of.of, f"{of.type} takes {of.layout.size} bytes"))
    members = ", ".join(f"{each.name} {each.offset}+{each.size}" for each in of.layout.members[:12])
    return Finding(
        rule="offset-mismatch",
        severity=Severity.ERROR,
        confidence=Confidence.HIGH,
        place=access.place,
        subject=of.name,
        message=f"takes {message}",
        archs=(arch,),
        related=tuple(related),
        witness=Witness(
            WitnessKind.SIZE,
            (
                f"{of.type}: {of.layout.size} bytes" + (f": {members}" if members else ""),
                f"{access.constant} is {access.offset}",
            ),
        ),
    )


_TYPE = "struct mail {\n\tvoid *entry;\n\tint state;\n\tint tries;\n\tlong arg;\n};\n"
_C = '#include "mail.h"\n\nstruct mail boot_mail;\nstruct mail boot_mails[8];\n'
_ASM = """\
SYM_FUNC_START(start)
	adr_l	x0, boot_mail
	ldr	w1, [x0, #12]
	ldr	x2, [x0, #16]
	ret
SYM_FUNC_END(start)
"""
_BASE = {
    "arch/arm64/kernel/mail.h": _TYPE,
    "arch/arm64/kernel/mail.c": _C,
    "arch/arm64/kernel/start.S": _ASM,
}

EXAMPLES = (
    bad(
        "a member goes, and a read is now beyond the end",
        _BASE,
        {"arch/arm64/kernel/mail.h": _TYPE.replace("\tint state;\n\tint tries;\n", "")},
        finds=("1 arch/arm64/kernel/start.S:4",),
    ),
    bad(
        "two members change places",
        _BASE,
        {
            "arch/arm64/kernel/mail.h": _TYPE.replace(
                "\tint tries;\n\tlong arg;\n", "\tlong arg;\n\tint tries;\n"
            )
        },
        finds=("1 arch/arm64/kernel/start.S:3",),
    ),
    bad(
        "a read of two members at once cuts the second",
        _BASE,
        {"arch/arm64/kernel/start.S": _ASM.replace("ldr	w1, [x0, #12]", "ldr	x1, [x0, #12]")},
        finds=("1 arch/arm64/kernel/start.S:3",),
    ),
    bad(
        "padding, in an element that an index chooses",
        _BASE,
        {
            "arch/arm64/kernel/mail.h": _TYPE.replace("\tint tries;\n", ""),
            "arch/arm64/kernel/start.S": _ASM.replace(
                "boot_mail\n", "boot_mails\n\tmov	x3, #24\n\tmadd	x0, x19, x3, x0\n"
            ),
        },
        finds=("1 arch/arm64/kernel/start.S:5",),
    ),
    good(
        "almost: two whole members are read at once",
        _BASE,
        {"arch/arm64/kernel/start.S": _ASM.replace("ldr	w1, [x0, #12]", "ldr	x1, [x0, #8]")},
    ),
    good(
        "almost: the low half of a member",
        _BASE,
        {"arch/arm64/kernel/start.S": _ASM.replace("ldr	w1, [x0, #12]", "ldr	w1, [x0, #16]")},
    ),
    good(
        "the offsets follow",
        _BASE,
        {
            "arch/arm64/kernel/mail.h": _TYPE.replace("\tint state;\n\tint tries;\n", "\tint tries;\n"),
            "arch/arm64/kernel/start.S": _ASM.replace("#12", "#8"),
        },
    ),
    good(
        "it was beyond the end before",
        {**_BASE, "arch/arm64/kernel/start.S": _ASM.replace("#16", "#24")},
        {"arch/arm64/kernel/mail.h": _TYPE.replace("int state", "unsigned int state")},
    ),
)
