"""One finding as people read it: what is wrong, where, the line, what explains and what proves it."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from checkseries.model import Confidence, Introduced, Place, Report, Severity, Witness, WitnessKind
from checkseries.report.order import label
from checkseries.report.wrap import ink, paragraphs, source, wrapped

RELATED = 8
"""Related places that are shown of a finding."""
PROOF = 30
"""Lines that are shown of a witness."""
_NAMED = 4
"""So many archs are always named, even if they are all there are."""

COLOR = {Severity.ERROR: "bold red", Severity.WARNING: "bold yellow", Severity.NOTE: "bold cyan"}
_WITNESS = {
    WitnessKind.CONFIG: "a .config that shows it",
    WitnessKind.SITE: "because",
    WitnessKind.SIZE: "because",
}


def spot(place: Place) -> str:
    """A place as compilers write it: ``FILE:LINE``, or ``FILE`` if it is the whole file."""
    return f"{place.path}:{place.line}" if place.line else place.path


def listed(names: tuple[str, ...]) -> str:
    """Names as people list them: ``arm64, mips and x86``."""
    return " and ".join(part for part in (", ".join(names[:-1]), names[-1]) if part) if names else ""


def finding(report: Report, introduced: Introduced, width: int) -> Iterator[Text]:
    """The lines of one finding, at most ``width`` columns wide."""
    found = introduced.finding
    place = found.place
    head, _, more = found.message.partition("\n")
    yield from wrapped(
        ink(
            (found.severity.value + ":", COLOR[found.severity]),
            " ",
            (spot(place) + ":", "bold"),
            " ",
            (head, "bold"),
            " ",
            (f"[{found.rule}]", "dim"),
        ),
        width,
        "",
        "    ",
    )
    if more:
        yield from paragraphs(more, width, "    ")
    yield from _quoted(place, width)
    where = _where(report, introduced)
    if where:
        yield from wrapped(ink(where), width, "    ")
    if introduced.repaired_by is not None:
        first, last = label(report, introduced.patch), label(report, introduced.repaired_by)
        yield from wrapped(
            ink((f"broken from {first} until {last} (bisect)", COLOR[Severity.WARNING])), width, "    "
        )
    for related in found.related[:RELATED]:
        head = f"{spot(related.place)}: {related.message}" if related.message else spot(related.place)
        yield from paragraphs(f"see {head}", width, "    ", "      ")
        yield from _quoted(related.place, width)
    if len(found.related) > RELATED:
        yield ink(f"    and {len(found.related) - RELATED} more places")
    if found.witness is not None:
        yield from _witness(found.witness, width)


def _where(report: Report, introduced: Introduced) -> str:
    """What narrows a finding down, in one line; empty if nothing does."""
    found = introduced.finding
    parts = []
    if found.place.symbol:
        parts.append(f"in {found.place.symbol}")
    if len(found.archs) > _NAMED and set(found.archs) == set(report.archs):
        parts.append(f"on all {len(found.archs)} archs")
    elif found.archs:
        parts.append(f"on {listed(found.archs)}")
    if found.profile and found.profile != report.profile:
        parts.append(f"as {found.profile} compiles it")
    if found.confidence is not Confidence.HIGH:
        parts.append(f"confidence: {found.confidence.value}")
    return ", ".join(parts)


def _quoted(place: Place, width: int) -> Iterator[Text]:
    """The source line with its number, and a caret below the column."""
    if not place.text.strip():
        return
    number = str(place.line) if place.line else ""
    gutter = max(len(number), 5)
    text, caret = source(place.text, place.column, width - gutter - 5)
    yield ink((f"  {number:>{gutter}} | ", "dim"), text)
    if caret:
        yield ink((f"  {'':>{gutter}} | ", "dim"), (caret, "bold green"))


def _witness(witness: Witness, width: int) -> Iterator[Text]:
    where = f" on {witness.arch}" if witness.arch else ""
    yield from wrapped(ink(f"{_WITNESS[witness.kind]}{where}:"), width, "    ")
    for row in witness.lines[:PROOF]:
        yield from wrapped(ink(row), width, "        ", "          ")
    if len(witness.lines) > PROOF:
        yield ink(f"        and {len(witness.lines) - PROOF} more lines")
