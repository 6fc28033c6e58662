"""What only its own file names should be static.

Why: the compiler warns of a function without a prototype (-Wmissing-prototypes), sparse of an object; and the name
is taken from the whole kernel.

Not found: names that any other file holds; what bears an attribute that may give it users; what a macro may paste.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from checkseries.facts.c_decl import Declaration, arch_of, declared_in, functions_in, kernel_source
from checkseries.facts.c_given import gives, may_be_pasted
from checkseries.facts.c_object import CObject, objects_in, objects_named
from checkseries.facts.c_text import code
from checkseries.facts.c_words import EXIT_CODE, INIT_CODE
from checkseries.facts.presence import kconfig, never
from checkseries.judge.history import History
from checkseries.judge.rule import Subject, bad, counted, good, own_name, rule
from checkseries.model import Confidence, Finding, Held, Severity, Undecided, Verdict, Witness, WitnessKind
from checkseries.tree import Snapshot

_HARMLESS = (
    INIT_CODE
    | EXIT_CODE
    | frozenset(("noinline", "__must_check", "__cold", "__hot", "__initdata", "__initconst"))
)
_HARMLESS |= frozenset(("__read_mostly", "__ro_after_init", "const"))
_PROSE = ("Documentation/", "tools/", "samples/")
_LITERAL = re.compile(rb'"(?:[^"\\\n]|\\.)*+"')


def public(history: History, _arch: str) -> Iterator[Subject]:
    """The functions and objects without static that some patch brings to a .c file."""
    for step, path in history.touched(".c"):
        added = step.added.get(path)
        if not added or not kernel_source(path):
            continue
        found: list[Declaration | CObject] = [*functions_in(step.after, path), *objects_in(step.after, path)]
        for each in found:
            if each.place.line in added and each.name and _defines(each):
                yield Subject(each.name, "", (path,))


def _defines(each: Declaration | CObject) -> bool:
    if each.static or each.extern or not each.sure:
        return False
    if not {attribute.partition("(")[0].strip() for attribute in each.attributes} <= _HARMLESS:
        return False
    return (
        each.kind == "definition" and not each.inline if isinstance(each, Declaration) else each.initialised
    )


@rule(
    "should-be-static",
    severity=Severity.WARNING,
    confidence=Confidence.HIGH,
    since="0.1",
    subjects=public,
    words=own_name,
    summary=counted("functions and objects that are not static"),
)
def check(tree: Snapshot, subject: Subject) -> Iterator[Verdict]:
    """One verdict a function or object."""
    (path,) = subject.detail
    name = subject.name
    declared: list[Declaration | CObject] = [*declared_in(tree, path, name), *objects_named(tree, path, name)]
    found = [each for each in declared if _defines(each)]
    if len(found) != 1:
        return
    (each,) = found
    if len(declared) > 1:
        yield Held(each.place, f"{name} is declared before it is defined")
        return
    other = _elsewhere(tree, path, name)
    if other:
        yield Held(each.place, f"{other} may mean {name}")
        return
    data = tree.read(path) or b""
    source = code(data)
    if re.search(rf"\bEXPORT_\w*\s*\(\s*{re.escape(name)}\b", source.plain) or any(
        re.search(rb"\b" + name.encode() + rb"\b", literal) for literal in _LITERAL.findall(data)
    ):
        yield Held(each.place, f"{name} is exported, or assembly may name it")
        return
    if never(each.condition) or kconfig(each.condition) is None:
        yield Undecided(each.place, "whether this is built is not known")
        return
    if name == "main" or may_be_pasted(tree, path, name):
        yield Undecided(each.place, f"a macro may put {name} together, or a linker know it")
        return
    arch = arch_of(path)
    function = isinstance(each, Declaration)
    what = f"{name}()" if function else name
    yield Finding(
        rule="should-be-static",
        severity=Severity.WARNING,
        confidence=Confidence.HIGH,
        place=each.place,
        subject=name,
        message=f"{what} is not static, but no header declares it and no other file names it:"
        f" {'the compiler' if function else 'sparse'} warns",
        archs=(arch,) if arch else (),
        witness=Witness(WitnessKind.SITE, (f"the word {name} stands in no other file of the tree",)),
    )


def _elsewhere(tree: Snapshot, path: str, name: str) -> str:
    """Another file that may mean the name of this one; a .c file without a declaration of it has its own."""
    for other in tree.grep(name):
        data = None if other == path or other.startswith(_PROSE) else tree.read(other)
        if data is None:
            continue
        meant = gives(data, name) if other.endswith(".h") else _declares(tree, other, data, name)
        if meant or not kernel_source(other):
            return other
    return ""


def _declares(tree: Snapshot, path: str, data: bytes, name: str) -> bool:
    """Whether a .c file declares a name that it does not define."""
    if any(not each.static and each.kind != "definition" for each in declared_in(tree, path, name)):
        return True
    return re.search(rf"\bextern\b[^;{{}}]{{0,300}}\b{re.escape(name)}\b", code(data).plain) is not None


_FUNCTION = "int park(int cpu)\n{\n\treturn cpu;\n}\n"
_BASE = {"a.c": "int x;\n", "include/park.h": "struct lot;\n"}

EXAMPLES = (
    bad("a function without a prototype", _BASE, {"a.c": _FUNCTION}, finds=("1 a.c:1",)),
    bad("a table", _BASE, {"a.c": "const int parks[] = {\n\t1, 2,\n};\n"}, finds=("1 a.c:1",)),
    bad(
        "the header follows one patch later",
        _BASE,
        {"a.c": _FUNCTION},
        {"include/park.h": "int park(int cpu);\n"},
        finds=("1 a.c:1",),
    ),
    good("almost: a header declares it", _BASE, {"a.c": _FUNCTION, "include/park.h": "int park(int cpu);\n"}),
    good("it is static", _BASE, {"a.c": f"static {_FUNCTION}"}),
    good(
        "another file declares it for itself", _BASE, {"a.c": _FUNCTION, "b.c": "extern int park(int cpu);\n"}
    ),
    good("assembly calls it", _BASE, {"a.c": _FUNCTION, "b.S": "\tbl park\n"}),
    good(
        "a macro of a header declares it",
        {"a.c": "int x;\n", "include/park.h": "#define PARKS(x) int x##_cpu(int cpu)\nPARKS(park);\n"},
        {"a.c": '#include "include/park.h"\n' + _FUNCTION.replace("park", "park_cpu")},
    ),
    good(
        "it was so before, and still is",
        {"a.c": _FUNCTION},
        {"a.c": _FUNCTION.replace("return cpu", "return 1 + cpu")},
    ),
)
