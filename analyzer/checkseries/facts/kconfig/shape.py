"""What the definition of a symbol says, as a text that can be compared across trees."""

from __future__ import annotations

from checkseries.facts.kconfig.expression import operand, text
from checkseries.facts.kconfig.symbol import Expr, Symbol


def shape(symbol: Symbol) -> str:
    """Everything that decides a symbol's values and what it selects, one property a line, without places.

    Prompts' texts, help texts, files and lines are left out, and so is who selects it: that is said by the
    shape of the selector.
    """
    lines = [f"type {symbol.type.value}"]
    lines += [f"depends {text(each)}" for each in symbol.direct]
    lines += ["visible" + _when(prompt.when) for prompt in symbol.prompts]
    lines += [f"default {text(each.value)}" + _when(each.when) for each in symbol.defaults]
    lines += [f"range {operand(each.low)} {operand(each.high)}" + _when(each.when) for each in symbol.ranges]
    lines += [
        ("imply " if each.implied else "select ") + each.target.name + _when(each.when)
        for each in symbol.selects
    ]
    if symbol.transitional:
        lines.append("transitional")
    if symbol.choice is not None:
        choice = symbol.choice
        lines.append("choice of " + " ".join(member.name for member in choice.members))
        lines += ["choice visible" + _when(prompt.when) for prompt in choice.prompts]
        lines += [f"choice default {member.name}" + _when(when) for member, when in choice.defaults]
    return "\n".join(lines)


def _when(expr: Expr | None) -> str:
    return "" if expr is None else f" if {text(expr)}"
