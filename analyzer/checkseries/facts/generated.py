"""The headers that a build of the kernel makes, and the names that they can hold.

As of Linux 5.4 to 7.2. What is made by a script is told by the shape of its names: the scripts are in the tree
and can be read, but are never run.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

NAMES = {
    "autoconf.h": r"CONFIG_\w+",  # scripts/kconfig/confdata.c
    "bounds.h": r"NR_PAGEFLAGS|MAX_NR_ZONES|NR_CPUS_BITS|SPINLOCK_SIZE|LRU_GEN_WIDTH|__LRU_REFS_WIDTH",
    "asm-offsets.h": r"[A-Z]\w*|\w+_(?:size|offset)\w*|sizeof_\w+",  # for assembly; arch/*/kernel/asm-offsets.c
    "rq-offsets.h": r"RQ_\w+",  # kernel/sched/rq-offsets.c
    "timeconst.h": r"\w*HZ_TO_\w+|\w*_TO_HZ_\w+",  # kernel/time/timeconst.bc
    "utsrelease.h": r"UTS_\w+",
    "compile.h": r"UTS_\w+|LINUX_COMPILE\w+",
    "version.h": r"LINUX_VERSION\w+|KERNEL_VERSION|RHEL_\w+",
    "gcc-plugins.h": r"\w*PLUGIN\w*",
    "integer-wrap.h": r"INTEGER_WRAP",
    "randstruct_hash.h": r"RANDSTRUCT\w*",
    "cpucap-defs.h": r"ARM64_\w+",  # arch/arm64/tools/gen-cpucaps.awk
    "kernel-hwcap.h": r"\w*HWCAP\w*",  # arch/arm64/tools/gen-kernel-hwcaps.sh
    "sysreg-defs.h": r"SYS_\w+|REG_\w+|[A-Z]\w*_(?:EL\w+|MASK|SHIFT|WIDTH|RES0|RES1|UNKN)\w*|[A-Z][A-Z0-9]*_\w+",
    "cpufeaturemasks.h": r"\w*(?:MASK|FEATURE)\w*",  # arch/x86/tools/cpufeaturemasks.awk
    "facility-defs.h": r"FACILITIES_\w+",  # arch/s390/tools/gen_facilities.c
    "mach-types.h": r"MACH_TYPE_\w+|machine_is_\w+",  # arch/arm/tools/gen-mach-types
    "machtypes.h": r"MACH_\w+|mach_is_\w+",  # arch/sh/tools/gen-mach-types
}
"""By the last component of a header's name: the names that it can hold."""
_SYSTEM_CALLS = re.compile(r"(?:unistd|syscall_table|syscalls)\w*\.h|unistd-\w+\.h")


def may_hold(missing: Iterable[str], name: str) -> str:
    """The first of some headers that are not in the tree, yet may be made and hold a name; "" if there is none."""
    for header in missing:
        base = header.rpartition("/")[2]
        if base in NAMES:
            if re.fullmatch(NAMES[base], name, re.ASCII):
                return header
        elif _SYSTEM_CALLS.fullmatch(base):
            if name.startswith(("__NR", "sys_", "__sys", "SYS_")):
                return header
        elif header.startswith("generated/"):
            return header
    return ""
