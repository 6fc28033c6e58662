"""One mail: encodings, parts, headers, the message and where its diff begins."""

from __future__ import annotations

import base64
import quopri
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkseries.source.mail import (
    Mail,
    Message,
    Trailers,
    quotes,
    quotes_diff,
    read_mail,
    read_message,
    read_trailers,
)
from checkseries.source.mime import as_text, as_utf8, header_text

Make = Callable[..., bytes]


def message(raw: bytes) -> Message:
    return read_message(read_mail(raw))


# --- headers


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"plain", "plain"),
        (b"=?UTF-8?q?J=C3=B6rg_R=C3=B6del?= <j@example.org>", "J\u00f6rg R\u00f6del <j@example.org>"),
        (b"=?utf-8?B?SsO2cmc=?=", "J\u00f6rg"),
        (b"=?iso-8859-1?Q?J=F6rg?=", "J\u00f6rg"),
        (b"=?utf-8?B?SsM=?= =?utf-8?B?tnJn?=", "J\u00f6rg"),  # one character in two words
        (b"=?utf-8?q?a?=\t =?utf-8?q?b?= c", "ab c"),
        (b"=?utf-8*en?q?a?=", "a"),
        (b"=?klingon?q?=C3=B6?=", "\u00f6"),
        (b"=?utf-8?B?SsO2cmc?=", "J\u00f6rg"),  # padding lost
        (b"=?utf-8?q?half", "=?utf-8?q?half"),
        (b"J\xc3\xb6rg", "J\u00f6rg"),
        (b"J\xf6rg", "J\u00f6rg"),
        (b"a  b\t c", "a b c"),
        (b"=?utf-8?q?a=ZZb?=", "a=ZZb"),
    ],
)
def test_header_text(raw: bytes, text: str) -> None:
    assert header_text(raw) == text


@given(st.binary(max_size=120))
def test_any_header_is_text(raw: bytes) -> None:
    for data in (raw, b"=?utf-8?b?" + raw + b"?=", b"=?iso-2022-jp?q?" + raw + b"?="):
        header_text(data).encode("utf-8")  # no surrogates: a report can write it


def test_the_fields_of_a_mail(make_mail: Make) -> None:
    raw = make_mail(
        "=?utf-8?q?=5BPATCH=5D_a=3A?=\n =?utf-8?q?_b?=", Message_ID="<1@example.org>", In_Reply_To="<0@example.org>",
        References="<00@example.org>\n <0@example.org>",
    )  # fmt: skip
    found = read_mail(raw)
    assert found.subject == "[PATCH] a: b"
    assert found.sender == "A. Author <a@example.org>"
    assert (found.message_id, found.references) == ("1@example.org", ("00@example.org", "0@example.org"))
    assert found.sent == 1770022800.0


@pytest.mark.parametrize("value", [" <1@x>", "<1@x>", "1@x", "\n <1@x>", "<1@x> (added by a server)"])
def test_message_ids(make_mail: Make, value: str) -> None:
    assert read_mail(make_mail(Message_ID=value)).message_id == "1@x"


@pytest.mark.parametrize(
    "value", ["", "yesterday", "Mon, 99 Feb 2026 10:00:00 +0100", "Mon, 2 Feb 99999999 10:00:00", "1"]
)
def test_dates_that_are_none(make_mail: Make, value: str) -> None:
    assert read_mail(make_mail(Date=value)).sent == 0.0


def test_a_mail_as_it_went_over_the_wire(make_mail: Make) -> None:
    raw = make_mail()
    assert read_mail(raw.replace(b"\n", b"\r\n")) == read_mail(raw)


# --- bodies


def with_body(make_mail: Make, body: bytes, **fields: str) -> Mail:
    return read_mail(make_mail(body=body, **fields))


def test_transfer_encodings(make_mail: Make, make_diff: Make) -> None:
    text = b"J\xc3\xb6rg = 1\n---\n" + make_diff()
    plain = "text/plain; charset=utf-8"
    quoted = with_body(
        make_mail, quopri.encodestring(text), Content_Type=plain, Content_Transfer_Encoding="quoted-printable"
    )
    assert quoted.text == text
    assert (
        with_body(
            make_mail, base64.encodebytes(text), Content_Type=plain, Content_Transfer_Encoding="BASE64"
        ).text
        == text
    )
    assert with_body(make_mail, text, Content_Type=plain, Content_Transfer_Encoding="8bit").text == text
    assert with_body(make_mail, text, Content_Transfer_Encoding="no such thing").text == text


