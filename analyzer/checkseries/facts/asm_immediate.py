"""Immediate operands of assembly that hang on a number of Kconfig, and which numbers an instruction can take.

``cmp x0, #NR_CPUS`` is assembled where the number fits the instruction, and is an error where it does not. Known
are the ones that add, subtract and compare, of those architectures whose assembler has no other way to do it:
arm64 (Arm Architecture Reference Manual, C6.2: ADD, SUB, CCMP) and riscv (volume I, 2.4.1: I-type). GNU as for mips
loads what does not fit into another register, and x86 takes 32 bits.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from checkseries.facts.asm_closure import arch_of, closure
from checkseries.facts.asm_constant import options_of, with_options
from checkseries.facts.asm_expand import FORK, Budget, Expander, Step, TooMuchError, Variant, variants
from checkseries.facts.asm_text import Line, asm_source, stretches
from checkseries.facts.asm_value import signed
from checkseries.facts.presence import Expression, condition_of, contrary, every, some
from checkseries.model import Place
from checkseries.tree import Snapshot, fact

MOST_EFFORT = 300_000
MOST_VALUES = 20_000
"""Values of an option that are tried one by one."""
_OPTION = "CONFIG_"


@dataclass(frozen=True, slots=True)
class _Form:
    """Where the immediate of an instruction stands, among how many operands."""

    at: int
    of: int


_FORMS: Mapping[str, Mapping[str, _Form]] = MappingProxyType(
    {
        "arm64": {
            **dict.fromkeys(("cmp", "cmn"), _Form(1, 2)),
            **dict.fromkeys(("add", "sub", "adds", "subs"), _Form(2, 3)),
            **dict.fromkeys(("ccmp", "ccmn"), _Form(1, 4)),
        },
        "riscv": dict.fromkeys(
            ("addi", "addiw", "andi", "ori", "xori", "slti", "sltiu", "add", "addw", "and", "or", "xor",
             "slt", "sltu"), _Form(2, 3)
        ),
    }
)  # fmt: skip
_LIKELY: Mapping[str, re.Pattern[str]] = MappingProxyType(
    {
        arch: re.compile(rf"\b(?:{'|'.join(words)})\s[^;\n]*,\s*#?\s*[(\d\s+*-]*[A-Z_]\w*")
        for arch, words in _FORMS.items()
    }
)
"""A line that may hold one: it has a name in capitals behind a comma."""


@dataclass(frozen=True, slots=True)
class Immediate:
    """An operand whose value depends on one option."""

    place: Place
    word: str
    """The instruction."""
    text: str
    """The operand as it stands there, macros of the assembler expanded."""
    value: str
    """The same with what the names in it stand for."""
    option: str
    """The option that is left in it, without ``CONFIG_``."""
    under: Expression
    """When this line is assembled, if the file is."""
    sure: bool
    """False if a condition of the assembler's own may leave the line out."""

    @property
    def plain(self) -> bool:
        """Whether it is just the option."""
        return self.value == f"{_OPTION}{self.option}"


def encodable(arch: str, word: str, number: int) -> bool:
    """Whether an instruction can be encoded with a number as its immediate."""
    number = signed(number)
    if arch == "riscv":
        return -2048 <= number <= 2047
    if word.startswith("cc"):
        return 0 <= number <= 31
    size = abs(number)
    return size < 1 << 12 or (size & 0xFFF == 0 and size < 1 << 24)


@fact
def immediates(tree: Snapshot, path: str) -> tuple[Immediate, ...]:
    """The immediates of an assembly file that depend on just one option each, by line."""
    arch = arch_of(path)
    if arch not in _FORMS:
        return ()
    source = asm_source(tree, path)
    if source is None or source.why:
        return ()
    parts = [lines for lines in stretches(source.lines) if _likely(arch, lines)]
    seen = closure(tree, path, None) if parts else None
    if seen is None or seen.why:
        return ()
    found: dict[tuple[Place, str, str, str, str], tuple[list[Expression], bool]] = {}
    budget = Budget(MOST_EFFORT)
    for lines in parts:
        try:
            ways = variants(seen, lines, frozenset(), budget)
        except TooMuchError:
            continue
        for way in ways:
            known = Expander(seen, way.assumed, None, budget)
            sure = all(step.word != FORK for step in way.steps)
            for step in way.steps:
                text = operand(arch, step)
                left = options_of(text, known) if text else None
                if left is None or len(left[1]) != 1 or step.line.path != path:
                    continue
                value, (name,) = left
                place = Place(path, step.line.number, symbol=step.line.symbol, text=step.line.raw)
                key = (place, step.word, text, value, name.removeprefix(_OPTION))
                under, whole = found.setdefault(key, ([], True))
                under.append(_under(way, seen.given, name))
                found[key] = (under, whole and sure)
    return tuple(
        Immediate(place, word, text, value, option, some(tuple(under)), sure)
        for (place, word, text, value, option), (under, sure) in sorted(
            found.items(), key=lambda each: each[0][0].line
        )
    )


def operand(arch: str, step: Step) -> str:
    """The immediate of a step, or the register that stands in its place; empty if it has none that is known."""
    form = _FORMS.get(arch, {}).get(step.word)
    return step.operands[form.at] if form is not None and len(step.operands) == form.of else ""


def likely(tree: Snapshot, path: str) -> bool:
    """Whether an assembly file may have such an immediate at all: asked before anything is expanded."""
    wanted = _LIKELY.get(arch_of(path))
    return wanted is not None and wanted.search((tree.peek(path) or b"").decode("latin-1")) is not None


def _likely(arch: str, lines: tuple[Line, ...]) -> bool:
    return any(_LIKELY[arch].search(line.text) for line in lines)


def _under(way: Variant, given: Mapping[str, bool], option: str) -> Expression:
    """The conditions of a way to assemble a stretch; that the option has a value is so wherever it has this one."""
    return some(
        tuple(
            every(
                tuple(
                    condition_of(atom) if holds else contrary(condition_of(atom))
                    for atom, holds in cube.items()
                    if atom not in given and (atom, holds) != (f"defined({option})", True)
                )
            )
            for cube in way.cubes
        )
    )


def beyond(each: Immediate, arch: str, low: int, high: int) -> tuple[int, ...] | None:
    """The values of its option, of a range, with which an immediate cannot be encoded; None if that is not known."""
    if high - low >= MOST_VALUES:
        return None
    found = []
    for number in range(low, high + 1):
        value = number if each.plain else with_options(each.value, {f"{_OPTION}{each.option}": number})
        if value is None:
            return None
        if not encodable(arch, each.word, value):
            found.append(number)
    return tuple(found)
