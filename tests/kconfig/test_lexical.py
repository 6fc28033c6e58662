"""Names and references of Kconfig files, without an architecture."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from checkseries.facts.kconfig import lexical
from checkseries.facts.kconfig.help import after_help
from checkseries.tree import MemoryTree, Snapshot

# ruff: noqa: E101  # help texts are indented by a tab and spaces
FILE = """\
# config COMMENTED
mainmenu "config MENU"

config A # with a comment
	bool "config PROMPT" if P1 && \\
		!P2
	depends on (D1 || D2=y) && D3 != "QUOTED" && D4 < 10 # D5
	depends on $(cc-option,-fno D6) && PRE_$(X)_POST || D7 if D8
	select S1 if S2
	imply I1
	default V1 if V2 = m
	default 0x10
	help
	  config IN_HELP
	    depends on H1

	  select H2
	config B
	int
	range R1 64 if R3

if IF1 || \\
   IF2
menuconfig C
	def_bool DB1
	help
		deeper
	    config NOT_SO_DEEP
		bool
choice
	prompt "which" if CP
	default CD
	depends on CDEP
endchoice
endif

menu "m"
	visible if MV
	depends on MD
comment "c"
	depends on CC
source "sub/other"
source "arch/$(SRCARCH)/Kconfig"
MACRO := config NOT_EITHER
config $(MACRO)_BUILT
endmenu
config LAST
	bool"""


def tree(**files: str) -> Snapshot:
    return Snapshot.of(MemoryTree({path.replace("__", "/"): text for path, text in files.items()}))


def test_definitions() -> None:
    found = lexical.definitions(
        tree(
            Kconfig=FILE,
            sub__other="config OTHER\nconfig A\n",
            sub__ignored="config IGNORED\n",
            drivers__Kconfig_x="config X\n",
            scripts__kconfig__tests__t__Kconfig="config TEST\n",
            samples__Kconfig="config SAMPLE\n",
        )
    )
    assert dict(found) == {
        "A": (("Kconfig", 4), ("sub/other", 2)),
        "B": (("Kconfig", 18),),
        "C": (("Kconfig", 24),),
        "NOT_SO_DEEP": (("Kconfig", 28),),
        "LAST": (("Kconfig", 47),),
        "OTHER": (("sub/other", 1),),
        "SAMPLE": (("samples/Kconfig", 1),),
        "X": (("drivers/Kconfig_x", 1),),
    }


def test_what_macros_spell_is_told() -> None:
    assert lexical.spelt(tree(Kconfig=FILE)) == (("Kconfig", 45),)
    assert lexical.spelt(tree(Kconfig="config A\n")) == ()


def test_references() -> None:
    found = [
        (each.name, each.line, each.keyword, each.entry)
        for each in lexical.references(tree(Kconfig=FILE), "Kconfig")
    ]
    assert found == [
        ("P1", 5, "if", "A"),
        ("P2", 6, "if", "A"),
        ("D1", 7, "depends", "A"),
        ("D2", 7, "depends", "A"),
        ("D3", 7, "depends", "A"),
        ("D4", 7, "depends", "A"),
        ("D7", 8, "depends", "A"),
        ("D8", 8, "if", "A"),
        ("S1", 9, "select", "A"),
        ("S2", 9, "if", "A"),
        ("I1", 10, "imply", "A"),
        ("V1", 11, "default", "A"),
        ("V2", 11, "if", "A"),
        ("R1", 20, "range", "B"),
        ("R3", 20, "if", "B"),
        ("IF1", 22, "if", ""),
        ("IF2", 23, "if", ""),
        ("DB1", 25, "def_bool", "C"),
        ("CP", 31, "if", ""),
        ("CD", 32, "default", ""),
        ("CDEP", 33, "depends", ""),
        ("MV", 38, "if", ""),
        ("MD", 39, "depends", ""),
        ("CC", 41, "depends", ""),
    ]


def test_columns_point_at_the_word() -> None:
    lines = FILE.split("\n")
    references = lexical.references(tree(Kconfig=FILE), "Kconfig")
    assert references
    for each in references:
        assert lines[each.line - 1][each.column - 1 :].startswith(each.name)


def test_a_patch_costs_the_files_that_it_touches() -> None:
    base = tree(**{f"d{n}__Kconfig": f"config A{n}\n" for n in range(30)})
    assert len(lexical.definitions(base)) == 30
    before = base.lineage.computed["headings"]
    after = base.after({"d3/Kconfig": b"config B\n", "d5/x.c": b"config NO\n"})
    assert lexical.definitions(after)["B"] == (("d3/Kconfig", 1),)
    assert "A3" not in lexical.definitions(after)
    assert base.lineage.computed["headings"] == before + 1
    new = after.after({"new/Kconfig": b"config NEW\n"})
    assert "NEW" in lexical.definitions(new)
    assert base.lineage.computed["headings"] == before + 2


def test_what_an_architecture_reads() -> None:
    here = tree(
        Kconfig='source "arch/$(SRCARCH)/Kconfig"\nsource "crypto/Kconfig"\n',
        crypto__Kconfig='if X86\nsource "arch/x86/crypto/Kconfig"\nendif\n',
        arch__x86__crypto__Kconfig="config A\n",
        arch__x86__Kconfig='source "arch/x86/kvm/Kconfig"\n',
        arch__x86__kvm__Kconfig="config K\n",
        arch__x86__um__Kconfig="config U\n",
        arch__um__Kconfig='source "arch/$(HEADER_ARCH)/um/Kconfig"\n',
        arch__arm__Kconfig="config ARM\n",
        drivers__Kconfig="config NOT_SOURCED\n",
    )

    def read(arch: str) -> set[str]:
        return {path for path in lexical.paths(here) if lexical.concerns(here, path, arch)}

    everywhere = {"Kconfig", "crypto/Kconfig", "arch/x86/crypto/Kconfig", "drivers/Kconfig"}
    x86 = {"arch/x86/Kconfig", "arch/x86/kvm/Kconfig"}
    assert read("x86") == everywhere | x86 | {"arch/x86/um/Kconfig"}
    assert read("um") == everywhere | {"arch/um/Kconfig", "arch/x86/um/Kconfig"}
    assert read("arm") == everywhere | {"arch/arm/Kconfig"}
    assert not lexical.concerns(here, "kernel/fork.c", "arm")


def test_what_a_macro_may_spell_is_sourced() -> None:
    here = tree(Kconfig='source "$(DIR)/x/Kconfig"\n', a__x__Kconfig='source "b/Kconfig"\n', b__Kconfig="")
    assert lexical.closure(here, ("Kconfig",), "x86") == {"Kconfig", "a/x/Kconfig", "b/Kconfig"}


def test_missing_and_odd_files() -> None:
    assert lexical.references(tree(Kconfig=""), "Kconfig") == ()
    assert lexical.references(tree(Kconfig=""), "nowhere") == ()
    odd = Snapshot.of(MemoryTree({"Kconfig": b"config \xff\xfe\n\0config A\nconfig B \\\n\n\tdepends on \\"}))
    assert set(lexical.definitions(odd)) <= {"A", "B"}
    assert lexical.references(odd, "Kconfig") == ()
    assert lexical.definitions(tree(Kconfig='source "../x"\nsource "/etc/passwd"\nsource "gone"\n')) == {}


@given(st.text(alphabet=" \t\nax\\", max_size=40))
def test_help_ends_where_a_line_is_less_indented(text: str) -> None:
    """Against a plain reading, line by line."""
    position, indent = 0, 0
    for number, line in enumerate(text.splitlines(keepends=True)):
        bare = line.strip(" \t\n")
        width = len(line[: len(line) - len(line.lstrip(" \t"))].expandtabs())
        if number == 0 and bare and not width:  # taken for help, whatever it is
            position += len(line)
            continue
        if bare and (not width or width < indent):
            break
        if bare:
            indent = indent or width
        position += len(line)
    assert text[after_help(text, 0) :].lstrip(" \t\n") == text[position:].lstrip(" \t\n")
