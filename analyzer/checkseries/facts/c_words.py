"""The words of C and of the kernel's dialect of it, by what they do in a declaration.

Sources: C11 6.4.1 and GCC's keywords; for the attributes the macros of include/linux/ (compiler_types.h,
compiler_attributes.h, compiler-context-analysis.h, init.h, cache.h, linkage.h and others) and arch/*/include/
that expand to nothing but ``__attribute__((...))`` and ``__section(...)``.
"""

from __future__ import annotations

STORAGE = frozenset(("extern", "static", "typedef", "auto", "register", "_Thread_local", "__thread"))
QUALIFIERS = frozenset(
    ("const", "volatile", "restrict", "__restrict", "__restrict__", "__const", "__volatile__")
)
TAGGED = frozenset(("struct", "union", "enum"))
BUILTIN = frozenset(
    (
        "void",
        "char",
        "short",
        "int",
        "long",
        "float",
        "double",
        "signed",
        "unsigned",
        "_Bool",
        "bool",
        "__signed__",
        "__signed",
        "__int128",
        "_Complex",
        "__auto_type",
        "__int128_t",
        "__uint128_t",
    )
)
TYPEOF = frozenset(
    ("typeof", "__typeof__", "__typeof", "typeof_unqual", "__typeof_unqual__", "TYPEOF_UNQUAL")
)
STATEMENT = frozenset(
    (
        "if",
        "else",
        "for",
        "while",
        "do",
        "switch",
        "case",
        "default",
        "return",
        "goto",
        "break",
        "continue",
        "sizeof",
        "_Alignof",
        "__alignof__",
        "__alignof",
        "asm",
        "__asm__",
        "__asm",
        "_Generic",
        "_Static_assert",
        "__extension__",
        "defined",
        "__builtin_offsetof",
    )
)
INLINE = frozenset(("inline", "__inline", "__inline__", "__always_inline", "__forceinline", "forceinline"))
INLINE |= frozenset(("nokprobe_inline", "__fastpath_inline", "__async_inline"))
KEYWORDS = STORAGE | QUALIFIERS | TAGGED | BUILTIN | TYPEOF | STATEMENT
KEYWORDS |= frozenset(
    ("inline", "__inline", "__inline__", "__attribute__", "__attribute", "_Alignas", "_Atomic")
)
KEYWORDS |= frozenset(("_Noreturn",))

INIT_CODE = frozenset(("__init", "__head", "__init_memblock", "INIT"))
"""Attributes of functions that run at boot only."""
SOMETIMES_INIT_CODE = frozenset(
    (
        "__meminit",
        "__cpuinit",
        "__devinit",
        "__net_init",
        "__init_or_module",
        "__init_or_acpilib",
        "__init_or_fwtbl_lib",
        "__initmv",
        "__ref",
    )
)
"""Those of functions that run later too in some configurations, or that see to it themselves (``__ref``)."""
EXIT_CODE = frozenset(("__exit", "__net_exit"))
"""Those of functions that run when a module is unloaded, or a network namespace ends."""

