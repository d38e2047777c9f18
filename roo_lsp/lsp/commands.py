"""The commands of interface section 4: each takes one object, checks it, and returns at once."""

import json
import re
import sys
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal, cast

from pydantic import ValidationError

from roo_lsp.agent.errors import RooError, ToolError
from roo_lsp.agent.events import FileChanged
from roo_lsp.agent.modes import MODES
from roo_lsp.endpoints import configured_url, list_models
from roo_lsp.lsp.session import Session
from roo_lsp.lsp.wire.protocol import CommandFailed
from roo_lsp.providers.endpoint import Endpoint
from roo_lsp.providers.errors import Target
from roo_lsp.providers.report import Check, Report, without_endpoint
from roo_lsp.settings_sources import no_profile
from roo_lsp.task_documents.drafts import OTHERWISE, write_draft
from roo_lsp.tasks.approvals import NotPending
from roo_lsp.tasks.attachments import attached, require_support
from roo_lsp.tasks.hunks import diff_document, where
from roo_lsp.tasks.inputs import (
    AnswerQuestion,
    Argument,
    Export,
    GoBack,
    List,
    ListApprovals,
    ListChanges,
    Nothing,
    OfChanges,
    OfCheckpoint,
    OfDocument,
    OfProfile,
    OfTask,
    Open,
    Place,
    Replay,
    Respond,
    Resume,
    Send,
    SetMode,
    SetProfile,
    Start,
)
from roo_lsp.tasks.refusals import Invalid, Refused
from roo_lsp.tasks.review import Settled
from roo_lsp.tasks.task import Task
from roo_lsp.workspace.descriptors import real_path
from roo_lsp.workspace.journal import told
from roo_lsp.workspace.line_diff import split_lines
from roo_lsp.workspace.private import write_private
from roo_lsp.workspace.rooignore import RooIgnore
from roo_lsp.workspace.transcript import exported, listed, markdown
from roo_lsp.workspace.uris import path_of, uri_of

Handler = Callable[[Session, Any], Awaitable[Any]]


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


def _argument(model: type[Argument], main: str, arguments: Sequence[Any]) -> Argument:
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


# --- tasks ----------------------------------------------------------------------------------


async def start(session: Session, argument: Start) -> dict[str, Any]:
    session.configuration.look_again()
    settings = session.configuration.current.settings
    mode = argument.mode or settings.mode
    _check_mode(mode)
    if argument.profile:
        _check_profile(session, argument.profile)
    _require_visible(session, [*(place.uri for place in argument.context), *argument.images])
    added = await attached(argument.images, session.workspace)
    if added.images:
        _require_images(session, session.profile_of(mode, argument.profile or ""))
    prompt = argument.prompt + _context_text(session, argument.context) + added.text
    task = session.tasks.create(argument.prompt, mode, argument.profile or "")
    token = session.protocol.work_done_token or argument.work_done_token
    if token is not None:
        session.progress.use_token(task.id, token)
    task.send(prompt, added.images)
    return await _ended(task) if argument.wait else {"taskId": task.id}


async def _ended(task: Task) -> dict[str, Any]:
    stop = await task.ended()
    return {
        "taskId": task.id,
        "stopReason": stop,
        "result": task.result,
        "usage": task.usage | {"cost": task.cost},
    }


async def send(session: Session, argument: Send) -> dict[str, Any]:
    task = _task(session, argument.task_id)
    _require_visible(session, argument.images)
    added = await attached(argument.images, session.workspace)
    if added.images:
        _require_images(session, session.profile_for(task))
    _require_visible(session, [place.uri for place in argument.context])
    text = argument.text + _context_text(session, argument.context)
    if (question := session.approvals.question_of(task.id)) is not None:
        session.approvals.answer(question.request_id, text)
        if added.images:  # an answer is a tool's result and has none: they follow it
            task.send(added.text.strip(), added.images)
        return {"taskId": task.id, "queued": False}
    return {"taskId": task.id, "queued": task.send(text + added.text, added.images)}


async def send_document(session: Session, argument: OfDocument) -> dict[str, Any]:
    return await session.send_document(argument.uri)


async def cancel(session: Session, argument: OfTask) -> dict[str, Any]:
    task = _task(session, argument.task_id)
    return {"taskId": task.id, "cancelled": await task.cancel()}


