"""When a line of a C file is there: the ``#if`` structure as conditions over CONFIG symbols.

A condition is a small expression. ``Option`` is what Kbuild defines for the compiler from ``.config``
(scripts/kconfig/confdata.c, include/linux/kconfig.h): ``CONFIG_X`` for y (and for the value of a string or
number), ``CONFIG_X_MODULE`` for m. All else of the preprocessor is ``Opaque``: it may be true or not.

Limits: an int or string symbol whose macro is merely tested for being defined counts as ``X=y``, which only
the Kconfig model can tell apart; a symbol whose very name ends in ``_MODULE`` is read as X being m.
"""

from __future__ import annotations

import functools
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from checkseries.facts.c_text import SPLICE, Code, Directive, Token, code, tokens
from checkseries.tree import Snapshot, fact

_DEEPEST = 64  # nested or chained #if beyond it are opaque; the kernel's deepest has 10
_LONGEST = 4000  # characters of one #if line


@dataclass(frozen=True, slots=True)
class Constant:
    """Always there, or never (``#if 0``)."""

    value: bool


@dataclass(frozen=True, slots=True)
class Option:
    """``CONFIG_X`` is defined (``value`` ``y``), or ``CONFIG_X_MODULE`` is (``m``)."""

    name: str
    """Without ``CONFIG_``."""
    value: str


@dataclass(frozen=True, slots=True)
class Opaque:
    """Something that the configuration alone does not decide, in its own words."""

    text: str


@dataclass(frozen=True, slots=True)
class Not:
    """The contrary."""

    of: Expression


@dataclass(frozen=True, slots=True)
class All:
    """All of at least two."""

    of: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Some:
    """At least one of at least two."""

    of: tuple[Expression, ...]


Expression = Constant | Option | Opaque | Not | All | Some
ALWAYS = Constant(value=True)
NEVER = Constant(value=False)


def contrary(of: Expression) -> Expression:
    """The negation."""
    if isinstance(of, Constant):
        return NEVER if of.value else ALWAYS
    return of.of if isinstance(of, Not) else Not(of)


def never(of: Expression) -> bool:
    """Whether no configuration has it: below ``#if 0``, or in a branch that those around it exclude."""
    return of == NEVER


def every(of: tuple[Expression, ...]) -> Expression:
    """The conjunction; ``NEVER`` if a term and its contrary are both in it."""
    terms = _flat(of, All)
    if NEVER in terms or any(contrary(term) in terms for term in terms if isinstance(term, Not)):
        return NEVER
    rest = tuple(term for term in terms if term != ALWAYS)
    return All(rest) if len(rest) > 1 else rest[0] if rest else ALWAYS


def some(of: tuple[Expression, ...]) -> Expression:
    """The disjunction; ``ALWAYS`` if a term and its contrary are both in it."""
    terms = _flat(of, Some)
    if ALWAYS in terms or any(contrary(term) in terms for term in terms if isinstance(term, Not)):
        return ALWAYS
    rest = tuple(term for term in terms if term != NEVER)
    return Some(rest) if len(rest) > 1 else rest[0] if rest else NEVER


def _flat(of: tuple[Expression, ...], kind: type[All | Some]) -> dict[Expression, None]:
    flat: dict[Expression, None] = {}
    for term in of:
        flat.update(
            dict.fromkeys(term.of if isinstance(term, (All, Some)) and isinstance(term, kind) else (term,))
        )
    return flat


def kconfig(of: Expression) -> str | None:
    """The condition as a Kconfig expression (``SMP=y && !(DRM=m)``); None if any part of it is opaque."""
    match of:
        case Constant(value):
            return "y" if value else "n"
        case Option(name, value):
            return f"{name}={value}"
        case Not(inner):
            text = kconfig(inner)
            return None if text is None else f"!({text})"
        case All(terms) | Some(terms):
            texts = [kconfig(term) for term in terms]
            if None in texts:
                return None
            return (" && " if isinstance(of, All) else " || ").join(
                f"({text})" if isinstance(term, (All, Some)) else str(text)
                for term, text in zip(terms, texts, strict=True)
            )
    return None


