"""Finds the kernel tree that a user means, and opens it as a Tree."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from checkseries.errors import TreeError, UsageError
from checkseries.git import Git
from checkseries.tree.base import Tree
from checkseries.tree.directory import DirectoryTree
from checkseries.tree.remembered import RememberedTree, Wordbook
from checkseries.tree.repository import RepositoryTree


@dataclass(frozen=True, slots=True)
class Location:
    """A kernel tree on disk: its top directory, and git on it if it is a repository."""

    path: str
    git: Git | None


def locate(path: str | None, here: str, environ: Mapping[str, str]) -> Location:
    """The tree at ``path``, or the kernel tree around the directory ``here``; raises TreeError."""
    if path is None:
        return _around(here, environ)
    if not os.path.isdir(path):
        what = "is not a directory" if os.path.exists(path) else "does not exist"
        raise TreeError(f"--tree {path}: {what}")
    git = Git(path, environ)
    top = _top(git, meant=os.path.exists(os.path.join(path, ".git")))
    if top is not None and (top == "" or os.path.realpath(top) == os.path.realpath(path)):
        return Location(path, git)
    return Location(path, None)


def open_tree(
    where: Location, revision: str | None, *, worktree: bool = False, book: Wordbook | None = None
) -> Tree:
    """The tree at a revision (``HEAD`` if not said), or as its files lie; raises if it is no kernel tree.

    Searches of a revision are remembered in ``book``, if there is one.
    """
    tree: Tree
    if where.git is None:
        if revision is not None:
            raise UsageError(f"--rev {revision}: {where.path} is not a git repository")
        tree = DirectoryTree(where.path, _shown(where.path))
    elif worktree:
        if revision is not None:
            raise UsageError("--worktree and --rev exclude each other")
        listed = where.git.run("ls-files", "-z", "--cached", "--full-name", ":/").decode(
            "utf-8", "surrogateescape"
        )
        top = where.git.text("rev-parse", "--show-toplevel")
        tree = DirectoryTree(
            top, f"{_shown(where.path)} (work tree)", [path for path in listed.split("\0") if path]
        )
    else:
        at = RepositoryTree(where.git, revision or "HEAD", _name(where, revision or "HEAD"))
        tree = at if book is None else RememberedTree(at, book)
    if tree.paths() and (
        tree.mode("Kconfig") is None or not any(p.startswith("arch/") for p in tree.paths())
    ):
        raise TreeError(f"{tree.name}: not a kernel tree (no Kconfig and arch/ at its top)")
    return tree


def _name(where: Location, revision: str) -> str:
    assert where.git is not None
    try:
        told = where.git.text("describe", "--always", "--abbrev=12", "--end-of-options", revision)
    except TreeError:
        told = revision[:12]
    return f"{_shown(where.path)} ({told})"


def _shown(path: str) -> str:
    return os.path.basename(os.path.realpath(path)) or path


def _top(git: Git, *, meant: bool) -> str | None:
    """The top of the work tree; "" for a bare repository; None where there is no repository.

    Raises TreeError if a repository is ``meant`` that git refuses to read, such as one of another owner.
    """
    try:
        if git.text("rev-parse", "--is-bare-repository") == "true":
            return ""
        return git.text("rev-parse", "--show-toplevel")
    except TreeError as error:
        if meant and "not a git repository" not in str(error):
            raise
        return None


def _around(here: str, environ: Mapping[str, str]) -> Location:
    git = Git(here, environ, own=True)
    top = _top(git, meant=True)
    if top is None and environ.get("GIT_DIR"):
        raise TreeError(f"GIT_DIR={environ['GIT_DIR']} is not a git repository")
    if top and os.path.isfile(os.path.join(top, "Kconfig")):
        return Location(top, Git(top, environ, own=True))
    if top == "":
        return Location(here, git)
    directory = os.path.realpath(here)
    while True:
        if os.path.isfile(os.path.join(directory, "Kconfig")) and os.path.isdir(
            os.path.join(directory, "arch")
        ):
            return Location(directory, None)
        parent = os.path.dirname(directory)
        if parent == directory:
            raise TreeError(f"there is no kernel tree around {here}; name one by --tree")
        directory = parent
