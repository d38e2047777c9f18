"""`search_files`: lines that match a regular expression, with their neighbours."""

from pydantic import Field

from roo_lsp.agent.ports import SearchLine, SearchQuery, SearchResult
from roo_lsp.agent.tool import (
    Arguments,
    Invocation,
    Location,
    Output,
    Tool,
    ToolContext,
    ToolKind,
    ToolResult,
)
from roo_lsp.tools._text import MAX_RESULT, name_of, one_line, plural, reads

MAX_LOCATIONS = 20


class SearchFiles(Arguments):
    """Search file contents below a folder, or in one file, line by line. Matching lines are marked
    `>12 | text`, their neighbours are ` 13 | text`. At most 300 matches. Files that .gitignore or
    .rooignore hides are not searched; unsaved changes in the editor are.
    """

    path: str = Field(description="Folder or file, relative to the workspace or absolute")
    regex: str = Field(description="Rust regular expression; (?i) in front ignores case")
    file_pattern: str | None = Field(None, description="Glob of files to search: *.py, src/**/*.ts")


def _shown(line: SearchLine) -> str:
    return f"{'>' if line.match else ' '}{line.number} | {line.text}"


def _sections(context: ToolContext, found: SearchResult) -> list[str]:
    """The files' matches, as far as a result may be long."""
    sections: list[str] = []
    room = MAX_RESULT
    for file in found.files:
        groups = "\n----\n".join("\n".join(map(_shown, group)) for group in file.groups)
        section = f"# {name_of(context, file.path)}\n{groups}"
        if len(section) > room:
            left = len(found.files) - len(sections)
            sections.append(f"(The rest is too long: {plural(left, 'file')} not shown.)")
            break
        room -= len(section)
        sections.append(section)
    return sections


def _text(arguments: SearchFiles, context: ToolContext, found: SearchResult, where: str) -> str:
    if not found.matches:
        cut = " But very long lines were left out." if found.truncated else ""
        return f"No matches for {arguments.regex} {where}.{cut}"
    head = f"Found {plural(found.matches, 'match')} in {plural(len(found.files), 'file')} {where}."
    if found.truncated:
        head += " There are more: narrow the regex, the path or the file_pattern."
    return "\n\n".join([head, *_sections(context, found)])


async def prepare(arguments: SearchFiles, context: ToolContext) -> Invocation:
    path = context.workspace.path(arguments.path)
    pattern = arguments.file_pattern or None
    name = name_of(context, path)
    where = f"in {'the workspace' if name == '.' else name}" + (f" ({pattern})" if pattern else "")

    async def run(output: Output) -> ToolResult:
        del output
        found = await context.searcher.search(
            SearchQuery(
                path,
                arguments.regex,
                pattern,
                context.limits.respect_gitignore,
                context.files.unsaved(),
            )
        )
        locations = [
            Location(file.path, line.number)
            for file in found.files
            for line in next(iter(file.groups), ())
            if line.match
        ]
        return ToolResult(
            _text(arguments, context, found, where),
            locations=tuple(locations[:MAX_LOCATIONS]),
            meta={"matches": found.matches, "truncated": found.truncated},
        )

    title = one_line(f"Search {arguments.regex} {where}")
    return Invocation(title, run, locations=(Location(path),))


TOOL = Tool(
    name="search_files",
    kind=ToolKind.SEARCH,
    group="read",
    arguments=SearchFiles,
    prepare=prepare,
    targets=lambda arguments, context: reads(context, arguments.path),
    parallel=True,
    rule="Prefer search_files to reading many files; it takes a Rust regular expression.",
    doing="Searching",
)
