"""A wordbook changes how long a search takes and nothing else, whatever state it is in."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checkseries.git import Git
from checkseries.tree import remembered
from checkseries.tree.remembered import RememberedTree, Wordbook
from checkseries.tree.repository import RepositoryTree

_ENV = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
WORDS = ("kfree", "kmalloc", "x", "nowhere", "größe")


def git(where: Path, *args: str) -> str:
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main")
    done = subprocess.run(
        ["git", "-C", str(where), *identity, *args], capture_output=True, env=_ENV, check=True
    )
    return done.stdout.decode().strip()


def commit(where: Path, files: dict[str, str]) -> None:
    for path, text in files.items():
        (where / path).write_text(text)
    git(where, "add", "-A")
    git(where, "commit", "-q", "--allow-empty", "-m", "state")


@pytest.fixture
def kernel(tmp_path: Path) -> Path:
    top = tmp_path / "linux"
    top.mkdir()
    git(top, "init", "-q")
    commit(top, {"a.c": "kfree(x);\n", "b.c": "akfree kmalloc\n", "c.c": "kmalloc(x) größe\n"})
    return top


@pytest.fixture
def book(tmp_path: Path) -> Wordbook:
    return Wordbook(str(tmp_path / "cache" / "words.sqlite"))


class Counting(RepositoryTree):
    """Counts the words that git is asked for."""

    asked: list[str]

    def grep(self, words):  # type: ignore[no-untyped-def]
        self.asked = [*getattr(self, "asked", []), *sorted(words)]
        return super().grep(words)


def opened(where: Path, book: Wordbook, revision: str = "HEAD") -> tuple[RememberedTree, Counting]:
    tree = Counting(Git(str(where), _ENV), revision, "linux")
    tree.asked = []
    return RememberedTree(tree, book), tree


def test_the_second_run_searches_for_nothing_twice(kernel: Path, book: Wordbook) -> None:
    first, asked = opened(kernel, book)
    found = first.grep(WORDS)
    assert found == RepositoryTree(Git(str(kernel), _ENV), "HEAD", "linux").grep(WORDS)
    assert set(asked.asked) == set(WORDS)
    second, asked = opened(kernel, book)
    assert second.grep(WORDS) == found
    assert asked.asked == []
    assert second.grep(("kfree", "akfree"))["akfree"] == {"b.c"}
    assert asked.asked == ["akfree"]


def test_a_revision_close_by_takes_over_what_is_known(kernel: Path, book: Wordbook) -> None:
    opened(kernel, book)[0].grep(WORDS)
    commit(kernel, {"a.c": "kmalloc(y);\n", "d.c": "kfree x\n"})
    git(kernel, "rm", "-q", "c.c")
    git(kernel, "commit", "-qm", "removed")
    tree, asked = opened(kernel, book)
    assert tree.grep(WORDS) == RepositoryTree(Git(str(kernel), _ENV), "HEAD", "linux").grep(WORDS)
    assert asked.asked == []


def test_another_repository_is_no_neighbour(kernel: Path, book: Wordbook, tmp_path: Path) -> None:
    opened(kernel, book)[0].grep(WORDS)
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "-q")
    commit(other, {"z.c": "kfree\n"})
    tree, asked = opened(other, book)
    assert tree.grep(("kfree",)) == {"kfree": {"z.c"}}
    assert asked.asked == ["kfree"]


@pytest.mark.parametrize("damage", [b"", b"not a database at all" * 100, None])
def test_a_damaged_wordbook_is_as_good_as_none(kernel: Path, tmp_path: Path, damage: bytes | None) -> None:
    path = tmp_path / "words.sqlite"
    if damage is None:
        path.mkdir()
    else:
        path.write_bytes(damage)
    book = Wordbook(str(path))
    for _ in range(3):
        tree, _asked = opened(kernel, book)
        assert tree.grep(("kfree",)) == {"kfree": {"a.c"}}
    if damage is not None:
        _, asked = opened(kernel, book)
        assert book.recall(asked.id, ("kfree",)) == {"kfree": {"a.c"}}, "it was begun anew"


def test_what_a_stranger_wrote_into_it_names_no_file_outside(kernel: Path, book: Wordbook) -> None:
    tree, asked = opened(kernel, book)
    book.enter(asked.id, {"kfree": frozenset(("../../etc/passwd", "/etc/passwd", "a.c", ""))})
    assert tree.grep(("kfree",)) == {"kfree": {"a.c"}}
    book.enter("--output=x", {"kmalloc": frozenset(("a.c",))})
    assert tree.grep(("kmalloc",)) == {"kmalloc": {"b.c", "c.c"}}


def test_it_stays_small(kernel: Path, book: Wordbook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembered, "LARGEST", 1 << 16)
    for number in range(40):
        paths = frozenset(os.urandom(16).hex() for _ in range(100))
        book.enter(f"{number:040x}", {"word": paths})
    known = book.trees()
    assert 1 < len(known) < 40
    assert known[0] == f"{39:040x}"


def test_runs_share_it(kernel: Path, book: Wordbook) -> None:
    def one(number: int) -> bool:
        tree, _ = opened(kernel, book)
        return tree.grep((f"w{number}", "kfree"))["kfree"] == {"a.c"}

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(one, range(32)))


@settings(max_examples=30, deadline=None)
@given(
    st.dictionaries(
        st.text(min_size=1, max_size=8), st.frozensets(st.text(min_size=1, max_size=20)), max_size=5
    )
)
def test_what_is_entered_is_recalled(
    tmp_path_factory: pytest.TempPathFactory, found: dict[str, frozenset[str]]
) -> None:
    found = {
        word: frozenset(path for path in paths if "\0" not in path)
        for word, paths in found.items()
        if "\0" not in word
    }
    book = Wordbook(str(tmp_path_factory.mktemp("book") / "words.sqlite"))
    book.enter("0" * 40, found)
    assert book.recall("0" * 40, found.keys()) == found
    assert book.recall("1" * 40, found.keys()) == {}


def test_nothing_is_made_until_there_is_something_to_keep(tmp_path: Path) -> None:
    book = Wordbook(str(tmp_path / "cache" / "words.sqlite"))
    assert book.recall("0" * 40, ("a",)) == {}
    assert book.trees() == ()
    assert not (tmp_path / "cache").exists()


def test_one_that_a_newer_release_wrote_otherwise(kernel: Path, tmp_path: Path) -> None:
    path = tmp_path / "words.sqlite"
    with sqlite3.connect(path) as book:
        book.execute("CREATE TABLE word (other TEXT)")
    book.close()
    assert opened(kernel, Wordbook(str(path)))[0].grep(("kfree",)) == {"kfree": {"a.c"}}


# --- with a concordance ------------------------------------------------------------------------------------


def concorded(
    where: Path, book: Wordbook, files: dict[str, str] | None = None
) -> tuple[RememberedTree, Counting]:
    """The tree as a series sees it that comes after a concordance was made, and after another commit."""
    assert opened(where, book)[0].make_concordance(2)
    if files is not None:
        commit(where, files)
    return opened(where, book)


def test_git_is_asked_only_for_what_stands_in_many_files(
    kernel: Path,
    book: Wordbook,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (kernel / "d").mkdir()
    commit(kernel, {"d/e.c": "kmalloc kzalloc"})
    real = RepositoryTree(Git(str(kernel), _ENV), "HEAD", "linux").grep([*WORDS, "kzalloc"])
    found, git_was = concorded(kernel, book)
    assert found.grep([*WORDS, "kzalloc"]) == real
    assert git_was.asked == ["größe"]
    monkeypatch.setattr(remembered, "_LOOKED_AT", 1)
    again, git_was = opened(kernel, Wordbook(str(Path(book._path).with_name("other.sqlite"))))
    assert again.grep([*WORDS, "kzalloc"]) == real
    assert git_was.asked == sorted(["größe", "kfree", "kmalloc", "x"]), "the rarest were looked up"


def test_a_tree_close_by_is_looked_up_too(kernel: Path, book: Wordbook) -> None:
    found, git_was = concorded(kernel, book, {"a.c": "nowhere", "new.c": "kfree(x)", "c.c": "kmalloc(y)"})
    said = found.grep(["kfree", "kmalloc", "x", "nowhere", "y"])
    assert git_was.asked == []
    assert said == {
        "kfree": {"new.c"}, "kmalloc": {"b.c", "c.c"}, "x": {"new.c"}, "nowhere": {"a.c"}, "y": {"c.c"},
    }  # fmt: skip


def test_a_tree_far_away_is_searched(kernel: Path, book: Wordbook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembered, "_FAR", 1)
    found, git_was = concorded(kernel, book, {"a.c": "nowhere", "new.c": "kfree(x)"})
    assert found.grep(["kfree"]) == {"kfree": {"new.c"}}
    assert git_was.asked == ["kfree"]


def test_files_that_lie_there_otherwise_are_read_as_the_revision_has_them(
    kernel: Path, book: Wordbook
) -> None:
    (kernel / "a.c").write_text("unstaged")
    (kernel / "b.c").unlink()
    found, _ = concorded(kernel, book)
    assert found.grep(["kfree", "kmalloc", "unstaged"]) == {
        "kfree": {"a.c"}, "kmalloc": {"b.c", "c.c"}, "unstaged": frozenset(),
    }  # fmt: skip


def test_one_is_made_once_searching_has_taken_as_long(kernel: Path, book: Wordbook) -> None:
    for number in range(remembered._SEARCHES):
        found = opened(kernel, book)[0]
        assert not found.wants_concordance()
        found.grep([f"word{number}"])
    found = opened(kernel, book)[0]
    assert found.wants_concordance()
    found.make_concordance(1)
    assert not found.wants_concordance()
    assert book.searches() == 0
    for number in range(remembered._SEARCHES + 1):
        opened(kernel, book)[0].grep([f"other{number}"])
    assert book.searches() == 0, "nothing is searched for any more"


def test_a_bare_repository_has_one_too(kernel: Path, book: Wordbook, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--bare", str(kernel), str(tmp_path / "bare.git"))
    found, git_was = concorded(tmp_path / "bare.git", book)
    assert found.grep(["kfree"]) == {"kfree": {"a.c"}}
    assert git_was.asked == []


def test_a_concordance_is_of_the_revision_whatever_lies_there(kernel: Path, book: Wordbook) -> None:
    found = opened(kernel, book)[0]
    found.grep(["kmalloc"])
    git(kernel, "update-index", "--assume-unchanged", "a.c")
    (kernel / "a.c").write_text("changed;\n")
    assert found.make_concordance(1)
    assert opened(kernel, book)[0].grep(["kfree", "changed"]) == {"kfree": {"a.c"}, "changed": frozenset()}
