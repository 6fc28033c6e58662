"""A select should not name a symbol that has both a prompt and dependencies.

Why: select forces a symbol on without a look at its dependencies, now or when they change, and takes the choice
from the user. Documentation/kbuild/kconfig-language.rst asks to select only symbols without prompts and symbols
without dependencies; "depends on" says the same and keeps both.

Severity: a note; the tree has many such selects on purpose.

Not found: targets that another symbol selects too, which are taken as meant to be selected; selects that an if,
menu or source newly around them changes.
"""

from __future__ import annotations

from collections.abc import Iterator

from checkseries.facts.kconfig import model
from checkseries.facts.places import line_place
from checkseries.judge.rule import Subject, bad, counted, good, no_words, rule
from checkseries.judge.selects import gained_selects, selects_of
from checkseries.model import Confidence, Finding, Held, Related, Severity, Verdict
from checkseries.tree import Snapshot


@rule(
    "select-visible",
    severity=Severity.NOTE,
    confidence=Confidence.MEDIUM,
    since="0.1",
    subjects=gained_selects,
    words=no_words,
    summary=counted("selects"),
    per_arch=True,
)
def check(tree: Snapshot, subject: Subject) -> Iterator[Verdict]:
    """One verdict a select of the symbol by the selector, on one arch."""
    kconfig = model(tree, subject.arch)
    target = subject.name
    depends = kconfig.depends(target)
    others = {each.selector for each in kconfig.selects(target) if not each.implied} - {subject.detail[0]}
    for select in selects_of(kconfig, subject):
        place = line_place(tree, select.path, select.line, select.selector)
        if others or not depends or not kconfig.visible(target) or kconfig.in_choice(target):
            yield Held(place, f"{target} can be selected")
            continue
        path, line = kconfig.definitions(target)[0]
        yield Finding(
            rule="select-visible",
            severity=Severity.NOTE,
            confidence=Confidence.MEDIUM,
            place=place,
            subject=target,
            message=f"{select.selector} selects {target}, which users can set and which depends on {depends}: "
            "depends on would keep both",
            archs=(subject.arch,),
            related=(Related(line_place(tree, path, line, target), f"{target} is defined here"),),
        )


_TOP = 'source "arch/$(SRCARCH)/Kconfig"\n\nconfig BUS\n\tbool "bus"\n\nconfig DRIVER\n\tbool "driver"\n\tdepends on BUS\n'
_ARCH = 'config X86\n\tdef_bool y\n\nconfig BOARD\n\tbool "board"\n\tdepends on BUS\n'
_BASE = {"Kconfig": _TOP, "arch/x86/Kconfig": _ARCH}
_SELECT = {"arch/x86/Kconfig": _ARCH + "\tselect DRIVER\n"}

EXAMPLES = (
    bad("a prompt and a dependency", _BASE, _SELECT, finds=("1 arch/x86/Kconfig:7",)),
    good("no prompt", {**_BASE, "Kconfig": _TOP.replace(' "driver"', "")}, _SELECT),
    good("no dependency", {**_BASE, "Kconfig": _TOP.replace("\tdepends on BUS\n", "")}, _SELECT),
    good("an imply", _BASE, {"arch/x86/Kconfig": _ARCH + "\timply DRIVER\n"}),
    good(
        "others select it too",
        {**_BASE, "Kconfig": _TOP + '\nconfig OTHER\n\tbool "other"\n\tdepends on BUS\n\tselect DRIVER\n'},
        _SELECT,
    ),
    good(
        "it was selected before",
        {"Kconfig": _TOP, **_SELECT},
        {"arch/x86/Kconfig": _ARCH + "\tdefault y\n\tselect DRIVER\n"},
    ),
)
