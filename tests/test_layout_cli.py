"""``checkseries layout``: what it prints, in which form, and with which status."""

from __future__ import annotations

import difflib
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


# --- before and after a series

RELAID = json.loads((Path(__file__).resolve().parents[1] / "docs" / "relaid.schema.json").read_text())
RING = "include/linux/ring.h"


def changed(old: str, new: str) -> str:
    """A series of one patch that does that to the header."""
    lines = FILES[RING].splitlines(keepends=True), FILES[RING].replace(old, new).splitlines(keepends=True)
    diff = "".join(difflib.unified_diff(*lines, f"a/{RING}", f"b/{RING}"))
    return f"From: A <a@example.org>\nSubject: [PATCH] ring: count its turns\n\n---\n{diff}"


TOKENS = "token_t tokens[NR_SLOTS];"
GROWN = changed(TOKENS, "unsigned long turns;\n\ttoken_t tokens[NR_SLOTS + 2];")
NEW = """\
--- /dev/null
+++ b/include/linux/fresh.h
@@ -0,0 +1 @@
+struct fresh { int x; };
"""


def test_before_and_after_a_series(kernel: Path) -> None:
    (kernel / "grown.mbox").write_text(GROWN)
    done = run("ring", "token_t", "--diff", "grown.mbox", "--defconfig", "wide_defconfig", cwd=kernel)
    assert done.returncode == 0, done.stderr
    assert max(map(len, done.stdout.splitlines())) <= 80
    table, token = done.stdout.split("\n\n")
    assert (
        table[table.index("  before   after") :]
        == """\
  before   after       size  member
               0          8  turns  unsigned long  added
       0       8     24->32  tokens  token_t[8]  resized
    24:0    40:0         :3  full  unsigned char  moved
    24:3    40:3         :5  hole  moved
    25:0    41:0         :5  last  unsigned char  moved
    25:5    41:5        :51  hole  moved
      32      48          8    stamp  unsigned long  moved
      32      48          8    owner  void *  moved
      40      56          0  name  char[]  moved
  size 40 -> 56, alignment 8, holes 7, 5 members moved"""
    )
    assert " ".join(token.split()).endswith(
        "before and after: ring: count its turns size 4, alignment 4: as before"
    )


def test_what_stays_is_counted(kernel: Path) -> None:
    (kernel / "end.mbox").write_text(changed("char name[]", "char name[4]"))
    lines = run("ring", "--diff", "end.mbox", cwd=kernel).stdout.splitlines()
    assert [" ".join(line.split()) for line in lines[-4:]] == [
        "before after size member",
        "(5 as before)",
        "20 20 0->4 name char[4] resized",
        "size 20 -> 24, alignment 4, holes 3",
    ]


def test_before_and_after_as_a_document(kernel: Path) -> None:
    (kernel / "grown.mbox").write_text(GROWN)
    (kernel / "new.mbox").write_text(NEW)
    done = run("ring", "fresh", "--diff", "grown.mbox", "--format", "json", cwd=kernel)
    assert done.returncode == 1, "one is not known"
    document = json.loads(done.stdout)
    Draft202012Validator(RELAID).validate(document)
    ring, fresh = document["types"]
    assert (ring["before"]["size"], ring["after"]["size"]) == (20, 40)
    assert [(each["moved"], (each["after"] or each["before"])["name"]) for each in ring["members"]][:3] == [
        ("added", "turns"),
        ("resized", "tokens"),
        ("moved", "full"),
    ]
    assert (fresh["before"], fresh["after"], fresh["members"]) == (None, None, [])
    done = run("fresh", "--diff", "new.mbox", "--format", "json", cwd=kernel)
    assert done.returncode == 0, done.stdout
    (fresh,) = json.loads(done.stdout)["types"]
    assert (fresh["before"], fresh["after"]["size"]) == (None, 4)
    shown = run("fresh", "--diff", "new.mbox", cwd=kernel).stdout
    assert "  before: no header of arm64 defines fresh\n  after: size 4, alignment 4\n" in shown


def test_a_series_that_cannot_be_compared_is_one_line(kernel: Path) -> None:
    (kernel / "grown.mbox").write_text(GROWN.replace(f"-\t{TOKENS}", "-\ttoken_t tokens[NR];"))
    done = run("ring", "--diff", "grown.mbox", cwd=kernel)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("checkseries: --diff: patch 1 does not apply: ")
    assert done.stderr.count("\n") == 1
    done = run("ring", "--diff", "none.mbox", cwd=kernel)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)


def test_the_schema_of_pairs_is_one() -> None:
    Draft202012Validator.check_schema(RELAID)
