from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkseries.facts.c_call import arity, calls, references
from checkseries.facts.c_decl import declarations, functions_in, same_parameters, seen_from
from checkseries.facts.presence import kconfig
from checkseries.tree import Lineage, MemoryTree, Snapshot

Made = Callable[[Mapping[str, str]], Snapshot]


@pytest.mark.parametrize(
    "line",
    [
        "p->f(1);",
        "p.f(1);",
        "int f(int);",
        "char *f(int);",
        "struct x *f(int);",
        "/* f(1) */",
        's = "f(1)";',
        "goto f;",
        "f2(1); _f(1); xf(1);",
    ],
)
def test_no_call(snapshot: Made, line: str) -> None:
    assert calls(snapshot({"a.c": f"void g(struct s *p)\n{{\n\t{line}\n}}\n"}), "f") == ()


@pytest.mark.parametrize(
    "line",
    [
        "f(1);",
        "return f(1);",
        "if (x) f(1);",
        "else f(1);",
        "x = a * f(1);",
        "x = -f(1);",
        "case 1: f(1);",
        "y = (int)f(1);",
        "f (1);",
        "f\n(1);",
        "h(f(1));",
        "do f(1); while (0);",
    ],
)
def test_a_call(snapshot: Made, line: str) -> None:
    (call,) = calls(snapshot({"a.c": f"void g(struct s *p)\n{{\n\t{line}\n}}\n"}), "f")
    assert (call.arguments, call.place.symbol, call.arity_known) == (("1",), "g", True)


def test_declarators_and_definitions_are_no_calls(snapshot: Made) -> None:
    tree = snapshot(
        {
            "a.h": "int f(int);\nextern int __init f(int) __must_check;\nstatic inline int f(int x) { return f2(x); }\n#define f(x) (x)\n"
        }
    )
    assert calls(tree, "f") == ()
    assert [each.kind for each in declarations(tree, "f")] == [
        "prototype",
        "prototype",
        "definition",
        "macro",
    ]


def test_what_a_macro_calls_is_found(snapshot: Made) -> None:
    (call,) = calls(snapshot({"a.h": "#define G(x, y...) \\\n\tdo { f(x, ##y); } while (0)\n"}), "f")
    assert (call.in_macro, call.arity_known, call.place.line) == ("G", False, 2)


def test_a_pointer_parameter_of_the_name_is_another_function(snapshot: Made) -> None:
    tree = snapshot({"a.c": "void g(int (*f)(int))\n{\n\tf(1);\n}\nvoid h(void)\n{\n\tf(2);\n}\n"})
    assert [call.arguments for call in calls(tree, "f")] == [("2",)]


def test_arguments_and_their_condition(snapshot: Made) -> None:
    text = 'void g(void)\n{\n#ifdef CONFIG_A\n\tf(a, (b, c), "x, y", h(d, e) /* , */);\n#endif\n\tf(a,\n#ifdef CONFIG_B\n\tb\n#endif\n\t);\n}\n'
    first, second = calls(snapshot({"a.c": text}), "f")
    assert first.arguments == ("a", "(b, c)", '"x, y"', "h(d, e)")
    assert (first.arity_known, first.seen_by, kconfig(first.condition)) == (True, "syntax", "A=y")
    assert not second.arity_known


def test_a_macro_with_a_comma_makes_the_count_unknown(snapshot: Made) -> None:
    tree = snapshot({"a.c": "#define BITS 13, 13\n#define ONE 1\nvoid g(void) { f(BITS); f(ONE); }\n"})
    assert [arity(tree, call) for call in calls(tree, "f")] == [None, 1]


@pytest.mark.parametrize(
    ("argument", "count"),
    [
        ("BOTH(cpu)", None),
        ("AGAIN(cpu)", None),
        ("ALL(cpu, 0)", None),
        ("cpu COMMA 0", None),
        ("SAME(BITS)", None),
        ("OPEN 1)", None),
        ("SAME(cpu)", 1),
        ("BLOCK(cpu)", 1),
        ("(cpu)", 1),
        ("g(cpu)", 1),
        ("cpu, 0", 2),
    ],
)
def test_a_macro_may_hold_several_arguments(snapshot: Made, argument: str, count: int | None) -> None:
    macros = "#define BOTH(x) x, 0\n#define AGAIN(x) BOTH(x)\n#define ALL(x...) x\n#define COMMA ,\n#define BITS 1, 2\n"
    macros += "#define SAME(x) (x)\n#define OPEN (\n#define BLOCK(x) ({ int a, b; h(x, a); })\n"
    tree = snapshot({"a.h": macros, "a.c": f"void g2(int cpu)\n{{\n\tf({argument});\n}}\n"})
    assert [arity(tree, call) for call in calls(tree, "f")] == [count]


