"""By how many bytes riscv assembly steps through a table, and what it reads there."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from checkseries.facts.asm import Stride, asm_sites
from checkseries.tree import MemoryTree, Snapshot

Steps = Callable[..., tuple[Stride, ...]]
PATH = "arch/riscv/kernel/try.S"


@pytest.mark.parametrize(
    ("code", "size"),
    [
        ("slli t0, a0, 3\nadd t1, t1, t0\nld a1, 0(t1)", 8),
        ("slli t0, a0, 4\nadd t1, t0, t1\nld a1, 8(t1)", 16),
        ("slli t0, t0, 5; add t1, t1, t0; sd a1, (t1)", 32),
        ("sh3add t1, a0, t1\nld a1, 0(t1)", 8),
        ("sh2add.uw t1, a0, t1\nlw a1, 0(t1)", 4),
        ("li t0, 24\nmul t0, a0, t0\nadd t1, t1, t0\nld a1, 0(t1)", 24),
        ("slliw t0, a0, 3 # an index\nadd t1, t1, t0\nld a1, 0(t1)", 8),
        ("sll t0, a0, RISCV_LGPTR\nadd t1, t1, t0\nREG_L a1, 0(t1)", 8),
        ("1: ld a1, 0(t1)\naddi t1, t1, 16\nbnez a1, 1b", 16),
        ("add t1, t1, a0\nld a1, 0(t1)", None),
        ("andi a0, a0, -8\nadd t1, t1, a0\nld a1, 0(t1)", None),
        ("frob t1\nadd t1, t1, a0\nla t2, table\nadd t2, t2, a3\nld a1, 0(t2)", None),
        ("call elsewhere\nslli t0, a0, 3\nadd t1, t1, t0\nla t2, table\nadd t2, t2, a3\nld a1, 0(t2)", None),
    ],
)
def test_one_step(steps: Steps, code: str, size: int | None) -> None:
    text = """\
#if __riscv_xlen == 64
#define SEL(a, b) a
#define RISCV_LGPTR 3
#else
#define SEL(a, b) b
#define RISCV_LGPTR 2
#endif
#define REG_L SEL(ld, lw)
"""
    found = steps(f"{text}SYM_FUNC_START(f)\nla t1, table\n{code}\n\tret\nSYM_FUNC_END(f)\n", path=PATH)
    assert {each.bytes for each in found} == {size}


def test_members() -> None:
    text = "\tla t1, table\n\tlw a0, 12(t1)\n\tsd a0, PLACE(t1)\n\tslli t0, a1, 5\n\tadd t1, t1, t0\n\tlbu a0, 3(t1)\n"
    offsets = "int main(void)\n{\n\tDEFINE(PLACE, offsetof(struct s, m));\n}\n"
    tree = Snapshot.of(MemoryTree({PATH: text, "arch/riscv/kernel/asm-offsets.c": offsets}))
    sites = asm_sites(tree, PATH, "table", None)
    assert [(each.constant, each.offset, each.widths, each.every) for each in sites.members] == [
        ("12", 12, (4,), 0),
        ("PLACE", None, (8,), 0),
        ("3", 3, (1,), 32),
    ]
