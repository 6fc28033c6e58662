"""The file names of a diff: unquoted, without their prefix, never leaving the tree.

Sources: git's quote.c (C-style quoting), apply.c (which part of a name is the prefix) and
``verify_path`` of read-cache.c (which paths may be written).
"""

from __future__ import annotations

import re

from checkseries.errors import InputError

NAME_LIMIT = 4096
"""Longer names than PATH_MAX are refused."""

_ESCAPES = {
    b"a": b"\a", b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v",
    b'"': b'"', b"\\": b"\\",
}  # fmt: skip
_QUOTED = re.compile(rb'"((?:[^"\\\n]|\\[abfnrtv"\\]|\\[0-3][0-7][0-7])*)"')
_ESCAPE = re.compile(rb"\\([0-3][0-7][0-7]|.)", re.DOTALL)
_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")
_STAMP = re.compile(rb"[ \t]\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?(?: [-+]\d\d:?\d\d)?[ \t]*$")
_EPOCH = re.compile(
    rb"[ \t](1969-12-31|1970-01-01) ([0-2]\d):([0-5]\d):00(?:\.0+)? ([-+])([0-2]\d):?([0-5]\d)[ \t]*$"
)
DEV_NULL = b"/dev/null"


def unquoted(text: bytes) -> tuple[bytes, bytes] | None:
    """The name at the start of ``text`` if it is quoted as git quotes, and what follows it; else None."""
    match = _QUOTED.match(text)
    if match is None:
        return None
    return _ESCAPE.sub(_unescaped, match[1]), text[match.end() :]


def _unescaped(match: re.Match[bytes]) -> bytes:
    code = match[1]
    return bytes([int(code, 8)]) if len(code) == 3 else _ESCAPES[code]


def header_name(text: bytes) -> bytes:
    """The name in a ``---`` or ``+++`` line (the text after it): without quotes, time stamp and tab."""
    quoted = unquoted(text)
    if quoted is not None:
        return quoted[0]
    name = text.rstrip(b"\r\n").partition(b"\t")[0]
    return _STAMP.sub(b"", name).rstrip(b" ") if _STAMP.search(name) else name


def is_epoch(text: bytes) -> bool:
    """Whether the time stamp of a ``---`` or ``+++`` line says that there is no file on that side.

    GNU diff -N dates an absent file at the start of the epoch, in the local time zone.
    """
    match = _EPOCH.search(text.rstrip(b"\r\n"))
    if match is None:
        return False
    start = 24 * 60 if match[1] == b"1969-12-31" else 0
    zone = int(match[5]) * 60 + int(match[6])
    minutes = int(match[2]) * 60 + int(match[3])
    return minutes - (-zone if match[4] == b"-" else zone) == start


def git_pair(text: bytes) -> tuple[bytes, bytes] | None:
    """The two names of a ``diff --git`` line, with their prefixes; None if it cannot be told where one ends.

    Unquoted names may hold spaces: the line then only says where they part if both sides are the same file.
    """
    text = text.rstrip(b"\r\n")
    quoted = unquoted(text)
    if quoted is not None:
        first, rest = quoted
        if not rest.startswith(b" "):
            return None
        second = unquoted(rest[1:])
        return first, second[0] if second else rest[1:]
    if text.endswith(b'"'):
        start = text.find(b' "')
        second = unquoted(text[start + 1 :])
        return (text[:start], second[0]) if start > 0 and second and not second[1] else None
    words = text.split(b" ")
    if len(words) == 2:
        return words[0], words[1]
    if len(words) > 64 or len(text) > 2 * NAME_LIMIT + 16:
        return None  # each space is tried below, which must stay cheap
    at = -1
    while (at := text.find(b" ", at + 1)) >= 0:
        first, second_name = text[:at], text[at + 1 :]
        if first == second_name or _below(first) == _below(second_name) != b"":
            return first, second_name
    return None


def _below(name: bytes) -> bytes:
    return name.partition(b"/")[2]


def depth(old: bytes, new: bytes) -> int:
    """How many leading components of a pair of names are prefix: 1, or 0 for ``--no-prefix``.

    Git and ``-p1`` diffs give the two sides different first components (``a/`` and ``b/``, ``i/`` and ``w/``,
    ``linux.orig/`` and ``linux/``). The same whole name on both sides means that there is no prefix, unless
    it is a literal ``a/`` or ``b/``: nothing else tells such a diff from git's own.
    """
    same = old == new and old.partition(b"/")[0] not in (b"a", b"b")
    return 0 if same or b"/" not in old or b"/" not in new else 1


def stripped(name: bytes, depth: int) -> bytes:
    """The name without its first ``depth`` components."""
    for _ in range(depth):
        name = name.lstrip(b"/").partition(b"/")[2]
    return name


def shown(name: bytes) -> str:
    """The name for a message: on one line, whatever bytes it has."""
    text = name.decode("utf-8", "backslashreplace")
    return text if text.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def tree_path(name: bytes) -> str:
    """The name as a path of the tree: relative, ``/`` between components, UTF-8.

    Raises InputError naming it if it is absolute or has a component that git would not write (``..``, ``.``,
    ``.git``), a control character, or bytes that are not UTF-8: the kernel has no such path, and a report
    could not show it.
    """
    text = shown(name)
    if not name:
        raise InputError("a file name is missing")
    if len(name) > NAME_LIMIT:
        raise InputError(f"a file name is longer than {NAME_LIMIT} bytes: {text[:60]}...")
    if _CONTROL.search(name):
        raise InputError(f"a file name holds a control character: {text!r}")
    if name.startswith(b"/"):
        raise InputError(f"a file name is absolute: {text}")
    parts = [part for part in name.split(b"/") if part]  # git squeezes repeated slashes
    for part in parts:
        if part in (b".", b"..") or part.lower() in (b".git", b"git~1"):
            raise InputError(f"a file name leaves the tree: {text}")
    if name.endswith(b"/"):
        raise InputError(f"a file name names a directory: {text}")
    try:
        return b"/".join(parts).decode("utf-8")
    except UnicodeDecodeError:
        raise InputError(f"a file name is not UTF-8: {text}") from None
