"""One running command: what supervises it, its pipe, and where its output goes."""

import asyncio
import codecs
import contextlib
import os
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from roo_lsp.workspace.outputs import RunningOutput
from roo_lsp.workspace.sandbox.base import Process, ProcessStart
from roo_lsp.workspace.sandbox.protect import Found

MERGE_SECONDS = 0.05
"""Output that comes faster is passed on together."""
MAX_SHOWN_BYTES = 64 * 1024
"""Of what came within `MERGE_SECONDS`, at most this much is passed on."""
READ_BYTES = 1 << 16
MAX_NAMED = 3
"""Processes that are named when a command leaves some behind."""
KILL_ROUNDS = 50

FATAL = frozenset({1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 13, 14, 15, 24, 25})
"""Linux's numbers of the signals that end a process which does not expect them."""


class Job:
    """One command: its supervisor, its pipe, and where its output goes."""

    def __init__(
        self,
        spawned: tuple[Process, socket.socket],
        output: RunningOutput,
        on_output: Callable[[str], None],
        before: Found | None,
        start: ProcessStart,
    ) -> None:
        self._process, self._link = spawned
        self.output = output
        self.before = before
        """The protected names before it ran, or when they were last compared; None once nothing of
        it runs any more."""
        self.compared = False
        self._start = start
        self._show: Callable[[str], None] | None = on_output
        self._stream = Stream()
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._shown_at = float("-inf")
        self.heard_at = self._loop.time()
        """When it last printed something, or began."""
        assert self._process.stdout is not None  # noqa: S101 -- a pipe was asked for
        self._pipe: int | None = self._process.stdout.fileno()
        os.set_blocking(self._pipe, False)
        self._loop.add_reader(self._pipe, self._readable)
        self.exited: asyncio.Future[None] = self._loop.create_future()
        """Done when the shell has ended."""
        self.gone: asyncio.Future[None] = self._loop.create_future()
        """Done when nothing of it is left."""
        self._said = ""
        self.left = 0
        """How many processes the command left running behind it."""
        self.failed: int | None = None
        """Why it could not be started, as a number of `errno`."""
        self._ended: int | None = None
        self._loop.add_reader(self._link, self._linked)

    @property
    def code(self) -> int | None:
        """Exit code, or the number of the signal that ended it; None while it runs."""
        if self._ended is None:
            return None
        if self._ended < 0:
            return -self._ended
        return self._ended - 128 if self.signalled else self._ended

    @property
    def signalled(self) -> bool:
        """True when a signal ended it; of what runs below a keeper only the fatal ones are told."""
        code = self._ended
        return code is not None and (code < 0 or (self._start.wrapped and code - 128 in FATAL))

    @property
    def lingers(self) -> bool:
        """True while what it left behind goes on."""
        return self.left > 0 and not self.gone.done()

    # --- its end ----------------------------------------------------------------------------

    def _linked(self) -> None:
        try:
            data = self._link.recv(1024)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._loop.remove_reader(self._link)
            if self._ended is None:
                self._ended = -signal.SIGKILL
            self._settled(self.gone)
            self._settled(self.exited)
            return
        self._said += data.decode("ascii", "replace")
        if "\n" in self._said and self._ended is None:
            what, *numbers = self._said.split()
            number = int(numbers[0])
            if what == "failed":
                self.failed, self._ended = number, 127
            else:
                self._ended = number if what == "exit" else -number
                # Where it had a process space of its own, what is left ends with that.
                own_space = self._start.wrapped and not self._start.namespaces
                self.left = 0 if own_space else int(numbers[1])
            self._settled(self.exited)

    def _settled(self, future: "asyncio.Future[None]") -> None:
        if not future.done():
            future.set_result(None)

    def settle(self) -> None:
        """The shell ended by itself: take what it wrote; what it left running may write more."""
        self._drain()
        if self.lingers:
            self.output.keep()
        else:
            self._close_pipe()

    async def end(self, grace: float) -> None:
        """TERM to the whole group, and KILL to what is left of it after the grace time."""
        with contextlib.suppress(OSError):
            self._link.send(b"t")
        await asyncio.wait({self.gone}, timeout=grace)
        self.kill()
        await asyncio.wait({self.gone}, timeout=1)

    def kill(self) -> None:
        """What must hold however the watching ended: dead, reaped, output taken."""
        if self._process.returncode is not None:
            return
        if not self.gone.done():
            self._kill_below()
            # Whatever the system did not show ends by this.
            with contextlib.suppress(OSError):
                self._link.shutdown(socket.SHUT_RDWR)
        self._drain()
        self._close_pipe()
        try:
            self._process.wait(timeout=1)
        except subprocess.TimeoutExpired:
            self._process.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=1)

    def _kill_below(self) -> None:
        """Kill from outside, leaves first: a command can stop what supervises it."""
        top = self._process.pid
        for _ in range(KILL_ROUNDS):
            children = _children()
            keepers = {top, *(children.get(top, []) if self._start.namespaces else [])}
            found = [each for each in _below(top, children) if each not in keepers]
            if not found:
                break
            for each in found:
                with contextlib.suppress(OSError):
                    os.kill(each, signal.SIGKILL)
        else:
            keepers = {top}
        for each in keepers - {top}:
            with contextlib.suppress(OSError):
                os.kill(each, signal.SIGKILL)
        with contextlib.suppress(OSError):
            os.kill(top, signal.SIGCONT)

    def notice(self) -> str:
        """What it left running, in words; empty where it left nothing."""
        if not self.lingers:
            return ""
        names = [_command_line(pid) for pid in self._left_behind()]
        named = ", ".join(filter(None, names[:MAX_NAMED]))
        stop = f"; artifact_id {self.output.artifact_id} stops them" * bool(self.output.artifact_id)
        return (
            f"\n[{self.left} of its processes go on in the background"
            f"{f' ({named})' if named else ''}{stop}]\n"
        )

    def _left_behind(self) -> Sequence[int]:
        top = self._process.pid
        children = _children()
        first = children.get(top, [])
        return [
            each for each in _below(top, children) if not (self._start.namespaces and each in first)
        ]

    def close(self) -> None:
        """Release what it held; nothing of it may run any more."""
        self.show()
        self.stop_showing()
        self._close_pipe()
        self.output.close()
        if self._link.fileno() >= 0:
            self._loop.remove_reader(self._link)
            self._link.close()
        if self._process.returncode is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=1)
        self._settled(self.gone)

    # --- its output -------------------------------------------------------------------------

    def _readable(self) -> None:
        if self._pipe is None:
            return
        try:
            data = os.read(self._pipe, READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._close_pipe()
            return
        self.heard_at = self._loop.time()
        self.output.add(data)
        if self._show is None:
            return
        self._stream.add(data)
        if self._timer is not None:
            return
        wait = self._shown_at + MERGE_SECONDS - self._loop.time()
        if wait <= 0:
            self.show()
        else:
            self._timer = self._loop.call_later(wait, self.show)

    def _drain(self) -> None:
        """Read what is there already; more than that only comes from what was left running."""
        for _ in range(64):
            before = self.output.total
            self._readable()
            if self._pipe is None or self.output.total == before:
                return

    def _close_pipe(self) -> None:
        if self._pipe is not None:
            self._loop.remove_reader(self._pipe)
            self._pipe = None
            assert self._process.stdout is not None  # noqa: S101 -- a pipe was asked for
            self._process.stdout.close()

    def show(self) -> None:
        """Pass on what came since the last time."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._shown_at = self._loop.time()
        text = self._stream.take()
        if text and self._show is not None:
            self._show(text)

    def stop_showing(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._show = None


@dataclass(slots=True)
class Stream:
    """Bytes that came and were not shown yet, made text without splitting a character."""

    pending: bytearray = field(default_factory=bytearray)
    skipped: int = 0
    decoder: codecs.IncrementalDecoder = field(
        default_factory=lambda: codecs.getincrementaldecoder("utf-8")("replace")
    )

    def add(self, data: bytes) -> None:
        if len(self.pending) < MAX_SHOWN_BYTES:
            self.pending += data
        else:
            self.skipped += len(data)

    def take(self) -> str:
        text = self.decoder.decode(self.pending)
        self.pending.clear()
        if self.skipped:
            self.decoder.reset()
            text += f"\n[...{self.skipped} bytes not shown...]\n"
            self.skipped = 0
        return text


def _children() -> dict[int, list[int]]:
    """The living processes by their parents, where the system has a /proc to tell."""
    found: dict[int, list[int]] = {}
    for pid, parent in _processes():
        found.setdefault(parent, []).append(pid)
    return found


def _below(top: int, children: Mapping[int, list[int]]) -> Iterator[int]:
    queue = [top]
    while queue:
        inside = children.get(queue.pop(), [])
        yield from inside
        queue += inside


def _processes() -> Iterator[tuple[int, int]]:
    """Each living process and its parent."""
    try:
        names = os.listdir("/proc")  # noqa: PTH208 -- hundreds of names, no paths needed
    except OSError:
        return
    for name in filter(str.isdecimal, names):
        try:
            with open(f"/proc/{name}/stat", "rb") as file:  # noqa: PTH123 -- as above
                state, parent = file.read().rpartition(b")")[2].split()[:2]
        except (OSError, ValueError):
            continue
        if state != b"Z":
            yield int(name), int(parent)


def _command_line(pid: int) -> str:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ")
    except OSError:
        return ""
    text = " ".join(words.decode("utf-8", "replace").split())
    return text if len(text) <= 60 else f"{text[:59]}…"
