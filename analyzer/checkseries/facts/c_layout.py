"""How large a C type is and where its members lie, exactly or not at all.

Sources: the System V ABIs that the kernel's architectures follow (x86-64, AAPCS64, RISC-V, MIPS and others for
LP64; i386, AAPCS, o32 for ILP32), where a scalar's alignment is its size, but for the 64-bit ones of i386:
for ILP32 both are tried, and what they do not agree on is unknown. m68k, which aligns to two bytes, is only covered by
``unit_type.py``.

Exact are scalars, pointers, arrays of constant length, enums, bit-fields, structs and unions of these, ``__packed``
and ``__aligned(n)``. Unknown, with the reason, are every attribute or macro that is not understood,
``#pragma pack``, definitions that do not agree, and members under ``#if`` unless all branches come to the same.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

from checkseries.facts.answer import Unknown
from checkseries.facts.c_constant import NoConstantError, constant
from checkseries.facts.c_decl import arch_of, kernel_source
from checkseries.facts.c_head import Head, heads
from checkseries.facts.c_object import CObject, objects
from checkseries.facts.c_outline import declarators, outline_of
from checkseries.facts.c_text import Code, closing, code, place, tokens
from checkseries.facts.c_type import Asked, Field, Placing, Type, UnknownTypeError
from checkseries.facts.c_words import BUILTIN, QUALIFIERS, TAGGED, attribute
from checkseries.facts.presence import ALWAYS, presence_of
from checkseries.model import Place
from checkseries.tree import Kept, Snapshot, fact

LP64 = "lp64"
ILP32 = "ilp32"

_DEEPEST = 16  # types within types
_VARIANTS = 64  # ways in which #if may part one struct
_MOST_WITHIN = 4000  # members of members that are compared
_CANDIDATES = 24  # definitions of one tag

# Bytes of the built-in types by their sorted words, ``long`` and pointers apart. Source: the ABIs above.
_BUILTIN = {
    ("char",): 1, ("char", "signed"): 1, ("char", "unsigned"): 1, ("_Bool",): 1, ("bool",): 1,
    ("short",): 2, ("int", "short"): 2, ("short", "unsigned"): 2, ("int", "short", "unsigned"): 2, ("short", "signed"): 2,
    ("int",): 4, ("unsigned",): 4, ("signed",): 4, ("int", "unsigned"): 4, ("int", "signed"): 4, ("float",): 4,
    ("long", "long"): 8, ("long", "long", "unsigned"): 8, ("int", "long", "long"): 8, ("int", "long", "long", "unsigned"): 8,
    ("long", "long", "signed"): 8, ("double",): 8,
    ("long",): 0, ("long", "unsigned"): 0, ("int", "long"): 0, ("int", "long", "unsigned"): 0, ("long", "signed"): 0,
}  # fmt: skip
# Typedefs that every architecture has alike. Sources: asm-generic/int-ll64.h, linux/types.h, uapi/linux/types.h,
# asm-generic/posix_types.h; 0 stands for the size of a long.
_TYPEDEF = {
    "u8": 1, "s8": 1, "__u8": 1, "__s8": 1, "uint8_t": 1, "int8_t": 1, "u_int8_t": 1,
    "u16": 2, "s16": 2, "__u16": 2, "__s16": 2, "uint16_t": 2, "int16_t": 2, "__le16": 2, "__be16": 2, "__sum16": 2, "umode_t": 2,
    "u32": 4, "s32": 4, "__u32": 4, "__s32": 4, "uint32_t": 4, "int32_t": 4, "__le32": 4, "__be32": 4, "__wsum": 4,
    "uint": 4, "gfp_t": 4, "__poll_t": 4, "pid_t": 4,
    "u64": 8, "s64": 8, "__u64": 8, "__s64": 8, "uint64_t": 8, "int64_t": 8, "__le64": 8, "__be64": 8, "loff_t": 8, "ktime_t": 8,
    "ulong": 0, "uintptr_t": 0, "size_t": 0, "ssize_t": 0, "ptrdiff_t": 0,
}  # fmt: skip
_ALIGNED = {f"{prefix}aligned_{kind}64": 8 for prefix in ("__", "") for kind in ("u", "s", "be", "le")}
# Attributes that change no layout; all others but packed and aligned make it unknown.
_HARMLESS = frozenset(
    {"__user", "__rcu", "__iomem", "__percpu", "__kernel", "__force", "__private", "__nonstring", "__safe", "__bitwise", "__counted_by",
     "__counted_by_le", "__counted_by_be", "__counted_by_ptr", "__guarded_by", "__pt_guarded_by", "__must_check", "__designated_init",
     "__maybe_unused", "__extension__", "__nocast", "__deprecated", "__rcu_guarded", "__ro_after_init", "__initdata", "__read_mostly"}
)  # fmt: skip
_PACKED = re.compile(r"__packed|__attribute__\s*\(\(\s*(?:packed|__packed__)\s*\)\)", re.ASCII)
_ALIGN = re.compile(
    r"__aligned\s*\((.*)\)|__attribute__\s*\(\(\s*(?:aligned|__aligned__)\s*\((.*)\)\s*\)\)",
    re.ASCII | re.DOTALL,
)
_PRAGMA = re.compile(r"pack\s*\(\s*(?:(push|pop)\s*,?\s*)?(0|1|2|4|8|16)?\s*\)", re.ASCII)
_BITMAP = re.compile(r"DECLARE_BITMAP\s*\(\s*(\w+)\s*,(.*)\)", re.ASCII | re.DOTALL)
_SIZEOF = re.compile(r"\bsizeof\s*\(([\w\s*]+)\)", re.ASCII)
_BITS = re.compile(r"([\w\s]+?)(?<!\w)(?:(?<=\s)([A-Za-z_]\w*))?\s*:([^,;:]*)", re.ASCII)
# Types of bit-fields that are no enum and have no alignment of their own.
_BIT_TYPES = frozenset(
    [" ".join(words) for words in _BUILTIN]
    + [" ".join(reversed(words)) for words in _BUILTIN]
    + list(_TYPEDEF)
)
_FLEX = re.compile(r"DECLARE_FLEX_ARRAY\s*\((.*),\s*(\w+)\s*\)", re.ASCII | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Member:
    """A member and where it lies; those of anonymous structs and unions stand among the others."""

    name: str
    offset: int
    size: int
    inner: tuple[Member, ...] = field(default=(), compare=False, repr=False)
    """Its own members, if it is a struct or union and no array; shared, for types may nest by the thousand."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The size and alignment of a type in bytes, and its members if it is a struct or union."""

    size: int
    align: int
    members: tuple[Member, ...] = ()


