"""Layouts of random structures against gcc's own: exact or unknown, never wrong."""

from __future__ import annotations

import random
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from checkseries.facts.answer import Unknown
from checkseries.facts.c_layout import Layout, layout
from checkseries.tree import MemoryTree, Snapshot

pytestmark = pytest.mark.oracle

SCALARS = ["char", "unsigned char", "short", "int", "unsigned int", "long", "unsigned long", "long long", "void *", "u8", "u16", "u32", "u64",
           "__le32", "size_t", "long unsigned int", "const char *", "bool"]  # fmt: skip
TYPEDEFS = (
    "typedef unsigned char u8; typedef unsigned short u16; typedef unsigned int u32; typedef unsigned long long u64;"
    "typedef unsigned int __le32; typedef __SIZE_TYPE__ size_t; typedef _Bool bool;\n"
    "#define __packed __attribute__((packed))\n#define __aligned(x) __attribute__((aligned(x)))\n#define __user\n"
)


def structure(rng: random.Random, tag: str, known: list[str], depth: int = 0) -> str:
    """A structure's body in C, with names that are unique in it."""
    members = []
    for number in range(rng.randint(1, 6)):
        name = f"m{depth}_{number}"
        kind = rng.random()
        dims = f"[{rng.choice(['3', '2 * 2', '0x4'])}]" if rng.random() < 0.25 else ""
        if kind < 0.1 and known:
            members.append(f"\tstruct {rng.choice(known)} {name}{dims};")
        elif kind < 0.2 and depth < 2:
            inner = structure(rng, "", known, depth + 1).replace("m", f"{tag or 'n'}{number}_m")
            members.append(
                f"\t{rng.choice(['struct', 'union'])} {{\n{inner}\n\t}} {rng.choice(['', name + dims])};"
            )
        elif kind < 0.3:
            members.append(f"\tint (*{name})(void *, int);")
        elif kind < 0.35:
            base, most = rng.choice(
                [("unsigned int", 32), ("u8", 8), ("int", 32), ("unsigned short", 16), ("u64", 40)]
            )
            name = rng.choice([f" {name}", f" {name}", ""])
            members.append(f"\t{base}{name} : {rng.randint(1 if name else 0, most)};")
        elif kind < 0.4:
            plain = [each for each in SCALARS if "*" not in each]
            members.append(f"\t{rng.choice(plain)} {name}, *{name}b, {name}c{dims};")
        else:
            mark = rng.choice(["", "", "", " __aligned(16)", " __packed", " __user"]) if not dims else ""
            members.append(f"\t{rng.choice(SCALARS)} {name}{dims}{mark};")
    return "\n".join(members)


def asked(text: str, tags: list[str], flags: tuple[str, ...], abi: str, where: Path) -> dict[str, list[int]]:
    """Size, alignment and offsets of each structure as gcc says."""
    lines = [TYPEDEFS, text, "#define O(t, m) __builtin_offsetof(struct t, m)"]
    names: dict[str, list[str]] = {}
    for tag in tags:
        laid = layout(Snapshot.of(MemoryTree({"a.h": text})), f"struct {tag}", abi, "a.h")
        names[tag] = [name for name, _ in offsets(laid)] if isinstance(laid, Layout) else []
        values = [
            f"sizeof(struct {tag})",
            f"_Alignof(struct {tag})",
            *(f"O({tag}, {name})" for name in names[tag]),
        ]
        lines.append(f"const unsigned int v_{tag}[] = {{ {', '.join(values)} }};")
    source = where / "a.c"
    source.write_text("\n".join(lines))
    done = subprocess.run(
        ["gcc", *flags, "-w", "-S", "-o", "-", str(source)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, list[int]] = {}
    current = None
    for line in done.stdout.splitlines():
        if match := re.match(r"v_(\w+):", line):
            current = found.setdefault(match[1], [])
        elif current is not None and (match := re.match(r"\s+\.(?:long|zero)\s+(\d+)", line)):
            if ".zero" in line:
                current += [0] * (int(match[1]) // 4)
            else:
                current.append(int(match[1]))
    return found


def offsets(laid: Layout) -> list[tuple[str, int]]:
    """The members and their own members, as offsetof() names them."""
    found: list[tuple[str, int]] = []
    for each in laid.members:
        found.append((each.name, each.offset))
        found += [(f"{each.name}.{inner.name}", each.offset + inner.offset) for inner in each.inner]
    return found


@pytest.mark.parametrize(("abi", "flags"), [("lp64", ()), ("ilp32", ("-m32",))])
def test_layouts_are_gccs_or_unknown(abi: str, flags: tuple[str, ...], tmp_path: Path) -> None:
    if shutil.which("gcc") is None:
        pytest.skip("no gcc here")
    rng = random.Random(20_26)
    tags = [f"s{number}" for number in range(300)]
    text = ""
    for number, tag in enumerate(tags):
        tail = rng.choice(
            [
                "",
                "",
                "",
                " __packed",
                " __aligned(32)",
                " __attribute__((packed))",
                " __attribute__((aligned(8)))",
            ]
        )
        pack = rng.choice(["", "", "", "1", "2", "push, 4"])
        text += f"#pragma pack({pack})\n" if pack else ""
        text += f"struct {tag} {{\n{structure(rng, tag, tags[:number][-5:])}\n}}{tail};\n"
        text += f"#pragma pack({'pop' if 'push' in pack else ''})\n\n" if pack else "\n"
    truth = asked(text, tags, flags, abi, tmp_path)
    tree = Snapshot.of(MemoryTree({"a.h": text}))
    exact = wrong = 0
    reasons: dict[str, int] = {}
    for tag in tags:
        laid = layout(tree, f"struct {tag}", abi, "a.h")
        if isinstance(laid, Unknown):
            why = re.sub(r"\bs\d+\b|m\d_\d", "X", laid.because)
            reasons[why] = reasons.get(why, 0) + 1
            continue
        values = [laid.size, laid.align, *(offset for _, offset in offsets(laid))]
        exact += values == truth[tag]
        if values != truth[tag]:
            wrong += 1
            start = text.index(f"struct {tag} {{")
            print(text[start : text.index("\n\n", start)], values, truth[tag])
    print(f"{abi}: {exact} exact, {wrong} wrong, {sum(reasons.values())} unknown: {reasons}")
    assert wrong == 0
    assert exact > (150 if abi == "lp64" else 5)
