"""What a rule is: an id, whom it is asked about, the judgement, its document and its examples."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from checkseries.judge.history import History
from checkseries.model import Confidence, Severity, Verdict
from checkseries.tree import Snapshot


@dataclass(frozen=True, slots=True, order=True)
class Subject:
    """What a rule is asked about: a function, an object, a symbol; on one arch or, with "", on none."""

    name: str
    arch: str = ""
    detail: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Example:
    """A small tree, what a series makes of it, and exactly what the rule finds."""

    title: str
    base: Mapping[str, str]
    patches: tuple[Mapping[str, str | None], ...]
    """New contents of the files that each patch touches; None deletes."""
    finds: tuple[str, ...]
    """``PATCH PATH:LINE``, one a finding, in order; empty for a good example."""


def bad(
    title: str, base: Mapping[str, str], *patches: Mapping[str, str | None], finds: tuple[str, ...]
) -> Example:
    """An example in which the rule must find exactly ``finds``: one ``PATCH PATH:LINE`` a finding."""
    assert finds, "a bad example finds something"
    return Example(title, base, patches, finds)


def good(title: str, base: Mapping[str, str], *patches: Mapping[str, str | None]) -> Example:
    """An example in which the rule must stay quiet."""
    return Example(title, base, patches, ())


Check = Callable[[Snapshot, Subject], Iterable[Verdict]]
Subjects = Callable[[History, str], Iterable[Subject]]
"""From a history and an arch ("" for rules that are not asked per arch), whom to ask about."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A judgement that can be asked of any snapshot; equal if the id is."""

    id: str
    title: str = field(compare=False)
    doc: str = field(compare=False)
    severity: Severity = field(compare=False)
    confidence: Confidence = field(compare=False)
    since: str = field(compare=False)
    subjects: Subjects = field(compare=False)
    check: Check = field(compare=False)
    words: Callable[[Subject], Iterable[str]] = field(compare=False)
    """The identifiers that judging a subject will search the tree for: they are scanned for together."""
    summary: Callable[[int, int, int], str] = field(compare=False)
    """One line for people from the numbers of sites that hold, are broken, are unknown."""
    examples: tuple[Example, ...] = field(default=(), compare=False)
    origin: str = field(default="", compare=False)
    """The file that it was loaded from."""
    digest: str = field(default="", compare=False)
    """The hash of that file as it was loaded; empty if it was not loaded from a directory of rules."""
    contract: bool = field(default=False, compare=False)
    searching: bool = field(default=False, compare=False)
    """Whether ``subjects`` itself may search the tree: it is asked last, so that one search serves all."""

    per_arch: bool = field(default=False, compare=False)
    """Asked once for each architecture, apart from the others: rules on Kconfig models are."""


def no_words(_subject: Subject) -> tuple[str, ...]:
    """For rules that search for nothing."""
    return ()


def own_name(subject: Subject) -> tuple[str, ...]:
    """For rules that search for the name that they are asked about."""
    return (subject.name,)


def counted(noun: str) -> Callable[[int, int, int], str]:
    """A summary that says how many ``noun`` hold, are broken and are unknown."""

    def summary(holds: int, broken: int, unknown: int) -> str:
        number = holds + broken + unknown
        if number == 1:
            return f"1 {_one(noun)}{', holds' if holds else ': broken' if broken else ': unknown'}"
        if not broken and not unknown:
            return f"{holds} {noun}, all hold"
        return f"{number} {noun}: {told((holds, 'hold'), (broken, 'broken'), (unknown, 'unknown'))}"

    return summary


_HEAD = re.compile(
    r"^.*?(?= (?:around|between|from|in|of|parted|that|through|to|which|whose|within|without)\b|$)"
)


def _one(noun: str) -> str:
    """The singular: ``steps of assembly through tables`` -> ``step of assembly through tables``."""
    head = _HEAD.match(noun)
    assert head is not None
    one = re.sub(r"(?<!s)s\b", "", head[0]).replace(" and ", " or ")
    return f"{one}{noun[head.end() :].replace(' that are ', ' that is ')}"


def some(number: int, noun: str) -> str:
    """``1 call``, ``6 calls``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def told(*counts: tuple[int, str]) -> str:
    """The numbers that are not zero, each with its word: ``6 hold, 1 unknown``."""
    return ", ".join(f"{number} {word}" for number, word in counts if number)


def rule(
    id: str,  # noqa: A002 - the word that everybody uses for it
    *,
    severity: Severity,
    confidence: Confidence,
    since: str,
    subjects: Subjects,
    words: Callable[[Subject], Iterable[str]] = own_name,
    summary: Callable[[int, int, int], str] | None = None,
    per_arch: bool = False,
    searching: bool = False,
) -> Callable[[Check], Rule]:
    """Make a check function the rule of its file; title and document are the file's docstring."""

    def wrap(check: Check) -> Rule:
        return Rule(id, "", "", severity, confidence, since, subjects, check, words, summary or counted("sites"),
                    per_arch=per_arch, searching=searching)  # fmt: skip

    return wrap