def test_line_numbers_are_those_of_the_mail_or_unknown(make_mail: Make) -> None:
    plain = with_body(make_mail, b"one\ntwo\n")
    assert plain.first_line == 5, "three fields, an empty line"
    assert with_body(make_mail, b"b25l\n", Content_Transfer_Encoding="base64").first_line == 0


@pytest.mark.parametrize(
    "damaged", [b"b25l\nCg", b"b25lCg=\n", b"b2!5lCg==\n____\nlist footer", b"b25lCg==\n\n-- \nfooter"]
)
def test_damaged_base64_gives_what_can_be_read(make_mail: Make, damaged: bytes) -> None:
    assert with_body(make_mail, damaged, Content_Transfer_Encoding="base64").text.startswith(b"one")


def test_charsets(make_mail: Make) -> None:
    for charset, raw in (("iso-8859-1", b"J\xf6rg"), ("WINDOWS-1252", b"J\xf6rg"), ("utf-8", b"J\xc3\xb6rg"),
                         ("us-ascii", b"J\xc3\xb6rg"), ("iso-8859-1", b"J\xc3\xb6rg"), ("no-such", b"J\xc3\xb6rg")):  # fmt: skip
        assert with_body(make_mail, raw, Content_Type=f"text/plain; charset={charset}").text == b"J\xc3\xb6rg"
    unknown = with_body(make_mail, b"J\xf6rg", Content_Type="text/plain; charset=utf-8")
    assert unknown.text == b"J\xf6rg", "bytes that nobody can read stay what they are"


@pytest.mark.parametrize(
    "charset",
    ["unicode_escape", "utf-7", "rot13", "zlib", "idna", "punycode", "cp037", "\x00", "a" * 9999, "../x"],
)
def test_a_mail_names_no_codec(charset: str) -> None:
    assert as_utf8(b"a\\x41+AGE-\xff", charset) == b"a\\x41+AGE-\xff"
    assert as_text(b"a\\x41+AGE-", charset) == "a\\x41+AGE-"


def test_charsets_in_seven_bits() -> None:
    japanese = "\u65e5\u672c"
    assert as_utf8(japanese.encode("iso-2022-jp"), "iso-2022-jp") == japanese.encode()


def test_format_flowed(make_mail: Make, make_diff: Make) -> None:
    text = b"A long \nline.\n\n  stuffed\n-- \nsignature \nends\n"
    assert with_body(make_mail, text, Content_Type="text/plain; format=flowed").text == (
        b"A long line.\n\n stuffed\n-- \nsignature ends\n"
    )
    assert (
        with_body(make_mail, b"a \nb\n", Content_Type="text/plain; format=flowed; delsp=yes").text == b"ab\n"
    )
    assert with_body(make_mail, b"a \nb\n", Content_Type="text/plain").text == b"a \nb\n"
    stuffed = b"".join(
        b" " + line if line.startswith(b" ") else line for line in make_diff().splitlines(True)
    )
    assert with_body(make_mail, stuffed, Content_Type="text/plain; format=flowed").text == make_diff()


def multipart(kind: str, *parts: tuple[str, bytes]) -> bytes:
    return (
        b"preamble\n"
        + b"".join(f"--b\n{head}\n\n".encode() + body for head, body in parts)
        + b"--b--\nepilogue\n"
    )


def test_multipart(make_mail: Make, make_diff: Make) -> None:
    signature = ("Content-Type: application/pgp-signature; name=signature.asc", b"-----BEGIN\n")
    text = b"Why.\n---\n" + make_diff()
    for kind in ("multipart/mixed", "multipart/signed", "multipart/alternative"):
        body = multipart(kind, ("Content-Type: text/plain", text + b"\n"), signature)
        found = with_body(make_mail, body, Content_Type=f'{kind}; boundary="b"')
        assert (found.text, found.attached, found.first_line) == (text, 0, 0)


def test_html_is_not_read(make_mail: Make, make_diff: Make) -> None:
    body = multipart("", ("Content-Type: text/html", make_diff()), ("Content-Type: text/plain", b"words\n\n"))
    assert with_body(make_mail, body, Content_Type="multipart/alternative; boundary=b").text == b"words\n"


def test_nested_multipart(make_mail: Make) -> None:
    inner = b"--i\nContent-Type: text/plain\n\nfound\n\n--i--\n"
    body = multipart("", ("Content-Type: multipart/alternative; boundary=i", inner))
    assert with_body(make_mail, body, Content_Type="multipart/mixed; boundary=b").text == b"found\n"


