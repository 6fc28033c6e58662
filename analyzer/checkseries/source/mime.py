"""The text parts of a mail: transfer encodings undone, lines ending in a line feed, charsets made UTF-8.

Parts are split here and not by the standard library, whose parser recurses once for every level of nesting.
Sources: RFC 2045 to 2047, RFC 3676 (format=flowed), git's mailinfo.c.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message

DEPTH_LIMIT = 6
PART_LIMIT = 64
"""Deeper or further parts of a mail are not read."""

_CHARSET = re.compile(
    r"(?:iso-8859-\d{1,2}|iso-2022-(?:jp|kr)(?:-\w+)?|windows-125\d|cp125\d|cp949|cp932|koi8-[rut]"
    r"|big5(?:-hkscs)?|gb2312|gbk|gb18030|hz|euc-(?:jp|kr|cn)|shift_jis|sjis|ks_c_5601-1987|tis-620|macintosh)"
)
"""The charsets of mail that Python decodes without surprise; no codec is looked up that is not one of them."""
_STRUCTURED = ("content-type", "content-transfer-encoding", "content-disposition")
_VALUE_LIMIT = 2000
_WORD = re.compile(r"=\?([^?\s*]+)(?:\*[^?\s]*)?\?([bBqQ])\?([^?]*)\?=")
_BETWEEN_WORDS = re.compile(r"(\?=)[ \t\r\n]+(?==\?[^?\s]+\?[bBqQ]\?)")
_QUOTED_BYTE = re.compile(rb"=([0-9A-Fa-f]{2})")
_TRANSPORT_CR = re.compile(rb"^(?:diff --git |--- |\+\+\+ |@@ -)[^\n]*\r$", re.MULTILINE)
_ANY_CR = re.compile(rb"\r$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Part:
    """One text part of a mail."""

    kind: str
    """``text/plain``, ``text/x-patch``; always lower case."""
    filename: str
    charset: str
    """Lower case; empty if not said."""
    text: bytes
    encoded: bool
    """Whether its lines are not those of the mail as stored: encoded, flowed, or one part of several."""


def header_text(raw: bytes) -> str:
    """A header's value as text: encoded words decoded, unknown charsets tolerated, blanks squeezed."""
    text = _BETWEEN_WORDS.sub(r"\1", as_text(raw, ""))
    found: list[tuple[str, bytes]] = []
    at = 0
    for match in _WORD.finditer(text):
        if match.start() > at:
            found.append(("", text[at : match.start()].encode("utf-8", "surrogatepass")))
        found.append((match[1].lower(), _word_bytes(match[2], match[3])))
        at = match.end()
    found.append(("", text[at:].encode("utf-8", "surrogatepass")))
    pieces: list[tuple[str, list[bytes]]] = []
    for charset, data in found:  # a character may be cut in two by the border of two words: join them first
        if pieces and pieces[-1][0] == charset:
            pieces[-1][1].append(data)
        else:
            pieces.append((charset, [data]))
    return " ".join("".join(as_text(b"".join(data), charset) for charset, data in pieces).split())


def _word_bytes(encoding: str, text: str) -> bytes:
    raw = text.encode("utf-8", "surrogatepass")
    if encoding in "bB":
        return _base64(raw)
    return _QUOTED_BYTE.sub(lambda match: bytes([int(match[1], 16)]), raw.replace(b"_", b" "))


def as_text(data: bytes, charset: str) -> str:
    """The bytes as text: UTF-8 if they are that, else as the charset says, else Latin-1. Never fails."""
    if charset not in _STATEFUL:
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError:
            pass
    if _CHARSET.fullmatch(charset):
        try:
            return data.decode(charset)
        except (LookupError, UnicodeError):
            pass
    return data.decode("latin-1")


_STATEFUL = frozenset(("iso-2022-jp", "iso-2022-jp-1", "iso-2022-jp-2", "iso-2022-jp-3", "iso-2022-kr", "hz"))
"""Charsets whose encoded text is pure ASCII, so that it looks like UTF-8."""


def as_utf8(data: bytes, charset: str) -> bytes:
    """The bytes in UTF-8, the kernel's own charset; unchanged if they are that already or cannot be decoded.

    Mail programs recode patches: b4 decodes them in the same way, while git am keeps the recoded bytes, which
    then match no file.
    """
    if charset in _STATEFUL or (_CHARSET.fullmatch(charset) and not _is_utf8(data)):
        try:
            return data.decode(charset).encode("utf-8")
        except (LookupError, UnicodeError):
            pass
    return data


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def parts(fields: Message, body: bytes) -> tuple[Part, ...]:
    """The text parts of a mail in their order; HTML, signatures and what is attached as mail are left out.

    ``fields`` holds the mail's header, ``body`` what follows it, with ``\\n`` line ends.
    """
    return tuple(_parts(fields, body, 0, [PART_LIMIT]))


