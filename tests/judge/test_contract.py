"""Contracts: where they apply, when they are stale, and each form's demands."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import pytest

from checkseries.archs import archs_of
from checkseries.example import series_of, tree_of
from checkseries.judge.load import load_file
from checkseries.judge.rule import Example
from checkseries.model import Report
from checkseries.run import run


class Judged(Protocol):
    """Runs one contract on a small tree and the patches on it."""

    def __call__(
        self, contract: str, base: Mapping[str, str], *patches: Mapping[str, str | None]
    ) -> Report: ...


@pytest.fixture
def judged(tmp_path: Path) -> Judged:
    def report(contract: str, base: Mapping[str, str], *patches: Mapping[str, str | None]) -> Report:
        path = tmp_path / "contract.toml"
        path.write_text('[[contract]]\nid = "own"\ntitle = "t"\nwhy = "w"\n' + contract)
        example = Example("x", base, patches, ())
        tree, series = tree_of(example), series_of(example)
        return run(series, tree, load_file(str(path)), archs_of(tree, series, ()), "", 1)

    return report


CALL = '[contract.call]\nfunction = "set_status"\nparameters = 2\nargument = { 0 = "cpu-id" }\n'
TWO = "void set_status(unsigned int cpu, int val);\n"
GOOD = "void f(int cpu)\n{\n\tset_status(cpu, 1);\n}\n"
SWAPPED = "void f(struct task *cpu_task)\n{\n\tset_status(cpu_task, 1);\n}\n"


def test_a_contract_whose_function_is_not_there_says_nothing(judged: Judged) -> None:
    report = judged(CALL, {"a.c": ""}, {"a.c": "/* set_status */\n"})
    assert report.findings == ()
    assert report.checked == ()


def test_a_contract_whose_function_goes_is_stale(judged: Judged) -> None:
    report = judged(CALL, {"a.h": TWO, "a.c": GOOD}, {"a.h": "", "a.c": ""})
    (found,) = report.findings
    assert (found.finding.severity, found.finding.place.path) == ("note", "a.c")
    assert "stale" in found.finding.message


def test_a_call_contract_waits_for_its_parameters(judged: Judged) -> None:
    one = {"a.h": "void set_status(int val);\n", "a.c": "void f(void)\n{\n\tset_status(STATUS_OK);\n}\n"}
    report = judged(CALL, one, {"a.h": TWO, "a.c": GOOD})
    assert report.findings == ()
    (checked,) = report.checked
    assert (checked.sites, checked.holds) == (1, 1)
    assert checked.summary == "1 call of set_status(), passes a CPU ID"


def test_calls_that_no_patch_touches_are_counted(judged: Judged) -> None:
    base = {"a.h": TWO, "a.c": GOOD, "b.c": GOOD, "c.c": SWAPPED}
    (checked,) = judged(CALL, base, {"a.c": "\n" + GOOD}).checked
    assert (checked.sites, checked.holds, checked.broken) == (3, 2, 1)


def test_a_series_that_does_not_concern_a_contract_does_not_ask_it(judged: Judged) -> None:
    assert judged(CALL, {"a.h": TWO, "a.c": GOOD, "d.c": ""}, {"d.c": "int x;\n"}).checked == ()


ORDER = '[contract.order]\nfunction = "start"\nfirst = "tell"\nnot-before = ["complete"]\n'


@pytest.mark.parametrize(
    ("body", "finds"),
    [
        ("\ttell();\n\tcomplete();\n", 0),
        ("\tcomplete();\n\ttell();\n", 1),
        ("\tdone();\n\ttell();\n", 1),
        ("\tops->complete();\n\ttell();\n", 0),
        ("\tcomplete();\n", 0),
        ("#ifdef CONFIG_A\n\tcomplete();\n#else\n\ttell();\n#endif\n", 0),
        ("#ifdef CONFIG_A\n\tcomplete();\n#endif\n\ttell();\n", 1),
    ],
)
def test_order_demands(judged: Judged, body: str, finds: int) -> None:
    text = "static void done(void)\n{{\n\tagain();\n\tcomplete();\n}}\n\nvoid start(void)\n{{\n{}}}\n"
    report = judged(ORDER, {"a.c": text.format("\ttell();\n")}, {"a.c": text.format(body)})
    assert [each.finding.subject for each in report.findings] == ["start complete"] * finds


def test_an_order_contract_whose_function_goes_is_stale(judged: Judged) -> None:
    report = judged(ORDER, {"a.c": "void start(void)\n{\n\ttell();\n}\n"}, {"a.c": "/* start */\n"})
    (found,) = report.findings
    assert "stale" in found.finding.message


SELECT = '[[contract.select]]\nsymbol = "B"\narchs = ["x86"]\n'
KCONFIG = 'config A\n\tbool "a"\n{}\nconfig B\n\tbool\n'
TREE = {"Kconfig": 'source "arch/$(SRCARCH)/Kconfig"\n'}


@pytest.mark.parametrize(
    ("demand", "before", "after", "finds"),
    [
        ('always-with = "A"', "\tselect B\n", "", 1),
        ('always-with = "A"', "\tselect B\n", "\tselect B if A\n", 0),
        ("never = true", "", "\tselect B\n", 1),
        ("possible = true", "\tselect B\n", "", 1),
        ("possible = true", "\tselect B\n", "\tselect B if !A\n", 1),
        ('selected-when = "A"', "\tselect B\n", "", 1),
        ('selected-when = "A"', "\tselect B\n", '\tselect B\n\nconfig C\n\tbool "c"\n\tselect B\n', 1),
        (
            'selected-when = "A"',
            "\tselect B\n",
            '\tselect B\n\nconfig C\n\tbool "c"\n\tdepends on A\n\tselect B\n',
            0,
        ),
    ],
)
def test_select_demands(judged: Judged, demand: str, before: str, after: str, finds: int) -> None:
    base = {**TREE, "arch/x86/Kconfig": KCONFIG.format(before)}
    report = judged(SELECT + demand, base, {"arch/x86/Kconfig": KCONFIG.format(after)})
    assert [each.finding.place.path for each in report.findings] == ["arch/x86/Kconfig"] * finds
    assert not report.skipped
    (table,) = report.tables
    assert [(row.symbol, row.holds) for row in table.rows] == [("B", not finds)]


def test_a_misspelt_select_is_the_other_rules_to_report(judged: Judged) -> None:
    contract = SELECT.replace('"B"', '"PRIMARY_FIRST"') + 'always-with = "A"\n'
    good = KCONFIG.format("\tselect PRIMARY_FIRST\n") + "\nconfig PRIMARY_FIRST\n\tbool\n"
    report = judged(
        contract,
        {**TREE, "arch/x86/Kconfig": good},
        {"arch/x86/Kconfig": good.replace("select PRIMARY", "select PRMIARY")},
    )
    assert report.findings == ()
    (checked,) = report.checked
    assert checked.unknown == 1
    assert "PRMIARY_FIRST" in checked.doubts[0].why


EQUAL = '[[contract.equal]]\nelement-size = "table"\n[[contract.equal]]\nasm-stride = "table"\nfile = "arch/arm64/kernel/head.S"\n'
HEAD = "\tadr_l\tx0, table\n\tldr\tx1, [x0, x2, lsl #3]\n"
SMP = "unsigned long table[8];\n"


def test_terms_that_agree_need_no_number(judged: Judged) -> None:
    report = judged(
        EQUAL, {"arch/arm64/kernel/head.S": "", "smp.c": ""}, {"arch/arm64/kernel/head.S": HEAD, "smp.c": SMP}
    )
    assert report.findings == ()
    (checked,) = report.checked
    assert (checked.sites, checked.holds, checked.unknown) == (2, 2, 0)


SHIFT = '[[contract.equal]]\nkconfig = "SHIFT"\narch = "arm64"\n[[contract.equal]]\nelement-size = "table"\n'
KSHIFT = "config ARM64\n\tdef_bool y\n\nconfig SHIFT\n\tint\n\tdefault 8\n"


def test_a_number_of_kconfig_is_one_of_the_terms(judged: Judged) -> None:
    base = {**TREE, "arch/arm64/Kconfig": KSHIFT, "smp.c": SMP}
    assert judged(SHIFT, base, {"smp.c": "\n" + SMP}).checked[0].holds == 2
    (found,) = judged(SHIFT, base, {"arch/arm64/Kconfig": KSHIFT.replace("8", "16")}).findings
    assert "CONFIG_SHIFT on arm64 is 16" in "".join(
        found.finding.witness.lines if found.finding.witness else ()
    ) or ("CONFIG_SHIFT on arm64" in found.finding.message)
    choosable = KSHIFT.replace("\tint\n", '\tint "shift"\n')
    assert judged(SHIFT, base, {"arch/arm64/Kconfig": choosable}).checked[0].unknown == 1


def test_an_object_that_assembly_does_not_step_through_is_unknown(judged: Judged) -> None:
    (checked,) = judged(EQUAL, {"arch/arm64/kernel/head.S": "", "smp.c": ""}, {"smp.c": SMP}).checked
    assert (checked.holds, checked.unknown) == (1, 1)


def test_terms_that_differ_are_found_at_the_odd_one(judged: Judged) -> None:
    base = {"arch/arm64/kernel/head.S": HEAD, "smp.c": SMP}
    contract = EQUAL + "[[contract.equal]]\nnumber = 8\n"
    (found,) = judged(contract, base, {"arch/arm64/kernel/head.S": HEAD.replace("#3", "#2")}).findings
    assert (found.finding.place.path, found.finding.archs) == ("arch/arm64/kernel/head.S", ("arm64",))
    assert found.finding.witness is not None
    assert "a step of head.S through table: 4 bytes" in found.finding.witness.lines
    (found,) = judged(contract, base, {"smp.c": "unsigned int table[8];\n"}).findings
    assert found.finding.place.path == "smp.c"
