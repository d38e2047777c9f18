"""What waits for the user: one durable list, settled through any surface, first answer wins.

An entry is made by the loop's question and stays until somebody answers it or the task is
cancelled. A dialog that is dismissed, fails or answers late settles nothing.
"""

import asyncio
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, cast, get_args

from roo_lsp.agent.approval import LABELS, Decision, Outcome, PermissionRequest
from roo_lsp.agent.events import (
    EventSink,
    PermissionAsked,
    PermissionSettled,
    QuestionAnswered,
    QuestionAsked,
    StateChanged,
)
from roo_lsp.agent.tool import ToolKind
from roo_lsp.endpoints import Passage
from roo_lsp.tasks.refusals import Refused
from roo_lsp.workspace.escapes import label, plain
from roo_lsp.workspace.trust import PROMPTS


class NotPending(Refused):
    """There is no such entry, or more than one where none was named; the text lists what waits."""

    def __init__(self, message: str) -> None:
        super().__init__(message, "not_pending")


@dataclass(frozen=True, slots=True)
class TrustQuestion:
    """Whether a workspace may bring along what it does: one question for all of it."""

    title: str
    why: str
    lines: Sequence[str]
    """Everything that it is about, one line each."""
    folder: Path
    quiet: bool
    """Nothing waits for it yet."""
    passage: Passage | None = None
    """What the settings would send to a new place: the same answer allows it."""


PASSAGE_WHY = "What you write, your code and your keys go to a new place only when you say so; you are asked once."


def passage_lines(passage: Passage) -> list[str]:
    """What would go where, one line each."""
    keys = [name for name in passage.names if name != PROMPTS]
    prompts = ["Prompts and code: yes"] if PROMPTS in passage.names else []
    return [*(f"Key: {name}" for name in keys), *prompts, f"To: {passage.origin}"]


def about_passage(passage: Passage | None) -> dict[str, str]:
    """The same for programs."""
    if passage is None:
        return {}
    keys = [name for name in passage.names if name != PROMPTS]
    return {"origin": passage.origin} | ({"key": " ".join(keys)} if keys else {})


@dataclass(slots=True, eq=False)
class Pending:
    """One entry of the list."""

    request_id: str
    task_id: str | None
    """None for what is not about one task."""
    kind: Literal["permission", "question", "trust"]
    title: str
    detail: Sequence[str]
    """What a person has to know, payload first, as lines."""
    request: PermissionRequest | None = None
    suggestions: Sequence[str] = ()
    own: bool = False
    """A question of ours, not of the model."""
    about: Mapping[str, str] = field(default_factory=dict[str, str])
    """Of a trust entry, for programs: `origin` and `key`, or `workspace`."""
    quiet: bool = False
    """True for what nothing waits for yet: no dialog is opened for it until `insist`."""
    take_up: Callable[[], None] | None = None
    """Of one that another server left when it ended: goes on with its task, which then waits for it.

    Called before it is answered; raises where the task is not ours to go on with, or does not wait.
    """
    answered: asyncio.Future[Decision | str] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )

    def __post_init__(self) -> None:
        """Whatever it was made of: nothing in what is shown hides, moves or controls a terminal."""
        show = plain if self.kind == "question" else label
        self.title = show(self.title)
        self.detail = [show(line) for line in self.detail]

    @property
    def options(self) -> list[dict[str, str]]:
        """ACP permission options."""
        if self.kind == "question" or self.request is None:
            return []
        return [
            {
                "optionId": outcome,
                "name": self._label(outcome),
                "kind": outcome.removesuffix("_prefix"),
            }
            for outcome in self.request.outcomes
        ]

    def _label(self, outcome: Outcome) -> str:
        reach = label(self.reach(outcome))
        return f"{LABELS[outcome]} ({reach})" if reach else LABELS[outcome]

    def reach(self, outcome: Outcome) -> str:
        """What an *always* would mean."""
        return self.request.reach(outcome) if self.request else ""

    def json(self) -> dict[str, Any]:
        """The entry as `roo.approval.list` gives it."""
        request = self.request
        entry: dict[str, Any] = dict(self.about) | {
            "requestId": self.request_id,
            "taskId": self.task_id,
            "kind": self.kind,
            "title": self.title,
            "detail": list(self.detail),
            "options": self.options,
        }
        if self.kind == "question":
            entry["suggestions"] = list(self.suggestions)
        if request is not None:
            entry["toolCall"] = {
                "toolCallId": request.call_id,
                "title": label(request.title),
                "kind": request.kind.value,
                "locations": [{"path": path.as_posix()} for path in request.paths],
            }
            entry["reason"] = request.why
            entry |= {"note": request.note} if request.note else {}
            if request.command is not None:
                entry["command"] = request.command
                entry["cwd"] = str(request.cwd)
                entry |= {"unconfined": True} if request.unconfined else {}
        return entry