def test_an_attached_patch(make_mail: Make, make_diff: Make) -> None:
    patch = (
        b"From "
        + b"1" * 40
        + b" Mon Sep 17 00:00:00 2001\nFrom: B <b@x>\nDate: then\nSubject: [PATCH] c: d\n\nWhy.\n---\n"
    )
    head = "Content-Type: text/x-patch; name=0001.patch\nContent-Transfer-Encoding: base64"
    attached = base64.encodebytes(patch + make_diff())
    body = multipart("", ("Content-Type: text/plain", b"Please find it attached.\n"), (head, attached))
    found = with_body(make_mail, body, Content_Type="multipart/mixed; boundary=b")
    assert (found.attached, found.remark) == (1, "Please find it attached.")
    read = read_message(found)
    assert (read.author, read.date, read.subject, read.text) == ("B <b@x>", "then", "[PATCH] c: d", "Why.")
    assert read.diff == b"---\n" + make_diff()
    unnamed = multipart(
        "",
        ("Content-Type: text/plain", b"Here.\n"),
        (head.replace("text/x-patch", "application/octet-stream"), attached),
    )
    assert with_body(make_mail, unnamed, Content_Type="multipart/mixed; boundary=b").attached == 1
    image = multipart(
        "", ("Content-Type: text/plain", b"Here.\n"), (head.replace("text/x-patch", "image/png"), attached)
    )
    assert with_body(make_mail, image, Content_Type="multipart/mixed; boundary=b").attached == 0


@pytest.mark.parametrize("field", ["multipart/mixed", "multipart/mixed; boundary=", "multipart/mixed; boundary*=x'y'%zz", "; ;", "a/b/c",
                                   "text/plain; charset*=utf-8''%ff; charset*0*=a", "multipart/mixed; boundary=absent"])  # fmt: skip
def test_malformed_content_types_do_no_harm(make_mail: Make, field: str) -> None:
    assert isinstance(with_body(make_mail, b"x\n", Content_Type=field).text, bytes)


def test_deep_nesting_ends() -> None:
    raw = b"Subject: x\n" + b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(2000)
    )
    assert read_mail(raw + b"\ntext\n").text == b""


def test_carriage_returns_of_the_transport_go_and_those_of_files_stay(
    make_mail: Make, make_diff: Make
) -> None:
    everywhere = (b"Why.\n---\n" + make_diff()).replace(b"\n", b"\r\n")
    encoded = with_body(make_mail, base64.encodebytes(everywhere), Content_Transfer_Encoding="base64")
    assert encoded.text == everywhere.replace(b"\r\n", b"\n")
    of_file = b"Why.\n---\n" + make_diff(old="int a;\r", new="int b;\r")
    assert with_body(make_mail, of_file).text == of_file
    assert with_body(make_mail, b"no diff\r\nat all\r\n").text == b"no diff\nat all\n"


# --- the message and its diff


def test_the_parts_of_a_patch(make_mail: Make, make_diff: Make) -> None:
    found = message(make_mail())
    assert found.text == "Why it is right.\n\nSigned-off-by: A. Author <a@example.org>"
    assert found.author == "A. Author <a@example.org>"
    assert found.date == "Mon, 2 Feb 2026 10:00:00 +0100"
    assert found.subject == ""
    assert found.diff.startswith(b"---\n a.c | 2 +-\n")
    assert found.diff_line == 3


def test_in_body_headers(make_mail: Make, make_diff: Make) -> None:
    text = (
        b"\nFrom: =?utf-8?q?J=C3=B6rg?=\n <j@x>\nSubject: [PATCH] e: f\n g\nDate: Tue, 3 Feb 2026 10:00:00 +0100\n\nWhy.\n---\n"
        + make_diff()
    )
    found = message(make_mail(body=text))
    assert (found.author, found.subject) == ("J\u00f6rg <j@x>", "[PATCH] e: f g")
    assert (found.date, found.text) == ("Tue, 3 Feb 2026 10:00:00 +0100", "Why.")


def test_quotes_around_an_author_go(make_mail: Make) -> None:
    assert message(make_mail(From='"B. \\"Bee\\" C" <b@x>')).author == 'B. "Bee" C <b@x>'
    assert message(make_mail(From="<b@x>")).author == "<b@x>"


@pytest.mark.parametrize(
    "text",
    [b"Why.\nFrom: B <b@x>\n", b"Why.\n\nFrom: B <b@x>\n", b"From:nothing\n", b"Cc: x\nFrom: B <b@x>\n"],
)
def test_what_is_no_in_body_header(make_mail: Make, text: bytes) -> None:
    found = message(make_mail(body=text))
    assert found.author == "A. Author <a@example.org>"
    assert found.text == text.decode().strip("\n")


