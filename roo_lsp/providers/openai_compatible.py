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
from typing import Self

import httpx2
import openai

from roo_lsp.agent.ports import ChatRequest, Delta, Finished
from roo_lsp.providers import bodies, errors
from roo_lsp.providers.answers import AnswerReader, ErrorInAnswer, Unreadable
from roo_lsp.providers.connection import (
    KEEP_SECONDS,
    address,
    azure_url,
    cleaned,
    client,
    request_options,
    secrets,
    unreachable,
    wants_credentials,
)
from roo_lsp.providers.deadlines import Deadlines, WholeAnswer
from roo_lsp.providers.endpoint import Endpoint
from roo_lsp.providers.errors import ProviderError, Reply, Target
from roo_lsp.providers.listing import NATIVE, Listed, listed
from roo_lsp.providers.memory import PREFILLED, Memory, Place
from roo_lsp.providers.requests import MARK, REPLAY, RESULT_MARKS, Encoder
from roo_lsp.providers.sse import BodyReader, TooLarge

log = logging.getLogger(__name__)

DRAIN = 0.05
"""Seconds for the body's end behind `[DONE]`, so that the connection can be used again."""

DETAIL_SECONDS = 5.0
"""How long a server may take to tell how much context a model has."""


class WebPage(ProviderError):
    """A web page came where an answer should be: no such API is there."""


