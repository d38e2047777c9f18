"""All open task documents of a client: what is sent, answered and shown through them.

Nothing starts by a document being opened. A save or the action *Send* sends; a tick counts with the
save after it.
"""

import logging
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from roo_lsp.agent.errors import RooError, ToolError
from roo_lsp.app import disk
from roo_lsp.lsp.editor.documents import Document
from roo_lsp.lsp.editor.files import Editor
from roo_lsp.lsp.surfaces.progress import Progress
from roo_lsp.settings import Raw
from roo_lsp.settings_sources import Effective, for_one_task
from roo_lsp.task_documents import front_matter
from roo_lsp.task_documents.form import YOU, is_task_document, sections
from roo_lsp.task_documents.front_matter import FrontMatter
from roo_lsp.task_documents.in_flight import Sent
from roo_lsp.task_documents.sheet import Sheet, Text, skeleton_of
from roo_lsp.task_documents.ticks import TickableLine, answered
from roo_lsp.tasks import inputs, saying, slash
from roo_lsp.tasks.approvals import NotPending, Pending
from roo_lsp.tasks.refusals import Invalid, Refused
from roo_lsp.tasks.service import Service
from roo_lsp.tasks.stream import Roo
from roo_lsp.tasks.verbs import keeping, running
from roo_lsp.workspace.lines import split_lines
from roo_lsp.workspace.rooignore import RooIgnore

log = logging.getLogger(__name__)

BY = "task document"
"""The surface that a tick counts as."""
NAME = "the front matter of its task document"

HELP = (
    "Write under `## You` and save: that sends it. While Roo works, its next step hears it.",
    "",
    *(f"- {line}" for line in slash.help_lines()),
    "",
    "`@path` and `@path:10-20` take files along, `@folder/` a folder; so do `@problems`, `@git-changes`,",
    "`@terminal` and a commit, `@abc1234`. Settings of this task go between `---` at the top.",
)
"""What `/help` says in a document, as Markdown."""
HELP_COMMANDS = 2 + len(slash.COMMANDS)
"""So many lines of it are up to the last command of ours."""


