"""C as text: what is code and what is comment, literal or directive.

Works on bytes that nobody has preprocessed, so it never fails: an unterminated comment runs to the end of the
file, a lone quote (prose below ``#if 0`` has them) to the end of its line, as GCC's lexer has it. Text is held as latin-1, one character a
byte, so that an offset means the same in the file, in the blanked text and in the directives.
The phases that it follows are those of C11 5.1.1.2: lines are spliced before comments are taken out, and a
comment that spans lines does not end a directive.
"""

from __future__ import annotations

import functools
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from checkseries.model import Place

SPLICE = r"\\\r?\n"
# Each begins behind its first character: one class of first characters is what the engine can skip to quickly.
_BLOCK = rf"\*[^*]*+(?:\*(?!(?:{SPLICE})*+/)[^*]*+)*+(?:\*(?:{SPLICE})*+/|\Z)"
_COMMENT = rf"(?:{SPLICE})*+(?:{_BLOCK}|/[^\\\n]*+(?:\\(?:\r?\n)?[^\\\n]*+)*+)"
_STRING = r'[^"\\\n]*+(?:\\(?:\r\n|.)[^"\\\n]*+)*+"?'
_CHARACTER = r"[^'\\\n]*+(?:\\(?:\r\n|.)[^'\\\n]*+)*+'?"
_HIDDEN = re.compile(rf"[/\"'](?:(?<=/){_COMMENT}|(?<=\"){_STRING}|(?<='){_CHARACTER}|(?<!/))", re.DOTALL)
_SQUEEZE = re.compile(
    rf"(?P<gap>(?:\s|{SPLICE}|/{_COMMENT})++)|\"{_STRING}|'{_CHARACTER}", re.DOTALL | re.ASCII
)
_DIRECTIVE = re.compile(rf"#(?:[^\S\n]|{SPLICE})*+(\w*)", re.ASCII)
_DEFINE = re.compile(rf"(?:\s|{SPLICE})*+([A-Za-z_]\w*)(?:\(([^()]*)\))?", re.ASCII)
_TOKEN = re.compile(
    r"""[A-Za-z_$][\w$]*|\.?\d(?:[eEpP][+-]|[\w.])*|"[^"]*"|'[^']*'|->|\+\+|--|<<=|>>=|\.\.\.|<<|>>"""
    r"""|[-+*/%&|^=!<>]=|&&|\|\||\#\#|\\\r?\n|\S""",
    re.ASCII,
)
_OPEN = {"(": ")", "[": "]", "{": "}"}
_CLOSE = frozenset(_OPEN.values())
_NEST = re.compile(r"[()\[\]{}]")
_NEST_COMMA = re.compile(r"[()\[\]{},]")


@dataclass(frozen=True, slots=True)
class Token:
    """One preprocessing token and where it begins; literals are their quotes with blanks between."""

    text: str
    at: int

    @property
    def end(self) -> int:
        """The offset behind it."""
        return self.at + len(self.text)

    @property
    def word(self) -> bool:
        """Whether it is an identifier or a keyword."""
        first = self.text[0]
        return first.isalpha() or first in "_$"


@dataclass(frozen=True, slots=True)
class Directive:
    """A preprocessor line with its continuations: ``word`` is ``define``, ``if``... and empty for a lone ``#``."""

    word: str
    start: int
    rest: int
    """Where the text behind the word begins."""
    end: int
    """Where its last newline is, or the end of the file."""


@dataclass(frozen=True, slots=True)
class Macro:
    """A ``#define``: ``parameters`` is None for an object-like one, ``body`` and ``end`` delimit its text."""

    name: str
    at: int
    parameters: tuple[str, ...] | None
    variadic: bool
    body: int
    end: int


