"""SQLite files in the user's cache: nothing depends on them, so whatever is wrong with one costs time alone."""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
import time
import zlib
from collections.abc import Callable, Iterator

PATIENCE = 2.0
"""Seconds to wait for another run that writes."""
_SEARCHING = 30.0  # seconds to wait for one that searches


@contextlib.contextmanager
def alone(path: str) -> Iterator[None]:
    """What of all processes only one does at a time, ``path`` being a file to lock; waits no longer than it is worth."""
    handle = -1
    with contextlib.suppress(OSError):
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        handle = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    end = time.monotonic() + (_SEARCHING if handle >= 0 else 0)
    while time.monotonic() < end:
        with contextlib.suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        time.sleep(0.02)
    try:
        yield
    finally:
        if handle >= 0:
            os.close(handle)


@contextlib.contextmanager
def connected(path: str) -> Iterator[sqlite3.Connection]:
    """A connection for one transaction; raises sqlite3.Error."""
    book = sqlite3.connect(path, timeout=PATIENCE)
    try:
        with book:
            yield book
    finally:
        book.close()


def write(path: str, work: Callable[[sqlite3.Connection], None]) -> None:
    """Do a transaction on a file, made if there is none; gives up in silence, and removes a damaged file."""
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        with connected(path) as book:
            work(book)
    except sqlite3.DatabaseError as error:
        if not isinstance(error, sqlite3.OperationalError):  # no such file, or a damaged one: begin anew
            with contextlib.suppress(OSError):
                os.unlink(path)
    except (OSError, ValueError):
        pass  # a full or read-only disk costs time, not answers


def unpacked(packed: bytes, longest: int) -> bytes:
    """What zlib packed, no more of it than so many bytes; raises ValueError or zlib.error."""
    unpacking = zlib.decompressobj()
    data = unpacking.decompress(packed, longest)
    if unpacking.unconsumed_tail or not unpacking.eof:
        raise ValueError("not what was packed")
    return data
