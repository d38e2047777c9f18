"""What tasks are asked for, whoever asks: the verbs of interface section 4, as functions of a `Service`."""

import json
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

from roo_lsp.agent.columns import one_line
from roo_lsp.agent.errors import ToolError
from roo_lsp.agent.events import FileChanged
from roo_lsp.agent.modes import names_of
from roo_lsp.agent.tool import Workspace
from roo_lsp.endpoints import Connection, configured_url, list_models
from roo_lsp.mcp.servers import McpServers
from roo_lsp.providers.endpoint import Endpoint
from roo_lsp.providers.report import Report
from roo_lsp.settings_sources import no_profile
from roo_lsp.tasks import endpoint_test
from roo_lsp.tasks.approvals import Approvals, NotPending
from roo_lsp.tasks.attachments import attached, require_support
from roo_lsp.tasks.auto_approval import AutoApproval, switches_json
from roo_lsp.tasks.background import Background
from roo_lsp.tasks.checkpoints import Checkpoints
from roo_lsp.tasks.confinement import Confinement
from roo_lsp.tasks.effective_settings import EffectiveSettings
from roo_lsp.tasks.git_beside import GitBeside
from roo_lsp.tasks.hunks import diff_document, where
from roo_lsp.tasks.inputs import (
    AnswerQuestion,
    Cancel,
    DocumentRange,
    EditQueued,
    Enhance,
    Export,
    GoBack,
    List,
    ListApprovals,
    ListChanges,
    ListMentions,
    ListPrompts,
    Nothing,
    OfChanges,
    OfCheckpoint,
    OfProfile,
    OfQueued,
    OfTask,
    Open,
    Replay,
    Respond,
    Resume,
    Send,
    SetMode,
    SetProfile,
    Start,
    Status,
    SwitchAuto,
)
from roo_lsp.tasks.left import Left
from roo_lsp.tasks.mention_offers import MentionOffers
from roo_lsp.tasks.mentioned_text import MOST_OF_NEW, POINTED, new_document
from roo_lsp.tasks.prompt_commands import Expansion, PromptCommands, expanded
from roo_lsp.tasks.prompts import PromptHistory, enhanced
from roo_lsp.tasks.refusals import Invalid, Refused
from roo_lsp.tasks.review import Reviews, Settled
from roo_lsp.tasks.screen import Screen
from roo_lsp.tasks.stream import Audience
from roo_lsp.tasks.task import Task, Tasks
from roo_lsp.tasks.transcripts import Transcripts
from roo_lsp.tasks.view import Focus
from roo_lsp.workspace.descriptors import real_path
from roo_lsp.workspace.folders import Folders
from roo_lsp.workspace.journal import store_errors
from roo_lsp.workspace.lines import split_lines
from roo_lsp.workspace.private import write_private
from roo_lsp.workspace.rooignore import RooIgnore
from roo_lsp.workspace.store import TaskStore
from roo_lsp.workspace.transcript import exported, listed, markdown
from roo_lsp.workspace.uris import is_new, path_of, uri_of


@dataclass(frozen=True, slots=True)
class Service:
    """What runs the tasks of one front end; `opening.open_service` makes it."""

    version: str
    client: str
    """The front end's name, and its version."""
    workspace: Workspace
    folders: Folders
    """Those of the workspace."""
    state_dir: Path
    ignore: RooIgnore
    """What the user keeps from the agent."""
    store: TaskStore
    connection: Connection
    configuration: EffectiveSettings
    confinement: Confinement
    approvals: Approvals
    reviews: Reviews
    checkpoints: Checkpoints
    transcripts: Transcripts
    auto_approval: AutoApproval
    prompts: PromptHistory
    mentions: MentionOffers
    tasks: Tasks
    left: Left
    """What waits in tasks whose server ended."""
    background: Background
    git: GitBeside
    offered: PromptCommands
    """The slash commands that are for the model."""
    servers: McpServers
    """Those of MCP."""
    audience: Audience
    screen: Screen
    open_text: Callable[[str], str | None]
    """The text of a document that is open, by its URI; None for every other."""
    shown_in: Callable[[str], Path | None]
    """The open document that shows a task."""

    async def configure(self) -> None:
        """The settings of the channel have come, or changed; no task may run before the first time."""
        await self.configuration.discover()
        self.configuration.refresh()
        await self.confinement.look()
        self.git.look()

    async def change_folders(self, added: Sequence[Path], removed: Sequence[Path]) -> None:
        """Folders come and go: they count from the next call on, for tasks that run as well."""
        if self.folders.change(added, removed):
            self.checkpoints.folders_changed()
            await self.configure()
            self.servers.roots_changed()

    async def close(self) -> None:
        """Stop everything; nothing of ours runs afterwards."""
        await self.tasks.close()
        await self.servers.close()
        await self.checkpoints.close()
        await self.background.close()
        await self.connection.close()
        self.store.close()


