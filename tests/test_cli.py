"""The command line as its users meet it: statuses, messages, streams, and what is never written or run."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from checkseries.tree.remembered import Wordbook

KCONFIG = 'source "arch/$(SRCARCH)/Kconfig"\n\nconfig BUS\n\tbool "bus"\n\nconfig DRIVER\n\tbool\n\tdepends on BUS\n'
ARCH = 'config X86\n\tdef_bool y\n\nconfig BOARD\n\tbool "board"\n'
FILES = {
    "Kconfig": KCONFIG,
    "arch/x86/Kconfig": ARCH,
    "a.c": "int park(void);\nint f(void)\n{\n\treturn park();\n}\n",
    "a.h": "int f(void);\n",
}


def git(where: Path, *args: str, env: Mapping[str, str] | None = None) -> str:
    identity = (
        "-c",
        "user.name=A U Thor",
        "-c",
        "user.email=author@example.org",
        "-c",
        "init.defaultBranch=main",
    )
    base = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(
        ["git", "-C", str(where), *identity, *args],
        capture_output=True,
        env={**base, **(env or {})},
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


@pytest.fixture
def kernel(tmp_path: Path) -> Path:
    top = tmp_path / "linux"
    for path, text in FILES.items():
        (top / path).parent.mkdir(parents=True, exist_ok=True)
        (top / path).write_text(text)
    git(top, "init", "-q")
    git(top, "add", "-A")
    git(top, "commit", "-qm", "base")
    return top


def run(*args: str, cwd: Path, stdin: bytes = b"", **env: str) -> subprocess.CompletedProcess[bytes]:
    environ = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1", **env}
    return subprocess.run(
        [sys.executable, "-m", "checkseries", *args],
        cwd=cwd,
        input=stdin,
        capture_output=True,
        env=environ,
        check=False,
    )


def commit(kernel: Path, files: Mapping[str, str], subject: str) -> None:
    for path, text in files.items():
        (kernel / path).write_text(text)
    git(kernel, "add", "-A")
    git(kernel, "commit", "-qm", subject)


BAD = ARCH + "\tselect DRIVER\n"
GOOD = ARCH + "\tselect DRIVER if BUS\n"


@pytest.fixture
def faulty(kernel: Path, tmp_path: Path) -> Path:
    """A mailbox with one patch that leaves a dependency unmet; the tree is back at its base."""
    commit(kernel, {"arch/x86/Kconfig": BAD}, "x86: select DRIVER")
    mailbox = tmp_path / "series.mbox"
    mailbox.write_text(git(kernel, "format-patch", "--stdout", "-1"))
    git(kernel, "reset", "-q", "--hard", "HEAD^")
    return mailbox


def test_findings_are_status_1(kernel: Path, faulty: Path) -> None:
    done = run("check", str(faulty), cwd=kernel)
    assert done.returncode == 1, done.stderr
    assert b"unmet-dependency" in done.stdout
    assert b"arch/x86/Kconfig:6" in done.stdout
    assert b"\x1b" not in done.stdout
    assert done.stderr == b""


def test_standard_input_and_an_explicit_tree(kernel: Path, faulty: Path, tmp_path: Path) -> None:
    done = run(
        "check", "-", "--tree", str(kernel), "--format", "terse", cwd=tmp_path, stdin=faulty.read_bytes()
    )
    assert done.returncode == 1
    assert done.stdout.startswith(b"arch/x86/Kconfig:6: ERROR: unmet-dependency: ")


@pytest.mark.parametrize(("least", "status"), [("error", 1), ("warning", 1), ("note", 1), ("never", 0)])
def test_fail_on(kernel: Path, faulty: Path, least: str, status: int) -> None:
    assert run("check", str(faulty), "--fail-on", least, cwd=kernel).returncode == status


def test_a_clean_series_is_status_0_and_says_what_was_checked(kernel: Path, tmp_path: Path) -> None:
    commit(kernel, {"arch/x86/Kconfig": GOOD}, "x86: select DRIVER")
    done = run("check", "--range", "HEAD^..HEAD", cwd=kernel)
    assert done.returncode == 0, done.stdout
    assert b"unmet-dependency" in done.stdout
    assert b"0 errors, 0 warnings" in done.stdout


def test_json_has_what_is_promised(kernel: Path, faulty: Path) -> None:
    document = json.loads(run("check", str(faulty), "--format", "json", cwd=kernel).stdout)
    assert document["version"] == 1
    assert [patch["status"] for patch in document["patches"]] == ["applied"]
    (finding,) = document["findings"]
    assert {"rule", "severity", "confidence", "patch", "repaired_by", "path", "line", "column", "symbol", "subject",
            "archs", "message", "related", "witness", "fingerprint"} <= finding.keys()  # fmt: skip
    assert (finding["patch"], finding["archs"], finding["symbol"], finding["subject"]) == (
        1,
        ["x86"],
        "BOARD",
        "DRIVER",
    )
    assert finding["witness"]["lines"] == ["CONFIG_BOARD=y"]


def test_what_does_not_apply_is_status_2_and_still_a_document(kernel: Path, faulty: Path) -> None:
    commit(kernel, {"arch/x86/Kconfig": "config X86\n\tdef_bool n\n"}, "other")
    done = run("check", str(faulty), "--format", "json", cwd=kernel)
    assert done.returncode == 2
    (patch,) = json.loads(done.stdout)["patches"]
    assert patch["status"] == "does-not-apply"
    assert "arch/x86/Kconfig: hunk 1 of 1" in patch["reason"]


def test_what_comes_before_the_failure_is_judged(kernel: Path, tmp_path: Path) -> None:
    commit(kernel, {"arch/x86/Kconfig": BAD}, "one")
    commit(kernel, {"a.c": FILES["a.c"] + "int x;\n"}, "two")
    commit(kernel, {"a.c": FILES["a.c"] + "int x;\nint y;\n"}, "three")
    series = tmp_path / "series.mbox"
    series.write_text(git(kernel, "format-patch", "--stdout", "-3"))
    git(kernel, "reset", "-q", "--hard", "HEAD~3")
    commit(kernel, {"a.c": "other\n"}, "elsewhere")
    done = run("check", str(series), "--format", "json", cwd=kernel)
    document = json.loads(done.stdout)
    assert done.returncode == 2
    assert [patch["status"] for patch in document["patches"]] == ["applied", "does-not-apply", "not-judged"]
    assert [finding["rule"] for finding in document["findings"]] == ["unmet-dependency"]


def test_already_applied_is_said(kernel: Path, faulty: Path) -> None:
    commit(kernel, {"arch/x86/Kconfig": BAD}, "taken already")
    done = run("check", str(faulty), "--format", "json", cwd=kernel)
    assert done.returncode == 0
    assert [patch["status"] for patch in json.loads(done.stdout)["patches"]] == ["already-applied"]


def test_a_directory_of_rules_that_is_not_there(kernel: Path, faulty: Path) -> None:
    done = run("check", str(faulty), "--rules", "/nonexistent", cwd=kernel)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr == b"checkseries: /nonexistent: there is no such directory of rules\n"


def test_several_architectures_are_chosen_by_name(kernel: Path, faulty: Path) -> None:
    done = run("check", str(faulty), "--arch", "x68", cwd=kernel)
    assert done.returncode == 2
    assert done.stderr.startswith(b"checkseries: --arch x68: ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["check"], "what is to be checked"),
        (["check", "absent.mbox"], "absent.mbox"),
        (["check", "a.c"], "a.c"),
        (["check", "a.c", "--range", "A..B"], "exclude each other"),
        (["check", "--range", "nowhere..HEAD"], "nowhere"),
        (["check", "a.c", "--tree", "/nonexistent"], "--tree /nonexistent: does not exist"),
        (["check", "a.c", "--tree", "a.c"], "is not a directory"),
        (["check", "a.c", "--fail-on", "fatal"], "invalid choice"),
        (["check", "a.c", "--jobs", "0"], "no number from 1 to 64"),
        (["chekc"], "invalid choice"),
        ([], "required"),
        (["kconfig"], "which symbols"),
        (["kconfig", "SMP", "--arch", "z80"], "--arch z80"),
        (["kconfig", "--implies", "BUS &&", "BOARD"], "BUS &&"),
        (["rules", "show", "unmet-dependencie"], "did you mean unmet-dependency"),
        (["rules", "test", "absent.toml"], "no such file"),
    ],
)
def test_bad_usage_is_one_line_and_status_2(kernel: Path, arguments: list[str], message: str) -> None:
    done = run(*arguments, cwd=kernel)
    assert done.returncode == 2, (done.stdout, done.stderr)
    (line,) = done.stderr.decode().splitlines()
    assert line.startswith("checkseries: ")
    assert message in line
    assert done.stdout == b""


def test_no_kernel_tree_around(tmp_path: Path, faulty: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    done = run("check", str(faulty), cwd=empty)
    assert done.returncode == 2
    assert b"no kernel tree around" in done.stderr


def test_an_output_file_and_colour(kernel: Path, faulty: Path, tmp_path: Path) -> None:
    target = tmp_path / "report.txt"
    assert run("check", str(faulty), "--output", str(target), cwd=kernel, FORCE_COLOR="1").returncode == 1
    assert b"\x1b" not in target.read_bytes()
    assert b"\x1b[" in run("check", str(faulty), "--color", "always", cwd=kernel, NO_COLOR="1").stdout
    assert b"\x1b[" in run("check", str(faulty), cwd=kernel, FORCE_COLOR="1").stdout
    assert b"\x1b" not in run("check", str(faulty), cwd=kernel, FORCE_COLOR="1", NO_COLOR="1").stdout
    done = run("check", str(faulty), "--output", "/nonexistent/file", cwd=kernel)
    assert done.returncode == 2
    assert done.stderr.startswith(b"checkseries: --output /nonexistent/file: ")


def test_lines_fit_the_terminal(kernel: Path, faulty: Path) -> None:
    for width in (60, 80, 120):
        lines = run("check", str(faulty), cwd=kernel, COLUMNS=str(width)).stdout.decode().splitlines()
        assert max(map(len, lines)) <= width


# --- staged and push


def test_staged(kernel: Path) -> None:
    assert run("staged", cwd=kernel).returncode == 0
    (kernel / "arch/x86/Kconfig").write_text(BAD)
    assert run("staged", cwd=kernel).returncode == 0, "what is not staged does not count"
    git(kernel, "add", "-A")
    (kernel / "arch/x86/Kconfig").write_text(ARCH)
    done = run("staged", "--format", "terse", cwd=kernel)
    assert done.returncode == 1
    assert b"unmet-dependency" in done.stdout


def test_staged_through_the_index_of_a_running_commit(kernel: Path) -> None:
    """``git commit -a`` gives its hook an index of its own, beside the user's."""
    other = kernel / ".git" / "next-index-1.lock"
    shutil.copy(kernel / ".git" / "index", other)
    (kernel / "arch/x86/Kconfig").write_text(BAD)
    git(kernel, "add", "-A", env={"GIT_INDEX_FILE": str(other)})
    assert run("staged", cwd=kernel).returncode == 0
    for name in (str(other), ".git/next-index-1.lock"):
        assert run("staged", cwd=kernel, GIT_INDEX_FILE=name, GIT_DIR=".git").returncode == 1


