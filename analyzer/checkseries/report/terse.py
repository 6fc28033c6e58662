"""A report in checkpatch's terse form, one line a finding: for b4, editors and other tools that parse it."""

from __future__ import annotations

from checkseries.model import Introduced, Judged, Report, Severity, Skipped
from checkseries.report.clean import printable
from checkseries.report.order import FAILED, label, ordered

LEVEL = {Severity.ERROR: "ERROR", Severity.WARNING: "WARNING", Severity.NOTE: "CHECK"}
"""checkpatch's words (scripts/checkpatch.pl, ``report``); b4 looks for ``ERROR:`` in the line."""


def render_terse(report: Report) -> str:
    """The findings as ``FILE:LINE: ERROR: RULE: text``, each ended by a newline; empty if there are none.

    Line 0 speaks of the whole file. What could not be judged is an error too, so that silence means that
    everything was looked at: patches that do not apply (at the mail they came in) and rules that failed.
    """
    rows = [_judged(report, judged) for judged in report.patches if judged.status in FAILED]
    rows += [_skipped(skipped) for skipped in report.skipped if skipped.failure]
    rows += [_finding(report, introduced) for introduced in ordered(report.findings)]
    return "".join(printable(row) + "\n" for row in rows)


def _finding(report: Report, introduced: Introduced) -> str:
    finding = introduced.finding
    place = finding.place
    archs = f" ({', '.join(finding.archs)})" if finding.archs else ""
    until = ""
    if introduced.repaired_by is not None:
        until = f" [from {label(report, introduced.patch)} until {label(report, introduced.repaired_by)}]"
    level = LEVEL[finding.severity]
    return f"{place.path}:{place.line}: {level}: {finding.rule}: {finding.message}{archs}{until}"


def _judged(report: Report, judged: Judged) -> str:
    patch = judged.patch
    reason = f": {judged.reason}" if judged.reason else ""
    number = label(report, patch.number)
    return f"{patch.origin}:0: ERROR: {judged.status.value}: {number} {patch.subject}{reason}"


def _skipped(skipped: Skipped) -> str:
    return f"-:0: ERROR: {skipped.rule}: could not judge {skipped.subject}: {skipped.reason}"
