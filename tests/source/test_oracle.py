"""The same as git: what git apply, mailsplit, mailinfo and format-patch make of the same bytes."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from checkseries.errors import InputError
from checkseries.model import Edit, Patch
from checkseries.source.diff import edits
from checkseries.source.letter import read_letter
from checkseries.source.mail import read_mail, read_message
from checkseries.source.mailbox import Source, mails
from checkseries.source.series import read_series

pytestmark = pytest.mark.oracle

Make = Callable[..., bytes]

ENVIRON = {
    "PATH": os.environ["PATH"], "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C",
    "GIT_AUTHOR_NAME": "J\u00f6rg A. Author", "GIT_AUTHOR_EMAIL": "a@example.org", "GIT_AUTHOR_DATE": "1770000000 +0530",
    "GIT_COMMITTER_NAME": "C", "GIT_COMMITTER_EMAIL": "c@example.org", "GIT_COMMITTER_DATE": "1770000000 +0000",
}  # fmt: skip


def git(where: Path, *args: str, stdin: bytes = b"", fails: bool = False) -> bytes:
    done = subprocess.run(
        ["git", *args], cwd=where, input=stdin, capture_output=True, env=ENVIRON, check=False
    )
    assert fails or done.returncode == 0, done.stderr
    return done.stdout if done.returncode == 0 else b""


Row = tuple[bytes, bytes, bytes]


def numstat(where: Path, text: bytes) -> list[Row]:
    """Lines added, lines removed and the path of each file, as git apply reads the diff; empty if it refuses."""
    words = git(where, "apply", "--numstat", "-z", "-", stdin=text, fails=True).split(b"\0")[:-1]
    rows: list[Row] = []
    while words:
        added, removed, path = words.pop(0).split(b"\t", 2)
        if not path:  # of a rename: the old and the new one follow
            path = words.pop(1)
            words.pop(0)
        rows.append((added, removed, path))
    return rows


def row(edit: Edit) -> Row:
    if edit.binary:
        return b"-", b"-", edit.path.encode()
    lines = [line[:1] for hunk in edit.hunks for line in hunk.lines]
    return b"%d" % lines.count(b"+"), b"%d" % lines.count(b"-"), edit.path.encode()


# --- diffs

PIECES = [
    b"diff --git a/x b/x\n", b"diff --git a/x b/x\nindex 1111..2222 100644\n--- a/x\n+++ b/x\n", b"diff --git a/x b/y\n",
    b"--- a/x\n+++ b/x\n", b"--- a/x\n", b"+++ b/x\n", b"--- /dev/null\n", b"+++ /dev/null\n", b"@@ -1,2 +1,2 @@ f\n",
    b"@@ -0,0 +1 @@\n", b"@@ -1 +0,0 @@\n", b"@@ -1 +1 @@\n-b\n+c\n", b" a\n", b"-b\n", b"+c\n", b"\n", b"\\ No newline at end of file\n",
    b"new file mode 100644\n", b"deleted file mode 100644\n", b"rename from x\nrename to y\n", b"similarity index 90%\n",
    b"old mode 100644\nnew mode 100755\n", b"old mode 100644\n", b"GIT binary patch\nliteral 4\nLcmZQzWMT#Y01f~L\n\n",
    b"Binary files a/x and b/x differ\n", b"-- \n2.43.0\n", b"Index: x\n====\n", b"text\n",
]  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=12))
def test_what_is_accepted_means_the_same_to_git_apply(tmp_path: Path, pieces: list[bytes]) -> None:
    text = b"".join(pieces)
    try:
        found = edits(text)
    except InputError:
        return
    assert [row(edit) for edit in found] == numstat(tmp_path, text)


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with one commit of every kind of change."""
    where = tmp_path_factory.mktemp("history")
    git(where, "init", "-q", "-b", "main")
    text = b"".join(b"line %d\n" % n for n in range(60))

    def commit(message: str, files: dict[str, bytes | None]) -> None:
        for path, data in files.items():
            file = where / path
            file.parent.mkdir(parents=True, exist_ok=True)
            if data is None:
                file.unlink()
            else:
                file.write_bytes(data)
        git(where, "add", "-A")
        git(where, "commit", "-q", "-F", "-", stdin=message.encode())

    commit(
        "base",
        {
            "mm/a.c": text,
            "mm/b.c": b"\tb\n" * 9,
            "crlf": b"a\r\nb\r\n",
            "bin": bytes(range(256)),
            "x y": b"1\n",
            "gone": b"g",
        },
    )
    commit(
        "a: change two places\n\nBecause.\n\n> quoted\n\nSigned-off-by: A <a@x>",
        {"mm/a.c": text.replace(b"line 3\n", b"") + b"end"},
    )
    commit(
        "J\u00f6rg: \u00e4ndern, l\u00e4nger als eine Zeile einer Kopfzeile sein d\u00fcrfte, damit sie gefaltet wird",
        {"mm/\u00e4.c": "\u00e4\n".encode()},
    )
    commit("move it", {"mm/a.c": None, "mm/moved name.c": text.replace(b"line 3\n", b"") + b"end\n"})
    commit(
        "all else\n\nFrom the beginning:\n----\n",
        {"crlf": b"a\r\nc\r\n", "bin": b"\0", "x y": b"", "gone": None, "empty": b"", "mm/b.c": b"\tb\n" * 8},
    )
    os.chmod(where / "crlf", 0o755)
    commit("mode only", {})
    return where


