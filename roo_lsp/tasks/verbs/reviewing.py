"""Verbs of what was changed: keep, revert, and go back to checkpoints."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from roo_lsp.agent.events import FileChanged
from roo_lsp.tasks.hunks import diff_document, where
from roo_lsp.tasks.inputs import GoBack, ListChanges, OfChanges, OfCheckpoint, OfTask
from roo_lsp.tasks.refusals import Invalid, Refused
from roo_lsp.tasks.review import Settled
from roo_lsp.tasks.service import Service, require_idle, task_of
from roo_lsp.tasks.task import Task
from roo_lsp.workspace.journal import store_errors
from roo_lsp.workspace.private import write_private
from roo_lsp.workspace.uris import path_of, uri_of


async def list_changes(service: Service, argument: ListChanges) -> list[dict[str, Any]]:
    task = task_of(service, argument.task_id)
    changed = await service.reviews.task(task.id).changed()
    if argument.show:
        file = service.store.changes_dir(task.id) / "all.diff"
        with store_errors(file.parent):
            text = diff_document(changed, service.workspace.show)
            write_private(file, service.connection.keys.hidden(text))
        await service.screen.open_document(file)
    return service.reviews.json(task.id, changed)


async def keep_changes(service: Service, argument: OfChanges) -> dict[str, Any]:
    task = task_of(service, argument.task_id)
    with task.held():
        kept = await service.reviews.task(task.id).keep(_changed_path(argument), argument.hunk)
        _tell_changes(task, kept, "kept")
    return {"taskId": task.id, "kept": [each.json() for each in kept]}


async def revert_changes(service: Service, argument: OfChanges) -> dict[str, Any]:
    task = task_of(service, argument.task_id)
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


async def list_checkpoints(service: Service, argument: OfTask) -> list[dict[str, Any]]:
    return service.checkpoints.task(task_of(service, argument.task_id).id).listed()


async def diff_checkpoint(service: Service, argument: OfCheckpoint) -> dict[str, Any]:
    task = task_of(service, argument.task_id)
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
    task = task_of(service, argument.task_id)
    require_idle(service, task)
    checkpoints = service.checkpoints.task(task.id)
    with task.held():
        return await checkpoints.go_back(argument.checkpoint_id, conversation=argument.conversation)