@dataclass(frozen=True, slots=True)
class Size:
    """A number of bytes, or why it is not known, and what it is the size or offset of."""

    place: Place
    """Where the type is defined, else where the object is declared."""
    bytes: int | None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Body:
    """The definition of a struct, union or enum: the offsets of its braces and what stands around them."""

    path: str
    kind: str
    at: int
    brace: int
    close: int
    attributes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Abi:
    long: int
    wide: int
    """Alignment of 64-bit scalars."""
    anonymous: bool
    """Whether bit-fields without a name count for the alignment, as on Arm."""
    pack: int = 0
    """What ``#pragma pack`` says where the type is defined, 0 if nothing."""
    bound: Callable[[Iterable[int]], int] | None = None
    """``min`` or ``max`` if of definitions that do not agree the smallest or largest is taken."""


@dataclass(frozen=True, slots=True)
class _Placed:
    """A member that is to be placed."""

    name: str
    """Empty for an anonymous struct or union, or a bit-field that only fills."""
    layout: Layout
    forced: int | None = None
    """The alignment that attributes ask for, 0 for packed."""
    bits: int | None = None
    """The width of a bit-field."""


# --- what is asked


def _abis(name: str) -> Iterator[_Abi]:
    """What an ABI's name leaves open: all ways in which architectures answer it."""
    long = 8 if name == LP64 else 4
    for wide, anonymous in itertools.product((8,) if name == LP64 else (8, 4), (False, True)):
        yield _Abi(long, wide, anonymous)


@fact
def layout(tree: Snapshot, type_name: str, abi: str, path: str) -> Layout | Unknown:
    """The layout of a type as a file means it: ``struct foo``, ``u32``, ``struct foo *``; ``path`` may be empty."""
    try:
        answers = [_of_words(tree, type_name, path, each, 0) for each in _abis(abi)]
    except (UnknownTypeError, NoConstantError) as error:
        return Unknown(str(error))
    if any(each != answers[0] for each in answers):
        return Unknown(f"{type_name} depends on how the architecture aligns 64-bit numbers or bit-fields")
    return _alike(answers)


@fact
def size_between(tree: Snapshot, type_name: str, abi: str, path: str) -> tuple[Layout, Layout] | Unknown:
    """The least and the most that a type takes in any configuration; offsets of members mean nothing here."""
    found = []
    for bound in (min, max):
        try:
            answers = [_of_words(tree, type_name, path, replace(each, bound=bound), 0) for each in _abis(abi)]
        except (UnknownTypeError, NoConstantError) as error:
            return Unknown(str(error))
        found.append(replace(answers[0], size=bound(each.size for each in answers)))
    return found[0], found[1]


@fact
def type_size(tree: Snapshot, type_name: str, abi: str, path: str) -> Size | None:
    """The size of a type; None if the tree has no such type."""
    where = _where(tree, type_name, path)
    if where is None:
        return None
    found = layout(tree, type_name, abi, path)
    return Size(where, None, found.because) if isinstance(found, Unknown) else Size(where, found.size)


@fact
def member_offset(tree: Snapshot, type_name: str, member: str, abi: str, path: str) -> Size | None:
    """The offset of a member; None if the tree has no such type."""
    where = _where(tree, type_name, path)
    if where is None:
        return None
    found = layout(tree, type_name, abi, path)
    if isinstance(found, Unknown):
        return Size(where, None, found.because)
    for each in found.members:
        if each.name == member:
            return Size(where, each.offset)
    return Size(where, None, f"{type_name} has no member {member}")


