"""The editor's other language servers, asked through the client: interface section 8.

Requests are LSP's own, with `roo/` in front; a client gets those that it opted into. A null answer is
none: it says nothing of what is there.
"""

import logging
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

from roo_lsp.agent.errors import ToolError
from roo_lsp.agent.json_values import Json, JsonObject
from roo_lsp.agent.ports import (
    Feature,
    FileEdits,
    Places,
    Problem,
    Problems,
    Spot,
    Symbols,
)
from roo_lsp.agent.tool import Workspace
from roo_lsp.lsp.editor.diagnostics import items_of
from roo_lsp.lsp.editor.documents import Documents
from roo_lsp.lsp.editor.language_answers import Files, hover_in, no_sense, places_in, symbols_in
from roo_lsp.lsp.editor.positions import offset_to_position
from roo_lsp.lsp.editor.workspace_edit import edited_files, versions_of
from roo_lsp.lsp.wire.protocol import ClientError, RooProtocol
from roo_lsp.workspace.escapes import label
from roo_lsp.workspace.problems import bounded
from roo_lsp.workspace.uris import uri_of

log = logging.getLogger(__name__)

ANSWER_SECONDS = 20.0
"""How long the editor may take; a server that just started reads the whole project first."""
REASON_LENGTH = 300
"""Characters of what an editor says why it did not."""

FEATURES: dict[str, Feature] = {f"roo/{each}": each for each in get_args(Feature)}
"""What can be asked, by the name of the request that a client opts into."""


def offers(extensions: Iterable[str]) -> frozenset[Feature]:
    """What a client with these extensions can be asked."""
    return frozenset(FEATURES[each] for each in extensions if each in FEATURES)


@dataclass(frozen=True, slots=True)
class EditorLanguageServers:
    """`LanguageServers` of one client."""

    documents: Documents
    protocol: RooProtocol
    workspace: Workspace
    encoding: Callable[[], str]
    """Position encoding agreed on with the client."""
    offered: frozenset[Feature]

    async def problems(self, path: Path | None) -> Problems | None:
        params: Json = (
            {"wait": False} if path is None else {"uris": [self._uri(path)], "wait": True}
        )
        answer = await self._ask("diagnostics", params)
        if answer is None:
            return None
        items = items_of(answer)
        if items is None:
            raise no_sense()
        files = Files(self.workspace.folders)
        problems: list[Problem] = []
        known: set[Path] = set()
        for where, found in items:
            named = path if path is not None and _same(path, where) else files.named(where)
            known.add(named)
            problems += [replace(each, path=named) for each in found]
        return Problems(tuple(problems), frozenset(known))

    async def definition(self, spot: Spot) -> Places | None:
        return self._places(await self._ask("definition", self._at(spot)))

    async def references(self, spot: Spot) -> Places | None:
        params = self._at(spot) | {"context": {"includeDeclaration": True}}
        return self._places(await self._ask("references", params))

    async def hover(self, spot: Spot) -> str | None:
        answer = await self._ask("hover", self._at(spot))
        return None if answer is None else hover_in(answer)

    async def document_symbols(self, path: Path) -> Symbols | None:
        answer = await self._ask("documentSymbol", {"textDocument": {"uri": self._uri(path)}})
        return None if answer is None else symbols_in(answer, self._files(), path)

    async def workspace_symbols(self, query: str) -> Symbols | None:
        answer = await self._ask("workspaceSymbol", {"query": query})
        return None if answer is None else symbols_in(answer, self._files())

    async def rename(self, spot: Spot, new_name: str) -> Sequence[FileEdits] | None:
        versions = versions_of(self.documents)
        answer = await self._ask("rename", self._at(spot) | {"newName": new_name})
        if answer is None:
            return None
        return edited_files(answer, self.documents, versions, self._files(), self.encoding())

    async def _ask(self, feature: Feature, params: Json) -> Json:
        method = f"roo/{feature}"
        try:
            return await self.protocol.request(method, params, timeout=ANSWER_SECONDS)
        except ClientError as error:
            log.info("%s: %s", method, error)
            said = label(bounded(" ".join(str(error).split()), REASON_LENGTH)).rstrip(".")
            raise ToolError(f"The editor could not answer. It says: {said}.") from error
        except TimeoutError:
            raise ToolError(
                f"The editor's language servers did not answer within {ANSWER_SECONDS:g} s. They may "
                "still be reading the project: try again later, or use search_files."
            ) from None

    def _at(self, spot: Spot) -> JsonObject:
        character = offset_to_position([spot.text], spot.column, self.encoding()).character
        return {
            "textDocument": {"uri": self._uri(spot.path)},
            "position": {"line": spot.line - 1, "character": character},
        }

    def _places(self, answer: Any) -> Places | None:
        return None if answer is None else places_in(answer, self._files())

    def _files(self) -> Files:
        return Files(self.workspace.folders)

    def _uri(self, path: Path) -> str:
        document = self.documents.get(path)
        return document.uri if document is not None else uri_of(path)


def _same(one: Path, other: Path) -> bool:
    """True for two names of one file."""
    return os.path.realpath(one) == os.path.realpath(other)
