"""Each task's agent on the ports of its front end, with what is put around them."""

import os
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from roo_lsp.agent.approval import PermissionRequest
from roo_lsp.agent.conversation import Agent
from roo_lsp.agent.events import AgentEvent, StateChanged, UserMessageChunk
from roo_lsp.agent.messages import AssistantMessage, HistoryEntry, UserMessage
from roo_lsp.agent.modes import names_of
from roo_lsp.agent.ports import Asker, CommandRunner, FileSystem, LanguageServers
from roo_lsp.agent.redaction import Keys
from roo_lsp.agent.tool import AnyTool, Workspace
from roo_lsp.app import Host, build_agent, disk
from roo_lsp.endpoints import Connection
from roo_lsp.mcp.names import tool_name
from roo_lsp.mcp.servers import McpServers
from roo_lsp.mcp.tools import TaskTools
from roo_lsp.settings import Settings
from roo_lsp.settings_sources import Effective
from roo_lsp.tasks.approvals import Approvals, TaskApprover
from roo_lsp.tasks.checkpoints import Checkpoints, TaskCheckpoints
from roo_lsp.tasks.confinement import Confinement
from roo_lsp.tasks.details import detail_lines
from roo_lsp.tasks.effective_settings import EffectiveSettings
from roo_lsp.tasks.folder_rules import FolderRules
from roo_lsp.tasks.git_beside import GitBeside
from roo_lsp.tasks.kept import keep
from roo_lsp.tasks.mentioned import TaskMentions, is_meant
from roo_lsp.tasks.mentioned_text import POINTED
from roo_lsp.tasks.mentions import mentions_in, place_of
from roo_lsp.tasks.prompt_commands import CommandsAndMentions, PromptCommands
from roo_lsp.tasks.reporting import RecordingRunner, ReportingFileSystem
from roo_lsp.tasks.review import Reviews
from roo_lsp.tasks.subtasks import MAX_DEPTH, TaskSubtasks
from roo_lsp.tasks.surroundings import ReadGate, TaskSurroundings, left_running
from roo_lsp.tasks.task import Task, Tasks, Worker
from roo_lsp.tasks.view import UserView
from roo_lsp.workspace.commands import ShellRunner
from roo_lsp.workspace.outputs import OutputStore
from roo_lsp.workspace.policy import Surprises
from roo_lsp.workspace.rooignore import RooIgnore
from roo_lsp.workspace.sandbox.protect import ProtectedChange
from roo_lsp.workspace.store import TaskStore

T = TypeVar("T")

NEEDED_SECONDS = 30.0
"""How long a turn waits for a server that it needs."""
OUTPUT_BYTES = 100_000_000
"""Of long answers of MCP servers, for a task."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What a task acts on: the disk and a shell, or what a front end has around them."""

    files: FileSystem
    commands: CommandRunner
    servers: LanguageServers | None = None
    """The editor's other language servers, where it lets them be asked."""
    around_tool: Callable[[AnyTool], AnyTool] = lambda tool: tool
    """A tool as the front end wants it to run: with more in its result, say."""
    asks_for_texts: bool = False
    """True where `files` ask the front end for its texts: nothing else tells that a user typed there."""


def bare_ground(disk: FileSystem, shell: CommandRunner, asker: Asker) -> Ground:
    """The disk and the shell as they are."""
    del asker
    return Ground(disk, shell)


