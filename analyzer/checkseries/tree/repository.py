"""A revision of a git repository, read without a checkout and without writing anything.

Where the repository has a work tree, a file is taken from there if its bytes hash to the blob that the
revision names, and from the object store otherwise: the answer is always the revision's, but reading costs
no inflating for files that are checked out.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import re
from collections.abc import Collection, Iterator, Mapping, Sequence

from checkseries.errors import TreeError
from checkseries.git import Git
from checkseries.tree.base import holds_word

# git grep tries fixed strings one after the other, and is faster so, until there are about this many; beyond it
# takes 3.3 s for forty words of 7.2 and 5 s for three hundred where git has PCRE, and 6 s and more where it has not.
_FIXED_WORDS = 12
_SKIPPED = 2000  # files outside of a sparse checkout that are looked at one by one
_PATTERN = 16_000  # characters of the words of one pattern; compiled it may have 64 KiB
_NESTED = 60
"""Parentheses in one another in a pattern; PCRE takes 250."""
_LARGEST_FILE = 64 << 20
_KEPT = 96 << 20
"""Bytes of files that were read and may be asked for again: the headers of a driver are 9 MB."""


class RepositoryTree:
    """One revision of a git repository as a Tree."""

    def __init__(self, git: Git, revision: str, name: str) -> None:
        """``revision`` is anything that git resolves to a tree; raises TreeError if it does not."""
        self.name = name
        self._git = git
        try:
            self._tree = git.text("rev-parse", "--verify", "-q", "--end-of-options", f"{revision}^{{tree}}")
        except TreeError as error:
            raise TreeError(f"{name}: there is no revision {revision!r}") from error
        self._entries = _entries(git, self._tree)
        self._hash = hashlib.sha256 if len(self._tree) == 64 else hashlib.sha1
        self._checkout = _checkout(git)
        self._sparse: frozenset[str] | None = None
        self._kept: dict[str, bytes] = {}
        self._kept_bytes = 0

    @property
    def id(self) -> str:
        """Git's id of the tree: what is true of it once is true for ever."""
        return self._tree

    def differing(self, other: str) -> frozenset[str]:
        """The paths of which another tree, by its id, holds something else; raises TreeError if it is not here."""
        raw = self._git.run("diff-tree", "-r", "-z", "--name-only", "--no-renames", other, self._tree, "--")
        return frozenset(raw.decode("utf-8", "surrogateescape").split("\0")) - {""}

    def read(self, path: str) -> bytes | None:
        known = self._kept.get(path)
        if known is not None:
            return known
        mode, blob = self._entry(path)
        if not mode.startswith("100"):
            return None
        data = self._read(path, blob)
        if data is not None and len(data) <= _KEPT >> 4:
            while self._kept_bytes + len(data) > _KEPT:  # the first read go first
                self._kept_bytes -= len(self._kept.pop(next(iter(self._kept))))
            self._kept[path] = data
            self._kept_bytes += len(data)
        return data

    def _entry(self, path: str) -> tuple[str, str]:
        """The mode and the id of a path, empty if there is none."""
        head = self._entries.get(path)
        if head is None:
            return "", ""
        mode, _, blob = head.split(" ")
        return mode, blob

    def sweep(self, path: str) -> bytes | None:
        """What ``read`` gives, not kept: for one who reads everything once."""
        mode, blob = self._entry(path)
        return self._read(path, blob) if mode.startswith("100") else None

    def _read(self, path: str, blob: str) -> bytes | None:
        if self._checkout is not None:
            data = _regular(os.path.join(self._checkout, path))
            if data is not None and self._hash(b"blob %d\0" % len(data) + data).hexdigest() == blob:
                return data
        return self._git.blob(blob)

    def blob(self, path: str) -> str | None:
        mode, blob = self._entry(path)
        return blob if mode.startswith("100") else None

    def mode(self, path: str) -> str | None:
        return self._entry(path)[0] or None

    def paths(self) -> Collection[str]:
        return self._entries.keys()

    def grep(self, words: Collection[str]) -> Mapping[str, frozenset[str]]:
        found: dict[str, set[str]] = {word: set() for word in words}
        if not words:
            return {}
        # What lies there is searched faster, as far as it is there.
        checked_out = self._checkout is not None and len(self._skipped()) <= _SKIPPED
        for path, word in _hits(self._git, words, () if checked_out else (self._tree,)):
            if word in found and path in self._entries:
                found[word].add(path)
        for word in words:
            if len(word) > _PATTERN:  # beyond what a pattern may be
                for path in self._entries:
                    if holds_word(self.sweep(path) or b"", word):
                        found[word].add(path)
        if checked_out:
            # Files that are not there as the revision has them were searched in the wrong state. Asked anew each
            # time: somebody may work there, and what is found is kept.
            for path in self._stale_files() | self._skipped():
                data = self.read(path)
                for word, paths in found.items():
                    paths.discard(path)
                    if data is not None and holds_word(data, word):
                        paths.add(path)
        return {word: frozenset(paths) for word, paths in found.items()}

    def _stale_files(self) -> frozenset[str]:
        """The files that do not lie there as the revision has them."""
        raw = self._git.run(
            *self._git.without_filters(),
            "diff-index",
            "-z",
            "--name-only",
            "--no-renames",
            "--no-ext-diff",
            self._tree,
        )
        return frozenset(raw.decode("utf-8", "surrogateescape").split("\0")) - {""}

    def _skipped(self) -> frozenset[str]:
        """The files that git takes for being there though they need not be: those outside of a sparse checkout."""
        if self._sparse is None:
            listed = self._git.run("ls-files", "-z", "-t", "--full-name", ":/").decode(
                "utf-8", "surrogateescape"
            )
            self._sparse = frozenset(each[2:] for each in listed.split("\0") if each.startswith("S "))
        return self._sparse


