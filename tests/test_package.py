"""However it is installed, the rules come along; and the hooks run as pre-commit runs them."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.package
TOP = Path(__file__).resolve().parents[1]
RULES = sorted(
    str(path.relative_to(TOP)) for path in (TOP / "rules").rglob("*") if path.suffix in {".py", ".toml"}
)


def run(
    *command: str, cwd: Path | None = None, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)


def clean_env(**more: str) -> dict[str, str]:
    return {
        name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "PYTHON"))
    } | more


def clone(where: Path) -> Path:
    """A clone of what is committed, with what is changed on top: that is what will be committed."""
    repository = where / "checkseries"
    assert run("git", "clone", "-q", str(TOP), str(repository), env=clean_env()).returncode == 0
    listed = run(
        "git", "-C", str(TOP), "ls-files", "-z", "--cached", "--others", "--exclude-standard", env=clean_env()
    ).stdout
    for path in filter(None, listed.split("\0")):
        source, target = TOP / path, repository / path
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.read_bytes())
            target.chmod(source.stat().st_mode)
    run("git", "-C", str(repository), "add", "-A", env=clean_env())
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.org")
    run("git", "-C", str(repository), *identity, "commit", "-qm", "state", env=clean_env())
    return repository


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return clone(tmp_path_factory.mktemp("clone"))


def rules_listed(where: Path) -> str:
    """What ``rules list`` prints of the package in a directory that is put before all others."""
    done = run(
        sys.executable, "-m", "checkseries", "rules", "list", cwd=where, env=clean_env(PYTHONPATH=str(where))
    )
    assert done.returncode == 0, done.stderr
    found = run(
        sys.executable,
        "-c",
        "import checkseries; print(checkseries.__file__)",
        cwd=where,
        env=clean_env(PYTHONPATH=str(where)),
    )
    assert str(where) in found.stdout
    return done.stdout


def pip(*args: str) -> None:
    done = run(
        sys.executable,
        "-m",
        "pip",
        "install",
        "-q",
        "--disable-pip-version-check",
        "--no-deps",
        *args,
        env=clean_env(),
    )
    assert done.returncode == 0, done.stderr


def test_wheel_and_sdist_hold_the_rules(repository: Path, tmp_path: Path) -> None:
    done = run(sys.executable, "-m", "build", "-o", str(tmp_path), str(repository), env=clean_env())
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,), (sdist,) = tmp_path.glob("*.whl"), tmp_path.glob("*.tar.gz")
    names = zipfile.ZipFile(wheel).namelist()
    assert {f"checkseries/{path}" for path in RULES} <= set(names)
    assert not [name for name in names if name.startswith(("tests/", "fixtures/", "rules/", "analyzer/"))]
    with tarfile.open(sdist) as archive:
        inside = {name.split("/", 1)[-1] for name in archive.getnames()}
    assert set(RULES) <= inside
    for kind, source in (("wheel", wheel), ("sdist", sdist)):
        target = tmp_path / kind
        pip("--target", str(target), str(source))
        assert "boot-data-stride" in rules_listed(target)


def test_from_git(repository: Path, tmp_path: Path) -> None:
    pip("--target", str(tmp_path / "git"), f"git+file://{repository}")
    assert "boot-data-stride" in rules_listed(tmp_path / "git")


def test_editable(repository: Path, tmp_path: Path) -> None:
    run(sys.executable, "-m", "venv", str(tmp_path / "venv"), env=clean_env())
    python = str(tmp_path / "venv" / "bin" / "python")
    done = run(
        python,
        "-m",
        "pip",
        "install",
        "-q",
        "--disable-pip-version-check",
        "-e",
        str(repository),
        env=clean_env(),
    )
    assert done.returncode == 0, done.stderr
    listed = run(str(tmp_path / "venv" / "bin" / "checkseries"), "rules", "list", env=clean_env())
    assert listed.returncode == 0, listed.stderr
    assert "boot-data-stride" in listed.stdout


def small_kernel(where: Path) -> Path:
    tree = where / "linux"
    (tree / "arch" / "x86").mkdir(parents=True)
    (tree / "Kconfig").write_text('source "arch/$(SRCARCH)/Kconfig"\n')
    (tree / "arch" / "x86" / "Kconfig").write_text('config X86\n\tdef_bool y\n\nconfig SMP\n\tbool "SMP"\n')
    env = clean_env(HOME=str(where), GIT_CONFIG_NOSYSTEM="1")
    for command in (
        ("init", "-q"),
        ("config", "user.name", "t"),
        ("config", "user.email", "t@example.org"),
        ("add", "-A"),
        ("commit", "-qm", "base"),
    ):
        assert run("git", "-C", str(tree), *command, env=env).returncode == 0
    return tree


def test_pre_commit_runs_the_staged_hook(repository: Path, tmp_path: Path) -> None:
    tree = small_kernel(tmp_path)
    command = (sys.executable, "-m", "pre_commit", "try-repo", str(repository), "checkseries", "--verbose")
    env = clean_env(PRE_COMMIT_HOME=str(tmp_path / "home"))
    kconfig = tree / "arch" / "x86" / "Kconfig"
    kconfig.write_text(kconfig.read_text() + '\nconfig SMT\n\tbool "SMT"\n\tdepends on SMP\n')
    run("git", "-C", str(tree), "add", "-A", env=env)
    good = run(*command, cwd=tree, env=env)
    assert good.returncode == 0, good.stdout + good.stderr
    kconfig.write_text(kconfig.read_text() + "\nconfig BAD\n\tdef_bool y\n\tselect SMT\n")
    run("git", "-C", str(tree), "add", "-A", env=env)
    bad = run(*command, cwd=tree, env=env)
    assert bad.returncode == 1, bad.stdout + bad.stderr
    assert "unmet-dependency" in bad.stdout
