"""Which headers a C file reaches on an architecture, and under which options.

Follows ``#include`` as Kbuild has the compiler do (``LINUXINCLUDE`` in the top Makefile; asm/ headers that an
architecture does not have come from asm-generic, scripts/Makefile.asm-headers). A condition holds the options
alone: what else ``#if`` asks may be true. So a header is reached at most when it is said to be, and what is said
not to be visible is not.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from checkseries.facts.c_decl import arch_of
from checkseries.facts.generated import wrapped
from checkseries.facts.include import Include, includes, joined
from checkseries.facts.presence import (
    ALWAYS,
    IN_C,
    NEVER,
    Expression,
    answered,
    every,
    some,
    widest,
)
from checkseries.tree import Snapshot, fact

IMPLICIT = (
    "include/linux/compiler-version.h",
    "include/linux/kconfig.h",
    "include/linux/compiler_types.h",
)
"""Given to the compiler on its command line: ``-include`` in the top Makefile and scripts/Makefile.lib."""
_MANDATORY = "include/asm-generic/Kbuild"
_MOST = 6000
"""Files of one closure: a driver's has about 900."""
_WIDEST = 400
"""Conditional inclusions that one answer is put together from."""
_ALSO = {"um": ("x86",)}
"""Architectures that use the headers of another: HEADER_ARCH of arch/um/Makefile."""


@dataclass(frozen=True, slots=True)
class Reached:
    """The headers of one file on one architecture."""

    always: Mapping[str, None]
    """Those that no option has a say in, the nearest first; the file itself is one."""
    under: Mapping[str, tuple[tuple[str, Expression], ...]]
    """All others: who includes each, and under which options of its own."""
    missing: frozenset[str]
    """The names that no file of the tree answers to: the build makes them, or there are none on this arch."""
    whole: bool
    """False if there are too many."""

    def __contains__(self, path: str) -> bool:
        """Whether any configuration reaches a header."""
        return path in self.always or path in self.under


@fact
def headers(tree: Snapshot, name: str, arch: str) -> tuple[str, ...]:
    """The files that ``<name>`` may mean on an architecture: the first of the search path, else all that end so."""
    own = (arch, *_ALSO.get(arch, ()))
    for each in own:
        if tree.exists(path := f"arch/{each}/include/{name}"):
            return (path,)
    base = name.rpartition("/")[2]
    for path in (
        *_generic(tree, name, arch, public=False),
        f"include/{name}",
        *(f"arch/{each}/include/uapi/{name}" for each in own),
        f"include/uapi/{name}",
        *_generic(tree, name.removeprefix("uapi/"), arch, public=True),
    ):
        if tree.exists(path):
            return (path,)
    if name.startswith("asm/") and tree.exists(_MANDATORY):
        return ()
    tail = "/".join(part for part in name.split("/") if part not in ("", ".", ".."))
    if not base or any(letter in base for letter in "*?["):
        return ()
    return tuple(
        path
        for path in tree.named(base)
        if (path == tail or path.endswith(f"/{tail}"))
        and arch_of(path) in (None, *own)
        and not path.startswith(("tools/", "scripts/", "Documentation/"))
    )


def _generic(tree: Snapshot, name: str, arch: str, *, public: bool) -> tuple[str, ...]:
    """The header of asm-generic that Kbuild makes an asm/ header of; of a tree that does not list them, any."""
    if not name.startswith("asm/"):
        return ()
    if tree.exists(_MANDATORY):
        found = wrapped(tree, name, arch, public=public)
        return (found,) if found else ()
    return tuple(f"include/{kind}asm-generic/{name[4:]}" for kind in ("", "uapi/"))


@fact
def _edges(tree: Snapshot, path: str, arch: str) -> tuple[tuple[tuple[str, Expression], ...], frozenset[str]]:
    """What a file includes with the options that it needs for it, and the names that nothing answers to."""
    found: dict[str, Expression] = {}
    missing: set[str] = set()
    for each in includes(tree, path):
        condition = widest(each.condition)
        if condition == NEVER:
            continue
        answers = _meant(tree, path, each, arch)
        if not answers:
            missing.add(each.name)
        for answer in answers:
            found[answer] = some((found[answer], condition)) if answer in found else condition
    return tuple(found.items()), frozenset(missing)


