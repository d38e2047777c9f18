"""`rename_symbol`: a new name in every file at once, as the editor's other language servers know it.

They only say what would change: it is shown, approved and written like every other edit.
"""

from collections.abc import Sequence

from pydantic import Field

from roo_lsp.agent.errors import ToolError
from roo_lsp.agent.figures import plural
from roo_lsp.agent.ports import FileEdits
from roo_lsp.agent.tool import (
    Arguments,
    Diff,
    Invocation,
    Location,
    ShowOutput,
    Target,
    Tool,
    ToolContext,
    ToolKind,
    ToolResult,
)
from roo_lsp.tools._changed import remember
from roo_lsp.tools._symbol import KNOWING, AtSymbol, servers_of, spot_of
from roo_lsp.tools._text import name_of, title_line, writes
from roo_lsp.tools._together import PlannedChange, carry_out
from roo_lsp.workspace.lines import line_texts

SHOWN = 3
"""Files that a title names."""


class RenameSymbol(Arguments):
    """Rename a symbol wherever it is used, in all files at once."""

    symbol: str = Field(description="Its name")
    path: str = Field(description="A file it stands in")
    line: int | None = Field(None, description="Its line there; else the first with it")
    new_name: str = Field(description="The name it gets")


async def prepare(arguments: RenameSymbol, context: ToolContext) -> Invocation:
    servers, _ = servers_of(context)
    old, new = title_line(arguments.symbol), title_line(arguments.new_name)
    if not arguments.new_name.strip():
        raise ToolError("new_name is empty.")
    where = AtSymbol(symbol=arguments.symbol, path=arguments.path, line=arguments.line)
    spot = await spot_of(where, context)
    edits = await servers.rename(spot, arguments.new_name)
    if edits is None:
        raise ToolError(
            f"No language server of the editor could rename {old} there. Nothing was changed: rename "
            "it with search_files and the tools for editing files."
        )
    changes = await _changes(context, edits)
    if not changes:
        raise ToolError(f"The language server would change nothing to rename {old}.")
    diffs = tuple(Diff(each.path, _old(each), each.text) for each in changes)
    locations = tuple(Location(each.path, _first_line(each)) for each in changes)
    names = [each.name for each in changes]

    async def run(output: ShowOutput) -> ToolResult:
        del output
        await carry_out(context.files, changes, "the rename")
        for each in changes:
            if context.recall.text(each.path) is not None:
                remember(context.recall, each.path, _old(each), each.text or "")
        told = f"Renamed {old} to {new} in {plural(len(names), 'file')}: {', '.join(names)}."
        return ToolResult(told, diffs=diffs, locations=locations)

    return Invocation(
        title_line(f"Rename {old} to {new} in {_files(names)}", 200),
        run,
        diffs=diffs,
        locations=locations,
        targets=tuple(Target(each.path, "write") for each in changes),
    )


async def _changes(context: ToolContext, edits: Sequence[FileEdits]) -> list[PlannedChange]:
    """The files as they are and would be, those left out that stay as they are.

    Raises:
        ToolError: one of them may never be changed, or the edits do not fit.
    """
    _, sight = servers_of(context)
    seen = sight.seen([Target(each.path, "read") for each in edits], ())
    if hidden := list(seen).count("hidden"):
        raise ToolError(
            f"Nothing was changed: the rename would also change {plural(hidden, 'file')} that you may "
            "not see. The user has to rename it in the editor."
        )
    if why := sight.refusal([Target(each.path, "write") for each in edits]):
        raise ToolError(f"Nothing was changed: {why}")
    changes: list[PlannedChange] = []
    for each in edits:
        before = await context.files.read(each.path)
        if (text := each.applied(before.text)) != before.text:
            changes.append(PlannedChange(each.path, name_of(context, each.path), before, text))
    return changes


def _old(change: PlannedChange) -> str:
    return change.before.text if change.before else ""


def _first_line(change: PlannedChange) -> int:
    """The first line that would change."""
    before, after = line_texts(_old(change)), line_texts(change.text or "")
    pairs = enumerate(zip(before, after, strict=False), 1)
    return next((number for number, (old, new) in pairs if old != new), 1)


def _files(names: Sequence[str]) -> str:
    if len(names) == 1:
        return names[0]
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"{len(names)} files: {', '.join(names[:SHOWN])}{more}"


TOOL = Tool(
    name="rename_symbol",
    kind=ToolKind.EDIT,
    group="edit",
    arguments=RenameSymbol,
    prepare=prepare,
    targets=lambda arguments, context: writes(context, arguments.path),
    needs="rename",
    rule=KNOWING,
    doing="Renaming",
)
