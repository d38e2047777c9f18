"""`switch_mode`: go on in another mode, with its role and its tools."""

from pydantic import Field

from roo_lsp.agent.errors import ToolError
from roo_lsp.agent.tool import (
    Arguments,
    Invocation,
    ShowOutput,
    Tool,
    ToolContext,
    ToolKind,
    ToolResult,
)
from roo_lsp.tools._mode import mode_meant, modes_of
from roo_lsp.tools._text import title_line


class SwitchMode(Arguments):
    """Go on with this task in another mode, when it needs what yours may not do."""

    mode_slug: str = Field(description="The mode")
    reason: str = Field("", description="Why, for the user")


async def prepare(arguments: SwitchMode, context: ToolContext) -> Invocation:
    modes = modes_of(context)
    slug, name = mode_meant(modes, arguments.mode_slug)
    before = modes.current
    if slug == before:
        raise ToolError(f"The mode is {slug} already: go on.")
    why = " ".join(arguments.reason.split())

    async def run(output: ShowOutput) -> ToolResult:
        del output
        modes.switch(slug)
        return ToolResult(f"The mode was {before} and is {slug} from your next answer on.")

    title = f"Switch from mode {before} to {slug}"
    if name.casefold() != slug.casefold():
        title += f" ({name})"
    return Invocation(title_line(f"{title}: {why}" if why else title, 300), run)


TOOL = Tool(
    name="switch_mode",
    kind=ToolKind.SWITCH_MODE,
    group="mode",
    arguments=SwitchMode,
    prepare=prepare,
    doing="Switching",
)
