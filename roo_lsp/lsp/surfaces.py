"""The surfaces an approval is shown on: dialogs one at a time, diagnostics, code actions, messages.

None of them decides: each only leads to the list in `approvals.py`.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lsprotocol import types

from roo_lsp.agent.approval import LABELS, Outcome
from roo_lsp.lsp.approvals import Approvals, NotPending, Pending
from roo_lsp.lsp.details import dialog_text, document
from roo_lsp.lsp.documents import Documents
from roo_lsp.lsp.positions import uri_of
from roo_lsp.lsp.protocol import ClientError, RooProtocol
from roo_lsp.lsp.stream import one_line
from roo_lsp.settings import object_or_empty
from roo_lsp.workspace.escapes import plain
from roo_lsp.workspace.private import write_private

log = logging.getLogger(__name__)

REVIEW = "Review…"
"""The first action of each dialog: harmless, because Enter may be pressed by accident."""
METHOD_NOT_FOUND = -32601
SUGGESTIONS_SHOWN = 3
"""Beside `Review…`; more than four actions crash one editor in small terminals."""


@dataclass(slots=True)
class Surfaces:
    """What one client shows of the list."""

    protocol: RooProtocol
    documents: Documents
    details_dir: Path
    has_dialogs: bool
    has_show_document: bool
    asks_permission: bool
    """The client takes `roo/requestPermission`."""
    wants_dialogs: Callable[[], bool]
    wants_diagnostics: Callable[[], bool]
    wants_lenses: Callable[[], bool]
    refresh_lenses: Callable[[], None]
    approvals: Approvals = field(init=False)
    more_diagnostics: Callable[[str], list[types.Diagnostic]] = field(default=lambda uri: [])  # noqa: ARG005 -- none
    """What else a document has: a client knows one list for each, and the last one counts."""
    _dialogs: dict[str, asyncio.Task[None]] = field(default_factory=dict[str, asyncio.Task[None]])
    _one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)
    _diagnosed: dict[str, str] = field(default_factory=dict[str, str])
    """URI of the document that carries an entry's diagnostic, by request id."""

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
        if not shown and (uri := self._uri(entry)) is not None:
            self._diagnosed[entry.request_id] = uri
            self.publish(uri)
        if entry.quiet:
            self.message(f"Roo waits for you: {one_line(entry.title)} (roo.approval.list)")
        elif self.asks_permission and entry.kind != "question":
            self._start(entry, self._request_permission(entry))
        elif self.has_dialogs and self.wants_dialogs():
            self._start(entry, self._dialog(entry))
        else:
            command = "roo.question.answer" if entry.kind == "question" else "roo.approval.respond"
            self.message(f"Roo waits for you: {one_line(entry.title)} ({command})")

    def _withdraw(self, entry: Pending) -> None:
        if (task := self._dialogs.pop(entry.request_id, None)) is not None:
            task.cancel()
        if (uri := self._diagnosed.pop(entry.request_id, None)) is not None:
            self.publish(uri)

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
                self.message(f"Roo waits for you: {one_line(entry.title)} (roo.approval.list)")
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

    async def open_details(self, entry: Pending) -> None:
        """Open the whole entry as a document."""
        file = self.details_dir / f"{entry.request_id}.md"
        write_private(file, document(entry))
        await self.open_document(file)

    async def open_document(self, file: Path) -> bool:
        """Have the editor show a file; where it cannot, say where it is."""
        params = types.ShowDocumentParams(uri=uri_of(file), take_focus=True)
        if self.has_show_document:
            try:
                await self.protocol.request(types.WINDOW_SHOW_DOCUMENT, params)
            except ClientError as error:
                log.info("window/showDocument: %s", error)
            else:
                return True
        self.message(f"Roo wrote it to {file}")
        return False

    # --- diagnostics and code actions -----------------------------------------------------------

    def _uri(self, entry: Pending) -> str | None:
        """The document that shows the entry: the one it is about if open, else the last used."""
        for path in entry.request.paths if entry.request else ():
            if (document := self.documents.get(path)) is not None:
                return document.uri
        return self.documents.last.uri if self.documents.last is not None else None

    def publish(self, uri: str) -> None:
        """Send all diagnostics of a document."""
        diagnostics = [
            _diagnostic(entry)
            for entry in self.approvals.pending
            if self._diagnosed.get(entry.request_id) == uri
        ]
        diagnostics += self.more_diagnostics(uri)
        self.protocol.notify(
            types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS,
            types.PublishDiagnosticsParams(uri=uri, diagnostics=diagnostics),
        )

    def code_actions(self, params: types.CodeActionParams) -> list[types.CodeAction]:
        """What settles the entries shown at this place."""
        named = {object_or_empty(each.data).get("requestId") for each in params.context.diagnostics}
        actions: list[types.CodeAction] = []
        for entry in self.approvals.pending:
            here = self._diagnosed.get(entry.request_id) == params.text_document.uri
            if entry.request_id in named or (here and params.range.start.line == 0):
                actions += _actions(entry)
        return actions

    def lenses(self, uri: str) -> list[types.CodeLens]:
        """The same above the first line of the document that an entry is shown in."""
        if not self.wants_lenses():
            return []
        start = types.Position(0, 0)
        return [
            types.CodeLens(types.Range(start, start), action.command)
            for entry in self.approvals.pending
            if uri in (self._diagnosed.get(entry.request_id), self._uri(entry))
            for action in _actions(entry)
        ]


