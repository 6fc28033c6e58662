"""A message should keep the prefix that its file gives to all of them.

Why: pr_info() and its like put the file's pr_fmt() in front; printk() does not. Where a series turns the one into the
other, the message no longer says who speaks.

Severity: a note.

Not found: a pr_fmt() that goes, or that a header gives; continued lines (KERN_CONT), which have no prefix.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from checkseries.facts.c_decl import kernel_source
from checkseries.facts.c_outline import function_at, functions_named
from checkseries.facts.c_text import code, line_starts, place
from checkseries.judge.history import History
from checkseries.judge.rule import Subject, bad, counted, good, no_words, rule
from checkseries.model import Confidence, Finding, Severity, Verdict
from checkseries.tree import Snapshot

_MOST = 200  # lines of one file
_PREFIXED = re.compile(
    r"\bpr_(?:emerg|alert|crit|err|warn|notice|info|debug)(?:_once|_ratelimited)?\s*\(", re.ASCII
)
_BARE = re.compile(
    r"(?<![\w.>])printk(?:_once|_ratelimited)?\s*\(\s*(?!KERN_CONT\b)KERN_[A-Z]++\s*+(?!pr_fmt\b)", re.ASCII
)


def turned(history: History, _arch: str) -> Iterator[Subject]:
    """The functions that get a printk() where a patch takes pr_*() out of their file."""
    for step, path in history.touched(".c"):
        written = [(number, line) for number, line in step.written(path) if "printk" in line]
        if not written or not kernel_source(path):
            continue
        if not any(_PREFIXED.search(line) for line in step.removed(path)):
            continue
        source = code(step.after.peek(path) or b"")
        starts = line_starts(source)
        for number, _ in written[:_MOST]:
            function = function_at(source, starts[number])
            if function is not None and function.sure:
                yield Subject(function.name, "", (path,))


@rule(
    "prefix-lost",
    severity=Severity.NOTE,
    confidence=Confidence.MEDIUM,
    since="0.1",
    subjects=turned,
    words=no_words,
    summary=counted("messages without a prefix"),
)
def check(tree: Snapshot, subject: Subject) -> Iterator[Verdict]:
    """One verdict a printk() of the function."""
    path = subject.detail[0]
    data = tree.read(path)
    if data is None:
        return
    source = code(data)
    if not any(macro.name == "pr_fmt" for macro in source.macros):
        return
    for function in functions_named(source, subject.name):
        for match in _BARE.finditer(source.plain, *function.body):
            yield Finding(
                rule="prefix-lost",
                severity=Severity.NOTE,
                confidence=Confidence.MEDIUM,
                place=place(source, path, match.start(), subject.name),
                subject=subject.name,
                message="printk() leaves out the prefix that pr_fmt() gives to the messages of this file",
            )


_FMT = '#define pr_fmt(fmt) "up: " fmt\n\n'
_PR = 'void up(int cpu)\n{\n\tpr_info("CPU%d\\n", cpu);\n}\n'
_PRINTK = _PR.replace("pr_info(", "printk(KERN_INFO ")
_C = "kernel/up.c"

EXAMPLES = (
    bad("pr_info() becomes printk()", {_C: _FMT + _PR}, {_C: _FMT + _PRINTK}, finds=(f"1 {_C}:5",)),
    good("a file without a prefix", {_C: _PR}, {_C: _PRINTK}),
    good(
        "the prefix is written out",
        {_C: _FMT + _PR},
        {_C: _FMT + _PRINTK.replace('KERN_INFO "CPU%d\\n"', 'KERN_INFO pr_fmt("CPU%d\\n")')},
    ),
    good("a line that goes on", {_C: _FMT + _PR}, {_C: _FMT + _PRINTK.replace("KERN_INFO", "KERN_CONT")}),
    good("another message", {_C: _FMT + _PR}, {_C: _FMT + _PR + _PRINTK.replace("up", "down")}),
    good(
        "it was so before",
        {_C: _FMT + _PRINTK + _PR.replace("up", "down")},
        {
            _C: _FMT
            + _PRINTK.replace("CPU%d", "CPU %d")
            + _PR.replace("up", "down").replace("pr_info", "pr_err")
        },
    ),
)
