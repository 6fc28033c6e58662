"""The types of real files under a real configuration, against the debug information of their objects.

$CHECKSERIES_BUILDS names a directory where kernels are built out of tree, one a subdirectory; what it lacks is
built there, which takes minutes.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.oracle.dwarf import linked, structs

from checkseries.facts.c_unit import constants, unit
from checkseries.facts.kconfig import assigned
from checkseries.facts.unit import Configuration
from checkseries.facts.unit_type import Types, UnknownTypeError
from checkseries.tree import Snapshot
from checkseries.tree.locate import locate, open_tree

pytestmark = [pytest.mark.oracle, pytest.mark.tree]

CROSS = {
    "arm64": "aarch64-linux-gnu-",
    "x86": "",
    "riscv": "riscv64-linux-gnu-",
    "mips": "mips64el-linux-gnuabi64-",
}
DEFCONFIG = {"mips": "64r6el_defconfig"}
"""Where the default one is not of 64 bits."""
RELOCATED = ("riscv", "mips")
"""Whose debug information has relocations that pyelftools does not know."""
FILES = ("fs/ext4/super.c", "mm/page_alloc.c", "kernel/sched/core.c", "drivers/net/virtio_net.c")
LEAST = 0.92
"""The share of the types that has to be exact."""
MINUTES = 60


@pytest.fixture(scope="session")
def built(trees: Path) -> Callable[[str], Path]:
    """Where the kernel of an architecture is built, with full debug information."""
    value = os.environ.get("CHECKSERIES_BUILDS")
    if not value:
        pytest.skip("kernel builds: $CHECKSERIES_BUILDS is not set")
    source = trees / "linux-7.2"

    def build(arch: str) -> Path:
        if shutil.which(f"{CROSS[arch]}gcc") is None:
            pytest.skip(f"there is no {CROSS[arch]}gcc")
        output = Path(value) / f"kb-{arch}"
        make = ["make", "-s", f"O={output}", f"ARCH={arch}", f"CROSS_COMPILE={CROSS[arch]}"]

        def run(*command: str) -> None:
            subprocess.run(command, cwd=source, check=True, capture_output=True, timeout=60 * MINUTES)

        if not (output / ".config").exists():
            run(*make, DEFCONFIG.get(arch, "defconfig"))
            options = ["-d", "DEBUG_INFO_REDUCED", "-d", "DEBUG_INFO_NONE", "-e", "DEBUG_INFO_DWARF5"]
            run("scripts/config", "--file", str(output / ".config"), *options)
            run(*make, "olddefconfig")
        objects = [file.removesuffix(".c") + ".o" for file in FILES]
        if not all((output / each).exists() for each in objects):
            run(*make, *objects)
        return output

    return build


def configured(output: Path) -> Configuration:
    """The configuration of a build, as it stands in its ``.config``."""
    lines = (output / ".config").read_text().split("\n")
    return Configuration(
        ".config", tuple(sorted((name, value) for name, value in assigned(lines) if value != "n"))
    )


@pytest.mark.parametrize("path", FILES)
@pytest.mark.parametrize("arch", CROSS)
def test_types_lie_as_in_the_object(
    arch: str,
    path: str,
    trees: Path,
    built: Callable[[str], Path],
    record_property: Callable[[str, object], None],
) -> None:
    output = built(arch)
    tree = Snapshot.of(open_tree(locate(str(trees / "linux-7.2"), "/", os.environ), None))
    values = configured(output)
    types = Types(unit(tree, path, arch, values))
    made = output / (path.removesuffix(".c") + ".o")
    if arch in RELOCATED:
        made = linked(made, f"{CROSS[arch]}ld")
    exact, unknown, wrong = 0, 0, []
    for (kind, tag), layouts in structs(made).items():
        try:
            found = types.named(f"{kind} {tag}")
        except UnknownTypeError:
            unknown += 1
            continue
        members = tuple((each.name, each.offset, each.bits, each.bit) for each in found.fields)
        if (found.size, members) in layouts:
            exact += 1
        else:
            wrong.append(f"{kind} {tag}")
    record_property("types of real files that are exact", exact)
    record_property("types of real files that are unknown", unknown)
    assert wrong == []
    assert exact >= LEAST * (exact + unknown)


@pytest.mark.parametrize(
    ("path", "header"),
    [
        ("kernel/bounds.c", "bounds.h"),
        ("arch/{}/kernel/asm-offsets.c", "asm-offsets.h"),
        ("kernel/sched/rq-offsets.c", "rq-offsets.h"),
    ],
)
@pytest.mark.parametrize("arch", CROSS)
def test_constants_are_those_of_the_build(
    arch: str,
    path: str,
    header: str,
    trees: Path,
    built: Callable[[str], Path],
    record_property: Callable[[str, object], None],
) -> None:
    output = built(arch)
    tree = Snapshot.of(open_tree(locate(str(trees / "linux-7.2"), "/", os.environ), None))
    text = (output / "include" / "generated" / header).read_text()
    real = {
        match[1]: int(match[2], 0) for match in re.finditer(r"^#define (\w+) (-?\w+) /\*", text, re.MULTILINE)
    }
    found = constants(tree, path.format(arch), arch, configured(output))
    known = {name: value for name, value in found.items() if isinstance(value, int)}
    assert {name: value for name, value in known.items() if real.get(name) != value} == {}
    record_property("constants of headers that are exact", len(known))
    record_property("constants of headers that are unknown", len(real) - len(known))
    assert len(known) >= LEAST * len(real)
