"""Whether an argument is a CPU ID: a logical CPU number, as ``smp_processor_id()`` gives.

No type of C tells, so the answer is a lattice. Yes is strong where the value comes from the kernel's own
iterators and accessors, weak where merely the name of an integer says so. No is only said of what cannot be a
CPU number: an address, a string, a truth value, a negative constant, or a constant of a family that other calls
of the function pass as another argument. All else is unknown, whatever stands below a cast to an integer too:
``(long)data`` is how a number travels through a pointer. ``0`` is the boot CPU of every architecture that
numbers it so, and counts as weak.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from checkseries.facts.answer import Unknown
from checkseries.facts.c_call import Call, calls
from checkseries.facts.c_decl import Declaration, arch_of, declarations, kernel_source, seen_from
from checkseries.facts.c_object import CObject, objects
from checkseries.facts.c_outline import Function, functions, outline_of
from checkseries.facts.c_scope import Local, local, macro_names, scope
from checkseries.facts.c_text import Code, Macro, closing, code, split
from checkseries.facts.presence import never
from checkseries.tree import Snapshot, fact

# Sources: linux/smp.h, linux/sched.h, linux/cpumask.h, linux/topology.h.
_GIVES = re.compile(
    r"(?:(?:raw_|__|debug_|hard_)?smp_processor_id|get_cpu|task_cpu|get_boot_cpu_id|raw_smp_processor_id_safe"
    r"|cpumask_(?:first|next|any|last|local_spread|any_and|nth)\w*|smp_get_boot_cpu_id|get_cpu_ids?)",
    re.ASCII,
)
_ITERATES = r"for_each_(?:\w+_)?cpu(?!_node)(?:_(?:and|andnot|or|wrap|from|not|in_mask|of_node)\w*)?\s*\(\s*{name}\s*[,)]"
_NAMED = re.compile(r"(?:\w*_)?(?:cpu|CPU)(?:id|_id|_nr|_num|num|nr|no)?\d*|(?:\w+)?cpu", re.ASCII)
_COUNTED = re.compile(
    r"n_?cpus?|(?:nr|num|max|per|hw|phys|total|possible|tot|no_of|v)_?(?:\w+_)?cpu\w*|.*(?:hwcpu|hw_cpu).*",
    re.ASCII | re.IGNORECASE,
)
_INTEGER = re.compile(
    r"(?:(?:const|volatile|signed|unsigned|short|long|int|u8|u16|u32|u64|s8|s16|s32|s64|uint|size_t|ssize_t|ulong"
    r"|__u\d+|__s\d+|uint\d+_t|int\d+_t|unative_t|loff_t)\s*)+",
    re.ASCII,
)
_WORD = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_CAST = re.compile(rf"\(\s*(?:{_INTEGER.pattern})\s*\)\s*(?=[\w(])", re.ASCII)
_CALLED = re.compile(r"([A-Za-z_]\w*)\s*\((.*)\)", re.ASCII | re.DOTALL)
_MEMBER = re.compile(r"[\w.\[\]>()*\s-]*(?:\.|->)\s*([A-Za-z_]\w*)", re.ASCII)
_NUMBER = re.compile(
    r"[-(\s]*(?:0[xX][0-9a-fA-F]+|\d+)[uUlL]*[)\s]*|[(\s]*(?:1|BIT)\w*\s*(?:<<|\().*", re.ASCII
)
_NEGATIVE = re.compile(r"[(\s]*-[(\s]*(?!0[xX]?0*[uUlL]*\b)\d\w*[)\s]*", re.ASCII)
_ADDRESS = re.compile(r"&(?:[\w.,\s\[\]()]|->)+", re.ASCII)
_STRING = re.compile(r'(?:"[^"]*"\s*)+', re.ASCII)
_NEAR = 40  # lines between the macros of one family
_MANY = 400  # files that are searched for an enumerator


@dataclass(frozen=True, slots=True)
class Yes:
    """It is a CPU ID, or at least named as one."""

    because: str
    strong: bool


@dataclass(frozen=True, slots=True)
class No:
    """It cannot be a CPU ID."""

    because: str


CpuId = Yes | No | Unknown


@dataclass(frozen=True, slots=True)
class _Spot:
    """An argument, and what is around it."""

    tree: Snapshot
    call: Call
    position: int
    source: Code
    function: Function | None
    macro: Macro | None
    at: int

    @property
    def path(self) -> str:
        return self.call.place.path


@fact
def cpu_id(tree: Snapshot, call: Call, position: int) -> CpuId:
    """Whether the argument at a position, from 0, of a call is a CPU ID."""
    if not call.arity_known or position >= len(call.arguments):
        return Unknown("the argument cannot be told apart")
    data = tree.read(call.place.path)
    if data is None:
        return Unknown(f"{call.place.path} is gone")
    source = code(data)
    offset = _offset(source, call.place.line, call.place.column)
    chunk = outline_of(data).chunk(offset)
    around = functions(source, chunk) if chunk is not None and chunk.body else ()
    function = around[0] if around and call.in_macro is None else None
    macro = source.macro_at(offset) if call.in_macro else None
    spot = _Spot(tree, call, position, source, function, macro, offset)
    return _judged(spot, call.arguments[position], 0)


def _offset(source: Code, line: int, column: int) -> int:
    start = 0
    for _ in range(line - 1):
        start = source.text.find("\n", start) + 1
    return start + column - 1


def _judged(spot: _Spot, text: str, depth: int) -> CpuId:
    bare, cast = _bare(text)
    said = _uncast(spot, bare, depth)
    if cast and isinstance(said, No):
        return Unknown(f"{said.because}, but is cast to an integer")
    return said


def _uncast(spot: _Spot, text: str, depth: int) -> CpuId:
    if depth > 8:
        return Unknown("the expression is too deep")
    if _STRING.fullmatch(text):
        return No("it is a string")
    if text in ("true", "false", "NULL"):
        return No(f"it is {text}")
    if _ADDRESS.fullmatch(text):
        return No("it is an address")
    if text in ("0", "0U", "0u"):
        return Yes("it is 0, the boot CPU", strong=False)
    if _NEGATIVE.fullmatch(text):
        return No("it is negative")
    if _WORD.fullmatch(text):
        return _identifier(spot, text)
    called = _CALLED.fullmatch(text)
    if called and _balanced(called[2]):
        if _GIVES.fullmatch(called[1]):
            return Yes(f"{called[1]}() gives a CPU ID", strong=True)
        if called[1] in ("READ_ONCE", "data_race", "smp_load_acquire", "this_cpu_read", "__this_cpu_read"):
            return _judged(spot, called[2], depth + 1)
        return Unknown(f"what {called[1]}() gives is not known")
    parts = _flags(text)
    if len(parts) > 1:
        answers = [_judged(spot, part, depth + 1) for part in parts]
        if all(isinstance(answer, No) for answer in answers) and isinstance(answers[0], No):
            return No(answers[0].because)
    member = _MEMBER.fullmatch(text)
    if member and _NAMED.fullmatch(member[1]) and not _COUNTED.fullmatch(member[1]):
        return Yes(f"the member {member[1]} is named as one", strong=False)
    return Unknown("nothing tells what it is")


def _bare(text: str) -> tuple[str, bool]:
    """The expression without the parentheses and integer casts around it, and whether there was a cast."""
    text = text.strip()
    found = False
    for _ in range(16):
        cast = _CAST.match(text)
        if cast:
            text = text[cast.end() :].strip()
            found = True
        elif text.startswith("(") and closing(text, 0) == len(text) - 1:
            text = text[1:-1].strip()
        else:
            break
    return text, found


def _balanced(text: str) -> bool:
    depth = 0
    for character in text:
        depth += (character == "(") - (character == ")")
        if depth < 0:
            return False
    return depth == 0


def _flags(text: str) -> list[str]:
    parts = [part.strip() for part in re.split(r"(?<!\|)\|(?!\|)", text)]
    return parts if all(_WORD.fullmatch(_bare(part)[0]) for part in parts) else []


def _identifier(spot: _Spot, name: str) -> CpuId:
    tree, macro, function = spot.tree, spot.macro, spot.function
    if macro is not None and macro.parameters and name in macro.parameters:
        return _by_name(name, "the macro's parameter")
    plain = spot.source.plain
    if function is not None:
        found = local(scope(spot.source, function), name, spot.at)
        if found is not None:
            return _local(spot.source, function, found, spot.at)
        if macro_names(plain, function.body[0], function.body[1], name):
            return Unknown(f"a macro may declare {name}")
    declared = seen_from(declarations(tree, name), spot.path)
    aliases = [each for each in declared if each.kind == "alias"]
    named = [each for each in declared if each.kind in ("prototype", "definition") and _seen(spot, each)]
    known = [each for each in objects(tree, name) if _seen(spot, each)]
    own = [each for each in known if each.place.path == spot.path]
    if own and not aliases and not any(each.place.path == spot.path for each in named):
        return _object(spot, name, own)
    enums = _enums(spot, name)
    kinds = sum(map(bool, (aliases, named, known, enums)))
    if kinds > 1:
        return Unknown(f"{name} is declared as more than one thing")
    if (
        kinds
        and not any(each.place.path == spot.path for each in declared)
        and macro_names(plain, 0, len(plain), name)
    ):
        return Unknown(f"a macro may declare {name}")
    if named:
        if macro is not None:
            return Unknown(f"{name} may be a variable where the macro {macro.name} is used")
        return No(f"it is the function {name}()")
    if aliases:
        return _alias(spot, name, aliases)
    if enums:
        return _enumerator(spot, name, enums)
    if known:
        return _object(spot, name, known)
    return Unknown(f"no declaration of {name} was found")


def _seen(spot: _Spot, each: Declaration | CObject) -> bool:
    """Whether a declaration is the file's own, or in a header that it may include."""
    path = each.place.path
    return path == spot.path or (path.endswith(".h") and _includable(path, spot.path))


