"""Running shell commands: below a supervisor each, output kept whole on disk, nothing left behind."""

import asyncio
import errno
import logging
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from roo_lsp.agent.errors import ToolError
from roo_lsp.agent.ports import Command, CommandResult, Ended, OutputPart, OutputQuery
from roo_lsp.workspace.job import Job
from roo_lsp.workspace.outputs import OutputStore, RunningOutput
from roo_lsp.workspace.paths import is_folder, is_program
from roo_lsp.workspace.sandbox.base import NO_SANDBOX, Process, ProcessStart, Sandbox, Scratch
from roo_lsp.workspace.sandbox.hints import prevented
from roo_lsp.workspace.sandbox.protect import Found, ProtectedChange, changes, notice
from roo_lsp.workspace.sandbox.spawning import spawn

if sys.platform == "win32":
    resource = None
else:
    import resource

log = logging.getLogger(__name__)

CANCEL_SECONDS = 0.8
"""How long a cancelled command may take to end by itself."""
SILENT_SECONDS = 60
"""A command that prints nothing for so long goes on in the background: it may wait for a terminal."""
PATIENT_SECONDS = 120
"""So does one that takes longer than this, where nobody said for how long to wait."""
MAX_SHOWN_TEXT = 40
"""Characters of a command's text in what is said of it later."""

KEPT_VARIABLES = frozenset({"HOME", "USER", "LOGNAME", "LANG", "TMPDIR", "TZ"})
FIXED_VARIABLES: dict[str, str] = {
    "TERM": "dumb",
    "SHELL": "/bin/bash",
    **dict.fromkeys(
        (
            *("PAGER", "GIT_PAGER", "MANPAGER", "SYSTEMD_PAGER", "GH_PAGER", "PSQL_PAGER"),
            *("BAT_PAGER", "DELTA_PAGER", "AWS_PAGER"),
        ),
        "cat",
    ),
    # An editor that nobody sees is waited for for ever. git takes a message that it has proposed;
    # where something has to be written, the program says that there is no editor.
    "GIT_EDITOR": "true",
    "GIT_MERGE_AUTOEDIT": "no",
    **dict.fromkeys(
        (
            *("GIT_SEQUENCE_EDITOR", "EDITOR", "VISUAL", "HGEDITOR", "SVN_EDITOR", "JJ_EDITOR"),
            *("KUBE_EDITOR", "FCEDIT", "SUDO_EDITOR", "SYSTEMD_EDITOR"),
        ),
        "false",
    ),
    "GIT_TERMINAL_PROMPT": "0",
    "GH_PROMPT_DISABLED": "1",
    "PIP_NO_INPUT": "1",
    "DEBIAN_FRONTEND": "noninteractive",
    # A repository must not make an approved git run its programs.
    "GIT_CONFIG_COUNT": "2",
    "GIT_CONFIG_KEY_0": "safe.bareRepository",
    "GIT_CONFIG_VALUE_0": "explicit",
    "GIT_CONFIG_KEY_1": "core.fsmonitor",
    "GIT_CONFIG_VALUE_1": "false",
}

CommandState = Literal["exited", "signalled", "timed_out", "running"]


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


