"""What git would say of a folder, asked so that nothing in the folder has a say in how it is asked.

The repository's own configuration is never read, and so none of its filters, hooks and monitors can
run: git works with a folder of ours that has a configuration of ours and the user's last commit, and is
told where the index and the objects are. Nothing is written to the user's repository.
"""

import os
import re
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from roo_lsp.agent.figures import plural
from roo_lsp.workspace.checkpoints.git import CheckpointError, Git
from roo_lsp.workspace.descriptors import read_small
from roo_lsp.workspace.escapes import label
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


@contextmanager
def _asked(program: Path, place: Repository) -> Generator[Git]:
    """git, to be asked about a repository that has no say in how."""
    _, commit = place.head()
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
        yield Git(program, ours, place.top, seconds=SECONDS, more=told)


def git_status(program: Path, place: Repository) -> GitStatus | None:
    """What is changed, or None where git has no answer: of another format, too slow, broken."""
    try:
        with _asked(program, place) as git:
            return _status(git, place)
    except CheckpointError:
        return None


def _status(git: Git, place: Repository) -> GitStatus:
    branch, commit = place.head()
    asked = ("status", "--porcelain=v1", "-z", "--untracked-files=normal")
    printed = git(*asked, "--ignore-submodules=all", "--no-renames")
    entries = (each for each in printed.decode("utf-8", "surrogateescape").split("\0") if each)
    changed = tuple((each[:2].strip(), place.top / each[3:]) for each in entries)
    return GitStatus(branch, commit, changed)


Choose = Callable[[Sequence[Path]], Sequence[bool]]
"""Which of some files may be shown."""
MOST_LOOKED_AT = 2_000
MOST_FILES = 200
"""Files whose changes are shown."""
_PLAINLY = (
    "--no-color",
    "--no-ext-diff",
    "--no-textconv",
    "--no-renames",
    "--ignore-submodules=all",
)


def git_changes(program: Path, place: Repository, choose: Choose, most: int) -> str:
    """What is changed since the last commit: a line for each file, and the diff, in about `most` bytes.

    Raises:
        CheckpointError: git has no answer.
    """
    with _asked(program, place) as git:
        status = _status(git, place)
        looked = status.changed[:MOST_LOOKED_AT]
        shown = choose([path for _, path in looked])
        listed = [each for each, is_shown in zip(looked, shown, strict=True) if is_shown]
        lines = [f"{how:2} {label(_relative(path, place))}" for how, path in listed[:MOST_FILES]]
        lines += _more(len(status.changed) - len(looked) + len(listed[MOST_FILES:]))
        lines += _left_out(len(looked) - len(listed))
        tracked = [path for how, path in listed if how != "??"]
        if not lines:
            return "Nothing is changed since the last commit."
        if tracked and status.commit:
            lines += ["", _diff(git, place, tracked, most, "diff", "HEAD")]
    return "\n".join(lines)


def git_commit(
    program: Path, place: Repository, commit: str, choose: Choose, most: int
) -> str | None:
    """A commit: who, when, why and what, in about `most` bytes; None where there is none of that name.

    Raises:
        CheckpointError: git has no answer.
    """
    with _asked(program, place) as git:
        try:
            found = git(
                "rev-parse", "--verify", "--quiet", "--end-of-options", f"{commit}^{{commit}}"
            )
        except CheckpointError:
            return None
        name = found.decode("ascii").strip()
        asked = ("show", "--diff-merges=first-parent", "--no-show-signature", name)
        head = git(*asked, "--no-patch", "--no-color", "--format=fuller").decode("utf-8", "replace")
        printed = git(*asked, *_PLAINLY, "--format=", "--name-only", "-z")
        entries = printed.decode("utf-8", "surrogateescape").split("\0")
        changed = [place.top / each for each in entries if each]
        looked = changed[:MOST_LOOKED_AT]
        shown = [path for path, is_shown in zip(looked, choose(looked), strict=True) if is_shown]
        lines = [
            head.rstrip(),
            *_more(len(changed) - len(looked)),
            *_left_out(len(looked) - len(shown)),
        ]
        if shown:
            lines += ["", _diff(git, place, shown, most, *asked, "--format=", "--stat", "--patch")]
    return "\n".join(lines)


def _diff(git: Git, place: Repository, files: Sequence[Path], most: int, *asked: str) -> str:
    names = [_relative(each, place) for each in files]
    with git.reading(*asked, *_PLAINLY, "--", *names[:MOST_FILES]) as printed:
        data = printed.read(most)
        cut = bool(printed.read(1))
    text = data.decode("utf-8", "replace").strip("\n")
    notes = ["(Cut here: the diff goes on.)"] if cut else []
    return "\n".join([text, *notes, *_more(len(names[MOST_FILES:]))])


def _relative(path: Path, place: Repository) -> str:
    return path.relative_to(place.top).as_posix()


def _more(count: int) -> list[str]:
    return [f"({plural(count, 'more changed file')})"] if count else []


def _left_out(count: int) -> list[str]:
    return [f"({plural(count, 'file')} left out: the agent may not read them.)"] if count else []


def _text(file: Path, most: int = MAX_REF_BYTES) -> str:
    """A small file's text, empty where there is none."""
    try:
        return (read_small(file, most) or b"").decode("utf-8", "replace")
    except OSError:
        return ""
