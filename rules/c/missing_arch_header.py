"""A header that is included as asm/ must exist on every architecture for which the file can be built.

Why: asm/ means the headers of the architecture. One that only x86 has stops the build of the file everywhere
else, unless Kconfig or an #ifdef keeps it from being built there.

Not found: headers that an architecture's build generates, or that the file reaches through other headers; files
that their makefiles do not list in plain words; architectures that are not judged (--arch).
"""

from __future__ import annotations

from collections.abc import Iterator

from checkseries.facts.answer import Impossible, Possible
from checkseries.facts.c_decl import arch_of, kernel_source
from checkseries.facts.include import Include, includes
from checkseries.facts.kbuild import NOT_BUILT, built
from checkseries.facts.kconfig import model
from checkseries.facts.presence import NEVER, every, kconfig, said, some
from checkseries.facts.reach import headers
from checkseries.judge.history import History
from checkseries.judge.rule import Subject, bad, counted, good, no_words, rule
from checkseries.judge.witness import config
from checkseries.model import Confidence, Finding, Held, Severity, Undecided, Verdict
from checkseries.tree import Snapshot


def included(history: History, arch: str) -> Iterator[Subject]:
    """The asm/ headers that touched .c files include, and those that a patch deletes from an architecture."""
    for step, path in history.touched(".c"):
        if kernel_source(path) and (arch_of(path) or arch) == arch:
            old = {each.name for each in includes(step.before, path) if each.condition is not NEVER}
            for each in includes(step.after, path):
                if each.name.startswith("asm/") and (each.name not in old or _moved(step.touched)):
                    yield Subject(each.name, arch, (path,))


def _moved(touched: tuple[str, ...]) -> bool:
    """Whether a patch may change where a header is, or where a file is built."""
    return any(
        (path.startswith("arch/") and "/include/" in path)
        or path.rpartition("/")[2].startswith(("Kconfig", "Makefile"))
        for path in touched
    )


@rule(
    "missing-arch-header",
    severity=Severity.ERROR,
    confidence=Confidence.HIGH,
    since="0.1",
    subjects=included,
    words=no_words,
    summary=counted("asm/ headers"),
    per_arch=True,
)
def check(tree: Snapshot, subject: Subject) -> Iterator[Verdict]:
    """One verdict an include of that name in the file."""
    (path,) = subject.detail
    for each in includes(tree, path):
        if each.name == subject.name and each.condition != NEVER:
            yield from _include(tree, path, each, subject.arch)


def _include(tree: Snapshot, path: str, each: Include, arch: str) -> Iterator[Verdict]:
    found = headers(tree, each.name, arch)
    if found:
        yield Held(each.place, f"{each.name} is {found[0]}")
        return
    others = sorted(
        other
        for found in tree.named(each.name.rpartition("/")[2])
        if found.endswith(f"/include/{each.name}") and (other := arch_of(found))
    )
    where = built(tree, path, arch)
    if not others or where == NOT_BUILT:
        return
    wanted = every((some((where.inside, where.module)), each.condition))
    text = kconfig(wanted)
    if text is None:
        yield Undecided(each.place, f"whether it is compiled depends on {said(wanted)}")
    elif _made(tree, arch, each.name):
        yield Undecided(each.place, f"{each.name} may be generated on {arch}")
    else:
        yield from _judged(tree, each, arch, others, text)


def _judged(tree: Snapshot, each: Include, arch: str, others: list[str], text: str) -> Iterator[Verdict]:
    kernel = model(tree, arch)
    match kernel.satisfiable(text):
        case Possible(witness=witness):
            yield Finding(
                rule="missing-arch-header",
                severity=Severity.ERROR,
                confidence=Confidence.HIGH,
                place=each.place,
                subject=each.name,
                message=f"{each.name} exists for {', '.join(others)} alone, and the file is built elsewhere, too",
                archs=(arch,),
                witness=config(witness, arch),
                profile=kernel.profile,
            )
        case Impossible():
            yield Held(each.place, f"what includes {each.name} is not built for {arch}")
        case unknown:
            yield Undecided(each.place, unknown.because)


def _made(tree: Snapshot, arch: str, name: str) -> bool:
    """Whether the build of an architecture may make a header: its makefiles name it."""
    base = name.rpartition("/")[2]
    return any(
        base in (tree.text(path) or "")
        for pattern in ("Kbuild", "Makefile")
        for path in tree.named(pattern)
        if path.startswith((f"arch/{arch}/", "include/asm-generic/", "include/uapi/asm-generic/"))
    )


_KCONFIG = 'source "arch/$(SRCARCH)/Kconfig"\nconfig PARK\n\tbool "park"\n'
_PLAIN = "int go(int cpu)\n{\n\treturn cpu;\n}\n"
_BASE = {
    "Kconfig": _KCONFIG,
    "Makefile": "drivers-y += d/\n",
    "arch/x86/Kconfig": "config X86\n\tdef_bool y\n",
    "arch/arm64/Kconfig": "config ARM64\n\tdef_bool y\n",
    "arch/x86/include/asm/park.h": "int park(int cpu);\n",
    "d/Makefile": "obj-$(CONFIG_PARK) += park.o\n",
    "d/park.c": _PLAIN,
}
_WITH = "#include <asm/park.h>\n" + _PLAIN

EXAMPLES = (
    bad("a header of x86 in code for all", _BASE, {"d/park.c": _WITH}, finds=("1 d/park.c:1",)),
    bad(
        "the dependency on the architecture goes",
        {**_BASE, "Kconfig": _KCONFIG + "\tdepends on X86\n", "d/park.c": _WITH},
        {"Kconfig": _KCONFIG, "d/park.c": _WITH + "int x;\n"},
        finds=("1 d/park.c:1",),
    ),
    good("the driver is for x86", {**_BASE, "Kconfig": _KCONFIG + "\tdepends on X86\n"}, {"d/park.c": _WITH}),
    good(
        "almost: the others take it from asm-generic",
        {**_BASE, "include/asm-generic/park.h": "int park(int cpu);\n"},
        {"d/park.c": _WITH},
    ),
    good(
        "below an #ifdef of the architecture",
        _BASE,
        {"d/park.c": "#ifdef CONFIG_X86\n#include <asm/park.h>\n#endif\n" + _PLAIN},
    ),
    good(
        "the other architecture generates it",
        {**_BASE, "arch/arm64/include/asm/Kbuild": "generated-y += park.h\n"},
        {"d/park.c": _WITH},
    ),
    good("missing there before, and still", {**_BASE, "d/park.c": _WITH}, {"d/park.c": _WITH + "int x;\n"}),
)
