"""A member that the code names must be there in every configuration that compiles the code.

Why: members below an #ifdef are missing where the option is off, and only there the compiler says "no member named".
The author's configuration has the option on; the build robot's first random one has not.

Not found: members of what a call, a macro or a typedef gives; arguments of what may be a macro that drops them;
structs of which two headers hold a definition; conditions other than CONFIG symbols; lines that the series leaves as
they were.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator

from checkseries.facts.answer import Impossible, Possible
from checkseries.facts.c_decl import arch_of, kernel_source
from checkseries.facts.c_given import macro_for
from checkseries.facts.c_member import Named, members_named, owner
from checkseries.facts.c_outline import Chunk, declarators, functions, outline_of
from checkseries.facts.c_record import Field, Record
from checkseries.facts.c_text import Code, code, place
from checkseries.facts.include import includers, includes, meant, stem_word
from checkseries.facts.kbuild import NOT_BUILT, built
from checkseries.facts.kconfig import model
from checkseries.facts.presence import (
    NEVER,
    Expression,
    answered,
    contrary,
    every,
    kconfig,
    never,
    presence_of,
    said,
    some,
)
from checkseries.judge.history import History, Step
from checkseries.judge.rule import Subject, bad, counted, good, rule
from checkseries.judge.witness import config
from checkseries.model import Confidence, Finding, Held, Place, Related, Severity, Undecided, Verdict
from checkseries.tree import Snapshot

_MOST = 30  # members of one file that are proved
_NAMED = 20_000  # members that one file names
_INCLUDERS = 12
"""Files that include a header and are asked whether they are built."""
_ASSEMBLER = frozenset(("defined(__ASSEMBLER__)", "defined(__ASSEMBLY__)"))


def conditional(history: History, arch: str) -> Iterator[Subject]:
    """The members on added lines that are not there wherever the line is."""
    for step, path in history.touched(".c", ".h"):
        if kernel_source(path) and arch_of(path) in (None, arch) and step.added.get(path):
            found = dict.fromkeys(_conditional(step, path, arch))
            for name, symbol in list(found)[:_MOST]:
                yield Subject(name, arch, (path, symbol))


def _conditional(step: Step, path: str, arch: str) -> Iterator[tuple[str, str]]:
    data = step.after.peek(path)
    if data is None:
        return
    source = code(data)
    added = step.added[path]
    before = _conditions(step.before.peek(path), data)
    for named, line in _by_line(source):
        symbol = _symbol(source, named.at) if before or line in added else ""
        here = presence_of(data).at(line)
        if line in added or here not in before.get((symbol, named.name), (here,)):
            alone = _alone(step.after, path, source, named, arch)
            if alone is not None and not never(alone[0]):
                yield named.name, symbol


def _by_line(source: Code) -> Iterator[tuple[Named, int]]:
    """The members that a file names, with their lines; of too many the first."""
    line, counted_to = 1, 0
    found = itertools.islice(members_named(source, 0, len(source.plain)), _NAMED)
    for named in sorted(found, key=lambda each: each.at):
        line += source.plain.count("\n", counted_to, named.at)
        counted_to = named.at
        yield named, line


def _conditions(before: bytes | None, after: bytes) -> dict[tuple[str, str], set[Expression]]:
    """Under which conditions each function named each member, if the file's conditions have changed since."""
    if before is None or _branches(before) == _branches(after):
        return {}
    source = code(before)
    found: dict[tuple[str, str], set[Expression]] = {}
    for named, line in _by_line(source):
        here = presence_of(before).at(line)
        found.setdefault((_symbol(source, named.at), named.name), set()).add(here)
    return found


def _branches(data: bytes) -> list[tuple[str, Expression]]:
    return [(each.word, each.condition) for each in presence_of(data).branches]


def _symbol(source: Code, at: int) -> str:
    """The function or object that an offset lies in."""
    chunk = outline_of(source.data).chunk(at)
    return "" if chunk is None else _head(source.data, chunk)


