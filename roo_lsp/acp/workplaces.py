"""Workplaces: a service for each set of folders, the sessions on it, and what it shows them."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from roo_lsp.acp.asking import Asking
from roo_lsp.acp.client import AcpClient
from roo_lsp.acp.sessions import MOST_NOTES, AcpSession
from roo_lsp.acp.updates import Updates
from roo_lsp.agent.errors import RooError
from roo_lsp.agent.json_values import JsonObject, object_or_empty
from roo_lsp.settings_sources import Source
from roo_lsp.tasks.approvals import Pending
from roo_lsp.tasks.refusals import Refused
from roo_lsp.tasks.service import Service
from roo_lsp.tasks.status_line import StatusLine
from roo_lsp.tasks.stream import Roo
from roo_lsp.tasks.task import new_id

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Workplace:
    """One service and the sessions on it: `Audience` and `Screen` of its tasks."""

    client: AcpClient
    sessions: dict[str, AcpSession] = field(default_factory=dict[str, AcpSession])
    last: AcpSession | None = None
    """The session that was spoken to last."""
    servers: JsonObject = field(default_factory=JsonObject)
    """MCP servers that the client wants to be used."""
    service: Service = field(init=False)
    asking: Asking = field(init=False)
    _parents: dict[str, str] = field(default_factory=dict[str, str])
    """The task that each subtask is of."""
    _children: dict[str, Updates] = field(default_factory=dict[str, Updates])
    _notes: list[str] = field(default_factory=list[str])
    """What is to be told before there is any session."""

    def channel(self) -> Sequence[Source]:
        """What the client says of settings: its MCP servers."""
        if not self.servers:
            return ()
        return (Source("the editor's session", {"mcpServers": self.servers}, trusted=False),)

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
