"""Workers answer in order, a dead one is told from a slow one, and none outlives its caller."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from checkseries.workers import start


def test_answers_arrive_in_the_order_of_names() -> None:
    def work(name: str) -> tuple[str, int]:
        time.sleep(0.2 if name == "a" else 0)
        return name, os.getpid()

    answers = [(name, receive.recv()) for name, receive in start(("a", "b", "c", "d"), work, 2)]
    assert [(name, said) for name, (said, _) in answers] == [(each, each) for each in "abcd"]
    assert len({worker for _, (_, worker) in answers}) == 4


@pytest.mark.parametrize("jobs", [1, 2, 4])
def test_a_worker_that_dies_is_an_end_and_the_others_answer(jobs: int) -> None:
    def work(name: str) -> str:
        if name == "b":
            os.kill(os.getpid(), signal.SIGKILL)
        return name

    said = {}
    for name, receive in start(("a", "b", "c"), work, jobs):
        try:
            said[name] = receive.recv()
        except EOFError:
            said[name] = "dead"
    assert said == {"a": "a", "b": "dead", "c": "c"}


def test_no_more_than_so_many_at_once() -> None:
    def work(_name: str) -> tuple[float, float]:
        begin = time.monotonic()
        time.sleep(0.1)
        return begin, time.monotonic()

    spans = [receive.recv() for _, receive in start(tuple("abcdef"), work, 2)]
    for begin, _ in spans:
        assert sum(low <= begin < high for low, high in spans) <= 2


def test_none_outlives_a_caller_that_is_killed() -> None:
    script = (
        "import os, sys, time\nfrom checkseries.workers import start\n"
        "def work(name):\n    os.write(1, b'%d\\n' % os.getpid())\n    time.sleep(0.5)\n    return name\n"
        "start(tuple('abcdef'), work, 2)\ntime.sleep(60)\n"
    )
    caller = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert caller.stdout is not None
    first = [caller.stdout.readline(), caller.stdout.readline()]
    caller.kill()
    caller.wait()
    rest = caller.stdout.read()  # ends when the last of them has ended
    caller.stdout.close()
    assert all(line.strip().isdigit() for line in first)
    assert len(rest.split()) <= 2, "what was begun is finished, nothing more is begun"


def test_a_small_worker_goes_on_with_the_next_name() -> None:
    def work(_name: str) -> int:
        return os.getpid()

    for together, processes in ((0, 6), (1, 6), (10_000, 2)):
        said = [receive.recv() for _, receive in start(tuple("abcdef"), work, 2, None, together)]
        assert len(set(said)) == processes


def test_what_it_did_before_survives_a_worker_that_dies() -> None:
    done: list[str] = []

    def work(name: str) -> str:
        if name == "b":
            os.kill(os.getpid(), signal.SIGKILL)
        return name

    said = {}
    for name, receive in start(tuple("abcd"), work, 1, lambda name, _: done.append(name), 10_000):
        try:
            said[name] = receive.recv()
        except EOFError:
            said[name] = "dead"
    assert said == {"a": "a", "b": "dead", "c": "c", "d": "d"}
