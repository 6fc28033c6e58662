from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from checkseries.facts.c_call import calls
from checkseries.facts.cpu_id import No, Yes, cpu_id
from checkseries.tree import Snapshot

Made = Callable[[Mapping[str, str]], Snapshot]
CODES = "#define ST_OFF (-1)\n#define ST_ON 0\n#define ST_DEAD 1\nenum color { RED, GREEN };\n#define LONELY 3\nint *table;\n"


@pytest.mark.parametrize(
    ("before", "argument", "answer"),
    [
        ("int i; for_each_possible_cpu(i)", "i", "strong"),
        ("unsigned int i; for_each_cpu_and(i, a, b)", "i", "strong"),
        ("int i = smp_processor_id();", "i", "strong"),
        ("int i = smp_processor_id(); i++;", "i", "unknown"),
        ("int i = smp_processor_id(); i = foo();", "i", "unknown"),
        ("int i; for_each_cpu_node(i)", "i", "unknown"),
        ("", "smp_processor_id()", "strong"),
        ("", "(unsigned int)task_cpu(p)", "strong"),
        ("", "cpumask_first(m) + 1", "unknown"),
        ("", "cpu", "weak"),
        ("int new_cpu;", "new_cpu", "weak"),
        ("int nr_cpu;", "nr_cpu", "unknown"),
        ("foo_t cpu2_cpu;", "cpu2_cpu", "unknown"),
        ("struct s *other_cpu;", "other_cpu", "no"),
        ("", "p->cpu", "weak"),
        ("", "p->core", "unknown"),
        ("", "0", "weak"),
        ("", "1", "unknown"),
        ("", "&x", "no"),
        ("", '"cpu"', "no"),
        ("", "true", "no"),
        ("", "NULL", "no"),
        ("", "&x[1]", "no"),
        ("", "&per_cpu(x, cpu)->y", "no"),
        ("", "&a - &b", "unknown"),
        ("", '"cpu"[0]', "unknown"),
        ("", "-1", "no"),
        ("", "-0", "unknown"),
        ("void *data;", "data", "no"),
        ("void *data;", "(long)data", "unknown"),
        ("void *hcpu;", "(unsigned int)(unsigned long)hcpu", "unknown"),
        ("void *hcpu;", "(int)READ_ONCE(hcpu)", "unknown"),
        ("DECLARE_CPU(table);", "table", "unknown"),
        ("", "ST_OFF", "no"),
        ("", "ST_OFF | ST_OFF", "no"),
        ("", "ST_DEAD", "unknown"),
        ("", "ST_ON | ST_DEAD", "unknown"),
        ("", "ST_ON | cpu", "unknown"),
        ("", "GREEN", "unknown"),
        ("", "LONELY", "unknown"),
        ("", "table", "no"),
        ("", "nowhere", "unknown"),
        ("", "mystery(cpu)", "unknown"),
    ],
)
def test_one_argument(snapshot: Made, before: str, argument: str, answer: str) -> None:
    tree = snapshot(
        {"a.c": f"{CODES}void g(int cpu, struct task_struct *p)\n{{\n\t{before}\n\tset(3, {argument});\n}}\n"}
    )
    (call,) = calls(tree, "set")
    said = cpu_id(tree, call, 1)
    assert said.because
    assert (
        ("strong" if said.strong else "weak") == answer
        if isinstance(said, Yes)
        else ("no" if isinstance(said, No) else "unknown") == answer
    )


def test_a_missing_argument_is_unknown(snapshot: Made) -> None:
    tree = snapshot({"a.c": "void g(void) { set(3); }\n"})
    (call,) = calls(tree, "set")
    assert not isinstance(cpu_id(tree, call, 1), (Yes, No))


def said_of(tree: Snapshot, line: int, position: int = 0) -> str:
    (call,) = (each for each in calls(tree, "set") if each.place.line == line)
    said = cpu_id(tree, call, position)
    return "no" if isinstance(said, No) else "yes" if isinstance(said, Yes) else "unknown"


