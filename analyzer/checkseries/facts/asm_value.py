"""What a register holds, as far as a step through a table can be told from it.

A value is ``symbol + offset + sum of coefficient * variable``, all modulo 2**64. A variable is any number
that the code does not say: what was loaded from memory, the rounds of a loop. Addition, subtraction, shifts
to the left and products with constants are exact on such values; everything else makes a new variable.

Assumed of 32-bit registers: what is scaled in them fits (an index counts elements of a table in memory).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

_MASK = (1 << 64) - 1
MOST_TERMS = 6


def signed(number: int) -> int:
    """The number modulo 2**64, as a signed one."""
    number &= _MASK
    return number - (1 << 64) if number >> 63 else number


@dataclass(frozen=True, slots=True, order=True)
class Variable:
    """An unknown number, named by where it comes from.

    ``index``: may be the number of an element as it is; not so what was masked, mixed or computed in a way
    that leaves multiples only. ``step``: not 0 if it counts the rounds of a loop: by how much the register
    that it stands for moved each round.
    """

    kind: str
    node: int
    register: str
    index: bool = True
    step: int = 0


@dataclass(frozen=True, slots=True)
class Value:
    """``symbol + offset + sum(terms)``; ``page``: of the symbol only the 4K page, as ``adrp`` gives it."""

    symbol: str | None = None
    terms: tuple[tuple[Variable, int], ...] = ()
    offset: int = 0
    page: bool = False
    maybe: frozenset[str] = frozenset()
    """Symbols whose address went into it in a way that is not followed."""
    scaled: int | None = field(default=None, compare=False)
    """The step that gave the last scale: where a reader looks for it."""

    @property
    def constant(self) -> int | None:
        """The number it is, if it is one."""
        return self.offset if self.symbol is None and not self.terms and not self.page else None

    @property
    def symbols(self) -> frozenset[str]:
        """All symbols that it has to do with."""
        return self.maybe | ({self.symbol} if self.symbol else frozenset())

    @property
    def plain(self) -> bool:
        """Whether it is usable as an index as it stands: a small constant or one variable, unscaled."""
        if self.symbol or self.page:
            return False
        if not self.terms:
            return 0 <= self.offset <= 1
        (variable, coefficient), *more = self.terms
        return not more and variable.index and abs(coefficient) == 1 and abs(variable.step) <= 1


def number(found: int) -> Value:
    """A constant."""
    return Value(offset=signed(found))


def variable(
    kind: str, node: int, register: str, *, index: bool = True, maybe: frozenset[str] = frozenset()
) -> Value:
    """A number that is not known."""
    return Value(terms=((Variable(kind, node, register, index), 1),), maybe=maybe)


def total(left: Value, right: Value) -> Value | None:
    """The sum; None if it is no value of this form (two symbols, a page)."""
    if left.page or right.page or (left.symbol and right.symbol):
        return None
    terms: dict[Variable, int] = dict(left.terms)
    for each, coefficient in right.terms:
        terms[each] = signed(terms.get(each, 0) + coefficient)
    kept = tuple(sorted((each, coefficient) for each, coefficient in terms.items() if coefficient))
    if len(kept) > MOST_TERMS:
        return None
    return Value(
        left.symbol or right.symbol,
        kept,
        signed(left.offset + right.offset),
        maybe=left.maybe | right.maybe,
        scaled=right.scaled if right.scaled is not None else left.scaled,
    )


def product(left: Value, factor: int, at: int) -> Value | None:
    """The value times a constant; ``at`` is the step that scales. None for an address."""
    if left.symbol or left.page:
        return None
    terms = tuple(
        (each, scaled) for each, coefficient in left.terms if (scaled := signed(coefficient * factor))
    )
    return replace(
        left, terms=terms, offset=signed(left.offset * factor), scaled=left.scaled if factor == 1 else at
    )


def difference(left: Value, right: Value) -> Value | None:
    """``left - right``, where equal symbols cancel each other; None if it is no value of this form."""
    if left.symbol == right.symbol and left.symbol is not None and not left.page and not right.page:
        left, right = replace(left, symbol=None), replace(right, symbol=None)
    negative = product(right, -1, -1)
    return None if negative is None else total(left, replace(negative, scaled=None))


def narrow(value: Value) -> Value | None:
    """The value as a 32-bit register holds it, extended by zeroes; None if it may not fit."""
    if value.symbol or value.page:
        return None
    if not value.terms:
        return number(value.offset & 0xFFFFFFFF)
    if value.offset < 0 or any(coefficient < 0 for _, coefficient in value.terms):
        return None
    return value
