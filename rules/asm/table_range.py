"""A loop of assembly over a table must have the table's range, and its bound must fit the instruction.

Why: head.S looks a CPU up from element 0 on while C fills the table from 1 on, and the first one that is not there
is found at once, in an element that nobody wrote. And ``cmp x0, #NR_CPUS`` builds for the author's number of CPUs,
and not for another that Kconfig allows.

Severity: an error for an immediate that cannot be encoded with a number that Kconfig allows; a note for the range,
which may be meant.

Not found: loops that count down, that move a pointer up to an end, or that have several ways out that count; the
ends of loops on mips; tables that C fills otherwise than in a plain for loop or at a number, and a loop of C that
changes alone. Immediates of mips, which GNU as loads into a register if they do not fit, and of x86, which have 32
bits; those of other instructions than the ones that add, subtract and compare, and those in macros of headers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain

from checkseries.facts.answer import Impossible, Possible, Unknown
from checkseries.facts.asm import Search, Sites
from checkseries.facts.asm_constant import with_options
from checkseries.facts.asm_immediate import Immediate, beyond, immediates, likely
from checkseries.facts.asm_table import Table, length, reached, tables
from checkseries.facts.c_decl import arch_of
from checkseries.facts.c_fill import fills
from checkseries.facts.kbuild import NOT_BUILT, built
from checkseries.facts.kconfig import Model, model
from checkseries.facts.kconfig.entries import changed_entries
from checkseries.facts.presence import every, kconfig, said, some
from checkseries.judge.history import History, Step
from checkseries.judge.rule import Subject, bad, counted, good, rule
from checkseries.judge.tables import touched_tables
from checkseries.judge.tables import words as table_words
from checkseries.judge.witness import config
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

_MOST_TRIED = 4
"""Values of an option that Kconfig is asked for, one after the other."""


def ranged(history: History, arch: str) -> Iterator[Subject]:
    """The options in immediates of changed assembly and the immediates of changed options; tables that are searched."""
    seen: set[tuple[str, str]] = set()
    for step in history.steps:
        for option, path in chain(_written(step, arch), _of_options(step, arch)):
            if (option, path) not in seen:
                seen.add((option, path))
                yield Subject(option, arch, (path,))
    for each in touched_tables(history, _searches, arch):
        yield Subject(each.name, arch, each.detail)


def _searches(sites: Sites) -> bool:
    return bool(sites.searches)


def _written(step: Step, arch: str) -> Iterator[tuple[str, str]]:
    for path in step.touched:
        if path.endswith(".S") and arch_of(path) == arch and likely(step.after, path):
            for each in immediates(step.after, path):
                yield each.option, path


def _of_options(step: Step, arch: str) -> Iterator[tuple[str, str]]:
    """The immediates of options whose range a patch changes."""
    for path in step.touched:
        if "Kconfig" not in path.rpartition("/")[2] or (arch_of(path) or arch) != arch:
            continue
        lines = chain(step.removed(path), (text for _, text in step.written(path)))
        if not any(line.lstrip().startswith("range") for line in lines):
            continue
        names = {each.name for each in changed_entries(step.before, step.after, path, arch) if each.otherwise}
        if not names:
            continue
        some_name = re.compile(
            rb"\b(?:CONFIG_)?(?:%s)\b" % b"|".join(sorted(name.encode() for name in names))
        )
        for user in step.after.named("*.S"):
            if (
                arch_of(user) == arch
                and some_name.search(step.after.peek(user) or b"")
                and likely(step.after, user)
            ):
                yield from (
                    (each.option, user) for each in immediates(step.after, user) if each.option in names
                )


def words(subject: Subject) -> tuple[str, ...]:
    """For a table what is searched for it; an immediate needs nothing."""
    return () if _is_immediate(subject) else table_words(subject)


def _is_immediate(subject: Subject) -> bool:
    return bool(subject.detail) and subject.detail[0].endswith(".S")


@rule(
    "table-range",
    severity=Severity.ERROR,
    confidence=Confidence.HIGH,
    since="0.1",
    subjects=ranged,
    words=words,
    summary=counted("ranges of tables and bounds in immediates"),
    per_arch=True,
)
def check(tree: Snapshot, subject: Subject) -> Iterator[Verdict]:
    """One verdict an immediate; two a loop, for its first element and its last."""
    if _is_immediate(subject):
        for each in immediates(tree, subject.detail[0]):
            if each.option == subject.name:
                yield _encoded(tree, each, subject)
        return
    for path, arch, of in tables(tree, subject.name):
        if arch == subject.arch and of.array:
            for search in reached(tree, subject.name, path).searches:
                yield from _searched(tree, search, of, path, arch)


# --- immediates


def _encoded(tree: Snapshot, each: Immediate, subject: Subject) -> Verdict:
    kernel = model(tree, subject.arch)
    ranges = kernel.ranges(subject.name)
    if ranges is None:
        return Undecided(each.place, f"{each.text}: {subject.name} has no range of plain numbers")
    outside: list[int] = []
    for low, high in ranges:
        found = beyond(each, subject.arch, low, high)
        if found is None:
            return Undecided(each.place, f"{each.text}: its value is not known for all of {low} to {high}")
        outside += found
    if not outside:
        return Held(each.place, f"{each.word} can be encoded with every {subject.name} that Kconfig allows")
    if not each.sure:
        return Undecided(each.place, f"{each.text}: a condition of the assembler may leave the line out")
    path = subject.detail[0]
    where = built(tree, path, subject.arch)
    under = every((some((where.inside, where.module)), each.under))
    text = kconfig(under)
    if where == NOT_BUILT or text is None:
        return Undecided(each.place, f"{each.text}: whether it is assembled depends on {said(under)}")
    tried = sorted({*outside[:1], *outside[-1:], *outside[:: max(1, len(outside) // 2)]})[-_MOST_TRIED:]
    for number in reversed(tried):
        match kernel.satisfiable(f"({text}) && {subject.name} = {_written_as(kernel, subject.name, number)}"):
            case Possible(witness):
                return _unencodable(each, subject, number, ranges, witness, kernel.profile)
            case Unknown(because):
                return Undecided(each.place, f"{each.text}: {because}")
            case Impossible():
                pass
    if len(tried) == len(outside):
        return Held(each.place, f"{each.word} can be encoded with every {subject.name} that Kconfig allows")
    return Undecided(each.place, f"{each.text}: too many values cannot be encoded to ask Kconfig for each")


def _written_as(kernel: Model, name: str, number: int) -> str:
    """A number as Kconfig compares a symbol with it."""
    return hex(number) if kernel.type_of(name) == "hex" else str(number)


def _unencodable(
    each: Immediate,
    subject: Subject,
    number: int,
    ranges: tuple[tuple[int, int], ...],
    witness: tuple[str, ...],
    profile: str,
) -> Finding:
    bounds = f"{min(low for low, _ in ranges)} to {max(high for _, high in ranges)}"
    return Finding(
        rule="table-range",
        severity=Severity.ERROR,
        confidence=Confidence.HIGH,
        place=each.place,
        subject=subject.name,
        message=f"{each.word} cannot be encoded with {each.text} if CONFIG_{subject.name} is {number}; "
        f"Kconfig allows {bounds}",
        archs=(subject.arch,),
        witness=config(witness, subject.arch),
        profile=profile,
    )


# --- ranges


def _searched(tree: Snapshot, search: Search, of: Table, path: str, arch: str) -> Iterator[Verdict]:
    size = of.layout.size if of.layout is not None else 0
    if not size or search.bytes != size:
        yield Undecided(search.place, f"{of.name} is not known to be gone through element by element")
        return
    first = search.offset // size
    yield _begun(tree, search, of, first, arch)
    yield _ended(tree, search, of, first, path, arch)


def _begun(tree: Snapshot, search: Search, of: Table, first: int, arch: str) -> Verdict:
    written = fills(tree, of.name)
    if isinstance(written, Unknown):
        return Undecided(search.place, written.because)
    if not written or of.initialised:
        return Undecided(search.place, f"what {of.name} holds at first is not known")
    lowest = min(written, key=lambda fill: fill.first)
    if lowest.first == first:
        return Held(search.place, f"{of.name} is searched from element {first} on, and filled from there on")
    why = (
        f"nothing writes element {first}, and it is 0"
        if first < lowest.first
        else f"element {lowest.first} is never found"
    )
    return _note(
        search,
        of,
        arch,
        f"{of.name} is searched from element {first} on, but C fills it from {lowest.first} on: {why}",
        Related(lowest.place, f"the first that is written is element {lowest.first}"),
        (f"first read: {first}", f"first written: {lowest.first}"),
    )


def _ended(tree: Snapshot, search: Search, of: Table, first: int, path: str, arch: str) -> Verdict:
    place = search.test or search.place
    if search.test is None:
        return Undecided(place, f"where the loop through {of.name} ends is not known")
    held = length(tree, of, path)
    if held is None:
        return Undecided(place, f"how many elements {of.name} has is not known")
    over = first + search.more
    if held[0] == search.bound and over == 0:
        return Held(place, f"{search.text} is the number of elements of {of.name}")
    options = held[1] | frozenset(re.findall(r"CONFIG_(\w+)", search.bound))
    for case in _cases(tree, options, arch):
        given = {f"CONFIG_{name}": number for name, number in case.items()}
        elements, bound = with_options(held[0], given), with_options(search.bound, given)
        if elements is None or bound is None:
            break
        end = bound + over
        if end == elements:
            continue
        what = (
            f"element {end - 1} is read, of {elements}"
            if end > elements
            else f"only {end} of {elements} elements are read"
        )
        shown = "".join(f" if CONFIG_{name} is {number}" for name, number in case.items())
        return _note(
            search,
            of,
            arch,
            f"the loop through {of.name} ends at {search.text.removeprefix('#').strip()}: {what}{shown}",
            Related(of.place, f"{of.name} has {of.dims[0]} elements"),
            (f"elements: {elements}{shown}", f"read: {end}{shown}"),
        )
    else:
        if not options:
            return Held(place, f"the loop reads all elements of {of.name}")
    return Undecided(place, f"whether {search.text} is the number of elements of {of.name} is not known")


def _cases(tree: Snapshot, options: frozenset[str], arch: str) -> Iterator[dict[str, int]]:
    """Values of at most one option that Kconfig allows: the bounds of its ranges."""
    if not options:
        yield {}
    elif len(options) == 1:
        (name,) = options
        kernel = model(tree, arch)
        for number in sorted({bound for pair in kernel.ranges(name) or () for bound in pair}, reverse=True):
            if isinstance(kernel.satisfiable(f"{name} = {_written_as(kernel, name, number)}"), Possible):
                yield {name: number}


def _note(
    search: Search, of: Table, arch: str, message: str, related: Related, lines: tuple[str, ...]
) -> Finding:
    return Finding(
        rule="table-range",
        severity=Severity.NOTE,
        confidence=Confidence.MEDIUM,
        place=search.place,
        subject=of.name,
        message=message,
        archs=(arch,),
        related=(related,),
        witness=Witness(WitnessKind.SITE, lines),
    )


_KCONFIG = 'source "arch/$(SRCARCH)/Kconfig"\n\nconfig SEARCH\n\tbool "search"\n'
_NR_CPUS = 'config NR_CPUS\n\tint "CPUs"\n\trange 2 4096\n\tdefault 64\n'
_HEAD = """\
#include <linux/threads.h>