@pytest.mark.parametrize(("given", "count"), [("cpu", 1), ("1 + 2", 1), ("BITS", None), ("G(cpu)", 1)])
def test_a_macro_passes_its_parameter_on(snapshot: Made, given: str, count: int | None) -> None:
    tree = snapshot(
        {"a.h": "#define G(x) f(x)\n#define BITS 1, 2\n", "a.c": f"void h(int cpu)\n{{\n\tG({given});\n}}\n"}
    )
    assert [arity(tree, call) for call in calls(tree, "f")] == [count]


def test_a_macro_that_another_passes_its_parameter_to_is_not_known(snapshot: Made) -> None:
    tree = snapshot({"a.h": "#define G(x) f(x)\n#define H(x) G(x)\n", "a.c": "void h(void)\n{\n\tH(1);\n}\n"})
    assert [arity(tree, call) for call in calls(tree, "f")] == [None]


@pytest.mark.parametrize(
    ("own", "known"),
    [
        ("static int (*f)(int);", []),
        ("static int (*f[2])(int);", []),
        ("static f_t f;", [False]),
        ("#ifdef A\nint (*f)(int);\n#else\nint f(int);\n#endif", [False]),
        ("int f(int);", [True]),
        ("typedef int f(int);", [True]),
    ],
)
def test_calls_through_an_object_of_the_file_are_others(snapshot: Made, own: str, known: list[bool]) -> None:
    tree = snapshot({"a.c": f"{own}\nvoid g(void)\n{{\n\tf(1);\n}}\n", "b.c": "int f(int a, int b) { }\n"})
    assert [call.arity_known for call in calls(tree, "f")] == known


def test_a_pointer_that_a_header_declares_makes_the_count_unknown(snapshot: Made) -> None:
    tree = snapshot({"a.h": "extern int (*f)(int);\n", "a.c": "void g(void)\n{\n\tf(1);\n}\n"})
    assert [arity(tree, call) for call in calls(tree, "f")] == [None]


def test_a_macro_means_the_function_of_its_name(snapshot: Made) -> None:
    tree = snapshot(
        {"a.h": "int f(int a, int b);\n#define f(a) f((a), 0)\n", "b.c": "void g(void)\n{\n\tf(1);\n}\n"}
    )
    found = declarations(tree, "f")
    inner, outer = calls(tree, "f")
    assert [each.kind for each in seen_from(found, "a.h", inner.in_macro)] == ["prototype"]
    assert [each.kind for each in seen_from(found, "a.h", "other")] == ["prototype", "macro"]
    assert [each.kind for each in seen_from(found, "b.c", outer.in_macro)] == ["prototype", "macro"]


def test_references(snapshot: Made) -> None:
    text = "int f(int);\nEXPORT_SYMBOL(f);\nstatic struct ops o = { .f = f, };\nvoid g(void) { o.f = f; p->f; register_it(&f); f(1); }\n"
    found = references(snapshot({"a.c": text}), "f")
    assert [(each.place.line, each.kind) for each in found] == [
        (2, "export"),
        (3, "address"),
        (4, "address"),
        (4, "address"),
    ]


def test_programs_of_the_host_are_another_world(snapshot: Made) -> None:
    assert calls(snapshot({"tools/a.c": "void g(void) { f(1); }\n", "a.txt": "f(1)"}), "f") == ()


def test_heads_that_if_parts_share_a_body(snapshot: Made) -> None:
    tree = snapshot(
        {
            "a.c": "#ifdef CONFIG_A\nint f(int a)\n#else\nint f(void)\n#endif\n{\n\treturn g();\n}\nint h(void)\n{\n\treturn f();\n}\n"
        }
    )
    assert [len(each.parameters or ()) for each in declarations(tree, "f")] == [1, 0]
    assert [call.place.symbol for call in calls(tree, "f")] == ["h"]