OWN = "static int target;\nvoid g(void)\n{\n\tset(target, 1);\n}\n"


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"o.c": "static void target(void)\n{\n}\n"},
        {"o.c": "void target(void)\n{\n}\n"},
        {"o.c": "enum q { target, other };\n"},
        {"include/o.h": "void target(void);\nenum q { target = -1, other };\n"},
        {"o.c": "#define target -1\n"},
        {"o.c": "int *target;\n"},
    ],
)
def test_the_variable_of_the_file_itself_is_meant(snapshot: Made, elsewhere: dict[str, str]) -> None:
    assert (
        said_of(
            snapshot(
                {
                    "kernel/smp.c": OWN.replace("target", "a_cpu"),
                    **{k: v.replace("target", "a_cpu") for k, v in elsewhere.items()},
                }
            ),
            4,
        )
        == "yes"
    )
    assert said_of(snapshot({"kernel/smp.c": OWN, **elsewhere}), 4) == "unknown"


@pytest.mark.parametrize(
    ("elsewhere", "answer"),
    [
        ({"o.c": "void target(void)\n{\n}\n"}, "unknown"),
        ({"o.c": "int *target;\n"}, "unknown"),
        ({"o.c": "enum q { target = -1, other };\n"}, "unknown"),
        ({"drivers/o/o.h": "void target(void);\n"}, "unknown"),
        ({"arch/a/include/asm/o.h": "void target(void);\nextern int target;\n"}, "unknown"),
        ({"include/o.h": "void target(void);\n"}, "no"),
        ({"include/o.h": "extern int *target;\n"}, "no"),
        ({"include/o.h": "enum q { target = -1, other };\n"}, "no"),
        ({"include/o.h": "enum q { target, other = -1 };\n"}, "unknown"),
        (
            {"include/o.h": "void target(void);\n", "kernel/smp.c": "static DEFINE_INT(target);" + OWN[18:]},
            "unknown",
        ),
        (
            {"include/o.h": "void target(void);\n", "kernel/smp.c": "#define G() set(target, 1)\n\n\n\n"},
            "unknown",
        ),
    ],
)
def test_what_the_file_can_see_is_meant(snapshot: Made, elsewhere: dict[str, str], answer: str) -> None:
    tree = snapshot({"kernel/smp.c": OWN.replace("static int target;", ""), **elsewhere})
    (call,) = calls(tree, "set")
    said = cpu_id(tree, call, 0)
    assert ("no" if isinstance(said, No) else "yes" if isinstance(said, Yes) else "unknown") == answer


MACROS = "#define SMP_PRIMARY 0\n#define SMP_SECONDARY 1\n#define SMP_THIRD 2\n"
ENUM = "enum core { SMP_PRIMARY, SMP_SECONDARY, SMP_THIRD };\n\n\n"


@pytest.mark.parametrize("constants", [MACROS, ENUM])
@pytest.mark.parametrize(
    ("prototype", "others", "answer"),
    [
        ("void set(int cpu, int val);", (), "unknown"),
        ("void set(int cpu, int val);", ("cpu, 3", "cpu, val"), "unknown"),
        ("void set(int cpu, int val);", ("cpu, SMP_SECONDARY", "cpu, SMP_PRIMARY"), "no"),
        ("void set(int cpu, int val);", ("cpu, SMP_SECONDARY",), "unknown"),
        ("void set(int cpu, int val);", ("cpu, SMP_SECONDARY", "SMP_SECONDARY, 2"), "unknown"),
        ("void set(int from, int to_cpu);", ("cpu, SMP_SECONDARY", "cpu, SMP_THIRD"), "unknown"),
        ("void set(int, int);", ("cpu, SMP_SECONDARY", "cpu, SMP_THIRD"), "unknown"),
        ("void set(int cpu, int val);", ("SMP_SECONDARY", "SMP_THIRD"), "unknown"),
    ],
)
def test_a_constant_of_another_argument_is_no_cpu(
    snapshot: Made, constants: str, prototype: str, others: tuple[str, ...], answer: str
) -> None:
    lines = "".join(f"\tset({each});\n" for each in others)
    tree = snapshot(
        {
            "a.c": f"{constants}{prototype}\nvoid g(int cpu, int val)\n{{\n\tset(SMP_PRIMARY, cpu);\n{lines}}}\n"
        }
    )
    assert said_of(tree, 7) == answer


def test_calls_that_are_never_compiled_do_not_count(snapshot: Made) -> None:
    tree = snapshot(
        {
            "a.c": MACROS
            + "void set(int cpu, int val);\nvoid g(int cpu)\n{\n\tset(SMP_PRIMARY, cpu);\n#if 0\n\tset(cpu, SMP_THIRD);\n\tset(cpu, SMP_THIRD);\n#endif\n}\n"
        }
    )
    assert said_of(tree, 7) == "unknown"
