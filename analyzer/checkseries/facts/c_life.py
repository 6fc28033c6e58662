"""Whether a function runs only while the kernel boots, or after that as well, and who says so.

Evidence that it runs later, found by going up from caller to caller: assembly enters it (``asmlinkage``), unload
runs it (``__exit``), or its address stands in a table as a callback that is known to be called later.

Whatever may be otherwise is unknown: an export alone, any other use of the address, a call that only happens in
some state of the system (``system_state``, the boot CPU, a flag), code that is freed in some configurations.

Not followed: addresses that code hands to another function (``smp_call_function(f, ...)`` runs ``f`` at once,
``request_irq(..., f, ...)`` later), and calls from a macro's body. Not seen: a guard within a function that is
called in the condition (``if (!first_time())``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from checkseries.facts.answer import Holds, Unknown
from checkseries.facts.c_call import Call, Reference, calls, calls_in, references, references_in
from checkseries.facts.c_decl import Declaration, arch_of, declarations, declared_in, seen_from
from checkseries.facts.c_outline import functions, outline_of
from checkseries.facts.c_scope import scope
from checkseries.facts.c_text import closing, code, tokens
from checkseries.facts.c_words import EXIT_CODE, INIT_CODE, KEYWORDS, SOMETIMES_INIT_CODE
from checkseries.facts.presence import (
    ALWAYS,
    All,
    Expression,
    Not,
    Option,
    Some,
    every,
    held,
)
from checkseries.model import Place
from checkseries.tree import Snapshot, fact

_DEEPEST = 6  # callers above callers
_WIDEST = 200  # functions looked at, and calls of one
_SEALING = "STRICT_KERNEL_RWX"

# What calls the members of tables once boot is over, and where that is. All other members may be boot's alone.
_LATE: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("a CPU that comes up or goes down", "kernel/cpu.c, struct cpuhp_step",
     ("startup.single", "startup.multi", "teardown.single", "teardown.multi")),
    ("a CPU or a port that comes up", "cpuhp_step before 4.10; linux/serial_core.h, struct uart_ops", ("startup",)),
    ("a device that comes up or goes down", "linux/device/bus.h, struct bus_type", ("online", "offline")),
    ("a CPU that goes down", "linux/cpuhotplug.h", ("dead", "dying", "cpu_die", "cpu_kill", "cpu_disable")),
    ("suspend and resume", "linux/pm.h, struct dev_pm_ops; linux/suspend.h; linux/syscore_ops.h",
     ("suspend", "resume", "freeze", "thaw", "poweroff", "restore", "suspend_noirq", "resume_noirq",
      "suspend_late", "resume_early", "runtime_suspend", "runtime_resume")),
    ("a device that goes away", "linux/device/driver.h, struct device_driver", ("remove", "shutdown")),
    ("user space", "linux/fs.h, struct file_operations",
     ("open", "release", "read", "write", "ioctl", "unlocked_ioctl", "compat_ioctl", "mmap", "poll", "llseek")),
    ("user space", "linux/sysfs.h, struct sysfs_ops; linux/device.h, struct device_attribute", ("show", "store")),
    ("a notifier chain or an interrupt", "linux/notifier.h, linux/interrupt.h", ("notifier_call", "handler")),
    ("whoever requests or moves an interrupt", "linux/irq.h, struct irq_chip",
     ("irq_enable", "irq_disable", "irq_mask", "irq_unmask", "irq_set_affinity", "set_affinity")),
    ("an idle CPU", "linux/cpuidle.h, struct cpuidle_state", ("enter",)),
    ("a driver that switches a clock or a regulator", "linux/clk-provider.h, linux/regulator/driver.h",
     ("enable", "disable")),
)  # fmt: skip
_CALLED_BY = {member: who for who, _, members in _LATE for member in members}

_INIT_TABLE = re.compile(r"\b(__(?:init|ref)(?:data|const|rodata)\w*|(?:DT_)?MACHINE_START)\b", re.ASCII)
_DESIGNATOR = re.compile(r"((?:\.\s*[A-Za-z_]\w*\s*)+)=\s*&?\s*$", re.ASCII)
_OTHER_PROGRAM = re.compile(r"arch/[^/]+/boot/")
_STATE = re.compile(
    r"\b(system_state|boot_cpu(?!_has|_data)\w*|is_boot_cpu\w*|DO_ONCE\w*)\b"
    r"|([=!]=\s*&\s*boot_cpu_data)\b"
    r"|(!\s*(?:(?:raw_)?smp_processor_id\s*\(\s*\)|(?:cpu|this_cpu|cpuid)\b(?!\s*[\[(.-])))"
    r"|((?:smp_processor_id\s*\(\s*\)|\b(?:cpu|this_cpu|cpuid))\s*(?:[=!]=\s*\w+|>\s*0\b))"
    r"|\bif\s*\(\s*((?:raw_)?smp_processor_id\s*\(\s*\)|cpu|this_cpu|cpuid)\s*\)",
    re.ASCII,
)
_IF = re.compile(r"\bif\s*\(", re.ASCII)
_JUMP = re.compile(r"\b(?:return|goto|break|continue)\b", re.ASCII)
_ELSE = re.compile(r"\s*else\b", re.ASCII)
_ONCE = re.compile(r"\w*(?:xchg|test_and_set|test_and_clear|add_unless|inc_return)\w*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Later:
    """It runs after boot as well."""

    chain: tuple[str, ...]
    """Who calls whom, up to what shows it: one line a step."""
    because: str
    arch: str | None
    """The architecture that the chain leads through; None if it is everyone's."""


