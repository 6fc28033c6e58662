"""What Kconfig says on one architecture: the facts that rules ask."""

from __future__ import annotations

import contextlib
import gc
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from checkseries.facts.answer import Broken, Holds, Impossible, Possibility, Possible, Unknown, Verdict
from checkseries.facts.kconfig.encode import Encoding
from checkseries.facts.kconfig.evaluate import Evaluation, Mode
from checkseries.facts.kconfig.expression import leaves, parse, prefix_number, text
from checkseries.facts.kconfig.free import FreeToolchain
from checkseries.facts.kconfig.kept import dumped, loaded
from checkseries.facts.kconfig.menu import GRAMMAR, grammar_of, parsed
from checkseries.facts.kconfig.proof import Prover, Question
from checkseries.facts.kconfig.shape import shape
from checkseries.facts.kconfig.splice import spliced
from checkseries.facts.kconfig.symbol import (
    LETTER,
    Expr,
    KconfigError,
    N,
    Reverse,
    Statement,
    Symbol,
    Tree,
    Type,
)
from checkseries.facts.kconfig.toolchain import ANY, PROFILE, PROFILES, Toolchain
from checkseries.tree import Kept, Snapshot, fact
from checkseries.tree.index import DAMAGED


@dataclass(frozen=True, slots=True)
class Select:
    """A ``select`` or ``imply`` statement as it is written."""

    selector: str
    target: str
    condition: str
    """What stands behind ``if``, in Kconfig syntax, without constants that decide nothing; empty if nothing does."""
    path: str
    line: int
    implied: bool
    """True for ``imply``."""

    def __str__(self) -> str:
        return f"{self.selector} if {self.condition}" if self.condition else self.selector


