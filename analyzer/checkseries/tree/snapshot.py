"""The tree after patch k, and the facts that were asked of it.

A ``Lineage`` is a base tree and the snapshots on it. A fact is a pure function of a snapshot; asking it
remembers the value together with its *footprint*: the files that it read (absent ones too), the words that
it searched, the names that it listed. A value holds on every other snapshot between which no touched file
meets that footprint, so a patch recomputes only what it can change, and nothing has to be declared.
"""

from __future__ import annotations

import functools
import pickle
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Concatenate, ParamSpec, TypeVar, overload

from checkseries.tree.base import Tree, blob_id, identifiers, named, plain_name
from checkseries.tree.index import DAMAGED, Index, dumped, key_of, loaded

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(slots=True, eq=False)
class Footprint:
    """What a fact looked at: enough to know whether a patch can change it."""

    files: set[str] = field(default_factory=set)
    words: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    parts: set[Footprint] = field(default_factory=set)
    """What the facts looked at that it asked."""

    def whole(self) -> Footprint:
        """The same in one, without parts."""
        found = Footprint()
        todo, seen = [self], {self}
        while todo:
            each = todo.pop()
            found.files |= each.files
            found.words |= each.words
            found.names |= each.names
            fresh = each.parts - seen
            seen |= fresh
            todo += fresh
        return found


@dataclass(frozen=True, slots=True)
class Kept:
    """How the values of a fact are kept from run to run."""

    dumped: Callable[[Any], bytes] = dumped
    loaded: Callable[[bytes], Any] = loaded
    of_file: bool = True
    """Whether the fact looks at nothing but the file that its first argument names."""


_MOST_STATES = 6
"""States of the tree of which the value of one fact of many files is kept."""


@dataclass(slots=True)
class _Answer:
    index: int
    value: Any
    footprint: Footprint
    same: set[int]
    """Some snapshots for which it holds."""


class Lineage:
    """A base tree and the snapshots above it, in order; the memory of all facts asked on them."""

    def __init__(self, base: Tree, toolchain: str = "gcc", index: Index | None = None) -> None:
        self.base = base
        self.index = index
        """What is kept between runs, if anything is."""
        self.toolchain = toolchain
        """The name of the toolchain profile that its facts assume: one for all, so that no answers mix."""
        self.snapshots: list[Snapshot] = []
        self.computed: Counter[str] = Counter()
        """How often each fact was really computed, by name: what the tests of laziness count."""
        self._answers: dict[tuple[Any, ...], list[_Answer]] = defaultdict(list)
        self._recording: list[Footprint] = []
        self._words: dict[str, frozenset[str]] = {}
        self._named: dict[str, frozenset[str]] = {}
        self._components: defaultdict[str, list[str]] | None = None
        self._identifiers: dict[int, tuple[bytes, frozenset[bytes]]] = {}
        self._blobs: dict[int, tuple[bytes, str]] = {}
        self._expected: set[str] = set()
        Snapshot(self, {}, {}, {})

    def expect(self, words: Iterable[str]) -> None:
        """Announce words that will be searched, so that the first search scans for all of them at once.

        What begins with a digit is none: half of the tree holds a 1.
        """
        self._expected.update(word for word in words if word not in self._words and not word[:1].isdecimal())

    def base_files(self, word: str) -> frozenset[str]:
        """The files of the base that hold a word; scans for all expected words if it must."""
        if word not in self._words:
            self._expected.add(word)
            self.search()
        return self._words[word]

    def search(self) -> None:
        """Scan for all expected words, if there are any."""
        wanted = self._expected - self._words.keys()
        self._expected.clear()
        found = self.base.grep(sorted(wanted)) if wanted else {}
        self._words |= {each: found.get(each, frozenset()) for each in wanted}

    def words_of(self, data: bytes) -> frozenset[bytes]:
        """The identifiers of a file that the series touches: it is asked about many of them."""
        return _of_bytes(self._identifiers, data, identifiers)

    def blob_of(self, data: bytes) -> str:
        """What git calls the bytes of a file that the series touches."""
        return _of_bytes(self._blobs, data, blob_id)

    def base_named(self, pattern: str) -> frozenset[str]:
        """The paths of the base whose last component matches a shell pattern."""
        if pattern not in self._named:
            self._named[pattern] = (
                frozenset(self._by_name().get(pattern, ()))
                if plain_name(pattern)
                else named(self.base.paths(), pattern)
            )
        return self._named[pattern]

    def _by_name(self) -> Mapping[str, Collection[str]]:
        """The paths of the base by their last components: headers are looked for by the hundred."""
        if self._components is None:
            self._components = defaultdict(list)
            for path in self.base.paths():
                self._components[path.rpartition("/")[2]].append(path)
        return self._components

    def looked(self) -> Footprint:
        """Where to tell what the fact being computed looks at."""
        return self._recording[-1] if self._recording else Footprint()

    def ask(
        self,
        snapshot: Snapshot,
        fact: Callable[..., T],
        keep: int,
        args: tuple[Any, ...],
        kept: Kept | None = None,
    ) -> T:
        """The value of a fact, computed or remembered; ``keep`` > 0 keeps only so many values of it."""
        key = (fact, args)
        answers = self._answers[key]
        for answer in reversed(answers):
            if snapshot.index in answer.same or self._same(answer, snapshot.index):
                self.looked().parts.add(answer.footprint)
                value: T = answer.value
                return value
        footprint = Footprint()
        store = None if kept is None or self.index is None else _Store(self, self.index, kept, fact, args)
        if store is not None and store.recall(snapshot, footprint):
            self.looked().parts.add(footprint)
            value = store.value
        else:
            self._recording.append(footprint)
            try:
                value = fact(snapshot, *args)
            finally:
                self._recording.pop()
                self.looked().parts.add(footprint)
            self.computed[fact.__name__] += 1
            if store is not None:
                store.enter(snapshot, footprint, value)
        answers.append(_Answer(snapshot.index, value, footprint, {snapshot.index}))
        if keep and len(answers) > keep:
            del answers[0]
        return value

    def _same(self, answer: _Answer, index: int) -> bool:
        low, high = sorted((answer.index, index))
        for step in range(low + 1, high + 1):
            if self.snapshots[step].meets(answer.footprint):
                return False
        answer.same.add(index)
        return True


