"""The mails in what the user names: files, mailboxes, directories, standard input.

A mailbox is known by its first line. Formats: mboxrd (public-inbox, b4), mboxo, ``git format-patch`` files
one after the other, maildir, each of the files compressed by gzip as well.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from checkseries.errors import InputError

SIZE_LIMIT = 64 << 20
MAIL_LIMIT = 10_000
FILE_LIMIT = 20_000
"""Bytes, mails and directory entries of one input; what is larger is no series."""

_TIME_AND_YEAR = re.compile(rb"\d:\d\d(?::\d\d)?(?: [-+A-Za-z0-9]{1,6}){0,2} (?:19[7-9]\d|2\d{3})\b")
_SEPARATOR_LIMIT = 400
_HEAD_LIMIT = 1 << 18
_REVERSIBLE = re.compile(rb"From (?:mboxrd|git)@z ")
_ESCAPED = re.compile(rb"^>(>*From )", re.MULTILINE)
_ESCAPED_ONCE = re.compile(rb"^>(From )", re.MULTILINE)
_FIELD = re.compile(rb"[!-9;-~]+[ \t]*:|>From ")
_MAIL_FIELD = re.compile(rb"^(?:from|subject|message-id|date)[ \t]*:", re.IGNORECASE | re.MULTILINE)
_SUFFIXES = (".patch", ".diff", ".eml", ".mbox", ".mbx", ".mail")


@dataclass(frozen=True, slots=True)
class Source:
    """Something that the user names: the path of a file or directory, or what was read from elsewhere."""

    name: str
    data: bytes | None = None
    """What was read, of standard input for one; then the name is for messages only."""


@dataclass(frozen=True, slots=True)
class Raw:
    """One mail as it was stored, without the mailbox's own line and escapes."""

    origin: str
    """``FILE``, or ``FILE#N`` if the file holds more than one."""
    data: bytes
    first_line: int
    """What the first line counts as: 2 if the mailbox's own line is above it."""
    is_mail: bool
    """False for a bare diff, which has no header."""
    alone: bool
    """Whether the user named it as a file of its own: put beside its neighbours on purpose."""


def mails(sources: Sequence[Source]) -> tuple[Raw, ...]:
    """All mails of the sources, in the order given.

    Raises InputError if a source does not exist, cannot be read, or is larger than a series can be.
    """
    found: list[Raw] = []
    for name, data, alone in _files(sources):
        for raw in _mails_of(name, data, alone):
            found.append(raw)
            if len(found) > MAIL_LIMIT:
                raise InputError(f"{name}: more than {MAIL_LIMIT} mails")
    return tuple(found)


def _files(sources: Sequence[Source]) -> Iterator[tuple[str, bytes, bool]]:
    """Name and bytes of each file, unpacked, and whether the user named it."""
    room = SIZE_LIMIT
    for source in sources:
        path = Path(source.name)
        if source.data is not None:
            files: Iterable[tuple[str, Path | bytes]] = ((source.name, source.data),)
        elif path.is_dir():
            files = ((str(entry), entry) for entry in _entries(path))
        else:
            files = ((source.name, path),)
        for name, file in files:
            data = _unzipped(name, file if isinstance(file, bytes) else _file_bytes(file, room), room)
            if len(data) > room:
                raise InputError(f"{name}: more than {SIZE_LIMIT >> 20} MiB of input")
            room -= len(data)
            yield name, data, name == source.name


def _file_bytes(path: Path, room: int) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(room + 1)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise InputError(f"{path}: cannot be read: {reason}") from None


def _entries(directory: Path) -> list[Path]:
    """The mails of a directory by name: those of a maildir, or the files that look like mails."""
    boxes = [directory / name for name in ("cur", "new") if (directory / name).is_dir()]
    found: list[Path] = []
    try:
        for box in boxes or [directory]:
            for path in box.iterdir():
                if len(found) >= FILE_LIMIT:
                    raise InputError(f"{directory}: more than {FILE_LIMIT} files")
                stem = path.name.lower().removesuffix(".gz")
                if path.is_file() and (boxes or stem.endswith(_SUFFIXES)) and not path.name.startswith("."):
                    found.append(path)
    except OSError as error:
        raise InputError(f"{directory}: cannot be read: {error.strerror}") from None
    if not found:
        wanted = "mails" if boxes else "files named " + ", ".join("*" + suffix for suffix in _SUFFIXES)
        raise InputError(f"{directory}: no {wanted} in it")
    return sorted(found, key=lambda path: path.name)


def _unzipped(name: str, data: bytes, room: int) -> bytes:
    if not data.startswith(b"\x1f\x8b"):
        return data
    found: list[bytes] = []
    while data.startswith(b"\x1f\x8b"):
        stream = zlib.decompressobj(wbits=31)
        try:
            found.append(stream.decompress(data, room + 1))
        except zlib.error as error:
            raise InputError(f"{name}: damaged gzip data: {error}") from None
        room -= len(found[-1])
        if room < 0:
            raise InputError(f"{name}: unpacks to more than {SIZE_LIMIT >> 20} MiB")
        if not stream.eof:
            raise InputError(f"{name}: gzip data that is cut off")
        data = stream.unused_data
    return b"".join(found)


def _mails_of(name: str, data: bytes, alone: bool) -> Iterator[Raw]:
    data = data.removeprefix(b"\xef\xbb\xbf")
    first = _separator_end(data, 0)
    if first is None:
        yield Raw(name, data, 1, _is_mail(data), alone)
        return
    borders = [(0, first)]
    at = first
    while (at := data.find(b"\nFrom ", at)) >= 0:
        at += 1
        end = _separator_end(data, at)
        if end is not None:
            borders.append((at, end))
            if len(borders) > MAIL_LIMIT:
                raise InputError(f"{name}: more than {MAIL_LIMIT} mails")
    unescape = _ESCAPED if _REVERSIBLE.match(data) else _ESCAPED_ONCE
    stops = [start for start, _ in borders[1:]] + [len(data)]
    for number, ((_, start), stop) in enumerate(zip(borders, stops, strict=True), 1):
        origin = name if len(borders) == 1 else f"{name}#{number}"
        text = unescape.sub(rb"\1", data[start:stop])
        yield Raw(origin, text, 2, is_mail=True, alone=alone and len(borders) == 1)


def _separator_end(data: bytes, at: int) -> int | None:
    """Where the mail begins if a mailbox's ``From `` line stands at ``at``: one with a date, above a header.

    git mailsplit looks at the date only; a sentence of a message that begins in such a way has no header
    below.
    """
    end = data.find(b"\n", at, at + _SEPARATOR_LIMIT)
    if end < 0 or not data.startswith(b"From ", at) or not _TIME_AND_YEAR.search(data, at, end):
        return None
    if not _FIELD.match(data, end + 1):
        return None
    return end + 1


def _is_mail(data: bytes) -> bool:
    """Whether the bytes begin with a mail's header and not with a diff or a sentence."""
    head = data[:_HEAD_LIMIT].replace(b"\r\n", b"\n").partition(b"\n\n")[0]
    return _FIELD.match(head) is not None and _MAIL_FIELD.search(head) is not None
