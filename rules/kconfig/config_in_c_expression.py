"""A bool or tristate CONFIG symbol must not be used as a value in C outside of IS_ENABLED().

Why: the macro is only defined where the symbol is y. Everywhere else the name is an undeclared identifier, and the
file does not compile.

Not found: uses as an argument of a macro or function, which may be IS_ENABLED() under another name; uses in
macros' bodies; symbols that any makefile mentions, or that a symbol in a makefile above the file brings; headers; code under any #if that mentions the symbol; architectures
that are not judged for.
"""

from __future__ import annotations

from collections.abc import Iterator

from checkseries.facts.answer import Broken, Possible
from checkseries.facts.c_text import code, tokens
from checkseries.facts.config_use import asks_config, config_definitions, config_uses
from checkseries.facts.kconfig import Model, model
from checkseries.facts.kconfig.entries import entries
from checkseries.facts.kconfig.lexical import definitions
from checkseries.facts.places import line_place
from checkseries.facts.presence import condition, kconfig, options
from checkseries.judge.history import History
from checkseries.judge.rule import Subject, bad, counted, good, rule
from checkseries.judge.witness import config
from checkseries.model import Confidence, Finding, Severity, Undecided, Verdict
from checkseries.tree import Snapshot

_LOGICAL = frozenset({"bool", "tristate", "def_bool", "def_tristate"})
_OTHER = frozenset({"int", "hex", "string"})
_STATEMENTS = frozenset({"if", "while", "for", "switch", "return", "sizeof", "case"})
_MOST = 200  # symbols that one patch asks for in one file
_MOST_GATES = 800  # symbols in the makefiles above a file


def asked_in_c(history: History, arch: str) -> Iterator[Subject]:
    """A symbol and the C file in whose added lines it stands outside of directives and arguments."""
    seen = set()
    for step in history.steps:
        for path in step.touched:
            if not _judged(path, arch):
                continue
            fresh = step.added.get(path, frozenset())
            bare = {(name, line) for name, line, _ in _bare(step.after, path) if line in fresh}
            for name in sorted({name for name, _ in bare})[:_MOST]:
                subject = Subject(name, arch, (path,))
                if subject not in seen and _logical(step.after, name):
                    seen.add(subject)
                    yield subject


def _judged(path: str, arch: str) -> bool:
    parts = path.split("/")
    return asks_config(path) and path.endswith(".c") and (parts[0] != "arch" or parts[1] == arch)


def _logical(tree: Snapshot, name: str) -> bool:
    """Whether every entry of a symbol that says a type makes it bool or tristate."""
    said = {
        line.partition(" ")[0]
        for path, _ in definitions(tree).get(name, ())
        for line in entries(tree, path)[name]
    }
    return bool(said & _LOGICAL) and not said & _OTHER


def _bare(tree: Snapshot, path: str) -> Iterator[tuple[str, int, int]]:
    """Name, line and column of each mention that is a value by itself: in no directive, no argument, no macro."""
    data = tree.read(path)
    if data is None or b"CONFIG_" not in data or not config_uses(tree, path):
        return
    source = code(data)
    open_brackets: list[str] = []
    before = ""
    for token in tokens(source.plain):
        word = token.text
        if word in ("(", "[", "{"):
            open_brackets.append(before if word == "(" else word)
        elif word in (")", "]", "}"):
            if open_brackets:
                open_brackets.pop()
        elif word.startswith("CONFIG_") and before not in ("#", "##", ".", "->", "goto"):
            enclosing = (each for each in open_brackets if each.isidentifier())
            if all(each in _STATEMENTS for each in enclosing):
                yield word.removeprefix("CONFIG_"), source.line(token.at), source.column(token.at)
        before = word


def _gate(tree: Snapshot, symbols: Model, path: str, name: str) -> str:
    """Why the file may be built only where the symbol is y: some symbol of the makefiles above it brings it."""
    asked: set[str] = set()
    while path:
        path = path.rpartition("/")[0]
        for file in ("Makefile", "Kbuild"):
            asked |= {use.name for use in config_uses(tree, f"{path}/{file}" if path else file)}
    if len(asked) > _MOST_GATES:
        return f"{len(asked)} symbols decide what is built here"
    gates = (each for each in sorted(asked) if symbols.type_of(each) in ("bool", "tristate"))
    for each in gates:
        alive = isinstance(symbols.satisfiable(each), Possible)
        if alive and not isinstance(symbols.implies(each, f"{name}=y"), Broken):
            return f"what is built by {each} has {name}"
    return ""


