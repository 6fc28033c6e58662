"""The same text, read here and assembled: both must scale an index by the same number of bytes."""

from __future__ import annotations

import math
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from checkseries.facts.asm import Stride

pytestmark = pytest.mark.oracle

Steps = Callable[..., tuple[Stride, ...]]

TOOLS = {
    "arm64": ("aarch64-linux-gnu-", ()),
    "mips": ("mips64el-linux-gnuabi64-", ("-mips64r6",)),
    "riscv": ("riscv64-linux-gnu-", ("-march=rv64gc_zba",)),
    "x86": ("x86_64-linux-gnu-", ("--64",)),
}
ADDRESS = {
    "arm64": "adrp x1, table\n add x1, x1, :lo12:table\n",
    "mips": ".set noreorder\n dla $4, table\n",
    "riscv": "lla a1, table\n",
    "x86": "leaq table(%rip), %rdx\n",
}
# What the disassembly says of one instruction: a shift, or a factor.
SCALES = {
    "arm64": (
        r"\b(?:lsl|uxtw|sxtw) #(\d+)|\blsl\s+\w+, \w+, #(\d+)|\bubfiz\s+\w+, \w+, #(\d+)",
        r"\bmov\s+x9, #(0x\w+)",
    ),
    "mips": (r"\bdsll\s+\w+,\s*\w+,\s*(0x\w+)|\bdlsa\s+\w+,\s*\w+,\s*\w+,\s*(0x\w+)", r"\bli\s+\w+,\s*(\d+)"),
    "riscv": (r"\bslli?\s+\w+,\w+,(0x\w+)|\bsh(\d)add\s", r"\bli\s+\w+,(\d+)"),
    "x86": (r"\bshl\s+\$(0x\w+)", r"\bimul\s+\$(0x\w+)|,%\w+,([248])\)"),
}
CODES = [
    *(("arm64", f"ldr x3, [x1, x2, lsl #{by}]") for by in (3,)),
    *(("arm64", f"lsl x2, x2, #{by}\n add x1, x1, x2\n ldr x3, [x1]") for by in (1, 4, 6)),
    *(("arm64", f"add x1, x1, w2, {how} #{by}\n ldr w3, [x1, #8]") for how in ("uxtw", "sxtw") for by in (2, 4)),
    ("arm64", "ubfiz x2, x2, #5, #20\n add x1, x1, x2\n ldr x3, [x1]"),
    *(("arm64", f"mov x9, #{size}\n madd x1, x2, x9, x1\n ldr x3, [x1]") for size in (24, 40, 56)),
    ("arm64", "mov x9, #24\n mul x2, x2, x9\n add x1, x1, x2, lsl #1\n ldr x3, [x1]"),
    *(("mips", f"dsll $8, $5, {by}\n daddu $4, $4, $8\n ld $2, 0($4)") for by in (2, 3, 5)),
    *(("mips", f"dlsa $4, $5, $4, {by}\n ld $2, 8($4)") for by in (2, 3)),
    *(("mips", f"li $8, {size}\n dmul $8, $5, $8\n daddu $4, $8\n ld $2, 8($4)") for size in (24, 40)),
    *(("riscv", f"slli a0, a0, {by}\n add a1, a1, a0\n ld a2, 0(a1)") for by in (2, 3, 5)),
    *(("riscv", f"sh{by}add a1, a0, a1\n ld a2, 0(a1)") for by in (1, 2, 3)),
    *(("riscv", f"li a3, {size}\n mul a0, a0, a3\n add a1, a1, a0\n ld a2, 0(a1)") for size in (24, 40)),
    *(("x86", f"movq (%rdx,%rax,{by}), %rcx") for by in (2, 4, 8)),
    *(("x86", f"movq table(,%rax,{by}), %rcx") for by in (4, 8)),
    *(("x86", f"shlq ${by}, %rax\n movq 8(%rdx,%rax), %rcx") for by in (2, 4, 5)),
    *(("x86", f"shl ${by}, %rax\n leaq (%rdx,%rax,4), %rsi\n movq (%rsi), %rcx") for by in (2, 3)),
    *(("x86", f"imulq ${size}, %rax, %rax\n addq %rdx, %rax\n movl 4(%rax), %ecx") for size in (24, 40)),
]  # fmt: skip


@pytest.mark.parametrize(("arch", "code"), CODES)
def test_as_assembled(steps: Steps, tmp_path: Path, arch: str, code: str) -> None:
    prefix, options = TOOLS[arch]
    if shutil.which(f"{prefix}as") is None or shutil.which(f"{prefix}objdump") is None:
        pytest.skip(f"no binutils for {arch}")
    text = f"{ADDRESS[arch]} {code}\n"
    (tmp_path / "try.s").write_text(text)
    subprocess.run([f"{prefix}as", *options, "-o", "try.o", "try.s"], cwd=tmp_path, check=True)
    shown = subprocess.run(
        [f"{prefix}objdump", "-d", "try.o"], cwd=tmp_path, check=True, capture_output=True, text=True
    ).stdout
    lines = [
        line.split("\t", 2)[2].replace("\t", " ").split("//")[0]
        for line in shown.splitlines()
        if line.count("\t") >= 2
    ]
    # What loads the address shifts, too, on mips: only what stands behind it counts.
    lines = lines[-(code.count("\n") + 1) - 3 * code.count("table") :]
    shifts, factors = SCALES[arch]
    found = [
        1 << int(one, 0)
        for line in lines
        for each in re.finditer(shifts, line)
        for one in each.groups()
        if one
    ]
    found += [
        int(one, 0) for line in lines for each in re.finditer(factors, line) for one in each.groups() if one
    ]
    read = {each.bytes for each in steps(text, path=f"arch/{arch}/kernel/try.S")}
    assert read == {math.prod(found)}, shown
