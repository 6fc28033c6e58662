"""One declaration at file scope, in a parameter list or in a block: its words put in their roles.

Reads the text before a ``;``, a body or an initialiser without knowing any type or macro. What a word that
nobody knows may mean is decided by what C allows: a declaration has one type (a tag, built-in words or one
typedef name) and then a declarator; what is left over before or after the name is an attribute.
"""

from __future__ import annotations

from dataclasses import dataclass

from checkseries.facts.c_text import Token, closing, split, tokens
from checkseries.facts.c_words import BUILTIN, QUALIFIERS, STATEMENT, STORAGE, TAGGED, TYPEOF, attribute

_LONGEST = 200_000  # characters of one head; longer ones are generated tables


@dataclass(frozen=True, slots=True)
class Head:
    """The declarators of one declaration share ``storage``, ``attributes`` and the type's words."""

    name: str
    at: int
    """Offset of the name; for an unnamed parameter that of its end."""
    storage: tuple[str, ...]
    """``static``, ``extern``, ``typedef``..."""
    attributes: tuple[str, ...]
    """``__init``, ``__section(".x")``, ``inline`` and the like, in their order, with their arguments as written."""
    type: str
    """The words of the type, qualifiers included, such as ``const struct foo``; tags with a body end in ``{}``."""
    pointer: int
    """Stars before the name."""
    parameters: tuple[int, int] | None
    """The offsets within the parentheses if it is a function."""
    dims: tuple[str, ...]
    """What stands in the brackets behind the name."""
    function_pointer: bool
    """``(*name)(...)``."""
    initialiser: int | None
    """Offset behind ``=``."""
    bits: bool = False
    """``name : 3``."""
    sure: bool = True
    """Whether the roles were clear."""

    @property
    def full_type(self) -> str:
        """The type with its stars, without those of arrays and functions: ``struct foo *``."""
        return f"{self.type} {'*' * self.pointer}" if self.pointer else self.type


@dataclass(frozen=True, slots=True)
class _Node:
    """A token, or a bracketed group of them from ``at`` to ``end`` (both brackets included)."""

    text: str
    at: int
    end: int

    @property
    def word(self) -> bool:
        return self.text[0].isalpha() or self.text[0] in "_$"


def heads(text: str, start: int, end: int, *, parameter: bool = False) -> tuple[Head, ...]:
    """The declarators of the declaration between two offsets; empty if it declares nothing or is a macro's use.

    ``parameter`` allows the name to be missing.
    """
    nodes = _nodes(text, start, end)
    if not nodes:
        return ()
    nodes, prefix = _without_macro_uses(nodes, text) if not parameter else (nodes, ())
    if not nodes or (nodes[0].word and nodes[0].text in STATEMENT and nodes[0].text != "__extension__"):
        return ()
    parts = _at_commas(nodes)
    first = _first(parts[0], text, prefix, parameter=parameter)
    if first is None:
        return ()
    found = [first]
    for part in parts[1:]:
        following = _next(part, text, first)
        if following is None:
            break
        found.append(following)
    return tuple(found)


def _nodes(text: str, start: int, end: int) -> list[_Node]:
    nodes: list[_Node] = []
    if end - start > _LONGEST:
        return nodes
    at = start
    while token := next(tokens(text, at, end), None):
        at = token.end
        if token.text in ("(", "[", "{"):
            close = closing(text, token.at, end)
            if close is None:
                return []
            nodes.append(_Node(token.text, token.at, close + 1))
            at = close + 1  # what is in brackets is looked at by whom it concerns
        elif token.text == "=":
            nodes.append(_Node("=", token.at, token.end))
        else:
            nodes.append(_Node(token.text, token.at, token.end))
    return nodes


def _without_macro_uses(nodes: list[_Node], text: str) -> tuple[list[_Node], tuple[str, ...]]:
    """Leading ``MACRO(...)`` that are no type and no declarator: attributes, or uses without a semicolon."""
    prefix: list[str] = []
    while (
        len(nodes) > 1
        and nodes[0].word
        and nodes[1].text == "("
        and nodes[0].text not in TYPEOF
        and nodes[0].text not in STATEMENT
    ):
        if len(nodes) > 2 and nodes[2].text in ("(", "=", "[", ","):
            break
        prefix.append(text[nodes[0].at : nodes[1].end])
        nodes = nodes[2:]
    return nodes, tuple(prefix)


