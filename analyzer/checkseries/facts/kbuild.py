"""Which objects are built when: what the makefiles of Kbuild say of one source file.

A makefile is read as lists of words under conditions, never run: ``obj-$(CONFIG_X) += a.o dir/``, ``lib-y``,
composites (``foo-y``, ``foo-objs``, ``foo-$(CONFIG_Y)``), ``ifeq``, ``ifdef`` and variables that hold names.
The condition of a file is that of its object and of every directory above it (scripts/Makefile.build,
scripts/Makefile.lib). Only the makefiles above the file are read.

Limits: what a make function computes is opaque, or not seen at all; ``:=`` adds as ``+=`` does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from checkseries.facts.presence import (
    ALWAYS,
    NEVER,
    Expression,
    Opaque,
    Option,
    answered,
    contrary,
    every,
    held,
    some,
)
from checkseries.tree import Snapshot, fact

_DEFINES = re.compile(r"-D[ \t]*([A-Za-z_]\w*)", re.ASCII)
_LARGEST = 512 << 10  # bytes of a makefile; the top one of the kernel has 80 KiB
_DEEPEST = 6  # variables and composites within each other
_MOST = 16  # entries that name one object

_ASSIGN = re.compile(
    r"[ ]*(?:export[ ]+)?((?:\$\([^()]*(?:\([^()]*\)[^()]*)?\)|[^\s:=+?#])++)[ \t]*((?:\+|:{1,3}|\?)?=)(.*)"
)
_CONDITIONAL = re.compile(r"[ \t]*(ifeq|ifneq|ifdef|ifndef|else|endif)\b[ \t]*(.*)")
_CONFIG = r"\$[({]CONFIG_(\w+)[)}]"
_LIST = re.compile(rf"(.+?)-(?:(y|m|objs)|{_CONFIG}|\$\(subst m,[ ]?y,{_CONFIG}\))")
_OPERANDS = re.compile(r"\((.*),([^,()]*)\)[ \t]*$|[\"'](.*)[\"'][ \t]+[\"'](.*)[\"'][ \t]*$")
_FILTER = re.compile(r"\$\(filter[ \t]+([ym ]+),([^()]*(?:\$\(CONFIG_\w+\)[^()]*)+)\)")
_UNSET = frozenset(("KBUILD_EXTMOD", "need-sub-make", "mixed-build", "config-build"))
"""Variables of the top Makefile that are empty where it comes to the kernel's own directories."""
_ARCH = re.compile(r"\$[({](ARCH|SRCARCH)[)}] = (\w+)")
_MANY_NAMES = {
    "x86": ("x86", "i386"),
    "sparc": ("sparc",),
    "um": ("um",),
    "parisc": ("parisc",),
    "sh": ("sh",),
}
"""Architectures whose directory several values of ARCH name: SRCARCH of the top Makefile."""
_TOP_LISTS = frozenset(("obj", "lib", "libs", "core", "drivers", "virt", "extra", "always"))
_DIRECTORIES_ONLY = frozenset(("subdir",))


@dataclass(frozen=True, slots=True)
class Entry:
    """One assignment: the words that it adds to a list, and when."""

    list: str
    words: tuple[str, ...]
    condition: Expression
    anew: bool = False
    """What the list had before is dropped, not added to."""


@dataclass(frozen=True, slots=True)
class Built:
    """When an object is in the kernel itself, and when it is in a module."""

    inside: Expression
    module: Expression


NOT_BUILT = Built(NEVER, NEVER)


@fact
def entries(tree: Snapshot, path: str) -> tuple[Entry, ...]:
    """The assignments of one makefile in their order."""
    data = tree.read(path)
    if data is None or len(data) > _LARGEST:
        return ()
    return tuple(_entries(data.decode("latin-1")))


def _entries(text: str) -> Iterator[Entry]:
    for line, condition in _lines(text):
        if line.startswith("\t"):
            continue
        if match := _ASSIGN.match(line.split("#", 1)[0]):
            words = tuple(_words(match[3]))
            if words:
                anew = not match[2].startswith(("+", "?"))
                yield Entry(match[1], words, condition, anew)


def taken(text: str, values: Mapping[str, str]) -> Iterator[str]:
    """The lines of a makefile, continued ones as one, but those that a configuration surely leaves out.

    ``values`` pairs names without ``CONFIG_`` with their values.
    """

    def value(option: Option) -> bool | None:
        set_to = values.get(option.name, "n")
        return set_to == option.value if set_to in ("y", "m", "n") else None  # a text, or a number

    for line, condition in _lines(text):
        if held(condition, value) is not False:
            yield line


def _lines(text: str) -> Iterator[tuple[str, Expression]]:
    """The lines, and when each counts."""
    stack: list[tuple[Expression, Expression]] = []  # what holds here, and what no branch before has taken
    for line in re.sub(r"\\\r?\n", " ", text).split("\n"):
        if match := _CONDITIONAL.match(line.split("#", 1)[0]):
            word, rest = match[1], match[2].strip()
            if word == "endif":
                del stack[-1:]
            elif word == "else":
                if stack:
                    left = stack.pop()[1]
                    again = _CONDITIONAL.match(rest)
                    own = _condition(again[1], again[2].strip()) if again else ALWAYS
                    stack.append((every((left, own)), every((left, contrary(own)))))
            else:
                own = _condition(word, rest)
                stack.append((own, contrary(own)))
        else:
            yield line, every(tuple(each for each, _ in stack))


