"""Checkpoints of tasks: the workspace before a turn changes it, and after each answer that did.

They are taken beside the model's requests. Only what changes something waits, for one that is being
taken; and what the user types meanwhile is never in the way.
"""

import asyncio
import logging
import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from roo_lsp.agent.columns import one_line
from roo_lsp.agent.errors import RooError, ToolError
from roo_lsp.agent.events import (
    AgentEvent,
    CheckpointTaken,
    ConversationRewound,
    FileChanged,
    PermissionAsked,
    PermissionSettled,
    ToolCallStarted,
    ToolCallUpdated,
)
from roo_lsp.agent.messages import AssistantMessage, HistoryEntry, Rewound, ToolMessage, UserMessage
from roo_lsp.agent.ports import FileSystem
from roo_lsp.agent.tool import ToolKind
from roo_lsp.tasks.refusals import Invalid, Refused
from roo_lsp.tasks.task import Task
from roo_lsp.workspace.checkpoints.git import CheckpointError, find_git
from roo_lsp.workspace.checkpoints.putting_back import PutBack, put_back
from roo_lsp.workspace.checkpoints.records import Checkpoint, Records
from roo_lsp.workspace.checkpoints.shadow import FolderState, Shadow
from roo_lsp.workspace.encodings import decode
from roo_lsp.workspace.journal import store_errors
from roo_lsp.workspace.policy import Surprises
from roo_lsp.workspace.private import write_private
from roo_lsp.workspace.store import TaskStore
from roo_lsp.workspace.trust import too_wide
from roo_lsp.workspace.uris import path_of, uri_of

log = logging.getLogger(__name__)

ACTING = frozenset({ToolKind.EDIT, ToolKind.DELETE, ToolKind.MOVE, ToolKind.EXECUTE})
BEFORE = "Before: "
"""How the labels begin of states that a turn's first change was made to."""
LABEL_LENGTH = 60
CLOSE_SECONDS = 2.0
"""How long a checkpoint may still take when a turn, or the server, ends."""
DIFF_BYTES = 1_000_000
LEFT_OUT = "… and more, which is left out\n"
OFF = "Checkpoints are switched off (roo.checkpoints.enabled)."


