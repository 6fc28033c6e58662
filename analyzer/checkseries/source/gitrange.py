"""The commits of a git range as a series."""

from __future__ import annotations

from checkseries.errors import InputError, TreeError
from checkseries.git import Git
from checkseries.model import Series
from checkseries.source.commits import commit_id, commits_series, listed


def gitrange(git: Git, text: str) -> tuple[str, Series]:
    """The revision that the commits of ``A..B`` stand on, as an id, and their series, oldest first.

    The revision is the merge base of both ends; a missing end is HEAD. Merges are skipped with a remark.
    Raises InputError if the text is no range, or there is no commit in it.
    """
    start, dots, end = text.partition("..")
    if not dots or end.startswith(".") or start.startswith("-"):
        raise InputError(f"{text}: not a range of commits; write A..B")
    first, last = commit_id(git, start or "HEAD"), commit_id(git, end or "HEAD")
    try:
        base = git.run("merge-base", first, last).decode().split()[0]
    except (TreeError, IndexError):
        raise InputError(f"{text}: its ends have no common history") from None
    names = listed(git, last, "^" + first)
    if not names:
        raise InputError(f"{text}: no commit in this range")
    return base, commits_series(git, names)
