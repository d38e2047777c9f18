"""What one task changed: kept as hunks that move with the text, and taken back on request.

Only what tools write through `FileSystem` is the agent's. What commands did, what other tasks wrote
and what the user typed are all the user's: hunks move with it and never show it.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any, Literal

from roo_lsp.agent.errors import ToolError
from roo_lsp.agent.ports import FileSystem, Snapshot
from roo_lsp.agent.tool import Diff
from roo_lsp.tasks.hunks import line_numbers
from roo_lsp.tasks.refusals import Invalid
from roo_lsp.workspace.changes import FileChanges, Hunk, from_stored, stored
from roo_lsp.workspace.descriptors import real_path
from roo_lsp.workspace.line_diff import alike
from roo_lsp.workspace.lines import split_lines
from roo_lsp.workspace.private import write_private
from roo_lsp.workspace.uris import uri_of

log = logging.getLogger(__name__)


class UnknownChange(Invalid):
    """There is no such file or hunk."""


Reason = Literal["edited_since", "settled", "not_written"]


@dataclass(frozen=True, slots=True)
class NotReverted:
    """A hunk that was not reverted."""

    path: Path
    hunk: Hunk
    reason: Reason
    why: str

    @property
    def lines(self) -> str:
        return line_numbers(self.hunk)

    def json(self) -> dict[str, str]:
        return {
            "uri": uri_of(self.path),
            "hunk": self.hunk.id,
            "reason": self.reason,
            "lines": self.lines,
            "why": self.why,
        }


@dataclass(frozen=True, slots=True)
class Settled:
    """The hunks of a file that were kept or reverted, as they were before that."""

    path: Path
    hunks: Sequence[Hunk]

    @property
    def added(self) -> int:
        return sum(len(hunk.after) for hunk in self.hunks)

    @property
    def removed(self) -> int:
        return sum(len(hunk.before) for hunk in self.hunks)

    def json(self) -> dict[str, Any]:
        return {"uri": uri_of(self.path), "hunks": [hunk.id for hunk in self.hunks]}


@dataclass(slots=True)
class TaskReview:
    """What one task changed. Files are named by where they really are."""

    folder: Path
    """Where it is kept: a file for each that was changed, as large as that one and its hunks."""
    files: FileSystem
    show: Callable[[Path], None]
    """Called when the hunks of a file are others."""
    _files: dict[Path, FileChanges] = field(default_factory=dict[Path, FileChanges])
    _stored: dict[str, tuple[int, int]] = field(default_factory=dict[str, tuple[int, int]])
    """What the file of a name was when it was last read or written: its inode and time."""
    _elsewhere: set[Path] = field(default_factory=set[Path])
    """Files that are gone although the agent left them, or are there although it removed them."""
    _writing: asyncio.Lock = field(default_factory=asyncio.Lock)
    _written: Path | None = None
    """What is being written now: nobody can say whose its text is."""

    # --- what the agent does --------------------------------------------------------------------

    @asynccontextmanager
    async def writing(
        self, path: Path, before: str | None, after: str | None
    ) -> AsyncGenerator[None]:
        """Around what a tool does to a file; None stands for no file."""
        path = real_path(path)
        async with self._writing:
            self.load()
            file = self._files.get(path) or _new(path, before)
            self._now(path, file, before)
            self._files[path] = file
            file.planned = after
            self._save(path, file)
            self._written = path
            try:
                yield
            except ToolError:
                file.planned = None
                self._forget_unchanged(path, file)
                raise
            finally:
                self._written = None
            text = await self._text(path)
            as_meant = text is not None and after is not None and alike(text, after)
            file.agent_wrote(text if as_meant else after)
            self._now(path, file, text)
            self._save(path, file)
        self.show(path)

    def _forget_unchanged(self, path: Path, file: FileChanges) -> None:
        if file.hunks or file.exists != file.existed:
            self._save(path, file)
            return
        del self._files[path]
        self._stored.pop(_name(path), None)
        with suppress(OSError):
            (self.folder / _name(path)).unlink()

    # --- what there is --------------------------------------------------------------------------

    async def changed(self) -> list[tuple[Path, FileChanges]]:
        """Every file with hunks, brought up to date with its text now."""
        self.load()
        for path in list(self._files):
            await self.follow(path)
        return [(path, file) for path, file in self._files.items() if file.hunks]

    async def diffs(self) -> list[Diff]:
        """What stands of the agent's changes, whether the user kept them or has not looked yet."""
        return [
            Diff(
                path,
                file.without(standing) if file.existed else None,
                file.text if file.exists else None,
            )
            for path, file in await self.changed()
            if (standing := [hunk for hunk in file.hunks if hunk.state != "reverted"])
        ]

    async def follow(self, path: Path) -> None:
        """Bring a file's hunks up to date with its text now."""
        file = self._files.get(path)
        if file is None:
            return
        generation = file.generation
        text = await self._text(path)
        if self._files.get(path) is file and file.generation == generation:
            self._now(path, file, text)

    def open_in(self, path: Path, text: str | None = None) -> tuple[FileChanges, list[Hunk]] | None:
        """The open hunks of a file, as last seen or in this text."""
        file = self._files.get(path)
        if file is None:
            return None
        if text is not None:
            self._now(path, file, text)
        return file, file.open

    def state_of(self, path: Path, hunk: Hunk) -> str:
        """The state; what is in a file that is not there any more counts as edited."""
        return "edited" if hunk.is_open and path in self._elsewhere else hunk.state

    @property
    def paths(self) -> list[Path]:
        return list(self._files)

    # --- what the user does ---------------------------------------------------------------------

    async def keep(self, path: Path | None, hunk: str | None) -> list[Settled]:
        """Everything open, or of one file, or one hunk, is the user's own from now on.

        Raises:
            UnknownChange: there is no such file or hunk; says which.
        """
        done: list[Settled] = []
        async with self._writing:
            for each, file, wanted in await self._wanted(path, hunk):
                hunks = [one for one in wanted if one.is_open]
                if hunks:
                    file.kept({one.id for one in hunks})
                    self._save(each, file)
                    done.append(Settled(each, hunks))
        for each in done:
            self.show(each.path)
        return done

    async def revert(
        self, path: Path | None, hunk: str | None
    ) -> tuple[list[Settled], list[NotReverted]]:
        """Take back everything open, or of one file, or one hunk; of each file all or nothing.

        Raises:
            UnknownChange: there is no such file or hunk; says which.
        """
        done: list[Settled] = []
        refused: list[NotReverted] = []
        async with self._writing:
            for each, file, hunks in await self._wanted(path, hunk):
                not_done = await self._revert(each, file, hunks)
                refused += not_done
                if hunks and not not_done:
                    done.append(Settled(each, hunks))
        for each in done:
            self.show(each.path)
        return done, refused

    async def _wanted(
        self, path: Path | None, hunk: str | None
    ) -> list[tuple[Path, FileChanges, list[Hunk]]]:
        """The hunks that are meant, by file: those of that id, else all that are open."""
        changed = await self.changed()
        if path is not None:
            path = real_path(path)
            changed = [(each, file) for each, file in changed if each == path]
            if not changed:
                raise UnknownChange("uri: the task did not change this file")
        if hunk is None:
            return [(each, file, file.open) for each, file in changed]
        for each, file in changed:
            found = [one for one in file.hunks if one.id == hunk]
            if found:
                return [(each, file, found)]
        raise UnknownChange(f"hunk: there is no hunk {hunk} any more")

    async def _revert(
        self, path: Path, file: FileChanges, hunks: Sequence[Hunk]
    ) -> list[NotReverted]:
        """Nothing when it is done; else the hunks that are in the way, and nothing was done."""
        refused = [
            NotReverted(path, hunk, *_why_not(state))
            for hunk in hunks
            if (state := self.state_of(path, hunk)) != "pending"
        ]
        if refused or not hunks:
            return refused
        text = file.without(hunks)
        snapshot = await self._snapshot(path)
        if (snapshot.text if snapshot else "") != file.text:
            return [NotReverted(path, each, *_why_not("edited")) for each in hunks]
        self._written = path
        try:
            if snapshot is None:
                await self.files.write(path, text, None)
            elif not text and not file.existed and len(hunks) == len(file.open):
                await self.files.delete(path, snapshot.stamp)
            elif text != snapshot.text:
                await self.files.write(path, text, snapshot.stamp)
        except ToolError as error:
            return [NotReverted(path, each, "not_written", error.text) for each in hunks]
        finally:
            self._written = None
        file.reverted({each.id for each in hunks})
        self._now(path, file, await self._text(path))
        self._save(path, file)
        return []

    # --- helpers --------------------------------------------------------------------------------

    def _now(self, path: Path, file: FileChanges, text: str | None) -> None:
        """The file's text is this one now, or it is not there."""
        if self._written == path:
            return
        if (text is None) == file.exists and (text is None or file.planned is None):
            self._elsewhere.add(path)
            return
        self._elsewhere.discard(path)
        if text is not None:
            file.now_is(text)

    async def _snapshot(self, path: Path) -> Snapshot | None:
        try:
            return await self.files.read(path)
        except ToolError:
            return None

    async def _text(self, path: Path) -> str | None:
        snapshot = await self._snapshot(path)
        return snapshot.text if snapshot else None

    def load(self) -> None:
        """Read what is stored and was not read yet, or was written by another server since."""
        with suppress(FileNotFoundError):
            for file in self.folder.iterdir():
                seen = _seen(file)
                if file.suffix == ".json" and self._stored.get(file.name) != seen:
                    self._stored[file.name] = seen
                    self._load(file)

    def _load(self, file: Path) -> None:
        try:
            path, changes = from_stored(file.stem, file.read_text("utf-8"))
        except (OSError, ValueError) as error:
            log.warning("what was stored of a change cannot be read: %s: %s", file, error)
            return
        self._files[Path(path)] = changes

    def _save(self, path: Path, changes: FileChanges) -> None:
        file = self.folder / _name(path)
        try:
            write_private(file, stored(str(path), changes))
        except (OSError, ValueError) as error:  # it is known until the server ends
            log.warning("a change of %s is not stored: %s", path, error)
        else:
            self._stored[file.name] = _seen(file)