async def resume(session: Session, argument: Resume) -> dict[str, Any]:
    task = _task(session, argument.task_id)
    if task.running:
        if argument.text:
            task.send(argument.text)
        return {"taskId": task.id}
    task.send(argument.text or "Go on with the task from where it stopped.")
    return {"taskId": task.id}


async def list_tasks(session: Session, argument: List) -> list[dict[str, Any]]:
    found = session.tasks.listed(argument.limit, everywhere=argument.all)
    return [listed(each) for each in found]


async def replay(session: Session, argument: Replay) -> dict[str, Any]:
    task = _task(session, argument.task_id)
    events, next_seq = session.store.events(task.id, argument.since_seq, argument.limit)
    return {"events": events, "nextSeq": next_seq}


async def open_task(session: Session, argument: Open) -> dict[str, Any]:
    if argument.context:
        return await _open_draft(session, argument.context)
    task = _task(session, argument.task_id)
    if not argument.transcript and (shown_in := session.shown_in(task.id)) is not None:
        shown = await session.surfaces.open_document(shown_in)
        return {"taskId": task.id, "shown": shown, "path": str(shown_in)}
    file, shown = await session.transcripts.open(task)
    return {"taskId": task.id, "shown": shown, "path": str(file)}


async def _open_draft(session: Session, places: Sequence[Place]) -> dict[str, Any]:
    """A task document that points at places, for the user to go on in."""
    _require_visible(session, [place.uri for place in places])
    mentions = " ".join(_mention(session, place) for place in places)
    with told(folder := session.state_dir / "drafts"):
        file, end = write_draft(folder, mentions)
    shown = await session.surfaces.open_document(file, at=end, otherwise=OTHERWISE)
    return {"shown": shown, "path": str(file)}


def _mention(session: Session, place: Place) -> str:
    """`@src/app.py:3-5`, as task documents have it."""
    path = path_of(place.uri)
    name = session.workspace.show(path) if path is not None else place.uri
    first, last = _lines_of(place) or (-1, -1)
    lines = "" if first < 0 else f":{first + 1}" if first == last else f":{first + 1}-{last + 1}"
    return f'@"{name}"{lines}' if NEEDS_QUOTES.search(name) else f"@{name}{lines}"


NEEDS_QUOTES = re.compile(r"[\s\"'`,;:()<>\[\]{}@]|[.!?]$")
"""What ends the name of a file in a mention."""


async def delete(session: Session, argument: OfTask) -> dict[str, Any]:
    if argument.task_id is None:
        raise Invalid("taskId: say which task to delete")
    task = _task(session, argument.task_id)
    await task.cancel()
    session.tasks.delete(task.id)
    session.checkpoints.forget(task.id)
    session.review.forget(task.id)
    return {"taskId": task.id, "deleted": True}


async def export(session: Session, argument: Export) -> dict[str, Any]:
    task = _task(session, argument.task_id)
    summary, entries = task.summary(), session.store.messages(task.id)
    if argument.format == "md":
        return {"taskId": task.id, "format": "md", "text": markdown(summary, entries)}
    events, _ = session.store.events(task.id, 0, sys.maxsize)
    text = json.dumps(exported(summary, entries, events), ensure_ascii=False, indent=1)
    return {"taskId": task.id, "format": "json", "text": text}


# --- approvals and questions ----------------------------------------------------------------


async def list_approvals(session: Session, argument: ListApprovals) -> list[dict[str, Any]]:
    wanted = argument.request_id
    found = [each for each in session.approvals.pending if wanted in {None, each.request_id}]
    if wanted is not None and not found:
        raise NotPending(f"{wanted} is not pending any more.")
    if argument.show:
        for entry in found:
            await session.surfaces.open_details(entry)
    return [entry.json() for entry in found]


async def respond(session: Session, argument: Respond) -> dict[str, Any]:
    try:
        entry = session.approvals.settle(
            argument.request_id, argument.decision, "roo.approval.respond", argument.feedback
        )
    except ValueError:
        raise Invalid(
            f"decision: {argument.decision} is not among the options of this request"
        ) from None
    return {"requestId": entry.request_id, "taskId": entry.task_id, "outcome": argument.decision}