def said(of: Expression) -> str:
    """The condition for people, in the words of ``#if``."""
    match of:
        case Constant(value):
            return "1" if value else "0"
        case Option(name, value):
            return f"CONFIG_{name}" if value == "y" else f"CONFIG_{name}_MODULE"
        case Opaque(text):
            return text
        case Not(inner):
            return f"!({said(inner)})" if isinstance(inner, (All, Some, Opaque)) else f"!{said(inner)}"
        case All(terms) | Some(terms):
            return (" && " if isinstance(of, All) else " || ").join(
                f"({said(term)})" if isinstance(term, (All, Some)) else said(term) for term in terms
            )


def options(of: Expression) -> frozenset[str]:
    """The names of the CONFIG symbols in a condition."""
    match of:
        case Option(name, _):
            return frozenset((name,))
        case Not(inner):
            return options(inner)
        case All(terms) | Some(terms):
            return frozenset[str]().union(*map(options, terms))
    return frozenset()


def opaque(of: Expression) -> frozenset[str]:
    """What a condition holds besides CONFIG symbols, in its own words."""
    match of:
        case Opaque(text):
            return frozenset((text,))
        case Not(inner):
            return opaque(inner)
        case All(terms) | Some(terms):
            return frozenset[str]().union(*map(opaque, terms))
    return frozenset()


def answered(of: Expression, answer: Callable[[Opaque], Expression]) -> Expression:
    """The condition with what it holds besides CONFIG symbols answered, as far as that is known."""
    match of:
        case Opaque():
            return answer(of)
        case Not(inner):
            return contrary(answered(inner, answer))
        case All(terms):
            return every(tuple(answered(term, answer) for term in terms))
        case Some(terms):
            return some(tuple(answered(term, answer) for term in terms))
    return of


def widest(of: Expression) -> Expression:
    """What holds wherever the condition may, whatever is behind its opaque parts."""
    return _settled(of, ALWAYS)


def narrowest(of: Expression) -> Expression:
    """What holds only where the condition does, whatever is behind its opaque parts."""
    return _settled(of, NEVER)


def _settled(of: Expression, opaque_is: Constant) -> Expression:
    match of:
        case Opaque():
            return opaque_is
        case Not(inner):
            return contrary(_settled(inner, NEVER if opaque_is == ALWAYS else ALWAYS))
        case All(terms):
            return every(tuple(_settled(term, opaque_is) for term in terms))
        case Some(terms):
            return some(tuple(_settled(term, opaque_is) for term in terms))
    return of


def held(of: Expression, value: Callable[[Option], bool | None]) -> bool | None:
    """Whether a condition holds under the values of its CONFIG symbols; None if something else decides."""
    match of:
        case Constant(constant):
            return constant
        case Option():
            return value(of)
        case Not(inner):
            inside = held(inner, value)
            return None if inside is None else not inside
        case All(terms) | Some(terms):
            parts = [held(term, value) for term in terms]
            decisive = isinstance(of, Some)
            return decisive if decisive in parts else None if None in parts else not decisive
    return None


IN_C: Mapping[str, Constant] = MappingProxyType(
    {
        "defined(__KERNEL__)": ALWAYS,
        "defined(__ASSEMBLY__)": NEVER,
        "defined(__ASSEMBLER__)": NEVER,
        "defined(__cplusplus)": NEVER,
    }
)
"""What is so of every C file of the kernel: KBUILD_CPPFLAGS and KBUILD_CFLAGS of the top Makefile."""


# --- reading one #if line


def condition_of(text: str) -> Expression:
    """The condition of the text behind ``#if``."""
    if len(text) > _LONGEST:
        return Opaque(_said(text[:80]) + "...")
    return _parsed(list(tokens(text)), text, 0)


