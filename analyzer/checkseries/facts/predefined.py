"""The macros that gcc itself defines, as the kernel calls it, and how wide its types are.

Source: ``gcc -dM -E`` of gcc 12 with the kernel's flags (``-std=gnu11 -O2 -fshort-wchar -funsigned-char``, no
floating point); what the configuration decides is left to :func:`predefined`. Names that depend on options
that nobody here follows are in ``DOUBTFUL``: whether they are defined is not known.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from checkseries.facts.c_type import Abi

_COMMON = """
_LP64 1
__BIGGEST_ALIGNMENT__ 16
__BYTE_ORDER__ __ORDER_LITTLE_ENDIAN__
__CHAR16_TYPE__ short unsigned int
__CHAR32_TYPE__ unsigned int
__CHAR_BIT__ 8
__CHAR_UNSIGNED__ 1
__ELF__ 1
__FINITE_MATH_ONLY__ 0
__FLOAT_WORD_ORDER__ __ORDER_LITTLE_ENDIAN__
__INT16_C(c) c
__INT16_MAX__ 0x7fff
__INT16_TYPE__ short int
__INT32_C(c) c
__INT32_MAX__ 0x7fffffff
__INT32_TYPE__ int
__INT64_C(c) c ## L
__INT64_MAX__ 0x7fffffffffffffffL
__INT64_TYPE__ long int
__INT8_C(c) c
__INT8_MAX__ 0x7f
__INT8_TYPE__ signed char
__INTMAX_C(c) c ## L
__INTMAX_MAX__ 0x7fffffffffffffffL
__INTMAX_TYPE__ long int
__INTMAX_WIDTH__ 64
__INTPTR_MAX__ 0x7fffffffffffffffL
__INTPTR_TYPE__ long int
__INTPTR_WIDTH__ 64
__INT_MAX__ 0x7fffffff
__INT_WIDTH__ 32
__LONG_LONG_MAX__ 0x7fffffffffffffffLL
__LONG_LONG_WIDTH__ 64
__LONG_MAX__ 0x7fffffffffffffffL
__LONG_WIDTH__ 64
__LP64__ 1
__OPTIMIZE__ 1
__ORDER_BIG_ENDIAN__ 4321
__ORDER_LITTLE_ENDIAN__ 1234
__ORDER_PDP_ENDIAN__ 3412
__PRAGMA_REDEFINE_EXTNAME 1
__PTRDIFF_MAX__ 0x7fffffffffffffffL
__PTRDIFF_TYPE__ long int
__PTRDIFF_WIDTH__ 64
__SCHAR_MAX__ 0x7f
__SCHAR_WIDTH__ 8
__SHRT_MAX__ 0x7fff
__SHRT_WIDTH__ 16
__SIZEOF_DOUBLE__ 8
__SIZEOF_FLOAT__ 4
__SIZEOF_INT128__ 16
__SIZEOF_INT__ 4
__SIZEOF_LONG_DOUBLE__ 16
__SIZEOF_LONG_LONG__ 8
__SIZEOF_LONG__ 8
__SIZEOF_POINTER__ 8
__SIZEOF_PTRDIFF_T__ 8
__SIZEOF_SHORT__ 2
__SIZEOF_SIZE_T__ 8
__SIZEOF_WCHAR_T__ 2
__SIZEOF_WINT_T__ 4
__SIZE_MAX__ 0xffffffffffffffffUL
__SIZE_TYPE__ long unsigned int
__SIZE_WIDTH__ 64
__STDC_HOSTED__ 1
__STDC_ISO_10646__ 201706L
__STDC_UTF_16__ 1
__STDC_UTF_32__ 1
__STDC__ 1
__UINT16_C(c) c
__UINT16_MAX__ 0xffff
__UINT16_TYPE__ short unsigned int
__UINT32_C(c) c ## U
__UINT32_MAX__ 0xffffffffU
__UINT32_TYPE__ unsigned int
__UINT64_C(c) c ## UL
__UINT64_MAX__ 0xffffffffffffffffUL
__UINT64_TYPE__ long unsigned int
__UINT8_C(c) c
__UINT8_MAX__ 0xff
__UINT8_TYPE__ unsigned char
__UINTMAX_C(c) c ## UL
__UINTMAX_MAX__ 0xffffffffffffffffUL
__UINTMAX_TYPE__ long unsigned int
__UINTPTR_MAX__ 0xffffffffffffffffUL
__UINTPTR_TYPE__ long unsigned int
__USER_LABEL_PREFIX__
__WCHAR_MAX__ 0xffff
__WCHAR_MIN__ 0
__WCHAR_TYPE__ short unsigned int
__WCHAR_WIDTH__ 16
__WINT_MAX__ 0xffffffffU
__WINT_MIN__ 0U
__WINT_TYPE__ unsigned int
__WINT_WIDTH__ 32
__gnu_linux__ 1
__linux 1
__linux__ 1
__unix 1
__unix__ 1
linux 1
unix 1
"""
_ARCH = {
    "arm64": """\
