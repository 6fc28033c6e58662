"""The toolchain that a Kconfig model assumes, since none is ever started.

Kconfig asks the compiler, the assembler and the linker through ``$(shell,...)``. A model answers those
questions from a profile, one of a few: what it can compute (``test``, ``set --``, ``expr``) it computes, versions
come from the profile, a probe of an option is y unless the profile is known to refuse it. What is left is
answered by nothing and reported (``Answer.known``).
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace

MAX_COMMAND = 8000
"""Characters of a command that is looked into."""

_TOOLS = {
    "RUSTC": "rustc",
    "BINDGEN": "bindgen",
    "PAHOLE": "pahole",
    "PYTHON3": "python3",
    "CLANG_FLAGS": "",
    "USERCFLAGS": "",
    "USERLDFLAGS": "",
    "CROSS_COMPILE_COMPAT": "",
    "RUSTC_VERSION_TEXT": "",
    "KERNELVERSION": "0.0.0",
    "srctree": ".",
}
"""What every profile exports alike."""
_GNU = {"CC": "gcc", "LD": "ld", "AR": "ar", "NM": "nm", "OBJCOPY": "objcopy"}
_LLVM = {"CC": "clang", "LD": "ld.lld", "AR": "llvm-ar", "NM": "llvm-nm", "OBJCOPY": "llvm-objcopy"}

_NO_RUST = {"rustc-version.sh": "0", "rustc-llvm-version.sh": "0"}


@dataclass(frozen=True, slots=True)
class Profile:
    """One toolchain: what it calls itself, and what it refuses."""

    name: str
    """As ``--toolchain`` has it."""
    text: str
    """What the answers are modelled on; findings that rest on a model name it."""
    tools: Mapping[str, str]
    """The variables that the top Makefile exports for it."""
    scripts: Mapping[str, str]
    """What the version scripts below ``scripts/`` print."""
    refused: re.Pattern[str]
    """Options that the compiler does not know."""
    only: Mapping[str, frozenset[str]]
    """Options that it has on some arches only."""
    assembler: re.Pattern[str]
    """Instructions and directives that the assembler does not know."""
    linker: re.Pattern[str]
    """Options that the linker does not know."""
    plugins: str = ""
    """Where the plugins of the compiler are; empty if it has none."""


_NOT_GCC = r"""
      -mllvm\b | -enable-trivial-auto-var-init | -fbasic-block-sections | -falloc-token
    | -fsanitize=(?:kcfi|kernel-memory|array-bounds|local-bounds|unsigned-integer-overflow|implicit-) | -fsanitize-kcfi
    | -fsanitize-(?:cfi|ignorelist|undefined-ignore|coverage-stack-depth|memory|recover=local) | -fexperimental
    | -frandomize-layout-seed-file | -fms-anonymous-structs | -Wunreachable-code-fallthrough
    | -mstack-protector-guard-record | -m(?:arch|tune)=z17 | -march=\S*_zicfi
