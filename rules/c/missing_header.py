"""A header that is included must exist.

Why: an include of a file that is not in the tree does not build at all. The header is often in the author's tree
only, in a later patch, or was deleted while somebody still includes it.

Not found: headers of the kernel that exist for other architectures only; includes that a macro spells; headers of
the C library; what makefiles generate.
"""

from __future__ import annotations

from collections.abc import Iterator

from checkseries.facts.c_decl import arch_of, kernel_source
from checkseries.facts.include import Include, includers, includes, meant
from checkseries.facts.presence import never, opaque, said
from checkseries.judge.history import History
from checkseries.judge.rule import Subject, bad, counted, good, no_words, rule
from checkseries.model import Confidence, Finding, Held, Severity, Undecided, Verdict, Witness, WitnessKind
from checkseries.tree import Snapshot

_PUBLIC = frozenset(
    (
        "acpi", "asm-generic", "clocksource", "crypto", "cxl", "drm", "dt-bindings", "keys", "kunit", "kvm",
        "linux", "math-emu", "media", "memory", "misc", "net", "pcmcia", "ras", "rdma", "rv", "scsi", "soc",
        "sound", "target", "trace", "uapi", "ufs", "vdso", "video", "xen",
    )
)  # fmt: skip
"""The directories below include/ of the kernel: what is spelt with another first word may be of a library."""
_MADE = (".asn1.h", ".lex.h", ".tab.h", "-asn1.h")


def named_headers(history: History, _arch: str) -> Iterator[Subject]:
    """The includes that some patch writes, and those of headers that some patch removes."""
    for step in history.steps:
        for path in step.touched:
            if not kernel_source(path):
                continue
            if step.after.peek(path) is None:
                if path.endswith(".h") and not any(
                    old == path for old in step.renames.values() if step.after.peek(old) is not None
                ):
                    for user in includers(step.before, path):
                        for each in includes(step.before, user):
                            if path in meant(step.before, user, each.name, each.quoted):
                                yield Subject(each.name, "", (user,))
                continue
            fresh = step.added.get(path, frozenset())
            for each in includes(step.after, path):
                if each.place.line in fresh:
                    yield Subject(each.name, "", (path,))


@rule(
    "missing-header",
    severity=Severity.ERROR,
    confidence=Confidence.HIGH,
    since="0.1",
    subjects=named_headers,
    words=no_words,
    summary=counted("includes"),
    searching=True,
)
def check(tree: Snapshot, subject: Subject) -> Iterator[Verdict]:
    """One verdict an include of that name in the file."""
    (path,) = subject.detail
    for each in includes(tree, path):
        if each.name == subject.name and not never(each.condition):
            yield _include(tree, path, each)


def _include(tree: Snapshot, path: str, each: Include) -> Verdict:
    name = each.name
    found = meant(tree, path, name, each.quoted)
    if found:
        return Held(each.place, f"{name} is {found[0]}")
    doubt = _doubt(tree, path, each)
    if doubt:
        return Undecided(each.place, doubt)
    arch = arch_of(path)
    base = name.rpartition("/")[2]
    return Finding(
        rule="missing-header",
        severity=Severity.ERROR,
        confidence=Confidence.HIGH,
        place=each.place,
        subject=name,
        message=f"there is no {name}: this does not build",
        archs=(arch,) if arch else (),
        witness=Witness(
            WitnessKind.SITE,
            (
                f"no file of the tree ends in /{name}; files of the name {base}: {len(tree.named(base))}",
                "no makefile around names it",
            ),
        ),
    )


def _doubt(tree: Snapshot, path: str, each: Include) -> str:
    """Why a file that is not in the tree may be there when it is built; "" if nothing speaks for it."""
    name = each.name
    first = name.partition("/")[0]
    base = name.rpartition("/")[2]
    if not base.endswith(".h"):
        return f"{base} is no header by its name"
    if base.endswith(_MADE) or any(character in base for character in "*?["):
        return f"{name} may be generated"
    if not each.quoted and ("/" not in name or first not in _PUBLIC):
        return f"{name} may be the architecture's, a library's or generated"
    if "generated/" in name or name.startswith(("asm/", "uapi/asm/")):
        return f"{name} may be generated"
    if path.startswith("samples/") or not all(
        text == "defined(__KERNEL__)" for text in opaque(each.condition)
    ):
        return f"whether this is built depends on {said(each.condition)}"
    stem = base.removesuffix(".h")
    for suffix in ("_shipped", ".in", ".S", ".sh", ".awk", ".pl"):
        if tree.named(base + suffix):
            return f"{base} may be made of {base}{suffix}"
    directory = path.rpartition("/")[0]
    while True:
        for make in ("Makefile", "Kbuild", "Makefile.include"):
            text = tree.text(f"{directory}/{make}" if directory else make) or ""
            if base in text or (directory and stem in text and "%.h" in text):
                return f"{directory}/{make} names {base}: it may be generated"
        if not directory:
            return ""
        directory = directory.rpartition("/")[0]


_USER = "#include <linux/park.h>\nint x;\n"
_BASE = {"a.c": "int x;\n", "d/d.c": "int x;\n", "include/linux/types.h": "\n"}

EXAMPLES = (
    bad("a header that nobody has", _BASE, {"a.c": _USER}, finds=("1 a.c:1",)),
    bad("a local one", _BASE, {"d/d.c": '#include "park.h"\nint x;\n'}, finds=("1 d/d.c:1",)),
    bad(
        "it comes one patch later",
        _BASE,
        {"a.c": _USER},
        {"include/linux/park.h": "int park;\n"},
        finds=("1 a.c:1",),
    ),
    bad(
        "it goes, a user stays",
        {**_BASE, "a.c": _USER, "include/linux/park.h": "int park;\n"},
        {"include/linux/park.h": None},
        finds=("1 a.c:1",),
    ),
    good("it comes with its user", _BASE, {"a.c": _USER, "include/linux/park.h": "int park;\n"}),
    good("in some directory of the search path", _BASE, {"a.c": _USER, "d/include/linux/park.h": "\n"}),
    good(
        "a makefile makes it",
        _BASE,
        {"d/d.c": '#include "park.h"\nint x;\n', "d/Makefile": "$(obj)/park.h: $(src)/park.sh\n"},
    ),
    good("an architecture's header", _BASE, {"a.c": "#include <asm/park.h>\n"}),
    good("of the C library", _BASE, {"a.c": "#include <sys/park.h>\n#include <stdio.h>\n"}),
    good("below a condition of its own", _BASE, {"a.c": f"#ifdef HAVE_PARK\n{_USER}#endif\n"}),
    good("missing before, and still", {**_BASE, "a.c": _USER}, {"a.c": _USER + "int y;\n"}),
    good("in a comment", _BASE, {"a.c": f"/*\n{_USER}*/\n"}),
)