def test_staged_before_the_first_commit(tmp_path: Path) -> None:
    top = tmp_path / "new"
    for path, text in FILES.items():
        (top / path).parent.mkdir(parents=True, exist_ok=True)
        (top / path).write_text(text)
    git(top, "init", "-q")
    git(top, "add", "-A")
    done = run("staged", cwd=top)
    assert done.returncode == 0, done.stderr


def test_staged_in_a_linked_work_tree(kernel: Path, tmp_path: Path) -> None:
    linked = tmp_path / "linked"
    git(kernel, "worktree", "add", "-q", str(linked))
    (linked / "arch/x86/Kconfig").write_text(BAD)
    git(linked, "add", "-A")
    assert run("staged", cwd=linked / "arch").returncode == 1
    assert run("staged", cwd=kernel).returncode == 0


def test_push_by_pre_commit_and_by_git(kernel: Path) -> None:
    base = git(kernel, "rev-parse", "HEAD").strip()
    commit(kernel, {"arch/x86/Kconfig": BAD}, "x86: select DRIVER")
    head = git(kernel, "rev-parse", "HEAD").strip()
    assert run("push", cwd=kernel, PRE_COMMIT_FROM_REF=base, PRE_COMMIT_TO_REF=head).returncode == 1
    line = f"refs/heads/main {head} refs/heads/main {base}\n".encode()
    assert run("push", "origin", "url", cwd=kernel, stdin=line).returncode == 1
    deleted = f"(delete) {'0' * 40} refs/heads/main {base}\n".encode()
    assert run("push", "origin", "url", cwd=kernel, stdin=deleted).returncode == 0
    assert run("push", "origin", "url", cwd=kernel, stdin=b"nonsense\n").returncode == 2


