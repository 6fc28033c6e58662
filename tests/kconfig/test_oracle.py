"""Values, flags, visibility and warnings are those of the kernel's own conf."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.kconfig.differing import differences

from checkseries.facts.answer import Impossible, Possible, Unknown
from checkseries.facts.kconfig.evaluate import Evaluation, Mode, assigned
from checkseries.facts.kconfig.expression import text
from checkseries.facts.kconfig.menu import parsed
from checkseries.facts.kconfig.model import Model
from checkseries.facts.kconfig.symbol import KconfigError, Tree, Type
from checkseries.facts.kconfig.toolchain import Toolchain

pytestmark = [pytest.mark.oracle, pytest.mark.tree]

KERNELS = [
    ("linux-7.2", "x86"),
    ("linux-7.2", "mips"),
    ("linux-7.2", "riscv"),
    ("linux-7.2", "arm64"),
    ("linux-6.12", "x86"),
]
Record = Callable[[str, object], None]
Equal = Callable[[Tree, Evaluation, Any], None]
FOUR = ("x86", "mips", "riscv", "arm64")
SEEDS = int(os.environ.get("CHECKSERIES_ORACLE_SEEDS", "1"))
"""How many randconfigs and how many contradictory inputs a kernel is tried with; from 2 on everything is tried."""
THOROUGH = SEEDS > 1
if THOROUGH:
    KERNELS += [
        ("linux-7.2", "arm"),
        ("linux-7.2", "powerpc"),
        ("linux-7.2", "s390"),
        ("linux-7.2", "loongarch"),
        ("linux-6.12", "mips"),
    ]
INJECTED = 60 if THOROUGH else 20
CONFIRMED = INJECTED if THOROUGH else 4
"""How many of the alarms about what was put in are shown to conf, at most."""
DEFCONFIG = {
    "x86": "arch/x86/configs/x86_64_defconfig",
    "mips": "arch/mips/configs/malta_defconfig",
    "riscv": "arch/riscv/configs/defconfig",
    "arm64": "arch/arm64/configs/defconfig",
    "arm": "arch/arm/configs/multi_v7_defconfig",
    "powerpc": "arch/powerpc/configs/ppc64_defconfig",
    "s390": "arch/s390/configs/defconfig",
    "loongarch": "arch/loongarch/configs/loongson64_defconfig",
}
MODES: tuple[Mode, ...] = ("allmodconfig", "allyesconfig", "allnoconfig", "alldefconfig")


def contradictory(tree: Tree, dice: random.Random, count: int) -> list[str]:
    """Lines of a .config that nobody would write: random symbols with random values, some not valid."""
    symbols = list(tree.order)
    lines = []
    for _ in range(count):
        symbol = dice.choice(symbols)
        if symbol.logical:
            value = dice.choice(["y", "m", "n", None, "y"])
        elif symbol.type is Type.STRING:
            value = dice.choice(['""', '"a b"', r'"q\"uo\\te"', "bare", '"open', "y"])
        else:
            value = dice.choice(["0", "1", "16", "0x10", "ff", "-3", "007", "99999999999999999999", "x"])
        lines.append(
            f"# CONFIG_{symbol.name} is not set" if value is None else f"CONFIG_{symbol.name}={value}"
        )
    return lines


@pytest.fixture
def equal(record_property: Record) -> Equal:
    """Asserts that ours are conf's, and counts what was compared."""

    def assert_equal(tree: Tree, values: Evaluation, expected: Any) -> None:
        assert differences(tree, values, expected) == []
        record_property("symbols compared with conf (value, written, visible)", len(expected.symbols))

    return assert_equal


@pytest.fixture(scope="module", params=KERNELS, ids="-".join)
def case(
    request: pytest.FixtureRequest,
    kernel: Callable[[str, str], SimpleNamespace],
    conf: Callable[[str], Any],
) -> SimpleNamespace:
    release, arch = request.param
    parse = kernel(release, arch)
    binary = conf(release)

    def run(mode: str, lines: Iterable[str] | None = None, **extra: str) -> tuple[Any, str]:
        config = None if lines is None else "".join(line + "\n" for line in lines)
        result: tuple[Any, str] = binary.run(parse.root, mode, parse.environment, parse.table, config, extra)
        return result

    return SimpleNamespace(tree=parse.tree, run=run, defconfig=DEFCONFIG[arch], root=parse.root)