def _includable(header: str, path: str) -> bool:
    arch = arch_of(path)
    if arch is not None and arch_of(header) not in (None, arch):
        return False
    top = header.rpartition("/")[0]
    return "include/" in header or path.startswith(f"{top}/") or not top


def _object(spot: _Spot, name: str, known: list[CObject]) -> CpuId:
    if all(each.pointer or each.dims for each in known):
        if spot.macro is not None:
            return Unknown(f"{name} may be another variable where the macro {spot.macro.name} is used")
        return No(f"it is a pointer, {known[0].type}")
    if all(_INTEGER.fullmatch(each.type) and not each.dims for each in known):
        return _by_name(name, "the variable")
    return Unknown(f"the variable {name} is no plain integer everywhere")


def _local(source: Code, function: Function, found: Local, at: int) -> CpuId:
    what = "the parameter" if found.parameter else "the variable"
    if found.pointer:
        return No(f"{what} {found.name} is a pointer, {found.type}")
    if found.type.startswith(("struct ", "union ")):
        return No(f"{what} {found.name} is a {found.type}")
    if found.type.replace("const ", "") in ("bool", "_Bool"):
        return No(f"{what} {found.name} is a truth value")
    text = source.plain
    begin, end = function.body
    name = re.escape(found.name)
    if re.search(rf"(?<!\w){_ITERATES.format(name=name)}", text[begin:at], re.ASCII):
        return Yes(f"{found.name} runs over CPUs (for_each_..cpu())", strong=True)
    given = [
        text[begin + match.end() : begin + match.end() + 200].split(";")[0].strip()
        for match in re.finditer(rf"(?<![\w.>]){name}\s*=(?!=)", text[begin:end], re.ASCII)
    ]
    changed = re.search(
        rf"(?<![\w.>]){name}\s*(?:\+\+|--|[-+*/%&|^]=|<<=|>>=)|(?:\+\+|--|&)\s*{name}\b", text[begin:end]
    )
    if given and not found.parameter and not changed and all(_gives(value) for value in given):
        return Yes(f"{found.name} is set from {given[0].split('(')[0]}()", strong=True)
    if not _INTEGER.fullmatch(found.type):
        return Unknown(f"{what} {found.name} has the type {found.type}")
    return _by_name(found.name, what)


