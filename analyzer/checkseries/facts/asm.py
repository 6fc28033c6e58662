"""How assembly steps through tables, and which members of structures it reads.

Nothing ties ``lsl #4`` in a .S file to the size of a C structure but the memory of whoever wrote both. These
facts say by how many bytes code steps through a table, on every way in which its ``#if``s let it be
assembled, or that this is not known, and why.

Not found: steps in a function that was handed the address in a register, on the stack or in memory. An index that code scales is taken to count
elements one by one, and a loop that accesses one place a round to take one element.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from checkseries.facts.asm_arm64 import Arm64
from checkseries.facts.asm_closure import TOKEN, Closure, arch_of, closure
from checkseries.facts.asm_condition import Assumption, rendered
from checkseries.facts.asm_constant import Measure, asm_constants
from checkseries.facts.asm_expand import Budget, Expander, Step, TooMuchError, Variant, variants
from checkseries.facts.asm_flow import Flow, Machine
from checkseries.facts.asm_mips import Mips
from checkseries.facts.asm_pointer import typed
from checkseries.facts.asm_processor import UNKNOWN, Access, Processor
from checkseries.facts.asm_riscv import RiscV
from checkseries.facts.asm_search import Search, merged, searches
from checkseries.facts.asm_text import Line, asm_source, stretches
from checkseries.facts.asm_value import Value, Variable
from checkseries.facts.asm_x86 import X86
from checkseries.model import Place
from checkseries.tree import Snapshot, fact

MOST_EFFORT = 1_000_000
PROCESSORS: Mapping[str, type[Processor]] = MappingProxyType(
    {"arm64": Arm64, "mips": Mips, "riscv": RiscV, "x86": X86}
)
"""What runs the assembly of each architecture that is understood."""

Arguments = Callable[[Snapshot, str, str], tuple[str, ...]]
"""``arguments(tree, function, arch)``: the structures that its parameters point to, one by one, or nothing."""
_SHIFTED = "what it is shifted by"

__all__ = [
    "Measure",
    "MemberAccess",
    "Refused",
    "Search",
    "Sites",
    "Stride",
    "SymbolUse",
    "asm_constants",
    "asm_sites",
    "asm_symbols",
    "strides",
]


@dataclass(frozen=True, slots=True)
class Stride:
    """One site that steps through a table."""

    symbol: str
    place: Place
    """Where the scale or the step stands, which need not be where the table is accessed."""
    bytes: int | None
    """By how many bytes; None if that is not known."""
    how: str
    """``scaled``: an index times a constant; ``increment``: an address moved each round; empty if unknown."""
    why_unknown: str = ""
    condition: str = ""
    """The conditions of the file's own ``#if``s that it was found under; empty if they do not matter."""

    @property
    def unmeasured(self) -> bool:
        """Whether nothing but the value of a constant is missing, which C may give."""
        return self.why_unknown.startswith(_SHIFTED)


@dataclass(frozen=True, slots=True)
class MemberAccess:
    """A read or write at a constant offset from a symbol, or from an element of a table."""

    symbol: str
    constant: str
    """The offset as written: ``CPU_BOOT_TASK``, ``8``."""
    offset: int | None
    """Bytes from the symbol or the element; None if the constant has no known value."""
    place: Place
    condition: str = ""
    widths: tuple[int, ...] = ()
    """How many bytes each register takes that is loaded or stored, one after the other; empty if not known."""
    every: int = 0
    """0 if the place is fixed; else what all that is added to it is a multiple of."""


@dataclass(frozen=True, slots=True)
class SymbolUse:
    """A place where the address or the content of a symbol is loaded or stored."""

    symbol: str
    place: Place


@dataclass(frozen=True, slots=True)
class Refused:
    """A stretch of a file that is beyond the bounds: the words that it holds, and why."""

    place: Place
    words: frozenset[str]
    why: str


