"""The toolchain that a Kconfig model assumes, since none is ever started.

Kconfig asks the compiler, the assembler and the linker through ``$(shell,...)``. A model answers those
questions from a fixed profile: what it can compute (``test``, ``set --``, ``expr``) it computes, versions
come from the profile, a probe of an option is y unless the profile is known to refuse it. What is left is
answered by nothing and reported (``Answer.known``).
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass

PROFILE = "gcc 14.2, binutils 2.43, pahole 1.27, no rust"
"""What the answers are modelled on; findings that rest on a model name it."""

MAX_COMMAND = 8000
"""Characters of a command that is looked into."""

_TOOLS = {
    "CC": "gcc",
    "LD": "ld",
    "AR": "ar",
    "NM": "nm",
    "OBJCOPY": "objcopy",
    "RUSTC": "rustc",
    "BINDGEN": "bindgen",
    "PAHOLE": "pahole",
    "PYTHON3": "python3",
    "CLANG_FLAGS": "",
    "USERCFLAGS": "",
    "USERLDFLAGS": "",
    "CROSS_COMPILE_COMPAT": "",
    "CC_VERSION_TEXT": "gcc (GCC) 14.2.0",
    "RUSTC_VERSION_TEXT": "",
    "PAHOLE_VERSION": "127",
    "KERNELVERSION": "0.0.0",
    "srctree": ".",
}

_SCRIPTS = {
    "cc-version.sh": "GCC 140200",
    "as-version.sh": "GNU 24300",
    "ld-version.sh": "BFD 24300",
    "pahole-version.sh": "127",
    "rustc-version.sh": "0",
    "rustc-llvm-version.sh": "0",
}
"""What the version scripts below ``scripts/`` print."""

_REFUSED = re.compile(
    r"""(?:^|\s)(?:
      -mllvm\b | -enable-trivial-auto-var-init | -fbasic-block-sections | -falloc-token
    | -fsanitize=(?:kcfi|kernel-memory|array-bounds|local-bounds|unsigned-integer-overflow|implicit-) | -fsanitize-kcfi
    | -fsanitize-(?:cfi|ignorelist|undefined-ignore|coverage-stack-depth|memory|recover=local) | -fexperimental
    | -frandomize-layout-seed-file | -fms-anonymous-structs | -Wunreachable-code-fallthrough
    | -mstack-protector-guard-record | -m(?:arch|tune)=z17 | -march=\S*_zicfi
    )""",
    re.VERBOSE,
)
"""Options that gcc 14 does not know: those of clang, and those of later releases of gcc."""

_BITS = {
    "-m64": frozenset({"powerpc", "s390", "sparc", "um", "x86"}),
    "-m32": frozenset({"powerpc", "sparc", "um", "x86"}),
}
"""The arches whose gcc has the option."""

_ONLY = {
    "-fsanitize=shadow-call-stack": frozenset({"arm64"}),
    "-fsanitize=kernel-hwaddress": frozenset({"arm64", "riscv", "x86"}),
}
"""Sanitizers that gcc has on some arches."""

_PROBE = re.compile(r'\{ (.*); \} >/dev/null 2>&1 && echo "([^"]*)" \|\| echo "([^"]*)"\Z', re.DOTALL)
_SCRIPT = re.compile(r"\S*/scripts/([a-z0-9_-]+\.sh)(?: .*)?\Z")
_WORD = re.compile(r"set -- (.*) && echo \$([1-9])\Z")
_DIVISION = re.compile(r"expr ([0-9]{1,18}) / ([1-9][0-9]{0,17})\Z")
_COMPILED = re.compile(r"gcc -Werror (.*)-c -x c /dev/null -o \S+\Z", re.DOTALL)
_BIT = re.compile(r"gcc -Werror (-m\w+) -E -x c /dev/null -o /dev/null\Z")
_RUST = re.compile(r"\brustc\b|\bbindgen\b|rust_is_available\.sh")
_LLVM = re.compile(r"\S+ --(?:help|version) \| head -n ?1 \| grep -q(i|v|iv|vi) llvm\Z")
_ASSEMBLED = re.compile(r'printf "%b\\n" "(.*)" \| gcc .*-x assembler-with-cpp -o /dev/null -\Z', re.DOTALL)
_LINKED = re.compile(r"ld -v .*\Z")
_LINKS = re.compile(r"\S*/scripts/cc-can-link\.sh .*\Z")
_PLUGINS = "/usr/lib/gcc/14/plugin"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command prints under the profile."""

    output: str
    known: bool
    """False if nothing is known of the command, and the output is a mere assumption."""


