"""The model behind any OpenAI-compatible endpoint: one request, one stream of deltas.

By chat completions or the Responses API, as it is set or the endpoint says; all else is the same.
What an endpoint refuses of a request is left out or put in another form, once, and remembered.
"""

import asyncio
import importlib
import logging
import re
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing, closing, suppress
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

from roo_lsp.agent.ports import AskedAgain, ChatRequest, Delta
from roo_lsp.providers import bodies, errors
from roo_lsp.providers.answers import AnswerReader
from roo_lsp.providers.deadlines import Deadlines
from roo_lsp.providers.endpoint import Endpoint
from roo_lsp.providers.errors import ProviderError, RequestTarget
from roo_lsp.providers.exchange import Exchange
from roo_lsp.providers.listing import NATIVE, Listed, models_in
from roo_lsp.providers.memory import PREFILLED, RESPONSES, EndpointModel, Memory
from roo_lsp.providers.pictures import EVERY_IMAGE, is_about_images, newest_images
from roo_lsp.providers.pulse import Pulse
from roo_lsp.providers.reading import check_kind, deltas_in, excerpt
from roo_lsp.providers.refusals import (
    has_no_responses,
    refused_form,
    refuses_images,
    wants_responses,
)
from roo_lsp.providers.requests import Encoder
from roo_lsp.providers.responses_answers import ResponsesReader
from roo_lsp.providers.responses_requests import ResponsesEncoder

log = logging.getLogger(__name__)

CHAT, RESPONSES_PATH = "/chat/completions", "/responses"

DETAIL_SECONDS = 5.0
"""How long a server may take to tell how much context a model has."""


