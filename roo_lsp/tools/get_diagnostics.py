"""`get_diagnostics`: errors and warnings that the editor's other language servers and linters report."""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from roo_lsp.agent.figures import plural
from roo_lsp.agent.ports import Problem, Problems
from roo_lsp.agent.tool import (
    Arguments,
    Invocation,
    Location,
    ShowOutput,
    Target,
    Tool,
    ToolContext,
    ToolKind,
    ToolResult,
)
from roo_lsp.tools._places import MAX_FILES, MAX_LOCATIONS, MAX_PLACES, by_file, notes_on
from roo_lsp.tools._symbol import everything, servers_of
from roo_lsp.tools._text import name_of, reads, title_line
from roo_lsp.workspace.problems import SEVERITIES, problem_line

Severity = Literal["error", "warning", "information", "hint"]


class GetDiagnostics(Arguments):
    """List errors and warnings of language servers and linters, in a file or in all they know."""

    path: str | None = Field(None, description="The file")
    severity: Severity | None = Field(None, description="The mildest to list; else warning")


def targets(arguments: GetDiagnostics, context: ToolContext) -> tuple[Target, ...]:
    """The file, or the workspace."""
    return reads(context, arguments.path) if arguments.path is not None else everything(context)


async def prepare(arguments: GetDiagnostics, context: ToolContext) -> Invocation:
    servers, _ = servers_of(context)
    path = None if arguments.path is None else context.workspace.path(arguments.path)
    name = "the workspace" if path is None else name_of(context, path)
    names = list(SEVERITIES.values())
    mildest = names.index(arguments.severity or "warning") + 1

    async def run(output: ShowOutput) -> ToolResult:
        del output
        found = await servers.problems(path)
        if found is None or (path is not None and path not in found.files):
            return ToolResult(
                f"No language server of the editor told what it finds in {name}. That does not mean "
                "that all is well there."
            )
        wanted = [each for each in found.problems if each.severity <= mildest]
        if path is not None:
            wanted = [each for each in wanted if each.path == path]
        if not wanted:
            return ToolResult(_none(found, name, names[:mildest], all_files=path is None))
        return _told(context, targets(arguments, context), wanted, found.more)

    return Invocation(
        title_line(f"Get diagnostics of {name}", 160),
        run,
        locations=(Location(path),) if path else (),
    )


def _none(found: Problems, name: str, severities: Sequence[str], *, all_files: bool) -> str:
    kinds = " or ".join(severities)
    if not all_files:
        return f"The editor's language servers report no {kinds} in {name}."
    return (
        f"The editor's language servers report no {kinds} in the {plural(len(found.files), 'file')} "
        "that they look at now; those may be only the open ones."
    )


def _told(
    context: ToolContext, approved: Sequence[Target], problems: Sequence[Problem], more: int
) -> ToolResult:
    _, sight = servers_of(context)
    worst = sorted(problems, key=lambda each: each.severity)
    paths = by_file(context, [each.path for each in worst])[:MAX_FILES]
    seen = sight.seen([Target(path, "read") for path in paths], approved)
    visible = {path for path, how in zip(paths, seen, strict=True) if how == "shown"}
    kept = sum(each.path in set(paths) - visible for each in problems)
    shown = [each for each in worst if each.path in visible][:MAX_PLACES]
    more += len(problems) - kept - len(shown)
    files = [path for path in paths if any(each.path == path for each in shown)]
    head = f"{plural(len(shown), 'problem')} in {plural(len(files), 'file')}."
    sections = [
        "\n".join([f"# {name_of(context, path)}", *_lines([e for e in shown if e.path == path])])
        for path in files
    ]
    return ToolResult(
        "\n\n".join([" ".join([head, *notes_on(more, 0, kept)]), *sections]),
        locations=tuple(Location(each.path, each.line) for each in shown[:MAX_LOCATIONS]),
        meta={"problems": len(shown)},
    )


def _lines(problems: Sequence[Problem]) -> list[str]:
    return [
        f"{each.line} | {problem_line(each)}"
        for each in sorted(problems, key=lambda each: each.line)
    ]


TOOL = Tool(
    name="get_diagnostics",
    kind=ToolKind.READ,
    group="read",
    arguments=GetDiagnostics,
    prepare=prepare,
    targets=targets,
    parallel=True,
    needs="diagnostics",
    doing="Getting",
)
