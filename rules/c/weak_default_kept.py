"""An architecture that overrides some of a family of hooks should know which defaults of the others it takes over.

Why: a symbol that an architecture newly selects brings calls of hooks that it never had to think of. Their weak
defaults do nothing or say yes, so that everything builds and boots; what the architecture cleans up, polls or
refuses in the hooks that it overrides is left out in the others.

Severity: a note: the default may be all that is needed.

Not found: hooks outside of kernel/, mm/ and init/, and in their subdirectories; selects in other files than
arch/*/Kconfig, but for what arch/Kconfig selects in turn.
"""

from __future__ import annotations

from collections.abc import Iterator

from checkseries.facts.c_decl import Declaration, arch_of, declarations
from checkseries.facts.early_boot import arch_symbols, select_place
from checkseries.facts.weak_hook import Hook, core_files, weak_hooks
from checkseries.judge.history import History
from checkseries.judge.rule import Subject, bad, counted, good, rule
from checkseries.model import Confidence, Finding, Held, Related, Severity, Undecided, Verdict
from checkseries.tree import Snapshot

_MOST = 12  # symbols that an architecture newly selects
_HOOKS = 20  # of one symbol


def newly_reached(history: History, _arch: str) -> Iterator[Subject]:
    """The hooks that are there only with a symbol which the series makes an architecture select."""
    archs = {
        arch
        for _, path in history.touched("Kconfig")
        if path == "arch/Kconfig" or path == f"arch/{arch_of(path)}/Kconfig"
        for arch in ((arch_of(path),) if arch_of(path) else history.archs)
    }
    for arch in sorted(each for each in archs if each):
        new = arch_symbols(history.last, arch) - arch_symbols(history.base, arch)
        for symbol in sorted(new)[:_MOST]:
            for path in core_files(history.last, symbol):
                hooks = weak_hooks(history.last, path)
                for hook in [each for each in hooks if each.needs(symbol)][:_HOOKS]:
                    kin = (each.name for each in _siblings(hooks, hook))
                    yield Subject(hook.name, arch, (path, symbol, *kin))


def _siblings(hooks: tuple[Hook, ...], hook: Hook) -> tuple[Hook, ...]:
    return tuple(each for each in hooks if each.family == hook.family and each.name != hook.name)


def words(subject: Subject) -> tuple[str, ...]:
    """The hook and its family."""
    return (subject.name, *subject.detail[2:])


@rule(
    "weak-default-kept",
    severity=Severity.NOTE,
    confidence=Confidence.MEDIUM,
    since="0.1",
    subjects=newly_reached,
    words=words,
    summary=counted("weak defaults"),
)
def check(tree: Snapshot, subject: Subject) -> Iterator[Verdict]:
    """One verdict a hook of an architecture."""
    path, symbol = subject.detail[:2]
    arch = subject.arch
    hooks = weak_hooks(tree, path)
    hook = next((each for each in hooks if each.name == subject.name and each.needs(symbol)), None)
    if hook is None or symbol not in arch_symbols(tree, arch):
        return
    own = _overrides(tree, hook.name, arch)
    if own:
        yield Held(own[0].place, f"{arch} has a {hook.name}() of its own")
        return
    if any(arch_of(other) == arch and other.endswith(".S") for other in tree.grep(hook.name)):
        yield Undecided(hook.place, f"assembly of {arch} names {hook.name}")
        return
    kin = [each for sibling in _siblings(hooks, hook) for each in _overrides(tree, sibling.name, arch)]
    if not kin:
        return
    where = select_place(tree, arch, symbol)
    yield Finding(
        rule="weak-default-kept",
        severity=Severity.NOTE,
        confidence=Confidence.MEDIUM,
        place=where,
        subject=hook.name,
        message=(
            f"{arch} overrides {kin[0].name}(), but with {symbol} it takes over the weak default of {hook.name}()"
        ),
        archs=(arch,),
        related=(
            Related(hook.place, "the weak default"),
            Related(kin[0].place, f"{arch} overrides this one"),
        ),
    )


def _overrides(tree: Snapshot, name: str, arch: str) -> tuple[Declaration, ...]:
    """The definitions of a hook in an architecture."""
    return tuple(
        each
        for each in declarations(tree, name)
        if arch_of(each.place.path) == arch and each.kind in ("definition", "macro", "alias")
    )


_TOP = 'source "arch/Kconfig"\nsource "arch/$(SRCARCH)/Kconfig"\n'
_SHARED = (
    "config SYNC_DEAD\n\tbool\n\nconfig SYNC_ALIVE\n\tbool\n\nconfig PARALLEL\n\tbool\n\tselect SYNC_ALIVE\n"
)
_ARCH = "config X86\n\tdef_bool y\n\tselect SYNC_DEAD\n"
_SELECTING = _ARCH + "\tselect PARALLEL\n"
_CORE = (
    "#ifdef CONFIG_SYNC_DEAD\nvoid __weak arch_cpu_cleanup_dead(int cpu) { }\n#endif\n"
    "#ifdef CONFIG_SYNC_ALIVE\nvoid __weak arch_cpu_cleanup_kick(int cpu) { }\n#endif\n"
)
_OWN = "void arch_cpu_cleanup_dead(int cpu)\n{\n\treap(cpu);\n}\n"
_BASE = {
    "Kconfig": _TOP,
    "arch/Kconfig": _SHARED,
    "arch/x86/Kconfig": _ARCH,
    "kernel/cpu.c": _CORE,
    "arch/x86/kernel/smp.c": _OWN,
}
_BOTH = _OWN + _OWN.replace("dead", "kick")

EXAMPLES = (
    bad(
        "one of two clean-ups is overridden",
        _BASE,
        {"arch/x86/Kconfig": _SELECTING},
        finds=("1 arch/x86/Kconfig:4",),
    ),
    bad(
        "arch/Kconfig selects what the hook needs",
        {
            **_BASE,
            "arch/x86/Kconfig": _SELECTING,
            "arch/Kconfig": _SHARED.replace("\tselect SYNC_ALIVE\n", ""),
        },
        {"arch/Kconfig": _SHARED},
        finds=("1 arch/x86/Kconfig:4",),
    ),
    good(
        "the other one is overridden along with it",
        _BASE,
        {"arch/x86/Kconfig": _SELECTING, "arch/x86/kernel/smp.c": _BOTH},
    ),
    good(
        "no hook of the family is overridden",
        {**_BASE, "arch/x86/kernel/smp.c": "int x;\n"},
        {"arch/x86/Kconfig": _SELECTING},
    ),
    good(
        "the hook is there without the symbol too",
        {**_BASE, "kernel/cpu.c": _CORE.replace("#ifdef CONFIG_SYNC_ALIVE\n", "#ifdef CONFIG_SYNC_DEAD\n")},
        {"arch/x86/Kconfig": _SELECTING},
    ),
    good(
        "a hook of another family",
        {**_BASE, "kernel/cpu.c": _CORE.replace("arch_cpu_cleanup_kick", "arch_smt_update")},
        {"arch/x86/Kconfig": _SELECTING},
    ),
    good(
        "it was so before",
        {**_BASE, "arch/x86/Kconfig": _SELECTING},
        {"arch/x86/Kconfig": _SELECTING + '\nconfig NUMA\n\tbool "numa"\n'},
    ),
)