@pytest.mark.parametrize("mode", MODES if THOROUGH else MODES[:1])
def test_modes(case: SimpleNamespace, equal: Equal, mode: Mode) -> None:
    expected, written = case.run("--" + mode)
    assert len(expected.symbols) > 15000
    equal(case.tree, Evaluation(case.tree, (), mode), expected)
    if THOROUGH:
        lines = written.splitlines()
        again, _ = case.run("--olddefconfig", lines)
        equal(case.tree, Evaluation(case.tree, assigned(lines)), again)


def test_defconfig(case: SimpleNamespace, equal: Equal) -> None:
    expected, written = case.run("--defconfig=" + case.defconfig)
    lines = (case.root / case.defconfig).read_text().splitlines()
    equal(case.tree, Evaluation(case.tree, assigned(lines)), expected)
    if THOROUGH:
        lines = written.splitlines()
        again, _ = case.run("--olddefconfig", lines)
        equal(case.tree, Evaluation(case.tree, assigned(lines)), again)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_random(case: SimpleNamespace, equal: Equal, seed: int) -> None:
    _, written = case.run("--randconfig", KCONFIG_SEED=str(seed))
    lines = written.splitlines()
    expected, _ = case.run("--olddefconfig", lines)
    equal(case.tree, Evaluation(case.tree, assigned(lines)), expected)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_contradictory(case: SimpleNamespace, equal: Equal, seed: int) -> None:
    count = (4000, 200, 12000)[seed % 3]
    lines = contradictory(case.tree, random.Random(f"{count} {seed}"), count)
    expected, _ = case.run("--olddefconfig", lines)
    equal(case.tree, Evaluation(case.tree, assigned(lines)), expected)


def selects_put_in(parse: SimpleNamespace, dice: random.Random) -> tuple[dict[str, str], dict[str, str]]:
    """Selectors put into a kernel, with what each selects; and the files that this changes."""
    logical = [symbol for symbol in parse.tree.order if symbol.logical and symbol.choice is None]
    targets = [symbol for symbol in logical if symbol.direct]
    lines = []
    injected: dict[str, str] = {}
    for number in range(INJECTED):
        target = dice.choice(targets)
        name = f"INJECTED_{number}"
        injected[name] = target.name
        guard = dice.choice(["", text(target.direct[0]), dice.choice(logical).name])
        condition = f" if {guard}" if guard and len(target.direct) == 1 else ""
        lines += [f"config {name}", f'\tbool "{name}"', f"\tselect {target.name}{condition}"]
    return injected, {
        "Kconfig": (parse.root / "Kconfig").read_text() + 'source "Kconfig.injected"\n',
        "Kconfig.injected": "\n".join(lines) + "\n",
    }


def reader(root: Path, files: dict[str, str]) -> Callable[[str], str | None]:
    """What reads a tree in which some files are other ones."""

    def read(path: str) -> str | None:
        if path in files:
            return files[path]
        file = root / path
        return file.read_text(errors="surrogateescape") if file.is_file() else None

    return read


