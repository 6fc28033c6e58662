"""Functions: where they are declared, defined, or shadowed by a macro of their name.

Not found: what a macro declares by pasting (``SYSCALL_DEFINE1(exit, ...)``, ``DEFINE_SHOW_ATTRIBUTE(x)``), and
functions declared within a function. The programs that a kernel tree carries for the host (``tools/``,
``scripts/``...) are another world with names of its own: they are never searched.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from checkseries.facts.c_head import Head, heads, parameters
from checkseries.facts.c_outline import Chunk, declarators, functions, outline_of
from checkseries.facts.c_text import Code, Macro, code, place, split, tokens
from checkseries.facts.c_words import BUILTIN, INLINE, QUALIFIERS, STATEMENT, TAGGED, attribute
from checkseries.facts.presence import Expression, presence_of
from checkseries.model import Place
from checkseries.tree import Kept, Snapshot, fact

HOST_PROGRAMS = ("Documentation/", "scripts/", "tools/", "usr/")
_SOURCES = (".c", ".h", ".inc")


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter: its type without the name, attributes left out (``int (*)(void)``), and the name or nothing."""

    type: str
    name: str


@dataclass(frozen=True, slots=True)
class Declaration:
    """One declaration of a function, or a macro of its name."""

    name: str
    place: Place
    kind: str
    """``prototype``, ``definition``, ``macro`` for a function-like one, ``alias`` for ``#define name other``."""
    parameters: tuple[Parameter, ...] | None
    """None if they cannot be read. A macro's have no types."""
    variadic: bool
    static: bool
    inline: bool
    extern: bool
    return_type: str
    """With its stars; of an alias what it stands for."""
    attributes: tuple[str, ...]
    """``__init``, ``__must_check``, ``__printf(1, 2)``... as written, ``inline`` among them."""
    condition: Expression
    lines: tuple[int, int]
    """The first and the last line of all of it."""
    sure: bool = True
    """Whether its words and its end were clear."""

    @property
    def takes(self) -> str:
        """How many arguments a call passes, for people: ``2``, ``none``, ``at least 1``."""
        count = len(self.parameters or ())
        return f"at least {count}" if self.variadic else str(count or "none")

    def accepts(self, count: int) -> bool | None:
        """Whether a call with so many arguments can be one of it; None if that is not known."""
        if self.parameters is None or not self.sure or self.kind == "alias":
            return None
        if self.variadic:
            named = len(self.parameters) - (self.kind == "macro")
            return count >= named
        if self.kind == "macro" and len(self.parameters) == 1:
            return count <= 1  # an empty argument is one
        return count == len(self.parameters)


def arguments(count: int) -> str:
    """``1 argument``, ``no arguments``, ``3 arguments``."""
    return "1 argument" if count == 1 else f"{count or 'no'} arguments"


def kernel_source(path: str) -> bool:
    """Whether a path is C of the kernel itself, by its name."""
    return path.endswith(_SOURCES) and not path.startswith(HOST_PROGRAMS)


@fact
def declarations(tree: Snapshot, name: str) -> tuple[Declaration, ...]:
    """All declarations of a function in the kernel, by path and line; of every architecture, static ones too."""
    return tuple(
        declaration
        for path in tree.grep(name)
        if kernel_source(path)
        for declaration in declared_in(tree, path, name)
    )


@fact(kept=Kept())
def declared_in(tree: Snapshot, path: str, name: str) -> tuple[Declaration, ...]:
    """The declarations of a function in one file."""
    data = tree.read(path)
    if data is None or not _may_declare(data, name):
        return ()
    source = code(data)
    outline = outline_of(data)
    word = re.compile(rf"(?<![\w$]){re.escape(name)}(?![\w$])", re.ASCII)
    found: list[Declaration] = []
    done: set[int] = set()
    for match in word.finditer(source.plain):
        chunk = outline.chunk(match.start())
        if chunk is None or chunk.start in done or (chunk.body and match.start() > chunk.body[0]):
            continue
        done.add(chunk.start)
        found += [each for each in _declared(source, path, chunk) if each.name == name]
    found += [
        _macro(source, path, macro) for macro in source.macros if macro.name == name and _real(source, macro)
    ]
    return tuple(sorted(found, key=_order))


