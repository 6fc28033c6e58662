"""A parsed Kconfig tree after a change of single entries: what the rest of it said stays.

A series changes an entry or two of nearly two thousand files, and may add one. Those are parsed again where they
stand, between the blocks that the first parse found around them; whatever is no plain change of entries or a new
block of them is left to a parse of the whole.
"""

from __future__ import annotations

import difflib
import re
from bisect import bisect_right, insort
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields

from checkseries.facts.kconfig.dialect import MAX_BLOCKS, MAX_INCLUSION, Parse
from checkseries.facts.kconfig.expression import leaves
from checkseries.facts.kconfig.lexical import statements
from checkseries.facts.kconfig.menu import Walk
from checkseries.facts.kconfig.order import settled
from checkseries.facts.kconfig.symbol import (
    Block,
    Choice,
    Expr,
    KconfigError,
    Reverse,
    Statement,
    Symbol,
    Tree,
    Type,
)
from checkseries.facts.kconfig.toolchain import Toolchain

_BEGIN = re.compile(
    r"[ \t]*(?:(?P<word>config|menuconfig|choice|endchoice|menu|endmenu|if|endif|source|comment|mainmenu)"
    r"(?![A-Za-z0-9_-])|(?P<other>\$|[A-Za-z0-9_-]+[ \t]*(?::=|\+=|=)))"
)
_PLAIN = frozenset({"", "config", "menuconfig", "comment"})
"""Entries that may change; before the first one there is nothing but comments."""
_NEW = _PLAIN | {"source", "if", "endif", "menu", "endmenu", "choice", "endchoice"}
"""Those that may be new; a parse of them alone tells whether each block ends."""
_OPENS = {"menu": "endmenu", "if": "endif", "choice": "endchoice"}
_CLOSES = frozenset(_OPENS.values())
_UNSURE = re.compile(r"#.*\\$|[\f\v\r\0]|lineno", re.MULTILINE)
"""A comment that seems to be continued, blanks of another kind, and what speaks of where it stands."""
_STATEFUL = re.compile(r"\$\(|^[ \t]*(?:modules|optional|option)\b", re.MULTILINE)
"""What speaks of more than its own entry."""
_MOST = 250_000  # pairs of entries that are compared
_DEEPEST = 20  # blocks around an entry: how many there may be the whole parse counts


class _Elsewhere(Exception):  # noqa: N818 - no error: the way out of what is not a plain change
    """What only a parse of the whole can tell."""


@dataclass(frozen=True, slots=True)
class _Entry:
    kind: str
    """The keyword that it begins with; "" for what stands before the first, "other" for an assignment or macro."""
    text: str
    first: int
    last: int
    """Lines from 1: of its first and the one that ends its first statement."""

    @property
    def said(self) -> str:
        """The text without the empty lines behind it."""
        return self.text.rstrip("\n")


@dataclass(frozen=True, slots=True)
class _Region:
    """Lines of a file that are parsed again."""

    path: str
    old: range
    """Its lines before."""
    was: str
    first: int
    """Its first line now."""
    text: str
    block: Block


@dataclass(frozen=True, slots=True)
class _Shift:
    """By how much the lines of a file move, from which line on."""

    starts: list[int]
    by: list[int]

    def __call__(self, line: int) -> int:
        return line + self.by[bisect_right(self.starts, line) - 1] if line else line


class _Shifts(dict[str, _Shift]):
    """How the lines of each changed file move."""

    def line(self, path: str, line: int) -> int:
        """Where a line of any file is now."""
        return self[path](line) if path in self else line


@dataclass(frozen=True, slots=True)
class _Found:
    """What the new entries say."""

    symbols: list[Symbol]
    choices: list[Choice]
    files: list[str]
    blocks: dict[tuple[str, int], Block]
    sourced: dict[str, tuple[str, int]]


def spliced(
    tree: Tree,
    files: Mapping[str, tuple[str, str]],
    read: Callable[[str], str | None],
    toolchain: Toolchain,
) -> Tree | None:
    """The tree once some files hold something else; None where it takes a parse of the whole.

    ``files`` are the texts before and now by path, ``read`` gives those of files that are new to it. The tree is
    used up: nobody else may have it.
    """
    try:
        return _spliced(tree, files, read, toolchain)
    except (_Elsewhere, KconfigError):  # what is wrong with it the whole parse says
        return None


