"""Review of what the agent changed: kept with each task, shown in the editor, taken back on request.

Only what tools write through `FileSystem` is the agent's. What commands did, what other tasks wrote
and what the user typed are all the user's: hunks move with it and never show it.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any, Literal

from lsprotocol import types

from roo_lsp.agent.errors import ToolError
from roo_lsp.agent.ports import FileSystem, Snapshot
from roo_lsp.lsp.documents import Document, Documents
from roo_lsp.lsp.positions import end_of, unified_lines, uri_of
from roo_lsp.settings import object_or_empty
from roo_lsp.workspace.changes import FileChanges, Hunk, from_stored, stored
from roo_lsp.workspace.descriptors import real_path
from roo_lsp.workspace.escapes import exact
from roo_lsp.workspace.line_diff import alike, split_lines
from roo_lsp.workspace.private import write_private

log = logging.getLogger(__name__)

FOLLOW_SECONDS = 0.2
"""While the user types, hunks that are shown follow at most so often."""
MAX_DIFF = 2_000_000
"""Characters of the document that shows all changes."""


class UnknownChange(Exception):
    """There is no such file or hunk; says which argument is wrong."""


Reason = Literal["edited_since", "settled", "not_written"]


@dataclass(frozen=True, slots=True)
class Refused:
    """A hunk that was not reverted."""

    path: Path
    hunk: Hunk
    reason: Reason
    why: str

    @property
    def lines(self) -> str:
        return lines_of(self.hunk)

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
    ) -> tuple[list[Settled], list[Refused]]:
        """Take back everything open, or of one file, or one hunk; of each file all or nothing.

        Raises:
            UnknownChange: there is no such file or hunk; says which.
        """
        done: list[Settled] = []
        refused: list[Refused] = []
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

    async def _revert(self, path: Path, file: FileChanges, hunks: Sequence[Hunk]) -> list[Refused]:
        """Nothing when it is done; else the hunks that are in the way, and nothing was done."""
        refused = [
            Refused(path, hunk, *_why_not(state))
            for hunk in hunks
            if (state := self.state_of(path, hunk)) != "pending"
        ]
        if refused or not hunks:
            return refused
        text = file.without(hunks)
        snapshot = await self._snapshot(path)
        if (snapshot.text if snapshot else "") != file.text:
            return [Refused(path, each, *_why_not("edited")) for each in hunks]
        self._written = path
        try:
            if snapshot is None:
                await self.files.write(path, text, None)
            elif not text and not file.existed and len(hunks) == len(file.open):
                await self.files.delete(path, snapshot.stamp)
            elif text != snapshot.text:
                await self.files.write(path, text, snapshot.stamp)
        except ToolError as error:
            return [Refused(path, each, "not_written", error.text) for each in hunks]
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
class Review:
    """The changes of all tasks that are open, and where one client sees them."""

    documents: Documents
    encoding: Callable[[], str]
    publish: Callable[[str], None]
    """Has the diagnostics of a document sent."""
    refresh_lenses: Callable[[], None]
    wants_diagnostics: Callable[[], bool]
    wants_lenses: Callable[[], bool]
    start: Callable[[Coroutine[Any, Any, None]], None]
    """Has something done beside everything else."""
    _tasks: dict[str, TaskReview] = field(default_factory=dict[str, TaskReview])
    _shown: dict[Path, tuple[str, list[types.Diagnostic]]] = field(
        default_factory=dict[Path, tuple[str, list[types.Diagnostic]]]
    )
    """The document and diagnostics that the client has of a file."""
    _stale: set[Path] = field(default_factory=set[Path])
    _timer: asyncio.TimerHandle | None = None

    def __post_init__(self) -> None:
        self.documents.watch(self._document)

    def of(self, task_id: str, folder: Path, files: FileSystem) -> TaskReview:
        """A task's changes: those that are stored in the folder, and what comes."""
        if task_id not in self._tasks:
            review = self._tasks[task_id] = TaskReview(folder, files, self._show)
            review.load()
            for path in review.paths:
                self._soon(path)
        return self._tasks[task_id]

    def task(self, task_id: str) -> TaskReview:
        """The changes of an open task."""
        return self._tasks[task_id]

    def forget(self, task_id: str) -> None:
        """The task is deleted."""
        review = self._tasks.pop(task_id, None)
        for path in review.paths if review else ():
            self._show(path)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def json(self, task_id: str, changed: Iterable[tuple[Path, FileChanges]]) -> list[Any]:
        """The result of `roo.changes.list`."""
        review = self._tasks[task_id]
        return [
            {
                "uri": self._uri(path),
                "hunks": [
                    {
                        "id": hunk.id,
                        "range": self._range(file, hunk),
                        "before": "".join(hunk.before),
                        "after": "".join(hunk.after),
                        "state": review.state_of(path, hunk),
                    }
                    for hunk in file.hunks
                ],
            }
            for path, file in changed
        ]

    # --- what the client shows ------------------------------------------------------------------

    def diagnostics(self, uri: str) -> list[types.Diagnostic]:
        """One hint for each open hunk of a document."""
        shown = (each for each in self._shown.values() if each[0] == uri)
        return next(shown, ("", list[types.Diagnostic]()))[1]

    def code_actions(self, params: types.CodeActionParams) -> list[types.CodeAction]:
        """*Keep* and *Revert* for the hunks at this place."""
        only = params.context.only
        if only and not any(_is_quick_fix(kind) for kind in only):
            return []
        named = {object_or_empty(each.data).get("hunk") for each in params.context.diagnostics}
        asked = params.range
        here = [
            (task_id, hunk)
            for task_id, file, hunk in self._open_hunks(params.text_document.uri)
            if hunk.id in named or _meets(_lines(file, hunk), asked)
        ]
        uri = params.text_document.uri
        actions: list[types.CodeAction] = []
        for task_id, hunk in here:
            place = f" ({where([hunk])})" if len(here) > 1 else ""
            about = {"taskId": task_id, "uri": uri, "hunk": hunk.id}
            actions.append(_action(f"Keep{place}", "roo.changes.keep", about))
            actions.append(_action(f"Revert{place}", "roo.changes.revert", about))
        for task_id in dict.fromkeys(task_id for task_id, _ in here):
            about = {"taskId": task_id}
            actions += [
                _action("Revert all in this file", "roo.changes.revert", about | {"uri": uri}),
                _action("Revert all", "roo.changes.revert", about),
                _action("Keep all", "roo.changes.keep", about),
            ]
        return actions

    def lenses(self, uri: str) -> list[types.CodeLens]:
        """*Keep* and *Revert* above each open hunk of a document."""
        if not self.wants_lenses():
            return []
        found: list[types.CodeLens] = []
        for task_id, file, hunk in self._open_hunks(uri):
            start = types.Position(_lines(file, hunk)[0], 0)
            place = types.Range(start, start)
            about = {"taskId": task_id, "uri": uri, "hunk": hunk.id}
            found += [
                types.CodeLens(place, types.Command(title, command, arguments=[about]))
                for title, command in (
                    ("Keep", "roo.changes.keep"),
                    ("Revert", "roo.changes.revert"),
                )
            ]
        return found

    def _open_hunks(self, uri: str) -> Iterable[tuple[str, FileChanges, Hunk]]:
        document = self.documents.by_uri(uri)
        if document is None:
            return
        for task_id, review in self._tasks.items():
            if (found := review.open_in(document.path, document.text)) is not None:
                for hunk in found[1]:
                    yield task_id, found[0], hunk

    # --- keeping it up to date ------------------------------------------------------------------

    def _document(self, document: Document, what: str) -> None:
        if what != "saved" and any(document.path in each.paths for each in self._tasks.values()):
            self._soon(document.path)

    def _soon(self, path: Path) -> None:
        """Show a file's hunks anew, but not at each key."""
        self._stale.add(path)
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(FOLLOW_SECONDS, self._timed)

    def _timed(self) -> None:
        self._timer = None
        self.start(self._show_stale())

    async def _show_stale(self) -> None:
        stale, self._stale = self._stale, set()
        for path in stale:
            if self.documents.get(path) is None:
                for review in list(self._tasks.values()):
                    await review.follow(path)
            self._show(path)

    def _show(self, path: Path) -> None:
        document = self.documents.get(path)
        uri = document.uri if document else uri_of(path)
        diagnostics: list[types.Diagnostic] = []
        for task_id, review in self._tasks.items():
            found = review.open_in(path, document.text if document else None)
            if found is not None:
                diagnostics += [
                    self._diagnostic(task_id, found[0], hunk, review.state_of(path, hunk))
                    for hunk in found[1]
                ]
        old_uri, old = self._shown.pop(path, (uri, []))
        if diagnostics:
            self._shown[path] = (uri, diagnostics)
        if (old_uri, old) == (uri, diagnostics):
            return
        self.refresh_lenses()
        if self.wants_diagnostics():
            for each in {old_uri, uri}:
                self.publish(each)

    def _diagnostic(
        self, task_id: str, file: FileChanges, hunk: Hunk, state: str
    ) -> types.Diagnostic:
        edited = ", and you since" if state == "edited" else ""
        return types.Diagnostic(
            range=self._marked(file, hunk),
            message=f"Roo {_what(hunk)}{edited}: Keep or revert",
            severity=types.DiagnosticSeverity.Hint,
            source="Roo",
            code=hunk.id,
            data={"taskId": task_id, "hunk": hunk.id},
        )

    def _range(self, file: FileChanges, hunk: Hunk) -> types.Range:
        """Exactly the hunk's lines, with their ends."""
        return types.Range(self._start(file, hunk.first), self._start(file, hunk.last))

    def _marked(self, file: FileChanges, hunk: Hunk) -> types.Range:
        """What is underlined: no more than there is to see; of a new file, its first line."""
        first, last = _lines(file, hunk)
        last = last if file.existed else first
        text = file.lines[last].rstrip("\r\n") if hunk.size else ""
        end = types.Position(last, end_of([text], self.encoding()).character)
        return types.Range(types.Position(first, 0), end)

    def _start(self, file: FileChanges, line: int) -> types.Position:
        if line < len(file.lines):
            return types.Position(line, 0)
        return end_of(file.lines, self.encoding())

    def _uri(self, path: Path) -> str:
        document = self.documents.get(path)
        return document.uri if document else uri_of(path)


