"""Everything the agent does, as events: ACP's session updates where ACP has one, else with `_`.

An event knows two forms of itself: `update`, the JSON of interface section 5, and `line`, the
sentence a status bar shows.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, assert_never
from urllib.parse import unquote

from roo_lsp.agent.errors import RooError
from roo_lsp.agent.figures import count_text, plural, size_text
from roo_lsp.agent.ports import Usage
from roo_lsp.agent.tool import Diff, Location, Todo, ToolKind

Update = dict[str, Any]
"""The JSON of one event, as clients get it."""

StopReason = Literal["end_turn", "max_tokens", "max_turn_requests", "refusal", "cancelled", "error"]
TaskState = Literal["running", "waiting", "idle", "failed"]


class AgentEvent(Protocol):
    """Something that happened in a task."""

    @property
    def update(self) -> Update:
        """The event as JSON; `sessionUpdate` names its kind."""
        ...

    @property
    def line(self) -> str:
        """A sentence for a person, or nothing to keep the last one standing."""
        ...


EventSink = Callable[[AgentEvent], None]
"""Takes what happens, at once and without waiting."""


# --- words ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class UserMessageChunk:
    """A prompt, a follow-up, an answer."""

    text: str
    entry: int | None = None
    """Its place in the task's history as stored, from 0; None where it is not kept."""

    @property
    def update(self) -> Update:
        said = _text("user_message_chunk", self.text)
        return said if self.entry is None else {**said, "_meta": {"entry": self.entry}}

    @property
    def line(self) -> str:
        return f"You: {self.text.strip().partition(PARAGRAPH)[0]}"


@dataclass(frozen=True, slots=True)
class SurroundingsTold:
    """What the editor showed went to the model; nobody said it."""

    text: str

    @property
    def update(self) -> Update:
        return _text("_surroundings", self.text)

    @property
    def line(self) -> str:
        return ""


@dataclass(frozen=True, slots=True)
class UserImageChunk:
    """A file that goes with what the user said: where it is, not what is in it."""

    uri: str
    media_type: str
    size: int
    """Bytes."""

    @property
    def update(self) -> Update:
        link = {"type": "resource_link", "uri": self.uri, "name": self._name}
        facts = {"mimeType": self.media_type, "size": self.size}
        return {"sessionUpdate": "user_message_chunk", "content": link | facts}

    @property
    def line(self) -> str:
        return f"You add {self._name}"

    @property
    def _name(self) -> str:
        return unquote(self.uri.rpartition("/")[2])


