"""Which mails were sent together, and which sending of a series is the newest whole one.

A *posting* is what was sent at once: one revision of one series. Mails belong together if they say the same
revision and the same ``m`` of ``n/m``, and if they are linked: by sender and thread, by the running number
that git send-email puts into message ids, or because the user named them side by side.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass

from checkseries.source.letter import Reading

_RUN = re.compile(r"(.+[-.])(\d{1,4})([-.][^@]*@.*)")
_ADDRESS = re.compile(r"<([^<>]*)>")
_DAY = 86400.0
"""Mails of one series without a thread are sent within it."""


@dataclass(frozen=True, slots=True)
class Posting:
    """One sending of a series, whole or in part."""

    patches: tuple[Reading, ...]
    """What was meant as a patch, in order of number; some may be damaged."""
    numbers: tuple[int, ...]
    """The number of each patch, rising: as sent, else counted from 1."""
    total: int
    cover: Reading | None
    replaced: tuple[tuple[Reading, Reading], ...]
    """Mails that another one of the same number takes the place of: (the older, the one that counts)."""
    lineage: int
    """Postings of one series in its revisions have the same."""
    answers: bool
    """Whether it was sent in reply to somebody else's series of the input."""

    @property
    def readings(self) -> tuple[Reading, ...]:
        """The mails that count: cover and patches."""
        return (*((self.cover,) if self.cover else ()), *self.patches)

    @property
    def revision(self) -> tuple[int, int]:
        """``(2, 0)`` of ``v2``, ``(2, 1)`` of ``v2.1``."""
        subject = self.readings[0].subject
        return subject.revision, subject.minor

    @property
    def missing(self) -> tuple[int, ...]:
        """The numbers up to the total that no mail has."""
        return tuple(sorted(set(range(1, self.total + 1)) - set(self.numbers)))

    @property
    def is_whole(self) -> bool:
        """Whether every patch is there and can be read."""
        return len(self.numbers) == self.total and all(reading.patch for reading in self.patches)

    @property
    def sent(self) -> float:
        """When the last of it was sent, in seconds since the epoch; 0 if no mail says."""
        return max(reading.mail.sent for reading in self.readings)

    @property
    def rank(self) -> int:
        """How sure it is that it was sent for review, from 0, which is a suggestion within a reply.

        1 answers another series, 2 has no subject that announces a patch, 3 is the usual.
        """
        if any(reading.suggested for reading in self.readings):
            return 0
        if self.answers:
            return 1
        return 2 + any(reading.subject.is_series_like for reading in self.readings)


def postings(readings: Sequence[Reading]) -> tuple[Posting, ...]:
    """The sendings that the patches and covers among the mails make up; the one to judge comes first.

    That is the newest one that is whole, and the newest one if none is; of one series the highest revision.
    What answers another's series comes after what was sent by itself, and a cover without patches comes last.
    """
    members = [reading for reading in readings if reading.patch or reading.cover or reading.damage]
    together, lineages = _Links(len(members)), _Links(len(members))
    for place, reading in enumerate(members):
        shape = _shape(reading)
        for mark in _marks(reading):
            together.join(place, (shape, mark))
        for mark in _family(reading):
            lineages.join(place, mark)
    _join_unthreaded(members, together)
    groups = together.groups()
    for places in groups:
        for place in places:
            lineages.join(place, ("posting", places[0]))
    families = {
        reading.mail.message_id: lineages.root(place)
        for place, reading in enumerate(members)
        if reading.mail.message_id
    }
    found: list[Posting] = []
    for places in groups:
        group, lineage = [members[place] for place in places], lineages.root(places[0])
        referred = (
            families.get(message_id, lineage) for each in group for message_id in each.mail.references
        )
        found.append(_posting(group, lineage, any(other != lineage for other in referred)))
    newest: dict[int, float] = defaultdict(float)
    for posting in found:
        newest[posting.lineage] = max(newest[posting.lineage], posting.sent)

    def preference(posting: Posting) -> tuple[bool, int, bool, float, tuple[int, int], int, float]:
        rank, revision, size = posting.rank, posting.revision, len(posting.patches)
        return size > 0, rank, posting.is_whole, newest[posting.lineage], revision, size, posting.sent

    return tuple(sorted(found, key=preference, reverse=True))


def _shape(reading: Reading) -> Hashable:
    subject = reading.subject
    return reading.suggested, subject.revision, subject.minor, subject.total


