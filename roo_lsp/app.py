"""The composition root: settings and a host's ports in, a running agent out.

Each feature is one line here: a wrapper around a port.
"""

import json
import os
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path

from roo_lsp import endpoints
from roo_lsp.agent.approval import Approver, Gate
from roo_lsp.agent.conversation import Agent, Brief, History, nothing_to_wait_for
from roo_lsp.agent.events import EventSink, PlanUpdated
from roo_lsp.agent.guards import Limits
from roo_lsp.agent.messages import HistoryEntry
from roo_lsp.agent.modes import MODES, Modes
from roo_lsp.agent.ports import (
    Asker,
    ChatRequest,
    CommandRunner,
    Delta,
    FileSystem,
    LanguageServers,
    ToolSpec,
)
from roo_lsp.agent.prompt import system_prompt
from roo_lsp.agent.skills import Skill, skills_told
from roo_lsp.agent.tool import (
    AnyTool,
    Diff,
    FileLimits,
    Subtasks,
    TodoList,
    ToolContext,
    ToolKind,
    Workspace,
    nothing_changed,
)
from roo_lsp.agent.usage import Price
from roo_lsp.endpoints import AskPassage, Connection
from roo_lsp.mcp.tools import NOTHING, ServersOffer
from roo_lsp.settings import Settings
from roo_lsp.settings_sources import COMMAND_LINE, Effective, Source, effective
from roo_lsp.tools import all_tools
from roo_lsp.workspace.disk import DiskFileSystem
from roo_lsp.workspace.mode_files import (
    MAX_BYTES,
    USER_FILE,
    ModeProblem,
    ModesRead,
    read_modes,
)
from roo_lsp.workspace.policy import Rules, Surprises, WorkspacePolicy
from roo_lsp.workspace.rooignore import RooIgnore
from roo_lsp.workspace.sandbox.base import Sandbox
from roo_lsp.workspace.search import RipgrepSearcher
from roo_lsp.workspace.shell import Lists
from roo_lsp.workspace.sight import PolicySight
from roo_lsp.workspace.user_folders import config_dir

TOOLS = all_tools()


# --- settings -------------------------------------------------------------------------------


def user_settings() -> Source:
    """The user's own file; left out, with a reason, when other users can write it."""
    file = config_dir() / "settings.json"
    name = str(file)
    try:
        if os.name == "posix" and file.stat().st_mode & 0o022:
            return Source(name, None, problem="other users can write it, so it is not read")
        return Source(name, json.loads(file.read_text("utf-8-sig")))
    except FileNotFoundError:
        return Source(name, None)
    except (OSError, ValueError) as error:
        return Source(name, None, problem=f"it cannot be read: {error}")


def user_modes() -> ModesRead:
    """The user's own file of modes; not read, with a reason, when other users can write it."""
    file = config_dir() / USER_FILE
    name = str(file)
    try:
        if os.name == "posix" and file.stat().st_mode & 0o022:
            why = "other users can write it, so none of its modes is used"
            return ModesRead(problems=(ModeProblem(name, why),))
        with file.open("rb") as opened:
            return read_modes(name, opened.read(MAX_BYTES + 1))
    except FileNotFoundError:
        return ModesRead()
    except OSError as error:
        return ModesRead(problems=(ModeProblem(name, f"it cannot be read: {error.strerror}"),))


def sources(channel: Sequence[Source] = ()) -> list[Source]:
    """All sources, weakest first, with those of the LSP channel in their place."""
    provider = {
        key: os.environ[name]
        for key, name in (("baseUrl", "ROO_BASE_URL"), ("modelId", "ROO_MODEL"))
        if os.environ.get(name)
    }
    environment: dict[str, object] = {"provider": provider} if provider else {}
    if os.environ.get("ROO_PROFILE"):
        environment["profile"] = os.environ["ROO_PROFILE"]
    try:
        raw = json.loads(os.environ.get("ROO_CLI_SETTINGS") or "null")
        command_line = Source(COMMAND_LINE, raw)
    except ValueError as error:
        command_line = Source(COMMAND_LINE, None, problem=f"ROO_CLI_SETTINGS is no JSON: {error}")
    return [
        user_settings(),
        *channel,
        Source("environment", environment),
        command_line,
    ]


def current_settings(channel: Sequence[Source] = ()) -> Effective:
    """What holds without trust in the channel."""
    return effective(sources(channel))


def trusted_origins() -> list[str]:
    """The origins in $ROO_TRUST_ORIGINS."""
    return os.environ.get("ROO_TRUST_ORIGINS", "").split()


# --- the agent ------------------------------------------------------------------------------