# --- tasks ----------------------------------------------------------------------------------


async def start(service: Service, argument: Start, task_id: str = "") -> dict[str, Any]:
    """`task_id` is the name of the new task, where it was told before."""
    service.configuration.look_again()
    settings = service.configuration.current.settings
    mode = argument.mode or settings.mode
    check_mode(service, mode)
    said = await _expanded(service, argument.prompt, mode)
    mode = said.mode or mode
    if argument.profile:
        _check_profile(service, argument.profile)
    pointed, focus = _places(argument.context)
    require_visible(service, [*(place.uri for place in pointed), *argument.images])
    added = await attached(argument.images, service.workspace)
    if added.images:
        _require_images(service, service.configuration.profile_of(mode, argument.profile or ""))
    prompt = argument.prompt + _context_text(service, pointed) + added.text
    task = service.tasks.create(argument.prompt, mode, argument.profile or "", task_id)
    if argument.work_done_token is not None:
        task.token = argument.work_done_token
        service.audience.use_token(task.id, argument.work_done_token)
    task.focus(focus)
    task.send(prompt, added.images, words=argument.prompt)
    _keep_prompt(service, task, argument.prompt)
    return await _ended(task) if argument.wait else {"taskId": task.id}


async def _expanded(service: Service, text: str, mode: str) -> Expansion:
    """What the commands in a message say to the model; the mode of it is one that there is."""
    said = await expanded(text, lambda: service.offered.commands(mode))
    for each in said.used:
        if each.note:
            service.configuration.tell_once(each.note)
        if each.mode and each.mode not in service.configuration.modes:
            service.screen.warning(
                f"/{each.name} is for the mode {each.mode!r}, which there is not: the mode stays {mode}."
            )
            said = replace(said, mode="")
    return said


def _keep_prompt(service: Service, task: Task, text: str) -> None:
    service.prompts.add(str(task.workspace), task.id, text)


async def _ended(task: Task) -> dict[str, Any]:
    stop = await task.ended()
    return {
        "taskId": task.id,
        "stopReason": stop,
        "result": task.result,
        "usage": task.usage | {"cost": task.cost},
    }


async def send(service: Service, argument: Send) -> dict[str, Any]:
    task = _task(service, argument.task_id)
    if argument.instead is not None:
        require_idle(service, task)
    require_visible(service, argument.images)
    added = await attached(argument.images, service.workspace)
    if added.images:
        _require_images(service, service.configuration.profile_of(task.mode, task.profile))
    pointed, focus = _places(argument.context)
    require_visible(service, [place.uri for place in pointed])
    task.focus(focus)
    said = await _expanded(service, argument.text, task.mode)
    text = argument.text + _context_text(service, pointed)
    service.left.look()
    question = service.approvals.question_of(task.id)
    if question is not None and argument.instead is None:
        answered = "\n\n".join(filter(None, (text, said.told)))
        service.approvals.answer(question.request_id, answered)
        if added.images:  # an answer is a tool's result and has none: they follow it
            task.send(added.text.strip(), added.images)
        return {"taskId": task.id, "queued": False}
    back: dict[str, Any] = {}
    if argument.instead is not None:
        with task.held():
            back = await service.checkpoints.task(task.id).take_back(argument.instead)
    if said.mode:
        task.set_mode(said.mode)
    queued = task.send(text + added.text, added.images, words=argument.text)
    _keep_prompt(service, task, argument.text)
    return {"taskId": task.id, "queued": queued, **back}


async def condense(service: Service, argument: OfTask) -> dict[str, int]:
    before, after = await _task(service, argument.task_id).condense()
    return {"before": before, "after": after}


async def switch_auto(service: Service, argument: SwitchAuto) -> dict[str, Any]:
    task_id = _task(service, argument.task_id).id if argument.task_id else None
    if argument.on and argument.kind != "read" and (why := service.configuration.narrowed):
        raise Refused(f"Nothing but reads is approved by itself here. {why}", "not_trusted")
    service.auto_approval.switch(argument.kind, task_id, on=argument.on)
    return {"autoApprove": _auto_approve(service, task_id)}


