"""The commits about to be pushed, one series for each branch."""

from __future__ import annotations

import re

from checkseries.errors import InputError
from checkseries.git import Git
from checkseries.model import Series
from checkseries.source.commits import commit_id, commits_series, listed, parent
from checkseries.source.gitrange import gitrange

_ID = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_LINE_LIMIT = 1000


def push(git: Git, start: str | None, end: str, remote: str | None) -> list[tuple[str, Series]]:
    """The base and the series of what goes from ``start``, which the remote has, to ``end``.

    ``start`` is None, or zeros, for a branch that is new on the remote: then the commits count that none of
    its branches has, as far as they were fetched. The list is empty if nothing is new or ``end`` is deleted.
    """
    if _is_zero(end):
        return []
    last = commit_id(git, end)
    if start is not None and not _is_zero(start):
        known = _known(git, start)
        if known == last:
            return []
        if known is not None:
            return [gitrange(git, f"{known}..{last}")] if listed(git, last, "^" + known) else []
    named = remote is not None and re.fullmatch(
        r"[\w.-]+", remote
    )  # git may give the address instead of a name
    names = listed(git, last, "--not", f"--remotes={remote}" if named else "--remotes")
    if not names:
        return []
    return [(parent(git, names[0]), commits_series(git, names))]


def push_lines(git: Git, text: str, remote: str | None) -> list[tuple[str, Series]]:
    """The same from the lines that git gives its pre-push hook (githooks(5)).

    Each is ``<local ref> <local id> <remote ref> <remote id>``; a local id of zeros deletes the branch, a
    remote id of zeros makes it. Raises InputError for any other line.
    """
    found: list[tuple[str, Series]] = []
    lines = [line for line in text.split("\n") if line.strip()]
    if len(lines) > _LINE_LIMIT:
        raise InputError(f"more than {_LINE_LIMIT} branches to push")
    done: set[tuple[str, str]] = set()
    for line in lines:
        words = line.split()
        if len(words) != 4 or not _ID.fullmatch(words[1]) or not _ID.fullmatch(words[3]):
            raise InputError(f"not a line of git's pre-push hook: {line[:80]!r}")
        if (words[3], words[1]) not in done:  # the same commits under two names
            done.add((words[3], words[1]))
            found += push(git, words[3], words[1], remote)
    return found


def _is_zero(name: str) -> bool:
    return bool(name) and not name.strip("0")


def _known(git: Git, start: str) -> str | None:
    """The id of what the remote has; None if it was never fetched."""
    try:
        return commit_id(git, start)
    except InputError:
        return None
