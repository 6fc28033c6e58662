"""Every rule and contract below a directory: the shipped ones and a user's own come by the same way.

Loading a Python rule runs it. That is why rules come from the installed package and from directories that
the user names, and never from the tree that is being judged.
"""

from __future__ import annotations

import hashlib
import importlib.machinery
import importlib.util
import inspect
import os
import sys
from collections.abc import Iterable
from dataclasses import replace
from types import ModuleType

from checkseries.errors import CheckseriesError, RuleError
from checkseries.judge.contract import contracts
from checkseries.judge.rule import Example, Rule


def shipped() -> str:
    """The directory of the rules that come with the package, installed or run from a checkout."""
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    installed = os.path.join(package, "rules")
    if os.path.isdir(installed):
        return installed
    return os.path.join(os.path.dirname(os.path.dirname(package)), "rules")


def load(directories: Iterable[str]) -> tuple[Rule, ...]:
    """All rules of the directories, by id; raises RuleError for a file that is none, or an id used twice."""
    rules: dict[str, Rule] = {}
    for directory in directories:
        if not os.path.isdir(directory):
            raise RuleError(f"{directory}: there is no such directory of rules")
        for path in _files(directory):
            digest = _digest(path)  # before it is loaded: what changes meanwhile is not taken for what was
            for rule in (replace(each, digest=digest) for each in load_file(path)):
                if rule.id in rules and rules[rule.id].origin != rule.origin:
                    raise RuleError(f"{path}: the id {rule.id} is taken by {rules[rule.id].origin}")
                rules[rule.id] = rule
    return tuple(rules[name] for name in sorted(rules))


def _digest(path: str) -> str:
    """The hash of a file; empty if it cannot be read."""
    try:
        with open(path, "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()
    except OSError:
        return ""


def load_file(path: str) -> tuple[Rule, ...]:
    """The rules of one file: a Python rule, or all contracts of a TOML file."""
    if path.endswith(".toml"):
        return contracts(path)
    if not path.endswith(".py"):
        raise RuleError(f"{path}: rules are .py and .toml files")
    module = _module(path)
    found = [value for value in vars(module).values() if isinstance(value, Rule)]
    if len(found) != 1:
        raise RuleError(f"{path}: a rule file holds one rule, this one holds {len(found)}")
    doc = inspect.cleandoc(module.__doc__ or "")
    if not doc:
        raise RuleError(f"{path}: a rule file begins with a docstring that says what and why")
    examples = getattr(module, "EXAMPLES", ())
    if not all(isinstance(example, Example) for example in examples):
        raise RuleError(f"{path}: EXAMPLES holds good(...) and bad(...)")
    title = " ".join(doc.split("\n\n")[0].split()).rstrip(".")
    return (replace(found[0], title=title, doc=doc, examples=tuple(examples), origin=path),)


def _files(directory: str) -> list[str]:
    found = []
    for inside, below, names in os.walk(directory):
        below[:] = sorted(name for name in below if not name.startswith(("_", ".")))
        found += [
            os.path.join(inside, name)
            for name in sorted(names)
            if name.endswith((".py", ".toml")) and not name.startswith(("_", "."))
        ]
    return found


class _Loader(importlib.machinery.SourceFileLoader):
    """Loads a file without leaving compiled code beside it: a user's directory of rules is only read."""

    def set_data(self, path: str, data: object, *, _mode: int = 0o666) -> None:
        """Write nothing."""


def _module(path: str) -> ModuleType:
    # The name is the path's, so that two directories may hold files of the same name.
    name = f"checkseries_rule_{hashlib.sha256(os.path.abspath(path).encode()).hexdigest()[:12]}"
    if name in sys.modules:
        return sys.modules[name]
    own = os.path.abspath(path).startswith(shipped() + os.sep)
    # Compiling the rules of the program takes longer than all else that a run begins with.
    loader = (importlib.machinery.SourceFileLoader if own else _Loader)(name, path)
    spec = importlib.util.spec_from_loader(name, loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # before it runs: dataclasses look themselves up there
    try:
        loader.exec_module(module)
    except CheckseriesError:
        del sys.modules[name]
        raise
    except Exception as error:
        del sys.modules[name]
        raise RuleError(f"{path}: {type(error).__name__}: {error}") from error
    return module
