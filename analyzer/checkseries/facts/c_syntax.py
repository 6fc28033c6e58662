"""The second opinion on a call: tree-sitter's grammar of C, asked about one function at a time.

The only module that knows tree-sitter. A single function is parsed, not its file: what the grammar cannot
read elsewhere (attributes, macros without semicolons) cannot disturb it, and a file is only paid for where
something is found. Trees are dropped at once; only offsets leave this module.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

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


# --- what decides whether a place of a function is reached


@dataclass(frozen=True, slots=True)
class Way:
    """What must have come out before one place of a function is evaluated."""

    guards: tuple[tuple[int, int, bool], ...]
    """The spans of the conditions around and before it, and whether each must have come out true."""
    within: tuple[str, ...]
    """The names of what is called with it among the arguments, the innermost first."""


_LEAVING = frozenset(("return_statement", "goto_statement", "break_statement", "continue_statement"))
_LOOPS = frozenset(("while_statement", "for_statement"))
_HIGHEST = 400  # nodes from a name up to its function


def ways(text: str, offsets: Iterable[int]) -> Mapping[int, Way]:
    """The way to each offset of a function, as far as the grammar reads what is around it.

    ``text`` is blanked code, latin-1, of one function.
    """
    if len(text) > _LARGEST:
        return MappingProxyType({})
    root = _parser().parse(text.encode("latin-1")).root_node
    found = {offset: _way(root, text, offset) for offset in offsets}
    return MappingProxyType({offset: way for offset, way in found.items() if way is not None})


def _way(root: tree_sitter.Node, text: str, offset: int) -> Way | None:
    node = root.descendant_for_byte_range(offset, offset + 1)
    if node is None or node.start_byte != offset:
        return None
    guards: list[tuple[int, int, bool]] = []
    within: list[str] = []
    for _ in range(_HIGHEST):
        parent = node.parent
        if parent is None:
            return Way(tuple(guards), tuple(within))
        if parent.type == "ERROR":
            return None
        guards += _guards(parent, node)
        if parent.type == "call_expression" and node.type == "argument_list":
            function = parent.child_by_field_name("function")
            within.append(text[function.start_byte : function.end_byte] if function is not None else "")
        elif parent.type in ("sizeof_expression", "offsetof_expression"):
            within.append("sizeof")
        node = parent
    return None


def _guards(parent: tree_sitter.Node, node: tree_sitter.Node) -> Iterator[tuple[int, int, bool]]:
    """The conditions that stand between a node and its parent's being evaluated."""
    condition = parent.child_by_field_name("condition")
    kind = parent.type
    if kind in ("if_statement", "conditional_expression") and condition is not None and node != condition:
        yield condition.start_byte, condition.end_byte, node == parent.child_by_field_name("consequence")
    elif kind in _LOOPS and condition is not None and node == parent.child_by_field_name("body"):
        yield condition.start_byte, condition.end_byte, True
    elif kind == "binary_expression" and node == parent.child_by_field_name("right"):
        operator = parent.child_by_field_name("operator")
        left = parent.child_by_field_name("left")
        if operator is not None and left is not None and operator.type in ("&&", "||"):
            yield left.start_byte, left.end_byte, operator.type == "&&"
    elif kind in ("compound_statement", "case_statement", "labeled_statement"):
        for each in parent.named_children:
            if each.start_byte >= node.start_byte:
                break
            if each.type == "if_statement" and _leaves(each.child_by_field_name("consequence")):
                passed = each.child_by_field_name("condition")
                if passed is not None:
                    yield passed.start_byte, passed.end_byte, False


def _leaves(node: tree_sitter.Node | None) -> bool:
    """Whether a statement goes elsewhere at its end."""
    for _ in range(_CLIMB):
        if node is None or node.type != "compound_statement":
            break
        node = node.named_children[-1] if node.named_children else None
    return node is not None and node.type in _LEAVING
