"""What the Kconfig files of a tree say one by one, on no architecture in particular.

Which names are defined anywhere, and which names an expression mentions. One file is one fact, so that a
patch costs the files that it touches.

Not found: what macros spell. A name that is put together by one (``config FOO_$(BAR)``) is told by
:func:`spelt`, and words that hold one are no references.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

from checkseries.facts.kconfig.help import after_help
from checkseries.facts.kconfig.toolchain import Toolchain
from checkseries.tree import Kept, Snapshot, fact

_NOT_THE_KERNELS = ("scripts/kconfig/tests/",)
"""Kconfig files that no kernel reads: the tests of conf itself."""

_FIRST = re.compile(r"[ \t]*([A-Za-z0-9_$-]+)")
_NAME = re.compile(r"[ \t]*(?:config|menuconfig|choice)[ \t]+([A-Za-z0-9_-]+)[ \t]*(?:#.*)?$")
_SOURCE = re.compile(r"""[ \t]*source[ \t]+["']([^"'\n]*)["']""")
_MACRO = re.compile(r"\$\((\w+)\)")
_STATEMENT = re.compile(
    r"^[ \t]*(?:(help|---help---)[ \t]*(?:#.*)?$|(config|menuconfig|choice|source)(?![A-Za-z0-9_-])(.*)$)",
    re.MULTILINE,
)
_TOKEN = re.compile(
    r"""(?P<comment>\#.*)
      | "(?:[^"\\]|\\.)*(?:"|$)
      | '(?:[^'\\]|\\.)*(?:'|$)
      | (?P<word>(?:[A-Za-z0-9_-]|\$(?P<macro>\()?)+)
      | .""",
    re.VERBOSE,
)
_NUMBER = re.compile(r"-?(?:[0-9]+|0[xX][0-9a-fA-F]+)\Z")

_BLOCKS = frozenset({"menu", "endmenu", "endchoice", "if", "endif", "source", "comment", "mainmenu"})
"""Statements that end the entry of a symbol, besides another one."""
_PLAIN = frozenset({"bool", "tristate", "int", "hex", "string", "prompt"})
"""Statements in which only what stands behind ``if`` is an expression."""
_EXPRESSIONS = frozenset(
    {"select", "imply", "depends", "visible", "if", "default", "range", "def_bool", "def_tristate"}
)
_NO_SYMBOLS = frozenset({"y", "m", "n"})


class Definition(NamedTuple):
    """A ``config``, ``menuconfig`` or named ``choice`` line."""

    name: str
    """Empty if a macro spells it."""
    line: int


@dataclass(frozen=True, slots=True)
class Reference:
    """A symbol that an expression mentions."""

    name: str
    line: int
    column: int
    """From 1, in characters."""
    keyword: str
    """``select``, ``imply``, ``depends``, ``visible``, ``default``, ``range``, ``def_bool``, ``def_tristate``,
    or ``if`` for a condition, be it of a statement or of a block."""
    entry: str
    """The symbol in whose entry it stands, empty outside of one."""


@fact
def paths(tree: Snapshot) -> tuple[str, ...]:
    """The Kconfig files of the kernel, sorted: those named so, and what they source under another name."""
    found = {path for path in tree.named("Kconfig*") if _counts(path)}
    pending = list(found)
    while pending:
        for path in sources(tree, pending.pop()):
            if path not in found and _counts(path) and tree.exists(path):
                found.add(path)
                pending.append(path)
    return tuple(sorted(found))


def _counts(path: str) -> bool:
    return not path.startswith(_NOT_THE_KERNELS) and not path.endswith((".c", ".h", ".py", ".rst"))


@fact
def definitions(tree: Snapshot) -> Mapping[str, tuple[tuple[str, int], ...]]:
    """Every name that some Kconfig file defines, on whatever architecture, to the paths and lines of it."""
    found: dict[str, tuple[tuple[str, int], ...]] = {}
    for path in paths(tree):
        for name, line in defined(tree, path):
            found[name] = (*found.get(name, ()), (path, line))
    found.pop("", None)
    return MappingProxyType(found)


@fact
def spelt(tree: Snapshot) -> tuple[tuple[str, int], ...]:
    """Path and line of every definition whose name a macro spells: where any is, no name is surely undefined."""
    return tuple((path, line) for path in paths(tree) for name, line in defined(tree, path) if not name)


def defined(tree: Snapshot, path: str) -> tuple[Definition, ...]:
    """The definitions in one Kconfig file, in their order."""
    return headings(tree, path)[0]


def definitions_of(tree: Snapshot, path: str) -> tuple[str, ...]:
    """The names that one file defines, macros left out."""
    return tuple(definition.name for definition in defined(tree, path) if definition.name)


def sources(tree: Snapshot, path: str) -> tuple[str, ...]:
    """The paths that one Kconfig file sources, normalised; those with macros are left out."""
    return tuple(each for each in headings(tree, path)[1] if "$" not in each)


def closure(tree: Snapshot, starts: Iterable[str], arch: str) -> frozenset[str]:
    """Some Kconfig files with all that they source, directly or not, as far as text tells.

    Macros of the environment (``$(SRCARCH)``) are those of the arch, others may be anything; what stands
    around a ``source`` is not looked at. So a path that is not in it is surely not sourced from there.
    """
    known = paths(tree)
    environment = Toolchain(arch).environment
    found: set[str] = set()
    pending = list(starts)
    while pending:
        written = pending.pop()
        expanded = _MACRO.sub(lambda match: environment.get(match[1], match[0]), written)
        reached: tuple[str, ...] = (posixpath.normpath(expanded),)
        if "$" in expanded:
            spelt_so = re.compile(".*".join(map(re.escape, re.split(r"\$.*\)|\$\w+", expanded))))
            reached = tuple(path for path in known if spelt_so.fullmatch(path))
        for path in reached:
            if path not in found:
                found.add(path)
                pending += headings(tree, path)[1]
    return frozenset(found)


@fact
def read_on(tree: Snapshot, arch: str) -> frozenset[str]:
    """The Kconfig files that an architecture may read: see ``closure``."""
    return closure(tree, ("Kconfig",), arch)


def concerns(tree: Snapshot, path: str, arch: str) -> bool:
    """Whether a file is a Kconfig file that an architecture may read.

    Those below another architecture's directory are only if something sources them:
    ``arch/x86/crypto/Kconfig`` is read everywhere, ``arch/x86/um/Kconfig`` by um.
    """
    if path not in paths(tree):
        return False
    parts = path.split("/")
    elsewhere = parts[0] == "arch" and len(parts) > 2 and parts[1] != arch
    return not elsewhere or path in read_on(tree, arch)


@fact(kept=Kept())
def headings(tree: Snapshot, path: str) -> tuple[tuple[Definition, ...], tuple[str, ...]]:
    """The definitions and the sourced paths of one Kconfig file, found in one go; macros are as written."""
    return _headings(tree.text(path) or "")


def _headings(text: str) -> tuple[tuple[Definition, ...], tuple[str, ...]]:
    found: list[Definition] = []
    sourced: list[str] = []
    position = counted = 0
    line = 1
    while match := _STATEMENT.search(text, position):
        line += text.count("\n", counted, match.start())
        counted = match.start()
        position = match.end()
        if match[1]:
            position = after_help(text, text.find("\n", position) + 1 or len(text))
        elif _continues(text, match.start()):
            continue
        elif match[2] == "source":
            source = _SOURCE.match(match[0])
            path = posixpath.normpath(source[1]) if source else ""
            if path and not path.startswith(("/", "..")):
                sourced.append(path)
        elif match[2] != "choice" or match[3].split("#")[0].strip():
            name = _NAME.match(match[0])
            if name or "$" in match[3]:
                found.append(Definition(name[1] if name else "", line))
    return tuple(found), tuple(sourced)


def _continues(text: str, start: int) -> bool:
    """Whether a line continues the one before, so that it starts no statement."""
    return start >= 2 and text[start - 1] == "\n" and text[start - 2] == "\\"


@fact
def references(tree: Snapshot, path: str) -> tuple[Reference, ...]:
    """The symbols that the expressions of one Kconfig file mention, in their order, repeated as they occur.

    Constants, quoted strings, numbers and words with macros are none.
    """
    return tuple(_references(tree.text(path) or ""))


def _references(text: str) -> Iterator[Reference]:
    entry = ""
    for statement in statements(text):
        first = _FIRST.match(statement[0][1])
        keyword = first[1] if first else ""
        if keyword in ("config", "menuconfig", "choice"):
            name = _NAME.match(statement[0][1])
            entry = name[1] if name and keyword != "choice" else ""
        elif keyword in _BLOCKS:
            entry = ""
        if keyword in _PLAIN or keyword in _EXPRESSIONS:
            assert first is not None
            yield from _mentioned(statement, keyword, first.end(), entry)


def _mentioned(statement: list[tuple[int, str]], keyword: str, start: int, entry: str) -> Iterator[Reference]:
    expression = keyword in _EXPRESSIONS
    for line, text in statement:
        position = start
        start = 0
        while match := _TOKEN.match(text, position):
            position = match.end()
            if match["comment"]:
                break
            word = match["word"]
            if word is None:
                continue
            if "$" in word:
                position = _after_macros(text, match.start())
            elif word == "if":
                keyword, expression = "if", True
            elif word == "on" and keyword == "depends":
                continue
            elif expression and word not in _NO_SYMBOLS and not _NUMBER.match(word):
                yield Reference(word, line, match.start() + 1, keyword, entry)


def _after_macros(text: str, position: int) -> int:
    """The position after a word that holds ``$(...)``, whatever stands in it."""
    while position < len(text):
        if text.startswith("$(", position):
            nest = 0
            for found in re.compile(r"[()]").finditer(text, position):
                nest += 1 if found[0] == "(" else -1
                if not nest:
                    position = found.end()
                    break
            else:
                return len(text)
        elif text[position].isalnum() or text[position] in "_-$":
            position += 1
        else:
            break
    return position


def statements(text: str) -> Iterator[list[tuple[int, str]]]:
    """The statements outside of help texts, each as its lines with their numbers, continuations without ``\\``."""
    position = 0
    number = 0
    while position < len(text):
        lines: list[tuple[int, str]] = []
        while position < len(text):
            end = text.find("\n", position)
            end = len(text) if end < 0 else end
            line = text[position:end]
            position = end + 1
            number += 1
            if line.endswith("\\") and not line.lstrip().startswith("#"):
                lines.append((number, line[:-1]))
                continue
            lines.append((number, line))
            break
        yield lines
        first = lines[0][1].strip()
        if first.startswith(("help", "---help")) and first.split("#")[0].strip() in ("help", "---help---"):
            after = after_help(text, position)
            number += text.count("\n", position, after)
            position = after
