"""What facts said of files, kept from run to run by what the files hold.

A fact of one file is a pure function of its bytes, and git names bytes by an id: what was said of a blob once
is true of it in every tree. A fact of many files is kept with all of their ids, and holds where they are the same.
"""

from __future__ import annotations

import contextlib
import dataclasses
import enum
import functools
import glob
import hashlib
import io
import os
import pickle  # only what _Reader allows is read
import sqlite3
import sys
import types
import zlib
from importlib import metadata
from typing import Any

from checkseries.tree.cached import PATIENCE, unpacked, write

LARGEST = 512 << 20
"""Bytes that an index may take; beyond it, it begins anew."""
_VERSIONS = 3  # indices of other versions of the program that are left alone
_SMALL = 2048  # bytes that are not worth packing
_LONGEST = 64 << 20  # bytes of one value
_MAPPED = 1 << 30  # bytes of the file that are read as memory
_AT_ONCE = 1 << 17  # values that wait to be written
_ENOUGH = 64 << 20  # and their bytes


class Index:
    """Values by key: an SQLite file that may be deleted at any time, and that several runs may share.

    Nothing depends on it: what cannot be opened, read or written is as good as empty.
    """

    def __init__(self, directory: str) -> None:
        """``directory`` is the user's; it and the file in it are made when there is something to keep."""
        self._directory = directory
        self._path = os.path.join(directory, f"facts-{version()}.sqlite")
        self._book: sqlite3.Connection | None = None
        self._parents: sqlite3.Connection | None = None
        """The connection of the process that this one was forked from, which is not ours to close."""
        self._process = 0
        self._fresh: dict[bytes, bytes] = {}
        self._fresh_bytes = 0
        self._owed: set[bytes] = set()
        self._writer = os.getpid()
        self._files: dict[bytes, dict[str, bytes]] = {}
        self._altered: set[bytes] = set()

    def get(self, key: bytes) -> bytes | None:
        """What was kept under a key (16 bytes), if anything was."""
        book = self._opened()
        if book is None:
            return self._fresh.get(key)
        with contextlib.suppress(sqlite3.Error, zlib.error, ValueError):
            row = book.execute(
                "SELECT value FROM kept WHERE id = ? AND rest = ?", (_number(key), key[8:])
            ).fetchone()
            if row is not None:
                return _unpacked(row[0])
        return self._fresh.get(key)

    def keep(self, key: bytes, value: bytes) -> None:
        """Keep a value from now on; it is written by ``settle``."""
        self._own()
        if len(self._fresh) < _AT_ONCE and self._fresh_bytes < _ENOUGH:
            self._fresh[key] = value
            self._fresh_bytes += len(value)
            self._owed.add(key)

    def of_file(self, key: bytes) -> dict[str, bytes]:
        """What was kept of a file as a whole, by the names of the facts: they are wanted together, and change never."""
        known = self._files.get(key)
        if known is None:
            known = self._files[key] = self._kept_of_file(key)
        return known

    def _kept_of_file(self, key: bytes) -> dict[str, bytes]:
        found = self.get(key)
        try:
            kept: dict[str, bytes] = loaded(found) if found is not None else {}
        except DAMAGED:
            return {}
        return kept

    def keep_of_file(self, key: bytes, name: str, value: bytes) -> None:
        """Keep what a fact says of a file as a whole."""
        self._own()
        self.of_file(key)[name] = value
        self._altered.add(key)

    def _own(self) -> None:
        """Leave to the process that this one was forked from what that has found: it writes it itself."""
        if self._writer != os.getpid():
            self._writer = os.getpid()
            self._owed.clear()
            self._altered.clear()

    def settle(self) -> None:
        """Write what this process has found."""
        self._own()
        self._close()  # the file may be there by now
        for key in self._altered:  # another process may have kept more of the file meanwhile
            self.keep(key, dumped(self._kept_of_file(key) | self._files[key]))
        self._altered.clear()
        fresh = {key: self._fresh[key] for key in self._owed}
        self._fresh, self._fresh_bytes = {}, 0
        self._owed.clear()
        if not fresh:
            return
        self._close()

        def settled(book: sqlite3.Connection) -> None:
            # Nothing is lost that cannot be had again.
            book.execute("PRAGMA synchronous = OFF")
            book.execute("CREATE TABLE IF NOT EXISTS kept (id INTEGER PRIMARY KEY, rest BLOB, value BLOB)")
            book.executemany(
                "INSERT OR REPLACE INTO kept VALUES (?, ?, ?)",
                [(_number(key), key[8:], _packed(value)) for key, value in fresh.items()],
            )

        write(self._path, settled)
        with contextlib.suppress(OSError):
            if os.path.getsize(self._path) > LARGEST:
                os.unlink(self._path)
            self._make_room()

    def _make_room(self) -> None:
        """Remove the indices of versions that nobody has used for longest."""
        others = [
            path
            for path in glob.glob(os.path.join(glob.escape(self._directory), "facts-*.sqlite"))
            if path != self._path
        ]
        for path in sorted(others, key=os.path.getmtime)[:-_VERSIONS]:
            os.unlink(path)

    def _opened(self) -> sqlite3.Connection | None:
        """The connection of this process: runs fork, and a connection must not be shared with a child."""
        if self._process != os.getpid():
            self._process = os.getpid()
            self._parents, self._book = self._book, None
            if os.path.exists(self._path):
                with contextlib.suppress(sqlite3.Error):
                    self._book = sqlite3.connect(self._path, timeout=PATIENCE, check_same_thread=False)
                    self._book.execute("PRAGMA query_only = ON")
                    self._book.execute(f"PRAGMA mmap_size = {_MAPPED}")
        return self._book

    def _close(self) -> None:
        if self._book is not None and self._process == os.getpid():
            self._book.close()
        self._book, self._process = None, 0


