"""`hover`: the type and documentation of a symbol, from the editor's other language servers."""

from roo_lsp.agent.tool import Invocation, ShowOutput, Tool, ToolContext, ToolKind, ToolResult
from roo_lsp.tools._symbol import NO_ANSWER, AtSymbol, servers_of, spot_of, targets, title_of
from roo_lsp.tools._text import name_of, title_line
from roo_lsp.workspace.escapes import plain
from roo_lsp.workspace.problems import bounded

MAX_HOVER = 6_000
"""Characters; documentation can be a book."""


class Hover(AtSymbol):
    """Type, signature and documentation of a symbol."""


async def prepare(arguments: Hover, context: ToolContext) -> Invocation:
    servers, _ = servers_of(context)

    async def run(output: ShowOutput) -> ToolResult:
        del output
        spot = await spot_of(arguments, context)
        text = await servers.hover(spot)
        if not text:
            return ToolResult(NO_ANSWER.format(what=title_line(arguments.symbol)))
        where = f"{name_of(context, spot.path)}:{spot.line}"
        return ToolResult(f"{title_line(arguments.symbol)} ({where}):\n{_visible(text)}")

    return Invocation(title_of("Look up", arguments, context), run)


def _visible(text: str) -> str:
    """Another program's text: tabs and line ends are all that stays of what cannot be seen."""
    lines = bounded(text.replace("\r\n", "\n"), MAX_HOVER).split("\t")
    return "\t".join(plain(each) for each in lines)


TOOL = Tool(
    name="hover",
    kind=ToolKind.READ,
    group="read",
    arguments=Hover,
    prepare=prepare,
    targets=targets,
    parallel=True,
    needs="hover",
    doing="Looking",
)
