"""Running shell commands: one process group each, output kept whole on disk, nothing left behind.

No thread and no process beyond the command itself: the event loop watches its pipe and its end.
"""

import asyncio
import codecs
import contextlib
import errno
import os
import signal
import subprocess
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from roo_lsp.agent.errors import ToolError
from roo_lsp.agent.ports import Command, CommandResult, OutputPart
from roo_lsp.workspace.outputs import Output, OutputStore
from roo_lsp.workspace.paths import is_folder

MERGE_SECONDS = 0.05
"""Output that comes faster is passed on together."""
MAX_SHOWN_BYTES = 64 * 1024
"""Of what came within `MERGE_SECONDS`, at most this much is passed on."""
READ_BYTES = 1 << 16
CANCEL_SECONDS = 0.8
"""How long a cancelled command may take to end by itself."""
POLL_SECONDS = 0.02

KEPT_VARIABLES = frozenset({"HOME", "USER", "LOGNAME", "LANG", "TMPDIR", "TZ"})
FIXED_VARIABLES: dict[str, str] = {
    "TERM": "dumb",
    "SHELL": "/bin/bash",
    "PAGER": "cat",
    "GIT_PAGER": "cat",
    "GIT_TERMINAL_PROMPT": "0",
    # A repository must not make an approved git run its programs.
    "GIT_CONFIG_COUNT": "2",
    "GIT_CONFIG_KEY_0": "safe.bareRepository",
    "GIT_CONFIG_VALUE_0": "explicit",
    "GIT_CONFIG_KEY_1": "core.fsmonitor",
    "GIT_CONFIG_VALUE_1": "false",
}

State = Literal["exited", "signalled", "timed_out", "running"]


def command_environment(ours: Mapping[str, str], users: Mapping[str, str]) -> dict[str, str]:
    """What a command finds in its environment: an allow list, so no key of ours is in it."""
    kept = {
        name: value
        for name, value in ours.items()
        if name in KEPT_VARIABLES or name.startswith("LC_")
    }
    path = [each for each in ours.get("PATH", os.defpath).split(os.pathsep) if each.startswith("/")]
    return (
        {"LANG": "C.UTF-8"} | kept | {"PATH": os.pathsep.join(path)} | FIXED_VARIABLES | dict(users)
    )


