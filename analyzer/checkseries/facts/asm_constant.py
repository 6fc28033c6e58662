"""Constants of assembly: literals, ``#define``, ``.set`` and what asm-offsets.c measures in C.

What stands in assembly is evaluated as GNU as does, what stands in asm-offsets.c as C does: their operators
bind differently (``1 + 2 << 3`` is 17 to as and 24 to C; GNU as manual, "Infix Operators"), and a comparison
that holds is -1 to as.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

from checkseries.facts.asm_text import blanked, operands
from checkseries.tree import Snapshot, fact

Measure = Callable[[Snapshot, str, str], int | None]
"""``measure(tree, arch, expression)``: the value in bytes of one ``sizeof(...)`` or ``offsetof(...)`` as C has it
on an arch; None if it is not known."""

MOST_TOKENS = 2000
_DEPTH = 40
_TOKEN = re.compile(
    r"\s+|(?P<number>0[xX][0-9a-fA-F]+|0[bB][01]+|[0-9]+)(?:[uU]?[lL]{0,2}[uU]?)(?![\w.])"
    r"|(?P<name>[A-Za-z_.$][\w.$]*)|(?P<operator><<|>>|<=|>=|==|!=|<>|&&|\|\||[-+*/%&|^~!<>()?:,#])|(?P<bad>.)"
)
_C = ("||", "&&", "|", "^", "&", "== !=", "< > <= >=", "<< >>", "+ -", "* / %")
_AS = ("||", "&&", "== != <> < > <= >= + -", "| ^ &", "* / % << >>")
_OPTION = re.compile(r"CONFIG_\w+")
_DEFINITION = re.compile(r"\b(DEFINE|OFFSET)\s*\(")
_FOLDED = re.compile(
    r"[ \t]*#[ \t]*define[ \t]+(\w+)\(([\w ,]*)\)[ \t]*((?:DEFINE|OFFSET)[ \t]*\(.*)", re.ASCII
)
_USED = re.compile(r"\s*(\w+)\s*\(([^()]*)\)\s*;?\s*\Z", re.ASCII)
_BESIDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]+"(\w[\w.-]*\.c)"', re.MULTILINE | re.ASCII)
_MOST_FILES = 8


class Definitions(Protocol):
    """What names of an expression stand for."""

    def define(self, name: str) -> tuple[tuple[str, ...] | None, str] | None:
        """The parameters (None if it takes none) and body of a macro; None if there is not just one."""

    def defined(self, name: str, /) -> bool:
        """Whether the preprocessor may have a macro of that name, whatever it is."""

    def measured(self, name: str, /) -> str | None:
        """The C expression that asm-offsets.c gives a name to."""

    def measure(self, expression: str, /) -> int | None:
        """The value of a ``sizeof`` or ``offsetof``."""


@fact
def asm_constants(tree: Snapshot, arch: str) -> Mapping[str, str]:
    """The C expression of each name that asm-offsets.c of an arch makes known to assembly."""
    return constants_in(tree, f"arch/{arch}/kernel/asm-offsets.c")


@fact
def constants_in(tree: Snapshot, path: str) -> Mapping[str, str]:
    """The C expression of each name that a file like asm-offsets.c makes known to assembly.

    From ``DEFINE(name, expression)`` and ``OFFSET(name, struct, member)`` (include/linux/kbuild.h), those in its own
    macros and in ``.c`` files beside it that it includes. A name that is given different expressions, under whatever
    conditions, is left out: it is not known.
    """
    found: dict[str, str] = {}
    clashing: set[str] = set()
    waiting, seen = [path], {path}
    while waiting and len(seen) <= _MOST_FILES:
        here = waiting.pop()
        text = blanked(tree.text(here) or "")
        for name, expression in _definitions(_unfolded(text)):
            if found.setdefault(name, expression) != expression:
                clashing.add(name)
        beside = {f"{here.rpartition('/')[0]}/{each}" for each in _BESIDE.findall(text)} - seen
        seen |= beside
        waiting += sorted(beside)
    return MappingProxyType({name: each for name, each in found.items() if name not in clashing})


def _unfolded(text: str) -> str:
    """The text with its own macros replaced that define constants: ``#define ENTRY(e) OFFSET(regs_ ## e, regs, e)``."""
    if "##" not in text:
        return text
    macros: dict[str, tuple[list[str], str]] = {}
    lines = []
    for line in text.split("\n"):
        if folded := _FOLDED.match(line):
            macros[folded[1]] = ([each.strip() for each in folded[2].split(",")], folded[3])
        elif line.lstrip().startswith("#"):
            words = line.replace("#", " ").split()
            if words[:1] == ["undef"]:
                macros.pop(words[-1], None)
        elif (use := _USED.match(line)) and use[1] in macros:
            lines.append(_replaced(macros[use[1]], [each.strip() for each in use[2].split(",")]))
            continue
        lines.append(line)
    return "\n".join(lines)


