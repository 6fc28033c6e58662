"""One C file as the compiler sees it: on one architecture, under one configuration.

Includes are resolved as Kbuild's ``-I`` say, directives are walked in order and ``#if`` is evaluated, but code
is not expanded: a unit is which spans of which files are compiled, and what each macro is at each of them.
What cannot be told (a header that only a build makes, a macro that an option defines) is *doubtful*: the code
below such a condition is marked with the reason, and whatever rests on it is unknown.
"""

from __future__ import annotations

import functools
import re
from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from checkseries.facts.board import folders, makefiles
from checkseries.facts.c_decl import arch_of, kernel_source
from checkseries.facts.c_macro import Define, NoExpansionError, expand, words_of
from checkseries.facts.c_text import code
from checkseries.facts.c_type import LP64, Abi
from checkseries.facts.c_value import Int, Node, NoValueError, Parser, evaluate
from checkseries.facts.generated import brought, computed, offsets_source, wrapped
from checkseries.facts.include import joined
from checkseries.facts.kbuild import taken
from checkseries.facts.kbuild_option import OTHERS, Given, given
from checkseries.facts.kconfig import Evaluation, model
from checkseries.facts.kconfig.evaluate import Mode
from checkseries.facts.kconfig.symbol import Type
from checkseries.facts.predefined import DOUBTFUL, Public, abi, predefined, predefined_public
from checkseries.tree import Snapshot

