"""Before a command runs, what the task edited has to be on disk: a command cannot see buffers.

That it will be is said where the command is approved, and is no question of its own; the user is asked
only where their own unsaved text would be written too, or the file is another one by now.
"""

import asyncio
import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from roo_lsp.agent.errors import ToolError
from roo_lsp.agent.ports import (
    Asker,
    Command,
    CommandResult,
    CommandRunner,
    Ended,
    FileSystem,
    OutputPart,
    OutputQuery,
)
from roo_lsp.lsp.editor.documents import Document
from roo_lsp.lsp.editor.files import EditorFileSystem, is_unsaved
from roo_lsp.lsp.wire.protocol import ClientError

log = logging.getLogger(__name__)

SAVED = "I have saved"
WRITE = "Write it for me"
ANYWAY = "Run without saving"
SAVE_SECONDS = 30.0
"""How long `roo/saveDocuments` may take; formatters run on save."""


@dataclass(frozen=True, slots=True)
class SavingRunner:
    """A `CommandRunner` that has the task's unsaved edits saved first."""

    under: CommandRunner
    files: EditorFileSystem
    disk: FileSystem
    asker: Asker
    saves_documents: bool
    """The client takes `roo/saveDocuments`."""
    tell: Callable[[str], None]
    """Shows the user a message."""

    async def run(self, command: Command, on_output: Callable[[str], None]) -> CommandResult:
        if unsaved := self._unsaved():
            place = _place(command.cwd)
            await self._save(unsaved)
            if _place(command.cwd) != place:
                raise ToolError(f"{command.cwd} changed while you were asked; nothing was run.")
        return await self.under.run(command, on_output)

    def saves(self) -> Sequence[Path]:
        return [document.path for document in self._unsaved()]

    async def output(self, artifact_id: str, query: OutputQuery) -> OutputPart:
        return await self.under.output(artifact_id, query)

    def ended(self) -> Sequence[Ended]:
        return self.under.ended()

    async def close(self) -> None:
        await self.under.close()

    def _unsaved(self) -> list[Document]:
        """What the task touched and is not on disk; what was closed meanwhile is not ours to save."""
        open_ones = [self.files.documents.get(path) for path in sorted(self.files.touched)]
        return [each for each in open_ones if each is not None and is_unsaved(each)]

    async def _save(self, unsaved: Sequence[Document]) -> None:
        if self.saves_documents:
            if await self._client_saves(unsaved):
                return
        elif await self._written(unsaved):
            return
        names = ", ".join(document.path.name for document in unsaved)
        waiting = asyncio.ensure_future(
            self.files.documents.until(lambda: not self._unsaved(), seconds=None)
        )
        question = asyncio.ensure_future(
            self.asker.ask(
                f"The command reads files from disk. Please save {names} in your editor, and it "
                "goes on.",
                [SAVED, WRITE, ANYWAY],
                own=True,
            )
        )
        try:
            await asyncio.wait({waiting, question}, return_when=asyncio.FIRST_COMPLETED)
            if waiting.done():
                return
            await self._follow(question.result().strip())
        finally:
            for each in (waiting, question):
                each.cancel()
            await asyncio.gather(waiting, question, return_exceptions=True)

    async def _follow(self, answer: str) -> None:
        still = self._unsaved()
        match answer:
            case _ if answer == WRITE:
                for document in still:
                    await self._write(document)
            case _ if answer == ANYWAY or not still:
                pass
            case _ if answer == SAVED:
                names = ", ".join(document.path.name for document in still)
                raise ToolError(f"The command was not run: {names} is still not saved.")
            case _:
                raise ToolError(f"The command was not run. The user said: {answer}")

    async def _client_saves(self, unsaved: Sequence[Document]) -> bool:
        uris = [document.uri for document in unsaved]
        try:
            await self.files.protocol.request(
                "roo/saveDocuments", {"uris": uris}, timeout=SAVE_SECONDS
            )
        except (ClientError, TimeoutError) as error:
            log.warning("roo/saveDocuments: %s", error)
        # Its answer proves as little as `applied: true`: didSave or the disk has to say so.
        return not self._unsaved()

    async def _written(self, unsaved: Sequence[Document]) -> bool:
        """Write them, as the approval said; False, and nothing is written, where more than the agent's own
        edits would be, or the file is another one by now: that is the user's to say.
        """
        for document in unsaved:
            if document.text != document.ours or document.synced is None:
                return False
            if not await self._holds(document.path, document.synced):
                return False
        for document in unsaved:
            await self._write(document)
        return True

    async def _holds(self, path: Path, text: str) -> bool:
        try:
            return (await self.disk.read(path)).text == text
        except ToolError:
            return False

    async def _write(self, document: Document) -> None:
        expected = await _stamp_on_disk(self.disk, document.path)
        await self.disk.write(document.path, document.text, expected)
        document.maybe_unsaved, document.synced = False, document.text
        self.tell(
            f"Roo wrote {document.path.name} to disk. If your editor says it changed outside, "
            "reload it (`:reload`, `:e!`) or overwrite it (`:w!`)."
        )


async def _stamp_on_disk(disk: FileSystem, path: Path) -> str | None:
    return (await disk.read(path)).stamp if await disk.exists(path) else None


def _place(folder: Path) -> tuple[str, int, int]:
    """Where a folder really is, and which one it is."""
    facts = os.stat(real := os.path.realpath(folder))  # noqa: PTH116 -- a text
    return real, facts.st_dev, facts.st_ino
