"""The real server as a process, and a client that lets a test kill it, starve it and leave it alone."""

import asyncio
import itertools
import json
import os
import sys
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from tests.support.fake_openai import FakeOpenAI
from tests.support.wire import frame, read_frame

CAPABILITIES: Mapping[str, Any] = {"window": {"workDoneProgress": True}}
PATIENCE = 60.0
"""Seconds that a test waits for anything; a process starts in one or two."""


class ServerProcess:
    """`roo-lsp` and its client, which answers all it is asked with `decision`; nothing where that is empty."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.events: list[dict[str, Any]] = []
        """The `roo` objects, in the order they came."""
        self.messages: list[str] = []
        """What was shown to the user."""
        self.decision = "allow_once"
        self.closed = False
        """True once nothing more can come from it."""
        self.on_event: Callable[[dict[str, Any]], None] = lambda event: None
        """Told each event right when it comes."""
        self._ids = itertools.count(1)
        self._replies: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._moved = asyncio.Event()
        self._listening = asyncio.create_task(self._listen())

    def send(self, message: dict[str, Any]) -> None:
        assert self.process.stdin is not None
        with suppress(ConnectionError):
            self.process.stdin.write(frame(json.dumps({"jsonrpc": "2.0"} | message).encode()))

    def notify(self, method: str, params: Any = None) -> None:
        self.send({"method": method, "params": params})

    async def request(self, method: str, params: Any = None) -> dict[str, Any]:
        """The whole reply; empty when the process ended without one."""
        number = next(self._ids)
        reply = self._replies[number] = asyncio.get_running_loop().create_future()
        self.send({"id": number, "method": method, "params": params})
        async with asyncio.timeout(PATIENCE):
            return await reply

    async def execute(self, command: str, **arguments: Any) -> Any:
        """A command's result; its error where it has none."""
        params = {"command": command, "arguments": [arguments]}
        reply = await self.request("workspace/executeCommand", params)
        return reply["result"] if "result" in reply else reply.get("error")

    async def until(self, condition: Callable[[], Any]) -> Any:
        """Wait until something the server sent makes this true."""
        async with asyncio.timeout(PATIENCE):
            while not (found := condition()):
                self._moved.clear()
                await self._moved.wait()
        return found

    async def settled(self) -> dict[str, Any]:
        """The state event that ends the last turn."""

        def look() -> dict[str, Any] | None:
            states = [e["update"] for e in self.events if e["update"]["sessionUpdate"] == "_state"]
            return states[-1] if states and states[-1]["state"] in {"idle", "failed"} else None

        return await self.until(look)

    async def gone_on_with(self, task_id: str, waiting: list[dict[str, Any]]) -> None:
        """A task whose server ended: what waits in it is answered; where that is nothing it is resumed."""
        if not waiting:
            await self.execute("roo.task.resume", taskId=task_id)
        for entry in waiting:
            if entry["kind"] == "question":
                [answer, *_] = entry["suggestions"]
                await self.execute(
                    "roo.question.answer", requestId=entry["requestId"], answer=answer
                )
            else:
                await self.execute(
                    "roo.approval.respond", requestId=entry["requestId"], decision=self.decision
                )

    async def replayed(self, task_id: str) -> list[dict[str, Any]]:
        found = await self.execute("roo.task.replay", taskId=task_id, limit=100_000)
        return found["events"]

    async def gone(self) -> int:
        """The exit code, once it has ended."""
        async with asyncio.timeout(PATIENCE):
            code = await self.process.wait()
            await self._listening
        return code

    async def _listen(self) -> None:
        assert self.process.stdout is not None
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                self._heard(await read_frame(self.process.stdout))
                self._moved.set()
        self.closed = True
        self._moved.set()
        for reply in self._replies.values():
            if not reply.done():
                reply.set_result({})

    def _heard(self, message: dict[str, Any]) -> None:
        match message:
            case {"method": "$/progress", "params": {"value": {"roo": event}}}:
                self.events.append(event)
                self.on_event(event)
                self._approve(event["update"])
            case {"method": "window/showMessage", "params": {"message": text}}:
                self.messages.append(text)
            case {"method": _, "id": number}:
                self.send({"id": number, "result": None})
            case {"id": int(number)} if number in self._replies:
                self._replies[number].set_result(message)
            case _:
                pass

    def _approve(self, update: dict[str, Any]) -> None:
        asked = update["sessionUpdate"] == "_permission" and "outcome" not in update
        if asked and self.decision:
            self._say(
                "roo.approval.respond",
                {"requestId": update["requestId"], "decision": self.decision},
            )
        elif self.decision and update["sessionUpdate"] == "_question" and "answer" not in update:
            [answer, *_] = update["suggestions"]
            self._say("roo.question.answer", {"requestId": update["requestId"], "answer": answer})

    def _say(self, command: str, argument: dict[str, Any]) -> None:
        params = {"command": command, "arguments": [argument]}
        self.send({"id": f"{command} {argument}", "method": EXECUTE, "params": params})


EXECUTE = "workspace/executeCommand"


@asynccontextmanager
async def server_process(
    folder: Path,
    fake: FakeOpenAI | None = None,
    *,
    client_pid: int | None = None,
    environment: Mapping[str, str] | None = None,
    stderr: int | None = None,
    preexec: Callable[[], None] | None = None,
    capabilities: Mapping[str, Any] = CAPABILITIES,
) -> AsyncGenerator[ServerProcess]:
    """A server on a folder, initialized; killed at the end where it has not ended by then."""
    provider = {"baseUrl": fake.base_url, "modelId": "scripted"} if fake else {}
    given = {"ROO_CLI_SETTINGS": json.dumps({"provider": provider})} | dict(environment or {})
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "roo_lsp"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=stderr,
        env=os.environ | given,
        limit=2**24,
        preexec_fn=preexec,
    )
    client = ServerProcess(process)
    try:
        await client.request(
            "initialize",
            {
                "processId": client_pid,
                "rootUri": folder.as_uri(),
                "capabilities": capabilities,
            },
        )
        client.notify("initialized", {})
        yield client
    finally:
        if process.returncode is None:
            process.kill()
        await client.gone()
