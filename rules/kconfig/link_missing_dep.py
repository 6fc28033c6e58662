"""What a file uses must be linked wherever the file is.

Why: a missing ``depends on`` or ``select`` is no error of the compiler. In the one configuration that has the user
and not the definer, or the definer as a module and the user built in, the linker ends with "undefined reference"
or modpost with "undefined!"; robots find it weeks later, the author's configuration has both.

Not found: uses by way of inline functions of two headers, or of macros that are more than an expression; definers that assembly or a macro makes, or whose
makefile computes their names; names that more than 150 files hold; dependencies that another symbol loses.
"""

from __future__ import annotations

import functools
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace

from checkseries.facts.answer import Possible, Unknown
from checkseries.facts.c_alive import Alive, Through, alive_in, constant, started, through
from checkseries.facts.c_call import uses
from checkseries.facts.c_decl import (
    Declaration,
    arch_of,
    declarations,
    declared_in,
    functions_in,
    kernel_source,
    seen_from,
)
from checkseries.facts.c_object import CObject, objects, objects_in
from checkseries.facts.c_text import code
from checkseries.facts.c_words import KEYWORDS
from checkseries.facts.include import includes, meant
from checkseries.facts.kbuild import NOT_BUILT, Built, built, library, sources_of
from checkseries.facts.kconfig import KconfigError, model
from checkseries.facts.kconfig.lexical import definitions, definitions_of, paths, references
from checkseries.facts.kconfig.needs import needed
from checkseries.facts.linked import Definers, apart, compiled, definers
from checkseries.facts.places import line_place
from checkseries.facts.presence import (
    All,
    Expression,
    Option,
    Some,
    contrary,
    every,
    kconfig,
    never,
    said,
    some,
)
from checkseries.judge.history import History
from checkseries.judge.rule import Subject, bad, counted, good, rule
from checkseries.judge.witness import config
from checkseries.model import Confidence, Finding, Held, Place, Related, Severity, Undecided, Verdict
from checkseries.tree import Snapshot
from checkseries.tree.base import identifiers

_CALLED = re.compile(r"(?<![\w$.>#])([a-z_]\w*)[ \t]*\(", re.ASCII)
_ADDRESS = re.compile(r"(?<![\w$&)\]])&[ \t]*([a-z_]\w*)[ \t]*(?=[,;)}\n])", re.ASCII)
_EXPORTED = re.compile(rb"^EXPORT_SYMBOL\w*\s*\(\s*(\w+)", re.ASCII | re.MULTILINE)
_MOST = 150
"""Files that may hold a name: what more of them use is of the core."""
_MOST_USERS = 2000  # files that use a macro: what more of them use is of the core
_MOST_INNER = 200  # names that the macros of one series use
_MOST_LOST = 30  # needs that a series takes away, and files that a symbol builds
_MOST_NAMES = 400  # names of one file
_LONGEST = 120  # characters of a condition that a message tells
_NAMED = 3  # names that a message tells


def newly_used(history: History, arch: str) -> Iterator[Subject]:
    """Each file with what its added lines use newly."""
    for path, names in _used(history):
        if arch_of(path) in (None, arch):
            yield Subject(path, arch, names)


