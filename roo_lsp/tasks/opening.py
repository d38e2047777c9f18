"""A service for a front end: everything that runs tasks, put together on the ports that it hands in."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from roo_lsp.agent.errors import RooError
from roo_lsp.agent.ports import Asker, CommandRunner, FileSystem
from roo_lsp.agent.tool import Workspace
from roo_lsp.app import trusted_origins
from roo_lsp.endpoints import Connection, load_client
from roo_lsp.mcp.servers import McpServers, ServerSurroundings
from roo_lsp.providers.memory import Memory
from roo_lsp.settings_sources import Effective, Source
from roo_lsp.tasks.agents import Agents, Ground, bare_ground
from roo_lsp.tasks.approvals import Approvals
from roo_lsp.tasks.auto_approval import AutoApproval
from roo_lsp.tasks.background import Background
from roo_lsp.tasks.checkpoints import Checkpoints
from roo_lsp.tasks.confinement import Confinement
from roo_lsp.tasks.effective_settings import EffectiveSettings
from roo_lsp.tasks.git_beside import GitBeside
from roo_lsp.tasks.left import Left
from roo_lsp.tasks.mcp import prompt_commands
from roo_lsp.tasks.mention_offers import MentionOffers
from roo_lsp.tasks.prompt_commands import PromptCommands
from roo_lsp.tasks.prompts import PromptHistory
from roo_lsp.tasks.review import Reviews
from roo_lsp.tasks.screen import Screen
from roo_lsp.tasks.service import Service
from roo_lsp.tasks.stream import Audience
from roo_lsp.tasks.subtasks import parent_goes_on
from roo_lsp.tasks.task import Tasks
from roo_lsp.tasks.transcripts import Transcripts
from roo_lsp.tasks.view import NoView, UserView
from roo_lsp.workspace.folders import Folders
from roo_lsp.workspace.path_list import PathList
from roo_lsp.workspace.rooignore import RooIgnore
from roo_lsp.workspace.store import TaskStore
from roo_lsp.workspace.trust import TrustStore
from roo_lsp.workspace.user_folders import state_dir


@dataclass(frozen=True, slots=True)
class FrontEnd:
    """What a front end hands in. The first three are what it is; the rest is what it has besides."""

    name: str
    """And its version, for people."""
    audience: Audience
    screen: Screen
    ground: Callable[[FileSystem, CommandRunner, Asker], Ground] = bare_ground
    """What tasks act on, given the disk, a shell, and who can be asked: once for each task."""
    open_text: Callable[[str], str | None] = lambda uri: None  # noqa: ARG005 -- none is open
    """The text of a document that is open, by its URI."""
    open_paths: Callable[[], Iterable[Path]] = tuple[Path, ...]
    """Files that it has open, and changes itself."""
    view: UserView = field(default_factory=NoView)
    """What its user sees, for the model."""
    channel: Callable[[], Sequence[Source]] = tuple[Source, ...]
    """Settings that came over it, weakest first: they may only tighten."""
    settings_of: Callable[[str, Effective], Effective] = lambda task_id, now: now  # noqa: ARG005 -- none
    """A task's settings, where it has some of its own."""
    shown_in: Callable[[str], Path | None] = lambda task_id: None  # noqa: ARG005 -- none
    """The open document that shows a task."""
    attended: bool = True
    """False where nobody is there to be asked: whether to trust the workspace, or by the model."""
    approvals: Approvals = field(default_factory=Approvals)
    """What waits; to show it, watch it."""
    reviews: Reviews = field(default_factory=Reviews)
    """What the tasks changed."""
    background: Background = field(default_factory=Background)
    connect: Callable[[TrustStore, Memory], Connection] = Connection
    """What leads to the models that the settings name."""


def open_service(front: FrontEnd, folders: Sequence[Path], version: str) -> Service:
    """A service on the state folder of this user; no task may be run before `Service.configure`.

    Raises:
        RooError: the state folder cannot be used.
    """
    folders = folders if isinstance(folders, Folders) else Folders(folders)
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
    connection = front.connect(trust, Memory(state / "endpoints.json"))
    ignore = RooIgnore(folders, own=state)
    workspace = Workspace(folders, folders.named)
    screen, start = front.screen, front.background.start
    configuration = EffectiveSettings(
        front.channel,
        folders,
        trust,
        tell=screen.warning,
        ask_for_trust=front.approvals.ask_for_trust,
        insist=front.approvals.insist,
        start=start,
        connection=connection,
        attended=front.attended,
    )
    servers = McpServers(
        ServerSurroundings(
            start,
            screen.warning,
            lambda: list(folders),
            screen.open_url,
            state,
            connection.keys.learn,
            load_client,
        )
    )
    configuration.changed = lambda: servers.configure(*configuration.servers())
    confinement = Confinement(folders, lambda: configuration.current.settings)
    checkpoints = Checkpoints(
        folders,
        state,
        store,
        tell=screen.warning,
        enabled=lambda: configuration.current.settings.checkpoints.enabled,
        open_paths=front.open_paths,
        hidden=connection.keys.hidden,
        may_edit=lambda mode: configuration.mode(mode).allows("edit"),
    )
    transcripts = Transcripts(
        store, screen, when=lambda: configuration.current.settings.ui.transcript
    )
    auto_approval = AutoApproval()

    def settings_of(task_id: str, now: Effective) -> Effective:
        found = front.settings_of(task_id, now)
        # Switched on before the workspace became one that is not trusted: it waits as well.
        return found if configuration.narrowed else auto_approval.laid_over(task_id, found)

    git = GitBeside(
        folders,
        lambda: configuration.trusted and not configuration.asking,
        lambda: configuration.current.settings.context.editor.git,
        start,
    )
    offered = PromptCommands(configuration.instructions, [lambda: prompt_commands(servers)])
    agents = Agents(
        workspace,
        state,
        ignore,
        store,
        connection,
        configuration,
        confinement,
        front.approvals,
        front.reviews,
        checkpoints,
        front.ground,
        settings_of,
        front.view,
        git,
        servers,
        turn_ended=lambda task: start(transcripts.turn_ended(task)),
        open_text=front.open_text,
        tell=screen.message,
        offered=offered,
        tasks=lambda: tasks,
        attended=front.attended,
    )
    tasks = Tasks(
        store,
        front.audience,
        folders[0],
        agents,
        screen.warning,
        front.approvals.outlive,
        connection.keys,
        lambda task: parent_goes_on(task, tasks),
    )
    return Service(
        version,
        front.name,
        workspace,
        folders,
        state,
        ignore,
        store,
        connection,
        configuration,
        confinement,
        front.approvals,
        front.reviews,
        checkpoints,
        transcripts,
        auto_approval,
        PromptHistory(state / "prompts.jsonl", connection.keys),
        MentionOffers(workspace, ignore, front.view, PathList(folders, workspace.show, start)),
        tasks,
        Left(store, folders[0], front.approvals, tasks),
        front.background,
        git,
        offered,
        servers,
        front.audience,
        screen,
        front.open_text,
        front.shown_in,
    )
