"""A report as a JSON document of our own, for programs: version 1, described by docs/report.schema.json.

The keys are written out one by one, never taken from the model: what users parse does not change because a
field was renamed. The document is the same for the same series, tree and rules; it holds no clock.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from checkseries import __version__
from checkseries.model import (
    Blocker,
    Checked,
    Introduced,
    Judged,
    Laid,
    LaidMember,
    Letter,
    Place,
    Reason,
    Relaid,
    Report,
    SelectionRow,
    SelectionTable,
    Series,
    Skipped,
    UnmetSelect,
    UnmetSweep,
    Values,
    Witness,
)
from checkseries.report.clean import document
from checkseries.report.order import ordered

VERSION = 1
"""Of the document; it grows when a key goes or changes its meaning."""


def render_json(report: Report, *, version: str = __version__) -> str:
    """The report as indented JSON in plain ASCII, ended by a newline; ``version`` is that of the tool."""
    tree = {
        "version": VERSION,
        "tool": _tool(version),
        "base": report.base,
        "archs": list(report.archs),
        "profile": report.profile,
        "series": _series(report.series),
        "patches": [_patch(judged) for judged in report.patches],
        "findings": [_finding(introduced) for introduced in ordered(report.findings)],
        "checked": [_checked(checked) for checked in report.checked],
        "skipped": [_skipped(skipped) for skipped in report.skipped],
        "tables": [_table(table) for table in report.tables],
        "letters": [_letter(letter) for letter in report.series.letters],
        "remarks": list(report.remarks),
    }
    return _dumped(tree)


def render_tables_json(tables: Sequence[SelectionTable], *, version: str = __version__) -> str:
    """Selection tables alone, in the form that they have in a report (docs/selections.schema.json)."""
    tree = {"version": VERSION, "tool": _tool(version), "tables": [_table(table) for table in tables]}
    return _dumped(tree)


def render_query_json(
    asked: Sequence[Values] | Sequence[UnmetSweep] | Sequence[Reason],
    query: str,
    base: str,
    profile: str,
    *,
    version: str = __version__,
) -> str:
    """The answers to one query of Kconfig, an arch each (docs/queries.schema.json)."""
    tree = {
        "version": VERSION,
        "tool": _tool(version),
        "query": query,
        "base": base,
        "profile": profile,
        "archs": [_answer(each) for each in asked],
    }
    return _dumped(tree)


def render_layouts_json(laid: Sequence[Laid], base: str, *, version: str = __version__) -> str:
    """Types as they lie in memory (docs/layouts.schema.json)."""
    tree = {
        "version": VERSION,
        "tool": _tool(version),
        "base": base,
        "types": [_laid(each) for each in laid],
    }
    return _dumped(tree)


def render_relaid_json(
    relaid: Sequence[Relaid], base: str, series: str, *, version: str = __version__
) -> str:
    """Types before and after a series (docs/relaid.schema.json)."""
    tree = {
        "version": VERSION,
        "tool": _tool(version),
        "base": base,
        "series": series,
        "types": [
            {
                "before": None if each.before.absent else _laid(each.before),
                "after": None if each.after.absent else _laid(each.after),
                "members": [
                    {
                        "moved": str(pair.moved),
                        "before": None if pair.before is None else _laid_member(pair.before),
                        "after": None if pair.after is None else _laid_member(pair.after),
                    }
                    for pair in each.members
                ],
            }
            for each in relaid
        ],
    }
    return _dumped(tree)


def _laid(each: Laid) -> dict[str, Any]:
    return {
        "name": each.name,
        "arch": each.arch,
        "start": each.start,
        "unit": each.unit,
        "size": each.size,
        "align": each.align,
        "unknown": each.unknown,
        "members": [_laid_member(member) for member in each.members],
    }


def _laid_member(member: LaidMember) -> dict[str, Any]:
    return {
        "name": member.name,
        "type": member.type,
        "bit": member.bit,
        "bits": member.bits,
        "depth": member.depth,
        "field": member.field,
    }


def _answer(answer: Values | UnmetSweep | Reason) -> dict[str, Any]:
    match answer:
        case Values():
            return {
                "arch": answer.arch,
                "start": answer.start,
                "values": dict(answer.values),
                "unmet": list(answer.unmet),
            }
        case UnmetSweep():
            return {
                "arch": answer.arch,
                "selects": answer.selects,
                "unmet": [_unmet(each) for each in answer.unmet],
                "unknown": list(answer.unknown),
                "failure": answer.failure,
            }
        case Reason():
            return {
                "arch": answer.arch,
                "symbol": answer.symbol,
                "can_be_y": answer.can_be_y,
                "witness": list(answer.witness),
                "blockers": [_blocker(each) for each in answer.blockers],
                "unknown": answer.unknown,
            }


def _unmet(unmet: UnmetSelect) -> dict[str, Any]:
    return {
        "target": unmet.target,
        "depends": unmet.depends,
        "selector": unmet.selector,
        "condition": unmet.condition,
        "path": unmet.path,
        "line": unmet.line,
        "witness": list(unmet.witness),
    }


def _blocker(blocker: Blocker) -> dict[str, Any]:
    return {
        "symbol": blocker.symbol,
        "role": blocker.role,
        "part": blocker.part,
        "path": blocker.path,
        "line": blocker.line,
        "why": blocker.why,
    }


def _dumped(tree: dict[str, Any]) -> str:
    return json.dumps(document(tree), indent=2, ensure_ascii=True, allow_nan=False) + "\n"


def _tool(version: str) -> dict[str, Any]:
    return {"name": "checkseries", "version": version}


def _series(series: Series) -> dict[str, Any]:
    return {
        "name": series.name,
        "revision": series.revision,
        "total": series.total,
        "base_commit": series.base_commit,
        "prerequisites": list(series.prerequisites),
        "remarks": list(series.remarks),
    }


def _patch(judged: Judged) -> dict[str, Any]:
    return {
        "number": judged.patch.number,
        "subject": judged.patch.subject,
        "message_id": judged.patch.message_id,
        "origin": judged.patch.origin,
        "status": judged.status.value,
        "reason": judged.reason,
    }


def _place(place: Place) -> dict[str, Any]:
    return {
        "path": place.path,
        "line": place.line,
        "column": place.column,
        "symbol": place.symbol,
        "text": place.text,
    }


def _finding(introduced: Introduced) -> dict[str, Any]:
    finding = introduced.finding
    return {
        "rule": finding.rule,
        "severity": finding.severity.value,
        "confidence": finding.confidence.value,
        "patch": introduced.patch,
        "repaired_by": introduced.repaired_by,
        **_place(finding.place),
        "subject": finding.subject,
        "archs": list(finding.archs),
        "profile": finding.profile,
        "message": finding.message,
        "related": [{**_place(related.place), "message": related.message} for related in finding.related],
        "witness": _witness(finding.witness),
        "fingerprint": introduced.fingerprint,
    }


def _witness(witness: Witness | None) -> dict[str, Any] | None:
    if witness is None:
        return None
    return {"kind": witness.kind.value, "arch": witness.arch, "lines": list(witness.lines)}


def _checked(checked: Checked) -> dict[str, Any]:
    return {
        "rule": checked.rule,
        "title": checked.title,
        "sites": checked.sites,
        "holds": checked.holds,
        "broken": checked.broken,
        "broken_before": checked.broken_before,
        "unknown": checked.unknown,
        "summary": checked.summary,
        "doubts": [
            {"place": None if doubt.place is None else _place(doubt.place), "why": doubt.why}
            for doubt in checked.doubts
        ],
    }


def _skipped(skipped: Skipped) -> dict[str, Any]:
    return {
        "rule": skipped.rule,
        "subject": skipped.subject,
        "reason": skipped.reason,
        "failure": skipped.failure,
    }


def _table(table: SelectionTable) -> dict[str, Any]:
    return {"title": table.title, "rows": [_row(row) for row in table.rows]}


def _row(row: SelectionRow) -> dict[str, Any]:
    return {
        "arch": row.arch,
        "symbol": row.symbol,
        "selected_by": list(row.selected_by),
        "can_be_y": row.can_be_y,
        "expected": row.expected,
        "holds": row.holds,
        "witness": list(row.witness),
    }


def _letter(letter: Letter) -> dict[str, Any]:
    return {
        "origin": letter.origin,
        "subject": letter.subject,
        "message_id": letter.message_id,
        "outcome": letter.outcome.value,
        "reason": letter.reason,
    }
