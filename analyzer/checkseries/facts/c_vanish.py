"""Macros whose arguments vanish when an option is off.

The table names macros and their headers; what they do in which configuration is read from the tree, so that it
holds for every version (MODULE_DEVICE_TABLE keeps its table in newer ones, whether MODULE is defined or not).
"""

from __future__ import annotations

import re

from checkseries.facts.c_decl import declared_in
from checkseries.facts.c_text import code
from checkseries.facts.presence import ALWAYS, Expression, condition_of, contrary, some
from checkseries.tree import Snapshot, fact

_HEADERS = {
    "SET_SYSTEM_SLEEP_PM_OPS": "include/linux/pm.h",
    "SET_LATE_SYSTEM_SLEEP_PM_OPS": "include/linux/pm.h",
    "SET_NOIRQ_SYSTEM_SLEEP_PM_OPS": "include/linux/pm.h",
    "SET_RUNTIME_PM_OPS": "include/linux/pm.h",
    "SIMPLE_DEV_PM_OPS": "include/linux/pm.h",
    "of_match_ptr": "include/linux/of.h",
    "ACPI_PTR": "include/linux/acpi.h",
    "MODULE_DEVICE_TABLE": "include/linux/module.h",
}
_MEANT = {"SIMPLE_DEV_PM_OPS": "SET_SYSTEM_SLEEP_PM_OPS"}
"""Macros that hand all their arguments on to another one."""


@fact
def kept(tree: Snapshot, macro: str) -> Expression:
    """When the arguments of a macro are compiled; always if it is none of the table."""
    path = _HEADERS.get(macro)
    if path is None:
        return ALWAYS
    name = _MEANT.get(macro, macro)
    data = tree.read(path)
    if data is None:
        return ALWAYS
    source = code(data)
    gone = []
    for each in source.macros:
        if each.name == name and each.parameters:
            body = source.text[each.body : each.end]
            if not any(re.search(rf"\b{re.escape(word)}\b", body) for word in each.parameters):
                line = source.line(each.at)
                gone += [d.condition for d in declared_in(tree, path, name) if d.place.line == line]
    return contrary(some(tuple(gone))) if gone else ALWAYS


_CHOOSING = {
    "pm_ptr": "include/linux/pm.h",
    "pm_sleep_ptr": "include/linux/pm.h",
    "SYSTEM_SLEEP_PM_OPS": "include/linux/pm.h",
    "LATE_SYSTEM_SLEEP_PM_OPS": "include/linux/pm.h",
    "NOIRQ_SYSTEM_SLEEP_PM_OPS": "include/linux/pm.h",
    "RUNTIME_PM_OPS": "include/linux/pm.h",
}
"""Macros whose arguments the compiler always sees, and drops where an option is off: by PTR_IF()."""
_PTR_IF = re.compile(r"\bPTR_IF\s*\(((?:[^(),]|\([^()]*\))*),", re.ASCII)


def listed(macro: str) -> bool:
    """Whether it is known of a macro when its arguments are dropped."""
    return macro in _HEADERS or macro in _CHOOSING


@fact
def linked(tree: Snapshot, macro: str) -> Expression:
    """When the arguments of a macro reach the linker; always if it is none of the tables."""
    path = _CHOOSING.get(macro)
    if path is None:
        return kept(tree, macro)
    data = tree.read(path)
    if data is None:
        return ALWAYS
    source = code(data)
    found = []
    for each in source.macros:
        if each.name != macro:
            continue
        body = source.text[each.body : each.end]
        match = _PTR_IF.search(body)
        inner = next((name for name in _CHOOSING if re.search(rf"\b{name}\s*\(", body)), None)
        found.append(
            condition_of(match[1]) if match else linked(tree, inner) if inner and inner != macro else ALWAYS
        )
    return some(tuple(found)) if found else ALWAYS
