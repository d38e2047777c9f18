"""One task's agent: the ports it acts through, its history, and what holds for each request."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from roo_lsp.agent.approval import Gate
from roo_lsp.agent.events import EventSink
from roo_lsp.agent.guards import Budget, Limits, Repetition
from roo_lsp.agent.messages import AssistantMessage, Message, UserMessage
from roo_lsp.agent.ports import ChatModel, ToolSpec
from roo_lsp.agent.tool import AnyTool, ToolContext
from roo_lsp.agent.usage import Price


@dataclass(frozen=True, slots=True)
class Brief:
    """What holds for one request: the model's instructions and tools, and what it may cost."""

    system: str
    tools: Mapping[str, AnyTool]
    specs: Sequence[ToolSpec]
    context_window: int
    price: Price
    limits: Limits


@dataclass(slots=True)
class History:
    """The messages of a task; each one is passed to `on_append` as it is added."""

    on_append: Callable[[Message], None]
    messages: list[Message] = field(default_factory=list[Message])

    def append(self, message: Message) -> None:
        self.messages.append(message)
        self.on_append(message)

    def call_ids(self) -> set[str]:
        """The ids that calls have in this task already."""
        return {
            call.id
            for message in self.messages
            if isinstance(message, AssistantMessage)
            for call in message.calls
        }


@dataclass(slots=True)
class Agent:
    """One task's agent: its ports, its history, and what the user said meanwhile."""

    model: ChatModel
    gate: Gate
    context: ToolContext
    history: History
    emit: EventSink
    brief: Callable[[], Brief]
    """Asked before each request, so that a change of mode or settings counts from the next one."""
    inbox: deque[UserMessage] = field(default_factory=deque[UserMessage])
    budget: Budget = field(default_factory=Budget)
    repetition: Repetition = field(default_factory=Repetition)
    cut_off: bool = False
    """True while the last answer was text that the output limit cut off."""
