"""What a contract says when its subject is gone: the run puts it at the patch that took it."""

from __future__ import annotations

from checkseries.model import Absent, Confidence, Finding, Place, Severity


def stale(contract: str, subject: str, why: str, archs: tuple[str, ...] = ()) -> Absent:
    """The verdict that ``subject`` is not in the tree, a note if it was there before."""
    message = f"the contract is stale: {why}"
    return Absent(Finding(contract, Severity.NOTE, Confidence.HIGH, Place("", 0), subject, message, archs))
