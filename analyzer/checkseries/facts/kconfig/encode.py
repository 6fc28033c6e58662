"""Kconfig as propositional logic: what every configuration that ``conf`` can produce fulfils.

A tristate is two literals, "not n" and "y". A symbol is defined by the same case distinction that
``evaluate.py`` computes, over free literals for what the user sets; so a model of the formula *is* a
configuration, but for comparisons that cannot be said exactly (two symbols that are not logical with each
other): those are free, and marked. Only the cone of a question is ever encoded.
"""

from __future__ import annotations

import bisect
from dataclasses import dataclass

from checkseries.facts.kconfig.expression import compare, holds, number, prefix_number
from checkseries.facts.kconfig.gates import ALWAYS, NEVER, TRUE, Gates, Pair
from checkseries.facts.kconfig.order import settled
from checkseries.facts.kconfig.symbol import (
    CONSTANTS,
    NO,
    And,
    Choice,
    Expr,
    Not,
    Relation,
    Reverse,
    Symbol,
    Tree,
    Type,
)

MAX_CHAIN = 40
"""Int or string symbols that take their default from one another; the kernel has three."""
MAX_CASES = 64
"""Values that the bound of a range is told apart by."""


@dataclass(slots=True)
class User:
    """The free literals of what the user sets one symbol to."""

    set: int
    value: Pair
    at_least: list[int]
    """For an int or hex the numbers that it is compared with, ascending."""
    bounds: dict[int, int]
    """Number to the literal of "the value is at least that"."""
    equal: dict[str, int]
    """For a string: text to the literal of "the value is that"."""