@fact(kept=Kept())
def functions_in(tree: Snapshot, path: str) -> tuple[Declaration, ...]:
    """All functions that a file declares or defines, and its function-like macros, in their order."""
    data = tree.read(path)
    if data is None:
        return ()
    source = code(data)
    outline = outline_of(data)
    found = [each for chunk in outline.chunks for each in _declared(source, path, chunk)]
    found += [_macro(source, path, macro) for macro in source.macros if macro.parameters is not None]
    return tuple(sorted(found, key=_order))


def _order(declaration: Declaration) -> tuple[int, int]:
    return declaration.place.line, declaration.place.column


def _may_declare(data: bytes, name: str) -> bool:
    """Whether any occurrence has before it what a declaration may have: a cheap test on the raw file."""
    text = data.decode("latin-1")
    for match in re.finditer(rf"(?<![\w$]){re.escape(name)}(?![\w$])", text, re.ASCII):
        at = match.start()
        window = text[max(0, at - 200) : at]
        stripped = window.rstrip()
        before = stripped[-1:]
        if before == "(" and not text[match.end() : match.end() + 1].strip(")\\ \t\r\n/"):
            return True  # ``(name)(parameters)``
        if before in ("*", "/", "\\", "#") or window[-1:] in ("\n", ""):
            return True
        if before.isalnum() or before == "_":
            start = len(stripped)
            while start and (stripped[start - 1].isalnum() or stripped[start - 1] == "_"):
                start -= 1
            if stripped[start:] not in STATEMENT:
                return True
        if before == ")" and text[text.rfind("\n", 0, at) + 1 :][:1] not in " \t":
            return True
    return False


def _declared(source: Code, path: str, chunk: Chunk) -> Iterator[Declaration]:
    if chunk.body is not None:
        for function in functions(source, chunk):
            if function.head is not None:
                yield _function(source, path, function.head, chunk, "definition", sure=function.sure)
        return
    if "(" not in source.plain[chunk.start : chunk.end]:
        return
    seen: set[int] = set()
    for head in declarators(source, chunk.start, chunk.end):
        if head.parameters and "typedef" not in head.storage and head.at not in seen:
            seen.add(head.at)
            yield _function(source, path, head, chunk, "prototype", sure=head.sure and chunk.sure)


def _function(source: Code, path: str, head: Head, chunk: Chunk, kind: str, *, sure: bool) -> Declaration:
    assert head.parameters
    read = parameters(source.plain, *head.parameters)
    parted = bool(source.directives_in(*head.parameters))
    where = place(source, path, head.at)
    start = (
        chunk.start
        + len(source.plain[chunk.start : head.at])
        - len(source.plain[chunk.start : head.at].lstrip())
    )
    return Declaration(
        head.name,
        where,
        kind,
        None if read is None or parted else tuple(_parameter(source, each) for each in _spans(source, head)),
        read is not None and read[1],
        "static" in head.storage,
        any(word in INLINE for word in head.attributes),
        "extern" in head.storage,
        head.full_type,
        head.attributes,
        presence_of(source.data).at(where.line),
        (source.line(start), source.line(chunk.end)),
        sure,
    )


def _spans(source: Code, head: Head) -> list[tuple[int, int, Head]]:
    assert head.parameters
    found = []
    for begin, stop in split(source.plain, *head.parameters):
        here = heads(source.plain, begin, stop, parameter=True)
        if here and source.plain[begin:stop].split() != ["void"]:
            found.append((begin, stop, here[0]))
    return found


def _parameter(source: Code, span: tuple[int, int, Head]) -> Parameter:
    """The type as written, the name and the attributes taken out."""
    begin, stop, head = span
    words = []
    depth: int | None = None
    for token in tokens(source.plain, begin, stop):
        if depth is not None:  # within the arguments of an attribute
            depth += {"(": 1, ")": -1}.get(token.text, 0)
            if depth == 0:
                depth = None
            continue
        if token.word and (attribute(token.text) or token.text == "register"):
            following = source.plain[token.end : stop].lstrip()
            depth = 0 if following.startswith("(") else None
            continue
        if token.at == head.at and token.text == head.name:
            continue
        words.append(token.text)
    return Parameter(_joined(words), head.name)


