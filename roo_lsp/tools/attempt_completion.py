"""`attempt_completion`: the task's answer, which ends the turn."""

from pydantic import Field

from roo_lsp.agent.errors import ToolError
from roo_lsp.agent.tool import (
    Arguments,
    Invocation,
    ShowOutput,
    Tool,
    ToolContext,
    ToolKind,
    ToolResult,
)


class AttemptCompletion(Arguments):
    """Give the task's result to the user and end your turn. Call it alone, once the work is done and
    you have seen that it succeeded.
    """

    result: str = Field(
        description="What you did and what came of it; no question, no offer of more help"
    )


async def prepare(arguments: AttemptCompletion, context: ToolContext) -> Invocation:
    del context
    if not arguments.result.strip():
        raise ToolError("The result is empty.")

    async def run(output: ShowOutput) -> ToolResult:
        del output
        return ToolResult(arguments.result, ends_turn=True)

    return Invocation("Done", run)


TOOL = Tool(
    name="attempt_completion",
    kind=ToolKind.OTHER,
    group="always",
    arguments=AttemptCompletion,
    prepare=prepare,
    final=True,
    rule="When the task is done and you have seen that it is, end with attempt_completion. Its result is what the user reads.",
    told_elsewhere=True,
)
