"""How a C file gets into the kernel, as the makefile beside it says.

Only plain lists count: what stands between ``ifdef`` and ``endif``, comes by a make variable or from a makefile
elsewhere is not known.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from checkseries.facts.c_include import includes
from checkseries.tree import Snapshot, fact

_LIST = re.compile(r"\s*([\w.-]+)-(y|m|objs|\$\(CONFIG_\w+\))\s*(?:[:+]?=)(.*)", re.ASCII)
_NESTS = re.compile(r"\s*(ifn?def|ifn?eq)\b", re.ASCII)
_SPLICE = re.compile(r"\\\r?\n")


@dataclass(frozen=True, slots=True)
class Way:
    """One way of an object into the build."""

    option: str
    """``y``, ``m`` or the CONFIG symbol of the ``obj-`` list that it, or what it is a part of, stands in."""
    part: str
    """The CONFIG symbol of the list that makes it a part, ``y`` if it is always one."""
    composite: bool
    """Whether it is a part of another object."""


@fact
def _lists(tree: Snapshot, directory: str) -> Mapping[str, tuple[tuple[str, str], ...]] | None:
    """Object name -> the lists that it stands in, with their condition; None if the makefile cannot be told."""
    text = tree.text(f"{directory}/Kbuild") or tree.text(f"{directory}/Makefile")
    if text is None:
        return None
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    depth = 0
    for raw in _SPLICE.sub(" ", text).split("\n"):
        line = raw.partition("#")[0]
        if _NESTS.match(line):
            depth += 1
        elif line.strip().startswith("endif"):
            depth -= 1
        match = _LIST.match(line)
        if match is None:
            continue
        condition = "y" if match[2] == "objs" else match[2].removeprefix("$(CONFIG_").removesuffix(")")
        for word in match[3].split():
            found[word].append((match[1], "?" if depth or "$" in word else condition))
    return MappingProxyType({name: tuple(lists) for name, lists in found.items()})


@fact
def ways(tree: Snapshot, path: str) -> tuple[Way, ...] | None:
    """The ways of a C file into the build; None if they are not all known."""
    directory, _, name = path.rpartition("/")
    lists = _lists(tree, directory)
    if lists is None or not name.endswith(".c"):
        return None
    found = []
    for wanted, condition in lists.get(f"{name[:-2]}.o", ()):
        if condition == "?":
            return None
        if wanted == "obj":
            found.append(Way(condition, "y", composite=False))
            continue
        whole = lists.get(f"{wanted}.o", ())
        if not whole:
            return None
        for outer, option in whole:
            if outer != "obj" or option == "?":
                return None
            found.append(Way(option, condition, composite=True))
    return tuple(found) or _of_includer(tree, path, lists)


def _of_includer(
    tree: Snapshot, path: str, lists: Mapping[str, tuple[tuple[str, str], ...]]
) -> tuple[Way, ...] | None:
    """The ways of the file beside that includes this one."""
    directory, _, name = path.rpartition("/")
    found: list[Way] = []
    for item in lists:
        beside = f"{directory}/{item.removesuffix('.o')}.c"
        if item.endswith(".o") and beside != path and name in includes(tree, beside):
            of = ways(tree, beside)
            if of is None:
                return None
            found += of
    return tuple(found) or None
