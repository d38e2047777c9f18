"""A folder's states as trees in a git repository in the state folder; the folder's own is never touched.

What is in a state: every file below the folder that no `.gitignore` of it hides, those of nested
repositories too, as they are on disk byte for byte, or as an editor shows them where that is not
saved. What is not: ignored files, empty folders, files over `MAX_BYTES` or that cannot be read, anything
called `.git`, and pipes and the like.

A look that finds nothing new costs one process; one that does costs three, two where it was said
which files changed.
"""

import hashlib
import json
import os
import re
import shutil
import stat
import time
import zlib
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, Protocol

from roo_lsp.agent.errors import ToolError
from roo_lsp.workspace.checkpoints.git import CheckpointError, Git
from roo_lsp.workspace.claims import try_lock
from roo_lsp.workspace.descriptors import read_small
from roo_lsp.workspace.encodings import UTF_8, decode
from roo_lsp.workspace.gitignore import hidden_below
from roo_lsp.workspace.private import write_private

MAX_BYTES = 10_000_000
"""Larger files are in no state."""
MANY = 500
"""From so many files on they go into a pack: half the time and a twentieth of the space."""
AT_ONCE = 8_000
"""Files that are taken at a time: git looks through what its pack has so far for each of them."""
LOCK_SECONDS = 60.0
"""How long another server, or another task, may have the repository."""
MAX_TASKS = 100
"""Tasks whose states are kept; the oldest are forgotten first."""
ALWAYS_IGNORED: tuple[str, ...] = ("node_modules", ".venv", "__pycache__", ".DS_Store")
"""Made by tools, and large: in no state, whatever the folder's `.gitignore` says."""
_LOOSE = 27
"""git's own measure for `too many loose objects`: files in one of 256 folders."""
_NESTED = ".roo-nested"
_NO_SUCH_BLOB = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"
_CONFIG = """\
[core]
\trepositoryformatversion = 0
\tbare = false
\tfilemode = true
\tsymlinks = true
\thooksPath = /dev/null
\tfsmonitor = false
\tautocrlf = false
\tsafecrlf = false
\tattributesFile = /dev/null
\texcludesFile = /dev/null
\tfsyncMethod = batch
\tprotectNTFS = false
\tprotectHFS = false
[safe]
\tbareRepository = explicit
[commit]
\tgpgSign = false
[gc]
\tauto = 0
\tpackRefs = false
\twriteCommitGraph = false
"""
_ATTRIBUTES = "* -text -ident -filter !diff !merge !eol !working-tree-encoding\n"
_MODES = {"100644", "100755", "120000"}


@dataclass(frozen=True, slots=True)
class FolderState:
    """What a folder held at one moment."""

    tree: str
    changed: int
    """Files that are other than in the state before."""
    skipped: tuple[str, ...]
    """Files that were there and are not in it: too large, not readable, called `.git`."""


@dataclass(frozen=True, slots=True)
class FileChange:
    """One file that differs between two states; a mode is empty where it is not there."""

    path: str
    """Below the folder, with `/`; bytes that are no UTF-8 as surrogates."""
    old_mode: str
    old: str
    mode: str
    blob: str


class Buffers(Protocol):
    """Texts of open files that are not saved, by the real path of the file."""

    def items(self) -> Iterable[tuple[Path, str]]: ...


