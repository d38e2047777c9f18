"""What a task was doing when its server ended under it: closed in its events, and told to the user."""

from collections.abc import Iterable, Mapping
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
from roo_lsp.agent.messages import INTERRUPTED

NOT_MADE = "This call was interrupted while the model was writing it; it was not run."


@dataclass(slots=True)
class LooseEnds:
    """What was begun in a task's events and never ended, in the order it was begun."""

    recorded: AbstractSet[str]
    """Ids of the calls in the history: no other was ever run."""
    calls: dict[str, tuple[str, bool]] = field(default_factory=dict[str, tuple[str, bool]])
    """The title of each call, and whether it was running."""
    permissions: dict[str, None] = field(default_factory=dict[str, None])
    questions: dict[str, None] = field(default_factory=dict[str, None])
    queued: dict[str, str] = field(default_factory=dict[str, str])
    """The words of each message that the model was not told."""

    def take(self, events: Iterable[Mapping[str, Any]]) -> None:
        """Stored events, in their order."""
        for event in events:
            self._take(event["update"])

    @property
    def ends(self) -> list[AgentEvent]:
        """The events that end it all, so that nothing looks as if it still went on."""
        settled = [PermissionSettled(each, "cancelled", "restart") for each in self.permissions]
        answered = [QuestionAnswered(each, None) for each in self.questions]
        failed = [
            ToolCallUpdated(
                call_id,
                "failed",
                title=title,
                text=INTERRUPTED if call_id in self.recorded else NOT_MADE,
            )
            for call_id, (title, _) in self.calls.items()
        ]
        returned = [Queued(each, text, "returned") for each, text in self.queued.items()]
        return [*settled, *answered, *failed, *returned]

    @property
    def told(self) -> list[str]:
        """A sentence for the user about each call that may have been run."""
        return [
            f'This task was interrupted while "{title}" was running; what it did is not known.'
            if running
            else f'This task was interrupted before "{title}" was begun, as far as is recorded.'
            for call_id, (title, running) in self.calls.items()
            if call_id in self.recorded
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
                self.permissions[request_id] = None
            case {"sessionUpdate": "_question", "requestId": request_id, "answer": _}:
                self.questions.pop(request_id, None)
            case {"sessionUpdate": "_question", "requestId": request_id}:
                self.questions[request_id] = None
            case {"sessionUpdate": "_queued", "messageId": message_id, "state": _}:
                self.queued.pop(message_id, None)
            case {"sessionUpdate": "_queued", "messageId": message_id, "text": text}:
                self.queued[message_id] = text
            case _:
                pass
