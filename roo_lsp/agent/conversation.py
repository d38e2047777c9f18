"""One task's agent: the ports it acts through, its history, and what holds for each request."""

from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from itertools import dropwhile, takewhile
from pathlib import Path

from roo_lsp.agent.approval import Gate
from roo_lsp.agent.events import EventSink, UsageUpdated
from roo_lsp.agent.guards import Budget, Limits, Repetition
from roo_lsp.agent.mentions import Mentions, NoMentions
from roo_lsp.agent.messages import (
    AssistantMessage,
    Condensed,
    HistoryEntry,
    Message,
    ToolMessage,
    UserMessage,
    repaired,
    standing,
)
from roo_lsp.agent.ports import ChatModel, ToolSpec, Usage
from roo_lsp.agent.redaction import Keys
from roo_lsp.agent.silence import MAKE_THE_CALL, SAY_SOMETHING, STOP_REPEATING
from roo_lsp.agent.surroundings import NothingAround, Surroundings
from roo_lsp.agent.tool import AnyTool, ToolContext
from roo_lsp.agent.usage import Gauge, Price, size_of

LAST_PROMPTS = 3
"""So many of the user's last messages survive condensing in their own words."""
GO_ON = "(The context was full in the middle of your answer. There is room again: go on.)"
CALL_NATIVELY = (
    "(Your last answer had a tool call in it as text. Text is never executed: nothing was run. Make "
    "the call natively, through the tool calling of this API, or answer without one.)"
)
SERVER_SAID = {GO_ON, CALL_NATIVELY, SAY_SOMETHING, MAKE_THE_CALL, STOP_REPEATING}
"""What is said in the user's place."""


@dataclass(frozen=True, slots=True)
class Brief:
    """What holds for one request: the model's instructions and tools, and what it may cost."""

    system: str
    tools: Mapping[str, AnyTool]
    specs: Sequence[ToolSpec]
    context_window: int
    price: Price
    limits: Limits
    condense: bool = True
    """Summarise what is left out when the context is full; else it is only left out."""
    condense_percent: int = 80
    """How full the context may get."""
    max_output_tokens: int | None = None
    """What an answer may have; None: the endpoint decides."""