_TAGGED = re.compile(r"(?:struct|union)\s+\w+", re.ASCII)
_RANDOMIZED = re.compile(r"\brandomized_struct_fields_(?:start|end)\b")
"""Stand between members without a semicolon, and say where these lie, not what they are."""


@dataclass(frozen=True, slots=True)
class Extent:
    """How many bytes a member takes, and one element of it if it is an array."""

    element: int
    whole: int


@fact
def extent_of(tree: Snapshot, type_name: str, member: str, abi_name: str, path: str) -> Extent | Unknown:
    """The extent of a member, whatever lies around it: ``regs[31]``, ``thread.sp``.

    All declarations of it must agree that the definitions of the struct have which a file may mean, under whatever
    conditions, so that no configuration has to be known.
    """
    first, _, rest = member.replace(" ", "").partition(".")
    name, bracket, _ = first.partition("[")
    abi = _Abi(8 if abi_name == LP64 else 4, 8, anonymous=False)
    answers: set[Extent | Unknown] = set()
    try:
        for head, near in _heads(tree, type_name, name, path, abi):
            if not rest:
                whole = _member(tree, head, None, near, abi, 1).size
                element = _member(tree, replace(head, dims=()), None, near, abi, 1).size
                answers.add(Extent(element, element if bracket else whole))
            elif head.pointer or bool(head.dims) != bool(bracket) or not _TAGGED.fullmatch(head.type):
                answers.add(Unknown(f"{first} of {type_name} has no members that lie within"))
            else:
                answers.add(extent_of(tree, head.type, rest, abi_name, path))
    except (UnknownTypeError, NoConstantError) as error:
        return Unknown(str(error))
    if len(answers) == 1:
        return answers.pop()
    return Unknown(f"{type_name} has no single declaration of {first}")


def _heads(tree: Snapshot, type_name: str, name: str, path: str, abi: _Abi) -> Iterator[tuple[Head, str]]:
    """The declarations of a member of a struct that a file means, each with the file that its types are meant in."""
    kind, _, tag = " ".join(type_name.split()).partition(" ")
    bodies = _chosen(bodies_of(tree, kind, tag, path), path) if kind in ("struct", "union") else ()
    bodies = _wide(bodies) if abi.long == 8 else bodies
    if not bodies or len(bodies) > _CANDIDATES:
        raise UnknownTypeError(f"no single definition of {type_name} was found")
    for body in bodies:
        data = tree.read(body.path)
        assert data is not None
        source = code(data)
        text = source.plain[body.brace + 1 : body.close]
        for each in source.directives:
            start, end = each.start - body.brace - 1, each.end - body.brace - 1
            if start >= 0 and end <= len(text):
                text = text[:start] + " " * (end - start) + text[end:]
        near = path if arch_of(body.path) is None else body.path
        for head in _heads_in(_RANDOMIZED.sub("", text), name, 0):
            yield head, near


def _heads_in(text: str, name: str, depth: int) -> Iterator[Head]:
    word = re.compile(rf"(?<![\w$]){re.escape(name)}(?![\w$])")
    for declaration in _declarations(text):
        if not word.search(declaration):
            continue
        brace = declaration.find("{")
        if brace >= 0:
            close = closing(declaration, brace)
            tail = declaration[close + 1 :] if close is not None else "?"
            if tail.strip() or depth > _DEEPEST or not re.match(r"\s*(?:struct|union)\s*\{", declaration):
                raise UnknownTypeError(f"`{' '.join(declaration.split())[:40]}` is not understood")
            yield from _heads_in(declaration[brace + 1 : close], name, depth + 1)
            continue
        found = heads(declaration, 0, len(declaration))
        if not found:
            raise UnknownTypeError(f"`{' '.join(declaration.split())[:40]}` is not understood")
        yield from (head for head in found if head.name == name)


def _wide(found: tuple[Body, ...]) -> tuple[Body, ...]:
    """Those that 64 bits mean: of ``x_32.h`` and ``x_64.h`` the second."""
    paths = {body.path for body in found}
    return tuple(
        body for body in found if not body.path.endswith("_32.h") or f"{body.path[:-4]}64.h" not in paths
    )


@fact
def leading(tree: Snapshot, type_name: str, path: str) -> tuple[str, ...]:
    """The structs that lie at the beginning of one, the first member of the first member among them."""
    found: list[str] = []
    here = " ".join(type_name.split())
    while len(found) < _DEEPEST:
        kind, _, tag = here.partition(" ")
        bodies = _wide(_chosen(bodies_of(tree, kind, tag, path), path)) if kind == "struct" else ()
        firsts = {_first(tree, body) for body in bodies}
        if len(firsts) != 1:
            break
        here = firsts.pop()
        if not here or here in found:
            break
        found.append(here)
    return tuple(found)


def _first(tree: Snapshot, body: Body) -> str:
    """The struct that is the first member of one by value, whatever the configuration; empty if none is."""
    text = code(tree.read(body.path) or b"").text[body.brace + 1 : body.close]
    match = re.match(r"\s*struct\s+(\w+)\s+\w+\s*;", text, re.ASCII)
    return f"struct {match[1]}" if match else ""


