"""Static functions and variables of a .c file, and what in the file refers to them.

Every doubt counts as a reference: what a macro may paste, what a string of assembly may name, what a file that is
included behind the definition may use.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass

from checkseries.facts.c_decl import HOST_PROGRAMS
from checkseries.facts.c_outline import LARGEST, Outline, declarators, functions, outline_of
from checkseries.facts.c_text import Code, code, place, tokens
from checkseries.facts.c_words import INLINE, TAGGED
from checkseries.facts.include import includes, meant
from checkseries.facts.presence import Expression, never, presence_of
from checkseries.model import Place
from checkseries.tree import Snapshot, fact

_PLAIN = frozenset(
    (
        "__init", "__exit", "__initdata", "__initconst", "__exitdata", "__ro_after_init", "__read_mostly",
        "noinline", "notrace", "__cold", "__must_check", "asmlinkage", "__iomem", "__percpu", "__rcu", "__user",
        "noinline_for_stack", "____cacheline_aligned", "__cacheline_aligned",
    )
)  # fmt: skip
"""Attributes that leave the compiler its warning; what has any other may be used in a way that nobody sees."""
_DEEPEST = 40  # parentheses within each other


_NO_C = (
    ".rst", ".S", ".dts", ".dtsi", ".dtso", ".txt", ".yaml", ".rs", ".py", ".sh", ".json", ".md", ".pl",
    "defconfig", ".config",
)  # fmt: skip
_NO_SOURCE = ("Makefile", "Kbuild", "Kconfig", "MAINTAINERS", "CREDITS", ".")


@dataclass(frozen=True, slots=True)
class Use:
    """A place that refers to a static."""

    offset: int
    line: int
    condition: Expression
    around: tuple[str, ...]
    """The names before the parentheses that it stands in, the innermost first."""


@dataclass(frozen=True, slots=True)
class Static:
    """A function or a variable that only its own file can use."""

    name: str
    place: Place
    function: bool
    const: bool
    condition: Expression
    uses: tuple[Use, ...]
    doubt: str
    """Why there may be uses besides; empty if nothing speaks for them."""


@dataclass(slots=True)
class _Found:
    at: int
    function: bool
    const: bool
    plain: bool


@fact
def statics(tree: Snapshot, path: str) -> tuple[Static, ...]:
    """The statics that a .c file defines once, in order."""
    data = tree.read(path)
    if data is None:
        return ()
    outline = outline_of(data)
    if not outline.whole:
        return ()
    source = code(data)
    defined: dict[str, list[_Found]] = defaultdict(list)
    heads: set[int] = set()
    for chunk in outline.chunks:
        text = source.plain[chunk.start : chunk.body[0] if chunk.body else chunk.end]
        if "static" not in text:
            continue
        if chunk.body is not None:
            for function in functions(source, chunk):
                head = function.head
                if head is not None and "static" in head.storage:
                    heads.add(head.at)
                    plain = function.sure and not set(head.attributes) & INLINE
                    plain = plain and set(head.attributes) <= _PLAIN
                    defined[head.name].append(_Found(head.at, function=True, const=False, plain=plain))
            continue
        for head in declarators(source, chunk.start, chunk.end):
            if "static" not in head.storage or head.at in heads:
                continue
            heads.add(head.at)
            if not head.parameters:
                plain = head.sure and chunk.sure and set(head.attributes) <= _PLAIN
                const = "const" in text.partition("=")[0].replace("*", " * ").split()
                defined[head.name].append(_Found(head.at, function=False, const=const, plain=plain))
    return _read(tree, source, path, defined, heads)


def _read(
    tree: Snapshot, source: Code, path: str, defined: dict[str, list[_Found]], heads: set[int]
) -> tuple[Static, ...]:
    wanted = {name for name, found in defined.items() if len(found) == 1 and found[0].plain}
    if not wanted:
        return ()
    presence = presence_of(source.data)
    uses: dict[str, list[Use]] = defaultdict(list)
    before = ""
    open_: list[str] = []
    line = 1
    counted = 0
    for token in tokens(source.text):
        text = token.text
        if text == "(":
            open_.append(before)
        elif text == ")":
            if open_:
                open_.pop()
        elif text in ("{", "}", ";") and len(open_) > _DEEPEST:
            open_.clear()  # brackets that #if parted
        elif text in wanted and token.at not in heads and before not in (".", "->") and before not in TAGGED:
            line += source.text.count("\n", counted, token.at)
            counted = token.at
            inside = source.directive_at(token.at)
            condition = presence.at(line)
            if inside is not None and source.macro_at(token.at) is None and inside.word == "undef":
                pass
            elif not never(condition):
                uses[text].append(Use(token.at, line, condition, tuple(reversed(open_))))
        before = text
    alone = _pasted(tree, source, path)
    assembly = any(word in source.data for word in (b"asm", b"ALTERNATIVE", b"__ADDRESSABLE"))
    found = []
    for name in wanted:
        each = defined[name][0]
        where = place(source, path, each.at)
        condition = presence.at(where.line)
        if never(condition):
            continue
        doubt = ""
        pasted = next((word for word in sorted(alone) if word != name and _part(word, name)), "")
        if pasted:
            doubt = f"a macro may put it together of {pasted}"
        elif assembly and _named(source, name):
            doubt = "a string that may be assembly names it"
        found.append(
            Static(name, where, each.function, each.const, condition, tuple(uses.get(name, ())), doubt)
        )
    return tuple(sorted(found, key=lambda each: each.place.line))


def _pasted(tree: Snapshot, source: Code, path: str) -> frozenset[str]:
    """The lone words that a file gives to what may be a macro that pastes.

    That is: what is used at file scope or in a macro's body, has a capital letter, or is a macro of the file or
    of a header beside it.
    """
    macros = {macro.name for macro in source.macros if macro.parameters is not None}
    for each in includes(tree, path):
        if each.quoted:
            for other in meant(tree, path, each.name, each.quoted)[:1]:
                data = tree.read(other) or b""
                if len(data) <= LARGEST:
                    macros |= {macro.name for macro in code(data).macros if macro.parameters is not None}
    outline = outline_of(source.data)
    words: set[str] = set()
    stack: list[str] = []
    window = ["", "", ""]
    at = 0
    for token in tokens(source.text):
        window = [window[1], window[2], token.text]
        first, middle, last = window
        if first in ("(", ",") and last in (",", ")") and middle not in words and stack:
            callee = stack[-1]
            if callee in macros or not callee.islower() or not _within(outline, source, at):
                words.add(middle)
        if last == "(":
            stack.append(middle)
        elif last == ")" and stack:
            stack.pop()
        elif last in ("{", "}") and len(stack) > _DEEPEST:
            stack.clear()  # brackets that #if parted
        at = token.at
    return frozenset(word for word in words if word[:1].isalnum() or word[:1] == "_")


def _within(outline: Outline, source: Code, at: int) -> bool:
    """Whether an offset lies in a function's body, and in no macro's."""
    if source.directive_at(at) is not None:
        return False
    chunk = outline.chunk(at)
    return chunk is not None and chunk.body is not None and at > chunk.body[0]


def _part(word: str, name: str) -> bool:
    """Whether pasting something to a word can make a name."""
    if word.isdigit():
        return name.endswith(word) and not name[: -len(word)][-1:].isdigit()
    return name.startswith(word) or name.endswith(word) or f"_{word}_" in name


def _named(source: Code, name: str) -> bool:
    """Whether the file says a name more often than its code does: in literals or comments."""
    word = re.compile(rf"\b{re.escape(name)}\b", re.ASCII)
    return len(word.findall(source.data.decode("latin-1"))) > len(word.findall(source.text))


@fact
def static_in(tree: Snapshot, path: str, name: str) -> Static | None:
    """One static of a file."""
    return next((each for each in statics(tree, path) if each.name == name), None)


@fact
def elsewhere(tree: Snapshot, path: str, name: str) -> str:
    """A file that may be read together with a .c file and holds a name too; "" if there is none.

    That is every header and table, and the .c files that include it or that it includes.
    """
    own = path.rpartition("/")[2]
    text = (tree.read(path) or b"").decode("latin-1")
    for other in tree.grep(name):
        if other == path or other.endswith(_NO_C) or other.rpartition("/")[2].startswith(_NO_SOURCE):
            continue
        if not other.endswith(".c"):
            if not other.startswith(HOST_PROGRAMS):
                return other
        elif other.rpartition("/")[2] in text or own in _quoted(tree, other):
            return other
    return ""


def _quoted(tree: Snapshot, path: str) -> str:
    """The includes of .c files in a file, as text."""
    text = (tree.read(path) or b"").decode("latin-1")
    return "\n".join(re.findall(r'#[ \t]*include[ \t]*["<]([^"<>\n]{1,200}\.c)[">]', text))
