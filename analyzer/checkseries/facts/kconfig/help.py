"""Where a help text ends: it is the one part of a Kconfig file that no other rule reads."""

from __future__ import annotations

import functools
import re

_INDENTED = re.compile(r"(?:[ \t]*\n)*(([ \t]*)[^ \t\n].*(?:\n|\Z))")


def after_help(text: str, position: int) -> int:
    """The position of the first line below a help text: one that is less indented than its first."""
    first = _INDENTED.match(text, position)
    if first is not None and not first[2] and first.start(1) == position:
        # The lexer takes the very next line for help whatever it is, and only then looks at indentation.
        position = first.end()
        first = _INDENTED.match(text, position)
    if first is None or not first[2]:
        return position if first is None else first.start(1)
    indent = len(first[2].expandtabs())
    position = first.end()
    alike = _alike(first[2])
    while True:
        # Most lines begin with the same blanks as the first; only others have their width measured.
        more = alike.match(text, position)
        assert more is not None
        position = more.end()
        other = _INDENTED.match(text, position)
        if other is None:
            return len(text) if text[position:].isspace() else position
        if len(other[2].expandtabs()) < indent:
            return position
        position = other.end()


@functools.lru_cache(maxsize=64)
def _alike(blanks: str) -> re.Pattern[str]:
    return re.compile(rf"(?:{re.escape(blanks)}.*\n|[ \t]*\n)*")


def blank(text: str, position: int) -> bool:
    """Whether the help text at a position has no text: empty lines are all that comes before the next entry."""
    first = _INDENTED.match(text, position)
    return first is None or (not first[2] and first.start(1) > position)
