"""Conditions of the preprocessor, as assembly is read under them.

A condition is a boolean expression over atoms: ``defined(CONFIG_SMP)``, or any text that is no boolean
operator (``__LINUX_ARM_ARCH__ >= 8``), which stays whole. An ``Assumption`` says of some atoms whether they
hold; a condition that needs another atom names it, and the reader tries both.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

Assumption = Mapping[str, bool]

_DEPTH = 40
_TOKEN = re.compile(r"\s+|defined\s*\(\s*(\w+)\s*\)|defined\s+(\w+)|&&|\|\||!(?!=)|[()]|[^\s()&|!]+|.")
_CONSTANT = re.compile(r"(0[xX][0-9a-fA-F]+|[0-9]+)[uUlL]*\Z")

ASSEMBLY = {"__ASSEMBLY__": True, "__ASSEMBLER__": True, "__KERNEL__": True, "__cplusplus": False}
"""Macros whose presence is known wherever a kernel's .S file is preprocessed (Makefile, cpp)."""


class NotAssumedError(Exception):
    """Raised when a condition depends on an atom that nothing is assumed of."""

    def __init__(self, atom: str) -> None:
        super().__init__(atom)
        self.atom = atom


@dataclass(frozen=True, slots=True)
class Condition:
    """An expression: an atom, a constant, or an operator over further ones."""

    operator: Literal["atom", "constant", "not", "and", "or"]
    atom: str = ""
    value: bool = False
    parts: tuple[Condition, ...] = ()

    def holds(self, assumed: Assumption) -> bool:
        """Whether it holds; raises ``NotAssumedError`` for an atom that nothing is assumed of and that matters."""
        match self.operator:
            case "constant":
                return self.value
            case "not":
                return not self.parts[0].holds(assumed)
            case "and" | "or":
                return self._any(assumed, self.operator == "or")
            case "atom":
                if self.atom not in assumed:
                    raise NotAssumedError(self.atom)
                return assumed[self.atom]

    def mentions(self, atom: str) -> bool:
        """Whether the atom stands in it."""
        return self.atom == atom or any(part.mentions(atom) for part in self.parts)

    def _any(self, assumed: Assumption, wanted: bool) -> bool:
        # A later part may decide what an earlier one leaves open: 'defined(A) && 0' needs no A.
        doubt: NotAssumedError | None = None
        for part in self.parts:
            try:
                if part.holds(assumed) is wanted:
                    return wanted
            except NotAssumedError as undecided:
                doubt = doubt or undecided
        if doubt is not None:
            raise doubt
        return not wanted


def _constant(value: bool) -> Condition:
    return Condition("constant", value=value)


def defined(name: str) -> Condition:
    """The condition that a macro is defined; a constant for those that assembling a kernel decides."""
    if name in ASSEMBLY:
        return _constant(ASSEMBLY[name])
    return Condition("atom", atom=f"defined({name})")


def condition(text: str) -> Condition:
    """The condition of an ``#if``; what is not boolean in it becomes one atom."""
    found = [(match.group(0), match.group(1) or match.group(2)) for match in _TOKEN.finditer(text)]
    pieces = [(piece, name) for piece, name in found if piece.strip()]
    reader = _Reader(pieces)
    whole = reader.either(0)
    if whole is None or reader.at != len(pieces):
        return Condition("atom", atom=" ".join(text.split()))
    return whole


