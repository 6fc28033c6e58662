"""Real trees: the selects of CPU hotplug before and after a change, known unmet dependencies, all arches."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from checkseries.facts.answer import Broken, Holds, Impossible, Possible
from checkseries.facts.kconfig import archs, changed, lexical, model
from checkseries.facts.kconfig.evaluate import Evaluation, assigned
from checkseries.facts.kconfig.model import Model
from checkseries.facts.kconfig.symbol import KconfigError
from checkseries.tree import Snapshot

pytestmark = pytest.mark.tree

FOUR = ("x86", "mips", "riscv", "arm64")


def insert(tree: Snapshot, path: str, after: str, text: str) -> dict[str, bytes]:
    """The file with a text put behind the first match of a pattern."""
    content = tree.text(path)
    assert content is not None
    match = re.search(after, content, re.MULTILINE)
    assert match is not None, (path, after)
    return {path: (content[: match.end()] + text + content[match.end() :]).encode()}


@pytest.fixture(scope="module")
def hotplug(releases: Callable[[str], Snapshot]) -> tuple[Snapshot, Snapshot]:
    """7.2, and 7.2 where three arches bring up the first thread of each core first, and arm64 goes parallel."""
    base = releases("linux-7.2")
    first = "\tselect PARALLEL_SMT_PRIMARY_FIRST if HOTPLUG_PARALLEL\n"
    changes = {
        **insert(
            base,
            "arch/Kconfig",
            r"^config HOTPLUG_PARALLEL\n\tbool\n(\t.*\n)*\n",
            "config PARALLEL_SMT_PRIMARY_FIRST\n\tbool\n\tdepends on HOTPLUG_PARALLEL\n\n",
        ),
        **insert(base, "arch/mips/Kconfig", r"^config EYEQ\n\tbool .*\n", first),
        **insert(base, "arch/riscv/Kconfig", r"^config RISCV\n\tdef_bool y\n", first),
        **insert(base, "arch/x86/Kconfig", r"^config X86\n\tdef_bool y\n", first),
        **insert(
            base,
            "arch/arm64/Kconfig",
            r"^config ARM64\n\tdef_bool y\n",
            "\tselect HOTPLUG_PARALLEL if SMP && HOTPLUG_CPU\n",
        ),
    }
    return base, base.after(changes)


TABLE = {
    # HP && !PF, HP && PF, PF && !SMT, PF && SMT, SMT, PF
    "x86": (False, True, False, True, True, True),
    "mips": (False, True, False, True, True, True),
    "riscv": (False, True, True, False, False, True),
    "arm64": (True, False, False, False, True, False),
}
QUESTIONS = (
    "HOTPLUG_PARALLEL && !PARALLEL_SMT_PRIMARY_FIRST",
    "HOTPLUG_PARALLEL && PARALLEL_SMT_PRIMARY_FIRST",
    "PARALLEL_SMT_PRIMARY_FIRST && !HOTPLUG_SMT",
    "PARALLEL_SMT_PRIMARY_FIRST && HOTPLUG_SMT",
    "HOTPLUG_SMT",
    "PARALLEL_SMT_PRIMARY_FIRST",
)
SELECTS = {
    "x86": {
        "HOTPLUG_PARALLEL": ["X86 if SMP && X86_64"],
        "PARALLEL_SMT_PRIMARY_FIRST": ["X86 if HOTPLUG_PARALLEL"],
        "HOTPLUG_SMT": ["X86 if SMP"],
    },
    "mips": {
        "HOTPLUG_PARALLEL": ["EYEQ if HOTPLUG_CPU"],
        "PARALLEL_SMT_PRIMARY_FIRST": ["EYEQ if HOTPLUG_PARALLEL"],
        "HOTPLUG_SMT": ["MIPS_CPS if HOTPLUG_PARALLEL"],
    },
    "riscv": {
        "HOTPLUG_PARALLEL": ["RISCV if HOTPLUG_CPU"],
        "PARALLEL_SMT_PRIMARY_FIRST": ["RISCV if HOTPLUG_PARALLEL"],
        "HOTPLUG_SMT": [],
    },
    "arm64": {
        "HOTPLUG_PARALLEL": ["ARM64 if SMP && HOTPLUG_CPU"],
        "PARALLEL_SMT_PRIMARY_FIRST": [],
        "HOTPLUG_SMT": ["ARM64 if HOTPLUG_CPU"],
    },
}


@pytest.mark.parametrize("arch", FOUR)
def test_hotplug(hotplug: tuple[Snapshot, Snapshot], arch: str) -> None:
    base, after = hotplug
    before, now = model(base, arch), model(after, arch)
    for target, expected in SELECTS[arch].items():
        assert [str(each) for each in now.selects(target)] == expected
        for each in now.selects(target):
            assert now.unmet(each) == Impossible()
            line = (after.text(each.path) or "").splitlines()[each.line - 1]
            assert line.split()[:2] == ["select", target]
    for question, expected_answer in zip(QUESTIONS, TABLE[arch], strict=True):
        answer = now.satisfiable(question)
        assert isinstance(answer, Possible if expected_answer else Impossible), (question, answer)
        if isinstance(answer, Possible):
            assert len(answer.witness) <= 8
    verdict = now.implies("HOTPLUG_PARALLEL", "PARALLEL_SMT_PRIMARY_FIRST")
    assert isinstance(verdict, Broken if arch == "arm64" else Holds)
    selector = {"x86": "X86", "mips": "EYEQ", "riscv": "RISCV", "arm64": "ARM64"}[arch]
    assert changed(before, now) == {"PARALLEL_SMT_PRIMARY_FIRST", selector}
    assert changed(now, now) == frozenset()
    assert before.can_be("PARALLEL_SMT_PRIMARY_FIRST", "y") == Impossible(
        f"PARALLEL_SMT_PRIMARY_FIRST is not defined on {arch}"
    )


def test_a_change_elsewhere_parses_nothing_again(releases: Callable[[str], Snapshot]) -> None:
    base = releases("linux-7.2")
    model(base, "riscv")
    after = base.after({"kernel/cpu.c": b"", "arch/x86/Kconfig": b"nonsense\n"})
    assert model(after, "riscv") is model(base, "riscv")
    assert base.lineage.computed["attempt"] == 1
    for _ in range(2):
        with pytest.raises(KconfigError, match="arch/x86/Kconfig:1: "):
            model(after, "x86")
    assert base.lineage.computed["attempt"] == 2


UNMET = [
    ("linux-7.2", "x86", "DRM_IMX_LDB", "DRM_BRIDGE_CONNECTOR", True),
    ("linux-7.2", "mips", "SND_SOC_DB1200", "SND_SOC_WM8731_I2C", True),
    ("linux-7.2", "x86", "X86", "HOTPLUG_SMT", False),
    ("linux-7.2", "arm64", "DRM_IMX_LDB", "DRM_BRIDGE_CONNECTOR", True),
    ("linux-7.2", "arm64", "VIDEO_MMP_CAMERA", "I2C_GPIO", True),
    ("linux-7.2", "x86", "VIDEO_MMP_CAMERA", "I2C_GPIO", False),
]


@pytest.mark.parametrize(("release", "arch", "selector", "target", "expected"), UNMET)
def test_known_unmet_dependencies(
    releases: Callable[[str], Snapshot], release: str, arch: str, selector: str, target: str, expected: bool
) -> None:
    here = model(releases(release), arch)
    answers = [here.unmet(each) for each in here.selects_by(selector) if each.target == target]
    assert any(isinstance(answer, Possible) for answer in answers) == expected
    assert all(isinstance(answer, Possible | Impossible) for answer in answers)
    for answer in answers:
        if not isinstance(answer, Possible):
            continue
        assert target in Evaluation(here.tree, assigned(answer.witness)).all_unmet()


@pytest.mark.parametrize("release", ["linux-7.2", "linux-6.12"])
def test_every_arch(releases: Callable[[str], Snapshot], release: str) -> None:
    tree = releases(release)
    known = lexical.definitions(tree)
    assert lexical.spelt(tree) == ()
    everywhere = archs(tree)
    assert len(everywhere) == 21
    for arch in everywhere if release == "linux-7.2" else ("um", "x86"):
        here = model(Snapshot.of(tree.lineage.base), arch)  # of its own: 21 models at once are too many
        assert here.unmodelled == ()
        assert len(here.names) > 16000
        for name in here.names:
            assert set(here.definitions(name)) <= set(known[name]), name
        if arch == "x86":
            compare_references(tree, here)


def compare_references(tree: Snapshot, here: Model) -> None:
    """What the files say word by word is what the parse has: selects by place, and names in expressions."""
    for path in here.files:
        references = lexical.references(tree, path)
        reverse = {
            (each.name, each.line, each.entry) for each in references if each.keyword in ("select", "imply")
        }
        parsed = {
            (each.target.name, each.line, each.selector.name)
            for name in {each.entry for each in references if each.entry}
            for each in here.tree.symbols[name].selects
            if each.path == path
        }
        assert parsed == reverse, path
        assert all(here.referenced(each.name) for each in references), path
