"""Contracts: judgements that a maintainer writes as TOML, with a closed vocabulary.

A file holds ``[[contract]]`` tables. Each has an id, a title, a why, and exactly one form:

- ``select``: what Kconfig must make of a symbol on named architectures;
- ``call``: what a function's arguments must be, at every call;
- ``order``: what a function must not call before something else;
- ``equal``: sizes, strides and numbers of C, assembly and Kconfig that must agree.

``[[contract.bad]]`` and ``[[contract.good]]`` are small trees on which the contract is tested.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from checkseries.errors import RuleError
from checkseries.judge import form_call, form_equal, form_order, form_select
from checkseries.judge.history import History
from checkseries.judge.rule import Check, Example, Rule, Subject
from checkseries.judge.vocabulary import known
from checkseries.model import Confidence, Severity
from checkseries.tree.base import holds_word

_KEYS = {
    "id",
    "title",
    "why",
    "severity",
    "not-found",
    "since",
    "select",
    "call",
    "order",
    "equal",
    "tree",
    "bad",
    "good",
}
_FORMS = ("select", "call", "order", "equal")
_C_LIKE = (".c", ".h", ".S")


def contracts(path: str) -> tuple[Rule, ...]:
    """The contracts of a TOML file as rules; raises RuleError that names the file, the contract and the key."""
    try:
        with open(path, "rb") as file:
            document = tomllib.load(file)
    except tomllib.TOMLDecodeError as error:
        raise RuleError(f"{path}: {error}") from error
    except UnicodeDecodeError as error:
        raise RuleError(f"{path}: not UTF-8") from error
    known(document, {"contract"}, path)
    tables = document.get("contract", [])
    if not isinstance(tables, list) or not tables:
        raise RuleError(f"{path}: holds no [[contract]]")
    return tuple(_contract(table, path) for table in tables)


def _contract(table: Mapping[str, Any], path: str) -> Rule:
    where = f"{path}: contract {table.get('id', '(without id)')}"
    known(table, _KEYS, where)
    for key in ("id", "title", "why"):
        if not isinstance(table.get(key), str) or not table[key].strip():
            raise RuleError(f'{where}: needs {key} = "..."')
    forms = [form for form in _FORMS if form in table]
    if len(forms) != 1:
        raise RuleError(
            f"{where}: needs exactly one of {', '.join(_FORMS)}; it has {', '.join(forms) or 'none'}"
        )
    try:
        severity = Severity(table.get("severity", "error"))
    except ValueError as error:
        raise RuleError(f"{where}: severity is error, warning or note") from error
    name = table["id"]
    check: Check
    summary: Callable[[int, int, int], str]
    words: frozenset[str]
    match forms[0]:
        case "select":
            clauses = form_select.clauses(table["select"], where)
            check = form_select.check(name, severity, clauses)
            words = frozenset()
            subjects = _per_arch(name, [clause.archs for clause in clauses])
            summary = form_select.summary
        case "call":
            call = form_call.form(table["call"], where)
            check = form_call.check(name, severity, call)
            words = frozenset({call.function})
            subjects = _mentioned(name, words, lambda _history: ())
            summary = form_call.summary(call)
        case "order":
            order = form_order.form(table["order"], where)
            check = form_order.check(name, severity, order)
            words = frozenset({order.function})
            subjects = _mentioned(name, words, lambda _history: ())
            summary = form_order.summary(order)
        case _:
            terms = form_equal.terms(table["equal"], where)
            check = form_equal.check(name, severity, terms)
            words = form_equal.words(terms)
            subjects = _mentioned(name, words, lambda history: form_equal.tags(history, terms))
            summary = form_equal.summary(terms)

    def searched(subject: Subject) -> tuple[str, ...]:
        # The details of a select's subjects are the numbers of its clauses.
        return (*words, *subject.detail) if words else ()

    doc = f"{table['title']}\n\nWhy: {table['why'].strip()}"
    if "not-found" in table:
        doc += f"\n\nNot found: {table['not-found'].strip()}"
    return Rule(
        name, table["title"], doc, severity, Confidence.HIGH, table.get("since", "0.1"), subjects, check,
        searched, summary, _examples(table, where), path, contract=True, per_arch=forms[0] == "select",
    )  # fmt: skip


def _per_arch(name: str, archs: Sequence[Collection[str]]) -> Callable[[History, str], Iterable[Subject]]:
    """Asked where the series touches any Kconfig file: nothing else can change what a symbol can be.

    A subject a clause, by its number: what one of them says of the base is no reason to ask the others there.
    """

    def subjects(history: History, arch: str) -> Iterator[Subject]:
        if any("Kconfig" in path.rpartition("/")[2] for _, path in history.touched()):
            yield from (Subject(name, arch, (str(number),)) for number, on in enumerate(archs) if arch in on)

    return subjects


def _mentioned(
    name: str, words: Collection[str], also: Callable[[History], Iterable[str]]
) -> Callable[[History, str], Iterable[Subject]]:
    """Asked where the series touches a source file that mentions one of the contract's names.

    ``also`` gives further words that judging will search for.
    """

    def subjects(history: History, _arch: str) -> Iterator[Subject]:
        for step, path in history.touched():
            if not path.endswith(_C_LIKE) and "Kconfig" not in path.rpartition("/")[2]:
                continue
            texts = (step.before.peek(path), step.after.peek(path))
            if any(text is not None and holds_word(text, word) for text in texts for word in words):
                yield Subject(name, "", tuple(sorted(also(history))))
                return

    return subjects


def _examples(table: Mapping[str, Any], where: str) -> tuple[Example, ...]:
    base = _files(table.get("tree", {}), f"{where}: tree")
    examples = []
    for kind in ("bad", "good"):
        for number, each in enumerate(table.get(kind, []), 1):
            spot = f"{where}: {kind} {number}"
            known(each, {"title", "files", "finds"} if kind == "bad" else {"title", "files"}, spot)
            finds = each.get("finds", [])
            if (kind == "bad") != bool(finds) or not isinstance(finds, list):
                raise RuleError(f'{spot}: needs finds = ["PATH:LINE"]')
            files = _files(each.get("files", {}), spot)
            if not files:
                raise RuleError(f"{spot}: needs files = {{ PATH = TEXT }}")
            title = str(each.get("title", f"{kind} {number}"))
            examples.append(Example(title, base, (files,), tuple(f"1 {find}" for find in finds)))
    return tuple(examples)


def _files(table: object, where: str) -> dict[str, str]:
    if not isinstance(table, dict) or not all(isinstance(text, str) for text in table.values()):
        raise RuleError(f"{where}: files are PATH = TEXT")
    return dict(table)
