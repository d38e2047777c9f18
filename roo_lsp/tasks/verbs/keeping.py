"""Verbs of tasks as they are stored: list, replay, open, delete, export."""

import json
import sys
from typing import Any

from roo_lsp.tasks.inputs import Export, List, OfTask, Open, Replay
from roo_lsp.tasks.refusals import Invalid
from roo_lsp.tasks.service import Service, task_of
from roo_lsp.workspace.transcript import exported, listed, markdown


async def list_tasks(service: Service, argument: List) -> list[dict[str, Any]]:
    service.left.look()
    found = service.tasks.listed(argument.limit, everywhere=argument.all)
    return [listed(each) for each in found]


async def replay(service: Service, argument: Replay) -> dict[str, Any]:
    task = task_of(service, argument.task_id)
    events, next_seq = service.store.events(task.id, argument.since_seq, argument.limit)
    return {"events": events, "nextSeq": next_seq}


async def open_task(service: Service, argument: Open) -> dict[str, Any]:
    task = task_of(service, argument.task_id)
    if not argument.transcript and (shown_in := service.shown_in(task.id)) is not None:
        shown = await service.screen.open_document(shown_in)
        return {"taskId": task.id, "shown": shown, "path": str(shown_in)}
    file, shown = await service.transcripts.open(task)
    return {"taskId": task.id, "shown": shown, "path": str(file)}


async def delete(service: Service, argument: OfTask) -> dict[str, Any]:
    if argument.task_id is None:
        raise Invalid("taskId: say which task to delete")
    task = task_of(service, argument.task_id)
    await task.cancel()
    service.tasks.delete(task.id)
    service.checkpoints.forget(task.id)
    service.reviews.forget(task.id)
    service.prompts.forget(task.id)
    service.left.look()
    return {"taskId": task.id, "deleted": True}


async def export(service: Service, argument: Export) -> dict[str, Any]:
    task = task_of(service, argument.task_id)
    summary, entries = task.summary(), service.store.messages(task.id)
    if argument.format == "md":
        return {"taskId": task.id, "format": "md", "text": markdown(summary, entries)}
    events, _ = service.store.events(task.id, 0, sys.maxsize)
    text = json.dumps(exported(summary, entries, events), ensure_ascii=False, indent=1)
    return {"taskId": task.id, "format": "json", "text": text}
