"""An offset of asm-offsets.c must be one of the structure that the register points to.

Why: when a symbol becomes an object of another type, the constants that its users add still build, and are the
offsets of the members of a structure that is no longer there.

A pointer is known by its structure where C calls a function with it, where a register always holds it
(``register struct task_struct *current asm("tp")``), and where code makes room for it on the stack.

Not found: pointers that come from memory or from other functions of assembly; a function whose declaration in C
changes alone, and macros; structures whose layout depends on the configuration; structures that hold
others by value, or members of the same name at the same place.
Read is assembly of arm64, mips, riscv and x86, as 64 bits have it, and of no other architecture.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain

from checkseries.facts.answer import Unknown
from checkseries.facts.asm import MemberAccess, Sites, asm_sites
from checkseries.facts.asm_closure import constants_for
from checkseries.facts.asm_pointer import arguments, typed
from checkseries.facts.asm_table import Table, measured_types, reached, tables
from checkseries.facts.c_decl import arch_of
from checkseries.facts.c_layout import LP64, Layout, bodies_of, layout, leading
from checkseries.facts.c_text import code
from checkseries.judge.history import History
from checkseries.judge.rule import Subject, bad, counted, good, rule
from checkseries.judge.tables import touched_functions, touched_tables
from checkseries.judge.tables import words as table_words
from checkseries.model import (
    Confidence,
    Finding,
    Held,
    Place,
    Related,
    Severity,
    Undecided,
    Verdict,
    Witness,
    WitnessKind,
)
from checkseries.tree import Snapshot

_WORD = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_OFFSETOF = re.compile(r"offsetof\s*\(\s*((?:struct|union)\s+\w+)\s*,\s*(\w+)", re.ASCII)
_POINTER = "what the register points to"
_BY_VALUE = re.compile(r"\b(?:struct|union)\s+\w+\s+(?!\*)\w", re.ASCII)


def accessed(history: History, _arch: str) -> Iterator[Subject]:
    """The objects that changed functions read or write at an offset with a name, and those whose type changes.

    And the functions themselves, which may do so by a pointer: the first detail is their file.
    """
    return chain(touched_tables(history, _named), touched_functions(history))


def words(subject: Subject) -> tuple[str, ...]:
    """The object or function, and the tags of the types."""
    return table_words(subject) if not _is_function(subject) else (subject.name, *subject.detail[1:])


def _is_function(subject: Subject) -> bool:
    return bool(subject.detail) and subject.detail[0].endswith(".S")


def _named(sites: Sites) -> bool:
    return any(_WORD.search(each.constant) for each in sites.members)


@rule(
    "stale-offset",
    severity=Severity.WARNING,
    confidence=Confidence.MEDIUM,
    since="0.1",
    subjects=accessed,
    words=words,
    summary=counted("offsets of asm-offsets.c in use"),
)
def check(tree: Snapshot, subject: Subject) -> Iterator[Verdict]:
    """One verdict a read or write whose offset asm-offsets.c names."""
    seen = set()
    if _is_function(subject):
        uses = _by_pointers(tree, subject)
    else:
        uses = (
            (path, of, access)
            for path, _, of in tables(tree, subject.name)
            for access in reached(tree, subject.name, path).members
        )
    for path, of, access in uses:
        known = constants_for(tree, path)
        offsets = [
            match
            for name in _WORD.findall(access.constant)
            for match in _OFFSETOF.findall(known.get(name, ""))
        ]
        if len(offsets) != 1 or (access.place, access.constant) in seen:
            continue
        seen.add((access.place, access.constant))
        wanted, member = offsets[0]
        type_name = measured_types(wanted)[0]
        if " ".join(of.type.split()) == type_name:
            yield Held(access.place, f"{access.constant} is an offset of {type_name}, as {of.name} is")
        elif type_name in leading(tree, of.type, path):
            yield Held(
                access.place, f"{access.constant} is an offset of {type_name}, which {of.type} begins with"
            )
        else:
            meant = _laid(tree, of, path) if typed(access.symbol) else of
            yield _judged(tree, access, meant, (type_name, member), arch_of(path) or "")


@dataclass(frozen=True, slots=True)
class _Given:
    """What C hands over to one function; what it hands to those around that one is not asked for."""

    function: str

    def __call__(self, tree: Snapshot, function: str, arch: str, /) -> tuple[str, ...]:
        return arguments(tree, function, arch) if function == self.function else ()


def _by_pointers(tree: Snapshot, subject: Subject) -> Iterator[tuple[str, Table, MemberAccess]]:
    """What a function reads and writes by pointers that it is given, or that a register always is."""
    path = subject.detail[0]
    for access in asm_sites(tree, path, subject.name, None, _Given(subject.name)).members:
        if typed(access.symbol) and (access.place.path, access.place.symbol) == (path, subject.name):
            place = Place(path, access.place.line)
            pointed = Table(_POINTER, place, access.symbol, array=False, layout=None)
            yield path, pointed, access


def _laid(tree: Snapshot, of: Table, path: str) -> Table:
    """What a pointer points to, with its layout: it is only asked for where another structure is meant."""
    known = layout(tree, of.type, LP64, path)
    return replace(of, why=known.because) if isinstance(known, Unknown) else replace(of, layout=known)


def _judged(tree: Snapshot, access: MemberAccess, of: Table, wanted: tuple[str, str], arch: str) -> Verdict:
    type_name, member = wanted
    if not of.whole or of.layout is None:
        return Undecided(
            access.place, f"{access.constant} is an offset of {type_name}, but {of.name} is {of.type}"
        )
    doubt = _doubt(tree, of, of.layout, wanted, arch)
    if doubt:
        return Undecided(access.place, f"{access.constant} is an offset of {type_name}: {doubt}")
    related = [Related(of.place, f"{of.name} is {'an array of ' if of.array else ''}{of.type}")]
    if of.of is not None:
        related.append(Related(of.of, f"{of.type} is defined here"))
    return Finding(
        rule="stale-offset",
        severity=Severity.WARNING,
        confidence=Confidence.MEDIUM,
        place=access.place,
        subject=of.name,
        message=f"{access.constant} is the offset of {member} in {type_name}, but {of.name} is {of.type}",
        archs=(arch,),
        related=tuple(related),
        witness=Witness(
            WitnessKind.SITE, (f"arch/{arch}/kernel/asm-offsets.c: offsetof({type_name}, {member})",)
        ),
    )


def _doubt(tree: Snapshot, of: Table, here: Layout, wanted: tuple[str, str], arch: str) -> str:
    """Why the offset of the other type may be meant; empty if it cannot."""
    type_name, member = wanted
    for each in (of.type, type_name):
        kind, _, tag = each.partition(" ")
        bodies = bodies_of(tree, kind, tag, of.place.path) if kind in ("struct", "union") else ()
        if not bodies:
            return f"what {each} holds is not known"
        for body in bodies:
            text = code(tree.read(body.path) or b"").text[body.brace : body.close]
            if _BY_VALUE.search(text):
                return f"{each} holds others"
    there = layout(tree, type_name, LP64, f"arch/{arch}/kernel/asm-offsets.c")
    if isinstance(there, Unknown):
        return there.because
    if {each for each in here.members if each.name == member} & set(there.members):
        return f"{of.type} has {member} there, too"
    return ""


_OLD = "struct mail {\n\tvoid *entry;\n\tlong state;\n};\n"
_NEW = "struct parcel {\n\tlong weight;\n\tlong length;\n\tvoid *entry;\n};\n"
_C = '#include "mail.h"\n\nstruct mail boot_mail;\n'
_OFFSETS = "int main(void)\n{\n\tDEFINE(MAIL_STATE, offsetof(struct mail, state));\n}\n"
_ASM = """\
SYM_FUNC_START(start)
	adr_l	x0, boot_mail
	ldr	x1, [x0, #MAIL_STATE]
	ret
SYM_FUNC_END(start)
"""
_BASE = {
    "arch/arm64/kernel/mail.h": _OLD + _NEW,
    "arch/arm64/kernel/mail.c": _C,
    "arch/arm64/kernel/asm-offsets.c": _OFFSETS,
    "arch/arm64/kernel/start.S": _ASM,
}
_CALLED = """\
SYM_FUNC_START(start)
	ldr	x1, [x0, #MAIL_STATE]
	ret
SYM_FUNC_END(start)
"""
_CALLER = '#include "mail.h"\n\nvoid start(struct mail *mail);\n'
_RISCV = """\
SYM_FUNC_START(start)
	ld	a1, TASK_STATE(tp)
	ret
SYM_FUNC_END(start)
"""
_RISCV_BASE = {
    "arch/riscv/include/asm/current.h": 'register struct task *current_is_tp __asm__("tp");\n',
    "arch/riscv/include/asm/task.h": _OLD.replace("mail", "task") + _NEW,
    "arch/riscv/kernel/asm-offsets.c": "int main(void)\n{\n\tOFFSET(TASK_STATE, task, state);\n"
    "\tOFFSET(PARCEL_LENGTH, parcel, length);\n}\n",
    "arch/riscv/kernel/start.S": _RISCV,
}

EXAMPLES = (
    bad(
        "the object becomes another structure",
        _BASE,
        {"arch/arm64/kernel/mail.c": _C.replace("struct mail b", "struct parcel b")},
        finds=("1 arch/arm64/kernel/start.S:3",),
    ),
    bad(
        "another object is taken, the offset stays",
        {**_BASE, "arch/arm64/kernel/mail.c": f"{_C}struct parcel boot_parcel;\n"},
        {"arch/arm64/kernel/start.S": _ASM.replace("boot_mail", "boot_parcel")},
        finds=("1 arch/arm64/kernel/start.S:3",),
    ),
    bad(
        "the constant becomes one of another structure",
        _BASE,
        {"arch/arm64/kernel/asm-offsets.c": _OFFSETS.replace("struct mail, state", "struct parcel, length")},
        finds=("1 arch/arm64/kernel/start.S:3",),
    ),
    bad(
        "C hands over another structure",
        {
            **_BASE,
            "arch/arm64/kernel/start.S": "",
            "arch/arm64/kernel/mail.c": _CALLER.replace("mail *", "parcel *"),
        },
        {"arch/arm64/kernel/start.S": _CALLED},
        finds=("1 arch/arm64/kernel/start.S:2",),
    ),
    bad(
        "riscv: a register that always points to the task",
        _RISCV_BASE,
        {"arch/riscv/kernel/start.S": _RISCV.replace("TASK_STATE", "PARCEL_LENGTH")},
        finds=("1 arch/riscv/kernel/start.S:2",),
    ),
    good(
        "C hands over what the offset is of",
        {**_BASE, "arch/arm64/kernel/start.S": "", "arch/arm64/kernel/mail.c": _CALLER},
        {"arch/arm64/kernel/start.S": _CALLED},
    ),
    good(
        "almost: the register no longer holds what C handed over",
        {
            **_BASE,
            "arch/arm64/kernel/start.S": "",
            "arch/arm64/kernel/mail.c": _CALLER.replace("mail *", "parcel *"),
        },
        {"arch/arm64/kernel/start.S": _CALLED.replace("\tldr\tx1", "\tldr\tx0, [x0]\n\tldr\tx1")},
    ),
    good(
        "almost: the declarations in C do not agree",
        {
            **_BASE,
            "arch/arm64/kernel/start.S": "",
            "arch/arm64/kernel/mail.c": _CALLER.replace("mail *", "parcel *"),
            "arch/arm64/kernel/other.c": _CALLER,
        },
        {"arch/arm64/kernel/start.S": _CALLED},
    ),
    good(
        "the offset follows",
        _BASE,
        {
            "arch/arm64/kernel/mail.c": _C.replace("struct mail b", "struct parcel b"),
            "arch/arm64/kernel/asm-offsets.c": _OFFSETS.replace(
                "struct mail, state", "struct parcel, length"
            ),
        },
    ),
    good(
        "almost: the structure is held by the other one",
        {
            **_BASE,
            "arch/arm64/kernel/mail.h": f"{_OLD}struct parcel {{\n\tstruct mail mail;\n\tlong weight;\n}};\n",
        },
        {"arch/arm64/kernel/mail.c": _C.replace("struct mail b", "struct parcel b")},
    ),
    good(
        "almost: both have that member there",
        {**_BASE, "arch/arm64/kernel/mail.h": _OLD + _NEW.replace("length", "state")},
        {"arch/arm64/kernel/mail.c": _C.replace("struct mail b", "struct parcel b")},
    ),
    good(
        "it was another structure before",
        {**_BASE, "arch/arm64/kernel/mail.c": _C.replace("struct mail b", "struct parcel b")},
        {"arch/arm64/kernel/start.S": _ASM.replace("\tret\n", "\tnop\n\tret\n")},
    ),
)
