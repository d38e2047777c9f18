"""The commands of interface section 4: each takes one object, checks it, and returns at once.

Nearly all are those of `tasks.verbs`; here is what makes commands of LSP of them, and what only an
editor has.
"""

import json
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, cast

from pydantic import ValidationError

from roo_lsp.agent.errors import RooError, ToolError
from roo_lsp.lsp.session import Session
from roo_lsp.lsp.wire.protocol import CommandFailed
from roo_lsp.task_documents.drafts import OTHERWISE, write_draft
from roo_lsp.tasks import inputs, mcp, saying
from roo_lsp.tasks.refusals import Invalid, Refused
from roo_lsp.tasks.service import Service, require_visible
from roo_lsp.tasks.verbs import answering, choosing, keeping, reviewing, running
from roo_lsp.workspace.journal import store_errors
from roo_lsp.workspace.uris import path_of

CommandHandler = Callable[[Session, Any], Awaitable[Any]]


async def execute(session: Session, name: str, arguments: Sequence[Any]) -> Any:
    """Run a command.

    Raises:
        CommandFailed: bad arguments, or a state that forbids it.
    """
    try:
        if name not in COMMANDS:
            raise Refused(f"{name} is not available in this version of roo-lsp.", "not_available")
        handler, model, main = COMMANDS[name]
        return await handler(session, _argument(model, main, arguments))
    except Refused as error:
        raise CommandFailed.refused(error.message, error.reason) from None
    except Invalid as error:
        raise CommandFailed.invalid_params(error.message) from None
    except RooError as error:
        raise CommandFailed.refused(str(error), error.code) from None
    except ToolError as error:
        raise CommandFailed.invalid_params(error.text) from None


def _argument(model: type[inputs.Argument], main: str, arguments: Sequence[Any]) -> inputs.Argument:
    """One object; a string stands for its main field, several are joined with a space."""
    raw: object = arguments[0] if len(arguments) == 1 else {}
    if len(arguments) > 1:
        if not all(isinstance(each, str) for each in arguments):
            raise Invalid("Give one object, or words.")
        raw = " ".join(arguments)
    if raw is None:
        raw = {}
    if isinstance(raw, str):
        if not main:
            raise Invalid("This command takes no words.")
        raw = {main: raw}
    if not isinstance(raw, dict):
        raise Invalid(f"Expected an object, got {json.dumps(raw)[:60]}.")
    given = {key: value for key, value in cast("dict[str, Any]", raw).items() if value is not None}
    try:
        # Half a character, which clients that count in UTF-16 may send, becomes a question mark.
        text = json.dumps(given, ensure_ascii=False).encode("utf-8", "replace")
        return model.model_validate_json(text, by_alias=True, by_name=False)
    except RecursionError:
        raise Invalid("The argument is nested too deeply.") from None
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, each['loc'])) or 'argument'}: {each['msg']}"
            for each in error.errors(include_url=False, include_input=False, include_context=False)
        )
        raise Invalid(problems) from None


# --- what only an editor has ----------------------------------------------------------------


async def start(session: Session, argument: inputs.Start) -> Any:
    token = session.protocol.work_done_token  # beside the arguments, as LSP has it
    if token is not None:
        argument = argument.model_copy(update={"work_done_token": token})
    return await saying.start(session.service, argument)


async def open_task(session: Session, argument: inputs.Open) -> Any:
    if argument.context:
        return await _open_draft(session, argument.context)
    return await keeping.open_task(session.service, argument)


async def send_document(session: Session, argument: inputs.OfDocument) -> Any:
    return await session.features.documents.send_document(argument.uri)


async def _open_draft(session: Session, places: Sequence[inputs.DocumentRange]) -> dict[str, Any]:
    """A task document that points at places, for the user to go on in."""
    require_visible(session.service, [place.uri for place in places])
    mentions = " ".join(_mention(session, place) for place in places)
    with store_errors(folder := session.service.state_dir / "drafts"):
        file, end = write_draft(folder, mentions)
    shown = await session.screen.open_document(file, at=end, otherwise=OTHERWISE)
    return {"shown": shown, "path": str(file)}


def _mention(session: Session, place: inputs.DocumentRange) -> str:
    """`@src/app.py:3-5`, as task documents have it."""
    path = path_of(place.uri)
    name = session.service.workspace.show(path) if path is not None else place.uri
    first, last = place.lines or (-1, -1)
    lines = "" if first < 0 else f":{first + 1}" if first == last else f":{first + 1}-{last + 1}"
    return f'@"{name}"{lines}' if NEEDS_QUOTES.search(name) else f"@{name}{lines}"


