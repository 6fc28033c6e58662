"""A file as the compiler sees it: what is included and compiled, what macros are, and what is left in doubt."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import pytest

from checkseries.facts.c_unit import constants, types, unit
from checkseries.facts.unit import Configuration, Unit
from checkseries.facts.unit_type import UnknownTypeError
from checkseries.tree import MemoryTree, Snapshot

PLAIN = (("64BIT", "y"), ("GCC_VERSION", "140200"))
NOTHING: Mapping[str, str] = MappingProxyType({})
COMPILER = (
    "#define __packed __attribute__((__packed__))\n#define __aligned(x) __attribute__((__aligned__(x)))\n"
)


def tree(files: Mapping[str, str]) -> Snapshot:
    """A tree of files by their paths, and the attributes that all know."""
    return Snapshot.of(MemoryTree({"include/linux/compiler_types.h": COMPILER, **files}))


def seen(text: str, others: Mapping[str, str] = NOTHING) -> Unit:
    """The unit of a text under a plain configuration."""
    return unit(tree({"kernel/a.c": text, **others}), "kernel/a.c", "arm64", Configuration("test", PLAIN))


def size(
    text: str, name: str, values: tuple[tuple[str, str], ...] = (), others: Mapping[str, str] = NOTHING
) -> int | str:
    """The size of a type, or why it is not known."""
    snapshot = tree({"kernel/a.c": text, **others})
    try:
        return (
            types(snapshot, "kernel/a.c", "arm64", Configuration("test", (*PLAIN, *values))).named(name).size
        )
    except UnknownTypeError as error:
        return str(error)


def paths(found: Unit) -> list[str]:
    return [visit.path for visit in found.visits]


def test_headers_are_those_that_kbuild_finds_first() -> None:
    others = {
        "arch/arm64/include/asm/own.h": "#include <asm-generic/own.h>\n",
        "include/asm-generic/own.h": "",
        "include/asm-generic/made.h": "#include <uapi/asm-generic/made.h>\n",
        "include/uapi/asm-generic/made.h": "",
        "include/asm-generic/Kbuild": "mandatory-y += made.h\nmandatory-y += own.h\n",
        "include/uapi/linux/public.h": "",
        "include/linux/public.h": "#include <uapi/linux/public.h>\n",
        "kernel/near.h": "",
        "include/near.h": "",
    }
    text = '#include <asm/own.h>\n#include <asm/made.h>\n#include <linux/public.h>\n#include "near.h"\n'
    found = seen(text, others=others)
    assert paths(found) == [
        "include/linux/compiler_types.h",
        "kernel/a.c",
        "arch/arm64/include/asm/own.h",
        "include/asm-generic/own.h",
        "include/asm-generic/made.h",
        "include/uapi/asm-generic/made.h",
        "include/linux/public.h",
        "include/uapi/linux/public.h",
        "kernel/near.h",
    ]
    assert found.missing == ()


def test_a_header_is_read_once_and_one_without_guard_again() -> None:
    others = {
        "include/once.h": "#ifndef _ONCE_H\n#define _ONCE_H\n#endif\n",
        "include/pragma.h": "#pragma once\n",
        "include/again.h": "",
        "include/next.h": "#include_next <next.h>\n",
    }
    found = seen("".join(f"#include <{name}.h>\n" * 2 for name in ("once", "pragma", "again")), others=others)
    assert paths(found)[2:] == ["include/once.h", "include/pragma.h", "include/again.h", "include/again.h"]


@pytest.mark.parametrize(
    ("condition", "held"),
    [
        ("CONFIG_A", True),
        ("defined(CONFIG_M)", False),
        ("defined CONFIG_M_MODULE && CONFIG_N == 0x10", True),
        ("BIG > 1 && -1 < 0u", False),
        ("BIG > 1 || (1 ? 2 : x y)", None),
        ("__has_attribute(__fallthrough__) && !__has_attribute(__overloadable__)", True),
        ("defined(MODULE) && 0", False),
        ("defined(__aarch64__) && __SIZEOF_LONG__ == 8 && __GNUC__ >= 14", True),
        ("EMPTY + 1", True),
        ("NOT_SEEN(1)", None),
        ("1 / 0", None),
    ],
)
def test_conditions(condition: str, held: bool | None) -> None:
    text = f"#define BIG (1 << 3)\n#define EMPTY\n#if {condition}\nstruct a {{ int x; }};\n#else\nstruct a {{ long x; }};\n#endif\n"
    values = (("A", "y"), ("M", "m"), ("N", "0x10"))
    found = size(text, "struct a", values)
    assert (found if isinstance(found, int) else None) == {True: 4, False: 8, None: None}[held]


def test_what_only_a_build_makes_is_doubted() -> None:
    text = "#include <generated/timeconst.h>\n#ifdef HZ_TO_MSEC_NUM\n#define N 2\n#else\n#define N 3\n#endif\nstruct a { char x[N]; };\nstruct b { int x; };\n"
    assert (
        size(text, "struct a")
        == "the macro N: whether HZ_TO_MSEC_NUM is defined: generated/timeconst.h may define it"
    )
    assert size(text, "struct b") == 4


def test_an_unknown_header_may_define_anything_but_guards() -> None:
    others = {"include/b.h": "#ifndef _B_H\n#define _B_H\nstruct b { int x; };\n#endif\n"}
    text = "#include <strange.h>\n#include <b.h>\n#ifdef STRANGE\nstruct a { int x; };\n#else\nstruct a { long x; };\n#endif\n"
    assert size(text, "struct b", others=others) == 4
    assert size(text, "struct a", others=others) == "whether STRANGE is defined: strange.h may define it"


def test_what_makefiles_define_is_doubted_if_they_count() -> None:
    makefiles = {
        "Makefile": "KBUILD_CFLAGS += -DLOUD\ninclude-$(CONFIG_RAND) += scripts/Makefile.rand\n",
        "scripts/Makefile.rand": "cflags-y += -DRAND\n",
        "kernel/Makefile": "KBUILD_AFLAGS += -DASSEMBLED\nobj-y += a.o\n",
    }
    for name, values, known in (
        ("LOUD", (), False),
        ("RAND", (), True),
        ("RAND", (("RAND", "y"),), False),
        ("ASSEMBLED", (), True),
        ("MODULE", (), True),
    ):
        text = f"#ifndef {name}\nstruct a {{ int x; }};\n#endif\n"
        assert (size(text, "struct a", values, others=makefiles) == 4) is known, name


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("PLAIN", (), 4),
        ("GIVEN", (), 8),
        ("LOUD", (), 4),
        ("LOUD", (("VERBOSE", "y"),), 8),
        ("MODULAR", (("VERBOSE", "m"),), 4),
        ("CHOSEN", (("VERBOSE", "y"),), 8),
        ("CHOSEN", (), 4),
        ("GONE", (), 4),
        ("COMPUTED", (), None),
        ("VARIABLE", (), None),
        ("OTHERS", (), 4),
        ("OWN", (), None),
        ("ABOVE", (), 4),
        ("BELOW", (), 8),
        ("TWICE", (), None),
    ],
)
def test_what_a_directory_defines_for_its_own_files_is_known(
    name: str, values: tuple[tuple[str, str], ...], expected: int | None
) -> None:
    makefiles = {
        "drivers/Makefile": "obj-y += pot/\nccflags-y += -DABOVE\nsubdir-ccflags-y += -DBELOW -DTWICE=1\n",
        "drivers/pot/Makefile": "obj-y += a.o b.o\nccflags-y += -DGONE\nccflags-y := -DGIVEN -DTWICE=2\n"
        "ccflags-$(CONFIG_VERBOSE) += -DLOUD\nccflags-$(CONFIG_VERBOSE) += -DMODULAR\n"
        "ifdef CONFIG_VERBOSE\nccflags-y += -DCHOSEN\nendif\nifdef SOMETHING\nccflags-y += -DCOMPUTED\nendif\n"
        "flags := -DVARIABLE\nCFLAGS_a.o += -DOWN\nCFLAGS_b.o += -DOTHERS\n",
    }
    text = f"#ifdef {name}\nstruct a {{ long x; }};\n#else\nstruct a {{ int x; }};\n#endif\n"
    snapshot = tree({"drivers/pot/a.c": text, **makefiles})
    found = types(snapshot, "drivers/pot/a.c", "arm64", Configuration("test", (*PLAIN, *values)))
    if expected is not None:
        assert found.named("struct a").size == expected
        return
    with pytest.raises(UnknownTypeError, match="the command line decides on it"):
        found.named("struct a")


BOARDS = {
    "arch/mips/Makefile": "cflags-y += -G 0\n"
    "include $(srctree)/arch/mips/Kbuild.platforms\n"
    "cflags-y += -I$(srctree)/arch/mips/include/asm/mach-generic\n",
    "arch/mips/Kbuild.platforms": "platform-$(CONFIG_TEAPOT) += teapot/\nplatform-$(CONFIG_KETTLE) += kettle/\n"
    "include $(patsubst %/, $(srctree)/arch/mips/%/Platform, $(platform-y))\n",
    "arch/mips/teapot/Platform": "cflags-$(CONFIG_TEAPOT) += \\\n\t-I$(srctree)/arch/mips/include/asm/mach-teapot -DSPOUT\n",
    "arch/mips/kettle/Platform": "ifdef CONFIG_LID\ncflags-$(CONFIG_KETTLE) += -I$(srctree)/arch/mips/include/asm/mach-kettle\nendif\n",
    "arch/mips/include/asm/mach-teapot/spaces.h": "#define CUPS 8\n",
    "arch/mips/include/asm/mach-kettle/spaces.h": "#define CUPS 16\n",
    "arch/mips/include/asm/mach-generic/spaces.h": "#define CUPS 2\n",
}


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ((), 2),
        ((("TEAPOT", "y"),), 8),
        ((("KETTLE", "y"),), "a condition in arch/mips/kettle/Platform decides on"),
    ],
)
def test_the_headers_of_a_board_are_found_where_the_makefile_of_the_architecture_says(
    chosen: tuple[tuple[str, str], ...], expected: int | str
) -> None:
    snapshot = tree({"kernel/a.c": "#include <spaces.h>\nstruct a { char x[CUPS]; };\n", **BOARDS})
    found = types(snapshot, "kernel/a.c", "mips", Configuration("test", (*PLAIN, *chosen)))
    if isinstance(expected, int):
        assert found.named("struct a").size == expected
    else:
        with pytest.raises(UnknownTypeError, match=expected):
            found.named("struct a")


def test_what_a_board_defines_is_doubted_where_it_is_chosen() -> None:
    text = "#ifdef SPOUT\nstruct a { long x; };\n#else\nstruct a { int x; };\n#endif\n"
    snapshot = tree({"kernel/a.c": text, **BOARDS})
    plain = types(snapshot, "kernel/a.c", "mips", Configuration("test", PLAIN))
    assert plain.named("struct a").size == 4
    chosen = types(snapshot, "kernel/a.c", "mips", Configuration("test", (*PLAIN, ("TEAPOT", "y"))))
    with pytest.raises(UnknownTypeError, match="the command line decides on it"):
        chosen.named("struct a")


def test_pragma_pack_holds_until_it_is_popped() -> None:
    header = {"include/packed.h": "#pragma pack(push, 1)\n"}
    text = (
        "#include <packed.h>\nstruct a { char x; int y; };\n#pragma pack(2)\nstruct b { char x; int y; };\n"
        "#pragma pack(pop)\nstruct c { char x; int y; };\n#pragma pack(N)\nstruct d { int x; };\n"
    )
    assert [size(text, f"struct {tag}", others=header) for tag in "abcd"] == [
        5,
        6,
        8,
        "#pragma pack is not understood",
    ]


def test_macros_make_types() -> None:
    text = """\
