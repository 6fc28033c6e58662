"""A tree with changed entries put in says the same as a parse of the whole."""

from __future__ import annotations

import os
import random
import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from checkseries.facts.kconfig.expression import text
from checkseries.facts.kconfig.kept import dumped, loaded
from checkseries.facts.kconfig.menu import grammar_of, parsed
from checkseries.facts.kconfig.model import attempt
from checkseries.facts.kconfig.order import needs
from checkseries.facts.kconfig.splice import spliced
from checkseries.facts.kconfig.symbol import Choice, Grammar, KconfigError, Reverse, Symbol, Tree
from checkseries.facts.kconfig.toolchain import Toolchain
from checkseries.tree import Lineage, MemoryTree, Snapshot
from checkseries.tree.index import Index

TOOLCHAIN = Toolchain("x86")
TOP = 'mainmenu "m"\nconfig MODULES\n\tbool "m"\n\tmodules\n\nif MODULES\nsource "a/Kconfig"\nendif\nsource "b/Kconfig"\n'


def _reverse(each: Reverse) -> tuple[Any, ...]:
    return (
        each.selector.name,
        each.target.name,
        text(each.own),
        text(each.when),
        each.path,
        each.line,
        each.implied,
    )


def _choice(each: Choice | None) -> object:
    return each and (
        (each.path, each.line, text(each.dep), [(prompt.text, text(prompt.when)) for prompt in each.prompts]),
        [(value.name, text(when)) for value, when in each.defaults],
        [member.name for member in each.members],
    )


def _symbol(each: Symbol) -> tuple[Any, ...]:
    return (
        (each.type, each.places, each.transitional, each.silent, each.whole, _choice(each.choice)),
        [(prompt.text, text(prompt.when)) for prompt in each.prompts],
        [(text(default.value), text(default.when)) for default in each.defaults],
        [(bounds.low.name, bounds.high.name, text(bounds.when)) for bounds in each.ranges],
        [text(expr) for expr in each.direct],
        [_reverse(statement) for statement in each.selects],
        [_reverse(statement) for statement in (*each.selected, *each.implied)],
    )


def _differing(one: Tree, other: Tree) -> Iterator[str]:
    """What two trees say differently; names that nothing but a comment mentions may be in one alone."""
    for name in one.symbols.keys() | other.symbols.keys():
        left, right = (_symbol(tree.symbols.get(name) or Symbol(name)) for tree in (one, other))
        if left != right:
            yield f"{name}: {left} {right}"
    for what in ("warnings", "unmodelled", "assumed"):
        if sorted(map(str, getattr(one, what))) != sorted(map(str, getattr(other, what))):
            yield what
    if one.sourced != other.sourced:
        yield "sourced"
    if list(map(_choice, one.choices)) != list(map(_choice, other.choices)):
        yield "choices"
    if {symbol.name for symbol in one.order} != {symbol.name for symbol in other.order}:
        yield "order"
    seen: set[Symbol] = set()
    for symbol in one.order:
        fellows = set(symbol.choice.members) if symbol.choice else set()
        if not seen.issuperset(set(needs(symbol)) - fellows):
            yield f"{symbol.name} comes before what it needs"
        seen.add(symbol)
    if one.files != other.files:
        yield "files"
    for key in other.blocks:  # a file without entries is in none
        around = [[*map(text, tree.blocks.get(key, ()))] for tree in (one, other)]
        if around[0] != around[1]:
            yield f"block {key}: {around}"


def _entries(written: str) -> list[str]:
    return re.split(r"(?m)^(?=(?:config|choice|if|menu|endif|endmenu|endchoice)\b)", written)


def _made(maker: Any, dice: random.Random) -> str:
    """A file made at random, without the entry of MODULES that it begins with."""
    made: str = maker(dice).made()
    return "".join(_entries(made)[2:])


def _changed(written: str, dice: random.Random) -> str:
    """The text with some entries gone, moved, made up of others or changed in a line."""
    entries = _entries(written)
    plain = [each for each in entries if each.startswith("config ")]
    for _ in range(dice.randint(1, 3)):
        at = dice.randrange(1, len(entries) + 1)
        kind = dice.random()
        if kind < 0.3:
            new = dice.choice(plain)
            if dice.random() < 0.8:
                new = re.sub(r"^config \w+", f"config N{dice.randrange(4)}", new)
            if dice.random() < 0.2:
                new = f"if {dice.choice(['A0', 'MODULES'])}\n{new}endif\n"
            elif dice.random() < 0.1:
                new = 'menu "m"\n\tvisible if A0\nsource "c/Kconfig"\nendmenu\n'
            entries.insert(at, new)
        elif at < len(entries) and entries[at].startswith("config "):
            lines = entries[at].splitlines(keepends=True)
            if kind < 0.5:
                entries[at] = ""
            elif kind < 0.55:  # circles too, and what the target needs beside its selector
                names = re.findall(r"(?m)^config (\w+)", written)
                lines.append(f"\tselect {dice.choice(names)} if {dice.choice(names)}\n")
                entries[at] = "".join(lines)
            elif kind < 0.7:
                lines.insert(
                    dice.randrange(1, len(lines) + 1),
                    dice.choice(dice.choice(plain).splitlines(keepends=True)),
                )
                entries[at] = "".join(lines)
            elif len(lines) > 2:
                del lines[dice.randrange(2, len(lines))]
                entries[at] = "".join(lines)
            else:
                entries[at] += "\t# said\n\thelp\n\t  config X\n"
    return "".join(entries)


