"""Macros of the assembler: which argument each parameter gets, and the body with them put in.

As GNU as does it (manual, ".macro"): blanks beside operators are dropped first, then commas and blanks
separate arguments; ``name=value`` names one; ``\\@`` counts the macros expanded so far.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from checkseries.facts.asm_text import Macro, operands


def arguments_of(macro: Macro, text: str) -> dict[str, str] | None:
    """The parameters of a macro with their arguments; None if they do not fit."""
    parameters = _parameters(macro.parameters)
    if parameters is None:
        return None
    given = _arguments(text)
    bound: dict[str, str] = {}
    position = 0
    for each in given:
        named = re.match(r"([A-Za-z_]\w*)=(?!=)(.*)\Z", each, re.DOTALL)
        if named and named.group(1) in {name for name, _, _ in parameters}:
            bound[named.group(1)] = named.group(2)
            continue
        if position >= len(parameters):
            return None
        name, _, kind = parameters[position]
        if kind == "vararg":
            bound[name] = f"{bound[name]}, {each}" if name in bound else each
        else:
            bound[name] = each
            position += 1
    for name, default, kind in parameters:
        if not bound.get(name):
            if kind == "req":
                return None
            bound[name] = default
    return {
        name: each[1:-1] if each[:1] == '"' == each[-1:] and len(each) > 1 else each
        for name, each in bound.items()
    }


def _parameters(text: str) -> list[tuple[str, str, str]] | None:
    found = []
    for part in _arguments(text):
        match = re.fullmatch(r"([A-Za-z_$.][\w$]*)(?::(req|vararg))?(?:=(.*))?", part, re.DOTALL)
        if match is None:
            return None
        found.append((match.group(1), match.group(3) or "", match.group(2) or ""))
    return found


_GAP = re.compile(r'"(?:\\.|[^"\\])*+"?|\s+')


def _arguments(text: str) -> list[str]:
    """The arguments of a macro: as drops blanks beside operators first, then splits at commas and blanks."""
    tight = []
    at = 0
    for gap in _GAP.finditer(text):
        tight.append(text[at : gap.start()])
        if gap.group(0).startswith('"'):
            tight.append(gap.group(0))
        else:
            left, right = text[gap.start() - 1 : gap.start()], text[gap.end() : gap.end() + 1]
            word = re.compile(r'[\w.$"\\@]')
            tight.append(" " if word.match(left) and (word.match(right) or right in ("#", "[")) else "")
        at = gap.end()
    tight.append(text[at:])
    found: list[str] = []
    for part in operands("".join(tight)):
        found += _split(part)
    return found


def _split(text: str) -> list[str]:
    parts: list[str] = []
    depth, quoted, start = 0, False, 0
    for at, char in enumerate(text):
        if char == '"':
            quoted = not quoted
        depth += 0 if quoted else (char in "([") - (char in ")]")
        if char == " " and depth == 0 and not quoted:
            parts.append(text[start:at])
            start = at + 1
    return [*parts, text[start:]]


_PARAMETER = re.compile(r"\\(?:(\(\))|(@)|([A-Za-z_$.][\w.$]*))")


def substituted(text: str, bound: Mapping[str, str], invocation: int | None) -> str:
    """A line of a macro's body with its arguments put in; of a ``.irp``'s body, if ``invocation`` is None."""

    def one(match: re.Match[str]) -> str:
        empty, count, name = match.groups()
        if empty:
            return "" if invocation is not None else match.group(0)
        if count:
            return match.group(0) if invocation is None else str(invocation)
        return bound.get(name, match.group(0))

    return _PARAMETER.sub(one, text)
