"""Every labelled series on its kernel tree: what ``git apply --cached`` writes, or where it refuses, is ours."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from pathlib import Path

import pytest

from checkseries.git import Git
from checkseries.source.mailbox import Source
from checkseries.source.series import read_series
from checkseries.tree import Lineage
from checkseries.tree.apply import PatchDoesNotApplyError, apply
from checkseries.tree.repository import RepositoryTree

pytestmark = [pytest.mark.oracle, pytest.mark.corpus, pytest.mark.tree]


class Index:
    """A private index and object store on top of a repository that is never written."""

    def __init__(self, repository: Path, scratch: Path) -> None:
        objects = scratch / "objects"
        objects.mkdir()
        self.env = {
            "PATH": os.environ["PATH"],
            "HOME": os.environ.get("HOME", "/"),
            "GIT_DIR": str(repository / ".git"),
            "GIT_INDEX_FILE": str(scratch / "index"),
            "GIT_OBJECT_DIRECTORY": str(objects),
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": str(repository / ".git" / "objects"),
        }
        self.git("read-tree", "base")

    def git(self, *args: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(["git", *args], input=stdin, capture_output=True, env=self.env, check=False)

    def blobs(self, paths: list[str]) -> dict[str, str]:
        out = self.git("ls-files", "-s", "-z", "--", *paths).stdout.decode("utf-8", "surrogateescape")
        return {line.split("\t", 1)[1]: line.split()[1] for line in out.split("\0") if line}


def blob(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


@pytest.mark.parametrize("version", ["7.2", "6.12"])
def test_series_apply_as_git_applies_them(trees: Path, corpus: Path, tmp_path: Path, version: str) -> None:
    repository = trees / f"linux-{version}"
    index = json.loads((corpus / "index.json").read_text())
    cases = [case for kind in ("defects", "clean") for case in index[kind] if case["base"] == version]
    base = RepositoryTree(Git(str(repository), os.environ), "base", version)
    private = Index(repository, tmp_path)
    split = tmp_path / "split"
    split.mkdir()
    applied = refused = 0
    for case in cases:
        series = read_series([Source(str(corpus / case["dir"] / "series.mbox"))])
        now = Lineage(base).snapshots[0]
        for patch in series.patches:
            theirs = private.git(
                "apply",
                "--cached",
                "--whitespace=nowarn",
                stdin=_diff(corpus, split, case["dir"], patch.origin),
            )
            try:
                ours = apply(patch, now.peek, now.mode)
            except PatchDoesNotApplyError as error:
                assert theirs.returncode != 0, f"{case['dir']} patch {patch.number}: git applies it; {error}"
                refused += 1
                break
            assert theirs.returncode == 0, f"{case['dir']} patch {patch.number}: {theirs.stderr.decode()}"
            now = now.after(ours.changes)
            applied += 1
            blobs = private.blobs(sorted(ours.changes))
            for path, data in ours.changes.items():
                if path not in ours.binary:
                    assert (None if data is None else blob(data)) == blobs.get(path), f"{case['dir']}: {path}"
        private.git("read-tree", "base")
    print(f"{version}: {len(cases)} series, {applied} patches applied alike, {refused} refused alike")
    assert applied


def _diff(corpus: Path, split: Path, where: str, origin: str) -> bytes:
    """The diff of a mail as ``git mailinfo`` gives it: read by nobody here."""
    mailbox = corpus / where / "series.mbox"
    number = origin.rpartition("#")[2] if "#" in origin else "1"
    for old in split.iterdir():
        old.unlink()
    subprocess.run(
        ["git", "mailsplit", "--mboxrd", f"-o{split}", str(mailbox)], check=True, capture_output=True
    )
    mail = (split / f"{int(number):04d}").read_bytes()
    done = subprocess.run(
        ["git", "mailinfo", "--encoding=UTF-8", str(split / "msg"), str(split / "patch")],
        input=mail,
        check=True,
        capture_output=True,
    )
    assert done.returncode == 0
    return (split / "patch").read_bytes()
