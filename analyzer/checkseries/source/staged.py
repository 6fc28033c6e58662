"""The staged change as a series of one patch."""

from __future__ import annotations

import re

from checkseries.errors import InputError, TreeError
from checkseries.git import Git
from checkseries.model import Letter, Outcome, Patch, Series
from checkseries.source.commits import DIFF_OPTIONS, diff_edits, empty_tree
from checkseries.source.series import series_of

_UNMERGED = re.compile(rb"^\* Unmerged path (.*)$", re.MULTILINE)


def staged(git: Git) -> tuple[str, Series]:
    """What the index is compared with (``HEAD``, or the empty tree before the first commit), and the change.

    The series has no patch if nothing is staged. The index is the one that the caller of git chose
    (GIT_INDEX_FILE); only it is read, never the work tree. Raises InputError during an unfinished merge.
    """
    base = _base(git)
    output = git.run("diff-index", "--cached", *DIFF_OPTIONS, base, "--")
    unmerged = _UNMERGED.search(output)
    if unmerged:
        raise InputError(f"{unmerged[1].decode('utf-8', 'replace')} is unmerged: resolve the conflict first")
    edits = diff_edits(output, "the staged change")
    if not edits:
        return base, series_of(())
    patch = Patch(
        number=1,
        subject="staged change",
        message_id=None,
        author="",
        date="",
        message="",
        edits=edits,
        origin="index",
    )
    return base, series_of((patch,), letters=(Letter("index", patch.subject, None, Outcome.PATCH, ""),))


def _base(git: Git) -> str:
    try:
        git.run("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    except TreeError:
        git.run(
            "symbolic-ref", "--quiet", "HEAD"
        )  # a branch yet unborn; anything else is an error of its own
        return empty_tree(git)
    return "HEAD"