def _auto_approve(service: Service, task_id: str | None) -> dict[str, bool]:
    """What holds in a task, or in the next one."""
    current = service.configuration.current
    if not service.configuration.narrowed:
        current = service.auto_approval.laid_over(task_id or "", current)
    return switches_json(current)


async def list_mentions(service: Service, argument: ListMentions) -> list[dict[str, str]]:
    found = await service.mentions.matching(argument.text, argument.limit)
    return [each.json() for each in found]


async def list_prompts(service: Service, argument: ListPrompts) -> list[str]:
    return service.prompts.newest(str(service.workspace.folders[0]), argument.limit)


async def enhance(service: Service, argument: Enhance) -> dict[str, str]:
    task = _task(service, argument.task_id) if argument.task_id else None
    current = service.configuration.current
    mode = task.mode if task else current.settings.mode
    if argument.profile:
        _check_profile(service, argument.profile)
    own = argument.profile or (task.profile if task else "")
    await service.configuration.settled()
    model = await service.connection.model(
        service.configuration.current,
        service.configuration.profile_of(mode, own),
        lambda event: None,  # noqa: ARG005 -- a retry is no event of a task here
        partial(service.approvals.ask_for_passage, task.id if task else None),
    )
    return {"text": await enhanced(model, argument.text)}


async def list_queue(service: Service, argument: OfTask) -> list[dict[str, str]]:
    queue = _task(service, argument.task_id).queue
    return [{"messageId": message_id, "text": words} for message_id, words in queue.items()]


async def remove_queued(service: Service, argument: OfQueued) -> dict[str, Any]:
    task = _task(service, argument.task_id)
    if not task.unqueue(argument.message_id):
        raise _too_late(argument.message_id)
    return {"messageId": argument.message_id, "removed": True}


async def edit_queued(service: Service, argument: EditQueued) -> dict[str, Any]:
    task = _task(service, argument.task_id)
    if not task.edit_queued(argument.message_id, argument.text):
        raise _too_late(argument.message_id)
    return {"messageId": argument.message_id, "text": argument.text}


def _too_late(message_id: str) -> Refused:
    return Refused(
        f"{message_id} is not queued: the model has been told, or it was taken back.", "not_queued"
    )


async def cancel(service: Service, argument: Cancel) -> dict[str, Any]:
    task = _task(service, argument.task_id)
    cancelled = await task.cancel(argument.why)
    for each in service.tasks.below(task.id):
        # Those of a server that ended: what runs here was stopped by the task itself.
        if each.state in {"running", "waiting"} and (part := service.tasks.find(each.task_id)):
            cancelled |= await part.cancel(argument.why)
    service.left.look()
    return {"taskId": task.id, "cancelled": cancelled}


async def resume(service: Service, argument: Resume) -> dict[str, Any]:
    task = _task(service, argument.task_id)
    said = await _expanded(service, argument.text, task.mode)
    if said.mode:
        task.set_mode(said.mode)
    if task.running:
        if argument.text:
            task.send(argument.text)
        return {"taskId": task.id}
    service.left.look()
    if not task.take_up() or argument.text:
        task.send(argument.text or "Go on with the task from where it stopped.")
    return {"taskId": task.id}


async def list_tasks(service: Service, argument: List) -> list[dict[str, Any]]:
    service.left.look()
    found = service.tasks.listed(argument.limit, everywhere=argument.all)
    return [listed(each) for each in found]


async def replay(service: Service, argument: Replay) -> dict[str, Any]:
    task = _task(service, argument.task_id)
    events, next_seq = service.store.events(task.id, argument.since_seq, argument.limit)
    return {"events": events, "nextSeq": next_seq}


async def open_task(service: Service, argument: Open) -> dict[str, Any]:
    task = _task(service, argument.task_id)
    if not argument.transcript and (shown_in := service.shown_in(task.id)) is not None:
        shown = await service.screen.open_document(shown_in)
        return {"taskId": task.id, "shown": shown, "path": str(shown_in)}
    file, shown = await service.transcripts.open(task)
    return {"taskId": task.id, "shown": shown, "path": str(file)}


