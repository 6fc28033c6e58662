"""Types that programs share: what they are called, where they lie, and what programs notice of a change."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from checkseries.facts.predefined import PUBLIC
from checkseries.facts.uapi import (
    Shape,
    Shift,
    abis,
    concerned,
    declared,
    numbered,
    parted,
    public,
    shape,
    shifted,
)
from checkseries.tree import MemoryTree, Snapshot

TYPES = "typedef unsigned char __u8; typedef unsigned short __u16; typedef unsigned int __u32;\ntypedef unsigned long long __u64;\n"
PATH = "include/uapi/linux/a.h"
SIZES = {"__u8": 1, "__u16": 2, "__u32": 4, "__u64": 8}


def tree(text: str, **others: str) -> Snapshot:
    files = {PATH: f"#include <linux/types.h>\n{text}", "include/uapi/linux/types.h": TYPES, **others}
    return Snapshot.of(MemoryTree({path: each.encode() for path, each in files.items()}))


def known(text: str, name: str = "struct a", abi: str = "x86-64") -> Shape:
    found = shape(tree(text), PATH, name, abi)
    assert isinstance(found, Shape), found
    return found


def struct(types: list[str]) -> str:
    body = "".join(f"\t{each} m{number};\n" for number, each in enumerate(types))
    return f"struct a {{\n{body}}};\n"


def padded(types: list[str]) -> list[str]:
    """The same members with all their padding said."""
    found: list[str] = []
    at = 0
    for each in [*types, "__u64"]:
        gap = -at % SIZES[each]
        found += ["__u8"] * gap + [each]
        at += gap + SIZES[each]
    return found


members = st.lists(st.sampled_from(sorted(SIZES)), min_size=1, max_size=8)


@settings(max_examples=40, deadline=None)
@given(members)
def test_what_says_its_padding_lies_alike_everywhere(types: list[str]) -> None:
    text = struct(padded(types))
    first = known(text)
    assert all(parted(first, known(text, abi=each.name)) is None for each in PUBLIC)


@settings(max_examples=40, deadline=None)
@given(members, members, st.sampled_from(PUBLIC))
def test_what_is_appended_moves_nothing(types: list[str], more: list[str], abi: object) -> None:
    name = abi.name  # type: ignore[attr-defined]
    old, new = known(struct(types), abi=name), known(struct(types + more), abi=name)
    assert shifted(old, new) is None
    assert new.size >= old.size
    assert shifted(new, old) is None


@settings(max_examples=40, deadline=None)
@given(members, st.sampled_from(sorted(SIZES)), st.sampled_from(PUBLIC))
def test_what_is_put_first_moves_the_next(types: list[str], first: str, abi: object) -> None:
    name = abi.name  # type: ignore[attr-defined]
    text = struct(types)
    found = shifted(known(text, abi=name), known(text.replace("{\n", f"{{\n\t{first} fresh;\n"), abi=name))
    assert found is not None
    assert (found.name, found.before) == ("m0", 0)


def test_i386_aligns_64_bits_to_32() -> None:
    text = struct(["__u32", "__u64"])
    assert [known(text, abi=each).size for each in ("x86-64", "i386", "arm", "mips o32", "riscv32")] == [
        16,
        12,
        16,
        16,
        16,
    ]
    assert parted(known(text), known(text, abi="i386")) == "m1"


def test_longs_and_pointers_have_the_width_of_the_abi() -> None:
    text = "struct a { void *p; unsigned long n[sizeof(long)]; char c; };\n"
    assert (known(text).size, known(text, abi="arm").size) == (80, 24)


def test_padding_may_move_and_what_is_empty() -> None:
    old = known("struct a { __u32 x; __u32 reserved[4]; char end[]; };\n")
    new = known("struct a { __u32 x, y; __u32 reserved[4]; __u32 z; char end[]; };\n")
    assert shifted(old, new) is None
    assert shifted(
        known("struct a { __u32 x, keypad; };\n"), known("struct a { __u32 x, y, keypad; };\n")
    ) == Shift("keypad", 32, 64)


def test_headers_are_seen_as_they_are_installed() -> None:
    text = """\
#include <linux/compiler.h>
#include <stdint.h>
#ifdef __KERNEL__
#define LENGTH 1
#else
#include <sys/socket.h>
#define LENGTH 2
#endif
struct a { uint64_t x[LENGTH]; char __user *p; } __packed;
struct b { struct sockaddr s; };
#ifdef __USE_MISC
struct c { int x; };
#endif
"""
    assert (known(text).size, known(text, abi="i386").size) == (24, 20)
    assert shape(tree(text), PATH, "struct b", "x86-64") == "struct sockaddr is not defined"
    assert "stdint.h may define it" in str(shape(tree(text), PATH, "struct c", "x86-64"))
    assert "has no" in str(shape(tree(text), "include/uapi/linux/none.h", "struct c", "x86-64"))


def test_types_are_called_as_in_c() -> None:
    text = """\
struct a { union { int x; struct { int y; } z; } inner; };
typedef struct { int x; } b_t;
typedef union c { int x; } c_t;
union d;
typedef struct { int x; } __attribute__((packed, aligned(4))) e_t;
static inline struct a *get(struct a *of) { return of; }
typedef struct { int x; } ________________________________________________________________________________
"""
    found = declared(tree(text), PATH)
    assert list(found) == ["struct a", "b_t", "union c", "e_t"]
    assert (found["b_t"].line, found["b_t"].symbol) == (3, "b_t")
    assert known(text, "b_t").size == 4


def test_numbers_have_sizes_in_them() -> None:
    text = "#define A_GET _IOWR('a', 1, struct a)\n#define B_GET MY_IOWR(2, struct b)\n#define C_GET _IO('c', 3)\n"
    found = numbered(tree(text), PATH)
    assert found["a"].symbol == "A_GET"
    assert found["a"].line == 2
    assert "b" not in found
    assert "c" not in found


def test_a_change_concerns_what_rests_on_it() -> None:
    text = "#define LENGTH 4\nstruct a { int x[LENGTH]; };\nstruct b { struct a a; };\nstruct c { int x; };\n"
    base = tree(text)
    data = base.peek(PATH)
    assert data is not None

    def after(old: bytes, new: bytes) -> frozenset[str]:
        start = tree(text)
        return concerned(start, start.after({PATH: data.replace(old, new)}), PATH)

    assert after(b"LENGTH 4", b"LENGTH 5") == {"struct a", "struct b"}
    assert after(b"int x[", b"long x[") == {"struct a", "struct b"}
    assert after(b"c { int", b"c { /* one */ int") == frozenset()
    assert after(b"struct c", b"#pragma pack(1)\nstruct c") == {"struct a", "struct b", "struct c"}


def test_public_headers_and_their_abis() -> None:
    assert public(PATH)
    assert public("arch/x86/include/uapi/asm/a.h")
    assert not public("include/linux/a.h")
    assert not public("tools/include/uapi/linux/a.h")
    assert {each.arch for each in abis(PATH)} == {"arm", "arm64", "mips", "riscv", "x86"}
    assert [each.name for each in abis("arch/x86/include/uapi/asm/a.h")] == ["x86-64", "i386"]
