"""The series in an input: order, revisions, copies, gaps, and what is said about them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from checkseries.errors import InputError
from checkseries.model import Outcome, Series
from checkseries.source.mailbox import Source
from checkseries.source.series import read_series

Make = Callable[..., bytes]
SEPARATOR = b"From mboxrd@z Thu Jan  1 00:00:00 1970\n"


def box(*mails: bytes) -> Series:
    return read_series([Source("box", b"".join(SEPARATOR + mail + b"\n" for mail in mails))])


@pytest.fixture
def posting(make_mail: Make, make_diff: Make) -> Callable[..., list[bytes]]:
    """The mails of one posting, cover first, as git send-email threads them."""

    def made(
        total: int,
        revision: int = 1,
        day: int = 2,
        run: str = "",
        cover: bool = True,
        name: str = "it",
        **more: str,
    ) -> list[bytes]:
        version = f" v{revision}" if revision > 1 else ""
        run = run or f"2026020{day}.{revision}"
        mails = []
        for number in range(0 if cover else 1, total + 1):
            fields = {
                "Message_ID": f"<{run}-{number + cover}-a@x>",
                "Date": f"Mon, {day} Feb 2026 10:00:{number:02} +0000",
                **more,
            }
            if number and "In_Reply_To" not in more:
                fields["In_Reply_To"] = f"<{run}-1-a@x>"
            subject = f"[PATCH{version} {number}/{total}] {name} {number}"
            body = (
                b"Text.\n"
                if not number
                else b"Why.\n---\n" + make_diff(f"mm/{number}.c", "a", f"b{revision}")
            )
            mails.append(make_mail(subject, body, **fields))
        return mails

    return made


Posting = Callable[..., list[bytes]]


def titles(series: Series) -> list[str]:
    return [patch.subject for patch in series.patches]


def test_a_series_in_any_order(posting: Posting) -> None:
    for order in permutations(posting(3)):
        series = box(*order)
        assert [(patch.number, patch.subject) for patch in series.patches] == [
            (1, "it 1"),
            (2, "it 2"),
            (3, "it 3"),
        ]
        assert (series.name, series.revision, series.total, series.remarks) == ("it 0", 1, 3, ())
        assert series.cover is not None
        assert [letter.outcome for letter in series.letters].count(Outcome.PATCH) == 3
        assert all(letter.reason == "" for letter in series.letters)


def test_origins_and_letters_follow_the_input(posting: Posting, make_mail: Make) -> None:
    mails = posting(2)
    series = box(mails[2], make_mail("Re: [PATCH 1/2] it", b"Nice.\n"), mails[0], mails[1])
    assert [patch.origin for patch in series.patches] == ["box#4", "box#1"]
    assert [(letter.origin, letter.outcome) for letter in series.letters] == [
        ("box#1", Outcome.PATCH), ("box#2", Outcome.REPLY), ("box#3", Outcome.COVER), ("box#4", Outcome.PATCH),
    ]  # fmt: skip


def test_without_cover_the_first_patch_names_it(posting: Posting) -> None:
    series = box(*posting(2, cover=False))
    assert (series.name, series.cover) == ("it 1", None)


@pytest.mark.parametrize(
    ("kept", "remark"),
    [
        ((1, 3, 4), "patch 2/4 is not in the input"),
        ((2, 4), "patches 1/4 and 3/4 are not in the input"),
        ((1,), "patches 2/4 to 4/4 are not in the input"),
        ((4,), "patches 1/4 to 3/4 are not in the input"),
        ((2,), "patches 1/4, 3/4 and 4/4 are not in the input"),
    ],
)
def test_gaps(posting: Posting, kept: Sequence[int], remark: str) -> None:
    mails = posting(4)
    series = box(*(mails[number] for number in (0, *kept)))
    assert [patch.number for patch in series.patches] == list(kept)
    assert (series.total, series.remarks) == (4, (remark,))


def test_a_damaged_patch_is_a_gap_with_a_reason(posting: Posting) -> None:
    mails = posting(3)
    mails[2] = mails[2].replace(b"+b1\n", b"")
    series = box(*mails)
    assert [patch.number for patch in series.patches] == [1, 3]
    (unread,) = series.unread
    assert (unread.number, unread.origin) == (2, "box#3")
    assert unread.why.startswith("line ")
    assert series.letters[2].outcome is Outcome.OTHER


def test_the_newest_revision_is_taken(posting: Posting) -> None:
    first, second = posting(2), posting(3, revision=2, day=3, In_Reply_To="<20260202.1-1-a@x>")
    for order in (first + second, second + first):
        series = box(*order)
        assert (series.revision, series.total, len(series.patches)) == (2, 3, 3)
        assert series.remarks == ("v1 of 'it 0' (2 patches) is left aside: of an older revision than v2",)
        aside = [letter for letter in series.letters if letter.reason]
        assert {letter.reason for letter in aside} == {"of an older revision than v2"}
        assert len(aside) == 3


def test_a_newer_revision_that_is_not_whole_is_left_aside(posting: Posting) -> None:
    series = box(*posting(2), *posting(3, revision=2, day=3)[:3])
    assert (series.revision, len(series.patches)) == (1, 2)
    assert series.remarks == (
        "v2 of 'it 0' (2 patches) is left aside: of a newer revision that is not whole",
    )


def test_if_none_is_whole_the_newest_is_taken(posting: Posting) -> None:
    series = box(*posting(3)[:2], *posting(3, revision=2, day=3)[:3])
    assert series.revision == 2
    assert series.remarks[-1] == "patch 3/3 is not in the input"


def test_another_series_in_the_box(posting: Posting) -> None:
    series = box(*posting(2), *posting(2, day=5, name="other", From="B <b@x>"))
    assert series.name == "other 0"
    assert series.remarks == ("v1 of 'it 0' (2 patches) is left aside: of another series",)


def test_two_series_of_one_author_and_length_stay_apart(posting: Posting) -> None:
    series = box(*posting(2), *posting(2, day=3, name="other"))
    assert titles(series) == ["other 1", "other 2"]


def test_a_patch_of_somebody_else_in_the_thread(posting: Posting, make_mail: Make) -> None:
    for prefix in ("PATCH", "PATCH v2", "PATCH 2/2", "PATCH 1/1", "PATCH v3 2/2"):
        other = make_mail(f"[{prefix}] better", From="B <b@x>", Message_ID="<b@x>", In_Reply_To="<20260202.1-1-a@x>",
                          Date="Tue, 3 Feb 2026 10:00:00 +0000")  # fmt: skip
        series = box(*posting(2), other)
        assert titles(series) == ["it 1", "it 2"]
        assert len(series.remarks) == 1
        assert series.remarks[0].endswith("is left aside: an answer to the series of somebody else")
        assert titles(box(*posting(2)[:2], other)) == ["it 1"], "nor does it fill a gap"


def test_one_more_patch_in_ones_own_thread(posting: Posting, make_mail: Make) -> None:
    other = make_mail(
        "[PATCH] and this",
        Message_ID="<b@x>",
        In_Reply_To="<20260202.1-1-a@x>",
        Date="Tue, 3 Feb 2026 10:00:00 +0000",
    )
    assert titles(box(*posting(2), other)) == ["it 1", "it 2"]


def test_a_suggestion_in_a_reply_does_not_displace_the_series(
    posting: Posting, make_mail: Make, make_diff: Make
) -> None:
    cut = b"> x\n-- >8 --\nSubject: [PATCH] better\n\nWhy.\n---\n" + make_diff()
    reply = make_mail(
        "Re: [PATCH 1/2] it",
        cut,
        Message_ID="<b@x>",
        In_Reply_To="<20260202.1-2-a@x>",
        Date="Tue, 3 Feb 2026 10:00:00 +0000",
    )
    series = box(*posting(2), reply)
    assert titles(series) == ["it 1", "it 2"]
    assert series.remarks == ("v1 of 'better' (1 patch) is left aside: a suggestion within a reply",)
    assert titles(box(reply)) == ["better"], "alone it is what there is"


def test_a_patch_without_prefix_does_not_displace_the_series(posting: Posting, make_mail: Make) -> None:
    later = make_mail("a: something", Message_ID="<b@x>", Date="Tue, 3 Feb 2026 10:00:00 +0000")
    assert titles(box(*posting(2), later)) == ["it 1", "it 2"]
    assert titles(box(later)) == ["a: something"]


def test_copies_by_way_of_two_lists(posting: Posting) -> None:
    mails = posting(2)
    series = box(*mails, mails[1] + b"\n_______\nlist footer\n")
    assert titles(series) == ["it 1", "it 2"]
    assert series.remarks == ("box#4 is a second copy of box#2",)
    assert series.letters[3].reason == "a second copy of box#2"


def test_the_undamaged_copy_counts(posting: Posting) -> None:
    mails = posting(2)
    series = box(mails[0], mails[1].replace(b"+b1\n", b""), mails[1], mails[2])
    assert [patch.origin for patch in series.patches] == ["box#3", "box#4"]


def test_a_patch_sent_again_replaces_the_first(posting: Posting, make_mail: Make, make_diff: Make) -> None:
    again = make_mail("[PATCH RESEND 2/2] it 2, right", b"Why.\n---\n" + make_diff("mm/r.c"), Message_ID="<r@x>",
                      In_Reply_To="<20260202.1-1-a@x>", Date="Tue, 3 Feb 2026 10:00:00 +0000")  # fmt: skip
    series = box(again, *posting(2))
    assert titles(series) == ["it 1", "it 2, right"]
    assert series.remarks == ("box#1 replaces box#4, which has the same number",)
    assert series.letters[3].reason == "replaced by box#1"


def test_unthreaded_mails_of_a_day(make_mail: Make, make_diff: Make) -> None:
    def sent(number: int, total: int, hour: int, name: str) -> bytes:
        body = b"Why.\n---\n" + make_diff(f"mm/{name}{number}.c")
        return make_mail(
            f"[patch {number}/{total}] {name}",
            body,
            Message_ID=f"<{name}{number}@x>",
            Date=f"Mon, 2 Feb 2026 {hour}:0{number}:00 +0000",
        )

    whole = [sent(number, 3, 10, "a") for number in (3, 1, 2)]
    assert titles(box(*whole)) == ["a", "a", "a"]
    later = [sent(number, 3, 12, "b") for number in (1, 2, 3)]
    series = box(*whole, *later)
    assert titles(series) == ["b", "b", "b"]
    assert len(series.remarks) == 1


def test_chain_replies(make_mail: Make, make_diff: Make) -> None:
    mails = [
        make_mail(f"[PATCH {n}/3] it {n}", b"Why.\n---\n" + make_diff(f"mm/{n}.c"), Message_ID=f"<{n}x@x>", **({"In_Reply_To": f"<{n - 1}x@x>"} if n > 1 else {}))
        for n in (1, 2, 3)
    ]  # fmt: skip
    assert titles(box(*reversed(mails))) == ["it 1", "it 2", "it 3"]


def test_patches_without_numbers(make_mail: Make) -> None:
    one, two = make_mail("[PATCH] one"), make_mail("[PATCH] two", From="B <b@x>")
    sources = [Source("0001-one.patch", one), Source("0002-two.patch", two)]
    series = read_series(sources)
    assert [(patch.number, patch.subject) for patch in series.patches] == [(1, "one"), (2, "two")]
    assert (series.total, series.remarks) == (2, ())
    assert titles(read_series(sources[::-1])) == ["two", "one"]
    assert titles(box(one, two)) == ["one", "two"], "what git format-patch --no-numbered --stdout writes"


def test_unnumbered_patches_of_one_run_and_of_several(make_mail: Make) -> None:
    run = [make_mail(f"[PATCH] {n}", Message_ID=f"<2026.1-{n}-a@x>") for n in (1, 2)]
    assert titles(box(*reversed(run))) == ["1", "2"]
    apart = make_mail("[PATCH] later", Message_ID="<2027.1-1-b@y>", Date="Tue, 3 Feb 2026 10:00:00 +0000")
    series = box(*run, apart)
    assert titles(series) == ["later"]
    assert len(series.remarks) == 1


def test_a_bare_diff(make_diff: Make) -> None:
    series = read_series([Source("dir/fix.diff", make_diff())])
    assert (series.name, series.revision, series.total, len(series.patches)) == ("fix.diff", 1, 1, 1)
    assert (series.patches[0].number, series.patches[0].message_id) == (1, None)


def test_a_directory_of_patch_files(tmp_path: Path, posting: Posting) -> None:
    for number, mail in enumerate(posting(2)):
        (tmp_path / f"{number:04}-x.patch").write_bytes(mail)
    series = read_series([Source(str(tmp_path))])
    assert titles(series) == ["it 1", "it 2"]
    assert [Path(patch.origin).name for patch in series.patches] == ["0001-x.patch", "0002-x.patch"]


def test_revisions_in_one_directory(tmp_path: Path, posting: Posting) -> None:
    for revision in (1, 2):
        for number, mail in enumerate(posting(2, revision, cover=False), 1):
            lines = [
                line for line in mail.split(b"\n") if not line.startswith((b"Message-ID", b"In-Reply-To"))
            ]
            text = b"\n".join(lines).replace(b"it 1", b"it one" if revision == 2 else b"it 1")
            (tmp_path / f"v{revision}-{number:04}.patch").write_bytes(text)
    series = read_series([Source(str(tmp_path))])
    assert titles(series) == ["it one", "it 2"]
    assert series.remarks == ("v1 of 'it 1' (2 patches) is left aside: of an older revision than v2",)


def test_bases(make_mail: Make, make_diff: Make) -> None:
    base = b"\nbase-commit: " + b"1" * 40 + b"\nprerequisite-patch-id: abc\n"
    cover = make_mail("[PATCH 0/1] x", b"Text." + base, Message_ID="<0@x>")
    patch = make_mail(
        "[PATCH 1/1] x",
        b"Why.\n---\n" + make_diff() + base.replace(b"1" * 40, b"2" * 40),
        Message_ID="<1@x>",
        In_Reply_To="<0@x>",
    )
    assert box(cover, patch).base_commit == "1" * 40
    assert box(patch).base_commit == "2" * 40
    assert box(cover, patch).prerequisites == ("patch-id: abc",)


def test_more_than_was_announced(posting: Posting) -> None:
    mails = [mail.replace(b"[PATCH 3/3]", b"[PATCH 5/3]") for mail in posting(3)]
    series = box(*mails)
    assert ([patch.number for patch in series.patches], series.total) == ([1, 2, 5], 5)
    assert series.remarks == ("patches 3/5 and 4/5 are not in the input",)


def test_many_remarks_are_cut_short(posting: Posting) -> None:
    mails = [
        mail
        for day in range(10, 30)
        for mail in posting(1, day=day, run=str(day), name=f"n{day}", cover=False, From=f"{day}@x")
    ]
    series = box(*mails)
    assert len(series.remarks) == 13
    assert series.remarks[-1] == "... and 7 more like the last"


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "box: no patch in it, but neither a mail nor a diff"),
        (b"words\n", "box: no patch in it, but neither a mail nor a diff"),
        (b"Subject: Re: [PATCH] x\n\n> a\nNo.\n", "box: no patch in it, but a reply"),
        (b"Subject: [PATCH 0/2] x\n\nText.\n", "box: no patch in it, but a cover letter"),
        (b"Subject: [GIT PULL] x\n\nText.\n", "box: no patch in it, but a pull request"),
        (b"Subject: [PATCH] x\n\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n", "box: the diff cannot be read: line 5: the hunk @@ -1 +1 @@ is cut off at line 7: 0 old and 1 new lines are missing"),
    ],
)  # fmt: skip
def test_no_series(raw: bytes, why: str) -> None:
    with pytest.raises(InputError) as caught:
        read_series([Source("box", raw)])
    assert str(caught.value) == why


def test_what_was_found_instead_is_counted(make_mail: Make) -> None:
    reply = make_mail("Re: x", b"No.\n")
    with pytest.raises(InputError, match="no patch in it, but 2 times a reply, a patch without a diff"):
        box(reply, reply, make_mail("[PATCH] x", b"Forgot.\n"))
    with pytest.raises(InputError, match="the input: no mail"):
        read_series([])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(
    st.lists(
        st.tuples(st.integers(1, 3), st.integers(0, 3), st.integers(0, 9)),
        min_size=1,
        max_size=12,
        unique=True,
    ),
    st.randoms(),
)
def test_every_mail_has_one_letter(make_mail: Make, said: list[tuple[int, int, int]], random: object) -> None:
    mails = [
        make_mail(
            f"[PATCH v{v} {n}/3] x",
            Message_ID=f"<{each}.{v}-{n}-a@x>",
            Date=f"Mon, 2 Feb 2026 10:00:{at:02} +0000",
        )
        for at, (v, n, each) in enumerate(said)
    ]
    try:
        series = box(*mails)
    except InputError:
        assert all(number == 0 for _, number, _ in said)
        return
    assert len(series.letters) == len(mails)
    judged = [letter for letter in series.letters if letter.outcome is Outcome.PATCH and not letter.reason]
    assert sorted(letter.origin for letter in judged) == sorted(patch.origin for patch in series.patches)
    numbers = [patch.number for patch in series.patches]
    assert numbers == sorted(set(numbers))
    random.shuffle(mails)  # type: ignore[attr-defined]  # random.Random, which hypothesis wraps
    assert box(*mails).revision == series.revision


@given(st.binary(max_size=200))
def test_any_input_is_read_or_refused(data: bytes) -> None:
    head = b"Subject: [PATCH 1/2] x\nMessage-ID: <1@x>\n"
    for each in (
        data,
        SEPARATOR + head + b"\n" + data,
        head + data,
        SEPARATOR + data + SEPARATOR + head + b"\n--- a/x\n+++ b/x\n" + data,
    ):
        try:
            read_series([Source("box", each)])
        except InputError as error:
            assert str(error).isprintable()


SIZE = 300_000
HOSTILE = {
    "blank lines": b"Subject: Re: x\n\n" + b"\n" * SIZE,
    "digits": b"Subject: Re: x\n\n" + b"1" * SIZE,
    "reply marks": b"Subject: " + b"re:" * (SIZE // 3) + b"\n\n",
    "brackets": b"Subject: " + b"[" * SIZE + b"\n\n",
    "encoded words": b"Subject: " + b"=?utf-8?q?a?= " * (SIZE // 14) + b"\n\n",
    "parameters": b"Subject: x\nContent-Type: text/plain; " + b';"' * (SIZE // 2) + b"\n\n",
    "fields": b"Subject: x\n" + b"Content-X: y\n" * (SIZE // 13) + b"\n",
    "references": b"Subject: [PATCH] x\nReferences: " + b"<a@b> " * (SIZE // 6) + b"\n\n",
    "continuations": b"Subject: [PATCH] x\n\nFrom: x\n" + b" y\n" * (SIZE // 3),
    "scissors": b"Subject: [PATCH] x\n\n" + b"-- >8 --\nFrom: x\n" * (SIZE // 17),
    "trailers": b"Subject: [PATCH] x\n\nprerequisite-patch-id: a" + b" " * SIZE + b"x\n",
    "separators": SEPARATOR + b"Subject: x\n\n" + (b"From " + b"12:34 1234 " * 30 + b"\n") * (SIZE // 340),
    "diff headers": b"Subject: [PATCH] x\n\ndiff --git " + b"a/x b/x " * (SIZE // 8) + b"\nindex 1..2\n",
    "marks": b"Subject: [PATCH] x\n\n--- a/x\n+++ b/x\n@@ -1,9 +1,9 @@\n-a\n"
    + b"\\ No newline at end of file\n" * (SIZE // 29),
    "parts": b"Subject: x\nContent-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * (SIZE // 8),
    "stamps": b"--- a" + b" 1970-01-01 00:00:00" * (SIZE // 20) + b"\n+++ b\n@@ -1 +1 @@\n-a\n+b\n",
    "one line": b"Subject: [PATCH] x\n\n" + b"a" * SIZE,
    "carriage returns": b"Subject: [PATCH] x\n\ndiff --git a/x b/x\n" + b"\r" * SIZE,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_mails_end_soon_and_with_a_line(name: str) -> None:
    """Each shape made some step quadratic, which at this size takes minutes."""
    with pytest.raises(InputError) as caught:
        read_series([Source("box", HOSTILE[name])])
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 12_000
