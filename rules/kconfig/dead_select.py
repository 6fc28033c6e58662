"""A select in an architecture's Kconfig must change something there.

Why: where all code that the target guards needs another symbol too, which the architecture never has, the select
is mere noise: it looks as if the architecture had what it asks for.

A use is without effect if no line of its ``#if`` can be compiled besides static inline functions that return a
constant, or that nothing else uses, and an ``if`` that such a function closes.

Severity: a note: the select may be ahead of what makes it count.

Not found: selects outside of the architecture's own directory; targets that makefiles, other Kconfig entries or C
expressions ask for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from checkseries.facts.answer import Holds, Impossible, Possible
from checkseries.facts.c_alive import stub_value
from checkseries.facts.c_call import uses
from checkseries.facts.c_decl import Declaration, declared_in
from checkseries.facts.c_outline import outline_of
from checkseries.facts.c_text import Code, code
from checkseries.facts.config_use import asks_config, config_uses
from checkseries.facts.kconfig import KconfigError, Model, model
from checkseries.facts.kconfig.lexical import paths, references
from checkseries.facts.linked import compiled
from checkseries.facts.places import line_place
from checkseries.facts.presence import Expression, kconfig, options, presence_of, said
from checkseries.judge.history import History
from checkseries.judge.rule import Subject, bad, counted, good, rule
from checkseries.judge.selects import gained_selects, selects_of
from checkseries.model import Confidence, Finding, Held, Related, Severity, Undecided, Verdict
from checkseries.tree import Snapshot

_MOST = 20  # files that ask for the target
_IF = re.compile(r"\s*if\s*\(\s*(\w+)\s*\(\s*\)\s*\)\s*\{", re.ASCII)


def arch_selects(history: History, arch: str) -> Iterator[Subject]:
    """The selects that the series adds to the Kconfig files of an architecture's own."""
    own = f"arch/{arch}/"
    if any(path.startswith(own) and "Kconfig" in path for step in history.steps for path in step.touched):
        yield from gained_selects(history, arch)


def config_word(subject: Subject) -> tuple[str, ...]:
    """The macro that code asks for."""
    return (f"CONFIG_{subject.name}", f"CONFIG_{subject.name}_MODULE")


@rule(
    "dead-select",
    severity=Severity.NOTE,
    confidence=Confidence.MEDIUM,
    since="0.1",
    subjects=arch_selects,
    words=config_word,
    summary=counted("selects"),
    per_arch=True,
)
def check(tree: Snapshot, subject: Subject) -> Iterator[Verdict]:
    """One verdict a select."""
    target, arch, (selector,) = subject.name, subject.arch, subject.detail
    used = [path for word in config_word(subject) for path in tree.grep(word) if asks_config(path)]
    if not used or len(used) > _MOST or not all(path.endswith((".c", ".h")) for path in used):
        return
    if _asked_in_kconfig(tree, target):
        return
    regions = [region for path in used for region in _regions(tree, path, target)]
    if not regions or any(region is None for region in regions):
        return
    try:
        kernel = model(tree, arch)
    except KconfigError:
        return
    if kernel.selects_by(target) or kernel.type_of(target) != "bool":
        return
    for select in selects_of(kernel, subject):
        if not select.path.startswith(f"arch/{arch}/"):
            continue
        place = line_place(tree, select.path, select.line, selector)
        effect = next(
            (why for path in dict.fromkeys(used) for why in _effects(tree, path, target, kernel)), None
        )
        if effect is not None:
            yield Undecided(place, effect) if effect.startswith("?") else Held(place, effect)
            continue
        others = sorted({name for path in used for name in _never(tree, path, target, kernel)})
        if not others:
            yield Undecided(place, f"why {target} has no effect on {arch} is not known")
            continue
        first = next(use for path in used for use in config_uses(tree, path) if use.name == target)
        yield Finding(
            rule="dead-select",
            severity=Severity.NOTE,
            confidence=Confidence.MEDIUM,
            place=place,
            subject=target,
            message=(
                f"{selector} selects {target}, which changes nothing on {arch}: "
                f"what it guards needs {' or '.join(others)} too, never y there"
            ),
            archs=(arch,),
            related=(Related(line_place(tree, first.path, first.line), f"{target} is asked for here"),),
            profile=kernel.profile,
        )