class Model:
    """The symbols of one architecture and what can become of them.

    Expressions are written in Kconfig syntax and mean what they mean there: they hold when their value is
    not n, ``!A`` of a tristate that is m is m, and a name that the architecture does not define is n.
    ``A = y``, ``A = m`` and ``A != n`` tell the values apart.

    All answers hold for the toolchain that ``profile`` names. Nothing here changes once built but memories
    of answers.
    """

    def __init__(self, arch: str, tree: Tree, profile: str = PROFILE) -> None:
        self.arch = arch
        self.tree = tree
        self._profile = profile
        self._shapes: dict[str, str] = {}
        self._prover = Prover(tree)
        self._answers: dict[tuple[str, ...], Possibility] = {}
        self._excluded: dict[str, bool] = {}
        self._dependents: dict[str, list[str]] = {}

    @property
    def profile(self) -> str:
        """The toolchain that is assumed."""
        return self._profile

    @property
    def files(self) -> tuple[str, ...]:
        """The Kconfig files that the architecture reads, in the order of reading."""
        return self.tree.files

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all defined symbols, sorted."""
        shown = (each for each in self.tree.order if not each.whole and each.name not in self.tree.free)
        return tuple(sorted(each.name for each in shown))

    @property
    def unmodelled(self) -> tuple[Statement, ...]:
        """The shell commands that the toolchain model cannot answer; they were taken to print nothing."""
        return self.tree.unmodelled

    @property
    def assumed(self) -> tuple[Statement, ...]:
        """The probes (``$(success,...)``) that the toolchain model does not know; they were taken to succeed."""
        return self.tree.assumed

    @property
    def warnings(self) -> tuple[tuple[str, int, str], ...]:
        """What ``conf`` would warn of while parsing: path, line, message."""
        return self.tree.warnings

    # --- what is written

    def defined(self, name: str) -> bool:
        """Whether the architecture has a definition of the symbol."""
        return self._symbol(name) is not None

    def definitions(self, name: str) -> tuple[tuple[str, int], ...]:
        """Path and line of every entry of the symbol, in the order of reading."""
        symbol = self._symbol(name)
        return tuple(symbol.places) if symbol else ()

    def type_of(self, name: str) -> str:
        """``bool``, ``tristate``, ``int``, ``hex``, ``string``; ``unknown`` if it is undefined or has no type."""
        symbol = self._symbol(name)
        return symbol.type.value if symbol else "unknown"

    def ranges(self, name: str) -> tuple[tuple[int, int], ...] | None:
        """The bounds of an int or hex symbol, whatever their conditions; None if it has none or one is no number."""
        symbol = self._symbol(name)
        if symbol is None or symbol.type not in (Type.INT, Type.HEX) or not symbol.ranges:
            return None
        digits = re.compile(r"-?[0-9]+" if symbol.type is Type.INT else r"(?:0[xX])?[0-9a-fA-F]+")
        base = 10 if symbol.type is Type.INT else 16
        bounds = [bound for each in symbol.ranges for bound in (each.low, each.high)]
        if any(bound.places or digits.fullmatch(bound.name) is None for bound in bounds):
            return None
        numbers = [prefix_number(bound.name, base) for bound in bounds]
        return tuple(zip(numbers[::2], numbers[1::2], strict=True))

    def depends(self, name: str) -> str:
        """The direct dependencies of a symbol with those of the blocks around it; "" if it has none."""
        symbol = self._symbol(name)
        return (
            ""
            if symbol is None
            else " || ".join(
                f"({text(each)})" if len(symbol.direct) > 1 else text(each) for each in symbol.direct
            )
        )

    def visible(self, name: str) -> bool:
        """Whether the symbol has a prompt at all, so that a user can set it."""
        symbol = self._symbol(name)
        return symbol is not None and bool(symbol.prompts)

    def in_choice(self, name: str) -> bool:
        """Whether the symbol is a member of a choice, which alone decides its value."""
        symbol = self._symbol(name)
        return symbol is not None and symbol.choice is not None

    def selects(self, target: str) -> tuple[Select, ...]:
        """The ``select`` and ``imply`` statements that name a symbol, in the order of reading."""
        symbol = self.tree.symbols.get(target)
        if symbol is None:
            return ()
        return tuple(_written(each) for each in (*symbol.selected, *symbol.implied))

    def selects_by(self, selector: str) -> tuple[Select, ...]:
        """The ``select`` and ``imply`` statements in the entries of a symbol, in the order of reading."""
        symbol = self._symbol(selector)
        return tuple(_written(each) for each in symbol.selects) if symbol else ()

    def dependents(self, name: str) -> tuple[str, ...]:
        """The names of the symbols in a select whose direct dependencies mention a symbol, sorted."""
        if not self._dependents:
            for symbol in self.tree.symbols.values():
                if symbol.selects or symbol.selected:
                    for mention in {each.name for expr in symbol.direct for each in leaves(expr)}:
                        self._dependents.setdefault(mention, []).append(symbol.name)
        return tuple(sorted(self._dependents.get(name, ())))

    def shape(self, name: str) -> str:
        """Everything that a symbol's definition says, as canonical text; "" if it is not defined."""
        known = self._shapes.get(name)
        if known is None:
            symbol = self._symbol(name)
            known = self._shapes[name] = shape(symbol) if symbol else ""
        return known

    def referenced(self, name: str) -> bool:
        """Whether the name is a symbol of any expression or entry here, defined or not."""
        return name in self.tree.symbols

    # --- what can be

    def satisfiable(self, expr: str) -> Possibility:
        """Whether some configuration makes an expression something else than n; raises KconfigError."""

        def ask() -> Possibility:
            return self._prover.possible(_held(self._parse(expr)))

        return self._remembered(("satisfiable", expr), ask)

    def excluded(self, expr: str) -> bool:
        """Whether it is sure that no configuration makes an expression anything but n; raises KconfigError.

        Asks for no witness, which takes longer than the answer.
        """
        known = self._answers.get(("satisfiable", expr))
        if known is not None:
            return isinstance(known, Impossible)
        if expr not in self._excluded:
            self._excluded[expr] = self._prover.excluded(_held(self._parse(expr)))
        return self._excluded[expr]

    def implies(self, first: str, second: str) -> Verdict:
        """Whether the second expression holds in every configuration where the first one does.

        Broken has a witness where it does not. Raises KconfigError for a malformed expression.
        """

        def ask() -> Possibility:
            one, two = self._parse(first), self._parse(second)
            return self._prover.possible(
                Question(
                    lambda formula: formula.all((formula.expr(one)[0], -formula.expr(two)[0])),
                    lambda values: values.expr(one) != N and values.expr(two) == N,
                ),
            )

        match self._remembered(("implies", first, second), ask):
            case Possible(witness):
                return Broken(witness, f"{first} without {second}")
            case Impossible():
                return Holds(f"no configuration has {first} without {second}")
            case Unknown() as unknown:
                return unknown

    def can_be(self, name: str, value: str) -> Possibility:
        """Whether a bool or tristate symbol can have the value ``y``, ``m`` or ``n``."""
        if value not in LETTER:
            raise KconfigError("expression", 0, f"{value!r} is none of n, m, y")
        symbol = self._symbol(name)
        if symbol is None:
            return Possible(()) if value == "n" else Impossible(f"{name} is not defined on {self.arch}")
        if not symbol.logical:
            return Unknown(f"{name} is of type {symbol.type.value}")
        return self.satisfiable(f"{name} = {value}")

    def unmet(self, select: Select) -> Possibility:
        """Whether ``conf`` can print "unmet direct dependencies" for a target because of one statement.

        That is: the ``select``, with its own condition and the dependencies of the entry that it stands in,
        asks for more than the target's direct dependencies allow. Other statements of the same selector are
        questions of their own. Impossible if there is no such statement; ``imply`` never does that.
        """
        symbol = self._symbol(select.target)
        # More than one only where a file is sourced twice.
        statements = [
            each
            for each in (symbol.selected if symbol is not None else ())
            if (each.selector.name, each.path, each.line) == (select.selector, select.path, select.line)
        ]
        if symbol is None or not symbol.logical or symbol.choice is not None or not statements:
            # A member of a choice and what is no bool or tristate ignore being selected.
            return Impossible(f"no select of {select.target} by {select.selector} has an effect")
        key = ("unmet", select.selector, select.target, select.path, str(select.line))
        return self._remembered(key, lambda: self._prover.possible(_unmet(statements)))

    def evaluation(self, assignments: Mapping[str, str], mode: Mode = "olddefconfig") -> Evaluation:
        """The values of all symbols under some assignments, as ``conf`` computes them."""
        return Evaluation(self.tree, assignments, mode)

    def _remembered(self, key: tuple[str, ...], ask: Callable[[], Possibility]) -> Possibility:
        known = self._answers.get(key)
        if known is None:
            known = self._answers[key] = ask()
        return known

    def _symbol(self, name: str) -> Symbol | None:
        symbol = self.tree.symbols.get(name)
        return symbol if symbol is not None and symbol.places else None

    def _parse(self, written: str) -> Expr:
        return parse(written, lambda name: self.tree.symbols.get(name) or Symbol(name))


