"""What a file uses without a declaration: nothing in a tree that builds, and what is taken away from it."""

from __future__ import annotations

import os
import random
import re
from collections.abc import Callable

import pytest

from checkseries.facts.c_decl import arch_of
from checkseries.facts.c_mention import mentions, words_in
from checkseries.facts.include import includes
from checkseries.facts.presence import ALWAYS
from checkseries.facts.shortfall import kind, shortfall
from checkseries.facts.visible import unseen
from checkseries.tree import Snapshot

pytestmark = [pytest.mark.oracle, pytest.mark.tree]

BELOW = ("block/", "crypto/", "drivers/", "fs/", "kernel/", "lib/", "mm/", "net/", "sound/")
SEEDS = int(os.environ.get("CHECKSERIES_ORACLE_SEEDS", "1"))
FILES = 4 if SEEDS == 1 else 8


def sample(tree: Snapshot, seed: int, count: int) -> list[str]:
    paths = (path for path in tree.lineage.base.paths() if path.endswith(".c") and path.startswith(BELOW))
    return random.Random(seed).sample(sorted(paths), count)


def open_names(tree: Snapshot, path: str, arch: str) -> list[str]:
    """The names of a whole file that it may not see."""
    data = tree.peek(path) or b""
    names = words_in(data, frozenset(range(1, data.count(b"\n") + 2)))
    return [
        name
        for name in sorted(unseen(tree, path, names, arch, frozenset()))
        if mentions(data, name) and arch_of(path) is None
    ]


@pytest.mark.parametrize("arch", ["x86", "arm64"])
def test_a_tree_that_builds_lacks_nothing(
    arch: str, linux: Snapshot, record_property: Callable[[str, object], None]
) -> None:
    lacking: list[str] = []
    names = 0
    for path in sample(linux, 20261125, FILES):
        data = linux.peek(path) or b""
        names += len(words_in(data, frozenset(range(1, data.count(b"\n") + 2))))
        for name in open_names(linux, path, arch):
            short = shortfall(linux, path, name, arch)
            if short is not None and not short.doubt and kind(linux, name, short):
                lacking.append(f"{path}: {name} ({kind(linux, name, short)})")
    assert lacking == []
    record_property("names of a tree that builds, and none is said to be undeclared", names)


def test_a_header_that_is_taken_away_is_missed(
    linux: Snapshot, record_property: Callable[[str, object], None]
) -> None:
    """Without an include that alone declares something, the file lacks it: by the same judgement."""
    dice = random.Random(7)
    tried = found = 0
    for path in sample(linux, 42, 4 * FILES):
        data = linux.peek(path) or b""
        own = [each for each in includes(linux, path) if each.condition == ALWAYS and not each.quoted]
        if not own or arch_of(path):
            continue
        gone = dice.choice(own)
        pattern = rb"^[ \t]*#[ \t]*include[ \t]*<" + re.escape(gone.name.encode()) + rb">.*$"
        after = Snapshot.of(linux.lineage.base).after({path: re.sub(pattern, b"", data, flags=re.MULTILINE)})
        fresh = set(open_names(after, path, "x86")) - set(open_names(linux, path, "x86"))
        tried += 1
        found += any(
            (short := shortfall(after, path, name, "x86")) is not None and not short.doubt for name in fresh
        )
    assert tried > 10
    record_property("includes taken out of real files", tried)
    record_property("of these with names that are then said to be undeclared", found)
    assert found >= tried // 10
