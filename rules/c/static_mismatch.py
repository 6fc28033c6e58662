"""What is static in a file must not be declared without static in what the file reads before.

Why: "static declaration follows non-static declaration" is an error of the compiler. A series makes it with a
prototype whose name some driver has for a function of its own, with a stub in one header and the prototype in
another, or when only one of the two is made static.

Not found: headers that are read only in some configurations; names below an #if that is not of CONFIG_ symbols
alone; names that a macro may replace; files that their makefiles do not list in plain words; declarations within
functions; a function whose definition alone lacks the static of its prototype, which C allows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from checkseries.facts.answer import Possible
from checkseries.facts.c_decl import Declaration, arch_of, declared_in, functions_in, kernel_source
from checkseries.facts.c_given import macro_for
from checkseries.facts.c_object import CObject, objects_in, objects_named
from checkseries.facts.include import includers, stem_word
from checkseries.facts.kbuild import NOT_BUILT, built
from checkseries.facts.kconfig import archs, model
from checkseries.facts.presence import NEVER, Expression, every, kconfig, some
from checkseries.facts.reach import comes_last, in_c, surely
from checkseries.judge.history import History
from checkseries.judge.rule import Subject, bad, counted, good, rule
from checkseries.judge.witness import config
from checkseries.model import Confidence, Finding, Held, Place, Related, Severity, Undecided, Verdict
from checkseries.tree import Snapshot

_MOST = 150  # names of one series, the short ones first: two may think of those
_HOLDERS = 60  # files that hold a name; what more of them hold is no name of one thing
_USERS = 12  # files that are tried for one that reads a header
_ALL = ("x86", "arm64")
"""For files of no architecture: either does."""


def declared(history: History, _arch: str) -> Iterator[Subject]:
    """The names that added lines of C declare at file scope, of functions and of objects."""
    found: dict[tuple[str, str], None] = {}
    for step, path in history.touched(".c", ".h"):
        added = step.added.get(path)
        if not added or not kernel_source(path):
            continue
        for each in functions_in(step.after, path):
            if each.kind in ("definition", "prototype") and not added.isdisjoint(_lines(each)):
                found[each.name, path] = None
        for one in objects_in(step.after, path):
            if one.place.line in added and (one.static or one.extern) and one.name:
                found[one.name, path] = None
    read = {path: _read(history.last, path) for _, path in found if path.endswith(".c")}
    met = [each for each in found if each[1].endswith(".h") or _meets(*each, *read[each[1]])]
    for name, path in sorted(met, key=lambda each: (len(each[0]), each))[:_MOST]:
        yield Subject(name, "", (path,))


def _read(tree: Snapshot, path: str) -> tuple[bytes, bytes]:
    """A .c file, and all that it is sure to read besides: few names of a driver stand there."""
    headers = surely(tree, path, arch_of(path) or _ALL[0]) - {path}
    return tree.peek(path) or b"", b"\n".join(tree.peek(each) or b"" for each in sorted(headers))


def _meets(name: str, _path: str, own: bytes, read: bytes) -> bool:
    """Whether a name may be declared a second time: in a header, or as an object of the file's own."""
    word = name.encode()
    return word in read or len(re.findall(rb"^\w.*\b" + word + rb"\s*(?:=|;|\[)", own, re.MULTILINE)) > 1


def words(subject: Subject) -> tuple[str, ...]:
    """The name, and what those write who include the file."""
    return (subject.name, stem_word(subject.detail[0]))


def _lines(declaration: Declaration) -> range:
    """The lines of a declaration, of a definition those of its head."""
    first, last = declaration.lines
    return range(first, min(last, declaration.place.line + 1) + 1)


@dataclass(frozen=True, slots=True)
class _Declared:
    place: Place
    static: bool
    extern: bool
    defines: bool
    function: bool
    condition: Expression


