"""What takes too long or too much ends with a word, and hides nothing else."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from checkseries import limits
from checkseries.judge.history import History
from checkseries.judge.rule import Check, Rule, Subject, counted, own_name
from checkseries.limits import TooSlowError, within
from checkseries.model import Change, Confidence, Edit, Held, Hunk, Patch, Series, Severity
from checkseries.run import run
from checkseries.tree import MemoryTree, Snapshot


def spin() -> None:
    while True:
        pass


def test_a_body_that_is_too_slow_is_stopped() -> None:
    start = time.monotonic()
    with pytest.raises(TooSlowError), within(0.1):
        spin()
    assert time.monotonic() - start < 2
    with within(5):
        pass
    with pytest.raises(TooSlowError, match="used up"), within(0):
        raise AssertionError


def test_a_slow_rule_is_named_and_the_others_judge(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("checkseries.run.SECONDS", 0.1)

    def subjects(history: History, arch: str) -> list[Subject]:
        return [Subject("x", arch)]

    def slow(tree: Snapshot, subject: Subject) -> list[Held]:
        spin()
        return []

    def quick(tree: Snapshot, subject: Subject) -> list[Held]:
        return [Held(None, "fine")]

    def rule(name: str, check: Check) -> Rule:
        return Rule(
            name, "t", "d", Severity.ERROR, Confidence.HIGH, "0", subjects, check, own_name, counted("x")
        )

    edit = Edit(Change.ADD, None, "a", hunks=(Hunk(0, 0, 1, 1, "", (b"+a\n",)),))
    series = Series("s", 1, 1, (Patch(1, "p", None, "", "", "", (edit,), "test"),))
    report = run(series, MemoryTree({}), [rule("slow", slow), rule("quick", quick)], (), "", 1)
    assert [(each.rule, each.failure) for each in report.skipped] == [("slow", True)]
    assert "took longer" in report.skipped[0].reason
    assert [each.rule for each in report.checked] == ["quick"]


def test_memory_is_bounded() -> None:
    script = "from checkseries.limits import bound_memory\nbound_memory()\nbytearray(5 << 30)\n"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert done.returncode != 0
    assert b"MemoryError" in done.stderr
    assert limits.BYTES < 5 << 30
