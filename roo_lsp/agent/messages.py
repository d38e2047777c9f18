"""What has been said in a task: the messages of its history, and the rule that keeps it valid."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

INTERRUPTED = "This call was interrupted before it finished; what it did until then is not known."


@dataclass(frozen=True, slots=True)
class Image:
    """A picture for the model: base64 data and its media type (`image/png`)."""

    media_type: str
    data: str
    uri: str = ""
    """Where the user has it (`file:`), where that is known."""

    @property
    def size(self) -> int:
        """Bytes of the picture itself."""
        return len(self.data) * 3 // 4 - self.data[-2:].count("=")


KnownFiles = tuple[tuple[str, str], ...]
"""Files by their paths, each with the `recall.text_digest` of the text that the model takes it to have from
then on; empty where it knows none any more."""


@dataclass(frozen=True, slots=True)
class UserMessage:
    """What the user said, or what the server says in the user's place."""

    text: str
    images: tuple[Image, ...] = ()
    queue_id: str = ""
    """Of one that was said while the model worked: how it is called until the model is told."""
    shown: str = ""
    """What the user mentioned, and what the editor showed just then: none of it is the user's word."""
    known: KnownFiles = ()
    """What of files came to be known by that; kept for another server, never sent."""
    meant: str = ""
    """The text with the mentions in it replaced by what they stand for, where there are any."""
    own: int | None = None
    """Characters of the text that the user typed, where something stands behind them; until it is told."""

    @property
    def words(self) -> str:
        """What the user typed."""
        return self.text[: self.own]

    @property
    def told(self) -> str:
        """All that the model reads: the words, and behind them what was mentioned and what is shown."""
        return "\n\n".join(part for part in (self.meant or self.text, self.shown) if part)


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call as the model made it; `arguments` is JSON text, always that of an object."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class AssistantMessage:
    """One answer of the model."""

    text: str = ""
    calls: tuple[ToolCall, ...] = ()
    reasoning: str = ""
    reasoning_field: str = ""
    """The name the endpoint sent reasoning under: `reasoning_content`, `reasoning` or none."""
    reasoning_details: str = ""
    """OpenRouter's `reasoning_details` as JSON text: signed or encrypted reasoning to send back."""


@dataclass(frozen=True, slots=True)
class ToolMessage:
    """The result of one call."""

    call_id: str
    text: str
    failed: bool = False
    images: tuple[Image, ...] = ()
    known: KnownFiles = ()
    """As of a `UserMessage`."""


Message = UserMessage | AssistantMessage | ToolMessage
"""What the model is sent."""


@dataclass(frozen=True, slots=True)
class Condensed:
    """Stands, from here on, for all messages before it but the last `kept` ones."""

    text: str
    """A user message in their place: a summary, or a note that they were left out."""
    kept: int


@dataclass(frozen=True, slots=True)
class Rewound:
    """From here on the conversation is what it was after the first `length` entries of the task."""

    length: int


HistoryEntry = Message | Condensed | Rewound
"""What is stored of a task: nothing that was said is ever taken back."""


def standing(entries: Iterable[HistoryEntry]) -> list[Message | Condensed]:
    """The entries that were not rewound."""
    rest = list(entries)
    pieces: list[list[HistoryEntry]] = []
    at = len(rest)
    while at:
        at -= 1
        if isinstance(entry := rest[at], Rewound):
            pieces.append(rest[at + 1 :])
            del rest[min(at, entry.length) :]
            at = len(rest)
    pieces.append(rest)
    return [
        entry for piece in reversed(pieces) for entry in piece if not isinstance(entry, Rewound)
    ]


def repaired(messages: Iterable[Message], missing: str = INTERRUPTED) -> list[Message]:
    """The same history made valid: exactly one result for each call, right behind its answer.

    Results keep the order of the calls; calls without a result get `missing` as a failed one;
    results that answer no call are dropped. A valid history comes back equal.
    """
    valid: list[Message] = []
    items = list(messages)
    position = 0
    while position < len(items):
        message = items[position]
        position += 1
        if isinstance(message, ToolMessage):
            continue
        valid.append(message)
        if isinstance(message, AssistantMessage) and message.calls:
            end = position
            while end < len(items) and isinstance(items[end], ToolMessage):
                end += 1
            valid.extend(_answers(message.calls, items[position:end], missing))
            position = end
    return valid


def _answers(
    calls: Sequence[ToolCall], results: Sequence[Message], missing: str
) -> list[ToolMessage]:
    """One result a call, in the calls' order; the last of several results for a call wins."""
    found = {result.call_id: result for result in results if isinstance(result, ToolMessage)}
    return [found.get(call.id) or ToolMessage(call.id, missing, failed=True) for call in calls]
