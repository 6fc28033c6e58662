"""What an architecture's own Makefile tells the compiler of every file: the directories of its boards' headers.

Source: arch/mips/Makefile, arch/mips/Kbuild.platforms and arch/mips/*/Platform, where the headers of
``mach-...`` directories are chosen by the configuration.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from checkseries.facts.include import joined
from checkseries.tree import Snapshot

_LARGEST = 200_000  # bytes of a makefile that are looked at
_MOST = 200  # makefiles: mips has about forty
_INCLUDE = re.compile(r"include[ \t]+\$\(srctree\)/(\S+)", re.ASCII)
_BOARDS = re.compile(
    r"include[ \t]+\$\(patsubst %/,[ \t]*\$\(srctree\)/([\w/.-]+)/%/([\w.]+),[ \t]*\$\((\w+)-y\)\)"
)
_ADDED = re.compile(r"([A-Za-z_]\w*?)(?:-(?:y|\$\(CONFIG_(\w+)\)))?[ \t]*(?:\+=|:=|=)(.*)", re.ASCII)
_FLAGS = re.compile(r"cflags|ccflags|KBUILD_(?:CFLAGS|CPPFLAGS)|LINUXINCLUDE", re.ASCII)
_FOLDER = re.compile(r"-I[ \t]*\$[({]srctree[)}]/([\w./-]+)", re.ASCII)
_BEGINS = re.compile(r"(?:ifdef|ifndef|ifeq|ifneq)\b")


def makefiles(tree: Snapshot, arch: str, values: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """The logical lines of an architecture's Makefile and of what it includes, in order.

    With each, why it is not known whether it counts ("" if it does): it stands in a conditional.
    """
    return tuple(_lines(tree, f"arch/{arch}/Makefile", values, [_MOST], ""))


def _lines(
    tree: Snapshot, path: str, values: Mapping[str, str], left: list[int], outer: str
) -> Iterator[tuple[str, str]]:
    left[0] -= 1
    text = tree.text(path) if left[0] >= 0 else None
    if text is None:
        return
    boards: dict[str, list[tuple[str, str]]] = {}
    depth = 0
    for each in re.sub(r"\\\r?\n", " ", text[:_LARGEST]).split("\n"):
        line = each.partition("#")[0].strip()
        doubt = outer or (f"a condition in {path}" if depth > 0 else "")
        if _BEGINS.match(line):
            depth += 1
        elif line.startswith("endif"):
            depth -= 1
        elif line.startswith(("include ", "include\t", "-include ")):
            match = _INCLUDE.fullmatch(line)
            group = _BOARDS.fullmatch(line)
            if match is not None:
                yield from _lines(tree, match[1], values, left, doubt)
            elif group is not None:
                for folder, unsure in boards.get(group[3], []):
                    yield from _lines(tree, f"{group[1]}/{folder}/{group[2]}", values, left, doubt or unsure)
        elif line:
            added = _ADDED.fullmatch(line)
            if added is not None and added[2] and values.get(added[2]) == "y":
                boards.setdefault(added[1], []).extend((word.rstrip("/"), doubt) for word in added[3].split())
            yield line, doubt


def folders(tree: Snapshot, arch: str, values: Mapping[str, str]) -> tuple[str, ...] | str:
    """The directories of the tree that an architecture adds with ``-I``, in order; a text says why that is not known."""
    found: dict[str, None] = {}
    for line, doubt in makefiles(tree, arch, values):
        if "-I" not in line:
            continue
        added = _ADDED.fullmatch(line)
        if added is None or not _FLAGS.fullmatch(added[1]):
            continue
        if added[2] is not None and values.get(added[2]) != "y":
            continue
        for match in _FOLDER.finditer(added[3]):
            if doubt:
                return f"{doubt} decides on -I{match[1]}"
            where = joined("", match[1])
            if where is not None:
                found[where.rstrip("/")] = None
    return tuple(found)


__all__ = ["folders", "makefiles"]