def dialog_titles(entry: Pending) -> dict[str, str]:
    """The actions of an entry's dialog, each title with the answer it stands for."""
    if entry.kind == "question":
        titles = {REVIEW: ""}
        for each in [each for each in entry.suggestions if each.strip()][:SUGGESTIONS_SHOWN]:
            if (title := _suggestion(each)) in titles:
                return {REVIEW: ""}  # which of two is meant could not be told
            titles[title] = each
        return titles
    outcomes: tuple[Outcome, ...] = entry.request.outcomes if entry.request else ()
    wanted: Sequence[Outcome] = ("reject_once", "allow_once", "allow_always")
    return {REVIEW: ""} | {LABELS[each]: each for each in wanted if each in outcomes}


def _letters(text: str) -> str:
    return "".join(each for each in text if each.isalpha()).casefold()


_OWN_TITLES = tuple(_letters(each) for each in (REVIEW, *LABELS.values()))


def _suggestion(text: str) -> str:
    """The model's words as an action; none of them passes for one of ours."""
    title = one_line(plain(text, look_alikes=True))[:60]
    return f"“{title}”" if _letters(text).startswith(_OWN_TITLES) else title


def _diagnostic(entry: Pending) -> types.Diagnostic:
    start = types.Position(0, 0)
    what = "asks" if entry.kind == "question" else "wants your approval"
    return types.Diagnostic(
        range=types.Range(start, start),
        message=f"Roo {what}: {one_line(entry.title)}",
        severity=types.DiagnosticSeverity.Information,
        source="roo",
        code=entry.request_id,
        data={"requestId": entry.request_id},
    )


def _actions(entry: Pending) -> list[types.CodeAction]:
    def action(title: str, command: str, argument: dict[str, str]) -> types.CodeAction:
        return types.CodeAction(
            title=title,
            kind=types.CodeActionKind.QuickFix,
            command=types.Command(title=title, command=command, arguments=[argument]),
        )

    about = one_line(entry.title)[:60]
    if entry.kind == "question":
        return [
            action(
                f"Answer Roo: {_suggestion(each)}",
                "roo.question.answer",
                {"requestId": entry.request_id, "answer": each},
            )
            for each in entry.suggestions
        ]
    return [
        action(
            f"{LABELS[outcome]}: {about}",
            "roo.approval.respond",
            {"requestId": entry.request_id, "decision": outcome},
        )
        for outcome in (entry.request.outcomes if entry.request else ())
    ]


def _log_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("a dialog failed", exc_info=error)
