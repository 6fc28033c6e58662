"""Kernels from before choices were plain: all architectures parse, and values are those of their own conf.

The trees are unpacked from Debian's packages linux-source-5.10 and linux-source-6.1 into
``$CHECKSERIES_TREES/linux-5.10`` and ``linux-6.1``; what is not there is skipped.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.kconfig.differing import differences

from checkseries.facts.answer import Impossible, Possible, Unknown
from checkseries.facts.kconfig import Model
from checkseries.facts.kconfig.evaluate import Evaluation, Mode, assigned
from checkseries.facts.kconfig.menu import grammar_of, parsed
from checkseries.facts.kconfig.symbol import Tree, Type
from checkseries.facts.kconfig.toolchain import Toolchain

pytestmark = [pytest.mark.oracle, pytest.mark.tree]

RELEASES = ("linux-5.10", "linux-6.1")
ARCHS = ("x86", "arm64", "mips", "powerpc", "sh")
MODES: tuple[Mode, ...] = ("allmodconfig", "allyesconfig", "allnoconfig", "alldefconfig")
Record = Callable[[str, object], None]


@pytest.fixture(params=RELEASES)
def release(request: pytest.FixtureRequest, trees: Path) -> str:
    name: str = request.param
    if not (trees / name / "Kconfig").is_file():
        pytest.skip(f"$CHECKSERIES_TREES has no {name}")
    return name


def reader(root: Path) -> Callable[[str], str | None]:
    known: dict[str, str | None] = {}

    def read(path: str) -> str | None:
        if path not in known:
            file = root / path
            known[path] = file.read_text(errors="surrogateescape") if file.is_file() else None
        return known[path]

    return read


def test_every_arch_parses(trees: Path, release: str, record_property: Record) -> None:
    read = reader(trees / release)
    grammar = grammar_of(read)
    assert not grammar.plain
    assert grammar.options == (release == "linux-5.10")
    archs = sorted(path.parent.name for path in (trees / release).glob("arch/*/Kconfig"))
    assert len(archs) > 20
    for arch in archs:
        tree = parsed(read, "Kconfig", Toolchain(arch), grammar)
        assert len(tree.order) > 13000, arch
        assert tree.modules.name == "MODULES"
    record_property(f"architectures of {release} that parse", len(archs))


@pytest.mark.parametrize("arch", ARCHS)
def test_values(
    kernel: Callable[[str, str], SimpleNamespace],
    conf: Callable[[str], Any],
    release: str,
    arch: str,
    record_property: Record,
) -> None:
    """All of a mode, randconfigs read back, and what nobody would write."""
    parse = kernel(release, arch)
    compared = 0

    def run(mode: str, config: str | None = None, **extra: str) -> tuple[Any, str]:
        found: tuple[Any, str] = conf(release).run(
            parse.root, mode, parse.environment, parse.table, config, extra
        )
        return found

    for mode in MODES:
        expected, _ = run("--" + mode)
        assert differences(parse.tree, Evaluation(parse.tree, (), mode), expected) == [], mode
        compared += len(expected.symbols)
    texts = [run("--randconfig", KCONFIG_SEED=str(seed))[1] for seed in range(3)]
    dice = random.Random(f"{release} {arch}")
    texts += ["".join(odd(parse.tree, dice, 3000)) for _ in range(2)]
    for config in texts:
        expected, _ = run("--olddefconfig", config)
        values = Evaluation(parse.tree, assigned(config.splitlines()))
        assert differences(parse.tree, values, expected) == []
        compared += len(expected.symbols)
    record_property(f"symbols of {release} compared with its conf (value, written, visible)", compared)


def odd(tree: Tree, dice: random.Random, count: int) -> list[str]:
    """Random assignments to bools and tristates, each once: choices in every state among them."""
    logical = [each for each in tree.order if each.logical and not each.whole]
    return [
        f"CONFIG_{each.name}={value}\n" if value != "n" else f"# CONFIG_{each.name} is not set\n"
        for each in dice.sample(logical, count)
        for value in (dice.choice("ymn"),)
    ]


@pytest.mark.parametrize("arch", ["x86", "sh"])
def test_what_is_proved_possible_is_confirmed(
    kernel: Callable[[str, str], SimpleNamespace], release: str, arch: str, record_property: Record
) -> None:
    """Members of choices, and symbols at random: each witness is one, and what is impossible is not seen."""
    parse = kernel(release, arch)
    here = Model(arch, parse.tree)
    dice = random.Random(release)
    members = [each for choice in parse.tree.choices for each in choice.members]
    others = [each for each in parse.tree.order if each.logical and not each.whole and each.choice is None]
    seen = [Evaluation(parse.tree, (), mode) for mode in MODES]
    asked = 0
    for symbol in (*dice.sample(members, min(len(members), 60)), *dice.sample(others, 100)):
        for value in "ymn" if symbol.type is Type.TRISTATE else "yn":
            answer = here.can_be(symbol.name, value)
            asked += 1
            assert not isinstance(answer, Unknown), (symbol.name, value, answer)
            if isinstance(answer, Possible):
                assert Evaluation(parse.tree, assigned(answer.witness)).text(symbol) == value
            else:
                assert isinstance(answer, Impossible)
                assert all(values.text(symbol) != value for values in seen), (symbol.name, value)
    record_property(f"questions about {release} answered", asked)
