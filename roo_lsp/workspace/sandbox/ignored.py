"""Which files `.rooignore` keeps from the agent, named so that they can be hidden from commands too.

As far as that is cheap: a workspace is walked for so long, and so much is hidden. What tools make and
need again, as packages and build results, stays: it is ignored because it is large, not secret.
"""

import os
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path

from roo_lsp.workspace.paths import DEPENDENCIES, exists
from roo_lsp.workspace.rooignore import NAME, RooIgnore

SECONDS = 0.3
"""What a walk may take."""
MAX_HIDDEN = 40
"""Each is a mount, and bwrap's time grows with the square of their number."""
MADE_BY_TOOLS = DEPENDENCIES | {
    *(".git", ".hg", ".svn", ".jj", "target", "dist", "build", "out", "vendor", "bin", "obj"),
    *(".next", ".nuxt", ".svelte-kit", ".turbo", ".cache", ".gradle", ".mypy_cache", "coverage"),
    *(".pytest_cache", ".ruff_cache", ".terraform", ".dart_tool", "_build", "deps", "Pods"),
}
MADE_SUFFIXES = (
    ".lock",
    "-lock.json",
    "-lock.yaml",
    ".sum",
    ".pyc",
    ".o",
    ".map",
    ".log",
    ".min.js",
)


class Ignored:
    """What is kept from the agent in some workspaces; paths have no links in them."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = tuple(folders)
        self._ignore = RooIgnore(folders)

    def look(self) -> tuple[Path, ...]:
        """What is there now, none below another, other names of the same file included. Blocks."""
        if not any(exists(folder / NAME) for folder in self._folders):
            return ()
        self._ignore.refresh()
        if not self._ignore.has_patterns:
            return ()
        hidden: list[str] = []
        inodes: dict[tuple[int, int], None] = {}
        others: dict[int, list[str]] = {}
        deadline = time.monotonic() + SECONDS
        queue = deque(map(os.fspath, self._folders))
        while queue and len(hidden) < MAX_HIDDEN and time.monotonic() < deadline:
            self._look_into(queue.popleft(), queue, hidden, others)
        for path in hidden:
            facts = os.lstat(path) if os.path.lexists(path) else None
            if facts is not None and facts.st_nlink > 1:
                inodes[facts.st_dev, facts.st_ino] = None
        for device, inode in inodes:
            hidden += [each for each in others.get(inode, ()) if os.lstat(each).st_dev == device]
        return tuple(Path(each) for each in dict.fromkeys(hidden[:MAX_HIDDEN]))

    def _look_into(
        self, folder: str, queue: deque[str], hidden: list[str], others: dict[int, list[str]]
    ) -> None:
        try:
            with os.scandir(folder) as entries:
                inside = list(entries)
        except OSError:
            return
        for entry in inside:
            if entry.name in MADE_BY_TOOLS or entry.name == NAME or entry.is_symlink():
                continue
            directory = entry.is_dir(follow_symlinks=False)
            if not directory and entry.name.endswith(MADE_SUFFIXES):
                continue
            if self._ignore.hides_entry(entry.path, directory=directory):
                hidden.append(entry.path)
            elif directory:
                queue.append(entry.path)
            else:
                others.setdefault(entry.inode(), []).append(entry.path)