# --- kconfig and rules


def test_kconfig_tables(kernel: Path) -> None:
    done = run("kconfig", "CONFIG_DRIVER", "BUS", "--implies", "DRIVER", "BUS", cwd=kernel)
    assert done.returncode == 0, done.stderr
    assert b"DRIVER" in done.stdout
    document = json.loads(run("kconfig", "DRIVER", "BUS", "--format", "json", cwd=kernel).stdout)
    rows = {row["symbol"]: row["can_be_y"] for table in document["tables"] for row in table["rows"]}
    assert rows == {"DRIVER": False, "BUS": True}


def test_rules_are_listed_shown_and_tested(kernel: Path, tmp_path: Path) -> None:
    listed = run("rules", "list", cwd=kernel).stdout.decode()
    assert "unmet-dependency" in listed
    shown = run("rules", "show", "unmet-dependency", cwd=kernel).stdout.decode()
    assert "Why:" in shown
    contract = tmp_path / "own.toml"
    text = (
        '[[contract]]\nid = "own"\ntitle = "BOARD comes with BUS"\nwhy = "it hangs on it"\n'
        '[[contract.select]]\nsymbol = "BUS"\narchs = ["x86"]\nalways-with = "BOARD"\n'
        '[contract.tree]\nKconfig = """source "arch/x86/Kconfig"\nconfig BUS\n\tbool\n"""\n"arch/x86/Kconfig" = ""\n'
        '[[contract.good]]\nfiles."arch/x86/Kconfig" = "config BOARD\\n\\tbool \\"b\\"\\n\\tselect BUS\\n"\n'
        '[[contract.bad]]\nfinds = ["FOUND"]\nfiles."arch/x86/Kconfig" = "config BOARD\\n\\tbool \\"b\\"\\n"\n'
    )
    contract.write_text(text.replace("FOUND", "Kconfig:2"))
    assert run("rules", "test", str(contract), cwd=kernel).returncode == 0
    contract.write_text(text.replace("FOUND", "Kconfig:1"))
    failed = run("rules", "test", str(contract), cwd=kernel)
    assert failed.returncode == 1
    assert b"found besides" in failed.stdout