@dataclass(frozen=True, slots=True)
class Code:
    """A C file whose comments and literals are blanked, with its directives apart.

    ``text``, ``plain`` and ``data`` have the same length and the same newlines.
    """

    data: bytes
    text: str
    """Comments are spaces, literals are their quotes with spaces between."""
    plain: str
    """``text`` with the directives blanked too."""
    directives: tuple[Directive, ...]
    macros: tuple[Macro, ...]

    def directive_at(self, offset: int) -> Directive | None:
        """The directive that an offset lies in."""
        number = bisect_right(self.directives, offset, key=_start) - 1
        if number >= 0 and offset < self.directives[number].end:
            return self.directives[number]
        return None

    def directives_in(self, start: int, end: int) -> tuple[Directive, ...]:
        """The directives that begin between two offsets."""
        return self.directives[
            bisect_left(self.directives, start, key=_start) : bisect_left(self.directives, end, key=_start)
        ]

    def macro_at(self, offset: int) -> Macro | None:
        """The macro in whose body an offset lies."""
        number = bisect_right(self.macros, offset, key=_body) - 1
        if number >= 0 and offset < self.macros[number].end:
            return self.macros[number]
        return None

    def line(self, offset: int) -> int:
        """The number of the line, from 1, that an offset lies in."""
        return self.text.count("\n", 0, offset) + 1

    def column(self, offset: int) -> int:
        """The byte column, from 1."""
        return offset - self.text.rfind("\n", 0, offset)

    def source_line(self, offset: int) -> str:
        """The line as it stands in the file, without its line end."""
        start = self.text.rfind("\n", 0, offset) + 1
        end = self.text.find("\n", offset)
        return decoded(self.data[start : len(self.data) if end < 0 else end]).rstrip("\r")

    def source(self, start: int, end: int) -> str:
        """What stands between two offsets, without comments, each run of white space a single blank."""
        raw = self.data[start:end].decode("latin-1")
        text = _SQUEEZE.sub(lambda m: " " if m["gap"] else m[0], raw).strip()
        return decoded(text.encode("latin-1"))


def _start(directive: Directive) -> int:
    return directive.start


def _body(macro: Macro) -> int:
    return macro.body


def decoded(data: bytes) -> str:
    """Bytes as text: UTF-8, other bytes kept as surrogates."""
    return data.decode("utf-8", "surrogateescape")


def blank(data: bytes) -> bytes:
    """The file with comments and the insides of literals blanked: same length, same newlines."""
    return code(data).text.encode("latin-1")


@functools.lru_cache(maxsize=192)  # one file is looked at for many names; a pure function of its bytes
def code(data: bytes) -> Code:
    """A file as code: see ``Code``."""
    raw = data.decode("latin-1")
    breaks: list[tuple[int, int]] = []  # comments over several lines

    def hide(match: re.Match[str]) -> str:
        hidden = match[0]
        if hidden[0] == "/":
            if "\n" not in hidden:
                return " " * len(hidden)
            breaks.append(match.span())
            return _spaces(hidden)
        if len(hidden) == 1 or hidden[-1] != hidden[0]:
            return "\\\n".join(_spaces(part) for part in hidden.split("\\\n"))
        inner = hidden[1:-1]
        if "\n" in inner:
            inner = "\\\n".join(_spaces(part) for part in inner.split("\\\n"))
        else:
            inner = " " * len(inner)
        return hidden[0] + inner + hidden[0]

    text = _HIDDEN.sub(hide, raw)
    directives = tuple(_directives(text, breaks))
    return Code(data, text, _without(text, directives), directives, tuple(_macros(text, directives)))


def _spaces(text: str) -> str:
    return "\n".join(" " * len(part) for part in text.split("\n"))


