"""What x86-64 instructions do to registers that hold addresses of tables and indices into them.

After the AMD64 Architecture Programmer's Manual, volume 3, in the syntax of GNU as for AT&T: the source comes first,
an address is ``displacement(base, index, scale)``. An instruction that is not listed here spoils every register.
Addresses in 32-bit registers and behind a segment are not followed: the code of 32 bits, and the areas of CPUs.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from checkseries.facts.asm_expand import CLOBBER, Step
from checkseries.facts.asm_flow import Jump, State, purge, spoil
from checkseries.facts.asm_processor import Processor, Test
from checkseries.facts.asm_text import operands
from checkseries.facts.asm_value import Value, difference, narrow, number, variable

_OLD = ("a", "b", "c", "d")
_POINTERS = ("si", "di", "bp", "sp")
REGISTERS = (
    *(f"r{each}x" for each in _OLD),
    *(f"r{each}" for each in _POINTERS),
    *(f"r{n}" for n in range(8, 16)),
)
_PARTS = MappingProxyType(
    {
        **{f"{size}{each}x": (f"r{each}x", width) for each in _OLD for size, width in (("r", 8), ("e", 4), ("", 2))},
        **{f"{each}{part}": (f"r{each}x", 1) for each in _OLD for part in "lh"},
        **{f"{size}{each}": (f"r{each}", width) for each in _POINTERS for size, width in (("r", 8), ("e", 4), ("", 2))},
        **{f"{each}l": (f"r{each}", 1) for each in _POINTERS},
        **{f"r{n}{part}": (f"r{n}", width) for n in range(8, 16) for part, width in (("", 8), ("d", 4), ("w", 2), ("b", 1))},
    }
)  # fmt: skip
"""A name of a general register, or of a part of it -> the whole one, and how many bytes it names."""

_CONDITION = (
    "a|ae|b|be|c|cxz|e|ecxz|g|ge|l|le|na|nae|nb|nbe|nc|ne|ng|nge|nl|nle|no|np|ns|nz|o|p|pe|po|rcxz|s|z"
)
_BRANCH = re.compile(rf"j(?:{_CONDITION})\Z")
_RELATIONS = MappingProxyType(
    {"e": "==", "z": "==", "ne": "!=", "nz": "!="}
    | dict.fromkeys(("l", "nge", "b", "nae", "c"), "<")
    | dict.fromkeys(("le", "ng", "be", "na"), "<=")
    | dict.fromkeys(("g", "nle", "a", "nbe"), ">")
    | dict.fromkeys(("ge", "nl", "ae", "nb", "nc"), ">=")
)
_MOVE = re.compile(rf"cmov(?:{_CONDITION})[wlq]?\Z")
_SET = re.compile(rf"set(?:{_CONDITION})b?\Z")
_EXTEND = re.compile(r"mov([zs])(?:[bwl][wlq]|[bw]?|x[bw]?[wlq]?|xd)\Z|movslq\Z")
_LEAVES = frozenset(
    """
    ret retq retl lret lretq lretl iret iretq iretl sysretq sysretl sysexit ud2 ljmp ljmpq ljmpl
    """.split()  # noqa: SIM905 - a table reads better as words
)
_NOTHING = frozenset(
    """
    cmp test bt nop cli sti cld std clc stc cmc clac stac lfence mfence sfence prefetch prefetcht0 prefetcht1 prefetchnta
    prefetchw wrmsr swapgs hlt pause lgdt lidt ltr lldt invlpg invd wbinvd out outb outw outl endbr64 endbr32 fninit
    pushf pushfq popf popfq int3 clflush clflushopt sahf verw
    """.split()  # noqa: SIM905 - a table reads better as words
)
"""Write no general register but the stack pointer."""
_ONE = frozenset("shr sar bsf bsr tzcnt lzcnt popcnt in inb inw inl".split())  # noqa: SIM905
"""Write a number that is not known into their last operand; it may serve as an index."""
_MIXED = frozenset("or not neg adc sbb rol ror rcl rcr bswap bts btr btc andn shrd shld bextr blsr".split())  # noqa: SIM905
_FIXED = MappingProxyType(
    {
        "rdmsr": ("rax", "rdx"), "cpuid": ("rax", "rbx", "rcx", "rdx"), "rdtsc": ("rax", "rdx"), "rdtscp": ("rax", "rcx", "rdx"),
        "cltq": ("rax",), "cdqe": ("rax",), "cqto": ("rdx",), "cltd": ("rdx",), "cqo": ("rdx",), "cdq": ("rdx",),
        "mul": ("rax", "rdx"), "div": ("rax", "rdx"), "idiv": ("rax", "rdx"), "xgetbv": ("rax", "rdx"), "xsetbv": (), "lahf": ("rax",),
    }
)  # fmt: skip
"""Write the registers that their name stands for."""
_SIZED = _NOTHING | _ONE | _MIXED | _FIXED.keys() | {"mov", "movabs", "lea", "add", "sub", "shl", "sal", "imul", "inc", "dec", "xor", "and", "push", "pop", "xchg", "jmp", "call"}  # fmt: skip
_BYTES = {"b": 1, "w": 2, "l": 4, "q": 8}
_SYMBOL = re.compile(r"([A-Za-z_.$][\w.$]*)\s*(?:([+-])\s*(.*))?\Z", re.DOTALL)
_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_ELSEWHERE = re.compile(r"%(?:[cdefgs]s|cr\d+|dr\d+|[xyz]?mm\d+|k\d|st)\b")


def register(word: str) -> tuple[str, int] | None:
    """The general register that a word names, and how many bytes of it."""
    return _PARTS.get(word[1:].lower()) if word.startswith("%") else None


@dataclass(frozen=True, slots=True)
class _Memory:
    """A place in memory; ``address`` is None if it is not followed."""

    address: Value | None
    constant: str = ""
    offset: int | None = None


class X86(Processor):
    """The instructions of x86-64."""

    registers = REGISTERS
    arguments = ("rdi", "rsi", "rdx", "rcx", "r8", "r9")

    # --- how a step leaves

    def leaves(self, step: Step) -> Jump | None:
        """Where the flow goes after a step, None if just on."""
        word = self._plain(step.word)
        if word == "jmp":
            return Jump(
                () if step.operands[:1] and step.operands[0].startswith("*") else step.operands[:1],
                falls=False,
            )
        if word in _LEAVES:
            return Jump(falls=False)
        if _BRANCH.match(word) or word in ("loop", "call"):
            return Jump(step.operands[:1])
        return None

    # --- what a step takes

    def several(self, step: Step) -> bool:
        """Whether it loads or stores several registers at once: none does that is followed."""
        return step.word.startswith(("vmov", "movdq", "movap", "movup"))

    def widths(self, step: Step) -> tuple[int, ...]:
        """How many bytes a load or store takes; empty if it is none, or not known."""
        word = self._plain(step.word)
        if word in ("lea", "call", "jmp") or not step.operands:
            return ()
        if match := re.match(r"mov[zs]([bwl])[wlq]\Z|mov(s)lq\Z", step.word):
            return (4,) if match[2] else (_BYTES[match[1]],)
        if step.word.startswith(("movz", "movs", "cmov", "set")):
            return ()
        if step.word != word:
            return (_BYTES[step.word[-1]],)
        found = [held[1] for each in step.operands if (held := register(each))]
        return (found[-1],) if found and word not in ("shl", "sal", "shr", "sar") else ()

    def test(self, state: State, steps: Sequence[Step], at: int) -> Test | None:
        """What a branch compares: only of ``cmp`` of registers and numbers right before it."""
        step, before = steps[at], steps[at - 1] if at else steps[at]
        relation = _RELATIONS.get(step.word[1:]) if _BRANCH.match(step.word) else None
        if relation is None or self._plain(before.word) != "cmp" or len(before.operands) != 2:
            return None
        right, left = before.operands
        if not left.startswith("%") or not right.startswith(("%", "$")) or len(step.operands) != 1:
            return None
        number = right.removeprefix("$")
        held = self._value(state, left, at)
        if right.startswith("$") and self.constant(number) is None:
            against = variable("made", at, number, index=False)
        else:
            against = self._value(state, right, at)
        return Test(held, against, relation, step.operands[0], number)

    # --- what a step does

    def run(self, state: State, step: Step, at: int) -> None:
        """Change the state as the step does."""
        word, given = step.word, step.operands
        if not word or word in ("%fork", "%goto", "%end") or _BRANCH.match(word):
            return
        purge(state, at)
        self._at = at
        if word == CLOBBER or not self._known(state, self._plain(word), given, at):
            spoil(state, at)

    @staticmethod
    def _plain(word: str) -> str:
        """The mnemonic without the suffix for the size of its operands."""
        if word not in _SIZED and word[-1:] in _BYTES and word[:-1] in _SIZED:
            return word[:-1]
        return word

    def _known(self, state: State, word: str, given: tuple[str, ...], at: int) -> bool:
        """Whether the instruction was understood and done."""
        if word in ("jmp", "call") and given and given[0].startswith("*"):
            self._value(state, given[0].removeprefix("*").strip(), at)  # through a table
        if word in _LEAVES or word == "jmp":
            return True
        if word in _NOTHING or word == "push":
            for each in given:
                self._value(state, each, at)
            return True
        if word in _FIXED:
            for each in given:
                self._value(state, each, at)
            state.update({each: variable("made", at, each, index=False) for each in _FIXED[word]})
            return True
        if word == "xchg" and len(given) == 2:
            left, right = (self._value(state, each, at) for each in given)
            return self._write(state, given[1], left, at) and self._write(state, given[0], right, at)
        if not given:
            return False
        if word == "imul" and len(given) == 1:
            return False
        found = self._computed(state, word, given, at)
        return found is not None and self._write(state, given[-1], found, at)

    def _computed(self, state: State, word: str, given: tuple[str, ...], at: int) -> Value | None:
        """The value that the last operand gets; None if the instruction is not known."""
        match word, len(given):
            case "mov" | "movabs", 2:
                return self._value(state, given[0], at)
            case "lea", 2:
                place = self._memory(state, given[0], at, told=False)
                return (
                    place.address
                    if place is not None and place.address is not None
                    else self._new(state, given, at, index=False)
                )
            case "add", 2:
                return self._plus(self._value(state, given[1], at), self._value(state, given[0], at), at)
            case "sub", 2 if given[1] == "%rsp" and (made := self.room(given[0])):
                return made
            case "sub", 2:
                left, right = self._value(state, given[1], at), self._value(state, given[0], at)
                found = difference(left, right)
                return found if found is not None else self._lost(left, right, at)
            case "inc" | "dec", 1:
                return self._plus(self._value(state, given[0], at), number(1 if word == "inc" else -1), at)
            case "shl" | "sal", 1:
                return self._scaled_by(self._value(state, given[0], at), 2, at)
            case "shl" | "sal", 2:
                by = self._value(state, given[0], at).constant
                return self._scaled(self._value(state, given[1], at), by, at, given[0].removeprefix("$"))
            case "imul", 2:
                return self._multiplied(
                    self._value(state, given[1], at), self._value(state, given[0], at), at
                )
            case "imul", 3:
                return self._multiplied(
                    self._value(state, given[1], at), self._value(state, given[0], at), at
                )
            case "xor", 2 if given[0] == given[1]:
                return number(0)
            case "and", 2:
                left, mask = self._value(state, given[1], at), self._value(state, given[0], at).constant
                whole = register(given[1])
                if mask is not None and whole is not None and whole[1] == 4:
                    mask &= 0xFFFFFFFF
                if mask is not None and mask > 0 and not mask & (mask + 1) and left.plain:
                    return variable("made", at, "", maybe=left.symbols)
                return self._new(state, given, at, index=False)
            case "xor", 2:
                return self._new(state, given, at, index=False)
            case "pop", 1:
                return variable("made", at, "popped")
        if _EXTEND.match(word) and len(given) == 2:
            return self._extended(state, word, given, at)
        if _SET.match(word):
            return self._new(state, given, at)
        if _MOVE.match(word) and len(given) == 2:
            left, right = (self._value(state, each, at) for each in given)
            return (
                left
                if left == right
                else variable(
                    "made", at, "", index=left.plain and right.plain, maybe=left.symbols | right.symbols
                )
            )
        if word in _ONE:
            return self._new(state, given, at)
        if word in _MIXED:
            return self._new(state, given, at, index=False)
        return None

    def _extended(self, state: State, word: str, given: tuple[str, ...], at: int) -> Value:
        found = self._value(state, given[0], at)
        source = register(given[0])
        if (
            source is not None
            and source[1] == 4
            and narrow(found) is not None
            and word in ("movslq", "movsxd")
        ):
            return found
        return variable("made", at, "extended", index=found.plain, maybe=found.symbols)

    def _new(self, state: State, given: tuple[str, ...], at: int, *, index: bool = True) -> Value:
        """A new number; if it is made from an address, it may still be one."""
        held = [self._value(state, each, at) for each in given if each.startswith("%")]
        for each in given:
            if not each.startswith(("%", "$")):
                self._memory(state, each, at)
        maybe = frozenset[str]().union(*(each.symbols for each in held))
        return variable("made", at, "", index=index and all(each.plain for each in held), maybe=maybe)

    # --- operands

    def _value(self, state: State, text: str, at: int) -> Value:
        """What an operand holds; a place in memory is told to the record."""
        named = register(text)
        if named is not None:
            return self._read(state, named)
        if text.startswith("$"):
            found = self.constant(text[1:])
            return number(found) if found is not None else self._displaced(text[1:], at)[0]
        if text.startswith("%") and _ELSEWHERE.fullmatch(text):
            return variable("made", at, text, index=False)
        self._memory(state, text, at)
        return variable("made", at, text)

    def _read(self, state: State, named: tuple[str, int]) -> Value:
        name, width = named
        held = state[name]
        if width == 8:
            return held
        low = narrow(held) if width == 4 else None
        return (
            low
            if low is not None
            else variable("made", self._at, f"low {name} {width}", index=held.plain, maybe=held.symbols)
        )

    def _write(self, state: State, target: str, found: Value, at: int) -> bool:
        named = register(target)
        if named is None:
            if target.startswith("%"):
                return _ELSEWHERE.fullmatch(target) is not None
            return self._memory(state, target, at) is not None
        name, width = named
        if width == 4:
            low = narrow(found)
            found = (
                low if low is not None else variable("made", at, "", index=found.plain, maybe=found.symbols)
            )
        elif width < 4:
            # The rest of the register stays.
            found = variable("made", at, "part", index=False, maybe=state[name].symbols | found.symbols)
        state[name] = found
        self._tell(at, found, memory=False)
        return True

    def _displaced(self, text: str, at: int) -> tuple[Value, str, int | None]:
        """A displacement: a number, or a symbol and a number; the text of the number, and its value if it has one."""
        text = text.strip()
        if not text:
            return number(0), "", 0
        found = self.constant(text)
        if found is not None:
            return number(found), text, found
        match = _SYMBOL.match(text)
        if (
            match is None
            or self.known.measured(match[1]) is not None
            or self.known.define(match[1]) is not None
        ):
            return variable("made", at, text, index=False), text, None
        symbol, sign, rest = match.groups()
        if not sign:
            return Value(symbol), "", 0
        offset = self.constant(rest)
        if offset is not None:
            offset = offset if sign == "+" else -offset
            return Value(symbol, offset=offset), rest, offset
        if sign == "+" and (_SYMBOL.match(rest) is None or self.known.measured(rest) is not None):
            return self._plus(Value(symbol), variable("made", at, text, index=False), at), rest, None
        return variable("made", at, text, index=False, maybe=frozenset({symbol})), "", None

    def _memory(self, state: State, text: str, at: int, *, told: bool = True) -> _Memory | None:
        """A place in memory, told to the record unless nothing is done there; None if it cannot be read."""
        text = text.removeprefix("*").strip()
        if text.startswith("%"):
            return _Memory(None)  # behind a segment
        before, bracket, inner = text[:-1].rpartition("(") if text.endswith(")") else (text, "", "")
        inside = operands(inner) if bracket else ()
        if not inside and (any(map(self.known.defined, _NAME.findall(text))) or not _SYMBOL.match(text)):
            return None  # a macro, which may be anything
        if inside and "%" not in inner:
            return None
        shift, constant, offset = self._displaced(before, at)
        address: Value | None = shift
        base, index, scale = (*inside, "", "", "")[:3]
        if base and base.lower() != "%rip":
            address = self._added(state, address, base, 1, at)
        if index:
            factor = self.constant(scale) if scale else 1
            address = None if factor is None else self._added(state, address, index, factor, at)
        if address is None or (not inside and shift.symbol):
            return _Memory(None)  # of 32 bits, or an absolute address, which may be
        fixed = replace(address, scaled=address.scaled)
        if not told:
            pass
        elif constant and offset is None:
            # A member whose place is not known: the element is still the one that the rest points to.
            rest = difference(fixed, variable("made", at, before.strip(), index=False))
            self._tell(at, rest if rest is not None else fixed, memory=True, constant=constant)
        else:
            self._tell(at, fixed, memory=True, constant=constant, offset=offset)
        return _Memory(fixed, constant, offset)

    def _added(self, state: State, address: Value | None, text: str, factor: int, at: int) -> Value | None:
        named = register(text)
        if address is None or named is None or named[1] != 8:
            return None
        held = state[named[0]]
        return self._plus(address, held if factor == 1 else self._scaled_by(held, factor, at), at)
