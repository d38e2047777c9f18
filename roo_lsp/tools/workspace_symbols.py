"""`workspace_symbols`: symbols of the workspace by name, from the editor's other language servers."""

from pydantic import Field

from roo_lsp.agent.figures import plural
from roo_lsp.agent.ports import Symbol, Symbols
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
from roo_lsp.tools._symbol import KNOWING, NO_ANSWER, everything, servers_of
from roo_lsp.tools._text import name_of, title_line
from roo_lsp.tools.document_symbols import symbol_told


class WorkspaceSymbols(Arguments):
    """Find classes, functions and other symbols of the workspace by name."""

    query: str = Field(description="Name or part of it")


def targets(arguments: WorkspaceSymbols, context: ToolContext) -> tuple[Target, ...]:
    """The workspace."""
    del arguments
    return everything(context)


async def prepare(arguments: WorkspaceSymbols, context: ToolContext) -> Invocation:
    servers, _ = servers_of(context)
    query = title_line(arguments.query)

    async def run(output: ShowOutput) -> ToolResult:
        del output
        found = await servers.workspace_symbols(arguments.query)
        if found is None:
            return ToolResult(NO_ANSWER.format(what=f"the name {query}"))
        if not (found.symbols or found.no_files):
            return ToolResult(f"The editor's language servers know no symbol like {query}.")
        return _told(context, found, query)

    return Invocation(title_line(f"Find symbols like {query}", 160), run)


def _told(context: ToolContext, found: Symbols, query: str) -> ToolResult:
    _, sight = servers_of(context)
    paths = by_file(context, [each.path for each in found.symbols])[:MAX_FILES]
    seen = sight.seen([Target(path, "read") for path in paths], everything(context))
    shown: list[Symbol] = []
    kept = 0
    for path, how in zip(paths, seen, strict=True):
        inside = [each for each in found.symbols if each.path == path]
        if how == "shown":
            shown += sorted(inside, key=lambda each: each.line or 0)
        else:
            kept += len(inside)
    more = found.more + len(found.symbols) - kept - len(shown[:MAX_PLACES])
    shown = shown[:MAX_PLACES]
    files = list(dict.fromkeys(each.path for each in shown))
    head = f"{plural(len(shown), 'symbol')} like {query} in {plural(len(files), 'file')}."
    sections = [
        "\n".join([f"# {name_of(context, path)}", *(_line(e) for e in shown if e.path == path)])
        for path in files
    ]
    return ToolResult(
        "\n\n".join([" ".join([head, *notes_on(more, found.no_files, kept)]), *sections]),
        locations=tuple(Location(each.path, each.line) for each in shown[:MAX_LOCATIONS]),
        meta={"places": len(shown)},
    )


def _line(symbol: Symbol) -> str:
    return f"{symbol.line or '?'} | {symbol_told(symbol)}"


TOOL = Tool(
    name="workspace_symbols",
    kind=ToolKind.SEARCH,
    group="read",
    arguments=WorkspaceSymbols,
    prepare=prepare,
    targets=targets,
    parallel=True,
    needs="workspaceSymbol",
    rule=KNOWING,
    doing="Finding",
)
