"""`roo-lsp import`: takes over what Roo Code has: its settings, modes, MCP servers and tasks.

It shows what it would write, and writes it with --write. What is there already is replaced only after a
yes, and kept beside. A key is never shown.
"""

import sys
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, cast

from rich.console import Console
from rich.text import Text

from roo_lsp.agent.figures import plural
from roo_lsp.cli.drawing import readable_line
from roo_lsp.cli.importing.places import found_here
from roo_lsp.cli.importing.plan import Plan, Step, Writing, read_json
from roo_lsp.cli.importing.roo_modes import take_modes
from roo_lsp.cli.importing.roo_settings import take_export, take_mcp
from roo_lsp.cli.importing.roo_tasks import (
    BrokenTask,
    RooTask,
    chosen,
    is_there,
    read_task,
    store_task,
    task_folders,
)
from roo_lsp.cli.options import BadUsage, Parser, add_workspace, workspace
from roo_lsp.cli.tasks import local_time
from roo_lsp.workspace.mode_files import plain_modes
from roo_lsp.workspace.store import TaskStore
from roo_lsp.workspace.user_folders import state_dir

MAX_BYTES = 20_000_000
KEY_PLACES = {
    "file": "a file of their own each, mode 0600, which the settings name",
    "settings": "settings.json itself, mode 0600",
    "none": "nowhere: set them yourself",
}


def main(arguments: Sequence[str]) -> int:
    """Show what a file or folder of Roo Code's would bring; with --write, bring it."""
    parser = Parser(prog="roo-lsp import", description=__doc__)
    parser.add_argument(
        "file",
        metavar="FILE",
        nargs="?",
        help="roo-code-settings.json, custom_modes.yaml, an exported mode, mcp_settings.json, or the "
        "folder of Roo's tasks or of one of them; without it, what is found here is named",
    )
    parser.add_argument("--write", action="store_true", help="write it")
    parser.add_argument(
        "--overwrite",
        action="store_true",
        help="also what replaces something that is there already",
    )
    parser.add_argument(
        "--keys",
        choices=tuple(KEY_PLACES),
        default="file",
        help="where keys go: " + "; ".join(f"{name}: {what}" for name, what in KEY_PLACES.items()),
    )
    parser.add_argument(
        "--task", metavar="ID", action="append", default=[], help="of several tasks only this one"
    )
    add_workspace(parser)
    given = parser.parse_args(arguments)
    console = Console(highlight=False)
    if given.file is None:
        return _found(console)
    file = Path(given.file).expanduser()
    if not file.exists():
        raise BadUsage(f"{file} is not there")
    folders = task_folders(file)
    if folders:
        return _tasks(console, folders, str(workspace(given)), given.task, write=given.write)
    if file.is_dir():
        raise BadUsage(f"{file} holds no task of Roo Code: none of its folders has a conversation")
    plan = _plan(file)
    return _settings(console, plan, given.keys, write=given.write, overwrite=given.overwrite)


def _found(console: Console) -> int:
    """What an editor here has of Roo Code's."""
    places = list(found_here(Path.home()))
    for place in places:
        more = f" ({plural(len(task_folders(place)), 'task')})" if place.is_dir() else ""
        _say(console, f"{place}{more}")
    if not places:
        _say(
            console,
            "No editor here has modes, MCP servers or tasks of Roo Code where they usually are.",
        )
    _say(
        console,
        "`roo-lsp import FILE` shows what one of them would bring. Profiles and keys are in no file: export them "
        "in Roo Code's settings, under About.",
    )
    return 0


# --- settings -------------------------------------------------------------------------------


def _plan(file: Path) -> Plan:
    """What is in a file, by what it looks like.

    Raises:
        BadUsage: it is nothing of Roo's, or cannot be read.
    """
    try:
        if file.stat().st_size > MAX_BYTES:
            raise BadUsage(f"{file} has more than {MAX_BYTES // 1_000_000} MB")
        data = file.read_bytes()
    except OSError as error:
        raise BadUsage(f"{file} cannot be read: {error.strerror}") from None
    plan, home = Plan(), Path.home()
    if file.suffix.lower() in {".yaml", ".yml"} or file.name.lower() == ".roomodes":
        take_modes(plan, _modes(file, data), "customModes", home)
        return plan.checked()
    found = read_json(file, data)
    if not isinstance(found, dict):
        raise BadUsage(f"{file} is nothing that Roo Code exports: expected an object")
    raw = cast("dict[str, Any]", found)
    if "providerProfiles" in raw or "globalSettings" in raw:
        take_export(plan, raw, home)
    elif "mcpServers" in raw:
        take_mcp(plan, raw)
    elif "customModes" in raw:
        take_modes(plan, raw["customModes"], "customModes", home)
    else:
        raise BadUsage(
            f"{file} is nothing that Roo Code exports: it has none of providerProfiles, globalSettings, "
            "mcpServers and customModes"
        )
    return plan.checked()


