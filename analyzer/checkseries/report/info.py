"""What is known of a rule besides what it found."""

from __future__ import annotations

from dataclasses import dataclass

from checkseries.model import Confidence, Severity


@dataclass(frozen=True, slots=True)
class RuleInfo:
    """What a report that describes rules says of one."""

    id: str
    title: str
    """One sentence."""
    doc: str
    """Paragraphs in plain text, as the rule's file has them."""
    severity: Severity
    confidence: Confidence
