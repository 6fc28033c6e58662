"""In which order values can be computed, and that there is one: ``sym_check_deps()``."""

from __future__ import annotations

from collections.abc import Iterable

from checkseries.facts.kconfig.symbol import Expr, KconfigError, Not, Relation, Symbol


def needs(symbol: Symbol) -> tuple[Symbol, ...]:
    """The defined symbols that the value of a symbol is computed from, itself if it needs itself.

    What ``sym_check_sym_deps()`` follows: dependencies, who selects or implies it, conditions, defaults;
    for a member of a choice those of all members, as they are decided together. Bounds of ranges are added,
    since a value is computed from them as well.
    """
    if symbol.needs is None:
        symbol.needs = _needs(symbol)
    return symbol.needs


def _needs(symbol: Symbol) -> tuple[Symbol, ...]:
    found: dict[Symbol, None] = {}
    seen: set[int] = set()
    choice = symbol.choice
    if choice is None:
        stack = _expressions(symbol)
    else:
        stack = [expr for each in choice.members for expr in _expressions(each)]
        stack += [prompt.when for prompt in choice.prompts if prompt.when is not None]
        stack += [when for _, when in choice.defaults if when is not None]
    while stack:
        expr = stack.pop()
        kind = type(expr)
        if kind is Symbol:
            if expr.places:  # type: ignore[union-attr]  # mypy does not narrow on type()
                found[expr] = None  # type: ignore[index]
            continue
        # Conditions share the dependencies of the blocks around them: those are gone through once.
        if id(expr) in seen:
            continue
        seen.add(id(expr))
        if kind is Relation:
            stack += (expr.left, expr.right)  # type: ignore[union-attr]
        elif kind is Not:
            stack.append(expr.operand)  # type: ignore[union-attr]
        else:
            stack += expr.operands  # type: ignore[union-attr]
    return tuple(found)


def _expressions(symbol: Symbol) -> list[Expr]:
    reverse = (*symbol.selected, *symbol.implied)
    found: list[Expr | None] = [*symbol.direct, *(prompt.when for prompt in symbol.prompts)]
    for default in symbol.defaults:
        found += (default.value, default.when)
    for bounds in symbol.ranges:
        found += (bounds.low, bounds.high, bounds.when)
    for statement in reverse:
        found += (statement.selector, statement.when)
    return [expr for expr in found if expr is not None]


def settled(symbols: Iterable[Symbol]) -> tuple[Symbol, ...]:
    """The defined symbols among these and all that they need, each after its needs.

    Raises KconfigError for a recursive dependency, naming the symbols on it.
    """
    done: set[Symbol] = set()
    order: list[Symbol] = []
    for symbol in symbols:
        if symbol.places and symbol not in done:
            _settle(symbol, done, order)
    return tuple(order)


def _settle(first: Symbol, done: set[Symbol], order: list[Symbol]) -> None:
    """Add a symbol and what it needs; an explicit stack, as chains of symbols are as long as one likes."""
    path: dict[Symbol, None] = {}
    stack = [(first, iter(_enter(first, path)))]
    while stack:
        symbol, rest = stack[-1]
        for need in rest:
            if need in done:
                continue
            if need in path:
                raise _recursive(need, [each for each, _ in stack])
            stack.append((need, iter(_enter(need, path))))
            break
        else:
            stack.pop()
            for each in (symbol,) if symbol.choice is None else symbol.choice.members:
                path.pop(each, None)
                if each not in done:
                    done.add(each)
                    order.append(each)


def _enter(symbol: Symbol, path: dict[Symbol, None]) -> tuple[Symbol, ...]:
    for each in (symbol,) if symbol.choice is None else symbol.choice.members:
        path[each] = None
    return needs(symbol)


def _recursive(need: Symbol, stack: list[Symbol]) -> KconfigError:
    start = next(
        position
        for position, each in enumerate(stack)
        if each is need or (each.choice is not None and each.choice is need.choice)
    )
    names = [each.name for each in stack[start:]]
    shown = names if len(names) <= 12 else [*names[:6], "...", *names[-5:]]
    path, line = stack[start].places[0]
    return KconfigError(path, line, "recursive dependency: " + " -> ".join([*shown, need.name]))
