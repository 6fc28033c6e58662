"""The kernel's own ``conf`` as an oracle, and small Kconfig trees to try things on."""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import pytest

from checkseries.facts.kconfig.menu import grammar_of, parsed
from checkseries.facts.kconfig.model import Model
from checkseries.facts.kconfig.symbol import Grammar, Tree
from checkseries.facts.kconfig.toolchain import Answer, Toolchain
from checkseries.tree import Snapshot
from checkseries.tree.directory import DirectoryTree

SHELL = r"""
static char *do_shell(int argc, char *argv[])
{
	static char *table;
	static long size;
	char *at;

	if (!table) {
		FILE *f = fopen(getenv("ORACLE_TABLE"), "rb");

		if (!f)
			exit(97);
		fseek(f, 0, SEEK_END);
		size = ftell(f);
		rewind(f);
		table = xmalloc(size + 1);
		if (fread(table, 1, size, f) != (size_t)size)
			exit(98);
	}
	for (at = table; at < table + size;) {
		char *answer = at + strlen(at) + 1;

		if (!strcmp(at, argv[0]))
			return xstrdup(answer);
		at = answer + strlen(answer) + 1;
	}
	fprintf(stderr, "MISSING-SHELL %s\n", argv[0]);
	return xstrdup("");
}
"""

DUMP = r"""
#include <stdio.h>
#include <stdlib.h>
#include "internal.h"
#include "lkc.h"

void oracle_dump(void);
void oracle_dump(void)
{
	char *name = getenv("ORACLE_DUMP");
	FILE *f = name ? fopen(name, "w") : NULL;
	struct symbol *sym;

	if (!f)
		exit(99);
	for_all_symbols(sym) {
		if (!sym->name || sym->type == S_UNKNOWN || list_empty(&sym->menus))
			continue;
		sym_calc_value(sym);
		fprintf(f, "%s\t%d\t%d\t%s\n", sym->name, !!(sym->flags & SYMBOL_WRITE),
			(int)sym->visible, sym_get_string_value(sym));
	}
	fclose(f);
}
"""
OLD_DUMP = (
    DUMP.replace("struct symbol *sym;", "struct symbol *sym;\n\tint i;")
    .replace("for_all_symbols(sym)", "for_all_symbols(i, sym)")
    .replace("list_empty(&sym->menus)", "sym_is_choice(sym)")
)
"""Before 6.11 choices are symbols."""


@dataclass(frozen=True)
class Values:
    """What one run of conf, or of ours, made of a configuration."""

    symbols: Mapping[str, tuple[str, bool, int]]
    """Name to value, whether it is written, and visibility."""
    unmet: frozenset[str]
    complaints: tuple[str, ...] = ()
    """That conf crashed, and how."""
    refused: str = ""
    """What conf says of a tree that it exits with an error for."""
    selectors: frozenset[str] = frozenset()
    """The symbols that conf blames for unmet dependencies."""


def replace(run: Path, name: str, text: str) -> None:
    """Give a file other contents in a directory of links, whose targets stay what they are."""
    for parent in reversed((run / name).relative_to(run).parents[:-1]):
        directory = run / parent
        if directory.is_symlink():
            target = directory.resolve()
            directory.unlink()
            directory.mkdir()
            for entry in target.iterdir():
                (directory / entry.name).symlink_to(entry)
    (run / name).unlink(missing_ok=True)
    (run / name).write_text(text, errors="surrogateescape")


