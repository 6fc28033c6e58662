"""A .S file or an assembly header as text: lines without comments, under their conditions, and macros.

Nothing is expanded here. Lines keep the number they begin at, so that every fact has a place. The comment
and separator characters are those of arm64 (GNU as, "AArch64 Dependent Features"): ``//`` and ``/* */``
begin comments, ``;`` separates statements, ``#`` begins an immediate operand or, as the first character of
a line, a directive of the preprocessor.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from checkseries.facts.asm_condition import Condition, Guard, NotAssumedError, condition, defined
from checkseries.facts.c_decl import arch_of
from checkseries.tree import Snapshot, fact

MOST_BYTES = 2_000_000
MOST_GUARDS = 60
MOST_BRANCHES = 100

_BLANK = re.compile(r'"(?:\\.|[^"\\\n])*+"?|/\*.*?(?:\*/|\Z)|//(?:\\\r?\n|[^\n])*', re.DOTALL)
_STATEMENT = re.compile(r'(?:"(?:\\.|[^"\\])*+"?|[^";])++')
_HASH = frozenset({"x86", "riscv", "mips"})
"""Where a ``#`` begins a comment anywhere (GNU as, "Machine Dependent Features")."""
_COMMENT = re.compile(r'((?:"(?:\\.|[^"\\])*+"?|[^"#])*+)#.*', re.DOTALL)
_DIRECTIVE = re.compile(
    r"\s*#\s*(ifdef|ifndef|if|elif|else|endif|define|undef|include)\b\s*(.*)\Z", re.DOTALL
)
_DEFINE = re.compile(r"(\w+)(\(([^()]*)\))?\s*(.*)\Z", re.DOTALL)
_MACRO = re.compile(r"\s*\.macro\s+([\w.$]+)\s*,?\s*(.*)\Z", re.IGNORECASE)
_ENDM = re.compile(r"\s*\.endm\b", re.IGNORECASE)
_INCLUDE = re.compile(r'(?:"([^"]+)"|<([^>]+)>)')
_FUNCTION = re.compile(r"\s*(SYM_\w*START\w*|ENTRY|WEAK|LEAF|NESTED)\s*\(\s*([\w.$]+)\s*[,)]")


_STRETCH = re.compile(r"\s*(?:SYM_\w*START\w*|ENTRY|WEAK|LEAF|NESTED)\s*\(")


@dataclass(frozen=True, slots=True)
class Line:
    """One logical line (continuations joined), without comments."""

    path: str
    number: int
    text: str
    guards: tuple[Guard, ...]
    symbol: str = ""
    """The function or macro around it."""
    raw: str = field(default="", compare=False)
    """The physical line as it stands in the file: what a reader is shown."""


@dataclass(frozen=True, slots=True)
class Macro:
    """A ``.macro``: ``parameters`` as written, the body unexpanded."""

    name: str
    parameters: str
    guards: tuple[Guard, ...]
    body: tuple[Line, ...]
    complete: bool = True


@dataclass(frozen=True, slots=True)
class Define:
    """A ``#define``; ``parameters`` is None unless it takes arguments; an ``#undef`` has no ``body``."""

    name: str
    parameters: tuple[str, ...] | None
    body: str | None
    guards: tuple[Guard, ...]