@dataclass(frozen=True, slots=True)
class Agents:
    """Those of one front end's tasks."""

    workspace: Workspace
    state_dir: Path
    ignore: RooIgnore
    store: TaskStore
    connection: Connection
    configuration: EffectiveSettings
    confinement: Confinement
    approvals: Approvals
    reviews: Reviews
    checkpoints: Checkpoints
    ground: Callable[[FileSystem, CommandRunner, Asker], Ground]
    """Given the disk, a shell, and who can be asked: once for each task."""
    settings_of: Callable[[str, Effective], Effective]
    """A task's settings, where it has some of its own."""
    view: UserView
    git: GitBeside
    servers: McpServers
    """Those of MCP."""
    turn_ended: Callable[[Task], None]
    open_text: Callable[[str], str | None]
    """The text of a document that is open, by its URI."""
    tell: Callable[[str], None]
    """Shows the user a message."""
    offered: PromptCommands
    tasks: Callable[[], Tasks]
    """All of them; made after this."""
    attended: bool = True
    """False where nobody is there to answer a question."""
    _surprises: dict[str, Surprises] = field(default_factory=dict[str, Surprises])
    """By the task that the user began: what happened in a part of it happened in it."""

    def __call__(self, task: Task, entries: Sequence[HistoryEntry]) -> Worker:
        """A task's agent, with what was said before."""
        surprises = self._surprises.setdefault((*task.line, task.id)[0], Surprises())
        folders = self.workspace.folders
        on_disk = disk(self.configuration.current.settings, self.ignore)
        shell = ShellRunner(
            self.store.outputs_dir(task.id),
            self.confinement.shell_options,
            on_changed=partial(_surprise, surprises),
            workspace=folders,
            hide=self.connection.keys.hidden_bytes,
        )
        outputs = OutputStore(
            self.store.outputs_dir(task.id), OUTPUT_BYTES, hide=self.connection.keys.hidden_bytes
        )
        details = partial(_details, workspace=self.workspace, keys=self.connection.keys)
        keeping = partial(keep, store=self.store, task_id=task.id, keys=self.connection.keys)
        in_answer = partial(_mentioned_in_answer, task, self.workspace)
        people = TaskApprover(self.approvals, task.id, task.emit, details, keeping, in_answer)
        ground = self.ground(on_disk, shell, people)
        checkpoints = self.checkpoints.of(task, ground.files, surprises)
        checkpoints.begin(len(entries))
        review = self.reviews.of(task.id, self.store.changes_dir(task.id), ground.files)
        host = Host(
            workspace=self.workspace,
            files=ReportingFileSystem(
                ground.files,
                review,
                task.emit,
                partial(checkpoints.before_acting, whole=False),
                self.connection.keys,
            ),
            commands=RecordingRunner(
                ground.commands, partial(checkpoints.before_acting, whole=True)
            ),
            approver=people,
            asker=people,
            emit=partial(_emit, task, checkpoints),
            on_message=checkpoints.keep_entry,
            before_request=partial(self._before_request, task, checkpoints),
            settings=partial(self._settings, task),
            mode=lambda: self.configuration.mode(task.mode).slug,
            modes=lambda: self.configuration.modes,
            switch_mode=task.set_mode,
            subtasks=TaskSubtasks(task, self.tasks) if len(task.line) < MAX_DEPTH else None,
            is_subtask=bool(task.line),
            profile=lambda: self.configuration.profile_of(task.mode, task.profile),
            ask_for_passage=lambda passage: _waiting(
                task, self.approvals.ask_for_passage(task.id, passage)
            ),
            offer=TaskTools(self.servers, partial(_keep_output, outputs)),
            state_dir=self.state_dir,
            sandbox=lambda: self.confinement.sandbox,
            ignore=self.ignore,
            surprises=surprises,
            around_tool=ground.around_tool,
            servers=ground.servers,
            changes=review.diffs,
            rules=self.configuration.rules,
            skills=self.configuration.instructions.skills,
            own_folders=self.configuration.instructions.own_folders,
            tell_once=self.configuration.tell_once,
            attended=self.attended,
        )
        agent = build_agent(host, self.connection, entries)
        agent.settled = partial(self._settled, task, agent)
        agent.context.recall.take_up(entries)
        around = self._around(task, agent, host)
        around.resumed, around.lost = bool(entries), left_running(entries)
        around.asks_for_texts = ground.asks_for_texts
        agent.surroundings = around
        mentions = TaskMentions(
            agent,
            self.view,
            self.git.place,
            lambda: bool(self.configuration.asking),
            lambda: self.store.messages(task.id),
            self.open_text,
            self.tell,
        )
        agent.mentions = CommandsAndMentions(mentions, lambda: self.offered.commands(task.mode))
        return Worker(
            agent,
            checkpoints.saw,
            checkpoints.begin,
            partial(self._turn_ends, task, checkpoints),
            people.denied,
            people.close_left,
            around.hand,
            lambda: self.offered.offered(self.configuration.mode(task.mode).slug),
        )

    def _settings(self, task: Task) -> Effective:
        """Those of a subtask are those of the tasks above it, and its own."""
        now = self.configuration.current
        for task_id in (*task.line, task.id):
            now = self.settings_of(task_id, now)
        return now

    def _around(self, task: Task, agent: Agent, host: Host) -> TaskSurroundings:
        def settings() -> Settings:
            return host.settings().for_profile(host.profile())

        return TaskSurroundings(
            self.view,
            ReadGate(
                self.workspace,
                agent.gate.policy,
                lambda: settings().files.respect_gitignore,
            ),
            self.git,
            host.files,
            host.commands,
            agent.context.recall,
            self.workspace,
            lambda: settings().context.editor,
            lambda: self.configuration.mode(task.mode).slug,
            rules=FolderRules(self.configuration, agent.context.recall, self.ignore.ignored),
        )

    async def _settled(self, task: Task, agent: Agent) -> None:
        """A turn goes on once the user has said what of the settings may be used.

        And once the servers that it needs are there, or have had their time: those whose tools it has
        used, and those that the user names.
        """
        if self.configuration.asking:
            await _waiting(task, self.configuration.settled())
        await self.servers.done()
        if slow := [each for each in self.servers.all if each.state == "connecting"]:
            needed = [each.entry.name for each in slow if _needs(agent, each.entry.name)]
            if needed:
                await self.servers.settled(needed, NEEDED_SECONDS)
        self._keep_mode(task)

    def _before_request(self, task: Task, checkpoints: TaskCheckpoints) -> None:
        self._keep_mode(task)
        checkpoints.before_request()

    def _keep_mode(self, task: Task) -> None:
        """A task whose mode is not there any more goes on in one that changes nothing, and says so."""
        mode = self.configuration.mode(task.mode)
        if mode.slug != task.mode:
            task.tell(
                f"There is no mode {task.mode} any more, so “{task.title}” goes on in the mode "
                f"{mode.slug}. Its other modes: {names_of(self.configuration.modes)}."
            )
            task.set_mode(mode.slug)

    async def _turn_ends(self, task: Task, checkpoints: TaskCheckpoints) -> None:
        await checkpoints.turn_ends()
        self.git.look()
        self.turn_ended(task)


