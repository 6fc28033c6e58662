"""A revision is read as it is, whatever lies in the work tree, and nothing of the repository is written."""

from __future__ import annotations

import itertools
import os
import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkseries.errors import TreeError, UsageError
from checkseries.git import Git
from checkseries.tree import repository
from checkseries.tree.directory import DirectoryTree
from checkseries.tree.locate import locate, open_tree
from checkseries.tree.repository import RepositoryTree, _any_of

_ENV = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1"}


def git(where: Path, *args: str) -> str:
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main")
    done = subprocess.run(
        ["git", "-C", str(where), *identity, *args], capture_output=True, env=_ENV, check=True
    )
    return done.stdout.decode().strip()


@pytest.fixture
def kernel(tmp_path: Path) -> Path:
    top = tmp_path / "linux"
    (top / "arch" / "x86").mkdir(parents=True)
    for path, text in {
        "Kconfig": "source\n",
        "arch/x86/Kconfig": "x\n",
        "a.c": "kfree(x);\n",
        "b.c": "akfree\n",
    }.items():
        (top / path).write_text(text)
    (top / "link.c").symlink_to("a.c")
    git(top, "init", "-q")
    git(top, "add", "-A")
    git(top, "commit", "-qm", "base")
    return top


def opened(where: Path, revision: str = "HEAD") -> RepositoryTree:
    return RepositoryTree(Git(str(where), _ENV), revision, "linux")


def everything(where: Path) -> dict[str, tuple[int, bytes]]:
    found = {}
    for path in sorted(where.rglob("*")):
        if path.is_file() and not path.is_symlink():
            found[str(path.relative_to(where))] = (path.stat().st_mtime_ns, path.read_bytes())
    return found


def test_the_revision_wins_over_the_work_tree(kernel: Path) -> None:
    (kernel / "a.c").write_text("nothing here\n")
    (kernel / "b.c").write_text("kfree(y);\n")
    (kernel / "new.c").write_text("kfree(z);\n")
    tree = opened(kernel)
    assert tree.read("a.c") == b"kfree(x);\n"
    assert tree.read("b.c") == b"akfree\n"
    assert tree.read("new.c") is None
    assert tree.grep(["kfree", "akfree"]) == {"kfree": {"a.c"}, "akfree": {"b.c"}}


def test_a_deleted_file_is_still_there(kernel: Path) -> None:
    (kernel / "a.c").unlink()
    tree = opened(kernel)
    assert tree.read("a.c") == b"kfree(x);\n"
    assert tree.grep(["kfree"]) == {"kfree": {"a.c"}}


def test_assume_unchanged_deceives_nobody(kernel: Path) -> None:
    git(kernel, "update-index", "--assume-unchanged", "a.c")
    (kernel / "a.c").write_text("changed\n")
    tree = opened(kernel)
    assert tree.read("a.c") == b"kfree(x);\n"
    assert tree.grep(["kfree", "changed"]) == {"kfree": {"a.c"}, "changed": set()}


def test_an_older_revision(kernel: Path) -> None:
    first = git(kernel, "rev-parse", "HEAD")
    (kernel / "a.c").write_text("vfree(x);\n")
    git(kernel, "commit", "-qam", "second")
    assert opened(kernel, first).grep(["kfree", "vfree"]) == {"kfree": {"a.c"}, "vfree": set()}
    assert opened(kernel).grep(["kfree", "vfree"]) == {"kfree": set(), "vfree": {"a.c"}}


def test_links_are_not_followed(kernel: Path) -> None:
    tree = opened(kernel)
    assert tree.read("link.c") is None
    assert tree.mode("link.c") == "120000"
    (kernel / "Kconfig").unlink()
    (kernel / "Kconfig").symlink_to("/etc/passwd")
    assert tree.read("Kconfig") == b"source\n"
    assert DirectoryTree(str(kernel), "linux").read("Kconfig") is None