@rule(
    "static-mismatch",
    severity=Severity.ERROR,
    confidence=Confidence.HIGH,
    since="0.1",
    subjects=declared,
    words=words,
    summary=counted("names that added lines declare"),
)
def check(tree: Snapshot, subject: Subject) -> Iterator[Verdict]:
    """One verdict a file that has the name for a static of its own, one in all if none is at odds."""
    name = subject.name
    (changed,) = subject.detail
    paths = [path for path in tree.grep(name) if kernel_source(path)]
    if changed.endswith(".c"):  # it meets headers alone
        paths = [path for path in paths if path == changed or path.endswith(".h")]
    if len(paths) > _HOLDERS:
        yield Held(None, f"{name} is all over the tree")
        return
    everything = [each for path in paths for each in _declared(tree, path, name)]
    statics = [each for each in everything if each.static]
    others = [each for each in everything if not each.static]
    if not statics:
        return
    found = False
    for mine in statics:
        for other in others:
            verdict = _pair(tree, name, mine, other)
            if verdict is not None:
                found = True
                yield verdict
                break
    if not found:
        yield Held(statics[0].place, f"nothing that is read before declares {name} without static")


def _declared(tree: Snapshot, path: str, name: str) -> Iterator[_Declared]:
    for each in declared_in(tree, path, name):
        if each.kind in ("definition", "prototype") and each.sure and not _odd(each):
            yield _Declared(each.place, each.static, each.extern, each.kind == "definition", function=True,
                            condition=in_c(each.condition))  # fmt: skip
    for one in objects_named(tree, path, name):
        if one.sure and not _odd(one):
            yield _Declared(one.place, one.static, one.extern, not one.extern, function=False,
                            condition=in_c(one.condition))  # fmt: skip


def _odd(of: Declaration | CObject) -> bool:
    """Whether attributes may change whose the name is."""
    return any("alias" in each or "weak" in each or "gnu_inline" in each for each in of.attributes)


def _pair(tree: Snapshot, name: str, mine: _Declared, other: _Declared) -> Verdict | None:
    """The verdict on a static and another declaration; None if they are not seen to meet at odds."""
    if mine.function != other.function or every((mine.condition, other.condition)) == NEVER:
        return None
    here, there = mine.place.path, other.place.path
    if here == there:
        if mine.place.line < other.place.line and (mine.function or other.extern):
            return None  # it goes on being static
    elif not there.endswith(".h"):
        return None
    if arch_of(here) and arch_of(there) and arch_of(here) != arch_of(there):
        return None
    only = arch_of(here) or arch_of(there)
    for arch in (only,) if only else sorted(set(archs(tree)).intersection(_ALL)):
        for user in _users(tree, here, arch):
            verdict = _met(tree, name, mine, other, arch, user)
            if verdict is not None:
                return verdict
    return None


def _users(tree: Snapshot, path: str, arch: str) -> tuple[str, ...]:
    """.c files that read a file: itself, or those that include a header."""
    if path.endswith(".c"):
        return (path,)
    users = (each for each in includers(tree, path) if each.endswith(".c"))
    return tuple(each for each in users if (arch_of(each) or arch) == arch)[:_USERS]


def _met(
    tree: Snapshot, name: str, mine: _Declared, other: _Declared, arch: str, user: str
) -> Verdict | None:
    here, there = (mine.place.path, mine.place.line), (other.place.path, other.place.line)
    if not {here[0], there[0]} <= surely(tree, user, arch):
        return None
    where = built(tree, user, arch)
    if where == NOT_BUILT:
        return None
    if here[0] != there[0] and comes_last(tree, user, arch, there, here) != here:
        return None  # what was static before goes on being so
    if includers(tree, user):
        return None  # it is a part of another
    if macro_for(tree, user, name):
        return Undecided(mine.place, f"a macro may replace {name} in {user}")
    text = kconfig(every((some((where.inside, where.module)), mine.condition, other.condition)))
    if text is None:
        return Undecided(mine.place, f"whether {user} reads both declarations of {name} is not known")
    kernel = model(tree, arch)
    match kernel.satisfiable(text):
        case Possible(witness=witness):
            first, last = (mine, other) if here[0] == there[0] and here[1] < there[1] else (other, mine)
            return Finding(
                rule="static-mismatch",
                severity=Severity.ERROR,
                confidence=Confidence.HIGH,
                place=last.place,
                subject=name,
                message=_message(name, first, last, user),
                archs=(arch,) if arch_of(here[0]) or arch_of(there[0]) else (),
                related=(Related(first.place, "declared here"),),
                witness=config(witness, arch),
                profile=kernel.profile,
            )
    return None


