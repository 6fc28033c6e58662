"""The series that brings parallel bring-up to arm64, with one fault each: made from the mails of the real one.

Nothing of the series is kept here but the few tokens that a fault replaces. ``faulty`` takes the mailbox and
gives it back changed; the counts and line numbers of hunks are computed anew, in the patches that follow,
too, so that each variant still applies to Linux 7.2.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Change:
    """In the diff of one file in one patch: text that stands there exactly once, and what replaces it.

    Both are lines of the diff, with their first character. A hunk that is left without a change goes, and
    so does a file that is left without a hunk.
    """

    patch: int
    path: str
    old: bytes
    new: bytes


@dataclass(frozen=True, slots=True)
class Expected:
    """One finding that a run must report; empty ``archs`` are not compared."""

    rule: str
    path: str
    patch: int
    subject: str
    severity: str = "error"
    archs: tuple[str, ...] = ()
    repaired_by: int | None = None


@dataclass(frozen=True, slots=True)
class Variant:
    """A fault: what it changes, and what is found besides what the series has anyway."""

    what: str
    changes: tuple[Change, ...]
    expected: tuple[Expected, ...]


SMP_C = "arch/arm64/kernel/smp.c"
SMP_H = "arch/arm64/include/asm/smp.h"
HEAD = "arch/arm64/kernel/head.S"
PRIMARY = "PARALLEL_SMT_PRIMARY_FIRST"

AS_SENT = (
    Expected("ro-after-init-write", SMP_C, 3, "cpu_boot_data"),
    Expected("ro-after-init-write", SMP_H, 3, "cpu_boot_data"),
)
"""What is wrong with the series as it was sent."""

WARNED = (Expected("shared-early-global", HEAD, 3, "__early_cpu_boot_status"),)
"""What it is warned of besides, with its errors repaired too."""

VARIANTS: Mapping[str, Variant] = {
    "boot-data-stride-8": Variant(
        "head.S steps through cpu_boot_data by 8 instead of 16",
        (Change(3, HEAD, b"+\tlsl\tx3, x19, #4\n", b"+\tlsl\tx3, x19, #3\n"),),
        (Expected("boot-data-stride", HEAD, 3, "cpu_boot_data"),),
    ),
    "mpidr-table-stride-4": Variant(
        "head.S searches the table of MPIDRs in steps of 4 instead of 8",
        (Change(3, HEAD, b"[x1, x19, lsl #3]\n", b"[x1, x19, lsl #2]\n"),),
        (Expected("mpidr-table-stride", HEAD, 3, "__mpidr_to_cpuid_table"),),
    ),
    "boot-data-third-long": Variant(
        "struct secondary_data grows to 24 bytes, head.S steps by 16",
        (Change(3, SMP_H, b" \tlong status;\n", b" \tlong status;\n+\tlong attempts;\n"),),
        (Expected("boot-data-stride", SMP_H, 3, "cpu_boot_data"),),
    ),
    "caller-left-behind": Variant(
        "one caller of cpu_panic_kernel() passes nothing yet",
        (
            Change(2, "arch/arm64/mm/context.c", b"-\t\tcpu_panic_kernel();\n", b" \t\tcpu_panic_kernel();\n"),
            Change(2, "arch/arm64/mm/context.c", b"+\t\tcpu_panic_kernel(smp_processor_id());\n", b""),
        ),
        (Expected("signature-drift", "arch/arm64/mm/context.c", 2, "cpu_panic_kernel"),),
    ),
    "arguments-swapped": Variant(
        "a status stands where the CPU belongs",
        (
            Change(2, SMP_C, b"+\tupdate_cpu_boot_status(cpu, CPU_BOOT_SUCCESS", b"+\tupdate_cpu_boot_status(CPU_BOOT_SUCCESS, cpu"),
            Change(3, SMP_C, b" \tupdate_cpu_boot_status(cpu, CPU_BOOT_SUCCESS", b" \tupdate_cpu_boot_status(CPU_BOOT_SUCCESS, cpu"),
        ),
        (Expected("boot-status-cpu-id", SMP_C, 2, "update_cpu_boot_status"),),
    ),
    "pointer-for-cpu": Variant(
        "the idle task stands where the CPU belongs",
        (Change(3, SMP_C, b"+\tupdate_cpu_boot_status(cpu, CPU_MMU_OFF)", b"+\tupdate_cpu_boot_status(tidle, CPU_MMU_OFF)"),),
        (Expected("boot-status-cpu-id", SMP_C, 3, "update_cpu_boot_status"),),
    ),
    "x86-not-selecting": Variant(
        "x86 boots in parallel without primary threads first",
        (Change(1, "arch/x86/Kconfig", f"+\tselect {PRIMARY}\tif HOTPLUG_PARALLEL\n".encode(), b""),),
        (Expected("hotplug-parallel-selects", "arch/x86/Kconfig", 1, PRIMARY, archs=("x86",)),),
    ),
    "riscv-narrower": Variant(
        "riscv selects primary threads first only with NUMA",
        (Change(1, "arch/riscv/Kconfig", b" if HOTPLUG_PARALLEL\n", b" if HOTPLUG_PARALLEL && NUMA\n"),),
        (Expected("hotplug-parallel-selects", "arch/riscv/Kconfig", 1, PRIMARY, archs=("riscv",)),),
    ),
    "arm64-selecting": Variant(
        "arm64 selects primary threads first, which it must not",
        (
            Change(
                3,
                "arch/arm64/Kconfig",
                b"+\tselect HOTPLUG_PARALLEL if SMP && HOTPLUG_CPU\n",
                b"+\tselect HOTPLUG_PARALLEL if SMP && HOTPLUG_CPU\n"
                + f"+\tselect {PRIMARY} if HOTPLUG_PARALLEL\n".encode(),
            ),
        ),
        (
            Expected("hotplug-parallel-selects", "arch/arm64/Kconfig", 3, PRIMARY, archs=("arm64",)),
            Expected("undefined-on-arch", "kernel/cpu.c", 3, "cpu_primary_thread_mask", archs=("arm64",)),
        ),
    ),
    "mips-unconditional": Variant(
        "EYEQ selects primary threads first without HOTPLUG_PARALLEL, on which that depends",
        (Change(1, "arch/mips/Kconfig", f"+\tselect {PRIMARY} if HOTPLUG_PARALLEL\n".encode(), f"+\tselect {PRIMARY}\n".encode()),),
        (Expected("unmet-dependency", "arch/mips/Kconfig", 1, PRIMARY, archs=("mips",)),),
    ),
    "symbol-misspelt": Variant(
        "one #ifdef asks for a symbol that is not defined",
        (
            Change(
                1,
                "kernel/cpu.c",
                f"+#ifdef CONFIG_{PRIMARY}\n \tif (cpuhp_smt_aware()) {{\n".encode(),
                b"+#ifdef CONFIG_PARALLEL_SMT_PRIMRY_FIRST\n \tif (cpuhp_smt_aware()) {\n",
            ),
        ),
        (Expected("undefined-symbol", "kernel/cpu.c", 1, "PARALLEL_SMT_PRIMRY_FIRST"),),
    ),
    "callers-first": Variant(
        "the callers of update_cpu_boot_status() change a patch before the function",
        (
            Change(2, SMP_H, b"-static inline void update_cpu_boot_status(int val)\n", b" static inline void update_cpu_boot_status(int val)\n"),
            Change(2, SMP_H, b"+static inline void update_cpu_boot_status(unsigned int cpu, int val)\n", b""),
            Change(
                3,
                SMP_H,
                b" static inline void update_cpu_boot_status(unsigned int cpu, int val)\n",
                b"-static inline void update_cpu_boot_status(int val)\n"
                b"+static inline void update_cpu_boot_status(unsigned int cpu, int val)\n",
            ),
        ),
        (
            Expected("signature-drift", SMP_C, 2, "update_cpu_boot_status", repaired_by=3),
            Expected("signature-drift", SMP_H, 2, "update_cpu_boot_status", repaired_by=3),
        ),
    ),
}  # fmt: skip


def faulty(mailbox: bytes, name: str) -> bytes:
    """The mailbox of the real series with the named fault put in; raises ``ValueError`` if it does not fit."""
    parts = list(_parts(mailbox))
    for change in VARIANTS[name].changes:
        fitting = [each for each in parts if (each.patch, each.path) == (change.patch, change.path)]
        if len(fitting) != 1 or fitting[0].text.count(change.old) != 1:
            raise ValueError(
                f"{name}: {change.old!r} does not stand once in {change.path} of patch {change.patch}"
            )
        fitting[0].text = fitting[0].text.replace(change.old, change.new)
    moved: dict[str, list[tuple[int, int]]] = {}
    return b"".join(
        _counted(part, moved.setdefault(part.path, [])) if part.path else part.text for part in parts
    )


def repaired(mailbox: bytes) -> bytes:
    """The mailbox with the one fault mended that the series was sent with: nothing is to be found in it."""
    wrong = b"cpu_boot_data[NR_CPUS] ____cacheline_aligned __ro_after_init;"
    if mailbox.count(wrong) != 1:
        raise ValueError("the series is another")
    return mailbox.replace(wrong, b"cpu_boot_data[NR_CPUS] ____cacheline_aligned;")


@dataclass(slots=True)
class _Part:
    """Mail text, or the diff of one file (which then has a path)."""

    text: bytes
    patch: int = 0
    path: str = ""
    start: int = field(default=0, compare=False)


_FILE = re.compile(rb"^diff --git a/(\S+) b/\S+\n", re.MULTILINE)
_NUMBER = re.compile(rb"^Subject: \[[^\]]*?(\d+)/\d+\]", re.MULTILINE)
_HUNK = re.compile(rb"^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@(.*\n)", re.MULTILINE)


def _parts(mailbox: bytes) -> Iterator[_Part]:
    """The mailbox in parts that make it up again when put one after the other."""
    for mail in re.split(rb"(?m)^(?=From \S+ \w{3} \w{3} )", mailbox):
        number = _NUMBER.search(mail)
        starts = [match.start() for match in _FILE.finditer(mail)]
        end = mail.rfind(b"\n-- \n") + 1
        yield _Part(mail[: starts[0]] if starts else mail)
        for start, stop in zip(starts, [*starts[1:], end], strict=True) if starts else ():
            path = _FILE.match(mail[start:stop])
            assert path is not None
            assert number is not None
            yield _Part(mail[start:stop], int(number.group(1)), path.group(1).decode())
        if starts:
            yield _Part(mail[end:])


def _counted(part: _Part, moved: list[tuple[int, int]]) -> bytes:
    """The diff of a file with right hunk headers; ``moved`` are shifts by earlier patches, and takes new ones."""
    head, *rest = re.split(rb"(?m)^(?=@@ )", part.text)
    hunks: list[bytes] = []
    earlier = list(moved)
    shift = 0
    for text in rest:
        match = _HUNK.match(text)
        assert match is not None
        lines = text[match.end() :].splitlines(keepends=True)
        old = sum(line[:1] in b" -" for line in lines)
        new = sum(line[:1] in b" +" for line in lines)
        before = int(match.group(2) or 1)
        after = int(match.group(4) or 1)
        start = int(match.group(1))
        there = start + sum(by for line, by in earlier if line <= start)
        if any(line[:1] in b"+-" for line in lines):
            to = int(match.group(3)) + (there - start) + shift
            hunks.append(b"@@ -%d,%d +%d,%d @@" % (there, old, to, new) + match.group(5) + b"".join(lines))
        by = (new - old) - (after - before)
        if by:
            moved.append((int(match.group(3)) + after, by))
        shift += by
    return head + b"".join(hunks) if hunks else b""
