"""What the modelled toolchain answers."""

from __future__ import annotations

import pytest

from checkseries.facts.kconfig import PROFILES, model
from checkseries.facts.kconfig.toolchain import Answer, Profile, Toolchain
from checkseries.tree import MemoryTree, Snapshot

ASKING = r"""
success = $(shell,{ $(1); } >/dev/null 2>&1 && echo "y" || echo "n")
cc-option = $(success,trap "rm -rf .tmp_$$" EXIT; mkdir .tmp_$$; $(CC) -Werror $(CLANG_FLAGS) $(1) -c -x c /dev/null -o .tmp_$$/tmp.o)
cc-info := $(shell,./scripts/cc-version.sh $(CC))
source "arch/$(SRCARCH)/Kconfig"
config CC_IS_GCC
	def_bool $(success,test "$(shell,set -- $(cc-info) && echo $1)" = GCC)
config CC_IS_CLANG
	def_bool $(success,test "$(shell,set -- $(cc-info) && echo $1)" = Clang)
config CC_VERSION
	int
	default $(shell,set -- $(cc-info) && echo $2)
config OLD
	def_bool $(cc-option,-fstack-protector-strong)
config NEW
	def_bool $(cc-option,-fmin-function-alignment=8)
config KCFI
	def_bool $(cc-option,-fsanitize=kcfi)
"""
PROBE = '{{ {}; }} >/dev/null 2>&1 && echo "{}" || echo "{}"'


def option(flags: str) -> str:
    command = (
        f'trap "rm -rf .tmp_$$" EXIT; mkdir .tmp_$$; gcc -Werror  {flags} -c -x c /dev/null -o .tmp_$$/tmp.o'
    )
    return PROBE.format(command, "y", "n")


@pytest.mark.parametrize(
    ("command", "output"),
    [
        ("./scripts/cc-version.sh gcc", "GCC 140200"),
        ("./scripts/as-version.sh gcc ", "GNU 24300"),
        ("./scripts/ld-version.sh ld", "BFD 24300"),
        ("./scripts/rustc-version.sh rustc", "0"),
        ("set -- GCC 140200 && echo $2", "140200"),
        ("set -- GCC && echo $2", ""),
        ("expr 140200 / 10000", "14"),
        ("bindgen --version 2>/dev/null", ""),
    ],
)
def test_commands(command: str, output: str) -> None:
    assert Toolchain("x86").answer(command) == Answer(output, known=True)


@pytest.mark.parametrize(
    ("command", "succeeds"),
    [
        ('test -z ""', True),
        ('test -z "GCC 140200"', False),
        ('test -n "x"', True),
        ('test "GCC" = GCC', True),
        ('test "LLD" = BFD', False),
        ("command -v gcc", True),
        ("nm --help | head -n 1 | grep -qi llvm", False),
        ("objcopy --version | head -n1 | grep -qv llvm", True),
        ("./scripts/rust_is_available.sh", False),
        ("ld -v --orphan-handling=warn", True),
    ],
)
def test_probes(command: str, succeeds: bool) -> None:
    answer = Toolchain("x86").answer(PROBE.format(command, "yes", "no"))
    assert answer == Answer("yes" if succeeds else "no", known=True)


@pytest.mark.parametrize(
    ("arch", "flags", "accepted"),
    [
        ("x86", "-fstack-protector", "y"),
        ("x86", "-mllvm -asan-x", "n"),
        ("x86", "-fsanitize=kcfi", "n"),
        ("x86", "-fsanitize=kernel-address", "y"),
        ("x86", "-m64 -D__SIZEOF_INT128__=0", "n"),
        ("sh", "-D__SIZEOF_INT128__=0", "y"),
        ("arm64", "-fsanitize=shadow-call-stack -ffixed-x18", "y"),
        ("riscv", "-fsanitize=shadow-call-stack", "n"),
    ],
)
def test_options(arch: str, flags: str, accepted: str) -> None:
    assert Toolchain(arch).answer(option(flags)) == Answer(accepted, known=True)


def test_bits_are_the_arches() -> None:
    probe = PROBE.format("gcc -Werror -m32 -E -x c /dev/null -o /dev/null", "-m32", "")
    assert Toolchain("x86").answer(probe).output == "-m32"
    assert Toolchain("mips").answer(probe) == Answer("", known=True)


def test_what_is_not_known_is_said() -> None:
    assert Toolchain("x86").answer("date +%s") == Answer("", known=False)
    assert Toolchain("x86").answer(PROBE.format("curl example.org", "y", "n")) == Answer("y", known=False)
    assert Toolchain("x86").answer(option("gcc -Werror " * 9000)) == Answer("y", known=False)
    assert Toolchain("x86").answer("expr 1 / 0") == Answer("", known=False)
    assert Toolchain("x86").answer("./scripts/new.sh") == Answer("", known=False)


def test_the_environment_is_all_there_is() -> None:
    environment = Toolchain("um").environment
    assert (environment["ARCH"], environment["SUBARCH"], environment["srctree"]) == ("um", "x86", ".")
    assert "HOME" not in environment


@pytest.mark.parametrize(
    ("name", "config"),
    [
        (
            "gcc",
            {
                "CC_IS_GCC": "y",
                "CC_IS_CLANG": "n",
                "CC_VERSION": "140200",
                "OLD": "y",
                "NEW": "y",
                "KCFI": "n",
            },
        ),
        ("gcc-old", {"CC_IS_GCC": "y", "CC_VERSION": "80100", "OLD": "y", "NEW": "n", "KCFI": "n"}),
        (
            "clang",
            {
                "CC_IS_GCC": "n",
                "CC_IS_CLANG": "y",
                "CC_VERSION": "190100",
                "OLD": "y",
                "NEW": "n",
                "KCFI": "y",
            },
        ),
    ],
)
def test_profiles_come_through_to_the_model(name: str, config: dict[str, str]) -> None:
    tree = Snapshot.of(
        MemoryTree({"Kconfig": ASKING.encode(), "arch/x86/Kconfig": b"config X86\n\tdef_bool y\n"}), name
    )
    here = model(tree, "x86")
    assert here.profile == PROFILES[name].text
    assert not here.unmodelled
    assert not here.assumed
    values = here.evaluation({}).all()
    assert {each: values[each] for each in config} == config


@pytest.mark.parametrize("profile", PROFILES.values(), ids=list(PROFILES))
def test_the_tools_of_a_profile_are_one_family(profile: Profile) -> None:
    toolchain = Toolchain("x86", profile)
    assert toolchain.environment["ARCH"] == "x86"
    archiver = toolchain.environment["AR"]
    listed = toolchain.answer(PROBE.format(f"{archiver} --help | head -n 1 | grep -qi llvm", "y", "n"))
    assert listed == Answer("y" if profile.name == "clang" else "n", known=True)
    linker = toolchain.environment["LD"]
    linked = toolchain.answer(PROBE.format(f"{linker} -v --compress-debug-sections=zstd", "y", "n"))
    assert linked == Answer("n" if profile.name == "gcc-old" else "y", known=True)
