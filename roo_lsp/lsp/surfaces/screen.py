"""What one client shows of what waits: dialogs one at a time, diagnostics, code actions, messages.

None of these decides: each only leads to the list in `tasks/approvals.py`.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lsprotocol import types

from roo_lsp.agent.errors import RooError
from roo_lsp.agent.json_values import object_or_empty
from roo_lsp.lsp.editor.documents import Documents
from roo_lsp.lsp.surfaces.selection import above, meets
from roo_lsp.lsp.surfaces.waiting import (
    REVIEW,
    Stand,
    actions,
    diagnostic,
    dialog_titles,
    lens_commands,
    stand_of,
    waits,
)
from roo_lsp.lsp.wire.protocol import ClientError, RooProtocol
from roo_lsp.tasks.approvals import Approvals, NotPending, Pending
from roo_lsp.tasks.details import dialog_text, document
from roo_lsp.workspace.private import write_private
from roo_lsp.workspace.uris import uri_of

log = logging.getLogger(__name__)

METHOD_NOT_FOUND = -32601


@dataclass(slots=True)
class EditorScreen:
    """`Screen` of one client, and what it shows of the list."""

    protocol: RooProtocol
    documents: Documents
    approvals: Approvals
    details_dir: Path
    hidden: Callable[[str], str]
    """A text without the keys that are known: details are stored for as long as they are read."""
    has_dialogs: bool
    has_show_document: bool
    asks_permission: bool
    """The client takes `roo/requestPermission`."""
    wants_dialogs: Callable[[], bool]
    wants_diagnostics: Callable[[], bool]
    wants_lenses: Callable[[], bool]
    refreshes_lenses: bool
    """The client can be told to ask for its code lenses again."""
    start: Callable[[Coroutine[Any, Any, None]], None]
    """Has something done beside everything else."""
    more_diagnostics: Callable[[str], list[types.Diagnostic]]
    """What else a document has: a client knows one list for each, and the last one counts."""
    in_document: Callable[[Pending], bool]
    """Whether the entry stands in an open task document, to be answered there."""
    _dialogs: dict[str, asyncio.Task[None]] = field(default_factory=dict[str, asyncio.Task[None]])
    _one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)
    _diagnosed: dict[str, Stand] = field(default_factory=dict[str, Stand])
    """Where an entry's diagnostic is, by request id."""

    def __post_init__(self) -> None:
        self.approvals.watch(self.changed)

    def changed(self, entry: Pending) -> None:
        """An entry came, or was settled or withdrawn."""
        self.refresh_lenses()
        if entry in self.approvals.pending:
            self._show(entry)
        else:
            self._withdraw(entry)

    async def close(self) -> None:
        """Withdraw every dialog."""
        for task in list(self._dialogs.values()):
            task.cancel()
        await asyncio.gather(*self._dialogs.values(), return_exceptions=True)

    # --- showing --------------------------------------------------------------------------------

    def _show(self, entry: Pending) -> None:
        shown = entry.request_id in self._diagnosed or not self.wants_diagnostics()
        if not shown and (stand := self.stand(entry)) is not None:
            self._diagnosed[entry.request_id] = stand
            self.publish(stand.uri)
        if entry.quiet:
            self.message(waits(entry, "roo.approval.list"))
        elif self.asks_permission and entry.kind != "question":
            self._start(entry, self._request_permission(entry))
        elif self.in_document(entry):
            pass  # it is asked there
        elif self.has_dialogs and self.wants_dialogs():
            self._start(entry, self._dialog(entry))
        else:
            command = "roo.question.answer" if entry.kind == "question" else "roo.approval.respond"
            self.message(waits(entry, command))

    def _withdraw(self, entry: Pending) -> None:
        if (task := self._dialogs.pop(entry.request_id, None)) is not None:
            task.cancel()
        if (stand := self._diagnosed.pop(entry.request_id, None)) is not None:
            self.publish(stand.uri)

    def message(self, text: str) -> None:
        """A message that waits for nothing."""
        self._message(types.MessageType.Info, text)

    def warning(self, text: str) -> None:
        """A message about something that is wrong."""
        self._message(types.MessageType.Warning, text)

    def _message(self, severity: types.MessageType, text: str) -> None:
        self.protocol.notify(
            types.WINDOW_SHOW_MESSAGE, types.ShowMessageParams(type=severity, message=text)
        )

    def _start(self, entry: Pending, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._dialogs[entry.request_id] = task
        task.add_done_callback(_log_failure)

    async def _dialog(self, entry: Pending) -> None:
        async with self._one_at_a_time:
            titles = dialog_titles(entry)
            params = types.ShowMessageRequestParams(
                type=types.MessageType.Warning
                if entry.kind != "question"
                else types.MessageType.Info,
                message=dialog_text(entry),
                actions=[types.MessageActionItem(title=title) for title in titles],
            )
            try:
                answer = await self.protocol.request("window/showMessageRequest", params)
            except ClientError as error:
                if error.code == METHOD_NOT_FOUND:
                    self.has_dialogs = False
                self.message(waits(entry, "roo.approval.list"))
                return
        title = getattr(answer, "title", None)
        if title == REVIEW:
            await self.open_details(entry)
        elif title in titles:
            self._answer(entry, titles[title], "window/showMessageRequest")

    async def _request_permission(self, entry: Pending) -> None:
        params = {
            "requestId": entry.request_id,
            "taskId": entry.task_id,
            "kind": entry.kind,
            "toolCall": entry.json().get("toolCall"),
            "title": entry.title,
            "detail": list(entry.detail),
            "options": entry.options,
        } | dict(entry.about)
        try:
            answer: Any = await self.protocol.request("roo/requestPermission", params)
        except ClientError as error:
            log.info("roo/requestPermission: %s", error)
            return
        fields = object_or_empty(answer)
        chosen = fields.get("optionId")
        if chosen in {option["optionId"] for option in entry.options}:
            feedback = str(fields.get("feedback") or "")
            self._answer(entry, chosen, "roo/requestPermission", feedback)

    def _answer(self, entry: Pending, answer: str, by: str, feedback: str = "") -> None:
        try:
            if entry.kind == "question":
                self.approvals.answer(entry.request_id, answer)
            else:
                self.approvals.settle(entry.request_id, answer, by, feedback)
        except NotPending:
            log.info("a late answer to %s is ignored", entry.request_id)
        except RooError as error:  # another server has its task, or it cannot be stored
            self.warning(str(error))

    async def open_details(self, entry: Pending) -> None:
        """Open the whole entry as a document."""
        file = self.details_dir / f"{entry.request_id}.md"
        write_private(file, self.hidden(document(entry)))
        await self.open_document(file)

    async def open_document(
        self,
        file: Path,
        *,
        take_focus: bool = True,
        at: int | None = None,
        otherwise: str = "Roo wrote it to {file}",
    ) -> bool:
        """Have the editor show a file; where it cannot, say where it is.

        The focus is taken only for what the user asked for; `at` is the line, from 0, to show.
        """
        if self.has_show_document:
            place = types.Position(at, 0) if at is not None else None
            params = types.ShowDocumentParams(
                uri=uri_of(file),
                take_focus=take_focus,
                selection=types.Range(place, place) if place is not None else None,
            )
            try:
                answer = await self.protocol.request(types.WINDOW_SHOW_DOCUMENT, params)
            except ClientError as error:
                log.info("window/showDocument: %s", error)
            else:
                if getattr(answer, "success", True):
                    return True
        self.message(otherwise.format(file=file))
        return False

    async def open_url(self, url: str) -> bool:
        """Have the editor show a page in the user's browser; where it cannot, say which."""
        if self.has_show_document:
            try:
                answer = await self.protocol.request(
                    types.WINDOW_SHOW_DOCUMENT, types.ShowDocumentParams(uri=url, external=True)
                )
            except ClientError as error:
                log.info("window/showDocument: %s", error)
            else:
                if getattr(answer, "success", True):
                    return True
        self.message(f"Open this page in your browser: {url}")
        return False

    def refresh_lenses(self) -> None:
        """Have the client ask for its code lenses again, where it can be told to."""
        if self.refreshes_lenses:
            self.start(self._refresh_lenses())

    async def _refresh_lenses(self) -> None:
        try:
            await self.protocol.request(types.WORKSPACE_CODE_LENS_REFRESH, None)
        except ClientError as error:
            log.info("workspace/codeLens/refresh: %s", error)

    # --- diagnostics and code actions -----------------------------------------------------------

    def stand(self, entry: Pending) -> Stand | None:
        """Where the entry is shown, or would be: None while no document is open.

        A client that takes `roo/requestPermission` draws what waits itself: said once more above
        some line of a file, nobody can tell which of two is meant.
        """
        if self.asks_permission:
            return None
        shown = self._diagnosed.get(entry.request_id)
        return shown or stand_of(entry, self.documents)

    def publish(self, uri: str) -> None:
        """Send all diagnostics of a document."""
        diagnostics = [
            diagnostic(entry, stand)
            for entry in self.approvals.pending
            if (stand := self._diagnosed.get(entry.request_id)) is not None and stand.uri == uri
        ]
        diagnostics += self.more_diagnostics(uri)
        self.protocol.notify(
            types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS,
            types.PublishDiagnosticsParams(uri=uri, diagnostics=diagnostics),
        )

    def code_actions(self, params: types.CodeActionParams) -> list[types.CodeAction]:
        """What settles the entries shown at this place."""
        named = {object_or_empty(each.data).get("requestId") for each in params.context.diagnostics}
        here = self.waiting(params.text_document.uri, params.range)
        return [
            action
            for entry in self.approvals.pending
            if entry.request_id in named or entry in here
            for action in actions(entry)
        ]

    def waiting(self, uri: str, asked: types.Range) -> list[Pending]:
        """The entries that are shown in this part of a document."""
        return [
            entry
            for entry in self.approvals.pending
            if (stand := self._diagnosed.get(entry.request_id)) is not None
            and stand.uri == uri
            and meets((stand.line, stand.line), asked)
        ]

    def lenses(self, uri: str) -> list[types.CodeLens]:
        """The same above that line."""
        if not self.wants_lenses():
            return []
        return [
            lens
            for entry in self.approvals.pending
            if (stand := self.stand(entry)) is not None and stand.uri == uri
            for lens in above(stand.line, lens_commands(entry))
        ]


def _log_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("a dialog failed", exc_info=error)
