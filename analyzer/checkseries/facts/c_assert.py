"""What C asserts of types while it is compiled, and whether it is so in every 64-bit kernel.

Read are ``BUILD_BUG_ON()``, ``static_assert()`` and their like, and macros of the same file that are made of
them. Types are measured without a configuration (``facts/c_layout.py``), so what depends on one is unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from checkseries.facts.answer import Unknown
from checkseries.facts.c_constant import NoConstantError, constant
from checkseries.facts.c_layout import (
    LP64,
    Layout,
    Member,
    bodies_in,
    bodies_of,
    layout,
    size_between,
    typedefs_in,
)
from checkseries.facts.c_macro import Define, NoExpansionError, expand, words_of
from checkseries.facts.c_outline import function_at
from checkseries.facts.c_scope import Local, scope
from checkseries.facts.c_text import Code, closing, code, place
from checkseries.facts.c_value import Int, Node, NoValueError, Parser, evaluate
from checkseries.facts.c_words import BUILTIN, QUALIFIERS, TAGGED
from checkseries.facts.presence import ALWAYS, condition, said
from checkseries.model import Place
from checkseries.tree import Snapshot, fact

# The name of an assertion, and whether what it is given has to be false.
ASSERTIONS: Mapping[str, bool] = MappingProxyType(
    {
        "BUILD_BUG_ON": True,
        "BUILD_BUG_ON_MSG": True,
        "BUILD_BUG_ON_ZERO": True,
        "static_assert": False,
        "_Static_assert": False,
        "compiletime_assert": False,
    }
)
_ALWAYS_BUILT = ("static_assert", "_Static_assert")
"""Those that are no statement: code that is never reached still asserts them."""
_MOST = 300  # assertions of one file
_WIDE = 4000  # characters of one assertion
_ASSERTING = re.compile(rf"(?<![\w$])(?:{'|'.join(ASSERTIONS)})\s*\(", re.ASCII)
_MEASURES = re.compile(r"\b(?:sizeof|offsetof|offsetofend|sizeof_field)\b", re.ASCII)
_BRANCH = re.compile(
    r"\b(?:IS_ENABLED|IS_BUILTIN|IS_REACHABLE|IS_MODULE|CONFIG_\w+|BITS_PER_LONG)\b", re.ASCII
)
_WORD = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_VARIABLE = re.compile(r"[a-z_]\w*", re.ASCII)
_NO_VARIABLE = (
    frozenset(("sizeof", "offsetof", "offsetofend", "sizeof_field")) | BUILTIN | TAGGED | QUALIFIERS
)
_SEARCHED = re.compile(
    r"(?<=struct )[A-Za-z_]\w*|(?<=union )[A-Za-z_]\w*|\b[A-Z][A-Z0-9_]{2,}\b|\b\w+_t\b", re.ASCII
)
_PLAIN_BYTES = r"(?:unsigned\s+char|signed\s+char|char|u8|__u8|uint8_t)"
# The kernel's own macros around sizes. Sources: include/linux/stddef.h, align.h, math.h, build_bug.h, bits.h.
_MACROS = {
    each.name: each
    for each in (
        Define("offsetof", ("t", "m"), variadic=False, body="__builtin_offsetof(t, m)"),
        Define("sizeof_field", ("t", "m"), variadic=False, body="sizeof((((t *)0)->m))"),
        Define(
            "offsetofend",
            ("t", "m"),
            variadic=False,
            body="(__builtin_offsetof(t, m) + sizeof((((t *)0)->m)))",
        ),
        Define("IS_ALIGNED", ("x", "a"), variadic=False, body="(((x) & ((a) - 1)) == 0)"),
        Define("DIV_ROUND_UP", ("n", "d"), variadic=False, body="(((n) + (d) - 1) / (d))"),
        Define("is_power_of_2", ("n",), variadic=False, body="((n) != 0 && (((n) & ((n) - 1)) == 0))"),
    )
}


@dataclass(frozen=True, slots=True)
class Assertion:
    """One assertion, as it stands."""

    place: Place
    name: str
    """``BUILD_BUG_ON`` or another."""
    words: tuple[str, ...]
    """What it is given, without a message; macros of its file that assert are replaced."""
    at: int
    doubt: str
    """Why it may not be compiled."""

    @property
    def tags(self) -> frozenset[str]:
        """The structs and unions that it names."""
        pairs = zip(self.words, self.words[1:], strict=False)
        return frozenset(f"{kind} {tag}" for kind, tag in pairs if kind in ("struct", "union"))

    @property
    def text(self) -> str:
        """It in words that do not hang on its line."""
        return f"{self.name} {' '.join(self.words)}"


@dataclass(frozen=True, slots=True)
class Judged:
    """Whether an assertion is true, or why that is not known."""

    holds: bool | None
    said: str
    """``32 != 24``; for what is not known why."""


# --- reading them


@fact
def assertions_in(tree: Snapshot, path: str) -> tuple[Assertion, ...]:
    """The assertions on sizes and offsets in a file, in their order."""
    data = tree.read(path)
    if data is None or not any(name.encode() in data for name in ASSERTIONS):
        return ()
    source = code(data)
    wrappers = _wrappers(source)
    names = "|".join(map(re.escape, (*ASSERTIONS, *wrappers)))
    found: list[Assertion] = []
    for match in re.finditer(rf"(?<![\w$])(?:{names})(?=\s*\()", source.plain, re.ASCII):
        close = closing(source.plain, source.plain.index("(", match.end()))
        if close is None or close - match.start() > _WIDE or len(found) >= _MOST:
            continue
        text = source.plain[match.start() : close + 1]
        if match[0] not in wrappers and not _MEASURES.search(text):
            continue
        try:
            words = expand(words_of(text), wrappers.get)
        except NoExpansionError:
            continue
        where = place(source, path, match.start(), _around(source, match.start()))
        for name, inner in _calls(words):
            if any(_MEASURES.fullmatch(word) for word in inner):
                doubt = _doubt(tree, source, path, match.start(), where, name)
                found.append(Assertion(where, name, inner, match.start(), doubt))
    return tuple(found)


def _around(source: Code, at: int) -> str:
    function = function_at(source, at)
    return "" if function is None else function.name


def _wrappers(source: Code) -> dict[str, Define]:
    """The macros of a file that assert something of what they are given, if they are defined once."""
    found: dict[str, Define] = {}
    twice: set[str] = set()
    for macro in source.macros:
        body = source.text[macro.body : macro.end]
        if macro.name in found:
            twice.add(macro.name)
        if macro.parameters is not None and macro.name not in ASSERTIONS and _ASSERTING.search(body):
            plain = body.replace("\\\r\n", " ").replace("\\\n", " ").strip()
            found[macro.name] = Define(macro.name, macro.parameters, macro.variadic, plain)
    return {name: each for name, each in found.items() if name not in twice}


def _calls(words: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The assertions in a text, each with what it is given first."""
    for at, word in enumerate(words[:-1]):
        if word not in ASSERTIONS or words[at + 1] != "(":
            continue
        depth = 0
        for end in range(at + 1, len(words)):
            depth += (words[end] in ("(", "[", "{")) - (words[end] in (")", "]", "}"))
            if depth == 0 or (depth == 1 and words[end] == ","):
                yield word, words[at + 2 : end]
                break


