"""Keys that this process holds, and texts without them: what is shown, stored or sent to the model.

A key gets into a text without anybody's intent: a file holds it, a command prints it, an endpoint
echoes it. Whoever reads such a text sees `[key]` in its place.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Any, TypeVar, cast

from roo_lsp.agent.messages import (
    AssistantMessage,
    Condensed,
    HistoryEntry,
    ToolMessage,
    UserMessage,
)

MARK = "[key]"
"""What stands where a key stood."""
SHORTEST = 8
"""Characters; a shorter value may be a word of any text, and guards nothing."""

E = TypeVar("E", bound=HistoryEntry)


@dataclass(slots=True)
class Keys:
    """The values that are known to be keys; learnt when they are first used."""

    _values: set[str] = field(default_factory=set[str])
    _any: re.Pattern[str] | None = None

    def learn(self, value: str) -> None:
        """From now on it is shown nowhere."""
        if len(value) >= SHORTEST and value not in self._values:
            self._values.add(value)
            longest_first = sorted(self._values, key=len, reverse=True)
            self._any = re.compile("|".join(map(re.escape, longest_first)))

    def hidden(self, text: str) -> str:
        """The text without them."""
        return self._any.sub(MARK, text) if self._any and text else text

    def hidden_bytes(self, data: bytes) -> bytes:
        """The same of what a program printed, whatever its encoding."""
        for value in sorted(self._values, key=len, reverse=True):
            data = data.replace(value.encode("utf-8", "surrogatepass"), MARK.encode())
        return data

    def hidden_in(self, value: Any) -> Any:
        """A JSON value without them, in names as in texts; the same object where there are none."""
        if self._any is None:
            return value
        if isinstance(value, str):
            return self.hidden(value)
        if isinstance(value, Mapping):
            items = cast("Mapping[str, Any]", value).items()
            return {self.hidden(name): self.hidden_in(each) for name, each in items}
        if isinstance(value, list | tuple):
            return [self.hidden_in(each) for each in cast("list[Any]", value)]
        return value

    def hidden_from(self, entry: E) -> E:
        """What is said in a task without them; the same object where there are none."""
        if self._any is None:
            return entry
        found: HistoryEntry = entry
        if isinstance(entry, UserMessage | ToolMessage) and entry.known:
            known = tuple((self.hidden(path), digest) for path, digest in entry.known)
            entry = found = entry if known == entry.known else replace(entry, known=known)
        match entry:
            case UserMessage(text, shown=shown, meant=meant):
                parts = (self.hidden(text), self.hidden(shown), self.hidden(meant))
                if parts != (text, shown, meant):
                    found = replace(entry, text=parts[0], shown=parts[1], meant=parts[2])
            case ToolMessage() | Condensed():
                if (text := self.hidden(entry.text)) != entry.text:
                    found = replace(entry, text=text)
            case AssistantMessage():
                found = self._of_model(entry)
            case _:
                pass
        return cast("E", found)

    def _of_model(self, message: AssistantMessage) -> AssistantMessage:
        calls = tuple(
            replace(each, arguments=self.hidden(each.arguments)) for each in message.calls
        )
        text, reasoning = self.hidden(message.text), self.hidden(message.reasoning)
        made = replace(message, text=text, reasoning=reasoning, calls=calls)
        return message if made == message else made

    def begun(self, text: str) -> int:
        """How many characters at its end may be the beginning of one, whose rest is still to come."""
        return reduce(max, (_overlap(text, value) for value in self._values), 0)

    def would_be_lost(self, before: str, after: str) -> bool:
        """Whether a change writes our mark where a text has a key: who made it has only seen the mark."""
        is_new = after.count(MARK) > before.count(MARK)
        return bool(is_new and self._any and self._any.search(before))


def _overlap(text: str, value: str) -> int:
    """The length of the longest end of `text` that `value` begins with, and goes on behind."""
    longest = min(len(text), len(value) - 1)
    return next((size for size in range(longest, 0, -1) if text.endswith(value[:size])), 0)
