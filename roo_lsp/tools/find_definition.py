"""`find_definition`: where a symbol is defined, from the editor's other language servers."""

from roo_lsp.agent.tool import Invocation, Tool, ToolContext, ToolKind
from roo_lsp.tools._places import finding
from roo_lsp.tools._symbol import KNOWING, AtSymbol, servers_of, targets


class FindDefinition(AtSymbol):
    """Find where a symbol is defined, as the language server knows it."""


async def prepare(arguments: FindDefinition, context: ToolContext) -> Invocation:
    servers, _ = servers_of(context)
    return finding("definition", servers.definition, arguments, context)


TOOL = Tool(
    name="find_definition",
    kind=ToolKind.SEARCH,
    group="read",
    arguments=FindDefinition,
    prepare=prepare,
    targets=targets,
    parallel=True,
    needs="definition",
    rule=KNOWING,
    doing="Finding",
)
