"""What the makefiles of a tree say of one source file."""

from __future__ import annotations

import pytest

from checkseries.facts.kbuild import NOT_BUILT, built, taken
from checkseries.facts.presence import kconfig
from checkseries.tree import MemoryTree, Snapshot


def said(files: dict[str, str], path: str, arch: str = "x86") -> tuple[str | None, str | None]:
    tree = Snapshot.of(MemoryTree({name: text.encode() for name, text in files.items()}))
    found = built(tree, path, arch)
    return kconfig(found.inside), kconfig(found.module)


@pytest.mark.parametrize(
    ("makefile", "inside", "module"),
    [
        ("obj-y += a.o\n", "y", "n"),
        ("obj-m += a.o\n", "n", "y"),
        ("obj-$(CONFIG_A) += b.o \\\n\ta.o # c.o\n", "A=y", "A=m"),
        ("lib-$(CONFIG_A) += a.o\n", "A=y", "A=m"),
        ("obj-$(CONFIG_A) += b.o\nb-y := c.o a.o\n", "A=y", "A=m"),
        ("obj-$(CONFIG_A) += b.o\nb-objs := c.o a.o\n", "A=y", "A=m"),
        ("obj-$(CONFIG_A) += b.o\nb-$(CONFIG_B) += a.o\n", "A=y && B=y", "A=m && (B=y || B=m)"),
        ("obj-$(subst m,y,$(CONFIG_A)) += a.o\n", "A=y || A=m", "n"),
        ("ifeq ($(CONFIG_A),y)\nobj-y += a.o\nendif\n", "A=y", "n"),
        ("ifneq ($(CONFIG_A),)\nobj-y += b.o\nelse\nobj-y += a.o\nendif\n", "!(A=y || A=m)", "n"),
        ("ifdef CONFIG_A\nobj-$(CONFIG_B) += a.o\nendif\n", "(A=y || A=m) && B=y", "(A=y || A=m) && B=m"),
        ("ifeq ($(shell true),)\nobj-y += a.o\nendif\n", None, "n"),
        ("mmu-$(CONFIG_A) := a.o\nobj-y += $(mmu-y)\n", "A=y", "n"),
        ("obj-$(CONFIG_A) += b.o\nb-y := a.o c.o $(b-y)\n", "A=y", "A=m"),
        ("names := a.o\nobj-$(CONFIG_A) += $(names)\n", "A=y", "A=m"),
    ],
)  # fmt: skip
def test_one_makefile(makefile: str, inside: str | None, module: str | None) -> None:
    assert said({"Kbuild": "obj-y += d/\n", "d/Makefile": makefile}, "d/a.c") == (inside, module)


def test_directories_are_a_conjunction() -> None:
    files = {
        "Kbuild": "obj-y += drivers/\nobj-$(CONFIG_NET) += net/\n",
        "drivers/Makefile": "obj-$(CONFIG_A) += a/\n",
        "drivers/a/Makefile": "obj-$(CONFIG_B) += b/c/\n",
        "drivers/a/b/c/Makefile": "obj-$(CONFIG_C) += c.o\n",
    }
    inside, module = said(files, "drivers/a/b/c/c.c")
    assert inside == "A=y && B=y && C=y"
    assert module is not None
    assert module.endswith("&& C=m")


def test_the_lists_of_the_top_makefile_and_of_an_architecture() -> None:
    files = {
        "Kbuild": "obj-y += arch/$(SRCARCH)/\n",
        "Makefile": "ifeq ($(KBUILD_EXTMOD),)\nlibs-y := lib/\nendif\n",
        "lib/Makefile": "lib-y += a.o\n",
        "arch/x86/Kbuild": "obj-$(CONFIG_A) += kernel/\n",
        "arch/x86/kernel/Makefile": "obj-y += k.o\n",
    }
    assert said(files, "lib/a.c") == ("y", "n")
    assert said(files, "arch/x86/kernel/k.c") == ("A=y", "n")
    assert said(files, "arch/x86/kernel/k.c", "arm64") == ("n", "n")


def test_an_architecture_names_its_directories_from_the_top() -> None:
    files = {
        "Kbuild": "obj-y += arch/$(SRCARCH)/\n",
        "arch/x86/Kbuild": "obj-y += kernel/\n",
        "arch/x86/Makefile": "libs-y += arch/x86/lib/ $(other)\n",
        "arch/x86/lib/Makefile": "obj-$(CONFIG_A) += a.o\n",
    }
    assert said(files, "arch/x86/lib/a.c") == ("A=y", "A=m")


def test_what_names_itself_ends() -> None:
    files = {"Kbuild": "obj-y += d/\n", "d/Makefile": "a-y += a.o\nobj-y += $(l)\nl += $(l) b.o\n"}
    tree = Snapshot.of(MemoryTree({name: text.encode() for name, text in files.items()}))
    assert built(tree, "d/a.c", "x86") != NOT_BUILT


@pytest.mark.parametrize(
    ("text", "values", "lines"),
    [
        ("A\nifdef CONFIG_X\nB\nelse\nC\nendif\nD", {"X": "y"}, "ABD"),
        ("A\nifdef CONFIG_X\nB\nelse\nC\nendif\nD", {}, "ACD"),
        ("A\nifdef CONFIG_X\nB\nelse\nC\nendif\nD", {"X": '"text"'}, "ABCD"),
        ("ifeq ($(CONFIG_X),y)\nA\nelse ifeq ($(CONFIG_Y),y)\nB\nelse\nC\nendif", {"Y": "y"}, "B"),
        ("ifneq ($(call f,a),)\nA\nelse\nB\nendif", {}, "AB"),
        ("ifndef CONFIG_X # why\nA\nifdef CONFIG_Y\nB\nendif\nendif\nC", {"Y": "y"}, "ABC"),
        ("A \\\nB", {}, ["A  B"]),
    ],
)
def test_lines_that_a_configuration_leaves_out(
    text: str, values: dict[str, str], lines: list[str] | str
) -> None:
    assert [*taken(text, values)] == [*lines]
