"""What a symbol needs by the mere text of its entry: cheaper than a model, and never more than is so.

A proof of this kind is one of need only: "X is not y without Y". That it needs nothing else is not said, as
blocks around the entry are not looked at.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping
from types import MappingProxyType

from checkseries.facts.kconfig.lexical import definitions, statements
from checkseries.tree import Snapshot, fact

_MOST = 200  # symbols that one needs
_TYPE = re.compile(r"\s*(?:def_)?(bool|tristate)\b", re.ASCII)
_SELECT = re.compile(r"\s*select\s+(\w+)\s*(?:#.*)?$", re.ASCII)
_DEPENDS = re.compile(r"\s*depends\s+on\s+([^|()]+?)\s*(?:#.*)?$", re.ASCII)
_TERM = re.compile(r"(\w+)(?:\s*=\s*(y))?", re.ASCII)
_BLOCK = re.compile(
    r"\s*(?:config|menuconfig|choice|endchoice|menu|endmenu|if|endif|source|comment|mainmenu)\b", re.ASCII
)


@fact
def _entry(tree: Snapshot, name: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    """The type of a symbol that is defined once, and what it selects and depends on; nothing of any other."""
    found = definitions(tree).get(name, ())
    if len(found) != 1:
        return "", ()
    ((path, line),) = found
    kind = ""
    needs: list[tuple[str, str]] = []
    for statement in statements(tree.text(path) or ""):
        first = statement[0][0]
        if first <= line:
            continue
        text = " ".join(part for _, part in statement)
        if _BLOCK.match(text):
            break
        if match := _TYPE.match(text):
            kind = match[1]
        elif match := _SELECT.match(text):
            needs.append(("select", match[1]))
        elif match := _DEPENDS.match(text):
            terms = (_TERM.fullmatch(term.strip()) for term in match[1].split("&&"))
            needs += [("depends=y" if one[2] else "depends", one[1]) for one in terms if one]
    return kind, tuple(needs)


@fact
def needed(tree: Snapshot, name: str, value: str) -> Mapping[str, str]:
    """The least values, ``m`` or ``y``, of the symbols that one with a value of ``m`` or ``y`` needs."""
    least = {name: value}
    pending = deque([name])
    while pending and len(least) < _MOST:
        each = pending.popleft()
        kind, needs = _entry(tree, each)
        for how, other in needs:
            other_kind = _entry(tree, other)[0]
            if how == "select":
                given = "y" if kind == "bool" else least[each]
            elif how == "depends=y":
                given = "y"
            else:
                given = least[each] if kind == "tristate" else "m"
            given = "y" if other_kind == "bool" else given
            if other_kind and least.get(other) not in (given, "y"):
                least[other] = given
                pending.append(other)
    return MappingProxyType(least)