def _words(text: str) -> Iterator[str]:
    depth = 0
    word = ""
    for letter in text:
        depth += {"(": 1, "{": 1, ")": -1, "}": -1}.get(letter, 0)
        if letter.isspace() and depth <= 0:
            if word:
                yield word
            word = ""
        else:
            word += letter
    if word:
        yield word


def _condition(word: str, rest: str) -> Expression:
    if word in ("ifdef", "ifndef"):
        own = _set(rest.removeprefix("CONFIG_")) if rest.startswith("CONFIG_") else Opaque(rest)
        own = NEVER if rest in _UNSET else own
        return contrary(own) if word == "ifndef" else own
    match = _OPERANDS.match(rest)
    if not match:
        return Opaque(rest)
    left = (match[1] if match[1] is not None else match[3]).strip()
    right = (match[2] if match[2] is not None else match[4]).strip()
    own = _equal(left, right)
    return contrary(own) if word == "ifneq" else own


def _equal(left: str, right: str) -> Expression:
    """The condition that two texts are the same."""
    if left[2:-1] in _UNSET and left[:2] == "$(":
        return NEVER if right else ALWAYS
    if left == "$(KERNELRELEASE)" and not right:
        return NEVER
    names = re.findall(_CONFIG, left)
    if match := _FILTER.fullmatch(left):
        if set(re.sub(_CONFIG, "", match[2]).split()):
            return Opaque(left)
        found = some(tuple(Option(name, value) for name in names for value in match[1].split()))
        if not right:
            return contrary(found)
        return found if match[1].split() == [right] and len(names) == 1 else Opaque(f"{left} = {right}")
    if not names or re.sub(_CONFIG, "", left).strip():
        return Opaque(f"{left} = {right}")
    if not right:
        return every(tuple(contrary(_set(name)) for name in names))
    if len(right) == len(names) and set(right) <= {"y", "m"}:
        return every(tuple(Option(name, value) for name, value in zip(names, right, strict=True)))
    return Opaque(f"{left} = {right}")


def _set(name: str) -> Expression:
    return some((Option(name, "y"), Option(name, "m")))


# --- one object, one directory


def makefile(tree: Snapshot, directory: str) -> str | None:
    """The makefile that Kbuild reads in a directory: ``Kbuild`` before ``Makefile``."""
    found = (f"{directory}/{name}" if directory else name for name in ("Kbuild", "Makefile"))
    return next((path for path in found if tree.exists(path)), None)


def _read(tree: Snapshot, directory: str) -> tuple[Entry, ...]:
    """The entries that rule in a directory; below arch/ and at the top the Makefile has lists of its own."""
    path = makefile(tree, directory)
    found = entries(tree, path) if path else ()
    if path and path.endswith("Kbuild") and (not directory or re.fullmatch(r"arch/\w+", directory)):
        found += entries(tree, path.removesuffix("Kbuild") + "Makefile")
    return found


def _listed(tree: Snapshot, directory: str, arch: str, word: str, depth: int = 0) -> Built:
    """When a word is in a list of a directory's makefile that is built."""
    if depth > _DEEPEST:
        unknown = Opaque(f"{word} is nested too deep")
        return Built(unknown, unknown)
    inside: list[Expression] = []
    module: list[Expression] = []
    # The Makefile of an architecture names its directories as the top one would: arch/arm64/lib/.
    whole = f"{directory}/{word}" if directory.startswith("arch/") else word
    for entry in _read(tree, directory):
        words = [each.replace("$(SRCARCH)", arch).removeprefix("$(obj)/") for each in entry.words]
        if (word not in words and whole not in words) or word == f"$({entry.list})":
            continue  # ``a-y := b.o $(a-y)`` only puts b.o first
        if len(inside) >= _MOST:
            unknown = Opaque(f"{word} is in many lists")
            return Built(unknown, unknown)
        built = _entry(tree, directory, arch, entry, depth)
        here = _on(entry.condition, arch)
        inside.append(every((here, built.inside)))
        module.append(every((here, built.module)))
    return Built(some(tuple(inside)), some(tuple(module)))


def _on(of: Expression, arch: str) -> Expression:
    """A condition with what it asks of the architecture's name answered."""

    def answer(each: Opaque) -> Expression:
        asked = _ARCH.fullmatch(each.text)
        if asked is None:
            return each
        if asked[1] == "SRCARCH" or arch not in _MANY_NAMES:
            return ALWAYS if asked[2] == arch else NEVER
        return each if asked[2].startswith(_MANY_NAMES[arch]) else NEVER

    return answered(of, answer)