def _of_bytes(memory: dict[int, tuple[bytes, T]], data: bytes, compute: Callable[[bytes], T]) -> T:
    """What is computed of some bytes, remembered by their identity, which costs no hashing."""
    known = memory.get(id(data))
    if known is None or known[0] is not data:  # the bytes are kept, so that their id stays theirs
        known = memory[id(data)] = (data, compute(data))
    return known[1]


class _Store:
    """Where the index keeps one fact with one list of arguments."""

    def __init__(
        self, lineage: Lineage, index: Index, kept: Kept, fact: Callable[..., Any], args: tuple[Any, ...]
    ) -> None:
        self._index = index
        self._kept = kept
        self._path = str(args[0]) if kept.of_file else ""
        self._whole = kept.of_file and len(args) == 1
        self._toolchain = lineage.toolchain
        self._fact = f"{fact.__module__}.{fact.__qualname__}"
        self._name = (self._fact, self._toolchain, *map(str, args))
        self.value: Any = None

    def recall(self, snapshot: Snapshot, footprint: Footprint) -> bool:
        """Whether the value for the state of a snapshot is kept; it is then in ``value``, and its footprint told."""
        if self._kept.of_file:
            found = (
                self._index.of_file(self._file(snapshot)).get(self._fact)
                if self._whole
                else self._index.get(key_of(*self._name, snapshot.blob(self._path) or ""))
            )
            if found is None or not self._take(found):
                return False
            footprint.files.add(self._path)
            return True
        for files, names in self._states():
            found = self._index.get(key_of(*self._name, *_state(snapshot, files, names)))
            if found is not None and self._take(found):
                footprint.files.update(files)
                footprint.names.update(names)
                return True
        return False

    def _file(self, snapshot: Snapshot) -> bytes:
        """The key of all that is kept of the file as a whole."""
        return key_of("file", self._toolchain, self._path, snapshot.blob(self._path) or "")

    def enter(self, snapshot: Snapshot, footprint: Footprint, value: object) -> None:
        """Keep a value that was computed for the state of a snapshot, if it hangs on nothing else."""
        footprint = footprint.whole()
        if footprint.words or (self._kept.of_file and (footprint.files != {self._path} or footprint.names)):
            return
        if not self._kept.of_file and snapshot.altered(footprint.files):
            return  # the states that a series makes are many, and seldom seen again
        try:
            data = self._kept.dumped(value)
        except (TypeError, AttributeError, ValueError, RecursionError, pickle.PicklingError):
            return
        if self._whole:
            self._index.keep_of_file(self._file(snapshot), self._fact, data)
            return
        if self._kept.of_file:
            self._index.keep(key_of(*self._name, snapshot.blob(self._path) or ""), data)
            return
        files, names = tuple(sorted(footprint.files)), tuple(sorted(footprint.names))
        self._index.keep(key_of(*self._name, *_state(snapshot, files, names)), data)
        states = [(files, names), *(each for each in self._states() if each != (files, names))]
        self._index.keep(key_of(*self._name), dumped(states[:_MOST_STATES]))

    def _states(self) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
        """What the fact looked at where its values are kept, the newest first."""
        found = self._index.get(key_of(*self._name))
        try:
            states: list[tuple[tuple[str, ...], tuple[str, ...]]] = loaded(found) if found is not None else []
        except DAMAGED:
            return []
        return states

    def _take(self, data: bytes) -> bool:
        try:
            self.value = self._kept.loaded(data)
        except DAMAGED:
            return False
        return True