def _doubt(tree: Snapshot, source: Code, path: str, at: int, where: Place, name: str) -> str:
    """Why an assertion may not be compiled, or not be reached."""
    ruling = condition(tree, path, where.line)
    if ruling != ALWAYS:
        return f"it is compiled if {said(ruling)}"
    if name in _ALWAYS_BUILT:
        return ""
    function = function_at(source, at)
    if function is None:
        return "it stands in no function"
    before = source.plain[function.body[0] + 1 : at]
    if _BRANCH.search(before):
        return "a condition of the configuration stands before it"
    if not before.rstrip().endswith((";", "{", "}", ":")) and before.strip():
        return "a condition rules it"
    return ""


# --- judging them


def judged(tree: Snapshot, of: Assertion, abi: str = LP64) -> Judged:
    """Whether an assertion is true for kernels of an ABI, in every configuration."""
    try:
        words = expand(of.words, _MACROS.get)
        reading = _Reading(tree, of, abi)
        node = Parser(words, reading.is_type, long=64 if abi == LP64 else 32).whole()
    except (NoValueError, NoExpansionError, NoConstantError, RecursionError) as error:
        return Judged(None, str(error))
    try:
        value = bool(evaluate(node, reading.meaning).value)
        shown = " ".join(of.words)
        compared = _stripped(node)
        if compared.kind == "binary" and compared.text in _COMPARED:
            left, right = (evaluate(part, reading.meaning).value for part in compared.parts)
            shown = f"{left} {compared.text} {right}"
    except (NoValueError, NoConstantError, RecursionError) as error:
        try:
            bounded = _bounded(node, reading)
        except (NoValueError, NoConstantError, RecursionError):
            bounded = None
        if bounded is None:
            return Judged(None, str(error))
        value, shown = bounded
    return Judged(value != ASSERTIONS[of.name], shown)


_COMPARED = ("==", "!=", "<", ">", "<=", ">=")
_TURNED = {"<": ">", "<=": ">="}


