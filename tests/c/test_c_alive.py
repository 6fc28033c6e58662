"""What of the configuration decides that a use of a name is kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from checkseries.facts.c_alive import alive_in, constant
from checkseries.facts.c_vanish import linked
from checkseries.facts.presence import said
from checkseries.tree import Snapshot

Made = Callable[[Mapping[str, str]], Snapshot]
_PM = (
    "#define pm_ptr(_ptr) PTR_IF(IS_ENABLED(CONFIG_PM), (_ptr))\n"
    "#define RUNTIME_PM_OPS(a, b, c) \\\n\t.suspend = pm_ptr(a), .resume = pm_ptr(b),\n"
)


def when(snapshot: Made, text: str) -> list[str]:
    tree = snapshot({"a.c": text, "include/linux/pm.h": _PM})
    return [each.doubt or said(each.when) for each in alive_in(tree, "a.c", "park")]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("park();", "1"),
        ("if (lane)\n\t\tpark();", "1"),
        ("if (IS_ENABLED(CONFIG_A))\n\t\tpark();", "CONFIG_A || CONFIG_A_MODULE"),
        ("if (lane && IS_BUILTIN(CONFIG_A))\n\t\tpark();", "CONFIG_A"),
        ("if (IS_BUILTIN(CONFIG_A) || lane)\n\t\tpark();", "1"),
        ("if (IS_BUILTIN(CONFIG_A))\n\t\tgo();\n\telse\n\t\tpark();", "!CONFIG_A"),
        ("if (!IS_BUILTIN(CONFIG_A))\n\t\treturn;\n\tpark();", "CONFIG_A"),
        ("if (!IS_BUILTIN(CONFIG_A) || lane)\n\t\treturn;\n\tpark();", "CONFIG_A"),
        ("if (!IS_BUILTIN(CONFIG_A) && lane)\n\t\treturn;\n\tpark();", "1"),
        ("if (!IS_BUILTIN(CONFIG_A))\n\t\tgo();\n\tpark();", "1"),
        ("IS_BUILTIN(CONFIG_A) && park();", "CONFIG_A"),
        ("lane = IS_BUILTIN(CONFIG_A) ? 1 : park();", "!CONFIG_A"),
        ("while (IS_BUILTIN(CONFIG_A)) {\n\t\tpark();\n\t}", "CONFIG_A"),
        ("for (;;) {\n\t\tif (!IS_BUILTIN(CONFIG_A))\n\t\t\tcontinue;\n\t\tpark();\n\t}", "CONFIG_A"),
        ("\n#ifdef CONFIG_A\n\tpark();\n#endif", "CONFIG_A"),
        (
            "if (IS_BUILTIN(CONFIG_A) == lane)\n\t\tpark();",
            "whether (IS_BUILTIN(CONFIG_A) == lane) depends on the configuration is not known",
        ),
        (
            "bool on = IS_ENABLED(CONFIG_A);\n\n\tif (on)\n\t\tpark();",
            "a variable on the way to it is set from the configuration",
        ),
    ],
)
def test_branches(snapshot: Made, body: str, expected: str) -> None:
    assert when(snapshot, f"void go(int lane)\n{{\n\t{body}\n}}\n") == [expected]


@pytest.mark.parametrize("body", ["lane = sizeof(park);", "if (0)\n\t\tpark();", "typeof(park()) x;"])
def test_what_is_never_evaluated(snapshot: Made, body: str) -> None:
    assert when(snapshot, f"void go(int lane)\n{{\n\t{body}\n}}\n") == []


_STATIC = "static void f(void)\n{\n\tpark();\n}\n"


@pytest.mark.parametrize(
    ("rest", "expected"),
    [
        ("", []),
        ("void go(void)\n{\n\tf();\n}\n", ["1"]),
        ("#ifdef CONFIG_A\nvoid go(void)\n{\n\tf();\n}\n#endif\n", ["CONFIG_A"]),
        ("static void go(void)\n{\n\tf();\n}\n", []),
        ("static void go(void)\n{\n\tf();\n}\nmodule_init(go);\n", ["1"]),
        ("struct ops ops = { .f = f };\n", ["1"]),
        ("static struct ops ops = { .f = f };\n", []),
        ("static struct ops ops = { .f = f };\nstruct ops *last = &ops;\n", ["1"]),
        ("struct ops ops = { .f = pm_ptr(f) };\n", ["CONFIG_PM || CONFIG_PM_MODULE"]),
        ("struct ops ops = { RUNTIME_PM_OPS(f, f, NULL) };\n", ["CONFIG_PM || CONFIG_PM_MODULE"]),
        ("struct ops ops = { .f = MAYBE(f) };\n", ["MAYBE() may drop it"]),
    ],
)
def test_statics_live_by_their_users(snapshot: Made, rest: str, expected: list[str]) -> None:
    assert when(snapshot, _STATIC + rest) == expected


def test_functions_that_use_each_other_alone(snapshot: Made) -> None:
    text = "static void g(void);\nstatic void f(void)\n{\n\tpark();\n\tg();\n}\nstatic void g(void)\n{\n\tf();\n}\n"
    assert when(snapshot, text) == []


def test_what_decides_by_way_of_variables(snapshot: Made) -> None:
    text = "void go(void)\n{\n\tint ret = wait(1);\n\n\tif (ret)\n\t\treturn;\n\tpark();\n}\n"
    (use,) = alive_in(snapshot({"a.c": text}), "a.c", "park")
    assert use.names == ("wait",)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("int wait(int n);\n", "0"),
        ("#ifdef CONFIG_W\nint wait(int n);\n#else\nstatic inline int wait(int n) { return -ENODEV; }\n#endif\n",
         "!CONFIG_W"),
        ("#ifdef CONFIG_W\nint wait(int n);\n#else\n#define wait(n) (0)\n#endif\n", "!CONFIG_W"),
        ("static inline int wait(int n) { return more(n); }\n", "0"),
        ("static inline int wait(int n) { return IS_ENABLED(CONFIG_W); }\n", None),
    ],
)  # fmt: skip
def test_stubs_that_decide(snapshot: Made, header: str, expected: str | None) -> None:
    found = constant(snapshot({"a.c": "", "include/linux/w.h": header}), "wait", "a.c", "x86")
    assert (None if found is None else said(found)) == expected


@pytest.mark.parametrize(
    ("macro", "known"),
    [
        ("#define reg(d) __reg(d, THIS_MODULE)\n", True),
        ("#define reg(d) do { } while (0)\n", False),
        ("#define reg(d) __reg(THIS_MODULE)\n", False),
        ("int reg(int d);\n", True),
    ],
)
def test_macros_around_a_use(snapshot: Made, macro: str, *, known: bool) -> None:
    tree = snapshot({"a.c": "", "include/linux/r.h": macro + "int __reg(int d, void *m);\n"})
    assert (constant(tree, "reg(", "a.c", "x86") is not None) == known


def test_macros_of_no_table_keep_their_arguments(snapshot: Made) -> None:
    assert said(linked(snapshot({"include/linux/pm.h": _PM}), "ARRAY_SIZE")) == "1"
