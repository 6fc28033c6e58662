"""A symbol that Kconfig, C, assembly or a makefile asks for must be defined by some Kconfig file.

Why: an undefined symbol is silently n. The select does nothing, the dependency can never be met, the code under
its #ifdef is never built, and nothing warns.

Severity: an error where the name is selected, or is one slip of the finger from a defined one; else a warning,
since another series may define it. A defconfig that sets such a symbol breaks nothing: a warning where it is
such a slip, else a note.

Not found: lines of defconfigs that the series does not add; symbols in Rust (.rs) and in device trees (.dts, .dtsi); names that macros put together; names that are defined, but for no
architecture that could reach the place. Documentation/, tools/ and scripts/ are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from checkseries.facts.config_use import (
    asks_config,
    config_definitions,
    config_settings,
    config_uses,
    sets_config,
)
from checkseries.facts.kconfig.entries import entries
from checkseries.facts.kconfig.lexical import defined, definitions, paths, references, spelt
from checkseries.facts.near import nearest
from checkseries.facts.places import line_place
from checkseries.judge.history import History
from checkseries.judge.rule import Subject, bad, good, rule, some, told
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

_SETS = "="
"""The keyword that stands for a line of a defconfig."""


def asked_symbols(history: History, _arch: str) -> Iterator[tuple[str, bool]]:
    """The names that added lines ask for, and those whose last definition the series may remove.

    With each whether a suffix ``_MODULE`` can be another symbol's: in C and makefiles, not in Kconfig.
    """
    for step in history.steps:
        before, after = paths(step.before), paths(step.after)
        for path in step.touched:
            fresh = step.added.get(path, frozenset())
            if path in after:
                yield from ((each.name, False) for each in references(step.after, path) if each.line in fresh)
            elif asks_config(path):
                yield from ((each.name, True) for each in config_uses(step.after, path) if each.line in fresh)
            elif sets_config(path):
                yield from (
                    (each.name, False) for each in config_settings(step.after, path) if each.line in fresh
                )
            if path in before:
                left = {each.name for each in defined(step.after, path)} if path in after else set()
                yield from (
                    (each.name, True) for each in defined(step.before, path) if each.name not in left | {""}
                )


def may_be_undefined(history: History, asked: Iterable[tuple[str, bool]]) -> Iterator[Subject]:
    """Their subjects, without the names that every snapshot defines: nothing of them needs to be searched for."""
    seen = set()
    known = [definitions(snapshot) for snapshot in history.snapshots]
    for name, suffixed in asked:
        other = name.removesuffix("_MODULE") if suffixed else name
        if name not in seen and not all(name in each or other in each for each in known):
            seen.add(name)
            yield Subject(name, detail=_setting(history, name))


def _setting(history: History, name: str) -> tuple[str, ...]:
    """The defconfigs to which the series adds a line that sets a symbol."""
    found: dict[str, None] = {}
    for step in history.steps:
        for path in filter(sets_config, step.touched):
            fresh = step.added.get(path, frozenset())
            if any(each.name == name and each.line in fresh for each in config_settings(step.after, path)):
                found[path] = None
    return tuple(found)


def words(subject: Subject) -> tuple[str, ...]:
    """The two ways to write a symbol."""
    return (subject.name, f"CONFIG_{subject.name}")


def summary(holds: int, broken: int, unknown: int) -> str:
    """``3 uses of names new to the tree, all defined``."""
    total = holds + broken + unknown
    if holds == total:
        return f"{some(total, 'use')} of symbols that the series brings in or removes, all defined"
    counts = told((holds, "defined"), (broken, "not"), (unknown, "unknown"))
    return f"{some(total, 'use')} of symbols that the series brings in or removes: {counts}"


@rule(
    "undefined-symbol",
    severity=Severity.ERROR,
    confidence=Confidence.HIGH,
    since="0.1",
    subjects=lambda history, arch: may_be_undefined(history, asked_symbols(history, arch)),
    words=words,
    summary=summary,
)
def check(tree: Snapshot, subject: Subject) -> Iterator[Verdict]:
    """One verdict a mention of the symbol."""
    known = definitions(tree)
    name = subject.name
    sites = tuple(_sites(tree, name, subject.detail))
    if name in known:
        yield from (Held(place, f"{name} is defined") for place, _ in sites)
        return
    if name.removesuffix("_MODULE") in known:
        yield from (Held(place, f"{name} is defined") for place, keyword in sites if not keyword)
        sites = tuple((place, keyword) for place, keyword in sites if keyword)
    for path in tree.grep(f"CONFIG_{name}"):
        if name in config_definitions(tree, path):
            yield from (
                Undecided(place, f"{path} gives CONFIG_{name} a meaning of its own") for place, _ in sites
            )
            return
    if spelt(tree):
        path, line = spelt(tree)[0]
        yield from (
            Undecided(place, f"{path}:{line} defines a symbol whose name a macro spells")
            for place, _ in sites
        )
        return
    meant = nearest(name, known)
    for place, keyword in sites:
        if keyword == "default" and _no_logical(tree, place.symbol):
            yield Undecided(place, f"{name} is a symbol or a text: {place.symbol} can be set to either")
        else:
            yield _finding(tree, name, meant, place, keyword)


def _no_logical(tree: Snapshot, symbol: str) -> bool:
    """Whether any entry of a symbol makes it a string or a number: a word in its default may be meant as such."""
    said = (
        line for path, _ in definitions(tree).get(symbol, ()) for line in entries(tree, path).get(symbol, ())
    )
    return any(line.partition(" ")[0] in {"string", "int", "hex"} for line in said)


def _finding(tree: Snapshot, name: str, meant: str | None, place: Place, keyword: str) -> Finding:
    hint = f"; did you mean {meant}?" if meant else ""
    effect = {
        "select": "the select does nothing",
        "imply": "the imply does nothing",
        "depends": "the dependency is always n",
        _SETS: "the line sets nothing",
        "": "it is never set",
    }.get(keyword, "it is always n")
    related: tuple[Related, ...] = ()
    if meant:
        path, line = definitions(tree)[meant][0]
        related = (Related(line_place(tree, path, line, meant), f"{meant} is defined here"),)
    return Finding(
        rule="undefined-symbol",
        severity=_severity(keyword, slip=meant is not None),
        confidence=Confidence.HIGH if meant else Confidence.MEDIUM,
        place=place,
        subject=name,
        message=f"no Kconfig file defines {name}: {effect}{hint}",
        archs=_archs(place.path),
        related=related,
        witness=Witness(
            WitnessKind.SITE,
            (f"{len(paths(tree))} Kconfig files of all architectures read; none has config {name}",),
        ),
    )


def _severity(keyword: str, *, slip: bool) -> Severity:
    if keyword == _SETS:
        return Severity.WARNING if slip else Severity.NOTE
    return Severity.ERROR if slip or keyword == "select" else Severity.WARNING


def _archs(path: str) -> tuple[str, ...]:
    parts = path.split("/")
    return (parts[1],) if parts[0] == "arch" and len(parts) > 2 else ()


def _sites(tree: Snapshot, name: str, defconfigs: Iterable[str]) -> Iterator[tuple[Place, str]]:
    """Every mention: the place and the Kconfig keyword, "" outside of Kconfig; of defconfigs only those named."""
    for path in defconfigs:
        for use in config_settings(tree, path):
            if use.name == name:
                yield line_place(tree, path, use.line, ""), _SETS
    kconfigs = frozenset(paths(tree))
    for path in tree.grep(name):
        if path in kconfigs:
            for each in references(tree, path):
                if each.name == name:
                    yield line_place(tree, path, each.line, each.entry, each.column), each.keyword
    for path in tree.grep(f"CONFIG_{name}"):
        for use in config_uses(tree, path):
            if use.name == name:
                yield line_place(tree, path, use.line, "", use.column), ""


_KCONFIG = 'config HOTPLUG_PARALLEL\n\tbool\n\nconfig SMP\n\tbool "SMP"\n'
_CODE = "#ifdef CONFIG_HOTPLUG_PARALLEL\nint parallel;\n#endif\n"
_BASE = {"Kconfig": _KCONFIG, "cpu.c": _CODE}

EXAMPLES = (
    bad(
        "a misspelt select",
        _BASE,
        {"Kconfig": _KCONFIG + "\tselect HOTPLUG_PARALLLEL\n"},
        finds=("1 Kconfig:6",),
    ),
    bad("a misspelt #ifdef", _BASE, {"cpu.c": _CODE.replace("PARALLEL", "PARALEL")}, finds=("1 cpu.c:1",)),
    bad(
        "the definition goes, a user stays",
        _BASE,
        {"Kconfig": _KCONFIG[_KCONFIG.index("config SMP") :]},
        finds=("1 cpu.c:1",),
    ),
    bad(
        "defined by a later patch only",
        {"Kconfig": 'config SMP\n\tbool "SMP"\n'},
        {"Kconfig": 'config SMP\n\tbool "SMP"\n\tselect HOTPLUG_CORE if 64BIT\n\nconfig 64BIT\n\tbool\n'},
        {
            "Kconfig": 'config SMP\n\tbool "SMP"\n\tselect HOTPLUG_CORE if 64BIT\n\nconfig 64BIT\n\tbool\n\nconfig HOTPLUG_CORE\n\tbool\n'
        },
        finds=("1 Kconfig:3",),
    ),
    bad(
        "an object in a makefile",
        {**_BASE, "Makefile": "obj-y += cpu.o\n"},
        {"Makefile": "obj-$(CONFIG_SMPP_BOOT) += cpu.o\n"},
        finds=("1 Makefile:1",),
    ),
    good(
        "defined on another architecture",
        {**_BASE, "arch/arm64/Kconfig": "config ARM64_PAN\n\tbool\n"},
        {"cpu.c": "#ifdef CONFIG_ARM64_PAN\n#endif\n"},
    ),
    good(
        "defined in the same patch",
        _BASE,
        {"Kconfig": _KCONFIG + "\nconfig SMT\n\tbool\n", "cpu.c": "#ifdef CONFIG_SMT\n#endif\n"},
    ),
    good(
        "a module's suffix",
        _BASE,
        {"cpu.c": "#if defined(CONFIG_SMP) || defined(CONFIG_SMP_MODULE)\n#endif\n"},
    ),
    bad(
        "a module's suffix in Kconfig",
        _BASE,
        {"Kconfig": _KCONFIG + "\tdepends on HOTPLUG_PARALLEL_MODULE\n"},
        finds=("1 Kconfig:6",),
    ),
    bad(
        "an #undef defines nothing",
        _BASE,
        {"cpu.c": "#ifdef CONFIG_MINE\n#endif\n", "other.c": "#undef CONFIG_MINE\n"},
        finds=("1 cpu.c:1", "1 other.c:1"),
    ),
    good(
        "an enumerator and a variable of that name",
        {**_BASE, "state.h": "enum state {\n\tCONFIG_STATE, /* configured */\n};\n"},
        {"cpu.c": "static int CONFIG_MINE;\nint f(void)\n{\n\treturn CONFIG_STATE + CONFIG_MINE;\n}\n"},
    ),
    good(
        "a text as a default without quotes",
        _BASE,
        {"Kconfig": _KCONFIG + "\nconfig FORMAT\n\tstring\n\tdefault elf64 if SMP\n"},
    ),
    good(
        "an assembler's comment",
        _BASE,
        {"arch/arm/head.S": "#ifdef CONFIG_SMP\n\tmov r0, r1 @ CONFIG_NOWHERE\n#endif @ CONFIG_NOWHERE\n"},
    ),
    bad(
        "a new line of a defconfig",
        {**_BASE, "arch/x86/configs/x86_64_defconfig": "CONFIG_SMP=y\n"},
        {"arch/x86/configs/x86_64_defconfig": "CONFIG_SMP=y\nCONFIG_ROADS=y\n"},
        finds=("1 arch/x86/configs/x86_64_defconfig:2",),
    ),
    bad(
        "a slip in a fragment",
        _BASE,
        {"kernel/configs/small.config": "CONFIG_HOTPLUG_PARALLLEL=y\n"},
        finds=("1 kernel/configs/small.config:1",),
    ),
    good(
        "almost: a defconfig that leaves it unset",
        _BASE,
        {"arch/x86/configs/x86_64_defconfig": "CONFIG_SMP=y\n# CONFIG_ROADS is not set\n"},
    ),
    good(
        "a line of a defconfig that was there before",
        {**_BASE, "arch/x86/configs/x86_64_defconfig": "CONFIG_ROADS=y\n"},
        {"arch/x86/configs/x86_64_defconfig": "CONFIG_ROADS=y\nCONFIG_SMP=y\n"},
    ),
    good(
        "a driver whose defconfig comes with it",
        {**_BASE, "arch/x86/configs/x86_64_defconfig": "CONFIG_SMP=y\n"},
        {
            "Kconfig": _KCONFIG + "\nconfig ROADS\n\tbool\n",
            "arch/x86/configs/x86_64_defconfig": "CONFIG_SMP=y\nCONFIG_ROADS=y\n",
        },
    ),
    good(
        "only a comment, a string, a help text",
        _BASE,
        {
            "cpu.c": '/* CONFIG_NOWHERE */\nchar *s = "CONFIG_NOWHERE"; // CONFIG_NOWHERE\n',
            "Kconfig": _KCONFIG + "\thelp\n\t  select NOWHERE\n",
        },
    ),
    good(
        "a name that the file itself defines",
        _BASE,
        {"cpu.c": "#define CONFIG_MINE 1\n#ifdef CONFIG_MINE\n#endif\n"},
    ),
    good(
        "undefined before as well",
        {**_BASE, "cpu.c": "#ifdef CONFIG_GONE_ALREADY\n#endif\n"},
        {"cpu.c": "int x;\n#ifdef CONFIG_GONE_ALREADY\n#endif\n"},
    ),
)
