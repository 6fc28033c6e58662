"""What a Kconfig tree consists of once it is parsed: symbols, their properties, expressions.

The words are those of ``scripts/kconfig`` (expr.h, menu.c). Objects are built by one parse, filled in by
``menu.py`` and never changed afterwards. They are compared by identity: an expression is shared by every
property below a menu, so that its value is computed once a configuration.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from checkseries.errors import CheckseriesError

MAX_MESSAGE = 400
"""Characters of an error message: it quotes what the file says, which can be anything."""


class KconfigError(CheckseriesError):
    """A Kconfig file that ``conf`` would refuse, or that is beyond the bounds of this reader."""

    def __init__(self, path: str, line: int, message: str) -> None:
        message = "".join(
            each if each.isprintable() else "?" for each in " ".join(message.split())[:MAX_MESSAGE]
        )
        super().__init__(f"{path}:{line}: {message}" if line else f"{path}: {message}")
        self.path = path
        self.line = line
        """From 1; 0 speaks of the whole file."""
        self.message = message


class Type(enum.Enum):
    """The type of a symbol; UNKNOWN is that of an undefined one and of a constant."""

    UNKNOWN = "unknown"
    BOOL = "bool"
    TRISTATE = "tristate"
    INT = "int"
    HEX = "hex"
    STRING = "string"


N, M, Y = 0, 1, 2
"""The values of a tristate; ``&&`` is min, ``||`` is max, ``!x`` is ``2 - x``."""

LETTER = "nmy"
"""The letter of each tristate value."""


@dataclass(slots=True, eq=False)
class And:
    """All of at least two operands: the least of their values."""

    operands: tuple[Expr, ...]


@dataclass(slots=True, eq=False)
class Or:
    """Any of at least two operands: the greatest of their values."""

    operands: tuple[Expr, ...]


@dataclass(slots=True, eq=False)
class Not:
    """Two less the value of its operand: ``!m`` is m."""

    operand: Expr


@dataclass(slots=True, eq=False)
class Relation:
    """A comparison of two symbols, y or n; ``operator`` is one of ``= != < <= > >=``."""

    operator: str
    left: Symbol
    right: Symbol


@dataclass(slots=True, eq=False)
class Prompt:
    """What makes a symbol visible: its condition holds the dependencies and the menus around it."""

    text: str
    when: Expr | None


@dataclass(slots=True, eq=False)
class Default:
    """A default value and the condition of it, dependencies included."""

    value: Expr
    when: Expr | None


@dataclass(slots=True, eq=False)
class Range:
    """The bounds of an int or hex symbol and the condition of them, dependencies included."""

    low: Symbol
    high: Symbol
    when: Expr | None


@dataclass(slots=True, eq=False)
class Reverse:
    """A ``select`` or an ``imply`` statement."""

    selector: Symbol
    target: Symbol
    own: Expr | None
    """What stands behind ``if``."""
    when: Expr | None
    """The same, and the dependencies of the entry that it stands in."""
    path: str
    line: int
    implied: bool


@dataclass(slots=True, eq=False)
class Symbol:
    """A configuration symbol, an undefined name, or a constant."""

    name: str
    constant: bool = False
    type: Type = Type.UNKNOWN
    places: list[tuple[str, int]] = field(default_factory=list)
    """Where it is defined; none for constants and undefined names."""
    prompts: list[Prompt] = field(default_factory=list)
    defaults: list[Default] = field(default_factory=list)
    ranges: list[Range] = field(default_factory=list)
    selects: list[Reverse] = field(default_factory=list)
    """The ``select`` and ``imply`` statements in its entries."""
    selected: list[Reverse] = field(default_factory=list)
    """The ``select`` statements that name it."""
    implied: list[Reverse] = field(default_factory=list)
    """The ``imply`` statements that name it."""
    direct: list[Expr] = field(default_factory=list)
    """The dependencies of each of its entries that has any; the symbol depends on any of them.

    An entry without dependencies adds nothing, as in ``expr_alloc_or()``: ``depends on A`` at one entry and
    nothing at the next is A, not y.
    """
    choice: Choice | None = None
    """The choice that it is a member of."""
    transitional: bool = False
    silent: bool = False
    """Whether it is never written, having ``option defconfig_list``."""
    whole: bool = False
    """Whether it stands for a choice, and is none that anybody can name."""
    needs: tuple[Symbol, ...] | None = None
    """The symbols that its value is computed from, once somebody asked (``order.needs()``)."""

    @property
    def defined(self) -> bool:
        """Whether there is an entry of it."""
        return bool(self.places)

    @property
    def logical(self) -> bool:
        """Whether it is bool or tristate."""
        return self.type is Type.BOOL or self.type is Type.TRISTATE


@dataclass(slots=True, eq=False)
class Choice:
    """A choice: of its visible members exactly one is y."""

    path: str
    line: int
    prompts: list[Prompt] = field(default_factory=list)
    defaults: list[tuple[Symbol, Expr | None]] = field(default_factory=list)
    members: list[Symbol] = field(default_factory=list)
    dep: Expr | None = None
    symbol: Symbol | None = None
    """The symbol that it is to older kernels: n, m or y, as a whole."""


Expr = Symbol | And | Or | Not | Relation

Block = tuple[Expr | None, Expr | None]
"""The dependencies and the visibility that the blocks around an entry ask for."""

NO = Symbol("n", constant=True, type=Type.TRISTATE)
MOD = Symbol("m", constant=True, type=Type.TRISTATE)
YES = Symbol("y", constant=True, type=Type.TRISTATE)
CONSTANTS = {"n": NO, "m": MOD, "y": YES}


def both(left: Expr | None, right: Expr | None) -> Expr | None:
    """The conjunction of two conditions, either of which may be absent (``expr_alloc_and()``)."""
    if left is None:
        return right
    return left if right is None else every((left, right))


def every(operands: tuple[Expr, ...]) -> Expr:
    """The conjunction of operands without the constants in it (``expr_eliminate_yn()``).

    What stands beside an n is gone: it is no dependency, not even in a circle of them.
    """
    kept = tuple(each for each in operands if each is not YES)
    if NO in kept:
        return NO
    return And(kept) if len(kept) > 1 else kept[0] if kept else YES


def any_of(operands: tuple[Expr, ...]) -> Expr:
    """The disjunction of operands without the constants in it."""
    kept = tuple(each for each in operands if each is not NO)
    if YES in kept:
        return YES
    return Or(kept) if len(kept) > 1 else kept[0] if kept else NO


@dataclass(frozen=True, slots=True)
class Grammar:
    """Which of its dialects a kernel's ``conf`` takes; the defaults are those of the newest."""

    strict: bool = True
    """Since transitional symbols are known (6.18): a file included twice, a blank help text and a menuconfig without
    a prompt are refused."""
    plain: bool = True
    """Since 6.11: choices are bool and no symbols of their own; before they can be tristate and optional."""
    options: bool = False
    """Before 5.13: ``option modules`` and its like."""
    zero: bool = True
    """Since 6.7 or so: a number without a default is 0, and one out of its range is clamped, not forgotten."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A shell command that no model of the toolchain answers, and where it stands."""

    command: str
    path: str
    line: int


@dataclass(frozen=True, slots=True)
class Tree:
    """All that one parse found."""

    symbols: dict[str, Symbol]
    """By name, undefined ones too."""
    choices: tuple[Choice, ...]
    modules: Symbol
    """The symbol with the ``modules`` attribute, NO if there is none."""
    order: tuple[Symbol, ...]
    """The defined symbols, each after all that it needs."""
    files: tuple[str, ...]
    warnings: tuple[tuple[str, int, str], ...]
    unmodelled: tuple[Statement, ...]
    assumed: tuple[Statement, ...]
    grammar: Grammar = Grammar()
    yes_for_no: frozenset[str] = frozenset()
    """The symbols that ``allnoconfig`` sets to y."""
    blocks: Mapping[tuple[str, int], Block] = field(default_factory=dict)
    """What stands around the entries of a menu or if block, by its path and line, and of a file, by line 0.

    Those in choices are left out."""
    sourced: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    """Which file sources each of the others first, and the line where it does."""
    free: Mapping[str, Callable[[str], str]] = field(default_factory=dict)
    """The symbols that stand for answers of a toolchain of which nothing is assumed, and how a value is told."""
