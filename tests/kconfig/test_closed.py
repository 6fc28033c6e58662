"""A Kconfig file reaches nothing: no file, no command, no module, no environment."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from checkseries.facts.kconfig.evaluate import Evaluation
from checkseries.facts.kconfig.symbol import KconfigError, Tree

SUCCESS = 'success = $(shell,{ $(1); } >/dev/null 2>&1 && echo "y" || echo "n")\n'

_seen: list[tuple[str, str]] | None = None
_WATCHED = (
    "open",
    "import",
    "exec",
    "os.",
    "subprocess.",
    "socket.",
    "shutil.",
    "glob.",
    "pathlib.",
    "ctypes.",
)


def _hook(event: str, arguments: tuple[object, ...]) -> None:
    if _seen is not None and event.startswith(_WATCHED):
        _seen.append((event, repr(arguments)[:200]))


sys.addaudithook(_hook)  # it cannot be taken away again, only told to look away


@pytest.fixture
def watched(kconfig: Callable[..., Tree]) -> Callable[..., Tree]:
    """A tree from texts, parsed while every touch of the outside is noted; there must be none."""
    kconfig(SUCCESS + 'config WARM\n\tdef_bool $(success,test -z "")\n')  # whatever is imported lazily

    def of(*texts: str, **files: str) -> Tree:
        global _seen  # noqa: PLW0603  # a hook cannot be taken away, only told to look away
        _seen = []
        try:
            return kconfig(*texts, **files)
        finally:
            noted, _seen = _seen, None
            assert noted == []

    return of


def test_the_watch_sees(tmp_path: Path) -> None:
    global _seen  # noqa: PLW0603  # see above
    _seen = []
    try:
        os.listdir(tmp_path)
        (tmp_path / "x").write_text("x")
    finally:
        noted, _seen = _seen, None
    assert {event for event, _ in noted} == {"os.listdir", "open"}


def test_commands_are_not_run(watched: Callable[..., Tree], tmp_path: Path) -> None:
    target = tmp_path / "touched"
    tree = watched(
        SUCCESS + f"x := $(shell,touch {target})\n"
        f'config A\n\tstring\n\tdefault "$(shell,touch {target})"\n'
        f"config B\n\tdef_bool $(success,touch {target})\n"
        f'config C\n\tdef_bool "$(shell,touch {target} && echo y)"\n$(shell,touch {target})\n'
    )
    assert not target.exists()
    assert [(each.path, each.line) for each in tree.unmodelled] == [
        ("Kconfig", 2),
        ("Kconfig", 5),
        ("Kconfig", 9),
        ("Kconfig", 10),
    ]
    assert all(str(target) in each.command for each in (*tree.unmodelled, *tree.assumed))
    assert [each.line for each in tree.assumed] == [7]
    assert Evaluation(tree).all() == {"A": "", "B": "y", "C": "n"}


def test_modules_of_the_working_directory_are_not_imported(
    watched: Callable[..., Tree], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("kconfigfunctions", "planted"):
        (tmp_path / f"{name}.py").write_text(
            "open('ran', 'w')\nfunctions = {'f': (lambda k, n: 'y', 0, 0)}\n"
        )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("KCONFIG_FUNCTIONS", "planted")
    tree = watched('config A\n\tdef_bool y\n\tdepends on "$(f)" = ""\n')
    assert Evaluation(tree).all() == {"A": "y"}
    assert not (tmp_path / "ran").exists()
    assert "planted" not in sys.modules


def test_the_environment_does_not_leak(watched: Callable[..., Tree], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SECRET", "ARCH", "srctree", "CC", "KCONFIG_WARN_UNDEF", "CONFIG_", "UNAME_RELEASE"):
        monkeypatch.setenv(name, "leaked")
    tree = watched(
        'config A\n\tstring\n\tdefault "$SECRET ${SECRET} $(SECRET) $(ARCH) $(CC) $UNAME_RELEASE"\n'
        "config B\n\tdef_bool $(SECRET)y\n"
    )
    assert Evaluation(tree).all() == {"A": "$SECRET ${SECRET}  x86 gcc $UNAME_RELEASE", "B": "y"}


def test_source_is_no_pattern(watched: Callable[..., Tree], tmp_path: Path) -> None:
    (tmp_path / "Kconfig").write_text("config OUTSIDE\n\tbool\n")
    for pattern in (f"{tmp_path}/Kconfig", f"{tmp_path}/*", "*", "sub/*", "~/Kconfig", "$HOME/Kconfig"):
        with pytest.raises(KconfigError):
            watched(f'source "{pattern}"\n', sub__Kconfig="config INSIDE\n\tbool\n")


def test_source_reads_only_what_it_is_given(kconfig: Callable[..., Tree]) -> None:
    with pytest.raises(KconfigError, match="can't open file"):
        kconfig('source "pyproject.toml"\n')


def test_kconfiglib_itself_is_left_alone() -> None:
    import kconfiglib

    assert kconfiglib.os is os
    assert kconfiglib.iglob("*") is not None
    assert kconfiglib._get_keyword("osource")
