"""The closed vocabulary of contract files: a key or a word that nobody reads is an error."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from typing import Any

from checkseries.errors import RuleError


def known(table: Mapping[str, Any], keys: Collection[str], where: str) -> None:
    """Raise RuleError if a table has a key that nobody reads, with the nearest one that somebody does."""
    for key in table:
        if key not in keys:
            raise RuleError(f"{where}: unknown key {key!r}{_hint(key, keys)}")


def one_of(word: object, words: Collection[str], what: str, where: str) -> str:
    """``word`` if it is one of ``words``; raises RuleError with the nearest one."""
    if not isinstance(word, str) or word not in words:
        raise RuleError(f"{where}: unknown {what} {word!r}{_hint(str(word), words)}")
    return word


def _hint(word: str, words: Collection[str]) -> str:
    near = difflib.get_close_matches(word, sorted(words), 1, 0.5)
    return f"; did you mean {near[0]}?" if near else f"; known are {', '.join(sorted(words))}"
