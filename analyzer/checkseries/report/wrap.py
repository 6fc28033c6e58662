"""Lines of text that fit a width: the paragraphs, quoted source lines and columns that a report is made of.

Nothing gets into a line but through ``ink``, which lets only printable characters pass; rich's markup is never
interpreted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from io import StringIO

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from checkseries.report import column
from checkseries.report.clean import escaped, printable, shown

PROSE = 4000
"""Characters of one message that people are shown; what is longer is no message."""
ROWS = 40
"""Lines of one message that people are shown."""
TAB = 8
_LONGEST = 4096
"""Characters of a source line that are looked at around the column."""
_DOTS = "..."
_AHEAD = 8
"""Columns that are shown behind a caret at least, if the line goes on."""
_BREAKS = "/,;:|&=_-."

Part = str | tuple[str, str] | Text


def ink(*parts: Part) -> Text:
    """One line made of parts, each a string, a string with its style, or a line that was made before."""
    made = Text()
    for part in parts:
        match part:
            case Text():
                made.append_text(part)
            case str():
                made.append(printable(part, PROSE))
            case (text, style):
                made.append(printable(text, PROSE), style)
    return made


def wrapped(text: Text, width: int, first: str = "", rest: str | None = None) -> list[Text]:
    """The line broken into lines of at most ``width`` columns, which begin with ``first``, then ``rest``.

    Breaks are at spaces; a word that is longer than a whole line is broken behind punctuation if it has
    some, as paths do.
    """
    rest = first if rest is None else rest
    room_first, room_rest = max(width - cell_len(first), 8), max(width - cell_len(rest), 8)
    rows = list(_rows(text.plain, room_first, room_rest)) or [(0, 0)]
    pieces = text.divide([edge for row in rows for edge in row])
    lines = []
    for number in range(len(rows)):
        made = Text(first if number == 0 else rest)
        made.append_text(pieces[2 * number + 1])
        made.rstrip()
        lines.append(made)
    return lines


def paragraphs(text: str, width: int, first: str = "", rest: str | None = None) -> list[Text]:
    """The lines of a text that may hold line ends, each wrapped as by ``wrapped``; forty at most."""
    later = first if rest is None else rest
    rows = text.expandtabs(TAB).splitlines() or [""]
    lines: list[Text] = []
    for row in rows[:ROWS]:
        lines += wrapped(ink(row), width, later if lines else first, later)
    if len(rows) > ROWS:
        lines.append(ink(f"{later}and {len(rows) - ROWS} more lines"))
    return lines


def _rows(plain: str, room_first: int, room_rest: int) -> Iterator[tuple[int, int]]:
    """Where each line begins and ends in the text."""
    start = end = 0  # of the line so far; end is behind its last word
    used, room = 0, room_first
    for begin, stop in _words(plain):
        # Spaces before the first word are kept: they are the writer's indentation.
        gap, size = begin - end, cell_len(plain[begin:stop])
        if end > start and used + gap + size > room:
            yield start, end
            start, end, used, gap, room = begin, begin, 0, 0, room_rest
        while used + gap + size > room:
            cut = _cut(plain, begin, stop, room - used - gap)
            if cut == begin:  # no room behind the indentation
                gap, start = 0, begin
                continue
            yield start, cut
            begin = start = end = cut
            used, gap, room = 0, 0, room_rest
            size = cell_len(plain[begin:stop])
        used, end = used + gap + size, stop
    if end > start:
        yield start, end


def _words(plain: str) -> Iterator[tuple[int, int]]:
    begin = None
    for position, char in enumerate(plain):
        if char == " ":
            if begin is not None:
                yield begin, position
            begin = None
        elif begin is None:
            begin = position
    if begin is not None:
        yield begin, len(plain)


def _cut(plain: str, begin: int, stop: int, room: int) -> int:
    """Where to break a word so that what is before fits: behind punctuation in its second half, if any."""
    used, best, cut = 0, begin, begin
    for position in range(begin, stop):
        used += cell_len(plain[position])
        if used > room:
            break
        cut = position + 1
        if plain[position] in _BREAKS and 2 * used > room:
            best = cut
    return best if best > begin else cut


def source(text: str, at: int, room: int) -> tuple[str, str]:
    """A source line for at most ``room`` columns, and the line below it with a caret at byte column ``at``.

    Without its indentation; tabs are spaces up to the next multiple of eight, as in the file. A long line is
    cut on both sides of the column. The second line is empty if there is no such column.
    """
    start = column.index(text, at)
    body = len(text) - len(text.lstrip(" \t"))
    begin = body if start is None else max(min(body, start), start - _LONGEST // 2)
    edge = len(text[:begin].expandtabs(TAB)) if begin <= _LONGEST else 0
    cells: list[str] = []
    caret = 0
    for position in range(begin, min(len(text), begin + _LONGEST)):
        if position == start:
            caret = len(cells)
        char = text[position]
        _append(cells, " " * (TAB - (edge + len(cells)) % TAB) if char == "\t" else shown(char))
    while len(cells) > caret + 1 and cells[-1] == " ":
        cells.pop()
    cut_left, cut_right = begin > body, begin + _LONGEST < len(text)
    first, last = _window(len(cells), caret, room)
    if (cut_left and not first) or (cut_right and last == len(cells)):
        first, last = _window(len(cells), caret, room - 2 * len(_DOTS))
    # A wide character that an edge would halve is left out.
    while first < last and cells[first] == "":
        first += 1
    while first < last < len(cells) and cells[last] == "":
        last -= 1
    head = _DOTS if first or cut_left else ""
    tail = _DOTS if last < len(cells) or cut_right else ""
    quoted = head + "".join(cells[first:last]) + tail
    return quoted, "" if start is None else " " * (len(head) + caret - first) + "^"


def _append(cells: list[str], piece: str) -> None:
    """Add characters to cells of one column each; the second cell of a wide character is empty."""
    for char in piece:
        size = cell_len(char)
        if size:
            cells += [char] + [""] * (size - 1)
        elif cells:
            cells[-2 if cells[-1] == "" else -1] += char
        else:  # an accent with nothing below it
            cells += escaped(char)


def _window(length: int, caret: int, room: int) -> tuple[int, int]:
    """The columns that are shown of a line: all, or those around the caret that leave room for dots."""
    if length <= room:
        return 0, length
    one, both = room - len(_DOTS), room - 2 * len(_DOTS)
    if caret < one - _AHEAD:
        return 0, one
    first = caret - both // 2
    if first + one >= length:
        return length - one, length
    return first, first + both


def drawn(lines: Iterable[Text], *, color: bool) -> str:
    """The lines as one string, each ended by a newline; with colour as ANSI escape sequences."""
    if not color:
        return "".join(made.plain + "\n" for made in lines)
    out = StringIO()
    console = Console(
        file=out,
        color_system="standard",
        force_terminal=True,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
        width=1000,  # not used: the lines are broken already
        _environ={},
    )
    for made in lines:
        console.print(made, soft_wrap=True)
    return out.getvalue()