#define LOCKED(name, members...) struct name { members int locked; }
#define COUNTED(what) typedef struct what##_count { long n; } what##_count_t;
#define GROUP(tag, name, members...) union { struct { members }; struct tag { members } name; }
LOCKED(box, char c; short s[2];);
COUNTED(page)
struct outer { int a; GROUP(inner, whole, char x; int y;); page_count_t count; };
"""
    assert [size(text, name) for name in ("struct box", "page_count_t", "struct inner", "struct outer")] == [
        12,
        8,
        8,
        24,
    ]


def test_attributes_are_understood_or_named() -> None:
    text = """\
struct a { char c; int i; } __packed;
struct b { char c; int i __packed; long l __aligned(1 << 5); };
struct c { int i __attribute__((mode(DI))); };
struct d { int i __attribute__((strange(2))); };
typedef int v4 __attribute__((vector_size(16)));
struct e { char c; v4 v; };
struct f { char a; struct { char b; long c; } __aligned(16); };
"""
    found = [size(text, f"struct {tag}") for tag in "abcdef"]
    assert found == [5, 64, 8, "the attribute strange is not known", 32, 32]


def test_randomized_types_are_unknown() -> None:
    text = """\
typedef int fn(void);
struct marked { int x; } __attribute__((randomize_layout));
struct operations { int (*open)(void); fn *close; };
struct list { struct list *next; void *owner; };
"""
    values = (("RANDSTRUCT", "y"),)
    assert size(text, "struct marked", values) == "its layout is randomized"
    assert size(text, "struct operations", values) == "its layout is randomized: it has nothing but functions"
    assert size(text, "struct list", values) == 16
    assert size(text, "struct operations") == 16


def test_two_definitions_are_one_too_many_but_those_in_functions_are_not() -> None:
    text = "struct a { int x; };\nint f(void)\n{\n\tstruct a { long x[4]; } y;\n\treturn sizeof(y);\n}\n"
    assert size(text, "struct a") == 4
    assert size(f"{text}struct a {{ int x; }};\n", "struct a") == "struct a is defined more than once"
    assert size(text, "struct b") == "struct b is not defined"


def test_values_of_constants() -> None:
    text = """\