@dataclass(slots=True)
class Shadow:
    """The states of one folder. Slow: call it in a thread; calls wait for each other."""

    folder: Path
    """All links followed."""
    repository: Path
    git: Git
    state_dir: Path
    _ready: bool = field(default=False, init=False)
    _sweeper: Git = field(init=False)

    def __post_init__(self) -> None:
        self._sweeper = Git(self.git.program, self.repository, self.folder)

    @classmethod
    def of(cls, folder: Path, state_dir: Path, program: Path) -> "Shadow":
        """The states of a folder, in a state folder."""
        real = Path(os.path.realpath(folder))
        name = hashlib.sha256(os.fsencode(real)).hexdigest()[:32]
        repository = Path(os.path.realpath(state_dir)) / "checkpoints" / name
        return cls(real, repository, Git(program, repository, real), state_dir)

    @property
    def primed(self) -> bool:
        """True when there was a look at the folder already: the next one is quick."""
        return (self.repository / "state.json").exists()

    def look(self, buffers: Buffers, paths: Collection[Path] | None = None) -> FolderState:
        """The state of the folder now; with `paths`, of nothing but these since the last look.

        Raises:
            CheckpointError: it cannot be had.
        """
        with self._alone():
            try:
                return self._look(buffers, paths)
            except CheckpointError:
                if self.git.killed:
                    raise
                # Something vanished or became a folder while we looked; or half of us was killed.
                for name in ("state.json", "index"):
                    (self.repository / name).unlink(missing_ok=True)
                self._ready = False
                self._prepare()
                return self._look(buffers, None)
            except OSError as error:
                raise CheckpointError(f"{error.strerror} in {self.repository}") from error

    def keep(self, task_id: str, name: str, tree: str) -> None:
        """Keep a state for a task, until `release`."""
        ref = self.repository / "refs" / "roo" / task_id / name
        with _told(self.repository):
            _make_private(ref.parent)
            write_private(ref, f"{tree}\n")

    def release(self, task_id: str) -> None:
        """Let go of a task's states."""
        shutil.rmtree(self.repository / "refs" / "roo" / task_id, ignore_errors=True)

    def kill(self) -> None:
        """End what runs, and begin nothing more."""
        self.git.kill()
        self._sweeper.kill()

    def tidy(self, exists: Callable[[str], bool]) -> None:
        """Let go of tasks that are gone and of the oldest; give room back where there is much of it.

        Beside everything else: git keeps what is younger than an hour, whoever needs it.
        """
        with suppress(OSError, CheckpointError):
            kept = sorted(
                (self.repository / "refs" / "roo").iterdir(), key=lambda each: -each.stat().st_mtime
            )
            for number, task in enumerate(kept):
                if number >= MAX_TASKS or not exists(task.name):
                    self.release(task.name)
            if len(list((self.repository / "objects" / "17").iterdir())) > _LOOSE:
                self._sweeper("gc", "--quiet", "--prune=1.hour.ago")

    def changes(self, before: str, after: str) -> list[FileChange]:
        """What differs between two states."""
        printed = self.git("diff-tree", "-r", "-z", "--no-renames", "--raw", before, after)
        words = iter(printed.decode("utf-8", "surrogateescape").split("\0"))
        found: list[FileChange] = []
        for facts in words:
            if facts:
                old_mode, mode, old, blob, _ = facts.removeprefix(":").split(" ")
                modes = [each if each in _MODES else "" for each in (old_mode, mode)]
                found.append(FileChange(next(words), modes[0], old, modes[1], blob))
        return found

    def difference(self, before: str, after: str, most: int) -> tuple[str, bool]:
        """A unified diff from one state to another, at most so many bytes; True when there is more."""
        options = ("--no-ext-diff", "--no-textconv", "--no-color", "-M", "-r", "-p")
        with self.git.reading("diff-tree", *options, before, after) as printed:
            text = printed.read(most + 1)
        whole = len(text) <= most
        if not whole:
            text = text[: text.rfind(b"\n", 0, most) + 1]
        return text.decode("utf-8", "replace"), not whole

    def contents(self, blobs: Sequence[str]) -> Iterator[bytes]:
        """What each of the files held.

        Raises:
            CheckpointError: one of them is gone.
        """
        with TemporaryFile() as names:
            names.write("".join(f"{blob}\n" for blob in blobs).encode())
            names.seek(0)
            with self.git.reading("cat-file", "--batch", given=names) as printed:
                for _ in blobs:
                    facts = printed.readline().split()
                    if len(facts) != 3:
                        raise CheckpointError("a state is not complete any more")
                    data = printed.read(int(facts[2]))
                    printed.read(1)
                    if len(data) != int(facts[2]):
                        raise CheckpointError("git ended in the middle of a file")
                    yield data

    def hidden(self, path: Path) -> bool:
        """True when a file below the folder is in no state because it is ignored."""
        names = path.relative_to(self.folder).parts
        return any(name in ALWAYS_IGNORED for name in names) or hidden_below(self.folder, path)

    # --- a look -----------------------------------------------------------------------------

    def _look(self, buffers: Buffers, paths: Collection[Path] | None) -> FolderState:
        known = _Known.read(self.repository / "state.json")
        unsaved = dict(self._unsaved(buffers))
        if paths is None or not known.tree:
            found = self._listed_with_nested()
        else:
            found = [
                *self._visible(paths),
                *(each for each in known.unsaved if each not in unsaved),
            ]
        sorting = _Sorting(self.folder)
        for path in found:
            if path not in unsaved:
                sorting.add(path)
        news = {path: each for path, each in unsaved.items() if each.sha != known.unsaved.get(path)}
        skipped = sorting.skipped if paths is None else [*known.skipped, *sorting.skipped]
        skipped = list(dict.fromkeys(skipped))
        if known.tree and not news and not sorting.files and not sorting.folders:
            return FolderState(known.tree, 0, tuple(skipped))
        (self.repository / "state.json").unlink(missing_ok=True)
        self._update(sorting, news)
        tree = self.git("write-tree").decode().strip()
        now = _Known(tree, {path: each.sha for path, each in unsaved.items()}, skipped)
        now.write(self.repository / "state.json")
        return FolderState(
            tree, len(sorting.files) + len(sorting.folders) + len(news), tuple(skipped)
        )

    def _visible(self, paths: Iterable[Path]) -> Iterator[str]:
        for path in paths:
            if path.is_relative_to(self.folder) and not self.hidden(path):
                yield path.relative_to(self.folder).as_posix()

    def _unsaved(self, buffers: Buffers) -> "Iterator[tuple[str, _Buffer]]":
        """Each open text that is not the file's, as the file would hold it once it was saved."""
        for path, text in buffers.items():
            if not path.is_relative_to(self.folder):
                continue
            with suppress(OSError):  # a text that no file stands for is in no state
                facts = path.stat()
                if facts.st_size > MAX_BYTES or self.hidden(path) or _is_git(path):
                    continue
                found = read_small(path, MAX_BYTES) or b""
                data = _encoded(text, found, path)
                mode = "100755" if facts.st_mode & stat.S_IXUSR else "100644"
                if data != found:
                    name = path.relative_to(self.folder).as_posix()
                    yield name, _Buffer(blob_name(data), mode, data)

    def _listed_with_nested(self) -> list[str]:
        """What is not as it was; git sees a repository as one thing until a file of it is known."""
        found, seen = self._listed(), set[str]()
        while nested := {path for path in found if path.endswith("/")} - seen:
            seen |= nested
            lines = (f"100644 {_NO_SUCH_BLOB}\t{path}{_NESTED}\0" for path in nested)
            self.git("update-index", "-z", "--index-info", given=_bytes("".join(lines)))
            found = self._listed()
        return [path for path in found if not path.endswith("/")]

    def _listed(self) -> list[str]:
        printed = self.git("ls-files", "-z", "-o", "-m", "-d", "--exclude-standard")
        return list(dict.fromkeys(printed.decode("utf-8", "surrogateescape").split("\0")[:-1]))

    def _update(self, sorting: "_Sorting", news: "Mapping[str, _Buffer]") -> None:
        if sorting.folders:
            lines = _bytes("".join(f"{path}\0" for path in sorting.folders))
            self.git("update-index", "--force-remove", "-z", "--stdin", given=lines)
        packed = ["-c", "core.bigFileThreshold=1", "-c", "core.compression=1"]
        update = ["update-index", "--add", "--remove", "--replace", "-z"]
        given: list[str] = []
        for path, each in news.items():
            self._write_blob(each)
            given += ["--cacheinfo", f"{each.mode},{each.sha},{path}"]
        for at in range(0, len(sorting.files) or 1, AT_ONCE):
            files = sorting.files[at : at + AT_ONCE]
            options = [*(packed if len(files) > MANY else []), *update, *([] if at else given)]
            lines = _bytes("".join(f"{path}\0" for path in files))
            self.git(*options, "--stdin", given=lines)

    def _write_blob(self, buffer: "_Buffer") -> None:
        """A loose object, as git's documentation of its objects has it."""
        file = self.repository / "objects" / buffer.sha[:2] / buffer.sha[2:]
        with suppress(FileNotFoundError):
            os.utime(file)
            return
        data = zlib.compress(b"blob %d\0" % len(buffer.data) + buffer.data, 1)
        file.parent.mkdir(mode=0o700, exist_ok=True)
        fresh = file.with_suffix(f".{os.getpid()}")
        fresh.unlink(missing_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        with os.fdopen(os.open(fresh, flags, 0o400), "wb") as stream:
            stream.write(data)
        fresh.replace(file)

    # --- the repository ---------------------------------------------------------------------

    @contextmanager
    def _alone(self) -> Generator[None]:
        """The repository is there and nobody else is at it."""
        with _told(self.repository):
            _make_private(self.repository)
            descriptor = os.open(self.repository / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            deadline = time.monotonic() + LOCK_SECONDS
            while not try_lock(descriptor):
                if time.monotonic() > deadline or self.git.killed:
                    raise CheckpointError("another roo-lsp is at the same workspace for too long")
                time.sleep(0.01)
            with _told(self.repository):
                self._prepare()
            yield
        finally:
            os.close(descriptor)

    def _prepare(self) -> None:
        # Whoever made this lock is dead: all of us are kept apart by the other one.
        (self.repository / "index.lock").unlink(missing_ok=True)
        if self._ready and (self.repository / "HEAD").exists():
            return
        for name in ("objects", "refs", "refs/roo", "info"):
            _make_private(self.repository / name)
        write_private(self.repository / "config", _CONFIG)
        write_private(self.repository / "info" / "attributes", _ATTRIBUTES)
        write_private(self.repository / "info" / "exclude", self._exclude())
        write_private(self.repository / "HEAD", "ref: refs/heads/none\n")
        self._ready = True

    def _exclude(self) -> str:
        lines = list(ALWAYS_IGNORED)
        state = Path(os.path.realpath(self.state_dir))
        if state.is_relative_to(self.folder):
            below = state.relative_to(self.folder).as_posix()
            lines.append("/" + re.sub(r"([\\*?\[\] ])", r"\\\1", below) + "/")
        with suppress(OSError):
            users = read_small(self.folder / ".git" / "info" / "exclude", 1_000_000)
            lines.append((users or b"").decode("utf-8", "surrogateescape"))
        return "\n".join(lines).encode("utf-8", "surrogateescape").decode("utf-8", "replace") + "\n"


@dataclass(frozen=True, slots=True)
class _Buffer:
    """A file as an editor has it."""

    sha: str
    mode: str
    data: bytes


@dataclass(slots=True)
class _Sorting:
    """What is not as it was, by what can be done about it."""

    folder: Path
    files: list[str] = field(default_factory=list[str])
    """To be taken as they are now; those that are gone, to be taken out."""
    folders: list[str] = field(default_factory=list[str])
    """Files that are folders now."""
    skipped: list[str] = field(default_factory=list[str])
    links: set[str] = field(default_factory=set[str])

    def add(self, path: str) -> None:
        place = os.path.join(self.folder, path)  # noqa: PTH118 -- of each of many thousands
        if _is_git(Path(path)):
            self.skipped.append(path)
            return
        if self.links and not self.links.isdisjoint(_above(path)):
            return  # the folder it was in is a link now: git takes it out with that
        try:
            facts = os.lstat(place)
        except OSError:
            self.files.append(path)
            return
        if stat.S_ISDIR(facts.st_mode):
            self.folders.append(path)
        elif stat.S_ISLNK(facts.st_mode):
            self.links.add(path)
            self.files.append(path)
        elif not stat.S_ISREG(facts.st_mode):
            return
        elif facts.st_size > MAX_BYTES or not os.access(place, os.R_OK):
            self.skipped.append(path)
        else:
            self.files.append(path)


@dataclass(frozen=True, slots=True)
class _Known:
    """What the index holds, since the last look by whichever server."""

    tree: str
    unsaved: Mapping[str, str]
    skipped: Sequence[str]

    @classmethod
    def read(cls, file: Path) -> "_Known":
        try:
            value: Any = json.loads(file.read_text("utf-8"))
            return cls(str(value["tree"]), dict(value["unsaved"]), list(value["skipped"]))
        except (OSError, ValueError, KeyError, TypeError):
            return cls("", {}, [])

    def write(self, file: Path) -> None:
        value = {"tree": self.tree, "unsaved": self.unsaved, "skipped": self.skipped}
        write_private(file, json.dumps(value))


def blob_name(data: bytes) -> str:
    """What git calls a file's content."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def _make_private(folder: Path) -> None:
    """The folder and those it lies in, where they are missing, for their owner alone."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    for each in reversed(missing):
        each.mkdir(mode=0o700, exist_ok=True)


def _encoded(text: str, found: bytes, file: Path) -> bytes:
    """The text as the file would hold it once it was saved."""
    decoded = decode(found, file)
    try:
        return (decoded[1] if decoded else UTF_8).encode(text)
    except ToolError:
        return text.encode("utf-8", "surrogatepass")


def _above(path: str) -> Iterator[str]:
    """The folders that a path lies in."""
    at = path.find("/")
    while at >= 0:
        yield path[:at]
        at = path.find("/", at + 1)


def _is_git(path: Path) -> bool:
    return any(part.lower() == ".git" for part in path.parts)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


@contextmanager
def _told(folder: Path) -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise CheckpointError(f"{error.strerror} in {folder}") from error
