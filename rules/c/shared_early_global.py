"""What several CPUs write on their way up must not be one object for all of them.

Why: where HOTPLUG_PARALLEL is selected, secondary CPUs run the early boot code at the same time. A global that each
of them writes there, such as a boot status, holds what the last one wrote: nobody can tell whose it is, and what
one CPU reports is lost.

Severity: a warning. It may be that nobody reads it any more; then it is dead where CPUs come up in parallel.

Not found: members of structures; arrays, of which each CPU may have its own element; writes by way of registers that
assembly computed, and in files other than those of arch/*/kernel that begin with smp or hold assembly of secondary
CPUs; atomic instructions.
"""

from __future__ import annotations

from collections.abc import Iterator

from checkseries.facts.c_call import references
from checkseries.facts.c_decl import arch_of
from checkseries.facts.c_object import CObject, objects, objects_named
from checkseries.facts.c_words import BUILTIN
from checkseries.facts.early_boot import EarlyWrite, arch_symbols, early_writes, select_place
from checkseries.facts.kernel_words import PARALLEL
from checkseries.facts.presence import Option, every, never
from checkseries.judge.history import History
from checkseries.judge.parallel import parallel_archs
from checkseries.judge.rule import Subject, bad, counted, good, rule
from checkseries.model import Confidence, Finding, Held, Related, Severity, Undecided, Verdict
from checkseries.tree import Snapshot

_SCALARS = BUILTIN | frozenset(
    (
        "u8",
        "u16",
        "u32",
        "u64",
        "s8",
        "s16",
        "s32",
        "s64",
        "size_t",
        "ulong",
        "uint",
        "phys_addr_t",
        "pgprot_t",
    )
)
_MOST = 40  # objects of one architecture


def written_early(history: History, _arch: str) -> Iterator[Subject]:
    """What secondary CPUs write early: all of an architecture that goes parallel, else what the series adds."""
    for arch, new in parallel_archs(history):
        names = _names(history.last, arch)
        if names and not new:
            names -= _names(history.base, arch)
        for name in sorted(names)[:_MOST]:
            yield Subject(name, arch)


def _names(tree: Snapshot, arch: str) -> set[str]:
    return {
        each.name
        for each in _parallel(tree, arch)
        if each.place.path.endswith(".S") or objects_named(tree, each.place.path, each.name)
    }


def _parallel(tree: Snapshot, arch: str) -> tuple[EarlyWrite, ...]:
    """The early writes that are there where CPUs come up in parallel."""
    on = Option(PARALLEL, "y")
    return tuple(each for each in early_writes(tree, arch) if not never(every((each.condition, on))))


@rule(
    "shared-early-global",
    severity=Severity.WARNING,
    confidence=Confidence.MEDIUM,
    since="0.1",
    subjects=written_early,
    summary=counted("early written objects"),
)
def check(tree: Snapshot, subject: Subject) -> Iterator[Verdict]:
    """One verdict an object."""
    name, arch = subject.name, subject.arch
    if PARALLEL not in arch_symbols(tree, arch):
        return
    found = [each for each in _parallel(tree, arch) if each.name == name]
    if not found:
        return
    site = next((each for each in found if not each.zero), found[0]).place
    if all(each.zero for each in found):
        yield Held(site, f"{name}: every CPU writes the same")
        return
    declared = [each for each in objects(tree, name) if arch_of(each.place.path) in (None, arch)]
    if not declared:
        yield Undecided(site, f"what {name} is, is not said in C")
        return
    if not all(_scalar(each) for each in declared):
        yield Undecided(site, f"{name} is more than a single number")
        return
    readers = [each for each in references(tree, name) if arch_of(each.place.path) in (None, arch)]
    readers = [each for each in readers if (each.place.path, each.place.line) != (site.path, site.line)]
    on = Option(PARALLEL, "y")
    live = [each for each in readers if not never(every((each.condition, on)))]
    lost = "what one writes the next overwrites" if live else f"nothing reads it if CONFIG_{PARALLEL}"
    yield Finding(
        rule="shared-early-global",
        severity=Severity.WARNING,
        confidence=Confidence.MEDIUM,
        place=site,
        subject=name,
        message=f"secondary CPUs come up in parallel and write one {name} for all of them: {lost}",
        archs=(arch,),
        related=(
            Related(select_place(tree, arch, PARALLEL), f"{PARALLEL} is selected here"),
            *(Related(each.place, f"{name} is read here") for each in (live or readers)[:1]),
        ),
    )


def _scalar(each: CObject) -> bool:
    """Whether it is one number for all CPUs."""
    words = each.type.replace("*", " ").split()
    known = bool(words) and all(word in _SCALARS or word in ("const", "volatile") for word in words)
    return known and each.sure and not each.dims and not each.has("per-cpu", "__thread")


