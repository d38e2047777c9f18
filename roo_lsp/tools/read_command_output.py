"""`read_command_output`: more of what a command printed."""

from pydantic import Field

from roo_lsp.agent.errors import ToolError
from roo_lsp.agent.figures import plural
from roo_lsp.agent.ports import OutputPart, OutputQuery
from roo_lsp.agent.tool import (
    Arguments,
    Invocation,
    ShowOutput,
    Tool,
    ToolContext,
    ToolKind,
    ToolResult,
)
from roo_lsp.tools._text import title_line

LIMIT = 40_960
END_LIMIT = 4_096
"""Bytes of the end that are shown of a command that was waited for or stopped."""
MAX_LIMIT = 200_000
MAX_CONTEXT = 20
MAX_WAIT = 3600


class ReadCommandOutput(Arguments):
    """Read more of a command's output, also while it runs: a part by offset, or the lines that match
    a search. Can wait for the command's end, or stop it.
    """

    artifact_id: str = Field(description="From execute_command: cmd-1.txt")
    offset: int | None = Field(None, description="First byte; <0: from the end")
    limit: int | None = Field(None, description="Bytes; null: 40960")
    search: str | None = Field(None, description="Rust regex, any case")
    context: int | None = Field(None, description="Lines around matches")
    wait: float | None = Field(None, description="Seconds to wait for its end")
    stop: bool | None = Field(default=False, description="End it, and what it left running")


def _head(arguments: ReadCommandOutput, part: OutputPart) -> str:
    head = f"{arguments.artifact_id}: "
    if part.matches is not None:
        head += f"{plural(part.matches, 'matching line')} in {part.total} bytes"
        if not arguments.context and part.matches > part.text.count("\n"):
            head += f", the first {part.text.count(chr(10))} shown"
    else:
        head += f"bytes {part.start}-{part.end} of {part.total}"
        if part.end < part.total:
            head += f", go on with offset={part.end}"
    if part.running:
        return f"{head}, the command still runs"
    return f"{head}, the command has ended: {part.ending}" if part.ending else head


def _query(arguments: ReadCommandOutput) -> OutputQuery:
    """What to do, from arguments that make sense.

    Raises:
        ToolError: they do not.
    """
    limit, context, wait = arguments.limit, arguments.context or 0, arguments.wait or 0
    if limit is not None and limit < 0:
        raise ToolError("limit is a number of bytes, 0 or more.")
    if not 0 <= context <= MAX_CONTEXT:
        raise ToolError(f"context is a number of lines, 0 to {MAX_CONTEXT}.")
    if not 0 <= wait <= MAX_WAIT:
        raise ToolError(f"wait is a number of seconds, 0 to {MAX_WAIT}.")
    ending = bool(arguments.stop or wait)
    return OutputQuery(
        offset=arguments.offset if ending else arguments.offset or 0,
        limit=min(limit or (END_LIMIT if ending else LIMIT), MAX_LIMIT),
        search=arguments.search or None,
        context=context,
        wait=wait,
        stop=bool(arguments.stop),
    )


async def prepare(arguments: ReadCommandOutput, context: ToolContext) -> Invocation:
    query = _query(arguments)

    async def run(output: ShowOutput) -> ToolResult:
        del output
        part = await context.commands.output(arguments.artifact_id, query)
        return ToolResult(f"{_head(arguments, part)}\n{part.text}")

    what = "Stop" if query.stop else f"Search {query.search} in" if query.search else "Read"
    return Invocation(title_line(f"{what} {arguments.artifact_id}"), run)


TOOL = Tool(
    name="read_command_output",
    kind=ToolKind.EXECUTE,
    group="always",
    arguments=ReadCommandOutput,
    prepare=prepare,
    parallel=True,
    doing="Reading",
)
