"""A type that programs share with the kernel must keep its size and the places of its members.

Why: a program that was built with the old header passes the old layout to the new kernel, and nothing says so.
The size of a type is also part of the number of an ioctl that is built with it. And a 32-bit program talks to a
64-bit kernel: what they lay out differently needs code that translates it.

Severity: an error for a member that moves in some ABI; a warning for a type that shrinks, that grows and with it the
number of an ioctl, or that 32-bit programs lay out differently from now on; a note for one that only grows, or whose
layout differs in a header of one architecture, where registers may.

Not found: members that are renamed or removed, or change only in size; members that are called padding or reserved,
for they are there to be used; types of a header that embed one of another header; types that a header defines under a
condition that the C library decides. Looked at are the ABIs of arm, arm64, mips, riscv and x86, and for headers of
their own also of loongarch, powerpc and s390.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from checkseries.facts.c_decl import arch_of
from checkseries.facts.predefined import Public
from checkseries.facts.uapi import (
    Piece,
    Shape,
    abis,
    concerned,
    declared,
    numbered,
    parted,
    public,
    shape,
    shifted,
)
from checkseries.judge.history import History
from checkseries.judge.rule import Subject, bad, counted, good, no_words, rule
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

_MOST = 40  # types of one header


def shared(history: History, _arch: str) -> Iterator[Subject]:
    """The types of public headers that the series changes; the details are the header and the layouts before."""
    found: dict[tuple[str, str], None] = {}
    for step, path in history.touched(".h"):
        if public(path):
            found |= dict.fromkeys(
                (path, name) for name in sorted(concerned(step.before, step.after, path))[:_MOST]
            )
    for path, name in found:
        there = abis(path) if name in declared(history.base, path) else ()
        before = (_said(each.name, shape(history.base, path, name, each.name)) for each in there)
        yield Subject(name, "", (path, *before))


def _said(abi: str, of: Shape | str) -> str:
    """A layout in words that ``_heard`` understands; a subject holds nothing else."""
    if isinstance(of, str):
        return f"{abi}\n?"
    return "\n".join([abi, str(of.size), *(f"{each.name} {each.bit} {each.bits}" for each in of.pieces)])


def _heard(said: tuple[str, ...]) -> dict[str, Shape | None]:
    found: dict[str, Shape | None] = {}
    for each in said:
        abi, size, *pieces = each.split("\n")
        split = (piece.split(" ") for piece in pieces)
        shaped = tuple(Piece(name, int(bit), int(bits)) for name, bit, bits in split)
        found[abi] = None if size == "?" else Shape(int(size), shaped)
    return found


@rule(
    "uapi-layout",
    severity=Severity.ERROR,
    confidence=Confidence.HIGH,
    since="0.1",
    subjects=shared,
    words=no_words,
    summary=counted("types that programs share"),
)
def check(tree: Snapshot, subject: Subject) -> Iterator[Verdict]:
    """What has become of a type since before the series, and whether 32-bit programs lay it out alike."""
    path, *said = subject.detail
    where = declared(tree, path).get(subject.name)
    if where is None:
        return
    ours = abis(path)
    now = {each.name: shape(tree, path, subject.name, each.name) for each in ours}
    known = {abi: each for abi, each in now.items() if isinstance(each, Shape)}
    before = _heard(tuple(said))
    was = {abi: each for abi, each in before.items() if each is not None and abi in known}
    if not known or (before and not was):
        why = next((each for each in now.values() if isinstance(each, str)), "it was not known before")
        yield Undecided(where, f"{subject.name}: {why}")
        return
    found = [
        *_changed(tree, path, subject.name, where, was, known, ours),
        *_differing(subject.name, where, was, known, ours),
    ]
    yield from found
    if not found:
        yield Held(
            where, f"{subject.name} lies as before" if was else f"{subject.name} lies alike for all programs"
        )


def _changed(
    tree: Snapshot,
    path: str,
    name: str,
    where: Place,
    was: Mapping[str, Shape],
    now: Mapping[str, Shape],
    ours: tuple[Public, ...],
) -> Iterator[Finding]:
    """What programs that were built before notice."""
    moves = {abi: shift for abi in was if (shift := shifted(was[abi], now[abi])) is not None}
    if moves:
        first = next(iter(moves.values()))
        lines = [
            f"{abi}: {each.name} at {_at(each.after)}, was at {_at(each.before)}"
            for abi, each in moves.items()
        ]
        message = f"{first.name} moves from {_at(first.before)} to {_at(first.after)} in {name}: programs built before look for it at {_at(first.before)}"
        yield _finding(name, where, Severity.ERROR, Confidence.HIGH, message, _archs(moves, ours), lines)
        return
    sizes = {abi: (was[abi].size, now[abi].size) for abi in was if was[abi].size != now[abi].size}
    if not sizes:
        return
    old, new = next(iter(sizes.values()))
    lines = [f"{abi}: {after} bytes, were {before}" for abi, (before, after) in sizes.items()]
    number = numbered(tree, path).get(name.rpartition(" ")[2])
    related = (
        () if number is None else (Related(number, f"the number of {number.symbol} has the size in it"),)
    )
    archs = _archs(sizes, ours)
    if number is not None:
        message = f"{name} takes {new} bytes, not {old}, and the number of {number.symbol} changes with it: programs built before use the other"
        yield _finding(name, where, Severity.WARNING, Confidence.HIGH, message, archs, lines, related)
    elif new < old and not all(_open(was[abi], now[abi]) for abi in sizes):
        message = f"{name} shrinks from {old} to {new} bytes: programs built before pass the old size"
        yield _finding(name, where, Severity.WARNING, Confidence.MEDIUM, message, archs, lines)
    else:
        message = f"{name} takes {new} bytes, not {old}: whoever passes it has to know both sizes"
        yield _finding(name, where, Severity.NOTE, Confidence.MEDIUM, message, archs, lines)


def _open(old: Shape, new: Shape) -> bool:
    """Whether a type ends in an array that only says no length any more."""
    return bool(new.pieces) and new.pieces[-1].bits == 0 and old.pieces[-1].name == new.pieces[-1].name


def _differing(
    name: str, where: Place, was: Mapping[str, Shape], now: Mapping[str, Shape], ours: tuple[Public, ...]
) -> Iterator[Finding]:
    """What 32-bit programs lay out differently, unless they always did."""
    first = ""
    lines: list[str] = []
    archs: list[str] = []
    for wide, narrow in _pairs(ours):
        if wide in was and narrow in was and parted(was[wide], was[narrow]) is not None:
            continue
        member = parted(now[wide], now[narrow]) if wide in now and narrow in now else None
        if member is None:
            continue
        archs += [each.arch for each in ours if each.name == wide]
        lines += [f"{abi}: {_where(now[abi], member)}" for abi in (wide, narrow)]
        about = f"{member} of {name} lies" if member else f"{name} ends"
        first = first or f"{about} elsewhere for 32-bit programs: {lines[0]}, {lines[1]}"
    if lines:
        severity = Severity.NOTE if arch_of(where.path) else Severity.WARNING
        yield _finding(
            f"{name} for 32 bits", where, severity, Confidence.MEDIUM, first, tuple(sorted(archs)), lines
        )


def _pairs(ours: tuple[Public, ...]) -> Iterator[tuple[str, str]]:
    """The ABIs of 64-bit kernels and those of the 32-bit programs that run on them."""
    narrow = {
        "x86-64": "i386",
        "arm64": "arm",
        "riscv64": "riscv32",
        "mips n64": "mips o32",
        "powerpc64le": "powerpc",
    }
    names = {each.name for each in ours}
    yield from ((wide, other) for wide, other in narrow.items() if wide in names and other in names)


def _where(of: Shape, member: str) -> str:
    for each in of.pieces:
        if each.name == member:
            return f"{each.bits // 8} bytes at {_at(each.bit)}"
    return f"{of.size} bytes"


def _at(bit: int) -> str:
    return f"{bit // 8}:{bit % 8}" if bit % 8 else f"{bit // 8}"


def _archs(found: Mapping[str, object], ours: tuple[Public, ...]) -> tuple[str, ...]:
    return tuple(sorted({each.arch for each in ours if each.name in found}))


def _finding(
    subject: str,
    where: Place,
    severity: Severity,
    confidence: Confidence,
    message: str,
    archs: tuple[str, ...],
    lines: list[str],
    related: tuple[Related, ...] = (),
) -> Finding:
    return Finding(
        rule="uapi-layout",
        severity=severity,
        confidence=confidence,
        place=where,
        subject=subject,
        message=message,
        archs=archs,
        related=related,
        witness=Witness(WitnessKind.SIZE, tuple(lines)),
    )


_TYPES = "typedef unsigned char __u8;\ntypedef unsigned int __u32;\ntypedef unsigned long long __u64;\n"
_RING = """\
#include <linux/types.h>

