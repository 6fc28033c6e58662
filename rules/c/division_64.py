"""A 32-bit kernel must not divide 64 bits with an operator.

Why: where ``long`` has 32 bits, the compiler calls __udivdi3() or one of its like for ``/`` and ``%`` of 64 bits. The
kernel has none of them on most architectures, on purpose: what links on the author's 64 bits does not link there.
linux/math64.h has div_u64(), div64_u64(), do_div() and others.

Severity: a warning, for what the compiler knows of a value may spare it the call.

Not found: operands that are macros, or whose type is behind a typedef that the kernel's own headers do not define;
functions that ask for the width themselves, or that are inline; divisions among the arguments of what may be a
macro; divisions by constants that gcc has a short way for; in headers; files that their makefiles do not list in
plain words; members that become 64 bits wide while the division stays as it was.
"""

from __future__ import annotations

from collections.abc import Iterator

from checkseries.facts.answer import Possible
from checkseries.facts.c_decl import arch_of, kernel_source
from checkseries.facts.c_outline import Function, defined
from checkseries.facts.c_text import code, place
from checkseries.facts.c_width import Divided, callees, divided, divides
from checkseries.facts.kbuild import NOT_BUILT, built
from checkseries.facts.kconfig import model
from checkseries.facts.presence import Option, contrary, every, kconfig, presence_of, some
from checkseries.facts.reach import in_c
from checkseries.judge.history import History
from checkseries.judge.rule import Subject, bad, counted, good, rule
from checkseries.judge.witness import config
from checkseries.model import Confidence, Finding, Held, Severity, Undecided, Verdict
from checkseries.tree import Snapshot

_NARROW = contrary(Option("64BIT", "y"))
_OTHERS = frozenset(("arm64", "s390", "alpha", "ia64", "sparc", "loongarch"))
"""Architectures of 64 bits alone, and one that has the functions (arch/sparc/lib/udivdi3.S)."""
_MOST = 40  # functions of one file


def dividing(history: History, arch: str) -> Iterator[Subject]:
    """The functions with divisions that added lines change, with what else they call."""
    if arch in _OTHERS:
        return
    found: dict[Subject, None] = {}
    for step, path in history.touched(".c"):
        data, added = step.after.peek(path), step.added.get(path)
        if data is None or not added or not kernel_source(path) or (arch_of(path) or arch) != arch:
            continue
        source = code(data)
        for function in defined(data):
            first, last = source.line(function.start), source.line(function.body[1])
            if divides(source, function) and not added.isdisjoint(range(first, last + 1)):
                found[Subject(function.name, arch, (path, *callees(source, function)))] = None
    yield from list(found)[:_MOST]


def words(subject: Subject) -> tuple[str, ...]:
    """What the function calls: the declarations say how wide the results are."""
    return subject.detail[1:]


@rule(
    "division-64",
    severity=Severity.WARNING,
    confidence=Confidence.HIGH,
    since="0.1",
    subjects=dividing,
    words=words,
    summary=counted("functions that divide"),
    per_arch=True,
)
def check(tree: Snapshot, subject: Subject) -> Iterator[Verdict]:
    """One verdict a division of 64 bits."""
    path = subject.detail[0]
    data = tree.read(path)
    if data is None:
        return
    where = built(tree, path, subject.arch)
    functions = [each for each in defined(data) if each.name == subject.name]
    if where == NOT_BUILT or len(functions) != 1:
        return
    (function,) = functions
    for each in divided(tree, path, code(data), function, subject.arch):
        text = kconfig(
            every(
                (
                    some((where.inside, where.module)),
                    in_c(presence_of(data).at(code(data).line(each.at))),
                    each.under,
                    _NARROW,
                )
            )
        )
        yield _judged(tree, path, subject, function, each, text)


