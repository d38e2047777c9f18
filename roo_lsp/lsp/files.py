"""The editor as a file system: open documents before the disk, and edits the editor makes itself.

An edit of an open document is a versioned `workspace/applyEdit` of the smallest change, and counts as
made when the text that comes back by `didChange` is the one that was wanted: `applied: true` alone
proves nothing.
"""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from roo_lsp.agent.errors import Changed, ToolError
from roo_lsp.agent.events import EventSink, FileChanged
from roo_lsp.agent.ports import FileSystem, Listing, Snapshot
from roo_lsp.lsp.documents import Document, Documents
from roo_lsp.lsp.positions import merged, minimal_edit, split_lines, uri_of
from roo_lsp.lsp.protocol import ClientError, RooProtocol

APPLY_SECONDS = 10.0
"""How long a client may take to apply an edit; some ask their user first."""
ECHO_SECONDS = 2.0
"""How long the changed text may take to come back after `applied: true`."""


@dataclass(frozen=True, slots=True)
class EditAbilities:
    """What the client said it can do with edits."""

    apply_edit: bool
    versioned: bool
    """Takes `documentChanges`. Neovim has resource operations and does not say the former."""


@dataclass(slots=True)
class EditorFileSystem:
    """`FileSystem` of one task, over the disk."""

    documents: Documents
    under: FileSystem
    protocol: RooProtocol
    abilities: EditAbilities
    encoding: Callable[[], str]
    """Position encoding agreed on with the client."""
    touched: set[Path] = field(default_factory=set[Path])
    """Open documents this task changed: what has to be saved before a command runs."""

    async def read(self, path: Path) -> Snapshot:
        document = self.documents.get(path)
        if document is None:
            return await self.under.read(path)
        return Snapshot(document.text, _stamp(document.text))

    async def read_bytes(self, path: Path) -> bytes:
        return await self.under.read_bytes(path)

    async def write(self, path: Path, text: str, expected: str | None) -> None:
        document = self.documents.get(path)
        if document is None:
            await self.under.write(path, text, expected)
            return
        if expected is None or _stamp(document.text) != expected:
            raise Changed(f"{path.name} changed while you were asked; nothing was written.")
        if document.text == text:
            return
        if not self.abilities.apply_edit:
            await self._write_below(document, text)
            return
        await self._edit(document, text)
        self.touched.add(document.path)

    async def delete(self, path: Path, expected: str) -> None:
        if self.documents.get(path) is not None:
            raise ToolError(f"{path.name} is open in the editor; the user has to close it first.")
        await self.under.delete(path, expected)

    async def exists(self, path: Path) -> bool:
        return self.documents.get(path) is not None or await self.under.exists(path)

    async def list(
        self, path: Path, *, recursive: bool, limit: int, respect_gitignore: bool
    ) -> Listing:
        return await self.under.list(
            path, recursive=recursive, limit=limit, respect_gitignore=respect_gitignore
        )

    def unsaved(self) -> Mapping[Path, str]:
        return {each.path: each.text for each in self.documents if is_unsaved(each)}

    async def _edit(self, document: Document, text: str) -> None:
        base = document.text
        reason = await self._apply(document, text)
        if reason is None:
            return
        if document.text == base:
            raise ToolError(f"The editor did not make the edit: {reason}. Nothing was changed.")
        # The user typed meanwhile: once more on what they have now, where the lines are others.
        again = merged(base, text, document.text)
        if (
            again is None
            or self.documents.by_uri(document.uri) is not document
            or await self._apply(document, again) is not None
        ):
            raise Changed(
                "The user changed the file at the same moment. Read it again before you edit it."
            )

    async def _apply(self, document: Document, text: str) -> str | None:
        """Have the editor make the text this one; None when it is, else why not."""
        edits = minimal_edit(document.text, text, self.encoding())
        # No label: Neovim would print it at each edit.
        params = {"edit": self._workspace_edit(document, edits)}
        try:
            answer: Any = await self.protocol.request(
                "workspace/applyEdit", params, timeout=APPLY_SECONDS
            )
        except ClientError as error:
            return str(error)
        except TimeoutError:
            return f"it did not answer within {APPLY_SECONDS:g} s"
        applied, reason = _outcome(answer)
        if not applied:
            return reason or "it gave no reason"
        if await self.documents.until(lambda: _same(document.text, text), ECHO_SECONDS):
            return None
        return "it said so, but the text did not change"

    def _workspace_edit(self, document: Document, edits: Any) -> dict[str, Any]:
        if self.abilities.versioned:
            place = {"uri": document.uri, "version": document.version}
            return {"documentChanges": [{"textDocument": place, "edits": edits}]}
        return {"changes": {document.uri: edits}}

    async def _write_below(self, document: Document, text: str) -> None:
        """For clients that cannot be told to edit: the disk, when nothing unsaved gets lost."""
        snapshot = await self.under.read(document.path)
        if snapshot.text != document.text:
            raise ToolError(
                f"{document.path.name} has unsaved changes in an editor that takes no edits from "
                "us. The user has to save it first."
            )
        await self.under.write(document.path, text, snapshot.stamp)


@dataclass(frozen=True, slots=True)
class ReportingFileSystem:
    """A `FileSystem` that says which files were changed, and by how many lines."""

    under: FileSystem
    emit: EventSink
    recorded: Callable[[], Awaitable[None]]
    """Awaited before anything is changed: the call that does it has to be on disk first."""

    async def read(self, path: Path) -> Snapshot:
        return await self.under.read(path)

    async def read_bytes(self, path: Path) -> bytes:
        return await self.under.read_bytes(path)

    async def write(self, path: Path, text: str, expected: str | None) -> None:
        await self.recorded()
        there = expected is not None and await self.under.exists(path)
        before = (await self.under.read(path)).text if there else ""
        await self.under.write(path, text, expected)
        added, removed = _counts(before, text)
        self.emit(FileChanged(uri_of(path), added, removed))

    async def delete(self, path: Path, expected: str) -> None:
        await self.recorded()
        before = (await self.under.read(path)).text
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


def is_unsaved(document: Document) -> bool:
    """True when the document's text is not what is on disk."""
    if document.maybe_unsaved:
        try:
            document.maybe_unsaved = document.path.read_bytes() != document.text.encode()
        except (OSError, UnicodeEncodeError):
            return True
    return document.maybe_unsaved


def _counts(before: str, after: str) -> tuple[int, int]:
    """Lines added and removed, counted over the smallest edit."""
    added = removed = 0
    for edit in minimal_edit(before, after, "utf-32"):
        added += len(split_lines(edit.new_text))
        removed += edit.range.end.line - edit.range.start.line
    return added, removed


def _outcome(answer: Any) -> tuple[bool, str]:
    """Whether the client says it applied the edit, and why not."""
    applied = getattr(answer, "applied", None)
    reason = getattr(answer, "failure_reason", None)
    return bool(applied), str(reason or "")


def _same(one: str, other: str) -> bool:
    """Equal, but for line endings: editors keep a document's own when they insert text."""
    return one == other or one.replace("\r\n", "\n") == other.replace("\r\n", "\n")


def _stamp(text: str) -> str:
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16)
    return f"buffer-{digest.hexdigest()}"