def _compare(tree: Tree, before: Mapping[str, str], now: Mapping[str, str], toolchain: Toolchain) -> bool:
    """Whether a change was put in; where it was, the outcome is that of a parse."""
    files = {path: (text, now[path]) for path, text in before.items() if text != now[path]}
    found = spliced(loaded(dumped(tree)), files, now.get, toolchain)
    if found is None:
        return False
    fresh = parsed(now.get, "Kconfig", toolchain, tree.grammar)
    assert not [*_differing(found, fresh)], files
    return True


@pytest.mark.parametrize("grammar", [Grammar(), Grammar(strict=False, plain=False, zero=False)])
def test_random_changes(maker: Any, grammar: Grammar) -> None:
    put_in = tried = 0
    for seed in range(400):
        dice = random.Random(f"splice {seed}")
        before = {
            "Kconfig": TOP,
            "a/Kconfig": _made(maker, dice),
            "b/Kconfig": "config N1\n\tbool\n\tdefault A1\n",
        }
        if not grammar.plain:
            before = {path: re.sub(r"(?m)^(\tdepends.*) if .*", r"\1", each) for path, each in before.items()}
        try:
            tree = parsed(before.get, "Kconfig", TOOLCHAIN, grammar)
        except KconfigError:
            continue
        now = before | {"c/Kconfig": _made(maker, dice)}
        for path in dice.choice((["a/Kconfig"], ["a/Kconfig", "b/Kconfig"])):
            now[path] = _changed(before[path], dice)
        tried += 1
        put_in += _compare(tree, before, now, TOOLCHAIN)
    assert put_in > tried / 4 > 20, (put_in, tried)


ENTRY = 'config {}\n\tbool "{}"\n\thelp\n\t  Text.\n\n'
BEFORE = "# SPDX\n" + "".join(ENTRY.format(name, name) for name in "ABC")


@pytest.mark.parametrize(
    ("now", "put"),
    [
        (BEFORE + ENTRY.format("D", "d"), True),
        (BEFORE.replace("Text.", "Other.", 1), True),
        (BEFORE.replace("\thelp", "\tselect C\n\thelp", 1), True),
        (BEFORE.replace("\thelp", "\tselect C if A && \\\n\t\tB\n\thelp", 1), True),
        (BEFORE.replace('bool "B"', "bool\n\tdefault y"), True),
        ("# SPDX 2\n" + BEFORE.removeprefix("# SPDX\n"), True),
        (BEFORE + "config A\n\tdefault y\n", False),  # a second entry
        (BEFORE + "if A\n" + ENTRY.format("D", "d") + "endif\n", True),
        (BEFORE + 'menu "m"\n\tdepends on A\n' + ENTRY.format("D", "d") + "endmenu\n", True),
        (BEFORE + 'choice\n\tprompt "c"\n' + ENTRY.format("D", "d") + "endchoice\n", True),
        (
            BEFORE.replace("\thelp", "\tselect C if B\n\thelp", 1).replace(
                'bool "B"', 'bool "B"\n\tdepends on C'
            ),
            False,
        ),
        ('config D\n\tbool\nmainmenu "m"\n' + BEFORE, False),
        (BEFORE + "foo$bar = y\n", False),
        (BEFORE + "X\\\n= y\n", False),
        (BEFORE + "\fX = y\n", False),
        (BEFORE + 'config D\n\tint\n\tdefault "$(lineno)"\n', False),
        (BEFORE + 'source "assigning"\n', False),
        (BEFORE + "if A\n", False),
        (BEFORE + "endif\n", False),
        (BEFORE + 'source "new"\n', True),
        (BEFORE + 'if B\nsource "new"\nendif\n', True),
        (BEFORE + 'source "missing"\n', False),
        (BEFORE + 'source "stateful"\n', False),
        (BEFORE + 'source "new"\nsource "new"\n', False),
        (BEFORE + 'source "Kconfig"\n', False),
        (BEFORE + "X := y\n", False),
        (BEFORE + "config D\n\tdef_bool $(success,true)\n", False),
        (BEFORE + "config D\n\tbool\n\tmodules\n", False),
        (BEFORE + "config D\n\tbolo\n", False),  # what is wrong the whole parse says
        (BEFORE.replace("\thelp", "\tselect A\n\thelp", 1), False),
        (BEFORE.removesuffix("\n\n"), False),
        (BEFORE.replace("config B\n", "config B # said \\\n"), False),
    ],
)
def test_what_is_put_in(now: str, put: bool) -> None:
    before = {"Kconfig": BEFORE}
    files = {
        "Kconfig": now,
        "new": ENTRY.format("E", "e") + 'choice\n\tprompt "c"\n' + ENTRY.format("F", "f") + "endchoice\n",
        "assigning": "X := y\nconfig G\n\tbool\n",
        "stateful": "config G\n\tdef_bool $(success,true)\n",
    }
    assert _compare(parsed(before.get, "Kconfig", TOOLCHAIN), before, files, TOOLCHAIN) is put


