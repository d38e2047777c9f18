"""The server once it has started: settings, tasks and what waits, joined to one client.

`server.py` answers `initialize` without this module; it is loaded behind that answer.
"""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from lsprotocol import types

from roo_lsp.agent.approval import Decision, PermissionRequest
from roo_lsp.agent.conversation import Agent
from roo_lsp.agent.errors import RooError
from roo_lsp.agent.messages import Entry
from roo_lsp.agent.tool import ToolKind, Workspace
from roo_lsp.app import Host, build_agent, disk, preload, trusted_origins
from roo_lsp.endpoints import Connection
from roo_lsp.lsp.configuration import Configuration, TrustQuestion
from roo_lsp.lsp.editor.diagnostics import Diagnostics
from roo_lsp.lsp.editor.documents import Documents
from roo_lsp.lsp.editor.files import EditAbilities, EditorFileSystem
from roo_lsp.lsp.editor.language_servers import FEATURES, EditorLanguageServers, offers
from roo_lsp.lsp.editor.save_gate import SavingRunner
from roo_lsp.lsp.surfaces.actions import Actions, as_taken, wanted
from roo_lsp.lsp.surfaces.hover import hover_at
from roo_lsp.lsp.surfaces.hunk_marks import Review
from roo_lsp.lsp.surfaces.progress import Progress
from roo_lsp.lsp.surfaces.screen import Surfaces
from roo_lsp.lsp.surfaces.transcripts import Transcripts
from roo_lsp.lsp.wire.protocol import ClientError, RooProtocol
from roo_lsp.providers.memory import Memory
from roo_lsp.settings import object_or_empty
from roo_lsp.settings_sources import Effective
from roo_lsp.tasks.approvals import Approvals, Pending, TaskApprover
from roo_lsp.tasks.checkpoints import Checkpoints, TaskCheckpoints
from roo_lsp.tasks.details import detail_lines
from roo_lsp.tasks.reporting import ReportingFileSystem
from roo_lsp.tasks.task import Task, Tasks
from roo_lsp.workspace.commands import BASH, ShellOptions, ShellRunner, limit_numbers
from roo_lsp.workspace.descriptors import real_path
from roo_lsp.workspace.rooignore import RooIgnore
from roo_lsp.workspace.sandbox.base import Sandbox
from roo_lsp.workspace.sandbox.find import Sandboxes
from roo_lsp.workspace.sandbox.protect import Change
from roo_lsp.workspace.store import TaskStore
from roo_lsp.workspace.trust import TrustStore
from roo_lsp.workspace.uris import path_of
from roo_lsp.workspace.user_folders import state_dir

if TYPE_CHECKING:
    from roo_lsp.lsp.task_documents.features import Showing

log = logging.getLogger(__name__)

EXTENSIONS = frozenset({"roo/event", "roo/requestPermission", "roo/saveDocuments", *FEATURES})
"""The client extensions of interface section 8; `editors/PROTOCOL.md` has their shapes."""


