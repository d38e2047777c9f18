"""`edit`: one text for another in a file, literally."""

from pydantic import AliasChoices, Field

from roo_lsp.agent.errors import ToolError
from roo_lsp.agent.tool import (
    Arguments,
    Diff,
    Invocation,
    Location,
    Output,
    Tool,
    ToolContext,
    ToolKind,
    ToolResult,
)
from roo_lsp.tools._changed import broken, places
from roo_lsp.tools._doubts import refuse_once
from roo_lsp.tools._text import name_of, nearly_told, plural, read_existing, writes
from roo_lsp.workspace.lines import line_texts
from roo_lsp.workspace.literal import replace_text
from roo_lsp.workspace.omissions import entities, placeholder


class Edit(Arguments):
    """Replace a text of a file by another one: the quickest way for one small change. old_string
    must be in the file exactly once, indentation and line breaks included; with replace_all every
    place is changed. An empty old_string is for a file that is new or empty.
    """

    file_path: str = Field(
        validation_alias=AliasChoices("file_path", "path"),
        description="Relative to the workspace, or absolute",
    )
    old_string: str = Field(description="The text as it is in the file, without line numbers")
    new_string: str = Field(description="The text to put there")
    replace_all: bool | None = Field(None, description="Change every place where it stands")


async def prepare(arguments: Edit, context: ToolContext) -> Invocation:
    path = context.workspace.path(arguments.file_path)
    name = name_of(context, path)
    if not arguments.old_string and not await context.files.exists(path):
        before = None
    else:
        before = await read_existing(context, path, "Use write_to_file to create a file.")
    old, new = arguments.old_string, arguments.new_string
    if before is None and not new:
        raise ToolError("Both texts are empty. Use write_to_file to create an empty file.")
    edited = replace_text(
        before.text if before else "", old, new, every=bool(arguments.replace_all)
    )
    if before is not None:
        doubt = placeholder(before.text, line_texts(new)) or entities(before.text, new, name)
        refuse_once(context, arguments, doubt, "Give the whole new text.")
    lines = plural(len(line_texts(edited.text)), "line")
    if before is None:
        told = f"Created {name} ({lines})."
    else:
        where = places(before.text, edited.text)
        told = f"Changed {plural(edited.places, 'place')} in {name}{where}, which has {lines} now."
    told += broken(name, before.text if before else None, edited.text)
    told += nearly_told(("old_string",) if edited.nearly else ())
    diffs = (Diff(path, before.text if before else None, edited.text),)
    locations = (Location(path, edited.line),)

    async def run(output: Output) -> ToolResult:
        del output
        await context.files.write(path, edited.text, before.stamp if before else None)
        context.recall.saw(path)
        return ToolResult(told, diffs=diffs, locations=locations)

    title = f"{'Create' if before is None else 'Edit'} {name}"
    return Invocation(title, run, diffs=diffs, locations=locations)


TOOL = Tool(
    name="edit",
    kind=ToolKind.EDIT,
    group="edit",
    arguments=Edit,
    prepare=prepare,
    targets=lambda arguments, context: writes(context, arguments.file_path),
    doing="Editing",
    writes=True,
)