@pytest.mark.parametrize(
    ("text", "parameters", "attributes", "returns"),
    [
        ("static int __init f(void)\n{ }", [], ("__init",), "int"),
        (
            "void __iomem *f(phys_addr_t a, unsigned long);",
            [("phys_addr_t", "a"), ("unsigned long", "")],
            ("__iomem",),
            "void *",
        ),
        (
            "__printf(1, 2) int f(const char *fmt, ...);",
            [("const char *", "fmt")],
            ("__printf(1, 2)",),
            "int",
        ),
        (
            "bool f(void (*cb)(int a), char name[16]);",
            [("void (*)(int a)", "cb"), ("char[16]", "name")],
            (),
            "bool",
        ),
        ("int (f)(struct s *p) __releases(p);", [("struct s *", "p")], ("__releases",), "int"),
        ("struct s *__must_check f(u32 __user *p);", [("u32 *", "p")], ("__must_check",), "struct s *"),
    ],
)
def test_declared(
    snapshot: Made, text: str, parameters: list[tuple[str, str]], attributes: tuple[str, ...], returns: str
) -> None:
    (found,) = declarations(snapshot({"a.c": text + "\n"}), "f")
    assert [(each.type, each.name) for each in found.parameters or ()] == parameters
    assert found.return_type == returns
    assert tuple(each.partition("(")[0] for each in found.attributes) == tuple(
        each.partition("(")[0] for each in attributes
    )


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("int f(int a);", "int f(int b);", True),
        ("int f(int a);", "int f(int a, int b);", False),
        ("int f(int a);", "int f(int a, ...);", False),
        ("int f(int a);", "int f(char *a);", False),
        ("int f(unsigned a);", "int f(u32 a);", None),
        ("int f(unsigned long int a);", "int f(const unsigned long a);", True),
        ("int f(struct a *p);", "int f(struct b *p);", False),
    ],
)
def test_same_parameters(snapshot: Made, one: str, other: str, same: bool | None) -> None:
    (a,) = declarations(snapshot({"a.h": one}), "f")
    (b,) = declarations(snapshot({"a.h": other}), "f")
    assert same_parameters(a, b) is same
    assert same_parameters(b, a) is same


def test_another_architecture_is_not_seen(snapshot: Made) -> None:
    tree = snapshot(
        {
            "arch/a/include/asm/x.h": "int f(int);",
            "arch/b/include/asm/x.h": "int f(void);",
            "c/y.c": "static int f(char *p) { }",
            "c/z.c": "",
        }
    )
    found = declarations(tree, "f")
    assert [each.place.path for each in seen_from(found, "arch/a/mm/q.c")] == ["arch/a/include/asm/x.h"]
    assert [each.place.path for each in seen_from(found, "c/y.c")] == ["c/y.c"]
    assert len(seen_from(found, "c/z.c")) == 2


def test_functions_of_a_file(snapshot: Made) -> None:
    tree = snapshot(
        {
            "a.c": "int v;\nint f(int);\nSYSCALL_DEFINE1(x, int, y)\n{\n}\nstatic int g(void)\n{\n}\n#define h(x) x\nDEFINE_X(q);\n"
        }
    )
    assert [(each.name, each.kind) for each in functions_in(tree, "a.c")] == [
        ("f", "prototype"),
        ("g", "definition"),
        ("h", "macro"),
    ]


def test_a_patch_elsewhere_recomputes_no_file() -> None:
    base = {f"{number}.c": f"void g{number}(void)\n{{\n\tf({number});\n}}\n" for number in range(5)}
    tree = Snapshot.of(MemoryTree(dict(base)))
    lineage: Lineage = tree.lineage
    assert len(calls(tree, "f")) == 5
    before = lineage.computed["calls_in"]
    after = tree.after({"3.c": b"void g3(void)\n{\n}\n"})
    assert len(calls(after, "f")) == 4
    assert lineage.computed["calls_in"] - before <= 1


@given(
    st.lists(
        st.sampled_from(
            [
                "f(",
                ")",
                "{",
                "}",
                "(",
                ";",
                "#if 1\n",
                "#else\n",
                "#endif\n",
                "int ",
                "f",
                "*",
                ",",
                "=",
                "\n",
                '"',
                "/*",
                "*/",
                "struct ",
                "[",
                "]",
                "#define f ",
            ]
        ),
        max_size=40,
    )
)
def test_any_text_is_read_without_a_fault(pieces: list[str]) -> None:
    tree = Snapshot.of(MemoryTree({"a.c": "".join(pieces)}))
    for call in calls(tree, "f"):
        assert call.place.text[call.place.column - 1 :].startswith("f")
    references(tree, "f")
    declarations(tree, "f")
    functions_in(tree, "a.c")


@pytest.mark.parametrize(
    "text",
    [
        "f(" * 20_000,
        "{" * 100_000,
        "#if 1\nf(1);\n" * 5_000,
        "void g(void) {" + "f(1);" * 3_000 + "}",
        "int f(" + "int, " * 5_000 + "int);",
        "struct a " * 20_000,
    ],
)
def test_hostile_files_end(text: str) -> None:
    tree = Snapshot.of(MemoryTree({"a.c": text}))
    calls(tree, "f")
    declarations(tree, "f")
