"""Types of random declarations, with bit-fields, ``#pragma pack`` and attributes, against gcc's debug information."""

from __future__ import annotations

import random
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.oracle.dwarf import linked, structs

from checkseries.facts.c_unit import unit
from checkseries.facts.predefined import PUBLIC
from checkseries.facts.unit import Configuration, exported
from checkseries.facts.unit_type import Types, UnknownTypeError
from checkseries.tree import MemoryTree, Snapshot

pytestmark = pytest.mark.oracle

COMPILERS = {
    "x86": ("gcc", "-m64"),
    "arm64": ("aarch64-linux-gnu-gcc",),
    "riscv": ("riscv64-linux-gnu-gcc",),
    "mips": ("mips64el-linux-gnuabi64-gcc",),
    "x86-32": ("gcc", "-m32"),
    "riscv-32": ("riscv64-linux-gnu-gcc", "-march=rv32imac", "-mabi=ilp32"),
    "mips-32": ("mips64el-linux-gnuabi64-gcc", "-march=mips32r2", "-mabi=32", "-mno-abicalls"),
    "m68k-32": ("m68k-linux-gnu-gcc",),
}
SCALARS = ["char", "unsigned char", "short", "unsigned short", "int", "unsigned int", "long", "unsigned long", "long long",
           "unsigned long long", "u8", "u16", "u32", "u64", "bool", "enum small", "enum large", "__int128", "near_t", "far_t"]  # fmt: skip
HEAD = """\
typedef unsigned char u8; typedef unsigned short u16; typedef unsigned int u32; typedef unsigned long long u64;
typedef _Bool bool;
typedef int near_t __attribute__((aligned(2)));
typedef u64 __attribute__((aligned(16))) far_t;
enum small { SMALL_A, SMALL_B = 3, SMALL_C };
enum large { LARGE_A = 1, LARGE_B = SMALL_C + (1UL << 33) };
enum __attribute__((packed)) tiny { TINY_A, TINY_B = 200 };
#define ROUND(n, d) (((n) + (d) - 1) / (d))
#define WORDS(n) ROUND(n, sizeof(long) * 8)
#define GROUP(tag, members...) union { struct { members }; struct tag { members } tag##_group; }
"""


def attribute(rng: random.Random, chance: float) -> str:
    """Sometimes an attribute."""
    if rng.random() > chance:
        return ""
    return rng.choice([" __attribute__((packed))", f" __attribute__((aligned({rng.choice([1, 2, 4, 8, 16, 32])})))",
                       " __attribute__((__aligned__(1 << 3), __unused__))"])  # fmt: skip


def body(rng: random.Random, number: str, known: list[str], depth: int) -> str:
    """The members of a struct or union, with names that are unique in it."""
    lines = []
    for at in range(rng.randint(1, 8)):
        name = f"m{number}_{at}"
        kind = rng.random()
        if kind < 0.35:
            plain = [each for each in SCALARS if not each.endswith(("_t", "__int128", "bool", "large"))]
            base = rng.choice(plain)
            most = 8 if "char" in base or base == "u8" else 16 if "short" in base or base == "u16" else 32
            width = rng.randint(0, most) if base != "enum small" else rng.randint(3, 32)
            shown = f"{name}" if width and rng.random() < 0.85 else ""
            packed = " __attribute__((packed))" if rng.random() < 0.1 else ""
            lines.append(f"\t{base} {shown} : {width}{packed};")
        elif kind < 0.45 and known:
            lines.append(f"\tstruct {rng.choice(known)} {name}{rng.choice(['', '[2]'])};")
        elif kind < 0.55 and depth < 2:
            inner = body(rng, f"{number}_{at}", known, depth + 1)
            tail = rng.choice(["", f" {name}", f" {name}[WORDS(65)]"])
            lines.append(f"\t{rng.choice(['struct', 'union'])} {{\n{inner}\n\t}}{attribute(rng, 0.3)}{tail};")
        elif kind < 0.6:
            lines.append(f"\tenum tiny {name}; int (*{name}f)(void *, int x[2]), *{name}p[3];")
        elif kind < 0.65:
            lines.append(f"\tunsigned long {name}[WORDS({rng.randint(1, 200)})];")
        else:
            base = rng.choice(SCALARS)
            mark = attribute(rng, 0.25)
            lines.append(
                f"\t{base} {name}{'[3]' if rng.random() < 0.2 and base not in ('far_t', 'near_t') else ''}{mark};"
            )
    return "\n".join(lines)


