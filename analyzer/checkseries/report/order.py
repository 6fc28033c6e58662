"""The order in which findings are shown, and what a patch is called."""

from __future__ import annotations

from collections.abc import Sequence

from checkseries.model import Introduced, Report, Status

FAILED = (Status.DOES_NOT_APPLY, Status.NOT_JUDGED)
"""What makes a run incomplete: patches of these states hold findings that nobody looked for."""


def ordered(findings: Sequence[Introduced]) -> list[Introduced]:
    """The findings by patch, path, line and rule; the rest only makes the order total."""
    return sorted(
        findings,
        key=lambda one: (
            one.patch,
            one.finding.place.path,
            one.finding.place.line,
            one.finding.rule,
            one.finding.place.column,
            one.finding.subject,
            one.finding.message,
            one.fingerprint,
        ),
    )


def label(report: Report, number: int) -> str:
    """What readers call a patch: ``2/3``."""
    return f"{number}/{max(report.series.total, number)}"
