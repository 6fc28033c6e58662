"""The main loop: a series on a tree, through facts and rules, to a report. Reads like the data flow."""

from __future__ import annotations

import contextlib
import gc
import re
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from checkseries.errors import CheckseriesError
from checkseries.judge.history import History, Step
from checkseries.judge.introduced import State, compare, doubted, fingerprint, order, origins_after
from checkseries.judge.known import name_of
from checkseries.judge.rule import Rule, Subject
from checkseries.limits import SECONDS, TOTAL_SECONDS, TooSlowError, within
from checkseries.model import (
    Absent,
    Checked,
    Finding,
    Held,
    Introduced,
    Judged,
    Patch,
    Place,
    Report,
    SelectionRow,
    SelectionTable,
    Series,
    Skipped,
    Status,
    Undecided,
)
from checkseries.tree import Lineage, Snapshot, Tree
from checkseries.tree.apply import Applied, PatchDoesNotApplyError, apply, reverse
from checkseries.tree.base import holds_word
from checkseries.tree.index import DAMAGED, Index, dumped, loaded
from checkseries.workers import start

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a rule says of one subject on one snapshot; ``failure`` if it could not say anything."""

    findings: tuple[Finding, ...] = ()
    held: tuple[Held, ...] = ()
    undecided: tuple[Undecided, ...] = ()
    absent: tuple[Finding, ...] = ()
    rows: tuple[SelectionRow, ...] = ()
    failure: str = ""

    @property
    def state(self) -> State:
        """The part that is compared before and after a patch."""
        return State(self.findings + self.absent, self.undecided)


@dataclass(frozen=True, slots=True)
class Course:
    """What a rule says of one subject on every snapshot of the history, from the base on."""

    rule: str
    subject: Subject
    outcomes: tuple[Outcome, ...]


def run(
    series: Series,
    base: Tree,
    rules: Sequence[Rule],
    archs: Sequence[str],
    profile: str,
    jobs: int,
    toolchain: str = "gcc",
    index: Index | None = None,
) -> Report:
    """The report on a series: what each patch introduces, what was checked, what could not be judged."""
    history, judged, remarks = follow(series, base, archs, toolchain, index)
    courses = ask(history, rules, jobs) if history.steps else ()
    by_id = {rule.id: rule for rule in rules}
    findings = _said_once(by_id, _introduced(history, courses))
    return Report(
        series=series,
        base=base.name,
        patches=judged,
        findings=findings,
        checked=_checked(by_id, courses),
        skipped=_skipped(courses, findings),
        tables=_tables(by_id, courses),
        archs=tuple(archs),
        profile=profile,
        remarks=remarks,
    )


# What rules read: a patch that hides a change of it from them is not judged.
_SOURCE = re.compile(r"(?:^|/)(?:Kconfig[^/]*|Makefile[^/]*|Kbuild[^/]*)$|\.(?:c|h|S|lds|inc)$")


def follow(
    series: Series, base: Tree, archs: Sequence[str], toolchain: str = "gcc", index: Index | None = None
) -> tuple[History, tuple[Judged, ...], tuple[str, ...]]:
    """The history of a series on a tree, what became of each patch, and remarks; stops where one does not apply."""
    start = Lineage(base, toolchain, index).snapshots[0]
    now, steps, judged, remarks = start, [], [], []
    stopped = False
    for patch in _sent(series):
        if stopped:
            judged.append(Judged(patch, Status.NOT_JUDGED, "an earlier patch does not apply"))
            continue
        unread = next((each.why for each in series.unread if each.number == patch.number), None)
        if unread is not None:
            judged.append(Judged(patch, Status.DOES_NOT_APPLY, f"it cannot be read: {unread}"))
            stopped = True
            continue
        try:
            applied = apply(patch, now.peek, now.mode)
        except PatchDoesNotApplyError as error:
            if _is_in(patch, now):
                judged.append(Judged(patch, Status.ALREADY_APPLIED, "the tree has this change already"))
                continue
            judged.append(Judged(patch, Status.DOES_NOT_APPLY, str(error)))
            stopped = True
            continue
        hidden = [edit.path for edit in patch.edits if edit.binary and _SOURCE.search(edit.path)]
        if hidden:
            reason = f"{hidden[0]}: a source file as a binary patch is not read"
            judged.append(Judged(patch, Status.DOES_NOT_APPLY, reason))
            stopped = True
            continue
        after = now.after(applied.changes)
        steps.append(Step(patch, now, after, applied.added, applied.renames))
        judged.append(Judged(patch, Status.APPLIED, _offsets(applied)))
        if applied.binary:
            remarks.append(
                f"patch {patch.number}: not applied, being binary or a link: {', '.join(applied.binary)}"
            )
        now = after
    return History(start, tuple(steps), tuple(archs)), tuple(judged), tuple(remarks)


def _sent(series: Series) -> list[Patch]:
    """The patches in their order, with an empty one in the place of each that cannot be read."""
    damaged = [
        Patch(each.number, each.subject, each.message_id, "", "", "", (), each.origin)
        for each in series.unread
    ]
    return sorted((*series.patches, *damaged), key=lambda patch: patch.number)


def _is_in(patch: Patch, now: Snapshot) -> bool:
    """Whether undoing the patch fits, so the tree must have it already."""
    if not patch.edits:
        return False
    try:
        apply(reverse(patch), now.peek, now.mode)
    except PatchDoesNotApplyError:
        return False
    return True


def _offsets(applied: Applied) -> str:
    if not applied.offsets:
        return ""
    first = applied.offsets[0]
    more = f" and {len(applied.offsets) - 1} more" if len(applied.offsets) > 1 else ""
    return f"{first.path}: hunk {first.hunk} at an offset of {first.lines:+d} lines{more}"


_TOGETHER = 350
"""MiB up to which one process judges several architectures: they share what C says, and each has a Kconfig model."""

# --- asking the rules --------------------------------------------------------------------------------------


def ask(history: History, rules: Sequence[Rule], jobs: int) -> tuple[Course, ...]:
    """All rules on all their subjects on all snapshots; each arch in a process, ``jobs`` at once."""
    free = [rule for rule in rules if not rule.per_arch]
    bound = [rule for rule in rules if rule.per_arch]
    known = {arch: _known(history, bound if arch else free, arch) for arch in ("", *history.archs)}
    archs = [arch for arch in history.archs if known[arch] is None]
    index = history.base.lineage.index
    if jobs < 2:
        found = {"": _courses(history, free, "")} if known[""] is None else {}
        concerned = _concerned(history, bound) if archs else []
        found |= {arch: _courses(history, concerned, arch) if concerned else () for arch in archs}
        for arch, courses in found.items():
            _keep(history, bound if arch else free, arch, courses)
        return tuple(course for arch, old in known.items() for course in old or found.get(arch, ()))

    def after(arch: str, courses: tuple[Course, ...]) -> None:
        if index is not None:
            _keep(history, bound if arch else free, arch, courses)
            index.settle()

    gc.freeze()  # the workers share the pages of what is there, unless a collection touches them
    # What the rules of no architecture take is taken while it is found out what there is to ask of the others.
    answers = [] if known[""] is not None else start(("",), lambda _: _courses(history, free, ""), 1, after)
    concerned = _concerned(history, bound) if archs else []
    if concerned:
        _search(history, concerned)
        answers += start(archs, lambda arch: _courses(history, concerned, arch), jobs, after, _TOGETHER)
    elif archs:
        for arch in archs:
            _keep(history, bound, arch, ())
    for arch, receive in answers:
        try:
            known[arch] = receive.recv()
        except EOFError:  # killed, for want of memory most likely
            reason = f"the process that judges {arch or 'what no architecture has a say in'} ended before it answered"
            some = concerned if arch else free
            known[arch] = tuple(
                Course(rule.id, Subject("", arch), (Outcome(failure=reason),)) for rule in some
            )
    gc.unfreeze()
    return tuple(course for courses in known.values() for course in courses or ())


def _known(history: History, rules: Sequence[Rule], arch: str) -> tuple[Course, ...] | None:
    """What the rules said of the same series on the same tree before, if that was kept."""
    index = history.base.lineage.index
    name = name_of(history, rules, arch) if index is not None else None
    data = index.get(name) if index is not None and name is not None else None
    try:
        courses: tuple[Course, ...] | None = None if data is None else loaded(data)
    except DAMAGED:
        return None
    return courses


def _keep(history: History, rules: Sequence[Rule], arch: str, courses: tuple[Course, ...]) -> None:
    """Keep what the rules said, unless one failed: another time it may not."""
    index = history.base.lineage.index
    name = name_of(history, rules, arch) if index is not None else None
    if index is None or name is None or any(each.failure for course in courses for each in course.outcomes):
        return
    with contextlib.suppress(TypeError, AttributeError, ValueError, RecursionError):
        index.keep(name, dumped(courses))


def _concerned(history: History, rules: Sequence[Rule]) -> list[Rule]:
    """Those rules that have a subject on any architecture."""
    return [
        rule for rule in rules if any(True for arch in history.archs for _ in rule.subjects(history, arch))
    ]


def _search(history: History, rules: Sequence[Rule]) -> None:
    """Search the tree once for what all architectures will ask for, before each goes its own way."""
    lineage = history.base.lineage
    for rule in rules:
        if rule.searching:
            for arch in history.archs:
                for subject in rule.subjects(history, arch):
                    lineage.expect(rule.words(subject))
    lineage.search()


def _courses(history: History, rules: Sequence[Rule], arch: str) -> tuple[Course, ...]:
    """All that ``rules`` say on one arch, snapshot by snapshot: a large fact is then needed only once."""
    asked: list[tuple[Rule, Subject]] = []
    failed: list[Course] = []
    for rule in sorted(rules, key=lambda rule: rule.searching):
        try:
            subjects = sorted(set(rule.subjects(history, arch)))
            for subject in subjects:
                history.base.lineage.expect(rule.words(subject))
            asked += [(rule, subject) for subject in subjects]
        except Exception as error:  # noqa: BLE001 - one rule's failure is reported, and must not hide the others
            failed.append(Course(rule.id, Subject("", arch), (Outcome(failure=_reason(error)),)))
    spoken: dict[tuple[str, Subject], list[Outcome]] = defaultdict(list)
    end = time.monotonic() + TOTAL_SECONDS
    # The base comes last, and is asked only where there is something to compare with it: for a series without
    # findings that is half of the work.
    for snapshot in (*history.snapshots[1:], history.base):
        for rule, subject in asked:
            said = spoken[rule.id, subject]
            if snapshot is history.base and not _speaks(said[0]) and not _speaks(said[-1]):
                said.insert(0, Outcome())
                continue
            try:
                with within(min(SECONDS, end - time.monotonic())):
                    outcome = snapshot.lineage.ask(snapshot, judge, 0, (rule, subject))
            except TooSlowError as error:
                outcome = Outcome(failure=str(error))
            said.insert(0 if snapshot is history.base else len(said), outcome)
    return (*failed, *(Course(rule, subject, tuple(said)) for (rule, subject), said in spoken.items()))


def _speaks(outcome: Outcome) -> bool:
    """Whether an outcome says anything that the base may have said before."""
    return bool(outcome.state.findings) or any(row.holds is False for row in outcome.rows)


def judge(snapshot: Snapshot, rule: Rule, subject: Subject) -> Outcome:
    """What one rule says of one subject on one snapshot: itself a fact, so it is asked once a state."""
    findings, held, undecided, absent, rows = [], [], [], [], []
    try:
        for verdict in rule.check(snapshot, subject):
            match verdict:
                case Finding():
                    findings.append(verdict)
                case Held():
                    held.append(verdict)
                case Undecided():
                    undecided.append(verdict)
                case Absent():
                    absent.append(verdict.finding)
                case SelectionRow():
                    rows.append(verdict)
    except TooSlowError:
        raise  # no answer, so none to remember
    except MemoryError:
        return Outcome(failure="wants more memory than a series may take")
    except Exception as error:  # noqa: BLE001 - see _courses
        return Outcome(failure=_reason(error))
    return Outcome(tuple(findings), tuple(held), tuple(undecided), tuple(absent), tuple(rows))


def _reason(error: Exception) -> str:
    if isinstance(error, CheckseriesError):
        return str(error)
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    where = f" at {frame.tb_frame.f_code.co_name}:{frame.tb_lineno}" if frame else ""
    return f"internal failure: {type(error).__name__}: {error}{where}"


# --- what comes out ----------------------------------------------------------------------------------------


def _introduced(history: History, courses: Sequence[Course]) -> tuple[Introduced, ...]:
    """Findings by the patch that brings them in, joined over architectures, with the patch that mends them."""
    joined: dict[tuple[int, int | None, str, int, str, int], Finding] = {}
    origins = _origins(history)
    for course in courses:
        if any(outcome.failure for outcome in course.outcomes):
            continue
        twins: Counter[tuple[int, int | None, str, int, str]] = Counter()
        for index, at, mended in _lives(history, course, origins):
            finding = course.outcomes[index + 1].state.findings[at]
            mark = fingerprint(finding, origins[index + 1])
            key = (index, mended, mark, finding.place.line, finding.place.text)
            joined[*key, twins[key]] = _joined(joined.get((*key, twins[key])), finding)
            twins[key] += 1
    found = [
        Introduced(
            _placed(finding, history.steps[index]),
            history.steps[index].patch.number,
            None if mended is None else history.steps[mended].patch.number,
            mark,
        )
        for (index, mended, mark, *_), finding in joined.items()
    ]
    return tuple(sorted(found, key=lambda each: (each.patch, order(each.finding), each.fingerprint)))


def _said_once(rules: dict[str, Rule], findings: Sequence[Introduced]) -> tuple[Introduced, ...]:
    """The findings without those of general rules on places of which a contract says what is wrong.

    One place may have two faults; two places that do not fit together have one.
    """
    contracts = [each for each in findings if rules[each.finding.rule].contract]
    return tuple(
        each
        for each in findings
        if rules[each.finding.rule].contract
        or not any(
            (other.patch, other.finding.severity) == (each.patch, each.finding.severity)
            and {*each.finding.archs} <= {*other.finding.archs}
            and 1 < len(_sites(other.finding)) == len(_sites(other.finding) & _sites(each.finding))
            for other in contracts
        )
    )


def _sites(finding: Finding) -> set[tuple[str, int]]:
    places = (finding.place, *(each.place for each in finding.related))
    return {(place.path, place.line) for place in places}


def _origins(history: History) -> list[dict[str, str]]:
    """For each snapshot what each renamed file was called at first."""
    origins: list[dict[str, str]] = [{}]
    for number, step in enumerate(history.steps, 1):
        origins.append(origins_after(origins[-1], step.renames, number))
    return origins


def _lives(
    history: History, course: Course, origins: Sequence[dict[str, str]]
) -> Iterator[tuple[int, int, int | None]]:
    """Each finding that a step brings in: the step, its index in the state after it, and the step that mends it.

    One that a later state cannot tell is not mended by it; should it be seen again, it is still the same.
    """
    states = [outcome.state for outcome in course.outcomes]
    alive: dict[int, tuple[int, int]] = {}  # index in the state now -> where it began
    dormant: list[
        tuple[Finding, int, tuple[int, int]]
    ] = []  # what cannot be told now, and in which state it was
    for index, step in enumerate(history.steps):
        before, after = states[index], states[index + 1]
        compared = compare(before, after, step.added, origins[index], origins[index + 1])
        now = {
            at: alive.pop(old)
            for at, old in enumerate(compared.continues)
            if old is not None and old in alive
        }
        fresh = [*compared.fresh, *sorted(compared.excused)]
        for finding, seen, born in dormant[:]:
            mark = fingerprint(finding, origins[seen])
            again = next(
                (at for at in fresh if fingerprint(after.findings[at], origins[index + 1]) == mark), None
            )
            if again is not None:
                fresh.remove(again)
                now[again] = born
                dormant.remove((finding, seen, born))
            elif not doubted(finding, after, origins[seen], origins[index + 1]):
                dormant.remove((finding, seen, born))
                yield (*born, index)
        for at in fresh:
            if at not in compared.excused:
                now[at] = (index, at)
        for old, born in alive.items():
            finding = before.findings[old]
            if doubted(finding, after, origins[index], origins[index + 1]):
                dormant.append((finding, index, born))
            else:
                yield (*born, index)
        alive = now
    yield from ((*born, None) for born in alive.values())
    yield from ((*born, None) for _, _, born in dormant)


def _placed(finding: Finding, step: Step) -> Finding:
    """A finding that has no place, since what it is about is gone, put at the file that the patch took it from."""
    if finding.place.path:
        return finding
    for path in step.touched:
        old, new = step.before.peek(path), step.after.peek(path)
        if (
            old is not None
            and holds_word(old, finding.subject)
            and not (new and holds_word(new, finding.subject))
        ):
            return replace(finding, place=Place(path, 0))
    return replace(finding, place=Place(step.touched[0], 0))


def _joined(old: Finding | None, new: Finding) -> Finding:
    if old is None:
        return new
    return replace(old, archs=tuple(sorted({*old.archs, *new.archs})))


_Sites = dict[tuple[str, T], T]
"""Verdicts by architecture and what they say: a rule may be asked about one site by way of two subjects."""


def _checked(rules: dict[str, Rule], courses: Sequence[Course]) -> tuple[Checked, ...]:
    """What each rule looked at, counted with the whole series applied; a site counts once an arch."""
    seen: dict[str, tuple[_Sites[Held], _Sites[Finding], _Sites[Undecided]]] = {}
    before: Counter[str] = Counter()
    for course in courses:
        if not any(outcome.failure for outcome in course.outcomes):
            held, broken, undecided = seen.setdefault(course.rule, ({}, {}, {}))
            last, arch = course.outcomes[-1], course.subject.arch
            held |= {(arch, each): each for each in last.held}
            new = {(arch, each): each for each in last.findings if (arch, each) not in broken}
            broken |= new
            undecided |= {(arch, each): each for each in last.undecided}
            old = Counter(fingerprint(each) for each in course.outcomes[0].findings)
            now = Counter(fingerprint(each) for each in new.values())
            before[course.rule] += (old & now).total()
    checked = []
    for name in sorted(seen, key=lambda name: (not rules[name].contract, name)):
        held, broken, undecided = seen[name]
        sites = len(held) + len(broken) + len(undecided)
        if sites:
            checked.append(
                Checked(
                    name,
                    rules[name].title,
                    sites,
                    len(held),
                    len(broken),
                    len(undecided),
                    rules[name].summary(len(held), len(broken), len(undecided)),
                    tuple(undecided.values()),
                    before[name],
                )
            )
    return tuple(checked)


def _skipped(courses: Sequence[Course], findings: Sequence[Introduced]) -> tuple[Skipped, ...]:
    """What could not be judged, one entry a reason and arch; no failure if a finding already says why."""
    because: dict[tuple[str, str], dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for course in courses:
        for reason in dict.fromkeys(outcome.failure for outcome in course.outcomes if outcome.failure):
            name = course.subject.name
            because[reason, course.subject.arch][course.rule].append(
                "" if name in (course.rule, "") else name
            )
    told = {line for each in findings if each.finding.witness for line in each.finding.witness.lines}
    skipped = []
    for (reason, arch), asked in sorted(because.items()):
        names = [name for each in asked.values() for name in each if name and name != arch]
        what = names[0] if len(names) == 1 else f"{len(names)} subjects" if names else ""
        subject = " on ".join(filter(None, (what, arch)))
        skipped.append(Skipped(", ".join(sorted(asked)), subject, reason, failure=reason not in told))
    return tuple(skipped)


def _tables(rules: dict[str, Rule], courses: Sequence[Course]) -> tuple[SelectionTable, ...]:
    rows: dict[str, list[SelectionRow]] = defaultdict(list)
    for course in courses:
        old = {(row.symbol, row.expected) for row in course.outcomes[0].rows if row.holds is False}
        for row in course.outcomes[-1].rows:
            known = row.holds is False and (row.symbol, row.expected) in old
            rows[course.rule].append(
                replace(row, expected=f"{row.expected} (not before either)") if known else row
            )
    return tuple(
        SelectionTable(
            f"{name}: {rules[name].title}", tuple(sorted(some, key=lambda row: (row.symbol, row.arch)))
        )
        for name, some in sorted(rows.items())
        if some
    )
