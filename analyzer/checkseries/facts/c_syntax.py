"""The second opinion on a call: tree-sitter's grammar of C, asked about one function at a time.

The only module that knows tree-sitter. A single function is parsed, not its file: what the grammar cannot
read elsewhere (attributes, macros without semicolons) cannot disturb it, and a file is only paid for where
something is found. Trees are dropped at once; only offsets leave this module.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable

import tree_sitter
import tree_sitter_c

_LARGEST = 200_000  # bytes of one function
_CLIMB = 64  # nodes from a name up to its call


@functools.lru_cache(maxsize=1)
def _parser() -> tree_sitter.Parser:
    return tree_sitter.Parser(tree_sitter.Language(tree_sitter_c.language()))


def called(text: str, offsets: Iterable[int]) -> frozenset[int]:
    """Those of the offsets at which the grammar, too, sees the name of a called function.

    ``text`` is blanked code, latin-1, of one function or one macro's body; no offset is confirmed in what is
    larger than 200 kB.
    """
    if len(text) > _LARGEST:
        return frozenset()
    root = _parser().parse(text.encode("latin-1")).root_node
    return frozenset(offset for offset in offsets if _is_called(root, offset))


def _is_called(root: tree_sitter.Node, offset: int) -> bool:
    node = root.descendant_for_byte_range(offset, offset + 1)
    if node is None or node.type != "identifier" or node.start_byte != offset:
        return False
    parent = node.parent
    for _ in range(_CLIMB):
        if parent is None or parent.type != "parenthesized_expression":
            break
        parent = parent.parent
    if parent is None or parent.type != "call_expression":
        return False
    function = parent.child_by_field_name("function")
    return function is not None and function.start_byte <= offset < function.end_byte
