"""What some of the kernel's macros and functions mean: around the bring-up of CPUs, printing, reports, allocation.

Sources: arch/Kconfig, arch/*/include/asm/{assembler,asm}.h, and of include/linux/ cpuhotplug.h, cpu.h, printk.h,
bitops.h, bitmap.h, lockdep.h, kasan.h, kcsan.h, kmsan.h, slab.h, string.h, of.h, platform_device.h, types.h,
ktime.h, time64.h; include/uapi/asm-generic/int-ll64.h.
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
    r"|(?:mov[bwlq]?|SMP_MOV)\s+(?P<x86>[%$][\w$]+)\s*,\s*(?P<x86to>[A-Za-z_]\w*)\s*+(?:\(%rip\)|\(%eip\))?\s*+$"
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

SUPPRESSORS = {
    "lockdep_off": "lockdep",
    "lockdep_set_novalidate_class": "lockdep",
    "lockdep_set_notrack_class": "lockdep",
    "kasan_disable_current": "KASAN",
    "kcsan_disable_current": "KCSAN",
    "kmsan_disable_current": "KMSAN",
    "ubsan_disable_current": "UBSAN",
}
"""What keeps a checker from reporting, and which one."""

ALLOCATES = re.compile(
    r"(?:devm_)?(?:kv?[mz]alloc|kv?calloc|kv?malloc_array|vz?alloc|kmem_cache_z?alloc|kstrn?dup|kmemdup"
    r"|kv?asprintf|alloc_skb|alloc_pages?|alloc_percpu|alloc_workqueue|bitmap_z?alloc)(?:_(?:node|obj|objs|flex|array|const|nul))?",
    re.ASCII,
)
"""What gives NULL when memory is short, by its whole name; mempool_alloc() waits instead."""

LOOKS_UP = re.compile(
    r"of_find_\w+|of_get_(?:child_by_name|parent|next_\w+|property|compatible_child)|of_match_device|of_match_node"
    r"|(?:of_)?device_get_match_data|dev_get_platdata|platform_get_resource(?:_byname)?|get_cpu_device"
    r"|bus_find_device\w*|device_find_child\w*|irq_get_irq_data|pci_get_(?:device|class|slot|domain_bus_and_slot)",
    re.ASCII,
)
"""What gives NULL when there is no such thing, by its whole name."""

WIDE = frozenset(
    (
        "u64", "s64", "__u64", "__s64", "uint64_t", "int64_t", "u_int64_t", "loff_t", "sector_t", "blkcnt_t",
        "ktime_t", "time64_t", "timeu64_t",
    )
)  # fmt: skip
"""Types that have 64 bits on every architecture."""

WIDE_UNDER = {
    "phys_addr_t": "PHYS_ADDR_T_64BIT",
    "resource_size_t": "PHYS_ADDR_T_64BIT",
    "dma_addr_t": "ARCH_DMA_ADDR_T_64BIT",
}
"""Types that have 64 bits under an option."""
