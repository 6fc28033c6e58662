"""Assembly as the assembler sees it under one assumption: conditions taken, macros expanded.

``variants`` yields every way a stretch of a file is assembled that its own conditions allow: each ``#if``
that is met and not decided yet is tried both ways, so that ``#ifdef X`` twice is never taken two ways at
once. An ``#if`` inside of a macro that has nothing to do with what is asked becomes a fork in the flow, and so
does what the kernel replaces at run time (``alternative_if`` ... ``alternative_endif``): any branch may run,
and what they leave different is not known. That is never wrong, and does not multiply the ways.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from checkseries.facts.asm_closure import Closure
from checkseries.facts.asm_condition import Assumption, Condition, Guard, NotAssumedError, present
from checkseries.facts.asm_constant import value
from checkseries.facts.asm_macro import arguments_of, substituted
from checkseries.facts.asm_text import Line, Macro, operands, source, statements

MOST_VARIANTS = 64
MOST_STEPS = 4000
MOST_EFFORT = 200_000
MOST_TEXT = 20_000
_DEPTH = 24

FORK, GOTO, CLOBBER, END, ORDER = "%fork", "%goto", "%clobber", "%end", "%order"
"""Steps that are no instruction: may continue at a label; does; spoils every register; is not passed; what mips may reorder."""

_LABEL = re.compile(r'\s*([A-Za-z_.$][\w.$\\@]*|\d+)\s*:(?![:\w])|\s*("[^"]+")\s*:')
_WORD = re.compile(r"\s*([A-Za-z_.%$][\w.$]*)\s*(.*)\Z", re.DOTALL)
_CALL = re.compile(r"(\w+)\s*\(([^()]*)\)\Z")
_NUMERIC = re.compile(r"(?<![\w.%])(\d+)([fb])(?![\w.$])")
_REQ = re.compile(r"\s*([\w.$]+)\s+\.req\s+([\w.$]+)\s*\Z", re.IGNORECASE)
_MARK = re.compile(r"(SYM_\w+|ENTRY|ENDPROC|END|WEAK|EXPORT_SYMBOL\w*|BTI_C|AARCH64_VALID_\w+)\Z")
_OPENING = re.compile(r"SYM_\w*START\w*|SYM_INNER_LABEL\w*|ENTRY|WEAK")
_ELSEWHERE = {".section", ".subsection", ".text", ".data", ".bss", "__INIT", "__FINIT", "__HEAD"}
_ELSEWHERE |= {"__INITDATA", "__INITRODATA", "__FINITDATA", "__PERCPU_SECTION"}
_SILENT = {
    ".align", ".balign", ".p2align", ".globl", ".global", ".type", ".size", ".weak", ".hidden", ".local",
    ".protected", ".internal", ".cfi", ".arch", ".arch_extension", ".cpu", ".ltorg", ".pool", ".loc", ".file", ".ident",
    ".req", ".unreq", ".purgem", ".org", ".error", ".warning", ".print", ".variant_pcs", ".inst_nop", ".symver",
    ".comm", ".lcomm", ".equiv", ".set", ".equ", ".nops", ".reloc", ".end", ".ent", ".aent", ".frame", ".mask", ".fmask",
}  # fmt: skip
"""Directives that put nothing into the stream of instructions."""
_SIZED = re.compile(r"__ASM_SIZE\(\s*(\w+)\s*\)")
_WIDE = re.compile(r"__ASM_REG\(\s*(\w+)\s*\)\s*")
"""What x86 (asm/asm.h) puts together by ``##``: an instruction and a register as wide as the kernel."""


