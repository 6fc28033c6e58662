"""The course of a series: the snapshots from the base to the last patch, and what each patch did."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from checkseries.model import Patch
from checkseries.tree import Snapshot


@dataclass(frozen=True, slots=True)
class Step:
    """One applied patch: the tree before and after it, and the lines that it added."""

    patch: Patch
    before: Snapshot
    after: Snapshot
    added: dict[str, frozenset[int]]
    """Path -> numbers of the lines (from 1, in the file after the patch) that the patch wrote."""
    renames: dict[str, str]
    """New path -> old path."""

    @property
    def touched(self) -> tuple[str, ...]:
        """The paths whose content differs, sorted."""
        return tuple(sorted(self.after.touched))

    def removed(self, path: str) -> tuple[str, ...]:
        """The lines that the patch takes out of a file, without their line ends."""
        return tuple(
            line[1:].decode("latin-1").rstrip("\r\n")
            for edit in self.patch.edits
            if edit.path == path
            for hunk in edit.hunks
            for line in hunk.lines
            if line[:1] == b"-"
        )

    def written(self, path: str) -> tuple[tuple[int, str], ...]:
        """The lines that the patch writes into a file, each with its number after the patch."""
        fresh = self.added.get(path)
        data = self.after.peek(path) if fresh else None
        if not fresh or data is None:
            return ()
        lines = data.split(b"\n")
        return tuple(
            (number, lines[number - 1].decode("latin-1")) for number in sorted(fresh) if number <= len(lines)
        )


# There is one a run, and what is found out of it can be remembered by it.
@dataclass(frozen=True, slots=True, eq=False)
class History:
    """All snapshots of a series, and the architectures to judge for."""

    base: Snapshot
    steps: tuple[Step, ...]
    archs: tuple[str, ...]

    @property
    def snapshots(self) -> tuple[Snapshot, ...]:
        """The base and the state after each patch."""
        return (self.base, *(step.after for step in self.steps))

    @property
    def last(self) -> Snapshot:
        """The tree with the whole series."""
        return self.steps[-1].after if self.steps else self.base

    def touched(self, *suffixes: str) -> Iterator[tuple[Step, str]]:
        """Each step with each path that it touches, of those that end so."""
        for step in self.steps:
            for path in step.touched:
                if path.endswith(suffixes) or not suffixes:
                    yield step, path
