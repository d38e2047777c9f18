"""Tasks: conversations with the agent. A turn belongs to the server, not to the request that began it."""

import asyncio
import logging
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from roo_lsp.agent.conversation import Agent
from roo_lsp.agent.errors import RooError
from roo_lsp.agent.events import ModeChanged, StateChanged, StopReason, TaskState
from roo_lsp.agent.loop import run_turn
from roo_lsp.agent.messages import AssistantMessage, Entry, Image, Message, ToolMessage, UserMessage
from roo_lsp.lsp.progress import Progress
from roo_lsp.lsp.stream import EventStream, one_line
from roo_lsp.workspace.store import TaskStore, TaskSummary

log = logging.getLogger(__name__)

CANCEL_SECONDS = 1.8
"""`roo.task.cancel` answers within 2 s, whatever does not stop."""
TITLE_LENGTH = 80

AgentFactory = Callable[["Task", list[Entry]], Agent]


@dataclass(slots=True, eq=False)
class Task:
    """One conversation: its events, its agent, and the turn that may be running."""

    id: str
    title: str
    mode: str
    profile: str
    created_at: float
    store: TaskStore
    progress: Progress
    stream: EventStream
    workspace: Path
    state: TaskState = "idle"
    updated_at: float = field(default_factory=time.time)
    agent: Agent = field(init=False)
    turn: asyncio.Task[StopReason] | None = None
    result: str = ""
    """What the last turn came to: the completion's text, or the last answer's."""

    def emit(self, event: Any) -> None:
        """The task's event sink."""
        if isinstance(event, StateChanged) and event.state != self.state:
            self.state = event.state
            self.save()
        self.stream(event)

    def send(self, text: str, images: tuple[Image, ...] = ()) -> bool:
        """Say something; True when a turn runs and will hear it with its next request."""
        self.agent.inbox.append(UserMessage(text, images))
        if self.running:
            return True
        self.turn = asyncio.create_task(self._run(), name=f"turn of {self.id}")
        return False

    @property
    def running(self) -> bool:
        return self.turn is not None and not self.turn.done()

    async def cancel(self) -> bool:
        """Stop the turn and every command; True when there was something to stop."""
        turn = self.turn
        was_running = turn is not None and not turn.done()
        if turn is not None and was_running:
            turn.cancel()
            await asyncio.wait({turn}, timeout=CANCEL_SECONDS)
        await self.agent.context.commands.close()
        return was_running

    async def ended(self) -> StopReason:
        """How the running turn ends; cancelling this wait leaves the turn alone."""
        if self.turn is None:
            return "end_turn"
        await asyncio.wait({self.turn})
        return self.turn.result()

    def set_mode(self, mode: str) -> None:
        """Go on in another mode, from the next request on."""
        if mode != self.mode:
            self.mode = mode
            self.emit(ModeChanged(mode))
            self.save()

    @property
    def usage(self) -> dict[str, int]:
        budget = self.agent.budget
        return {
            "inputTokens": budget.input_tokens,
            "outputTokens": budget.output_tokens,
        }

    @property
    def cost(self) -> float:
        """US dollars."""
        return round(self.agent.budget.total_cost, 6)

    def summary(self) -> TaskSummary:
        """What the list of tasks shows."""
        return TaskSummary(
            task_id=self.id,
            title=self.title,
            state=self.state,
            mode=self.mode,
            created_at=self.created_at,
            updated_at=self.updated_at,
            input_tokens=self.usage["inputTokens"],
            output_tokens=self.usage["outputTokens"],
            cost=self.cost,
            workspace=str(self.workspace),
        )

    def save(self) -> None:
        """Bring the list of tasks up to date."""
        self.updated_at = time.time()
        self.store.update(self.summary())

    async def _run(self) -> StopReason:
        self.progress.begin(self.id, self.title)
        if self.stream.seq == 0:
            self.emit(ModeChanged(self.mode))
        self.emit(StateChanged("running"))
        end = StateChanged("failed", "error", RooError("internal", "An internal error of roo-lsp."))
        try:
            stop = await run_turn(self.agent)
            self.result = _result(self.agent.history.messages)
            end = StateChanged("idle", stop)
        except asyncio.CancelledError:
            end = StateChanged("idle", "cancelled")
        except RooError as error:
            end = StateChanged("failed", "error", error)
        except Exception:
            log.exception("a turn ended with a bug")
            end = StateChanged(
                "failed",
                "error",
                RooError(
                    "internal",
                    "An internal error of roo-lsp ended the turn.",
                    "The log has it; send a message to go on.",
                ),
            )
        finally:
            self.emit(end)
            self.stream.flush()
            self.progress.end(self.id, self._last_line(end))
        if self.agent.inbox and end.stop_reason not in {"cancelled", "error"}:
            return await self._run()  # a message came after the last request was made
        return end.stop_reason or "end_turn"

    def _last_line(self, end: StateChanged) -> str:
        """What a status line says once the turn is over: how it ended, and what it came to."""
        first = self.result.strip().partition("\n")[0] if end.stop_reason == "end_turn" else ""
        line = one_line(f"{end.line}: {first}" if first else end.line)
        return line if len(line) <= TITLE_LENGTH else f"{line[: TITLE_LENGTH - 1]}…"


