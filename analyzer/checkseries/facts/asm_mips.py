"""What mips instructions do to registers that hold addresses of tables and indices into them.

After the MIPS64 Architecture for Programmers, volume II, and the macros of GNU as: an address is ``offset(base)``,
and everything is added up before. Where the assembler may not reorder (``.set noreorder``) the instruction behind
a branch runs before it. An instruction that is not listed here spoils every register. Read as the code of 64 bits.
"""

from __future__ import annotations

import re
from types import MappingProxyType

from checkseries.facts.asm_expand import CLOBBER, ORDER, Step
from checkseries.facts.asm_flow import Jump, State, purge, spoil
from checkseries.facts.asm_processor import LoadStore
from checkseries.facts.asm_value import Value, number, variable

_ABI = "zero at v0 v1 a0 a1 a2 a3 a4 a5 a6 a7 t0 t1 t2 t3 s0 s1 s2 s3 s4 s5 s6 s7 t8 t9 k0 k1 gp sp fp ra".split()  # noqa: SIM905
_NAMES = MappingProxyType(
    {
        **{name: name for name in _ABI},
        **{f"${name}": name for name in _ABI},
        **{f"${n}": name for n, name in enumerate(_ABI)},
        "s8": "fp", "$s8": "fp", "jp": "t9", **{f"ta{n}": f"a{4 + n}" for n in range(4)}, "AT": "at",
    }
)  # fmt: skip
_BRANCHES = MappingProxyType(
    {
        **dict.fromkeys(("beq", "bne", "blt", "bge", "bltu", "bgeu", "bgt", "ble", "bgtu", "bleu"), 3),
        **dict.fromkeys(("beqz", "bnez", "blez", "bgez", "bltz", "bgtz"), 2),
        **dict.fromkeys(("bc0f", "bc0t", "bc1f", "bc1t"), 1),
    }
)
"""Branches by condition, and how many operands they have: the last is the label."""
_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_JUMPS = frozenset(["b", "j", "jr", "jal", "jalr", "bal", "bgezal", "bltzal", "jr.hb", "jalr.hb"])
_LEAVES = frozenset(["jr", "jr.hb", "eret", "deret", "break", "eretnc"])
_CALLS = frozenset(["jal", "jalr", "jalr.hb", "bal", "bgezal", "bltzal", "syscall"])
_LOADS = MappingProxyType(
    {"lb": 1, "lbu": 1, "lh": 2, "lhu": 2, "lw": 4, "lwu": 4, "ld": 8, "ll": 4, "lld": 8, "ulw": 4, "uld": 8}
)
_STORES = MappingProxyType({"sb": 1, "sh": 2, "sw": 4, "sd": 8})
_FLOATS = frozenset(["lwc1", "swc1", "ldc1", "sdc1", "l.d", "s.d", "l.s", "s.s"])
_NOTHING = frozenset(
    """
    nop ssnop ehb sync synci wait di ei mtc0 dmtc0 mtc1 dmtc1 ctc1 mtc2 dmtc2 ctc2 mthi mtlo mult multu dmult dmultu mttc0 mttgpr
    tlbwi tlbwr tlbr tlbp cache pref tne teq pause yield evpe dvpe emt dmt mtgc0
    """.split()  # noqa: SIM905 - a table reads better as words
)
"""Write no general register."""
_ONE = frozenset(
    """
    srl dsrl dsrl32 srlv dsrlv slt slti sltu sltiu mfc0 dmfc0 mfc1 dmfc1 cfc1 mfc2 dmfc2 cfc2 mfhi mflo clz dclz clo ext dext dextu dextm
    seb seh rdhwr mftc0 mftgpr divu ddivu remu lui
    """.split()  # noqa: SIM905 - a table reads better as words
)
"""Write a number that is not known into their first operand; it may serve as an index."""
_MIXED = frozenset(
    """
    or ori xor xori nor not neg negu dnegu sra dsra dsra32 srav dsrav ins dins dinsu dinsm movn movz movf movt rotr drotr
    drotr32 wsbh dsbh dshd sc scd
    """.split()  # noqa: SIM905 - a table reads better as words
)
"""Write a number that is not known into their first operand; it may be a mask or hold multiples only."""


def register(word: str) -> str | None:
    """The register that a word names, by its name in the ABI of 64 bits."""
    return _NAMES.get(word)


