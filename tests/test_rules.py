"""Every example of every shipped rule: what it must find, where, and nothing besides."""

from __future__ import annotations

from pathlib import Path

import pytest

from checkseries.errors import RuleError
from checkseries.example import failures
from checkseries.judge.load import load, load_file, shipped
from checkseries.judge.rule import Example, Rule

RULES = load([shipped()])
CASES = [(rule, example) for rule in RULES for example in rule.examples]


@pytest.mark.parametrize(
    ("rule", "example"), CASES, ids=[f"{rule.id}: {example.title}" for rule, example in CASES]
)
def test_example(rule: Rule, example: Example) -> None:
    assert failures(rule, example) == ()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_every_rule_shows_both_sides(rule: Rule) -> None:
    assert any(example.finds for example in rule.examples), "no example in which it finds something"
    assert any(not example.finds for example in rule.examples), "no example in which it stays quiet"


@pytest.mark.parametrize("rule", [rule for rule in RULES if not rule.contract], ids=lambda rule: rule.id)
def test_every_rule_says_why_and_what_it_misses(rule: Rule) -> None:
    assert "\n\nWhy:" in rule.doc
    assert "\n\nNot found:" in rule.doc
    assert any("before" in example.title for example in rule.examples if not example.finds), (
        "no fault that was there before"
    )


def test_an_example_that_finds_something_else_fails() -> None:
    rule, example = next((rule, example) for rule, example in CASES if example.finds)
    wrong = Example(example.title, example.base, example.patches, ("1 nowhere.c:1",))
    assert failures(rule, wrong)


def write(tmp_path: Path, text: str) -> str:
    path = tmp_path / "contract.toml"
    path.write_text(text)
    return str(path)


HEAD = '[[contract]]\nid = "x"\ntitle = "t"\nwhy = "w"\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[contract\n", "Expected"),
        ("", "holds no"),
        ('[[contrct]]\nid = "x"\n', "did you mean contract"),
        (HEAD, "needs exactly one of select, call, order, equal"),
        (HEAD + 'titel = "x"\n', "did you mean title"),
        (
            HEAD + '[contract.call]\nfunction = "f"\nparameters = 1\nargument = { 0 = "cpuid" }\n',
            "did you mean cpu-id",
        ),
        (
            HEAD + '[contract.call]\nfunction = "f"\nparameters = 1\nargument = { 3 = "cpu-id" }\n',
            "no position below 1",
        ),
        (HEAD + '[contract.call]\nfuncton = "f"\n', "did you mean function"),
        (
            HEAD + '[contract.order]\nfunction = "f"\nfirst = "g"\nnot-before = "print"\n',
            "did you mean prints",
        ),
        (HEAD + '[contract.order]\nfunction = "f"\nfirst = "g"\nnot-before = []\n', "a kind of calls or"),
        (HEAD + '[contract.order]\nfunction = "f"\nnot-before = "prints"\n', "needs first"),
        (HEAD + '[[contract.select]]\nsymbol = "A"\narchs = ["x86"]\n', "needs exactly one of always-with"),
        (HEAD + '[[contract.select]]\nsymbol = "A"\narchs = ["x86"]\nnever = "B"\n', "never takes true"),
        (
            HEAD + '[[contract.select]]\nsymbol = "A"\narchs = ["x86"]\nalways-with = true\n',
            "takes a Kconfig expression",
        ),
        (HEAD + '[[contract.select]]\nsymbol = "A"\nnever = true\n', "needs archs = "),
        (HEAD + "[[contract.equal]]\nnumber = 16\n", "at least two"),
        (
            HEAD + '[[contract.equal]]\nelement-size = "a"\nnumber = 3\n[[contract.equal]]\nnumber = 16\n',
            "exactly one",
        ),
        (
            HEAD + '[[contract.equal]]\nelment-size = "a"\n[[contract.equal]]\nnumber = 16\n',
            "did you mean element-size",
        ),
        (
            HEAD + 'severity = "fatal"\n[[contract.select]]\nsymbol = "A"\narchs = ["x86"]\nnever = true\n',
            "severity is",
        ),
    ],
)
def test_a_contract_that_is_not_well_formed_says_what_and_where(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(RuleError, match=message) as caught:
        load_file(write(tmp_path, text))
    assert "contract.toml" in str(caught.value)


def test_a_rule_file_that_is_broken_says_so(tmp_path: Path) -> None:
    for number, (text, message) in enumerate(
        (("def (", "SyntaxError"), ('"""Doc."""\n', "holds one rule"), ("import nowhere\n", "nowhere"))
    ):
        path = tmp_path / f"rule{number}.py"
        path.write_text(text)
        with pytest.raises(RuleError, match=message):
            load_file(str(path))
        assert sorted(each.name for each in tmp_path.iterdir()) == [
            f"rule{each}.py" for each in range(number + 1)
        ], "nothing is left beside it"


def test_an_id_is_taken_once(tmp_path: Path) -> None:
    taken = (
        HEAD.replace('"x"', '"boot-status-cpu-id"')
        + '[[contract.select]]\nsymbol = "A"\narchs = ["x86"]\nnever = true\n'
    )
    write(tmp_path, taken)
    with pytest.raises(RuleError, match="is taken by"):
        load([shipped(), str(tmp_path)])
