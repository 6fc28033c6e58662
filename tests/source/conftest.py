"""Mails and diffs made for one test."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

MakeMail = Callable[..., bytes]
MakeDiff = Callable[..., bytes]


@pytest.fixture
def make_diff() -> MakeDiff:
    """A git diff of one file in which one line changes."""

    def made(path: str = "kernel/a.c", old: str = "int a;", new: str = "int b;") -> bytes:
        return (
            f"diff --git a/{path} b/{path}\nindex 1111111..2222222 100644\n--- a/{path}\n+++ b/{path}\n"
            f"@@ -1,2 +1,2 @@ section\n first\n-{old}\n+{new}\n"
        ).encode()

    return made


@pytest.fixture
def make_mail(make_diff: MakeDiff) -> MakeMail:
    """A mail with a diff, unless another body is given; header fields by keyword, ``_`` for ``-``."""

    def made(subject: str = "[PATCH] a: rename it", body: bytes | None = None, **fields: str) -> bytes:
        header = {
            "From": "A. Author <a@example.org>",
            "Date": "Mon, 2 Feb 2026 10:00:00 +0100",
            "Subject": subject,
        }
        header.update({name.replace("_", "-"): value for name, value in fields.items()})
        if body is None:
            body = b"Why it is right.\n\nSigned-off-by: A. Author <a@example.org>\n---\n a.c | 2 +-\n\n"
            body += make_diff() + b"-- \n2.43.0\n"
        return "".join(f"{name}: {value}\n" for name, value in header.items()).encode() + b"\n" + body

    return made


@pytest.fixture
def corpus() -> Path:
    """The directory of labelled series; the test is skipped without it."""
    place = os.environ.get("CHECKSERIES_CORPUS")
    if not place:
        pytest.skip("CHECKSERIES_CORPUS is not set")
    return Path(place)
