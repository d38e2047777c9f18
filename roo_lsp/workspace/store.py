"""Tasks on disk: append-only lines, so that a crash at any moment loses at most the last one.

tasks/index.jsonl            one line for each change of a task's summary; the last one counts
tasks/<id>/events.jsonl      what clients were told, line n being the event with `seq` n
tasks/<id>/messages.jsonl    the history
tasks/<id>/outputs/          what commands printed
"""

import json
import os
import re
import shutil
import stat
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, fields
from itertools import islice
from pathlib import Path
from typing import Any, cast

from roo_lsp.agent.errors import RooError, ToolError
from roo_lsp.agent.messages import (
    AssistantMessage,
    Condensed,
    Entry,
    Image,
    ToolCall,
    ToolMessage,
    UserMessage,
)

try:
    import fcntl
except ImportError:  # Windows: two servers may then lose each other's last summary
    fcntl = None

VERSION = 1
COMPACT_BYTES = 1_000_000
"""The index is rewritten when it is larger, and grew to four times what it needs."""
MAX_OPEN = 64
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class TaskSummary:
    """What a list of tasks shows of one; times are seconds since 1970."""

    task_id: str
    title: str
    state: str
    mode: str
    created_at: float
    updated_at: float
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float = 0.0
    workspace: str = ""
    version: int = VERSION


class TaskStore:
    """The tasks of a state folder; several servers may use the same folder."""

    def __init__(self, state_dir: Path) -> None:
        """Makes the folder, for its owner alone.

        Raises:
            RooError: it is a symbolic link, or another user's.
        """
        _private_folder(state_dir)
        self._tasks = state_dir / "tasks"
        _private_folder(self._tasks)
        self._index = self._tasks / "index.jsonl"
        self._open: dict[Path, int] = {}
        self._seqs: dict[str, int] = {}

    def create(self, summary: TaskSummary) -> None:
        folder = self._folder(summary.task_id)
        folder.mkdir(mode=0o700, exist_ok=True)
        self.update(summary)

    def update(self, summary: TaskSummary) -> None:
        self._folder(summary.task_id)
        self._add_to_index(asdict(summary))

    def append_event(self, task_id: str, roo: Mapping[str, Any]) -> None:
        self._append(self._folder(task_id) / "events.jsonl", roo)
        self._seqs[task_id] = roo["seq"]

    def append_message(self, task_id: str, message: Entry) -> None:
        self._append(self._folder(task_id) / "messages.jsonl", message_json(message))

    def events(self, task_id: str, since_seq: int, limit: int) -> tuple[list[dict[str, Any]], int]:
        """The events after `since_seq`, and the number to go on from: that of the last of them."""
        file = self._folder(task_id) / "events.jsonl"
        found = _events(islice(_lines(file), since_seq, None), since_seq, limit)
        if found and found[0]["seq"] != since_seq + 1:  # a disk fault took a line: look at each
            found = _events(_lines(file), since_seq, limit)
        return found, found[-1]["seq"] if found else since_seq

    def last_seq(self, task_id: str) -> int:
        """The number of the last event; 0 without events."""
        if task_id not in self._seqs:
            file = self._folder(task_id) / "events.jsonl"
            last = _last(_last_lines(file)) or _last(list(_lines(file))[::-1])
            self._seqs[task_id] = last["seq"] if last else 0
        return self._seqs[task_id]

    def messages(self, task_id: str) -> list[Entry]:
        """All that was written; see `messages.in_view` and, for what a crash left undone, `repaired`."""
        file = self._folder(task_id) / "messages.jsonl"
        values = (_parsed(line) for line in _lines(file))
        return [message_from(value) for value in values if value is not None]

    def list(self, workspace: str | None, limit: int) -> list[TaskSummary]:
        """The newest tasks first; of one workspace, or of all."""
        found = [
            summary
            for summary in self._summaries().values()
            if workspace is None or summary.workspace == workspace
        ]
        found.sort(key=lambda summary: summary.updated_at, reverse=True)
        return found[:limit]

    def get(self, task_id: str) -> TaskSummary | None:
        self._folder(task_id)
        return self._summaries().get(task_id)

    def delete(self, task_id: str) -> None:
        folder = self._folder(task_id)
        self.release(task_id)
        shutil.rmtree(folder, ignore_errors=True)
        self._add_to_index({"task_id": task_id, "deleted": True})

    def outputs_dir(self, task_id: str) -> Path:
        """Where the outputs of a task's commands go; made when there are any."""
        return self._folder(task_id) / "outputs"

    def release(self, task_id: str) -> None:
        """Close a task's files; the next append opens them again."""
        folder = self._folder(task_id)
        self._seqs.pop(task_id, None)
        for file in [each for each in self._open if each.parent == folder]:
            os.close(self._open.pop(file))

    def close(self) -> None:
        for descriptor in self._open.values():
            os.close(descriptor)
        self._open.clear()

    def _folder(self, task_id: str) -> Path:
        if not _ID.fullmatch(task_id):
            raise ToolError(f"{task_id!r} is not the id of a task.")
        return self._tasks / task_id

    def _append(self, file: Path, value: Mapping[str, Any]) -> None:
        descriptor = self._open.get(file)
        if descriptor is None:
            while len(self._open) >= MAX_OPEN:  # the one that was opened first
                os.close(self._open.pop(next(iter(self._open))))
            descriptor = self._open[file] = _open_for_append(file)
        _write(descriptor, value)

    # --- the index --------------------------------------------------------------------------

    def _add_to_index(self, value: Mapping[str, Any]) -> None:
        with self._locked():
            descriptor = _open_for_append(self._index)
            try:
                _write(descriptor, value)
                size = os.fstat(descriptor).st_size
            finally:
                os.close(descriptor)
            if size > COMPACT_BYTES:
                self._compact(size)

    def _compact(self, size: int) -> None:
        lines = [_line(asdict(summary)) for summary in self._summaries().values()]
        if sum(map(len, lines)) * 4 > size:
            return
        fresh = self._index.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        descriptor = _open_for_append(fresh)
        try:
            for line in lines:
                os.write(descriptor, line)
        finally:
            os.close(descriptor)
        fresh.replace(self._index)

    def _summaries(self) -> dict[str, TaskSummary]:
        summaries: dict[str, TaskSummary] = {}
        for line in _lines(self._index):
            value = _parsed(line)
            if value is None:
                continue
            if value.get("deleted"):
                summaries.pop(value.get("task_id", ""), None)
                continue
            with suppress(TypeError):  # written by another version: what cannot be read is left out
                summary = TaskSummary(**{k: v for k, v in value.items() if k in _SUMMARY_FIELDS})
                summaries[summary.task_id] = summary
        return summaries

    @contextmanager
    def _locked(self) -> Generator[None]:
        """Alone with the index, among all servers of this user."""
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)
        descriptor = os.open(self._tasks / "index.lock", flags, 0o600)
        try:
            if fcntl is not None:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