@dataclass
class Conf:
    """A conf built from a tree's own sources, its shell answered from a table."""

    binary: Path
    scratch: Path

    def enter(self, root: Path) -> Path:
        """A fresh directory through which conf sees a tree but cannot write to it."""
        run = Path(tempfile.mkdtemp(dir=self.scratch))
        for entry in root.iterdir():
            if entry.name not in ("include", ".git", ".config"):
                (run / entry.name).symlink_to(entry)
        (run / "include" / "config").mkdir(parents=True)
        (run / "include" / "config" / "auto.conf").touch()  # else it would touch a file for every symbol
        return run

    def run(
        self,
        root: Path,
        mode: str,
        environment: Mapping[str, str],
        table: Mapping[str, str],
        config: str | None = None,
        extra: Mapping[str, str] | None = None,
        files: Mapping[str, str] | None = None,
        *,
        may_refuse: bool = False,
    ) -> tuple[Values, str]:
        """The values of all symbols after a mode of conf, and the ``.config`` it wrote.

        ``extra`` adds to the environment, ``files`` replaces files of the tree.
        """
        run = self.enter(root)
        try:
            for name, text in (files or {}).items():
                replace(run, name, text)
            (run / "table").write_bytes(
                b"".join(part.encode() + b"\0" for pair in table.items() for part in pair)
            )
            if config is not None:
                (run / ".config").write_text(config)
            done = subprocess.run(
                [self.binary, "-s", mode, "Kconfig"],
                cwd=run,
                env={
                    **environment,
                    **(extra or {}),
                    "ORACLE_TABLE": str(run / "table"),
                    "ORACLE_DUMP": str(run / "dump"),
                },
                capture_output=True,
                text=True,
                errors="surrogateescape",
                check=False,
                timeout=120,
            )
            if done.returncode < 0:
                return Values({}, frozenset(), (f"signal {-done.returncode}",)), ""
            if may_refuse and done.returncode == 1:
                return Values({}, frozenset(), refused=done.stderr or "it says nothing"), ""
            assert done.returncode == 0, (mode, done.returncode, done.stderr[-2000:])
            missing = re.findall(r"MISSING-SHELL .*", done.stderr)
            assert not missing, missing
            symbols = {}
            for line in (run / "dump").read_text(errors="surrogateescape").splitlines():
                name, written, visible, value = line.split("\t", 3)
                symbols[name] = (value, written == "1", int(visible))
            selectors = frozenset(re.findall(r"^  - (\w+) \[=[ym]\]", done.stderr, re.MULTILINE))
            unmet = frozenset(re.findall(r"unmet direct dependencies detected for (\S+)", done.stderr))
            return Values(symbols, unmet, selectors=selectors), (run / ".config").read_text(
                errors="surrogateescape"
            )
        finally:
            shutil.rmtree(run)

    def refuses(self, root: Path, environment: Mapping[str, str]) -> str | None:
        """What conf says of a tree that it exits with an error for; None if it does not."""
        run = self.enter(root)
        try:
            (run / "table").write_bytes(b"")
            done = subprocess.run(
                [self.binary, "-s", "--olddefconfig", "Kconfig"],
                cwd=run,
                env={**environment, "ORACLE_TABLE": str(run / "table"), "ORACLE_DUMP": str(run / "dump")},
                capture_output=True,
                text=True,
                check=False,
                timeout=60,
            )
            assert done.returncode <= 1, done
            return done.stderr or "it says nothing" if done.returncode else None
        finally:
            shutil.rmtree(run)


def build(root: Path, scratch: Path) -> Conf:
    """The conf of a tree, from a patched copy of its sources."""
    for tool in ("flex", "bison", "gcc"):
        if shutil.which(tool) is None:
            pytest.skip(f"building conf needs {tool}")
    source = scratch / "scripts" / "kconfig"
    shutil.copytree(root / "scripts" / "kconfig", source, ignore=shutil.ignore_patterns("tests", "lxdialog"))
    include = scratch / "scripts" / "include"
    if (root / "scripts" / "include").is_dir():
        shutil.copytree(root / "scripts" / "include", include)
    preprocess = (source / "preprocess.c").read_text()
    found = re.search(r"^static char \*do_shell\(.*?^}\n", preprocess, re.DOTALL | re.MULTILINE)
    assert found is not None
    (source / "preprocess.c").write_text(preprocess[: found.start()] + SHELL + preprocess[found.end() :])
    main = (source / "conf.c").read_text()
    head, _, tail = main.rpartition("\treturn 0;\n}")
    (source / "conf.c").write_text(
        "extern void oracle_dump(void);\n" + head + "\toracle_dump();\n\treturn 0;\n}" + tail
    )
    internal = source / "internal.h"  # not there before 5.14
    listed = internal.is_file() and "for_all_symbols(sym)" in internal.read_text()
    dump = DUMP if listed else OLD_DUMP
    (source / "oracle.c").write_text(
        dump if internal.is_file() else dump.replace('#include "internal.h"\n', "")
    )

    def run(*command: str) -> None:
        subprocess.run(command, cwd=source, check=True, capture_output=True, timeout=120)

    run("flex", "-olexer.lex.c", "-L", "lexer.l")
    run("bison", "-o", "parser.tab.c", "--defines=parser.tab.h", "-t", "-l", "parser.y")
    objects = [
        "conf",
        "confdata",
        "expr",
        "lexer.lex",
        "menu",
        "oracle",
        "parser.tab",
        "preprocess",
        "symbol",
        "util",
    ]
    if '#include "menu.c"' in (source / "parser.y").read_text():
        objects.remove("menu")
    run("gcc", "-O1", "-w", "-I.", "-I../include", "-o", "conf", *(f"{name}.c" for name in objects))
    return Conf(source / "conf", scratch)


