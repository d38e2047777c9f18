"""Changes of several files, all of them or none.

A file goes away only after all others stand; when one of them cannot be written, those before it are
put back as they were.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from roo_lsp.agent.errors import Changed, ToolError
from roo_lsp.agent.ports import FileSystem, Snapshot


@dataclass(frozen=True, slots=True)
class PlannedChange:
    """A file as it was seen, and the text that it is to have; None where there is none."""

    path: Path
    name: str
    """As the model and people know it."""
    before: Snapshot | None
    text: str | None


async def carry_out(files: FileSystem, changes: Sequence[PlannedChange], what: str) -> None:
    """Make all files what they are to be, or leave them as they were; `what` names it all: "the patch".

    Raises:
        ToolError: says what failed, and what could not be put back.
    """
    for each in changes:
        await _check(files, each)
    begun: list[PlannedChange] = []
    try:
        for each in sorted(changes, key=lambda change: change.text is None):
            begun.append(each)
            await _put(files, each)
    except ToolError as error:
        stuck = await _put_back(files, begun)
        told = f"Nothing of {what} stands: what was written before was put back."
        if stuck:
            told = f"These files could not be put back, look at them: {', '.join(stuck)}."
        kind = Changed if isinstance(error, Changed) else ToolError
        raise kind(f"{begun[-1].name}: {error.text} {told}") from error
    except BaseException:
        await _put_back(files, begun)
        raise


async def _check(files: FileSystem, change: PlannedChange) -> None:
    """Refuse before anything is written what `_put` would refuse when half of it is."""
    there = await files.exists(change.path)
    if change.before is None and there:
        raise Changed(f"{change.name} exists already: it changed while you were asked.")
    if change.before is not None and (await files.read(change.path)).stamp != change.before.stamp:
        raise Changed(f"{change.name} changed while you were asked. Read it again.")


async def _put(files: FileSystem, change: PlannedChange) -> None:
    expected = change.before.stamp if change.before else None
    if change.text is not None:
        await files.write(change.path, change.text, expected)
    elif expected is not None:
        await files.delete(change.path, expected)


async def _put_back(files: FileSystem, begun: Sequence[PlannedChange]) -> list[str]:
    """Undo, last first; the names of those that could not be. The last one may not have happened."""
    stuck: list[str] = []
    for change in reversed(begun):
        try:
            if not await _undo(files, change) and change is not begun[-1]:
                stuck.append(change.name)
        except ToolError:
            stuck.append(change.name)
    return stuck


async def _undo(files: FileSystem, change: PlannedChange) -> bool:
    """Make the file what it was, if it still is what we made it."""
    now = await files.read(change.path) if await files.exists(change.path) else None
    if change.text is None:
        if now is None and change.before is not None:
            await files.write(change.path, change.before.text, None)
        return now is None
    if now is None or not _same(now.text, change.text):
        return False
    if change.before is None:
        await files.delete(change.path, now.stamp)
    else:
        await files.write(change.path, change.before.text, now.stamp)
    return True


def _same(one: str, other: str) -> bool:
    """Equal, but for line endings: editors keep a document's own."""
    return one.replace("\r\n", "\n") == other.replace("\r\n", "\n")
