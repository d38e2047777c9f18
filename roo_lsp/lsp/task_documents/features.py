"""What an editor shows of task documents: completion, hover, folds, symbols, actions, diagnostics."""

import asyncio
from dataclasses import dataclass, field

from lsprotocol import types

from roo_lsp.lsp.editor.documents import Document
from roo_lsp.lsp.session import Session, encoding_of
from roo_lsp.lsp.task_documents import actions, hover, open_documents, outline, problems
from roo_lsp.lsp.task_documents.columns import columns
from roo_lsp.lsp.task_documents.completion import Completer
from roo_lsp.lsp.task_documents.open_documents import TaskDocuments
from roo_lsp.task_documents.sheet import Sheet

DELAY = 0.3
"""Seconds after a change at which the diagnostics are told."""
NOT_ASKED_FOR = {types.TextDocumentSaveReason.AfterDelay, types.TextDocumentSaveReason.FocusOut}


@dataclass(slots=True)
class Showing:
    """The task documents of one session."""

    documents: TaskDocuments
    completer: Completer
    _timers: dict[str, asyncio.TimerHandle] = field(default_factory=dict[str, asyncio.TimerHandle])

    @property
    def session(self) -> Session:
        return self.documents.session

    def sheet(self, uri: str) -> Sheet | None:
        """The open task document at an address."""
        return self.documents.sheets.get(uri)

    async def completion(self, params: types.CompletionParams) -> types.CompletionList | None:
        """What may be written at a place."""
        if (sheet := self.sheet(params.text_document.uri)) is None:
            return None
        return await self.completer.at(sheet, params.position, encoding_of(self.session.protocol))

    def hover(self, params: types.HoverParams) -> types.Hover | None:
        """What there is to know at a place."""
        if (sheet := self.sheet(params.text_document.uri)) is None:
            return None
        column = columns(sheet.lines, params.position, encoding_of(self.session.protocol))
        return hover.at(self.documents, sheet, params.position.line, column)

    def folding(self, uri: str) -> list[types.FoldingRange] | None:
        """Front matter, sections, code blocks."""
        sheet = self.sheet(uri)
        return outline.folds(sheet.lines) if sheet is not None else None

    def symbols(self, uri: str) -> list[types.DocumentSymbol] | None:
        """The turns, with their calls."""
        sheet = self.sheet(uri)
        encoding = encoding_of(self.session.protocol)
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
        return problems.found(self.documents, sheet, encoding_of(self.session.protocol))

    def schedule(self, document: Document, what: str) -> None:
        """The diagnostics may be others now."""
        uri = document.uri
        if (timer := self._timers.pop(uri, None)) is not None:
            timer.cancel()
        if what == "closed":
            self.session.surfaces.publish(uri)
        elif uri in self.documents.sheets:
            loop = asyncio.get_running_loop()
            self._timers[uri] = loop.call_later(DELAY, self._publish, uri)

    def _publish(self, uri: str) -> None:
        self._timers.pop(uri, None)
        if uri in self.documents.sheets:
            self.session.surfaces.publish(uri)


def attach(session: Session) -> Showing:
    """Let a session have task documents."""
    documents = open_documents.attach(session)
    found = Showing(documents, Completer(documents))
    others = session.surfaces.more_diagnostics
    session.surfaces.more_diagnostics = lambda uri: [*others(uri), *found.diagnostics(uri)]
    session.documents.watch(found.schedule)
    for document in session.documents:
        found.schedule(document, "opened")
    return found
