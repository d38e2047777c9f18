"""What a command must not change in a workspace: which protected names are there, and what became of them.

A mount can hold what exists; a name that does not exist yet, or a folder above one that is renamed,
can only be looked for afterwards.
"""

import functools
import itertools
import math
import os
import re
import stat
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from roo_lsp.workspace.paths import DEPENDENCIES, protected_name

MAX_FOLDERS = 20_000
"""Folders that are looked into, those near the top first."""
MAX_INSIDE = 2_000
"""Files of one protected folder (`.vscode`, `.github`) that are compared."""
MAX_TEXT = 65_536
"""Bytes of a file of git that are read."""
MAX_NAMED = 20
"""Changes that a notice names."""
SETTLED_NS = 100_000_000
"""A folder that changed less than this before it was read may change once more within the same tick
of the file system's clock, so what was read of it is not kept."""

REPOSITORIES: dict[str, tuple[str, ...]] = {
    ".git": (
        "hooks",
        "config",
        "config.worktree",
        "info/attributes",
        "commondir",
        "gitdir",
    ),
    ".hg": ("hgrc",),
    ".jj": ("repo/config.toml",),
    ".svn": (),
}
"""Folders that version control writes to as it works, and what in them makes it run programs."""

Mark = tuple[int, ...]
"""Differs whenever the thing is another one or has changed; never equal for a file and a folder."""


@dataclass(frozen=True, slots=True)
class Found:
    """The protected names of some workspaces at one moment; paths have no links in them."""

    marks: Mapping[str, Mark] = field(default_factory=dict[str, Mark])
    repositories: tuple[Path, ...] = ()
    """Folders that version control must be able to write; also those that lie elsewhere because
    the workspace is a git worktree or a submodule."""
    fixed: tuple[Path, ...] = ()
    """What must stay as it is, the most dangerous first."""
    depth: float = math.inf
    """Slashes in a path up to which everything was looked at."""
    ignored: tuple[Path, ...] = ()
    """What the user keeps from the agent, as far as it could be named cheaply."""


@dataclass(frozen=True, slots=True)
class ProtectedChange:
    """What became of a protected name."""

    path: Path
    what: Literal["new", "changed", "removed"]

    def __str__(self) -> str:
        return f"{self.path} ({self.what})"


def changes(before: Found, after: Found) -> tuple[ProtectedChange, ...]:
    """What differs, without what lies in a folder that differs itself."""
    old, new = before.marks, after.marks
    depth = min(before.depth, after.depth)
    found = {
        path: ProtectedChange(
            Path(path),
            "new" if path not in old else "removed" if path not in new else "changed",
        )
        for path in sorted(old.keys() | new.keys())
        if old.get(path) != new.get(path) and path.count("/") <= depth
    }
    return tuple(
        change
        for path, change in found.items()
        if not any(str(parent) in found for parent in Path(path).parents)
    )


def notice(changed: Sequence[ProtectedChange]) -> str:
    """The changes, in words for the user and the model."""
    names = [str(change) for change in changed[:MAX_NAMED]]
    if len(changed) > MAX_NAMED:
        names.append(f"and {len(changed) - MAX_NAMED} more")
    return (
        "[Protected files changed while commands ran: "
        + ", ".join(names)
        + ". They can make other programs run code; the user should look at them.]"
    )


class Protected:
    """The protected names of some workspaces; what was read of a folder is kept until it changes."""

    def __init__(self, folders: Sequence[Path]) -> None:
        """`folders` have no links in them."""
        self._folders = tuple(folders)
        self._known: dict[str, _Folder] = {}

    def look(self) -> Found:
        """What is there now. Blocks: some milliseconds for each thousand folders."""
        search = _Search(self._folders)
        queue = deque(map(os.fspath, self._folders))
        looked: dict[str, _Folder] = {}
        while queue and len(looked) < MAX_FOLDERS:
            path = queue.popleft()
            folder = None if path in looked else self._folder(path)
            if folder is None:
                continue
            looked[path] = folder
            if folder.bare:
                search.repository(path, ".git")
                continue
            for name in folder.protected:
                search.take(f"{path}/{name}", name)
            queue.extend(f"{path}/{name}" for name in folder.inside)
        self._known = looked
        return search.found(min((path.count("/") for path in queue), default=math.inf))

    def _folder(self, path: str) -> "_Folder | None":
        now = time.time_ns()
        try:
            mark = _mark(os.lstat(path))
            known = self._known.get(path)
            if known is not None and known.mark == mark and known.settled:
                return known
            return _read(path, mark, now)
        except OSError:
            return None


