"""Which options build a .c file, as far as its makefile says so in plain words."""

from __future__ import annotations

import re
from dataclasses import dataclass

from checkseries.tree import Snapshot, fact

_RULE = re.compile(
    r"([\w-]+?)-(?:\$\(CONFIG_(\w+)\)|\$\(subst m,y,\$\(CONFIG_(\w+)\)\)|y|objs)[ \t]*[:+]?=", re.ASCII
)
_LARGEST = 1 << 20
_Clauses = tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class _Listed:
    target: str
    symbol: str
    """Empty if it is always built."""


@fact
def gate(tree: Snapshot, path: str) -> _Clauses | None:
    """The symbols that a file needs, one of each group; that of the file's own object first.

    None if the makefiles do not say so in plain words.
    """
    directory, _, base = path.rpartition("/")
    if path.startswith("arch/"):
        return None
    clauses = _object(tree, directory, base.removesuffix(".c") + ".o", 0)
    while clauses is not None and "/" in directory:
        directory, _, name = directory.rpartition("/")
        above = _listed(tree, directory, f"{name}/")
        if not above or any(each.target != "obj" for each in above):
            return None
        clauses += _clause(above)
    return clauses


def _object(tree: Snapshot, directory: str, name: str, depth: int) -> _Clauses | None:
    found = _listed(tree, directory, name)
    targets = {each.target for each in found}
    if len(targets) != 1 or depth > 1:
        return None
    (target,) = targets
    if target in ("obj", "lib"):
        return _clause(found)
    outer = _object(tree, directory, f"{target}.o", depth + 1)
    return None if outer is None else outer + _clause(found)


def _clause(found: list[_Listed]) -> _Clauses:
    symbols = tuple(dict.fromkeys(each.symbol for each in found))
    return () if "" in symbols else (symbols,)


def _listed(tree: Snapshot, directory: str, name: str) -> list[_Listed]:
    """What lists an object or a directory; nothing if any of it stands below a makefile's own condition."""
    text = tree.text(f"{directory}/Kbuild") or tree.text(f"{directory}/Makefile") or ""
    if len(text) > _LARGEST:
        return []
    found = []
    depth = 0
    for line in text.replace("\\\n", " ").split("\n"):
        first = line.split(maxsplit=1)[:1]
        if first and first[0].startswith(("ifeq", "ifneq", "ifdef", "ifndef")):
            depth += 1
        elif first == ["endif"]:
            depth -= 1
        elif name in line.partition("#")[0].split():
            match = _RULE.match(line)
            if match is None or depth:
                return []
            found.append(_Listed(match[1], match[2] or match[3] or ""))
    return found