@dataclass(slots=True)
class OpenDocuments:
    """Those of one client."""

    service: Service
    editor: Editor
    """Has them open, and is written into."""
    progress: Progress
    """Tells of the events."""
    sheets: dict[str, Sheet] = field(default_factory=dict[str, Sheet])
    """By address."""
    unasked: set[str] = field(default_factory=set[str])
    """Documents whose next save was not the user's doing."""
    _settings: dict[str, Raw] = field(default_factory=dict[str, Raw])
    """What the front matter sets, by task; it holds also once the document is closed."""
    _effective: dict[str, tuple[Effective, Raw, Effective]] = field(
        default_factory=dict[str, tuple[Effective, Raw, Effective]]
    )
    _unnamed: dict[Path, str] = field(default_factory=dict[Path, str])
    """Tasks of documents that were closed before their front matter could name them."""
    _latest: Sheet | None = None
    """The document that something was sent from last: it shows what belongs to no task."""

    def listen(self) -> None:
        """Hear of documents, events and what waits from now on, and take in what is open already.

        Not before the settings are known: a document that was saved already starts a turn.
        """
        documents = self.editor.documents
        documents.watch(self._document)
        documents.watch_edits(self._edited_by_agent)
        self.progress.watch(self._event)
        self.service.approvals.watch(self._entry)
        for document in documents:
            self._document(document, "opened")
            if not document.maybe_unsaved:  # saved before there was anybody to hear it
                self._document(document, "saved")

    # --- what the editor tells --------------------------------------------------------------

    def _document(self, document: Document, what: str) -> None:
        if not is_task_document(document.path):
            return
        if what == "opened":
            self._opened(document)
        elif (sheet := self.sheets.get(document.uri)) is None:
            return
        elif what == "changed":
            sheet.changed()
        elif what == "saved":
            self._saved(sheet)
        elif what == "closed":
            sheet.closed = True
            del self.sheets[document.uri]
            if sheet.task_id and front_matter.read(sheet.lines).task != sheet.task_id:
                self._unnamed[document.path] = sheet.task_id

    def _opened(self, document: Document) -> None:
        if (before := self.sheets.get(document.uri)) is not None:
            before.closed = True
        service, editor = self.service, self.editor
        files = editor.files(disk(service.configuration.current.settings, RooIgnore(())))
        sheet = Sheet(
            document,
            partial(files.edit, document) if editor.abilities.apply_edit else None,
            service.background.start,
            self.waiting,
            service.workspace.show,
            self._gave_up,
            self._withdraw,
        )
        self.sheets[document.uri] = sheet
        self._follow_front_matter(sheet)
        task_id = self._unnamed.pop(document.path, "")
        if task_id and not sheet.task_id and self.why_not(sheet, task_id) is None:
            sheet.set_key(front_matter.TASK, task_id)
            self._resume(sheet, task_id, front_matter.read(sheet.lines))

    def _edited_by_agent(self, document: Document, text: str) -> None:
        if (sheet := self.sheets.get(document.uri)) is not None:
            sheet.edited_by_agent(text)

    def _saved(self, sheet: Sheet) -> None:
        choices = sheet.saved()
        uri = sheet.document.uri
        unasked = uri in self.unasked
        self.unasked.discard(uri)
        self._follow_front_matter(sheet)
        if (text := skeleton_of(sheet.lines)) is not None:
            self._write_skeleton(sheet, text)
            return
        for choice in choices:
            self._settle(sheet, choice, choices)
        if not unasked:
            self._send(sheet)

    def _write_skeleton(self, sheet: Sheet, text: str) -> None:
        document, edit = sheet.document, sheet.edit
        if edit is not None:
            made = partial(_is, document, text)
            self.service.background.start(edit(text, made))

    # --- the task of a document -------------------------------------------------------------

    def _follow_front_matter(self, sheet: Sheet) -> None:
        """Show the task that the document names, if it names one that it can show."""
        found = front_matter.read(sheet.lines)
        if sheet.task_id:
            self._settings[sheet.task_id] = found.settings
        if sheet.binding or found.task == sheet.task_id or (sheet.edit is None and not found.task):
            return
        if found.task and self.why_not(sheet, found.task) is None:
            self._resume(sheet, found.task, found)
        else:
            sheet.unbind()

    def _resume(self, sheet: Sheet, task_id: str, found: FrontMatter) -> None:
        queued: list[str] = []
        for task in self.service.tasks:
            if task.id == task_id:
                task.stream.flush()
                queued = [message.text for message in task.agent.inbox]
        self._settings[task_id] = found.settings
        events, _ = self.service.store.events(task_id, 0, sys.maxsize)
        sheet.resume(task_id, events, queued)

    def why_not(self, sheet: Sheet, task_id: str) -> str | None:
        """Why a document cannot show the task that it names."""
        summary = self.service.store.get(task_id)
        if summary is None:
            return f"There is no task {task_id} here; the next message starts a new one."
        if summary.workspace != str(self.service.tasks.workspace):
            return "This task belongs to another workspace; the next message starts a new one."
        if (other := self._other(sheet, task_id)) is not None:
            return (
                f"This is a copy: {other.document.path.name} shows this task. Take this line out, and "
                "the next message starts a task of its own."
            )
        return None

    def _other(self, sheet: Sheet, task_id: str) -> Sheet | None:
        return next(
            (e for e in self.sheets.values() if e is not sheet and e.task_id == task_id), None
        )

    def of_task(self, task_id: str) -> Sheet | None:
        """The open document that shows a task."""
        return next((each for each in self.sheets.values() if each.task_id == task_id), None)

    def shown_in(self, task_id: str) -> Path | None:
        sheet = self.of_task(task_id)
        return sheet.document.path if sheet is not None else None

    def settings_of(self, task_id: str, now: Effective) -> Effective:
        """The settings of a task: those that hold, as far as its front matter does not tighten them."""
        raw = {k: v for k, v in self._settings.get(task_id, {}).items() if k not in _NAMED}
        if not raw:
            return now
        known = self._effective.get(task_id)
        if known is None or known[0] is not now or known[1] != raw:
            known = self._effective[task_id] = (now, raw, for_one_task(now, raw, NAME))
        return known[2]

    def front_matter(self, sheet: Sheet) -> tuple[FrontMatter, Effective]:
        """What a document sets, and what would hold of it."""
        found = front_matter.read(sheet.lines)
        raw = {k: v for k, v in found.settings.items() if k not in _NAMED}
        return found, for_one_task(self.service.configuration.current, raw, NAME)

    # --- sending ----------------------------------------------------------------------------

    async def send_document(self, uri: str | None) -> dict[str, Any]:
        """`roo.document.send`: what is new in a document, also what an edit of the agent put there.

        Raises:
            Invalid, Refused: there is no such document, or nothing in it to send.
        """
        last = self.editor.documents.last
        sheet = self.sheets.get(uri or (last.uri if last is not None else ""))
        if sheet is None:
            raise Invalid("uri: no task document (*.roo.md) is open there")
        self._follow_front_matter(sheet)
        sheet.foreign.clear()
        if not self._send(sheet):
            raise Refused(
                "There is nothing to send: write under the last `## You`.", "nothing_to_send"
            )
        return {"uri": sheet.document.uri}

    def _send(self, sheet: Sheet) -> bool:
        if not sheet.unsent:
            if not any(sections(sheet.lines)):
                self.service.screen.message(
                    f"Not sent: {sheet.document.path.name} has no line `{YOU}`. Write below one."
                )
            return False
        if sheet.doubtful:
            self.service.screen.message(
                f"Not sent: not all of the new text in {sheet.document.path.name} was typed by you. "
                "If you want to send it, use the code action Send."
            )
            return False
        named_task = front_matter.read(sheet.lines).task
        if not sheet.task_id and named_task and self._other(sheet, named_task) is not None:
            self.service.screen.message(self.why_not(sheet, named_task) or "")
            return False
        self._latest = sheet
        while sheet.unsent:
            self.service.background.start(self._deliver(sheet, sheet.take()))
        sheet.foreign.clear()
        return True

    async def _deliver(self, sheet: Sheet, message: Sent) -> None:
        async with sheet.sending:
            try:
                orders, rest = saying.parted(self.service, message.text)
                told = [line for each in orders for line in await self._order(sheet, each)]
                if not rest:
                    sheet.replied(message, told)
                    return
                message.text = rest
                await self._to_model(sheet, rest)
            except (Invalid, Refused, RooError, ToolError) as error:
                sheet.give_back(message)
                self.service.screen.warning(f"Not sent: {error}")

    async def _to_model(self, sheet: Sheet, text: str) -> None:
        service = self.service
        found = sheet.front_matter
        mode = found.mode if found.mode in service.configuration.modes else None
        known = service.configuration.current.settings.profiles
        profile = found.profile if found.profile in known else None
        task = service.tasks.get(sheet.task_id) if sheet.task_id else None
        if task is None:
            argument = inputs.Start(prompt=text, mode=mode, profile=profile)
            started = await running.start(service, argument)
            task_id: str = started["taskId"]
            self._settings[task_id] = found.settings
            sheet.bind(task_id)
            return
        if mode is not None:
            task.set_mode(mode)
        if profile is not None:
            task.profile = profile
        await running.send(service, inputs.Send(text=text, task_id=task.id))

    def _withdraw(self, sheet: Sheet, lost: Sequence[Sent]) -> None:
        for task in self.service.tasks:
            if task.id == sheet.task_id:
                for message in list(task.agent.inbox):
                    if any(message.text.startswith(each.text) for each in lost):
                        task.unqueue(message.queue_id)

    # --- commands in a message --------------------------------------------------------------

    async def _order(self, sheet: Sheet, order: slash.SlashCommand) -> Sequence[str]:
        """Do a command; what it came to, as Markdown."""
        match order.name:
            case "help":
                mode = self.service.configuration.current.settings.mode
                more = [f"- {line}" for line in self.service.offered.help_lines(mode)]
                return [*HELP[:HELP_COMMANDS], *more, *HELP[HELP_COMMANDS:]]
            case "new":
                sheet.forget_task()
                return ["*The next message starts a new task.*"]
            case "mode":
                self._check("mode", order.word, sorted(self.service.configuration.modes))
                return self._set(sheet, order)
            case "profile":
                known = sorted(self.service.configuration.current.settings.profiles)
                self._check("profile", order.word, known)
                return self._set(sheet, order)
            case name:
                task = self.service.tasks.get(sheet.task_id) if sheet.task_id else None
                if task is None:
                    return ["*There is no task in this document yet.*"]
                return [f"*{await saying.obey(self.service, name, task)}*"]

    def _check(self, key: str, word: str, known: Sequence[str]) -> None:
        if word not in known:
            listed = ", ".join(known) or "none"
            raise RooError(
                "settings_invalid", f"There is no {key} {word}.", f"There are: {listed}."
            )

    def _set(self, sheet: Sheet, order: slash.SlashCommand) -> Sequence[str]:
        """Set a key of the front matter, and what holds for the task."""
        sheet.set_key(order.name, order.word)
        task = self.service.tasks.get(sheet.task_id) if sheet.task_id else None
        if task is not None and order.name == "mode":
            task.set_mode(order.word)
        elif task is not None:
            task.profile = order.word
        return [f"*{order.name.capitalize()}: {order.word}*"]

    def status(self, sheet: Sheet) -> list[str]:
        """How the task of a document stands, as Markdown."""
        task = self.service.tasks.get(sheet.task_id) if sheet.task_id else None
        if task is None:
            return ["*No task yet: write under `## You` and save.*"]
        return [f"*{saying.task_standing(self.service, task)}*"]

    # --- what waits -------------------------------------------------------------------------

    def waiting(self, sheet: Sheet) -> list[Pending]:
        """What waits and is to be shown in a document."""
        return [
            entry
            for entry in self.service.approvals.pending
            if (
                self._is_of(entry.task_id, sheet)
                if entry.task_id is not None
                else sheet is self._latest and sheet.renderer.running
            )
        ]

    def _is_of(self, task_id: str, sheet: Sheet) -> bool:
        """Whether it is the document's task, or a subtask of it that no other document shows."""
        if task_id == sheet.task_id:
            return True
        task = next((each for each in self.service.tasks if each.id == task_id), None)
        shows = sheet.task_id in task.line if task is not None else False
        return shows and self.of_task(task_id) is None

    def is_shown(self, entry: Pending) -> bool:
        return any(self._shows(each, entry) for each in self.sheets.values())

    def _shows(self, sheet: Sheet, entry: Pending) -> bool:
        return sheet.is_written and entry in self.waiting(sheet)

    def _entry(self, entry: Pending) -> None:
        for sheet in self.sheets.values():
            if entry.task_id is None or self._is_of(entry.task_id, sheet):
                sheet.poke()
        last = self.editor.documents.last
        shown = [each for each in self.sheets.values() if self._shows(each, entry)]
        if shown and shown[0].document is not last:
            self.service.screen.message(f"Roo waits for you in {shown[0].document.path.name}")

    def _settle(
        self, sheet: Sheet, choice: TickableLine, all_of_them: Sequence[TickableLine]
    ) -> None:
        entry = next((e for e in self.waiting(sheet) if e.request_id == choice.request_id), None)
        alone = sum(each.request_id == choice.request_id for each in all_of_them) == 1
        answer = answered(choice, entry) if entry is not None else None
        if entry is None or answer is None or not alone:
            return
        approvals = self.service.approvals
        try:
            if entry.kind == "question":
                approvals.answer(entry.request_id, answer)
            else:
                approvals.settle(entry.request_id, answer, BY, choice.text)
        except (NotPending, ValueError) as error:
            log.info("a tick settles nothing: %s", error)
        except RooError as error:  # another server has its task, or it cannot be stored
            self.service.screen.warning(str(error))

    # --- events -----------------------------------------------------------------------------

    def _event(self, roo: Roo) -> None:
        sheet = self.of_task(roo["taskId"])
        if sheet is None:
            return
        sheet.feed(roo)
        update = roo["update"]
        over = update["sessionUpdate"] == "_state" and update["state"] in {"idle", "failed"}
        if over and sheet.edit is None:
            self._gave_up(sheet)

    def _gave_up(self, sheet: Sheet) -> None:
        """The editor cannot be written to: the transcript has the answer."""
        if sheet.task_id and not sheet.is_written:
            argument = inputs.Open(task_id=sheet.task_id, transcript=True)
            self.service.background.start(keeping.open_task(self.service, argument))


_NAMED = {"mode", "profile"}
"""Taken by name when something is sent, not laid over the settings."""


def _is(document: Text, text: str) -> bool:
    return split_lines(document.text.replace("\r\n", "\n")) == split_lines(text)
