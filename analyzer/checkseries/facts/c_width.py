"""How wide what a function divides is where ``long`` has 32 bits, and whether the compiler needs a function for it.

gcc divides 64 bits by a power of two with shifts, by some other constants with multiplications, and what was only
widened for the division in 32 bits. For all else it calls ``__udivdi3`` or one of its like, which the kernel lacks.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from checkseries.facts.c_constant import NoConstantError, constant
from checkseries.facts.c_decl import declared_in
from checkseries.facts.c_given import may_be_macro, read_with
from checkseries.facts.c_member import Named, owner
from checkseries.facts.c_object import objects_named
from checkseries.facts.c_outline import Function
from checkseries.facts.c_scope import Local, local, macro_names, scope
from checkseries.facts.c_syntax import Term, quotients, ways
from checkseries.facts.c_text import Code, closing, split
from checkseries.facts.c_words import INLINE, KEYWORDS, QUALIFIERS
from checkseries.facts.kernel_words import WIDE, WIDE_UNDER
from checkseries.facts.presence import ALWAYS, NEVER, Expression, Option, some
from checkseries.tree import Snapshot

_LITERAL = re.compile(r"(0[xX][0-9a-fA-F]+|\d+)([uUlL]*)", re.ASCII)
_PLAIN_LONG = frozenset(("unsigned", "signed", "long", "int"))
_ASKS_WIDTH = re.compile(
    r"\bCONFIG_\w*64\w*|\bBITS_PER_LONG\b|\b__LP64__\b|\bsizeof\s*\(\s*(?:unsigned\s+)?(?:long|void|size_t)\b"
)
_DEEPEST = 20
_WORD_BITS = range(15, 66)


@dataclass(frozen=True, slots=True)
class Divided:
    """A division of 64 bits, for which the compiler calls a function."""

    at: int
    """The offset of the operator."""
    operator: str
    wide: str
    """What has 64 bits, as written."""
    under: Expression
    """The options under which it has."""


@dataclass(frozen=True, slots=True)
class _Around:
    tree: Snapshot
    path: str
    arch: str
    source: Code
    function: Function
    locals: tuple[Local, ...]
    text: str
    """The function alone; offsets of terms are into it."""

    def passed(self, name: str) -> bool:
        """Whether a parameter is more than constants of the callers, as far as they show."""
        head = self.function.head
        assert head is not None
        if "static" not in head.storage:
            return True
        number = next(
            (n for n, each in enumerate(e for e in self.locals if e.parameter) if each.name == name), -1
        )
        calls = [
            split(self.source.plain, match.end(), close)
            for match in re.finditer(rf"(?<![\w$]){re.escape(head.name)}\s*\(", self.source.plain)
            if match.start() != head.at and (close := closing(self.source.plain, match.end() - 1)) is not None
        ]
        given = [each[number] for each in calls if 0 <= number < len(each)]
        return not calls or any(re.search(r"[a-z]", self.source.plain[slice(*each)]) for each in given)


def divided(tree: Snapshot, path: str, source: Code, function: Function, arch: str) -> tuple[Divided, ...]:
    """The divisions of a function that surely are of 64 bits and need a call."""
    if function.head is None or not function.sure or set(function.head.attributes) & INLINE:
        return ()
    text = source.plain[function.start : function.body[1] + 1]
    if "inline" in text[: function.body[0] - function.start] or _ASKS_WIDTH.search(text):
        return ()
    found = quotients(text)
    if not found:
        return ()
    within = ways(text, (each.at for each in found))
    around = _Around(tree, path, arch, source, function, scope(source, function), text)
    answers = []
    for each in found:
        way = within.get(each.at)
        if way is None or any(not callee or may_be_macro(tree, path, callee) for callee in way.within):
            continue
        left, right = _operand(around, each.left), _operand(around, each.right)
        wide = each.left if left != NEVER else each.right
        under = some((left, right))
        if under != NEVER and _calls(around, each.left, each.right):
            answers.append(Divided(function.start + each.at, each.operator, _said(around, wide), under))
    return tuple(answers)


def _said(around: _Around, term: Term) -> str:
    """The name in a term that says the most, or nothing."""
    if term.kind in ("name", "member", "call"):
        return f"{term.text}()" if term.kind == "call" else term.text
    return next(
        (said for each in term.of if _width(around, each, 0) != NEVER and (said := _said(around, each))), ""
    )


def _operand(around: _Around, term: Term) -> Expression:
    """The options under which an operand has 64 bits; what a cast alone makes so wide is divided as it was."""
    while term.kind == "cast" and term.of and _type(term.text) != NEVER:
        term = term.of[0]
    return NEVER if term.kind == "number" else _width(around, term, 0)


def _calls(around: _Around, left: Term, right: Term) -> bool:
    """Whether nothing that is known of the operands spares the compiler the call."""
    value = _constant(around, right)
    if value is None:
        return not _shifted(right) and _varies(around, right, 0)
    return _hard(abs(value)) and _varies(around, left, 0)


def _hard(value: int) -> bool:
    """Whether gcc has no short way to divide 64 bits by a constant."""
    if value == 0:
        return False
    while value % 2 == 0:
        value //= 2
    return value > 1 and all(pow(2, bit, value) != 1 for bit in _WORD_BITS)


def _shifted(term: Term) -> bool:
    return (term.kind == "binary" and term.text == "<<") or any(map(_shifted, term.of))


def _constant(around: _Around, term: Term) -> int | None:
    """The value of a term, if it is a constant that can be told."""
    if term.kind == "cast" and term.of:
        return _constant(around, term.of[0])
    if term.kind == "number":
        literal = _LITERAL.fullmatch(term.text)
        return int(literal[1], 0) if literal and not re.fullmatch(r"0\d+", literal[1]) else None
    if term.kind == "name" and _local(around, term) is None:
        try:
            return constant(around.tree, term.text, around.path)
        except NoConstantError:
            return None
    return None


# --- how wide


def _type(words: str) -> Expression:
    """The options under which a type has 64 bits."""
    plain = [word for word in words.split() if word not in QUALIFIERS]
    if plain.count("long") == 2 and set(plain) <= _PLAIN_LONG:
        return ALWAYS
    if len(plain) != 1:
        return NEVER
    if plain[0] in WIDE:
        return ALWAYS
    return Option(WIDE_UNDER[plain[0]], "y") if plain[0] in WIDE_UNDER else NEVER


def _local(around: _Around, term: Term) -> Local | None:
    return local(around.locals, term.text, around.function.start + term.at)


def _width(around: _Around, term: Term, depth: int) -> Expression:
    """The options under which a term surely has 64 bits."""
    if depth > _DEEPEST:
        return NEVER
    match term.kind:
        case "number":
            return ALWAYS if term.text.lower().endswith(("ll", "llu")) else NEVER
        case "name":
            return _named(around, term, 0)
        case "member":
            return _member(around, term, 0)
        case "cast":
            return _type(term.text)
        case "call":
            return _returned(around, term)
        case "index" if term.of:
            return _element(around, term.of[0])
        case "unary" if term.of:
            if term.text == "*":
                return _element(around, term.of[0])
            return _width(around, term.of[0], depth + 1) if term.text in ("-", "~", "++", "--") else NEVER
        case "binary":
            if term.text in ("<<", ">>"):
                return _width(around, term.of[0], depth + 1)
            if term.text in ("+", "-", "*", "/", "%", "&", "|", "^"):
                return some(tuple(_width(around, each, depth + 1) for each in term.of))
        case "choice":
            return some(tuple(_width(around, each, depth + 1) for each in term.of))
    return NEVER


def _named(around: _Around, term: Term, stars: int) -> Expression:
    """How wide a variable is, or what it points to through so many stars."""
    found = _local(around, term)
    if found is not None:
        words = found.type.replace("*", " * ").split()
        if words.count("*") != stars or (found.pointer and not stars):
            return NEVER
        return _type(" ".join(word for word in words if word != "*"))
    begin, end = around.function.body
    if macro_names(around.source.plain, begin, end, term.text):
        return NEVER
    objects = objects_named(around.tree, around.path, term.text)
    if not objects or may_be_macro(around.tree, around.path, term.text):
        return NEVER
    types = {
        each.type for each in objects if each.sure and not each.pointer and bool(each.dims) == bool(stars)
    }
    return _type(types.pop()) if len(types) == 1 else NEVER


def _member(around: _Around, term: Term, elements: int) -> Expression:
    records = owner(around.tree, around.path, Named(term.text, around.function.start + term.at), around.arch)
    fields = [field for each in records for field in each.named(term.text)]
    if not fields or any(not each.whole for each in records):
        return NEVER
    widths = {_type(each.type) for each in fields}
    plain = re.compile(rf"(\*?)\s*\b{re.escape(term.text)}\s*(\[?)(:?)", re.ASCII)
    for each in fields:
        written = plain.search(each.place.text)
        if written is None or written[3] or bool(written[1] or written[2]) != bool(elements):
            return NEVER
    return widths.pop() if len(widths) == 1 else NEVER


def _element(around: _Around, term: Term) -> Expression:
    """How wide what a pointer points to is, or an array's element."""
    match term.kind:
        case "name":
            return _named(around, term, 1)
        case "member":
            return _member(around, term, 1)
        case "cast" if term.text.count("*") == 1:
            return _type(term.text.replace("*", " "))
    return NEVER


