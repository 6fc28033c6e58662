"""The tree after patch k, and the facts that were asked of it.

A ``Lineage`` is a base tree and the snapshots on it. A fact is a pure function of a snapshot; asking it
remembers the value together with its *footprint*: the files that it read (absent ones too), the words that
it searched, the names that it listed. A value holds on every other snapshot between which no touched file
meets that footprint, so a patch recomputes only what it can change, and nothing has to be declared.
"""

from __future__ import annotations

import functools
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Concatenate, ParamSpec, TypeVar, overload

from checkseries.tree.base import Tree, identifiers, named

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(slots=True)
class Footprint:
    """What a fact looked at: enough to know whether a patch can change it."""

    files: set[str] = field(default_factory=set)
    words: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)

    def include(self, other: Footprint) -> None:
        """Take over what another fact looked at: this one asked it."""
        self.files |= other.files
        self.words |= other.words
        self.names |= other.names


@dataclass(slots=True)
class _Answer:
    index: int
    value: Any
    footprint: Footprint


class Lineage:
    """A base tree and the snapshots above it, in order; the memory of all facts asked on them."""

    def __init__(self, base: Tree, toolchain: str = "gcc") -> None:
        self.base = base
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
        self._expected: set[str] = set()
        Snapshot(self, {}, {}, {})

    def expect(self, words: Iterable[str]) -> None:
        """Announce words that will be searched, so that the first search scans for all of them at once."""
        self._expected.update(word for word in words if word not in self._words)

    def base_files(self, word: str) -> frozenset[str]:
        """The files of the base that hold a word; scans for all expected words if it must."""
        if word not in self._words:
            wanted = self._expected | {word}
            found = self.base.grep(sorted(wanted))
            for each in wanted:
                self._words[each] = found.get(each, frozenset())
            self._expected.clear()
        return self._words[word]

    def words_of(self, data: bytes) -> frozenset[bytes]:
        """The identifiers of a file that the series touches: it is asked about many of them."""
        known = self._identifiers.get(id(data))
        if known is None or known[0] is not data:  # the bytes are kept, so that their id stays theirs
            known = self._identifiers[id(data)] = (data, identifiers(data))
        return known[1]

    def base_named(self, pattern: str) -> frozenset[str]:
        """The paths of the base whose last component matches a shell pattern."""
        if pattern not in self._named:
            plain = not any(letter in pattern for letter in "*?[")
            among = self._by_name().get(pattern, ()) if plain else self.base.paths()
            self._named[pattern] = named(among, pattern)
        return self._named[pattern]

    def _by_name(self) -> Mapping[str, Collection[str]]:
        """The paths of the base by their last components: headers are looked for by the hundred."""
        if self._components is None:
            self._components = defaultdict(list)
            for path in self.base.paths():
                self._components[path.rpartition("/")[2]].append(path)
        return self._components

    def record(self, footprint: Footprint) -> None:
        """Add to what the fact being computed has looked at."""
        if self._recording:
            self._recording[-1].include(footprint)

    def ask(self, snapshot: Snapshot, fact: Callable[..., T], keep: int, args: tuple[Any, ...]) -> T:
        """The value of a fact, computed or remembered; ``keep`` > 0 keeps only so many values of it."""
        key = (fact, args)
        answers = self._answers[key]
        for answer in reversed(answers):
            if self._same(answer, snapshot.index):
                self.record(answer.footprint)
                value: T = answer.value
                return value
        footprint = Footprint()
        self._recording.append(footprint)
        try:
            value = fact(snapshot, *args)
        finally:
            self._recording.pop()
            self.record(footprint)
        self.computed[fact.__name__] += 1
        answers.append(_Answer(snapshot.index, value, footprint))
        if keep and len(answers) > keep:
            del answers[0]
        return value

    def _same(self, answer: _Answer, index: int) -> bool:
        low, high = sorted((answer.index, index))
        return not any(self.snapshots[step].meets(answer.footprint) for step in range(low + 1, high + 1))


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
        self._words: frozenset[bytes] | None = None
        self._listed: dict[str, bool] = {}
        lineage.snapshots.append(self)

    @staticmethod
    def of(base: Tree, toolchain: str = "gcc") -> Snapshot:
        """The bare base as a snapshot."""
        return Lineage(base, toolchain).snapshots[0]

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
        self.lineage.record(Footprint(files={path}))
        return self.peek(path)

    def text(self, path: str) -> str | None:
        """The file as text: UTF-8, other bytes kept as surrogates; None if there is none."""
        data = self.read(path)
        return None if data is None else data.decode("utf-8", "surrogateescape")

    def exists(self, path: str) -> bool:
        """Whether there is a regular file of that path."""
        self.lineage.record(Footprint(files={path}))
        if path in self._overlay:
            return self._overlay[path] is not None
        return path in self.lineage.base.paths()

    def named(self, pattern: str) -> tuple[str, ...]:
        """All paths whose last component matches a shell pattern (``Kconfig*``), sorted."""
        self.lineage.record(Footprint(names={pattern}))
        found = set(self.lineage.base_named(pattern))
        changed = named(self._overlay.keys(), pattern)
        found -= changed
        found |= {path for path in changed if self._overlay[path] is not None}
        return tuple(sorted(found))

    def grep(self, word: str) -> tuple[str, ...]:
        """The paths of all files that hold a whole identifier, sorted."""
        self.lineage.record(Footprint(words={word}))
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
        if not footprint.files.isdisjoint(self._touched):
            return True
        if any(self._meets(word) for word in footprint.words):
            return True
        return any(self._lists(pattern) for pattern in footprint.names)

    def _lists(self, pattern: str) -> bool:
        """Whether a file whose name matches a pattern comes or goes."""
        if pattern not in self._listed:
            moved = [
                path
                for path, data in self._touched.items()
                if (self._previous[path] is None) != (data is None)
            ]
            self._listed[pattern] = bool(named(moved, pattern))
        return self._listed[pattern]

    def _meets(self, word: str) -> bool:
        if self._words is None:
            texts = [text for text in (*self._touched.values(), *self._previous.values()) if text is not None]
            self._words = frozenset().union(*map(identifiers, texts))
        return word.encode() in self._words

    def peek(self, path: str) -> bytes | None:
        """The bytes of a file, without leaving a footprint: for those who are no fact."""
        if path in self._overlay:
            return self._overlay[path]
        return self.lineage.base.read(path)


Fact = Callable[Concatenate[Snapshot, P], T]


@overload
def fact(function: Fact[P, T]) -> Fact[P, T]: ...
@overload
def fact(*, keep: int) -> Callable[[Fact[P, T]], Fact[P, T]]: ...
def fact(
    function: Fact[P, T] | None = None, *, keep: int = 0
) -> Fact[P, T] | Callable[[Fact[P, T]], Fact[P, T]]:
    """Make a pure function of a snapshot a fact: asked at most once for the same state of what it reads.

    Its further arguments must be hashable and positional, its value immutable. ``keep`` bounds how many
    values of one argument list are remembered: for facts as large as a Kconfig model.
    """

    def wrap(raw: Fact[P, T]) -> Fact[P, T]:
        @functools.wraps(raw)
        def asked(snapshot: Snapshot, /, *args: P.args, **kwargs: P.kwargs) -> T:
            assert not kwargs, "facts take positional arguments"
            return snapshot.lineage.ask(snapshot, raw, keep, args)

        return asked

    return wrap if function is None else wrap(function)
