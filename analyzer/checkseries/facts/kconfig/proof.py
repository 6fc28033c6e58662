"""Questions about all configurations at once, and a witness for each that can be had.

The formula of a question's cone goes to a SAT solver. "No" is a proof. "Yes" is turned into a ``.config``
fragment, checked by :mod:`evaluate`, and shrunk to the assignments that matter; a witness that the
evaluation does not confirm is never handed out.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from checkseries.facts.answer import Impossible, Possibility, Possible, Unknown
from checkseries.facts.kconfig.encode import Encoding, User
from checkseries.facts.kconfig.evaluate import Evaluation, quoted
from checkseries.facts.kconfig.gates import TRUE
from checkseries.facts.kconfig.symbol import LETTER, Symbol, Tree, Type

MAX_CONFLICTS = 500_000
"""Conflicts after which the solver gives up; the largest cones of 7.2 take a few thousand."""
MAX_VARIABLES = 2_000_000
"""Variables of a formula; the whole of an arch has about 240,000."""
MAX_SHARED = 120_000
"""Variables after which the solver that questions share is begun anew, to bound its memory."""
MAX_TRIES = 8
"""Solutions that are tried for a witness where comparisons had to be guessed."""
MAX_EVALUATIONS = 600
"""Evaluations spent on shrinking one witness."""
MAX_FOUND = 4
"""Witnesses of other questions that are tried before one is looked for."""

_SOLVER = "glucose4"
_OTHER = "other"
"""A string that no Kconfig compares with."""

_Assignments = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Question:
    """Something that can be asked of configurations."""

    encoded: Callable[[Encoding], int]
    """The literal of it."""
    confirmed: Callable[[Evaluation], bool]
    """Whether one configuration fulfils it."""


class Prover:
    """The questions asked of one tree.

    Whether there is a configuration at all is asked of one solver that learns from question to question;
    the witness comes from a formula of its own, unless one that was found for another question will do: those
    asked one after the other are often much the same.
    """

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._default = Evaluation(tree)
        self._shared: _Formula | None = None
        self._found: deque[tuple[_Assignments, Evaluation]] = deque(maxlen=MAX_FOUND)

    def possible(self, question: Question) -> Possibility:
        """Whether some configuration fulfils a question, with a witness."""
        if question.confirmed(self._default):
            return Possible(())
        for assignments, evaluation in self._found:
            if question.confirmed(evaluation):
                return self._witness(question, assignments, evaluation)
        match self._solved(question):
            case False:
                return Impossible()
            case None:
                return Unknown("the question is too hard to decide within the limits")
        return self._witnessed(question)

    def excluded(self, question: Question) -> bool:
        """Whether surely no configuration fulfils a question: ``possible`` without looking for a witness."""
        return not question.confirmed(self._default) and self._solved(question) is False

    def _solved(self, question: Question) -> bool | None:
        if self._shared is None or self._shared.encoding.variables > MAX_SHARED:
            self._shared = _Formula(self._tree)
        return self._shared.solved(question)

    def _witnessed(self, question: Question) -> Possibility:
        formula = _Formula(self._tree)
        for _ in range(MAX_TRIES):
            if not formula.solved(question):
                break
            assignments = formula.assignments()
            evaluation = Evaluation(self._tree, assignments)
            if question.confirmed(evaluation):
                fewer = formula.core(question)
                if len(fewer) < len(assignments):
                    smaller = Evaluation(self._tree, fewer)
                    if question.confirmed(smaller):
                        assignments, evaluation = fewer, smaller
                return self._witness(question, assignments, evaluation, formula.encoding)
            if not formula.encoding.guessed:
                break
            formula.exclude()
        return Unknown("a configuration seems to exist, but evaluating it does not confirm it")

    def _witness(
        self,
        question: Question,
        assignments: _Assignments,
        evaluation: Evaluation,
        encoding: Encoding | None = None,
    ) -> Possible:
        """A confirmed configuration as an answer, with no more of it than matters."""
        fewer = _shrunk(question, assignments, evaluation, encoding)
        # Evaluated as a whole: what is handed out hangs on nothing that was taken over.
        smaller = Evaluation(self._tree, fewer)
        if question.confirmed(smaller):
            assignments, evaluation = fewer, smaller
        if all(assignments != each for each, _ in self._found):
            self._found.appendleft((assignments, evaluation))
        return Possible(_lines(self._tree, assignments))


class _Formula:
    """An encoding and the solver that holds its clauses."""

    def __init__(self, tree: Tree) -> None:
        from pysat.solvers import Solver  # here, as it takes 50 ms that a run without a question can save

        self.encoding = Encoding(tree)
        self._solver = Solver(name=_SOLVER)
        self._model: frozenset[int] = frozenset()

    def solved(self, question: Question) -> bool | None:
        """Whether the formula has a solution that fulfils the question; None if the solver gives up."""
        goal = question.encoded(self.encoding)
        if goal == -TRUE:
            return False
        if self.encoding.variables > MAX_VARIABLES:
            return None
        self._solver.append_formula(self.encoding.clauses)
        self.encoding.clauses.clear()
        # Leaving things to their defaults where one can makes for short witnesses.
        self._solver.set_phases([-user.set for user in self.encoding.users.values()])
        self._solver.conf_budget(MAX_CONFLICTS)
        answer: bool | None = self._solver.solve_limited(assumptions=[goal])
        self._model = frozenset(self._solver.get_model()) if answer else frozenset()
        return answer

    def assignments(self) -> _Assignments:
        """What the user sets in the solution found last."""
        return _assignments(self.encoding, self._model)

    def core(self, question: Question) -> _Assignments:
        """Of what the user sets in the solution found last that which a proof of its answer uses.

        All that is free as it is, and the question answered by no: that is impossible, and the solver says why.
        It is a first guess that saves most evaluations, no more: an evaluation has to confirm it.
        """
        encoding, model = self.encoding, self._model
        owners: dict[int, str] = {}
        for symbol, user in encoding.users.items():
            free = [
                user.set,
                *(abs(each) for each in user.value),
                *user.bounds.values(),
                *user.equal.values(),
            ]
            owners |= dict.fromkeys(free, symbol.name)
        owners |= {literal: symbol.name for symbol, literal in encoding.chosen.items()}
        owners |= dict.fromkeys(encoding.guessed, "")
        owners.pop(TRUE, None)
        assumed = [literal if literal in model else -literal for literal in owners]
        self._solver.conf_budget(MAX_CONFLICTS)
        goal = question.encoded(encoding)
        if self._solver.solve_limited(assumptions=[*assumed, -goal]) is not False:
            return self.assignments()
        used = {owners[literal] for literal in self._solver.get_core() or () if literal in owners}
        return [(name, value) for name, value in self.assignments() if name in used]

    def exclude(self) -> None:
        """Ask for solutions that differ from the last one in what was guessed."""
        guessed = sorted(self.encoding.guessed)
        self._solver.add_clause([-literal if literal in self._model else literal for literal in guessed])


def _assignments(encoding: Encoding, model: frozenset[int]) -> _Assignments:
    """What the user sets in a solution, by name."""
    found = []
    for symbol, user in encoding.users.items():
        if user.set in model and not symbol.whole:
            value = _value(symbol, user, model)
            if value is not None:
                found.append((symbol.name, value))
    found += [(symbol.name, "y") for symbol, literal in encoding.chosen.items() if literal in model]
    return sorted(found)


def _value(symbol: Symbol, user: User, model: frozenset[int]) -> str | None:
    """What the user sets a symbol to, as it stands behind ``=``; None if any value will do."""
    if symbol.logical:
        return (
            LETTER[sum(literal in model for literal in user.value)]
            if symbol.type is Type.TRISTATE
            else ("y" if user.value[1] in model else "n")
        )
    if symbol.type is Type.STRING:
        texts = [text for text, literal in user.equal.items() if literal in model]
        return quoted(texts[0] if texts else _OTHER) if user.equal else None
    if not user.at_least:
        return None
    reached = [bound for bound in user.at_least if user.bounds[bound] in model]
    value = reached[-1] if reached else user.at_least[0] - 1
    return hex(max(value, 0)) if symbol.type is Type.HEX else str(value)


def _shrunk(
    question: Question, assignments: _Assignments, evaluation: Evaluation, encoding: Encoding | None
) -> _Assignments:
    """The assignments without those that do not matter, numbers as small as they can be.

    Halves are left out first, single ones last and again until each is needed. ``evaluation`` is that of the
    assignments, and confirmed.
    """
    tree = evaluation.tree
    left = MAX_EVALUATIONS

    def confirmed(tried: _Assignments) -> bool:
        nonlocal left, evaluation
        left -= 1
        found = Evaluation(tree, tried, near=evaluation)
        if question.confirmed(found):
            evaluation = found
            return True
        return False

    size = max(1, len(assignments) // 2)
    while left > 0:
        position = 0
        before = len(assignments)
        while position < len(assignments) and left > 0:
            fewer = assignments[:position] + assignments[position + size :]
            if confirmed(fewer):
                assignments = fewer
            else:
                position += size
        if size == 1 and len(assignments) == before:
            break
        size = max(1, size // 2)
    for position, (name, value) in enumerate(assignments):
        for smaller in _numbers(tree.symbols[name], encoding) if encoding is not None else ():
            changed = [*assignments[:position], (name, smaller), *assignments[position + 1 :]]
            if smaller == value or left <= 0:
                break
            # A number beyond the symbol's range would be clamped: a reader should not have to know that.
            fits = Evaluation(tree, changed, near=evaluation).text(tree.symbols[name]) == smaller
            if fits and confirmed(changed):
                assignments = changed
                break
    return assignments


def _numbers(symbol: Symbol, encoding: Encoding) -> list[str]:
    """The numbers worth trying for an int or hex symbol, ascending."""
    user = encoding.users.get(symbol)
    if user is None or symbol.logical or not user.at_least:
        return []
    numbers = sorted({user.at_least[0] - 1, *user.at_least})
    return (
        [hex(number) for number in numbers if number >= 0]
        if symbol.type is Type.HEX
        else [str(n) for n in numbers]
    )


def _lines(tree: Tree, assignments: list[tuple[str, str]]) -> tuple[str, ...]:
    lines = []
    for name, value in assignments:
        if name in tree.free:
            lines.append(tree.free[name](value))
            continue
        logical = tree.symbols[name].logical
        lines.append(f"# CONFIG_{name} is not set" if logical and value == "n" else f"CONFIG_{name}={value}")
    return tuple(lines)
