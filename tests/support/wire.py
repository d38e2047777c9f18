"""A client and a server joined in this process: two StreamReaders, real frames, no process, no thread.

``async with joined(server, client)`` for a pygls or pytest-lsp client, ``async with raw(server)`` for
one that says exactly what a test wants said, right or wrong.
"""

import asyncio
import itertools
import json
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from pygls.client import JsonRPCClient
from pygls.io_ import run_async

from roo_lsp.lsp.wire.frames import FrameDecoder
from roo_lsp.lsp.wire.protocol import BaseServer

PATIENCE = 60.0
"""Seconds that a test waits for anything."""


class Pipe:
    """One direction of a wire; while held, its reader is a client that does not read."""

    def __init__(self) -> None:
        self.reader = asyncio.StreamReader(limit=2**24)
        self.congested = False
        self._held: list[bytes] = []
        self._when_drained: list[Callable[[], object]] = []

    def write(self, data: bytes) -> None:
        if self.congested:
            self._held.append(data)
        else:
            self.reader.feed_data(data)

    def hold(self) -> None:
        self.congested = True

    def release(self) -> None:
        self.congested = False
        self.reader.feed_data(b"".join(self._held))
        self._held.clear()
        while self._when_drained:
            asyncio.get_running_loop().call_soon(self._when_drained.pop())

    def when_drained(self, callback: Callable[[], object]) -> None:
        if self.congested:
            self._when_drained.append(callback)
        else:
            asyncio.get_running_loop().call_soon(callback)

    def close(self) -> None:
        self.reader.feed_eof()


@dataclass
class Wire:
    to_server: Pipe = field(default_factory=Pipe)
    to_client: Pipe = field(default_factory=Pipe)


class RawClient:
    """Speaks JSON-RPC, or something like it; every wait is bounded."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.unread: list[dict[str, Any]] = []
        """Messages that came while waiting for another one."""
        self._ids = itertools.count(1)

    def send_bytes(self, data: bytes) -> None:
        self.wire.to_server.write(data)

    def send(self, message: object) -> None:
        self.send_bytes(frame(json.dumps(message).encode()))

    def notify(self, method: str, params: object = None) -> None:
        self.send({"jsonrpc": "2.0", "method": method, "params": params})

    def ask(self, method: str, params: object = None) -> int:
        """Sends a request and returns its id."""
        msg_id = next(self._ids)
        self.send({"jsonrpc": "2.0", "id": msg_id, "method": method, "params": params})
        return msg_id

    async def receive(self) -> dict[str, Any]:
        """The next message, in the order in which they came."""
        if self.unread:
            return self.unread.pop(0)
        async with asyncio.timeout(PATIENCE):
            return await read_frame(self.wire.to_client.reader)

    async def find(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The next message that is wanted; the others stay unread."""
        passed: list[dict[str, Any]] = []
        while not wanted(message := await self.receive()):
            passed.append(message)
        self.unread[:0] = passed
        return message

    async def reply(self, msg_id: int | str | None) -> dict[str, Any]:
        return await self.find(lambda m: "method" not in m and m.get("id") == msg_id)

    async def request(self, method: str, params: object = None) -> dict[str, Any]:
        """The whole reply to a request."""
        return await self.reply(self.ask(method, params))

    async def initialize(self, **params: Any) -> dict[str, Any]:
        """The result of `initialize`; `initialized` is sent too."""
        reply = await self.request("initialize", {"processId": None, "capabilities": {}, **params})
        self.notify("initialized", {})
        return reply["result"]


@asynccontextmanager
async def joined(server: BaseServer, client: JsonRPCClient) -> AsyncGenerator[Wire]:
    """Lets a pygls client talk to the server until the block ends."""
    wire = Wire()
    client.protocol.set_writer(wire.to_server)  # pyright: ignore[reportArgumentType] - a writer does
    listening = asyncio.create_task(
        run_async(
            threading.Event(),
            wire.to_client.reader,
            client.protocol,
            error_handler=client.report_server_error,
        )
    )
    async with _served(server, wire):
        yield wire
    wire.to_client.close()
    await listening


@asynccontextmanager
async def raw(server: BaseServer) -> AsyncGenerator[RawClient]:
    wire = Wire()
    async with _served(server, wire):
        yield RawClient(wire)


def frame(body: bytes) -> bytes:
    return b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


async def read_frame(reader: asyncio.StreamReader) -> dict[str, Any]:
    header = await reader.readuntil(b"\r\n\r\n")
    return json.loads(await reader.readexactly(int(header.split(b":")[1])))


@asynccontextmanager
async def _served(server: BaseServer, wire: Wire) -> AsyncGenerator[None]:
    server.protocol.set_writer(wire.to_client)
    decoder = FrameDecoder(server.protocol.handle_message, server.protocol.parse_error)

    async def serve() -> None:
        while data := await wire.to_server.reader.read(2**16):
            decoder.feed(data)

    serving = asyncio.create_task(serve())
    try:
        yield
    finally:
        wire.to_server.close()
        await serving
        await server.protocol.close()
