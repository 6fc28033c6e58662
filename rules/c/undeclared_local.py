"""A name that a function uses must be declared where it is used.

Why: a variable whose declaration went while a use stayed, or which belongs to an inner block that has ended, does
not build. Patches that were split by hand, or rebased, have this, and so has a brace too many: what stands behind
it is no part of the function any more.

Not found: names that any header may declare; names that what may be a macro is given before, for it may declare
them; uses as an argument of what may be a macro; functions, which undefined-identifier speaks of.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from checkseries.facts.c_bare import bare, undeclared
from checkseries.facts.c_decl import arch_of, kernel_source
from checkseries.facts.c_given import doubted, given, made, may_be_macro
from checkseries.facts.c_include import nearest_first
from checkseries.facts.c_outline import Function, defined, functions, outline_of
from checkseries.facts.c_scope import local, scope
from checkseries.facts.c_text import Code, code, place
from checkseries.facts.c_words import KEYWORDS, attribute
from checkseries.facts.include import stem_word
from checkseries.facts.presence import never, presence_of
from checkseries.judge.history import History, Step
from checkseries.judge.rule import Subject, bad, counted, good, rule
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
from checkseries.tree.base import holds_word

_WORD = re.compile(r"(?<![\w$.>])[A-Za-z_]\w*(?!\w*\s*\()", re.ASCII)
_STATEMENT = re.compile(r"\s*(if|for|while|do|switch|return|goto|break|continue|case)\b[^;{}]*[;{]", re.ASCII)
_NEAR = 400
"""Headers that are looked through for a name before the tree is."""
_MOST = 40  # names of one function
_TOLD = 8  # names that one message tells


def suspects(history: History, _arch: str) -> Iterator[Subject]:
    """Names that functions which some patch changes use, and that they do not declare there or any more."""
    found: dict[Subject, None] = {}
    new: dict[Subject, None] = {}
    for step, path in history.touched(".c"):
        if not kernel_source(path):
            continue
        old, now = _functions(step.before, path), _functions(step.after, path)
        after, before = step.after.peek(path), step.before.peek(path)
        if after is None:
            continue
        source = code(after)
        words = step.before.lineage.words_of(before) if before is not None else frozenset()
        for name, function in now.items():
            if name in old and old[name][0] == function[0]:
                continue
            lost = old[name][1] if name in old else frozenset()
            for word in _suspected(step, path, source, function[2], lost):
                found[Subject(word, "", (path, name))] = None
            for word in _added(step, path, source, function[2]):
                if word.encode() not in words:
                    new[Subject(word, "", (path, name, "new"))] = None
        if before is not None and any(_fallen(after)):
            found.update((Subject(name, "", (path, "")), None) for name in _fallen(after))
    found.update(dict.fromkeys(_unknown(history, new)))
    yield from found


_Known = tuple[str, frozenset[str], Function]
"""The text of a function, the names that it declares, and what the outline says."""


def _functions(tree: Snapshot, path: str) -> dict[str, _Known]:
    """The functions that a file defines once."""
    data = tree.peek(path)
    if data is None:
        return {}
    source = code(data)
    found: dict[str, list[_Known]] = {}
    for each in defined(data):
        if each.head is not None and each.sure:
            names = frozenset(one.name for one in scope(source, each))
            text = source.text[each.start : each.body[1]]
            found.setdefault(each.name, []).append((text, names, each))
    return {name: each[0] for name, each in found.items() if len(each) == 1}


def _suspected(
    step: Step, path: str, source: Code, function: Function, lost: frozenset[str]
) -> Iterable[str]:
    """The names whose declaration a function lost, and the variables that it uses outside of their blocks."""
    known = scope(source, function)
    names = {each.name for each in known}
    found = {name for name in lost - names if re.search(rf"\b{name}\b", _body(source, function))}
    outside = (
        name
        for name, at in _words(step, path, source, function)
        if name in names and local(known, name, at) is None
    )
    return sorted(found | set(outside))[:_MOST]


def _added(step: Step, path: str, source: Code, function: Function) -> Iterable[str]:
    """The words of added lines that the function does not declare; constants may come from what the build generates."""
    names = {each.name for each in scope(source, function)}
    found = {name for name, _ in _words(step, path, source, function)} - names - KEYWORDS
    return sorted(name for name in found if name.islower() and not attribute(name))[: 5 * _MOST]


def _words(step: Step, path: str, source: Code, function: Function) -> Iterator[tuple[str, int]]:
    begin, end = function.body
    first = source.line(begin)
    at = source.plain.rfind("\n", 0, begin) + 1
    added = step.added.get(path, frozenset())
    for number, line in enumerate(source.plain[at:end].split("\n"), first):
        if number in added:
            for match in _WORD.finditer(line):
                if begin < at + match.start():
                    yield match[0], at + match.start()
        at += len(line) + 1


def _body(source: Code, function: Function) -> str:
    return source.plain[function.body[0] : function.body[1]]


def _unknown(history: History, new: dict[Subject, None]) -> Iterator[Subject]:
    """Of names that are new to their files, those that no header near them holds."""
    wanted = {each.name for each in new}
    changed = {path for step in history.steps for path in step.touched}
    roots = dict.fromkeys(each.detail[0] for each in new)
    for number, path in enumerate(nearest_first(history.last, roots)):
        if not wanted or number > _NEAR:
            break
        data = None if path in changed else history.last.peek(path)
        if data is not None:
            wanted -= {name for name in wanted if holds_word(data, name)}
    yield from (each for each in new if each.name in wanted)


def _fallen(data: bytes) -> dict[str, int]:
    """The functions behind which, at file scope, the statements go on; each with where the first is."""
    outline = outline_of(data)
    source = code(data)
    found: dict[str, int] = {}
    last: Function | None = None
    for chunk in outline.chunks:
        match = _STATEMENT.match(source.plain, chunk.start)
        if match and last is not None and not source.directives_in(last.body[0], match.end()):
            found.setdefault(last.name, match.start(1))
        elif chunk.body is not None and not match:
            here = functions(source, chunk)
            last = here[0] if len(here) == 1 and here[0].head is not None and here[0].sure else None
    return found


def words(subject: Subject) -> tuple[str, ...]:
    """The stem of the file, for who includes it may declare more, and what is no variable of the function."""
    stem = stem_word(subject.detail[0])
    return (stem, subject.name) if subject.detail[2:] else (stem,)


@rule(
    "undeclared-local",
    severity=Severity.ERROR,
    confidence=Confidence.HIGH,
    since="0.1",
    subjects=suspects,
    words=words,
    summary=counted("names that functions use"),
)
def check(tree: Snapshot, subject: Subject) -> Iterator[Verdict]:
    """One verdict a name in a function."""
    path, name, *new = subject.detail
    data = tree.read(path)
    if data is None:
        return
    source = code(data)
    if not name:
        yield from _cut(path, source, subject.name)
        return
    found = [each for each in defined(data) if each.name == name]
    if len(found) != 1 or found[0].head is None or not found[0].sure:
        return
    function = found[0]
    if re.search(rf"\b{subject.name}\b", source.text[function.start : function.body[0]]):
        return
    use = undeclared(source, function, subject.name, lambda word: may_be_macro(tree, path, word))
    if use is None:
        if bare(source, function, subject.name):
            yield Held(None, f"{subject.name} is declared where {name}() uses it, or may be")
        return
    where = place(source, path, use.at, name)
    giver = given(tree, path, subject.name)
    if giver:
        yield Held(where, f"{giver} gives {subject.name}, or may")
        return
    doubt = doubted(tree, where, subject.name) or (made(tree, subject.name) if new else "")
    if doubt:
        yield Undecided(where, doubt)
        return
    others = [each for each in scope(source, function) if each.name == subject.name]
    why = "only within a block that has ended or not begun here" if others else "nowhere"
    yield _finding(
        where,
        subject.name,
        f"{subject.name} is used in {name}(), but declared {why}",
        tuple(Related(place(source, path, each.at, name), "declared here") for each in others[:2]),
    )


def _finding(where: Place, name: str, message: str, related: tuple[Related, ...] = ()) -> Finding:
    arch = arch_of(where.path)
    return Finding(
        rule="undeclared-local",
        severity=Severity.ERROR,
        confidence=Confidence.HIGH,
        place=where,
        subject=name,
        message=message,
        archs=(arch,) if arch else (),
        related=related,
        witness=Witness(
            WitnessKind.SITE, (f"no header that {where.path} may include gives {name} at file scope",)
        ),
    )


def _behind(source: Code, at: int) -> int:
    """Where the statements end that a brace too many leaves outside: before the next function."""
    for each in defined(source.data):
        if each.start > at and each.head is not None and each.sure:
            return each.start
    return len(source.plain)


def _cut(path: str, source: Code, name: str) -> Iterator[Verdict]:
    """The statements that a brace too many leaves behind a function."""
    at = _fallen(source.data).get(name)
    if at is None:
        return
    (function,) = [each for each in defined(source.data) if each.name == name][:1]
    names = {each.name for each in scope(source, function)}
    end = source.plain.find("\n", at)
    used = [
        match
        for match in re.finditer(
            r"(?<![\w$.>])[A-Za-z_]\w*", source.plain[function.body[1] : _behind(source, at)]
        )
        if match[0] in names
    ]
    first = next((match for match in used if function.body[1] + match.start() < end), None)
    begin = function.body[1] + first.start() if first else at
    where = place(source, path, begin)
    if never(presence_of(source.data).at(where.line)):
        yield Undecided(where, "whether this is built is not known")
        return
    word = first[0] if first else name
    what = f"a statement stands outside of {name}()"
    if first:
        *others, last = list(dict.fromkeys(match[0] for match in used))[:_TOLD]
        all_ = f"{', '.join(others)} and {last} are" if others else f"{last} is"
        what = f"{all_} used outside of {name}()"
    yield _finding(
        where,
        word,
        f"{what}, which a closing brace ends before: one brace is too many or one is missing",
        (Related(place(source, path, function.body[1], name), f"{name}() ends here"),),
    )


_GO = "int go(int cpu)\n{\n\tint state = 0;\n\n\tif (cpu) {\n\t\tint found = cpu;\n\n\t\tstate = found;\n\t}\n\treturn state;\n}\n"
_HEADER = "struct park { int deep; };\nvoid parked(int state);\n#define for_each_park(one) for (int one = 0; one < 3; one++)\n"
_BASE = {"include/park.h": _HEADER, "a.c": '#include "park.h"\n' + _GO}
_START = '#include "park.h"\n'

EXAMPLES = (
    bad(
        "the declaration goes, a use stays",
        _BASE,
        {"a.c": _START + _GO.replace("\tint state = 0;\n\n", "")},
        finds=("1 a.c:7",),
    ),
    bad(
        "a use behind the block that declares it",
        _BASE,
        {"a.c": _START + _GO.replace("return state", "return state + found")},
        finds=("1 a.c:11",),
    ),
    bad(
        "a variable that the next patch declares",
        _BASE,
        {"a.c": _START + _GO.replace("return state", "return state + deeper")},
        {
            "a.c": _START
            + _GO.replace("return state", "return state + deeper").replace(
                "state = 0", "state = 0, deeper = 1"
            )
        },
        finds=("1 a.c:11",),
    ),
    bad(
        "an opening brace is lost",
        _BASE,
        {"a.c": _START + _GO.replace("if (cpu) {", "if (cpu)").replace("return", "if (state)\n\t\treturn")},
        finds=("1 a.c:11",),
    ),
    good(
        "almost: the use stands within the block",
        _BASE,
        {"a.c": _START + _GO.replace("state = found;", "state = found;\n\t\tparked(found);")},
    ),
    good(
        "a member of that name",
        _BASE,
        {
            "a.c": _START
            + _GO.replace("int state = 0", "struct park p, *q = &p")
            .replace("state", "q->deep")
            .replace("p->", "p->")
        },
    ),
    good(
        "a macro declares it",
        _BASE,
        {"a.c": _START + _GO.replace("\treturn", "\tfor_each_park(one) {\n\t\tstate += one;\n\t}\n\treturn")},
    ),
    good(
        "a variable of the file",
        _BASE,
        {"a.c": _START + "static int state;\n" + _GO.replace("\tint state = 0;\n\n", "")},
    ),
    good(
        "a header declares it",
        {**_BASE, "include/park.h": _HEADER + "extern int state;\n"},
        {"a.c": _START + _GO.replace("\tint state = 0;\n\n", "")},
    ),
    good(
        "a label",
        _BASE,
        {"a.c": _START + _GO.replace("\treturn", "\tif (state > 3)\n\t\tgoto out;\nout:\n\treturn")},
    ),
    good(
        "it was undeclared before, and still is",
        {"include/park.h": _HEADER, "a.c": _START + _GO.replace("\tint state = 0;\n\n", "")},
        {"a.c": _START + _GO.replace("\tint state = 0;\n\n", "").replace("= found", "= 1 + found")},
    ),
)