def _bounded(node: Node, reading: _Reading) -> tuple[bool, str] | None:
    """What a comparison comes to in every configuration, if sizes are known to lie between two numbers."""
    if node.kind != "binary" or node.text not in ("<", ">", "<=", ">=") or not all(map(_grows, node.parts)):
        return None
    parts = node.parts if node.text not in _TURNED else (node.parts[1], node.parts[0])
    operator = _TURNED.get(node.text, node.text)
    (least, most), (low, high) = (
        tuple(evaluate(part, each.meaning).value for each in reading.bounds) for part in parts
    )
    if min(least, low) < 0 or max(most, high) >= 1 << 31:
        return None
    over = ">=" if operator == ">" else ">"
    if least > high or (operator == ">=" and least == high):
        return True, f"at least {least} {operator} {_most(low, high)}"
    if low > most or (over == ">=" and low == most):
        return False, f"at most {most} {operator} {_least(low, high)}"
    return None


def _most(low: int, high: int) -> str:
    return str(high) if low == high else f"at most {high}"


def _least(low: int, high: int) -> str:
    return str(low) if low == high else f"at least {low}"


def _grows(node: Node) -> bool:
    """Whether an expression gets no smaller where a size in it gets larger."""
    if node.kind == "binary":
        return node.text in ("+", "*") and all(map(_grows, node.parts))
    return node.kind in ("number", "name", "sizeof", "sizeof-type")


def _stripped(node: Node) -> Node:
    """The comparison within ``!!(a == b)`` and its like."""
    while node.kind == "unary" and node.text == "!":
        node = node.parts[0]
    return node


def about(tree: Snapshot, of: Assertion) -> frozenset[str]:
    """The structs and unions that an assertion speaks of, by their names or by its variables."""
    reading = _Reading(tree, of, LP64)
    before = ("", *of.words)
    names = {
        word
        for word, last in zip(of.words, before, strict=False)
        if _VARIABLE.fullmatch(word) and last not in (".", "->", *TAGGED) and word not in _NO_VARIABLE
    }
    meant = (reading.local(word) for word in names)
    return of.tags | {
        each.words for each in meant if each is not None and each.words.split()[0] in ("struct", "union")
    }


def named(tree: Snapshot, of: Assertion, name: str) -> frozenset[str]:
    """The words that judging an assertion may search the tree for: its own, and those of the type that it speaks of."""
    kind, _, tag = name.partition(" ")
    texts = [" ".join(of.words)]
    for body in bodies_of(tree, kind, tag, of.place.path):
        data = tree.read(body.path)
        texts.append("" if data is None else code(data).plain[body.brace : body.close])
    return frozenset(_SEARCHED.findall(" ".join(texts)))


@dataclass(frozen=True, slots=True)
class _Meant:
    """The type of an expression: its words, and how many stars."""

    words: str
    stars: int