class OpenAICompatible:
    """A `ChatModel` over HTTP. Use as an async context manager, or call `close`."""

    def __init__(self, endpoint: Endpoint, memory: Memory | None = None) -> None:
        """A model of the endpoint; nothing is sent yet. `memory` is what is known of endpoints.

        Raises:
            ProviderError: `settings_invalid`, for an address, key, header or certificate that
                cannot be used.
        """
        self.endpoint = endpoint = cleaned(endpoint)
        self._base, query = address(endpoint)
        self._model = endpoint.model
        self._client = client(endpoint, self._base, query)
        self._encoder = Encoder(endpoint)
        self._secrets = secrets(endpoint)
        self._memory = memory or Memory()
        self._kept_until = 0.0
        """When a connection that was kept from the last request is given up, on the loop's clock."""

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
                answer = AnswerReader(prefilled=PREFILLED in self._memory.of(self._place(target)))
                async with aclosing(_read(body, answer, deadlines, target)) as deltas:
                    async for delta in deltas:
                        yield delta
                self._learn(self._place(target), answer)
                self._kept_until = asyncio.get_running_loop().time() + KEEP_SECONDS
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
            names = [each.id for each in await self.models()]
            if not names:
                raise ProviderError(
                    "model_not_found",
                    "No model is set, and the endpoint lists none.",
                    "Load or pull a model at the server, or set roo.provider.modelId.",
                )
            if len(names) > 1:
                more = f" and {len(names) - 10} more" if len(names) > 10 else ""
                raise ProviderError(
                    "model_not_found",
                    f"No model is set, and the endpoint serves {len(names)}: "
                    f"{', '.join(names[:10])}{more}.",
                    "Set roo.provider.modelId to one of them.",
                )
            self._model = names[0]
        return self._model

    async def models(self) -> list[Listed]:
        """The models that the endpoint lists.

        Raises:
            ProviderError: it does not say; a failure is never an empty list.
        """
        target = Target(self._url("/models", ""), self.endpoint.model, self._secrets)
        try:
            with closing(Deadlines(self.endpoint.timeouts, target)) as deadlines:
                async with deadlines:
                    body = await self._get(target)
        except bodies.TooMuch as error:
            raise ProviderError(
                "provider_error",
                f"{target.shown} answered with {error}, which is no list of models.",
                "Check roo.provider.baseUrl.",
            ) from None
        except ProviderError as error:
            raise _without_list(error, target) from None
        found = listed(body)
        if found is None:
            raise ProviderError(
                "provider_error",
                f"{target.shown} did not answer with a list of models: {_excerpt(body)}",
                "Check roo.provider.baseUrl.",
            )
        return found

    async def window(self, found: Sequence[Listed]) -> int | None:
        """Tokens of the model's context, as its server tells them; `found` is its list of models."""
        entry = next((each for each in found if each.id == self._model), Listed(""))
        told = entry.window
        if entry.owner in NATIVE:
            path, read = NATIVE[entry.owner]
            root = re.sub(r"/v\d+$", "", self._base)
            with suppress(ProviderError, bodies.TooMuch, TimeoutError):
                async with asyncio.timeout(DETAIL_SECONDS):
                    body = await self._get(Target(root + path, self._model, self._secrets))
                    told = read(body, self._model) or told
        return told

    async def _get(self, target: Target) -> bytes:
        """The body of what is there.

        Raises:
            ProviderError: as the endpoint said.
            bodies.TooMuch: it is too long.
        """
        try:
            response = await self._client.get(
                target.url,
                cast_to=httpx2.Response,
                options=request_options(self._client),
                stream=True,
                stream_cls=openai.AsyncStream[object],
            )
            _check_kind(response, target)  # pyright: ignore[reportArgumentType] -- as in `_send`
            return await bodies.read(response, bodies.MAX_LIST)  # pyright: ignore[reportArgumentType]
        except (openai.OpenAIError, httpx2.HTTPError) as error:
            raise self._explain(error, target) from None

    # --- the request ------------------------------------------------------------------------

    async def _ask(
        self, request: ChatRequest, model: str, target: Target, deadlines: Deadlines
    ) -> httpx2.Response:
        """The response's head, having given up the fields that this endpoint refuses."""
        place = self._place(target)
        refused = known = self._memory.of(place)
        while True:
            body = self._encoder.body(
                request, model, streaming=self.endpoint.streaming, refused=refused
            )
            try:
                async with deadlines:
                    response = await self._post(target.url, body)
            except openai.APIStatusError as error:
                failure = self._explain(error, target)
                field = _refused_field(error, failure, body, self.endpoint)
                if field is None or field in refused:
                    raise failure from None
                refused |= {field}
                log.info("%s refuses %s: asking again without it", target.shown, field)
            except (openai.OpenAIError, httpx2.HTTPError) as error:
                raise self._explain(error, target) from None
            else:
                if refused != known:
                    self._memory.learn(place, refused - known)
                return response

    async def _post(self, url: str, body: bytes) -> httpx2.Response:
        """The open response, its body unread.

        A connection that was kept and turns out to be closed by the other side is replaced by a new
        one, once and without a word: nothing was answered on it.
        """
        now = asyncio.get_running_loop().time
        kept, self._kept_until = now() < self._kept_until, 0.0
        try:
            return await self._send(url, body)
        except openai.APIStatusError:
            self._kept_until = now() + KEEP_SECONDS
            raise
        except openai.APIConnectionError as error:
            cause = error.__cause__
            closed = isinstance(cause, httpx2.RemoteProtocolError) and "disconnected" in str(cause)
            if not (kept and closed):
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

    def _explain(self, error: Exception, target: Target) -> ProviderError:
        """The one place that names the client's exceptions."""
        proxy = self._client.proxy
        match error:
            case openai.APIStatusError() if error.status_code == 407 and proxy:
                return wants_credentials(proxy)
            case openai.APIStatusError():
                headers = {name.lower(): value for name, value in error.response.headers.items()}
                reply = Reply(error.status_code, _text(error.response), headers)
                return self._about_key(errors.refusal(reply, target))
            case openai.APITimeoutError() | httpx2.TimeoutException():
                through = f" through the proxy {Target(proxy).shown}" if proxy else ""
                return errors.timed_out(
                    "connect",
                    self.endpoint.timeouts.connect,
                    target,
                    waiting_for=f"No connection{through}",
                )
            case openai.APIConnectionError():
                return unreachable(error.__cause__ or error, target, proxy)
            case httpx2.DecodingError():
                return ProviderError(
                    "provider_error",
                    f"The answer of {target.shown} cannot be read: {error}.",
                    "Check roo.provider.baseUrl, or a proxy between.",
                )
            case httpx2.HTTPError():
                return unreachable(error, target, proxy)
            case _:
                said = errors.redact(str(error), target.secrets)
                return ProviderError("provider_error", f"The request failed: {said}.")

    def _about_key(self, error: ProviderError) -> ProviderError:
        """A refused key with where it came from, or that there is none."""
        name = self.endpoint.key_name
        if error.code != "invalid_api_key" or not name:
            return error
        message, hint = error.message, f"Check the key: it came from {name}."
        if self.endpoint.api_key is None:
            message = message.replace(
                "does not accept the API key", "wants an API key, none is set"
            )
            hint = (
                f"Set the environment variable {name} where the editor or roo-lsp is started, or see "
                "roo.provider.apiKeyEnv and apiKeyCommand."
            )
        return ProviderError(error.code, message, hint, status=error.status)

    def _target(self, model: str) -> Target:
        return Target(self._url("/chat/completions", model), model, self._secrets)

    def _place(self, target: Target) -> Place:
        """Where what is learnt belongs; nothing secret is in it."""
        return errors.redact(target.shown, target.secrets), target.model

    def _learn(self, place: Place, answer: AnswerReader) -> None:
        """Whether answers begin inside `<think>`: the next one is read by what this one showed."""
        known = self._memory.of(place)
        if answer.prefilled and PREFILLED not in known:
            self._memory.learn(place, {PREFILLED})
        elif answer.prefilled is False and PREFILLED in known:
            self._memory.forget(place)
            if rest := known - {PREFILLED}:
                self._memory.learn(place, rest)

    def forget(self, model: str) -> None:
        """Find out anew what the endpoint does not take."""
        self._memory.forget(self._place(self._target(model)))

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
    MARK,
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
            return RESULT_MARKS if name == MARK and "tool_result" in text else name
    if endpoint.replay_reasoning == "auto" and re.search(
        r"\breasoning(_content|_details)?\b", text
    ):
        fields = (b'"reasoning_content":', b'"reasoning":', b'"reasoning_details":')
        return REPLAY if any(field in body for field in fields) else None
    return None