@dataclass(frozen=True, slots=True)
class _Folder:
    """What was read of a folder."""

    mark: Mark
    settled: bool
    protected: tuple[str, ...]
    inside: tuple[str, ...]
    bare: bool
    """It is a git repository itself."""


def _read(path: str, mark: Mark, now: int) -> _Folder:
    protected: list[str] = []
    inside: list[str] = []
    names: set[str] = set()
    above = os.path.basename(path)  # noqa: PTH119 -- hot: once for each folder
    with os.scandir(path) as entries:
        for entry in entries:
            name = entry.name
            names.add(name)
            if _is_protected(name, above):
                protected.append(name)
            elif name not in DEPENDENCIES and entry.is_dir(follow_symlinks=False):
                inside.append(name)
    settled = now - max(mark[-2:]) > SETTLED_NS
    bare = names.issuperset(("HEAD", "objects", "refs"))
    return _Folder(mark, settled, tuple(protected), tuple(inside), bare)


@functools.lru_cache(maxsize=8192)
def _is_protected(name: str, above: str) -> bool:
    return protected_name(name, above) is not None


class _Search:
    """Gathers what one look finds."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = folders
        self._marks: dict[str, Mark] = {}
        self._repositories: list[Path] = []
        self._programs: list[Path] = []
        """What names programs that version control runs."""
        self._others: list[Path] = []

    def found(self, depth: float) -> Found:
        fixed = dict.fromkeys(
            [*self._programs, *sorted(self._others, key=lambda path: len(path.parts))]
        )
        repositories = tuple(dict.fromkeys(self._repositories))
        return Found(self._marks, repositories, tuple(fixed), depth)

    def take(self, path: str, name: str) -> None:
        """A protected name in a folder."""
        status = _status(path)
        if status is None:
            return
        folded = name.casefold()
        if stat.S_ISLNK(status.st_mode):
            self._link(path, status, folded)
        elif folded in REPOSITORIES and stat.S_ISDIR(status.st_mode):
            self.repository(path, folded)
        else:
            self._fix(path, self._others)
            if folded == ".git" and stat.S_ISREG(status.st_mode):
                self._elsewhere(Path(path))

    def repository(self, path: str, kind: str) -> None:
        """A folder of version control: it stays this one, and is written to."""
        self._repositories.append(Path(path))
        self._repository(path, kind)

    def _repository(self, path: str, kind: str) -> None:
        status = _status(path)
        if status is None:
            return
        self._marks[path] = _identity(status)
        for name in REPOSITORIES[kind]:
            self._fix(f"{path}/{name}", self._programs)
        for below in ("modules", "worktrees") if kind == ".git" else ():
            for inner in _git_folders(f"{path}/{below}"):
                self._repository(inner, kind)

    def _fix(self, path: str, into: list[Path]) -> None:
        """Something that must stay as it is, with all that is in it; nothing where there is nothing."""
        status = _status(path)
        if status is None:
            return
        if stat.S_ISLNK(status.st_mode):
            self._link(path, status)
            return
        self._marks[path] = _own_mark(status)
        if stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode):
            into.append(Path(path))
        self._take_inside(path, path)

    def _link(self, path: str, status: os.stat_result, name: str = "") -> None:
        """A link cannot be held, what it leads to below a workspace can; both count as the link's."""
        self._marks[path] = _mark(status)
        real = os.path.realpath(path)
        target = _status(real)
        if target is None or not any(each in Path(real).parents for each in self._folders):
            return
        if name in REPOSITORIES and stat.S_ISDIR(target.st_mode):
            self.repository(real, name)
            return
        self._marks[path] += _own_mark(target)
        self._others.append(Path(real))
        self._take_inside(real, path)

    def _take_inside(self, real: str, shown: str) -> None:
        for inner, status in itertools.islice(_inside(real), MAX_INSIDE):
            self._marks[shown + inner.removeprefix(real)] = _own_mark(status)

    def _elsewhere(self, file: Path) -> None:
        """A `.git` file: a worktree's or a submodule's repository may lie outside the workspace.

        Only one that says itself that it belongs here counts: the file is the workspace's, and
        could name anything.
        """
        folder = _told(file, "gitdir: ")
        if folder is None or any(folder.is_relative_to(each) for each in self._folders):
            return
        main = folder.parent.parent
        if folder.parent.name == "worktrees" and _told(folder / "gitdir") == file:
            if _told(folder / "commondir") == main and _is_repository(main):
                self.repository(os.fspath(main), ".git")
        elif _is_repository(folder) and _work_tree(folder) == file.parent:
            self.repository(os.fspath(folder), ".git")


