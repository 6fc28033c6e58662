"""``checkseries layout``: what it prints, in which form, and with which status."""

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
from checkseries.facts.query import default_config
from checkseries.tree import MemoryTree, Snapshot

PACKAGE = str(Path(checkseries.__file__).parents[1])
SCHEMA = json.loads((Path(__file__).resolve().parents[1] / "docs" / "layouts.schema.json").read_text())
FILES = {
    "Kconfig": 'source "arch/$(SRCARCH)/Kconfig"\n\nconfig GCC_VERSION\n\tint\n\tdefault 120200\n\n'
    'config WIDE\n\tbool "wide"\n\nconfig SLOTS\n\tint "slots"\n\tdefault 3\n',
    "arch/arm64/Kconfig": "config 64BIT\n\tdef_bool y\n",
    "arch/arm64/include/asm/Kbuild": "generic-y += slots.h\n",
    "arch/arm64/configs/wide_defconfig": "CONFIG_WIDE=y\nCONFIG_SLOTS=5\n",
    "arch/arm64/configs/defconfig": "CONFIG_SLOTS=7\n",
    "include/linux/compiler_types.h": "#define __aligned(x) __attribute__((__aligned__(x)))\n",
    "include/asm-generic/slots.h": "#define NR_SLOTS (CONFIG_SLOTS + 1)\n",
    "include/linux/ring.h": """\
#ifndef _LINUX_RING_H
#define _LINUX_RING_H
#include <asm/slots.h>

typedef unsigned int token_t;

struct ring {
	token_t tokens[NR_SLOTS];
	unsigned char full : 3, :0, last : 5;
#ifdef CONFIG_WIDE
	union {
		unsigned long stamp;
		void *owner;
	};
#endif
	char name[] __aligned(4);
};
#endif
""",
    "drivers/ring.c": "#include <linux/ring.h>\n#include <asm/missing.h>\nstruct queue { struct ring *ring; int length; };\n",
}


@pytest.fixture
def kernel(tmp_path: Path) -> Path:
    for path, text in FILES.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    return tmp_path


def run(*args: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "checkseries", "layout", *args, "--tree", str(cwd), "--arch", "arm64"],
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
    return document["types"]


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)


def test_members_and_holes_are_shown(kernel: Path) -> None:
    done = run("ring", "--defconfig", "wide_defconfig", cwd=kernel)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("struct ring: ")
    assert [line.split() for line in lines[lines.index("  offset    size  member") + 1 :]] == [
        ["0", "24", "tokens", "token_t[6]"],
        ["24:0", ":3", "full", "unsigned", "char"],
        ["24:3", ":5", "hole"],
        ["25:0", ":5", "last", "unsigned", "char"],
        ["25:5", ":51", "hole"],
        ["32", "8", "stamp", "unsigned", "long"],
        ["32", "8", "owner", "void", "*"],
        ["40", "0", "name", "char[]"],
        ["size", "40,", "alignment", "8,", "holes", "7"],
    ]


def test_the_configuration_decides(kernel: Path) -> None:
    (ring,) = asked("struct ring", cwd=kernel)
    assert (ring["size"], ring["align"], ring["unit"]) == (20, 4, "include/linux/ring.h")
    assert [each["name"] for each in ring["members"]] == ["tokens", "full", "", "last", "", "name"]
    (kernel / "config").write_text("CONFIG_SLOTS=1\nCONFIG_WIDE=y\n")
    (ring,) = asked("ring", "--config", "config", cwd=kernel)
    assert (ring["size"], ring["start"]) == (24, "config")


def test_without_a_name_the_defconfig_is_that_of_the_architecture(kernel: Path) -> None:
    (ring,) = asked("ring", "--defconfig", cwd=kernel)
    assert (ring["size"], ring["start"]) == (36, "arch/arm64/configs/defconfig")
    makefile = kernel / "arch/arm64/Makefile"
    makefile.write_text("KBUILD_DEFCONFIG := wide_defconfig\n")
    (ring,) = asked("ring", "--defconfig", cwd=kernel)
    assert (ring["size"], ring["start"]) == (40, "arch/arm64/configs/wide_defconfig")
    makefile.write_text("KBUILD_DEFCONFIG := $(shell uname -m)_defconfig\n")
    done = run("ring", "--defconfig", cwd=kernel)
    assert (done.returncode, done.stderr) == (
        2,
        "checkseries: --defconfig: which? The makefile of arm64 chooses among several\n",
    )


@pytest.mark.parametrize(
    ("makefile", "expected"),
    [
        ("", "defconfig"),
        ("KBUILD_DEFCONFIG := multi_defconfig\n", "multi_defconfig"),
        (("ifeq ($(ARCH),x)\n\tKBUILD_DEFCONFIG := i386_defconfig\nelse\n"
          "\tKBUILD_DEFCONFIG := x86_64_defconfig\nendif\nKBUILD_DEFCONFIG := $(ARCH)_defconfig\n"), "x86_64_defconfig"),
        ("KBUILD_DEFCONFIG := a_defconfig\nKBUILD_DEFCONFIG := b_defconfig\n", None),
        ("KBUILD_DEFCONFIG := $(ARCH)_defconfig\n", None),
    ],
)  # fmt: skip
def test_what_make_defconfig_takes(makefile: str, expected: str | None) -> None:
    tree = Snapshot.of(MemoryTree({"arch/x86/Makefile": makefile}))
    assert default_config(tree, "x86") == expected


def test_a_file_may_be_named(kernel: Path) -> None:
    queue, token = asked("queue", "token_t", "--in", "drivers/ring.c", cwd=kernel)
    assert (queue["size"], [each["type"] for each in queue["members"]]) == (16, ["struct ring *", "int", ""])
    assert (token["size"], token["members"]) == (4, [])


def test_what_is_not_known_says_why(kernel: Path) -> None:
    done = run("nothing", "ring", cwd=kernel)
    assert done.returncode == 1
    assert "unknown: no header of arm64 defines nothing" in done.stdout
    assert "struct ring" in done.stdout
    done = run("ring", "--in", "drivers/none.c", cwd=kernel)
    assert (done.returncode, done.stderr) == (
        2,
        "checkseries: --in drivers/none.c: the tree has no such file\n",
    )
