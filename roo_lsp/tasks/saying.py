"""What a user types: the commands at its beginning are done here, the rest is for the model.

Wherever a prompt can be typed, it comes by `start`, `send` or `resume` of this module.
"""

from dataclasses import dataclass, field
from typing import Any

from roo_lsp.agent.figures import plural
from roo_lsp.tasks import inputs, mcp, slash
from roo_lsp.tasks.refusals import Refused
from roo_lsp.tasks.service import Service, check_mode
from roo_lsp.tasks.task import Task
from roo_lsp.tasks.verbs import choosing, keeping, reviewing, running


@dataclass(slots=True)
class Aim:
    """The task that is spoken to, and what the commands have set for one that begins."""

    task_id: str | None
    is_new: bool = False
    settings: dict[str, str] = field(default_factory=dict[str, str])


async def start(service: Service, argument: inputs.Start, task_id: str = "") -> dict[str, Any]:
    """As the verb. With commands alone nothing is started, and `taskId` is None."""
    commands, rest = parted(service, argument.prompt, argument.mode)
    if not commands:
        return await running.start(service, argument, task_id)
    aim = Aim(None, is_new=True)
    said = await _obeyed(service, commands, aim)
    if not rest:
        if aim.settings or any(each.name == "new" for each in commands):
            raise Refused(
                f"Put what is to be done behind it: {argument.prompt.strip()} …", "no_task"
            )
        return _told(service, {"taskId": None, "started": False}, said)
    said_of_it = argument.model_copy(update={"prompt": rest} | aim.settings)
    begun = await running.start(service, said_of_it, task_id)
    return _told(service, begun, said)


async def send(service: Service, argument: inputs.Send) -> dict[str, Any]:
    """As the verb. `/new` starts another task: its id is the result's, or None while nothing is said in it."""
    commands, rest = parted(service, argument.text)
    if not commands:
        return await running.send(service, argument)
    aim = Aim(argument.task_id)
    said = await _obeyed(service, commands, aim)
    if not rest:
        if aim.settings:
            raise Refused(f"Put what is to be done behind it: {argument.text.strip()} …", "no_task")
        if aim.is_new:
            said.append("The next message starts a new task.")
        idle = {"taskId": aim.task_id, "queued": False, "started": False}
        return _told(service, idle, said)
    if aim.is_new:
        if argument.instead is not None:
            raise Refused("/new starts another task; a message was to be said anew.", "no_task")
        new = inputs.Start(
            prompt=rest,
            mode=aim.settings.get("mode"),
            profile=aim.settings.get("profile"),
            context=argument.context,
            images=argument.images,
        )
        begun = await running.start(service, new)
        return _told(service, begun | {"queued": False}, said)
    sent = await running.send(service, argument.model_copy(update={"text": rest}))
    return _told(service, sent, said)


async def resume(service: Service, argument: inputs.Resume) -> dict[str, Any]:
    """As the verb. With commands alone the task does not go on."""
    commands, rest = parted(service, argument.text)
    if not commands:
        return await running.resume(service, argument)
    if any(each.name == "new" for each in commands):
        raise Refused("/new starts another task; this one was to be resumed.", "unknown_command")
    aim = Aim(argument.task_id)
    said = await _obeyed(service, commands, aim)
    if not rest:
        return _told(service, {"taskId": aim.task_id, "started": False}, said)
    gone_on = await running.resume(service, argument.model_copy(update={"text": rest}))
    return _told(service, gone_on, said)


def parted(
    service: Service, text: str, mode: str | None = None
) -> tuple[list[slash.SlashCommand], str]:
    """The commands in front that are done here, and the rest, which is for the model.

    Raises:
        Refused: as `slash.split`; or the workspace has such a command, and is not trusted yet.
    """
    if not text.lstrip().startswith("/"):
        return [], text
    configuration = service.configuration
    configuration.look()
    offered = service.offered.commands(mode or configuration.current.settings.mode)
    try:
        return slash.split(text, offered)
    except Refused:
        name = text.split(maxsplit=1)[0][1:]
        if configuration.narrowed and configuration.instructions.has_command(name):
            raise Refused(f"/{name} waits. {configuration.narrowed}", "not_trusted") from None
        raise


