"""Snapshots for the tests of what C says: of files in memory, and of the real trees."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

import pytest

from checkseries.tree import MemoryTree, Snapshot
from checkseries.tree.base import blob_id


@pytest.fixture
def snapshot() -> Callable[[Mapping[str, str]], Snapshot]:
    def made(files: Mapping[str, str]) -> Snapshot:
        return Snapshot.of(MemoryTree(dict(files)))

    return made


class CheckedOut:
    """The tracked files of a work tree."""

    def __init__(self, root: Path) -> None:
        self.name = root.name
        self._root = str(root)
        self._paths = frozenset(self._git("ls-files").split("\n"))

    def _git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", "-C", self._root, *arguments], capture_output=True, text=True, check=False
        )
        return done.stdout

    @property
    def id(self) -> None:
        """None, as files lie there."""

    def read(self, path: str) -> bytes | None:
        try:
            return Path(os.path.join(self._root, path)).read_bytes()
        except OSError:
            return None

    def blob(self, path: str) -> str | None:
        data = self.read(path)
        return None if data is None else blob_id(data)

    def mode(self, path: str) -> str | None:
        return "100644" if path in self._paths else None

    def paths(self) -> Collection[str]:
        return self._paths

    def grep(self, words: Collection[str]) -> Mapping[str, frozenset[str]]:
        return {word: frozenset(self._git("grep", "-lwF", "-e", word).split()) for word in words}


@pytest.fixture(scope="session")
def linux(trees: Path) -> Snapshot:
    """Linux 7.2."""
    return Snapshot.of(CheckedOut(trees / "linux-7.2"))