async def answer(session: Session, argument: AnswerQuestion) -> dict[str, Any]:
    entry = session.approvals.answer(argument.request_id, argument.answer)
    return {"requestId": entry.request_id, "taskId": entry.task_id}


# --- review ---------------------------------------------------------------------------------


async def list_changes(session: Session, argument: ListChanges) -> list[dict[str, Any]]:
    task = _task(session, argument.task_id)
    changed = await session.review.task(task.id).changed()
    if argument.show:
        file = session.store.changes_dir(task.id) / "all.diff"
        with told(file.parent):
            write_private(file, diff_document(changed, session.workspace.show))
        await session.surfaces.open_document(file)
    return session.review.json(task.id, changed)


async def keep_changes(session: Session, argument: OfChanges) -> dict[str, Any]:
    task = _task(session, argument.task_id)
    with task.held():
        kept = await session.review.task(task.id).keep(_changed_path(argument), argument.hunk)
        _tell_changes(task, kept, "kept")
    return {"taskId": task.id, "kept": [each.json() for each in kept]}


async def revert_changes(session: Session, argument: OfChanges) -> dict[str, Any]:
    task = _task(session, argument.task_id)
    with task.held():
        done, refused = await session.review.task(task.id).revert(
            _changed_path(argument), argument.hunk
        )
        _tell_changes(task, done, "reverted")
        if done:
            places = "; ".join(
                f"{session.workspace.show(each.path)}, {where(each.hunks)}" for each in done
            )
            task.note(
                f"(I took back what you changed in {places}. Read it before you edit it again.)"
            )
    if refused and not done:
        places = " ".join(
            f"{session.workspace.show(each.path)}, {where([each.hunk])}: {each.why}."
            for each in refused
        )
        raise Refused(f"Nothing was reverted. {places}", refused[0].reason)
    return {
        "taskId": task.id,
        "reverted": [each.json() for each in done],
        "refused": [each.json() for each in refused],
    }


def _tell_changes(
    task: Task, settled: Sequence[Settled], state: Literal["kept", "reverted"]
) -> None:
    for each in settled:
        added, removed = each.added, each.removed
        if state == "reverted":
            added, removed = removed, added
        task.emit(FileChanged(uri_of(each.path), added, removed, state))


def _changed_path(argument: OfChanges) -> Path | None:
    if argument.uri is None:
        return None
    if (path := path_of(argument.uri)) is None:
        raise Invalid("uri: not the address of a file")
    return path


# --- checkpoints ----------------------------------------------------------------------------


async def list_checkpoints(session: Session, argument: OfTask) -> list[dict[str, Any]]:
    return session.checkpoints.task(_task(session, argument.task_id).id).listed()


async def diff_checkpoint(session: Session, argument: OfCheckpoint) -> dict[str, Any]:
    task = _task(session, argument.task_id)
    found = await session.checkpoints.task(task.id).difference(argument.checkpoint_id)
    shown = await session.surfaces.open_document(found.file)
    return {
        "taskId": task.id,
        "checkpointId": found.checkpoint_id,
        "diff": found.text,
        "truncated": found.truncated,
        "shown": shown,
        "path": str(found.file),
    }


async def restore_checkpoint(session: Session, argument: GoBack) -> dict[str, Any]:
    task = _task(session, argument.task_id)
    if busy := [each for each in session.tasks if each.running]:
        which = "This task" if task in busy else f"The task “{busy[0].title}”"
        raise Refused(f"{which} is running. Cancel it, or wait until its turn is over.", "running")
    checkpoints = session.checkpoints.task(task.id)
    with task.held():
        return await checkpoints.go_back(argument.checkpoint_id, conversation=argument.conversation)


# --- modes, profiles, the endpoint ----------------------------------------------------------


async def set_mode(session: Session, argument: SetMode) -> dict[str, Any]:
    _check_mode(argument.mode)
    task = _task(session, argument.task_id)
    task.set_mode(argument.mode)
    return {"taskId": task.id, "mode": argument.mode}


async def list_modes(session: Session, argument: Nothing) -> dict[str, Any]:
    del argument
    return {
        "modes": [
            {"slug": mode.slug, "name": mode.name, "groups": sorted(mode.groups)}
            for mode in MODES.values()
        ],
        "mode": session.configuration.current.settings.mode,
    }


