"""The editor's open documents: their texts as last synced, found by the file they really are."""

import asyncio
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from roo_lsp.workspace.descriptors import real_path
from roo_lsp.workspace.uris import is_new, new_name, path_of


@dataclass(slots=True, eq=False)
class Document:
    """An open document."""

    uri: str
    path: Path
    """All links followed."""
    text: str
    version: int | None
    language: str = ""
    maybe_unsaved: bool = True
    """False when nothing was changed since the editor said it saved."""
    synced: str | None = None
    """Its text when it was last seen to be the file's: as it was opened, saved or compared."""
    ours: str | None = None
    """Its text where the agent alone has changed it since it was the file's."""
    deleted: str | None = None
    """Its text when the editor deleted its file for us and kept the buffer."""


def compare(document: Document) -> bool:
    """Look whether the document's text is what is on disk; remembered where it is."""
    try:
        same = document.path.is_file() and document.path.read_bytes() == document.text.encode()
    except (OSError, UnicodeEncodeError):
        return False
    if same:
        document.synced = document.text
    return same


@dataclass(slots=True)
class Documents:
    """All of them; handlers of the text document notifications keep it."""

    _by_uri: dict[str, Document] = field(default_factory=dict[str, Document])
    _by_path: dict[Path, Document] = field(default_factory=dict[Path, Document])
    _watchers: set[Callable[[Document, str], None]] = field(
        default_factory=set[Callable[[Document, str], None]]
    )
    _new: dict[str, Document] = field(default_factory=dict[str, Document])
    """Documents that were never saved, by URI; their paths are names."""
    _edit_watchers: list[Callable[[Document, str], None]] = field(
        default_factory=list[Callable[[Document, str], None]]
    )
    last: Document | None = None
    """The one the user touched last."""

    def opened(self, uri: str, text: str, version: int | None, language: str) -> None:
        """`textDocument/didOpen`. Of documents that are no files only new ones are known, and only to
        be read: no tool acts on them, and nobody is told of them.
        """
        if (path := path_of(uri)) is None:
            if is_new(uri):
                self._new[uri] = Document(uri, Path(new_name(uri)), text, version, language)
            return
        document = Document(uri, Path(os.path.realpath(path)), text, version, language)
        compare(document)
        self._by_uri[uri] = self._by_path[document.path] = self.last = document
        self._tell(document, "opened")

    def changed(self, uri: str, text: str, version: int | None) -> None:
        """`textDocument/didChange`, with the whole text.

        Helix 25.01 may send quick changes in another order than they were made in: an older text
        that comes later is none.
        """
        if (new := self._new.get(uri)) is not None:
            new.text, new.version = text, version
        if (document := self._by_uri.get(uri)) is not None:
            if version is not None and version < (document.version or 0):
                return
            document.text, document.version = text, version
            document.maybe_unsaved = True
            self.last = document
            self._tell(document, "changed")

    def saved(self, uri: str) -> None:
        """`textDocument/didSave`."""
        if (document := self._by_uri.get(uri)) is not None:
            document.maybe_unsaved, document.synced = False, document.text
            self._tell(document, "saved")

    def closed(self, uri: str) -> None:
        """`textDocument/didClose`."""
        self._new.pop(uri, None)
        if (document := self._by_uri.pop(uri, None)) is not None:
            if self._by_path.get(document.path) is document:
                del self._by_path[document.path]
            if self.last is document:
                self.last = next(iter(self._by_uri.values()), None)
            self._tell(document, "closed")

    def get(self, path: Path) -> Document | None:
        """The open document for a file, whatever name it was opened by, as it was when checked."""
        return self._by_path.get(real_path(path))

    def by_uri(self, uri: str) -> Document | None:
        return self._by_uri.get(uri)

    def shown(self, uri: str) -> Document | None:
        """What is open at this address, also where it is new and no file yet."""
        return self._by_uri.get(uri) or self._new.get(uri)

    def text_of(self, uri: str) -> str | None:
        """Its text; None where none is open at this address."""
        document = self.shown(uri)
        return document.text if document is not None else None

    def __iter__(self) -> Iterator[Document]:
        return iter(list(self._by_uri.values()))

    def wants(self, document: Document, text: str) -> None:
        """A tool is about to have the editor make a document's text this one."""
        for each in list(self._edit_watchers):
            each(document, text)

    def watch_edits(self, watcher: Callable[[Document, str], None]) -> None:
        """Have each edit of a tool told before it is made: the document, and the text to be."""
        self._edit_watchers.append(watcher)

    def watch(self, watcher: Callable[[Document, str], None]) -> None:
        """Have each notification told: the document, and `opened`, `changed`, `saved` or `closed`."""
        self._watchers.add(watcher)

    async def until(self, condition: Callable[[], bool], seconds: float | None) -> bool:
        """Wait, at most so long, until the condition holds; it is tried at each notification."""
        if condition():
            return True
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()

        def look(document: Document, what: str) -> None:
            del document, what
            if not done.done() and condition():
                done.set_result(None)

        self._watchers.add(look)
        try:
            async with asyncio.timeout(seconds):
                await done
        except TimeoutError:
            return False
        else:
            return True
        finally:
            self._watchers.discard(look)

    def _tell(self, document: Document, what: str) -> None:
        for watcher in list(self._watchers):
            watcher(document, what)
