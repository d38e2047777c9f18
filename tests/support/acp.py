"""An editor that speaks ACP, on the SDK's own client, joined to our agent in this process.

    async with acp_editor(folder, fake) as it:
        session = await it.new()
        assert await it.prompt(session, "Do it") == "end_turn"

Every frame of both directions is kept in `it.frames`, and is checked against the published schema.
"""

import asyncio
import json
from collections import deque
from collections.abc import AsyncGenerator, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from acp.core import ClientSideConnection, RequestError, connect_to_agent
from acp.schema import ClientCapabilities, TextContentBlock

from roo_lsp.acp.server import speak
from roo_lsp.acp.wire import Wire
from tests.support.acp_schema import complaints
from tests.support.fake_openai import FakeOpenAI

PATIENCE = 60.0


class Pipe:
    """What the agent writes, for the client to read; while held, the client does not read."""

    def __init__(self) -> None:
        self.lines: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.congested = False
        self.sizes: list[int] = []
        self._held: list[bytes] = []
        self._when_drained: list[Callable[[], object]] = []

    def write(self, data: bytes) -> None:
        self.sizes.append(len(data))
        if self.congested:
            self._held.append(data)
        else:
            self.lines.put_nowait(data)

    def hold(self) -> None:
        self.congested = True

    def release(self) -> None:
        self.congested = False
        for each in self._held:
            self.lines.put_nowait(each)
        self._held.clear()
        while self._when_drained:
            asyncio.get_running_loop().call_soon(self._when_drained.pop())

    def when_drained(self, callback: Callable[[], object]) -> None:
        if self.congested:
            self._when_drained.append(callback)
        else:
            asyncio.get_running_loop().call_soon(callback)


@dataclass
class ToAgent:
    """The client's end, as the SDK has transports."""

    wire: Wire
    pipe: Pipe
    frames: list[tuple[str, dict[str, Any]]]
    moved: Callable[[], None] = lambda: None

    async def send(self, message: dict[str, Any]) -> None:
        self.frames.append(("client", message))
        self.moved()
        self.wire.feed(json.dumps(message).encode() + b"\n")

    async def receive(self) -> dict[str, Any] | None:
        line = await self.pipe.lines.get()
        if line is None:
            return None
        assert line.endswith(b"\n")
        assert line.count(b"\n") == 1
        message = json.loads(line)
        self.frames.append(("agent", message))
        return message

    async def close(self) -> None:
        self.wire.end()


@dataclass
class AcpEditor:
    """A person in front of an editor."""

    folder: Path
    agent: ClientSideConnection
    transport: ToAgent
    updates: list[dict[str, Any]] = field(default_factory=list)
    """Of all sessions, as JSON; with `sessionId`."""
    asked: list[dict[str, Any]] = field(default_factory=list)
    """Requests of the agent, as JSON, with `method`."""
    choices: deque[Any] = field(default_factory=deque)
    """Options to pick, in turn, `cancelled`, or an exception; without one a question stays open."""
    forms: deque[Any] = field(default_factory=deque)
    files: dict[str, str] = field(default_factory=dict)
    """Texts of the editor that are not as on disk, by path."""
    saves: bool = True
    """What is written to the editor's files is saved at once."""
    answers_files: bool = True
    doing: list[asyncio.Future[None]] = field(default_factory=list)
    """What a test began and does not wait for."""
    _moved: asyncio.Event = field(default_factory=asyncio.Event)

    async def new(self, **more: Any) -> str:
        return (await self.agent.new_session(cwd=str(self.folder), **more)).session_id

    async def prompt(self, session: str, *blocks: Any) -> str:
        content = [
            TextContentBlock(type="text", text=b) if isinstance(b, str) else b for b in blocks
        ]
        async with asyncio.timeout(PATIENCE):
            return (await self.agent.prompt(session_id=session, prompt=content)).stop_reason

    async def request(self, method: str, params: Any) -> Any:
        """Anything, as JSON."""
        async with asyncio.timeout(PATIENCE):
            return await self.agent._conn.send_request(method, params)

    async def until(self, condition: Callable[[], Any]) -> Any:
        async with asyncio.timeout(PATIENCE):
            while not (found := condition()):
                self._moved.clear()
                await self._moved.wait()
        return found

    async def update(self, kind: str, **fields: Any) -> dict[str, Any]:
        """The first update of this kind with these fields."""

        def look() -> dict[str, Any] | None:
            return next((u for u in self.of(kind) if fields.items() <= u.items()), None)

        return await self.until(look)

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [u for u in self.updates if u["sessionUpdate"] == kind]

    def text(self, kind: str = "agent_message_chunk") -> str:
        return "".join(u["content"].get("text", "") for u in self.of(kind))

    def sent(self, method: str) -> int:
        """How many requests of this kind the client has sent."""
        return sum(
            side == "client" and f.get("method") == method for side, f in self.transport.frames
        )

    def moved(self) -> None:
        self._moved.set()

    def read(self, name: str) -> str:
        """A file as the editor has it."""
        if name in self.files:
            return self.files[name]
        if not Path(name).is_file():
            raise RequestError(-32002, "no such file")
        return Path(name).read_bytes().decode(errors="replace")

    def write(self, name: str, text: str) -> None:
        if not self.saves:
            self.files[name] = text
            return
        self.files.pop(name, None)
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(text.encode())


