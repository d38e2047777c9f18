"""A program in a terminal of its own, driven as a person drives it: keys go in, a screen is looked at.

    async with terminal([hx, "app.py"], folder=folder, environment={…}) as screen:
        await screen.until("NOR")
        await screen.type("jfo")          # text as it is
        await screen.press("Escape")      # keys by tmux's names: Escape, Enter, Space, C-c, M-x, Up
        shown = await screen.until(lambda text: "saved" in text)

The terminal is a private tmux server that is told what to do through tmux's control mode, which also
says when the program has drawn something: that is what `until` waits for, so nothing here sleeps.
An `Escape` and a key right after it look like Alt and that key: wait for what Escape does first.
"""

import asyncio
import os
import shutil
import tempfile
from asyncio.subprocess import PIPE, Process
from collections import deque
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tests.editors.available import need

PATIENCE = 60.0
"""Seconds that a person waits for what should be on the screen."""


@dataclass
class Terminal:
    """A screen of characters and its keyboard."""

    control: Process
    drawn: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the program has written to its terminal, or is gone."""
    waiting: deque[asyncio.Future[list[str]]] = field(
        default_factory=deque[asyncio.Future[list[str]]]
    )
    """Those who wait for tmux to reply, in the order in which it does."""
    ended: bool = False

    async def press(self, *keys: str) -> None:
        """Press keys, each by tmux's name of it."""
        await self.tmux("send-keys", "--", *keys)

    async def type(self, text: str) -> None:
        """Type text as it is; a newline in it is Enter."""
        for number, line in enumerate(text.split("\n")):
            if number:
                await self.press("Enter")
            if line:
                await self.tmux("send-keys", "-l", "--", line)

    async def paste(self, text: str) -> None:
        """Paste text, bracketed where the program asked for that."""
        await self.tmux("set-buffer", "--", text)
        await self.tmux("paste-buffer", "-p")

    async def screen(self, *, colours: bool = False) -> str:
        """What is on the screen now: one line for each row, without spaces at their ends."""
        escapes = ["-e"] if colours else []
        lines = await self.tmux("capture-pane", "-p", *escapes)
        return "".join(f"{line.rstrip()}\n" for line in lines)

    async def until(self, wanted: str | Callable[[str], object], seconds: float = PATIENCE) -> str:
        """The screen as soon as it has these words, or is as wanted; fails with the screen."""
        shows = (lambda text: wanted in text) if isinstance(wanted, str) else wanted
        shown = ""
        try:
            async with asyncio.timeout(seconds):
                while True:
                    self.drawn.clear()
                    assert not self.ended, f"the program ended; last on its screen:\n{shown}"
                    shown = await self.screen()
                    if shows(shown):
                        return shown
                    await self.drawn.wait()
        except TimeoutError:
            name = wanted if isinstance(wanted, str) else "what was wanted"
            message = f"not on the screen within {seconds} s: {name}\n{shown}"
            raise AssertionError(message) from None

    async def closed(self, seconds: float = PATIENCE) -> None:
        """Returns when the program has ended by itself."""
        async with asyncio.timeout(seconds):
            while not self.ended:
                self.drawn.clear()
                await self.drawn.wait()

    async def tmux(self, *command: str) -> list[str]:
        """The lines that a command of tmux prints; none once the program has ended."""
        assert self.control.stdin is not None
        if self.ended:
            return []
        reply = self.expected()
        self.control.stdin.write(f"{' '.join(map(_quoted, command))}\n".encode())
        return await reply

    def expected(self) -> asyncio.Future[list[str]]:
        """What tmux replies to the next command that it has not replied to yet."""
        reply = asyncio.get_running_loop().create_future()
        self.waiting.append(reply)
        return reply

    async def listen(self) -> None:
        """Take in what tmux says, until it has nothing more to say."""
        assert self.control.stdout is not None
        reply: list[str] | None = None
        async for raw in self.control.stdout:
            line = raw.decode("utf-8", "replace").rstrip("\n")
            if line.startswith("%begin "):
                reply = []
            elif line.startswith(("%end ", "%error ")) and reply is not None:
                self._reply(reply)
                reply = None
            elif reply is not None:
                reply.append(line)
            elif line.startswith("%output "):
                self.drawn.set()
        self.ended = True
        while self.waiting:
            self._reply([])
        self.drawn.set()

    def _reply(self, lines: list[str]) -> None:
        reply = self.waiting.popleft()
        if not reply.done():  # else nobody waits for it any more
            reply.set_result(lines)


def _quoted(word: str) -> str:
    """A word as tmux's command language reads it; a backslash is none inside single quotes."""
    return "'" + word.replace("'", "'\\''") + "'"


@asynccontextmanager
async def terminal(
    command: Sequence[str | Path],
    *,
    folder: Path,
    environment: Mapping[str, str] | None = None,
    columns: int = 80,
    rows: int = 24,
) -> AsyncGenerator[Terminal]:
    """The program in a new terminal of that size; all of it is gone afterwards.

    Args:
        command: the program and its arguments.
        folder: where it starts.
        environment: what its environment has besides ours.
    """
    program = need(Path(shutil.which("tmux") or "/usr/bin/tmux"), "install tmux")
    # A socket's path has little room: pytest's own folders are too deep for it.
    home = tempfile.mkdtemp(prefix="terminal-")
    server = [str(program), "-S", f"{home}/tmux", "-f", os.devnull, "-u"]
    control = await asyncio.create_subprocess_exec(
        *[*server, "-C", "new-session", "-x", str(columns), "-y", str(rows)],
        *map(str, command),
        cwd=folder,
        env={
            **{name: value for name, value in os.environ.items() if name != "TMUX"},
            "LC_ALL": "C.UTF-8",
            **(environment or {}),
        },
        stdin=PIPE,
        stdout=PIPE,
        limit=2**24,  # a line holds all that was drawn at once
    )
    screen = Terminal(control)
    answer = screen.expected()  # to `new-session` itself
    listener = asyncio.create_task(screen.listen())
    ours: list[psutil.Process] = []
    try:
        await answer
        ids = await screen.tmux("display-message", "-p", "#{pid} #{pane_pid}")
        ours = [psutil.Process(int(pid)) for pid in " ".join(ids).split()]
        await screen.tmux("refresh-client", "-C", f"{columns}x{rows}")
        yield screen
    finally:
        # Nothing is waited for by way of tmux here: it may be what hangs.
        for process in _families(ours):
            with suppress(psutil.NoSuchProcess):
                process.terminate()
        listener.cancel()
        with suppress(ProcessLookupError):
            control.kill()
        await asyncio.to_thread(_gone, _families(ours))
        await control.wait()
        shutil.rmtree(home, ignore_errors=True)


def _families(processes: Sequence[psutil.Process]) -> list[psutil.Process]:
    """These processes and all that they started, as far as they are there."""
    found = {process for process in processes if process.is_running()}
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            found.update(process.children(recursive=True))
    return list(found)


def _gone(processes: list[psutil.Process]) -> None:
    """Returns when they have ended; those that do not end are made to."""
    _, left = psutil.wait_procs(processes, timeout=5)
    for process in left:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(left, timeout=5)
