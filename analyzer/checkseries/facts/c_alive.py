"""When the compiler keeps a use of a name: what of the configuration decides that the code around it is reached.

Kept is what stands below no false ``#if``, in no branch that ``IS_ENABLED()`` closes, behind no return that the
configuration makes certain, and in a function that is not static or is itself used. Conditions of run time may
come out either way. What is doubtful counts as not kept: the answer may be narrower than the truth, never wider.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from checkseries.facts import c_syntax
from checkseries.facts.c_call import Use, uses
from checkseries.facts.c_decl import Declaration, arch_of, declared_in, kernel_source
from checkseries.facts.c_outline import Function, declarators, functions_named, outline_of
from checkseries.facts.c_scope import Local, local, scope
from checkseries.facts.c_text import Code, code, tokens
from checkseries.facts.c_vanish import linked, listed
from checkseries.facts.c_words import KEYWORDS
from checkseries.facts.presence import (
    ALWAYS,
    NEVER,
    All,
    Constant,
    Expression,
    Not,
    Opaque,
    Option,
    Some,
    condition_of,
    every,
    never,
    presence_of,
    some,
)
from checkseries.tree import Snapshot, fact

_DEEPEST = 6  # static functions that use one another
_MOST = 60  # uses of one name in one file
_MOST_WAYS = 8  # ways to a static by its users that differ
_MOST_NAMES = 40  # names that decide about one use
_MOST_INNER = 6  # names that a macro uses
_MOST_THROUGH = 24  # names that one uses, those that they use included
_LONGEST = 2000  # characters of a macro
_STEPS = 4  # variables that are set from variables
_HEAD = "void f(void)\n{\n"
_INNER = re.compile(r"(?<![\w$.#\"])(?<!->)([a-z_]\w{3,})\s*(?=\(|(?<=\w{8})[,)])", re.ASCII)
_CALLED = re.compile(r"(?<![\w$.>#])([a-z_]\w{3,})[ \t]*(?=\()", re.ASCII)
_DECLARES = re.compile(r"\(\s*\{|\bdo\s*\{|\b_Generic\b|\b__builtin_choose_expr\b", re.ASCII)
"""What makes a macro's body more than an expression."""
_OF_CONFIG = re.compile(r"\bCONFIG_|\bIS_(?:ENABLED|BUILTIN|MODULE|REACHABLE)\b|\bMODULE\b", re.ASCII)
_EVALUATING = frozenset(
    (
        "likely", "unlikely", "WARN_ON", "WARN_ON_ONCE", "BUG_ON", "PTR_ERR", "IS_ERR", "PTR_ERR_OR_ZERO",
        "READ_ONCE", "this_cpu_read", "this_cpu_ptr", "raw_cpu_ptr", "per_cpu", "per_cpu_ptr",
    )
)  # fmt: skip
"""Macros that evaluate their arguments in every configuration."""
_UNEVALUATED = frozenset(
    (
        "sizeof",
        "ARRAY_SIZE",
        "typeof",
        "__typeof__",
        "typeof_unqual",
        "symbol_get",
        "symbol_put",
        "symbol_request",
    )
)
"""What looks at its operand's type only, or asks for it at run time."""
_AT_RUN_TIME = _EVALUATING | frozenset(("NULL", "true", "false", "ERR_PTR", "IS_ERR_OR_NULL"))
"""What says nothing of its own: a condition hangs on what it is given."""
_STARTS = re.compile(
    r"(?:\w+_)?(?:init|exit)call(?:_sync)?|module_\w+|builtin_\w+|EXPORT_\w+|__setup|early_param|\w+_DECLARE",
    re.ASCII,
)
"""Macros at file scope that keep what they are given."""
_VALUE = re.compile(
    r"[-\s()0-9xXULul]*|(?:\(\s*\w+(?:\s+\w+)*[\s*]*\)\s*)?(?:NULL|true|false|ERR_PTR\s*\(\s*-\s*E\w+\s*\)|-\s*E[A-Z]+)",
    re.ASCII,
)
_HANDS_ON = re.compile(r"\(?\s*([a-z_]\w*)\s*\(([\w\s,()]*)\)\s*\)?", re.ASCII)
_BODY = re.compile(r"\{\s*(?:return\s*([^;{}]*);)?\s*\}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Alive:
    """One use of a name that may be kept."""

    at: int
    line: int
    when: Expression
    """The conditions that the file itself shows."""
    names: tuple[str, ...]
    """What is called or read on the way there: a header that makes one of them a constant may close it."""
    doubt: str = ""
    """Why it is not known; empty if it is."""


@fact
def alive_in(tree: Snapshot, path: str, name: str) -> tuple[Alive, ...]:
    """The uses of a function or object in one file that some configuration keeps, in their order.

    Of those that hang on the same the first one alone, and no more than a few.
    """
    return _different(_alive(tree, path, name, ()))


@fact
def _all_uses(tree: Snapshot, path: str, name: str) -> tuple[Use, ...]:
    data = tree.read(path)
    return () if data is None else tuple(use for use in uses(data, name) if use.role != "declaration")


def _alive(tree: Snapshot, path: str, name: str, chain: tuple[str, ...]) -> Iterator[Alive]:
    data = tree.read(path)
    if data is None or name in chain or len(chain) > _DEEPEST:
        return
    source = code(data)
    found = _all_uses(tree, path, name)[:_MOST]
    by_function: dict[int, list[Use]] = {}
    for use in found:
        if use.macro is not None:
            continue  # whoever uses the macro is not followed
        if use.function is None:
            yield from _in_data(tree, path, source, use, (*chain, name))
        else:
            by_function.setdefault(use.function.start, []).append(use)
    for some_uses in by_function.values():
        function = some_uses[0].function
        assert function is not None
        yield from _in_function(tree, path, source, function, some_uses, (*chain, name))


def _in_function(
    tree: Snapshot, path: str, source: Code, function: Function, found: list[Use], chain: tuple[str, ...]
) -> Iterator[Alive]:
    start, end = function.start, function.body[1] + 1
    text = source.plain[start:end]
    known = c_syntax.ways(text, [use.at - start for use in found])
    presence = presence_of(source.data)
    outer = _holder(tree, path, function, chain)
    for use in found:
        line = source.line(use.at)
        here = presence.at(line)
        way = known.get(use.at - start)
        if way is None or not function.sure:
            yield Alive(use.at, line, here, (), "the code around it cannot be read")
            continue
        alive = _reached(source, function, text, way, use.at)
        for each in outer:
            names = tuple(dict.fromkeys((*alive.names, *each.names)))
            yield Alive(use.at, line, every((here, alive.when, each.when)), names, alive.doubt or each.doubt)


def _holder(tree: Snapshot, path: str, function: Function, chain: tuple[str, ...]) -> tuple[Alive, ...]:
    """When the function around a use is kept: always unless it is static."""
    always = (Alive(0, 0, ALWAYS, ()),)
    head = function.head
    if head is None or "static" not in head.storage:
        return always if head is not None else (Alive(0, 0, ALWAYS, (), "a macro makes its function"),)
    if "__used" in head.attributes:
        return always
    return _different(_alive(tree, path, function.name, chain))


def _different(found: Iterable[Alive]) -> tuple[Alive, ...]:
    """The first few of some uses that differ in what decides about them; one alone if nothing does."""
    some_uses: dict[tuple[Expression, tuple[str, ...], str], Alive] = {}
    for each in found:
        if never(each.when):
            continue
        if each.when == ALWAYS and not each.names and not each.doubt:
            return (each,)
        some_uses.setdefault((each.when, each.names, each.doubt), each)
        if len(some_uses) == _MOST_WAYS:
            break
    return tuple(some_uses.values())


def _reached(source: Code, function: Function, text: str, way: c_syntax.Way, at: int) -> Alive:
    """Whether a place in a function is reached, its ``#if`` and the function's own users left aside."""
    within = (*way.within, *_around(source, function.body[0], at))
    if not _UNEVALUATED.isdisjoint(within):
        return Alive(at, 0, NEVER, ())
    return _decided(text, function.start, scope(source, function), way, at)


def _decided(text: str, start: int, variables: tuple[Local, ...], way: c_syntax.Way, at: int) -> Alive:
    """What the conditions on a way make of it; ``text`` begins at the offset ``start`` of its file."""
    names: dict[str, None] = {}
    terms: list[Expression] = []
    doubt = ""
    for first, last, holds in way.guards:
        written = text[first:last]
        of = may(condition_of(written), holds)
        if of is None:
            doubt = f"whether {' '.join(written.split())} depends on the configuration is not known"
            of = ALWAYS
        terms.append(of)
        more = _decisive(text, written, start, variables, at)
        doubt = doubt or (
            "" if more is not None else "a variable on the way to it is set from the configuration"
        )
        names.update(dict.fromkeys(more or ()))
    if not _UNEVALUATED.isdisjoint(way.within):
        terms.append(NEVER)
    for callee in way.within:
        if callee in _EVALUATING or _STARTS.fullmatch(callee):
            continue
        if re.fullmatch(r"\w+", callee, re.ASCII):
            names[f"{callee}("] = None
    if len(names) > _MOST_NAMES:
        doubt = "too much decides about it"
    return Alive(at, 0, every(tuple(terms)), tuple(names)[:_MOST_NAMES], doubt)


def may(of: Expression, value: bool) -> Expression | None:
    """When a condition of C may come out so; what is known at run time only may always. None if it is not known."""
    match of:
        case Constant(constant):
            return ALWAYS if constant == value else NEVER
        case Option():
            return of if value else Not(of)
        case Opaque(text):
            if text == "defined(MODULE)":
                return of if value else Not(of)
            return None if _OF_CONFIG.search(text) else ALWAYS
        case Not(inner):
            return may(inner, not value)
        case All(terms) | Some(terms):
            parts = [may(term, value) for term in terms]
            known = tuple(part for part in parts if part is not None)
            if len(known) < len(parts):
                return None
            return every(known) if isinstance(of, All) == value else some(known)


def _decisive(
    text: str, written: str, start: int, variables: tuple[Local, ...], at: int
) -> tuple[str, ...] | None:
    """The names that a condition hangs on, also by way of variables; None if a variable tells the configuration."""
    found: dict[str, None] = {}
    seen: set[str] = set()
    pending = [written]
    for _ in range(_STEPS):
        following: list[str] = []
        for each in pending:
            before = ""
            for token in tokens(each):
                word = token.text
                member = before in (".", "->") or (before == ">" and each[: token.at].endswith("->"))
                before = word
                if not token.word or member or word in KEYWORDS or word in _AT_RUN_TIME:
                    continue
                if local(variables, word, at) is None:
                    found[word] = None
                elif word not in seen:
                    seen.add(word)
                    following += _set(text[: at - start], word)
        if any(_OF_CONFIG.search(each) for each in following):
            return None
        pending = following
    return tuple(found)


def _set(text: str, variable: str) -> list[str]:
    """What a variable is set to in a text."""
    found = []
    for match in re.finditer(rf"(?<![\w.>]){re.escape(variable)}\s*=(?!=)", text, re.ASCII):
        stop = text.find(";", match.end(), match.end() + 2000)
        found.append(text[match.end() : stop if stop >= 0 else match.end()])
    return found


def _in_data(tree: Snapshot, path: str, source: Code, use: Use, chain: tuple[str, ...]) -> Iterator[Alive]:
    """A use at file scope: in an initialiser, or given to a macro."""
    line = source.line(use.at)
    here = presence_of(source.data).at(line)
    chunk = outline_of(source.data).chunk(use.at)
    if chunk is None or chunk.body is not None:
        yield Alive(use.at, line, here, (), "what holds it cannot be read")
        return
    around = _around(source, chunk.start, use.at)
    for macro in around:
        if _STARTS.fullmatch(macro):
            yield Alive(use.at, line, here, ())
            return
        if macro in _UNEVALUATED:
            return
        if not listed(macro):
            yield Alive(use.at, line, here, (), f"{macro}() may drop it")
            return
    here = every((here, *(linked(tree, macro) for macro in around)))
    heads = [head for head in declarators(source, chunk.start, chunk.end) if head.parameters is None]
    for head in heads:
        if head.initialiser is None or head.initialiser > use.at:
            continue
        if "static" not in head.storage or "__used" in head.attributes:
            yield Alive(use.at, line, here, ())
            continue
        for each in _different(_alive(tree, path, head.name, chain)):
            yield Alive(use.at, line, every((here, each.when)), each.names, each.doubt)


def _around(source: Code, start: int, at: int) -> tuple[str, ...]:
    """The names before the parentheses that an offset stands in, the innermost first."""
    open_: list[str] = []
    before = ""
    for token in tokens(source.plain, start, at):
        if token.text == "(":
            open_.append(before)
        elif token.text == ")" and open_:
            open_.pop()
        before = token.text if token.word else ""
    return tuple(name for name in reversed(open_) if name)


# --- what a macro uses


@dataclass(frozen=True, slots=True)
class Through:
    """A name that a use of a macro, or of a static inline function, uses in its turn."""

    name: str
    when: Expression
    """With the condition of the macro or function itself."""
    names: tuple[str, ...]
    doubt: str


@fact
def through(tree: Snapshot, path: str, macro: str) -> tuple[Through, ...]:
    """What the macros of a name in one file call, or hand on by name, their own parameters left out.

    Of static inline functions of that name likewise what they call; of what the same file has of those in its turn
    too, a few deep.
    """
    found: dict[Through, None] = {}
    seen = {macro}
    pending = [(each, 1) for each in _through(tree, path, macro)]
    while pending and len(found) < _MOST_THROUGH:
        outer, depth = pending.pop(0)
        found[outer] = None
        if outer.name in seen or depth > _STEPS:
            continue
        seen.add(outer.name)
        for each in _through(tree, path, outer.name):
            names = tuple(dict.fromkeys((*outer.names, *each.names)))
            when = every((outer.when, each.when))
            if not never(when) and len(names) <= _MOST_NAMES:
                pending.append((Through(each.name, when, names, outer.doubt or each.doubt), depth + 1))
    return tuple(found)


@fact
def started(tree: Snapshot, path: str, macro: str) -> tuple[Alive, ...]:
    """The uses of a macro that a file ends with, as ``module_init()``: it keeps what it hands on."""
    data = tree.read(path)
    if data is None or not _STARTS.fullmatch(macro):
        return ()
    source = code(data)
    presence = presence_of(data)
    return tuple(
        Alive(match.start(), line, presence.at(line), ())
        for match in re.finditer(rf"^{re.escape(macro)}[ \t]*\(", source.plain, re.ASCII | re.MULTILINE)
        for line in (source.line(match.start()),)
    )


@fact
def _through(tree: Snapshot, path: str, macro: str) -> tuple[Through, ...]:
    data = tree.read(path)
    if data is None:
        return ()
    source = code(data)
    found: list[Through] = []
    for function in functions_named(source, macro):
        if function.head is not None and "static" in function.head.storage and function.sure:
            found += _called(source, function)
    for each in source.macros:
        if each.name != macro or each.end - each.body > _LONGEST:
            continue
        body = re.sub(r"\\\r?\n", lambda match: " " * len(match[0]), source.text[each.body : each.end])
        text = f"{_HEAD}{body};\n}}"
        inner = {
            match[1]: match.start() + len(_HEAD)
            for match in _INNER.finditer(body)
            if match[1] not in KEYWORDS and match[1] not in (*(each.parameters or ()), macro)
        }
        known = c_syntax.ways(text, inner.values())
        here = presence_of(data).at(source.line(each.at))
        for name, at in tuple(inner.items())[:_MOST_INNER]:
            way = known.get(at)
            if way is None or "##" in body or _DECLARES.search(body):
                continue
            alive = _decided(text, 0, (), way, at)
            if not never(alive.when):
                found.append(Through(name, every((here, alive.when)), alive.names, alive.doubt))
    return tuple(found)


def _called(source: Code, function: Function) -> Iterator[Through]:
    """What a function of a header calls by name, and when."""
    start, end = function.start, function.body[1] + 1
    if end - start > _LONGEST:
        return
    text = source.plain[start:end]
    variables = scope(source, function)
    inner: dict[str, int] = {}
    for match in _CALLED.finditer(text, function.body[0] - start):
        name = match[1]
        if (
            name not in KEYWORDS
            and name != function.name
            and local(variables, name, start + match.start()) is None
        ):
            inner.setdefault(name, match.start())
    some_names = tuple(inner.items())[:_MOST_INNER]
    known = c_syntax.ways(text, [at for _, at in some_names])
    presence = presence_of(source.data)
    for name, at in some_names:
        way = known.get(at)
        if way is None:
            continue
        alive = _reached(source, function, text, way, start + at)
        when = every((presence.at(source.line(start + at)), alive.when))
        if not never(when):
            yield Through(name, when, alive.names, alive.doubt)


# --- what headers make of the names on the way


@fact
def constant(tree: Snapshot, name: str, path: str, arch: str) -> Expression | None:
    """When a name that a file's branches hang on may be a mere constant there; None if that is not known.

    A trailing ``(`` asks of what is called around a use: a macro may drop its arguments.
    """
    called = name.endswith("(")
    name = name.removesuffix("(")
    seen = [
        other
        for other in tree.grep(name)
        if other == path or (other.endswith(".h") and kernel_source(other) and arch_of(other) in (None, arch))
    ]
    found = []
    for each in (each for other in seen for each in declared_in(tree, other, name)):
        if each.kind == "prototype" or (each.kind == "definition" and not each.static):
            continue
        text = _text(tree, each)
        if called:
            # A macro that hands on all it is given keeps what the function behind it keeps.
            if each.kind == "macro" and _calls_first(each, text):
                continue
            inner = _HANDS_ON.fullmatch(text) if each.kind == "macro" else None
            if inner and inner[1] != name and _all_in(each, inner[2]):
                if constant(tree, f"{inner[1]}(", path, arch) is None:
                    return None
            elif each.kind in ("macro", "alias"):
                return None
        elif _OF_CONFIG.search(text):
            return None
        elif each.kind in ("macro", "alias"):
            if _VALUE.fullmatch(text) and each.condition != ALWAYS:
                found.append(each.condition)
        elif stub_value(tree, each) is not None and each.condition != ALWAYS:
            found.append(each.condition)
    return some(tuple(found))


def stub_value(tree: Snapshot, each: Declaration) -> str | None:
    """What a function returns that does nothing besides: ``false``, ``-1``, "" for nothing; None if it does more."""
    match = _BODY.fullmatch(_text(tree, each)) if each.kind == "definition" else None
    value = (match[1] or "").strip() if match else None
    return value if value is not None and _VALUE.fullmatch(value) else None


def _all_in(macro: Declaration, arguments: str) -> bool:
    """Whether each parameter of a macro is one of the arguments of what it calls."""
    given = {each.strip(" ()") for each in arguments.split(",")}
    return not macro.variadic and all(each.name in given for each in macro.parameters or ())


def _calls_first(macro: Declaration, text: str) -> bool:
    """Whether a macro calls the function that it is given first, with what else it is given."""
    first = macro.parameters[0].name if macro.parameters else ""
    return (
        first != ""
        and macro.variadic
        and re.search(rf"(?<![\w#]){re.escape(first)}\s*\([^;]*__VA_ARGS__", text, re.ASCII) is not None
        and not re.search(r"\b(?:sizeof|typeof|__typeof__|if|while)\b|[?&|]{1}[?&|]|\?", text, re.ASCII)
        and not _OF_CONFIG.search(text)
    )


def _text(tree: Snapshot, each: Declaration) -> str:
    """The body of a definition, the text of a macro."""
    source = code(tree.read(each.place.path) or b"")
    if each.kind in ("macro", "alias"):
        macro = next(
            (m for m in source.macros if m.name == each.name and source.line(m.at) == each.place.line), None
        )
        return " ".join(source.text[macro.body : macro.end].replace("\\\n", " ").split()) if macro else ""
    for chunk in outline_of(source.data).chunks:
        if chunk.body and source.line(chunk.end) == each.lines[1]:
            return source.plain[chunk.body[0] : chunk.end + 1]
    return ""
