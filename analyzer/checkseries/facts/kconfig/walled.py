"""Kconfiglib shut in: a private copy of it from which nothing of the world can be reached.

Only this module imports Kconfiglib. File names, the environment, commands and imports are replaced in the
copy, so no Kconfig file can make it read, start or import anything; whoever else uses Kconfiglib in this
process does not see it. Its keywords are cut down to those of ``lexer.l``.
"""

from __future__ import annotations

import importlib.util
import re
from types import SimpleNamespace
from typing import Any, NoReturn

ROOT = "\0tree"
"""What the copy takes for the directory of the tree: no path that a Kconfig file can spell begins so."""

_NOT_THE_KERNELS = re.compile(
    "---help---|allnoconfig_y|boolean|def_(hex|int|string)|defconfig_list|env|option|optional|[gor]+source"
)
_TRANSITIONAL = 1000  # beyond Kconfiglib's own tokens


def _walled() -> Any:
    spec = importlib.util.find_spec("kconfiglib")
    assert spec is not None
    assert spec.loader is not None
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)  # not entered into sys.modules: nobody else sees what is changed below

    def closed(*_: object, **__: object) -> NoReturn:
        raise ImportError("closed")

    keywords = vars(module)["_get_keyword"].__self__
    kept = {word: token for word, token in keywords.items() if not _NOT_THE_KERNELS.fullmatch(word)}
    vars(module).update(
        os=SimpleNamespace(environ={}, getenv=lambda _, default=None: default, sep="/"),
        importlib=SimpleNamespace(import_module=closed),
        open=closed,
        exists=closed,
        islink=closed,
        realpath=lambda _: ROOT,
        iglob=lambda pattern: [pattern],  # C: source takes a path, not a pattern
        expandvars=lambda text: text,
        _UNAME_RELEASE="$UNAME_RELEASE",
        _get_keyword={**kept, "transitional": _TRANSITIONAL}.get,
        _id_keyword_match=re.compile(r"([A-Za-z0-9_$-]+)\s*", re.ASCII).match,
        _name_special_search=re.compile(r"[^A-Za-z0-9_$-]|\$\(|$", re.ASCII).search,
    )
    return module


kconfiglib: Any = _walled()

TOKEN: dict[str, int] = {
    **{name[3:]: value for name, value in vars(kconfiglib).items() if name.startswith("_T_")},
    "TRANSITIONAL": _TRANSITIONAL,
}
"""The tokens by their names in capitals, ``DEF_BOOL``."""


def tokens(names: str) -> frozenset[int]:
    """The tokens of some names."""
    return frozenset(TOKEN[name] for name in names.split())


TYPES = tokens("BOOL TRISTATE INT HEX STRING")

OPERATORS = {
    kconfiglib.EQUAL: "=",
    kconfiglib.UNEQUAL: "!=",
    kconfiglib.LESS: "<",
    kconfiglib.LESS_EQUAL: "<=",
    kconfiglib.GREATER: ">",
    kconfiglib.GREATER_EQUAL: ">=",
}
"""How the relations are written, by token."""