def _written(statement: Reverse) -> Select:
    return Select(
        statement.selector.name,
        statement.target.name,
        text(statement.own),
        statement.path,
        statement.line,
        statement.implied,
    )


def _held(wanted: Expr) -> Question:
    """Whether an expression is something else than n."""
    return Question(lambda formula: formula.expr(wanted)[0], lambda values: values.expr(wanted) != N)


def _unmet(statements: list[Reverse]) -> Question:
    target = statements[0].target

    def encoded(formula: Encoding) -> int:
        some, yes = formula.direct(target)
        asked = [formula.asked(each) for each in statements]
        return formula.any(
            literal
            for pair in asked
            for literal in (formula.all((pair[0], -some)), formula.all((pair[1], -yes)))
        )

    def confirmed(values: Evaluation) -> bool:
        unmet = values.unmet(target)
        return unmet is not None and any(values.asked(each) > unmet[0] for each in statements)

    return Question(encoded, confirmed)


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """Without garbage collection: half of the time would go into it, and there is none."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            # What is new goes to the oldest generation, unscanned: it is to stay.
            gc.freeze()
            gc.unfreeze()
            gc.enable()


def archs(tree: Snapshot) -> tuple[str, ...]:
    """The directories below ``arch/`` that have a Kconfig, sorted."""
    found = (re.fullmatch(r"arch/([^/]+)/Kconfig", path) for path in tree.named("Kconfig"))
    return tuple(sorted(match[1] for match in found if match))


def model(tree: Snapshot, arch: str) -> Model:
    """The Kconfig model of an architecture, named as its directory below ``arch/`` is (``x86``, ``mips``).

    Raises KconfigError if ``conf`` would refuse the tree, or if it has no such architecture; both are
    remembered like a model.
    """
    outcome = attempt(tree, arch)
    if isinstance(outcome, KconfigError):
        raise outcome.with_traceback(None)
    return outcome


@fact(keep=2)
def attempt(tree: Snapshot, arch: str) -> Model | KconfigError:
    """The same as a value: the model, or the error that stands in its place."""
    if "/" in arch or not tree.exists(f"arch/{arch}/Kconfig"):
        return KconfigError(f"arch/{arch}/Kconfig", 0, "there is no such architecture")
    toolchain = _toolchain(tree, arch)
    with _uncollected():
        try:
            found = _near(tree, arch) or parsed(tree.text, "Kconfig", toolchain, grammar_of(tree.text))
        except KconfigError as error:
            return error
    return Model(arch, found, toolchain.profile.text)


def _toolchain(tree: Snapshot, arch: str) -> Toolchain:
    profile = PROFILES[tree.lineage.toolchain]
    return (FreeToolchain if profile is ANY else Toolchain)(arch, profile)


def _near(tree: Snapshot, arch: str) -> Tree | None:
    """What the base says with the changes of the series put in; None where the files have to be parsed."""
    base = tree.lineage.snapshots[0]
    toolchain = _toolchain(tree, arch)
    if tree.lineage.index is None or tree.altered(GRAMMAR) or isinstance(toolchain, FreeToolchain):
        return None  # a copy of what no index keeps would cost as much as parsing
    try:
        found = loaded(_packed(base, arch))
    except DAMAGED:  # or empty
        return None
    texts = {path: (base.text(path), tree.text(path)) for path in tree.altered(found.files)}
    if not texts:
        return found
    files = {path: (old, new) for path, (old, new) in texts.items() if old is not None and new is not None}
    return spliced(found, files, tree.text, toolchain) if len(files) == len(texts) else None


@fact(keep=1, kept=Kept(bytes, bytes, of_file=False))
def _packed(tree: Snapshot, arch: str) -> bytes:
    """All that a parse of the tree says, as bytes: for one copy a state of it; empty if they cannot be had."""
    toolchain = _toolchain(tree, arch)
    try:
        return dumped(parsed(tree.text, "Kconfig", toolchain, grammar_of(tree.text)))
    except (KconfigError, TypeError):
        return b""


def changed(before: Model, after: Model) -> frozenset[str]:
    """The names whose definitions differ, added and removed ones too."""
    names = {*before.names, *after.names}
    return frozenset(name for name in names if before.shape(name) != after.shape(name))
