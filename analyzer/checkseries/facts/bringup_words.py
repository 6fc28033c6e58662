"""What the kernel's words around the bring-up of CPUs mean, and those of printing: macros and functions, by meaning.

Sources: arch/Kconfig, include/linux/cpuhotplug.h, include/linux/cpu.h, include/linux/printk.h, include/linux/bitops.h,
include/linux/bitmap.h, arch/*/include/asm/{assembler,asm}.h.
"""

from __future__ import annotations

import re

PARALLEL = "HOTPLUG_PARALLEL"
"""Where it is selected, several secondary CPUs run the code below at once."""

RELEASED = "cpuhp_ap_sync_alive"
"""Each secondary CPU waits in it until the control CPU lets it go on: behind it they run one after the other."""

COMING_UP = frozenset(("notify_cpu_starting", "cpu_startup_entry"))
"""What only a CPU that comes up calls itself: who calls it is the C entry of secondary CPUs."""

STORES_TO = re.compile(
    r"\s*(?:"
    r"str_l\s+(?P<arm64>\w+|\\\w+)\s*,\s*(?P<arm64to>[A-Za-z_]\w*)"
    r"|(?:s[bhwd]|REG_S|PTR_S|LONG_S|INT_S)\s+(?P<risc>\$?\w+)\s*,\s*(?P<riscto>[A-Za-z_]\w*)\s*(?:,|$)"
    r"|(?:mov[bwlq]?|SMP_MOV)\s+(?P<x86>[%$][\w$]+)\s*,\s*(?P<x86to>[A-Za-z_]\w*)\s*(?:\(%rip\)|\(%eip\))?\s*$"
    r")",
    re.ASCII,
)
"""Assembly that stores a value to a symbol in one step: macros of the architectures, and instructions."""

ADDRESS_OF = re.compile(
    r"\s*(?:adr_l|adrp?|la|lla|LA|PTR_LA|dla|load_addr)\s+(?P<register>\$?\w+|\\\w+)\s*,\s*(?P<symbol>[A-Za-z_]\w*)\s*$"
    r"|\s*ldr\s+(?P<literal>\w+)\s*,\s*=\s*(?P<named>[A-Za-z_]\w*)\s*$",
    re.ASCII,
)
"""Assembly that puts the address of a symbol into a register."""

STORE = re.compile(
    r"\s*(?:st(?:r|rb|rh|ur|lr)\s+(?P<a>\w+|\\\w+)\s*,\s*\[\s*(?P<abase>\w+|\\\w+)\s*(?:,\s*#?0\s*)?\]"
    r"|(?:s[bhwd]|REG_S|PTR_S|LONG_S|INT_S)\s+(?P<b>\$?\w+)\s*,\s*0?\s*\(\s*(?P<bbase>\$?\w+)\s*\))",
    re.ASCII,
)
"""Assembly that stores a value to where a register points, at its first byte."""

ZERO = frozenset(("xzr", "wzr", "zero", "x0_zero", "$0", "$zero"))
"""Registers and operands that are nothing but zero."""

NONATOMIC_BITS = frozenset(
    (
        "__set_bit",
        "__clear_bit",
        "__change_bit",
        "__assign_bit",
        "__test_and_set_bit",
        "__test_and_clear_bit",
        "__test_and_change_bit",
        "__cpumask_set_cpu",
        "__cpumask_clear_cpu",
        "bitmap_set",
        "bitmap_clear",
    )
)
"""What reads a word, changes bits of it and writes it back, unprotected."""

_LEVELS = ("emerg", "alert", "crit", "err", "warn", "warning", "notice", "info", "cont", "debug", "devel")
PRINTS = frozenset(
    (
        "printk",
        "_printk",
        "vprintk",
        "printk_once",
        "printk_ratelimited",
        "dump_stack",
        "show_regs",
        *(f"pr_{level}{variant}" for level in _LEVELS for variant in ("", "_once", "_ratelimited")),
        *(f"dev_{level}{variant}" for level in _LEVELS for variant in ("", "_once", "_ratelimited")),
    )
)
"""What prints whenever it is reached; WARN() and BUG(), which print when something is wrong, are not among them."""
