"""The types of a unit: how large they are and where their members lie, exactly or not at all.

What stands in a definition is expanded first, so that only C and GNU's attributes are left, and is then read
by their grammar; whatever that has no word for makes the type unknown, with the reason. Only the types that
are needed are looked at.
"""

from __future__ import annotations

import functools
import itertools
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from checkseries.facts.c_macro import Define, NoExpansionError, expand, words_of
from checkseries.facts.c_text import closing, code, tokens
from checkseries.facts.c_type import LARGEST, Abi, Asked, Field, Mod, Placing, Spec, Type, UnknownTypeError
from checkseries.facts.c_value import Int, Node, NoValueError, Parser, common, converted, evaluate, promoted
from checkseries.facts.c_words import QUALIFIERS, STORAGE, TAGGED, TYPEOF
from checkseries.facts.unit import Unit, dict_of

_DEEPEST = 60  # types within types
_MOST_WORDS = 200_000  # of one definition
_CHAIN = 4  # macros that name macros, until one makes a type
_CANDIDATES = 40  # definitions of one name that are looked at
_VOID = Type("void", -1, 1)
_FUNCTION = Type("function", -1, 1)

# Bytes and sign of the built-in types by their sorted words; a ``long`` has 8 or what the ABI says.
_INTS: Mapping[tuple[str, ...], tuple[int, bool]] = MappingProxyType(
    {
        ("char",): (1, False), ("char", "signed"): (1, True), ("char", "unsigned"): (1, False),
        ("_Bool",): (1, False), ("bool",): (1, False),
        ("short",): (2, True), ("int", "short"): (2, True), ("short", "signed"): (2, True),
        ("int", "short", "signed"): (2, True), ("short", "unsigned"): (2, False), ("int", "short", "unsigned"): (2, False),
        ("int",): (4, True), ("signed",): (4, True), ("int", "signed"): (4, True),
        ("unsigned",): (4, False), ("int", "unsigned"): (4, False),
        ("long",): (8, True), ("int", "long"): (8, True), ("long", "signed"): (8, True), ("int", "long", "signed"): (8, True),
        ("long", "unsigned"): (8, False), ("int", "long", "unsigned"): (8, False),
        ("long", "long"): (8, True), ("int", "long", "long"): (8, True), ("long", "long", "signed"): (8, True),
        ("int", "long", "long", "signed"): (8, True),
        ("long", "long", "unsigned"): (8, False), ("int", "long", "long", "unsigned"): (8, False),
        ("__int128",): (16, True), ("__int128", "signed"): (16, True), ("__int128", "unsigned"): (16, False),
        ("__int128_t",): (16, True), ("__uint128_t",): (16, False), ("__builtin_va_list",): (0, True),
    }
)  # fmt: skip
_WORDS = frozenset(word for words in _INTS for word in words) | {"void", "float", "double"}
_SPELLED = {"__signed__": "signed", "__signed": "signed", "__inline": "inline"}
_QUALIFIERS = QUALIFIERS | {"__extension__", "__volatile", "__restrict", "__seg_gs", "__seg_fs"}
_ALIGNAS = ("_Alignas", "alignas")
# Attributes that change no layout. Sources: gcc's manual, "Extending C", attributes of variables, types and functions.
_HARMLESS = frozenset(
    [
        "unused",
        "deprecated",
        "may_alias",
        "counted_by",
        "counted_by_le",
        "counted_by_be",
        "nonstring",
        "section",
        "cleanup",
        "designated_init",
        "noderef",
        "warn_unused_result",
        "error",
        "warning",
        "noreturn",
        "const",
        "pure",
        "malloc",
        "alloc_size",
        "alloc_align",
        "assume_aligned",
        "format",
        "format_arg",
        "nonnull",
        "returns_nonnull",
        "always_inline",
        "noinline",
        "gnu_inline",
        "cold",
        "hot",
        "weak",
        "alias",
        "visibility",
        "used",
        "btf_type_tag",
        "btf_decl_tag",
        "transparent_union",
        "no_randomize_layout",
        "address_space",
        "bitwise",
        "force",
        "externally_visible",
        "no_instrument_function",
        "regparm",
        "no_sanitize",
        "access",
        "fallthrough",
        "artificial",
        "noclone",
        "no_stack_protector",
        "target",
        "leaf",
        "warn_if_not_aligned",
        "nothrow",
        "flatten",
        "optimize",
        "copy",
        "uninitialized",
        "no_profile_instrument_function",
        "patchable_function_entry",
        "zero_call_used_regs",
        "retain",
        "capability",
        "guarded_by",
        "pt_guarded_by",
    ]
)


# What the compiler's own type for variable arguments is: bytes and alignment. Sources: the ABIs.
_VA_LISTS: Mapping[str, Mapping[str, tuple[int, int]]] = MappingProxyType(
    {"__builtin_va_list": {"arm64": (32, 8), "x86": (24, 8), "riscv": (8, 8), "mips": (8, 8), "m68k": (4, 2)}}
)
_KEYWORDS = (
    _WORDS | _QUALIFIERS | TAGGED | TYPEOF | STORAGE | {"sizeof", "inline", "__attribute__", "_Alignas"}
)


# --- where names are defined


@dataclass(frozen=True, slots=True)
class _Index:
    """Where a file may define what: offsets of ``struct``, ``union``, ``enum`` and ``typedef``, by name."""

    tags: Mapping[str, tuple[int, ...]]
    typedefs: Mapping[str, tuple[int, ...]]
    enumerators: Mapping[str, tuple[int, ...]]


_HEAD = re.compile(r"(?<![\w$])(?:struct|union|enum)(?![\w$])([^;{}=*,]{0,300})\{", re.ASCII)
_MADE_HEAD = re.compile(
    r"^[ \t]*([A-Za-z_]\w*[ \t]*\(([^(){};*]{1,200})\))[^;{}()=]{0,80}\{", re.ASCII | re.MULTILINE
)
"""A head that a macro may make: ``context_lock_struct(name) {``."""
_CALL = re.compile(r"^([A-Za-z_]\w*)[ \t]*\(", re.ASCII | re.MULTILINE)
_MAKES = re.compile(r"\btypedef\b|\b(?:struct|union|enum)\b[^;()=*]*\{", re.ASCII)
_KEPT = "\0"  # stands before a word that is no macro where it is
_IDENTIFIER = re.compile(r"[A-Za-z_$][\w$]*", re.ASCII)
_TAGGED = re.compile(r"(?<![\w$])(?:struct|union|enum)(?![\w$])", re.ASCII)
_TYPEDEF = re.compile(r"(?<![\w$])typedef(?![\w$])", re.ASCII)


