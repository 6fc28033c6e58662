"""A function with a body in a header must be static inline.

Why: without static every file that includes the header defines the function, and the linker finds it twice; even
one file has "no previous prototype". With static alone every file that includes the header and does not call the
function has "defined but not used". It is mostly the stub in an #else branch, which the author's configuration
never compiles.

Severity: an error where at least two files include the header and so define the function; a warning for static
without inline, with a file that includes the header and does not speak of the function; a note for a header
that one file alone includes, which may be a part of that file.

Not found: functions whose storage class is a macro; files that include the header by another one only; static
functions in headers of one directory.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from checkseries.facts.c_decl import Declaration, arch_of, functions_in, kernel_source
from checkseries.facts.c_words import attribute
from checkseries.facts.presence import ALWAYS, never, opaque, said
from checkseries.judge.history import History
from checkseries.judge.rule import Subject, bad, good, rule, some, told
from checkseries.model import (
    Confidence,
    Finding,
    Held,
    Place,
    Severity,
    Undecided,
    Verdict,
    Witness,
    WitnessKind,
)
from checkseries.tree import Snapshot

_MOST = 600  # files that may include a header and are looked at
_KNOWN = frozenset(
    f"defined({name})" for name in ("__KERNEL__", "__ASSEMBLY__", "__ASSEMBLER__", "__VDSO__", "MODULE")
)
"""What is no sign that a header is included as code, by a file that defines something before it."""
_UNUSED_IS_FINE = frozenset(("__maybe_unused", "__always_unused", "__used", "__inline_maybe_unused"))


def headers(history: History, _arch: str) -> Iterator[Subject]:
    """The headers to which the series adds lines of a function with a body."""
    for step in history.steps:
        for path in step.touched:
            if not path.endswith(".h") or not kernel_source(path):
                continue
            fresh = step.added.get(path, frozenset())
            for each in functions_in(step.after, path):
                if _suspect(each) and any(line in fresh for line in range(each.lines[0], each.lines[1] + 1)):
                    yield Subject(path)
                    break


def words(subject: Subject) -> tuple[str, ...]:
    """The last word of the header's name: files that include it hold it."""
    return (_stem(subject.name),)


def _stem(path: str) -> str:
    return str(re.findall(r"\w+", path.rpartition("/")[2].removesuffix(".h"))[-1])


def _suspect(each: Declaration) -> bool:
    return (
        each.kind == "definition"
        and each.sure
        and not each.inline
        and not any("inline" in word.lower() for word in each.attributes)
        and not never(each.condition)
    )


def summary(holds: int, broken: int, unknown: int) -> str:
    """``3 functions in headers, 1 would be defined twice``."""
    counts = told((holds, "hold"), (broken, "are not static inline"), (unknown, "unknown"))
    return (
        f"{some(holds + broken + unknown, 'function')} with a body in headers that are not inline: {counts}"
    )


@rule(
    "nonstatic-stub",
    severity=Severity.ERROR,
    confidence=Confidence.HIGH,
    since="0.1",
    subjects=headers,
    words=words,
    summary=summary,
)
def check(tree: Snapshot, subject: Subject) -> Iterator[Verdict]:
    """One verdict a function of the header that has a body and is not inline."""
    path = subject.name
    suspects = [each for each in functions_in(tree, path) if _suspect(each)]
    if not suspects:
        return
    users, whole = _including(tree, path)
    for each in suspects:
        names = [word.partition("(")[0] for word in each.attributes]
        if each.name.isupper() or any(not attribute(word) or word.upper() == word for word in names):
            yield Undecided(each.place, f"whether {each.name}() is static is up to a macro")
        elif any(text not in _KNOWN and text != f"defined({each.name})" for text in opaque(each.condition)):
            yield Undecided(each.place, f"whether {each.name}() is there depends on {said(each.condition)}")
        elif "__weak" in names:
            yield Held(each.place, f"{each.name}() is weak: one of its definitions is taken")
        elif each.static:
            yield _static(tree, each, names, users)
        else:
            yield _external(each, users, whole=whole)


def _external(each: Declaration, users: tuple[str, ...], *, whole: bool) -> Verdict:
    """A function that every file defines which includes the header."""
    if not whole and len(users) < 2:
        return Undecided(each.place, "too many files may include the header")
    twice = len(users) > 1
    return Finding(
        rule="nonstatic-stub",
        severity=Severity.ERROR if twice else Severity.NOTE,
        confidence=Confidence.HIGH if twice else Confidence.MEDIUM,
        place=each.place,
        subject=each.name,
        message=f"{each.name}() has its body in a header and is not static inline: "
        + ("every file that includes it defines the function" if twice else "one file includes it so far"),
        archs=_archs(each.place),
        witness=_witness(each, [f"{user} includes it" for user in users[:2]]),
    )


