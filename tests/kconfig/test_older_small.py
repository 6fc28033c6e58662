"""The dialect of kernels before 6.11, in small: choices that are symbols, options, numbers without a default."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from checkseries.facts.answer import Impossible, Possible
from checkseries.facts.kconfig.evaluate import Evaluation, Mode
from checkseries.facts.kconfig.menu import grammar_of, parsed
from checkseries.facts.kconfig.model import Model
from checkseries.facts.kconfig.symbol import Grammar, KconfigError, Tree
from checkseries.facts.kconfig.toolchain import Toolchain

OLD = Grammar(strict=False, plain=False, options=True, zero=False)
MODULES = 'config MODULES\n\tbool "modules"\n\tdefault y\n\toption modules\n'
CHOICE = 'choice\n\tprompt "which"\n{}config A\n\t{} "a"\nconfig B\n\t{} "b"\nendchoice\n'


def old(text: str) -> Tree:
    return parsed({"Kconfig": MODULES + text}.get, "Kconfig", Toolchain("x86"), OLD)


def values(tree: Tree, assignments: Mapping[str, str], mode: Mode = "olddefconfig") -> dict[str, str]:
    found = Evaluation(tree, assignments, mode).all()
    return {name: value for name, value in found.items() if name != "MODULES"}


@pytest.mark.parametrize(
    ("assignments", "expected"),
    [({}, "yn"), ({"B": "y"}, "ny"), ({"A": "n"}, "yn"), ({"A": "y", "B": "y"}, "ny")],
)
def test_a_bool_choice(assignments: dict[str, str], expected: str) -> None:
    tree = old(CHOICE.format("", "bool", "bool"))
    assert "".join(values(tree, assignments).values()) == expected


@pytest.mark.parametrize(
    ("assignments", "expected"),
    [({}, "nn"), ({"B": "y"}, "ny"), ({"B": "n"}, "nn")],
)
def test_an_optional_choice_can_be_n_as_a_whole(assignments: dict[str, str], expected: str) -> None:
    tree = old(CHOICE.format("\toptional\n", "bool", "bool"))
    assert "".join(values(tree, assignments).values()) == expected
    here = Model("x86", tree)
    assert isinstance(here.satisfiable("!A && !B"), Possible)
    assert here.satisfiable("A && B") == Impossible()
    assert here.names == ("A", "B", "MODULES")


@pytest.mark.parametrize(
    ("assignments", "expected"),
    [
        ({}, "nn"),
        ({"A": "m", "B": "m"}, "mm"),
        ({"A": "y", "B": "m"}, "yn"),
        ({"A": "m", "B": "y"}, "ny"),
        ({"MODULES": "n"}, "yn"),
    ],
)
def test_a_tristate_choice_is_m_or_y_as_a_whole(assignments: dict[str, str], expected: str) -> None:
    tree = old(CHOICE.format("", "tristate", "tristate"))
    assert "".join(values(tree, assignments).values()) == expected
    here = Model("x86", tree)
    assert isinstance(here.satisfiable("A = m && B = m"), Possible)
    assert here.satisfiable("A = y && B") == Impossible()
    assert here.satisfiable("!MODULES && !A && !B") == Impossible()


def test_a_bool_of_a_tristate_choice_needs_it_to_be_y() -> None:
    here = Model("x86", old(CHOICE.format("", "tristate", "bool")))
    assert here.satisfiable("A = m && B") == Impossible()
    assert isinstance(here.satisfiable("B && !A"), Possible)


def test_what_depends_on_the_member_before_is_no_member() -> None:
    text = CHOICE.format("", "bool", "bool").replace(
        "config B", 'config MORE\n\tbool "more"\n\tdepends on A\nconfig B'
    )
    here = Model("x86", old(text))
    assert not here.in_choice("MORE")
    assert isinstance(here.satisfiable("A && MORE"), Possible)
    assert here.satisfiable("B && MORE") == Impossible()


def test_numbers() -> None:
    tree = old('config N\n\tint "n"\n\tconfig R\n\tint "r"\n\trange 3 9\n\tdefault 5\n')
    assert values(tree, {}) == {"N": "", "R": "5"}
    assert values(tree, {"R": "7"})["R"] == "7"
    assert values(tree, {"R": "99"})["R"] == "5"  # forgotten, not clamped


def test_options() -> None:
    tree = old(
        'config L\n\tstring\n\toption defconfig_list\n\tdefault "x"\n'
        'config E\n\tbool "e"\n\toption allnoconfig_y\nconfig F\n\tbool "f"\n'
    )
    assert values(tree, {}, "allnoconfig") == {"L": "x", "E": "y", "F": "n"}
    assert not Evaluation(tree).written(tree.symbols["L"])
    with pytest.raises(KconfigError, match="unknown option"):
        old("config L\n\tbool\n\toption whatever\n")


def test_a_newer_grammar_has_none_of_that() -> None:
    for text in (CHOICE.format("\toptional\n", "bool", "bool"), "config A\n\tbool\n\toption modules\n"):
        with pytest.raises(KconfigError):
            parsed({"Kconfig": text}.get, "Kconfig", Toolchain("x86"))


def test_the_tree_says_which_grammar_is_its_own() -> None:
    def sources(parser: str, symbols: str) -> Grammar:
        return grammar_of({"scripts/kconfig/parser.y": parser, "scripts/kconfig/symbol.c": symbols}.get)

    nothing: dict[str, str] = {}
    assert grammar_of(nothing.get) == Grammar()
    assert sources("%token T_OPTION\n%token T_OPTIONAL\n", "") == OLD
    assert sources("%token T_OPTIONAL\n", "") == Grammar(strict=False, plain=False, zero=False)
    assert sources("", 'newval.val = "0x0";') == Grammar(strict=False, plain=False)
    assert sources("->choice_members", 'newval.val = "0x0";') == Grammar(strict=False)
    assert sources("%token T_TRANSITIONAL\n->choice_members", 'newval.val = "0x0";') == Grammar()
