"""One mail: who sent what in which thread, the commit message in it, and the text of its diff.

Sources: git's mailinfo.c for in-body headers, scissors and where the diff begins; b4 for attached patches and
the trailers that name a base.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime

from checkseries.source import mime
from checkseries.source.diff import holds_diff

_IDS = re.compile(r"<([^<>\s]+)>")
_IN_BODY = re.compile(rb"(from|subject|date):[ \t]+(.*)", re.IGNORECASE)
_SEPARATOR = re.compile(rb">?From [0-9a-f]{40,64} Mon Sep 17 00:00:00 2001\s*$")
_QUOTED_NAME = re.compile(r'"((?:[^"\\]|\\.)*)" ?(<[^<>]*>)')
_CUT = re.compile(rb"---\s*$")
_QUOTE = re.compile(rb"^> ?", re.MULTILINE)
_BASE = re.compile(rb"^base-commit:[ \t]*([0-9a-f]{7,64})[ \t]*$", re.MULTILINE)
_PREREQUISITE = re.compile(
    rb"^prerequisite-((?:patch|message|change)-id):[ \t]*(\S{1,200})[ \t]*$", re.MULTILINE
)
_CHANGE = re.compile(rb"^change-id:[ \t]*(\S{1,200})[ \t]*$", re.MULTILINE)
_SIGNATURE = re.compile(rb"^-- ?\n", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Trailers:
    """What the author's tools wrote below the message: what the series is based on."""

    base_commit: str | None = None
    prerequisites: tuple[str, ...] = ()
    """``patch-id: HEX``, ``message-id: ID`` or ``change-id: ID:vN``, in their order."""
    change_id: str | None = None


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail, decoded. ``text`` is the part that matters: the one with a diff, else the first.

    An attachment that is nothing but a diff follows the first part in it.
    """

    subject: str
    sender: str
    """The From header, not an in-body one."""
    date: str
    sent: float
    """The date as seconds since the epoch, to order mails by; 0 if it cannot be read."""
    message_id: str | None
    references: tuple[str, ...]
    """The messages that it answers, the thread's first one first; no angle brackets."""
    text: bytes
    first_line: int
    """The number of the text's first line in the mail; 0 if the text was encoded and has no such number."""
    remark: str = ""
    """The first part, if the diff is attached."""
    attached: int = 0
    """How many attachments hold a diff, if the first part holds none."""


@dataclass(frozen=True, slots=True)
class Message:
    """The text of a mail, taken apart as git am does."""

    author: str
    subject: str
    """From an in-body header if there is one, else empty."""
    date: str
    text: str
    """The commit message: without in-body headers, up to the ``---`` line or the diff."""
    diff: bytes
    """From there on; empty if there is neither."""
    diff_line: int
    """Its first line within the text, from 0."""
    below_scissors: bool = False


def read_mail(raw: bytes, line: int = 1) -> Mail:
    """The mail that the bytes hold; whatever they are, this does not fail.

    ``line`` is the number of its first line, for messages.
    """
    if raw.partition(b"\n")[0].endswith(b"\r"):
        raw = raw.replace(b"\r\n", b"\n")  # as it went over the wire
    head, body = mime.split_header(raw)
    fields: dict[str, bytes] = {}
    for name, value in mime.header_fields(head):
        fields.setdefault(name, value)
    found = mime.parts(mime.header_message(head), body)
    first = found[0] if found else None
    holding = [part for part in found if holds_diff(part.text)]
    attached = 0
    remark = text = first.text if first else b""
    if holding and holding[0] is not first:
        attached = len(holding)
        text = holding[0].text
        if _begins_diff(text.lstrip().partition(b"\n")[0] + b"\n"):
            text = (
                remark.rstrip(b"\n") + b"\n" + text
            )  # git format-patch --attach: the message is the first part
    date = mime.header_text(fields.get("date", b""))
    return Mail(
        subject=mime.header_text(fields.get("subject", b"")),
        sender=mime.header_text(fields.get("from", b"")),
        date=date,
        sent=_seconds(date),
        message_id=_first_id(fields.get("message-id", b"")),
        references=_thread(fields),
        text=text,
        first_line=line + head.count(b"\n") + 2 if first and not first.encoded else 0,
        remark=mime.as_text(remark, "") if attached else "",
        attached=attached,
    )


def _first_id(raw: bytes) -> str | None:
    text = mime.as_text(raw, "")
    match = _IDS.search(text)
    return match[1] if match else text.strip().strip("<>") or None