"""
"""Options of clang, and of later releases of gcc than 14."""


def _options(*patterns: str) -> re.Pattern[str]:
    return re.compile(rf"(?:^|\s)(?:{'|'.join(patterns)})", re.VERBOSE)


GCC = Profile(
    name="gcc",
    text="gcc 14.2, binutils 2.43, pahole 1.27, no rust",
    tools={**_GNU, "CC_VERSION_TEXT": "gcc (GCC) 14.2.0", "PAHOLE_VERSION": "127"},
    scripts={
        "cc-version.sh": "GCC 140200",
        "gcc-version.sh": "140200",
        "clang-version.sh": "0",
        "lld-version.sh": "0",
        "as-version.sh": "GNU 24300",
        "ld-version.sh": "BFD 24300",
        "pahole-version.sh": "127",
        **_NO_RUST,
    },
    refused=_options(_NOT_GCC),
    only={
        "-fsanitize=shadow-call-stack": frozenset({"arm64"}),
        "-fsanitize=kernel-hwaddress": frozenset({"arm64", "riscv", "x86"}),
    },
    assembler=re.compile(r"\.arch_extension lsui"),  # new in binutils 2.45
    linker=re.compile(r"(?!)"),
    plugins="/usr/lib/gcc/14/plugin",
)
"""What is assumed unless another profile is asked for."""

GCC_OLD = Profile(
    name="gcc-old",
    text="gcc 8.1, binutils 2.30, no pahole, no rust",
    tools={**_GNU, "CC_VERSION_TEXT": "gcc (GCC) 8.1.0", "PAHOLE_VERSION": "0"},
    scripts={
        "cc-version.sh": "GCC 80100",
        "gcc-version.sh": "80100",
        "clang-version.sh": "0",
        "lld-version.sh": "0",
        "as-version.sh": "GNU 23000",
        "ld-version.sh": "BFD 23000",
        "pahole-version.sh": "0",
        **_NO_RUST,
    },
    refused=_options(
        _NOT_GCC,
        r"-fmin-function-alignment | -finline-stringops | -ftrivial-auto-var-init | -fzero-call-used-regs"
        r"| -fstrict-flex-arrays | -mharden-sls | -mbranch-protection | -mannotate-tablejump | -gz=zstd",
        r"--param\s+(?:tsan-|asan-kernel-mem-intrinsic) | -fsanitize=(?:kernel-hwaddress|shadow-call-stack)",
        r"-mcpu=power10 | -mtune=power10 | -m(?:arch|tune)=z1[56] | -march=rv\d+(?:ima_z|imv)",
        r"-mstack-protector-guard=(?:sysreg|tls\s+-mstack-protector-guard-reg=tp) | -mtp=cp15\s+-mstack-protector",
        r"-Wa,(?:-march=armv8\.5|-mthin-add-sub)",
    ),
    only={},
    assembler=re.compile(
        r"\.arch_extension (?:lsui|mops|sme)|armv8\.5|cfi_negate_ra_state|\.option arch|\.insn 0x"
        r"|R_RISCV_SET_ULEB128|hvcl|movfcsr2gr|movscr2gr|sc\.q|x?vld |pcalau12i"
    ),
    linker=re.compile(r"zstd|--no-relax-gp"),
    plugins="/usr/lib/gcc/8/plugin",
)
"""The oldest that the kernel takes (``Documentation/process/changes.rst``)."""

CLANG = Profile(
    name="clang",
    text="clang 19.1, lld 19.1, integrated assembler, pahole 1.27, no rust",
    tools={**_LLVM, "CC_VERSION_TEXT": "clang version 19.1.0", "PAHOLE_VERSION": "127"},
    scripts={
        "cc-version.sh": "Clang 190100",
        "gcc-version.sh": "40201",
        "clang-version.sh": "190100",
        "lld-version.sh": "190100",
        "as-version.sh": "LLVM 190100",
        "ld-version.sh": "LLD 190100",
        "pahole-version.sh": "127",
        **_NO_RUST,
    },
    refused=_options(
        r"-Wimplicit-fallthrough=5 | -fmin-function-alignment | -finline-stringops | -fsanitize=bounds-strict",
        r"--param\b | -mindirect-branch-register | -fsanitize=kcfi\s+-fsanitize-kcfi-arity | -falloc-token",
        r"-fms-anonymous-structs | -fsanitize-undefined-ignore-overflow-pattern | -fsanitize-coverage-stack-depth",
        r"-mrecord-mcount | -m(?:thunk|indirect-branch)=",
        r"-mstack-protector-guard-record | -m(?:arch|tune)=z17 | -mannotate-tablejump | -Wa,-mthin-add-sub",
    ),
    only={
        "-fsanitize=shadow-call-stack": frozenset({"arm64", "riscv"}),
        "-fsanitize=kernel-hwaddress": frozenset({"arm64", "riscv", "x86"}),
        "-fsanitize=kcfi": frozenset({"arm", "arm64", "riscv", "x86"}),
        "-fsanitize=kernel-memory": frozenset({"s390", "x86"}),
    },
    assembler=re.compile(r"\.arch_extension lsui"),
    linker=re.compile(r"(?!)"),
)
"""Clang with all of its own tools (``LLVM=1``)."""

ANY = replace(GCC, name="any", text="any toolchain, whatever it answers")
"""No toolchain in particular: see :mod:`free`. What is not left free is as gcc's."""

PROFILES: Mapping[str, Profile] = {each.name: each for each in (GCC, GCC_OLD, CLANG, ANY)}

PROFILE = GCC.text
"""What is assumed unless another profile is asked for, in words."""

_BITS = {
    "-m64": frozenset({"powerpc", "s390", "sparc", "um", "x86"}),
    "-m32": frozenset({"powerpc", "sparc", "um", "x86"}),
}
"""The arches whose gcc has the option."""

