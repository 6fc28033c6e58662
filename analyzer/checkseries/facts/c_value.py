"""Integer constant expressions of preprocessed C: what they say, and what they come to.

``parse`` takes all that an expression may be, so that what is not evaluated may be anything;
``evaluate`` is exact or an error. Integers have a width and a sign as C has them (6.3.1.8, 6.4.4.1); with
``wide`` all are 64 bits wide, as in ``#if`` (6.10.1).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

_LITERAL = re.compile(r"(0[xX][0-9a-fA-F]+|0[bB][01]+|\d+)([uUlL]{0,3})", re.ASCII)
_WORD = re.compile(r"[A-Za-z_$]", re.ASCII)
_LEVELS = {
    "||": 1, "&&": 2, "|": 3, "^": 4, "&": 5, "==": 6, "!=": 6, "<": 7, ">": 7, "<=": 7, ">=": 7,
    "<<": 8, ">>": 8, "+": 9, "-": 9, "*": 10, "/": 10, "%": 10,
}  # fmt: skip
_COMPARED = frozenset(("==", "!=", "<", ">", "<=", ">="))
_DEEPEST = 150
_SIZEOF = frozenset(("sizeof",))
_ALIGNOF = frozenset(("_Alignof", "__alignof__", "__alignof", "alignof"))


class NoValueError(Exception):
    """The expression has no value that can be told; its message says why."""


@dataclass(frozen=True, slots=True)
class Int:
    """An integer and its type."""

    value: int
    bits: int = 32
    signed: bool = True


@dataclass(frozen=True, slots=True)
class Node:
    """An expression: what it does, its name or operator, what it does it to, and the words of a type in it."""

    kind: str
    """number, name, unary, binary, choice, cast, sizeof, alignof, sizeof-type, alignof-type, call, member,
    arrow, index, other."""
    text: str = ""
    parts: tuple[Node, ...] = ()
    number: Int | None = None
    words: tuple[str, ...] = ()


IsType = Callable[[str], bool]


class Parser:
    """Reads one expression off words; ``is_type`` tells the words that begin a type."""

    def __init__(self, words: Sequence[str], is_type: IsType, *, wide: bool = False, long: int = 64) -> None:
        self.words = words
        self.at = 0
        self.is_type = is_type
        self.wide = wide
        self.long = long
        self._depth = 0

    def whole(self) -> Node:
        """All the words as one expression."""
        node = self.expression()
        if self.at != len(self.words):
            raise NoValueError(f"`{' '.join(self.words)[:60]}` is no expression")
        return node

    def expression(self) -> Node:
        """An expression without commas."""
        self._depth += 1
        if self._depth > _DEEPEST:
            raise NoValueError("an expression is nested too deep")
        condition = self._binary(0)
        if self._peek() == "?":
            self.at += 1
            chosen = condition if self._peek() == ":" else self.expression()
            self._expect(":")
            condition = Node("choice", "", (condition, chosen, self.expression()))
        self._depth -= 1
        return condition

    def _peek(self, ahead: int = 0) -> str:
        return self.words[self.at + ahead] if self.at + ahead < len(self.words) else ""

    def _expect(self, word: str) -> None:
        if self._peek() != word:
            raise NoValueError(f"`{word}` is missing in `{' '.join(self.words)[:60]}`")
        self.at += 1

    def _binary(self, level: int) -> Node:
        left = self._unary()
        while _LEVELS.get(self._peek(), 0) > level:
            operator = self._peek()
            self.at += 1
            left = Node("binary", operator, (left, self._binary(_LEVELS[operator])))
        return left

    def _unary(self) -> Node:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise NoValueError("an expression is nested too deep")
        try:
            return self._operand()
        finally:
            self._depth -= 1

    def _operand(self) -> Node:
        word = self._peek()
        if word in ("-", "+", "~", "!", "&", "*"):
            self.at += 1
            return Node("unary", word, (self._unary(),))
        if word == "&&" or word in ("++", "--"):
            raise NoValueError(f"`{word}` is not understood")
        if word == "__extension__":
            self.at += 1
            return self._unary()
        if not self.wide and (word in _SIZEOF or word in _ALIGNOF):
            self.at += 1
            kind = "sizeof" if word in _SIZEOF else "alignof"
            if self._peek() == "(" and self.is_type(self._peek(1)):
                return Node(f"{kind}-type", "", (), None, self._group())
            return Node(kind, "", (self._unary(),))
        if word == "(" and not self.wide and self.is_type(self._peek(1)):
            words = self._group()
            if self._peek() == "{":
                self._skip("{", "}")
                return self._postfix(Node("other", "a compound literal"))
            return Node("cast", "", (self._unary(),), None, words)
        return self._postfix(self._primary())

    def _primary(self) -> Node:
        word = self._peek()
        if not word:
            raise NoValueError("an expression is incomplete")
        if word == "(":
            if self._peek(1) == "{":
                self._skip("(", ")")
                return Node("other", "a statement in an expression")
            self.at += 1
            node = self.expression()
            while self._peek() == ",":
                self.at += 1
                node = Node("other", "a comma", (node, self.expression()))
            self._expect(")")
            return node
        self.at += 1
        if _WORD.match(word):
            return Node("name", word)
        if word[0] in "\"'":
            return Node("other", "a literal")
        return Node("number", word, (), self._literal(word))

    def _postfix(self, node: Node) -> Node:
        while True:
            word = self._peek()
            if word == "(" and node.kind == "name":
                node = self._call(node.text)
            elif word == "(":
                self._skip("(", ")")
                node = Node("other", "a call")
            elif word == "[":
                self.at += 1
                index = self.expression()
                self._expect("]")
                node = Node("index", "", (node, index))
            elif word in (".", "->"):
                self.at += 1
                node = Node("member" if word == "." else "arrow", self._peek(), (node,))
                self.at += 1
            else:
                return node

    def _call(self, name: str) -> Node:
        start = self.at
        if name in ("__builtin_offsetof", "__builtin_types_compatible_p", "_Generic", "_Static_assert"):
            return Node("call", name, (), None, self._group())
        try:
            return Node("call", name, self._arguments(name))
        except NoValueError:
            self.at = start
            self._skip("(", ")")
            return Node("other", f"the call of {name}")

    def _arguments(self, name: str) -> tuple[Node, ...]:
        self.at += 1
        parts: list[Node] = []
        while self._peek() != ")":
            parts.append(self.expression())
            if self._peek() == ",":
                self.at += 1
            elif self._peek() != ")":
                raise NoValueError(f"the call of {name} is not understood")
        self.at += 1
        return tuple(parts)

    def _group(self) -> tuple[str, ...]:
        """The words in the brackets that follow."""
        start = self.at
        self._skip("(", ")")
        return tuple(self.words[start + 1 : self.at - 1])

    def _skip(self, opened: str, closed: str) -> None:
        depth = 0
        while self.at < len(self.words):
            word = self.words[self.at]
            self.at += 1
            depth += (word == opened) - (word == closed)
            if depth == 0:
                return
        raise NoValueError(f"`{closed}` is missing")

    def _literal(self, word: str) -> Int:
        match = _LITERAL.fullmatch(word)
        if not match:
            raise NoValueError(f"`{word}` is no plain constant")
        digits, suffix = match[1], match[2].lower()
        if suffix not in ("", "u", "l", "ul", "lu", "ll", "ull", "llu"):
            raise NoValueError(f"`{word}` is no plain constant")
        octal = len(digits) > 1 and digits[0] == "0" and digits.isdigit()
        if octal and not set(digits) <= set("01234567"):
            raise NoValueError(f"`{word}` is no number")
        value = int(digits, 8 if octal else 0)
        decimal = digits.isdigit() and not octal
        signs = (False,) if "u" in suffix else (True,) if decimal else (True, False)
        least = 64 if self.wide or "ll" in suffix else self.long if "l" in suffix else 32
        for bits in (32, 64):
            for signed in signs:
                if bits >= least and value < 1 << (bits - signed):
                    return Int(value, bits, signed)
        if self.wide and value < 1 << 64:
            return Int(value, 64, signed=False)
        raise NoValueError(f"{word} is too large")


Meaning = Callable[[Node], Int]


def evaluate(node: Node, meaning: Meaning) -> Int:
    """The value of an expression; ``meaning`` answers for names, types and calls. Raises NoValueError."""
    match node.kind:
        case "number":
            assert node.number is not None
            return node.number
        case "unary":
            return _unary(node, meaning)
        case "binary":
            return _binary(node, meaning)
        case "choice":
            condition = evaluate(node.parts[0], meaning)
            chosen = evaluate(node.parts[1 if condition.value else 2], meaning)
            try:
                other = evaluate(node.parts[2 if condition.value else 1], meaning)
            except NoValueError:
                return chosen  # its type may be wider than this
            return converted(chosen, common(chosen, other))
        case "other":
            raise NoValueError(f"{node.text} has no value that can be told")
        case _:
            return meaning(node)


def _unary(node: Node, meaning: Meaning) -> Int:
    if node.text in ("&", "*"):
        return meaning(node)
    value = evaluate(node.parts[0], meaning)
    if node.text == "!":
        return Int(int(not value.value))
    value = promoted(value)
    if node.text == "+":
        return value
    return _checked(-value.value if node.text == "-" else ~value.value, value)


def _binary(node: Node, meaning: Meaning) -> Int:
    left = evaluate(node.parts[0], meaning)
    if node.text in ("&&", "||"):
        if bool(left.value) == (node.text == "||"):
            return Int(int(node.text == "||"))
        return Int(int(bool(evaluate(node.parts[1], meaning).value)))
    right = evaluate(node.parts[1], meaning)
    left, right = promoted(left), promoted(right)
    if node.text in ("<<", ">>"):
        if not 0 <= right.value < left.bits:
            raise NoValueError("a shift is out of range")
        if node.text == ">>":
            return Int(left.value >> right.value, left.bits, left.signed)
        return converted(Int(left.value << right.value, left.bits, left.signed), left)
    kind = common(left, right)
    first, second = converted(left, kind).value, converted(right, kind).value
    if node.text in _COMPARED:
        held = {
            "==": first == second, "!=": first != second, "<": first < second,
            ">": first > second, "<=": first <= second, ">=": first >= second,
        }  # fmt: skip
        return Int(int(held[node.text]))
    if node.text in ("/", "%"):
        if second == 0:
            raise NoValueError("a division by zero")
        quotient = abs(first) // abs(second) * (1 if (first < 0) == (second < 0) else -1)
        return _checked(quotient if node.text == "/" else first - quotient * second, kind)
    result = {
        "+": first + second, "-": first - second, "*": first * second,
        "&": first & second, "|": first | second, "^": first ^ second,
    }[node.text]  # fmt: skip
    return _checked(result, kind)


def promoted(value: Int) -> Int:
    """C11 6.3.1.1: what is narrower than int is an int."""
    return Int(value.value) if value.bits < 32 else value


def common(left: Int, right: Int) -> Int:
    """The type that both operands are converted to, as an integer of that type."""
    left, right = promoted(left), promoted(right)
    bits = max(left.bits, right.bits)
    signed = all(each.signed or each.bits < bits for each in (left, right))
    return Int(0, bits, signed)


def converted(value: Int, kind: Int) -> Int:
    """A value in the type of another."""
    number = value.value & ((1 << kind.bits) - 1)
    if kind.signed and number >> (kind.bits - 1):
        number -= 1 << kind.bits
    return Int(number, kind.bits, kind.signed)


def _checked(number: int, kind: Int) -> Int:
    """The result of an operation: unsigned ones wrap, signed ones may not leave their type."""
    made = converted(Int(number, kind.bits, kind.signed), kind)
    if kind.signed and made.value != number:
        raise NoValueError("a value overflows its type")
    return made