__AARCH64EL__ 1
__AARCH64_CMODEL_SMALL__ 1
__ARM_64BIT_STATE 1
__ARM_ALIGN_MAX_PWR 28
__ARM_ALIGN_MAX_STACK_PWR 16
__ARM_ARCH 8
__ARM_ARCH_ISA_A64 1
__ARM_ARCH_PROFILE 65
__ARM_PCS_AAPCS64 1
__ARM_SIZEOF_MINIMAL_ENUM 4
__ARM_SIZEOF_WCHAR_T 4
__aarch64__ 1
""",
    "x86": """
_SOFT_FLOAT 1
__FXSR__ 1
__SEG_FS 1
__SEG_GS 1
__amd64 1
__amd64__ 1
__code_model_kernel__ 1
__k8 1
__k8__ 1
__x86_64 1
__x86_64__ 1
""",
    "riscv": """
__riscv 1
__riscv_a 2001000
__riscv_arch_test 1
__riscv_atomic 1
__riscv_c 2000000
__riscv_cmodel_medany 1
__riscv_div 1
__riscv_float_abi_soft 1
__riscv_i 2001000
__riscv_m 2000000
__riscv_mul 1
__riscv_muldiv 1
__riscv_xlen 64
""",
    "mips": """
LANGUAGE_C 1
_ABI64 3
_LANGUAGE_C 1
_MIPS_SIM _ABI64
_MIPS_SZINT 32
_MIPS_SZLONG 64
_MIPS_SZPTR 64
__LANGUAGE_C 1
__LANGUAGE_C__ 1
__REGISTER_PREFIX__ $
__mips 64
__mips64 1
__mips__ 1
__mips_no_madd4 1
__mips_soft_float 1
_mips 1
mips 1
""",
    "m68k": """
__BIGGEST_ALIGNMENT__ 2
__REGISTER_PREFIX__ %
__SIZEOF_LONG_DOUBLE__ 12
__m68k__ 1
""",
}

# What is other where words have 32 bits, and what is not there at all.
_NARROW = """
__INT64_C(c) c ## LL
__INT64_MAX__ 0x7fffffffffffffffLL
__INT64_TYPE__ long long int
__INTMAX_C(c) c ## LL
__INTMAX_MAX__ 0x7fffffffffffffffLL
__INTMAX_TYPE__ long long int
__INTPTR_MAX__ 0x7fffffff
__INTPTR_TYPE__ int
__INTPTR_WIDTH__ 32
__LONG_MAX__ 0x7fffffffL
__LONG_WIDTH__ 32
__PTRDIFF_MAX__ 0x7fffffff
__PTRDIFF_TYPE__ int
__PTRDIFF_WIDTH__ 32
__SIZEOF_LONG__ 4
__SIZEOF_POINTER__ 4
__SIZEOF_PTRDIFF_T__ 4
__SIZEOF_SIZE_T__ 4
__SIZE_MAX__ 0xffffffffU
__SIZE_TYPE__ unsigned int
__SIZE_WIDTH__ 32
__UINT64_C(c) c ## ULL
__UINT64_MAX__ 0xffffffffffffffffULL
__UINT64_TYPE__ long long unsigned int
__UINTMAX_C(c) c ## ULL
__UINTMAX_MAX__ 0xffffffffffffffffULL
__UINTMAX_TYPE__ long long unsigned int
__UINTPTR_MAX__ 0xffffffffU
__UINTPTR_TYPE__ unsigned int
"""
_NARROW_ARCH = {
    "x86": """
_ILP32 1
__ILP32__ 1
__SIZEOF_LONG_DOUBLE__ 12
__code_model_32__ 1
__i386 1
__i386__ 1
i386 1
""",
    "riscv": """
__riscv_xlen 32
""",
    "mips": """
