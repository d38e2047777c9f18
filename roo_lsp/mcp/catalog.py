"""What a server has, and what a call of it came to: as the rest of roo-lsp sees both, without the SDK."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from roo_lsp.agent.json_values import JsonObject
from roo_lsp.agent.messages import Image
from roo_lsp.agent.ports import Asker
from roo_lsp.agent.tool import ShowOutput
from roo_lsp.mcp.entries import Http, ServerEntry
from roo_lsp.mcp.process import Said


@dataclass(frozen=True, slots=True)
class ToolInfo:
    """A tool as its server describes it, the schema as endpoints take it."""

    name: str
    description: str
    schema: JsonObject
    claims: str = ""
    """What the server says of it (`read-only`, `destructive`): shown, and never believed."""


@dataclass(frozen=True, slots=True)
class PromptInfo:
    """A prompt that a person can ask for."""

    name: str
    description: str
    arguments: tuple[str, ...] = ()
    required: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ResourceInfo:
    """Something to be read; `uri` may be a template (RFC 6570)."""

    uri: str
    name: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class Catalog:
    """All that a server has, as of the last look."""

    title: str = ""
    """What the server calls itself, and its version."""
    protocol: str = ""
    instructions: str = ""
    tools: tuple[ToolInfo, ...] = ()
    prompts: tuple[PromptInfo, ...] = ()
    resources: tuple[ResourceInfo, ...] = ()
    reads_resources: bool = False
    left_out: tuple[str, ...] = ()
    """What is not offered, and why, one sentence each."""


@dataclass(frozen=True, slots=True)
class CallOutcome:
    """How a call ended, in full."""

    text: str
    failed: bool = False
    images: tuple[Image, ...] = ()


class Failed(Exception):
    """A server cannot be used; why, as a phrase that blames the right thing."""

    def __init__(self, why: str, *, login: bool = False) -> None:
        super().__init__(why)
        self.why = why
        self.login = login
        """True where the user has to log in to it."""


class CallFailed(Exception):
    """A call came to nothing, in words for the model."""

    def __init__(self, why: str, *, gone: bool = False, not_done: bool = False) -> None:
        super().__init__(why)
        self.why = why
        self.gone = gone
        """True where the server is not there any more, or has forgotten us."""
        self.not_done = not_done
        """True where the call was not even looked at, so that it may be made again."""


class Handle(Protocol):
    """The way to a server that is connected."""

    @property
    def lost(self) -> bool:
        """True once it is known that nothing more comes from there."""
        ...

    async def call(
        self, tool: str, arguments: JsonObject, show: ShowOutput, asker: Asker
    ) -> CallOutcome:
        """Call a tool; cancelling reaches the server.

        Raises:
            CallFailed: there is no result.
        """
        ...

    async def read(self, uri: str, asker: Asker) -> CallOutcome:
        """Read a resource; raises as `call`."""
        ...

    async def prompt(self, name: str, arguments: Mapping[str, str], asker: Asker) -> CallOutcome:
        """A prompt's text; raises as `call`."""
        ...


@dataclass(slots=True)
class ServerLine:
    """The two ends of a connection: what is asked of it, and what it tells."""

    entry: ServerEntry
    said: Said
    environ: Mapping[str, str]
    roots: Callable[[], Sequence[Path]]
    tell: Callable[[str], None]
    """Shows the user a message."""
    connected: Callable[[Handle, Catalog], None]
    changed: Callable[[Catalog], None]
    connect_seconds: float
    """How long connecting and the first look may take."""
    auth: Callable[[Http], Awaitable[Any]]
    """How requests to a server show who we are, as httpx2 takes it; None where they do not."""
    open_url: Callable[[str], Awaitable[bool]]
    """Shows the user an address, in their browser where that can be; False where it could not."""
    closing: asyncio.Event = field(default_factory=asyncio.Event)
    roots_changed: asyncio.Event = field(default_factory=asyncio.Event)
    modern: bool = False
    """True once the server was found to know 2026-07-28 alone."""
