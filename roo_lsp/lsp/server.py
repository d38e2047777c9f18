"""The language server: what is answered before anything heavy is loaded, and who handles the rest.

`initialize` is answered before this is loaded (see `wire.greeting`). What the agent needs (pydantic, the tools, then openai) is
loaded behind that answer, on `initialized`; commands wait for it.
"""

import asyncio
import importlib
import logging
import sys
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from lsprotocol import types

from roo_lsp.agent.errors import RooError
from roo_lsp.lsp.editor.documents import Documents
from roo_lsp.lsp.task_documents import registration
from roo_lsp.lsp.wire.greeting import Greeted
from roo_lsp.lsp.wire.protocol import BaseServer, CommandFailed
from roo_lsp.lsp.wire.stdio import serve
from roo_lsp.stdio.logs import set_up

if TYPE_CHECKING:
    from roo_lsp.lsp.session import Session

log = logging.getLogger(__name__)

VERSION = version("roo-lsp")

COMMANDS = (
    "roo.task.start",
    "roo.task.send",
    "roo.task.cancel",
    "roo.task.resume",
    "roo.task.list",
    "roo.task.replay",
    "roo.task.open",
    "roo.task.delete",
    "roo.task.export",
    "roo.approval.list",
    "roo.approval.respond",
    "roo.question.answer",
    "roo.changes.list",
    "roo.changes.keep",
    "roo.changes.revert",
    "roo.checkpoint.list",
    "roo.checkpoint.diff",
    "roo.checkpoint.restore",
    "roo.task.condense",
    "roo.queue.list",
    "roo.queue.remove",
    "roo.queue.edit",
    "roo.mode.set",
    "roo.mode.list",
    "roo.profile.set",
    "roo.profile.list",
    "roo.provider.test",
    "roo.provider.models",
    "roo.prompt.enhance",
    "roo.prompt.history",
    "roo.command.list",
    "roo.mention.list",
    "roo.mcp.list",
    "roo.mcp.restart",
    "roo.approval.auto",
    "roo.status",
    "roo.document.send",
)
"""Interface section 4, in its order; the last one is the code action *Send* of task documents."""


CODE_ACTION_KINDS = (types.CodeActionKind.QuickFix, types.CodeActionKind.RefactorRewrite, "roo")
"""The last one stands for all those that no kind of LSP's fits."""


class RooServer(BaseServer):
    """The server; its `Session` is there once it was loaded."""

    def __init__(self) -> None:
        super().__init__("roo-lsp", VERSION)
        self.documents = Documents()
        self.loading: asyncio.Task[Session] | None = None
        self.params: types.InitializeParams | None = None

    async def session(self) -> "Session":
        """The loaded half of the server.

        Raises:
            CommandFailed: it cannot be had now (the state folder, say), in words; the next call tries again.
        """
        if self.loading is None:
            self.loading = asyncio.create_task(self._load())
        loading = self.loading
        try:
            return await asyncio.shield(loading)
        except RooError as error:
            raise CommandFailed.refused(str(error), error.code) from error
        finally:
            if self.loading is loading and loading.done() and self.loaded is None:
                self.loading = None

    @property
    def loaded(self) -> "Session | None":
        """The session, where it is there already."""
        loading = self.loading
        if loading is None or not loading.done() or loading.cancelled() or loading.exception():
            return None
        return loading.result()

    async def _load(self) -> "Session":
        if self.params is None:
            raise CommandFailed("not initialized", types.ErrorCodes.ServerNotInitialized.value)
        module = await asyncio.to_thread(importlib.import_module, "roo_lsp.lsp.session")
        await asyncio.to_thread(importlib.import_module, "roo_lsp.lsp.commands")
        session: Session = module.open_session(self.protocol, self.params, self.documents, VERSION)
        self.protocol.on_close(session.close)
        await session.configure()
        session.listen()
        return session


