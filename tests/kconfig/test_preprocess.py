"""Macros expand as in preprocess.c, in bounded time, and nothing is ever started."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkseries.facts.kconfig.evaluate import Evaluation
from checkseries.facts.kconfig.preprocess import ExpansionError, Preprocessor
from checkseries.facts.kconfig.symbol import KconfigError, Tree


def preprocessor(**environment: str) -> tuple[Preprocessor, list[str]]:
    said: list[str] = []
    return Preprocessor(environment, lambda command: f"<{command}>\n", lambda: ("K", 7), said.append), said


def test_variables_and_functions() -> None:
    macros, _ = preprocessor(HOME="env")
    macros.assign("greet", "=", "$(1), $(2)$(3)!")
    macros.assign("comma", ":=", ",")
    assert macros.expand("$(greet,a b,$(comma)c)") == "a b, ,c!"
    assert macros.expand("$(greet,(x,y))") == "(x,y), !"
    assert macros.expand("[$(HOME)$(unset)]") == "[env]"
    assert macros.expand("$(filename):$(lineno)") == "K:7"
    assert macros.expand("$(shell,ls, $(HOME))".replace(", ", " ")) == "<ls env>"


def test_what_is_expanded_is_not_expanded_again() -> None:
    macros, _ = preprocessor()
    macros.assign("dollar", ":=", "$")
    macros.assign("X", ":=", "not this")
    macros.assign("Y", ":=", "$(dollar)(X)")
    macros.assign("Z", "=", "$(dollar)(X)")
    macros.assign("open", ":=", "$(dollar)(")
    assert macros.expand("$(Y) $(Z) $(open) $ $$") == "$(X) $(X) $( $ $$"


def test_appending_keeps_the_flavour() -> None:
    macros, _ = preprocessor()
    macros.assign("a", "+=", "$(b)")
    macros.assign("c", ":=", "$(b)")
    macros.assign("b", "=", "B")
    macros.assign("a", "+=", "$(b)")
    macros.assign("c", "+=", "$(b)")
    macros.assign("b", "=", "late")
    assert macros.expand("$(a)|$(c)") == "late late| B"


def test_arguments_before_variables() -> None:
    macros, _ = preprocessor()
    macros.assign("1", ":=", "one")
    macros.assign("f", "=", "$(1)")
    assert macros.expand("$(1) $(f,x)") == "one x"


def test_words_keep_dollars() -> None:
    macros, _ = preprocessor(A="x y")
    assert macros.token("foo$(A)-$b c", 0) == ("foox y-$b", 10)


def test_said_and_refused() -> None:
    macros, said = preprocessor()
    assert macros.expand("$(warning-if,y,careful)$(warning-if,n,no)$(info,hello)") == ""
    assert said == ["careful"]
    with pytest.raises(ExpansionError, match="stop"):
        macros.expand("$(error-if,y,stop)")
    with pytest.raises(ExpansionError, match="unterminated"):
        macros.expand("$(a")
    with pytest.raises(ExpansionError, match="too many function arguments"):
        macros.expand("$(f" + ",x" * 20 + ")")


@given(st.text(alphabet="$()ab,=: \\\"'", max_size=60))
def test_any_text_expands_or_is_refused(text: str) -> None:
    macros, _ = preprocessor()
    macros.assign("a", "=", "$(b)$(b)")
    macros.assign("b", "=", "$(1)($(2))")
    try:
        assert isinstance(macros.expand(text), str)
    except ExpansionError:
        assert "$(" in text


BOMBS = {
    "doubling": "".join(f"v{n} = $(v{n + 1})$(v{n + 1})\n" for n in range(50)) + "v50 = x\n$(info,$(v0))\n",
    "doubling text": "v0 := 0123456789\n" + "".join(f"v{n + 1} := $(v{n})$(v{n})\n" for n in range(60)),
    "appending": "v := " + "x" * 10000 + "\n" + "v += $(v)\n" * 100,
    "function of itself": "f = $(f,$(1)x)\n$(info,$(f,a))\n",
    "two functions": "f = $(g,$(1))$(g,$(1))\ng = $(f,$(1))$(f,$(1))\n$(info,$(f,a))\n",
    "deep nesting": "$(info," + "$(a" * 3000 + ")" * 3001 + "\n",
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_refused_soon(kconfig: Callable[..., Tree], name: str) -> None:
    started = time.monotonic()
    with pytest.raises(KconfigError, match="too (many macro|much text|deep)|yields too much"):
        kconfig(BOMBS[name])
    assert time.monotonic() - started < 5


def test_macros_in_kconfig(kconfig: Callable[..., Tree]) -> None:
    tree = kconfig(
        'success = $(shell,{ $(1); } >/dev/null 2>&1 && echo "y" || echo "n")\nname := A\nyes = y\ntitle = the "prompt"\n$(info,$(name))\n'
        'config $(name)_1\n\tbool "$(title) \\$(name)"\n\tdefault $(yes)\n'
        'config B\n\tdef_bool $(name)_1 && $(success,test -z "")\nconfig S\n\tstring\n\tdefault "$(ARCH) $(undefined)"\n'
    )
    assert Evaluation(tree).all() == {"A_1": "y", "B": "y", "S": "x86 "}
    assert tree.symbols["A_1"].prompts[0].text == 'the "prompt" $(name)'
