"""The client: what it declared, and requests to it, of which none but a person's answer is waited for long."""

import asyncio
import logging
from dataclasses import dataclass, field
from typing import Any, Protocol

from acp.core import RequestError
from acp.schema import ClientCapabilities

from roo_lsp.acp.wire import Wire
from roo_lsp.agent.json_values import JsonObject, object_or_empty

log = logging.getLogger(__name__)

SECONDS = 10.0
"""How long a request may take that needs no person."""


class ClientRefused(Exception):
    """The client did not do what it was asked for; the text says why, for people."""

    def __init__(self, why: str, *, silent: bool = False) -> None:
        super().__init__(why)
        self.silent = silent
        """True where it did not answer at all."""


class Requests(Protocol):
    """What sends a request: the SDK's connection."""

    async def send_request(self, method: str, params: Any | None = None) -> Any: ...


@dataclass(slots=True)
class AcpClient:
    """The other end."""

    wire: Wire
    requests: Requests
    name: str = "an ACP client"
    capabilities: ClientCapabilities = field(
        default_factory=lambda: ClientCapabilities.model_validate({})
    )

    def update(self, session_id: str, update: JsonObject) -> None:
        """Tell of something in a session; nothing is waited for."""
        self.wire.notify("session/update", {"sessionId": session_id, "update": update})

    async def ask(self, method: str, params: JsonObject, *, person: bool = False) -> JsonObject:
        """The object that a request is answered with; a person may take as long as they like.

        Raises:
            ClientRefused: there is none: an error, no answer in time, or nobody is there any more.
        """
        try:
            async with asyncio.timeout(None if person else SECONDS):
                return object_or_empty(await self.requests.send_request(method, params))
        except RequestError as error:
            log.info("%s: %s (%s)", method, error, error.code)
            raise ClientRefused(str(error) or f"error {error.code}") from None
        except TimeoutError:
            why = f"it did not answer {method} within {SECONDS:g} s"
            raise ClientRefused(why, silent=True) from None
        except ConnectionError:
            raise ClientRefused("it is gone") from None

    @property
    def reads_files(self) -> bool:
        fs = self.capabilities.fs
        return bool(fs and fs.read_text_file)

    @property
    def writes_files(self) -> bool:
        fs = self.capabilities.fs
        return bool(fs and fs.write_text_file)

    @property
    def has_forms(self) -> bool:
        """It shows a form that asks for something."""
        elicitation = self.capabilities.elicitation
        return bool(elicitation and elicitation.form is not None)

    @property
    def draws_output(self) -> bool:
        """It draws what commands print, as they print it, from `_meta`: an extension of Zed's."""
        return object_or_empty(self.capabilities.field_meta).get("terminal_output") is True
