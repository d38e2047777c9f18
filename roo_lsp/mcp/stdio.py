"""The protocol on a program's stdin and stdout: one JSON message a line, read within limits.

The SDK's own transport holds a line of any length, and joins it anew with each piece that comes; it takes
as many messages as come, and has no stderr to show. This one has the same two streams.
"""

import asyncio
import re
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import anyio
import mcp_types
from anyio.streams.memory import MemoryObjectSendStream
from mcp.client._transport import TransportStreams
from mcp.shared.message import SessionMessage

from roo_lsp.mcp.process import READ_BYTES, Said, ServerProcess

MAX_LINE = 20_000_000
"""Bytes of one message: an answer that is longer is told to be too long."""
MAX_NOISE = 4_000_000
"""Bytes that are no message, between two that are: a program that prints more is none that speaks MCP."""
LARGE = 200_000
"""Bytes of a message that is read in a thread."""
BURST, BURST_SECONDS = 200, 0.1
"""So many messages in so short a time are followed by a pause as long: the pipe fills, and the server waits."""
ENDING_SECONDS = 2.0
"""From the end of its stdout to its own, which tells why."""
ENDS = 512
"""Bytes of both ends of a message that is not kept, where its id stands."""

UNREADABLE = "the answer is no message of MCP, or nested too deeply"

_FIRST_ID = re.compile(rb'\s*\{\s*(?:"jsonrpc"\s*:\s*"2.0"\s*,\s*)?"id"\s*:\s*(\d+)\s*,')
_LAST_ID = re.compile(rb',\s*"id"\s*:\s*(\d+)\s*(?:,\s*"jsonrpc"\s*:\s*"2.0"\s*)?\}\s*\Z')

ToSession = MemoryObjectSendStream[SessionMessage | Exception]


class Flooded(Exception):
    """What a server sends cannot be read any more; as a phrase."""


@asynccontextmanager
async def stdio_streams(
    process: ServerProcess, said: Said, lost: Callable[[str], None]
) -> AsyncGenerator[TransportStreams]:
    """The SDK's streams over a process that runs; `lost` is told once why there is nothing more to read."""
    incoming, read_stream = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    write_stream, outgoing = anyio.create_memory_object_stream[SessionMessage](0)

    async def read() -> None:
        async with incoming:
            try:
                await _Lines(process.stdout, incoming, said).read()
                await process.gone_or(ENDING_SECONDS)
                lost(process.ending or "it closed its stdout")
            except Flooded as error:
                lost(str(error))
            except (anyio.ClosedResourceError, anyio.BrokenResourceError):
                return  # the session is over

    async def write() -> None:
        async with outgoing:
            async for each in outgoing:
                text = each.message.model_dump_json(by_alias=True, exclude_unset=True)
                try:
                    process.stdin.write(text.encode("utf-8", "replace") + b"\n")
                    await process.stdin.drain()
                except OSError:
                    return  # how it ended is told by who reads

    async with anyio.create_task_group() as group:
        group.start_soon(read)
        group.start_soon(write)
        try:
            yield read_stream, write_stream
        finally:
            group.cancel_scope.cancel()
            for each in (read_stream, write_stream, incoming, outgoing):
                each.close()


@dataclass(slots=True)
class _Lines:
    """Messages out of what comes, piece by piece."""

    source: asyncio.StreamReader
    incoming: ToSession
    said: Said
    _noise: int = 0
    _skipped: bool = False
    _count: int = 0
    _since: float = 0.0

    async def read(self) -> None:
        """Pass on each message, to the end of it all.

        Raises:
            Flooded: no end of what is no message.
        """
        line, length, last = bytearray(), 0, b""
        while piece := await self.source.read(READ_BYTES):
            *whole, rest = piece.split(b"\n")
            for each in whole:
                length += len(each)
                if length <= MAX_LINE:
                    line += each
                    await self._message(bytes(line))
                else:
                    why = f"the answer has {length} bytes, and at most {MAX_LINE} are taken"
                    if not await self._instead(bytes(line[:ENDS]), (last + each)[-ENDS:], why):
                        self.said.add(f"(roo-lsp: a message of {length} bytes was left out)")
                line, length, last = bytearray(), 0, b""
            length += len(rest)
            if length <= MAX_LINE:
                line += rest
            else:
                del line[ENDS:]
                last = (last + rest)[-ENDS:]
            if length > 5 * MAX_LINE:
                raise Flooded(f"it sends a line without an end ({length} bytes so far)")
            await asyncio.sleep(0)  # others have their turn, however much comes
        if line:
            await self._message(bytes(line))

    async def _message(self, line: bytes) -> None:
        text = line.strip()
        if not text:
            return
        message: SessionMessage | None = None
        if text.startswith(b"{"):
            try:
                if len(text) > LARGE:
                    message = await asyncio.to_thread(_parsed, text)
                else:
                    message = _parsed(text)
            except ValueError:
                message = None
        if message is None and await self._instead(text, text[-ENDS:], UNREADABLE):
            return
        if message is None:
            self._noise += len(line)
            if not self._skipped:
                self._skipped = True
                self.said.add(
                    "(roo-lsp: it prints to stdout what is no message of MCP; that is skipped)"
                )
            self.said.add(text[:200].decode("utf-8", "replace"))
            if self._noise > MAX_NOISE:
                raise Flooded(
                    f"it printed {self._noise // 1000} KB to stdout that is no message of MCP"
                )
            return
        self._noise = 0
        await self._pace()
        await self.incoming.send(message)

    async def _pace(self) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._since > BURST_SECONDS:
            self._since, self._count = now, 0
        self._count += 1
        if self._count > BURST:
            await asyncio.sleep(BURST_SECONDS)

    async def _instead(self, first: bytes, last: bytes, why: str) -> bool:
        """Answer in the server's place what it answered with what cannot be taken; False where it is none."""
        found = _FIRST_ID.match(first) or _LAST_ID.search(last)
        if found is None:
            return False
        error = mcp_types.ErrorData(code=mcp_types.INTERNAL_ERROR, message=why)
        answer = mcp_types.JSONRPCError(jsonrpc="2.0", id=int(found[1]), error=error)
        await self.incoming.send(SessionMessage(answer))
        return True


def _parsed(text: bytes) -> SessionMessage:
    return SessionMessage(mcp_types.jsonrpc_message_adapter.validate_json(text, by_name=False))
