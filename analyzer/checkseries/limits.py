"""Bounds on what judging may take: a hostile series must end, and end with a word."""

from __future__ import annotations

import contextlib
import resource
import signal
import threading
from collections.abc import Iterator
from types import FrameType

from checkseries.errors import CheckseriesError

SECONDS = 60
"""For one rule on one subject on one snapshot: a thousand times what the slowest real one takes."""
TOTAL_SECONDS = 300
"""For all that one process judges."""
BYTES = 4 << 30
"""Of address space, for one process: ten times what a real series takes."""


class TooSlowError(CheckseriesError):
    """Judging took longer than it may."""


@contextlib.contextmanager
def within(seconds: float) -> Iterator[None]:
    """Raise TooSlowError in the body once so many seconds are over; only in a process's main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    if seconds <= 0:
        raise TooSlowError("the time for judging the series is used up")

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise TooSlowError(f"took longer than {SECONDS} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def bound_memory() -> None:
    """Let this process and its children have no more than BYTES each; MemoryError tells who wants more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    most = BYTES if hard == resource.RLIM_INFINITY else min(BYTES, hard)
    if soft == resource.RLIM_INFINITY or soft > most:
        resource.setrlimit(resource.RLIMIT_AS, (most, hard))