def _at_commas(nodes: list[_Node]) -> list[list[_Node]]:
    parts: list[list[_Node]] = [[]]
    for node in nodes:
        if node.text == ",":
            parts.append([])
        else:
            parts[-1].append(node)
    return parts


@dataclass(slots=True)
class _Words:
    storage: list[str]
    attributes: list[str]
    type: list[str]
    plain: list[_Node]
    known: bool = False
    """A tag or built-in type was seen."""


def _first(nodes: list[_Node], text: str, prefix: tuple[str, ...], *, parameter: bool) -> Head | None:
    words = _Words([], list(prefix), [], [])
    stars = 0
    index = 0
    while index < len(nodes):
        node = nodes[index]
        following = nodes[index + 1] if index + 1 < len(nodes) else None
        if node.text in {"=", ":"}:
            break
        if node.word:
            argument = following is not None and following.text == "("
            if node.text in STORAGE:
                words.storage.append(node.text)
            elif attribute(node.text) or (node.text == "__extension__"):
                if argument and following is not None:
                    words.attributes.append(text[node.at : following.end])
                    index += 1
                else:
                    words.attributes.append(node.text)
            elif node.text in QUALIFIERS:
                words.type.append(node.text)
            elif node.text in BUILTIN:
                if not words.known and words.plain and not stars:  # ``MACRO int x``: the typedef was none
                    words.attributes += [each.text for each in words.plain]
                    words.plain.clear()
                words.type.append(node.text)
                words.known = True
            elif node.text in TYPEOF:
                if not argument or following is None:
                    return None
                words.type.append(text[node.at : following.end])
                words.known = True
                index += 1
            elif node.text in TAGGED:
                index = _tag(nodes, index, text, words)
                continue
            elif argument and following is not None:
                has_type = words.known or words.plain
                beyond = nodes[index + 2] if index + 2 < len(nodes) else None
                if text[following.at + 1 : following.end - 1].lstrip()[:1] in ("*", "^"):
                    words.plain.append(node)  # ``type (*name)(...)``
                elif not has_type or _argument_of_attribute(node, beyond, nodes, index):
                    words.attributes.append(text[node.at : following.end])
                    index += 1
                else:
                    return _function(nodes, index, text, words, stars)
            else:
                words.plain.append(node)
        elif node.text == "*":
            stars += 1
        elif node.text == "(":
            return _parenthesised(nodes, index, text, words, stars, parameter=parameter)
        elif node.text == "[":
            break
        elif node.text == "...":
            return None
        else:
            return None
        index += 1
    return _object(nodes, index, text, words, stars, parameter=parameter)


def _argument_of_attribute(node: _Node, beyond: _Node | None, nodes: list[_Node], index: int) -> bool:
    """``int __foo(x) bar(int)``: whether the first group is that of an attribute nobody knows."""
    if beyond is None or not beyond.word or attribute(beyond.text) or beyond.text in QUALIFIERS:
        return False
    called = index + 3 < len(nodes) and nodes[index + 3].text == "("
    return called and node.text.startswith("__") and not beyond.text.startswith("__")


def _tag(nodes: list[_Node], index: int, text: str, words: _Words) -> int:
    """Take ``struct attributes tag {...} attributes``; the index behind it."""
    kind = nodes[index].text
    index += 1
    tag = ""
    while index < len(nodes) and nodes[index].word:
        word = nodes[index].text
        if attribute(word):
            if index + 1 < len(nodes) and nodes[index + 1].text == "(":
                words.attributes.append(text[nodes[index].at : nodes[index + 1].end])
                index += 1
            else:
                words.attributes.append(word)
        elif tag:
            break
        else:
            tag = word
        index += 1
    body = ""
    if index < len(nodes) and nodes[index].text == ":" and index + 2 < len(nodes):  # enum x : u8 {
        body_at = next((n for n in range(index, len(nodes)) if nodes[n].text == "{"), None)
        index = body_at if body_at is not None else index
    if index < len(nodes) and nodes[index].text == "{":
        body = " {}"
        index += 1
    words.type.append(f"{kind} {tag}".rstrip() + body)
    words.known = True
    return index


