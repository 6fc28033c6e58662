from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkseries.facts.presence import (
    All,
    Constant,
    Expression,
    Not,
    Opaque,
    Option,
    Some,
    condition_of,
    kconfig,
    never,
    options,
    presence_of,
    said,
)

FILE = b"""#ifndef _A_H
#define _A_H
#ifdef CONFIG_A
one
#elif IS_ENABLED(CONFIG_B)
two
#else
three
#endif
#endif
"""


def test_each_branch_excludes_those_before() -> None:
    found = presence_of(FILE)
    assert found.guard == "_A_H"
    assert found.balanced
    assert said(found.at(1)) == "1"
    assert kconfig(found.at(4)) == "A=y"
    assert kconfig(found.at(6)) == "!(A=y) && (B=y || B=m)"
    assert kconfig(found.at(8)) == "!(A=y) && !(B=y || B=m)"
    assert [(b.word, b.first, b.last) for b in found.branches] == [
        ("ifdef", 4, 4),
        ("elif", 6, 6),
        ("else", 8, 8),
        ("ifndef", 2, 9),
    ]


def test_a_guard_is_one_only_around_the_whole_file() -> None:
    assert presence_of(b"#ifndef X\n#define X\n#endif\nint a;\n").guard is None
    assert presence_of(b"#ifndef X\n#define X\n#else\n#endif\n").guard is None
    assert presence_of(b"#ifndef CONFIG_X\n#define CONFIG_X\nint a;\n#endif\n").guard is None


@pytest.mark.parametrize(
    ("text", "rendered"),
    [
        ("defined(CONFIG_A)", "A=y"),
        ("defined CONFIG_A_MODULE", "A=m"),
        ("IS_MODULE(CONFIG_A)", "A=m"),
        ("IS_BUILTIN(CONFIG_A) && !defined(CONFIG_B)", "A=y && !(B=y)"),
        ("(defined(CONFIG_A) || defined(CONFIG_B)) && 1", "A=y || B=y"),
        ("!IS_ENABLED(CONFIG_A)", "!(A=y || A=m)"),
        ("0", "n"),
        ("defined(CONFIG_A) && 0", "n"),
        ("IS_REACHABLE(CONFIG_A)", None),
        ("CONFIG_LEVELS > 2", None),
        ("defined(__ASSEMBLY__)", None),
        ("!a == b", None),
        ("defined(CONFIG_A) ? 1 : 0", None),
        ("", None),
        ("((((", None),
    ],
)
def test_conditions(text: str, rendered: str | None) -> None:
    assert kconfig(condition_of(text)) == rendered


def test_an_opaque_part_keeps_its_words() -> None:
    assert said(condition_of("defined(CONFIG_A) && \\\n (NR > 3)")) == "CONFIG_A && NR > 3"
    assert options(condition_of("defined(CONFIG_A) && !(NR > 3 || IS_ENABLED(CONFIG_B))")) == {"A", "B"}


@pytest.mark.parametrize("text", [b"#endif\n", b"#if A\n", b"#else\n#endif\n"])
def test_unbalanced(text: bytes) -> None:
    assert not presence_of(text).balanced


def test_depth_is_bounded() -> None:
    found = presence_of(b"#ifdef CONFIG_A\n" * 5000 + b"x\n")
    assert isinstance(found.at(5001), Opaque)
    assert isinstance(condition_of("(" * 2000 + "x" + ")" * 1900), Opaque)
    assert isinstance(condition_of("!" * 3000 + "defined(CONFIG_A)"), (Not, Opaque, Option))


def truth(of: Expression, given_: dict[str, bool]) -> bool:
    match of:
        case Constant(value):
            return value
        case Option(name, _):
            return given_[name]
        case Not(inner):
            return not truth(inner, given_)
        case All(terms):
            return all(truth(term, given_) for term in terms)
        case Some(terms):
            return any(truth(term, given_) for term in terms)
    raise AssertionError(of)


TEXTS = st.recursive(
    st.sampled_from(["defined(CONFIG_A)", "defined(CONFIG_B)", "defined(CONFIG_C)", "0", "1"]),
    lambda inner: st.one_of(
        inner.map(lambda t: f"!({t})"),
        st.tuples(inner, inner).map(lambda p: f"({p[0]} && {p[1]})"),
        st.tuples(inner, inner).map(lambda p: f"({p[0]}) || {p[1]}"),
    ),
    max_leaves=12,
)


@given(TEXTS)
def test_conditions_mean_what_c_means(text: str) -> None:
    parsed = condition_of(text)
    for values in itertools.product((False, True), repeat=3):
        given_ = dict(zip("ABC", values, strict=True))
        python = text.replace("&&", " and ").replace("||", " or ").replace("!", " not ")
        for name, value in given_.items():
            python = python.replace(f"defined(CONFIG_{name})", str(value))
        assert truth(parsed, given_) == bool(eval(python))


@given(st.lists(st.sampled_from(["if", "else", "endif", "x"]), max_size=24))
def test_lines_of_a_group_are_present_exactly_once(words: list[str]) -> None:
    """Of the branches of one #if, at most one holds, and with #else exactly one."""
    lines, number = [], 0
    for word in words:
        if word == "if":
            lines.append(f"#ifdef CONFIG_{'ABC'[number % 3]}")
            number += 1
        else:
            lines.append(f"#{word}" if word != "x" else "x")
    found = presence_of("\n".join(lines).encode())
    assert len(found.lines) == len(found.conditions)
    assert list(found.lines) == sorted(found.lines)


def test_never() -> None:
    text = "#if 0\na;\n#else\nb;\n#endif\n#ifdef CONFIG_A\n#if 0\nc;\n#endif\nd;\n#endif\n#if 1\ne;\n#else\nf;\n#endif\n#ifdef OLD\ng;\n#endif\n"
    found = presence_of(text.encode())
    lines = {line[0]: number for number, line in enumerate(text.split("\n"), 1) if line.endswith(";")}
    assert [name for name, number in lines.items() if never(found.at(number))] == ["a", "c", "f"]