IDIOMS = {
    macro.name: macro
    for macro in source(
        "",
        ".macro adr_l to, name\n adrp \\to, \\name\n add \\to, \\to, :lo12:\\name\n .endm\n"
        ".macro ldr_l to, name, by\n .ifb \\by\n adrp \\to, \\name\n ldr \\to, [\\to, :lo12:\\name]\n"
        ".else\n adrp \\by, \\name\n ldr \\to, [\\by, :lo12:\\name]\n .endif\n .endm\n"
        ".macro str_l of, name, by\n adrp \\by, \\name\n str \\of, [\\by, :lo12:\\name]\n .endm\n"
        ".macro mov_q to, number\n mov \\to, #\\number\n .endm\n",
    ).macros
}
"""What these mean on arm64 where their definition (asm/assembler.h) is not reached."""


@dataclass(frozen=True, slots=True)
class Step:
    """One instruction, label or pseudo step, with the line it comes from."""

    line: Line
    word: str = ""
    operands: tuple[str, ...] = ()
    label: str = ""
    open: bool = False
    """Of a label: may be reached from outside, with anything in the registers."""


@dataclass(frozen=True, slots=True)
class Variant:
    """One way a stretch is assembled: under any of ``cubes`` it is exactly these steps."""

    cubes: tuple[Mapping[str, bool], ...]
    steps: tuple[Step, ...]
    aliases: Mapping[str, str]

    @property
    def assumed(self) -> Assumption:
        """What all cubes agree on: a constant that differs between them has no one value."""
        first, *more = self.cubes
        return {atom: held for atom, held in first.items() if all(cube.get(atom) is held for cube in more)}


class TooMuchError(Exception):
    """Raised when a stretch is beyond the bounds; the text says which."""


@dataclass(slots=True)
class Budget:
    """How many lines and instructions may still be looked at, together, for one question."""

    left: int

    def spend(self, count: int = 1) -> None:
        """Use some of it; raises ``TooMuchError`` when it is used up."""
        self.left -= count
        if self.left < 0:
            raise TooMuchError("it takes too many steps to follow")


def variants(
    closure: Closure, lines: tuple[Line, ...], split: frozenset[str], budget: Budget
) -> tuple[Variant, ...]:
    """All ways in which these lines are assembled; raises ``TooMuchError``.

    ``split`` names the macros whose own conditions are told apart, too. If that makes too many ways, none is
    told apart.
    """
    try:
        return _variants(closure, lines, split, budget)
    except TooMuchError:
        return _variants(closure, lines, None, budget)


def _variants(
    closure: Closure, lines: tuple[Line, ...], split: frozenset[str] | None, budget: Budget
) -> tuple[Variant, ...]:
    found: dict[tuple[tuple[Step, ...], object], tuple[list[Mapping[str, bool]], Mapping[str, str]]] = {}
    waiting: list[dict[str, bool]] = [dict(closure.given)]
    count = 0
    own = Budget(MOST_EFFORT)
    while waiting:
        assumed = waiting.pop()
        before = own.left
        expander = Expander(closure, assumed, split, own)
        try:
            steps = expander.steps(lines)
        except NotAssumedError as undecided:
            waiting += [{**assumed, undecided.atom: False}, {**assumed, undecided.atom: True}]
        else:
            count += 1
            aliases = expander.aliases
            found.setdefault((steps, frozenset(aliases.items())), ([], aliases))[0].append(assumed)
        finally:
            budget.spend(before - own.left)
        if count + len(waiting) > MOST_VARIANTS:
            raise TooMuchError(f"its #ifs allow more than {MOST_VARIANTS} ways to assemble it")
    return tuple(Variant(tuple(cubes), steps, aliases) for (steps, _), (cubes, aliases) in found.items())


@dataclass(slots=True)
class _Branch:
    """An open ``.if``: whether the present part is assembled (None: either), and one has been."""

    taking: bool | None
    done: bool
    uncertain: bool = False
    end: str = ""
    other: str = ""


@dataclass(slots=True)
class _Fork:
    """An open ``#if`` that became a fork: the branch that is read, where the other and the end are."""

    guard: Guard
    other: str
    end: str


@dataclass(slots=True)
class _Stream:
    """Steps of one section, in order."""

    steps: list[Step] = field(default_factory=list)
    discarded: bool = False
    """Whether the linker throws the section away (``.discard.*``, include/asm-generic/vmlinux.lds.h)."""


