"""What all four formats have in common, and what each owes to its readers."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import (  # type: ignore[import-untyped]  # ships no types
    Draft4Validator,
    Draft202012Validator,
)
from rich.cells import cell_len

from checkseries.model import Confidence, Finding, Introduced, Place, Related, Report, Severity, Status
from checkseries.report.info import RuleInfo
from checkseries.report.json import render_json, render_tables_json
from checkseries.report.sarif import render_sarif
from checkseries.report.terse import render_terse
from checkseries.report.text import render_tables, render_text

HERE = Path(__file__).parent
OWN = json.loads((HERE.parents[1] / "docs" / "report.schema.json").read_text())
SELECTIONS = json.loads((HERE.parents[1] / "docs" / "selections.schema.json").read_text())
OASIS = json.loads((HERE / "schema" / "sarif-2.1.0.json").read_text())
Golden = Callable[[str, str], None]
Rules = tuple[RuleInfo, ...]
ANSI = re.compile(r"\x1b\[[\d;]*m")
ANY = st.text(st.characters(exclude_categories=()), max_size=40)


# --- golden files ------------------------------------------------------------------------------------------


def test_golden_text(report: Report, clean: Report, golden: Golden) -> None:
    golden("full.txt", render_text(report))
    golden("narrow.txt", render_text(report, width=40))
    golden("color.ansi", render_text(report, width=100, color=True))
    golden("clean.txt", render_text(clean))


def test_golden_terse(report: Report, golden: Golden) -> None:
    golden("full.terse", render_terse(report))


def test_golden_json(report: Report, clean: Report, golden: Golden) -> None:
    golden("full.json", render_json(report, version="0"))
    golden("clean.json", render_json(clean, version="0"))


def test_golden_sarif(report: Report, rules: Rules, golden: Golden) -> None:
    golden("full.sarif", render_sarif(report, rules, version="0"))


# --- schemas -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("schema", "least"), [(OWN, 10), (SELECTIONS, 4)])
def test_our_schemas_are_valid_and_closed(schema: dict[str, Any], least: int) -> None:
    Draft202012Validator.check_schema(schema)

    def objects(node: Any) -> list[dict[str, Any]]:
        if isinstance(node, list):
            return [found for item in node for found in objects(item)]
        if not isinstance(node, dict):
            return []
        own = [node] if "properties" in node and node.get("type") == "object" else []
        return own + [found for item in node.values() for found in objects(item)]

    assert len(objects(schema)) >= least
    for each in objects(schema):
        assert each["additionalProperties"] is False
        assert each["required"] == list(each["properties"])


def test_json_is_valid(report: Report, clean: Report) -> None:
    for each in (report, clean):
        Draft202012Validator(OWN).validate(json.loads(render_json(each)))


def test_a_key_that_nobody_described_is_refused(report: Report) -> None:
    document = json.loads(render_json(report))
    document["findings"][0]["more"] = 1
    assert not Draft202012Validator(OWN).is_valid(document)


def test_sarif_is_valid(report: Report, clean: Report, rules: Rules) -> None:
    for each in (report, clean):
        Draft4Validator(OASIS).validate(json.loads(render_sarif(each, rules)))
        Draft4Validator(OASIS).validate(json.loads(render_sarif(each)))


# --- what every format owes to every series ----------------------------------------------------------------


@st.composite
def hostile_findings(draw: st.DrawFn) -> Introduced:
    place = st.builds(Place, ANY, st.integers(0, 9), st.integers(0, 50), ANY, ANY)
    finding = st.builds(
        Finding,
        rule=ANY,
        severity=st.sampled_from(Severity),
        confidence=st.sampled_from(Confidence),
        place=place,
        archs=st.lists(ANY, max_size=2).map(tuple),
        related=st.lists(st.builds(Related, place, ANY), max_size=2).map(tuple),
        subject=ANY,
        message=ANY,
    )
    return Introduced(draw(finding), draw(st.integers(1, 3)), draw(st.none() | st.integers(1, 3)), draw(ANY))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(findings=st.lists(hostile_findings(), max_size=3), said=ANY, width=st.integers(30, 130))
def test_nothing_raw_gets_out(clean: Report, findings: list[Introduced], said: str, width: int) -> None:
    """Whatever the strings: each format encodes, holds only printable characters, and is well formed."""
    patches = tuple(
        dataclasses.replace(
            each,
            reason=said,
            status=Status.DOES_NOT_APPLY,
            patch=dataclasses.replace(each.patch, subject=said),
        )
        for each in clean.patches
    )
    checked = tuple(dataclasses.replace(each, summary=said) for each in clean.checked)
    report = dataclasses.replace(
        clean, base=said, patches=patches, findings=tuple(findings), checked=checked, remarks=(said,)
    )
    plain = render_text(report, width=width)
    assert all(row.isprintable() and cell_len(row) <= max(width, 40) for row in plain.split("\n"))
    assert not any(row.endswith(" ") for row in plain.split("\n"))
    assert ANSI.sub("", render_text(report, width=width, color=True)) == plain
    rows = render_terse(report).split("\n")
    assert len(rows) == len(findings) + len(patches) + 1
    assert all(row.isprintable() for row in rows)
    for document, validator in (
        (render_json(report), Draft202012Validator(OWN)),
        (render_sarif(report), _LIGHT),
    ):
        assert document.isascii()
        assert document.replace("\n", "").isprintable()
        decoded = json.loads(document)
        validator.validate(decoded)
        for string in _strings(decoded):
            assert string.replace("\n", "").replace("\t", "").isprintable()
            string.encode()


_LIGHT = Draft4Validator(OASIS)


def _strings(node: Any) -> list[str]:
    if isinstance(node, str):
        return [node]
    items = (
        [*node.keys(), *node.values()] if isinstance(node, dict) else node if isinstance(node, list) else []
    )
    return [string for item in items for string in _strings(item)]


def test_the_order_of_findings_does_not_matter(report: Report, rules: Rules) -> None:
    turned = dataclasses.replace(report, findings=report.findings[::-1])
    assert render_text(turned) == render_text(report)
    assert render_terse(turned) == render_terse(report)
    assert render_json(turned) == render_json(report)
    assert render_sarif(turned, rules) == render_sarif(report, rules[::-1])


def test_machines_get_no_clock(report: Report, rules: Rules) -> None:
    later = dataclasses.replace(report, seconds=99.0)
    assert render_json(later) == render_json(report)
    assert render_sarif(later, rules) == render_sarif(report, rules)
    assert render_terse(later) == render_terse(report)


# --- text --------------------------------------------------------------------------------------------------


def test_a_clean_report_is_short_and_says_what_was_judged(clean: Report) -> None:
    shown = render_text(clean)
    assert len(shown.splitlines()) < 16
    assert "6 calls of fan_set_state(), all pass a fan" in shown
    assert shown.endswith("2 patches, 0 errors, 0 warnings, 0 notes; 2 rules hold; 0 sites unknown; 2.0 s\n")


def test_a_long_series_names_only_patches_with_something_to_say(clean: Report) -> None:
    many = tuple(
        dataclasses.replace(
            clean.patches[0], patch=dataclasses.replace(clean.patches[0].patch, number=number)
        )
        for number in range(1, 41)
    )
    many = (*many[:6], dataclasses.replace(many[6], reason="hunk 1 at an offset"), *many[7:])
    shown = render_text(dataclasses.replace(clean, patches=many))
    assert "  7/7 applied: " in shown
    assert "  39 more applied\n" in shown
    assert "  8/8 " not in shown


def test_repaired_is_a_bisect_hazard(report: Report) -> None:
    assert "\n    broken from 2/6 until 4/6 (bisect)\n" in render_text(report)


def test_markup_is_text(report: Report) -> None:
    assert "[bold]markup[/bold]" in render_text(report)
    assert "[bold]markup[/bold]" in ANSI.sub("", render_text(report, width=200, color=True))


def test_an_incomplete_run_says_so_last(report: Report) -> None:
    assert "\n3 of 5 patches judged, 3 errors, 1 warning, 1 note; " in render_text(report, width=200)
    assert "1 judgement failed" in render_text(report, width=200).splitlines()[-1]


def test_all_archs_are_not_named(report: Report) -> None:
    archs = ("alpha", "arm", "arm64", "mips", "x86")
    one = dataclasses.replace(
        report.findings[0], finding=dataclasses.replace(report.findings[0].finding, archs=archs)
    )
    assert "on all 5 archs" in render_text(dataclasses.replace(report, findings=(one,), archs=archs))
    assert "on alpha, arm, arm64, mips and x86" in render_text(dataclasses.replace(report, findings=(one,)))


def test_doubts_beyond_those_told_are_counted(report: Report) -> None:
    checked = dataclasses.replace(report.checked[1], unknown=10)
    shown = render_text(dataclasses.replace(report, checked=(checked,)))
    assert "2 unknown: the include <generated/fan.h>" in shown
    assert "and 7 more unknown" in shown


def test_what_people_are_shown_is_bounded(report: Report) -> None:
    many = dataclasses.replace(
        report,
        patches=tuple(dataclasses.replace(each, reason="a\n" * 1000) for each in report.patches),
        remarks=tuple(f"remark {number}" for number in range(5000)),
        series=dataclasses.replace(
            report.series, letters=report.series.letters * 5000, remarks=("x y" * 700_000,)
        ),
    )
    shown = render_text(many)
    assert len(shown) < 40_000
    assert shown.count("and 960 more lines") == 5
    assert "and 4968 more remarks" in shown


def test_a_table_alone(report: Report, clean: Report) -> None:
    shown = render_text(
        dataclasses.replace(
            clean, patches=(), checked=(), tables=report.tables,
            series=dataclasses.replace(clean.series, name=""),
        )
    )  # fmt: skip
    assert shown.splitlines()[0].startswith("on linux-7.2")
    assert shown.splitlines()[-1] == "4 selections: 1 hold, 1 broken, 1 unknown; 2.0 s"


def test_tables_alone_are_as_in_a_report(report: Report) -> None:
    alone = render_tables(report.tables)
    assert alone in render_text(report)
    document = json.loads(render_tables_json(report.tables))
    assert document["tables"] == json.loads(render_json(report))["tables"]
    Draft202012Validator(SELECTIONS).validate(document)
    assert render_tables(()) == ""


# --- terse -------------------------------------------------------------------------------------------------


def test_terse_is_silent_when_nothing_is_wrong(clean: Report) -> None:
    assert render_terse(clean) == ""


def test_terse_has_checkpatch_levels(report: Report) -> None:
    form = re.compile(r"\S+:\d+: (ERROR|WARNING|CHECK): [\w-]+: .+")
    rows = render_terse(report).splitlines()
    assert all(form.fullmatch(row) for row in rows)
    assert [sum(f" {level}: " in row for row in rows) for level in ("ERROR", "WARNING", "CHECK")] == [6, 1, 1]


# --- SARIF -------------------------------------------------------------------------------------------------


def _run(report: Report, rules: Rules = ()) -> dict[str, Any]:
    run: dict[str, Any] = json.loads(render_sarif(report, rules))["runs"][0]
    return run


def test_what_github_wants_of_rules(report: Report, rules: Rules) -> None:
    run = _run(report, rules)
    described = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in described] == sorted(rule["id"] for rule in described)
    for rule in described:
        assert rule["shortDescription"]["text"]
        assert 0 < len(rule["fullDescription"]["text"]) <= 1024
        assert rule["help"]["text"] and rule["help"]["markdown"]
        assert rule["properties"]["precision"] in ("high", "medium", "low")
        assert rule["properties"]["problem.severity"] in ("error", "warning", "recommendation")
    for result in run["results"]:
        assert described[result["ruleIndex"]]["id"] == result["ruleId"]
    assert run["automationDetails"]["id"].endswith("/")
    assert "<" not in "".join(rule["help"]["markdown"] for rule in described)


def test_what_github_wants_of_results(report: Report) -> None:
    results = _run(report)["results"]
    assert len(results) == len(report.findings)
    for result in results:
        assert set(result["partialFingerprints"]) == {"checkseries/v1"}
        assert result["locations"][0]["physicalLocation"]["region"]["startLine"] >= 1
        for related in result["relatedLocations"]:
            assert f"]({related['id']})" in result["message"]["text"]
    assert [result["properties"]["patch"] for result in results] == [2, 3, 4, 4, 4]


def test_only_our_links_are_links(report: Report) -> None:
    messages = [result["message"]["text"] for result in _run(report)["results"]]
    # 3.11.6: [text](target), where brackets and backslashes in the text are escaped.
    links = re.findall(r"\[((?:[^\[\]\\]|\\.)*)\]\(([^)]*)\)", "\n".join(messages))
    assert {target for _, target in links} == {"1", "2"}
    assert "declared here \\[with\\](https://example.org/) {{braces}}" in [text for text, _ in links]
    wicked = dataclasses.replace(
        report.findings[0].finding, message="[click](https://example.org)", related=()
    )
    only = dataclasses.replace(report, findings=(dataclasses.replace(report.findings[0], finding=wicked),))
    assert "](" not in _run(only)["results"][0]["message"]["text"]


def test_columns_are_utf16_code_units(report: Report) -> None:
    run = _run(report)
    region = run["results"][-1]["locations"][0]["physicalLocation"]["region"]
    line = "\t/* 扇風機 */ fan_set_state(𝒙, 1);"
    assert run["columnKind"] == "utf16CodeUnits"
    assert region["snippet"]["text"] == line
    start, end = region["startColumn"] - 1, region["endColumn"] - 1
    assert line.encode("utf-16-le")[2 * start : 2 * end].decode("utf-16-le") == "fan_set_state"


def test_a_path_is_the_very_bytes(report: Report) -> None:
    uris = {
        result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        for result in _run(report)["results"]
    }
    assert "drivers/%E9%1B%5B2J%0A/Kconfig" in uris


def test_an_incomplete_run_is_no_success(report: Report, clean: Report) -> None:
    invocation = _run(report)["invocations"][0]
    assert invocation["executionSuccessful"] is False
    told = [
        (note["level"], note["message"]["text"].split(":")[0])
        for note in invocation["toolExecutionNotifications"]
    ]
    assert told == [
        ("error", "patch 4/6 (fan"),
        ("error", "patch 5/6 (fan"),
        ("note", "kconfig-select-unmet"),
        ("error", "fan-lock-pair"),
    ]
    assert _run(clean)["invocations"] == [{"executionSuccessful": True, "toolExecutionNotifications": []}]


def test_a_place_whose_column_is_not_in_its_line_is_the_whole_line(report: Report) -> None:
    place = Place("a.c", 3, 99, "", "\tshort")
    one = dataclasses.replace(
        report.findings[0], finding=dataclasses.replace(report.findings[0].finding, place=place)
    )
    region = _run(dataclasses.replace(report, findings=(one,)))["results"][0]["locations"][0][
        "physicalLocation"
    ]["region"]
    assert (region["startColumn"], region["endColumn"]) == (2, 7)


@pytest.mark.parametrize("doc", ["x" * 5000, "{" * 5000, "ab{}" * 400, "\x1b" * 900])
def test_a_description_is_never_too_long(clean: Report, doc: str) -> None:
    info = RuleInfo("a-b", doc, doc, Severity.ERROR, Confidence.HIGH)
    (rule,) = _run(clean, (info,))["tool"]["driver"]["rules"]
    assert len(rule["fullDescription"]["text"]) <= 1024
    assert len(rule["shortDescription"]["text"]) <= 1024
