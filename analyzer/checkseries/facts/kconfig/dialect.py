"""The parser: Kconfiglib bent to the grammar of the kernel's own ``conf``.

Files come from a callable, macros from ``preprocess.py``; the Kconfiglib that is bent is the one of
``walled.py``, which reaches nothing else.

Where the two grammars differ (``scripts/kconfig/parser.y``, ``lexer.l``) the kernel's is taken:
``transitional``, ``modules``, ``depends on A if B``, the first of two types wins, all prompts of an entry
count, quotes are required, and the keywords of Kconfiglib's own are plain words.
"""

from __future__ import annotations

import io
import posixpath
import re
from collections.abc import Callable
from typing import Any, NoReturn

from checkseries.facts.kconfig.expression import MAX_DEPTH, compare_no
from checkseries.facts.kconfig.free import PREFIX, FreeToolchain, usual
from checkseries.facts.kconfig.help import after_help, blank
from checkseries.facts.kconfig.preprocess import ExpansionError, Preprocessor
from checkseries.facts.kconfig.symbol import (
    CONSTANTS,
    MOD,
    NO,
    YES,
    And,
    Expr,
    Grammar,
    KconfigError,
    Not,
    Or,
    Relation,
    Statement,
    Symbol,
    any_of,
    every,
)
from checkseries.facts.kconfig.toolchain import Toolchain
from checkseries.facts.kconfig.walled import OPERATORS, ROOT, TOKEN, TYPES, kconfiglib, tokens

MAX_FILES = 20_000
"""Inclusions of one parse; 7.2 has about 1700."""
MAX_INCLUSION = 64
"""``source`` statements nested in one another; the kernel has eight."""
MAX_BLOCKS = 150
"""Blocks (menu, if, choice, file) nested in one another."""
MAX_LINE = 100_000
"""Characters of a line with all its continuations."""

_UNSUPPORTED = re.compile(
    r"""("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|&&|\|\||#.*|[A-Za-z0-9_$\s"'()=!<>:+-])|.""", re.DOTALL
)
_ASSIGNMENT = re.compile(r"\s*(=|:=|\+=)[ \t]*(.*)", re.DOTALL)

_AND, _OR, _NOT, _IF = TOKEN["AND"], TOKEN["OR"], TOKEN["NOT"], TOKEN["IF"]
_OPEN, _CLOSE = TOKEN["OPEN_PAREN"], TOKEN["CLOSE_PAREN"]
_NEGATED: dict[Expr, Expr] = {YES: NO, NO: YES, MOD: MOD}

_NOTHING: frozenset[int] = frozenset()
_ALLOWED = {
    "config": TYPES
    | tokens("DEPENDS DEF_BOOL DEF_TRISTATE DEFAULT HELP IMPLY MODULES PROMPT RANGE SELECT TRANSITIONAL"),
    "choice": tokens("DEPENDS DEFAULT HELP PROMPT"),
    "menu": tokens("DEPENDS VISIBLE"),
    "comment": tokens("DEPENDS"),
}
"""What may stand in each kind of entry."""
_PROPERTIES = _ALLOWED["config"] | _ALLOWED["menu"]
_NOT_IN_CHOICES = tokens("CHOICE MAINMENU MENU MENUCONFIG SOURCE")
_SPECIAL = tokens("HELP CHOICE MODULES TRANSITIONAL")


class _UnsupportedCharacterError(Exception):
    pass


class _UnclosedStringError(Exception):
    pass


