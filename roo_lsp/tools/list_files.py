"""`list_files`: what a folder holds."""

from pydantic import Field

from roo_lsp.agent.figures import plural
from roo_lsp.agent.tool import (
    Arguments,
    Invocation,
    Location,
    ShowOutput,
    Tool,
    ToolContext,
    ToolKind,
    ToolResult,
)
from roo_lsp.tools._text import name_of, reads

LIMIT = 200


class ListFiles(Arguments):
    """List a folder, level by level, folders (with a trailing /) first; at most 200 entries. What
    .gitignore or .rooignore hides is only counted.
    """

    path: str = Field(description="The folder; `.` is the workspace")
    recursive: bool | None = Field(None, description="Also what is in its folders")


async def prepare(arguments: ListFiles, context: ToolContext) -> Invocation:
    path = context.workspace.path(arguments.path)
    name = name_of(context, path)

    async def run(output: ShowOutput) -> ToolResult:
        del output
        listing = await context.files.list(
            path,
            recursive=bool(arguments.recursive),
            limit=LIMIT,
            respect_gitignore=context.limits.respect_gitignore,
        )
        entries = [
            f"{name_of(context, entry.path)}{'/' * entry.directory}" for entry in listing.entries
        ]
        lines = entries or [
            f"{name} has no files{' to show' * (listing.hidden + listing.kept > 0)}."
        ]
        if listing.truncated:
            lines.append(f"(Cut at {plural(len(entries), 'entry')}; list a folder in it for more.)")
        if listing.hidden:
            lines.append(f"(.gitignore hides {plural(listing.hidden, 'entry')} more.)")
        if listing.kept:
            lines.append(f"(.rooignore keeps {plural(listing.kept, 'entry')} from you.)")
        return ToolResult("\n".join(lines), locations=(Location(path),))

    how = " with all below it" if arguments.recursive else ""
    return Invocation(f"List {name}{how}", run, locations=(Location(path),))


TOOL = Tool(
    name="list_files",
    kind=ToolKind.READ,
    group="read",
    arguments=ListFiles,
    prepare=prepare,
    targets=lambda arguments, context: reads(context, arguments.path),
    parallel=True,
    doing="Listing",
)
