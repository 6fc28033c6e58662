"""From entries as they are written to symbols with all their dependencies: ``menu_finalize()``.

Every property gets the conditions of the blocks around it. Members of a choice depend on what the choice
depends on, not on its value or its prompt's condition.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

from checkseries.facts.kconfig.dialect import Parse
from checkseries.facts.kconfig.free import Free, FreeToolchain, define, told
from checkseries.facts.kconfig.order import settled
from checkseries.facts.kconfig.symbol import (
    CONSTANTS,
    MOD,
    NO,
    YES,
    And,
    Block,
    Choice,
    Default,
    Expr,
    Grammar,
    KconfigError,
    Prompt,
    Range,
    Relation,
    Reverse,
    Symbol,
    Tree,
    Type,
    both,
)
from checkseries.facts.kconfig.toolchain import Toolchain
from checkseries.facts.kconfig.walled import kconfiglib

_TYPES = {
    kconfiglib.UNKNOWN: Type.UNKNOWN,
    kconfiglib.BOOL: Type.BOOL,
    kconfiglib.TRISTATE: Type.TRISTATE,
    kconfiglib.INT: Type.INT,
    kconfiglib.HEX: Type.HEX,
    kconfiglib.STRING: Type.STRING,
}


NEWEST = Grammar()
GRAMMAR = ("scripts/kconfig/parser.y", "scripts/kconfig/symbol.c")
"""The files that tell which dialect a tree takes."""


def grammar_of(read: Callable[[str], str | None]) -> Grammar:
    """The dialect of a tree, by the sources of its own ``conf``; the newest where they are not there."""
    parser, symbols = map(read, GRAMMAR)
    if parser is None or symbols is None:
        return NEWEST if parser is None else Grammar(strict="T_TRANSITIONAL" in parser)
    newest = "T_TRANSITIONAL" in parser
    return Grammar(
        strict=newest,
        plain=newest or "choice_members" in parser,
        options=re.search(r"\bT_OPTION\b", parser) is not None,
        zero='"0x0"' in symbols,
    )


def parsed(
    read: Callable[[str], str | None], top: str, toolchain: Toolchain, grammar: Grammar = NEWEST
) -> Tree:
    """All symbols that a top Kconfig file and what it sources define; raises KconfigError.

    ``read`` gives the text of a path of the tree, None if there is no such file.
    """
    parse = Parse(read, top, toolchain, grammar)
    walk = Walk(parse)
    walk.block(parse.top_node.list, None, None, None)
    walk.transitional()
    walk.members()
    free = walk.free(toolchain.free) if isinstance(toolchain, FreeToolchain) else {}
    modules = parse.modules_symbol or NO
    for limited in parse.limited:
        limited.operands = (limited.operands[0], modules)
    parse.dissolve()
    return Tree(
        symbols=parse.symbols,
        choices=tuple(walk.choices),
        modules=modules,
        order=settled(parse.symbols.values()),
        files=tuple(parse.kconfig_filenames),
        warnings=tuple(parse.remarks),
        unmodelled=tuple(parse.unmodelled),
        assumed=tuple(parse.assumed),
        grammar=grammar,
        yes_for_no=frozenset(parse.yes_for_no),
        blocks=walk.blocks,
        sourced=parse.sourced,
        free=MappingProxyType(free),
    )


class Walk:
    """One walk over the entries, in the order in which they were parsed."""

    def __init__(self, parse: Parse) -> None:
        self.parse = parse
        self.always = parse.y
        self.choices: list[Choice] = []
        self.blocks: dict[tuple[str, int], Block] = {}
        self.leader: Symbol | None = None
        """In a choice of an older kernel the entry that those which depend on it are put below."""
        self.prompting: Counter[Symbol] = Counter()
        """How many entries of a symbol have a prompt."""

    def block(self, node: Any, dep: Expr | None, visible: Expr | None, choice: Choice | None) -> None:
        """The entries of a block: ``dep`` and ``visible`` are what the blocks around it ask for."""
        while node is not None:
            here = both(dep, self.condition(node.dep))
            item = node.item
            if choice is None:
                self.blocks.setdefault(
                    (node.filename, 0), (dep, visible)
                )  # the first of a file is in no other block
            if item.__class__ is kconfiglib.Symbol:
                self.config(node, here, visible, choice)
            elif item.__class__ is kconfiglib.Choice:
                self.choice(node, here, visible)
            elif item == kconfiglib.MENU:
                shown = both(visible, self.condition(node.visibility))
                self.blocks[node.filename, node.linenr] = (here, shown)
                self.block(node.list, here, shown, None)
            elif item is None:  # an if block
                if choice is None:
                    self.blocks[node.filename, node.linenr] = (here, visible)
                self.block(node.list, here, visible, None if self.below(here) else choice)
            node = node.next

    def condition(self, condition: Any) -> Expr | None:
        """A condition of an entry, None where nothing is said."""
        return None if condition is self.always else condition

    def prompts(self, node: Any, dep: Expr | None, visible: Expr | None) -> list[Prompt]:
        """All prompts of an entry."""
        written = [*self.parse.more_prompts.get(node, ()), *((node.prompt,) if node.prompt else ())]
        return [Prompt(text, both(both(dep, visible), self.condition(cond))) for text, cond in written]

    def config(self, node: Any, dep: Expr | None, visible: Expr | None, choice: Choice | None) -> None:
        """An entry of a symbol."""
        own = self.parse.own
        symbol = own(node.item)
        symbol.type = _TYPES[node.item.orig_type]
        symbol.places.append((node.filename, node.linenr))
        if dep is not None:
            symbol.direct.append(dep)
        self.prompting[symbol] += bool(node.prompt)
        symbol.prompts += self.prompts(node, dep, visible)
        for value, cond in node.defaults:
            symbol.defaults.append(Default(value, both(dep, self.condition(cond))))
        for low, high, cond in node.ranges:
            symbol.ranges.append(Range(own(low), own(high), both(dep, self.condition(cond))))
        self.reverse(node, symbol, dep)
        if choice is not None:
            self.member(node, symbol, choice)
        if node.is_menuconfig and not node.prompt and self.parse.grammar.strict:
            raise KconfigError(node.filename, node.linenr, "menuconfig statement without prompt")

    def reverse(self, node: Any, symbol: Symbol, dep: Expr | None) -> None:
        """The ``select`` and ``imply`` statements of an entry, in the order of their lines."""
        lines = self.parse.reverse_lines.get(node)
        if lines is None:
            return
        selects, implies = iter(node.selects), iter(node.implies)
        for line, implied in zip(lines, self.parse.reverse_order[node], strict=True):
            item, cond = next(implies if implied else selects)
            target = self.parse.own(item)
            own = self.condition(cond)
            statement = Reverse(symbol, target, own, both(dep, own), node.filename, line, implied)
            symbol.selects.append(statement)
            (target.implied if implied else target.selected).append(statement)

    def member(self, node: Any, symbol: Symbol, choice: Choice) -> None:
        """A member of a choice, with what ``conf`` asks of one."""
        if choice.symbol is not None:
            self.old_member(node, symbol, choice, choice.symbol)
            return
        if not node.prompt:
            raise KconfigError(node.filename, node.linenr, "choice member must have a prompt")
        if symbol.type is not Type.BOOL:
            raise KconfigError(node.filename, node.linenr, "choice member must be bool")
        if symbol.choice is not None and symbol.choice is not choice:
            raise KconfigError(
                node.filename, node.linenr, "choice value must not have a prompt in another entry"
            )
        symbol.choice = choice
        if symbol not in choice.members:
            choice.members.append(symbol)

    def old_member(self, node: Any, symbol: Symbol, choice: Choice, whole: Symbol) -> None:
        """A member of a choice that is a symbol: its prompts depend on that already, and a bool on its being y."""
        if symbol.type is Type.UNKNOWN:
            symbol.type = whole.type
        when = symbol.prompts[-1].when if node.prompt else symbol.direct[-1] if symbol.direct else None
        if self.below(when):
            return
        self.leader = symbol
        if symbol.choice is not None and symbol.choice is not choice:
            return  # "choice value used outside its choice group" is but a warning
        symbol.choice = choice
        if symbol not in choice.members:
            choice.members.append(symbol)
        if whole.type is Type.TRISTATE and symbol.type is not Type.TRISTATE:
            yes = Relation("=", whole, YES)
            for prompt in symbol.prompts[-1:] if node.prompt else ():
                prompt.when = both(yes, prompt.when)

    def below(self, when: Expr | None) -> bool:
        """Whether an entry of a choice depends on the one before, and so stands below that: it is no member.

        The automatic submenus of ``menu_finalize()``.
        """
        parts = when.operands if isinstance(when, And) else (when,)
        return self.leader is not None and any(
            part is self.leader
            or (
                isinstance(part, Relation)
                and part.left is self.leader
                and (part.operator, part.right) in (("=", YES), ("=", MOD), ("!=", NO))
            )
            for part in parts
        )

    def whole(self, node: Any, choice: Choice) -> Symbol:
        """The symbol that a choice is to older kernels."""
        symbol = Symbol(f"<choice {len(self.choices)}>", whole=True)
        self.parse.symbols[symbol.name] = symbol
        symbol.type = _TYPES[node.item.orig_type]
        child = node.list
        while symbol.type is Type.UNKNOWN and child is not None:
            if child.item.__class__ is kconfiglib.Symbol:
                symbol.type = _TYPES[child.item.orig_type]
            child = child.next
        symbol.places.append((node.filename, node.linenr))
        symbol.prompts += choice.prompts
        if node not in self.parse.optional:
            for prompt in choice.prompts[:1]:
                symbol.selected.append(
                    Reverse(MOD, symbol, None, prompt.when, node.filename, node.linenr, implied=False)
                )
        return symbol

    def choice(self, node: Any, dep: Expr | None, visible: Expr | None) -> None:
        """A choice and its members."""
        old = not self.parse.grammar.plain
        if not node.prompt and not old:
            raise KconfigError(node.filename, node.linenr, "choice must have a prompt")
        choice = Choice(node.filename, node.linenr, self.prompts(node, dep, visible), dep=dep)
        for value, cond in node.defaults:
            if not isinstance(value, Symbol) or (value.constant and value.name not in CONSTANTS):
                raise KconfigError(node.filename, node.linenr, "the default of a choice must be a symbol")
            choice.defaults.append((value, both(dep, self.condition(cond))))
        self.choices.append(choice)
        if old:
            choice.symbol = self.whole(node, choice)
            self.leader = None
            self.block(node.list, choice.symbol, visible, choice)
            self.leader = None
        else:
            self.block(node.list, dep, visible, choice)

    def members(self) -> None:
        """Look at the members of choices once all their entries are known."""
        for choice in self.choices if self.parse.grammar.plain else ():
            for symbol in choice.members:
                path, line = symbol.places[0]
                if symbol.defaults:
                    raise KconfigError(path, line, "defaults for choice values not supported")
                if self.prompting[symbol] > 1 and self.parse.grammar.strict:
                    raise KconfigError(path, line, "choice value must not have a prompt in another entry")

    def free(self, answers: Mapping[str, Free]) -> dict[str, Callable[[str], str]]:
        """Define the symbols that stand for free answers of the toolchain, as far as anything asks for them."""
        found: dict[str, Callable[[str], str]] = {}
        pending = [name for name in answers if name in self.parse.symbols]
        while pending:
            name = pending.pop()
            symbol = self.parse.symbols.setdefault(name, Symbol(name))
            if symbol.places:  # defined already, or an entry of the tree's own that is spelt so
                continue
            answer = answers[name]
            on = answer.opposite or (answer.kinds[0] if answer.kinds else "")
            other = self.parse.symbols.setdefault(on, Symbol(on)) if on else None
            define(symbol, answer, other)
            found[name] = partial(told, answer)
            pending += [on] if on else []
        return found

    def transitional(self) -> None:
        """Mark the transitional symbols; they can have nothing but a help text."""
        for name, (path, line) in self.parse.transitional.items():
            symbol = self.parse.symbols[name]
            symbol.transitional = True
            if symbol.direct or symbol.prompts or symbol.defaults or symbol.ranges or symbol.selects:
                raise KconfigError(path, line, "transitional symbols can only have help sections")
