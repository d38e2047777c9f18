"""Sessions: each is a task, or will be one with its first prompt; those of one place share a service."""

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from roo_lsp.acp.asking import Asking
from roo_lsp.acp.client import AcpClient
from roo_lsp.acp.options import config_options
from roo_lsp.acp.prompts import Prompt
from roo_lsp.acp.servers import McpServerGiven, given_servers
from roo_lsp.acp.updates import Updates, commands_update, told_again
from roo_lsp.agent.json_values import JsonObject
from roo_lsp.app import current_settings
from roo_lsp.tasks import inputs, saying
from roo_lsp.tasks.approvals import Pending
from roo_lsp.tasks.refusals import Refused
from roo_lsp.tasks.service import Service
from roo_lsp.tasks.stream import Roo
from roo_lsp.tasks.task import Task
from roo_lsp.tasks.verbs import choosing, running

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


class SessionPlace(Protocol):
    """Where a session is: the service that it shares with others."""

    client: AcpClient
    service: Service
    servers: JsonObject
    """MCP servers that the client wants to be used."""
    asking: Asking
    last: "AcpSession | None"
    """The session that was spoken to last."""

    def forget(self, session: "AcpSession") -> None:
        """The client is done with it."""
        ...


@dataclass(slots=True, eq=False)
class AcpSession:
    """One session of the client."""

    id: str
    place: SessionPlace
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
    turn: int = 0
    """Counts all of them."""
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
        self.turn += 1
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
        if any(each.name == "new" for each in saying.parted(service, prompt.words)[0]):
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
            await running.cancel(self.place.service, inputs.Cancel(task_id=self.id))

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

    async def take_servers(self, servers: Sequence[McpServerGiven]) -> None:
        """The client's MCP servers are used from now on, once they are trusted; what cannot be is said."""
        given = given_servers(servers, current_settings().settings.mcp_servers)
        if given.refused:
            names = ", ".join(given.refused)
            self.say(f"MCP servers are used over stdio and streamable HTTP, so not: {names}.")
        if given.entries != self.place.servers:
            self.place.servers = given.entries
            await self.place.service.configure()

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
            await choosing.set_mode(self.place.service, inputs.SetMode(mode=mode, task_id=self.id))
            return
        await choosing.status(self.place.service, inputs.Status(mode=mode))  # which refuses others
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
            await choosing.set_profile(self.place.service, wanted)
        else:
            if profile:
                await choosing.status(self.place.service, inputs.Status(profile=profile))
            self.profile = profile
        await self.tell_options()


def moment(seconds: float) -> str:
    """Seconds since 1970 as ISO 8601."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
