"""What waits for the user, asked of the client: permissions and trust, questions as forms or in words."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Protocol

from roo_lsp.acp.client import AcpClient, ClientRefused
from roo_lsp.acp.updates import fit_to_show, question_text
from roo_lsp.agent.errors import RooError
from roo_lsp.agent.json_values import JsonObject, object_or_empty
from roo_lsp.tasks.approvals import Approvals, NotPending, Pending
from roo_lsp.tasks.details import asker

log = logging.getLogger(__name__)

BY = "session/request_permission"
DECLINED = "(The user gave no answer to this.)"


class AskedIn(Protocol):
    """The session that something is asked in."""

    @property
    def id(self) -> str: ...

    @property
    def turn(self) -> int:
        """Counts what the user has said in it."""
        ...

    def say(self, text: str) -> None:
        """A message to the user, from us."""
        ...

    def question_in_words(self, entry: Pending) -> None:
        """It was told in words: what the user says next is its answer."""
        ...

    async def cancel(self) -> None:
        """Stop the turn."""
        ...


@dataclass(slots=True)
class Asking:
    """Asks for what comes onto the list, while a session is there whose turn the client waits for."""

    client: AcpClient
    approvals: Approvals
    session_of: Callable[[Pending], AskedIn | None]
    """The session to ask in now."""
    call_id: Callable[[Pending], str]
    """The call that an entry is about, as the client knows it."""
    hidden: Callable[[Any], Any]
    """A JSON value without the keys that are known."""
    start: Callable[[Coroutine[Any, Any, None]], None]
    """Has something done beside everything else."""
    _open: dict[str, asyncio.Task[None]] = field(default_factory=dict[str, asyncio.Task[None]])

    def __post_init__(self) -> None:
        self.approvals.watch(self._changed)

    def look(self) -> None:
        """Ask for what waits and was not asked for: a turn began, or a task was taken up."""
        for entry in self.approvals.pending:
            self._changed(entry)

    def _changed(self, entry: Pending) -> None:
        asked = self._open.get(entry.request_id)
        if entry not in self.approvals.pending:
            if self._open.pop(entry.request_id, None) is not None and asked is not None:
                asked.cancel()
            return
        # What another server left is asked for once its task waits for it here.
        if asked is not None or entry.quiet or entry.take_up is not None:
            return
        if (session := self.session_of(entry)) is not None:
            self.start(self._ask(entry, session))

    async def _ask(self, entry: Pending, session: AskedIn) -> None:
        if entry.request_id in self._open or entry.answered.done():
            return
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 -- we are in a coroutine
        self._open[entry.request_id] = task
        turn = session.turn
        try:
            if entry.kind == "question":
                await self._question(entry, session)
            else:
                await self._permission(entry, session)
        except NotPending:
            log.info("a late answer to %s is ignored", entry.request_id)
        except RooError as error:  # another server has its task, or it cannot be stored
            session.say(str(error))
        finally:
            if entry.kind != "question" or entry.answered.done():
                self._open.pop(entry.request_id, None)
        if session.turn != turn and entry.kind != "question":
            self._changed(entry)  # it was asked of a turn that is over, and waits in this one

    async def _permission(self, entry: Pending, session: AskedIn) -> None:
        params: JsonObject = {
            "sessionId": session.id,
            "toolCall": tool_call(entry, self.call_id(entry)),
            "options": entry.options,
        }
        why, turn = "its answer was none of the options", session.turn
        try:
            answer = await self.client.ask(BY, self.hidden(params), person=True)
        except ClientRefused as error:
            answer, why = {}, str(error)
        match object_or_empty(answer.get("outcome")):
            case {"outcome": "selected", "optionId": str(option)} if option in {
                each["optionId"] for each in entry.options
            }:
                self.approvals.settle(entry.request_id, option, BY)
            case {"outcome": "cancelled"}:
                if session.turn == turn:  # not one that began since: this was for the one before
                    self.start(session.cancel())
            case _ if entry.kind == "trust":  # a no would be kept, and nobody has said one
                session.say(f"The editor could not ask this: {entry.title}. {why.capitalize()}.")
                self.start(session.cancel())
            case _:
                said = f"Nobody was asked: the editor could not show the question ({why})."
                self.approvals.settle(entry.request_id, "reject_once", BY, said)

    async def _question(self, entry: Pending, session: AskedIn) -> None:
        if self.client.has_forms:
            try:
                answer = await self.client.ask(
                    "elicitation/create", self._form(entry, session), person=True
                )
            except ClientRefused as error:
                log.info("the question is asked in words: %s", error)
            else:
                self.approvals.answer(entry.request_id, _answered(answer))
                return
        text = question_text("\n".join(entry.detail), entry.suggestions)
        session.say(self.hidden(text))
        session.question_in_words(entry)

    def _form(self, entry: Pending, session: AskedIn) -> JsonObject:
        answer: JsonObject = {"type": "string", "title": "Answer"}
        properties: JsonObject = {"answer": answer}
        if entry.suggestions:
            choice = {
                "type": "string",
                "title": "Choose",
                "enum": list(dict.fromkeys(entry.suggestions)),
            }
            properties = {"choice": choice, "answer": answer | {"title": "Or in your own words"}}
        return self.hidden(
            {
                "sessionId": session.id,
                "mode": "form",
                "message": "\n".join([f"{asker(entry)}:", *entry.detail]),
                "requestedSchema": {
                    "type": "object",
                    "properties": properties,
                    **({} if entry.suggestions else {"required": ["answer"]}),
                },
            }
        )


def _answered(answer: JsonObject) -> str:
    """What a form came back with."""
    content = object_or_empty(answer.get("content"))
    words = str(content.get("answer") or "").strip()
    said = words or str(content.get("choice") or "").strip()
    return said if answer.get("action") == "accept" and said else DECLINED


def tool_call(entry: Pending, call_id: str) -> JsonObject:
    """What a permission is asked for, payload first and whole."""
    request = entry.request
    told: JsonObject = {"toolCallId": call_id, "title": entry.title, "status": "pending"}
    content: list[JsonObject] = []
    if request is not None:
        told["kind"] = request.kind.value
        content += [
            fit_to_show(
                {
                    "type": "diff",
                    "path": diff.path.as_posix(),
                    "oldText": diff.old,
                    "newText": diff.new or "",
                }
            )
            for diff in request.diffs
        ]
        if request.paths:
            told["locations"] = [{"path": path.as_posix()} for path in request.paths]
        if request.command is not None:
            told["rawInput"] = {"command": request.command, "cwd": str(request.cwd)}
    text = "\n".join(entry.detail)
    content.append({"type": "content", "content": {"type": "text", "text": text}})
    told["content"] = content
    return told