def _state(snapshot: Snapshot, files: Iterable[str], names: Iterable[str]) -> Iterator[str]:
    """What some files hold, and which files have some names, as texts."""
    for path in files:
        yield f"{path}\n{snapshot.blob(path) or ''}"
    for pattern in names:
        yield "\n".join((pattern, *snapshot.peek_named(pattern)))


class Snapshot:
    """The tree with the first ``index`` patches applied; 0 is the base."""

    def __init__(
        self,
        lineage: Lineage,
        overlay: Mapping[str, bytes | None],
        touched: Mapping[str, bytes | None],
        previous: Mapping[str, bytes | None],
    ) -> None:
        self.lineage = lineage
        self.index = len(lineage.snapshots)
        self._overlay = overlay
        self._touched = touched
        self._previous = previous  # what the touched files held before
        self._words: frozenset[str] | None = None
        self._listed: dict[str, bool] = {}
        self._came_or_went: tuple[str, ...] | None = None
        self._met: dict[Footprint, bool] = {}
        lineage.snapshots.append(self)

    @staticmethod
    def of(base: Tree, toolchain: str = "gcc", index: Index | None = None) -> Snapshot:
        """The bare base as a snapshot."""
        return Lineage(base, toolchain, index).snapshots[0]

    @property
    def name(self) -> str:
        """The tree's name, and the patch that this is the state after."""
        return f"{self.lineage.base.name} + {self.index}" if self.index else self.lineage.base.name

    @property
    def touched(self) -> Collection[str]:
        """The paths that differ from the snapshot before."""
        return self._touched.keys()

    def after(self, changes: Mapping[str, bytes | None]) -> Snapshot:
        """The snapshot with new contents (None deletes); only the newest of a lineage can be followed."""
        assert self.lineage.snapshots[-1] is self, "a lineage is a line"
        before = {path: self.peek(path) for path in changes}
        real = {path: data for path, data in changes.items() if before[path] != data}
        return Snapshot(self.lineage, {**self._overlay, **real}, real, {path: before[path] for path in real})

    # --- reading: each call is part of the footprint of the fact that makes it

    def read(self, path: str) -> bytes | None:
        """The bytes of a regular file, None if there is none."""
        self.lineage.looked().files.add(path)
        return self.peek(path)

    def blob(self, path: str) -> str | None:
        """What git calls the bytes of a regular file, None if there is none; leaves no footprint."""
        if path not in self._overlay:
            return self.lineage.base.blob(path)
        data = self._overlay[path]
        return None if data is None else self.lineage.blob_of(data)

    def text(self, path: str) -> str | None:
        """The file as text: UTF-8, other bytes kept as surrogates; None if there is none."""
        data = self.read(path)
        return None if data is None else data.decode("utf-8", "surrogateescape")

    def exists(self, path: str) -> bool:
        """Whether there is a regular file of that path."""
        self.lineage.looked().files.add(path)
        if path in self._overlay:
            return self._overlay[path] is not None
        return path in self.lineage.base.paths()

    def named(self, pattern: str) -> tuple[str, ...]:
        """All paths whose last component matches a shell pattern (``Kconfig*``), sorted."""
        self.lineage.looked().names.add(pattern)
        return self.peek_named(pattern)

    def peek_named(self, pattern: str) -> tuple[str, ...]:
        """The same, without leaving a footprint."""
        found = set(self.lineage.base_named(pattern))
        changed = named(self._overlay.keys(), pattern)
        found -= changed
        found |= {path for path in changed if self._overlay[path] is not None}
        return tuple(sorted(found))

    def grep(self, word: str) -> tuple[str, ...]:
        """The paths of all files that hold a whole identifier, sorted."""
        self.lineage.looked().words.add(word)
        found = self.lineage.base_files(word) - self._overlay.keys()
        needle = word.encode()
        here = {
            path
            for path, data in self._overlay.items()
            if data is not None and needle in self.lineage.words_of(data)
        }
        return tuple(sorted(found | here))

    def expect(self, words: Iterable[str]) -> None:
        """Announce words that will be searched: see ``Lineage.expect``."""
        self.lineage.expect(words)

    def mode(self, path: str) -> str | None:
        """Git's mode of a file of the base; a file that the series adds counts as ``100644``."""
        if path in self._overlay:
            return None if self._overlay[path] is None else self.lineage.base.mode(path) or "100644"
        return self.lineage.base.mode(path)

    def meets(self, footprint: Footprint) -> bool:
        """Whether this snapshot differs from its parent in anything that the footprint looked at."""
        known = self._met.get(footprint)
        if known is None:
            known = self._met[footprint] = self._meets(footprint)
        return known

    def _meets(self, footprint: Footprint) -> bool:
        if not footprint.files.isdisjoint(self._touched):
            return True
        if footprint.words and not footprint.words.isdisjoint(self._altered_words()):
            return True
        if footprint.names and self._moved() and any(map(self._lists, footprint.names)):
            return True
        for part in footprint.parts:  # noqa: SIM110 - by far the most frequent loop of a run
            if self.meets(part):
                return True
        return False

    def _lists(self, pattern: str) -> bool:
        """Whether a file whose name matches a pattern comes or goes."""
        if pattern not in self._listed:
            self._listed[pattern] = bool(named(self._moved(), pattern))
        return self._listed[pattern]

    def _moved(self) -> tuple[str, ...]:
        """The files that come or go."""
        if self._came_or_went is None:
            self._came_or_went = tuple(
                path
                for path, data in self._touched.items()
                if (self._previous[path] is None) != (data is None)
            )
        return self._came_or_went

    def _altered_words(self) -> frozenset[str]:
        """The words of the touched files, before and after."""
        if self._words is None:
            texts = [text for text in (*self._touched.values(), *self._previous.values()) if text is not None]
            words: frozenset[bytes] = frozenset().union(*map(self.lineage.words_of, texts))
            self._words = frozenset(map(bytes.decode, words))
        return self._words

    def altered(self, paths: Iterable[str]) -> Collection[str]:
        """Those of some files that the series has altered."""
        return self._overlay.keys() & frozenset(paths)

    def peek(self, path: str) -> bytes | None:
        """The bytes of a file, without leaving a footprint: for those who are no fact."""
        if path in self._overlay:
            return self._overlay[path]
        return self.lineage.base.read(path)


Fact = Callable[Concatenate[Snapshot, P], T]


@overload
def fact(function: Fact[P, T]) -> Fact[P, T]: ...
@overload
def fact(*, keep: int = 0, kept: Kept | None = None) -> Callable[[Fact[P, T]], Fact[P, T]]: ...
def fact(
    function: Fact[P, T] | None = None, *, keep: int = 0, kept: Kept | None = None
) -> Fact[P, T] | Callable[[Fact[P, T]], Fact[P, T]]:
    """Make a pure function of a snapshot a fact: asked at most once for the same state of what it reads.

    Its further arguments must be hashable and positional, its value immutable. ``keep`` bounds how many
    values of one argument list are remembered: for facts as large as a Kconfig model. ``kept`` says how
    values are kept from run to run, of a fact that needs more time than a look at the index.
    """

    def wrap(raw: Fact[P, T]) -> Fact[P, T]:
        @functools.wraps(raw)
        def asked(snapshot: Snapshot, /, *args: P.args, **kwargs: P.kwargs) -> T:
            assert not kwargs, "facts take positional arguments"
            return snapshot.lineage.ask(snapshot, raw, keep, args, kept)

        vars(asked)["kept"] = kept
        return asked

    return wrap if function is None else wrap(function)