def _asked_in_kconfig(tree: Snapshot, target: str) -> bool:
    """Whether any Kconfig expression mentions a symbol, selects of it left aside."""
    return any(
        each.name == target and each.keyword not in ("select", "imply")
        for path in paths(tree)
        if target in (tree.text(path) or "")
        for each in references(tree, path)
    )


def _regions(tree: Snapshot, path: str, target: str) -> Iterator[Expression | None]:
    """The conditions of all lines that a symbol decides in a file; None where code itself asks for it."""
    data = tree.read(path)
    if data is None:
        return
    presence = presence_of(data)
    lines = code(data).text.split("\n")
    for use in config_uses(tree, path):
        if use.name.removesuffix("_MODULE") == target and not lines[use.line - 1].lstrip().startswith("#"):
            yield None
    for condition in dict.fromkeys(presence.conditions):
        if target in options(condition):
            yield condition


def _effects(tree: Snapshot, path: str, target: str, kernel: Model) -> Iterator[str]:
    """What a symbol does in a file on an arch; what begins with ``?`` may be something."""
    data = tree.read(path)
    if data is None:
        return
    source = code(data)
    presence = presence_of(data)
    lines = source.plain.split("\n")
    known: dict[Expression, bool | None] = {}
    outline = outline_of(data)
    live: list[int] = []
    for number, line in enumerate(lines, 1):
        condition = presence.at(number)
        if not line.strip() or target not in options(condition):
            continue
        if condition not in known:
            asked = kconfig(compiled(condition, module=False))
            known[condition] = None if asked is None else isinstance(kernel.satisfiable(asked), Possible)
        if known[condition] is None:
            yield f"? {said(condition)} is not decided by Kconfig alone"
            return
        if known[condition]:
            live.append(number)
    spans = _harmless(tree, path, target, kernel)
    offsets = [0]
    for line in lines:
        offsets.append(offsets[-1] + len(line) + 1)
    for number in live:
        at = offsets[number - 1] + len(lines[number - 1]) - len(lines[number - 1].lstrip())
        chunk = outline.chunk(at)
        if not any(first <= number <= last for first, last in spans) and chunk is not None:
            yield f"{path}:{number} is compiled with {target}"
            return


def _harmless(tree: Snapshot, path: str, target: str, kernel: Model) -> tuple[tuple[int, int], ...]:
    """The lines of static inline functions that return constants, and of what they close, as far as Kconfig has them."""
    data = tree.read(path) or b""
    source = code(data)
    presence = presence_of(data)
    spans: list[tuple[int, int]] = []
    for branch in presence.branches:
        if target not in options(branch.condition):
            continue
        start = _offset(source.plain, branch.first)
        stop = _offset(source.plain, branch.last + 1)
        match = _IF.match(source.plain, start, stop)
        if match and _closed(tree, path, match[1], kernel) and _whole(source.plain, match.end() - 1, stop):
            spans.append((branch.first, branch.last))
    for chunk in outline_of(data).chunks:
        if chunk.body is None:
            continue
        line = source.line(chunk.body[0])
        if target not in options(presence.at(line)):
            continue
        name = re.search(r"(\w+)\s*\([^()]*\)\s*$", source.plain[chunk.start : chunk.body[0]], re.ASCII)
        spans += [
            each.lines
            for each in (declared_in(tree, path, name[1]) if name else ())
            if each.static
            and each.inline
            and (stub_value(tree, each) is not None or _unused(source, path, each.name, spans))
        ]
    return tuple(spans)


def _unused(source: Code, path: str, name: str, spans: list[tuple[int, int]]) -> bool:
    """Whether a static inline function of a .c file is used on some lines alone, if at all."""
    return path.endswith(".c") and all(
        any(first <= source.line(use.at) <= last for first, last in spans)
        for use in uses(source.data, name)
        if use.role != "declaration"
    )


def _offset(text: str, line: int) -> int:
    at = 0
    for _ in range(line - 1):
        at = text.find("\n", at) + 1
    return at


def _whole(text: str, brace: int, stop: int) -> bool:
    """Whether the block of a brace is all that there is up to an offset."""
    depth = 0
    for match in re.finditer(r"[{}]", text[brace:stop]):
        depth += 1 if match[0] == "{" else -1
        if depth == 0:
            return not text[brace + match.end() : stop].strip()
    return False