def _entry(tree: Snapshot, directory: str, arch: str, entry: Entry, depth: int) -> Built:
    """When the words of an entry are built, its own condition left aside."""
    by_variable = _listed(tree, directory, arch, f"$({entry.list})", depth + 1)
    match = _LIST.fullmatch(entry.list)
    if not match:
        return by_variable
    base, fixed, name, either = match.groups()
    if name or either:  # ``mmu-$(CONFIG_MMU) := a.o`` and then ``obj-y := $(mmu-y)``
        taken = _listed(tree, directory, arch, f"$({base}-y)", depth + 1)
        when = Option(name, "y") if name else _set(either)
        by_variable = Built(
            some((by_variable.inside, every((when, taken.inside)))),
            some((by_variable.module, every((when, taken.module)))),
        )
    yes = Option(name, "y") if name else _set(either) if either else ALWAYS if fixed != "m" else NEVER
    module = Option(name, "m") if name else ALWAYS if fixed == "m" else NEVER
    if base in _TOP_LISTS:
        own = Built(yes, module)
    elif base in _DIRECTORIES_ONLY:
        own = Built(NEVER, some((yes, module)))
    else:
        # Of a module foo-m counts as foo-y does: the suffixes of multi-search in scripts/Makefile.lib.
        whole = _listed(tree, directory, arch, f"{base}.o", depth + 1)
        own = Built(every((whole.inside, yes)), every((whole.module, some((yes, module)))))
    return Built(some((own.inside, by_variable.inside)), some((own.module, by_variable.module)))


@fact
def descended(tree: Snapshot, directory: str, arch: str) -> Built:
    """When Kbuild comes into a directory with what is built in (``inside``), and when for modules alone."""
    if not directory:
        return Built(ALWAYS, NEVER)
    parts = directory.split("/")
    inside: list[Expression] = []
    module: list[Expression] = []
    for number in range(len(parts) - 1, -1, -1):
        above = "/".join(parts[:number])
        if makefile(tree, above) is None:
            continue
        found = _listed(tree, above, arch, "/".join(parts[number:]) + "/")
        if found == NOT_BUILT:
            continue
        chain = descended(tree, above, arch)
        inside.append(every((chain.inside, found.inside)))
        module.append(every((some((chain.inside, chain.module)), found.module)))
        module.append(every((chain.module, found.inside)))
    return Built(some(tuple(inside)), some(tuple(module)))


@fact
def built(tree: Snapshot, path: str, arch: str) -> Built:
    """When the object of a source file is built on an arch; ``NOT_BUILT`` if no makefile is seen to name it.

    What is never built may have its name computed, or be included by another file: only a condition says much.
    """
    stem = path.rpartition(".")[0]
    parts = f"{stem}.o".split("/")
    if parts[0] == "arch" and parts[1] != arch:
        return NOT_BUILT
    inside: list[Expression] = []
    module: list[Expression] = []
    for number in range(len(parts) - 1, -1, -1):
        directory = "/".join(parts[:number])
        if makefile(tree, directory) is None:
            continue
        found = _listed(tree, directory, arch, "/".join(parts[number:]))
        if found == NOT_BUILT:
            continue
        chain = descended(tree, directory, arch)
        inside.append(every((chain.inside, found.inside)))
        module.append(every((some((chain.inside, chain.module)), found.module)))
    return Built(some(tuple(inside)), some(tuple(module)))


def library(tree: Snapshot, path: str) -> bool:
    """Whether an object is in an archive, of which the linker takes only what others need."""
    directory, _, name = path.rpartition("/")
    wanted = f"{name.rpartition('.')[0]}.o"
    return any(entry.list.startswith("lib-") and wanted in entry.words for entry in _read(tree, directory))


@fact
def defines(tree: Snapshot, directory: str, arch: str) -> frozenset[str]:
    """The macros that the makefiles of a directory, those above it and the architecture's define with ``-D``."""
    above = directory.split("/")
    folders = ["", "scripts", f"arch/{arch}"] + [
        "/".join(above[:depth]) for depth in range(1, len(above) + 1)
    ]
    found: set[str] = set()
    for folder in dict.fromkeys(folders):
        for name in ("Kbuild", "Makefile", "Makefile.lib"):
            text = tree.text(f"{folder}/{name}" if folder else name) or ""
            found.update(match[1] for match in _DEFINES.finditer(text[:_LARGEST]))
    return frozenset(found)


@fact
def sources_of(tree: Snapshot, directory: str, symbol: str) -> tuple[str, ...]:
    """The C files that a directory's own makefile builds for a symbol, parts of composites among them."""
    path = makefile(tree, directory)
    found = entries(tree, path) if path else ()
    wanted = [word for entry in found if f"CONFIG_{symbol})" in entry.list for word in entry.words]
    stems = tuple(f"{word.removesuffix('.o')}-" for word in wanted if word.endswith(".o"))
    wanted += [word for entry in found if stems and entry.list.startswith(stems) for word in entry.words]
    files = (f"{directory}/{word.removesuffix('.o')}.c".lstrip("/") for word in wanted if word.endswith(".o"))
    return tuple(file for file in dict.fromkeys(files) if tree.exists(file))
