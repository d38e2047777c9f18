"""The protocol over streamable HTTP: the SDK's transport on a client of ours, whose answers are bounded."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager

import httpx2
from mcp.client._transport import TransportStreams
from mcp.client.streamable_http import streamable_http_client

from roo_lsp.mcp.entries import Http

MAX_BODY = 20_000_000
"""Bytes of one answer, or of one event in a stream of them."""
CONNECT_SECONDS = 10


class AnswerTooLarge(httpx2.StreamError):
    """An answer goes on beyond what is taken."""

    def __init__(self) -> None:
        super().__init__(f"the answer has more than {MAX_BODY} bytes")


class Heard:
    """What is noticed of a server's answers."""

    def __init__(self) -> None:
        self.wants_login = False
        self.status = 0
        """The last one that was an error."""

    async def look(self, response: httpx2.Response) -> None:
        """An event hook of the client."""
        if response.status_code >= 400:
            self.status = response.status_code
        # The last word counts: after a 401 the SDK may have renewed what it shows.
        if response.request.method == "POST":
            self.wants_login = response.status_code == 401
        stream = response.stream
        if isinstance(stream, httpx2.AsyncByteStream):
            events = response.headers.get("content-type", "").startswith("text/event-stream")
            response.stream = _Bounded(stream, events=events)


class _Bounded(httpx2.AsyncByteStream):
    """A body that ends with an error where it is too long; of a stream of events, one line of it."""

    def __init__(self, inner: httpx2.AsyncByteStream, *, events: bool) -> None:
        self._inner = inner
        self._events = events

    async def __aiter__(self) -> AsyncIterator[bytes]:
        count = 0
        async for piece in self._inner:
            newline = piece.rfind(b"\n") if self._events else -1
            count = count + len(piece) if newline < 0 else len(piece) - newline
            if count > MAX_BODY:
                raise AnswerTooLarge
            yield piece

    async def aclose(self) -> None:
        await self._inner.aclose()


def http_client(reach: Http, answers: Heard, auth: httpx2.Auth | None) -> httpx2.AsyncClient:
    """A client for one server: its headers go to it alone, for redirects stay within its origin."""
    return httpx2.AsyncClient(
        headers=dict(reach.headers),
        auth=auth,
        timeout=httpx2.Timeout(CONNECT_SECONDS, read=None, write=60),
        follow_redirects=False,
        event_hooks={"response": [answers.look]},
    )


def http_streams(
    reach: Http, client: httpx2.AsyncClient
) -> AbstractAsyncContextManager[TransportStreams]:
    """The SDK's streams to it."""
    return streamable_http_client(reach.url, http_client=client, max_sse_event_size=MAX_BODY)