def _static(tree: Snapshot, each: Declaration, names: list[str], users: tuple[str, ...]) -> Verdict:
    """A function that every file has a copy of which includes the header, used or not."""
    if _UNUSED_IS_FINE & set(names):
        return Held(each.place, f"{each.name}() may be unused")
    if not each.place.path.startswith("include/") and "/include/" not in each.place.path:
        return Held(each.place, f"{each.name}() is static, in a header of one directory")
    for user in users:
        if user.endswith(".c") and user not in tree.grep(each.name):
            return Finding(
                rule="nonstatic-stub",
                severity=Severity.WARNING,
                confidence=Confidence.HIGH,
                place=each.place,
                subject=each.name,
                message=f"{each.name}() is static in a header, but not inline: "
                "files that include it and do not call it define what they do not use",
                archs=_archs(each.place),
                witness=_witness(each, [f"{user} includes it and does not use {each.name}()"]),
            )
    return Held(each.place, f"all that include the header use {each.name}()")


def _archs(place: Place) -> tuple[str, ...]:
    arch = arch_of(place.path)
    return (arch,) if arch else ()


def _witness(each: Declaration, lines: list[str]) -> Witness:
    when = [f"present where {said(each.condition)}"] if each.condition != ALWAYS else []
    return Witness(WitnessKind.SITE, (*when, *lines))


def _including(tree: Snapshot, path: str) -> tuple[tuple[str, ...], bool]:
    """The files that include a header by its name, as far as two tell enough; False if not all were looked at."""
    directory, _, name = path.rpartition("/")
    spelt = {path.split("/include/", 1)[-1].removeprefix("include/"), name}
    spelt |= {path.removeprefix(f"{directory.rpartition('/')[0]}/")}
    pattern = re.compile(
        rb'^[ \t]*#[ \t]*include[ \t]*(?:"(?:[\w.-]*/)*' + re.escape(name.encode()) + rb'"|<(?:'
        + b"|".join(re.escape(each.encode()) for each in sorted(spelt)) + rb")>)",
        re.MULTILINE,
    )  # fmt: skip
    candidates = [each for each in tree.grep(_stem(path)) if each != path and kernel_source(each)]
    # Those of its own directory first: they are the likeliest.
    candidates.sort(key=lambda each: (each.rpartition("/")[0] != directory, not each.endswith(".c"), each))
    found = []
    for each in candidates[:_MOST]:
        if (match := pattern.search(tree.read(each) or b"")) is None:
            continue
        quoted = b'"' in match[0]
        if quoted and not _meant(tree, each, match[0].decode(errors="replace").split('"')[1], path):
            continue
        found.append(each)
        if len(found) == 40:
            return tuple(found), True
    return tuple(found), len(candidates) <= _MOST


def _meant(tree: Snapshot, user: str, written: str, path: str) -> bool:
    """Whether a quoted include means the header: beside the user, or where there is no such file by its whole name."""
    parts = user.split("/")[:-1]
    for part in written.split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part != ".":
            parts.append(part)
    beside = "/".join(parts)
    if tree.exists(beside):
        return beside == path
    return path.endswith(f"/include/{written}") or path == f"include/{written}"


_STUB = (
    "#ifdef CONFIG_PARK\nint park_cpu(int cpu);\n#else\n{} park_cpu(int cpu)\n{{\n\treturn 0;\n}}\n#endif\n"
)
_NONE = "#ifdef CONFIG_PARK\nint park_cpu(int cpu);\n#endif\n"
_USERS = {
    "a.c": "#include <linux/park.h>\nint f(void)\n{\n\treturn park_cpu(0);\n}\n",
    "b.c": "#include <linux/park.h>\nint g;\n",
}
_BASE = {"include/linux/park.h": _NONE, **_USERS}


def _with(storage: str) -> dict[str, str]:
    return {"include/linux/park.h": _STUB.format(storage)}


EXAMPLES = (
    bad("a stub without static", _BASE, _with("int"), finds=("1 include/linux/park.h:4",)),
    bad(
        "a stub that is static, but not inline",
        _BASE,
        _with("static int"),
        finds=("1 include/linux/park.h:4",),
    ),
    bad(
        "a header beside its users",
        {"x/park.h": _NONE, "x/a.c": '#include "park.h"\n', "x/b.c": '#include "../x/park.h"\n'},
        {"x/park.h": _STUB.format("int")},
        finds=("1 x/park.h:4",),
    ),
    bad(
        "inline is lost",
        {**_BASE, **_with("static inline int")},
        _with("int"),
        finds=("1 include/linux/park.h:4",),
    ),
    bad(
        "only one file includes it so far: a note",
        {"x/park.h": _NONE, "x/a.c": '#include "park.h"\n'},
        {"x/park.h": _STUB.format("int")},
        finds=("1 x/park.h:4",),
    ),
    good("static inline", _BASE, _with("static inline int")),
    good("the kernel's own word for it", _BASE, _with("static __always_inline int")),
    good("it may be unused", _BASE, _with("static __maybe_unused int")),
    good("a macro that may say static", _BASE, _with("PARK_STORAGE int")),
    good("it was so before", {**_BASE, **_with("int")}, {"include/linux/park.h": "\n" + _STUB.format("int")}),
    good(
        "every file that includes it uses it",
        {"include/linux/park.h": _NONE, "a.c": _USERS["a.c"]},
        _with("static int"),
    ),
    good(
        "below #if 0", _BASE, {"include/linux/park.h": _NONE + "#if 0\nint park_cpu(int cpu)\n{\n}\n#endif\n"}
    ),
)
