"""What a pointer points to must be defined where its members are used.

Why: a header that only says ``struct thermal_zone_device;`` lets others pass pointers on. Who looks into what they
point to needs the header with the definition, and of what is private to a subsystem there is none to include.

Not found: structs that are passed or given back whole; pointers that a call or a macro gives; lines that are not of functions;
headers; files that their makefiles do not list in plain words, or that other files include.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

from checkseries.facts.answer import Possible
from checkseries.facts.c_decl import arch_of, kernel_source
from checkseries.facts.c_given import doubted, macro_for, read_with
from checkseries.facts.c_member import Named, members_named, pointed
from checkseries.facts.c_outline import function_at
from checkseries.facts.c_record import defining, records_in, tags_in
from checkseries.facts.c_text import Code, code, place
from checkseries.facts.c_words import TAGGED
from checkseries.facts.include import stem_word
from checkseries.facts.kbuild import NOT_BUILT, built
from checkseries.facts.kconfig import archs, model
from checkseries.facts.presence import every, kconfig, presence_of, some
from checkseries.facts.reach import in_c
from checkseries.judge.history import History
from checkseries.judge.rule import Subject, bad, counted, good, rule
from checkseries.judge.witness import config
from checkseries.model import Confidence, Finding, Place, Related, Severity, Undecided, Verdict
from checkseries.tree import Snapshot
from checkseries.tree.base import holds_word

_WHOLE = re.compile(
    r"[;{}]\s*+struct\s++(\w++)\s++\w++\s*+[;=,]|\bsizeof\s*+\(\s*+struct\s++(\w++)\s*+\)", re.ASCII
)
_MOST = 400  # members on added lines of one file
_DEFINERS = 40  # headers that are looked into for the definition


def looked_into(history: History, _arch: str) -> Iterator[Subject]:
    """The structs that added lines look into or ask the size of, and that nothing defines there."""
    for step, path in history.touched(".c"):
        data, added = step.after.peek(path), step.added.get(path)
        if data is None or not added or not kernel_source(path):
            continue
        source = code(data)
        found: dict[str, str] = {}
        fresh = [
            each
            for each in members_named(source, 0, len(source.plain))
            if source.plain[each.at - 2 : each.at] == "->" and source.line(each.at) in added
        ]
        for each in fresh[:_MOST]:
            tag = _undefined(step.after, path, each)
            if tag:
                found.setdefault(tag, each.name)
        for at, tag in _whole(source):
            if source.line(at) in added and tag.encode() not in defining(step.after, path):
                found.setdefault(tag, "")
        yield from (Subject(tag, "", (path, member)) for tag, member in found.items())


def _whole(source: Code) -> Iterator[tuple[int, str]]:
    """Where functions have a struct for a variable, or ask how large it is."""
    for match in itertools.islice(_WHOLE.finditer(source.plain), 20 * _MOST):
        at = match.start(2) if match[2] else match.start(1)
        if match[2] or function_at(source, at) is not None:
            yield at, match[2] or match[1]


def _undefined(tree: Snapshot, path: str, named: Named) -> str:
    """The tag of the struct that has a member, if no file that may be read defines it."""
    words = pointed(tree, path, named).split()
    if len(words) != 2 or words[0] not in TAGGED - {"enum"} or words[1].encode() in defining(tree, path):
        return ""
    return words[1]


def words(subject: Subject) -> tuple[str, ...]:
    """The tag, and what those write who include the file."""
    return (subject.name, stem_word(subject.detail[0]))


@rule(
    "incomplete-type",
    severity=Severity.ERROR,
    confidence=Confidence.HIGH,
    since="0.1",
    subjects=looked_into,
    words=words,
    summary=counted("structs that are looked into"),
)
def check(tree: Snapshot, subject: Subject) -> Iterator[Verdict]:
    """One verdict a struct that a file looks into."""
    path, member = subject.detail
    data = tree.read(path)
    if data is None:
        return
    source = code(data)
    if not member:
        at = next((at for at, tag in _whole(source) if tag == subject.name), None)
        if at is not None and subject.name.encode() not in defining(tree, path):
            yield from _judged(tree, _at(source, path, at), subject.name)
        return
    for named in members_named(source, 0, len(source.plain)):
        if named.name == member and _undefined(tree, path, named) == subject.name:
            yield from _judged(tree, _at(source, path, named.at), subject.name)
            return


def _at(source: Code, path: str, at: int) -> Place:
    function = function_at(source, at)
    return place(source, path, at, function.name if function else "")


def _judged(tree: Snapshot, where: Place, tag: str) -> Iterator[Verdict]:
    doubt = doubted(tree, where, tag)
    if not doubt and not read_with(tree, where.path).whole:
        doubt = "it includes too many headers"
    doubt = doubt or _by_macro(tree, where.path, tag)
    if doubt or macro_for(tree, where.path, tag):
        yield Undecided(where, doubt or f"a macro may replace {tag}")
        return
    line = in_c(presence_of(tree.read(where.path) or b"").at(where.line))
    only = arch_of(where.path)
    for arch in (only,) if only else sorted(set(archs(tree)).intersection(("x86", "arm64"))):
        compiled = built(tree, where.path, arch)
        text = kconfig(every((some((compiled.inside, compiled.module)), line)))
        if compiled == NOT_BUILT or text is None:
            continue
        kernel = model(tree, arch)
        match kernel.satisfiable(text):
            case Possible(witness=witness):
                defined = _defined(tree, tag)
                yield Finding(
                    rule="incomplete-type",
                    severity=Severity.ERROR,
                    confidence=Confidence.HIGH,
                    place=where,
                    subject=tag,
                    message=f"struct {tag} is looked into, but the file includes nothing that defines it",
                    archs=(only,) if only else (),
                    related=(Related(defined, "defined here"),) if defined else (),
                    witness=config(witness, arch),
                    profile=kernel.profile,
                )
                return


def _by_macro(tree: Snapshot, path: str, tag: str) -> str:
    """Why a macro may define a struct, as struct_group_tagged() does: its tag is an argument; or nothing."""
    argument = re.compile(rb"[(,]\s*" + re.escape(tag).encode() + rb"\s*[,)]")
    for each in read_with(tree, path).paths:
        data = tree.read(each)
        if data is not None and holds_word(data, tag) and argument.search(data):
            return f"a macro of {each} may define struct {tag}"
    return ""


def _defined(tree: Snapshot, tag: str) -> Place | None:
    """Where a struct is defined, in a header if in any."""
    paths = [path for path in tree.grep(tag) if kernel_source(path)]
    paths.sort(key=lambda path: (not path.endswith(".h"), not path.startswith("include/"), path))
    for path in paths[:_DEFINERS]:
        if tag.encode() in tags_in(tree, path):
            found = records_in(tree, path, "struct", tag)
            if found:
                return found[0].place
    return None


_KCONFIG = 'source "arch/$(SRCARCH)/Kconfig"\nconfig PARK\n\tbool "park"\n'
_PLAIN = "#include <linux/park.h>\nint go(struct park *p)\n{\n\treturn park_depth(p);\n}\n"
_USE = _PLAIN.replace("park_depth(p)", "p->depth")
_PRIVATE = (
    "struct park {\n\tint depth;\n\tstruct park_state *state;\n};\nstruct park_state {\n\tint deep;\n};\n"
)
_BASE = {
    "Kconfig": _KCONFIG,
    "Makefile": "drivers-y += d/\n",
    "arch/x86/Kconfig": "config X86\n\tdef_bool y\n",
    "d/Makefile": "obj-$(CONFIG_PARK) += park.o\n",
    "d/park.c": _PLAIN,
    "include/linux/park.h": "struct park;\nint park_depth(struct park *p);\n",
    "kernel/park-core.h": _PRIVATE,
}

EXAMPLES = (
    bad("a struct that is private to others", _BASE, {"d/park.c": _USE}, finds=("1 d/park.c:4",)),
    bad(
        "a struct that is defined nowhere",
        {**_BASE, "kernel/park-core.h": "int x;\n"},
        {"d/park.c": _USE},
        finds=("1 d/park.c:4",),
    ),
    bad(
        "a variable",
        _BASE,
        {"d/park.c": _PLAIN.replace("\treturn", "\tstruct park own;\n\n\treturn")},
        finds=("1 d/park.c:4",),
    ),
    bad(
        "its size",
        _BASE,
        {"d/park.c": _PLAIN.replace("park_depth(p)", "sizeof(struct park)")},
        finds=("1 d/park.c:4",),
    ),
    bad(
        "a pointer within a struct",
        {
            **_BASE,
            "include/linux/park.h": "struct park {\n\tstruct park_state *state;\n};\nint park_depth(struct park *p);\n",
            "kernel/park-core.h": "struct park_state {\n\tint deep;\n};\n",
        },
        {"d/park.c": _PLAIN.replace("park_depth(p)", "p->state->deep")},
        finds=("1 d/park.c:4",),
    ),
    bad(
        "a struct that the next patch defines",
        _BASE,
        {"d/park.c": _USE},
        {"include/linux/park.h": _BASE["include/linux/park.h"] + "struct park {\n\tint depth;\n};\n"},
        finds=("1 d/park.c:4",),
    ),
    good(
        "almost: the file includes the definition",
        _BASE,
        {"d/park.c": '#include "../kernel/park-core.h"\n' + _USE},
    ),
    good("the file defines it", _BASE, {"d/park.c": "struct park {\n\tint depth;\n};\n" + _USE}),
    good(
        "a header of its header",
        _BASE,
        {"d/park.c": _USE, "include/linux/park.h": '#include "../../kernel/park-core.h"\n'},
    ),
    good(
        "a macro of a header is given the tag",
        {
            **_BASE,
            "include/linux/park.h": "struct parks {\n\tstruct_group_tagged(park, own, int depth;);\n};\n",
        },
        {"d/park.c": _USE},
    ),
    good(
        "a macro may define it",
        {**_BASE, "include/linux/park.h": "#define PARK(x) struct x##rk { int depth; }\nPARK(pa);\n"},
        {"d/park.c": _USE},
    ),
    good(
        "incomplete before, and still",
        {**_BASE, "d/park.c": _USE},
        {"d/park.c": _USE.replace("return", "return 1 +")},
    ),
)