@pytest.fixture(scope="session")
def trees() -> Path:
    """The directory that holds linux-7.2 and linux-6.12."""
    where = os.environ.get("CHECKSERIES_TREES")
    if not where:
        pytest.skip("$CHECKSERIES_TREES is not set")
    return Path(where)


@pytest.fixture(scope="session")
def conf(trees: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Conf]:
    """Conf of a release, built once."""
    built: dict[str, Conf] = {}

    def of(release: str) -> Conf:
        if release not in built:
            built[release] = build(trees / release, tmp_path_factory.mktemp("conf"))
        return built[release]

    return of


@dataclass(frozen=True)
class Recording(Toolchain):
    """The modelled toolchain, remembering what it was asked."""

    asked: dict[str, str] = field(default_factory=dict)

    def answer(self, command: str) -> Answer:
        answer = super().answer(command)
        self.asked[command] = answer.output
        return answer


class Files:
    """The texts of a directory, read once."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._known: dict[str, str | None] = {}

    def __call__(self, path: str) -> str | None:
        if path not in self._known:
            file = self.root / path
            self._known[path] = file.read_text(errors="surrogateescape") if file.is_file() else None
        return self._known[path]


@pytest.fixture(scope="session")
def kernel(trees: Path) -> Callable[[str, str], SimpleNamespace]:
    """(release, arch) to the parse of it and the table of what its shell was asked."""
    files: dict[str, Files] = {}
    known: dict[tuple[str, str], SimpleNamespace] = {}

    def of(release: str, arch: str) -> SimpleNamespace:
        key = (release, arch)
        if key not in known:
            read = files.setdefault(release, Files(trees / release))
            toolchain = Recording(arch)
            tree = parsed(read, "Kconfig", toolchain, grammar_of(read))
            known[key] = SimpleNamespace(
                tree=tree,
                root=trees / release,
                read=read,
                toolchain=toolchain,
                table=toolchain.asked,
                environment=toolchain.environment,
            )
        return known[key]

    return of


@pytest.fixture(scope="session")
def kconfig() -> Callable[..., Tree]:
    """A tree from texts: the top file, or files by their path."""

    def of(text: str = "", arch: str = "x86", *, strict: bool = True, **files: str) -> Tree:
        paths = {"Kconfig": text, **{name.replace("__", "/"): content for name, content in files.items()}}
        return parsed(paths.get, "Kconfig", Toolchain(arch), Grammar(strict=strict))

    return of


@pytest.fixture(scope="session")
def small(kconfig: Callable[..., Tree]) -> Callable[..., Model]:
    """A model from texts, without a kernel around them."""

    def of(text: str = "", arch: str = "x86", **files: str) -> Model:
        return Model(arch, kconfig(text, arch, **files))

    return of


TYPES = ["bool", "bool", "tristate", "tristate", "int", "hex", "string"]
WORDS = {
    "int": ["0", "1", "5", "12", "-3", "0x10", "007", "abc"],
    "hex": ["0x0", "0x10", "ff", "0xFF", "12", "zz"],
    "string": ['""', '"a"', '"y"', '"12"', '"0xc"', "bare"],
    "bool": ["y", "n", "m"],
    "tristate": ["y", "n", "m"],
}


class Maker:
    """A Kconfig file made at random; expressions speak of earlier symbols, so that there is no circle."""

    def __init__(self, dice: random.Random) -> None:
        self.dice = dice
        self.types: dict[str, str] = {}
        self.lines = ["config MODULES", '\tbool "modules"', "\tmodules", "\tdefault y"]
        self.selectable: list[str] = []
        for number in range(dice.randint(3, 9)):
            self.selectable.append(f"T{number}")

    def expr(self, depth: int = 0) -> str:
        dice = self.dice
        known = [*self.types, "MODULES", "UNDEFINED"]
        match dice.randrange(8 if depth < 3 else 4):
            case 0 | 1:
                return dice.choice(known)
            case 2:
                name = dice.choice(known)
                value = dice.choice([*WORDS[self.types.get(name, "bool")], dice.choice(known)])
                operator = dice.choice(["=", "!=", "<", "<=", ">", ">="])
                if operator == "!=" and value == "y":
                    # expr_transform() takes the symbol for an expression there, if it is a bool: conf crashes,
                    # or says what happens to lie in memory.
                    value = "n"
                return f"{name} {operator} {value}"
            case 3:
                return dice.choice(["y", "m", "n", *known])
            case 4 | 5:
                return f"({self.expr(depth + 1)} && {self.expr(depth + 1)})"
            case 6:
                return f"({self.expr(depth + 1)} || {self.expr(depth + 1)})"
            case _:
                return f"!{self.expr(depth + 1)}"

    def condition(self) -> str:
        return f" if {self.expr()}" if self.dice.random() < 0.5 else ""

    def config(self, name: str, targets: list[str]) -> None:
        dice = self.dice
        type_ = dice.choice(TYPES)
        kept = self.types.get(name, type_)
        self.lines += [f"config {name}", f"\t{kept}"]
        if dice.random() < 0.6:
            self.lines[-1] += f' "{name}"{self.condition()}'
        for _ in range(dice.randrange(2)):
            self.lines.append(f"\tdepends on {self.expr()}{self.condition()}")
        for _ in range(dice.randrange(3)):
            own = [each for each, other in self.types.items() if other == kept]
            value = dice.choice([*WORDS[kept], *own]) if kept in ("int", "hex", "string") else self.expr()
            self.lines.append(f"\tdefault {value}{self.condition()}")
        if kept in ("int", "hex") and dice.random() < 0.6:
            low, high = sorted(dice.sample([0, 2, 6, 11, 300], 2))
            shown = [hex(low), hex(high)] if kept == "hex" else [str(low), str(high)]
            numbers = [each for each, other in self.types.items() if other == kept]
            if numbers and dice.random() < 0.3:
                shown[dice.randrange(2)] = dice.choice(numbers)
            self.lines.append(f"\trange {' '.join(shown)}{self.condition()}")
        if kept in ("bool", "tristate"):
            for verb in ("select", "imply"):
                if targets and dice.random() < 0.7:
                    self.lines.append(f"\t{verb} {dice.choice(targets)}{self.condition()}")

    def made(self) -> str:
        dice = self.dice
        for number in range(dice.randint(2, 10)):
            name = f"A{number}"
            block = dice.random()
            if block < 0.15:
                self.lines.append(f"if {self.expr()}")
            elif block < 0.3:
                self.lines += ['menu "m"', f"\tdepends on {self.expr()}", f"\tvisible if {self.expr()}"]
            self.config(name, self.selectable)
            self.types[name] = self.lines[self.lines.index(f"config {name}") + 1].split()[0]
            if block < 0.3:
                self.lines.append("endif" if block < 0.15 else "endmenu")
        for _ in range(dice.randrange(2)):
            self.lines += ["choice", f'\tprompt "c"{self.condition()}']
            members = [f"C{number}" for number in range(dice.randint(1, 4))]
            for member in dice.sample(members, dice.randrange(len(members) + 1)):
                self.lines.append(f"\tdefault {member}{self.condition()}")
            if dice.random() < 0.4:
                self.lines.append(f"\tdepends on {self.expr()}")
            for member in members:
                self.lines += [f"config {member}", f'\tbool "{member}"{self.condition()}']
                if dice.random() < 0.4:
                    self.lines.append(f"\tdepends on {self.expr()}")
            self.lines.append("endchoice")
        for target in self.selectable:
            self.config(target, [])
            if dice.random() < 0.3:
                self.lines += [f"config {target}", f"\tdepends on {self.expr()}"]
        return "\n".join(self.lines) + "\n"

    @staticmethod
    def words(type_: str) -> list[str]:
        """What a user may write behind ``=`` for a type, valid and not."""
        return WORDS.get(type_, ["y"])


@pytest.fixture(scope="session")
def maker() -> type[Maker]:
    """Small Kconfig files made at random."""
    return Maker


@pytest.fixture(scope="session")
def releases(trees: Path) -> Callable[[str], Snapshot]:
    """A kernel's release as a snapshot that nothing was applied to."""
    directories: dict[str, DirectoryTree] = {}

    def of(release: str) -> Snapshot:
        if release not in directories:
            directories[release] = DirectoryTree(str(trees / release), release)
        return Snapshot.of(directories[release])

    return of