@dataclass(slots=True)
class Host:
    """What a front end gives one task: its surroundings, as ports."""

    workspace: Workspace
    files: FileSystem
    commands: CommandRunner
    approver: Approver
    asker: Asker
    emit: EventSink
    on_message: Callable[[HistoryEntry], None]
    settings: Callable[[], Effective]
    """The settings now; asked before each request."""
    mode: Callable[[], str]
    profile: Callable[[], str]
    ask_for_passage: AskPassage
    state_dir: Path
    sandbox: Callable[[], Sandbox]
    """What commands run in now."""
    ignore: RooIgnore
    """The `.rooignore` files of the workspace."""
    surprises: Surprises = field(default_factory=Surprises)
    """What happened in this task that nobody approved."""
    settled: Callable[[], Awaitable[None]] = nothing_to_wait_for
    """Returns once nothing is being asked that decides about the settings: whether they are trusted."""
    before_request: Callable[[], None] = lambda: None
    """Called before each request: the calls of the last answer are done."""
    around_tool: Callable[[AnyTool], AnyTool] = lambda tool: tool
    """A tool as the front end wants it to run: with more in its result, say."""
    servers: LanguageServers | None = None
    """The editor's other language servers, where it lets them be asked."""
    changes: Callable[[], Awaitable[Sequence[Diff]]] = nothing_changed
    """What the task's own edits made of each file."""
    attended: bool = True
    """False where nobody is there to answer a question."""
    rules: Callable[[str], str] = lambda mode: ""  # noqa: ARG005 -- a port's
    """What the files of rules say in a mode, under their names."""
    modes: Callable[[], Modes] = lambda: MODES
    """Those there are now; `mode` names one of them."""
    skills: Callable[[str], Mapping[str, Skill]] = lambda mode: {}  # noqa: ARG005 -- a port's
    """Those of a mode, by name."""
    tell_once: Callable[[str], None] = lambda text: None  # noqa: ARG005 -- nobody is there
    """Shows the user a message that they have not been shown."""
    own_folders: Callable[[], tuple[Path, ...]] = tuple[Path, ...]
    """Folders of the user's own outside the workspace that may be read as what is in it."""
    offer: Callable[[int], ServersOffer] = lambda window: NOTHING  # noqa: ARG005 -- no servers
    """What MCP servers offer to a context of so many tokens; the same object while nothing changed."""
    switch_mode: Callable[[str], None] = lambda slug: None  # noqa: ARG005 -- a port's
    """Has the task go on in another one."""
    subtasks: Subtasks | None = None
    """What the task can hand to others; None: nothing."""
    is_subtask: bool = False
    """Another task waits for its result."""


def build_agent(host: Host, connection: Connection, entries: Sequence[HistoryEntry] = ()) -> Agent:
    """A task's agent, with what was said before."""
    rules = _rules(host)
    policy = WorkspacePolicy(
        rules,
        host.workspace.folders,
        host.surprises,
        now=partial(_rules, host),
        ignore=host.ignore,
    )
    briefs = _Briefs(host, policy)
    return Agent(
        model=_ConfiguredModel(host, connection),
        gate=Gate(policy, host.approver),
        context=ToolContext(
            workspace=host.workspace,
            files=host.files,
            searcher=RipgrepSearcher(folders=host.workspace.folders, ignore=policy.ignore),
            commands=host.commands,
            asker=host.asker,
            todos=TodoList(lambda todos: host.emit(PlanUpdated(todos))),
            limits=file_limits(host.settings().settings),
            takes_images=lambda: host.settings().for_profile(host.profile()).model.supports_images,
            servers=host.servers,
            sight=PolicySight(policy),
            changes=host.changes,
            skills=lambda: host.skills(host.mode()),
            modes=_HostModes(host),
            subtasks=host.subtasks,
        ),
        history=History(host.on_message, entries, connection.keys),
        emit=host.emit,
        brief=briefs,
        settled=host.settled,
    )


def disk(settings: Settings, ignore: RooIgnore) -> DiskFileSystem:
    """The disk, as the settings limit it and `.rooignore` has it listed."""
    return DiskFileSystem(max_file_bytes=settings.files.max_file_bytes, ignore=ignore)


def file_limits(settings: Settings) -> FileLimits:
    """The `files` settings, as tools take them."""
    files = settings.files
    return FileLimits(
        max_read_lines=files.max_read_lines,
        max_line_length=files.max_line_length,
        max_file_bytes=files.max_file_bytes,
        respect_gitignore=files.respect_gitignore,
    )


@dataclass(slots=True)
class _ConfiguredModel:
    """`ChatModel` that is, at each request, the one that the settings name then."""

    host: Host
    connection: Connection

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        host = self.host
        host.before_request()
        model = await self.connection.model(
            host.settings(), host.profile(), host.emit, host.ask_for_passage
        )
        async with aclosing(model.stream(request)) as deltas:
            async for delta in deltas:
                yield delta


@dataclass(frozen=True, slots=True)
class _HostModes:
    """`TaskModes` as the host has them."""

    host: Host

    @property
    def current(self) -> str:
        return self.host.mode()

    def names(self) -> Mapping[str, str]:
        return {slug: mode.name for slug, mode in self.host.modes().items()}

    def only_looks(self, slug: str) -> bool:
        return self.host.modes()[slug].only_looks

    def switch(self, slug: str) -> None:
        self.host.switch_mode(slug)


