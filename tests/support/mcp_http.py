"""MCP servers over HTTP on loopback, by the SDK: both eras in one, and one that wants a login."""

import asyncio
import secrets
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import uvicorn
from mcp.server.auth.provider import (
    AccessToken,
    AuthorizationCode,
    AuthorizationParams,
    RefreshToken,
    construct_redirect_uri,
)
from mcp.server.auth.settings import AuthSettings, ClientRegistrationOptions
from mcp.server.mcpserver import Context, Elicit, MCPServer, Resolve
from mcp.shared.auth import OAuthClientInformationFull, OAuthToken
from pydantic import AnyHttpUrl, BaseModel

CANCELLED = asyncio.Event()
"""Set when a call of `wait` was cancelled."""


class Name(BaseModel):
    name: str


async def asks_for_name() -> Elicit[Name]:
    return Elicit("Who?", Name)


class Logins:
    """An authorization server of the SDK's kind, where everybody is let in."""

    def __init__(self) -> None:
        self.clients: dict[str, OAuthClientInformationFull] = {}
        self.codes: dict[str, AuthorizationCode] = {}
        self.tokens: dict[str, AccessToken] = {}

    async def get_client(self, client_id: str) -> OAuthClientInformationFull | None:
        return self.clients.get(client_id)

    async def register_client(self, client_info: OAuthClientInformationFull) -> None:
        self.clients[str(client_info.client_id)] = client_info

    async def authorize(
        self, client: OAuthClientInformationFull, params: AuthorizationParams
    ) -> str:
        code = secrets.token_hex(20)
        self.codes[code] = AuthorizationCode(
            code=code,
            scopes=params.scopes or [],
            expires_at=time.time() + 300,
            client_id=str(client.client_id),
            code_challenge=params.code_challenge,
            redirect_uri=params.redirect_uri,
            redirect_uri_provided_explicitly=params.redirect_uri_provided_explicitly,
            resource=params.resource,
        )
        return construct_redirect_uri(str(params.redirect_uri), code=code, state=params.state)

    async def load_authorization_code(
        self, client: OAuthClientInformationFull, authorization_code: str
    ) -> AuthorizationCode | None:
        return self.codes.get(authorization_code)

    async def exchange_authorization_code(
        self, client: OAuthClientInformationFull, authorization_code: AuthorizationCode
    ) -> OAuthToken:
        token = f"canary-{secrets.token_hex(20)}"
        self.tokens[token] = AccessToken(
            token=token,
            client_id=str(client.client_id),
            scopes=authorization_code.scopes,
            resource=authorization_code.resource,
        )
        return OAuthToken(access_token=token, expires_in=3600)

    async def load_refresh_token(self, client: Any, refresh_token: str) -> RefreshToken | None:
        return None

    async def exchange_refresh_token(self, client: Any, refresh_token: Any, scopes: Any) -> Any:
        raise NotImplementedError

    async def load_access_token(self, token: str) -> AccessToken | None:
        return self.tokens.get(token)

    async def revoke_token(self, token: Any) -> None:
        self.tokens.pop(token.token, None)


@asynccontextmanager
async def http_server(logins: Logins | None = None) -> AsyncGenerator[str]:
    """Its address."""
    sock = uvicorn.Config(app="x", host="127.0.0.1", port=0, log_level="critical").bind_socket()
    port = sock.getsockname()[1]
    origin = f"http://127.0.0.1:{port}"
    more: dict[str, Any] = {}
    if logins is not None:
        more = {
            "auth_server_provider": logins,
            "auth": AuthSettings(
                issuer_url=AnyHttpUrl(origin),
                resource_server_url=AnyHttpUrl(f"{origin}/mcp"),
                client_registration_options=ClientRegistrationOptions(enabled=True),
                validate_token_resource=False,
            ),
        }
    server = MCPServer("http", instructions="Greet.", **more)

    @server.tool()
    async def greet(ctx: Context, who: str) -> str:
        await ctx.report_progress(1, 2, "half way")
        return f"Hello, {who}!"

    @server.tool()
    async def ask(who: Annotated[Name, Resolve(asks_for_name)]) -> str:
        return f"You are {who.name}."

    @server.tool()
    async def wait(ctx: Context) -> str:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.set()
            raise
        return "never"

    cancelled = CANCELLED
    config = uvicorn.Config(
        server.streamable_http_app(), log_level="critical", ws="none", timeout_graceful_shutdown=1
    )
    web = uvicorn.Server(config)
    serving = asyncio.create_task(web.serve(sockets=[sock]))
    try:
        while not web.started:  # noqa: ASYNC110 -- uvicorn has no event for it
            await asyncio.sleep(0.01)
        yield f"{origin}/mcp"
    finally:
        web.should_exit = True
        await asyncio.wait({serving}, timeout=10)
        sock.close()
