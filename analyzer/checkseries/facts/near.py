"""Names that are one slip of the finger apart."""

from __future__ import annotations

from collections.abc import Iterable

_SHORTEST = 6  # below, one letter is often the whole difference between two real names


def nearest(name: str, candidates: Iterable[str]) -> str | None:
    """The one candidate that ``name`` can be a misspelling of; None if there is none, or more than one.

    A slip is one letter too many, one missing, one wrong or two exchanged, or two of these in a name of
    twelve letters or more. Digits are never a slip: families of drivers differ by a digit.
    """
    if len(name) < _SHORTEST:
        return None
    allowed = 2 if len(name) >= 2 * _SHORTEST else 1
    digits = [letter for letter in name if letter.isdigit()]
    best: dict[str, int] = {}
    for candidate in candidates:
        if candidate == name or abs(len(candidate) - len(name)) > allowed:
            continue
        if [letter for letter in candidate if letter.isdigit()] != digits:
            continue
        distance = slips(name, candidate, allowed)
        if distance is not None:
            best[candidate] = distance
    if not best:
        return None
    least = min(best.values())
    nearest_ones = sorted(candidate for candidate, distance in best.items() if distance == least)
    return nearest_ones[0] if len(nearest_ones) == 1 else None


def slips(a: str, b: str, most: int) -> int | None:
    """The number of slips between two names (Damerau's distance, each pair exchanged once); None if over ``most``."""
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, left in enumerate(a, 1):
        now = [i]
        for j, right in enumerate(b, 1):
            cost = min(row[j] + 1, now[j - 1] + 1, row[j - 1] + (left != right))
            if i > 1 and j > 1 and left == b[j - 2] and a[i - 2] == right:
                cost = min(cost, before[j - 2] + 1)
            now.append(cost)
        if min(now) > most:
            return None
        before, row = row, now
    return row[-1] if row[-1] <= most else None
