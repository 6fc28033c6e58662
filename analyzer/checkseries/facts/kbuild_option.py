"""The macros that the makefile of a directory defines with ``-D`` for one of its files.

Source: scripts/Makefile.lib. ``ccflags-y`` counts for what its own makefile names, ``subdir-ccflags-y`` for the
directories below too, ``CFLAGS_x.o`` for one object. What those leave open, and what any other variable holds, is
not said here.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from checkseries.facts.kbuild import Entry, entries, makefile, taken
from checkseries.facts.presence import Option, held
from checkseries.tree import Snapshot

_LARGEST = 200_000  # bytes of a makefile that are looked at
OTHERS = re.compile(r"AFLAGS|asflags|CHECKFLAGS|HOST|RUST|rust")
"""What is in a line that says nothing to the C compiler of the kernel."""
_LIST = re.compile(r"(subdir-)?ccflags-(?:(y)|\$[({]CONFIG_(\w+)[)}])", re.ASCII)
_OBJECT = re.compile(r"CFLAGS_(?:REMOVE_)?([\w./-]+)\.o", re.ASCII)
_FLAG = re.compile(r"-D([A-Za-z_]\w*)(?:=(\w+))?", re.ASCII)
_NAMED = re.compile(r"-[DU][ \t]*([A-Za-z_]\w*)", re.ASCII)
# What the lists of assignments do not tell: lines behind a tab, and lists that are emptied.
_HIDDEN = re.compile(
    r"^(?:\t[ \t]*(?:subdir-)?ccflags|[ ]*(?:subdir-)?ccflags-\S+[ \t]*:?=[ \t]*(?:#.*)?$)", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Given:
    """What the makefiles of directories say to the compiler of one file."""

    defined: Mapping[str, str]
    """Names that are surely defined, and what they stand for."""
    doubtful: frozenset[str]
    """Names that may be."""


class _Makefile:
    """The assignments of one makefile, obeyed in their order as far as they count for a file."""

    def __init__(self, values: Mapping[str, str], stem: str, *, own: bool) -> None:
        self.values = values
        self.stem = stem
        self.own = own
        self.plain: dict[str, str] = {}
        self.inherited: dict[str, str] = {}
        self.doubtful: set[str] = set()
        self.told: Counter[str] = Counter()

    def obey(self, entry: Entry) -> None:
        names = _names(" ".join(entry.words))
        self.told.update(names)
        kind = _LIST.fullmatch(entry.list)
        one = _OBJECT.fullmatch(entry.list)
        if OTHERS.search(entry.list) or (one is not None and (one[1] != self.stem or not self.own)):
            return  # for something else than the object of the file
        if kind is None:
            self.doubtful.update(names)
        elif self.own or kind[1]:
            self._add(entry, self.inherited if kind[1] else self.plain, kind, names)

    def _add(self, entry: Entry, to: dict[str, str], kind: re.Match[str], names: Counter[str]) -> None:
        here = held(entry.condition, self._value)
        if here is False or (kind[2] is None and self.values.get(kind[3] or "") != "y"):
            return
        if here is None:
            self.doubtful.update(names)
            if entry.anew:
                self.doubtful.update(to)
            return
        if entry.anew:
            to.clear()
        flags = [_FLAG.fullmatch(each) for each in entry.words]
        sure = {flag[1]: flag[2] or "1" for flag in flags if flag is not None}
        self.doubtful.update(names.keys() - sure.keys())
        self.doubtful.update(name for name in sure if names[name] > 1)
        to.update(sure)

    def _value(self, option: Option) -> bool:
        return self.values.get(option.name) == option.value


def given(tree: Snapshot, path: str, arch: str, values: Mapping[str, str]) -> Given:
    """What the makefile of a file's directory, and those above, define for it."""
    directory, _, name = path.rpartition("/")
    stem = name.rpartition(".")[0]
    own = makefile(tree, directory)
    # A header is looked at for whoever includes it, an object may be named in another directory's makefile.
    named = (
        path.endswith(".c")
        and own is not None
        and any(f"{stem}.o" in each.words for each in entries(tree, own))
    )
    defined: dict[str, str] = {}
    doubtful: set[str] = set()
    while directory:
        read = makefile(tree, directory)
        for each in (f"{directory}/Makefile", f"{directory}/Kbuild"):
            text = (tree.text(each) or "")[:_LARGEST]
            names = _names("\n".join(line for line in taken(text, values) if not OTHERS.search(line)))
            if not names:
                continue
            found = _Makefile(values, stem, own=each == own)
            if named and each == read and directory != f"arch/{arch}" and not _HIDDEN.search(text):
                for entry in entries(tree, each):
                    found.obey(entry)
            doubtful |= found.doubtful
            doubtful.update(name for name, count in names.items() if found.told[name] < count)
            for word, body in (*found.inherited.items(), *found.plain.items()):
                if defined.setdefault(word, body) != body:
                    doubtful.add(word)
        directory = directory.rpartition("/")[0]
    return Given({name: body for name, body in defined.items() if name not in doubtful}, frozenset(doubtful))


def _names(text: str) -> Counter[str]:
    """How often each name is defined, or its definition taken back, in a text without comments."""
    lines = (line.partition("#")[0] for line in text.split("\n"))
    return Counter(match[1] for line in lines for match in _NAMED.finditer(line))


__all__ = ["OTHERS", "Given", "given"]