def _gives(value: str) -> bool:
    called = _CALLED.fullmatch(value.split(",", maxsplit=1)[0] if "(" not in value else value)
    return called is not None and _balanced(called[2]) and _GIVES.fullmatch(called[1]) is not None


def _by_name(name: str, what: str) -> CpuId:
    if _NAMED.fullmatch(name) and not _COUNTED.fullmatch(name):
        return Yes(f"{what} {name} is named as one", strong=False)
    return Unknown(f"{what} {name} may be anything")


def _alias(spot: _Spot, name: str, macros: list[Declaration]) -> CpuId:
    """The answer for an object-like macro."""
    if _is_cpu_constant(name):
        return Unknown(f"{name} is a macro, {macros[0].return_type or 'empty'}")
    if all(_NEGATIVE.fullmatch(each.return_type) for each in macros):
        return No(f"{name} is negative, {macros[0].return_type}")
    families = [_family(spot.tree, each.place.path, each.place.line, name) for each in macros]
    if all(families):
        family = frozenset(families[0]).intersection(*families[1:])
        others = ", ".join(families[0][:2])
        place = _passed_as(spot, family | {name})
        if place is not None:
            return No(
                f"{name} is a macro, one of a family of constants ({others}...) that argument {place + 1} is of"
            )
    return Unknown(f"{name} is a macro, {macros[0].return_type or 'empty'}")


