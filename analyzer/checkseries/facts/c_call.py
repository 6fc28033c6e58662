"""Where a function is called, and where its name is used in any other way.

The lexer is the floor: each ``name (`` that is neither declaration, member nor the macro's own definition is
returned, in macro bodies too. The grammar is the second witness (``seen_by``).

Not found: calls formed by pasting (``##``) and calls through pointers; those through another macro's
argument (``alternative_call(f, ...)``) are references. Code for the host (``tools/``...) is not searched.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from checkseries.facts import c_syntax
from checkseries.facts.c_decl import declared_in, kernel_source
from checkseries.facts.c_object import objects_named
from checkseries.facts.c_outline import Chunk, Function, Outline, declarators, functions, outline_of
from checkseries.facts.c_scope import local, scope
from checkseries.facts.c_text import Code, Macro, brackets, closing, code, place, split, tokens
from checkseries.facts.c_words import INLINE, QUALIFIERS, STATEMENT, STORAGE
from checkseries.facts.presence import Expression, presence_of
from checkseries.model import Place
from checkseries.tree import Kept, Snapshot, fact

_BEFORE = re.compile(r"(?:([A-Za-z_$][\w$]*)|(##|->|\.\.\.|[^\s\w]))?(?:\s|\\\r?\n)*$", re.ASCII)
_AFTER = re.compile(r"(?:\s|\\\r?\n)*(##|\S)?", re.ASCII)
_LOCAL_POINTER = re.compile(
    r"(?:^|[;{}])\s*(?:(?:const|static|extern|struct|union|enum|unsigned|signed|volatile)\s+)*(\w+)\s*(?:\*\s*)+$",
    re.ASCII,
)
_NO_TYPE = STATEMENT | STORAGE | QUALIFIERS | INLINE
_MANY = 40  # calls in one file, from which on its brackets are paired once
_LONGEST = 20_000  # characters of one argument list
_DEEPEST = 6  # macros within macros that are followed for a comma
_USES = 200  # of a macro whose parameter is passed on


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a function or use of a function-like macro."""

    name: str
    place: Place
    """Of the name; ``symbol`` is the function around it, or the macro."""
    arguments: tuple[str, ...]
    """As written, comments left out, white space single."""
    arity_known: bool
    """False if ``arguments`` may not be all or one: ``#if`` among them, ``__VA_ARGS__``, pasting, lost brackets."""
    seen_by: str
    """``syntax`` if the grammar sees the call too, else ``lexer``."""
    in_macro: str | None
    """The macro whose body holds it."""
    condition: Expression


@dataclass(frozen=True, slots=True)
class Reference:
    """A use of a function's name that is no call: its address, an ops table, an export, a macro's argument."""

    name: str
    place: Place
    kind: str
    """``address``, ``export`` for ``EXPORT_SYMBOL(name)`` and its like, ``macro`` within a macro's body."""
    in_macro: str | None
    condition: Expression


@dataclass(frozen=True, slots=True)
class Use:
    """One occurrence of a name, put in its role: ``call``, ``reference`` or ``declaration``."""

    role: str
    at: int
    macro: Macro | None
    function: Function | None


@fact
def calls(tree: Snapshot, name: str) -> tuple[Call, ...]:
    """Every call of a function in the kernel, by path and line."""
    return tuple(
        call for path in tree.grep(name) if kernel_source(path) for call in calls_in(tree, path, name)
    )


@fact
def references(tree: Snapshot, name: str) -> tuple[Reference, ...]:
    """Every use of a function's name in the kernel that is neither a call nor a declaration."""
    return tuple(
        reference
        for path in tree.grep(name)
        if kernel_source(path)
        for reference in references_in(tree, path, name)
    )


