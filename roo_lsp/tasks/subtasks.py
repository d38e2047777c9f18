"""Subtasks: tasks that a task begins and waits for. Their result is the result of the call that began them.

A child is a task like every other: shown, asked about, cancelled and stored by itself. Its parent
waits meanwhile; where a server ends under both, each goes on where it was, and the child first.
"""

import asyncio
import logging
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

from roo_lsp.agent.errors import RooError, ToolError
from roo_lsp.agent.events import StateChanged, SubtaskChanged
from roo_lsp.agent.finishing import answer_of
from roo_lsp.agent.tool import SubtaskWanted, ToolResult
from roo_lsp.tasks.kept import forget_subtask, keep_subtask, what_waits
from roo_lsp.tasks.task import Task, Tasks

log = logging.getLogger(__name__)

MAX_DEPTH = 3
"""Tasks below the one that the user began, each in the other."""
MAX_TASKS = 40
"""Tasks below it in all."""
AT_ONCE = 4
"""Children of one task that run side by side."""
GO_ON = "Go on with the task from where it stopped."
STOPPED = "The task that this one is a part of was stopped."


@dataclass(slots=True)
class TaskSubtasks:
    """`Subtasks` of one task."""

    parent: Task
    tasks: Callable[[], Tasks]
    _room: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))
    _running: int = 0

    def refusal(self) -> str | None:
        line = self.parent.line
        if len(line) >= MAX_DEPTH:
            return f"Subtasks are at most {MAX_DEPTH} deep: do this part yourself."
        top = line[0] if line else self.parent.id
        if len(self.tasks().below(top)) >= MAX_TASKS:
            return (
                f"This task has had {MAX_TASKS} subtasks, and gets no more: do this part yourself."
            )
        return None

    async def run(self, wanted: SubtaskWanted) -> ToolResult:
        async with self._room:
            if refusal := self.refusal():  # others were begun since the user was asked
                raise ToolError(refusal)
            try:
                child = self.tasks().begin_below(self.parent, wanted.prompt, wanted.mode)
            except RooError as error:
                raise ToolError(f"The subtask could not be begun: {error}") from error
            with self._watched(child, wanted.call_id):
                child.begin(wanted.prompt, wanted.todos)
                return await self._result(child)

    async def rejoin(self, call_id: str, task_id: str) -> ToolResult:
        async with self._room:
            child = self.tasks().find(task_id)
            if child is None:
                raise ToolError("The subtask is not there any more: it was deleted.")
            with self._watched(child, call_id):
                try:
                    if not child.running and child.interrupted and not child.take_up():
                        child.send(GO_ON)
                except RooError as error:
                    raise ToolError(f"The subtask could not go on: {error}") from error
                return await self._result(child)

    @contextmanager
    def _watched(self, child: Task, call_id: str) -> Generator[None]:
        """For so long the parent tells how the child is, and waits for it."""

        def tell() -> None:
            if child.state in {"idle", "failed"}:
                self.parent.agent.budget.take_below(self.tasks().spent_below(self.parent.id))
            self.parent.emit(SubtaskChanged(child.id, child.title, child.state, call_id))

        keep_subtask(self.parent.store, self.parent.id, child.id)
        child.watchers.append(tell)
        if child.state in {"running", "waiting"}:
            tell()
        self._running += 1
        if self.parent.state != "waiting":
            self.parent.emit(StateChanged("waiting"))
        try:
            yield
        finally:
            self._running -= 1
            child.watchers.remove(tell)
            if not self.parent.record.left:
                forget_subtask(self.parent.store, self.parent.id, child.id)
            if not self._running:
                self.parent.emit(StateChanged("running"))

    async def _result(self, child: Task) -> ToolResult:
        try:
            while child.running:  # what was said while it was being stopped goes on
                await child.ended()
        finally:
            if child.running:
                await child.cancel(STOPPED)
        end = child.last_end
        words = child.result or answer_of(child.agent.history.messages)
        if end is not None and end.stop_reason == "end_turn":
            return ToolResult(f"Subtask {child.id} completed.\n\nResult:\n{words}")
        if end is not None and end.stop_reason == "cancelled":
            how = "was stopped by the user before its end; what it did until then stands"
        else:
            how = f"did not come to its end ({end.line if end else 'it did not begin'})"
        said = f"\n\nIts last words:\n{words}" if words else ""
        return ToolResult(f"Subtask {child.id} {how}.{said}", failed=True)


def parent_goes_on(task: Task, tasks: Tasks) -> None:
    """A task goes on whose parent waited for it when a server ended: so does the parent."""
    if not task.line:
        return
    parent = tasks.find(task.line[-1])
    if parent is None or parent.running or not parent.interrupted:
        return
    try:
        waiting = what_waits(parent.store, parent.id)
        if waiting is not None and task.id in waiting.children.values():
            parent.take_up()
    except RooError as error:  # another server has it, which goes on with it
        log.info("%s does not go on here: %s", parent.id, error)
