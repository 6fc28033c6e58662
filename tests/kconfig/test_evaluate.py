"""Values under a .config, point by point where conf differs from what one would think."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from typing import Any

import pytest

from checkseries.facts.kconfig.evaluate import Evaluation, Mode, assigned, assignment, quoted
from checkseries.facts.kconfig.menu import parsed
from checkseries.facts.kconfig.symbol import Grammar, KconfigError, Tree, Type
from checkseries.facts.kconfig.toolchain import Toolchain

MODULES = """
config MODULES
	bool "modules"
	modules
	default y
"""


def values(tree: Tree, mode: Mode = "olddefconfig", /, **assignments: str) -> dict[str, str]:
    return Evaluation(tree, assignments, mode).all()


def test_conditional_dependency_is_no_implication(kconfig: Callable[..., Tree]) -> None:
    # X if Y is X || (Y = n): with Y=m and X=n that is n, where X || !Y would be m.
    tree = kconfig(
        MODULES
        + """
config X
	tristate "x"
config Y
	tristate "y"
config A
	tristate "a"
	depends on X if Y
"""
    )
    for x, y, most in [("n", "m", "n"), ("n", "y", "n"), ("n", "n", "y"), ("m", "y", "m"), ("m", "n", "y")]:
        assert values(tree, X=x, Y=y, A="y")["A"] == most


@pytest.mark.parametrize(
    ("condition", "x", "y", "z", "a"),
    [
        ("Y && Z", "n", "m", "m", "n"),
        ("Y && Z", "n", "m", "n", "y"),
        ("Y || Z", "n", "m", "n", "n"),
        ("Y || Z", "n", "n", "n", "y"),
        ("!Y", "n", "m", "n", "y"),
        ("!Y", "n", "n", "n", "n"),
        ("Y = m", "n", "m", "n", "n"),
        ("Y != m", "n", "m", "n", "y"),
        ("!(Y && Z)", "n", "m", "m", "y"),
    ],
)
def test_condition_of_a_dependency_goes_down_to_its_symbols(
    kconfig: Callable[..., Tree], condition: str, x: str, y: str, z: str, a: str
) -> None:
    tree = kconfig(
        MODULES
        + f"""
config X
	tristate "x"
config Y
	tristate "y"
config Z
	tristate "z"
config A
	tristate "a"
	depends on X if {condition}
