"""The selects that a series adds, as subjects: what rules on single select statements are asked about."""

from __future__ import annotations

from collections.abc import Iterator

from checkseries.facts.kconfig import Model, Select
from checkseries.facts.kconfig.entries import changed_entries
from checkseries.facts.kconfig.lexical import concerns
from checkseries.judge.history import History
from checkseries.judge.rule import Subject

_MOST = 400
"""Selects of one file and patch: an if around a whole file changes all of them."""


def gained_selects(history: History, arch: str) -> Iterator[Subject]:
    """Each select that the series adds to an entry: the target, and the selector as the detail."""
    seen = set()
    for step in history.steps:
        for path in step.touched:
            if not concerns(step.after, path, arch):
                continue
            gained = (
                Subject(target, arch, (change.name,))
                for change in changed_entries(step.before, step.after, path, arch)
                for target in sorted(change.gained)
            )
            for subject, _ in zip(gained, range(_MOST), strict=False):
                if subject not in seen:
                    seen.add(subject)
                    yield subject


def selects_of(kconfig: Model, subject: Subject) -> tuple[Select, ...]:
    """The select statements that such a subject names."""
    return tuple(
        each
        for each in kconfig.selects(subject.name)
        if not each.implied and each.selector == subject.detail[0]
    )
