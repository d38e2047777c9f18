"""Tasks: conversations with the agent. A turn belongs to the server, not to the request that began it."""

import asyncio
import logging
import secrets
import sys
import time
from collections import deque
from collections.abc import (
    Awaitable,
    Callable,
    Coroutine,
    Generator,
    Iterator,
    Mapping,
    Sequence,
)
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import InitVar, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from roo_lsp.agent.approval import Decision
from roo_lsp.agent.calls import STOPPED, STOPPED_ASKING, LeftCalls
from roo_lsp.agent.columns import fitted, one_line
from roo_lsp.agent.context import condense_now
from roo_lsp.agent.conversation import Agent
from roo_lsp.agent.errors import RooError
from roo_lsp.agent.events import (
    AgentEvent,
    CommandsOffered,
    ModeChanged,
    PermissionSettled,
    QuestionAnswered,
    Queued,
    StateChanged,
    StopReason,
    TaskState,
)
from roo_lsp.agent.finishing import answer_of
from roo_lsp.agent.loop import go_on, run_turn
from roo_lsp.agent.messages import INTERRUPTED, HistoryEntry, Image, ToolMessage, UserMessage
from roo_lsp.agent.redaction import Keys
from roo_lsp.agent.tool import Todo
from roo_lsp.agent.usage import Spent
from roo_lsp.tasks.interrupted import LooseEnds
from roo_lsp.tasks.kept import forget, what_waits
from roo_lsp.tasks.record import TaskRecord, require_readable
from roo_lsp.tasks.refusals import Refused
from roo_lsp.tasks.status_line import LINE_LENGTH
from roo_lsp.tasks.stream import Audience, EventStream
from roo_lsp.tasks.view import Focus
from roo_lsp.workspace.store import TaskStore
from roo_lsp.workspace.task_index import TaskSummary
from roo_lsp.workspace.task_tree import TaskTree

log = logging.getLogger(__name__)

CANCEL_SECONDS = 1.8
"""`roo.task.cancel` answers within 2 s, whatever does not stop."""
TITLE_LENGTH = 80


@dataclass(frozen=True, slots=True)
class Worker:
    """A task's agent, and what looks on as it works."""

    agent: Agent
    saw: Callable[[AgentEvent], None]
    """Told each event before it goes out."""
    was_read: Callable[[int], None]
    """Told when the history was read from the store, and how many entries it has."""
    before_end: Callable[[], Awaitable[None]]
    """Awaited when a turn came to its end by itself: what was begun beside it is done."""
    denied: Callable[[], Mapping[str, tuple[str, Decision]]]
    """Calls that another server asked for and the user denied since, with their titles."""
    taken_up: Callable[[], None]
    """Told when the calls that another server left are done."""
    focus: Callable[[Focus], None]
    """Told where the user is, as the front end says with a message."""
    commands: Callable[[], CommandsOffered]
    """What `/` offers now."""


Employ = Callable[["Task", Sequence[HistoryEntry]], Worker]
"""Makes a task's agent, with what was said before."""


