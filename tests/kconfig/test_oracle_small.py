"""Small trees, made at random and by hand: conf and we agree on each, in values and in what is refused."""

from __future__ import annotations

import os
import random
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from checkseries.facts.kconfig.evaluate import Evaluation, assigned
from checkseries.facts.kconfig.menu import parsed
from checkseries.facts.kconfig.symbol import KconfigError, Tree, Type
from checkseries.facts.kconfig.toolchain import Answer, Toolchain

pytestmark = [pytest.mark.oracle, pytest.mark.tree]

ROUNDS = 100 * int(os.environ.get("CHECKSERIES_ORACLE_SEEDS", "1"))
TOOLCHAIN = Toolchain("x86")


def values(tree: Tree, lines: list[str]) -> tuple[dict[str, tuple[str, bool, int]], frozenset[str]]:
    evaluation = Evaluation(tree, assigned(lines))
    found = {
        symbol.name: (evaluation.text(symbol), evaluation.written(symbol), evaluation.visible(symbol))
        for symbol in tree.order
        if symbol.type is not Type.UNKNOWN
    }
    return found, evaluation.all_unmet()


@pytest.mark.parametrize("release", ["linux-7.2", "linux-6.12"])
def test_random_trees(conf: Callable[[str], Any], maker: Any, tmp_path: Path, release: str) -> None:
    binary = conf(release)
    seen_unmet = compared = 0
    for seed in range(ROUNDS):
        dice = random.Random(f"small {seed}")
        text = maker(dice).made()
        if release == "linux-6.12":  # it knows no conditional dependencies
            text = (
                "\n".join(
                    line.split(" if ")[0] if line.startswith("\tdepends") else line
                    for line in text.splitlines()
                )
                + "\n"
            )
        (tmp_path / "Kconfig").write_text(text)
        try:
            tree = parsed({"Kconfig": text}.get, "Kconfig", TOOLCHAIN)
        except KconfigError:
            tree = None
        if tree is None:
            assert binary.refuses(tmp_path, TOOLCHAIN.environment), (seed, text)
            continue
        lines = []
        for symbol in tree.order:
            if dice.random() < 0.6:
                value = dice.choice(maker.words(symbol.type.value))
                lines.append(f"CONFIG_{symbol.name}={value}")
        dice.shuffle(lines)
        config = "".join(line + "\n" for line in lines)
        expected, _ = binary.run(tmp_path, "--olddefconfig", TOOLCHAIN.environment, {}, config)
        if expected.complaints:  # conf itself crashes on some conditions that nobody would write
            continue
        compared += 1
        found, unmet = values(tree, lines)
        assert found == dict(expected.symbols), (seed, text, config)
        assert unmet == expected.unmet, (seed, text, config)
        seen_unmet += bool(unmet)
    assert compared > ROUNDS // 2
    assert seen_unmet > ROUNDS // 50


