"""The extended header of a git diff: what ``diff --git`` and the lines below it say about one file.

Source: git's Documentation/diff-format.txt; which lines may stand together is taken from apply.c.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from checkseries.errors import InputError
from checkseries.model import Change
from checkseries.source import names

LENGTH_LIMIT = 4 * 2 * names.NAME_LIMIT
"""Bytes of one header line: two names with every byte quoted."""

_MODE = re.compile(rb"([0-7]{5,6})[ \t\r]*\n")
_INDEX = re.compile(rb"([0-9a-f]{4,64})\.\.([0-9a-f]{4,64})(?: ([0-7]{5,6}))?[ \t\r]*\n")


@dataclass(slots=True)
class Header:
    """What the lines of a git header said."""

    pair: tuple[bytes, bytes] | None
    """The names of the ``diff --git`` line, with prefixes."""
    old_line: bytes | None = None
    new_line: bytes | None = None
    old_name: bytes | None = None
    """Of a rename or copy, without prefix."""
    new_name: bytes | None = None
    old_mode: str | None = None
    new_mode: str | None = None
    old_blob: str | None = None
    new_blob: str | None = None
    change: Change = Change.MODIFY

    def take(self, line: bytes) -> bool:
        """Take in one line below ``diff --git``; False if the header ends before it.

        Raises InputError if the line is damaged or contradicts an earlier one.
        """
        for key, read in _LINES:
            if line.startswith(key):
                if len(line) > LENGTH_LIMIT:
                    raise InputError("a diff header longer than any line")
                if (self.old_line or self.new_line) and read not in (_old_line, _new_line):
                    raise InputError(f"a {key.decode().strip()!r} line below the --- or +++ line")
                problem = read(self, line[len(key) :])
                if problem is not None:
                    raise InputError(problem)
                return True
        return False


def paths(header: Header) -> tuple[str | None, str | None]:
    """The old and the new path that a git header names; both are the one name unless it is a rename or copy.

    Raises InputError if the header contradicts itself, or names a path outside of the tree.
    """
    lines = [_line_name(header.old_line), _line_name(header.new_line)]
    if header.change in (Change.RENAME, Change.COPY):
        if header.old_name is None or header.new_name is None:
            raise InputError("a rename or copy that names one file only")
        for line, name in zip(lines, (header.old_name, header.new_name), strict=True):
            if (
                line not in (None, name, b"a/" + name, b"b/" + name)
                and names.stripped(line or b"", 1) != name
            ):
                raise InputError(
                    f"a rename of {names.shown(name)} whose diff is of {names.shown(line or b'')}"
                )
        return names.tree_path(header.old_name), names.tree_path(header.new_name)
    for line, absent, what in (
        (lines[0], header.change is Change.ADD, "new file mode"),
        (lines[1], header.change is Change.DELETE, "deleted file mode"),
    ):
        if line is not None and (line == names.DEV_NULL) is not absent:
            raise InputError(f"/dev/null and {what!r} do not go together")
    if (lines[0] is None) != (lines[1] is None) and header.change is Change.MODIFY:
        raise InputError("a diff header with one of the --- and +++ lines only")
    named = [name for name in lines if name not in (None, names.DEV_NULL)]
    if header.pair is None:
        if len(named) != 2:
            raise InputError("a diff header without a file name")
        header.pair = (named[0] or b"", named[1] or b"")
    depth = names.depth(*header.pair)
    below = {names.stripped(name or b"", depth) for name in (*header.pair, *named)}
    if len(below) != 1:
        raise InputError("two files in one diff: " + " and ".join(sorted(map(names.shown, below))))
    path = names.tree_path(below.pop())
    return path, path


def _line_name(text: bytes | None) -> bytes | None:
    if text is None:
        return None
    quoted = names.unquoted(text)
    return quoted[0] if quoted else text.rstrip(b"\r\n").partition(b"\t")[0]


# --- the lines of a git header: each takes in what stands after its key, and says what is wrong with it


def _old_line(header: Header, text: bytes) -> str | None:
    if header.old_line not in (None, text):
        return "a second --- line"
    header.old_line = text
    return None


def _new_line(header: Header, text: bytes) -> str | None:
    if header.new_line not in (None, text):
        return "a second +++ line"
    header.new_line = text
    return None


def _mode(text: bytes) -> str | None:
    match = _MODE.fullmatch(text)
    return match[1].decode() if match else None


def _old_mode(header: Header, text: bytes) -> str | None:
    header.old_mode = _mode(text)
    return None if header.old_mode else "a file mode that is not one"


def _new_mode(header: Header, text: bytes) -> str | None:
    header.new_mode = _mode(text)
    return None if header.new_mode else "a file mode that is not one"


def _becomes(header: Header, change: Change) -> str | None:
    if header.change not in (Change.MODIFY, change):
        return f"a diff header that says both {header.change} and {change}"
    header.change = change
    return None


def _deleted(header: Header, text: bytes) -> str | None:
    return _becomes(header, Change.DELETE) or _old_mode(header, text)


def _added(header: Header, text: bytes) -> str | None:
    return _becomes(header, Change.ADD) or _new_mode(header, text)


def _plain_name(text: bytes) -> bytes:
    quoted = names.unquoted(text)
    return quoted[0] if quoted else text.rstrip(b"\r\n")


def _rename_from(header: Header, text: bytes) -> str | None:
    header.old_name = _plain_name(text)
    return _becomes(header, Change.RENAME)


def _rename_to(header: Header, text: bytes) -> str | None:
    header.new_name = _plain_name(text)
    return _becomes(header, Change.RENAME)


def _copy_from(header: Header, text: bytes) -> str | None:
    header.old_name = _plain_name(text)
    return _becomes(header, Change.COPY)


def _copy_to(header: Header, text: bytes) -> str | None:
    header.new_name = _plain_name(text)
    return _becomes(header, Change.COPY)


def _similarity(_header: Header, _text: bytes) -> str | None:
    return None


def _index(header: Header, text: bytes) -> str | None:
    match = _INDEX.fullmatch(text)
    if match is None:  # git apply does not mind names that are none, a hint as they are, but a mode
        return "a file mode that is not one" if b".." in text and b" " in text.strip() else None
    header.old_blob, header.new_blob = match[1].decode(), match[2].decode()
    if match[3] is not None:
        header.old_mode = header.old_mode or match[3].decode()
    return None


_LINES = (
    (b"--- ", _old_line),
    (b"+++ ", _new_line),
    (b"old mode ", _old_mode),
    (b"new mode ", _new_mode),
    (b"deleted file mode ", _deleted),
    (b"new file mode ", _added),
    (b"rename from ", _rename_from),
    (b"rename to ", _rename_to),
    (b"rename old ", _rename_from),
    (b"rename new ", _rename_to),
    (b"copy from ", _copy_from),
    (b"copy to ", _copy_to),
    (b"similarity index ", _similarity),
    (b"dissimilarity index ", _similarity),
    (b"index ", _index),
)
