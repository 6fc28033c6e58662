"""The ``equal`` form of a contract: numbers of C, assembly and Kconfig that must be one and the same.

::

    [[contract.equal]]
    element-size = "cpu_boot_data"            # bytes of one element of an array
    [[contract.equal]]
    asm-stride = "cpu_boot_data"              # bytes by which assembly steps through it, at every site
    file       = "arch/arm64/kernel/head.S"
    [[contract.equal]]
    number = 16

Further terms: ``size = "struct secondary_data"``, ``offset = "struct secondary_data.status"``, and
``kconfig = "SYMBOL"`` with ``arch = "arm64"``, the number of an int or hex symbol if it can have no other.
``abi`` is ``lp64`` (if not said) or ``ilp32``. The contract is judged where the first term's subject is in the tree.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from checkseries.errors import RuleError
from checkseries.facts.answer import Impossible
from checkseries.facts.asm import strides
from checkseries.facts.c_decl import arch_of
from checkseries.facts.c_layout import Size, element_size, member_offset, type_size
from checkseries.facts.c_measure import measure
from checkseries.facts.c_object import objects, objects_named
from checkseries.facts.kconfig import model
from checkseries.facts.places import line_place
from checkseries.judge.history import History
from checkseries.judge.rule import Check, Subject, told
from checkseries.judge.stale import stale
from checkseries.judge.vocabulary import known, one_of
from checkseries.model import (
    Confidence,
    Finding,
    Held,
    Place,
    Related,
    Severity,
    Undecided,
    Verdict,
    Witness,
    WitnessKind,
)
from checkseries.tree import Snapshot

_KINDS = ("element-size", "asm-stride", "size", "offset", "kconfig", "number")
_ABIS = ("lp64", "ilp32")


@dataclass(frozen=True, slots=True)
class Term:
    """One side of the equation."""

    kind: str
    subject: str
    """An object, a type, ``TYPE.MEMBER``, a symbol; empty for a number."""
    file: str
    arch: str
    abi: str
    number: int


@dataclass(frozen=True, slots=True)
class Measured:
    """What a term comes to at one place: ``bytes`` is None where that is not known."""

    place: Place | None
    bytes: int | None
    what: str
    """``an element of cpu_boot_data``, as the subject of a sentence."""
    why: str = ""
    unit: str = " bytes"

    @property
    def said(self) -> str:
        """``16 bytes``, or that it is unknown."""
        return "unknown" if self.bytes is None else f"{self.bytes}{self.unit}"


def terms(tables: Any, where: str) -> tuple[Term, ...]:
    """The terms of the ``[[contract.equal]]`` tables; raises RuleError."""
    if not isinstance(tables, list) or len(tables) < 2:
        raise RuleError(f"{where}: equal is a list of at least two tables, [[contract.equal]]")
    found = []
    for position, table in enumerate(tables, 1):
        spot = f"{where}: equal {position}"
        known(table, {*_KINDS, "file", "abi", "arch"}, spot)
        kinds = [kind for kind in _KINDS if kind in table]
        if len(kinds) != 1:
            raise RuleError(f"{spot}: needs exactly one of {', '.join(_KINDS)}")
        kind, value = kinds[0], table[kinds[0]]
        if kind == "number" and (not isinstance(value, int) or isinstance(value, bool)):
            raise RuleError(f"{spot}: number takes a number")
        if kind != "number" and (not isinstance(value, str) or not value.strip()):
            raise RuleError(f"{spot}: {kind} takes a name")
        if kind == "offset" and "." not in value:
            raise RuleError(f"{spot}: offset takes TYPE.MEMBER")
        file = table.get("file", "")
        if not isinstance(file, str) or (kind == "asm-stride" and not file):
            raise RuleError(f'{spot}: needs file = "PATH"')
        arch = table.get("arch", "")
        if not isinstance(arch, str) or (kind == "kconfig") != bool(arch):
            raise RuleError(f'{spot}: arch = "ARCH" goes with kconfig')
        abi = one_of(table.get("abi", "lp64"), _ABIS, "abi", spot)
        number = value if kind == "number" else 0
        found.append(Term(kind, "" if kind == "number" else value, file, arch, abi, number))
    if found[0].kind == "number":
        raise RuleError(f"{where}: the first term of equal names what the contract is about, not a number")
    return tuple(found)


def words(all_terms: Sequence[Term]) -> frozenset[str]:
    """The identifiers whose mention in a touched file makes the contract worth asking."""
    return frozenset(
        part
        for term in all_terms
        for part in term.subject.replace(".", " ").split()
        if part not in {"struct", "union", "enum"}
    )


def check(name: str, severity: Severity, all_terms: Sequence[Term]) -> Check:
    """The judgement: one verdict a place that a term is measured at."""

    def judged(tree: Snapshot, _subject: Subject) -> Iterator[Verdict]:
        first = _measured(tree, all_terms[0])
        if not first:
            yield stale(name, all_terms[0].subject, f"{all_terms[0].subject} is no longer in the tree")
            return
        sites = [(term, each) for term in all_terms for each in (_measured(tree, term) or _missing(term))]
        wanted = _wanted(all_terms, [each.bytes for _, each in sites if each.bytes is not None])
        for term, each in sites:
            if term.kind == "number":
                continue
            if each.bytes is None:
                yield Undecided(each.place, f"{each.what}: {each.why}")
            elif each.bytes == wanted:
                yield Held(each.place, f"{each.what} is {each.said}")
            else:
                yield _finding(name, severity, term, each, wanted, sites)

    return judged


def _wanted(all_terms: Sequence[Term], measured: Sequence[int]) -> int | None:
    """What the terms should come to: the contract's own number, else what most of them do, of equals the first."""
    numbers = [term.number for term in all_terms if term.kind == "number"]
    if numbers:
        return numbers[0]
    votes = Counter(measured)
    return max(votes, key=lambda value: votes[value]) if votes else None


