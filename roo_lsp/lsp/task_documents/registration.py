"""What the language server offers in task documents.

This is what `server.py` sees; everything behind it is loaded with the session.
"""

from collections.abc import Callable
from typing import Protocol

from lsprotocol import types

from roo_lsp.lsp.wire.protocol import BaseServer


class Answers(Protocol):
    """What answers, once it is loaded; None is for documents that are none of ours."""

    async def completion(self, params: types.CompletionParams) -> types.CompletionList | None: ...

    def folding(self, uri: str) -> list[types.FoldingRange] | None: ...

    def symbols(self, uri: str) -> list[types.DocumentSymbol] | None: ...

    def will_save(self, uri: str, reason: types.TextDocumentSaveReason) -> None: ...


def offer(server: BaseServer, features: Callable[[], Answers | None]) -> None:
    """Register what only task documents have; `features` is None as long as they are not loaded."""

    @server.feature(
        types.TEXT_DOCUMENT_COMPLETION,
        types.CompletionOptions(trigger_characters=["@", "/"], resolve_provider=False),
    )
    async def completion(params: types.CompletionParams) -> types.CompletionList | None:
        found = features()
        return await found.completion(params) if found is not None else None

    @server.feature(types.TEXT_DOCUMENT_FOLDING_RANGE)
    def folding_range(params: types.FoldingRangeParams) -> list[types.FoldingRange] | None:
        found = features()
        return found.folding(params.text_document.uri) if found is not None else None

    @server.feature(types.TEXT_DOCUMENT_DOCUMENT_SYMBOL)
    def document_symbol(params: types.DocumentSymbolParams) -> list[types.DocumentSymbol] | None:
        found = features()
        return found.symbols(params.text_document.uri) if found is not None else None

    @server.feature(types.TEXT_DOCUMENT_WILL_SAVE)
    def will_save(params: types.WillSaveTextDocumentParams) -> None:
        if (found := features()) is not None:
            found.will_save(params.text_document.uri, params.reason)
