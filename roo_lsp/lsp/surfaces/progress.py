"""Events as work-done progress: one token for the server, or the client's own for its task."""

import asyncio
from collections.abc import Callable
from typing import Any

from roo_lsp.agent.columns import fitted, one_line
from roo_lsp.lsp.wire.protocol import RooProtocol
from roo_lsp.tasks.status_line import LINE_LENGTH, StatusLine
from roo_lsp.tasks.stream import Roo

TOKEN = "roo"  # noqa: S105 -- a progress token; one for all tasks, so that a lost `end` heals

FORGETFUL = ("code", "cursor", "windsurf", "positron")
"""Clients built on vscode-languageclient, which drops a token at `end`: announced for each turn."""

BEAT_SECONDS = 5.0
"""After so long without an event, a line says how long it has been standing."""


class Progress:
    """Sends events the way the client can take them.

    A client with work-done progress gets `$/progress`, with `begin` when the first turn starts and
    `end` when the last one ends; one that lists `roo/event` and cannot, or whose user does not want
    progress, gets that notification.
    """

    def __init__(
        self, protocol: RooProtocol, *, supported: bool, extension: bool, client: str = ""
    ) -> None:
        self._protocol = protocol
        self._supported = supported
        self._extension = extension
        self.wanted = True
        """The setting `ui.progress`."""
        self._tokens: dict[str, str | int] = {}
        """The client's own token, by task."""
        self._status: dict[str, StatusLine] = {}
        """The line of each task whose turn runs."""
        self._said: dict[str, tuple[float, str]] = {}
        """When a task's line was sent last, and which."""
        self._beat: asyncio.TimerHandle | None = None
        self._running: dict[str | int, set[str]] = {}
        """Tasks whose turn runs, by token."""
        self._forgetful = any(name in client.lower() for name in FORGETFUL)
        self._created: asyncio.Future[bool] | None = None
        self._watchers: list[Callable[[Roo], None]] = []

    @property
    def congested(self) -> bool:
        return self._protocol.congested

    def when_drained(self, callback: Any) -> None:
        self._protocol.when_drained(callback)

    def use_token(self, task_id: str, token: str | int) -> None:
        """Send this task's events on the client's token."""
        self._tokens[task_id] = token

    def begin(self, task_id: str, title: str, status: StatusLine | None = None) -> None:
        """A turn starts; `status` is the line that stands while nothing happens in it."""
        if status is not None:
            self._status[task_id] = status
            self._said.pop(task_id, None)
            self._beat_later()
        token = self._tokens.get(task_id, TOKEN)
        running = self._running.setdefault(token, set())
        first = not running
        running.add(task_id)
        if not (first and self._uses_progress(token)):
            return
        if token == TOKEN and (self._created is None or self._forgetful):
            # A client that refuses just shows nothing.
            self._created = self._protocol.create_progress(TOKEN)
        begin = {"kind": "begin", "title": "Roo", "message": fitted(one_line(title), LINE_LENGTH)}
        self._notify(token, begin | {"cancellable": True})

    def watch(self, watcher: Callable[[Roo], None]) -> None:
        """Have each event told here, too."""
        self._watchers.append(watcher)

    def send(self, roo: Roo, message: str) -> None:
        """One event."""
        for each in self._watchers:
            each(roo)
        token = self._tokens.get(roo["taskId"], TOKEN)
        if self._uses_progress(token):
            message = self._other_waits(roo["taskId"], token) or message
            self._say(roo["taskId"], message)
            self._notify(token, {"kind": "report", "message": message, "roo": roo})
        elif self._extension:
            self._protocol.send_notification_frame("roo/event", roo)

    def line(self, task_id: str, text: str) -> None:
        """A report that is no event of a task."""
        token = self._tokens.get(task_id, TOKEN)
        if self._uses_progress(token):
            line = fitted(one_line(text), LINE_LENGTH)
            self._notify(token, {"kind": "report", "message": line})

    def end(self, task_id: str, message: str) -> None:
        """A turn ended."""
        token = self._tokens.get(task_id, TOKEN)
        running = self._running.get(token, set())
        running.discard(task_id)
        self._status.pop(task_id, None)
        if not running and self._running.pop(token, None) is not None:
            self._tokens.pop(task_id, None)
            if self._uses_progress(token):
                self._notify(token, {"kind": "end", "message": message})

    def task_of(self, token: str | int) -> list[str]:
        """The tasks that run on a token."""
        return sorted(self._running.get(token, ()))

    def _other_waits(self, task_id: str, token: str | int) -> str:
        """What another task with the same line waits for: that stands until the user answers."""
        return next(
            (
                status.waiting
                for other, status in self._status.items()
                if other != task_id and status.waiting and self._tokens.get(other, TOKEN) == token
            ),
            "",
        )

    # --- while nothing happens ------------------------------------------------------------------

    def _say(self, task_id: str, line: str) -> None:
        self._said[task_id] = (asyncio.get_running_loop().time(), line)

    def _beat_later(self) -> None:
        if self._beat is None:
            loop = asyncio.get_running_loop()
            self._beat = loop.call_later(BEAT_SECONDS, self._beats)

    def _beats(self) -> None:
        """Say of each running task how long its line has been standing, where it was not told lately."""
        self._beat = None
        now = asyncio.get_running_loop().time()
        for task_id, status in self._status.items():
            token = self._tokens.get(task_id, TOKEN)
            at, said = self._said.get(task_id, (now, ""))
            if now - at < BEAT_SECONDS or self.congested or not self._uses_progress(token):
                continue
            line = self._other_waits(task_id, token) or status.still()
            if line != said:
                self._say(task_id, line)
                self._notify(token, {"kind": "report", "message": line})
        if self._status:
            self._beat_later()

    def _uses_progress(self, token: str | int) -> bool:
        return token != TOKEN or (self._supported and self.wanted)

    def _notify(self, token: str | int, value: dict[str, Any]) -> None:
        self._protocol.send_notification_frame("$/progress", {"token": token, "value": value})
