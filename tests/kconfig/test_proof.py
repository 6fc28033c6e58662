"""What is proved over all configurations is what trying them all finds."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from checkseries.facts.answer import Broken, Holds, Impossible, Possible, Unknown
from checkseries.facts.kconfig.evaluate import Evaluation, assigned
from checkseries.facts.kconfig.expression import parse
from checkseries.facts.kconfig.menu import parsed
from checkseries.facts.kconfig.model import Model
from checkseries.facts.kconfig.symbol import KconfigError, Symbol, Tree, Type
from checkseries.facts.kconfig.toolchain import Toolchain

NAMES = ("A", "B", "C", "D")
MODULES = 'config MODULES\n\tbool "modules"\n\tmodules\n'


def expressions(names: tuple[str, ...]) -> st.SearchStrategy[str]:
    if not names:
        return st.sampled_from(["y", "m"])
    leaf = st.sampled_from([*names, *names, "m", *(f"{name} = m" for name in names), f"{names[0]} != y"])
    return st.recursive(
        leaf,
        lambda inner: st.one_of(
            st.builds("!({})".format, inner),
            st.builds("({}) && ({})".format, inner, inner),
            st.builds("({}) || ({})".format, inner, inner),
        ),
        max_leaves=4,
    )


@st.composite
def kconfigs(draw: st.DrawFn) -> str:
    """A small Kconfig without circles: each symbol speaks of earlier ones, and selects or implies later ones."""
    entries = []
    for position, name in enumerate(NAMES):
        before, after = NAMES[:position], NAMES[position + 1 :]
        kind = draw(st.sampled_from(["bool", "tristate"]))
        lines = [f"config {name}", f"\t{kind}"]
        if draw(st.booleans()):
            lines[-1] += f' "{name}"' + draw(st.just("") | st.builds(" if {}".format, expressions(before)))
        if draw(st.booleans()):
            lines.append(f"\tdepends on {draw(expressions(before))}")
        if before and draw(st.integers(0, 3)) == 0:
            lines.append(f"\tdepends on {draw(expressions(before))} if {draw(expressions(before))}")
        for _ in range(draw(st.integers(0, 2))):
            value = draw(st.sampled_from(["y", "m", "n", *before]))
            lines.append(
                f"\tdefault {value}" + draw(st.just("") | st.builds(" if {}".format, expressions(before)))
            )
        for target in after:
            verb = draw(st.sampled_from([None, None, "select", "imply"]))
            if verb:
                condition = draw(st.just("") | st.builds(" if {}".format, expressions(before)))
                lines.append(f"\t{verb} {target}{condition}")
        entries.append("\n".join(lines) + "\n")
    if draw(st.booleans()):
        entries.append(
            'choice\n\tprompt "one"'
            + draw(st.just("") | st.builds("\n\tdepends on {}".format, expressions(NAMES)))
            + '\nconfig F\n\tbool "F"\nconfig G\n\tbool "G"\n'
            + draw(st.just("") | st.builds("\tdepends on {}\n".format, expressions(NAMES)))
            + "endchoice\n"
        )
    return MODULES + "".join(entries)


def small(text: str) -> Model:
    return Model("x86", parsed({"Kconfig": text}.get, "Kconfig", Toolchain("x86")))


def everything(tree: Tree) -> list[Evaluation]:
    """All configurations there are: each symbol with a prompt set to whatever it takes, or left alone."""
    free = [symbol for symbol in tree.order if symbol.prompts and symbol.choice is None]
    choices = [None, *(symbol.name for symbol in tree.order if symbol.choice)]
    found = []
    for values in itertools.product(*(ANSWERS[symbol.type] for symbol in free)):
        pairs = {symbol.name: value for symbol, value in zip(free, values, strict=True) if value}
        found += [Evaluation(tree, {**pairs, each: "y"} if each else pairs) for each in choices]
    return found


ANSWERS = {Type.BOOL: ("y", "n", None), Type.TRISTATE: ("y", "m", "n", None)}

bounded = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))


@bounded
@given(kconfigs(), st.data())
def test_all_configurations_are_known(text: str, data: st.DataObject) -> None:
    model = small(text)
    every = everything(model.tree)
    names = NAMES + (("F", "G") if "choice" in text else ())
    for expr in [f"{name} = {value}" for name in names for value in "ynm"] + [
        data.draw(expressions(names)) for _ in range(4)
    ]:
        wanted = parse(expr, model.tree.symbols.__getitem__)
        found = any(evaluation.expr(wanted) for evaluation in every)
        match model.satisfiable(expr):
            case Possible(witness):
                assert found
                assert Evaluation(model.tree, assigned(witness)).expr(wanted)
            case Impossible():
                assert not found, expr
            case Unknown(because):
                raise AssertionError((expr, because))


@bounded
@given(kconfigs())
def test_all_unmet_dependencies_are_known(text: str) -> None:
    model = small(text)
    every = everything(model.tree)
    for name in NAMES:
        symbol = model.tree.symbols[name]
        selects = [each for each in model.selects(name) if not each.implied]
        for statement, select in zip(symbol.selected, selects, strict=True):
            warned = [values for values in every if values.unmet(symbol)]
            found = any(values.asked(statement) > (values.unmet(symbol) or (9, 9))[0] for values in warned)
            answer = model.unmet(select)
            assert isinstance(answer, Possible if found else Impossible), (name, statement.selector.name)
            if isinstance(answer, Possible):
                assert name in Evaluation(model.tree, assigned(answer.witness)).all_unmet()


@bounded
@given(kconfigs(), expressions(NAMES), expressions(NAMES))
def test_implication_and_possibility_agree(text: str, first: str, second: str) -> None:
    model = small(text)
    one, two = (parse(each, model.tree.symbols.__getitem__) for each in (first, second))
    match model.implies(first, second):
        case Holds():
            assert all(values.expr(two) for values in everything(model.tree) if values.expr(one))
        case Broken(witness):
            values = Evaluation(model.tree, assigned(witness))
            assert values.expr(one)
            assert not values.expr(two)
        case Unknown(because):
            raise AssertionError(because)


NUMBERS = """
config BIG
	bool "big"
