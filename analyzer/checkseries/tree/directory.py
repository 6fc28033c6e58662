"""A kernel tree that is just files: an unpacked tarball, or a work tree as it lies."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterator, Mapping

from checkseries.errors import TreeError
from checkseries.tree.base import blob_id, holds_word

_LARGEST_FILE = 64 << 20
_MOST_FILES = 1_000_000


class DirectoryTree:
    """The regular files below a directory; links are neither followed nor listed."""

    def __init__(self, root: str, name: str, paths: Collection[str] | None = None) -> None:
        """``paths`` limits the tree to those files, such as the tracked ones; left out: all of them."""
        self.name = name
        self._root = root
        self._blobs: dict[str, str | None] = {}
        if paths is None:
            self._paths = frozenset(_walk(root))
        else:
            self._paths = frozenset(path for path in paths if _plain(root, path))

    @property
    def id(self) -> None:
        """None: files that lie there change."""

    def read(self, path: str) -> bytes | None:
        if path not in self._paths:
            return None
        try:
            handle = os.open(
                os.path.join(self._root, path), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            )
        except OSError:
            return None
        with open(handle, "rb", buffering=0) as file:
            if os.fstat(handle).st_size > _LARGEST_FILE:
                return None
            return file.read()

    def blob(self, path: str) -> str | None:
        if path not in self._blobs:  # each fact that is kept of a file asks
            data = self.read(path)
            self._blobs[path] = None if data is None else blob_id(data)
        return self._blobs[path]

    def mode(self, path: str) -> str | None:
        return "100644" if path in self._paths else None

    def paths(self) -> Collection[str]:
        return self._paths

    def grep(self, words: Collection[str]) -> Mapping[str, frozenset[str]]:
        needles = [(word, word.encode()) for word in words]
        found: dict[str, set[str]] = {word: set() for word in words}
        for path in self._paths:
            data = self.read(path)
            if data is None:
                continue
            for word, needle in needles:
                if needle in data and holds_word(data, word):
                    found[word].add(path)
        return {word: frozenset(paths) for word, paths in found.items()}


def _plain(root: str, path: str) -> bool:
    """Whether a path is a regular file that no link on the way leads out of the tree."""
    full = os.path.join(root, path)
    try:
        return stat.S_ISREG(os.lstat(full).st_mode) and os.path.realpath(full) == os.path.join(
            os.path.realpath(root), path
        )
    except OSError:
        return False


def _walk(root: str) -> Iterator[str]:
    count = 0
    for directory, below, names in os.walk(root, followlinks=False):
        below[:] = [name for name in below if name != ".git"]
        inside = os.path.relpath(directory, root)
        for name in names:
            full = os.path.join(directory, name)
            try:
                if not stat.S_ISREG(os.lstat(full).st_mode):
                    continue
            except OSError:
                continue
            count += 1
            if count > _MOST_FILES:
                raise TreeError(f"{root}: more than {_MOST_FILES} files; this is no kernel tree")
            yield name if inside == "." else f"{inside}/{name}"