def _sender(reading: Reading) -> str:
    """The address that sent it; the name beside it varies with the mail program."""
    match = _ADDRESS.search(reading.mail.sender)
    return (match[1] if match else reading.mail.sender).lower()


def _ids(reading: Reading) -> tuple[str, ...]:
    own = reading.mail.message_id
    return (*reading.mail.references, *((own,) if own else ()))


def _marks(reading: Reading) -> Iterator[Hashable]:
    """What a mail has in common with those that were sent with it.

    A thread does not join patches without number: the second one is somebody's other idea.
    """
    if reading.subject.number is not None:
        for message_id in _ids(reading):
            yield "thread", _sender(reading), message_id
    run = _RUN.fullmatch(reading.mail.message_id or "")
    if run:
        yield "run", run[1], run[3]
    if reading.alone or reading.mail.message_id is None:
        yield ("files",)


def _family(reading: Reading) -> Iterator[Hashable]:
    """What a mail has in common with the other revisions of its series."""
    for message_id in _ids(reading):
        yield "thread", _sender(reading), message_id
    if reading.trailers.change_id:
        yield "change", reading.trailers.change_id
    yield "title", _sender(reading), reading.subject.title


def _join_unthreaded(members: Sequence[Reading], together: _Links) -> None:
    """Join numbered mails that nothing links, as quilt sends them: same sender and day, each number once."""
    open_runs: dict[Hashable, tuple[int, float, set[int]]] = {}
    alone = [places[0] for places in together.groups() if len(places) == 1]
    for sent, place in sorted((members[place].mail.sent, place) for place in alone):
        reading = members[place]
        number = reading.subject.number
        if number is None or reading.mail.references:
            continue
        key = (_sender(reading), _shape(reading))
        first, began, numbers = open_runs.get(key, (place, sent, set()))
        if number in numbers or sent - began > _DAY:
            first, began, numbers = place, sent, set()
        numbers.add(number)
        open_runs[key] = (first, began, numbers)
        together.join(first, ("unthreaded", first))
        together.join(place, ("unthreaded", first))


def _posting(group: list[Reading], lineage: int, answers: bool) -> Posting:
    covers = [reading for reading in group if reading.cover]
    patches = [reading for reading in group if not reading.cover]
    replaced: list[tuple[Reading, Reading]] = []
    if any(reading.subject.number is not None for reading in patches):
        chosen: dict[int, Reading] = {}
        for reading in sorted(patches, key=lambda reading: (reading.patch is not None, reading.mail.sent)):
            number = reading.subject.number or 0
            if number in chosen:
                replaced.append((chosen[number], reading))
            chosen[number] = reading
        numbers = tuple(sorted(chosen))
        patches = [chosen[number] for number in numbers]
    else:
        runs = [_RUN.fullmatch(reading.mail.message_id or "") for reading in patches]
        if all(runs):
            order = sorted((int(run[2]), place) for place, run in enumerate(runs) if run)
            patches = [patches[place] for _, place in order]
        numbers = tuple(range(1, len(patches) + 1))
    covers.sort(key=lambda reading: reading.mail.sent)
    replaced += [(older, covers[-1]) for older in covers[:-1]]
    said = next((reading.subject.total for reading in group if reading.subject.total), None)
    total = max(said or 0, *numbers, 0)
    cover = covers[-1] if covers else None
    return Posting(tuple(patches), numbers, total, cover, tuple(replaced), lineage, answers)


class _Links:
    """Which places are linked, directly or through others."""

    def __init__(self, count: int) -> None:
        self._parent = list(range(count))
        self._first: dict[Hashable, int] = {}

    def root(self, place: int) -> int:
        """The place that stands for all that are linked with this one."""
        while self._parent[place] != place:
            self._parent[place] = self._parent[self._parent[place]]
            place = self._parent[place]
        return place

    def join(self, place: int, mark: Hashable) -> None:
        """Link a place with all that had the same mark."""
        low, high = sorted((self.root(place), self.root(self._first.setdefault(mark, place))))
        self._parent[high] = low

    def groups(self) -> list[list[int]]:
        """The places that are linked with each other, in order."""
        found: dict[int, list[int]] = defaultdict(list)
        for place in range(len(self._parent)):
            found[self.root(place)].append(place)
        return list(found.values())
