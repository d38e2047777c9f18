"""`show_changes`: what the task's own edits made of the files."""

from collections.abc import Iterator, Sequence

from pydantic import Field

from roo_lsp.agent.figures import plural
from roo_lsp.agent.tool import (
    Arguments,
    Diff,
    Invocation,
    ShowOutput,
    Target,
    Tool,
    ToolContext,
    ToolKind,
    ToolResult,
)
from roo_lsp.tools._text import name_of, reads
from roo_lsp.workspace.descriptors import real_path
from roo_lsp.workspace.line_diff import changed_lines, unified_lines

MAX_SHOWN = 40_000
"""Characters of the diffs of one result."""
MAX_FILES = 200
"""Files of one result."""


class ShowChanges(Arguments):
    """Show what your edits changed so far, as a diff; without what commands changed."""

    path: str | None = Field(None, description="Only in this file or folder")


async def prepare(arguments: ShowChanges, context: ToolContext) -> Invocation:
    below = None if arguments.path is None else real_path(context.workspace.path(arguments.path))
    changed = await context.changes()
    diffs = [each for each in changed if below is None or each.path.is_relative_to(below)]

    async def run(output: ShowOutput) -> ToolResult:
        del output
        return ToolResult("\n".join(_told(context, diffs)))

    targets = tuple(Target(each.path, "read") for each in diffs)
    return Invocation("Show the changes", run, targets=targets)


def _told(context: ToolContext, diffs: Sequence[Diff]) -> Iterator[str]:
    if not diffs:
        yield "Your edits changed nothing here, or nothing of it stands any more."
        return
    left = MAX_SHOWN
    for diff in diffs[:MAX_FILES]:
        added, removed = changed_lines(diff.old or "", diff.new or "")
        kind = "created" if diff.old is None else "deleted" if diff.new is None else "edited"
        head = f"# {name_of(context, diff.path)}: {kind}, +{added} -{removed}"
        shown: list[str] = []
        for line in unified_lines(diff.old or "", diff.new or ""):
            left -= len(line)
            if left < 0:
                head += ", not shown whole: too long" if shown else ", not shown: too long"
                break
            shown.append(line.rstrip("\r\n"))
        yield from (head, *shown)
    if len(diffs) > MAX_FILES:
        yield f"# and {plural(len(diffs) - MAX_FILES, 'more file')}: ask by path"


TOOL = Tool(
    name="show_changes",
    kind=ToolKind.READ,
    group="read",
    arguments=ShowChanges,
    prepare=prepare,
    targets=lambda arguments, context: (
        () if arguments.path is None else reads(context, arguments.path)
    ),
    parallel=True,
    doing="Reading",
)
