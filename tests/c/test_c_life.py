from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from checkseries.facts.answer import Holds, Unknown
from checkseries.facts.c_life import Later, guard, only_at_boot
from checkseries.facts.presence import Not, Option
from checkseries.model import Place
from checkseries.tree import Snapshot

Made = Callable[[Mapping[str, str]], Snapshot]

F = "static void f(int cpu)\n{\n}\n"
LATE = "asmlinkage void late(int cpu)\n{\n\tf(cpu);\n}\n"


@pytest.mark.parametrize(
    ("more", "kind"),
    [
        ("", Holds),
        (LATE, Later),
        (LATE.replace("void late", "void __init late"), Holds),
        (LATE.replace("void late", "void __ref late"), Unknown),
        (LATE.replace("void late", "void __meminit late"), Unknown),
        ("static void __exit g(void)\n{\n\tf(0);\n}\n", Later),
        ("static void __net_exit g(void)\n{\n\tf(0);\n}\n", Later),
        ("static int __net_init g(void)\n{\n\tf(0);\n}\n", Unknown),
        ("EXPORT_SYMBOL(f);\n", Unknown),
        ("EXPORT_SYMBOL(f);\n" + LATE, Later),
        (f"#if 0\n{LATE}#endif\n", Holds),
        ("struct ops o = { .online = f };\n", Later),
        ("struct ops o = { .online = &f, };\n", Later),
        ("struct ops o = { .online = g, f };\n", Unknown),
        ("struct ops o = { .online = f ? g : f };\n", Unknown),
        ("struct ops o = { .online = sizeof(f) };\n", Unknown),
        ("struct ops o = { .probe = f };\n", Unknown),
        ("struct ops o __initdata = { .online = f };\n", Unknown),
        ("static const struct ops o __initconst = { .online = f };\n", Unknown),
        ('MACHINE_START(X, "x")\n\t.resume = f,\nMACHINE_END\n', Unknown),
        ("struct step s[] = { [1] = { .name = x, .startup.single = f } };\n", Later),
        ("struct step s[] = { [1] = { .teardown = { .multi = f } } };\n", Later),
        ("struct step s[] = { [1] = { .single = f } };\n", Unknown),
        ("struct step s[] = { [1] = { .other.single = f } };\n", Unknown),
    ],
)
def test_who_calls_it(snapshot: Made, more: str, kind: type) -> None:
    assert isinstance(only_at_boot(snapshot({"a.c": F + more}), "a.c", "f"), kind)


@pytest.mark.parametrize(
    ("before", "guarded"),
    [
        ("", False),
        ("if (ready())\n\t\treturn;", False),
        ("if (cpu > limit[cpu])\n\t\tg();", False),
        ("if (p->flag)", False),
        ("if (loud)\n\t\tg();", False),
        ("if (loud) {\n\t\tg();\n\t}", False),
        ("if (loud)\n\t\treturn;", True),
        ("if (loud)", True),
        ("if (loud) g(); else", True),
        ("if (!once++)", True),
        ("if (test_and_set_bit(0, p))\n\t\treturn;", True),
        ("if (static_branch_likely(p))", True),
        ("if (system_state == SYSTEM_BOOTING)", True),
        ("switch (system_state) {}", True),
        ("if (!smp_processor_id())", True),
        ("if (smp_processor_id() == 0)", True),
        ("if (cpu != 0)\n\t\treturn;", True),
        ("if (!cpu)", True),
        ("if (cpu)\n\t\treturn;", True),
        ("if (p == &boot_cpu_data)", True),
        ("if (boot_cpu_has(X))", False),
        ("if (p == boot_cpuid)", True),
        ("cpu = smp_processor_id();", False),
    ],
)
def test_what_may_keep_it_from_running(snapshot: Made, before: str, guarded: bool) -> None:
    text = f"void h(int cpu, struct p *p)\n{{\n\tstatic int once;\n\n\t{before}\n\tf();\n}}\n"
    line = text.split("\n").index("\tf();") + 1
    tree = snapshot({"a.c": text})
    assert (guard(tree, Place("a.c", line, 2)) is not None) is guarded


def test_a_condition_that_contradicts_the_chain(snapshot: Made) -> None:
    tree = snapshot({"a.c": f"{F}#if defined(CONFIG_A) && defined(CONFIG_B)\n{LATE}#endif\n"})
    a, b = Option("A", "y"), Option("B", "y")
    assert isinstance(only_at_boot(tree, "a.c", "f"), Later)
    assert isinstance(only_at_boot(tree, "a.c", "f", a), Later)
    assert isinstance(only_at_boot(tree, "a.c", "f", Not(b)), Holds)


def test_a_static_function_of_the_same_name_is_another(snapshot: Made) -> None:
    other = F + LATE
    tree = snapshot({"a.c": F.replace("static ", "") + "void __init g(void)\n{\n\tf(0);\n}\n", "b.c": other})
    assert isinstance(only_at_boot(tree, "a.c", "f"), Holds)


def test_two_global_functions_of_a_name(snapshot: Made) -> None:
    one = F.replace("static ", "")
    tree = snapshot({"a.c": one, "b.c": one, "c.c": LATE})
    assert isinstance(only_at_boot(tree, "a.c", "f"), Unknown)


def test_a_table_in_another_file(snapshot: Made) -> None:
    tree = snapshot(
        {"a.c": F.replace("static ", ""), "b.c": "void f(int cpu);\nstruct ops o = { .online = f };\n"}
    )
    assert isinstance(only_at_boot(tree, "a.c", "f"), Later)


@pytest.mark.parametrize(
    ("path", "kconfig", "kind"),
    [
        ("arch/mips/kernel/smp.c", "config MIPS\n", Unknown),
        ("arch/arm64/kernel/smp.c", "config ARM64\n\tselect ARCH_HAS_STRICT_KERNEL_RWX\n", Later),
        ("arch/arm64/boot/smp.c", "config ARM64\n\tselect ARCH_HAS_STRICT_KERNEL_RWX\n", Unknown),
    ],
)
def test_the_architecture_that_the_chain_leads_through(
    snapshot: Made, path: str, kconfig: str, kind: type
) -> None:
    arch = path.split("/")[1]
    common = "config ARCH_HAS_STRICT_KERNEL_RWX\n\tbool\n"
    files = {
        "arch/Kconfig": common,
        "kernel/cpu.c": F.replace("static ", ""),
        path: LATE,
        f"arch/{arch}/Kconfig": kconfig,
    }
    found = only_at_boot(snapshot(files), "kernel/cpu.c", "f")
    assert isinstance(found, kind)
    assert not isinstance(found, Later) or found.arch == arch
