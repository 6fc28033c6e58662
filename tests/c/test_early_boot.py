"""What a secondary CPU runs early, in the assembly of several architectures and in C."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from checkseries.facts.early_boot import arch_symbols, early_bits, early_functions, early_writes, select_place
from checkseries.tree import Snapshot

Make = Callable[[Mapping[str, str]], Snapshot]


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("\tstr_l\tx1, flag, x2\n", [("flag", False)]),
        ("\tstr_l\txzr, flag, x2\n", [("flag", True)]),
        ("\tadr_l\tx1, flag\n\tstr\tw0, [x1]\n", [("flag", False)]),
        ("\tadr_l\tx1, flag\n\tstr\tw0, [x1, #8]\n", []),
        ("\tadr_l\tx1, flag\n\tldr\tx1, [x3]\n\tstr\tw0, [x1]\n", []),
        ("\tldr\tx1, =flag\n\tstr\txzr, [x1]\n", [("flag", True)]),
        ("\tla\ta1, flag\n\tREG_S\tzero, (a1)\n", [("flag", True)]),
        ("\tla\ta1, flag\n\tsw\ta0, 0(a1)\n", [("flag", False)]),
        ("\tsw\ta0, flag, t0\n", [("flag", False)]),
        ("\tmovl\t%eax, flag(%rip)\n", [("flag", False)]),
        ("\tmovl\tflag(%rip), %eax\n", []),
        ("\tadr_l\tx1, flag\n" + "\tnop\n" * 20 + "\tstr\tw0, [x1]\n", []),
    ],
)
def test_stores_of_assembly(snapshot: Make, code: str, found: list[tuple[str, bool]]) -> None:
    text = f"SYM_CODE_START(secondary_entry)\n{code}SYM_CODE_END(secondary_entry)\n"
    writes = early_writes(snapshot({"arch/any/kernel/head.S": text}), "any")
    assert [(each.name, each.zero) for each in writes] == found


def test_what_only_the_boot_cpu_runs_is_left_out(snapshot: Make) -> None:
    text = "SYM_CODE_START(primary_entry)\n\tstr_l\tx1, flag, x2\nSYM_CODE_END(primary_entry)\n"
    other = "SYM_CODE_START(secondary_entry)\n\tnop\nSYM_CODE_END(secondary_entry)\n"
    assert early_writes(snapshot({"arch/any/kernel/head.S": text + other}), "any") == ()
    calling = other.replace("nop", "bl\tprimary_entry")
    assert len(early_writes(snapshot({"arch/any/kernel/head.S": text + calling}), "any")) == 1


SMP = (
    "void start_secondary(void)\n{\n\tfirst();\n\tcount = 1;\n\tcpuhp_ap_sync_alive();\n\tlate = 1;\n"
    "\tnotify_cpu_starting(0);\n}\n\nstatic void first(void)\n{\n\tdeep = 0;\n}\n"
)


def test_c_as_far_as_the_point_of_release(snapshot: Make) -> None:
    tree = snapshot({"arch/any/kernel/smp.c": SMP})
    (functions,) = early_functions(tree, "any").values()
    assert [each.name for each in functions] == ["start_secondary", "first"]
    assert [(each.name, each.zero) for each in early_writes(tree, "any")] == [
        ("count", False),
        ("deep", True),
    ]


def test_a_function_that_waits_to_be_released_ends_it_too(snapshot: Make) -> None:
    waiting = SMP.replace("\tcpuhp_ap_sync_alive();", "\twait_for_release();").replace(
        "static void first",
        "static void wait_for_release(void)\n{\n\tcpuhp_ap_sync_alive();\n}\n\nstatic void first",
    )
    tree = snapshot({"arch/any/kernel/smp.c": waiting})
    assert [each.name for each in early_writes(tree, "any")] == ["count", "deep"]


def test_bits_of_what_each_cpu_has_are_its_own(snapshot: Make) -> None:
    shared = SMP.replace("\tcount = 1;", "\tmask |= 1;\n\t__set_bit(1, map);\n\t__set_bit(2, cpu->map);")
    heads = "unsigned long mask;\nstatic DECLARE_BITMAP(map, 8);\n"
    own = "DEFINE_PER_CPU(unsigned long, mask);\n"
    assert [each.name for each in early_bits(snapshot({"arch/any/kernel/smp.c": heads + shared}), "any")] == [
        "mask",
        "map",
    ]
    assert early_bits(snapshot({"arch/any/kernel/smp.c": own + shared}), "any") == ()


def test_what_an_architecture_selects_in_turn(snapshot: Make) -> None:
    tree = snapshot(
        {
            "arch/Kconfig": "config A\n\tbool\n\tselect B\nconfig B\n\tbool\n\tselect A\n",
            "arch/any/Kconfig": "config ANY\n\tdef_bool y\n\tselect A if C\n",
        }
    )
    assert arch_symbols(tree, "any") == {"A", "B"}
    assert select_place(tree, "any", "B").line == 3
    assert select_place(tree, "any", "D").line == 0
