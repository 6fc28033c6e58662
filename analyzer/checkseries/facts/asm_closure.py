"""What an assembly file can see: macros, defines and constants of itself and of all it includes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from checkseries.facts.asm_condition import Assumption, Guard
from checkseries.facts.asm_constant import Measure, asm_constants, constants_in
from checkseries.facts.asm_pointer import pointers
from checkseries.facts.asm_text import Define, Include, Line, Macro, Source, asm_source, statements
from checkseries.tree import Snapshot, fact

MOST_FILES = 600
MOST_ROUNDS = 64


_GIVEN: Mapping[str, Assumption] = {
    "x86": {
        "defined(CONFIG_X86_64)": True, "defined(CONFIG_X86_32)": False, "defined(CONFIG_64BIT)": True,
        "defined(__x86_64__)": True, "defined(__i386__)": False,
    },
    "mips": {
        "defined(CONFIG_64BIT)": True, "defined(CONFIG_32BIT)": False, "defined(__mips64)": True,
        "_MIPS_SIM == _MIPS_SIM_ABI64": True, "_MIPS_SIM == _MIPS_SIM_ABI32": False, "_MIPS_SIM == _MIPS_SIM_NABI32": False,
        "_MIPS_SIM != _MIPS_SIM_ABI64": False,
        **{f"{what} == {bits}": (bits == 64) != (what == "_MIPS_SZINT") for what in ("_MIPS_SZPTR", "_MIPS_SZLONG", "_MIPS_SZINT") for bits in (32, 64)},
    },
    "riscv": {
        "defined(CONFIG_64BIT)": True, "defined(CONFIG_32BIT)": False, "__riscv_xlen == 64": True,
        "__riscv_xlen == 32": False, "__riscv_xlen < 64": False, "__SIZEOF_POINTER__ == 8": True,
        "__SIZEOF_POINTER__ == 4": False, "__SIZEOF_INT__ == 4": True, "__SIZEOF_SHORT__ == 2": True,
    },
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Closure:
    """A file and its headers, by name; several definitions of one name each have their conditions."""

    tree: Snapshot = field(repr=False, compare=False)
    arch: str
    main: Source
    macros: Mapping[str, tuple[Macro, ...]]
    defines: Mapping[str, tuple[Define, ...]]
    aliases: Mapping[str, str]
    constants: Mapping[str, str]
    settings: Mapping[str, str]
    """What ``.set`` and ``.equ`` give outside of functions, if they give a name one thing only."""
    naming: Mapping[str, frozenset[str]]
    """Word -> the macros, of the assembler or the preprocessor, whose text has it."""
    pointers: Mapping[str, str]
    """The registers that always point to a structure."""
    measurer: Measure | None
    why: str = ""

    @property
    def given(self) -> Assumption:
        """What the conditions of the architecture say where it has 64 bits: the only way in which it is read."""
        return _GIVEN.get(self.arch, {})

    def define(self, name: str) -> tuple[Define, ...]:
        """All definitions of a macro of the preprocessor, an ``#undef`` being one without a body."""
        return self.defines.get(name, ())

    def measure(self, expression: str) -> int | None:
        """The value of a ``sizeof`` or ``offsetof``, None without somebody who measures C."""
        return None if self.measurer is None else self.measurer(self.tree, self.arch, expression)


def arch_of(path: str) -> str:
    """The architecture that a path belongs to (``arch/arm64/...``); empty for none."""
    match = re.match(r"arch/([\w-]+)/", path)
    return match.group(1) if match else ""


