"""What is kept of a task: whose it is to write, and what happens where it cannot be stored."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from roo_lsp.agent.errors import RooError, ToolError
from roo_lsp.agent.messages import AssistantMessage, HistoryEntry
from roo_lsp.tasks.stream import Roo
from roo_lsp.workspace.journal import StoreError
from roo_lsp.workspace.store import TaskStore
from roo_lsp.workspace.task_index import VERSION, TaskSummary

log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class TaskRecord:
    """One task in the store.

    It is claimed for as long as something is written to it: no other server does so meanwhile. What
    cannot be stored (a full disk) waits in memory, in its order, and is written before anything else.
    """

    id: str
    store: TaskStore
    others_wrote: Callable[[], None]
    """Called when it is claimed and is not as it was when it was let go last."""
    cannot_store: Callable[[], None]
    """Called when something cannot be stored: a turn that runs has to end."""
    seen: tuple[int, int] | None = None
    """How much was stored when memory was last like the store; None: it has to be read again."""
    left: bool = False
    """True once nothing more is kept: another server goes on from what is."""
    unstored: StoreError | None = None
    """Why the turn that runs cannot be stored."""

    @property
    def claimed(self) -> bool:
        """Whether it is ours to write now."""
        return self.store.claimed(self.id)

    def claim(self) -> None:
        """Have it for ourselves, as it is stored.

        Raises:
            RooError: another server runs the task, or it cannot be read.
        """
        self.store.claim(self.id)
        if self.seen == self.store.extent(self.id):
            return
        try:
            self.others_wrote()
        except RooError:
            self.store.release(self.id)
            raise

    def let_go(self) -> None:
        """Others may write to it."""
        self.store.release(self.id)
        # What could not be stored may be missing in memory too, where it ended a turn at once.
        self.seen = None if self.unstored else self.store.extent(self.id)

    def summary(self) -> TaskSummary:
        """What the list of tasks has of it.

        Raises:
            RooError: it is not there any more, or in a form that is not known here.
        """
        summary = self.store.get(self.id)
        if summary is None:
            raise RooError("internal", "The task was deleted.", "Start a new one.")
        require_readable(summary)
        return summary

    def keep_summary(self, summary: TaskSummary) -> None:
        """Bring the list of tasks up to date."""
        if self.left:
            return
        try:
            self.store.update(summary)
        except StoreError as error:
            self._not_stored(error)

    def keep_event(self, roo: Roo) -> None:
        """Store what was emitted."""
        if self.left:
            return
        try:
            self.store.append_event(self.id, roo)
        except StoreError as error:
            self._not_stored(error)

    def keep_entry(self, entry: HistoryEntry) -> None:
        """Store what was said.

        Raises:
            StoreError: it is calls, which must not be run when there is no record that they were made.
        """
        if self.left:
            return
        try:
            self.store.append_message(self.id, entry)
        except StoreError as error:
            self._not_stored(error)
            if isinstance(entry, AssistantMessage) and entry.calls:
                raise

    async def synced(self) -> None:
        """Before something is changed: returns once the call that does it is safely on disk.

        Raises:
            ToolError: it is not, so it may not be done.
        """
        try:
            await self.store.sync(self.id)
        except StoreError as error:
            self._not_stored(error)
            raise ToolError("Not done: the task could not be saved before it.") from error

    def _not_stored(self, error: StoreError) -> None:
        if self.unstored is None:
            log.error("task %s: %s", self.id, error)
            self.unstored = error
        self.cannot_store()


def require_readable(summary: TaskSummary) -> None:
    """Refuse a task in a form that is not known here.

    Raises:
        RooError: it is one.
    """
    if summary.version > VERSION:
        raise RooError(
            "internal",
            "This task was written by a newer roo-lsp, which this one cannot read.",
            "Update roo-lsp, or start a new task.",
        )
