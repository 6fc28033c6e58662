"""Whether anything that a file is read with may give a name a meaning at file scope.

Told by where the name stands, without knowing what any macro becomes: a declarator, an enumerator, a macro, an
argument of a macro at file scope, or a declaration within a macro's body. Members, parameters and what stands in a
function's body give nothing to others. Where that is not clear, the name counts as given.
"""

from __future__ import annotations

import re

from checkseries.facts.c_include import Closure, closure
from checkseries.facts.c_outline import Outline, outline_of
from checkseries.facts.c_text import Code, Macro, code
from checkseries.facts.c_words import STATEMENT, TAGGED
from checkseries.tree import Snapshot, fact
from checkseries.tree.base import holds_word

_LARGEST = 1 << 20  # bytes of a header that is looked into; register headers are larger, and give most names
_BEFORE = re.compile(r"([A-Za-z_]\w*|\S)\s*\Z", re.ASCII)
_ENUM = re.compile(r"\benum\b[^{}();=]*\Z", re.ASCII)
_CALLED = re.compile(r"\s*(?:(?:static|extern|inline|const)\s+)*[A-Za-z_]\w*\s*\Z", re.ASCII)


@fact
def read_with(tree: Snapshot, path: str) -> Closure:
    """The file and all that it may include."""
    return closure(tree, (path,))


@fact
def given(tree: Snapshot, path: str, name: str) -> str:
    """A file of those that a file is read with, itself first, that may give a name at file scope; "" if none."""
    for each in read_with(tree, path).paths:
        data = tree.read(each)
        if data is not None and holds_word(data, name) and gives(data, name):
            return each
    return ""


def gives(data: bytes, name: str) -> bool:
    """Whether a file may give a name a meaning at file scope."""
    if len(data) > _LARGEST or re.search(rb"#[ \t]*define[ \t]+" + name.encode() + rb"(?![\w$])", data):
        return True
    source = code(data)
    outline = outline_of(data)
    word = re.compile(rf"(?<![\w$]){re.escape(name)}(?![\w$])", re.ASCII)
    return any(_gives(source, outline, name, match.start()) for match in word.finditer(source.text))


def _gives(source: Code, outline: Outline, name: str, at: int) -> bool:
    if source.directive_at(at) is not None:
        macro = source.macro_at(at)
        return macro is not None and name not in (macro.parameters or ()) and _declares(source, macro, at)
    before = _BEFORE.search(source.plain, max(0, at - 400), at)
    if before is not None and before[1] in (".", ">", *TAGGED):
        return False
    chunk = outline.chunk(at)
    if chunk is None or not chunk.sure:
        return True
    if chunk.body is not None and at > chunk.body[0]:
        return False
    brackets: list[int] = []
    for match in re.finditer(r"[(){}\[\]]", source.plain[chunk.start : at]):
        if match[0] in "({[":
            brackets.append(chunk.start + match.start())
        elif brackets:
            brackets.pop()
    if not brackets:
        return True
    first = brackets[0]
    if source.plain[first] == "(":
        return _CALLED.fullmatch(source.plain, chunk.start, first) is not None
    return any(
        source.plain[each] == "{" and _ENUM.search(source.plain, chunk.start, each) is not None
        for each in brackets
    )


def _declares(source: Code, macro: Macro, at: int) -> bool:
    """Whether a word in a macro's body reads as a declarator, or is pasted."""
    before = _BEFORE.search(source.text, macro.body, at)
    if before is None:
        return False
    return before[1] in ("*", "#", "\\", ",") or (
        (before[1][0].isalpha() or before[1][0] == "_") and before[1] not in STATEMENT | TAGGED
    )


def may_be_macro(tree: Snapshot, path: str, name: str) -> bool:
    """Whether a name that a file calls is a macro, or what else it is cannot be seen."""
    if not name.islower() or name.startswith("__"):
        return True
    define = re.compile(rb"#[ \t]*define[ \t]+" + name.encode() + rb"(?![\w$])")
    seen = read_with(tree, path)
    for each in seen.paths:
        data = tree.read(each)
        if data is not None and name.encode() in data and define.search(data):
            return True
    return not seen.whole
