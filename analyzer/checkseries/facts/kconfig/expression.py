"""Kconfig expressions as text: written, read, and how their comparisons come out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from checkseries.facts.kconfig.symbol import (
    CONSTANTS,
    NO,
    And,
    Expr,
    KconfigError,
    Not,
    Or,
    Relation,
    Symbol,
    Type,
)

MAX_DEPTH = 100
"""Parentheses and ``!`` that may be nested in one expression; the kernel has five."""

_BARE = re.compile(r"[A-Za-z0-9_-]+\Z")
_TOKEN = re.compile(
    r"""\s*(?:(?P<word>[A-Za-z0-9_-]+)|(?P<quoted>"[^"]*"|'[^']*')|(?P<mark>&&|\|\||!=|<=|>=|[=<>!()])|(?P<end>\Z))"""
)


def text(expr: Expr | None) -> str:
    """The expression in Kconfig syntax with as few parentheses as it needs; "" for an absent one."""
    if expr is None:
        return ""
    return _text(expr, 0)


def _text(expr: Expr, level: int) -> str:
    if isinstance(expr, Symbol):
        return operand(expr)
    if isinstance(expr, Relation):
        written = f"{operand(expr.left)} {expr.operator} {operand(expr.right)}"
        return f"({written})" if level > 2 else written
    if isinstance(expr, Not):
        return "!" + _text(expr.operand, 3)
    here = 1 if isinstance(expr, Or) else 2
    written = (" || " if here == 1 else " && ").join(_text(each, here) for each in expr.operands)
    return f"({written})" if level > here else written


def operand(symbol: Symbol) -> str:
    """How a symbol or constant is written in an expression."""
    if symbol.constant and symbol.name not in CONSTANTS:
        return '"' + symbol.name + '"'
    return symbol.name if _BARE.match(symbol.name) else '"' + symbol.name + '"'


def leaves(expr: Expr | None) -> Iterator[Symbol]:
    """The symbols of an expression, constants too, repeated as they occur."""
    stack: list[Expr] = [] if expr is None else [expr]
    while stack:
        each = stack.pop()
        if isinstance(each, Symbol):
            yield each
        elif isinstance(each, Relation):
            yield each.left
            yield each.right
        elif isinstance(each, Not):
            stack.append(each.operand)
        else:
            stack.extend(each.operands)


def compare_no(expr: Expr) -> Expr:
    """The expression that is y where ``expr`` is n, and n elsewhere: ``expr_trans_compare(e, E_EQUAL, n)``.

    It goes down to the symbols, so ``(A && B) = n`` is ``A = n || B = n``. This differs from ``!expr``,
    which is m where ``expr`` is m.
    """
    if isinstance(expr, And):
        return Or(tuple(compare_no(each) for each in expr.operands))
    if isinstance(expr, Or):
        return And(tuple(compare_no(each) for each in expr.operands))
    if isinstance(expr, Not):
        return _compare_some(expr.operand)
    if isinstance(expr, Relation):
        return Not(expr)
    return Relation("=", expr, NO)


def _compare_some(expr: Expr) -> Expr:
    if isinstance(expr, And | Or):
        return Not(compare_no(expr))
    if isinstance(expr, Not):
        return compare_no(expr.operand)
    if isinstance(expr, Relation):
        return expr
    return Relation("!=", expr, NO)


# --- reading ------------------------------------------------------------------------------------------------


def parse(written: str, symbol: Callable[[str], Symbol], where: str = "expression") -> Expr:
    """The expression that a text in Kconfig syntax means; ``symbol`` gives the symbol of a name.

    ``=`` binds tighter than ``!``, as in ``parser.y``. Raises KconfigError.
    """
    tokens = list(_tokens(written, where))
    position = 0

    def fail(what: str) -> KconfigError:
        return KconfigError(where, 0, f"{what} in {written!r}")

    def leaf(kind: str, word: str) -> Symbol:
        if kind == "word":
            return CONSTANTS.get(word) or symbol(word)
        if kind == "quoted":
            return CONSTANTS.get(word[1:-1]) or Symbol(word[1:-1], constant=True)
        raise fail("a symbol is missing")

    def factor(depth: int) -> Expr:
        nonlocal position
        if depth > MAX_DEPTH:
            raise fail("too deep nesting")
        kind, word = tokens[position]
        position += 1
        if word == "!" and kind == "mark":
            return Not(factor(depth + 1))
        if word == "(" and kind == "mark":
            inside = either(depth + 1)
            if tokens[position] != ("mark", ")"):
                raise fail("')' is missing")
            position += 1
            return inside
        left = leaf(kind, word)
        kind, word = tokens[position]
        if kind != "mark" or word not in ("=", "!=", "<", "<=", ">", ">="):
            return left
        position += 2
        return Relation(word, left, leaf(*tokens[position - 1]))

    def every(depth: int) -> Expr:
        nonlocal position
        found = [factor(depth)]
        while tokens[position] == ("mark", "&&"):
            position += 1
            found.append(factor(depth))
        return found[0] if len(found) == 1 else And(tuple(found))

    def either(depth: int) -> Expr:
        nonlocal position
        found = [every(depth)]
        while tokens[position] == ("mark", "||"):
            position += 1
            found.append(every(depth))
        return found[0] if len(found) == 1 else Or(tuple(found))

    whole = either(0)
    if tokens[position][0] != "end":
        raise fail(f"unexpected {tokens[position][1]!r}")
    return whole


