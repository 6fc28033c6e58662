"""What C asserts of a size or an offset while it is compiled must stay true.

Why: BUILD_BUG_ON() and static_assert() hold what hardware, a protocol or a buffer of fixed size demands. A member more
breaks the build of a file that the patch does not touch, and that its author need not have configured.

Not found: what is broken in some configurations alone, where a member stands under #if or a lock in the type;
assertions on the sizes of members of members and of arrays, and in the branches of a condition; what a macro of another
file asserts; types of another file that hold the changed one. Judged are 64-bit kernels, and for arch/arm those of 32
bits.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from checkseries.facts.c_assert import ASSERTIONS, Assertion, about, assertions_in, judged, named
from checkseries.facts.c_decl import arch_of, kernel_source
from checkseries.facts.c_layout import ILP32, LP64, type_size
from checkseries.facts.c_text import code
from checkseries.judge.history import History, Step
from checkseries.judge.rule import Subject, bad, counted, good, rule
from checkseries.judge.tables import changed_types
from checkseries.model import (
    Confidence,
    Finding,
    Held,
    Related,
    Severity,
    Undecided,
    Verdict,
    Witness,
    WitnessKind,
)
from checkseries.tree import Snapshot

_MOST = 40  # files that assert something of one type
_COMMON = 1500  # files that name a type: more is no type that is asserted of by name
_NARROW = ("arm",)
_OTHERS = frozenset(
    ("arc", "csky", "hexagon", "m68k", "microblaze", "nios2", "openrisc", "parisc", "sh", "sparc", "xtensa")
)
"""Architectures that have 32-bit kernels, at least besides, of which nothing is said."""


def asserted(history: History, _arch: str) -> Iterator[Subject]:
    """The structs and unions that the series changes or asserts of; the details are the assertions that are new."""
    found: dict[str, dict[str, None]] = {}
    for step, path in history.touched(".c", ".h"):
        if not kernel_source(path):
            continue
        for tag in sorted(changed_types(step, path)):
            found.setdefault(tag, {})
        for each in _fresh(history, step, path):
            for name in sorted(about(step.after, each)):
                found.setdefault(name.partition(" ")[2], {})[each.text] = None
        for each in _resting(step, path):
            for name in sorted(about(step.after, each)):
                found.setdefault(name.partition(" ")[2], {})
    for tag, texts in found.items():
        yield Subject(tag, "", tuple(texts))


def _fresh(history: History, step: Step, path: str) -> Iterator[Assertion]:
    """The assertions that a step brings into a file."""
    if not step.added.get(path) or not any(
        name.encode() in (step.after.peek(path) or b"") for name in ASSERTIONS
    ):
        return
    before = {each.text for each in assertions_in(history.base, path)}
    yield from (each for each in assertions_in(step.after, path) if each.text not in before)


def _resting(step: Step, path: str) -> Iterator[Assertion]:
    """The assertions that name a macro of their file which the step changes."""
    old, new = step.before.peek(path), step.after.peek(path)
    if old is None or new is None or not any(name.encode() in new for name in ASSERTIONS):
        return
    changed = {name for name, _ in _macros(old) ^ _macros(new)}
    yield from (each for each in assertions_in(step.after, path) if not changed.isdisjoint(each.words))


def _macros(data: bytes) -> frozenset[tuple[str, str]]:
    source = code(data)
    return frozenset(
        (each.name, " ".join(source.text[each.body : each.end].split())) for each in source.macros
    )


def searched(subject: Subject) -> tuple[str, ...]:
    """The tag, and the words that assert."""
    return (subject.name, *ASSERTIONS)


@rule(
    "size-assert-broken",
    severity=Severity.ERROR,
    confidence=Confidence.HIGH,
    since="0.1",
    subjects=asserted,
    words=searched,
    summary=counted("assertions of sizes and offsets"),
)
def check(tree: Snapshot, subject: Subject) -> Iterator[Verdict]:
    """One verdict an assertion that speaks of the type."""
    naming = frozenset(tree.grep(subject.name))
    if len(naming) > _COMMON:
        return
    asserting = naming & {path for name in ASSERTIONS for path in tree.grep(name)}
    found: list[tuple[Assertion, str]] = []
    for path in sorted(each for each in asserting if kernel_source(each))[:_MOST]:
        for each in assertions_in(tree, path):
            kinds = [name for name in about(tree, each) if name.partition(" ")[2] == subject.name]
            found += [(each, kind) for kind in kinds[:1]]
    tree.expect(frozenset(word for each, kind in found for word in named(tree, each, kind)))
    for each, kind in found:
        yield _judged(tree, each, kind, fresh=each.text in subject.detail)


def _judged(tree: Snapshot, of: Assertion, name: str, *, fresh: bool) -> Verdict:
    arch = arch_of(of.place.path)
    said = f"{of.name}({_shown(of.words)})"
    if of.doubt or arch in _OTHERS:
        return Undecided(of.place, f"{said}: {of.doubt or f'kernels of {arch} may have 32 bits'}")
    abi = ILP32 if arch in _NARROW else LP64
    found = judged(tree, of, abi)
    if found.holds is None:
        return Undecided(of.place, f"{said}: {found.said}")
    if found.holds:
        return Held(of.place, f"{said}: {found.said}")
    if fresh and abi == LP64 and judged(tree, of, ILP32).holds:
        return Undecided(
            of.place, f"{said}: it is true where a long has 32 bits, and may be meant for that alone"
        )
    size = type_size(tree, name, abi, of.place.path)
    bits = "64" if abi == LP64 else "32"
    measured = [] if size is None or size.bytes is None else [f"{name}: {size.bytes} bytes"]
    return Finding(
        rule="size-assert-broken",
        severity=Severity.ERROR,
        confidence=Confidence.HIGH,
        place=of.place,
        subject=_shown(of.words)[:80],
        message=f"{said} does not hold: {found.said}",
        archs=(arch,) if arch is not None else (),
        related=()
        if size is None or not size.place.line
        else (Related(size.place, f"{name} is defined here"),),
        witness=Witness(WitnessKind.SIZE, (*measured, f"{found.said} where a long has {bits} bits"), arch),
    )


def _shown(words: tuple[str, ...]) -> str:
    """The words as people write them."""
    text = re.sub(r"(?<=\w) \((?=.)|(?<=[(\[]) | (?=[)\],])", lambda match: match[0].strip(), " ".join(words))
    return re.sub(r" (->|\.) ", r"\1", text)


_FRAME = """\
struct frame {
	__le32 kind;
	__le16 length;
	__le16 flags;
	u8 payload[8];
};
"""
_DRIVER = """\
#include "frame.h"