@functools.lru_cache(maxsize=8192)  # every unit includes the same headers; a pure function of their bytes
def _index(data: bytes) -> _Index:
    plain = code(data).plain
    tags: dict[str, list[int]] = {}
    enumerators: dict[str, list[int]] = {}
    typedefs: dict[str, list[int]] = {}
    for match in _HEAD.finditer(plain):
        for word in _IDENTIFIER.findall(match[1]):
            tags.setdefault(word, []).append(match.start())
        if match[0].startswith("enum"):
            close = plain.find("}", match.end())
            body = plain[match.end() : close if close >= 0 else match.end()]
            for word in _enumerators(body):
                enumerators.setdefault(word, []).append(match.start())
    for match in _MADE_HEAD.finditer(plain):
        for word in _IDENTIFIER.findall(match[2]):
            tags.setdefault(word, []).append(match.start(1))
    for match in _TYPEDEF.finditer(plain):
        for word in set(_typedef_words(plain, match.end())):
            typedefs.setdefault(word, []).append(match.start())
    return _Index(*(_frozen(each) for each in (tags, typedefs, enumerators)))


def _frozen(found: dict[str, list[int]]) -> Mapping[str, tuple[int, ...]]:
    return {name: tuple(dict.fromkeys(offsets)) for name, offsets in found.items()}


def _enumerators(body: str) -> Iterator[str]:
    """The first word behind each comma that no bracket encloses, and the first of all."""
    depth = 0
    begin = True
    for token in tokens(body):
        if token.text in "([{":
            depth += 1
        elif token.text in ")]}":
            depth -= 1
        elif depth == 0 and token.text == ",":
            begin = True
            continue
        elif depth == 0 and begin and token.word:
            yield token.text
        begin = begin and "\n" in body[token.end : token.end + 1]


def _typedef_words(plain: str, start: int) -> Iterator[str]:
    """The words of a typedef that no brace encloses."""
    depth = 0
    for match in re.finditer(r"[A-Za-z_$][\w$]*|[{};]", plain[start : start + 40_000], re.ASCII):
        word = match[0]
        if word == "{":
            depth += 1
        elif word == "}":
            depth -= 1
            if depth < 0:
                return
        elif word == "typedef" or (word == ";" and depth == 0):
            return  # a typedef holds no other
        elif depth == 0:
            yield word


@functools.lru_cache(maxsize=8192)  # as above
def _called(data: bytes) -> frozenset[str]:
    """The names that are called, or defined, at the beginning of a line."""
    return frozenset(match[1] for match in _CALL.finditer(code(data).plain))


# --- reading a declaration


class _Reader:
    """Reads declarations off words that are expanded."""

    def __init__(self, types: Types, words: Sequence[str], pack: int, depth: int) -> None:
        self.types = types
        self.words = words
        self.at = 0
        self.pack = pack
        self.depth = depth
        self.inline: dict[str, Type] = {}
        self.enumerators: dict[str, Int] = {}
        if depth > _DEEPEST:
            raise UnknownTypeError("types are nested too deep")

    def peek(self, ahead: int = 0) -> str:
        return self.words[self.at + ahead] if self.at + ahead < len(self.words) else ""

    def expect(self, word: str) -> None:
        if self.peek() != word:
            raise self.puzzled()
        self.at += 1

    def puzzled(self) -> UnknownTypeError:
        """What is said where the grammar has no word for what stands there."""
        near = " ".join(self.words[max(0, self.at - 4) : self.at + 4])
        return UnknownTypeError(f"`{near[:80]}` is not understood")

    def group(self) -> Sequence[str]:
        """The words in the brackets that begin here."""
        opened = self.peek()
        closed = {"(": ")", "[": "]", "{": "}"}.get(opened)
        if closed is None:
            raise self.puzzled()
        start = self.at + 1
        depth = 0
        while self.at < len(self.words):
            word = self.words[self.at]
            self.at += 1
            depth += (word == opened) - (word == closed)
            if depth == 0:
                return self.words[start : self.at - 1]
        raise UnknownTypeError(f"`{closed}` is missing")

    # --- attributes

    def attributes(self) -> Asked:
        """The attributes that stand here, if any."""
        found = Asked()
        while True:
            word = self.peek()
            if word in ("__attribute__", "__attribute"):
                self.at += 1
                inner = self.group()
                if inner[:1] != ("(",) and list(inner[:1]) != ["("]:
                    raise self.puzzled()
                self._list(inner[1:-1], found)
            elif word in _ALIGNAS:
                self.at += 1
                inner = self.group()
                found.align = max(found.align, self._aligned(inner))
            else:
                return found

    def _list(self, words: Sequence[str], found: Asked) -> None:
        inner = _Reader(self.types, words, self.pack, self.depth + 1)
        while inner.at < len(words):
            word = inner.peek()
            inner.at += 1
            if word == ",":
                continue
            arguments = inner.group() if inner.peek() == "(" else None
            self._attribute(word.strip("_") if len(word) > 4 else word, arguments, found)

    def _attribute(self, name: str, arguments: Sequence[str] | None, found: Asked) -> None:
        if name == "packed" and arguments is None:
            found.packed = True
        elif name == "aligned":
            found.align = max(found.align, self._aligned(arguments) if arguments else self.types.abi.biggest)
        elif name == "vector_size" and arguments:
            found.vector = self.types.constant(arguments, self).value
        elif name == "mode" and arguments:
            found.mode = arguments[0].strip("_")
        elif name in ("randomize_layout", "randomize_layout_struct"):
            found.randomized = True
        elif name not in _HARMLESS:
            raise UnknownTypeError(f"the attribute {name} is not known")

    def _aligned(self, words: Sequence[str]) -> int:
        if words and self.types.begins_type(words[0]):
            if self.types.abi.wide == 4:
                raise UnknownTypeError("the alignment of a type is not that of a member")
            value = self.types.measured_words(words, self).align
        else:
            value = self.types.constant(words, self).value
        if value < 0 or value & (value - 1) or value > 1 << 28:
            raise UnknownTypeError(f"{value} is no alignment")
        return value

    # --- declarations

    def specifiers(self) -> tuple[Spec, Asked, tuple[str, ...], str]:
        """(type, attributes, storage, its words) of what stands before the names."""
        asked = Asked()
        storage: list[str] = []
        built: list[str] = []
        spec: Spec | None = None
        start = self.at
        text: list[str] = []
        while True:
            asked.add(self.attributes())
            word = self.peek()
            word = _SPELLED.get(word, word)
            if word in _QUALIFIERS:
                self.at += 1
            elif word in ("typedef", "extern", "static", "inline", "register"):
                storage.append(word)
                self.at += 1
            elif word in TAGGED and spec is None and not built:
                spec = self.tagged()
                text += [spec.tag or word, spec.name]
            elif word in TYPEOF and spec is None and not built:
                self.at += 1
                spec = Spec("type", type=self.types.of_expression(self.group(), self))
                text.append("typeof()")
            elif word in _WORDS and spec is None:
                built.append(word)
                text.append(word)
                self.at += 1
            elif spec is None and not built and _IDENTIFIER.match(word) and self.types.is_typedef(word):
                spec = Spec("typedef", word)
                text.append(word)
                self.at += 1
            else:
                break
        if built:
            spec = Spec("type", type=self.types.built_in(tuple(sorted(built))))
        if spec is None or self.at == start:
            raise self.puzzled()
        return spec, asked, tuple(storage), " ".join(word for word in text if word)

    def tagged(self) -> Spec:
        """``struct attributes tag { ... } attributes``."""
        kind = self.peek()
        self.at += 1
        asked = self.attributes()
        tag = ""
        if _IDENTIFIER.match(self.peek()) and self.peek() not in _QUALIFIERS:
            tag = self.peek()
            self.at += 1
        if kind == "enum" and self.peek() == ":" and (not tag or self.types.begins_type(self.peek(1))):
            raise UnknownTypeError("an enum says its type")
        if self.peek() != "{":
            if not tag:
                raise self.puzzled()
            if kind == "enum" and not asked.packed and not asked.align:
                return Spec("tag", tag, kind)
            if asked.packed or asked.align or asked.vector:
                raise UnknownTypeError(f"attributes of {kind} {tag} stand where it is not defined")
            return Spec("tag", tag, kind, self.inline.get(f"{kind} {tag}"))
        body = self.group()
        asked.add(self.attributes())
        if kind == "enum":
            made = self.types.enum(body, asked, self)
        else:
            made = self.types.record(kind, body, asked, self)
        if tag:
            self.inline[f"{kind} {tag}"] = made
        return Spec("type", tag, kind, made)

    def declarator(self, *, abstract: bool = False) -> tuple[str, list[Mod], Asked]:
        """(name, what it makes of the type from the name outwards, attributes behind it)."""
        pointers: list[Mod] = []
        asked = Asked()
        while True:
            found = self.attributes()
            if found.packed or found.vector or found.mode or (found.align and pointers):
                raise UnknownTypeError("attributes stand within a declarator")
            asked.add(found)
            if self.peek() == "*":
                pointers.append(Mod("pointer"))
                self.at += 1
            elif self.peek() in _QUALIFIERS:
                self.at += 1
            else:
                break
        name = ""
        inner: list[Mod] = []
        word = self.peek()
        if word == "(" and self._nested(abstract=abstract):
            words = self.group()
            reader = _Reader(self.types, words, self.pack, self.depth + 1)
            name, inner, more = reader.declarator(abstract=abstract)
            if reader.at != len(words) or more.packed or more.align:
                raise self.puzzled()
        elif _IDENTIFIER.match(word) and word not in _WORDS:
            name = word
            self.at += 1
        elif not abstract and word not in (":", "[", ";", ","):
            raise self.puzzled()
        suffixes: list[Mod] = []
        while self.peek() in ("[", "("):
            if self.peek() == "(":
                self.group()
                suffixes.append(Mod("function"))
            else:
                words = [each for each in self.group() if each not in ("static", *_QUALIFIERS)]
                suffixes.append(Mod("array", self._length(words) if words else -1))
        return name, [*inner, *suffixes, *pointers[::-1]], asked

    def _nested(self, *, abstract: bool) -> bool:
        """Whether the bracket here holds a declarator, not parameters."""
        after = self.peek(1)
        if after in ("*", "(", "__attribute__"):
            return True
        return not abstract and bool(_IDENTIFIER.match(after)) and after not in _WORDS

    def _length(self, words: Sequence[str]) -> int:
        value = self.types.constant(words, self).value
        if value < 0:
            raise UnknownTypeError("an array has a negative length")
        return value


