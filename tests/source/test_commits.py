"""Series from git: ranges, the index, what is about to be pushed; each compared with what git itself says."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from checkseries.errors import InputError, TreeError
from checkseries.git import Git
from checkseries.model import Change, Outcome
from checkseries.source import commits
from checkseries.source.diff import edits
from checkseries.source.gitrange import gitrange
from checkseries.source.push import push, push_lines
from checkseries.source.staged import staged

EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
ZERO = "0" * 40


class Repository:
    """A repository in a temporary directory, written by git and read through the project's own ``Git``."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(path.parent),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_AUTHOR_NAME": "A. Author",
            "GIT_AUTHOR_EMAIL": "a@example.org",
            "GIT_AUTHOR_DATE": "1770000000 +0530",
            "GIT_COMMITTER_NAME": "A. Author",
            "GIT_COMMITTER_EMAIL": "a@example.org",
            "GIT_COMMITTER_DATE": "1770000000 +0530",
        }
        path.mkdir(exist_ok=True)
        self.git("init", "-q", "-b", "main")
        self.reader = Git(str(path), self.environ, own=True)

    def git(self, *args: str, stdin: bytes = b"", good: tuple[int, ...] = (0,)) -> bytes:
        """What git prints."""
        done = subprocess.run(
            ["git", *args], cwd=self.path, input=stdin, capture_output=True, env=self.environ, check=False
        )
        assert done.returncode in good, done.stderr
        return done.stdout

    def write(self, path: str, data: bytes) -> None:
        """Write a file and stage it."""
        target = self.path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        self.git("add", "-A")

    def commit(self, message: str, **files: bytes) -> str:
        """Commit what is staged and the files given by name (``__`` for ``/``, ``_c`` for ``.c``); its id."""
        for name, data in files.items():
            self.write(name.replace("__", "/").replace("_c", ".c"), data)
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD").decode().strip()


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "repository")


# --- ranges


def test_a_range(repository: Repository) -> None:
    base = repository.commit("base", a_c=b"a\nb\n", mm__b_c=b"x\n")
    first = repository.commit(
        "a: first\nin two lines\n\nWhy.\n\nSo.\n\nSigned-off-by: A <a@x>", a_c=b"a\nc\n"
    )
    second = repository.commit("b: second", mm__b_c=b"y\n", new=b"n\n")
    found, series = gitrange(repository.reader, "HEAD~2..HEAD")
    assert found == base
    assert [(patch.number, patch.message_id, patch.origin) for patch in series.patches] == [
        (1, first, first),
        (2, second, second),
    ]
    one = series.patches[0]
    assert (one.subject, one.author) == ("a: first in two lines", "A. Author <a@example.org>")
    assert one.message == "Why.\n\nSo.\n\nSigned-off-by: A <a@x>"
    assert one.date == "Mon, 02 Feb 2026 08:10:00 +0530"
    assert [edit.path for edit in series.patches[1].edits] == ["mm/b.c", "new"]
    assert (series.name, series.total, series.remarks) == ("a: first in two lines", 2, ())
    assert [(letter.outcome, letter.reason) for letter in series.letters] == [(Outcome.PATCH, "")] * 2


def test_missing_ends_are_head(repository: Repository) -> None:
    repository.commit("base", a=b"a\n")
    repository.git("tag", "start")
    repository.commit("first", a=b"b\n")
    assert gitrange(repository.reader, "start..") == gitrange(repository.reader, "start..HEAD")
    repository.git("checkout", "-q", "start")
    assert len(gitrange(repository.reader, "..main")[1].patches) == 1


def test_merges_and_empty_commits_are_skipped_with_a_remark(repository: Repository) -> None:
    base = repository.commit("base", a=b"a\n")
    repository.git("checkout", "-q", "-b", "side")
    repository.commit("side", b=b"b\n")
    repository.git("checkout", "-q", "main")
    repository.commit("main", c=b"c\n")
    repository.git("merge", "-q", "--no-ff", "-m", "merge it", "side")
    repository.commit("nothing")
    found, series = gitrange(repository.reader, f"{base}..HEAD")
    assert found == base
    assert sorted(patch.subject for patch in series.patches) == ["main", "side"]
    assert [remark.partition("(")[2] for remark in series.remarks] == [
        "merge it) is skipped: a merge commit", "nothing) is skipped: a commit without changes",
    ]  # fmt: skip
    assert [letter.outcome for letter in series.letters].count(Outcome.OTHER) == 2


