"""The series that started it all, on the real tree: what is found, what holds, and every fault put into it."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from checkseries.judge.load import load, shipped
from checkseries.run import run
from checkseries.source.mailbox import Source
from checkseries.source.series import read_series
from checkseries.tree.locate import locate, open_tree

pytestmark = pytest.mark.tree


def _load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"mission_{name}", Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


variants = _load("variants")


def check(mailbox: bytes, trees: Path, *options: str) -> tuple[int, dict[str, Any]]:
    """Exit status and JSON document of a run on linux-7.2."""
    command = [
        sys.executable,
        "-m",
        "checkseries",
        "check",
        "-",
        "--tree",
        str(trees / "linux-7.2"),
        "--format",
        "json",
        *options,
    ]
    done = subprocess.run(command, input=mailbox, capture_output=True, env={**os.environ}, check=False)
    assert done.stderr == b"", done.stderr.decode()
    return done.returncode, json.loads(done.stdout)


def found(document: dict[str, Any], *severities: str) -> set[tuple[Any, ...]]:
    return {
        (each["rule"], each["path"], each["patch"], each["subject"], each["repaired_by"])
        for each in document["findings"]
        if each["severity"] in severities
    }


def wanted(*expected: Any) -> set[tuple[Any, ...]]:
    return {(each.rule, each.path, each.patch, each.subject, each.repaired_by) for each in expected}


def test_the_series_as_sent(trees: Path, seed_series: Path) -> None:
    status, document = check(seed_series.read_bytes(), trees)
    assert status == 1
    assert [patch["status"] for patch in document["patches"]] == ["applied"] * 3
    assert found(document, "error") == wanted(*variants.AS_SENT)
    assert found(document, "warning") == wanted(*variants.WARNED)
    assert document["skipped"] == []
    sites = {
        each["rule"]: (each["sites"], each["holds"], each["broken"], each["unknown"])
        for each in document["checked"]
    }
    assert sites["hotplug-parallel-selects"] == (8, 8, 0, 0)
    assert sites["boot-status-cpu-id"] == (6, 6, 0, 0)
    assert sites["boot-data-stride"] == (2, 2, 0, 0)
    assert sites["mpidr-table-stride"] == (2, 2, 0, 0)
    rows = {
        (row["arch"], row["symbol"]): (row["can_be_y"], row["holds"])
        for table in document["tables"]
        for row in table["rows"]
    }
    assert rows == {
        **{(arch, "HOTPLUG_PARALLEL"): (True, True) for arch in ("arm64", "mips", "riscv", "x86")},
        **{(arch, "PARALLEL_SMT_PRIMARY_FIRST"): (True, True) for arch in ("mips", "riscv", "x86")},
        ("arm64", "PARALLEL_SMT_PRIMARY_FIRST"): (False, True),
    }


def test_the_series_repaired(trees: Path, seed_series: Path) -> None:
    status, document = check(variants.repaired(seed_series.read_bytes()), trees)
    assert (status, found(document, "error")) == (1, set())
    assert found(document, "warning") == wanted(*variants.WARNED)


@pytest.mark.parametrize("name", variants.VARIANTS)
def test_a_fault_is_found_and_nothing_besides(name: str, trees: Path, seed_series: Path) -> None:
    status, document = check(variants.faulty(seed_series.read_bytes(), name), trees)
    assert status == 1
    expected = variants.VARIANTS[name].expected
    assert found(document, "error") == wanted(*variants.AS_SENT, *expected)
    for one in expected:
        if one.archs:
            (finding,) = [
                each for each in document["findings"] if (each["rule"], each["path"]) == (one.rule, one.path)
            ]
            assert tuple(finding["archs"]) == one.archs
            assert finding["witness"]["lines"]


def test_one_process_says_the_same_as_two(trees: Path, seed_series: Path) -> None:
    assert check(seed_series.read_bytes(), trees, "--jobs", "1") == check(
        seed_series.read_bytes(), trees, "--jobs", "2"
    )


@pytest.mark.parametrize("name", ["boot-data-stride-8", "mpidr-table-stride-4", "boot-data-third-long"])
def test_a_fault_in_a_stride_is_found_without_its_contract(name: str, trees: Path, seed_series: Path) -> None:
    series = read_series([Source("-", variants.faulty(seed_series.read_bytes(), name))])
    rules = [rule for rule in load([shipped()]) if not rule.contract]
    tree = open_tree(locate(str(trees / "linux-7.2"), "/", {}), None)
    report = run(series, tree, rules, ("arm64",), "", 1)
    (contract,) = variants.VARIANTS[name].expected
    strides = [each for each in report.findings if each.finding.rule == "stride-mismatch"]
    assert [(each.finding.place.path, each.finding.subject) for each in strides] == [
        (variants.HEAD, contract.subject)
    ]
