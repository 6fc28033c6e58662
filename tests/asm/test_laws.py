"""Laws: what is said of a program is what another machine does that runs it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checkseries.facts.asm import asm_sites, strides
from checkseries.facts.asm_condition import NotAssumedError, condition, rendered
from checkseries.tree import MemoryTree, Snapshot

PATH = "arch/arm64/kernel/try.S"
TABLE = 0x4000_0000_0000
WORD = 1 << 64

# --- a machine of its own: nothing here comes from the analyzer

NUMBERS = st.integers(0, 40)
REGISTERS = st.sampled_from(["x1", "x2", "x3", "x4", "x5"])


@st.composite
def instructions(draw: st.DrawFn) -> tuple[str, ...]:
    kind = draw(
        st.sampled_from(
            ["mov", "movi", "add", "addi", "sub", "subi", "adds", "lsl", "mul", "madd", "and", "adr"]
        )
    )
    to, one, two, three = (draw(REGISTERS) for _ in range(4))
    number = draw(NUMBERS)
    by = draw(st.integers(0, 5))
    return {
        "mov": ("mov", to, one),
        "movi": ("mov", to, f"#{number}"),
        "add": ("add", to, one, two),
        "addi": ("add", to, one, f"#{number}"),
        "sub": ("sub", to, one, two),
        "subi": ("sub", to, one, f"#{number}"),
        "adds": ("add", to, one, two, f"lsl #{by}"),
        "lsl": ("lsl", to, one, f"#{by}"),
        "mul": ("mul", to, one, two),
        "madd": ("madd", to, one, two, three),
        "and": ("and", to, one, f"#{number or 1}"),
        "adr": ("adr", to, "table"),
    }[kind]


def run(program: list[tuple[str, ...]], registers: dict[str, int]) -> int:
    """The address that the last instruction, ``ldr x0, [base, index, lsl #k]``, reads."""
    held = dict(registers)

    def of(text: str) -> int:
        return int(text[1:]) if text.startswith("#") else held[text]

    for word, to, *given_ in program:
        match word:
            case "adr":
                held[to] = TABLE
            case "mov":
                held[to] = of(given_[0])
            case "add" | "sub":
                right = of(given_[1]) << (int(given_[2].removeprefix("lsl #")) if len(given_) > 2 else 0)
                held[to] = (of(given_[0]) + (right if word == "add" else -right)) % WORD
            case "lsl":
                held[to] = (of(given_[0]) << of(given_[1])) % WORD
            case "mul":
                held[to] = of(given_[0]) * of(given_[1]) % WORD
            case "madd":
                held[to] = (of(given_[0]) * of(given_[1]) + of(given_[2])) % WORD
            case "and":
                held[to] = of(given_[0]) & of(given_[1])
            case "ldr":
                base, index, by = given_
                return (held[base] + (held[index] << int(by))) % WORD
    raise AssertionError("a program ends with a load")


def written(program: list[tuple[str, ...]]) -> str:
    """The program as assembly."""
    lines = []
    for word, *rest in program:
        if word == "ldr":
            to, base, index, by = rest
            lines.append(f"\tldr\t{to}, [{base}, {index}, lsl #{by}]")
        else:
            lines.append(f"\t{word}\t{', '.join(rest)}")
    return "\n".join(lines) + "\n"


START = {"x1": 1111, "x2": 22222, "x3": 3333, "x4": 4444, "x5": 55555}


@settings(max_examples=300, deadline=None)
@given(st.lists(instructions(), max_size=8), REGISTERS, REGISTERS, st.integers(0, 4))
def test_a_known_step_is_how_far_the_address_moves(
    program: list[tuple[str, ...]], base: str, index: str, by: int
) -> None:
    program = [*program, ("ldr", "x0", base, index, str(by))]
    found = strides(Snapshot.of(MemoryTree({PATH: written(program)})), "table", PATH, None)
    here = [each for each in found if each.bytes is not None and each.place.line == len(program)]
    if not here or any(each.bytes is None for each in found):
        return
    moves = {
        register: (run(program, {**START, register: value + 64}) - run(program, START)) % WORD
        for register, value in START.items()
    }
    # One register is the index; the address follows it, and none of the others.
    real = {min(move, WORD - move) // 64 for move in moves.values() if move}
    assert real <= {each.bytes for each in here}
    assert len([move for move in moves.values() if move]) <= 1


@settings(max_examples=100, deadline=None)
@given(
    st.lists(instructions().filter(lambda each: each[0] not in ("and", "adr", "mul", "madd")), max_size=6),
    st.integers(1, 4),
)
def test_sums_and_shifts_of_an_index_are_always_known(program: list[tuple[str, ...]], by: int) -> None:
    """Whatever linear thing is done with x1, shifted once more and added to the table, is known exactly."""
    program = [each for each in program if "x5" not in each]
    program += [("lsl", "x3", "x1", f"#{by}"), ("adr", "x5", "table"), ("ldr", "x0", "x5", "x3", "0")]
    moves = [
        run(program, {**START, name: START[name] + 1}) - run(program, START)
        for name in ("x1", "x2", "x3", "x4")
    ]
    found = strides(Snapshot.of(MemoryTree({PATH: written(program)})), "table", PATH, None)
    real = [abs(move) for move in moves if abs(move) < 1 << 40]
    if len([move for move in real if move]) == 1 and len(real) == 4:
        assert {each.bytes for each in found} == {max(real)}


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 20), st.integers(-20, 20), st.integers(0, 4), st.integers(-64, 64), st.booleans())
def test_a_known_step_is_how_far_a_loop_moves(
    start: int, step: int, by: int, move: int, pointer: bool
) -> None:
    """Two kinds of loop: an index counted and scaled, and an address moved."""
    count, change = f"mov x2, #{start}", f"add x2, x2, #{step}"
    if pointer:
        count, change = "mov x2, #0", f"add x1, x1, #{move}"
    text = f"adr x1, table\n{count}\n1: ldr x3, [x1, x2, lsl #{by}]\n {change}\n cbnz x3, 1b\n ret\n"
    found = {each.bytes for each in strides(Snapshot.of(MemoryTree({PATH: text})), "table", PATH, None)}
    real = abs(move) if pointer else abs(step) << by
    known = found - {None}
    if pointer or (by == 0 and step) or abs(step) == 1:
        assert known == ({real} if real else set())
    else:
        # Whether the index or the step counts the elements is not known.
        assert known == set()


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries({}, optional={name: st.booleans() for name in "ABCD"}), min_size=1, max_size=6
    )
)
def test_a_rendered_condition_says_what_it_was_made_of(cubes: list[dict[str, bool]]) -> None:
    text = rendered(cubes)
    for number in range(16):
        world = {name: bool(number >> at & 1) for at, name in enumerate("ABCD")}
        wanted = any(all(world[name] == value for name, value in cube.items()) for cube in cubes)
        assert (condition(text).holds(world) if text else True) == wanted


