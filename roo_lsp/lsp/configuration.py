"""Settings over LSP: what the client sent with `initialize`, and what it answers when asked."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from roo_lsp.agent.json_values import object_or_empty
from roo_lsp.lsp.wire.protocol import ClientError, RooProtocol
from roo_lsp.settings_sources import Source

log = logging.getLogger(__name__)

PULL_SECONDS = 3.0
"""How long the client may take to answer `workspace/configuration`."""


@dataclass(slots=True)
class Channel:
    """What one client says of settings."""

    protocol: RooProtocol
    options: object
    """`initializationOptions.settings`."""
    can_ask: bool
    """The client answers `workspace/configuration`."""
    _answer: object = None

    def sources(self) -> Sequence[Source]:
        """All of it, weakest first."""
        return [
            Source("initializationOptions", self.options, trusted=False),
            Source("workspace/configuration", self._answer, trusted=False),
        ]

    async def pull(self) -> None:
        """Ask the client, where it can be asked; else, and where it fails, its last word stands."""
        if self.can_ask:
            params = {"items": [{"section": "roo"}]}
            try:
                answer: Any = await self.protocol.request(
                    "workspace/configuration", params, timeout=PULL_SECONDS
                )
                self._answer = answer[0] if answer else None
            except (ClientError, TimeoutError) as error:
                log.warning("workspace/configuration: %s", error)

    def pushed(self, settings: object) -> None:
        """`didChangeConfiguration` of a client that cannot be asked."""
        section: object = object_or_empty(settings).get("roo")
        if not self.can_ask and isinstance(section, dict):
            self._answer = cast("object", section)
