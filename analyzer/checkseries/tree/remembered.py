"""A tree whose word searches are remembered from run to run, in a wordbook.

A revision never changes, so what a search of it found stays true: the second run on a tree searches for nothing
twice. A revision near one that is remembered takes over what is known of that one, and looks only at the files
that differ. Where much is searched for, a concordance says which directories need no look at all.
"""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
import zlib
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping

from checkseries.errors import TreeError
from checkseries.tree.base import by_directory, holds_word, identifiers
from checkseries.tree.cached import alone, connected, unpacked, write
from checkseries.tree.concordance import Concordance
from checkseries.tree.repository import RepositoryTree

LARGEST = 256 << 20
"""Bytes that a wordbook may take; the trees that were not asked for longest make room."""
_FAR = 3000  # files that may differ from a remembered tree: more are searched faster by git
_NEAR_TREES = 4  # remembered trees that are tried
_LONGEST = 32 << 20  # bytes of the paths of one word
_SEARCHES = 4  # searches by git that take as long as making a concordance
_LOOKED_AT = 15_000  # files that are looked at one by one: git searches all faster than more of them
_FEW_WORDS = 8  # words that a file is searched for one after the other
_ID = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")

Found = Mapping[str, frozenset[str]]


class Wordbook:
    """Which files of a tree hold a word: an SQLite file that may be deleted at any time.

    Nothing depends on it: what cannot be opened, read or written is as good as empty. Each call has a connection
    of its own, since runs fork, and several runs may share the file.
    """

    def __init__(self, path: str) -> None:
        """``path`` is the file; it and its directory are made when there is something to keep."""
        self._path = path
        self.concordance = Concordance(os.path.dirname(path))
        """What lies beside it."""
        self.lock = f"{path}.lock"

    def recall(self, tree: str, words: Collection[str]) -> dict[str, frozenset[str]]:
        """What is known of a tree (by git's id): the files of each of the words that it was searched for."""
        found: dict[str, frozenset[str]] = {}
        if not os.path.exists(self._path):
            return found
        with contextlib.suppress(sqlite3.Error, zlib.error, ValueError), self._opened() as book:
            for word in words:
                row = book.execute(
                    "SELECT paths FROM word WHERE tree = ? AND word = ?", (tree, word)
                ).fetchone()
                if row is not None:
                    found[word] = _unpacked(row[0])
            if found:
                book.execute("UPDATE tree SET used = ? WHERE id = ?", (_now(book), tree))
        return found

    def trees(self) -> tuple[str, ...]:
        """The ids of the trees that it knows, the one asked for last first."""
        if not os.path.exists(self._path):
            return ()
        with contextlib.suppress(sqlite3.Error), self._opened() as book:
            ids = [row[0] for row in book.execute("SELECT id FROM tree ORDER BY used DESC LIMIT 64")]
            return tuple(each for each in ids if _ID.fullmatch(each))
        return ()

    def enter(self, tree: str, found: Found) -> None:
        """Keep what a search of a tree found, and forget the oldest trees if it grows too large."""

        def entered(book: sqlite3.Connection) -> None:
            _tables(book)
            book.execute("INSERT OR REPLACE INTO tree VALUES (?, ?)", (tree, _now(book)))
            book.executemany(
                "INSERT OR REPLACE INTO word VALUES (?, ?, ?)",
                [(tree, word, _packed(paths)) for word, paths in found.items()],
            )

        write(self._path, entered)
        write(self._path, _bound)

    def searches(self) -> int:
        """How many searches of trees were made by git since a concordance was made."""
        with contextlib.suppress(sqlite3.Error, TypeError), self._opened() as book:
            return int(book.execute("SELECT times FROM searched").fetchone()[0])
        return 0

    def count(self, *, made: bool = False) -> None:
        """Count one more search, or begin anew once a concordance is ``made``."""

        def counted(book: sqlite3.Connection) -> None:
            _tables(book)
            if made or book.execute("UPDATE searched SET times = times + 1").rowcount == 0:
                book.execute("DELETE FROM searched")
                book.execute("INSERT INTO searched VALUES (?)", (0 if made else 1,))

        write(self._path, counted)

    @contextlib.contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        with connected(self._path) as book:
            _tables(book)
            yield book


def _tables(book: sqlite3.Connection) -> None:
    book.execute("CREATE TABLE IF NOT EXISTS tree (id TEXT PRIMARY KEY, used INTEGER)")
    book.execute(
        "CREATE TABLE IF NOT EXISTS word (tree TEXT, word TEXT, paths BLOB, PRIMARY KEY (tree, word))"
    )
    book.execute("CREATE TABLE IF NOT EXISTS searched (times INTEGER)")


def _bound(book: sqlite3.Connection) -> None:
    _tables(book)
    while _bytes(book) > LARGEST:
        oldest = book.execute("SELECT id FROM tree ORDER BY used LIMIT 1").fetchone()
        if oldest is None:
            return
        book.execute("DELETE FROM word WHERE tree = ?", oldest)
        book.execute("DELETE FROM tree WHERE id = ?", oldest)
        book.commit()


def _bytes(book: sqlite3.Connection) -> int:
    """The size of what is in use; deleted pages are used again."""
    pages, free, size = (
        int(book.execute(f"PRAGMA {what}").fetchone()[0])
        for what in ("page_count", "freelist_count", "page_size")
    )
    return (pages - free) * size


def _now(book: sqlite3.Connection) -> int:
    """A time later than all in the book: what is older than what is all that it is asked for."""
    return int(book.execute("SELECT 1 + coalesce(max(used), 0) FROM tree").fetchone()[0])