def _message(name: str, first: _Declared, last: _Declared, user: str) -> str:
    what = f"{name}()" if last.function else name
    before = first.place.path if first.place.path != last.place.path else "the file"
    reader = f", which {user} reads before," if first.place.path not in (last.place.path, user) else ""
    if last.static:
        return f"{what} is static, but {before}{reader} declares it without static"
    return f"{what} is not static, but {before} declares it static before"


_KCONFIG = 'source "arch/$(SRCARCH)/Kconfig"\nconfig PARK\n\tbool "park"\nconfig SMP\n\tbool "smp"\n'
_HEADER = "struct park;\nint park(int cpu);\n"
_PARK = "#include <linux/park.h>\nstatic int park_depth(int cpu)\n{\n\treturn cpu;\n}\nint park(int cpu)\n{\n\treturn park_depth(cpu);\n}\n"
_BASE = {
    "Kconfig": _KCONFIG,
    "Makefile": "drivers-y += d/\n",
    "arch/x86/Kconfig": "config X86\n\tdef_bool y\n",
    "d/Makefile": "obj-$(CONFIG_PARK) += park.o\n",
    "d/park.c": _PARK,
    "include/linux/park.h": _HEADER,
}
_PROTOTYPE = {"include/linux/park.h": _HEADER + "int park_depth(int cpu);\n"}
_STUBS = (
    "#ifdef CONFIG_SMP\nint park_depth(int cpu);\n#else\n"
    "static inline int park_depth(int cpu)\n{\n\treturn 0;\n}\n#endif\n"
)
_OBJECT = _PARK + "extern int depths;\nstatic int depths;\n"

EXAMPLES = (
    bad("a header declares what a driver has for its own", _BASE, _PROTOTYPE, finds=("1 d/park.c:2",)),
    bad(
        "the definition alone becomes static",
        {**_BASE, **_PROTOTYPE, "d/park.c": _PARK.replace("static ", "")},
        {"d/park.c": _PARK},
        finds=("1 d/park.c:2",),
    ),
    bad(
        "a stub of one header, a prototype of another",
        {**_BASE, "include/linux/cpu.h": "int cpus;\n"},
        {
            "include/linux/cpu.h": "int cpus;\nint park_depth(int cpu);\n",
            "include/linux/park.h": "#include <linux/cpu.h>\n" + _HEADER + _STUBS,
            "d/park.c": _PARK.replace("static int park_depth(int cpu)\n{\n\treturn cpu;\n}\n", ""),
        },
        finds=("1 include/linux/park.h:7",),
    ),
    bad("an object", _BASE, {"d/park.c": _OBJECT}, finds=("1 d/park.c:11",)),
    bad(
        "an object that is static first",
        _BASE,
        {"d/park.c": _PARK + "static int depths;\nint depths = 1;\n"},
        finds=("1 d/park.c:11",),
    ),
    good(
        "almost: a prototype for another configuration",
        _BASE,
        {
            "include/linux/park.h": _HEADER + "#ifdef CONFIG_SMP\nint park_depth(int cpu);\n#endif\n",
            "d/park.c": _PARK.replace("static", "#ifndef CONFIG_SMP\nstatic").replace(
                "}\n", "}\n#endif\n", 1
            ),
        },
    ),
    good(
        "both forms of a header", _BASE, {"include/linux/park.h": _HEADER + _STUBS.replace("depth", "deep")}
    ),
    good(
        "the file does not read the header",
        {**_BASE, "include/linux/cpu.h": "int cpus;\n"},
        {"include/linux/cpu.h": "int cpus;\nint park_depth(int cpu);\n"},
    ),
    good(
        "extern behind static",
        _BASE,
        {"d/park.c": _PARK + "static int depths;\nextern int depths;\nint park_depth(int cpu);\n"},
    ),
    good(
        "a macro gives the header's another name",
        _BASE,
        {"include/linux/park.h": _HEADER + "#define park_depth park_deep\nint park_depth(int cpu);\n"},
    ),
    good(
        "at odds before, and still",
        {**_BASE, **_PROTOTYPE},
        {"d/park.c": _PARK.replace("return cpu", "return cpu + 1")},
    ),
)