@dataclass(slots=True)
class Session:
    """What the server knows and does for its client."""

    protocol: RooProtocol
    documents: Documents
    params: types.InitializeParams
    version: str
    folders: tuple[Path, ...]
    state_dir: Path
    store: TaskStore
    trust: TrustStore
    connection: Connection
    configuration: Configuration
    surfaces: Surfaces
    approvals: Approvals
    progress: Progress
    review: Review
    actions: Actions = field(init=False)
    transcripts: Transcripts = field(init=False)
    tasks: Tasks = field(init=False)
    checkpoints: Checkpoints = field(init=False)
    sandboxes: Sandboxes = field(default_factory=Sandboxes)
    sandbox: Sandbox = field(init=False)
    """What commands run in, as the settings are now; known once `configure` has run."""
    extensions: frozenset[str] = frozenset()
    background: set[asyncio.Task[Any]] = field(default_factory=set[asyncio.Task[Any]])
    task_documents: "Showing | None" = None
    """The open task documents, once the server has started."""
    settings_of: Callable[[str, Effective], Effective] = field(default=lambda task_id, now: now)  # noqa: ARG005 -- none
    """A task's settings, where it has some of its own."""
    shown_in: Callable[[str], Path | None] = field(default=lambda task_id: None)  # noqa: ARG005 -- none
    """The open document that shows a task."""
    send_document: Callable[[str | None], Awaitable[dict[str, Any]]] = field(init=False)
    """Sends what is new in a task document; without its address, of the one used last."""

    @property
    def workspace(self) -> Workspace:
        return Workspace(self.folders)

    @property
    def client(self) -> str:
        info = self.params.client_info
        return f"{info.name} {info.version or ''}".strip() if info else "unknown"

    def start(self, work: Any) -> None:
        """Do something beside everything else, until it is done or the server ends."""
        task = asyncio.ensure_future(work)
        self.background.add(task)
        task.add_done_callback(self._background_ended)

    async def configure(self) -> None:
        """Settings have come, or changed."""
        await self.configuration.pull()
        commands = self.configuration.current.settings.commands
        self.sandbox = await self.sandboxes.find(
            self.folders,
            commands.sandbox,
            network=commands.network,
            visible=commands.visible,
        )
        self._apply()

    def _apply(self) -> None:
        self.progress.wanted = self.configuration.current.settings.ui.progress

    async def close(self) -> None:
        """Stop everything; nothing of ours runs afterwards."""
        await self.tasks.close()
        await self.checkpoints.close()
        for task in list(self.background):
            task.cancel()
        await asyncio.gather(*self.background, return_exceptions=True)
        self.review.close()
        await self.surfaces.close()
        await self.connection.close()
        self.store.close()

    # --- questions of the server itself -----------------------------------------------------

    async def ask_for_trust(self, question: TrustQuestion) -> bool:
        """One question for everything that the workspace brings along."""
        request = PermissionRequest(
            call_id=None, tool="", kind=ToolKind.OTHER, title=question.title, why=question.why
        )
        return await self._decide(
            request,
            [*question.lines, question.why],
            about={"workspace": str(question.folder)},
            quiet=question.quiet,
        )

    async def ask_for_key(self, task_id: str | None, origin: str, key_name: str) -> bool:
        """Whether a key may go to an origin."""
        request = PermissionRequest(
            call_id=None,
            tool="",
            kind=ToolKind.OTHER,
            title=f"Send the key {key_name} to {origin}",
            why="A key goes to a new place only when you say so; you are asked once.",
        )
        lines = [f"Key: {key_name}", f"To: {origin}", request.why]
        return await self._decide(
            request, lines, task_id, about={"origin": origin, "key": key_name}
        )

    async def _decide(
        self,
        request: PermissionRequest,
        lines: Sequence[str],
        task_id: str | None = None,
        *,
        about: Mapping[str, str],
        quiet: bool = False,
    ) -> bool:
        entry = Pending(
            request_id=self.approvals.next_id("trust"),
            task_id=task_id,
            kind="trust",
            title=request.title,
            detail=lines,
            request=request,
            about=about,
            quiet=quiet,
        )
        answer = await self.approvals.wait(entry)
        return isinstance(answer, Decision) and answer.allowed

    def code_actions(
        self, params: types.CodeActionParams
    ) -> list[types.CodeAction | types.Command]:
        """What is offered at a place: what waits, what was changed, and new tasks."""
        documents = self.task_documents
        found = [
            *(documents.code_actions(params) if documents is not None else ()),
            *self.surfaces.code_actions(params),
            *self.review.code_actions(params),
            *self.actions.offered(params),
        ]
        document = self.params.capabilities.text_document
        action = document.code_action if document else None
        literals = bool(action and action.code_action_literal_support)
        return as_taken(wanted(found, params.context.only), literals=literals)

    def hover(self, params: types.HoverParams) -> types.Hover | None:
        """What waits or was changed on the line; None for every other."""
        if (documents := self.task_documents) is not None and (own := documents.hover(params)):
            return own
        document = self.params.capabilities.text_document
        hover = document.hover if document else None
        markdown = types.MarkupKind.Markdown in ((hover and hover.content_format) or ())
        return hover_at(params, self.surfaces, self.review, markdown=markdown)

    def refresh_lenses(self) -> None:
        """Have the client ask for its code lenses again, where it can be told to."""
        workspace = self.params.capabilities.workspace
        lenses = workspace.code_lens if workspace else None
        if lenses and lenses.refresh_support:
            self.start(self._refresh_lenses())

    async def _refresh_lenses(self) -> None:
        try:
            await self.protocol.request(types.WORKSPACE_CODE_LENS_REFRESH, None)
        except ClientError as error:
            log.info("workspace/codeLens/refresh: %s", error)

    # --- tasks ------------------------------------------------------------------------------

    def build(self, task: Task, entries: list[Entry]) -> Agent:
        """A task's agent on this client's ports."""
        settings = self.configuration.current.settings
        surprises: list[str] = []
        on_disk = disk(settings, RooIgnore(self.folders, own=self.state_dir))
        files = EditorFileSystem(
            self.documents,
            on_disk,
            self.protocol,
            self.edit_abilities(),
            encoding=partial(encoding_of, self.protocol),
        )
        checkpoints = self.checkpoints.of(task, files, surprises, len(entries))
        emit = checkpoints.watching(task.emit)
        task.before_end = partial(self._turn_ends, task, checkpoints)
        people = TaskApprover(
            self.approvals,
            task.id,
            emit,
            partial(_details, workspace=self.workspace),
        )
        commands = SavingRunner(
            ShellRunner(
                self.store.outputs_dir(task.id),
                self._shell_options,
                on_changed=partial(_surprise, surprises),
                workspace=self.folders,
            ),
            files,
            on_disk,
            people,
            saves_documents="roo/saveDocuments" in self.extensions,
            tell=self.surfaces.message,
            recorded=partial(checkpoints.before_acting, whole=True),
        )
        host = Host(
            sandbox=lambda: self.sandbox,
            surprises=surprises,
            workspace=self.workspace,
            files=ReportingFileSystem(
                files,
                self.review.of(task.id, self.store.changes_dir(task.id), files),
                emit,
                partial(checkpoints.before_acting, whole=False),
            ),
            commands=commands,
            approver=people,
            asker=people,
            emit=emit,
            on_message=checkpoints.keep_entry,
            before_request=checkpoints.before_request,
            settings=lambda: self.settings_of(task.id, self.configuration.current),
            mode=lambda: task.mode,
            profile=lambda: self.profile_for(task),
            ask_for_key=partial(self.ask_for_key, task.id),
            state_dir=self.state_dir,
        )
        if offered := offers(self.extensions):
            host.servers = EditorLanguageServers(
                self.documents,
                self.protocol,
                self.workspace,
                encoding=partial(encoding_of, self.protocol),
                offered=offered,
            )
        if "roo/diagnostics" in self.extensions:
            host.around_tool = Diagnostics(self.documents, self.protocol).told_by
        return build_agent(host, self.connection, entries)

    async def _turn_ends(self, task: Task, checkpoints: TaskCheckpoints) -> None:
        await checkpoints.turn_ends()
        self.start(self.transcripts.turn_ended(task))

    def _shell_options(self) -> ShellOptions:
        commands = self.configuration.current.settings.commands
        return ShellOptions(
            timeout=commands.timeout,
            env=commands.env,
            shell=Path(commands.shell) if commands.shell else BASH,
            sandbox=self.sandbox,
            limits=limit_numbers(
                commands.limits.processes, commands.limits.memory, commands.limits.file_size
            ),
            required=commands.sandbox == "required",
        )

    def profile_for(self, task: Task) -> str:
        """The profile that the task's next request goes to."""
        return self.profile_of(task.mode, task.profile)

    def profile_of(self, mode: str, own: str) -> str:
        """A task's own profile, its mode's, or the active one."""
        settings = self.configuration.current.settings
        return own or settings.mode_profiles.get(mode, "") or settings.profile

    def edit_abilities(self) -> EditAbilities:
        """What the client can do with edits."""
        workspace = self.params.capabilities.workspace
        edit = workspace.workspace_edit if workspace else None
        return EditAbilities(
            apply_edit=bool(workspace and workspace.apply_edit),
            versioned=bool(edit and (edit.document_changes or edit.resource_operations)),
            deletes=bool(
                edit and types.ResourceOperationKind.Delete in (edit.resource_operations or ())
            ),
            compares_zero="neovim" not in self.client.lower(),
        )

    def _background_ended(self, task: asyncio.Task[Any]) -> None:
        self.background.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("work beside a request failed", exc_info=error)