def _parts(fields: Message, body: bytes, depth: int, left: list[int]) -> Iterator[Part]:
    kind = fields.get_content_type()
    boundary = _parameter(fields, "boundary")
    if kind.startswith("multipart/"):
        if not boundary or depth >= DEPTH_LIMIT:
            return
        for raw in _split(body, boundary.encode("utf-8", "surrogateescape")):
            left[0] -= 1
            if left[0] < 0:
                return
            head, inner = split_header(raw)
            default = "message/rfc822" if kind == "multipart/digest" else "text/plain"
            yield from _parts(header_message(head, default), inner, depth + 1, left)
        return
    if not kind.startswith(("text/", "application/octet-stream")) or kind == "text/html":
        return
    filename = header_text(
        (_parameter(fields, "filename", "content-disposition") or "").encode("utf-8", "replace")
    )
    filename = filename or header_text((_parameter(fields, "name") or "").encode("utf-8", "replace"))
    if kind == "application/octet-stream" and not filename.lower().endswith((".patch", ".diff")):
        return
    encoding = str(fields.get("content-transfer-encoding", "")).strip().lower()
    text = _decoded(body, encoding)
    charset = (_parameter(fields, "charset") or "").strip().lower()
    flowed = kind == "text/plain" and (_parameter(fields, "format") or "").lower() == "flowed"
    if flowed:
        text = _unflowed(text, (_parameter(fields, "delsp") or "").lower() == "yes")
    encoded = depth > 0 or flowed or encoding in ("quoted-printable", "base64", "x-uuencode")
    yield Part(kind, filename, charset, _without_transport_cr(as_utf8(text, charset)), encoded)


def header_message(head: bytes, default_type: str = "text/plain") -> Message:
    """The structured fields of a header, as the standard library holds them; other fields are left out."""
    message: Message = Message()
    message.set_default_type(default_type)
    for name, value in header_fields(head):
        if name in _STRUCTURED and name not in message:
            # the library's parser takes quadratic time for the parameters of a long value
            message[name] = value[:_VALUE_LIMIT].decode("utf-8", "replace").replace("\r", " ")
    return message


def header_fields(head: bytes) -> tuple[tuple[str, bytes], ...]:
    """The fields of a header: name in lower case, raw value unfolded, in their order."""
    found: list[tuple[str, list[bytes]]] = []
    for line in head.split(b"\n"):
        line = line.rstrip(b"\r")
        if line[:1] in (b" ", b"\t"):
            if found:
                found[-1][1].append(line.strip())
            continue
        name, colon, value = line.partition(b":")
        if colon and name and not name.strip().count(b" ") and len(name) <= 100:
            found.append((name.strip().decode("ascii", "replace").lower(), [value.strip()]))
    return tuple((name, b" ".join(piece for piece in value if piece)) for name, value in found)


def split_header(raw: bytes) -> tuple[bytes, bytes]:
    """The header and the body of a mail or of a part, at the first empty line."""
    if raw.startswith(b"\n"):
        return b"", raw[1:]
    head, _, body = raw.partition(b"\n\n")
    return head, body


def _parameter(fields: Message, name: str, header: str = "content-type") -> str | None:
    try:
        value = fields.get_param(name, None, header)
    except (ValueError, TypeError, LookupError, AttributeError):
        return None  # the library stumbles over some malformed RFC 2231 parameters
    if isinstance(value, tuple):
        value = value[2]
    return value if isinstance(value, str) else None


def _split(body: bytes, boundary: bytes) -> Iterator[bytes]:
    """The parts between the boundary lines; a last one that is not closed counts."""
    line = re.compile(rb"^--" + re.escape(boundary) + rb"(--)?[ \t]*(?:\n|\Z)", re.MULTILINE)
    start = None
    for match in line.finditer(body):
        if start is not None:
            yield body[start : match.start()].removesuffix(b"\n")  # that line end belongs to the boundary
        if match[1] is not None:
            return
        start = match.end()
    if start is not None:
        yield body[start:]


def _decoded(body: bytes, encoding: str) -> bytes:
    if encoding == "quoted-printable":
        return binascii.a2b_qp(body)
    if encoding == "base64":
        return _base64(body)
    return body


def _base64(body: bytes) -> bytes:
    """What base64 text holds; damaged text gives as much as can be read."""
    try:
        return binascii.a2b_base64(body)
    except binascii.Error:
        pass
    kept = re.sub(rb"[^A-Za-z0-9+/]", b"", body)
    kept = kept[: len(kept) - (len(kept) % 4 == 1)]
    return binascii.a2b_base64(kept + b"=" * (-len(kept) % 4))


def _unflowed(text: bytes, delete_space: bool) -> bytes:
    """The text with soft line breaks joined and stuffed blanks taken away (RFC 3676), as git mailinfo does."""
    found: list[bytes] = []
    held: list[bytes] = []
    for line in text.split(b"\n"):
        line = line.removesuffix(b"\r")
        if line == b"-- ":
            found += [b"".join(held), line] if held else [line]
            held = []
            continue
        line = line.removeprefix(b" ")
        if line.endswith(b" "):
            held.append(line[:-1] if delete_space else line)
            continue
        found.append(b"".join(held) + line)
        held = []
    if held:
        found.append(b"".join(held))
    return b"\n".join(found)


def _without_transport_cr(text: bytes) -> bytes:
    """The text without the carriage returns that the mail's way added, but with those of the files.

    Git ends its own header lines with a line feed always; where one ends otherwise, every line was converted.
    Encoded text is in canonical form (RFC 2045, 6.8), so without a diff in it every one goes.
    """
    if b"\r" not in text:
        return text
    if _TRANSPORT_CR.search(text) or not re.search(rb"^(?:diff --git |@@ -)", text, re.MULTILINE):
        return _ANY_CR.sub(b"", text)
    return text
