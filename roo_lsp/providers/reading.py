"""An answer as it comes: from the bytes of a response to deltas, within its deadlines, to its end."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Protocol

import httpx2

from roo_lsp.agent.json_values import JsonObject
from roo_lsp.agent.ports import Delta, Finished, Usage
from roo_lsp.providers import errors
from roo_lsp.providers.answers import ErrorInAnswer, Unreadable
from roo_lsp.providers.deadlines import Deadlines, WholeAnswer
from roo_lsp.providers.errors import ProviderError, Reply, RequestTarget
from roo_lsp.providers.pulse import Pulse
from roo_lsp.providers.sse import BodyReader, TooLarge

DRAIN = 0.05
"""Seconds for the body's end behind `[DONE]`, so that the connection can be used again."""


class WebPage(ProviderError):
    """A web page came where an answer should be: no such API is there."""


class Reader(Protocol):
    """Turns the JSON texts of one answer into deltas; keeps what is said only at the end."""

    finish: str | None
    """Why the answer ended, once that is told."""
    usage: Usage | None
    chunks: int
    """How many texts were part of an answer."""
    stray: JsonObject | None
    """The first object that was not part of one."""
    kind: str
    """What an answer is called in messages."""
    complete: bool
    """Nothing of an answer can come any more, whatever the connection does."""

    def read(self, payload: bytes) -> list[Delta]:
        """The deltas in one JSON text.

        Raises:
            ErrorInAnswer: it is an error.
            Unreadable: it is broken JSON.
        """
        ...

    def end(self) -> list[Delta]:
        """The deltas that could be told only now that all of the answer is there."""
        ...


async def deltas_in(
    body: AsyncGenerator[bytes],
    answer: Reader,
    deadlines: Deadlines,
    target: RequestTarget,
    pulse: Pulse,
) -> AsyncGenerator[Delta]:
    """The deltas in a response's body, as they come, and how it ended."""
    reader = BodyReader()
    while not (reader.done or answer.complete):
        chunk = await _next(body, deadlines, target)
        came = False
        for payload in _payloads(reader, chunk, target):
            for delta in _deltas(payload, answer, target):
                deadlines.began = came = True
                yield delta
            pulse.pieces += 1
        pulse.shown += came
        deadlines.heard(data=came, finished=answer.finish is not None)
        if chunk is None:
            break
    else:
        await _drain(body)
    for last in _ending(answer, reader, target):
        yield last


async def _next(
    body: AsyncGenerator[bytes], deadlines: Deadlines, target: RequestTarget
) -> bytes | None:
    """The next bytes, or None at the end; once the finish reason is there, any end will do."""
    try:
        async with deadlines:
            return await anext(body, None)
    except WholeAnswer:
        return None
    except httpx2.HTTPError as error:
        if deadlines.finished:
            return None
        said = str(error) or type(error).__name__
        raise errors.broken_stream(f"The answer was cut off: {said}", target) from None


async def _drain(body: AsyncGenerator[bytes]) -> None:
    """Read to the body's end, which is a few bytes away, so that the connection stays open."""
    with suppress(TimeoutError, httpx2.HTTPError):
        async with asyncio.timeout(DRAIN):
            async for _ in body:
                pass


def _payloads(reader: BodyReader, chunk: bytes | None, target: RequestTarget) -> list[bytes]:
    try:
        return reader.finish() if chunk is None else reader.feed(chunk)
    except TooLarge as error:
        raise errors.broken_stream(
            f"The endpoint sent {error}, more than is read", target, retryable=False
        ) from None


def _deltas(payload: bytes, answer: Reader, target: RequestTarget) -> list[Delta]:
    finished = answer.finish is not None
    try:
        return answer.read(payload)
    except ErrorInAnswer as error:
        if finished:
            return []  # what failed then was not the answer
        raise errors.refusal(Reply(error.status, error.body), target) from None
    except Unreadable as error:
        raise errors.broken_stream(
            f"The answer has a piece in it that is not JSON, {str(error)!r}", target
        ) from None


def check_kind(response: httpx2.Response, target: RequestTarget) -> None:
    if "html" in response.headers.get("content-type", ""):
        raise _page(target)


def _page(target: RequestTarget) -> WebPage:
    return WebPage(
        "provider_error",
        f"{target.shown} answered with a web page (HTML), not with the model's answer.",
        "Check roo.provider.baseUrl (it often ends in /v1), and whether a login page or proxy is "
        "between.",
    )


def _ending(answer: Reader, reader: BodyReader, target: RequestTarget) -> list[Delta]:
    """What is told at the end of an answer, if it has ended in order."""
    if reader.looks_like_html:
        raise _page(target)
    if not answer.chunks:
        if not reader.start.strip():
            raise errors.broken_stream("The answer ended before anything of it came", target)
        if answer.stray is not None:
            raise errors.refusal(Reply(None, answer.stray), target)
        raise errors.broken_stream(
            f"The answer is not a {answer.kind}: {excerpt(reader.start)}", target
        )
    if answer.finish is None:
        raise errors.broken_stream("The answer ended in the middle, without a reason", target)
    usage: list[Delta] = [answer.usage] if answer.usage else []
    return [*answer.end(), *usage, Finished(answer.finish)]


def excerpt(body: bytes) -> str:
    """The beginning of a body, for a message."""
    return repr(body[:120].decode("utf-8", "replace"))
