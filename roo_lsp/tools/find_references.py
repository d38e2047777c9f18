"""`find_references`: where a symbol is used, from the editor's other language servers."""

from roo_lsp.agent.tool import Invocation, Tool, ToolContext, ToolKind
from roo_lsp.tools._places import finding
from roo_lsp.tools._symbol import KNOWING, AtSymbol, servers_of, targets


class FindReferences(AtSymbol):
    """Find where a symbol is used, its declaration included."""


async def prepare(arguments: FindReferences, context: ToolContext) -> Invocation:
    servers, _ = servers_of(context)
    return finding("references", servers.references, arguments, context)


TOOL = Tool(
    name="find_references",
    kind=ToolKind.SEARCH,
    group="read",
    arguments=FindReferences,
    prepare=prepare,
    targets=targets,
    parallel=True,
    needs="references",
    rule=KNOWING,
    doing="Finding",
)
