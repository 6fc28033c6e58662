"""The series in what the user names: its patches in their order, and what became of every mail."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from checkseries.errors import InputError
from checkseries.model import Letter, Outcome, Patch, Series, Unread
from checkseries.source.letter import Reading, read_letter
from checkseries.source.mailbox import Source, mails
from checkseries.source.postings import Posting, postings

REMARK_LIMIT = 12
"""Remarks of one kind that are made one by one."""


def read_series(sources: Sequence[Source]) -> Series:
    """The series that the sources hold: files, directories, or the bytes of standard input.

    If there are several, or several revisions of one, the newest whole one is taken, and ``remarks`` say so.
    Raises InputError if a source cannot be read or holds no patch, saying what it holds instead.
    """
    readings = [read_letter(raw) for raw in mails(sources)]
    fresh, copies = _without_copies(readings)
    found = postings(fresh)
    if not found or not any(reading.patch for reading in found[0].patches):
        raise InputError(_nothing_found(sources, readings))
    taken, aside = found[0], found[1:]
    reasons = {id(copy): f"a second copy of {first.letter.origin}" for copy, first in copies}
    for posting in found:
        for older, newer in posting.replaced:
            reasons[id(older)] = f"replaced by {newer.letter.origin}"
    for posting in aside:
        for reading in posting.readings:
            reasons[id(reading)] = _why_aside(posting, taken)
    remarks = [
        *_limited([f"{copy.letter.origin} is a second copy of {kept.letter.origin}" for copy, kept in copies]),
        *_limited([
            f"{newer.letter.origin} replaces {older.letter.origin}, which has the same number"
            for older, newer in taken.replaced
        ]),
        *_limited([_aside(posting, taken) for posting in aside if posting.patches]),
        *_gaps(taken),
    ]  # fmt: skip
    letters = tuple(
        replace(reading.letter, reason=reasons.get(id(reading), reading.letter.reason))
        for reading in readings
    )
    return _series(taken, tuple(remarks), letters)


def _limited(remarks: Sequence[str]) -> list[str]:
    more = len(remarks) - REMARK_LIMIT
    return [*remarks[:REMARK_LIMIT], *((f"... and {more} more like the last",) if more > 0 else ())]


def _without_copies(readings: Sequence[Reading]) -> tuple[list[Reading], list[tuple[Reading, Reading]]]:
    """The mails with each message id once, and the copies with the one that counts: the first undamaged one.

    Lists add footers and some recode; the same mail by way of two lists is still one patch.
    """
    best: dict[str, Reading] = {}
    for reading in readings:
        message_id = reading.mail.message_id
        if message_id and (message_id not in best or (reading.patch and not best[message_id].patch)):
            best[message_id] = reading
    fresh, copies = [], []
    for reading in readings:
        first = best.get(reading.mail.message_id or "")
        if first is None or first is reading:
            fresh.append(reading)
        else:
            copies.append((reading, first))
    return fresh, copies


def _series(taken: Posting, remarks: tuple[str, ...], letters: tuple[Letter, ...]) -> Series:
    patches = tuple(
        replace(reading.patch, number=number)
        for reading, number in zip(taken.patches, taken.numbers, strict=True)
        if reading.patch
    )
    trailers = [reading.trailers for reading in taken.readings]
    cover = taken.cover.cover if taken.cover else None
    return Series(
        name=cover.subject if cover else patches[0].subject,
        revision=taken.revision[0],
        total=taken.total,
        patches=patches,
        cover=cover,
        base_commit=next((each.base_commit for each in trailers if each.base_commit), None),
        prerequisites=tuple(dict.fromkeys(one for each in trailers for one in each.prerequisites)),
        remarks=remarks,
        letters=letters,
        unread=_unread(taken),
    )


def series_of(
    patches: Sequence[Patch], remarks: Sequence[str] = (), letters: Sequence[Letter] = ()
) -> Series:
    """The series that patches from git make up, in the order given; it may be empty."""
    return Series(
        name=patches[0].subject if patches else "",
        revision=1,
        total=len(patches),
        patches=tuple(patches),
        remarks=tuple(remarks),
        letters=tuple(letters),
    )


def _called(posting: Posting) -> str:
    revision, minor = posting.revision
    version = f"v{revision}.{minor}" if minor else f"v{revision}"
    count = len(posting.patches)
    return f"{version} of {posting.readings[0].subject.title!r} ({count} patch{'' if count == 1 else 'es'})"


_LESSER = (
    "a suggestion within a reply",
    "an answer to the series of somebody else",
    "not announced as a patch",
)


def _why_aside(posting: Posting, taken: Posting) -> str:
    if posting.rank < taken.rank:
        return _LESSER[posting.rank]
    if posting.lineage != taken.lineage:
        return "of another series"
    if posting.is_whole or posting.revision < taken.revision:
        return (
            f"of an older revision than v{taken.revision[0]}"
            if posting.revision < taken.revision
            else "older"
        )
    return (
        "of a newer revision that is not whole"
        if posting.revision > taken.revision
        else "of a posting in part"
    )


def _aside(posting: Posting, taken: Posting) -> str:
    return f"{_called(posting)} is left aside: {_why_aside(posting, taken)}"


def _gaps(taken: Posting) -> list[str]:
    """What is missing from the series."""
    if not taken.missing:
        return []
    many = len(taken.missing) > 1
    numbers = _listed(taken.missing, taken.total)
    return [f"patch{'es' if many else ''} {numbers} {'are' if many else 'is'} not in the input"]


def _unread(taken: Posting) -> tuple[Unread, ...]:
    """The patches of the series that are damaged."""
    return tuple(
        Unread(
            number, reading.subject.title, reading.letter.message_id, reading.letter.origin, reading.damage
        )
        for reading, number in zip(taken.patches, taken.numbers, strict=True)
        if reading.damage
    )


def _listed(numbers: Iterable[int], total: int) -> str:
    """``2/9, 4/9 to 6/9 and 9/9``."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    texts = []
    for run in runs:
        if len(run) > 2:
            texts.append(f"{run[0]}/{total} to {run[-1]}/{total}")
        else:
            texts += [f"{number}/{total}" for number in run]
    return texts[0] if len(texts) == 1 else ", ".join(texts[:-1]) + " and " + texts[-1]


_KINDS = {
    Outcome.COVER: "a cover letter",
    Outcome.REPLY: "a reply",
    Outcome.OTHER: "something else",
    Outcome.PATCH: "a patch",
}


def _nothing_found(sources: Sequence[Source], readings: Sequence[Reading]) -> str:
    where = ", ".join(source.name for source in sources[:3])
    where = (where or "the input") + (", ..." if len(sources) > 3 else "")
    damaged = [reading for reading in readings if reading.damage]
    if damaged:
        more = f" (and {len(damaged) - 1} more)" if len(damaged) > 1 else ""
        return f"{damaged[0].letter.origin}: the diff cannot be read: {damaged[0].damage}{more}"
    if not readings:
        return f"{where}: no mail and no diff in it"
    kinds = Counter(reading.letter.reason or _KINDS[reading.letter.outcome] for reading in readings)
    listed = ", ".join(
        kind if count == 1 else f"{count} times {kind}" for kind, count in kinds.most_common(5)
    )
    return f"{where}: no patch in it, but {listed}"
