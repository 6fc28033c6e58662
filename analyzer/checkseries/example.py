"""Runs an example of a rule: the small tree, the patches on it, and what is found."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Mapping

from checkseries.archs import archs_of
from checkseries.judge.rule import Example, Rule
from checkseries.model import Change, Edit, Hunk, Patch, Series, Status
from checkseries.run import run
from checkseries.tree import MemoryTree


def tree_of(example: Example) -> MemoryTree:
    """The example's tree before its first patch."""
    return MemoryTree(example.base, "example")


def series_of(example: Example) -> Series:
    """The example's patches as a series, with hunks as a diff would give them."""
    now: dict[str, str] = dict(example.base)
    patches = []
    for number, changes in enumerate(example.patches, 1):
        edits = tuple(_edit(path, now.get(path), text) for path, text in sorted(changes.items()))
        patches.append(Patch(number, f"{example.title} {number}", None, "", "", "", edits, "example"))
        _take(now, changes)
    return Series(example.title, 1, len(patches), tuple(patches))


def _take(now: dict[str, str], changes: Mapping[str, str | None]) -> None:
    for path, text in changes.items():
        if text is None:
            del now[path]
        else:
            now[path] = text


def _edit(path: str, old: str | None, new: str | None) -> Edit:
    change = Change.ADD if old is None else Change.DELETE if new is None else Change.MODIFY
    before, after = (old or "").splitlines(keepends=True), (new or "").splitlines(keepends=True)
    hunks = []
    for group in difflib.SequenceMatcher(None, before, after, autojunk=False).get_grouped_opcodes(3):
        lines: list[str] = []
        for tag, low, high, start, end in group:
            if tag == "equal":
                lines += [" " + line for line in before[low:high]]
            else:
                lines += ["-" + line for line in before[low:high]] + ["+" + line for line in after[start:end]]
        first, last = group[0], group[-1]
        removed, added = last[2] - first[1], last[4] - first[3]
        hunks.append(Hunk(first[1] + (removed > 0), removed, first[3] + (added > 0), added, "",
                          tuple(line.encode() for line in lines)))  # fmt: skip
    old_path = None if change is Change.ADD else path
    new_path = None if change is Change.DELETE else path
    return Edit(change, old_path, new_path, hunks=tuple(hunks))


def failures(rule: Rule, example: Example) -> tuple[str, ...]:
    """What is wrong with an example: findings that are missing or too many, one a line; empty if it is right."""
    tree = tree_of(example)
    series = series_of(example)
    report = run(series, tree, [rule], archs_of(tree, series, ()), "", 1)
    found = [f"{each.patch} {each.finding.place.path}:{each.finding.place.line}" for each in report.findings]
    wrong = [
        f"patch {each.patch.number}: {each.reason}"
        for each in report.patches
        if each.status is not Status.APPLIED
    ]
    wrong += [f"{each.subject}: {each.reason}" for each in report.skipped]
    wrong += [f"not found: {spot}" for spot in sorted((Counter(example.finds) - Counter(found)).elements())]
    wrong += [
        f"found besides: {spot}" for spot in sorted((Counter(found) - Counter(example.finds)).elements())
    ]
    return tuple(wrong)