@functools.lru_cache(maxsize=1)  # the same on every architecture
def _used(history: History) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Each file with what added lines of it use, and it neither has itself nor used before.

    Files of a symbol that loses a dependency or select count too, with what they use of the lost one's.
    """
    found: dict[str, set[str]] = defaultdict(set)
    for step, path in history.touched(".c"):
        fresh = step.added.get(path)
        data = step.after.peek(path)
        if data is None or not fresh or not kernel_source(path) or apart(path):
            continue
        lines = code(data).plain.split("\n")
        added = "\n".join(lines[number - 1] for number in sorted(fresh) if 0 < number <= len(lines))
        names = set(_CALLED.findall(added)) - KEYWORDS
        addresses = set(_ADDRESS.findall(added)) - KEYWORDS - names
        before = step.before.peek(path)
        if before is not None:
            old = code(before).plain
            names -= set(_CALLED.findall(old))
            addresses -= set(_ADDRESS.findall(old))
        own = {each.name for each in functions_in(step.after, path) if each.kind != "prototype"}
        own |= {each.name for each in objects_in(step.after, path) if not each.extern}
        names -= own
        names |= {name for name in addresses - own if any(uses(data, name))}
        found[path] |= names
    for path, name in _ungated(history):
        found[path].add(name)
    tree = history.last
    tree.expect(name for some_names in found.values() for name in some_names)
    left = _MOST_INNER
    used = []
    for path, some_names in sorted(found.items()):
        plain = sorted(some_names)[:_MOST_NAMES]
        inner = sorted({f"{inner.name} {name}" for name in plain for inner in _inner(tree, path, name)})[
            :left
        ]
        left -= len(inner)
        if plain:
            used.append((path, (*plain, *inner)))
    return tuple(used)


def _ungated(history: History) -> Iterator[tuple[str, str]]:
    """What the files of a symbol use of those of another one that its entry needs no more."""
    left = _MOST_LOST
    for step in history.steps:
        for path in step.touched:
            if path not in paths(step.before) or step.after.peek(path) is None:
                continue
            before, after = _needs(step.before, path), _needs(step.after, path)
            for symbol in sorted(before.keys() & set(definitions_of(step.after, path))):
                lost = before[symbol] - after.get(symbol, set())
                for other in sorted(lost)[:left]:
                    left -= 1
                    yield from _shared(step.after, path, symbol, other)


def _needs(tree: Snapshot, path: str) -> dict[str, set[str]]:
    """What the entries of a Kconfig file depend on or select."""
    found: dict[str, set[str]] = defaultdict(set)
    for each in references(tree, path):
        if each.entry and each.keyword in ("depends", "select"):
            found[each.entry].add(each.name)
    return found


def _shared(tree: Snapshot, path: str, symbol: str, other: str) -> Iterator[tuple[str, str]]:
    """Each file that a symbol builds, with what another symbol's files export and it uses."""
    users = sources_of(tree, path.rpartition("/")[0], symbol)[:_MOST_LOST]
    places = {where.rpartition("/")[0] for where, _ in definitions(tree).get(other, ())} if users else ()
    exported = {
        match[1].decode()
        for directory in sorted(places)
        for file in sources_of(tree, directory, other)[:_MOST_LOST]
        for match in _EXPORTED.finditer(tree.peek(file) or b"")
    }
    for user in users:
        words = {word.decode() for word in identifiers(tree.peek(user) or b"")}
        for name in sorted(exported & words):
            yield user, name


def _inner(tree: Snapshot, path: str, name: str) -> tuple[Through, ...]:
    """What a macro or inline function uses where a file uses it; nothing unless one header alone declares the name."""
    paths = tree.grep(name)
    if len(paths) > _MOST_USERS:
        return ()
    directory = path.rpartition("/")[0]
    headers = [
        other
        for other in paths
        if other.endswith(".h")
        and kernel_source(other)
        and ("include/" in other or f"{directory}/".startswith(f"{other.rpartition('/')[0]}/"))
        and declared_in(tree, other, name)
    ]
    return through(tree, headers[0], name) if len(headers) == 1 and not arch_of(headers[0]) else ()


def used_names(subject: Subject) -> tuple[str, ...]:
    """The names to search for."""
    return tuple(each.partition(" ")[0] for each in subject.detail)


@dataclass(frozen=True, slots=True)
class _Case:
    """A use that is not linked, on one arch, where a condition holds."""

    name: str
    macro: str
    """The macro or inline function that uses it where the file does not itself."""
    use: Alive
    definers: Definers
    module: bool
    arch: str

    @property
    def said(self) -> str:
        """The name for people."""
        return f"{self.macro} ({self.name})" if self.macro else self.name


