"""`roo-lsp run` as users start it: a process in a pipe, or on a terminal."""

import asyncio
import json
import os
import pty
import re
import signal
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.fake_openai import FakeOpenAI

PATIENCE = 60.0
"""Seconds that a test waits for a run; two processes start for each."""


@dataclass(frozen=True)
class Ended:
    """What a run left behind."""

    code: int
    out: str
    err: str

    @property
    def updates(self) -> list[dict[str, Any]]:
        """Of `--json`."""
        return [json.loads(line)["update"] for line in self.out.splitlines()]


def arguments(fake: FakeOpenAI, folder: Path, *more: str) -> list[str]:
    """The command line of a run on a fake endpoint."""
    return [
        *(sys.executable, "-m", "roo_lsp", "run"),
        *("--workspace", str(folder)),
        *("--set", f"provider.baseUrl={fake.base_url}"),
        *("--set", "provider.modelId=fake-model"),
        *more,
    ]


async def run(fake: FakeOpenAI, folder: Path, *more: str, stdin: bytes = b"") -> Ended:
    """A run in pipes, to its end."""
    process = await asyncio.create_subprocess_exec(
        *arguments(fake, folder, *more),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(PATIENCE):
        out, err = await process.communicate(stdin)
    assert process.returncode is not None
    return Ended(process.returncode, out.decode(), err.decode())


class Terminal:
    """A run on a terminal of 80 columns: what it shows, and what is typed."""

    def __init__(self, process: asyncio.subprocess.Process, fd: int) -> None:
        self.process = process
        self.raw = b""
        self._fd = fd
        self._changed = asyncio.Event()
        asyncio.get_running_loop().add_reader(fd, self._read)

    @property
    def text(self) -> str:
        """What was shown so far, without the cursor's movements and colours."""
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.raw.decode(errors="replace"))

    def type(self, text: str) -> None:
        os.write(self._fd, text.encode())

    async def shows(self, text: str, *, after: int = 0) -> None:
        """Returns once it is shown."""
        try:
            async with asyncio.timeout(PATIENCE):
                while text not in self.text[after:]:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(f"{text!r} is not in:\n{self.text}") from None

    async def ended(self) -> int:
        async with asyncio.timeout(PATIENCE):
            return await self.process.wait()

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._fd)
        os.close(self._fd)

    def _read(self) -> None:
        try:
            data = os.read(self._fd, 65536)
        except OSError:  # the other side is closed
            data = b""
        if not data:
            asyncio.get_running_loop().remove_reader(self._fd)
        self.raw += data
        self._changed.set()


@asynccontextmanager
async def terminal(
    fake: FakeOpenAI, folder: Path, *more: str, **variables: str
) -> AsyncGenerator[Terminal]:
    """A run on a terminal."""
    ours, theirs = pty.openpty()
    environment = os.environ | {"TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24"}
    process = await asyncio.create_subprocess_exec(
        *arguments(fake, folder, *more),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        env=environment | variables,
    )
    os.close(theirs)
    shown = Terminal(process, ours)
    try:
        yield shown
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
        shown.close()


def words(updates: Sequence[dict[str, Any]]) -> str:
    """What the model said."""
    return "".join(
        update["content"]["text"]
        for update in updates
        if update["sessionUpdate"] == "agent_message_chunk"
    )
