"""The macro language of Kconfig, as ``scripts/kconfig/preprocess.c`` expands it, within bounds.

Nothing is ever started and no environment is read: commands and variables are answered by whoever makes
the Preprocessor. Expansion is bounded in depth, number and length, since ``a = $(b)$(b)``, ``b = $(c)$(c)``
and so on doubles with every line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

MAX_DEPTH = 60
"""References nested in one another; the kernel has eight. Each takes a few frames of Python's stack."""
MAX_CLAUSES = 100_000
"""References expanded in one parse; 7.2 has about 5000."""
MAX_CHARACTERS = 32_000_000
"""Characters produced in one parse."""
MAX_ARGUMENTS = 16
"""``FUNCTION_MAX_ARGS``."""
SHELL_BUFFER = 4095
"""What ``do_shell()`` keeps of an output."""

_ARITY = {"error-if": 2, "filename": 0, "info": 1, "lineno": 0, "shell": 1, "warning-if": 2}
_TOKEN_CHARACTER = re.compile(r"[A-Za-z0-9_-]*")
_ARGUMENT = re.compile(r"[ \t\n\v\f\r]*\+?([0-9]{1,9})\Z")
_PARENTHESIS = re.compile(r"[()]")


class ExpansionError(Exception):
    """A macro that cannot be expanded; the message is without the place."""


@dataclass(slots=True)
class _Variable:
    value: str
    recursive: bool
    expanding: int = 0


class Preprocessor:
    """The variables of one parse, and the expansion of text by them."""

    def __init__(
        self,
        environment: Mapping[str, str],
        shell: Callable[[str], str],
        place: Callable[[], tuple[str, int]],
        warn: Callable[[str], None],
    ) -> None:
        self._environment = environment
        self._shell = shell
        self._place = place
        self._warn = warn
        self._variables: dict[str, _Variable] = {}
        self._depth = 0
        self._clauses = 0
        self._characters = 0

    def assign(self, name: str, operator: str, value: str) -> None:
        """Assign a variable; ``operator`` is ``=`` (expanded when used), ``:=`` (now) or ``+=``."""
        variable = self._variables.get(name)
        append = variable is not None and operator == "+="
        recursive = variable.recursive if append and variable is not None else operator != ":="
        new = value if recursive else self.expand(value)
        if append and variable is not None:
            new = f"{variable.value} {new}"
        self._spend(len(new))
        self._variables[name] = _Variable(new, recursive)

    def expand(self, text: str, arguments: tuple[str, ...] = ()) -> str:
        """The text with all ``$(...)`` replaced; what they yield is not expanded again."""
        if "$(" not in text:
            return text
        parts = []
        position = 0
        while (dollar := text.find("$(", position)) >= 0:
            parts.append(text[position:dollar])
            value, position = self.reference(text, dollar, arguments)
            parts.append(value)
        parts.append(text[position:])
        return "".join(parts)

    def token(self, text: str, position: int) -> tuple[str, int]:
        """The word at a position with its references expanded, and where it ends (``expand_one_token()``)."""
        parts = []
        while True:
            match = _TOKEN_CHARACTER.match(text, position)
            assert match is not None
            parts.append(match[0])
            position = match.end()
            if not text.startswith("$", position):
                return "".join(parts), position
            if text.startswith("$(", position):
                value, position = self.reference(text, position, ())
                parts.append(value)
            else:
                parts.append("$")
                position += 1

    def reference(self, text: str, position: int, arguments: tuple[str, ...]) -> tuple[str, int]:
        """What the ``$(`` at a position yields, and the position after its ``)``."""
        start = position + 2
        nest = 0
        for match in _PARENTHESIS.finditer(text, start):
            if match[0] == "(":
                nest += 1
            elif nest:
                nest -= 1
            else:
                return self._clause(text[start : match.start()], arguments), match.end()
        raise ExpansionError(f"unterminated reference to '{text[start : start + 40]}': missing ')'")

    def _clause(self, clause: str, arguments: tuple[str, ...]) -> str:
        match = _ARGUMENT.match(clause)
        if match and 0 < int(match[1]) <= len(arguments):
            value = arguments[int(match[1]) - 1]
            self._spend(len(value))
            return value
        if self._depth >= MAX_DEPTH:
            raise ExpansionError("too deep recursive expansion")
        self._clauses += 1
        if self._clauses > MAX_CLAUSES:
            raise ExpansionError("too many macro expansions")
        self._depth += 1
        try:
            words = [self.expand(word, arguments) for word in _split(clause)]
            value = self._call(words[0], tuple(words[1:]))
        finally:
            self._depth -= 1
        self._spend(len(value))
        return value

    def _call(self, name: str, arguments: tuple[str, ...]) -> str:
        variable = self._variables.get(name)
        if variable is not None:
            if not arguments and variable.expanding:
                raise ExpansionError(f"recursive variable '{name}' references itself (eventually)")
            if not variable.recursive:
                return variable.value
            variable.expanding += 1
            try:
                return self.expand(variable.value, arguments)
            finally:
                variable.expanding -= 1
        arity = _ARITY.get(name)
        if arity is not None:
            if len(arguments) != arity:
                few = "few" if len(arguments) < arity else "many"
                raise ExpansionError(f"too {few} function arguments passed to '{name}'")
            return self._function(name, arguments)
        return "" if arguments else self._environment.get(name, "")

    def _function(self, name: str, arguments: tuple[str, ...]) -> str:
        path, line = self._place()
        match name:
            case "filename":
                return path
            case "lineno":
                return str(line)
            case "shell":
                return self._shell(arguments[0]).rstrip("\n").replace("\n", " ")[:SHELL_BUFFER]
            case "error-if" if arguments[0] == "y":
                raise ExpansionError(arguments[1])
            case "warning-if" if arguments[0] == "y":
                self._warn(arguments[1])
        return ""

    def _spend(self, characters: int) -> None:
        self._characters += characters
        if self._characters > MAX_CHARACTERS:
            raise ExpansionError("macro expansion yields too much text")


def _split(clause: str) -> list[str]:
    """The name and the arguments: cut at commas that stand in no parentheses."""
    words = []
    nest = start = 0
    for position, character in enumerate(clause):
        if character == "," and nest == 0:
            words.append(clause[start:position])
            start = position + 1
            if len(words) >= MAX_ARGUMENTS:
                raise ExpansionError("too many function arguments")
        elif character == "(":
            nest += 1
        elif character == ")":
            nest -= 1
    words.append(clause[start:])
    return words
