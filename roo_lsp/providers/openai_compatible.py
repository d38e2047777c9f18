"""The model behind any OpenAI-compatible endpoint: one request, one stream of deltas.

The openai SDK makes the requests (addresses, authentication, connections, errors); the body is
encoded and the answer read here, because what the SDK does there costs more with every message and
hides broken answers. Importing this loads openai, which takes as long as the rest of the start.
"""

import asyncio
import importlib
import logging
import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, closing, suppress
from types import TracebackType
from typing import Any, Self, cast

import httpx2
import openai
from pydantic_core import from_json

from roo_lsp.agent.ports import ChatRequest, Delta, Finished
from roo_lsp.providers import errors
from roo_lsp.providers.answers import AnswerReader, ErrorInAnswer, Unreadable
from roo_lsp.providers.connection import address, azure_url, client, request_options, secrets
from roo_lsp.providers.deadlines import Deadlines, WholeAnswer
from roo_lsp.providers.endpoint import Endpoint
from roo_lsp.providers.errors import ProviderError, Reply, Target
from roo_lsp.providers.requests import REPLAY, Encoder
from roo_lsp.providers.sse import BodyReader, TooLarge

log = logging.getLogger(__name__)

DRAIN = 0.05
"""Seconds for the body's end behind `[DONE]`, so that the connection can be used again."""

_refusals: dict[tuple[str, str], frozenset[str]] = {}
"""Fields that an endpoint (origin, model) refused, learnt from requests that went well without."""


def forget_refusals() -> None:
    """Try every field again, as after a change at the endpoint."""
    _refusals.clear()


class OpenAICompatible:
    """A `ChatModel` over HTTP. Use as an async context manager, or call `close`."""

    def __init__(self, endpoint: Endpoint) -> None:
        """A model of the endpoint; nothing is sent yet.

        Raises:
            ProviderError: `settings_invalid`, for an address, key, header or certificate that
                cannot be used.
        """
        self.endpoint = endpoint
        self._base, query = address(endpoint)
        self._model = endpoint.model
        self._client = client(endpoint, self._base, query)
        self._encoder = Encoder(endpoint)
        self._secrets = secrets(endpoint)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    def stream(self, request: ChatRequest) -> AsyncGenerator[Delta]:
        """The answer as it comes. Closing the generator hangs up at once.

        Raises:
            ProviderError: in the words for the user.
        """
        return self._stream(request)

    async def _stream(self, request: ChatRequest) -> AsyncGenerator[Delta]:
        model = await self.model()
        target = self._target(model)
        with closing(Deadlines(self.endpoint.timeouts, target)) as deadlines:
            response = await self._ask(request, model, target, deadlines)
            body = response.aiter_bytes()
            try:
                _check_kind(response, target)
                async with aclosing(_read(body, deadlines, target)) as deltas:
                    async for delta in deltas:
                        yield delta
            finally:
                # A stream that was left early is closed here, and with it its connection.
                await body.aclose()
                await response.aclose()

    async def model(self) -> str:
        """The model's id; where none is set, the one that the endpoint serves.

        Raises:
            ProviderError: `model_not_found`, with the ids there are, when it serves several.
        """
        if not self._model:
            found = await self.models()
            if len(found) != 1:
                listed = ", ".join(found[:10]) or "none"
                raise ProviderError(
                    "model_not_found",
                    f"No model is set, and the endpoint serves {len(found)}: {listed}.",
                    "Set roo.provider.modelId to one of them.",
                )
            self._model = found[0]
        return self._model

    async def models(self) -> list[str]:
        """The ids of the models that the endpoint serves.

        Raises:
            ProviderError: it does not say; a failure is never an empty list.
        """
        target = Target(self._url("/models", ""), self.endpoint.model, self._secrets)
        try:
            with closing(Deadlines(self.endpoint.timeouts, target)) as deadlines:
                async with deadlines:
                    response = await self._client.get(
                        target.url, cast_to=httpx2.Response, options=request_options(self._client)
                    )
        except (openai.OpenAIError, httpx2.HTTPError) as error:
            raise _explain(error, target, self.endpoint) from None
        _check_kind(response, target)
        ids = _model_ids(response.content)
        if ids is None:
            raise ProviderError(
                "provider_error",
                f"{target.shown} did not answer with a list of models: {_excerpt(response.content)}",
                "Check roo.provider.baseUrl.",
            )
        return ids

    # --- the request ------------------------------------------------------------------------

    async def _ask(
        self, request: ChatRequest, model: str, target: Target, deadlines: Deadlines
    ) -> httpx2.Response:
        """The response's head, having given up the fields that this endpoint refuses."""
        place = (target.url, model)
        refused = known = _refusals.get(place, frozenset())
        while True:
            body = self._encoder.body(
                request, model, streaming=self.endpoint.streaming, refused=refused
            )
            try:
                async with deadlines:
                    response = await self._post(target.url, body)
            except openai.APIStatusError as error:
                failure = _explain(error, target, self.endpoint)
                field = _refused_field(error, failure, body, self.endpoint)
                if field is None or field in refused:
                    raise failure from None
                refused |= {field}
                log.info("%s refuses %s: asking again without it", target.shown, field)
            except (openai.OpenAIError, httpx2.HTTPError) as error:
                raise _explain(error, target, self.endpoint) from None
            else:
                if refused != known:
                    _refusals[place] = refused
                return response

    async def _post(self, url: str, body: bytes) -> httpx2.Response:
        """The open response, its body unread.

        A connection that was kept and turns out to be closed by the other side is replaced by a new
        one, once and without a word: nothing was answered on it.
        """
        try:
            return await self._send(url, body)
        except openai.APIConnectionError as error:
            if not isinstance(error.__cause__, httpx2.RemoteProtocolError):
                raise
        return await self._send(url, body)

    async def _send(self, url: str, body: bytes) -> httpx2.Response:
        """The one door to the SDK: bytes out, the open response back."""
        return await self._client.post(
            url,
            cast_to=httpx2.Response,
            content=body,
            options=request_options(self._client),
            stream=True,
            stream_cls=openai.AsyncStream[object],
        )  # pyright: ignore[reportReturnType] -- `cast_to` decides, which the overloads do not say

    def _target(self, model: str) -> Target:
        return Target(self._url("/chat/completions", model), model, self._secrets)

    def _url(self, path: str, model: str) -> str:
        if self.endpoint.azure_api_version is None:
            return self._base + path
        return azure_url(self._base, path, model)