class ShellRunner:
    """`CommandRunner` with bash; one for each task. Call `close` when the task ends."""

    def __init__(
        self,
        output_dir: Path,
        *,
        timeout: float = 0,
        env: Mapping[str, str] | None = None,
        shell: Path = Path("/bin/bash"),
        grace: float = 5.0,
        disk_budget: int = 200_000_000,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        """`timeout` in seconds kills a command, 0 is none; `grace` lies between TERM and KILL."""
        self._outputs = OutputStore(output_dir, disk_budget)
        self._timeout = timeout
        self._grace = grace
        self._shell = shell
        self._env = command_environment(os.environ if environ is None else environ, env or {})
        self._jobs: dict[_Job, asyncio.Task[State]] = {}

    async def run(self, command: Command, on_output: Callable[[str], None]) -> CommandResult:
        job = self._start(command, on_output)
        task = asyncio.create_task(self._live(job))
        self._jobs[job] = task
        task.add_done_callback(lambda _: self._finished(job))
        try:
            await asyncio.wait({task}, timeout=command.background_after)
            if not task.done():
                job.output.keep()
            job.show()
            return CommandResult(
                state=task.result() if task.done() else "running",
                code=job.code,
                preview=job.output.preview() + job.notice(),
                artifact_id=job.output.artifact_id,
                total_bytes=job.output.total,
            )
        except asyncio.CancelledError:
            task.cancel()
            await asyncio.wait({task})
            raise
        finally:
            job.stop_showing()

    async def output(
        self, artifact_id: str, *, offset: int, limit: int, search: str | None
    ) -> OutputPart:
        running = any(
            job.output.artifact_id == artifact_id and (not task.done() or job.lingers)
            for job, task in self._jobs.items()
        )
        if search is not None:
            return await self._outputs.search(artifact_id, search, limit, running=running)
        return self._outputs.part(artifact_id, offset, limit, running=running)

    async def close(self) -> None:
        tasks = list(self._jobs.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        for job in list(self._jobs):
            job.kill_lingering()
            self._forget(job)

    def _start(self, command: Command, on_output: Callable[[str], None]) -> "_Job":
        if not is_folder(command.cwd):
            raise ToolError(f"The working directory {command.cwd} does not exist.")
        if not self._shell.is_file():
            raise ToolError(f"Commands cannot run here: there is no {self._shell} on this system.")
        if "\0" in command.text:
            raise ToolError("The command has a NUL character in it.")
        arguments = [os.fspath(self._shell), "--noprofile", "--norc", "-c", command.text]
        try:
            process = subprocess.Popen(
                arguments,
                cwd=command.cwd,
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                bufsize=0,
            )
        except OSError as error:
            if error.errno == errno.E2BIG:
                raise ToolError(
                    "The command is too long for this system. Write the long part to a file first."
                ) from None
            raise ToolError(f"The command could not be started: {error.strerror}.") from error
        return _Job(process, Output(self._outputs), on_output)

    async def _live(self, job: "_Job") -> State:
        """Watch a command to its end, whichever way it comes; nothing of it runs on after a kill."""
        try:
            try:
                async with asyncio.timeout(self._timeout or None):
                    await asyncio.wait({job.exited})
            except TimeoutError:
                await job.end(self._grace)
                return "timed_out"
            job.settle()
        except asyncio.CancelledError:
            await job.end(CANCEL_SECONDS)
            raise
        finally:
            job.kill_at_once()
        return "exited" if job.process.returncode >= 0 else "signalled"

    def _finished(self, job: "_Job") -> None:
        job.kill_at_once()  # for a task that was cancelled before its first step
        if not job.lingers:
            self._forget(job)

    def _forget(self, job: "_Job") -> None:
        job.close()
        self._jobs.pop(job, None)


class _Job:
    """One command: its process, its pipe, and where its output goes."""

    def __init__(
        self,
        process: "subprocess.Popen[bytes]",
        output: Output,
        on_output: Callable[[str], None],
    ) -> None:
        self.process = process
        self.output = output
        self.lingering: list[int] = []
        """Descriptors of processes that the command left running behind it."""
        self._show: Callable[[str], None] | None = on_output
        self._stream = _Stream()
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._shown_at = float("-inf")
        assert process.stdout is not None  # noqa: S101 -- a pipe was asked for
        self._pipe: int | None = process.stdout.fileno()
        os.set_blocking(self._pipe, False)
        self._loop.add_reader(self._pipe, self._readable)
        self.exited: asyncio.Future[None] = self._loop.create_future()
        """Done when the shell has ended; it is not reaped yet, so its group's id is still its own."""
        self._pidfd: int | None = None
        self._watch_exit()

    @property
    def code(self) -> int | None:
        """Exit code, or the number of the signal that ended it; None while it runs."""
        code = self.process.returncode
        return code if code is None else abs(code)

    @property
    def lingers(self) -> bool:
        return bool(self.lingering)

    # --- its end ----------------------------------------------------------------------------

    def _watch_exit(self) -> None:
        for descriptor in _pidfds(self.process.pid):
            self._pidfd = descriptor
            self._loop.add_reader(descriptor, self._ended)
            return
        waiting = self._loop.run_in_executor(None, self.process.wait)
        waiting.add_done_callback(lambda _: self._ended())

    def _ended(self) -> None:
        if self._pidfd is not None:
            self._loop.remove_reader(self._pidfd)
            os.close(self._pidfd)
            self._pidfd = None
        if not self.exited.done():
            self.exited.set_result(None)

    def settle(self) -> None:
        """The shell ended by itself: take what it wrote, and note what it left running."""
        self._drain()
        self.process.wait()
        if not self._signal(0):
            self._close_pipe()
            return
        self.lingering = [
            descriptor for pid in _members(self.process.pid) for descriptor in _pidfds(pid)
        ]
        if not self.lingering:
            self._signal(signal.SIGKILL)
            self._close_pipe()
        elif self._pipe is not None:
            self.output.keep()

    async def end(self, grace: float) -> None:
        """TERM to the whole group, and KILL to what is left of it after the grace time."""
        self._signal(signal.SIGTERM)
        deadline = self._loop.time() + grace
        pause = POLL_SECONDS
        while self._loop.time() < deadline:
            if self.exited.done() and not _members(self.process.pid):
                break
            await asyncio.sleep(pause)
            pause = min(0.2, pause * 1.5)
        self._signal(signal.SIGKILL)
        await asyncio.wait({self.exited}, timeout=1)

    def kill_at_once(self) -> None:
        """What must hold however the watching ended: dead, reaped, output taken."""
        if self.process.returncode is not None:
            return
        self._signal(signal.SIGKILL)
        self._drain()
        self._close_pipe()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=1)

    def kill_lingering(self) -> None:
        """Kill what the command left running, while its group's id is surely still its own."""
        if any(_alive(descriptor) for descriptor in self.lingering):
            self._signal(signal.SIGKILL)
        for descriptor in self.lingering:
            os.close(descriptor)
        self.lingering = []

    def notice(self) -> str:
        if not self.lingering:
            return ""
        return f"\n[{len(self.lingering)} of its processes go on in the background]\n"

    def close(self) -> None:
        self.show()
        self.stop_showing()
        self._close_pipe()
        self.output.close()

    def _signal(self, number: int) -> bool:
        """True when there was a process in the group to get the signal."""
        try:
            os.killpg(self.process.pid, number)
        except ProcessLookupError:
            return False
        except PermissionError:  # what is left runs as another user, or (macOS) is a zombie
            return False
        return True

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
            assert self.process.stdout is not None  # noqa: S101 -- a pipe was asked for
            self.process.stdout.close()

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
class _Stream:
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


def _members(group: int) -> list[int]:
    """The living processes of a group, where the system has a /proc to tell."""
    found: list[int] = []
    try:
        names = os.listdir("/proc")  # noqa: PTH208 -- hundreds of names, no paths needed
    except OSError:
        return found
    for name in filter(str.isdecimal, names):
        try:
            with open(f"/proc/{name}/stat", "rb") as file:  # noqa: PTH123 -- as above
                state, _, pgrp = file.read().rpartition(b")")[2].split()[:3]
        except (OSError, ValueError):
            continue
        if int(pgrp) == group and state != b"Z":
            found.append(int(name))
    return found


def _pidfds(pid: int) -> Iterable[int]:
    """A descriptor for a process, where there is such a thing."""
    with contextlib.suppress(OSError, AttributeError):
        return (os.pidfd_open(pid),)
    return ()


def _alive(pidfd: int) -> bool:
    try:
        signal.pidfd_send_signal(pidfd, 0)
    except OSError:
        return False
    return True
