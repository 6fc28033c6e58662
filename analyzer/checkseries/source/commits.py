"""Commits of a git repository as patches.

Only plumbing is asked, with every option that a user's configuration could change said out loud: the diff has
to be one that ``checkseries.source.diff`` reads, whatever ``diff.*`` says.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

from checkseries.errors import InputError, TreeError
from checkseries.git import Git
from checkseries.model import Edit, Letter, Outcome, Patch, Series
from checkseries.source import diff, mime
from checkseries.source.series import series_of

COMMIT_LIMIT = 2000
"""More commits than that are no series but a wrong range; the longest series posted have a few hundred."""

DIFF_OPTIONS = (
    "-p", "--full-index", "--unified=3", "--inter-hunk-context=0", "-M", "--no-color", "--no-ext-diff",
    "--no-textconv", "--no-relative", "--src-prefix=a/", "--dst-prefix=b/", "--submodule=short",
    "--ignore-submodules=none",
    "--text",  # or a .gitattributes of the tree makes any file binary, and its change unseen
)  # fmt: skip

_ANSWER = re.compile(rb"([0-9a-f]{40,64}) commit (\d+)\n")
_DIFF_OF = re.compile(rb"^([0-9a-f]{40}(?:[0-9a-f]{24})?)$", re.MULTILINE)
_AUTHOR = re.compile(r"(.*) (-?\d{1,12}) ([-+])(\d\d)(\d\d)")


@dataclass(frozen=True, slots=True)
class _Commit:
    """What a commit object says."""

    name: str
    parents: tuple[str, ...]
    author: str
    date: str
    subject: str
    message: str


def commit_id(git: Git, revision: str) -> str:
    """The full id of the commit that a revision names; raises InputError if it names none."""
    try:
        found = git.run("rev-parse", "--verify", "--quiet", "--end-of-options", revision + "^{commit}")
    except TreeError:
        raise InputError(f"{revision}: no such commit in {git.directory}") from None
    return found.decode().strip()


def empty_tree(git: Git) -> str:
    """The id of the tree without files, which every repository knows: 4b825dc6... unless ids are SHA-256."""
    return git.run("hash-object", "-t", "tree", "--stdin").decode().strip()


def parent(git: Git, commit: str) -> str:
    """The first parent of a commit; the empty tree if it has none."""
    found = git.run("rev-list", "--parents", "--max-count=1", commit, "--").decode().split()
    return found[1] if len(found) > 1 else empty_tree(git)


def listed(git: Git, *revisions: str) -> tuple[str, ...]:
    """The ids of the commits that ``git rev-list`` finds, oldest first.

    Raises InputError if there are too many.
    """
    found = (
        git.run("rev-list", "--topo-order", f"--max-count={COMMIT_LIMIT + 1}", *revisions, "--")
        .decode()
        .split()
    )
    if len(found) > COMMIT_LIMIT:
        raise InputError(f"more than {COMMIT_LIMIT} commits in {' '.join(revisions)}: that is no series")
    return tuple(reversed(found))


def commits_series(git: Git, names: Sequence[str]) -> Series:
    """The series of these commits, in their order.

    Merges and commits without changes are left out with a remark.
    """
    patches: list[Patch] = []
    letters: list[Letter] = []
    remarks: list[str] = []
    commits = _commits(git, names)
    edits = _edits(git, [commit for commit in commits if len(commit.parents) < 2])
    for commit in commits:
        if len(commit.parents) > 1:
            left_out = "a merge commit"
        elif not edits.get(commit.name):
            left_out = "a commit without changes"
        else:
            left_out = ""
            patches.append(
                Patch(
                    number=len(patches) + 1,
                    subject=commit.subject,
                    message_id=commit.name,
                    author=commit.author,
                    date=commit.date,
                    message=commit.message,
                    edits=edits[commit.name],
                    origin=commit.name,
                )
            )
        outcome = Outcome.OTHER if left_out else Outcome.PATCH
        letters.append(Letter(commit.name, commit.subject, commit.name, outcome, left_out))
        if left_out:
            remarks.append(f"{commit.name[:12]} ({commit.subject}) is skipped: {left_out}")
    return series_of(patches, remarks, letters)


def _commits(git: Git, names: Sequence[str]) -> list[_Commit]:
    answer = git.run("cat-file", "--batch", stdin="".join(name + "\n" for name in names).encode())
    found = []
    at = 0
    for name in names:
        head = _ANSWER.match(answer, at)
        if head is None or head[1].decode() != name:
            raise TreeError(f"commit {name[:12]} cannot be read in {git.directory}")
        end = head.end() + int(head[2])
        found.append(_commit(name, answer[head.end() : end]))
        at = end + 1
    return found


def _commit(name: str, data: bytes) -> _Commit:
    head, _, body = data.partition(b"\n\n")
    fields = [line.partition(b" ") for line in head.split(b"\n")]
    said = {key.decode("ascii", "replace"): value for key, _, value in reversed(fields) if key}
    charset = said.get("encoding", b"").decode("ascii", "replace").lower()
    text = mime.as_text(body, charset).strip("\n")
    title, _, message = text.partition("\n\n")
    author, date = _signed(mime.as_text(said.get("author", b""), charset))
    return _Commit(
        name=name,
        parents=tuple(value.decode() for key, _, value in fields if key == b"parent"),
        author=author,
        date=date,
        subject=" ".join(title.split()),
        message=message.strip("\n"),
    )


def _signed(line: str) -> tuple[str, str]:
    """Who, and when, from an author line; the time in the form of mail."""
    match = _AUTHOR.fullmatch(line)
    if match is None:
        return line, ""
    offset = timedelta(hours=int(match[4]), minutes=int(match[5]))
    try:
        zone = timezone(-offset if match[3] == "-" else offset)
        return match[1], format_datetime(datetime.fromtimestamp(int(match[2]), zone))
    except (ValueError, OverflowError, OSError):
        return match[1], ""


def _edits(git: Git, commits: Sequence[_Commit]) -> dict[str, tuple[Edit, ...]]:
    """The edits of each commit against its parent; one git process for all."""
    if not commits:
        return {}
    output = git.run(
        "diff-tree",
        "--stdin",
        "-r",
        "--root",
        *DIFF_OPTIONS,
        stdin="".join(c.name + "\n" for c in commits).encode(),
    )
    borders = list(
        _DIFF_OF.finditer(output)
    )  # no line of a diff is a bare id: each begins with a mark or a word
    found = {}
    for border, stop in zip(borders, [each.start() for each in borders[1:]] + [len(output)], strict=True):
        name = border[1].decode()
        found[name] = diff_edits(output[border.end() + 1 : stop], f"commit {name[:12]}")
    return found


def diff_edits(text: bytes, what: str) -> tuple[Edit, ...]:
    """The edits in a diff that git wrote; raises InputError that says of ``what``."""
    try:
        return diff.edits(text)
    except InputError as error:
        raise InputError(f"{what}: its diff cannot be read: {error}") from None