@rule(
    "config-in-c-expression",
    severity=Severity.WARNING,
    confidence=Confidence.MEDIUM,
    since="0.1",
    subjects=asked_in_c,
    words=lambda subject: (f"CONFIG_{subject.name}",),
    summary=counted("uses"),
    per_arch=True,
)
def check(tree: Snapshot, subject: Subject) -> Iterator[Verdict]:
    """One verdict a bare use of the symbol in the file."""
    name, path = subject.name, subject.detail[0]
    uses = [(line, column) for each, line, column in _bare(tree, path) if each == name]
    if not uses or not _logical(tree, name):
        return
    for file in tree.grep(f"CONFIG_{name}"):
        if not file.endswith((".c", ".h", ".S")) and any(use.name == name for use in config_uses(tree, file)):
            # The file may only be built with the symbol.
            yield Undecided(None, f"{file} builds by {name}")
            return
        if name in config_definitions(tree, file):
            yield Undecided(None, f"{file} gives CONFIG_{name} a meaning of its own")
            return
    symbols = model(tree, subject.arch)
    gate = _gate(tree, symbols, path, name)
    if gate:
        yield Undecided(None, gate)
        return
    for line, column in uses:
        place = line_place(tree, path, line, "", column)
        when = condition(tree, path, line)
        text = kconfig(when)
        if text is None or name in options(when):
            yield Undecided(place, "the #if around it may decide")
            continue
        match symbols.satisfiable(f"{name}!=y && ({text})"):
            case Possible(witness=witness):
                yield Finding(
                    rule="config-in-c-expression",
                    severity=Severity.WARNING,
                    confidence=Confidence.MEDIUM,
                    place=place,
                    subject=name,
                    message=f"CONFIG_{name} is a value here, but is only defined where {name} is y; IS_ENABLED() is",
                    archs=(subject.arch,),
                    witness=config(witness, subject.arch),
                    profile=symbols.profile,
                )
            case _:
                yield Undecided(place, f"{name} is y wherever the line is there")


_KCONFIG = 'source "arch/$(SRCARCH)/Kconfig"\n\nconfig SMT\n\tbool "SMT"\n\nconfig NR\n\tint\n\tdefault 4\n'
_CODE = "int threads(void)\n{\n\treturn 1;\n}\n"
_BASE = {"Kconfig": _KCONFIG, "arch/x86/Kconfig": "config X86\n\tdef_bool y\n", "cpu.c": _CODE}


def _returns(value: str) -> dict[str, str]:
    return {"cpu.c": _CODE.replace("return 1", f"return {value}")}


EXAMPLES = (
    bad("a bool as a value", _BASE, _returns("CONFIG_SMT ? 2 : 1"), finds=("1 cpu.c:3",)),
    bad(
        "in the condition of an if",
        _BASE,
        {"cpu.c": _CODE.replace("return 1;", "if (CONFIG_SMT)\n\t\treturn 2;\n\treturn 1;")},
        finds=("1 cpu.c:3",),
    ),
    good("IS_ENABLED", _BASE, _returns("IS_ENABLED(CONFIG_SMT) ? 2 : 1")),
    good("an int", _BASE, _returns("CONFIG_NR")),
    good("always y", _BASE, _returns("CONFIG_X86")),
    good(
        "below its own #ifdef",
        _BASE,
        _returns("1;\n#ifdef CONFIG_SMT\n\treturn CONFIG_SMT;\n#endif\n\treturn 0"),
    ),
    good(
        "built with the symbol only",
        {**_BASE, "Makefile": "obj-$(CONFIG_SMT) += cpu.o\n"},
        _returns("CONFIG_SMT"),
    ),
    good(
        "built with what depends on it",
        {
            **_BASE,
            "Kconfig": _KCONFIG + '\nconfig CORES\n\tbool "cores"\n\tdepends on SMT\n',
            "Makefile": "obj-$(CONFIG_CORES) += cpu.o\n",
        },
        _returns("CONFIG_SMT"),
    ),
    good("a macro that may ask rightly", _BASE, _returns("ENABLED(CONFIG_SMT)")),
    good(
        "it was a value before",
        {**_BASE, **_returns("CONFIG_SMT")},
        _returns("CONFIG_SMT + 0"),
    ),
)
