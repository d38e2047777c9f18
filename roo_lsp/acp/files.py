"""The client's `fs` before the disk: unsaved text is read there, and what is written goes through it.

A client answers with texts, whatever a file is made of, and with the disk's for files that are not open. So
the disk is always read too: where both say the same, what counts is the disk's, with its encoding, its
line endings and its stamp. A file is written through the client or on the disk, never both: through the
client where it has text of its own, or where it can lose nothing of the file; whether it did is looked at.
"""

import hashlib
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from roo_lsp.acp.client import AcpClient, ClientRefused
from roo_lsp.agent.errors import Binary, Changed, ToolError
from roo_lsp.agent.ports import (
    Asker,
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
from roo_lsp.tasks.agents import Ground
from roo_lsp.tasks.approvals import TaskApprover

log = logging.getLogger(__name__)

BUFFER = "client-"
"""Begins the stamp of a text that the client has and the disk has not."""
SAVED, ANYWAY = "I have saved", "Run without saving"


@dataclass(slots=True)
class ClientFileSystem:
    """`FileSystem` of one task, over the disk."""

    client: AcpClient
    session_id: Callable[[], str | None]
    """The session that the task is told in."""
    under: FileSystem
    touched: set[Path] = field(default_factory=set[Path])
    """What was written through the client and is not on disk."""
    _unsaved: dict[Path, str] = field(default_factory=dict[Path, str])
    """Texts of the client's own, as last seen."""
    _silent: bool = False
    """The client did not answer: it is not asked again."""

    async def read(self, path: Path) -> Snapshot:
        try:
            below = await self.under.read(path)
        except Binary:
            raise
        except ToolError:
            text = await self._theirs(path) if not await self.under.exists(path) else None
            if not text:
                self._unsaved.pop(path, None)
                raise
            return self._own(path, text)
        text = await self._theirs(path)
        if text is None or _same(text, below.text):
            self._unsaved.pop(path, None)
            return below
        return self._own(path, text)

    async def read_bytes(self, path: Path) -> bytes:
        return await self.under.read_bytes(path)

    async def write(self, path: Path, text: str, expected: str | None) -> None:
        if expected is not None and expected.startswith(BUFFER):
            now = await self.read(path)
            if now.stamp != expected:
                raise Changed(f"{path.name} changed while you were asked; nothing was written.")
            if now.text == text:
                return
            if not self.client.writes_files:
                raise ToolError(
                    f"{path.name} has unsaved changes in an editor that takes no edits from us. The user "
                    "has to save it first."
                )
            await self._write(path, text)
            return
        if expected is None or not self.client.writes_files or self._silent:
            await self._write_below(path, text, expected)
            return
        try:
            now = await self.read(path)
        except ToolError:  # it went away
            await self._write_below(path, text, expected)
            return
        if now.stamp != expected:
            raise Changed(f"{path.name} changed while you were asked; nothing was written.")
        if now.encoding or "\r" in now.text or "\r" in text or now.text.startswith("\ufeff"):
            await self._write_below(path, text, expected)  # a client would make another file of it
        elif now.text != text:
            await self._write(path, text)

    async def delete(self, path: Path, expected: str) -> None:
        if (await self.read(path)).stamp != expected:
            raise Changed(f"{path.name} changed while you were asked; nothing was deleted.")
        if expected.startswith(BUFFER):
            raise ToolError(
                f"{path.name} has unsaved changes in the editor, which would be lost: the user has to save "
                "or close it there first."
            )
        await self.under.delete(path, expected)

    async def exists(self, path: Path) -> bool:
        return path in self._unsaved or await self.under.exists(path)

    async def list(
        self, path: Path, *, recursive: bool, limit: int, respect_gitignore: bool
    ) -> Listing:
        return await self.under.list(
            path, recursive=recursive, limit=limit, respect_gitignore=respect_gitignore
        )

    def unsaved(self) -> Mapping[Path, str]:
        return self._unsaved

    async def unsaved_edits(self) -> Sequence[Path]:
        """What was written through the client and is still not on disk."""
        for path in sorted(self.touched):
            if not (await self.read(path)).stamp.startswith(BUFFER):
                self.touched.discard(path)
        return sorted(self.touched)

    def _own(self, path: Path, text: str) -> Snapshot:
        self._unsaved[path] = text
        digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16)
        return Snapshot(text, f"{BUFFER}{digest.hexdigest()}")

    async def _theirs(self, path: Path) -> str | None:
        """The client's text; None where it says nothing of the file."""
        if not self.client.reads_files or (session := self._session()) is None:
            return None
        params = {"sessionId": session, "path": path.as_posix()}
        try:
            content = (await self.client.ask("fs/read_text_file", params)).get("content")
        except ClientRefused as error:
            self._silent = self._silent or error.silent
            return None
        return content if isinstance(content, str) else None

    def _session(self) -> str | None:
        return None if self._silent else self.session_id()

    async def _write_below(self, path: Path, text: str, expected: str | None) -> None:
        await self.under.write(path, text, expected)
        self._unsaved.pop(path, None)

    async def _write(self, path: Path, text: str) -> None:
        session = self._session()
        params = {"sessionId": session, "path": path.as_posix(), "content": text}
        why = "it said so, but the text is not there"
        try:
            await self.client.ask("fs/write_text_file", params)
        except ClientRefused as error:
            why = str(error)
        now = await self.read(path)
        if not _same(now.text, text):
            raise ToolError(f"The editor did not make the edit of {path.name}: {why}.")
        if now.stamp.startswith(BUFFER):
            self.touched.add(path)


def _same(one: str, other: str) -> bool:
    """The same but for what clients do to a text on its way: line endings, a byte order mark, a last line."""
    if one == other:
        return True
    one, other = (each.removeprefix("\ufeff").replace("\r\n", "\n") for each in (one, other))
    if "\ufffd" in one and "\ufffd" not in other:  # it could not be read there as what it is
        return True
    return one.rstrip("\n") == other.rstrip("\n")


def ground_of(
    client: AcpClient,
    session_of: Callable[[str], str | None],
    disk: FileSystem,
    shell: CommandRunner,
    asker: Asker,
) -> Ground:
    """What a task acts on; `session_of` is the session that a task is told in."""
    if not client.reads_files or not isinstance(asker, TaskApprover):
        return Ground(disk, shell)
    files = ClientFileSystem(client, partial(session_of, asker.task_id), disk)
    return Ground(files, SavedFirst(shell, files, asker), asks_for_texts=True)


@dataclass(frozen=True, slots=True)
class SavedFirst:
    """A `CommandRunner` that runs nothing while edits of the task are in the client alone."""

    under: CommandRunner
    files: ClientFileSystem
    asker: Asker

    async def run(self, command: Command, on_output: Callable[[str], None]) -> CommandResult:
        while unsaved := await self.files.unsaved_edits():
            names = ", ".join(path.name for path in unsaved)
            answer = await self.asker.ask(
                f"The command reads files from disk. Please save {names} in your editor, and it goes on.",
                [SAVED, ANYWAY],
                own=True,
            )
            if answer == ANYWAY:
                break
            if answer != SAVED:
                raise ToolError(f"The command was not run. The user said: {answer}")
        return await self.under.run(command, on_output)

    def saves(self) -> Sequence[Path]:
        return self.under.saves()

    async def output(self, artifact_id: str, query: OutputQuery) -> OutputPart:
        return await self.under.output(artifact_id, query)

    def ended(self) -> Sequence[Ended]:
        return self.under.ended()

    async def close(self) -> None:
        await self.under.close()
