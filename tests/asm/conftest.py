"""Assembly for these tests: one arm64 file in a tree of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from checkseries.facts.asm import Measure, Stride, strides
from checkseries.tree import MemoryTree, Snapshot

PATH = "arch/arm64/kernel/try.S"

Steps = Callable[..., tuple[Stride, ...]]


@pytest.fixture
def steps() -> Steps:
    """Asks how a file of this text steps through ``table``; ``files`` are further files of the tree."""

    def ask(
        text: str,
        symbol: str = "table",
        *,
        files: Mapping[str, str] | None = None,
        measure: Measure | None = None,
        path: str = PATH,
    ) -> tuple[Stride, ...]:
        tree = Snapshot.of(MemoryTree({**(files or {}), path: text}))
        return strides(tree, symbol, path, measure)

    return ask
