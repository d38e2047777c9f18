"""The server once it has started: a service for one client, and what the client shows of it.

`server.py` answers `initialize` without this module; it is loaded behind that answer.
"""

import asyncio
from dataclasses import dataclass

from lsprotocol import types

from roo_lsp.agent.json_values import object_or_empty
from roo_lsp.agent.tool import Workspace
from roo_lsp.app import preload
from roo_lsp.lsp.configuration import Channel
from roo_lsp.lsp.editor.documents import Documents
from roo_lsp.lsp.editor.files import Editor
from roo_lsp.lsp.editor.view import EditorView
from roo_lsp.lsp.host import (
    EditorGround,
    client_of,
    edit_abilities,
    extensions_of,
    folders_of,
    is_attended,
)
from roo_lsp.lsp.surfaces.actions import Actions, as_taken, wanted
from roo_lsp.lsp.surfaces.hover import hover_at
from roo_lsp.lsp.surfaces.hunk_marks import HunkMarks
from roo_lsp.lsp.surfaces.progress import Progress
from roo_lsp.lsp.surfaces.screen import EditorScreen
from roo_lsp.lsp.task_documents.completion import Completer
from roo_lsp.lsp.task_documents.features import Features
from roo_lsp.lsp.task_documents.open_documents import OpenDocuments
from roo_lsp.lsp.wire.protocol import RooProtocol
from roo_lsp.settings import Ui
from roo_lsp.tasks.approvals import Approvals
from roo_lsp.tasks.background import Background
from roo_lsp.tasks.opening import FrontEnd, open_service
from roo_lsp.tasks.service import Service
from roo_lsp.workspace.descriptors import real_path
from roo_lsp.workspace.folders import Folders
from roo_lsp.workspace.uris import path_of
from roo_lsp.workspace.user_folders import state_dir


@dataclass(frozen=True, slots=True)
class Session:
    """What the server knows and does for its client."""

    protocol: RooProtocol
    params: types.InitializeParams
    channel: Channel
    service: Service
    screen: EditorScreen
    progress: Progress
    marks: HunkMarks
    actions: Actions
    features: Features
    """What is offered in task documents."""
    view: EditorView

    async def configure(self) -> None:
        """Settings have come, or changed."""
        await self.channel.pull()
        await self.service.configure()
        self.progress.wanted = self.service.configuration.current.settings.ui.progress

    async def change_folders(self, event: types.WorkspaceFoldersChangeEvent) -> None:
        """The client has other workspace folders now."""
        added, removed = (
            [path for each in folders if (path := path_of(each.uri)) is not None]
            for folders in (event.added, event.removed)
        )
        await self.service.change_folders(added, removed)

    def listen(self) -> None:
        """Hear of documents from now on, those that are open already too: a saved one starts a turn.

        And show what waits since a server ended under its task.
        """
        self.features.listen()
        self.service.left.look()
        self.view.listen()

    async def close(self) -> None:
        """Stop everything; nothing of ours runs afterwards."""
        await self.service.close()
        self.marks.close()
        await self.screen.close()

    def code_actions(
        self, params: types.CodeActionParams
    ) -> list[types.CodeAction | types.Command]:
        """What is offered at a place: what waits, what was changed, and new tasks."""
        self.view.looked(params.text_document.uri, params.range, params.context.diagnostics)
        found = [
            *self.features.code_actions(params),
            *self.screen.code_actions(params),
            *self.marks.code_actions(params),
            *self.actions.offered(params),
        ]
        document = self.params.capabilities.text_document
        action = document.code_action if document else None
        literals = bool(action and action.code_action_literal_support)
        return as_taken(wanted(found, params.context.only), literals=literals)

    def hover(self, params: types.HoverParams) -> types.Hover | None:
        """What waits or was changed on the line; None for every other."""
        at = types.Range(params.position, params.position)
        self.view.looked(params.text_document.uri, at)
        if (own := self.features.hover(params)) is not None:
            return own
        document = self.params.capabilities.text_document
        hover = document.hover if document else None
        markdown = types.MarkupKind.Markdown in ((hover and hover.content_format) or ())
        return hover_at(params, self.screen, self.marks, markdown=markdown)

    def lenses(self, uri: str) -> list[types.CodeLens]:
        """What waits and what was changed, above the lines of a document."""
        return self.screen.lenses(uri) + self.marks.lenses(uri)


def open_session(
    protocol: RooProtocol, params: types.InitializeParams, documents: Documents, version: str
) -> Session:
    """Everything for one client, on the state folder of this user.

    Raises:
        RooError: the state folder cannot be used.
    """
    options = object_or_empty(params.initialization_options)
    extensions = extensions_of(options)
    folders = Folders(folders_of(params))
    window, workspace = params.capabilities.window, params.capabilities.workspace
    lenses = workspace.code_lens if workspace else None
    editor = Editor(documents, protocol, edit_abilities(params))
    approvals, background = Approvals(), Background()
    channel = Channel(
        protocol,
        options.get("settings"),
        can_ask=bool(workspace and workspace.configuration),
    )

    def ui() -> Ui:
        return service.configuration.current.settings.ui

    screen = EditorScreen(
        protocol,
        documents,
        approvals,
        state_dir() / "details",
        hidden=lambda text: service.connection.keys.hidden(text),  # noqa: PLW0108 -- made below
        has_dialogs=bool(window and window.show_message),
        has_show_document=bool(window and window.show_document and window.show_document.support),
        asks_permission="roo/requestPermission" in extensions,
        wants_dialogs=lambda: ui().dialogs,
        wants_diagnostics=lambda: ui().diagnostics,
        wants_lenses=lambda: ui().code_lens,
        refreshes_lenses=bool(lenses and lenses.refresh_support),
        start=background.start,
        more_diagnostics=lambda uri: [*marks.diagnostics(uri), *features.diagnostics(uri)],
        in_document=lambda entry: task_documents.is_shown(entry),  # noqa: PLW0108 -- made below
    )
    marks = HunkMarks(
        documents,
        editor.encoding,
        publish=screen.publish,
        refresh_lenses=screen.refresh_lenses,
        wants_diagnostics=screen.wants_diagnostics,
        wants_lenses=screen.wants_lenses,
        start=background.start,
    )
    progress = Progress(
        protocol,
        supported=bool(window and window.work_done_progress),
        extension="roo/event" in extensions,
        client=params.client_info.name if params.client_info else "",
    )
    ground = EditorGround(editor, Workspace(folders, folders.named), extensions, screen.message)
    view = EditorView(documents, ground.servers())
    front = FrontEnd(
        client_of(params),
        progress,
        screen,
        ground,
        open_text=documents.text_of,
        open_paths=lambda: [document.path for document in documents],
        view=view,
        channel=channel.sources,
        settings_of=lambda task_id, now: task_documents.settings_of(task_id, now),  # noqa: PLW0108 -- as above
        attended=is_attended(options),
        shown_in=lambda task_id: task_documents.shown_in(task_id),  # noqa: PLW0108 -- as above
        approvals=approvals,
        reviews=marks.reviews,
        background=background,
    )
    service = open_service(front, folders, version)
    task_documents = OpenDocuments(service, editor, progress)
    features = Features(task_documents, Completer(task_documents), screen.publish, view.looked)
    actions = Actions(
        documents,
        service.workspace.show,
        own=real_path(service.state_dir),
        encoding=editor.encoding,
        mode=lambda: service.configuration.modes.get(service.configuration.current.settings.mode),
    )
    background.start(asyncio.to_thread(preload))
    return Session(
        protocol, params, channel, service, screen, progress, marks, actions, features, view
    )
