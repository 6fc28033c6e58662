"""Kernels that are built as far as single objects, out of tree: what a compiler makes of real files.

$CHECKSERIES_BUILDS names the directory where they are, one a subdirectory; what it lacks is made there.
"""

from __future__ import annotations

import fcntl
import os
import random
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from checkseries.facts.kbuild import built
from checkseries.facts.kconfig import assigned
from checkseries.facts.presence import Option, held
from checkseries.facts.unit import Configuration, dict_of
from checkseries.tree import Snapshot


@dataclass(frozen=True, slots=True)
class Target:
    """A kind of kernel that can be built."""

    arch: str
    """Its directory below arch/."""
    cross: str
    defconfig: str = "defconfig"
    make: str = ""
    """What make is told as ARCH, if that is not the directory."""
    linker: tuple[str, ...] = ()
    """How its objects are linked where pyelftools does not know the relocations of their debug information."""


_RISCV = "riscv64-linux-gnu-"
_MIPS = "mips64el-linux-gnuabi64-"
TARGETS = {
    "arm64": Target("arm64", "aarch64-linux-gnu-"),
    "x86": Target("x86", ""),
    "riscv": Target("riscv", _RISCV, linker=(f"{_RISCV}ld",)),
    "mips": Target("mips", _MIPS, "64r6el_defconfig", linker=(f"{_MIPS}ld",)),
    "x86-32": Target("x86", "", "i386_defconfig", "i386"),
    "riscv-32": Target("riscv", _RISCV, "rv32_defconfig", linker=(f"{_RISCV}ld", "-melf32lriscv")),
    "m68k": Target("m68k", "m68k-linux-gnu-", linker=("m68k-linux-gnu-ld",)),
    "mips-32": Target("mips", _MIPS, "32r2el_defconfig"),
}
HOURS = 3600
SEED = os.environ.get("CHECKSERIES_SEED") or datetime.now(UTC).date().isoformat()
"""What the files that are drawn hang on: they are others every day."""


@dataclass(frozen=True, slots=True)
class Build:
    """A kernel that is configured and prepared."""

    name: str
    source: Path
    output: Path

    @property
    def target(self) -> Target:
        """What kind of kernel it is."""
        return TARGETS[self.name]

    @property
    def arch(self) -> str:
        """The directory of its architecture below arch/."""
        return self.target.arch

    @property
    def make(self) -> list[str]:
        """How make is called in the tree."""
        arch = f"ARCH={self.target.make or self.arch}"
        jobs = f"-j{os.cpu_count() or 1}"
        return ["make", "-s", jobs, f"O={self.output}", arch, f"CROSS_COMPILE={self.target.cross}"]

    def configuration(self) -> Configuration:
        """The values of all symbols, as they stand in its ``.config``."""
        lines = (self.output / ".config").read_text().split("\n")
        values = ((name, value) for name, value in assigned(lines) if value != "n")
        return Configuration(".config", tuple(sorted(values)))

    def prepare(self) -> None:
        """Configure it, with full debug information, and make the headers that a build makes."""
        if not (self.output / "prepared").exists():
            config = self.output / ".config"
            if not config.exists() or "\nCONFIG_DEBUG_INFO_DWARF5=y\n" not in config.read_text():
                self.output.mkdir(parents=True, exist_ok=True)
                run(self.source, *self.make, self.target.defconfig)
                options = [
                    "-e",
                    "DEBUG_KERNEL",
                    "-d",
                    "DEBUG_INFO_REDUCED",
                    "-d",
                    "DEBUG_INFO_NONE",
                    "-e",
                    "DEBUG_INFO_DWARF5",
                ]
                run(self.source, "scripts/config", "--file", str(config), *options)
                run(self.source, *self.make, "olddefconfig")
            run(self.source, *self.make, "prepare")
            (self.output / "prepared").touch()

    def object(self, path: str) -> Path:
        """Where the object of a source file is."""
        return self.output / (path.removesuffix(".c") + ".o")

    def compile(self, paths: list[str]) -> None:
        """Make the objects of files; what cannot be made is left out."""
        lacking = [path for path in paths if not self.object(path).exists()]
        if lacking:
            names = [path.removesuffix(".c") + ".o" for path in lacking]
            run(self.source, *self.make, "-k", *names, check=False)


def run(where: Path, *command: str, check: bool = True) -> None:
    """Run a command of the kernel's build; what it says is shown if it fails."""
    done = subprocess.run(
        command, cwd=where, check=False, capture_output=True, text=True, errors="replace", timeout=2 * HOURS
    )
    if check and done.returncode:
        raise AssertionError(f"{' '.join(command)}: {done.stdout[-2000:]}{done.stderr[-2000:]}")


@contextmanager
def alone(output: Path) -> Iterator[None]:
    """Nobody else builds there meanwhile."""
    output.parent.mkdir(parents=True, exist_ok=True)
    with open(output.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def prepared(source: Path, name: str, paths: list[str]) -> Build:
    """A kernel with the objects of some files; the test is skipped where there is none."""
    value = os.environ.get("CHECKSERIES_BUILDS")
    if not value:
        pytest.skip("kernel builds: $CHECKSERIES_BUILDS is not set")
    for tool in (f"{TARGETS[name].cross}gcc", "make", "flex", "bison", "bc"):
        if shutil.which(tool) is None:
            pytest.skip(f"kernel builds of {name}: there is no {tool}")
    build = Build(name, source, Path(value) / f"kb-{name}")
    with alone(build.output):
        build.prepare()
        build.compile(paths)
    return build


def drawn(tree: Snapshot, arch: str, values: Configuration, number: int) -> list[str]:
    """Files that a configuration builds, drawn from the whole tree by the seed."""
    known = dict_of(values)

    def value(option: Option) -> bool:
        return known.get(option.name) == option.value

    paths = list(tree.named("*.c"))
    random.Random(f"{SEED} {arch}").shuffle(paths)
    found: list[str] = []
    for path in paths:
        if len(found) == number:
            break
        where = built(tree, path, arch)
        if held(where.inside, value) or held(where.module, value):
            found.append(path)
    return found