async def set_profile(session: Session, argument: SetProfile) -> dict[str, Any]:
    if argument.profile:  # an empty one leaves the choice to the settings again
        _check_profile(session, argument.profile)
    task = _task(session, argument.task_id)
    task.profile = argument.profile
    return {"taskId": task.id, "profile": argument.profile}


async def list_profiles(session: Session, argument: Nothing) -> dict[str, Any]:
    del argument
    settings = session.configuration.current.settings
    return {
        "profiles": sorted(settings.profiles),
        "profile": settings.profile,
        "modeProfiles": settings.mode_profiles,
    }


async def test_provider(session: Session, argument: OfProfile) -> dict[str, Any]:
    if argument.profile:
        _check_profile(session, argument.profile)
    if argument.wait:
        return (await _examine(session, argument.profile)).json()
    session.start(_examine_and_tell(session, argument.profile))
    return {"started": True}


async def _examine(session: Session, profile: str | None) -> Report:
    """The endpoint test of interface section 9, each finding a line of progress."""
    report = Report([])

    def found(check: Check) -> None:
        report.checks.append(check)
        session.progress.line(_TEST, f"{check.name}: {check.status}. {check.sentence}")

    session.progress.begin(_TEST, "Testing the endpoint")
    try:
        endpoint = await _endpoint(session, profile)
        report.endpoint, report.model = Target(endpoint.base_url).shown, endpoint.model
        report.note = endpoint.note
        _, report.learnt = await session.connection.examine(endpoint, found)
    except RooError as error:
        for check in without_endpoint(error):
            found(check)
    finally:
        session.progress.end(_TEST, "A task can run" if report.ok else "A task cannot run yet")
    return report


async def _examine_and_tell(session: Session, profile: str | None) -> None:
    report = await _examine(session, profile)
    lines = [
        f"{check.name}: {check.sentence} {check.hint}".strip()
        for check in report.checks
        if check.status == "failed" or check.hint
    ]
    lines += [report.note] if report.note else []
    lines += [f"Learnt about this endpoint: {each}." for each in report.learnt]
    where = f"{report.model or 'the model'} at {report.endpoint or 'no endpoint'}"
    verdict = "a task can run" if report.ok else "a task cannot run yet"
    session.surfaces.message("\n".join([f"Roo tested {where}: {verdict}.", *lines]))


_TEST = "provider-test"
"""Stands for a task in the progress of the endpoint test."""


async def list_provider_models(session: Session, argument: OfProfile) -> dict[str, Any]:
    if argument.profile:
        _check_profile(session, argument.profile)
    return {"models": await list_models(await _endpoint(session, argument.profile))}


async def _endpoint(session: Session, profile: str | None) -> Endpoint:
    current = session.configuration.current
    return await session.connection.endpoint(
        current, profile or current.settings.profile, partial(session.ask_for_key, None)
    )


async def status(session: Session, argument: Nothing) -> dict[str, Any]:
    del argument
    current = session.configuration.current
    settings = current.for_profile(current.settings.profile)
    base_url = configured_url(settings)
    return {
        "version": session.version,
        "client": session.client,
        "workspace": [str(folder) for folder in session.folders],
        "provider": {
            "baseUrl": base_url,
            "learnt": session.connection.learnt(base_url) if base_url else [],
        },
        "model": settings.provider.model_id,
        "mode": settings.mode,
        "profile": current.settings.profile,
        "tasks": [
            {"taskId": task.id, "title": task.title, "state": task.state} for task in session.tasks
        ],
        "pending": [entry.json() for entry in session.approvals.pending],
        "settingsProblems": [
            *({"path": p.path, "problem": p.text} for p in current.problems),
            *(
                {"path": h.path, "problem": "would widen what Roo may do: waits for your trust"}
                for h in session.configuration.held
            ),
            *(
                {"path": f"roo.{key}", "problem": "accepted, but not yet effective"}
                for key in current.not_yet_effective
            ),
        ],
    }


# --- helpers --------------------------------------------------------------------------------


def _task(session: Session, task_id: str | None) -> Task:
    task = session.tasks.get(task_id)
    if task is None:
        if task_id is None:
            raise Refused("There is no task yet.", "no_task")
        raise Invalid(f"taskId: there is no task {task_id}")
    return task


