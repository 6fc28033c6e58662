"""What a kernel tree is to everyone else: files by path, names, words.

A tree is one fixed revision. It is only ever read; symbolic links are never followed, and no path leaves it.
"""

from __future__ import annotations

import fnmatch
import hashlib
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Protocol


class Tree(Protocol):
    """One revision of a kernel tree."""

    @property
    def name(self) -> str:
        """What a reader calls it: the path and the revision."""

    @property
    def id(self) -> str | None:
        """What names all that it holds, as git's id of a tree does; None where nothing does."""

    def read(self, path: str) -> bytes | None:
        """The bytes of a regular file; None if there is none of that path (or it is a link or a directory)."""

    def blob(self, path: str) -> str | None:
        """The id by which git names what ``read`` gives; None where that is None."""

    def mode(self, path: str) -> str | None:
        """Git's mode of a path: ``100644``, ``100755``, ``120000`` for a link; None if there is none."""

    def paths(self) -> Collection[str]:
        """All paths of regular files, relative, with ``/``; in no order, but membership is cheap."""

    def grep(self, words: Collection[str]) -> Mapping[str, frozenset[str]]:
        """For each word the files that hold it as a whole identifier (``[A-Za-z0-9_]`` around it ends it).

        One scan serves all words; a tree may remember what it found.
        """


WORD = re.compile(rb"[A-Za-z0-9_]+")


def holds_word(text: bytes, word: str) -> bool:
    """Whether ``word`` stands in ``text`` as a whole identifier, as ``git grep -w`` means it."""
    needle = word.encode()
    if needle not in text:
        return False
    return re.search(rb"(?<![A-Za-z0-9_])" + re.escape(needle) + rb"(?![A-Za-z0-9_])", text) is not None


def identifiers(text: bytes) -> frozenset[bytes]:
    """All the words of a text at once, for one that is asked about many words."""
    return frozenset(WORD.findall(text))


def blob_id(data: bytes) -> str:
    """What git calls some bytes, in a repository of SHA-1 names."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def by_directory(paths: Iterable[str]) -> dict[str, list[str]]:
    """The paths by the directories that they are in; "" is the top."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in paths:
        found[path.rpartition("/")[0]].append(path)
    return found


def plain_name(pattern: str) -> bool:
    """Whether a shell pattern is one name."""
    return not any(letter in pattern for letter in "*?[")


def named(paths: Collection[str], pattern: str) -> frozenset[str]:
    """The paths whose last component matches a shell pattern, such as ``Kconfig*``."""
    if plain_name(pattern):
        return frozenset(path for path in paths if path.rpartition("/")[2] == pattern)
    match = re.compile(fnmatch.translate(pattern)).match
    return frozenset(path for path in paths if match(path.rpartition("/")[2]))


class MemoryTree:
    """A tree held in memory: for examples, contracts' snippets and tests."""

    def __init__(self, files: Mapping[str, bytes | str], name: str = "memory") -> None:
        self.name = name
        self._files = {path: data.encode() if isinstance(data, str) else data for path, data in files.items()}

    @property
    def id(self) -> str:
        blobs = (f"{path}\0{self.blob(path)}\n" for path in sorted(self._files))
        return hashlib.sha1(
            "".join(blobs).encode("utf-8", "surrogateescape"), usedforsecurity=False
        ).hexdigest()

    def read(self, path: str) -> bytes | None:
        return self._files.get(path)

    def blob(self, path: str) -> str | None:
        data = self._files.get(path)
        return None if data is None else blob_id(data)

    def mode(self, path: str) -> str | None:
        return "100644" if path in self._files else None

    def paths(self) -> Collection[str]:
        return self._files.keys()

    def grep(self, words: Collection[str]) -> Mapping[str, frozenset[str]]:
        return {
            word: frozenset(path for path, data in self._files.items() if holds_word(data, word))
            for word in words
        }