def test_the_base_is_where_the_ends_part(repository: Repository) -> None:
    base = repository.commit("base", a=b"a\n")
    repository.git("branch", "topic")
    repository.commit("ahead", b=b"b\n")
    repository.git("checkout", "-q", "topic")
    repository.commit("topic", c=b"c\n")
    found, series = gitrange(repository.reader, "main..topic")
    assert (found, [patch.subject for patch in series.patches]) == (base, ["topic"])


def test_every_kind_of_edit(repository: Repository) -> None:
    text = b"".join(b"line %d\n" % n for n in range(40))
    repository.commit(
        "base",
        gone=b"x\n",
        old__name=text,
        mode=b"x\n",
        binary=b"\0\1",
        **{"spaced name": b"x\n", "\u00e4": b"x\n"},
    )
    repository.git("mv", "old/name", "moved")
    repository.git("rm", "-q", "gone")
    repository.git("update-index", "--chmod=+x", "mode")
    os.chmod(repository.path / "mode", 0o755)
    os.symlink("mode", repository.path / "link")
    repository.commit(
        "all", binary=b"\0\2", empty=b"", moved=text + b"more", **{"spaced name": b"y\n", "\u00e4": b"y\n"}
    )
    _, series = gitrange(repository.reader, "HEAD~..HEAD")
    found = {edit.path: edit for edit in series.patches[0].edits}
    assert {path: edit.change for path, edit in found.items()} == {
        "binary": Change.MODIFY, "empty": Change.ADD, "gone": Change.DELETE, "link": Change.ADD, "mode": Change.MODIFY,
        "moved": Change.RENAME, "spaced name": Change.MODIFY, "\u00e4": Change.MODIFY,
    }  # fmt: skip
    assert not found["binary"].binary, "its bytes are known, whatever the tree's attributes say of them"
    assert (found["mode"].old_mode, found["mode"].new_mode, found["link"].new_mode) == (
        "100644",
        "100755",
        "120000",
    )
    assert found["moved"].old_path == "old/name"
    assert found["moved"].hunks[-1].lines[-1] == b"+more"


HOSTILE = (
    ("diff.noprefix", "true"), ("diff.mnemonicPrefix", "true"), ("diff.external", "false"), ("diff.context", "0"),
    ("diff.interHunkContext", "9"), ("color.ui", "always"), ("core.quotePath", "false"), ("diff.renames", "false"),
    ("diff.suppressBlankEmpty", "true"), ("diff.submodule", "log"), ("log.showSignature", "true"), ("diff.relative", "true"),
    ("i18n.logOutputEncoding", "iso-8859-1"), ("diff.orderFile", "/nonexistent"), ("core.abbrev", "4"), ("diff.algorithm", "patience"),
    ("diff.x.textconv", "false"), ("diff.x.command", "false"), ("format.pretty", "oneline"), ("diff.colorMoved", "zebra"),
)  # fmt: skip


def test_the_configuration_does_not_matter(repository: Repository) -> None:
    repository.commit("base", a_c=b"a\n\nb\nc\n", **{".gitattributes": b"*.c diff=x\n"})
    repository.commit("J\u00f6rg: it", a_c=b"a\n\nb\nd\n")
    repository.write("a.c", b"a\n\ne\nd\n")
    before = gitrange(repository.reader, "HEAD~..HEAD"), staged(repository.reader)
    for key, value in HOSTILE:
        repository.git("config", key, value)
    assert (gitrange(repository.reader, "HEAD~..HEAD"), staged(repository.reader)) == before
    assert before[0][1].name == "J\u00f6rg: it"


def test_a_commit_in_another_encoding(repository: Repository) -> None:
    repository.commit("base", a=b"a\n")
    repository.git("config", "i18n.commitEncoding", "iso-8859-1")
    repository.write("a", b"b\n")
    repository.git("commit", "-q", "-F", "-", stdin=b"J\xf6rg: it\n\nW\xe4rum.\n")
    _, series = gitrange(repository.reader, "HEAD~..HEAD")
    assert (series.name, series.patches[0].message) == ("J\u00f6rg: it", "W\u00e4rum.")


