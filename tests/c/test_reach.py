"""Which headers a file reaches, and whether it sees a name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkseries.facts.c_mention import mentions, words_in
from checkseries.facts.generated import may_bring
from checkseries.facts.presence import ALWAYS, NEVER, Opaque, Option, contrary, every, said, some, widest
from checkseries.facts.reach import foreign, headers, reached, when
from checkseries.facts.visible import first_line, may_declare, unseen, visible
from checkseries.tree import MemoryTree, Snapshot

SMP = Option("SMP", "y")
KBUILD = {
    "include/asm-generic/Kbuild": "mandatory-y += io.h\n",
    "include/uapi/asm-generic/Kbuild": "mandatory-y += param.h\n",
    "arch/x86/include/asm/Kbuild": "generic-y += park.h\ngeneric-y += halt.h\n",
}


def of(files: dict[str, str]) -> Snapshot:
    return Snapshot.of(MemoryTree(files))


def test_own_header_before_the_generic_one() -> None:
    files = {"arch/x86/include/asm/io.h": "", "include/asm-generic/io.h": "", **KBUILD}
    assert headers(of(files), "asm/io.h", "x86") == ("arch/x86/include/asm/io.h",)
    assert headers(of(files), "asm/io.h", "arm64") == ("include/asm-generic/io.h",)


@pytest.mark.parametrize("name", ["park", "halt"])
def test_generic_header_that_one_architecture_asks_for(name: str) -> None:
    files = {f"include/asm-generic/{name}.h": "", **KBUILD}
    assert headers(of(files), f"asm/{name}.h", "x86") == (f"include/asm-generic/{name}.h",)
    assert headers(of(files), f"asm/{name}.h", "arm64") == ()


def test_what_is_wrapped_for_users_includes_the_kernels_own_first() -> None:
    files = {"include/asm-generic/param.h": "", "include/uapi/asm-generic/param.h": "", **KBUILD}
    assert headers(of(files), "asm/param.h", "arm64") == ("include/asm-generic/param.h",)
    del files["include/asm-generic/param.h"]
    assert headers(of(files), "asm/param.h", "arm64") == ("include/uapi/asm-generic/param.h",)


def test_header_of_a_machine_is_found_by_its_name() -> None:
    files = {"arch/mips/include/asm/mach-generic/spaces.h": "", "arch/arm/mach-x/include/spaces.h": ""}
    assert headers(of(files), "spaces.h", "mips") == ("arch/mips/include/asm/mach-generic/spaces.h",)


def test_headers_under_options() -> None:
    snapshot = of(
        {
            "a.c": "#include <linux/one.h>\n#ifdef CONFIG_SMP\n#include <linux/two.h>\n#endif\n",
            "include/linux/one.h": "#ifdef PARKED\n#include <linux/three.h>\n#endif\n",
            "include/linux/two.h": "#ifndef CONFIG_OF\n#include <linux/four.h>\n#endif\n",
            "include/linux/three.h": "",
            "include/linux/four.h": "#include <linux/two.h>\n",
        }
    )
    closure = reached(snapshot, "a.c", "x86")
    assert list(closure.always) == ["a.c", "include/linux/one.h", "include/linux/three.h"]
    assert when(closure, "include/linux/two.h") == SMP
    assert said(when(closure, "include/linux/four.h")) == "!CONFIG_OF && CONFIG_SMP"
    assert "include/linux/five.h" not in closure


def test_headers_from_outside() -> None:
    snapshot = of({"a.c": "#include <arm_neon.h>\n#include <generated/x.h>\n#include <asm/y.h>\n"})
    assert foreign(snapshot, "a.c", "x86") == ("arm_neon.h",)


ATOMS = st.sampled_from([ALWAYS, NEVER, SMP, Option("OF", "m"), Opaque("A"), Opaque("B")])
CONDITIONS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        inner.map(contrary),
        st.tuples(inner, inner).map(every),
        st.tuples(inner, inner).map(some),
    ),
    max_leaves=8,
)


def holds(condition: object, true: set[str]) -> bool:
    text = said(condition)  # type: ignore[arg-type]
    words = {"CONFIG_SMP": "smp", "CONFIG_OF_MODULE": "of", "A": "a", "B": "b"}
    python = text.replace("&&", " and ").replace("||", " or ").replace("!", " not ")
    for word, short in words.items():
        python = python.replace(word, f"({short in true})")
    return bool(eval(python))


@given(CONDITIONS, st.sets(st.sampled_from(["smp", "of", "a", "b"])))
def test_what_options_allow_is_never_less_than_what_holds(condition: object, true: set[str]) -> None:
    if holds(condition, true):
        assert holds(widest(condition), true)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    [
        "int park(int cpu);\n",
        "#define park(cpu) 0\n",
        "#define park 4\n",
        "extern struct x *park;\n",
        "enum states { START, park };\n",
        "static inline int park(int cpu)\n{\n\treturn 0;\n}\n",
        "typedef int park;\n",
        "struct park {\n\tint x;\n};\n",
        "#define DECLARE(x) int park(int x)\n",
        "DECLARE(park);\n",
    ],
)
def test_what_declares(text: str) -> None:
    assert may_declare(text.encode(), "park") == ALWAYS


@pytest.mark.parametrize(
    "text",
    [
        "/* park */\n",
        'char *x = "park";\n',
        "struct x {\n\tint park;\n};\n",
        "static inline int f(void)\n{\n\treturn park(0);\n}\n",
        "int x = park;\n",
        "#define f(x) park(x)\n",
        "#define f(x) return park(x)\n",
        "#undef park\n",
        "#ifdef park\n#endif\n",
        "int parks;\n",
    ],
)
def test_what_does_not_declare(text: str) -> None:
    assert may_declare(text.encode(), "park") == NEVER


def test_declared_under_an_option() -> None:
    text = b"#ifdef CONFIG_SMP\nint park(int cpu);\n#endif\n"
    assert may_declare(text, "park") == SMP
    assert may_declare(text + b"#ifndef CONFIG_SMP\n#define park(x) 0\n#endif\n", "park") == ALWAYS


def test_visible_through_headers() -> None:
    snapshot = of(
        {
            "a.c": "#ifdef CONFIG_OF\n#include <linux/p.h>\n#endif\nint f(void)\n{\n\treturn park(0);\n}\n",
            "include/linux/p.h": "\n#ifdef CONFIG_SMP\nint park(int cpu);\n#endif\n",
        }
    )
    seen = visible(snapshot, "a.c", "park", "x86")
    assert (said(seen.under), seen.by) == ("CONFIG_SMP && CONFIG_OF", ("include/linux/p.h",))
    assert first_line(snapshot, "include/linux/p.h", "park") == 3
    assert unseen(snapshot, "a.c", frozenset(("park", "f")), "x86", frozenset()) == {"park"}


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("int f(void)\n{\n\treturn park;\n}\n", [3]),
        ("int f(void)\n{\n\tif (x)\n\t\tpark(1);\n}\n", [4]),
        ("static struct x y = {\n\t.z = park,\n};\n", [2]),
        ("int f(int park)\n{\n\treturn park;\n}\n", []),
        ("int f(void)\n{\n\tint park = 1;\n\treturn park;\n}\n", []),
        ("int f(void)\n{\n\tgoto park;\npark:\n\treturn 0;\n}\n", []),
        ("int f(void)\n{\n\treturn x->park + x.park;\n}\n", []),
        ("int f(void)\n{\n\tfor_each_x(park)\n\t\tg(park);\n}\n", []),
        ("int f(void)\n{\n\tDEFINE_X(park);\n\treturn g(&park);\n}\n", []),
        ('int f(void)\n{\n\tasm("x" : [park] "=r" (y));\n}\n', []),
        ("int park(void);\n", []),
        ("int f(void)\n{\n\tfoo *park;\n\treturn 0;\n}\n", []),
    ],
)
def test_uses_of_what_the_file_does_not_declare(text: str, lines: list[int]) -> None:
    data = text.encode()
    assert [data.count(b"\n", 0, each.at) + 1 for each in mentions(data, "park")] == lines


def test_what_a_name_is_passed_to() -> None:
    (one,) = mentions(b"int f(void)\n{\n\treturn g(h(1), i(park));\n}\n", "park")
    assert (one.within, one.called, one.function) == (("i", "g"), False, "f")


def test_words_of_lines() -> None:
    assert words_in(b"int a;\nx->b = c; /* d */\n", frozenset((2,))) == {"x", "c"}
    assert words_in(b"f(__func__, KBUILD_MODNAME, __builtin_ctz(x));\n", frozenset((1,))) == {"f", "x"}


@pytest.mark.parametrize(
    ("header", "name", "held"),
    [
        ("generated/timeconst.h", "HZ_TO_MSEC_NUM", True),
        ("generated/timeconst.h", "kmalloc", False),
        ("asm/unistd_64.h", "__NR_clone3", True),
        ("asm/unistd_64.h", "clone3", False),
        ("asm/cpucap-defs.h", "ARM64_HAS_PAN", True),
        ("generated/unheard-of.h", "kmalloc", True),
        ("asm/made.h", "kmalloc", True),
        ("asm/hash.h", "kmalloc", False),
    ],
)
def test_what_a_header_that_the_build_makes_may_bring(header: str, name: str, held: bool) -> None:
    snapshot = of({"arch/arm64/include/asm/Kbuild": "generated-y += made.h\n"})
    assert may_bring(snapshot, [header], name, "arm64") == (header if held else "")
