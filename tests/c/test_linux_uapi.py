"""The public headers of a real kernel: nearly all of their types are known, in every ABI."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from checkseries.facts.uapi import Shape, abis, declared, public, shape
from checkseries.tree import Snapshot

pytestmark = pytest.mark.tree


def test_public_headers_are_understood(
    linux: Snapshot, record_property: Callable[[str, object], None]
) -> None:
    answers: Counter[bool] = Counter()
    for path in linux.named("*.h"):
        if public(path) and path.startswith(("include/uapi/linux/k", "include/uapi/rdma/", "arch/x86/")):
            for name in declared(linux, path):
                answers.update(isinstance(shape(linux, path, name, each.name), Shape) for each in abis(path))
    record_property("types of public headers that are known", answers[True])
    record_property("types of public headers that are unknown", answers[False])
    assert answers[True] > 20 * answers[False]