class Expander:
    """Expands lines under one assumption; raises ``NotAssumedError`` where it does not suffice."""

    def __init__(
        self, closure: Closure, assumed: Assumption, split: frozenset[str] | None, budget: Budget
    ) -> None:
        self.closure = closure
        self._split = split
        self._either_open = 0
        self._ambiguous: set[str] = set()
        self.assumed = assumed
        self.aliases: dict[str, str] = {}
        self._budget = budget
        self._emitted = 0
        self._known: dict[str, tuple[tuple[str, ...] | None, str] | None] = {}
        self.local: dict[str, str] = {}
        """What .set and .equ gave in these lines; an empty text is: not known."""
        self._streams: list[_Stream] = [_Stream()]
        self._now = self._streams[0]
        self._saved: list[_Stream] = []
        self._branches: list[_Branch] = []
        self._alternatives: list[tuple[str, str]] = []
        self._count = 0
        self._invocations = 0
        self._numeric: dict[str, int] = {}
        self.aliases.update(closure.aliases)

    # --- names, for constants

    def define(self, name: str) -> tuple[tuple[str, ...] | None, str] | None:
        """The one meaning of a macro of the preprocessor under what is assumed; None if there is not one."""
        if name in self.local:
            return (None, self.local[name]) if self.local[name] else None
        if name not in self._known:
            self._known[name] = self._definition(name)
        return self._known[name]

    def _definition(self, name: str) -> tuple[tuple[str, ...] | None, str] | None:
        if name in self.closure.settings:
            return (None, f"({self.closure.settings[name]})")
        bodies = set()
        for each in self.closure.define(name):
            guards = self._open_guards(each.guards)
            if guards is None:
                continue
            if any(guard.about(name) for guard in guards):
                return None  # '#ifndef X / #define X 1': somebody else may define it, such as a makefile
            bodies.add((each.parameters, each.body))
        if len(bodies) != 1 or name.startswith("CONFIG_"):
            return None
        parameters, body = bodies.pop()
        return None if body is None else (parameters, body)

    def _perhaps(self, guards: tuple[Guard, ...]) -> bool:
        return self._open_guards(guards) is not None

    def _open_guards(self, guards: tuple[Guard, ...]) -> tuple[Guard, ...] | None:
        """The guards that are not decided; None if one does not hold."""
        found = []
        for guard in guards:
            try:
                if not guard.holds(self.assumed):
                    return None
            except NotAssumedError:
                found.append(guard)
        return tuple(found)

    def defined(self, name: str) -> bool:
        """Whether the preprocessor may have a macro of that name, whatever it is."""
        return bool(self.closure.define(name))

    def measured(self, name: str) -> str | None:
        """The C expression that asm-offsets.c gives a name to; None if it gives none."""
        return self.closure.constants.get(name)

    def measure(self, expression: str) -> int | None:
        """The value of a ``sizeof`` or ``offsetof``; None if it is not known."""
        return self.closure.measure(expression)

    # --- lines

    def steps(self, lines: tuple[Line, ...]) -> tuple[Step, ...]:
        """The steps of these lines; those of other sections follow, each reached from nowhere known."""
        self._lines(lines, 0, split=self._split is not None)
        while self._branches:
            self._endif(lines[-1])
        found: list[Step] = []
        for stream in self._streams:
            if stream.steps:
                first = stream.steps[0]
                if stream is not self._streams[0]:
                    found += [Step(first.line, END), Step(first.line, label=self._fresh(), open=True)]
                found += stream.steps
        return tuple(
            replace(step, open=True)
            if step.label and step.label.partition(".")[0][1:] in self._ambiguous
            else step
            for step in found
        )

    def _lines(self, lines: tuple[Line, ...], depth: int, *, split: bool) -> None:
        """Expand lines; with ``split`` an open condition is raised, else it becomes a fork."""
        at = 0
        forks: list[_Fork] = []
        while at < len(lines):
            line = lines[at]
            at += 1
            self._budget.spend()
            if split:
                if not present(line.guards, self.assumed):
                    continue
            else:
                guards = self._open_guards(line.guards)
                if guards is None:
                    continue
                self._follow(line, forks, guards)
            block = _block(line.text)
            if block:
                end = _end(lines, at)
                self._repeat(line, block, lines[at:end], depth)
                at = end + 1
                continue
            for statement in statements(line.text):
                self._statement(line, statement, depth)
        if forks:
            self._follow(lines[-1], forks, ())

    def _follow(self, line: Line, forks: list[_Fork], guards: tuple[Guard, ...]) -> None:
        """Leave the open branches that the next line is not in, and enter those that it is in."""
        same = 0
        while same < min(len(forks), len(guards)) and forks[same].guard == guards[same]:
            same += 1
        while len(forks) > same + 1:
            self._leave(line, forks.pop())
        if len(forks) > same:
            if same < len(guards) and forks[same].guard.excludes(guards[same]):
                # Another branch of the same #if: exactly one runs, and the last '#else' needs no way around.
                fork = forks[same]
                self._emit(line, GOTO, (fork.end,))
                self._label(line, fork.other)
                fork.guard, fork.other = guards[same], ""
                if guards[same].own != Condition("constant", value=True):
                    fork.other = self._fresh()
                    self._emit(line, FORK, (fork.other,))
                same += 1
            else:
                self._leave(line, forks.pop())
        for guard in guards[same:]:
            fork = _Fork(guard, self._fresh(), self._fresh())
            self._emit(line, FORK, (fork.other,))
            self._either_open += 1
            forks.append(fork)

    def _leave(self, line: Line, fork: _Fork) -> None:
        self._either_open -= 1
        if fork.other:
            self._label(line, fork.other)
        self._label(line, fork.end)

    def _uncertain(self) -> bool:
        """Whether what comes now is only perhaps assembled."""
        return self._either_open > 0 or any(branch.uncertain for branch in self._branches)

    def _statement(self, line: Line, text: str, depth: int) -> None:
        self._budget.spend()
        if depth > _DEPTH:
            raise TooMuchError(f"its macros are more than {_DEPTH} deep")
        while label := _LABEL.match(text):
            if self._taking():
                self._label(line, label.group(1) or label.group(2))
            text = text[label.end() :].strip()
        if not text:
            return
        word = _WORD.match(text)
        if word is None:
            self._emit(line, CLOBBER, (f"'{text[:40]}' is not understood",))
            return
        name, rest = word.groups()
        if self._conditional(line, name.lower(), rest):
            return
        if not self._taking():
            return
        if alias := _REQ.match(text):
            self.aliases[alias.group(1).lower()] = "" if self._uncertain() else alias.group(2).lower()
            return
        if name.startswith(".") or name in _ELSEWHERE:
            if name in self.closure.macros:
                self._invoke(line, name, rest, depth)
            else:
                self._directive(line, name, rest)
            return
        if "=" in rest[:2] and rest.startswith("=") and not rest.startswith("=="):
            self._assign(name, rest[1:])
            return
        self._word(line, name, rest, depth)

    def _word(self, line: Line, name: str, rest: str, depth: int) -> None:
        if rest.startswith("(") and _MARK.fullmatch(name):
            if _OPENING.fullmatch(name):
                symbol = operands(rest[1:].partition(")")[0])
                self._label(line, symbol[0] if symbol else "", open_=True)
            elif name.startswith("SYM_DATA"):
                self._emit(line, CLOBBER, ("data stands among the instructions",))
            return
        if name.startswith("alternative_") and self._alternative(line, name):
            return
        if name in ("ALTERNATIVE", "_ALTERNATIVE_CFG", "alternative_insn"):
            inside = rest.strip()
            if inside.startswith("(") and inside.endswith(")"):
                inside = inside[1:-1]
            self._either(line, operands(inside), depth)
            return
        if self._invoke(line, name, rest, depth):
            return
        if rest.startswith("(") and self._call(line, name, rest, depth):
            return
        if self.closure.define(name) and not rest.startswith("("):
            meaning = self._mnemonic(name)
            if meaning is None or depth > _DEPTH:
                self._emit(line, CLOBBER, (f"what {name} means is not known", rest))
                return
            for statement in statements(f"{meaning} {rest}"):
                self._statement(line, statement, depth + 1)
            return
        if name in IDIOMS and self.closure.arch == "arm64":
            self._expand(line, IDIOMS[name], rest, depth, split=False)
            return
        self._emit(line, name.lower(), tuple(self._operand(each) for each in operands(rest)))

    def _mnemonic(self, name: str) -> str | None:
        """What a name stands for in the place of an instruction, macros of one word within it expanded."""
        found = self.define(name)
        if found is None or found[0] is not None:
            return None
        text = found[1]
        if sized := _SIZED.fullmatch(text.strip()) if self.closure.arch == "x86" else None:
            return f"{sized[1]}q"
        for _ in range(8):
            match = _CALL.match(text)
            inner = self.define(match[1]) if match else None
            if match is None or inner is None:
                return text if match is None else None
            given = operands(match[2])
            if inner[0] is None or len(inner[0]) != len(given) or "#" in inner[1]:
                return None
            bound = dict(zip(inner[0], given, strict=True))
            text = _PARAMETER.sub(partial(_bound, bound), inner[1])
            _bounded(len(text))
        return None

    def _operand(self, text: str) -> str:
        """An operand with names that the preprocessor makes a register replaced; all else stays as written."""

        def named(match: re.Match[str]) -> str:
            word = match.group(0)
            for _ in range(8):
                defined = self.define(word) if self.closure.define(word) else None
                if (
                    defined is not None
                    and self.closure.arch == "x86"
                    and (wide := _WIDE.fullmatch(defined[1]))
                ):
                    return f"r{wide[1]}"
                if defined is None or defined[0] is not None or not re.fullmatch(r"[%$]?\w+", defined[1]):
                    break
                word = defined[1]
            return word if names_register(self.closure.arch, word, self.aliases) else match.group(0)

        return re.sub(r"(?<![\w.$\\:])[A-Za-z_]\w*(?![\w(])", named, text)

    # --- emitting

    def _emit(self, line: Line, word: str, found: tuple[str, ...] = ()) -> None:
        if not self._taking():
            return
        self._emitted += 1
        if self._emitted > MOST_STEPS:
            raise TooMuchError(f"it is longer than {MOST_STEPS} instructions")
        self._now.steps.append(Step(line, word, tuple(_NUMERIC.sub(self._numbered, each) for each in found)))

    def _numbered(self, match: re.Match[str]) -> str:
        now = self._numeric.get(match.group(1), 0)
        return f"%{match.group(1)}.{now if match.group(2) == 'b' else now + 1}"

    def _label(self, line: Line, name: str, *, open_: bool = False) -> None:
        if name.isdigit():
            if self._uncertain():
                # Which label '1b' means depends on what is assembled: all of this number may be reached.
                self._ambiguous.add(name)
            self._numeric[name] = self._numeric.get(name, 0) + 1
            name = f"%{name}.{self._numeric[name]}"
        self._now.steps.append(Step(line, label=name, open=open_))

    def _fresh(self) -> str:
        self._count += 1
        return f"%.{self._count}"

    # --- directives

    def _directive(self, line: Line, name: str, rest: str) -> None:
        low = name.lower()
        if low == ".pushsection":
            self._saved.append(self._now)
            self._switch(rest)
        elif low == ".popsection":
            if self._saved:
                self._now = self._saved.pop()
        elif low == ".previous":
            # Between two sections: the one before. Enough for '.subsection 1 ... .previous'.
            self._now = self._before if self._before is not None else self._now
        elif low in _ELSEWHERE or name in _ELSEWHERE:
            self._before = self._now
            self._switch(rest)
        elif low in (".set", ".equ", ".equiv"):
            parts = operands(rest)
            if len(parts) == 2:
                self._assign(parts[0], parts[1])
            elif self.closure.arch == "mips" and rest.strip() in _ORDERS:
                self._emit(line, ORDER, (rest.strip(),))
        elif low in _SILENT or low.startswith(".cfi_") or self._now.discarded:
            pass  # a note on a label, for objtool, is no way to reach it
        elif low == ".insn" and not rest.strip():
            pass  # on mips it says that the label before is one of code; on riscv it has operands and is code
        else:
            # What it names goes along: a label whose address is taken may be reached from anywhere.
            self._emit(line, CLOBBER, (f"'{name}' is not understood", rest))

    _before: _Stream | None = None

    def _switch(self, section: str) -> None:
        self._now = _Stream(discarded=section.strip().lstrip('"').startswith(".discard."))
        self._streams.append(self._now)

    def _assign(self, name: str, text: str) -> None:
        # Of a name that is set again only the present value is known, and none of one set in terms of itself.
        known = None if self._uncertain() else value(text, self)
        self.local[name] = "" if known is None else str(known)

    # --- .if

    def _taking(self) -> bool:
        return all(branch.taking is not False for branch in self._branches)

    def _conditional(self, line: Line, name: str, rest: str) -> bool:
        if name.startswith(".if"):
            truth = self._truth(name, rest) if self._taking() else False
            branch = _Branch(truth, done=bool(truth) or not self._taking())
            self._branches.append(branch)
            if truth is None:
                branch.uncertain, branch.end = True, self._fresh()
                self._fork(line, branch)
        elif name in (".elseif", ".else"):
            if self._branches:
                self._else(line, self._branches[-1], rest if name == ".elseif" else None)
        elif name == ".endif":
            self._endif(line)
        else:
            return False
        return True

    def _fork(self, line: Line, branch: _Branch) -> None:
        branch.other = self._fresh()
        self._emit(line, FORK, (branch.other,))

    def _else(self, line: Line, branch: _Branch, test: str | None) -> None:
        outer = all(each.taking is not False for each in self._branches[:-1])
        if branch.uncertain and outer:
            branch.taking = True
            self._emit(line, GOTO, (branch.end,))
            self._label(line, branch.other)
            branch.other = ""
            truth = True if test is None else self._truth(".if", test)
            if truth is not True:
                # Not sure to be taken: it is passed over, too, even if it surely is not (that loses nothing sound).
                self._fork(line, branch)
            return
        if branch.done:
            branch.taking = False
            return
        truth = True if test is None else self._truth(".if", test)
        branch.taking, branch.done = truth, bool(truth)
        if truth is None:
            branch.uncertain, branch.end = True, self._fresh()
            self._fork(line, branch)

    def _endif(self, line: Line) -> None:
        if not self._branches:
            return
        branch = self._branches[-1]
        branch.taking = True if branch.uncertain else branch.taking
        if branch.uncertain and self._taking():
            if branch.other:
                self._label(line, branch.other)
            self._label(line, branch.end)
        self._branches.pop()

    def _truth(self, name: str, rest: str) -> bool | None:
        parts = operands(rest)
        match name:
            case ".ifb" | ".ifnb":
                return (not rest.strip()) == (name == ".ifb")
            case ".ifc" | ".ifnc" | ".ifeqs" | ".ifnes":
                if len(parts) != 2:
                    return None
                return (parts[0] == parts[1]) == (name in (".ifc", ".ifeqs"))
            case ".ifdef" | ".ifndef" | ".ifnotdef":
                known = self.local.get(rest.strip())
                return None if known is None else name == ".ifdef"
        number = value(rest, self)
        if number is None:
            return None
        tests: Mapping[str, Callable[[int], bool]] = {
            ".if": lambda found: found != 0, ".ifne": lambda found: found != 0, ".ifeq": lambda found: found == 0,
            ".ifge": lambda found: found >= 0, ".ifgt": lambda found: found > 0,
            ".ifle": lambda found: found <= 0, ".iflt": lambda found: found < 0,
        }  # fmt: skip
        return tests[name](number) if name in tests else None

    # --- macros

    def _invoke(self, line: Line, name: str, rest: str, depth: int) -> bool:
        """Whether it is a macro of the assembler, which is then expanded."""
        macros = self.closure.macros.get(name, ())
        split = self._split is not None and name in self._split
        candidates = [
            macro
            for macro in macros
            if (present(macro.guards, self.assumed) if split else self._perhaps(macro.guards))
        ]
        end = self._fresh()
        for at, macro in enumerate(candidates):
            other = self._fresh() if at + 1 < len(candidates) else ""
            if other:
                self._emit(line, FORK, (other,))
            self._either_open += len(candidates) > 1
            self._expand(line, macro, rest, depth, split=split)
            self._either_open -= len(candidates) > 1
            if other:
                self._emit(line, GOTO, (end,))
                self._label(line, other)
        if len(candidates) > 1:
            self._label(line, end)
        return bool(candidates)

    def _expand(self, line: Line, macro: Macro, rest: str, depth: int, *, split: bool) -> None:
        given = arguments_of(macro, rest) if macro.complete else None
        if given is None:
            self._emit(line, CLOBBER, (f"how {macro.name} expands is not understood", rest))
            return
        self._invocations += 1
        longest = max((len(each) for each in given.values()), default=0)
        for each in macro.body:
            _bounded(len(each.text) + each.text.count("\\") * longest)
        body = tuple(
            # A line of this file's own macro is shown where it stands, one of a header's where it is used.
            replace(
                each if each.path == self.closure.main.path else line,
                text=substituted(each.text, given, self._invocations),
                guards=each.guards,
            )
            for each in macro.body
        )
        self._lines(body, depth + 1, split=split)

    def _call(self, line: Line, name: str, rest: str, depth: int) -> bool:
        """Whether it is a function-like macro of the preprocessor that could be expanded."""
        if not any(self._perhaps(each.guards) for each in self.closure.define(name)):
            return False
        found = self.define(name)
        inside = rest.strip()
        parameters, body = found or (None, "")
        if parameters is None or not inside.endswith(")") or "#" in body.replace("##", ""):
            return False
        given = list(operands(inside[1:-1]))
        if parameters and parameters[-1].endswith("..."):
            last = len(parameters) - 1
            given[last:] = [", ".join(given[last:])]
            parameters = (*parameters[:-1], parameters[-1][:-3].strip() or "__VA_ARGS__")
        if "##" in body or len(given) != len(parameters):
            return False
        bound = dict(zip(parameters, given, strict=True))
        _bounded(len(body) * (1 + max((len(each) for each in given), default=0)) // 2)
        text = re.sub(r"\b[A-Za-z_]\w*\b", lambda match: bound.get(match.group(0), match.group(0)), body)
        for statement in statements(text):
            self._statement(line, statement, depth + 1)
        return True

    def _repeat(self, line: Line, block: tuple[str, str], body: tuple[Line, ...], depth: int) -> None:
        if not self._taking():
            return
        name, rest = block
        rounds: list[dict[str, str]] = []
        if name == ".rept":
            count = value(rest, self)
            if count is None or not 0 <= count <= 64:
                self._emit(line, CLOBBER, (f"how often .rept {rest} repeats is not known",))
                return
            rounds = [{}] * count
        else:
            variable, *values = [each for part in operands(rest) for each in part.split()] or [""]
            if name == ".irpc":
                values = list("".join(values))
            rounds = [{variable: each} for each in values]
        for bound in rounds:
            self._invocations += 1
            longest = max((len(each) for each in bound.values()), default=0)
            for each in body:
                _bounded(len(each.text) + each.text.count("\\") * longest)
            self._lines(
                tuple(replace(each, text=substituted(each.text, bound, None)) for each in body),
                depth + 1,
                split=False,
            )

    # --- what is replaced at run time

    def _alternative(self, line: Line, name: str) -> bool:
        if name in ("alternative_if", "alternative_if_not"):
            other, end = self._fresh(), self._fresh()
            self._alternatives.append((other, end))
            self._emit(line, FORK, (other,))
        elif name == "alternative_else" and self._alternatives:
            other, end = self._alternatives[-1]
            self._emit(line, GOTO, (end,))
            self._label(line, other)
            self._alternatives[-1] = ("", end)
        elif name in ("alternative_endif", "alternative_else_nop_endif") and self._alternatives:
            other, end = self._alternatives.pop()
            if other:
                self._label(line, other)
            self._label(line, end)
        elif name in ("alternative_cb", "alternative_cb_end"):
            # A function writes the instructions in between: they may be any.
            self._emit(line, CLOBBER, (f"{name} puts code there at boot",))
        else:
            return False
        return True

    def _either(self, line: Line, given: tuple[str, ...], depth: int) -> None:
        if len(given) < 2:
            self._emit(line, CLOBBER, ("an ALTERNATIVE is not understood",))
            return
        other, end = self._fresh(), self._fresh()
        self._emit(line, FORK, (other,))
        for text, jump in ((given[0], True), (given[1], False)):
            for statement in statements(text.strip().strip('"').replace("\\n", ";")):
                self._statement(line, statement, depth + 1)
            if jump:
                self._emit(line, GOTO, (end,))
                self._label(line, other)
        self._label(line, end)


_PARAMETER = re.compile(r"\b[A-Za-z_]\w*\b")


def _bound(bound: Mapping[str, str], match: re.Match[str]) -> str:
    return bound.get(match[0], match[0])


_ORDERS = frozenset({"noreorder", "reorder", "push", "pop"})
_NAMED = {
    "mips": re.compile(
        r"\$(?:\d+|[a-z]\w)\Z|(?:zero|at|AT|v[01]|a[0-7]|ta[0-3]|t\d|s[0-8]|k[01]|gp|sp|fp|ra|jp)\Z"
    ),
    "riscv": re.compile(r"(?:zero|ra|[sgt]p|fp|t[0-6]|s\d|s1[01]|a[0-7]|x[12]?\d|x3[01])\Z"),
    "x86": re.compile(r"%[a-z]\w*\Z"),
}
"""How registers are written, where any word of that form is one."""


def names_register(arch: str, word: str, aliases: Mapping[str, str]) -> bool:
    """Whether a word names a register of an architecture."""
    pattern = _NAMED.get(arch)
    return register(word, aliases) is not None if pattern is None else pattern.match(word) is not None


def _bounded(size: int) -> None:
    if size > MOST_TEXT:
        raise TooMuchError(f"a macro expands to a line of more than {MOST_TEXT} characters")


def register(word: str, aliases: Mapping[str, str]) -> str | None:
    """The register that a word names, ``x0``...``x30``, ``w0``...``w30``, ``sp``, ``wsp``, ``xzr``, ``wzr``."""
    low = word.lower()
    for _ in range(8):
        if low in _REGISTERS:
            return "x30" if low == "lr" else "x29" if low == "fp" else low
        if low not in aliases:
            return None
        low = aliases[low]
    return None


_REGISTERS = frozenset(
    [f"{kind}{number}" for kind in "xw" for number in range(31)] + ["sp", "wsp", "xzr", "wzr", "lr", "fp"]
)


def _block(text: str) -> tuple[str, str] | None:
    match = re.match(r"\s*(\.rept|\.irpc?)\b\s*(.*)\Z", text, re.IGNORECASE | re.DOTALL)
    return (match.group(1).lower(), match.group(2)) if match else None


def _end(lines: tuple[Line, ...], at: int) -> int:
    depth = 1
    for end in range(at, len(lines)):
        if _block(lines[end].text):
            depth += 1
        elif re.match(r"\s*\.endr\b", lines[end].text, re.IGNORECASE):
            depth -= 1
            if depth == 0:
                return end
    return len(lines)
