"""The nouns of checkseries: what a series is, what a finding is, what a report holds.

Everything here is frozen and knows nothing of files, git, kernels or output.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field


class Severity(enum.StrEnum):
    """How bad a finding is; members compare by weight."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"

    @property
    def weight(self) -> int:
        """2 for an error, 1 for a warning, 0 for a note."""
        return {"error": 2, "warning": 1, "note": 0}[self.value]


class Confidence(enum.StrEnum):
    """How sure the judgement is: ``high`` was re-checked by a second way."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


# --- the series --------------------------------------------------------------------------------------------


class Change(enum.StrEnum):
    """What a patch does to one file."""

    MODIFY = "modify"
    ADD = "add"
    DELETE = "delete"
    RENAME = "rename"
    COPY = "copy"


@dataclass(frozen=True, slots=True)
class Hunk:
    """One hunk of a unified diff.

    ``lines`` keep their first character (space, ``+`` or ``-``) and their line end; a line at the end of a
    file without a newline has none (the diff's ``\\ No newline at end of file``).
    """

    old_start: int
    old_count: int
    new_start: int
    new_count: int
    section: str
    lines: tuple[bytes, ...]

    @property
    def old(self) -> tuple[bytes, ...]:
        """The lines before, without the first character."""
        return tuple(line[1:] for line in self.lines if line[:1] in b" -")

    @property
    def new(self) -> tuple[bytes, ...]:
        """The lines after, without the first character."""
        return tuple(line[1:] for line in self.lines if line[:1] in b" +")


@dataclass(frozen=True, slots=True)
class Edit:
    """What a patch does to one file: paths are relative to the tree, with ``/``, never leaving it."""

    change: Change
    old_path: str | None
    new_path: str | None
    old_mode: str | None = None
    new_mode: str | None = None
    old_blob: str | None = None
    new_blob: str | None = None
    hunks: tuple[Hunk, ...] = ()
    binary: bool = False

    @property
    def path(self) -> str:
        """The path that a reader knows the file by: the new one, else the old one."""
        path = self.new_path or self.old_path
        assert path is not None
        return path


@dataclass(frozen=True, slots=True)
class Patch:
    """One patch of a series."""

    number: int
    """Its place in the series as sent, from 1 (``3`` of ``[PATCH 3/7]``)."""
    subject: str
    """Without the bracketed prefix."""
    message_id: str | None
    """Without angle brackets; the commit id for patches from git; None for a bare diff."""
    author: str
    date: str
    message: str
    """The commit message below the subject, up to the ``---`` line."""
    edits: tuple[Edit, ...]
    origin: str
    """Where it was read: ``FILE``, ``FILE#N`` (the N-th mail of a mailbox, from 1) or a commit id."""


@dataclass(frozen=True, slots=True)
class Cover:
    """The cover letter (``[PATCH 0/n]``)."""

    subject: str
    message_id: str | None
    body: str
    origin: str


class Outcome(enum.StrEnum):
    """What one mail of the input turned out to be."""

    PATCH = "patch"
    COVER = "cover"
    REPLY = "reply"
    OTHER = "not-a-patch"


@dataclass(frozen=True, slots=True)
class Letter:
    """One mail of the input, and what became of it."""

    origin: str
    subject: str
    message_id: str | None
    outcome: Outcome
    reason: str
    """Why it is not a patch, or why a patch was left aside; empty for what is judged."""


@dataclass(frozen=True, slots=True)
class Unread:
    """A mail that was sent as a patch of the series, but whose diff cannot be read."""

    number: int
    """Its place in the series, as ``Patch.number``."""
    subject: str
    message_id: str | None
    origin: str
    why: str


@dataclass(frozen=True, slots=True)
class Series:
    """The patches to judge, in their order."""

    name: str
    """The subject of the cover letter, else of the first patch."""
    revision: int
    """The ``v3`` of the subject, 1 if it has none."""
    total: int
    """The ``m`` of ``n/m``: how many patches the author sent; len(patches) if not said."""
    patches: tuple[Patch, ...]
    cover: Cover | None = None
    base_commit: str | None = None
    prerequisites: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    """What a reader must know: missing numbers, an older version left aside, damaged mails."""
    letters: tuple[Letter, ...] = ()
    unread: tuple[Unread, ...] = ()
    """Its damaged patches, by number: what comes after one is not judged."""


# --- what is found -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Place:
    """A spot in a file of the tree."""

    path: str
    line: int
    """From 1; 0 speaks of the whole file."""
    column: int = 0
    """From 1, in bytes; 0 if it is the whole line."""
    symbol: str = ""
    """The function, struct or Kconfig entry around it; empty at top level."""
    text: str = ""
    """The source line without its line end."""


@dataclass(frozen=True, slots=True)
class Related:
    """Another place that explains a finding."""

    place: Place
    message: str


class WitnessKind(enum.StrEnum):
    """What proves a finding."""

    CONFIG = "config"
    SITE = "site"
    SIZE = "size"


@dataclass(frozen=True, slots=True)
class Witness:
    """The proof of a finding, re-checked before it is shown.

    ``lines``: for ``config`` a ``.config`` fragment (``CONFIG_SMP=y``); for ``site`` and ``size`` facts,
    one a line.
    """

    kind: WitnessKind
    lines: tuple[str, ...]
    arch: str | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """Something broken at a place of one snapshot. It knows no patch: the run pairs them."""

    rule: str
    severity: Severity
    confidence: Confidence
    place: Place
    subject: str
    """What it is about, as short as can be: a function, an object, ``CONFIG_``-less symbol names."""
    message: str
    archs: tuple[str, ...] = ()
    """Architectures that it holds for, sorted; empty means that it does not depend on the arch."""
    related: tuple[Related, ...] = ()
    witness: Witness | None = None
    profile: str | None = None
    """The toolchain profile that the proof assumed, if it depends on one."""


@dataclass(frozen=True, slots=True)
class Held:
    """A site that was checked and is right."""

    place: Place | None
    what: str


@dataclass(frozen=True, slots=True)
class Undecided:
    """A site that could not be judged, and why."""

    place: Place | None
    why: str


@dataclass(frozen=True, slots=True)
class Absent:
    """What the rule speaks of is not in the tree; ``finding`` is said if it was there before."""

    finding: Finding


@dataclass(frozen=True, slots=True)
class SelectionRow:
    """One line of a selection table: a symbol on one arch."""

    arch: str
    symbol: str
    selected_by: tuple[str, ...]
    """``X86 if SMP && X86_64``, one a selector."""
    can_be_y: bool | None
    expected: str
    """What the contract wants, in its own words; empty if asked for by hand."""
    holds: bool | None
    witness: tuple[str, ...] = ()
    """A ``.config`` fragment that shows why it does not hold; or why that is not known."""


Verdict = Finding | Held | Undecided | Absent | SelectionRow
"""What a rule says of a site; a row is said besides, for the table that people read."""


# --- what is asked of Kconfig by hand ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class UnmetSelect:
    """A select that forces a symbol on whose dependencies are not met."""

    target: str
    depends: str
    selector: str
    condition: str
    path: str
    line: int
    witness: tuple[str, ...]
    """The ``.config`` fragment that does it; empty if the defaults do."""


@dataclass(frozen=True, slots=True)
class UnmetSweep:
    """All selects of one arch that can be unmet, by target."""

    arch: str
    selects: int
    """How many were asked about."""
    unmet: tuple[UnmetSelect, ...] = ()
    unknown: tuple[str, ...] = ()
    """Those that were not decided, and why."""
    failure: str = ""
    """Why the arch could not be looked at."""


@dataclass(frozen=True, slots=True)
class Blocker:
    """A part of what a symbol needs that can never be true, as small as it can be made."""

    symbol: str
    """Whose need it is."""
    role: str
    """What it is of the symbol: ``dependencies``, ``prompt``, ``default``, ``select by X``."""
    part: str
    """The part, in Kconfig syntax; empty if there is nothing at all to be true."""
    path: str
    line: int
    why: str = ""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a symbol can be y on one arch, or cannot."""

    arch: str
    symbol: str
    can_be_y: bool | None
    witness: tuple[str, ...] = ()
    """The ``.config`` fragment that makes it y; empty if the defaults do."""
    blockers: tuple[Blocker, ...] = ()
    unknown: str = ""


@dataclass(frozen=True, slots=True)
class Values:
    """The values of all symbols of one arch, as ``conf`` computes them."""

    arch: str
    start: str
    """What they were computed from: a file, a mode."""
    values: tuple[tuple[str, str], ...]
    """By name, as they stand behind ``=`` in a ``.config``."""
    unmet: tuple[str, ...]
    """The symbols that ``conf`` warns of."""


@dataclass(frozen=True, slots=True)
class LaidMember:
    """A member of a type, or a hole in it, for which ``name`` is empty."""

    name: str
    type: str
    bit: int
    """Where it begins, in bits."""
    bits: int
    """How many bits it has."""
    depth: int = 0
    """In how many anonymous structs and unions it stands."""
    field: bool = False
    """Whether it is a bit-field."""


@dataclass(frozen=True, slots=True)
class Laid:
    """A type as it lies in memory on one arch under one configuration, or why that is not known."""

    name: str
    arch: str
    start: str
    """What the configuration was computed from: a file, a mode."""
    unit: str
    """The file that is compiled."""
    size: int | None
    align: int | None
    members: tuple[LaidMember, ...] = ()
    unknown: str = ""
    absent: bool = False
    """Whether it is not known because nothing defines it."""


class Moved(enum.StrEnum):
    """What a series does to a member of a type, or to a hole in it."""

    SAME = "same"
    MOVED = "moved"
    RESIZED = "resized"
    """Its size differs, and its place may."""
    ADDED = "added"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class LaidPair:
    """A member of a type before and after a series; None on the side where it is not."""

    moved: Moved
    before: LaidMember | None
    after: LaidMember | None


@dataclass(frozen=True, slots=True)
class Relaid:
    """A type before and after a series, and its members in pairs, if both are known."""

    before: Laid
    after: Laid
    members: tuple[LaidPair, ...] = ()

    @property
    def unknown(self) -> bool:
        """Whether there is nothing to compare: a side is not known, or the type is on neither."""
        sides = (self.before, self.after)
        return any(each.unknown and not each.absent for each in sides) or all(each.absent for each in sides)


# --- the report --------------------------------------------------------------------------------------------


class Status(enum.StrEnum):
    """What became of a patch."""

    APPLIED = "applied"
    ALREADY_APPLIED = "already-applied"
    DOES_NOT_APPLY = "does-not-apply"
    NOT_JUDGED = "not-judged"


@dataclass(frozen=True, slots=True)
class Judged:
    """One patch and what became of it; ``reason`` tells offsets, the failing hunk, what was there."""

    patch: Patch
    status: Status
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Introduced:
    """A finding that the series brings in: the patch that does, and the later one that mends it."""

    finding: Finding
    patch: int
    repaired_by: int | None
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Checked:
    """What a rule looked at, counted on the tree with the whole series applied."""

    rule: str
    title: str
    sites: int
    holds: int
    broken: int
    unknown: int
    summary: str = ""
    """One line for people: ``6 calls of update_cpu_boot_status(), all pass a CPU ID``."""
    doubts: tuple[Undecided, ...] = ()
    broken_before: int = 0
    """How many of the broken sites were broken before the series as well: they are nobody's news."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """What could not be judged at all: a rule that failed, a fact out of bounds."""

    rule: str
    subject: str
    reason: str
    failure: bool
    """True if it makes the whole run untrustworthy (exit status 2)."""


@dataclass(frozen=True, slots=True)
class SelectionTable:
    """Who selects what on which arch."""

    title: str
    rows: tuple[SelectionRow, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that a run has to say, in the order in which it is shown."""

    series: Series
    base: str
    """The tree and revision that the series was applied to."""
    patches: tuple[Judged, ...]
    findings: tuple[Introduced, ...]
    checked: tuple[Checked, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    tables: tuple[SelectionTable, ...] = ()
    archs: tuple[str, ...] = ()
    profile: str = ""
    remarks: tuple[str, ...] = ()
    seconds: float = field(default=0.0, compare=False)
