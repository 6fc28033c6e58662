"""Whether some configuration has a presence condition, by trying all values of the few symbols in it.

What Kconfig knows of those symbols is left out: a case may be one that no configuration leads to.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Mapping

from checkseries.facts.presence import (
    All,
    Expression,
    Not,
    Option,
    Some,
    held,
    kconfig,
    opaque,
    options,
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
        if held(of, functools.partial(_has, tried)):
            return tried
    return None


def known(of: Expression) -> bool:
    """Whether ``case`` can tell."""
    return kconfig(of) is not None and len(options(of)) <= _MOST


def _has(values: Mapping[str, str], option: Option) -> bool:
    return values[option.name] == option.value


def _modules(of: Expression) -> frozenset[str]:
    match of:
        case Option(name, "m"):
            return frozenset((name,))
        case Not(inner):
            return _modules(inner)
        case All(terms) | Some(terms):
            return frozenset[str]().union(*map(_modules, terms))
    return frozenset()
