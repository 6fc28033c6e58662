"""The value of an integer constant expression, as far as literals and the tree's own macros go."""

from __future__ import annotations

import re

from checkseries.facts.c_decl import arch_of, declarations, declared_in, kernel_source
from checkseries.facts.c_text import tokens
from checkseries.tree import Snapshot

_LITERAL = re.compile(r"(0[xX][0-9a-fA-F]+|0[bB][01]+|\d+)[uUlL]*", re.ASCII)
_BINARY = {"|": 1, "^": 2, "&": 3, "<<": 4, ">>": 4, "+": 5, "-": 5, "*": 6, "/": 6, "%": 6}
_LONGEST = 400
_DEEPEST = 24
_WIDEST = 1 << 64


class NoConstantError(Exception):
    """The expression has no value that can be told; its message says why."""


def constant(tree: Snapshot, text: str, path: str, depth: int = 0) -> int:
    """The value of an expression that stands in ``path``; raises NoConstantError.

    A macro counts if all its definitions that the file may see have one value.
    """
    if len(text) > _LONGEST or depth > _DEEPEST:
        raise NoConstantError("the expression is too long")
    words = [token.text for token in tokens(text)]
    value, rest = _expression(tree, words, path, depth, 0)
    if rest:
        raise NoConstantError(f"`{' '.join(text.split())}` is no plain constant")
    return value


def _expression(tree: Snapshot, words: list[str], path: str, depth: int, level: int) -> tuple[int, list[str]]:
    if depth > _DEEPEST:
        raise NoConstantError("the expression is too deep")
    value, rest = _operand(tree, words, path, depth)
    while rest and _BINARY.get(rest[0], -1) > level:
        operator = rest[0]
        right, rest = _expression(tree, rest[1:], path, depth + 1, _BINARY[operator])
        value = _applied(operator, value, right)
    return value, rest


def _operand(tree: Snapshot, words: list[str], path: str, depth: int) -> tuple[int, list[str]]:
    if not words or depth > _DEEPEST:
        raise NoConstantError("the expression is incomplete")
    first, rest = words[0], words[1:]
    if first == "(":
        value, rest = _expression(tree, rest, path, depth + 1, 0)
        if not rest or rest[0] != ")":
            raise NoConstantError("a parenthesis holds more than a constant")
        return value, rest[1:]
    if first in ("-", "+"):
        value, rest = _operand(tree, rest, path, depth + 1)
        return (-value if first == "-" else value), rest
    literal = _LITERAL.fullmatch(first)
    if literal:
        digits = literal[1]
        octal = len(digits) > 1 and digits[0] == "0" and digits.isdigit()
        if octal and not set(digits) <= set("01234567"):
            raise NoConstantError(f"{first} is no number")
        return int(digits, 8 if octal else 0), rest
    if (first[0].isalpha() or first[0] == "_") and not (rest and rest[0] == "("):
        return _macro(tree, first, path, depth), rest
    raise NoConstantError(f"`{first}` is no plain constant")


def _applied(operator: str, left: int, right: int) -> int:
    if operator in ("<<", ">>") and not 0 <= right < 64:
        raise NoConstantError("a shift is out of range")
    if operator in ("/", "%") and (right <= 0 or left < 0):
        raise NoConstantError("a division is not plain")
    match operator:
        case "+":
            value = left + right
        case "-":
            value = left - right
        case "*":
            value = left * right
        case "/":
            value = left // right
        case "%":
            value = left % right
        case "<<":
            value = left << right
        case ">>":
            value = left >> right
        case "&":
            value = left & right
        case "|":
            value = left | right
        case _:
            value = left ^ right
    if abs(value) >= _WIDEST:
        raise NoConstantError("the value is out of range")
    return value


def _macro(tree: Snapshot, name: str, path: str, depth: int) -> int:
    arch = arch_of(path)
    here = (
        [each for each in declared_in(tree, path, name) if each.kind == "alias"]
        if kernel_source(path)
        else []
    )
    if not here:  # only then the tree is searched
        found = [each for each in declarations(tree, name) if each.kind == "alias"]
        public = [each for each in found if each.place.path.endswith(".h")]
        if arch is not None:
            own = [each for each in public if arch_of(each.place.path) == arch]
            public = own or [each for each in public if arch_of(each.place.path) is None]
        here = public
    if not here:
        raise NoConstantError(f"no value of {name} was found")
    values = {constant(tree, each.return_type, each.place.path, depth + 4) for each in here[:50]}
    if len(values) != 1 or len(here) > 50:
        raise NoConstantError(f"{name} has more than one value")
    return values.pop()
