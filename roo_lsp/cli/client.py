"""The other end of the wire: starts a server as a child and speaks LSP to it, for headless runs.

Plain dicts over asyncio's streams: a command that only talks to the server has no use for pygls, and
starts faster without it; it shares the frames with the server.
"""

import asyncio
import contextlib
import itertools
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from roo_lsp.agent.json_values import Json, JsonObject
from roo_lsp.lsp.wire.frames import FrameDecoder, framed

__all__ = ["Asked", "Event", "RequestRefused", "Server", "ServerEnded", "Shown", "connect"]

SERVER = (sys.executable, "-P", "-m", "roo_lsp")
"""-P: it starts in the workspace, whose files must not shadow our modules."""

START_SECONDS = 60.0
"""How long the server may take to answer `initialize`; a machine under load is slow."""
ANSWER_SECONDS = 30.0
"""How long any other request may take."""
END_SECONDS = 3.0
"""How long the server may take to end before it is killed."""
CHUNK_BYTES = 64 * 1024

EXTENSIONS = ("roo/event", "roo/requestPermission")
CAPABILITIES: Mapping[str, Json] = {
    "general": {"positionEncodings": ["utf-8", "utf-16"]},
    "window": {"workDoneProgress": True},
    "workspace": {"configuration": True, "workspaceFolders": True, "applyEdit": False},
}

METHOD_NOT_FOUND = -32601


class RequestRefused(Exception):
    """The server answered a request with an error."""

    def __init__(self, code: int, message: str, data: Json = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data


class ServerEnded(Exception):
    """The server is gone; the text says what it last wrote to its log."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something the agent did: the `roo` object of interface section 5."""

    roo: JsonObject


@dataclass(frozen=True, slots=True)
class Shown:
    """What the server wants the user to see; `severity` is LSP's, 1 for an error."""

    severity: int
    message: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that a person has to answer, with `reply`."""

    id: int | str
    method: str
    params: JsonObject


Incoming = Event | Shown | Asked


@asynccontextmanager
async def connect(
    workspace: Path,
    *,
    settings: Mapping[str, Json] | None = None,
    environment: Mapping[str, str] | None = None,
    log: Path | None = None,
    attended: bool = True,
    command: Sequence[str] = SERVER,
) -> AsyncGenerator["Server"]:
    """A server of its own for this workspace, ready for commands, ended with the block.

    `settings` go over the LSP channel, as an editor's would; `environment` is the child's whole
    environment; what the server logs goes to `log`; where nobody is there to be asked (`attended` is
    False) what would need trust is told, and not used.

    Raises:
        ServerEnded: it could not be started, or ended before it was ready.
    """
    with log.open("ab") if log else tempfile.TemporaryFile() as logged:
        process = await _start(command, workspace, environment, logged)
        server = Server(process, logged, settings or {}, attended=attended)
        reading = asyncio.create_task(server.read())
        try:
            await server.initialize(workspace)
            yield server
        finally:
            await _end(server, process, reading)


class Server:
    """A running server; iterating gives what it says until it ends."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        log: IO[bytes],
        settings: Mapping[str, Json],
        *,
        attended: bool,
    ) -> None:
        self._attended = attended
        self._process = process
        self._log = log
        self._settings = settings
        self._ids = itertools.count(1)
        self._answers: dict[int, asyncio.Future[Json]] = {}
        self._incoming: asyncio.Queue[Incoming | None] = asyncio.Queue()
        self._ended = False
        self.ready = False
        """It has answered `initialize`, and so knows how to end."""

    async def execute(self, command: str, argument: Mapping[str, Json] | None = None) -> Json:
        """The result of one of our commands (interface section 4).

        Raises:
            Refused: with the server's reason.
            ServerEnded: there will be no answer.
            TimeoutError: there was none in time.
        """
        arguments = [argument] if argument is not None else []
        params = {"command": command, "arguments": arguments}
        return await self.request("workspace/executeCommand", params)

    async def request(
        self, method: str, params: Json = None, patience: float = ANSWER_SECONDS
    ) -> Json:
        """The result of any LSP request; raises as `execute` does."""
        if self._ended:
            raise await self._obituary()
        number = next(self._ids)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        try:
            self._send({"id": number, "method": method, "params": params})
            async with asyncio.timeout(patience):
                return await answer
        except ServerEnded:
            raise await self._obituary() from None
        finally:
            self._answers.pop(number, None)

    def notify(self, method: str, params: Json = None) -> None:
        self._send({"method": method, "params": params})

    def reply(self, asked: Asked, result: Json) -> None:
        """Answer what the server asked."""
        self._send({"id": asked.id, "result": result})

    async def __aiter__(self) -> AsyncIterator[Incoming]:
        while (item := await self._incoming.get()) is not None:
            yield item
        raise await self._obituary()

    # --- the life of the process ------------------------------------------------------------

    async def initialize(self, workspace: Path) -> None:
        """The handshake."""
        uri = workspace.as_uri()
        params = {
            "processId": os.getpid(),
            "clientInfo": {"name": "roo-lsp run"},
            "rootUri": uri,
            "workspaceFolders": [{"uri": uri, "name": workspace.name}],
            "capabilities": CAPABILITIES,
            "initializationOptions": {
                "settings": self._settings,
                "client": {"extensions": list(EXTENSIONS), "unattended": not self._attended},
            },
        }
        try:
            await self.request("initialize", params, START_SECONDS)
        except TimeoutError:
            raise ServerEnded(f"The server did not answer in {START_SECONDS:.0f} s.") from None
        self.notify("initialized", {})
        self.ready = True

    def kill(self) -> None:
        """End it now, whatever it is doing."""
        with contextlib.suppress(ProcessLookupError):
            if sys.platform == "win32":
                self._process.kill()
            else:
                os.killpg(self._process.pid, signal.SIGKILL)

    async def shut_down(self) -> None:
        """Ask the server to end, the way LSP wants it."""
        with contextlib.suppress(RequestRefused, ServerEnded, TimeoutError):
            await self.request("shutdown", None, END_SECONDS)
            self.notify("exit")

    async def read(self) -> None:
        """Take in what the server says, to its end."""
        stream = self._process.stdout
        assert stream is not None  # noqa: S101 -- it was asked for
        decoder = FrameDecoder(self._take, _not_lsp)
        try:
            while data := await stream.read(CHUNK_BYTES):
                decoder.feed(data)
        except (ConnectionError, ValueError):
            pass  # the end, or something that is not LSP: then it is the end too
        finally:
            self._ended = True
            self._incoming.put_nowait(None)
            for answer in self._answers.values():
                if not answer.done():
                    answer.set_exception(ServerEnded("The server ended."))
                    answer.exception()  # whoever gave up waiting need not hear of it

    # --- messages ---------------------------------------------------------------------------

    def _send(self, message: JsonObject) -> None:
        stream = self._process.stdin
        if stream is None or stream.is_closing():
            return
        body = json.dumps({"jsonrpc": "2.0", **message}, separators=(",", ":")).encode()
        stream.write(framed(body))

    def _take(self, message: Json) -> None:
        method: str | None = message.get("method")
        if method is None:
            self._settle(message)
        elif "id" in message:
            self._on_request(Asked(message["id"], method, message.get("params") or {}))
        else:
            self._on_notification(method, message.get("params") or {})

    def _settle(self, message: JsonObject) -> None:
        answer = self._answers.get(message.get("id") or 0)
        if answer is None or answer.done():
            return
        if error := message.get("error"):
            answer.set_exception(RequestRefused(error["code"], error["message"], error.get("data")))
        else:
            answer.set_result(message.get("result"))

    def _on_request(self, asked: Asked) -> None:
        match asked.method:
            case "roo/requestPermission":
                self._incoming.put_nowait(asked)
            case "workspace/configuration":
                self.reply(asked, [self._section(item) for item in asked.params["items"]])
            case "window/showDocument":
                self.reply(asked, {"success": False})
            case "window/workDoneProgress/create" | "client/registerCapability":
                self.reply(asked, None)
            case "client/unregisterCapability" | "window/showMessageRequest":
                self.reply(asked, None)  # there are no dialogs here: what waits is on the list
            case method:
                error = {"code": METHOD_NOT_FOUND, "message": f"no {method} here"}
                self._send({"id": asked.id, "error": error})

    def _section(self, item: JsonObject) -> Json:
        value: Json = self._settings
        for step in (item.get("section") or "roo").split(".")[1:]:
            value = cast("JsonObject", value).get(step) if isinstance(value, dict) else None
        return value

    def _on_notification(self, method: str, params: JsonObject) -> None:
        match method:
            case "$/progress":
                value: Json = params.get("value")
                roo: Json = cast("JsonObject", value).get("roo") if value else None
                if roo:
                    self._incoming.put_nowait(Event(roo))
            case "roo/event":
                self._incoming.put_nowait(Event(params))
            case "window/showMessage":
                self._incoming.put_nowait(Shown(params["type"], params["message"]))
            case _:
                pass

    async def _obituary(self) -> ServerEnded:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(END_SECONDS):
                await self._process.wait()
        code = self._process.returncode
        how = "ended" if code is None else f"ended with exit code {code}"
        return ServerEnded(f"The server {how}.{_tail(self._log)}")