def _entries(git: Git, tree: str) -> dict[str, str]:
    """Path -> "mode type id" of all files and links of a tree."""
    lines = git.run("ls-tree", "-r", "-z", "--full-tree", tree).decode("utf-8", "surrogateescape").split("\0")
    return {path: head for head, _, path in [line.partition("\t") for line in lines if line]}


def _checkout(git: Git) -> str | None:
    """The top directory of the work tree; None for a bare repository."""
    try:
        top = git.text("rev-parse", "--show-toplevel")
    except TreeError:
        return None
    return top or None


def _regular(path: str) -> bytes | None:
    """The bytes of a file; None if it is missing, a link, no regular file or beyond all measure."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    with open(handle, "rb", buffering=0) as file:
        try:
            if os.fstat(handle).st_size > _LARGEST_FILE:
                return None
            return file.read()
        except OSError:  # a directory
            return None


def _hits(git: Git, words: Collection[str], where: tuple[str, ...]) -> list[tuple[str, str]]:
    """(path, word) for each occurrence that git grep finds in the work tree or in a tree object."""
    options = ("grep", "-a", "-o", "-z", "--no-color", "--no-textconv", "--full-name", "--no-recurse-submodules",
               "--no-line-number", "--no-column")  # fmt: skip
    behind = ("-f", "-", *where, "--", ":/")  # patterns as input: an argument cannot be as long as one likes
    out = b""
    for some in _batches(sorted(word for word in words if len(word) <= _PATTERN)):
        if len(some) <= _FIXED_WORDS:
            fixed = "\n".join(some).encode("utf-8", "surrogateescape")
            out += git.run(*options, "-w", "-F", *behind, stdin=fixed, good=(0, 1))
            continue
        # (?<!\w) and not \b: a word may begin with what is no letter to PCRE.
        pattern = rf"(?<!\w)(?:{_any_of(some)})(?!\w)".encode("utf-8", "surrogateescape")
        try:
            out += git.run(*options, "-P", *behind, stdin=pattern, good=(0, 1))
        except TreeError:  # a git without PCRE
            any_word = "|".join(map(re.escape, some)).encode("utf-8", "surrogateescape")
            out += git.run(*options, "-w", "-E", *behind, stdin=any_word, good=(0, 1))
    prefix = f"{where[0]}:" if where else ""
    # A path may hold what ends a line.
    found = re.findall(r"([^\0]*)\0([^\n]*)\n", out.decode("utf-8", "surrogateescape"))
    return sorted({(path.removeprefix(prefix), word) for path, word in found})


def _batches(words: Sequence[str]) -> Iterator[list[str]]:
    """The words in lists that are not too long for one pattern."""
    some: list[str] = []
    size = 0
    for word in words:
        if some and size + len(word) > _PATTERN:
            yield some
            some, size = [], 0
        some.append(word)
        size += len(word) + 1
    if some:
        yield some


def _any_of(words: Sequence[str], nested: int = 0) -> str:
    """The pattern of some sorted words, their beginnings in common: PCRE tries alternatives one after the other."""
    if nested > _NESTED:
        return "|".join(
            re.escape(word) for word in reversed(words)
        )  # what begins with another one goes first
    parts = []
    for _, group in itertools.groupby((word for word in words if word), key=lambda word: word[0]):
        some = list(group)
        first, last = some[0], some[-1]
        same = next(
            (at for at, pair in enumerate(zip(first, last, strict=False)) if pair[0] != pair[1]), len(first)
        )
        rest = [word[same:] for word in some]
        parts.append(re.escape(first[:same]) + (f"(?:{_any_of(rest, nested + 1)})" if len(rest) > 1 else ""))
    parts += [""] if "" in words else []
    return "|".join(parts)