@fact
def element_size(tree: Snapshot, name: str, abi: str) -> Size | None:
    """The size of one element of an array, of what a pointer points to, else of the object; None if there is none."""
    found = objects(tree, name)
    if not found:
        return None
    defined = [each for each in found if not each.extern] or list(found)
    sizes = [_element(tree, each, abi) for each in defined[:_CANDIDATES]]
    known = {each.bytes for each in sizes}
    if len(known) > 1:
        return Size(defined[0].place, None, f"the definitions of {name} do not agree")
    return sizes[0]


def _element(tree: Snapshot, found: CObject, abi: str) -> Size:
    text = found.type
    if not found.dims:
        text = text[:-1].strip() if text.endswith("*") else text
    elif len(found.dims) > 1:
        return Size(found.place, None, f"{found.name} has several dimensions")
    if not found.sure:
        return Size(found.place, None, f"the declaration of {found.name} is not clear")
    answer = layout(tree, text, abi, found.place.path)
    return (
        Size(found.place, None, answer.because)
        if isinstance(answer, Unknown)
        else Size(found.place, answer.size)
    )


def _where(tree: Snapshot, type_name: str, path: str) -> Place | None:
    words = [word for word in type_name.split() if word not in QUALIFIERS]
    if "*" in type_name or tuple(sorted(words)) in _BUILTIN:
        return Place(path, 0)
    if words[:1] and words[0] in TAGGED and len(words) > 1:
        bodies = _meant(tree, words[0], words[1], path)
        if not bodies:
            return None
        data = tree.read(bodies[0].path)
        return None if data is None else place(code(data), bodies[0].path, bodies[0].at, words[1])
    if (
        len(words) == 1
        and words[0] not in _TYPEDEF
        and words[0] not in _ALIGNED
        and (words[0],) not in _BUILTIN
    ):
        found = typedefs_of(tree, words[0], path)
        return found[0].place if found else None
    return Place(path, 0)


# --- where types are defined


@fact
def bodies_of(tree: Snapshot, kind: str, tag: str, path: str) -> tuple[Body, ...]:
    """The definitions of a tag in the headers of the kernel and in the file itself."""
    return tuple(
        body
        for each in tree.grep(tag)
        if kernel_source(each) and (each.endswith(".h") or each == path)
        for body in bodies_in(tree, each, kind, tag)
    )


@fact(kept=Kept())
def bodies_in(tree: Snapshot, path: str, kind: str, tag: str) -> tuple[Body, ...]:
    """The definitions of a tag in one file."""
    data = tree.read(path)
    if data is None or kind.encode() not in data:
        return ()
    near = rf"(?<![\w$]){re.escape(tag)}(?![\w$])[^;{{}}()=]{{0,200}}[{{(]"
    if not re.search(near.encode(), data):
        return ()
    source = code(data)
    found = []
    for match in re.finditer(rf"(?<![\w$]){kind}(?=\s)", source.plain, re.ASCII):
        brace = source.plain.find("{", match.end(), match.end() + 600)
        if brace < 0 or tag not in source.plain[match.end() : brace]:
            continue
        body = _body(source, path, kind, match.start(), match.end())
        if body is not None and body[1] == tag:
            found.append(body[0])
    return tuple(found)


def _body(source: Code, path: str, kind: str, at: int, start: int) -> tuple[Body, str] | None:
    """The definition that ``struct`` begins, and its tag."""
    text = source.plain
    brace = text.find("{", start, start + 600)
    if brace < 0:
        return None
    before = _attributes(text, start, brace)
    if before is None or len(before[1]) > 1:
        return None
    close = closing(text, brace)
    if close is None:
        return None
    stop = text.find(";", close)
    after = _attributes(text, close + 1, stop if stop >= 0 else len(text), names=True)
    attributes = [*before[0], *(after[0] if after else ["?"])]
    return Body(path, kind, at, brace, close, tuple(attributes)), "".join(before[1])


def _attributes(
    text: str, start: int, end: int, *, names: bool = False
) -> tuple[list[str], list[str]] | None:
    """The attributes between two offsets and the other words; None if there is anything else.

    With ``names`` the words of a declarator may follow, and what they are does not matter.
    """
    found: list[str] = []
    plain: list[str] = []
    skip = start
    for token in tokens(text, start, end):
        if token.at < skip:
            continue
        if token.word and attribute(token.text):
            rest = text[token.end : end]
            if rest.lstrip().startswith("("):
                bracket = token.end + len(rest) - len(rest.lstrip())
                close = closing(text, bracket, end)
                if close is None:
                    return None
                found.append(text[token.at : close + 1])
                skip = close + 1
            else:
                found.append(token.text)
        elif token.word:
            plain.append(token.text)
        elif names and token.text in ("*", "[", "]", ",", "=", "{"):
            if token.text in ("=", "{", "["):
                break
        elif token.text == ":":
            found.append("enum type")
        else:
            return None
    return found, plain


def _meant(tree: Snapshot, kind: str, tag: str, path: str) -> tuple[Body, ...]:
    """The definitions of a tag that a file may mean; the tree is searched only for what is not the file's own."""
    own = bodies_in(tree, path, kind, tag) if kernel_source(path) else ()
    return own or _chosen(bodies_of(tree, kind, tag, path), path)