def _directives(text: str, breaks: list[tuple[int, int]]) -> Iterator[Directive]:
    position = 0
    starts = [start for start, _ in breaks]
    while match := _DIRECTIVE.search(text, position):
        start = text.rfind("\n", 0, match.start()) + 1
        if start < position or text[start : match.start()].strip():
            position = match.end()  # stringification or pasting
            continue
        end = match.end()
        while True:
            end = text.find("\n", end)
            if end < 0:
                end = len(text)
                break
            number = bisect_right(starts, end) - 1
            if number >= 0 and end < breaks[number][1]:
                end = breaks[number][1]
            elif text.endswith(("\\", "\\\r"), 0, end):
                end += 1
            else:
                break
        yield Directive(match[1], start, match.end(), end)
        position = end


def _without(text: str, directives: tuple[Directive, ...]) -> str:
    pieces = []
    position = 0
    for directive in directives:
        pieces.append(text[position : directive.start])
        pieces.append(_spaces(text[directive.start : directive.end]))
        position = directive.end
    pieces.append(text[position:])
    return "".join(pieces)


def _macros(text: str, directives: tuple[Directive, ...]) -> Iterator[Macro]:
    for directive in directives:
        if directive.word != "define":
            continue
        match = _DEFINE.match(text, directive.rest, directive.end)
        if not match:
            continue
        parameters, variadic = None, False
        if match[2] is not None:
            words = [word.strip() for word in re.sub(SPLICE, " ", match[2]).split(",")]
            variadic = words[-1].endswith("...")
            if variadic:  # "..." is __VA_ARGS__, "args..." is GNU's named form
                words[-1] = words[-1][:-3].strip() or "__VA_ARGS__"
            parameters = tuple(word for word in words if word)
        yield Macro(match[1], match.start(1), parameters, variadic, match.end(), directive.end)


def tokens(text: str, start: int = 0, end: int | None = None) -> Iterator[Token]:
    """The preprocessing tokens of blanked text, splices left out."""
    for match in _TOKEN.finditer(text, start, len(text) if end is None else end):
        if match[0][0] != "\\" or len(match[0]) == 1:
            yield Token(match[0], match.start())


def closing(text: str, at: int, end: int | None = None) -> int | None:
    """The offset of the bracket that closes the one at ``at``; None if the brackets do not match."""
    stack: list[str] = []
    for match in _NEST.finditer(text, at, len(text) if end is None else end):
        bracket = match[0]
        if bracket in _OPEN:
            stack.append(_OPEN[bracket])
        elif not stack or stack.pop() != bracket:
            return None
        elif not stack:
            return match.start()
    return None


@functools.lru_cache(maxsize=8)  # for texts with many calls; a pure function of the text
def brackets(text: str) -> dict[int, int]:
    """What ``closing`` gives for every bracket that is closed, in one pass over the text."""
    found: dict[int, int] = {}
    stack: list[tuple[str, int]] = []
    for match in _NEST.finditer(text):
        bracket = match[0]
        if bracket in _OPEN:
            stack.append((_OPEN[bracket], match.start()))
        elif stack and stack[-1][0] == bracket:
            found[stack.pop()[1]] = match.start()
        else:
            stack.clear()
    return found


def split(text: str, start: int, end: int) -> tuple[tuple[int, int], ...]:
    """The parts between the commas that no bracket encloses, as offsets; nothing if all is blank."""
    if not text[start:end].strip("\\ \t\r\n\f\v"):
        return ()
    parts = []
    depth = 0
    begin = start
    for match in _NEST_COMMA.finditer(text, start, end):
        if match[0] in _OPEN:
            depth += 1
        elif match[0] in _CLOSE:
            depth -= 1
        elif depth == 0:
            parts.append((begin, match.start()))
            begin = match.end()
    parts.append((begin, end))
    return tuple(parts)


def line_starts(source: Code) -> tuple[int, ...]:
    """The offset of each line, by its number: that of line 1 is the second."""
    starts = [0, 0]
    starts += (match.end() for match in re.finditer("\n", source.text))
    return tuple(starts)


def place(source: Code, path: str, offset: int, symbol: str = "") -> Place:
    """The spot in the file that an offset means."""
    return Place(path, source.line(offset), source.column(offset), symbol, source.source_line(offset))
