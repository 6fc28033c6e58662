"""The witness of a finding that a configuration proves."""

from __future__ import annotations

from collections.abc import Sequence

from checkseries.model import Witness, WitnessKind


def config(lines: Sequence[str], arch: str) -> Witness:
    """A ``.config`` fragment as a witness; an empty one says that the defaults alone do it."""
    return Witness(WitnessKind.CONFIG, tuple(lines) or ("# nothing has to be set: the defaults do",), arch)