def test_a_bare_repository(kernel: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare.git"
    git(tmp_path, "clone", "-q", "--bare", str(kernel), str(bare))
    tree = open_tree(locate(str(bare), "/", _ENV), "HEAD")
    assert tree.read("a.c") == b"kfree(x);\n"
    assert tree.grep(["kfree", *(f"word{n}" for n in range(30))])["kfree"] == {"a.c"}


def test_a_linked_work_tree(kernel: Path, tmp_path: Path) -> None:
    linked = tmp_path / "linked"
    git(kernel, "worktree", "add", "-q", str(linked))
    assert open_tree(locate(None, str(linked / "arch"), _ENV), None).read("a.c") == b"kfree(x);\n"


def test_many_words_are_found_as_few_are(kernel: Path) -> None:
    words = ["kfree", "akfree", *(f"absent_{n}" for n in range(40))]
    tree = opened(kernel)
    assert tree.grep(words) == {**dict.fromkeys(words, frozenset()), **tree.grep(["kfree", "akfree"])}


@given(
    st.sets(st.text("ab_.é", min_size=1, max_size=5), min_size=1, max_size=20),
    st.lists(st.text("ab_.é", max_size=6), max_size=20),
)
def test_the_pattern_of_some_words_is_of_these_alone(words: set[str], others: list[str]) -> None:
    pattern = re.compile(_any_of(sorted(words)))
    for word in (*words, *others):
        assert (pattern.fullmatch(word) is not None) == (word in words)


def test_words_in_one_another_nest_no_deeper_than_a_pattern_may(kernel: Path) -> None:
    words = ["a" * length for length in range(1, 1500)]
    pattern = _any_of(words)
    deepest = max(itertools.accumulate((each == "(") - (each == ")") for each in pattern))
    assert 30 < deepest < 100
    (kernel / "a.c").write_text(f"{words[3]} {words[900]};\n")
    git(kernel, "commit", "-aqm", "words")
    found = RepositoryTree(Git(str(kernel), dict(os.environ)), "HEAD", "linux").grep(words)
    assert {word for word, paths in found.items() if "a.c" in paths} == {words[3], words[900]}


def test_nothing_is_written(kernel: Path) -> None:
    (kernel / "a.c").touch()  # a stat-dirty entry is what tempts git to refresh the index
    before = everything(kernel)
    tree = opened(kernel)
    tree.grep(["kfree"])
    tree.read("a.c")
    assert everything(kernel) == before


def test_nothing_of_the_repository_is_run(kernel: Path) -> None:
    trap = kernel.parent / "trap"
    script = kernel.parent / "run"
    script.write_text(f"#!/bin/sh\ntouch {trap}\n")
    script.chmod(0o755)
    for key in (
        "core.fsmonitor",
        "diff.external",
        "core.pager",
        "diff.x.textconv",
        "diff.x.command",
        "filter.x.clean",
    ):
        git(kernel, "config", key, str(script))
    (kernel / ".git" / "info").mkdir(exist_ok=True)
    (kernel / ".git" / "info" / "attributes").write_text("*.c diff=x filter=x\n")
    trap.unlink(missing_ok=True)
    (kernel / "a.c").write_text("other\n")
    tree = opened(kernel)
    assert tree.grep(["kfree"]) == {"kfree": {"a.c"}}
    assert not trap.exists()


def test_the_work_tree_as_it_lies(kernel: Path) -> None:
    (kernel / "a.c").write_text("vfree(x);\n")
    (kernel / "untracked.c").write_text("vfree(x);\n")
    tree = open_tree(locate(str(kernel), "/", _ENV), None, worktree=True)
    assert tree.read("a.c") == b"vfree(x);\n"
    assert tree.grep(["vfree"]) == {"vfree": {"a.c"}}


def test_a_plain_directory_inside_another_repository(kernel: Path) -> None:
    inner = kernel / "fixtures" / "tree"
    (inner / "arch").mkdir(parents=True)
    (inner / "arch" / "Kconfig").write_text("y\n")
    (inner / "Kconfig").write_text("x\n")
    tree = open_tree(locate(str(inner), "/", _ENV), None)
    assert tree.read("Kconfig") == b"x\n"


def test_bad_trees_are_one_line(kernel: Path, tmp_path: Path) -> None:
    with pytest.raises(TreeError, match="does not exist"):
        locate(str(tmp_path / "absent"), "/", _ENV)
    with pytest.raises(TreeError, match="is not a directory"):
        locate(str(kernel / "a.c"), "/", _ENV)
    with pytest.raises(TreeError, match="no revision 'v9.9'"):
        open_tree(locate(str(kernel), "/", _ENV), "v9.9")
    with pytest.raises(TreeError, match="no revision '--output=x'"):
        open_tree(locate(str(kernel), "/", _ENV), "--output=x")
    with pytest.raises(TreeError, match="no kernel tree around"):
        locate(None, str(tmp_path), _ENV)
    plain = tmp_path / "plain"
    plain.mkdir()
    (plain / "x").write_text("")
    with pytest.raises(TreeError, match="not a kernel tree"):
        open_tree(locate(str(plain), "/", _ENV), None)
    with pytest.raises(UsageError, match="not a git repository"):
        open_tree(locate(str(plain), "/", _ENV), "HEAD")


def test_a_path_may_hold_what_ends_a_line(kernel: Path) -> None:
    (kernel / "d\nl.c").write_text("zork\n")
    (kernel / "l.c").write_text("nothing\n")
    git(kernel, "add", "-A")
    git(kernel, "commit", "-qm", "odd")
    assert opened(kernel).grep(["zork"]) == {"zork": {"d\nl.c"}}


@pytest.mark.parametrize("most", [0, 2000])
def test_what_a_sparse_checkout_lacks_is_searched_too(
    kernel: Path, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(repository, "_SKIPPED", most)
    (kernel / "in").mkdir()
    (kernel / "out").mkdir()
    (kernel / "in" / "a.c").write_text("zork\n")
    (kernel / "out" / "b.c").write_text("zork\n")
    git(kernel, "add", "-A")
    git(kernel, "commit", "-qm", "two")
    git(kernel, "sparse-checkout", "set", "in")
    assert not (kernel / "out").exists()
    assert opened(kernel).grep(["zork"]) == {"zork": {"in/a.c", "out/b.c"}}


def test_a_word_longer_than_any_pattern(kernel: Path) -> None:
    word = "x" * 40_000
    (kernel / "long.c").write_text(f"{word};\n")
    git(kernel, "add", "-A")
    git(kernel, "commit", "-qm", "long")
    found = opened(kernel).grep([word, "kfree"])
    assert found[word] == {"long.c"}
    assert found["kfree"]


def test_who_works_there_meanwhile_changes_no_answer(kernel: Path) -> None:
    tree = opened(kernel)
    before = tree.grep(["kfree"])
    (kernel / "a.c").write_text("changed;\n")
    assert tree.grep(["kfree", "changed"]) == {**before, "changed": frozenset()}