def _finding(
    name: str,
    severity: Severity,
    term: Term,
    each: Measured,
    wanted: int | None,
    sites: Sequence[tuple[Term, Measured]],
) -> Finding:
    assert each.place is not None
    others = [other for _, other in sites if other is not each]
    arch = arch_of(each.place.path)
    return Finding(
        rule=name,
        severity=severity,
        confidence=Confidence.HIGH,
        place=each.place,
        subject=term.subject,
        message=f"{each.what} is {each.said}, not the {wanted} of {_listed(others, wanted)}",
        archs=(arch,) if arch else (),
        related=tuple(
            Related(other.place, f"{other.what}: {other.said}") for other in others if other.place is not None
        ),
        witness=Witness(
            WitnessKind.SIZE,
            tuple(f"{each.what}: {each.said}" for _, each in sites),
        ),
    )


def _listed(others: Sequence[Measured], wanted: int | None) -> str:
    return " and ".join(dict.fromkeys(other.what for other in others if other.bytes == wanted))


def _missing(term: Term) -> list[Measured]:
    return [Measured(None, None, _what(term), f"{term.file or 'the tree'} does not mention it")]


def _measured(tree: Snapshot, term: Term) -> list[Measured]:
    """What a term comes to, place by place; nothing if its subject is not in the tree."""
    what = _what(term)
    match term.kind:
        case "number":
            return [Measured(None, term.number, what, unit="")]
        case "asm-stride":
            found = strides(tree, term.subject, term.file, None)
            if any(stride.bytes is None for stride in found):  # sizes of C may be wanted: they cost a search
                found = strides(tree, term.subject, term.file, measure)
            return [Measured(stride.place, stride.bytes, what, stride.why_unknown) for stride in found]
        case "kconfig":
            return _kconfig(tree, term)
        case "element-size":
            size = _element(tree, term)
        case "size":
            size = type_size(tree, term.subject, term.abi, term.file)
        case _:
            type_name, _, member = term.subject.rpartition(".")
            size = member_offset(tree, type_name, member, term.abi, term.file)
    return [] if size is None else [Measured(size.place, size.bytes, what, size.why)]


def _element(tree: Snapshot, term: Term) -> Size | None:
    """The size of an element, at the definition of its type: that is what makes it grow."""
    size = element_size(tree, term.subject, term.abi)
    if size is None or size.bytes is None:
        return size
    found = objects(tree, term.subject)
    defined = next((each for each in found if not each.extern), found[0])
    of_type = None if defined.pointer else type_size(tree, defined.type, term.abi, defined.place.path)
    return replace(size, place=of_type.place) if of_type is not None and of_type.place.line else size


def _kconfig(tree: Snapshot, term: Term) -> list[Measured]:
    """The number of a symbol, at its definition, if every configuration gives it the same."""
    kconfig = model(tree, term.arch)
    if not kconfig.defined(term.subject):
        return []
    path, line = kconfig.definitions(term.subject)[0]
    place = line_place(tree, path, line, term.subject)
    text = kconfig.evaluation({}).text(kconfig.tree.symbols[term.subject])
    try:
        number = int(text, 0)
    except ValueError:
        return [Measured(place, None, _what(term), f"{term.subject} is no number on {term.arch}")]
    if isinstance(kconfig.satisfiable(f"{term.subject} != {text}"), Impossible):
        return [Measured(place, number, _what(term), unit="")]
    return [Measured(place, None, _what(term), f"{term.subject} is not always {text} on {term.arch}")]


def tags(history: History, all_terms: Sequence[Term]) -> frozenset[str]:
    """The tags of the types that touched files give to the objects of the terms: they will be searched for."""
    names = {term.subject for term in all_terms if term.kind == "element-size"}
    found = {
        each.type
        for step, path in history.touched(".c", ".h")
        for name in names
        for each in objects_named(step.after, path, name)
    }
    return frozenset(tag for text in found for tag in re.findall(r"\b(?:struct|union|enum)\s+(\w+)", text))


def _what(term: Term) -> str:
    return {
        "number": "the contract",
        "asm-stride": f"a step of {term.file.rpartition('/')[2]} through {term.subject}",
        "element-size": f"an element of {term.subject}",
        "size": term.subject,
        "offset": f"the offset of {term.subject}",
        "kconfig": f"CONFIG_{term.subject} on {term.arch}",
    }[term.kind]


def summary(all_terms: Sequence[Term]) -> Callable[[int, int, int], str]:
    """``the element of cpu_boot_data and the step of head.S through it: 16 bytes``."""
    sides = " = ".join(
        dict.fromkeys(str(term.number) if term.kind == "number" else _what(term) for term in all_terms)
    )

    def line(_holds: int, broken: int, unknown: int) -> str:
        if not broken and not unknown:
            return sides
        return f"{sides}: {told((broken, 'differ'), (unknown, 'unknown'))}"

    return line
