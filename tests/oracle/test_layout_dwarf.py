"""The types of real files under a real configuration, against the debug information of their objects.

The files are those of a list and others that are drawn from the whole tree by a seed ($CHECKSERIES_SEED, or
the day), so that nothing can be made for a list. Where the kernels are built: ``kernel_build.py``.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.oracle.dwarf import linked, structs
from tests.oracle.kernel_build import SEED, TARGETS, Build, drawn, prepared

from checkseries.facts.c_unit import constants, unit
from checkseries.facts.unit_type import Types, UnknownTypeError
from checkseries.tree import Snapshot
from checkseries.tree.locate import locate, open_tree

pytestmark = [pytest.mark.oracle, pytest.mark.tree]

ALL = (
    "fs/ext4/super.c",
    "mm/page_alloc.c",
    "kernel/sched/core.c",
    "drivers/net/virtio_net.c",
    "kernel/cpu.c",
)
SMP = {
    "arm64": "arch/arm64/kernel/smp.c",
    "x86": "arch/x86/kernel/smpboot.c",
    "riscv": "arch/riscv/kernel/smpboot.c",
    "mips": "arch/mips/kernel/smp.c",
}
NARROW = ("fs/ext4/super.c", "mm/page_alloc.c", "kernel/cpu.c")
WIDE = tuple(SMP)
FILES = {name: (*ALL, SMP[name]) if name in WIDE else NARROW for name in TARGETS}
DRAWN = 10
"""How many files are drawn for each architecture."""
SPARE = 2
"""How many more are built, as what is said to be built may not be."""
LEAST = 0.92
"""The share of the types that has to be exact."""
LEAST_CONSTANTS = 0.9
SHOWN = 5  # reasons for which types are unknown, of one file
Record = Callable[[str, object], None]


@pytest.fixture(scope="session")
def tree(trees: Path) -> Snapshot:
    """Linux 7.2, of which nothing is touched."""
    return Snapshot.of(open_tree(locate(str(trees / "linux-7.2"), "/", os.environ), None))


@pytest.fixture(scope="session")
def builds(trees: Path, tree: Snapshot) -> Callable[[str], tuple[Build, list[str]]]:
    """A kernel by its name, and the files drawn for it that are built."""
    known: dict[str, tuple[Build, list[str]]] = {}

    def of(name: str) -> tuple[Build, list[str]]:
        if name not in known:
            build = prepared(trees / "linux-7.2", name, list(FILES[name]))
            number = DRAWN + SPARE if name in WIDE else 0
            paths = drawn(tree, build.arch, build.configuration(), number)
            build = prepared(trees / "linux-7.2", name, paths)
            known[name] = build, [path for path in paths if build.object(path).exists()]
        return known[name]

    return of


def compared(tree: Snapshot, build: Build, path: str, record: Record) -> tuple[int, int]:
    """How many types of a file are exact, and how many unknown; none may be wrong."""
    types = Types(unit(tree, path, build.arch, build.configuration()))
    made = build.object(path)
    if build.target.linker:
        made = linked(made, *build.target.linker)
    exact, wrong = 0, []
    reasons: Counter[str] = Counter()
    for (kind, tag), layouts in structs(made).items():
        try:
            found = types.named(f"{kind} {tag}")
        except UnknownTypeError as error:
            reasons[str(error)] += 1
            continue
        members = tuple((each.name, each.offset, each.bits, each.bit) for each in found.fields)
        if (found.size, members) in layouts:
            exact += 1
        else:
            wrong.append(f"{kind} {tag}")
    unknown = reasons.total()
    record(f"types in {build.name} that are exact", exact)
    record(f"types in {build.name} that are unknown", unknown)
    record(f"types in {build.name} {path} that are exact", exact)
    for reason, count in reasons.most_common(SHOWN):
        record(f"types in {build.name} {path} that are unknown: {reason}", count)
    assert wrong == [], f"{path} of {build.name}"
    return exact, unknown


@pytest.mark.parametrize(("name", "path"), [(name, path) for name in TARGETS for path in FILES[name]])
def test_types_lie_as_in_the_object(
    name: str,
    path: str,
    tree: Snapshot,
    builds: Callable[[str], tuple[Build, list[str]]],
    record_property: Record,
) -> None:
    exact, unknown = compared(tree, builds(name)[0], path, record_property)
    assert exact
    assert exact >= LEAST * (exact + unknown)


@pytest.mark.parametrize("arch", WIDE)
def test_types_of_files_drawn_from_the_tree_lie_as_in_the_object(
    arch: str,
    tree: Snapshot,
    builds: Callable[[str], tuple[Build, list[str]]],
    record_property: Record,
) -> None:
    build, paths = builds(arch)
    record_property("is the seed that files are drawn by", SEED)
    figures = {path: compared(tree, build, path, record_property) for path in paths[:DRAWN]}
    record_property(f"files of {arch} that are drawn from the tree", len(figures))
    exact, unknown = (sum(each) for each in zip(*figures.values(), strict=True))
    # One file can rest on a header that only a build makes: it is all of them that have to be known.
    assert exact >= LEAST * (exact + unknown), f"drawn by {SEED}: {figures}"
    assert len(figures) >= DRAWN // 2, f"drawn by {SEED}: only {paths} are built"


@pytest.mark.parametrize(
    ("path", "header"),
    [
        ("kernel/bounds.c", "bounds.h"),
        ("arch/{}/kernel/asm-offsets.c", "asm-offsets.h"),
        ("kernel/sched/rq-offsets.c", "rq-offsets.h"),
    ],
)
@pytest.mark.parametrize("name", TARGETS)
def test_constants_are_those_of_the_build(
    name: str,
    path: str,
    header: str,
    tree: Snapshot,
    builds: Callable[[str], tuple[Build, list[str]]],
    record_property: Record,
) -> None:
    build = builds(name)[0]
    text = (build.output / "include" / "generated" / header).read_text()
    real = {
        match[1]: int(match[2], 0) for match in re.finditer(r"^#define (\w+) (-?\w+) /\*", text, re.MULTILINE)
    }
    found = constants(tree, path.format(build.arch), build.arch, build.configuration())
    known = {name: value for name, value in found.items() if isinstance(value, int)}
    assert {name: value for name, value in known.items() if real.get(name) != value} == {}
    record_property(f"constants of headers of {name} that are exact", len(known))
    record_property(f"constants of headers of {name} that are unknown", len(real) - len(known))
    assert real
    assert len(known) >= LEAST_CONSTANTS * len(real)