struct ring_info {
	__u32 slots;
	__u32 reserved[2];
	__u32 used;
};

#define RING_INFO _IOR('r', 1, struct ring_info)
"""
_TREE = {"include/uapi/linux/types.h": _TYPES, "include/uapi/linux/ring.h": _RING}
_STATE = """\
#include <linux/types.h>

struct ring_state {
	__u32 flags;
	__u64 stamp;
};
"""
_PADDED = _STATE.replace("flags;\n", "flags;\n\t__u32 pad;\n")

EXAMPLES = (
    bad(
        "a member more before others",
        _TREE,
        {"include/uapi/linux/ring.h": _RING.replace("\t__u32 used", "\t__u32 flags;\n\t__u32 used")},
        finds=("1 include/uapi/linux/ring.h:3",),
    ),
    bad(
        "a member more at the end, and a number with the size in it",
        _TREE,
        {"include/uapi/linux/ring.h": _RING.replace("used;\n", "used;\n\t__u32 flags;\n")},
        finds=("1 include/uapi/linux/ring.h:3",),
    ),
    bad(
        "padding that nobody wrote is used, and i386 has none",
        {**_TREE, "include/uapi/linux/state.h": _STATE},
        {"include/uapi/linux/state.h": _PADDED.replace("pad", "mode")},
        finds=("1 include/uapi/linux/state.h:3",),
    ),
    bad(
        "a length that a macro gives",
        {
            **_TREE,
            "include/uapi/linux/ring.h": "#define LONGEST 8\n"
            + _RING.replace("reserved[2]", "name[LONGEST]"),
        },
        {"include/uapi/linux/ring.h": "#define LONGEST 16\n" + _RING.replace("reserved[2]", "name[LONGEST]")},
        finds=("1 include/uapi/linux/ring.h:4",),
    ),
    bad(
        "a new type that i386 lays out differently",
        {"include/uapi/linux/types.h": _TYPES},
        {"include/uapi/linux/state.h": _STATE},
        finds=("1 include/uapi/linux/state.h:3",),
    ),
    bad(
        "a pointer takes the place of a number: shorter for 32-bit programs, and another type for them",
        {**_TREE, "include/uapi/linux/state.h": _PADDED},
        {"include/uapi/linux/state.h": _PADDED.replace("__u64 stamp", "char *name")},
        finds=("1 include/uapi/linux/state.h:3", "1 include/uapi/linux/state.h:3"),
    ),
    good(
        "what was reserved is used",
        _TREE,
        {"include/uapi/linux/ring.h": _RING.replace("reserved[2]", "flags;\n\t__u32 reserved")},
    ),
    good(
        "a name is changed, and a union added",
        _TREE,
        {
            "include/uapi/linux/ring.h": _RING.replace("slots;", "count;").replace(
                "\t__u32 used;", "\tunion {\n\t\t__u32 used;\n\t\t__u32 taken;\n\t};"
            )
        },
    ),
    good(
        "almost: a new type with its padding said",
        {"include/uapi/linux/types.h": _TYPES},
        {"include/uapi/linux/state.h": _PADDED},
    ),
    good(
        "almost: a header that is the kernel's own",
        {"include/uapi/linux/types.h": _TYPES, "include/linux/ring.h": _RING},
        {"include/linux/ring.h": _RING.replace("\t__u32 used", "\t__u32 flags;\n\t__u32 used")},
    ),
    good(
        "32-bit programs had it elsewhere before",
        {**_TREE, "include/uapi/linux/state.h": _STATE},
        {"include/uapi/linux/state.h": _STATE.replace("__u32 flags", "__u32 mode")},
    ),
)
