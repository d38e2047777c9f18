"""`search_files`: lines that match a regular expression, with their neighbours and what they are in."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from pydantic import Field

from roo_lsp.agent.errors import ToolError
from roo_lsp.agent.figures import plural
from roo_lsp.agent.ports import FileMatches, SearchLine, SearchQuery, SearchResult
from roo_lsp.agent.tool import (
    Arguments,
    Invocation,
    Location,
    ShowOutput,
    Target,
    Tool,
    ToolContext,
    ToolKind,
    ToolResult,
)
from roo_lsp.tools._indentation import enclosing
from roo_lsp.tools._text import name_of, title_line
from roo_lsp.workspace.lines import line_texts

MAX_LOCATIONS = 20
MAX_SHOWN = 40_000
"""Characters of a result; the rest is told by file."""
MAX_NAMED = 20
"""Files of the rest that are named."""
MAX_CONTEXT = 20
LARGE = 300_000
"""Characters of a file from which it is not looked for what a match is in."""
HEADER = 100
"""Characters of the line that begins what a match is in."""


class SearchFiles(Arguments):
    """Search file contents line by line. Matching lines are marked `>12 | text`, neighbours
    ` 13 | text`; `(in 9 | def f():)` tells what the lines below it are in. At most 300 matches are
    shown, the rest counted by file. What .gitignore or .rooignore hides is not searched; text that
    is unsaved in the editor is.
    """

    path: str = Field(description="Folder or file")
    regex: str = Field(description="Rust regular expression; (?i) in front ignores case")
    file_pattern: str | None = Field(None, description="Globs of files: *.py, src/**/*.ts")
    context: int | None = Field(
        None, ge=0, le=MAX_CONTEXT, description="Lines around each match, else 1; 0 for a list"
    )


def roots(arguments: SearchFiles, context: ToolContext) -> list[Path]:
    """Where it searches: of several workspace folders `.` is all."""
    if arguments.path.strip() in {".", "./"}:
        return list(context.workspace.folders)
    return [context.workspace.path(arguments.path)]


def targets(arguments: SearchFiles, context: ToolContext) -> tuple[Target, ...]:
    """The folders or the file."""
    return tuple(Target(path, "read") for path in roots(arguments, context))


# --- what is shown --------------------------------------------------------------------------


def _headers(text: str, groups: Sequence[Sequence[SearchLine]]) -> Mapping[int, str]:
    """By the number of a group's first line: the line that begins what its match is in."""
    lines = line_texts(text)
    found: dict[int, str] = {}
    for group in groups:
        at = next(line.number for line in group if line.match) - 1
        header = enclosing(lines, at) if at < len(lines) else None
        if header is not None and header + 1 < group[0].number:
            found[group[0].number] = f"(in {header + 1} | {lines[header].strip()[:HEADER]})"
    return found


async def _section(context: ToolContext, file: FileMatches) -> str:
    """A file's matches, without blank lines beside them."""
    groups = [[each for each in g if each.match or each.text.strip()] for g in file.groups]
    try:
        text = (await context.files.read(file.path)).text
    except ToolError:
        text = ""
    headers: Mapping[int, str] = {}
    if text and len(text) <= LARGE:
        headers = await asyncio.to_thread(_headers, text, groups)
    rows: list[str] = []
    last = ""
    for group in groups:
        header = headers.get(group[0].number, "")
        if header and header != last:
            rows.append(header)
        elif rows and len(groups[0]) + len(group) > 2:
            rows.append("--")
        last = header or last
        rows += [f"{'>' if each.match else ' '}{each.number} | {each.text}" for each in group]
    return "\n".join([f"# {name_of(context, file.path)}", *rows])


async def _text(
    arguments: SearchFiles, context: ToolContext, found: SearchResult, where: str
) -> str:
    if not found.matches:
        if found.unsearched:
            return (
                f"Nothing was searched: no file {where} has a name like that. file_pattern is a glob "
                "taken from the path that is searched; leave it out to search all files."
            )
        cut = " But very long lines were left out." if found.truncated else ""
        return f"No matches for {arguments.regex} {where}.{cut}"
    head = f"Found {plural(found.matches, 'match')} in {plural(len(found.files), 'file')} {where}."
    sections: list[str] = []
    rest = dict(found.rest)
    room = MAX_SHOWN
    for file in found.files:
        section = await _section(context, file) if room > 0 else ""
        room -= len(section)
        if section and (room >= 0 or not sections):
            sections.append(section[:MAX_SHOWN])
        else:
            room = 0
            matches = sum(line.match for group in file.groups for line in group)
            rest[file.path] = rest.get(file.path, 0) + matches
    if rest or found.truncated:
        head += f" There are more: {_rest(context, rest)}."
    return "\n\n".join([head, *sections])


def _rest(context: ToolContext, rest: Mapping[Path, int]) -> str:
    """How many are not shown, by file; the files with the most first."""
    most = sorted(rest.items(), key=lambda each: -each[1])
    named = [f"{count} in {name_of(context, path)}" for path, count in most[:MAX_NAMED]]
    if len(most) > MAX_NAMED:
        named.append(f"others in {plural(len(most) - MAX_NAMED, 'file')}")
    return ", ".join(named) or "narrow the regex, the path or the file_pattern"


# --- the call -------------------------------------------------------------------------------


async def prepare(arguments: SearchFiles, context: ToolContext) -> Invocation:
    paths = roots(arguments, context)
    pattern = arguments.file_pattern or None
    name = name_of(context, paths[0])
    place = name if name != "." else f"the {len(paths)} workspace folders" * (len(paths) > 1)
    where = f"in {place or 'the workspace'}" + (f" ({pattern})" if pattern else "")

    async def run(output: ShowOutput) -> ToolResult:
        del output
        query = SearchQuery(
            paths[0],
            arguments.regex,
            pattern,
            context.limits.respect_gitignore,
            context.files.unsaved(),
            "" if name == "." else name,
            1 if arguments.context is None else arguments.context,
        )
        found = _together(
            [await context.searcher.search(replace(query, root=path)) for path in paths]
        )
        locations = [
            Location(file.path, line.number)
            for file in found.files
            for line in next(iter(file.groups), ())
            if line.match
        ]
        return ToolResult(
            await _text(arguments, context, found, where),
            locations=tuple(locations[:MAX_LOCATIONS]),
            meta={"matches": found.matches, "truncated": found.truncated},
        )

    title = title_line(f"Search {arguments.regex} {where}")
    return Invocation(title, run, locations=(Location(paths[0]),))


def _together(found: Sequence[SearchResult]) -> SearchResult:
    """The results of several folders as one."""
    return SearchResult(
        tuple(file for each in found for file in each.files),
        sum(each.matches for each in found),
        any(each.truncated for each in found),
        tuple(rest for each in found for rest in each.rest),
        all(each.unsearched for each in found),
    )


TOOL = Tool(
    name="search_files",
    kind=ToolKind.SEARCH,
    group="read",
    arguments=SearchFiles,
    prepare=prepare,
    targets=targets,
    parallel=True,
    rule="Prefer search_files to reading many files.",
    doing="Searching",
)
