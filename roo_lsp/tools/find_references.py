"""`find_references`: where a symbol is used, from the editor's other language servers."""

from roo_lsp.agent.tool import Invocation, Output, Tool, ToolContext, ToolKind, ToolResult
from roo_lsp.tools._places import places_told
from roo_lsp.tools._symbol import NO_ANSWER, AtSymbol, servers_of, spot_of, targets, title_of
from roo_lsp.tools._text import one_line


class FindReferences(AtSymbol):
    """Find where a symbol is used, its declaration included."""


async def prepare(arguments: FindReferences, context: ToolContext) -> Invocation:
    servers, _ = servers_of(context)

    async def run(output: Output) -> ToolResult:
        del output
        found = await servers.references(await spot_of(arguments, context))
        if found is None:
            return ToolResult(NO_ANSWER.format(what=one_line(arguments.symbol)))
        approved = targets(arguments, context)
        return await places_told(context, approved, found, "reference", arguments.symbol)

    return Invocation(title_of("Find references of", arguments, context), run)


TOOL = Tool(
    name="find_references",
    kind=ToolKind.SEARCH,
    group="read",
    arguments=FindReferences,
    prepare=prepare,
    targets=targets,
    parallel=True,
    needs="references",
)
