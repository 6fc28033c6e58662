"""Where kernel trees and labelled series are, for the tests that need them."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest


def _directory(variable: str, what: str) -> Path:
    value = os.environ.get(variable)
    if not value:
        pytest.skip(f"{what}: ${variable} is not set")
    path = Path(value)
    if not path.is_dir():
        pytest.skip(f"{what}: {path} does not exist")
    return path


@pytest.fixture(autouse=True, scope="session")
def _cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A cache directory of the tests' own: what a user's remembers is not theirs, and shall not hide anything."""
    patch = pytest.MonkeyPatch()
    patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
    yield
    patch.undo()


@pytest.fixture(scope="session")
def trees() -> Path:
    """The directory that holds linux-7.2 and linux-6.12 as git repositories."""
    return _directory("CHECKSERIES_TREES", "kernel trees")


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The directory that holds index.json, defects/, clean/ and mail/."""
    return _directory("CHECKSERIES_CORPUS", "labelled series")


@pytest.fixture(scope="session")
def seed_series() -> Path:
    """The mailbox of the series that brings parallel bring-up to arm64."""
    path = _directory("CHECKSERIES_SERIES", "real series") / "hotplug-parallel-v1.mbox"
    if not path.is_file():
        pytest.skip(f"{path} does not exist")
    return path


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the figures that tests have recorded as properties, those of the same name added up, and words once."""
    figures: Counter[str] = Counter()
    words: dict[tuple[str, str], None] = {}
    for report in terminalreporter.getreports("passed"):
        for name, value in report.user_properties:
            if isinstance(value, int):
                figures[name] += value
            elif isinstance(value, str):
                words[name, value] = None
    if figures or words:
        terminalreporter.section("figures")
        for name in sorted(figures):
            terminalreporter.write_line(f"{figures[name]:>12,}  {name}")
        for name, value in sorted(words):
            terminalreporter.write_line(f"{value:>12}  {name}")
