"""What a file holds after patch k."""

from checkseries.tree.base import MemoryTree, Tree
from checkseries.tree.snapshot import Lineage, Snapshot, fact

__all__ = ["Lineage", "MemoryTree", "Snapshot", "Tree", "fact"]