def includes(tree: Snapshot, path: str, arch: str, include: Include) -> str | None:
    """The path of an included file, searched as the kernel's Makefile orders it; None if there is none."""
    places = [f"arch/{arch}/include/", "include/", f"arch/{arch}/include/uapi/", "include/uapi/"]
    if include.quoted:
        places.insert(0, path.rpartition("/")[0] + "/")
    names = [place + include.name for place in places]
    if include.name.startswith("asm/"):
        names.append("include/asm-generic/" + include.name.removeprefix("asm/"))
    for name in names:
        parts = name.split("/")
        while ".." in parts[1:]:
            at = parts.index("..", 1)
            del parts[at - 1 : at + 1]
        if ".." not in parts and tree.exists("/".join(parts)):
            return "/".join(parts)
    return None


@fact
def asm_closure(tree: Snapshot, path: str, arch: str) -> tuple[tuple[str, tuple[Guard, ...]], ...]:
    """The files that an assembly file includes, itself first, each with the conditions it is included under."""
    seen: dict[str, tuple[Guard, ...]] = {path: ()}
    waiting = [path]
    while waiting and len(seen) <= MOST_FILES:
        here = waiting.pop(0)
        source = asm_source(tree, here)
        if source is None:
            continue
        for include in source.includes:
            target = includes(tree, here, arch, include)
            if target is None:
                continue
            guards = (*seen[here], *include.guards)
            if target not in seen:
                seen[target] = guards
                waiting.append(target)
            elif seen[target] != guards:
                # Reached in two ways: its conditions are taken away, never its definitions.
                seen[target] = ()
    return tuple(seen.items())


@fact
def constants_for(tree: Snapshot, path: str) -> Mapping[str, str]:
    """The C expressions that an assembly file has names for.

    Those of asm-offsets.c, and of each ``x.c`` beside it or one directory up whose ``x.h`` it includes and the tree
    has not: the build makes that one of it.
    """
    arch = arch_of(path)
    found = dict(asm_constants(tree, arch)) if arch else {}
    source = asm_source(tree, path)
    here = path.rpartition("/")[0]
    for include in source.includes if source is not None else ():
        if not include.quoted or "/" in include.name or not include.name.endswith(".h"):
            continue
        for directory in (here, here.rpartition("/")[0]):  # a makefile may name the one above with -I
            if tree.exists(f"{directory}/{include.name}"):
                break
            for name, each in constants_in(tree, f"{directory}/{include.name[:-2]}.c").items():
                if found.setdefault(name, each) != each:
                    found[name] = ""
    return MappingProxyType({name: each for name, each in found.items() if each})


