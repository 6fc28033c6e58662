"""The headers of random files of a real tree against those that gcc opens: none is missed, whatever is configured."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from checkseries.facts.kconfig.evaluate import Evaluation, Mode
from checkseries.facts.kconfig.model import Model, model
from checkseries.facts.presence import ALWAYS, kconfig
from checkseries.facts.reach import reached, when
from checkseries.tree import Snapshot

pytestmark = [pytest.mark.oracle, pytest.mark.tree]

GCC = {"x86": ("gcc",), "arm64": ("aarch64-linux-gnu-gcc",), "riscv": ("riscv64-linux-gnu-gcc",)}
FLAGS = {
    "x86": ("-m64",),
    "arm64": ("-mabi=lp64",),
    "riscv": ("-march=rv64imac", "-mabi=lp64"),
}
MODES: tuple[Mode, ...] = ("alldefconfig", "allmodconfig", "allnoconfig")
BELOW = ("block/", "crypto/", "drivers/", "fs/", "kernel/", "lib/", "mm/", "net/", "sound/")
SEEDS = int(os.environ.get("CHECKSERIES_ORACLE_SEEDS", "1"))
FILES = 10 if SEEDS == 1 else 20


def autoconf(values: Evaluation, kernel: Model) -> str:
    """What scripts/kconfig/confdata.c writes into autoconf.h."""
    lines = []
    for symbol in kernel.tree.order:
        if not values.written(symbol):
            continue
        text = values.text(symbol)
        if symbol.logical:
            if text != "n":
                lines.append(f"#define CONFIG_{symbol.name}{'_MODULE' if text == 'm' else ''} 1")
        elif symbol.type.value == "string":
            lines.append(f'#define CONFIG_{symbol.name} "{text}"')
        elif text:
            hexadecimal = symbol.type.value == "hex" and not text.lower().startswith("0x")
            lines.append(f"#define CONFIG_{symbol.name} {'0x' if hexadecimal else ''}{text}")
    return "\n".join(lines) + "\n"


def opened(root: Path, scratch: Path, arch: str, path: str) -> Iterator[str]:
    """The files of the tree that gcc reads for one file, as ``-M`` lists them."""
    own = f"arch/{arch}/include"
    includes = [root / own, scratch / own / "generated", root / "include", scratch / "include",
                root / own / "uapi", scratch / own / "generated/uapi", root / "include/uapi"]  # fmt: skip
    command = [
        *GCC[arch], *FLAGS[arch], "-M", "-MG", "-nostdinc", "-w", "-D__KERNEL__", "-DKBUILD_MODNAME=x",
        *(f"-I{each}" for each in includes), f"-I{(root / path).parent}",
        *(part for name in ("compiler-version", "kconfig", "compiler_types")
          for part in ("-include", str(root / f"include/linux/{name}.h"))), str(root / path),
    ]  # fmt: skip
    run = subprocess.run(command, capture_output=True, text=True, check=False, cwd=scratch)
    for word in run.stdout.replace("\\\n", " ").split()[1:]:
        full = os.path.normpath(scratch / word)
        if full.startswith(f"{root}/"):
            yield full[len(str(root)) + 1 :]


def wrappers(root: Path, scratch: Path, arch: str) -> None:
    """The asm/ headers that the kernel's own makefile makes of those of asm-generic."""
    for public in ("", "uapi/"):
        obj = scratch / f"arch/{arch}/include/generated/{public}asm"
        obj.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            ["make", "-s", "-k", "-f", str(root / "scripts/Makefile.asm-headers"), f"srctree={root}", f"SRCARCH={arch}",
             f"obj=arch/{arch}/include/generated/{public}asm", f"generic=include/{public}asm-generic"],
            cwd=scratch, check=False, capture_output=True,  # tables of system calls are not made so
            text=True,
        )  # fmt: skip
        assert any(obj.iterdir()) or public


@pytest.mark.parametrize("arch", GCC)
def test_no_header_that_gcc_opens_is_missed(
    arch: str,
    linux: Snapshot,
    trees: Path,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    if shutil.which(GCC[arch][0]) is None:
        pytest.skip(f"there is no {GCC[arch][0]}")
    root = trees / "linux-7.2"
    kernel = model(linux, arch)
    wrappers(root, tmp_path, arch)
    dice = random.Random(20261125)
    candidates = sorted(
        path for path in linux.lineage.base.paths() if path.endswith(".c") and path.startswith(BELOW)
    )
    files = dice.sample(candidates, FILES)
    missed: list[str] = []
    compared = 0
    for mode in MODES:
        values = kernel.evaluation({}, mode)
        (tmp_path / "include/generated").mkdir(parents=True, exist_ok=True)
        (tmp_path / "include/generated/autoconf.h").write_text(autoconf(values, kernel))
        for path in files:
            closure = reached(linux, path, arch)
            assert closure.whole
            for header in opened(root, tmp_path, arch, path):
                compared += 1
                if header not in closure:
                    missed.append(f"{mode}: {path}: {header}")
                    continue
                under = when(closure, header)
                text = kconfig(under)
                if under != ALWAYS and text is not None and not values.expr(kernel._parse(text)):
                    missed.append(f"{mode}: {path}: {header} under {text}")
    assert sorted(missed)[:20] == []
    assert compared > 1000
    record_property("headers that gcc opened, and none missed", compared)
