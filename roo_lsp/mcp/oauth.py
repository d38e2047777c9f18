"""Logging in to a server by OAuth, as the SDK does it: in the browser, with what is got kept for its origin alone.

Nothing of it happens unasked: without a login that the user wants, what was kept is used, and a server that
wants more is told to want one.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from hashlib import sha256
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

from mcp.client.auth import OAuthClientProvider
from mcp.shared.auth import (
    AuthorizationCodeResult,
    OAuthClientInformationFull,
    OAuthClientMetadata,
    OAuthToken,
)

from roo_lsp.mcp.catalog import Failed
from roo_lsp.mcp.entries import Http
from roo_lsp.workspace.private import write_private
from roo_lsp.workspace.trust import origin_of

LOGIN_SECONDS = 300.0
"""How long a person has in their browser."""
_ANSWER = "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{}"
DONE = "You are logged in, and may close this page."


class KeptTokens:
    """The SDK's `TokenStorage`: one file for one address, for its owner alone."""

    def __init__(self, folder: Path, url: str, learn: Callable[[str], None]) -> None:
        self._origin = origin_of(url)
        self._learn = learn
        name = sha256(url.encode("utf-8", "surrogatepass")).hexdigest()[:32]
        self.file = folder / "mcp-logins" / f"{name}.json"

    @property
    def is_there(self) -> bool:
        return bool(self._read().get("tokens"))

    def forget(self) -> None:
        """A login begins anew: nothing of the one before it is used."""
        self.file.unlink(missing_ok=True)

    async def get_tokens(self) -> OAuthToken | None:
        found = self._read().get("tokens")
        tokens = OAuthToken.model_validate(found) if found else None
        if tokens is not None:
            self._hide(tokens)
        return tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self._hide(tokens)
        self._write("tokens", tokens.model_dump(mode="json", exclude_none=True))

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        found = self._read().get("client")
        return OAuthClientInformationFull.model_validate(found) if found else None

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self._write("client", client_info.model_dump(mode="json", exclude_none=True))

    def _hide(self, tokens: OAuthToken) -> None:
        for each in (tokens.access_token, tokens.refresh_token):
            self._learn(each or "")

    def _read(self) -> dict[str, Any]:
        try:
            content = cast("dict[str, Any]", json.loads(self.file.read_text("utf-8")))
            return content if content.get("origin") == self._origin else {}
        except (OSError, ValueError, AttributeError):
            return {}

    def _write(self, key: str, value: object) -> None:
        write_private(self.file, json.dumps(self._read() | {"origin": self._origin, key: value}))


class _Browser:
    """The user's way through the browser and back: a page of theirs, and an address of this machine."""

    def __init__(self, open_url: Callable[[str], Awaitable[bool]]) -> None:
        self._open_url = open_url
        self._server: asyncio.Server | None = None
        self._came: asyncio.Future[AuthorizationCodeResult] = (
            asyncio.get_running_loop().create_future()
        )

    async def listen(self) -> str:
        """The address that the login comes back to."""
        self._server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        return f"http://127.0.0.1:{port}/callback"

    async def go(self, url: str) -> None:
        await self._open_url(url)

    async def back(self) -> AuthorizationCodeResult:
        try:
            async with asyncio.timeout(LOGIN_SECONDS):
                return await self._came
        except TimeoutError:
            raise Failed("nobody logged in within 5 minutes", login=True) from None
        finally:
            self.close()

    def close(self) -> None:
        if self._server is not None:
            self._server.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            line = (await reader.readline()).decode("latin-1").split()
            parts = urlsplit(line[1] if len(line) > 1 else "")
            fields = {key: values[0] for key, values in parse_qs(parts.query).items()}
            said = DONE
            if parts.path != "/callback" or self._came.done():
                said = "There is nothing here."
            elif "code" in fields:
                self._came.set_result(
                    AuthorizationCodeResult(
                        code=fields["code"], state=fields.get("state"), iss=fields.get("iss")
                    )
                )
            else:
                why = fields.get("error_description") or fields.get("error") or "no code came back"
                said = f"The login failed: {why}"
                self._came.set_exception(Failed(f"the login failed: {why[:200]}", login=True))
            writer.write(_ANSWER.format(len(said.encode()), said).encode())
            await writer.drain()
        except (OSError, ValueError):
            pass
        finally:
            writer.close()


async def auth_for(
    reach: Http,
    folder: Path,
    open_url: Callable[[str], Awaitable[bool]],
    learn: Callable[[str], None],
    *,
    login: bool,
) -> OAuthClientProvider | None:
    """What shows a server who the user is; None where they have not logged in, and do not want to now."""
    kept = KeptTokens(folder, reach.url, learn)
    if any(name.casefold() == "authorization" for name in reach.headers):
        return None  # their own key is their login
    if not login and not kept.is_there:
        return None
    address = "http://127.0.0.1/callback"
    browser = _Browser(open_url)
    if login:
        kept.forget()
        address = await browser.listen()
    metadata = OAuthClientMetadata.model_validate(
        {"client_name": "roo-lsp", "redirect_uris": [address], "token_endpoint_auth_method": "none"}
    )
    handlers = (browser.go, browser.back) if login else (_not_now, browser.back)
    return OAuthClientProvider(reach.url, metadata, kept, *handlers)


async def _not_now(url: str) -> None:
    del url
    raise Failed("it wants you to log in again", login=True)
