"""Tasks that Roo Code has stored, one folder each: found, shown, and put beside ours.

A task's folder has `api_conversation_history.json`, and since Roo 3.40 `history_item.json`; they lie in
`tasks/` of the extension's storage. A task comes under an id made of Roo's: it is there once.
"""

import json
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from roo_lsp.agent.columns import fitted, one_line
from roo_lsp.agent.events import (
    AgentEvent,
    AgentMessageChunk,
    AgentThoughtChunk,
    ConversationCondensed,
    ModeChanged,
    StateChanged,
    ToolCallStarted,
    ToolCallUpdated,
    UserMessageChunk,
)
from roo_lsp.agent.json_values import object_or_empty
from roo_lsp.agent.messages import (
    AssistantMessage,
    Condensed,
    Rewound,
    ToolMessage,
    UserMessage,
    repaired,
)
from roo_lsp.agent.modes import MODES
from roo_lsp.agent.tool import ToolKind
from roo_lsp.app import TOOLS
from roo_lsp.cli.importing.conversation import Conversation, read_conversation
from roo_lsp.tasks.task import TITLE_LENGTH
from roo_lsp.tools import attempt_completion
from roo_lsp.workspace.store import TaskStore
from roo_lsp.workspace.task_index import TaskSummary

CONVERSATION = "api_conversation_history.json"
OLD_CONVERSATION = "claude_messages.json"
ITEM = "history_item.json"
MAX_BYTES = 200_000_000
MOST = 5_000
"""Folders that are looked at."""


@dataclass(frozen=True, slots=True)
class RooTask:
    """A task of Roo's, read."""

    folder: Path
    summary: TaskSummary
    conversation: Conversation
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BrokenTask:
    """A folder that holds a task which cannot be read."""

    folder: Path
    why: str


def task_folders(given: Path) -> list[Path]:
    """The folders of tasks at or below a path, the newest last; empty where there are none."""
    if given.is_file():
        return [given.parent] if given.name in {CONVERSATION, OLD_CONVERSATION, ITEM} else []
    if _is_task(given):
        return [given]
    for parent in (given / "tasks", given):
        if parent.is_dir():
            found = [
                each for each in sorted(parent.iterdir())[:MOST] if each.is_dir() and _is_task(each)
            ]
            if found:
                return found
    return []


def _is_task(folder: Path) -> bool:
    return any((folder / name).is_file() for name in (CONVERSATION, OLD_CONVERSATION))


def read_task(folder: Path, workspace: str) -> RooTask | BrokenTask:
    """A task; `workspace` is where it goes where Roo does not say where it was."""
    file = next(
        each for name in (CONVERSATION, OLD_CONVERSATION) if (each := folder / name).is_file()
    )
    try:
        if file.stat().st_size > MAX_BYTES:
            return BrokenTask(folder, f"{file.name} has more than {MAX_BYTES // 1_000_000} MB")
        conversation = read_conversation(json.loads(file.read_bytes().decode("utf-8-sig")))
    except (OSError, ValueError, RecursionError) as error:
        return BrokenTask(folder, f"{file.name} cannot be read: {str(error)[:200]}")
    if not conversation.entries:
        return BrokenTask(folder, f"nothing is said in {file.name}")
    item, notes = _item(folder)
    if conversation.unread:
        notes.append(f"{conversation.unread} parts of it could not be read and are left out")
    if conversation.calls_as_text:
        notes.append(
            "its calls are text, as older versions of Roo had them: the model may go on so"
        )
    return RooTask(
        folder, _summary(folder, item, conversation, workspace, notes), conversation, tuple(notes)
    )


def _item(folder: Path) -> tuple[dict[str, Any], list[str]]:
    try:
        data = (folder / ITEM).read_bytes()
        return object_or_empty(json.loads(data.decode("utf-8-sig"))), []
    except FileNotFoundError:
        return {}, []
    except (OSError, ValueError, RecursionError):
        return {}, [f"{ITEM} cannot be read"]


