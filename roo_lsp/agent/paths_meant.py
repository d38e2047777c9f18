"""Paths as models write them: the file that is meant, before anything is judged, shown or asked.

A path that is there is taken as it is. One that is not may have a line number behind it, `a/` of a
diff or the workspace's own name before it: where that leads to something in the workspace, it is
meant. What would make a file of a name that nobody wants is refused, or once doubted.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import unquote

from roo_lsp.agent.errors import ToolError
from roo_lsp.agent.tool import AnyTool, Arguments, Target, ToolContext

FIELDS = ("path", "file_path", "cwd")
"""Arguments of tools that are a path."""
SCANNED = 5_000
"""Entries of the workspace that are looked through for a file of the same name."""
NAMED = 5
"""Files that are told."""

_PLACE = re.compile(r"(?:#L(\d+)(?:-L?(\d+))?|:(\d+)(?:-(\d+)|:\d+)?:?|\((\d+)(?:,\d+)?\))$")
"""Behind a path: `#L5-L9` of a web page, `:5` and `:5:3` of a compiler, `:5-9`, `(5,3)`."""
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")
_HOME = re.compile(r"~(?:[\w.-]*/|\Z)")
_QUOTES = " \t\r\n`'\"<>"

HOME = (
    "`~` is not read as your home folder, and a folder of that name is not made. Give the path relative "
    "to the workspace, or an absolute one."
)
DRIVE = "{path} is a path of Windows, and this is another system. Give the path relative to the workspace."

ODD = "{path!r} has blanks at an edge of a name, or backslashes. Give the path with plain names and `/`."


async def as_meant(tool: AnyTool, arguments: Arguments, context: ToolContext) -> Arguments:
    """The arguments with the paths that are meant.

    Raises:
        ToolError: a path can mean nothing, or seems to mean another file than it names; says which.
    """
    changed: dict[str, object] = {}
    for name in FIELDS:
        path = getattr(arguments, name, None)
        if not isinstance(path, str) or not path.strip() or "\0" in path:
            continue
        meant = await _meant(tool, path, context)
        if meant != path:
            changed[name] = meant
            changed |= _lines(arguments, path, meant)
    return arguments.model_copy(update=changed) if changed else arguments


async def unwanted(targets: Sequence[Target], context: ToolContext) -> ToolError | None:
    """Why no file of such a name is made: it is no name, but a path of another kind."""
    for target in targets:
        name = context.workspace.show(target.path)
        odd = any(part != part.strip() for part in name.split("/"))
        if target.access == "write" and (odd or "\\" in name or _HOME.match(name)):
            if await context.files.exists(target.path):
                continue
            return ToolError(HOME if _HOME.match(name) else ODD.format(path=name))
    return None


async def not_found(targets: Sequence[Target], context: ToolContext) -> ToolError | None:
    """Why a call cannot be, one of whose files to be read is not there; None where all are."""
    for target in targets:
        if target.access == "read" and not await context.files.exists(target.path):
            try:
                await context.files.read(target.path)
            except ToolError as error:
                return await with_names(error, target.path, context)
    return None


async def with_names(error: ToolError, path: Path, context: ToolContext) -> ToolError:
    """The error of a missing file, with the files of its name that there are elsewhere."""
    found = await _namesakes(path, context)
    if not found or await context.files.exists(path):
        return error
    told = f"Of that name there {'is' if len(found) == 1 else 'are'}: {', '.join(found)}."
    return ToolError(f"{error.text} {told}", f"{error.brief} {told}")


async def _meant(tool: AnyTool, path: str, context: ToolContext) -> str:
    if await _is_there(path, context):
        return path
    clean = _clean(path)
    if clean != path and await _is_there(clean, context):
        return clean
    found = None
    for candidate in _candidates(clean, context):
        if await _may_be_meant(candidate, context):
            found = candidate
            break
    if found is not None and not tool.makes:
        return found
    if _HOME.match(clean):
        raise ToolError(HOME)
    if _DRIVE.match(clean):
        raise ToolError(DRIVE.format(path=path) + (f" There is {found}." if found else ""))
    if tool.makes:
        await _doubt(clean, found, context)
    return clean


async def _doubt(path: str, found: str | None, context: ToolContext) -> None:
    """Refuse once a new file that would stand beside the one that is meant."""
    again = "or, if a new file is meant, make the same call again."
    if found is not None and context.recall.first(f"new {path}"):
        raise ToolError(f"{path} is not there, but {found} is. Give that path, {again}")
    inner = _without_workspace(path, context)
    if found or inner is None or await _is_there(path.split("/", maxsplit=1)[0], context):
        return
    if context.recall.first(f"new {path}"):
        raise ToolError(
            f"Paths start in the workspace folder, which itself is {context.workspace.root.name}: "
            f"give {inner}, {again}"
        )


async def _is_there(path: str, context: ToolContext) -> bool:
    return bool(path) and await context.files.exists(context.workspace.path(path))


async def _may_be_meant(path: str, context: ToolContext) -> bool:
    """True for what is there, in the workspace, and may be told of."""
    if not path or path.startswith(("/", "~")) or ".." in Path(path).parts:
        return False
    if not await _is_there(path, context):
        return False
    if context.sight is None:
        return True
    return context.sight.seen([Target(context.workspace.path(path), "read")], []) != ["hidden"]


# --- what a path may mean -------------------------------------------------------------------------


def _clean(path: str) -> str:
    """Without what no path has: blanks and quotes around it or its parts, a scheme, backslashes."""
    path = path.strip(_QUOTES)
    if path.startswith("file://"):
        path = unquote(path.removeprefix("file://").removeprefix("localhost"))
    if path.startswith("@") and len(path) > 1:
        path = path[1:].removeprefix("/")
    path = re.sub(r"\A(?:\./+)+(?=.)", "", path)
    if "\\" in path and not _DRIVE.match(path):
        path = path.replace("\\ ", " ").replace("\\", "/")
    return "/".join(part.strip() or part for part in path.split("/"))


def _candidates(path: str, context: ToolContext) -> Iterator[str]:
    """What the path may mean, likelier first; each relative to the workspace."""
    for each in dict.fromkeys((path, _PLACE.sub("", path), unquote(path))):
        if each != path:
            yield each
        if each.startswith(("a/", "b/")):
            yield each[2:]
        if (inner := _without_workspace(each, context)) is not None:
            yield inner
        if each.startswith("/") and len(each) > 1:
            parts = [part for part in each.split("/") if part]
            yield "/".join(parts)
            yield "/".join(parts[1:])


def _without_workspace(path: str, context: ToolContext) -> str | None:
    """What stands behind the name of the workspace's folder, where the path has that."""
    parts = [part for part in re.split(r"[\\/]", path) if part]
    name = context.workspace.root.name
    if name not in parts[:-1] or (parts[0] != name and not re.match(r"/|[A-Za-z]:", path)):
        return None
    return "/".join(parts[parts.index(name) + 1 :])


