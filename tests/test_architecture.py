"""The direction of imports: facts know no rules, rules know no mail, reports know neither."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[1]
PACKAGE = TOP / "analyzer" / "checkseries"

# What each layer may import of the package; a module's layer is its first component below checkseries.
ALLOWED = {
    "errors": set(),
    "model": set(),
    "git": {"errors"},
    "source": {"errors", "model", "git", "source"},
    "tree": {"errors", "model", "git", "tree", "workers"},
    "facts": {"errors", "model", "tree", "facts"},
    "archs": {"errors", "model", "tree"},
    "judge": {"errors", "model", "tree", "facts", "judge"},
    "run": {"errors", "model", "tree", "judge", "workers", "limits"},
    "workers": set(),
    "limits": {"errors"},
    "example": {"model", "tree", "judge", "run", "archs"},
    "report": {"errors", "model", "report", "__init__"},
    "cli": {
        "errors",
        "model",
        "git",
        "source",
        "tree",
        "facts",
        "judge",
        "run",
        "example",
        "report",
        "archs",
        "__init__",
        "limits",
        "workers",
    },
    "__main__": {"cli"},
    "__init__": set(),
}
RULES = {"model", "tree", "facts", "judge"}
# One module wraps each library; nobody else imports it.
WRAPPED = {"tree_sitter": "facts/c_syntax.py", "tree_sitter_c": "facts/c_syntax.py", "pysat": "facts/kconfig/", "kconfiglib": "facts/kconfig/",
           "rich": "report/", "rich_argparse": "cli.py", "subprocess": "git.py", "multiprocessing": "workers.py"}  # fmt: skip


def imports(path: Path) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            if node.module == "checkseries":
                found += [f"checkseries.{alias.name}" for alias in node.names]
            else:
                found.append(node.module or "")
    return found


def modules() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py") if "rules" not in path.relative_to(PACKAGE).parts)


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_one_way(path: Path) -> None:
    layer = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    for name in imports(path):
        if name.startswith("checkseries."):
            target = name.split(".")[1]
            if target not in ALLOWED:  # "from checkseries import __version__"
                target = "__init__"
            assert target in ALLOWED[layer], f"{layer} must not import {name}"


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_each_library_is_wrapped_once(path: Path) -> None:
    here = str(path.relative_to(PACKAGE))
    for name in imports(path):
        where = WRAPPED.get(name.split(".")[0])
        assert where is None or here.startswith(where), f"{here} imports {name}, which {where} wraps"


@pytest.mark.parametrize("path", sorted((TOP / "rules").rglob("*.py")), ids=lambda path: path.name)
def test_rules_know_facts_and_judge_only(path: Path) -> None:
    for name in imports(path):
        if name.startswith("checkseries"):
            assert name.split(".")[1] in RULES, f"a rule must not import {name}"
        else:
            assert name.split(".")[0] in {
                "__future__",
                "re",
                "collections",
                "dataclasses",
                "itertools",
                "functools",
                "typing",
            }, name


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_the_command_line_prints_exits_and_reads_the_environment(path: Path) -> None:
    if path.name in {"cli.py", "__main__.py"}:
        return
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Name):
            assert node.id not in {"print", "input", "exit", "eval", "exec", "__import__"}, (
                f"{path}: {node.id}()"
            )
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            spot = f"{node.value.id}.{node.attr}"
            assert spot not in {
                "os.environ",
                "os.getenv",
                "os.getcwd",
                "sys.exit",
                "sys.argv",
                "os.system",
                "time.time",
            }, f"{path}: {spot}"
