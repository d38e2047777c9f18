"""`roo-lsp run`: one task without an editor. This process is the server's client, and its user."""

import argparse
import asyncio
import contextlib
import json
import os
import shlex
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from rich.console import Console

from roo_lsp.agent.json_values import object_or_empty
from roo_lsp.cli.asking import Choice, TypedLines, ask_permission, ask_question
from roo_lsp.cli.client import (
    Asked,
    Event,
    Incoming,
    RequestRefused,
    Server,
    ServerEnded,
    Shown,
    connect,
)
from roo_lsp.cli.options import (
    BadUsage,
    Consent,
    Parser,
    add_settings,
    add_workspace,
    environment,
    settings,
    split_yes,
    workspace,
)
from roo_lsp.cli.render import SPINNER_SECONDS, Fields, TaskPicture
from roo_lsp.cli.tasks import in_folder, one_task
from roo_lsp.workspace.store import TaskStore
from roo_lsp.workspace.user_folders import state_dir

COMPLETED, FAILED, BAD_USAGE, NOT_APPROVED = 0, 1, 2, 3
INVALID_PARAMS = -32602
BAD_USAGE_REASONS = frozenset(
    {"settings_invalid", "no_task", "images_unsupported", "unknown_command"}
)
"""Why the server refuses what the command line or the settings ask for."""
MODELS_SECONDS = 3.0
"""How long an endpoint may take to say which model it serves; the task is not kept from starting."""
CANCEL_SECONDS = 5.0
"""How long a cancelled task may take to say that it has stopped."""

OUTCOMES = {
    "end_turn": "Done",
    "max_tokens": "Cut off by the output limit",
    "max_turn_requests": "Stopped at a limit",
    "refusal": "The model refused",
    "cancelled": "Cancelled",
    "error": "Failed",
}


@dataclass(frozen=True, slots=True)
class RunJob:
    """What to run."""

    prompt: str
    workspace: Path
    mode: str | None = None
    profile: str | None = None
    resume: str | None = None
    images: tuple[str, ...] = ()
    """URIs of files that go with the prompt."""
    consent: Consent = field(default_factory=Consent)
    settings: Mapping[str, Any] = field(default_factory=dict[str, Any])
    variables: Mapping[str, str] = field(default_factory=dict[str, str])
    """For the server's environment, beside our own."""
    resumable: bool = True
    """Tell how to go on with the task."""
    json: bool = False
    log: Path | None = None


def main(arguments: Sequence[str]) -> int:
    """Run one task.

    Raises:
        BadUsage: nothing was started.
    """
    return run(parse(arguments))


def parse(arguments: Sequence[str]) -> RunJob:
    """The job that a command line describes.

    Raises:
        BadUsage: as it says.
    """
    rest, consent = split_yes(arguments)
    given = _parser().parse_args(rest)
    prompt: str = given.prompt or ""
    if prompt == "-":
        prompt = sys.stdin.read()
    if not prompt.strip() and not given.resume:
        raise BadUsage('what is to be done? roo-lsp run "PROMPT"; `-` reads it from stdin')
    if given.images and not prompt.strip():
        raise BadUsage("--image: a prompt has to say what to do with it")
    folder = workspace(given)
    return RunJob(
        prompt=prompt,
        workspace=folder,
        mode=given.mode,
        profile=given.profile,
        resume=_task_of(folder, given.resume) if given.resume else None,
        images=tuple(Path(name).expanduser().absolute().as_uri() for name in given.images),
        consent=consent,
        settings=settings(given, consent),
        json=given.json,
        log=Path(given.log).expanduser().absolute() if given.log else None,
    )


def _task_of(folder: Path, given: str) -> str:
    """The id of a stored task of this folder, which may be given by how it begins.

    Raises:
        BadUsage: there is none, or it is of another folder, where its paths mean something else.
    """
    with contextlib.closing(TaskStore(state_dir())) as store:
        task = one_task(store, given)
    if not in_folder(folder)(task):
        there = shlex.quote(task.workspace)
        raise BadUsage(
            f"task {task.task_id} is of {task.workspace}, and this is {folder}\n"
            f"to go on there: roo-lsp run --resume {task.task_id} --workspace {there}"
        )
    return task.task_id


