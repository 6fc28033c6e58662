"""The names that a series newly uses in C files, without those that the files are sure to see."""

from __future__ import annotations

from collections.abc import Iterator

from checkseries.facts.c_decl import arch_of, kernel_source
from checkseries.facts.c_mention import mentions, words_in
from checkseries.facts.include import includes
from checkseries.facts.presence import ALWAYS, Expression, presence_of
from checkseries.facts.visible import unseen
from checkseries.judge.history import History, Step
from checkseries.judge.rule import Subject


def newly_mentioned(history: History, arch: str) -> Iterator[Subject]:
    """A subject for each name and file: what added lines use, and all of a file that loses an include."""
    changed = frozenset(path for step in history.steps for path in step.touched)
    names: dict[str, set[str]] = {}
    for step, path in history.touched(".c"):
        if kernel_source(path) and (arch_of(path) or arch) == arch:
            names.setdefault(path, set()).update(_new_in(step, path))
    for path, found in names.items():
        data = history.last.peek(path)
        if data is None or not found:
            continue
        for name in sorted(unseen(history.last, path, frozenset(found), arch, changed)):
            if mentions(data, name):
                yield Subject(name, arch, (path,))


def _new_in(step: Step, path: str) -> frozenset[str]:
    data, before = step.after.peek(path), step.before.peek(path)
    if data is None:
        return frozenset()
    lost = {each.name for each in includes(step.before, path)} - {
        each.name for each in includes(step.after, path)
    }
    if lost:
        return words_in(data, frozenset(range(1, data.count(b"\n") + 2)))
    found = words_in(data, step.added.get(path, frozenset()))
    if before is None:
        return found
    if presence_of(before).conditions != presence_of(data).conditions:
        was, now = _by_condition(before), _by_condition(data)
        found |= {name for name, conditions in now.items() if not conditions <= was.get(name, set())}
    old = step.before.lineage.words_of(before)
    return frozenset(name for name in found if name.encode() not in old or not _used_always(before, name))


def _by_condition(data: bytes) -> dict[str, set[Expression]]:
    """The words of a file, each with the conditions under which it stands there."""
    presence = presence_of(data)
    ends = (*presence.lines[1:], data.count(b"\n") + 2)
    lines: dict[Expression, set[int]] = {}
    for first, end, condition in zip(presence.lines, ends, presence.conditions, strict=True):
        lines.setdefault(condition, set()).update(range(first, end))
    found: dict[str, set[Expression]] = {}
    for condition, numbers in lines.items():
        for name in words_in(data, frozenset(numbers)):
            found.setdefault(name, set()).add(condition)
    return found


def _used_always(data: bytes, name: str) -> bool:
    """Whether a file uses a name in every configuration that compiles it."""
    presence = presence_of(data)
    return any(presence.at(data.count(b"\n", 0, each.at) + 1) == ALWAYS for each in mentions(data, name))