@fact
def reached(tree: Snapshot, path: str, arch: str) -> Reached:
    """The headers that a file may include on an architecture, directly or not."""
    always = dict.fromkeys((path, *(each for each in IMPLICIT if tree.exists(each))))
    missing: set[str] = set()
    later: list[tuple[str, str, Expression]] = []
    todo = deque(always)
    while todo and len(always) <= _MOST:
        here = todo.popleft()
        edges, unknown = _edges(tree, here, arch)
        missing |= unknown
        for target, condition in edges:
            if condition != ALWAYS:
                later.append((here, target, condition))
            elif target not in always:
                always[target] = None
                todo.append(target)
    under: dict[str, list[tuple[str, Expression]]] = {}
    whole = len(always) <= _MOST
    while later:
        source, target, condition = later.pop()
        if target in always:
            continue
        if target not in under:
            if len(under) + len(always) > _MOST:
                whole = False
                break
            under[target] = []
            edges, unknown = _edges(tree, target, arch)
            missing |= unknown
            later += [(target, each, of) for each, of in edges]
        under[target].append((source, condition))
    return Reached(
        MappingProxyType(always),
        MappingProxyType({each: tuple(sources) for each, sources in under.items()}),
        frozenset(missing),
        whole,
    )


def when(headers_of: Reached, path: str) -> Expression:
    """The options under which a header may be reached; ``ALWAYS`` too if that takes too long to say."""
    steps = 0

    def towards(target: str, behind: frozenset[str]) -> Expression:
        nonlocal steps
        if target in headers_of.always:
            return ALWAYS
        ways: list[Expression] = []
        for source, condition in headers_of.under.get(target, ()):
            steps += 1
            if steps > _WIDEST:
                return ALWAYS
            if source not in behind:
                ways.append(every((condition, towards(source, behind | {target}))))
                if ways[-1] == ALWAYS:
                    return ALWAYS
        return some(tuple(ways))

    return towards(path, frozenset())


def foreign(tree: Snapshot, path: str, arch: str) -> tuple[str, ...]:
    """The names that a file, or a header that it includes itself, includes from outside of the tree.

    What Kbuild makes is left out: it holds constants and system calls.
    """
    edges, missing = _edges(tree, path, arch)
    names = set(missing).union(*(_edges(tree, each, arch)[1] for each, _ in edges))
    return tuple(sorted(name for name in names if not name.startswith(("generated/", "asm/", "uapi/asm/"))))


def in_c(of: Expression) -> Expression:
    """A condition with what is so in every C file of the kernel answered."""
    return answered(of, lambda each: IN_C.get(each.text, each))


@fact
def surely(tree: Snapshot, path: str, arch: str) -> frozenset[str]:
    """The headers that a C file reaches in every configuration, without any doubt."""
    found = {path, *(each for each in IMPLICIT if tree.exists(each))}
    todo = list(found)
    while todo and len(found) <= _MOST:
        here = todo.pop()
        for each in includes(tree, here):
            if in_c(each.condition) != ALWAYS:
                continue
            answers = _meant(tree, here, each, arch)
            if len(answers) == 1 and answers[0] not in found:
                found.add(answers[0])
                todo.append(answers[0])
    return frozenset(found)


def _meant(tree: Snapshot, path: str, each: Include, arch: str) -> tuple[str, ...]:
    beside = joined(path.rpartition("/")[0], each.name) if each.quoted else None
    return (beside,) if beside and tree.exists(beside) else headers(tree, each.name, arch)


def comes_last(
    tree: Snapshot, path: str, arch: str, one: tuple[str, int], other: tuple[str, int]
) -> tuple[str, int]:
    """Which of two lines (path and number) of headers that a file surely reads the compiler comes to last."""
    seen = {path}
    # A file being read: its path, its includes that are still to come.
    stack = [(path, iter(includes(tree, path)))]
    for implicit in reversed([each for each in IMPLICIT if tree.exists(each)]):
        seen.add(implicit)
        stack.append((implicit, iter(includes(tree, implicit))))
    met: list[tuple[str, int]] = []
    wanted = [one, other]
    while stack and len(met) < 2:
        here, rest = stack[-1]
        each = next(rest, None)
        line = each.place.line if each is not None else 1 << 60
        for site in wanted:
            if site[0] == here and site[1] < line and site not in met:
                met.append(site)
        if each is None:
            stack.pop()
        elif in_c(each.condition) == ALWAYS:
            answers = _meant(tree, here, each, arch)
            if len(answers) == 1 and answers[0] not in seen:
                seen.add(answers[0])
                stack.append((answers[0], iter(includes(tree, answers[0]))))
    return met[1] if len(met) == 2 else one
