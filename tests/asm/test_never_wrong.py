"""What looks like a step and is not known to be one."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from checkseries.facts.asm import Stride

Steps = Callable[..., tuple[Stride, ...]]


@pytest.mark.parametrize(
    "code",
    [
        # Two places a round: a structure of two members, or two elements of one.
        "1: ldr x3, [x1]\n ldr x4, [x1, #8]\n add x1, x1, #16\n cbnz x3, 1b",
        "1: ldp x3, x4, [x1], #16\n cbnz x3, 1b",
        # Bits taken from a multiple are multiples, too.
        "lsl x3, x19, #3\n ubfx x3, x3, #0, #16\n add x0, x1, x3, lsl #1\n ldr x2, [x0]",
        "lsl w3, w19, #3\n uxtb w3, w3\n add x0, x1, x3, lsl #1\n ldr x2, [x0]",
        # An index that moves by two.
        "mov x2, #0\n1: add x2, x2, #2\n cbnz x3, 1b\n cbz x4, 2f\n mov x2, #0\n2: ldr x0, [x1, x2, lsl #3]",
        # A return address that is signed is no longer the address.
        "mov x30, x1\n paciasp\n ldr x0, [x30, x19, lsl #3]",
        # A constant that a makefile may give, or a configuration.
        "#ifndef BY\n#define BY 3\n#endif\n lsl x3, x19, #BY\n ldr x0, [x1, x3]",
        "#define CONFIG_BY 3\n lsl x3, x19, #CONFIG_BY\n ldr x0, [x1, x3]",
        "#define BY 3\n#undef BY\n#define BY 4\n lsl x3, x19, #BY\n ldr x0, [x1, x3]",
        # A name that a macro sets anew.
        ".set BY, 3\n .macro more\n .set BY, 4\n .endm\n more\n lsl x3, x19, #BY\n ldr x0, [x1, x3]",
        ".set BY2, 3\n .macro more n\n .set BY\\n, 4\n .endm\n more 2\n lsl x3, x19, #BY2\n ldr x0, [x1, x3]",
        # A mnemonic that is a macro of the preprocessor, of which there are two.
        "#ifdef A\n#define STEP lsl\n#else\n#define STEP lsr\n#endif\n STEP x3, x19, #3\n ldr x0, [x1, x3]",
        # A macro defined inside of another is not code that runs.
        ".macro outer\n .macro inner\n adr_l x1, table\n .endm\n .endm\n bl f\n outer\n ldr x0, [x1, x19, lsl #3]",
        # Which label '1b' means depends on a condition inside of a macro.
        ".macro m\n#ifdef A\n1: nop\n#else\n1: nop\n#endif\n .endm\n m\n ldr x0, [x1, x19, lsl #3]\n mov x1, x7\n b 1b",
        # Jumped to with another address.
        ".quad .Lhere\n.Lhere: ldr x0, [x1, x19, lsl #3]",
        "alternative_cb ARM64_ALWAYS_SYSTEM, patch\n nop\n alternative_cb_end\n ldr x0, [x1, x19, lsl #3]",
    ],
)
def test_not_known(steps: Steps, code: str) -> None:
    found = steps(f"SYM_FUNC_START(f)\n adr_l x1, table\n {code}\n ret\n")
    assert {each.bytes for each in found} == {None}


def test_a_mnemonic_that_is_one_macro_is_what_it_stands_for(steps: Steps) -> None:
    found = steps("#define STEP lsl\n adr_l x1, table\n STEP x3, x19, #3\n ldr x0, [x1, x3]\n")
    assert [each.bytes for each in found] == [8]


def test_a_constant_under_the_condition_it_is_defined_for(steps: Steps) -> None:
    text = """
#ifdef CONFIG_WIDE
#define BY 4
#else
#define BY 3
#endif
	adr_l	x1, table
#ifdef CONFIG_WIDE
	lsl	x3, x19, #BY
#else
	lsl	x3, x19, #BY
#endif
	add	x0, x1, x3
"""
    assert {(each.bytes, each.condition) for each in steps(text)} == {
        (16, "defined(CONFIG_WIDE)"),
        (8, "!defined(CONFIG_WIDE)"),
    }


@pytest.mark.parametrize(
    "text",
    [
        "#define a0\n" + "".join(f"#define a{n + 1} a{n} a{n}\n" for n in range(60)) + "mov x3, #a60\n",
        ".macro m0 a\n .endm\n"
        + "".join(f".macro m{n + 1} a\n m{n} \\a\\a\n .endm\n" for n in range(23))
        + "m23 x\n",
        ".macro m a\n" + "\\a" * 5000 + "\n .endm\n m " + "b" * 15000 + "\n",
        "".join(f".macro m{n + 1}\n m{n}\n m{n}\n .endm\n" for n in range(20))
        + ".macro m0\n nop\n .endm\n m20\n",
        ' .ascii "' + '\\"' * 100_000 + "\n",
        "mov x1, x2 " + '"' * 100_001 + "; \n",
        "".join(f"SYM_FUNC_START(f{n})\n adr_l x1, table\n" for n in range(4000)),
        "".join(f"#define m{n} table m{n + 1}\n" for n in range(5000)) + " m0\n",
        "".join(f"1: ldr x3, [x1], #{n + 1}\n cbnz x3, 1b\n" for n in range(800)),
        "".join(f".L{n}: add x{n % 28}, x{n * 7 % 28}, #1\n cbz x1, .L{n * 31 % 700}\n" for n in range(700)),
    ],
)
def test_work_is_bounded(steps: Steps, text: str) -> None:
    start = time.process_time()
    found = steps("adr_l x1, table\n" + text)
    assert len(found) >= 1
    assert time.process_time() - start < 30
