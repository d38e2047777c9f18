"""`execute_command`: a shell command, to its end or into the background."""

from pydantic import Field

from roo_lsp.agent.errors import ToolError
from roo_lsp.agent.figures import size_text
from roo_lsp.agent.ports import Command, CommandResult
from roo_lsp.agent.tool import (
    Arguments,
    Invocation,
    ShowOutput,
    Tool,
    ToolContext,
    ToolKind,
    ToolResult,
)
from roo_lsp.tools._command_habits import entities_in, tip
from roo_lsp.tools._doubts import refuse_once
from roo_lsp.tools._shell_text import held_for_nothing, leaves_behind, needs_terminal
from roo_lsp.tools._text import reads, title_line

MAX_TIMEOUT = 3600
"""Seconds; more than that was meant as milliseconds."""


class ExecuteCommand(Arguments):
    """Run a command with bash and return its output. It has no input and no terminal: use options
    that ask nothing. Of long output you get both ends; read_command_output reads the rest. What is
    silent for a minute or takes two goes on in the background; for a server give a timeout.
    """

    command: str = Field(description="For bash -c")
    cwd: str | None = Field(None, description="Folder to run in; else the first of the workspace")
    timeout: float | None = Field(
        None, description="Seconds until it goes on in the background, at most 3600"
    )
    no_sandbox: bool | None = Field(
        default=False,
        description="Run outside the sandbox, where it prevents what is needed; the user is asked",
    )


def _ending(result: CommandResult) -> str:
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
            silent = "It has printed nothing for a minute: if it waits for input or a terminal, stop it. "
            return (
                f"The command still runs, in the background, after {result.seconds:.0f} seconds. "
                f"{silent if result.silent else ''}It ends with the task at the latest."
            )


def _text(command: str, result: CommandResult) -> str:
    parts = [_ending(result)]
    if result.artifact_id and result.state == "running":
        parts.append(
            f"read_command_output with artifact_id {result.artifact_id} reads on, waits for its end or "
            "stops it."
        )
    elif result.artifact_id:
        parts.append(
            f"Its whole output ({size_text(result.total_bytes)}) can be read with "
            f"read_command_output, artifact_id {result.artifact_id}."
        )
    parts.append(f"Output:\n{result.preview}" if result.preview else "It printed nothing.")
    if result.state == "exited" and (hint := held_for_nothing(command)):
        parts.append(hint)
    if result.state == "exited" and leaves_behind(command) and not result.left_behind:
        parts.append("What was started with & has ended too.")
    return "\n".join([*parts, *result.notes])


async def prepare(arguments: ExecuteCommand, context: ToolContext) -> Invocation:
    command, timeout = arguments.command, arguments.timeout
    if not command.strip():
        raise ToolError("The command is empty.")
    if timeout is not None and timeout <= 0:
        raise ToolError(f"timeout is {timeout:g}; give seconds above 0, or null to wait.")
    if timeout is not None and timeout > MAX_TIMEOUT:
        raise ToolError(f"timeout is {timeout:g}; it is in seconds, at most {MAX_TIMEOUT}.")
    if reason := needs_terminal(command):
        raise ToolError(reason)
    refuse_once(context, arguments, entities_in(command), "Write the characters themselves.")
    cwd, unconfined = context.workspace.path(arguments.cwd or "."), bool(arguments.no_sandbox)

    async def run(output: ShowOutput) -> ToolResult:
        result = await context.commands.run(Command(command, cwd, timeout, unconfined), output)
        return ToolResult(
            _text(command, result) + tip(context, command),
            failed=result.state == "timed_out",
            meta={
                "state": result.state,
                "exitCode": result.code if result.state == "exited" else None,
                "artifactId": result.artifact_id,
                "totalBytes": result.total_bytes,
            },
        )

    saved = ", ".join(context.workspace.show(path) for path in context.commands.saves())
    return Invocation(
        f"Run {title_line(command)}",
        run,
        command=command,
        cwd=cwd,
        unconfined=unconfined,
        note=f"saves {saved} first" if saved else "",
    )


TOOL = Tool(
    name="execute_command",
    kind=ToolKind.EXECUTE,
    group="execute",
    arguments=ExecuteCommand,
    prepare=prepare,
    targets=lambda arguments, context: reads(context, arguments.cwd or "."),
    rule="Do not read, search or write files by commands where a tool can.",
    doing="Running",
)
