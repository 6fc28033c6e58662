"""Which findings a patch brings in: those after it that were not there before, by fingerprint.

Line numbers, messages and architectures are no part of a fingerprint, so code that moves brings in nothing.
Changed lines only break ties between twins, and decide where "unknown before" becomes "broken".
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from checkseries.model import Finding, Undecided


def fingerprint(finding: Finding, origins: Mapping[str, str] | None = None) -> str:
    """16 hex digits that stay the same while lines shift, messages change and files are renamed.

    ``origins``: path -> what the file was called at first, for those that were renamed.
    """
    path = (origins or {}).get(finding.place.path, finding.place.path)
    what = finding.subject or " ".join(finding.place.text.split())
    key = f"{finding.rule}\0{path}\0{finding.place.symbol}\0{what}"
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def origins_after(origins: Mapping[str, str], renames: Mapping[str, str], number: int) -> dict[str, str]:
    """The origins after a patch that renames files (new path -> old path).

    A path that a file left is another file's from then on, should there be one.
    """
    now = dict(origins)
    now |= {old: f"{old} since {number}" for old in renames.values() if old not in renames}
    now |= {new: origins.get(old, old) for new, old in renames.items()}
    return now


@dataclass(frozen=True, slots=True)
class State:
    """What a rule says of one subject on one snapshot."""

    findings: tuple[Finding, ...]
    undecided: tuple[Undecided, ...] = ()


@dataclass(frozen=True, slots=True)
class Comparison:
    """What became of each finding over one patch."""

    continues: tuple[int | None, ...]
    """For each finding after the patch the one before it that it is, by index; None if it was not there."""
    excused: frozenset[int]
    """Those that were not there only because nobody could tell before: not the patch's doing."""

    @property
    def fresh(self) -> tuple[int, ...]:
        """The findings that the patch brings in, by index."""
        return tuple(
            index for index, old in enumerate(self.continues) if old is None and index not in self.excused
        )


def compare(
    before: State,
    after: State,
    added: Mapping[str, frozenset[int]],
    was: Mapping[str, str],
    now: Mapping[str, str],
) -> Comparison:
    """Which findings go on over a patch, and which are new; ``was`` and ``now`` are the origins of paths.

    ``added`` are the lines that the patch wrote: of twins those are the new ones.
    """
    continues: list[int | None] = [None] * len(after.findings)
    old_marks = [fingerprint(finding, was) for finding in before.findings]

    def rank(index: int) -> tuple[tuple[str, int, int, str, str], str, str, str]:
        old = before.findings[index]
        return (order(old), old_marks[index], old.place.symbol, _text(old))

    # Several may be what one has moved from: which is taken must not hang on the order in which a rule told them.
    left = dict.fromkeys(sorted(range(len(before.findings)), key=rank))
    by_mark: dict[str, list[int]] = defaultdict(list)
    for index, finding in enumerate(after.findings):
        by_mark[fingerprint(finding, now)].append(index)
    for mark, twins in by_mark.items():
        olds = [index for index in left if old_marks[index] == mark]
        # Of twins those on added lines are the new ones; of equals the last.
        ranked = sorted(twins, key=lambda index: (_added(after.findings[index], added), index))
        for index in ranked[: len(olds)]:
            text = _text(after.findings[index])
            old = next((each for each in olds if _text(before.findings[each]) == text), olds[0])
            olds.remove(old)
            del left[old]
            continues[index] = old
    for index, finding in enumerate(after.findings):
        if continues[index] is None and _text(finding):
            old_index = next((each for each in left if _moved(before.findings[each], finding)), None)
            if old_index is not None:
                del left[old_index]
                continues[index] = old_index
    return Comparison(tuple(continues), _excused(before, after, continues, added, was, now))


def introduced(
    before: State,
    after: State,
    added: Mapping[str, frozenset[int]],
    was: Mapping[str, str],
    now: Mapping[str, str],
) -> tuple[Finding, ...]:
    """The findings of ``after`` that ``before`` had not, in order: see ``compare``."""
    fresh = compare(before, after, added, was, now).fresh
    return tuple(sorted((after.findings[index] for index in fresh), key=order))


def _excused(
    before: State,
    after: State,
    continues: list[int | None],
    added: Mapping[str, frozenset[int]],
    was: Mapping[str, str],
    now: Mapping[str, str],
) -> frozenset[int]:
    """New findings where a doubt of before is gone: it became visible only now, unless the patch wrote the line."""
    gone = Counter(_spot(doubt, was) for doubt in before.undecided if doubt.place is not None)
    gone -= Counter(_spot(doubt, now) for doubt in after.undecided if doubt.place is not None)
    excused = set()
    for index, finding in enumerate(after.findings):
        if continues[index] is None and not _added(finding, added):
            path = now.get(finding.place.path, finding.place.path)
            here = (path, finding.place.symbol, _text(finding))
            spot = (
                here
                if gone[here]
                else next((each for each in gone if gone[each] and each[:2] == here[:2]), here)
            )
            if gone[spot]:
                gone[spot] -= 1
                excused.add(index)
    return frozenset(excused)


def doubted(finding: Finding, state: State, was: Mapping[str, str], now: Mapping[str, str]) -> bool:
    """Whether a state that no longer has a finding only cannot tell any more, at that place or at all."""
    here = (was.get(finding.place.path, finding.place.path), finding.place.symbol)
    return any(
        doubt.place is None or (now.get(doubt.place.path, doubt.place.path), doubt.place.symbol) == here
        for doubt in state.undecided
    )


def order(finding: Finding) -> tuple[str, int, int, str, str]:
    """The order in which findings are shown."""
    return (finding.place.path, finding.place.line, finding.place.column, finding.rule, finding.subject)


def _added(finding: Finding, added: Mapping[str, frozenset[int]]) -> bool:
    return finding.place.line in added.get(finding.place.path, frozenset())


def _text(finding: Finding) -> str:
    return " ".join(finding.place.text.split())


def _spot(doubt: Undecided, origins: Mapping[str, str]) -> tuple[str, str, str]:
    assert doubt.place is not None
    path = origins.get(doubt.place.path, doubt.place.path)
    return (path, doubt.place.symbol, " ".join(doubt.place.text.split()))


def _moved(old: Finding, new: Finding) -> bool:
    """Whether the same text only left its function for another of the file, or took its function along."""
    if (old.rule, old.subject, _text(old)) != (new.rule, new.subject, _text(new)):
        return False
    return old.place.path == new.place.path or old.place.symbol == new.place.symbol