@dataclass(slots=True)
class Reviews:
    """The changes of all tasks that are open, as one front end names and counts them."""

    changed: Callable[[Path], None] = lambda path: None  # noqa: ARG005 -- none
    """Called when the hunks of a file are others."""
    found: Callable[[Path], None] = lambda path: None  # noqa: ARG005 -- none
    """Called for each file whose hunks were read from the store."""
    address: Callable[[Path], str] = uri_of
    """The URI that the front end knows a file by."""
    units: Callable[[str], int] = len
    """How long a part of a line is, as the front end counts."""
    _tasks: dict[str, TaskReview] = field(default_factory=dict[str, TaskReview])

    def of(self, task_id: str, folder: Path, files: FileSystem) -> TaskReview:
        """A task's changes: those that are stored in the folder, and what comes."""
        if task_id not in self._tasks:
            review = self._tasks[task_id] = TaskReview(folder, files, self.changed)
            review.load()
            for path in review.paths:
                self.found(path)
        return self._tasks[task_id]

    def task(self, task_id: str) -> TaskReview:
        """The changes of an open task."""
        return self._tasks[task_id]

    def __iter__(self) -> Iterator[tuple[str, TaskReview]]:
        """Each open task's id, with its changes."""
        return iter(list(self._tasks.items()))

    def forget(self, task_id: str) -> None:
        """The task is deleted."""
        review = self._tasks.pop(task_id, None)
        for path in review.paths if review else ():
            self.changed(path)

    def json(self, task_id: str, changed: Iterable[tuple[Path, FileChanges]]) -> list[Any]:
        """The result of `roo.changes.list`."""
        review = self._tasks[task_id]
        return [
            {
                "uri": self.address(path),
                "hunks": [
                    {
                        "id": hunk.id,
                        "range": {
                            "start": self._start(file.lines, hunk.first),
                            "end": self._start(file.lines, hunk.last),
                        },
                        "before": "".join(hunk.before),
                        "after": "".join(hunk.after),
                        "state": review.state_of(path, hunk),
                    }
                    for hunk in file.hunks
                ],
            }
            for path, file in changed
        ]

    def _start(self, lines: Sequence[str], line: int) -> dict[str, int]:
        """Where a line begins; behind the last one, where the text ends."""
        if line >= len(lines) and lines and not lines[-1].endswith(("\n", "\r")):
            return {"line": len(lines) - 1, "character": self.units(lines[-1])}
        return {"line": min(line, len(lines)), "character": 0}


def _new(path: Path, before: str | None) -> FileChanges:
    existed = before is not None
    return FileChanges(_prefix(path), split_lines(before or ""), existed, existed)


def _prefix(path: Path) -> str:
    return blake2b(str(path).encode("utf-8", "surrogateescape"), digest_size=4).hexdigest()


def _name(path: Path) -> str:
    return f"{_prefix(path)}.json"


def _seen(file: Path) -> tuple[int, int]:
    facts = file.stat()
    return facts.st_ino, facts.st_mtime_ns


def _why_not(state: str) -> tuple[Reason, str]:
    if state == "edited":
        return "edited_since", "you have edited it since"
    return "settled", f"it was {state} already"
