"""A name that a patch uses must be declared by that patch or by one before it.

Why: a constant, a variable or a callback that is declared nowhere does not build in any configuration. If it is not
misspelt, a later patch of the series brings it, or another series does: each patch has to build, or git bisect ends
on those that do not. What a later patch repairs is reported with the patches between which it is broken.

Not found: functions that are only called, which undefined-identifier speaks of; words in small letters within
functions, which undeclared-local does; members of structs; names on lines below an #if that is not of CONFIG_
symbols alone; files that their makefiles do not list in plain words, or that other files include; names that a
header holds for anything else than a member.
"""

from __future__ import annotations

from collections.abc import Iterator

from checkseries.facts.answer import Possible
from checkseries.facts.c_argument import alone, given_at_file_scope
from checkseries.facts.c_decl import arch_of, kernel_source
from checkseries.facts.c_given import made
from checkseries.facts.c_mention import mentions
from checkseries.facts.c_text import code, place
from checkseries.facts.kbuild import NOT_BUILT, built, defines
from checkseries.facts.kconfig import model
from checkseries.facts.presence import NEVER, every, kconfig, presence_of, some
from checkseries.facts.reach import in_c
from checkseries.facts.shortfall import from_outside, kind, shortfall, unsure
from checkseries.judge.history import History
from checkseries.judge.mentioned import newly_mentioned
from checkseries.judge.rule import Subject, bad, counted, good, rule
from checkseries.judge.witness import config
from checkseries.model import Confidence, Finding, Place, Severity, Undecided, Verdict
from checkseries.tree import Snapshot

_MOST = 40  # names that one patch gives to macros


def values(history: History, arch: str) -> Iterator[Subject]:
    """The names that some use of a file takes for more than a function to call or a word of its functions."""
    yield from _given(history, arch)
    for subject in newly_mentioned(history, arch):
        data = history.last.peek(subject.detail[0])
        # what Kconfig gives is another rule's: config-in-c-expression
        if data is not None and not subject.name.startswith("CONFIG_") and _judged(data, subject.name):
            yield subject


def _given(history: History, arch: str) -> Iterator[Subject]:
    """The names that added lines give to macros at file scope, and that the file has for nothing else."""
    for step, path in history.touched(".c"):
        data, added = step.after.peek(path), step.added.get(path)
        if data is None or not added or not kernel_source(path) or (arch_of(path) or arch) != arch:
            continue
        source = code(data)
        names = [each.name for each in given_at_file_scope(data) if source.line(each.at) in added]
        for name in dict.fromkeys(names[:_MOST]):
            if alone(step.after, path, arch, name):
                yield Subject(name, arch, (path, "given"))


def _judged(data: bytes, name: str) -> bool:
    return any(not each.called and (not each.function or not name.islower()) for each in mentions(data, name))


@rule(
    "use-before-patch",
    severity=Severity.ERROR,
    confidence=Confidence.HIGH,
    since="0.1",
    subjects=values,
    summary=counted("names that nothing may declare"),
    per_arch=True,
)
def check(tree: Snapshot, subject: Subject) -> Iterator[Verdict]:
    """One verdict a name that no header of the tree declares."""
    path, *given = subject.detail
    if given:
        yield from _unknown(tree, path, subject.name, subject.arch)
        return
    if not _judged(tree.read(path) or b"", subject.name):
        return
    short = shortfall(tree, path, subject.name, subject.arch)
    if short is None or short.under != NEVER or kind(tree, subject.name, short):
        return
    doubt = short.doubt or _doubt(tree, path, subject.name, subject.arch)
    if doubt:
        yield Undecided(short.place, doubt)
        return
    yield _finding(
        short.place, subject.name, short.used(subject.name), short.arch, short.witness, short.profile
    )


def _finding(
    where: Place, name: str, used: str, arch: str, witness: tuple[str, ...], profile: str
) -> Finding:
    return Finding(
        rule="use-before-patch",
        severity=Severity.ERROR,
        confidence=Confidence.HIGH,
        place=where,
        subject=name,
        message=f"{used}, but neither the file nor any header declares it",
        archs=(arch,),
        witness=config(witness, arch),
        profile=profile,
    )


