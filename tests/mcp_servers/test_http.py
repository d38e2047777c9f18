"""Streamable HTTP, both eras, and a login by OAuth, against the SDK's own servers on loopback."""

import asyncio
import json
import stat
from collections.abc import Sequence
from pathlib import Path

import httpx2

from roo_lsp.mcp.entries import ServerSource, entries
from roo_lsp.mcp.servers import McpServers, ServerSurroundings
from tests.support import mcp_http
from tests.support.mcp_http import Logins, http_server


class Person:
    """Answers questions, and logs in where a page is opened for them."""

    def __init__(self) -> None:
        self.pages: list[asyncio.Task[str]] = []
        self.learnt: list[str] = []
        self.told: list[str] = []
        self.asked: list[str] = []

    async def ask(self, question: str, suggestions: Sequence[str], *, own: bool = False) -> str:
        self.asked.append(question)
        return "Ann"

    async def open_url(self, url: str) -> bool:
        self.pages.append(asyncio.create_task(self._log_in(url)))
        return True

    async def _log_in(self, url: str) -> str:
        async with httpx2.AsyncClient(follow_redirects=True) as browser:
            return (await browser.get(url)).text

    def servers(self, folder: Path) -> McpServers:
        return McpServers(
            ServerSurroundings(
                start=lambda work: work.close(),
                tell=self.told.append,
                roots=lambda: [folder],
                open_url=self.open_url,
                state_dir=folder,
                learn=self.learnt.append,
            )
        )


async def test_a_server_over_http_works_in_both_eras(tmp_path: Path) -> None:
    person = Person()
    async with http_server() as url:
        servers = person.servers(tmp_path)
        source = ServerSource("test", {"x": {"url": url, "headers": {"X-Key": "canary"}}}, tmp_path)
        servers.configure(*entries([source], {}))
        await servers.settled(None, 60)
        server = servers.get("x")
        assert server is not None
        try:
            for era in ("2025-11-25", "2026-07-28"):
                await server.stop()
                server._modern = era == "2026-07-28"
                server.start()
                await server.settled()
                assert (server.state, server.catalog.protocol) == ("connected", era), server.error
                steps: list[str] = []
                hello = await server.call("greet", {"who": "Bo"}, steps.append, person)
                assert (hello.text, steps) == ("Hello, Bo!", ["1/2 half way\n"])
                assert (await server.call("ask", {}, steps.append, person)).text == "You are Ann."
                mcp_http.CANCELLED.clear()
                waiting = asyncio.create_task(server.call("wait", {}, steps.append, person))
                await asyncio.wait({waiting}, timeout=0.5)
                waiting.cancel()
                async with asyncio.timeout(60):
                    await mcp_http.CANCELLED.wait()
        finally:
            await servers.close()
    assert person.asked == ["The MCP server x asks:\nWho?\nName"] * 2
    assert "canary" in person.learnt


async def test_a_login_is_asked_for_made_in_the_browser_and_kept_for_its_origin_alone(
    tmp_path: Path,
) -> None:
    person = Person()
    async with http_server(Logins()) as url:
        servers = person.servers(tmp_path)
        servers.configure(*entries([ServerSource("test", {"x": {"url": url}}, tmp_path)], {}))
        await servers.settled(None, 60)
        server = servers.get("x")
        assert server is not None
        try:
            assert (server.state, server.login, person.pages) == ("failed", True, [])
            assert any("--login" in each for each in person.told)
            await servers.restart("x", login=True)
            await servers.settled(None, 60)
            assert server.state == "connected", server.error
            assert "You are logged in" in await person.pages[0]
            await servers.restart("x")  # by what was kept
            await servers.settled(None, 60)
            assert server.state == "connected", server.error
            assert len(person.pages) == 1
        finally:
            await servers.close()
    [file] = (tmp_path / "mcp-logins").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    kept = json.loads(file.read_text())
    assert kept["origin"] == url.removesuffix("/mcp")
    assert kept["tokens"]["access_token"] in person.learnt
