"""What was asked of Kconfig by hand, as people read it: values, unmet selects, reasons."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.text import Text

from checkseries.model import Blocker, Reason, UnmetSweep, Values
from checkseries.report.clean import printable
from checkseries.report.text import NARROWEST
from checkseries.report.wrap import drawn, ink, wrapped

_CAN = {True: ("can be y", "green"), False: ("can never be y", "bold red"), None: ("unknown", "yellow")}


def render_values(values: Values) -> str:
    """A line a symbol, which a program can read too; nothing is wrapped."""
    return "".join(f"{printable(name)}={printable(value)}\n" for name, value in values.values)


def render_unmet(
    sweeps: Sequence[UnmetSweep], tree: str, profile: str, *, width: int = 80, color: bool = False
) -> str:
    """The selects that can be unmet, arch by arch, by target."""
    return drawn(_unmet(sweeps, tree, profile, max(width, NARROWEST)), color=color)


def render_why(
    reasons: Sequence[Reason], tree: str, profile: str, *, width: int = 80, color: bool = False
) -> str:
    """What makes a symbol y or keeps it from that, arch by arch."""
    return drawn(_why(reasons, tree, profile, max(width, NARROWEST)), color=color)


def _head(title: str, profile: str, width: int) -> Iterator[Text]:
    yield from wrapped(ink((title + ":", "bold")), width, "", "  ")
    yield from wrapped(ink((f"profile: {profile}", "dim")), width, "", "  ")


def _unmet(sweeps: Sequence[UnmetSweep], tree: str, profile: str, width: int) -> Iterator[Text]:
    yield from _head(f"selects that can be unmet in {tree}", profile, width)
    for sweep in sweeps:
        if sweep.failure:
            yield from wrapped(
                ink((sweep.arch, "bold"), f": not judged: {sweep.failure}"), width, "  ", "    "
            )
            continue
        count = f": {len(sweep.unmet)} of {sweep.selects} selects"
        if sweep.unknown:
            count += f", {len(sweep.unknown)} undecided"
        yield from wrapped(ink((sweep.arch, "bold"), count), width, "  ", "    ")
        target = ""
        for each in sweep.unmet:
            if each.target != target:
                target = each.target
                yield from wrapped(
                    ink((target, "bold red"), f" depends on {each.depends}"), width, "    ", "      "
                )
            when = f" if {each.condition}" if each.condition else ""
            selected = ink(f"selected by {each.selector}{when} at {each.path}:{each.line}")
            yield from wrapped(selected, width, "      ", "        ")
            yield from _witness(each.witness, width, "        ")
        for doubt in sweep.unknown:
            yield from wrapped(ink(("unknown: ", "yellow"), doubt), width, "    ", "      ")


def _why(reasons: Sequence[Reason], tree: str, profile: str, width: int) -> Iterator[Text]:
    name = reasons[0].symbol if reasons else ""
    yield from _head(f"what makes {name} y in {tree}", profile, width)
    for reason in reasons:
        doubt = f": {reason.unknown}" if reason.unknown else ""
        yield from wrapped(
            ink((reason.arch, "bold"), ": ", _CAN[reason.can_be_y], doubt), width, "  ", "    "
        )
        if reason.can_be_y:
            yield from _witness(reason.witness, width, "    ")
        for each in reason.blockers:
            yield from wrapped(ink(_blocker(each)), width, "    ", "      ")


def _blocker(blocker: Blocker) -> str:
    where = f" at {blocker.path}:{blocker.line}" if blocker.path else ""
    part = f" never true: {blocker.part}" if blocker.part else ""
    why = f" ({blocker.why})" if part and blocker.why else f" {blocker.why}" if blocker.why else ""
    return f"{blocker.symbol}, {blocker.role}{where}:{part}{why}"


def _witness(witness: Sequence[str], width: int, indent: str) -> Iterator[Text]:
    for line in witness or ("nothing has to be set: the defaults do",):
        yield from wrapped(ink("with ", line), width, indent, indent + "  ")