class OpenAICompatible:
    """A `ChatModel` over HTTP. Use as an async context manager, or call `close`."""

    def __init__(self, endpoint: Endpoint, memory: Memory | None = None) -> None:
        """A model of the endpoint; nothing is sent yet. `memory` is what is known of endpoints.

        Raises:
            ProviderError: `settings_invalid`, for an address, key, header or certificate that
                cannot be used.
        """
        self._exchange = Exchange(endpoint)
        self.endpoint = self._exchange.endpoint
        self._model = endpoint.model
        self._wires: dict[tuple[str, str], _Wire] = {}
        self._memory = memory or Memory()

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
        await self._exchange.close()

    def stream(self, request: ChatRequest) -> AsyncGenerator[Delta]:
        """The answer as it comes. Closing the generator hangs up at once.

        Raises:
            ProviderError: in the words for the user.
        """
        return self._stream(request)

    async def _stream(self, request: ChatRequest) -> AsyncGenerator[Delta]:
        """The answer, having given up what this endpoint refuses of the request."""
        model = await self.model()
        way = self._way(self._wire(model))
        pulse = Pulse(request.at_work, self._exchange.slots())
        deadlines = Deadlines(self.endpoint.timeouts, way.wire.target)
        with closing(pulse), closing(deadlines):
            while True:
                before, way.body = (
                    way.body,
                    way.wire.encoder.body(
                        request, model, streaming=self.endpoint.streaming, refused=way.refused
                    ),
                )
                begun = False
                try:
                    answer = self._answer(way.wire, way.body, deadlines, pulse)
                    async with aclosing(answer) as deltas:
                        async for delta in deltas:
                            begun = True
                            yield delta
                except ProviderError as failure:
                    if begun or way.body == before:
                        raise
                    if reason := self._again(way, failure, request):
                        yield AskedAgain(reason)
                else:
                    self._worked(way)
                    return

    async def _answer(
        self, wire: "_Wire", body: bytes, deadlines: Deadlines, pulse: Pulse
    ) -> AsyncGenerator[Delta]:
        """One answer, to exactly these bytes."""
        target = wire.target
        async with deadlines:
            response = await self._exchange.post(target, body)
        place, stream = self._place(target), response.aiter_bytes()
        try:
            check_kind(response, target)
            answer = wire.reader(PREFILLED in self._memory.of(place))
            async with aclosing(deltas_in(stream, answer, deadlines, target, pulse)) as deltas:
                async for delta in deltas:
                    yield delta
            self._learn(place, answer)
            self._exchange.ended()
        finally:
            # A stream that was left early is closed here, and with it its connection.
            await stream.aclose()
            await response.aclose()

    def _way(self, wire: "_Wire") -> "_Way":
        known = self._memory.of(self._place(wire.target))
        return _Way(wire, known, known)

    def _again(self, way: "_Way", failure: ProviderError, request: ChatRequest) -> str:
        """Have the next try made in another way; what people are told of that, if anything.

        Raises:
            ProviderError: the failure, where no other way would help.
        """
        other = None if way.switched else self._other(way.wire, failure)
        if other is not None:
            known = self._memory.of(self._place(other.target))
            way.wire, way.refused, way.known, way.switched = other, known, known, True
            return f"{failure.message} It is asked through {other.name} now."
        given_up = self._given_up(way, failure, request)
        if not given_up:
            raise self._about_api(failure)
        way.refused |= given_up
        shown = way.wire.target.shown
        log.info("%s refuses %s: asking again without", shown, ", ".join(given_up))
        return _told(failure, given_up)

    def _given_up(
        self, way: "_Way", failure: ProviderError, request: ChatRequest
    ) -> frozenset[str]:
        """What the next try is made without; nothing, where the refusal is about something else."""
        count = max(1, sum(map(is_about_images, way.refused - way.known)))  # soon all of them
        images = newest_images(request.messages, self.endpoint, way.refused, count)
        which = refuses_images(failure) if images else None
        if which == EVERY_IMAGE:
            return frozenset({EVERY_IMAGE})
        if which is not None:
            return images
        form = refused_form(failure, way.body, way.wire.encoder, self.endpoint, way.refused)
        return frozenset({form}) - way.refused if form else frozenset()

    def _worked(self, way: "_Way") -> None:
        """An answer came: what had to be found out for it is remembered."""
        if way.refused != way.known:
            self._memory.learn(self._place(way.wire.target), way.refused - way.known)
        if way.switched:
            self._learn_api(way.wire)

    # --- the two APIs -----------------------------------------------------------------------

    def _wire(self, model: str) -> "_Wire":
        """The API that is set; with `auto` chat completions, or what was learnt of this model."""
        api = self.endpoint.api
        if api == "auto":
            chat = self._place(self._exchange.target(CHAT, model))
            api = "responses" if RESPONSES in self._memory.of(chat) else "chat"
        return self._wire_of(api, model)

    def _wire_of(self, api: str, model: str) -> "_Wire":
        target = self._exchange.target(CHAT if api == "chat" else RESPONSES_PATH, model)
        if (wire := self._wires.get((api, model))) is None:
            if api == "chat":
                wire = _Wire(
                    api,
                    target,
                    "chat completions",
                    Encoder(self.endpoint),
                    lambda prefilled: AnswerReader(prefilled=prefilled),
                )
            else:
                source, limit = " ".join(self._place(target)), self.endpoint.max_output_tokens
                wire = _Wire(
                    api,
                    target,
                    "the Responses API",
                    ResponsesEncoder(self.endpoint, source),
                    lambda prefilled: ResponsesReader(source, prefilled=prefilled, limit=limit),
                )
            self._wires[api, model] = wire
        return wire

    def _other(self, wire: "_Wire", failure: ProviderError) -> "_Wire | None":
        """The other API, where the endpoint says that the model wants it, and the user has a choice."""
        if self.endpoint.api != "auto":
            return None
        model = wire.target.model
        if wire.api == "chat":
            return self._wire_of("responses", model) if wants_responses(failure) else None
        return self._wire_of("chat", model) if has_no_responses(failure) else None

    def _learn_api(self, wire: "_Wire") -> None:
        """The endpoint answers this model through this API."""
        chat = self._place(self._exchange.target(CHAT, wire.target.model))
        if wire.api == "responses":
            self._memory.learn(chat, {RESPONSES})
        else:
            self._memory.unlearn(chat, {RESPONSES})

    def _about_api(self, failure: ProviderError) -> ProviderError:
        """A failure with the setting in its hint, where it is about the API that the user chose."""
        set_to = self.endpoint.api
        if (set_to == "chat" and wants_responses(failure)) or (
            set_to == "responses" and failure.status in {404, 405, 501}
        ):
            hint = f'Set roo.provider.api to "auto": it is "{set_to}", and the endpoint has no such API '
            return failure.hinting(f"{hint}for this model.")
        return failure

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
        target = replace(self._exchange.target("/models", ""), model=self.endpoint.model)
        try:
            with closing(Deadlines(self.endpoint.timeouts, target)) as deadlines:
                async with deadlines:
                    body = await self._exchange.get(target)
        except bodies.TooMuch as error:
            raise ProviderError(
                "provider_error",
                f"{target.shown} answered with {error}, which is no list of models.",
                "Check roo.provider.baseUrl.",
            ) from None
        except ProviderError as error:
            raise _without_list(error, target) from None
        found = models_in(body)
        if found is None:
            raise ProviderError(
                "provider_error",
                f"{target.shown} did not answer with a list of models: {excerpt(body)}",
                "Check roo.provider.baseUrl.",
            )
        return found

    async def window(self, found: Sequence[Listed]) -> int | None:
        """Tokens of the model's context, as its server tells them; `found` is its list of models."""
        entry = next((each for each in found if each.id == self._model), Listed(""))
        told = entry.window
        if entry.owner in NATIVE:
            path, read = NATIVE[entry.owner]
            root = re.sub(r"/v\d+$", "", self._exchange.base)
            with suppress(ProviderError, bodies.TooMuch, TimeoutError):
                async with asyncio.timeout(DETAIL_SECONDS):
                    body = await self._exchange.get(
                        RequestTarget(root + path, self._model, self._exchange.secrets)
                    )
                    told = read(body, self._model) or told
        return told

    def _place(self, target: RequestTarget) -> EndpointModel:
        """Where what is learnt belongs; nothing secret is in it."""
        return errors.redact(target.shown, target.secrets), target.model

    def _learn(self, place: EndpointModel, answer: AnswerReader) -> None:
        """Whether answers begin inside `<think>`: the next one is read by what this one showed."""
        known = self._memory.of(place)
        if answer.prefilled and PREFILLED not in known:
            self._memory.learn(place, {PREFILLED})
        elif answer.prefilled is False and PREFILLED in known:
            self._memory.unlearn(place, {PREFILLED})

    def forget(self, model: str) -> None:
        """Find out anew what the endpoint does not take."""
        for path in (CHAT, RESPONSES_PATH):
            self._memory.forget(self._place(self._exchange.target(path, model)))


