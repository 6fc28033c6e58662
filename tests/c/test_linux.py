"""What is found in a real kernel, against a plain search of the comment-free text."""

from __future__ import annotations

import re

import pytest

from checkseries.facts.c_call import arity, calls
from checkseries.facts.c_decl import declarations, kernel_source, seen_from
from checkseries.facts.c_text import code
from checkseries.tree import Snapshot

pytestmark = pytest.mark.tree

NAMES = ["cpu_online", "task_cpu", "update_cpu_boot_status", "cpumask_test_cpu", "kick_process", "set_cpu_online", "irq_set_affinity", "smp_call_function_single", "cpu_panic_kernel", "mutex_lock_interruptible"]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_no_occurrence_goes_unaccounted(linux: Snapshot, name: str) -> None:
    """Each ``name (`` is a call, a declaration, a macro's definition, a member or on a directive's condition."""
    found = {(call.place.path, call.place.line, call.place.column) for call in calls(linux, name)}
    declared = {(each.place.path, each.place.line, each.place.column) for each in declarations(linux, name)}
    assert not found & declared
    missed = []
    for path in linux.grep(name):
        data = linux.read(path)
        if data is None or not kernel_source(path):
            continue
        source = code(data)
        for match in re.finditer(rf"(?<![\w$.#])(?<!->){name}\s*\(", source.text):
            spot = (path, source.line(match.start()), source.column(match.start()))
            if spot not in found and spot not in declared:
                missed.append((*spot, source.source_line(match.start())))
    shadowed = [each for each in missed if re.search(r"\b(?:int|void|bool)\s+\w+\(|^\s*#", each[3])]
    print(f"{name}: {len(found)} calls, {len(declared)} declarations, {len(missed)} neither: {missed[:5]}")
    assert missed == shadowed


@pytest.mark.parametrize("name", NAMES)
def test_a_kernel_that_builds_has_no_drift(linux: Snapshot, name: str) -> None:
    declared = declarations(linux, name)
    wrong = []
    for call in calls(linux, name):
        seen = seen_from(declared, call.place.path)
        fits = [each.accepts(len(call.arguments)) for each in seen]
        if seen and not any(fit is not False for fit in fits) and arity(linux, call) is not None:
            wrong.append((call.place.path, call.place.line, call.arguments))
    assert wrong == []
