"""Sessions: each is a task, or will be one with its first prompt; those of one place share a service."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from roo_lsp.acp.asking import Asking
from roo_lsp.acp.client import AcpClient
from roo_lsp.acp.options import config_options
from roo_lsp.acp.prompts import Prompt
from roo_lsp.acp.updates import Updates, commands_update, told_again
from roo_lsp.agent.errors import RooError
from roo_lsp.agent.json_values import JsonObject, object_or_empty
from roo_lsp.tasks import inputs, saying
from roo_lsp.tasks import service as verbs
from roo_lsp.tasks.approvals import Pending
from roo_lsp.tasks.refusals import Refused
from roo_lsp.tasks.service import Service
from roo_lsp.tasks.status_line import StatusLine
from roo_lsp.tasks.stream import Roo
from roo_lsp.tasks.task import Task, new_id

log = logging.getLogger(__name__)

REPLAY_PAGE = 500
"""Events that are replayed before others get their turn."""
MOST_NOTES = 20
"""Messages that wait for a turn to be told in."""


class TurnFailed(Exception):
    """A turn ended with an error, which is the prompt's."""

    def __init__(self, error: Mapping[str, Any]) -> None:
        super().__init__(f"{error.get('message', '')} {error.get('hint', '')}".strip())
        self.code = str(error.get("code", "internal"))


@dataclass(slots=True, eq=False)
class AcpSession:
    """One session of the client."""

    id: str
    place: "Workplace"
    mode: str = ""
    """Of the task that begins with the first prompt; empty: as the settings say."""
    profile: str = ""
    begun: bool = False
    """There is a task of this name."""
    updates: Updates = field(default_factory=Updates)
    notes: list[str] = field(default_factory=list[str])
    """What the user is to be told with the next turn."""
    prompts: int = 0
    """Those that the client waits for."""
    _cancelled: bool = False
    _error: Mapping[str, Any] = field(default_factory=dict[str, Any])
    _question: Pending | None = None
    _asked_in_words: asyncio.Event = field(default_factory=asyncio.Event)
    _said: int = 0

    @property
    def task(self) -> Task | None:
        return self.place.service.tasks.get(self.id) if self.begun else None

    @property
    def current_mode(self) -> str:
        task = self.task
        return task.mode if task else self.mode or self._settings_mode

    @property
    def current_profile(self) -> str:
        task = self.task
        return task.profile if task else self.profile

    @property
    def _settings_mode(self) -> str:
        return self.place.service.configuration.current.settings.mode

    # --- a turn -----------------------------------------------------------------------------

    async def prompt(self, prompt: Prompt) -> str:
        """Say something; how the turn ended that it began, or that it came into.

        Raises:
            Invalid, Refused, RooError: nothing was begun.
            TurnFailed: the turn ended with an error.
        """
        self.prompts += 1
        self._cancelled = False
        self._error = {}
        self._asked_in_words.clear()
        self.place.last = self
        try:
            self._tell_notes()
            self.place.asking.look()
            result = await self._say(prompt)
            if result.get("started") is False:
                return "end_turn"
            if self._cancelled:
                await self.cancel()
            return await self._turn()
        finally:
            self.prompts -= 1

    async def _say(self, prompt: Prompt) -> Mapping[str, Any]:
        service = self.place.service
        if any(each.name == "new" for each in saying.parted(self.place.service, prompt.words)[0]):
            raise Refused("/new: start a new session in the editor.", "unknown_command")
        added: dict[str, Any] = {"context": tuple(prompt.context), "images": tuple(prompt.images)}
        if self.begun:
            words = self._chosen(prompt.words)
            said = inputs.Send(text=words, task_id=self.id, **added)
            return await saying.send(service, said)
        start = inputs.Start(
            prompt=prompt.words, mode=self.mode or None, profile=self.profile or None, **added
        )
        try:
            return await saying.start(service, start, self.id)
        finally:
            self.begun = service.tasks.get(self.id) is not None
            if (task := self.task) is not None:
                self.tell_title(task.title)

    def _chosen(self, words: str) -> str:
        """The answer that a number stands for, where a question was asked in words."""
        question, self._question = self._question, None
        if question is None or question.answered.done():
            return words
        number = words.strip().rstrip(".")
        if number.isdecimal() and 0 < int(number[:4]) <= len(question.suggestions):
            return question.suggestions[int(number[:4]) - 1]
        return words

    async def _turn(self) -> str:
        """Until the turn ends, or the user is asked something in words."""
        task = self.task
        if task is None:
            return "end_turn"
        ended = asyncio.ensure_future(task.ended())
        asked = asyncio.ensure_future(self._asked_in_words.wait())
        try:
            await asyncio.wait({ended, asked}, return_when=asyncio.FIRST_COMPLETED)
            if not ended.done():
                return "end_turn"
            stop = ended.result()
        finally:
            ended.cancel()
            asked.cancel()
        if stop == "error":
            raise TurnFailed(self._error)
        return stop

    async def cancel(self) -> None:
        """Stop the turn; the prompt is answered with `cancelled`."""
        self._cancelled = True
        if self.begun:
            await verbs.cancel(self.place.service, inputs.Cancel(task_id=self.id))

    # --- what is told -----------------------------------------------------------------------

    def tell(self, roo: Roo) -> None:
        """An event of the task."""
        update = roo["update"]
        kind = update["sessionUpdate"]
        for each in self.updates.of(roo):
            self.post(each)
        if kind == "_state" and "error" in update:
            self._error = update["error"]
        elif kind == "current_mode_update":
            self.place.service.background.start(self.tell_options())
        elif (kind in {"_permission", "_question"} and "options" in update) or "question" in update:
            self.place.asking.look()

    def post(self, update: JsonObject) -> None:
        self.place.client.update(self.id, update)

    def say(self, text: str) -> None:
        """A message to the user, from us: now, or with the next turn."""
        if self.prompts:
            self._said += 1
            self.post(self.updates.said(f"{text}\n\n", f"roo-{self._said}"))
        else:
            self.notes = [*self.notes, text][-MOST_NOTES:]

    def question_in_words(self, entry: Pending) -> None:
        """It was told in words: what the user says next is its answer."""
        self._question = entry
        self._asked_in_words.set()

    def _tell_notes(self) -> None:
        notes, self.notes = self.notes, []
        for each in notes:
            self.say(each)

    def tell_title(self, title: str) -> None:
        """What lists of sessions call it."""
        updated = moment(time.time())
        self.post({"sessionUpdate": "session_info_update", "title": title, "updatedAt": updated})

    async def tell_options(self) -> None:
        """The options as they are now."""
        options = await self.options()
        self.post({"sessionUpdate": "config_option_update", "configOptions": options})

    async def options(self) -> list[JsonObject]:
        """The complete list of configuration options."""
        return await config_options(self.place.service, self.current_mode, self.current_profile)

    async def tell_commands(self) -> None:
        """What `/` offers."""
        wanted = inputs.ListCommands(mode=self.current_mode)
        self.post(commands_update(await saying.list_commands(self.place.service, wanted)))

    async def replay(self) -> None:
        """Tell all that was said and done, in its order."""
        store, wire, since = self.place.service.store, self.place.client.wire, 0
        self.updates.all_said = True
        try:
            while True:
                events, since = store.events(self.id, since, REPLAY_PAGE)
                for roo in told_again(events):
                    for each in self.updates.of(roo):
                        self.post(each)
                if len(events) < REPLAY_PAGE:
                    return
                await wire.drained()
                await asyncio.sleep(0)
        finally:
            self.updates.all_said = False

    # --- settings of its own ----------------------------------------------------------------

    async def set_mode(self, mode: str) -> None:
        """From the next request on.

        Raises:
            Invalid: there is no such mode.
            RooError: another server runs the task.
        """
        if self.begun:
            await verbs.set_mode(self.place.service, inputs.SetMode(mode=mode, task_id=self.id))
            return
        await verbs.status(self.place.service, inputs.Status(mode=mode))  # which refuses others
        self.mode = mode
        self.post({"sessionUpdate": "current_mode_update", "currentModeId": mode})
        await self.tell_options()

    async def set_profile(self, profile: str) -> None:
        """From the next request on; empty: as the settings say.

        Raises:
            Invalid: there is no such profile.
        """
        if self.begun:
            wanted = inputs.SetProfile(profile=profile, task_id=self.id)
            await verbs.set_profile(self.place.service, wanted)
        else:
            if profile:
                await verbs.status(self.place.service, inputs.Status(profile=profile))
            self.profile = profile
        await self.tell_options()


