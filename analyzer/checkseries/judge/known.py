"""Under which name what rules said of a whole series is kept: everything that their answers hang on.

A verdict is a pure function of the tree, the series and the rule. The same series on the same revision again, in
another format or from another hook, is therefore answered without asking.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator, Sequence

from checkseries.judge.history import History
from checkseries.judge.load import shipped
from checkseries.judge.rule import Rule
from checkseries.tree.index import key_of


def name_of(history: History, rules: Sequence[Rule], arch: str) -> bytes | None:
    """The key (16 bytes) of what some rules say of a series on an arch; None if it hangs on what cannot be named.

    That is a tree without an id, and rules of a user's own: Python, which may ask for anything.
    """
    ours = os.path.join(_real(shipped()), "")
    if history.base.lineage.base.id is None:
        return None
    if not all(rule.digest and _real(rule.origin).startswith(ours) for rule in rules):
        return None
    return key_of(_state(history), arch, *(f"{rule.id} {rule.digest}" for rule in rules))


_real = functools.cache(os.path.realpath)


@functools.lru_cache(maxsize=1)  # the same for all architectures
def _state(history: History) -> str:
    return key_of(*_parts(history, str(history.base.lineage.base.id))).hex()


def _parts(history: History, tree: str) -> Iterator[str]:
    yield "courses"
    yield tree
    yield history.base.lineage.toolchain
    yield " ".join(history.archs)
    for step in history.steps:
        yield repr(step.patch.number)
        yield repr(step.patch.edits)
        for path in step.touched:
            yield f"{path}\n{step.after.blob(path)}"
            yield repr(sorted(step.added.get(path, ())))
        yield repr(sorted(step.renames.items()))
