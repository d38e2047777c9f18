"""What can be done in a task document, as code actions that work in every client."""

from collections.abc import Iterator, Mapping

from lsprotocol import types

from roo_lsp.lsp.surfaces import waiting
from roo_lsp.lsp.task_documents.open_documents import OpenDocuments
from roo_lsp.task_documents.sheet import Sheet, skeleton_of
from roo_lsp.task_documents.ticks import choice_in

KIND = "roo"


def at(
    documents: OpenDocuments, sheet: Sheet, params: types.CodeActionParams
) -> list[types.CodeAction]:
    """Those at a place, the likeliest first."""
    return [*_answers(documents, sheet, params.range), *_of_document(sheet)]


def _answers(
    documents: OpenDocuments, sheet: Sheet, place: types.Range
) -> Iterator[types.CodeAction]:
    """What answers the entries whose lines are in the range."""
    lines = sheet.lines[place.start.line : place.end.line + 1]
    here = {choice.request_id for line in lines if (choice := choice_in(line)) is not None}
    for entry in documents.waiting(sheet):
        if entry.request_id in here:
            yield from waiting.actions(entry)


def _of_document(sheet: Sheet) -> Iterator[types.CodeAction]:
    uri = sheet.document.uri
    if (text := skeleton_of(sheet.lines)) is not None:
        end = types.Position(max(0, len(sheet.lines)), 0)
        edit = types.TextEdit(types.Range(types.Position(0, 0), end), text)
        yield types.CodeAction(
            "Start a task here", kind=KIND, edit=types.WorkspaceEdit(changes={uri: [edit]})
        )
        return
    if sheet.unsent:
        yield _action("Send", "roo.document.send", {"uri": uri})
    if not sheet.task_id:
        return
    task = {"taskId": sheet.task_id}
    if sheet.renderer.running:
        yield _action("Stop", "roo.task.cancel", task)
    yield _action("Review changes", "roo.changes.list", task | {"show": True})
    yield _action("Open transcript", "roo.task.open", task | {"transcript": True})


def _action(title: str, command: str, argument: Mapping[str, object]) -> types.CodeAction:
    return types.CodeAction(
        title, kind=KIND, command=types.Command(title, command, arguments=[dict(argument)])
    )
