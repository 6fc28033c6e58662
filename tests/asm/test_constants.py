"""What C gives assembly names for: asm-offsets.c, what it includes, and the files like it."""

from __future__ import annotations

from checkseries.facts.asm_closure import constants_for
from checkseries.facts.asm_constant import asm_constants
from checkseries.facts.asm_table import addressed
from checkseries.tree import MemoryTree, Snapshot

OFFSETS = """\
#include <linux/kbuild.h>
#ifdef CONFIG_X86_32
# include "asm-offsets_32.c"
#else
# include "asm-offsets_64.c"
#endif
static void __used common(void)
{
	OFFSET(TASK_stack, task_struct, stack);
	DEFINE(BOTH, sizeof(struct task_struct) + 1);
}
"""
OFFSETS_64 = """\
int main(void)
{
#define ENTRY(entry) OFFSET(pt_regs_ ## entry, pt_regs, entry)
	ENTRY(bx);
	ENTRY(sp);
#undef ENTRY
#define ENTRY(entry) OFFSET(saved_ ## entry, saved_context, entry)
	ENTRY(cr0);
	ENTRY(too, many);
#undef ENTRY
	ENTRY(none);
	DEFINE(WIDE, 64);
	return 0;
}
"""
OWN = "void common(void)\n{\n\tOFFSET(CTX_rax, ctx, rax);\n\tOFFSET(TASK_stack, other, stack);\n}\n"
FILES = {
    "arch/x86/kernel/asm-offsets.c": OFFSETS,
    "arch/x86/kernel/asm-offsets_64.c": OFFSETS_64,
    "arch/x86/kernel/asm-offsets_32.c": "void foo(void)\n{\n\tDEFINE(WIDE, 32);\n}\n",
    "arch/x86/hv/own-offsets.c": OWN,
    "arch/x86/hv/asm.S": '#include "own-offsets.h"\n\tmovq CTX_rax(%rax), %rcx\n\tmovq there(%rax), %rcx\n',
}


def test_those_of_an_architecture() -> None:
    assert asm_constants(Snapshot.of(MemoryTree(FILES)), "x86") == {
        "TASK_stack": "offsetof(struct task_struct, stack)",
        "BOTH": "sizeof(struct task_struct) + 1",
        "pt_regs_bx": "offsetof(struct pt_regs, bx)",
        "pt_regs_sp": "offsetof(struct pt_regs, sp)",
        "saved_cr0": "offsetof(struct saved_context, cr0)",
    }


def test_those_of_a_file() -> None:
    tree = Snapshot.of(MemoryTree(FILES))
    found = constants_for(tree, "arch/x86/hv/asm.S")
    assert found["CTX_rax"] == "offsetof(struct ctx, rax)"
    assert "TASK_stack" not in found  # it is two things there
    assert set().union(*addressed(tree, "arch/x86/hv/asm.S").values()) == {"there"}


def test_a_header_that_is_there_is_not_made() -> None:
    tree = Snapshot.of(MemoryTree({**FILES, "arch/x86/hv/own-offsets.h": ""}))
    assert "CTX_rax" not in constants_for(tree, "arch/x86/hv/asm.S")