@pytest.mark.parametrize(
    ("before", "now", "grammar"),
    [
        # Sourced twice, so that an entry stands in two places.
        (
            'config P\n\tbool\nif P\nsource "a"\nendif\nsource "a"\n',
            "config X\n\tbool\n",
            Grammar(strict=False),
        ),
        # Blocks that only one of the two readers sees.
        ('source "a"\n;if A\nconfig C\n\tbool\nendif\n', "", Grammar()),
        ('source "a"\n$(EMPTY) if A\nconfig C\n\tbool\nendif\n', "", Grammar()),
        (
            'source "a"\nif A\nconfig C\n\tbool\n\thelp;\n\t  endif\n\t  text\n\nconfig D\n\tbool\nendif\n',
            "",
            Grammar(strict=False),
        ),
        ('X := $(lineno)\nsource "a"\n', "", Grammar()),
    ],
)
def test_what_two_readers_may_read_differently_is_left_to_the_whole_parse(
    before: str, now: str, grammar: Grammar
) -> None:
    files = {"Kconfig": before, "a": "config A\n\tbool\n"}
    tree = parsed(files.get, "Kconfig", TOOLCHAIN, grammar)
    later = files | {"a": files["a"] + now} if now else files | {"Kconfig": before + "config Z\n\tbool\n"}
    assert not _compare(tree, files, later, TOOLCHAIN)


def test_a_name_that_is_gone_is_forgotten() -> None:
    before = {"Kconfig": BEFORE + "config D\n\tbool\n\tdepends on GONE && A\n\nconfig E\n\tdef_bool STAYS\n"}
    now = {"Kconfig": BEFORE + "config D\n\tbool\n\tdepends on STAYS\n\nconfig E\n\tdef_bool STAYS\n"}
    tree = parsed(before.get, "Kconfig", TOOLCHAIN)
    found = spliced(tree, {"Kconfig": (before["Kconfig"], now["Kconfig"])}, now.get, TOOLCHAIN)
    assert found is not None
    assert "GONE" not in found.symbols
    assert {"A", "STAYS"} <= found.symbols.keys()


def test_a_patch_costs_what_it_changes(tmp_path: Path) -> None:
    base = {"arch/x86/Kconfig": "", "Kconfig": TOP, "a/Kconfig": BEFORE, "b/Kconfig": ""}
    lineage = Lineage(MemoryTree(base), "gcc", Index(str(tmp_path)))
    first = lineage.snapshots[0]
    snapshot = first.after({"a/Kconfig": (BEFORE + ENTRY.format("D", "d")).encode()})
    after, before = attempt(snapshot, "x86"), attempt(first, "x86")
    assert not isinstance(after, KconfigError)
    assert not isinstance(before, KconfigError)
    assert after.definitions("D") == (("a/Kconfig", 17),)
    assert not before.defined("D")
    assert lineage.computed["_packed"] == 1
    broken = attempt(snapshot.after({"a/Kconfig": b"config\n"}), "x86")
    assert isinstance(broken, KconfigError)
    assert broken.path == "a/Kconfig"


def _text(snapshot: Snapshot, now: Mapping[str, str], path: str) -> str | None:
    return now[path] if path in now else snapshot.text(path)


@pytest.mark.oracle
@pytest.mark.tree
@pytest.mark.parametrize("release", ["linux-7.2", "linux-6.12", "linux-6.1"])
@pytest.mark.parametrize("arch", ["x86", "mips"])
def test_changes_of_a_kernel(releases: Callable[[str], Snapshot], release: str, arch: str) -> None:
    """Entries of random files of a real tree, changed and moved, against a parse of the whole."""
    snapshot = releases(release)
    toolchain = Toolchain(arch)
    tree = parsed(snapshot.text, "Kconfig", toolchain, grammar_of(snapshot.text))
    packed = dumped(tree)
    dice = random.Random(f"{os.environ.get('CHECKSERIES_SEED', 'splice')} {release} {arch}")
    put_in = rounds = 0
    while put_in < 4 and rounds < 80:
        rounds += 1
        paths = dice.sample(tree.files, dice.randint(1, 2))
        before = {path: snapshot.text(path) or "" for path in paths}
        now = {path: _changed(each, dice) if "\nconfig " in each else each for path, each in before.items()}
        files = {path: (before[path], now[path]) for path in paths if before[path] != now[path]}
        now["c/Kconfig"] = ENTRY.format("OF_A_FILE_OF_ITS_OWN", "e")
        found = spliced(loaded(packed), files, partial(_text, snapshot, now), toolchain)
        if found is None:
            continue
        fresh = parsed(partial(_text, snapshot, now), "Kconfig", toolchain, tree.grammar)
        assert not [*_differing(found, fresh)], files
        put_in += 1
    print(f"{release} {arch}: {put_in} of {rounds} changes put in, none otherwise than a parse of the whole")
    assert put_in == 4
