"""What tools do to files and by commands, told before and after: to what keeps it, the events, the review."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from roo_lsp.agent.errors import ToolError
from roo_lsp.agent.events import EventSink, FileChanged
from roo_lsp.agent.ports import (
    Command,
    CommandResult,
    CommandRunner,
    Ended,
    FileSystem,
    Listing,
    OutputPart,
    OutputQuery,
    Snapshot,
)
from roo_lsp.agent.redaction import MARK, Keys
from roo_lsp.tasks.review import TaskReview
from roo_lsp.workspace.line_diff import changed_lines
from roo_lsp.workspace.lines import split_lines
from roo_lsp.workspace.uris import uri_of

KEY_LOST = (
    f"Not written: where you see {MARK}, the file has a key that is not shown to you, and this would put "
    "the mark in its place. Change the other lines by a targeted edit, and leave that one as it is."
)


@dataclass(frozen=True, slots=True)
class ReportingFileSystem:
    """A `FileSystem` that says which files were changed, by how many lines, and keeps it for review."""

    under: FileSystem
    review: TaskReview
    emit: EventSink
    recorded: Callable[[], Awaitable[None]]
    """Awaited before anything is changed: the call that does it has to be on disk first."""
    keys: Keys = field(default_factory=Keys)
    """The model sees a mark in their place, which must not take it in a file."""

    async def read(self, path: Path) -> Snapshot:
        return await self.under.read(path)

    async def read_bytes(self, path: Path) -> bytes:
        return await self.under.read_bytes(path)

    async def write(self, path: Path, text: str, expected: str | None) -> None:
        await self.recorded()
        there = expected is not None and await self.under.exists(path)
        before = (await self.under.read(path)).text if there else None
        if self.keys.would_be_lost(before or "", text):
            raise ToolError(KEY_LOST)
        async with self.review.writing(path, before, text):
            await self.under.write(path, text, expected)
        added, removed = changed_lines(before or "", text)
        self.emit(FileChanged(uri_of(path), added, removed))

    async def delete(self, path: Path, expected: str) -> None:
        await self.recorded()
        before = (await self.under.read(path)).text
        async with self.review.writing(path, before, None):
            await self.under.delete(path, expected)
        self.emit(FileChanged(uri_of(path), 0, len(split_lines(before))))

    async def exists(self, path: Path) -> bool:
        return await self.under.exists(path)

    async def list(
        self, path: Path, *, recursive: bool, limit: int, respect_gitignore: bool
    ) -> Listing:
        return await self.under.list(
            path, recursive=recursive, limit=limit, respect_gitignore=respect_gitignore
        )

    def unsaved(self) -> Mapping[Path, str]:
        return self.under.unsaved()


@dataclass(frozen=True, slots=True)
class RecordingRunner:
    """A `CommandRunner` that runs nothing before the call that runs it is on disk."""

    under: CommandRunner
    recorded: Callable[[], Awaitable[None]]

    async def run(self, command: Command, on_output: Callable[[str], None]) -> CommandResult:
        await self.recorded()
        return await self.under.run(command, on_output)

    def saves(self) -> Sequence[Path]:
        return self.under.saves()

    async def output(self, artifact_id: str, query: OutputQuery) -> OutputPart:
        return await self.under.output(artifact_id, query)

    def ended(self) -> Sequence[Ended]:
        return self.under.ended()

    async def close(self) -> None:
        await self.under.close()