@pytest.mark.parametrize("arch", FOUR if THOROUGH else FOUR[:1])
def test_unmet_dependencies_are_those_that_conf_warns_of(
    kernel: Callable[[str, str], SimpleNamespace],
    conf: Callable[[str], Any],
    arch: str,
    record_property: Record,
) -> None:
    """Selects put in at random: each that can leave dependencies unmet is confirmed by conf, no other is seen to."""
    parse = kernel("linux-7.2", arch)
    for attempt in range(10):
        injected, files = selects_put_in(parse, random.Random(f"inject {arch} {attempt}"))
        try:
            model = Model(arch, parsed(reader(parse.root, files), "Kconfig", Toolchain(arch)))
            break
        except KconfigError as error:  # what was put in makes a circle
            circle = error
    else:
        raise circle
    binary = conf("linux-7.2")

    def run(mode: str, config: str | None = None, **extra: str) -> Any:
        return binary.run(parse.root, mode, parse.environment, parse.table, config, extra, files)[0]

    warned: set[str] = set()
    for expected in (run("--allyesconfig"), run("--allmodconfig"), run("--randconfig", KCONFIG_SEED="7")):
        warned |= expected.selectors
    confirmed = 0
    for name, target in injected.items():
        (select,) = model.selects_by(name)
        match model.unmet(select):
            case Possible(witness) if confirmed < CONFIRMED:
                expected = run("--olddefconfig", "".join(line + "\n" for line in witness))
                assert target in expected.unmet, (name, target, witness)
                assert name in expected.selectors
                confirmed += 1
            case Impossible():
                assert name not in warned, (name, target)
            case Unknown(because):
                raise AssertionError((name, target, because))
    assert confirmed >= min(CONFIRMED, INJECTED // 4)
    record_property(f"selects put into {arch}, of {INJECTED}, that are unmet as conf confirms", confirmed)


@pytest.mark.parametrize("arch", FOUR)
def test_what_is_unmet_in_the_tree_is_what_conf_warns_of(
    kernel: Callable[[str, str], SimpleNamespace],
    conf: Callable[[str], Any],
    arch: str,
    record_property: Record,
) -> None:
    """The sweep of a whole tree: each alarm is one that conf prints on our witness."""
    parse = kernel("linux-7.2", arch)
    model = Model(arch, parse.tree)
    asked, alarms = 0, set()
    for symbol in parse.tree.order:
        for select in model.selects_by(symbol.name):
            if select.implied:
                continue
            asked += 1
            match model.unmet(select):
                case Possible(witness):
                    config = "".join(line + "\n" for line in witness)
                    expected, _ = conf("linux-7.2").run(
                        parse.root, "--olddefconfig", parse.environment, parse.table, config
                    )
                    assert select.target in expected.unmet, (select, witness)
                    assert select.selector in expected.selectors
                    alarms.add(select.target)
                case Unknown(because):
                    raise AssertionError((select, because))
    record_property(f"selects of {arch} that are proved", asked)
    record_property(f"targets of {arch} that can be unmet, as conf confirms", len(alarms))
    assert asked > 10000
    assert "DRM_BRIDGE_CONNECTOR" in alarms


def spoilt(dice: random.Random, tree: Tree, lines: list[str]) -> list[str]:
    """The lines of a Kconfig file with one of them lost, moved, added or misspelt."""
    at = dice.randrange(len(lines))
    name = dice.choice(tree.order).name
    line = lines[at]
    match dice.randrange(6):
        case 0:
            return lines[:at] + lines[at + 1 :]
        case 1:
            new = [
                f"\tselect {name}\n",
                f"\tdepends on {name}\n",
                f"\timply {name} if m\n",
                "endif\n",
                f"if {name}\n",
            ]
            return [*lines[:at], dice.choice(new), *lines[at:]]
        case 2:
            cut = dice.randrange(len(line))
            return [*lines[:at], line[:cut] + line[cut + 1 :], *lines[at + 1 :]]
        case 3:
            return [*lines[:at], line, f'config SPOILT\n\ttristate "x"\n\tselect {name}\n', *lines[at:]]
        case 4:
            return [*lines[:at], line.replace("&&", "||").replace("depends on", "select"), *lines[at + 1 :]]
    return [*lines[:at], *lines[at + 1 : at + 2], line, *lines[at + 2 :]]


@pytest.mark.parametrize("seed", range(4 * SEEDS))
def test_spoilt_kernels(
    kernel: Callable[[str, str], SimpleNamespace], conf: Callable[[str], Any], seed: int
) -> None:
    """What a slip of a patch makes of a kernel: both refuse it, or both make the same of it."""
    parse = kernel("linux-7.2", "x86")
    dice = random.Random(f"spoilt {seed}")
    files: dict[str, str] = {}
    for _ in range(dice.randint(1, 3)):
        path = dice.choice([path for path in parse.tree.files if "/" in path])
        lines = (files.get(path) or parse.read(path)).splitlines(keepends=True)
        files[path] = "".join(spoilt(dice, parse.tree, lines))
    toolchain = type(parse.toolchain)("x86")
    try:
        tree = parsed(lambda path: files.get(path) or parse.read(path), "Kconfig", toolchain)
    except KconfigError as error:
        tree, said = None, str(error)
    expected, _ = conf("linux-7.2").run(
        parse.root,
        "--allyesconfig",
        parse.environment,
        {**parse.table, **toolchain.asked},
        files=files,
        may_refuse=True,
    )
    if tree is None:
        assert expected.refused, said
    else:
        assert not expected.refused, expected.refused
        assert differences(tree, Evaluation(tree, (), "allyesconfig"), expected) == []
