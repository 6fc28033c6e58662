"""Literals and gates: the propositional ground that ``encode.py`` builds on."""

from __future__ import annotations

from collections.abc import Iterable

Pair = tuple[int, int]
"""The literals of "is not n" and "is y" of a tristate; the second implies the first."""

TRUE = 1
"""The literal that is always true."""
NEVER: Pair = (-TRUE, -TRUE)
ALWAYS: Pair = (TRUE, TRUE)


class Gates:
    """Clauses, and the literals that they define; equal gates are one, constants are folded."""

    def __init__(self) -> None:
        self.clauses: list[list[int]] = [[TRUE]]
        self.variables = TRUE
        self._gates: dict[tuple[int, ...], int] = {}

    def fresh(self) -> int:
        """A new free literal."""
        self.variables += 1
        return self.variables

    def all(self, literals: Iterable[int]) -> int:
        """The literal of a conjunction."""
        wanted: set[int] = set()
        for literal in literals:
            if literal == -TRUE or -literal in wanted:
                return -TRUE
            if literal != TRUE:
                wanted.add(literal)
        if not wanted:
            return TRUE
        if len(wanted) == 1:
            return wanted.pop()
        key = tuple(sorted(wanted))
        gate = self._gates.get(key)
        if gate is None:
            gate = self._gates[key] = self.fresh()
            for literal in key:
                self.clauses.append([-gate, literal])
            self.clauses.append([gate, *(-literal for literal in key)])
        return gate

    def any(self, literals: Iterable[int]) -> int:
        """The literal of a disjunction."""
        return -self.all(-literal for literal in literals)

    def either(self, condition: int, then: int, other: int) -> int:
        """The literal of "if ... then ... else ..."."""
        if then == other:
            return then
        return self.any((self.all((condition, then)), self.all((-condition, other))))

    def either_pair(self, condition: int, then: Pair, other: Pair) -> Pair:
        """The pair of "if ... then ... else ..."."""
        return self.either(condition, then[0], other[0]), self.either(condition, then[1], other[1])

    def least(self, pairs: Iterable[Pair]) -> Pair:
        """The pair of the least of some tristates."""
        found = tuple(pairs)
        return self.all(pair[0] for pair in found), self.all(pair[1] for pair in found)

    def most(self, pairs: Iterable[Pair]) -> Pair:
        """The pair of the greatest of some tristates."""
        found = tuple(pairs)
        return self.any(pair[0] for pair in found), self.any(pair[1] for pair in found)
