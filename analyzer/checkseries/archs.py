"""Which architectures a series is judged for."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from checkseries.errors import UsageError
from checkseries.model import Series
from checkseries.tree import Tree

USUAL = ("arm64", "mips", "riscv", "x86")
"""Judged for every series: the four that between them have both word sizes and most of the Kconfig idioms."""


def archs_of(tree: Tree, series: Series | None, chosen: Sequence[str]) -> tuple[str, ...]:
    """The chosen architectures, else the usual ones and those whose directories the series touches; sorted."""
    there = {
        parts[1]
        for path in tree.paths()
        if len(parts := path.split("/")) == 3 and parts[::2] == ["arch", "Kconfig"]
    }
    for arch in chosen:
        if arch not in there:
            near = difflib.get_close_matches(arch, sorted(there), 1, 0.5)
            raise UsageError(
                f"--arch {arch}: the tree has no arch/{arch}/Kconfig"
                + (f"; did you mean {near[0]}?" if near else "")
            )
    if chosen:
        return tuple(sorted(set(chosen)))
    paths = [edit.path for patch in series.patches for edit in patch.edits] if series else []
    touched = {path.split("/")[1] for path in paths if path.startswith("arch/") and path.count("/") > 1}
    return tuple(sorted(there & {*USUAL, *touched}))