def _git_folders(path: str) -> Iterator[str]:
    """The repositories of submodules or worktrees in here; a submodule's name may have slashes."""
    queue = deque([path])
    for _ in range(MAX_INSIDE):
        if not queue:
            return
        folder = queue.popleft()
        try:
            with os.scandir(folder) as entries:
                inside = [each.name for each in entries if each.is_dir(follow_symlinks=False)]
        except OSError:
            continue
        if folder != path and os.path.lexists(f"{folder}/HEAD"):
            yield folder
        else:
            queue.extend(f"{folder}/{name}" for name in inside)


def _inside(path: str) -> Iterator[tuple[str, os.stat_result]]:
    """All that is below a folder."""
    for folder, folders, files in os.walk(path):
        for name in [*folders, *files]:
            status = _status(f"{folder}/{name}")
            if status is not None:
                yield f"{folder}/{name}", status


def _told(file: Path, prefix: str = "") -> Path | None:
    """The path that a file of git names, links followed."""
    text = _text(file)
    if not text.startswith(prefix) or not text.strip():
        return None
    return Path(os.path.realpath(file.parent / text.removeprefix(prefix).strip()))


def _work_tree(repository: Path) -> Path | None:
    """The folder that a repository's configuration says it belongs to."""
    text = _text(repository / "config")
    named = re.search(r'^\s*worktree\s*=\s*"?([^"\n]+?)"?\s*$', text, re.MULTILINE)
    return Path(os.path.realpath(repository / named[1])) if named else None


def _text(file: Path) -> str:
    """The beginning of a file, empty where it cannot be read; never waits for a pipe."""
    try:
        handle = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    except OSError:
        return ""
    try:
        text = os.read(handle, MAX_TEXT).decode("utf-8", "replace")
    except OSError:
        return ""
    finally:
        os.close(handle)
    return "" if "\0" in text else text


def _is_repository(path: Path) -> bool:
    return all(os.path.lexists(path / name) for name in ("HEAD", "objects", "refs"))


def _status(path: str) -> os.stat_result | None:
    try:
        return os.lstat(path)
    except OSError:
        return None


def _own_mark(status: os.stat_result) -> Mark:
    """Of a folder, which one it is: what is in it has marks of its own."""
    return _identity(status) if stat.S_ISDIR(status.st_mode) else _mark(status)


def _identity(status: os.stat_result) -> Mark:
    return (stat.S_IFMT(status.st_mode), status.st_dev, status.st_ino)


def _mark(status: os.stat_result) -> Mark:
    times = (status.st_mtime_ns, status.st_ctime_ns)
    return (status.st_mode, status.st_dev, status.st_ino, status.st_size, *times)
