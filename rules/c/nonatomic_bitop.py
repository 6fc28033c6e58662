"""Bits that several CPUs change on their way up need atomic operations.

Why: __set_bit() and |= read a word, change it and write it back. Where HOTPLUG_PARALLEL is selected, secondary CPUs
run their early code at the same time, up to cpuhp_ap_sync_alive(): of two that change bits of one word, one's change
is lost.

Severity: a warning.

Not found: what is reached through pointers and parameters; code in other files than those of arch/*/kernel that the
C entry of secondary CPUs calls into; functions that take a lock are left out, whatever it protects.
"""

from __future__ import annotations

from collections.abc import Iterator

from checkseries.facts.early_boot import EarlyWrite, arch_symbols, early_bits, select_place
from checkseries.facts.kernel_words import PARALLEL
from checkseries.facts.presence import Option, every, never
from checkseries.judge.history import History
from checkseries.judge.parallel import parallel_archs
from checkseries.judge.rule import Subject, bad, counted, good, no_words, rule
from checkseries.model import Confidence, Finding, Related, Severity, Verdict
from checkseries.tree import Snapshot

_MOST = 40  # objects of one architecture


def changed_early(history: History, _arch: str) -> Iterator[Subject]:
    """What secondary CPUs change bits of early, in architectures that go parallel or whose code is touched."""
    for arch, new in parallel_archs(history):
        names = {each.name for each in _parallel(history.last, arch)}
        if names and not new:
            names -= {each.name for each in _parallel(history.base, arch)}
        for name in sorted(names)[:_MOST]:
            yield Subject(name, arch)


def _parallel(tree: Snapshot, arch: str) -> tuple[EarlyWrite, ...]:
    on = Option(PARALLEL, "y")
    return tuple(each for each in early_bits(tree, arch) if not never(every((each.condition, on))))


@rule(
    "nonatomic-bitop",
    severity=Severity.WARNING,
    confidence=Confidence.MEDIUM,
    since="0.1",
    subjects=changed_early,
    words=no_words,
    summary=counted("changes of bits"),
)
def check(tree: Snapshot, subject: Subject) -> Iterator[Verdict]:
    """One verdict a place that changes bits."""
    if PARALLEL not in arch_symbols(tree, subject.arch):
        return
    for each in _parallel(tree, subject.arch):
        if each.name == subject.name:
            yield Finding(
                rule="nonatomic-bitop",
                severity=Severity.WARNING,
                confidence=Confidence.MEDIUM,
                place=each.place,
                subject=each.name,
                message=(
                    f"secondary CPUs come up in parallel and change bits of {each.name} here: "
                    "without an atomic operation one's change is lost"
                ),
                archs=(subject.arch,),
                related=(
                    Related(select_place(tree, subject.arch, PARALLEL), f"{PARALLEL} is selected here"),
                ),
            )


_TOP = 'source "arch/Kconfig"\nsource "arch/$(SRCARCH)/Kconfig"\n'
_SERIAL = "config ARM64\n\tdef_bool y\n"
_ARCH = _SERIAL + "\tselect HOTPLUG_PARALLEL\n"
_SMP = (
    "void start_secondary(void)\n{\n\tcheck_caps();\n\tcpuhp_ap_sync_alive();\n"
    "\tnotify_cpu_starting(smp_processor_id());\n}\n"
)
_CAPS = (
    "static DECLARE_BITMAP(caps, 64);\n\nstatic void set_caps(int from)\n{\n\t__set_bit(from, caps);\n}\n\n"
    "void check_caps(void)\n{\n\tset_caps(1);\n}\n"
)
_C, _S = "arch/arm64/kernel/caps.c", "arch/arm64/kernel/smp.c"
_BASE = {
    "Kconfig": _TOP,
    "arch/Kconfig": "config HOTPLUG_PARALLEL\n\tbool\n",
    "arch/arm64/Kconfig": _SERIAL,
    _C: _CAPS,
    _S: _SMP,
}
_OWN = _SMP.replace("void start", "static unsigned long seen;\n\nvoid start").replace(
    "check_caps();", "seen |= 1UL << smp_processor_id();"
)

EXAMPLES = (
    bad("a bitmap in another file", _BASE, {"arch/arm64/Kconfig": _ARCH}, finds=(f"1 {_C}:5",)),
    bad(
        "a mask in the file itself",
        {**_BASE, _S: _OWN},
        {"arch/arm64/Kconfig": _ARCH},
        finds=(f"1 {_S}:5",),
    ),
    bad(
        "called before the CPU waits, where CPUs come up in parallel already",
        {
            **_BASE,
            "arch/arm64/Kconfig": _ARCH,
            _S: _SMP.replace(
                "\tcheck_caps();\n\tcpuhp_ap_sync_alive();\n", "\tcpuhp_ap_sync_alive();\n\tcheck_caps();\n"
            ),
        },
        {_S: _SMP},
        finds=(f"1 {_C}:5",),
    ),
    good(
        "called behind the point at which one CPU after the other is released",
        {
            **_BASE,
            _S: _SMP.replace(
                "\tcheck_caps();\n\tcpuhp_ap_sync_alive();\n", "\tcpuhp_ap_sync_alive();\n\tcheck_caps();\n"
            ),
        },
        {"arch/arm64/Kconfig": _ARCH},
    ),
    good(
        "an atomic operation",
        {**_BASE, _C: _CAPS.replace("__set_bit", "set_bit")},
        {"arch/arm64/Kconfig": _ARCH},
    ),
    good(
        "below a lock",
        {**_BASE, _C: _CAPS.replace("\t__set_bit", "\tguard(raw_spinlock)(&lock);\n\t__set_bit")},
        {"arch/arm64/Kconfig": _ARCH},
    ),
    good(
        "a bitmap of the function's own",
        {
            **_BASE,
            _C: _CAPS.replace("{\n\t__set_bit", "{\n\tDECLARE_BITMAP(caps, 64);\n\n\t__set_bit").replace(
                "static DECLARE_BITMAP(caps, 64);\n", ""
            ),
        },
        {"arch/arm64/Kconfig": _ARCH},
    ),
    good(
        "it was so before",
        {**_BASE, "arch/arm64/Kconfig": _ARCH},
        {"arch/arm64/Kconfig": _ARCH + '\nconfig NUMA\n\tbool "numa"\n'},
    ),
)
