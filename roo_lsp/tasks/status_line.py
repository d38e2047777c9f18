"""The line that a status bar shows of a task: its state first, in one line, whole words.

What waits for the user stands until it is answered. What takes long says for how long, also while
nothing happens.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from roo_lsp.agent.columns import fitted, one_line, tail
from roo_lsp.agent.events import (
    AgentEvent,
    AgentMessageChunk,
    AgentThoughtChunk,
    ModelAtWork,
    PermissionAsked,
    PermissionSettled,
    QuestionAnswered,
    QuestionAsked,
    Retrying,
    StateChanged,
    SubtaskChanged,
    ToolCallArguments,
    ToolCallStarted,
    ToolCallUpdated,
)

LINE_LENGTH = 72
"""Columns at the most: 80, less what editors put before it (`[roo] `, `Roo: `)."""
DOING_COLUMNS = 40
"""Of them for what is being done, where what it says last follows."""
LONG_TEXT = 1_000
"""Characters of an event's line that are looked at."""
FROM_SECONDS = 3
"""What takes longer says so."""
MODEL = "Waiting for the model"
AT_WORK = "Model at work"


@dataclass(slots=True)
class StatusLine:
    """The line of one task; told each event, in order."""

    clock: Callable[[], float] = time.monotonic
    _line: str = ""
    """What stands there where no time counts."""
    _doing: str = ""
    """What is being done, without its time."""
    _last: str = ""
    """What it said last."""
    _about: str = ""
    """Which of the things that take long it is."""
    _since: float = 0
    """When that began, or the line before it ended."""
    _spoken: str = ""
    _waiting: dict[str, str] = field(default_factory=dict[str, str])
    """What waits for the user, by request id."""

    @property
    def waiting(self) -> str:
        """What waits for the user; empty where nothing does."""
        return next(iter(self._waiting.values()), "")

    def heard(self, event: AgentEvent) -> str:
        """The line once this has happened."""
        if isinstance(event, AgentMessageChunk):
            self._spoken = (self._spoken + event.text).rpartition("\n\n")[2][-4 * LINE_LENGTH :]
            self._stands(tail(one_line(self._spoken), LINE_LENGTH))
            return self.now()
        self._spoken = ""
        match event:
            case AgentThoughtChunk():
                self._does("thinking", "Thinking")
            case ToolCallStarted(id=call) | ToolCallArguments(id=call) if event.line:
                doing, _, count = event.line.removesuffix("…").partition(" · ")
                self._does(call, _text(doing), count)
            case ModelAtWork():
                self._does("model", AT_WORK, event.speed)
                self._since = self.clock() - event.seconds
            case SubtaskChanged(task_id=task, state="running"):
                self._does(f"subtask {task}", _text(event.line))
            case ToolCallUpdated(id=call, status="in_progress") if event.doing:
                self._does(f"run {call}", _text(event.doing), _text(event.said))
            case _:
                self._happened(event)
        return self.now()

    def now(self) -> str:
        """The line as of now."""
        if self._waiting:
            return self.waiting
        if not self._doing:
            return self._line
        seconds = int(self.clock() - self._since)
        parts = [f"{elapsed_text(seconds)}"] if seconds >= FROM_SECONDS else []
        parts += [self._last] if self._last else []
        if not parts:
            return f"{fitted(self._doing, LINE_LENGTH - 1)}…"
        room = DOING_COLUMNS if self._last else LINE_LENGTH - 12
        return fitted(" · ".join([fitted(self._doing, room), *parts]), LINE_LENGTH)

    def still(self) -> str:
        """The line while nothing happens: whatever it was about, it is the model's turn by now."""
        if not self._waiting and not self._doing and not self._spoken and self._about != "over":
            if self.clock() < self._since:
                return self._line  # a pause that it tells of itself
            since = self._since
            self._does("model", MODEL)
            self._since = since
        return self.now()

    def _happened(self, event: AgentEvent) -> None:
        match event:
            case PermissionAsked(request_id=name) | QuestionAsked(request_id=name):
                self._waiting[name] = _text(event.line)
            case PermissionSettled(request_id=name) | QuestionAnswered(request_id=name):
                self._waiting.pop(name, None)
            case StateChanged(state="idle" | "failed"):
                self._waiting.clear()
            case _:
                pass
        if line := _text(event.line):
            self._stands(line)
            if isinstance(event, Retrying):
                self._since += event.delay
            if isinstance(event, StateChanged) and event.state in {"idle", "failed"}:
                self._about = "over"

    def _stands(self, line: str) -> None:
        self._line, self._doing, self._last, self._about = line, "", "", ""
        self._since = self.clock()

    def _does(self, about: str, doing: str, last: str = "") -> None:
        if about != self._about:
            self._since, self._last = self.clock(), ""
        self._about, self._doing, self._last = about, doing, last or self._last


def elapsed_text(seconds: int) -> str:
    """A time for people: `14 s`, `2 min 5 s`."""
    return f"{seconds} s" if seconds < 60 else f"{seconds // 60} min {seconds % 60} s"


def _text(line: str) -> str:
    return fitted(one_line(line[:LONG_TEXT]), LINE_LENGTH)
