"""What every processor does alike to what is known of its registers: sums, products, addresses of symbols.

A processor runs the instructions of its architecture on states. What it does not know spoils every register.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from checkseries.facts.asm_constant import Definitions, value
from checkseries.facts.asm_expand import Step
from checkseries.facts.asm_flow import Jump, State
from checkseries.facts.asm_pointer import sized
from checkseries.facts.asm_value import Value, Variable, difference, narrow, number, product, total, variable

UNKNOWN = "shift by "
"""Begins the register of a variable whose scale is a constant without a known value."""

_ROOM = re.compile(r"[#$]?\s*-?\s*\(?\s*([A-Za-z_]\w*)\s*\)?", re.ASCII)
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


@dataclass(frozen=True, slots=True)
class Test:
    """A branch to ``label`` where ``left`` is ``relation`` ``right``: ``==``, ``!=``, ``<``, ``<=``, ``>``, ``>=``."""

    left: Value
    right: Value
    relation: str
    label: str
    text: str = ""
    """The operand on the right, as it stands there."""


Record = Callable[[Access], None]


class Processor:
    """Runs instructions on states; what accesses memory goes to ``record``, if there is one."""

    registers: ClassVar[tuple[str, ...]]
    arguments: ClassVar[tuple[str, ...]]
    """Those that the first arguments of a function of C are in."""

    def __init__(
        self, known: Definitions, aliases: Mapping[str, str], pointers: Mapping[str, str] | None = None
    ) -> None:
        self.known = known
        self.aliases = aliases
        self.pointers = pointers or {}
        self.fixed = self.fixed_registers()
        """What general registers hold whatever is written to them."""
        self.record: Record | None = None
        self._constants: dict[str, int | None] = {}
        self._at = 0

    def fixed_registers(self) -> State:
        """The registers that always point to a structure."""
        return {}

    def room(self, text: str) -> Value | None:
        """What the stack pointer points to once so many bytes are taken off it; None if that is not known."""
        match = _ROOM.fullmatch(text)
        expression = self.known.measured(match[1]) if match else None
        kind = sized(expression) if expression else ""
        return Value(kind) if kind else None

    def arranged(self, steps: tuple[Step, ...]) -> tuple[Step, ...]:
        """The steps in the order that they run, where that is not the one they are written in."""
        return steps

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

    def test(self, state: State, steps: Sequence[Step], at: int) -> Test | None:
        """What a branch compares; the state is the one before it. None if that is not followed."""
        del state, steps, at
        return None

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


_PLACE = re.compile(r"(.*)\(\s*([\w$]+)\s*\)\Z", re.DOTALL)
_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)


class LoadStore(Processor):
    """What processors have in common that know ``offset(base)`` only, and a register that is zero."""

    @staticmethod
    def named(word: str) -> str | None:
        """The register that a word names."""
        raise NotImplementedError

    def fixed_registers(self) -> State:
        """The registers that always point to a structure."""
        return {
            name: Value(kind) for register, kind in self.pointers.items() if (name := self.named(register))
        }

    def _minus(self, left: Value, right: Value, at: int) -> Value:
        found = difference(left, right)
        return found if found is not None else self._lost(left, right, at)

    def _low(self, found: Value, at: int) -> Value:
        """The low 32 bits, extended: what counts elements fits."""
        low = narrow(found)
        if low is not None:
            return low
        return variable("made", at, "low", index=found.plain, maybe=found.symbols)

    def _new(self, state: State, given: tuple[str, ...], at: int, *, index: bool = True) -> Value:
        """A new number; if it is made from an address, it may still be one."""
        held = [self._operand(state, each, at) for each in given[1:] if self.named(each)]
        # "%pcrel_hi(symbol)" makes a part of an address of it.
        parts = {name for each in given[1:] if "%" in each for name in _NAME.findall(each)}
        maybe = frozenset(parts).union(*(each.symbols for each in held))
        return variable("made", at, "", index=index and all(each.plain for each in held), maybe=maybe)

    # --- operands

    def _operand(self, state: State, text: str, at: int) -> Value:
        name = self.named(text)
        if name is not None:
            return number(0) if name == "zero" else state[name]
        known = self.constant(text)
        if known is not None:
            return number(known)
        parts = frozenset(_NAME.findall(text)) if "%" in text else frozenset[str]()
        return variable("made", at, text, index=False, maybe=parts)

    def _write(self, state: State, target: str, found: Value, at: int) -> bool:
        name = self.named(target)
        if name is None:
            return False
        if name != "zero":
            state[name] = found if found.symbol else self.fixed.get(name, found)
            self._tell(at, found, memory=False)
        return True

    def _memory(self, state: State, text: str, at: int) -> bool:
        """``offset(base)``, told to the record; False if it cannot be read."""
        match = _PLACE.match(text.strip())
        name = self.named(match[2]) if match else None
        if match is None or name is None:
            return False
        base = number(0) if name == "zero" else state[name]
        constant = match[1].strip()
        if not constant:
            self._tell(at, base, memory=True)
            return True
        offset = self.constant(constant)
        if offset is None:
            if "%" in constant:
                base = self._lost(base, replace(base, maybe=frozenset(_NAME.findall(constant))), at)
            self._tell(at, base, memory=True, constant=constant)
        else:
            self._tell(
                at, self._plus(base, number(offset), at), memory=True, constant=constant, offset=offset
            )
        return True
