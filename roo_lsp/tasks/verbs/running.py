"""Verbs of tasks that run, or begin to: start, send, cancel, the queue, and the prompt before it is sent."""

from dataclasses import replace
from functools import partial
from typing import Any

from roo_lsp.tasks.attachments import attached
from roo_lsp.tasks.inputs import (
    Cancel,
    EditQueued,
    Enhance,
    ListMentions,
    ListPrompts,
    OfQueued,
    OfTask,
    Resume,
    Send,
    Start,
)
from roo_lsp.tasks.pointed import context_text, places_of
from roo_lsp.tasks.prompt_commands import Expansion, expanded
from roo_lsp.tasks.prompts import enhanced
from roo_lsp.tasks.refusals import Refused
from roo_lsp.tasks.service import (
    Service,
    check_mode,
    check_profile,
    require_idle,
    require_images,
    require_visible,
    task_of,
)
from roo_lsp.tasks.task import Task


async def start(service: Service, argument: Start, task_id: str = "") -> dict[str, Any]:
    """`task_id` is the name of the new task, where it was told before."""
    service.configuration.look_again()
    settings = service.configuration.current.settings
    mode = argument.mode or settings.mode
    check_mode(service, mode)
    said = await _expanded(service, argument.prompt, mode)
    mode = said.mode or mode
    if argument.profile:
        check_profile(service, argument.profile)
    pointed, focus = places_of(argument.context)
    require_visible(service, [*(place.uri for place in pointed), *argument.images])
    added = await attached(argument.images, service.workspace)
    if added.images:
        require_images(service, service.configuration.profile_of(mode, argument.profile or ""))
    prompt = argument.prompt + context_text(service, pointed) + added.text
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
    task = task_of(service, argument.task_id)
    if argument.instead is not None:
        require_idle(service, task)
    require_visible(service, argument.images)
    added = await attached(argument.images, service.workspace)
    if added.images:
        require_images(service, service.configuration.profile_of(task.mode, task.profile))
    pointed, focus = places_of(argument.context)
    require_visible(service, [place.uri for place in pointed])
    task.focus(focus)
    said = await _expanded(service, argument.text, task.mode)
    text = argument.text + context_text(service, pointed)
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
    before, after = await task_of(service, argument.task_id).condense()
    return {"before": before, "after": after}


async def list_mentions(service: Service, argument: ListMentions) -> list[dict[str, str]]:
    found = await service.mentions.matching(argument.text, argument.limit)
    return [each.json() for each in found]


async def list_prompts(service: Service, argument: ListPrompts) -> list[str]:
    return service.prompts.newest(str(service.workspace.folders[0]), argument.limit)


async def enhance(service: Service, argument: Enhance) -> dict[str, str]:
    task = task_of(service, argument.task_id) if argument.task_id else None
    current = service.configuration.current
    mode = task.mode if task else current.settings.mode
    if argument.profile:
        check_profile(service, argument.profile)
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
    queue = task_of(service, argument.task_id).queue
    return [{"messageId": message_id, "text": words} for message_id, words in queue.items()]


async def remove_queued(service: Service, argument: OfQueued) -> dict[str, Any]:
    task = task_of(service, argument.task_id)
    if not task.unqueue(argument.message_id):
        raise _too_late(argument.message_id)
    return {"messageId": argument.message_id, "removed": True}


async def edit_queued(service: Service, argument: EditQueued) -> dict[str, Any]:
    task = task_of(service, argument.task_id)
    if not task.edit_queued(argument.message_id, argument.text):
        raise _too_late(argument.message_id)
    return {"messageId": argument.message_id, "text": argument.text}


def _too_late(message_id: str) -> Refused:
    return Refused(
        f"{message_id} is not queued: the model has been told, or it was taken back.", "not_queued"
    )


async def cancel(service: Service, argument: Cancel) -> dict[str, Any]:
    task = task_of(service, argument.task_id)
    cancelled = await task.cancel(argument.why)
    for each in service.tasks.below(task.id):
        # Those of a server that ended: what runs here was stopped by the task itself.
        if each.state in {"running", "waiting"} and (part := service.tasks.find(each.task_id)):
            cancelled |= await part.cancel(argument.why)
    service.left.look()
    return {"taskId": task.id, "cancelled": cancelled}


async def resume(service: Service, argument: Resume) -> dict[str, Any]:
    task = task_of(service, argument.task_id)
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
