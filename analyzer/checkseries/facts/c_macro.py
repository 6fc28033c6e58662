"""What macros make of a text: C11 6.10.3, with GNU's named variable arguments.

Works on the words of preprocessing tokens alone. What one set of definitions makes of a text is exact or an
error; strings are blanked already, so what ``#`` makes is right only for what is written without blanks.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass

from checkseries.facts.c_text import tokens

_MOST = 120_000  # words that one expansion may make on its way
_DEEPEST = 120
_WORD = re.compile(r"[A-Za-z_$]", re.ASCII)


class NoExpansionError(Exception):
    """What a macro makes cannot be told; the message says why."""


@dataclass(frozen=True, slots=True)
class Define:
    """A macro as it is defined: ``parameters`` is None for an object-like one."""

    name: str
    parameters: tuple[str, ...] | None
    variadic: bool
    body: str
    doubt: str = ""
    """Why it may not be what is defined, or not defined at all."""

    def same(self, other: Define | None) -> bool:
        """Whether another definition says the same, so that to define it again changes nothing."""
        return (
            other is not None
            and not other.doubt
            and self.parameters == other.parameters
            and self.variadic == other.variadic
            and words_of(self.body) == words_of(other.body)
        )


Lookup = Callable[[str], Define | None]


@functools.lru_cache(maxsize=16384)  # a pure function of its text: the same few macros stand in every struct
def words_of(text: str) -> tuple[str, ...]:
    """The preprocessing tokens of a text."""
    return tuple(token.text for token in tokens(text))


@dataclass(frozen=True, slots=True)
class _Word:
    text: str
    hidden: frozenset[str]
    """The macros in whose expansion it stands: none of them is expanded again."""


_NONE: frozenset[str] = frozenset()
_PLACE = _Word("", _NONE)  # what ``##`` takes for an argument that is empty


class _Count:
    """How much may still be made."""

    def __init__(self) -> None:
        self.left = _MOST

    def take(self, number: int) -> None:
        self.left -= number
        if self.left < 0:
            raise NoExpansionError("macros make too much of a text")


def expand(words: tuple[str, ...], lookup: Lookup) -> tuple[str, ...]:
    """The words with all macros expanded; raises NoExpansionError."""
    if not any(lookup(word) for word in set(words) if _WORD.match(word)):
        return words
    return tuple(word.text for word in _expand([_Word(word, _NONE) for word in words], lookup, _Count(), 0))


def _expand(words: list[_Word], lookup: Lookup, count: _Count, depth: int) -> list[_Word]:
    if depth > _DEEPEST:
        raise NoExpansionError("macros are nested too deep")
    todo = words[::-1]
    done: list[_Word] = []
    while todo:
        word = todo.pop()
        macro = lookup(word.text) if word.text not in word.hidden and _WORD.match(word.text) else None
        if macro is None:
            done.append(word)
            continue
        if macro.doubt:
            if macro.parameters is not None and not (todo and todo[-1].text == "("):
                done.append(word)
                continue
            raise NoExpansionError(f"the macro {macro.name}: {macro.doubt}")
        count.take(1)
        if macro.parameters is None:
            made = _pasted([_Word(each, _NONE) for each in words_of(macro.body)], macro.name)
            hidden = word.hidden | {macro.name}
        else:
            if not (todo and todo[-1].text == "("):
                done.append(word)
                continue
            arguments, close = _arguments(todo, macro)
            made = _substituted(macro, arguments, lookup, count, depth)
            hidden = (word.hidden & close.hidden) | {macro.name}
        count.take(len(made))
        todo.extend(_Word(each.text, each.hidden | hidden) for each in reversed(made))
    return done


def _arguments(todo: list[_Word], macro: Define) -> tuple[list[list[_Word]], _Word]:
    """Take the arguments of a macro off the words to come, and its closing bracket."""
    assert macro.parameters is not None
    todo.pop()
    depth = 0
    found: list[list[_Word]] = [[]]
    while todo:
        word = todo.pop()
        if word.text == "(":
            depth += 1
        elif word.text == ")":
            if depth == 0:
                return _fitting(found, macro), word
            depth -= 1
        elif word.text == "," and depth == 0 and not (macro.variadic and len(found) >= len(macro.parameters)):
            found.append([])
            continue
        found[-1].append(word)
    raise NoExpansionError(f"the arguments of the macro {macro.name} do not end")


def _fitting(found: list[list[_Word]], macro: Define) -> list[list[_Word]]:
    wanted = len(macro.parameters or ())
    if wanted == 0 and found == [[]]:
        return []
    if macro.variadic and len(found) == wanted - 1:
        return [*found, []]
    if len(found) != wanted:
        raise NoExpansionError(f"the macro {macro.name} takes {wanted} arguments, not {len(found)}")
    return found


def _substituted(
    macro: Define, arguments: list[list[_Word]], lookup: Lookup, count: _Count, depth: int
) -> list[_Word]:
    """The body of a function-like macro with the arguments in the place of the parameters."""
    assert macro.parameters is not None
    given = dict(zip(macro.parameters, arguments, strict=True))
    rest = macro.parameters[-1] if macro.variadic else ""
    body = words_of(macro.body)
    if "__VA_OPT__" in body:
        raise NoExpansionError(f"the macro {macro.name} has __VA_OPT__")
    expanded: dict[str, list[_Word]] = {}
    made: list[_Word] = []
    index = 0
    while index < len(body):
        word = body[index]
        after = body[index + 1] if index + 1 < len(body) else ""
        if word == "#" and after in given:
            text = "".join(each.text for each in given[after]).replace('"', "")
            made.append(_Word(f'"{text}"', _NONE))
            index += 2
            continue
        if word not in given:
            made.append(_Word(word, _NONE))
            index += 1
            continue
        before = body[index - 1] if index else ""
        if before == "##" and word == rest and index > 1 and body[index - 2] == ",":
            made.pop()  # GNU's ``, ## args``: the comma goes if there are none
            if given[word]:
                made.extend(_whole(word, given, expanded, lookup, count, depth))
            else:
                made.pop()
        elif before == "##" or after == "##":
            made.extend(given[word] or [_PLACE])
        else:
            made.extend(_whole(word, given, expanded, lookup, count, depth))
        index += 1
        count.take(len(made) - len(body) if len(made) > 4 * len(body) + 4096 else 0)
    return _pasted(made, macro.name)


def _whole(
    name: str,
    given: dict[str, list[_Word]],
    expanded: dict[str, list[_Word]],
    lookup: Lookup,
    count: _Count,
    depth: int,
) -> list[_Word]:
    if name not in expanded:
        expanded[name] = _expand(given[name], lookup, count, depth + 1)
        count.take(len(expanded[name]))
    return expanded[name]


def _pasted(words: list[_Word], name: str) -> list[_Word]:
    """The words with each ``##`` and its neighbours made one."""
    if not any(word.text == "##" for word in words):
        return [word for word in words if word.text]
    made: list[_Word] = []
    index = 0
    while index < len(words):
        word = words[index]
        if word.text == "##" and made and index + 1 < len(words):
            left, right = made.pop(), words[index + 1]
            text = left.text + right.text
            if text and len(words_of(text)) != 1:
                raise NoExpansionError(f"what the macro {name} pastes is no token")
            made.append(_Word(text, left.hidden & right.hidden))
            index += 2
            continue
        made.append(word)
        index += 1
    return [word for word in made if word.text]