async def delete(service: Service, argument: OfTask) -> dict[str, Any]:
    if argument.task_id is None:
        raise Invalid("taskId: say which task to delete")
    task = _task(service, argument.task_id)
    await task.cancel()
    service.tasks.delete(task.id)
    service.checkpoints.forget(task.id)
    service.reviews.forget(task.id)
    service.prompts.forget(task.id)
    service.left.look()
    return {"taskId": task.id, "deleted": True}


async def export(service: Service, argument: Export) -> dict[str, Any]:
    task = _task(service, argument.task_id)
    summary, entries = task.summary(), service.store.messages(task.id)
    if argument.format == "md":
        return {"taskId": task.id, "format": "md", "text": markdown(summary, entries)}
    events, _ = service.store.events(task.id, 0, sys.maxsize)
    text = json.dumps(exported(summary, entries, events), ensure_ascii=False, indent=1)
    return {"taskId": task.id, "format": "json", "text": text}


# --- approvals and questions ----------------------------------------------------------------


async def list_approvals(service: Service, argument: ListApprovals) -> list[dict[str, Any]]:
    service.left.look()
    wanted = argument.request_id
    found = [each for each in service.approvals.pending if wanted in {None, each.request_id}]
    if wanted is not None and not found:
        raise NotPending(f"{wanted} is not pending any more.")
    if argument.show:
        for entry in found:
            await service.screen.open_details(entry)
    return [entry.json() for entry in found]


async def respond(service: Service, argument: Respond) -> dict[str, Any]:
    service.left.look()
    try:
        entry = service.approvals.settle(
            argument.request_id, argument.decision, "roo.approval.respond", argument.feedback
        )
    except ValueError:
        raise Invalid(
            f"decision: {argument.decision} is not among the options of this request"
        ) from None
    return {"requestId": entry.request_id, "taskId": entry.task_id, "outcome": argument.decision}


async def answer(service: Service, argument: AnswerQuestion) -> dict[str, Any]:
    service.left.look()
    entry = service.approvals.answer(argument.request_id, argument.answer)
    return {"requestId": entry.request_id, "taskId": entry.task_id}


# --- review ---------------------------------------------------------------------------------


async def list_changes(service: Service, argument: ListChanges) -> list[dict[str, Any]]:
    task = _task(service, argument.task_id)
    changed = await service.reviews.task(task.id).changed()
    if argument.show:
        file = service.store.changes_dir(task.id) / "all.diff"
        with store_errors(file.parent):
            text = diff_document(changed, service.workspace.show)
            write_private(file, service.connection.keys.hidden(text))
        await service.screen.open_document(file)
    return service.reviews.json(task.id, changed)


async def keep_changes(service: Service, argument: OfChanges) -> dict[str, Any]:
    task = _task(service, argument.task_id)
    with task.held():
        kept = await service.reviews.task(task.id).keep(_changed_path(argument), argument.hunk)
        _tell_changes(task, kept, "kept")
    return {"taskId": task.id, "kept": [each.json() for each in kept]}