@dataclass(frozen=True, slots=True)
class _Node:
    path: str
    name: str
    condition: Expression
    """When all of the chain is there."""
    arch: str | None
    chain: tuple[str, ...]
    """How it is reached from the function that was asked about: one line a step."""

    def under(self, condition: Expression) -> Expression | None:
        """Its condition together with another; None if both cannot be."""
        both = every((self.condition, condition))
        return both if _possible(both) else None


@fact
def only_at_boot(
    tree: Snapshot, path: str, name: str, condition: Expression = ALWAYS
) -> Holds | Later | Unknown:
    """Whether the function of that name that ``path`` defines runs at boot only, where ``condition`` holds."""
    if other_program(path):
        return Unknown(f"{path} is part of another program")
    if not _possible(condition):
        return Unknown("it is never there")
    frontier = [_Node(path, name, condition, arch_of(path), ())]
    seen = set(frontier)
    doubt: str | None = None
    for _ in range(_DEEPEST):
        living: list[tuple[_Node, Declaration]] = []
        for node in frontier:
            defined = [each for each in declared_in(tree, node.path, node.name) if each.kind == "definition"]
            words = {word for each in defined for word in each.attributes}
            if not defined:
                doubt = f"no definition of {node.name}() in {node.path}"
            elif words & INIT_CODE:
                continue
            elif kept := sorted(words & SOMETIMES_INIT_CODE):
                doubt = f"{node.name}() is {kept[0]}"
            else:
                living.append((node, defined[0]))
        for node, each in living:  # what a file tells itself costs no search
            for why, arch in _lives(tree, node, each, _own_references(tree, node)):
                if arch is None or _seals(tree, arch):
                    return Later((*node.chain, f"{node.name}() runs after boot: {why}"), why, arch)
        tree.expect(node.name for node, each in living if not _private(each))
        frontier = []
        for node, each in living:
            uses = _references(tree, node, each)
            for why, arch in _lives(tree, node, each, uses):
                if arch is None or _seals(tree, arch):
                    return Later((*node.chain, f"{node.name}() runs after boot: {why}"), why, arch)
                doubt = doubt or f"{node.name}() runs after boot, but {arch} has no CONFIG_{_SEALING}"
            doubt = doubt or next((f"{_what(use)} at {_spot(use)}" for use in uses), None)
            callers, unclear = _callers(tree, node, each)
            doubt = doubt or unclear
            if not callers and not uses and unclear is None and not _private(each):
                doubt = (
                    doubt or f"no call of {node.name}() was found"
                )  # a static function that nobody uses never runs
            fresh = [caller for caller in callers if caller not in seen]
            seen.update(fresh)
            frontier += fresh
        if not frontier:
            return Unknown(doubt) if doubt else Holds(f"every way to {name}() begins in init code")
        if len(seen) > _WIDEST:
            return Unknown(f"{name}() has more than {_WIDEST} callers above it")
    return Unknown(f"the callers of {name}() go deeper than is followed")


def other_program(path: str) -> bool:
    """Whether a file is of what starts the kernel (a decompressor), not of the kernel."""
    return _OTHER_PROGRAM.match(path) is not None


@fact
def _seals(tree: Snapshot, arch: str) -> bool:
    """Whether an architecture has mark_rodata_ro(), as far as its Kconfig files name the symbol for it.

    A tree whose arch/Kconfig has no such symbol (before 4.11, or a part of a tree) tells nothing: then it has.
    """
    paths = [path for path in tree.named("Kconfig*") if path.startswith(f"arch/{arch}/Kconfig")]
    return any(_SEALING in (tree.text(path) or "") for path in paths) or (
        _SEALING not in (tree.text("arch/Kconfig") or "")
    )