def _lines(arguments: Arguments, path: str, meant: str) -> dict[str, int]:
    """The lines that were named with the path, where the call takes lines and names none."""
    place = _PLACE.search(path.strip(_QUOTES))
    first, last = getattr(arguments, "start_line", 0), getattr(arguments, "end_line", 0)
    if place is None or _PLACE.search(meant) or first is not None or last is not None:
        return {}
    start, end = place[1] or place[3], place[2] or place[4]
    return {"start_line": int(start), "end_line": int(end)} if start and end else {}


async def _namesakes(path: Path, context: ToolContext) -> list[str]:
    """Files of the workspace that have the path's name, or nearly."""
    workspace = context.workspace
    name = _PLACE.sub("", path.name).casefold()
    found: list[str] = []
    for folder in workspace.folders:
        try:
            listing = await context.files.list(
                folder, recursive=True, limit=SCANNED, respect_gitignore=True
            )
        except ToolError:
            continue
        named = [each.path for each in listing.entries if each.path.name.casefold() == name]
        if context.sight is not None and named:
            targets = [Target(each, "read") for each in named[: NAMED * 4]]
            seen = zip(targets, context.sight.seen(targets, []), strict=True)
            named = [each.path for each, how in seen if how != "hidden"]
        found += [workspace.show(each) for each in named]
    return found[:NAMED]