REFUSED: Mapping[str, str] = {
    "unknown statement": "config A\n\tbool\n\nfoo bar\n",
    "no end of if": "if A\nconfig B\n\tbool\n",
    "endif too many": "config B\n\tbool\nendif\n",
    "menu without quotes": "menu foo\nendmenu\n",
    "prompt without quotes": "config A\n\tbool foo\n",
    "operator at the end": "config A\n\tbool\n\tdepends on B &&\n",
    "two operands": "config A\n\tbool\n\tdepends on B C\n",
    "no such file": 'source "nowhere/Kconfig"\n',
    "includes itself": 'source "Kconfig"\n',
    "optional source": 'osource "x"\n',
    "relative source": 'rsource "x"\n',
    "old help": "config A\n\tbool\n\t---help---\n\t  Text.\n",
    "def_int": "config A\n\tdef_int 5\n",
    "option": 'config A\n\tbool\n\toption env="HOME"\n',
    "named choice": 'choice FOO\n\tprompt "x"\nendchoice\n',
    "choice without prompt": 'choice\nconfig A\n\tbool "a"\nendchoice\n',
    "member without prompt": 'choice\n\tprompt "x"\nconfig A\n\tbool\nendchoice\n',
    "tristate member": 'choice\n\tprompt "x"\nconfig A\n\ttristate "a"\nendchoice\n',
    "default of a member": 'choice\n\tprompt "x"\nconfig A\n\tbool "a"\n\tdefault y\nendchoice\n',
    "transitional with more": 'config A\n\tbool "a"\n\ttransitional\n',
    "two modules": "config A\n\tbool\n\tmodules\nconfig B\n\tbool\n\tmodules\n",
    "blank help": "config A\n\tbool\n\thelp\n\nconfig B\n\tbool\n",
    "two helps": "config A\n\tbool\n\thelp\n\t  One.\n\thelp\n\t  Two.\n",
    "menuconfig without prompt": "menuconfig A\n\tbool\n",
    "depends on itself": 'config A\n\tbool "a"\n\tdepends on A\n',
    "circle": "config A\n\tdef_bool B\nconfig B\n\tdef_bool A\n",
    "imply in a circle": 'config A\n\tbool "a"\n\timply B\n\tdepends on B\nconfig B\n\tbool "b"\n',
    "member on member": (
        'choice\n\tprompt "x"\nconfig A\n\tbool "a"\nconfig B\n\tbool "b"\n\tdepends on A\nendchoice\n'
    ),
    "macro without end": "config A\n\tdef_bool $(success,true\n",
    "error-if": "$(error-if,y,stop here)\n",
    "variable of itself": "a = $(a)\nconfig A\n\tdef_bool $(a)\n",
    "too few arguments": "$(shell)\n",
    "no new line at the end": "config A\n\tbool",
    "blank macro": "config A\n\tdef_bool $(nothing)\n",
}
ACCEPTED: Mapping[str, str] = {
    "comment with backslash": "# comment \\\nconfig A\n\tbool\n",
    "unsupported characters": 'config A ;\n\tbool "a", \n\tdepends on B. # x\n',
    "type twice": "config A\n\tbool\n\ttristate\n",
    "prompt twice": 'config A\n\tbool "one"\n\tprompt "two"\n',
    "no type": "config A\n",
    "empty": "",
    "quotes": 'config A\n\tstring \'it is "so"\'\n\tdefault "it\'s"\n',
    "select of nothing": 'config A\n\tbool "a"\n\tselect NOTHING\n',
    "range of a bool": "config A\n\tbool\n\trange 1 2\n",
    "condition in a choice": ('choice\n\tprompt "x"\nif y\nconfig A\n\tbool "a"\nendif\nendchoice\n'),
    "menu with comment": 'menu "x"\ncomment "c"\n\tdepends on A\nendmenu\n',
    "help to the end": "config A\n\tbool\n\thelp\n\t  Text\n\n\t    deeper\n\n",
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_by_both(
    conf: Callable[[str], Any], kconfig: Callable[..., Tree], tmp_path: Path, name: str
) -> None:
    (tmp_path / "Kconfig").write_text(REFUSED[name])
    assert conf("linux-7.2").refuses(tmp_path, TOOLCHAIN.environment)
    with pytest.raises(KconfigError):
        kconfig(REFUSED[name])


@pytest.mark.parametrize("name", ACCEPTED)
def test_accepted_by_both(
    conf: Callable[[str], Any], kconfig: Callable[..., Tree], tmp_path: Path, name: str
) -> None:
    (tmp_path / "Kconfig").write_text(ACCEPTED[name])
    assert conf("linux-7.2").refuses(tmp_path, TOOLCHAIN.environment) is None
    tree = kconfig(ACCEPTED[name])
    expected, _ = conf("linux-7.2").run(tmp_path, "--olddefconfig", TOOLCHAIN.environment, {}, "")
    assert values(tree, [])[0] == dict(expected.symbols)


def own_tests(trees: Path) -> Path:
    """The tests that the kernel has for conf."""
    return trees / "linux-7.2" / "scripts" / "kconfig" / "tests"


@pytest.mark.parametrize(
    "name",
    [
        "err_recursive_dep",
        "err_recursive_inc",
        "err_repeated_inc",
        "err_transitional",
        "preprocess/circular_expansion",
    ],
)
def test_what_the_kernels_tests_refuse(trees: Path, name: str) -> None:
    root = own_tests(trees) / name
    files = {path.name: path.read_text() for path in root.iterdir() if path.name.startswith("Kconfig")}
    with pytest.raises(KconfigError):
        parsed(files.get, "Kconfig", TOOLCHAIN)


@pytest.mark.parametrize("name", ["auto_submenu", "preprocess/variable", "preprocess/escape"])
def test_what_the_kernels_tests_accept(trees: Path, name: str) -> None:
    root = own_tests(trees) / name
    files = {path.name: path.read_text() for path in root.iterdir() if path.name.startswith("Kconfig")}
    tree = parsed(files.get, "Kconfig", TOOLCHAIN)
    expected = root / "expected_stderr"
    if expected.exists():
        said = [f"{path}:{line}: {message}" for path, line, message in tree.warnings]
        assert said == expected.read_text().splitlines()


@pytest.mark.parametrize(
    ("name", "config", "expected"),
    [
        *[("conditional_dep", f"test_config{n}", f"expected_config{n}") for n in (1, 2, 3)],
        ("transitional", "initial_config", "expected_config"),
        ("choice", "", "alldef_expected_config"),
        ("warn_changed_input", "config", "expected_config"),
    ],
)
def test_configurations_of_the_kernels_tests(trees: Path, name: str, config: str, expected: str) -> None:
    root = own_tests(trees) / name
    tree = parsed({"Kconfig": (root / "Kconfig").read_text()}.get, "Kconfig", TOOLCHAIN)
    evaluation = Evaluation(tree, assigned((root / config).read_text().splitlines()) if config else ())
    wanted = assigned((root / expected).read_text().splitlines())
    found = {symbol.name: evaluation.text(symbol) for symbol in tree.order if evaluation.written(symbol)}
    assert found == {name: value.strip('"') for name, value in wanted}


class Answering(Toolchain):
    """Two commands of the kernel's tests, answered as a shell would."""

    def answer(self, command: str) -> Answer:
        known = {
            "echo hello world 3": "hello world 3\n",
            r"printf 'hello\nworld\n\n4\n\n\n'": "hello\nworld\n\n4\n\n\n",
        }
        return Answer(known[command], known=True)


def test_the_functions_of_the_kernels_tests(trees: Path) -> None:
    root = own_tests(trees) / "preprocess" / "builtin_func"
    tree = parsed({"Kconfig": (root / "Kconfig").read_text()}.get, "Kconfig", Answering("x86"))
    said = [f"{path}:{line}: {message}" for path, line, message in tree.warnings]
    assert said == (root / "expected_stderr").read_text().splitlines()


NOT_RUN = {
    "choice/__init__.py: test_oldask0": "what conf asks on a terminal",
    "choice_randomize/__init__.py: test": "the order of glibc's rand()",
    "choice_randomize2/__init__.py: test": "the order of glibc's rand()",
    "new_choice_with_dep/__init__.py: test": "what conf asks on a terminal",
}
"""The kernel's tests that no other implementation can run, and why; of warn_changed_input the configuration alone is run."""


def test_nearly_all_of_the_kernels_tests_are_run(
    trees: Path, record_property: Callable[[str, object], None]
) -> None:
    root = own_tests(trees)
    functions = {
        f"{path.relative_to(root)}: {name}"
        for path in root.rglob("__init__.py")
        for name in re.findall(r"^def (test\w*)", path.read_text(), re.MULTILINE)
    }
    run = functions - NOT_RUN.keys()
    assert NOT_RUN.keys() <= functions
    assert len(functions) == 21
    assert {name.split("/__init__")[0] for name in run} == {
        *(
            "auto_submenu",
            "choice",
            "conditional_dep",
            "err_recursive_dep",
            "err_recursive_inc",
            "err_repeated_inc",
        ),
        *("err_transitional", "no_write_if_dep_unmet", "transitional", "warn_changed_input"),
        *(f"preprocess/{each}" for each in ("builtin_func", "circular_expansion", "escape", "variable")),
    }
    record_property("of the kernel's 21 tests of conf are run", len(run))


def test_what_is_not_written_in_the_kernels_tests(trees: Path) -> None:
    root = own_tests(trees) / "no_write_if_dep_unmet"
    tree = parsed({"Kconfig": (root / "Kconfig").read_text()}.get, "Kconfig", TOOLCHAIN)
    evaluation = Evaluation(tree, {"A": "n"})  # what the test answers to the question
    assert [symbol.name for symbol in tree.order if evaluation.written(symbol)] == ["A"]
    assert "# CONFIG_A is not set" in (root / "expected_config").read_text()


@pytest.mark.parametrize("mode", ["allno", "allmod", "allyes"])
def test_choices_of_the_kernels_tests(trees: Path, mode: str) -> None:
    root = own_tests(trees) / "choice"
    tree = parsed({"Kconfig": (root / "Kconfig").read_text()}.get, "Kconfig", TOOLCHAIN)
    evaluation = Evaluation(tree, (), f"{mode}config")  # type: ignore[arg-type]  # one of the modes
    wanted = assigned((root / f"{mode}_expected_config").read_text().splitlines())
    found = {symbol.name: evaluation.text(symbol) for symbol in tree.order if evaluation.written(symbol)}
    assert found == dict(wanted)


ENTRIES = {
    "config": "config A\n\tbool\n{}\n",
    "menuconfig": 'menuconfig A\n\tbool "a"\n{}\n',
    "choice": 'choice\n\tprompt "c"\n{}\nconfig A\n\tbool "a"\nendchoice\n',
    "member": 'choice\n\tprompt "c"\nconfig A\n\tbool "a"\n{}\nendchoice\n',
    "menu": 'menu "m"\n{}\nconfig A\n\tbool\nendmenu\n',
    "comment": 'comment "c"\n{}\nconfig A\n\tbool\n',
    "if": "if B\n{}\nconfig A\n\tbool\nendif\n",
    "file": "{}\nconfig A\n\tbool\n",
}
STATEMENTS = [
    "\tdepends on B",
    "\tdepends on B if C",
    "\tdepends on",
    "\tdepends B",
    "\tvisible if B",
    "\tvisible",
    "\tselect B",
    "\tselect B if C",
    '\tselect "B"',
    "\tselect n",
    "\tselect",
    "\timply B",
    "\tdefault y",
    "\tdefault B && C",
    '\tdefault "x" if B',
    "\tdefault",
    "\trange 1 2",
    "\trange 1",
    "\tbool",
    '\tbool "text"',
    '\tbool "text" if B',
    "\ttristate",
    "\tint",
    "\tdef_bool y",
    "\tdef_tristate m if B",
    '\tprompt "p"',
    "\tprompt p",
    "\thelp\n\t  Text.",
    "\thelp\n\t  Text.\n\tdepends on B",
    "\tmodules",
    "\ttransitional",
    "\toption modules",
    "\toptional",
    'source "Kconfig.empty"',
    "config D\n\tint",
    'menu "n"\nendmenu',
    'comment "c"',
    "if C\nendif",
    "endif",
    "endmenu",
    "endchoice",
    'mainmenu "x"',
    "FOO := bar",
    "FOO = $(BAR)",
    "FOO += 1",
    "FOO",
    "$(info,x)",
    "$(nothing)",
    "$(nothing) config D",
    "\tdepends on $(nothing)",
    "\tdepends on (B",
    "\tdepends on B)",
    "\tdepends on !B = C",
    "\tdepends on !(B = C)",
    "\tdepends on B = (C)",
    "\tdepends on B != C = D",
    "\tdepends on B == C",
    "\tdepends on B & C",
    "\tdepends on B-C",
    "\tdepends on 'B'",
    "\tdepends on B \\\n\t\t&& C",
    "\tdepends on if",
    "config",
    "config D E",
    'config "D"',
    "config y\n\tbool",
    "\tdepends on -1 < B",
    "\tdepends on B # C",
    "\tdepends on B, C",
    '\tbool "unclosed',
    "; , . @",
]


NOBODY_WRITES = {"\tselect n", "config y\n\tbool"}
"""What conf takes and we refuse: constants as symbols."""


@pytest.mark.parametrize("entry", ENTRIES)
def test_what_may_stand_where(
    conf: Callable[[str], Any], kconfig: Callable[..., Tree], tmp_path: Path, entry: str
) -> None:
    """Every statement in every kind of entry: refused by both, or accepted by both with the same values."""
    binary = conf("linux-7.2")
    (tmp_path / "Kconfig.empty").write_text("")
    wrong = []
    for statement in STATEMENTS:
        text = ENTRIES[entry].format(statement) + "config B\n\ttristate\nconfig C\n\tbool\n"
        (tmp_path / "Kconfig").write_text(text)
        refused = binary.refuses(tmp_path, TOOLCHAIN.environment)
        try:
            tree = parsed({"Kconfig": text, "Kconfig.empty": ""}.get, "Kconfig", TOOLCHAIN)
        except KconfigError as error:
            if refused is None and statement not in NOBODY_WRITES:
                wrong.append(f"{statement!r} is only refused by us: {error}")
            continue
        if refused is not None:
            wrong.append(f"{statement!r} is only refused by conf: {refused}")
            continue
        expected, _ = binary.run(tmp_path, "--allyesconfig", TOOLCHAIN.environment, {})
        evaluation = Evaluation(tree, (), "allyesconfig")
        ours = {
            symbol.name: evaluation.text(symbol) for symbol in tree.order if symbol.type is not Type.UNKNOWN
        }
        if ours != {name: value for name, (value, _, _) in expected.symbols.items()}:
            wrong.append(f"{statement!r} differs")
    assert not wrong, "\n".join(wrong)