@fact(kept=Kept())
def calls_in(tree: Snapshot, path: str, name: str) -> tuple[Call, ...]:
    """Every call of a function in one file, by line.

    Where the file has a pointer of that name for itself, it calls through that one. If it has the function too,
    or an object that may be a pointer by its typedef, ``arity_known`` is False.
    """
    data = tree.read(path)
    if data is None:
        return ()
    source = code(data)
    found = [use for use in uses(data, name) if use.role == "call"]
    if not found:
        return ()
    own = objects_named(tree, path, name)
    if any(each.pointer for each in own) and not declared_in(tree, path, name):
        return ()
    confirmed = _confirmed(source, found)
    presence = presence_of(data)
    return tuple(
        _call(
            source,
            path,
            name,
            use,
            presence.at(source.line(use.at)),
            seen=use.at in confirmed,
            many=len(found) > _MANY,
            sure=not own,
        )
        for use in found
    )


@fact
def references_in(tree: Snapshot, path: str, name: str) -> tuple[Reference, ...]:
    """Every use of a function's name in one file that is neither a call nor a declaration, by line."""
    data = tree.read(path)
    if data is None:
        return ()
    source = code(data)
    presence = presence_of(data)
    return tuple(
        Reference(
            name,
            where := place(source, path, use.at, _symbol(use)),
            "macro" if use.macro else "export" if _EXPORT.search(source.plain, 0, use.at) else "address",
            use.macro.name if use.macro else None,
            presence.at(where.line),
        )
        for use in uses(data, name)
        if use.role == "reference"
    )


_EXPORT = re.compile(r"\bEXPORT_\w+\s*\(\s*$", re.ASCII)


def _symbol(use: Use) -> str:
    if use.function is not None:
        return use.function.name
    return use.macro.name if use.macro else ""


# --- the role of each occurrence


def uses(data: bytes, name: str) -> Iterator[Use]:
    """Every occurrence of a name as a function's or object's, in the order of the file.

    Left out: members, tags, labels, and where the name is that of a parameter or local variable.
    """
    source = code(data)
    outline: Outline | None = None
    known: dict[int, tuple[Function, ...]] = {}
    shadowed: dict[int, bool] = {}
    for match in re.finditer(rf"(?<![\w$]){re.escape(name)}(?![\w$])", source.text, re.ASCII):
        at = match.start()
        directive = source.directive_at(at)
        if directive is not None:
            macro = source.macro_at(at) if directive.word == "define" else None
            if macro is None or at < macro.body or (macro.parameters and name in macro.parameters):
                continue
            role = _role(source.text, at, match.end(), macro.body, macro.end)
            if role is not None:
                yield Use(role, at, macro, None)
            continue
        role = _role(source.plain, at, match.end(), 0, len(source.plain))
        if role is None:
            continue
        if outline is None:
            outline = outline_of(data)
        chunk = outline.chunk(at)
        if chunk is None:
            yield Use(role, at, None, None)
            continue
        if chunk.start not in known:
            known[chunk.start] = functions(source, chunk)
        inside = chunk.body is not None and at > chunk.body[0]
        function = next(iter(known[chunk.start]), None)
        if function is not None and inside:
            if chunk.start not in shadowed:
                shadowed[chunk.start] = _may_be_local(source.plain, function, name)
            if shadowed[chunk.start] and local(scope(source, function), name, at):
                continue
            yield Use(role, at, None, function)
        else:
            role = _at_file_scope(source, chunk, at, role)
            if role is not None:
                yield Use(role, at, None, None)


def _role(text: str, at: int, end: int, low: int, high: int) -> str | None:
    """The role that the tokens around an occurrence give it; None for members, tags, labels and pasting."""
    window = text[max(low, at - 400) : at]
    before = _BEFORE.search(window)
    word = before[1] if before else None
    mark = before[2] if before else None
    if mark in ("->", ".", "##") or word in ("struct", "union", "enum", "goto"):
        return None
    if mark == ">" and window.rstrip().endswith("->"):
        return None
    if mark == "." and window.rstrip().endswith("..."):
        mark = "..."
    following = _AFTER.match(text, end, high)
    next_mark = following[1] if following else None
    if next_mark == "##":
        return None
    if next_mark == "#" and text.startswith("##", following.start(1) if following else end):
        return None
    if word is not None and word not in _NO_TYPE:
        return "declaration"
    if mark == "*":
        pointer = _LOCAL_POINTER.search(window)
        if pointer and pointer[1] not in _NO_TYPE:
            return "declaration"
    if next_mark != "(":
        if next_mark == ":" and mark in (";", "{", "}", ":") and not text.startswith("::", end):
            return None  # a label
        return "reference"
    return "call"