def _named(words: _Words, stars: int, *, parameter: bool) -> tuple[_Node | None, list[str], bool]:
    """The word that is the name, the words that are left as type, and whether that was clear."""
    plain = list(words.plain)
    left: list[str] = []
    if not words.known:
        if not plain:
            return None, left, False
        if len(plain) == 1 and not parameter:
            return None, left, False
        left = [plain.pop(0).text]
    if not plain:
        return None, left, True
    if len(plain) == 1:
        return plain[0], left, True
    # unknown attributes, before the name (return types) or behind it (objects)
    good = [node for node in plain if not node.text.startswith("__")]
    if len(good) == 1:
        return good[0], left, True
    return plain[-1] if stars else plain[0], left, False


def _function(nodes: list[_Node], index: int, text: str, words: _Words, stars: int) -> Head | None:
    name, group = nodes[index], nodes[index + 1]
    left: list[str] = []
    plain = list(words.plain)
    if not words.known:
        left = [plain.pop(0).text]
        # ``MACRO type name(...)``: an attribute nobody knows and a typedef
        if plain and not stars:
            words.attributes.append(left[0])
            left = [plain.pop(0).text]
    words.attributes += [node.text for node in plain]
    _trailing(nodes[index + 2 :], text, words)
    return Head(
        name.text,
        name.at,
        tuple(words.storage),
        tuple(words.attributes),
        " ".join([*words.type, *left]),
        stars,
        (group.at + 1, group.end - 1),
        (),
        function_pointer=False,
        initialiser=None,
        sure=not plain,
    )


def _trailing(nodes: list[_Node], text: str, words: _Words) -> None:
    index = 0
    while index < len(nodes):
        node = nodes[index]
        if node.text in ("=", ":"):
            break
        if node.word:
            if index + 1 < len(nodes) and nodes[index + 1].text == "(":
                words.attributes.append(text[node.at : nodes[index + 1].end])
                index += 1
            else:
                words.attributes.append(node.text)
        index += 1


def _parenthesised(
    nodes: list[_Node], index: int, text: str, words: _Words, stars: int, *, parameter: bool
) -> Head | None:
    """``type (*name[2])(parameters)``, ``type (name)(parameters)``, ``type (*name)[3]``."""
    group = nodes[index]
    following = nodes[index + 1] if index + 1 < len(nodes) else None
    if not (words.known or words.plain):
        return None
    inner = _nodes(text, group.at + 1, group.end - 1)
    inner_words = [
        node for node in inner if node.word and not attribute(node.text) and node.text not in QUALIFIERS
    ]
    inner_stars = sum(node.text in ("*", "^") for node in inner)
    dims = tuple(text[node.at + 1 : node.end - 1].strip() for node in inner if node.text == "[")
    called = following is not None and following.text == "("
    indexed = following is not None and following.text == "["
    if not (called or indexed):
        return None
    if not inner_words:
        if not parameter:
            return None
        name, at = "", group.end - 1
    else:
        name, at = inner_words[0].text, inner_words[0].at
    left = [] if words.known else [words.plain[0].text]
    words.attributes += [node.text for node in words.plain[0 if words.known else 1 :]]
    _trailing(nodes[index + 2 :], text, words)
    nested = next((node for node in inner if node.text == "("), None)
    plain_function = called and not inner_stars and nested is None and following is not None
    # ``type (*name(parameters))(...)``: a function that returns a function pointer
    returns_pointer = called and inner_stars and nested is not None and bool(inner_words)
    parameters = None
    if plain_function and following is not None:
        parameters = (following.at + 1, following.end - 1)
    elif returns_pointer and nested is not None and nested.at > at:
        parameters = (nested.at + 1, nested.end - 1)
    return Head(
        name,
        at,
        tuple(words.storage),
        tuple(words.attributes),
        " ".join([*words.type, *left]),
        stars if plain_function else stars + inner_stars,
        parameters,
        dims,
        function_pointer=parameters is None,
        initialiser=_initialiser(nodes, index),
    )


def _initialiser(nodes: list[_Node], index: int) -> int | None:
    return next((node.end for node in nodes[index:] if node.text == "="), None)


