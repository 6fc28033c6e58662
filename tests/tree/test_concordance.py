"""A concordance changes how long a search takes and nothing else, whatever state it is in."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checkseries.tree import concordance
from checkseries.tree.base import identifiers
from checkseries.tree.concordance import Concordance


def made(place: Path, files: Mapping[str, bytes], jobs: int = 1) -> Concordance:
    found = Concordance(str(place))
    assert found.make("1" * 40, files, lambda path: files[path], jobs)
    return found


_BYTES = st.binary(max_size=40) | st.sampled_from(
    [b"kfree(x);", b"kfree_x", b"x\x00kfree", b"\xffkfree\xff", b"9 0x9"]
)
_PATHS = st.sampled_from(["a.c", "d/a.c", "d/b.c", "d/e/a.c", "f/a.c"])


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(_PATHS, _BYTES, min_size=1), st.integers(1, 3))
def test_no_word_stands_outside_of_what_is_named(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes], jobs: int
) -> None:
    book = made(tmp_path_factory.mktemp("c"), files, jobs)
    words = {word.decode() for data in files.values() for word in identifiers(data)} | {"nowhere"}
    said = book.directories("1" * 40, words)
    for word in words:
        real = {path.rpartition("/")[0] for path, data in files.items() if word.encode() in identifiers(data)}
        assert said[word] == real, "and of so few no two have one hash"


def test_what_is_no_word_is_not_judged(tmp_path: Path) -> None:
    book = made(tmp_path, {"a.c": b"gr\xc3\xb6\xc3\x9fe a-b"})
    assert book.directories("1" * 40, ["größe", "a-b", "", "gr"]) == {"gr": {""}}
    assert book.directories("2" * 40, ["gr"]) == {}


@pytest.mark.parametrize("damage", [b"", b"no database" * 999])
def test_a_damaged_one_is_as_good_as_none(tmp_path: Path, damage: bytes) -> None:
    book = made(tmp_path, {"a.c": b"kfree"})
    Path(book._path("1" * 40)).write_bytes(damage)
    assert book.directories("1" * 40, ["kfree"]) == {}


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM directory",
        "UPDATE directory SET names = 'x'",
        "UPDATE bucket SET numbers = x'ffff'",
        "DROP TABLE bucket",
    ],
)
def test_damage_within_costs_time_alone(tmp_path: Path, change: str) -> None:
    book = made(tmp_path, {"a.c": b"kfree"})
    with sqlite3.connect(book._path("1" * 40)) as connection:
        connection.execute(change)
    connection.close()
    assert book.directories("1" * 40, ["kfree"]) == {}


def test_there_are_never_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(concordance, "KEPT", 2)
    book = Concordance(str(tmp_path))
    for number in "1234":
        assert book.make(number * 40, ["a.c"], lambda _: b"kfree", 1)
    assert len(book.trees()) == 2
    assert book.trees()[0] == "4" * 40
    assert len([*tmp_path.iterdir()]) == 2


def test_too_many_words_are_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(concordance, "_MOST_PAIRS", 2)
    assert not Concordance(str(tmp_path)).make("1" * 40, ["a.c"], lambda _: b"a b c", 1)
    assert [*tmp_path.iterdir()] == []