"""
    )
    assert values(tree, X=x, Y=y, Z=z, A="y")["A"] == a


def test_m_is_y_without_modules(kconfig: Callable[..., Tree]) -> None:
    text = (
        MODULES
        + 'config A\n\ttristate "a"\nconfig B\n\ttristate\n\tdefault m\nconfig C\n\tbool "c"\n\tdepends on m\n'
    )
    tree = kconfig(text)
    assert values(tree, A="m") == {"MODULES": "y", "A": "m", "B": "m", "C": "n"}
    assert values(tree, C="y")["C"] == "y"
    # A condition "m" is n without modules, a value m is y.
    assert values(tree, MODULES="n", A="m", C="y") == {"MODULES": "n", "A": "y", "B": "y", "C": "n"}
    assert values(kconfig(text.replace("\tmodules\n", "")), A="m")["A"] == "y"


def test_numbers_without_default_are_zero(kconfig: Callable[..., Tree]) -> None:
    tree = kconfig("config I\n\tint\nconfig H\n\thex\nconfig S\n\tstring\n")
    assert values(tree) == {"I": "0", "H": "0x0", "S": ""}


@pytest.mark.parametrize(("typed", "value"), [("0", "2"), ("2", "2"), ("9", "8"), ("x", "5"), ("007", "5")])
def test_range_clamps_what_the_user_typed(kconfig: Callable[..., Tree], typed: str, value: str) -> None:
    tree = kconfig('config I\n\tint "i"\n\trange 2 8\n\tdefault 5\n')
    assert values(tree, I=typed)["I"] == value


def test_range_by_symbols(kconfig: Callable[..., Tree]) -> None:
    tree = kconfig(
        'config BIG\n\tbool "b"\nconfig END\n\tint\n\tdefault 64 if BIG\n\tdefault 8\n'
        'config I\n\tint "i"\n\trange 2 END\n\tdefault 100\n'
    )
    assert values(tree)["I"] == "8"
    assert values(tree, BIG="y")["I"] == "64"
    assert values(tree, BIG="y", I="63")["I"] == "63"


def test_hex_is_written_as_typed(kconfig: Callable[..., Tree]) -> None:
    tree = kconfig('config H\n\thex "h"\n\tdefault 0x10\n\nconfig A\n\tdef_bool H > 0x1f\n')
    assert values(tree) == {"H": "0x10", "A": "n"}
    assert values(tree, H="ff") == {"H": "ff", "A": "y"}


def test_imply_is_bounded_by_dependencies(kconfig: Callable[..., Tree]) -> None:
    tree = kconfig(
        MODULES
        + 'config D\n\ttristate "d"\nconfig T\n\ttristate\n\tdepends on D\nconfig A\n\tbool "a"\n\timply T\n'
    )
    assert values(tree, A="y", D="m")["T"] == "m"
    assert values(tree, A="y", D="n")["T"] == "n"
    assert Evaluation(tree, {"A": "y"}).all_unmet() == frozenset()


def test_imply_yields_to_the_user(kconfig: Callable[..., Tree]) -> None:
    tree = kconfig('config T\n\tbool "t"\nconfig A\n\tbool "a"\n\timply T\n')
    assert values(tree, A="y")["T"] == "y"
    assert values(tree, A="y", T="n")["T"] == "n"


def test_select_beats_dependencies_and_is_warned_of(kconfig: Callable[..., Tree]) -> None:
    tree = kconfig(
        'config D\n\tbool "d"\nconfig T\n\tbool "t"\n\tdepends on D\nconfig A\n\tbool "a"\n\tselect T\n'
    )
    evaluation = Evaluation(tree, {"A": "y"})
    assert evaluation.all()["T"] == "y"
    assert evaluation.all_unmet() == {"T"}
    assert evaluation.unmet(tree.symbols["T"]) == (0, 2)
    assert Evaluation(tree, {"A": "y", "D": "y"}).all_unmet() == frozenset()


def test_m_for_a_bool_is_enough(kconfig: Callable[..., Tree]) -> None:
    # Dependencies that are m count as y for a bool, so selecting it is not unmet.
    tree = kconfig(
        MODULES
        + 'config D\n\ttristate "d"\nconfig T\n\tbool\n\tdepends on D\nconfig S\n\ttristate\n\tdepends on D\n'
        + 'config A\n\tbool "a"\n\tselect T\n\tselect S\n'
    )
    assert Evaluation(tree, {"A": "y", "D": "m"}).all_unmet() == {"S"}


def test_entry_without_dependencies_adds_nothing(kconfig: Callable[..., Tree]) -> None:
    # Two entries, one of them without dependencies: the symbol still depends on what the other asks for.
    tree = kconfig(
        'config D\n\tbool "d"\nconfig T\n\tbool\n\tdepends on D\nconfig T\n\tbool\nconfig A\n\tbool "a"\n\tselect T\n'
    )
    assert Evaluation(tree, {"A": "y"}).all_unmet() == {"T"}


def test_first_type_wins_and_all_prompts_count(kconfig: Callable[..., Tree]) -> None:
    tree = kconfig('config A\n\tbool "one" if n\n\tprompt "two"\n\ttristate\n')
    assert tree.symbols["A"].type is Type.BOOL
    assert values(tree, A="y")["A"] == "y"
    assert len(tree.warnings) == 2


def test_transitional_lends_its_value(kconfig: Callable[..., Tree]) -> None:
    tree = kconfig(
        'config OLD\n\tbool\n\ttransitional\n\thelp\n\t  Gone.\nconfig NEW\n\tbool "new"\n\tdefault OLD\n'
    )
    evaluation = Evaluation(tree, {"OLD": "y"})
    assert evaluation.all() == {"OLD": "y", "NEW": "y"}
    assert not evaluation.written(tree.symbols["OLD"])
    assert evaluation.written(tree.symbols["NEW"])
    assert values(tree)["NEW"] == "n"


CHOICE = """
config GATE
	bool "gate"
	default y