def _spliced(
    tree: Tree,
    files: Mapping[str, tuple[str, str]],
    read: Callable[[str], str | None],
    toolchain: Toolchain,
) -> Tree:
    regions: list[_Region] = []
    shifts = _Shifts()
    for path, (before, now) in files.items():
        some, shifts[path] = _changes(tree, path, before, now)
        regions += some
    gone = {path: [each.old for each in regions if each.path == path] for path in files}
    told = [(symbol.name, place) for symbol in tree.order for place in symbol.places if place[0] in files]
    for region in regions:
        _agree(tree, region, told, toolchain)
    cleared = _clear(tree, gone)
    _shift(tree, shifts)
    known = set(tree.files)
    new = [_parse(tree, region, read, known, toolchain) for region in regions]
    cleared += [symbol for each in new for symbol in each.symbols]
    sourced = {path: (by, shifts.line(by, line)) for path, (by, line) in tree.sourced.items()}
    for found in new:
        sourced |= found.sourced
    for symbol in cleared:
        if len(symbol.places) > 1:
            raise _Elsewhere
        for each in symbol.selects:
            statements_ = each.target.implied if each.implied else each.target.selected
            statements_.remove(each)
            insort(statements_, each, key=lambda each: _position(sourced, each.path, each.line))
    _forget_unmentioned(tree, regions)
    # What a select makes its target need counts as the target's.
    changed = [*cleared, *(each.target for symbol in cleared for each in symbol.selects)]
    choices = [*tree.choices, *(choice for each in new for choice in each.choices)]
    paths = [*tree.files, *(path for each in new for path in each.files)]

    def kept(some: Iterable[Statement]) -> tuple[Statement, ...]:
        return tuple(
            Statement(each.command, each.path, shifts.line(each.path, each.line))
            for each in some
            if not _within(gone, each.path, each.line)
        )

    values = {each.name: getattr(tree, each.name) for each in fields(tree)}
    return Tree(
        **values
        | {
            "choices": tuple(sorted(choices, key=lambda each: _position(sourced, each.path, each.line))),
            "files": tuple(sorted(paths, key=lambda path: _position(sourced, path, 0))),
            "order": _order(tree, dict.fromkeys(changed)),
            "sourced": sourced,
            "unmodelled": kept(tree.unmodelled),
            "assumed": kept(tree.assumed),
            "blocks": {(path, shifts.line(path, line)): block for (path, line), block in tree.blocks.items()}
            | {at: block for each in new for at, block in each.blocks.items()},
        }
    )


# --- what has changed --------------------------------------------------------------------------------------


def _changes(tree: Tree, path: str, before: str, now: str) -> tuple[list[_Region], _Shift]:
    """The regions of a file that are parsed again, and how the rest of it moves."""
    if any(_UNSURE.search(each) or not each.endswith("\n") for each in (before, now)):
        raise _Elsewhere
    if tree.files.count(path) > 1 or any(warned == path for warned, _, _ in tree.warnings):
        raise _Elsewhere
    old, new = _entries(before), _entries(now)
    open_at = _nesting(old)
    if any(each.kind == "mainmenu" for each in (*old, *new)) or not _read_alike(tree, path, old, open_at):
        raise _Elsewhere
    regions, starts, by = [], [0], [0]
    for same, first, last, start, stop in _compared([each.said for each in old], [each.said for each in new]):
        removed, added = old[first:last], new[start:stop]
        if same:
            for one, other in zip(removed, added, strict=True):
                if other.first - one.first != by[-1]:
                    starts.append(one.first)
                    by.append(other.first - one.first)
            continue
        text = "".join(each.text for each in added)
        if any(each.kind not in _NEW for each in added) or _STATEFUL.search(text):
            raise _Elsewhere
        if any(each.kind not in _PLAIN or _STATEFUL.search(each.text) for each in removed):
            raise _Elsewhere
        lines = range(_line(old, first, before), _line(old, last, before))
        was = "".join(each.text for each in removed)
        block = _around(tree, path, open_at[first])
        regions.append(_Region(path, lines, was, _line(new, start, now), text, block))
    return regions, _Shift(starts, by)