WORLDS = st.fixed_dictionaries({f"defined({name})": st.booleans() for name in "ABC"})
CONDITIONS = st.recursive(
    st.sampled_from(["defined(A)", "defined B", "defined(C)", "0", "1"]),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["&&", "||"]), inner).map(
            lambda each: f"({each[0]} {each[1]} {each[2]})"
        ),
        inner.map(lambda each: f"!({each})"),
    ),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(CONDITIONS, WORLDS)
def test_conditions_are_what_they_say(text: str, world: dict[str, bool]) -> None:
    assert condition(text).holds(world) == reference(text, world)


def reference(text: str, world: dict[str, bool]) -> bool:
    """The truth of a condition by rewriting it until one letter is left."""
    for name in "ABC":
        letter = "1" if world[f"defined({name})"] else "0"
        text = text.replace(f"defined({name})", letter).replace(f"defined {name}", letter)
    text = text.replace(" ", "")
    rules = {"(0)": "0", "(1)": "1", "!0": "1", "!1": "0", "0&&0": "0", "0&&1": "0", "1&&0": "0", "1&&1": "1"}
    rules |= {"0||0": "0", "0||1": "1", "1||0": "1", "1||1": "1"}
    while len(text) > 1:
        before = text
        for old, new in rules.items():
            text = text.replace(old, new)
        assert text != before
    return text == "1"


