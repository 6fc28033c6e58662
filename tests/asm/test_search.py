"""From where to where a loop of assembly goes through a table."""

from __future__ import annotations

import pytest

from checkseries.facts.asm import asm_sites
from checkseries.tree import MemoryTree, Snapshot

ARM64 = """\
SYM_FUNC_START(find)
	adr_l	x1, ids
	mov	x19, #{first}
.Lnext:
	ldr	x3, [x1, x19, lsl #3]
	cmp	x3, x0
	b.eq	.Lfound
	add	x19, x19, #1
	cmp	x19, #{bound}
	b.{how}	.Lnext
	b	{else_}
.Lfound:
	ret
SYM_FUNC_END(find)
"""
TOP = """\
SYM_FUNC_START(find)
	adr_l	x1, ids
	mov	w19, #0
1:	cmp	w19, #{bound}
	b.{how}	missing
	ldr	x3, [x1, x19, lsl #3]
	add	w19, w19, #1
	cmp	x3, x0
	b.ne	1b
	ret
SYM_FUNC_END(find)
"""
RISCV = """\
SYM_FUNC_START(find)
	la	t1, ids
	li	t2, {bound}
	li	t0, {first}
1:	slli	t3, t0, 3
	add	t3, t3, t1
	ld	t3, 0(t3)
	beq	t3, a0, 2f
	addi	t0, t0, 1
	{how}	t0, t2, 1b
2:	mv	a0, t0
	ret
SYM_FUNC_END(find)
"""
X86 = """\
SYM_CODE_START(find)
	xorl	%ecx, %ecx
.Lnext:
	cmpq	ids(,%rcx,8), %rdx
	je	.Lfound
	inc	%ecx
	cmpl	${bound}, %ecx
	{how}	.Lnext
	hlt
.Lfound:
	RET
SYM_CODE_END(find)
"""


def ends(text: str, arch: str) -> list[tuple[int, int | None]]:
    """The first element that each read takes, and the one behind the last; None if that is not known."""
    path = f"arch/{arch}/kernel/try.S"
    found = asm_sites(Snapshot.of(MemoryTree({path: text})), path, "ids", None).searches
    return [
        (first := each.offset // each.bytes, first + int(each.bound) + each.more if each.test else None)
        for each in found
    ]


@pytest.mark.parametrize(
    ("how", "first", "end"),
    [("ne", 0, 8), ("lo", 0, 8), ("ls", 0, 9), ("lt", 1, 8), ("le", 1, 9), ("ne", 2, 8)],
)
def test_a_test_at_the_end(how: str, first: int, end: int) -> None:
    for else_ in (".", "missing"):
        assert ends(ARM64.format(first=first, bound=8, how=how, else_=else_), "arm64") == [(first, end)]


@pytest.mark.parametrize(("how", "end"), [("eq", 8), ("hs", 8), ("hi", 9), ("ge", 8), ("gt", 9)])
def test_a_test_at_the_start(how: str, end: int) -> None:
    assert ends(TOP.format(bound=8, how=how), "arm64") == [(0, end)]


@pytest.mark.parametrize(("how", "end"), [("bne", 8), ("blt", 8), ("bltu", 8), ("ble", 9), ("bleu", 9)])
def test_riscv(how: str, end: int) -> None:
    assert ends(RISCV.format(first=1, bound=8, how=how), "riscv") == [(1, end)]


@pytest.mark.parametrize(("how", "end"), [("jne", 8), ("jb", 8), ("jl", 8), ("jbe", 9), ("jle", 9)])
def test_x86(how: str, end: int) -> None:
    assert ends(X86.format(bound=8, how=how), "x86") == [(0, end)]


@pytest.mark.parametrize(
    "text",
    [
        ARM64.format(first=0, bound=8, how="eq", else_="."),  # goes on where it ends
        ARM64.format(first=0, bound=8, how="hi", else_="."),
        ARM64.format(first=0, bound=8, how="mi", else_="."),
        ARM64.format(first=0, bound=8, how="ne", else_=".").replace("#8", "x7"),
        ARM64.format(first=0, bound=8, how="ne", else_=".").replace("cmp\tx19", "tst\tx19"),
        # two ways out that count
        ARM64.format(first=0, bound=8, how="ne", else_=".").replace(
            "\tcmp\tx3, x0\n\tb.eq", "\tcmp\tx19, #5\n\tb.eq"
        ),
        # what is compared is not the round
        ARM64.format(first=0, bound=8, how="ne", else_=".").replace(
            "cmp\tx19", "lsl\tx4, x19, #1\n\tcmp\tx4"
        ),
        # the flags are of something else
        ARM64.format(first=0, bound=8, how="ne", else_=".").replace("\tb.ne", "\tadds\tx5, x6, x7\n\tb.ne"),
    ],
)
def test_an_end_that_is_not_known(text: str) -> None:
    assert ends(text, "arm64") == [(0, None)]
