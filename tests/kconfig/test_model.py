"""The model's questions on small trees: what is written, what is a fact, what is remembered."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from checkseries.facts.answer import Broken, Holds, Impossible, Possible, Unknown
from checkseries.facts.kconfig import PROFILE, archs, attempt, changed, model
from checkseries.facts.kconfig.model import Model, Select
from checkseries.facts.kconfig.symbol import KconfigError
from checkseries.tree import MemoryTree, Snapshot

TEXT = """
config MODULES
	bool "modules"
	modules

menu "things"
	depends on GATE

config A
	tristate "a"
	depends on B || C
	select T if X && !Y
	imply U

endmenu

config A
	tristate
	depends on D

config T
	bool

config U
	tristate

config GATE
	bool "gate"
config B
	bool "b"
config C
	bool "c"
config D
	bool "d"
config N
	int "n"
"""


@pytest.fixture(scope="module")
def here(small: Callable[..., Model]) -> Model:
    return small(TEXT)


def test_what_is_written(here: Model) -> None:
    assert here.selects("T") == (Select("A", "T", "X && !Y", "Kconfig", 12, implied=False),)
    assert here.selects("U") == (Select("A", "U", "", "Kconfig", 13, implied=True),)
    assert here.selects_by("A") == here.selects("T") + here.selects("U")
    assert [str(each) for each in here.selects_by("A")] == ["A if X && !Y", "A"]
    assert here.depends("A") == "(GATE && (B || C)) || (D)"
    assert here.depends("T") == ""
    assert here.definitions("A") == (("Kconfig", 9), ("Kconfig", 17))
    assert [here.type_of(name) for name in ("A", "T", "N", "X")] == ["tristate", "bool", "int", "unknown"]
    assert (here.defined("A"), here.defined("X"), here.defined("NEVER")) == (True, False, False)
    assert (here.referenced("X"), here.referenced("NEVER")) == (True, False)
    assert here.names == ("A", "B", "C", "D", "GATE", "MODULES", "N", "T", "U")
    assert (here.visible("A"), here.visible("T"), here.visible("NEVER")) == (True, False, False)
    assert here.profile == PROFILE
    assert here.selects("NEVER") == here.selects_by("NEVER") == ()
    assert here.definitions("NEVER") == ()
    assert here.depends("NEVER") == here.shape("NEVER") == ""


def test_what_can_be(here: Model) -> None:
    assert here.can_be("A", "n") == Possible(())
    assert isinstance(here.can_be("A", "m"), Possible)
    assert here.can_be("T", "y") == Impossible()
    assert here.can_be("T", "m") == Impossible()
    assert here.can_be("X", "n") == Possible(())
    assert isinstance(here.can_be("X", "y"), Impossible)
    assert isinstance(here.can_be("N", "y"), Unknown)
    with pytest.raises(KconfigError):
        here.can_be("A", "maybe")


def test_implications(here: Model) -> None:
    assert isinstance(here.implies("A", "GATE && (B || C) || D"), Holds)
    assert isinstance(here.implies("A = m", "MODULES"), Holds)
    broken = here.implies("A", "D")
    assert isinstance(broken, Broken)
    assert "CONFIG_GATE=y" in broken.witness
    # In Kconfig's own logic, m is both itself and its negation.
    assert isinstance(here.satisfiable("A && !A"), Possible)
    assert isinstance(here.satisfiable("A = y && A != y"), Impossible)


def test_unmet(small: Callable[..., Model]) -> None:
    text = (
        'config D\n\tbool "d"\nconfig T\n\tbool\n\tdepends on D\nconfig A\n\tbool "a"\n\tselect T if D\n'
        'config B\n\tbool "b"\n\tselect T\n\timply I\n\tselect N\nconfig I\n\tbool\n\tdepends on D\nconfig N\n\tint\n\tdepends on D\n'
    )
    here = small(text)
    assert here.unmet(here.selects_by("A")[0]) == Impossible()
    assert here.unmet(here.selects_by("B")[0]) == Possible(("CONFIG_B=y",))
    assert [each.target for each in here.selects_by("B")] == ["T", "I", "N"]
    for select in here.selects_by("B")[1:]:
        assert isinstance(here.unmet(select), Impossible)
    for selector, target in [("A", "B"), ("X", "T"), ("B", "X")]:
        nowhere = Select(selector, target, "", "Kconfig", 1, implied=False)
        assert isinstance(here.unmet(nowhere), Impossible)


def test_unmet_is_asked_of_each_statement(small: Callable[..., Model]) -> None:
    here = small(
        'config D\n\tbool "d"\nconfig O\n\tbool "o"\nconfig T\n\tbool\n\tdepends on D\n'
        'config A\n\tbool "a"\n\tselect T if O\n\tselect T if D\nconfig A\n\tdepends on D\n\tselect T\n'
    )
    wrong, right, within = here.selects_by("A")
    assert here.unmet(wrong) == Possible(("CONFIG_A=y", "CONFIG_O=y"))
    assert here.unmet(right) == Impossible()
    assert here.unmet(within) == Impossible()


def test_unmet_by_degree(small: Callable[..., Model]) -> None:
    here = small(
        'config MODULES\n\tbool "m"\n\tmodules\nconfig D\n\ttristate "d"\nconfig T\n\ttristate\n\tdepends on D\n'
        'config A\n\tbool "a"\n\tselect T if D != n\nconfig B\n\ttristate "b"\n\tdepends on D\n\tselect T\n'
    )
    assert here.unmet(here.selects_by("A")[0]) == Possible(("CONFIG_A=y", "CONFIG_D=m", "CONFIG_MODULES=y"))
    assert here.unmet(here.selects_by("B")[0]) == Impossible()


def test_shapes_know_no_places(small: Callable[..., Model]) -> None:
    before = small(TEXT)
    assert changed(before, small("# moved\n\n" + TEXT.replace('"a"', '"other text"'))) == frozenset()
    assert changed(before, small(TEXT.replace("B || C", "B"))) == {"A"}
    assert changed(before, small(TEXT.replace("\timply U\n", ""))) == {"A"}
    assert changed(before, small(TEXT.replace("config D", "config E"))) == {"D", "E"}
    assert changed(before, small(TEXT.replace("depends on GATE", "depends on GATE && D"))) == {"A"}
    assert changed(before, small(TEXT.replace('int "n"', 'int "n"\n\trange 1 2'))) == {"N"}
    assert "select T if GATE && (B || C) && X && !Y" in before.shape("A")


KERNEL = {
    "Kconfig": 'source "arch/$(SRCARCH)/Kconfig"\n',
    "arch/mips/Kconfig": "config MIPS\n\tdef_bool y\n",
    "arch/x86/Kconfig": "config X86\n\tdef_bool y\n",
    "arch/Kconfig": "",
    "arch/x86/um/Kconfig": "",
    "drivers/Kconfig": "",
}


def test_models_are_facts() -> None:
    base = Snapshot.of(MemoryTree(KERNEL))
    assert archs(base) == ("mips", "x86")
    before = model(base, "x86")
    assert before.names == ("X86",)
    assert model(base, "x86") is before
    after = base.after({"arch/mips/Kconfig": b"config MIPS\n\tbool\n", "a.c": b""})
    assert model(after, "x86") is before
    assert model(after, "mips").shape("MIPS") == "type bool"
    assert base.lineage.computed["attempt"] == 2
    last = after.after({"arch/x86/Kconfig": b"config X86\n\tdef_bool\n", "arch/sh/Kconfig": b""})
    for _ in range(2):
        with pytest.raises(KconfigError, match="^arch/x86/Kconfig:2: "):
            model(last, "x86")
    assert base.lineage.computed["attempt"] == 3
    assert isinstance(attempt(last, "x86"), KconfigError)
    assert archs(last) == ("mips", "sh", "x86")


@pytest.mark.parametrize("arch", ["vax", "", "../x86", "x86/um", "."])
def test_arches_that_are_not(arch: str) -> None:
    with pytest.raises(KconfigError, match="no such architecture"):
        model(Snapshot.of(MemoryTree(KERNEL)), arch)


def test_a_tree_without_a_top_file() -> None:
    with pytest.raises(KconfigError, match="^Kconfig: there is no such file"):
        model(Snapshot.of(MemoryTree({"arch/x86/Kconfig": ""})), "x86")


def test_how_strict_is_the_trees_own_word() -> None:
    files = {**KERNEL, "arch/x86/Kconfig": "menuconfig X86\n\tbool\n"}
    with pytest.raises(KconfigError, match="without prompt"):
        model(
            Snapshot.of(MemoryTree({**files, "scripts/kconfig/parser.y": "%token T_TRANSITIONAL\n"})), "x86"
        )
    assert model(Snapshot.of(MemoryTree({**files, "scripts/kconfig/parser.y": "%token T_BOOL\n"})), "x86")