def _chosen(found: tuple[Body, ...], path: str) -> tuple[Body, ...]:
    """Those of a tag's definitions that a file may mean: its own, its architecture's, the public, all."""
    arch = arch_of(path) if path else None
    top = path.rpartition("/")[0]
    for choice in (
        [each for each in found if arch is not None and arch_of(each.path) == arch],
        [each for each in found if top and each.path.rpartition("/")[0] == top],
        [each for each in found if "include/" in each.path and (arch is None or arch_of(each.path) is None)],
    ):
        if choice:
            return tuple(choice)
    return found


@dataclass(frozen=True, slots=True)
class Typedef:
    """A typedef: its declarator, or the body of the struct that it names."""

    place: Place
    head: Head
    body: Body | None


@fact
def typedefs_of(tree: Snapshot, name: str, path: str) -> tuple[Typedef, ...]:
    """The typedefs of a name in the headers of the kernel and in the file itself."""
    return tuple(
        each
        for file in tree.grep(name)
        if kernel_source(file) and (file.endswith(".h") or file == path)
        for each in typedefs_in(tree, file, name)
    )


@fact
def typedefs_in(tree: Snapshot, path: str, name: str) -> tuple[Typedef, ...]:
    """The typedefs of a name in one file."""
    data = tree.read(path)
    if data is None or b"typedef" not in data:
        return ()
    if not re.search(rf"(?<![\w$]){re.escape(name)}\s*(?:[;,\[)]|__)".encode(), data):
        return ()
    source = code(data)
    outline = outline_of(data)
    found: dict[int, Typedef] = {}
    for match in re.finditer(rf"(?<![\w$]){re.escape(name)}(?![\w$])", source.plain, re.ASCII):
        chunk = outline.chunk(match.start())
        if chunk is None or chunk.body or "typedef" not in source.plain[chunk.start : match.start()]:
            continue
        for head in declarators(source, chunk.start, chunk.end):
            if head.name != name or "typedef" not in head.storage or head.at in found:
                continue
            body = None
            if head.type.endswith("{}"):
                kind = re.search(r"\b(struct|union|enum)\b", source.plain[chunk.start : chunk.end])
                both = _body(source, path, kind[1], chunk.start, chunk.start + kind.end()) if kind else None
                if both is None:
                    continue
                body = both[0]
            found[head.at] = Typedef(place(source, path, head.at), head, body)
    return tuple(found.values())


# --- measuring


def _of_words(tree: Snapshot, text: str, path: str, abi: _Abi, depth: int) -> Layout:
    """The layout of a type given by its words: qualifiers, stars and all."""
    if depth > _DEEPEST:
        raise UnknownTypeError(f"{text} is nested too deep")
    if abi.pack:
        abi = replace(abi, pack=0)  # it is about what stands there, not about what is named there
    if "*" in text:
        return Layout(abi.long, abi.long)
    words = [word for word in text.split() if word not in QUALIFIERS]
    if not words:
        raise UnknownTypeError("a type is missing")
    built_in = _BUILTIN.get(tuple(sorted(words)))
    if built_in is not None:
        return _scalar(built_in, abi)
    if words[0] in TAGGED:
        if len(words) != 2:
            raise UnknownTypeError(f"`{text}` is not understood")
        return _tagged(tree, words[0], words[1], path, abi, depth)
    if len(words) != 1:
        raise UnknownTypeError(f"`{text}` is not understood")
    return _named(tree, words[0], path, abi, depth)


def _scalar(size: int, abi: _Abi) -> Layout:
    size = size or abi.long
    return Layout(size, abi.wide if size == 8 and abi.long == 4 else size)


def _named(tree: Snapshot, name: str, path: str, abi: _Abi, depth: int) -> Layout:
    if name in _TYPEDEF:
        return _scalar(_TYPEDEF[name], abi)
    if name in _ALIGNED:
        return Layout(8, 8)
    own = typedefs_in(tree, path, name) if kernel_source(path) else ()
    found = own or typedefs_of(tree, name, path)  # the tree is searched only for what is not the file's own
    arch = arch_of(path) if path else None
    local = own or [each for each in found if arch is not None and arch_of(each.place.path) == arch]
    common = [each for each in found if arch is None or arch_of(each.place.path) is None]
    chosen = local or common
    if not chosen or len(chosen) > _CANDIDATES:
        raise UnknownTypeError(f"no single typedef {name} was found")
    return _agreed(name, [_typedef(tree, each, abi, depth) for each in chosen], abi)


def _typedef(tree: Snapshot, found: Typedef, abi: _Abi, depth: int) -> Layout:
    head = found.head
    if found.body is not None:
        data = tree.read(found.place.path)
        assert data is not None
        if head.pointer:
            return Layout(abi.long, abi.long)
        inner = _bounded(tree, code(data), found.body, abi, depth)
    else:
        if any(not _harmless(each) for each in head.attributes) or not head.sure:
            raise UnknownTypeError(f"the typedef {head.name} has attributes")
        if head.function_pointer or head.pointer:
            inner = Layout(abi.long, abi.long)
        elif head.parameters:
            raise UnknownTypeError(f"{head.name} is a function")
        else:
            inner = _of_words(tree, head.type, found.place.path, abi, depth + 1)
    return _array(tree, inner, head.dims, found.place.path, abi, depth)