_ATTRIBUTES = """
    __attribute__ __attribute _Alignas _Noreturn __section __aligned __packed __aligned_largest __alias
    ACPI_INIT_FUNCTION ACPI_INLINE ACPI_NONSTRING ACPI_PRINTF_LIKE ACPI_UNUSED_VAR ARCH_PACK_COMPAT_STATFS64
    ARCH_PACK_STATFS64 ATTRIB_NORET BMI2_TARGET_ATTRIBUTE BPMP_ABI_PACKED CGROUP_REF_FN_ATTRS
    CRYPTO_MINALIGN_ATTR CVMX_CACHE_LINE_ALIGNED DONT_VECTORIZE EARLYCON_USED_OR_UNUSED EPOLL_PACKED
    FORCE_INLINE_ATTR FPU_ALIGN INLINE_KEYWORD PACKED PER_CPU_ATTRIBUTES SA_ALIGNED TARGET_ATTRIBUTE
    ZSTD_ALIGNED ZSTD_ALLOW_POINTER_OVERFLOW_ATTR __ARCH_COMPAT_FLOCK64_PACK __ARCH_SI_ATTRIBUTES
    ____cacheline_aligned ____cacheline_aligned_in_smp ____cacheline_internodealigned_in_smp
    ____dma_from_device_aligned __acquires __acquires_ctx_lock __acquires_ret __acquires_shared
    __acquires_shared_ctx_lock __acquires_shared_ret __acquire __release __cond_acquires __cond_releases
    __alloc_size __alloc_size__ __always_unused __always_used __amode31_data __amode31_ref
    __annotate_jump_table __arcfp_code __arcfp_data __assume_aligned __assume_kmalloc_alignment
    __assume_page_alignment __assume_slab_alignment __assumes_ctx_lock __assumes_shared_ctx_lock
    __attribute_const__ __bitwise __bitwise__ __bpf_kfunc __bpfcall __bss_decrypted __bss_pgtbl
    __cacheline_aligned __cacheline_aligned_in_smp __cleanup __cold __hot __compat_packed __compiletime_error
    __compiletime_warning __context_unsafe __copy __counted_by __counted_by_be __counted_by_le
    __counted_by_ptr __cpuidle __cpuidle_method_section __cpumask_var_read_mostly __ctx_lock_type
    __deprecated __designated_init __diagnose_as __dm_reads_from_disk __dm_written_to_disk __efiapi
    __exception_irq_entry __excludes_ctx_lock __exit_call __exitdata __exitused __fix_address __flatten
    __force __free __function_aligned __gnu_inline __guarded_by __hrtimer_clock_base_align __idmap __iftd
    __init_call __init_thread_info __initconst __initconst_or_module __initdata __initdata_memblock
    __initdata_or_acpilib __initdata_or_meminfo __initdata_or_module __inline_maybe_unused __iomem
    __irq_entry __kcsan_cleanup_scoped __kernel __kernel_nonstring __kprobes __latent_entropy __lock_aligned
    __lockfunc __machine_desc __malloc __maybe_unused __meminitconst __meminitdata __mode
    __module_memory_align __must_check __must_hold __must_hold_shared __must_not_hold __naked
    __net_initconst __net_initdata __no_caller_saved_registers __no_context_analysis __no_kasan_or_inline
    __no_kcsan __no_kmsan_checks __no_kstack_erase __no_profile __no_randomize_layout __no_sanitize_address
    __no_sanitize_coverage __no_sanitize_memory __no_sanitize_or_inline __no_sanitize_thread
    __no_sanitize_undefined __no_stack_protector __nocast __nocfi __nocfi_generic __noclone __noendbr
    __noinstr_section __noipa __nonnull_args __nonstring __nonstring_array __noreturn __nosavedata __noscs
    __notrace_funcgraph __ostream_printf __overloadable __page_aligned_bss __page_aligned_data
    __pass_dynamic_object_size __pass_object_size __percpu __prel64_initconst __preserve_most __printf
    __private __pt_guarded_by __pure __randomize_layout __rcu __rcu_guarded __read_mostly __realloc_size
    __reentrant_ctx_lock __ref __refconst __refdata __releases __releases_ctx_lock __releases_shared
    __releases_shared_ctx_lock __requires_ctx_lock __requires_shared_ctx_lock __retain __returns_ctx_lock
    __ro_after_init __safe __scanf __sched __seg_fs __seg_gs __softirq_entry __tcmconst __tcmdata __tcmfunc
    __tcmlocalfunc __tracepoint_string __tracer_data __try_acquires_ctx_lock
    __try_acquires_shared_ctx_lock __uninitialized __used __user __visible __weak __xipram
    asmlinkage __asmlinkage debug_noinline noinline noinline_for_stack noinline_for_tracing noinstr notrace
    rseq_inline uaccess_kmsan_or_inline  __data_racy __initrodata __nosave __boot_data
    __bootdata __bootdata_preserved __decrypted  __rodata  asm __asm__ __asm
    """
ATTRIBUTES = INLINE | INIT_CODE | SOMETIMES_INIT_CODE | EXIT_CODE | frozenset(_ATTRIBUTES.split())


def attribute(word: str) -> bool:
    """Whether a word is a known attribute: it says something about a declaration and names nothing."""
    return word in ATTRIBUTES
