"""`new_task`: a part of the task, done by a subtask in a mode of its own."""

import re
from collections.abc import Sequence

from pydantic import Field

from roo_lsp.agent.errors import ToolError
from roo_lsp.agent.tool import (
    Arguments,
    Invocation,
    ShowOutput,
    SubtaskWanted,
    Todo,
    Tool,
    ToolContext,
    ToolKind,
    ToolResult,
)
from roo_lsp.tools._mode import mode_meant, modes_of
from roo_lsp.tools._text import title_line
from roo_lsp.tools.update_todo_list import parse


class NewTask(Arguments):
    """Have a part of the task done by a subtask, and get its result. It sees nothing of this
    conversation. Subtasks of one answer run side by side where their modes only look.
    """

    mode: str = Field(description="The mode it works in")
    message: str = Field(description="All it has to know: what to do, what not, what to report")
    todos: str | None = Field(None, description="Its todo list, as update_todo_list takes it")


async def prepare(arguments: NewTask, context: ToolContext) -> Invocation:
    subtasks = context.subtasks
    if subtasks is None:
        raise ToolError("No subtask can be begun here: do it yourself.")
    slug, _ = mode_meant(modes_of(context), arguments.mode)
    message = arguments.message.strip()
    if not message:
        raise ToolError("The message is empty: the subtask would know nothing.")
    if refusal := subtasks.refusal():
        raise ToolError(refusal)
    todos = _entries(arguments.todos or "")
    prompt = f"{message}\n\nTodo list:\n{_listed(todos)}" if todos else message
    wanted = SubtaskWanted(context.call_id, slug, prompt, todos)

    async def run(output: ShowOutput) -> ToolResult:
        del output
        return await subtasks.run(wanted)

    first = message.splitlines()[0]
    return Invocation(title_line(f"Subtask in mode {slug}: {first}"), run, payload=prompt)


_MARKS = {"completed": "x", "in_progress": "-", "pending": " "}


def _entries(todos: str) -> Sequence[Todo]:
    """The entries of a checklist; other lines of it are passed over, as Roo does."""
    lines = [line for line in todos.splitlines() if re.match(r"\s*(?:[-*+]\s)?\s*\[.\]", line)]
    return parse("\n".join(lines))


def _listed(todos: Sequence[Todo]) -> str:
    return "\n".join(f"- [{_MARKS[each.status]}] {each.content}" for each in todos)


def _only_looks(arguments: NewTask, context: ToolContext) -> bool:
    modes = modes_of(context)
    return modes.only_looks(mode_meant(modes, arguments.mode)[0])


TOOL = Tool(
    name="new_task",
    kind=ToolKind.SWITCH_MODE,
    group="subtask",
    arguments=NewTask,
    prepare=prepare,
    beside=_only_looks,
    doing="Waiting for the subtask",
)