def _modes(file: Path, data: bytes) -> object:
    try:
        return plain_modes(str(file), data)
    except ValueError as error:
        raise BadUsage(str(error)) from None


def _settings(console: Console, plan: Plan, keys: str, *, write: bool, overwrite: bool) -> int:
    writing = Writing(plan, keys)
    steps = list(writing.steps())
    _print_steps(console, steps)
    if plan.keys:
        count = plural(len(plan.keys), "key")
        _say(console, f"{count}: {KEY_PLACES[keys]} (--keys {'|'.join(KEY_PLACES)})")
    if plan.left_out:
        _say(console, "Left out:", "bold")
        for what, why in plan.left_out:
            _say(console, f"{what}: {why}", "dim", indent=2)
    for note in plan.notes:
        _say(console, note)
    fresh = [each for each in steps if each.state == "new"]
    others = [each for each in steps if each.state == "other"]
    if not fresh and not others:
        _say(console, "There is nothing to write.")
        return 0
    if not write:
        _say(console, "Nothing is written yet: --write does it.", "bold")
        return 0
    taken = [*fresh, *(each for each in others if overwrite or _yes(each))]
    for each in taken:
        each.do()
    for sentence in writing.finish():
        _say(console, sentence)
    if left := [each for each in others if each not in taken]:
        names = ", ".join(each.what for each in left)
        _say(
            console,
            f"Left as it was, as it is there with another value: {names}. --overwrite replaces it.",
        )
    return 0


def _print_steps(console: Console, steps: Sequence[Step]) -> None:
    marks = {"new": ("+", "green"), "same": ("=", "dim"), "other": ("!", "yellow")}
    behind = {"new": "", "same": " (there already)", "other": " (there with another value)"}
    for each in steps:
        mark, style = marks[each.state]
        _say(console, f"{mark} {each.what}: {each.shown}{behind[each.state]}", style)


def _yes(step: Step) -> bool:
    """The user's yes to one replacement; nobody to ask is a no."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return False
    asked = f"Replace {readable_line(step.what)}, which is there with another value? [y/N] "
    try:
        return input(asked).strip().lower() in {"y", "yes"}
    except EOFError:
        return False


# --- tasks ----------------------------------------------------------------------------------


def _tasks(
    console: Console, folders: Iterable[Path], here: str, wanted: Sequence[str], *, write: bool
) -> int:
    read = [read_task(each, here) for each in folders]
    tasks = chosen([each for each in read if isinstance(each, RooTask)], wanted)
    broken = [each for each in read if isinstance(each, BrokenTask)]
    if wanted and not tasks:
        raise BadUsage(f"there is no task {', '.join(wanted)} that can be read")
    with closing(TaskStore(state_dir())) as store:
        fresh = [each for each in tasks if not is_there(store, each)]
        for each in sorted(tasks, key=lambda task: task.summary.updated_at):
            _print_task(console, each, there=each not in fresh)
        for bad in broken:
            _say(console, f"! {bad.folder.name}: {bad.why}", "yellow")
        if not fresh:
            _say(console, "There is nothing to write.")
        elif not write:
            _say(
                console,
                f"Nothing is written yet: --write adds {plural(len(fresh), 'task')}.",
                "bold",
            )
        else:
            for each in fresh:
                store_task(store, each)
            _say(
                console,
                f"Added {plural(len(fresh), 'task')}. `roo-lsp tasks list --all` lists them,",
            )
            _say(console, f"`roo-lsp run --resume {fresh[-1].summary.task_id} …` goes on with one.")
    return 1 if broken and not tasks else 0


def _print_task(console: Console, task: RooTask, *, there: bool) -> None:
    summary = task.summary
    mark, behind = ("=", " (there already)") if there else ("+", "")
    said = plural(len(task.conversation.entries), "message")
    when = local_time(summary.updated_at)
    _say(
        console,
        f"{mark} {summary.task_id}, {when}, {summary.mode}, {said}{behind}",
        "dim" if there else "green",
    )
    _say(console, summary.title, indent=4)
    _say(console, f"in {summary.workspace}", "dim", indent=4)
    for note in task.notes:
        _say(console, note, "yellow", indent=4)


def _say(console: Console, text: str, style: str = "", indent: int = 0) -> None:
    console.print(Text(" " * indent + readable_line(text), style), soft_wrap=True)