def _returned(around: _Around, term: Term) -> Expression:
    """How wide what a function returns is, that is declared in what the file reads."""
    if may_be_macro(around.tree, around.path, term.text):
        return NEVER
    read = frozenset(read_with(around.tree, around.path).paths)
    types = {
        each.return_type if each.kind in ("prototype", "definition") and each.sure else ""
        for path in around.tree.grep(term.text)
        if path in read
        for each in declared_in(around.tree, path, term.text)
    }
    return _type(_plain(types.pop())) if len(types) == 1 else NEVER


def _plain(words: str) -> str:
    return " ".join(
        word for word in words.split() if word not in ("static", "extern", "inline", "__always_inline")
    )


# --- whether the compiler may know the value


def _varies(around: _Around, term: Term, depth: int) -> bool:
    """Whether the value of a term surely is not known before the function runs."""
    if depth > _DEEPEST:
        return False
    match term.kind:
        case "name":
            return _name_varies(around, term)
        case "member":
            return "->" in around.text[max(0, term.at - 4) : term.at] or _passed(around, term)
        case "call":
            return _is_far(around, term)
        case "index" if term.of:
            return term.of[0].kind == "member" and _varies(around, term.of[0], depth + 1)
        case "unary" if term.of:
            return term.text == "*" or _varies(around, term.of[0], depth + 1)
        case "binary":
            return any(_varies(around, each, depth + 1) for each in term.of)
        case "cast" if term.of:
            return _varies(around, term.of[0], depth + 1)
    return False


