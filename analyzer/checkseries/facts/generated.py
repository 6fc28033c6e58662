"""The headers that a build makes and a tree lacks: which there are, and what they define.

Sources: scripts/Makefile.asm-headers (``generic-y``, ``mandatory-y``), Kbuild, the top Makefile and the
generators below arch/*/tools. What one defines is known by name at least, so that other names are not doubted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from checkseries.tree import Snapshot, fact

_LIST = re.compile(r"^[ \t]*(generic-y|mandatory-y|syscall-y|generated-y)[ \t]*\+=[ \t]*(\S+)", re.MULTILINE)
_NOTHING = re.compile(r"(?!)")
_OFFSET = re.compile(r"^[ \t]*(?:DEFINE|OFFSET)\s*\(\s*(\w+)", re.MULTILINE | re.ASCII)
_GIVEN = re.compile(r"\b[A-Z]\w*[ \t]*\([ \t]*([A-Za-z_]\w*)[ \t]*[,)]", re.ASCII)
_PASTED = re.compile(r"\b([A-Za-z_]\w*)[ \t]*##", re.ASCII)
_REGISTER = re.compile(r"^(?:Sysreg|SysregFields)[ \t]+(\w+)", re.MULTILINE | re.ASCII)
_CAP = re.compile(r"^[A-Za-z0-9_]+$", re.MULTILINE | re.ASCII)
# What the other headers define, by the end of their name.
_NAMES = (
    (r"generated/(?:asm-)?(?:vdso|compat_vdso|vdso32|vdso64|vdso-cfi)\S*offsets\.h", r"\w*vdso\w*"),
    (r"generated/timeconst\.h", r"(?:HZ|MSEC|USEC|NSEC)_TO_\w+"),
    (r"generated/(?:utsrelease|utsversion|compile|package)\.h", r"UTS_\w+|LINUX_\w+|PACKAGE\w*"),
    (r"linux/version\.h", r"KERNEL_VERSION|LINUX_VERSION_\w+"),
    (r"generated/(?:randstruct_hash|integer-wrap|gcc-plugins|autoksyms)\.h", r"RANDSTRUCT_\w+|INTEGER_WRAP\w*"),
    (r"asm/(?:unistd|syscall_table)\w*\.h", r"_*NR_\w+"),
    (r"asm/unistd_nr_\w+\.h", r"_*NR_\w+"),
    (r"asm/cpufeaturemasks\.h", r"\w*_MASK(?:\d+|_\w+)?|\w*_MASK_BIT_SET"),
    (r"asm/cpucap-defs\.h", r"ARM64_\w+"),
    (r"asm/kernel-hwcap\.h", r"__?KERNEL_HWCAP\w*|HWCAP\w*|KERNEL_HWCAP\w*"),
    (r"asm/mach-types\.h", r"(?:MACH_TYPE|machine_is)_\w+|machine_arch_type"),
    (r"asm/orc_hash\.h", r"ORC_HASH"),
    (r"asm/xen-hypercalls\.h", r"HYPERCALL\w*"),
    (r"asm/inat-tables\.c", r"\w*inat\w*"),
)  # fmt: skip
_OF_ONE_ARCH = ("asm-offsets.h", "sysreg-defs.h")
"""What these define is asked of an architecture."""


@fact
def _lists(tree: Snapshot, path: str) -> frozenset[tuple[str, str]]:
    text = tree.text(path)
    return frozenset((match[1], match[2]) for match in _LIST.finditer(text or ""))


def wrapped(tree: Snapshot, name: str, arch: str, *, public: bool) -> str | None:
    """The generic header that ``asm/name`` stands for; None if the architecture has its own or there is none."""
    plain = name.removeprefix("asm/")
    if plain == name or "/" in plain:
        return None
    kind = "include/uapi" if public else "include"
    if tree.exists(f"arch/{arch}/{kind}/asm/{plain}"):
        return None
    listed = ("generic-y", plain) in _lists(tree, f"arch/{arch}/{kind}/asm/Kbuild") or (
        ("mandatory-y", plain) in _lists(tree, f"{kind}/asm-generic/Kbuild")
    )
    if listed:
        for folder in ("include", "include/uapi"):  # its one line is #include <asm-generic/...>
            generic = f"{folder}/asm-generic/{plain}"
            if tree.exists(generic):
                return generic
    return None


def _offset_names(tree: Snapshot, arch: str) -> list[str]:
    """Patterns of all names that ``asm-offsets.c`` may make: what is given to a macro first, and what is pasted to a word."""
    found: set[str] = {"(?!)"}
    for path in tree.named("asm-offsets*.c"):
        if path.startswith(f"arch/{arch}/"):
            text = tree.text(path) or ""
            found.update(_GIVEN.findall(text))
            found.update(rf"{word}\w+" for word in _PASTED.findall(text))
    return sorted(found)


def brought(tree: Snapshot, name: str, arch: str) -> re.Pattern[str] | None:
    """The names that a header which the tree lacks may define; None if they can be any."""
    source = offsets_source(name)
    if source:
        names = [re.escape(match[1]) for match in _OFFSET.finditer(tree.text(source) or "")]
        return re.compile("|".join(names) or "(?!)")
    if name in ("generated/asm-offsets.h", "asm/asm-offsets.h"):
        return re.compile("|".join(_offset_names(tree, arch)), re.ASCII)
    if name == "asm/sysreg-defs.h":
        text = tree.text(f"arch/{arch}/tools/sysreg") or ""
        names = sorted({match[1] for match in _REGISTER.finditer(text)})
        return re.compile(rf"(?:(?:REG|SYS)_)?(?:{'|'.join(names) or '(?!)'})(?:_\w+)?", re.ASCII)
    if name == "generated/autoconf.h":
        return _NOTHING
    for header, names_of in _NAMES:
        if re.fullmatch(rf"(?:.*/)?{header}", name):
            return re.compile(names_of, re.ASCII)
    return None


def offsets_source(name: str) -> str:
    """The C file that a header of constants is made from, if those constants can matter to a type."""
    return {
        "generated/bounds.h": "kernel/bounds.c",
        "generated/rq-offsets.h": "kernel/sched/rq-offsets.c",
    }.get(name, "")


def computed(tree: Snapshot, name: str, arch: str) -> dict[str, str]:
    """The macros of such a header whose values stand in the tree as they are."""
    text = tree.text(f"arch/{arch}/tools/cpucaps") if name == "asm/cpucap-defs.h" else None
    if text is None:
        return {}
    caps = _CAP.findall(text)
    return {
        **{f"ARM64_{cap}": str(number) for number, cap in enumerate(caps)},
        "ARM64_NCAPS": str(len(caps)),
    }


def may_bring_anywhere(tree: Snapshot, header: str, name: str) -> bool:
    """Whether a header that a tree lacks may define a name on some architecture: what is not known to be made may."""
    if header.endswith(_OF_ONE_ARCH):
        return True
    names = brought(tree, header, "")
    return names is None or names.fullmatch(name) is not None


def may_bring(tree: Snapshot, missing: Iterable[str], name: str, arch: str) -> str:
    """The first of some headers that a tree lacks, yet a build makes and may define a name in; "" if none does."""
    made = {plain for kind, plain in _lists(tree, f"arch/{arch}/include/asm/Kbuild") if kind == "generated-y"}
    for header in missing:
        names = brought(tree, header, arch)
        if names is not None:
            if names.fullmatch(name):
                return header
        elif header.startswith("generated/") or header.removeprefix("asm/") in made:
            return header
    return ""
