"""Requests and responses over the openai client: what is made with it, and all that can go wrong.

The SDK makes the requests (addresses, authentication, connections, errors); bodies are encoded and
read by others here, because what the SDK does there costs more with every message and hides broken
answers. Importing this loads openai, which takes as long as the rest of the start.
"""

import asyncio
import re

import httpx2
import openai

from roo_lsp.providers import bodies, errors
from roo_lsp.providers.connection import (
    KEEP_SECONDS,
    address,
    azure_url,
    client,
    means_this_machine,
    not_connected,
    request_options,
    secrets,
    wants_credentials,
    without_blanks,
)
from roo_lsp.providers.endpoint import Endpoint
from roo_lsp.providers.errors import ProviderError, Reply, RequestTarget
from roo_lsp.providers.pulse import Slots
from roo_lsp.providers.reading import check_kind


class Exchange:
    """The way to one endpoint. Close it in the end."""

    def __init__(self, endpoint: Endpoint) -> None:
        """Nothing is sent yet.

        Raises:
            ProviderError: `settings_invalid`, for an address, key, header or certificate that
                cannot be used.
        """
        self.endpoint = endpoint = without_blanks(endpoint)
        self.base, query = address(endpoint)
        self.client = client(endpoint, self.base, query)
        self.secrets = secrets(endpoint)
        self._kept_until = 0.0
        """When a connection that was kept from the last request is given up, on the loop's clock."""

    async def close(self) -> None:
        """Close the connections."""
        await self.client.close()

    def target(self, path: str, model: str) -> RequestTarget:
        """What a request goes to."""
        url = self.base + path
        if self.endpoint.azure_api_version is not None:
            url = azure_url(self.base, path, model)
        return RequestTarget(url, model, self.secrets)

    def slots(self) -> Slots | None:
        """What tells how far a server on this machine is; None for others."""
        if not means_this_machine(self.base):
            return None
        target = RequestTarget(re.sub(r"/v\d+$", "", self.base) + "/slots", "", self.secrets)
        return lambda: self.get(target)

    def ended(self) -> None:
        """An answer was read to its end: its connection is kept for a while."""
        self._kept_until = asyncio.get_running_loop().time() + KEEP_SECONDS

    async def get(self, target: RequestTarget) -> bytes:
        """The body of what is there.

        Raises:
            ProviderError: as the endpoint said.
            bodies.TooMuch: it is too long.
        """
        try:
            response = await self.client.get(
                target.url,
                cast_to=httpx2.Response,
                options=request_options(self.client),
                stream=True,
                stream_cls=openai.AsyncStream[object],
            )
            check_kind(response, target)  # pyright: ignore[reportArgumentType] -- as in `_send`
            return await bodies.read(response, bodies.MAX_LIST)  # pyright: ignore[reportArgumentType]
        except (openai.OpenAIError, httpx2.HTTPError) as error:
            raise self._explain(error, target) from None

    async def post(self, target: RequestTarget, body: bytes) -> httpx2.Response:
        """The open response, its body unread.

        Raises:
            ProviderError: as the endpoint said, or why nothing came of it.
        """
        try:
            return await self._post(target.url, body)
        except (openai.OpenAIError, httpx2.HTTPError) as error:
            raise self._explain(error, target) from None

    async def _post(self, url: str, body: bytes) -> httpx2.Response:
        """The response to the first request that gets one.

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
        return await self.client.post(
            url,
            cast_to=httpx2.Response,
            content=body,
            options=request_options(self.client),
            stream=True,
            stream_cls=openai.AsyncStream[object],
        )  # pyright: ignore[reportReturnType] -- `cast_to` decides, which the overloads do not say

    def _explain(self, error: Exception, target: RequestTarget) -> ProviderError:
        """The one place that names the client's exceptions."""
        proxy = self.client.proxy
        match error:
            case openai.APIStatusError() if error.status_code == 407 and proxy:
                return wants_credentials(proxy)
            case openai.APIStatusError():
                headers = {name.lower(): value for name, value in error.response.headers.items()}
                reply = Reply(error.status_code, _text(error.response), headers)
                return self._about_key(errors.refusal(reply, target))
            case openai.APITimeoutError() | httpx2.TimeoutException():
                through = f" through the proxy {RequestTarget(proxy).shown}" if proxy else ""
                return errors.timed_out(
                    "connect",
                    self.endpoint.timeouts.connect,
                    target,
                    waiting_for=f"No connection{through}",
                )
            case openai.APIConnectionError():
                return not_connected(error.__cause__ or error, target, proxy)
            case httpx2.DecodingError():
                return ProviderError(
                    "provider_error",
                    f"The answer of {target.shown} cannot be read: {error}.",
                    "Check roo.provider.baseUrl, or a proxy between.",
                )
            case httpx2.HTTPError():
                return not_connected(error, target, proxy)
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


def _text(response: httpx2.Response) -> str:
    try:
        return response.text
    except httpx2.StreamError:
        return ""