def test_the_diffs_are_those_of_format_patch(repository: Repository) -> None:
    repository.commit("base", a_c=b"1\n2\n3\n4\n5\n6\n7\n8\n9\n", b=b"x")
    repository.commit("first", a_c=b"1\n2\nx\n4\n5\n6\n7\n8\ny\n", b=b"y\n")
    repository.commit("second", c=b"z\n")
    _, series = gitrange(repository.reader, "HEAD~2..HEAD")
    for patch in series.patches:
        mail = repository.git(
            "format-patch", "-1", "--stdout", "--full-index", "--find-renames", patch.origin
        )
        assert edits(mail) == patch.edits


@pytest.mark.parametrize("text", ["HEAD", "HEAD...main", "main", "", "--all..HEAD", "-x..y", "HEAD^!"])
def test_what_is_no_range(repository: Repository, text: str) -> None:
    repository.commit("base", a=b"a\n")
    with pytest.raises(InputError, match="not a range"):
        gitrange(repository.reader, text)


def test_ranges_without_a_series(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    repository.commit("base", a=b"a\n")
    repository.commit("next", a=b"b\n")
    for text, why in (
        ("HEAD..HEAD", "no commit in this range"),
        ("nowhere..HEAD", "nowhere: no such commit"),
        ("HEAD..--all", "no such commit"),
    ):
        with pytest.raises(InputError, match=why):
            gitrange(repository.reader, text)
    repository.git("checkout", "-q", "--orphan", "alone")
    repository.commit("alone", b=b"b\n")
    with pytest.raises(InputError, match="no common history"):
        gitrange(repository.reader, "main..alone")
    monkeypatch.setattr(commits, "COMMIT_LIMIT", 0)
    with pytest.raises(InputError, match="more than 0 commits"):
        gitrange(repository.reader, "main~..main")


# --- the index


def test_nothing_staged(repository: Repository) -> None:
    repository.commit("base", a=b"a\n")
    (repository.path / "a").write_bytes(b"not staged\n")
    base, series = staged(repository.reader)
    assert (base, series.patches, series.total) == ("HEAD", (), 0)


def test_the_staged_change(repository: Repository) -> None:
    repository.commit("base", a=b"a\n")
    repository.write("a", b"b\n")
    (repository.path / "a").write_bytes(b"not staged\n")
    base, series = staged(repository.reader)
    assert base == "HEAD"
    (patch,) = series.patches
    assert (patch.number, patch.subject, patch.message_id, patch.origin) == (
        1,
        "staged change",
        None,
        "index",
    )
    assert patch.edits[0].hunks[0].lines == (b"-a\n", b"+b\n")


def test_before_the_first_commit(repository: Repository) -> None:
    assert staged(repository.reader)[1].patches == ()
    repository.write("a", b"a\n")
    base, series = staged(repository.reader)
    assert base == EMPTY_TREE
    assert [(edit.change, edit.path) for edit in series.patches[0].edits] == [(Change.ADD, "a")]


def test_the_index_that_the_caller_chose(repository: Repository) -> None:
    repository.commit("base", a=b"a\n")
    repository.write("a", b"b\n")
    repository.environ["GIT_INDEX_FILE"] = str(repository.path / ".git" / "other-index")
    repository.git("read-tree", "HEAD")
    repository.git("rm", "-q", "--cached", "a")
    own = Git(str(repository.path), repository.environ, own=True)
    assert staged(own)[1].patches[0].edits[0].change is Change.DELETE


def test_an_unfinished_merge(repository: Repository) -> None:
    repository.commit("base", a=b"a\n")
    repository.git("checkout", "-q", "-b", "side")
    repository.commit("side", a=b"b\n")
    repository.git("checkout", "-q", "main")
    repository.commit("main", a=b"c\n")
    repository.git("merge", "-q", "side", good=(1,))
    with pytest.raises(InputError, match="a is unmerged"):
        staged(repository.reader)


def test_no_repository(tmp_path: Path) -> None:
    nothing = Git(str(tmp_path), {"PATH": os.environ["PATH"], "GIT_CEILING_DIRECTORIES": str(tmp_path)})
    with pytest.raises(TreeError):
        staged(nothing)


# --- what is pushed


@pytest.fixture
def pushed(repository: Repository, tmp_path: Path) -> Repository:
    """A repository whose branch main was pushed once and has two commits since."""
    repository.commit("base", a=b"a\n")
    subprocess.run(
        ["git", "init", "-q", "--bare", str(tmp_path / "remote")], check=True, env=repository.environ
    )
    repository.git("remote", "add", "origin", str(tmp_path / "remote"))
    repository.git("push", "-q", "origin", "main")
    repository.commit("first", a=b"b\n")
    repository.commit("second", a=b"c\n")
    return repository


def test_a_known_branch(pushed: Repository) -> None:
    ids = pushed.git("rev-list", "--reverse", "main").decode().split()
    found = push_lines(pushed.reader, f"refs/heads/main {ids[2]} refs/heads/main {ids[0]}\n", "origin")
    assert [(base, [patch.subject for patch in series.patches]) for base, series in found] == [
        (ids[0], ["first", "second"])
    ]
    assert push(pushed.reader, ids[0], "main", "origin") == found
    assert push(pushed.reader, ids[2], "main", "origin") == []


@pytest.mark.parametrize("remote", ["origin", None, "https://example.org/x.git"])
def test_a_new_branch_has_what_the_remote_lacks(pushed: Repository, remote: str | None) -> None:
    ids = pushed.git("rev-list", "--reverse", "main").decode().split()
    found = push_lines(pushed.reader, f"refs/heads/x {ids[2]} refs/heads/x {ZERO}\n", remote)
    assert [(base, [patch.subject for patch in series.patches]) for base, series in found] == [
        (ids[0], ["first", "second"])
    ]
    assert push(pushed.reader, None, ids[2], remote) == found
    assert push(pushed.reader, None, ids[0], remote) == [], "it has that commit already"


def test_the_first_push_of_all(repository: Repository) -> None:
    name = repository.commit("base", a=b"a\n")
    found = push(repository.reader, None, name, "origin")
    assert [(base, [patch.subject for patch in series.patches]) for base, series in found] == [
        (EMPTY_TREE, ["base"])
    ]


def test_a_rewritten_branch(pushed: Repository) -> None:
    pushed.git("push", "-q", "origin", "main")
    remote = pushed.git("rev-parse", "main").decode().strip()
    pushed.git("reset", "-q", "--hard", "HEAD~")
    local = pushed.commit("second, again", a=b"d\n")
    ((base, series),) = push_lines(
        pushed.reader, f"refs/heads/main {local} refs/heads/main {remote}\n", "origin"
    )
    assert base == pushed.git("rev-parse", "main~").decode().strip()
    assert [patch.subject for patch in series.patches] == ["second, again"]
    rewound = pushed.git("rev-parse", "main~").decode().strip()
    assert push(pushed.reader, remote, rewound, "origin") == [], "nothing is new when a branch goes back"


def test_a_remote_commit_that_was_never_fetched(pushed: Repository) -> None:
    local = pushed.git("rev-parse", "main").decode().strip()
    found = push_lines(pushed.reader, f"refs/heads/main {local} refs/heads/main {'1' * 40}\n", "origin")
    assert [len(series.patches) for _, series in found] == [2]


def test_deletions_and_several_branches(pushed: Repository) -> None:
    ids = pushed.git("rev-list", "--reverse", "main").decode().split()
    lines = (
        f"(delete) {ZERO} refs/heads/gone {ids[0]}\n"
        f"refs/heads/main {ids[1]} refs/heads/main {ids[0]}\n"
        f"refs/heads/too {ids[1]} refs/heads/too {ids[0]}\n"
        f"refs/heads/more {ids[2]} refs/heads/more {ids[1]}\n\n"
    )
    found = push_lines(pushed.reader, lines, "origin")
    assert [[patch.subject for patch in series.patches] for _, series in found] == [["first"], ["second"]]
    assert push_lines(pushed.reader, "", "origin") == []
    assert push(pushed.reader, ids[0], ZERO, "origin") == []


@pytest.mark.parametrize(
    "line",
    ["x", "a b c d", f"refs/heads/x {ZERO} refs/heads/x", f"r {'1' * 40} r --all", f"r {'g' * 40} r {ZERO}"],
)
def test_lines_that_git_does_not_write(repository: Repository, line: str) -> None:
    with pytest.raises(InputError, match="not a line of git's pre-push hook"):
        push_lines(repository.reader, line + "\n", "origin")
    with pytest.raises(InputError, match="more than 1000 branches"):
        push_lines(repository.reader, (line + "\n") * 1001, "origin")


def test_a_branch_that_does_not_exist(repository: Repository) -> None:
    repository.commit("base", a=b"a\n")
    with pytest.raises(InputError, match="nowhere: no such commit"):
        push(repository.reader, None, "nowhere", "origin")
