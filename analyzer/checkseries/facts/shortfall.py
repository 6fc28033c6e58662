"""Where a name that a C file uses is not declared: on which architecture, in which configuration.

A file is compiled under what its makefiles say, a use of it under the ``#if`` around it; the name is visible at
most under what ``visible`` says. What the three leave open is asked of Kconfig.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from checkseries.facts.answer import Impossible, Possible
from checkseries.facts.c_decl import arch_of
from checkseries.facts.c_mention import Mention, mentions
from checkseries.facts.c_paste import Pasting, pasting
from checkseries.facts.c_text import code, place
from checkseries.facts.generated import may_bring
from checkseries.facts.include import includers
from checkseries.facts.kbuild import NOT_BUILT, built, makefile
from checkseries.facts.kconfig import model
from checkseries.facts.presence import (
    ALWAYS,
    NEVER,
    Expression,
    contrary,
    every,
    kconfig,
    presence_of,
    said,
    some,
)
from checkseries.facts.reach import foreign, reached
from checkseries.facts.visible import declaring, may_declare, visible
from checkseries.model import Place
from checkseries.tree import Snapshot, fact

_VARIADIC = re.compile(r"##[ \t]*(?:__VA_ARGS__|args|arg|a)\b", re.ASCII)
"""No pasting: what takes away a comma before arguments that are not there."""
_CALLED = re.compile(r"([A-Za-z_]\w*)[ \t]*\(", re.ASCII)
_DEEPEST = 4  # macros within macros
_SITES = 8  # uses of one name in one file that are told apart


@dataclass(frozen=True, slots=True)
class Shortfall:
    """A use of a name that nothing declares there; ``doubt`` says why that is not sure."""

    place: Place
    arch: str
    called: bool
    under: Expression
    """The options under which the name is declared; ``NEVER`` if the file reaches no declaration."""
    by: tuple[str, ...]
    """The headers that declare it: of those that the file reaches, or else, unless there is a doubt, of the tree."""
    witness: tuple[str, ...] = ()
    profile: str = ""
    doubt: str = ""

    def used(self, name: str) -> str:
        """What the file does with the name, for people: ``park() is called``."""
        return f"{name}() is called" if self.called else f"{name} is used"


@fact
def shortfall(tree: Snapshot, path: str, name: str, arch: str) -> Shortfall | None:
    """The first use of a name in a file that is not covered on an architecture; None if all are."""
    data = tree.read(path)
    if data is None or (arch_of(path) or arch) != arch:
        return None
    found = mentions(data, name)
    if not found:
        return None
    seen = visible(tree, path, name, arch)
    if seen.under == ALWAYS:
        return None
    where = built(tree, path, arch)
    if where == NOT_BUILT:
        return None
    inside = some((where.inside, where.module))
    source = code(data)
    presence = presence_of(data)
    uncertain: Shortfall | None = None
    for mention in found[:_SITES]:
        site = place(source, path, mention.at, mention.function)
        use = presence.at(site.line)
        if use == NEVER:
            continue
        open_ = every((inside, use, contrary(seen.under)))
        if open_ == NEVER:
            continue
        short = Shortfall(site, arch, mention.called, seen.under, seen.by)
        doubt = unsure(tree, path, name, arch, open_, whole=seen.whole)
        if not doubt:
            text = kconfig(open_)
            assert text is not None
            kernel = model(tree, arch)
            if kernel.excluded(text):
                continue
            # The witness takes longest.
            doubt = _late_doubt(tree, path, name, arch, mention)
            if not doubt:
                match kernel.satisfiable(text):
                    case Possible(witness=witness):
                        by = seen.by or declaring(tree, name)
                        return replace(short, by=by, witness=witness, profile=kernel.profile)
                    case Impossible():
                        continue
                    case unknown:
                        doubt = unknown.because
        uncertain = uncertain or replace(short, doubt=doubt)
    return uncertain


def unsure(tree: Snapshot, path: str, name: str, arch: str, of: Expression, *, whole: bool) -> str:
    """Why a use cannot be said to be undeclared, or nothing."""
    if kconfig(of) is None:
        return f"whether it is compiled depends on {said(of)}"
    if not whole:
        return "it includes too many headers"
    for missing in foreign(tree, path, arch):
        return f"{missing} is not of the tree, and may declare {name}"
    made = may_bring(tree, sorted(reached(tree, path, arch).missing), name, arch)
    if made:
        return f"{made} is made by the build, and may declare {name}"
    by = makefile(tree, path.rpartition("/")[0])
    if by and "-include" in (tree.text(by) or ""):
        return "its makefile includes headers by itself"
    return ""


def _late_doubt(tree: Snapshot, path: str, name: str, arch: str, mention: Mention) -> str:
    """The doubts that cost more to rule out than the proof."""
    elsewhere = mention.within and _elsewhere(tree, path, arch, name)  # a member, or a part of a name
    for callee in mention.within:
        if _macros(tree, path, arch, callee) and (elsewhere or _pastes(tree, path, arch, callee, 0)):
            return f"what the macro {callee} makes of {name} is not known"
    return from_outside(tree, path, name, arch)


def from_outside(tree: Snapshot, path: str, name: str, arch: str) -> str:
    """Why a name may be declared by who includes a file, or by what macros put together, or nothing."""
    users = includers(tree, path)
    if users:
        return f"{users[0]} includes the file"
    if _pasting(tree, path, arch).may_give(name):
        return f"a macro may put {name} together"
    return ""


@fact
def _macros(tree: Snapshot, path: str, arch: str, name: str) -> tuple[str, ...]:
    """The texts of the function-like macros of a name that a file may reach."""
    closure = reached(tree, path, arch)
    wanted = re.compile(rb"#[ \t]*define[ \t]+" + re.escape(name).encode() + rb"\(")
    return tuple(
        source.text[macro.body : macro.end]
        for each in (*closure.always, *closure.under)
        if (data := tree.peek(each)) is not None  # each is in the footprint of the closure
        and name.encode() in data
        and wanted.search(data)
        for source in (code(data),)
        for macro in source.macros
        if macro.name == name
    )


@fact
def _pastes(tree: Snapshot, path: str, arch: str, name: str, depth: int) -> bool:
    """Whether a macro, or one that its text uses, may make a part of a name or a text of its argument."""
    for text in _macros(tree, path, arch, name):
        if "#" in _VARIADIC.sub("", text) or depth >= _DEEPEST:
            return True
        for word in set(_CALLED.findall(text)):
            if word != name and _pastes(tree, path, arch, word, depth + 1):
                return True
    return False


def _elsewhere(tree: Snapshot, path: str, arch: str, name: str) -> bool:
    """Whether a file that reaches a word reaches it in any header, or has it for more than values."""
    closure = reached(tree, path, arch)
    word = re.compile(rb"(?<![\w$])" + re.escape(name).encode() + rb"(?![\w$])")
    needle = name.encode()
    data = tree.peek(path) or b""  # all are in the footprint of the closure
    if len(word.findall(data)) > len(mentions(data, name)):
        return True
    return any(
        needle in text and word.search(text) is not None
        for each in (*closure.always, *closure.under)
        if each != path and (text := tree.peek(each)) is not None
    )


@fact
def _pasting(tree: Snapshot, path: str, arch: str) -> Pasting:
    closure = reached(tree, path, arch)
    return pasting(tree, (*closure.always, *closure.under))


def kind(tree: Snapshot, name: str, short: Shortfall) -> str:
    """What is missing of what is surely missing: an ``include``, a declaration in some ``config``, or one on the ``arch``; "" if all is.

    An include cures what a header declares in every configuration: of those that the file reaches in some, or,
    if it reaches none, of the tree's.
    """
    own = [each for each in short.by if arch_of(each) in (None, short.arch)]
    if short.under != NEVER:
        cured = any(may_declare(tree.read(each) or b"", name) == ALWAYS for each in own)
        return "include" if cured else "config"
    return "include" if own else "arch" if short.by else ""