class Encoding(Gates):
    """The clauses of the cones of some expressions."""

    def __init__(self, tree: Tree) -> None:
        super().__init__()
        self.tree = tree
        self.users: dict[Symbol, User] = {}
        """What is free, in the order in which it was met."""
        self.chosen: dict[Symbol, int] = {}
        """For each member of a choice the literal that it is y."""
        self.guessed: set[int] = set()
        """Free literals that stand for comparisons which could not be said exactly."""
        self._pairs: dict[Symbol, Pair] = {NO: NEVER, CONSTANTS["m"]: (TRUE, -TRUE), CONSTANTS["y"]: ALWAYS}
        self._exprs: dict[Expr, Pair] = {}
        self._visible: dict[Symbol, Pair] = {}
        self._numbers: dict[tuple[Symbol, int, bool], int] = {}
        self._strings: dict[tuple[Symbol, str], int] = {}
        self._chain = 0
        self._modules = -TRUE
        if tree.modules is not NO:
            self._define(settled((tree.modules,)))
            self._modules = self._pairs[tree.modules][0]
            del self._pairs[tree.modules]
            kept = {symbol: self._pairs[symbol] for symbol in CONSTANTS.values()}
            self._pairs = {**kept, tree.modules: (self._modules, self._modules)}
            for stale in (self._exprs, self._visible, self._numbers, self._strings):
                stale.clear()

    def _promoted(self, pair: Pair, type_: Type) -> Pair:
        """The pair with m made y where a symbol of that type cannot be m."""
        if type_ is Type.BOOL:
            return pair[0], pair[0]
        return pair[0], self.any((pair[1], self.all((pair[0], -self._modules))))

    # --- expressions

    def expr(self, expr: Expr | None) -> Pair:
        """The literals of an expression; defines the symbols that it needs."""
        if expr is None:
            return ALWAYS
        stack: list[Expr] = [expr]
        wanted: list[Symbol] = []
        while stack:
            each = stack.pop()
            if isinstance(each, Symbol):
                wanted.append(each)
            elif isinstance(each, Relation):
                wanted += (each.left, each.right)
            elif isinstance(each, Not):
                stack.append(each.operand)
            else:
                stack += each.operands
        self._define(settled(symbol for symbol in wanted if symbol not in self._pairs))
        return self._expr(expr)

    def asked(self, statement: Reverse) -> Pair:
        """The literals of the value that one ``select`` asks for."""
        pair = self.least((self.expr(statement.selector), self.expr(statement.when)))
        return self._promoted(pair, statement.target.type)

    def direct(self, symbol: Symbol) -> Pair:
        """The literals of the direct dependencies of a symbol."""
        if not symbol.direct:
            return ALWAYS
        return self._promoted(self.most([self.expr(each) for each in symbol.direct]), symbol.type)

    def _expr(self, expr: Expr) -> Pair:
        if isinstance(expr, Symbol):
            return self._pairs.get(expr, NEVER)
        known = self._exprs.get(expr)
        if known is None:
            if isinstance(expr, Relation):
                literal = self._relation(expr)
                known = (literal, literal)
            elif isinstance(expr, Not):
                inner = self._expr(expr.operand)
                known = (-inner[1], -inner[0])
            else:
                pairs = [self._expr(each) for each in expr.operands]
                known = self.least(pairs) if isinstance(expr, And) else self.most(pairs)
            self._exprs[expr] = known
        return known

    def _condition(self, expr: Expr | None) -> Pair:
        return ALWAYS if expr is None else self._expr(expr)

    def _guess(self) -> int:
        literal = self.fresh()
        self.guessed.add(literal)
        return literal

    # --- symbols

    def _define(self, order: tuple[Symbol, ...]) -> None:
        for symbol in order:
            if symbol in self._pairs:
                continue
            if symbol.choice is not None and symbol.choice.symbol is not None:
                self._define_members(symbol.choice, symbol.choice.symbol)
            elif symbol.choice is not None:
                self._define_choice(symbol.choice)
            elif symbol.logical:
                self._pairs[symbol] = self._logical(symbol)
            else:
                self._pairs[symbol] = NEVER

    def _visibility(self, symbol: Symbol) -> Pair:
        known = self._visible.get(symbol)
        if known is None:
            known = ALWAYS
            if not symbol.transitional:
                pair = self.most([self._shown(symbol, prompt.when) for prompt in symbol.prompts])
                known = self._promoted(pair, symbol.type if symbol.logical else Type.BOOL)
            self._visible[symbol] = known
        return known

    def _user(self, symbol: Symbol) -> User:
        user = self.users.get(symbol)
        if user is None:
            value = NEVER
            if symbol.logical:
                some = self.fresh()
                value = (some, some)
                if symbol.type is Type.TRISTATE:
                    value = (some, self.fresh())
                    self.clauses.append([-value[1], some])
            user = self.users[symbol] = User(self.fresh(), value, [], {}, {})
        return user

    def _logical(self, symbol: Symbol) -> Pair:
        direct = self.direct(symbol)
        selected = self._asked(symbol.selected, symbol)
        implied = self._asked(symbol.implied, symbol)
        value = NEVER
        for default in reversed(symbol.defaults):
            when = self._condition(default.when)
            value = self.either_pair(when[0], self.least((self._expr(default.value), when)), value)
        if implied != NEVER:
            value = self.either_pair(implied[0], self.least((self.most((value, implied)), direct)), value)
        visible = self._visibility(symbol)
        if visible[0] != -TRUE:
            user = self._user(symbol)
            value = self.either_pair(
                self.all((visible[0], user.set)), self.least((user.value, visible)), value
            )
        return self._promoted(self.most((value, selected)), symbol.type)

    def _asked(self, statements: list[Reverse], symbol: Symbol) -> Pair:
        pairs = [self.least((self._expr(each.selector), self._condition(each.when))) for each in statements]
        return self._promoted(self.most(pairs), symbol.type)

    def _define_choice(self, choice: Choice) -> None:
        """Of the visible members exactly one is y, and any of them can be: the user has but to set it."""
        literals: list[int] = []
        for symbol in choice.members:
            visible = self._visibility(symbol)[0]
            literal = -TRUE
            if visible != -TRUE:
                literal = self.chosen[symbol] = self.fresh()
                self.clauses.append([-literal, visible])
                for other in literals:
                    self.clauses.append([-literal, -other])
                literals.append(literal)
            self._pairs[symbol] = (literal, literal)
        for symbol in choice.members:
            self.clauses.append([-self._visibility(symbol)[0], *literals])

    def _shown(self, symbol: Symbol, when: Expr | None) -> Pair:
        """When a prompt is shown; an m counts as n where the choice around a tristate is y."""
        pair = self._condition(when)
        whole = symbol.choice.symbol if symbol.choice is not None else None
        if whole is None or symbol.type is not Type.TRISTATE:
            return pair
        yes = self._pairs.get(whole, NEVER)[1]
        return self.all((pair[0], self.any((pair[1], -yes)))), pair[1]

    def _define_members(self, choice: Choice, whole: Symbol) -> None:
        """The members of a choice that is a symbol: where it is y exactly one of the visible ones is.

        What the user sets the choice to is the greatest of what its members are set to.
        """
        yes = self._pairs[whole][1]
        literals: list[int] = []
        some: list[int] = []
        for symbol in choice.members:
            visible = self._visibility(symbol)
            value = NEVER
            for default in reversed(symbol.defaults):
                when = self._condition(default.when)
                value = self.either_pair(when[0], self.least((self._expr(default.value), when)), value)
            if visible[0] != -TRUE:
                literal = self.chosen[symbol] = self.fresh()
                self.clauses += [[-literal, visible[0]], [-literal, yes]]
                self.clauses += [[-literal, -other] for other in literals]
                literals.append(literal)
                if symbol.type is Type.TRISTATE:
                    user = self._user(symbol)
                    self.clauses.append([-user.set, -user.value[1], literal])
                    some.append(self.all((user.set, user.value[0])))
                    value = self.either_pair(user.set, self.least((user.value, visible)), value)
                value = self.either_pair(visible[1], (literal, literal), value)
            self._pairs[symbol] = self._promoted(value, symbol.type)
        for symbol in choice.members:
            self.clauses.append([-self._visibility(symbol)[0], -yes, *literals])
        set_to = self.users.get(whole)
        if set_to is not None:
            of = (self.all((set_to.set, set_to.value[0])), self.all((set_to.set, set_to.value[1])))
            self.clauses += [[-of[1], *literals], [-of[0], *literals, *some]]
            self.clauses += [[-literal, of[1]] for literal in literals]
            self.clauses += [[-each, of[0]] for each in some]

    # --- comparisons

    def _relation(self, expr: Relation) -> int:
        left, right = expr.left, expr.right
        first, second = self._values(left), self._values(right)
        if first is not None and second is not None:
            return self.any(
                self.all((one, two))
                for text, one in first
                for other, two in second
                if holds(expr.operator, compare(text, left.type, other, right.type))
            )
        mirrored = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}
        if second is not None and len(second) == 1:
            return self._against(left, expr.operator, right)
        if first is not None and len(first) == 1:
            return self._against(right, mirrored.get(expr.operator, expr.operator), left)
        return self._guess()

    def _values(self, symbol: Symbol) -> list[tuple[str, int]] | None:
        """The values that a symbol can have, with their literals; None for an int, hex or string."""
        if symbol.constant or symbol.type is Type.UNKNOWN:
            return [(symbol.name, TRUE)]
        if not symbol.logical:
            return None
        some, yes = self._pairs[symbol]
        return [("n", -some), ("m", self.all((some, -yes))), ("y", yes)]

    def _against(self, symbol: Symbol, operator: str, constant: Symbol) -> int:
        """The literal of a comparison of an int, hex or string symbol with a constant."""
        if symbol.type is Type.STRING:
            if operator not in ("=", "!="):
                return self._guess()
            literal = self._equal(symbol, constant)
            return literal if operator == "=" else -literal
        bound = number(constant.name, constant.type)
        if bound is None or (symbol.type is Type.HEX and bound < 0):
            return self._guess()  # compared as text: only an odd default could be spelt so
        match operator:
            case ">=":
                return self._reaches(symbol, bound)
            case "<":
                return -self._reaches(symbol, bound)
            case ">":
                return self._reaches(symbol, bound + 1)
            case "<=":
                return -self._reaches(symbol, bound + 1)
        literal = self.all((self._reaches(symbol, bound), -self._reaches(symbol, bound + 1)))
        return literal if operator == "=" else -literal

    def _reaches(self, symbol: Symbol, bound: int, *, raw: bool = False) -> int:
        """The literal of "the value is at least the bound"; ``raw`` is before the symbol's range is applied."""
        key = (symbol, bound, raw)
        known = self._numbers.get(key)
        if known is None:
            known = self._numbers[key] = (
                self._unbounded(symbol, bound) if raw else self._ranged(symbol, bound)
            )
        return known

    def _ranged(self, symbol: Symbol, bound: int) -> int:
        value = before = self._reaches(symbol, bound, raw=True)
        for limits in reversed(symbol.ranges):
            lows, highs = self._cases(limits.low, symbol.type), self._cases(limits.high, symbol.type)
            if lows is None or highs is None:
                limited = self._guess()
            else:
                below = self.any(
                    self.all((case, -self._reaches(symbol, low, raw=True))) for low, case in lows
                )
                above = self.any(
                    self.all((case, self._reaches(symbol, high + 1, raw=True))) for high, case in highs
                )
                lowest = self.any(case for low, case in lows if low >= bound)
                highest = self.any(case for high, case in highs if high >= bound)
                limited = self.either(below, lowest, self.either(above, highest, before))
            value = self.either(self._condition(limits.when)[0], limited, value)
        return value

    def _cases(self, symbol: Symbol, type_: Type) -> list[tuple[int, int]] | None:
        """The numbers that a bound of a range can be, with the literal of each; None if they are unbounded.

        A bound is a constant, or mostly a symbol without a prompt whose defaults are constants.
        """
        base = {Type.INT: 10, Type.HEX: 16}
        if not symbol.places:
            return [(prefix_number(symbol.name, base[type_]), TRUE)]
        if symbol.type not in base or symbol.prompts or symbol.ranges or self._chain > MAX_CHAIN:
            return None
        cases: list[tuple[int, int]] = []
        rest = TRUE
        for default in symbol.defaults:
            if not isinstance(default.value, Symbol):
                return None
            here = self.all((rest, self._condition(default.when)[0]))
            rest = self.all((rest, -self._condition(default.when)[0]))
            self._chain += 1
            inner = self._cases(default.value, symbol.type)
            self._chain -= 1
            if inner is None or len(cases) + len(inner) > MAX_CASES:
                return None
            cases += [(value, self.all((here, case))) for value, case in inner]
        cases.append((0, rest))
        return cases

    def _unbounded(self, symbol: Symbol, bound: int) -> int:
        # What has no default is 0, and to older kernels "", which is less than any number.
        value = TRUE if bound <= 0 and self.tree.grammar.zero else -TRUE
        for default in reversed(symbol.defaults):
            literal = value
            if isinstance(default.value, Symbol):
                literal = self._copied(symbol, default.value, bound)
            value = self.either(self._condition(default.when)[0], literal, value)
        visible = self._visibility(symbol)[0]
        if visible != -TRUE:
            user = self._user(symbol)
            value = self.either(self.all((visible, user.set)), self._typed(symbol, user, bound), value)
        return value

    def _copied(self, symbol: Symbol, source: Symbol, bound: int) -> int:
        """The literal of "the default taken from that symbol is at least the bound"."""
        if source.places:
            if source.type is not symbol.type or self._chain > MAX_CHAIN:
                return self._guess()
            self._chain += 1
            literal = self._reaches(source, bound)
            self._chain -= 1
            return literal
        value = number(source.name, symbol.type)
        if value is None:
            return self._guess()
        return TRUE if value >= bound else -TRUE

    def _typed(self, symbol: Symbol, user: User, bound: int) -> int:
        """The free literal of "what the user typed is at least the bound", in line with its neighbours."""
        if symbol.type is Type.HEX and bound <= 0:
            return TRUE
        if bound > 2**63 - 1:
            return self._guess() if symbol.type is Type.HEX else -TRUE
        if bound not in user.bounds:
            literal = user.bounds[bound] = self.fresh()
            position = bisect.bisect(user.at_least, bound)
            if position:
                self.clauses.append([-literal, user.bounds[user.at_least[position - 1]]])
            if position < len(user.at_least):
                self.clauses.append([-user.bounds[user.at_least[position]], literal])
            user.at_least.insert(position, bound)
        return user.bounds[bound]

    def _equal(self, symbol: Symbol, constant: Symbol) -> int:
        """The literal of "the string is that"."""
        key = (symbol, constant.name)
        known = self._strings.get(key)
        if known is None:
            known = self._strings[key] = self._string(symbol, constant)
        return known

    def _string(self, symbol: Symbol, constant: Symbol) -> int:
        def same(text: str) -> int:
            return TRUE if compare(text, Type.STRING, constant.name, constant.type) == 0 else -TRUE

        value = same("")
        for default in reversed(symbol.defaults):
            source = default.value
            literal = value
            if isinstance(source, Symbol):
                if not source.places:
                    literal = same(source.name)
                elif source.type is Type.STRING and self._chain <= MAX_CHAIN:
                    self._chain += 1
                    literal = self._equal(source, constant)
                    self._chain -= 1
                else:
                    literal = self._guess()
            value = self.either(self._condition(default.when)[0], literal, value)
        visible = self._visibility(symbol)[0]
        if visible != -TRUE:
            user = self._user(symbol)
            free = user.equal[constant.name] = self.fresh()
            for other, literal in user.equal.items():
                if other != constant.name and compare(other, Type.STRING, constant.name, constant.type) != 0:
                    self.clauses.append([-free, -literal])
            value = self.either(self.all((visible, user.set)), free, value)
        return value
