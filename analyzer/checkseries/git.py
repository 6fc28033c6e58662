"""Runs git, read-only: the only program that checkseries ever starts.

Nothing is fetched, refreshed, locked or written, and nothing of a repository's configuration that names a
program is followed: hooks, fsmonitor, external diffs and text conversions are switched off by name.
"""

from __future__ import annotations

import os
import subprocess
import weakref
from collections.abc import Mapping
from typing import IO

from checkseries.errors import TreeError

# What git needs of the caller to find its own configuration (safe.directory among it) and the user's
# certificates of ownership; every other variable, GIT_TRACE and GIT_EXTERNAL_DIFF among them, stays outside.
_KEPT = ("PATH", "HOME", "XDG_CONFIG_HOME", "TMPDIR", "SUDO_UID", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM",
         "GIT_CONFIG_NOSYSTEM", "GIT_CONFIG_PARAMETERS", "GIT_DISCOVERY_ACROSS_FILESYSTEM")  # fmt: skip
# Where a running git told its hook to look (githooks(5)): kept only if the caller's own tree is meant.
_LOCATION = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY",
             "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_NAMESPACE", "GIT_PREFIX")  # fmt: skip
_PINNED = {
    "LC_ALL": "C",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "none",  # what keeps a git too old for GIT_NO_LAZY_FETCH from fetching
    "GIT_PAGER": "cat",
}
_OPTIONS = ("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "core.quotePath=true",
            "-c", "core.pager=cat", "-c", "core.attributesFile=/dev/null", "-c", "submodule.recurse=false",
            "-c", "grep.threads=0", "-c", "grep.fullName=true", "-c", "diff.external=")  # fmt: skip


class Git:
    """Git on one repository; every call raises TreeError with git's own first line if git fails."""

    def __init__(self, directory: str, environ: Mapping[str, str], *, own: bool = False) -> None:
        """Take ``own=True`` for the repository that the caller stands in: its GIT_DIR and the like count."""
        self.directory = directory
        kept = _KEPT + (_LOCATION if own else ())
        self._environ = {name: environ[name] for name in kept if name in environ} | _PINNED
        for name in environ:  # git config through the environment: GIT_CONFIG_COUNT, _KEY_n, _VALUE_n
            if name == "GIT_CONFIG_COUNT" or name.startswith(("GIT_CONFIG_KEY_", "GIT_CONFIG_VALUE_")):
                self._environ[name] = environ[name]
        self._reader: ObjectReader | None = None

    def run(self, *args: str, stdin: bytes = b"", good: tuple[int, ...] = (0,)) -> bytes:
        """What git prints; ``good`` are the exit statuses that are not failures."""
        try:
            done = subprocess.run(
                self._command(args),
                input=stdin,
                capture_output=True,
                env=self._environ,
                timeout=600,
                check=False,
            )
        except FileNotFoundError as error:
            raise TreeError("git is not installed: it is needed to read a git tree") from error
        except subprocess.TimeoutExpired as error:
            raise TreeError(f"git {args[0]} gave no answer in 600 s on {self.directory}") from error
        if done.returncode not in good:
            said = done.stderr.decode(errors="replace").strip().splitlines()
            raise TreeError(f"git {args[0]} failed on {self.directory}: {said[0] if said else 'no message'}")
        return done.stdout

    def text(self, *args: str) -> str:
        """What git prints, as text without the last line end."""
        return self.run(*args).decode("utf-8", "surrogateescape").rstrip("\n")

    def without_filters(self) -> tuple[str, ...]:
        """Options that switch off the content filters of the user's configuration (gitattributes(5), filter).

        Comparing a work tree with its index may pass files through a filter's program.
        """
        named = self.run("config", "-z", "--name-only", "--get-regexp", r"^filter\..*\.(clean|smudge|process|required)$",
                         good=(0, 1)).decode("utf-8", "surrogateescape")  # fmt: skip
        keys = [key for key in named.split("\0") if key]
        return tuple(
            part for key in keys for part in ("-c", f"{key}={'false' if key.endswith('.required') else ''}")
        )

    def blob(self, name: str) -> bytes | None:
        """The bytes of an object by id; None if there is none. One child process serves all calls."""
        if self._reader is None or self._reader.owner != os.getpid():
            self._reader = ObjectReader(self._command(("cat-file", "--batch")), self._environ)
            weakref.finalize(self, self._reader.close)
        return self._reader.read(name)

    def _command(self, args: tuple[str, ...]) -> list[str]:
        return ["git", "-C", self.directory, *_OPTIONS, *args]


class ObjectReader:
    """A ``git cat-file --batch`` child; a forked worker starts one of its own."""

    def __init__(self, command: list[str], environ: Mapping[str, str]) -> None:
        self.owner = os.getpid()
        self._child = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=dict(environ),
        )
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._ask: IO[bytes] = self._child.stdin
        self._answer: IO[bytes] = self._child.stdout

    def read(self, name: str) -> bytes | None:
        """The bytes of a blob; None if it is missing or no blob."""
        if "\n" in name:
            return None
        try:
            self._ask.write(name.encode("utf-8", "surrogateescape") + b"\n")
            self._ask.flush()
            head = self._answer.readline().split()
        except BrokenPipeError as error:
            raise TreeError("git cat-file ended before it answered") from error
        if len(head) != 3:
            if not head:
                raise TreeError("git cat-file ended before it answered")
            return None  # "NAME missing"
        data = self._answer.read(int(head[2]))
        self._answer.read(1)
        return data if head[1] == b"blob" else None

    def close(self) -> None:
        """Close the pipes and wait for the child; a forked worker leaves its parent's child alone."""
        if self.owner != os.getpid():
            return
        self._ask.close()
        self._answer.close()
        self._child.wait(timeout=10)
