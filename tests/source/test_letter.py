"""What one mail is."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from checkseries.model import Outcome
from checkseries.source.letter import Reading, read_letter
from checkseries.source.mailbox import Source, mails

Make = Callable[..., bytes]


def letter(raw: bytes, name: str = "mail") -> Reading:
    (only,) = mails([Source(name, raw)])
    return read_letter(only)


def outcome(raw: bytes) -> tuple[Outcome, str]:
    found = letter(raw).letter
    return found.outcome, found.reason


def test_a_patch(make_mail: Make) -> None:
    found = letter(make_mail("[RFC PATCH net-next v3 2/7] net: do it", Message_ID="<1@x>"))
    assert found.letter.outcome is Outcome.PATCH
    assert found.letter.reason == ""
    assert found.patch is not None
    assert (found.patch.number, found.patch.subject, found.patch.message_id) == (2, "net: do it", "1@x")
    assert (found.patch.author, found.patch.date) == (
        "A. Author <a@example.org>",
        "Mon, 2 Feb 2026 10:00:00 +0100",
    )
    assert found.patch.message == "Why it is right.\n\nSigned-off-by: A. Author <a@example.org>"
    assert [edit.path for edit in found.patch.edits] == ["kernel/a.c"]
    assert found.patch.origin == "mail"


def test_the_in_body_headers_of_a_patch_count(make_mail: Make, make_diff: Make) -> None:
    found = letter(
        make_mail("[PATCH 2/3] a", b"From: B <b@x>\nSubject: [PATCH] b\n\nWhy.\n---\n" + make_diff())
    )
    assert found.patch is not None
    assert (found.patch.author, found.patch.subject, found.patch.number) == ("B <b@x>", "b", 2)


REPLY = {"In_Reply_To": "<0@x>"}


def test_replies(make_mail: Make, make_diff: Make) -> None:
    quoted = (
        b"On Monday, A wrote:\n" + b"".join(b"> " + line for line in make_diff().splitlines(True)) + b"No.\n"
    )
    own = b"> What about it?\nThis:\n\n" + make_diff()
    subject = "Re: [PATCH 1/2] a"
    assert outcome(make_mail(subject, quoted, **REPLY)) == (Outcome.REPLY, "a reply quoting a patch")
    assert outcome(make_mail(subject, own, **REPLY)) == (Outcome.REPLY, "a reply with a diff of its own")
    assert outcome(make_mail(subject, b"No.\n")) == (Outcome.REPLY, "a reply")
    assert outcome(make_mail(subject, b"> x\n\nApplied, thanks!\n")) == (
        Outcome.REPLY,
        "a notice that it was applied",
    )
    assert outcome(make_mail(subject, b"> Applied to x\n\nWhere?\n")) == (Outcome.REPLY, "a reply")


def test_replies_that_do_not_say_so(make_mail: Make, make_diff: Make) -> None:
    own = b"> What about it?\nThis:\n\n" + make_diff()
    assert outcome(make_mail("a: what about it", own, **REPLY)) == (
        Outcome.REPLY,
        "a reply with a diff of its own",
    )
    assert outcome(make_mail("a: what about it", b"Fine.\n", **REPLY)) == (Outcome.REPLY, "a reply")
    assert outcome(make_mail("[PATCH v2] a", b"> why?\nSo.\n", **REPLY)) == (Outcome.REPLY, "a reply")


def test_a_patch_sent_as_a_reply_is_one(make_mail: Make, make_diff: Make) -> None:
    assert outcome(make_mail("[PATCH v2] a", **REPLY)) == (Outcome.PATCH, "")
    quoting = b"The report says:\n> BUG\n---\n" + make_diff()
    assert outcome(make_mail("[PATCH v2] a", quoting, **REPLY)) == (Outcome.PATCH, "")
    assert outcome(make_mail("a: without prefix", **REPLY)) == (Outcome.PATCH, "")


def test_scissors_in_a_reply(make_mail: Make, make_diff: Make) -> None:
    cut = b"> x\nRather so:\n-- >8 --\nSubject: [PATCH] b: better\n\nWhy.\n---\n" + make_diff()
    found = letter(make_mail("Re: [PATCH] a", cut, **REPLY))
    assert found.suggested
    assert found.patch is not None
    assert (found.patch.subject, found.patch.message) == ("b: better", "Why.")
    unnamed = cut.replace(b"Subject: [PATCH] b: better\n", b"")
    assert outcome(make_mail("Re: [PATCH] a", unnamed, **REPLY))[0] is Outcome.REPLY
    not_a_patch = cut.replace(b"[PATCH] ", b"")
    assert outcome(make_mail("Re: [PATCH] a", not_a_patch, **REPLY))[0] is Outcome.REPLY


def test_cover_letters(make_mail: Make, make_diff: Make) -> None:
    found = letter(make_mail("[PATCH v2 0/3] a series", b"It does.\n\nbase-commit: 1234567\n"))
    assert found.cover is not None
    assert (found.cover.subject, found.cover.body.partition("\n")[0]) == ("a series", "It does.")
    assert (found.letter.outcome, found.trailers.base_commit) == (Outcome.COVER, "1234567")
    assert outcome(make_mail("[PATCH 00/12] a series", b"With a diff:\n" + make_diff()))[0] is Outcome.COVER
    assert outcome(make_mail("Re: [PATCH 0/3] a series", b"Nice.\n"))[0] is Outcome.REPLY


@pytest.mark.parametrize(
    ("subject", "body", "reason"),
    [
        ("[PATCH] a", b"Forgot it.\n", "a patch without a diff"),
        ("a question", b"Why?\n", "a mail without a diff"),
        ("[GIT PULL] things for 7.2", b"The following changes\n", "a pull request"),
        ("things for 7.2", b"The following\n\nare available in the Git repository at:\n", "a pull request"),
        ("[PATCH v2] a", b"Range-diff against v1:\n1:  123 ! 1:  456\n", "a range-diff only"),
    ],
)
def test_mails_without_a_diff(make_mail: Make, subject: str, body: bytes, reason: str) -> None:
    assert outcome(make_mail(subject, body)) == (Outcome.OTHER, reason)


@pytest.mark.parametrize(
    "subject",
    ['Patch "a: b" has been added to the 6.6-stable tree', 'FAILED: patch "[PATCH] a: b" failed to apply to 6.1-stable tree',
     "+ a-b.patch added to mm-unstable branch", "[merged mm-stable] a-b.patch removed from -mm tree", "[tip: x86/core] a: b"],
)  # fmt: skip
def test_notices_repeat_a_patch_but_send_none(make_mail: Make, subject: str) -> None:
    assert outcome(make_mail(subject)) == (Outcome.OTHER, "a notice about a patch")


def test_forwarded(make_mail: Make) -> None:
    assert outcome(make_mail("Fwd: [PATCH] a")) == (Outcome.OTHER, "a forwarded mail")


def test_damaged(make_mail: Make, make_diff: Make) -> None:
    wrapped = make_diff().replace(b"-int a;", b"-int\na;")
    found = letter(make_mail("[PATCH] a", b"Why.\n---\n" + wrapped))
    assert found.patch is None
    assert found.damage.startswith(
        "line 11: the hunk @@ -1,2 +1,2 @@ section ends with a line that is none of it at line 14"
    )
    assert found.letter.reason == "a patch with a damaged diff: " + found.damage
    encoded = letter(
        make_mail("[PATCH] a", b"Why.\n---\n" + wrapped, Content_Transfer_Encoding="quoted-printable")
    )
    assert encoded.damage.startswith("line 7: ")
    assert encoded.damage.endswith(" of its decoded text")


def attached(make_diff: Make, count: int) -> bytes:
    part = b"--b\nContent-Type: text/x-patch\n\n" + make_diff()
    return b"--b\n\nPlease find it attached.\n" + count * part + b"--b--\n"


def test_attached_patches(make_mail: Make, make_diff: Make) -> None:
    mixed = {"Content_Type": "multipart/mixed; boundary=b"}
    found = letter(make_mail("[PATCH] a: b", attached(make_diff, 1), **mixed))
    assert found.patch is not None
    assert (found.patch.subject, found.patch.message) == ("a: b", "Please find it attached.")
    assert outcome(make_mail("[PATCH] a: b", attached(make_diff, 2), **mixed)) == (
        Outcome.OTHER,
        "a mail with 2 attached patches",
    )
    assert outcome(make_mail("Re: a: b", attached(make_diff, 2), **mixed)) == (
        Outcome.REPLY,
        "a reply with 2 attached patches",
    )
    assert outcome(make_mail("Re: a: b", attached(make_diff, 1), **mixed)) == (
        Outcome.REPLY,
        "a reply with 1 attached patch",
    )


def test_bare_diffs(make_diff: Make) -> None:
    found = letter(make_diff(), "below/x.diff")
    assert found.patch is not None
    assert (found.patch.subject, found.patch.author, found.patch.message_id) == ("x.diff", "", None)
    described = letter(b"What it does.\r\n\r\n" + make_diff().replace(b"\n", b"\r\n"))
    assert described.patch is not None
    assert described.patch.message == "What it does."
    assert described.patch.edits == found.patch.edits
    assert outcome(b"words\n") == (Outcome.OTHER, "neither a mail nor a diff")


def test_git_show(make_diff: Make) -> None:
    shown = (
        b"commit "
        + b"12" * 20
        + b" (HEAD -> main)\nAuthor: B <b@x>\nDate:   Mon Feb 2 10:00:00 2026 +0100\n\n    a: b\n\n    Why.\n    So.\n\n"
    )
    found = letter(shown + make_diff())
    assert found.patch is not None
    assert (found.patch.subject, found.patch.message, found.patch.message_id) == (
        "a: b",
        "Why.\nSo.",
        "12" * 20,
    )
    assert (found.patch.author, found.patch.date) == ("B <b@x>", "Mon Feb 2 10:00:00 2026 +0100")
    reason = "the text of several commits: name their range in git instead"
    assert outcome(2 * (shown + make_diff())) == (Outcome.OTHER, reason)


def test_a_mail_out_of_bounds(make_mail: Make) -> None:
    found, reason = outcome(make_mail("[PATCH] a", b"\n" * 1_000_001))
    assert found is Outcome.OTHER
    assert reason.startswith("more than 1000000 lines")
