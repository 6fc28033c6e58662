"""How much a member takes, whatever configuration lays the struct around it out."""

from __future__ import annotations

import pytest

from checkseries.facts.answer import Unknown
from checkseries.facts.c_layout import LP64, Extent, extent_of, leading
from checkseries.tree import MemoryTree, Snapshot

HEADER = """\
struct info {
	unsigned long flags;
	int cpu;
};

struct task {
#ifdef CONFIG_INFO
	struct info info;
# ifdef CONFIG_MORE
	long more;
# endif
#endif
	randomized_struct_fields_start
	void *stack;
	u32 shift[4];
	union {
		short half;
		struct {
			u8 low, high;
		};
	};
#ifdef CONFIG_WIDE
	u64 either;
#else
	u32 either;
#endif
	unsigned flag : 1;
	struct info *other;
	struct info several[2];
	randomized_struct_fields_end
};

struct outer {
	struct task task;
	int last;
};
"""


@pytest.mark.parametrize(
    ("member", "found"),
    [
        ("stack", Extent(8, 8)),
        ("shift", Extent(4, 16)),
        ("shift[2]", Extent(4, 4)),
        ("info", Extent(16, 16)),
        ("info.cpu", Extent(4, 4)),
        ("several[1].flags", Extent(8, 8)),
        ("half", Extent(2, 2)),
        ("high", Extent(1, 1)),
        ("other", Extent(8, 8)),
    ],
)
def test_known(member: str, found: Extent) -> None:
    tree = Snapshot.of(MemoryTree({"include/linux/task.h": HEADER}))
    assert extent_of(tree, "struct task", member, LP64, "kernel/a.S") == found


@pytest.mark.parametrize("member", ["either", "flag", "other.cpu", "several.cpu", "missing", "info.missing"])
def test_unknown(member: str) -> None:
    tree = Snapshot.of(MemoryTree({"include/linux/task.h": HEADER}))
    assert isinstance(extent_of(tree, "struct task", member, LP64, "kernel/a.S"), Unknown)


def test_two_definitions_that_disagree() -> None:
    files = {
        "include/linux/a.h": "struct x {\n\tint a;\n};\n",
        "include/linux/b.h": "struct x {\n\tlong a;\n};\n",
    }
    assert isinstance(extent_of(Snapshot.of(MemoryTree(files)), "struct x", "a", LP64, "kernel/a.S"), Unknown)


def test_what_lies_at_the_beginning() -> None:
    tree = Snapshot.of(
        MemoryTree(
            {
                "include/linux/task.h": HEADER.replace("#ifdef CONFIG_INFO\n", "").replace(
                    "# endif\n#endif", "# endif"
                )
            }
        )
    )
    assert leading(tree, "struct outer", "") == ("struct task", "struct info")
    tree = Snapshot.of(MemoryTree({"include/linux/task.h": HEADER}))
    assert leading(tree, "struct outer", "") == ("struct task",)