@dataclass(slots=True)
class Checkpoints:
    """The checkpoints of one client's tasks."""

    folders: Sequence[Path]
    state_dir: Path
    store: TaskStore
    tell: Callable[[str], None]
    """Shows the user a message."""
    enabled: Callable[[], bool]
    open_paths: Callable[[], Iterable[Path]]
    """Files that an editor has open: what is put back into them goes through it."""
    hidden: Callable[[str], str]
    """A text without the keys that are known: what is stored for people to read has none."""
    may_edit: Callable[[str], bool]
    """Whether files can be edited in a mode."""
    going_back: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while files are put back: nothing else is changed meanwhile."""
    _shadows: list[Shadow] | None = None
    _why_not: str = ""
    _tasks: dict[str, "TaskCheckpoints"] = field(default_factory=dict[str, "TaskCheckpoints"])
    _pool: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(1, thread_name_prefix="checkpoints")
    )
    _tidied: bool = False
    _background: set[asyncio.Future[Any]] = field(default_factory=set[asyncio.Future[Any]])

    def of(self, task: Task, files: FileSystem, surprises: Surprises) -> "TaskCheckpoints":
        """A task's checkpoints, when its agent is made."""
        found = self._tasks[task.id] = TaskCheckpoints(self, task, files, surprises)
        return found

    def task(self, task_id: str) -> "TaskCheckpoints":
        """Those of a task that is open here."""
        return self._tasks[task_id]

    def why_not(self) -> str:
        """Why there are none, as a sentence; empty where there are."""
        if not self.enabled():
            return OFF
        if self._shadows is None:
            self._shadows = self._find()
        return self._why_not

    def wanted(self) -> bool:
        """True where they are taken; else the user is told, once, unless it was they who said so."""
        known = self._shadows is not None
        why = self.why_not()
        if why and why != OFF and not known:
            self.tell(f"{why} What the agent changes cannot be taken back by one.")
        return not why

    @property
    def shadows(self) -> Sequence[Shadow]:
        return self._shadows or ()

    def folders_changed(self) -> None:
        """The next checkpoint is of other folders."""
        if self._shadows is not None:
            self._shadows, self._why_not = None, ""

    def records(self, task_id: str) -> Records:
        return Records(self._folder(task_id) / "checkpoints.jsonl")

    def forget(self, task_id: str) -> None:
        """The task is deleted."""
        self._tasks.pop(task_id, None)
        if not self.why_not():
            for shadow in self.shadows:
                shadow.release(task_id)

    async def in_thread(self, work: Callable[[], Any]) -> Any:
        """Do something with the shadows, after whatever else is being done with them."""
        done = asyncio.get_running_loop().run_in_executor(self._pool, work)
        self._background.add(done)
        done.add_done_callback(self._background.discard)
        return await asyncio.shield(done)

    def tidy_once(self) -> None:
        """Let go of what deleted tasks had, beside everything else."""
        if not self._tidied:
            self._tidied = True
            for shadow in self.shadows:
                tidying = asyncio.ensure_future(asyncio.to_thread(shadow.tidy, self._exists))
                self._background.add(tidying)
                tidying.add_done_callback(self._background.discard)

    async def close(self) -> None:
        """Let a checkpoint that is being taken be done, for a moment; then end it."""
        if self._background:
            await asyncio.wait(set(self._background), timeout=CLOSE_SECONDS)
        for shadow in self.shadows:
            shadow.kill()
        await asyncio.gather(*self._background, return_exceptions=True)
        await asyncio.gather(*(each.settled() for each in self._tasks.values()))
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _exists(self, task_id: str) -> bool:
        return self._folder(task_id).is_dir()

    def _folder(self, task_id: str) -> Path:
        return self.store.outputs_dir(task_id).parent

    def _find(self) -> list[Shadow]:
        for folder in self.folders:
            if why := too_wide(folder):
                self._why_not = f"There are no checkpoints here: {folder} is {why}."
                return []
        program = find_git(self.folders, os.environ.get("PATH", os.defpath))
        if program is None:
            self._why_not = "There are no checkpoints: no git was found on this machine."
            return []
        return [Shadow.of(folder, self.state_dir, program) for folder in self.folders]


@dataclass(frozen=True, slots=True)
class Difference:
    """What changed since a checkpoint, as a unified diff, here and in a file."""

    checkpoint_id: str
    text: str
    truncated: bool
    file: Path


