"""The grammar is the kernel's, and what conf refuses is refused with a place."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checkseries.facts.kconfig.expression import text
from checkseries.facts.kconfig.menu import parsed
from checkseries.facts.kconfig.model import Model
from checkseries.facts.kconfig.symbol import Grammar, KconfigError, Tree
from checkseries.facts.kconfig.toolchain import Toolchain

REFUSED = {
    "unknown statement": ("config A\n\tbool\n\nfoo bar\n", 4),
    "no end of if": ("if A\nconfig B\n\tbool\n", 3),
    "endif too many": ("config B\n\tbool\nendif\n", 3),
    "menu without quotes": ("menu foo\nendmenu\n", 1),
    "prompt without quotes": ("config A\n\tbool foo\n", 2),
    "unclosed parenthesis": ("config A\n\tbool\n\tdepends on (B && C\n", 3),
    "operator at the end": ("config A\n\tbool\n\tdepends on B &&\n", 3),
    "two operands": ("config A\n\tbool\n\tdepends on B C\n", 3),
    "no such file": ('source "nowhere/Kconfig"\n', 1),
    "leaves the tree": ('config A\n\tbool\nsource "../../etc/passwd"\n', 3),
    "leaves the tree by detour": ('source "a/../../b"\n', 1),
    "absolute path": ('source "/etc/passwd"\n', 1),
    "includes itself": ('source "Kconfig"\n', 1),
    "keyword of Kconfiglib": ('osource "x/*"\n', 1),
    "relative source": ('rsource "Kconfig.x"\n', 1),
    "old help": ("config A\n\tbool\n\t---help---\n\t  Text.\n", 3),
    "def_int": ("config A\n\tdef_int 5\n", 2),
    "option": ('config A\n\tbool\n\toption env="HOME"\n', 3),
    "named choice": ('choice FOO\n\tprompt "x"\nendchoice\n', 1),
    "choice without prompt": ('choice\nconfig A\n\tbool "a"\nendchoice\n', 1),
    "member without prompt": ('choice\n\tprompt "x"\nconfig A\n\tbool\nendchoice\n', 3),
    "tristate member": ('choice\n\tprompt "x"\nconfig A\n\ttristate "a"\nendchoice\n', 3),
    "default of a member": ('choice\n\tprompt "x"\nconfig A\n\tbool "a"\n\tdefault y\nendchoice\n', 3),
    "member of two choices": (
        'choice\n\tprompt "x"\nconfig A\n\tbool "a"\nendchoice\nchoice\n\tprompt "y"\nconfig A\n\tbool "a"\nendchoice\n',
        8,
    ),
    "transitional with more": ('config A\n\tbool "a"\n\ttransitional\n', 3),
    "transitional nowhere": ("transitional\n", 1),
    "two modules": ("config A\n\tbool\n\tmodules\nconfig B\n\tbool\n\tmodules\n", 6),
    "blank help": ("config A\n\tbool\n\thelp\n\nconfig B\n\tbool\n", 3),
    "menuconfig without prompt": ("menuconfig A\n\tbool\n", 1),
    "depends on itself": ('config A\n\tbool "a"\n\tdepends on A\n', 1),
    "select in a circle": (
        'config A\n\tbool "a"\n\tselect B\nconfig B\n\tbool "b"\n\tdepends on A\n\tselect C\nconfig C\n\tbool\n\tselect A\n',
        1,
    ),
    "imply in a circle": ('config A\n\tbool "a"\n\timply B\n\tdepends on B\nconfig B\n\tbool "b"\n', 5),
    "member on member": (
        'choice\n\tprompt "x"\nconfig A\n\tbool "a"\nconfig B\n\tbool "b"\n\tdepends on A\nendchoice\n',
        3,
    ),
    "macro without end": ("config A\n\tdef_bool $(success,true\n", 2),
    "error-if": ("$(error-if,y,stop here)\n", 1),
    "variable of itself": ("a = $(a)\nconfig A\n\tdef_bool $(a)\n", 3),
    "too few arguments": ("$(shell)\n", 1),
    "deep parentheses": ("config A\n\tdef_bool " + "(" * 5000 + "y" + ")" * 5000 + "\n", 2),
    "deep negation": ("config A\n\tdef_bool " + "!" * 5000 + "y\n", 2),
    "deep menus": ('menu "x"\n' * 5000, 151),
    "endless line": ("config A\n\tdef_bool y " + "\\\n" * 200000 + "\n", 2),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(kconfig: Callable[..., Tree], name: str) -> None:
    written, line = REFUSED[name]
    with pytest.raises(KconfigError) as caught:
        kconfig(written)
    assert (caught.value.path, caught.value.line) == ("Kconfig", line), str(caught.value)
    assert str(caught.value).startswith(f"Kconfig:{line}: ")
    assert "\n" not in str(caught.value)


def test_recursive_dependency_names_the_circle(kconfig: Callable[..., Tree]) -> None:
    with pytest.raises(KconfigError, match=r"Kconfig:3: recursive dependency: B -> C -> B$"):
        kconfig("config A\n\tdef_bool B\nconfig B\n\tdef_bool C\nconfig C\n\tdef_bool B\n")


def test_repeated_inclusion(kconfig: Callable[..., Tree]) -> None:
    top = 'source "one"\nsource "./two/../one"\n'
    with pytest.raises(KconfigError, match="Kconfig:2: repeated inclusion of one"):
        kconfig(top, one="config A\n\tbool\n")
    assert kconfig(top, strict=False, one="config A\n\tbool\n").warnings == (
        ("Kconfig", 2, "repeated inclusion of one"),
    )


def test_inclusions_are_bounded(kconfig: Callable[..., Tree]) -> None:
    doubling = {f"k{n}": f'source "k{n + 1}"\n' * 2 for n in range(40)}
    with pytest.raises(KconfigError, match="too many inclusions"):
        kconfig('source "k0"\n', strict=False, k40="", **doubling)
    chain = {f"k{n}": f'source "k{n + 1}"\n' for n in range(100)}
    with pytest.raises(KconfigError, match="too many inclusions"):
        kconfig('source "k0"\n', k100="", **chain)


def test_older_conf_is_more_lenient(kconfig: Callable[..., Tree]) -> None:
    for name in ("blank help", "menuconfig without prompt"):
        assert "A" in kconfig(REFUSED[name][0], strict=False).symbols


def test_source_follows_variables(kconfig: Callable[..., Tree]) -> None:
    tree = kconfig(
        'source "arch/$(SRCARCH)/Kconfig"\n', arch="mips", arch__mips__Kconfig="config A\n\tbool\n"
    )
    assert tree.symbols["A"].places == [("arch/mips/Kconfig", 1)]
    assert tree.files == ("Kconfig", "arch/mips/Kconfig")


def test_conditions_of_blocks_come_first(kconfig: Callable[..., Tree]) -> None:
    tree = kconfig(
        """
