"""Unified diffs, read as ``git apply`` reads them, into edits.

The reference is git's apply.c: what it calls corrupt is refused here, with the line. Some things are
stricter, since a wrong reading is worse than none: names that contradict each other, ``\\ No newline`` within
a file, and a ``diff --git`` line with nothing below it. Context diffs and the combined diffs of merges are
refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NoReturn

from checkseries.errors import InputError
from checkseries.model import Change, Edit, Hunk
from checkseries.source import names
from checkseries.source.header import LENGTH_LIMIT, Header, paths

LINE_LIMIT = 1_000_000
"""So many lines of diff in one mail; the largest patches of the kernel's history have about half of it."""

_HUNK = re.compile(rb"@@ -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@(.*)", re.DOTALL)
_START = re.compile(rb"^(?:diff --git |GIT binary patch$|--- [^\n]*\n\+\+\+ [^\n]*\n@@ -)", re.MULTILINE)
_COMBINED = re.compile(rb"diff --(?:cc|combined) ")
_BASE85 = re.compile(rb"[A-Za-z](?:[0-9A-Za-z!#$%&()*+;<=>?@^_`{|}~-]{5})+\r?\n")
_BINARY_HUNK = re.compile(rb"(?:literal|delta) \d{1,18}\r?\n")
_BINARIES_DIFFER = re.compile(rb"(?:Binary files|Files) .* differ\r?\n")
_PREFIXES = frozenset((b"a", b"b", b"c", b"i", b"o", b"w", b"1", b"2"))
"""What git writes by default and with ``diff.mnemonicPrefix``."""


def holds_diff(text: bytes) -> bool:
    """Whether a diff seems to begin at some line of the text; quoted ones (``> diff``) do not count."""
    return _START.search(text) is not None


def edits(text: bytes, first_line: int = 1) -> tuple[Edit, ...]:
    """The edits of all diffs in the text, in their order; what stands between them is skipped.

    ``first_line`` is the number of the text's first line in the mail, for messages. The tuple is empty if the
    text holds no diff. Raises InputError, saying the line, if a diff is damaged.
    """
    if text.count(b"\n") >= LINE_LIMIT:
        raise InputError(f"the diff has more than {LINE_LIMIT} lines")
    return tuple(_Reader(text, first_line).edits())