SYM_FUNC_START(find)
	adr_l	x1, known_ids
	mov	x19, #0
.Lnext:
	ldr	x3, [x1, x19, lsl #3]
	cmp	x3, x0
	b.eq	.Lfound
	add	x19, x19, #1
	cmp	x19, #NR_CPUS
	b.ne	.Lnext
	b	.
.Lfound:
	ret
SYM_FUNC_END(find)
"""
_C = """\
unsigned long known_ids[NR_CPUS];

void fill_ids(const unsigned long *from)
{
	int i;

	for (i = 0; i < NR_CPUS; i++)
		known_ids[i] = from[i];
}
"""
_NOTHING = "SYM_FUNC_START(find)\n\tret\nSYM_FUNC_END(find)\n"
_BASE = {
    "Kconfig": _KCONFIG,
    "Kbuild": "obj-y += arch/$(SRCARCH)/\n",
    "include/linux/threads.h": "#define NR_CPUS CONFIG_NR_CPUS\n",
    "arch/arm64/Kconfig": _NR_CPUS,
    "arch/arm64/Kbuild": "obj-y += kernel/\n",
    "arch/arm64/kernel/Makefile": "obj-$(CONFIG_SEARCH) += find.o\nobj-y += ids.o\n",
    "arch/arm64/kernel/ids.c": _C,
    "arch/arm64/kernel/find.S": _NOTHING,
}
_RISCV = """\
#include <linux/threads.h>

SYM_FUNC_START(check)
	sltiu	t0, a0, NR_CPUS
	beqz	t0, 1f
	ret
1:	j	1b
SYM_FUNC_END(check)
"""
_RISCV_WALK = """\
#include <linux/threads.h>

SYM_FUNC_START(find)
	la	t1, known_ids
	li	t2, NR_CPUS
	li	t0, 0
1:	slli	t3, t0, 3
	add	t3, t3, t1
	ld	t3, 0(t3)
	beq	t3, a0, 2f
	addi	t0, t0, 1
	bne	t0, t2, 1b
2:	mv	a0, t0
	ret
SYM_FUNC_END(find)
"""
_RISCV_BASE = {
    "Kconfig": _KCONFIG,
    "Kbuild": "obj-y += arch/$(SRCARCH)/\n",
    "include/linux/threads.h": "#define NR_CPUS CONFIG_NR_CPUS\n",
    "arch/riscv/Kconfig": _NR_CPUS.replace("4096", "2047"),
    "arch/riscv/Kbuild": "obj-y += kernel/\n",
    "arch/riscv/kernel/Makefile": "obj-$(CONFIG_SEARCH) += find.o\nobj-y += ids.o\n",
    "arch/riscv/kernel/ids.c": _C,
    "arch/riscv/kernel/find.S": _NOTHING,
}
_X86_WALK = """\
SYM_CODE_START(find)
	xorl	%ecx, %ecx
.Lnext:
	cmpq	known_ids(,%rcx,8), %rdx
	je	.Lfound
	inc	%ecx
	cmpl	$16, %ecx
	jb	.Lnext
	hlt
.Lfound:
	RET
SYM_CODE_END(find)
"""

EXAMPLES = (
    bad(
        "arm64: 12 bits, and Kconfig comes to allow what needs 13",
        {**_BASE, "arch/arm64/kernel/find.S": _HEAD},
        {"arch/arm64/Kconfig": _NR_CPUS.replace("4096", "8191")},
        finds=("1 arch/arm64/kernel/find.S:11",),
    ),
    bad(
        "riscv: a comparison with a number that has a sign bit too many",
        {**_RISCV_BASE, "arch/riscv/Kconfig": _NR_CPUS},
        {"arch/riscv/kernel/find.S": _RISCV},
        finds=("1 arch/riscv/kernel/find.S:4",),
    ),
    bad(
        "searched from 0 on, filled from 1 on",
        {**_BASE, "arch/arm64/kernel/ids.c": _C.replace("i = 0", "i = 1")},
        {"arch/arm64/kernel/find.S": _HEAD},
        finds=("1 arch/arm64/kernel/find.S:7",),
    ),
    bad(
        "riscv: searched from 1 on, filled from 0 on",
        _RISCV_BASE,
        {"arch/riscv/kernel/find.S": _RISCV_WALK.replace("t0, 0\n", "t0, 1\n")},
        finds=("1 arch/riscv/kernel/find.S:9",),
    ),
    bad(
        "one element more than there are",
        _BASE,
        {"arch/arm64/kernel/find.S": _HEAD.replace("b.ne\t.Lnext", "b.ls\t.Lnext")},
        finds=("1 arch/arm64/kernel/find.S:7",),
    ),
    bad(
        "x86: a bound that is a number, and the table has another",
        {"Kconfig": _KCONFIG, "arch/x86/Kconfig": "", "arch/x86/kernel/ids.c": _C.replace("NR_CPUS", "8")},
        {"arch/x86/kernel/find.S": _X86_WALK},
        finds=("1 arch/x86/kernel/find.S:4",),
    ),
    bad(
        "a hexadecimal option",
        {
            **_BASE,
            "include/linux/threads.h": "#define NR_CPUS CONFIG_ROOM\n",
            "arch/arm64/Kconfig": 'config ROOM\n\thex "room"\n\trange 0x10 0x1001\n\tdefault 0x10\n',
        },
        {"arch/arm64/kernel/find.S": _HEAD},
        finds=("1 arch/arm64/kernel/find.S:11",),
    ),
    good("the same range, in all that Kconfig allows", _BASE, {"arch/arm64/kernel/find.S": _HEAD}),
    good(
        "riscv: a bound in a register has no limit",
        {**_RISCV_BASE, "arch/riscv/Kconfig": _NR_CPUS},
        {"arch/riscv/kernel/find.S": _RISCV_WALK},
    ),
    good(
        "almost: 4096 is 1 shifted by 12",
        {**_BASE, "arch/arm64/Kconfig": _NR_CPUS.replace("4096", "4095"), "arch/arm64/kernel/find.S": _HEAD},
        {"arch/arm64/Kconfig": _NR_CPUS},
    ),
    good(
        "almost: it is not assembled with that number",
        {
            **_RISCV_BASE,
            "Kconfig": _KCONFIG + "\tdepends on NR_CPUS < 2048\n",
            "arch/riscv/Kconfig": _NR_CPUS,
        },
        {"arch/riscv/kernel/find.S": _RISCV},
    ),
    good(
        "an index that is no loop's may be any",
        {**_BASE, "arch/arm64/kernel/ids.c": _C + "void one(int cpu)\n{\n\tknown_ids[cpu] = 0;\n}\n"},
        {
            "arch/arm64/kernel/find.S": _HEAD.replace("x19, #0", "x19, #1").replace("b.ne", "b.lo"),
        },
    ),
    good(
        "the range was too wide before",
        {
            **_BASE,
            "arch/arm64/Kconfig": _NR_CPUS.replace("4096", "8191"),
            "arch/arm64/kernel/find.S": _HEAD,
        },
        {"arch/arm64/kernel/find.S": _HEAD.replace("\tb\t.\n", "\tnop\n\tb\t.\n")},
    ),
)
