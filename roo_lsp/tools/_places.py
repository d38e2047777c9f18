"""Places in files as a model reads them: by file, each line with its number, as far as it may see."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from roo_lsp.agent.errors import ToolError
from roo_lsp.agent.figures import plural
from roo_lsp.agent.ports import Place, Places, Spot
from roo_lsp.agent.tool import (
    Invocation,
    Location,
    Seen,
    ShowOutput,
    Target,
    ToolContext,
    ToolResult,
)
from roo_lsp.tools._symbol import (
    LINE_LENGTH,
    NO_ANSWER,
    AtSymbol,
    servers_of,
    spot_of,
    targets,
    title_of,
)
from roo_lsp.tools._text import name_of, title_line
from roo_lsp.workspace.lines import line_texts

MAX_PLACES = 100
"""Places in one result."""
MAX_FILES = 40
MAX_LOCATIONS = 20


@dataclass(frozen=True, slots=True)
class _File:
    """A file with its places, and what may be told of it."""

    path: Path
    lines: list[int]
    seen: Seen


def by_file(context: ToolContext, paths: Sequence[Path]) -> list[Path]:
    """Each path once, those of the workspace first."""
    folders = context.workspace.folders
    return sorted(
        dict.fromkeys(paths), key=lambda path: not any(path.is_relative_to(f) for f in folders)
    )


def finding(
    what: str,
    ask: Callable[[Spot], Awaitable[Places | None]],
    arguments: AtSymbol,
    context: ToolContext,
) -> Invocation:
    """Asks where a symbol's places of a kind are: `definition`, `references`."""

    async def run(output: ShowOutput) -> ToolResult:
        del output
        found = await ask(await spot_of(arguments, context))
        if found is None:
            return ToolResult(NO_ANSWER.format(what=title_line(arguments.symbol)))
        approved = targets(arguments, context)
        return await _told(context, approved, found, what.removesuffix("s"), arguments.symbol)

    return Invocation(title_of(f"Find {what} of", arguments, context), run)


async def _told(
    context: ToolContext, approved: Sequence[Target], found: Places, noun: str, symbol: str
) -> ToolResult:
    """The result for places that were found: `noun` is what they are, of this symbol."""
    what = title_line(symbol)
    if not (found.places or found.no_files):
        return ToolResult(f"The editor's language servers know no {noun}s of {what}.")
    files, left = _files(context, approved, found.places)
    open_ones = [file for file in files if file.seen != "hidden"]
    count = sum(len(file.lines) for file in open_ones)
    head = f"{plural(count, noun)} of {what} in {plural(len(open_ones), 'file')}."
    kept = sum(len(file.lines) for file in files if file.seen == "hidden")
    notes = notes_on(found.more + left, found.no_files, kept)
    sections = [await _section(context, file) for file in open_ones]
    locations = [Location(file.path, line) for file in open_ones for line in file.lines]
    return ToolResult(
        "\n\n".join([" ".join([head, *notes]), *sections]),
        locations=tuple(locations[:MAX_LOCATIONS]),
        meta={"places": count},
    )


def notes_on(more: int, no_files: int, kept: int) -> list[str]:
    """Sentences about what is not shown."""
    notes: list[str] = []
    if more:
        notes.append(f"{more} more not shown.")
    if no_files:
        notes.append(f"{no_files} more in what is no file on disk.")
    if kept:
        notes.append(f"{kept} more in files that you may not see.")
    return notes


def _files(
    context: ToolContext, approved: Sequence[Target], places: Sequence[Place]
) -> tuple[list[_File], int]:
    """The files that are told of, and how many places are left out because there are too many."""
    _, sight = servers_of(context)
    lines: dict[Path, list[int]] = {}
    for place in places:
        lines.setdefault(place.path, []).append(place.line)
    paths = by_file(context, list(lines))[:MAX_FILES]
    seen = sight.seen([Target(path, "read") for path in paths], approved)
    files: list[_File] = []
    room = MAX_PLACES
    for path, how in zip(paths, seen, strict=True):
        shown = sorted(set(lines[path]))[:room]
        room -= len(shown)
        if shown:
            files.append(_File(path, shown, how))
    told = sum(len(file.lines) for file in files)
    return files, len(places) - told


async def _section(context: ToolContext, file: _File) -> str:
    name = name_of(context, file.path)
    if file.seen == "named":
        numbers = ", ".join(map(str, file.lines))
        return f"# {name}\nline {numbers} (outside the workspace: read_file asks the user)"
    try:
        texts = line_texts((await context.files.read(file.path)).text)
    except ToolError:
        return f"# {name}\nline {', '.join(map(str, file.lines))} (it cannot be read)"
    return "\n".join([f"# {name}", *(_line(texts, number) for number in file.lines)])


def _line(texts: Sequence[str], number: int) -> str:
    if number > len(texts):
        return f"{number} | (there is no such line)"
    text = texts[number - 1]
    return f"{number} | {text if len(text) <= LINE_LENGTH else f'{text[:LINE_LENGTH]}…'}"
