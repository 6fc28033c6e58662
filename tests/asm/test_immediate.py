"""Which immediates an instruction takes: the same as the assembler says."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from checkseries.facts.asm_immediate import encodable, immediates
from checkseries.tree import MemoryTree, Snapshot

ASSEMBLERS = {"arm64": "aarch64-linux-gnu-as", "riscv": "riscv64-linux-gnu-as"}
FORMS = {
    "arm64": ("cmp x0, #{}", "cmn w0, #{}", "add x0, x1, #{}", "subs w0, w1, #{}", "ccmp x0, #{}, #0, eq"),
    "riscv": ("addi a0, a0, {}", "sltiu a0, a0, {}", "andi a0, a0, {}", "slt a0, a0, {}", "addw a0, a0, {}"),
}
NUMBERS = (
    *range(-3, 35, 3), 31, 32, 2047, 2048, -2048, -2049, 4095, 4096, 4097, 8191, 8192, -4095, -4096, -4097,
    0xFFF000, 0xFFF001, 1 << 24, -(1 << 24), 0xFFFFFFFFFFFFFFFF,
)  # fmt: skip


@pytest.mark.parametrize(("arch", "form"), [(arch, form) for arch in FORMS for form in FORMS[arch]])
def test_what_fits(tmp_path: Path, arch: str, form: str) -> None:
    if shutil.which(ASSEMBLERS[arch]) is None:
        pytest.skip(f"no binutils for {arch}")
    text = "".join(f"{form.format(number)}\n" for number in NUMBERS)
    (tmp_path / "try.s").write_text(text)
    done = subprocess.run(
        [ASSEMBLERS[arch], "-o", "try.o", "try.s"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    refused = {
        int(line.split(":")[1])
        for line in done.stderr.splitlines()
        if line.startswith("try.s:") and "Error" in line
    }
    word = form.split(maxsplit=1)[0]
    assert refused == {at for at, number in enumerate(NUMBERS, 1) if not encodable(arch, word, number)}


def test_where_it_stands() -> None:
    path = "arch/arm64/kernel/try.S"
    text = (
        "#define BOUND (CONFIG_MANY + 1)\n.macro limit reg, by\n\tcmp \\reg, #\\by\n.endm\n"
        "SYM_FUNC_START(f)\n\tcmp x0, #BOUND\n#ifdef CONFIG_A\n\tadd x1, x1, #CONFIG_MANY\n#endif\n"
        "\tcmp x2, #16\n\tcmp x2, #CONFIG_MANY + CONFIG_MORE\n\tcmp x0, x1\n\tadd x0, x0, #:lo12:f\n"
        "\tadd x1, x2, #CONFIG_MANY, lsl #12\n\tlimit x3, CONFIG_MANY\n\tret\nSYM_FUNC_END(f)\n"
    )
    found = immediates(Snapshot.of(MemoryTree({path: text})), path)
    assert [(each.place.line, each.word, each.option, each.sure) for each in found] == [
        (3, "cmp", "MANY", True),
        (6, "cmp", "MANY", True),
        (8, "add", "MANY", True),
    ]
    assert [each.value for each in found] == ["CONFIG_MANY", "( CONFIG_MANY + 1 )", "CONFIG_MANY"]