def _array(tree: Snapshot, inner: Layout, dims: tuple[str, ...], path: str, abi: _Abi, depth: int) -> Layout:
    size = inner.size
    for dim in dims:
        count = _count(tree, dim, path, abi, depth) if dim else 0
        if count < 0:
            raise UnknownTypeError("an array has a negative length")
        size *= count
    return inner if not dims else Layout(size, inner.align)


def _agreed(name: str, found: list[Layout], abi: _Abi) -> Layout:
    if any(each != found[0] for each in found):
        if (
            abi.bound is not None
        ):  # what is placed behind a smaller member ends no later, so bounds stay bounds
            return Layout(abi.bound(each.size for each in found), abi.bound(each.align for each in found))
        raise UnknownTypeError(f"the definitions of {name} do not agree")
    return _alike(found)


def _alike(found: list[Layout]) -> Layout:
    """The first of layouts that are the same; without what lies within their members, if that is not."""
    if len(found) == 1 or not any(each.inner for each in found[0].members):
        return found[0]
    within = [list(itertools.islice(_within(each.members, 0, ""), _MOST_WITHIN)) for each in found]
    if len(within[0]) < _MOST_WITHIN and all(each == within[0] for each in within):
        return found[0]
    return replace(found[0], members=tuple(replace(each, inner=()) for each in found[0].members))


def _within(members: tuple[Member, ...], at: int, prefix: str) -> Iterator[tuple[str, int, int]]:
    for each in members:
        yield f"{prefix}{each.name}", at + each.offset, each.size
        yield from _within(each.inner, at + each.offset, f"{prefix}{each.name}.")


def _tagged(tree: Snapshot, kind: str, tag: str, path: str, abi: _Abi, depth: int) -> Layout:
    bodies = _meant(tree, kind, tag, path)
    if not bodies or len(bodies) > _CANDIDATES:
        raise UnknownTypeError(f"no single definition of {kind} {tag} was found")
    found = []
    for body in bodies:
        data = tree.read(body.path)
        assert data is not None
        found.append(_bounded(tree, code(data), body, abi, depth))
    return _agreed(f"{kind} {tag}", found, abi)


def _bounded(tree: Snapshot, source: Code, body: Body, abi: _Abi, depth: int) -> Layout:
    """The layout of a body, whichever way ``#if`` parts it."""
    if any(each.word == "pragma" for each in source.directives):
        abi = replace(abi, pack=_pack(source, body))
    found = [
        _of_body(tree, text, body.path, body.kind, body.attributes, abi, depth + 1)
        for text in _alternatives(source, body.brace + 1, body.close)
    ]
    return _agreed(f"a {body.kind} in {body.path} under #if", found, abi)


def _pack(source: Code, body: Body) -> int:
    """What ``#pragma pack`` says where a body stands."""
    now, stack = 0, list[int]()
    for each in source.directives:
        match = (
            _PRAGMA.fullmatch(source.text[each.rest : each.end].strip()) if each.word == "pragma" else None
        )
        if each.word != "pragma" or "pack" not in source.text[each.rest : each.end]:
            continue
        if each.start >= body.at:
            break
        if match is None or presence_of(source.data).at(source.line(each.start)) != ALWAYS:
            raise UnknownTypeError(f"{body.path} has a #pragma pack that is not understood")
        if match[1] == "push":
            stack.append(now)
        elif match[1] == "pop":
            if not stack:
                raise UnknownTypeError(f"{body.path} has a #pragma pack that is not understood")
            now = stack.pop()
        if match[2] or not match[1]:
            now = int(match[2] or 0)
    return now


def _alternatives(source: Code, start: int, end: int) -> Iterator[str]:
    """The text between two offsets for each way through its ``#if``."""
    marks = [d for d in source.directives if start <= d.start < end]
    if any(mark.word in ("include", "pragma", "") for mark in marks):
        raise UnknownTypeError("a directive stands within the type")
    groups: list[list[tuple[int, int]]] = []
    position = start
    depth = 0
    pieces: list[list[str]] = []
    for mark in marks:
        if mark.word in ("if", "ifdef", "ifndef"):
            depth += 1
            if depth > 1:
                raise UnknownTypeError("#if is nested within the type")
            pieces.append([source.plain[position : mark.start]])
            groups.append([])
            pieces.append([])
            position = mark.end
        elif mark.word in ("elif", "else", "endif", "elifdef", "elifndef"):
            if depth != 1:
                raise UnknownTypeError("#if is cut by the type")
            pieces[-1].append(source.plain[position : mark.start])
            position = mark.end
            groups[-1].append((mark.start, mark.end))
            if mark.word == "else":
                groups[-1].append((0, 0))
            if mark.word == "endif":
                depth -= 1
                if (0, 0) not in groups[-1]:
                    pieces[-1].append("")
    if depth:
        raise UnknownTypeError("#if is cut by the type")
    pieces.append([source.plain[position:end]])
    count = 1
    for piece in pieces:
        count *= len(piece)
    if count > _VARIANTS:
        raise UnknownTypeError("too many #if within the type")
    return ("".join(choice) for choice in itertools.product(*pieces))