def key_of(*parts: str) -> bytes:
    """The key (16 bytes) of what some texts name together."""
    text = "\0".join(parts)
    return hashlib.blake2b(text.encode("utf-8", "surrogateescape"), digest_size=16).digest()


@functools.lru_cache(maxsize=1)
def version() -> str:
    """What names everything that the facts depend on but the tree: the program, Python and the parser of C."""
    whole = hashlib.sha256(sys.version.encode())
    for name in ("tree-sitter", "tree-sitter-c", "kconfiglib", "python-sat"):
        with contextlib.suppress(metadata.PackageNotFoundError):
            whole.update(f"{name} {metadata.version(name)}\n".encode())
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    for path in sorted(glob.glob(os.path.join(glob.escape(package), "**", "*.py"), recursive=True)):
        with open(path, "rb") as file:
            data = file.read()
        whole.update(
            f"{os.path.relpath(path, package)} {len(data)}\n".encode("utf-8", "surrogateescape") + data
        )
    return whole.hexdigest()[:16]


def _number(key: bytes) -> int:
    return int.from_bytes(key[:8], "big", signed=True)


def _packed(value: bytes) -> bytes:
    return b"\0" + value if len(value) < _SMALL else b"\1" + zlib.compress(value, 1)


def _unpacked(packed: bytes) -> bytes:
    if packed[:1] == b"\0":
        return packed[1:]
    return unpacked(packed[1:], _LONGEST)


DAMAGED = (pickle.UnpicklingError, EOFError, IndexError, TypeError, ValueError, AttributeError, KeyError)
"""What reading a value raises that nobody wrote like that."""


# --- values as bytes ---------------------------------------------------------------------------------------


def dumped(value: object) -> bytes:
    """A fact's value as bytes; raises TypeError, AttributeError or PicklingError if it is of no kind that is kept."""
    out = io.BytesIO()
    _Writer(out, protocol=5).dump(value)
    return out.getvalue()


def loaded(data: bytes) -> Any:
    """The value again; raises UnpicklingError for what ``dumped`` did not write."""
    return _Reader(io.BytesIO(data)).load()


def proxied(values: dict[Any, Any]) -> types.MappingProxyType[Any, Any]:
    """A mapping that cannot be written to: by a name, as its class has none that pickle finds."""
    return types.MappingProxyType(values)


class _Writer(pickle.Pickler):
    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, types.MappingProxyType):
            return proxied, (dict(obj),)
        if dataclasses.is_dataclass(obj) and not isinstance(obj, type):
            # As a call of its class: several times as fast as what a frozen class with slots does by itself.
            return type(obj), tuple(getattr(obj, each.name) for each in dataclasses.fields(obj))
        return NotImplemented


class _Reader(pickle.Unpickler):
    """Makes the plain data of this package, and nothing else: the file is the user's own, yet only a file."""

    def find_class(self, module: str, name: str) -> Any:
        return _plain_class(module, name)


@functools.cache
def _plain_class(module: str, name: str) -> Any:
    if (module, name) == (__name__, proxied.__name__):
        return proxied
    found = getattr(sys.modules.get(module), name, None) if module.startswith("checkseries.") else None
    if isinstance(found, type) and (
        dataclasses.is_dataclass(found)
        or issubclass(found, enum.Enum)
        or (issubclass(found, tuple) and hasattr(found, "_fields"))
    ):
        return found
    raise pickle.UnpicklingError(f"{module}.{name} is no plain data")
