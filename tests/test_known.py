"""The same series on the same tree again is answered without asking; anything else is asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from checkseries.judge.history import History
from checkseries.judge.known import name_of
from checkseries.judge.load import load, shipped
from checkseries.judge.rule import Rule, Subject
from checkseries.model import Held, Series, Verdict
from checkseries.run import ask, follow, run
from checkseries.source.mailbox import Source
from checkseries.source.series import read_series
from checkseries.tree import MemoryTree, Snapshot, Tree
from checkseries.tree.directory import DirectoryTree
from checkseries.tree.index import Index

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
ARCHS = ("arm64", "mips", "riscv", "x86")
FILES = {
    str(path.relative_to(FIXTURES / "tree")): path.read_bytes()
    for path in sorted((FIXTURES / "tree").rglob("*"))
    if path.is_file()
}


def series(name: str = "arguments-swapped") -> Series:
    return read_series([Source(str(FIXTURES / "series" / f"{name}.mbox"))])


@pytest.fixture(scope="module")
def rules() -> tuple[Rule, ...]:
    return load([shipped()])


def followed(
    place: Path,
    of: Series | None = None,
    tree: Tree | None = None,
    toolchain: str = "gcc",
    archs: tuple[str, ...] = ARCHS,
) -> History:
    return follow(of or series(), tree or MemoryTree(FILES), archs, toolchain, Index(str(place)))[0]


@pytest.mark.parametrize("jobs", [1, 3])
@pytest.mark.parametrize("name", ["arguments-swapped", "hotplug-parallel-rfc", "callers-first"])
def test_the_second_time_nothing_is_asked(
    tmp_path: Path, rules: tuple[Rule, ...], jobs: int, name: str
) -> None:
    index = Index(str(tmp_path))
    first = run(series(name), MemoryTree(FILES), rules, ARCHS, "", jobs, index=index)
    index.settle()
    plain = run(series(name), MemoryTree(FILES), rules, ARCHS, "", jobs)
    assert first == plain
    assert run(series(name), MemoryTree(FILES), rules, ARCHS, "", jobs, index=Index(str(tmp_path))) == plain
    again = followed(tmp_path, series(name))
    ask(again, rules, jobs)
    assert again.base.lineage.computed == {}


def test_whatever_an_answer_hangs_on_is_in_its_name(tmp_path: Path, rules: tuple[Rule, ...]) -> None:
    history = followed(tmp_path)
    patches = history.steps[0].patch, *series().patches[1:]
    renamed = replace(patches[0], subject="another subject")
    named = [
        name_of(history, rules, "x86"),
        name_of(history, rules, "arm64"),
        name_of(history, rules[1:], "x86"),
        name_of(followed(tmp_path, series("callers-first")), rules, "x86"),
        name_of(followed(tmp_path, replace(series(), patches=patches[:-1])), rules, "x86"),
        name_of(followed(tmp_path, tree=MemoryTree(FILES | {"more.c": b""})), rules, "x86"),
        name_of(followed(tmp_path, toolchain="clang"), rules, "x86"),
        name_of(followed(tmp_path, archs=("x86", "arm64")), rules, "x86"),
    ]
    assert None not in named
    assert len(set(named)) == len(named)
    assert name_of(followed(tmp_path), rules, "x86") == named[0]
    same = followed(tmp_path, replace(series(), patches=(renamed, *patches[1:])))
    assert name_of(same, rules, "x86") == named[0], "what the mail says is not what it does"


def test_what_cannot_be_named_is_asked_every_time(tmp_path: Path, rules: tuple[Rule, ...]) -> None:
    assert name_of(followed(tmp_path, tree=DirectoryTree(str(FIXTURES / "tree"), "t")), rules, "x86") is None
    own = replace(rules[0], origin=f"{shipped()}/../own.py")
    assert name_of(followed(tmp_path), [own, *rules[1:]], "x86") is None


def test_what_failed_is_asked_again(tmp_path: Path, rules: tuple[Rule, ...]) -> None:
    calls = []

    def check(_tree: Snapshot, _subject: Subject) -> Iterator[Verdict]:
        calls.append(1)
        if len(calls) == 1:
            raise ValueError("for once")
        yield Held(None, "a")

    def subjects(_history: History, arch: str) -> Iterator[Subject]:
        yield Subject("a", arch)

    flaky = replace(next(each for each in rules if not each.per_arch), check=check, subjects=subjects)
    for number in range(1, 4):
        history = followed(tmp_path)
        courses = ask(history, [flaky], 1)
        assert history.base.lineage.index is not None
        history.base.lineage.index.settle()
        assert any(each.failure for course in courses for each in course.outcomes) == (number == 1)
    asked = len(calls)
    ask(followed(tmp_path), [flaky], 1)
    assert len(calls) == asked


def test_a_damaged_answer_is_asked_again(tmp_path: Path, rules: tuple[Rule, ...]) -> None:
    history = followed(tmp_path)
    index = history.base.lineage.index
    free = [rule for rule in rules if not rule.per_arch]
    name = name_of(history, free, "")
    assert index is not None
    assert name is not None
    index.keep(name, b"no pickle")
    index.settle()
    assert ask(followed(tmp_path), rules, 1) == ask(history, rules, 1)
