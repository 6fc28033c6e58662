"""What a C file defines by a name that it may not define twice: macros, and functions with a body."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

from checkseries.facts.c_decl import functions_in
from checkseries.facts.c_text import code
from checkseries.facts.presence import Expression, opaque, presence_of
from checkseries.facts.reach import in_c
from checkseries.tree import Snapshot, fact


@dataclass(frozen=True, slots=True)
class Defined:
    """One definition of a name."""

    kind: str
    """``macro`` or ``function``."""
    line: int
    body: str
    """A macro's parameters and text, its white space single; of a function nothing."""
    condition: Expression
    """With what is so in every C file answered."""
    guarded: bool
    """Whether an ``#if`` around it, or an ``#undef``, looks whether the name is defined."""


@functools.lru_cache(maxsize=512)  # a pure function of the bytes
def _macros(data: bytes, name: str) -> tuple[Defined, ...]:
    if name.encode() not in data:
        return ()
    source = code(data)
    presence = presence_of(data)
    taken_back = re.search(rf"#\s*undef\s+{re.escape(name)}\b", source.text, re.ASCII) is not None
    found = []
    for macro in source.macros:
        if macro.name != name:
            continue
        line = source.line(macro.at)
        condition = in_c(presence.at(line))
        parameters = "" if macro.parameters is None else f"({','.join(macro.parameters)})"
        text = data[macro.body : macro.end].decode("latin-1").replace("\\\n", " ")
        body = " ".join(f"{parameters} {re.sub(r'/[*].*?[*]/|//.*', ' ', text, flags=re.DOTALL)}".split())
        found.append(Defined("macro", line, body, condition, guarded=taken_back or _asks(condition, name)))
    return tuple(found)


def _asks(condition: Expression, name: str) -> bool:
    """Whether a condition looks at a name."""
    return any(re.search(rf"\b{re.escape(name)}\b", text, re.ASCII) for text in opaque(condition))


@fact
def defined(tree: Snapshot, path: str, name: str) -> tuple[Defined, ...]:
    """The definitions of a name in a file."""
    data = tree.read(path)
    if data is None or name.encode() not in data:
        return ()
    found = list(_macros(data, name))
    presence = presence_of(data)
    for each in functions_in(tree, path):
        if each.name == name and each.kind == "definition" and each.sure:
            condition = in_c(presence.at(each.place.line))
            weak = any("weak" in attribute or "gnu_inline" in attribute for attribute in each.attributes)
            found.append(
                Defined("function", each.place.line, "", condition, guarded=weak or _asks(condition, name))
            )
    return tuple(found)