class _Reader:
    """Where one reading of a diff stands."""

    def __init__(self, text: bytes, first_line: int) -> None:
        lines = [line + b"\n" for line in text.split(b"\n")]
        if text.endswith(b"\n") or not text:
            lines.pop()
        self._lines = lines
        self._first = first_line
        self._at = 0
        self._shared: dict[bytes, bytes] = {}
        self._bare_names = False
        """Whether a plain diff before this one had names without prefix."""

    def edits(self) -> Iterator[Edit]:
        while self._at < len(self._lines):
            line = self._lines[self._at]
            if line.startswith(b"diff --git "):
                yield self._git_edit()
            elif (
                line.startswith(b"--- ")
                and self._peek(1).startswith(b"+++ ")
                and self._peek(2).startswith(b"@@ -")
            ):
                yield self._plain_edit()
            elif line.startswith(b"@@ -") and _HUNK.match(line):
                self._fail("a hunk without a file header")
            elif _COMBINED.match(line):
                self._fail("the combined diff of a merge, which cannot be applied")
            else:
                self._at += 1

    def _peek(self, ahead: int = 0) -> bytes:
        at = self._at + ahead
        return self._lines[at] if at < len(self._lines) else b""

    def _fail(self, what: str, at: int | None = None) -> NoReturn:
        number = self._first + (self._at if at is None else at)
        raise InputError(f"line {number}: {what}")

    # --- headers

    def _git_edit(self) -> Edit:
        """The edit that begins at a ``diff --git`` line."""
        start = self._at
        header = self._git_header()
        try:
            old, new = paths(header)
        except InputError as error:
            self._fail(str(error), start)
        if self._at == start + 1:
            self._fail("a diff header with nothing below it", start)
        hunks = self._hunks()
        binary = not hunks and self._binary()
        same_mode = header.old_mode == header.new_mode or header.new_mode is None
        if not hunks and not binary and header.change is Change.MODIFY and same_mode:
            self._fail(f"a diff of {new or old} without any change", start)
        if header.change is Change.ADD:
            old = header.old_mode = header.old_blob = None
            if any(hunk.old_count for hunk in hunks):
                self._fail(f"the new file {new} depends on old contents", start)
        elif header.change is Change.DELETE:
            new = header.new_mode = header.new_blob = None
            if any(hunk.new_count for hunk in hunks):
                self._fail(f"the deleted file {old} still has contents", start)
        elif header.new_mode is None:
            header.new_mode = header.old_mode
        return Edit(
            change=header.change,
            old_path=old,
            new_path=new,
            old_mode=header.old_mode,
            new_mode=header.new_mode,
            old_blob=header.old_blob,
            new_blob=header.new_blob,
            hunks=hunks,
            binary=binary,
        )

    def _git_header(self) -> Header:
        header = Header(names.git_pair(self._peek()[len(b"diff --git ") :]))
        self._at += 1
        try:
            while header.take(self._peek()):
                self._at += 1
        except InputError as error:
            self._fail(str(error))
        return header

    def _plain_edit(self) -> Edit:
        """The edit of a diff without git's header: ``---`` and ``+++`` lines only."""
        start = self._at
        old_text, new_text = self._peek()[4:], self._peek(1)[4:]
        if max(len(old_text), len(new_text)) > LENGTH_LIMIT:
            self._fail("a file name longer than any line")
        old_name, new_name = names.header_name(old_text), names.header_name(new_text)
        added = old_name == names.DEV_NULL or names.is_epoch(old_text)
        deleted = new_name == names.DEV_NULL or names.is_epoch(new_text)
        if added and deleted:
            self._fail("a diff of a file that is absent on both sides")
        try:
            path = self._plain_path(old_name, new_name)
        except InputError as error:
            self._fail(str(error), start)
        self._at += 2
        hunks = self._hunks()
        if added and any(hunk.old_count for hunk in hunks):
            self._fail(f"the new file {path} depends on old contents", start)
        if deleted and any(hunk.new_count for hunk in hunks):
            self._fail(f"the deleted file {path} still has contents", start)
        if not deleted and len(hunks) == 1 and hunks[0].old_start == hunks[0].old_count == 0:
            added = True  # diff -N without time stamps; an empty file that gets contents is the rarer case
        change = Change.ADD if added else Change.DELETE if deleted else Change.MODIFY
        return Edit(change, None if added else path, None if deleted else path, hunks=hunks)

    def _plain_path(self, old: bytes, new: bytes) -> str:
        if names.DEV_NULL not in (old, new):
            depth = names.depth(old, new)
            self._bare_names = depth == 0
            first, second = names.stripped(old, depth), names.stripped(new, depth)
            if first != second:  # diff -u file.c.orig file.c, as git: the shorter one, if it begins the other
                first, second = sorted((first, second), key=len)
                if not second.startswith(first):
                    raise InputError(f"two files in one diff: {names.shown(old)} and {names.shown(new)}")
            return names.tree_path(first)
        name = new if old == names.DEV_NULL else old
        return names.tree_path(names.stripped(name, self._lone_depth(name)))

    def _lone_depth(self, name: bytes) -> int:
        """How much of a name is prefix when the other side is /dev/null, which says nothing about it."""
        if self._bare_names or b"/" not in name:
            return 0
        top, _, rest = name.partition(b"/")
        if top in _PREFIXES or top not in _TOP:
            return 1
        if rest.partition(b"/")[0] not in _TOP:
            return 0
        raise InputError(
            f"cannot tell whether {names.shown(top)}/ belongs to the file name {names.shown(name)}"
        )

    # --- bodies

    def _hunks(self) -> tuple[Hunk, ...]:
        hunks = []
        while self._peek().startswith(b"@@ -"):
            hunks.append(self._hunk())
        return tuple(hunks)

    def _hunk(self) -> Hunk:
        start = self._at
        match = _HUNK.match(self._lines[start])
        if match is None:
            self._fail("a hunk header that is not one: " + names.shown(self._lines[start].rstrip())[:80])
        old_start, old_count, new_start, new_count = (1 if n is None else int(n) for n in match.groups()[:4])
        old, new = old_count, new_count
        body: list[bytes] = []
        ends: list[int] = []
        changed = False
        self._at += 1
        while (old or new) and self._at < len(self._lines):
            line = self._lines[self._at]
            kind = line[:1]
            if kind in (b"\n", b" "):  # GNU diff and mail programs cut the blank of an empty context line
                line = b" \n" if kind == b"\n" else line
                old, new = old - 1, new - 1
            elif kind == b"-":
                old, changed = old - 1, True
            elif kind == b"+":
                new, changed = new - 1, True
            elif _no_newline(line) and body and len(body) - 1 not in ends[-1:]:
                ends.append(len(body) - 1)
                self._at += 1
                continue
            else:
                self._short(start, old, new, "ends with a line that is none of it")
            if old < 0 or new < 0:
                self._short(start, old, new, "has other lines than its header counts")
            body.append(self._shared.setdefault(line, line))
            self._at += 1
        if old or new:
            self._short(start, old, new, "is cut off")
        if not changed:
            self._fail("a hunk that changes nothing", start)
        if _no_newline(self._peek()) and len(body) - 1 not in ends[-1:]:
            ends.append(len(body) - 1)
            self._at += 1
        self._unterminate(body, ends, start)
        section = match[5].strip(b"\r\n").removeprefix(b" ")
        return Hunk(
            old_start, old_count, new_start, new_count, section.decode("utf-8", "replace"), tuple(body)
        )

    def _unterminate(self, body: list[bytes], ends: list[int], start: int) -> None:
        """Take the line end from the lines that ``\\ No newline at end of file`` follows."""
        for end in ends:
            sides = b"-+" if body[end][:1] == b" " else body[end][:1]
            if any(line[:1] == b" " or line[:1] in sides for line in body[end + 1 :]):
                self._fail("a line without a line end before the end of the file", start)
            body[end] = body[end].removesuffix(b"\n")

    def _short(self, start: int, old: int, new: int, what: str) -> NoReturn:
        line = names.shown(self._peek().rstrip(b"\n"))[:60]
        here = f" at line {self._first + self._at}" + (f" ({line!r})" if self._peek() else "")
        self._fail(
            f"the hunk {names.shown(self._lines[start].rstrip())[:60]} {what}{here}: "
            f"{max(old, 0)} old and {max(new, 0)} new lines are missing",
            start,
        )

    def _binary(self) -> bool:
        """Whether a binary diff stands here; reads past it. Its contents are checked for form only."""
        if _BINARIES_DIFFER.match(self._peek()):
            self._at += 1
            return True
        if self._peek().rstrip(b"\r\n") != b"GIT binary patch":
            return False
        start = self._at
        self._at += 1
        found = 0
        while found < 2 and _BINARY_HUNK.match(self._peek()):
            self._at += 1
            while self._peek().strip() != b"":
                line = self._peek().rstrip(b"\r\n")
                length = line[0] - (64 if line[0] < 97 else 70)
                room = (len(line) - 1) // 5 * 4
                if not _BASE85.match(self._peek()) or not room - 4 < length <= room:
                    self._fail("a binary patch with a damaged line")
                self._at += 1
            if self._at >= len(self._lines):
                self._fail("a binary patch that is cut off", start)
            self._at += 1
            found += 1
        if not found:
            self._fail("a binary patch without contents", start)
        return True


_TOP = frozenset(
    b"Documentation LICENSES arch block certs crypto drivers fs include init io_uring ipc kernel lib mm net "
    b"rust samples scripts security sound tools usr virt".split()
)
"""The directories of a kernel tree, to tell a path from a path with a prefix."""


def _no_newline(line: bytes) -> bool:
    """Whether it is ``\\ No newline at end of file``, in any language: all are longer than eleven bytes."""
    return line.startswith(b"\\ ") and len(line) >= 12
