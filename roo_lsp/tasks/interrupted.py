"""What a task was doing when its server ended under it: closed in its events, and told to the user."""

from collections.abc import Collection, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any

from roo_lsp.agent.events import (
    AgentEvent,
    PermissionSettled,
    QuestionAnswered,
    Queued,
    ToolCallUpdated,
)
from roo_lsp.agent.messages import INTERRUPTED, ToolMessage

NOT_MADE = "This call was interrupted while the model was writing it; it was not run."


@dataclass(slots=True)
class LooseEnds:
    """What was begun in a task's events and never ended, in the order it was begun."""

    calls: dict[str, tuple[str, bool]] = field(default_factory=dict[str, tuple[str, bool]])
    """The title of each call, and whether it was running."""
    permissions: dict[str, str] = field(default_factory=dict[str, str])
    """The call that each is about."""
    questions: dict[str, str] = field(default_factory=dict[str, str])
    """The call that each was asked by; empty where that is none."""
    queued: dict[str, str] = field(default_factory=dict[str, str])
    """The words of each message that the model was not told."""
    children: dict[str, str] = field(default_factory=dict[str, str])
    """By call, the subtask that was begun for it."""

    def take(self, events: Iterable[Mapping[str, Any]]) -> None:
        """Stored events, in their order."""
        for event in events:
            self._take(event["update"])

    @property
    def asked(self) -> dict[str, str]:
        """What waits for the user, each with its call."""
        return self.permissions | self.questions

    def ran(self, call_id: str) -> bool:
        """Whether a call without an end had begun to act."""
        return self.calls.get(call_id, ("", False))[1]

    def ends(
        self,
        recorded: AbstractSet[str],
        results: Mapping[str, ToolMessage],
        going_on: Collection[str] = (),
    ) -> list[AgentEvent]:
        """The events that end it all but the calls that go on: nothing looks as if it still went on.

        `recorded` are the calls in the history: no other was ever run. `results` are those they have.
        """
        settled = [
            PermissionSettled(each, "cancelled", "restart")
            for each, call_id in self.permissions.items()
            if call_id not in going_on
        ]
        answered = [
            QuestionAnswered(each, None)
            for each, call_id in self.questions.items()
            if call_id not in going_on
        ]
        ended = [
            _end(call_id, title, results.get(call_id), made=call_id in recorded)
            for call_id, (title, _) in self.calls.items()
            if call_id not in going_on
        ]
        returned = [Queued(each, text, "returned") for each, text in self.queued.items()]
        return [*settled, *answered, *ended, *returned]

    def told(self, recorded: AbstractSet[str], results: Collection[str]) -> list[str]:
        """A sentence for the user about each call that may have been run."""
        return [
            f'This task was interrupted while "{title}" was running; what it did is not known.'
            if running
            else f'This task was interrupted before "{title}" was begun, as far as is recorded.'
            for call_id, (title, running) in self.calls.items()
            if call_id in recorded and call_id not in results
        ]

    def _take(self, update: Mapping[str, Any]) -> None:
        match update:
            case {"sessionUpdate": "tool_call" | "tool_call_update", "toolCallId": call_id}:
                title, running = self.calls.pop(call_id, ("", False))
                status = update["status"]
                if status not in {"completed", "failed"}:
                    running = running or status == "in_progress"
                    self.calls[call_id] = (update.get("title") or title, running)
            case {"sessionUpdate": "_permission", "requestId": request_id, "outcome": _}:
                self.permissions.pop(request_id, None)
            case {"sessionUpdate": "_permission", "requestId": request_id}:
                self.permissions[request_id] = update.get("toolCallId") or ""
            case {"sessionUpdate": "_question", "requestId": request_id, "answer": _}:
                self.questions.pop(request_id, None)
            case {"sessionUpdate": "_question", "requestId": request_id}:
                running_now = [each for each, (_, running) in self.calls.items() if running]
                self.questions[request_id] = running_now[-1] if running_now else ""
            case {"sessionUpdate": "_subtask", "taskId": task_id, "_meta": {"toolCallId": call_id}}:
                self.children[call_id] = task_id
            case {"sessionUpdate": "_queued", "messageId": message_id, "state": _}:
                self.queued.pop(message_id, None)
            case {"sessionUpdate": "_queued", "messageId": message_id, "text": text}:
                self.queued[message_id] = text
            case _:
                pass


def _end(call_id: str, title: str, result: ToolMessage | None, *, made: bool) -> ToolCallUpdated:
    if result is not None:
        status = "failed" if result.failed else "completed"
        return ToolCallUpdated(call_id, status, title=title, text=result.text)
    return ToolCallUpdated(call_id, "failed", title=title, text=INTERRUPTED if made else NOT_MADE)