@rule(
    "link-missing-dep",
    severity=Severity.ERROR,
    confidence=Confidence.HIGH,
    since="0.1",
    subjects=newly_used,
    words=used_names,
    per_arch=True,
    searching=True,
    summary=counted("files"),
)
def check(tree: Snapshot, subject: Subject) -> Iterator[Verdict]:
    """One verdict a file and definer of which some configuration has the one without the other."""
    path = subject.name
    if tree.read(path) is None:
        return
    broken: dict[str, list[tuple[_Case, tuple[str, ...], str]]] = defaultdict(list)
    doubts: dict[str, Undecided] = {}
    for written in subject.detail:
        name, _, macro = written.partition(" ")
        if len(tree.grep(name)) > _MOST:
            continue
        answer = _asked(tree, path, name, macro, subject.arch)
        if isinstance(answer, Undecided):
            doubts.setdefault(name, answer)
        elif answer is not None:
            broken[answer[0].definers.found[0].place.path].append(answer)
    for where, cases in sorted(broken.items()):
        yield _finding(tree, path, where, cases)
    if doubts:
        yield from doubts.values()
    elif not broken:
        yield Held(None, path)


def _asked(
    tree: Snapshot, path: str, name: str, macro: str, arch: str
) -> tuple[_Case, tuple[str, ...], str] | Undecided | None:
    """The use of a name that is not linked on an arch, with its witness; None if there is none."""
    user = built(tree, path, arch)
    if user == NOT_BUILT or library(tree, path):
        return None
    of = definers(tree, name, arch)
    if not of.found:
        return None
    if any(each.place.path == path for each in of.found):
        return None
    hidden = _hidden(tree, path, name, arch)
    if hidden is None:
        return None
    for module in (False, True):
        for use in _uses(tree, path, name, macro):
            answer = _proved(tree, path, _Case(name, macro, use, of, module, arch), user, hidden)
            if answer is not None:
                return answer
    return None


def _uses(tree: Snapshot, path: str, name: str, macro: str) -> Iterator[Alive]:
    """The uses of a name in a file, or of a macro that uses it."""
    if not macro:
        yield from alive_in(tree, path, name)
        return
    inner = [each for each in _inner(tree, path, macro) if each.name == name]
    for use in (*alive_in(tree, path, macro), *started(tree, path, macro)) if inner else ():
        for each in inner:
            names = tuple(dict.fromkeys((*use.names, *each.names)))
            yield replace(use, when=every((use.when, each.when)), names=names, doubt=use.doubt or each.doubt)


def _hidden(tree: Snapshot, path: str, name: str, arch: str) -> Expression | None:
    """When a file sees no declaration of a name that needs a linker: a stub, a macro; None if that is not known."""
    declared_at = declarations(tree, name)
    bases = {each.place.path.rpartition("/")[2] for each in declared_at if each.place.path.endswith(".h")}
    included = {
        other
        for each in includes(tree, path)
        if each.name.rpartition("/")[2] in bases
        for other in meant(tree, path, each.name, each.quoted)[:_MOST]
    }
    seen = seen_from(declared_at, path)
    found = tuple(
        each
        for each in declared_at
        if (each in seen or each.place.path in included) and arch_of(each.place.path) in (None, arch)
    )
    stubs: list[Declaration] = []
    plain: list[Declaration | CObject] = []
    for each in found:
        if each.place.path == path:
            return None
        if each.kind == "prototype" and not each.static:
            plain.append(each)
        elif each.place.path.endswith(".h"):
            stubs.append(each)
    plain += [
        thing
        for thing in (objects(tree, name) if not plain else ())
        if thing.extern and thing.place.path.endswith(".h") and arch_of(thing.place.path) in (None, arch)
    ]
    if not plain:
        return None
    declared = some(tuple(each.condition for each in plain))
    return some((contrary(declared), *(each.condition for each in stubs)))


