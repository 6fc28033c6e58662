"""What a C type is to its layout, and how the members of a struct are placed.

Follows gcc's stor-layout.cc for targets that align a bit-field by its type, as all do that are covered; what
would have to be guessed is an error.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

LARGEST = 1 << 40
"""Bytes of a type."""


@dataclass(frozen=True, slots=True)
class Abi:
    """How an architecture lays out what C leaves to it: that of 64-bit kernels, if nothing else is said."""

    long: int = 8
    """Bytes of a ``long`` and of a pointer."""
    wide: int = 8
    """How a member of 64 bits is aligned."""
    biggest: int = 16
    """What ``aligned`` means without a number."""
    anonymous: bool = False
    """Whether bit-fields without a name count for the alignment."""
    long_double: tuple[int, int] | None = (16, 16)
    """The size and alignment of a ``long double``, if they are known."""
    most: int = 16
    """What no scalar type is aligned beyond."""
    loose: int = 0
    """Where a bit-field begins where the last one ends, whatever its type, the bits that one of no width aligns to."""

    def aligned(self, size: int) -> int:
        """How a member of a scalar type of so many bytes is aligned."""
        return min(self.wide if size == 8 else size, self.most)


LP64 = Abi()


class UnknownTypeError(Exception):
    """The type cannot be told; the message says why."""


@dataclass(frozen=True, slots=True)
class Spec:
    """What a declaration says before its names: a type that need not be looked at yet."""

    kind: str
    """``type`` for one that is known, ``tag`` or ``typedef`` for one that has to be found."""
    name: str = ""
    tag: str = ""
    type: Type | None = None


@dataclass(frozen=True, slots=True)
class Mod:
    """What a declarator makes of a type: ``pointer``, ``function`` or ``array`` of a length (-1: none said)."""

    kind: str
    length: int = -1


@dataclass(frozen=True, slots=True)
class Field:
    """A member: those of anonymous structs and unions stand among the others, with ``depth`` above 0."""

    name: str
    offset: int
    """In bytes; of a bit-field, that of the byte that its first bit is in."""
    size: int
    type: Type
    bits: int = -1
    """The width of a bit-field, -1 for others."""
    bit: int = 0
    """The first bit of a bit-field within its byte."""
    text: str = ""
    """Its type in words."""
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Type:
    """A type: ``size`` is -1 for one that is incomplete."""

    kind: str
    """int, float, pointer, record, array, void, function, vector."""
    size: int
    align: int
    signed: bool = True
    fields: tuple[Field, ...] = ()
    own_align: bool = False
    """Its alignment was asked for by an attribute."""
    of: Spec | None = None
    mods: tuple[Mod, ...] = ()
    """What a pointer points to or an array consists of."""
    union: bool = False


@dataclass(slots=True)
class Asked:
    """What the attributes of a declaration or type ask for."""

    packed: bool = False
    align: int = 0
    vector: int = 0
    mode: str = ""
    randomized: bool = False

    def add(self, other: Asked) -> None:
        """Take over what another list of attributes asks for."""
        self.packed |= other.packed
        self.align = max(self.align, other.align)
        self.vector = self.vector or other.vector
        self.mode = self.mode or other.mode
        self.randomized |= other.randomized


@dataclass(slots=True)
class Placing:
    """A struct or union as far as it is placed, in bits."""

    union: bool
    packed: bool
    pack: int
    anonymous: bool
    """Whether bit-fields without a name count for the alignment."""
    loose: int = 0
    """As of an ``Abi``."""
    at: int = 0
    end: int = 0
    align: int = 8
    fields: list[Field] = field(default_factory=list)

    def member(self, name: str, type_: Type, asked: Asked, text: str) -> None:
        """Place a member that is no bit-field."""
        if type_.kind in ("function", "void") or (type_.size < 0 and type_.kind != "array"):
            raise UnknownTypeError(f"the member {name} has an incomplete type")
        packed = self.packed or asked.packed
        align = type_.align * 8
        if packed:
            align = asked.align * 8 if asked.align else 8
        elif asked.align:
            align = max(align, asked.align * 8)
        if self.pack:
            align = min(align, self.pack * 8)
        at = 0 if self.union else -(-self.at // align) * align
        size = max(type_.size, 0)
        self.align = max(self.align, align)
        self.at = at + size * 8
        self.end = max(self.end, self.at)
        if name:
            self.fields.append(Field(name, at // 8, size, type_, text=text))
        else:
            self.fields += [
                replace(each, offset=at // 8 + each.offset, depth=each.depth + 1) for each in type_.fields
            ]

    def bits(self, name: str, type_: Type, width: int, asked: Asked, text: str) -> None:
        """Place a bit-field."""
        if type_.kind != "int" or type_.own_align or asked.align or type_.size > 8:
            raise UnknownTypeError(f"the bit-field {name or width} is not plain")
        if width > type_.size * 8 or width < 0 or (name and not width):
            raise UnknownTypeError(f"the bit-field {name} is too wide")
        unit = type_.align * 8
        at = 0 if self.union else self.at
        packed = self.packed or asked.packed
        if self.loose:
            if width == 0:  # packed or not
                at = -(-at // self.loose) * self.loose
                self.align = max(self.align, self.loose)
        elif width == 0 or (
            not (packed or self.pack) and (at % unit + width + unit - 1) // unit > type_.size * 8 // unit
        ):
            at = -(-at // unit) * unit
        if not self.loose and (name or self.anonymous):
            if width == 0 or not (self.pack or packed):
                self.align = max(self.align, unit)
            elif self.pack:
                self.align = max(self.align, min(unit, self.pack * 8))
        self.at = at + width
        self.end = max(self.end, self.at)
        if name:
            self.fields.append(Field(name, at // 8, type_.size, type_, width, at % 8, text))

    def done(self, align: int) -> Type:
        """The type that the members make."""
        whole = max(self.align, align * 8)
        size = -(-self.end // whole) * whole // 8
        if size > LARGEST:
            raise UnknownTypeError("a type is too large")
        return Type(
            "record", size, whole // 8, fields=tuple(self.fields), own_align=align > 0, union=self.union
        )