def _passed(around: _Around, term: Term) -> bool:
    """Whether the address of what a member belongs to is taken."""
    while term.kind == "member" and term.of:
        term = term.of[0]
    return term.kind == "name" and _taken(around, term.text)


def _taken(around: _Around, name: str) -> bool:
    return re.search(rf"(?:[(,=]|return)\s*&\s*{re.escape(name)}\b", around.text) is not None


def _name_varies(around: _Around, term: Term) -> bool:
    found = _local(around, term)
    if found is None:
        return False  # an object that nobody writes is a constant
    if found.parameter:
        return around.passed(term.text)
    if _taken(around, term.text):
        return True
    given = re.finditer(
        rf"(?<![\w.>])(?<!->){re.escape(term.text)}\s*(?:[-+*/|&^]|<<|>>)?=(?!=)([^;]*);", around.text
    )
    return any(_is_read(around, match[1]) for match in given)


def _is_read(around: _Around, text: str) -> bool:
    """Whether an expression holds what comes from memory or out of another file."""
    if "->" in text:
        return True
    return any(
        _is_far(around, Term("call", match[1], 0))
        for match in re.finditer(r"\b([a-z_]\w*)\s*\(", text, re.ASCII)
    )


def _is_far(around: _Around, term: Term) -> bool:
    """Whether a call is of a function that the compiler does not see."""
    if may_be_macro(around.tree, around.path, term.text):
        return False
    read = frozenset(read_with(around.tree, around.path).paths)
    kinds = {
        each.kind == "prototype" and not each.static and not each.inline
        for path in around.tree.grep(term.text)
        if path in read
        for each in declared_in(around.tree, path, term.text)
    }
    return kinds == {True}


_DIVIDES = re.compile(r"[\w)\]]\s*[/%]=?\s*[\w(*&-]", re.ASCII)


def divides(source: Code, function: Function) -> bool:
    """Whether a function may hold a division."""
    return _DIVIDES.search(source.plain, *function.body) is not None


def callees(source: Code, function: Function) -> tuple[str, ...]:
    """What a function calls by small letters: the declarations tell how wide the results are."""
    text = source.plain[function.body[0] : function.body[1]]
    found = dict.fromkeys(re.findall(r"\b([a-z_]\w*)\s*\(", text, re.ASCII))
    return tuple(each for each in found if each not in KEYWORDS)