def _proved(
    tree: Snapshot, path: str, case: _Case, user: Built, hidden: Expression
) -> tuple[_Case, tuple[str, ...], str] | Undecided | None:
    """Whether a configuration has a use, and not what it uses."""
    module = case.module
    there = case.definers.there(module=module)
    when = every(
        (
            user.module if module else user.inside,
            *(compiled(each, module=module) for each in (case.use.when, contrary(hidden))),
        )
    )
    if never(when) or never(every((when, contrary(there)))) or _implied(tree, when, there):
        return None
    what = f"whether {case.name} is linked with {path}"
    place = Place(path, case.use.line)
    if case.use.doubt:
        return Undecided(place, f"{what}: {case.use.doubt}")
    asked = kconfig(every((when, contrary(there))))
    if asked is None:
        return Undecided(place, f"{what} is not decided by Kconfig alone")
    try:
        kernel = model(tree, case.arch)
    except KconfigError:
        return None
    answer = kernel.satisfiable(asked)
    if isinstance(answer, Possible):
        # Only now is it worth looking at what headers make of the conditions on the way.
        tree.expect(each.removesuffix("(") for each in case.use.names)
        for each in case.use.names:
            closed = constant(tree, each, path, case.arch)
            if closed is None:
                return Undecided(place, f"{what} hangs on {each.removesuffix('(')}, which cannot be told")
            when = every((when, contrary(compiled(closed, module=module))))
        asked = kconfig(every((when, contrary(there))))
        if asked is None:
            return Undecided(place, f"{what} is not decided by Kconfig alone")
        answer = kernel.satisfiable(asked)
    if isinstance(answer, Unknown):
        return Undecided(place, f"{what}: {answer.because}")
    if not isinstance(answer, Possible):
        return None
    return case, answer.witness, kernel.profile


def _implied(tree: Snapshot, when: Expression, there: Expression) -> bool:
    """Whether the entries of the symbols that a use needs say by themselves that the definer is there."""
    least: dict[str, str] = {}
    for term in when.of if isinstance(when, All) else (when,):
        pairs: tuple[Option, ...] = (term,) if isinstance(term, Option) else ()
        if isinstance(term, Some) and len({each.name for each in term.of if isinstance(each, Option)}) == 1:
            pairs = tuple(each for each in term.of if isinstance(each, Option) and each.value == "m")
        for option in pairs:
            for name, value in needed(tree, option.name, option.value).items():
                least[name] = "y" if "y" in (value, least.get(name)) else value
    return _met(there, least)


def _met(of: Expression, least: dict[str, str]) -> bool:
    """Whether symbols that have at least some values make a condition hold."""
    match of:
        case Option(name, value):
            return value == "y" and least.get(name) == "y"
        case All(terms):
            return all(_met(term, least) for term in terms)
        case Some(terms):
            both = {each.name for each in terms if isinstance(each, Option) and each.value == "y"}
            both &= {each.name for each in terms if isinstance(each, Option) and each.value == "m"}
            return bool(both & least.keys()) or any(_met(term, least) for term in terms)
    return of == every(())


def _finding(
    tree: Snapshot, path: str, where: str, cases: list[tuple[_Case, tuple[str, ...], str]]
) -> Finding:
    """All that one file misses of another one."""
    cases = sorted(cases, key=lambda each: (each[0].use.line, each[0].name))
    case, witness, profile = cases[0]
    names = list(dict.fromkeys(each[0].said for each in cases))
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    needs = said(case.definers.there(module=case.module))
    target = case.definers.found[0].place
    as_what = "a module that uses" if case.module else "built in, and uses"
    message = (
        f"{path.rpartition('/')[2]} can be {as_what} {', '.join(names[:_NAMED])}{more}, "
        f"where {where} is not there" + (f": it needs {needs}" if len(needs) <= _LONGEST else "")
    )
    place = line_place(tree, path, case.use.line)
    return Finding(
        rule="link-missing-dep",
        severity=Severity.ERROR,
        confidence=Confidence.HIGH,
        place=Place(place.path, place.line, place.column, "", place.text),
        subject=where,
        message=message,
        archs=(case.arch,),
        related=(
            Related(target, f"{case.name} is defined here"),
            *(
                Related(line_place(tree, path, each.use.line), f"{each.said} is used here")
                for each, _, _ in cases[1 : _NAMED + 1]
            ),
        ),
        witness=config(witness, case.arch),
        profile=profile,
    )


