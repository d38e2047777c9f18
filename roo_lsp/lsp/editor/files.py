"""The editor as a file system: open documents before the disk, and edits the editor makes itself.

An edit of an open document is a versioned `workspace/applyEdit` of the smallest change, and counts as
made when the text that comes back by `didChange` is the one that was wanted: `applied: true` alone
proves nothing. Notebooks are not synced: a `.ipynb` is a file like others, edited on disk unless it is
open as text.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lsprotocol.types import PositionEncodingKind

from roo_lsp.agent.errors import Changed, ToolError
from roo_lsp.agent.ports import FileSystem, Listing, Snapshot
from roo_lsp.lsp.editor.documents import Document, Documents, compare
from roo_lsp.lsp.editor.positions import minimal_edit
from roo_lsp.lsp.wire.protocol import ClientError, RooProtocol
from roo_lsp.workspace.escapes import label
from roo_lsp.workspace.line_diff import alike, merged

APPLY_SECONDS = 10.0
"""How long a client may take to apply an edit; some ask their user first."""
ECHO_SECONDS = 2.0
"""How long the changed text may take to come back after `applied: true`."""
REASON_LENGTH = 300
"""Characters of what an editor says why it did not."""
BOTH = (
    "it has unsaved changes in the editor, and was changed on disk too since it was opened or saved "
    "there."
)
"""Two texts of one file, of which none may be lost."""
BUFFER = "buffer-"
"""Begins the stamp of a text that was seen in the editor."""


@dataclass(frozen=True, slots=True)
class EditAbilities:
    """What the client said it can do with edits."""

    apply_edit: bool
    versioned: bool
    """Takes `documentChanges`. Neovim has resource operations and does not say the former."""
    deletes: bool = False
    """Deletes files, and with them their buffers."""
    compares_zero: bool = True
    """Refuses an edit of version 0 when the document has a newer one. Neovim does not: it would put
    the edit of a document that is as it was opened over what its user types at that moment.
    """


@dataclass(frozen=True, slots=True)
class Editor:
    """One client, as what has documents open and edits them."""

    documents: Documents
    protocol: RooProtocol
    abilities: EditAbilities

    def encoding(self) -> str:
        """The position encoding agreed on: `utf-8`, `utf-16` or `utf-32`."""
        return PositionEncodingKind(self.protocol.workspace.position_encoding).value

    def files(self, under: FileSystem) -> "EditorFileSystem":
        """A task's files: what is open here, else what is under it."""
        return EditorFileSystem(
            self.documents, under, self.protocol, self.abilities, encoding=self.encoding
        )


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
        if document is None or is_deleted(document):
            return await self.under.read(path)
        below = await self._changed_below(document)
        if below is None:
            return Snapshot(document.text, _stamp(document.text))
        if not is_unsaved(document):
            return below
        return Snapshot(document.text, _stamp(document.text), note=BOTH)

    async def read_bytes(self, path: Path) -> bytes:
        return await self.under.read_bytes(path)

    async def write(self, path: Path, text: str, expected: str | None) -> None:
        document = self.documents.get(path)
        if document is None:
            await self.under.write(path, text, await self._expected_below(path, expected))
            return
        back = expected is None and is_deleted(document)
        if not back and not await self._is_as_expected(document, expected):
            raise Changed(f"{path.name} changed while you were asked; nothing was written.")
        if not back and not await self._caught_up(document, text, expected):
            return
        if document.text == text:
            if back:
                await self.under.write(path, text, None)
            return
        if not self.abilities.apply_edit:
            await self._write_below(document, text)
            return
        await self._edit(document, text)
        self.touched.add(document.path)

    async def delete(self, path: Path, expected: str) -> None:
        document = self.documents.get(path)
        if document is None:
            await self.under.delete(path, await self._expected_below(path, expected) or expected)
            return
        if not (self.abilities.apply_edit and self.abilities.deletes):
            raise ToolError(
                f"{path.name} is open in an editor that cannot be told to delete it: close it there "
                "first."
            )
        if not await self._is_as_expected(document, expected):
            raise Changed(f"{path.name} changed while you were asked; nothing was deleted.")
        if is_unsaved(document) and document.path not in self.touched:
            raise ToolError(
                f"{path.name} has unsaved changes in the editor, which would be lost: the user has to "
                "save or close it there first."
            )
        edit = {"documentChanges": [{"kind": "delete", "uri": document.uri}]}
        reason = await self._ask(edit)
        if reason is None and await self.under.exists(path):
            reason = "it said so, but the file is still there"
        if reason is not None:
            raise ToolError(f"The editor did not delete {path.name}: {reason}.")
        self.touched.discard(document.path)
        document.deleted = document.text

    async def exists(self, path: Path) -> bool:
        document = self.documents.get(path)
        open_here = document is not None and not is_deleted(document)
        return open_here or await self.under.exists(path)

    async def list(
        self, path: Path, *, recursive: bool, limit: int, respect_gitignore: bool
    ) -> Listing:
        return await self.under.list(
            path, recursive=recursive, limit=limit, respect_gitignore=respect_gitignore
        )

    def unsaved(self) -> Mapping[Path, str]:
        return {
            each.path: each.text
            for each in self.documents
            if is_unsaved(each) and not is_deleted(each)
        }

    async def _is_as_expected(self, document: Document, expected: str | None) -> bool:
        """Whether the text is still what was seen: here, or on disk before the user opened it."""
        below = await self._changed_below(document)
        if below is not None and not is_unsaved(document):
            return below.stamp == expected
        if _stamp(document.text) == expected:
            return True
        if expected is None or expected.startswith(BUFFER):
            return False
        try:
            below = await self.under.read(document.path)
        except ToolError:
            return False
        return below.stamp == expected and below.text == document.text

    async def _changed_below(self, document: Document) -> Snapshot | None:
        """The file, where it is another one than that which the document was in step with."""
        if document.synced is None:
            return None
        try:
            below = await self.under.read(document.path)
        except ToolError:
            return None
        known = (document.synced, document.text)
        return None if any(_reads_alike(below.text, each) for each in known) else below

    async def _caught_up(self, document: Document, text: str, expected: str | None) -> bool:
        """Bring a document up to date whose file was changed by others; False where all is done.

        Raises:
            ToolError: it has unsaved text as well, and saving it would undo what was changed.
        """
        below = await self._changed_below(document)
        if below is None:
            return True
        name = document.path.name
        if is_unsaved(document):
            raise ToolError(
                f"{name} was not edited: {BOTH} The user has to save or reload it first."
            )
        if not self.abilities.apply_edit:
            await self.under.write(document.path, text, expected)
            return False
        reason = await self.edit(document, below.text, lambda: alike(document.text, below.text))
        if reason is not None:
            raise ToolError(
                f"{name} was changed on disk, and the editor did not take that over: {reason}. Nothing "
                "was edited."
            )
        compare(document)
        return True

    async def _expected_below(self, path: Path, expected: str | None) -> str | None:
        """What to expect on disk of a file that was seen in a buffer which was closed since."""
        if expected is None or not expected.startswith(BUFFER):
            return expected
        below = await self.under.read(path)
        return below.stamp if _stamp(below.text) == expected else expected

    async def _edit(self, document: Document, text: str) -> None:
        base = document.text
        ours_alone = base in (document.synced, document.ours)
        reason = await self._apply(document, text)
        if reason is None:
            document.ours = document.text if ours_alone else None
            return
        if document.text == base:
            raise ToolError(
                f"The editor did not make the edit: {reason}. Nothing has changed so far."
            )
        # The user typed meanwhile: once more on what they have now, where the lines are others.
        again = merged(base, text, document.text)
        if (
            again is None
            or self._is_closed(document)
            or await self._apply(document, again) is not None
        ):
            raise Changed(
                "The user changed the file at the same moment. Read it again before you edit it."
            )

    async def _apply(self, document: Document, text: str) -> str | None:
        """Have the editor make the text this one; None when it is, else why not."""
        self.documents.wants(document, text)
        return await self.edit(document, text, lambda: alike(document.text, text))

    async def edit(self, document: Document, text: str, made: Callable[[], bool]) -> str | None:
        """The same, where `made` tells whether the text that came back is the one that was wanted."""
        edits = minimal_edit(document.text, text, self.encoding())
        reason = await self._ask(self._workspace_edit(document, edits))
        if reason is not None and not made():
            return reason

        def settled() -> bool:
            return made() or self._is_closed(document)

        await self.documents.until(settled, ECHO_SECONDS)
        if made():
            return None
        if self._is_closed(document):
            return "its document was closed meanwhile"
        return "it said so, but the text did not change"

    def _is_closed(self, document: Document) -> bool:
        return self.documents.by_uri(document.uri) is not document

    async def _ask(self, edit: dict[str, Any]) -> str | None:
        """Have the editor make an edit; None when it says it did, else why not."""
        try:  # without a label: Neovim would print it at each edit
            answer: Any = await self.protocol.request(
                "workspace/applyEdit", {"edit": edit}, timeout=APPLY_SECONDS
            )
        except ClientError as error:
            return _said(str(error))
        except TimeoutError:
            return f"it did not answer within {APPLY_SECONDS:g} s, and may still do it"
        applied, reason = _outcome(answer)
        return None if applied else reason or "it gave no reason"

    def _workspace_edit(self, document: Document, edits: Any) -> dict[str, Any]:
        if self.abilities.versioned:
            version = document.version
            if version == 0 and not self.abilities.compares_zero:
                version = 1  # still older than any change
            place = {"uri": document.uri, "version": version}
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


