"""What stands between a client and an endpoint: TLS, and a proxy; both pass bytes on as they are."""

import asyncio
import base64
import ssl
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import trustme


def server_context(
    certificate: trustme.LeafCert, clients_of: trustme.CA | None = None
) -> ssl.SSLContext:
    """A server with this certificate; with `clients_of`, one that wants a client's of that CA."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    if clients_of is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        clients_of.configure_trust(context)
    return context


@asynccontextmanager
async def tls(port: int, context: ssl.SSLContext) -> AsyncGenerator[int]:
    """A port that speaks TLS before the one of a plain server."""
    running: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        running.add(task)
        try:
            await _join(reader, writer, *await asyncio.open_connection("127.0.0.1", port))
        except asyncio.CancelledError:
            pass
        finally:
            running.discard(task)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await _stop(running)
        await server.wait_closed()


@dataclass
class Proxy:
    """An HTTP proxy that only does CONNECT, to the local ports that stand for its hosts."""

    hosts: Mapping[str, int] = field(default_factory=dict[str, int])
    """`host:port` to the local port that answers for it."""
    credentials: str = ""
    """`user:password` that it wants."""
    asked: list[str] = field(default_factory=list[str])
    """The first line of each request."""
    _server: asyncio.Server | None = None
    _running: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._server is not None
        self._server.close()
        await _stop(self._running)
        await self._server.wait_closed()

    def url(self, credentials: str = "") -> str:
        assert self._server is not None
        at = f"{credentials}@" if credentials else ""
        return f"http://{at}127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._running.add(task)
        try:
            await self._answer(reader, writer)
        except (asyncio.CancelledError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
            self._running.discard(task)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first = head.split("\r\n", 1)[0]
        self.asked.append(first)
        known = base64.b64encode(self.credentials.encode()).decode()
        if self.credentials and f"basic {known}".lower() not in head.lower():
            writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            return
        port = self.hosts.get(first.split()[1])
        if port is None:
            writer.write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
            return
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await _join(reader, writer, *await asyncio.open_connection("127.0.0.1", port))


async def _join(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    other_reader: asyncio.StreamReader,
    other_writer: asyncio.StreamWriter,
) -> None:
    """Pass bytes on in both directions until one side ends."""
    ways = {
        asyncio.ensure_future(_pump(reader, other_writer)),
        asyncio.ensure_future(_pump(other_reader, writer)),
    }
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        for each in (writer, other_writer):
            each.close()
            with suppress(OSError, ssl.SSLError):
                await each.wait_closed()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()


async def _stop(running: set[asyncio.Task[None]]) -> None:
    for task in list(running):
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
