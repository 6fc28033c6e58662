"""What C asserts of sizes and offsets: which assertions there are, and whether they hold."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checkseries.facts.c_assert import Assertion, about, assertions_in, judged, named
from checkseries.facts.c_layout import ILP32
from checkseries.facts.c_unit import types
from checkseries.facts.unit import Configuration
from checkseries.tree import MemoryTree, Snapshot

PATH = "drivers/net/a.c"
FRAME = "struct frame {\n\t__le32 kind;\n\tvoid *next;\n\tu8 payload[8];\n};\n"
PACKET = "struct packet {\n\tspinlock_t lock;\n\tchar cb[48] __aligned(8);\n};\n"


def tree(text: str, **others: str) -> Snapshot:
    files = {PATH: text, "include/linux/packet.h": PACKET, **others}
    return Snapshot.of(MemoryTree({path: each.encode() for path, each in files.items()}))


def only(text: str) -> tuple[Snapshot, Assertion]:
    snapshot = tree(text)
    (found,) = assertions_in(snapshot, PATH)
    return snapshot, found


def said(text: str, abi: str = "lp64") -> tuple[bool | None, str]:
    found = judged(*only(FRAME + text), abi)
    return found.holds, found.said


@pytest.mark.parametrize(
    ("text", "holds", "shown"),
    [
        ("static_assert(sizeof(struct frame) == 24);", True, "24 == 24"),
        ('_Static_assert(sizeof(struct frame) == 16, "16, not more");', False, "24 == 16"),
        ("static_assert(offsetof(struct frame, payload) == 2 * sizeof(u64));", True, "16 == 16"),
        ("static_assert(offsetofend(struct frame, payload) == sizeof(struct frame));", True, "24 == 24"),
        ("static_assert(!(sizeof_field(struct frame, payload) != 8));", True, "8 != 8"),
        (
            (
                "struct outer { u8 x; struct { u8 y; struct frame z; } in; };\n"
                "static_assert(offsetof(struct outer, in.z.payload) == 32);"
            ),
            True,
            "32 == 32",
        ),
        (
            (
                "#pragma pack(push, 1)\nstruct tight { u8 x; u64 y; struct frame z; };\n#pragma pack(pop)\n"
                "static_assert(sizeof(struct tight) == 33);"
            ),
            True,
            "33 == 33",
        ),
        (
            (
                "#pragma pack(2)\n#pragma pack()\nstruct loose { u8 x; u64 y; };\n"
                "static_assert(sizeof(struct loose) == 16);"
            ),
            True,
            "16 == 16",
        ),
        ("static_assert(IS_ALIGNED(sizeof(struct frame), 16));", False, "8 == 0"),
        ("#define LENGTH (3 << 3)\nstatic_assert(sizeof(struct frame) <= LENGTH);", True, "24 <= 24"),
        (
            "int f(void) { BUILD_BUG_ON(sizeof(struct frame) % 8); return 0; }",
            True,
            "sizeof ( struct frame ) % 8",
        ),
        (
            "int f(struct frame *of) { struct frame own; BUILD_BUG_ON(sizeof(*of) != sizeof(own)); }",
            True,
            "24 != 24",
        ),
        (
            "int f(struct packet *of) { BUILD_BUG_ON_MSG(sizeof(struct frame) > sizeof(of->cb), x); }",
            True,
            "24 > 48",
        ),
        ("#define FIT(x) BUILD_BUG_ON(sizeof(struct x) > 16)\nint f(void) { FIT(frame); }", False, "24 > 16"),
    ],
)
def test_assertions_hold_or_do_not(text: str, holds: bool, shown: str) -> None:
    assert said(text) == (holds, shown)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("static_assert(sizeof(struct frame) == LENGTH);", "no value of LENGTH was found"),
        ("static_assert(sizeof(struct packet) == 56);", "no single typedef spinlock_t was found"),
        ("static_assert(sizeof(struct none) == 56);", "no single definition of struct none was found"),
        ("static_assert(offsetof(struct frame, payload[2]) == 18);", "offsetof is not plain"),
        ("int f(void) { u8 x[4]; BUILD_BUG_ON(sizeof(x) != 4); }", "the type of x is not known"),
        ("int f(const u8 (*x)[4]) { BUILD_BUG_ON(sizeof(*x) != 4); }", "the type of x is not known"),
        (
            "#ifdef CONFIG_X\n#pragma pack(1)\n#endif\nstruct t { u8 x; };\nstatic_assert(sizeof(struct t) == 1);",
            "drivers/net/a.c has a #pragma pack that is not understood",
        ),
        (
            "struct t { u8 x;\n#pragma pack(1)\nu32 y; };\nstatic_assert(sizeof(struct t) == 5);",
            "a directive stands within the type",
        ),
        ("static_assert(sizeof(struct frame) == (1 << 80));", "a shift is out of range"),
    ],
)
def test_what_is_not_known_says_why(text: str, why: str) -> None:
    assert said(text) == (None, why)


def test_an_abi_may_decide() -> None:
    assert said("static_assert(sizeof(struct frame) == 16);", ILP32) == (True, "16 == 16")


LOCKED = """\
typedef struct {
	u32 owner;
#ifdef CONFIG_DEBUG_LOCK
	u64 name, file;
#endif
} lock_t;
struct control {
	lock_t lock;
#ifdef CONFIG_SUM
	u64 sum;
#endif
	u32 flags[2];
};
"""


@pytest.mark.parametrize(
    ("compared", "holds", "shown"),
    [
        ("sizeof(struct control) <= 40", True, "at least 40 >= at most 40"),
        (
            "sizeof(struct control) > 39",
            None,
            "the definitions of a struct in drivers/net/a.c under #if do not agree",
        ),
        ("sizeof(struct control) < 12", False, "at most 12 > at least 12"),
        ("sizeof(struct control) >= 12", True, "at least 12 >= 12"),
        ("sizeof(struct control) + 1 > 12", True, "at least 13 > 12"),
        (
            "sizeof(struct control) - 1 < 48",
            None,
            "the definitions of a struct in drivers/net/a.c under #if do not agree",
        ),
        (
            "sizeof(struct control) == 12",
            None,
            "the definitions of a struct in drivers/net/a.c under #if do not agree",
        ),
        (
            "2 * sizeof(struct control) > sizeof(struct frame) - 8",
            None,
            "the definitions of a struct in drivers/net/a.c under #if do not agree",
        ),
        (
            "2 * sizeof(struct control) > sizeof(struct frame)",
            None,
            "the definitions of a struct in drivers/net/a.c under #if do not agree",
        ),
        ("3 * sizeof(struct control) > sizeof(struct frame)", True, "at least 36 > 24"),
    ],
)
def test_a_size_may_be_known_to_lie_between_two(compared: str, holds: bool | None, shown: str) -> None:
    assert said(f"{LOCKED}static_assert({compared});") == (holds, shown)


@pytest.mark.parametrize(
    ("text", "doubt"),
    [
        ("#ifdef CONFIG_X\nstatic_assert(sizeof(struct frame) == 24);\n#endif", "it is compiled if CONFIG_X"),
        ("int f(int x) { if (x)\n BUILD_BUG_ON(sizeof(struct frame) == 24); }", "a condition rules it"),
        (
            "int f(int x) { if (!IS_ENABLED(CONFIG_X)) return 0; BUILD_BUG_ON(sizeof(struct frame) == 24); }",
            "a condition of the configuration stands before it",
        ),
        ("BUILD_BUG_ON(sizeof(struct frame) == 24);", "it stands in no function"),
        ("int f(int x) { g(x); BUILD_BUG_ON(sizeof(struct frame) == 24); }", ""),
    ],
)
def test_what_may_not_be_compiled_says_why(text: str, doubt: str) -> None:
    assert only(FRAME + text)[1].doubt == doubt


def test_only_sizes_are_looked_at() -> None:
    assert assertions_in(tree("static_assert(1 == 1);\nint x = sizeof(int);\n"), PATH) == ()
    assert assertions_in(tree("#define A(x) static_assert(sizeof(x) == 1)\n"), PATH) == ()
    assert assertions_in(tree(""), "drivers/none.c") == ()


def test_what_an_assertion_speaks_of() -> None:
    snapshot, found = only(
        f"{FRAME}int f(struct packet *p, union u *u) {{ BUILD_BUG_ON(sizeof(struct frame) > sizeof(p->cb)); }}\n"
    )
    assert about(snapshot, found) == {"struct frame", "struct packet"}
    assert named(snapshot, found, "struct packet") == {"spinlock_t", "frame"}


SIZES = ("u8", "u16", "u32", "u64", "long", "void *")


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from(SIZES), min_size=1, max_size=8), st.booleans())
def test_units_come_to_the_same(members: list[str], packed: bool) -> None:
    typedefs = "".join(
        f"typedef unsigned {of} u{bits};\n"
        for bits, of in ((8, "char"), (16, "short"), (32, "int"), (64, "long long"))
    )
    body = "".join(f"\t{each} m{number};\n" for number, each in enumerate(members))
    mark = " __attribute__((packed))" if packed else ""
    text = f"{typedefs}struct a {{\n{body}}}{mark};\n"
    values = Configuration("test", (("64BIT", "y"), ("GCC_VERSION", "120200")))
    found = types(tree(text), PATH, "arm64", values).named("struct a")
    last = found.fields[-1]
    lines = [
        f"static_assert(sizeof(struct a) == {found.size});",
        f"static_assert(offsetof(struct a, {last.name}) == {last.offset});",
        f"static_assert(sizeof(struct a) == {found.size + 1});",
    ]
    snapshot = tree(text + "\n".join(lines) + "\n")
    assert [judged(snapshot, each).holds for each in assertions_in(snapshot, PATH)] == [True, True, False]