def test_a_directory_of_own_rules(kernel: Path, faulty: Path, tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "board.toml").write_text(
        '[[contract]]\nid = "board-never"\ntitle = "no boards"\nwhy = "because"\n'
        '[[contract.select]]\nsymbol = "DRIVER"\narchs = ["x86"]\nnever = true\n'
    )
    done = run("check", str(faulty), "--rules", str(own), "--format", "json", cwd=kernel)
    assert {finding["rule"] for finding in json.loads(done.stdout)["findings"]} == {
        "board-never",
        "unmet-dependency",
    }


def test_a_rule_that_fails_is_named_and_hides_no_other(kernel: Path, faulty: Path, tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "broken.py").write_text(
        '"""Always fails.\n\nWhy: to be seen.\n"""\n'
        "from checkseries.judge.rule import Subject, rule\nfrom checkseries.model import Confidence, Severity\n"
        '@rule("broken", severity=Severity.NOTE, confidence=Confidence.LOW, since="0", subjects=lambda h, a: [Subject("x")])\n'
        'def check(tree, subject):\n    raise ValueError("out of luck")\n    yield\n'
    )
    done = run("check", str(faulty), "--rules", str(own), "--format", "json", cwd=kernel)
    document = json.loads(done.stdout)
    assert done.returncode == 2
    assert [(skipped["rule"], skipped["failure"]) for skipped in document["skipped"]] == [("broken", True)]
    assert "out of luck" in document["skipped"][0]["reason"]
    assert [finding["rule"] for finding in document["findings"]] == ["unmet-dependency"]