# --- fields an endpoint does not know -----------------------------------------------------------

_OPTIONAL = (
    "stream_options",
    "max_completion_tokens",
    "parallel_tool_calls",
    "reasoning_effort",
    "temperature",
    "top_p",
    "seed",
    "strict",
)
_REFUSING = re.compile(
    r"unsupported|support|unrecogni|unknown|unexpected|not permitted|extra|invalid|allowed"
    r"|not available|unable",
    re.IGNORECASE,
)


def _refused_field(
    error: openai.APIStatusError, failure: ProviderError, body: bytes, endpoint: Endpoint
) -> str | None:
    """The field to do without, if that is what the endpoint's refusal is about."""
    if failure.status not in {400, 422} or failure.code == "context_overflow":
        return None
    text = _text(error.response)
    if not _REFUSING.search(text):
        return None
    for name in _OPTIONAL:
        fixed = name == "max_completion_tokens" and endpoint.max_tokens_field != "auto"
        if re.search(rf"\b{name}\b", text) and f'"{name}":'.encode() in body and not fixed:
            return name
    if endpoint.replay_reasoning == "auto" and re.search(r"\breasoning(_content)?\b", text):
        sent = b'"reasoning_content":' in body or b'"reasoning":' in body
        return REPLAY if sent else None
    return None


# --- the answer ---------------------------------------------------------------------------------


async def _read(
    body: AsyncGenerator[bytes], deadlines: Deadlines, target: Target
) -> AsyncGenerator[Delta]:
    """The deltas in a response's body, as they come, and how it ended."""
    answer, reader = AnswerReader(), BodyReader()
    while not reader.done:
        chunk = await _next(body, deadlines, target)
        payloads = _payloads(reader, chunk, target)
        for payload in payloads:
            for delta in _deltas(payload, answer, target):
                deadlines.began = True
                yield delta
        deadlines.heard(data=bool(payloads), finished=answer.finish is not None)
        if chunk is None:
            break
    else:
        await _drain(body)
    for last in _ending(answer, reader, target):
        yield last