def _of_body(
    tree: Snapshot, text: str, path: str, kind: str, attributes: tuple[str, ...], abi: _Abi, depth: int
) -> Layout:
    if depth > _DEEPEST:
        raise UnknownTypeError("types are nested too deep")
    packed, aligned = _alignment(tree, attributes, path, abi, depth)
    if kind == "enum":
        return _enum(tree, text, path, packed=packed or bool(aligned))
    placing = Placing(kind == "union", packed, abi.pack, abi.anonymous)
    inner: dict[str, tuple[Member, ...]] = {}
    for declaration in _declarations(text):
        for member in _members(tree, declaration, path, abi, depth):
            found = member.layout
            fields = tuple(
                Field(each.name, each.offset, each.size, Type("record", each.size, 1))
                for each in found.members
            )
            inner |= (
                {member.name: found.members}
                if member.name
                else {each.name: each.inner for each in found.members}
            )
            asked = Asked(packed=member.forced == 0, align=member.forced or 0)
            if member.bits is None:
                placing.member(member.name, Type("record", found.size, found.align, fields=fields), asked, "")
            else:
                placing.bits(member.name, Type("int", found.size, found.align), member.bits, asked, "")
    made = placing.done(aligned)
    plain = (each for each in made.fields if each.bits < 0)  # a bit-field has no offset
    members = (Member(each.name, each.offset, each.size, inner.get(each.name, ())) for each in plain)
    return Layout(made.size, made.align, tuple(members))


def _enum(tree: Snapshot, text: str, path: str, *, packed: bool) -> Layout:
    if packed:
        raise UnknownTypeError("an enum has attributes")
    for part in text.split(","):
        _, equal, value = part.partition("=")
        if equal:
            number = _small(tree, value, path)
            if number is not None and not -(1 << 31) <= number < 1 << 31:
                raise UnknownTypeError("an enum is wider than int")
            if number is None:
                raise UnknownTypeError(f"the value `{' '.join(value.split())}` of an enumerator is not known")
    return Layout(4, 4)


def _small(tree: Snapshot, value: str, path: str) -> int | None:
    text = value.strip()
    if re.fullmatch(r"BIT\s*\(\s*(\d+)\s*\)", text):
        return 1 << int(re.findall(r"\d+", text)[0])
    if re.fullmatch(r"'.*'", text, re.DOTALL):
        return 0
    try:
        return constant(tree, text, path)
    except NoConstantError:
        return None


def _alignment(
    tree: Snapshot, attributes: tuple[str, ...], path: str, abi: _Abi, depth: int
) -> tuple[bool, int]:
    """(packed, aligned or 0) of a type's attributes."""
    packed, aligned = False, 0
    for each in attributes:
        if _PACKED.fullmatch(each):
            packed = True
            continue
        match = _ALIGN.fullmatch(each)
        if match:
            aligned = max(aligned, _power(_count(tree, match[1] or match[2] or "", path, abi, depth)))
        elif not _harmless(each):
            raise UnknownTypeError(f"the attribute {each} is not understood")
    return packed, aligned


def _count(tree: Snapshot, text: str, path: str, abi: _Abi, depth: int) -> int:
    """The value of a constant expression in which ``sizeof(type)`` may stand."""
    if abi.bound is not None:
        abi = replace(abi, bound=None)  # what is divided by a size gets smaller where that gets larger
    sized = _SIZEOF.sub(lambda m: f" {_of_words(tree, m[1], path, abi, depth + 1).size} ", text[:1000])
    return constant(tree, sized, path)


def _power(value: int) -> int:
    if value <= 0 or value & (value - 1):
        raise UnknownTypeError(f"{value} is no alignment")
    return value


def _harmless(word: str) -> bool:
    return word.partition("(")[0].strip() in _HARMLESS


def _declarations(text: str) -> Iterator[str]:
    """The declarations in a struct's body."""
    depth = 0
    begin = 0
    for match in re.finditer(r"[(){}\[\];]", text):
        if match[0] in "({[":
            depth += 1
        elif match[0] in ")}]":
            depth -= 1
        elif depth == 0:
            if text[begin : match.start()].strip():
                yield text[begin : match.start()]
            begin = match.end()
    if text[begin:].strip():
        raise UnknownTypeError(f"`{' '.join(text[begin:].split())[:40]}` is not understood")


