"""The value of one ``sizeof(...)`` or ``offsetof(...)`` as asm-offsets.c writes it, on an architecture."""

from __future__ import annotations

import re

from checkseries.facts.c_layout import member_offset, type_size
from checkseries.tree import Snapshot

_SIZEOF = re.compile(r"sizeof\s*\(\s*([\w\s*]+?)\s*\)\Z", re.ASCII)
_OFFSETOF = re.compile(r"offsetof\s*\(\s*([\w\s]+?)\s*,\s*([A-Za-z_]\w*)\s*\)\Z", re.ASCII)


def measure(tree: Snapshot, arch: str, expression: str) -> int | None:
    """The number of bytes for a 64-bit kernel; None if it is not known."""
    near = f"arch/{arch}/kernel/asm-offsets.c"
    if match := _SIZEOF.match(expression.strip()):
        size = type_size(tree, match[1], "lp64", near)
    elif match := _OFFSETOF.match(expression.strip()):
        size = member_offset(tree, match[1], match[2], "lp64", near)
    else:
        return None
    return None if size is None else size.bytes