def _compared(old: list[str], new: list[str]) -> Iterator[tuple[bool, int, int, int, int]]:
    """Whether parts of two lists are the same: from and to which item of the one, and of the other."""
    begin = _common(old, new)
    tail = _common(old[begin:][::-1], new[begin:][::-1])
    one, other = old[begin : len(old) - tail], new[begin : len(new) - tail]
    if len(one) * len(other) > _MOST:
        raise _Elsewhere
    yield True, 0, begin, 0, begin
    for tag, *places in difflib.SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        first, last, start, stop = places
        yield tag == "equal", begin + first, begin + last, begin + start, begin + stop
    yield True, len(old) - tail, len(old), len(new) - tail, len(new)


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    """How many items two lists begin with alike."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (left, right) in pairs if left != right), min(len(one), len(other)))


def _nesting(entries: Sequence[_Entry]) -> list[tuple[_Entry, ...]]:
    """The blocks that are open before each entry, and behind the last; raises where they do not match."""
    found: list[tuple[_Entry, ...]] = [()]
    for entry in entries:
        open_ = found[-1]
        if entry.kind in _OPENS:
            open_ = (*open_, entry)
        elif entry.kind in _CLOSES:
            if not open_ or _OPENS[open_[-1].kind] != entry.kind:
                raise _Elsewhere
            open_ = open_[:-1]
        if len(open_) > MAX_BLOCKS:
            raise _Elsewhere
        found.append(open_)
    if found[-1]:
        raise _Elsewhere
    return found


def _read_alike(
    tree: Tree, path: str, entries: Sequence[_Entry], open_at: Sequence[tuple[_Entry, ...]]
) -> bool:
    """Whether the blocks of a file begin where the parse found them."""
    begun = {
        entry.last
        for entry, open_ in zip(entries, open_at, strict=False)
        if entry.kind in ("if", "menu") and all(each.kind != "choice" for each in open_)
    }
    return begun == {line for of, line in tree.blocks if of == path and line}


def _line(entries: Sequence[_Entry], index: int, text: str) -> int:
    """The first line of an entry, or the one behind the end."""
    return entries[index].first if index < len(entries) else text.count("\n") + 1


def _around(tree: Tree, path: str, open_: Sequence[_Entry]) -> Block:
    """What the open blocks of a file ask for, with those around its source statement."""
    if any(entry.kind == "choice" for entry in open_) or len(open_) > _DEEPEST:
        raise _Elsewhere
    found = tree.blocks.get((path, open_[-1].last if open_ else 0))
    if found is None:
        raise _Elsewhere
    return found


def _entries(text: str) -> list[_Entry]:
    """All of a file, cut where an entry or the statement of a block begins."""
    lines = text.split("\n")[:-1]
    begun = [("", 1, 0)]
    for statement in statements(text):
        number, first = statement[0]
        match = _BEGIN.match(first)
        if match:
            begun.append((match["word"] or "other", number, statement[-1][0]))
    ends = [*(number for _, number, _ in begun[1:]), len(lines) + 1]
    return [
        _Entry(kind, "".join(f"{line}\n" for line in lines[number - 1 : end - 1]), number, last)
        for (kind, number, last), end in zip(begun, ends, strict=True)
    ]


# --- what goes, what moves, what comes ---------------------------------------------------------------------


def _within(gone: Mapping[str, Sequence[range]], path: str, line: int) -> bool:
    return any(line in lines for lines in gone.get(path, ()))


def _clear(tree: Tree, gone: Mapping[str, Sequence[range]]) -> list[Symbol]:
    """Take away all that the entries of some lines said of their symbols; returns these."""
    found = [
        symbol for symbol in tree.order if any(_within(gone, path, line) for path, line in symbol.places)
    ]
    for symbol in found:
        if len(symbol.places) > 1 or symbol.choice is not None or symbol.whole or symbol is tree.modules:
            raise _Elsewhere
        for each in symbol.selects:
            (each.target.implied if each.implied else each.target.selected).remove(each)
        symbol.type = Type.UNKNOWN
        symbol.transitional = symbol.silent = False
        for some in (
            symbol.places,
            symbol.prompts,
            symbol.defaults,
            symbol.ranges,
            symbol.selects,
            symbol.direct,
        ):
            some.clear()
    return found


def _shift(tree: Tree, shifts: _Shifts) -> None:
    """Move the lines that entries, selects and choices stand at."""

    def moved(each: Choice | Reverse) -> None:
        each.line = shifts.line(each.path, each.line)

    for symbol in tree.order:
        if any(path in shifts for path, _ in symbol.places):
            symbol.places = [(path, shifts.line(path, line)) for path, line in symbol.places]
            for each in symbol.selects:
                moved(each)
            if symbol.whole:
                for each in symbol.selected:
                    moved(each)
    for choice in tree.choices:
        moved(choice)


def _parse(
    tree: Tree,
    region: _Region,
    read: Callable[[str], str | None],
    known: set[str],
    toolchain: Toolchain,
) -> _Found:
    """Parse the lines of a region where they stand, with the files that they source; these become known."""
    text = "\n" * (region.first - 1) + region.text

    def reading(path: str) -> str | None:
        if path == region.path:
            return text
        found = None if path in known else read(path)
        if found is None or _STATEFUL.search(found):
            raise _Elsewhere
        known.add(path)
        return found

    parse = Parse(reading, region.path, toolchain, tree.grammar, tree.symbols)
    if (
        parse.remarks
        or parse.assigns
        or parse.modules_symbol is not None
        or parse.yes_for_no
        or parse.optional
    ):
        raise _Elsewhere
    walk = Walk(parse)
    walk.block(parse.top_node.list, *region.block, None)
    if walk.choices and not tree.grammar.plain:  # they are symbols, numbered throughout
        raise _Elsewhere
    walk.transitional()
    walk.members()
    for limited in parse.limited:
        limited.operands = (limited.operands[0], tree.modules)
    symbols = [parse.symbols[each.name] for each in parse.defined_syms]
    parse.dissolve()
    blocks = {at: block for at, block in walk.blocks.items() if at != (region.path, 0)}
    return _Found(symbols, walk.choices, parse.kconfig_filenames[1:], blocks, parse.sourced)


def _agree(
    tree: Tree, region: _Region, told: Iterable[tuple[str, tuple[str, int]]], toolchain: Toolchain
) -> None:
    """Look whether a region alone is read as the whole parse told of its entries; raises where it is not."""
    text = "\n" * (region.old.start - 1) + region.was
    parse = Parse({region.path: text}.get, region.path, toolchain, tree.grammar)
    alone = []
    node = parse.top_node.list
    while node is not None:
        if node.item.__class__ is not int:  # a comment
            alone.append((node.item.name, (region.path, node.linenr)))
        node = node.next
    parse.dissolve()
    whole = [each for each in told if each[1][0] == region.path and each[1][1] in region.old]
    if parse.remarks or parse.assigns or sorted(alone) != sorted(whole):
        raise _Elsewhere


def _position(sourced: Mapping[str, tuple[str, int]], path: str, line: int) -> tuple[int, ...]:
    """What orders lines as they are read: that of the top file, of what it sources there, and so on down."""
    found = [line]
    while path in sourced and len(found) <= MAX_INCLUSION:
        path, at = sourced[path]
        found.append(at)
    return tuple(reversed(found))


def _forget_unmentioned(tree: Tree, regions: Sequence[_Region]) -> None:
    """Drop the names that nothing defines and nothing mentions any more."""
    words = {word for region in regions for word in re.findall(r"[A-Za-z0-9_-]+", region.was)}
    doubtful = {
        symbol
        for word in words
        if (symbol := tree.symbols.get(word)) is not None and not symbol.places and symbol is not tree.modules
    }
    if not doubtful:
        return
    seen: set[int] = set()
    for expr in _expressions(tree):
        if id(expr) not in seen:
            seen.add(id(expr))
            doubtful.difference_update(leaves(expr))
            if not doubtful:
                return
    for symbol in doubtful:
        if not symbol.selected and not symbol.implied:
            del tree.symbols[symbol.name]


def _expressions(tree: Tree) -> Iterator[Expr]:
    """All that is written anywhere; what it hangs on is told as often as it is asked for."""
    for symbol in tree.symbols.values():
        yield from symbol.direct
        yield from (each.when for each in symbol.prompts if each.when is not None)
        for default in symbol.defaults:
            yield default.value
            if default.when is not None:
                yield default.when
        for bounds in symbol.ranges:
            yield bounds.low
            yield bounds.high
            if bounds.when is not None:
                yield bounds.when
        yield from (each.when for each in symbol.selects if each.when is not None)
    for choice in tree.choices:
        yield from (each.when for each in choice.prompts if each.when is not None)
        for symbol, when in choice.defaults:
            yield symbol
            if when is not None:
                yield when
        if choice.dep is not None:
            yield choice.dep
    yield from (expr for block in tree.blocks.values() for expr in block if expr is not None)


def _order(tree: Tree, changed: Iterable[Symbol]) -> tuple[Symbol, ...]:
    """The defined symbols, each after its needs: first the new ones with all that they need, then the others as ever."""
    first = settled(changed)
    done = set(first)
    return (*first, *(symbol for symbol in tree.order if symbol.places and symbol not in done))