def _private(each: Declaration) -> bool:
    """Whether only its own file can call it."""
    return each.static and each.place.path.endswith(".c")


# --- conditions


def _possible(of: Expression) -> bool:
    """Whether nothing in a conjunction contradicts the options that it asks for; what is opaque may be anything."""
    terms = list(_terms(of))
    known: dict[Option, bool] = {}
    for term in terms:
        option, value = (term.of, False) if isinstance(term, Not) else (term, True)
        if isinstance(option, Option) and known.setdefault(option, value) != value:
            return False
    return all(held(term, known.get) is not False for term in terms)


def _terms(of: Expression) -> Iterator[Expression]:
    match of:
        case All(parts):
            for part in parts:
                yield from _terms(part)
        case Not(Some(parts)):
            for part in parts:
                yield from _terms(Not(part))
        case Not(Not(inner)):
            yield from _terms(inner)
        case _:
            yield of


# --- what shows that a function runs later


def _references(tree: Snapshot, node: _Node, each: Declaration) -> list[Reference]:
    """The uses of a function's name as anything but a call, where they can be there."""
    found = _own_references(tree, node)
    if not _private(each):
        meant = declarations(tree, node.name)
        found += [
            use
            for use in references(tree, node.name)
            if use.place.path != node.path and _reachable(node, meant, use.place.path) and _counts(node, use)
        ]
    return found


def _own_references(tree: Snapshot, node: _Node) -> list[Reference]:
    """Those of the function's own file."""
    return [use for use in references_in(tree, node.path, node.name) if _counts(node, use)]


def _counts(node: _Node, use: Reference) -> bool:
    return use.kind != "macro" and node.under(use.condition) is not None


def _reachable(node: _Node, meant: tuple[Declaration, ...], path: str) -> bool:
    """Whether code of ``path`` means the function of the node by its name."""
    if other_program(path) or (node.arch is not None and arch_of(path) not in (None, node.arch)):
        return False
    return any(each.place.path == node.path for each in seen_from(meant, path))


def _lives(
    tree: Snapshot, node: _Node, each: Declaration, uses: list[Reference]
) -> Iterator[tuple[str, str | None]]:
    """What shows that a function runs after boot, and on which architecture alone."""
    words = {*each.attributes, *each.return_type.split(), *each.place.text.split("(")[0].split()}
    if "asmlinkage" in words:
        yield "assembly enters it (asmlinkage)", node.arch
    for ends in sorted(words & EXIT_CODE):
        yield f"unload runs it ({ends})", node.arch
    for use in uses:
        member = _member(tree, use) if use.kind == "address" else None
        who = None if member is None else _CALLED_BY.get(member) or _CALLED_BY.get(member.rpartition(".")[2])
        if who is not None:
            yield f"{who} calls it, .{member} at {_spot(use)}", node.arch or arch_of(use.place.path)


def _what(use: Reference) -> str:
    return f"{use.name}() is exported" if use.kind == "export" else f"the address of {use.name}() is taken"


def _spot(use: Reference) -> str:
    return f"{use.place.path}:{use.place.line}"


def _member(tree: Snapshot, use: Reference) -> str | None:
    """The members down to the one that a table gives the function's address to; None for any other use.

    A table that is thrown away after boot is none.
    """
    data = tree.read(use.place.path)
    if use.place.symbol or data is None:
        return None
    source = code(data)
    at = _offset(source.text, use.place)
    chunk = outline_of(data).chunk(at)
    following = source.plain[at + len(use.name) : at + len(use.name) + 200].lstrip()[:1]
    if chunk is None or following not in (",", "}"):
        return None
    head, equals, _ = source.plain[chunk.start : at].partition("=")
    if not equals or "{" in head or _INIT_TABLE.search(source.plain, chunk.start, at):
        return None
    names: list[str] = []
    end = at
    while end > chunk.start:
        designator = _DESIGNATOR.search(source.plain, chunk.start, end)
        if designator:
            names.insert(0, "".join(designator[1].split()).removeprefix("."))
        elif not names:
            return None
        outer = _opening(source.plain, chunk.start, end)
        if outer is None:
            break
        end = outer
    return ".".join(".".join(names).split(".")[-2:]) or None