@dataclass(frozen=True, slots=True)
class Sites:
    """What is known of one file."""

    strides: tuple[Stride, ...] = ()
    members: tuple[MemberAccess, ...] = ()
    uses: tuple[SymbolUse, ...] = ()
    refused: tuple[Refused, ...] = ()
    searches: tuple[Search, ...] = ()


@fact
def strides(tree: Snapshot, symbol: str, path: str, measure: Measure | None = None) -> tuple[Stride, ...]:
    """How an assembly file steps through a table, site by site; empty only if it does not name the symbol.

    ``measure`` gives values to ``sizeof`` and ``offsetof`` behind constants of asm-offsets.c. A site that is
    not understood has no ``bytes``; a file that names the symbol without any site has one such entry.
    """
    sites = asm_sites(tree, path, symbol, measure)
    found = [each for each in sites.strides if each.symbol == symbol]
    found += [
        Stride(symbol, each.place, None, "", each.why) for each in sites.refused if symbol in each.words
    ]
    if not found:
        named = _named(tree, symbol, path)
        if named is not None:
            arch = arch_of(path)
            why = (
                f"{symbol} is named here, but no step through it is found"
                if arch in PROCESSORS
                else f"assembly of {arch or 'this file'} is not understood"
            )
            found = [Stride(symbol, named, None, "", why)]
    return tuple(sorted(found, key=lambda each: (each.place.line, each.bytes or 0, each.condition)))


@fact
def asm_symbols(tree: Snapshot, path: str) -> tuple[SymbolUse, ...]:
    """The symbols whose address or content an arm64 assembly file loads or stores, by place."""
    return asm_sites(tree, path, None, None).uses


@fact
def asm_sites(
    tree: Snapshot,
    path: str,
    symbol: str | None,
    measure: Measure | None,
    arguments: Arguments | None = None,
) -> Sites:
    """The steps through tables, member accesses and uses of symbols in a file of an architecture that is understood.

    With a ``symbol`` only the functions that can have to do with it are looked at. With ``arguments`` registers point
    to what C hands over in them at the beginning of a function.
    """
    seen = closure(tree, path, measure) if arch_of(path) in PROCESSORS else None
    if seen is None:
        return Sites()
    parts = tuple(_ordered(seen))
    named = [_words(stretch) for stretch in parts]
    wanted = None if symbol is None else _involving(seen, symbol)
    findings = _Findings(seen.given)
    refused: list[Refused] = []
    if seen.why:
        refused.append(Refused(Place(path, 0), _words(seen.main.lines), seen.why))
    counts = Counter(word for words in named for word in words)
    budget = Budget(MOST_EFFORT)
    for at, stretch in enumerate(parts):
        if wanted is not None and wanted.isdisjoint(named[at]):
            continue
        others = frozenset(word for word in named[at] if counts[word] > 1)
        try:
            for variant in variants(seen, stretch, wanted or frozenset(), budget):
                _examine(seen, variant, others, findings, budget, arguments)
        except TooMuchError as bound:
            words = named[at] if symbol is None else named[at] | {symbol}
            refused.append(Refused(_place(stretch[0]), words, str(bound)))
    return Sites(
        findings.strides(), findings.members(), findings.uses(), tuple(refused), merged(findings.searches)
    )


def _ordered(seen: Closure) -> Iterator[tuple[Line, ...]]:
    """The stretches of a file; on mips each begins with whether the assembler may reorder, as the last one ended."""
    mode: list[str] = ["reorder"]
    for stretch in stretches(seen.main.lines):
        if seen.arch != "mips":
            yield stretch
            continue
        yield (replace(stretch[0], text=f".set {mode[-1]}"), *stretch)
        for line in stretch:
            match _ORDER.findall(line.text):
                case ["push"]:
                    mode.append(mode[-1])
                case ["pop"]:
                    mode = mode[:-1] or mode
                case [*_, ("reorder" | "noreorder") as how]:
                    mode[-1] = how


# --- one way to assemble one stretch