def run(job: RunJob) -> int:
    """Run the job to its end; returns the exit code."""
    return asyncio.run(run_job(job))


async def run_job(job: RunJob) -> int:
    """Run the job to its end; returns the exit code."""
    view: RunView = JsonView() if job.json else PictureView()
    stopping = Stopping()
    with stopping.watched():
        try:
            async with connect(
                job.workspace,
                environment=environment(job.settings) | dict(job.variables),
                log=job.log,
                attended=view.can_ask,
            ) as server:
                stopping.kill = server.kill
                return await Run(server, job, view, stopping).to_the_end()
        except asyncio.CancelledError:
            if not stopping.number:
                raise
            view.problem("", "Stopped before the task began.", "")
            return stopping.exit_code
        except ServerEnded as error:
            view.problem("", str(error), "Its log, in full: --log FILE.")
            return FAILED
        except BrokenPipeError:
            # Nobody reads what we write any more; Python would say so once more at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return FAILED
        finally:
            view.close()


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="roo-lsp run", description="Run one task without an editor.")
    parser.add_argument("prompt", nargs="?", metavar="PROMPT", help="what to do; - reads stdin")
    add_workspace(parser)
    parser.add_argument(
        "--image",
        metavar="FILE",
        action="append",
        default=[],
        dest="images",
        help="a PNG, JPEG, GIF or WebP to go with the prompt; may be given several times",
    )
    parser.add_argument(
        "--mode",
        metavar="M",
        help="the mode: code, ask, architect, debug, orchestrator, or one of yours",
    )
    parser.add_argument(
        "--yes",
        metavar="KINDS",
        nargs="?",
        help="approve without asking; read, edit, execute, mcp, joined with commas; "
        "without kinds: everything",
    )
    parser.add_argument("--resume", metavar="TASK_ID", help="go on with a stored task")
    parser.add_argument("--json", action="store_true", help="print events, one JSON per line")
    parser.add_argument("--log", metavar="FILE", help="where the server logs")
    add_settings(parser)
    return parser


# --- how a run ends from outside ------------------------------------------------------------


@dataclass(slots=True)
class Stopping:
    """Ctrl-C and SIGTERM: the first cancels the task, the second ends everything."""

    number: int = 0
    """The signal that came."""
    kill: Callable[[], object] | None = None

    @property
    def exit_code(self) -> int:
        return 128 + self.number

    @contextlib.contextmanager
    def watched(self) -> Any:
        """Has signals cancel the current asyncio task."""
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None  # noqa: S101 -- we are in a coroutine

        def stop(number: int) -> None:
            if self.number:
                self._die(number)
            self.number = number
            task.cancel()

        before: dict[int, Any] = {}
        for number in (signal.SIGINT, signal.SIGTERM):
            try:
                loop.add_signal_handler(number, stop, number)
            except NotImplementedError:  # Windows
                before[number] = signal.signal(
                    number, lambda number, _: loop.call_soon_threadsafe(stop, number)
                )
        try:
            yield
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                with contextlib.suppress(NotImplementedError):
                    loop.remove_signal_handler(number)
            for number, handler in before.items():
                signal.signal(number, handler)

    def _die(self, number: int) -> None:
        if self.kill is not None:
            self.kill()
        if sys.stdout.isatty():
            os.write(1, b"\x1b[?25h\n")  # the cursor, which the live rows have hidden
        os._exit(128 + number)


# --- where it is shown ----------------------------------------------------------------------


SERVERS_SECONDS = 20.0
"""How long a run waits for MCP servers."""


class RunView(Protocol):
    """Where a run is shown."""

    can_ask: bool
    """Whether a person is there to answer."""

    def show(self, roo: Fields) -> None: ...
    def note(self, text: str) -> None: ...
    def problem(self, code: str, message: str, hint: str) -> None: ...
    def summary(self, outcome: str, task_id: str, *, failed: bool) -> None: ...
    def tick(self) -> None: ...
    def close(self) -> None: ...
    async def ask_permission(self, entry: Mapping[str, Any]) -> Choice | None:
        """The user's choice; None where nobody can be asked."""
        ...

    async def ask_question(self, question: str, suggestions: Sequence[str]) -> str | None:
        """The user's answer; None where nobody can be asked, or they want to stop."""
        ...


