"""The flow of one stretch of assembly: which steps follow which, and what the registers hold before each.

The registers before every block are the least solution of the block equations: along edges forward, values
that differ become a variable; along an edge back, a register that moves by the same constant each round
becomes ``start + step * rounds``. A register that does not is a variable. All bounds lead to "not known".
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from checkseries.facts.asm_expand import END, FORK, GOTO, Budget, Step, TooMuchError
from checkseries.facts.asm_value import Value, Variable, difference, total, variable

MOST_SWEEPS = 60

State = dict[str, Value]


@dataclass(frozen=True, slots=True)
class Jump:
    """How a step leaves: the labels it may go to, and whether the next step may follow."""

    labels: tuple[str, ...] = ()
    falls: bool = True


@dataclass(slots=True)
class Block:
    """Steps that run one after the other; ``open``: may be entered with anything in the registers."""

    first: int
    end: int
    open: bool
    after: list[int] = field(default_factory=list)


def jump(step: Step, leaves: Callable[[Step], Jump | None]) -> Jump | None:
    """How a step leaves, None if it just goes on; ``leaves`` answers for instructions."""
    match step.word:
        case "":
            return None
        case _ if step.word == FORK:
            return Jump(step.operands)
        case _ if step.word == GOTO:
            return Jump(step.operands, falls=False)
        case _ if step.word == END:
            return Jump(falls=False)
        case _:
            return leaves(step)


_NAMES = re.compile(r"[%\w.$@\\]+")


def blocks(
    steps: Sequence[Step], leaves: Callable[[Step], Jump | None], outside: frozenset[str]
) -> list[Block]:
    """The blocks of a stretch, with their successors.

    A label that anything but a branch names (its address is taken), or that code ``outside`` names, is open.
    """
    labels = {step.label: at for at, step in enumerate(steps) if step.label}
    jumps = [jump(step, leaves) for step in steps]
    open_ = {step.label for step in steps if step.label and (step.open or step.label in outside)}
    # The same name twice: under conditions that were not told apart.
    open_ |= {label for label, count in Counter(step.label for step in steps).items() if label and count > 1}
    for step, leaving in zip(steps, jumps, strict=True):
        targets = leaving.labels if leaving else ()
        for operand in step.operands:
            open_ |= {
                name
                for each in _NAMES.findall(operand)
                if (name := each.lstrip("$")) in labels and name not in targets
            }
    starts = {0} | {at for at, step in enumerate(steps) if step.label}
    starts |= {at + 1 for at, leaving in enumerate(jumps) if leaving is not None}
    order = sorted(at for at in starts if at < len(steps))
    found = [
        Block(first, end, first == 0 or (bool(steps[first].label) and steps[first].label in open_))
        for first, end in zip(order, [*order[1:], len(steps)], strict=True)
    ]
    index = {block.first: at for at, block in enumerate(found)}
    reached = {0}
    for at, block in enumerate(found):
        leaving = jumps[block.end - 1]
        if (leaving is None or leaving.falls) and at + 1 < len(found):
            block.after.append(at + 1)
        for label in leaving.labels if leaving else ():
            if label in labels:
                block.after.append(index[labels[label]])
        reached.update(block.after)
    for at, block in enumerate(found):
        # Reached from nothing that is seen: from somewhere that is not.
        block.open = block.open or at not in reached
    return found


@dataclass(slots=True)
class Machine:
    """What the flow must know of instructions: ``run`` changes the registers as step number ``at`` does."""

    run: Callable[[State, Step, int], None]
    leaves: Callable[[Step], Jump | None]
    registers: tuple[str, ...]
    fixed: Mapping[str, Value] = field(default_factory=dict)
    """What registers hold wherever code is entered."""
    given: Callable[[str], Mapping[str, Value]] | None = None
    """What registers hold besides where it is entered at a label."""


def unknown(registers: Iterable[str], kind: str, node: int) -> State:
    """Registers of which nothing is known: each a variable of its own."""
    return {register: variable(kind, node, register) for register in registers}


def spoil(state: State, at: int) -> None:
    """Make every register unknown, as a call does or what is not understood."""
    state.update(unknown(state, "spoilt", at))


class Flow:
    """Solves the block equations of one stretch."""

    def __init__(
        self, steps: Sequence[Step], machine: Machine, outside: frozenset[str], budget: Budget
    ) -> None:
        self._budget = budget
        self.steps = steps
        self.machine = machine
        self.blocks = blocks(steps, machine.leaves, outside)
        self.order = self._order()
        self._rank = {block: rank for rank, block in enumerate(self.order)}
        self._into: list[list[int]] = [[] for _ in self.blocks]
        for at, block in enumerate(self.blocks):
            for target in block.after:
                self._into[target].append(at)
        self._moves: dict[tuple[int, str], int] = {}
        """By how much a register moves each round at the head of a loop; 0: not by a constant."""
        self._maybe: dict[tuple[int, str], frozenset[str]] = {}
        self.before: dict[int, State] = {}
        self._after: dict[int, State] = {}

    def _order(self) -> list[int]:
        """The blocks in reverse postorder, from each open one in turn."""
        seen: set[int] = set()
        order: list[int] = []
        for root in reversed([at for at, block in enumerate(self.blocks) if block.open]):
            stack: list[tuple[int, int]] = [] if root in seen else [(root, 0)]
            seen.add(root)
            while stack:
                at, edge = stack.pop()
                if edge == len(self.blocks[at].after):
                    order.append(at)
                    continue
                stack.append((at, edge + 1))
                target = self.blocks[at].after[edge]
                if target not in seen:
                    seen.add(target)
                    stack.append((target, 0))
        # What only unreachable cycles reach is left: treat each of its blocks as entered from anywhere.
        for at, block in enumerate(self.blocks):
            if at not in seen:
                block.open = True
                order.append(at)
        return order[::-1]

    def solve(self) -> Mapping[int, State]:
        """The registers before each block; raises ``TooMuchError``."""
        for _ in range(MOST_SWEEPS):
            self._budget.spend(len(self.steps))
            self._sweep()
            if not self._widen():
                return self.before
        raise TooMuchError("its loops are too entangled")

    def _sweep(self) -> None:
        """One pass forward with the moves that are known; edges back give nothing, ``_widen`` checks them."""
        self._after.clear()
        for at in self.order:
            state = self._entry(at)
            self.before[at] = dict(state)
            for step in range(self.blocks[at].first, self.blocks[at].end):
                self.machine.run(state, self.steps[step], step)
            self._after[at] = state

    def _entry(self, at: int) -> State:
        if self.blocks[at].open:
            state = {**unknown(self.machine.registers, "entry", at), **self.machine.fixed}
            label = self.steps[self.blocks[at].first].label
            if label and self.machine.given is not None:
                state.update(self.machine.given(label))
            return state
        forward = [self._after[source] for source in self._into[at] if self._rank[source] < self._rank[at]]
        state = {}
        for register in self.machine.registers:
            start = self._joined(at, register, [each[register] for each in forward])
            state[register] = self._moved(at, register, start)
        return state

    def _joined(self, at: int, register: str, values: list[Value]) -> Value:
        first = values[0]
        if all(value == first for value in values) and not self._own(at, first):
            return first
        return Value(
            terms=((Variable("join", at, register, all(value.plain for value in values)), 1),),
            maybe=frozenset().union(*(value.symbols for value in values)),
        )

    def _moved(self, at: int, register: str, start: Value) -> Value:
        move = self._moves.get((at, register))
        if move is None:
            return start
        if move == 0:
            return Value(
                terms=((Variable("loop", at, register, index=False), 1),), maybe=self._maybe[(at, register)]
            )
        rounds = Value(terms=((Variable("loop", at, register, step=move), move),))
        moved = total(start, rounds)
        return (
            moved if moved is not None else variable("loop", at, register, index=False, maybe=start.symbols)
        )

    def _own(self, at: int, value: Value) -> bool:
        """Whether it holds a variable of an earlier round through this block, which is no longer the same."""
        return any(each.node == at and each.kind in ("join", "loop", "entry") for each, _ in value.terms)

    def _widen(self) -> bool:
        """Check every edge back against the state it enters; True if some register had to be given up."""
        changed = False
        for at in self.order:
            if self.blocks[at].open:
                continue
            backs = [self._after[source] for source in self._into[at] if self._rank[source] >= self._rank[at]]
            for register in self.machine.registers:
                for back in backs:
                    changed |= self._check(at, register, back[register])
        return changed

    def _check(self, at: int, register: str, back: Value) -> bool:
        key = (at, register)
        here = self.before[at][register]
        move = self._moves.get(key)
        if move == 0:
            missing = back.symbols - self._maybe[key]
            self._maybe[key] |= missing
            return bool(missing)
        if back == here and not self._stale(at, register, back):
            return False
        moved = difference(back, here)
        by = None if moved is None or moved.symbol or moved.maybe - here.maybe else moved
        if by is not None and not self._stale(at, register, back):
            if move is None and by.constant:
                self._moves[key] = by.constant
                return True
            if move is not None and self._rounds(at, by, move):
                return False
        self._moves[key] = 0
        self._maybe[key] = back.symbols | here.symbols
        return True

    @staticmethod
    def _rounds(at: int, by: Value, move: int) -> bool:
        """Whether a difference is none, one round, back to the start, or whole rounds of an inner loop."""
        if not by.terms:
            return by.offset in (0, move)
        return by.offset % move == 0 and all(
            each.step and coefficient % move == 0 and (each.node != at or coefficient == -move)
            for each, coefficient in by.terms
        )

    @staticmethod
    def _stale(at: int, register: str, value: Value) -> bool:
        """Whether it counts the rounds of another register here: of the round before, which is no more."""
        return any(
            each.node == at and each.kind == "loop" and each.register != register for each, _ in value.terms
        )


def purge(state: State, at: int) -> None:
    """Rename what an earlier run of step ``at`` left in registers: it is no longer the same variable."""
    for register, value in state.items():
        if any(each.node == at and each.kind in ("made", "spoilt") for each, _ in value.terms):
            state[register] = variable("old", at, register, index=False, maybe=value.symbols)
