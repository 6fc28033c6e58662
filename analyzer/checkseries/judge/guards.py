"""The ``#if`` branches that a patch brings, and what stands in them."""

from __future__ import annotations

import re

from checkseries.facts.c_text import code
from checkseries.facts.presence import Branch, presence_of
from checkseries.judge.history import Step

_WORD = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_LARGEST = 2 << 20  # bytes of a file


def new_branches(step: Step, path: str) -> tuple[Branch, ...]:
    """The branches of a file whose first line a patch wrote, in a file that was there before."""
    data = step.after.peek(path)
    fresh = step.added.get(path)
    if not fresh or data is None or len(data) > _LARGEST or b"#" not in data:
        return ()
    if step.before.peek(step.renames.get(path, path)) is None:
        return ()
    lines = data.split(b"\n")
    if not any(lines[number - 1].lstrip().startswith(b"#") for number in fresh if number <= len(lines)):
        return ()
    return tuple(each for each in presence_of(data).branches if each.first - 1 in fresh)


def newly_guarded(step: Step, path: str) -> frozenset[str]:
    """The identifiers in those branches."""
    branches = new_branches(step, path)
    if not branches:
        return frozenset()
    lines = code(step.after.peek(path) or b"").plain.split("\n")
    return frozenset(
        word
        for each in branches
        for line in lines[each.first - 1 : each.last]
        for word in _WORD.findall(line)
    )