@dataclass(slots=True)
class Tasks:
    """The tasks of one server: those that are open, and those in the store."""

    store: TaskStore
    progress: Progress
    workspace: Path
    factory: AgentFactory
    _open: dict[str, Task] = field(default_factory=dict[str, Task])
    _recent: str | None = None

    def create(self, prompt: str, mode: str, profile: str) -> Task:
        """A new task; its turn starts with `send`."""
        task_id = f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(3)}"
        title = one_line(prompt)[:TITLE_LENGTH]
        task = self._make(task_id, title, mode, profile, time.time(), seq=0)
        self.store.create(task.summary())
        return task

    def get(self, task_id: str | None) -> Task | None:
        """An open task, or one from the store; without an id the one used last, or None."""
        if task_id is None:
            task_id = self._recent or next(
                (each.task_id for each in self.store.list(str(self.workspace), 1)), None
            )
        if task_id is None:
            return None
        task = self._open.get(task_id) or self._reopen(task_id)
        if task is not None:
            self._recent = task.id
        return task

    def delete(self, task_id: str) -> None:
        """Forget a task and what is stored of it."""
        self._open.pop(task_id, None)
        if self._recent == task_id:
            self._recent = None
        self.store.delete(task_id)

    def listed(self, limit: int, *, everywhere: bool) -> list[TaskSummary]:
        """Newest first; a stored task that no turn of ours runs is idle, whatever it was."""
        return [
            each if each.state == "failed" or self._is_running(each.task_id) else _idle(each)
            for each in self.store.list(None if everywhere else str(self.workspace), limit)
        ]

    async def close(self) -> None:
        """Cancel everything."""
        await asyncio.gather(*(task.cancel() for task in list(self._open.values())))

    def __iter__(self) -> Any:
        return iter(list(self._open.values()))

    def _is_running(self, task_id: str) -> bool:
        return task_id in self._open and self._open[task_id].running

    def _reopen(self, task_id: str) -> Task | None:
        summary = self.store.get(task_id)
        if summary is None:
            return None
        return self._make(
            task_id,
            summary.title,
            summary.mode,
            "",
            summary.created_at,
            seq=self.store.last_seq(task_id),
            entries=self.store.messages(task_id),
            spent=(summary.input_tokens, summary.output_tokens, summary.cost),
        )

    def _make(
        self,
        task_id: str,
        title: str,
        mode: str,
        profile: str,
        created_at: float,
        seq: int,
        entries: list[Entry] | None = None,
        spent: tuple[int, int, float] = (0, 0, 0.0),
    ) -> Task:
        stream = EventStream(
            task_id,
            seq,
            store=lambda roo: self.store.append_event(task_id, roo),
            send=self.progress.send,
            outlet=self.progress,
        )
        task = Task(
            task_id,
            title,
            mode,
            profile,
            created_at,
            self.store,
            self.progress,
            stream,
            self.workspace,
        )
        task.agent = self.factory(task, entries or [])
        budget = task.agent.budget
        budget.input_tokens, budget.output_tokens, budget.total_cost = spent
        self._open[task_id] = task
        self._recent = task_id
        return task


def _idle(summary: TaskSummary) -> TaskSummary:
    return replace(summary, state="idle")


def _result(messages: list[Message]) -> str:
    """The completion's text, else what the model said last."""
    for message in reversed(messages):
        match message:
            case ToolMessage(_, text):
                return text
            case AssistantMessage(text) if text:
                return text
            case UserMessage():
                return ""
            case _:
                pass
    return ""
