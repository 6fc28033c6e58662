"""What a file holds after patch k."""

from checkseries.tree.base import MemoryTree, Tree
from checkseries.tree.snapshot import Kept, Lineage, Snapshot, fact

__all__ = ["Kept", "Lineage", "MemoryTree", "Snapshot", "Tree", "fact"]
