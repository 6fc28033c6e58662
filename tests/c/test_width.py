"""Divisions as the grammar reads them."""

from __future__ import annotations

from checkseries.facts.c_syntax import quotients


def test_divisions_are_told_with_what_they_divide() -> None:
    text = "int f(u64 a, int b)\n{\n\ta /= p->x;\n\treturn (u64)(a) % (b + 1) + sizeof(a / b);\n}\n"
    first, second = quotients(text)
    assert (first.operator, first.left.text, first.right.kind, first.right.text) == ("/=", "a", "member", "x")
    assert (second.operator, second.left.kind, second.left.text) == ("%", "cast", "u64")
    assert [each.text for each in second.right.of] == ["b", "1"]


def test_what_the_grammar_cannot_read_is_left_out() -> None:
    assert quotients("int f(int a)\n{\n\treturn a / ;\n}\n") == ()