def _judged(
    tree: Snapshot, path: str, subject: Subject, function: Function, each: Divided, text: str | None
) -> Verdict:
    where = place(code(tree.read(path) or b""), path, each.at, function.name)
    if text is None:
        return Undecided(where, "whether this is built is not known")
    kernel = model(tree, subject.arch)
    match kernel.satisfiable(text):
        case Possible(witness=witness):
            what = f"{each.wide} has 64 bits" if each.wide else "an operand has 64 bits"
            return Finding(
                rule="division-64",
                severity=Severity.WARNING,
                confidence=Confidence.HIGH,
                place=where,
                subject=f"{each.wide} {each.operator}",
                message=f"`{each.operator}` needs a function that the kernel lacks on 32 bits: {what}; "
                "linux/math64.h has div_u64() and others",
                archs=(subject.arch,),
                witness=config(witness, subject.arch),
                profile=kernel.profile,
            )
    return Held(where, "it is built for 64 bits alone")


_KCONFIG = 'source "arch/$(SRCARCH)/Kconfig"\nconfig PARK\n\tbool "park"\n'
_PLAIN = (
    "#include <linux/park.h>\nint clock_rate(int cpu);\nu64 clock_read(int cpu);\n"
    "u64 go(struct park *p, u64 rate, u32 by)\n{\n\tu64 sum = rate;\n\n\treturn sum + p->wide + by;\n}\n"
)
_BASE = {
    "Kconfig": _KCONFIG,
    "Makefile": "drivers-y += d/\n",
    "arch/x86/Kconfig": 'config 64BIT\n\tbool "64 bits"\nconfig X86\n\tdef_bool y\n',
    "d/Makefile": "obj-$(CONFIG_PARK) += park.o\n",
    "d/park.c": _PLAIN,
    "include/linux/park.h": "#include <linux/types.h>\nstruct park {\n\tu64 wide;\n\tu32 narrow;\n\tu64 few:4;\n};\n",
    "include/linux/types.h": "typedef unsigned long long u64;\ntypedef unsigned int u32;\n#define MSEC 1000\n",
}


def _with(expression: str) -> dict[str, str]:
    return {"d/park.c": _PLAIN.replace("sum + p->wide + by", expression)}


EXAMPLES = (
    bad("a parameter by another", _BASE, _with("rate / by"), finds=("1 d/park.c:8",)),
    bad("a member by a constant", _BASE, _with("p->wide % 1000000"), finds=("1 d/park.c:8",)),
    bad("a constant of a macro", _BASE, _with("p->wide / MSEC"), finds=("1 d/park.c:8",)),
    bad("a product that is cast", _BASE, _with("(u64)by * 1000 / p->narrow"), finds=("1 d/park.c:8",)),
    bad("what a function returns", _BASE, _with("clock_read(by) / by"), finds=("1 d/park.c:8",)),
    bad(
        "an assignment",
        _BASE,
        {"d/park.c": _PLAIN.replace("\n\n\treturn", "\n\n\tsum /= by;\n\treturn")},
        finds=("1 d/park.c:8",),
    ),
    good("almost: by a power of two", _BASE, _with("rate / 4096")),
    good("almost: it was cast only for the division", _BASE, _with("(u64)by / p->narrow")),
    good("32 bits", _BASE, _with("p->narrow / by")),
    good("a bit-field", _BASE, _with("p->few / by")),
    good("what a function returns in 32 bits", _BASE, _with("clock_rate(by) / by")),
    good("a short way", _BASE, _with("rate % 3")),
    good("div_u64()", _BASE, _with("div_u64(rate, by)")),
    good(
        "for 64 bits alone",
        {**_BASE, "Kconfig": _KCONFIG + "\tdepends on 64BIT\n"},
        _with("rate / by"),
    ),
    good(
        "below an #ifdef",
        _BASE,
        {
            "d/park.c": _PLAIN.replace(
                "\treturn sum", "#ifdef CONFIG_64BIT\n\tsum = rate / by;\n#endif\n\treturn sum"
            )
        },
    ),
    good("it divided before, and still", {**_BASE, **_with("rate / by")}, _with("1 + rate / by")),
)
