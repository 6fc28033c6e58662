"""A report as a SARIF 2.1.0 log, shaped for GitHub code scanning.

Section numbers are those of SARIF 2.1.0 with Errata 01 (OASIS, August 2023); what GitHub wants besides is in
its "SARIF support for code scanning".
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from checkseries import __version__
from checkseries.model import Finding, Introduced, Place, Report, Severity
from checkseries.report import column
from checkseries.report.clean import block, document, printable
from checkseries.report.info import RuleInfo
from checkseries.report.order import FAILED, label, ordered

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
DESCRIPTION = 1024
"""GitHub's limit for a description, in characters."""
RESULTS = 25_000
"""GitHub refuses a run with more results."""
LINKED = 100
"""GitHub shows that many locations of a result."""
PROOF = 24
"""Lines of a witness that the message quotes; all of them are in ``properties``."""

_PROBLEM = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "recommendation"}


def render_sarif(
    report: Report, rules: Sequence[RuleInfo] = (), *, what: str = "check", version: str = __version__
) -> str:
    """The report as a SARIF log with one run, in plain ASCII, ended by a newline.

    ``rules`` are those that ran; one that found something and is not among them is described by what the
    report knows of it. ``what`` names the analysis: two uploads of one name for a commit replace each other.
    """
    known = {rule.id: rule for rule in (*_from_report(report), *rules)}
    described = [known[name] for name in sorted(known)]
    index = {rule.id: position for position, rule in enumerate(described)}
    found = ordered(report.findings)
    results = [_result(report, one, index[one.finding.rule]) for one in found[:RESULTS]]
    run = {
        "tool": {
            "driver": {
                "name": "checkseries",
                "version": version,
                "semanticVersion": version,
                "rules": [_rule(rule) for rule in described],
            }
        },
        "automationDetails": {"id": f"checkseries/{what}/"},
        "invocations": [_invocation(report, len(found) - len(results))],
        # As GitHub's own CodeQL counts; the standard leaves it to the producer to say so (3.14.17).
        "columnKind": "utf16CodeUnits",
        "results": results,
        "properties": {
            "series": report.series.name,
            "revision": report.series.revision,
            "base": report.base,
            "archs": list(report.archs),
            "profile": report.profile,
        },
    }
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(document(log), indent=2, ensure_ascii=True, allow_nan=False) + "\n"


def _from_report(report: Report) -> list[RuleInfo]:
    titles = {checked.rule: checked.title for checked in report.checked}
    return [
        RuleInfo(
            one.finding.rule,
            titles.get(one.finding.rule) or one.finding.rule,
            "",
            one.finding.severity,
            one.finding.confidence,
        )
        for one in ordered(report.findings)
    ]


def _rule(rule: RuleInfo) -> dict[str, Any]:
    title = printable(rule.title) or rule.id
    doc = block(rule.doc).strip() or title
    return {
        "id": rule.id,
        "shortDescription": {"text": _cut(title)},
        "fullDescription": {"text": _cut(doc)},
        "help": {"text": doc, "markdown": f"**{_markdown(title)}**\n\n{_markdown(doc)}"},
        "defaultConfiguration": {"level": rule.severity.value},
        "properties": {
            "precision": rule.confidence.value,
            "problem.severity": _PROBLEM[rule.severity],
            "tags": ["linux-kernel"],
        },
    }


def _cut(text: str) -> str:
    return text if len(text) <= DESCRIPTION else text[: DESCRIPTION - 3] + "..."


def _plain(text: str) -> str:
    """A text as the string of a message (3.11.5): braces mark placeholders unless they are doubled.

    Descriptions of rules are no templates for anything, and are left as they are.
    """
    return text.replace("{", "{{").replace("}", "}}")


def _unlinked(text: str) -> str:
    """A text as message string that makes no link (3.11.6), whatever a patch called its functions."""
    return _plain(block(text)).replace("](", "]\\(")


def _link(text: str, target: int) -> str:
    escaped = _plain(printable(text)).replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")
    return f"[{escaped}]({target})"


def _markdown(text: str) -> str:
    # Nothing in GitHub's markdown may become HTML; the rest of a rule's text reads the same as plain text.
    return text.replace("&", "&amp;").replace("<", "&lt;")


