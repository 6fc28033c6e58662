"""Where an object at file scope is written, or its address handed out.

Part of an object is what its name reaches by ``.``, ``[i]`` and, for an array, ``->``; what a pointer points to
is not part of it. A static object is that of its file alone; a global one is meant wherever a declaration of
it can be seen: in the file itself, in a header below an ``include/`` directory (of the same architecture), or
in one of the file's own directory or those above. Includes are not followed, so a file that sees none of its
declarations but has a global of the same name through a private header elsewhere is missed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from checkseries.facts.c_call import uses
from checkseries.facts.c_decl import arch_of, kernel_source
from checkseries.facts.c_object import CObject, objects, objects_named
from checkseries.facts.c_outline import Function
from checkseries.facts.c_scope import macro_names
from checkseries.facts.c_text import Code, closing, code, place
from checkseries.facts.c_words import INIT_CODE, STATEMENT
from checkseries.facts.presence import Expression, presence_of
from checkseries.model import Place
from checkseries.tree import Snapshot, fact

# Which argument each writes, and whether it is given by its address. Sources: asm-generic/rwonce.h, barrier.h,
# bitops/, atomic-instrumented.h, linux/string.h, linux/cpumask.h, linux/minmax.h, linux/rcupdate.h.
_ADDRESSED: dict[str, int] = {
    **dict.fromkeys(
        (
            "set_bit",
            "clear_bit",
            "change_bit",
            "__set_bit",
            "__clear_bit",
            "__change_bit",
            "assign_bit",
            "__assign_bit",
            "test_and_set_bit",
            "test_and_clear_bit",
            "test_and_change_bit",
            "__test_and_set_bit",
            "__test_and_clear_bit",
            "clear_bit_unlock",
            "test_and_set_bit_lock",
            "cpumask_set_cpu",
            "cpumask_clear_cpu",
            "__cpumask_set_cpu",
            "__cpumask_clear_cpu",
            "cpumask_test_and_set_cpu",
        ),
        1,
    ),
    **dict.fromkeys(
        (
            "memcpy",
            "memset",
            "memmove",
            "memzero_explicit",
            "strcpy",
            "strscpy",
            "strscpy_pad",
            "strlcpy",
            "strncpy",
            "strcat",
            "strlcat",
            "sprintf",
            "snprintf",
            "scnprintf",
            "vsnprintf",
            "copy_from_user",
            "smp_store_release",
            "smp_store_mb",
            "xchg",
            "cmpxchg",
            "try_cmpxchg",
            "xchg_relaxed",
            "cmpxchg_relaxed",
            "bitmap_zero",
            "bitmap_fill",
            "bitmap_set",
            "bitmap_clear",
            "bitmap_copy",
            "bitmap_or",
            "bitmap_and",
            "cpumask_copy",
            "cpumask_clear",
            "cpumask_setall",
            "cpumask_and",
            "cpumask_or",
            "cpumask_andnot",
            "__memcpy",
            "__memset",
        ),
        0,
    ),
    **dict.fromkeys(("atomic_inc", "atomic_dec", "atomic64_inc", "atomic_long_inc", "atomic_long_dec"), 0),
    **dict.fromkeys(("atomic_set", "atomic64_set", "atomic_long_set", "atomic_set_release"), 0),
    **dict.fromkeys(("atomic_add", "atomic_sub", "atomic64_add", "atomic_or", "atomic_and"), 1),
}
_VALUED: dict[str, int] = dict.fromkeys(
    ("WRITE_ONCE", "WRITE_ONCE_NOCHECK", "rcu_assign_pointer", "RCU_INIT_POINTER", "swap", "smp_store_mb"), 0
)
_SECOND: dict[str, int] = {"swap": 1}
_READS = frozenset(
    (
        "sizeof",
        "typeof",
        "__typeof__",
        "ARRAY_SIZE",
        "__alignof__",
        "_Alignof",
        "offsetof",
        "READ_ONCE",
        "data_race",
        "smp_load_acquire",
        "test_bit",
        "atomic_read",
        "atomic64_read",
        "atomic_long_read",
        "cpumask_test_cpu",
        "memcmp",
        "strcmp",
        "strncmp",
        "strlen",
        "strnlen",
        "copy_to_user",
        "EXPORT_SYMBOL",
        "EXPORT_SYMBOL_GPL",
        "BUILD_BUG_ON",
        "printk",
        "pr_info",
        "pr_err",
        "pr_warn",
        "pr_debug",
        "static_assert",
        "IS_ENABLED",
    )
)
_READ_FROM = frozenset(
    ("memcpy", "memmove", "strcpy", "strscpy", "strncpy", "sprintf", "snprintf", "scnprintf")
)
_ASSIGN = re.compile(r"\s*(=(?!=)|[-+*/%&|^]=|<<=|>>=|\+\+|--)")
_STEP = re.compile(r"\s*(\[|\.(?!\.)\s*[A-Za-z_]\w*|->\s*[A-Za-z_]\w*)", re.ASCII)
_CALLEE = re.compile(r"([A-Za-z_]\w*)\s*$", re.ASCII)


@dataclass(frozen=True, slots=True)
class Within:
    """The function around a write."""

    name: str
    attributes: tuple[str, ...]
    static: bool
    init: bool
    """Whether an attribute says that it runs at boot only (``__init``)."""


@dataclass(frozen=True, slots=True)
class Write:
    """One write of an object, or one hand-out of its address."""

    name: str
    place: Place
    kind: str
    """``assign``, ``update`` (``+=``, ``++``), ``call`` (a function that is known to write), ``asm``, ``escape``."""
    how: str
    """The operator or the function: ``=``, ``WRITE_ONCE``; for an escape the function that is handed the address."""
    function: Within | None
    """None in a macro's body or an initialiser."""
    in_macro: str | None
    owner: str
    """The path of the file whose object it is: that of the static definition, else of the first global one."""
    condition: Expression
    sure: bool = True
    """False if a member may be a pointer (``x.p[0] =``) or a macro may have declared a local of the name."""