@functools.lru_cache(maxsize=256)  # a pure function of the bytes
def _head(data: bytes, chunk: Chunk) -> str:
    source = code(data)
    if chunk.body is not None:
        return functions(source, chunk)[0].name
    found = declarators(source, chunk.start, chunk.end)
    return found[0].name if found else ""


def _alone(
    tree: Snapshot, path: str, source: Code, named: Named, arch: str
) -> tuple[Expression, Expression, tuple[Field, ...], tuple[Record, ...]] | None:
    """When a line is compiled and the member that it names is not there, when that is, and what declares it.

    None if it is not known what declares it.
    """
    found = owner(tree, path, named, arch)
    if not found or macro_for(tree, path, named.name):
        return None
    if any(named.name in each.loose or not each.whole for each in found):
        return None
    fields = tuple(field for each in found for field in each.named(named.name))
    there = _in_c(some(tuple(field.condition for field in fields)))
    here = _in_c(presence_of(source.data).at(source.line(named.at)))
    return every((here, contrary(there))), there, fields, found


def _in_c(of: Expression) -> Expression:
    """The condition for the compiler of C."""
    return answered(of, lambda each: NEVER if each.text in _ASSEMBLER else each)


def words(subject: Subject) -> tuple[str, ...]:
    """For a header, what its includers hold."""
    path = subject.detail[0]
    return (stem_word(path),) if path.endswith(".h") else ()


@rule(
    "member-in-config",
    severity=Severity.ERROR,
    confidence=Confidence.HIGH,
    since="0.1",
    subjects=conditional,
    words=words,
    summary=counted("members that added lines name"),
    per_arch=True,
)
def check(tree: Snapshot, subject: Subject) -> Iterator[Verdict]:
    """One verdict a member in a function, or in the initialiser of an object."""
    path, symbol = subject.detail
    data = tree.read(path)
    if data is None:
        return
    source = code(data)
    verdict: Verdict | None = None
    for named in members_named(source, 0, len(source.plain)):
        if named.name == subject.name and _symbol(source, named.at) == symbol:
            verdict = _judged(tree, path, source, named, subject.arch)
            if isinstance(verdict, Finding):
                break
    if verdict is not None:
        yield verdict


def _judged(tree: Snapshot, path: str, source: Code, named: Named, arch: str) -> Verdict:
    where = place(source, path, named.at, _symbol(source, named.at))
    answer = _alone(tree, path, source, named, arch)
    if answer is None:
        return Undecided(where, f"which struct has {named.name} is not known")
    alone, there, fields, found = answer
    if never(alone):
        return Held(where, f"{named.name} is there wherever it is named")
    compiled = tuple(_compiled(tree, path, arch))
    if not compiled:
        return Undecided(where, f"what builds {path} is not known")
    kernel = model(tree, arch)
    why = ""
    for each in compiled:
        condition = kconfig(every((each, alone)))
        if condition is None:
            why = f"{said(every((each, alone)))} is not decided by Kconfig"
            continue
        match kernel.satisfiable(condition):
            case Possible(witness=witness):
                return Finding(
                    rule="member-in-config",
                    severity=Severity.ERROR,
                    confidence=Confidence.HIGH,
                    place=where,
                    subject=named.name,
                    message=_message(named.name, found[0].place, there),
                    archs=(arch,),
                    related=tuple(Related(field.place, "declared here") for field in fields[:2])
                    or (Related(found[0].place, f"{found[0].place.symbol} is defined here"),),
                    witness=config(witness, arch),
                    profile=kernel.profile,
                )
            case Impossible():
                continue
            case unknown:
                why = unknown.because
    return Undecided(where, why) if why else Held(where, f"{named.name} is there wherever it is compiled")


def _message(name: str, where: Place, there: Expression) -> str:
    if there == NEVER:
        return f"{where.symbol} has no member named {name}"
    return (
        f"{where.symbol} has a member named {name} only if {said(there)}, but this is compiled without it too"
    )


