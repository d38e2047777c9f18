"""A task's events on their way out: merged, numbered, stored, sent; in that order.

Deltas go out at once when nothing was sent lately, else merged when the pause is over; while the
client does not keep up they merge further. What is sent is what is stored: both get the same JSON.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from roo_lsp.agent.events import (
    AgentEvent,
    AgentMessageChunk,
    AgentThoughtChunk,
    ToolCallArguments,
    ToolCallUpdated,
)
from roo_lsp.agent.redaction import Keys
from roo_lsp.tasks.status_line import StatusLine

PAUSE = 0.03
"""Seconds between two deltas (interface section 5)."""

Roo = dict[str, Any]
"""The `roo` object of an event: version, task, sequence number, time, update."""


class Audience(Protocol):
    """Whoever is shown what tasks do: a front end hands it in."""

    def begin(self, task_id: str, title: str, status: StatusLine | None = None) -> None:
        """A turn starts; `status` is the line that stands while nothing happens in it."""
        ...

    def send(self, roo: Roo, message: str) -> None:
        """One event, and the line that a status bar shows of it."""
        ...

    def line(self, task_id: str, text: str) -> None:
        """A report that is no event of a task."""
        ...

    def end(self, task_id: str, message: str) -> None:
        """A turn ended."""
        ...

    def use_token(self, task_id: str, token: str | int) -> None:
        """The front end asked for a task's events to carry this name of its own."""
        ...

    @property
    def congested(self) -> bool:
        """Whether so much is waiting that what can be merged should be."""
        ...

    def when_drained(self, callback: Callable[[], object]) -> None:
        """Calls back once, on the event loop, as soon as little is waiting."""
        ...


@dataclass(slots=True)
class EventStream:
    """The event sink of one task."""

    task_id: str
    seq: int
    """Number of the last event, 0 for a new task."""
    store: Callable[[Roo], None]
    audience: Audience
    keys: Keys = field(default_factory=Keys)
    """Left out of all of it, also where one comes in pieces."""
    clock: Callable[[], float] = time.monotonic
    _held: AgentEvent | None = None
    """The end of a text that may be the beginning of a key."""
    _pending: AgentEvent | None = None
    _timer: asyncio.TimerHandle | None = None
    _waits_for_drain: bool = False
    _last_sent: float = field(default=float("-inf"))
    status: StatusLine = field(default_factory=StatusLine)
    """What a status bar shows of it."""

    def __call__(self, event: AgentEvent) -> None:
        if self._held is not None:
            held, self._held = self._held, None
            merged = _merge(held, event)
            if merged is None:
                self._take(held)
            event = merged or event
        if begun := self.keys.begun(text := _delta_of(event)):
            self._held = _with_delta(event, text[-begun:])
            event = _with_delta(event, text[:-begun])
            if begun == len(text):
                return
        self._take(event)

    def _take(self, event: AgentEvent) -> None:
        if self._pending is not None:
            merged = _merge(self._pending, event)
            if merged is not None:
                self._pending = merged
                return
            self._flush()
        if not _is_delta(event):
            self._out(event)
            return
        wait = self._last_sent + PAUSE - self.clock()
        if wait <= 0 and not self.audience.congested:
            self._out(event)
            return
        self._pending = event
        self._timer = asyncio.get_running_loop().call_later(max(wait, 0), self._pause_over)

    def flush(self) -> None:
        """Send what waits."""
        if self._held is not None:
            held, self._held = self._held, None
            self._take(held)
        self._flush()

    def _flush(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._pending is not None:
            event, self._pending = self._pending, None
            self._out(event)

    def _pause_over(self) -> None:
        self._timer = None
        if self._pending is None or self._waits_for_drain:
            return
        if self.audience.congested:
            self._waits_for_drain = True
            self.audience.when_drained(self._drained)
        else:
            self._flush()

    def _drained(self) -> None:
        self._waits_for_drain = False
        if self._timer is None:
            self._flush()

    def _out(self, event: AgentEvent) -> None:
        self.seq += 1
        roo: Roo = {
            "v": 1,
            "taskId": self.task_id,
            "seq": self.seq,
            "ts": round(time.time(), 3),
            "update": self.keys.hidden_in(event.update),
        }
        self._last_sent = self.clock()
        self.store(roo)
        self.audience.send(roo, self.keys.hidden(self.status.heard(event)))


def _delta_of(event: AgentEvent) -> str:
    """The text that more of may follow."""
    match event:
        case AgentMessageChunk(text) | AgentThoughtChunk(text):
            return text
        case ToolCallArguments():
            return event.delta
        case ToolCallUpdated():
            return event.output
        case _:
            return ""


def _with_delta(event: AgentEvent, text: str) -> AgentEvent:
    match event:
        case AgentMessageChunk():
            return AgentMessageChunk(text)
        case AgentThoughtChunk():
            return AgentThoughtChunk(text)
        case ToolCallArguments():
            return replace(event, delta=text)
        case ToolCallUpdated():
            return replace(event, output=text)
        case _:
            return event


def _is_delta(event: AgentEvent) -> bool:
    match event:
        case AgentMessageChunk() | AgentThoughtChunk() | ToolCallArguments():
            return True
        case ToolCallUpdated(output=output):
            return bool(output)
        case _:
            return False


def _merge(first: AgentEvent, second: AgentEvent) -> AgentEvent | None:
    """Both as one event, where that says the same."""
    match first, second:
        case AgentMessageChunk(one), AgentMessageChunk(two):
            return AgentMessageChunk(one + two)
        case AgentThoughtChunk(one), AgentThoughtChunk(two):
            return AgentThoughtChunk(one + two)
        case ToolCallArguments(), ToolCallArguments() if first.id == second.id:
            # Spelt out: this is the hottest line of a large file being written.
            return ToolCallArguments(
                second.id,
                first.delta + second.delta,
                second.size,
                second.tool,
                second.title,
                second.lines,
            )
        case ToolCallUpdated(), ToolCallUpdated() if (
            first.id == second.id and first.output and second.output
        ):
            return replace(second, output=first.output + second.output)
        case _:
            return None