async def revert_changes(service: Service, argument: OfChanges) -> dict[str, Any]:
    task = _task(service, argument.task_id)
    with task.held():
        done, refused = await service.reviews.task(task.id).revert(
            _changed_path(argument), argument.hunk
        )
        _tell_changes(task, done, "reverted")
        if done:
            places = "; ".join(
                f"{service.workspace.show(each.path)}, {where(each.hunks)}" for each in done
            )
            task.note(
                f"(I took back what you changed in {places}. Read it before you edit it again.)"
            )
    if refused and not done:
        places = " ".join(
            f"{service.workspace.show(each.path)}, {where([each.hunk])}: {each.why}."
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


async def list_checkpoints(service: Service, argument: OfTask) -> list[dict[str, Any]]:
    return service.checkpoints.task(_task(service, argument.task_id).id).listed()


async def diff_checkpoint(service: Service, argument: OfCheckpoint) -> dict[str, Any]:
    task = _task(service, argument.task_id)
    found = await service.checkpoints.task(task.id).difference(argument.checkpoint_id)
    shown = await service.screen.open_document(found.file)
    return {
        "taskId": task.id,
        "checkpointId": found.checkpoint_id,
        "diff": found.text,
        "truncated": found.truncated,
        "shown": shown,
        "path": str(found.file),
    }


async def restore_checkpoint(service: Service, argument: GoBack) -> dict[str, Any]:
    task = _task(service, argument.task_id)
    require_idle(service, task)
    checkpoints = service.checkpoints.task(task.id)
    with task.held():
        return await checkpoints.go_back(argument.checkpoint_id, conversation=argument.conversation)


# --- modes, profiles, the endpoint ----------------------------------------------------------


async def set_mode(service: Service, argument: SetMode) -> dict[str, Any]:
    check_mode(service, argument.mode)
    task = _task(service, argument.task_id)
    task.set_mode(argument.mode)
    return {"taskId": task.id, "mode": argument.mode}


async def list_modes(service: Service, argument: Nothing) -> dict[str, Any]:
    del argument
    service.configuration.look()
    return {
        "modes": [
            {
                "slug": mode.slug,
                "name": mode.name,
                "groups": sorted(mode.groups),
                "description": mode.description or one_line(mode.purpose)[:MODE_COLUMNS],
                "source": mode.source,
                **({"fileRegex": pattern} if (pattern := mode.groups.get("edit")) else {}),
            }
            for mode in service.configuration.modes.values()
        ],
        "mode": service.configuration.current.settings.mode,
    }


MODE_COLUMNS = 120
"""Of what a mode is for, where it has no description for people."""


async def set_profile(service: Service, argument: SetProfile) -> dict[str, Any]:
    if argument.profile:  # an empty one leaves the choice to the settings again
        _check_profile(service, argument.profile)
    task = _task(service, argument.task_id)
    task.profile = argument.profile
    return {"taskId": task.id, "profile": argument.profile}


async def list_profiles(service: Service, argument: Nothing) -> dict[str, Any]:
    del argument
    settings = service.configuration.current.settings
    return {
        "profiles": sorted(settings.profiles),
        "profile": settings.profile,
        "modeProfiles": settings.mode_profiles,
    }


async def test_provider(service: Service, argument: OfProfile) -> dict[str, Any]:
    if argument.profile:
        _check_profile(service, argument.profile)
    find = partial(_endpoint, service, argument.profile)
    testing = endpoint_test.examine(service.connection, find, service.audience)
    if argument.wait:
        return (await testing).json()
    service.background.start(_tell_test(service, testing))
    return {"started": True}


async def _tell_test(service: Service, testing: Awaitable[Report]) -> None:
    service.screen.message(endpoint_test.report_text(await testing))


async def list_provider_models(service: Service, argument: OfProfile) -> dict[str, Any]:
    if argument.profile:
        _check_profile(service, argument.profile)
    return {"models": await list_models(await _endpoint(service, argument.profile))}


async def _endpoint(service: Service, profile: str | None) -> Endpoint:
    current = service.configuration.current
    return await service.connection.endpoint(
        current,
        profile or current.settings.profile,
        partial(service.approvals.ask_for_passage, None),
    )


async def status(service: Service, argument: Status) -> dict[str, Any]:
    service.left.look()
    current = service.configuration.current
    mode, profile = argument.mode or current.settings.mode, argument.profile or ""
    check_mode(service, mode)
    if profile:
        _check_profile(service, profile)
    settings = current.for_profile(service.configuration.profile_of(mode, profile))
    base_url = configured_url(settings) or service.connection.found
    return {
        "version": service.version,
        "client": service.client,
        "workspace": [str(folder) for folder in service.workspace.folders],
        "provider": {
            "baseUrl": base_url,
            "learnt": service.connection.learnt(base_url) if base_url else [],
        },
        "model": settings.provider.model_id,
        "mode": mode,
        "profile": service.configuration.profile_of(mode, profile),
        "tasks": _task_states(service),
        "autoApprove": _auto_approve(service, None),
        "pending": [entry.json() for entry in service.approvals.pending],
        "instructions": service.configuration.instructions.report(
            mode, trusted=service.configuration.trusted
        ),
        "settingsProblems": [
            *({"path": p.path, "problem": p.text} for p in current.problems),
            *({"path": p.place, "problem": p.text} for p in service.configuration.mode_problems),
            *(
                {"path": h.path, "problem": "would widen what Roo may do: waits for your trust"}
                for h in service.configuration.held
            ),
            *(
                {"path": f"roo.{key}", "problem": "accepted, but not yet effective"}
                for key in current.not_yet_effective
            ),
        ],
    }


def _task_states(service: Service) -> list[dict[str, str]]:
    """The tasks that are open here, and those that wait since their server ended."""
    left = service.left.waiting_tasks()
    waiting = {each.task_id for each in left}
    found = [(task.id, task.title, task.state) for task in service.tasks if task.id not in waiting]
    found += [(each.task_id, each.title, "waiting") for each in left]
    return [{"taskId": task_id, "title": title, "state": state} for task_id, title, state in found]


# --- helpers --------------------------------------------------------------------------------


def require_idle(service: Service, task: Task) -> None:
    """Refuse to go back while a turn of any task may be changing files."""
    if busy := [each for each in service.tasks if each.running]:
        which = "This task" if task in busy else f"The task “{busy[0].title}”"
        raise Refused(f"{which} is running. Cancel it, or wait until its turn is over.", "running")


def _task(service: Service, task_id: str | None) -> Task:
    task = service.tasks.get(task_id)
    if task is None:
        if task_id is None:
            raise Refused("There is no task yet.", "no_task")
        raise Invalid(f"taskId: there is no task {task_id}")
    return task


def _require_images(service: Service, profile: str) -> None:
    require_support(service.configuration.current.for_profile(profile), profile)


def require_visible(service: Service, uris: Sequence[str]) -> None:
    """Refuse what the workspace's `.rooignore` keeps from the agent, open in the editor or not."""
    for uri in uris:
        path = path_of(uri)
        if path is not None and service.ignore.keeps(path, real_path(path)):
            raise Refused(
                f"{service.workspace.show(path)} was not sent: .rooignore keeps it from the agent. "
                "Take it out of .rooignore, or leave it out of the message.",
                "ignored",
            )


def check_mode(service: Service, mode: str) -> None:
    """Refuse a mode that there is not, nor will be once the user has said what they are asked.

    Raises:
        Invalid: naming those there are.
    """
    configuration = service.configuration
    if mode not in configuration.modes and not configuration.may_come(mode):
        raise Invalid(f"mode: no mode {mode!r}; known: {names_of(configuration.modes)}")


def _check_profile(service: Service, profile: str) -> None:
    settings = service.configuration.current.settings
    if profile not in settings.profiles:
        raise Invalid(f"profile: {no_profile(profile, settings)}")


def _places(given: Sequence[DocumentRange]) -> tuple[list[DocumentRange], Focus | None]:
    """What the user points at, and where they are; no file that is none of this machine's."""
    focus = None
    for place in given:
        if place.focus and (path := path_of(place.uri)) is not None:
            first, last = place.lines or (None, None)
            focus = Focus(
                real_path(path),
                None if first is None else first + 1,
                None if last is None or place.is_cursor else last + 1,
            )
    return [place for place in given if not place.focus], focus


def _context_text(service: Service, places: Sequence[DocumentRange]) -> str:
    """What the user pointed at: the name of each file, and the text of each range that is open.

    Of a document that was never saved also the whole text: no tool can read it; and what the front end
    gives of any other, as it has it.
    """
    parts: list[str] = []
    room = MOST_OF_NEW
    for place in places:
        path = path_of(place.uri)
        name = service.workspace.show(path) if path is not None else place.uri
        if place.text is not None:
            parts += _given(place, name, place.text, room)
            room = max(0, room - len(place.text))
            continue
        text = service.open_text(place.uri)
        lines = place.lines
        if is_new(place.uri):
            try:
                parts.append(new_document(place.uri, lines and (lines[0] + 1, lines[1] + 1), text))
            except ToolError as error:
                raise Invalid(f"context: {error}") from None
            continue
        if lines is None:
            parts.append(f"File: {name}")
            continue
        first, last = lines
        parts.append(f"File: {name}, lines {first + 1} to {last + 1}")
        if text is not None:
            parts.append("".join(split_lines(text)[first : last + 1]))
    return POINTED + "\n".join(parts) if parts else ""


def _given(place: DocumentRange, name: str, text: str, room: int) -> list[str]:
    """What goes along of a text, as the front end has it."""
    first, last = place.lines or (None, None)
    where = "" if first is None or last is None else f", lines {first + 1} to {last + 1}"
    shown = text
    if len(text) > room:
        shown = _cut(text, room)
        shown += f"\n(Cut here: of {len(text)} characters these are the first {len(shown)}.)"
    return [f"File: {name}{where}. As the editor has it:", shown]


def _cut(text: str, room: int) -> str:
    """The beginning of a text: whole lines, where there is more than one."""
    return text[:room].rpartition("\n")[0] or text[:room]
