"""Loops of assembly that go through a table: from which element on, and up to which.

Followed are loops that count their rounds and leave when the count meets a bound: what a branch at the end of a
block compares. A loop with two such ways out, or with a test of anything else that counts, has no bound that is
known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from checkseries.facts.asm_constant import options_of
from checkseries.facts.asm_expand import Step, Variant
from checkseries.facts.asm_flow import Flow, State
from checkseries.facts.asm_processor import Access, Processor, Test
from checkseries.facts.asm_value import Value, Variable
from checkseries.model import Place

_OPPOSITE = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
_TURNED = {"==": "==", "!=": "!=", "<": ">", ">": "<", "<=": ">=", ">=": "<="}


@dataclass(frozen=True, slots=True)
class Search:
    """One read of a loop that goes through a table upwards."""

    symbol: str
    place: Place
    offset: int
    """Of what the first round reads, from the symbol."""
    bytes: int
    """From round to round."""
    test: Place | None = None
    """Where the loop ends; None if that is not known."""
    text: str = ""
    """What it compares with, as it stands there."""
    bound: str = ""
    """The same with what the names in it stand for; numbers and options are all that is left."""
    more: int = 0
    """How many rounds there are more than the bound says."""


@dataclass(frozen=True, slots=True)
class _Exit:
    """A way out of a loop: it goes on while ``rounds + start`` is ``relation`` the bound."""

    at: int
    start: int
    relation: str
    text: str
    bound: str


def searches(
    flow: Flow, variant: Variant, machine: Processor, accesses: Sequence[Access]
) -> Iterator[Search]:
    """The loops of one way to assemble a stretch that read a table, each read apart."""
    reads: list[tuple[Access, Variable, int]] = []
    for access in accesses:
        address = access.address
        if not access.memory or address.symbol is None or address.maybe or len(address.terms) != 1:
            continue
        ((variable, coefficient),) = address.terms
        if variable.kind == "loop" and variable.step and coefficient > 0:
            reads.append((access, variable, coefficient))
    exits: dict[int, _Exit | None] = {}
    for access, variable, coefficient in reads:
        head = variable.node
        if head not in exits:
            exits[head] = _exit(flow, head, variant.steps, machine)
        symbol, step = access.address.symbol or "", variant.steps[access.at]
        found = Search(symbol, _place(step), access.address.offset, coefficient)
        way = exits[head]
        if way is None or access.at not in _steps(flow, _loop(flow, head)):
            yield found
            continue
        more = -way.start + (access.at < way.at) + (way.relation == "<=")
        yield Search(
            symbol, _place(step), access.address.offset, coefficient, _place(variant.steps[way.at]),
            way.text, way.bound, more,
        )  # fmt: skip


def _place(step: Step) -> Place:
    line = step.line
    return Place(line.path, line.number, symbol=line.symbol, text=line.raw)


def _loop(flow: Flow, head: int) -> frozenset[int]:
    """The blocks from which an edge back to the head is reached without passing it, and the head."""
    found = {head}
    waiting = [at for at in range(head, len(flow.blocks)) if head in flow.blocks[at].after]
    into: dict[int, list[int]] = {}
    for at, block in enumerate(flow.blocks):
        for target in block.after:
            into.setdefault(target, []).append(at)
    while waiting:
        at = waiting.pop()
        if at not in found:
            found.add(at)
            waiting += into.get(at, [])
    return frozenset(found)


def _steps(flow: Flow, loop: Iterable[int]) -> frozenset[int]:
    return frozenset(step for at in loop for step in range(flow.blocks[at].first, flow.blocks[at].end))


def _exit(flow: Flow, head: int, steps: Sequence[Step], machine: Processor) -> _Exit | None:
    """The only way out of a loop that counts its rounds; None if it is not understood."""
    loop = _loop(flow, head)
    if loop != frozenset(range(head, max(loop) + 1)):
        return None  # what lies between is not in it: the order of the lines is not that of a round
    for at in loop:
        inner = [target for target in flow.blocks[at].after if target <= at and target in loop]
        if any(target != head for target in inner) or flow.blocks[at].open:
            return None
    found: list[_Exit] = []
    for at in sorted(loop):
        block = flow.blocks[at]
        state: State = dict(flow.before[at])
        for number in range(block.first, block.end - 1):
            machine.run(state, steps[number], number)
        test = machine.test(state, steps, block.end - 1)
        if test is None:
            continue
        way = _way(flow, loop, at, test, head, steps, machine)
        if way is not None:
            found.append(way)
        elif any(_rounds(value, head) is not None for value in (test.left, test.right)):
            return None
    return found[0] if len(found) == 1 else None


def _way(
    flow: Flow,
    loop: frozenset[int],
    at: int,
    test: Test,
    head: int,
    steps: Sequence[Step],
    machine: Processor,
) -> _Exit | None:
    block = flow.blocks[at]
    targets = {flow.blocks[target].first: target for target in block.after}
    taken = next((number for number in targets if steps[number].label == test.label), None)
    if len(block.after) == 1:
        # A branch out of what is seen: the loop goes on where it is not taken.
        stays, leaves = block.after[0] in loop and taken is None, True
        relation = _OPPOSITE[test.relation]
    else:
        if taken is None or len(targets) != 2:
            return None
        stays = targets[taken] in loop
        leaves = any(target not in loop for target in block.after)
        relation = test.relation if stays else _OPPOSITE[test.relation]
        stays = stays or any(target in loop for target in block.after)
    if not stays or not leaves:
        return None
    start = _rounds(test.left, head)
    other, text = test.right, test.text
    if start is None:
        start, other, text = _rounds(test.right, head), test.left, ""
        relation = _TURNED[relation]
    if start is None or relation not in ("!=", "<", "<="):
        return None
    bound = _bound(other, text, machine)
    return None if bound is None else _Exit(block.end - 1, start, relation, *bound)


def _rounds(value: Value, head: int) -> int | None:
    """What is added to the rounds of a loop; None if it is anything else."""
    if value.symbol or value.maybe or len(value.terms) != 1:
        return None
    ((variable, coefficient),) = value.terms
    counts = variable.kind == "loop" and variable.node == head and variable.step and coefficient == 1
    return value.offset if counts else None


def _bound(value: Value, text: str, machine: Processor) -> tuple[str, str] | None:
    if value.constant is not None:
        return text or str(value.constant), str(value.constant)
    if value.symbol or value.maybe or value.offset or len(value.terms) != 1:
        return None
    ((variable, coefficient),) = value.terms
    # The number that an immediate stands for is not known, but its text is.
    left = options_of(variable.register, machine.known) if variable.kind == "made" else None
    return (variable.register, left[0]) if coefficient == 1 and left is not None and left[1] else None


def merged(found: Iterable[Search]) -> tuple[Search, ...]:
    """The same search of several ways to assemble a stretch once, and without a bound if they do not agree on it."""
    kept: dict[tuple[str, Place, int, int], list[Search]] = {}
    for each in found:
        kept.setdefault((each.symbol, each.place, each.offset, each.bytes), []).append(each)
    return tuple(
        several[0]
        if len(set(several)) == 1
        else Search(several[0].symbol, several[0].place, several[0].offset, several[0].bytes)
        for several in kept.values()
    )