def _packed(paths: Collection[str]) -> bytes:
    return zlib.compress("\0".join(sorted(paths)).encode("utf-8", "surrogateescape"), 1)


def _unpacked(packed: bytes) -> frozenset[str]:
    text = unpacked(packed, _LONGEST)
    return frozenset(text.decode("utf-8", "surrogateescape").split("\0")) - {""}


class RememberedTree:
    """A revision of a repository as a Tree, whose searches go to a wordbook first."""

    def __init__(self, tree: RepositoryTree, book: Wordbook) -> None:
        self.name = tree.name
        self._tree = tree
        self._book = book
        self._near: tuple[str, frozenset[str]] | None = None
        self._asked_near = False
        self._below: dict[str, list[str]] = {}
        self._differing: dict[str, frozenset[str] | None] = {}

    @property
    def id(self) -> str:
        return self._tree.id

    def wants_concordance(self) -> bool:
        """Whether the searches that were made took as long as a concordance would, and none is at hand."""
        return self._book.searches() >= _SEARCHES and self._concorded() is None

    def make_concordance(self, jobs: int) -> bool:
        """Make the concordance of the tree, with so many processes; whether there is one now."""
        with alone(self._book.lock):
            made = self._book.concordance.make(self._tree.id, self._tree.paths(), self._tree.sweep, jobs)
        self._book.count(made=True)  # where there can be none, none is tried with every search
        self._asked_near = False
        return made

    def read(self, path: str) -> bytes | None:
        return self._tree.read(path)

    def blob(self, path: str) -> str | None:
        return self._tree.blob(path)

    def mode(self, path: str) -> str | None:
        return self._tree.mode(path)

    def paths(self) -> Collection[str]:
        return self._tree.paths()

    def grep(self, words: Collection[str]) -> Found:
        asked = set(words)
        found = self._book.recall(self._tree.id, asked)
        fresh: dict[str, frozenset[str]] = {}
        if asked - found.keys():
            fresh.update(self._taken_over(asked - found.keys()))
        missing = asked - found.keys() - fresh.keys()
        # One after the other: git uses all cores by itself, and the next may ask for the same.
        with alone(self._book.lock) if missing else contextlib.nullcontext():
            if missing:
                found |= self._book.recall(self._tree.id, missing)
                fresh.update(self._searched(missing - found.keys()))
            if fresh:
                self._book.enter(self._tree.id, fresh)
        # A file that the tree does not have is none of its files, whoever wrote the wordbook.
        have = self._tree.paths()
        return {
            word: frozenset(path for path in paths if path in have) for word, paths in (found | fresh).items()
        }

    def _taken_over(self, words: Collection[str]) -> dict[str, frozenset[str]]:
        """What is known of a tree close by, put right by a look at the files that differ."""
        for other in [tree for tree in self._book.trees() if tree != self._tree.id][:_NEAR_TREES]:
            known = self._book.recall(other, words)
            if not known:
                continue
            differing = self._differing_from(other)
            if differing is None:
                continue
            held = {path: identifiers(self._tree.read(path) or b"") for path in differing}
            return {
                word: (paths - differing) | {path for path, here in held.items() if word.encode() in here}
                for word, paths in known.items()
            }
        return {}

    def _searched(self, words: set[str]) -> dict[str, frozenset[str]]:
        """What a look at few files finds, or a search of all."""
        found = self._looked_up(words) if words else {}
        missing = words - found.keys()
        if missing:
            found |= self._tree.grep(missing)
            self._book.count()
        return found

    def _concorded(self) -> tuple[str, frozenset[str]] | None:
        """The tree close by that there is a concordance of, and what differs from it; this one at best."""
        if not self._asked_near:
            self._asked_near = True
            self._near = None
            # This one first, from which nothing differs.
            for other in sorted(self._book.concordance.trees(), key=lambda tree: tree != self._tree.id):
                differing = self._differing_from(other)
                if differing is not None:
                    self._near = (other, differing)
                    break
        return self._near

    def _differing_from(self, other: str) -> frozenset[str] | None:
        """The paths of which another tree, by its id, holds something else; None if they are many or not known."""
        if other == self._tree.id:
            return frozenset()
        if other not in self._differing:
            self._differing[other] = None
            with contextlib.suppress(TreeError):  # another repository's tree, or one that was pruned
                differing = self._tree.differing(other)
                self._differing[other] = differing if len(differing) <= _FAR else None
        return self._differing[other]

    def _looked_up(self, words: Collection[str]) -> dict[str, frozenset[str]]:
        """What a look at all files finds that can hold some words, as far as they are few."""
        near = self._concorded()
        if near is None:
            return {}
        if not self._below:
            self._below = by_directory(self._tree.paths())
        tree, differing = near
        places = {
            word: {path for each in directories for path in self._below.get(each, ())} | differing
            for word, directories in self._book.concordance.directories(tree, words).items()
        }
        wanted: dict[str, list[str]] = defaultdict(list)
        found: dict[str, set[str]] = {}
        for word in sorted(places, key=lambda word: (len(places[word]), word)):
            if len(wanted.keys() | places[word]) > _LOOKED_AT:
                break
            found[word] = set()
            for path in places[word]:
                wanted[path].append(word)
        for path, some in wanted.items():
            data = self._tree.read(path) or b""
            held = identifiers(data) if len(some) > _FEW_WORDS else None
            for word in some:
                if word.encode() in held if held is not None else holds_word(data, word):
                    found[word].add(path)
        return {word: frozenset(paths) for word, paths in found.items()}
