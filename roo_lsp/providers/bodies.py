"""How much of a response's body is read, and how: no server can fill the memory.

Answers that stream have the caps of `sse`; here are those of everything else, and of compression,
which is not asked for and comes all the same from some proxies.
"""

import asyncio
import zlib
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any, cast

import httpx2

MAX_ERROR = 1024 * 1024
MAX_LIST = 16 * 1024 * 1024
"""Bytes of an error's body, of a list of models; of the former the rest is left out."""
ERROR_SECONDS = 10.0
"""How long the body of an error may take: its status is known already."""
PIECE = 256 * 1024
"""Bytes that are unpacked at a time."""


class TooMuch(Exception):
    """A body is longer than is read."""


class BoundedClient(httpx2.AsyncClient):
    """An HTTP client that reads an error's body only so far, and unpacks bodies piece by piece."""

    async def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:  # pyright: ignore[reportIncompatibleMethodOverride] -- the options are httpx2's own
        """The open response; of an error, with what was read of its body."""
        whole = not options.pop("stream", False)
        response = await super().send(request, stream=True, **options)
        try:
            _unpack(response)
            if response.status_code >= 300:
                return await _error(response)
            if whole:
                await response.aread()
        except BaseException:
            await response.aclose()
            raise
        return response


async def read(response: httpx2.Response, most: int) -> bytes:
    """The whole body.

    Raises:
        TooMuch: it is longer than `most` bytes.
        httpx2.HTTPError: it broke off, or is not packed as it says.
    """
    body = bytearray()
    try:
        async for piece in response.aiter_bytes():
            body += piece
            if len(body) > most:
                raise TooMuch(f"more than {most >> 20} MB")
    finally:
        await response.aclose()
    return bytes(body)


async def _error(response: httpx2.Response) -> httpx2.Response:
    """The same with so much of its body as came in time; the connection is not used again."""
    body = bytearray()
    with suppress(httpx2.HTTPError, TimeoutError):
        async with asyncio.timeout(ERROR_SECONDS):
            async for piece in response.aiter_bytes():
                body += piece
                if len(body) >= MAX_ERROR:
                    break
    await response.aclose()
    headers = [
        (name, value)
        for name, value in response.headers.multi_items()
        if name not in {"content-length", "transfer-encoding"}
    ]
    return httpx2.Response(
        response.status_code, headers=headers, content=bytes(body), request=response.request
    )


def _unpack(response: httpx2.Response) -> None:
    """Unpack the body ourselves, if it is packed: httpx2 would unpack all that has come at once."""
    packed = response.headers.pop("content-encoding", "identity").strip().lower()
    if packed in {"identity", ""}:
        return
    response.headers.pop("content-length", None)
    stream = cast("httpx2.AsyncByteStream", response.stream)
    response.stream = _Unpacked(stream, packed, response.request)


class _Unpacked(httpx2.AsyncByteStream):
    """A packed body, unpacked no faster than it is read."""

    def __init__(
        self, packed: httpx2.AsyncByteStream, encoding: str, request: httpx2.Request
    ) -> None:
        self._packed = packed
        self._encoding = encoding
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if self._encoding not in {"gzip", "x-gzip", "deflate"}:
            raise self._wrong(f"it is packed ({self._encoding}), though that was not asked for")
        unpacker = zlib.decompressobj(zlib.MAX_WBITS | 32)  # gzip or zlib, whichever comes
        try:
            async for data in self._packed:
                rest = data
                while rest:
                    piece = unpacker.decompress(rest, PIECE)
                    rest = unpacker.unconsumed_tail
                    if piece:
                        yield piece
        except zlib.error as error:
            raise self._wrong(f"it cannot be unpacked: {error}") from None

    async def aclose(self) -> None:
        await self._packed.aclose()

    def _wrong(self, why: str) -> httpx2.DecodingError:
        return httpx2.DecodingError(why, request=self._request)
