"""`update_todo_list`: the plan, which the user watches."""

import re

from pydantic import Field

from roo_lsp.agent.errors import ToolError
from roo_lsp.agent.tool import (
    Arguments,
    Invocation,
    ShowOutput,
    Todo,
    Tool,
    ToolContext,
    ToolKind,
    ToolResult,
)

_ITEM = re.compile(r"\s*(?:[-*+]|\d+[.)])?\s*\[(.)\]\s*(\S.*)")


class UpdateTodoList(Arguments):
    """Set the task's todo list, all of it, for work of several steps. Keep one step in progress, and
    mark steps done as soon as they are. Example:
    - [x] find the cause
    - [-] fix it
    - [ ] test it
    """

    todos: str = Field(description="The whole list")


def parse(todos: str) -> list[Todo]:
    """The entries of a Markdown checklist.

    Raises:
        ToolError: a line is no entry.
    """
    entries: list[Todo] = []
    for line in filter(str.strip, todos.splitlines()):
        match = _ITEM.fullmatch(line)
        if match is None:
            raise ToolError(
                f"{line.strip()!r} is no entry; write - [ ], - [-] or - [x] and a text."
            )
        text = match[2].strip()
        match match[1]:
            case "x" | "X":
                entries.append(Todo(text, "completed"))
            case "-" | "~":
                entries.append(Todo(text, "in_progress"))
            case " ":
                entries.append(Todo(text, "pending"))
            case other:
                raise ToolError(f"[{other}] is no mark of an entry; use [ ], [-] or [x].")
    return entries


async def prepare(arguments: UpdateTodoList, context: ToolContext) -> Invocation:
    entries = parse(arguments.todos)
    done = sum(entry.status == "completed" for entry in entries)

    async def run(output: ShowOutput) -> ToolResult:
        del output
        context.todos.replace(entries)
        return ToolResult(f"The todo list is set: {done} of {len(entries)} done.")

    return Invocation(f"Todo list: {done} of {len(entries)} done", run)


TOOL = Tool(
    name="update_todo_list",
    kind=ToolKind.THINK,
    group="always",
    arguments=UpdateTodoList,
    prepare=prepare,
    told_elsewhere=True,
)