config END
	int
	default 64 if BIG
	default 8
config I
	int "i"
	range 2 END
	default 4
config SAME
	int
	default I
config H
	hex "h"
	range 0x10 0xff
config S
	string "s"
	default "one" if BIG
	default "two"
config FIXED
	int
	default 12
"""


@pytest.mark.parametrize(
    ("expr", "answer"),
    [
        ("I > 8", ("CONFIG_BIG=y", "CONFIG_I=9")),
        ("I > 8 && !BIG", None),
        ("I > 64", None),
        ("I < 2", None),
        ("I = 3", ("CONFIG_I=3",)),
        ("I >= 64", ("CONFIG_BIG=y", "CONFIG_I=64")),
        ("I != 4 && SAME = 4", None),
        ("SAME = 5", ("CONFIG_I=5",)),
        ("SAME <= 1", None),
        ("END = 9", None),
        ("END = 64", ("CONFIG_BIG=y",)),
        ("H < 0x10", None),
        ("H = 0x20", ("CONFIG_H=0x20",)),
        ("H > 255", None),
        ("H > 0xfe", ("CONFIG_H=0xff",)),
        ('S = "one"', ('CONFIG_S="one"',)),
        ('S = "three" && BIG', ("CONFIG_BIG=y", 'CONFIG_S="three"')),
        ('S != "one" && S != "two"', ('CONFIG_S="other"',)),
        ("FIXED = 12", ()),
        ("FIXED != 12", None),
        ("UNHEARD_OF", None),
        ("!UNHEARD_OF", ()),
    ],
)
def test_numbers_and_strings(expr: str, answer: tuple[str, ...] | None) -> None:
    assert small(NUMBERS).satisfiable(expr) == (Impossible() if answer is None else Possible(answer))


def test_an_unconfirmed_witness_is_no_answer() -> None:
    # Two strings that a user can set are compared: the formula cannot say that exactly, and does not pretend.
    model = small(
        'config S\n\tstring "s"\nconfig T\n\tstring\n\tdefault S\nconfig A\n\tbool "a"\n\tdepends on S != T\n'
    )
    assert isinstance(model.satisfiable("A"), Unknown)
    assert isinstance(model.satisfiable("!A"), Possible)


def test_odd_defaults_are_not_denied() -> None:
    model = small(
        'config I\n\tint "i"\n\tdefault "odd" if X\nconfig X\n\tbool "x"\nconfig A\n\tdef_bool I = "odd"\n'
    )
    assert not isinstance(model.satisfiable("A"), Impossible)


def test_witness_is_short_and_the_same_whatever_was_asked_before() -> None:
    text = MODULES + "".join(f'config X{n}\n\ttristate "x"\n' for n in range(40))
    text += 'config A\n\tbool "a"\n\tdepends on X3 && (X5 || X6) && !X7\n'
    model = small(text)
    answer = model.satisfiable("A")
    assert isinstance(answer, Possible)
    assert len(answer.witness) == 3
    assert {"CONFIG_A=y", "CONFIG_X3=y"} < set(answer.witness)
    later = small(text)
    for n in range(40):
        later.satisfiable(f"X{n} && !A")
    assert later.satisfiable("A") == answer


def test_malformed_questions(small: Callable[..., Model]) -> None:
    model = small("config A\n\tbool\n")
    for wrong in ("", "A &&", "A B", "(A", "A = ", "A ? B", '"', "!" * 500 + "A"):
        with pytest.raises(KconfigError):
            model.satisfiable(wrong)


def test_many_operands_are_no_deep_expression(small: Callable[..., Model]) -> None:
    model = small('config A\n\tbool "a"\n')
    assert model.satisfiable(" && ".join(["A"] * 3000)) == Possible(("CONFIG_A=y",))


def test_long_chains_are_proved_without_recursion(small: Callable[..., Model]) -> None:
    links = "".join(f"config A{n}\n\tdef_bool A{n + 1}\n" for n in range(3000))
    model = small(links + 'config A3000\n\tbool "last"\n')
    assert isinstance(model.implies("A0", "A3000"), Holds)
    assert model.satisfiable("A0") == Possible(("CONFIG_A3000=y",))
    numbers = "".join(f"config I{n}\n\tint\n\tdefault I{n + 1}\n" for n in range(3000))
    model = small(numbers + 'config I3000\n\tint "last"\nconfig A\n\tdef_bool I0 > 5\n')
    assert isinstance(model.satisfiable("A"), Possible | Unknown)


def test_nothing_that_happens_is_called_impossible(maker: Any) -> None:
    # Numbers, strings, ranges and choices, which cannot all be tried: a sample of configurations is.
    answers: Counter[str] = Counter()
    for seed in range(40):
        dice = random.Random(f"sample {seed}")
        made = maker(dice)
        try:
            model = small(made.made())
        except KconfigError:
            continue
        symbols = model.tree.order
        sample = [Evaluation(model.tree)]
        for _ in range(40):
            pairs = {
                symbol.name: dice.choice(maker.words(symbol.type.value))
                for symbol in symbols
                if dice.random() < 0.7
            }
            sample.append(Evaluation(model.tree, pairs))
        for _ in range(6):
            question = made.expr()
            wanted = parse(question, lambda name, known=model.tree.symbols: known.get(name) or Symbol(name))  # type: ignore[misc]  # the default binds the loop's value
            seen = any(evaluation.expr(wanted) for evaluation in sample)
            answer = model.satisfiable(question)
            answers[type(answer).__name__] += 1
            if isinstance(answer, Possible):
                assert Evaluation(model.tree, assigned(answer.witness)).expr(wanted), (seed, question)
            elif isinstance(answer, Impossible):
                assert not seen, (seed, question)
        for symbol in symbols:
            warned = any(evaluation.unmet(symbol) for evaluation in sample)
            found = [model.unmet(each) for each in model.selects(symbol.name) if not each.implied]
            assert not warned or any(not isinstance(each, Impossible) for each in found), (seed, symbol.name)
    assert answers["Possible"] > 50
    assert answers["Impossible"] > 20
    assert answers["Unknown"] < answers.total() / 20


def test_the_deepest_that_is_taken_can_be_judged(small: Callable[..., Model]) -> None:
    menus = 'menu "m"\n\tdepends on A || B\n' * 145
    nested = "(A && (B || " * 49 + "A" + "))" * 49
    text = (
        f'{menus}config X\n\tbool "x"\n\tdepends on {nested}\n\tdepends on A if {nested}\n'
        + "endmenu\n" * 145
    )
    model = small('config A\n\tbool "a"\nconfig B\n\tbool "b"\n' + text)
    assert model.satisfiable("X") == Possible(("CONFIG_A=y", "CONFIG_X=y"))
    assert isinstance(model.implies("X", "A"), Holds)
    assert model.shape("X").count("A || B") >= 145
    assert isinstance(model.satisfiable("(" * 99 + "A" + ")" * 99), Possible)
