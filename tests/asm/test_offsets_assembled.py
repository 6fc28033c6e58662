"""Random text, read here and assembled: what is read at an offset from a symbol must be what is encoded.

The real preprocessor and assembler expand the macros, ``.rept`` and ``.irp``, and take the branches.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from checkseries.facts.asm import asm_sites
from checkseries.tree import MemoryTree, Snapshot

pytestmark = pytest.mark.oracle

TOOLS = {
    "arm64": ("aarch64-linux-gnu-", ()),
    "mips": ("mips64el-linux-gnuabi64-", ("-march=mips64r6", "-mno-abicalls", "-fno-pic")),
    "riscv": ("riscv64-linux-gnu-", ("-march=rv64gc",)),
    "x86": ("x86_64-linux-gnu-", ("-m64",)),
}
ADDRESS = {
    "arm64": "adrp x1, table\n\tadd x1, x1, :lo12:table",
    "mips": ".set noreorder\n\tdla $4, table",
    "riscv": "lla a1, table",
    "x86": "leaq table(%rip), %rdx",
}
# An access that takes an offset, and what offsets must be a multiple of.
ACCESSES: Mapping[str, tuple[tuple[str, int], ...]] = {
    "arm64": (
        ("ldr x3, [x1, #{}]", 8),
        ("str w3, [x1, #{}]", 4),
        ("ldrh w3, [x1, #{}]", 2),
        ("strb w3, [x1, #{}]", 1),
        ("ldp x3, x4, [x1, #{}]", 8),
        ("stp w3, w4, [x1, #{}]", 4),
        ("ldrsw x3, [x1, #{}]", 4),
        ("stur x3, [x1, #{}]", 1),
    ),
    "mips": (
        ("ld $2, {}($4)", 8),
        ("sw $2, {}($4)", 4),
        ("lhu $2, {}($4)", 2),
        ("sb $2, {}($4)", 1),
        ("lwu $2, {}($4)", 4),
    ),
    "riscv": (
        ("ld a2, {}(a1)", 8),
        ("sw a2, {}(a1)", 4),
        ("lhu a2, {}(a1)", 2),
        ("sb a2, {}(a1)", 1),
        ("lwu a2, {}(a1)", 4),
    ),
    "x86": (
        ("movq {}(%rdx), %rcx", 1),
        ("movl %ecx, {}(%rdx)", 1),
        ("movzwl {}(%rdx), %ecx", 1),
        ("movb %cl, {}(%rdx)", 1),
        ("addl ${}, %ecx\n\tmovl {}(%rdx), %eax", 1),
    ),
}  # fmt: skip
OFFSETS: Mapping[str, str] = {
    "arm64": r"\[x1(?:, #(-?\w+))?\]",
    "mips": r"\b(-?\w+)\((?:a0|\$4)\)",
    "riscv": r"\b(-?\w+)\(a1\)",
    "x86": r"(-?0x\w+|)\(%rdx\)",
}
# The bytes of each register, by how the disassembly names the access.
WIDTHS: Mapping[str, Mapping[str, tuple[int, ...]]] = {
    "arm64": {
        "ldr x": (8,), "ldr w": (4,), "str x": (8,), "str w": (4,), "ldrh w": (2,), "strb w": (1,), "ldp x": (8, 8),
        "stp w": (4, 4), "ldrsw x": (4,), "stur x": (8,),
    },
    "mips": {"ld": (8,), "sw": (4,), "lhu": (2,), "sb": (1,), "lwu": (4,)},
    "riscv": {"ld": (8,), "sw": (4,), "lhu": (2,), "sb": (1,), "lwu": (4,)},
    "x86": {"mov %rcx": (8,), "mov %ecx": (4,), "mov %eax": (4,), "movzwl": (2,), "mov %cl": (1,)},
}  # fmt: skip
ROUNDS = 2 * int(os.environ.get("CHECKSERIES_ORACLE_SEEDS", "1"))
LEAST = 0.5
"""The share of the offsets that has to be found: those of a ``.set`` that moves cannot be."""
Seen = set[tuple[int, tuple[int, ...]]]


def piece(rng: random.Random, arch: str, number: int) -> tuple[str, str]:
    """What stands before a function, and a few lines of its body."""
    form, step = rng.choice(ACCESSES[arch])
    at = step * rng.randint(0, 200 // step)
    more = step * rng.randint(1, 3)

    def access(offset: str | int) -> str:
        return "\t" + form.format(*([offset] * form.count("{}")))

    kind = rng.randrange(9)
    if kind == 0:
        return "", access(at)
    if kind == 1:
        return f"#define OFF{number} {at}\n", access(f"OFF{number}")
    if kind == 2:
        return f"#define AT{number}(n) ({at} + (n) * {step})\n", access(f"AT{number}(3)")
    if kind == 3:
        macro = f"\t.macro get{number} where, more={more}\n{access(chr(92) + 'where + ' + chr(92) + 'more')}\n\t.endm\n"
        return macro, f"\tget{number} {at}" + rng.choice(["", f", {2 * step}", f" more={4 * step}"])
    if kind == 4:
        values = ", ".join(str(at + each * step) for each in range(3))
        return "", f"\t.irp n{number}, {values}\n{access(chr(92) + f'n{number}')}\n\t.endr"
    if kind == 5:  # a setting that moves is not followed: it must be unknown, not wrong
        name = f"at{number}"
        moved = rng.choice(["", f"\n\t.set {name}, {name} + {step}"])
        return "", f"\t.set {name}, {at}\n\t.rept 3\n{access(name)}{moved}\n\t.endr"
    if kind == 6:
        held = rng.choice(["defined(CONFIG_POT)", "!defined(CONFIG_POT)", "IS_ENABLED(CONFIG_POT)"])
        return "", f"#if {held}\n{access(at)}\n#else\n{access(at + more)}\n#endif"
    if kind == 7:
        body = f"\t.if {chr(92)}kind == {rng.randint(0, 2)}\n{access(at)}\n\t.else\n{access(at + more)}\n\t.endif\n"
        return f"\t.macro pick{number} kind:req\n{body}\t.endm\n", f"\tpick{number} {rng.randint(0, 2)}"
    inner = f"\t.macro in{number} o\n{access(chr(92) + 'o')}\n\t.endm\n"
    outer = f"\t.macro out{number} a, b:vararg\n\tin{number} {chr(92)}a\n\t.ifnb {chr(92)}b\n\tout{number} {chr(92)}b\n\t.endif\n\t.endm\n"
    return inner + outer, f"\tout{number} {at}, {at + step}, {at + more}"


def text_of(rng: random.Random, arch: str) -> str:
    """A file with one function that reads and writes at constant offsets from ``table``."""
    pieces = [piece(rng, arch, number) for number in range(rng.randint(1, 6))]
    head = "".join(before for before, _ in pieces)
    body = "\n".join(inside for _, inside in pieces)
    return f"{head}\t.text\ntry:\n\t{ADDRESS[arch]}\nbegin:\n{body}\n"


def encoded(arch: str, text: str, where: Path) -> Seen:
    """The offsets and widths of what the assembler made of a text, behind the label ``begin``.

    It is assembled on both ways in which its conditions can go.
    """
    prefix, options = TOOLS[arch]
    (where / "try.S").write_text(text)
    found: Seen = set()
    for way in ((), ("-DCONFIG_POT=1",)):
        enabled = f"-DIS_ENABLED(x)={len(way)}"
        subprocess.run([f"{prefix}gcc", *options, *way, enabled, "-c", "try.S"], cwd=where, check=True)
        shown = subprocess.run(
            [f"{prefix}objdump", "-d", "try.o"], cwd=where, check=True, capture_output=True, text=True
        ).stdout
        for line in shown.partition("<begin>:")[2].splitlines():
            code = " ".join(line.split("\t")[2:]).split("//")[0]
            match = re.search(OFFSETS[arch], code)
            if match is not None:
                found.add((int(match[1] or "0", 0), width(arch, code)))
    return found


def width(arch: str, code: str) -> tuple[int, ...]:
    """The bytes of each register of an instruction as the disassembly has it."""
    name, _, rest = code.partition(" ")
    name = name.removeprefix("c.")
    if arch == "arm64":
        return WIDTHS[arch][f"{name} {rest.strip()[0]}"]
    if arch == "x86" and name == "mov":
        register = re.search(r"%(?:rcx|ecx|eax|cl)\b", rest)
        assert register
        return WIDTHS[arch][f"mov {register[0]}"]
    return WIDTHS[arch][name]


@pytest.mark.parametrize("seed", range(ROUNDS))
@pytest.mark.parametrize("arch", TOOLS)
def test_offsets_are_those_encoded(
    tmp_path: Path, arch: str, seed: int, record_property: Callable[[str, object], None]
) -> None:
    prefix, _ = TOOLS[arch]
    if shutil.which(f"{prefix}gcc") is None or shutil.which(f"{prefix}objdump") is None:
        pytest.skip(f"no compiler for {arch}")
    rng = random.Random(f"{seed} {arch}")
    known = unknown = 0
    for _ in range(10):
        text = text_of(rng, arch)
        real = encoded(arch, text, tmp_path)
        path = f"arch/{arch}/kernel/try.S"
        sites = asm_sites(Snapshot.of(MemoryTree({path: text})), path, "table", None)
        read = {
            (each.offset, each.widths)
            for each in sites.members
            if each.symbol == "table" and each.offset is not None
        }
        assert read <= real, text
        known += len(read)
        unknown += len(real - read)
    record_property(f"offsets in random assembly of {arch} that are exact", known)
    assert known >= LEAST * (known + unknown)
    record_property(f"offsets in random assembly of {arch} that are not found", unknown)