_KCONFIG = (
    'source "arch/$(SRCARCH)/Kconfig"\nconfig MODULES\n\tbool "modules"\n\tmodules\n\nconfig ROAD\n\ttristate "road"\n'
    '\nconfig TOLL\n\tbool "toll"\n\nconfig CAR\n\ttristate "car"\n'
)
_HEADER = "int road_take(int lane);\nextern const struct road_ops road_ops;\n"
_STUB = (
    "#if IS_ENABLED(CONFIG_ROAD)\nint road_take(int lane);\n#else\n"
    "static inline int road_take(int lane) { return -1; }\n#endif\n"
)
_CAR = "#include <linux/road.h>\nint car_go(int lane)\n{\n\treturn 0;\n}\n"
_TAKES = _CAR.replace("return 0", "return road_take(lane)")
_BASE = {
    "Kconfig": _KCONFIG,
    "arch/x86/Kconfig": "config X86\n\tdef_bool y\n",
    "drivers/Makefile": "obj-y += road/ car/\n",
    "drivers/road/Makefile": "obj-$(CONFIG_ROAD) += road.o\n",
    "drivers/road/road.c": (
        "#include <linux/road.h>\nint road_take(int lane)\n{\n\treturn lane;\n}\nEXPORT_SYMBOL(road_take);\n"
        "const struct road_ops road_ops = { 1 };\nEXPORT_SYMBOL(road_ops);\n"
    ),
    "drivers/car/Makefile": "obj-$(CONFIG_CAR) += car.o\n",
    "drivers/car/car.c": _CAR,
    "include/linux/road.h": _HEADER,
    "include/linux/toll.h": "#ifdef CONFIG_TOLL\nint toll(void);\n#else\nstatic inline int toll(void) { return -1; }\n#endif\n",
    "Makefile": "obj-y += drivers/\n",
}
_SPLIT = (
    'source "arch/$(SRCARCH)/Kconfig"\nconfig MODULES\n\tbool "modules"\n\tmodules\n\n'
    'source "drivers/car/Kconfig"\nsource "drivers/road/Kconfig"\n'
)
_MACRO = "#define road_take(lane) (ready() && __road_take(lane))\n"
_INLINE = "static inline int road_lane(int lane)\n{\n\treturn road_take(lane + 1);\n}\n"
_TABLE = "static int use;\nstruct thing car = {\n\t.ops = &road_ops,\n};\n"
_STATIC = "static int take(int lane)\n{\n\treturn road_take(lane);\n}\n"


def _calls(text: str) -> str:
    return _CAR.replace("return 0;", text)