# --- the answer ---------------------------------------------------------------------------------


async def _read(
    body: AsyncGenerator[bytes], answer: AnswerReader, deadlines: Deadlines, target: Target
) -> AsyncGenerator[Delta]:
    """The deltas in a response's body, as they come, and how it ended."""
    reader = BodyReader()
    while not reader.done:
        chunk = await _next(body, deadlines, target)
        came = False
        for payload in _payloads(reader, chunk, target):
            for delta in _deltas(payload, answer, target):
                deadlines.began = came = True
                yield delta
        deadlines.heard(data=came, finished=answer.finish is not None)
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


def _page(target: Target) -> "WebPage":
    return WebPage(
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
    return [*answer.end(), *usage, Finished(answer.finish)]


def warm_up() -> None:
    """Make what is made once: the SDK's lazy parts, TLS, the event loop's backend; in a thread."""
    OpenAICompatible(Endpoint("http://127.0.0.1/v1", "x"))
    # What httpcore2 would import on the loop, with the first connection.
    importlib.import_module("anyio._backends._asyncio")


def _without_list(error: ProviderError, target: Target) -> ProviderError:
    """The error for an endpoint that is there and has no list of models."""
    if error.status not in {404, 405, 501}:
        return error
    hint = error.hint if "/v1" in error.hint else "Set roo.provider.modelId; it needs no list."
    return ProviderError(
        error.code,
        f"The endpoint has no list of models: {target.shown} answers HTTP {error.status}.",
        hint,
        status=error.status,
    )


def _text(response: httpx2.Response) -> str:
    try:
        return response.text
    except httpx2.StreamError:
        return ""


def _excerpt(body: bytes) -> str:
    return repr(body[:120].decode("utf-8", "replace"))