def source(rng: random.Random, tags: list[str]) -> str:
    """A file with structs of those tags, some of them packed in either way."""
    known: list[str] = []
    lines = [HEAD]
    for tag in tags:
        pack = rng.choice(["", "", "", "1", "2", "4", "push, 1"])
        if pack:
            lines.append(f"#pragma pack({pack})")
        kind = "union" if rng.random() < 0.15 else "struct"
        lines.append(f"{kind} {tag} {{\n{body(rng, tag, known, 0)}\n}}{attribute(rng, 0.25)};")
        if kind == "struct":
            known.append(tag)
        lines.append(f"{kind} {tag} v{tag};")
        if pack:
            lines.append("#pragma pack(pop)" if "push" in pack else "#pragma pack()")
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("arch", COMPILERS)
@pytest.mark.parametrize("seed", range(6))
def test_layouts_are_those_of_gcc(
    arch: str, seed: int, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    compiler = COMPILERS[arch]
    arch, _, narrow = arch.partition("-")
    text = source(random.Random(seed), [f"t{number}" for number in range(60)])
    if narrow:
        text = text.replace("__int128", "double").replace("1UL <<", "1ULL <<")
    made = compiled(compiler, text, tmp_path)
    width = ("X86_32" if arch == "x86" else "32BIT") if narrow else "64BIT"
    values = Configuration("test", ((width, "y"), ("GCC_VERSION", "120200")))
    types = Types(unit(Snapshot.of(MemoryTree({"a.c": text.encode()})), "a.c", arch, values))
    record_property("random layouts that are exact", compared(types, made))


NARROW = {
    "i386": ("gcc", "-m32"),
    "mips o32": ("mips64el-linux-gnuabi64-gcc", "-mabi=32", "-march=mips32r2"),
    "riscv32": ("riscv64-linux-gnu-gcc", "-march=rv32gc", "-mabi=ilp32d"),
}


@pytest.mark.parametrize("abi", NARROW)
@pytest.mark.parametrize("seed", range(6))
def test_layouts_of_32_bits_are_those_of_gcc(
    abi: str, seed: int, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    text = source(random.Random(seed), [f"t{number}" for number in range(60)]).replace(
        "__int128", "long long"
    )
    text = text.replace("1UL << 33", "1ULL << 33")
    made = compiled(NARROW[abi], text, tmp_path)
    ours = next(each for each in PUBLIC if each.name == abi)
    tree = Snapshot.of(MemoryTree({"include/uapi/a.h": text.encode()}))
    types = Types(exported(tree, "include/uapi/a.h", ours))
    record_property("random layouts of 32 bits that are exact", compared(types, made))


def compiled(compiler: tuple[str, ...], text: str, where: Path) -> Path:
    """The object of a text, with debug information that can be read; skips where there is no such compiler."""
    if shutil.which(compiler[0]) is None:
        pytest.skip(f"there is no {compiler[0]}")
    (where / "a.c").write_text(text)
    subprocess.run(
        [*compiler, "-g", "-w", "-O0", "-fno-pic", "-c", "a.c", "-o", "a.o"],
        cwd=where,
        check=True,
        capture_output=True,
    )
    if compiler[0].startswith("m68k"):
        return linked(where / "a.o", "m68k-linux-gnu-ld")
    if not compiler[0].startswith("riscv64"):
        return where / "a.o"
    narrow = any(option.startswith("-mabi=ilp32") for option in compiler)
    return linked(where / "a.o", "riscv64-linux-gnu-ld", *(["-melf32lriscv"] if narrow else []))


def compared(types: Types, made: Path) -> int:
    """How many structs of an object are as its debug information says; all others are unknown."""
    exact = unknown = 0
    for (kind, tag), layouts in structs(made).items():
        try:
            found = types.named(f"{kind} {tag}")
        except UnknownTypeError:
            unknown += 1
            continue
        members = tuple((each.name, each.offset, each.bits, each.bit) for each in found.fields)
        assert (found.size, members) in layouts, (kind, tag)
        exact += 1
    assert exact > 10 * unknown
    return exact
