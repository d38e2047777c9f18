"""`read_command_output`: more of what a command printed."""

from pydantic import Field

from roo_lsp.agent.errors import ToolError
from roo_lsp.agent.ports import OutputPart
from roo_lsp.agent.tool import (
    Arguments,
    Invocation,
    Output,
    Tool,
    ToolContext,
    ToolKind,
    ToolResult,
)
from roo_lsp.tools._text import one_line, plural

LIMIT = 40_960
MAX_LIMIT = 200_000


class ReadCommandOutput(Arguments):
    """Read more of the output of a command of this task, also while it runs in the background:
    a part by byte offset, or the lines that match a search.
    """

    artifact_id: str = Field(description="As told by execute_command: cmd-1.txt")
    offset: int | None = Field(None, description="First byte; null: 0")
    limit: int | None = Field(None, description="Bytes at most; null: 40960")
    search: str | None = Field(None, description="Rust regular expression; case is ignored")


def _head(arguments: ReadCommandOutput, part: OutputPart) -> str:
    head = f"{arguments.artifact_id}: "
    if part.matches is not None:
        head += f"{plural(part.matches, 'matching line')} in {part.total} bytes"
        if part.matches > part.text.count("\n"):
            head += f", the first {part.text.count(chr(10))} shown"
    else:
        head += f"bytes {part.start}-{part.end} of {part.total}"
        if part.end < part.total:
            head += f", go on with offset={part.end}"
    return f"{head}, the command still runs" if part.running else head


async def prepare(arguments: ReadCommandOutput, context: ToolContext) -> Invocation:
    offset, limit = arguments.offset or 0, arguments.limit or LIMIT
    if offset < 0 or limit < 0:
        raise ToolError("offset and limit are numbers of bytes, 0 or more.")
    search = arguments.search or None

    async def run(output: Output) -> ToolResult:
        del output
        part = await context.commands.output(
            arguments.artifact_id, offset=offset, limit=min(limit, MAX_LIMIT), search=search
        )
        return ToolResult(f"{_head(arguments, part)}\n{part.text}")

    what = f"Search {search} in" if search else "Read"
    return Invocation(one_line(f"{what} {arguments.artifact_id}"), run)


TOOL = Tool(
    name="read_command_output",
    kind=ToolKind.EXECUTE,
    group="always",
    arguments=ReadCommandOutput,
    prepare=prepare,
    parallel=True,
    rule="A command's result may show only the head and tail of its output; read the rest with read_command_output if it matters.",
    doing="Reading",
)