#define DEFINE(sym, val) asm volatile("->" #sym : : "i" (val))
#define OFFSET(sym, str, mem) DEFINE(sym, __builtin_offsetof(struct str, mem))
enum { ONE = 1, MANY = ONE + 40UL, NEXT };
struct in { char c[3]; struct { short s[4]; } x; };
int main(void)
{
	DEFINE(A, sizeof(struct in) / sizeof(short));
	OFFSET(B, in, x.s[2]);
	DEFINE(C, -(1 << 4) | 0x3);
	DEFINE(D, __builtin_constant_p(MANY) ? 63 - __builtin_clzll(NEXT) : undefined_name);
	DEFINE(E, (unsigned char)~0 + (sizeof(((struct in *)0)->x.s) ?: 5));
	DEFINE(F, main);
}
"""
    found = constants(tree({"kernel/a.c": text}), "kernel/a.c", "x86", Configuration("test", PLAIN))
    assert {name: value for name, value in found.items() if name != "F"} == {
        "A": 6,
        "B": 8,
        "C": -13,
        "D": 5,
        "E": 263,
    }
    assert isinstance(found["F"], str)


def test_the_constants_of_bounds_are_computed() -> None:
    others = {
        "kernel/bounds.c": "#define DEFINE(sym, val) asm(val)\nenum { A, B, __NR };\nint main(void) { DEFINE(NR_FLAGS, __NR); }\n"
    }
    text = "#include <generated/bounds.h>\n#if NR_FLAGS > 1\nstruct a { int x[NR_FLAGS]; };\n#endif\n"
    assert size(text, "struct a", others=others) == 8


def test_other_compilers_and_widths_are_not_known() -> None:
    text = "struct a { int x; };\n"
    for arch, values in (("sparc", PLAIN), ("arm64", PLAIN[:1]), ("mips", PLAIN[1:])):
        found = unit(tree({"kernel/a.c": text}), "kernel/a.c", arch, Configuration("test", values))
        assert found.failure == "only kernels of arm64, m68k, mips, riscv and x86 that gcc builds are known"


def test_constants_are_numbers_of_their_own_width_with_a_sign() -> None:
    text = "void f(void) { DEFINE(A, 0x80000000U); DEFINE(B, 0x80000000UL); DEFINE(C, (unsigned char)0xff); DEFINE(D, ~0UL); }\n"
    found = constants(tree({"kernel/a.c": text}), "kernel/a.c", "arm64", Configuration("test", PLAIN))
    assert dict(found) == {"A": -(1 << 31), "B": 1 << 31, "C": -1, "D": -1}


@pytest.mark.parametrize(
    ("arch", "width", "of", "expected"),
    [
        ("x86", "X86_32", "long a; void *b; long long c;", (16, 4)),
        ("x86", "X86_32", "char a; long long c __attribute__((aligned(8)));", (16, 8)),
        ("x86", "X86_32", "char a; double b[2];", (20, 4)),
        ("x86", "X86_32", "char a[__alignof__(long long)];", None),
        ("x86", "X86_32", "char a; long double b;", (16, 4)),
        ("x86", "64BIT", "char a; long long c;", (16, 8)),
        ("x86", "64BIT", "int a;\n#ifdef __i386__\nint b;\n#endif\nint geode;", (8, 4)),
        ("x86", "X86_32", "int a;\n#ifdef __i386__\nint b;\n#endif\n", (8, 4)),
        ("x86", "X86_32", "int a;\n#ifdef __i686__\nint b;\n#endif\n", None),
        ("mips", "32BIT", "char a; long long c;", (16, 8)),
        ("mips", "32BIT", "char a; char b __attribute__((aligned));", (16, 8)),
        ("riscv", "32BIT", "char a; char b __attribute__((aligned));", (32, 16)),
        ("riscv", "32BIT", "__int128 a;", None),
        ("riscv", "32BIT", "char a[sizeof(long) << 1]; __SIZE_TYPE__ b; __UINT64_TYPE__ c;", (24, 8)),
        ("arm64", "32BIT", "int a;", None),
    ],
)
def test_types_of_kernels_with_words_of_32_bits(
    arch: str, width: str, of: str, expected: tuple[int, int] | None
) -> None:
    values = Configuration("test", (("GCC_VERSION", "120200"), (width, "y")))
    found = types(tree({"kernel/a.c": f"struct a {{ {of} }};\n"}), "kernel/a.c", arch, values)
    if expected is not None:
        made = found.named("struct a")
        assert (made.size, made.align) == expected
        return
    with pytest.raises(UnknownTypeError):
        found.named("struct a")


def test_constants_have_their_own_names_though_they_are_macros() -> None:
    text = """#define DEFINE(sym, val) asm(#sym)