def _parsed(words: list[Token], text: str, depth: int) -> Expression:
    if not words or depth > _DEEPEST:
        return Opaque(_said(text))
    here = text[words[0].at : words[-1].end]
    if any(word.text == "?" for word in _level(words)):
        return Opaque(_said(here))
    for operator, join in (("||", some), ("&&", every)):
        parts = _cut(words, operator)
        if len(parts) > 1:
            return join(tuple(_parsed(part, text, depth + 1) for part in parts))
    first = words[0].text
    if first == "!" and _one(words[1:]):
        return contrary(_parsed(words[1:], text, depth + 1))
    if first == "(" and _one(words):
        return _parsed(words[1:-1], text, depth + 1)
    return _atom([word.text for word in words]) or Opaque(_said(here))


def _level(words: list[Token]) -> Iterator[Token]:
    depth = 0
    for word in words:
        depth += {"(": 1, ")": -1}.get(word.text, 0)
        if depth == 0:
            yield word


def _one(words: list[Token]) -> bool:
    """Whether the words are a single operand: ``!a == b`` is not ``!(a == b)``."""
    texts = [word.text for word in words]
    while texts[:1] == ["!"]:
        texts = texts[1:]
    if not texts:
        return False
    if texts[0] == "defined" and len(texts) == 2:
        return True
    if len(texts) > 1 and texts[1] == "(" and texts[0] != "(":
        texts = texts[1:]
    if texts[0] != "(":
        return len(texts) == 1
    depth = 0
    for number, word in enumerate(texts):
        depth += {"(": 1, ")": -1}.get(word, 0)
        if depth == 0:
            return number == len(texts) - 1
    return False


def _cut(words: list[Token], operator: str) -> list[list[Token]]:
    parts: list[list[Token]] = [[]]
    depth = 0
    for word in words:
        depth += {"(": 1, ")": -1}.get(word.text, 0)
        if depth == 0 and word.text == operator:
            parts.append([])
        else:
            parts[-1].append(word)
    return parts


def _atom(words: list[str]) -> Expression | None:
    match words:
        case [number] if re.fullmatch(r"(0|[1-9]\d*)[uUlL]*", number):
            return ALWAYS if number.strip("uUlL") != "0" else NEVER
        case ["defined", name] | ["defined", "(", name, ")"]:
            return defined(name)
        case [("IS_ENABLED" | "IS_BUILTIN" | "IS_MODULE" | "IS_REACHABLE") as macro, "(", name, ")"]:
            if not name.startswith("CONFIG_"):
                return None
            symbol = name.removeprefix("CONFIG_")
            built_in, module = Option(symbol, "y"), Option(symbol, "m")
            if macro == "IS_ENABLED":
                return some((built_in, module))
            if macro == "IS_REACHABLE":
                return some((built_in, every((module, Opaque("defined(MODULE)")))))
            return built_in if macro == "IS_BUILTIN" else module
    return None


def defined(name: str) -> Expression:
    """The condition that a macro is defined: ``#ifdef``."""
    if not name.startswith("CONFIG_"):
        return Opaque(f"defined({name})")
    symbol = name.removeprefix("CONFIG_")
    if symbol.endswith("_MODULE"):
        return Option(symbol.removesuffix("_MODULE"), "m")
    return Option(symbol, "y")


def _said(text: str) -> str:
    return " ".join(re.sub(SPLICE, " ", text).split())


# --- the structure of a file


@dataclass(frozen=True, slots=True)
class Branch:
    """The lines that one ``#if``, ``#elif`` or ``#else`` rules, its own line and the next directive left out."""

    word: str
    first: int
    last: int
    condition: Expression
    """With those around it, and the contrary of the branches before."""
    own: Expression
    """As written on its line alone; for ``#else`` the contrary of all before."""


@dataclass(frozen=True, slots=True)
class Presence:
    """The condition of every line of a file."""

    lines: tuple[int, ...]
    conditions: tuple[Expression, ...]
    """``conditions[i]`` rules from ``lines[i]`` to the line before ``lines[i + 1]``."""
    branches: tuple[Branch, ...]
    guard: str | None
    """The macro of the include guard, which is no condition."""
    balanced: bool
    """Whether every ``#if`` has its ``#endif``."""

    def at(self, line: int) -> Expression:
        """The condition of a line, from 1."""
        return self.conditions[bisect_right(self.lines, line) - 1]