async def list_commands(service: Service, argument: inputs.ListCommands) -> list[dict[str, str]]:
    """What `/` offers where a prompt is typed."""
    if argument.mode is not None:
        check_mode(service, argument.mode)
    service.configuration.look()
    mode = argument.mode or service.configuration.current.settings.mode
    return service.offered.listed(mode)


def _told(service: Service, result: dict[str, Any], said: list[str]) -> dict[str, Any]:
    """The result of a verb with what the commands came to, which every front end shows."""
    if not said:
        return result
    text = "\n".join(said)
    service.screen.message(text)
    return result | {"said": text}


async def _obeyed(service: Service, commands: list[slash.SlashCommand], aim: Aim) -> list[str]:
    return [line for each in commands for line in await _obey(service, each, aim)]


async def _obey(service: Service, command: slash.SlashCommand, aim: Aim) -> list[str]:
    match command.name:
        case "help":
            mode = service.configuration.current.settings.mode
            return [*slash.help_lines(), *service.offered.help_lines(mode)]
        case "mcp":
            return mcp.server_lines(service)
        case "new":
            aim.task_id, aim.is_new = None, True
            return []
        case "mode" | "profile" as key:
            if aim.is_new:
                aim.settings[key] = command.word
                return []
            if key == "mode":
                mode = inputs.SetMode(mode=command.word, task_id=aim.task_id)
                aim.task_id = (await choosing.set_mode(service, mode))["taskId"]
            else:
                profile = inputs.SetProfile(profile=command.word, task_id=aim.task_id)
                aim.task_id = (await choosing.set_profile(service, profile))["taskId"]
            return [f"{key.capitalize()}: {command.word}"]
        case name:
            task = service.tasks.get(aim.task_id)
            if task is None:
                raise Refused("There is no task yet.", "no_task")
            aim.task_id = None if aim.is_new else task.id
            return [await obey(service, name, task)]


async def obey(service: Service, name: str, task: Task) -> str:
    """Do one of the commands that are about a task; what it came to, as a sentence.

    Raises:
        Invalid, Refused, RooError: as the verbs.
    """
    match name:
        case "status":
            return task_standing(service, task)
        case "cancel":
            done = await running.cancel(service, inputs.Cancel(task_id=task.id))
            return "Stopped." if done["cancelled"] else "Nothing was running."
        case "compact":
            done = await running.condense(service, inputs.OfTask(task_id=task.id))
            return f"Condensed: {done['before']} → {done['after']} tokens."
        case "keep":
            done = await reviewing.keep_changes(service, inputs.OfChanges(task_id=task.id))
            return f"Kept the changes in {plural(len(done['kept']), 'file')}."
        case "revert":
            done = await reviewing.revert_changes(service, inputs.OfChanges(task_id=task.id))
            left = len(done["refused"])
            more = f" {left} left alone: you have edited there." if left else ""
            return f"Took back the changes in {plural(len(done['reverted']), 'file')}.{more}"
        case "changes":
            found = await reviewing.list_changes(
                service, inputs.ListChanges(task_id=task.id, show=True)
            )
            return f"{plural(len(found), 'file').capitalize()} changed."
        case _:
            await keeping.open_task(service, inputs.Open(task_id=task.id, transcript=True))
            return "The transcript is open."


def task_standing(service: Service, task: Task) -> str:
    """How a task stands, on one line."""
    usage = task.usage
    parts = [
        f"{task.state} in mode {task.mode}",
        f"{usage['inputTokens']} tokens in, {usage['outputTokens']} out",
    ]
    if task.cost:
        parts.append(f"${task.cost:.4f}".rstrip("0").rstrip("."))
    if waiting := [each for each in service.approvals.pending if each.task_id == task.id]:
        parts.append(f"{len(waiting)} waiting for you")
    return " · ".join(parts)