def _members(tree: Snapshot, text: str, path: str, abi: _Abi, depth: int) -> Iterator[_Placed]:
    """The members of a declaration."""
    stripped = text.strip()
    if re.match(r"(?:static_assert|_Static_assert)\s*\(", stripped):
        return
    bitmap = _BITMAP.fullmatch(stripped)
    if bitmap:
        bits = 8 * abi.long
        count = -(-_count(tree, bitmap[2], path, abi, depth) // bits)
        yield _Placed(bitmap[1], Layout(count * abi.long, abi.long))
        return
    flex = _FLEX.fullmatch(stripped)
    if flex:
        yield _Placed(flex[2], Layout(0, _of_words(tree, flex[1], path, abi, depth + 1).align))
        return
    brace = text.find("{")
    if brace >= 0:
        yield from _nested(tree, text, brace, path, abi, depth)
        return
    if filled := _bit_fields(text):
        for each in filled:
            yield _bit_field(tree, each, path, abi, depth)
        return
    found = heads(text, 0, len(text))
    if not found:
        raise UnknownTypeError(f"`{' '.join(text.split())[:40]}` is not understood")
    for head in found:
        yield _Placed(
            head.name,
            _member(tree, head, None, path, abi, depth),
            _forced(tree, head.attributes, path, abi, depth),
        )


def _bit_fields(text: str) -> list[re.Match[str]]:
    """The bit-fields that a declaration declares, each with the type before it; nothing if it is of another kind."""
    first, *others = text.strip().split(",")
    found = [_BITS.fullmatch(first)]
    if found[0] is not None:
        found += [_BITS.fullmatch(f"{found[0][1]} {each}") for each in others]
    return [each for each in found if each is not None] if all(found) else []


def _bit_field(tree: Snapshot, match: re.Match[str], path: str, abi: _Abi, depth: int) -> _Placed:
    """The bit-field of ``type name : width``."""
    type_, name = match[1], match[2] or ""
    if name in BUILTIN:  # ``unsigned char : 3`` has no name
        type_, name = f"{type_} {name}", ""
    found = heads(f"{type_} _", 0, len(type_) + 2)
    if len(found) != 1 or found[0].type not in _BIT_TYPES or found[0].pointer or not found[0].sure:
        raise UnknownTypeError(f"`{' '.join(match[0].split())[:40]}` is not understood")
    unit = _of_words(tree, found[0].type, path, abi, depth + 1)
    forced = _forced(tree, found[0].attributes, path, abi, depth)
    return _Placed(name, unit, forced, _count(tree, match[3], path, abi, depth))


def _member(tree: Snapshot, head: Head, inner: Layout | None, path: str, abi: _Abi, depth: int) -> Layout:
    if head.bits:
        raise UnknownTypeError(f"{head.name} is a bit-field")
    if not head.sure or head.storage or head.parameters:
        raise UnknownTypeError(f"the member {head.name} is not clear")
    if head.pointer or head.function_pointer:
        if head.function_pointer and head.pointer == 0:
            raise UnknownTypeError(f"the member {head.name} is not clear")
        inner = Layout(abi.long, abi.long)
    elif inner is None:
        inner = _of_words(tree, head.type, path, abi, depth + 1)
    return _array(tree, inner, head.dims, path, abi, depth)


def _nested(tree: Snapshot, text: str, brace: int, path: str, abi: _Abi, depth: int) -> Iterator[_Placed]:
    """The members of ``struct { ... } name``."""
    close = closing(text, brace)
    kind = re.match(r"\s*(?:const\s+|volatile\s+)*(struct|union|enum)\b", text)
    if close is None or kind is None:
        raise UnknownTypeError(f"`{' '.join(text.split())[:40]}` is not understood")
    before = _attributes(text, kind.end(), brace)
    if before is None or len(before[1]) > 1:
        raise UnknownTypeError(f"`{' '.join(text.split())[:40]}` is not understood")
    rest = text[close + 1 :]
    tail = _attributes(text, close + 1, len(text))
    # Attributes right behind the brace are those of the type, behind the name those of the member.
    own: list[str] = list(before[0])
    if tail is not None and not tail[1]:
        own += tail[0]
        inner = _of_body(tree, text[brace + 1 : close], path, kind[1], tuple(own), abi, depth + 1)
        if not before[1]:  # with a tag and no name it declares no member, but for -fms-extensions
            yield _Placed("", inner)
        else:
            raise UnknownTypeError(f"{kind[1]} {before[1][0]} is nested without a name")
        return
    first = re.match(r"\s*", rest)
    lead = tokens(rest, first.end() if first else 0)
    word = next(lead, None)
    if word is not None and word.word and attribute(word.text):
        raise UnknownTypeError("attributes stand between a nested type and its name")
    inner = _of_body(tree, text[brace + 1 : close], path, kind[1], tuple(own), abi, depth + 1)
    for head in heads(f"struct _ {rest}", 0, len(rest) + 9):
        yield _Placed(
            head.name,
            _member(tree, head, inner, path, abi, depth),
            _forced(tree, head.attributes, path, abi, depth),
        )


def _forced(tree: Snapshot, attributes: tuple[str, ...], path: str, abi: _Abi, depth: int) -> int | None:
    """The alignment that a member's attributes ask for: 0 for packed, None for the natural one."""
    packed, aligned = _alignment(tree, attributes, path, abi, depth)
    if packed and aligned:
        raise UnknownTypeError("a member is both packed and aligned")
    return 0 if packed else aligned or None


__all__ = [
    "ILP32",
    "LP64",
    "Extent",
    "Layout",
    "Member",
    "Size",
    "element_size",
    "extent_of",
    "layout",
    "leading",
    "member_offset",
    "size_between",
    "type_size",
]