class _Reader:
    """Reads ``||``, ``&&``, ``!`` and parentheses; None from any method means: not boolean."""

    def __init__(self, pieces: list[tuple[str, str | None]]) -> None:
        self.pieces = pieces
        self.at = 0

    def _next(self) -> str:
        return self.pieces[self.at][0] if self.at < len(self.pieces) else ""

    def either(self, depth: int) -> Condition | None:
        return self._chain("||", depth)

    def _chain(self, operator: str, depth: int) -> Condition | None:
        if depth > _DEPTH:
            return None
        parts: list[Condition] = []
        while True:
            part = self._chain("&&", depth + 1) if operator == "||" else self._single(depth + 1)
            if part is None:
                return None
            parts.append(part)
            if self._next() != operator:
                break
            self.at += 1
        if len(parts) == 1:
            return parts[0]
        return Condition("or" if operator == "||" else "and", parts=tuple(parts))

    def _single(self, depth: int) -> Condition | None:
        if depth > _DEPTH or self.at >= len(self.pieces):
            return None
        piece, name = self.pieces[self.at]
        self.at += 1
        if piece == "!":
            inner = self._single(depth + 1)
            return None if inner is None else Condition("not", parts=(inner,))
        if piece == "(":
            start = self.at
            inner = self.either(depth + 1)
            if inner is not None and self._next() == ")":
                self.at += 1
                if self._next() in ("", ")", "&&", "||"):
                    return inner
            self.at = start - 1
            return self._opaque()
        if name is not None:
            return defined(name)
        self.at -= 1
        return self._opaque()

    def _opaque(self) -> Condition | None:
        words: list[str] = []
        open_ = 0
        while self.at < len(self.pieces):
            piece = self.pieces[self.at][0]
            if open_ == 0 and piece in (")", "&&", "||"):
                break
            open_ += (piece == "(") - (piece == ")")
            words.append(piece)
            self.at += 1
        text = re.sub(r"\s*([()])\s*", r"\1", " ".join(words))
        if not text or open_:
            return None
        if number := _CONSTANT.match(text):
            return _constant(int(number.group(1).lstrip("0") or "0", 0) != 0)
        return Condition("atom", atom=text)


@dataclass(frozen=True, slots=True)
class Guard:
    """One branch of an ``#if``: the branches before it do not hold, and its own condition does."""

    before: tuple[Condition, ...]
    own: Condition

    def holds(self, assumed: Assumption) -> bool:
        """Whether this is the branch that is taken; raises ``NotAssumedError``."""
        return not any(branch.holds(assumed) for branch in self.before) and self.own.holds(assumed)

    def about(self, name: str) -> bool:
        """Whether it asks if a macro of this name is defined."""
        return any(part.mentions(f"defined({name})") for part in (*self.before, self.own))

    def excludes(self, other: Guard) -> bool:
        """Whether it is another branch of the same ``#if`` (told by the branches themselves)."""
        short, long = sorted((self, other), key=lambda guard: len(guard.before))
        return len(short.before) < len(long.before) and long.before[len(short.before)] == short.own


def present(guards: Collection[Guard], assumed: Assumption) -> bool:
    """Whether a line under these guards is compiled; raises ``NotAssumedError``."""
    return all(guard.holds(assumed) for guard in guards)


def rendered(cubes: Collection[Assumption]) -> str:
    """The condition that one of these assumptions holds, as a reader writes it; empty if it always does.

    Pairs that differ in one atom only are merged until none is left, so that an atom that does not matter
    is not named. The result is right for any input, if not always the shortest.
    """
    terms = {frozenset(cube.items()) for cube in cubes}
    merged = True
    while merged and len(terms) > 1:
        merged = False
        for term in sorted(terms, key=lambda term: (len(term), sorted(term))):
            if term not in terms:
                continue
            for atom, value in sorted(term):
                rest = term - {(atom, value)}
                twin = rest | {(atom, not value)}
                if twin in terms:
                    terms -= {term, twin}
                    terms.add(rest)
                    merged = True
                    break
    terms = {term for term in terms if not any(other < term for other in terms)}
    shown = sorted(
        " && ".join(atom if value else _negated(atom) for atom, value in sorted(term)) for term in terms
    )
    if "" in shown:
        return ""
    return (
        shown[0] if len(shown) == 1 else " || ".join(f"({each})" if "&&" in each else each for each in shown)
    )


def _negated(atom: str) -> str:
    return f"!{atom}" if re.fullmatch(r"\w+(\(\w*\))?", atom) else f"!({atom})"
