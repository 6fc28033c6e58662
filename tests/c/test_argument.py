"""What macros at file scope are given, and what they do with it."""

from __future__ import annotations

import pytest

from checkseries.facts.c_argument import given_at_file_scope, used
from checkseries.tree import MemoryTree, Snapshot

MACROS = (
    "#define __HOOK(name, fn) static int (*const __hook_##name)(int) = fn\n"
    "#define HOOK(fn) __HOOK(fn, fn)\n"
    "#define TABLE(fn) static const struct hook hooks[] = { { 1, fn } }\n"
    "#define CALLS(fn) void stub(void) { fn(1); }\n"
    "#define LIST(name) static struct list name\n"
    "#define TEXT(name) static const char text_##name[] = #name\n"
    "#define CHECKED(name) check_##name(name)\n"
    "#define FUNCTION(name) int name(void)\n"
)


@pytest.mark.parametrize(
    ("macro", "expected"),
    [("HOOK", True), ("TABLE", True), ("CALLS", True), ("LIST", False), ("TEXT", False), ("FUNCTION", False),
     ("CHECKED", False), ("UNKNOWN", False)],
)  # fmt: skip
def test_an_argument_is_used_or_declared(macro: str, expected: bool) -> None:
    tree = Snapshot.of(MemoryTree({"include/linux/hook.h": MACROS, "a.c": "#include <linux/hook.h>\n"}))
    assert used(tree, "a.c", "x86", macro, 0) is expected


def test_a_run_of_macros_is_told_and_declarations_are_not() -> None:
    text = b"HOOK(one)\nHOOK(two);\nLIST( three );\nint go(int four);\nHOOK(a + b);\nint f(void)\n{\n\tHOOK(five);\n}\n"
    assert [(each.name, each.number) for each in given_at_file_scope(text)] == [
        ("one", 0),
        ("two", 0),
        ("three", 0),
    ]