def _may_be_local(text: str, function: Function, name: str) -> bool:
    """Whether a function may have a parameter or variable of that name: a cheap test before its scope is read."""
    for match in re.finditer(
        rf"(?<![\w$]){re.escape(name)}(?![\w$])\s*([=;,)\[:]|$)?", text[function.start : function.body[1]]
    ):
        before = text[max(0, function.start + match.start() - 40) : function.start + match.start()].rstrip()
        if match[1] and before[-1:] and (before[-1].isalnum() or before[-1] in "_*,"):
            return True
    return False


def _at_file_scope(source: Code, chunk: Chunk, at: int, role: str) -> str | None:
    """The role of an occurrence outside of functions: the declared name, a parameter, or used in an initialiser."""
    stop = chunk.body[0] if chunk.body else chunk.end
    for head in declarators(source, chunk.start, stop):
        if head.at == at:
            return "declaration"
        if head.parameters and head.parameters[0] <= at < head.parameters[1]:
            return role if source.plain[at - 1] == "[" else None
    return None if role == "declaration" else role


# --- one call


def _confirmed(source: Code, found: list[Use]) -> frozenset[int]:
    """The offsets of the calls that the grammar sees too."""
    groups: dict[tuple[int, int], list[int]] = defaultdict(list)
    for use in found:
        if use.function is not None:
            groups[use.function.start, use.function.body[1] + 1].append(use.at)
    seen: set[int] = set()
    for (start, end), offsets in groups.items():
        text = source.plain[start:end]
        seen.update(start + offset for offset in c_syntax.called(text, [at - start for at in offsets]))
    return frozenset(seen)


def _call(
    source: Code, path: str, name: str, use: Use, condition: Expression, *, seen: bool, many: bool, sure: bool
) -> Call:
    text = source.text if use.macro else source.plain
    end = use.macro.end if use.macro else len(text)
    bracket = text.find("(", use.at)
    close = (
        brackets(text).get(bracket)
        if many and not use.macro
        else closing(text, bracket, min(end, bracket + _LONGEST))
    )
    if close is not None and close - bracket > _LONGEST:
        close = None
    arguments: tuple[str, ...] = ()
    known = close is not None
    if close is not None:
        spans = split(text, bracket + 1, close)
        arguments = tuple(source.source(*span) for span in spans)
        written = source.text[bracket:close]
        pack = (
            ("__VA_ARGS__", use.macro.parameters[-1])
            if use.macro and use.macro.variadic and use.macro.parameters
            else ()
        )
        known = not (
            "##" in written
            or "__VA_ARGS__" in written
            or any(argument in pack for argument in arguments)
            or (use.macro is None and source.directives_in(bracket, close))
        )
    return Call(
        name,
        place(source, path, use.at, _symbol(use)),
        arguments,
        known and sure,
        "syntax" if seen else "lexer",
        use.macro.name if use.macro else None,
        condition,
    )


@fact
def arity(tree: Snapshot, call: Call) -> int | None:
    """How many arguments a call passes; None if that is not known.

    None if an argument may be replaced by several: ``f(BITS)`` after ``#define BITS 13, 13``, ``f(BOTH(x))``
    after ``#define BOTH(x) x, 0``, a parameter of the macro around it that is given one of these. None too if a
    header declares a pointer of the function's name, which the call may go through.
    """
    if not call.arity_known:
        return None
    headers = (path for path in tree.grep(call.name) if path.endswith(".h") and kernel_source(path))
    if any(each.pointer for path in headers for each in objects_named(tree, path, call.name)):
        return None
    words = _passed(tree, call)
    if any(_several(tree, word, 0) for word in words):
        return None
    if call.in_macro is not None and _given_several(tree, call, words):
        return None
    return len(call.arguments)