static int frame_init(void)
{
	BUILD_BUG_ON(sizeof(struct frame) != 16);
	return 0;
}
"""
_TREE = {"drivers/net/frame.h": _FRAME, "drivers/net/frame.c": _DRIVER}
_GROWN = _FRAME.replace("u8 payload", "__le32 sum;\n\tu8 payload")
_CONTROL = """\
struct packet {
	void *owner;
	char cb[16];
};

struct control {
	void *next;
	u32 left;
	u32 flags;
};

static struct control *control_of(struct packet *packet)
{
	struct control *control = (struct control *)packet->cb;

	BUILD_BUG_ON(sizeof(*control) > sizeof(packet->cb));
	return control;
}
"""
_CHECKED = """\
#include "frame.h"

#define CHECK_OFFSET(member, at) static_assert(offsetof(struct frame, member) == (at))
CHECK_OFFSET(length, 4);
CHECK_OFFSET(payload, 8);
"""

EXAMPLES = (
    bad(
        "a member more",
        _TREE,
        {"drivers/net/frame.h": _GROWN},
        finds=("1 drivers/net/frame.c:5",),
    ),
    bad(
        "a control block grows out of its buffer",
        {"net/core/control.c": _CONTROL},
        {"net/core/control.c": _CONTROL.replace("u32 flags", "u64 flags")},
        finds=("1 net/core/control.c:16",),
    ),
    bad(
        "a macro that asserts offsets",
        {**_TREE, "drivers/net/check.c": _CHECKED, "drivers/net/frame.c": "int x;\n"},
        {"drivers/net/frame.h": _FRAME.replace("__le16 length;", "__le16 mode;\n\t__le16 length;")},
        finds=("1 drivers/net/check.c:4", "1 drivers/net/check.c:5"),
    ),
    bad(
        "a new assertion that was never true",
        {**_TREE, "drivers/net/frame.c": "int x;\n"},
        {"drivers/net/frame.c": _DRIVER.replace("16", "12")},
        finds=("1 drivers/net/frame.c:5",),
    ),
    bad(
        "the number that a size is held against",
        {**_TREE, "drivers/net/frame.c": "#define FRAME 16\n" + _DRIVER.replace("16", "FRAME")},
        {"drivers/net/frame.c": "#define FRAME 24\n" + _DRIVER.replace("16", "FRAME")},
        finds=("1 drivers/net/frame.c:6",),
    ),
    bad(
        "a control block that no configuration lets into its buffer",
        {
            "net/core/control.c": _CONTROL.replace("cb[16]", "cb[24]").replace(
                "u32 flags;", "\n#ifdef CONFIG_SUM\n\tu64 sum;\n#endif"
            )
        },
        {
            "net/core/control.c": _CONTROL.replace("cb[16]", "cb[24]").replace(
                "u32 flags;", "\n#ifdef CONFIG_SUM\n\tu64 sum;\n#endif\n\tu64 wide[2];"
            )
        },
        finds=("1 net/core/control.c:20",),
    ),
    good(
        "the assertion follows",
        _TREE,
        {"drivers/net/frame.h": _GROWN, "drivers/net/frame.c": _DRIVER.replace("16", "20")},
    ),
    good(
        "another member of the same size",
        _TREE,
        {"drivers/net/frame.h": _FRAME.replace("__le16 flags", "__be16 mode")},
    ),
    good(
        "almost: an assertion that 64-bit kernels do not compile",
        {
            **_TREE,
            "drivers/net/frame.c": _DRIVER.replace("\tBUILD", "#ifndef CONFIG_64BIT\n\tBUILD").replace(
                ";\n\treturn", ";\n#endif\n\treturn"
            ),
        },
        {"drivers/net/frame.h": _GROWN},
    ),
    good(
        "almost: a member whose size the configuration decides",
        {
            **_TREE,
            "drivers/net/frame.h": _FRAME.replace(
                "u8 payload[8];", "u8 payload[8];\n#ifdef CONFIG_SUM\n\tu32 sum;\n#endif"
            ),
        },
        {
            "drivers/net/frame.h": _FRAME.replace(
                "u8 payload[8];", "u8 payload[12];\n#ifdef CONFIG_SUM\n\tu32 sum;\n#endif"
            )
        },
    ),
    good(
        "almost: a new assertion that holds where a long has 32 bits",
        {"drivers/net/node.c": "struct node {\n\tstruct node *next;\n};\n"},
        {
            "drivers/net/node.c": "struct node {\n\tstruct node *next;\n};\nstatic_assert(sizeof(struct node) == 4);\n"
        },
    ),
    good(
        "it was not true before",
        {**_TREE, "drivers/net/frame.c": _DRIVER.replace("16", "12")},
        {"drivers/net/frame.h": _GROWN},
    ),
)
