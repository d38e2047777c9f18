"""`write_to_file`: a whole file, exactly as given.

Nothing of the content is changed: no fence is taken off, no entity is read, no final newline is
added. One thing stays the file's own: where all its lines end with CRLF, and the content has no
carriage return at all, they still do.
"""

from pathlib import Path

from pydantic import Field

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
from roo_lsp.tools._changed import broken
from roo_lsp.tools._doubts import much_shorter, refuse_once, taken_back
from roo_lsp.tools._text import name_of, writes
from roo_lsp.workspace.line_diff import alike
from roo_lsp.workspace.lines import line_texts
from roo_lsp.workspace.omissions import displayed, placeholder

KNOWN = "You know all of it now: there is no need to read it again."


class WriteToFile(Arguments):
    """Create a file, or replace all of an existing one. Missing folders are made. The content is
    written as given, so give all of it; only CRLF line endings stay where a file has them.
    """

    path: str = Field(description="The file")
    content: str = Field(description="The whole new content")


def _with_line_endings_of(old: str, content: str) -> str:
    """The content with CRLF, where the old text has nothing else and the content only has LF."""
    crlf = old.count("\r\n")
    only_crlf = crlf and crlf == old.count("\n") == old.count("\r")
    return content.replace("\n", "\r\n") if only_crlf and "\r" not in content else content


def _doubt(context: ToolContext, path: Path, old: str, new: str) -> str | None:
    """Why the content would probably lose something of the file, or None."""
    if alike(old, new):
        return None
    return (
        taken_back(context, path, old)
        or displayed(old, new, path.name)
        or placeholder(old, line_texts(new))
        or much_shorter(context, path, old, new)
    )


async def _known(context: ToolContext, path: Path, content: str) -> str:
    """What may be said of what the model knows: a formatter may have been at work."""
    try:
        now = (await context.files.read(path)).text
    except ToolError:
        return ""
    if now == content:
        return f" {KNOWN}"
    return " It was changed as it was saved (by a formatter?): read it before you edit it."


async def prepare(arguments: WriteToFile, context: ToolContext) -> Invocation:
    path = context.workspace.path(arguments.path)
    name = name_of(context, path)
    content = arguments.content
    before = await context.files.read(path) if await context.files.exists(path) else None
    if before is not None:
        content = _with_line_endings_of(before.text, content)
    overruled = before is not None and refuse_once(
        context, arguments, _doubt(context, path, before.text, content), "Give all of it."
    )
    lines = plural(len(line_texts(content)), "line")
    if before is None:
        told = f"Created {name} ({lines})."
    else:
        told = f"Replaced {name} ({lines}, before {len(line_texts(before.text))})."
    told += broken(name, before.text if before else None, content)
    if content != arguments.content:
        told += " Its line endings stayed CRLF."
    changed = before is None or before.text != content
    diffs = (Diff(path, before.text if before else None, content),) if changed else ()

    async def run(output: ShowOutput) -> ToolResult:
        del output
        if not changed:
            return ToolResult(f"{name} already has exactly this content; nothing was written.")
        await context.files.write(path, content, before.stamp if before else None)
        context.recall.saw(path, content)
        known = "" if overruled else await _known(context, path, content)
        return ToolResult(told + known, diffs=diffs, locations=(Location(path, 1),))

    title = f"{'Create' if before is None else 'Replace'} {name}"
    return Invocation(title, run, diffs=diffs, locations=(Location(path),))


TOOL = Tool(
    name="write_to_file",
    kind=ToolKind.EDIT,
    group="edit",
    arguments=WriteToFile,
    prepare=prepare,
    makes=True,
    targets=lambda arguments, context: writes(context, arguments.path),
    rule="Change existing files by edit, apply_diff or apply_patch; write_to_file is for new files, or to replace one wholly.",
    doing="Writing",
    writes=True,
)
