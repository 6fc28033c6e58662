"""What may be shown of a string that a mail or a kernel tree brought along.

Everything that leaves checkseries goes through here: a subject may hold escape sequences for a terminal, a
source line characters that reorder the text around them (CVE-2021-42574), a path bytes that are no UTF-8.
"""

from __future__ import annotations

import re
from typing import Any

# Default_Ignorable_Code_Point of Unicode's DerivedCoreProperties.txt as far as its general category does not
# tell already: these count as letters or marks, and show as nothing at all.
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def shown(char: str) -> str:
    """One character as it may be shown: itself, or escaped if it cannot be printed."""
    return char if char.isprintable() and not _INVISIBLE.match(char) else escaped(char)


def escaped(char: str) -> str:
    """One character as an escape sequence of C in plain ASCII.

    A byte that is no UTF-8 (decoded as a surrogate, PEP 383) shows as that byte: ``\\xe9``.
    """
    if char in _SHORT:
        return _SHORT[char]
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def printable(text: str, limit: int | None = None) -> str:
    """The text in one line that can be printed anywhere; cut after ``limit`` characters if that is given."""
    cut = limit is not None and len(text) > limit
    if cut:
        text = text[:limit]
    if not text.isprintable() or _INVISIBLE.search(text):
        text = "".join(map(shown, text))
    return text + "..." if cut else text


def block(text: str) -> str:
    """The text with its line ends and tabs kept; what else cannot be printed is escaped as in ``printable``."""
    return "\n".join("\t".join(map(printable, row.split("\t"))) for row in text.split("\n"))


def document(value: Any) -> Any:
    """The same tree of dicts, lists and scalars with every string passed through ``block``.

    A JSON encoder escapes control characters by itself, but whoever decodes the document prints what was in
    it, and strict decoders refuse a document with a lone surrogate.
    """
    if isinstance(value, str):
        return block(value)
    if isinstance(value, dict):
        return {block(key): document(item) for key, item in value.items()}
    if isinstance(value, list):
        return [document(item) for item in value]
    return value
