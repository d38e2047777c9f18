"""What the language server offers in task documents, and how it comes to be loaded.

This is what `server.py` sees; everything behind it is loaded with the session.
"""

import asyncio
import importlib
from typing import TYPE_CHECKING

from lsprotocol import types

if TYPE_CHECKING:
    from roo_lsp.lsp.server import RooServer
    from roo_lsp.lsp.session import Session
    from roo_lsp.lsp.task_documents.features import Showing

SHOWING = "roo_lsp.lsp.task_documents.features"


async def load(session: "Session") -> None:
    """Let a session have task documents."""
    module = await asyncio.to_thread(importlib.import_module, SHOWING)
    session.task_documents = module.attach(session)


def showing(session: "Session | None") -> "Showing | None":
    """What shows them, once it is there."""
    return session.task_documents if session is not None else None


def offer(server: "RooServer") -> None:
    """Register what only task documents have."""

    @server.feature(
        types.TEXT_DOCUMENT_COMPLETION,
        types.CompletionOptions(trigger_characters=["@", "/"], resolve_provider=False),
    )
    async def completion(params: types.CompletionParams) -> types.CompletionList | None:
        found = showing(server.loaded)
        return await found.completion(params) if found is not None else None

    @server.feature(types.TEXT_DOCUMENT_FOLDING_RANGE)
    def folding_range(params: types.FoldingRangeParams) -> list[types.FoldingRange] | None:
        found = showing(server.loaded)
        return found.folding(params.text_document.uri) if found is not None else None

    @server.feature(types.TEXT_DOCUMENT_DOCUMENT_SYMBOL)
    def document_symbol(params: types.DocumentSymbolParams) -> list[types.DocumentSymbol] | None:
        found = showing(server.loaded)
        return found.symbols(params.text_document.uri) if found is not None else None

    @server.feature(types.TEXT_DOCUMENT_WILL_SAVE)
    def will_save(params: types.WillSaveTextDocumentParams) -> None:
        if (found := showing(server.loaded)) is not None:
            found.will_save(params.text_document.uri, params.reason)
