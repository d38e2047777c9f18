"""`execute_command`: a shell command, to its end or into the background."""

from pydantic import Field

from roo_lsp.agent.errors import ToolError
from roo_lsp.agent.events import size_text
from roo_lsp.agent.ports import Command, CommandResult
from roo_lsp.agent.tool import (
    Arguments,
    Invocation,
    Output,
    Tool,
    ToolContext,
    ToolKind,
    ToolResult,
)
from roo_lsp.tools._command_habits import entities_in, tip
from roo_lsp.tools._doubts import refuse_once
from roo_lsp.tools._text import one_line, reads


class ExecuteCommand(Arguments):
    """Run a shell command with bash and return its output. It cannot read input and has no terminal,
    so use options that ask nothing. Of long output you get both ends; read_command_output reads the
    rest. For a server or a watcher give a timeout: then the command goes on in the background until
    the task ends.
    """

    command: str = Field(description="Shell text, run with bash -c")
    cwd: str | None = Field(None, description="Folder to run in; null: the workspace")
    timeout: float | None = Field(
        None, description="Seconds until it goes on in the background; null: wait for its end"
    )
    no_sandbox: bool | None = Field(
        default=False,
        description="Only for what the sandbox prevents: run outside; the user is asked",
    )


def _ending(result: CommandResult, timeout: float | None) -> str:
    match result.state:
        case "exited":
            return f"Exit code: {result.code}"
        case "signalled":
            return f"The command was ended by signal {result.code}."
        case "timed_out":
            return (
                "The command was ended at the time limit that the user has set. Do not run it "
                "again as it is."
            )
        case "running":
            return (
                f"The command still runs, in the background, after {timeout:g} seconds. It ends "
                "with the task at the latest."
            )


def _text(result: CommandResult, timeout: float | None) -> str:
    parts = [_ending(result, timeout)]
    if result.artifact_id:
        so_far = ", so far" if result.state == "running" else ""
        parts.append(
            f"Its whole output ({size_text(result.total_bytes)}{so_far}) can be read with "
            f"read_command_output, artifact_id {result.artifact_id}."
        )
    parts.append(f"Output:\n{result.preview}" if result.preview else "It printed nothing.")
    return "\n".join(parts)


async def prepare(arguments: ExecuteCommand, context: ToolContext) -> Invocation:
    command, timeout = arguments.command, arguments.timeout
    if not command.strip():
        raise ToolError("The command is empty.")
    if timeout is not None and timeout <= 0:
        raise ToolError(f"timeout is {timeout:g}; give seconds above 0, or null to wait.")
    refuse_once(context, arguments, entities_in(command), "Write the characters themselves.")
    cwd, unconfined = context.workspace.path(arguments.cwd or "."), bool(arguments.no_sandbox)

    async def run(output: Output) -> ToolResult:
        result = await context.commands.run(Command(command, cwd, timeout, unconfined), output)
        return ToolResult(
            _text(result, timeout) + tip(context, command),
            failed=result.state == "timed_out",
            meta={
                "state": result.state,
                "exitCode": result.code if result.state == "exited" else None,
                "artifactId": result.artifact_id,
                "totalBytes": result.total_bytes,
            },
        )

    return Invocation(
        f"Run {one_line(command)}", run, command=command, cwd=cwd, unconfined=unconfined
    )


TOOL = Tool(
    name="execute_command",
    kind=ToolKind.EXECUTE,
    group="execute",
    arguments=ExecuteCommand,
    prepare=prepare,
    targets=lambda arguments, context: reads(context, arguments.cwd or "."),
    rule="Commands run in bash in the first workspace folder, without a terminal and without input; use options that make programs ask nothing. Do not read or write files with commands when a file tool can.",
    doing="Running",
)
