"""Tasks below tasks: what a task has cost with all its subtasks, and which those are."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from roo_lsp.agent.usage import Spent
from roo_lsp.workspace.task_index import TaskSummary


class TaskTree:
    """The tasks of a store, as their summaries tell who began whom; a circle is cut."""

    def __init__(self, summaries: Iterable[TaskSummary]) -> None:
        self._children: dict[str, list[TaskSummary]] = {}
        for each in summaries:
            if each.parent_task_id:
                self._children.setdefault(each.parent_task_id, []).append(each)

    def below(self, task_id: str) -> Sequence[TaskSummary]:
        """Its subtasks, theirs, and so on."""
        found: dict[str, TaskSummary] = {}
        waiting = [task_id]
        while waiting:
            for each in self._children.get(waiting.pop(), ()):
                if each.task_id not in found and each.task_id != task_id:
                    found[each.task_id] = each
                    waiting.append(each.task_id)
        return list(found.values())

    def spent_below(self, task_id: str) -> Spent:
        """What they have cost together."""
        found = self.below(task_id)
        return Spent(
            sum(each.input_tokens for each in found),
            sum(each.output_tokens for each in found),
            sum(each.cost for each in found),
        )

    def whole(self, task: TaskSummary) -> TaskSummary:
        """The summary with what all of them have cost."""
        spent = self.spent_below(task.task_id)
        return replace(
            task,
            input_tokens=task.input_tokens + spent.input_tokens,
            output_tokens=task.output_tokens + spent.output_tokens,
            cost=round(task.cost + spent.cost, 6),
        )
