"""The client end: starts a server as a child and speaks LSP to it, cheaply, whichever it is.

Progress is noted with the time of its arrival and looked at later; only requests are read at once.
"""

import asyncio
import json
import os
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import clock_gettime_ns, monotonic_ns
from typing import Any

PATIENCE = 60.0
"""Seconds before a run is taken for failed; a busy machine is slow."""
AUTO_APPROVE = {"read": True, "edit": True, "execute": True, "mode": True}


@dataclass(frozen=True)
class Kind:
    """A server that can be measured."""

    name: str
    arguments: tuple[str, ...]
    command: str


ROO = Kind("roo-lsp", ("-m", "roo_lsp"), "roo.task.start")
BARE = Kind("bare", ("-P", str(Path(__file__).with_name("bare_server.py"))), "bare.start")


class RunFailed(Exception):
    """A server did not do what it was measured at."""


@dataclass
class Document:
    """An open document: the text that the client has."""

    uri: str
    text: str
    version: int = 1


@dataclass
class Server:
    """A server under measurement."""

    kind: Kind
    folder: Path
    environment: Mapping[str, str]
    log: Path
    spawned: int = 0
    initialize_ms: float = 0.0
    notes: list[tuple[int, bytes]] = field(default_factory=list[tuple[int, bytes]])
    """Every progress notification: when it came, and its body."""
    documents: dict[str, Document] = field(default_factory=dict[str, Document])
    process: asyncio.subprocess.Process | None = None
    _transport: Any = None
    _stdin: Any = None
    _answers: dict[int, asyncio.Future[Any]] = field(
        default_factory=dict[int, "asyncio.Future[Any]"]
    )
    _number: int = 0
    _idle: asyncio.Event = field(default_factory=asyncio.Event)
    _gone: asyncio.Event = field(default_factory=asyncio.Event)
    _gone_at: int = 0
    _failure: dict[str, Any] | None = None

    async def spawn(self) -> None:
        """Start the process and have `initialize` answered."""
        loop = asyncio.get_running_loop()
        with self.log.open("ab") as log:
            self.spawned = monotonic_ns()
            self._transport, _ = await loop.subprocess_exec(
                lambda: _Pipes(self),
                sys.executable,
                *self.kind.arguments,
                stderr=log,
                cwd=self.folder,
                env=dict(self.environment),
            )
        self._stdin = self._transport.get_pipe_transport(0)
        uri = self.folder.as_uri()
        params = {
            "processId": os.getpid(),
            "clientInfo": {"name": "benchmark"},
            "rootUri": uri,
            "workspaceFolders": [{"uri": uri, "name": self.folder.name}],
            "capabilities": CAPABILITIES,
        }
        await self.request("initialize", params)
        self.initialize_ms = (monotonic_ns() - self.spawned) / 1e6

    def initialized(self) -> None:
        self.notify("initialized", {})

    async def settled(self) -> None:
        """Wait until the server has loaded what it loads in the background."""
        quiet, before = 0, self.cpu_ns()
        async with asyncio.timeout(PATIENCE):
            while quiet < 4:
                await asyncio.sleep(0.1)
                now = self.cpu_ns()
                quiet = quiet + 1 if now - before < 2_000_000 else 0
                before = now

    async def task(self, prompt: str = "Go.") -> int:
        """Run a task to its end; returns when it was sent."""
        sent = await self.start(prompt)
        await self.ended()
        return sent

    async def start(self, prompt: str = "Go.") -> int:
        """Begin a task; returns when it was sent."""
        self.notes.clear()
        self._idle.clear()
        sent = monotonic_ns()
        params = {"command": self.kind.command, "arguments": [{"prompt": prompt}]}
        await self.request("workspace/executeCommand", params)
        return sent

    async def ended(self) -> None:
        """Wait until the task is over."""
        try:
            async with asyncio.timeout(PATIENCE):
                await self._idle.wait()
        except TimeoutError:
            raise RunFailed(f"{self.kind.name}: the task did not end{self._logged()}") from None
        if self._failure is not None:
            raise RunFailed(f"{self.kind.name}: the task failed: {self._failure}{self._logged()}")

    def open(self, path: Path) -> None:
        """Open a document in the client."""
        document = Document(path.as_uri(), path.read_text("utf-8"))
        self.documents[document.uri] = document
        item = {"uri": document.uri, "languageId": "python", "version": 1, "text": document.text}
        self.notify("textDocument/didOpen", {"textDocument": item})

    def close(self, path: Path) -> None:
        """Close it again, unsaved."""
        uri = path.as_uri()
        del self.documents[uri]
        self.notify("textDocument/didClose", {"textDocument": {"uri": uri}})

    async def shut_down(self) -> float:
        """End the server as LSP has it; milliseconds until the process was gone."""
        begin = monotonic_ns()
        await self.request("shutdown", None)
        self.notify("exit", None)
        async with asyncio.timeout(PATIENCE):
            await self._gone.wait()
        return (self._gone_at - begin) / 1e6

    async def kill(self) -> None:
        """End it now, if it still runs."""
        if self._transport is not None:
            with suppress(ProcessLookupError):
                self._transport.kill()
            await self._gone.wait()
            self._transport.close()

    # --- what it costs --------------------------------------------------------------------------

    @property
    def pid(self) -> int:
        return self._transport.get_pid()

    def cpu_ns(self) -> int:
        """Processor time of all threads so far."""
        return clock_gettime_ns(~self.pid << 3 | 2)

    def peak_mb(self) -> float:
        """The most memory it had."""
        status = Path(f"/proc/{self.pid}/status").read_text("ascii")
        return int(status.partition("VmHWM:")[2].split()[0]) / 1024

    # --- messages -------------------------------------------------------------------------------

    async def request(self, method: str, params: Any) -> Any:
        self._number += 1
        answer = self._answers[self._number] = asyncio.get_running_loop().create_future()
        self._send({"id": self._number, "method": method, "params": params})
        async with asyncio.timeout(PATIENCE):
            return await answer

    def notify(self, method: str, params: Any) -> None:
        self._send({"method": method, "params": params})

    def took(self, body: bytes) -> None:
        """A message has come."""
        if b'"$/progress"' in body[:120]:
            self.notes.append((monotonic_ns(), body))
            if b'"_state"' in body:
                self._saw_state(json.loads(body)["params"]["value"]["roo"]["update"])
            return
        message = json.loads(body)
        if "method" not in message:
            self._settle(message)
        elif "id" in message:
            result = self._reply(message["method"], message["params"])
            self._send({"id": message["id"], "result": result})

    def lost(self) -> None:
        """The process is gone."""
        self._gone_at = monotonic_ns()
        self._gone.set()
        self._idle.set()
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(RunFailed(f"{self.kind.name} ended{self._logged()}"))

    def _saw_state(self, update: dict[str, Any]) -> None:
        if update["sessionUpdate"] != "_state" or update["state"] not in {"idle", "failed"}:
            return
        if update["state"] == "failed":
            self._failure = update
        self._idle.set()

    def _logged(self) -> str:
        """The end of what the server logged."""
        lines = self.log.read_text("utf-8", "replace").strip().splitlines()[-12:]
        return "\n".join(["; its log ends:", *lines]) if lines else "; its log is empty"

    def _settle(self, message: dict[str, Any]) -> None:
        answer = self._answers.pop(message["id"])
        if "error" in message:
            answer.set_exception(RunFailed(f"{message['error']}{self._logged()}"))
        else:
            answer.set_result(message.get("result"))

    def _reply(self, method: str, params: Any) -> Any:
        match method:
            case "workspace/configuration":
                return [None for _ in params["items"]]
            case "workspace/applyEdit":
                return self._apply(params["edit"])
            case _:
                return None

    def _apply(self, edit: dict[str, Any]) -> dict[str, Any]:
        """Make an edit at once, and say so both ways; texts here are ASCII."""
        for change in edit["documentChanges"]:
            document = self.documents[change["textDocument"]["uri"]]
            lines = document.text.splitlines(keepends=True)
            starts = [0]
            for line in lines:
                starts.append(starts[-1] + len(line))
            text = document.text
            for each in sorted(change["edits"], key=_start, reverse=True):
                first, last = each["range"]["start"], each["range"]["end"]
                begin = starts[first["line"]] + first["character"]
                end = starts[last["line"]] + last["character"]
                text = text[:begin] + each["newText"] + text[end:]
            document.text = text
            document.version += 1
            place = {"uri": document.uri, "version": document.version}
            changes = {"textDocument": place, "contentChanges": [{"text": text}]}
            self.notify("textDocument/didChange", changes)
        return {"applied": True}

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self._stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))