@fact
def writes(tree: Snapshot, name: str) -> tuple[Write, ...]:
    """Every write of the objects of that name, and every hand-out of their address, by path and line."""
    declared = objects(tree, name)
    if not declared:
        return ()
    return tuple(
        write
        for path in tree.grep(name)
        if kernel_source(path) and (meant := _meant(declared, path)) is not None
        for write in writes_in(tree, path, name, meant.place.path)
    )


def _meant(declared: tuple[CObject, ...], path: str) -> CObject | None:
    """The object that a file means by the name; None if it can see none."""
    own = [each for each in declared if each.place.path == path]
    static = next((each for each in own if each.static), None)
    if static is not None:
        return static
    arch = arch_of(path)
    shared = [
        each
        for each in declared
        if not each.static and (arch is None or arch_of(each.place.path) in (None, arch))
    ]
    seen = bool(own)
    for each in shared:
        other = each.place.path
        top = other.rpartition("/")[0]
        if other.endswith(".h") and ("include/" in other or not top or path.startswith(f"{top}/")):
            seen = True
    if not seen:
        return None
    return next((each for each in shared if not each.extern), shared[0] if shared else None)


@fact
def writes_in(tree: Snapshot, path: str, name: str, owner: str) -> tuple[Write, ...]:
    """The writes of an object in one file; ``owner`` is the path of a file that declares it."""
    data = tree.read(path)
    if data is None:
        return ()
    kinds = objects_named(tree, owner, name)
    if not kinds:
        return ()
    source = code(data)
    found: list[Write] = []
    for use in uses(data, name):
        if use.role != "reference":
            continue
        if use.macro is None and use.function is None:
            continue  # initialisers at file scope take addresses, they write nothing
        text = source.text if use.macro else source.plain
        low, high = (
            (use.macro.body, use.macro.end) if use.macro else (use.function.body if use.function else (0, 0))
        )
        judged = _written(source, text, use.at, low, high, kinds[0])
        if judged is None:
            continue
        kind, how, sure = judged
        where = place(
            source, path, use.at, use.function.name if use.function else use.macro.name if use.macro else ""
        )
        if use.function and macro_names(text, low, use.at, name):
            sure = False
        found.append(
            Write(
                name,
                where,
                kind,
                how,
                within(use.function),
                use.macro.name if use.macro else None,
                owner,
                presence_of(data).at(where.line),
                sure,
            )
        )
    return tuple(found)


def within(function: Function | None) -> Within | None:
    """What is known of the function around a place."""
    if function is None:
        return None
    attributes = function.head.attributes if function.head else ()
    static = bool(function.head and "static" in function.head.storage)
    return Within(function.name, attributes, static, any(word in INIT_CODE for word in attributes))


