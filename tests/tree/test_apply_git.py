"""What ``git apply --cached`` makes of a patch, and what apply() does: the same bytes, or both refuse."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from checkseries.errors import InputError
from checkseries.model import Patch
from checkseries.source.diff import edits
from checkseries.tree.apply import PatchDoesNotApplyError, apply

pytestmark = pytest.mark.oracle

_ENV = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C"}


class Scratch:
    """A git repository that holds exactly some files, in the index only."""

    def __init__(self, where: Path) -> None:
        self.where = where
        self.git("init", "-q")

    def git(self, *args: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            ["git", "-C", str(self.where), *args], input=stdin, capture_output=True, env=_ENV, check=False
        )

    def hold(self, files: dict[str, bytes]) -> None:
        self.git("read-tree", "--empty")
        lines = []
        for path, data in files.items():
            blob = self.git("hash-object", "-w", "--stdin", stdin=data).stdout.decode().strip()
            lines.append(f"100644 {blob}\t{path}\n")
        assert self.git("update-index", "--index-info", stdin="".join(lines).encode()).returncode == 0

    def files(self) -> dict[str, bytes]:
        listed = self.git("ls-files", "-s", "-z").stdout.decode().split("\0")
        found = {}
        for line in filter(None, listed):
            head, _, path = line.partition("\t")
            found[path] = self.git("cat-file", "blob", head.split()[1]).stdout
        return found

    def apply(self, diff: bytes) -> dict[str, bytes] | None:
        done = self.git("apply", "--cached", "--whitespace=nowarn", stdin=diff)
        return self.files() if done.returncode == 0 else None


def ours(files: dict[str, bytes], diff: bytes) -> dict[str, bytes] | None:
    try:
        patch = Patch(1, "", None, "", "", "", edits(diff), "test")
        applied = apply(patch, files.get)
    except (InputError, PatchDoesNotApplyError):
        return None
    after = {**files, **applied.changes}
    return {path: data for path, data in after.items() if data is not None}


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Scratch:
    return Scratch(tmp_path_factory.mktemp("git"))


# few different lines, so that hunks find more than one place to go
_LINE = st.sampled_from([b"a\n", b"b\n", b"c\n", b"}\n", b"\n", b"x\r\n", b" a\n"])
_FILE = st.lists(_LINE, max_size=14).map(b"".join)
_END = st.sampled_from([b"", b"a", b"last"])


@st.composite
def _change(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """A file and an edited state of it."""
    old = draw(st.lists(_LINE, max_size=16))
    new = list(old)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(new)))
        cut = draw(st.integers(0, 3))
        new[at : at + cut] = draw(st.lists(_LINE, max_size=3))
    return b"".join(old) + draw(_END), b"".join(new) + draw(_END)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(change=_change(), drift=_FILE, context=st.integers(0, 3), tail=_FILE, minimal=st.booleans())
def test_same_as_git(
    scratch: Scratch, change: tuple[bytes, bytes], drift: bytes, context: int, tail: bytes, minimal: bool
) -> None:
    """A diff made by git, applied to the file it was made from and to that file moved about."""
    old, new = change
    assume(old != new)
    scratch.hold({"f": old})
    before = scratch.git("write-tree").stdout.decode().strip()
    scratch.hold({"f": new})
    after = scratch.git("write-tree").stdout.decode().strip()
    algorithm = ["--minimal"] if minimal else []
    diff = scratch.git("diff-tree", "-p", f"-U{context}", *algorithm, before, after).stdout
    for text in (old, drift + old, old + tail, drift + old + tail, drift):
        scratch.hold({"f": text})
        assert ours({"f": text}, diff) == scratch.apply(diff), (text, diff)
