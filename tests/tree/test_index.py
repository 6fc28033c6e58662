"""An index changes how long a run takes and nothing else, whatever state it is in."""

from __future__ import annotations

import dataclasses
import importlib
import os
import pickle
import pkgutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

import checkseries.facts
from checkseries.facts.c_decl import functions_in
from checkseries.facts.include import includes
from checkseries.facts.kconfig import kept as kconfig_kept
from checkseries.facts.kconfig.evaluate import Evaluation
from checkseries.facts.kconfig.model import Model, attempt
from checkseries.facts.kconfig.symbol import Grammar, Tree
from checkseries.facts.presence import ALWAYS, NEVER, All, Expression, Not, Opaque, Option, Some
from checkseries.tree import Kept, MemoryTree, Snapshot, fact
from checkseries.tree import index as index_of
from checkseries.tree.index import Index, dumped, key_of, loaded

FILES = {
    "Kconfig": 'source "arch/x86/Kconfig"\nconfig A\n\tbool "a"\n\tdepends on B || !C\n\tselect D if B=y\n',
    "arch/x86/Kconfig": "config B\n\ttristate\n\tdefault m\nconfig C\n\tbool\n\nconfig D\n\tbool\n\tdepends on B\n",
    "a.c": '#include "a.h"\n#ifdef CONFIG_A\n#include <linux/b.h>\n#endif\nint park(void)\n{\n\treturn 0;\n}\n',
    "a.h": "int park(void);\n",
}


@pytest.fixture
def index(tmp_path: Path) -> Index:
    return Index(str(tmp_path / "cache"))


def opened(index: Index, files: dict[str, str] = FILES) -> Snapshot:
    return Snapshot.of(MemoryTree(dict(files)), index=Index(index._directory))


def settled(tree: Snapshot) -> None:
    assert tree.lineage.index is not None
    tree.lineage.index.settle()


def test_the_second_run_computes_nothing_twice(index: Index) -> None:
    first = opened(index)
    said = includes(first, "a.c"), attempt(first, "x86")
    settled(first)
    second = opened(index)
    assert includes(second, "a.c") == said[0]
    again = attempt(second, "x86")
    assert second.lineage.computed == {"attempt": 1}, "put together of what was parsed"
    assert isinstance(said[1], Model)
    assert isinstance(again, Model)
    assert (again.names, again.files, again.profile) == (said[1].names, said[1].files, said[1].profile)
    assert [again.shape(name) for name in again.names] == [said[1].shape(name) for name in said[1].names]


def test_another_state_is_another_answer(index: Index) -> None:
    first = opened(index)
    includes(first, "a.c"), attempt(first, "x86")
    settled(first)
    changed = FILES | {"a.c": "#include <new.h>\n", "arch/x86/Kconfig": "config E\n\tbool\n"}
    second = opened(index, changed)
    assert [each.name for each in includes(second, "a.c")] == ["new.h"]
    model = attempt(second, "x86")
    assert isinstance(model, Model)
    assert model.names == ("A", "E")
    third = opened(index).after({"a.c": b"#include <patched.h>\n", "Kconfig": b"config F\n\tbool\n"})
    assert [each.name for each in includes(third, "a.c")] == ["patched.h"]
    patched = attempt(third, "x86")
    assert isinstance(patched, Model)
    assert patched.names == ("F",)


def test_a_recalled_fact_has_the_footprint_of_a_computed_one(index: Index) -> None:
    first = opened(index)
    includes(first, "a.c"), attempt(first, "x86")
    settled(first)
    second = opened(index)
    includes(second, "a.c"), attempt(second, "x86")
    after = second.after({"a.c": b"", "Kconfig": b"config F\n\tbool\n"})
    assert includes(after, "a.c") == ()
    patched = attempt(after, "x86")
    assert isinstance(patched, Model)
    assert patched.names == ("F",)


@pytest.mark.parametrize("damage", [b"", b"not a database at all" * 100])
def test_a_damaged_index_is_as_good_as_none(index: Index, damage: bytes) -> None:
    path = Path(index._path)
    path.parent.mkdir()
    path.write_bytes(damage)
    for _ in range(3):
        tree = opened(index)
        assert [each.name for each in includes(tree, "a.c")] == ["a.h", "linux/b.h"]
        settled(tree)
    tree = opened(index)
    assert includes(tree, "a.c")
    assert tree.lineage.computed == {}, "it was begun anew"


def test_values_that_are_none_are_computed_anew(index: Index) -> None:
    first = opened(index)
    said = includes(first, "a.c")
    attempt(first, "x86")
    assert first.lineage.index is not None
    first.lineage.index.settle()
    book = sqlite3.connect(first.lineage.index._path)
    with book:
        book.execute("UPDATE kept SET value = ?", (b"\0no pickle",))
    book.close()
    assert isinstance(attempt(opened(index), "x86"), Model)
    assert includes(opened(index), "a.c") == said


def test_a_child_writes_what_it_found_itself_and_loses_nothing_of_others(index: Index) -> None:
    tree = opened(index)
    includes(tree, "a.c")
    kept = tree.lineage.index
    assert kept is not None
    child = os.fork()
    if child == 0:
        functions_in(tree, "a.c")
        written = set(kept._altered)
        kept.settle()
        os._exit(len(written))
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 1
    kept.settle()
    again = opened(index)
    includes(again, "a.c"), functions_in(again, "a.c")
    assert again.lineage.computed == {}