def is_unsaved(document: Document) -> bool:
    """True when the document has text of its own: neither what is on disk, nor what was there."""
    if document.maybe_unsaved and document.text != document.synced:
        document.maybe_unsaved = not compare(document)
        return document.maybe_unsaved
    return False


def is_deleted(document: Document) -> bool:
    """True for a buffer that outlived its file, as long as the user does nothing with it."""
    untouched = document.text in (document.deleted, document.synced)
    return untouched and not document.path.exists()


def _reads_alike(one: str, other: str) -> bool:
    """The same but for what editors keep to themselves: line endings, the end of the last line."""
    return alike(one, other) or alike(one.rstrip("\r\n"), other.rstrip("\r\n"))


def _outcome(answer: Any) -> tuple[bool, str]:
    """Whether the client says it applied the edit, and why not."""
    applied = getattr(answer, "applied", None)
    reason = getattr(answer, "failure_reason", None)
    return bool(applied), _said(str(reason or ""))


def _said(reason: str) -> str:
    """What an editor said, as one line of data: some tell a traceback."""
    shown = label(" ".join(reason[:REASON_LENGTH].split()))
    return shown.rstrip(".") + ("…" if len(reason) > REASON_LENGTH else "")


def _stamp(text: str) -> str:
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16)
    return f"{BUFFER}{digest.hexdigest()}"