@dataclass(frozen=True, slots=True)
class Include:
    """An ``#include``: the name as written, and whether it stands in quotes."""

    name: str
    quoted: bool
    guards: tuple[Guard, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """What one file holds; ``why`` says why it was not read to its end, empty if it was."""

    path: str
    lines: tuple[Line, ...] = ()
    macros: tuple[Macro, ...] = ()
    defines: tuple[Define, ...] = ()
    includes: tuple[Include, ...] = ()
    why: str = ""


@fact
def asm_source(tree: Snapshot, path: str) -> Source | None:
    """The lines, macros, defines and includes of an assembly file or header; None if there is no such file."""
    text = tree.text(path)
    if text is None:
        return None
    if len(text) > MOST_BYTES:
        return Source(path, why=f"{path} is larger than {MOST_BYTES} bytes")
    return source(path, text)


def stretches(lines: tuple[Line, ...]) -> Iterator[tuple[Line, ...]]:
    """The lines from one function's start to the next one's."""
    start = 0
    for at, line in enumerate(lines):
        if at > start and _STRETCH.match(line.text):
            yield lines[start:at]
            start = at
    if lines[start:]:
        yield lines[start:]


def function_of(text: str) -> str:
    """The function that a stretch begins with; empty if it begins with none."""
    match = _FUNCTION.match(text)
    return match[2] if match else ""


def blanked(text: str) -> str:
    """The text with every comment replaced by spaces; line ends stay."""

    def blank(match: re.Match[str]) -> str:
        found = match.group(0)
        return found if found.startswith('"') else re.sub(r"[^\n]", " ", found)

    return _BLANK.sub(blank, text)


def statements(text: str) -> list[str]:
    """The statements of a line: split at ``;`` outside strings, surrounding blanks removed, none empty."""
    parts = _STATEMENT.findall(text) if '"' in text else text.split(";")
    return [part.strip() for part in parts if part.strip()]


def operands(text: str) -> tuple[str, ...]:
    """The operands of a statement: split at commas outside brackets, braces, parentheses and strings."""
    found: list[str] = []
    depth, start, quoted = 0, 0, False
    for at, char in enumerate(text):
        if char == '"':
            quoted = not quoted
        elif quoted:
            continue
        elif char in "[({":
            depth += 1
        elif char in "])}":
            depth -= 1
        elif char == "," and depth == 0:
            found.append(text[start:at].strip())
            start = at + 1
    last = text[start:].strip()
    return (*found, last) if found or last else ()


def source(path: str, text: str) -> Source:
    """The parts of an assembly file; see ``asm_source``."""
    raw = text.split("\n")
    physical = blanked(text).split("\n")
    reader = _Reader(path, raw)
    number = 0
    while number < len(physical):
        start, line = number, physical[number]
        while line.endswith("\\") and number + 1 < len(physical):
            number += 1
            line = line[:-1] + " " + physical[number]
        number += 1
        if line.strip():
            reader.line(start + 1, line)
            if reader.why:
                break
    return reader.result()


def _never(guard: Guard) -> bool:
    try:
        return not guard.holds({})
    except NotAssumedError:
        return False


@dataclass(slots=True)
class _Open:
    """A conditional that is not yet closed: its earlier branches, the present one."""

    before: list[Condition]
    own: Condition


class _Reader:
    """Reads lines one by one into a ``Source``."""

    def __init__(self, path: str, raw: list[str]) -> None:
        self.path = path
        self.raw = raw
        self._hash = arch_of(path) in _HASH
        self.why = ""
        self._conditionals: list[_Open] = []
        self._guards: tuple[Guard, ...] = ()
        self._dead = False
        """Under a condition that no assembly meets, such as ``#ifndef __ASSEMBLER__``: C, not read at all."""
        self._lines: list[Line] = []
        self._macros: list[Macro] = []
        self._defines: list[Define] = []
        self._includes: list[Include] = []
        self._heads: list[Macro] = []
        self._body: list[Line] = []
        self._depth = 0
        self._symbol = ""
        self._fresh: str | None = None

    def line(self, number: int, text: str) -> None:
        directive = _DIRECTIVE.match(text)
        if directive:
            fresh, self._fresh = self._fresh, None
            self._directive(directive.group(1), directive.group(2).strip(), fresh)
        elif not text.lstrip().startswith("#"):  # '# 12 "file"' and '#error' say nothing to the assembler
            self._fresh = None
            if self._hash and "#" in text:
                text = _COMMENT.sub(r"\1", text)
            if not self._dead and text.strip():
                self._statement(number, text)

    def result(self) -> Source:
        if self._heads:
            self._close(complete=False)
        if self._conditionals and not self.why:
            self.why = f"{self.path}: an #if is not closed"
        return Source(
            self.path,
            tuple(self._lines),
            tuple(self._macros),
            tuple(self._defines),
            tuple(self._includes),
            self.why,
        )

    def _directive(self, word: str, rest: str, fresh: str | None) -> None:
        match word:
            case "ifdef" | "ifndef" | "if":
                self._open(word, rest)
            case "elif" | "else" | "endif":
                self._branch(word, rest)
            case _ if self._dead:
                pass
            case "define":
                self._define(rest, fresh)
            case "undef":
                self._defines.append(
                    Define(rest.split(maxsplit=1)[0] if rest else "", None, None, self._guards)
                )
            case "include":
                if named := _INCLUDE.match(rest):
                    quoted = named.group(1) is not None
                    self._includes.append(Include(named.group(1) or named.group(2), quoted, self._guards))

    def _open(self, word: str, rest: str) -> None:
        name = rest.split(maxsplit=1)[0] if rest else ""
        if word == "if":
            own = condition(rest)
        elif word == "ifdef":
            own = defined(name)
        else:
            own = Condition("not", parts=(defined(name),))
            self._fresh = name
        self._conditionals.append(_Open([], own))
        if len(self._conditionals) > MOST_GUARDS:
            self.why = f"{self.path}: more than {MOST_GUARDS} #if inside each other"
        self._reguard()

    def _branch(self, word: str, rest: str) -> None:
        if not self._conditionals:
            self.why = f"{self.path}: #{word} without #if"
            return
        if word == "endif":
            self._conditionals.pop()
        else:
            top = self._conditionals[-1]
            top.before.append(top.own)
            top.own = condition(rest) if word == "elif" else Condition("constant", value=True)
            if len(top.before) > MOST_BRANCHES:
                self.why = f"{self.path}: an #if with more than {MOST_BRANCHES} branches"
        self._reguard()

    def _reguard(self) -> None:
        self._guards = tuple(Guard(tuple(each.before), each.own) for each in self._conditionals)
        self._dead = any(_never(guard) for guard in self._guards)

    def _define(self, rest: str, fresh: str | None) -> None:
        match = _DEFINE.match(rest)
        if match is None:
            return
        name, has, inside, body = match.groups()
        if name == fresh and not body:
            # '#ifndef X' right before '#define X': the guard against including a file twice. It is read as
            # if for the first time.
            self._conditionals[-1].own = Condition("constant", value=True)
            self._reguard()
            return
        parameters = tuple(each.strip() for each in inside.split(",") if each.strip()) if has else None
        self._defines.append(Define(name, parameters, " ".join(body.split()), self._guards))

    def _statement(self, number: int, text: str) -> None:
        raw = self.raw[number - 1].rstrip("\r")
        head = _MACRO.match(text)
        if self._heads:
            if head and self._depth == 1 and not self._body and self._alternative(head):
                self._heads.append(Macro(head.group(1), head.group(2).strip(), self._guards, ()))
                return
            if head:
                self._depth += 1
            elif _ENDM.match(text):
                self._depth -= 1
                if self._depth == 0:
                    self._close(complete=True)
                    return
            self._body.append(Line(self.path, number, text.strip(), self._guards, self._heads[0].name, raw))
            return
        if head:
            self._heads = [Macro(head.group(1), head.group(2).strip(), self._guards, ())]
            self._depth = 1
            return
        if named := _FUNCTION.match(text):
            self._symbol = named.group(2)
        self._lines.append(Line(self.path, number, text.strip(), self._guards, self._symbol, raw))

    def _alternative(self, head: re.Match[str]) -> bool:
        # '#ifndef X / .macro a, b, c / #else / .macro a, c, b / #endif' share one body.
        return any(
            theirs.excludes(mine) and head.group(1) == self._heads[0].name
            for theirs in self._heads[0].guards
            for mine in self._guards
        )

    def _close(self, *, complete: bool) -> None:
        body = tuple(self._body)
        self._macros += [replace(head, body=body, complete=complete) for head in self._heads]
        self._heads, self._body = [], []