_SUMMARY_FIELDS = frozenset(field.name for field in fields(TaskSummary))


# --- messages as JSON -----------------------------------------------------------------------


def message_json(message: Entry) -> dict[str, Any]:
    """An entry as it is stored; what is empty is left out."""
    match message:
        case UserMessage(text, images):
            value: dict[str, Any] = {"role": "user", "text": text, "images": _images_json(images)}
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
            value["images"] = _images_json(images)
        case Condensed(text, kept):
            value = {"role": "condensed", "text": text, "kept": kept}
    return {key: part for key, part in value.items() if part or key in {"text", "kept"}}


def message_from(value: Mapping[str, Any]) -> Entry:
    """The entry that was stored."""
    images = tuple(Image(kind, data) for kind, data in value.get("images", ()))
    match value["role"]:
        case "user":
            return UserMessage(value["text"], images)
        case "assistant":
            calls = tuple(ToolCall(*call) for call in value.get("calls", ()))
            reasoning, where = value.get("reasoning", ("", ""))
            details = value.get("reasoning_details", "")
            return AssistantMessage(value["text"], calls, reasoning, where, details)
        case "tool":
            failed = value.get("failed", False)
            return ToolMessage(value.get("call_id", ""), value["text"], failed, images)
        case "condensed":
            return Condensed(value["text"], value["kept"])
        case role:
            raise ValueError(f"a stored message has the role {role!r}")


def _images_json(images: Iterable[Image]) -> list[list[str]]:
    return [[image.media_type, image.data] for image in images]


# --- lines ----------------------------------------------------------------------------------


def _private_folder(folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
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


def _open_for_append(file: Path) -> int:
    """A descriptor at the end of the last whole line: what a crash tore off is cut away."""
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND
    flags |= getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)
    descriptor = os.open(file, flags, 0o600)
    size = os.fstat(descriptor).st_size
    if size:
        os.lseek(descriptor, -1, os.SEEK_END)
        if os.read(descriptor, 1) != b"\n":
            os.ftruncate(descriptor, _whole(descriptor, size))
    return descriptor


def _whole(descriptor: int, size: int) -> int:
    """The length up to the last line break."""
    end = size
    while end > 0:
        begin = max(0, end - 65536)
        os.lseek(descriptor, begin, os.SEEK_SET)
        at = os.read(descriptor, end - begin).rfind(b"\n")
        if at >= 0:
            return begin + at + 1
        end = begin
    return 0


def _line(value: Mapping[str, Any]) -> bytes:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return f"{text}\n".encode("utf-8", "replace")  # half a character is not worth an event


def _write(descriptor: int, value: Mapping[str, Any]) -> None:
    view = memoryview(_line(value))
    while view:
        view = view[os.write(descriptor, view) :]


def _lines(file: Path) -> Iterator[bytes]:
    try:
        with file.open("rb") as lines:
            yield from lines
    except FileNotFoundError:
        return


def _events(lines: Iterable[bytes], since_seq: int, limit: int) -> list[dict[str, Any]]:
    events = (event for line in lines if (event := _parsed(line)) is not None)
    return list(islice((event for event in events if event["seq"] > since_seq), limit))


def _last(lines: Iterable[bytes]) -> dict[str, Any] | None:
    return next((event for line in lines if (event := _parsed(line)) is not None), None)


def _last_lines(file: Path) -> list[bytes]:
    """The last lines, the very last first; the beginning of the first of them may be missing."""
    try:
        with file.open("rb") as lines:
            size = lines.seek(0, os.SEEK_END)
            lines.seek(max(0, size - 1_000_000))
            return lines.read().splitlines()[::-1]
    except FileNotFoundError:
        return []


def _parsed(line: bytes) -> dict[str, Any] | None:
    """The object in a line, or None where the line is not whole."""
    try:
        value: object = json.loads(line)
    except ValueError:
        return None
    return cast("dict[str, Any]", value) if isinstance(value, dict) else None