def limit_numbers(processes: int, memory: int, file_size: int) -> dict[int, int]:
    """`setrlimit`'s numbers for a number of processes and megabytes; 0 is no limit."""
    if resource is None:
        return {}
    megabyte = 1_000_000
    all_of_them = {
        resource.RLIMIT_NPROC: processes,
        resource.RLIMIT_AS: memory * megabyte,
        resource.RLIMIT_FSIZE: file_size * megabyte,
    }
    return {kind: most for kind, most in all_of_them.items() if most}


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
    limits: Mapping[int, int] = field(default_factory=dict[int, int])
    """Of `setrlimit`, by the numbers of the module resource."""
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
        on_changed: Callable[[Sequence[ProtectedChange]], None] | None = None,
        workspace: Sequence[Path] = (),
        hide: Callable[[bytes], bytes] = bytes,
    ) -> None:
        """`options` is asked as each command starts; `grace` seconds lie between TERM and KILL.

        `on_changed` is told which protected names a command created, changed or removed, also
        when it did so in the background or was cancelled: after that nothing is to be approved
        without the user. An empty sequence says that they could not be compared. `workspace` is
        where no program of ours is taken from; `hide` takes keys out of what is printed.
        """
        self._outputs = OutputStore(output_dir, disk_budget, workspace, hide)
        self._grace = grace
        self._options = options
        self._environ = os.environ if environ is None else environ
        self._jobs: dict[Job, asyncio.Task[CommandState]] = {}
        self._leavings: dict[Job, asyncio.Task[None]] = {}
        self._scratch = Scratch()
        self._on_changed = on_changed
        self._told: set[ProtectedChange] = set()
        self._news: list[ProtectedChange] = []
        """What no result has said yet."""
        self._behind: dict[str, str] = {}
        """The commands that went on behind a result, by their outputs."""
        self._endings: dict[str, str] = {}
        """How those ended."""
        self._untold: list[Ended] = []

    async def run(self, command: Command, on_output: Callable[[str], None]) -> CommandResult:
        options = self._options()
        if options.sandbox.refused:
            raise ToolError(options.sandbox.refused)
        if command.unconfined:
            if options.required:
                raise ToolError("The user requires the sandbox (roo.commands.sandbox).")
            options = replace(options, sandbox=replace(options.sandbox, jail=None))
        ignored = options.sandbox.ignored if options.sandbox.jail is not None else None
        kept = await asyncio.to_thread(ignored.look) if ignored is not None else ()
        job = self._start(command, options, on_output, await self._look(), kept)
        begun = asyncio.get_running_loop().time()
        task = asyncio.create_task(self._watched(job, options.timeout))
        self._jobs[job] = task
        task.add_done_callback(lambda _: self._finished(job))
        try:
            silent = await self._wait(job, task, command.background_after)
            if not task.done():
                job.output.keep()
                await self._look()
            job.show()
            if (job.lingers or not task.done()) and job.output.artifact_id:
                self._behind[job.output.artifact_id] = _shown(command.text)
            state = task.result() if task.done() else "running"
            if job.failed is not None:
                raise _not_started(job.failed)
            failed = task.done() and bool(job.code)
            preview = await job.output.preview(failed=failed)
            return CommandResult(
                state=state,
                code=job.code if task.done() else None,
                preview=preview + job.notice() + self._notice(),
                artifact_id=job.output.artifact_id,
                total_bytes=job.output.total,
                seconds=asyncio.get_running_loop().time() - begun,
                silent=silent,
                left_behind=job.left if job.lingers else 0,
                notes=tuple(prevented(preview, command, options.sandbox, kept) if failed else ()),
            )
        except asyncio.CancelledError:
            task.cancel()
            await asyncio.wait({task})
            raise
        finally:
            job.stop_showing()

    async def _wait(
        self, job: Job, task: "asyncio.Task[CommandState]", seconds: float | None
    ) -> bool:
        """Wait for its end, or as long as it makes sense; True where it was silent for too long."""
        if seconds is not None:
            await asyncio.wait({task}, timeout=seconds)
            return False
        now = asyncio.get_running_loop().time
        end = now() + PATIENT_SECONDS
        while not task.done() and now() < (limit := min(end, job.heard_at + SILENT_SECONDS)):
            await asyncio.wait({task}, timeout=limit - now())
        return not task.done() and now() < end

    def saves(self) -> Sequence[Path]:
        return ()

    async def output(self, artifact_id: str, query: OutputQuery) -> OutputPart:
        job = next((job for job in self._jobs if job.output.artifact_id == artifact_id), None)
        if job is not None and query.stop:
            await self._stop(job)
        elif job is not None and query.wait:
            await asyncio.wait({self._jobs[job], job.gone}, timeout=query.wait)
        if job is not None:
            job.output.flush()
        running = (
            job is not None and job in self._jobs and (not self._jobs[job].done() or job.lingers)
        )
        if query.search is not None:
            part = await self._outputs.search(artifact_id, query, running=running)
        else:
            part = self._outputs.part(artifact_id, query.offset, query.limit, running=running)
        ending = self._endings.get(artifact_id, "")
        self._untold = [each for each in self._untold if each.artifact_id != artifact_id]
        return replace(part, ending=ending)

    async def _stop(self, job: Job) -> None:
        """End a command, and all that it left running, as at a time limit."""
        task = self._jobs[job]
        await job.end(self._grace)
        await asyncio.wait({task})
        if left := self._leavings.get(job):
            await asyncio.wait({left}, timeout=1)

    def ended(self) -> Sequence[Ended]:
        told, self._untold = self._untold, []
        return told

    async def close(self) -> None:
        tasks = list(self._jobs.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        for job in list(self._jobs):
            job.kill()
        if left := list(self._leavings.values()):
            await asyncio.wait(left, timeout=1)
        for each in left:
            each.cancel()
        for job in list(self._jobs):
            self._forget(job)
        await asyncio.to_thread(self._scratch.remove)

    def _start(
        self,
        command: Command,
        options: ShellOptions,
        on_output: Callable[[str], None],
        before: Found | None,
        kept: tuple[Path, ...],
    ) -> Job:
        if not is_folder(command.cwd):
            raise ToolError(f"The working directory {command.cwd} does not exist.")
        if not is_program(options.shell):
            raise ToolError(
                f"Commands cannot run here: there is no {options.shell} on this system."
            )
        if "\0" in command.text:
            raise ToolError("The command has a NUL character in it.")
        try:
            return self._spawn(command, options, on_output, before, kept)
        except OSError as error:
            raise _not_started(error.errno or 0) from error

    def _spawn(
        self,
        command: Command,
        options: ShellOptions,
        on_output: Callable[[str], None],
        before: Found | None,
        kept: tuple[Path, ...],
    ) -> Job:
        arguments, jail = options.arguments(command.text), options.sandbox.jail
        start = ProcessStart(arguments, command_environment(self._environ, options.env))
        if jail is not None:
            found = replace(before or Found(), ignored=kept)
            start = jail.confine(arguments, command.cwd, start.env, self._scratch, found)
        how = jail.spawn if jail is not None else _directly
        spawned = spawn(start, command.cwd, options.limits, how)
        return Job(spawned, RunningOutput(self._outputs), on_output, before, start)

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

    async def _watched(self, job: Job, limit: float) -> CommandState:
        """`_live`, and then what it did to protected names."""
        try:
            return await self._live(job, limit)
        finally:
            try:
                now = await self._look()
                job.before, job.compared = now if job.lingers else None, True
            except Exception:
                log.exception("protected files could not be compared")

    def _notice(self) -> str:
        news, self._news = self._news, []
        return f"\n{notice(news)}\n" if news else ""

    def _tell(self, found: Sequence[ProtectedChange]) -> None:
        if self._on_changed is not None:
            self._on_changed(found)

    async def _live(self, job: Job, limit: float) -> CommandState:
        """Watch a command to its end, whichever way it comes; nothing of it runs on after a kill."""
        try:
            try:
                async with asyncio.timeout(limit or None):
                    await asyncio.wait({job.exited})
            except TimeoutError:
                await job.end(self._grace)
                return "timed_out"
            job.settle()
            if not job.left:
                await asyncio.wait({job.gone}, timeout=1)
        except asyncio.CancelledError:
            await job.end(CANCEL_SECONDS)
            raise
        finally:
            if not job.lingers:
                job.kill()
        return "signalled" if job.signalled else "exited"

    def _finished(self, job: Job) -> None:
        if job.before is not None and not job.compared:  # cancelled before its first step, say
            self._tell(())
        if job.lingers:
            self._leavings[job] = asyncio.create_task(self._left_behind(job))
        else:
            job.kill()
            self._forget(job)

    async def _left_behind(self, job: Job) -> None:
        """Look what it did to protected names once all that it left running has ended."""
        await asyncio.wait({job.gone})
        try:
            await self._look()
        except Exception:
            log.exception("protected files could not be compared")
            self._tell(())
        self._leavings.pop(job, None)
        self._forget(job)

    def _forget(self, job: Job) -> None:
        if self._jobs.pop(job, None) is None:
            return
        job.close()
        artifact = job.output.artifact_id
        if artifact is not None and artifact in self._behind:
            how = f"signal {job.code}" if job.signalled else f"exit code {job.code}"
            self._endings[artifact] = "all of its processes" if job.left else how
            last = job.output.last()
            self._untold.append(
                Ended(artifact, self._behind[artifact], self._endings[artifact], last)
            )


def _directly(start: Callable[[], Process]) -> Process:
    return start()


def _not_started(number: int) -> ToolError:
    if number == errno.E2BIG:
        return ToolError(
            "The command is too long for this system. Write the long part to a file first."
        )
    return ToolError(f"The command could not be started: {os.strerror(number)}.")


def _shown(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= MAX_SHOWN_TEXT else f"{line[: MAX_SHOWN_TEXT - 1]}…"
