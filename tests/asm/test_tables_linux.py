"""Every table that assembly of a real kernel steps through, and every member that it reads: all are right.

docs/assembly.md has the figures, and what is not known of each.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from checkseries.facts.asm_closure import constants_for
from checkseries.facts.asm_immediate import immediates
from checkseries.facts.asm_table import addressed, reached
from checkseries.facts.asm_text import function_of
from checkseries.git import Git
from checkseries.judge.load import load, shipped
from checkseries.judge.rule import Subject
from checkseries.model import Finding, Held
from checkseries.tree import Snapshot
from checkseries.tree.repository import RepositoryTree

pytestmark = pytest.mark.tree

RULES = {rule.id: rule for rule in load([shipped()])}
# What a step of the kernel is known to be, as a reader of both files sees it.
STEPS = {
    "arm64": {("__per_cpu_offset", 8)},
    "mips": {("__per_cpu_offset", 8), ("sys_call_table", 8), ("cache_err_dcache", 8)},
    "riscv": {("__cpu_spinwait_stack_pointer", 8), ("__cpu_spinwait_task_pointer", 8)},
    "x86": {("__per_cpu_offset", 8), ("cpuid_to_apicid", 4)},
}


@pytest.mark.parametrize("arch", STEPS)
def test_a_kernel_that_boots_has_no_mismatch(
    arch: str, trees: Path, record_property: Callable[[str, object], None]
) -> None:
    tree = Snapshot.of(RepositoryTree(Git(str(trees / "linux-7.2"), os.environ), "base", "linux-7.2"))
    paths = [path for path in tree.named("*.S") if path.startswith(f"arch/{arch}/")]
    found = {
        (name, path): reached(tree, name, path)
        for path in paths
        for name in sorted(frozenset().union(*addressed(tree, path).values()))
    }
    known = {
        (name, step.bytes)
        for (name, _), sites in found.items()
        for step in sites.strides
        if step.bytes is not None
    }
    assert known >= STEPS[arch]
    names = sorted(
        {name for name, _ in known} | {name for (name, _), sites in found.items() if sites.members}
    )
    functions = {
        (named, path)
        for path in paths
        for text in addressed(tree, path)
        if (named := function_of(text)) and any(word in text for word in constants_for(tree, path))
    }
    tree.expect({*names, *(name for name, _ in functions)})
    wrong = []
    subjects = {
        "stride-mismatch": [Subject(name) for name in names],
        "offset-mismatch": [Subject(name) for name in names],
        "stale-offset": [Subject(name) for name in names]
        + [Subject(name, "", (path,)) for name, path in sorted(functions)],
        "table-range": [
            Subject(name, arch)
            for name in sorted({name for (name, _), sites in found.items() if sites.searches})
        ]
        + [Subject(each.option, arch, (path,)) for path in paths for each in immediates(tree, path)],
    }
    for rule, asked in subjects.items():
        counts: Counter[str] = Counter()
        for subject in asked:
            for verdict in RULES[rule].check(tree, subject):
                counts["held" if isinstance(verdict, Held) else "not known"] += 1
                if isinstance(verdict, Finding):
                    wrong.append(f"{verdict.place.path}:{verdict.place.line}: {verdict.message}")
        for what, count in counts.items():
            record_property(f"{arch}: {rule}: {what}", count)
    record_property(f"{arch}: names that assembly takes the address of", len(found))
    record_property(f"{arch}: names that it steps through", len({name for name, _ in known}))
    assert wrong == []