_MOST_FILES = 20_000  # visits of one unit: a driver's has about 1500
_MAKEFILE = 200_000  # bytes of one that are looked at
_DEEPEST = 200  # includes within includes: gcc's own bound
_FIRST = (
    "include/linux/compiler-version.h",
    "include/linux/kconfig.h",
    "include/linux/compiler_types.h",
)
# The sanitizers that decide on a macro of gcc's.
_SANITIZERS = {
    "__SANITIZE_ADDRESS__": "KASAN",
    "__SANITIZE_HWADDRESS__": "KASAN",
    "__SANITIZE_THREAD__": "KCSAN",
}
# Sources: gcc's manual, "Common Function Attributes" and the comments of include/linux/compiler_attributes.h.
_HAS = frozenset(
    [
        "copy",
        "designated_init",
        "error",
        "warning",
        "fallthrough",
        "noclone",
        "no_sanitize",
        "no_stack_protector",
        "noipa",
        "nonstring",
        "target",
        "externally_visible",
        "no_profile_instrument_function",
        "no_sanitize_coverage",
        "uninitialized",
    ]
)
_BUILTINS = frozenset(("__builtin_has_attribute", "__builtin_unreachable", "__builtin_isdigit"))
_HAS_NOT = frozenset(
    [
        "diagnose_as_builtin",
        "overloadable",
        "pass_object_size",
        "pass_dynamic_object_size",
        "btf_type_tag",
        "preserve_most",
        "disable_sanitizer_instrumentation",
    ]
)
# What a header of the C library may define, in that it leaves alone what is the kernel's.
_LIBRARY = re.compile(
    r"(?!__(?:ASSEMBLY|ASSEMBLER|KERNEL|CHECKER|CHECK_ENDIAN|SANE_USERSPACE_TYPES|[a-z]\w*)__$|__EXPORTED_HEADERS__$|_*UAPI\w+$).*",
    re.ASCII,
)
_STANDARD: Mapping[str, Mapping[str, str]] = {
    "stdint.h": {
        f"{sign}int{bits}_t": f"__{sign.upper()}INT{bits}_TYPE__"
        for sign in ("", "u")
        for bits in (8, 16, 32, 64)
    }
    | {"uintptr_t": "__UINTPTR_TYPE__", "intptr_t": "__INTPTR_TYPE__"},
    "stddef.h": {"size_t": "__SIZE_TYPE__"},
}
"""The types of the C standard that public headers use, as the macros that gcc has for them."""
# What headers_install.sh takes out of a header that it installs.
_STRIPPED = ("linux/compiler.h", "linux/compiler_types.h")
_ALWAYS = frozenset(("__FILE__", "__LINE__", "__DATE__", "__TIME__", "__COUNTER__", "__INCLUDE_LEVEL__"))
_BUILTIN = ("__has_attribute", "__has_builtin", "__has_include", "__has_c_attribute", "__has_cpp_attribute")
_TARGET = re.compile(r'[ \t]*(?:<([^>\n]+)>|"([^"\n]+)")')
_D_FLAG = re.compile(r"-D\s*([A-Za-z_]\w*)", re.ASCII)
_INCLUDED = re.compile(r"^include-\$\(CONFIG_(\w+)\)[ \t]*\+=[ \t]*(\S+)", re.MULTILINE | re.ASCII)
# What is said for assembly, genksyms, sparse and dtc, or on demand (W=1); and what is known already.
_NOT_DEFINED = re.compile(
    r"__KERNEL__|__ASSEMBLY__|__GENKSYMS__|__CHECKER__|__DTS__|LINKER_SCRIPT|KBUILD_EXTRA_WARN\d", re.ASCII
)
# What makes of a directory something else than the 64-bit kernel: boot code, the vDSO for 32-bit programs.
_OTHER_ABI = re.compile(
    r"-m(?:16|32|x32|abi=(?!altivec))|-include\s+\S+\.h\b|CC_COMPAT|VDSO_CAFLAGS|-fpack-struct|-fshort-enums"
)
_ONE = re.compile(r"[ \t]*CFLAGS_([\w./-]+)\.o[ \t]*[+:]?=", re.ASCII)  # what is said of one object
_I_FLAG = re.compile(r"-I\s*\$[({](src|srctree|obj)[)}]/?([\w./-]*)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Configuration:
    """The values of all symbols, as ``autoconf.h`` has them."""

    name: str
    values: tuple[tuple[str, str], ...]
    """Names without ``CONFIG_`` and what stands behind ``=``, strings in their quotes; n is left out."""


def configuration(
    tree: Snapshot, arch: str, assignments: tuple[tuple[str, str], ...], mode: Mode, name: str
) -> Configuration:
    """What ``conf`` makes of assignments; raises KconfigError."""
    kconfig = model(tree, arch)
    found = Evaluation(kconfig.tree, assignments, mode)
    values = []
    for symbol in kconfig.tree.order:
        if not found.written(symbol):
            continue
        value = found.text(symbol)
        if symbol.type is Type.STRING:
            value = f'"{value}"'
        elif symbol.type is Type.HEX and value and not value.lower().startswith("0x"):
            value = f"0x{value}"
        if value and value != "n":
            values.append((symbol.name, value))
    return Configuration(name, tuple(sorted(values)))


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a file that is compiled."""

    start: int
    end: int
    time: int
    """How many directives were obeyed before it: what macros are is a matter of time."""
    doubt: str


@dataclass(frozen=True, slots=True)
class Visit:
    """A file that is included once; one that is included again is another visit."""

    path: str
    data: bytes
    spans: tuple[Span, ...]
    includes: tuple[tuple[int, int], ...]
    """Where something is included, and the number of its visit, -1 if it is not known what it is."""

    def span_from(self, offset: int) -> int:
        """The number of the first span that ends behind an offset."""
        return bisect_right(self.spans, offset, key=lambda span: span.end)

    def span_at(self, offset: int) -> int:
        """The number of the span that an offset lies in; -1 if it is not compiled."""
        number = bisect_right(self.spans, offset, key=lambda span: span.start) - 1
        return number if number >= 0 and offset < self.spans[number].end else -1


@dataclass(frozen=True, slots=True)
class Unit:
    """A C file with all that it includes."""

    path: str
    arch: str
    configuration: Configuration
    visits: tuple[Visit, ...]
    history: Mapping[str, tuple[tuple[int, Define | None], ...]]
    packs: tuple[tuple[int, int | str], ...]
    """``#pragma pack``: since when, and to how many bytes (0: not at all) or why it is not known."""
    missing: tuple[str, ...]
    """The headers that the tree does not have."""
    failure: str = ""
    """Why nothing can be told of it."""
    abi: Abi = LP64

    def macro(self, name: str, time: int) -> Define | None:
        """What a macro is at a time."""
        entries = self.history.get(name)
        if entries is not None:
            number = bisect_right(entries, time, key=lambda entry: entry[0]) - 1
            return entries[number][1] if number >= 0 else None
        if name.startswith("CONFIG_"):
            return _config(name, dict_of(self.configuration))
        if DOUBTFUL.fullmatch(name) or name in ("_Pragma", "__VA_OPT__"):
            return Define(name, None, variadic=False, body="", doubt="its value is not known")
        return None

    def pack(self, time: int) -> int | str:
        """What ``#pragma pack`` says at a time."""
        number = bisect_right(self.packs, time, key=lambda entry: entry[0]) - 1
        return self.packs[number][1] if number >= 0 else 0


@functools.lru_cache(maxsize=4)
def dict_of(values: Configuration) -> dict[str, str]:
    """The values of a configuration by name."""
    return dict(values.values)


def _config(name: str, values: Mapping[str, str]) -> Define | None:
    """The macro that ``autoconf.h`` has of a symbol."""
    plain = name.removeprefix("CONFIG_")
    value = values.get(plain)
    if value is None or value == "m":
        if value is None and plain.endswith("_MODULE") and values.get(plain.removesuffix("_MODULE")) == "m":
            return Define(name, None, variadic=False, body="1")
        return None
    if value == "y":
        value = "1"
    return Define(name, None, variadic=False, body='""' if value.startswith('"') else value)


# --- the lines of a file


@dataclass(frozen=True, slots=True)
class _Line:
    word: str
    start: int
    end: int
    text: str
    define: Define | None = None
    jump: int = -1
    """For ``if``, ``elif`` and ``else``: the number of the next of their kind or of their ``endif``."""


@dataclass(frozen=True, slots=True)
class _File:
    lines: tuple[_Line, ...]
    size: int
    guard: str
    """The macro without which nothing of the file is compiled, and which it then defines."""
    once: bool
    broken: bool
    """Its conditions are not closed."""


_KINDS = {"ifdef": "if", "ifndef": "if", "if": "if", "elif": "elif", "elifdef": "elif", "elifndef": "elif"}


@functools.lru_cache(maxsize=8192)  # every unit includes the same headers; a pure function of their bytes
def _file(data: bytes) -> _File:
    source = code(data)
    macros = {macro.end: macro for macro in source.macros}
    lines: list[_Line] = []
    opened: list[int] = []
    jumps: dict[int, int] = {}
    broken = False
    for directive in source.directives:
        word = directive.word
        text = source.text[directive.rest : directive.end]
        define = None
        if word == "define":
            macro = macros.get(directive.end)
            if macro is not None:
                body = source.text[macro.body : macro.end].replace("\\\r\n", " ").replace("\\\n", " ").strip()
                define = Define(macro.name, macro.parameters, macro.variadic, body)
        elif word in ("include", "include_next"):
            text = data[directive.rest : directive.end].decode("latin-1")
        number = len(lines)
        if _KINDS.get(word) == "if":
            opened.append(number)
        elif _KINDS.get(word) == "elif" or word in ("else", "endif"):
            if opened:
                jumps[opened.pop()] = number
                if word != "endif":
                    opened.append(number)
            else:
                broken = True
        lines.append(_Line(word, directive.start, directive.end, text, define))
    ended = tuple(
        _Line(line.word, line.start, line.end, line.text, line.define, jumps.get(number, -1))
        for number, line in enumerate(lines)
    )
    once = any(line.word == "pragma" and line.text.split()[:1] == ["once"] for line in lines)
    return _File(ended, len(data), _guard(source.plain, ended), once, broken or bool(opened))


def _guard(plain: str, lines: tuple[_Line, ...]) -> str:
    """The include guard of a file: its first line asks for it, its second defines it, its last ends both."""
    if len(lines) < 3 or lines[0].jump != len(lines) - 1 or lines[-1].word != "endif":
        return ""
    words = words_of(lines[0].text)
    name = ""
    if lines[0].word == "ifndef" and len(words) == 1:
        name = words[0]
    elif lines[0].word == "if" and words[:2] == ("!", "defined"):
        name = next((word for word in words[2:] if word != "("), "")
        if len(words) != (3 if words[2] == name else 5):
            return ""
    if not name or plain[: lines[0].start].strip() or plain[lines[-1].end :].strip():
        return ""
    defined = any(line.define is not None and line.define.name == name for line in lines)
    return name if defined else ""


def _no_type(_word: str) -> bool:
    return False


# --- walking


Constants = Callable[[str], Mapping[str, int]]


class _DoubtError(Exception):
    """A condition cannot be told; the message says why."""


@dataclass(slots=True)
class _Frame:
    line: int
    doubt: str
    """Why it is not known whether this branch is compiled."""
    maybe: str
    """Why it is not known whether a branch before this was."""


class _Walk:
    """Obeys the directives of a file and of all that it includes."""

    def __init__(
        self,
        tree: Snapshot,
        path: str,
        arch: str,
        values: Mapping[str, str],
        predefs: Mapping[str, str],
        constants: Constants | None,
        boards: tuple[str, ...],
        *,
        public: bool = False,
    ) -> None:
        self.tree = tree
        self.constants = constants
        self.arch = arch
        self.values = values
        self.time = 0
        self.now: dict[str, Define | None] = {}
        self.history: dict[str, list[tuple[int, Define | None]]] = {}
        self.visits: list[Visit] = []
        self.packs: list[tuple[int, int | str]] = []
        self.stack: list[int | str] = []
        self.packed: int | str = 0
        self.missing: dict[str, re.Pattern[str] | None] = {}
        self.once: set[str] = set()
        self.count = 0
        self.reason = ""
        self.path = path
        self.public = public
        self.folders = () if public else tuple(dict.fromkeys((*boards, *_folders(tree, path))))
        flags = Given({}, frozenset()) if public else given(tree, path, arch, values)
        options = frozenset[str]() if public else _options(tree, arch, values)
        self.options = {name for name in options | flags.doubtful if not _NOT_DEFINED.fullmatch(name)}
        for name, value in predefs.items():
            self._set(name, Define(name, None, variadic=False, body=value))
        for suffix in ("8", "16", "32", "64", "MAX"):
            for sign in ("", "U"):
                long = "L" if predefs["__SIZEOF_LONG__"] == "8" else "LL"
                tail = {"32": "U" if sign else "", "64": sign + long, "MAX": sign + long}.get(suffix, "")
                name = f"__{sign}INT{suffix}_C"
                self._set(name, Define(name, ("c",), variadic=False, body=f"c ## {tail}" if tail else "c"))
        for name, value in flags.defined.items():
            if name not in options:
                self._set(name, Define(name, None, variadic=False, body=value))
        for name in _BUILTIN:
            self._set(name, Define(name, None, variadic=False, body="", doubt="it is gcc's own"))

    def _set(self, name: str, define: Define | None) -> None:
        self.now[name] = define
        self.history.setdefault(name, []).append((self.time, define))

    def define(self, name: str, body: str) -> None:
        """Define a macro as ``-D`` does."""
        self._set(name, Define(name, None, variadic=False, body=body))

    def run(self) -> None:
        for path in () if self.public else _FIRST:
            if self.tree.exists(path):
                self.visit(path, "", 0)
        self.visit(self.path, "", 0)

    # --- names

    def lookup(self, name: str) -> Define | None:
        """What a macro is now."""
        if name in self.now:
            return self.now[name]
        if name.startswith("CONFIG_"):
            return _config(name, self.values)
        doubt = self.doubt(name)
        return Define(name, None, variadic=False, body="", doubt=doubt) if doubt else None

    def doubt(self, name: str) -> str:
        """Why a name of which nothing is known may be a macro all the same."""
        if name in _SANITIZERS and self.values.get(_SANITIZERS[name]) != "y":
            return ""
        if DOUBTFUL.fullmatch(name):
            return "an option of the compiler decides on it"
        if name in self.options:
            return "the command line decides on it"
        for header, names in self.missing.items():
            if names is None or names.fullmatch(name):
                return f"{header} may define it"
        return ""

    # --- conditions

    def holds(self, line: _Line, guard: str) -> bool:
        """Whether a condition holds; raises _DoubtError."""
        if line.word in ("ifdef", "ifndef", "elifdef", "elifndef"):
            words = words_of(line.text)
            if not words:
                raise _DoubtError("a condition is not understood")
            return self._defined(words[0], guard) == (line.word in ("ifdef", "elifdef"))
        try:
            words = expand(self._answered(words_of(line.text), guard), self._sure)
            tree = Parser(words, _no_type, wide=True).whole()
            return bool(evaluate(tree, self._named).value)
        except (NoExpansionError, NoValueError, RecursionError) as error:
            raise _DoubtError(str(error)) from error

    def _defined(self, name: str, guard: str) -> bool:
        if name in _BUILTIN or name in _ALWAYS:
            return True
        if name == guard and name not in self.now:
            return False
        found = self.lookup(name)
        if found is not None and found.doubt:
            raise _DoubtError(
                found.doubt if name in self.now else f"whether {name} is defined: {found.doubt}"
            )
        return found is not None

    def _sure(self, name: str) -> Define | None:
        """What a macro is now, if that is not doubted: the doubtful ones may not matter in the end."""
        found = self.lookup(name)
        return None if found is not None and found.doubt else found

    def _answered(self, words: tuple[str, ...], guard: str) -> tuple[str, ...]:
        """The words with each ``defined`` and ``__has_attribute`` answered; what is doubtful stays a name."""
        if "defined" not in words and not any(word.startswith("__has_") for word in words):
            return words
        made: list[str] = []
        index = 0
        while index < len(words):
            word = words[index]
            bracket = words[index + 1 : index + 2] == ("(",)
            name = words[index + 1 + bracket] if index + 1 + bracket < len(words) else ""
            if word == "defined":
                try:
                    made.append("1" if self._defined(name, guard) else "0")
                except _DoubtError as error:
                    self.reason = str(error)
                    made.append("defined")
                index += 4 if bracket else 2
            elif word in ("__has_attribute", "__has_builtin") and bracket:
                known, refused = (
                    (_HAS, _HAS_NOT) if word == "__has_attribute" else (_BUILTINS, frozenset[str]())
                )
                plain = name.strip("_") if word == "__has_attribute" else name
                self.reason = f"whether gcc has {name}" if plain not in known | refused else self.reason
                made.append("1" if plain in known else "0" if plain in refused else "defined")
                index += 4
            else:
                made.append(word)
                index += 1
        return tuple(made)

    def _named(self, node: Node) -> Int:
        if node.text == "defined":
            raise NoValueError(self.reason)
        if node.kind != "name":
            raise NoValueError(f"`{node.text}` in a condition")
        found = self.lookup(node.text)
        if found is not None and found.doubt:
            raise NoValueError(f"{node.text}: {found.doubt}")
        return Int(0, 64)

    # --- files

    def visit(self, path: str, doubt: str, depth: int) -> None:
        """Obey the directives of one file."""
        data = self.tree.read(path)
        self.count += 1
        if data is None or depth > _DEEPEST or self.count > _MOST_FILES:
            raise _DoubtError("too many files are included")
        file = _file(data)
        if file.broken:
            raise _DoubtError(f"the conditions of {path} are not closed")
        if file.guard and self.now.get(file.guard) is not None:
            return  # if its guard is doubtful, so is all that was seen of it
        if path in self.once:
            return
        if file.once and not doubt:
            self.once.add(path)
        elif file.once:
            doubt = doubt or "it is included once, and not known where"
        number = len(self.visits)
        self.visits.append(Visit(path, data, (), ()))  # its place is before what it includes
        spans: list[Span] = []
        includes: list[tuple[int, int]] = []
        frames: list[_Frame] = []
        position = 0
        index = 0
        lines = file.lines
        while index < len(lines):
            line = lines[index]
            why = frames[-1].doubt if frames and frames[-1].doubt else doubt
            if line.start > position:
                spans.append(Span(position, line.start, self.time, why))
            position = line.end
            kind = _KINDS.get(line.word, line.word)
            if kind == "if":
                index = self._branch(file, index, _Frame(index, "", ""), frames, why)
                position = lines[index].end
            elif kind in ("elif", "else"):  # the branch before it ends here
                frame = frames.pop()
                if frame.maybe:
                    index = self._branch(file, index, frame, frames, doubt_of(frames) or doubt)
                else:
                    while lines[index].word != "endif":
                        index = lines[index].jump
                position = lines[index].end
            elif kind == "endif":
                if frames:
                    frames.pop()
            else:
                self._obey(line, path, why, depth, includes)
            index += 1
        if file.size > position:
            spans.append(Span(position, file.size, self.time, doubt))
        self.visits[number] = Visit(path, data, tuple(spans), tuple(includes))

    def _branch(self, file: _File, index: int, frame: _Frame, frames: list[_Frame], outer: str) -> int:
        """Enter the branch of a condition that is compiled, or doubtful; the number of the line that begins it.

        If there is none, that of its ``endif``, and nothing is entered.
        """
        maybe = frame.maybe
        while True:
            line = file.lines[index]
            if line.word == "endif":
                return index
            if line.word == "else":
                frames.append(_Frame(index, maybe or outer, ""))
                return index
            try:
                held = self.holds(line, file.guard if frame.line == 0 and index == 0 else "")
                if held:
                    frames.append(_Frame(index, maybe or outer, ""))
                    return index
            except _DoubtError as error:
                maybe = maybe or outer or str(error)
                frames.append(_Frame(index, maybe, maybe))
                return index
            index = line.jump

    def _obey(self, line: _Line, path: str, doubt: str, depth: int, includes: list[tuple[int, int]]) -> None:
        if line.word == "define" and line.define is not None:
            name = line.define.name
            known = self.now.get(name)
            if known is not None and line.define.same(known):
                return
            self.time += 1
            made = line.define
            if doubt:  # it may also be what it was
                made = Define(name, made.parameters, made.variadic, made.body, doubt)
            self._set(name, made)
        elif line.word == "undef":
            words = words_of(line.text)
            if words and (words[0] in self.now or self.lookup(words[0]) is not None):
                self.time += 1
                if not doubt:
                    self._set(words[0], None)
                elif self.now.get(words[0]) is not None:
                    self._set(words[0], Define(words[0], None, variadic=False, body="", doubt=doubt))
        elif line.word in ("include", "include_next"):
            self._include(line, path, doubt, depth, includes)
        elif line.word == "pragma":
            self._pragma(line, doubt)

    def _include(
        self, line: _Line, path: str, doubt: str, depth: int, includes: list[tuple[int, int]]
    ) -> None:
        match = _TARGET.match(line.text) or _TARGET.match(self._computed_target(line))
        if match is None:
            self._lacks(f"`#include {line.text.strip()}`")
            includes.append((line.start, -1))
            return
        quoted = match[1] is None
        name = (match[1] or match[2]).strip()
        if self.public and name in _STRIPPED:
            return
        meant = self._meant(path, name, quoted, line.word == "include_next")
        self.time += 1
        if meant is not None:
            number = len(self.visits)
            self.visit(meant, doubt, depth + 1)
            if len(self.visits) > number:
                includes.append((line.start, number))
        else:
            includes.append((line.start, -1))
            self._bring(name, doubt)
        self.time += 1

    def _computed_target(self, line: _Line) -> str:
        """What ``#include TRACE_INCLUDE(x)`` and others come to; "" if that cannot be told."""
        try:
            return "".join(expand(words_of(line.text), self.lookup))
        except NoExpansionError:
            return ""

    def _lacks(self, what: str) -> None:
        if what not in self.missing:
            self.missing[what] = re.compile(r"(?!)") if what.startswith("`") else None

    def _bring(self, name: str, doubt: str) -> None:
        """What a header that the tree lacks brings."""
        if name in self.missing:
            return
        if self.public and not name.startswith(("linux/", "asm/", "asm-generic/")):
            self.missing[name] = _LIBRARY
            for each, value in _STANDARD.get(name, {}).items():
                self._set(each, Define(each, None, variadic=False, body=value, doubt=doubt))
            return
        self.missing[name] = brought(self.tree, name, self.arch)
        for each, value in computed(self.tree, name, self.arch).items():
            if each not in self.now:
                self._set(each, Define(each, None, variadic=False, body=value, doubt=doubt))
        source = offsets_source(name)
        if source and source != self.path and self.constants is not None:
            for each, number in self.constants(source).items():
                if each not in self.now:
                    body = str(number) if number >= 0 else f"({number})"
                    self._set(each, Define(each, None, variadic=False, body=body, doubt=doubt))

    def _meant(self, path: str, name: str, quoted: bool, following: bool) -> str | None:
        """The file that an include means."""
        if quoted:
            beside = joined(path.rpartition("/")[0], name)
            if beside and self.tree.exists(beside):
                return beside
        arch = f"arch/{self.arch}/include"
        places = [f"{arch}/uapi", f"{arch}/generated/uapi", "include/uapi"]
        if not self.public:
            places[:0] = [arch, f"{arch}/generated", "include"]
        skip = following
        for folder in (*places, *self.folders):
            found = joined(folder, name)
            if found is None:
                continue
            if folder.endswith(("generated", "generated/uapi")):
                plain = name.removeprefix("uapi/") if folder.endswith("generated") else name
                public = folder.endswith("uapi") or plain != name
                found = wrapped(self.tree, plain, self.arch, public=public)
                if found is None:
                    continue
                if self.public:
                    found = found.replace("include/asm-generic/", "include/uapi/asm-generic/")
                    if not self.tree.exists(found):
                        continue
            elif not self.tree.exists(found):
                continue
            if skip:
                if path == found:
                    skip = False
                continue
            return found
        return None

    def _pragma(self, line: _Line, doubt: str) -> None:
        words = words_of(line.text)
        if words[:1] == ("pack",):
            self._pack(words, doubt)
        elif words[:1] in (("scalar_storage_order",), ("ms_struct",), ("push_macro",), ("pop_macro",)):
            self.packed = f"#pragma {words[0]}"
            self._packs()

    def _pack(self, words: tuple[str, ...], doubt: str) -> None:
        inner = [word for word in words[2:-1] if word != ","]
        if words[1:2] != ("(",) or words[-1:] != (")",) or doubt:
            self.packed = doubt or "#pragma pack is not understood"
            self._packs()
            return
        if inner[:1] == ["push"]:
            self.stack.append(self.packed)
            inner = inner[1:]
            if not inner:
                return
        elif inner[:1] == ["pop"]:
            self.packed = self.stack.pop() if self.stack else 0
            inner = inner[1:]
            if not inner:
                self._packs()
                return
        if not inner:
            self.packed = 0
        elif len(inner) == 1 and inner[0] in ("0", "1", "2", "4", "8", "16"):
            self.packed = int(inner[0])
        else:
            self.packed = "#pragma pack is not understood"
        self._packs()

    def _packs(self) -> None:
        self.time += 1
        self.packs.append((self.time, self.packed))


def doubt_of(frames: list[_Frame]) -> str:
    """Why the branch that is walked is doubtful."""
    return frames[-1].doubt if frames else ""


def _makefiles(tree: Snapshot, path: str) -> list[tuple[str, str]]:
    """The Makefiles of a file's directory and of those above, and their directories."""
    found = []
    folder = path.rpartition("/")[0]
    while folder:
        for name in ("Makefile", "Kbuild"):
            text = tree.text(f"{folder}/{name}")
            if text is not None:
                found.append((folder, text[:_MAKEFILE]))
        folder = folder.rpartition("/")[0]
    return found


def _folders(tree: Snapshot, path: str) -> tuple[str, ...]:
    """The directories that the Makefiles above a file add with ``-I``."""
    found: dict[str, None] = {}
    own = path.rpartition("/")[0]
    for folder, text in _makefiles(tree, path):
        for match in _I_FLAG.finditer(text):
            for base in dict.fromkeys((own, folder)) if match[1] != "srctree" else ("",):
                where = joined(base, match[2])
                if where is not None:
                    found[where] = None
    return tuple(found)


def _not_kernel(tree: Snapshot, path: str, arch: str) -> str:
    """Why a file is not compiled as the kernel is, if that is to be seen."""
    if not tree.exists(path):
        return f"the tree has no {path}"
    own = arch_of(path)
    if not kernel_source(path) or (own is not None and own != arch):
        return f"{path} is no source of the kernel of {arch}"
    stem = path.rpartition("/")[2].rpartition(".")[0]
    for folder, text in _makefiles(tree, path):
        if folder == f"arch/{arch}":
            continue
        lines = (each for each in text.split("\n") if _OTHER_ABI.search(each))
        if any((object_of := _ONE.match(each)) is None or object_of[1] == stem for each in lines):
            return f"{folder} may be compiled for another ABI"
    return ""


def _options(tree: Snapshot, arch: str, values: Mapping[str, str]) -> frozenset[str]:
    """The macros that the makefiles of the whole kernel and of an architecture may define with ``-D``."""
    top = (tree.text("Makefile") or "")[:_MAKEFILE]
    left_out = {match[2] for match in _INCLUDED.finditer(top) if values.get(match[1]) != "y"}
    others = [
        each for each in tree.named("Makefile*") if each.rpartition("/")[0] in ("scripts", f"arch/{arch}")
    ]
    texts = [top, *((tree.text(each) or "")[:_MAKEFILE] for each in others if each not in left_out)]
    out = {line for each in others for line in _left_out((tree.text(each) or "")[:_MAKEFILE], values)}
    texts += [line for line, _ in makefiles(tree, arch, values) if line not in out]
    lines = (
        line for text in texts for line in taken(text, values) if "-D" in line and not OTHERS.search(line)
    )
    names = {match[1] for line in lines for match in _D_FLAG.finditer(line)}
    return frozenset(names)


def _left_out(text: str, values: Mapping[str, str]) -> set[str]:
    """The logical lines of a makefile that no branch which is taken has."""
    lines = {line.partition("#")[0].strip() for line in re.sub(r"\\\r?\n", " ", text).split("\n")}
    return lines - {line.partition("#")[0].strip() for line in taken(text, values)}


def walked(
    tree: Snapshot,
    path: str,
    arch: str,
    values: Configuration,
    constants: Constants | None = None,
    module: bool | None = None,
) -> Unit:
    """A file as the compiler sees it.

    ``constants`` tells what the headers made of a C file define, ``module`` whether the file is compiled for
    one, if that is known.
    """
    known = dict_of(values)
    predefs = predefined(arch, known)
    if predefs is None:
        failure = "only kernels of arm64, m68k, mips, riscv and x86 that gcc builds are known"
        return Unit(path, arch, values, (), {}, (), (), failure)
    ours = abi(arch, known) or Abi()
    failure = _not_kernel(tree, path, arch)
    if failure:
        return Unit(path, arch, values, (), {}, (), (), failure)
    boards = folders(tree, arch, known)
    if isinstance(boards, str):
        return Unit(path, arch, values, (), {}, (), (), boards)
    walk = _Walk(tree, path, arch, known, predefs, constants, boards)
    if module is not None:
        walk.options -= {"MODULE"}
    if module:
        walk.define("MODULE", "1")
    return _ended(walk, values, ours)


def exported(tree: Snapshot, path: str, ours: Public) -> Unit:
    """A header below ``include/uapi`` as a program sees it that includes it alone, in one ABI."""
    values = Configuration("user space", ())
    if not tree.exists(path):
        return Unit(path, ours.arch, values, (), {}, (), (), f"the tree has no {path}", ours.abi)
    walk = _Walk(tree, path, ours.arch, {}, predefined_public(ours), None, (), public=True)
    return _ended(walk, values, ours.abi)


def _ended(walk: _Walk, values: Configuration, abi: Abi) -> Unit:
    """The unit that a walk comes to."""
    failure = ""
    try:
        walk.run()
    except (_DoubtError, RecursionError) as error:
        failure = str(error)
    history = {name: tuple(entries) for name, entries in walk.history.items()}
    visits, packs, missing = tuple(walk.visits), tuple(walk.packs), tuple(walk.missing)
    return Unit(walk.path, walk.arch, values, visits, history, packs, missing, failure, abi)


__all__ = ["Configuration", "Span", "Unit", "Visit", "configuration", "dict_of", "exported", "walked"]