def _examine(
    seen: Closure,
    variant: Variant,
    others: frozenset[str],
    findings: _Findings,
    budget: Budget,
    arguments: Arguments | None,
) -> None:
    known = Expander(seen, variant.assumed, None, budget)
    machine = PROCESSORS[seen.arch](known, variant.aliases, seen.pointers)
    variant = replace(variant, steps=machine.arranged(variant.steps))
    if not variant.steps:
        return

    functions = frozenset(step.line.symbol for step in variant.steps if step.label == step.line.symbol)

    def given(label: str) -> Mapping[str, Value]:
        if arguments is None or label not in functions:
            return {}
        kinds = arguments(seen.tree, label, seen.arch)
        return {name: Value(kind) for name, kind in zip(machine.arguments, kinds, strict=False) if kind}

    running = Machine(machine.run, machine.leaves, machine.registers, machine.fixed, given)
    flow = Flow(variant.steps, running, others | functions, budget)
    before = flow.solve()
    labels = {step.label for step in variant.steps if step.label}
    for symbol, step in _loaded(variant.steps):
        if symbol not in labels:
            findings.use(symbol, step)
    accesses: list[Access] = []
    machine.record = accesses.append
    for at, block in enumerate(flow.blocks):
        state = dict(before[at])
        for number in range(block.first, block.end):
            machine.run(state, variant.steps[number], number)
    several = _several(accesses, variant, machine)
    for access in accesses:
        findings.access(access, variant, several, machine)
    machine.record = None
    findings.searches += searches(flow, variant, machine, accesses)


def _several(accesses: list[Access], variant: Variant, processor: Processor) -> frozenset[Variable]:
    """The loops that access more than one place of a table each round: one may be unrolled."""
    places: dict[Variable, set[int]] = {}
    for access in accesses:
        for variable, _ in access.address.terms if access.memory else ():
            places.setdefault(variable, set()).add(access.address.offset)
            if processor.several(variant.steps[access.at]):
                places[variable].add(access.address.offset + 1)
    return frozenset(variable for variable, offsets in places.items() if len(offsets) > 1)


_ORDER = re.compile(r"\.set\s+(reorder|noreorder|push|pop)\b")
_LOADED = re.compile(r"(?::lo12:|^=)\s*([A-Za-z_.$][\w.$]*)")
_NAME = re.compile(r"[A-Za-z_.$][\w.$]*")


def _loaded(steps: tuple[Step, ...]) -> Iterator[tuple[str, Step]]:
    for step in steps:
        for operand in step.operands:
            match = _LOADED.search(operand)
            if match is None and step.word in ("adr", "adrp") and operand is step.operands[-1]:
                match = _NAME.match(operand)
            if match is not None:
                yield match.group(match.lastindex or 0), step


