"""What a task has cost with its subtasks."""

from roo_lsp.workspace.task_index import TaskSummary
from roo_lsp.workspace.task_tree import TaskTree


def task(name: str, parent: str = "") -> TaskSummary:
    return TaskSummary(name, name, "idle", "code", 0, 0, 10, 1, 0.5, parent_task_id=parent)


def test_a_task_costs_what_it_and_all_below_it_cost() -> None:
    tree = TaskTree([task("a"), task("b", "a"), task("c", "b"), task("d", "a"), task("e")])
    assert {each.task_id for each in tree.below("a")} == {"b", "c", "d"}
    whole = tree.whole(task("a"))
    assert (whole.input_tokens, whole.output_tokens, whole.cost) == (40, 4, 2.0)
    assert tree.whole(task("e")) == task("e")


def test_a_circle_of_parents_is_cut() -> None:
    tree = TaskTree([task("a", "c"), task("b", "a"), task("c", "b")])
    assert tree.whole(task("a", "c")).cost == 1.5
