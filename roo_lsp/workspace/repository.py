"""What git would say of a folder, asked so that nothing in the folder has a say in how it is asked.

The repository's own configuration is never read, and so none of its filters, hooks and monitors can
run: git works with a folder of ours that has a configuration of ours and the user's last commit, and is
told where the index and the objects are. Nothing is written to the user's repository.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from roo_lsp.workspace.checkpoints.git import CheckpointError, Git
from roo_lsp.workspace.descriptors import read_small
from roo_lsp.workspace.gitignore import repository
from roo_lsp.workspace.paths import exists

SECONDS = 10.0
"""What git may take; who waits for it waits less."""
MAX_REF_BYTES = 4_096
MAX_PACKED_BYTES = 4_000_000
_SHA = re.compile(r"[0-9a-f]{40}")
_REF = re.compile(r"ref: (refs/[\w./+@-]+)")
_CONFIG = """\
[core]
\trepositoryformatversion = 0
\tbare = false
\thooksPath = /dev/null
\tfsmonitor = false
\tuntrackedCache = false
\tattributesFile = /dev/null
\texcludesFile = /dev/null
[status]
\tsubmoduleSummary = false
"""


@dataclass(frozen=True, slots=True)
class Repository:
    """Where a repository of the user's has its parts."""

    top: Path
    """Its work tree."""
    folder: Path
    """Of this work tree: its `HEAD` and index."""
    common: Path
    """What all of its work trees share: objects and branches."""

    @classmethod
    def around(cls, folder: Path) -> "Repository | None":
        """The one that a folder lies in, or None where it lies in none that can be read."""
        top = repository(folder)
        if top is None:
            return None
        own = top / ".git"
        if own.is_file():
            found = _text(own).removeprefix("gitdir: ").strip()
            own = Path(os.path.normpath(top / found)) if found else own
        if not exists(own / "HEAD"):
            return None
        shared = _text(own / "commondir").strip()
        return cls(top, own, Path(os.path.normpath(own / shared)) if shared else own)

    @property
    def stamp(self) -> object:
        """Another one whenever the branch, the last commit or the index is another one."""
        branch, commit = self.head()
        try:
            index = (self.folder / "index").stat()
        except OSError:
            return branch, commit
        return branch, commit, index.st_mtime_ns, index.st_size, index.st_ino

    def head(self) -> tuple[str, str]:
        """The branch, empty where there is none, and its last commit, empty before the first."""
        said = _text(self.folder / "HEAD").strip()
        ref = _REF.fullmatch(said)
        if ref is None:
            return "", said if _SHA.fullmatch(said) else ""
        return ref[1].removeprefix("refs/heads/"), self._commit(ref[1])

    def _commit(self, ref: str) -> str:
        for folder in (self.folder, self.common):
            if _SHA.fullmatch(said := _text(folder / ref).strip()):
                return said
        for line in _text(self.common / "packed-refs", MAX_PACKED_BYTES).splitlines():
            commit, _, name = line.partition(" ")
            if name == ref and _SHA.fullmatch(commit):
                return commit
        return ""


@dataclass(frozen=True, slots=True)
class GitStatus:
    """A repository as git sees it: what is changed since the last commit, in git's two letters."""

    branch: str
    commit: str
    changed: tuple[tuple[str, Path], ...]


def git_status(program: Path, place: Repository) -> GitStatus | None:
    """What is changed, or None where git has no answer: of another format, too slow, broken."""
    branch, commit = place.head()
    with TemporaryDirectory(prefix="roo-git-") as folder:
        ours = Path(folder)
        (ours / "refs").mkdir()
        (ours / "config").write_text(_CONFIG, "utf-8")
        # Before the first commit the branch has to be one that is not there.
        (ours / "HEAD").write_text(f"{commit or 'ref: refs/heads/none'}\n", "ascii")
        told = {
            "GIT_INDEX_FILE": os.fspath(place.folder / "index"),
            "GIT_OBJECT_DIRECTORY": os.fspath(place.common / "objects"),
            "GIT_OPTIONAL_LOCKS": "0",
        }
        git = Git(program, ours, place.top, seconds=SECONDS, more=told)
        asked = ("status", "--porcelain=v1", "-z", "--untracked-files=normal")
        try:
            printed = git(*asked, "--ignore-submodules=all", "--no-renames")
        except CheckpointError:
            return None
    entries = (each for each in printed.decode("utf-8", "surrogateescape").split("\0") if each)
    changed = tuple((each[:2].strip(), place.top / each[3:]) for each in entries)
    return GitStatus(branch, commit, changed)


def _text(file: Path, most: int = MAX_REF_BYTES) -> str:
    """A small file's text, empty where there is none."""
    try:
        return (read_small(file, most) or b"").decode("utf-8", "replace")
    except OSError:
        return ""