class Approvals:
    """The list of one server."""

    def __init__(self) -> None:

        self._pending: dict[str, Pending] = {}
        self._left: dict[str, Pending] = {}
        """Those that another server left, until their task waits for them here."""
        self._watchers: list[Callable[[Pending], None]] = []

    def watch(self, watcher: Callable[[Pending], None]) -> None:
        """Have each entry told here when it comes and when it is settled or withdrawn; the last
        watcher is told first.
        """
        self._watchers.insert(0, watcher)

    def _changed(self, entry: Pending) -> None:
        for each in self._watchers:
            each(entry)

    @property
    def pending(self) -> list[Pending]:
        return list(self._pending.values())

    async def wait(self, entry: Pending) -> Decision | str:
        """Put the entry on the list and wait for the answer; cancelling withdraws it."""
        if not entry.answered.done() and entry.request_id not in self._pending:
            self._pending[entry.request_id] = entry
            self._changed(entry)
        try:
            return await entry.answered
        finally:
            entry.answered.cancel()
            self._pending.pop(entry.request_id, None)
            self._changed(entry)

    def next_id(self, prefix: str) -> str:
        """A name for an entry that nobody can guess: whoever answers has seen the question."""
        return f"{prefix}_{secrets.token_hex(8)}"

    def insist(self) -> None:
        """What was quiet so far is asked for now."""
        for entry in self.pending:
            if entry.quiet:
                entry.quiet = False
                self._changed(entry)

    # --- what other servers left ----------------------------------------------------------------

    @property
    def left(self) -> list[Pending]:
        """What is answered or waits, and nothing of ours waits for."""
        return list(self._left.values())

    def outlive(self, task_id: str) -> bool:
        """Whether something waits in a task that another server could go on with as well."""
        return any(
            entry.task_id == task_id and entry.kind != "trust" and not entry.own
            for entry in self._pending.values()
        )

    def restore(self, entry: Pending) -> None:
        """An entry that another server left waits again."""
        self._left[entry.request_id] = self._pending[entry.request_id] = entry
        self._changed(entry)

    def adopt(self, entry: Pending) -> None:
        """Its task waits for it again: nothing more has to be done before it is answered."""
        self._left.pop(entry.request_id, None)
        entry.take_up = None

    def withdraw(self, entry: Pending) -> None:
        """It does not wait any more, and was not answered here."""
        self._left.pop(entry.request_id, None)
        if self._pending.pop(entry.request_id, None) is not None:
            entry.answered.cancel()
            self._changed(entry)

    # --- questions of our own -------------------------------------------------------------------

    async def ask_for_trust(self, question: TrustQuestion) -> bool:
        """One question for everything that the workspace brings along."""
        return await self._decide(
            question.title,
            question.why,
            [*question.lines, question.why],
            about={"workspace": str(question.folder)} | about_passage(question.passage),
            quiet=question.quiet,
        )

    async def ask_for_passage(self, task_id: str | None, passage: Passage) -> bool:
        """Whether keys and prompts may go to an origin."""
        return await self._decide(
            f"Send {passage.goods} to {passage.origin}",
            PASSAGE_WHY,
            [*passage_lines(passage), PASSAGE_WHY],
            task_id,
            about=about_passage(passage),
        )

    async def _decide(
        self,
        title: str,
        why: str,
        lines: Sequence[str],
        task_id: str | None = None,
        *,
        about: Mapping[str, str],
        quiet: bool = False,
    ) -> bool:
        entry = Pending(
            request_id=self.next_id("trust"),
            task_id=task_id,
            kind="trust",
            title=title,
            detail=lines,
            request=PermissionRequest(
                call_id=None, tool="", kind=ToolKind.OTHER, title=title, why=why
            ),
            about=about,
            quiet=quiet,
        )
        answer = await self.wait(entry)
        return isinstance(answer, Decision) and answer.allowed

    # --- answers --------------------------------------------------------------------------------

    def settle(self, request_id: str | None, outcome: str, by: str, feedback: str = "") -> Pending:
        """Answer a permission or trust entry.

        Raises:
            NotPending: as it says.
            ValueError: the outcome is not among the entry's options.
        """
        entry = self._find(request_id, {"permission", "trust"})
        if outcome not in get_args(Outcome) or (
            entry.request is not None and outcome not in entry.request.outcomes
        ):
            raise ValueError(outcome)
        self._answered(entry, Decision(cast("Outcome", outcome), by, feedback))
        return entry

    def answer(self, request_id: str | None, text: str, task_id: str | None = None) -> Pending:
        """Answer a question.

        Raises:
            NotPending: as it says.
        """
        entry = self._find(request_id, {"question"}, task_id)
        self._answered(entry, text)
        return entry

    def _answered(self, entry: Pending, answer: Decision | str) -> None:
        if entry.take_up is not None:
            try:
                entry.take_up()
            except NotPending:
                self.withdraw(entry)
                raise
        entry.answered.set_result(answer)
        self._pending.pop(entry.request_id, None)
        if entry.request_id in self._left:  # nobody waits yet, who would say so
            self._changed(entry)

    def question_of(self, task_id: str) -> Pending | None:
        """The open question of a task."""
        return next(
            (e for e in self._pending.values() if e.task_id == task_id and e.kind == "question"),
            None,
        )

    def _find(self, request_id: str | None, kinds: set[str], task_id: str | None = None) -> Pending:
        entries = [
            entry
            for entry in self._pending.values()
            if entry.kind in kinds
            and not entry.answered.done()
            and (request_id is None or entry.request_id == request_id)
            and (task_id is None or entry.task_id == task_id)
        ]
        if len(entries) == 1:
            return entries[0]
        waiting = [entry for entry in self._pending.values() if entry.kind in kinds]
        listed = "; ".join(f"{entry.request_id}: {entry.title}" for entry in waiting)
        if request_id is not None:
            raise NotPending(f"{request_id} is not pending. Pending: {listed or 'nothing'}.")
        raise NotPending(
            f"Say which one by requestId: {listed}." if waiting else "Nothing is pending."
        )