def diff_document(changed: Iterable[tuple[Path, FileChanges]], shown: Callable[[Path], str]) -> str:
    """All open changes as one unified diff, made visible, as far as it is not too long."""
    parts: list[str] = []
    size = 0
    for path, file in changed:
        if not file.open:
            continue
        name = shown(path)
        parts.append(f"--- {name if file.existed else '/dev/null'}\n")
        parts.append(f"+++ {name if file.exists else '/dev/null'}\n")
        for line in unified_lines(file.without(file.open), file.text):
            size += len(line)
            if size > MAX_DIFF:
                return "".join([*parts, "… and more: too long to show here\n"])
            parts.append(exact(line, prose=True))
            if not line.endswith("\n"):
                parts.append("\n\\ No line feed at the end of this line\n")
    return "".join(parts) or "Nothing of what Roo changed is left to review.\n"


def where(hunks: Sequence[Hunk]) -> str:
    """The lines of hunks, in words."""
    lines = ", ".join(map(lines_of, hunks))
    return f"line {lines}" if lines.isdigit() else f"lines {lines}"


def lines_of(hunk: Hunk) -> str:
    """The lines of a hunk as people count them; of lines that were removed, the one they stood before."""
    first, last = hunk.first + 1, max(hunk.first + 1, hunk.last)
    return str(first) if first == last else f"{first}-{last}"


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


def _lines(file: FileChanges, hunk: Hunk) -> tuple[int, int]:
    """The first and last line of it that a cursor can be on."""
    end = max(0, len(file.lines) - 1)
    first = min(hunk.first, end)
    return first, max(first, hunk.last - 1)


def _meets(lines: tuple[int, int], asked: types.Range) -> bool:
    end = asked.end.line
    if end > asked.start.line and asked.end.character == 0:
        end -= 1  # whole lines are selected
    return asked.start.line <= lines[1] and lines[0] <= end


def _what(hunk: Hunk) -> str:
    if hunk.after:
        verb = "changed" if hunk.before else "added"
        count = len(hunk.after)
    elif hunk.before:
        verb, count = "removed", len(hunk.before)
    else:
        return "made an empty file"
    return f"{verb} {count} {'line' if count == 1 else 'lines'}"


def _is_quick_fix(kind: Any) -> bool:
    name = str(getattr(kind, "value", kind))
    return name in {"", types.CodeActionKind.QuickFix.value}


def _action(title: str, command: str, about: dict[str, str]) -> types.CodeAction:
    return types.CodeAction(
        title=title,
        kind=types.CodeActionKind.QuickFix,
        command=types.Command(title=title, command=command, arguments=[about]),
    )