def _require_images(session: Session, profile: str) -> None:
    require_support(session.configuration.current.for_profile(profile), profile)


def _require_visible(session: Session, uris: Sequence[str]) -> None:
    """Refuse what the workspace's `.rooignore` keeps from the agent, open in the editor or not."""
    ignore = RooIgnore(session.folders)
    for uri in uris:
        path = path_of(uri)
        if path is not None and ignore.keeps(path, real_path(path)):
            raise Refused(
                f"{session.workspace.show(path)} was not sent: .rooignore keeps it from the agent. "
                "Take it out of .rooignore, or leave it out of the message.",
                "ignored",
            )


def _check_mode(mode: str) -> None:
    if mode not in MODES:
        raise Invalid(f"mode: no mode {mode!r}; known: {', '.join(MODES)}")


def _check_profile(session: Session, profile: str) -> None:
    settings = session.configuration.current.settings
    if profile not in settings.profiles:
        raise Invalid(f"profile: {no_profile(profile, settings)}")


def _context_text(session: Session, places: Sequence[Place]) -> str:
    """What the user pointed at: the name of each file, and the text of each range that is open."""
    parts: list[str] = []
    for place in places:
        path = path_of(place.uri)
        name = session.workspace.show(path) if path is not None else place.uri
        document = session.documents.by_uri(place.uri)
        if (lines := _lines_of(place)) is None:
            parts.append(f"File: {name}")
            continue
        first, last = lines
        parts.append(f"File: {name}, lines {first + 1} to {last + 1}")
        if document is not None:
            parts.append("".join(split_lines(document.text)[first : last + 1]))
    return "\n\nThe user points at:\n" + "\n".join(parts) if parts else ""


def _lines_of(place: Place) -> tuple[int, int] | None:
    """The first and the last line of a place, from 0; None where it is a whole file."""
    if place.range is None:
        return None
    try:
        first, last = (int(place.range[end]["line"]) for end in ("start", "end"))
        if last > first and place.range["end"].get("character") == 0:
            last -= 1  # whole lines were selected: the end stands before the next one
    except (KeyError, TypeError, ValueError, AttributeError):
        raise Invalid("context.range: not an LSP range") from None
    return first, last


COMMANDS: dict[str, tuple[Handler, type[Argument], str]] = {
    "roo.task.start": (start, Start, "prompt"),
    "roo.task.send": (send, Send, "text"),
    "roo.task.cancel": (cancel, OfTask, "taskId"),
    "roo.task.resume": (resume, Resume, "taskId"),
    "roo.task.list": (list_tasks, List, ""),
    "roo.task.replay": (replay, Replay, "taskId"),
    "roo.task.open": (open_task, Open, "taskId"),
    "roo.task.delete": (delete, OfTask, "taskId"),
    "roo.task.export": (export, Export, "taskId"),
    "roo.approval.list": (list_approvals, ListApprovals, ""),
    "roo.approval.respond": (respond, Respond, "decision"),
    "roo.question.answer": (answer, AnswerQuestion, "answer"),
    "roo.changes.list": (list_changes, ListChanges, "taskId"),
    "roo.changes.keep": (keep_changes, OfChanges, "taskId"),
    "roo.changes.revert": (revert_changes, OfChanges, "taskId"),
    "roo.checkpoint.list": (list_checkpoints, OfTask, "taskId"),
    "roo.checkpoint.diff": (diff_checkpoint, OfCheckpoint, "checkpointId"),
    "roo.checkpoint.restore": (restore_checkpoint, GoBack, "checkpointId"),
    "roo.mode.set": (set_mode, SetMode, "mode"),
    "roo.mode.list": (list_modes, Nothing, ""),
    "roo.profile.set": (set_profile, SetProfile, "profile"),
    "roo.profile.list": (list_profiles, Nothing, ""),
    "roo.provider.test": (test_provider, OfProfile, "profile"),
    "roo.provider.models": (list_provider_models, OfProfile, "profile"),
    "roo.status": (status, Nothing, ""),
    "roo.document.send": (send_document, OfDocument, "uri"),
}
"""Name to handler, argument and main field; what is listed to the client but not here is refused."""