def create_server() -> RooServer:
    """A server with every handler, not yet joined to a transport."""
    server = RooServer()

    @server.feature(types.INITIALIZE)
    def initialize(ls: RooServer, params: types.InitializeParams) -> None:
        ls.params = params

    @server.feature(types.INITIALIZED)
    async def initialized(ls: RooServer, params: types.InitializedParams) -> None:
        del params
        try:
            await ls.session()
        except CommandFailed as error:  # tell before the user tries: nothing can work
            message = types.ShowMessageParams(types.MessageType.Error, error.message)
            ls.protocol.notify(types.WINDOW_SHOW_MESSAGE, message)

    @server.feature(types.WORKSPACE_DID_CHANGE_CONFIGURATION)
    async def configuration_changed(
        ls: RooServer, params: types.DidChangeConfigurationParams
    ) -> None:
        session = await ls.session()
        session.channel.pushed(params.settings)
        await session.configure()

    @server.feature(types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS)
    async def folders_changed(ls: RooServer, params: types.DidChangeWorkspaceFoldersParams) -> None:
        session = await ls.session()
        await session.change_folders(params.event)

    _keep_documents(server)
    _offer_actions(server)
    registration.offer(server, partial(_features, server))

    @server.feature(types.WINDOW_WORK_DONE_PROGRESS_CANCEL)
    async def progress_cancelled(ls: RooServer, params: types.WorkDoneProgressCancelParams) -> None:
        session = await ls.session()
        for task_id in session.progress.task_of(params.token):
            task = session.service.tasks.get(task_id)
            if task is not None:
                await task.cancel()

    for name in COMMANDS:
        _declare(server, name)
    return server


def _keep_documents(server: RooServer) -> None:
    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    def did_open(ls: RooServer, params: types.DidOpenTextDocumentParams) -> None:
        document = params.text_document
        ls.documents.opened(
            document.uri, document.text, document.version, str(document.language_id)
        )

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    def did_change(ls: RooServer, params: types.DidChangeTextDocumentParams) -> None:
        document = params.text_document
        if not params.content_changes:
            return
        last = params.content_changes[-1]
        if isinstance(last, types.TextDocumentContentChangeWholeDocument):
            ls.documents.changed(document.uri, last.text, document.version)
        else:  # the client does not keep to what was agreed: its text is not known any more
            log.warning("a change of a part of %s: it counts as closed", document.uri)
            ls.documents.closed(document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_SAVE)
    def did_save(ls: RooServer, params: types.DidSaveTextDocumentParams) -> None:
        ls.documents.saved(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    def did_close(ls: RooServer, params: types.DidCloseTextDocumentParams) -> None:
        ls.documents.closed(params.text_document.uri)


def _offer_actions(server: RooServer) -> None:
    @server.feature(
        types.TEXT_DOCUMENT_CODE_ACTION,
        types.CodeActionOptions(code_action_kinds=CODE_ACTION_KINDS, resolve_provider=False),
    )
    def code_action(
        ls: RooServer, params: types.CodeActionParams
    ) -> list[types.CodeAction | types.Command]:
        session = ls.loaded
        return [] if session is None else session.code_actions(params)

    @server.feature(types.TEXT_DOCUMENT_HOVER)
    def hover(ls: RooServer, params: types.HoverParams) -> types.Hover | None:
        session = ls.loaded
        return None if session is None else session.hover(params)

    @server.feature(types.TEXT_DOCUMENT_CODE_LENS, types.CodeLensOptions(resolve_provider=False))
    def code_lens(ls: RooServer, params: types.CodeLensParams) -> list[types.CodeLens]:
        session = ls.loaded
        return [] if session is None else session.lenses(params.text_document.uri)


def _features(server: RooServer) -> registration.Answers | None:
    session = server.loaded
    return session.features if session is not None else None


def _declare(server: RooServer, name: str) -> None:
    async def command(ls: RooServer, *arguments: Any) -> Any:
        session = await ls.session()
        commands = sys.modules["roo_lsp.lsp.commands"]
        return await commands.execute(session, name, arguments)

    server.command(name)(command)


def main(stdin: int, stdout: int, greeted: Greeted, log_file: str | None = None) -> int:
    """Serve on these until the client says exit; ends the process."""
    set_up(log_file)
    serve(create_server(), stdin, stdout, greeted)
    return 0