def _result(report: Report, introduced: Introduced, index: int) -> dict[str, Any]:
    finding = introduced.finding
    return {
        "ruleId": finding.rule,
        "ruleIndex": index,
        "level": finding.severity.value,
        "message": {"text": _message(report, introduced)},
        "locations": [_location(finding.place)],
        "relatedLocations": [
            {"id": number, **_location(related.place), "message": {"text": _unlinked(related.message)}}
            for number, related in enumerate(finding.related[:LINKED], start=1)
        ],
        "partialFingerprints": {"checkseries/v1": introduced.fingerprint},
        "properties": _properties(introduced),
    }


def _message(report: Report, introduced: Introduced) -> str:
    finding = introduced.finding
    rows = [_unlinked(finding.message)]
    if introduced.repaired_by is not None:
        first, last = label(report, introduced.patch), label(report, introduced.repaired_by)
        rows.append(f"Broken from patch {first} until {last}.")
    else:
        rows.append(f"Broken since patch {label(report, introduced.patch)}.")
    if finding.archs:
        rows.append(_unlinked(f"Architectures: {', '.join(finding.archs)}."))
    links = [
        _link(related.message or related.place.path, number)
        for number, related in enumerate(finding.related[:LINKED], start=1)
    ]
    if links:
        rows.append(f"See {', '.join(links)}.")
    if finding.witness is not None:
        where = f" on {finding.witness.arch}" if finding.witness.arch else ""
        rows.append(_unlinked(f"Shown{where} by:"))
        rows += [_unlinked("    " + printable(proof)) for proof in finding.witness.lines[:PROOF]]
        if len(finding.witness.lines) > PROOF:
            rows.append(f"    and {len(finding.witness.lines) - PROOF} more lines")
    return "\n".join(rows)


def _properties(introduced: Introduced) -> dict[str, Any]:
    finding: Finding = introduced.finding
    witness = finding.witness
    return {
        "patch": introduced.patch,
        "repairedBy": introduced.repaired_by,
        "confidence": finding.confidence.value,
        "subject": finding.subject,
        "archs": list(finding.archs),
        "profile": finding.profile,
        "witness": None
        if witness is None
        else {"kind": witness.kind.value, "arch": witness.arch, "lines": list(witness.lines)},
    }


def _location(place: Place) -> dict[str, Any]:
    # A path is bytes: what was no UTF-8 in it is encoded as it was, so the URI names the very file.
    try:
        path = place.path.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        path = place.path.encode("utf-8", "surrogatepass")
    location: dict[str, Any] = {
        "physicalLocation": {
            "artifactLocation": {"uri": quote(path), "uriBaseId": "%SRCROOT%"},
            "region": _region(place),
        }
    }
    if place.symbol:
        location["logicalLocations"] = [{"fullyQualifiedName": place.symbol}]
    return location


def _region(place: Place) -> dict[str, Any]:
    if place.line < 1:
        return {"startLine": 1}  # the whole file; GitHub wants a line all the same
    region: dict[str, Any] = {"startLine": place.line, "endLine": place.line}
    text = place.text
    if text:
        start = column.index(text, place.column)
        if start is None:  # the whole line, without its indentation
            start, end = len(text) - len(text.lstrip()), len(text)
        else:
            end = column.word_end(text, start)
        if start < end:
            region["startColumn"] = column.utf16(text, start)
            region["endColumn"] = column.utf16(text, end)
        region["snippet"] = {"text": text}
    return region


def _invocation(report: Report, dropped: int) -> dict[str, Any]:
    failed = [judged for judged in report.patches if judged.status in FAILED]
    notes = [
        {
            "level": "error",
            "message": {
                "text": _unlinked(
                    f"patch {label(report, judged.patch.number)} ({judged.patch.subject}): "
                    f"{judged.status.value}{': ' if judged.reason else ''}{judged.reason}"
                )
            },
        }
        for judged in failed
    ]
    notes += [
        {
            "level": "error" if skipped.failure else "note",
            "message": {"text": _unlinked(f"{skipped.rule}: {skipped.subject}: {skipped.reason}")},
        }
        for skipped in report.skipped
    ]
    if dropped:
        notes.append({"level": "warning", "message": {"text": f"{dropped} more results are left out"}})
    return {
        "executionSuccessful": not failed and not any(skipped.failure for skipped in report.skipped),
        "toolExecutionNotifications": notes,
    }