def closure(tree: Snapshot, path: str, measurer: Measure | None) -> Closure | None:
    """Everything that an assembly file can see; None if there is no such file."""
    seen = _seen(tree, path)
    arch = arch_of(path)
    return (
        None
        if seen is None
        else Closure(
            tree,
            arch,
            seen.main,
            seen.macros,
            seen.defines,
            seen.aliases,
            constants_for(tree, path),
            seen.settings,
            seen.naming,
            pointers(tree, arch),
            measurer,
            seen.why,
        )
    )


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the files of a closure say, whoever measures C."""

    main: Source
    macros: Mapping[str, tuple[Macro, ...]]
    defines: Mapping[str, tuple[Define, ...]]
    aliases: Mapping[str, str]
    settings: Mapping[str, str]
    naming: Mapping[str, frozenset[str]]
    why: str


@fact(keep=2)
def _seen(tree: Snapshot, path: str) -> _Seen | None:
    main = asm_source(tree, path)
    if main is None:
        return None
    arch = arch_of(path)
    macros: dict[str, list[Macro]] = {}
    defines: dict[str, list[Define]] = {}
    settings: list[str] = []
    inside: list[str] = []
    files = asm_closure(tree, path, arch)
    why = main.why or (f"it includes more than {MOST_FILES} files" if len(files) > MOST_FILES else "")
    for name, guards in files:
        source = asm_source(tree, name)
        if source is None:
            continue
        for macro in source.macros:
            macros.setdefault(macro.name, []).append(replace(macro, guards=(*guards, *macro.guards)))
        for define in source.defines:
            defines.setdefault(define.name, []).append(replace(define, guards=(*guards, *define.guards)))
        settings += _settled(source.lines)
        inside += [text for macro in source.macros for text in _settled(macro.body)]
    return _Seen(
        main,
        {name: tuple(each) for name, each in macros.items()},
        {name: tuple(each) for name, each in defines.items()},
        _aliases(settings),
        _settings(settings, inside),
        _naming(macros, defines),
        why,
    )


def _naming(
    macros: Mapping[str, list[Macro]], defines: Mapping[str, list[Define]]
) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for name, some in macros.items():
        for macro in some:
            for line in macro.body:
                for word in TOKEN.findall(line.text):
                    found.setdefault(word, set()).add(name)
    for name, several in defines.items():
        for each in several:
            for word in TOKEN.findall(each.body or ""):
                found.setdefault(word, set()).add(name)
    return {word: frozenset(names) for word, names in found.items()}


TOKEN = re.compile(r"[A-Za-z_.][\w.$]*")
"""A word, without the "$" that begins an immediate of x86."""
_SETTING = re.compile(
    r"\s*(\.irp\b|\.endr\b|\.equi?v?\b|\.set\b|[\w.\\$()@]+\s*(\.req\b|=(?!=)))", re.IGNORECASE
)
_SET = re.compile(
    r"\s*(?:\.(?:set|equ|equiv)\s+([\w.$\\()@]+)\s*,|([\w.$\\()@]+)\s*=(?!=))\s*([^;]*)\Z",
    re.IGNORECASE | re.DOTALL,
)
_IRP = re.compile(r"\s*\.irp\s+(\w+)\s*,\s*(.*)\Z", re.DOTALL | re.IGNORECASE)
_ALIAS = re.compile(r"\s*([\w.$]+)\s+\.req\s+([\w.$]+)\s*\Z", re.IGNORECASE)


def _settled(lines: tuple[Line, ...]) -> list[str]:
    """The statements that give a name a value or a register, and the ``.irp`` around them."""
    return [each for line in lines for each in statements(line.text) if _SETTING.match(each)]


def _aliases(lines: list[str]) -> dict[str, str]:
    """The register names that ``.req`` gives, plainly or once for each value of an ``.irp``."""
    pairs: list[tuple[str, str]] = []
    rounds: tuple[str, list[str]] | None = None
    for line in lines:
        if match := _IRP.match(line):
            rounds = (match.group(1), [each.strip() for each in match.group(2).split(",")][:MOST_ROUNDS])
        elif line.strip().lower() == ".endr":
            rounds = None
        else:
            name, values = rounds or ("", [""])
            for value in values:
                text = line.replace(f"\\{name}", value) if name else line
                if alias := _ALIAS.match(text):
                    pairs.append((alias.group(1).lower(), alias.group(2).lower()))
    return _single(pairs)


def _settings(lines: list[str], inside: list[str]) -> dict[str, str]:
    """The names that are set to one thing only, and that no macro may set when it is expanded."""
    plain = _single(
        [
            (match.group(1) or match.group(2), match.group(3).strip())
            for line in lines
            if (match := _SET.match(line))
        ]
    )
    if not plain:
        return plain
    named = {match.group(1) or match.group(2) for line in inside if (match := _SET.match(line))}
    made = [re.sub(r"\\\\(?:\\(\\)|[\w@]*)", "[\\\\w.$]*", re.escape(name)) for name in named if "\\" in name]
    any_of = re.compile("|".join(made)) if made else None
    return {
        name: each
        for name, each in plain.items()
        if name not in named and not (any_of and any_of.fullmatch(name))
    }


def _single(pairs: list[tuple[str, str]]) -> dict[str, str]:
    """The pairs as a mapping, without names that stand for two things: which one holds depends on the place."""
    found: dict[str, str] = {}
    clashing: set[str] = set()
    for name, each in pairs:
        if found.setdefault(name, each) != each:
            clashing.add(name)
    return {name: each for name, each in found.items() if name not in clashing}