def _replaced(macro: tuple[list[str], str], given: list[str]) -> str:
    parameters, body = macro
    if len(parameters) != len(given):
        return ""
    bound = dict(zip(parameters, given, strict=True))
    return re.sub(r"\s*##\s*", "", re.sub(r"[A-Za-z_]\w*", lambda match: bound.get(match[0], match[0]), body))


def _definitions(text: str) -> Iterator[tuple[str, str]]:
    for match in _DEFINITION.finditer(text):
        if text[text.rfind("\n", 0, match.start()) + 1 : match.start()].lstrip().startswith("#"):
            continue
        depth, end = 1, match.end()
        while end < len(text) and depth and end - match.end() < 1000:
            depth += (text[end] == "(") - (text[end] == ")")
            end += 1
        parts = [" ".join(part.split()) for part in operands(text[match.end() : end - 1])]
        if depth:
            continue
        if match.group(1) == "DEFINE" and len(parts) >= 2:
            yield parts[0], ", ".join(parts[1:])
        elif match.group(1) == "OFFSET" and len(parts) == 3:
            yield parts[0], f"offsetof(struct {parts[1]}, {parts[2]})"


def value(text: str, known: Definitions) -> int | None:
    """The value of a constant expression of assembly, any integer; None if it has none that is sure."""
    pieces = _expanded(_tokens(text.strip().removeprefix("#")), known, (), [MOST_TOKENS])
    if pieces is None:
        return None
    return _Parser(pieces, known, _AS).whole()


def options_of(text: str, known: Definitions) -> tuple[str, frozenset[str]] | None:
    """A constant expression with its macros replaced, and the options of Kconfig that it is left with.

    None if it depends on anything else that is not known.
    """
    pieces = _expanded(_tokens(text.strip().removeprefix("#")), known, (), [MOST_TOKENS])
    if pieces is None:
        return None
    names = {piece for piece in pieces if piece[0].isalpha() or piece[0] in "_.$"} - _SAME - _BIT - _LOG
    return (" ".join(pieces), frozenset(names)) if all(map(_OPTION.fullmatch, names)) else None


@dataclass(slots=True)
class _Given:
    """What names stand for where all that is left are options, and each has a number."""

    numbers: Mapping[str, int]

    def define(self, name: str) -> tuple[tuple[str, ...] | None, str] | None:
        return (None, f"({self.numbers[name]})") if name in self.numbers else None

    def defined(self, name: str, /) -> bool:
        return name in self.numbers

    def measured(self, _name: str, /) -> str | None:
        return None

    def measure(self, _expression: str, /) -> int | None:
        return None


def with_options(text: str, numbers: Mapping[str, int]) -> int | None:
    """The value of an expression that ``options_of`` gave, with numbers for its options."""
    return value(text, _Given(numbers))


def _tokens(text: str) -> list[str] | None:
    if len(text) > MOST_TOKENS:
        return None
    found = []
    for match in _TOKEN.finditer(text):
        if match.lastgroup == "bad":
            return None
        if match.lastgroup:
            found.append(match.group(match.lastgroup))
    return found


def _expanded(
    pieces: list[str] | None, known: Definitions, inside: tuple[str, ...], left: list[int]
) -> list[str] | None:
    """The pieces with every macro replaced by its body, as cpp does; None beyond the bounds (``left``)."""
    left[0] -= 1
    if pieces is None or len(inside) > _DEPTH or left[0] < 0:
        return None
    found: list[str] = []
    at = 0
    while at < len(pieces):
        piece = pieces[at]
        at += 1
        named = (
            None if piece in inside or (not piece[0].isalpha() and piece[0] != "_") else known.define(piece)
        )
        if named is None:
            found.append(piece)
        else:
            parameters, body = named
            replaced = _tokens(body)
            if parameters is not None:
                arguments, at = _arguments(pieces, at)
                if arguments is None or len(arguments) != len(parameters) or "##" in body or replaced is None:
                    return None
                bound = dict(zip(parameters, arguments, strict=True))
                replaced = [each for piece in replaced for each in bound.get(piece, [piece])]
            replaced = _expanded(replaced, known, (*inside, piece), left)
            if replaced is None:
                return None
            found += replaced
        if len(found) > MOST_TOKENS:
            return None
    return found


def _arguments(pieces: list[str], at: int) -> tuple[list[list[str]] | None, int]:
    if at >= len(pieces) or pieces[at] != "(":
        return None, at
    found: list[list[str]] = [[]]
    depth = 1
    for end in range(at + 1, len(pieces)):
        piece = pieces[end]
        depth += (piece == "(") - (piece == ")")
        if depth == 0:
            return found, end + 1
        if piece == "," and depth == 1:
            found.append([])
        else:
            found[-1].append(piece)
    return None, at