def test_an_atom_that_is_not_assumed_is_named() -> None:
    with pytest.raises(NotAssumedError) as doubt:
        condition("defined(A) && CONFIG_N > 3").holds({"defined(A)": True})
    assert doubt.value.atom == "CONFIG_N > 3"


# --- the assembler itself

AS, OBJDUMP = "aarch64-linux-gnu-as", "aarch64-linux-gnu-objdump"

MACROS = """
	.set	SHIFT, 1 + 1 << 1
	.macro	scale to, from, by=SHIFT, kind:vararg
	.ifc	\\kind, twice
	lsl	\\to, \\from, #\\by
	add	\\to, \\to, \\to
	.else
	.if	\\by == 2 | 4
	lsl	\\to, \\from, #(\\by - 1)
	.else
	lsl	\\to, \\from, #\\by
	.endif
	.endif
	.endm
	.macro	step to, base, index, by
	scale	\\to \\index, \\by
	.irp	n, 1, 1
	add	\\to, \\to, \\to, lsl #\\n
	.endr
	add	\\to, \\to, \\base
	.endm
	adrp	x1, table
	add	x1, x1, :lo12:table
"""

CASES = (
    "scale x3, x19\n\tadd x0, x1, x3",
    "scale x3 x19 4\n\tadd x0, x1, x3",
    "scale x3, x19, 6\n\tadd x0, x1, x3",
    "scale x3, x19, 2, twice\n\tadd x0, x1, x3",
    "scale by=5, to=x3, from=x19\n\tadd x0, x1, x3",
    "step x0, x1, x19, 2",
    "step x0 x1 x19 1 + 2",
    ".rept 3\n\tadd x19, x19, x19\n\t.endr\n\tadd x0, x1, x19",
    "ldr x3, [x1, w19, uxtw #3]",
    "mov x4, #1 << 3 | 1\n\tmadd x0, x4, x19, x1",
)