def _opening(text: str, start: int, end: int) -> int | None:
    """The ``{`` around an offset."""
    depth = 0
    for at in range(end - 1, start - 1, -1):
        depth += {"}": 1, "{": -1}.get(text[at], 0)
        if depth < 0:
            return at
    return None


def _offset(text: str, where: Place) -> int:
    at = 0
    for _ in range(where.line - 1):
        at = text.index("\n", at) + 1
    return at + max(where.column - 1, 0)


# --- who calls it


def _callers(tree: Snapshot, node: _Node, each: Declaration) -> tuple[list[_Node], str | None]:
    """The functions that call one, and what stays unclear."""
    meant: tuple[Declaration, ...] = ()
    if _private(each):
        found = calls_in(tree, node.path, node.name)
    else:
        meant = declarations(tree, node.name)
        found = tuple(call for call in calls(tree, node.name) if _reachable(node, meant, call.place.path))
    if len(found) > _WIDEST:
        return [], f"{node.name}() has more than {_WIDEST} calls"
    callers, unclear = [], None
    for call in found:
        condition = node.under(call.condition)
        if condition is None:
            continue
        where = f"{call.place.path}:{call.place.line}"
        if call.in_macro or not call.place.symbol:
            unclear = f"{where} calls {node.name}() from a macro"
            continue
        if call.place.path != node.path and _rivals(node, meant):
            unclear = f"{where} may call another {node.name}()"
            continue
        state = guard(tree, call.place)
        if state is not None:
            unclear = f"{call.place.symbol}() calls {node.name}() at {where}, where {state} may keep it from doing so"
            continue
        callers.append(_above(node, call, condition, where))
    return callers, unclear


def _above(node: _Node, call: Call, condition: Expression, where: str) -> _Node:
    line = f"{node.name}() is called by {call.place.symbol}() at {where}"
    arch = node.arch or arch_of(call.place.path)
    return _Node(call.place.path, call.place.symbol, condition, arch, (*node.chain, line))


def _rivals(node: _Node, meant: tuple[Declaration, ...]) -> bool:
    """Whether another file defines a global function of the name for the same architectures."""
    return any(
        each.kind == "definition"
        and not each.static
        and each.place.path != node.path
        and arch_of(each.place.path) in (None, node.arch)
        and "__weak" not in each.attributes
        and not other_program(each.place.path)
        and node.under(each.condition) is not None
        for each in meant
    )


# --- whether a statement depends on a state


@fact
def guard(tree: Snapshot, where: Place) -> str | None:
    """What may keep a place in a function from being reached once boot is over, in its own words.

    Anything that tells the state of the system or the boot CPU before it in the function; and an ``if`` on what
    is no parameter or variable of the function, if the place lies in it or it leaves the function or a loop.
    """
    data = tree.read(where.path)
    if data is None:
        return "what cannot be read"
    source = code(data)
    text = source.plain
    at = _offset(source.text, where)
    chunk = outline_of(data).chunk(at)
    function = next(iter(functions(source, chunk)), None) if chunk is not None else None
    if function is None:
        return "what cannot be read"
    begin, end = function.body
    state = _STATE.search(text, begin, at)
    if state is not None:
        return " ".join(next(filter(None, state.groups())).split())
    own = {each.name for each in scope(source, function) if not each.static}
    for match in _IF.finditer(text, begin, at):
        close = closing(text, match.end() - 1, end)
        if close is None:
            return "what cannot be read"
        if close < at and not _governs(text, close + 1, end, at):
            continue
        for token in tokens(text, match.end(), min(close, at)):
            if token.word and _foreign(text, token.text, token.at, token.end, own):
                return token.text
    return None


def _governs(text: str, start: int, end: int, at: int) -> bool:
    """Whether the statement behind an ``if`` decides if a later place is reached."""
    brace = len(text[:end]) - len(text[start:end].lstrip())
    stop = closing(text, brace, end) if text[brace : brace + 1] == "{" else text.find(";", brace, end)
    if stop is None or stop < 0 or at <= stop:
        return True
    return _JUMP.search(text, start, stop) is not None or _ELSE.match(text, stop + 1, end) is not None


def _foreign(text: str, word: str, at: int, end: int, own: set[str]) -> bool:
    """Whether a word of a condition is a variable of more than this function, or a function that flips one."""
    if text[:at].rstrip()[-1:] == "." or text[:at].rstrip().endswith("->"):
        return False
    if text[end : end + 40].lstrip().startswith("("):
        return _ONCE.fullmatch(word) is not None or word.startswith("static_")
    return (
        word not in own
        and word not in KEYWORDS
        and not word.isupper()
        and word not in ("NULL", "true", "false")
    )