class Mips(LoadStore):
    """The instructions of mips, with 64 bits."""

    registers = tuple(name for name in _ABI if name != "zero")
    arguments = tuple(f"a{each}" for each in range(8))

    @staticmethod
    def named(word: str) -> str | None:
        """The register that a word names, by its name in the ABI of 64 bits."""
        return register(word)

    def arranged(self, steps: tuple[Step, ...]) -> tuple[Step, ...]:
        """The steps in the order that they run: the one in a branch's delay slot before the branch."""
        found: list[Step] = []
        fixed = False
        saved: list[bool] = []
        at = 0
        while at < len(steps):
            step = steps[at]
            at += 1
            if step.word == ORDER:
                match step.operands[0]:
                    case "push":
                        saved.append(fixed)
                    case "pop":
                        fixed = saved.pop() if saved else fixed
                    case how:
                        fixed = how == "noreorder"
                continue
            if fixed and self._delayed(step.word):
                slot = steps[at] if at < len(steps) else step
                if (
                    slot.label
                    or not slot.word
                    or slot.word.startswith("%")
                    or self._delayed(slot.word)
                    or _likely(step.word)
                ):
                    found.append(Step(step.line, CLOBBER, ("what runs in a delay slot is not known",)))
                else:
                    found.append(slot)
                    at += 1
            found.append(step)
        return tuple(found)

    @staticmethod
    def _delayed(word: str) -> bool:
        return word in _BRANCHES or word in _JUMPS or _likely(word)

    # --- how a step leaves

    def leaves(self, step: Step) -> Jump | None:
        """Where the flow goes after a step, None if just on."""
        word, given = step.word, step.operands
        if word in ("b", "j") and given:
            # "j ra" is a return.
            return Jump(given[:1] if register(given[0]) is None else (), falls=False)
        if word in _LEAVES:
            return Jump(falls=False)
        if word in _BRANCHES or _likely(word) or word in _CALLS:
            return Jump(given[-1:])
        return None

    # --- what a step takes

    def several(self, step: Step) -> bool:
        """Whether it loads or stores several registers at once: none does."""
        return step.word in _FLOATS

    def widths(self, step: Step) -> tuple[int, ...]:
        """How many bytes a load or store takes; empty if it is none, or not known."""
        wide = _LOADS.get(step.word) or _STORES.get(step.word)
        return (wide,) if wide else ()

    # --- what a step does

    def run(self, state: State, step: Step, at: int) -> None:
        """Change the state as the step does."""
        word, given = step.word, step.operands
        if (
            not word
            or word in ("b", "j", ORDER, "%fork", "%goto", "%end")
            or word in _BRANCHES
            or word in _LEAVES
            or _likely(word)
        ):
            return
        purge(state, at)
        self._at = at
        if word == CLOBBER or not self._known(state, word, given, at):
            spoil(state, at)
            state.update(self.fixed)
            return

    def _known(self, state: State, word: str, given: tuple[str, ...], at: int) -> bool:
        """Whether the instruction was understood and done."""
        if word in _NOTHING:
            return True
        if word in _FLOATS:
            return len(given) == 2 and self._placed(state, given[1], at)
        if len(given) < 2:
            return False
        if word in _STORES:
            return self._placed(state, given[1], at)
        if word in _LOADS:
            return self._placed(state, given[1], at) and self._write(
                state, given[0], variable("made", at, given[0]), at
            )
        if word in ("sc", "scd"):
            self._placed(state, given[1], at)
        found = self._computed(state, word, given, at)
        return found is not None and self._write(state, given[0], found, at)

    def _placed(self, state: State, text: str, at: int) -> bool:
        """A place in memory; one that has no base is a symbol, by way of the register ``at``."""
        if "(" in text:
            return self._memory(state, text, at)
        state["at"] = variable("made", at, "at", index=False)
        return register(text) is None

    def _computed(self, state: State, word: str, given: tuple[str, ...], at: int) -> Value | None:
        """The value that the first operand gets; None if the instruction is not known."""
        if word == "dla" and len(given) == 2 and "(" not in given[1]:
            return self._address(given[1], at)
        if word in ("la", "dla") and len(given) == 2:
            # Code that says "la" is of 32 bits, or for both: which layout it means is not known.
            return variable("made", at, given[1], index=False, maybe=frozenset(_NAME.findall(given[1])))
        if word in ("li", "dli") and len(given) == 2:
            known = self.constant(given[1])
            return number(known) if known is not None else variable("made", at, given[1], index=False)
        if word == "move" and len(given) == 2:
            return self._operand(state, given[1], at)
        if word in ("lsa", "dlsa") and len(given) == 4:
            scaled = self._scaled(self._operand(state, given[1], at), self.constant(given[3]), at, given[3])
            return self._plus(scaled, self._operand(state, given[2], at), at)
        if word in _ONE:
            return self._new(state, given, at)
        if word in _MIXED:
            return self._new(state, given, at, index=False)
        if len(given) not in (2, 3):
            return None
        if (
            word in ("dsubu", "daddiu", "daddu")
            and {register(each) for each in given[:-1]} == {"sp"}
            and (word == "dsubu") != given[-1].startswith("-")
            and (made := self.room(given[-1]))
        ):
            return made
        # "addu a, b" is "addu a, a, b".
        left, right = (self._operand(state, each, at) for each in (given if len(given) == 2 else given[1:]))
        match word:
            case "add" | "addu" | "addi" | "addiu":
                return (
                    self._low(self._plus(left, right, at), at)
                    if not (left.symbols | right.symbols)
                    else self._lost(left, right, at)
                )
            case "dadd" | "daddu" | "daddi" | "daddiu":
                return self._plus(left, right, at)
            case "dsub" | "dsubu":
                return self._minus(left, right, at)
            case "sub" | "subu":
                return self._lost(left, right, at)
            case "sll" | "sllv":
                return self._scaled(self._low(left, at), right.constant, at, given[-1])
            case "dsll" | "dsllv":
                return self._scaled(left, right.constant, at, given[-1])
            case "dsll32":
                return self._scaled(
                    left, None if right.constant is None else right.constant + 32, at, given[-1]
                )
            case "mul" | "dmul" | "dmulu":
                found = self._multiplied(left, right, at)
                return self._low(found, at) if word == "mul" else found
            case "and" | "andi":
                mask = right.constant
                if mask is not None and mask > 0 and not mask & (mask + 1) and left.plain:
                    return variable("made", at, "", maybe=left.symbols)
                return variable("made", at, "", index=False, maybe=left.symbols | right.symbols)
        return None


def _likely(word: str) -> bool:
    """Whether it is a branch that runs its delay slot only when it is taken."""
    return word.endswith("l") and word[:-1] in _BRANCHES
