from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from checkseries.facts.c_object import objects, objects_in
from checkseries.facts.c_write import writes
from checkseries.tree import Snapshot

Made = Callable[[Mapping[str, str]], Snapshot]


@pytest.mark.parametrize(
    ("declared", "line", "kind"),
    [
        ("int x;", "x = 1;", "assign"),
        ("int x;", "x += 1;", "update"),
        ("int x;", "x++;", "update"),
        ("int x;", "--x;", "update"),
        ("int x;", "y = x;", None),
        ("int x;", "if (x == 1) y = x;", None),
        ("int x;", "y = a & x;", None),
        ("int x;", "WRITE_ONCE(x, 1);", "call"),
        ("int x;", "y = READ_ONCE(x);", None),
        ("int x;", "smp_store_release(&x, 1);", "call"),
        ("int x;", "g(&x);", "escape"),
        ("int x;", "p = &x;", "escape"),
        ("int x;", "p->x = 1; q.x = 2;", None),
        ("int x;", "int x; x = 1;", None),
        ("struct s x;", "x.a.b = 1;", "assign"),
        ("struct s x;", "memset(&x, 0, sizeof(x));", "call"),
        ("struct s x[4];", "x[i].a = 1;", "assign"),
        ("struct s x[4];", "x->a = 1;", "assign"),
        ("int x[4];", "memcpy(y, x, 4);", None),
        ("int x[4];", "memcpy(x, y, 4);", "call"),
        ("int x[4];", "g(x);", "escape"),
        ("int x[4];", "n = ARRAY_SIZE(x);", None),
        ("unsigned long x[2];", "__set_bit(3, x);", "call"),
        ("unsigned long x;", "set_bit(3, &x);", "call"),
        ("struct s *x;", "x->a = 1;", None),
        ("struct s *x;", "x[1].a = 1;", None),
        ("struct s *x;", "*x = y;", None),
        ("struct s *x;", "x = y;", "assign"),
        ("struct s *x;", "rcu_assign_pointer(x, y);", "call"),
    ],
)
def test_one_statement(snapshot: Made, declared: str, line: str, kind: str | None) -> None:
    found = writes(snapshot({"a.c": f"static {declared}\nvoid f(void)\n{{\n\t{line}\n}}\n"}), "x")
    assert [each.kind for each in found] == ([] if kind is None else [kind])


def test_a_static_object_is_that_of_its_file(snapshot: Made) -> None:
    tree = snapshot(
        {
            "a.c": "static int x;\nvoid f(void) { x = 1; }\n",
            "b.c": "int x;\nvoid g(void) { x = 2; }\n",
            "c.c": "void h(void) { int x; x = 3; }\n",
            "d.c": "void i(void) { x = 4; }\n",
        }
    )
    assert [(each.place.path, each.owner) for each in writes(tree, "x")] == [("a.c", "a.c"), ("b.c", "b.c")]


def test_an_object_of_a_header_is_written_where_it_is_seen(snapshot: Made) -> None:
    tree = snapshot(
        {
            "include/x.h": "extern int x;\n",
            "a.c": "int x __ro_after_init;\n",
            "d.c": "static int __init f(int y)\n{\n\tx = y;\n}\nvoid g(int x)\n{\n\tx = 1;\n}\n",
        }
    )
    (write,) = writes(tree, "x")
    assert write.function
    assert (write.function.name, write.function.init, write.owner) == ("f", True, "a.c")


@pytest.mark.parametrize(
    ("text", "kind", "dims", "words"),
    [
        ("struct s x[NR_CPUS] __ro_after_init;", "struct s", ("NR_CPUS",), ("__ro_after_init",)),
        ("int __initdata x = 3;", "int", (), ("__initdata",)),
        ('static __section(".data..x") unsigned long x;', "unsigned long", (), ('__section(".data..x")',)),
        ("extern u8 x[] ____cacheline_aligned;", "u8", ("",), ("____cacheline_aligned",)),
        ("static DEFINE_PER_CPU(struct s, x) = { };", "struct s", (), ("per-cpu",)),
        ("static int a, *x __read_mostly, c;", "int *", (), ("__read_mostly",)),
        ("int (*x)(void) = f;", "int *", (), ()),
    ],
)
def test_objects(snapshot: Made, text: str, kind: str, dims: tuple[str, ...], words: tuple[str, ...]) -> None:
    (found,) = objects(snapshot({"a.c": text + "\n"}), "x")
    assert (found.type, found.dims, found.attributes) == (kind, dims, words)


def test_what_is_no_object(snapshot: Made) -> None:
    text = "typedef int x;\nint f(int x);\nstruct x { int x; };\nenum { x };\nvoid g(void) { int x; }\n#define x 1\nEXPORT_SYMBOL(x);\n"
    assert objects(snapshot({"a.c": text}), "x") == ()
    assert objects_in(snapshot({"a.c": text}), "a.c") == ()