PROBE = re.compile(r'\{ (.*); \} >/dev/null 2>&1 && echo "([^"]*)" \|\| echo "([^"]*)"\Z', re.DOTALL)
_SCRIPT = re.compile(r"\S*/scripts/([a-z0-9_-]+\.sh)(?: .*)?\Z")
_WORD = re.compile(r"set -- (.*) && echo \$([1-9])\Z")
_DIVISION = re.compile(r"expr ([0-9]{1,18}) / ([1-9][0-9]{0,17})\Z")
_COMPILED = re.compile(r"(?:gcc|clang) -Werror (.*)-c -x c /dev/null -o \S+\Z", re.DOTALL)
_BIT = re.compile(r"(?:gcc|clang) -Werror (-m\w+) -E -x c /dev/null -o /dev/null\Z")
_RUST = re.compile(r"\brustc\b|\bbindgen\b|rust_is_available\.sh")
_FROM_LLVM = re.compile(r"\S+ --(?:help|version) \| head -n ?1 \| grep -q(i|v|iv|vi) llvm\Z")
_ECHOED = re.compile(r"echo ([^|;&`]*) \| grep -q ([\w-]+)\Z")
_LINKER = re.compile(r"\S+ -v \| (?:head -n 1 \| )?grep -q (gold|LLD)\Z")
_ASSEMBLED = re.compile(
    r'printf "%b\\n" "(.*)" \| (?:gcc|clang) .*-x assembler(?:-with-cpp)? -o /dev/null -\Z', re.DOTALL
)
_LINKED = re.compile(r"ld(?:\.lld)? -v .*\Z")
_LINKS = re.compile(r"\S*/scripts/cc-can-link\.sh .*\Z")


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
    profile: Profile = GCC

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables that the top Makefile exports to Kconfig; there are no others."""
        subarch = "x86" if self.arch == "um" else self.arch
        return {
            **_TOOLS,
            **self.profile.tools,
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
        probe = PROBE.match(command)
        if probe:
            answer = self._succeeds(probe[1].strip()) if len(command) <= MAX_COMMAND else None
            return Answer(probe[3] if answer is False else probe[2], answer is not None)
        printed = self._prints(command.strip()) if len(command) <= MAX_COMMAND else None
        return Answer(printed or "", printed is not None)

    def _prints(self, command: str) -> str | None:
        if match := _SCRIPT.match(command):
            return self.profile.scripts.get(match[1])
        if match := _WORD.match(command):
            words = match[1].split()
            return words[int(match[2]) - 1] if int(match[2]) <= len(words) else ""
        if match := _DIVISION.match(command):
            return str(int(match[1]) // int(match[2]))
        if re.match(r"(?:bindgen|rustc) --version\b", command):
            return ""
        if re.fullmatch(r"\S+ --version \| \S*/scripts/ld-version\.sh", command):
            kind, _, version = self.profile.scripts["ld-version.sh"].partition(" ")
            return f"{version}0000" if kind == "BFD" else "0"  # before 5.13: 24300 was 243000000
        compiler = self.profile.tools["CC"]
        if command == f"{compiler} -print-file-name=plugin":
            return self.profile.plugins or "plugin"  # what is not found prints as it was asked
        if command == f"echo __XTENSA_EB__ | {compiler} -E -P -":
            return "__XTENSA_EB__"  # little endian: the macro is not defined
        if command == f"echo __XTENSA_CALL0_ABI__ | {compiler} -mabi=call0 -E -P - 2>/dev/null":
            return "1"
        return None

    def _succeeds(self, command: str) -> bool | None:
        if command.startswith("test "):
            return _test(command, self.profile.plugins)
        if _RUST.search(command):
            return False
        if re.match(r"command -v \S+\Z", command):
            return True
        if match := _ECHOED.match(command):
            return match[2] in match[1]
        if match := _LINKER.match(command):
            return match[1] == "LLD" and self.profile.tools["LD"] == "ld.lld"
        if match := _FROM_LLVM.match(command):
            return ("v" in match[1]) != command.startswith("llvm-")
        if match := _BIT.match(command):
            return self.arch in _BITS.get(match[1], frozenset())
        if match := _COMPILED.search(command):
            return self._accepts(match[1])
        if match := _ASSEMBLED.match(command):
            return not self.profile.assembler.search(match[1])
        if _LINKED.match(command):
            return not self.profile.linker.search(command)
        if _LINKS.match(command):
            return True
        return None

    def _accepts(self, flags: str) -> bool:
        if self.profile.refused.search(flags):
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
        return all(self.arch in archs for flag, archs in self.profile.only.items() if flag in flags)


def _test(command: str, plugins: str) -> bool | None:
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
        case ["-e", path] if plugins and path.startswith(plugins + "/"):
            return True
        case ["-e", path] if not plugins and path.startswith("plugin/"):
            return False
    return None
