"""`roo-lsp tasks`: the stored tasks, straight from the state folder."""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from roo_lsp.agent.figures import count_text
from roo_lsp.cli.drawing import readable_line
from roo_lsp.cli.options import BadUsage, Parser, add_workspace, with_command, workspace
from roo_lsp.cli.render import TaskPicture
from roo_lsp.workspace.store import TaskStore
from roo_lsp.workspace.task_index import TaskSummary
from roo_lsp.workspace.task_tree import TaskTree
from roo_lsp.workspace.transcript import exported, listed, markdown
from roo_lsp.workspace.user_folders import state_dir

BATCH = 1000
"""Events that are read at once."""


def main(arguments: list[str]) -> int:
    """`list` (also without a word), `show`, `export` or `delete`."""
    given = _parser().parse_args(with_command(arguments, "list"))
    command: Callable[[TaskStore, argparse.Namespace], int] = given.run
    with closing(TaskStore(state_dir())) as store:
        return command(store, given)


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="roo-lsp tasks", description="The stored tasks.")
    commands = parser.add_subparsers(dest="command", required=True, parser_class=Parser)
    listing = commands.add_parser("list", help="the newest tasks of this folder")
    listing.add_argument("--all", action="store_true", help="those of all folders")
    listing.add_argument("--limit", type=int, default=20, metavar="N", help="at most (20)")
    listing.add_argument("--json", action="store_true", help="print JSON")
    add_workspace(listing)
    listing.set_defaults(run=list_tasks)
    show = commands.add_parser("show", help="what happened in a task")
    show.add_argument("id", metavar="ID", help="the task's id, or how it begins")
    show.set_defaults(run=show_task)
    export = commands.add_parser("export", help="a task as Markdown or JSON")
    export.add_argument("id", metavar="ID", help="the task's id, or how it begins")
    export.add_argument("--format", choices=("md", "json"), default="md")
    export.set_defaults(run=export_task)
    delete = commands.add_parser("delete", help="forget tasks and what is stored of them")
    delete.add_argument("ids", metavar="ID", nargs="+", help="whole ids")
    delete.set_defaults(run=delete_tasks)
    return parser


def list_tasks(store: TaskStore, given: argparse.Namespace) -> int:
    """The newest first."""
    folder = workspace(given)
    every = store.list(None, sys.maxsize)
    here, tree = in_folder(folder), TaskTree(every)
    wanted = [each for each in every if given.all or here(each)][: max(1, given.limit)]
    found = [tree.whole(each) for each in wanted]
    console = Console(highlight=False)
    if given.json:
        _print_raw(json.dumps([listed(each) for each in found], ensure_ascii=False, indent=1))
        return 0
    if not found:
        others = f" There are {len(every)} of other folders: --all." if every else ""
        console.print(Text(f"No tasks in {folder}.{others}"), soft_wrap=True)
    for place, tasks in _by_folder(found).items():
        console.print(Text(readable_line(place), "bold"), soft_wrap=True)
        _print_rows(console, tasks)
    return 0


def _by_folder(tasks: Sequence[TaskSummary]) -> dict[str, list[TaskSummary]]:
    """The folder of the newest task first."""
    found: dict[str, list[TaskSummary]] = {}
    for each in tasks:
        found.setdefault(each.workspace, []).append(each)
    return found


def show_task(store: TaskStore, given: argparse.Namespace) -> int:
    """The task's picture, as `run` would have drawn it."""
    summary = one_task(store, given.id)
    console = Console(highlight=False)
    picture = TaskPicture(console, live=False, whole_prompts=True)
    last: dict[str, Any] = {}
    for event in _events(store, summary.task_id):
        picture.show(event)
        if event["update"]["sessionUpdate"] == "_state":
            last = event["update"]
    picture.close()
    reason = last.get("stopReason") or "not finished"
    picture.summary(reason, summary.task_id, failed=reason != "end_turn")
    return 0


def export_task(store: TaskStore, given: argparse.Namespace) -> int:
    """The task on standard output."""
    summary = one_task(store, given.id)
    entries = store.messages(summary.task_id)
    if given.format == "md":
        _print_raw(markdown(summary, entries).rstrip())
        return 0
    content = exported(summary, entries, _events(store, summary.task_id))
    _print_raw(json.dumps(content, ensure_ascii=False, indent=1))
    return 0


def delete_tasks(store: TaskStore, given: argparse.Namespace) -> int:
    """All of them, or none when one is not there."""
    for task_id in given.ids:
        if store.get(task_id) is None:
            raise BadUsage(f"there is no task {task_id}")
    for task_id in given.ids:
        store.delete(task_id)
        _print_raw(f"deleted {task_id}")
    return 0


def one_task(store: TaskStore, given: str) -> TaskSummary:
    """The task with this id, or the only one whose id begins so.

    Raises:
        BadUsage: there is none, or there are several.
    """
    found = [each for each in store.list(None, sys.maxsize) if each.task_id.startswith(given)]
    exact = [each for each in found if each.task_id == given]
    if len(exact or found) == 1:
        return (exact or found)[0]
    if not found:
        raise BadUsage(f"there is no task {given}")
    raise BadUsage(f"{given}: {len(found)} tasks begin so: {', '.join(e.task_id for e in found)}")


def in_folder(folder: Path) -> Callable[[TaskSummary], bool]:
    """Whether a task is of this folder, however its path is spelled."""
    spellings = {str(folder), os.path.realpath(folder)}
    return lambda each: each.workspace in spellings or os.path.realpath(each.workspace) in spellings


def _events(store: TaskStore, task_id: str) -> Iterator[dict[str, Any]]:
    since = 0
    while True:
        events, since = store.events(task_id, since, BATCH)
        yield from events
        if len(events) < BATCH:
            return


def _print_rows(console: Console, tasks: Sequence[TaskSummary]) -> None:
    """Two lines each, below one of headings: what it came to, and its title."""
    heads = ("task", "last used", "state", "mode", "in/out", "cost")
    rows = [_cells(each) for each in tasks]
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    console.print(Text(_row(heads, widths), "dim"), soft_wrap=True)
    for each, cells in zip(tasks, rows, strict=True):
        row = _row(cells, widths)
        end = widths[0]
        console.print(Text.assemble((row[:end], "bold"), (row[end:], "dim")), soft_wrap=True)
        console.print(Text(f"  {readable_line(each.title)}"), soft_wrap=not console.is_terminal)


def _cells(task: TaskSummary) -> tuple[str, ...]:
    return (
        task.task_id,
        local_time(task.updated_at),
        task.state,
        readable_line(task.mode),
        f"{count_text(task.input_tokens)}/{count_text(task.output_tokens)}",
        f"${task.cost:.2f}" if task.cost >= 0.005 else "",
    )


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = [f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True)]
    return "  ".join(padded).rstrip()


def local_time(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))


def _print_raw(text: str) -> None:
    sys.stdout.write(f"{text}\n")