OPTIONS = [
    (), ("--attach",), ("--inline",), ("--cover-letter", "-v3"), ("--thread", "--from=Sender <s@example.org>"), ("--no-numbered",),
    ("--no-signature",), ("--no-prefix",), ("--full-index", "--binary"), ("--no-renames",), ("-U0",), ("--src-prefix=i/", "--dst-prefix=w/"),
    ("--subject-prefix=RFC PATCH net-next", "--no-encode-email-headers"), ("--base=main~5",), ("--function-context",), ("--keep-subject",),
]  # fmt: skip


@pytest.mark.parametrize("options", OPTIONS, ids=" ".join)
def test_mails_of_format_patch_hold_the_commits(history: Path, options: tuple[str, ...]) -> None:
    box = git(history, "format-patch", "--stdout", *options, "main~5..main")
    series = read_series([Source("box", box)])
    assert (len(series.patches), series.total, series.remarks) == (5, 5, ())
    assert series.revision == (3 if "-v3" in options else 1)
    assert (series.cover is not None) is ("--cover-letter" in options)
    assert (series.base_commit is not None) is ("--base=main~5" in options)
    for patch, name in zip(
        series.patches, git(history, "rev-list", "--reverse", "main~5..main").decode().split(), strict=True
    ):
        log = git(history, "log", "-1", "--format=%an <%ae>%n%aD%n%s%n%b", name).decode()
        author, date, subject, message = log.split("\n", 3)
        assert (patch.author, patch.date, patch.subject) == (author, date, subject)
        assert patch.message.split() == message.split()
        plain = git(
            history,
            "diff-tree",
            "-p",
            "-M",
            *(o for o in options if o in ("-U0", "--no-renames", "--function-context")),
            name,
        )
        assert [row(edit) for edit in patch.edits] == [row(edit) for edit in edits(plain)]


def test_directories_of_format_patch(history: Path, tmp_path: Path) -> None:
    git(history, "format-patch", "-q", "-N", "-o", str(tmp_path), "main~5..main")
    box = git(history, "format-patch", "--stdout", "-N", "main~5..main")
    assert [patch.edits for patch in read_series([Source(str(tmp_path))]).patches] == [
        patch.edits for patch in read_series([Source("box", box)]).patches
    ]