class Parse(kconfiglib.Kconfig):  # type: ignore[misc]  # Kconfiglib ships no types
    """One parse: the tree of entries as they are written (``top_node``), and the symbols by name.

    ``grammar`` tells what the ``conf`` of the tree takes and refuses.
    """

    def __init__(
        self,
        read: Callable[[str], str | None],
        top: str,
        toolchain: Toolchain,
        grammar: Grammar,
        symbols: dict[str, Symbol] | None = None,
    ) -> None:
        self.read = read
        self.grammar = grammar
        self.strict = grammar.strict
        self.symbols: dict[str, Symbol] = {} if symbols is None else symbols
        """By name; those given stand for theirs."""
        self.constants: dict[str, Symbol] = dict(CONSTANTS)
        self.modules_symbol: Symbol | None = None
        self.limited: list[And] = []
        """Each ``m`` of a condition, to be completed to ``m && MODULES``."""
        self.transitional: dict[str, tuple[str, int]] = {}
        self.optional: set[Any] = set()
        """The choices that can be n as a whole, by their entries."""
        self.yes_for_no: set[str] = set()
        """The symbols that ``allnoconfig`` sets to y."""
        self.reverse_lines: dict[Any, list[int]] = {}
        """The lines of the ``select`` and ``imply`` statements of an entry, in their order."""
        self.reverse_order: dict[Any, list[bool]] = {}
        self.more_prompts: dict[Any, list[Any]] = {}
        self.remarks: list[tuple[str, int, str]] = []
        self.sourced: dict[str, tuple[str, int]] = {}
        """Which file sources each of the others first, and where."""
        self.assigns = False
        """Whether any variable was assigned."""
        self.unmodelled: list[Statement] = []
        self.assumed: list[Statement] = []
        self.first = 0
        """The first line of the statement being read; ``linenr`` is its last one."""
        self._readline: Callable[[], str]
        self._reuse_tokens: bool
        self._toolchain = toolchain
        self._entry: Any = None
        self._tokenized: dict[str, Any] = {}
        """The tokens of lines without macros: half of all lines are not the first of their kind."""
        self._text = ""
        self._texts: list[str] = []
        self._allowed = _NOTHING
        self._in_choice = False
        self._started = False
        self._blocks = 0
        self._nesting = 0
        self._grown: And | None = None
        self._sourced: set[str] = {top}
        self._preprocessor = Preprocessor(toolchain.environment, self._shell, self._place, self._remark)
        self.filename, self.linenr, self._line = top, 0, ""
        try:
            super().__init__(top, warn=False, warn_to_stderr=False)
        except kconfiglib.KconfigError as error:
            raise self._refused(str(error)) from None
        except RecursionError:
            raise KconfigError(self.filename, self.linenr, "too deep nesting") from None

    def _refused(self, message: str) -> KconfigError:
        match = re.match(r"\s*(?:(\S+):(\d+): )?(?:error: )?(.*)", message, re.DOTALL)
        assert match is not None
        first = match[3].strip().splitlines()
        return KconfigError(
            match[1] or self.filename, int(match[2] or self.linenr), first[0] if first else "cannot be parsed"
        )

    def dissolve(self) -> None:
        """Cut the circles of references that Kconfiglib leaves, so that its objects go at once."""
        stack = [self.top_node]
        while stack:
            node = stack.pop()
            stack += [each for each in (node.list, node.next) if each is not None]
            node.list = node.next = node.parent = None
        for symbol in self.syms.values():
            symbol.nodes = []
            symbol.kconfig = None
        for choice in self.choices:
            choice.nodes = []
            choice.kconfig = None

    # --- files

    def _open(self, filename: str, _mode: str) -> io.StringIO:
        text = self.read(filename)
        if text is None:
            raise KconfigError(filename, 0, "there is no such file")
        self._text = text
        return io.StringIO(text, newline="\n")

    def _enter_file(self, filename: str) -> None:
        if not filename.startswith(ROOT + "/"):
            self._fail(f"source of '{filename}' leaves the tree")
        path = posixpath.normpath(filename[len(ROOT) + 1 :])
        if path.startswith(("../", "/")) or path in ("..", ".") or "\0" in path:
            self._fail(f"source of '{path}' leaves the tree")
        self._include_path += ((self.filename, self.linenr),)
        if any(name == path for name, _ in self._include_path):
            self._fail(f"recursive inclusion of '{path}'")
        if path in self._sourced:
            if self.strict:
                self._fail(f"repeated inclusion of {path}")
            self._remark(f"repeated inclusion of {path}")
        self._sourced.add(path)
        self.kconfig_filenames.append(path)
        self.sourced.setdefault(path, (self.filename, self.linenr))
        if len(self._include_path) > MAX_INCLUSION or len(self.kconfig_filenames) > MAX_FILES:
            self._fail("too many inclusions")
        text = self.read(path)
        if text is None:
            self._fail(f'can\'t open file "{path}"')
        self._filestack.append((self._include_path[:-1], self._readline))
        self._texts.append(self._text)
        self._text = text
        self._readline = io.StringIO(text, newline="\n").readline
        self.filename = path
        self.linenr = 0

    def _leave_file(self) -> None:
        super()._leave_file()
        self._text = self._texts.pop()

    # --- lines and tokens

    def _next_line(self) -> bool:
        if self._reuse_tokens:
            self._reuse_tokens = False
            return True
        line = self._readline()
        if not line:
            return False
        self.linenr += 1
        self.first = self.linenr
        if line.endswith("\\\n"):
            line = self._joined(line)
        found = self._tokenized.get(line)
        if found is None:
            found = self._tokenize(line)
        self._line = line
        self._tokens = found
        self._tokens_i = 1
        keyword = found[0]
        if keyword in _PROPERTIES:
            if keyword not in self._allowed:
                self._fail("invalid statement")
            if keyword == TOKEN["VISIBLE"] and self._tokens[1] is None:
                self._tokens = (None,)
        elif keyword is not None:
            self._statement(keyword)
        if line[-1] != "\n" and keyword is not None:
            if not self._filestack:  # only the end of a sourced file ends a statement
                self._fail("no new line at end of file")
            self._remark("no new line at end of file")
        return True

    def _statement(self, keyword: int) -> None:
        """Look at a statement that is no property: where it may not stand, it is refused."""
        if self._in_choice and keyword in _NOT_IN_CHOICES:
            self._fail("invalid statement in a choice")
        if keyword == TOKEN["MAINMENU"] and self._started:
            self._fail("mainmenu must be the first statement")
        self._started = True

    def _joined(self, line: str) -> str:
        """The line and those that continue it; a comment is never continued."""
        parts = [line]
        size = 0
        while parts[-1].endswith("\\\n") and not (
            "#" in parts[-1]
            and _UNSUPPORTED.sub(lambda match: match[1] or "", parts[-1]).find("#") >= 0
            and _commented("".join(parts))
        ):
            parts[-1] = parts[-1][:-2]
            parts.append(self._readline())
            self.linenr += 1
            size += len(parts[-1])
            if size > MAX_LINE:
                self._fail("too long a line")
        return "".join(parts)

    def _tokenize(self, line: str) -> Any:
        if "$(" in line and line.lstrip().startswith("$("):
            return self._led_by_macro(line)
        if len(line) > MAX_LINE:
            self._fail("too long a line")
        if not self.grammar.plain and "option" in line and self._old(line):
            return (None,)
        try:
            tokens = super()._tokenize(line)
        except _UnclosedStringError:
            if "$" in line:
                self._fail("unclosed string")
            self._remark("multi-line strings not supported")
            return self._tokenize(_closed(line))
        except _UnsupportedCharacterError:
            cleaned = _UNSUPPORTED.sub(lambda match: match[1] or "", line)
            if cleaned == line:
                self._fail("unknown tokens in line")
            self._remark("ignoring unsupported character")
            return self._tokenize(cleaned) if cleaned.strip() else (None,)
        if tokens[0] in _SPECIAL:
            return self._special(tokens)
        if "$" not in line:
            self._tokenized[line] = tokens
        return tokens

    def _old(self, line: str) -> bool:
        """Take a property that newer kernels do not have; whether the line is one."""
        words = line.split("#", maxsplit=1)[0].split()
        item = self._entry and self._entry.item
        if words == ["optional"] and item.__class__ is kconfiglib.Choice:
            self.optional.add(self._entry)
            return True
        if not self.grammar.options or words[:1] != ["option"] or item.__class__ is not kconfiglib.Symbol:
            return False
        if words[1:] == ["modules"]:
            self.modules_symbol = self.symbols[item.name]
        elif words[1:] == ["allnoconfig_y"]:
            self.yes_for_no.add(item.name)
        elif words[1:] == ["defconfig_list"]:
            self.symbols[item.name].silent = True
        else:
            self._fail("unknown option")
        return True

    def _led_by_macro(self, line: str) -> Any:
        """The tokens of a line that begins with a macro: it spells a variable, or nothing before a statement."""
        self._line = line
        line = line.strip()
        try:
            name, position = self._preprocessor.token(line, 0)
        except ExpansionError as error:
            self._fail(str(error))
        if name:
            self._assign(name, line, position)
            return (None,)
        rest = line[position:].strip()
        return self._tokenize(rest + "\n") if rest else (None,)

    def _special(self, tokens: Any) -> Any:
        keyword = tokens[0]
        if keyword == TOKEN["HELP"]:
            if tokens[1] is not None or "-" in self._line:
                self._fail("unknown statement")
        elif keyword == TOKEN["CHOICE"]:
            if tokens[1] is not None:
                self._fail("extra tokens after 'choice'")
        else:
            item = self._entry and self._entry.item
            if tokens[1] is not None or item.__class__ is not kconfiglib.Symbol:
                self._fail("invalid statement")
            if keyword == TOKEN["TRANSITIONAL"]:
                self.transitional[item.name] = (self.filename, self.first)
            else:
                symbol = self.symbols[item.name]
                if self.modules_symbol is not None:
                    self._fail(
                        f"symbol '{item.name}' redefines option 'modules' already defined by symbol"
                        f" '{self.modules_symbol.name}'"
                    )
                self.modules_symbol = symbol
            return (None,)
        return tokens

    def _lookup_sym(self, name: str) -> Any:
        found = self.syms.get(name)
        if found is None:
            found = super()._lookup_sym(name)
            self.symbols.setdefault(name, Symbol(name))
        return found

    def own(self, item: Any) -> Symbol:
        """The symbol that one of Kconfiglib's stands for."""
        name: str = item.name
        if not item.is_constant:
            return self.symbols[name]
        if PREFIX in name and isinstance(self._toolchain, FreeToolchain):
            if name in self._toolchain.free:
                return self.symbols.setdefault(name, Symbol(name))
            name = usual(name, self._toolchain.free)
        found = self.constants.get(name)
        if found is None:
            found = self.constants[name] = Symbol(name, constant=True)
        return found

    # --- macros

    def _place(self) -> tuple[str, int]:
        return self.filename, self.linenr

    def _shell(self, command: str) -> str:
        answer = self._toolchain.answer(command)
        if not answer.known:
            found = self.assumed if answer.output else self.unmodelled
            found.append(Statement(command, *self._place()))
        return answer.output

    def _parse_assignment(self, line: str) -> None:
        line = line.strip()
        try:
            name, position = self._preprocessor.token(line, 0)
        except ExpansionError as error:
            self._fail(str(error))
        self._assign(name, line, position)

    def _assign(self, name: str, line: str, position: int) -> None:
        match = _ASSIGNMENT.match(line, position)
        if match is None or not name:
            self._fail(f'unknown statement "{name}"')
        if self._in_choice:
            self._fail("invalid statement in a choice")
        self.assigns = True
        self._allowed = _NOTHING  # an assignment ends the entry that it stands behind
        self._started = True
        try:
            self._preprocessor.assign(name, match[1], match[2])
        except ExpansionError as error:
            self._fail(str(error))

    def _expand_macro(self, text: str, position: int, _arguments: Any) -> tuple[str, int]:
        try:
            value, end = self._preprocessor.reference(text, position, ())
        except ExpansionError as error:
            self._fail(str(error))
        return text[:position] + value + text[end:], position + len(value)

    # --- entries

    def _parse_block(self, end_token: Any, parent: Any, prev: Any) -> Any:
        self._blocks += 1
        if self._blocks > MAX_BLOCKS:
            self._fail("too deep nesting of blocks")
        entry, self._entry = self._entry, None
        in_choice = self._in_choice
        self._in_choice = in_choice or end_token == TOKEN["ENDCHOICE"]
        if end_token == TOKEN["ENDIF"]:  # where that is Kconfiglib does not say
            parent.filename, parent.linenr = self.filename, self.linenr
        node = super()._parse_block(end_token, parent, prev)
        self._entry, self._in_choice = entry, in_choice
        self._blocks -= 1
        return node

    def _parse_props(self, node: Any) -> None:
        self._entry = node
        self._allowed = _ALLOWED[self._kind(node.item)]
        in_choice = self._in_choice
        self._in_choice = in_choice or node.item.__class__ is kconfiglib.Choice
        super()._parse_props(node)
        self._entry, self._in_choice = None, in_choice
        self._allowed = _NOTHING

    def _kind(self, item: Any) -> str:
        if item.__class__ is kconfiglib.Symbol:
            return "config"
        if item.__class__ is kconfiglib.Choice:
            return "choice" if self.strict else "config"
        return "menu" if item == kconfiglib.MENU else "comment"

    def _expect_nonconst_sym(self) -> Any:
        self.reverse_lines.setdefault(self._entry, []).append(self.first)
        self.reverse_order.setdefault(self._entry, []).append(self._tokens[0] == TOKEN["IMPLY"])
        return super()._expect_nonconst_sym()

    def _set_type(self, item: Any, new: Any) -> None:
        if not item.orig_type:
            item.orig_type = new
        elif item.orig_type is not new:
            self._remark(f"ignoring type redefinition of '{item.name or '<choice>'}'")

    def _parse_prompt(self, node: Any) -> None:
        if node.prompt:
            self._remark("prompt redefined")
            self.more_prompts.setdefault(node, []).append(node.prompt)
        prompt = self._tokens[1]
        self._tokens_i = 2
        if prompt.__class__ is not str:
            self._fail("a prompt must be a string")
        node.prompt = (prompt.strip(), self._parse_cond())

    def _parse_help(self, node: Any) -> None:
        if self.strict and node.help is not None:
            self._fail("more than one help text")
        lines: Any = self._readline.__self__  # type: ignore[attr-defined]  # the StringIO that it is bound to
        position = lines.tell()
        if blank(self._text, position):
            if self.strict:
                self._fail("blank help text")
            self._remark("blank help text")
        after = after_help(self._text, position)
        lines.seek(after)
        self.linenr += self._text.count("\n", position, after)
        node.help = ""

    def _parse_cond(self) -> Any:
        condition = self._parse_expr(True) if self._check_token(_IF) else self.y
        if self._tokens[self._tokens_i] is not None:
            self._trailing_tokens_error()
        return condition

    def _expect_expr_and_eol(self) -> Expr:
        expr = self._parse_expr(True)
        if self._tokens[0] == TOKEN["DEPENDS"] and self._check_token(_IF):
            # menu_add_dep(): X if Y is X || (Y = n), distributed over Y; not X || !Y, which is m for m.
            expr = any_of((expr, compare_no(self._parse_expr(False))))
        if self._tokens[self._tokens_i] is not None:
            self._trailing_tokens_error()
        return expr

    # --- expressions

    def _make_and(self, left: Any, right: Any) -> Any:
        if left is self.y:
            return right
        if right is self.y:
            return left
        if (
            self._grown is not None and left is self._grown
        ):  # many lines of "depends on" make one wide expression, not a deep one
            left.operands += (right,)
            return left
        self._grown = And((left, right))
        return self._grown

    def _parse_expr(self, transform_m: bool) -> Expr:
        found = [self._parse_and_expr(transform_m)]
        while self._check_token(_OR):
            found.append(self._parse_and_expr(transform_m))
        if len(found) == 1:
            return found[0]
        # Only conditions have their constants eliminated, not default values.
        return any_of(tuple(found)) if transform_m else Or(tuple(found))

    def _parse_and_expr(self, transform_m: bool) -> Expr:
        found = [self._parse_factor(transform_m)]
        while self._check_token(_AND):
            found.append(self._parse_factor(transform_m))
        if len(found) == 1:
            return found[0]
        return every(tuple(found)) if transform_m else And(tuple(found))

    def _parse_factor(self, transform_m: bool) -> Expr:
        token = self._tokens[self._tokens_i]
        self._tokens_i += 1
        if token.__class__ is kconfiglib.Symbol:
            left = self.own(token)
            operator = OPERATORS.get(self._tokens[self._tokens_i])
            if operator is None:
                if transform_m and left is MOD:
                    limited = And((MOD, MOD))
                    self.limited.append(limited)
                    return limited
                return left
            self._tokens_i += 1
            return Relation(operator, left, self.own(self._expect_sym()))
        self._nesting += 1
        if self._nesting > MAX_DEPTH:
            self._fail("too deep nesting of an expression")
        if token == _NOT:
            operand = self._parse_factor(transform_m)
            expr: Expr = _NEGATED.get(operand) or Not(operand) if transform_m else Not(operand)
        elif token == _OPEN:
            expr = self._parse_expr(transform_m)
            if not self._check_token(_CLOSE):
                self._fail("malformed expression")
        else:
            self._fail("malformed expression")
        self._nesting -= 1
        return expr

    # --- what is done here otherwise, and better (menu.py, order.py)

    def _finalize_node(self, _node: Any, _visible_if: Any) -> None:
        pass

    def _check_sym_sanity(self) -> None:
        pass

    def _check_choice_sanity(self) -> None:
        pass

    def _build_dep(self) -> None:
        pass

    def _add_choice_deps(self) -> None:
        pass

    # --- complaints

    def _warn(self, message: str, *_place: object) -> None:
        if message.startswith("style: quotes recommended"):
            self._fail("a quoted string is missing")

    def _remark(self, message: str) -> None:
        self.remarks.append((self.filename, self.linenr, message))

    def _parse_error(self, message: str) -> NoReturn:
        if message == "unterminated string":
            raise _UnclosedStringError
        if message.startswith("unknown token"):
            raise _UnsupportedCharacterError
        self._fail(message)

    def _fail(self, message: str) -> NoReturn:
        raise KconfigError(self.filename, self.first or self.linenr, message)


def _commented(line: str) -> bool:
    """Whether a line ends within a comment."""
    return any((match[1] or "").startswith("#") for match in _UNSUPPORTED.finditer(line))


def _closed(line: str) -> str:
    """A line with the string that it leaves open closed at its end."""
    quote = ""
    for match in re.finditer(r"\\.|[\"']", line):
        if match[0] in "\"'" and quote in ("", match[0]):
            quote = "" if quote else match[0]
    return line.rstrip("\n") + (quote or '"') + "\n"