EXAMPLES = (
    bad(
        "a call of what need not be there",
        _BASE,
        {"drivers/car/car.c": _TAKES},
        finds=("1 drivers/car/car.c:4",),
    ),
    bad(
        "a table points to it",
        _BASE,
        {"drivers/car/car.c": _CAR + _TABLE},
        finds=("1 drivers/car/car.c:8",),
    ),
    bad(
        "built in, while the definer may be a module",
        {
            **_BASE,
            "Kconfig": _KCONFIG.replace('"car"', '"car"\n\tdepends on ROAD').replace(
                'tristate "car', 'bool "car'
            ),
        },
        {"drivers/car/car.c": _TAKES},
        finds=("1 drivers/car/car.c:4",),
    ),
    bad(
        "the stub is for another case",
        {**_BASE, "include/linux/road.h": _STUB},
        {"drivers/car/car.c": _TAKES},
        finds=("1 drivers/car/car.c:4",),
    ),
    bad(
        "the stub is not even static",
        {**_BASE, "include/linux/road.h": _STUB.replace("static inline ", "")},
        {"drivers/car/car.c": _TAKES},
        finds=("1 drivers/car/car.c:4",),
    ),
    bad(
        "a macro of a header uses it",
        {
            **_BASE,
            "include/linux/road.h": _HEADER.replace("road_take", "__road_take") + _MACRO,
            "drivers/road/road.c": _BASE["drivers/road/road.c"].replace("road_take", "__road_take"),
        },
        {"drivers/car/car.c": _TAKES},
        finds=("1 drivers/car/car.c:4",),
    ),
    bad(
        "an inline function of a header uses it",
        {**_BASE, "include/linux/road.h": _HEADER + _INLINE},
        {"drivers/car/car.c": _TAKES.replace("road_take", "road_lane")},
        finds=("1 drivers/car/car.c:4",),
    ),
    bad(
        "the macro that registers a driver uses it",
        {
            **_BASE,
            "include/linux/road.h": "int road_register(void *car);\n"
            "#define module_road_driver(car) module_driver(car, road_register, road_unregister)\n",
            "drivers/road/road.c": _BASE["drivers/road/road.c"]
            + "int road_register(void *car)\n{\n\treturn 0;\n}\nEXPORT_SYMBOL(road_register);\n",
        },
        {"drivers/car/car.c": _CAR + "module_road_driver(car_go);\n"},
        finds=("1 drivers/car/car.c:6",),
    ),
    good(
        "almost: the inline function leaves early where it is not there",
        {
            **_BASE,
            "include/linux/road.h": _HEADER
            + _INLINE.replace("\treturn", "\tif (!IS_REACHABLE(CONFIG_ROAD))\n\t\treturn -1;\n\treturn"),
        },
        {"drivers/car/car.c": _TAKES.replace("road_take", "road_lane")},
    ),
    good(
        "an inline function that has a stub",
        {
            **_BASE,
            "include/linux/road.h": f"#if IS_REACHABLE(CONFIG_ROAD)\n{_HEADER}{_INLINE}#else\n"
            "static inline int road_lane(int lane)\n{\n\treturn -1;\n}\n#endif\n",
        },
        {"drivers/car/car.c": _TAKES.replace("road_take", "road_lane")},
    ),
    good(
        "an inline function that calls what it is given",
        {
            **_BASE,
            "include/linux/road.h": _HEADER
            + "static inline int road_lane(int (*road_take)(int))\n{\n\treturn road_take(1);\n}\n",
        },
        {"drivers/car/car.c": _TAKES.replace("road_take", "road_lane")},
    ),
    bad(
        "the driver comes first, what builds it later",
        {**_BASE, "drivers/car/Makefile": ""},
        {"drivers/car/car.c": _TAKES},
        {"drivers/car/Makefile": _BASE["drivers/car/Makefile"]},
        finds=("2 drivers/car/car.c:4",),
    ),
    bad(
        "the symbol loses its dependency",
        {**_BASE, "Kconfig": _KCONFIG + "\tdepends on ROAD\n"},
        {"drivers/car/car.c": _TAKES},
        {"Kconfig": _KCONFIG},
        finds=("2 drivers/car/car.c:4",),
    ),
    bad(
        "the symbol of an old driver loses its select",
        {
            **_BASE,
            "Kconfig": _SPLIT,
            "drivers/car/Kconfig": 'config CAR\n\ttristate "car"\n\tselect ROAD\n',
            "drivers/road/Kconfig": "config ROAD\n\ttristate\n",
            "drivers/car/car.c": _TAKES,
        },
        {"drivers/car/Kconfig": 'config CAR\n\ttristate "car"\n'},
        finds=("1 drivers/car/car.c:4",),
    ),
    bad(
        "a static function that is used",
        _BASE,
        {
            "drivers/car/car.c": _CAR.replace("int car_go", _STATIC + "int car_go").replace(
                "return 0", "return take(lane)"
            )
        },
        finds=("1 drivers/car/car.c:4",),
    ),
    good(
        "the symbol depends on it",
        {**_BASE, "Kconfig": _KCONFIG + "\tdepends on ROAD\n"},
        {"drivers/car/car.c": _TAKES},
    ),
    good(
        "the symbol selects it",
        {**_BASE, "Kconfig": _KCONFIG + "\tselect ROAD\n"},
        {"drivers/car/car.c": _TAKES},
    ),
    good(
        "a block around the symbol depends on it",
        {**_BASE, "Kconfig": _KCONFIG.replace("config CAR", "if ROAD\nconfig CAR") + "endif\n"},
        {"drivers/car/car.c": _TAKES},
    ),
    good(
        "almost: the header has a stub, and a module cannot be built in against",
        {
            **_BASE,
            "Kconfig": _KCONFIG + "\tdepends on ROAD || !ROAD\n",
            "include/linux/road.h": _STUB,
        },
        {"drivers/car/car.c": _TAKES},
    ),
    good(
        "the stub is for all that is out of reach",
        {**_BASE, "include/linux/road.h": _STUB.replace("IS_ENABLED", "IS_REACHABLE")},
        {"drivers/car/car.c": _TAKES},
    ),
    good(
        "a branch that the compiler drops",
        _BASE,
        {
            "drivers/car/car.c": _calls(
                "if (!IS_REACHABLE(CONFIG_ROAD))\n\t\treturn 0;\n\treturn road_take(lane);"
            )
        },
    ),
    good(
        "below an #if",
        _BASE,
        {"drivers/car/car.c": _calls("\n#if IS_REACHABLE(CONFIG_ROAD)\n\treturn road_take(lane);\n#endif")},
    ),
    good(
        "behind a stub that fails",
        {
            **_BASE,
            "Kconfig": _KCONFIG.replace('"toll"', '"toll"\n\tselect ROAD'),
            "drivers/car/toll.c": "int toll(void)\n{\n\treturn 0;\n}\n",
        },
        {
            "drivers/car/car.c": _calls(
                "int ret = toll();\n\n\tif (ret)\n\t\treturn ret;\n\treturn road_take(lane);"
            )
        },
    ),
    good(
        "a macro drops it where it is not there",
        {
            **_BASE,
            "include/linux/road.h": _HEADER.replace("road_take", "__road_take")
            + _MACRO.replace("ready()", "IS_REACHABLE(CONFIG_ROAD)"),
            "drivers/road/road.c": _BASE["drivers/road/road.c"].replace("road_take", "__road_take"),
        },
        {"drivers/car/car.c": _TAKES},
    ),
    good("a static function that nobody uses", _BASE, {"drivers/car/car.c": _CAR + _STATIC}),
    good(
        "another file of the same object defines it too",
        {
            **_BASE,
            "drivers/car/Makefile": "obj-$(CONFIG_CAR) += all.o\nall-y := car.o other.o\n",
            "drivers/car/other.c": "int road_take(int lane)\n{\n\treturn 2;\n}\n",
        },
        {"drivers/car/car.c": _TAKES},
    ),
    good(
        "nothing is known of what assembly defines",
        {**_BASE, "drivers/car/other.S": "SYM_FUNC_START(road_take)\nSYM_FUNC_END(road_take)\n"},
        {"drivers/car/car.c": _TAKES},
    ),
    good(
        "it was not there before either",
        {**_BASE, "drivers/car/car.c": _TAKES},
        {"drivers/car/car.c": "\n" + _TAKES},
    ),
)