def _closed(tree: Snapshot, path: str, name: str, kernel: Model) -> bool:
    """Whether a function of the file is, on an arch, never more than a constant that is false."""
    found: list[Declaration] = []
    for each in declared_in(tree, path, name):
        asked = kconfig(compiled(each.condition, module=False))
        if asked is None or not isinstance(kernel.satisfiable(asked), Impossible):
            found.append(each)
    return bool(found) and all(each.static and stub_value(tree, each) in ("0", "false") for each in found)


def _never(tree: Snapshot, path: str, target: str, kernel: Model) -> Iterator[str]:
    """The symbols that stand beside a target in conditions and are never y on an arch."""
    names = {
        name
        for condition in presence_of(tree.read(path) or b"").conditions
        if target in options(condition)
        for name in options(condition)
    }
    for name in sorted(names - {target}):
        if isinstance(kernel.implies(name, "n"), Holds):
            yield name


_KCONFIG = 'source "arch/$(SRCARCH)/Kconfig"\n\nconfig FIRST\n\tbool\n\nconfig SMT\n\tbool "smt"\n\tdepends on HAS_SMT\n'
_X86 = "config X86\n\tdef_bool y\n\tselect FIRST\n\nconfig HAS_SMT\n\tdef_bool y\n"
_RISCV = "config RISCV\n\tdef_bool y\n"
_CODE = (
    "#ifdef CONFIG_FIRST\n#ifdef CONFIG_SMT\nstatic inline bool aware(void)\n{\n\treturn threads > 1;\n}\n"
    "#else\nstatic inline bool aware(void)\n{\n\treturn false;\n}\n#endif\n#endif\n\n"
    "#ifdef CONFIG_FIRST\nstatic inline int mask(void)\n{\n\treturn all();\n}\n#endif\n\n"
    "void up(void)\n{\n#ifdef CONFIG_FIRST\n\tif (aware()) {\n\t\tfirst(mask());\n\t}\n#endif\n\trest();\n}\n"
)
_BASE = {
    "Kconfig": _KCONFIG,
    "arch/x86/Kconfig": _X86,
    "arch/riscv/Kconfig": _RISCV,
    "kernel/cpu.c": _CODE,
}
_SELECTS = {"arch/riscv/Kconfig": _RISCV + "\tselect FIRST\n"}

EXAMPLES = (
    bad(
        "what it guards needs a symbol that the architecture has not",
        _BASE,
        _SELECTS,
        finds=("1 arch/riscv/Kconfig:3",),
    ),
    bad(
        "one #if for both",
        {**_BASE, "kernel/cpu.c": "#if defined(CONFIG_FIRST) && defined(CONFIG_SMT)\nint first;\n#endif\n"},
        _SELECTS,
        finds=("1 arch/riscv/Kconfig:3",),
    ),
    good(
        "the architecture has the other one",
        {**_BASE, "arch/riscv/Kconfig": _RISCV + "\nconfig HAS_SMT\n\tdef_bool y\n"},
        {"arch/riscv/Kconfig": _RISCV + "\tselect FIRST\n\nconfig HAS_SMT\n\tdef_bool y\n"},
    ),
    good(
        "almost: the other branch does something",
        {**_BASE, "kernel/cpu.c": _CODE.replace("return false", "return guess()")},
        _SELECTS,
    ),
    good(
        "what stands behind the if does something",
        {**_BASE, "kernel/cpu.c": _CODE.replace("first(mask());\n\t}", "first(mask());\n\t}\n\tmore();")},
        _SELECTS,
    ),
    good(
        "an expression asks for it too",
        {**_BASE, "kernel/smp.c": "int f(void)\n{\n\treturn IS_ENABLED(CONFIG_FIRST);\n}\n"},
        _SELECTS,
    ),
    good(
        "another symbol depends on it",
        {**_BASE, "Kconfig": _KCONFIG + "\nconfig OTHER\n\tbool\n\tdefault FIRST\n"},
        _SELECTS,
    ),
    good(
        "it changed nothing before",
        {**_BASE, **_SELECTS},
        {"arch/riscv/Kconfig": _RISCV + "\tselect FIRST\n\tselect SMT if HAS_SMT\n"},
    ),
)
