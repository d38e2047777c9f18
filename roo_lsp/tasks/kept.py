"""What waits for the user, on disk: so that a server that ends takes none of it along."""

import json
import logging
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from roo_lsp.agent.approval import PermissionRequest
from roo_lsp.agent.conversation import History
from roo_lsp.agent.messages import AssistantMessage, ToolMessage
from roo_lsp.agent.redaction import Keys
from roo_lsp.tasks.approvals import Pending
from roo_lsp.tasks.interrupted import LooseEnds
from roo_lsp.workspace.private import write_private
from roo_lsp.workspace.store import TaskStore

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Kept:
    """An entry of the list as it was shown; all that an answer to it is for."""

    request_id: str
    kind: Literal["permission", "question"]
    title: str
    detail: Sequence[str]
    request: PermissionRequest | None = None
    suggestions: Sequence[str] = ()
    own: bool = False


def keep(entry: Pending, store: TaskStore, task_id: str, keys: Keys) -> None:
    """Before it is shown. Where the disk does not let it, it waits only as long as this process."""
    if entry.kind == "trust":
        return
    kept = Kept(
        entry.request_id,
        entry.kind,
        entry.title,
        entry.detail,
        entry.request,
        entry.suggestions,
        entry.own,
    )
    try:
        value = keys.hidden_in(_adapter().dump_python(kept, mode="json"))
        write_private(_file(store, task_id, entry.request_id), json.dumps(value))
    except (OSError, ValueError) as error:
        log.warning("%s is not kept: %s", entry.request_id, error)


def forget(store: TaskStore, task_id: str, request_id: str) -> None:
    """It is settled."""
    try:
        _file(store, task_id, request_id).unlink(missing_ok=True)
    except OSError as error:  # its task's events have that it is
        log.info("%s stays on disk: %s", request_id, error)


def keep_subtask(store: TaskStore, task_id: str, child_id: str) -> None:
    """The task waits for a subtask: where the disk does not let that be known, as for the others."""
    try:
        write_private(_file(store, task_id, f"subtask_{child_id}"), "{}")
    except OSError as error:
        log.warning("that %s waits for %s is not kept: %s", task_id, child_id, error)


def forget_subtask(store: TaskStore, task_id: str, child_id: str) -> None:
    """Its result is there."""
    forget(store, task_id, f"subtask_{child_id}")


@dataclass(frozen=True, slots=True)
class Waiting:
    """A task that no server runs, and that waits in the middle of an answer's calls."""

    answer: AssistantMessage
    results: Mapping[str, ToolMessage]
    """Those that the answer's calls have."""
    asked: Mapping[str, Kept]
    """What waits, by the id of its call."""
    children: Mapping[str, str]
    """The subtasks that it waits for, by the ids of their calls."""
    loose: LooseEnds

    @property
    def begun(self) -> set[str]:
        """The calls that may have been run, and have no result."""
        return {
            call.id
            for call in self.answer.calls
            if call.id not in self.results.keys() | self.asked.keys() | self.children.keys()
            and self.loose.ran(call.id)
        }


def what_waits(store: TaskStore, task_id: str) -> Waiting | None:
    """What a task waits for that no server runs, as it is stored; None where that is nothing."""
    if not any(_files(store, task_id)):
        return None  # known without the events, of which a long task has many
    loose = LooseEnds()
    loose.take(store.events(task_id, 0, sys.maxsize)[0])
    if not loose.asked and not loose.children:
        return None
    left = History(lambda _: None, store.messages(task_id)).unfinished()
    if left is None:
        return None
    answer, results = left
    open_calls = {call.id for call in answer.calls} - results.keys()
    asked = {
        call_id: kept
        for request_id, call_id in loose.asked.items()
        if call_id in open_calls
        and (kept := _read(_file(store, task_id, request_id))) is not None
        and not kept.own
    }
    children = {call: child for call, child in loose.children.items() if call in open_calls}
    return Waiting(answer, results, asked, children, loose) if asked or children else None


def _read(file: Path) -> Kept | None:
    try:
        return _adapter().validate_json(file.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        log.warning("%s cannot be read: %s", file, error)
        return None


def _file(store: TaskStore, task_id: str, request_id: str) -> Path:
    return store.waiting_dir(task_id) / f"{request_id}.json"


def _files(store: TaskStore, task_id: str) -> Iterator[str]:
    try:
        with os.scandir(store.waiting_dir(task_id)) as found:
            yield from (each.name for each in found)
    except FileNotFoundError:
        return


def _adapter() -> TypeAdapter[Kept]:
    return TypeAdapter(Kept)
