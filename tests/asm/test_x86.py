"""By how many bytes x86-64 assembly steps through a table, and what it reads there."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from checkseries.facts.asm import Stride, asm_sites
from checkseries.tree import MemoryTree, Snapshot

Steps = Callable[..., tuple[Stride, ...]]
PATH = "arch/x86/kernel/try.S"


@pytest.mark.parametrize(
    ("code", "size"),
    [
        ("movq table(,%rax,8), %rcx", 8),
        ("movl table(,%rax,4), %ecx", 4),
        ("call *table(,%rax,8)", 8),
        ("jmp *table(, %rax, 8)", 8),
        ("movq table+16(,%rax,8), %rcx", 8),
        ("leaq table(%rip), %rdx\nmovq (%rdx,%rax,8), %rcx", 8),
        ("lea table(%rip), %rdx\nshl $4, %rax\nadd %rax, %rdx\nmovq (%rdx), %rcx", 16),
        ("movq $table, %rdx\nshlq $5, %rax\nmovq 8(%rdx,%rax), %rcx", 32),
        ("leaq table(%rip), %rdx\nimulq $24, %rax, %rax\naddq %rdx, %rax\nmovq (%rax), %rcx", 24),
        ("leaq table(%rip), %rdx\nimul $24, %rax\naddq %rdx, %rax\nmovq (%rax), %rcx", 24),
        ("leaq table(%rip), %rdx\nlea (%rax,%rax,2), %rax\nmovq (%rdx,%rax,8), %rcx", 24),
        ("movl %ecx, %eax # an index\nmovq table(,%rax,8), %rcx", 8),
        ("movslq %ecx, %rax\nmovq table(,%rax,8), %rcx", 8),
        ("movzbl (%rsi), %eax\nshll $3, %eax\nmovq table(%rax), %rcx", 8),
        ("leaq table(%rip), %rdx\n1: movq (%rdx), %rcx\naddq $16, %rdx\ntestq %rcx, %rcx\njnz 1b", 16),
        ("xorl %eax, %eax\n1: movq table(,%rax,8), %rcx\nincq %rax\ncmpq $4, %rax\njne 1b", 8),
        ("movq table(%rax), %rcx", None),
        ("leaq table(%rip), %rdx\nfrobnicate %rdx\nmovq table(%rip), %rcx\nmovq (%rdx,%rax,8), %rcx", None),
        ("movb %cl, %al\nmovq table(,%rax,8), %rcx", None),
        ("leaq table(%rip), %rdx\nmovq $1f, %rax\njmp *%rax\n1: movq (%rdx,%rax,8), %rcx", None),
        ("andq $~7, %rax\nmovq table(%rax), %rcx", None),
        ("movl table(,%eax,4), %ecx", None),
        ("movq %gs:table(,%rax,8), %rcx", None),
    ],
)
def test_one_step(steps: Steps, code: str, size: int | None) -> None:
    found = steps(f"SYM_FUNC_START(f)\n{code}\n\tRET\nSYM_FUNC_END(f)\n", path=PATH)
    assert {each.bytes for each in found} == {size}


def test_a_name_for_a_register(steps: Steps) -> None:
    found = steps("#define IDX %rax\n movq table(,IDX,8), %rcx\n", path=PATH)
    assert {each.bytes for each in found} == {8}
    found = steps("#define IDX %eax\n movq table(,IDX,8), %rcx\n", path=PATH)
    assert {each.bytes for each in found} == {None}


def test_a_name_that_is_two_registers_may_change_any(steps: Steps) -> None:
    text = "#ifdef A\n#define D %rdx\n#else\n#define D %rdi\n#endif\n"
    text += " .macro m\n movq %rbx, D\n .endm\n leaq table(%rip), %rdx\n m\n movq (%rdx,%rax,8), %rcx\n"
    assert {each.bytes for each in steps(text, path=PATH)} == {None}


def test_code_of_32_bits_is_not_read_as_one_of_64(steps: Steps) -> None:
    text = "#ifdef CONFIG_X86_32\n movl table(,%rax,4), %eax\n#else\n movq table(,%rax,8), %rax\n#endif\n"
    (found,) = steps(text, path=PATH)
    assert (found.bytes, found.condition) == (8, "")


def test_members() -> None:
    text = """
	leaq	table(%rip), %rdx
	movl	12(%rdx), %eax
	movq	%rax, table+8(%rip)
	movq	PLACE(%rdx), %rax
	movzbl	4(%rdx), %ecx
	shl	$5, %rax
	movq	16(%rdx,%rax), %rcx
"""
    offsets = "int main(void)\n{\n\tDEFINE(PLACE, offsetof(struct s, m));\n}\n"
    tree = Snapshot.of(MemoryTree({PATH: text, "arch/x86/kernel/asm-offsets.c": offsets}))
    sites = asm_sites(tree, PATH, "table", None)
    assert [(each.constant, each.offset, each.widths, each.every) for each in sites.members] == [
        ("12", 12, (4,), 0),
        ("8", 8, (8,), 0),
        ("PLACE", None, (8,), 0),
        ("4", 4, (1,), 0),
        ("16", 16, (8,), 32),
    ]