@dataclass(slots=True)
class TaskCheckpoints:
    """The checkpoints of one task: told what happens in it, it takes them when they are due."""

    owner: Checkpoints
    task: Task
    files: FileSystem
    surprises: Surprises
    """What makes approvals stop; a failure is one."""
    entries: int = 0
    """Entries of the task's history."""
    _place: int = 0
    """How many of them there were when every call had its result."""
    _open: set[str] = field(default_factory=set[str])
    """Calls of the last answer that have no result yet."""
    _prompt: str = ""
    _fresh: bool = False
    """The state before this turn's first change is recorded, or is being."""
    _early: bool = False
    """It was begun before the call was approved."""
    _job: asyncio.Task[None] | None = None
    _doing: str = ""
    """The title of the call that runs."""
    _acted: list[str] = field(default_factory=list[str])
    """Titles of calls since the last request that may have changed something."""
    _whole: bool = False
    """Some of them may have changed anything."""
    _changed: set[Path] = field(default_factory=set[Path])
    """What the others changed."""
    _broken: bool = False
    _said_so: bool = False

    # --- what is told -----------------------------------------------------------------------

    def begin(self, entries: int) -> None:
        """The history is read from the store, with so many entries."""
        self.entries = self._place = entries

    def keep_entry(self, entry: HistoryEntry) -> None:
        """An entry is added to the history."""
        self.entries += 1
        match entry:
            case AssistantMessage(calls=calls):
                self._open = {call.id for call in calls}
            case ToolMessage(call_id):
                self._open.discard(call_id)
            case _:
                self._open.clear()
        if not self._open:
            self._place = self.entries
        if isinstance(entry, UserMessage) and entry.text:  # what went along has none
            self._fresh, self._prompt = False, entry.text
        self.task.record.keep_entry(entry)

    def before_request(self) -> None:
        """The calls of the last answer are done, and the model is asked again."""
        if not self._acted:
            if self.entries <= 1 and self.owner.may_edit(self.task.mode) and self.owner.wanted():
                self._prime()
            return
        acted, self._acted = self._acted, []
        paths = None if self._whole else self._changed
        self._whole, self._changed = False, set()
        if self.owner.wanted() and (paths is None or paths):
            more = f" and {len(acted) - 1} more" if len(acted) > 1 else ""
            self._take(f"After: {_short(acted[0])}{more}", paths)

    async def before_acting(self, *, whole: bool) -> None:
        """Awaited before something is changed; `whole`: it may be anything in the workspace.

        Raises:
            ToolError: the call is not recorded, or no checkpoint can be taken, for the first time.
        """
        await self.task.record.synced()
        async with self.owner.going_back:
            pass
        if not self.owner.wanted():
            return
        if not self._fresh:
            self._before()
        self._early = False
        await self.settled()
        if self._broken and not self._said_so:
            self._said_so = True
            raise ToolError(
                "Not done: no checkpoint could be taken before it. The user was told, and "
                "is asked about everything that acts from now on. Make the call again if it is "
                "still right."
            )
        self._acted.append(self._doing)
        self._whole |= whole

    async def turn_ends(self) -> None:
        """Returns once no checkpoint of the turn is being taken, or after a moment."""
        if self._job is not None:
            await asyncio.wait({self._job}, timeout=CLOSE_SECONDS)

    async def settled(self) -> None:
        """Returns once no checkpoint is being taken."""
        while self._job is not None and not self._job.done():
            await asyncio.wait({self._job})

    def saw(self, event: AgentEvent) -> None:
        """Something happens in the task."""
        match event:
            case ToolCallStarted(kind=kind) if kind in ACTING and not self._fresh and self._idle():
                if self.owner.wanted():
                    self._before()
                    self._early = True
            case ToolCallUpdated(status="in_progress", output="", title=title):
                self._doing = title
            case PermissionAsked() if self._broken:
                self._said_so = True  # who is asked from now on knows it
            case PermissionSettled() if self._early:
                self._fresh = self._early = False  # who knows what happened while it was asked
            case FileChanged(uri=uri) if (path := path_of(uri)) is not None:
                self._changed.add(Path(os.path.realpath(path)))
            case _:
                pass

    # --- what is taken ----------------------------------------------------------------------

    def _idle(self) -> bool:
        return self._job is None or self._job.done()

    def _before(self) -> None:
        self._fresh = True
        self._take(f"{BEFORE}{_short(self._prompt)}")

    def _prime(self) -> None:
        """The first look at a workspace takes a while: begin before somebody waits for it."""
        if not all(shadow.primed for shadow in self.owner.shadows):
            self._start(partial(_look, self.owner.shadows, self.files.unsaved(), None))

    def _take(self, label: str, paths: Collection[Path] | None = None) -> None:
        self._start(self._taking(label, paths))

    def _taking(
        self, label: str, paths: Collection[Path] | None, *, always: bool = False
    ) -> "_Taking":
        records = self.owner.records(self.task.id)
        shadows, buffers = self.owner.shadows, self.files.unsaved()
        return _Taking(
            shadows, records, self.task.id, label, self._place, buffers, paths, always=always
        )

    def _start(self, work: Callable[[], Any]) -> None:
        self._job = asyncio.create_task(self._run(work), name=f"checkpoint of {self.task.id}")

    async def _run(self, work: Callable[[], Any]) -> None:
        try:
            taken = await self.owner.in_thread(work)
        except asyncio.CancelledError:
            return
        except (CheckpointError, RooError) as error:
            why = error.message if isinstance(error, RooError) else str(error)
            self._failed(why.rstrip("."))
            return
        except Exception:
            log.exception("a checkpoint failed with a bug")
            self._failed("an internal error of roo-lsp")
            return
        if isinstance(taken, Checkpoint):
            self.task.emit(CheckpointTaken(taken.id, taken.label))
        self.owner.tidy_once()

    def _failed(self, why: str) -> None:
        log.warning("no checkpoint of %s: %s", self.task.id, why)
        if self._broken or any(shadow.git.killed for shadow in self.owner.shadows):
            return
        self._broken = True
        self.surprises.happened(f"no checkpoint could be taken ({why})")
        self.owner.tell(
            f"Roo could not take a checkpoint: {why}. The task goes on, but asks you about "
            "everything that changes something."
        )

    # --- what is asked for ------------------------------------------------------------------

    def listed(self) -> list[dict[str, Any]]:
        """For clients, oldest first."""
        return [
            {
                "checkpointId": each.id,
                "label": each.label,
                "createdAt": each.created_at,
                "files": each.files,
            }
            for each in self.owner.records(self.task.id).all()
        ]

    async def difference(self, checkpoint_id: str | None) -> Difference:
        """What changed since a checkpoint.

        Raises:
            Invalid, Refused: there is no such checkpoint, or it is gone.
        """
        wanted = self._wanted(checkpoint_id)
        work = partial(_difference, self.owner.shadows, wanted, self.files.unsaved())
        found, truncated = await self._asked(work)
        text = self.owner.hidden(found)
        file = self.owner.records(self.task.id).file.with_name("checkpoint.diff")
        with store_errors(file.parent):
            write_private(file, text + LEFT_OUT * truncated)
        return Difference(wanted.id, text, truncated, file)

    async def go_back(self, checkpoint_id: str | None, *, conversation: bool) -> dict[str, Any]:
        """Make the workspace what it was; what it is now is a checkpoint first.

        An open file is put back in the editor, and listed as unsaved where the disk does not hold it.

        Raises:
            Invalid, Refused: there is no such checkpoint, it is gone, or no state can be recorded.
        """
        wanted = self._wanted(checkpoint_id)
        async with self.owner.going_back:
            await self.settled()
            done = await self._files_back(wanted)
            if conversation:
                self._conversation_back(wanted.entries)
        return {"taskId": self.task.id, "checkpointId": wanted.id, **done}

    async def take_back(self, entry: int) -> dict[str, Any]:
        """Make the conversation and the workspace what they were before a message of the user.

        Where no checkpoint was taken since, the agent has changed nothing, and files stay as they are.

        Raises:
            Invalid, Refused: there is no such message, its state is gone, or none can be recorded.
        """
        said = self.owner.store.messages(self.task.id)
        if not (entry < len(said) and isinstance(said[entry], UserMessage)):
            raise Invalid(f"instead: no message of yours stands at {entry} in this task")
        async with self.owner.going_back:
            await self.settled()
            state = None if self.owner.why_not() else self._state_before(entry)
            done = {} if state is None else await self._files_back(state)
            self._conversation_back(entry)
        return done

    def _state_before(self, entry: int) -> Checkpoint | None:
        """The workspace when a message was said; None where nothing was changed since."""
        records = self.owner.records(self.task.id).all()
        since = next((each for each in records if each.entries > entry), None)
        if since is None or since.label.startswith(BEFORE):
            return since
        # The state before its changes was that of the last checkpoint: it was not taken twice.
        return next((each for each in reversed(records) if each.entries <= entry), None)

    async def _files_back(self, wanted: Checkpoint) -> dict[str, Any]:
        label = f"Before going back to {wanted.id}"
        now: Checkpoint = await self._asked(self._taking(label, None, always=True))
        self.task.emit(CheckpointTaken(now.id, now.label))
        done: list[str] = []
        left: list[dict[str, str]] = []
        for shadow in self.owner.shadows:
            back = await self._put_back(shadow, now, wanted)
            done += [uri_of(shadow.folder / path) for path in back.done]
            left += [
                {"uri": uri_of(shadow.folder / path), "reason": why} for path, why in back.left
            ]
        self._fresh = False
        unsaved = [uri for path in self.files.unsaved() if (uri := uri_of(path)) in done]
        return {"undo": now.id, "restored": done, "unsaved": unsaved, "left": left}

    def _conversation_back(self, entries: int) -> None:
        self.task.record.keep_entry(Rewound(entries))
        self.task.read_anew()
        self.task.emit(ConversationRewound(entries))

    async def _put_back(self, shadow: Shadow, now: Checkpoint, wanted: Checkpoint) -> PutBack:
        folder = str(shadow.folder)
        if folder not in wanted.trees:
            return PutBack()
        documents = {
            path.relative_to(shadow.folder).as_posix()
            for path in self.owner.open_paths()
            if path.is_relative_to(shadow.folder)
        }
        skipped = wanted.was_skipped(folder)
        trees = now.trees[folder], wanted.trees[folder]
        back: PutBack = await self._asked(
            lambda: put_back(shadow, shadow.changes(*trees), documents, skipped)
        )
        for path, data in back.texts.items():
            if why := await self._put_in_editor(shadow.folder / path, data):
                back.left.append((path, why))
            elif path not in back.done:
                back.done.append(path)
        for path in back.gone:
            if why := await self._remove_in_editor(shadow.folder / path):
                back.left.append((path, why))
            else:
                back.done.append(path)
        return back

    async def _put_in_editor(self, path: Path, data: bytes) -> str:
        """Why an open file is left as it is; empty where it is what it was."""
        decoded = decode(data, path)
        if decoded is None:
            return "it is open in the editor, and held no text then"
        try:
            now = await self.files.read(path)
            await self.files.write(path, decoded[0], now.stamp)
        except ToolError as error:
            return error.text
        return ""

    async def _remove_in_editor(self, path: Path) -> str:
        """Why an open file is still there; empty where it is gone."""
        try:
            now = await self.files.read(path)
            await self.files.delete(path, now.stamp)
        except ToolError as error:
            return error.text
        return ""

    def _wanted(self, checkpoint_id: str | None) -> Checkpoint:
        if why := self.owner.why_not():
            raise Refused(why, "not_available")
        found = self.owner.records(self.task.id).all()
        if not found:
            raise Refused("This task has no checkpoints: it changed nothing yet.", "no_checkpoint")
        if checkpoint_id is None:
            raise Invalid(
                f"checkpointId: say which; there are {', '.join(each.id for each in found)}"
            )
        for each in found:
            if each.id == checkpoint_id:
                return each
        raise Invalid(f"checkpointId: there is no {checkpoint_id}")

    async def _asked(self, work: Callable[[], Any]) -> Any:
        try:
            return await self.owner.in_thread(work)
        except CheckpointError as error:
            raise Refused(
                f"The checkpoint cannot be used: {error}.", "checkpoint_failed"
            ) from error