class _Pipes(asyncio.SubprocessProtocol):
    """The child's output cut into messages."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._buffer = bytearray()

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        buffer = self._buffer
        buffer += data
        at = 0
        while (end := buffer.find(b"\r\n\r\n", at)) >= 0:
            length = int(buffer[at:end].partition(b":")[2].split()[0])
            if len(buffer) < end + 4 + length:
                break
            at = end + 4 + length
            self._server.took(bytes(buffer[end + 4 : at]))
        del buffer[:at]

    def process_exited(self) -> None:
        self._server.lost()


CAPABILITIES = {
    "general": {"positionEncodings": ["utf-8", "utf-16"]},
    "window": {"workDoneProgress": True, "showDocument": {"support": True}},
    "workspace": {
        "configuration": True,
        "workspaceFolders": True,
        "applyEdit": True,
        "workspaceEdit": {"documentChanges": True},
    },
}


@asynccontextmanager
async def spawned(kind: Kind, folder: Path, base_url: str) -> AsyncGenerator[Server]:
    """A server that has answered `initialize`, killed with the block if it still runs then."""
    project = folder / "project"
    project.mkdir(parents=True, exist_ok=True)
    server = Server(kind, project, environment_of(folder, base_url), folder / "log")
    try:
        await server.spawn()
        yield server
    finally:
        await server.kill()


@asynccontextmanager
async def ready(kind: Kind, folder: Path, base_url: str) -> AsyncGenerator[Server]:
    """A server that has started and settled."""
    async with spawned(kind, folder, base_url) as server:
        server.initialized()
        await server.settled()
        yield server


def environment_of(folder: Path, base_url: str) -> dict[str, str]:
    """This process's environment without settings or keys, and with those of a benchmark."""
    ours = ("ROO_", "OPENAI_", "COV_", "COVERAGE_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    settings = {
        "provider": {"baseUrl": base_url, "modelId": "x"},
        "autoApprove": AUTO_APPROVE,
    }
    return kept | {
        "ROO_CLI_SETTINGS": json.dumps(settings),
        "ROO_STATE_DIR": str(folder / "state"),
        "ROO_CONFIG_DIR": str(folder / "config"),
        "BARE_BASE_URL": base_url,
    }


def _start(edit: dict[str, Any]) -> tuple[int, int]:
    return edit["range"]["start"]["line"], edit["range"]["start"]["character"]