@dataclass(frozen=True, slots=True)
class _Wire:
    """One of the two APIs, for one model."""

    api: str
    target: RequestTarget
    name: str
    """For people."""
    encoder: Encoder
    reader: Callable[[bool], AnswerReader]


@dataclass(slots=True)
class _Way:
    """How one request is made, as far as it has been found out."""

    wire: _Wire
    known: frozenset[str]
    """What the endpoint was known to refuse."""
    refused: frozenset[str]
    body: bytes = b""
    switched: bool = False
    """It is made through the other API than it was at first."""


def _told(failure: ProviderError, given_up: frozenset[str]) -> str:
    """What people are told of a request that is made again; empty where nothing is lost by it."""
    if not any(map(is_about_images, given_up)):
        return ""
    what = "any image" if EVERY_IMAGE in given_up else f"{len(given_up)} image(s)"
    return f"{failure.message} It is asked again without {what}; such an image is not sent again."


def warm_up() -> None:
    """Make what is made once: the SDK's lazy parts, TLS, the event loop's backend; in a thread."""
    OpenAICompatible(Endpoint("http://127.0.0.1/v1", "x"))
    # What httpcore2 would import on the loop, with the first connection.
    importlib.import_module("anyio._backends._asyncio")


def _without_list(error: ProviderError, target: RequestTarget) -> ProviderError:
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
