"""Whether anything that a file is read with may give a name a meaning at file scope.

Told by where the name stands, without knowing what any macro becomes: a declarator, an enumerator, a macro, an
argument of a macro at file scope, or any word of a macro's body. Members, parameters and what stands in a
function's body give nothing to others. Where that is not clear, the name counts as given.
"""

from __future__ import annotations

import re

from checkseries.facts.c_decl import kernel_source
from checkseries.facts.c_include import Closure, closure, included
from checkseries.facts.c_outline import Outline, outline_of
from checkseries.facts.c_paste import Pasting, pasting
from checkseries.facts.c_text import Code, code
from checkseries.facts.c_words import TAGGED
from checkseries.facts.generated import may_bring_anywhere
from checkseries.facts.include import includers
from checkseries.facts.kconfig.lexical import definitions
from checkseries.facts.presence import kconfig, never, options, presence_of
from checkseries.model import Place
from checkseries.tree import Kept, Snapshot, fact
from checkseries.tree.base import holds_word

_LARGEST = 1 << 20  # bytes of a header that is looked into; register headers are larger, and give most names
_DEFINE = re.compile(rb"#[ \t]*define[ \t]+([A-Za-z_]\w*)")
_NO_MAKERS = ("Documentation/", "tools/", "samples/")
_BEFORE = re.compile(r"([A-Za-z_]\w*|->|\S)\s*\Z", re.ASCII)
_ENUM = re.compile(r"\benum\b[^{}();=]*\Z", re.ASCII)
_TYPEDEF = re.compile(r"\btypedef\b", re.ASCII)
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
        return macro is not None and name not in (macro.parameters or ()) and not _member(source, at)
    if _member(source, at):
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
        if _TYPEDEF.search(source.plain, chunk.start, first) or not source.plain[first + 1 : at].strip(
            "* \t\n"
        ):
            return True  # ``typedef int (name)(...)``, ``int (*name)(...)``
        return _CALLED.fullmatch(source.plain, chunk.start, first) is not None
    return any(
        source.plain[each] == "{" and _ENUM.search(source.plain, chunk.start, each) is not None
        for each in brackets
    )


def _member(source: Code, at: int) -> bool:
    """Whether a word is a member's or a tag."""
    before = _BEFORE.search(source.text, max(0, at - 400), at)
    return before is not None and before[1] in (".", "->", *TAGGED)


def may_be_macro(tree: Snapshot, path: str, name: str) -> bool:
    """Whether a name that a file calls is a macro, or what else it is cannot be seen."""
    return not name.islower() or name.startswith("__") or macro_for(tree, path, name)


def macro_for(tree: Snapshot, path: str, name: str) -> bool:
    """Whether a file is read with a macro of that name, or may be."""
    return name.encode() in macros_for(tree, path) or not read_with(tree, path).whole


@fact
def macros_for(tree: Snapshot, path: str) -> frozenset[bytes]:
    """The macros that a file is read with, as far as names tell."""
    return frozenset[bytes]().union(*(macros_in(tree, each) for each in read_with(tree, path).paths))


@fact(kept=Kept())
def macros_in(tree: Snapshot, path: str) -> frozenset[bytes]:
    """The names that a file defines as macros, in comments too."""
    return frozenset(_DEFINE.findall(tree.read(path) or b""))


def doubted(tree: Snapshot, where: Place, name: str) -> str:
    """Why a name that nothing seen gives may be declared after all, or its use be no code; or nothing."""
    doubt = dormant(tree, where) or unread(tree, where.path, name)
    others = includers(tree, where.path) if where.path.endswith(".c") and not doubt else ()
    return f"{others[0]} includes the file, and may declare {name}" if others else doubt


def dormant(tree: Snapshot, where: Place) -> str:
    """Why a line may never be compiled, or nothing."""
    condition = presence_of(tree.read(where.path) or b"").at(where.line)
    if never(condition) or kconfig(condition) is None:
        return "whether this is built is not known"
    if any(option not in definitions(tree) for option in options(condition)):
        return "it is below an option that nothing defines"
    return ""


def unread(tree: Snapshot, path: str, name: str) -> str:
    """Why what a file is read with may declare a name that nothing seen gives, or nothing."""
    for each in (path, *(answer for _, answers in included(tree, path) for answer in answers)):
        for missing in (one for one, answers in included(tree, each) if not answers):
            if may_bring_anywhere(tree, missing, name):
                return f"{missing} is not in the tree, and may declare {name}"
    return f"a macro may put {name} together" if may_be_pasted(tree, path, name) else ""


def may_be_pasted(tree: Snapshot, path: str, name: str) -> bool:
    """Whether a macro that a file is read with may put a name together, as far as all is seen."""
    return not read_with(tree, path).whole or _pasted(tree, path).may_give(name)


@fact
def _pasted(tree: Snapshot, path: str) -> Pasting:
    return pasting(tree, read_with(tree, path).paths)


def made(tree: Snapshot, name: str) -> str:
    """Why the build may make a header that declares a name: a file that is no C holds it; or nothing."""
    found = (path for path in tree.grep(name) if not kernel_source(path) and not path.startswith(_NO_MAKERS))
    return next((f"{path} may make a file that declares {name}" for path in found), "")
