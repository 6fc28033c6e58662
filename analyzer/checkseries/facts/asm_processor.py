"""What every processor does alike to what is known of its registers: sums, products, addresses of symbols.

A processor runs the instructions of its architecture on states. What it does not know spoils every register.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from checkseries.facts.asm_constant import Definitions, value
from checkseries.facts.asm_expand import Step
from checkseries.facts.asm_flow import Jump, State
from checkseries.facts.asm_value import Value, Variable, product, total, variable

UNKNOWN = "shift by "
"""Begins the register of a variable whose scale is a constant without a known value."""

_SYMBOL = re.compile(r"([A-Za-z_.$][\w.$]*)\s*(?:([+-])\s*(.*))?\Z", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Access:
    """A step that computes an address from a symbol, or reads or writes there."""

    at: int
    address: Value
    memory: bool
    constant: str = ""
    """The text of the constant offset of ``[xB, #CONSTANT]``."""
    offset: int | None = None


Record = Callable[[Access], None]


class Processor:
    """Runs instructions on states; what accesses memory goes to ``record``, if there is one."""

    registers: ClassVar[tuple[str, ...]]

    def __init__(self, known: Definitions, aliases: Mapping[str, str]) -> None:
        self.known = known
        self.aliases = aliases
        self.record: Record | None = None
        self._constants: dict[str, int | None] = {}
        self._at = 0

    def leaves(self, step: Step) -> Jump | None:
        """Where the flow goes after a step, None if just on."""
        raise NotImplementedError

    def run(self, state: State, step: Step, at: int) -> None:
        """Change the state as the step does."""
        raise NotImplementedError

    def several(self, step: Step) -> bool:
        """Whether it loads or stores several registers at once."""
        raise NotImplementedError

    def widths(self, step: Step) -> tuple[int, ...]:
        """How many bytes a load or store takes for each register; empty if it is none, or not known."""
        raise NotImplementedError

    def constant(self, text: str) -> int | None:
        """The value of an immediate operand."""
        if text not in self._constants:
            self._constants[text] = value(text, self.known)
        return self._constants[text]

    def _plus(self, left: Value, right: Value, at: int) -> Value:
        found = total(left, right)
        return found if found is not None else self._lost(left, right, at)

    def _lost(self, left: Value, right: Value, at: int) -> Value:
        return variable("made", at, "", index=False, maybe=left.symbols | right.symbols)

    def _multiplied(self, one: Value, other: Value, at: int) -> Value:
        if one.constant is not None:
            one, other = other, one
        if other.constant is None:
            return self._lost(one, other, at)
        return self._scaled_by(one, other.constant, at)

    def _scaled_by(self, found: Value, factor: int, at: int) -> Value:
        scaled = product(found, factor, at)
        return scaled if scaled is not None else self._lost(found, found, at)

    def _scaled(self, found: Value, by: int | None, at: int, text: str) -> Value:
        if by is None or not 0 <= by < 64:
            name = f"{UNKNOWN}{text.removeprefix('#')}"
            return replace(variable("made", at, name, index=False, maybe=found.symbols), scaled=at)
        return self._scaled_by(found, 1 << by, at)

    def _address(self, text: str, at: int, *, page: bool = False) -> Value:
        """The address of a symbol, plus or minus a constant."""
        match = _SYMBOL.match(text.strip())
        if match is None or text.strip() == ".":
            return variable("made", at, text, index=False)
        symbol, sign, rest = match.groups()
        found = Value(symbol, page=page)
        if not sign:
            return found
        offset = self.constant(rest)
        if offset is None:
            return Value(terms=((Variable("made", at, text, index=False), 1),), maybe=frozenset({symbol}))
        return replace(found, offset=offset if sign == "+" else -offset)

    def _tell(
        self, at: int, address: Value, *, memory: bool, constant: str = "", offset: int | None = None
    ) -> None:
        if self.record is not None and address.symbols and not address.page:
            self.record(Access(at, address, memory, constant, offset))