def _summary(
    folder: Path, item: dict[str, Any], said: Conversation, workspace: str, notes: list[str]
) -> TaskSummary:
    first = next((each.text for each in said.entries if isinstance(each, UserMessage)), "")
    title = item.get("title") or item.get("task")
    mode = item.get("mode")
    if not isinstance(mode, str) or mode not in MODES:
        if mode:
            notes.append(
                f"its mode {str(mode)[:60]} is none of the built-in ones: it goes on in code"
            )
        mode = "code"
    known = [each for each in said.times if each]
    stamp = item.get("ts")
    last = stamp / 1000 if isinstance(stamp, int | float) and 0 < stamp < 1e14 else 0.0
    now = time.time()
    there = item.get("workspace")
    if isinstance(there, str) and there:
        if not Path(there).is_dir():
            notes.append(f"its folder {there} is not here: --workspace DIR puts it elsewhere")
            workspace = there
        else:
            workspace = there
    return TaskSummary(
        task_id=f"roo-{re.sub(r'[^A-Za-z0-9_-]', '_', folder.resolve().name)[:60]}",
        title=fitted(one_line(title if isinstance(title, str) and title else first), TITLE_LENGTH),
        state="idle",
        mode=mode,
        created_at=min(known, default=last or now),
        updated_at=max([*known, last], default=now) or now,
        input_tokens=_count(item.get("tokensIn")),
        output_tokens=_count(item.get("tokensOut")),
        cost=_money(item.get("totalCost")),
        workspace=workspace,
    )


def _count(value: object) -> int:
    return int(value) if isinstance(value, int | float) and 0 <= value < 1e15 else 0


def _money(value: object) -> float:
    return float(value) if isinstance(value, int | float) and 0 <= value < 1e9 else 0.0


# --- putting it beside ours -----------------------------------------------------------------


def is_there(store: TaskStore, task: RooTask) -> bool:
    """Whether it was imported before."""
    return store.get(task.summary.task_id) is not None


def store_task(store: TaskStore, task: RooTask) -> None:
    """Store a task that is not there; it is listed once all of it is written.

    Raises:
        RooError: it cannot be stored.
    """
    task_id = task.summary.task_id
    store.delete(task_id)  # what an import left that was ended in the middle
    store.make_folder(task_id)
    store.claim(task_id)
    try:
        for entry in task.conversation.entries:
            store.append_message(task_id, entry)
        for number, (event, when) in enumerate(_events(task), 1):
            store.append_event(
                task_id,
                {
                    "v": 1,
                    "taskId": task_id,
                    "seq": number,
                    "ts": round(when or task.summary.created_at, 3),
                    "update": event.update,
                },
            )
    finally:
        store.release(task_id)
    store.create(task.summary)


def _events(task: RooTask) -> Iterator[tuple[AgentEvent, float]]:
    """What a front end would have been told."""
    said = task.conversation
    yield ModeChanged(task.summary.mode), 0.0
    yield StateChanged("running"), 0.0
    results = _results(said)
    for at, (entry, when) in enumerate(zip(said.entries, said.times, strict=True)):
        match entry:
            case UserMessage(text):
                yield UserMessageChunk(text, at), when
            case AssistantMessage(text, calls, reasoning):
                if reasoning:
                    yield AgentThoughtChunk(reasoning), when
                if text:
                    yield AgentMessageChunk(text), when
                for call in calls:
                    tool = TOOLS.get(call.name)
                    kind = tool.kind if tool is not None else ToolKind.OTHER
                    yield ToolCallStarted(call.id, call.name, kind), when
                    given = cast("dict[str, Any]", json.loads(call.arguments))
                    result = results[call.id]
                    done = (
                        given.get("result") if call.name == attempt_completion.TOOL.name else None
                    )
                    yield (
                        ToolCallUpdated(
                            call.id,
                            "failed" if result.failed else "completed",
                            title=_title(call.name, given),
                            raw_input=given,
                            text=done if isinstance(done, str) else result.text,
                            answer=isinstance(done, str),
                        ),
                        when,
                    )
            case Condensed(text, _):
                before = sum(len(str(each)) for each in said.entries[:at]) // 4
                yield ConversationCondensed(before, len(text) // 4, "summary"), when
            case ToolMessage() | Rewound():
                pass
    yield StateChanged("idle", "end_turn"), task.summary.updated_at


def _results(said: Conversation) -> dict[str, ToolMessage]:
    """One for each call, as they will be sent."""
    messages = [each for each in said.entries if not isinstance(each, Condensed | Rewound)]
    return {each.call_id: each for each in repaired(messages) if isinstance(each, ToolMessage)}


def _title(name: str, given: dict[str, Any]) -> str:
    about = given.get("path") or given.get("command") or given.get("question") or given.get("regex")
    return fitted(one_line(f"{name} {about}" if isinstance(about, str) else name), TITLE_LENGTH)


def chosen(tasks: Sequence[RooTask], wanted: Sequence[str]) -> list[RooTask]:
    """Those whose id, or whose folder's name, begins with one of these; all where none is named."""
    if not wanted:
        return list(tasks)
    return [
        each
        for each in tasks
        if any(each.folder.name.startswith(w) or each.summary.task_id.startswith(w) for w in wanted)
    ]