@pytest.mark.oracle
@pytest.mark.skipif(not (shutil.which(AS) and shutil.which(OBJDUMP)), reason=f"needs {AS} and {OBJDUMP}")
@pytest.mark.parametrize("case", CASES)
def test_macros_expand_to_what_the_assembler_makes_of_them(case: str, tmp_path: Path) -> None:
    text = f"{MACROS}\t{case}\n\tldr\tx2, [x0]\n"
    (tmp_path / "a.s").write_text(text)
    subprocess.run([AS, "-o", "a.o", "a.s"], cwd=tmp_path, check=True)
    listing = subprocess.run(
        [OBJDUMP, "-dr", "--no-show-raw-insn", "a.o"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    plain: list[str] = []
    for line in listing.splitlines():
        if relocation := re.search(r"R_AARCH64_(\w+)\s+(\w+)", line):
            page = "PG" in relocation.group(1)
            name = relocation.group(2) if page else f":lo12:{relocation.group(2)}"
            plain[-1] = re.sub(r",\s*[^,]*\Z", f", {name}", plain[-1])
        elif instruction := re.match(r"\s+[0-9a-f]+:\t(.*?)(\s*//.*)?\Z", line):
            plain.append(instruction.group(1))
    assert len(plain) > 3
    ours = {each.bytes for each in strides(Snapshot.of(MemoryTree({PATH: text})), "table", PATH, None)}
    flat = "\n".join(plain) + "\n"
    theirs = {each.bytes for each in strides(Snapshot.of(MemoryTree({PATH: flat})), "table", PATH, None)}
    assert ours == theirs
    assert ours != {None}


# --- real trees


@pytest.mark.tree
@pytest.mark.skipif("CHECKSERIES_TREES" not in os.environ, reason="needs $CHECKSERIES_TREES")
@pytest.mark.parametrize("version", ["linux-7.2", "linux-6.12"])
def test_every_arm64_file_of_a_kernel(version: str, capsys: pytest.CaptureFixture[str]) -> None:
    root = Path(os.environ["CHECKSERIES_TREES"]) / version
    files = {
        str(path.relative_to(root)): path.read_bytes()
        for folder in ("arch/arm64", "include/linux", "include/uapi", "include/vdso", "include/asm-generic")
        for pattern in ("*.S", "*.h", "asm-offsets.c")
        for path in (root / folder).rglob(pattern)
        if path.is_file() and not path.is_symlink()
    }
    tree = Snapshot.of(MemoryTree(files))
    sources = sorted(path for path in files if path.startswith("arch/arm64/") and path.endswith(".S"))
    found = {path: asm_sites(tree, path, None, None) for path in sources}
    known = [each for sites in found.values() for each in sites.strides if each.bytes]
    unknown = [each for sites in found.values() for each in sites.strides if not each.bytes]
    refused = [each for sites in found.values() for each in sites.refused]
    members = sum(len(sites.members) for sites in found.values())
    with capsys.disabled():
        print(
            f"\n{version}: {len(sources)} files, steps known {len(known)}, unknown {len(unknown)}, "
            f"members {members}, refused {len(refused)}"
        )
    assert len(sources) > 50
    # The S-box tables of AES hold words of 32 bits; 7.2 has them no more.
    assert {(each.symbol, each.bytes) for each in known} - {("crypto_ft_tab", 4), ("crypto_it_tab", 4)} == {
        ("__per_cpu_offset", 8)
    }
    # 6.12 saves SVE registers by macros that compute their arguments, which is not understood.
    assert len(refused) < 10


@pytest.mark.tree
@pytest.mark.skipif("CHECKSERIES_TREES" not in os.environ, reason="needs $CHECKSERIES_TREES")
@pytest.mark.parametrize(
    ("step", "size"),
    [
        ("lsl\tx3, x19, #4\n\tadd\tx0, x0, x3", 16),
        ("lsl\tx3, x19, #3\n\tadd\tx0, x0, x3", 8),
        ("add\tx0, x0, x19, lsl #4", 16),
        ("add\tx0, x0, x19", 1),
    ],
)
def test_a_step_put_into_a_real_file_is_found(step: str, size: int | None) -> None:
    root = Path(os.environ["CHECKSERIES_TREES"]) / "linux-7.2"
    path = "arch/arm64/kernel/head.S"
    folders = ("arch/arm64/include", "arch/arm64/kernel", "include/linux", "include/uapi")
    files = {
        str(each.relative_to(root)): each.read_bytes()
        for folder in folders
        for each in (root / folder).rglob("*.[hSc]")
        if each.is_file() and not each.is_symlink()
    }
    old = b"\tadr_l\tx0, secondary_data\n"
    assert files[path].count(old) == 1
    counted = "\tmov\tx19, #0\n.Lnext:\n\tadd\tx19, x19, #1\n\tcbnz\tx19, .Lnext\n"
    new = (
        f"#ifdef CONFIG_MANY\n{counted}\tadr_l\tx0, table_of_all\n\t{step}\n#else\n".encode()
        + old
        + b"#endif\n"
    )
    files[path] = files[path].replace(old, new)
    found = strides(Snapshot.of(MemoryTree(files)), "table_of_all", path, None)
    assert {(each.bytes, each.condition) for each in found} == {(size, "defined(CONFIG_MANY)")}
