"""What a series removes or renames must have no user left, after every patch.

Why: a member, a function or a macro that is gone takes every file with it that still names it: another driver's, a
test's, one of an option that the author does not build.

Not found: names that the added lines use; uses outside of functions; members of what the small inference of types
does not reach; types, labels and Kconfig symbols; names that some header may still declare.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterable, Iterator

from checkseries.facts.c_bare import undeclared
from checkseries.facts.c_decl import arch_of, functions_in, kernel_source
from checkseries.facts.c_given import doubted, given, macro_for, made, may_be_macro
from checkseries.facts.c_member import Named, members_named, owner
from checkseries.facts.c_outline import Function, defined, outline_of
from checkseries.facts.c_record import Record, records_in
from checkseries.facts.c_text import Code, code, place
from checkseries.facts.c_words import KEYWORDS
from checkseries.facts.kconfig.lexical import definitions
from checkseries.facts.presence import kconfig, never, options, presence_of
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

_ENUM = re.compile(r"\benum\b[^{};()=]*\{([^{}]*)\}", re.ASCII)
_TAGGED = re.compile(r"\b(?:struct|union)\s[^;{}=,*]{0,200}\{", re.ASCII)
_FIRST = re.compile(r"\s*([A-Za-z_]\w*)", re.ASCII)
_MOST = 300  # names of one series
_FILES = 60
"""Files that hold a name: what more of them hold, somebody declares."""
_NAMED = 300  # places of one file that name one member
_USERS = 400
"""Files that hold a member's name and its struct's."""


def removed(history: History, _arch: str) -> Iterator[Subject]:
    """The members, functions, macros and enumerators that some patch takes away without using them again."""
    written = _written(history)
    found: dict[Subject, None] = {}
    for step in history.steps:
        lost: dict[str, str] = {}
        kept: set[str] = set()
        for path in step.touched:
            if not kernel_source(path):
                continue
            before, after = step.before.peek(path), step.after.peek(path)
            old = _given(step.before, path) if before else {}
            new = _given(step.after, path) if after else {}
            kept |= new.keys()
            if after is not None or path.endswith(".h"):
                lost.update({name: where for name, where in old.items() if name not in new})
            if before is not None and after is not None and path.endswith((".h", ".c")):
                for kind, tag, name in _members_lost(step, path):
                    found[Subject(name, "", (path, kind, tag))] = None
        for name in sorted(lost.keys() - kept - written - KEYWORDS):
            found[Subject(name, "", (lost[name],))] = None
    yield from list(found)[:_MOST]


def _written(history: History) -> set[str]:
    """The words that some patch uses more often in a file than before."""
    found: set[str] = set()
    for step, path in history.touched(".c", ".h"):
        before, after = step.before.peek(path), step.after.peek(path)
        found.update((_counts(after) - _counts(before)).keys())
    return found


def _counts(data: bytes | None) -> Counter[str]:
    return Counter(re.findall(r"[A-Za-z_]\w*", code(data).text, re.ASCII)) if data else Counter()


def _given(tree: Snapshot, path: str) -> dict[str, str]:
    """The functions, macros and enumerators that a file gives; each with the only file that can use it, or ""."""
    data = tree.peek(path)
    if data is None:
        return {}
    source = code(data)
    own = path if path.endswith(".c") else ""
    found = {each.name: own if each.static else "" for each in functions_in(tree, path)}
    found.update((macro.name, own) for macro in source.macros)
    for match in _ENUM.finditer(source.plain):
        for part in match[1].split(","):
            if name := _FIRST.match(part):
                found[name[1]] = own
    return found


def _members_lost(step: Step, path: str) -> Iterable[tuple[str, str, str]]:
    """The members that structs of a file lost: kind, tag, name."""
    before, after = step.before.peek(path), step.after.peek(path)
    if before is None or after is None:
        return
    for tag in sorted(_changed_tags(before, after)):
        for kind in ("struct", "union"):
            old, new = (records_in(tree, path, kind, tag) for tree in (step.before, step.after))
            if len(old) == len(new) == 1 and new[0].whole:
                now = {each.name for each in new[0].fields} | new[0].loose
                yield from ((kind, tag, each.name) for each in old[0].fields if each.name not in now)


def _changed_tags(before: bytes, after: bytes) -> set[str]:
    """The words that may be tags of the types between the first line that differs and the last."""
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    first = _alike(old, new)
    last = min(_alike(old[::-1], new[::-1]), len(old) - first)
    start = sum(map(len, old[:first]))
    end = len(before) - sum(map(len, old[len(old) - last :]))
    source = code(before)
    found: set[str] = set()
    for chunk in outline_of(before).chunks:
        if chunk.start <= end and start <= chunk.end and chunk.body is None:
            for match in _TAGGED.finditer(source.plain, chunk.start, chunk.end):
                found.update(re.findall(r"[A-Za-z_]\w*", match[0], re.ASCII))
    return found


def _alike(one: list[bytes], other: list[bytes]) -> int:
    """How many lines at the beginning are the same."""
    shorter = min(len(one), len(other))
    return next((index for index in range(shorter) if one[index] != other[index]), shorter)


def words(subject: Subject) -> tuple[str, ...]:
    """The name, and the struct of a member; nothing if one file alone can use it."""
    if len(subject.detail) > 1:
        return (subject.name, subject.detail[2])
    return () if subject.detail[0] else (subject.name,)


@rule(
    "missed-user",
    severity=Severity.ERROR,
    confidence=Confidence.HIGH,
    since="0.1",
    subjects=removed,
    words=words,
    summary=counted("uses of what the series removes"),
)
def check(tree: Snapshot, subject: Subject) -> Iterator[Verdict]:
    """One verdict a function that names it."""
    name = subject.name
    if len(subject.detail) > 1:
        yield from _member(tree, name, *subject.detail)
        return
    (path,) = subject.detail
    paths = (path,) if path else tuple(each for each in tree.grep(name) if kernel_source(each))
    if len(paths) > _FILES:
        yield Held(None, f"{name} is all over the tree")
        return
    why = "" if path else made(tree, name)
    for each in paths:
        yield from _names(tree, each, name, why)


def _names(tree: Snapshot, path: str, name: str, why: str) -> Iterator[Verdict]:
    """The functions of a file that use a name which nothing declares."""
    data = tree.read(path)
    if data is None or not holds_word(data, name):
        return
    source = code(data)
    word = re.compile(rf"(?<![\w$]){re.escape(name)}(?![\w$])", re.ASCII)
    for function in defined(data):
        if not function.sure or function.head is None or not word.search(source.plain, *function.body):
            continue
        if word.search(source.text, function.start, function.body[0]):
            continue
        use = undeclared(source, function, name, lambda each: each != name and may_be_macro(tree, path, each))
        if use is None:
            continue
        where = place(source, path, use.at, function.name)
        giver = given(tree, path, name)
        if giver:
            yield Held(where, f"{giver} gives {name}, or may")
            return
        doubt = why or doubted(tree, where, name)
        if doubt:
            yield Undecided(where, doubt)
            return
        yield _finding(
            where,
            name,
            f"{function.name}() uses {name}, but nothing that {path} may include gives it any more",
        )


def _finding(where: Place, name: str, message: str, related: tuple[Related, ...] = ()) -> Finding:
    arch = arch_of(where.path)
    return Finding(
        rule="missed-user",
        severity=Severity.ERROR,
        confidence=Confidence.HIGH,
        place=where,
        subject=name,
        message=message,
        archs=(arch,) if arch else (),
        related=related,
        witness=Witness(
            WitnessKind.SITE,
            (f"{where.path}:{where.line}: {where.text.strip()}", f"{name} is declared nowhere"),
        ),
    )


def _member(tree: Snapshot, name: str, path: str, kind: str, tag: str) -> Iterator[Verdict]:
    """The functions and objects that name a member of a struct which has it no more."""
    own = records_in(tree, path, kind, tag)
    if len(own) != 1:
        return
    users = set(tree.grep(name)) & ({path} if path.endswith(".c") else set(tree.grep(tag)))
    if len(users) > _USERS:
        yield Undecided(None, f"{len(users)} files hold both {tag} and {name}")
        return
    gone = not own[0].named(name) and own[0].whole and name not in own[0].loose
    for user in sorted(users):
        data = tree.read(user) if kernel_source(user) else None
        if data is None or not re.search(rb"[.,>]\s*" + name.encode() + rb"\b", data):
            continue
        yield from _member_in(tree, user, name, own[0], gone=gone)


def _member_in(tree: Snapshot, path: str, name: str, own: Record, *, gone: bool) -> Iterator[Verdict]:
    source = code(tree.read(path) or b"")
    done: set[str] = set()
    meant = (each for each in members_named(source, 0, len(source.plain)) if each.name == name)
    for named in itertools.islice(meant, _NAMED):
        if own not in owner(tree, path, named, arch_of(path) or ""):
            continue
        symbol = _symbol(source, named)
        if symbol in done:
            continue
        where = place(source, path, named.at, symbol)
        if not gone:
            yield Held(where, f"{own.place.symbol} has {name}")
            continue
        if macro_for(tree, path, name):
            yield Undecided(where, f"{name} may be a macro")
            continue
        condition = presence_of(source.data).at(where.line)
        if (
            never(condition)
            or kconfig(condition) is None
            or not options(condition) <= definitions(tree).keys()
        ):
            yield Undecided(where, "whether this is built is not known")
            continue
        done.add(symbol)
        yield _finding(
            where,
            name,
            f"{own.place.symbol} has no member named {name} any more",
            (Related(own.place, f"{own.place.symbol} is defined here"),),
        )


def _symbol(source: Code, named: Named) -> str:
    return next((each.name for each in defined(source.data) if _within(each, named.at)), "")


def _within(function: Function, at: int) -> bool:
    return function.start <= at <= function.body[1]


_HEADER = "struct park {\n\tint deep;\n\tint cpu;\n};\nvoid park_cpu(struct park *p);\n#define PARK_DEEP 3\n"
_USER = '#include "park.h"\nvoid f(struct park *p)\n{\n\tint state = p->deep;\n\n\tpark_cpu(p);\n\tp->cpu = PARK_DEEP;\n}\n'
_BASE = {"include/park.h": _HEADER, "a.c": _USER, "b.c": '#include "park.h"\nint x;\n'}
_OTHER = "struct spot {\n\tint deep;\n};\n"

EXAMPLES = (
    bad(
        "a member is renamed, a user is not",
        _BASE,
        {"include/park.h": _HEADER.replace("int deep", "int depth")},
        finds=("1 a.c:4",),
    ),
    bad(
        "the user follows one patch late",
        _BASE,
        {"include/park.h": _HEADER.replace("int deep", "int depth")},
        {"a.c": _USER.replace("->deep", "->depth")},
        finds=("1 a.c:4",),
    ),
    bad(
        "a function goes",
        _BASE,
        {"include/park.h": _HEADER.replace("void park_cpu(struct park *p);\n", "")},
        finds=("1 a.c:6",),
    ),
    bad(
        "a macro goes",
        _BASE,
        {"include/park.h": _HEADER.replace("#define PARK_DEEP 3\n", "")},
        finds=("1 a.c:7",),
    ),
    bad(
        "a static function goes, its caller stays",
        {"a.c": "static void g(void)\n{\n}\n\nvoid f(void)\n{\n\tg();\n}\n"},
        {"a.c": "void f(void)\n{\n\tg();\n}\n"},
        finds=("1 a.c:3",),
    ),
    good(
        "almost: another struct's member of that name",
        {**_BASE, "a.c": f"{_OTHER}{_USER.replace('struct park *p', 'struct spot *p, struct park *q')}"},
        {"include/park.h": _HEADER.replace("int deep", "int depth")},
    ),
    good(
        "all follow",
        _BASE,
        {
            "include/park.h": _HEADER.replace("int deep", "int depth"),
            "a.c": _USER.replace("->deep", "->depth"),
        },
    ),
    good(
        "the function moves to another header",
        _BASE,
        {
            "include/park.h": '#include "cpu.h"\n' + _HEADER.replace("void park_cpu(struct park *p);\n", ""),
            "include/cpu.h": "struct park;\nvoid park_cpu(struct park *p);\n",
        },
    ),
    good(
        "a local of the name",
        {**_BASE, "a.c": _USER.replace("int state", "int PARK_DEEP")},
        {"include/park.h": _HEADER.replace("#define PARK_DEEP 3\n", "")},
    ),
    good(
        "it had no member of that name before either",
        {**_BASE, "include/park.h": _HEADER.replace("int deep", "int depth")},
        {"include/park.h": _HEADER.replace("int deep", "int depths")},
    ),
)
