"""Registers that point to structures: those that C hands over, those that always do, and room on the stack."""

from __future__ import annotations

import pytest

from checkseries.facts.asm import asm_sites
from checkseries.facts.asm_pointer import arguments, pointers, sized
from checkseries.tree import MemoryTree, Snapshot

OFFSETS = "int main(void)\n{\n\tOFFSET(IN, in, x);\n\tDEFINE(IN_SIZE, sizeof(struct in));\n}\n"
HEADERS = {
    "arch/arm64/include/asm/current.h": "static inline struct in *get_current(void)\n{\n\tunsigned long sp_el0;\n"
    '\tasm ("mrs %0, sp_el0" : "=r" (sp_el0));\n\treturn (struct in *)sp_el0;\n}\n',
    "arch/riscv/include/asm/current.h": 'register struct in *current_tp __asm__("tp");\n',
    "arch/mips/include/asm/thread_info.h": 'register struct in *now __asm__("$28");\n'
    'register unsigned long stack_pointer __asm__("sp");\n',
    "include/linux/f.h": "void f(const struct in *in, unsigned long n, struct out * const out);\n",
}


def found(arch: str, code: str) -> set[str]:
    path = f"arch/{arch}/kernel/f.S"
    text = f"SYM_FUNC_START(f)\n{code}\nSYM_FUNC_END(f)\n"
    tree = Snapshot.of(MemoryTree({**HEADERS, path: text, f"arch/{arch}/kernel/asm-offsets.c": OFFSETS}))
    return {each.symbol for each in asm_sites(tree, path, "f", None, arguments).members}


@pytest.mark.parametrize(
    ("arch", "code", "symbols"),
    [
        ("arm64", "ldr x1, [x0, #IN]", {"struct in"}),
        ("arm64", "ldr x1, [x2, #IN]", {"struct out"}),
        ("arm64", "ldr x1, [x1, #IN]", set()),
        ("arm64", "mov x9, x0\nldr x1, [x9, #IN]", {"struct in"}),
        ("arm64", "add x0, x0, #8\nldr x1, [x0, #IN]", set()),
        ("arm64", "bl g\nldr x1, [x0, #IN]", set()),
        ("arm64", "mrs x4, sp_el0\nldr x1, [x4, #IN]", {"struct in"}),
        ("arm64", "mrs x4, tpidr_el1\nldr x1, [x4, #IN]", set()),
        ("arm64", "sub sp, sp, #IN_SIZE\nldr x1, [sp, #IN]", {"struct in"}),
        ("arm64", "sub sp, sp, #(IN_SIZE + 32)\nldr x1, [sp, #IN]", set()),
        ("arm64", "sub sp, sp, #IN_SIZE\nsub sp, sp, #16\nldr x1, [sp, #IN]", set()),
        ("riscv", "ld a1, IN(a2)", {"struct out"}),
        ("riscv", "ld a1, IN(tp)", {"struct in"}),
        ("riscv", "call g\nld a1, IN(tp)", {"struct in"}),
        ("riscv", "la tp, there\nld a1, IN(tp)", {"there"}),
        ("riscv", "addi sp, sp, -(IN_SIZE)\nsd a1, IN(sp)", {"struct in"}),
        ("riscv", "addi sp, sp, IN_SIZE\nsd a1, IN(sp)", set()),
        ("mips", "ld $8, IN($28)", {"struct in"}),
        ("mips", "ld $8, IN($6)", {"struct out"}),
        ("mips", "dsubu $29, IN_SIZE\nsd $8, IN($29)", {"struct in"}),
        ("x86", "movq IN(%rdi), %rax", {"struct in"}),
        ("x86", "movq IN(%rdx), %rax", {"struct out"}),
        ("x86", "movq IN(%rsi), %rax", set()),
        ("x86", "subq $IN_SIZE, %rsp\nmovq %rax, IN(%rsp)", {"struct in"}),
    ],
)
def test_what_a_register_points_to(arch: str, code: str, symbols: set[str]) -> None:
    assert found(arch, code) == symbols


@pytest.mark.parametrize(
    ("declared", "kinds"),
    [
        ("void f(struct a *a, int n, struct b *b);", ("struct a", "", "struct b")),
        ("void f(struct a **a, struct b *b);", ("", "struct b")),
        ("void f(struct a a, struct b *b);", ()),
        ("void f(double d, struct b *b);", ()),
        ("void f(struct a *a, ...);", ()),
        ("static void f(struct a *a);", ()),
        ("void f(struct a *a);\nvoid f(struct b *b);", ()),
    ],
)
def test_what_c_hands_over(declared: str, kinds: tuple[str, ...]) -> None:
    tree = Snapshot.of(MemoryTree({"kernel/f.c": f"{declared}\n"}))
    assert arguments(tree, "f", "arm64") == kinds


def test_registers_of_an_architecture() -> None:
    tree = Snapshot.of(MemoryTree(HEADERS))
    assert pointers(tree, "arm64") == {"sp_el0": "struct in"}
    assert pointers(tree, "riscv") == {"tp": "struct in"}
    assert pointers(tree, "mips") == {"$28": "struct in"}
    assert pointers(tree, "x86") == {}


def test_sizes() -> None:
    assert sized("sizeof(struct in)") == "struct in"
    assert sized("ALIGN(sizeof(struct in), STACK_ALIGN)") == "struct in"
    assert sized("sizeof(struct in) + 8") == ""
    assert sized("(~(sizeof(struct in) - 1))") == ""


def test_what_x86_puts_together() -> None:
    path = "arch/x86/kernel/f.S"
    text = (
        "#include <asm/asm.h>\nSYM_FUNC_START(f)\n\tpush %_ASM_BP\n\t_ASM_MOV %_ASM_SP, %_ASM_BP\n"
        "\tmovq IN(%_ASM_DI), %rax\n\tmovq IN(%_ASM_BP), %rax\nSYM_FUNC_END(f)\n"
    )
    header = "".join(f"#define _ASM_{name} __ASM_REG({name.lower()})\n" for name in ("BP", "SP", "DI"))
    files = {
        **HEADERS,
        path: text,
        "arch/x86/include/asm/asm.h": f"{header}#define _ASM_MOV __ASM_SIZE(mov)\n",
    }
    tree = Snapshot.of(MemoryTree({**files, "arch/x86/kernel/asm-offsets.c": OFFSETS}))
    found = asm_sites(tree, path, "f", None, arguments).members
    assert [(each.symbol, each.place.line) for each in found] == [("struct in", 5)]


def test_notes_that_the_linker_discards_are_no_entry() -> None:
    note = '\n.Lhere:\n\t.pushsection ".discard.annotate_insn"\n\t.long .Lhere - .\n\t.popsection\n'
    assert found("x86", f"{note}movq IN(%rdi), %rax") == {"struct in"}
    assert found("x86", f"{note.replace('.discard.', '.rodata.')}movq IN(%rdi), %rax") == set()


def test_what_mips_says_of_a_label() -> None:
    assert found("mips", "g: .insn\n.frame $29, 0, $31\nld $8, IN($4)") == {"struct in"}
    assert found("riscv", ".insn r 0x33, 0, 0, a0, a1, a2\nld a1, IN(a0)") == set()