# --- measuring


_Found = tuple[int, int]
"""The number of a visit and an offset in it."""


class Types:
    """The types of one unit, measured as they are asked for and remembered."""

    def __init__(self, unit: Unit) -> None:
        self.unit = unit
        self.abi = unit.abi
        values = dict_of(unit.configuration)
        self._random = any(values.get(name) == "y" for name in ("RANDSTRUCT", "GCC_PLUGIN_RANDSTRUCT"))
        self._embeds = "-fms-" in values.get("CC_MS_EXTENSIONS", "")
        self._known: dict[str, Type | UnknownTypeError] = {}
        self._places: dict[str, list[tuple[int, int]]] | None = None
        self._enums: dict[str, Int | UnknownTypeError] = {}
        self._typedefs: dict[str, bool] = {}
        self._active: dict[int, str] = {}
        self._bodies: dict[int, list[tuple[int, int]]] = {}
        self._indexes: dict[str, dict[str, list[_Found]]] | None = None
        self._macro_made: dict[tuple[str, str], list[tuple[tuple[str, ...], int]]] | None = None
        self._making: dict[tuple[str, int], bool] = {}
        self._doing: list[str] = []

    # --- asking

    def named(self, text: str) -> Type:
        """The type that words say: ``struct foo``, ``u32``, ``struct foo *``; raises UnknownTypeError."""
        if self.unit.failure:
            raise UnknownTypeError(self.unit.failure)
        words = words_of(text)
        reader = _Reader(self, words, 0, 0)
        return self.measured_words(words, reader)

    def measured_words(self, words: Sequence[str], outer: _Reader) -> Type:
        """The type of a type name."""
        reader = _Reader(self, words, outer.pack, outer.depth + 1)
        reader.inline = outer.inline
        spec, asked, storage, _ = reader.specifiers()
        name, mods, more = reader.declarator(abstract=True)
        if reader.at != len(words) or storage or name or asked.packed or more.packed or asked.vector:
            raise reader.puzzled()
        made = self.applied(spec, mods, outer.depth + 1)
        if asked.align or more.align:
            raise UnknownTypeError("a type name has attributes")
        return made

    def value(self, text: str) -> int:
        """The value of a constant expression that stands at the end of the unit."""
        if self.unit.failure:
            raise UnknownTypeError(self.unit.failure)
        words = self.expanded(words_of(text), 1 << 60)
        return self.constant(words, _Reader(self, words, 0, 0)).value

    def constants(self) -> dict[str, int | str]:
        """What the file's ``DEFINE(name, value)`` and ``OFFSET`` come to, or why that is not known."""
        if self.unit.failure:
            return {}
        found: dict[str, int | str] = {}
        for number, visit in enumerate(self.unit.visits):
            if visit.path.endswith(".c"):  # x86's includes another
                self._constants_in(number, found)
        return found

    def _constants_in(self, number: int, found: dict[str, int | str]) -> None:
        text = self.active(number)
        for span in self.unit.visits[number].spans:
            words = words_of(text[span.start : span.end])
            try:
                made = expand(_kept(words), functools.partial(self._unless_define, span.time))
            except NoExpansionError:
                continue
            reader = _Reader(self, made, 0, 0)
            while reader.at < len(made):
                if reader.peek() != "DEFINE" or reader.peek(1) != "(":
                    reader.at += 1
                    continue
                reader.at += 1
                inner = reader.group()
                name = inner[0].removeprefix(_KEPT) if inner else ""
                if _comma(inner) != 1 or not _IDENTIFIER.match(name):
                    continue
                try:
                    value = self.constant(inner[2:], reader)
                    # The assembler is given it as a number of its own width with a sign.
                    signed = converted(value, Int(0, value.bits)).value
                    found[name] = span.doubt or signed
                except (UnknownTypeError, NoValueError, RecursionError) as error:
                    found[name] = str(error)

    def _unless_define(self, time: int, name: str) -> Define | None:
        return None if name == "DEFINE" else self.unit.macro(name, time)

    # --- finding

    def _lists(self) -> dict[str, dict[str, list[_Found]]]:
        if self._indexes is None:
            found: dict[str, dict[str, list[_Found]]] = {"tags": {}, "typedefs": {}, "enumerators": {}}
            for number, visit in enumerate(self.unit.visits):
                index = _index(visit.data)
                for kind, names in (
                    ("tags", index.tags),
                    ("typedefs", index.typedefs),
                    ("enumerators", index.enumerators),
                ):
                    for name, offsets in names.items():
                        found[kind].setdefault(name, []).extend((number, each) for each in offsets)
            self._indexes = found
        return self._indexes

    def places(self, kind: str, name: str) -> list[_Found]:
        """Where a name may be defined: compiled, and at file scope."""
        found = []
        for number, offset in self._lists()[kind].get(name, ()):
            visit = self.unit.visits[number]
            span = visit.span_at(offset)
            if span >= 0 and not self._local(number, offset):
                found.append((number, offset))
        return found

    def active(self, number: int) -> str:
        """The text of a visit with what is not compiled blanked."""
        if number not in self._active:
            visit = self.unit.visits[number]
            plain = code(visit.data).plain
            pieces = []
            position = 0
            for span in visit.spans:
                pieces.append(_blanked(plain[position : span.start]))
                pieces.append(plain[span.start : span.end])
                position = span.end
            pieces.append(_blanked(plain[position:]))
            self._active[number] = "".join(pieces)
        return self._active[number]

    def _local(self, number: int, offset: int) -> bool:
        """Whether an offset lies in the body of a function."""
        if number not in self._bodies:
            text = self.active(number)
            found = []
            depth = 0
            start = 0
            for match in re.finditer(r"[{}]", text):
                if match[0] == "{":
                    if depth == 0:
                        start = match.start()
                    depth += 1
                elif depth:
                    depth -= 1
                    if depth == 0:
                        found.append((start, match.start()))
            if depth:
                found.append((start, len(text)))
            self._bodies[number] = found
        bodies = self._bodies[number]
        at = bisect_right(bodies, offset, key=lambda each: each[0]) - 1
        if at < 0 or offset > bodies[at][1]:
            return False
        before = self.active(number)[max(0, bodies[at][0] - 600) : bodies[at][0]]
        before = re.split(r"[;}]", before)[-1]
        if not _TAGGED.search(before) or "=" in before:
            return True
        return before.rstrip().endswith(")") and "__attribute__" not in before

    # --- text

    def expanded(self, words: tuple[str, ...], time: int) -> tuple[str, ...]:
        """Words as macros at a time make them."""
        try:
            return expand(words, lambda name: self.unit.macro(name, time))
        except NoExpansionError as error:
            raise UnknownTypeError(str(error)) from error

    def declaration(self, number: int, offset: int) -> tuple[tuple[str, ...], int]:
        """The expanded words of a declaration up to its semicolon, and when it ends."""
        visit = self.unit.visits[number]
        text = self.active(number)
        end = _end(text, offset)
        if end is None:
            raise UnknownTypeError(f"a declaration in {visit.path} does not end")
        words, time = self._words(number, offset, end, 0)
        first = visit.spans[visit.span_at(offset)].time
        if self.unit.pack(first) != self.unit.pack(time):
            raise UnknownTypeError("#pragma pack stands within a type")
        return words, time

    def _words(self, number: int, start: int, end: int, depth: int) -> tuple[tuple[str, ...], int]:
        """The expanded words between two offsets of a visit, with those of what is included there."""
        visit = self.unit.visits[number]
        text = self.active(number)
        made: list[str] = []
        pending: list[str] = []
        time = -1
        included = [each for each in visit.includes if start <= each[0] < end]
        for span in itertools.islice(visit.spans, visit.span_from(start), None):
            if span.start >= end:
                break
            while included and included[0][0] < span.start:
                made += self.expanded(tuple(pending), time)
                pending = []
                other = included.pop(0)[1]
                if other < 0 or depth > 8:
                    raise UnknownTypeError("what is included within a type is not known")
                made += self._words(other, 0, len(self.unit.visits[other].data), depth + 1)[0]
            if span.doubt and text[max(span.start, start) : min(span.end, end)].strip():
                raise UnknownTypeError(span.doubt)
            if span.time != time and pending:
                made += self.expanded(tuple(pending), time)
                pending = []
            time = span.time
            pending += [token.text for token in tokens(text, max(span.start, start), min(span.end, end))]
        made += self.expanded(tuple(pending), time)
        if included:
            raise UnknownTypeError("what is included at the end of a type is not looked at")
        if len(made) > _MOST_WORDS:
            raise UnknownTypeError("a type is too long")
        return tuple(made), time

    def _pack(self, time: int) -> int:
        pack = self.unit.pack(time)
        if isinstance(pack, str):
            raise UnknownTypeError(pack)
        return pack

    # --- types by name

    def tag(self, kind: str, tag: str, depth: int) -> Type:
        """The struct, union or enum of a tag."""
        return self._once(f"{kind} {tag}", lambda: self._tag(kind, tag, depth))

    def _once(self, key: str, make: Callable[[], Type]) -> Type:
        known = self._known.get(key)
        if known is None:
            if key in self._doing:
                raise UnknownTypeError(f"{key} contains itself")
            self._doing.append(key)
            try:
                known = make()
            except (NoValueError, RecursionError) as error:
                known = UnknownTypeError(str(error))
            except UnknownTypeError as error:
                known = error
            finally:
                self._doing.pop()
            self._known[key] = known
        if isinstance(known, UnknownTypeError):
            raise UnknownTypeError(str(known))
        return known

    def _tag(self, kind: str, tag: str, depth: int) -> Type:
        found = []
        for number, offset in self.places("tags", tag)[:_CANDIDATES]:
            if self._heads(number, offset, kind, tag):
                found.append(self.declaration(number, offset))
        found += self._made(kind, tag)
        if not found and (made := self._grouped(kind, tag, depth)) is not None:
            return made
        if len(found) != 1:
            raise UnknownTypeError(
                f"{kind} {tag} is not defined" if not found else f"{kind} {tag} is defined more than once"
            )
        words, time = found[0]
        made = self._defined(kind, tag, words, time, depth)
        if made is None:
            raise UnknownTypeError(f"the definition of {kind} {tag} is not understood")
        return made

    def _heads(self, number: int, offset: int, kind: str, tag: str) -> bool:
        """Whether what stands before a brace is the head of a tag's definition."""
        visit = self.unit.visits[number]
        text = self.active(number)
        brace = text.find("{", offset)
        if brace < 0:
            return False
        words = words_of(text[offset:brace])
        if words[:2] == (kind, tag) and len(words) == 2:
            return True
        span = visit.spans[visit.span_at(offset)]
        if words[:1] != (kind,) and self.unit.macro(words[0], span.time) is None:
            return False
        words = self.expanded(words, span.time)
        if words[:1] != (kind,) or tag not in words:
            return False
        reader = _Reader(self, words, 0, 0)
        reader.at = 1
        reader.attributes()
        return reader.peek() == tag and reader.at == len(words) - 1

    def _grouped(self, kind: str, tag: str, depth: int) -> Type | None:
        """The type of a tag that a macro in the body of another type defines: ``struct_group_tagged(tag, ...)``."""
        needle = re.compile(rf"[(,]\s*{re.escape(tag)}\s*,", re.ASCII)
        data = tag.encode()
        found: list[Type] = []
        for number, visit in enumerate(self.unit.visits):
            if data not in visit.data:
                continue
            for match in needle.finditer(self.active(number)):
                heads = [at for at, end in self._heads_in(number) if at < match.start() < end]
                for at in heads[:1]:
                    words, time = self.declaration(number, at)
                    if tag not in words:
                        continue
                    reader = _Reader(self, words, self._pack(time), depth + 1)
                    reader.specifiers()
                    if f"{kind} {tag}" in reader.inline:
                        found.append(reader.inline[f"{kind} {tag}"])
        if len(found) > 1 and any(each != found[0] for each in found):
            raise UnknownTypeError(f"{kind} {tag} is defined more than once")
        return found[0] if found else None

    def _heads_in(self, number: int) -> Iterator[tuple[int, int]]:
        """Where the structs and unions at file scope of a file begin, and where their bodies end."""
        self._local(number, 0)
        text = self.active(number)
        for start, end in self._bodies[number]:
            before = re.split(r"[;}]", text[max(0, start - 300) : start])[-1]
            match = re.search(
                r"(?<![\w$])(?:typedef\s+)?(?:struct|union)(?![\w$])[^()=*]*\Z", before, re.ASCII
            )
            if match:
                yield start - len(before) + match.start(), end

    def _made(self, kind: str, name: str) -> list[tuple[tuple[str, ...], int]]:
        """The definitions of a name that macros make at file scope, whole."""
        if self._macro_made is None:
            self._macro_made = {}
            for number in range(len(self.unit.visits)):
                for words, time in self._made_in(number):
                    for key in _defines(words):
                        self._macro_made.setdefault(key, []).append((words, time))
        return self._macro_made.get((kind, name), [])

    def _makes(self, name: str, time: int, depth: int) -> bool:
        """Whether a macro may make a definition of a type, itself or by those that it names."""
        if (name, time) not in self._making:
            self._making[name, time] = False
            macro = self.unit.macro(name, time)
            self._making[name, time] = (
                macro is not None
                and not macro.doubt
                and (
                    bool(_MAKES.search(macro.body))
                    or (
                        depth < _CHAIN
                        and any(
                            word in self.unit.history and self._makes(word, time, depth + 1)
                            for word in set(words_of(macro.body))
                        )
                    )
                )
            )
        return self._making[name, time]

    def _made_in(self, number: int) -> Iterator[tuple[tuple[str, ...], int]]:
        """What the macros that stand alone in a file make, as far as it may define types."""
        visit = self.unit.visits[number]
        names = _called(visit.data)
        if names.isdisjoint(self.unit.history):
            return
        active = self.active(number)
        for match in _CALL.finditer(active):
            if match[1] not in self.unit.history:
                continue
            span = visit.span_at(match.start(1))
            if span < 0:
                continue
            time = visit.spans[span].time
            if not self._makes(match[1], time, 0):
                continue
            close = closing(active, match.end() - 1)
            if close is None or visit.spans[span].doubt:
                continue
            try:
                words, time = self._words(number, match.start(1), close + 1, 0)
            except UnknownTypeError:
                continue
            for part in _at_file_scope(words):
                yield part, time

    def _defined(self, kind: str, tag: str, words: tuple[str, ...], time: int, depth: int) -> Type | None:
        """The type that words define, if it is the tag that is meant."""
        reader = _Reader(self, words, 0, depth + 1)
        for at, word in enumerate(words):
            if word == kind and tag in words[at + 1 : at + 40] and "{" in words[at:]:
                reader.at = at + 1
                reader.attributes()
                if reader.peek() == tag and reader.peek(1) == "{":
                    reader.at = at + 1
                    break
        else:
            return None
        start = reader.at
        reader.attributes()
        if reader.peek() != tag or reader.peek(1) != "{":
            return None
        reader.at = start - 1
        reader.pack = self._pack(time)
        return reader.tagged().type

    def is_typedef(self, name: str) -> bool:
        """Whether a name is that of a typedef."""
        if name not in self._typedefs:
            self._typedefs[name] = name in _VA_LISTS or (
                name not in _KEYWORDS and any(True for _ in self._typedef_words(name))
            )
        return self._typedefs[name]

    def _typedef_words(self, name: str) -> Iterator[tuple[tuple[str, ...], int]]:
        """The declarations that declare a typedef, and when they end; raises if one cannot be read."""
        for number, offset in self.places("typedefs", name)[:_CANDIDATES]:
            words, time = self.declaration(number, offset)
            if name in _declared_names(words):
                yield words, time
        for words, time in self._made("typedef", name):
            yield words, time

    def typedef(self, name: str, depth: int) -> Type:
        """The type that a typedef stands for."""
        return self._once(name, lambda: self._typedef(name, depth))

    def _typedef(self, name: str, depth: int) -> Type:
        found = [
            made
            for words, time in self._typedef_words(name)
            for made in self._declared(name, words, time, depth)
        ]
        if not found:
            raise UnknownTypeError(f"the typedef {name} is not found")
        if any(each != found[0] for each in found):
            raise UnknownTypeError(f"the typedefs of {name} do not agree")
        return found[0]

    def _declared(self, name: str, words: tuple[str, ...], time: int, depth: int) -> Iterator[Type]:
        """The type of a name in a typedef's declaration, if it declares it."""
        reader = _Reader(self, words, self._pack(time), depth + 1)
        spec, asked, storage, _ = reader.specifiers()
        if "typedef" not in storage:
            return
        while True:
            found, mods, more = reader.declarator()
            tail = reader.attributes()
            if found == name:
                whole = Asked(asked.packed, asked.align, asked.vector, asked.mode)
                whole.add(more)
                whole.add(tail)
                yield self._typed(spec, mods, whole, depth)
            if reader.peek() != ",":
                break
            reader.at += 1
        if reader.at != len(words):
            raise reader.puzzled()

    def _typed(self, spec: Spec, mods: Sequence[Mod], asked: Asked, depth: int) -> Type:
        """A type with the attributes of its typedef."""
        if asked.packed:
            raise UnknownTypeError("a typedef is packed")
        made = self.applied(spec, mods, depth + 1)
        return self._dressed(made, asked, alone=True)

    def _dressed(self, made: Type, asked: Asked, *, alone: bool) -> Type:
        if asked.mode:
            long = self.abi.long
            sizes = {"QI": 1, "byte": 1, "HI": 2, "SI": 4, "DI": 8, "word": long, "pointer": long, "TI": 16}
            if made.kind != "int" or asked.mode not in sizes:
                raise UnknownTypeError(f"the mode {asked.mode} is not known")
            if asked.mode == "TI" and long == 4:
                raise UnknownTypeError(f"the mode {asked.mode} is not known")
            size = sizes[asked.mode]
            made = Type("int", size, self.abi.aligned(size), made.signed)
        if asked.vector:
            if self.abi != Abi(anonymous=self.abi.anonymous):
                raise UnknownTypeError("how a vector is aligned is not known")
            if made.kind not in ("int", "float") or asked.vector & (asked.vector - 1) or asked.vector <= 0:
                raise UnknownTypeError("a vector is not plain")
            made = Type("vector", asked.vector, asked.vector)
        if asked.align and alone:
            made = replace(made, align=asked.align, own_align=True)
        return made

    def resolved(self, spec: Spec, depth: int) -> Type:
        """The type that a specifier says, looked at."""
        if spec.type is not None:
            return spec.type
        if spec.kind == "typedef":
            if spec.name in _VA_LISTS:
                if self.unit.arch not in _VA_LISTS[spec.name]:
                    raise UnknownTypeError(f"what {spec.name} is is not known")
                if self.abi.long == 4:
                    return Type("record", 4, self.abi.aligned(4))
                return Type("record", *_VA_LISTS[spec.name][self.unit.arch])
            return self.typedef(spec.name, depth + 1)
        return self.tag(spec.tag, spec.name, depth + 1)

    def applied(self, spec: Spec, mods: Sequence[Mod], depth: int) -> Type:
        """The type of a declarator."""
        for number, mod in enumerate(mods):
            if mod.kind == "pointer":
                made = self._pointer(spec, mods[number + 1 :])
                rest = mods[:number]
                break
            if mod.kind == "function":
                made, rest = _FUNCTION, mods[:number]
                break
        else:
            made, rest = self.resolved(spec, depth), mods
        for mod in reversed(rest):
            if mod.kind == "function" or made.kind in ("function", "void") or made.size < 0:
                raise UnknownTypeError("an array has an incomplete type")
            if made.own_align and made.size % made.align:
                raise UnknownTypeError("an array has elements that are aligned to more than their size")
            size = made.size * mod.length if mod.length >= 0 else -1
            if size > LARGEST:
                raise UnknownTypeError("an array is too large")
            made = Type(
                "array", size, made.align, own_align=made.own_align, of=Spec("type", type=made), mods=()
            )
        return made

    def _pointer(self, spec: Spec, mods: Sequence[Mod]) -> Type:
        long = self.abi.long
        return Type("pointer", long, self.abi.aligned(long), signed=False, of=spec, mods=tuple(mods))

    def built_in(self, words: tuple[str, ...]) -> Type:
        """A type of C's own."""
        if words == ("void",):
            return _VOID
        sizes = {("float",): 4, ("double",): 8}
        if words in sizes:
            return Type("float", sizes[words], self.abi.aligned(sizes[words]))
        if words == ("double", "long"):
            if self.abi.long_double is None:
                raise UnknownTypeError("how large a long double is is not known")
            return Type("float", *self.abi.long_double)
        found = _INTS.get(words)
        if found is None or not found[0] or found[0] > 2 * self.abi.long:
            raise UnknownTypeError(f"`{' '.join(words)}` is no type that is known")
        return self.integer(self.abi.long if words.count("long") == 1 else found[0], signed=found[1])

    def integer(self, size: int, *, signed: bool) -> Type:
        """An integer of so many bytes, as a member is aligned."""
        return Type("int", size, self.abi.aligned(size), signed)

    # --- bodies

    def record(self, kind: str, body: Sequence[str], asked: Asked, outer: _Reader) -> Type:
        """A struct or union of its body."""
        if self._random and asked.randomized:
            raise UnknownTypeError("its layout is randomized")
        abi = self.abi
        placing = Placing(kind == "union", asked.packed, outer.pack, abi.anonymous, abi.loose)
        reader = _Reader(self, body, outer.pack, outer.depth + 1)
        reader.inline = outer.inline
        while reader.at < len(body):
            word = reader.peek()
            if word == ";":
                reader.at += 1
                continue
            if word in ("_Static_assert", "static_assert"):
                reader.at += 1
                reader.group()
                continue
            self._member(reader, placing)
        if asked.vector or asked.mode:
            raise UnknownTypeError("a struct has attributes that it cannot have")
        if self._random and placing.fields and all(self._operation(each.type) for each in placing.fields):
            raise UnknownTypeError("its layout is randomized: it has nothing but functions")
        return placing.done(asked.align)

    def _operation(self, made: Type) -> bool:
        """Whether a member is a pointer to a function, or a struct of nothing else."""
        if made.kind == "record":
            return all(self._operation(each.type) for each in made.fields)
        if made.kind != "pointer" or made.of is None:
            return False
        if made.mods or made.of.kind != "typedef":
            return made.mods[:1] == (Mod("function"),)
        return self.resolved(made.of, _DEEPEST // 2).kind == "function"

    def _member(self, reader: _Reader, placing: Placing) -> None:
        """One declaration in a body."""
        spec, asked, storage, text = reader.specifiers()
        if storage:
            raise reader.puzzled()
        if reader.peek() in (";", ""):
            if spec.type is None or spec.kind != "type":
                if not self._embeds or (spec.kind == "tag" and spec.tag == "enum"):
                    raise UnknownTypeError("a declaration in a body declares nothing")
                made = self.resolved(spec, reader.depth)
            else:
                made = spec.type
                if spec.name and spec.tag != "enum" and not self._embeds:
                    raise UnknownTypeError("a type that is defined in a body declares nothing")
            if spec.tag == "enum":
                return
            if made.kind != "record":
                raise UnknownTypeError("a declaration in a body declares nothing")
            placing.member("", made, asked, text)
            return
        while True:
            whole = Asked(asked.packed, asked.align, asked.vector, asked.mode)
            name, mods, more = reader.declarator()
            whole.add(more)
            width = None
            if reader.peek() == ":":
                reader.at += 1
                width = self._width(reader)
            whole.add(reader.attributes())
            made = self._dressed(self.applied(spec, mods, reader.depth), whole, alone=False)
            if width is not None:
                if mods:
                    raise reader.puzzled()
                placing.bits(name, made, width, whole, text)
            elif not name:
                raise reader.puzzled()
            else:
                placing.member(name, made, whole, _said(text, mods))
            if reader.peek() == ",":
                reader.at += 1
                continue
            if reader.peek() == ";":
                reader.at += 1
            elif reader.at < len(reader.words):
                raise reader.puzzled()
            return

    def _width(self, reader: _Reader) -> int:
        start = reader.at
        while reader.at < len(reader.words) and reader.peek() not in (",", ";", "__attribute__"):
            if reader.peek() in ("(", "["):
                reader.group()
            else:
                reader.at += 1
        return self.constant(reader.words[start : reader.at], reader).value

    def enum(self, body: Sequence[str], asked: Asked, outer: _Reader) -> Type:
        """An enum of its body."""
        least, most = 0, 0
        for _, value in self._values(body, outer):
            if value is None:
                raise UnknownTypeError("the value of an enumerator is not known")
            least, most = min(least, value.value), max(most, value.value)
        if asked.align or asked.vector or asked.mode:
            raise UnknownTypeError("an enum has attributes")
        if asked.packed:
            for size in (1, 2, 4, 8):
                bits = size * 8
                if (least < 0 and -(1 << bits - 1) <= least and most < 1 << bits - 1) or (
                    least >= 0 and most < 1 << bits
                ):
                    return self.integer(size, signed=least < 0)
        if least >= -(1 << 31) and most < (1 << 31):
            return Type("int", 4, self.abi.aligned(4), least < 0)
        if least >= 0 and most < 1 << 32:
            return Type("int", 4, self.abi.aligned(4), signed=False)
        if least >= -(1 << 63) and most < 1 << (63 if least < 0 else 64):
            return self.integer(8, signed=least < 0)
        raise UnknownTypeError("an enum is wider than any integer")

    def _values(self, body: Sequence[str], outer: _Reader) -> Iterator[tuple[str, Int | None]]:
        """The enumerators of a body and their values."""
        reader = _Reader(self, body, outer.pack, outer.depth + 1)
        reader.enumerators = {}
        last: Int | None = Int(-1)
        while reader.at < len(body):
            name = reader.peek()
            if not _IDENTIFIER.match(name):
                raise reader.puzzled()
            reader.at += 1
            reader.attributes()
            if reader.peek() == "=":
                reader.at += 1
                start = reader.at
                while reader.at < len(body) and reader.peek() != ",":
                    if reader.peek() in ("(", "[", "{"):
                        reader.group()
                    else:
                        reader.at += 1
                last = self.constant(body[start : reader.at], reader)
            else:
                last = _next(last)
            if last is not None:
                reader.enumerators[name] = last
            yield name, last
            if reader.peek() == ",":
                reader.at += 1
            elif reader.at < len(body):
                raise reader.puzzled()

    # --- values

    def enumerator(self, name: str) -> Int:
        """The value of an enumerator."""
        if name not in self._enums:
            self._enums[name] = UnknownTypeError(f"{name} needs itself")
            try:
                self._enums[name] = self._enumerator(name)
            except (UnknownTypeError, NoValueError, RecursionError) as error:
                self._enums[name] = UnknownTypeError(str(error))
        found = self._enums[name]
        if isinstance(found, UnknownTypeError):
            raise NoValueError(str(found))
        return found

    def _enumerator(self, name: str) -> Int:
        found: list[Int] = []
        for number, offset in self.places("enumerators", name)[:_CANDIDATES]:
            words, time = self.declaration(number, offset)
            if "{" not in words:
                continue
            start = words.index("{")
            reader = _Reader(self, words, 0, 1)
            reader.at = start
            del time
            for each, value in self._values(reader.group(), reader):
                if each == name and value is not None:
                    found.append(value)
        if len(found) != 1:
            raise UnknownTypeError(f"the value of {name} is not known")
        return found[0]

    def begins_type(self, word: str) -> bool:
        """Whether a word begins a type name."""
        return (
            _SPELLED.get(word, word) in _WORDS
            or word in _QUALIFIERS
            or word in TAGGED
            or word in TYPEOF
            or (bool(_IDENTIFIER.match(word)) and self.is_typedef(word))
        )

    def constant(self, words: Sequence[str], reader: _Reader) -> Int:
        """The value of a constant expression; its words are expanded."""
        node = Parser(tuple(words), self.begins_type, long=8 * self.abi.long).whole()
        return evaluate(node, lambda each: self._meaning(each, reader))

    def _meaning(self, node: Node, reader: _Reader) -> Int:
        """The value of what is no operator of C's on integers."""
        match node.kind:
            case "name":
                if node.text in reader.enumerators:
                    return reader.enumerators[node.text]
                return self.enumerator(node.text)
            case "cast":
                return self._cast(node, reader)
            case "sizeof-type" | "alignof-type":
                made = self.measured_words(node.words, reader)
                return self._measure(made, sizes=node.kind == "sizeof-type")
            case "sizeof":
                return self._measure(self.typed(node.parts[0], reader), sizes=True)
            case "call":
                return self._call(node, reader)
            case _:
                raise NoValueError(f"`{node.kind} {node.text}` has no value that can be told")

    def _measure(self, made: Type, *, sizes: bool) -> Int:
        if made.size < 0 or made.kind in ("void", "function"):
            raise NoValueError("the size of an incomplete type is asked for")
        if self.abi.wide == 4 and not sizes:
            inner = made
            while inner.kind == "array" and inner.of is not None and inner.of.type is not None:
                inner = inner.of.type
            if inner.kind in ("int", "float") and inner.size == 8 and not inner.own_align:
                raise NoValueError("i386 prefers another alignment than that of a member")
        return Int(made.size if sizes else made.align, 8 * self.abi.long, signed=False)

    def _cast(self, node: Node, reader: _Reader) -> Int:
        made = self.measured_words(node.words, reader)
        value = evaluate(node.parts[0], lambda each: self._meaning(each, reader))
        if made.kind == "int" and made.size <= 8:
            if node.words[-1:] in (("bool",), ("_Bool",)):
                return Int(int(bool(value.value)), 8, signed=False)
            return converted(value, Int(0, made.size * 8, made.signed))
        raise NoValueError("a cast to what is no integer")

    def _call(self, node: Node, reader: _Reader) -> Int:
        name = node.text
        if name == "__builtin_offsetof":
            return self._offsetof(node.words, reader)
        if name == "__builtin_constant_p" and len(node.parts) == 1:
            evaluate(node.parts[0], lambda each: self._meaning(each, reader))
            return Int(1)
        if name == "__builtin_choose_expr" and len(node.parts) == 3:
            held = evaluate(node.parts[0], lambda each: self._meaning(each, reader))
            return evaluate(node.parts[1 if held.value else 2], lambda each: self._meaning(each, reader))
        widths = {"": 32, "l": 8 * self.abi.long, "ll": 64}
        for stem in ("clz", "ffs", "ctz", "popcount"):
            suffix = name.removeprefix(f"__builtin_{stem}")
            if suffix != name and suffix in widths and len(node.parts) == 1:
                value = evaluate(node.parts[0], lambda each: self._meaning(each, reader))
                return _counted(stem, converted(value, Int(0, widths[suffix], signed=False)))
        raise NoValueError(f"{name}() has no value that can be told")

    def _offsetof(self, words: Sequence[str], reader: _Reader) -> Int:
        comma = _comma(words)
        if comma is None:
            raise NoValueError("offsetof is not understood")
        made = self.measured_words(words[:comma], reader)
        offset = 0
        rest = list(words[comma + 1 :])
        first = True
        while rest:
            if rest[0] == "[":
                inner = _Reader(self, rest, 0, reader.depth + 1)
                index = self.constant(inner.group(), reader).value
                made = self._element(made, reader)
                offset += index * made.size
                rest = rest[inner.at :]
            else:
                if not first:
                    if rest[0] != ".":
                        raise NoValueError("offsetof is not understood")
                    rest = rest[1:]
                found = _field(made, rest[0] if rest else "")
                if found.bits >= 0:
                    raise NoValueError("a bit-field has no offset")
                offset += found.offset
                made = found.type
                rest = rest[1:]
            first = False
        return Int(offset, 8 * self.abi.long, signed=False)

    def _element(self, made: Type, reader: _Reader) -> Type:
        if made.kind not in ("array", "pointer") or made.of is None:
            raise NoValueError("what is indexed is no array")
        return self.applied(made.of, made.mods, reader.depth + 1)

    # --- the types of expressions

    def of_expression(self, words: Sequence[str], reader: _Reader) -> Type:
        """What ``typeof`` says: of a type, or of an expression as far as it is plain."""
        if words and self.begins_type(words[0]):
            return self.measured_words(words, reader)
        try:
            node = Parser(tuple(words), self.begins_type, long=8 * self.abi.long).whole()
            return self.typed(node, reader)
        except NoValueError as error:
            raise UnknownTypeError(f"typeof: {error}") from error

    def typed(self, node: Node, reader: _Reader) -> Type:
        """The type of an expression of casts, members, elements and integers."""
        match node.kind:
            case "cast":
                return self.measured_words(node.words, reader)
            case "member":
                return self._field_type(self.typed(node.parts[0], reader), node.text)
            case "arrow":
                pointed = self._element(self.typed(node.parts[0], reader), reader)
                return self._field_type(pointed, node.text)
            case "index":
                return self._element(self.typed(node.parts[0], reader), reader)
            case "unary" if node.text == "*":
                return self._element(self.typed(node.parts[0], reader), reader)
            case "number":
                assert node.number is not None
                size = node.number.bits // 8
                return self.integer(size, signed=node.number.signed)
            case "sizeof" | "sizeof-type" | "alignof" | "alignof-type":
                return self.integer(self.abi.long, signed=False)
            case "binary":
                return self._arithmetic(node, reader)
            case _:
                raise NoValueError(f"the type of `{node.kind} {node.text}` is not known")

    def _arithmetic(self, node: Node, reader: _Reader) -> Type:
        """The type that the usual arithmetic conversions make of two integers."""
        if node.text in ("&&", "||", "==", "!=", "<", ">", "<=", ">="):
            return Type("int", 4, 4, signed=True)
        made = []
        for part in node.parts:
            one = self.typed(part, reader)
            if one.kind != "int":
                raise NoValueError(f"the type of `{node.text}` of a {one.kind} is not known")
            made.append(promoted(Int(0, 8 * one.size, signed=one.signed)))
        found = made[0] if node.text in ("<<", ">>") else common(*made)
        return self.integer(found.bits // 8, signed=found.signed)

    def _field_type(self, made: Type, name: str) -> Type:
        found = _field(made, name)
        if found.bits >= 0:
            raise NoValueError(f"{name} is a bit-field")
        return found.type


def _kept(words: Sequence[str]) -> tuple[str, ...]:
    """Words whose ``DEFINE(NAME, ...)`` keep their names: one that is a macro is made a string as it stands."""
    made = list(words)
    for at in range(len(made) - 2):
        if made[at] == "DEFINE" and made[at + 1] == "(":
            made[at + 2] = _KEPT + made[at + 2]
    return tuple(made)


def _field(made: Type, name: str) -> Field:
    if made.kind == "record":
        for each in made.fields:
            if each.name == name:
                return each
    raise NoValueError(f"there is no member {name}")


def _said(text: str, mods: Sequence[Mod]) -> str:
    """The type of a member in words."""
    made = text
    for mod in reversed(mods):
        if mod.kind == "pointer":
            made += "*" if made.endswith("*") else " *"
        elif mod.kind == "array":
            made += f"[{mod.length}]" if mod.length >= 0 else "[]"
        else:
            made += " ()"
    return made


def _counted(stem: str, value: Int) -> Int:
    number = value.value
    if number == 0 and stem in ("clz", "ctz"):
        raise NoValueError("the bits of 0 are counted")
    match stem:
        case "clz":
            return Int(value.bits - number.bit_length())
        case "popcount":
            return Int(number.bit_count())
        case "ctz":
            return Int((number & -number).bit_length() - 1)
        case _:
            return Int((number & -number).bit_length())


def _next(last: Int | None) -> Int | None:
    if last is None:
        return None
    value = last.value + 1
    if last.bits <= 32:
        return Int(value) if value < 1 << 31 else Int(value, 64)
    return Int(value, last.bits, last.signed)


def _comma(words: Sequence[str]) -> int | None:
    depth = 0
    for number, word in enumerate(words):
        depth += (word in ("(", "[", "{")) - (word in (")", "]", "}"))
        if word == "," and depth == 0:
            return number
    return None


def _at_file_scope(words: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """The declarations in a text, without their semicolons; what has a function's body is left out."""
    start = 0
    depth = 0
    for number, word in enumerate(words):
        depth += (word in ("(", "[", "{")) - (word in (")", "]", "}"))
        if depth:
            continue
        if word == ";":
            yield tuple(words[start:number])
            start = number + 1
        elif word == "}" and number > start and _bodied(words[start:number]):
            start = number + 1
    if start < len(words):
        yield tuple(words[start:])


def _bodied(words: Sequence[str]) -> bool:
    """Whether the brace that was opened is that of a function."""
    brace = words.index("{") if "{" in words else 0
    return brace > 0 and words[brace - 1] == ")" and words[0] not in (*TAGGED, "typedef")


def _defines(words: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """The tags and typedefs that a declaration at file scope defines."""
    for kind, tag, brace in zip(words, words[1:], words[2:], strict=False):
        if kind in TAGGED and brace == "{" and _IDENTIFIER.match(tag):
            yield kind, tag
    if words[:1] == ("typedef",):
        for name in _declared_names(words):
            yield "typedef", name


def _declared_names(words: Sequence[str]) -> set[str]:
    """The names that the words of a typedef declare, as far as a look at the brackets tells."""
    parts: list[list[str]] = [[]]
    braces = brackets = 0
    skip = ""
    for word in words:
        if word in ("{", "}"):
            braces += 1 if word == "{" else -1
        elif braces:
            continue
        elif word in ("__attribute__", "_Alignas", *TYPEOF):
            skip = word
            continue
        elif word in ("(", "["):
            brackets += 1
        elif word in (")", "]"):
            brackets -= 1
        if skip:
            skip = skip if brackets else ""
            continue
        if word == "," and not brackets:
            parts.append([])
        else:
            parts[-1].append(word)
    return {name for part in parts if (name := _declared_name(part))}


def _declared_name(words: Sequence[str]) -> str:
    names = [word for word in words if _IDENTIFIER.match(word) and word not in _KEYWORDS]
    if "(" in words:
        at = words.index("(")
        following = [word for word in words[at + 1 :] if word not in ("*", "(") and word not in _QUALIFIERS]
        before = [word for word in words[:at] if word in names]
        nested = words[at + 1 : at + 2] in (["*"], ["("]) or words[at + 2 : at + 4] == [")", "("]
        if nested:
            return following[0] if following and following[0] in names else ""
        return before[-1] if before else ""
    if "[" in words:
        words = words[: words.index("[")]
    return next((word for word in reversed(words) if word in names), "")


def _blanked(text: str) -> str:
    return "\n".join(" " * len(part) for part in text.split("\n"))


def _end(text: str, offset: int) -> int | None:
    """The offset of the semicolon that ends the declaration at an offset."""
    for match in re.compile(r"[;{(\[]").finditer(text, offset):
        if match.start() < offset:
            continue
        if match[0] == ";":
            return match.start()
        close = closing(text, match.start())
        if close is None:
            return None
        offset = close + 1
    return None


__all__ = ["Asked", "Field", "Mod", "Spec", "Type", "Types", "UnknownTypeError"]
