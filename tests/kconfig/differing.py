"""What a kernel's own conf says of all symbols beside what we say."""

from __future__ import annotations

from typing import Any

from checkseries.facts.kconfig.evaluate import Evaluation
from checkseries.facts.kconfig.symbol import Tree, Type


def differences(tree: Tree, values: Evaluation, expected: Any) -> list[str]:
    """Where ours differ from conf's, a line each."""
    found = list(expected.complaints)
    ours = {
        symbol.name: symbol for symbol in tree.order if symbol.type is not Type.UNKNOWN and not symbol.whole
    }
    found += [f"{name}: only conf knows it" for name in sorted(expected.symbols.keys() - ours.keys())]
    found += [f"{name}: only we know it" for name in sorted(ours.keys() - expected.symbols.keys())]
    for name in sorted(ours.keys() & expected.symbols.keys()):
        symbol = ours[name]
        mine = (values.text(symbol), values.written(symbol), values.visible(symbol))
        if mine != expected.symbols[name]:
            found.append(f"{name}: {mine} is {expected.symbols[name]}")
    unmet = values.all_unmet()
    if unmet != expected.unmet:
        found.append(f"unmet: {sorted(unmet ^ expected.unmet)}")
    return found