def _needs(agent: Agent, server: str) -> bool:
    """Whether a task is about a server: the user names it, or one of its tools was called."""
    messages = agent.history.messages
    said = next((each.text for each in reversed(messages) if isinstance(each, UserMessage)), "")
    if re.search(rf"(?<!\w){re.escape(server)}(?!\w)", said, re.IGNORECASE):
        return True
    calls = (call for each in messages if isinstance(each, AssistantMessage) for call in each.calls)
    prefix = tool_name(server, "").rpartition("--")[0]
    return any(call.name.startswith(prefix) for call in calls)


def _keep_output(store: OutputStore, text: str) -> str | None:
    """Store a long answer; the name by which it is read on, or None where the disk does not let it."""
    try:
        name, descriptor = store.create()
        data = store.hide(text.encode("utf-8", "replace"))
        with os.fdopen(descriptor, "wb") as file:
            file.write(data[: store.grant(len(data))])
    except OSError:
        return None
    return name


async def _waiting(task: Task, answer: Awaitable[T]) -> T:
    """The answer; until it comes the task is shown as one that waits for the user."""
    task.emit(StateChanged("waiting"))
    try:
        return await answer
    finally:
        task.emit(StateChanged("running"))


def _mentioned_in_answer(task: Task, workspace: Workspace, answer: str) -> None:
    """An answer is a tool's result, and has nothing behind it: what it mentions follows it."""
    answer = answer.partition(POINTED)[0]
    found = mentions_in(answer, lambda name: place_of(name, workspace) is not None)
    if names := " ".join(answer[each.start : each.end] for each in found if is_meant(each)):
        task.note(names, own=None)


def _surprise(surprises: Surprises, changed: Sequence[ProtectedChange]) -> None:
    """A command changed protected files, or nobody could see whether it did."""
    names = ", ".join(map(str, changed[:3])) or "they could not be compared"
    surprises.happened(f"a command changed protected files ({names})")


def _details(request: PermissionRequest, workspace: Workspace, keys: Keys) -> list[str]:
    return [keys.hidden(line) for line in detail_lines(request, workspace)]


def _emit(task: Task, checkpoints: TaskCheckpoints, event: AgentEvent) -> None:
    """What the user says is told with its place in the history, which it can be taken back by."""
    if isinstance(event, UserMessageChunk):
        event = replace(event, entry=checkpoints.entries)
    task.emit(event)
