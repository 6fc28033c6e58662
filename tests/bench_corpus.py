"""Times labelled series one after the other: never judged before, judged anew with what their files say known, again.

The first pass begins with an empty cache: the first series on a tree pay for what the later ones find there, as a
user's do. The second one has a rule of its own, so that no answer is taken over.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
from pathlib import Path

from tests.bench import timed

MEDIAN, SLOWEST, MEMORY = 1.5, 8.0, 800
"""Seconds and MiB that a series may take on two cores with the cache warm."""
OWN = """
[[contract]]
id = "bench"
title = "A contract about nothing, so that the answers are nobody else's"
why = "To be asked anew."
severity = "note"

[contract.call]
function = "no_function_of_this_name_is_anywhere"
parameters = 1
argument = { 0 = "cpu-id" }

[[contract]]
id = "bench-too"
title = "The same for what is asked of each architecture"
why = "To be asked anew."
severity = "note"

[[contract.select]]
symbol = "NO_SYMBOL_OF_THIS_NAME_IS_ANYWHERE"
archs = ["x86"]
never = true
"""


def judged(series: Path, tree: Path, cache: str, *options: str) -> tuple[float, float, int]:
    """Wall seconds, CPU seconds and peak resident MiB of judging a series; fails if it could not be judged."""
    command = [str(Path(sys.executable).with_name("checkseries")), "check", str(series), "--tree", str(tree)]
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return timed(
        [*command, "--format", "json", *options], Path(), environ | {"XDG_CACHE_HOME": cache}, good=(0, 1)
    )


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--trees", type=Path, required=True)
    parser.add_argument("--every", type=int, default=1, metavar="N", help="take every Nth series")
    options = parser.parse_args()
    index = json.loads((options.corpus / "index.json").read_text())
    cases = [case for kind in ("defects", "clean") for case in index[kind] if case["applies"] == "exact"]
    cases = cases[:: options.every]
    with tempfile.TemporaryDirectory() as scratch:
        own = Path(scratch, "own")
        own.mkdir()
        (own / "bench.toml").write_text(OWN)
        for name, more in (
            ("never judged before", ()),
            ("judged anew, cache warm", ("--rules", str(own))),
            ("the same again", ()),
        ):
            rows = [
                judged(
                    options.corpus / case["dir"] / "series.mbox",
                    options.trees / f"linux-{case['base']}",
                    scratch,
                    *more,
                )
                for case in cases
            ]
            wall, cpu, memory = zip(*rows, strict=True)
            print(
                f"{name:24} {len(rows)} series: median {statistics.median(wall):5.2f} s, slowest {max(wall):5.2f} s,"
                f" median {statistics.median(cpu):5.2f} s of cpu, {max(memory)} MiB at most",
                flush=True,
            )
    print(f"wanted with the cache warm: median {MEDIAN} s, slowest {SLOWEST} s, {MEMORY} MiB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
