"""What is measured over ACP: against the SDK's own minimal agent, and a chunk against our own LSP front end."""

import asyncio
import json
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from statistics import median
from time import clock_gettime_ns, monotonic_ns
from typing import Any

from tests.benchmarks.driver import PATIENCE, ROO, RunFailed, environment_of, ready
from tests.benchmarks.endpoint import Turn
from tests.benchmarks.measures import Figures, Goal, Place

CHUNKS = 400
BARE_AGENT = Path(__file__).with_name("bare_agent.py")


class AcpAgent:
    """An agent under measurement."""

    def __init__(self, process: asyncio.subprocess.Process, spawned: int, folder: Path) -> None:
        self.process = process
        self.spawned = spawned
        self.folder = folder
        self._number = 0

    async def request(self, method: str, params: Any) -> Any:
        """Its answer; what else it sends meanwhile is passed over."""
        self._number += 1
        message = {"jsonrpc": "2.0", "id": self._number, "method": method, "params": params}
        stdin, stdout = self.process.stdin, self.process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(json.dumps(message).encode() + b"\n")
        async with asyncio.timeout(PATIENCE):
            while line := await stdout.readline():
                if b'"session/update"' in line[:80]:
                    continue
                answer = json.loads(line)
                if answer.get("id") == self._number:
                    if "error" in answer:
                        raise RunFailed(f"{method}: {answer['error']}")
                    return answer["result"]
        raise RunFailed(f"the agent ended at {method}")

    async def session(self) -> str:
        opened = {"cwd": str(self.folder), "mcpServers": []}
        return (await self.request("session/new", opened))["sessionId"]

    async def prompt(self, session: str) -> int:
        """Run a turn to its end; when it was sent."""
        sent = monotonic_ns()
        said = {"sessionId": session, "prompt": [{"type": "text", "text": "Go."}]}
        await self.request("session/prompt", said)
        return sent

    def cpu_ns(self) -> int:
        """Processor time of all threads so far."""
        return clock_gettime_ns(~self.process.pid << 3 | 2)

    async def settled(self) -> None:
        """Wait until it has loaded what it loads in the background."""
        quiet, before = 0, self.cpu_ns()
        async with asyncio.timeout(PATIENCE):
            while quiet < 4:
                await asyncio.sleep(0.1)
                now = self.cpu_ns()
                quiet = quiet + 1 if now - before < 2_000_000 else 0
                before = now


@asynccontextmanager
async def agent_of(place: Place, folder: Path) -> AsyncGenerator[tuple[AcpAgent, float]]:
    """An agent that has answered `initialize`, and the milliseconds that took."""
    project = folder / "project"
    project.mkdir(parents=True, exist_ok=True)
    arguments = ("-m", "roo_lsp", "acp") if place.kind.name == ROO.name else ("-P", str(BARE_AGENT))
    spawned = monotonic_ns()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        limit=2**24,
        cwd=project,
        env=environment_of(folder, place.model.base_url),
    )
    agent = AcpAgent(process, spawned, project)
    try:
        await agent.request("initialize", {"protocolVersion": 1, "clientCapabilities": {}})
        yield agent, (monotonic_ns() - spawned) / 1e6
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def acp(place: Place) -> Figures:
    """From the start of the process to `initialize`, from prompts to requests, and what a chunk costs."""
    took: list[float] = []
    for number in range(3):
        async with agent_of(place, place.folder / str(number)) as (_, milliseconds):
            took.append(milliseconds)
    figures = {"acp.initialize": median(took)}
    text = "".join(f"#{number:05d} " for number in range(CHUNKS))
    chunks = [Turn(text=text, pieces=CHUNKS, pace=0.005)]
    async with agent_of(place, place.folder / "turns") as (agent, _):
        session = await agent.session()
        await agent.settled()
        later: list[float] = []
        for number in range(6):
            await place.model.plays([Turn(text="Hello.")])
            sent = await agent.prompt(session)
            milliseconds = ((await place.model.served())[0].request_in - sent) / 1e6
            if number:
                later.append(milliseconds)
            else:
                figures["acp.prompt.first"] = milliseconds
        figures["acp.prompt"] = median(later)
        if place.kind.name == ROO.name:
            await place.model.plays(chunks)
            before = agent.cpu_ns()
            await agent.prompt(session)
            figures["acp.chunk"] = (agent.cpu_ns() - before) / 1000 / CHUNKS
    if place.kind.name != ROO.name:  # a chunk stands beside that of our other front end
        async with ready(ROO, place.folder / "lsp", place.model.base_url) as server:
            await place.model.plays([Turn(text="Hello.")])
            await server.task()
            await place.model.plays(chunks)
            before = server.cpu_ns()
            await server.task()
            figures["acp.chunk"] = (server.cpu_ns() - before) / 1000 / CHUNKS
    return figures


ACP_MEASURES: Mapping[str, Callable[[Place], Awaitable[Figures]]] = {"acp": acp}
ACP_ROWS: Mapping[str, tuple[str, str, Goal]] = {
    "acp.initialize": ("ACP: spawn → initialize answered", "ms", Goal(above_bare=20)),
    "acp.prompt.first": ("ACP: first prompt → first request", "ms", Goal()),
    "acp.prompt": ("ACP: prompt → first request", "ms", Goal(above_bare=20)),
    "acp.chunk": ("ACP: processor a chunk, 200/s, against LSP", "µs", Goal(times_bare=1.5)),
}
