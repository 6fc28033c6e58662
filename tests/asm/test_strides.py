"""By how many bytes assembly steps through a table."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from checkseries.facts.asm import Stride, asm_constants, asm_sites, asm_symbols, strides
from checkseries.tree import MemoryTree, Snapshot

Steps = Callable[..., tuple[Stride, ...]]


@pytest.mark.parametrize(
    ("code", "size"),
    [
        ("ldr x3, [x1, x19, lsl #3]", 8),
        ("ldr x3, [x1, x19, lsl #2]", 4),
        ("ldr w3, [x1, w19, uxtw #2]", 4),
        ("ldr x3, [x1, w19, sxtw 3]", 8),
        ("lsl x3, x19, #4\nadd x0, x1, x3", 16),
        ("lsl w3, w19, #4; add x0, x1, x3", 16),
        ("add x0, x1, x19, lsl #4", 16),
        ("add x0, x1, w19, uxtw #4", 16),
        ("mov x4, x19\nlsl x3, x4, #3\nadd x1, x1, x3, lsl #1", 16),
        ("add x3, x19, x19, lsl #1\nlsl x3, x3, #3\nadd x0, x1, x3", 24),
        ("mov x4, #24\nmadd x0, x19, x4, x1", 24),
        ("mov w4, #(3 << 3)\numaddl x0, w19, w4, x1", 24),
        ("mov x4, #24\nmul x4, x4, x19\nadd x1, x4, x1", 24),
        ("mov x4, #4\nlsl x3, x19, x4\nadd x0, x1, x3", 16),
        ("ubfiz x3, x19, #4, #12\nadd x0, x1, x3", 16),
        ("lsl x3, x19, #6\nsub x3, x3, x19, lsl #3\nadd x0, x3, x1", 56),
        ("lsl x3, x19, #(1 + 1 << 1)\nadd x0, x1, x3", 8),
        ("str x3, [x1, x19, lsl #3]", 8),
        ("lsl x3, x19, #4\nldr x4, [x1, x3]", 16),
        ("and x3, x19, #0xff\nlsl x3, x3, #4\nadd x0, x1, x3", 16),
        ("ubfx x3, x19, #8, #4\nadd x0, x1, x3, lsl #4", 16),
        ("and x3, x19, #~7\nadd x0, x1, x3, lsl #1\nldr x2, [x0]", None),
        ("ldr x2, [x1, x19]", None),
        ("orr x0, x1, x19, lsl #3\nldr x2, [x0]", None),
        ("frobnicate x3\nadd x0, x1, x19, lsl #4\nldr x2, [x0]", None),
        ("bl elsewhere\nadd x0, x1, x19, lsl #4\nldr x2, [x0]", None),
        ("lsl x3, x19, #UNHEARD_OF\nadd x0, x1, x3", None),
        ("lsl x3, x19, #70\nadd x0, x1, x3\nldr x2, [x0]", None),
    ],
)
def test_one_step(steps: Steps, code: str, size: int | None) -> None:
    found = steps(f"SYM_FUNC_START(f)\n\tadr_l x1, table\n{code}\n\tret\nSYM_FUNC_END(f)\n")
    assert {each.bytes for each in found} == {size}
    assert all(each.why_unknown for each in found if each.bytes is None)


def test_an_address_moved_twice_is_known_as_far_as_it_is(steps: Steps) -> None:
    code = "adr_l x1, table\n lsl x3, x19, #4\n add x1, x1, x3\n add x1, x1, x20, lsl #3\n ldr x2, [x1]\n"
    once, twice = steps(code)
    assert (once.bytes, twice.bytes) == (16, None)
    assert "more than one" in twice.why_unknown


@pytest.mark.parametrize(
    "load",
    [
        "adr_l x1, table",
        "adrp x1, table\n add x1, x1, :lo12:table",
        "adrp x1, table\n add x1, x1, #:lo12:table",
        "ldr x1, =table",
        "adr x1, table",
        "adr_l x2, table; mov x1, x2",
        "adr_l x1, table + 16",
        "adr_l lr, table\n mov x1, x30",
    ],
)
def test_ways_to_load_the_address(steps: Steps, load: str) -> None:
    (found,) = steps(f"{load}\n ldr x3, [x1, x19, lsl #3]\n")
    assert (found.bytes, found.how) == (8, "scaled")


def test_pages_of_two_symbols_do_not_mix(steps: Steps) -> None:
    found = steps("adrp x1, other\n add x1, x1, :lo12:table\n ldr x3, [x1, x19, lsl #3]\n")
    assert [each.bytes for each in found] == [None]


SEARCH = """
SYM_FUNC_START_LOCAL(secondary)
	mrs	x0, mpidr_el1
	adr_l	x1, ids		// one word a CPU
	mov	x19, #0
