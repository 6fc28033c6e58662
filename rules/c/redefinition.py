"""A macro or an inline function of a header must not be defined a second time where both headers are read.

Why: a helper or a stub that a series defines for all architectures may be one that some architecture has of its
own. There the compiler says "redefined" of a macro, whose meaning then depends on the order of the includes, and
does not build a function at all.

Severity: a warning for a macro, an error for a function.

Not found: definitions below an #if that is not of CONFIG_ symbols alone; headers that are read only in some
configurations; names that a file undefines; files that their makefiles do not list in plain words; of a patch
that defines very many names all but the shortest.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from checkseries.facts.answer import Possible
from checkseries.facts.c_decl import arch_of, kernel_source
from checkseries.facts.c_text import code
from checkseries.facts.c_twice import Defined, defined
from checkseries.facts.include import includers
from checkseries.facts.kbuild import NOT_BUILT, built
from checkseries.facts.kconfig import archs, model
from checkseries.facts.places import line_place
from checkseries.facts.presence import NEVER, Expression, every, kconfig, some
from checkseries.facts.reach import comes_last, surely
from checkseries.judge.history import History
from checkseries.judge.rule import Subject, bad, counted, good, rule
from checkseries.judge.witness import config
from checkseries.model import Confidence, Finding, Held, Related, Severity, Undecided, Verdict
from checkseries.tree import Snapshot

_MOST = 24
"""Names of one series that are asked about: short names are what two headers think of."""
_FUNCTION = re.compile(
    r"^(?:static[ \t]+)?(?:__always_)?inline[^;{}=]*?\b(\w+)[ \t]*\(", re.MULTILINE | re.ASCII
)
_USERS = 30  # files that are tried for one that reads both headers
_STEPS = 3  # headers between that file and the newer definition
_OTHERS = 40  # files that define the name


def newly_defined(history: History, _arch: str) -> Iterator[Subject]:
    """The macros and inline functions that added lines of headers define, and those of .c files."""
    found: dict[tuple[str, str], None] = {}
    for step, path in history.touched(".h", ".c"):
        data = step.after.peek(path)
        if data is None or not kernel_source(path) or not step.added.get(path):
            continue
        before = step.before.peek(path)
        old = step.before.lineage.words_of(before) if before is not None else frozenset()
        source = code(data)
        fresh = step.added[path]
        names = {macro.name for macro in source.macros if source.line(macro.at) in fresh}
        if path.endswith(".h"):
            names |= {
                match[1] for match in _FUNCTION.finditer(source.plain) if source.line(match.start(1)) in fresh
            }
        found.update(dict.fromkeys((name, path) for name in names if name.encode() not in old))
    for name, path in sorted(found, key=lambda each: (len(each[0]), each))[:_MOST]:
        yield Subject(name, "", (path,))


@rule(
    "redefinition",
    severity=Severity.WARNING,
    confidence=Confidence.HIGH,
    since="0.1",
    subjects=newly_defined,
    summary=counted("names that are newly defined"),
)
def check(tree: Snapshot, subject: Subject) -> Iterator[Verdict]:
    """One verdict a name: the first architecture on which a file reads two definitions."""
    (path,) = subject.detail
    own = [each for each in defined(tree, path, subject.name) if not each.guarded]
    if not own:
        return
    others = [
        (other, each)
        for other in tree.grep(subject.name)
        if other != path and other.endswith(".h") and kernel_source(other)
        for each in defined(tree, other, subject.name)
        if not each.guarded
    ][:_OTHERS]
    for mine in own:
        for other, theirs in others:
            if mine.kind == theirs.kind and (mine.kind == "function" or mine.body != theirs.body):
                verdict = _pair(tree, subject.name, (path, mine), (other, theirs))
                if verdict is not None:
                    yield verdict
                    return
    yield Held(line_place(tree, path, own[0].line), f"nothing that is read together defines {subject.name}")


_Site = tuple[str, Defined]


def _pair(tree: Snapshot, name: str, mine: _Site, other: _Site) -> Verdict | None:
    """The verdict on two definitions; None if no file is seen to read both."""
    (path, one), (elsewhere, two) = mine, other
    only = arch_of(path) or arch_of(elsewhere)
    if arch_of(path) and arch_of(elsewhere) and arch_of(path) != arch_of(elsewhere):
        return None
    both = every((one.condition, two.condition))
    if both == NEVER:
        return None
    for arch in (only,) if only else _ALL & set(archs(tree)):
        for user in _users(tree, path, arch):
            if not {path, elsewhere} <= surely(tree, user, arch):
                continue
            where = built(tree, user, arch)
            if where == NOT_BUILT:
                continue
            wanted = every((some((where.inside, where.module)), both))
            verdict = _proved(tree, name, mine, other, arch, user, wanted)
            if verdict is not None:
                return verdict
    return None


_ALL = frozenset(("x86", "arm64"))
"""For two headers of no architecture: any one does."""


def _users(tree: Snapshot, path: str, arch: str) -> Iterator[str]:
    """.c files that may read a file, from near to far."""
    if path.endswith(".c"):
        yield path
        return
    seen = {path}
    layer = [path]
    given = 0
    for _ in range(_STEPS):
        following: list[str] = []
        for header in layer:
            for user in includers(tree, header):
                if user in seen or (arch_of(user) or arch) != arch:
                    continue
                seen.add(user)
                if user.endswith(".c"):
                    given += 1
                    yield user
                    if given >= _USERS:
                        return
                else:
                    following.append(user)
        layer = following[:_USERS]


def _proved(
    tree: Snapshot, name: str, mine: _Site, other: _Site, arch: str, user: str, wanted: Expression
) -> Verdict | None:
    (path, one), (elsewhere, two) = mine, other
    last = comes_last(tree, user, arch, (path, one.line), (elsewhere, two.line))
    first = (elsewhere, two.line) if last == (path, one.line) else (path, one.line)
    place = line_place(tree, *last)
    text = kconfig(wanted)
    if text is None:
        return Undecided(place, f"{name} may be defined twice in {user}")
    kernel = model(tree, arch)
    match kernel.satisfiable(text):
        case Possible(witness=witness):
            what = "macro" if one.kind == "macro" else "function"
            return Finding(
                rule="redefinition",
                severity=Severity.WARNING if one.kind == "macro" else Severity.ERROR,
                confidence=Confidence.HIGH,
                place=place,
                subject=name,
                message=f"{name} is defined a second time: {user} reads the {what} of {first[0]} before",
                archs=(arch,),
                related=(Related(line_place(tree, *first), "defined here, too"),),
                witness=config(witness, arch),
                profile=kernel.profile,
            )
    return None


_KCONFIG = 'source "arch/$(SRCARCH)/Kconfig"\nconfig PARK\n\tbool "park"\n'
_BASE = {
    "Kconfig": _KCONFIG,
    "Makefile": "drivers-y += d/\n",
    "arch/x86/Kconfig": "config X86\n\tdef_bool y\n",
    "arch/m68k/Kconfig": "config M68K\n\tdef_bool y\n",
    "arch/x86/include/asm/io.h": "int readl(int x);\n",
    "arch/m68k/include/asm/io.h": "#define out_be32(x, y) put(x, y)\n",
    "d/Makefile": "obj-$(CONFIG_PARK) += park.o\n",
    "d/park.c": "#include <linux/park.h>\nint go(int cpu)\n{\n\treturn cpu;\n}\n",
    "include/linux/park.h": "#include <asm/io.h>\nint park(int cpu);\n",
}
_DEFINES = "#include <asm/io.h>\n#define out_be32(a, v) writel(v, a)\nint park(int cpu);\n"
_STUB = "#include <asm/io.h>\nstatic inline int parked(int cpu)\n{\n\treturn 0;\n}\nint park(int cpu);\n"

EXAMPLES = (
    bad(
        "a macro that one architecture has",
        _BASE,
        {"include/linux/park.h": _DEFINES},
        finds=("1 include/linux/park.h:2",),
    ),
    bad(
        "a stub that one architecture has",
        {
            **_BASE,
            "arch/m68k/include/asm/io.h": "static inline int parked(int cpu)\n{\n\treturn 1;\n}\n",
        },
        {"include/linux/park.h": _STUB},
        finds=("1 include/linux/park.h:2",),
    ),
    bad(
        "a .c file defines it",
        _BASE,
        {"d/park.c": "#include <asm/io.h>\n#define out_be32(a, v) writel(v, a)\nint x;\n"},
        finds=("1 d/park.c:2",),
    ),
    good(
        "only where there is none",
        _BASE,
        {"include/linux/park.h": _DEFINES.replace("#define", "#ifndef out_be32\n#define", 1) + "#endif\n"},
    ),
    good(
        "almost: the same text",
        _BASE,
        {
            "include/linux/park.h": _DEFINES.replace(
                "(a, v) writel(v, a)", "(x,  y) put(x,   y) /* as there */"
            ).replace("(x,  y)", "(x, y)")
        },
    ),
    good(
        "the driver is not for that architecture",
        {**_BASE, "Kconfig": _KCONFIG + "\tdepends on !M68K\n"},
        {"include/linux/park.h": _DEFINES},
    ),
    good(
        "the header does not read the other",
        _BASE,
        {"include/linux/park.h": _DEFINES.replace("#include <asm/io.h>\n", "")},
    ),
    good(
        "defined twice before, and still",
        {**_BASE, "include/linux/park.h": _DEFINES},
        {"include/linux/park.h": _DEFINES + "int y;\n"},
    ),
)
