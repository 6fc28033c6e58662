"""The entries of Kconfig files as text, each with the blocks around it: what a patch changes of which symbol.

Help texts, comments, prompts' wording and white space are no part of an entry; the ``if``, ``menu`` and
``choice`` blocks that it stands in are.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from checkseries.facts.kconfig.lexical import closure, definitions_of, statements
from checkseries.tree import Snapshot, fact

_WORD = re.compile(r"[ \t]*([A-Za-z0-9_$-]+)[ \t]*(.*)")
_OPENING = frozenset({"if", "menu", "choice"})
_CLOSING = frozenset({"endif", "endmenu", "endchoice"})
_HEADS = frozenset({"config", "menuconfig"})
_SILENT = frozenset({"help", "---help---", "comment", "mainmenu", "optional"})
_TITLE = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'")


@fact
def entries(tree: Snapshot, path: str) -> Mapping[str, tuple[str, ...]]:
    """Name -> what all entries of that symbol in one file say, with the blocks around them.

    ``source PATH`` stands for a sourced file: what is around it is around all of its entries.
    """
    found: dict[str, list[str]] = defaultdict(list)
    blocks: list[list[str]] = []
    into: list[str] | None = None
    for lines in statements(tree.text(path) or ""):
        match = _WORD.match(" ".join(text for _, text in lines))
        if match is None:
            continue
        word, rest = match[1], " ".join(match[2].split("#")[0].split())
        if word in _HEADS or word == "source":
            into = found[rest if word in _HEADS else f"source {_unquoted(rest)}"]
            into.append(" / ".join(" ".join(block) for block in blocks))
            if word == "source":
                into = None
        elif word in _OPENING:
            blocks.append([word, rest if word == "if" else ""])
            into = None if word == "if" else blocks[-1]
        elif word in _CLOSING:
            if blocks:
                blocks.pop()
            into = None
        elif into is not None and word not in _SILENT:
            titled = word in {"bool", "tristate", "int", "hex", "string", "prompt"}
            into.append(f"{word} {_TITLE.sub('PROMPT', rest, count=1) if titled else rest}")
    return MappingProxyType({name: tuple(said) for name, said in found.items()})


@dataclass(frozen=True, slots=True)
class EntryChange:
    """What a patch changes in the entries of one symbol."""

    name: str
    gained: frozenset[str]
    """Symbols that it newly selects, or selects under another condition."""
    lost: frozenset[str]
    """Symbols that it no longer selects so."""
    otherwise: bool
    """Whether anything else differs: type, prompt, dependencies, defaults, the blocks around it."""


def changed_entries(before: Snapshot, after: Snapshot, path: str, arch: str) -> tuple[EntryChange, ...]:
    """The symbols whose entries a patch changes in one file, adds to it or removes from it, by name.

    Where the blocks around a ``source`` change, all symbols of that file and of those that it sources count
    as changed; macros in its path are those of the arch.
    """
    old, new = entries(before, path), entries(after, path)
    found: dict[str, EntryChange] = {}
    for name in sorted(old.keys() | new.keys()):
        was, now = old.get(name, ()), new.get(name, ())
        if was == now:
            continue
        if name.startswith("source "):
            sourced = (name.removeprefix("source "),)
            for tree in (before, after):
                for file in closure(tree, sourced, arch):
                    for each in definitions_of(tree, file):
                        found[each] = EntryChange(each, frozenset(), frozenset(), otherwise=True)
            continue
        if "$" in name:
            continue
        differing = (Counter(was) - Counter(now)) + (Counter(now) - Counter(was))
        otherwise = (
            name not in old or name not in new or not all(line.startswith("select ") for line in differing)
        )
        # Another context makes every select of the entry another one.
        gained = _selected(Counter(now) - Counter(() if otherwise else was))
        lost = _selected(Counter(was) - Counter(now))
        found[name] = EntryChange(name, gained, lost, otherwise)
    return tuple(found[name] for name in sorted(found))


def _selected(lines: Iterable[str]) -> frozenset[str]:
    targets = (words[1] for line in lines if (words := line.split())[:1] == ["select"] and len(words) > 1)
    return frozenset(target for target in targets if "$" not in target)


def _unquoted(text: str) -> str:
    return text.strip("\"'")
