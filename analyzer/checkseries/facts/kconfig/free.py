"""A toolchain of which nothing is assumed: what it would answer is left free, so that a proof holds for any.

Each answer that decides something becomes a symbol that a user could set, named after what was asked. It starts
from what the usual profile says; a witness names only the answers that have to be others, as comments.

What is proved impossible is so with every compiler, assembler and linker that the kernel takes. What is possible
may need answers that no toolchain gives together (an option of gcc's and one of clang's): nothing is said of how
answers hang together, but that a compiler is gcc or clang, and not older than the kernel takes. What is no y or n and
no version keeps the profile's answer: flags that are passed on to other commands, paths, texts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from checkseries.facts.kconfig.symbol import NO, YES, Default, Expr, Not, Prompt, Range, Symbol, Type
from checkseries.facts.kconfig.toolchain import PROBE, Answer, Toolchain

PREFIX = "toolchain-"
"""What the names of free answers begin with: with a hyphen, as no symbol of a kernel is spelt."""
MAX_FREE = 2000
"""Answers that are left free; 7.2 asks for about 100 on an arch."""

_NAME = re.compile(rf"{PREFIX}[A-Za-z0-9-]+", re.ASCII)
_KINDS = {
    "cc-version.sh": ("GCC", "Clang"),
    "as-version.sh": ("GNU", "LLVM"),
    "ld-version.sh": ("BFD", "LLD"),
}
"""The two names that a version script can print."""
_OLDEST = {"GCC": 50100, "Clang": 100001, "GNU": 22500, "LLVM": 100001, "BFD": 22300, "LLD": 100001}
"""The oldest versions that any kernel since 5.4 takes."""
_ALONE = {
    "rustc-version.sh",
    "rustc-llvm-version.sh",
    "pahole-version.sh",
    "gcc-version.sh",
    "clang-version.sh",
    "lld-version.sh",
}
"""Version scripts that print a number alone, 0 for a tool that is not there; some are those of older kernels."""
_NEWEST = 999_999_999
_LONGEST = 100  # characters of a command that are told
_SCRIPT = re.compile(r"\S*/scripts/([a-z0-9_-]+\.sh)(?: .*)?\Z")
_OLD_LINKER = re.compile(r"\S+ --version \| \S*/scripts/ld-version\.sh")
_TEST = re.compile(rf'test "({PREFIX}[a-z]+-name)" = (\w+)\Z')
_DIVISION = re.compile(rf"expr ({PREFIX}[a-z-]+) / (10000)\Z")
_ASKED = re.compile(
    r"-Werror\s+(.*?)\s+(?:-c|-E) -x c /dev/null|ld(?:\.lld)? -v (.*)|printf \"%b\\n\" \"(.*)\" \|"
)


@dataclass(frozen=True, slots=True)
class Free:
    """An answer that is left free."""

    said: str
    """What was asked, for people."""
    type: Type
    usual: str
    """What the profile answers."""
    opposite: str = ""
    """The free answer that it is the negation of; then it is not free itself."""
    kinds: tuple[str, str, str] | None = None
    """For a version: the free answer that tells two kinds of a tool apart, and their names."""


@dataclass(frozen=True)
class FreeToolchain(Toolchain):
    """The toolchain of one parse, which notes what it was asked."""

    free: dict[str, Free] = field(default_factory=dict)
    """By the name that stands for the answer."""
    _known: dict[str, str] = field(default_factory=dict)
    """The names by what was asked."""

    @property
    def environment(self) -> Mapping[str, str]:
        """As for any toolchain, but with the version of pahole left free."""
        usual = super().environment
        name = self._version("pahole-version", usual["PAHOLE_VERSION"])
        return {**usual, "PAHOLE_VERSION": name}

    def answer(self, command: str) -> Answer:
        """The name of a free answer where one can be free, else what the profile says."""
        usual = super().answer(command)
        if len(self.free) >= MAX_FREE:
            return usual
        command = command.strip()
        if script := _SCRIPT.match(command):
            return self._script(script[1], usual)
        if _OLD_LINKER.fullmatch(command):
            return Answer(self._version("ld-version", usual.output or "0"), known=True)
        if division := _DIVISION.match(command):
            return self._divided(division[1], int(division[2]), usual)
        probe = PROBE.match(command)
        if probe is None or {probe[2], probe[3]} != {"y", "n"}:
            return usual
        asked = probe[1].strip()
        of_texts = asked.startswith("test ") and not asked.startswith("test -e ")
        if of_texts and usual.known and PREFIX not in asked:
            return usual
        kind = _TEST.match(asked)
        if kind is not None:
            name = self._kind(kind[1].removeprefix(PREFIX).removesuffix("-name"), kind[2])
        else:
            name = self._probe(asked, succeeds=usual.output == probe[2])
        return Answer(self._not(name) if probe[2] == "n" else name, known=True)

    def _not(self, name: str) -> str:
        """The negation of a free answer."""
        if name == "n":
            return "y"
        opposite = f"{name}-not"
        said = f"not: {self.free[name].said}"
        self.free.setdefault(opposite, Free(said, Type.BOOL, "n", opposite=name))
        return opposite

    def _script(self, script: str, usual: Answer) -> Answer:
        if script in _ALONE:
            return Answer(self._version(script.removesuffix(".sh"), usual.output or "0"), known=True)
        kinds = _KINDS.get(script)
        if kinds is None:
            return usual
        tool = script[:2]
        first, number = usual.output.split()
        name = f"{PREFIX}{tool}-is-{kinds[0]}"
        self.free.setdefault(
            name,
            Free(f"{script} says {kinds[0]}, not {kinds[1]}", Type.BOOL, "y" if first == kinds[0] else "n"),
        )
        version = self._version(f"{tool}-version", number, (name, *kinds))
        return Answer(f"{PREFIX}{tool}-name {version}", known=True)

    def _version(self, what: str, usual: str, kinds: tuple[str, str, str] | None = None) -> str:
        name = f"{PREFIX}{what}"
        self.free.setdefault(name, Free(what, Type.INT, usual, kinds=kinds))
        return name

    def _divided(self, name: str, by: int, usual: Answer) -> Answer:
        """The first part of a version; how it hangs together with the version is not said."""
        of = self.free.get(name)
        if of is None or of.type is not Type.INT:
            return usual
        return Answer(
            self._version(f"{name.removeprefix(PREFIX)}-by-{by}", str(int(of.usual) // by)), known=True
        )

    def _kind(self, tool: str, kind: str) -> str:
        """Whether a tool is of a kind: the free answer that tells, or its negation."""
        first, second = _KINDS.get(f"{tool}-version.sh", ("", ""))
        name = f"{PREFIX}{tool}-is-{first}"
        if name not in self.free or kind not in (first, second):
            return "n"
        return name if kind == first else self._not(name)

    def _probe(self, asked: str, *, succeeds: bool) -> str:
        known = self._known.get(asked)
        if known is None:
            found = _ASKED.search(asked)
            words = next((each for each in found.groups() if each), asked) if found else asked
            spelt = re.sub(r"[^A-Za-z0-9]+", "-", words)[:40].strip("-") or "probe"
            known = f"{PREFIX}{spelt}"
            while known in self.free:
                known = f"{PREFIX}{spelt}-{len(self.free)}"
            self._known[asked] = known
            said = " ".join(words.split())
            said = said if len(said) <= _LONGEST else f"{said[:_LONGEST]}..."
            self.free[known] = Free(said, Type.BOOL, "y" if succeeds else "n")
        return known


def usual(text: str, free: Mapping[str, Free]) -> str:
    """A text in which free answers stand among other words, with the usual ones in their place."""
    return _NAME.sub(lambda match: free[match[0]].usual if match[0] in free else match[0], text)


def told(free: Free, value: str) -> str:
    """The line of a witness that says what a toolchain has to answer."""
    if free.type is Type.INT:
        return f"# toolchain: {free.said} is {value}"
    return f"# toolchain: {'yes' if value == 'y' else 'no'}: {free.said}"


def define(symbol: Symbol, free: Free, other: Symbol | None) -> None:
    """Make the symbol of a free answer one that a user could set, or the negation of another one."""
    symbol.type = free.type
    symbol.places.append(("toolchain", 0))
    if other is not None and free.opposite:
        symbol.defaults.append(Default(Not(other), None))
        return
    symbol.prompts.append(Prompt(free.said, None))
    if free.type is Type.INT:
        symbol.defaults.append(Default(_number(free.usual), None))
        if free.kinds is not None:
            _, first, second = free.kinds
            symbol.ranges.append(Range(_number(str(_OLDEST[first])), _number(str(_NEWEST)), other))
            symbol.ranges.append(Range(_number(str(_OLDEST[second])), _number(str(_NEWEST)), None))
        else:
            symbol.ranges.append(Range(_number("0"), _number(str(_NEWEST)), None))
    else:
        usual: Expr = YES if free.usual == "y" else NO
        symbol.defaults.append(Default(usual, None))


def _number(text: str) -> Symbol:
    return Symbol(text, constant=True)
