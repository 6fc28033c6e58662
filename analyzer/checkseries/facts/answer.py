"""The three answers of every question, as small types to match on.

``Holds | Broken | Unknown`` answers whether something is always so, ``Possible | Impossible | Unknown``
whether it can be so. A witness is a ``.config`` fragment, one assignment a line, that was re-checked by a
second way before it is handed out; what cannot be re-checked is Unknown.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Holds:
    """It is so in every configuration."""

    because: str = ""


@dataclass(frozen=True, slots=True)
class Broken:
    """It is not so in the configuration that the witness leads to."""

    witness: tuple[str, ...]
    """Lines of a ``.config``; empty if the defaults alone already break it."""
    because: str = ""


@dataclass(frozen=True, slots=True)
class Unknown:
    """It cannot be told, and why."""

    because: str


@dataclass(frozen=True, slots=True)
class Possible:
    """There is a configuration in which it is so: the one that the witness leads to."""

    witness: tuple[str, ...]
    """Lines of a ``.config``; empty if the defaults alone already make it so."""


@dataclass(frozen=True, slots=True)
class Impossible:
    """No configuration makes it so."""

    because: str = ""


Verdict = Holds | Broken | Unknown
"""Is it always so?"""

Possibility = Possible | Impossible | Unknown
"""Can it be so?"""