class _Reading:
    """What the words of one assertion mean where it stands."""

    def __init__(self, tree: Snapshot, of: Assertion, abi: str, bound: int | None = None) -> None:
        self.tree = tree
        self.of = of
        self.path = of.place.path
        self.abi = abi
        self.bits = 64 if abi == LP64 else 32
        self.bound = bound
        self._locals: tuple[Local, ...] | None = None

    @property
    def bounds(self) -> tuple[_Reading, _Reading]:
        """The same with the least and the most that each type takes."""
        return _Reading(self.tree, self.of, self.abi, 0), _Reading(self.tree, self.of, self.abi, 1)

    def is_type(self, word: str) -> bool:
        """Whether a word begins a type."""
        if word in TAGGED or word in BUILTIN or word in QUALIFIERS:
            return True
        if not _WORD.fullmatch(word) or self.local(word) is not None:
            return False
        return word in _FIXED or bool(typedefs_in(self.tree, self.path, word))

    def meaning(self, node: Node) -> Int:
        """The value of what is no operator on integers."""
        match node.kind:
            case "name":
                return Int(constant(self.tree, node.text, self.path), 64)
            case "sizeof-type":
                return self._size(self._layout(" ".join(node.words)).size)
            case "sizeof":
                return self._size(self._sized(node.parts[0]))
            case "call" if node.text == "__builtin_offsetof" and self.bound is None:
                return self._size(self._offset(node.words))
            case "cast":
                return self._cast(node)
            case _:
                raise NoValueError(f"`{node.kind} {node.text}` has no value that can be told")

    def _size(self, value: int) -> Int:
        return Int(value, self.bits, signed=False)

    def _layout(self, words: str) -> Layout:
        if self.bound is not None:
            between = size_between(self.tree, words, self.abi, self.path)
            if isinstance(between, Unknown):
                raise NoValueError(between.because)
            return between[self.bound]
        found = layout(self.tree, words, self.abi, self.path)
        if isinstance(found, Unknown):
            raise NoValueError(found.because)
        return found

    def _cast(self, node: Node) -> Int:
        size = self._layout(" ".join(node.words)).size
        value = evaluate(node.parts[0], self.meaning)
        if value.value < 0 or value.value >> (8 * size - 1) or len(node.words) > 2:
            raise NoValueError("a cast is not plain")
        return Int(value.value, max(32, 8 * size), signed="unsigned" not in node.words)

    def _offset(self, words: tuple[str, ...]) -> int:
        comma = words.index(",") if "," in words else len(words)
        names = words[comma + 1 :: 2]
        if not names or any(word != "." for word in words[comma + 2 :: 2]):
            raise NoValueError("offsetof is not plain")
        members = self._layout(" ".join(words[:comma])).members
        offset = 0
        for name in names:
            found = self._named(members, name)
            offset += found.offset
            members = found.inner
        return offset

    def _field(self, words: str, name: str) -> int:
        return self._named(self._layout(words).members, name).size

    def _named(self, members: tuple[Member, ...], name: str) -> Member:
        for each in members:
            if each.name == name:
                return each
        raise NoValueError(f"there is no member {name}")

    def _sized(self, node: Node) -> int:
        """The size of an expression."""
        if node.kind in ("arrow", "member"):
            return self._field_size(self._owner(node), node.text)
        meant = self._typed(node)
        return self._layout(f"{meant.words} {'*' * meant.stars}".strip()).size

    def _owner(self, node: Node) -> str:
        """The struct that a member is one of."""
        meant = self._typed(node.parts[0])
        if meant.stars != (1 if node.kind == "arrow" else 0):
            raise NoValueError("what a member is one of is not known")
        return meant.words

    def _field_size(self, words: str, name: str) -> int:
        try:
            return self._field(words, name)
        except NoValueError:
            size = self._bytes(words, name)
            if size is None:
                raise
            return size

    def _bytes(self, words: str, name: str) -> int | None:
        """The size of an array of bytes, which is known where that of its struct is not."""
        plain = [word for word in words.split() if word not in QUALIFIERS]
        if len(plain) != 2 or plain[0] not in ("struct", "union"):
            return None
        array = re.compile(
            rf"[;{{]\s*{_PLAIN_BYTES}\s+{re.escape(name)}\s*\[([^\[\];]+)\][^\[;,]*;", re.ASCII
        )
        lengths: set[int] = set()
        for path in self.tree.grep(plain[1]):
            if path != self.path and not path.startswith("include/"):
                continue
            for body in bodies_in(self.tree, path, plain[0], plain[1]):
                data = self.tree.read(path)
                text = "" if data is None else code(data).plain[body.brace : body.close]
                matches = array.findall(text)
                if len(matches) != 1 or len(re.findall(rf"\b{re.escape(name)}\b", text)) != 1:
                    return None
                lengths.add(constant(self.tree, matches[0], path))
        return lengths.pop() if len(lengths) == 1 else None

    def _typed(self, node: Node) -> _Meant:
        """The type of a variable, of what it points to, or of a cast."""
        if node.kind == "name":
            found = self.local(node.text)
            if found is None:
                raise NoValueError(f"the type of {node.text} is not known")
            return found
        if node.kind == "unary" and node.text == "*":
            meant = self._typed(node.parts[0])
            if meant.stars < 1:
                raise NoValueError("what is dereferenced is no pointer")
            return _Meant(meant.words, meant.stars - 1)
        if node.kind == "cast":
            words = " ".join(node.words)
            return _Meant(words.replace("*", " ").strip(), words.count("*"))
        raise NoValueError(f"the type of `{node.kind} {node.text}` is not known")

    def local(self, name: str) -> _Meant | None:
        """A variable of the function around, if the function has one of that name."""
        data = self.tree.read(self.path)
        if data is None:
            return None
        source = code(data)
        if self._locals is None:
            function = function_at(source, self.of.at)
            self._locals = () if function is None else scope(source, function)
        found = {each for each in self._locals if each.name == name}
        if len(found) != 1:
            return None
        (local,) = found
        stars = local.type.count("*")
        behind = source.plain[local.at + len(name) : local.at + len(name) + 80].lstrip()
        before = source.plain[max(0, local.at - 80) : local.at].rstrip("* \t\n")
        if behind[:1] in ("[", ")", "(") and (behind[:1] != ")" or before.endswith("(")):
            return None  # an array, or a pointer to one: its type does not say what it consists of
        words = " ".join(word for word in local.type.replace("*", " ").split() if word not in QUALIFIERS)
        return None if not words or "(" in words or "typeof" in words else _Meant(words, stars)


_FIXED = frozenset(
    f"{prefix}{sign}{bits}{suffix}"
    for prefix, signs, suffix in (
        ("", "us", ""),
        ("__", "us", ""),
        ("__", ("le", "be"), ""),
        ("", ("int", "uint"), "_t"),
    )
    for sign in signs
    for bits in (8, 16, 32, 64)
)


__all__ = ["ASSERTIONS", "Assertion", "Judged", "about", "assertions_in", "judged", "named"]
