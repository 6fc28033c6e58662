"""``checkseries kconfig eval | unmet | implies``: answers, statuses, streams; and what conf makes of a real tree."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # ships no types
import pytest

TOP = Path(__file__).resolve().parents[1]
VALUES = json.loads((TOP / "docs" / "values.schema.json").read_text())
TABLES = json.loads((TOP / "docs" / "selections.schema.json").read_text())
FILES = {
    "Kconfig": 'source "arch/$(SRCARCH)/Kconfig"\n\nconfig BUS\n\tbool "bus"\n\nconfig DRIVER\n\tbool\n\tdepends on BUS\n',
    "arch/x86/Kconfig": 'config X86\n\tdef_bool y\n\nconfig BOARD\n\tbool "board"\n\tselect DRIVER\n'
    'config NAME\n\tstring "name"\n\tdefault "a \x1b[31m b"\n',
    "arch/x86/configs/small_defconfig": "CONFIG_BUS=y\n",
    "arch/mips/Kconfig": 'config MIPS\n\tdef_bool y\n\nconfig BOARD\n\tbool "board"\n\tselect DRIVER if BUS\n',
}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    top = tmp_path / "linux"
    for path, text in FILES.items():
        (top / path).parent.mkdir(parents=True, exist_ok=True)
        (top / path).write_text(text)
    return top


def run(*arguments: str, stdin: str = "") -> tuple[int, str, str]:
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": "/nonexistent",
        "COLUMNS": "80",
        "PYTHONPATH": str(TOP / "analyzer"),
    }
    done = subprocess.run(
        [sys.executable, "-m", "checkseries", "kconfig", *arguments],
        input=stdin.encode(),
        capture_output=True,
        env=environ,
        check=False,
    )
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def document(schema: dict[str, Any], *arguments: str) -> tuple[int, dict[str, Any]]:
    status, out, _ = run(*arguments, "--format", "json")
    found = json.loads(out)
    jsonschema.validate(found, schema)
    return status, found


@pytest.mark.parametrize(
    ("options", "stdin", "expected"),
    [
        ((), "", {"BOARD": "n", "BUS": "n", "DRIVER": "n", "X86": "y"}),
        (("--allyesconfig",), "", {"BOARD": "y", "BUS": "y", "DRIVER": "y"}),
        (("--allnoconfig",), "", {"BOARD": "n", "X86": "y"}),
        (("--defconfig", "small_defconfig"), "", {"BUS": "y", "BOARD": "n"}),
        (("--config", "-"), "CONFIG_BOARD=y\n", {"BOARD": "y", "DRIVER": "y", "BUS": "n"}),
    ],
)
def test_eval(tree: Path, options: tuple[str, ...], stdin: str, expected: dict[str, str]) -> None:
    status, out, err = run("eval", "--arch", "x86", "--tree", str(tree), *options, stdin=stdin)
    assert (status, err) == (0, "")
    values = dict(line.split("=", 1) for line in out.splitlines())
    assert values | expected == values
    assert list(values) == sorted(values)
    assert "\x1b" not in out


def test_eval_as_a_document(tree: Path) -> None:
    status, found = document(VALUES, "eval", "--arch", "x86", "--tree", str(tree))
    assert (status, found["arch"], found["values"]["X86"]) == (0, "x86", "y")


def test_unmet(tree: Path) -> None:
    status, out, _ = run("unmet", "--tree", str(tree))
    assert status == 1
    assert "BOARD (arch/x86/Kconfig:6)" in out
    assert "with CONFIG_BOARD=y" in out
    assert max(map(len, out.splitlines())) <= 80
    status, found = document(TABLES, "unmet", "--tree", str(tree))
    (row,) = found["tables"][0]["rows"]
    assert (status, row["arch"], row["symbol"], row["holds"], row["witness"]) == (
        1,
        "x86",
        "DRIVER",
        False,
        ["CONFIG_BOARD=y"],
    )
    assert run("unmet", "--tree", str(tree), "--jobs", "1") == run(
        "unmet", "--tree", str(tree), "--jobs", "2"
    )


def test_unmet_where_nothing_is(tree: Path) -> None:
    status, out, _ = run("unmet", "--tree", str(tree), "--arch", "mips")
    assert (status, "none" in out) == (0, True)


def test_implies(tree: Path) -> None:
    assert run("implies", "DRIVER", "BUS", "--tree", str(tree), "--arch", "mips")[0] == 0
    status, out, _ = run("implies", "DRIVER", "BUS", "--tree", str(tree))
    assert status == 1
    assert "with CONFIG_BOARD=y" in out
    status, found = document(TABLES, "implies", "DRIVER", "BUS", "--tree", str(tree))
    assert [row["holds"] for row in found["tables"][0]["rows"]] == [True, False]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("eval",), "--arch"),
        (("eval", "--arch", "z80"), "--arch z80"),
        (("eval", "--arch", "x86", "--arch", "mips"), "one architecture"),
        (("eval", "--arch", "x86", "--config", "/nonexistent"), "--config /nonexistent: No such file"),
        (("eval", "--arch", "x86", "--defconfig", "../../Kconfig"), "--defconfig ../../Kconfig"),
        (("implies", "DRIVER"), "B"),
        (("implies", "DRIVER", "BUSS"), "did you mean BUS?"),
        (("unmet", "SYMBOL"), "SYMBOL"),
    ],
)
def test_bad_usage_is_one_line_and_status_2(tree: Path, arguments: tuple[str, ...], said: str) -> None:
    status, out, err = run(*arguments, "--tree", str(tree))
    assert (status, out) == (2, "")
    (line,) = err.splitlines()
    assert said in line


def test_a_kconfig_that_cannot_be_read(tree: Path) -> None:
    (tree / "Kconfig").write_text("nonsense\n")
    for arguments in (("unmet",), ("eval", "--arch", "x86")):
        status, _, err = run(*arguments, "--tree", str(tree))
        assert (status, len(err.splitlines())) == (2, 1)


@pytest.mark.tree
def test_what_can_be_unmet_in_the_kernel(trees: Path) -> None:
    status, found = document(TABLES, "unmet", "--tree", str(trees / "linux-7.2"))
    assert status == 1
    assert {(row["arch"], row["symbol"]) for row in found["tables"][0]["rows"]} == {
        ("arm64", "DRM_BRIDGE_CONNECTOR"),
        ("arm64", "I2C_GPIO"),
        ("mips", "DRM_BRIDGE_CONNECTOR"),
        ("mips", "SND_SOC_WM8731_I2C"),
        ("riscv", "DRM_BRIDGE_CONNECTOR"),
        ("x86", "DRM_BRIDGE_CONNECTOR"),
    }
