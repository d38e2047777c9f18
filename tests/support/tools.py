"""Tools as the loop calls them: parse, targets, prepare, run, on a real disk."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from roo_lsp.agent.tool import (
    AnyTool,
    FileLimits,
    Invocation,
    TodoList,
    ToolContext,
    ToolResult,
    Workspace,
)
from roo_lsp.workspace.commands import ShellRunner
from roo_lsp.workspace.disk import DiskFileSystem
from roo_lsp.workspace.search import RipgrepSearcher


@dataclass
class ScriptedAsker:
    """Answers questions with what it was given, and keeps what was asked."""

    answers: list[str] = field(default_factory=list)
    asked: list[tuple[str, list[str]]] = field(default_factory=list)

    async def ask(self, question: str, suggestions: Sequence[str], *, own: bool = False) -> str:
        self.asked.append((question, list(suggestions)))
        return self.answers.pop(0)


def tool_context(folder: Path, *, limits: FileLimits | None = None, **ports) -> ToolContext:
    """A context in a folder; outputs of commands go beside it."""
    given: dict[str, Any] = {
        "files": DiskFileSystem(),
        "searcher": RipgrepSearcher(),
        "commands": ShellRunner(folder.parent / f"{folder.name}-outputs"),
        "asker": ScriptedAsker(),
        "todos": TodoList(),
    } | ports
    return ToolContext(workspace=Workspace((folder,)), limits=limits or FileLimits(), **given)


async def prepared(tool: AnyTool, context: ToolContext, /, **arguments) -> Invocation:
    """What a call would do, from its arguments as the model sends them."""
    parsed = tool.parse(json.dumps(arguments))
    for target in tool.targets(parsed, context):
        assert target.path.is_absolute()
    return await tool.prepare(parsed, context)


async def call(tool: AnyTool, context: ToolContext, /, **arguments) -> ToolResult:
    """Run a call to its end, as if it were allowed."""
    invocation = await prepared(tool, context, **arguments)
    return await invocation.run(lambda _: None)
