"""Which names a file asks for as CONFIG_X, and which it gives a meaning of its own."""

from __future__ import annotations

import pytest

from checkseries.facts.config_use import config_definitions, config_uses
from checkseries.tree import MemoryTree, Snapshot


def uses(path: str, text: str) -> list[str]:
    here = Snapshot.of(MemoryTree({path: text.encode()}))
    return [each.name for each in config_uses(here, path)]


def own(path: str, text: str) -> set[str]:
    return set(config_definitions(Snapshot.of(MemoryTree({path: text.encode()})), path))


@pytest.mark.parametrize(
    "text",
    [
        "#define CONFIG_X 1\n",
        "enum state {\n\tOTHER = 1,\n\tCONFIG_X,\n};\n",
        "typedef enum { CONFIG_X = 4 } state;\n",
        "enum {\n#ifdef A\n\tB,\n#endif\n\tCONFIG_X\n};\n",
        "static int CONFIG_X;\n",
        "static const char *CONFIG_X = 0;\n",
        "struct s {\n\tu32 CONFIG_X;\n\tu8 flag;\n};\n",
        "struct s { u32 CONFIG_X:4; };\n",
        "void CONFIG_X(void)\n{\n}\n",
        "void f(int CONFIG_X, int b);\n",
        "int CONFIG_X[3];\n",
    ],
)
def test_a_meaning_of_its_own(text: str) -> None:
    assert own("a.c", text) == {"X"}


@pytest.mark.parametrize(
    "text",
    [
        "#undef CONFIG_X\n",
        "#ifdef CONFIG_X\n#elif defined CONFIG_X\n#endif\n",
        "#define N CONFIG_X\n#define M \\\n\tint CONFIG_X;\n",
        "int f(void)\n{\n\treturn CONFIG_X;\n}\n",
        "int x[CONFIG_X], y = CONFIG_X, z = g(1, CONFIG_X);\n",
        "enum { A = CONFIG_X, B = IS_ENABLED(CONFIG_X) };\n",
        "/* int CONFIG_X; */\n",
    ],
)
def test_only_asked_for(text: str) -> None:
    assert own("a.c", text) == set()


def test_assembly_declares_nothing() -> None:
    assert own("arch/arm/a.S", "\t.word CONFIG_X, 1\n\tldr CONFIG_X, r0\n") == set()


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("arch/arm/a.S", "#ifdef CONFIG_A @ CONFIG_B\n\tmov r0, #CONFIG_C @ CONFIG_D\n", ["A"]),
        ("arch/arm64/a.S", "\tmov x0, # CONFIG_A\n", ["A"]),
        ("arch/m68k/a.S", "#if defined(A) | CONFIG_A\n\tmovel %d0,%d1 | CONFIG_B\n", ["A"]),
        ("arch/sh/a.S", "#if ! CONFIG_A\n! CONFIG_B\n\tmov r0, r1 ! CONFIG_C\n", ["A"]),
        ("arch/x86/a.S", "#ifdef CONFIG_A\n\tmovl %eax, %ebx # CONFIG_B\n # ifdef CONFIG_C\n", ["A", "C"]),
        ("arch/arm/a.c", "int x = 1 @ CONFIG_A;\n", ["A"]),
    ],
)
def test_comments_of_assemblers(path: str, text: str, expected: list[str]) -> None:
    assert uses(path, text) == expected