menu "m"
	depends on M1
	visible if V
if I || J
config A
	bool "a" if P
	depends on D
	default y if Q
	select T if R
config T
	bool
endif
endmenu
"""
    )
    symbol = tree.symbols["A"]
    assert [text(each) for each in symbol.direct] == ["M1 && (I || J) && D"]
    assert [text(each.when) for each in symbol.prompts] == ["M1 && (I || J) && D && V && P"]
    assert [text(each.when) for each in symbol.defaults] == ["M1 && (I || J) && D && Q"]
    assert [text(each.when) for each in tree.symbols["T"].selected] == ["M1 && (I || J) && D && R"]
    assert [text(each.own) for each in tree.symbols["T"].selected] == ["R"]


def test_continued_lines_and_places(kconfig: Callable[..., Tree]) -> None:
    tree = kconfig(
        "# a comment is not continued \\\nconfig A\n\tbool\n\tdefault B && \\\n\t\tC\n"
        "\tselect T \\\n\t\tif U\n\thelp\n\t  config NOT\n\n\t  select NOTHING\n\tselect V\nconfig T\n\tbool\nconfig V\n\tbool\n"
    )
    assert tree.symbols["A"].places == [("Kconfig", 2)]
    assert text(tree.symbols["A"].defaults[0].value) == "B && C"
    assert [(each.target.name, each.line) for each in tree.symbols["A"].selects] == [("T", 6), ("V", 12)]
    assert "NOT" not in tree.symbols
    assert "NOTHING" not in tree.symbols


def test_select_and_imply_keep_their_lines(kconfig: Callable[..., Tree]) -> None:
    tree = kconfig(
        'config A\n\tbool "a"\n\timply T\n\tselect U\n\tselect T\nconfig T\n\tbool\nconfig U\n\tbool\n'
    )
    assert [(each.target.name, each.implied, each.line) for each in tree.symbols["A"].selects] == [
        ("T", True, 3),
        ("U", False, 4),
        ("T", False, 5),
    ]


def test_many_dependencies_are_not_deep(kconfig: Callable[..., Tree]) -> None:
    tree = kconfig("config A\n\tbool\n" + "\tdepends on B\n" * 5000 + "\tdefault y\nconfig B\n\tdef_bool y\n")
    assert len(text(tree.symbols["A"].direct[0]).split(" && ")) == 5000


def test_unsupported_characters_are_passed_over(kconfig: Callable[..., Tree]) -> None:
    tree = kconfig('config A\n\tbool "a; b" ;\n\tdepends on B, # c; d\n')
    assert text(tree.symbols["A"].direct[0]) == "B"
    assert len(tree.warnings) == 2


@pytest.mark.parametrize(
    "data", ["\0\0\0", "\udcff\udcfe config A\n", "config \ud800\n", '"' * 1000, "$(" * 1000]
)
def test_rubbish_is_no_traceback(kconfig: Callable[..., Tree], data: str) -> None:
    try:
        names = [symbol.name for symbol in kconfig(data).order]
    except KconfigError:
        names = []
    assert names in ([], ["A"])


FRAGMENTS = [
    *"\t \n\"'$()=!&|<>#\\,.-_A1y",
    "\tbool\n", '\tbool "a"\n', "config A\n", "config B\n", "menuconfig M\n", "choice\n", "endchoice\n",
    '\tprompt "p"\n', 'menu "m"\n', "endmenu\n", "if A\n", "endif\n", "\tdepends on ", "\tselect B if ", "\tdefault ",
    "\trange 1 ", "\thelp\n", "\t  text\n", "\n\n", "\tint\n", "\thex\n", "\tstring\n", "\tmodules\n", "\ttransitional\n",
    "\tvisible if ", 'source "K"\n', 'comment "c"\n', "V := $(A)\n", "$(V)", "$(shell,ls)", "$(error-if,n,x)", "A && B", "A = y",
    "!", "m", "\timply A\n", "\tdef_tristate ", 'mainmenu "x"\n', "\\\n", "UNDEFINED",
]  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(FRAGMENTS), max_size=60).map("".join))
def test_any_text_is_parsed_or_refused(written: str) -> None:
    files = {"Kconfig": written, "K": "config K\n\tbool\n"}
    for strict in (True, False):
        try:
            tree = parsed(files.get, "Kconfig", Toolchain("x86"), Grammar(strict=strict))
        except KconfigError as error:
            path, line = error.path, error.line
        else:
            path, line = "Kconfig", 0
        assert path in files
        assert 0 <= line <= written.count("\n") + 1
        if line:
            continue
        model = Model("x86", tree)
        for mode in ("olddefconfig", "allyesconfig"):
            assert model.evaluation({}, mode).all().keys() == set(model.names)
        for name in model.names:
            assert model.shape(name)
            model.can_be(name, "y")
