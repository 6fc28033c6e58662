"""Every faulty variant of the real series fits the real tree, hunk by hunk, without an offset."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from checkseries.facts.asm import strides
from checkseries.tree import MemoryTree, Snapshot


def _load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"mission_{name}", Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


variants = _load("variants")
HEAD = "arch/arm64/kernel/head.S"


class Applied:
    """A repository of its own that borrows the objects of the real one: nothing is written there."""

    def __init__(self, real: Path, directory: Path) -> None:
        self.directory = directory
        base = subprocess.run(
            ["git", "-C", str(real), "rev-parse", "base^{tree}"], check=True, capture_output=True, text=True
        ).stdout.strip()
        self.git("init", "-q", "--bare", ".")
        (directory / "objects" / "info" / "alternates").write_text(f"{real / '.git' / 'objects'}\n")
        self.git("read-tree", base)
        self.base = (directory / "index").read_bytes()

    def git(self, *arguments: str, given: bytes | None = None) -> bytes:
        """What git prints; raises if it fails."""
        environment = {**os.environ, "GIT_DIR": str(self.directory), "LC_ALL": "C"}
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.directory,
            env=environment,
            check=False,
            capture_output=True,
            input=given,
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout + done.stderr

    def apply(self, mailbox: bytes) -> str:
        """Apply the patches one by one to the base; what git had to say about it."""
        (self.directory / "index").write_bytes(self.base)
        said = b""
        for mail in re.split(rb"(?m)^(?=From \S+ \w{3} \w{3} )", mailbox):
            if b"\ndiff --git " in mail:
                said += self.git("apply", "--cached", "--verbose", "-", given=mail)
        return said.decode()

    def read(self, path: str) -> bytes:
        """A file as it is now."""
        return self.git("cat-file", "blob", f":{path}")


@pytest.fixture(scope="module")
def applied(trees: Path, tmp_path_factory: pytest.TempPathFactory) -> Applied:
    """Linux 7.2, to apply patches to."""
    return Applied(trees / "linux-7.2", tmp_path_factory.mktemp("applied"))


@pytest.mark.tree
@pytest.mark.parametrize("name", ["as sent", "repaired", *variants.VARIANTS])
def test_a_variant_fits_the_tree(name: str, applied: Applied, seed_series: Path) -> None:
    sent = seed_series.read_bytes()
    mailbox = sent
    if name != "as sent":
        mailbox = variants.repaired(sent) if name == "repaired" else variants.faulty(sent, name)
    assert (mailbox != sent) == (name != "as sent")
    said = applied.apply(mailbox)
    sent_said = applied.apply(sent)
    offset = re.compile(r"Hunk #\d+ succeeded at \d+ \(offset .*\)")
    # The series was made on a tree a little older; a fault must not move anything further.
    assert set(offset.findall(said)) <= set(offset.findall(sent_said))


@pytest.mark.tree
@pytest.mark.parametrize(
    ("name", "data", "table"), [("boot-data-stride-8", 8, 8), ("mpidr-table-stride-4", 16, 4)]
)
def test_the_steps_of_head(
    name: str, data: int, table: int, applied: Applied, trees: Path, seed_series: Path
) -> None:
    applied.apply(variants.faulty(seed_series.read_bytes(), name))
    real = trees / "linux-7.2"
    files = {
        str(path.relative_to(real)): path.read_bytes()
        for path in (real / "arch/arm64/include").rglob("*.h")
        if path.is_file() and not path.is_symlink()
    }
    tree = Snapshot.of(MemoryTree({**files, HEAD: applied.read(HEAD)}))
    assert [each.bytes for each in strides(tree, "cpu_boot_data", HEAD, None)] == [data]
    assert [each.bytes for each in strides(tree, "__mpidr_to_cpuid_table", HEAD, None)] == [table]


@pytest.mark.tree
def test_a_series_that_is_another_is_refused(seed_series: Path) -> None:
    with pytest.raises(ValueError, match="does not stand once"):
        variants.faulty(seed_series.read_bytes().replace(b"x19, #4", b"x19, #5"), "boot-data-stride-8")