@pytest.mark.parametrize(
    "options", [(), ("-U0",), ("--no-prefix",), ("--binary",), ("-R",), ("--full-index", "-M")], ids=" ".join
)
def test_plain_git_diffs(history: Path, tmp_path: Path, options: tuple[str, ...]) -> None:
    text = git(history, "diff", *options, "main~5", "main")
    strip = ("-p0",) if "--no-prefix" in options else ()
    words = git(tmp_path, "apply", "--numstat", *strip, "-", stdin=text)
    assert len(edits(text)) == len(words.splitlines())
    for path in (edit.path for edit in edits(text)):
        assert path.encode() in git(
            history, "ls-tree", "-r", "-z", "--name-only", "main~5" if path in ("gone", "mm/a.c") else "main"
        )


# --- mailboxes and mails


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.lists(st.sampled_from(["x", "From here on", ">From there", ">>From", "", "From: x"]), max_size=5),
        min_size=1,
        max_size=4,
    )
)
def test_mailsplit_finds_the_same_mails(
    tmp_path_factory: pytest.TempPathFactory, bodies: list[list[str]]
) -> None:
    where = tmp_path_factory.mktemp("split")
    stored = [
        f"Subject: {n}\n\n" + "".join(_escaped(line) + "\n" for line in lines) + "\n"
        for n, lines in enumerate(bodies)
    ]
    box = "".join("From mboxrd@z Thu Jan  1 00:00:00 1970\n" + mail for mail in stored).encode()
    (where / "box").write_bytes(box)
    git(where, "mailsplit", "--mboxrd", "-o.", "box")
    theirs = [path.read_bytes().partition(b"\n")[2] for path in sorted(where.glob("0*"))]
    assert [raw.data for raw in mails([Source("box", box)])] == theirs


def _escaped(line: str) -> str:
    return ">" + line if line.lstrip(">").startswith("From ") else line


def test_scissors_are_git_s(tmp_path: Path, make_mail: Make) -> None:
    for line in ("-- >8 --", "---8<---", "8< ------", "-- >8", "- > 8 -------", "-- >8 -- cut here", "-- >8 -- please cut here now", "--- %< ---",
                 "->8->8->8", "->8->8-8<", "-------8<", "------8<", "x -------- >8", "------------ 8 >", "  -- >8 --  ", ">8>8>8>8", "- - - - >8"):  # fmt: skip
        raw = make_mail(body=f"Talk.\n{line}\nSubject: below\n\nText.\n---\n".encode())
        said = git(tmp_path, "mailinfo", "--scissors", "msg", "patch", stdin=raw)
        assert read_message(read_mail(raw)).below_scissors is (b"Subject: below" in said), line


# --- the corpus


def corpus_mails(corpus: Path) -> list[Path]:
    index = json.loads((corpus / "index.json").read_text())
    named = [corpus / entry["file"] for entry in index["mail"]]
    return named + [corpus / entry["dir"] / "series.mbox" for entry in index["defects"] + index["clean"]]


RECODED = {"218-diff-with-cr.eml", "193-base64.eml"}
"""Their lines end in CR LF below the encoding, git's headers too: git am keeps that and cannot apply them."""


@pytest.mark.corpus
def test_mailinfo_reads_the_same_patches(corpus: Path, tmp_path: Path) -> None:
    seen = 0
    for file in corpus_mails(corpus):
        for raw in mails([Source(str(file))]):
            patch = read_letter(raw).patch
            if patch is None:
                continue
            seen += 1
            said = git(tmp_path, "mailinfo", "msg", "patch", stdin=raw.data).decode()
            text = (tmp_path / "patch").read_bytes()
            _same_header(patch, said)
            assert patch.message.split() == (tmp_path / "msg").read_text().split(), raw.origin
            if file.name not in RECODED:
                assert patch.edits == edits(text), raw.origin
                assert [row(edit) for edit in patch.edits] == numstat(tmp_path, text), raw.origin
    assert seen > 300


def _same_header(patch: Patch, said: str) -> None:
    fields = dict(line.split(": ", 1) for line in said.splitlines() if ": " in line)
    match = re.fullmatch(r"(.*?) ?<(.*)>", patch.author)
    assert match is not None
    assert (match[1], match[2], patch.subject, patch.date) == (
        fields["Author"], fields["Email"], fields["Subject"], fields["Date"].strip(),
    ), patch.origin  # fmt: skip