def test_a_second_in_body_from_is_text(make_mail: Make) -> None:
    found = message(make_mail(body=b"From: B <b@x>\nFrom: C <c@x>\n\nx\n"))
    assert (found.author, found.text) == ("B <b@x>", "From: C <c@x>\n\nx")


@pytest.mark.parametrize(
    "cut",
    [
        b"---\n",
        b"--- \n",
        b"---\t \n",
        b"diff --git a/x b/x\n",
        b"diff -ru a b\n",
        b"Index: x\n",
        b"--- a/x\n",
    ],
)
def test_what_ends_a_message(make_mail: Make, cut: bytes) -> None:
    found = message(make_mail(body=b"Why.\n" + cut + b"rest\n"))
    assert (found.text, found.diff) == ("Why.", cut + b"rest\n")


@pytest.mark.parametrize(
    "line", [b"----\n", b"-- \n", b"---x\n", b"--- \tx\n", b" ---\n", b"diff of it\n", b"> ---\n"]
)
def test_what_does_not_end_a_message(make_mail: Make, line: bytes) -> None:
    assert message(make_mail(body=b"Why.\n" + line + b"rest\n")).diff == b""


@pytest.mark.parametrize(
    "line", [b"-- >8 --", b"--- 8< ---", b"---8<---", b"- - >8 - -", b"-----8< cut here >8-----", b"-- %< --"]
)
def test_scissors(make_mail: Make, make_diff: Make, line: bytes) -> None:
    talk = (
        b"I would do this:\n\n"
        + line
        + b"\nFrom: B <b@x>\nSubject: [PATCH] c: d\n\nWhy.\n---\n"
        + make_diff()
    )
    found = message(make_mail(body=talk))
    assert (found.author, found.subject, found.text, found.below_scissors) == (
        "B <b@x>",
        "[PATCH] c: d",
        "Why.",
        True,
    )


@pytest.mark.parametrize(
    "line",
    [
        b"-- >8",
        b"a >8 sentence",
        b">8",
        b"--------",
        b"> -- >8 --x and much more text on the line",
        b"8 < 9 --------",
    ],
)
def test_what_is_no_scissors_line(make_mail: Make, line: bytes) -> None:
    assert not message(make_mail(body=b"Talk.\n" + line + b"\nSubject: x\n\nWhy.\n")).below_scissors


def test_scissors_around_a_log_do_not_cut(make_mail: Make) -> None:
    found = message(make_mail(body=b"It prints:\n-- >8 --\nBUG\n-- >8 --\nThat is bad.\n---\n"))
    assert found.text == "It prints:\n-- >8 --\nBUG\n-- >8 --\nThat is bad."


def test_trailers() -> None:
    text = (
        b"base-commit: 0123456789abcdef0123456789abcdef01234567\nchange-id: 20260202-x-1\nprerequisite-patch-id: abcdef12\n"
        b"prerequisite-message-id: <1@x>\nprerequisite-change-id: 20260101-y-2:v3\n"
    )
    assert read_trailers(b"x\n---\n" + text + b"-- \n") == Trailers(
        base_commit="0123456789abcdef0123456789abcdef01234567",
        prerequisites=("patch-id: abcdef12", "message-id: <1@x>", "change-id: 20260101-y-2:v3"),
        change_id="20260202-x-1",
    )
    quoted = b"".join(b"> " + line + b"\n" for line in text.splitlines())
    for other in (quoted, b" " + text.replace(b"\n", b"\n+"), b"base-commit: next-20240101\n", b""):
        assert read_trailers(other) == Trailers()


def test_quotes() -> None:
    assert quotes(b"x\n> y\n")
    assert not quotes(b"x\n-- \n> signature\n")
    assert quotes_diff(b"> > diff --git a/x b/x\n")
    assert not quotes_diff(b"diff --git a/x b/x\n")


@given(st.binary(max_size=300))
def test_any_bytes_are_a_mail(raw: bytes) -> None:
    head = (
        b"Subject: [PATCH] x\nContent-Type: multipart/mixed; boundary=b\nContent-Transfer-Encoding: base64\n"
    )
    for data in (
        raw,
        head + raw,
        head + b"\n--b\n" + raw,
        b"Content-Type: text/plain; format=flowed; charset=hz\n\n" + raw,
    ):
        found = read_message(read_mail(data))
        found.text.encode("utf-8")
        read_trailers(found.diff)