NEEDS_QUOTES = re.compile(r"[\s\"'`,;:()<>\[\]{}@]|[.!?]$")
"""What ends the name of a file in a mention."""


# --- the table ------------------------------------------------------------------------------


def _verb(verb: Callable[[Service, Any], Awaitable[Any]]) -> CommandHandler:
    return lambda session, argument: verb(session.service, argument)


COMMANDS: dict[str, tuple[CommandHandler, type[inputs.Argument], str]] = {
    "roo.task.start": (start, inputs.Start, "prompt"),
    "roo.task.send": (_verb(saying.send), inputs.Send, "text"),
    "roo.task.cancel": (_verb(running.cancel), inputs.Cancel, "taskId"),
    "roo.task.resume": (_verb(saying.resume), inputs.Resume, "taskId"),
    "roo.task.list": (_verb(keeping.list_tasks), inputs.List, ""),
    "roo.task.replay": (_verb(keeping.replay), inputs.Replay, "taskId"),
    "roo.task.open": (open_task, inputs.Open, "taskId"),
    "roo.task.delete": (_verb(keeping.delete), inputs.OfTask, "taskId"),
    "roo.task.export": (_verb(keeping.export), inputs.Export, "taskId"),
    "roo.approval.list": (_verb(answering.list_approvals), inputs.ListApprovals, ""),
    "roo.approval.respond": (_verb(answering.respond), inputs.Respond, "decision"),
    "roo.question.answer": (_verb(answering.answer), inputs.AnswerQuestion, "answer"),
    "roo.changes.list": (_verb(reviewing.list_changes), inputs.ListChanges, "taskId"),
    "roo.changes.keep": (_verb(reviewing.keep_changes), inputs.OfChanges, "taskId"),
    "roo.changes.revert": (_verb(reviewing.revert_changes), inputs.OfChanges, "taskId"),
    "roo.checkpoint.list": (_verb(reviewing.list_checkpoints), inputs.OfTask, "taskId"),
    "roo.checkpoint.diff": (_verb(reviewing.diff_checkpoint), inputs.OfCheckpoint, "checkpointId"),
    "roo.checkpoint.restore": (_verb(reviewing.restore_checkpoint), inputs.GoBack, "checkpointId"),
    "roo.task.condense": (_verb(running.condense), inputs.OfTask, "taskId"),
    "roo.prompt.enhance": (_verb(running.enhance), inputs.Enhance, "text"),
    "roo.prompt.history": (_verb(running.list_prompts), inputs.ListPrompts, ""),
    "roo.mention.list": (_verb(running.list_mentions), inputs.ListMentions, "text"),
    "roo.command.list": (_verb(saying.list_commands), inputs.ListCommands, "mode"),
    "roo.mcp.list": (_verb(mcp.list_servers), inputs.ListServers, "name"),
    "roo.mcp.restart": (_verb(mcp.restart_server), inputs.RestartServer, "name"),
    "roo.approval.auto": (_verb(answering.switch_auto), inputs.SwitchAuto, "kind"),
    "roo.queue.list": (_verb(running.list_queue), inputs.OfTask, "taskId"),
    "roo.queue.remove": (_verb(running.remove_queued), inputs.OfQueued, "messageId"),
    "roo.queue.edit": (_verb(running.edit_queued), inputs.EditQueued, "text"),
    "roo.mode.set": (_verb(choosing.set_mode), inputs.SetMode, "mode"),
    "roo.mode.list": (_verb(choosing.list_modes), inputs.Nothing, ""),
    "roo.profile.set": (_verb(choosing.set_profile), inputs.SetProfile, "profile"),
    "roo.profile.list": (_verb(choosing.list_profiles), inputs.Nothing, ""),
    "roo.provider.test": (_verb(choosing.test_provider), inputs.OfProfile, "profile"),
    "roo.provider.models": (_verb(choosing.list_provider_models), inputs.OfProfile, "profile"),
    "roo.status": (_verb(choosing.status), inputs.Status, ""),
    "roo.document.send": (send_document, inputs.OfDocument, "uri"),
}
"""Name to handler, argument and main field; what is listed to the client but not here is refused."""