_ABIO32 1
_MIPS_SIM _ABIO32
_MIPS_SZLONG 32
_MIPS_SZPTR 32
__BIGGEST_ALIGNMENT__ 8
__SIZEOF_LONG_DOUBLE__ 8
__mips 32
""",
}
_WIDE_ONLY = frozenset(
    [
        "_LP64",
        "__LP64__",
        "__SIZEOF_INT128__",
        "__amd64",
        "__amd64__",
        "__code_model_kernel__",
        "__k8",
        "__k8__",
        "__x86_64",
        "__x86_64__",
        "__FXSR__",
        "_ABI64",
        "__mips64",
    ]
)

DOUBTFUL = re.compile(
    r"__(?:ARM_FEATURE|ARM_FP|ARM_NEON|SSE|AVX|SANITIZE|FLT|DBL|LDBL|DEC|INT_FAST|UINT_FAST|GCC_(?!HAVE_BUILTIN|ATOMIC))\w*"
    r"|__(?:PIC|pic|PIE|pie|CET|SSP\w*|OPTIMIZE_SIZE|STRICT_ANSI)__"
    r"|__riscv_(?:[a-z]|z\w+|flen|fdiv|fsqrt|float_abi_\w+|abi_\w+|vector|v_(?:elen|min_vlen|intrinsic)\w*|compressed"
    r"|(?:un|mis)aligned_\w+|muldiv|mul|div|atomic|cmodel_\w+|arch_test)"
    r"|__(?:i[4-6]86|pentium\w*|tune_\w+|k6|athlon|geode|atom|core2|LAHF_SAHF)(?:__)?|_{0,2}R[34]000(?:__)?"
    r"|_{0,2}mc68\d+(?:__)?|_{0,2}mcf\w*|__HAVE_(?:68881|FPU)__"
    r"|_MIPS_(?:ARCH|ISA|TUNE|FPSET|SPFPSET)\w*|__mips_(?!16)\w+"
    r"|__(?:VERSION|DATE|TIME|FILE|LINE|COUNTER|INCLUDE_LEVEL)__",
    re.ASCII,
)
"""Names that options decide which nobody here follows: whether they are defined, or as what, is not known."""

_ENDIAN = {
    "mips": ("MIPSEL", "_MIPSEL", "__MIPSEL", "__MIPSEL__"),
    "mips-big": ("MIPSEB", "_MIPSEB", "__MIPSEB", "__MIPSEB__"),
}


# Sources: the psABIs (i386, o32, ilp32), ADJUST_FIELD_ALIGN of gcc's config/i386/i386.h, and its config/m68k/m68k.h
# (BIGGEST_ALIGNMENT, EMPTY_FIELD_BOUNDARY, and no PCC_BITFIELD_TYPE_MATTERS).
_NARROW_ABIS = {
    "x86": Abi(long=4, wide=4, long_double=(12, 4)),
    "mips": Abi(long=4, biggest=8, long_double=(8, 8)),
    "riscv": Abi(long=4),
    "m68k": Abi(long=4, wide=2, biggest=2, long_double=(12, 2), most=2, loose=16),
}
_ALWAYS_NARROW = frozenset({"m68k"})


def abi(arch: str, values: Mapping[str, str]) -> Abi | None:
    """How wide types are under the values of a configuration; None where nobody knows."""
    narrow = arch in _ALWAYS_NARROW or values.get("X86_32" if arch == "x86" else "32BIT") == "y"
    if arch not in _ARCH or narrow == (values.get("64BIT") == "y"):
        return None
    return _NARROW_ABIS.get(arch) if narrow else Abi(anonymous=arch == "arm64")


def predefined(arch: str, values: Mapping[str, str]) -> dict[str, str] | None:
    """The macros and what they stand for, under the values of a configuration; None where nobody knows.

    ``values`` pairs names without ``CONFIG_`` with their values. Only kernels built by gcc are known.
    """
    version = values.get("GCC_VERSION", "")
    widths = abi(arch, values)
    if widths is None or not version.isdigit() or version == "0":
        return None
    number = int(version)
    found = dict(_entries(_COMMON + _ARCH[arch]))
    if widths.long == 4:
        found |= dict(_entries(_NARROW + _NARROW_ARCH.get(arch, "")))
        found = {name: value for name, value in found.items() if name not in _WIDE_ONLY}
    found |= {
        "__GNUC__": str(number // 10000),
        "__GNUC_MINOR__": str(number // 100 % 100),
        "__GNUC_PATCHLEVEL__": str(number % 100),
        "__KERNEL__": "1",
    }
    big = values.get("CPU_BIG_ENDIAN") == "y"
    if big:
        order = "__ORDER_BIG_ENDIAN__"
        found |= {"__BYTE_ORDER__": order, "__FLOAT_WORD_ORDER__": order}
        if arch == "arm64":
            del found["__AARCH64EL__"]
            found["__AARCH64EB__"] = "1"
    if arch == "mips":
        found |= dict.fromkeys(_ENDIAN["mips-big" if big else "mips"], "1")
    if values.get("CC_OPTIMIZE_FOR_SIZE") == "y":
        found["__OPTIMIZE_SIZE__"] = "1"
    return found


# --- programs


@dataclass(frozen=True, slots=True)
class Public:
    """An ABI that programs are built for, and that the kernel's public headers have to be right in."""

    name: str
    arch: str
    abi: Abi
    macros: str
    """What the compiler defines for it besides what it always does."""

    @property
    def bits(self) -> int:
        """Of a ``long``."""
        return 8 * self.abi.long


