"""What arm64 instructions do to registers that hold addresses of tables and indices into them.

After the Arm Architecture Reference Manual, chapter C6 (A64 base instructions). An instruction that is not
listed here spoils every register: it may be a macro that was not found.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from types import MappingProxyType

from checkseries.facts.asm_expand import CLOBBER, Step, register
from checkseries.facts.asm_flow import Jump, State, purge, spoil
from checkseries.facts.asm_processor import Processor, Test
from checkseries.facts.asm_text import operands
from checkseries.facts.asm_value import Value, difference, narrow, number, variable

_CONDITIONS = "eq|ne|cs|hs|cc|lo|mi|pl|vs|vc|hi|ls|ge|lt|gt|le|al|nv"
_RELATIONS = MappingProxyType(
    {"eq": "==", "ne": "!=", "lt": "<", "lo": "<", "cc": "<", "le": "<=", "ls": "<=", "gt": ">", "hi": ">"}
    | {"ge": ">=", "hs": ">=", "cs": ">="}
)
_BRANCH = re.compile(rf"b(?:c?\.(?:{_CONDITIONS})|{_CONDITIONS})\Z")
_CALLS = {"bl", "blr", "blraa", "blraaz", "blrab", "blrabz", "svc", "hvc", "smc"}
_LEAVES = frozenset(
    """
    ret retaa retab eret eretaa eretab br braa braaz brab brabz drps
    """.split()  # noqa: SIM905 - a table reads better as words
)
_TESTS = {"cbz": 1, "cbnz": 1, "tbz": 2, "tbnz": 2}
_NOTHING = frozenset(
    """
    nop yield wfe wfi wfet wfit sev sevl hint esb psb tsb csdb bti dmb dsb isb sb clrex msr dc ic at
    tlbi sys cmp cmn tst ccmp ccmn fcmp prfm prfum str strb strh stur sturb sturh stp stnp stlr stlrb
    stlrh stlur sttr sttrb sttrh brk hlt udf setf8 setf16 cfinv rmif gcsb
    dgh
    """.split()  # noqa: SIM905 - a table reads better as words
)
"""Write no general register but for a base that is written back."""
_LOADS = frozenset(
    """
    ldr ldrb ldrh ldrsb ldrsh ldrsw ldur ldurb ldurh ldursb ldursh ldursw ldtr ldtrb ldtrh ldtrsb ldtrsh
    ldtrsw ldar ldarb ldarh ldapr ldaprb ldaprh ldapur ldlar ldxr ldxrb ldxrh ldaxr ldaxrb ldaxrh ldraa
    ldrab
    """.split()  # noqa: SIM905 - a table reads better as words
)
_PAIRS = frozenset(
    """
    ldp ldpsw ldnp ldxp ldaxp
    """.split()  # noqa: SIM905 - a table reads better as words
)
SEVERAL = _PAIRS | {"stp", "stnp", "stxp", "stlxp"}
"""Load or store two registers at once."""
_STATUS = frozenset(
    """
    stxr stxrb stxrh stlxr stlxrb stlxrh stxp stlxp
    """.split()  # noqa: SIM905 - a table reads better as words
)
_ONE = frozenset(
    """
    mrs ubfx sbfx lsr lsrv clz cls rbit rev rev16 rev32 rev64 cset udiv sdiv smulh umulh crc32b crc32h
    crc32w crc32x crc32cb crc32ch crc32cw crc32cx pacga ctz cnt abs smax smin umax umin sysl
    """.split()  # noqa: SIM905 - a table reads better as words
)
"""Write a number that is not known into their first operand; it may serve as an index."""
_MIXED = frozenset(
    """
    and ands orr orn eor eon bic bics bfi bfxil bfm bfc sbfm ubfm extr ror rorv asr asrv adc adcs sbc
    sbcs movk movn mvn neg negs ngc ngcs csneg csinv cneg cinv csetm pacia pacib pacda pacdb autia autib
    autda autdb xpaci xpacd paciza pacizb pacdza pacdzb autiza autizb autdza autdzb smull umull smulh
    smaddl smsubl smnegl umaddl umsubl umnegl mneg msub irg addg subg subp subps gmi
    """.split()  # noqa: SIM905 - a table reads better as words
)
"""Write a number that is not known into their first operand; it may be a mask or hold multiples only."""
_MEMORY = re.compile(r"\[(.*)\](!?)\Z", re.DOTALL)
_EXTEND = re.compile(r"(lsl|lsr|asr|ror|uxt[bhwx]|sxt[bhwx])\b\s*#?\s*(.*)\Z", re.IGNORECASE | re.DOTALL)
_VECTOR = re.compile(r"[{]|[bhsdqvzp]\d+\b", re.IGNORECASE)


_WIDTH = {"x": 8, "w": 4, "b": 1, "h": 2, "s": 4, "d": 8, "q": 16}
_SUFFIX = {"b": 1, "h": 2, "w": 4}
_ACCESS = re.compile(r"(?:ld|st)(?:r|ur|tr|ar|apr|apur|lr|lur|xr|axr|lxr|lar|llr)s?([bhw]?)\Z")


class Arm64(Processor):
    """The instructions of arm64."""

    registers = (*(f"x{each}" for each in range(31)), "sp")
    arguments = tuple(f"x{each}" for each in range(8))

    # --- how a step leaves

    def leaves(self, step: Step) -> Jump | None:
        """Where the flow goes after a step, None if just on."""
        word, given = step.word, step.operands
        if word == "b":
            return Jump(given[:1], falls=False)
        if word in _LEAVES:
            return Jump(falls=False)
        if _BRANCH.match(word):
            return Jump(given[:1])
        if word in _TESTS and len(given) == _TESTS[word] + 1:
            return Jump(given[-1:])
        if word == "bl":
            return Jump(given[:1])
        return None

    # --- what a step does

    def run(self, state: State, step: Step, at: int) -> None:
        """Change the state as the step does."""
        word, given = step.word, step.operands
        if not word or word in ("b", "%fork", "%goto", "%end") or _BRANCH.match(word) or word in _TESTS:
            return
        purge(state, at)
        self._at = at
        if word == CLOBBER or word in _CALLS or not self._known(state, word, given, at):
            spoil(state, at)

    def _known(self, state: State, word: str, given: tuple[str, ...], at: int) -> bool:
        """Whether the instruction was understood and done."""
        if word in _LEAVES:
            return True
        if word in _NOTHING:
            return self._access(state, given, at, ())
        if word in _LOADS:
            return self._load(state, given, at)
        if word in _PAIRS and len(given) >= 3:
            return self._access(state, given, at, given[:2])
        if word in _STATUS and given:
            return self._access(state, given[1:], at, given[:1])
        if not given:
            return False
        found = self._computed(state, word.removesuffix("s") if word in ("adds", "subs") else word, given, at)
        return found is not None and self._write(state, given[0], found, at)

    def _computed(self, state: State, word: str, given: tuple[str, ...], at: int) -> Value | None:
        """The value that the first operand gets; None if the instruction is not known."""
        match word, len(given):
            case "mov" | "movz", 2:
                return self._operand(state, given[1], at)
            case "movz", 3:
                return self._scaled(self._operand(state, given[1], at), self._shift(given[2]), at, given[2])
            case "adr" | "adrp", 2:
                return self._address(given[1], at, page=word == "adrp")
            case "sub", 3 if given[:2] == ("sp", "sp") and (made := self.room(given[2])):
                return made
            case "mrs", 2 if given[1].lower() in self.pointers:
                return Value(self.pointers[given[1].lower()])
            case "add" | "sub", 3 | 4:
                return self._sum(state, word, given, at)
            case "lsl" | "lslv", 3:
                by = self._amount(state, given[2])
                return self._scaled(self._operand(state, given[1], at), by, at, given[2])
            case "ubfiz" | "sbfiz", 4:
                by = self.constant(given[2])
                return self._scaled(variable("made", at, "field"), by, at, given[2])
            case "mul" | "umull" | "smull", 3:
                return self._product(state, given[1], given[2], at)
            case "madd" | "umaddl" | "smaddl", 4:
                multiple = self._product(state, given[1], given[2], at)
                return self._plus(multiple, self._operand(state, given[3], at), at)
            case "msub", 4:
                multiple = self._product(state, given[1], given[2], at)
                found = difference(self._operand(state, given[3], at), multiple)
                return found if found is not None else self._made(state, given, at, index=False)
            case "csel", 4:
                left, right = self._operand(state, given[1], at), self._operand(state, given[2], at)
                plain = left.plain and right.plain
                return left if left == right else self._made(state, given, at, index=plain)
            case "csinc" | "cinc", _:
                return self._made(state, given, at, index=False)
            case "uxtb" | "uxth" | "uxtw" | "sxtb" | "sxth" | "sxtw", 2:
                found = self._operand(state, given[1], at)
                kept = word[3:] == "w" and narrow(found) is not None
                return found if kept else self._made(state, given, at)
            case "and", 3:
                return self._masked(state, given, at)
            case "orr" | "eor", 3 if register(given[1], self.aliases) in ("xzr", "wzr"):
                return self._operand(state, given[2], at)
        if word in _ONE:
            return self._made(state, given, at)
        if word in _MIXED:
            return self._made(state, given, at, index=False)
        return None

    def _made(self, state: State, given: tuple[str, ...], at: int, *, index: bool = True) -> Value:
        """A new number; if it is made from an address, it may still be one."""
        maybe: frozenset[str] = frozenset()
        for each in given[1:]:
            name = register(each, self.aliases)
            if name is not None:
                held = self._read(state, name)
                maybe |= held.symbols
                # What is computed from multiples may be multiples.
                index = index and held.plain
        return variable("made", at, "", index=index, maybe=maybe)

    def _sum(self, state: State, word: str, given: tuple[str, ...], at: int) -> Value:
        left = self._operand(state, given[1], at)
        if low := re.match(r"#?\s*:lo12:\s*(.+)\Z", given[2], re.DOTALL):
            target = self._address(low.group(1), at, page=True)
            if word == "add" and left.page and left == target and len(given) == 3:
                return replace(left, page=False)
            return variable("made", at, "", index=False, maybe=left.symbols | target.symbols)
        right = self._operand(state, given[2], at)
        if len(given) == 4:
            right = self._extended(right, given[3], at)
        if word == "sub":
            found = difference(left, right)
            return found if found is not None else self._lost(left, right, at)
        return self._plus(left, right, at)

    def _product(self, state: State, left: str, right: str, at: int) -> Value:
        return self._multiplied(self._operand(state, left, at), self._operand(state, right, at), at)

    def _extended(self, found: Value, how: str, at: int) -> Value:
        """An operand as ``lsl #3`` or ``uxtw #3`` changes it."""
        match = _EXTEND.match(how)
        if match is None:
            return self._lost(found, found, at)
        kind = match.group(1).lower()
        by = self.constant(match.group(2)) if match.group(2) else 0
        if kind in ("lsl", "uxtx", "sxtx"):
            return self._scaled(found, by, at, match.group(2))
        if kind in ("uxtw", "sxtw") and narrow(found) is not None:
            return self._scaled(found, by, at, match.group(2))
        if kind in ("uxtb", "uxth", "sxtb", "sxth", "uxtw", "sxtw"):
            low = variable("made", at, "extended", index=found.plain, maybe=found.symbols)
            return self._scaled(low, by, at, match.group(2))
        return self._lost(found, found, at)

    def _masked(self, state: State, given: tuple[str, ...], at: int) -> Value:
        left = self._operand(state, given[1], at)
        mask = self._operand(state, given[2], at).constant
        if mask is not None and mask > 0 and not mask & (mask + 1) and left.plain:
            return variable("made", at, "", maybe=left.symbols)
        return self._made(state, given, at, index=False)

    def _shift(self, text: str) -> int | None:
        match = _EXTEND.match(text)
        return self.constant(match.group(2)) if match and match.group(1).lower() == "lsl" else None

    def _amount(self, state: State, text: str) -> int | None:
        name = register(text, self.aliases)
        if name is None:
            return self.constant(text)
        held = self._read(state, name).constant
        return None if held is None else held & (31 if name.startswith("w") else 63)

    # --- what a step takes

    def several(self, step: Step) -> bool:
        """Whether it loads or stores several registers at once."""
        return step.word in SEVERAL

    def widths(self, step: Step) -> tuple[int, ...]:
        """How many bytes a load or store takes for each register; empty if it is none, or not known."""
        count = 2 if step.word in SEVERAL else 1
        moved = step.operands[: len(step.operands) - 1]
        if step.word in _STATUS or len(moved) < count:
            return ()
        if step.word == "ldpsw":
            return (4, 4)
        if count == 1:
            match = _ACCESS.match(step.word)
            if match is None:
                return ()
            if match[1]:
                return (_SUFFIX[match[1]],)
        name = register(moved[0], self.aliases) or moved[0].lower()
        wide = _WIDTH.get(name[0]) if re.fullmatch(r"[xw](?:\d+|zr)|[bhsdq]\d+", name) else None
        return (wide,) * count if wide else ()

    def test(self, state: State, steps: Sequence[Step], at: int) -> Test | None:
        """What a branch compares: only of ``cmp`` right before it."""
        step, before = steps[at], steps[at - 1] if at else steps[at]
        relation = (
            _RELATIONS.get(re.sub(r"bc?\.?", "", step.word, count=1)) if _BRANCH.match(step.word) else None
        )
        if relation is None or before.word != "cmp" or len(before.operands) != 2 or len(step.operands) != 1:
            return None
        left, right = (self._operand(state, each, at) for each in before.operands)
        return Test(left, right, relation, step.operands[0], before.operands[1])

    # --- operands

    def _operand(self, state: State, text: str, at: int) -> Value:
        name = register(text, self.aliases)
        if name is not None:
            return self._read(state, name)
        found = self.constant(text)
        # An immediate whose value is not known is still one number: but which multiple of what is open.
        return number(found) if found is not None else variable("made", at, text, index=False)

    def _read(self, state: State, name: str) -> Value:
        if name in ("xzr", "wzr"):
            return number(0)
        if name in ("sp", "wsp"):
            return state["sp"]
        held = state["x" + name[1:]]
        if name.startswith("x"):
            return held
        low = narrow(held)
        if low is not None:
            return low
        return variable("made", self._at, f"low {name}", index=held.plain, maybe=held.symbols)

    def _write(self, state: State, target: str, found: Value, at: int) -> bool:
        name = register(target, self.aliases)
        if name is None:
            return False
        if name.startswith("w") and name != "wzr":
            low = narrow(found)
            if low is None:
                low = variable("made", at, "", index=found.plain, maybe=found.symbols)
            found = low
        if name not in ("xzr", "wzr"):
            state["sp" if name in ("sp", "wsp") else "x" + name[1:]] = found
            self._tell(at, found, memory=False)
        return True

    # --- memory

    def _load(self, state: State, given: tuple[str, ...], at: int) -> bool:
        if len(given) == 2 and given[1].startswith("="):
            text = given[1][1:].strip()
            held = self.constant(text)
            found = number(held) if held is not None else self._address(text, at)
            return self._write(state, given[0], found, at) or _VECTOR.match(given[0]) is not None
        if len(given) == 2 and not given[1].startswith("["):
            return self._write(state, given[0], variable("made", at, ""), at)
        return self._access(state, given, at, given[:1])

    def _access(self, state: State, given: tuple[str, ...], at: int, written: tuple[str, ...]) -> bool:
        """Do what an instruction with at most one memory operand does; ``written`` are loaded registers."""
        places = [index for index, each in enumerate(given) if each.startswith("[")]
        if len(places) > 1:
            return False
        base = moved = None
        if places:
            match = _MEMORY.match(given[places[0]])
            inside = operands(match.group(1)) if match else ()
            base = register(inside[0], self.aliases) if inside else None
            if match is None or base is None or not base.startswith(("x", "s")):
                return False
            address = self._memory(state, inside, at)
            if match.group(2):
                moved = address
            elif len(given) > places[0] + 1:
                after = self._operand(state, given[places[0] + 1], at)
                moved = self._plus(address, after, at)
        for each in written:
            if not self._write(state, each, variable("made", at, each), at) and not _VECTOR.match(each):
                return False
        if moved is not None and base is not None:
            self._write(state, base, moved, at)
        return True

    def _memory(self, state: State, inside: tuple[str, ...], at: int) -> Value:
        """The address of ``[base, index, extend]``, told to the record."""
        base = self._operand(state, inside[0], at)
        if len(inside) == 1:
            self._tell(at, base, memory=True)
            return base
        if low := re.match(r"#?\s*:lo12:\s*(.+)\Z", inside[1], re.DOTALL):
            target = self._address(low.group(1), at, page=True)
            address = replace(base, page=False) if base == target else self._lost(base, target, at)
            self._tell(at, address, memory=True)
            return address
        if register(inside[1], self.aliases) is None:
            text = inside[1].strip().removeprefix("#").strip()
            offset = self.constant(text)
            if offset is None:
                # A member whose place is not known: the element is still the one that the base points to.
                self._tell(at, base, memory=True, constant=text)
                return self._plus(base, variable("made", at, text, index=False), at)
            address = self._plus(base, number(offset), at)
            self._tell(at, address, memory=True, constant=text, offset=offset)
            return address
        right = self._operand(state, inside[1], at)
        if len(inside) == 3:
            right = self._extended(right, inside[2], at)
        address = self._plus(base, right, at)
        self._tell(at, address, memory=True)
        return address
