"""What riscv instructions do to registers that hold addresses of tables and indices into them.

After the RISC-V Instruction Set Manual, volume I, and the pseudo-instructions of its assembly programmer's manual:
an address is ``offset(base)``, and everything is added up before. An instruction that is not listed here spoils
every register. Read as the code of 64 bits.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from types import MappingProxyType

from checkseries.facts.asm_expand import CLOBBER, Step
from checkseries.facts.asm_flow import Jump, State, purge, spoil
from checkseries.facts.asm_processor import LoadStore, Test
from checkseries.facts.asm_value import Value, number, variable

_ABI = "zero ra sp gp tp t0 t1 t2 s0 s1 a0 a1 a2 a3 a4 a5 a6 a7 s2 s3 s4 s5 s6 s7 s8 s9 s10 s11 t3 t4 t5 t6".split()  # noqa: SIM905
_NAMES = MappingProxyType(
    {**{name: name for name in _ABI}, **{f"x{n}": name for n, name in enumerate(_ABI)}, "fp": "s0"}
)
_BRANCHES = MappingProxyType(
    {
        **dict.fromkeys(("beq", "bne", "blt", "bge", "bltu", "bgeu", "bgt", "ble", "bgtu", "bleu"), 3),
        **dict.fromkeys(("beqz", "bnez", "blez", "bgez", "bltz", "bgtz"), 2),
    }
)
"""Branches by condition, and how many operands they have: the last is the label."""
_RELATIONS = MappingProxyType({"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="})
_LOADS = MappingProxyType({"lb": 1, "lbu": 1, "lh": 2, "lhu": 2, "lw": 4, "lwu": 4, "ld": 8})
_STORES = MappingProxyType({"sb": 1, "sh": 2, "sw": 4, "sd": 8})
_FLOATS = frozenset("flw fld fsw fsd flh fsh".split())  # noqa: SIM905
_NOTHING = frozenset(
    """
    nop fence fence.i fence.tso wfi ecall.none csrw csrs csrc csrwi csrsi csrci sfence.vma sinval.vma hfence.gvma
    hfence.vvma unimp pause
    """.split()  # noqa: SIM905 - a table reads better as words
)
"""Write no general register."""
_LEAVES = frozenset("ret jr mret sret tail ebreak".split())  # noqa: SIM905
_ONE = frozenset(
    """
    srl srli srlw srliw slt slti sltu sltiu seqz snez sltz sgtz csrr csrrw csrrs csrrc csrrwi csrrsi csrrci rdtime
    rdcycle divu divuw remu remuw clz ctz cpop clzw ctzw cpopw rev8 mulhu lr.w lr.d auipc lui zext.b zext.h sext.b sext.h
    min minu max maxu
    """.split()  # noqa: SIM905 - a table reads better as words
)
"""Write a number that is not known into their first operand; it may serve as an index."""
_MIXED = frozenset(
    """
    or ori xor xori not neg negw sra srai sraw sraiw div divw rem remw mulh mulhsu orn andn xnor rol ror rori sc.w sc.d
    czero.eqz czero.nez bset bseti bclr bclri
    """.split()  # noqa: SIM905 - a table reads better as words
)
"""Write a number that is not known into their first operand; it may be a mask or hold multiples only."""
_ATOMIC = re.compile(r"amo(?:swap|add|xor|and|or|minu?|maxu?)\.([wd])(?:\.aq|\.rl|\.aqrl)?\Z")
_SHIFTED = re.compile(r"sh([123])add(\.uw)?\Z")


def register(word: str) -> str | None:
    """The register that a word names, by its name in the ABI."""
    return _NAMES.get(word.lower())


class RiscV(LoadStore):
    """The instructions of riscv, with 64 bits."""

    registers = tuple(name for name in _ABI if name != "zero")
    arguments = tuple(f"a{each}" for each in range(8))

    @staticmethod
    def named(word: str) -> str | None:
        """The register that a word names, by its name in the ABI."""
        return register(word)

    # --- how a step leaves

    def leaves(self, step: Step) -> Jump | None:
        """Where the flow goes after a step, None if just on."""
        word, given = step.word, step.operands
        if word == "j" or (word == "jal" and len(given) == 2 and register(given[0]) == "zero"):
            return Jump(given[-1:], falls=False)
        if word in _LEAVES or (word == "jalr" and given and register(given[0]) == "zero"):
            return Jump(falls=False)
        if word in _BRANCHES and len(given) == _BRANCHES[word]:
            return Jump(given[-1:])
        if word in ("call", "jal"):
            return Jump(given[-1:])
        return None

    # --- what a step takes

    def several(self, step: Step) -> bool:
        """Whether it loads or stores several registers at once: none does that is followed."""
        return step.word.startswith("v")

    def widths(self, step: Step) -> tuple[int, ...]:
        """How many bytes a load or store takes; empty if it is none, or not known."""
        wide = _LOADS.get(step.word) or _STORES.get(step.word)
        return (wide,) if wide else ()

    def test(self, state: State, steps: Sequence[Step], at: int) -> Test | None:
        """What a branch compares."""
        step = steps[at]
        given = step.operands
        relation = _RELATIONS.get(step.word.removesuffix("z").removesuffix("u").removeprefix("b"))
        if step.word not in _BRANCHES or relation is None or len(given) != _BRANCHES[step.word]:
            return None
        left = self._operand(state, given[0], at)
        right = self._operand(state, given[1], at) if len(given) == 3 else number(0)
        return Test(left, right, relation, given[-1], given[1] if len(given) == 3 else "0")

    # --- what a step does

    def run(self, state: State, step: Step, at: int) -> None:
        """Change the state as the step does."""
        word, given = step.word, step.operands
        if not word or word in ("j", "%fork", "%goto", "%end") or word in _BRANCHES or word in _LEAVES:
            return
        purge(state, at)
        self._at = at
        if word == CLOBBER or not self._known(state, word, given, at):
            spoil(state, at)
            state.update(self.fixed)

    def _known(self, state: State, word: str, given: tuple[str, ...], at: int) -> bool:
        """Whether the instruction was understood and done."""
        if word in _NOTHING:
            return True
        if word in _STORES or word in _FLOATS:
            # "sw a0, symbol, t0" goes by a third register.
            if len(given) == 3:
                return self._write(state, given[2], variable("made", at, "by"), at)
            return len(given) == 2 and self._memory(state, given[1], at)
        if not given:
            return False
        if match := _ATOMIC.match(word):
            wide = variable("made", at, match[1], index=False)
            return (
                len(given) == 3
                and self._memory(state, given[2], at)
                and self._write(state, given[0], wide, at)
            )
        if word in _LOADS:
            return len(given) == 2 and self._load(state, given, at)
        found = self._computed(state, word, given, at)
        return found is not None and self._write(state, given[0], found, at)

    def _load(self, state: State, given: tuple[str, ...], at: int) -> bool:
        if "(" in given[1] and not self._memory(state, given[1], at):
            return False
        if "(" not in given[1] and register(given[1]) is not None:
            return False
        return self._write(state, given[0], variable("made", at, given[0]), at)

    def _computed(self, state: State, word: str, given: tuple[str, ...], at: int) -> Value | None:
        """The value that the first operand gets; None if the instruction is not known."""
        match word, len(given):
            case "la" | "lla", 2:
                return self._address(given[1], at)
            case "li", 2:
                known = self.constant(given[1])
                return number(known) if known is not None else variable("made", at, given[1], index=False)
            case "mv", 2:
                return self._operand(state, given[1], at)
            case "add" | "addi", 3 if (
                given[:2] == ("sp", "sp") and given[2].startswith("-") and (made := self.room(given[2]))
            ):
                return made
            case "add" | "addi", 3:
                return self._plus(self._operand(state, given[1], at), self._operand(state, given[2], at), at)
            case "sub", 3:
                return self._minus(self._operand(state, given[1], at), self._operand(state, given[2], at), at)
            case "addw" | "addiw", 3:
                left, right = (self._operand(state, each, at) for each in given[1:])
                return self._low(self._plus(left, right, at), at)
            case "sext.w" | "zext.w", 2:
                return self._low(self._operand(state, given[1], at), at)
            case "sll" | "slli" | "sllw" | "slliw" | "slli.uw", 3:
                by = self._operand(state, given[2], at).constant
                found = self._operand(state, given[1], at)
                narrowed = self._low(found, at) if word.endswith("w") else found
                return self._scaled(narrowed, by, at, given[2])
            case "mul" | "mulw", 3:
                found = self._multiplied(
                    self._operand(state, given[1], at), self._operand(state, given[2], at), at
                )
                return self._low(found, at) if word.endswith("w") else found
            case "add.uw", 3:
                return self._plus(
                    self._low(self._operand(state, given[1], at), at), self._operand(state, given[2], at), at
                )
            case "and" | "andi", 3:
                left, mask = self._operand(state, given[1], at), self._operand(state, given[2], at).constant
                if mask is not None and mask > 0 and not mask & (mask + 1) and left.plain:
                    return variable("made", at, "", maybe=left.symbols)
                return self._new(state, given, at, index=False)
            case _, 3 if match := _SHIFTED.match(word):
                found = self._operand(state, given[1], at)
                found = self._low(found, at) if match[2] else found
                return self._plus(
                    self._scaled_by(found, 1 << int(match[1]), at), self._operand(state, given[2], at), at
                )
        if word in _ONE:
            return self._new(state, given, at)
        if word in _MIXED:
            return self._new(state, given, at, index=False)
        return None
