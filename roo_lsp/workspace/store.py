"""Tasks on disk: append-only lines, so that a crash at any moment loses at most the last one.

tasks/index.jsonl            one line for each change of a task's summary; the last one counts
tasks/<id>/events.jsonl      what clients were told, line n being the event with `seq` n
tasks/<id>/messages.jsonl    the history
tasks/<id>/outputs/          what commands printed
tasks/<id>/changes/          what tools changed, a file for each, rewritten when it changes
tasks/<id>/waiting/          what waits for the user, a file for each
tasks/<id>/checkpoints.jsonl  the states of the workspace that the task can go back to
tasks/<id>/lock              held by the server that runs the task's turn
"""

import asyncio
import os
import re
import shutil
import stat
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any

from roo_lsp.agent.errors import RooError, ToolError
from roo_lsp.agent.messages import (
    AssistantMessage,
    Condensed,
    HistoryEntry,
    Image,
    Rewound,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from roo_lsp.workspace.claims import Claims, locked
from roo_lsp.workspace.journal import (
    Journals,
    StoreError,
    lines_of,
    open_for_append,
    store_errors,
    write_all,
)
from roo_lsp.workspace.task_index import TaskIndex, TaskSummary, parsed

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class TaskStore:
    """The tasks of a state folder; several servers may use the same folder.

    All methods raise `StoreError` where the disk does not let them. What was to be appended is not
    lost by that: it is read back, and written before whatever is appended next.
    """

    def __init__(self, state_dir: Path) -> None:
        """Makes the folder, for its owner alone.

        Raises:
            RooError: it is a symbolic link, or another user's.
            OSError: it cannot be made.
        """
        self._state_dir = state_dir
        self._tasks = state_dir / "tasks"
        self._make_folders()
        self._alone = partial(locked, self._tasks / "index.lock")
        self._index = TaskIndex(self._tasks / "index.jsonl", self._alone)
        self._journals = Journals()
        self._claims = Claims(self._alone)
        self._seqs: dict[str, int] = {}

    def make_folder(self, task_id: str) -> Path:
        """That of a task; it is listed once it is created."""
        folder = self._folder(task_id)
        with store_errors(self._state_dir):
            self._make_folders()  # somebody may have tidied up
            folder.mkdir(mode=0o700, exist_ok=True)
        return folder

    def create(self, summary: TaskSummary) -> None:
        folder = self.make_folder(summary.task_id)
        try:
            self.update(summary)
        except StoreError:
            with suppress(OSError):
                folder.rmdir()
            raise

    def update(self, summary: TaskSummary) -> None:
        self._folder(summary.task_id)
        self._index.put(summary)

    def append_event(self, task_id: str, roo: Mapping[str, Any]) -> None:
        self._seqs[task_id] = roo["seq"]
        self._journals.append(self._events_of(task_id), roo)

    def append_message(self, task_id: str, message: HistoryEntry) -> None:
        self._journals.append(self._messages_of(task_id), message_json(message))

    async def sync(self, task_id: str) -> None:
        """Returns once the history and the events, as far as they go, would survive a power failure.

        By the events a call that has begun is known, and is not offered again.
        """
        await asyncio.gather(
            self._journals.sync(self._messages_of(task_id)),
            self._journals.sync(self._events_of(task_id)),
        )

    def events(self, task_id: str, since_seq: int, limit: int) -> tuple[list[dict[str, Any]], int]:
        """The events after `since_seq`, and the number to go on from: that of the last of them."""
        file, since_seq = self._events_of(task_id), min(since_seq, sys.maxsize)
        found = _events(islice(self._lines(file), since_seq, None), since_seq, limit)
        if found and found[0]["seq"] != since_seq + 1:  # a disk fault took a line: look at each
            found = _events(self._lines(file), since_seq, limit)
        return found, found[-1]["seq"] if found else since_seq

    def last_seq(self, task_id: str) -> int:
        """The number of the last event; 0 without events."""
        if task_id not in self._seqs:
            file = self._events_of(task_id)
            last = _last(_last_lines(file)) or _last(list(lines_of(file))[::-1])
            self._seqs[task_id] = last["seq"] if last else 0
        return self._seqs[task_id]

    def messages(self, task_id: str) -> list[HistoryEntry]:
        """All that was written; `History` makes of it what the model is sent."""
        values = (parsed(line) for line in self._lines(self._messages_of(task_id)))
        return [message_from(value) for value in values if value is not None]

    def list(self, workspace: str | None, limit: int) -> Sequence[TaskSummary]:
        """The newest tasks first; of one workspace, or of all."""
        return self._index.newest(workspace, limit)

    def unfinished(self, workspace: str) -> Sequence[TaskSummary]:
        """The tasks of a workspace whose turn is not over, the newest first."""
        return self._index.unfinished(workspace)

    def get(self, task_id: str) -> TaskSummary | None:
        self._folder(task_id)
        return self._index.get(task_id)

    def delete(self, task_id: str) -> None:
        """Forget a task and what is stored of it.

        Raises:
            RooError: another server runs it.
        """
        folder = self._folder(task_id)
        if folder.exists():
            self._claims.take(folder)
        self._seqs.pop(task_id, None)
        self._journals.forget(folder)
        with self._alone():
            shutil.rmtree(folder, ignore_errors=True)
        self._claims.free(folder)
        self._index.forget(task_id)

    def changes_dir(self, task_id: str) -> Path:
        """Where it is kept what the task changed; made when there is anything."""
        return self._folder(task_id) / "changes"

    def outputs_dir(self, task_id: str) -> Path:
        """Where the outputs of a task's commands go; made when there are any."""
        return self._folder(task_id) / "outputs"

    def waiting_dir(self, task_id: str) -> Path:
        """Where it is kept what waits for the user; made when there is anything."""
        return self._folder(task_id) / "waiting"

    def write_transcript(self, task_id: str, text: str) -> Path:
        """The file that shows a task to people, as it is now."""
        folder = self._folder(task_id)
        file, fresh = folder / "transcript.md", folder / "transcript.new"
        with store_errors(folder):
            fresh.unlink(missing_ok=True)
            descriptor = open_for_append(fresh)
            try:
                write_all(descriptor, text.encode("utf-8", "replace"))
            finally:
                os.close(descriptor)
            fresh.replace(file)
        return file

    # --- one writer a task ------------------------------------------------------------------

    def claim(self, task_id: str) -> None:
        """Before anything is appended to a task: no other server may do that until `release`.

        Raises:
            RooError: another server has it (`busy_elsewhere`).
            StoreError: it is gone, or what an earlier append left waiting still cannot be written.
        """
        if not self.claimed(task_id):
            self._claims.take(self._folder(task_id))
            self._seqs.pop(task_id, None)
        self._journals.retry(self._messages_of(task_id))
        self._journals.retry(self._events_of(task_id))

    def claimed(self, task_id: str) -> bool:
        return self._claims.holds(self._folder(task_id))

    def release(self, task_id: str) -> None:
        """Close a task's files and let others write to it; not while something waits to be written."""
        folder = self._folder(task_id)
        if self._claims.holds(folder):
            with suppress(StoreError):
                self.claim(task_id)
                self._seqs.pop(task_id, None)
                self._claims.free(folder)
        self._journals.close(folder)

    def elsewhere(self, task_ids: Iterable[str]) -> set[str]:
        """Those of the tasks that other servers have claimed."""
        folders = {self._folder(task_id): task_id for task_id in task_ids}
        return {folders[folder] for folder in self._claims.elsewhere(folders)}

    def extent(self, task_id: str) -> tuple[int, int]:
        """How much of a task is stored; as long as it stays the same, nobody has written to it."""
        files = (self._events_of(task_id), self._messages_of(task_id))
        sizes = [file.stat().st_size if file.exists() else 0 for file in files]
        return sizes[0], sizes[1]

    def close(self) -> None:
        self._journals.close()
        self._claims.close()

    def _make_folders(self) -> None:
        _private_folder(self._state_dir)
        _private_folder(self._tasks)

    def _folder(self, task_id: str) -> Path:
        if not _ID.fullmatch(task_id):
            raise ToolError(f"{task_id!r} is not the id of a task.")
        return self._tasks / task_id

    def _events_of(self, task_id: str) -> Path:
        return self._folder(task_id) / "events.jsonl"

    def _messages_of(self, task_id: str) -> Path:
        return self._folder(task_id) / "messages.jsonl"

    def _lines(self, file: Path) -> Iterator[bytes]:
        return chain(lines_of(file), self._journals.waiting(file))


# --- messages as JSON -----------------------------------------------------------------------


def message_json(message: HistoryEntry) -> dict[str, Any]:
    """An entry as it is stored; what is empty is left out."""
    match message:
        case UserMessage(text, images):
            value: dict[str, Any] = {"role": "user", "text": text, "images": _images_json(images)}
            value |= {"shown": message.shown, "meant": message.meant, "known": message.known}
        case AssistantMessage(text, calls, reasoning, reasoning_field, details):
            value = {
                "role": "assistant",
                "text": text,
                "calls": [[call.id, call.name, call.arguments] for call in calls],
                "reasoning": [reasoning, reasoning_field] if reasoning else None,
                "reasoning_details": details,
            }
        case ToolMessage(call_id, text, failed, images):
            value = {"role": "tool", "call_id": call_id, "text": text, "failed": failed}
            value |= {"images": _images_json(images), "known": message.known}
        case Condensed(text, kept):
            value = {"role": "condensed", "text": text, "kept": kept}
        case Rewound(length):
            value = {"role": "rewound", "length": length}
    return {key: part for key, part in value.items() if part or key in _ALWAYS}


def message_from(value: Mapping[str, Any]) -> HistoryEntry:
    """The entry that was stored."""
    images = tuple(Image(*each) for each in value.get("images", ()))
    known = tuple((path, digest) for path, digest in value.get("known", ()))
    match value["role"]:
        case "user":
            shown, meant = value.get("shown", ""), value.get("meant", "")
            return UserMessage(value["text"], images, shown=shown, meant=meant, known=known)
        case "assistant":
            calls = tuple(ToolCall(*call) for call in value.get("calls", ()))
            reasoning, where = value.get("reasoning", ("", ""))
            details = value.get("reasoning_details", "")
            return AssistantMessage(value["text"], calls, reasoning, where, details)
        case "tool":
            failed = value.get("failed", False)
            return ToolMessage(value.get("call_id", ""), value["text"], failed, images, known)
        case "condensed":
            return Condensed(value["text"], value["kept"])
        case "rewound":
            return Rewound(value["length"])
        case role:
            raise ValueError(f"a stored message has the role {role!r}")


_ALWAYS = {"text", "kept", "length"}


def _images_json(images: Iterable[Image]) -> list[list[str]]:
    return [[each.media_type, each.data, *filter(None, [each.uri])] for each in images]


# --- lines ----------------------------------------------------------------------------------


def _private_folder(folder: Path) -> None:
    for each in [*reversed(folder.parents), folder]:  # `mkdir(parents=True)` knows no mode
        with suppress(FileExistsError):
            if not each.exists():
                each.mkdir(mode=0o700)
    facts = folder.lstat()
    if not stat.S_ISDIR(facts.st_mode):
        raise RooError(
            "settings_invalid",
            f"The state folder {folder} is a link or a file.",
            "Give a real folder with ROO_STATE_DIR.",
        )
    if hasattr(os, "getuid") and facts.st_uid != os.getuid():
        raise RooError(
            "settings_invalid",
            f"The state folder {folder} belongs to another user.",
            "Give a folder of your own with ROO_STATE_DIR.",
        )
    if stat.S_IMODE(facts.st_mode) & 0o077:
        folder.chmod(0o700)


def _events(lines: Iterable[bytes], since_seq: int, limit: int) -> list[dict[str, Any]]:
    events = (event for line in lines if (event := parsed(line)) is not None)
    return list(islice((event for event in events if event["seq"] > since_seq), limit))


def _last(lines: Iterable[bytes]) -> dict[str, Any] | None:
    return next((event for line in lines if (event := parsed(line)) is not None), None)


def _last_lines(file: Path) -> list[bytes]:
    """The last lines, the very last first; the beginning of the first of them may be missing."""
    with store_errors(file.parent), suppress(FileNotFoundError), file.open("rb") as lines:
        size = lines.seek(0, os.SEEK_END)
        lines.seek(max(0, size - 1_000_000))
        return lines.read().splitlines()[::-1]
    return []
