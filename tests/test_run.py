"""The main loop: what is computed, what is carried over, and how findings get their patches."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from checkseries.judge.history import History
from checkseries.judge.load import load, shipped
from checkseries.judge.rule import Rule, Subject, counted, own_name
from checkseries.model import (
    Change,
    Confidence,
    Edit,
    Finding,
    Hunk,
    Patch,
    Place,
    Series,
    Severity,
    Undecided,
    Verdict,
)
from checkseries.run import ask, follow, run
from checkseries.source.mailbox import Source
from checkseries.source.series import read_series
from checkseries.tree import MemoryTree, Snapshot
from checkseries.tree.directory import DirectoryTree

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
ARCHS = ("arm64", "mips", "riscv", "x86")


def unrelated(number: int) -> Patch:
    """A patch that adds a file which no rule has a question about."""
    hunk = Hunk(0, 0, 1, 1, "", (b"+nothing to see\n",))
    edit = Edit(Change.ADD, None, f"Documentation/{number}.rst", hunks=(hunk,))
    return Patch(number, "docs", None, "", "", "", (edit,), "test")


def asked(series: Series) -> History:
    history, judged, _ = follow(series, DirectoryTree(str(FIXTURES / "tree"), "tree"), ARCHS)
    assert {each.status for each in judged} == {"applied"}
    ask(history, load([shipped()]), jobs=1)
    return history


def test_an_unrelated_patch_recomputes_no_fact() -> None:
    series = read_series([Source(str(FIXTURES / "series" / "hotplug-parallel.mbox"))])
    alone = asked(series).base.lineage.computed
    more = replace(series, patches=(*series.patches, unrelated(4), unrelated(5)))
    assert asked(more).base.lineage.computed == alone
    assert alone["attempt"] == 6, (
        "four models after patch 1, arm64 after patch 3, and arm64 before: it had no HOTPLUG_PARALLEL"
    )


def test_two_processes_say_what_one_says() -> None:
    tree = DirectoryTree(str(FIXTURES / "tree"), "tree")
    for name in ("hotplug-parallel", "riscv-narrower", "mips-unconditional", "callers-first"):
        series = read_series([Source(str(FIXTURES / "series" / f"{name}.mbox"))])
        rules = load([shipped()])
        assert run(series, tree, rules, ARCHS, "", 1) == run(series, tree, rules, ARCHS, "", 3)


# --- a rule that finds every line "bad", to see what the loop makes of it


def _subjects(history: History, arch: str) -> Iterator[Subject]:
    yield Subject("bad", arch)


def _check(tree: Snapshot, subject: Subject) -> Iterator[Verdict]:
    for path in tree.named("*.c"):
        for number, line in enumerate((tree.text(path) or "").splitlines(), 1):
            word, _, archs = line.partition(" on ")
            if word == "dunno":
                yield Undecided(Place(path, number, 1, "", line), "who knows")
            if word == "bad" and (not archs or not subject.arch or subject.arch in archs.split()):
                place = Place(path, number, 1, "", line)
                yield Finding(
                    "lines",
                    Severity.ERROR,
                    Confidence.HIGH,
                    place,
                    "bad",
                    "bad line",
                    (subject.arch,) if subject.arch else (),
                )


def rule(*, per_arch: bool = False) -> Rule:
    return Rule(
        "lines",
        "t",
        "d",
        Severity.ERROR,
        Confidence.HIGH,
        "0",
        _subjects,
        _check,
        own_name,
        counted("lines"),
        per_arch=per_arch,
    )


def judged(
    *states: dict[str, str], per_arch: bool = False, jobs: int = 1
) -> list[tuple[int, int | None, str, int, tuple[str, ...]]]:
    """(patch, repaired by, path, line, archs) of the findings over states of some files."""
    base = MemoryTree({"arch/x86/Kconfig": "", "arch/arm64/Kconfig": "", **states[0]})
    patches = []
    for number, (old, new) in enumerate(itertools.pairwise(states), 1):
        edits = []
        for path in sorted(new):
            before, after = old.get(path, "").splitlines(keepends=True), new[path].splitlines(keepends=True)
            lines = tuple(f"-{line}".encode() for line in before) + tuple(
                f"+{line}".encode() for line in after
            )
            change = Change.MODIFY if path in old else Change.ADD
            hunk = Hunk(1 if before else 0, len(before), 1 if after else 0, len(after), "", lines)
            edits.append(
                Edit(change, path if path in old else None, path, hunks=(hunk,) if before != after else ())
            )
        patches.append(Patch(number, f"patch {number}", None, "", "", "", tuple(edits), "test"))
    series = Series("x", 1, len(patches), tuple(patches))
    report = run(series, base, [rule(per_arch=per_arch)], ("arm64", "x86"), "", jobs)
    assert not report.skipped
    return [
        (each.patch, each.repaired_by, each.finding.place.path, each.finding.place.line, each.finding.archs)
        for each in report.findings
    ]


def test_what_was_there_before_is_quiet() -> None:
    assert judged({"a.c": "bad\n"}, {"a.c": "x\nbad\n"}) == []


def test_what_a_later_patch_mends_names_it() -> None:
    assert judged({"a.c": "x\n"}, {"a.c": "bad\n"}, {"a.c": "bad\ny\n"}, {"a.c": "good\n"}) == [
        (1, 3, "a.c", 1, ())
    ]


def test_what_comes_back_is_found_again() -> None:
    found = judged({"a.c": ""}, {"a.c": "bad\n"}, {"a.c": "good\n"}, {"a.c": "x\nbad\n"})
    assert [(patch, mended) for patch, mended, *_ in found] == [(1, 2), (3, None)]


@pytest.mark.parametrize("jobs", [1, 2])
def test_architectures_are_joined(jobs: int) -> None:
    assert judged({"a.c": "x\n"}, {"a.c": "bad\n"}, per_arch=True, jobs=jobs) == [
        (1, None, "a.c", 1, ("arm64", "x86"))
    ]


def test_an_architecture_that_had_it_before_is_not_named() -> None:
    found = judged({"a.c": "bad on x86\n"}, {"a.c": "bad on x86 arm64\n"}, per_arch=True)
    assert found == [(1, None, "a.c", 1, ("arm64",))]


def test_twins_are_as_many_as_there_are() -> None:
    assert len(judged({"a.c": "x\n"}, {"a.c": "bad\nbad\n"}, per_arch=True)) == 2
    assert len(judged({"a.c": "bad\n"}, {"a.c": "bad\nbad\nbad\n"})) == 2


def mends(*states: dict[str, str]) -> list[tuple[int, int | None]]:
    return [(patch, mended) for patch, mended, *_ in judged(*states)]


def test_one_of_two_twins_is_mended() -> None:
    assert sorted(mends({"a.c": "x\n"}, {"a.c": "bad\nbad\n"}, {"a.c": "bad\n"}), key=str) == [
        (1, 2),
        (1, None),
    ]


def test_a_twin_that_was_there_before_mends_nothing() -> None:
    found = mends({"a.c": "bad\n"}, {"a.c": "bad\nx\nbad too\nbad\n"}, {"a.c": "x\nbad\n"})
    assert len(found) == 1


def test_what_moves_to_another_file_is_not_mended() -> None:
    states = {"a.c": "x\n", "b.c": "y\n"}, {"a.c": "bad\n", "b.c": "y\n"}, {"a.c": "x\n", "b.c": "bad\n"}
    assert mends(*states) == [(1, None)]


def test_what_cannot_be_told_any_more_is_not_mended() -> None:
    assert mends({"a.c": "x\n"}, {"a.c": "bad\n"}, {"a.c": "dunno\n"}) == [(1, None)]
    assert mends({"a.c": "x\n"}, {"a.c": "bad\n"}, {"a.c": "dunno\n"}, {"a.c": "bad\n"}) == [(1, None)]
    assert mends({"a.c": "x\n"}, {"a.c": "bad\n"}, {"a.c": "dunno\n"}, {"a.c": "good\n"}) == [(1, 3)]


def test_a_doubt_that_stays_excuses_nothing() -> None:
    assert mends({"a.c": "dunno\n"}, {"a.c": "dunno\nbad\n"}) == [(1, None)]