@dataclass(frozen=True, slots=True)
class TaskApprover:
    """`Approver` and `Asker` of one task: entries on the list, events in the stream."""

    approvals: Approvals
    task_id: str
    emit: EventSink
    detail: Callable[[PermissionRequest], Sequence[str]]
    keep: Callable[[Pending], None] = lambda entry: None  # noqa: ARG005 -- where nothing is kept
    """Told of each entry before it is: it has to outlive this process."""
    heard: Callable[[str], None] = lambda answer: None  # noqa: ARG005 -- where nobody listens
    """Told what the user typed as an answer."""

    async def approve(self, request: PermissionRequest) -> Decision:
        """The user's decision; one that was asked for by another server, if it is for the same."""
        entry = self._left(lambda each: _same_call(each, request))
        if entry is not None and entry.request and entry.request.facts != request.facts:
            # What was shown is not what would be done: no answer to it counts for this.
            self.approvals.withdraw(entry)
            self.emit(PermissionSettled(entry.request_id, "cancelled", "changed"))
            why = f"what was waiting has changed since you were asked; {request.why}"
            request, entry = replace(request, why=why), None
        if entry is None:
            entry = Pending(
                request_id=self.approvals.next_id("perm"),
                task_id=self.task_id,
                kind="permission",
                title=request.title,
                detail=self.detail(request),
                request=request,
            )
        asked = PermissionAsked(
            entry.request_id, request.call_id, request.title, entry.options, request.why
        )
        decision: Decision | None = None
        self._wait(entry, asked)
        try:
            answer = await self.approvals.wait(entry)
            decision = answer if isinstance(answer, Decision) else None
        finally:
            outcome = decision.kind if decision else "cancelled"
            by = decision.by if decision else "roo.task.cancel"
            self._go_on(PermissionSettled(entry.request_id, outcome, by), answered=bool(decision))
        if decision and decision.feedback:
            self.heard(decision.feedback)
        return decision or Decision("reject_once", "user", "")

    async def ask(self, question: str, suggestions: Sequence[str], *, own: bool = False) -> str:
        """The user's answer; one that was asked for by another server, if it was asked the same."""
        entry = self._left(lambda each: not own and each.detail == [plain(question)])
        if entry is None:
            entry = Pending(
                request_id=self.approvals.next_id("question"),
                task_id=self.task_id,
                kind="question",
                title=question,
                detail=[question],
                suggestions=suggestions,
                own=own,
            )
        self._wait(entry, QuestionAsked(entry.request_id, question, suggestions))
        try:
            answer = str(await self.approvals.wait(entry))
        except asyncio.CancelledError:
            self._go_on(QuestionAnswered(entry.request_id, None), answered=False)
            raise
        self._go_on(QuestionAnswered(entry.request_id, answer), answered=True)
        self.heard(answer)
        return answer

    def denied(self) -> dict[str, tuple[str, Decision]]:
        """Calls that another server asked for and the user has denied here, with their titles."""
        found: dict[str, tuple[str, Decision]] = {}
        for entry in self._all_left():
            call_id = entry.request.call_id if entry.request else None
            answer = entry.answered.result() if entry.answered.done() else None
            if call_id and isinstance(answer, Decision) and not answer.allowed:
                self.approvals.adopt(entry)
                self.emit(PermissionSettled(entry.request_id, answer.kind, answer.by))
                found[call_id] = (entry.title, answer)
        return found

    def close_left(self) -> None:
        """What another server left and no call waited for again: it failed before, or needs no answer."""
        for entry in self._all_left():
            answer = entry.answered.result() if entry.answered.done() else None
            self.approvals.withdraw(entry)
            if entry.kind == "question":
                self.emit(QuestionAnswered(entry.request_id, None))
            elif isinstance(answer, Decision):
                self.emit(PermissionSettled(entry.request_id, answer.kind, answer.by))
            else:
                self.emit(PermissionSettled(entry.request_id, "cancelled", "policy"))

    def _all_left(self) -> list[Pending]:
        return [entry for entry in self.approvals.left if entry.task_id == self.task_id]

    def _left(self, wanted: Callable[[Pending], bool]) -> Pending | None:
        """The entry that another server left and that is waited for from now on."""
        for entry in self._all_left():
            if wanted(entry):
                self.approvals.adopt(entry)
                return entry
        return None

    def _wait(self, entry: Pending, event: PermissionAsked | QuestionAsked) -> None:
        if entry.answered.done():  # while another server's task was taken up
            return
        self.keep(entry)
        self.emit(event)
        self.emit(StateChanged("waiting"))

    def _go_on(self, event: PermissionSettled | QuestionAnswered, *, answered: bool) -> None:
        self.emit(event)
        if answered and not any(e.task_id == self.task_id for e in self.approvals.pending):
            self.emit(StateChanged("running"))


def _same_call(entry: Pending, request: PermissionRequest) -> bool:
    return entry.request is not None and entry.request.call_id == request.call_id