def _compiled(tree: Snapshot, path: str, arch: str) -> Iterator[Expression]:
    """When a file is compiled: as an object of its own, or as a header of some that are."""
    if not path.endswith(".h"):
        found = built(tree, path, arch)
        if found != NOT_BUILT:
            yield some((found.inside, found.module))
        return
    directory = path.rpartition("/")[0]
    users = [each for each in includers(tree, path) if each.endswith(".c") and arch_of(each) in (None, arch)]
    users.sort(key=lambda each: (each.rpartition("/")[0] != directory, each))
    for user in users[:_INCLUDERS]:
        found = built(tree, user, arch)
        if found == NOT_BUILT:
            continue
        for each in includes(tree, user):
            if meant(tree, user, each.name, each.quoted) == (path,):
                yield every((some((found.inside, found.module)), each.condition))
                break


_KCONFIG = 'source "arch/$(SRCARCH)/Kconfig"\nconfig PM\n\tbool "pm"\nconfig PARK\n\tbool "park"\nconfig DEEP\n\tbool "deep"\n'
_HEADER = "struct spot {\n\tint cpu;\n#ifdef CONFIG_PM\n\tint wake;\n#endif\n};\nstruct park {\n\tstruct spot spot;\n\tstruct spot *next;\n};\n"
_BASE = {
    "Kconfig": _KCONFIG,
    "arch/x86/Kconfig": "config X86\n\tdef_bool y\n",
    "Kbuild": "obj-y += d/\n",
    "d/Makefile": "obj-$(CONFIG_PARK) += park.o\n",
    "include/park.h": _HEADER,
    "d/park.c": "#include <park.h>\nint x;\n",
}
_GO = "#include <park.h>\nint go(struct park *p)\n{\n\treturn p->next->cpu;\n}\n"
_WAKE = _GO.replace("cpu", "wake")
_TABLE = "#include <park.h>\nstatic struct spot here = {\n\t.cpu = 1,\n\t.wake = 2,\n};\n"
_INLINE = "static inline int wakes(struct spot *s)\n{\n\treturn s->wake;\n}\n"

EXAMPLES = (
    bad("a member below an #ifdef", _BASE, {"d/park.c": _WAKE}, finds=("1 d/park.c:4",)),
    bad("a designator", _BASE, {"d/park.c": _TABLE}, finds=("1 d/park.c:4",)),
    bad(
        "a member that there is not",
        _BASE,
        {"d/park.c": _GO.replace("next->cpu", "spot.deep")},
        finds=("1 d/park.c:4",),
    ),
    bad(
        "a header's function that stands in no #ifdef",
        {**_BASE, "include/park.h": f"{_HEADER}#ifdef CONFIG_PM\n{_INLINE}#endif\n"},
        {"include/park.h": f"{_HEADER}\n{_INLINE}"},
        finds=("1 include/park.h:14",),
    ),
    good("almost: below the same #ifdef", _BASE, {"d/park.c": f"#ifdef CONFIG_PM\n{_WAKE}#endif\n"}),
    good(
        "the driver needs the option",
        {**_BASE, "Kconfig": _KCONFIG.replace('"park"\n', '"park"\n\tdepends on PM\n')},
        {"d/park.c": _WAKE},
    ),
    good(
        "the member in both branches",
        {**_BASE, "include/park.h": _HEADER.replace("#endif", "#else\n\tchar wake;\n#endif")},
        {"d/park.c": _WAKE},
    ),
    good(
        "another struct's member, behind a macro of the name",
        {**_BASE, "include/park.h": _HEADER + "#define deep spot.cpu\n"},
        {"d/park.c": _GO.replace("next->cpu", "deep")},
    ),
    good(
        "a macro brings the member",
        {**_BASE, "include/park.h": _HEADER.replace("\tint cpu;\n", "\tint cpu;\n\tDEEP_PARTS\n")},
        {"d/park.c": _GO.replace("next->cpu", "spot.deep")},
    ),
    good("missing without PM before, and still", {**_BASE, "d/park.c": _WAKE}, {"d/park.c": "\n" + _WAKE}),
)