def _tokens(written: str, where: str) -> Iterator[tuple[str, str]]:
    position = 0
    while True:
        match = _TOKEN.match(written, position)
        if match is None:
            raise KconfigError(where, 0, f"unexpected {written[position:].strip()[:1]!r} in {written!r}")
        kind = match.lastgroup
        assert kind is not None
        yield kind, match[kind]
        if kind == "end":
            return
        position = match.end()


# --- comparing ----------------------------------------------------------------------------------------------

_DECIMAL = re.compile(r"[ \t\n\v\f\r]*[+-]?[0-9]+\Z")
_HEX = re.compile(r"[ \t\n\v\f\r]*[+-]?(?:0[xX])?[0-9a-fA-F]+\Z")
_OCTAL = re.compile(r"[ \t\n\v\f\r]*[+-]?0[0-7]*\Z")
_PLAIN = re.compile(r"[ \t\n\v\f\r]*[+-]?[1-9][0-9]*\Z")
_PREFIXED = re.compile(r"[ \t\n\v\f\r]*[+-]?0[xX][0-9a-fA-F]+\Z")
_DECIMAL_PREFIX = re.compile(r"[ \t\n\v\f\r]*[+-]?[0-9]+")
_HEX_PREFIX = re.compile(r"[ \t\n\v\f\r]*[+-]?(?:0[xX](?=[0-9a-fA-F]))?[0-9a-fA-F]+")
_LONG = 1 << 63
MAX_DIGITS = 80
"""Digits that are read: far beyond 64 bits, far below what Python takes for an attack."""


def number(written: str, type_: Type) -> int | None:
    """The number that ``conf`` compares a value by, None if it compares it as a string.

    ``expr_parse_string()``: tristates are 0, 1, 2 (else -1), ints decimal, hex unsigned, all else in C's
    notation; beyond 64 bits it is a string.
    """
    if type_ is Type.BOOL or type_ is Type.TRISTATE:
        return {"n": 0, "m": 1, "y": 2}.get(written, -1)
    if type_ is Type.INT:
        base = 10 if _DECIMAL.match(written) else 0
    elif type_ is Type.HEX:
        base = 16 if _HEX.match(written) else 0
    elif _PREFIXED.match(written):
        base = 16
    elif _OCTAL.match(written):
        base = 8
    else:
        base = 10 if _PLAIN.match(written) else 0
    if not base:
        return None
    value = _integer(written, base)
    if type_ is Type.HEX:
        return value % (2 * _LONG) if -2 * _LONG < value < 2 * _LONG else None
    return value if -_LONG <= value < _LONG else None


def compare(left: str, left_type: Type, right: str, right_type: Type) -> int:
    """Whether a value is less (-1), equal (0) or greater (1) than another, as ``__expr_calc_value()`` does."""
    if not (left_type is Type.STRING and right_type is Type.STRING):
        first, second = number(left, left_type), number(right, right_type)
        if first is not None and second is not None:
            if left_type is Type.HEX or right_type is Type.HEX:
                first, second = first % (2 * _LONG), second % (2 * _LONG)
            return (first > second) - (first < second)
    one, two = left.encode("utf-8", "surrogateescape"), right.encode("utf-8", "surrogateescape")
    return (one > two) - (one < two)


def holds(operator: str, order: int) -> bool:
    """Whether a relation is true of two values in that order (-1, 0, 1)."""
    match operator:
        case "=":
            return order == 0
        case "!=":
            return order != 0
        case "<":
            return order < 0
        case "<=":
            return order <= 0
        case ">":
            return order > 0
        case _:
            return order >= 0


def prefix_number(written: str, base: int) -> int:
    """The number that a text begins with, 0 if none: ``strtoll()`` without a look at where it ended."""
    match = (_DECIMAL_PREFIX if base == 10 else _HEX_PREFIX).match(written)
    value = _integer(match[0], base) if match else 0
    return max(-_LONG, min(_LONG - 1, value))


def _integer(written: str, base: int) -> int:
    """The integer that a text spells; one of absurd length is only known to be beyond 64 bits."""
    if len(written) <= MAX_DIGITS:
        return int(written, base)
    sign = -1 if written.lstrip().startswith("-") else 1
    digits = written.strip().lstrip("+-").lower().removeprefix("0x").lstrip("0")
    return sign * (int(digits or "0", base) if len(digits) <= MAX_DIGITS else 1 << 100)
