"""The architectures whose early boot code a series makes concurrent, or touches where it is so already."""

from __future__ import annotations

from collections.abc import Iterator

from checkseries.facts.c_decl import arch_of
from checkseries.facts.early_boot import arch_symbols
from checkseries.facts.kernel_words import PARALLEL
from checkseries.judge.history import History


def parallel_archs(history: History) -> Iterator[tuple[str, bool]]:
    """Each such architecture, and whether it is the series that lets its secondary CPUs come up in parallel."""
    entries: set[str] = set()
    code: set[str] = set()
    for _, path in history.touched():
        arch = arch_of(path)
        if path == "arch/Kconfig":
            entries.update(history.archs)
        elif arch and path == f"arch/{arch}/Kconfig":
            entries.add(arch)
        elif arch and path.startswith(f"arch/{arch}/kernel/") and path.endswith((".c", ".S")):
            code.add(arch)
    for arch in sorted(entries | code):
        if PARALLEL in arch_symbols(history.last, arch):
            new = PARALLEL not in arch_symbols(history.base, arch)
            if new or arch in code:
                yield arch, new