def _not_lsp(complaint: str) -> None:
    raise ValueError(complaint)


async def _start(
    command: Sequence[str],
    workspace: Path,
    environment: Mapping[str, str] | None,
    log: IO[bytes],
) -> asyncio.subprocess.Process:
    try:
        return await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
            cwd=workspace,
            env=environment,
            # Out of reach of the terminal's Ctrl-C: we cancel the task, and the server lives on.
            start_new_session=sys.platform != "win32",
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
    except OSError as error:
        raise ServerEnded(f"The server could not be started: {error}.") from error


async def _end(
    server: Server, process: asyncio.subprocess.Process, reading: asyncio.Task[None]
) -> None:
    """Ends the server: politely, then by force."""
    try:
        if not server.ready:
            server.kill()
        elif process.returncode is None:
            await server.shut_down()
        if process.stdin is not None:
            process.stdin.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(END_SECONDS):
                await process.wait()
    finally:
        if process.returncode is None:
            server.kill()
            await process.wait()
        reading.cancel()
        await asyncio.wait({reading})


def _tail(log: IO[bytes]) -> str:
    """The end of what the server logged, below a line of its own; nothing when it is silent."""
    try:
        with (
            Path(log.name).open("rb")
            if isinstance(log.name, str)
            else contextlib.nullcontext(log) as file
        ):
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - 4000))
            lines = file.read().decode("utf-8", "replace").strip().splitlines()[-8:]
    except OSError:
        return ""
    return "\n".join(["", *lines])