def open_session(
    protocol: RooProtocol, params: types.InitializeParams, documents: Documents, version: str
) -> Session:
    """Everything for one client, on the state folder of this user.

    Raises:
        RooError: the state folder cannot be used.
    """
    options = object_or_empty(params.initialization_options)
    listed: object = object_or_empty(options.get("client")).get("extensions")
    given = cast("list[Any]", listed) if isinstance(listed, list) else []
    extensions = frozenset(each for each in EXTENSIONS if each in given)
    folders = folders_of(params)
    state = state_dir()
    try:
        store = TaskStore(state)
    except OSError as error:
        raise RooError(
            "internal",
            f"The state folder {state} cannot be used: {error.strerror}.",
            "Set ROO_STATE_DIR to a folder you can write.",
        ) from error
    trust = TrustStore(state / "trust.json", given=trusted_origins())
    window = params.capabilities.window
    workspace = params.capabilities.workspace
    surfaces = Surfaces(
        protocol,
        documents,
        state / "details",
        partial(encoding_of, protocol),
        has_dialogs=bool(window and window.show_message),
        has_show_document=bool(window and window.show_document and window.show_document.support),
        asks_permission="roo/requestPermission" in extensions,
        wants_dialogs=lambda: configuration.current.settings.ui.dialogs,
        wants_diagnostics=lambda: configuration.current.settings.ui.diagnostics,
        wants_lenses=lambda: configuration.current.settings.ui.code_lens,
        refresh_lenses=lambda: session.refresh_lenses(),  # noqa: PLW0108 -- made below
    )
    approvals = surfaces.approvals = Approvals(surfaces.changed)
    review = Review(
        documents,
        partial(encoding_of, protocol),
        publish=surfaces.publish,
        refresh_lenses=surfaces.refresh_lenses,
        wants_diagnostics=surfaces.wants_diagnostics,
        wants_lenses=surfaces.wants_lenses,
        start=lambda work: session.start(work),  # noqa: PLW0108 -- as above
    )
    surfaces.more_diagnostics = review.diagnostics
    progress = Progress(
        protocol,
        supported=bool(window and window.work_done_progress),
        extension="roo/event" in extensions,
        client=params.client_info.name if params.client_info else "",
    )
    configuration = Configuration(
        protocol,
        options.get("settings"),
        can_ask=bool(workspace and workspace.configuration),
        folders=folders,
        trust=trust,
        tell=surfaces.warning,
        ask_for_trust=lambda question: session.ask_for_trust(question),  # noqa: PLW0108 -- made below
        insist=approvals.insist,
        start=lambda work: session.start(work),  # noqa: PLW0108 -- as above
    )
    session = Session(
        protocol,
        documents,
        params,
        version,
        folders,
        state,
        store,
        trust,
        Connection(trust, Memory(state / "endpoints.json")),
        configuration,
        surfaces,
        approvals,
        progress,
        review,
        extensions=extensions,
    )
    session.tasks = Tasks(store, progress, folders[0], session.build, surfaces.warning)
    session.checkpoints = Checkpoints(
        folders,
        state,
        store,
        tell=surfaces.warning,
        enabled=lambda: configuration.current.settings.checkpoints.enabled,
        open_paths=lambda: [document.path for document in documents],
    )
    session.transcripts = Transcripts(
        store, surfaces, when=lambda: configuration.current.settings.ui.transcript
    )
    session.actions = Actions(
        documents,
        session.workspace.show,
        own=real_path(state),
        encoding=partial(encoding_of, protocol),
        mode=lambda: configuration.current.settings.mode,
    )
    session.start(asyncio.to_thread(preload))
    return session


def encoding_of(protocol: RooProtocol) -> str:
    """The position encoding agreed on: `utf-8`, `utf-16` or `utf-32`."""
    return types.PositionEncodingKind(protocol.workspace.position_encoding).value


def folders_of(params: types.InitializeParams) -> tuple[Path, ...]:
    """The workspace folders that are files here; without any, where the server was started."""
    uris = [folder.uri for folder in params.workspace_folders or ()]
    if not uris and params.root_uri:
        uris = [params.root_uri]
    folders = [path for uri in uris if (path := path_of(uri)) is not None]
    return tuple(folders) or (Path(os.getcwd()),)  # noqa: PTH109 -- the spelling the shell uses


def _surprise(surprises: list[str], changed: Sequence[Change]) -> None:
    """A command changed protected files, or nobody could see whether it did."""
    names = ", ".join(map(str, changed[:3])) or "they could not be compared"
    surprises.append(f"a command changed protected files ({names})")


def _details(request: PermissionRequest, workspace: Workspace) -> list[str]:
    return detail_lines(request, workspace)
