"""Times the analysis of a series beside checkpatch.pl on the same patches, in one run, and prints ratios.

Whole processes, wall clock and peak memory of the process tree's largest member; medians of several runs
after one that warms the page cache.

Then what Kconfig costs: a parse of each of the four usual architectures, questions about all configurations, and
what a series that touches Kconfig takes beyond one that does not, in two processes and without a cache.
"""

from __future__ import annotations

import argparse
import difflib
import gc
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Mapping
from pathlib import Path

from checkseries.archs import USUAL
from checkseries.facts.kconfig import Model, model
from checkseries.source.mailbox import Source
from checkseries.source.series import read_series
from checkseries.tree import Snapshot
from checkseries.tree.locate import locate, open_tree

MOST_ADDED = 2.5
"""Seconds that a series which touches Kconfig may add on four architectures."""
QUESTIONS = 100


def timed(
    command: list[str],
    cwd: Path,
    environ: Mapping[str, str] | None = None,
    good: Collection[int] | None = None,
) -> tuple[float, float, int]:
    """Wall seconds, CPU seconds and peak resident MiB (largest process) of a command; its output is dropped.

    ``good`` are the exit statuses that it may have, if not all.
    """
    start = time.monotonic()
    with open(os.devnull, "w") as null:
        child = subprocess.Popen(command, cwd=cwd, env=environ, stdout=null, stderr=null)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    assert good is None or child.returncode in good, f"{command}: {child.returncode}"
    return time.monotonic() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss // 1024


def measured(name: str, command: list[str], cwd: Path, runs: int) -> float:
    """Run and print one row; returns the median wall time."""
    timed(command, cwd)
    rows = [timed(command, cwd) for _ in range(runs)]
    wall, cpu, memory = (statistics.median(column) for column in zip(*rows, strict=True))
    print(f"{name:34} {wall:7.2f} s wall {cpu:7.2f} s cpu {memory:5.0f} MiB")
    return float(wall)


def main() -> int:
    """Measure and print; returns 1 if the series took longer than --limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tree", required=True)
    parser.add_argument("--series", required=True)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--limit", type=float, help="fail if the median is over so many seconds")
    options = parser.parse_args()
    tree, series = Path(options.tree), Path(options.series)
    checkseries = str(Path(sys.executable).with_name("checkseries"))
    with tempfile.TemporaryDirectory() as scratch:
        patches = split(series, Path(scratch))
        checkpatch = [str(tree / "scripts" / "checkpatch.pl")]
        check = [
            checkseries,
            "check",
            str(series.resolve()),
            "--tree",
            str(tree.resolve()),
            "--format",
            "json",
        ]
        cold = [*check, "--no-cache"]
        whole = measured("checkseries check --no-cache", cold, Path(scratch), options.runs)
        single = measured("the same, --jobs 1", [*cold, "--jobs", "1"], Path(scratch), options.runs)
        measured("checkseries check, tree known", check, Path(scratch), options.runs)
        start = measured("checkseries --version", [checkseries, "--version"], Path(scratch), options.runs)
        kconfig(tree, checkseries, Path(scratch), options.runs)
        if not Path(checkpatch[0]).is_file():
            print("no scripts/checkpatch.pl in the tree: nothing to compare with")
            return 0
        peer = measured("checkpatch.pl, with tree", [*checkpatch, "--quiet", *patches], tree, options.runs)
    print(
        f"checkseries : checkpatch.pl = {whole / peer:.2f}; two processes : one = {whole / single:.2f}; start-up {start / whole:.0%}"
    )
    if options.limit is not None and whole > options.limit:
        print(f"over the limit of {options.limit} s")
        return 1
    return 0


def kconfig(tree: Path, checkseries: str, scratch: Path, runs: int) -> None:
    """Time what Kconfig costs, in this process and as a part of whole ones."""
    gc.disable()  # as the command does
    snapshot = Snapshot.of(open_tree(locate(str(tree), str(tree), {}), None, worktree=False, book=None))
    for arch in USUAL:
        start, used = time.monotonic(), time.process_time()
        here = model(snapshot, arch)
        wall, cpu = time.monotonic() - start, time.process_time() - used
        print(f"Kconfig of {arch:23} {wall:7.2f} s wall {cpu:7.2f} s cpu {len(here.names):6} symbols")
        if arch == USUAL[-1]:
            asked(here)
    added = {}
    for name, path, text in (
        ("without Kconfig", "lib/ctype.c", "/* More. */\n"),
        (
            "with Kconfig",
            "lib/Kconfig",
            'config BENCH_ADDED\n\tbool "added"\n\tdepends on PCI\n\tselect CRC32\n',
        ),
    ):
        mail = scratch / f"{path.replace('/', '-')}.patch"
        mail.write_text(appended(tree, path, text))
        command = [
            checkseries,
            "check",
            str(mail),
            "--tree",
            str(tree.resolve()),
            "--no-cache",
            "--jobs",
            "2",
        ]
        added[name] = measured(f"a small patch {name}", command, scratch, runs)
    more = added["with Kconfig"] - added["without Kconfig"]
    print(
        f"touching Kconfig adds {more:.2f} s on {len(USUAL)} architectures (at most {MOST_ADDED} on an idle machine)"
    )


def asked(here: Model) -> None:
    """Time questions about all configurations of one architecture."""
    dice = random.Random("questions")
    taken = []
    here.satisfiable("MODULES")  # the solver is loaded by the first one
    for name in dice.sample(here.names, QUESTIONS):
        start = time.process_time()
        here.satisfiable(f"{name} && !MODULES")
        taken.append((time.process_time() - start) * 1000)
    middle, most = statistics.median(taken), max(taken)
    print(
        f"{QUESTIONS} questions about {here.arch:11} {middle:7.2f} ms median {most:6.1f} ms at most, of cpu"
    )


def appended(tree: Path, path: str, text: str) -> str:
    """A mail with a patch that adds some lines to the end of a file of the tree."""
    old = (tree / path).read_text()
    diff = difflib.unified_diff(
        old.splitlines(keepends=True), (old + text).splitlines(keepends=True), f"a/{path}", f"b/{path}"
    )
    head = (
        "From: A <a@example.org>\nDate: Mon, 1 Jan 2024 00:00:00 +0000\nSubject: [PATCH] more\n\nMore.\n---\n"
    )
    return head + f"diff --git a/{path} b/{path}\n" + "".join(diff)


def split(series: Path, where: Path) -> list[str]:
    """The patches of a mailbox as files of their own, in order, for a tool that takes patch files."""
    count = len(read_series([Source(str(series))]).patches)
    text = series.read_bytes()
    subprocess.run(["git", "mailsplit", f"-o{where}", str(series.resolve())], check=True, capture_output=True)
    mails = sorted(path for path in where.iterdir() if path.name.isdigit())
    holding = [
        str(path)
        for path in mails
        if b"\ndiff --git" in path.read_bytes() or b"\n--- a/" in path.read_bytes()
    ]
    assert len(holding) == count, f"{len(holding)} mails with a diff, {count} patches ({len(text)} bytes)"
    return holding


if __name__ == "__main__":
    sys.exit(main())
