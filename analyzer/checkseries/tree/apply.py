"""Applies a patch to a snapshot in memory, exactly as strictly as ``git apply`` does.

All context must match; a hunk may lie at another line than it says (the nearest place wins), but never on
lines that an earlier hunk of the same patch wrote, and a hunk that touches the beginning or the end of a
file must match there. Where git refuses, this refuses.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from checkseries.errors import CheckseriesError
from checkseries.model import Change, Edit, Hunk, Patch

_LINK = "120000"
_SUBMODULE = "160000"


@dataclass(frozen=True, slots=True)
class Offset:
    """A hunk that lay elsewhere than it said."""

    path: str
    hunk: int
    """From 1."""
    lines: int
    """How many lines further down; negative: further up."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What a patch makes of the files that it names."""

    changes: dict[str, bytes | None]
    """New contents by path; None deletes."""
    offsets: tuple[Offset, ...]
    renames: dict[str, str]
    """New path -> old path of files that were moved."""
    binary: tuple[str, ...]
    """Files with binary changes, which are marked and not applied."""
    added: dict[str, frozenset[int]]
    """Path -> numbers of the lines (from 1, in the new file) that the patch wrote."""


class PatchDoesNotApplyError(CheckseriesError):
    """A hunk or a file of the patch does not fit the tree; the message says which and what was there."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(message)
        self.path = path


Read = Callable[[str], bytes | None]


def apply(patch: Patch, read: Read, mode: Callable[[str], str | None] = lambda _path: None) -> Applied:
    """What ``patch`` makes of the files that ``read`` gives; raises PatchDoesNotApplyError.

    ``mode`` is git's mode of a path, ``120000`` for a link: a link is no file to apply hunks to.
    """
    changes: dict[str, bytes | None] = {}
    offsets: list[Offset] = []
    renames: dict[str, str] = {}
    binary: list[str] = []
    added: dict[str, frozenset[int]] = {}

    def now(path: str) -> bytes | None:
        return changes[path] if path in changes else read(path)

    leaving = {edit.old_path for edit in patch.edits if edit.change in (Change.DELETE, Change.RENAME)}
    for edit in patch.edits:
        old, new = edit.old_path, edit.new_path
        if _SUBMODULE in (edit.old_mode, edit.new_mode):
            binary.append(edit.path)
            continue
        if edit.change is Change.ADD:
            assert new is not None
            there = now(new) is not None or (new not in changes and mode(new) is not None)
            if there and new not in leaving:
                raise PatchDoesNotApplyError(new, f"{new}: is to be added, but it is there already")
            before = b""
        else:
            assert old is not None
            # Renames and copies speak of the file before the patch, whatever the order of the edits.
            source = read(old) if edit.change in (Change.RENAME, Change.COPY) else now(old)
            if source is None:
                if mode(old) == _LINK or edit.old_mode == _LINK:
                    binary.append(edit.path)
                    continue
                raise PatchDoesNotApplyError(old, f"{old}: no such file in the tree")
            before = source
        if edit.binary:
            binary.append(edit.path)
            after = before
        else:
            after, added[edit.path] = _hunks(edit, before, offsets)
        if edit.change is Change.DELETE:
            assert old is not None
            if after and not edit.binary:
                raise PatchDoesNotApplyError(
                    old, f"{old}: is to be deleted, but has lines that the patch does not know"
                )
            changes[old] = None
            continue
        assert new is not None
        if edit.change in (Change.RENAME, Change.COPY) and new != old:
            if now(new) is not None and new not in leaving:
                raise PatchDoesNotApplyError(
                    new, f"{new}: is to be written by a {edit.change}, but it is there already"
                )
            if edit.change is Change.RENAME:
                assert old is not None
                renames[new] = old
                if old not in changes or not _written_by_other(patch, edit, old):
                    changes[old] = None
        changes[new] = after
    return Applied(changes, tuple(offsets), renames, tuple(binary), added)


def _written_by_other(patch: Patch, edit: Edit, path: str) -> bool:
    """Whether another edit of the patch puts a new file at ``path``: two files that change places."""
    return any(
        other is not edit
        and other.new_path == path
        and other.change in (Change.ADD, Change.RENAME, Change.COPY)
        for other in patch.edits
    )


def reverse(patch: Patch) -> Patch:
    """The patch that undoes ``patch``."""
    edits = []
    for edit in reversed(patch.edits):
        change = {Change.ADD: Change.DELETE, Change.DELETE: Change.ADD, Change.COPY: Change.DELETE}.get(
            edit.change, edit.change
        )
        old, new = edit.new_path, edit.old_path
        if edit.change is Change.COPY:
            new = None
        edits.append(
            Edit(change, old, new, edit.new_mode, edit.old_mode, edit.new_blob, edit.old_blob,
                 tuple(_undone(hunk) for hunk in edit.hunks), edit.binary)
        )  # fmt: skip
    return Patch(patch.number, patch.subject, patch.message_id, patch.author, patch.date, patch.message,
                 tuple(edits), patch.origin)  # fmt: skip


def _undone(hunk: Hunk) -> Hunk:
    swap = {b"+": b"-", b"-": b"+", b" ": b" "}
    lines = tuple(swap[line[:1]] + line[1:] for line in hunk.lines)
    return Hunk(hunk.new_start, hunk.new_count, hunk.old_start, hunk.old_count, hunk.section, lines)


def lines_of(data: bytes) -> list[bytes]:
    """The lines of a file with their line feeds; only LF ends a line."""
    lines = data.split(b"\n")
    last = lines.pop()
    return [line + b"\n" for line in lines] + ([last] if last else [])


def _hunks(edit: Edit, before: bytes, offsets: list[Offset]) -> tuple[bytes, frozenset[int]]:
    """The file after the hunks, and the numbers of the lines that they added."""
    lines = lines_of(before)
    written = [False] * len(lines)
    fresh = [False] * len(lines)
    for number, hunk in enumerate(edit.hunks, 1):
        old, new = list(hunk.old), list(hunk.new)
        at = _position(hunk, old, lines, written)
        if at is None:
            path = edit.old_path or edit.path
            raise PatchDoesNotApplyError(path, _mismatch(path, number, len(edit.hunks), hunk, old, lines))
        said = max(hunk.new_start - 1, 0)
        if at != said and old:
            offsets.append(Offset(edit.path, number, at - said))
        lines[at : at + len(old)] = new
        written[at : at + len(old)] = [True] * len(new)
        fresh[at : at + len(old)] = [
            line.startswith(b"+") for line in hunk.lines if not line.startswith(b"-")
        ]
    return b"".join(lines), frozenset(number for number, new_line in enumerate(fresh, 1) if new_line)


def _position(hunk: Hunk, old: list[bytes], lines: list[bytes], written: list[bool]) -> int | None:
    """The line (from 0) where the hunk fits, nearest to where it says; None if nowhere."""
    at_start = hunk.old_start <= 1
    at_end = not hunk.lines or not hunk.lines[-1].startswith(b" ")
    last = len(lines) - len(old)
    if last < 0:
        return None

    # A last line without a newline matches one that only goes on in white space, unless the end of the file
    # is demanded: git compares bytes up to the end of the hunk, and its line hash passes over white space.
    open_end = bool(old) and not at_end and not old[-1].endswith(b"\n")

    def same(at: int) -> bool:
        there = lines[at : at + len(old)]
        if there == old:
            return True
        if not open_end or there[:-1] != old[:-1]:
            return False
        return there[-1].startswith(old[-1]) and not there[-1][len(old[-1]) :].strip()

    def fits(at: int) -> bool:
        return (
            same(at)
            and not any(written[at : at + len(old)])
            and not (at_start and at != 0)
            and not (at_end and at != last)
        )

    start = 0 if at_start else last if at_end else max(hunk.new_start - 1, 0)
    start = min(start, len(lines))
    for distance in range(len(lines) + 1):
        # A later place is tried before an earlier one of the same distance, as git does.
        for at in (start + distance, start - distance) if distance else (start,):
            if 0 <= at <= last and (len(old) < 2 or lines[at] == old[0]) and fits(at):
                return at
        if start + distance > last and start - distance < 0:
            return None
    return None


def _mismatch(path: str, number: int, of: int, hunk: Hunk, old: list[bytes], lines: list[bytes]) -> str:
    """Which hunk does not fit, and the first line that differs at the place where it comes closest."""
    head = f"{path}: hunk {number} of {of} (line {hunk.old_start}) does not fit"
    if not lines:
        return f"{head}: the file is empty"
    places = {max(hunk.old_start - 1, 0)}
    known = {line for line in old if line.strip()}
    for index, line in enumerate(lines):
        if line in known and len(places) < 64:
            places.add(max(index - old.index(line), 0))
    best, there = -1, 0
    for at in sorted(places):
        same = sum(1 for a, b in zip(old, lines[at : at + len(old)], strict=False) if a == b)
        if same > best:
            best, there = same, at
    for step, wanted in enumerate(old):
        found = lines[there + step] if there + step < len(lines) else None
        if found != wanted:
            shown = "the end of the file" if found is None else repr(_shown(found))
            return f"{head}: expected {_shown(wanted)!r}, line {there + step + 1} is {shown}"
    return f"{head}: its lines are there, but not where a hunk at the file's edge must be, or written by another hunk"


def _shown(line: bytes) -> str:
    return line.rstrip(b"\n").decode("utf-8", "replace")[:80]
