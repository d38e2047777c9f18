"""Verbs of what waits for the user: what is asked, and the answers."""

from typing import Any

from roo_lsp.tasks.approvals import NotPending
from roo_lsp.tasks.inputs import AnswerQuestion, ListApprovals, Respond, SwitchAuto
from roo_lsp.tasks.refusals import Invalid, Refused
from roo_lsp.tasks.service import Service, approved_by_itself, task_of


async def switch_auto(service: Service, argument: SwitchAuto) -> dict[str, Any]:
    task_id = task_of(service, argument.task_id).id if argument.task_id else None
    if argument.on and argument.kind != "read" and (why := service.configuration.narrowed):
        raise Refused(f"Nothing but reads is approved by itself here. {why}", "not_trusted")
    service.auto_approval.switch(argument.kind, task_id, on=argument.on)
    return {"autoApprove": approved_by_itself(service, task_id)}


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