_ARCH = 'config ARM64\n\tdef_bool y\n\tselect HOTPLUG_PARALLEL if SMP\n\nconfig SMP\n\tbool "smp"\n'
_SPLIT = "config HOTPLUG_PARALLEL\n\tbool\n"
_TOP = 'source "arch/Kconfig"\nsource "arch/$(SRCARCH)/Kconfig"\n'
_SERIAL = _ARCH.replace("\tselect HOTPLUG_PARALLEL if SMP\n", "")
_HEAD = (
    "\t.macro\tupdate_status status, tmp1, tmp2\n"
    "\tmov\t\\tmp2, #\\status\n"
    "\tadr_l\t\\tmp1, early_status\n"
    "\tstr\t\\tmp2, [\\tmp1]\n"
    "\t.endm\n"
    "SYM_FUNC_START(secondary_entry)\n"
    "\tbl\t__enable_mmu\n"
    "SYM_FUNC_END(secondary_entry)\n"
    "SYM_FUNC_START(__enable_mmu)\n"
    "\tupdate_status 3, x1, x2\n"
    "\tret\n"
    "SYM_FUNC_END(__enable_mmu)\n"
)
_SMP = "long early_status;\nint cpu_up(int cpu)\n{\n\treturn READ_ONCE(early_status) == 0;\n}\n"
_STARTED = (
    "int up_count;\n\nvoid start_secondary(void)\n{\n\tup_count = smp_processor_id();\n"
    "\tcpuhp_ap_sync_alive();\n\tnotify_cpu_starting(0);\n}\n\nint last_up(void)\n{\n\treturn up_count;\n}\n"
)
_BASE = {
    "Kconfig": _TOP,
    "arch/Kconfig": _SPLIT,
    "arch/arm64/Kconfig": _SERIAL,
    "arch/arm64/kernel/head.S": _HEAD,
    "arch/arm64/kernel/smp.c": _SMP,
}
_AFTER_RELEASE = _STARTED.replace("\tup_count = smp_processor_id();\n\tcpuhp_ap_sync_alive();\n",
                                  "\tcpuhp_ap_sync_alive();\n\tup_count = smp_processor_id();\n")  # fmt: skip

EXAMPLES = (
    bad(
        "a status that assembly writes",
        _BASE,
        {"arch/arm64/Kconfig": _ARCH},
        finds=("1 arch/arm64/kernel/head.S:4",),
    ),
    bad(
        "selected by way of another symbol",
        {**_BASE, "arch/Kconfig": _SPLIT + "config BOOT_AT_ONCE\n\tbool\n\tselect HOTPLUG_PARALLEL\n"},
        {"arch/arm64/Kconfig": _ARCH.replace("HOTPLUG_PARALLEL", "BOOT_AT_ONCE")},
        finds=("1 arch/arm64/kernel/head.S:4",),
    ),
    bad(
        "a number that C writes before the CPU is released",
        {**_BASE, "arch/arm64/kernel/smp.c": _STARTED, "arch/arm64/kernel/head.S": "\tnop\n"},
        {"arch/arm64/Kconfig": _ARCH},
        finds=("1 arch/arm64/kernel/smp.c:5",),
    ),
    bad(
        "a new write where CPUs come up in parallel already",
        {**_BASE, "arch/arm64/Kconfig": _ARCH, "arch/arm64/kernel/head.S": "\tnop\n"},
        {"arch/arm64/kernel/head.S": _HEAD},
        finds=("1 arch/arm64/kernel/head.S:4",),
    ),
    good(
        "written behind the point at which one CPU after the other is released",
        {**_BASE, "arch/arm64/kernel/smp.c": _AFTER_RELEASE, "arch/arm64/kernel/head.S": "\tnop\n"},
        {"arch/arm64/Kconfig": _ARCH},
    ),
    good(
        "an array, of which each CPU may have its own",
        {**_BASE, "arch/arm64/kernel/smp.c": _SMP.replace("early_status;", "early_status[8];", 1)},
        {"arch/arm64/Kconfig": _ARCH},
    ),
    good(
        "nothing but zero is written",
        {**_BASE, "arch/arm64/kernel/head.S": _HEAD.replace("str\t\\tmp2,", "str\txzr,")},
        {"arch/arm64/Kconfig": _ARCH},
    ),
    good(
        "only where CPUs come up one by one",
        _BASE,
        {
            "arch/arm64/Kconfig": _ARCH,
            "arch/arm64/kernel/head.S": f"#ifndef CONFIG_HOTPLUG_PARALLEL\n{_HEAD}#endif\n",
        },
    ),
    good(
        "it was so before",
        {**_BASE, "arch/arm64/Kconfig": _ARCH},
        {"arch/arm64/Kconfig": _ARCH + '\nconfig NUMA\n\tbool "numa"\n'},
    ),
)
