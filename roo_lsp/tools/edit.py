"""`edit`: one text for another in a file, literally; several at once, all or none."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

from pydantic import AliasChoices, Field, WithJsonSchema

from roo_lsp.agent.errors import ToolError
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
from roo_lsp.workspace.lines import line_texts
from roo_lsp.workspace.literal import Replaced, replace_text
from roo_lsp.workspace.omissions import entities, placeholder

MAX_CHANGES = 100
"""Changes of one call: each looks through the whole file."""


class Change(Arguments):
    """One text for another."""

    old_string: str
    new_string: str
    replace_all: bool | None = None


_CHANGE = {
    "type": "object",
    "properties": {
        "old_string": {"type": "string"},
        "new_string": {"type": "string"},
    },
    "required": ["old_string", "new_string"],
}
"""Its schema where it stands, as there are endpoints that follow no reference, and in short."""


class Edit(Arguments):
    """Replace a text of a file by another one: the quickest way for a small change. old_string must
    be in the file exactly once, indentation and line breaks included, unless replace_all is true. An
    empty old_string is for a file that is new or empty.
    """

    file_path: str = Field(
        validation_alias=AliasChoices("file_path", "path"),
        description="The file",
    )
    old_string: str = Field(description="The text as it is in the file, without line numbers")
    new_string: str = Field(description="The text to put there")
    replace_all: bool | None = Field(None, description="Change every place")
    more: list[Annotated[Change, WithJsonSchema(_CHANGE)]] | None = Field(
        None, description="Further changes of this file; all or none"
    )


def _all_made(text: str, changes: Sequence[Edit | Change]) -> tuple[Replaced, list[str]]:
    """The text after all changes, and what to call those that fitted only nearly.

    Raises:
        ToolError: one does not fit; says which.
    """
    places, line = 0, 0
    nearly: list[str] = []
    made = Replaced(text, 0, 1)
    for number, each in enumerate(changes, 1):
        try:
            made = replace_text(
                made.text, each.old_string, each.new_string, every=bool(each.replace_all)
            )
        except ToolError as error:
            if len(changes) == 1:
                raise
            which = f"Change {number} of {len(changes)}"
            counted = " (lines are counted after those before it)" if number > 1 else ""
            raise ToolError(f"{which}{counted}: {error.text}", f"{which}: {error.brief}") from None
        places += made.places
        line = line or made.line
        if made.nearly:
            nearly.append("old_string" if len(changes) == 1 else f"change {number}")
    return replace(made, places=places, line=line), nearly


async def prepare(arguments: Edit, context: ToolContext) -> Invocation:
    path = context.workspace.path(arguments.file_path)
    name = name_of(context, path)
    if not arguments.old_string and not await context.files.exists(path):
        before = None
    else:
        before = await read_existing(context, path, "Use write_to_file to create a file.")
    changes = [arguments, *(arguments.more or ())]
    new = "\n".join(each.new_string for each in changes)
    if len(changes) > MAX_CHANGES:
        raise ToolError(f"Nothing was changed: a call takes at most {MAX_CHANGES} changes.")
    if before is None and not arguments.new_string:
        raise ToolError("Both texts are empty. Use write_to_file to create an empty file.")
    edited, nearly = _all_made(before.text if before else "", changes)
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
    told += nearly_told(nearly)
    diffs = (Diff(path, before.text if before else None, edited.text),)
    locations = (Location(path, edited.line),)

    async def run(output: ShowOutput) -> ToolResult:
        del output
        await context.files.write(path, edited.text, before.stamp if before else None)
        remember(context.recall, path, before.text if before else "", edited.text)
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