@dataclass(slots=True, eq=False)
class Task:
    """One conversation: its events, its agent, and the turn that may be running.

    While a turn runs the task is claimed in the store. Where it cannot be stored the turn ends and
    says so; `TaskRecord` has what is kept of it.
    """

    id: str
    title: str
    mode: str
    profile: str
    created_at: float
    store: TaskStore
    audience: Audience
    workspace: Path
    employ: InitVar[Employ]
    entries: InitVar[Sequence[HistoryEntry]]
    tell: Callable[[str], None]
    """Shows the user a message."""
    keys: Keys = field(default_factory=Keys)
    """Left out of all that is shown and stored."""
    line: tuple[str, ...] = ()
    """The tasks that this one is a part of, from the one that the user began down to its parent."""
    begun: Callable[["Task"], None] = lambda task: None  # noqa: ARG005 -- nobody is told
    """Told when a turn begins."""
    watchers: list[Callable[[], None]] = field(default_factory=list[Callable[[], None]])
    """Told when the state is another one."""
    token: str | int | None = None
    """The front end's own name for what it is told of the task."""
    state: TaskState = "idle"
    updated_at: float = field(default_factory=time.time)
    turn: asyncio.Task[StopReason] | None = None
    result: str = ""
    """What the last turn came to: the completion's text, or the last answer's."""
    interrupted: bool = False
    """True when the server that ran its last turn ended before that turn did."""
    queue: dict[str, str] = field(default_factory=dict[str, str])
    """What the user has said and the model has not been told: the words by their id, in order."""
    record: TaskRecord = field(init=False)
    stream: EventStream = field(init=False)
    _worker: Worker = field(init=False)
    _end: StateChanged | None = None
    _offered: CommandsOffered | None = None
    """What front ends were told last."""
    _cancelling: bool = False
    _said_behind: deque[UserMessage] = field(default_factory=deque[UserMessage])
    """What was said while the turn was being cancelled: for the next one."""
    _work: asyncio.Task[StopReason] | None = None
    """The part of the turn that acts."""

    def __post_init__(self, employ: Employ, entries: Sequence[HistoryEntry]) -> None:
        self.record = TaskRecord(self.id, self.store, self.read_anew, self._end_work)
        self.stream = EventStream(self.id, 0, self.record.keep_event, self.audience, self.keys)
        self._worker = employ(self, entries)

    @property
    def agent(self) -> Agent:
        return self._worker.agent

    def focus(self, focus: Focus | None) -> None:
        """The front end says where the user is, with the message that is sent next."""
        if focus is not None:
            self._worker.focus(focus)

    def emit(self, event: AgentEvent) -> None:
        """The task's event sink."""
        if self.record.left:
            return
        self._worker.saw(event)
        if isinstance(event, Queued) and event.state == "delivered":
            self.queue.pop(event.message_id, None)
        if isinstance(event, StateChanged) and event.state != self.state:
            self.state = event.state
            self.save()
            if self.record.claimed:
                self._out(event)
                for each in list(self.watchers):
                    each()
                return
        if self.record.claimed:
            self._out(event)
            return
        try:  # the last words of a command in the background, say
            self.record.claim()
        except RooError as error:
            log.warning("an event of %s is lost: %s", self.id, error)
            return
        self._out(event)
        self._let_go()

    def _out(self, event: AgentEvent) -> None:
        self.stream(event)
        if isinstance(event, PermissionSettled | QuestionAnswered):
            forget(self.store, self.id, event.request_id)

    def send(self, text: str, images: tuple[Image, ...] = (), words: str | None = None) -> bool:
        """Say something; True when it waits for the next request of the turn that runs.

        `words` are the user's own, which `text` begins with: the queue shows them, and mentions are looked
        for in them. What is said while a turn is being cancelled begins the next one.

        Raises:
            RooError: another server runs the task, or it cannot be stored.
        """
        if self.interrupted and not self.running:
            self.take_up()
        own = None if words is None else len(words)
        if self.running:
            message = UserMessage(text, images, f"msg_{secrets.token_hex(6)}", own=own)
            self.queue[message.queue_id] = text if words is None else words
            self.emit(Queued(message.queue_id, text=self.queue[message.queue_id]))
            (self._said_behind if self._cancelling else self.agent.inbox).append(message)
            return True
        self.record.claim()
        self.agent.inbox.append(UserMessage(text, images, own=own))
        self._begin()
        return False

    def begin(self, prompt: str, todos: Sequence[Todo] = ()) -> None:
        """The first turn of a subtask, with a todo list where it has one.

        Raises:
            RooError: it cannot be stored.
        """
        self.record.claim()
        self.agent.inbox.append(UserMessage(prompt, own=0))  # no person typed it

        async def work(agent: Agent) -> StopReason:
            if todos:
                agent.context.todos.replace(todos)
            return await run_turn(agent)

        self._begin(work)

    def take_up(self, request_id: str | None = None) -> bool:
        """Go on where a server ended while the user was asked; False where nothing waits, or not this.

        Raises:
            RooError: another server runs the task, or it cannot be stored.
        """
        if self.running:
            return True
        self.record.claim()
        waiting = what_waits(self.store, self.id) if self.interrupted else None
        if waiting is None or (
            request_id is not None
            and request_id not in {kept.request_id for kept in waiting.asked.values()}
        ):
            self._let_go()
            return False
        self.interrupted = False
        left = LeftCalls(
            waiting.answer,
            waiting.results,
            waiting.begun,
            self._worker.denied,
            self._worker.taken_up,
            waiting.children,
        )
        going_on = {call.id for call in waiting.answer.calls} - waiting.results.keys()
        for event in waiting.loose.ends(self._call_ids(), waiting.results, going_on):
            self.emit(event)
        self._begin(partial(go_on, left=left))
        return True

    def _call_ids(self) -> AbstractSet[str]:
        return self.agent.history.call_ids()

    def _begin(self, work: Callable[[Agent], Coroutine[Any, Any, StopReason]] = run_turn) -> None:
        self.record.unstored = None
        self.turn = asyncio.create_task(self._run(work), name=f"turn of {self.id}")
        self.turn.add_done_callback(self._turn_over)
        self.begun(self)

    async def condense(self) -> tuple[int, int]:
        """Condense the conversation; the tokens it had and has. What is said meanwhile waits.

        Raises:
            Refused: a turn runs.
            RooError: another server runs the task, or the endpoint could not be used.
        """
        if self.interrupted and what_waits(self.store, self.id):
            raise Refused("The task waits for you; answer or cancel that first.", "waiting")
        if self.running:
            raise Refused(
                "The task is working, and condenses by itself where it has to.", "running"
            )
        self.record.claim()
        figures: list[int] = []
        failures: list[RooError] = []

        async def work(agent: Agent) -> StopReason:
            await agent.settled()
            try:
                figures.extend(await condense_now(agent, agent.brief()))
            except RooError as error:
                failures.append(error)
                raise
            return "end_turn"

        self._begin(work)
        await self.ended()
        if failures:
            raise failures[0]
        if not figures:
            raise Refused("It was cancelled.", "cancelled")
        return figures[0], figures[1]

    def unqueue(self, message_id: str) -> bool:
        """Take back what the model has not been told; False where it is too late."""
        return self._requeue(message_id, None)

    def edit_queued(self, message_id: str, words: str) -> bool:
        """Say it in other words; what was attached stays. False where it is too late."""
        return self._requeue(message_id, words)

    def _requeue(self, message_id: str, words: str | None) -> bool:
        for waiting in (self.agent.inbox, self._said_behind):
            for at, message in enumerate(waiting):
                if message.queue_id == message_id:
                    before = self.queue[message_id]
                    if words is None:
                        del waiting[at], self.queue[message_id]
                        self.emit(Queued(message_id, state="removed"))
                    else:
                        rest = message.text[len(before) :]
                        waiting[at] = replace(message, text=words + rest, own=len(words))
                        self.queue[message_id] = words
                        self.emit(Queued(message_id, text=words))
                    return True
        return False

    def _give_back(self) -> None:
        """A turn was stopped: what the model was not told is the user's again, never sent by itself."""
        waiting = [each for each in self.agent.inbox if each.queue_id]
        for message in waiting:
            self.agent.inbox.remove(message)
            words = self.queue.pop(message.queue_id)
            self.emit(Queued(message.queue_id, text=words, state="returned"))

    def note(self, text: str, own: int | None = 0) -> None:
        """Tell the model something with its next request; by itself this makes none.

        `own` characters of it were typed by the user; None: all.
        """
        if self.running:
            self.agent.inbox.append(UserMessage(text, own=own))
        else:
            self.agent.history.append(UserMessage(text))

    @property
    def running(self) -> bool:
        return self.turn is not None and not self.turn.done()

    async def cancel(self, why: str = "") -> bool:
        """Stop the turn and every command; True when there was something to stop.

        `why` is what the model is told of a call that the user was being asked for.

        Raises:
            RooError: it is another server's to stop.
        """
        self._cancelling = self.running
        self.agent.turn.why_stopped = why
        try:
            was_running = await self.stop()
        finally:
            self._cancelling = False
        if not was_running and self.interrupted:
            return self._give_up()
        if not was_running and self.store.elsewhere([self.id]):
            self.record.claim()
            self._let_go()
        return was_running

    def _give_up(self) -> bool:
        """Nobody goes on with what waited when a server ended; True when there was something."""
        self.record.claim()
        waiting = what_waits(self.store, self.id)
        if waiting is not None:
            self.agent.history.reopen()
            for call in waiting.answer.calls:
                text = STOPPED_ASKING if call.id in waiting.asked else STOPPED
                text = INTERRUPTED if call.id in waiting.begun else text
                result = waiting.results.get(call.id)
                self.agent.history.append(result or ToolMessage(call.id, text, failed=True))
            self._end_interrupted()
            self.emit(StateChanged("idle", "cancelled"))
        self._let_go()
        return waiting is not None

    def leave(self) -> None:
        """The server ends, and what the task waits for stays as it is for another one to go on with."""
        self.stream.flush()
        self.record.left = True

    async def stop(self) -> bool:
        """Stop the turn, if one runs here, and every command."""
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
        """Go on in another mode, from the next request on.

        Raises:
            RooError: another server runs the task.
        """
        if not self.running:
            self.record.claim()
        if mode != self.mode:
            self.mode = mode
            self.stream(ModeChanged(mode))
            self.save()
        if not self.running:
            self._let_go()

    @contextmanager
    def held(self) -> Generator[None]:
        """For so long, no other server writes to it; and unless a turn runs, it is as it is stored.

        Raises:
            RooError: another server runs the task, or it cannot be stored.
        """
        if not self.running:
            self.record.claim()
        try:
            yield
        finally:
            if not self.running:
                self._let_go()

    @property
    def usage(self) -> dict[str, int]:
        """Tokens, with those of its subtasks."""
        budget = self.agent.budget
        return {
            "inputTokens": budget.input_tokens + budget.below.input_tokens,
            "outputTokens": budget.output_tokens + budget.below.output_tokens,
        }

    @property
    def cost(self) -> float:
        """US dollars, with what its subtasks have cost."""
        return round(self.agent.budget.whole_cost, 6)

    @property
    def last_end(self) -> StateChanged | None:
        """How its last turn ended; None where none has."""
        if self._end is None:
            for event in reversed(self.store.events(self.id, 0, sys.maxsize)[0]):
                match event["update"]:
                    case {"sessionUpdate": "_state", "state": state, "stopReason": reason}:
                        self._end = StateChanged(state, reason, _error_of(event["update"]))
                        break
                    case _:
                        pass
        return self._end

    def summary(self) -> TaskSummary:
        """What the list of tasks keeps of it, without its subtasks."""
        budget = self.agent.budget
        return TaskSummary(
            task_id=self.id,
            title=self.title,
            state=self.state,
            mode=self.mode,
            created_at=self.created_at,
            updated_at=self.updated_at,
            input_tokens=budget.input_tokens,
            output_tokens=budget.output_tokens,
            cost=round(budget.total_cost, 6),
            workspace=str(self.workspace),
            parent_task_id=self.line[-1] if self.line else "",
        )

    def save(self) -> None:
        """Bring the list of tasks up to date."""
        self.updated_at = time.time()
        self.record.keep_summary(self.summary())

    def read_anew(self) -> None:
        """Take up what another server wrote, or what was not stored for a while, and went back.

        Raises:
            RooError: it was deleted, or cannot be read.
        """
        summary = self.record.summary()
        self.title, self.mode = summary.title, summary.mode
        entries = self.store.messages(self.id)
        self.agent.history = self.agent.history.read_anew(entries)
        self.agent.surroundings.forget()
        self.agent.context.recall.take_up(entries)
        self._worker.was_read(len(entries))
        self.as_stored(summary)

    def as_stored(self, summary: TaskSummary) -> None:
        """Its events and what it cost go on from what is stored."""
        self.stream.seq = self.store.last_seq(self.id)
        self.interrupted = summary.state in {"running", "waiting"}
        budget = self.agent.budget
        budget.input_tokens, budget.output_tokens = summary.input_tokens, summary.output_tokens
        budget.total_cost = summary.cost
        budget.below = TaskTree(self.store.list(None, sys.maxsize)).spent_below(self.id)

    def _end_work(self) -> None:
        if self._work is not None:
            self._work.cancel()

    def _turn_over(self, turn: asyncio.Task[StopReason]) -> None:
        if turn is self.turn and self.record.claimed:  # cancelled before it began
            self._let_go()
        if self._said_behind and turn is self.turn:
            self.record.claim()
            self.agent.inbox.extend(self._said_behind)
            self._said_behind.clear()
            self._begin()

    def _let_go(self) -> None:
        self.stream.flush()
        self.record.let_go()

    def _tell_what_holds(self) -> None:
        """A turn begins: the mode of a new task, and what `/` offers where that is another than was told."""
        if self.stream.seq == 0:
            self.emit(ModeChanged(self.mode, self.line[-1] if self.line else ""))
        if (offered := self._worker.commands()) != self._offered:
            self._offered = offered
            self.emit(offered)

    async def _run(self, work: Callable[[Agent], Coroutine[Any, Any, StopReason]]) -> StopReason:
        self.audience.begin(self.id, self.title, self.stream.status)
        self._tell_what_holds()
        self.emit(StateChanged("running"))
        if self.interrupted:
            self._end_interrupted()
        end = StateChanged("failed", "error", RooError("internal", "An internal error of roo-lsp."))
        self._work = asyncio.create_task(work(self.agent), name=f"work of {self.id}")
        try:
            if self.record.unstored is not None:
                self._work.cancel()
            stop = await self._work
            await self._worker.before_end()
            self.result = answer_of(self.agent.history.messages)
            end = StateChanged("idle", stop)
        except asyncio.CancelledError:
            end = StateChanged("idle", "cancelled")
            if self.record.unstored is not None:
                end = StateChanged("failed", "error", self.record.unstored)
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
            self._work = None
            if end.stop_reason in {"cancelled", "error"}:
                self._give_back()
            self._end = end
            self.emit(end)
            self.stream.flush()
            self.audience.end(self.id, self._last_line(end))
        if self.agent.inbox and end.stop_reason not in {"cancelled", "error"}:
            return await self._run(run_turn)  # a message came after the last request was made
        self._let_go()
        return end.stop_reason or "end_turn"

    def _end_interrupted(self) -> None:
        """Close what was in flight when a server ended under the task, and say what it was."""
        self.interrupted = False
        loose = LooseEnds()
        loose.take(self.store.events(self.id, 0, sys.maxsize)[0])
        results = {
            each.call_id: each
            for each in self.agent.history.messages
            if isinstance(each, ToolMessage) and each.text != INTERRUPTED
        }
        for event in loose.ends(self._call_ids(), results):
            self.emit(event)
        for sentence in loose.told(self._call_ids(), results):
            self.tell(sentence)

    def _last_line(self, end: StateChanged) -> str:
        """What a status line says once the turn is over: how it ended, and what it came to."""
        first = self.result.strip().partition("\n")[0] if end.stop_reason == "end_turn" else ""
        return fitted(one_line(f"{end.line}: {first}" if first else end.line), LINE_LENGTH)


