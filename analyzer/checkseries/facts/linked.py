"""What the linker finds under a name: the objects that define it, and when they are there.

A definition counts where C shows it: a function, an object, power management operations that a macro exports.
Anything else that may define a name (assembly, a linker script, another macro) is a doubt, and so is a definer
that no makefile is seen to name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from checkseries.facts.c_decl import HOST_PROGRAMS, arch_of, declared_in, kernel_source
from checkseries.facts.c_object import objects_named
from checkseries.facts.c_outline import outline_of
from checkseries.facts.c_text import code, place
from checkseries.facts.kbuild import NOT_BUILT, built
from checkseries.facts.presence import (
    ALWAYS,
    IN_C,
    NEVER,
    Constant,
    Expression,
    Opaque,
    answered,
    every,
    presence_of,
    some,
)
from checkseries.model import Place
from checkseries.tree import Kept, Snapshot, fact

_PM_OPS = "include/linux/pm.h"
_EXPORTS = re.compile(r"\b(\w*EXPORT\w*)\s*\(\s*$", re.ASCII)
_EXPORTS_OPS = re.compile(r"\bEXPORT\w*_PM_OPS\s*\(\s*$", re.ASCII)
_MACRO_AT_FILE_SCOPE = re.compile(r"(?:^|[;}\s])([A-Za-z_]\w*)\s*\((?:[^();]*,)?\s*$", re.ASCII)
_APART = re.compile(
    r"(?:^|/)(?:boot|vdso\w*|purgatory|realmode|libstub|nvhe|decompress(?:or)?|um)/", re.ASCII
)
"""Directories whose objects, or some of them, are linked to images of their own."""
_ASSEMBLY = (".S", ".lds", ".lds.h", ".rs")

_SURE: Mapping[str, Constant] = {
    **IN_C,
    "defined(__CHECKER__)": NEVER,
    "defined(__GENKSYMS__)": NEVER,
    "defined(__DISABLE_EXPORTS)": NEVER,
}


def compiled(of: Expression, *, module: bool) -> Expression:
    """A condition for a file that is compiled for the kernel itself, or as a module."""
    sure = {**_SURE, "defined(MODULE)": ALWAYS if module else NEVER}
    return answered(of, lambda each: sure.get(each.text, each))


def apart(path: str) -> bool:
    """Whether a file may belong to an image of its own, and not to the kernel."""
    return _APART.search(path) is not None


@dataclass(frozen=True, slots=True)
class Definer:
    """One file that defines a name."""

    place: Place
    function: bool
    inside: Expression
    """When it is in the kernel itself."""
    module: Expression
    """When it is in a module."""


@dataclass(frozen=True, slots=True)
class Definers:
    """All that is seen to define a name on an arch."""

    found: tuple[Definer, ...]
    headers: Expression = NEVER
    """When headers have a definition that is not static: whoever includes them may then define it."""
    doubt: str = ""
    """Why there may be others, or others at other times."""

    def there(self, *, module: bool) -> Expression:
        """When the linker of the kernel itself, or of a module, finds the name."""
        inside = (compiled(self.headers, module=module), *(each.inside for each in self.found))
        return some((*inside, *(each.module for each in self.found)) if module else inside)


@fact
def definers(tree: Snapshot, name: str, arch: str) -> Definers:
    """Who defines a function or object with external linkage, as seen from the kernel of one arch."""
    found: list[Definer] = []
    headers: list[Expression] = []
    for path in tree.grep(name):
        if path.startswith(HOST_PROGRAMS) or arch_of(path) not in (None, arch):
            continue
        if path.endswith(_ASSEMBLY):
            if not path.endswith(".rs") or _in_rust(tree, path, name):
                return Definers((), doubt=f"{path} names {name} too")
            continue
        if not kernel_source(path):
            continue
        places = _definitions(tree, path, name)
        if places is None:
            return Definers((), doubt=f"a macro of {path} may define {name}")
        for where, function, condition in places:
            if path.endswith(".h"):
                headers.append(condition)
                continue
            if not path.endswith(".c") or apart(path):
                return Definers((), doubt=f"{path} defines {name}")
            of = built(tree, path, arch)
            if of == NOT_BUILT:
                return Definers((), doubt=f"how {path} is built is not known")
            found.append(
                Definer(
                    where,
                    function,
                    compiled(every((condition, of.inside)), module=False),
                    compiled(every((condition, of.module)), module=True),
                )
            )
    return Definers(tuple(found), some(tuple(headers)))


def _in_rust(tree: Snapshot, path: str, name: str) -> bool:
    return re.search(rf"\bfn\s+{re.escape(name)}\b".encode(), tree.read(path) or b"", re.ASCII) is not None


@fact(kept=Kept())
def _definitions(tree: Snapshot, path: str, name: str) -> tuple[tuple[Place, bool, Expression], ...] | None:
    """The definitions in one file, with whether each is a function, and its condition; None if in doubt."""
    data = tree.read(path)
    # What is defined, in the style of the kernel, stands on a line that no blank begins.
    if data is None or not re.search(
        rb"^[^\s#/][^\n]*\b%b\b|^%b\b" % ((name.encode(),) * 2), data, re.MULTILINE
    ):
        return ()
    found: list[tuple[Place, bool, Expression]] = []
    for each in declared_in(tree, path, name):
        if each.kind == "definition" and not each.static and not (each.inline and path.endswith(".h")):
            if not each.sure or each.inline:
                return None
            found.append((each.place, True, each.condition))
    for thing in objects_named(tree, path, name):
        # C lets "int x;" stand beside "int x = 1;": both are the one object.
        if not thing.extern and not thing.static:
            if not thing.sure:
                return None
            found.append((thing.place, False, thing.condition))
    if found:
        return tuple(found)
    source = code(data)
    outline = outline_of(data)
    for match in re.finditer(rf"(?<![\w$]){re.escape(name)}(?![\w$])", source.plain, re.ASCII):
        chunk = outline.chunk(match.start())
        if chunk is None or (chunk.body and match.start() > chunk.body[0]):
            continue
        before = source.plain[max(chunk.start, match.start() - 200) : match.start()]
        if "{" in before or "=" in before:
            continue  # in an initialiser
        if _EXPORTS_OPS.search(before):
            line = source.line(match.start())
            condition = every((presence_of(data).at(line), _exported(tree, _name(before))))
            found.append((place(source, path, match.start()), False, condition))
        elif not _EXPORTS.search(before):
            macro = _MACRO_AT_FILE_SCOPE.search(before)
            if (
                macro
                and "DECLARE" not in macro[1]
                and macro[1] not in ("module_init", "module_exit")
                and not _parameter(before)
            ):
                return None
    return tuple(found)


def _name(before: str) -> str:
    match = _EXPORTS.search(before)
    return match[1] if match else ""


def _parameter(before: str) -> bool:
    """Whether what stands before a name at file scope is the head of a prototype: it is a parameter then."""
    head = before.rsplit("(", 1)[0].split()
    return len(head) > 1


@fact
def _exported(tree: Snapshot, macro: str) -> Expression:
    """When a macro of pm.h that exports operations defines them; else it leaves the compiler a static to drop."""
    data = tree.read(_PM_OPS)
    if data is None:
        return Opaque(macro)
    source = code(data)
    presence = presence_of(data)
    found = []
    for each in source.macros:
        if each.name != macro:
            continue
        body = source.text[each.body : each.end]
        inner = re.search(r"\b(_?(?:EXPORT|DISCARD)\w*_PM_OPS)\s*\(", body)
        if inner is None or inner[1] == macro:
            return Opaque(macro)
        here = presence.at(source.line(each.at))
        if inner[1] == "_EXPORT_PM_OPS":
            found.append(here)
        elif inner[1] != "_DISCARD_PM_OPS":
            found.append(every((here, _exported(tree, inner[1]))))
        else:
            found.append(NEVER)
    return some(tuple(found)) if found else Opaque(macro)