class _Parser:
    """Evaluates pieces by precedence climbing; the value is None from any unknown part on."""

    def __init__(self, pieces: list[str], known: Definitions, levels: tuple[str, ...]) -> None:
        self.pieces = pieces
        self.known = known
        self.levels = [set(level.split()) for level in levels]
        self.true = -1 if levels is _AS else 1
        self.at = 0

    def whole(self) -> int | None:
        found = self._level(0, 0)
        return found if self.at == len(self.pieces) else None

    def _next(self) -> str:
        return self.pieces[self.at] if self.at < len(self.pieces) else ""

    def _level(self, level: int, depth: int) -> int | None:
        if depth > _DEPTH:
            return None
        if level == len(self.levels):
            return self._unary(depth + 1)
        left = self._level(level + 1, depth)
        while self._next() in self.levels[level]:
            sign = self.pieces[self.at]
            self.at += 1
            right = self._level(level + 1, depth)
            left = None if left is None or right is None else _apply(sign, left, right, self.true)
        return left

    def _unary(self, depth: int) -> int | None:
        piece = self._next()
        self.at += 1
        if depth > _DEPTH or not piece:
            return None
        if piece in ("-", "+", "~", "!", "#"):
            inner = self._unary(depth + 1)
            if inner is None:
                return None
            return {"-": -inner, "+": inner, "~": ~inner, "!": int(not inner), "#": inner}[piece]
        if piece == "(":
            inner = self._level(0, depth + 1)
            if self._next() != ")":
                return None
            self.at += 1
            return inner
        if piece[0].isdigit():
            # A leading 0 is octal for both; Python wants to see the 'o'.
            octal = re.fullmatch(r"0[0-7]+", piece)
            try:
                return int(piece, 8) if octal else int(piece, 0)
            except ValueError:
                return None
        return self._name(piece, depth)

    def _name(self, piece: str, depth: int) -> int | None:
        if self._next() != "(":
            expression = self.known.measured(piece)
            return None if expression is None else _measured(expression, self.known)
        self.at += 1
        first = self._level(0, depth + 1)
        while self._next() == ",":  # a literal and its type: UL(4) is _AC(4, UL)
            self.at += 2
        if first is None or self._next() != ")":
            return None
        self.at += 1
        if piece in _SAME:
            return first
        if piece in _BIT:
            return 1 << first if 0 <= first < 64 else None
        if piece in _LOG:
            return first.bit_length() - 1 if first > 0 else None
        return None


def _measured(expression: str, known: Definitions) -> int | None:
    """The value of an expression of asm-offsets.c: C alone evaluates it."""
    text = ""
    at = 0
    for match in _MEASURED.finditer(expression):
        if match.start() < at:
            continue
        end, depth = match.end(), 1
        while end < len(expression) and depth:
            depth += (expression[end] == "(") - (expression[end] == ")")
            end += 1
        size = known.measure(expression[match.start() : end])
        if size is None or depth:
            return None
        text += f"{expression[at : match.start()]}({size})"
        at = end
    pieces = _expanded(_tokens(text + expression[at:]), known, (), [MOST_TOKENS])
    return None if pieces is None else _Parser(pieces, _Unmeasured(known), _C).whole()


class _Unmeasured:
    """The same definitions inside an expression of C, which knows nothing of asm-offsets.c."""

    def __init__(self, known: Definitions) -> None:
        self.define = known.define
        self.defined = known.defined

    def measured(self, _name: str, /) -> str | None:
        return None

    def measure(self, _expression: str, /) -> int | None:
        return None


def _apply(sign: str, left: int, right: int, true: int) -> int | None:
    if sign in ("<<", ">>") and not 0 <= right < 64:
        return None
    if sign in ("/", "%"):
        if not right:
            return None
        whole = abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1)
        return whole if sign == "/" else left - whole * right
    if sign in _TRUTH:
        return true if _TRUTH[sign](left, right) else 0
    found = _ARITHMETIC[sign](left, right)
    return found if abs(found) < 1 << 128 else None


_SAME = {"UL", "ULL", "U", "_UL", "_ULL", "_AC", "_AT"}
"""Macros that give a literal its C type and are nothing but the literal in assembly (linux/const.h)."""
_BIT = {"BIT", "BIT_ULL", "_BITUL", "_BITULL"}
_LOG = {"ilog2", "const_ilog2", "__ilog2_u32", "__ilog2_u64"}
_MEASURED = re.compile(r"\b(?:sizeof|offsetof|sizeof_field|offsetofend)\s*\(")
_ARITHMETIC: Mapping[str, Callable[[int, int], int]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "&": operator.and_,
    "|": operator.or_,
    "^": operator.xor,
    "<<": operator.lshift,
    ">>": operator.rshift,
}
_TRUTH: Mapping[str, Callable[[int, int], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<>": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
    "&&": lambda left, right: bool(left and right),
    "||": lambda left, right: bool(left or right),
}