_ILP32 = Abi(long=4, long_double=None)
_ARM = "__ARM_EABI__ 1\n__ARM_SIZEOF_MINIMAL_ENUM 4\n"
_MIPS_LITTLE = "".join(f"{name} 1\n" for name in _ENDIAN["mips"]) + "__mips__ 1\n_mips 1\nmips 1\n"
PUBLIC = (
    Public("arm64", "arm64", Abi(anonymous=True), "__aarch64__ 1\n__AARCH64EL__ 1\n"),
    Public("x86-64", "x86", Abi(), "__x86_64__ 1\n__x86_64 1\n__amd64__ 1\n__amd64 1\n"),
    Public("riscv64", "riscv", Abi(), "__riscv 1\n__riscv_xlen 64\n"),
    Public(
        "mips n64", "mips", Abi(), f"{_MIPS_LITTLE}__mips64 1\n_ABI64 3\n_MIPS_SIM _ABI64\n"
        "_MIPS_SZINT 32\n_MIPS_SZLONG 64\n_MIPS_SZPTR 64\n",
    ),
    Public("s390x", "s390", Abi(biggest=8), "__s390__ 1\n__s390x__ 1\n"),
    Public(
        "powerpc64le", "powerpc", Abi(),
        "__powerpc__ 1\n__powerpc64__ 1\n__PPC__ 1\n__PPC64__ 1\n__LITTLE_ENDIAN__ 1\n_CALL_ELF 2\n",
    ),
    Public("loongarch64", "loongarch", Abi(), "__loongarch__ 1\n__loongarch64 1\n__loongarch_grlen 64\n"),
    Public("arm", "arm", Abi(long=4, biggest=8, anonymous=True, long_double=None), f"{_ARM}__arm__ 1\n__ARMEL__ 1\n"),
    Public("i386", "x86", Abi(long=4, wide=4, long_double=None), "__i386__ 1\n__i386 1\ni386 1\n_ILP32 1\n__ILP32__ 1\n"),
    Public("riscv32", "riscv", _ILP32, "__riscv 1\n__riscv_xlen 32\n"),
    Public(
        "mips o32", "mips", Abi(long=4, biggest=8, long_double=None), f"{_MIPS_LITTLE}__mips 32\n_ABIO32 1\n_MIPS_SIM _ABIO32\n"
        "_MIPS_SZINT 32\n_MIPS_SZLONG 32\n_MIPS_SZPTR 32\n",
    ),
    Public("powerpc", "powerpc", _ILP32, "__powerpc__ 1\n__PPC__ 1\n__BIG_ENDIAN__ 1\n_BIG_ENDIAN 1\n"),
)  # fmt: skip
"""Sources: as above, with each compiler's options for its other ABIs; the ABIs' documents for those without one."""
_BIG = frozenset(("s390x", "powerpc"))
# What scripts/headers_install.sh makes of the kernel's own words.
_INSTALLED = "__user \n__force \n__iomem \n__attribute_const__ \n__packed __attribute__((packed))\n"


def predefined_public(ours: Public) -> dict[str, str]:
    """The macros and what they stand for where a program of one ABI is built."""
    found = dict(_entries(_COMMON + ours.macros + _INSTALLED))
    if ours.bits == 32:
        found |= dict(_entries(_NARROW))
        for name in ("_LP64", "__LP64__", "__SIZEOF_INT128__", "__SIZEOF_LONG_DOUBLE__"):
            del found[name]
    if ours.name in _BIG:
        found |= dict.fromkeys(("__BYTE_ORDER__", "__FLOAT_WORD_ORDER__"), "__ORDER_BIG_ENDIAN__")
    found["__BIGGEST_ALIGNMENT__"] = str(ours.abi.biggest)
    del found["__CHAR_UNSIGNED__"], found["__WCHAR_TYPE__"], found["__SIZEOF_WCHAR_T__"]
    return found | {"__GNUC__": "12", "__GNUC_MINOR__": "2", "__GNUC_PATCHLEVEL__": "0"}


def _entries(text: str) -> list[tuple[str, str]]:
    return [(name, value) for line in text.split("\n") if line for name, _, value in [line.partition(" ")]]
