"""`read_file`: a file's lines, numbered; a range of them, or the definition around one."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field

from roo_lsp.agent.errors import Binary, ToolError
from roo_lsp.agent.ports import Snapshot
from roo_lsp.agent.tool import (
    Arguments,
    FileLimits,
    Invocation,
    Location,
    ShowOutput,
    Tool,
    ToolContext,
    ToolKind,
    ToolResult,
)
from roo_lsp.tools._indentation import block_around, outline
from roo_lsp.tools._text import MAX_RESULT, name_of, reads
from roo_lsp.workspace.images import picture_in
from roo_lsp.workspace.lines import line_texts

LONG_BLOCK = 150
"""Lines from which on only a part of what is around a line is shown."""
BESIDE = 60
"""So many of them before and behind it."""
HEAD_LINES = 4
"""And so many of its beginning."""
MAX_OUTLINE = 300
LARGE = 1_000_000
"""Characters from which on a text is taken apart in a thread."""


class ReadFile(Arguments):
    """Read a text file as numbered lines, `12 | text`; the numbers are not part of the file.
    A long file comes in parts, each with how to read on. With around_line: the function or class
    around that line; with outline: only the lines that begin definitions. Text that is unsaved in
    the editor counts. An image (PNG, JPEG, GIF, WebP) is shown to you.
    """

    path: str = Field(description="The file")
    start_line: int | None = Field(None, description="First line, from 1")
    end_line: int | None = Field(None, description="Last line, included")
    around_line: int | None = Field(None, description="A line, instead of a range")
    outline: bool | None = Field(None, description="Instead of the text")


@dataclass(frozen=True, slots=True)
class _Part:
    """The lines that are shown, from `start` on, numbered from 1, and where more could be read."""

    lines: list[str]
    start: int
    wanted_end: int
    total: int
    cut_lines: int
    head: tuple[int, int] | None = None
    """First and last line of what is shown a part of, for being long."""
    before: tuple[str, ...] = ()
    """How that begins."""

    @property
    def end(self) -> int:
        return self.start + len(self.lines) - 1

    @property
    def truncated(self) -> bool:
        return self.end < self.wanted_end


def _range(arguments: ReadFile, lines: list[str]) -> tuple[int, int]:
    """First and last line that are wanted, numbered from 1."""
    total = len(lines)
    for name in ("start_line", "end_line", "around_line"):
        value = getattr(arguments, name)
        if value is not None and value < 1:
            raise ToolError(f"{name} is {value}, but line numbers start at 1.")
    start, end, around = arguments.start_line, arguments.end_line, arguments.around_line
    first = max(each for each in (start, around, 1) if each is not None)
    if first > total:
        raise ToolError(
            f"{arguments.path} has only {total} lines; line {first} is past its end.",
            f"Line {first} is past the end of {arguments.path}.",
        )
    if around is not None:
        if start is not None or end is not None:
            raise ToolError("Give either around_line, or start_line and end_line, not both.")
        begin, last = block_around(lines, around - 1)
        return begin + 1, last + 1
    if start is not None and end is not None and end < start:
        raise ToolError(f"end_line is {end}, which is before start_line, {start}.")
    return start or 1, min(end or total, total)


def _part(arguments: ReadFile, text: str, limits: FileLimits) -> _Part:
    lines = line_texts(text)
    if not lines:
        return _Part([], 1, 0, 0, 0)
    start, end = _range(arguments, lines)
    head, before = None, ()
    if arguments.around_line is not None and end - start >= LONG_BLOCK:
        head = (start, end)
        near = max(start, arguments.around_line - BESIDE)
        if near > start:
            before = tuple(lines[start - 1 : min(start - 1 + HEAD_LINES, near - 1)])
        start, end = near, min(end, arguments.around_line + BESIDE)
    shown: list[str] = []
    room, cut_lines = MAX_RESULT, 0
    for line in lines[start - 1 : min(end, start - 1 + limits.max_read_lines)]:
        kept = line
        if len(line) > limits.max_line_length:
            kept = f"{line[: limits.max_line_length]}…"
            cut_lines += 1
        room -= len(kept) + 8
        if room < 0 and shown:
            break
        shown.append(kept)
    return _Part(shown, start, end, len(lines), cut_lines, head, before)


def _notes(snapshot: Snapshot) -> list[str]:
    """What cannot be seen of a text and counts when it is changed by other means than our tools."""
    notes = [f"a link to {snapshot.leads_to}"] if snapshot.leads_to else []
    if snapshot.encoding:
        notes.append(f"stored as {snapshot.encoding}")
    if returns := snapshot.text.count("\r\n"):
        mixed = returns < snapshot.text.count("\n")
        notes.append("some lines end with CRLF" if mixed else "lines end with CRLF")
    return notes


def _result(name: str, part: _Part, limits: FileLimits, notes: Sequence[str]) -> str:
    if not part.total:
        return f"{name} is an empty file."
    head = f"{name} lines {part.start}-{part.end} of {part.total}"
    if notes:
        head += f" ({', '.join(notes)})"
    if part.truncated:
        head += f" (truncated: read on with start_line={part.end + 1})"
    if part.cut_lines:
        head += f" (lines ending in … are cut at {limits.max_line_length} characters)"
    rows = [f"{number} | {line}" for number, line in enumerate(part.lines, part.start)]
    if part.head is not None:
        first, last = part.head
        head += f" (a part of {first}-{last}, which is long)"
        begin = [f"{number} | {line}" for number, line in enumerate(part.before, first)]
        rows = [*begin, *(["…"] if begin else []), *rows]
    return "\n".join([head, *rows])


def _outline(name: str, text: str) -> str:
    lines = line_texts(text)
    found = outline(lines)
    if not found:
        return f"{name} has {len(lines)} lines and no definitions that could be told. Read a part of it."
    rows = [f"{at + 1} | {lines[at][:200]}" for at in found[:MAX_OUTLINE]]
    more = f" (the first {MAX_OUTLINE})" if len(found) > MAX_OUTLINE else ""
    return "\n".join([f"{name}, outline of {len(lines)} lines{more}", *rows])


async def _shown(context: ToolContext, path: Path, name: str, binary: Binary) -> ToolResult:
    """The file as an image.

    Raises:
        ToolError: it is none, or one that the model cannot be shown.
    """
    picture = picture_in(await context.files.read_bytes(path), name)
    if picture is None:
        raise binary
    if not context.takes_images():
        raise ToolError(
            f"{name} is an image ({picture}), and you take none: the setting "
            "roo.model.supportsImages is off. Do without it, or ask the user what it shows."
        )
    return ToolResult(
        f"{name} is an image: {picture}.",
        locations=(Location(path),),
        meta={
            "image": {
                "mimeType": picture.media_type,
                "width": picture.width,
                "height": picture.height,
                "size": len(picture.data),
            }
        },
        images=(picture.image(),),
    )


async def prepare(arguments: ReadFile, context: ToolContext) -> Invocation:
    path = context.workspace.path(arguments.path)
    name = name_of(context, path)

    async def run(output: ShowOutput) -> ToolResult:
        del output
        try:
            snapshot = await context.files.read(path)
        except Binary as error:
            return await _shown(context, path, name, error)
        text, limits = snapshot.text, context.limits
        if arguments.outline:
            told = await asyncio.to_thread(_outline, name, text)
            return ToolResult(told, locations=(Location(path),))
        if len(text) > LARGE:
            part = await asyncio.to_thread(_part, arguments, text, limits)
        else:
            part = _part(arguments, text, limits)
        context.recall.saw(path, snapshot.text, snapshot.looks)
        text = _result(name, part, limits, _notes(snapshot))
        if snapshot.note:
            text = f"({name}: {snapshot.note} This is the text in the editor.)\n{text}"
        return ToolResult(
            text,
            locations=(Location(path, part.start),),
            meta={
                "range": {
                    "startLine": part.start,
                    "endLine": part.end,
                    "totalLines": part.total,
                    "truncated": part.truncated,
                }
            },
        )

    where = ""
    if arguments.around_line is not None:
        where = f" around {arguments.around_line}"
    elif arguments.start_line is not None or arguments.end_line is not None:
        where = f" {arguments.start_line or 1}-{arguments.end_line or ''}"
    line = arguments.around_line or arguments.start_line
    return Invocation(f"Read {name}{where}", run, locations=(Location(path, line),))


TOOL = Tool(
    name="read_file",
    kind=ToolKind.READ,
    group="read",
    arguments=ReadFile,
    prepare=prepare,
    targets=lambda arguments, context: reads(context, arguments.path),
    parallel=True,
    rule="Read a file before you change it; for a part that you know of, read that part.",
    doing="Reading",
)