def new_id() -> str:
    """A name for a task that no other has."""
    return f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(3)}"


@dataclass(slots=True)
class Tasks:
    """The tasks of one server: those that are open, and those in the store."""

    store: TaskStore
    audience: Audience
    workspace: Path
    employ: Employ
    tell: Callable[[str], None]
    """Shows the user a message."""
    waits: Callable[[str], bool]
    """Whether the user is asked something in a task that could be asked by another server as well."""
    keys: Keys = field(default_factory=Keys)
    """Left out of all that is shown and stored."""
    begun: Callable[[Task], None] = lambda task: None  # noqa: ARG005 -- nobody is told
    """Told when a turn of one begins."""
    _open: dict[str, Task] = field(default_factory=dict[str, Task])
    _recent: str | None = None

    def create(self, prompt: str, mode: str, profile: str, task_id: str = "") -> Task:
        """A new task; its turn starts with `send`. `task_id` is a `new_id` that was told before.

        Raises:
            RooError: it cannot be stored.
        """
        task = self._create(task_id or new_id(), prompt, mode, profile, ())
        self._recent = task.id
        return task

    def begin_below(self, parent: Task, prompt: str, mode: str) -> Task:
        """A new task that another one waits for; its turn starts with `begin`.

        Raises:
            RooError: it cannot be stored.
        """
        child = self._create(new_id(), prompt, mode, parent.profile, (*parent.line, parent.id))
        if parent.token is not None:
            child.token = parent.token
            self.audience.use_token(child.id, parent.token)
        return child

    def _create(
        self, task_id: str, prompt: str, mode: str, profile: str, line: tuple[str, ...]
    ) -> Task:
        title = fitted(one_line(self.keys.hidden(prompt)), TITLE_LENGTH)
        task = self._make(task_id, title, mode, profile, time.time(), line, entries=[])
        task.record.seen = (0, 0)
        try:
            self.store.create(task.summary())
        except RooError:
            del self._open[task_id]
            raise
        return task

    def get(self, task_id: str | None) -> Task | None:
        """An open task, or one from the store; without an id the one used last that is no subtask, or None."""
        if task_id is None:
            stored = self.store.list(str(self.workspace), sys.maxsize) if not self._recent else ()
            own = (each.task_id for each in stored if not each.parent_task_id)
            task_id = self._recent or next(own, None)
        if task_id is None:
            return None
        task = self.find(task_id)
        if task is not None and not task.line:
            self._recent = task.id
        return task

    def find(self, task_id: str) -> Task | None:
        """An open task, or one from the store; it does not count as used."""
        return self._open.get(task_id) or self._reopen(task_id)

    def below(self, task_id: str) -> Sequence[TaskSummary]:
        """The subtasks of a task, theirs, and so on, as they are stored."""
        return self._tree().below(task_id)

    def spent_below(self, task_id: str) -> Spent:
        """What they have taken together."""
        return self._tree().spent_below(task_id)

    def _tree(self) -> TaskTree:
        return TaskTree(self.store.list(None, sys.maxsize))

    def delete(self, task_id: str) -> None:
        """Forget a task and what is stored of it.

        Raises:
            RooError: another server runs it.
        """
        self.store.delete(task_id)
        self._open.pop(task_id, None)
        if self._recent == task_id:
            self._recent = None

    def listed(self, limit: int, *, everywhere: bool) -> list[TaskSummary]:
        """Newest first; a stored task whose turn no server runs waits for the user or is idle."""
        stored, here = self.store.list(None, sys.maxsize), str(self.workspace)
        tree = TaskTree(stored)
        found = [each for each in stored if everywhere or each.workspace == here][:limit]
        busy = {each.task_id for each in found if each.state in {"running", "waiting"}}
        running = {each for each in busy if self._is_running(each)}
        running |= self.store.elsewhere(busy - running)

        def waits(task: TaskSummary) -> bool:
            below = [each.task_id for each in tree.below(task.task_id)]
            return any(map(self.waits, [task.task_id, *below]))

        return [
            replace(tree.whole(each), state="waiting" if waits(each) else "idle")
            if each.task_id in busy - running
            else tree.whole(each)
            for each in found
        ]

    async def close(self) -> None:
        """Cancel everything, but for what waits for the user: that stays for the next server."""
        left = {task.id for task in self if task.running and self.waits(task.id)}
        left |= {each for task in self if task.id in left for each in task.line}
        for task in self:
            # A part of what goes on later goes on as well.
            if task.running and (task.id in left or left.intersection(task.line)):
                task.leave()
        await asyncio.gather(*(task.stop() for task in list(self._open.values())))

    def __iter__(self) -> Iterator[Task]:
        return iter(list(self._open.values()))

    def _is_running(self, task_id: str) -> bool:
        return task_id in self._open and self._open[task_id].running

    def _reopen(self, task_id: str) -> Task | None:
        summary = self.store.get(task_id)
        if summary is None:
            return None
        require_readable(summary)
        seen = self.store.extent(task_id)
        entries = self.store.messages(task_id)
        line: list[str] = []
        above: TaskSummary | None = summary
        while above and (parent := above.parent_task_id) and parent not in {*line, task_id}:
            line.insert(0, parent)
            above = self.store.get(parent)
        task = self._make(
            task_id,
            summary.title,
            summary.mode,
            "",
            summary.created_at,
            tuple(line),
            entries=entries,
        )
        task.record.seen = seen
        task.as_stored(summary)
        return task

    def _make(
        self,
        task_id: str,
        title: str,
        mode: str,
        profile: str,
        created_at: float,
        line: tuple[str, ...],
        entries: list[HistoryEntry],
    ) -> Task:
        task = Task(
            task_id,
            title,
            mode,
            profile,
            created_at,
            self.store,
            self.audience,
            self.workspace,
            self.employ,
            entries,
            self.tell,
            self.keys,
            line,
            self.begun,
        )
        self._open[task_id] = task
        return task


def _error_of(update: Mapping[str, Any]) -> RooError | None:
    match update:
        case {"error": {"code": code, "message": message, "hint": hint}}:
            return RooError(code, message, hint)
        case _:
            return None
