"""What a makefile has built must have a source.

Why: make stops with "No rule to make target" for an object that no source makes, and for a directory without a
makefile. A series makes it when the line for the makefile comes a patch before the file, when a file is left out of
the mail, or when one is renamed.

Not found: objects whose name is computed, or that any other line of their makefile speaks of; programs for the
host; lists other than ``obj-``, ``lib-`` and those of the objects in them; makefiles that include others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from checkseries.facts.answer import Possible
from checkseries.facts.c_decl import HOST_PROGRAMS, arch_of
from checkseries.facts.include import joined
from checkseries.facts.kbuild import NOT_BUILT, Entry, built, descended, entries, makefile
from checkseries.facts.kconfig import archs, model
from checkseries.facts.places import line_place
from checkseries.facts.presence import NEVER, Expression, kconfig, some
from checkseries.judge.history import History
from checkseries.judge.rule import Subject, bad, counted, good, no_words, rule
from checkseries.judge.witness import config
from checkseries.model import Confidence, Finding, Held, Place, Severity, Undecided, Verdict
from checkseries.tree import Snapshot

_MAKEFILES = ("Makefile", "Kbuild")
_SOURCES = (
    ".c",
    ".S",
    ".rs",
    ".s",
    ".asn1",
    ".c_shipped",
    ".S_shipped",
    ".o_shipped",
    ".y",
    ".l",
    ".dts",
    ".dtso",
)
_PLAIN = re.compile(r"(?:\.\./)*[\w+-]+(?:/[\w+-]+)*(?:\.o|/)", re.ASCII)
_OWN = re.compile(r"(.+)-(?:y|m|objs|\$[({]CONFIG_\w+[)}])", re.ASCII)
_OTHER_RULES = re.compile(r"%\.[coS]\b|^[ \t]*-?include\b|\$\((?:eval|call)\b", re.MULTILINE)
_ALL = ("x86", "arm64", "riscv", "mips")
_MOST = 100  # objects of one series


def named(history: History, _arch: str) -> Iterator[Subject]:
    """The objects and directories that makefiles newly name, and those whose file goes."""
    found: dict[Subject, None] = {}
    for step in history.steps:
        for path in step.touched:
            directory, _, name = path.rpartition("/")
            if path.startswith(HOST_PROGRAMS):
                continue
            if name in _MAKEFILES and step.after.peek(path) is not None:
                old = {word for entry in entries(step.before, path) for word in entry.words}
                for entry in entries(step.after, path):
                    found.update(
                        (Subject(word, "", (path,)), None) for word in entry.words if word not in old
                    )
            elif path.endswith((".c", ".S")) and step.after.peek(path) is None:
                by = makefile(step.after, directory)
                if by is not None:
                    found[Subject(f"{name.rpartition('.')[0]}.o", "", (by,))] = None
    yield from [each for each in found if _PLAIN.fullmatch(each.name)][:_MOST]


@rule(
    "missing-source",
    severity=Severity.ERROR,
    confidence=Confidence.HIGH,
    since="0.1",
    subjects=named,
    words=no_words,
    summary=counted("objects that makefiles name"),
)
def check(tree: Snapshot, subject: Subject) -> Iterator[Verdict]:
    """One verdict an object or directory."""
    (path,) = subject.detail
    word = subject.name
    text = tree.text(path)
    if text is None or not _listed(entries(tree, path), word):
        return
    where = _place(tree, path, text, word)
    target = joined(path.rpartition("/")[0], word.removesuffix(".o").rstrip("/"))
    if target is None:
        return
    if word.endswith("/"):
        if makefile(tree, target) is not None:
            yield Held(where, f"{word} has a makefile")
            return
        what = f"{target} has no makefile"
    else:
        if any(tree.exists(target + each) for each in _SOURCES) or _composite(entries(tree, path), word):
            yield Held(where, f"there is a source of {word}")
            return
        what = f"there is no {target}.c"
    if _OTHER_RULES.search(text) or _spoken_of(text, word):
        yield Undecided(where, f"{path} may say how {word} is made")
        return
    yield from _judged(tree, where, word, target, what)


def _listed(found: tuple[Entry, ...], word: str) -> bool:
    """Whether a list of what is built holds a word: ``obj-``, ``lib-``, or one of an object in such a list."""
    heads = {own[1] for each in found if word in each.words and (own := _OWN.fullmatch(each.list))}
    return bool(heads & {"obj", "lib"}) or any(
        f"{head}.o" in each.words and each.list.startswith(("obj-", "lib-"))
        for head in heads
        for each in found
    )


def _composite(found: tuple[Entry, ...], word: str) -> bool:
    """Whether an object is put together from others."""
    stem = word.removesuffix(".o")
    return any(each.list.startswith(f"{stem}-") for each in found)


def _spoken_of(text: str, word: str) -> bool:
    """Whether a makefile has a word for more than its lists: a rule, say, that makes it."""
    stem = re.escape(word.removesuffix(".o").rstrip("/").rpartition("/")[2])
    return re.search(rf"(?<![\w-]){stem}(?!(?:\.o|/)?(?:\s|\\|$))", text, re.ASCII) is not None


def _place(tree: Snapshot, path: str, text: str, word: str) -> Place:
    at = re.search(rf"(?<![\w/-]){re.escape(word)}(?=\s|\\|$)", text)
    return line_place(tree, path, text.count("\n", 0, at.start()) + 1 if at else 1)


def _judged(tree: Snapshot, where: Place, word: str, target: str, what: str) -> Iterator[Verdict]:
    only = arch_of(where.path)
    for arch in (only,) if only else [each for each in _ALL if each in archs(tree)]:
        text = kconfig(_when(tree, word, target, arch))
        if text is None:
            continue
        kernel = model(tree, arch)
        match kernel.satisfiable(text):
            case Possible(witness=witness):
                yield Finding(
                    rule="missing-source",
                    severity=Severity.ERROR,
                    confidence=Confidence.HIGH,
                    place=where,
                    subject=word,
                    message=f"{word} is to be built, but {what}: make stops",
                    archs=(only,) if only else (),
                    witness=config(witness, arch),
                    profile=kernel.profile,
                )
                return
    yield Undecided(where, f"when {word} is built is not known")


def _when(tree: Snapshot, word: str, target: str, arch: str) -> Expression:
    """When make wants an object, or what is in a directory."""
    found = descended(tree, target, arch) if word.endswith("/") else built(tree, f"{target}.c", arch)
    return NEVER if found == NOT_BUILT else some((found.inside, found.module))


_KCONFIG = 'source "arch/$(SRCARCH)/Kconfig"\nconfig PARK\n\tbool "park"\n'
_BASE = {
    "Kconfig": _KCONFIG,
    "Makefile": "drivers-y += d/\n",
    "arch/x86/Kconfig": "config X86\n\tdef_bool y\n",
    "d/Makefile": "obj-$(CONFIG_PARK) += park.o\n",
    "d/park.c": "int park;\n",
}
_MORE = {"d/Makefile": "obj-$(CONFIG_PARK) += park.o parks.o\n"}

EXAMPLES = (
    bad(
        "the source comes a patch later",
        _BASE,
        _MORE,
        {"d/parks.c": "int parks;\n"},
        finds=("1 d/Makefile:1",),
    ),
    bad("a source goes", _BASE, {"d/park.c": None}, finds=("1 d/Makefile:1",)),
    bad(
        "a directory without a makefile",
        _BASE,
        {"d/Makefile": "obj-$(CONFIG_PARK) += park.o sub/\n"},
        finds=("1 d/Makefile:1",),
    ),
    bad(
        "a part of a composite",
        _BASE,
        {"d/Makefile": "obj-$(CONFIG_PARK) += park.o all.o\nall-y += one.o\n"},
        finds=("1 d/Makefile:2",),
    ),
    good("almost: the same patch brings it", _BASE, {**_MORE, "d/parks.c": "int parks;\n"}),
    good("assembly", _BASE, {**_MORE, "d/parks.S": "nop\n"}),
    good("a composite", _BASE, {"d/Makefile": "obj-$(CONFIG_PARK) += parks.o\nparks-y := park.o\n"}),
    good(
        "the makefile makes it",
        _BASE,
        {"d/Makefile": _MORE["d/Makefile"] + "$(obj)/parks.c: $(src)/make-parks\n\t$(call cmd,parks)\n"},
    ),
    good(
        "an option that nothing defines",
        _BASE,
        {"d/Makefile": _BASE["d/Makefile"] + "obj-$(CONFIG_PARKS) += parks.o\n"},
    ),
    good(
        "no source before, and still", {**_BASE, **_MORE}, {"d/Makefile": "# parks\n" + _MORE["d/Makefile"]}
    ),
)
