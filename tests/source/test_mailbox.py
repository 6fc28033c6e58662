"""Where mails are found: mailboxes, files, directories, compressed or not."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkseries.errors import InputError
from checkseries.source import mailbox
from checkseries.source.mailbox import Raw, Source, mails

Make = Callable[..., bytes]

RD = b"From mboxrd@z Thu Jan  1 00:00:00 1970\n"
MBOXO = b"From a@example.org Mon Feb  2 10:00:00 2026\n"
GIT = b"From 0123456789abcdef0123456789abcdef01234567 Mon Sep 17 00:00:00 2001\n"


def read(data: bytes, name: str = "box") -> tuple[Raw, ...]:
    return mails([Source(name, data)])


def test_a_mailbox() -> None:
    found = read(RD + b"Subject: a\n\nx\n\n" + RD + b"Subject: b\n\ny\n")
    assert [(raw.origin, raw.data, raw.is_mail, raw.alone) for raw in found] == [
        ("box#1", b"Subject: a\n\nx\n\n", True, False),
        ("box#2", b"Subject: b\n\ny\n", True, False),
    ]


def test_patch_files_one_after_the_other() -> None:
    one = GIT + b"From: A <a@x>\nSubject: [PATCH] x\n\n---\n+x\n"
    assert [raw.origin for raw in read(one + one)] == ["box#1", "box#2"]


def test_a_file_with_one_mail_is_called_by_its_name() -> None:
    (raw,) = read(GIT + b"Subject: a\n\nx\n", "0001.patch")
    assert (raw.origin, raw.first_line, raw.alone) == ("0001.patch", 2, True)
    (raw,) = read(b"Subject: a\n\nx\n")
    assert (raw.origin, raw.first_line, raw.is_mail) == ("box", 1, True)


def test_escapes() -> None:
    body = b"Subject: a\n\n>From here\n>>From there\n > From\n"
    assert read(RD + body)[0].data == b"Subject: a\n\nFrom here\n>From there\n > From\n"
    assert read(MBOXO + body)[0].data == b"Subject: a\n\nFrom here\n>>From there\n > From\n", (
        "mboxo escapes once"
    )
    assert read(body)[0].data == body, "a mail that is in no mailbox was not escaped"


@pytest.mark.parametrize(
    "line",
    [
        b"From a functional point of view, it is 12:30 now",
        b"From what I read at 10:00:00 in 2024",
        b"From 10:30 on 2 Feb 2026\n\nit",
        b"From: x",
    ],
)
def test_sentences_that_begin_with_from_do_not_separate(line: bytes) -> None:
    body = b"Subject: a\n\nx\n\n" + line + b"\nit goes on.\n"
    assert len(read(MBOXO + body)) == 1
    assert read(body)[0].data == body


@pytest.mark.parametrize(
    "line",
    [b"From - Mon Feb 02 10:00:00 2026", b"From a@b Mon Feb  2 10:00:00 +0100 2026", b"From a@b Mon Feb  2 10:00 2026",
     b"From a@b  Mon Feb  2 10:00:00 2026 +0100", b"From a@b Mon Feb  2 10:00:00 CET 2026", b"From MAILER-DAEMON Mon Feb  2 10:00:00 2026\r"],
)  # fmt: skip
def test_separators(line: bytes) -> None:
    assert len(read(2 * (line + b"\nSubject: a\n\nx\n\n"))) == 2


def test_what_is_no_mail() -> None:
    for data in (
        b"diff --git a/x b/x\n",
        b"Index: x\n=====\n--- a/x\n",
        b"words\n",
        b"",
        b"commit 123\nAuthor: x\n\n",
        b"\xff\x00",
    ):
        (raw,) = read(data)
        assert not raw.is_mail
    assert read(b"\xef\xbb\xbfSubject: a\n\nx\n")[0].is_mail, "a byte order mark does not hide it"
    assert read(b"Return-Path: <x@y>\r\nSubject: a\r\n\r\nx\r\n")[0].is_mail


def test_compressed() -> None:
    data = RD + b"Subject: a\n\nx\n\n" + RD + b"Subject: b\n\ny\n"
    assert read(gzip.compress(data)) == read(data)
    assert read(gzip.compress(data[:20]) + gzip.compress(data[20:])) == read(data)
    with pytest.raises(InputError, match=r"box: gzip data that is cut off"):
        read(gzip.compress(data)[:-9])
    with pytest.raises(InputError, match=r"box: damaged gzip data"):
        read(b"\x1f\x8b\x08" + b"x" * 40)


def test_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailbox, "SIZE_LIMIT", 1 << 20)
    monkeypatch.setattr(mailbox, "MAIL_LIMIT", 5)
    with pytest.raises(InputError, match="more than 1 MiB"):
        read(b"x" * (1 << 21))
    with pytest.raises(InputError, match="more than 1 MiB"):
        read(gzip.compress(b"x" * (1 << 21)))
    with pytest.raises(InputError, match="more than 1 MiB"):
        mails([Source("a", b"x" * 600_000), Source("b", b"x" * 600_000)])
    with pytest.raises(InputError, match="more than 5 mails"):
        read((RD + b"Subject: a\n\n") * 6)
    with pytest.raises(InputError, match="more than 5 mails"):
        mails([Source(str(n), b"Subject: a\n\n") for n in range(6)])


def test_files(tmp_path: Path) -> None:
    file = tmp_path / "a.patch"
    file.write_bytes(b"Subject: a\n\nx\n")
    (raw,) = mails([Source(str(file))])
    assert (raw.origin, raw.alone) == (str(file), True)
    with pytest.raises(InputError, match=r"absent\.patch: no such file"):
        mails([Source(str(tmp_path / "absent.patch"))])
    with pytest.raises(InputError, match="cannot be read"):
        mails([Source(str(file / "below"))])
    with pytest.raises(InputError, match="cannot be read"):
        mails([Source("nul\0byte")])


def test_directories(tmp_path: Path) -> None:
    for name in (
        "0002-b.patch",
        "0001-a.patch",
        "0000-cover-letter.patch",
        "notes.txt",
        ".hidden.patch",
        "c.mbox.gz",
    ):
        data = f"Subject: {name}\n\nx\n".encode()
        (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    (tmp_path / "sub.patch").mkdir()
    os.mkfifo(tmp_path / "pipe.patch")
    found = mails([Source(str(tmp_path))])
    assert [Path(raw.origin).name for raw in found] == [
        "0000-cover-letter.patch",
        "0001-a.patch",
        "0002-b.patch",
        "c.mbox.gz",
    ]
    assert not any(raw.alone for raw in found)
    empty = tmp_path / "sub.patch"
    with pytest.raises(InputError, match=r"no files named \*\.patch"):
        mails([Source(str(empty))])


def test_maildir(tmp_path: Path) -> None:
    for box in ("cur", "new", "tmp"):
        (tmp_path / box).mkdir()
    (tmp_path / "cur" / "2.host:2,S").write_bytes(b"Subject: b\n\n")
    (tmp_path / "new" / "1.host").write_bytes(b"Subject: a\n\n")
    (tmp_path / "tmp" / "3.host").write_bytes(b"Subject: c\n\n")
    assert [raw.data for raw in mails([Source(str(tmp_path))])] == [b"Subject: a\n\n", b"Subject: b\n\n"]
    (tmp_path / "cur" / "2.host:2,S").unlink()
    (tmp_path / "new" / "1.host").unlink()
    with pytest.raises(InputError, match="no mails in it"):
        mails([Source(str(tmp_path))])


bodies = st.lists(st.sampled_from([b"x", b"From here", b">From here", b">>From a@b Mon Feb  2 10:00:00 2026", b"", b"Subject: y", b" From"]),
                  max_size=8)  # fmt: skip


@given(st.lists(bodies, min_size=1, max_size=5))
def test_mboxrd_is_lossless(contents: list[list[bytes]]) -> None:
    stored = [b"Subject: x\n\n" + b"".join(line + b"\n" for line in lines) for lines in contents]
    box = b"".join(
        RD + b"".join(_escaped(line) for line in mail.splitlines(keepends=True)) + b"\n" for mail in stored
    )
    assert [raw.data for raw in read(box)] == [mail + b"\n" for mail in stored]


def _escaped(line: bytes) -> bytes:
    return b">" + line if line.lstrip(b">").startswith(b"From ") else line


@given(st.binary(max_size=200))
def test_any_bytes_are_split_or_refused(data: bytes) -> None:
    for each in (data, RD + data, b"\x1f\x8b" + data):
        try:
            read(each)
        except InputError as error:
            assert str(error).isprintable()
