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


# --- divisions, and what they divide


@dataclass(frozen=True, slots=True)
class Term:
    """An expression as the grammar reads it."""

    kind: str
    """``number``, ``name``, ``member``, ``index``, ``call``, ``cast``, ``unary``, ``binary``, ``choice``, ``other``."""
    text: str
    """The number or name, the member's name, the callee, the type of a cast, the operator."""
    at: int
    """Where that stands."""
    of: tuple[Term, ...] = ()
    """The operands; of a member what it is a member of, of a cast what is cast."""


@dataclass(frozen=True, slots=True)
class Quotient:
    """A division or a remainder: ``a / b``, ``a %= b``."""

    at: int
    operator: str
    left: Term
    right: Term


_DIVIDING = frozenset(("/", "%", "/=", "%="))
_DEEPEST = 40  # expressions within each other
_MOST = 200  # divisions of one function


def quotients(text: str) -> tuple[Quotient, ...]:
    """The divisions of a function that the grammar is sure of, in order; ``text`` is blanked code, latin-1."""
    if len(text) > _LARGEST:
        return ()
    found: list[Quotient] = []
    todo = [_parser().parse(text.encode("latin-1")).root_node]
    while todo and len(found) < _MOST:
        node = todo.pop()
        if node.type in ("ERROR", "sizeof_expression"):
            continue
        operator = node.child_by_field_name("operator")
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        divides = operator is not None and operator.type in _DIVIDING and not node.has_error
        if divides and operator is not None and left is not None and right is not None:
            found.append(
                Quotient(operator.start_byte, operator.type, _term(left, text, 0), _term(right, text, 0))
            )
        todo.extend(reversed(node.children))
    return tuple(found)


def _term(node: tree_sitter.Node, text: str, depth: int) -> Term:
    while node.type == "parenthesized_expression" and node.named_child_count == 1:
        node = node.named_children[0]
    other = Term("other", "", node.start_byte)
    if depth > _DEEPEST or node.has_error:
        return other

    def under(name: str) -> tree_sitter.Node | None:
        return node.child_by_field_name(name)

    def said(child: tree_sitter.Node | None) -> str:
        return text[child.start_byte : child.end_byte] if child is not None else ""

    def terms(*children: tree_sitter.Node | None) -> tuple[Term, ...]:
        return tuple(_term(child, text, depth + 1) for child in children if child is not None)

    match node.type:
        case "number_literal":
            return Term("number", said(node), node.start_byte)
        case "identifier":
            return Term("name", said(node), node.start_byte)
        case "field_expression":
            field = under("field")
            at = field.start_byte if field is not None else node.start_byte
            return Term("member", said(field), at, terms(under("argument")))
        case "subscript_expression":
            return Term("index", "", node.start_byte, terms(under("argument"), under("index")))
        case "unary_expression" | "pointer_expression" | "update_expression":
            return Term("unary", said(under("operator")), node.start_byte, terms(under("argument")))
        case "binary_expression":
            return Term(
                "binary", said(under("operator")), node.start_byte, terms(under("left"), under("right"))
            )
        case "conditional_expression":
            parts = terms(under("consequence"), under("alternative"))
            return Term("choice", "", node.start_byte, parts) if len(parts) == 2 else other
        case "cast_expression":
            return Term("cast", said(under("type")), node.start_byte, terms(under("value")))
        case "call_expression":
            function, given = under("function"), under("arguments")
            if function is None or given is None:
                return other
            if function.type == "identifier":
                return Term("call", said(function), node.start_byte, terms(*given.named_children))
            if function.type == "parenthesized_expression" and given.named_child_count == 1:  # ``(u64)(x)``
                return Term("cast", said(function)[1:-1], node.start_byte, terms(given.named_children[0]))
    return other
