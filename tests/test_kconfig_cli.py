"""The questions behind ``checkseries kconfig``: what they answer, and with which status."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # ships no types

import checkseries

PACKAGE = str(Path(checkseries.__file__).parents[1])
SCHEMA = json.loads((Path(__file__).resolve().parents[1] / "docs" / "queries.schema.json").read_text())
FILES = {
    "Kconfig": 'source "arch/$(SRCARCH)/Kconfig"\n\nconfig BUS\n\tbool "bus"\n\n'
    "config DRIVER\n\tbool\n\tdepends on BUS\n\n"
    'config WIDE\n\tbool "wide"\n\tdepends on BUS && X86 && !DRIVER\n\n'
    'config ONLY\n\tbool "only"\n\tdepends on BUS && !BUS || MISSING\n\n'
    'config NAME\n\tstring "name"\n\tdefault "none"\n',
    "arch/x86/Kconfig": 'config X86\n\tdef_bool y\n\nconfig BOARD\n\tbool "board"\n\tselect DRIVER\n',
    "arch/mips/Kconfig": 'config MIPS\n\tdef_bool y\n\nconfig BOARD\n\tbool "board"\n\tselect DRIVER if BUS\n',
    "arch/x86/configs/small_defconfig": 'CONFIG_BUS=y\nCONFIG_NAME="small"\n',
}


@pytest.fixture
def kernel(tmp_path: Path) -> Path:
    for path, text in FILES.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    return tmp_path


def run(*args: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "checkseries", "kconfig", *args, "--tree", str(cwd)],
        cwd=cwd,
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", "COLUMNS": "80", "PYTHONPATH": PACKAGE},
        capture_output=True,
        text=True,
        check=False,
    )


def asked(*args: str, cwd: Path) -> Any:
    done = run(*args, "--format", "json", cwd=cwd)
    assert done.returncode in (0, 1), done.stderr
    document = json.loads(done.stdout)
    Draft202012Validator(SCHEMA).validate(document)
    return document


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        ((), {"BUS": "n", "DRIVER": "n", "WIDE": "n", "NAME": '"none"'}),
        (("--alldefconfig",), {"BUS": "n", "X86": "y"}),
        (("--allnoconfig",), {"BUS": "n", "BOARD": "n", "X86": "y"}),
        (("--allyesconfig",), {"BUS": "y", "BOARD": "y", "DRIVER": "y", "WIDE": "n"}),
        (("--allmodconfig",), {"BUS": "y", "BOARD": "y"}),
        (("--defconfig", "small_defconfig"), {"BUS": "y", "WIDE": "n", "NAME": '"small"'}),
        (("--config", "my.config"), {"BUS": "y", "WIDE": "y", "BOARD": "n"}),
    ],
)
def test_eval(kernel: Path, start: tuple[str, ...], expected: dict[str, str]) -> None:
    (kernel / "my.config").write_text("CONFIG_BUS=y\nCONFIG_WIDE=y\n# CONFIG_BOARD is not set\n")
    done = run("eval", "--arch", "x86", *start, cwd=kernel)
    assert done.returncode == 0, done.stderr
    printed = dict(line.split("=", 1) for line in done.stdout.splitlines())
    assert printed.keys() == {"BOARD", "BUS", "DRIVER", "NAME", "ONLY", "WIDE", "X86"}
    assert {name: printed[name] for name in expected} == expected
    document = asked("eval", "--arch", "x86", *start, cwd=kernel)
    assert document["archs"][0]["values"] == printed


def test_eval_names_what_conf_warns_of(kernel: Path) -> None:
    (kernel / "my.config").write_text("CONFIG_BOARD=y\n")
    document = asked("eval", "--arch", "x86", "--config", "my.config", cwd=kernel)
    assert document["archs"][0]["unmet"] == ["DRIVER"]


def test_unmet(kernel: Path) -> None:
    done = run("unmet", cwd=kernel)
    assert done.returncode == 1, done.stderr
    assert done.stdout.splitlines()[2:] == [
        "  mips: 0 of 1 selects",
        "  x86: 1 of 1 selects",
        "    DRIVER depends on BUS",
        "      selected by BOARD at arch/x86/Kconfig:6",
        "        with CONFIG_BOARD=y",
    ]
    mips, x86 = asked("unmet", cwd=kernel)["archs"]
    assert mips["unmet"] == []
    assert [(each["target"], each["line"], each["witness"]) for each in x86["unmet"]] == [
        ("DRIVER", 6, ["CONFIG_BOARD=y"])
    ]
    assert run("unmet", "--arch", "mips", cwd=kernel).returncode == 0


def test_unmet_of_a_tree_that_conf_refuses(kernel: Path) -> None:
    (kernel / "arch/mips/Kconfig").write_text("config\n")
    done = run("unmet", cwd=kernel)
    assert done.returncode == 2
    assert "mips: not judged: arch/mips/Kconfig:1" in done.stdout
    assert "x86: 1 of 1" in done.stdout


def test_implies(kernel: Path) -> None:
    assert run("implies", "WIDE", "BUS", "--arch", "x86", cwd=kernel).returncode == 0
    broken = run("implies", "DRIVER", "BUS", cwd=kernel)
    assert broken.returncode == 1
    assert "with CONFIG_BOARD=y" in broken.stdout


def test_equivalence_is_asked_both_ways(kernel: Path) -> None:
    done = run("implies", "WIDE", "BUS", "--arch", "x86", "--equivalent", cwd=kernel)
    assert done.returncode == 1
    assert "WIDE implies BUS" in done.stdout
    assert "BUS implies WIDE" in done.stdout
    assert run("implies", "WIDE", "WIDE && BUS", "--arch", "x86", "--equivalent", cwd=kernel).returncode == 0


def test_values_are_those_of_one_toolchain(kernel: Path) -> None:
    done = run("eval", "--arch", "x86", "--toolchain", "any", cwd=kernel)
    assert done.returncode == 2
    assert "--toolchain any has no values" in done.stderr
    assert run("implies", "WIDE", "BUS", "--arch", "x86", "--toolchain", "any", cwd=kernel).returncode == 0


def test_why(kernel: Path) -> None:
    mips, x86 = asked("why", "CONFIG_WIDE", cwd=kernel)["archs"]
    assert (x86["can_be_y"], x86["witness"]) == (True, ["CONFIG_BUS=y", "CONFIG_WIDE=y"])
    assert (mips["can_be_y"], mips["witness"]) == (False, [])
    assert mips["blockers"] == [
        {"symbol": "WIDE", "role": "dependencies", "part": "X86", "path": "Kconfig", "line": 10,
         "why": "X86 is not defined on mips"}
    ]  # fmt: skip
    done = run("why", "ONLY", "--arch", "x86", cwd=kernel)
    assert done.returncode == 0
    assert "can never be y" in done.stdout
    assert "ONLY, dependencies at Kconfig:14: never true: BUS && !BUS || MISSING" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("eval",), "which architecture"),
        (("eval", "--arch", "z80"), "--arch z80"),
        (("eval", "--arch", "x86", "--config", "none"), "--config none"),
        (("eval", "--arch", "x86", "--defconfig", "none"), "arch/x86/configs/none"),
        (("eval", "--arch", "x86", "--defconfig", "../Kconfig"), "--defconfig ../Kconfig"),
        (("implies", "WIDE &&", "BUS"), "WIDE &&"),
        (("implies", "WIDE", "DRIVERS"), "did you mean DRIVER"),
        (("why", "DRIVERS"), "did you mean DRIVER"),
    ],
)
def test_what_cannot_be_asked_is_one_line(kernel: Path, arguments: tuple[str, ...], message: str) -> None:
    done = run(*arguments, cwd=kernel)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert not done.stdout


def test_no_control_character_of_the_tree_reaches_the_reader(kernel: Path) -> None:
    text = FILES["Kconfig"].replace('"none"', '"no\x1b[31mne"')
    (kernel / "Kconfig").write_text(text)
    for extra in ((), ("--format", "json")):
        done = run("eval", "--arch", "x86", *extra, cwd=kernel)
        assert done.returncode == 0, done.stderr
        assert "\x1b" not in done.stdout


@pytest.mark.oracle
@pytest.mark.tree
def test_the_unmet_selects_of_a_release(trees: Path) -> None:
    tree = trees / "linux-7.2"
    found = {
        each["arch"]: {one["target"] for one in each["unmet"]} for each in asked("unmet", cwd=tree)["archs"]
    }
    assert found == {
        "arm64": {"DRM_BRIDGE_CONNECTOR", "I2C_GPIO"},
        "mips": {"DRM_BRIDGE_CONNECTOR", "SND_SOC_WM8731_I2C"},
        "riscv": {"DRM_BRIDGE_CONNECTOR"},
        "x86": {"DRM_BRIDGE_CONNECTOR"},
    }
