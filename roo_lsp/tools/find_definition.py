"""`find_definition`: where a symbol is defined, from the editor's other language servers."""

from roo_lsp.agent.tool import Invocation, Output, Tool, ToolContext, ToolKind, ToolResult
from roo_lsp.tools._places import places_told
from roo_lsp.tools._symbol import NO_ANSWER, AtSymbol, servers_of, spot_of, targets, title_of
from roo_lsp.tools._text import one_line


class FindDefinition(AtSymbol):
    """Find where a symbol is defined, as the language server knows it."""


async def prepare(arguments: FindDefinition, context: ToolContext) -> Invocation:
    servers, _ = servers_of(context)

    async def run(output: Output) -> ToolResult:
        del output
        found = await servers.definition(await spot_of(arguments, context))
        if found is None:
            return ToolResult(NO_ANSWER.format(what=one_line(arguments.symbol)))
        approved = targets(arguments, context)
        return await places_told(context, approved, found, "definition", arguments.symbol)

    return Invocation(title_of("Find definition of", arguments, context), run)


TOOL = Tool(
    name="find_definition",
    kind=ToolKind.SEARCH,
    group="read",
    arguments=FindDefinition,
    prepare=prepare,
    targets=targets,
    parallel=True,
    needs="definition",
)