@dataclass(slots=True)
class _Findings:
    """Collects what each variant shows; the same site under several conditions becomes one."""

    given: Assumption
    searches: list[Search] = field(default_factory=list)
    _strides: dict[tuple[str, Place, int | None, str, str], list[Mapping[str, bool]]] = field(
        default_factory=dict
    )
    _members: dict[tuple[str, str, int | None, Place, tuple[int, ...], int], list[Mapping[str, bool]]] = (
        field(default_factory=dict)
    )
    _uses: dict[SymbolUse, None] = field(default_factory=dict)

    def use(self, symbol: str, step: Step) -> None:
        self._uses[SymbolUse(symbol, _place(step.line))] = None

    def access(
        self, access: Access, variant: Variant, several: frozenset[Variable], processor: Processor
    ) -> None:
        address = access.address
        if typed(address.symbol) and (address.terms or address.offset != (access.offset or 0)):
            return  # somewhere behind the beginning of what a pointer points to
        if access.constant and address.symbol:
            offset = None if access.offset is None else address.offset
            step = variant.steps[access.at]
            every = math.gcd(*(coefficient for _, coefficient in address.terms))
            wide = processor.widths(step)
            member = (address.symbol, access.constant, offset, _place(step.line), wide, every)
            self._members.setdefault(member, []).extend(variant.cubes)
        for symbol, bytes_, how, why in _judged(address, several, memory=access.memory):
            at = address.scaled if address.scaled is not None else access.at
            key = (symbol, _place(variant.steps[at].line), bytes_, how, why)
            self._strides.setdefault(key, []).extend(variant.cubes)

    def strides(self) -> tuple[Stride, ...]:
        return tuple(
            Stride(symbol, place, bytes_, how, why, self._rendered(cubes))
            for (symbol, place, bytes_, how, why), cubes in self._strides.items()
        )

    def members(self) -> tuple[MemberAccess, ...]:
        return tuple(
            MemberAccess(symbol, constant, offset, place, self._rendered(cubes), wide, every)
            for (symbol, constant, offset, place, wide, every), cubes in self._members.items()
        )

    def _rendered(self, cubes: list[Mapping[str, bool]]) -> str:
        return rendered(
            [{atom: held for atom, held in cube.items() if atom not in self.given} for cube in cubes]
        )

    def uses(self) -> tuple[SymbolUse, ...]:
        return tuple(sorted(self._uses, key=lambda use: (use.place.path, use.place.line, use.symbol)))


def _judged(
    address: Value, several: frozenset[Variable], *, memory: bool
) -> Iterator[tuple[str, int | None, str, str]]:
    """The symbols that an address steps through: by how many bytes, how, and why that is not known."""
    if address.symbol is None or address.maybe:
        if memory:
            for symbol in sorted(each for each in address.symbols if not typed(each)):
                yield symbol, None, "", "its address is changed in a way that is not followed"
        return
    if not address.terms or typed(address.symbol):
        return
    (variable, coefficient), *more = address.terms
    if more:
        if memory:
            yield address.symbol, None, "", "the address depends on more than one variable"
    elif variable.step and abs(coefficient) == abs(variable.step):
        if memory and variable in several:
            yield address.symbol, None, "", "each round accesses several places: it may take several elements"
        elif memory:
            yield address.symbol, abs(coefficient), "increment", ""
    elif variable.step and abs(variable.step) != 1:
        if memory:
            yield address.symbol, None, "", f"the index itself moves by {variable.step} a round"
    elif variable.step or (variable.index and abs(coefficient) > 1):
        yield address.symbol, abs(coefficient), "scaled", ""
    elif variable.register.startswith(UNKNOWN):
        constant = variable.register.removeprefix(UNKNOWN)
        yield address.symbol, None, "", f"{_SHIFTED}, {constant}, has no known value"
    elif memory:
        yield address.symbol, None, "", "it is not known whether what is added counts elements or bytes"


# --- lines


_NONE: frozenset[str] = frozenset()


def _words(lines: tuple[Line, ...]) -> frozenset[str]:
    return frozenset(word for line in lines for word in TOKEN.findall(line.text))


def _involving(seen: Closure, symbol: str) -> frozenset[str]:
    """The symbol, and every macro that may expand to something that names it."""
    found = {symbol}
    waiting = [symbol]
    while waiting:
        new = seen.naming.get(waiting.pop(), _NONE) - found
        found |= new
        waiting += new
    return frozenset(found)


def _place(line: Line) -> Place:
    return Place(line.path, line.number, symbol=line.symbol, text=line.raw)


def _named(tree: Snapshot, symbol: str, path: str) -> Place | None:
    """Where a file first names a symbol outside of comments."""
    source = asm_source(tree, path)
    if source is None:
        return None
    lines = [*source.lines, *(line for macro in source.macros for line in macro.body)]
    word = re.compile(rf"(?<![\w.]){re.escape(symbol)}(?![\w.$])")
    found = [line for line in lines if word.search(line.text)]
    return _place(min(found, key=lambda line: line.number)) if found else None
