"""Which objects define a name, and when the linker finds it."""

from __future__ import annotations

import pytest

from checkseries.facts.linked import definers
from checkseries.facts.presence import kconfig
from checkseries.tree import MemoryTree, Snapshot

_PM = (
    "#define _EXPORT_PM_OPS(name) const struct dev_pm_ops name\n"
    "#define _DISCARD_PM_OPS(name) static const struct dev_pm_ops __static_##name\n"
    "#ifdef CONFIG_PM\n#define _EXPORT_DEV_PM_OPS(name) _EXPORT_PM_OPS(name)\n"
    "#else\n#define _EXPORT_DEV_PM_OPS(name) _DISCARD_PM_OPS(name)\n#endif\n"
    "#define EXPORT_GPL_DEV_PM_OPS(name) _EXPORT_DEV_PM_OPS(name)\n"
)
_BASE = {
    "Makefile": "obj-y += d/\n",
    "d/Makefile": "obj-$(CONFIG_A) += a.o\nobj-$(CONFIG_B) += b.o\n",
    "include/linux/pm.h": _PM,
}


def there(files: dict[str, str], *, module: bool = False) -> str | None:
    tree = Snapshot.of(MemoryTree({**_BASE, **files}))
    found = definers(tree, "park", "x86")
    assert not found.doubt, found.doubt
    return kconfig(found.there(module=module))


FUNCTION = "int park(int lane)\n{\n\treturn lane;\n}\n"


def test_a_function_and_an_object() -> None:
    assert there({"d/a.c": FUNCTION}) == "A=y"
    assert there({"d/a.c": FUNCTION}, module=True) == "A=y || A=m"
    assert there({"d/a.c": "const struct ops park = { 1 };\n"}) == "A=y"
    assert there({"d/a.c": "DEFINE_PER_CPU(bool, park);\nEXPORT_PER_CPU_SYMBOL(park);\n"}) == "A=y"
    assert there({"d/a.c": "struct ops park[] = {\n\t{ 1 },\n};\n"}) == "A=y"


def test_several_definers_are_a_union() -> None:
    assert there({"d/a.c": FUNCTION, "d/b.c": FUNCTION}) == "A=y || B=y"


def test_the_conditions_of_the_file_count() -> None:
    assert there({"d/a.c": f"#ifdef CONFIG_C\n{FUNCTION}#endif\n"}) == "C=y && A=y"
    assert there({"d/a.c": f"#ifdef MODULE\n{FUNCTION}#endif\n"}) == "n"


def test_operations_that_a_macro_exports() -> None:
    assert there({"d/a.c": "EXPORT_GPL_DEV_PM_OPS(park) = {\n\t.a = 1,\n};\n"}) == "PM=y && A=y"


def test_what_defines_nothing() -> None:
    users = {
        "d/b.c": "EXPORT_SYMBOL(other);\nint go(void)\n{\n\treturn park(1);\n}\n",
        "include/linux/park.h": "int park(int lane);\nextern struct ops park_ops;\n",
        "arch/arm64/kernel/park.c": FUNCTION,
        "tools/park.c": FUNCTION,
    }
    assert there({"d/a.c": FUNCTION + "EXPORT_SYMBOL_GPL(park);\n", **users}) == "A=y"


def test_a_header_that_defines_it_for_whoever_includes_it() -> None:
    header = "#ifndef CONFIG_A\nint park(int lane) { return 0; }\n#endif\n"
    assert there({"d/a.c": FUNCTION, "d/park.h": header}) == "y"


@pytest.mark.parametrize(
    "files",
    [
        {"d/p.S": "SYM_FUNC_START(park)\n"},
        {"arch/x86/kernel/vmlinux.lds.S": "park = .;\n"},
        {"d/c.c": FUNCTION},
        {"arch/x86/boot/park.c": FUNCTION},
        {"d/b.c": "DEFINE_THING(park);\n"},
    ],
)
def test_doubts(files: dict[str, str]) -> None:
    tree = Snapshot.of(MemoryTree({**_BASE, "d/a.c": FUNCTION, **files}))
    assert definers(tree, "park", "x86").doubt