def test_what_a_parent_found_a_child_does_not_write(index: Index) -> None:
    tree = opened(index)
    includes(tree, "a.c"), attempt(tree, "x86")
    kept = tree.lineage.index
    assert kept is not None
    child = os.fork()
    if child == 0:
        kept.settle()
        os._exit(0)
    os.waitpid(child, 0)
    assert not Path(kept._path).exists()
    kept.settle()
    assert Path(kept._path).exists()


def test_it_begins_anew_when_it_is_full(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_of, "LARGEST", 1 << 16)
    index.keep(key_of("a"), bytes(range(256)) * 1024)
    index.settle()
    assert Path(index._path).exists()
    index.keep(key_of("b"), b"".join(n.to_bytes(4, "big") for n in range(1 << 16)))
    index.settle()
    assert not Path(index._path).exists()
    assert index.get(key_of("b")) is None


class _Evil:
    def __reduce__(self) -> tuple[object, ...]:
        return print, ("executed",)


@pytest.mark.parametrize("read", [loaded, kconfig_kept.loaded])
def test_a_value_executes_nothing(read: object, capsys: pytest.CaptureFixture[str]) -> None:
    assert callable(read)
    for data in (pickle.dumps(_Evil()), b"\x02" + pickle.dumps(_Evil()), pickle.dumps(Path("x"))):
        with pytest.raises((pickle.UnpicklingError, EOFError)):
            read(data)
    assert capsys.readouterr().out == ""


def _expressions() -> st.SearchStrategy[Expression]:
    leaves = st.one_of(
        st.sampled_from((ALWAYS, NEVER)),
        st.builds(Option, st.text(max_size=4), st.sampled_from("ym")),
        st.builds(Opaque, st.text(max_size=9)),
    )
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.builds(Not, inner),
            st.builds(All, st.lists(inner, min_size=2, max_size=3).map(tuple)),
            st.builds(Some, st.lists(inner, min_size=2, max_size=3).map(tuple)),
        ),
        max_leaves=8,
    )


@given(_expressions())
def test_a_value_comes_back_as_it_was(value: Expression) -> None:
    for each in (value, (value, frozenset((value,))), MappingProxyType({"a": value})):
        assert loaded(dumped(each)) == each


def test_a_kconfig_tree_comes_back_as_it_was() -> None:
    model = attempt(Snapshot.of(MemoryTree(dict(FILES))), "x86")
    assert isinstance(model, Model)
    again = kconfig_kept.loaded(kconfig_kept.dumped(model.tree))
    plain = [each.name for each in dataclasses.fields(Tree)][4:]
    assert [getattr(again, name) for name in plain[1:]] == [getattr(model.tree, name) for name in plain[1:]]
    assert "grammar" in plain
    old = dataclasses.replace(model.tree, grammar=Grammar(plain=False), yes_for_no=frozenset("A"))
    again = kconfig_kept.loaded(kconfig_kept.dumped(old))
    assert (again.grammar, again.yes_for_no) == (Grammar(plain=False), frozenset("A"))
    for assigned in ({}, {"A": "y"}, {"B": "y"}):
        one, other = Evaluation(model.tree, assigned), Evaluation(again, assigned)
        for left, right in zip(model.tree.order, again.order, strict=True):
            assert (left.name, one.text(left)) == (right.name, other.text(right))


def _kept() -> Iterator[str]:
    for module in pkgutil.walk_packages(checkseries.facts.__path__, "checkseries.facts."):
        found = importlib.import_module(module.name)
        for name, value in vars(found).items():
            if getattr(value, "kept", None) is not None and value.__module__ == module.name:
                yield f"{module.name}.{name}"


@pytest.mark.parametrize("name", sorted(_kept()))
def test_what_is_kept_of_a_file_looks_at_nothing_else(name: str, index: Index) -> None:
    module, _, function = name.rpartition(".")
    raw = getattr(importlib.import_module(module), function)
    if not raw.kept.of_file:
        return
    files = FILES | {
        "a.c": FILES["a.c"] + "struct s { int x; };\nint f(void)\n{\n\treturn park(1);\n}\nint park;\n"
    }
    more = {"name": ("park",), "kind": ("struct",), "tag": ("s",)}
    wanted = [each for each in raw.__wrapped__.__annotations__ if each not in ("tree", "path", "return")]
    tree = opened(index, files)
    raw(tree, "a.c", *(more[each][0] for each in wanted))
    assert tree.lineage.index is not None
    assert tree.lineage.index._fresh or tree.lineage.index._altered, "it was kept"


def test_a_fact_of_more_than_its_file_is_not_kept_by_it(index: Index) -> None:
    @fact(kept=Kept())
    def beyond(tree: Snapshot, path: str) -> bool:
        return tree.exists(f"{path}.h")

    tree = opened(index)
    beyond(tree, "a.c")
    assert tree.lineage.index is not None
    assert not tree.lineage.index._fresh
    assert not tree.lineage.index._altered


def test_plain_classes_are_called_with_their_fields() -> None:
    """What ``dumped`` counts on of every class in a value that is kept."""
    for each in (Option, Opaque, Not, All, Some):
        assert all(field.init for field in dataclasses.fields(each))