#define OFFSET(sym, val) DEFINE(sym, val)
#define LID 3
#define SPOUT LID
struct pot { char c[20]; };
#define ROUND(x, a) __MASK(x, (__typeof__(x))(a) - 1)
#define __MASK(x, mask) (((x) + (mask)) & ~(mask))
void f(void) { DEFINE(LID, LID); DEFINE(SPOUT, SPOUT + 1); OFFSET(CUP, 5); DEFINE(POT, ROUND(sizeof(struct pot), 16)); }
"""
    snapshot = tree({"kernel/a.c": text})
    found = constants(snapshot, "kernel/a.c", "arm64", Configuration("test", PLAIN))
    assert dict(found) == {"LID": 3, "SPOUT": 4, "CUP": 5, "POT": 32}


@pytest.mark.parametrize(
    ("of", "expected"),
    [
        ("sizeof(int)", 8),
        ("sizeof(int) + 1", 8),
        ("(char)1 + (short)2", 4),
        ("(char)1 << 40UL", 4),
        ("1U + 1LL", 8),
        ("1UL == 2UL", 4),
        ("(char)1", 1),
        ("(char *)1 + 1", "typeof: the type of `+` of a pointer is not known"),
    ],
)
def test_the_type_of_an_expression(of: str, expected: int | str) -> None:
    assert size(f"struct a {{ __typeof__({of}) x; }};\n", "struct a") == expected


def test_the_options_of_one_object_are_not_those_of_the_others() -> None:
    makefile = "obj-y += a.o version.o\nCFLAGS_version.o := -include $(obj)/version-tmp.h\n"
    files = {"init/Makefile": makefile, "init/a.c": "int a;\n", "init/version.c": "int b;\n"}
    found = [
        unit(tree(files), path, "arm64", Configuration("test", PLAIN)).failure
        for path in ("init/a.c", "init/version.c")
    ]
    assert found == ["", "init may be compiled for another ABI"]


def test_hostile_files_end() -> None:
    deep = "(" * 5000
    assert isinstance(size(f"struct a {{ int x[{deep}1]; }};\n", "struct a"), str)
    twice = "".join(f"#define A{n} A{n + 1} A{n + 1}\n" for n in range(40)) + "#define A40 int x;\n"
    assert size(f"{twice}struct a {{ A0 }};\n", "struct a") == "macros make too much of a text"
    loop = "#define F(x) G(x)\n#define G(x) F(x)\nstruct a { int F(x); };\n"
    assert isinstance(size(loop, "struct a"), str | int)
    own = "struct a { struct a x; };\ntypedef b b;\nenum { C = D, D = C };\nstruct c { int x[C]; };\n"
    assert [isinstance(size(own, name), str) for name in ("struct a", "b", "struct c")] == [True] * 3
    assert seen('#include "a.c"\n').failure == "too many files are included"
    assert isinstance(size("typedef " * 40_000, "x"), str)
