"""Which architectures a series is judged for."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence

from checkseries.errors import UsageError
from checkseries.model import Series
from checkseries.tree import Tree

USUAL = ("arm64", "mips", "riscv", "x86")
"""Judged for every series: the four that between them have both word sizes and most of the Kconfig idioms."""
_MOST = 2
"""Architectures that are judged beyond those because the code is made for them: each costs a Kconfig model."""
_FILES = 40  # touched files whose makefiles are looked at
_SYMBOLS = {"powerpc": "PPC", "sh": "SUPERH", "um": "UML"}
"""What the symbol of an architecture is called where it is not the directory in capitals."""


def archs_of(tree: Tree, series: Series | None, chosen: Sequence[str]) -> tuple[str, ...]:
    """The chosen architectures, else the usual ones and those that the series touches or is made for; sorted."""
    there = {
        parts[1]
        for path in tree.paths()
        if path.startswith("arch/") and len(parts := path.split("/")) == 3 and parts[2] == "Kconfig"
    }
    for arch in chosen:
        if arch not in there:
            near = difflib.get_close_matches(arch, sorted(there), 1, 0.5)
            raise UsageError(
                f"--arch {arch}: the tree has no arch/{arch}/Kconfig"
                + (f"; did you mean {near[0]}?" if near else "")
            )
    if chosen:
        return tuple(sorted(set(chosen)))
    paths = [edit.path for patch in series.patches for edit in patch.edits] if series else []
    touched = {path.split("/")[1] for path in paths if path.startswith("arch/") and path.count("/") > 1}
    judged = there & {*USUAL, *touched}
    made_for = dict.fromkeys(arch for arch in _made_for(tree, paths, there) if arch not in judged)
    return tuple(sorted({*judged, *list(made_for)[:_MOST]}))


def _made_for(tree: Tree, paths: Sequence[str], archs: set[str]) -> Iterator[str]:
    """The architectures that the options which build the touched files depend on, or that select them."""
    symbols = {_SYMBOLS.get(arch, arch.upper()): arch for arch in archs}
    gates = dict.fromkeys(
        gate for path in dict.fromkeys(paths) if path.endswith(".c") for gate in _gates(tree, path)
    )
    if not gates:
        return
    own: dict[str, str] = dict.fromkeys(sorted(archs), "")
    for path in tree.paths():
        parts = path.split("/") if path.startswith("arch/") else ()
        if len(parts) == 3 and parts[1] in own and parts[2].startswith("Kconfig"):
            own[parts[1]] += _text(tree, path)
    for directory, gate in list(gates)[:_FILES]:
        entry = re.search(
            rf"^config {gate}\n((?:[ \t].*\n|\n)*)", _text(tree, f"{directory}/Kconfig"), re.MULTILINE
        )
        depends = "\n".join(re.findall(r"^[ \t]+depends on (.*)", entry[1], re.MULTILINE)) if entry else ""
        # ``!ARM`` speaks of the others
        words = re.findall(r"(?<![!\w])(\w+)", depends)
        yield from (symbols[word] for word in words if word in symbols)
        selected = re.compile(rf"^[ \t]+select {gate}\b", re.MULTILINE)
        yield from (arch for arch, text in own.items() if selected.search(text))


def _gates(tree: Tree, path: str) -> Iterator[tuple[str, str]]:
    """The directory and the options of the lines of its makefile that name an object."""
    directory, _, base = path.rpartition("/")
    name = re.escape(base.removesuffix(".c") + ".o")
    for match in re.finditer(
        rf"^obj-\$\(CONFIG_(\w+)\)[ \t]*[:+]?=(?:[^\n\\]|\\\n)*(?<!\S){name}(?!\S)",
        _text(tree, f"{directory}/Makefile"),
        re.MULTILINE,
    ):
        yield directory, match[1]


def _text(tree: Tree, path: str) -> str:
    return (tree.read(path) or b"").decode("latin-1")
