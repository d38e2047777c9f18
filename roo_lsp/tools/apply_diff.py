"""`apply_diff`: parts of a file, by SEARCH/REPLACE blocks, all or none."""

from pydantic import Field

from roo_lsp.agent.figures import plural
from roo_lsp.agent.tool import (
    Arguments,
    Diff,
    Invocation,
    Location,
    ShowOutput,
    Tool,
    ToolContext,
    ToolKind,
    ToolResult,
)
from roo_lsp.tools._changed import broken, places, remember
from roo_lsp.tools._doubts import refuse_once
from roo_lsp.tools._text import name_of, nearly_told, read_existing, writes
from roo_lsp.workspace.blocks import parse_blocks
from roo_lsp.workspace.edits import Edited, apply_blocks
from roo_lsp.workspace.lines import line_texts
from roo_lsp.workspace.omissions import entities, placeholder


class ApplyDiff(Arguments):
    r"""Change parts of a file by one or more blocks, all or none. A block:

    <<<<<<< SEARCH
    :start_line:12
    -------
    lines exactly as they are in the file, indentation included
    =======
    lines to put in their place
    >>>>>>> REPLACE

    SEARCH has whole lines and must fit in one place; :start_line: (a line number of the file as it
    is now) tells which of several, and may be left out with its ------- line. A line of the file
    that looks like a marker gets a backslash in front.
    """

    path: str = Field(description="The file")
    diff: str = Field(description="The blocks")


def _told(name: str, blocks: int, old: str, edited: Edited) -> str:
    return (
        f"Applied {plural(blocks, 'block')} to {name}{places(old, edited.text)}, which has "
        f"{plural(len(line_texts(edited.text)), 'line')} now."
        f"{broken(name, old, edited.text)}{nearly_told(edited.nearly)}"
    )


async def prepare(arguments: ApplyDiff, context: ToolContext) -> Invocation:
    path = context.workspace.path(arguments.path)
    name = name_of(context, path)
    blocks = parse_blocks(arguments.diff)
    before = await read_existing(context, path, "Use write_to_file to create a file.")
    edited = apply_blocks(before.text, blocks)
    new = [line for block in blocks for line in block.replacement]
    doubt = placeholder(before.text, new) or entities(before.text, "\n".join(new), name)
    refuse_once(context, arguments, doubt, "Give the whole new text.")
    diffs = (Diff(path, before.text, edited.text),)
    locations = (Location(path, edited.line),)

    async def run(output: ShowOutput) -> ToolResult:
        del output
        await context.files.write(path, edited.text, before.stamp)
        remember(context.recall, path, before.text, edited.text)
        return ToolResult(
            _told(name, len(blocks), before.text, edited), diffs=diffs, locations=locations
        )

    return Invocation(f"Edit {name}", run, diffs=diffs, locations=locations)


TOOL = Tool(
    name="apply_diff",
    kind=ToolKind.EDIT,
    group="edit",
    arguments=ApplyDiff,
    prepare=prepare,
    targets=lambda arguments, context: writes(context, arguments.path),
    doing="Editing",
    writes=True,
)
