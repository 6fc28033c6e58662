"""A report for people: plain lines that fit a terminal as well as a mail."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from rich.text import Text

from checkseries.model import (
    Checked,
    Judged,
    Outcome,
    Report,
    SelectionTable,
    Severity,
    Skipped,
    Status,
    Undecided,
)
from checkseries.report.clean import printable
from checkseries.report.finding import COLOR, finding, spot
from checkseries.report.order import FAILED, label, ordered
from checkseries.report.selection import selection
from checkseries.report.wrap import drawn, ink, paragraphs, wrapped

NARROWEST = 40
SUBJECT = 300
"""Characters of a subject that are shown."""
FEW = 12
"""A longer series names only the patches of which there is something to say."""
REASONS = 5
"""Reasons for doubt that are shown of one rule, and letters left aside."""
REMARKS = 40
SPOTS = 3
"""Places that are shown of one reason."""

_STATUS = {
    Status.APPLIED: ("applied", "green"),
    Status.ALREADY_APPLIED: ("already applied", "yellow"),
    Status.DOES_NOT_APPLY: ("does not apply", "bold red"),
    Status.NOT_JUDGED: ("not judged", "bold red"),
}


def render_text(report: Report, *, width: int = 80, color: bool = False) -> str:
    """The report as lines of at most ``width`` columns (40 at least), each ended by a newline.

    ``color`` adds ANSI escape sequences and nothing else. Not one comes from the series or the tree, nor any
    other character that cannot be printed.
    """
    return _drawn(_parts(report, max(width, NARROWEST)), color=color)


def render_tables(tables: Sequence[SelectionTable], *, width: int = 80, color: bool = False) -> str:
    """Selection tables alone, as they are in a report."""
    return _drawn((selection(table, max(width, NARROWEST)) for table in tables), color=color)


def _drawn(parts: Iterable[Iterator[Text]], *, color: bool) -> str:
    lines: list[Text] = []
    for part in parts:
        section = list(part)
        if section and lines:
            lines.append(Text())
        lines += section
    return drawn(lines, color=color)


def _parts(report: Report, width: int) -> Iterator[Iterator[Text]]:
    yield _head(report, width)
    yield _patches(report, width)
    for number, group in groupby(ordered(report.findings), key=lambda one: one.patch):
        yield _patch_printable(report, number, width)
        for introduced in group:
            yield finding(report, introduced, width)
    for table in report.tables:
        yield selection(table, width)
    yield _checked(report, width)
    yield _skipped(report, width)
    yield _remarks(report, width)
    yield iter(wrapped(_sum(report), width))


def _head(report: Report, width: int) -> Iterator[Text]:
    series = report.series
    if series.name:
        yield from wrapped(ink((printable(series.name, SUBJECT), "bold")), width, "", "  ")
    facts = []
    if report.patches:
        facts.append(f"v{series.revision}")
        here = len(report.patches)
        facts.append(_count(here, "patch") if here >= series.total else f"{here} of {series.total} patches")
    if report.base:
        facts.append(f"on {report.base}")
    if facts:
        yield from wrapped(ink(", ".join(facts)), width, "", "  ")
    if series.base_commit:
        yield from wrapped(ink(f"made for {series.base_commit}"), width, "", "  ")
    if report.archs:
        yield from wrapped(ink(f"archs: {' '.join(report.archs)}"), width, "", "  ")
    if report.profile:
        yield from wrapped(ink(f"profile: {report.profile}"), width, "", "  ")


def _patches(report: Report, width: int) -> Iterator[Text]:
    blamed = {one.patch for one in report.findings} | {one.repaired_by for one in report.findings}
    quiet = 0
    for judged in report.patches:
        plain = judged.status is Status.APPLIED and not judged.reason
        if len(report.patches) > FEW and plain and judged.patch.number not in blamed:
            quiet += 1
        else:
            yield from _patch(report, judged, width)
    if quiet:
        yield ink("  ", (f"{quiet} more applied", "green"))


def _patch(report: Report, judged: Judged, width: int) -> Iterator[Text]:
    status, style = _STATUS[judged.status]
    number = label(report, judged.patch.number)
    subject = printable(judged.patch.subject, SUBJECT)
    yield from wrapped(
        ink(f"  {number} ", (status + ":", style), " " + subject), width, "", " " * (len(number) + 3)
    )
    if judged.reason:
        yield from paragraphs(judged.reason, width, " " * (len(number) + 3))


def _patch_printable(report: Report, number: int, width: int) -> Iterator[Text]:
    subject = next((each.patch.subject for each in report.patches if each.patch.number == number), "")
    title = f"Patch {label(report, number)}: {printable(subject, SUBJECT)}"
    yield from wrapped(ink((title, "bold underline")), width, "", "  ")


# --- what was judged ---------------------------------------------------------------------------------------


def _checked(report: Report, width: int) -> Iterator[Text]:
    if not report.checked:
        return
    yield ink(("Checked:", "bold"))
    for checked in report.checked:
        if checked.sites:
            yield from _rule(checked, width)
    idle = [checked.rule for checked in report.checked if not checked.sites]
    if idle:
        yield from wrapped(ink(("no site    ", "dim"), ", ".join(idle)), width, "  ", " " * 13)


def _rule(checked: Checked, width: int) -> Iterator[Text]:
    mark, style = _verdict(checked)
    sites = _count(checked.sites, "site")
    if checked.holds == checked.sites:
        about = checked.summary or f"{checked.title} ({sites})"
    else:
        about = checked.summary or f"{checked.title} ({sites}: {_tally(checked)})"
    if checked.broken_before:
        about += f"; {checked.broken_before} broken before the series as well"
    yield from wrapped(ink((f"{mark:<9}", style), "  ", f"{checked.rule}: {about}"), width, "  ", " " * 13)
    if checked.unknown:
        yield from _doubts(checked, width)


def _verdict(checked: Checked) -> tuple[str, str]:
    if checked.broken > checked.broken_before:
        return "broken", COLOR[Severity.ERROR]
    if checked.broken:
        return "as before", "dim"
    if checked.unknown:
        return "unknown", "yellow"
    return "holds", "green"


def _tally(checked: Checked) -> str:
    counts = ((checked.holds, "hold"), (checked.broken, "broken"), (checked.unknown, "unknown"))
    return ", ".join(f"{number} {word}" for number, word in counts if number)


def _doubts(checked: Checked, width: int) -> Iterator[Text]:
    by_reason: dict[str, list[Undecided]] = {}
    for doubt in checked.doubts:
        by_reason.setdefault(doubt.why, []).append(doubt)
    told = 0
    # The reason that most sites share first: it is the one to mend.
    ranked = sorted(by_reason.items(), key=lambda item: (-len(item[1]), item[0]))
    for why, doubts in ranked[:REASONS]:
        told += len(doubts)
        spots = [spot(doubt.place) for doubt in doubts if doubt.place is not None]
        more = len(doubts) - min(len(spots), SPOTS)
        where = ", ".join(spots[:SPOTS]) + (f" and {more} more" if more else "") if spots else ""
        yield from wrapped(
            ink(f"{len(doubts)} unknown: {why}", f" ({where})" if where else ""), width, " " * 13, " " * 15
        )
    if checked.unknown > told:
        yield ink(" " * 13 + f"and {checked.unknown - told} more unknown")


def _skipped(report: Report, width: int) -> Iterator[Text]:
    if not report.skipped:
        return
    yield ink(("Not judged:", "bold"))
    for skipped in sorted(report.skipped, key=_failure_first):
        mark = ("failed: ", "bold red") if skipped.failure else ""
        yield from wrapped(
            ink(mark, f"{skipped.rule}: {skipped.subject}: {skipped.reason}"), width, "  ", "    "
        )


def _failure_first(skipped: Skipped) -> tuple[bool, str, str]:
    return not skipped.failure, skipped.rule, skipped.subject


def _remarks(report: Report, width: int) -> Iterator[Text]:
    letters = report.series.letters
    remarks = [*report.series.remarks, *report.remarks]
    unread = {each.origin for each in report.series.unread}  # shown among the patches
    aside = [
        each
        for each in letters
        if each.reason and each.outcome is not Outcome.REPLY and each.origin not in unread
    ]
    remarks += [
        f"{each.origin}: {printable(each.subject, SUBJECT)}: {each.reason}" for each in aside[:REASONS]
    ]
    if len(aside) > REASONS:
        remarks.append(f"and {_count(len(aside) - REASONS, 'more mail')} left aside")
    replies = sum(each.outcome is Outcome.REPLY for each in letters)
    if replies:
        remarks.append(f"{_count(replies, 'reply')} in the input, not judged")
    if remarks:
        yield ink(("Remarks:", "bold"))
    for remark in remarks[:REMARKS]:
        yield from paragraphs(remark, width, "  ", "    ")
    if len(remarks) > REMARKS:
        yield ink(f"  and {len(remarks) - REMARKS} more remarks")


# --- the last line -----------------------------------------------------------------------------------------


def _sum(report: Report) -> Text:
    parts: list[Text] = []
    whole = not any(judged.status in FAILED for judged in report.patches)
    if report.patches:
        judged = sum(each.status not in FAILED for each in report.patches)
        patches = _count(len(report.patches), "patch")
        parts.append(
            ink(
                patches if whole else (f"{judged} of {patches} judged", "bold red"),
                ", ",
                *_severities(report),
            )
        )
    elif report.findings or not report.tables:
        parts.append(ink(*_severities(report)))
    rows = [row.holds for table in report.tables for row in table.rows]
    if rows:
        # A row that nothing is expected of is asked for by hand: it neither holds nor is in doubt.
        doubtful = sum(
            row.holds is None and bool(row.expected) for table in report.tables for row in table.rows
        )
        counts = ((rows.count(True), "hold"), (rows.count(False), "broken"), (doubtful, "unknown"))
        said = ", ".join(f"{number} {word}" for number, word in counts if number)
        parts.append(ink(f"{_count(len(rows), 'selection')}{': ' if said else ''}{said}"))
    active = [checked for checked in report.checked if checked.sites]
    if active:
        holding = sum(checked.holds == checked.sites for checked in active)
        parts.append(ink(f"{_count(holding, 'rule')} {'holds' if holding == 1 else 'hold'}"))
        parts.append(ink(f"{_count(sum(checked.unknown for checked in active), 'site')} unknown"))
    failures = sum(skipped.failure for skipped in report.skipped)
    if failures:
        parts.append(ink((f"{_count(failures, 'judgement')} failed", "bold red")))
    if report.seconds > 0:
        parts.append(ink(f"{report.seconds:.1f} s"))
    return Text("; ").join(parts)


def _severities(report: Report) -> list[Text]:
    counts = dict.fromkeys(Severity, 0)
    for one in report.findings:
        counts[one.finding.severity] += 1
    texts = []
    for severity, number in counts.items():
        said = _count(number, severity.value)
        texts += [ink((said, COLOR[severity]) if number else said), ink(", ")]
    return texts[:-1]


def _count(number: int, noun: str) -> str:
    """``1 patch``, ``3 patches``, ``2 replies``."""
    if number == 1:
        return f"1 {noun}"
    plural = {"patch": "patches", "reply": "replies"}.get(noun, noun + "s")
    return f"{number} {plural}"