def _written(
    source: Code, text: str, at: int, low: int, high: int, kind: CObject
) -> tuple[str, str, bool] | None:
    """(kind, how, sure) of the write that a use is; None if it only reads."""
    name_end = at + len(kind.name)
    end, part, sure, whole = _reach(text, name_end, high, kind)
    if not part:
        return None
    operator = _ASSIGN.match(text, end, high)
    begin, starred = _before(text, at, low)
    per_cpu = kind.has("per-cpu")
    if not starred:
        if operator:
            return ("assign" if operator[1] == "=" else "update", operator[1], sure)
        if text[max(low, begin - 2) : begin] in ("++", "--"):
            return "update", text[begin - 2 : begin], sure
    address = _address(text, begin, low)
    decays = bool(kind.dims) and whole and not operator
    callee, position = _callee(text, begin, low)
    if callee == '"':
        constraint = source.source(_quote(text, begin, low), begin).lstrip('"')
        return ("asm", "asm", sure) if constraint[:1] in ("=", "+") else None
    if callee and not starred:
        if (
            not address
            and not decays
            and (_VALUED.get(callee) == position or _SECOND.get(callee) == position)
        ):
            return "call", callee, sure
        if not address and per_cpu and re.match(r"(?:__|raw_)?(?:this|raw)_cpu_(?!read|ptr)\w+$", callee):
            return ("call", callee, sure) if position == 0 else None
        if address or decays:
            if _ADDRESSED.get(callee) == position:
                return "call", callee, sure
            if callee in _READS or (callee in _READ_FROM and position > 0):
                return None
            return "escape", callee, sure
    if address:
        return "escape", "&", sure
    if decays and _assigned(text, begin, low):
        return "escape", "=", sure
    return None


def _reach(text: str, end: int, high: int, kind: CObject) -> tuple[int, bool, bool, bool]:
    """Where ``name[i].member`` ends, whether that is part of the object, whether surely, and whether it is bare."""
    dims = len(kind.dims)
    pointer = kind.pointer
    member = False
    sure = True
    whole = True
    while step := _STEP.match(text, end, high):
        whole = False
        if step[1] == "[":
            close = closing(text, step.start(1), high)
            if close is None:
                return end, True, False, whole
            if dims:
                dims -= 1
            elif member:
                sure = False  # an array in a struct, or a pointer
            elif pointer:
                return end, False, True, whole
            end = close + 1
            continue
        if step[1].startswith("->"):
            if dims == 1 and not pointer and not member:
                dims = 0
            elif member:
                return end, False, True, whole
            else:
                return end, False, True, whole
        member = True
        end = step.end()
    return end, True, sure, whole or dims > 0


def _before(text: str, at: int, low: int) -> tuple[int, bool]:
    """Where the expression begins, parentheses before it passed by, and whether a star dereferences it."""
    begin = at
    while begin > low and text[begin - 1] in " \t\n\r\\":
        begin -= 1
    starred = False
    if begin > low and text[begin - 1] == "*":
        before = text[low : begin - 1].rstrip()[-1:]
        starred = not (before.isalnum() or before in ("_", ")", "]")) or before == ""
    return begin, starred


def _address(text: str, begin: int, low: int) -> bool:
    """Whether a unary ``&`` stands before it."""
    if begin <= low or text[begin - 1] != "&" or text[begin - 2 : begin] == "&&":
        return False
    before = text[low : begin - 1].rstrip()
    word = _CALLEE.search(before[-60:])
    if word:
        return word[1] in STATEMENT
    return before[-1:] not in (")", "]") or bool(
        re.search(r"\(\s*(?:const\s+)?(?:struct\s+)?\w+[\s*]*\*\s*\)$", before)
    )


def _callee(text: str, begin: int, low: int) -> tuple[str, int]:
    """The word before the bracket that encloses an argument, and the argument's number; a quote for asm operands."""
    depth = 0
    commas = 0
    at = begin - 1
    floor = max(low, begin - 4000)
    while at >= floor:
        character = text[at]
        if character in ")]}":
            depth += 1
        elif character in "([{":
            if depth == 0:
                if character != "(":
                    return "", 0
                before = text[floor:at].rstrip()
                if before.endswith('"'):
                    return '"', 0
                word = _CALLEE.search(before[-80:])
                if word is None and commas == 0 and not before.endswith((")", "]")):
                    at -= 1  # a parenthesis around it
                    continue
                if word is None or (word[1] in STATEMENT and word[1] not in _READS):
                    return "", 0
                return word[1], commas
            depth -= 1
        elif depth == 0 and character == ",":
            commas += 1
        elif depth == 0 and character == ";":
            return "", 0
        at -= 1
    return "", 0


def _quote(text: str, begin: int, low: int) -> int:
    close = text.rfind('"', low, begin)
    return text.rfind('"', low, close)


def _assigned(text: str, begin: int, low: int) -> bool:
    """Whether the name stands right of ``=`` or behind ``return``, so that the address lives on."""
    before = text[max(low, begin - 60) : begin].rstrip()
    return (before.endswith("=") and not before.endswith(("==", "!=", "<=", ">="))) or before.endswith(
        "return"
    )