@dataclass(frozen=True, slots=True)
class AgentMessageChunk:
    """More of the answer."""

    text: str

    @property
    def update(self) -> Update:
        return _text("agent_message_chunk", self.text)

    @property
    def line(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class AgentThoughtChunk:
    """More of the reasoning."""

    text: str

    @property
    def update(self) -> Update:
        return _text("agent_thought_chunk", self.text)

    @property
    def line(self) -> str:
        return "Thinking…"


# --- tool calls -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ToolCallStarted:
    """The model has begun a call: its name is known, its arguments are still to come."""

    id: str
    tool: str
    kind: ToolKind
    quiet: bool = False
    """Events of another kind say what it does: nothing is to be drawn of it unless it fails."""

    @property
    def update(self) -> Update:
        meta: Update = {"tool": self.tool}
        if self.quiet:
            meta["quiet"] = True
        return {
            "sessionUpdate": "tool_call",
            "toolCallId": self.id,
            "title": self.tool,
            "kind": self.kind.value,
            "status": "pending",
            "_meta": meta,
        }

    @property
    def line(self) -> str:
        return f"Calling {self.tool}…"


@dataclass(frozen=True, slots=True)
class ToolCallArguments:
    """More of a call's arguments, as generated; `size` is bytes of the arguments so far."""

    id: str
    delta: str
    size: int
    tool: str = ""
    title: str = ""
    """What the call is about, once that can be told: `Writing src/app.py`."""
    lines: int = 0
    """Lines of its texts so far."""

    @property
    def update(self) -> Update:
        update: Update = {
            "sessionUpdate": "_tool_call_arguments",
            "toolCallId": self.id,
            "delta": self.delta,
            "bytes": self.size,
        }
        if self.title:
            update["_meta"] = {"title": self.title, "lines": self.lines}
        return update

    @property
    def line(self) -> str:
        if self.title:
            count = f" · {plural(self.lines, 'line')}" if self.lines else ""
            return f"{self.title}{count}"
        return f"Calling {self.tool} · {size_text(self.size)}" if self.size > LONG_ARGUMENTS else ""


LONG_ARGUMENTS = 400
"""Bytes of arguments from which a status bar shows how much there is."""


@dataclass(frozen=True, slots=True)
class ToolCallUpdated:
    """A call went on: arguments complete, running, done."""

    id: str
    status: Literal["pending", "in_progress", "completed", "failed"]
    title: str = ""
    raw_input: Mapping[str, Any] | None = None
    text: str | None = None
    """The result, as the model is told it."""
    diffs: Sequence[Diff] = ()
    locations: Sequence[Location] = ()
    output: str = ""
    """New output of a running command."""
    meta: Mapping[str, Any] = field(default_factory=dict[str, Any])
    verb: str = ""
    """What is being done, in a word that takes the place of the title's first: `Running`."""
    quiet: bool = False
    """As in `ToolCallStarted`."""
    denied: bool = False
    """True where it failed because the user did not want it."""
    answer: bool = False
    """True where the result is the task's answer, to be shown as the model's own words."""

    @property
    def update(self) -> Update:
        update: Update = {
            "sessionUpdate": "tool_call_update",
            "toolCallId": self.id,
            "status": self.status,
        }
        if self.title:
            update["title"] = self.title
        if self.raw_input is not None:
            update["rawInput"] = dict(self.raw_input)
        content: list[Update] = [_diff(diff) for diff in self.diffs]
        if self.text is not None:
            update["rawOutput"] = self.text
            content.append({"type": "content", "content": {"type": "text", "text": self.text}})
        if content:
            update["content"] = content
        if self.locations:
            update["locations"] = [_location(each) for each in self.locations]
        meta = dict(self.meta)
        if self.output:
            meta["output"] = self.output
        flags = {"quiet": self.quiet, "denied": self.denied, "answer": self.answer}
        meta |= {name: True for name, holds in flags.items() if holds}
        if meta:
            update["_meta"] = meta
        return update

    @property
    def line(self) -> str:
        match self.status:
            case "failed":
                if self.denied:
                    return f"Denied: {self.title}"
                why = (self.text or "").partition("\n")[0]
                return f"Failed: {self.title}: {why}" if why else f"Failed: {self.title}"
            case _ if self.quiet:
                return ""
            case "completed" if code := self.meta.get("exitCode"):
                return f"Exit code {code}: {self.title}"
            case "completed":
                return f"Done: {self.title}" if self.title and not self.diffs else ""
            case "in_progress":
                said = self.said
                return f"{self.doing} · {said}" if said else f"{self.doing}…" if self.title else ""
            case "pending":
                return ""
            case _:
                assert_never(self.status)

    @property
    def doing(self) -> str:
        """What is being done while it runs: `Running pytest -q`; empty where another event says it."""
        if self.quiet:
            return ""
        first, blank, rest = self.title.partition(" ")
        return f"{self.verb or first}{blank}{rest}"

    @property
    def said(self) -> str:
        """The last line of the new output."""
        return self.output.strip().rpartition("\n")[2]


# --- people ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PermissionAsked:
    """The user is asked; `options` are ACP permission options."""

    request_id: str
    call_id: str | None
    title: str
    options: Sequence[Mapping[str, str]]
    reason: str = ""

    @property
    def update(self) -> Update:
        update: Update = {
            "sessionUpdate": "_permission",
            "requestId": self.request_id,
            "toolCallId": self.call_id,
            "title": self.title,
            "options": [dict(option) for option in self.options],
        }
        if self.reason:
            update["_meta"] = {"reason": self.reason}
        return update

    @property
    def line(self) -> str:
        return f"Waiting for you: {self.title}?"


@dataclass(frozen=True, slots=True)
class PermissionSettled:
    """The question was answered, or withdrawn (`cancelled`); `by` names the surface."""

    request_id: str
    outcome: str
    by: str

    @property
    def update(self) -> Update:
        return {
            "sessionUpdate": "_permission",
            "requestId": self.request_id,
            "outcome": self.outcome,
            "by": self.by,
        }

    @property
    def line(self) -> str:
        return {
            "allow_once": "Approved",
            "allow_always": "Approved, also from now on",
            "reject_once": "Denied",
            "reject_always": "Denied, also from now on",
        }.get(self.outcome, "Withdrawn")


@dataclass(frozen=True, slots=True)
class QuestionAsked:
    """The model, or the agent itself, asks the user something."""

    request_id: str
    question: str
    suggestions: Sequence[str]

    @property
    def update(self) -> Update:
        return {
            "sessionUpdate": "_question",
            "requestId": self.request_id,
            "question": self.question,
            "suggestions": list(self.suggestions),
        }

    @property
    def line(self) -> str:
        return f"Waiting for your answer: {self.question}"


@dataclass(frozen=True, slots=True)
class QuestionAnswered:
    """The user's answer; None where the question was withdrawn."""

    request_id: str
    answer: str | None

    @property
    def update(self) -> Update:
        return {
            "sessionUpdate": "_question",
            "requestId": self.request_id,
            "answer": self.answer,
        }

    @property
    def line(self) -> str:
        return "" if self.answer is None else f"You: {self.answer}"


# --- the task -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Queued:
    """The user said something while the model works: announced (again, when its text is another), and
    then what became of it: the model was told, the user took it out, or it came back to the user.
    """

    message_id: str
    text: str | None = None
    """The user's own words."""
    state: Literal["delivered", "removed", "returned"] | None = None

    @property
    def update(self) -> Update:
        update: Update = {"sessionUpdate": "_queued", "messageId": self.message_id}
        if self.text is not None:
            update["text"] = self.text
        if self.state is not None:
            update["state"] = self.state
        return update

    @property
    def line(self) -> str:
        match self.state:
            case None:
                return f"Queued: {self.text}"
            case "returned":
                return f"Not sent: {self.text}"
            case _:
                return ""


@dataclass(frozen=True, slots=True)
class PlanUpdated:
    """The todo list as it is now."""

    todos: Sequence[Todo]

    @property
    def update(self) -> Update:
        entries = [
            {"content": todo.content, "priority": "medium", "status": todo.status}
            for todo in self.todos
        ]
        return {"sessionUpdate": "plan", "entries": entries}

    @property
    def line(self) -> str:
        done = sum(todo.status == "completed" for todo in self.todos)
        current = next((t.content for t in self.todos if t.status == "in_progress"), "")
        return f"Plan: {done}/{len(self.todos)} done" + (f", now: {current}" if current else "")


@dataclass(frozen=True, slots=True)
class UsageUpdated:
    """After each request: the context in use of what there is, and what the task has cost."""

    usage: Usage
    """Of the request that ended."""
    used: int
    """Tokens in the context now."""
    size: int
    """Tokens the context can hold."""
    cost: float
    """US dollars of the whole task."""

    @property
    def update(self) -> Update:
        return {
            "sessionUpdate": "usage_update",
            "used": self.used,
            "size": self.size,
            "cost": {"amount": round(self.cost, 6), "currency": "USD"},
            "_meta": {
                "inputTokens": self.usage.input_tokens,
                "outputTokens": self.usage.output_tokens,
                "cacheReadTokens": self.usage.cache_read_tokens,
                "estimated": self.usage.estimated,
            },
        }

    @property
    def line(self) -> str:
        return ""


@dataclass(frozen=True, slots=True)
class ModeChanged:
    """The task's mode is another one from here on."""

    mode: str
    parent: str = ""
    """The task that began this one, in the first event of a subtask."""

    @property
    def update(self) -> Update:
        update: Update = {"sessionUpdate": "current_mode_update", "currentModeId": self.mode}
        return {**update, "_meta": {"parentTaskId": self.parent}} if self.parent else update

    @property
    def line(self) -> str:
        return f"Mode: {self.mode}"


@dataclass(frozen=True, slots=True)
class SubtaskChanged:
    """A subtask of this task began to run, to wait for the user, or stopped."""

    task_id: str
    title: str
    state: TaskState
    call_id: str
    """The call that began it, and that its result is for."""

    @property
    def update(self) -> Update:
        return {
            "sessionUpdate": "_subtask",
            "taskId": self.task_id,
            "title": self.title,
            "state": self.state,
            "_meta": {"toolCallId": self.call_id},
        }

    @property
    def line(self) -> str:
        begin = {
            "running": "Subtask",
            "waiting": "Subtask waits",
            "idle": "Subtask over",
            "failed": "Subtask failed",
        }
        return f"{begin[self.state]}: {self.title}"


@dataclass(frozen=True, slots=True)
class CommandsOffered:
    """What `/` offers in the task from here on."""

    commands: Sequence[Mapping[str, Any]]
    """As ACP has them: `name`, `description`, and `input` with a `hint`."""

    @property
    def update(self) -> Update:
        return {
            "sessionUpdate": "available_commands_update",
            "availableCommands": [dict(each) for each in self.commands],
        }

    @property
    def line(self) -> str:
        return ""


@dataclass(frozen=True, slots=True)
class Retrying:
    """A request is made after `delay` seconds: again, or by the user's own limit only then."""

    attempt: int
    """The attempt that failed, from 1; 0 where none did."""
    attempts: int
    delay: float
    reason: str
    status: int | None = None
    """The HTTP status, where there was one."""

    @property
    def update(self) -> Update:
        return {
            "sessionUpdate": "_retry",
            "attempt": self.attempt,
            "attempts": self.attempts,
            "delay": round(self.delay, 3),
            "reason": self.reason,
            "status": self.status,
        }

    @property
    def line(self) -> str:
        wait = f"in {self.delay:.0f} s" if self.delay >= 1 else "now"
        if not self.attempt:
            return f"Next request {wait}: {self.reason}"
        return f"Retry {self.attempt}/{self.attempts} {wait}: {self.reason}"


@dataclass(frozen=True, slots=True)
class ModelAtWork:
    """The model has said nothing for long, and is at work; comes every few seconds until it speaks."""

    seconds: float
    tokens: int
    per_second: float

    @property
    def update(self) -> Update:
        return {
            "sessionUpdate": "_at_work",
            "seconds": round(self.seconds),
            "tokens": self.tokens,
            "tokensPerSecond": round(self.per_second, 1),
        }

    @property
    def line(self) -> str:
        return f"Model at work · {self.speed}"

    @property
    def speed(self) -> str:
        """What it writes that cannot be shown yet, for people."""
        if not self.tokens:
            return "still reading"
        return f"{count_text(self.tokens)} tokens, {self.per_second:.1f}/s"


@dataclass(frozen=True, slots=True)
class ConversationCondensed:
    """The model is sent less of the conversation from here on; nothing of it is lost on disk."""

    before: int
    """Tokens of the next request as it would have been."""
    after: int
    """Tokens of the next request as it is."""
    kind: Literal["summary", "truncation"]
    reason: str = ""
    """Why there is no summary, where there should be one."""

    @property
    def update(self) -> Update:
        update: Update = {
            "sessionUpdate": "_condensed",
            "before": self.before,
            "after": self.after,
            "kind": self.kind,
        }
        if self.reason:
            update["_meta"] = {"reason": self.reason}
        return update

    @property
    def line(self) -> str:
        sizes = f"{count_text(self.before)} → {count_text(self.after)} tokens"
        if self.kind == "summary":
            return f"Condensed the conversation: {sizes}"
        why = f" (no summary: {self.reason})" if self.reason else ""
        return f"Left out the oldest messages: {sizes}{why}"


@dataclass(frozen=True, slots=True)
class CheckpointTaken:
    """The workspace as it is now can be gone back to."""

    id: str
    label: str

    @property
    def update(self) -> Update:
        return {"sessionUpdate": "_checkpoint", "checkpointId": self.id, "label": self.label}

    @property
    def line(self) -> str:
        return ""


@dataclass(frozen=True, slots=True)
class ConversationRewound:
    """What was said since is taken back: the model does not know of it any more."""

    entry: int
    """The place in the task's history where it goes on, as `UserMessageChunk` has it."""

    @property
    def update(self) -> Update:
        return {"sessionUpdate": "_rewound", "entry": self.entry}

    @property
    def line(self) -> str:
        return "Went back to an earlier place in the conversation"


@dataclass(frozen=True, slots=True)
class FileChanged:
    """The agent changed a file, or the user kept or took back what it changed; counts are lines."""

    uri: str
    added: int
    removed: int
    state: Literal["kept", "reverted"] | None = None
    """What the user did with these lines; None: the agent made the change."""

    @property
    def update(self) -> Update:
        update: Update = {
            "sessionUpdate": "_changes",
            "uri": self.uri,
            "added": self.added,
            "removed": self.removed,
        }
        if self.state:
            update["state"] = self.state
        return update

    @property
    def line(self) -> str:
        verb = self.state or "changed"
        name = unquote(self.uri.rpartition("/")[2])
        return f"{verb.capitalize()} {name} +{self.added} -{self.removed}"


@dataclass(frozen=True, slots=True)
class StateChanged:
    """The task began to run, to wait for the user, or stopped."""

    state: TaskState
    stop_reason: StopReason | None = None
    error: RooError | None = None

    @property
    def update(self) -> Update:
        update: Update = {"sessionUpdate": "_state", "state": self.state}
        if self.stop_reason:
            update["stopReason"] = self.stop_reason
        if self.error:
            update["error"] = {
                "code": self.error.code,
                "message": self.error.message,
                "hint": self.error.hint,
            }
        return update

    @property
    def line(self) -> str:
        if self.error:
            return f"Failed: {self.error}"
        match self.stop_reason:
            case None:
                return {"running": "Working…", "waiting": ""}.get(self.state, "")
            case "end_turn":
                return "Done"
            case "max_tokens":
                return "Stopped: the model's output limit cut the answer off"
            case "max_turn_requests":
                return "Stopped at a limit you set"
            case "refusal":
                return "The model refused to answer"
            case "cancelled":
                return "Cancelled"
            case "error":
                return "Failed"
            case _:
                assert_never(self.stop_reason)


PARAGRAPH = "\n\n"


# --- helpers --------------------------------------------------------------------------------


def _text(kind: str, text: str) -> Update:
    return {"sessionUpdate": kind, "content": {"type": "text", "text": text}}


def _diff(diff: Diff) -> Update:
    return {
        "type": "diff",
        "path": _absolute(diff.path),
        "oldText": diff.old,
        "newText": diff.new or "",
    }


def _location(location: Location) -> Update:
    place: Update = {"path": _absolute(location.path)}
    if location.line is not None:
        place["line"] = location.line
    return place


def _absolute(path: Path) -> str:
    return path.as_posix()
