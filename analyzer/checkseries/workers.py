"""Work on several architectures at once, in forked processes: what one took goes with it, unless it stays small."""

from __future__ import annotations

import multiprocessing
import os
import resource
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from typing import Any

_CONTEXT = multiprocessing.get_context("fork")  # what is to be worked on cannot be pickled, and need not be


def start(
    names: Sequence[str],
    work: Callable[[str], Any],
    jobs: int,
    after: Callable[[str, Any], None] | None = None,
    together: int = 0,
) -> list[tuple[str, Connection]]:
    """Begin ``work(name)`` for each name, ``jobs`` at a time; returns where each answer will arrive, in order.

    ``after`` is what each worker does with the name and its answer once it has given that. A worker that has taken
    less than ``together`` MiB goes on with another name: what it knows by then may serve that too.

    Receiving raises EOFError if a worker ended without an answer. Nothing outlives the caller for longer than
    the work that it is at.
    """
    pipes = {name: _CONTEXT.Pipe(duplex=False) for name in names}
    for number in range(min(jobs, len(names))):
        queue = list(names[number::jobs])
        _CONTEXT.Process(
            target=_one_after_the_other,
            args=(queue, work, after, together, pipes, os.getpid()),
            daemon=False,
        ).start()
    for _, send in pipes.values():
        send.close()
    return [(name, receive) for name, (receive, _) in pipes.items()]


def _one_after_the_other(
    queue: list[str],
    work: Callable[[str], Any],
    after: Callable[[str, Any], None] | None,
    together: int,
    pipes: dict[str, tuple[Connection, Connection]],
    caller: int,
) -> None:
    for name, (receive, send) in pipes.items():
        receive.close()
        if name not in queue:
            send.close()
    while queue and os.getppid() == caller:
        begun = _CONTEXT.Value("i", 0)
        worker = _CONTEXT.Process(target=_some, args=(queue, work, after, together, pipes, begun))
        worker.start()
        worker.join()
        taken = max(begun.value, 1)
        for name in queue[:taken]:  # if it gave no answer, whoever waits for that is told so
            pipes[name][1].close()
        del queue[:taken]


def _some(
    queue: list[str],
    work: Callable[[str], Any],
    after: Callable[[str, Any], None] | None,
    together: int,
    pipes: dict[str, tuple[Connection, Connection]],
    begun: Any,
) -> None:
    for name in queue:
        if begun.value and resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >= together << 10:
            return
        begun.value += 1
        send = pipes[name][1]
        answer = work(name)
        try:
            send.send(answer)
        except BrokenPipeError:  # nobody waits for it any more
            return
        finally:
            send.close()
        if after is not None:
            after(name, answer)
