"""The value of every symbol under a ``.config``: what ``conf --olddefconfig`` makes of it.

A direct rendering of ``sym_calc_value()``, ``sym_calc_visibility()`` and ``sym_calc_choice()``
(``scripts/kconfig/symbol.c``). Values are computed when they are asked for, and only of what they need.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Literal

from checkseries.facts.kconfig.expression import compare, holds, prefix_number
from checkseries.facts.kconfig.order import needs
from checkseries.facts.kconfig.symbol import (
    CONSTANTS,
    LETTER,
    NO,
    And,
    Choice,
    Expr,
    M,
    N,
    Not,
    Or,
    Relation,
    Reverse,
    Symbol,
    Tree,
    Type,
    Y,
)

Mode = Literal["olddefconfig", "alldefconfig", "allnoconfig", "allmodconfig", "allyesconfig"]

_INT = re.compile(r"-?(?:0|[1-9][0-9]*)\Z")
_HEX = re.compile(r"(?:0[xX])?[0-9a-fA-F]+\Z")
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
_EMPTY = {Type.INT: "0", Type.HEX: "0x0", Type.STRING: ""}
_NOTHING = {Type.INT: "", Type.HEX: "", Type.STRING: ""}
_MODE = {"allnoconfig": N, "allmodconfig": M, "allyesconfig": Y}


class Evaluation:
    """The values of all symbols under some assignments.

    ``assignments`` pair names without ``CONFIG_`` with what stands behind ``=`` (``n`` for ``is not set``;
    strings in their quotes), in the order of the file: among the members of a choice the last one wins. As
    in ``conf``, what is not valid for a symbol is as if it were not there, and unknown names are ignored.
    An ``all*config`` mode answers every prompt that is left.

    ``near`` is an evaluation of similar assignments in the same mode: what does not hang on those that differ is
    taken from it.
    """

    def __init__(
        self,
        tree: Tree,
        assignments: Mapping[str, str] | Iterable[tuple[str, str]] = (),
        mode: Mode = "olddefconfig",
        near: Evaluation | None = None,
    ) -> None:
        self.tree = tree
        self._modules = N
        self._tri: dict[Symbol, int] = {symbol: value for value, symbol in enumerate(CONSTANTS.values())}
        self._text: dict[Symbol, str] = {symbol: symbol.name for symbol in CONSTANTS.values()}
        self._written: set[Symbol] = set()
        self._visible: dict[Symbol, int] = {}
        self._shared: dict[And, int] = {}
        self._unmet: dict[Symbol, tuple[int, int]] = {}
        self._user_tri: dict[Symbol, int] = {}
        self._user_text: dict[Symbol, str] = {}
        self._preferred: dict[Choice, list[Symbol]] = {}
        self._picked: dict[Choice, Symbol] = {}
        self._empty = _EMPTY if tree.grammar.zero else _NOTHING
        pairs = assignments.items() if isinstance(assignments, Mapping) else assignments
        for name, value in pairs:
            self._assign(tree.symbols.get(name), value)
        if mode in _MODE:
            self._answer(_MODE[mode])
            for name in tree.yes_for_no if mode == "allnoconfig" else ():
                self._user_tri[tree.symbols[name]] = Y
        if near is not None and self._take_over(near):
            return
        if tree.modules is not NO:
            self._modules = self.value(tree.modules)
            if self._modules:  # what MODULES itself needs was computed as if there were none
                constants = CONSTANTS.values()
                self._tri = {symbol: self._tri[symbol] for symbol in constants}
                self._text = {symbol: self._text[symbol] for symbol in constants}
                self._written, self._visible, self._shared, self._unmet = set(), {}, {}, {}
        if not tree.grammar.zero and self._user_text:
            self._forget()

    def _take_over(self, near: Evaluation) -> bool:
        """Take the values that do not hang on what is set otherwise; whether that can be done."""
        if not (self.tree.grammar.zero and self.tree.grammar.plain):
            return False
        differing = {symbol for symbol, _ in self._user_tri.items() ^ near._user_tri.items()}
        differing |= {symbol for symbol, _ in self._user_text.items() ^ near._user_text.items()}
        choices = {
            choice
            for choice in self._preferred.keys() | near._preferred.keys()
            if self._preferred.get(choice) != near._preferred.get(choice)
        }
        choices |= {symbol.choice for symbol in differing if symbol.choice is not None}
        near.value(self.tree.modules)  # so that it is told whether that hangs on what differs
        gone = near._hanging(differing | {symbol for choice in choices for symbol in choice.members})
        if self.tree.modules in gone:  # on which every m hangs
            return False
        self._modules = near._modules
        self._tri = {symbol: value for symbol, value in near._tri.items() if symbol not in gone}
        self._text = {symbol: value for symbol, value in near._text.items() if symbol not in gone}
        self._visible = {symbol: value for symbol, value in near._visible.items() if symbol not in gone}
        self._unmet = {symbol: value for symbol, value in near._unmet.items() if symbol not in gone}
        self._written = near._written - gone
        return True

    def _hanging(self, symbols: set[Symbol]) -> set[Symbol]:
        """These, and all that has a value here which is computed from theirs."""
        users: dict[Symbol, list[Symbol]] = defaultdict(list)
        for symbol in (*self._tri, *self._text):
            for need in needs(symbol) if symbol.places else ():
                users[need].append(symbol)
        found = set(symbols)
        pending = list(symbols)
        while pending:
            fresh = set(users.get(pending.pop(), ())) - found
            found |= fresh
            pending += fresh
        return found

    # --- user values

    def _assign(self, symbol: Symbol | None, value: str) -> None:
        if symbol is None:
            return
        match symbol.type:
            case Type.BOOL | Type.TRISTATE:
                letter = value[:1]
                if letter not in ("y", "n") and not (letter == "m" and symbol.type is Type.TRISTATE):
                    return
                self._user_tri[symbol] = LETTER.index(letter)
            case Type.INT if not _INT.match(value):
                return
            case Type.HEX if not _HEX.match(value):
                return
            case Type.INT | Type.HEX:
                self._user_text[symbol] = value
            case Type.STRING:
                quoted = _STRING.match(value)
                if quoted is None:
                    return
                self._user_text[symbol] = re.sub(r"\\(.)", r"\1", quoted[1])
            case _:
                return
        if symbol.choice is not None and symbol.choice.symbol is not None:
            self._pick(symbol, symbol.choice, symbol.choice.symbol)
        elif symbol.choice is not None:
            order = self._preferred.setdefault(symbol.choice, list(symbol.choice.members))
            order.remove(symbol)
            order.insert(0, symbol)

    def _pick(self, symbol: Symbol, choice: Choice, whole: Symbol) -> None:
        """What setting a member says of a choice that is a symbol: the greatest of all, and which is y."""
        value = self._user_tri[symbol]
        if value == Y:
            self._picked[choice] = symbol
        self._user_tri[whole] = max(value, self._user_tri.get(whole, N))

    def _forget(self) -> None:
        """Forget the numbers that are out of their range, as ``conf_read()`` did; what hangs on them stays."""
        beyond = [
            symbol
            for symbol, value in self._user_text.items()
            if symbol.ranges and not self._within(symbol, value)
        ]
        if beyond:
            for symbol in self.tree.order:
                self._settle(symbol)
            for symbol in beyond:
                del self._user_text[symbol], self._text[symbol]
                self._written.discard(symbol)
            for symbol in beyond:
                self._settle(symbol)

    def _within(self, symbol: Symbol, value: str) -> bool:
        self._settle(symbol)
        base = 10 if symbol.type is Type.INT else 16
        for bounds in symbol.ranges:
            if self._condition(bounds.when) != N:
                low, high = self._bound(bounds.low, base), self._bound(bounds.high, base)
                return low <= prefix_number(value, base) <= high
        return True

    def _answer(self, value: int) -> None:
        for symbol in self.tree.order:
            member = symbol.choice is not None and symbol.choice.symbol is None
            if symbol.logical and symbol.prompts and not member:
                self._user_tri.setdefault(symbol, value)

    # --- questions

    def value(self, symbol: Symbol) -> int:
        """The tristate value of a symbol: 0, 1 or 2; 0 for what is neither bool nor tristate."""
        self._settle(symbol)
        return self._tri.get(symbol, N)

    def text(self, symbol: Symbol) -> str:
        """The value as it is compared and written: ``y``, ``0x10``, a string without quotes."""
        self._settle(symbol)
        return self._shown(symbol)

    def written(self, symbol: Symbol) -> bool:
        """Whether the symbol appears in the ``.config`` that comes out."""
        self._settle(symbol)
        return symbol in self._written

    def visible(self, symbol: Symbol) -> int:
        """The visibility of a symbol's prompts: 0, 1 or 2."""
        self._settle(symbol)
        return self._visible.get(symbol, N)

    def expr(self, expr: Expr | None) -> int:
        """The value of an expression; an absent one is y."""
        if expr is None:
            return Y
        pending = [expr]
        while pending:
            each = pending.pop()
            if isinstance(each, Symbol):
                self._settle(each)
            elif isinstance(each, Relation):
                pending += (each.left, each.right)
            elif isinstance(each, Not):
                pending.append(each.operand)
            else:
                pending += each.operands
        return self._expr(expr)

    def unmet(self, symbol: Symbol) -> tuple[int, int] | None:
        """(value of the dependencies, value asked for by selects) if ``conf`` warns of unmet ones, else None."""
        self._settle(symbol)
        return self._unmet.get(symbol)

    def asked(self, statement: Reverse) -> int:
        """The value that one ``select`` or ``imply`` asks for; m counts as y for a bool target."""
        value = min(self.value(statement.selector), self.expr(statement.when))
        return self._promoted(value, statement.target)

    def all(self) -> dict[str, str]:
        """The value of every defined symbol, by name."""
        return {symbol.name: self.text(symbol) for symbol in self.tree.order if not symbol.whole}

    def all_unmet(self) -> frozenset[str]:
        """The names of all symbols that ``conf`` warns of."""
        for symbol in self.tree.order:
            self._settle(symbol)
        return frozenset(symbol.name for symbol in self._unmet)

    # --- computing

    def _settle(self, symbol: Symbol) -> None:
        """Compute a symbol after all that it needs, without recursion."""
        tri, text = self._tri, self._text
        if symbol in tri or symbol in text:
            return
        stack = [symbol]
        while stack:
            each = stack[-1]
            if each in tri or each in text:
                stack.pop()
                continue
            missing = (
                [need for need in needs(each) if need not in tri and need not in text] if each.places else []
            )
            if missing:
                stack += missing
                continue
            stack.pop()
            self._compute(each)

    def _compute(self, symbol: Symbol) -> None:
        match symbol.type:
            case Type.BOOL | Type.TRISTATE:
                if symbol.choice is None:
                    self._compute_logical(symbol)
                elif symbol.choice.symbol is None:
                    self._compute_choice(symbol.choice)
                else:
                    self._compute_members(symbol.choice, symbol.choice.symbol)
            case Type.UNKNOWN:
                self._text[symbol] = symbol.name
            case _:
                self._compute_text(symbol)

    def _visibility(self, symbol: Symbol) -> int:
        if symbol.transitional:
            value = Y
        else:
            value = N
            split = (
                symbol.type is Type.TRISTATE
                and symbol.choice is not None
                and symbol.choice.symbol is not None
            )
            for prompt in symbol.prompts:
                here = self._condition(prompt.when)
                if split and here == M and self._tri[symbol.choice.symbol] == Y:  # type: ignore[union-attr, index]
                    here = N
                value = max(value, here)
            if value == M and (symbol.type is not Type.TRISTATE or self._modules == N):
                value = Y
        self._visible[symbol] = value
        return value

    def _promoted(self, value: int, symbol: Symbol) -> int:
        if value == M and (symbol.type is Type.BOOL or self._modules == N):
            return Y
        return value

    def _compute_logical(self, symbol: Symbol) -> None:
        visible = self._visibility(symbol)
        written = visible != N
        direct = Y
        if symbol.direct:
            direct = self._promoted(max(self._expr(each) for each in symbol.direct), symbol)
        selected = N
        for statement in symbol.selected:
            selected = max(selected, min(self._expr(statement.selector), self._condition(statement.when)))
        selected = self._promoted(selected, symbol)
        user = self._user_tri.get(symbol)
        if visible != N and user is not None:
            value = min(user, visible)
        else:
            written = written or selected != N
            value = N
            for default in symbol.defaults:
                when = self._condition(default.when)
                if when != N:
                    value = min(self._expr(default.value), when)
                    written = written or value != N
                    break
            implied = N
            for statement in symbol.implied:
                implied = max(implied, min(self._expr(statement.selector), self._condition(statement.when)))
            implied = self._promoted(implied, symbol)
            if implied != N:
                written = True
                value = min(max(value, implied), direct)
        if direct < selected:
            self._unmet[symbol] = (direct, selected)
        self._tri[symbol] = self._promoted(max(value, selected), symbol)
        if written and not symbol.transitional:
            self._written.add(symbol)

    def _compute_choice(self, choice: Choice) -> None:
        visible = [symbol for symbol in choice.members if self._visibility(symbol) != N]
        chosen = self._chosen(choice, visible)
        for symbol in choice.members:
            self._tri[symbol] = Y if symbol is chosen else N
        self._written.update(visible)

    def _compute_members(self, choice: Choice, whole: Symbol) -> None:
        """The members of a choice that is a symbol itself: where that is m each is a tristate of its own."""
        mode = self._tri[whole]
        shown = {symbol: self._visibility(symbol) for symbol in choice.members}
        chosen = None
        if mode == Y:
            picked = self._picked.get(choice)
            chosen = next(
                (
                    each
                    for each in (
                        picked,
                        *(each for each, when in choice.defaults if self._condition(when) != N),
                        *choice.members,
                    )
                    if each is not None and shown.get(each, N) != N
                ),
                None,
            )
        for symbol, visible in shown.items():
            user = self._user_tri.get(symbol)
            written = visible != N
            if visible == Y:
                value = Y if symbol is chosen else N
            elif visible != N and user is not None:
                value = min(user, visible)
            else:
                value = N
                for default in symbol.defaults:
                    when = self._condition(default.when)
                    if when != N:
                        value = min(self._expr(default.value), when)
                        written = written or value != N
                        break
            self._tri[symbol] = Y if value == M and symbol.type is Type.BOOL else value
            if written:
                self._written.add(symbol)

    def _chosen(self, choice: Choice, visible: list[Symbol]) -> Symbol | None:
        """The member that is y: ``sym_calc_choice()``."""
        user = self._user_tri
        shown = set(visible)
        preferred = [each for each in self._preferred.get(choice, choice.members) if each in shown]
        for symbol in preferred:
            if user.get(symbol) == Y:
                return symbol
        default = next(
            (each for each, when in choice.defaults if self._condition(when) != N and each in shown),
            visible[0] if visible else None,
        )
        if default is not None and user.get(default) != N:
            return default
        for symbol in visible:
            if symbol not in user:
                return symbol
        return preferred[-1] if preferred else None

    def _compute_text(self, symbol: Symbol) -> None:
        visible = self._visibility(symbol)
        written = visible != N
        value = self._empty[symbol.type]
        user = self._user_text.get(symbol)
        if visible != N and user is not None:
            value = user
        else:
            for default in symbol.defaults:
                if self._condition(default.when) != N:
                    if isinstance(default.value, Symbol):
                        written = True
                        value = self._raw(default.value)
                    break
        self._text[symbol] = self._bounded(symbol, value)
        if written and not symbol.transitional and not symbol.silent:
            self._written.add(symbol)

    def _bounded(self, symbol: Symbol, value: str) -> str:
        """The value, or the bound of the symbol's range that it is beyond: ``sym_validate_range()``."""
        if symbol.type is Type.STRING:
            return value
        base = 10 if symbol.type is Type.INT else 16
        for bounds in symbol.ranges:
            if self._condition(bounds.when) == N:
                continue
            is_ = prefix_number(value, base)
            if is_ < self._bound(bounds.low, base):
                return self._raw(bounds.low)
            return self._raw(bounds.high) if is_ > self._bound(bounds.high, base) else value
        return value

    def _bound(self, symbol: Symbol, base: int) -> int:
        if symbol.type in (Type.INT, Type.HEX):
            base = 10 if symbol.type is Type.INT else 16
        return prefix_number(self._raw(symbol), base)

    def _raw(self, symbol: Symbol) -> str:
        """The text of ``curr.val``: that of a bool or tristate which is no constant never leaves "n"."""
        if symbol.logical and not symbol.constant:
            return "n"
        return self._text.get(symbol, symbol.name)

    def _shown(self, symbol: Symbol) -> str:
        if symbol.logical:
            return LETTER[self._tri[symbol]]
        return self._text.get(symbol, symbol.name)

    def _condition(self, expr: Expr | None) -> int:
        return Y if expr is None else self._expr(expr)

    def _expr(self, expr: Expr) -> int:
        """The value of an expression whose symbols are computed."""
        kind = type(expr)
        if kind is Symbol:
            return self._tri.get(expr, N)  # type: ignore[arg-type]  # mypy does not narrow on type()
        if kind is And:
            known = self._shared.get(expr)  # type: ignore[arg-type]
            if known is None:
                known = Y
                for each in expr.operands:  # type: ignore[union-attr]
                    value = self._expr(each)
                    if value < known:
                        known = value
                        if not known:
                            break
                self._shared[expr] = known  # type: ignore[index]
            return known
        if isinstance(expr, Relation):
            return self._relation(expr)
        if isinstance(expr, Not):
            return 2 - self._expr(expr.operand)
        assert isinstance(expr, Or)
        result = N
        for each in expr.operands:
            value = self._expr(each)
            if value > result:
                result = value
                if result == Y:
                    break
        return result

    def _relation(self, expr: Relation) -> int:
        left, right = expr.left, expr.right
        order = compare(self._shown(left), left.type, self._shown(right), right.type)
        return Y if holds(expr.operator, order) else N


def assigned(lines: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """The assignments of a ``.config``, in its order: ``conf_read_simple()``; other lines are ignored."""
    found = []
    for written in lines:
        line = written.removesuffix("\n").removesuffix("\r")
        if line.startswith("CONFIG_"):
            name, equals, value = line[len("CONFIG_") :].partition("=")
            if equals:
                found.append((name, value))
        elif match := re.match(r"# CONFIG_([^ ]*) is not set\Z", line):
            found.append((match[1], "n"))
    return tuple(found)


def assignment(name: str, value: str, type_: Type) -> str:
    """The line of a ``.config`` that gives a symbol a value, such as :meth:`Evaluation.text` returns."""
    if type_ in (Type.BOOL, Type.TRISTATE) and value == "n":
        return f"# CONFIG_{name} is not set"
    return f"CONFIG_{name}={quoted(value) if type_ is Type.STRING else value}"


def quoted(value: str) -> str:
    """A string as it is written into a ``.config``."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
