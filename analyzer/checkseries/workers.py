"""Work on several architectures at once: a forked process for each, so that what one took goes with it."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from typing import Any

_CONTEXT = multiprocessing.get_context("fork")  # what is to be worked on cannot be pickled, and need not be


def start(
    names: Sequence[str],
    work: Callable[[str], Any],
    jobs: int,
    after: Callable[[str, Any], None] | None = None,
) -> list[tuple[str, Connection]]:
    """Begin ``work(name)`` for each name, ``jobs`` at a time; returns where each answer will arrive, in order.

    ``after`` is what each worker does with the name and its answer once it has given that.

    Receiving raises EOFError if a worker ended without an answer. Nothing outlives the caller for longer than
    the work that it is at.
    """
    pipes = {name: _CONTEXT.Pipe(duplex=False) for name in names}
    for number in range(min(jobs, len(names))):
        queue = list(names[number::jobs])
        _CONTEXT.Process(
            target=_one_after_the_other, args=(queue, work, after, pipes, os.getpid()), daemon=False
        ).start()
    for _, send in pipes.values():
        send.close()
    return [(name, receive) for name, (receive, _) in pipes.items()]


def _one_after_the_other(
    queue: list[str],
    work: Callable[[str], Any],
    after: Callable[[str, Any], None] | None,
    pipes: dict[str, tuple[Connection, Connection]],
    caller: int,
) -> None:
    for name, (receive, send) in pipes.items():
        receive.close()
        if name not in queue:
            send.close()
    while queue and os.getppid() == caller:
        name, *queue = queue
        worker = _CONTEXT.Process(target=_one, args=(name, queue, work, after, pipes))
        worker.start()
        pipes[name][1].close()
        worker.join()


def _one(
    name: str,
    others: list[str],
    work: Callable[[str], Any],
    after: Callable[[str, Any], None] | None,
    pipes: dict[str, tuple[Connection, Connection]],
) -> None:
    for other in others:
        pipes[other][1].close()
    send = pipes[name][1]
    answer = work(name)
    try:
        send.send(answer)
    except BrokenPipeError:  # nobody waits for it any more
        pass
    finally:
        send.close()
    if after is not None:
        after(name, answer)