@dataclass(frozen=True, slots=True)
class Toolchain:
    """The modelled toolchain for one directory below ``arch/``."""

    arch: str

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables that the top Makefile exports to Kconfig; there are no others."""
        subarch = "x86" if self.arch == "um" else self.arch
        return {
            **_TOOLS,
            "ARCH": self.arch,
            "SRCARCH": self.arch,
            "SUBARCH": subarch,
            "HEADER_ARCH": subarch,
        }

    def answer(self, command: str) -> Answer:
        """What a ``$(shell,...)`` prints.

        A command that only asks for success (``$(success,...)`` and all that is made from it) yields one of
        its two echoes: an unknown one is taken to succeed.
        """
        probe = _PROBE.match(command)
        if probe:
            answer = self._succeeds(probe[1].strip()) if len(command) <= MAX_COMMAND else None
            return Answer(probe[3] if answer is False else probe[2], answer is not None)
        printed = self._prints(command.strip()) if len(command) <= MAX_COMMAND else None
        return Answer(printed or "", printed is not None)

    def _prints(self, command: str) -> str | None:
        if match := _SCRIPT.match(command):
            return _SCRIPTS.get(match[1])
        if match := _WORD.match(command):
            words = match[1].split()
            return words[int(match[2]) - 1] if int(match[2]) <= len(words) else ""
        if match := _DIVISION.match(command):
            return str(int(match[1]) // int(match[2]))
        if re.match(r"bindgen --version\b", command):
            return ""
        if command == "gcc -print-file-name=plugin":
            return _PLUGINS
        if command == "echo __XTENSA_EB__ | gcc -E -P -":
            return "__XTENSA_EB__"  # little endian: the macro is not defined
        if command == "echo __XTENSA_CALL0_ABI__ | gcc -mabi=call0 -E -P - 2>/dev/null":
            return "1"
        return None

    def _succeeds(self, command: str) -> bool | None:
        if command.startswith("test "):
            return _test(command)
        if _RUST.search(command):
            return False
        if re.match(r"command -v \S+\Z", command):
            return True
        if match := _LLVM.match(command):
            return "v" in match[1]
        if match := _BIT.match(command):
            return self.arch in _BITS.get(match[1], frozenset())
        if match := _COMPILED.search(command):
            return self._accepts(match[1])
        if match := _ASSEMBLED.match(command):
            return ".arch_extension lsui" not in match[1]  # new in binutils 2.45
        if _LINKED.match(command) or _LINKS.match(command):
            return True
        return None

    def _accepts(self, flags: str) -> bool:
        if _REFUSED.search(flags):
            return False
        if "-D__SIZEOF_INT128__=0" in flags:
            # A redefinition of what a 64-bit gcc predefines: with -Werror it fails there, and only there.
            return self.arch in (
                "arc",
                "csky",
                "hexagon",
                "m68k",
                "microblaze",
                "nios2",
                "openrisc",
                "sh",
                "xtensa",
            )
        return all(self.arch in archs for flag, archs in _ONLY.items() if flag in flags)


def _test(command: str) -> bool | None:
    try:
        words = shlex.split(command)[1:]
    except ValueError:
        return None
    match words:
        case ["-z", value]:
            return value == ""
        case ["-n", value]:
            return value != ""
        case [left, "=", right]:
            return left == right
        case [left, "!=", right]:
            return left != right
        case ["-e", path] if path.startswith(_PLUGINS + "/"):
            return True
    return None
