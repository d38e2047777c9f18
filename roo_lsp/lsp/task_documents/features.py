"""What an editor shows of task documents: completion, hover, folds, symbols, actions, diagnostics."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from lsprotocol import types

from roo_lsp.lsp.editor.documents import Document
from roo_lsp.lsp.task_documents import actions, hover, outline, problems
from roo_lsp.lsp.task_documents.columns import code_point
from roo_lsp.lsp.task_documents.completion import Completer
from roo_lsp.lsp.task_documents.open_documents import OpenDocuments
from roo_lsp.task_documents.sheet import Sheet

DELAY = 0.3
"""Seconds after a change at which the diagnostics are told."""
NOT_ASKED_FOR = {types.TextDocumentSaveReason.AfterDelay, types.TextDocumentSaveReason.FocusOut}


@dataclass(slots=True)
class Features:
    """Those of one client."""

    documents: OpenDocuments
    completer: Completer
    publish: Callable[[str], None]
    """Has the diagnostics of a document sent."""
    looked: Callable[[str, types.Range], None]
    """Told that the user is at a place of a document, whichever it is."""
    _timers: dict[str, asyncio.TimerHandle] = field(default_factory=dict[str, asyncio.TimerHandle])

    def listen(self) -> None:
        """Hear of documents from now on, and take in what is open already."""
        self.documents.listen()
        documents = self.documents.editor.documents
        documents.watch(self.schedule)
        for document in documents:
            self.schedule(document, "opened")

    def sheet(self, uri: str) -> Sheet | None:
        """The open task document at an address."""
        return self.documents.sheets.get(uri)

    async def completion(self, params: types.CompletionParams) -> types.CompletionList | None:
        """What may be written at a place."""
        self.looked(params.text_document.uri, types.Range(params.position, params.position))
        if (sheet := self.sheet(params.text_document.uri)) is None:
            return None
        return await self.completer.at(sheet, params.position, self.documents.editor.encoding())

    def hover(self, params: types.HoverParams) -> types.Hover | None:
        """What there is to know at a place."""
        if (sheet := self.sheet(params.text_document.uri)) is None:
            return None
        column = code_point(sheet.lines, params.position, self.documents.editor.encoding())
        return hover.at(self.documents, sheet, params.position.line, column)

    def folding(self, uri: str) -> list[types.FoldingRange] | None:
        """Front matter, sections, code blocks."""
        sheet = self.sheet(uri)
        return outline.folds(sheet.lines) if sheet is not None else None

    def symbols(self, uri: str) -> list[types.DocumentSymbol] | None:
        """The turns, with their calls."""
        sheet = self.sheet(uri)
        encoding = self.documents.editor.encoding()
        return outline.symbols(sheet.lines, encoding) if sheet is not None else None

    def code_actions(self, params: types.CodeActionParams) -> list[types.CodeAction]:
        """What can be done at a place."""
        sheet = self.sheet(params.text_document.uri)
        return actions.at(self.documents, sheet, params) if sheet is not None else []

    def will_save(self, uri: str, reason: types.TextDocumentSaveReason) -> None:
        """An editor that saves by itself sends nothing by that."""
        if reason in NOT_ASKED_FOR:
            self.documents.unasked.add(uri)
        else:
            self.documents.unasked.discard(uri)

    # --- diagnostics ------------------------------------------------------------------------

    def diagnostics(self, uri: str) -> list[types.Diagnostic]:
        """What is wrong in a document."""
        if (sheet := self.sheet(uri)) is None:
            return []
        return problems.found(self.documents, sheet, self.documents.editor.encoding())

    def schedule(self, document: Document, what: str) -> None:
        """The diagnostics may be others now."""
        uri = document.uri
        if (timer := self._timers.pop(uri, None)) is not None:
            timer.cancel()
        if what == "closed":
            self.publish(uri)
        elif uri in self.documents.sheets:
            loop = asyncio.get_running_loop()
            self._timers[uri] = loop.call_later(DELAY, self._publish, uri)

    def _publish(self, uri: str) -> None:
        self._timers.pop(uri, None)
        if uri in self.documents.sheets:
            self.publish(uri)