def _replaced(text: str, start: int, end: int) -> list[str]:
    """The words of a text of which a comma could come to be its own: those that only ``WORD(...)`` encloses.

    Within the brackets of a function they are enclosed, within those of a macro they are not.
    """
    found: list[str] = []
    free: list[bool] = [True]
    before = ""
    for token in tokens(text, start, end):
        if token.text in ("(", "[", "{"):
            called = token.text == "(" and before != "" and before not in STATEMENT
            free.append(free[-1] and called)
        elif token.text in (")", "]", "}"):
            if len(free) > 1:
                free.pop()
        elif token.word and free[-1]:
            found.append(token.text)
        before = token.text if token.word else ""
    return list(dict.fromkeys(found))


@fact
def macros_named(tree: Snapshot, name: str) -> tuple[tuple[str, int], ...]:
    """Where the kernel defines macros of a name: the path and the offset of each."""
    define = re.compile(rf"#\s*define\s+{re.escape(name)}\b".encode(), re.ASCII)
    found: list[tuple[str, int]] = []
    for path in tree.grep(name):
        data = tree.read(path) if kernel_source(path) else None
        if data is not None and (define.search(data) or b"define\\" in data or b"define/*" in data):
            found += [(path, macro.at) for macro in code(data).macros if macro.name == name]
    return tuple(found)


@fact
def _several(tree: Snapshot, word: str, depth: int) -> bool:
    """Whether a macro of that name may be replaced by a text that has a comma of its own."""
    for path, at in macros_named(tree, word):
        data = tree.read(path)
        source = code(data) if data is not None else None
        macro = next((each for each in source.macros if each.at == at), None) if source else None
        if source is None or macro is None:
            continue
        text = source.text[macro.body : macro.end]
        if depth >= _DEEPEST or len(text) > _LONGEST or not _paired(text):
            return True
        if len(split(text, 0, len(text))) > 1:
            return True
        words = [each for each in _replaced(text, 0, len(text)) if each != word]
        if macro.variadic and ({"__VA_ARGS__", *(macro.parameters or ())[-1:]} & set(words)):
            return True
        if any(_several(tree, each, depth + 1) for each in words if each not in (macro.parameters or ())):
            return True
    return False


def _paired(text: str) -> bool:
    """Whether every bracket of a text is closed within it."""
    depth = 0
    for match in re.finditer(r"[()\[\]{}]", text):
        depth += 1 if match[0] in "([{" else -1
        if depth < 0:
            return False
    return depth == 0


def _given_several(tree: Snapshot, call: Call, words: set[str]) -> bool:
    """Whether the macro around a call may be given several for a parameter that it passes on."""
    around = _macro_of(tree, call)
    if around is None:
        return True
    passed = [number for number, parameter in enumerate(around.parameters or ()) if parameter in words]
    if not passed:
        return False
    used = [each for each in calls(tree, around.name) if each.in_macro != around.name]
    if len(used) > _USES:
        return True
    given: set[str] = set()
    for use in used:
        if not use.arity_known:
            return True
        here = _passed(tree, use)
        if use.in_macro is not None:  # a parameter of yet another macro is not followed
            outer = _macro_of(tree, use)
            if outer is None or here & set(outer.parameters or ()):
                return True
        given |= here
    return any(_several(tree, word, 0) for word in given)


def _passed(tree: Snapshot, call: Call) -> set[str]:
    """The words of a call's arguments that may be macros: what the function around declares for itself is none."""
    words = {word for argument in call.arguments for word in _replaced(argument, 0, len(argument))}
    data = tree.read(call.place.path)
    if data is None or call.in_macro is not None:
        return words
    source = code(data)
    at = _offset(source, call)
    chunk = outline_of(data).chunk(at)
    around = functions(source, chunk) if chunk is not None and chunk.body else ()
    if not around:
        return words
    names = scope(source, around[0])
    return {word for word in words - STATEMENT if local(names, word, at) is None}


def _offset(source: Code, call: Call) -> int:
    start = 0
    for _ in range(call.place.line - 1):
        start = source.text.find("\n", start) + 1
    return start + call.place.column - 1


def _macro_of(tree: Snapshot, call: Call) -> Macro | None:
    data = tree.read(call.place.path)
    if data is None:
        return None
    source = code(data)
    return source.macro_at(_offset(source, call))
