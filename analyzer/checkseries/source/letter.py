"""What one mail of the input is: a patch, a cover letter, a reply, or something else.

The rules, in their order (b4 and git am agree where they overlap):

- a file without a mail header is a bare diff;
- a forwarded mail is none: its diff was wrapped and quoted on the way;
- a reply is a reply whatever it holds: the diffs in it are suggestions. The one exception is git's own way of
  answering with a patch: a scissors line with ``Subject: [PATCH]`` below it. A patch *sent* as a reply
  (``[PATCH v2]`` without ``Re:``) is a patch;
- the bots that tell of a merged, queued or failed patch repeat its diff, which is not sent for review;
- ``[PATCH 0/n]`` is a cover letter, diff or not;
- anything else with a diff is a patch, unless it quotes a mail that it answers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from checkseries.errors import InputError
from checkseries.model import Cover, Letter, Outcome, Patch
from checkseries.source import diff, mail, mime
from checkseries.source.mail import Mail, Trailers
from checkseries.source.mailbox import Raw
from checkseries.source.subject import Subject, read_subject

BYTE_LIMIT = 32 << 20
"""So much in one mail; mailing lists take far less, and diffs of generated headers reach it just about."""

_NOTICE = re.compile(
    r'(?:patch ".*" has been added to|failed: patch ".*" failed to apply'
    r"|(?:[+-] )?\S+\.patch (?:added to|removed from))",
    re.IGNORECASE,
)
_MERGED_PREFIX = re.compile(r"(?:tip|git):\S*|merged|folded-merged|obsolete|nacked|withdrawn|to-be-updated")
_PULL_REQUEST = re.compile(rb"^(?:are available in the [Gg]it repository at|git pull \S)", re.MULTILINE)
_RANGE_DIFF = re.compile(rb"^(?:[ >]*)(?:Range-diff|Interdiff)\b", re.MULTILINE | re.IGNORECASE)
_APPLIED = re.compile(
    rb"^(?:\[\d{1,4}/\d{1,4}\] ?)?(?:applied|queued|merged|pushed|thanks, applied)\b"
    rb"|this (?:patch|series) was applied to|has been merged into",
    re.IGNORECASE | re.MULTILINE,
)
_COMMIT = re.compile(rb"^commit [0-9a-f]{40,64}(?: \(.*\))?$", re.MULTILINE)
_GIT_SHOW = re.compile(
    rb"commit ([0-9a-f]{40,64})(?: \(.*\))?\nAuthor: +(.*)\nDate: +(.*)\n\n((?:    .*\n|\n)*)(?=diff --git )"
)


@dataclass(frozen=True, slots=True)
class Reading:
    """One mail of the input with everything that was found in it."""

    letter: Letter
    mail: Mail
    subject: Subject
    trailers: Trailers
    patch: Patch | None = None
    """Its number is the ``n`` of ``n/m``, or 0: the series knows."""
    cover: Cover | None = None
    damage: str = ""
    """What is wrong with the diff of a patch that cannot be read."""
    suggested: bool = False
    """Whether it is a patch within a reply."""
    alone: bool = False


def read_letter(raw: Raw) -> Reading:
    """What the mail is. Never fails: a damaged diff makes it none, and ``damage`` says why."""
    if raw.data.count(b"\n") > diff.LINE_LIMIT or len(raw.data) > BYTE_LIMIT:
        empty = Mail(raw.origin, "", "", 0.0, None, (), b"", 1)
        return _Draft(raw, empty, Subject("")).other(
            f"more than {diff.LINE_LIMIT} lines or {BYTE_LIMIT >> 20} MiB"
        )
    if not raw.is_mail:
        return _bare(raw)
    found = mail.read_mail(raw.data, raw.first_line)
    subject = read_subject(found.subject)
    reading = _Draft(raw, found, subject)
    if subject.forward:
        return reading.other("a forwarded mail")
    message = mail.read_message(found)
    if subject.reply:
        below = read_subject(message.subject)
        if message.below_scissors and below.patch and diff.holds_diff(message.diff):
            return reading.patch(message, below, suggested=True)
        return reading.reply(_kind_of_reply(found))
    if _is_notice(subject):
        return reading.other("a notice about a patch")
    if subject.number == 0:
        return reading.cover()
    if not diff.holds_diff(message.diff):
        return reading.without_diff()
    if not subject.is_series_like and found.references and mail.quotes(_above(found, message)):
        return reading.reply("a reply with a diff of its own")
    if found.attached > 1:
        return reading.other(f"a mail with {found.attached} attached patches")
    return reading.patch(message, subject)


def _above(found: Mail, message: mail.Message) -> bytes:
    return found.remark.encode() + b"\n" + b"\n".join(found.text.split(b"\n")[: message.diff_line])


def _is_notice(subject: Subject) -> bool:
    return _NOTICE.match(subject.title) is not None or (
        not subject.patch and any(_MERGED_PREFIX.fullmatch(prefix.lower()) for prefix in subject.prefixes)
    )


def _kind_of_reply(found: Mail) -> str:
    if found.attached:
        return f"a reply with {found.attached} attached patch{'es' if found.attached > 1 else ''}"
    if diff.holds_diff(found.text):
        return "a reply with a diff of its own"
    own = re.sub(rb"^>[^\n]*\n?", b"", found.text, flags=re.MULTILINE)
    if _APPLIED.search(own):
        return "a notice that it was applied"
    return "a reply quoting a patch" if mail.quotes_diff(found.text) else "a reply"


@dataclass(frozen=True, slots=True)
class _Draft:
    """A mail on its way to becoming a reading."""

    raw: Raw
    found: Mail
    subject: Subject

    def _reading(
        self,
        outcome: Outcome,
        reason: str = "",
        patch: Patch | None = None,
        cover: Cover | None = None,
        damage: str = "",
        suggested: bool = False,
        subject: Subject | None = None,
    ) -> Reading:
        letter = Letter(self.raw.origin, self.found.subject, self.found.message_id, outcome, reason)
        return Reading(
            letter=letter,
            mail=self.found,
            subject=subject or self.subject,
            trailers=mail.read_trailers(self.found.text),
            patch=patch,
            cover=cover,
            damage=damage,
            suggested=suggested,
            alone=self.raw.alone,
        )

    def other(self, reason: str) -> Reading:
        return self._reading(Outcome.OTHER, reason)

    def reply(self, reason: str) -> Reading:
        return self._reading(Outcome.REPLY, reason)

    def cover(self) -> Reading:
        body = mime.as_text(self.found.text, "")
        found = Cover(self.subject.title, self.found.message_id, body, self.raw.origin)
        return self._reading(Outcome.COVER, cover=found)

    def without_diff(self) -> Reading:
        text = self.found.text
        if self.subject.pull or _PULL_REQUEST.search(text):
            return self.other("a pull request")
        if _RANGE_DIFF.search(text):
            return self.other("a range-diff only")
        if self.found.references and (mail.quotes(text) or not self.subject.is_series_like):
            return self.reply("a reply quoting a patch" if mail.quotes_diff(text) else "a reply")
        return self.other(
            "a patch without a diff" if self.subject.is_series_like else "a mail without a diff"
        )

    def patch(self, message: mail.Message, subject: Subject, suggested: bool = False) -> Reading:
        try:
            edits = diff.edits(message.diff, _first_line(self.found, message))
        except InputError as error:
            where = "" if self.found.first_line else " of its decoded text"
            damage = f"{error}{where}"
            return self._reading(
                Outcome.OTHER, f"a patch with a damaged diff: {damage}", damage=damage, subject=subject
            )
        if not edits:
            return self.other("a patch without a diff")
        title = read_subject(message.subject).title if message.subject else subject.title
        patch = Patch(
            number=subject.number or 0,
            subject=title,
            message_id=self.found.message_id,
            author=message.author,
            date=message.date,
            message=message.text,
            edits=edits,
            origin=self.raw.origin,
        )
        return self._reading(Outcome.PATCH, patch=patch, suggested=suggested, subject=subject)


def _first_line(found: Mail, message: mail.Message) -> int:
    return (found.first_line or 1) + message.diff_line


def _bare(raw: Raw) -> Reading:
    """A file that is no mail: a diff, perhaps below a description or what ``git show`` writes."""
    text = raw.data.replace(b"\r\n", b"\n") if raw.data.partition(b"\n")[0].endswith(b"\r") else raw.data
    name = raw.origin.rpartition("/")[2]
    shown = _GIT_SHOW.match(text)
    if shown:
        indented = mime.as_text(shown[4], "")
        title, _, message = "\n".join(line[4:] for line in indented.split("\n")).partition("\n")
        found = Mail(
            "", mime.header_text(shown[2]), mime.header_text(shown[3]), 0.0, shown[1].decode(), (), text, 1
        )
        name = title
    else:
        found = Mail("", "", "", 0.0, None, (), text, 1)
    draft = _Draft(raw, found, Subject(title=name))
    if not diff.holds_diff(found.text):
        return draft.other("neither a mail nor a diff")
    if len(_COMMIT.findall(found.text)) > 1:
        return draft.other("the text of several commits: name their range in git instead")
    parsed = mail.read_message(found)
    if shown:
        parsed = replace(parsed, text=message.strip("\n"))
    return draft.patch(parsed, draft.subject)