@dataclass(frozen=True, slots=True)
class _Taking:
    """One checkpoint, to be taken in a thread; None where nothing changed since the last."""

    shadows: Sequence[Shadow]
    records: Records
    task_id: str
    label: str
    entries: int
    buffers: Mapping[Path, str]
    paths: Collection[Path] | None
    always: bool = False

    def __call__(self) -> Checkpoint | None:
        states = _look(self.shadows, self.buffers, self.paths)
        trees = {folder: state.tree for folder, state in states.items()}
        before = self.records.all()
        if not self.always and before and before[-1].trees == trees:
            return None
        for shadow in self.shadows:
            shadow.keep(self.task_id, str(len(before) + 1), trees[str(shadow.folder)])
        return self.records.add(
            self.label,
            sum(state.changed for state in states.values()),
            self.entries,
            trees,
            {folder: state.skipped for folder, state in states.items()},
        )


def _look(
    shadows: Sequence[Shadow], buffers: Mapping[Path, str], paths: Collection[Path] | None
) -> dict[str, FolderState]:
    return {str(shadow.folder): shadow.look(buffers, paths) for shadow in shadows}


def _difference(
    shadows: Sequence[Shadow], then: Checkpoint, buffers: Mapping[Path, str]
) -> tuple[str, bool]:
    parts: list[str] = []
    room, truncated = DIFF_BYTES, False
    for shadow in shadows:
        folder = str(shadow.folder)
        if folder in then.trees:
            now = shadow.look(buffers)
            text, more = shadow.difference(then.trees[folder], now.tree, room)
            parts.append(text)
            room -= len(text.encode())
            truncated |= more
    return "".join(parts), truncated


def _short(text: str) -> str:
    line = one_line(text)
    return line if len(line) <= LABEL_LENGTH else f"{line[: LABEL_LENGTH - 1]}…"
