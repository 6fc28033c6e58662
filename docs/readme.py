"""Fills README.md with what checkseries really prints: output, options, rules. --check only compares."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from checkseries.judge.load import load, shipped

TOP = Path(__file__).resolve().parents[1]
README = TOP / "README.md"
ENV = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "COLUMNS": "80", "NO_COLOR": "1"}


def printed(*arguments: str) -> str:
    """What checkseries prints, with the time taken out of the last line."""
    command = [sys.executable, "-m", "checkseries", *arguments]
    done = subprocess.run(command, cwd=TOP, env=ENV, capture_output=True, text=True, check=False)
    if done.returncode == 2:
        raise SystemExit(f"{' '.join(arguments)}: {done.stderr}")
    return re.sub(r"\b\d+\.\d s\b", "0.1 s", done.stdout).rstrip()


def filled(text: str) -> str:
    """The README with every marked part as it is now."""

    def output(match: re.Match[str]) -> str:
        return f"<!-- output: {match[1]} -->\n```\n{printed(*match[1].split())}\n```\n<!-- end -->"

    text = re.sub(r"<!-- output: (.*?) -->\n.*?<!-- end -->", output, text, flags=re.DOTALL)
    options = f"```\n{printed('check', '--help')}\n```"
    text = _between(text, "options", options)
    rows = [
        f"| [{rule.id}](docs/rules/{rule.id}.md) | {rule.severity} | {rule.title} |"
        for rule in load([shipped()])
    ]
    return _between(
        text, "rules", "\n".join(["| rule or contract | level | what |", "| --- | --- | --- |", *rows])
    )


def _between(text: str, name: str, new: str) -> str:
    pattern = rf"<!-- {name} -->\n.*?<!-- end {name} -->"
    return re.sub(pattern, lambda _: f"<!-- {name} -->\n{new}\n<!-- end {name} -->", text, flags=re.DOTALL)


def main() -> int:
    """Write README.md, or with --check say that it differs and return 1."""
    now = README.read_text()
    wanted = filled(now)
    if "--check" in sys.argv[1:]:
        if now != wanted:
            print("README.md is not what checkseries prints; run make docs")
        return int(now != wanted)
    README.write_text(wanted)
    return 0


if __name__ == "__main__":
    sys.exit(main())
