"""What a module newly calls must be exported where it is built into the kernel.

Why: modpost refuses the module ("undefined!"), but only where the caller is built as a module. A build with
everything built in, as authors often have it, links.

Not found: functions that have a macro, or more than one definition, of their name; callers and functions whose
makefiles do not list them plainly; exports that are taken away; variables; inline functions of headers that a
module calls.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from checkseries.facts.answer import Possible, Unknown
from checkseries.facts.c_call import Call, calls_in
from checkseries.facts.c_decl import Declaration, arch_of, declarations
from checkseries.facts.c_text import code
from checkseries.facts.c_words import KEYWORDS
from checkseries.facts.kconfig import KconfigError, model
from checkseries.facts.objects import Way, ways
from checkseries.facts.presence import contrary, every, kconfig, some
from checkseries.judge.history import History
from checkseries.judge.rule import Subject, bad, counted, good, rule
from checkseries.judge.witness import config
from checkseries.model import Confidence, Finding, Held, Related, Severity, Undecided, Verdict
from checkseries.tree import Snapshot

_CALLED = re.compile(r"(?<![\w$.>#])([a-z_]\w*)[ \t]*\(", re.ASCII)
_MOST = 150
"""Files that may hold a name: what more of them use is exported, or is no function."""


def newly_called(history: History, _arch: str) -> Iterator[Subject]:
    """What added lines of files that may be modules call, and their files did not have before."""
    seen: set[Subject] = set()
    for step in history.steps:
        for path in step.touched:
            fresh = step.added.get(path)
            data = step.after.peek(path) if path.endswith(".c") and fresh else None
            if data is None or not fresh or not any(map(_modular, ways(step.after, path) or ())):
                continue
            lines = code(data).plain.split("\n")
            names = {
                match[1]
                for number in fresh
                if 0 < number <= len(lines)
                for match in _CALLED.finditer(lines[number - 1])
            }
            before = step.before.peek(path)
            if before is not None:
                names -= set(_CALLED.findall(code(before).plain))
            for name in sorted(names - KEYWORDS):
                subject = Subject(name, "", (path, *history.archs))
                if subject not in seen:
                    seen.add(subject)
                    yield subject


def _modular(way: Way) -> bool:
    return way.option not in ("y", "m")


@rule(
    "missing-export",
    severity=Severity.ERROR,
    confidence=Confidence.HIGH,
    since="0.1",
    subjects=newly_called,
    summary=counted("calls"),
)
def check(tree: Snapshot, subject: Subject) -> Iterator[Verdict]:
    """One verdict a function that a file calls."""
    name = subject.name
    path, *archs = subject.detail
    paths = tree.grep(name)
    if path not in paths or len(paths) > _MOST or not any(each.startswith("include/") for each in paths):
        return
    export = re.compile(rf"\b[A-Z_0-9]*EXPORT\w*\s*\(\s*{re.escape(name)}\b".encode(), re.ASCII)
    if any(export.search(tree.read(each) or b"") for each in paths):
        yield Held(None, f"{name} is exported")
        return
    declared = declarations(tree, name)
    defined = [each for each in declared if each.kind == "definition" and not each.static and not each.inline]
    stubs = [each for each in declared if each.kind == "definition" and each.static and _header(each)]
    prototypes = [each for each in declared if each.kind == "prototype"]
    if len(defined) != 1 or len(defined) + len(stubs) + len(prototypes) != len(declared) or not prototypes:
        return
    (target,) = defined
    if not target.place.path.endswith(".c") or not target.sure:
        return
    users, built = ways(tree, path), ways(tree, target.place.path)
    found = [call for call in calls_in(tree, path, name) if call.in_macro is None]
    if not users or not built or not found:
        return
    if any(way.composite for way in built) or len(built) != 1 or any(not _modular(way) for way in users):
        yield Undecided(found[0].place, f"how {target.place.path} and {path} are built is not known")
        return
    yield _judged(tree, archs, found[0], target, stubs, users, built[0])


def _header(each: Declaration) -> bool:
    return each.place.path.endswith(".h")


def _judged(
    tree: Snapshot,
    archs: list[str],
    call: Call,
    target: Declaration,
    stubs: list[Declaration],
    users: tuple[Way, ...],
    built: Way,
) -> Verdict:
    """Whether a module can call the function while it is built in: asked of one architecture after the other."""
    name = call.name
    here = kconfig(
        every((call.condition, target.condition, contrary(some(tuple(s.condition for s in stubs)))))
    )
    if here is None:
        return Undecided(call.place, f"when {name}() is called here is not known")
    for way in users:
        terms = [f"{way.option}=m", f"({here})"]
        terms += [f"{way.part}!=n"] if way.part != "y" else []
        terms += [f"{built.option}=y"] if built.option != "y" else []
        asked = " && ".join(terms)
        for arch in archs:
            if arch_of(target.place.path) not in (None, arch) or arch_of(call.place.path) not in (None, arch):
                continue
            try:
                kernel = model(tree, arch)
            except KconfigError:
                continue
            if kernel.type_of(way.option) != "tristate" or kernel.type_of(built.option) == "tristate":
                continue
            answer = kernel.satisfiable(asked)
            if isinstance(answer, Unknown):
                continue
            if isinstance(answer, Possible):
                return Finding(
                    rule="missing-export",
                    severity=Severity.ERROR,
                    confidence=Confidence.HIGH,
                    place=call.place,
                    subject=name,
                    message=f"{name}() is called by what can be a module ({way.option}=m), but is not exported",
                    related=(Related(target.place, f"{name}() is defined here, always built in"),),
                    witness=config(answer.witness, arch),
                    profile=kernel.profile,
                )
    return Held(call.place, f"no module was found that calls {name}()")


_KCONFIG = 'source "arch/$(SRCARCH)/Kconfig"\nconfig MODULES\n\tbool "modules"\n\tmodules\n\nconfig CAR\n\ttristate "car"\n'
_BASE = {
    "Kconfig": _KCONFIG,
    "arch/x86/Kconfig": "config X86\n\tdef_bool y\n",
    "drivers/car/Makefile": "obj-$(CONFIG_CAR) += car.o\n",
    "drivers/car/car.c": "#include <linux/park.h>\nvoid f(void)\n{\n}\n",
    "kernel/Makefile": "obj-y += park.o\n",
    "kernel/park.c": "#include <linux/park.h>\nvoid park(void)\n{\n}\n",
    "include/linux/park.h": "void park(void);\n",
}
_CALLS = {"drivers/car/car.c": "#include <linux/park.h>\nvoid f(void)\n{\n\tpark();\n}\n"}
_BOOL = _KCONFIG.replace("tristate", "bool")
_STUB = "#ifdef MODULE\nstatic inline void park(void) { }\n#else\nvoid park(void);\n#endif\n"

EXAMPLES = (
    bad("a module calls what is built in", _BASE, _CALLS, finds=("1 drivers/car/car.c:4",)),
    bad(
        "a part of a module does",
        {**_BASE, "drivers/car/Makefile": "obj-$(CONFIG_CAR) += all.o\nall-y := car.o\n"},
        _CALLS,
        finds=("1 drivers/car/car.c:4",),
    ),
    bad(
        "the function's file is included by another",
        {**_BASE, "kernel/Makefile": "obj-y += all.o\n", "kernel/all.c": '#include "park.c"\n'},
        _CALLS,
        finds=("1 drivers/car/car.c:4",),
    ),
    good(
        "almost: it is exported",
        {**_BASE, "kernel/park.c": _BASE["kernel/park.c"] + "EXPORT_SYMBOL_GPL(park);\n"},
        _CALLS,
    ),
    good("the caller cannot be a module", {**_BASE, "Kconfig": _BOOL}, _CALLS),
    good("modules have a stub", {**_BASE, "include/linux/park.h": _STUB}, _CALLS),
    good(
        "it is part of the same module",
        {
            **_BASE,
            "drivers/car/Makefile": "obj-$(CONFIG_CAR) += all.o\nall-y := car.o park.o\n",
            "drivers/car/park.c": _BASE["kernel/park.c"],
            "kernel/park.c": "",
        },
        _CALLS,
    ),
    good(
        "a call that was so before, and still is",
        {**_BASE, **_CALLS},
        {"drivers/car/car.c": "\n" + _CALLS["drivers/car/car.c"]},
    ),
)