def _thread(fields: dict[str, bytes]) -> tuple[str, ...]:
    ids = _IDS.findall(mime.as_text(fields.get("references", b""), ""))
    ids += _IDS.findall(mime.as_text(fields.get("in-reply-to", b""), ""))
    return tuple(dict.fromkeys(ids))


def _seconds(date: str) -> float:
    try:
        when = parsedate_to_datetime(date[:200])
        return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError, AttributeError):
        return 0.0


def read_message(mail: Mail) -> Message:
    """The commit message and the diff of a mail's text.

    In-body ``From:``, ``Subject:`` and ``Date:`` lines at the start count, also after the separator of a
    patch file that was attached. What stands above a scissors line (``-- >8 --``) with such headers below it
    is no part of either.
    """
    lines = mail.text.split(b"\n")
    stated, at = _in_body(lines, 0)
    scissors = False
    message: list[bytes] = []
    while at < len(lines):
        line = lines[at]
        if _is_scissors(line):
            restated, below = _in_body(lines, at + 1)
            if restated:  # else it cuts out a log or a sample, as often as not
                stated, at, message, scissors = restated, below, [], True
                continue
        if _begins_diff(line):
            break
        message.append(line)
        at += 1
    return Message(
        author=_unquoted(stated.get("from", "") or mail.sender),
        subject=stated.get("subject", ""),
        date=stated.get("date", "") or mail.date,
        text=mime.as_text(b"\n".join(message), "").strip("\n"),
        diff=b"\n".join(lines[at:]),
        diff_line=at,
        below_scissors=scissors,
    )


def _unquoted(author: str) -> str:
    """An author as git writes one: the name without the quotes that a mail address needs around a dot."""
    match = _QUOTED_NAME.fullmatch(author)
    return re.sub(r"\\(.)", r"\1", match[1]) + " " + match[2] if match else author


def _in_body(lines: list[bytes], at: int) -> tuple[dict[str, str], int]:
    """The headers written at the start of a text, and the line after them."""
    found: dict[str, list[bytes]] = {}
    last = ""
    while at < len(lines) and not lines[at].strip():
        at += 1
    while at < len(lines):
        line = lines[at]
        match = _IN_BODY.match(line)
        if _SEPARATOR.match(line) and not found:
            pass
        elif match and match[1].decode().lower() not in found:
            last = match[1].decode().lower()
            found[last] = [match[2]]
        elif last and line[:1] in (b" ", b"\t") and line.strip():
            found[last].append(line.strip())
        else:
            break
        at += 1
    return {key: mime.header_text(b" ".join(value)) for key, value in found.items()}, at


def _begins_diff(line: bytes) -> bool:
    """Whether git's mailinfo would end the commit message here."""
    if line.startswith((b"diff -", b"Index: ")):
        return True
    return line.startswith(b"---") and (
        _CUT.match(line) is not None or (line[3:4] == b" " and line[4:5].strip() != b"")
    )


def _is_scissors(line: bytes) -> bool:
    """Whether git takes it for a scissors line: dashes and scissors on more than a third of its width."""
    line = line.strip()
    if len(line) > 400:
        return False
    blades = perforation = gap = at = last = 0
    inside = False
    while at < len(line):
        last = at if not line[at : at + 1].isspace() else last
        if line[at : at + 2] in (b">8", b"8<", b">%", b"%<"):
            inside, blades, perforation, at = True, blades + 2, perforation + 2, at + 2
            continue
        if line[at : at + 1].isspace():
            perforation, gap = perforation + inside, gap + inside
        else:
            inside = line[at : at + 1] == b"-"
            perforation += inside
        at += 1
    width = last + 1  # git counts the scissors at the end of a line as one
    return blades > 0 and 8 <= width < 3 * perforation and 2 * gap < perforation


def read_trailers(text: bytes) -> Trailers:
    """The base and the prerequisites that a mail names, wherever in it they stand."""
    base, change = _BASE.search(text), _CHANGE.search(text)
    return Trailers(
        base_commit=base[1].decode() if base else None,
        prerequisites=tuple(
            f"{kind.decode()}: {mime.as_text(value, '')}" for kind, value in _PREREQUISITE.findall(text)
        ),
        change_id=mime.as_text(change[1], "") if change else None,
    )


def quotes(text: bytes) -> bool:
    """Whether the text quotes another mail."""
    return _QUOTE.search(_SIGNATURE.split(text, maxsplit=1)[0]) is not None


def quotes_diff(text: bytes) -> bool:
    """Whether the text quotes a diff."""
    return b"diff --git " in text and re.search(rb"^(?:> ?)+diff --git ", text, re.MULTILINE) is not None
