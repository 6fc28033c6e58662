"""Where code and makefiles ask for a configuration symbol: ``CONFIG_X`` in C, assembly and Kbuild."""

from __future__ import annotations

import re
from dataclasses import dataclass

from checkseries.facts.c_text import blank
from checkseries.tree import Snapshot, fact

_C_LIKE = (".c", ".h", ".S", ".lds", ".inc")
_MAKE = re.compile(r"(?:^|/)(?:Makefile|Kbuild|Makefile\.[A-Za-z0-9_.-]+|Platform)\Z")
# Programs for the build machine and the user have CONFIG_ names of their own; text has none at all.
_APART = ("tools/", "scripts/", "Documentation/", "LICENSES/")
_USE = re.compile(rb"(?<![A-Za-z0-9_#$.])CONFIG_([A-Za-z0-9_]+)(?![A-Za-z0-9_])(?!\s*##)")
_PASTED = re.compile(rb"##\s*\Z")
_DEFINED = re.compile(rb"^[ \t]*#[ \t]*define[ \t]+CONFIG_([A-Za-z0-9_]+)", re.MULTILINE)
_DIRECTIVE = re.compile(rb"^[ \t]*#(?:[^\\\n]|\\\r?\n|\\)*", re.MULTILINE)
_ENUM = re.compile(rb"\benum\b[^{};()]*\{([^{}]*)\}")
_ENUMERATOR = re.compile(rb"(?:^|,)\s*CONFIG_([A-Za-z0-9_]+)")
# A word right before a name makes it a declaration, as long as the word is a type: "u32 CONFIG_X;".
_DECLARED = re.compile(
    rb"(?<![A-Za-z0-9_.$%#])([A-Za-z_][A-Za-z0-9_]*)(?:\s+|\s*\*[\s*]*)CONFIG_([A-Za-z0-9_]+)\s*[=;,()\[{:]"
)
_NO_TYPES = frozenset({b"return", b"case", b"sizeof", b"else", b"goto", b"do", b"defined"})
_COMMENT_MARKS = {
    "arm": rb"@[^\n]*",
    "arc": rb"(?:(?<=\s)|^);[ \t][^\n]*",
    "parisc": rb"(?:(?<=\s)|^);[ \t][^\n]*",
    "m68k": rb"(?:(?<=\s)|^)\|[ \t][^\n]*",
    "sh": rb"(?:(?<=\s)|^)![ \t][^\n]*",
    "sparc": rb"(?:(?<=\s)|^)![ \t][^\n]*",
}
_HASH = rb"(?<=\S)[ \t]+#[ \t][^\n]*"
"""A comment of most other assemblers, behind a statement; at the start of a line it may be a directive."""
_ASSIGNED = re.compile(
    rb"(?:^|[ \t])(?:export[ \t]+|-D)?CONFIG_([A-Za-z0-9_]+)[ \t]*[:+?]?=|-DCONFIG_([A-Za-z0-9_]+)",
    re.MULTILINE,
)
_DEFCONFIG = re.compile(r"(?:arch/[^/]+|kernel)/configs/[^/]+\Z")
_SETTING = re.compile(rb"^CONFIG_([A-Za-z0-9_]+)=", re.MULTILINE)
_MAKE_COMMENT = re.compile(rb"(?<!\\)#[^\n]*")


@dataclass(frozen=True, slots=True)
class ConfigUse:
    """One mention of a symbol as ``CONFIG_X``."""

    name: str
    """Without ``CONFIG_``."""
    path: str
    line: int
    column: int
    """From 1, in bytes."""


def asks_config(path: str) -> bool:
    """Whether ``CONFIG_X`` in a file of that path means a symbol of the kernel's Kconfig."""
    return not path.startswith(_APART) and (path.endswith(_C_LIKE) or _MAKE.search(path) is not None)


@fact
def config_uses(tree: Snapshot, path: str) -> tuple[ConfigUse, ...]:
    """The mentions of symbols in one file, in their order; comments, literals and pasted names are none."""
    text = _code(tree, path)
    found = []
    line, counted, start = 1, 0, 0
    for match in _USE.finditer(text):
        if _PASTED.search(text, max(match.start() - 8, 0), match.start()):
            continue
        line += text.count(b"\n", counted, match.start())
        counted = match.start()
        start = text.rfind(b"\n", 0, counted) + 1
        found.append(ConfigUse(match[1].decode(), path, line, match.start() - start + 1))
    return tuple(found)


def sets_config(path: str) -> bool:
    """Whether a file is a defconfig, or a fragment of one."""
    return _DEFCONFIG.match(path) is not None


@fact
def config_settings(tree: Snapshot, path: str) -> tuple[ConfigUse, ...]:
    """The symbols that a defconfig sets, in its order; what it only says not to be set is none."""
    data = tree.read(path) if sets_config(path) else None
    found = []
    line, counted = 1, 0
    for match in _SETTING.finditer(data or b""):
        line += (data or b"").count(b"\n", counted, match.start())
        counted = match.start()
        found.append(ConfigUse(match[1].decode(), path, line, 1))
    return tuple(found)


@fact
def config_definitions(tree: Snapshot, path: str) -> frozenset[str]:
    """The names that one file itself gives a meaning as ``CONFIG_X``.

    By ``#define``, as enumerator, function, variable or member; in makefiles by assignment or ``-D``. Only told
    by their looks, so there may be too many. ``#undef`` gives no meaning.
    """
    text = _code(tree, path)
    if path.endswith(_C_LIKE):
        found = {match[1] for match in _DEFINED.finditer(text)}
        plain = _DIRECTIVE.sub(b"", text)
        for body in _ENUM.finditer(plain):
            found |= {match[1] for match in _ENUMERATOR.finditer(body[1])}
        if not path.endswith((".S", ".lds")):
            found |= {match[2] for match in _DECLARED.finditer(plain) if match[1] not in _NO_TYPES}
        return frozenset(name.decode() for name in found)
    return frozenset((match[1] or match[2]).decode() for match in _ASSIGNED.finditer(text))


def _code(tree: Snapshot, path: str) -> bytes:
    if not asks_config(path):
        return b""
    data = tree.read(path)
    if data is None or b"CONFIG_" not in data:
        return b""
    if path.endswith(_C_LIKE):
        return _without_asm_comments(blank(data), path) if path.endswith(".S") else blank(data)
    return _MAKE_COMMENT.sub(lambda match: b" " * len(match[0]), data)


def _without_asm_comments(text: bytes, path: str) -> bytes:
    """Assembly without what its assembler alone takes for a comment, at the same length."""
    parts = path.split("/")
    if parts[0] != "arch" or parts[1] == "arm64":  # "#" begins an immediate there
        return text
    mark = _COMMENT_MARKS.get(parts[1], _HASH)
    # A directive is the preprocessor's, which knows no such comments; "@" has no other meaning in one.
    code = mark if mark.startswith(b"@") else rb"^[ \t]*#[^\n]*|(?P<comment>" + mark + rb")"

    def blanked(match: re.Match[bytes]) -> bytes:
        return match[0] if match.lastgroup is None and code is not mark else b" " * len(match[0])

    return re.sub(code, blanked, text, flags=re.MULTILINE)
