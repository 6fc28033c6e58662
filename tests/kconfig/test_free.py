"""A toolchain whose answers are left free: what is proved holds for every one of them."""

from __future__ import annotations

import random
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from checkseries.facts.answer import Broken, Holds, Impossible, Possible
from checkseries.facts.kconfig import PROFILES, Model, model
from checkseries.facts.kconfig.evaluate import Evaluation
from checkseries.facts.kconfig.free import FreeToolchain
from checkseries.facts.kconfig.menu import parsed
from checkseries.facts.kconfig.symbol import Tree, Type
from checkseries.facts.kconfig.toolchain import Toolchain
from checkseries.tree import MemoryTree, Snapshot

ASKING = r"""
success = $(shell,{ $(1); } >/dev/null 2>&1 && echo "y" || echo "n")
failure = $(shell,{ $(1); } >/dev/null 2>&1 && echo "n" || echo "y")
cc-option = $(success,$(CC) -Werror $(1) -c -x c /dev/null -o tmp.o)
$(error-if,$(failure,command -v $(CC)),no compiler)
cc-info := $(shell,./scripts/cc-version.sh $(CC))
$(error-if,$(success,test -z "$(cc-info)"),no version)
cc-name := $(shell,set -- $(cc-info) && echo $1)
cc-version := $(shell,set -- $(cc-info) && echo $2)
source "arch/$(SRCARCH)/Kconfig"
config CC_IS_GCC
	def_bool $(success,test "$(cc-name)" = GCC)
config CC_IS_CLANG
	def_bool $(success,test "$(cc-name)" = Clang)
config CC_IS_TINY
	def_bool $(success,test "$(cc-name)" = tiny)
config GCC_VERSION
	int
	default $(cc-version) if CC_IS_GCC
	default 0
config MAJOR
	int
	default $(shell,expr $(cc-version) / 10000)
config SAME
	def_bool $(success,test "$(SRCARCH)" = x86)
config CFI
	def_bool $(cc-option,-fsanitize=kcfi)
config NO_CFI
	def_bool $(failure,$(CC) -Werror -fsanitize=kcfi -c -x c /dev/null -o tmp.o)
config PLUGIN
	bool "plugin"
	depends on $(cc-option,-fplugin) && CC_IS_GCC
config TEXT
	string
	default "gcc says $(cc-version)"
config PAHOLE
	int
	default "$(PAHOLE_VERSION)"
"""


def asked(name: str, text: str = ASKING) -> Model:
    files = {"Kconfig": text.encode(), "arch/x86/Kconfig": b"config X86\n\tdef_bool y\n"}
    return model(Snapshot.of(MemoryTree(files), name), "x86")


def test_what_hangs_on_the_toolchain_can_be_either() -> None:
    here = asked("any")
    assert here.profile == PROFILES["any"].text
    for name in ("CC_IS_GCC", "CC_IS_CLANG", "CFI", "NO_CFI", "PLUGIN"):
        for value in "yn":
            assert isinstance(here.can_be(name, value), Possible), (name, value)
    assert here.can_be("CFI", "y") == Possible(("# toolchain: yes: -fsanitize=kcfi",))
    assert here.satisfiable("CC_IS_CLANG") == Possible(
        ("# toolchain: no: cc-version.sh says GCC, not Clang",)
    )
    assert here.satisfiable("GCC_VERSION > 150000") == Possible(("# toolchain: cc-version is 150001",))
    assert isinstance(here.satisfiable("PAHOLE > 130"), Possible)
    assert isinstance(here.satisfiable("MAJOR = 22"), Possible)