choice
	prompt "which" if GATE
	default B
config A
	bool "a"
config B
	bool "b"
config C
	bool "c"
	depends on GATE
endchoice
"""


@pytest.mark.parametrize(
    ("lines", "chosen"),
    [
        ([], "B"),
        (["CONFIG_A=y"], "A"),
        (["CONFIG_A=y", "CONFIG_C=y"], "C"),
        (["CONFIG_C=y", "CONFIG_A=y"], "A"),
        (["# CONFIG_B is not set"], "A"),
        (["# CONFIG_B is not set", "# CONFIG_A is not set"], "C"),
        (["# CONFIG_B is not set", "# CONFIG_A is not set", "# CONFIG_C is not set"], "B"),
        (["# CONFIG_GATE is not set", "CONFIG_C=y"], "B"),
        (["CONFIG_A=m"], "B"),
    ],
)
def test_choice(kconfig: Callable[..., Tree], lines: list[str], chosen: str) -> None:
    # Members stay visible when the choice's own prompt is not: they depend on its "depends on" alone.
    result = Evaluation(kconfig(CHOICE), assigned(lines)).all()
    assert [name for name in "ABC" if result[name] == "y"] == [chosen]


def test_choice_that_nobody_sees(kconfig: Callable[..., Tree]) -> None:
    tree = kconfig(CHOICE.replace("default B", "default B\n\tdepends on GATE"))
    assert {name: value for name, value in values(tree, GATE="n", A="y").items() if name in "ABC"} == {
        "A": "n",
        "B": "n",
        "C": "n",
    }


def test_member_of_a_choice_ignores_being_selected(kconfig: Callable[..., Tree]) -> None:
    tree = kconfig(CHOICE + 'config S\n\tbool "s"\n\tselect A\n')
    evaluation = Evaluation(tree, {"S": "y"})
    assert evaluation.all()["A"] == "n"
    assert evaluation.all_unmet() == frozenset()


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("allyesconfig", "yy"), ("allmodconfig", "my"), ("allnoconfig", "nn"), ("alldefconfig", "nn")],
)
def test_modes(kconfig: Callable[..., Tree], mode: Mode, expected: str) -> None:
    tree = kconfig(MODULES.replace("default y", "") + 'config T\n\ttristate "t"\nconfig B\n\tbool "b"\n')
    result = values(tree, mode)
    assert result["T"] + result["B"] == expected


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ('"a" = "a"', "y"),
        ('"0x10" = 16', "y"),
        ('"010" = 8', "y"),
        ('"08" = 8', "n"),
        ('"9" < "10"', "y"),
        ('"9x" < "10"', "n"),
        ("UNDEFINED = UNDEFINED", "y"),
        ("UNDEFINED = n", "n"),
        ('UNDEFINED = ""', "n"),
        ("UNDEFINED", "n"),
        ("!UNDEFINED", "y"),
        ("y > m", "y"),
        ("YES = 2", "y"),
        ('S = "text"', "y"),
        ("S < T", "y"),
        ("I = 0x10", "y"),
        ("I < H", "y"),
        ("!YES = n", "y"),
        ("!(YES && n) || n", "y"),
        ("99999999999999999999 > 1", "y"),
        ("99999999999999999999 < 1", "n"),
        ("9" * 5000 + " > I", "y"),
        ("I > -" + "0" * 5000 + "15", "y"),
        ('"0x' + "0" * 5000 + '10" = 16', "y"),
    ],
)
def test_comparisons(kconfig: Callable[..., Tree], expression: str, value: str) -> None:
    tree = kconfig(
        'config YES\n\tdef_bool y\nconfig S\n\tstring\n\tdefault "text"\nconfig T\n\tstring\n\tdefault "u"\n'
        "config I\n\tint\n\tdefault 16\nconfig H\n\thex\n\tdefault 0x11\n"
        f"config A\n\tdef_bool {expression}\n"
    )
    assert values(tree)["A"] == value


def test_what_is_not_valid_is_not_there(kconfig: Callable[..., Tree]) -> None:
    tree = kconfig('config B\n\tbool "b"\n\tdefault y\nconfig S\n\tstring "s"\n\tdefault "d"\n')
    assert values(tree, B="m", S="bare", X="y") == {"B": "y", "S": "d"}
    assert values(tree, B="no", S=r'"a\"b" # more') == {"B": "n", "S": 'a"b'}


def test_default_of_a_string_from_a_bool_is_n(kconfig: Callable[..., Tree]) -> None:
    tree = kconfig("config B\n\tdef_bool y\nconfig S\n\tstring\n\tdefault B\n")
    assert values(tree)["S"] == "n"


def test_numbers_of_absurd_length(kconfig: Callable[..., Tree]) -> None:
    tree = kconfig(
        f"config I\n\tint\n\trange 1 7\n\tdefault {'9' * 9000}\nconfig H\n\thex\n\trange 0x1 0x7\n\tdefault -{'f' * 9000}\n"
    )
    assert values(tree) == {"I": "7", "H": "0x1"}


def test_long_chain_needs_no_deep_stack(kconfig: Callable[..., Tree]) -> None:
    links = "".join(f"config A{n}\n\tdef_bool A{n + 1}\n" for n in range(5000))
    tree = kconfig(links + 'config A5000\n\tbool "last"\n')
    assert values(tree, A5000="y")["A0"] == "y"


def test_written_lines_are_read_back() -> None:
    lines = [
        assignment("B", "n", Type.BOOL),
        assignment("T", "m", Type.TRISTATE),
        assignment("I", "5", Type.INT),
        assignment("S", 'a"b\\c', Type.STRING),
    ]
    assert lines == ["# CONFIG_B is not set", "CONFIG_T=m", "CONFIG_I=5", 'CONFIG_S="a\\"b\\\\c"']
    assert assigned([*lines, "", "# a comment", "junk", "CONFIG_NOTHING"]) == (
        ("B", "n"),
        ("T", "m"),
        ("I", "5"),
        ("S", quoted('a"b\\c')),
    )


@pytest.mark.parametrize("grammar", [Grammar(), Grammar(strict=False, plain=False, zero=False)])
def test_what_is_taken_from_an_evaluation_close_by_is_what_is_computed(maker: Any, grammar: Grammar) -> None:
    compared = 0
    for seed in range(150):
        dice = random.Random(f"near {seed}")
        text = maker(dice).made()
        if seed % 2:  # every m hangs on what MODULES hangs on
            text = text.replace("\tmodules\n", "\tmodules\n\tdepends on MORE\n", 1)
            text += 'config MORE\n\tbool "more"\n\tdefault y\n'
        if not grammar.plain:
            text = re.sub(r"(?m)^(\tdepends.*) if .*", r"\1", text)
        try:
            tree = parsed({"Kconfig": text}.get, "Kconfig", Toolchain("x86"), grammar)
        except KconfigError:
            continue
        words = {each: maker.words(each.type.value) for each in tree.order}
        lines = [(each.name, dice.choice(words[each])) for each in tree.order if dice.random() < 0.7]
        near = Evaluation(tree, lines)
        for _ in range(4):
            for symbol in dice.sample(
                tree.order, min(len(tree.order), 8)
            ):  # the others it has not computed yet
                near.text(symbol)
            kept = [(name, value) for name, value in lines if dice.random() < 0.8]
            lines = [*kept, *((each.name, dice.choice(words[each])) for each in dice.sample(tree.order, 1))]
            whole, near = Evaluation(tree, lines), Evaluation(tree, lines, near=near)
            for symbol in dice.sample(tree.order, dice.randint(1, len(tree.order))):
                said = [
                    (each.text(symbol), each.written(symbol), each.visible(symbol), each.unmet(symbol))
                    for each in (whole, near)
                ]
                assert said[0] == said[1], (seed, symbol.name, lines, text)
                compared += 1
    assert compared > 2000
