"""A server that is a program: started below a supervisor, so that nothing of it is ever left running.

What it says on stderr is kept, the last lines of it. Its environment is an allow list with what its entry
sets: no key of ours is in it.
"""

import asyncio
import os
import shutil
import signal
import socket
from asyncio.streams import FlowControlMixin
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from roo_lsp.mcp.entries import Stdio
from roo_lsp.workspace.sandbox.base import Process, ProcessStart
from roo_lsp.workspace.sandbox.spawning import spawn

READ_BYTES = 1 << 16
GRACE = 0.5
"""Seconds a server has to end once its stdin is closed, and again once it got TERM: real ones that are
idle need less."""
KEPT = ("HOME", "LOGNAME", "PATH", "SHELL", "TERM", "USER", "LANG", "TMPDIR", "TZ")
"""Of our environment: what the MCP SDKs pass on, and what texts and times are written by."""
LINES, LINE = 200, 500
"""Lines of stderr that are kept, and characters of each."""


@dataclass(slots=True)
class Said:
    """What a server said beside the protocol: the last of it."""

    lines: deque[str] = field(default_factory=lambda: deque[str](maxlen=LINES))

    def add(self, text: str) -> None:
        """Some lines of it."""
        self.lines.extend(line[:LINE] for line in text.splitlines() if line.strip())

    @property
    def last(self) -> str:
        """The last line, for a message."""
        return self.lines[-1] if self.lines else ""


def server_environment(ours: Mapping[str, str], own: Mapping[str, str]) -> dict[str, str]:
    """What a server finds in its environment."""
    kept = {name: value for name, value in ours.items() if name in KEPT or name.startswith("LC_")}
    return kept | dict(own)


class NotStarted(Exception):
    """Why a program could not be started, as a phrase that blames the right thing."""


@dataclass(slots=True)
class ServerProcess:
    """One that runs, with its pipes."""

    process: Process
    link: socket.socket
    stdin: asyncio.StreamWriter
    stdout: asyncio.StreamReader
    gone: asyncio.Event
    """Set when nothing of it is left."""
    _pipes: tuple[asyncio.BaseTransport, ...]
    ending: str = ""
    """How the program itself ended, as a phrase; empty while it runs."""
    _heard: bytes = b""
    _stderr: asyncio.Task[None] | None = None

    @classmethod
    async def start(cls, how: Stdio, said: Said, environ: Mapping[str, str]) -> "ServerProcess":
        """Start it.

        Raises:
            NotStarted: there is no such program or folder, or the system refuses.
        """
        env = server_environment(environ, how.env)
        program = _program(how, env)
        if not how.cwd.is_dir():
            raise NotStarted(f"its folder {how.cwd} does not exist")
        try:
            process, link = spawn(
                ProcessStart([program, *how.args], env),
                how.cwd,
                {},
                lambda start: start(),
                talks=True,
            )
        except OSError as error:
            raise NotStarted(f"{how.command} could not be started: {error.strerror}") from error
        loop = asyncio.get_running_loop()
        transport, protocol = await loop.connect_write_pipe(FlowControlMixin, process.stdin)
        stdin = asyncio.StreamWriter(transport, protocol, None, loop)
        stdout, out = await _reader(process.stdout)
        stderr, err = await _reader(process.stderr)
        found = cls(process, link, stdin, stdout, asyncio.Event(), (out, err))
        loop.add_reader(link, found._linked)
        found._stderr = asyncio.create_task(_keep(stderr, said))
        return found

    def _linked(self) -> None:
        """The supervisor says how the program ended; its end is that of all that it started."""
        try:
            data = self.link.recv(1024)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        self._heard += data
        line, newline, _ = self._heard.partition(b"\n")
        if newline and not self.ending:
            self.ending = _ending(line.decode("ascii", "replace").split())
        if not data:
            asyncio.get_running_loop().remove_reader(self.link)
            self.ending = self.ending or "it was killed"
            self.gone.set()

    async def stop(self) -> None:
        """End it, and all that it started: by the end of its stdin, by TERM, by KILL."""
        try:
            self.stdin.close()
            if not await self.gone_or(GRACE):
                with suppress(OSError):
                    self.link.send(b"t")
                await self.gone_or(GRACE)
        finally:
            self._close()

    async def gone_or(self, seconds: float) -> bool:
        """Whether nothing of it is left, at the latest after so long."""
        try:
            async with asyncio.timeout(seconds):
                await self.gone.wait()
        except TimeoutError:
            return False
        return True

    def _close(self) -> None:
        """Let go of it: where the link is closed, the supervisor kills what is left."""
        loop = asyncio.get_running_loop()
        loop.remove_reader(self.link)
        self.link.close()
        self.stdin.close()
        if self._stderr is not None:
            self._stderr.cancel()
        for each in self._pipes:
            each.close()
        loop.run_in_executor(None, self.process.wait)
        self.gone.set()


def _program(how: Stdio, env: Mapping[str, str]) -> str:
    """The program's path, looked for where the server itself would."""
    if os.sep in how.command:
        path = how.cwd / Path(how.command).expanduser()
        if not path.is_file() or not os.access(path, os.X_OK):
            raise NotStarted(f"there is no program {path}")
        return str(path)
    folders = [
        each for each in env.get("PATH", os.defpath).split(os.pathsep) if each.startswith("/")
    ]
    found = shutil.which(how.command, path=os.pathsep.join(folders))
    if found is None:
        raise NotStarted(f"the program {how.command} is not installed, or not on the PATH")
    return found


async def _reader(pipe: object) -> tuple[asyncio.StreamReader, asyncio.BaseTransport]:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=READ_BYTES, loop=loop)
    protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
    transport, _ = await loop.connect_read_pipe(lambda: protocol, pipe)
    return reader, transport


async def _keep(reader: asyncio.StreamReader, said: Said) -> None:
    rest = ""
    while data := await reader.read(READ_BYTES):
        text = rest + data.decode("utf-8", "replace")
        whole, _, rest = text.rpartition("\n")
        said.add(whole)
        rest = rest[-LINE:]
        await asyncio.sleep(0)  # one that never stops takes nothing from others
    said.add(rest)


def _ending(words: list[str]) -> str:
    match words:
        case ["exit", code, *_]:
            return f"it ended with exit code {code}"
        case ["signal", number, *_]:
            try:
                return f"it was ended by {signal.Signals(int(number)).name}"
            except ValueError:
                return f"it was ended by signal {number}"
        case ["failed", number, *_]:
            return f"it could not be started: {os.strerror(int(number))}"
        case _:
            return "it ended"
