"""Whether some configuration has a presence condition, by trying all values of the few symbols in it.

What Kconfig knows of those symbols is left out: a case may be one that no configuration leads to.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping

from checkseries.facts.presence import (
    ALWAYS,
    NEVER,
    All,
    Constant,
    Expression,
    Not,
    Opaque,
    Option,
    Some,
    contrary,
    every,
    kconfig,
    opaque,
    options,
    some,
)

_MOST = 8  # symbols


def case(of: Expression) -> Mapping[str, str] | None:
    """Values of the symbols with which a condition holds; None if there are none, or if that is not known.

    A symbol is tried as m only where the condition asks for that value.
    """
    names = sorted(options(of))
    if opaque(of) or len(names) > _MOST:
        return None
    modules = _modules(of)
    values = [("n", "y", "m") if name in modules else ("n", "y") for name in names]
    for chosen in itertools.product(*values):
        tried = dict(zip(names, chosen, strict=True))
        if _holds(of, tried):
            return tried
    return None


def known(of: Expression) -> bool:
    """Whether ``case`` can tell."""
    return kconfig(of) is not None and len(options(of)) <= _MOST


def widest(of: Expression) -> Expression:
    """What holds wherever the condition may, whatever is behind its opaque parts."""
    return _settled(of, opaque_is=True)


def narrowest(of: Expression) -> Expression:
    """What holds only where the condition does, whatever is behind its opaque parts."""
    return _settled(of, opaque_is=False)


def _settled(of: Expression, *, opaque_is: bool) -> Expression:
    match of:
        case Opaque():
            return ALWAYS if opaque_is else NEVER
        case Not(inner):
            return contrary(_settled(inner, opaque_is=not opaque_is))
        case All(terms):
            return every(tuple(_settled(term, opaque_is=opaque_is) for term in terms))
        case Some(terms):
            return some(tuple(_settled(term, opaque_is=opaque_is) for term in terms))
    return of


def _modules(of: Expression) -> frozenset[str]:
    match of:
        case Option(name, "m"):
            return frozenset((name,))
        case Not(inner):
            return _modules(inner)
        case All(terms) | Some(terms):
            return frozenset[str]().union(*map(_modules, terms))
    return frozenset()


def _holds(of: Expression, values: Mapping[str, str]) -> bool:
    match of:
        case Constant(value):
            return value
        case Option(name, value):
            return values[name] == value
        case Not(inner):
            return not _holds(inner, values)
        case All(terms):
            return all(_holds(term, values) for term in terms)
        case Some(terms):
            return any(_holds(term, values) for term in terms)
        case Opaque():
            return False
