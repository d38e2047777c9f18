"""Running shell commands: one process group each, output kept whole on disk, nothing left behind.

No thread and no process beyond the command itself: the event loop watches its pipe and its end.
"""

import asyncio
import codecs
import contextlib
import errno
import logging
import os
import signal
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from roo_lsp.agent.errors import ToolError
from roo_lsp.agent.ports import Command, CommandResult, OutputPart
from roo_lsp.workspace.outputs import Output, OutputStore
from roo_lsp.workspace.paths import is_folder, is_program
from roo_lsp.workspace.sandbox.base import NO_SANDBOX, Sandbox, Scratch, Start
from roo_lsp.workspace.sandbox.protect import Change, Found, changes, notice

log = logging.getLogger(__name__)

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

FATAL = frozenset({1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 13, 14, 15, 24, 25})
"""Linux's numbers of the signals that end a process which does not expect them."""

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


BASH = Path("/bin/bash")


@dataclass(frozen=True, slots=True)
class ShellOptions:
    """How commands run, as the user has set it when one starts."""

    timeout: float = 0
    """Seconds after which a command is killed; 0 is never."""
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    """Added to the environment."""
    shell: Path = BASH
    sandbox: Sandbox = NO_SANDBOX
    required: bool = False
    """Nothing runs outside the sandbox, not even where the user would approve it."""

    def arguments(self, text: str) -> list[str]:
        """What to start for a text; bash without the user's start-up files, as it was judged."""
        own = ["--noprofile", "--norc"] if self.shell == BASH else []
        return [os.fspath(self.shell), *own, "-c", text]


