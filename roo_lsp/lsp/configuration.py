"""Settings over LSP: what the client sent with `initialize`, what it answers when asked, and trust."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from roo_lsp.app import sources
from roo_lsp.lsp.protocol import ClientError, RooProtocol
from roo_lsp.settings import object_or_empty
from roo_lsp.settings_sources import Effective, Held, Source, effective
from roo_lsp.workspace.trust import TrustStore, content_hash

log = logging.getLogger(__name__)

PULL_SECONDS = 3.0
"""How long the client may take to answer `workspace/configuration`."""


@dataclass(slots=True)
class Configuration:
    """The settings of one server, pulled anew after each `didChangeConfiguration`."""

    protocol: RooProtocol
    options: object
    """`initializationOptions.settings`."""
    can_ask: bool
    """The client answers `workspace/configuration`."""
    workspace: Path
    trust: TrustStore
    tell: Callable[[str], None]
    """Shows the user a message."""
    ask_for_trust: Callable[[tuple[Held, ...]], Coroutine[Any, Any, bool]]
    """Asks the user whether these may widen what the agent does."""
    current: Effective = field(init=False)
    _answer: object = None
    _asking: asyncio.Future[bool] | None = None
    """The question for trust, while it is open."""
    _told: set[str] = field(default_factory=set[str])

    def __post_init__(self) -> None:
        self.current = self._effective()

    async def pull(self) -> None:
        """Ask the client, and put the sources together."""
        if self.can_ask:
            params = {"items": [{"section": "roo"}]}
            try:
                answer: Any = await self.protocol.request(
                    "workspace/configuration", params, timeout=PULL_SECONDS
                )
                self._answer = answer[0] if answer else None
            except (ClientError, TimeoutError) as error:
                log.warning("workspace/configuration: %s", error)
        self.refresh()

    def pushed(self, settings: object) -> None:
        """`didChangeConfiguration` of a client that cannot be asked."""
        section: object = object_or_empty(settings).get("roo")
        if not self.can_ask and isinstance(section, dict):
            self._answer = cast("object", section)
        self.refresh()

    def refresh(self) -> None:
        """Put the sources together anew, and tell of what is wrong, each thing once."""
        self.current = self._effective()
        for problem in self.current.problems:
            if str(problem) not in self._told:
                self._told.add(str(problem))
                self.tell(str(problem))

    @property
    def held(self) -> tuple[Held, ...]:
        """What waits for trust now."""
        held = self.current.held
        return () if not held or self._is_trusted(held) else held

    def look_again(self) -> None:
        """Trust may have been given from a terminal meanwhile."""
        if self.current.held:
            self.refresh()
            if not self.held and self._asking is not None:
                self._asking.cancel()

    async def seek_trust(self) -> None:
        """Ask the user about what waits, once for the same content; returns when it is answered."""
        held = self.held
        key = _digest(held)
        if not held or key in self._told:
            return
        self._told.add(key)
        self.trust.wait(self.workspace, key, [str(each) for each in held])
        self._asking = asyncio.ensure_future(self.ask_for_trust(held))
        try:
            await asyncio.wait({self._asking})
        finally:
            self._asking.cancel()
        if not self._asking.cancelled() and self._asking.result():
            self.trust.trust(self.workspace, key)
            self.refresh()

    def _effective(self) -> Effective:
        channel = [
            Source("initializationOptions", self.options, trusted=False),
            Source("workspace/configuration", self._answer, trusted=False),
        ]
        everything = sources(channel)
        found = effective(everything)
        if found.held and self._is_trusted(found.held):
            return effective(everything, trusted=True)
        return found

    def _is_trusted(self, held: tuple[Held, ...]) -> bool:
        return self.trust.is_trusted(self.workspace, _digest(held))


def _digest(held: tuple[Held, ...]) -> str:
    return content_hash((each.path, each.value) for each in held)