def _object(
    nodes: list[_Node], index: int, text: str, words: _Words, stars: int, *, parameter: bool
) -> Head | None:
    dims: list[str] = []
    name: _Node | None
    sure = True
    left: list[str] = []
    if index < len(nodes) and nodes[index].text == "[":
        name = words.plain.pop() if words.plain and words.plain[-1].end <= nodes[index].at else None
        if not words.known:
            if not words.plain:
                if not parameter or name is None:
                    return None
                left, name = [name.text], None
            else:
                left = [words.plain.pop(0).text]
        words.attributes += [node.text for node in words.plain]
        while index < len(nodes) and nodes[index].text == "[":
            dims.append(" ".join(text[nodes[index].at + 1 : nodes[index].end - 1].split()))
            index += 1
        _trailing(nodes[index:], text, words)
    else:
        name, left, sure = _named(words, stars, parameter=parameter)
        skip = 0 if words.known else 1
        words.attributes += [node.text for node in words.plain[skip:] if node is not name]
    if name is None and not parameter:
        return None
    type_words = [*words.type, *left]
    if not type_words or (not words.known and not left):
        return None
    bits = index < len(nodes) and nodes[index].text == ":"
    return Head(
        name.text if name else "",
        name.at if name else (nodes[-1].end if nodes else 0),
        tuple(words.storage),
        tuple(words.attributes),
        " ".join(type_words),
        stars,
        None,
        tuple(dims),
        function_pointer=False,
        initialiser=_initialiser(nodes, index),
        bits=bits,
        sure=sure,
    )


def _next(nodes: list[_Node], text: str, first: Head) -> Head | None:
    """A further declarator behind a comma: ``*name[2] = ...``."""
    stars = 0
    attributes = list(first.attributes)
    for index, node in enumerate(nodes):
        if node.text == "*":
            stars += 1
        elif node.word and (attribute(node.text) or node.text in QUALIFIERS):
            attributes.append(node.text)
        elif node.word:
            dims = []
            parameters = None
            words = _Words([], attributes, [], [])
            rest = index + 1
            if rest < len(nodes) and nodes[rest].text == "(":
                parameters = (nodes[rest].at + 1, nodes[rest].end - 1)
                rest += 1
            while rest < len(nodes) and nodes[rest].text == "[":
                dims.append(" ".join(text[nodes[rest].at + 1 : nodes[rest].end - 1].split()))
                rest += 1
            _trailing(nodes[rest:], text, words)
            bits = rest < len(nodes) and nodes[rest].text == ":"
            return Head(
                node.text,
                node.at,
                first.storage,
                tuple(words.attributes),
                first.type,
                stars,
                parameters,
                tuple(dims),
                function_pointer=False,
                initialiser=_initialiser(nodes, rest),
                bits=bits,
            )
        elif node.text == "(" and index + 1 < len(nodes):
            inner = _nodes(text, node.at + 1, node.end - 1)
            word = next((each for each in inner if each.word and not attribute(each.text)), None)
            if word is None:
                return None
            return Head(
                word.text,
                word.at,
                first.storage,
                first.attributes,
                first.type,
                stars + 1,
                None,
                (),
                function_pointer=True,
                initialiser=_initialiser(nodes, index),
            )
        else:
            return None
    return None


def parameters(text: str, start: int, end: int) -> tuple[tuple[Head, ...], bool] | None:
    """The parameters of a function and whether more may follow (``...``); None if they cannot be read.

    ``(void)`` has none. Empty parentheses, which in the kernel's C11 leave the parameters open, count as none:
    every compiler that builds the kernel is told ``-Wstrict-prototypes``.
    """
    parts = split(text, start, end)
    found: list[Head] = []
    variadic = False
    for number, (begin, stop) in enumerate(parts):
        words = text[begin:stop].split()
        if words == ["void"] and len(parts) == 1:
            return (), False
        if words == ["..."]:
            variadic = number == len(parts) - 1
            if not variadic:
                return None
            continue
        here = heads(text, begin, stop, parameter=True)
        if len(here) != 1 or not here[0].type:
            return None
        found.append(here[0])
    return tuple(found), variadic


__all__ = ["Head", "Token", "heads", "parameters"]