def _joined(words: list[str]) -> str:
    """Tokens as the kernel's style puts them: ``const struct foo *``, ``int (*)(void)``."""
    text = ""
    for word in words:
        last = text[-1:]
        if text and word not in (")", "]", ",", "[") and last not in ("(", "[", "*"):
            text += " "
        if last == ")" and word == "(":
            text = text[:-1]
        text += word
    return text


def _real(source: Code, macro: Macro) -> bool:
    """Not ``#define name name``, which only tells the preprocessor that the function exists."""
    return macro.parameters is not None or source.text[macro.body : macro.end].split() != [macro.name]


def _macro(source: Code, path: str, macro: Macro) -> Declaration:
    where = place(source, path, macro.at)
    like_function = macro.parameters is not None
    return Declaration(
        macro.name,
        where,
        "macro" if like_function else "alias",
        tuple(Parameter("", each) for each in macro.parameters) if macro.parameters is not None else None,
        macro.variadic,
        static=False,
        inline=False,
        extern=False,
        return_type="" if like_function else source.source(macro.body, macro.end),
        attributes=(),
        condition=presence_of(source.data).at(where.line),
        lines=(where.line, source.line(macro.end)),
    )


# --- which of them a file means


def arch_of(path: str) -> str | None:
    """The architecture that a path belongs to alone; None if it is everyone's."""
    parts = path.split("/")
    return parts[1] if parts[0] == "arch" and len(parts) > 2 else None


def seen_from(
    found: tuple[Declaration, ...], path: str, in_macro: str | None = None
) -> tuple[Declaration, ...]:
    """Those of a function's declarations that a file may mean.

    A static or macro of the file itself hides all others; another file's static and another architecture are
    not seen; of headers, those of ``include/`` directories and of the file's own directories upwards are.
    ``in_macro`` is the macro whose body the name stands in: a macro's own name is not replaced there (C11
    6.10.3.4 2), so ``#define park(a) park((a), 0)`` means the function.
    """
    if in_macro is not None:
        found = tuple(each for each in found if each.name != in_macro or each.kind not in ("macro", "alias"))
    here = tuple(each for each in found if each.place.path == path)
    if any(each.static or each.kind in ("macro", "alias") for each in here):
        return here
    arch = arch_of(path)
    seen = []
    for each in found:
        other = each.place.path
        if other == path:
            seen.append(each)
            continue
        if arch is not None and arch_of(other) not in (None, arch):
            continue
        if other.endswith(".h"):
            top = other.rpartition("/")[0]
            public = "include/" in other
            if public or path.startswith(f"{top}/") or not top:
                seen.append(each)
        elif not each.static and each.kind in ("definition", "prototype"):
            seen.append(each)
    return tuple(seen)


def same_parameters(a: Declaration, b: Declaration) -> bool | None:
    """Whether two declarations take the same parameters, names left aside; None if that cannot be told.

    Types are compared as written: with a typedef or macro in either, different words may mean the same.
    """
    if a.parameters is None or b.parameters is None or not (a.sure and b.sure):
        return None
    if a.variadic != b.variadic or len(a.parameters) != len(b.parameters):
        return False
    if "macro" in (a.kind, b.kind):
        return True if a.kind == b.kind else None
    doubt = False
    for one, other in zip(a.parameters, b.parameters, strict=True):
        left, right = _canonical(one.type), _canonical(other.type)
        if left == right:
            continue
        if not (_plain(left) and _plain(right)):
            doubt = True
            continue
        return False
    return None if doubt else True


def _canonical(text: str) -> tuple[str, ...]:
    """The words of a type, in the one order: qualifiers of the parameter itself mean nothing (C11 6.7.6.3 15)."""
    words = [token.text for token in tokens(text)]
    if "(" in words or "[" in words:
        return tuple(words)
    stars = words.count("*")
    if not stars:
        words = [word for word in words if word not in QUALIFIERS]
    elif words[-1] in QUALIFIERS:
        words = words[: len(words) - 1]
    base = [word for word in words if word != "*"]
    if len(base) > 1 and "int" in base and {"long", "short", "unsigned"} & set(base):
        base.remove("int")
    return (*sorted(base), *("*" * stars))


def _plain(words: tuple[str, ...]) -> bool:
    """Whether a type is spelt without typedefs: built-in words, or a tag."""
    base = [word for word in words if word not in QUALIFIERS and word != "*"]
    if any(word in TAGGED for word in base):
        return len(base) == 2
    return bool(base) and all(word in BUILTIN for word in base)