class JsonView:
    """One `roo` object for each line of standard output, and nothing else there."""

    can_ask = False

    def show(self, roo: Fields) -> None:
        # In ASCII: other line breaks than ours, and any encoding of the pipe, then do no harm.
        sys.stdout.write(f"{json.dumps(roo)}\n")
        sys.stdout.flush()

    def note(self, text: str) -> None:
        sys.stderr.write(f"roo-lsp: {text}\n")

    def problem(self, code: str, message: str, hint: str) -> None:
        self.note(" ".join(filter(None, (f"{code}:" if code else "", message, hint))))

    def summary(self, outcome: str, task_id: str, *, failed: bool) -> None:
        del outcome, task_id, failed

    def tick(self) -> None: ...

    def close(self) -> None: ...

    async def ask_permission(self, entry: Mapping[str, Any]) -> Choice | None:
        del entry
        return None

    async def ask_question(self, question: str, suggestions: Sequence[str]) -> str | None:
        del question, suggestions
        return None


class PictureView:
    """The picture on this terminal, and its user."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False)
        is_terminal = sys.stdout.isatty()
        self.picture = TaskPicture(
            self.console, live=is_terminal and not self.console.is_dumb_terminal
        )
        self._lines = TypedLines()
        self.can_ask = is_terminal and sys.stdin.isatty()
        self.picture.start()

    def show(self, roo: Fields) -> None:
        self.picture.show(roo)

    def note(self, text: str) -> None:
        self.picture.note(text)

    def problem(self, code: str, message: str, hint: str) -> None:
        self.picture.error(code, message, hint)

    def summary(self, outcome: str, task_id: str, *, failed: bool) -> None:
        self.picture.close()
        self.picture.summary(outcome, task_id, failed=failed)

    def tick(self) -> None:
        self.picture.refresh()

    def close(self) -> None:
        self.picture.close()

    async def ask_permission(self, entry: Mapping[str, Any]) -> Choice | None:
        if not self.can_ask:
            return None
        call_id = object_or_empty(entry.get("toolCall")).get("toolCallId") or ""
        call = self.picture.call(entry.get("taskId") or "", call_id)
        diffs = call.diffs if call else ()
        with self.picture.paused() as console:
            choice = await ask_permission(console, self._lines, entry, diffs)
        if call:
            call.diffs_shown = True
        return choice

    async def ask_question(self, question: str, suggestions: Sequence[str]) -> str | None:
        if not self.can_ask:
            return None
        with self.picture.paused() as console:
            return await ask_question(console, self._lines, question, suggestions)


# --- the run --------------------------------------------------------------------------------


class Run:
    """One task on one server, seen to its end."""

    def __init__(self, server: Server, job: RunJob, view: RunView, stopping: Stopping) -> None:
        self.server = server
        self.job = job
        self.view = view
        self.stopping = stopping
        self.task_id = ""
        self.parts: set[str] = set()
        """The subtasks of it that were told."""
        self.not_approved = False
        """The task was stopped because of an approval or an answer that nobody gave."""
        self.refused = "", ""
        """What nobody was there to be asked about, and what would have allowed it: told at the end."""

    async def to_the_end(self) -> int:
        """The exit code."""
        ticking = asyncio.create_task(self._tick())
        try:
            self.task_id = await self._start()
            return await self._follow() if self.task_id else COMPLETED
        except RequestRefused as error:
            return self._refused(error)
        except asyncio.CancelledError:
            current = asyncio.current_task()
            if not self.stopping.number or current is None or not self.task_id:
                raise
            current.uncancel()
            return await self._cancelled()
        finally:
            ticking.cancel()

    async def _start(self) -> str:
        """The id of the task; empty where the prompt was a command that is done."""
        job, server = self.job, self.server
        if not job.json:
            await self._introduce()
        await self._wait_for_servers()
        if not job.resume:
            start = {"prompt": job.prompt, "mode": job.mode, "profile": job.profile}
            added = {"images": list(job.images)}
            return self._begun(await server.execute("roo.task.start", start | added))
        of_task = {"taskId": job.resume}
        if job.mode:
            await server.execute("roo.mode.set", of_task | {"mode": job.mode})
        if job.profile:
            await server.execute("roo.profile.set", of_task | {"profile": job.profile})
        if job.images:
            said = {"text": job.prompt, "images": list(job.images)}
            return self._begun(await server.execute("roo.task.send", of_task | said))
        gone_on = await server.execute("roo.task.resume", of_task | {"text": job.prompt})
        return self._begun(gone_on)

    async def _wait_for_servers(self) -> None:
        """A run has one task: what MCP servers offer is there when it begins, as far as they are soon."""
        with contextlib.suppress(TimeoutError, RequestRefused):
            async with asyncio.timeout(SERVERS_SECONDS):
                await self.server.execute("roo.mcp.list", {"wait": True})

    def _begun(self, result: Mapping[str, Any]) -> str:
        if result.get("started", True):
            return result["taskId"]
        self.view.note(result["said"])
        return ""

    async def _introduce(self) -> None:
        wanted = {"mode": self.job.mode, "profile": self.job.profile}
        status = await self.server.execute("roo.status", wanted)
        model = status["model"]
        if not model or not status["provider"]["baseUrl"]:
            served = await self._served(status["profile"])
            model = model or (served[0] if len(served) == 1 else "the model it serves")
            status = await self.server.execute("roo.status", wanted)  # knows what was found
        where = status["provider"]["baseUrl"]
        version, mode = status["version"], status["mode"]
        asked = f"{model} at {where}" if where else "no endpoint"
        self.view.note(f"roo-lsp {version}, mode {mode}, {asked}")

    async def _served(self, profile: str) -> Sequence[str]:
        """The models of the endpoint; none where it does not say so soon, or at all."""
        try:
            async with asyncio.timeout(MODELS_SECONDS):
                found = await self.server.execute("roo.provider.models", {"profile": profile})
                return found["models"]
        except (TimeoutError, RequestRefused):
            return ()

    async def _follow(self) -> int:
        async for item in self.server:
            end = await self._take(item)
            if end is not None:
                return end
        return FAILED

    async def _take(self, item: Incoming) -> int | None:
        """Act on what the server said; the exit code when that was the end."""
        match item:
            case Event(roo):
                self.view.show(roo)
                return await self._on_update(roo["taskId"], roo["update"])
            case Asked():
                await self._on_asked(item)
            case Shown(_, message) if not message.startswith("Roo waits for you"):
                self.view.note(message)
            case _:
                pass
        return None

    async def _on_update(self, task_id: str, update: Mapping[str, Any]) -> int | None:
        match update:
            case {"sessionUpdate": "_subtask", "taskId": part}:
                self.parts.add(part)
            case {"sessionUpdate": "_question", "requestId": request, "question": question}:
                await self._on_question(request, question, update.get("suggestions") or ())
            case {"sessionUpdate": "_state", "stopReason": reason} if task_id == self.task_id:
                return self._ended(reason, object_or_empty(update.get("error")).get("code"))
            case _:
                pass
        return None

    def _ended(self, reason: str, error: str | None) -> int:
        code = COMPLETED if reason == "end_turn" else FAILED
        if error == "settings_invalid":
            code = BAD_USAGE
        if self.not_approved:
            code = NOT_APPROVED
        if self.refused[0]:
            self.view.problem("", *self.refused)
        outcome = "Stopped" if self.not_approved else OUTCOMES.get(reason, reason)
        self._sum_up(outcome, failed=code != COMPLETED)
        return code

    def _sum_up(self, outcome: str, *, failed: bool) -> None:
        task_id = self.task_id if self.job.resumable else ""
        self.view.summary(outcome, task_id, failed=failed)

    def _refused(self, error: RequestRefused) -> int:
        self.view.problem("", error.message, "")
        reason = object_or_empty(error.data).get("reason")
        bad_usage = error.code == INVALID_PARAMS or reason in BAD_USAGE_REASONS
        return BAD_USAGE if bad_usage else FAILED

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(SPINNER_SECONDS)
            self.view.tick()

    # --- the user's part --------------------------------------------------------------------

    async def _on_asked(self, asked: Asked) -> None:
        entry = await self._entry(asked.params["requestId"])
        if entry is None or entry["taskId"] not in {None, self.task_id, *self.parts}:
            return  # withdrawn meanwhile, or another task's that waits for whoever began that
        if self._consents(entry):
            self.server.reply(asked, {"optionId": "allow_once"})
            return
        choice = await self.view.ask_permission(entry)
        if choice is None:
            what, how = f"Not approved: {entry['title']}.", how_to_allow(entry, self.job.consent)
            self.refused = what, how
            await self._give_up(f"{what} Nobody was there to be asked. {how}")
            return
        if choice.stop:
            await self._give_up()
            return
        self.server.reply(asked, {"optionId": choice.option, "feedback": choice.feedback})

    async def _entry(self, request_id: str) -> Mapping[str, Any] | None:
        pending = await self.server.execute("roo.approval.list")
        return next((each for each in pending if each["requestId"] == request_id), None)

    def _consents(self, entry: Mapping[str, Any]) -> bool:
        if entry["kind"] != "permission":
            return False  # where a key may go is not a tool call's business
        if entry.get("unconfined"):
            return False  # else the sandbox would hold only as long as the model wants it
        consent = self.job.consent
        kind = entry["toolCall"]["kind"]
        return consent.everything or (kind == "execute" and kind in consent.kinds)

    async def _on_question(self, request: str, question: str, suggestions: Sequence[str]) -> None:
        answer = await self.view.ask_question(question, suggestions)
        if answer is None:
            self.refused = f"Not answered: {question}", "Run it on a terminal to be asked."
            await self._give_up()
            return
        with contextlib.suppress(RequestRefused):  # answered or withdrawn meanwhile
            await self.server.execute(
                "roo.question.answer", {"requestId": request, "answer": answer}
            )

    async def _give_up(self, why: str = "") -> None:
        self.not_approved = True
        await self.server.execute("roo.task.cancel", {"taskId": self.task_id, "why": why})

    async def _cancelled(self) -> int:
        """Cancel the task cleanly, and show that it has stopped."""
        with contextlib.suppress(RequestRefused, ServerEnded, TimeoutError):
            async with asyncio.timeout(CANCEL_SECONDS):
                cancel = self.server.execute("roo.task.cancel", {"taskId": self.task_id})
                await _both(cancel, self._drain())
        self._sum_up("Cancelled", failed=True)
        return self.stopping.exit_code

    async def _drain(self) -> None:
        async for item in self.server:
            if isinstance(item, Event):
                self.view.show(item.roo)
                if "stopReason" in item.roo["update"] and item.roo["taskId"] == self.task_id:
                    return


async def _both(one: Awaitable[object], other: Awaitable[object]) -> None:
    await asyncio.gather(one, other)


def how_to_allow(entry: Mapping[str, Any], consent: Consent) -> str:
    """The flag that would have allowed what was asked."""
    if entry["kind"] == "trust":
        detail: Sequence[str] = entry["detail"]
        origin = next((line[4:] for line in detail if line.startswith("To: ")), "ORIGIN")
        return (
            f'To allow it: ROO_TRUST_ORIGINS="{origin}", or name the endpoint yourself with '
            "--set provider.baseUrl=URL. To send no key: --set provider.apiKeyEnv="
        )
    match entry["toolCall"]["kind"]:
        case "read" | "search":
            flag = "--set autoApprove.readOutside=true"
        case "execute" if entry.get("unconfined"):
            flag = "--set commands.sandbox=off, for all commands"
        case "execute":
            flag = "--yes=execute"
        case "edit" | "delete" | "move" if "edit" not in consent.kinds:
            flag = "--yes=edit"
        case "switch_mode":
            flag = "--yes, or --set autoApprove.mode=true and autoApprove.subtask=true"
        case _:
            flag = "--yes"
    why = entry.get("reason")
    return f"{'It was asked because ' + why + '. ' if why else ''}To allow it: {flag}"
