"""What tasks run on, whoever shows them; what is asked of it are the functions of `tasks/verbs/`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from roo_lsp.agent.modes import names_of
from roo_lsp.agent.tool import Workspace
from roo_lsp.endpoints import Connection
from roo_lsp.mcp.servers import McpServers
from roo_lsp.settings_sources import no_profile
from roo_lsp.tasks.approvals import Approvals
from roo_lsp.tasks.attachments import require_support
from roo_lsp.tasks.auto_approval import AutoApproval, switches_json
from roo_lsp.tasks.background import Background
from roo_lsp.tasks.checkpoints import Checkpoints
from roo_lsp.tasks.confinement import Confinement
from roo_lsp.tasks.effective_settings import EffectiveSettings
from roo_lsp.tasks.git_beside import GitBeside
from roo_lsp.tasks.left import Left
from roo_lsp.tasks.mention_offers import MentionOffers
from roo_lsp.tasks.prompt_commands import PromptCommands
from roo_lsp.tasks.prompts import PromptHistory
from roo_lsp.tasks.refusals import Invalid, Refused
from roo_lsp.tasks.review import Reviews
from roo_lsp.tasks.screen import Screen
from roo_lsp.tasks.stream import Audience
from roo_lsp.tasks.task import Task, Tasks
from roo_lsp.tasks.transcripts import Transcripts
from roo_lsp.workspace.descriptors import real_path
from roo_lsp.workspace.folders import Folders
from roo_lsp.workspace.rooignore import RooIgnore
from roo_lsp.workspace.store import TaskStore
from roo_lsp.workspace.uris import path_of


@dataclass(frozen=True, slots=True)
class Service:
    """What runs the tasks of one front end; `opening.open_service` makes it."""

    version: str
    client: str
    """The front end's name, and its version."""
    workspace: Workspace
    folders: Folders
    """Those of the workspace."""
    state_dir: Path
    ignore: RooIgnore
    """What the user keeps from the agent."""
    store: TaskStore
    connection: Connection
    configuration: EffectiveSettings
    confinement: Confinement
    approvals: Approvals
    reviews: Reviews
    checkpoints: Checkpoints
    transcripts: Transcripts
    auto_approval: AutoApproval
    prompts: PromptHistory
    mentions: MentionOffers
    tasks: Tasks
    left: Left
    """What waits in tasks whose server ended."""
    background: Background
    git: GitBeside
    offered: PromptCommands
    """The slash commands that are for the model."""
    servers: McpServers
    """Those of MCP."""
    audience: Audience
    screen: Screen
    open_text: Callable[[str], str | None]
    """The text of a document that is open, by its URI; None for every other."""
    shown_in: Callable[[str], Path | None]
    """The open document that shows a task."""

    async def configure(self) -> None:
        """The settings of the channel have come, or changed; no task may run before the first time."""
        looked_before = self.configuration.discovered
        if looked_before:  # what is forbidden from now on is so at once
            self.configuration.refresh()
        if await self.configuration.discover() or not looked_before:
            self.configuration.refresh()
        await self.confinement.look()
        self.git.look()

    async def change_folders(self, added: Sequence[Path], removed: Sequence[Path]) -> None:
        """Folders come and go: they count from the next call on, for tasks that run as well."""
        if self.folders.change(added, removed):
            self.checkpoints.folders_changed()
            await self.configure()
            self.servers.roots_changed()

    async def close(self) -> None:
        """Stop everything; nothing of ours runs afterwards."""
        await self.tasks.close()
        await self.servers.close()
        await self.checkpoints.close()
        await self.background.close()
        await self.connection.close()
        self.store.close()


def approved_by_itself(service: Service, task_id: str | None) -> dict[str, bool]:
    """What holds in a task, or in the next one."""
    current = service.configuration.current
    if not service.configuration.narrowed:
        current = service.auto_approval.laid_over(task_id or "", current)
    return switches_json(current)


def require_idle(service: Service, task: Task) -> None:
    """Refuse to go back while a turn of any task may be changing files."""
    if busy := [each for each in service.tasks if each.running]:
        which = "This task" if task in busy else f"The task “{busy[0].title}”"
        raise Refused(f"{which} is running. Cancel it, or wait until its turn is over.", "running")


def task_of(service: Service, task_id: str | None) -> Task:
    task = service.tasks.get(task_id)
    if task is None:
        if task_id is None:
            raise Refused("There is no task yet.", "no_task")
        raise Invalid(f"taskId: there is no task {task_id}")
    return task


def require_images(service: Service, profile: str) -> None:
    require_support(service.configuration.current.for_profile(profile), profile)


def require_visible(service: Service, uris: Sequence[str]) -> None:
    """Refuse what the workspace's `.rooignore` keeps from the agent, open in the editor or not."""
    for uri in uris:
        path = path_of(uri)
        if path is not None and service.ignore.keeps(path, real_path(path)):
            raise Refused(
                f"{service.workspace.show(path)} was not sent: .rooignore keeps it from the agent. "
                "Take it out of .rooignore, or leave it out of the message.",
                "ignored",
            )


def check_mode(service: Service, mode: str) -> None:
    """Refuse a mode that there is not, nor will be once the user has said what they are asked.

    Raises:
        Invalid: naming those there are.
    """
    configuration = service.configuration
    if mode not in configuration.modes and not configuration.may_come(mode):
        raise Invalid(f"mode: no mode {mode!r}; known: {names_of(configuration.modes)}")


def check_profile(service: Service, profile: str) -> None:
    settings = service.configuration.current.settings
    if profile not in settings.profiles:
        raise Invalid(f"profile: {no_profile(profile, settings)}")
