"""What waits in tasks whose server ended: shown by any server of the workspace, taken up by one."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from roo_lsp.tasks.approvals import Approvals, NotPending, Pending
from roo_lsp.tasks.kept import Kept, what_waits
from roo_lsp.tasks.task import Tasks
from roo_lsp.workspace.store import TaskStore
from roo_lsp.workspace.task_index import VERSION, TaskSummary

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Left:
    """Puts it on the list of one server."""

    store: TaskStore
    workspace: Path
    approvals: Approvals
    tasks: Tasks
    _known: dict[str, tuple[tuple[int, int], list[Kept]]] = field(
        default_factory=dict[str, tuple[tuple[int, int], list[Kept]]]
    )
    """By task, how much of it was stored when it was looked at, and what waited in it then."""
    _broken_off: list[TaskSummary] = field(default_factory=list[TaskSummary])

    def look(self) -> None:
        """Bring the list up to date with what is stored.

        Raises:
            StoreError: the state folder cannot be read now.
        """
        waiting = self._waiting()
        on_list = {entry.request_id for entry in self.approvals.pending}
        for entry in self.approvals.pending:
            ours = entry.task_id is not None and self.store.claimed(entry.task_id)
            # One that is ours by now comes to it, or gives it up itself.
            if entry.take_up is not None and entry.request_id not in waiting and not ours:
                self.approvals.withdraw(entry)
        for request_id, (task_id, kept) in waiting.items():
            if request_id not in on_list:
                self.approvals.restore(self._entry(task_id, kept))

    def waiting_tasks(self) -> list[TaskSummary]:
        """The tasks in which something waits that no server runs, newest first."""
        return [each for each in self._broken_off if self._known[each.task_id][1]]

    def _waiting(self) -> Mapping[str, tuple[str, Kept]]:
        summaries = self.store.unfinished(str(self.workspace))
        broken_off = {
            each.task_id
            for each in summaries
            if each.version <= VERSION and not self.store.claimed(each.task_id)
        }
        nobodys = broken_off - self.store.elsewhere(broken_off)
        self._broken_off = [each for each in summaries if each.task_id in nobodys]
        self._known = {each: self._look_at(each) for each in nobodys}
        return {
            kept.request_id: (task_id, kept)
            for task_id, (_, found) in self._known.items()
            for kept in found
        }

    def _look_at(self, task_id: str) -> tuple[tuple[int, int], list[Kept]]:
        extent = self.store.extent(task_id)
        if (known := self._known.get(task_id)) is not None and known[0] == extent:
            return known
        try:
            waiting = what_waits(self.store, task_id)
        except Exception:  # what cannot be read costs itself alone
            log.exception("what waits in %s cannot be read", task_id)
            waiting = None
        return extent, list(waiting.asked.values()) if waiting else []

    def _entry(self, task_id: str, kept: Kept) -> Pending:
        def take_up() -> None:
            task = self.tasks.get(task_id)
            if task is None or not task.take_up(kept.request_id):
                raise NotPending(f"{kept.request_id} is not pending any more.")

        return Pending(
            kept.request_id,
            task_id,
            kept.kind,
            kept.title,
            kept.detail,
            request=kept.request,
            suggestions=kept.suggestions,
            take_up=take_up,
        )