async def _handle(it: AcpEditor, method: str, params: Any) -> Any:
    """What the editor does with what the agent sends."""
    try:
        if method == "session/update":
            it.updates.append({**params["update"], "sessionId": params["sessionId"]})
            return None
        it.asked.append({**params, "method": method})
        it.moved()
        if method == "session/request_permission":
            return await _permission(it)
        if method == "elicitation/create":
            await it.until(lambda: it.forms)
            return it.forms.popleft()
        if it.answers_files and method == "fs/read_text_file":
            return {"content": it.read(params["path"])}
        if it.answers_files and method == "fs/write_text_file":
            it.write(params["path"], params["content"])
            return {}
        return await asyncio.Event().wait()  # as clients do that know no such request
    finally:
        it.moved()


async def _permission(it: AcpEditor) -> Any:
    await it.until(lambda: it.choices)
    choice = it.choices.popleft()
    if isinstance(choice, Exception):
        raise choice
    if isinstance(choice, dict):
        return choice
    if choice == "cancelled":
        return {"outcome": {"outcome": "cancelled"}}
    return {"outcome": {"outcome": "selected", "optionId": choice}}


@asynccontextmanager
async def acp_editor(
    folder: Path,
    capabilities: dict[str, Any] | None = None,
    *,
    greet: bool = True,
    wrong: Collection[str] = (),
) -> AsyncGenerator[AcpEditor]:
    """An editor on a folder, joined to an agent of its own; `wrong` are methods that the protocol has not."""
    pipe = Pipe()
    wire = Wire(pipe)
    transport = ToAgent(wire, pipe, [])
    nobody: Any = _Nobody()
    agent = connect_to_agent(nobody, transport, use_unstable_protocol=True)
    it = AcpEditor(folder, agent, transport)
    transport.moved = it.moved

    async def handle(method: str, params: Any, is_notification: bool) -> Any:
        return await _handle(it, method, params)

    agent._conn._handler = handle
    speaking = asyncio.create_task(speak(wire))
    try:
        if greet:
            await agent.initialize(
                protocol_version=1,
                client_capabilities=ClientCapabilities.model_validate(capabilities or {}),
            )
        yield it
    finally:
        wire.end()
        async with asyncio.timeout(PATIENCE):
            await speaking
        pipe.lines.put_nowait(None)
        await agent.close()
    found = complaints(transport.frames)
    assert [each for each in found if not any(name in each for name in wrong)] == []


class _Nobody:
    """The SDK wants a client; ours answers JSON instead."""

    async def session_update(self, **fields: Any) -> None: ...


def user_settings(folder: Path, fake: FakeOpenAI, **more: Any) -> None:
    """The user's own settings.json, which names the endpoint."""
    folder.mkdir(parents=True, exist_ok=True)
    settings = {"provider": {"baseUrl": fake.base_url, "modelId": "fake-model"}} | more
    (folder / "settings.json").write_text(json.dumps(settings))
    (folder / "settings.json").chmod(0o600)
