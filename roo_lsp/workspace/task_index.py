"""The index of tasks: one line for each change of a task's summary, of which the last one counts.

Several servers append to one file. Each reads what was appended since it last looked, so that
thousands of tasks cost what changed of them.
"""

import heapq
import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, BinaryIO, cast

from roo_lsp.workspace.journal import line_of, open_for_append, store_errors, write_all

VERSION = 1
COMPACT_BYTES = 1_000_000
"""The index is rewritten when it is larger, and has four times the lines it needs."""
UNFINISHED = frozenset({"running", "waiting"})
"""The states of a task whose turn goes on, or was cut off by the end of its server."""


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
    parent_task_id: str = ""
    """The task that began it and waits for its result."""
    version: int = VERSION


class TaskIndex:
    """The summaries in one file. All methods raise `StoreError` where the disk does not let them."""

    def __init__(self, file: Path, alone: Callable[[], AbstractContextManager[None]]) -> None:
        """`alone` keeps other servers away while the file is written."""
        self._file = file
        self._alone = alone
        self._summaries: dict[str, TaskSummary] = {}
        self._unfinished: set[str] = set()
        self._lines = 0
        self._read: tuple[int, int] | None = None
        """The number of the file that was read, and up to where; None before the first time."""
        self._last = b""
        """The line that was read last."""

    def put(self, summary: TaskSummary) -> None:
        """Say how a task is now."""
        self._append(asdict(summary))

    def forget(self, task_id: str) -> None:
        """A task is gone."""
        self._append({"task_id": task_id, "deleted": True})

    def get(self, task_id: str) -> TaskSummary | None:
        self._catch_up()
        return self._summaries.get(task_id)

    def newest(self, workspace: str | None, limit: int) -> Sequence[TaskSummary]:
        """At most that many, the newest first; of one workspace, or of all."""
        self._catch_up()
        found = self._of(workspace, self._summaries.values())
        return heapq.nlargest(limit, found, key=lambda summary: summary.updated_at)

    def unfinished(self, workspace: str) -> Sequence[TaskSummary]:
        """Those of a workspace whose turn is not over, the newest first."""
        self._catch_up()
        found = self._of(workspace, (self._summaries[each] for each in self._unfinished))
        return sorted(found, key=lambda summary: summary.updated_at, reverse=True)

    @staticmethod
    def _of(workspace: str | None, found: Iterable[TaskSummary]) -> list[TaskSummary]:
        return [each for each in found if workspace is None or each.workspace == workspace]

    # --- the file ---------------------------------------------------------------------------

    def _append(self, value: Mapping[str, Any]) -> None:
        with self._alone(), store_errors(self._file.parent):
            descriptor = open_for_append(self._file)
            try:
                write_all(descriptor, line_of(value))
                size = os.fstat(descriptor).st_size
            finally:
                os.close(descriptor)
            if (
                size > COMPACT_BYTES and self._read is not None
            ):  # who never lists leaves it as it is
                with suppress(OSError):  # the long one is as good
                    self._compact()

    def _compact(self) -> None:
        self._catch_up()
        if len(self._summaries) * 4 > self._lines:
            return
        fresh = self._file.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        descriptor = open_for_append(fresh)
        try:
            lines = [line_of(asdict(summary)) for summary in self._summaries.values()]
            write_all(descriptor, b"".join(lines))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        fresh.replace(self._file)

    def _catch_up(self) -> None:
        """Take what was written since, by whomever; all of it where it is another file by now."""
        with store_errors(self._file.parent):
            try:
                with self._file.open("rb") as file:
                    facts = os.fstat(file.fileno())
                    if self._read == (facts.st_ino, facts.st_size):
                        return
                    data = self._news(file, facts.st_ino)
            except FileNotFoundError:
                self._start_anew(0)
                return
        whole = data[: data.rfind(b"\n") + 1]  # what is torn off, or not yet all there, comes later
        lines = whole.splitlines(keepends=True)
        self._take(lines)
        self._last = lines[-1] if lines else self._last
        if self._read is not None:
            self._read = (self._read[0], self._read[1] + len(whole))

    def _news(self, file: BinaryIO, number: int) -> bytes:
        if self._read is not None and self._read[0] == number:
            file.seek(max(0, self._read[1] - len(self._last)))
            data = file.read()
            if data.startswith(self._last):  # a number may be used again, for another file
                return data[len(self._last) :]
        self._start_anew(number)
        file.seek(0)
        return file.read()

    def _start_anew(self, number: int) -> None:
        self._summaries.clear()
        self._unfinished.clear()
        self._lines = 0
        self._last = b""
        self._read = (number, 0)

    def _take(self, lines: Sequence[bytes]) -> None:
        self._lines += len(lines)
        for value in _values(lines):
            task_id = value.get("task_id", "")
            if value.get("deleted"):
                self._summaries.pop(task_id, None)
                self._unfinished.discard(task_id)
                continue
            known = {key: part for key, part in value.items() if key in _FIELDS}
            with suppress(TypeError):  # of another version: what cannot be read is left out
                summary = TaskSummary(**known)
                self._summaries.pop(task_id, None)  # in the order these were written
                self._summaries[task_id] = summary
                if summary.state in UNFINISHED:
                    self._unfinished.add(task_id)
                else:
                    self._unfinished.discard(task_id)


_FIELDS = frozenset(field.name for field in fields(TaskSummary))


def _values(lines: Sequence[bytes]) -> Iterable[dict[str, Any]]:
    """The objects in the lines; at once where all are whole, which is three times as quick."""
    try:
        values = cast("list[object]", json.loads(b"[%s]" % b",".join(lines)))
    except ValueError:
        return [value for line in lines if (value := parsed(line)) is not None]
    return [cast("dict[str, Any]", each) for each in values if isinstance(each, dict)]


def parsed(line: bytes) -> dict[str, Any] | None:
    """The object in a line, or None where the line is not whole."""
    try:
        value: object = json.loads(line)
    except ValueError:
        return None
    return cast("dict[str, Any]", value) if isinstance(value, dict) else None
