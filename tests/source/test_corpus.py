"""Real mails: what each one is, and which mails of a series are its patches."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from checkseries.model import Outcome
from checkseries.source.letter import read_letter
from checkseries.source.mailbox import Source, mails
from checkseries.source.series import read_series

pytestmark = pytest.mark.corpus

OUTCOMES = json.loads((Path(__file__).parent / "mail_outcomes.json").read_text())
"""File name -> outcome, number of edits, reason; each was checked by reading the mail."""


def index(corpus: Path) -> Any:
    return json.loads((corpus / "index.json").read_text())


def test_every_mail_is_what_it_is(corpus: Path) -> None:
    found = {}
    for entry in index(corpus)["mail"]:
        file = corpus / entry["file"]
        (raw,) = mails([Source(str(file))])
        reading = read_letter(raw)
        edits = reading.patch.edits if reading.patch else ()
        found[file.name] = [reading.letter.outcome.value, len(edits), reading.letter.reason]
        assert reading.letter.message_id == entry["message_id"]
    assert found == OUTCOMES


def series_of(corpus: Path) -> list[dict[str, Any]]:
    labelled = index(corpus)
    return [*labelled["defects"], *labelled["clean"]]


def test_the_patches_of_every_series(corpus: Path) -> None:
    for entry in series_of(corpus):
        series = read_series([Source(str(corpus / entry["dir"] / "series.mbox"))])
        assert [patch.message_id for patch in series.patches] == entry["message_ids"], entry["dir"]
        assert all(letter.outcome is Outcome.PATCH and not letter.reason for letter in series.letters)


def test_covers_and_answers_change_no_patch(corpus: Path) -> None:
    """With everything else of its thread in the input, a series is the same."""
    covers = answers = 0
    for entry in series_of(corpus):
        where = corpus / entry["dir"]
        names = ("cover.eml", "robot.eml", "series.mbox", "review.eml")
        series = read_series([Source(str(where / name)) for name in names if (where / name).exists()])
        assert [patch.message_id for patch in series.patches] == entry["message_ids"], entry["dir"]
        answers += sum(letter.outcome is Outcome.REPLY for letter in series.letters)
        if (where / "cover.eml").exists():
            covers += 1
            assert series.cover is not None
            assert series.cover.message_id == entry["cover"]
    assert covers > 10
    assert answers > 10


def test_all_series_in_one_box_stay_apart(corpus: Path) -> None:
    """Hundreds of mails of many authors: one series is taken, and none of another's mails are in it."""
    entries = series_of(corpus)
    series = read_series(
        [Source("all", b"\n".join((corpus / e["dir"] / "series.mbox").read_bytes() for e in entries))]
    )
    taken = [patch.message_id for patch in series.patches]
    assert taken in [entry["message_ids"] for entry in entries]