@dataclass(slots=True)
class Workplace:
    """One service and the sessions on it: `Audience` and `Screen` of its tasks."""

    client: AcpClient
    sessions: dict[str, AcpSession] = field(default_factory=dict[str, AcpSession])
    last: AcpSession | None = None
    """The session that was spoken to last."""
    service: Service = field(init=False)
    asking: Asking = field(init=False)
    _parents: dict[str, str] = field(default_factory=dict[str, str])
    """The task that each subtask is of."""
    _children: dict[str, Updates] = field(default_factory=dict[str, Updates])
    _notes: list[str] = field(default_factory=list[str])
    """What is to be told before there is any session."""

    def joined(self, service: Service) -> None:
        """The service is there."""
        self.service = service
        self.asking = Asking(
            self.client,
            service.approvals,
            self._asked,
            self._call_id,
            service.connection.keys.hidden_in,
            service.background.start,
        )

    def new(self) -> AcpSession:
        """A session that begins with its first prompt."""
        return self._add(AcpSession(new_id(), self))

    def open(self, task_id: str) -> AcpSession:
        """The session of a stored task."""
        found = self.sessions.get(task_id)
        return found or self._add(AcpSession(task_id, self, begun=True))

    def _add(self, session: AcpSession) -> AcpSession:
        session.updates.terminals = self.client.draws_output
        session.notes, self._notes = [*self._notes], []
        self.sessions[session.id] = session
        self.last = self.last or session
        return session

    def forget(self, session: AcpSession) -> None:
        """The client is done with it; its task stays."""
        self.sessions.pop(session.id, None)
        if self.last is session:
            self.last = next(iter(self.sessions.values()), None)

    # --- Audience ---------------------------------------------------------------------------

    def begin(self, task_id: str, title: str, status: StatusLine | None = None) -> None: ...

    def send(self, roo: Roo, message: str) -> None:
        """One event; of a subtask, its calls and questions are told in the session it is of."""
        del message
        task_id = roo["taskId"]
        if (session := self.sessions.get(task_id)) is not None:
            session.tell(roo)
            return
        if parent := object_or_empty(roo["update"].get("_meta")).get("parentTaskId"):
            self._parents[task_id] = parent
        if (session := self._session(task_id)) is None:
            return
        updates = self._children.setdefault(task_id, Updates(prefix=f"{task_id}/"))
        for each in updates.of(roo):
            if each["sessionUpdate"] in {"tool_call", "tool_call_update"}:
                session.post(each)
        self.asking.look()

    def line(self, task_id: str, text: str) -> None: ...

    def end(self, task_id: str, message: str) -> None:
        """A turn ended."""
        del message
        self._children.pop(task_id, None)

    def use_token(self, task_id: str, token: str | int) -> None: ...

    @property
    def congested(self) -> bool:
        return self.client.wire.congested

    def when_drained(self, callback: Callable[[], object]) -> None:
        self.client.wire.when_drained(callback)

    # --- Screen -----------------------------------------------------------------------------

    def message(self, text: str) -> None:
        """A message that waits for nothing."""
        if self.last is None:
            self._notes = [*self._notes, text][-MOST_NOTES:]
        else:
            self.last.say(text)

    def warning(self, text: str) -> None:
        """A message about something that is wrong."""
        log.warning("%s", text)
        self.message(text)

    async def open_details(self, entry: Pending) -> None:
        """All of it is in the question."""

    async def open_url(self, url: str) -> bool:
        self.message(f"Open this page in your browser: {url}")
        return False

    async def open_document(self, file: Path, *, take_focus: bool = True) -> bool:
        """ACP has no way to: say where it is."""
        del take_focus
        self.message(f"Roo wrote it to {file}")
        return False

    # --- what is asked ----------------------------------------------------------------------

    def _session(self, task_id: str | None) -> AcpSession | None:
        seen: set[str] = set()
        while task_id is not None and task_id not in seen:
            if task_id in self.sessions:
                return self.sessions[task_id]
            seen.add(task_id)
            task_id = self._parents.get(task_id)
        return None

    def told_in(self, task_id: str) -> str | None:
        """The session that a task is told in."""
        session = self._session(task_id)
        return session.id if session else None

    def _asked(self, entry: Pending) -> AcpSession | None:
        """Where an entry is asked for; None while the client waits for no turn there."""
        found = self._session(entry.task_id) if entry.task_id else self.last
        return found if found is not None and found.prompts else None

    def _call_id(self, entry: Pending) -> str:
        call = entry.request.call_id if entry.request else None
        if call is None:
            return entry.request_id
        is_child = entry.task_id is not None and entry.task_id not in self.sessions
        return f"{entry.task_id}/{call}" if is_child else call