class History:
    """What was said in a task, and the part of it that the model is sent.

    Only added to: `on_append` gets each entry, and entries that are given come back as they were
    meant. `messages` is the part that is sent, always valid, each message the same object for as
    long as it is in it; it is another list after each condensing.
    """

    def __init__(
        self,
        on_append: Callable[[HistoryEntry], None],
        entries: Iterable[HistoryEntry] = (),
        keys: Keys | None = None,
    ) -> None:
        """`keys` are left out of all that is added."""
        self._on_append = on_append
        self._keys = keys or Keys()
        self._stored: list[Message] = []
        """What of all entries is sent: without what `repaired` adds and leaves out."""
        self._call_ids: set[str] = set()
        self._early: dict[str, ToolMessage] = {}
        """Results of the last answer's calls that are stored and not yet in `messages`."""
        self.first_prompt: UserMessage | None = None
        self.last_prompts: deque[UserMessage] = deque(maxlen=LAST_PROMPTS)
        self.condensed = ""
        """The text at the beginning of `messages` that stands for what was left out."""
        entries = list(entries)
        for entry in standing(entries):
            self._take(entry)
        for entry in entries:  # also of what was rewound: clients know these calls
            if isinstance(entry, AssistantMessage):
                self._call_ids.update(call.id for call in entry.calls)
        self.messages: list[Message] = repaired(self._stored)
        self.size = size_of(self.messages)
        """Characters of `messages`, as `usage.size_of` counts them."""

    def read_anew(self, entries: Iterable[HistoryEntry]) -> "History":
        """The same task's history as these entries have it; it is added to in the same way."""
        return History(self._on_append, entries, self._keys)

    def append(self, message: Message) -> None:
        """Say something."""
        message = self._keys.hidden_from(message)
        stored = isinstance(message, ToolMessage) and self._early.pop(message.call_id, None)
        if message != stored:
            self._take(message)
        self.messages.append(message)
        self.size += size_of([message])
        if message != stored:
            self._on_append(message)

    def keep(self, result: ToolMessage) -> None:
        """Store a call's result as soon as there is one; it is said with those of its whole answer."""
        result = self._keys.hidden_from(result)
        if self._early.get(result.call_id) != result:
            self._early[result.call_id] = result
            self._take(result)
            self._on_append(result)

    def unfinished(self) -> tuple[AssistantMessage, dict[str, ToolMessage]] | None:
        """The last answer and the results it has, where some of its calls have none; else None."""
        behind = list(takewhile(lambda each: isinstance(each, ToolMessage), reversed(self._stored)))
        answer = self._stored[-len(behind) - 1] if len(behind) < len(self._stored) else None
        if not isinstance(answer, AssistantMessage):
            return None
        given = reversed(behind)
        results = {each.call_id: each for each in given if isinstance(each, ToolMessage)}
        if all(call.id in results for call in answer.calls):
            return None
        return answer, results

    def reopen(self) -> None:
        """The last answer's calls are gone on with: all their results are said anew."""
        if (left := self.unfinished()) is not None:
            self._early = left[1]
            while isinstance(self.messages[-1], ToolMessage):
                self.messages.pop()
            self.size = size_of(self.messages)

    def condense(self, entry: Condensed) -> None:
        """Leave out all of `messages` but the last `entry.kept` ones, with a text in their place.

        Results at the beginning of these go too: their calls are left out.
        """
        newest = self.messages[max(0, len(self.messages) - entry.kept) :]
        kept = list(dropwhile(lambda message: isinstance(message, ToolMessage), newest))
        entry = replace(entry, kept=self._stored_from(kept[0]) if kept else 0)
        entry = self._keys.hidden_from(entry)
        self._take(entry)
        self.messages = [self._stored[0], *kept]
        self.size = size_of(self.messages)
        self._on_append(entry)

    def call_ids(self) -> AbstractSet[str]:
        """The ids that calls have had in this task."""
        return self._call_ids

    def _take(self, entry: Message | Condensed) -> None:
        match entry:
            case Condensed(text, kept):
                self._stored[: max(0, len(self._stored) - kept)] = [UserMessage(text)]
                self.condensed = text
                return
            case UserMessage(text) if text and text not in SERVER_SAID:
                self.first_prompt = self.first_prompt or entry
                self.last_prompts.append(entry)
            case AssistantMessage(calls=calls):
                self._call_ids.update(call.id for call in calls)
            case _:
                pass
        self._stored.append(entry)

    def _stored_from(self, first: Message) -> int:
        """How many stored messages there are from this one on: `messages` may have other results."""
        newest = enumerate(reversed(self._stored), 1)
        return next(count for count, message in newest if message is first)


async def nothing_to_wait_for() -> None:
    """Returns at once."""


@dataclass(slots=True)
class Turn:
    """What is known of the turn that goes on."""

    changed: dict[Path, None] = field(default_factory=dict[Path, None])
    """The files that its calls have changed."""
    announced: bool = False
    """The model was asked once to do what it had only announced."""
    why_stopped: str = ""
    """Why a call that was being asked for was not run, where the turn is stopped for that."""


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
    settled: Callable[[], Awaitable[None]] = nothing_to_wait_for
    """Awaited as a turn begins: returns once nothing is asked that decides about the settings."""
    inbox: deque[UserMessage] = field(default_factory=deque[UserMessage])
    budget: Budget = field(default_factory=Budget)
    repetition: Repetition = field(default_factory=Repetition)
    surroundings: Surroundings = field(default_factory=NothingAround)
    mentions: Mentions = field(default_factory=NoMentions)
    gauge: Gauge = field(default_factory=Gauge)
    turn: Turn = field(default_factory=Turn)
    cut_off: bool = False
    """True while the last answer was text that the output limit cut off."""

    def request_size(self, brief: Brief) -> int:
        """Characters of the next request."""
        return self.gauge.instructions(brief.system, brief.specs) + self.history.size

    def charge(self, brief: Brief, usage: Usage, used: int) -> None:
        """A request ended: count what it cost, and show it with what the context holds now."""
        self.budget.spend(usage, brief.price)
        size = self.gauge.window(brief.context_window)
        self.emit(UsageUpdated(usage, used=used, size=size, cost=self.budget.whole_cost))