def _enumerator(spot: _Spot, name: str, enums: list[tuple[tuple[str, ...], bool]]) -> CpuId:
    """The answer for an enumerator, from the names of its enums and whether it is negative there."""
    if _is_cpu_constant(name):
        return Unknown(f"{name} is an enumerator")
    if all(negative for _, negative in enums):
        return No(f"{name} is an enumerator, and negative")
    family = frozenset(enums[0][0]).intersection(*(names for names, _ in enums[1:]))
    place = _passed_as(spot, family | {name})
    if place is not None:
        return No(f"{name} is an enumerator, one of {len(family)} that argument {place + 1} is of")
    return Unknown(f"{name} is an enumerator")


def _passed_as(spot: _Spot, family: frozenset[str]) -> int | None:
    """Which other argument the constants of a family are, going by the other calls; None if that is not clear.

    A constant may be a CPU (``SMP_PRIMARY``). It is not if more calls pass its family at another position than
    at this one, if this call does not, and if no declaration names that parameter as a CPU: then it stands
    where something else belongs.
    """
    call, position = spot.call, spot.position
    count: dict[int, int] = dict.fromkeys(range(len(call.arguments)), 0)
    for each in calls(spot.tree, call.name):
        if not each.arity_known or len(each.arguments) != len(call.arguments) or never(each.condition):
            continue
        for number, argument in enumerate(each.arguments):
            words = {_bare(part)[0] for part in _flags(argument)}
            count[number] += bool(words & family)
    for number in sorted(count, key=lambda each: (-count[each], each)):
        here = {_bare(part)[0] for part in _flags(call.arguments[number])}
        if number == position or here & family or count[number] <= count[position]:
            continue
        names = [
            each.parameters[number].name
            for each in declarations(spot.tree, call.name)
            if each.parameters is not None and len(each.parameters) == len(call.arguments)
        ]
        if any(names) and not any(_NAMED.fullmatch(name) for name in names):
            return number
    return None


def _enums(spot: _Spot, name: str) -> list[tuple[tuple[str, ...], bool]]:
    """The enums of the file and of the headers that it may include in which a name is an enumerator."""
    places = [each for each in spot.tree.grep(name) if kernel_source(each)]
    seen = [
        each for each in places if each == spot.path or (each.endswith(".h") and _includable(each, spot.path))
    ]
    found = []
    for path in seen[:_MANY]:
        names = enumerators(spot.tree, path, name)
        if names is not None:
            data = spot.tree.read(path)
            text = code(data).plain if data is not None else ""
            values = re.findall(rf"[{{,]\s*{re.escape(name)}\s*(?:=([^,}}]*))?[,}}]", text, re.ASCII)
            found.append((names, bool(values) and all(_NEGATIVE.fullmatch(value) for value in values)))
    return found


def _is_cpu_constant(name: str) -> bool:
    return (
        re.fullmatch(
            r"(?:\w*_)?(?:CPU|cpu)_?(?:ID|id)?_?\d*|(?:BOOT|MASTER|PRIMARY)_?CPU\w*|WORK_CPU_\w+|NR_CPUS",
            name,
        )
        is not None
    )


def _family(tree: Snapshot, path: str, line: int, name: str) -> list[str]:
    """Other object-like macros near by that share the first part of the name and are numbers, as it is itself."""
    data = tree.read(path)
    if data is None or "_" not in name.strip("_"):
        return []
    source = code(data)
    prefix = re.match(r"_*[A-Za-z0-9]+_", name)
    if prefix is None:
        return []
    found = []
    itself = False
    for macro in source.macros:
        if macro.parameters is not None or not macro.name.startswith(prefix[0]):
            continue
        if abs(source.line(macro.at) - line) > _NEAR or not _NUMBER.fullmatch(
            source.source(macro.body, macro.end)
        ):
            continue
        if macro.name == name:
            itself = True
        else:
            found.append(macro.name)
    return list(dict.fromkeys(found)) if itself else []


@fact
def enumerators(tree: Snapshot, path: str, name: str) -> tuple[str, ...] | None:
    """The names of the enum of a file in which ``name`` is one; None if there is no such enum."""
    data = tree.read(path)
    if data is None:
        return None
    source = code(data)
    for match in re.finditer(rf"[{{,]\s*(?<![\w$]){re.escape(name)}\s*[=,}}]", source.plain, re.ASCII):
        brace = source.plain.rfind("{", 0, match.start() + 1)
        head = source.plain[max(0, brace - 200) : brace]
        close = closing(source.plain, brace, len(source.plain)) if brace >= 0 else None
        if close is None or not re.search(r"\benum\s+(?:__packed\s+)?\w*\s*(?::\s*\w+\s*)?$", head, re.ASCII):
            continue
        names = [_WORD.match(source.plain[a:b].strip()) for a, b in split(source.plain, brace + 1, close)]
        return tuple(each[0] for each in names if each)
    return None
