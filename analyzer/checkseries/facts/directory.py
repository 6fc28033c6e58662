"""The source files of single directories, out of one listing of the tree."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from checkseries.tree import Snapshot, fact

_DEEPEST = 3  # arch/ARCH/kernel


@fact
def _listed(tree: Snapshot, pattern: str) -> Mapping[str, tuple[str, ...]]:
    found: dict[str, list[str]] = defaultdict(list)
    for path in tree.named(pattern):
        if path.count("/") <= _DEEPEST:
            found[path.rpartition("/")[0]].append(path)
    return {directory: tuple(paths) for directory, paths in found.items()}


def c_files(tree: Snapshot, directory: str) -> tuple[str, ...]:
    """The .c files of a directory near the top, not of those below it, sorted."""
    return _listed(tree, "*.c").get(directory, ())


def assembly_files(tree: Snapshot, directory: str) -> tuple[str, ...]:
    """The .S files of a directory near the top, not of those below it, sorted."""
    return _listed(tree, "*.S").get(directory, ())