def test_what_no_toolchain_changes_is_proved() -> None:
    here = asked("any")
    assert here.can_be("SAME", "n") == Impossible()
    assert here.can_be("CC_IS_TINY", "y") == Impossible()
    assert here.satisfiable("CC_IS_GCC && CC_IS_CLANG") == Impossible()
    assert here.satisfiable("CFI = NO_CFI") == Impossible()
    assert here.satisfiable("CC_IS_CLANG && GCC_VERSION > 0") == Impossible()
    assert here.satisfiable("CC_IS_GCC && GCC_VERSION < 50000") == Impossible()
    assert isinstance(here.implies("PLUGIN", "CC_IS_GCC"), Holds)
    broken = here.implies("PLUGIN", "CFI")
    assert broken == Broken(("CONFIG_PLUGIN=y",), "PLUGIN without CFI")


def test_a_proof_for_one_toolchain_need_not_be_one_for_any() -> None:
    assert asked("gcc").can_be("CFI", "y") == Impossible()
    assert isinstance(asked("any").can_be("CFI", "y"), Possible)


def test_the_names_of_answers_are_no_symbols() -> None:
    here = asked("any")
    assert here.names == asked("gcc").names
    assert here.evaluation({}).all()["TEXT"] == "gcc says 140200"


def test_the_versions_of_older_kernels_are_free_as_well() -> None:
    text = (
        'source "arch/$(SRCARCH)/Kconfig"\nconfig GCC_VERSION\n\tint\n\tdefault $(shell,./scripts/gcc-version.sh gcc)\n'
        "config LD_VERSION\n\tint\n\tdefault $(shell,ld --version | ./scripts/ld-version.sh)\n"
    )
    assert isinstance(
        asked("any", text).satisfiable("GCC_VERSION = 90100 && LD_VERSION = 235000000"), Possible
    )
    assert asked("gcc", text).satisfiable("GCC_VERSION = 90100") == Impossible()
    assert isinstance(asked("gcc", text).satisfiable("LD_VERSION = 243000000"), Possible)


def test_plugins_need_not_be_there() -> None:
    text = (
        'success = $(shell,{ $(1); } >/dev/null 2>&1 && echo "y" || echo "n")\nsource "arch/$(SRCARCH)/Kconfig"\n'
        "config PLUGINS\n\tdef_bool $(success,test -e $(shell,$(CC) -print-file-name=plugin)/include/plugin-version.h)\n"
    )
    assert asked("gcc", text).can_be("PLUGINS", "n") == Impossible()
    assert isinstance(asked("any", text).can_be("PLUGINS", "n"), Possible)


def test_a_tree_can_spell_a_symbol_like_an_answer() -> None:
    here = asked("any", ASKING + "config toolchain-fsanitize-kcfi\n\tbool\n")
    assert here.can_be("CFI", "y") == Impossible()


@pytest.mark.tree
@pytest.mark.parametrize("arch", ["x86", "arm64", "powerpc"])
@pytest.mark.parametrize("name", ["gcc", "gcc-old", "clang"])
def test_answers_that_are_those_of_a_profile_make_the_same(
    kernel: Callable[[str, str], SimpleNamespace], arch: str, name: str
) -> None:
    """Every symbol of 7.2 has the value that it has under a profile, where the free answers are the profile's."""
    parse = kernel("linux-7.2", arch)
    bound = parsed(parse.read, "Kconfig", Toolchain(arch, PROFILES[name]))
    free = parsed(parse.read, "Kconfig", FreeToolchain(arch, PROFILES[name]))
    assert len(free.free) > 80
    assert free.unmodelled == ()
    dice = random.Random(f"{arch} {name}")
    for _ in range(3):
        lines = chosen(bound, dice)
        one, two = Evaluation(bound, lines).all(), Evaluation(free, lines).all()
        assert one == {each: value for each, value in two.items() if each not in free.free}


def chosen(tree: Tree, dice: random.Random) -> list[tuple[str, str]]:
    """Some bools and tristates, set at random."""
    logical = [each for each in tree.order if each.type in (Type.BOOL, Type.TRISTATE)]
    return [(each.name, dice.choice("ymn")) for each in dice.sample(logical, 3000)]
