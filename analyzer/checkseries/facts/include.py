"""What a C file includes, and which files of the tree that can be.

Search paths are the build's: only what lies under no name that could be meant is said to be missing. Not found:
includes whose name a macro spells.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from checkseries.facts.c_decl import kernel_source
from checkseries.facts.c_text import code
from checkseries.facts.presence import Expression, presence_of
from checkseries.model import Place
from checkseries.tree import Kept, Snapshot, fact

_NAME = re.compile(r'\s*(?:"([^"\n]{1,250})"|<([^<>\n]{1,250})>)')
_MOST = 4000  # includes of one file
_WORD = re.compile(r"[A-Za-z_]\w*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Include:
    """One ``#include``."""

    name: str
    """As written between the quotes or brackets."""
    quoted: bool
    place: Place
    condition: Expression


@fact(kept=Kept())
def includes(tree: Snapshot, path: str) -> tuple[Include, ...]:
    """The includes of a file, in order."""
    data = tree.read(path)
    if data is None or b"include" not in data:
        return ()
    source = code(data)
    found: list[Include] = []
    for directive in source.directives:
        if directive.word != "include":
            continue
        # The quoted name is a literal, which is blanked in the text: it is read from the file itself.
        match = _NAME.match(data[directive.rest : directive.end].decode("utf-8", "surrogateescape"))
        if match and len(found) < _MOST:
            line = source.line(directive.start)
            where = Place(path, line, source.column(directive.start), "", source.source_line(directive.start))
            found.append(Include(match[1] or match[2], bool(match[1]), where, presence_of(data).at(line)))
    return tuple(found)


def joined(directory: str, name: str) -> str | None:
    """A path relative to a directory without ``.`` and ``..``; None if it leaves the tree."""
    parts: list[str] = []
    for part in (*directory.split("/"), *name.split("/")):
        if part == "..":
            if not parts:
                return None
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


@fact
def meant(tree: Snapshot, path: str, name: str, quoted: bool) -> tuple[str, ...]:
    """The files that an include may mean: beside the file alone if there is one, else all that end in the name."""
    if quoted:
        beside = joined(path.rpartition("/")[0], name)
        if beside and tree.exists(beside):
            return (beside,)
    tail = "/".join(part for part in name.split("/") if part not in ("", ".", ".."))
    base = tail.rpartition("/")[2]
    if not base or any(character in base for character in "*?["):
        return ()
    return tuple(each for each in tree.named(base) if each == tail or each.endswith(f"/{tail}"))


def stem_word(path: str) -> str:
    """The identifier that a file which includes a header must hold: the longest of its name; "" if none."""
    words: list[str] = _WORD.findall(path.rpartition("/")[2].rpartition(".")[0])
    return max(words, key=len, default="")


@fact
def includers(tree: Snapshot, path: str) -> tuple[str, ...]:
    """The C files of the kernel that may include a header directly, sorted."""
    word = stem_word(path)
    return tuple(_includers(tree, path, word)) if word else ()


def _includers(tree: Snapshot, path: str, word: str) -> Iterator[str]:
    base = path.rpartition("/")[2]
    named = base.encode()
    for other in tree.grep(word):
        # The word alone may be that of thousands of files.
        if (
            kernel_source(other)
            and named in (tree.read(other) or b"")
            and any(
                each.name.rpartition("/")[2] == base and path in meant(tree, other, each.name, each.quoted)
                for each in includes(tree, other)
            )
        ):
            yield other
