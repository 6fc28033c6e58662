from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkseries.facts.c_text import blank, brackets, closing, code, split, tokens

PIECES = st.lists(
    st.sampled_from(
        [
            "/*",
            "*/",
            "//",
            '"',
            "'",
            "\\",
            "\\\n",
            "\n",
            "\\'",
            "#define X(a) ",
            "#if 1",
            " ",
            "f(x)",
            "\r\n",
            "é",
            "'\\''",
            "/",
            "*",
        ]
    )
    | st.text(max_size=3),
    max_size=30,
)


@given(PIECES)
def test_blanking_keeps_length_and_newlines(pieces: list[str]) -> None:
    data = "".join(pieces).encode("utf-8", "surrogatepass")
    source = code(data)
    assert len(source.text) == len(source.plain) == len(data)
    for blanked in (source.text, source.plain):
        assert [i for i, c in enumerate(blanked) if c == "\n"] == [i for i, c in enumerate(data) if c == 10]


@given(PIECES)
def test_blanking_twice_changes_nothing(pieces: list[str]) -> None:
    once = blank("".join(pieces).encode("utf-8", "surrogatepass"))
    assert blank(once) == once or b"\\" in once  # a splice within a literal is kept, and may end up alone


@pytest.mark.parametrize(
    ("text", "blanked"),
    [
        ("a /* b */ c", "a         c"),
        ("a // b\nc", "a     \nc"),
        ("a // b\\\nc\nd", "a      \n \nd"),
        ('f("/*", x) /* " */', 'f("  ", x)        '),
        (r"'\'' '\"' x", "'  ' '  ' x"),
        ("/* open", "       "),
        ("don't g(x)\nh", "don       \nh"),
        ('"a\\\nb" c', '" \\\n " c'),
        ("/\\\n* x */ y", "  \n       y"),
        ("a / b / c", "a / b / c"),
    ],
)
def test_blanked(text: str, blanked: str) -> None:
    got = blank(text.encode()).decode()
    assert got.replace("\\\n", "\n").split() == blanked.replace("\\\n", "\n").split()
    assert len(got) == len(text)


def test_a_comment_over_lines_does_not_end_a_directive() -> None:
    source = code(b"#define A /* one\n two */ 1\nint x;\n#define B(a, b...) \\\n  f(a, b)\n")
    assert [(d.word, source.line(d.start), source.line(d.end)) for d in source.directives] == [
        ("define", 1, 2),
        ("define", 4, 5),
    ]
    a, b = source.macros
    assert (a.name, a.parameters, source.source(a.body, a.end)) == ("A", None, "1")
    assert (b.name, b.parameters, b.variadic) == ("B", ("a", "b"), True)
    assert source.plain.split() == ["int", "x;"]


def test_what_stands_between_offsets_keeps_literals() -> None:
    data = b'f(a /* b */, "x  /* y */",\n\t c)'
    assert code(data).source(2, len(data) - 1) == 'a , "x  /* y */", c'


def test_split_minds_brackets() -> None:
    text = "f(a, (b, c), { d, e }, g[1, 2])"
    close = closing(text, 1)
    assert close == len(text) - 1
    assert [text[a:b].strip() for a, b in split(text, 2, close)] == ["a", "(b, c)", "{ d, e }", "g[1, 2]"]
    assert split("()", 1, 1) == ()
    assert closing("(]", 0) is None
    assert closing("((", 0) is None


@given(st.text(alphabet="()[]{}ab", max_size=40))
def test_brackets_are_those_that_close(text: str) -> None:
    assert brackets(text) == {
        at: end for at, c in enumerate(text) if c in "([{" and (end := closing(text, at)) is not None
    }


def test_tokens() -> None:
    assert [t.text for t in tokens("a->b <<= 0x1fUL ... x##y\\\n z")] == [
        "a",
        "->",
        "b",
        "<<=",
        "0x1fUL",
        "...",
        "x",
        "##",
        "y",
        "z",
    ]


@pytest.mark.parametrize(
    "bad",
    [b"/*" * 50_000, b'"' * 50_001, b"(" * 100_000, b"\\\n" * 50_000, b"#if\n" * 20_000, b"'\\" * 50_000],
)
def test_hostile_text_takes_linear_time(bad: bytes) -> None:
    assert len(code(bad).plain) == len(bad)