.Lnext:
	ldr	x3, [x1, x19, lsl #3]
	cmp	x3, x0
	b.eq	.Lfound
	add	x19, x19, #1
	cmp	x19, #NR_CPUS
	b.ne	.Lnext
	b	.
.Lfound:
	adr_l	x0, table
	lsl	x3, x19, #4
	add	x0, x0, x3
	ldr	x2, [x0, #TASK]
	cbz	x2, .
	bl	start
SYM_FUNC_END(secondary)
"""


def test_the_address_loaded_before_a_loop_is_followed_into_it(steps: Steps) -> None:
    (found,) = steps(SEARCH, "ids")
    assert (found.bytes, found.place.line, found.place.symbol) == (8, 7, "secondary")


def test_the_index_found_by_a_loop_scales_another_table(steps: Steps) -> None:
    (found,) = steps(SEARCH)
    assert (found.bytes, found.place.line, found.how) == (16, 16, "scaled")
    assert found.place.text == "\tlsl\tx3, x19, #4"


def test_members_of_the_element() -> None:
    path = "arch/arm64/kernel/try.S"
    tree = Snapshot.of(MemoryTree({path: SEARCH}))
    (member,) = asm_sites(tree, path, None, None).members
    assert (member.symbol, member.constant, member.offset, member.place.line) == ("table", "TASK", None, 18)
    assert {use.symbol for use in asm_symbols(tree, path)} == {"ids", "table"}


@pytest.mark.parametrize(
    ("loop", "size"),
    [
        ("1: ldr x3, [x1], #8\n cbnz x3, 1b", 8),
        ("1: ldr x3, [x1, #24]!\n cbnz x3, 1b", 24),
        ("1: ldr x3, [x1]\n add x1, x1, #16\n cbnz x3, 1b", 16),
        ("1: ldr x3, [x1]\n sub x1, x1, #16\n cbnz x3, 1b", 16),
        ("mov x2, #0\n1: ldr x3, [x1, x2]\n add x2, x2, #12\n cbnz x3, 1b", 12),
        ("mov x2, #0\n1: ldr x3, [x1, x2, lsl #3]\n add x2, x2, #2\n cbnz x3, 1b", None),
        ("1: ldr x3, [x1], #8\n cbz x4, 2f\n add x1, x1, #4\n2: cbnz x3, 1b", None),
        ("1: ldr x3, [x1]\n add x1, x1, x5\n cbnz x3, 1b", None),
        ("1: ldr x3, [x1], #8\n bl elsewhere\n cbnz x3, 1b", None),
        ("1: mov x4, x1\n2: ldr x3, [x4], #8\n cbnz x3, 2b\n add x1, x1, #64\n b 1b", None),
    ],
)
def test_loops(steps: Steps, loop: str, size: int | None) -> None:
    found = steps(f"SYM_FUNC_START(f)\n adr_l x1, table\n{loop}\n ret\n")
    assert {each.bytes for each in found} == {size}
    assert {each.how for each in found} == {"increment" if size else ""}


def test_a_label_that_anybody_may_branch_to_knows_nothing(steps: Steps) -> None:
    text = "adr_l x1, table\n{label}\n ldr x3, [x1, x19, lsl #3]\n"
    assert [each.bytes for each in steps(text.format(label=".Linside:"))] == [8]
    assert [each.bytes for each in steps(text.format(label="SYM_INNER_LABEL(inside, SYM_L_GLOBAL)"))] == [
        None
    ]
    assert [
        each.bytes for each in steps(text.format(label=".Linside:") + "SYM_FUNC_START(g)\n b .Linside\n")
    ] == [None]
    assert [each.bytes for each in steps("adr x7, .Linside\n" + text.format(label=".Linside:"))] == [None]


def test_two_ways_in_that_differ(steps: Steps) -> None:
    found = steps("adr_l x1, table\n cbz x2, 1f\n adr_l x1, other\n1: ldr x3, [x1, x19, lsl #3]\n")
    assert [each.bytes for each in found] == [None]


def test_a_replaced_sequence_may_run_or_not(steps: Steps) -> None:
    text = """adr_l x1, table
    mov x3, #3
    alternative_if ARM64_HAS_THIS
    {first}
    alternative_else
    {second}
    alternative_endif
    lsl x4, x19, x3
    ldr x5, [x1, x4]
    """
    assert [each.bytes for each in steps(text.format(first="mov x3, #4", second="mov x3, #4"))] == [16]
    assert [each.bytes for each in steps(text.format(first="mov x3, #4", second="nop"))] == [None]


# --- conditions


def test_each_branch_of_an_if_is_its_own(steps: Steps) -> None:
    text = """
#ifdef CONFIG_WIDE
	adr_l	x0, table
	lsl	x3, x19, #4
#elif defined(CONFIG_SMALL) && !defined(CONFIG_ODD)
	adr_l	x0, table
	lsl	x3, x19, #3
#else
	adr_l	x0, other
	lsl	x3, x19, #2
#endif
	nop
	add	x0, x0, x3
	ldr	x2, [x0]
"""
    wide, small = steps(text)
    assert (wide.bytes, wide.condition) == (16, "defined(CONFIG_WIDE)")
    assert small.bytes == 8
    assert small.condition == "!defined(CONFIG_ODD) && defined(CONFIG_SMALL) && !defined(CONFIG_WIDE)"
    (other,) = steps(text, "other")
    assert other.bytes == 4


def test_the_same_condition_twice_is_taken_one_way(steps: Steps) -> None:
    text = """
#ifdef CONFIG_A
	mov	x4, #16
#else
	mov	x4, #8
#endif
#ifndef CONFIG_A
	mul	x3, x19, x4
	adr_l	x0, table
	ldr	x2, [x0, x3]
#endif
"""
    (found,) = steps(text)
    assert (found.bytes, found.condition) == (8, "!defined(CONFIG_A)")


def test_conditions_that_do_not_matter_are_not_named(steps: Steps) -> None:
    text = "\n".join(f"#ifdef CONFIG_{each}\n mov x{each}, #1\n#endif" for each in range(4, 8))
    (found,) = steps(f" adr_l x1, table\n{text}\n ldr x3, [x1, x19, lsl #3]\n")
    assert found.condition == ""


def test_many_conditions_do_not_blow_up(steps: Steps) -> None:
    text = "\n".join(f"#ifdef CONFIG_{each}\n mov x4, #{each}\n#endif" for each in range(200))
    assert [each.bytes for each in steps(f" adr_l x1, table\n{text}\n ldr x3, [x1, x19, lsl #3]\n")] == [8]
    assert [
        each.bytes for each in steps(f" adr_l x1, table\n{text}\n lsl x5, x19, x4\n ldr x3, [x1, x5]\n")
    ] == [None]


# --- macros and constants


HEADER = {
    "arch/arm64/include/asm/assembler.h": """
#ifndef __ASSEMBLER__
#error "only for assembly"
#endif
#ifndef __ASM_ASSEMBLER_H
#define __ASM_ASSEMBLER_H
	.macro	adr_l, dst, sym
	adrp	\\dst, \\sym
	add	\\dst, \\dst, :lo12:\\sym
	.endm
	.irp	n,0,1,2,3,19
	wx\\n	.req	w\\n
	.endr
#ifdef CONFIG_BIG
#define ELEMENT_SHIFT 5
	.macro	element, dst, base, index=x19
#else
#define ELEMENT_SHIFT (2 + 2)
	.macro	element, dst, base, index=x19
#endif
	add	\\dst, \\base, \\index, lsl #ELEMENT_SHIFT
	.endm
#endif
"""
}


def test_macros_of_headers_and_their_conditions(steps: Steps) -> None:
    text = "#include <asm/assembler.h>\n adr_l x1, table\n{code}\n ldr x2, [x0]\n"
    assert {each.bytes for each in steps(text.format(code=" element x0, x1"), files=HEADER)} == {None}
    assert [each.bytes for each in steps(text.format(code=" add x0, x1, wx19, uxtw #4"), files=HEADER)] == [
        16
    ]
    under = "#ifdef CONFIG_BIG\n nop\n element x0, x1\n#else\n element x0, x1\n#endif"
    found = steps(text.format(code=under), files=HEADER)
    assert {(each.bytes, each.condition) for each in found} == {
        (32, "defined(CONFIG_BIG)"),
        (16, "!defined(CONFIG_BIG)"),
    }


def test_a_macro_is_followed_to_where_it_stands(steps: Steps) -> None:
    text = """
	.macro	element dst, index, shift=4
	lsl	\\dst, \\index, #\\shift
	adr_l	x9, table
	add	\\dst, \\dst, x9
	.endm
	element	x0, x19
	element	shift=3, dst=x0, index=x2
"""
    assert [(each.bytes, each.place.line) for each in steps(text)] == [(8, 3), (16, 3)]


@pytest.mark.parametrize(
    ("body", "size"),
    [
        (".ifc \\kind, wide\n lsl x3, x19, #4\n .else\n lsl x3, x19, #3\n .endif", 16),
        (".ifnc \\kind, wide\n lsl x3, x19, #4\n .else\n lsl x3, x19, #3\n .endif", 8),
        (".ifb \\none\n lsl x3, x19, #4\n .else\n lsl x3, x19, #3\n .endif", 16),
        (".if 1 << 2 == 4 && 0\n lsl x3, x19, #4\n .elseif 1\n lsl x3, x19, #3\n .endif", 8),
        (".if UNHEARD_OF\n lsl x3, x19, #4\n .else\n lsl x3, x19, #3\n .endif", None),
        (".if UNHEARD_OF\n lsl x3, x19, #4\n .else\n lsl x3, x19, #4\n .endif", 16),
        ("mov x3, x19\n .rept 4\n lsl x3, x3, #1\n .endr", 16),
        ("mov x3, x19\n .rept UNHEARD_OF\n lsl x3, x3, #1\n .endr", None),
        ("mov x3, x19\n .irp by, 1, 2\n lsl x3, x3, #\\by\n .endr", 8),
        (".Lagain\\@: cbz x19, .Lagain\\@\n lsl x3, x19, #4", 16),
        ("lsl x3, x19, #\\()4", 16),
    ],
)
def test_what_macros_can_do(steps: Steps, body: str, size: int | None) -> None:
    text = f" .macro m kind, none\n{body}\n .endm\n m wide\n adr_l x1, table\n ldr x0, [x1, x3]\n"
    assert {each.bytes for each in steps(text)} == {size}


def test_macros_that_call_themselves_end(steps: Steps) -> None:
    (found,) = steps(".macro m\n m\n m\n .endm\n adr_l x1, table\n m\n ldr x0, [x1, x3, lsl #3]\n")
    assert found.bytes is None
    assert "deep" in found.why_unknown


def test_defines_sets_and_register_names(steps: Steps) -> None:
    text = """
#define BASE x1
#define SHIFT UL(4)
#define LOAD(reg, sym) adr_l reg, sym
	index	.req x19
	.set	WIDTH, SHIFT - 1
	LOAD(BASE, table)
	ldr	x3, [BASE, index, lsl #WIDTH]
"""
    assert [each.bytes for each in steps(text)] == [8]
    assert [
        each.bytes for each in steps(text.replace("SHIFT - 1", "SHIFT - 1\n .set WIDTH, UNHEARD_OF"))
    ] == [None]


OFFSETS = """
int main(void)
{
	DEFINE(DATA_SHIFT,	ilog2(sizeof(struct boot_data))); /* DEFINE(DATA_SHIFT, 1) */
	DEFINE(DATA_SIZE,	sizeof(struct boot_data));
	OFFSET(DATA_TASK, boot_data, task);
#ifdef CONFIG_A
	DEFINE(TWICE, 1);
#else
	DEFINE(TWICE, 2);
#endif
}
"""


def sizes(tree: Snapshot, arch: str, expression: str) -> int | None:
    """What C would say of the structure of these tests."""
    assert arch == "arm64"
    return {"sizeof(struct boot_data)": 32, "offsetof(struct boot_data, task)": 8}.get(expression)


def test_constants_of_asm_offsets(steps: Steps) -> None:
    files = {"arch/arm64/kernel/asm-offsets.c": OFFSETS}
    constants = asm_constants(Snapshot.of(MemoryTree(files)), "arm64")
    assert constants == {
        "DATA_SHIFT": "ilog2(sizeof(struct boot_data))",
        "DATA_SIZE": "sizeof(struct boot_data)",
        "DATA_TASK": "offsetof(struct boot_data, task)",
    }
    text = "adr_l x1, table\n lsl x3, x19, #DATA_SHIFT\n add x0, x1, x3\n"
    assert [each.bytes for each in steps(text, files=files, measure=sizes)] == [32]
    (unknown,) = steps(text, files=files)
    assert unknown.bytes is None
    assert "DATA_SHIFT" in unknown.why_unknown
    text = "adr_l x1, table\n mov x4, #DATA_SIZE\n madd x0, x19, x4, x1\n"
    assert [each.bytes for each in steps(text, files=files, measure=sizes)] == [32]


# --- what is not there, not read, not understood


def test_a_file_that_does_not_name_the_symbol_has_no_steps(steps: Steps) -> None:
    assert steps("adr_l x1, other\n ldr x3, [x1, x2, lsl #3] // table\n/* table */\n") == ()
    assert strides(Snapshot.of(MemoryTree({})), "table", "arch/arm64/kernel/none.S", None) == ()


def test_a_symbol_without_a_step_is_unknown(steps: Steps) -> None:
    (found,) = steps(" nop\n adr_l x0, table\n bl clear\n")
    assert (found.bytes, found.place.line) == (None, 2)
    (found,) = steps(" larl %r1, table\n", path="arch/s390/kernel/try.S")
    assert (found.bytes, found.place.line) == (None, 1)
    assert "s390" in found.why_unknown


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\0\xff table\n",
        "#if\n#elif\n#else\n#else\n adr_l x1, table",
        "#endif\n table",
        ".macro\n.macro m\n table",
        ".endm\n.endr\n.endif\n.else\n.popsection\n.previous\n adr_l x1, table\n",
        "/* table",
        '.ascii "table',
        "adr_l x1, table\n ldr x0, [x1, x2, lsl #" + "(" * 5000,
        "adr_l x1, table\n ldr x0, [x1, x2, lsl #" + "-" * 5000 + "1]",
        "adr_l x1, table\n .rept 64\n .rept 64\n .rept 64\n nop\n .endr\n .endr\n .endr\n",
        "#if " + "(" * 5000 + "\n adr_l x1, table\n#endif",
        "\n".join("#ifdef X" for _ in range(500)) + "\n adr_l x1, table\n",
        "table\n" + ".if 1\n" * 5000,
        "table\n" + "b 1f\n" * 3000 + "1:\n",
        "#define table table(table)\n adr_l x1, table\n",
        "#define a b\n#define b a\n adr_l a, table\n",
        "adr_l x1, table\n ldr x0, [x1, x2, lsl #1 << 99999999999]\n mov x3, #1 << (1 << 62)",
        "adr_l x1, table\n mov x3, #" + "9" * 6000,
    ],
)
def test_anything_is_read_without_harm(steps: Steps, text: str) -> None:
    assert all(each.bytes is None for each in steps(text))


def test_the_same_text_elsewhere_gives_the_same_steps(steps: Steps) -> None:
    (before,) = steps(SEARCH)
    (after,) = steps("\n\n// moved\n" + SEARCH)
    assert (after.bytes, after.place.line) == (before.bytes, before.place.line + 3)