class ShellRunner:
    """`CommandRunner` with bash, in a sandbox; one for each task. Call `close` when the task ends."""

    def __init__(
        self,
        output_dir: Path,
        options: Callable[[], ShellOptions] = ShellOptions,
        *,
        grace: float = 5.0,
        disk_budget: int = 200_000_000,
        environ: Mapping[str, str] | None = None,
        on_changed: Callable[[Sequence[Change]], None] | None = None,
        workspace: Sequence[Path] = (),
    ) -> None:
        """`options` is asked as each command starts; `grace` seconds lie between TERM and KILL.

        `on_changed` is told which protected names a command created, changed or removed, also
        when it did so in the background or was cancelled: after that nothing is to be approved
        without the user. An empty sequence says that they could not be compared. `workspace` is
        where no program of ours is taken from.
        """
        self._outputs = OutputStore(output_dir, disk_budget, workspace)
        self._grace = grace
        self._options = options
        self._environ = os.environ if environ is None else environ
        self._jobs: dict[_Job, asyncio.Task[State]] = {}
        self._scratch = Scratch()
        self._on_changed = on_changed
        self._told: set[Change] = set()
        self._news: list[Change] = []
        """What no result has said yet."""

    async def run(self, command: Command, on_output: Callable[[str], None]) -> CommandResult:
        options = self._options()
        if options.sandbox.refused:
            raise ToolError(options.sandbox.refused)
        if command.unconfined:
            if options.required:
                raise ToolError("The user requires the sandbox (roo.commands.sandbox).")
            options = replace(options, sandbox=replace(options.sandbox, jail=None))
        job = self._start(command, options, on_output, await self._look())
        task = asyncio.create_task(self._watched(job, options.timeout))
        self._jobs[job] = task
        task.add_done_callback(lambda _: self._finished(job))
        try:
            await asyncio.wait({task}, timeout=command.background_after)
            if not task.done():
                job.output.keep()
                await self._look()
            job.show()
            return CommandResult(
                state=task.result() if task.done() else "running",
                code=job.code if task.done() else None,
                preview=job.output.preview() + job.notice() + self._notice(),
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
        await asyncio.to_thread(self._scratch.remove)

    def _start(
        self,
        command: Command,
        options: ShellOptions,
        on_output: Callable[[str], None],
        before: Found | None,
    ) -> "_Job":
        if not is_folder(command.cwd):
            raise ToolError(f"The working directory {command.cwd} does not exist.")
        if not is_program(options.shell):
            raise ToolError(
                f"Commands cannot run here: there is no {options.shell} on this system."
            )
        if "\0" in command.text:
            raise ToolError("The command has a NUL character in it.")
        try:
            start, process = self._spawn(command, options, before or Found())
        except OSError as error:
            if error.errno == errno.E2BIG:
                raise ToolError(
                    "The command is too long for this system. Write the long part to a file first."
                ) from None
            raise ToolError(f"The command could not be started: {error.strerror}.") from error
        return _Job(process, Output(self._outputs), on_output, before, wrapped=start.wrapped)

    def _spawn(
        self, command: Command, options: ShellOptions, found: Found
    ) -> "tuple[Start, subprocess.Popen[bytes]]":
        arguments, jail = options.arguments(command.text), options.sandbox.jail
        start = Start(arguments, command_environment(self._environ, options.env))
        if jail is not None:
            start = jail.confine(arguments, command.cwd, start.env, self._scratch, found)

        def spawn() -> "subprocess.Popen[bytes]":
            return subprocess.Popen(
                start.argv,
                cwd=command.cwd,
                env=start.env,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                bufsize=0,
            )

        return start, spawn() if jail is None else jail.spawn(spawn)

    async def _look(self) -> Found | None:
        """The protected names as they are now, compared with what running commands found; None
        where nobody wants to know.
        """
        protected = self._options().sandbox.protected
        if protected is None:
            return None
        now = await asyncio.to_thread(protected.look)
        for before in [job.before for job in self._jobs if job.before is not None]:
            # Each change is told once, however many commands ran when it was made.
            found = [each for each in changes(before, now) if each not in self._told]
            if found:
                self._told.update(found)
                self._news += found
                self._tell(found)
        return now

    async def _watched(self, job: "_Job", limit: float) -> State:
        """`_live`, and then what it did to protected names."""
        try:
            return await self._live(job, limit)
        finally:
            try:
                await self._look()
                job.before = None
            except Exception:
                log.exception("protected files could not be compared")

    def _notice(self) -> str:
        news, self._news = self._news, []
        return f"\n{notice(news)}\n" if news else ""

    def _tell(self, found: Sequence[Change]) -> None:
        if self._on_changed is not None:
            self._on_changed(found)

    async def _live(self, job: "_Job", limit: float) -> State:
        """Watch a command to its end, whichever way it comes; nothing of it runs on after a kill."""
        try:
            try:
                async with asyncio.timeout(limit or None):
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
        return "signalled" if job.signalled else "exited"

    def _finished(self, job: "_Job") -> None:
        job.kill_at_once()  # for a task that was cancelled before its first step
        if job.before is not None:
            self._tell(())
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
        before: Found | None,
        *,
        wrapped: bool,
    ) -> None:
        self.process = process
        self.output = output
        self.before = before
        """The protected names before it ran, until they were compared."""
        self._wrapped = wrapped
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
        if code is None or code >= 0:
            return code - 128 if self.signalled and code is not None else code
        return -code

    @property
    def signalled(self) -> bool:
        """True when a signal ended it; of what runs below a keeper only the fatal ones are told."""
        code = self.process.returncode
        return code is not None and (code < 0 or (self._wrapped and code - 128 in FATAL))

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
        self._terminate()
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

    def _terminate(self) -> None:
        """TERM to the command: a keeper would die of it at once, and the command with it."""
        inner = _children(self.process.pid) if self._wrapped else []
        for pid in inner:
            with contextlib.suppress(OSError):
                os.killpg(pid, signal.SIGTERM)
        if not inner:
            self._signal(signal.SIGTERM)

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
    return [pid for pid, _, pgrp in _processes() if pgrp == group]


def _children(parent: int) -> list[int]:
    """The living processes that a process has started, where the system has a /proc to tell."""
    return [pid for pid, ppid, _ in _processes() if ppid == parent]


def _processes() -> Iterator[tuple[int, int, int]]:
    """Each living process, its parent and its group."""
    try:
        names = os.listdir("/proc")  # noqa: PTH208 -- hundreds of names, no paths needed
    except OSError:
        return
    for name in filter(str.isdecimal, names):
        try:
            with open(f"/proc/{name}/stat", "rb") as file:  # noqa: PTH123 -- as above
                state, ppid, pgrp = file.read().rpartition(b")")[2].split()[:3]
        except (OSError, ValueError):
            continue
        if state != b"Z":
            yield int(name), int(ppid), int(pgrp)


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