@dataclass(slots=True)
class _Briefs:
    """What holds for the next request; made anew when the settings or the mode changed."""

    host: Host
    policy: WorkspacePolicy
    _made_for: tuple[object, ...] | None = None
    _brief: Brief | None = field(default=None)

    def __call__(self) -> Brief:
        host = self.host
        folders = tuple(host.workspace.folders)
        modes, slug, settings = host.modes(), host.mode(), host.settings()
        told = (host.rules(slug), host.skills(slug))
        offer = host.offer(settings.for_profile(host.profile()).model.context_window)
        key = (settings, modes[slug], host.profile(), host.sandbox(), folders, told, modes, offer)
        if self._brief is None or self._made_for != key:
            self._made_for, self._brief = key, _brief(host, offer)
            self.policy.rules = _rules(host)
        return self._brief


def _brief(host: Host, offer: ServersOffer) -> Brief:
    settings = host.settings().for_profile(host.profile())
    modes = host.modes()
    mode = modes[host.mode()]
    skills = host.skills(mode.slug)
    offered = set[str](host.servers.offered if host.servers else ())
    if any(each.for_model for each in skills.values()):
        offered.add("skills")
    if not mode.allows("mcp"):
        offer = NOTHING
    allowed = {
        name: tool
        for name, tool in (TOOLS | dict(offer.tools)).items()
        if mode.allows(tool.group)
        and (tool.needs is None or tool.needs in offered)
        and (host.attended or not tool.asks)
        and (host.subtasks is not None or tool.group != "subtask")
        and (tool.kind is not ToolKind.EXECUTE or mode.allows("execute"))
    }
    tools = {name: host.around_tool(tool) for name, tool in allowed.items()}
    model, limits = settings.model, settings.limits
    return Brief(
        system=system_prompt(
            mode,
            host.workspace,
            tools.values(),
            settings.custom_instructions,
            host.sandbox().told,
            rules=host.rules(mode.slug),
            skills=_skills(host, skills, model.context_window),
            servers=offer.told,
            attended=host.attended,
            modes=modes.values(),
            subtask=host.is_subtask,
        ),
        tools=tools,
        specs=[
            _spec(name) if name in TOOLS else _foreign(tool)
            for name, tool in allowed.items()
            if name not in offer.hidden
        ],
        context_window=model.context_window,
        price=Price(
            input=model.input_price,
            output=model.output_price,
            cache_reads=model.cache_reads_price,
            cache_writes=model.cache_writes_price,
        ),
        limits=Limits(
            requests=limits.requests,
            cost=limits.cost,
            mistakes=limits.mistakes,
            steps=limits.steps,
        ),
        condense=settings.context.condense,
        condense_percent=settings.context.condense_percent,
        max_output_tokens=model.max_output_tokens,
    )


def _skills(host: Host, skills: Mapping[str, Skill], context_window: int) -> str:
    """Their list for the model; where it is cut the user hears of it."""
    text, cut = skills_told(skills.values(), context_window)
    if cut:
        host.tell_once(
            f"The descriptions of {len(skills)} skills are cut, to fit 2 % of the model's context: describe "
            "them in fewer words."
        )
    return text


@cache
def _spec(name: str) -> ToolSpec:
    tool = TOOLS[name]
    return ToolSpec(tool.name, tool.description, tool.schema())


def _foreign(tool: AnyTool) -> ToolSpec:
    return ToolSpec(tool.name, tool.description, tool.schema(), ours=False)


def preload() -> None:
    """Do once what the first request needs; called in a thread once the server has started."""
    for name in TOOLS:
        _spec(name)
    endpoints.preload()


def _rules(host: Host) -> Rules:
    settings, sandbox = host.settings().settings, host.sandbox()
    auto = settings.auto_approve
    return Rules(
        read=auto.read,
        read_outside=auto.read_outside,
        edit=auto.edit,
        edit_outside=auto.edit_outside,
        edit_protected=auto.edit_protected,
        execute=auto.execute,
        mcp=auto.mcp,
        # `--yes=mcp`: whoever says so on a command line has no entry in mind.
        any_mcp=auto.mcp and host.settings().origins.get("autoApprove.mcp") == COMMAND_LINE,
        mode_switch=auto.mode,
        subtask=auto.subtask,
        fetch=auto.fetch,
        mode=host.mode(),
        modes=host.modes(),
        commands=Lists(settings.allowed_commands, settings.denied_commands),
        other_shell=settings.commands.shell is not None,
        confined=sandbox.jail is not None,
        sandbox=sandbox.line,
        no_commands=sandbox.refused,
        state_dir=host.state_dir,
        own_folders=host.own_folders(),
    )
