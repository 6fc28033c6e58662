"""Facts are computed once for the same state of what they read, and never kept beyond it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from checkseries.tree import MemoryTree, Snapshot, fact


@fact
def length(tree: Snapshot, path: str) -> int:
    return len(tree.read(path) or b"")


@fact
def users(tree: Snapshot, word: str) -> tuple[str, ...]:
    return tree.grep(word)


@fact
def total(tree: Snapshot, word: str) -> int:
    return sum(length(tree, path) for path in users(tree, word))


@fact
def makefiles(tree: Snapshot) -> tuple[str, ...]:
    return tree.named("Make*")


@fact(keep=1)
def large(tree: Snapshot, path: str) -> bytes:
    return tree.read(path) or b""


def tree() -> Snapshot:
    return Snapshot.of(MemoryTree({"a.c": "kfree(x);", "b.c": "xkfree(y);", "Makefile": "obj-y += a.o"}))


def test_an_unrelated_patch_recomputes_nothing() -> None:
    base = tree()
    assert total(base, "kfree") == 9
    assert makefiles(base) == ("Makefile",)
    asked = dict(base.lineage.computed)
    after = base.after({"c.c": b"nothing", "b.c": b"still nothing"})
    assert total(after, "kfree") == 9
    assert makefiles(after) == ("Makefile",)
    assert dict(base.lineage.computed) == asked


def test_a_file_that_is_read_is_read_again_when_touched() -> None:
    base = tree()
    assert length(base, "a.c") == 9
    after = base.after({"a.c": b"kfree();"})
    assert length(after, "a.c") == 8
    assert length(base, "a.c") == 9


def test_a_file_that_was_absent_counts_as_read() -> None:
    base = tree()
    assert length(base, "new.c") == 0
    assert length(base.after({"new.c": b"12"}), "new.c") == 2


def test_a_word_counts_in_the_old_and_in_the_new_bytes() -> None:
    base = tree()
    assert users(base, "kfree") == ("a.c",)
    gone = base.after({"a.c": b"vfree(x);"})
    assert users(gone, "kfree") == ()
    back = gone.after({"b.c": b"kfree(y)"})
    assert users(back, "kfree") == ("b.c",)


def test_a_name_counts_when_a_file_comes_or_goes_but_not_when_it_changes() -> None:
    base = tree()
    assert makefiles(base) == ("Makefile",)
    changed = base.after({"Makefile": b"obj-m += a.o"})
    assert makefiles(changed) == ("Makefile",)
    assert base.lineage.computed["makefiles"] == 1
    more = changed.after({"lib/Makefile": b""})
    assert makefiles(more) == ("Makefile", "lib/Makefile")
    assert makefiles(more.after({"Makefile": None})) == ("lib/Makefile",)


def test_a_value_from_a_later_snapshot_serves_an_earlier_one() -> None:
    base = tree()
    after = base.after({"b.c": b""})
    assert length(after, "a.c") == 9
    assert length(base, "a.c") == 9
    assert base.lineage.computed["length"] == 1


def test_keep_bounds_what_is_remembered() -> None:
    base = tree()
    after = base.after({"a.c": b"other"})
    for snapshot in (base, after, base):
        large(snapshot, "a.c")
    assert base.lineage.computed["large"] == 3


def test_writing_the_same_bytes_touches_nothing() -> None:
    assert tree().after({"a.c": b"kfree(x);"}).touched == set()


_FILES = st.dictionaries(
    st.sampled_from(["a", "b", "Make.x"]), st.one_of(st.none(), st.sampled_from([b"kfree", b"k", b"kfree k"]))
)


@given(st.lists(_FILES, min_size=1, max_size=5), st.lists(st.integers(0, 4), max_size=8))
def test_remembered_values_are_those_of_a_fresh_tree(
    changes: list[dict[str, bytes | None]], order: list[int]
) -> None:
    """Whatever was asked before, on whichever snapshot: the answer is what a tree of its own would give."""
    now: dict[str, bytes] = {"a": b"kfree", "b": b"x"}
    line = [Snapshot.of(MemoryTree(now))]
    states = [dict(now)]
    for change in changes:
        line.append(line[-1].after(change))
        now = {path: data for path, data in {**now, **change}.items() if data is not None}
        states.append(dict(now))
    for index in [*order, *range(len(line))]:
        at = index % len(line)
        alone = Snapshot.of(MemoryTree(states[at]))
        assert total(line[at], "kfree") == total(alone, "kfree")
        assert makefiles(line[at]) == makefiles(alone)
        assert length(line[at], "b") == length(alone, "b")