@dataclass(slots=True)
class _Open:
    outer: Expression
    condition: Expression
    own: Expression
    word: str
    first: int
    before: list[Expression]


_CONDITIONAL = frozenset(("if", "ifdef", "ifndef", "elif", "elifdef", "elifndef", "else", "endif"))


@functools.lru_cache(maxsize=192)  # a pure function of the bytes
def presence_of(data: bytes) -> Presence:
    """The presence conditions of a file's lines."""
    source = code(data)
    guard = _guard(source)
    lines: list[int] = [1]
    conditions: list[Expression] = [ALWAYS]
    branches: list[Branch] = []
    stack: list[_Open] = []
    balanced = True
    line, counted = 1, 0
    for directive in source.directives:
        if directive.word not in _CONDITIONAL:
            continue
        line += source.text.count("\n", counted, directive.start)
        last = line - 1
        line += source.text.count("\n", directive.start, directive.end)
        counted = directive.end
        here = conditions[-1]
        condition: Expression
        if directive.word in ("if", "ifdef", "ifndef"):
            own = ALWAYS if directive is guard else _own(source, directive)
            if len(stack) >= _DEEPEST:
                own = Opaque("#if nested too deep")
                condition = own
            else:
                condition = every((here, own))
            stack.append(_Open(here, condition, own, directive.word, line + 1, [own]))
        elif not stack:
            balanced = False
            continue
        else:
            top = stack[-1]
            branches.append(Branch(top.word, top.first, last, top.condition, top.own))
            if directive.word == "endif":
                condition = stack.pop().outer
            else:
                passed = (
                    Opaque("no earlier branch")
                    if len(top.before) >= _DEEPEST
                    else every(tuple(contrary(each) for each in top.before))
                )
                written = None if directive.word == "else" else _own(source, directive)
                if written is not None:
                    top.before.append(written)
                top.own = passed if written is None else written
                top.condition = condition = every((top.outer, passed, written or ALWAYS))
                top.word, top.first = directive.word, line + 1
        lines.append(line + (0 if directive.word == "endif" else 1))
        conditions.append(condition)
    name = source.text[guard.rest : guard.end].strip() if guard else None
    return Presence(tuple(lines), tuple(conditions), tuple(branches), name, balanced and not stack)


def _own(source: Code, directive: Directive) -> Expression:
    text = source.text[directive.rest : directive.end]
    if directive.word in ("if", "elif"):
        return condition_of(text)
    name = next((token.text for token in tokens(text)), "")
    return contrary(defined(name)) if directive.word.endswith("ndef") else defined(name)


def _guard(source: Code) -> Directive | None:
    """The ``#ifndef X`` of ``#ifndef X / #define X ... #endif`` around a whole file."""
    directives = source.directives
    if len(directives) < 3 or directives[0].word not in ("ifndef", "if") or directives[-1].word != "endif":
        return None
    text = source.text
    own = _own(source, directives[0])
    if not (isinstance(own, Not) and isinstance(own.of, Opaque)):
        return None
    name = own.of.text.removeprefix("defined(").removesuffix(")")
    following = text[directives[1].rest : directives[1].end].split()
    if directives[1].word != "define" or following[:1] != [name]:
        return None
    if text[: directives[0].start].strip() or text[directives[-1].end :].strip():
        return None
    depth = 0
    for directive in directives:
        if directive.word in ("if", "ifdef", "ifndef"):
            depth += 1
        elif directive.word == "endif":
            depth -= 1
        elif depth == 1 and directive.word in _CONDITIONAL:
            return None
        if depth == 0 and directive is not directives[-1]:
            return None
    return directives[0] if depth == 0 else None


@fact
def presence(tree: Snapshot, path: str) -> Presence | None:
    """The presence conditions of the lines of a file; None if there is no such file."""
    data = tree.read(path)
    return None if data is None else presence_of(data)


@fact
def condition(tree: Snapshot, path: str, line: int) -> Expression:
    """The condition under which a line of a file reaches the compiler once the file does."""
    found = presence(tree, path)
    return ALWAYS if found is None else found.at(line)
