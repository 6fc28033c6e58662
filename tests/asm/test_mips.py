"""By how many bytes mips assembly steps through a table, and what it reads there."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from checkseries.facts.asm import Stride, asm_sites
from checkseries.tree import MemoryTree, Snapshot

Steps = Callable[..., tuple[Stride, ...]]
PATH = "arch/mips/kernel/try.S"
HEADER = """\
#if (_MIPS_SZPTR == 64)
#define PTR_LA dla
#define PTR_SLL dsll
#define PTR_ADDU daddu
#else
#define PTR_LA la
#define PTR_SLL sll
#define PTR_ADDU addu
#endif
"""


@pytest.mark.parametrize(
    ("code", "size"),
    [
        ("PTR_SLL t0, a0, 3\nPTR_ADDU t1, t1, t0\nld a1, 0(t1)", 8),
        ("PTR_SLL $8, $4, 4\nPTR_ADDU t1, a4\nld a1, 8(t1)", 16),
        ("dsll t0, t0, 5; daddu t1, t1, t0; sd a1, (t1)", 32),
        ("dlsa t1, a0, t1, 3\nld a1, 0(t1)", 8),
        ("li t0, 24\ndmul t0, a0, t0\ndaddu t1, t1, t0\nld a1, 0(t1)", 24),
        ("sll t0, a0, 2 # an index\ndaddu t1, t1, t0\nlw a1, 0(t1)", 4),
        ("1: ld a1, 0(t1)\ndaddiu t1, 16\nbnez a1, 1b\n nop", 16),
        (".set noreorder\n1: ld a1, 0(t1)\nbnez a1, 1b\n daddiu t1, 16", 16),
        (
            ".set noreorder\njal f\n dla t1, table\ndla t1, table\ndsll t0, a0, 3\ndaddu t1, t1, t0\nld a1, (t1)",
            8,
        ),
        (".set noreorder\n1: ld a1, 0(t1)\nbnezl a1, 1b\n daddiu t1, 16", None),
        ("daddu t1, t1, a0\nld a1, 0(t1)", None),
        ("ori a0, a0, 8\ndaddu t1, t1, a0\nld a1, 0(t1)", None),
        ("frob t1\nPTR_LA t2, table\ndaddu t2, t2, a3\nld a1, 0(t2)", None),
    ],
)
def test_one_step(steps: Steps, code: str, size: int | None) -> None:
    found = steps(f"{HEADER}LEAF(f)\nPTR_LA t1, table\n{code}\n\tjr ra\n nop\nEND(f)\n", path=PATH)
    assert {each.bytes for each in found} == {size}


def test_what_the_file_says_of_reordering_holds_for_the_functions_that_follow(steps: Steps) -> None:
    text = "\t.set noreorder\nLEAF(f)\n jr ra\n nop\nEND(f)\nLEAF(g)\n dla t1, table\n1: ld a1, 0(t1)\n"
    found = steps(text + " bnez a1, 1b\n daddiu t1, 16\n jr ra\n nop\nEND(g)\n", path=PATH)
    assert {each.bytes for each in found} == {16}


def test_members() -> None:
    text = "\tdla t1, table\n\tlw a0, 12(t1)\n\tsd a0, PLACE(t1)\n\tdsll t0, a1, 5\n\tdaddu t1, t1, t0\n\tlbu a0, 3(t1)\n"
    offsets = "int main(void)\n{\n\tOFFSET(PLACE, s, m);\n}\n"
    tree = Snapshot.of(MemoryTree({PATH: text, "arch/mips/kernel/asm-offsets.c": offsets}))
    sites = asm_sites(tree, PATH, "table", None)
    assert [(each.constant, each.offset, each.widths, each.every) for each in sites.members] == [
        ("12", 12, (4,), 0),
        ("PLACE", None, (8,), 0),
        ("3", 3, (1,), 32),
    ]
