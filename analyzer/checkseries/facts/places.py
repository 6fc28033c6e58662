"""Places from lines: what a finding points at."""

from __future__ import annotations

from checkseries.model import Place
from checkseries.tree import Snapshot


def line_place(tree: Snapshot, path: str, line: int, symbol: str = "", column: int = 0) -> Place:
    """The place of a line with its text; the column is that of the first character that is no blank if not said."""
    lines = (tree.text(path) or "").split("\n")
    text = lines[line - 1].rstrip("\r") if 0 < line <= len(lines) else ""
    return Place(path, line, column or len(text) - len(text.lstrip()) + 1, symbol, text)