def moment(seconds: float) -> str:
    """Seconds since 1970 as ISO 8601."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def folders_of_session(cwd: str, additional: Sequence[str]) -> tuple[Path, ...]:
    """The folders of a session, the first being where it works.

    Raises:
        Refused: one of them is no folder that could be used, in words.
    """
    folders = [Path(each) for each in (cwd, *additional)]
    for folder in folders:
        if not folder.is_absolute():
            raise Refused(f"{folder} is not absolute.", "no_folder")
        if not folder.is_dir():
            raise Refused(f"There is no folder {folder}.", "no_folder")
    return tuple(dict.fromkeys(folders))


Opening = Callable[[Workplace, Sequence[Path]], Service]
"""Puts a service together for a workplace."""


@dataclass(slots=True)
class Workplaces:
    """Those of one connection, by their folders."""

    client: AcpClient
    opening: Opening
    _places: dict[tuple[Path, ...], Workplace] = field(
        default_factory=dict[tuple[Path, ...], Workplace]
    )
    _one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def at(self, folders: tuple[Path, ...]) -> Workplace:
        """The one for these folders.

        Raises:
            RooError: the state folder cannot be used.
        """
        async with self._one_at_a_time:
            if (found := self._places.get(folders)) is not None:
                return found
            place = Workplace(self.client)
            service = self.opening(place, folders)
            place.joined(service)
            try:
                await service.configure()
            except BaseException:
                await service.close()
                raise
            self._places[folders] = place
            return place

    def __iter__(self) -> Any:
        return iter(list(self._places.values()))

    def session(self, session_id: str) -> AcpSession | None:
        """The session of this name that the client has."""
        return next(
            (each.sessions[session_id] for each in self if session_id in each.sessions), None
        )

    async def close(self) -> None:
        """Stop everything; nothing of ours runs afterwards."""
        for place in self:
            try:
                await place.service.close()
            except RooError as error:
                log.warning("a service did not end in order: %s", error)