# --- what is never written or run


def everything(where: Path) -> dict[str, tuple[int, bytes]]:
    return {
        str(path.relative_to(where)): (path.stat().st_mtime_ns, path.read_bytes())
        for path in sorted(where.rglob("*"))
        if path.is_file()
    }


def test_nothing_of_the_tree_the_index_or_the_objects_is_written(kernel: Path, faulty: Path) -> None:
    (kernel / "a.c").touch()
    before = everything(kernel)
    run("check", str(faulty), cwd=kernel)
    run("staged", cwd=kernel)
    run("kconfig", "BUS", cwd=kernel)
    assert everything(kernel) == before


AUDIT = """
import sys
def hook(event, args):
    if event in ("os.system", "os.exec", "os.posix_spawn", "os.spawn", "pty.spawn"):
        print("RAN", event, args, file=sys.stderr)
    if event == "subprocess.Popen" and args[1][0] != "git":
        print("RAN", args[1], file=sys.stderr)
    if event == "open" and isinstance(args[0], str) and ("kconfigfunctions" in args[0] or ".checkseries" in args[0]):
        print("OPENED", args[0], file=sys.stderr)
sys.addaudithook(hook)
from checkseries.cli import main
sys.exit(main(sys.argv[1:]))
"""


def test_nothing_of_a_patch_is_run(kernel: Path, tmp_path: Path) -> None:
    (kernel / "rules").mkdir()
    trap = tmp_path / "trap"
    commit(
        kernel,
        {
            "Kconfig": KCONFIG
            + f'\nTRAP := $(shell,touch {trap})\n\nconfig TRAPPED\n\tdef_bool "$(success,touch {trap})"\n\tdefault y if "$(shell,touch {trap})" = ""\n',
            "kconfigfunctions.py": f"open({str(trap)!r}, 'w')\n",
            "sitecustomize.py": f"open({str(trap)!r}, 'w')\n",
            ".checkseries.toml": 'rules = ["rules"]\n',
            "rules/own.py": f"open({str(trap)!r}, 'w')\n",
        },
        "trap",
    )
    done = subprocess.run(
        [sys.executable, "-c", AUDIT, "check", "--range", "HEAD^..HEAD", "--jobs", "1", "--format", "json"],
        cwd=kernel,
        env={
            "PATH": os.environ["PATH"],
            "HOME": "/nonexistent",
            "PYTHONSAFEPATH": "1",
            "KCONFIG_FUNCTIONS": "kconfigfunctions",
        },
        capture_output=True,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    assert b"RAN" not in done.stderr
    assert b"OPENED" not in done.stderr
    assert not trap.exists()


def test_control_characters_of_a_series_never_reach_the_terminal(kernel: Path, faulty: Path) -> None:
    hostile = faulty.read_bytes().replace(
        b"x86: select DRIVER", b"x86: \x1b[2Jselect\x07 \xe2\x80\xae DRIVER"
    )
    for form in ("text", "json", "sarif", "terse"):
        out = run("check", "-", "--format", form, cwd=kernel, stdin=hostile)
        assert out.returncode == 1
        for raw in (b"\x1b", b"\x07", "\u202e".encode()):
            assert raw not in out.stdout


def test_a_name_that_nothing_defines_is_no_proof(kernel: Path) -> None:
    for arguments in (["BORAD"], ["--implies", "BORAD", "BUS"], ["--implies", "BUS", "BOARD && BORAD"]):
        done = run("kconfig", *arguments, cwd=kernel)
        assert (done.returncode, done.stdout) == (2, b"")
        assert b"did you mean BOARD?" in done.stderr


def test_attributes_of_the_tree_hide_nothing(kernel: Path) -> None:
    (kernel / ".gitattributes").write_text("* -diff -text binary\n")
    git(kernel, "add", "-A")
    git(kernel, "commit", "-qm", "attributes")
    commit(kernel, {"arch/x86/Kconfig": BAD}, "x86: select DRIVER")
    assert run("check", "--range", "HEAD^..HEAD", cwd=kernel).returncode == 1
    (kernel / "arch/x86/Kconfig").write_text(ARCH + "\tselect NOWHERE_DEFINED\n")
    git(kernel, "add", "-A")
    assert run("staged", cwd=kernel).returncode == 1


def test_a_source_file_as_a_binary_patch_is_not_clean(kernel: Path, tmp_path: Path) -> None:
    (kernel / ".gitattributes").write_text("* -diff\n")
    git(kernel, "add", "-A")
    git(kernel, "commit", "-qm", "attributes")
    commit(kernel, {"arch/x86/Kconfig": BAD}, "x86: select DRIVER")
    mailbox = tmp_path / "binary.mbox"
    mailbox.write_text(git(kernel, "format-patch", "--stdout", "-1"))
    git(kernel, "reset", "-q", "--hard", "HEAD^")
    done = run("check", str(mailbox), cwd=kernel)
    assert done.returncode == 2
    assert b"binary patch" in done.stdout


def test_a_repository_that_git_refuses_is_not_read_as_a_directory(kernel: Path, faulty: Path) -> None:
    done = run("check", str(faulty), cwd=kernel, GIT_DIR="/nonexistent")
    assert done.returncode == 2
    assert b"/nonexistent" in done.stderr


def test_the_words_of_a_tree_are_read_beforehand(kernel: Path, tmp_path: Path) -> None:
    cache = str(tmp_path / "cache")
    done = run("index", "--tree", str(kernel), cwd=tmp_path, XDG_CACHE_HOME=cache)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"no search of it takes long" in done.stdout
    assert [*(tmp_path / "cache" / "checkseries").glob("tree-1-*.sqlite")]
    for args, said in (
        (("--no-cache",), b"--no-cache forbids it"),
        (("--tree", "nowhere"), b"does not exist"),
    ):
        done = run(
            "index",
            *(args if "--tree" in args else ("--tree", str(kernel), *args)),
            cwd=tmp_path,
            XDG_CACHE_HOME=cache,
        )
        assert (done.returncode, done.stdout) == (2, b"")
        assert said in done.stderr
    shutil.rmtree(kernel / ".git")
    done = run("index", "--tree", str(kernel), cwd=tmp_path, XDG_CACHE_HOME=cache)
    assert done.returncode == 2
    assert b"is no git repository" in done.stderr


def test_words_are_read_once_that_takes_no_longer_than_searching_did(kernel: Path, tmp_path: Path) -> None:
    place = tmp_path / "cache" / "checkseries"
    book = Wordbook(str(place / "words-1.sqlite"))
    for _ in range(4):
        book.count()
    (kernel / "a.c").write_text("int more;\n")
    git(kernel, "commit", "-aqm", "more")
    cache = str(tmp_path / "cache")
    args = ("--tree", str(kernel), "--fail-on", "never")
    done = run("staged", *args, cwd=tmp_path, XDG_CACHE_HOME=cache)
    assert (done.returncode, [*place.glob("tree-1-*")]) == (0, []), "a hook has somebody wait"
    done = run("check", "--range", "HEAD~1..HEAD", *args, cwd=kernel, XDG_CACHE_HOME=cache)
    assert done.returncode == 0, done.stderr
    assert len([*place.glob("tree-1-*.sqlite")]) == 1
    assert book.searches() == 0


def test_an_index_that_cannot_be_written_is_one_clear_line(kernel: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    done = run("index", "--tree", str(kernel), cwd=tmp_path, XDG_CACHE_HOME=str(tmp_path / "cache"))
    assert done.returncode == 2
    assert done.stderr.count(b"\n") == 1
    assert b"cannot be kept" in done.stderr
