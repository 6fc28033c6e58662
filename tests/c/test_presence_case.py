from __future__ import annotations

import pytest

from checkseries.facts.presence import (
    NEVER,
    contrary,
    every,
    narrowest,
    said,
    widest,
)
from checkseries.facts.presence import condition_of as of
from checkseries.facts.presence_case import case, known


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("defined(CONFIG_A) && !defined(CONFIG_B)", {"A": "y", "B": "n"}),
        ("IS_MODULE(CONFIG_A)", {"A": "m"}),
        ("defined(CONFIG_A) && !IS_ENABLED(CONFIG_A)", None),
        ("!defined(CONFIG_A) && (defined(CONFIG_A) || defined(CONFIG_B)) && !defined(CONFIG_B)", None),
        ("defined(DEBUG)", None),
    ],
)
def test_values_that_make_a_condition_hold(text: str, values: dict[str, str] | None) -> None:
    assert case(of(text)) == values


def test_too_many_symbols_and_opaque_parts_are_not_known() -> None:
    many = " && ".join(f"defined(CONFIG_{letter})" for letter in "ABCDEFGHI")
    assert not known(of(many))
    assert case(of(many)) is None
    assert not known(of("defined(CONFIG_A) || defined(DEBUG)"))
    assert known(of("defined(CONFIG_A) || !defined(CONFIG_B)"))


@pytest.mark.parametrize(
    "text",
    [
        "defined(DEBUG)",
        "!defined(DEBUG) && defined(CONFIG_A)",
        "defined(CONFIG_A) || !(X > 1)",
        "!(defined(DEBUG) && defined(CONFIG_A))",
    ],
)
def test_what_is_opaque_lies_between(text: str) -> None:
    condition = of(text)
    low, high = narrowest(condition), widest(condition)
    assert known(low)
    assert known(high)
    assert every((low, contrary(high))) == NEVER or case(every((low, contrary(high)))) is None
    assert said(narrowest(contrary(condition))) == said(contrary(high))
