"""Servers with bad habits: what each comes to, and that the one beside them is none the worse for it."""

import asyncio
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from roo_lsp.agent.errors import ToolError
from roo_lsp.mcp import stdio
from roo_lsp.mcp.entries import ServerSource, entries
from roo_lsp.mcp.servers import McpServer, McpServers, ServerSurroundings
from tests.support import mcp_server

PROGRAM = [sys.executable, mcp_server.__file__]


class Person:
    def __init__(self) -> None:
        self.told: list[str] = []

    async def ask(self, question: str, suggestions: Sequence[str], *, own: bool = False) -> str:
        return "Decline"

    async def open_url(self, url: str) -> bool:
        return True


PERSON = Person()


def small(*habits: str, **more: Any) -> dict[str, Any]:
    return {"command": PROGRAM[0], "args": [PROGRAM[1], *habits], **more}


@asynccontextmanager
async def running(
    folder: Path, raw: dict[str, Any], seconds: float = 30
) -> AsyncGenerator[McpServers]:
    person = Person()
    servers = McpServers(
        ServerSurroundings(
            start=lambda work: work.close(),
            tell=person.told.append,
            roots=lambda: [folder],
            open_url=person.open_url,
            state_dir=folder,
            connect_seconds=seconds,
        )
    )
    servers.configure(*entries([ServerSource("test", raw, folder)], {}))
    try:
        await servers.settled(None, 60)
        yield servers
    finally:
        await servers.close()
    children = psutil.Process().children(recursive=True)
    _, alive = psutil.wait_procs(
        [each for each in children if str(PROGRAM[1]) in " ".join(_line(each))], 10
    )
    assert not alive


def _line(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


async def asked(
    server: McpServer | None, tool: str, shown: list[str] | None = None, **given: Any
) -> str:
    assert server is not None
    shown = [] if shown is None else shown
    try:
        return (await server.call(tool, given, shown.append, PERSON)).text
    except ToolError as error:
        return error.text


async def test_each_bad_habit_is_told_and_costs_its_server_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stdio, "MAX_LINE", 2_000_000)
    habits = (
        "ends",
        "floods",
        "endless",
        "noise",
        "lies",
        "many",
        "changes",
        "stays",
    )
    servers = {habit: small(habit) for habit in habits}
    servers |= {
        "absent": {"command": "no-such-program"},
        "unreached": {"url": "http://127.0.0.1:9/mcp"},
    }
    servers |= {"placeless": small(cwd="nowhere"), "well": small()}
    async with running(tmp_path, servers) as found:
        facts = {each.entry.name: each.json() for each in found.all}
        assert await asked(found.get("well"), "echo", text="hi") == "hi"
        why = {name: each["error"] for name, each in facts.items() if each["state"] == "failed"}
        assert why.pop("unreached").startswith("http://127.0.0.1:9/mcp cannot be reached")
        assert why.pop("floods").startswith(
            "it printed 4001 KB to stdout that is no message of MCP"
        )
        assert why.pop("endless").startswith("it sends a line without an end")
        assert why == {
            "ends": "it ended with exit code 3; the last it said: no licence found",
            "absent": "the program no-such-program is not installed, or not on the PATH",
            "placeless": f"its folder {tmp_path}/nowhere does not exist",
        }
        told = found.around.tell.__self__  # type: ignore[attr-defined]
        assert any(
            "MCP server ends cannot be used: it ended with exit code 3" in each for each in told
        )
        assert len(facts["many"]["tools"]) == 512
        assert facts["many"]["leftOut"] == ["Of 10000 tools the first 512 are taken."]
        assert [each["name"] for each in facts["lies"]["tools"]] == ["echo"]
        assert facts["lies"]["tools"][0]["description"] == "\\x1b[31mAgain\\u202e"
        assert len(facts["lies"]["leftOut"]) == 6
        assert "Starting up! {not json}" in facts["noise"]["stderr"]
        assert await asked(found.get("noise"), "echo", text="hi") == "hi"
        assert await asked(found.get("changes"), "echo", text="hi") == "hi"


async def test_one_that_never_answers_is_given_up(tmp_path: Path) -> None:
    async with running(tmp_path, {"x": small("hangs")}, 0.5) as found:
        server = found.get("x")
        assert server is not None
        assert server.error.startswith("it did not answer within 0.5 seconds")


async def test_an_answer_that_is_too_long_a_silent_one_and_an_end_fail_their_call_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(tmp_path, {"x": small(), "slow": small(timeout=1)}) as found:
        server = found.get("x")
        monkeypatch.setattr(stdio, "MAX_LINE", 1_000_000)
        beside = asyncio.create_task(asked(server, "echo", text="beside"))
        told = await asked(server, "large", bytes=3_000_000)
        assert "the answer has 3000" in told
        assert "at most 1000000 are taken" in told
        assert await beside == "beside"
        assert "silent for 1 seconds" in await asked(
            found.get("slow"), "slow", file=str(tmp_path / "told")
        )
        steps: list[str] = []
        assert await asked(server, "count", steps, to=3) == "counted"
        assert steps == ["1/3 step 1\n", "2/3 step 2\n", "3/3 step 3\n"]
        ended = await asked(server, "dies")
        assert "it ended with exit code 7; the last it said: about to end" in ended
        assert "Whether the call was done is not known" in ended
        assert server is not None
        assert (server.state, len(server.catalog.tools)) == ("stopped", 11)
        assert await asked(server, "echo", text="again") == "again"  # it was started again
        await asked(server, "dies")
        await asked(server, "dies")  # started again for this, and gone without an answer
        assert "It is not running" in await asked(server, "echo", text="no more")
        [now] = [await found.restart("x")]
        await now.settled()
        assert await asked(now, "echo", text="by hand") == "by hand"
    assert (tmp_path / "told").read_text() == "caller cancelled"


async def test_a_server_has_nothing_of_our_environment_but_what_it_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "canary-key")
    async with running(tmp_path, {"x": small("stays", env={"MINE": "1"})}) as found:
        told = await asked(found.get("x"), "env")
        assert "canary-key" not in told
        assert '"MINE": "1"' in told
        assert tmp_path.as_uri() in await asked(found.get("x"), "roots")


async def test_a_server_starts_anew_when_a_file_that_is_watched_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("roo_lsp.mcp.servers.WATCH_SECONDS", 0.01)
    (tmp_path / "index.js").write_text("1")
    async with running(tmp_path, {"x": small(watchPaths=["index.js"])}) as found:
        first = found.get("x")
        assert first is not None
        task = first._task
        async with asyncio.timeout(30):
            while first._task is task:
                (tmp_path / "index.js").write_text("22")
                await asyncio.sleep(0.02)
        await found.settled(None, 30)
        assert await asked(first, "echo", text="hi") == "hi"