def _unknown(tree: Snapshot, path: str, name: str, arch: str) -> Iterator[Verdict]:
    """The verdict on a name that a macro at file scope is given."""
    data = tree.read(path) or b""
    built_ = built(tree, path, arch)
    if built_ == NOT_BUILT or not alone(tree, path, arch, name):
        return
    source = code(data)
    (site, *_) = (each for each in given_at_file_scope(data) if each.name == name)
    where = place(source, path, site.at)
    condition = every((some((built_.inside, built_.module)), in_c(presence_of(data).at(where.line))))
    doubt = (
        unsure(tree, path, name, arch, condition, whole=True)
        or from_outside(tree, path, name, arch)
        or _doubt(tree, path, name, arch)
    )
    text = kconfig(condition)
    if doubt or text is None:
        yield Undecided(where, doubt or "whether this is built is not known")
        return
    kernel = model(tree, arch)
    match kernel.satisfiable(text):
        case Possible(witness=witness):
            used = f"{name} is given to {site.macro}()"
            yield _finding(where, name, used, arch, witness, kernel.profile)


def _doubt(tree: Snapshot, path: str, name: str, arch: str) -> str:
    """Why something that is no header may give a name, or nothing."""
    if name in defines(tree, path.rpartition("/")[0], arch):
        return f"a makefile defines {name}"
    return made(tree, name)


_KCONFIG = 'source "arch/$(SRCARCH)/Kconfig"\nconfig PARK\n\tbool "park"\n'
_PLAIN = "#include <linux/park.h>\nint go(int cpu)\n{\n\treturn cpu == PARK_ALL;\n}\n"
_USE = _PLAIN.replace("PARK_ALL", "PARK_DEEP")
_HEADER = "enum park { PARK_ALL = 1 };\nstruct park_ops { int (*enter)(int cpu); };\n"
_TABLE = _PLAIN + "static const struct park_ops ops = {\n\t.enter = park_enter,\n};\n"
_MACROS = (
    "#define __PARK_HOOK(name, fn) static int (*const __hook_##name)(int) = fn\n"
    "#define PARK_HOOK(fn) __PARK_HOOK(fn, fn)\n#define PARK_LIST(name) static struct park_ops name\n"
    "#define PARK_TEXT(name) static const char text_##name[] = #name\n"
)
_HOOKED = {"d/park.c": _PLAIN + "\nPARK_HOOK(park_enter);\n"}
_BASE = {
    "Kconfig": _KCONFIG,
    "Makefile": "drivers-y += d/\n",
    "arch/x86/Kconfig": "config X86\n\tdef_bool y\n",
    "d/Makefile": "obj-$(CONFIG_PARK) += park.o\n",
    "d/park.c": _PLAIN,
    "include/linux/park.h": _HEADER + _MACROS,
}
_DEEP = {"include/linux/park.h": _HEADER.replace("= 1", "= 1, PARK_DEEP") + _MACROS}

EXAMPLES = (
    bad("an enumerator that the next patch adds", _BASE, {"d/park.c": _USE}, _DEEP, finds=("1 d/park.c:4",)),
    bad("a constant that is defined nowhere", _BASE, {"d/park.c": _USE}, finds=("1 d/park.c:4",)),
    bad("a callback that is defined nowhere", _BASE, {"d/park.c": _TABLE}, finds=("1 d/park.c:7",)),
    bad("what a macro at file scope uses", _BASE, _HOOKED, finds=("1 d/park.c:7",)),
    good(
        "what a macro at file scope declares, or makes a text",
        _BASE,
        {"d/park.c": _PLAIN + "PARK_LIST(park_all);\nPARK_TEXT(park_all);\n"},
    ),
    good(
        "what a macro uses is defined below",
        _BASE,
        {"d/park.c": _HOOKED["d/park.c"] + "int park_enter(int cpu)\n{\n\treturn cpu;\n}\n"},
    ),
    good(
        "what Kconfig gives",
        {**_BASE, "Kconfig": _KCONFIG + "config PARK_DEEP\n\tint\n\tdefault 3 if PARK\n"},
        {"d/park.c": _PLAIN.replace("PARK_ALL", "CONFIG_PARK_DEEP")},
    ),
    good("almost: the patch adds it itself", _BASE, {"d/park.c": _USE, **_DEEP}),
    good("the patch before adds it", _BASE, _DEEP, {"d/park.c": _USE}),
    good(
        "the makefile defines it",
        _BASE,
        {"d/park.c": _USE, "d/Makefile": _BASE["d/Makefile"] + "ccflags-y += -DPARK_DEEP=2\n"},
    ),
    good(
        "a macro puts the name together",
        {**_BASE, "include/linux/park.h": _HEADER + "#define PARKS(x) enum x { PARK_##x }\nPARKS(DEEP);\n"},
        {"d/park.c": _USE},
    ),
    good("undeclared before, and still", {**_BASE, "d/park.c": _USE}, {"d/park.c": "\n" + _USE}),
)
