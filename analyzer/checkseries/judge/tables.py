"""The objects of C that a series touches and assembly reaches by name: whom the rules on both are asked about.

Those that a changed function of an assembly file takes the address of; those whose declaration changes; and those
of a struct that changes, as far as they are declared in the struct's own file, in a file that the series touches or,
for a struct of one architecture, anywhere below it. The tree is not searched for any of them.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from types import MappingProxyType

from checkseries.facts.asm import Sites, asm_constants
from checkseries.facts.asm_closure import constants_for
from checkseries.facts.asm_table import ARCHS, addressed, reached, tags_of
from checkseries.facts.asm_text import function_of
from checkseries.facts.c_decl import arch_of, kernel_source
from checkseries.facts.c_object import CObject, objects_in, objects_named
from checkseries.facts.c_text import closing, code
from checkseries.judge.history import History, Step
from checkseries.judge.rule import Subject
from checkseries.tree import Snapshot

_TAGGED = re.compile(r"(?<![\w$])(?:struct|union)\s+(?:__\w+\s+)*([A-Za-z_]\w*)[^;{}()=]{0,100}\{", re.ASCII)
_GLOBAL = re.compile(rb"^(?![ \t#/*}])[^\n(;={]*?\b([A-Za-z_]\w*)[ \t]*(?:\[|;|=|__)", re.MULTILINE)
_TAG = re.compile(r"(?:struct|union)\s+(\w+)", re.ASCII)
_HELD = re.compile(r"(?:struct|union)\s+(\w+)\b(?!\s*\*)", re.ASCII)
_NAME = re.compile(rb"[A-Za-z_]\w*")
_WORD = re.compile(r"[A-Za-z_]\w*", re.ASCII)


Concerned = Callable[[Sites], bool]
"""Whether a rule has something to say of what an assembly file does with an object."""


def touched_tables(history: History, concerned: Concerned, arch: str = "") -> Iterator[Subject]:
    """Objects by name; the details are the tags of their types, which judging them searches for.

    With an architecture only what its assembly, or C of any, has to do with it.
    """
    archs = frozenset((arch,)) & ARCHS if arch else ARCHS
    if not archs:
        return
    # The tags only announce a search. Asking whether a rule is concerned needs none, and what C means by a name is
    # searched for only if it is.
    found: dict[str, set[str]] = {}
    for step in history.steps:
        for name, measured in chain(
            _addressed(step, concerned, archs), _of_constants(step, concerned, archs)
        ):
            found.setdefault(name, set()).update(measured)
    of_types = _of_types(history)
    if of_types:
        named = _named_by_assembly(history.last, frozenset(of_types), archs)
        for name in named:
            found.setdefault(name, set()).update(of_types[name])
    for name, tags in found.items():
        yield Subject(name, "", tuple(sorted(tags)))


def touched_functions(history: History) -> Iterator[Subject]:
    """The functions of assembly files that differ and have a constant of C; the details are the file and tags."""
    seen: set[tuple[str, str]] = set()
    for step in history.steps:
        for path in step.touched:
            if not path.endswith(".S") or arch_of(path) not in ARCHS:
                continue
            before = addressed(step.before, path)
            known = constants_for(step.after, path)
            for text in addressed(step.after, path).keys() - before.keys():
                named = function_of(text)
                used = known.keys() & set(_WORD.findall(text))
                if named and used and (named, path) not in seen:
                    seen.add((named, path))
                    yield Subject(named, "", (path, *sorted(tags_of(step.after, path, " ".join(used)))))


@functools.lru_cache(maxsize=1)  # each rule on tables asks again, for each architecture
def _of_types(history: History) -> Mapping[str, frozenset[str]]:
    """The objects that a series declares anew, or whose type it changes, and the tags of their types."""
    found: dict[str, set[str]] = {}
    for step in history.steps:
        for each in chain(_declared(step), _of_tags(history, step)):
            found.setdefault(each.name, set()).update(_TAG.findall(each.type))
    return MappingProxyType({name: frozenset(tags) for name, tags in found.items()})


def words(subject: Subject) -> tuple[str, ...]:
    """The object and the tags of its type."""
    return (subject.name, *subject.detail)


def _addressed(
    step: Step, concerned: Concerned, archs: frozenset[str]
) -> Iterator[tuple[str, frozenset[str]]]:
    """The symbols of the functions of assembly files that differ, and the tags of what they are measured by."""
    for path in step.touched:
        if path.endswith(".S") and arch_of(path) in archs:
            before, after = addressed(step.before, path), addressed(step.after, path)
            names = {
                name
                for text in before.keys() ^ after.keys()
                for name in (before.get(text) or after.get(text) or ())
            }
            # What is left to be concerned with is what the file no longer does.
            left = set(names)
            for name, tags in _concerning(step.after, path, names, concerned):
                left.discard(name)
                yield name, tags
            yield from _concerning(step.before, path, left, concerned)


def _of_constants(
    step: Step, concerned: Concerned, archs: frozenset[str]
) -> Iterator[tuple[str, frozenset[str]]]:
    """The symbols of the functions that use a constant of asm-offsets.c which the step changes."""
    for path in step.touched:
        arch = arch_of(path) or ""
        if arch not in archs or not path.startswith(f"arch/{arch}/kernel/asm-offsets"):
            continue
        before, after = asm_constants(step.before, arch), asm_constants(step.after, arch)
        changed = {name for name in before.keys() & after.keys() if before[name] != after[name]}
        for user in step.after.named("*.S") if changed else ():
            data = (step.after.peek(user) or b"") if arch_of(user) == arch else b""
            if changed.isdisjoint(word.decode() for word in _NAME.findall(data)):
                continue
            names = {
                name
                for text, symbols in addressed(step.after, user).items()
                if not changed.isdisjoint(_WORD.findall(text))
                for name in symbols
            }
            yield from _concerning(step.after, user, names, concerned)


def _concerning(
    tree: Snapshot, path: str, names: set[str], concerned: Concerned
) -> Iterator[tuple[str, frozenset[str]]]:
    for name in sorted(names):
        sites = reached(tree, name, path)
        if concerned(sites):
            text = " ".join(each.constant for each in sites.members)
            yield name, tags_of(tree, path, text)


def _declared(step: Step) -> Iterator[CObject]:
    """The objects whose type the step changes, or that it adds."""
    for path in step.touched:
        if not kernel_source(path) or not _GLOBAL.search(_added(step, path)):
            continue
        before = {(each.name, each.type, each.dims) for each in objects_in(step.before, path)}
        for each in objects_in(step.after, path):
            if not each.static and (each.name, each.type, each.dims) not in before:
                yield each


def _added(step: Step, path: str) -> bytes:
    lines = (step.after.peek(path) or b"").split(b"\n")
    return b"\n".join(
        lines[number - 1] for number in sorted(step.added.get(path, ())) if number <= len(lines)
    )


def _of_tags(history: History, step: Step) -> Iterator[CObject]:
    """The objects of a struct or union that the step changes."""
    for path in step.touched:
        if not kernel_source(path):
            continue
        tags = changed_types(step, path)
        if not tags:
            continue
        tree = step.after
        arch = arch_of(path)
        near = {path, *(each for each in _touched(history) if kernel_source(each))}
        if arch in ARCHS:
            near |= {
                each for end in ("*.c", "*.h") for each in tree.named(end) if each.startswith(f"arch/{arch}/")
            }
        some_tag = re.compile(rb"\b(?:%s)\b" % b"|".join(re.escape(tag.encode()) for tag in sorted(tags)))
        for each in sorted(near):
            data = tree.peek(each)
            if data is None or not some_tag.search(data):
                continue
            yield from _objects_of(tree, each, data, tags)


def _objects_of(tree: Snapshot, path: str, data: bytes, tags: frozenset[str]) -> Iterator[CObject]:
    """The global objects of a file whose type has one of the tags."""
    any_tag = b"|".join(re.escape(tag.encode()) for tag in sorted(tags))
    line = re.compile(
        rb"^(?!static\b)[^\n(;={]*\b(?:struct|union)\s+(?:%s)\b[^*\n(;={]*" % any_tag, re.MULTILINE
    )
    for match in line.finditer(data):
        names = _NAME.findall(match[0].partition(b"[")[0])
        for name in names[-3:]:
            for each in objects_named(tree, path, name.decode()):
                if not each.static and not tags.isdisjoint(_TAG.findall(each.type)):
                    yield each


def _touched(history: History) -> frozenset[str]:
    return frozenset(path for step in history.steps for path in step.touched)


def changed_types(step: Step, path: str) -> frozenset[str]:
    """The tags of structs and unions of a file that the step changes, with those that hold one of them."""
    before, after = _bodies(step.before.peek(path)), _bodies(step.after.peek(path))
    changed = {tag for tag in before.keys() & after.keys() if before[tag] != after[tag]}
    more = bool(changed)
    while more:
        holding = {
            tag
            for tag, text in after.items()
            if tag not in changed and not changed.isdisjoint(_HELD.findall(text))
        }
        changed |= holding
        more = bool(holding)
    return frozenset(changed)


@functools.lru_cache(maxsize=128)  # a pure function of the bytes, which several rules ask for
def _bodies(data: bytes | None) -> Mapping[str, str]:
    """Tag -> the text of its definition and what follows up to the semicolon."""
    if data is None or b"struct" not in data:
        return {}
    text = code(data).text
    found = {}
    for match in _TAGGED.finditer(text):
        close = closing(text, match.end() - 1)
        if close is not None:
            end = text.find(";", close)
            found[match[1]] = " ".join(text[match.start() : end if end >= 0 else close].split())
    return found


def _named_by_assembly(tree: Snapshot, names: frozenset[str], archs: frozenset[str]) -> frozenset[str]:
    """Those of the names that some assembly file of an architecture that is understood has a word for."""
    left = {name.encode() for name in names}
    found: set[str] = set()
    for path in tree.named("*.S"):
        data = tree.peek(path) or b"" if arch_of(path) in archs else b""
        there = [name for name in left if name in data]
        if there:
            seen = frozenset(_NAME.findall(data))
            found.update(name.decode() for name in there if name in seen)
            left -= seen
    return frozenset(found)