async def _next(body: AsyncGenerator[bytes], deadlines: Deadlines, target: Target) -> bytes | None:
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


def _payloads(reader: BodyReader, chunk: bytes | None, target: Target) -> list[bytes]:
    try:
        return reader.finish() if chunk is None else reader.feed(chunk)
    except TooLarge as error:
        raise errors.broken_stream(
            f"The endpoint sent {error}, more than is read", target, retryable=False
        ) from None


def _deltas(payload: bytes, answer: AnswerReader, target: Target) -> list[Delta]:
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


def _check_kind(response: httpx2.Response, target: Target) -> None:
    if "html" in response.headers.get("content-type", ""):
        raise _page(target)


def _page(target: Target) -> ProviderError:
    return ProviderError(
        "provider_error",
        f"{target.shown} answered with a web page (HTML), not with the model's answer.",
        "Check roo.provider.baseUrl (it often ends in /v1), and whether a login page or proxy is "
        "between.",
    )


def _ending(answer: AnswerReader, reader: BodyReader, target: Target) -> list[Delta]:
    """What is told at the end of an answer, if it has ended in order."""
    if reader.looks_like_html:
        raise _page(target)
    if not answer.chunks:
        if not reader.start.strip():
            raise errors.broken_stream("The answer ended before anything of it came", target)
        if answer.stray is not None:
            raise errors.refusal(Reply(None, answer.stray), target)
        raise errors.broken_stream(
            f"The answer is not a chat completion: {_excerpt(reader.start)}", target
        )
    if answer.finish is None:
        raise errors.broken_stream("The answer ended in the middle, without a reason", target)
    usage: list[Delta] = [answer.usage] if answer.usage else []
    return [*usage, Finished(answer.finish)]


def warm_up() -> None:
    """Make what is made once: the SDK's lazy parts, TLS, the event loop's backend; in a thread."""
    OpenAICompatible(Endpoint("http://127.0.0.1/v1", "x"))
    # What httpcore2 would import on the loop, with the first connection.
    importlib.import_module("anyio._backends._asyncio")


def _explain(error: Exception, target: Target, endpoint: Endpoint) -> ProviderError:
    """The one place that names the client's exceptions."""
    match error:
        case openai.APIStatusError():
            headers = {name.lower(): value for name, value in error.response.headers.items()}
            return errors.refusal(Reply(error.status_code, _text(error.response), headers), target)
        case openai.APITimeoutError() | httpx2.TimeoutException():
            return errors.timed_out(
                "connect", endpoint.timeouts.connect, target, waiting_for="No connection"
            )
        case openai.APIConnectionError():
            return errors.unreachable(error.__cause__ or error, target)
        case httpx2.HTTPError():
            return errors.unreachable(error, target)
        case _:
            said = errors.redact(str(error), target.secrets)
            return ProviderError("provider_error", f"The request failed: {said}.")


def _text(response: httpx2.Response) -> str:
    try:
        return response.text
    except httpx2.StreamError:
        return ""


def _excerpt(body: bytes) -> str:
    return repr(body[:120].decode("utf-8", "replace"))


def _model_ids(body: bytes) -> list[str] | None:
    """The ids in a list of models: OpenAI's `data`, others' `models`, or a bare list."""
    try:
        value: Any = from_json(body)
    except ValueError:
        return None
    if isinstance(value, dict):
        table = cast("dict[str, Any]", value)
        value = table.get("data", table.get("models"))
    if not isinstance(value, list):
        return None
    entries = cast("Sequence[Any]", value)
    ids = [_model_id(entry) for entry in entries]
    return list(dict.fromkeys(filter(None, ids)))


def _model_id(entry: Any) -> str:
    if isinstance(entry, dict):
        values = cast("dict[str, Any]", entry)
        entry = values.get("id") or values.get("name")
    return entry if isinstance(entry, str) else ""
