"""An object in .data..ro_after_init must not be written once boot is over.

Why: mark_rodata_ro() makes that section read-only at the end of boot. A later write faults: on a secondary CPU
that comes up again, in a module, in a callback; and boot tests never see it.

Not found: writes through pointers; writes from assembly. Counted as unknown: functions whose address code hands on
as an argument or puts into a table that boot may call; exported functions, if nothing else calls them later; writes
that depend on the state of the system, on the CPU being the boot CPU or on a flag; architectures that never make
the section read-only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from checkseries.facts.answer import Holds, Unknown
from checkseries.facts.c_decl import kernel_source
from checkseries.facts.c_life import Later, guard, only_at_boot
from checkseries.facts.c_object import CObject, objects_in, objects_named
from checkseries.facts.c_sealed import ATTRIBUTE, names_nearby, sealed, sealed_objects
from checkseries.facts.c_write import Write, writes, writes_in
from checkseries.judge.history import History, Step
from checkseries.judge.rule import Subject, bad, good, rule, told
from checkseries.model import (
    Confidence,
    Finding,
    Held,
    Related,
    Severity,
    Undecided,
    Verdict,
    Witness,
    WitnessKind,
)
from checkseries.tree import Snapshot

_WRITTEN = re.compile(
    r"(?:^|[;{}(,]|\*)\s*(?:WRITE_ONCE\s*\(\s*)?([A-Za-z_]\w*)\s*(?:\[[^\]]*\]|\.\s*\w+|->\s*\w+)*\s*(?:(?:[-+*/%&|^]|<<|>>)?=(?!=)|\+\+|--|,)",
    re.ASCII,
)
_WORD = re.compile(r"[A-Za-z_]\w*", re.ASCII)


def touched_objects(history: History, _arch: str) -> Iterator[Subject]:
    """Read-only objects that added lines name, or whose writer they name, and foreign ones that they may write."""
    named = [_subject(history, name) for name in sorted(set(_named(history)))]
    for subject in named:  # before anything is searched for: one search is to serve all
        history.base.expect(words(subject))
    yield from named
    yield from (_subject(history, name) for name in sorted(set(_foreign(history))))


def _subject(history: History, name: str) -> Subject:
    return Subject(name, "", tuple(sorted(_writers(history, name))))


def _named(history: History) -> Iterator[str]:
    added = {
        word
        for step, path in history.touched()
        for line in _added(step, path)
        for word in _WORD.findall(line)
    }
    for step, path in history.touched():
        if kernel_source(path):
            for name in {each.name for each in objects_in(step.after, path) if sealed(each)}:
                writers = {
                    each.function.name for each in writes_in(step.after, path, name, path) if each.function
                }
                if name in added or not added.isdisjoint(writers):
                    yield name


def _foreign(history: History) -> Iterator[str]:
    """Names that added lines seem to write to, that their file does not define, and that are sealed elsewhere."""
    for step, path in history.touched():
        names = {name for line in _added(step, path) for name in _WRITTEN.findall(line)}
        if names:
            here = {each.name for each in objects_in(step.after, path)}
            nearby = sorted(names & names_nearby(step.after) - here)
            yield from (name for name in nearby if sealed_objects(step.after, name))


def _writers(history: History, name: str) -> set[str]:
    """The functions in touched files that write the object: their callers will be searched for."""
    paths = sorted({path for _, path in history.touched() if kernel_source(path)})
    owners = [path for path in paths if objects_named(history.last, path, name)]
    return {
        write.function.name
        for path in paths
        for owner in owners
        for write in writes_in(history.last, path, name, owner)
        if write.function
    }


def _added(step: Step, path: str) -> list[str]:
    """The lines that a patch adds to a C file."""
    fresh = step.added.get(path, frozenset())
    if not fresh or not kernel_source(path):
        return []
    lines = (step.after.text(path) or "").split("\n")
    return [lines[number - 1] for number in sorted(fresh) if number <= len(lines)]


def words(subject: Subject) -> tuple[str, ...]:
    """The object, the functions that write it, and the attribute."""
    return (subject.name, *subject.detail, ATTRIBUTE)


def summary(holds: int, broken: int, unknown: int) -> str:
    """``2 writes of objects that are read-only after boot, all at boot``."""
    total = holds + broken + unknown
    what = f"{total} write{'s' if total != 1 else ''} of objects that are read-only after boot"
    if holds == total:
        return f"{what}, all at boot"
    return f"{what}: {told((holds, 'at boot'), (broken, 'later'), (unknown, 'unknown'))}"


@rule(
    "ro-after-init-write",
    severity=Severity.ERROR,
    confidence=Confidence.HIGH,
    since="0.1",
    subjects=touched_objects,
    words=words,
    summary=summary,
    searching=True,
)
def check(tree: Snapshot, subject: Subject) -> Iterator[Verdict]:
    """One verdict a write of the object."""
    owners = {each.place.path: each for each in sealed_objects(tree, subject.name)}
    if not owners:
        return
    for write in writes(tree, subject.name):
        if write.owner in owners:
            yield _write(tree, write, owners[write.owner])


def _write(tree: Snapshot, write: Write, owner: CObject) -> Verdict:
    name = write.name
    if write.function is None or write.in_macro:
        return Undecided(write.place, f"{name} is written by a macro")
    if write.function.init:
        return Held(write.place, f"{write.function.name}() is init code")
    if write.kind == "escape":
        return Undecided(write.place, f"the address of {name} is handed to {write.how}")
    if not write.sure:
        return Undecided(write.place, f"whether this writes {name} is not sure")
    match only_at_boot(tree, write.place.path, write.function.name, write.condition):
        case Holds(because=because):
            return Held(write.place, because)
        case Unknown(because=because):
            return Undecided(write.place, f"{write.function.name}() may run after boot: {because}")
        case Later(chain=chain, arch=arch):
            state = guard(tree, write.place)
            if state is not None:
                return Undecided(
                    write.place, f"{state} may keep {write.function.name}() from writing it later"
                )
            return Finding(
                rule="ro-after-init-write",
                severity=Severity.ERROR,
                confidence=Confidence.HIGH,
                place=write.place,
                subject=name,
                message=f"{name} is read-only after boot, but {write.function.name}() writes it later",
                archs=(arch,) if arch else (),
                related=(Related(owner.place, f"{name} is put into .data..ro_after_init here"),),
                witness=Witness(WitnessKind.SITE, chain),
            )


_OBJECT = "struct slot { long status; };\nstruct slot slots[8] __ro_after_init;\n\n"
_PLAIN = _OBJECT.replace(" __ro_after_init", "")
_INIT = "void __init slots_init(int cpu)\n{\n\tslots[cpu].status = 1;\n}\n"
_LATER = "asmlinkage void secondary_start(int cpu)\n{\n\tslots[cpu].status = 1;\n}\n"
_HELPED = "static void set_slot(int cpu)\n{\n\tWRITE_ONCE(slots[cpu].status, 1);\n}\n\n"
_CALLED = "asmlinkage void secondary_start(int cpu)\n{\n\tset_slot(cpu);\n}\n"
_GUARDED = "asmlinkage void secondary_start(int cpu)\n{{\n\tif ({})\n\t\tset_slot(cpu);\n}}\n"
_TABLE = "static const struct ops ops[] = {{\n\t{}\n}};\n"

EXAMPLES = (
    bad(
        "written where assembly enters",
        {"smp.c": _PLAIN + _LATER},
        {"smp.c": _OBJECT + _LATER},
        finds=("1 smp.c:6",),
    ),
    bad(
        "a new writer, by way of a helper",
        {"smp.c": _OBJECT + _INIT},
        {"smp.c": _OBJECT + _INIT + _HELPED + _CALLED},
        finds=("1 smp.c:10",),
    ),
    bad(
        "in another file, in an exported function that user space calls too",
        {
            "include/slots.h": "struct slot { long status; };\nextern struct slot slots[8];\n",
            "smp.c": '#include "slots.h"\nstruct slot slots[8] __ro_after_init;\n',
            "lib.c": "void park(int cpu)\n{\n}\nEXPORT_SYMBOL_GPL(park);\n",
        },
        {
            "lib.c": "void park(int cpu)\n{\n\tslots[cpu].status = 2;\n}\nEXPORT_SYMBOL_GPL(park);\n"
            "static const struct file_operations ops = {\n\t.write = park,\n};\n"
        },
        finds=("1 lib.c:3",),
    ),
    bad(
        "in a callback",
        {"smp.c": _OBJECT + _HELPED},
        {"smp.c": _OBJECT + _HELPED + "static const struct ops ops = {\n\t.online\t= set_slot,\n};\n"},
        finds=("1 smp.c:6",),
    ),
    bad(
        "when a CPU comes up",
        {"smp.c": _OBJECT + _HELPED},
        {"smp.c": _OBJECT + _HELPED + _TABLE.format("[7] = {\n\t\t.startup.single = set_slot,\n\t},")},
        finds=("1 smp.c:6",),
    ),
    bad(
        "at unload",
        {"smp.c": _OBJECT},
        {"smp.c": _OBJECT + "static void __exit leave(void)\n{\n\tslots[0].status = 0;\n}\n"},
        finds=("1 smp.c:6",),
    ),
    good("written by __init code", {"smp.c": _OBJECT}, {"smp.c": _OBJECT + _INIT}),
    good(
        "written by a helper of __init code",
        {"smp.c": _OBJECT},
        {"smp.c": _OBJECT + _HELPED + "void __init start(void)\n{\n\tset_slot(0);\n}\n"},
    ),
    good(
        "another object of that name in another file",
        {"smp.c": _OBJECT + _INIT},
        {"other.c": "static struct slot slots[8];\n" + _LATER},
    ),
    good(
        "a local variable of that name",
        {"smp.c": _OBJECT + _INIT},
        {
            "smp.c": _OBJECT
            + _INIT
            + "asmlinkage void f(void)\n{\n\tstruct slot slots[2];\n\n\tslots[0].status = 1;\n}\n"
        },
    ),
    good(
        "only read",
        {"smp.c": _OBJECT},
        {"smp.c": _OBJECT + "asmlinkage long f(int cpu)\n{\n\treturn slots[cpu].status == 1;\n}\n"},
    ),
    good(
        "a probe callback, which boot calls: not known",
        {"smp.c": _OBJECT + _HELPED},
        {"smp.c": _OBJECT + _HELPED + "static struct driver driver = {\n\t.probe = set_slot,\n};\n"},
    ),
    *(
        good(title, {"smp.c": _OBJECT + _HELPED}, {"smp.c": _OBJECT + _HELPED + more})
        for title, more in (
            ("a function that is only exported: not known", "EXPORT_SYMBOL(set_slot);\n"),
            (
                "a table that boot throws away",
                "static struct ops ops __initdata = {\n\t.online = set_slot,\n};\n",
            ),
            ("a member that boot may call alone", _TABLE.format(".smp_setup = set_slot,")),
            ("its size in a table", _TABLE.format(".online = sizeof(set_slot),")),
            ("the element behind a known member", _TABLE.format(".online = other, set_slot")),
            ("called while the system boots", _GUARDED.format("system_state == SYSTEM_BOOTING")),
            ("called on the boot CPU", _GUARDED.format("cpu == 0")),
            ("called once", "static int done;\n" + _GUARDED.format("!done")),
            ("called by what is never built", f"#if 0\n{_CALLED}#endif\n"),
            ("called by __ref code", "asmlinkage void __ref start(void)\n{\n\tset_slot(0);\n}\n"),
            (
                "called by code of network namespaces",
                "static int __net_init start(void)\n{\n\tset_slot(0);\n}\n",
            ),
        )
    ),
    good(
        "on an architecture that never makes the section read-only",
        {
            "arch/mips/smp.c": _OBJECT,
            "arch/mips/Kconfig": "config MIPS\n\tdef_bool y\n",
            "arch/Kconfig": "config ARCH_HAS_STRICT_KERNEL_RWX\n\tbool\n",
        },
        {"arch/mips/smp.c": _OBJECT + _LATER},
    ),
    good(
        "the write was there before",
        {"smp.c": _OBJECT + _LATER},
        {"smp.c": _OBJECT + "int more;\n" + _LATER.replace("= 1", "= 2")},
    ),
)
