"""Which directories of a tree can hold a word: what a search of it may pass by.

A search of a kernel reads one and a half gigabytes. Most words that it is made for stand in a few directories;
the concordance names these, and perhaps one too many: it keeps hashes, so what it names has to be looked at. Making
one takes about as long as four searches.
"""

from __future__ import annotations

import contextlib
import glob
import os
import re
import sqlite3
import zlib
from array import array
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from checkseries.tree.base import by_directory
from checkseries.tree.cached import connected, unpacked, write
from checkseries.workers import start

KEPT = 3
"""Concordances of trees that are kept; each takes about 100 MB."""
_BUCKETS = 1024
_MOST_DIRECTORIES = 1 << 16
_MOST_PAIRS = 60_000_000  # words of directories; 7.2 has 15 million
_LONGEST = 64 << 20  # bytes of the names of all directories
_NAME = re.compile(r"tree-1-([0-9a-f]{40}(?:[0-9a-f]{24})?)\.sqlite")
_DAMAGED = (sqlite3.Error, zlib.error, ValueError, IndexError, TypeError)
_WORD = re.compile(r"[A-Za-z0-9_]+", re.ASCII)
_APART = bytes(
    each if (chr(each).isalnum() and each < 128) or each == ord("_") else 32 for each in range(256)
)
"""What makes all but words a blank."""


class Concordance:
    """The concordances of the trees of one user: SQLite files that may be deleted at any time.

    Nothing depends on them: what cannot be opened, read or written is as good as missing.
    """

    def __init__(self, directory: str) -> None:
        """``directory`` is the user's; it is made when there is something to keep."""
        self._directory = directory

    def trees(self) -> tuple[str, ...]:
        """The ids of the trees that there is one of, the newest first."""
        found = (os.path.basename(path) for path in sorted(self._files(), key=_age))
        return tuple(match[1] for name in found if (match := _NAME.fullmatch(name)))

    def directories(self, tree: str, words: Collection[str]) -> dict[str, frozenset[str]]:
        """For each word the directories of a tree, by its id, outside of which it is not; without those not known."""
        path = self._path(tree)
        found: dict[str, frozenset[str]] = {}
        if not os.path.exists(path):
            return found
        with contextlib.suppress(*_DAMAGED), connected(path) as book:
            (raw,) = book.execute("SELECT names FROM directory").fetchone()
            names = unpacked(raw, _LONGEST).decode("utf-8", "surrogateescape").split("\0")
            for word in words:
                if _WORD.fullmatch(word):
                    key = zlib.crc32(word.encode())
                    rows = book.execute(
                        "SELECT keys, numbers FROM bucket WHERE number = ?", (key % _BUCKETS,)
                    ).fetchall()
                    found[word] = frozenset(
                        names[number] for keys, numbers in rows for number in _at(keys, numbers, key)
                    )
        return found

    def make(self, tree: str, files: Collection[str], read: Callable[[str], bytes | None], jobs: int) -> bool:
        """Make the concordance of a tree of some files; whether there is one now."""
        below = by_directory(files)
        names = sorted(below)
        if len(names) > _MOST_DIRECTORIES:
            return False
        jobs = max(1, jobs)

        def sorted_in(part: str) -> list[tuple[bytes, bytes]] | None:
            return _buckets(names[int(part) :: jobs], range(int(part), len(names), jobs), below, read)

        parts = []
        for _, receive in start([str(number) for number in range(jobs)], sorted_in, jobs):
            try:
                parts.append(receive.recv())
            except EOFError:
                return False
        if any(part is None for part in parts):
            return False

        def made(book: sqlite3.Connection) -> None:
            book.execute("PRAGMA synchronous = OFF")
            book.execute("CREATE TABLE directory (names BLOB)")
            book.execute("CREATE TABLE bucket (number INTEGER, keys BLOB, numbers BLOB)")
            packed = zlib.compress("\0".join(names).encode("utf-8", "surrogateescape"), 1)
            book.execute("INSERT INTO directory VALUES (?)", (packed,))
            book.executemany(
                "INSERT INTO bucket VALUES (?, ?, ?)",
                [(number, *part[number]) for number in range(_BUCKETS) for part in parts],
            )
            book.execute("CREATE INDEX by_number ON bucket (number)")

        # Under another name until it is whole: another run may look, or make one too.
        fresh = f"{self._path(tree)}.{os.getpid()}"
        write(fresh, made)
        with contextlib.suppress(OSError):
            os.replace(fresh, self._path(tree))
            for path in sorted(self._files(), key=_age)[KEPT:]:
                os.unlink(path)
        return os.path.exists(self._path(tree))

    def _path(self, tree: str) -> str:
        return os.path.join(self._directory, f"tree-1-{tree}.sqlite")

    def _files(self) -> list[str]:
        return glob.glob(os.path.join(glob.escape(self._directory), "tree-1-*.sqlite"))


def _age(path: str) -> float:
    try:
        return -os.path.getmtime(path)
    except OSError:
        return 0.0


def _buckets(
    names: Sequence[str],
    numbers: Sequence[int],
    below: Mapping[str, Sequence[str]],
    read: Callable[[str], bytes | None],
) -> list[tuple[bytes, bytes]] | None:
    """The words of some directories by their hashes: hashes and numbers of directories; None if they are too many."""
    keys = [array("I") for _ in range(_BUCKETS)]
    owners = [array("H") for _ in range(_BUCKETS)]
    left = _MOST_PAIRS
    for name, number in zip(names, numbers, strict=True):
        words: set[bytes] = set()
        for path in below[name]:
            words.update((read(path) or b"").translate(_APART).split())
        left -= len(words)
        if left < 0:
            return None
        for key in map(zlib.crc32, words):
            keys[key % _BUCKETS].append(key)
            owners[key % _BUCKETS].append(number)
    return [(one.tobytes(), other.tobytes()) for one, other in zip(keys, owners, strict=True)]


def _at(keys: bytes, numbers: bytes, key: int) -> Iterator[int]:
    """The numbers that stand where a key does."""
    wanted = array("I", [key]).tobytes()
    size = len(wanted)
    of = array("H")
    of.frombytes(numbers)
    position = keys.find(wanted)
    while position >= 0:
        if position % size == 0:
            yield of[position // size]
            position = keys.find(wanted, position + size)
        else:
            position = keys.find(wanted, position + 1)
