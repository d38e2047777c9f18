"""What a tool is: a value that says what it would do, so that the loop can ask before it does.

A tool lives in one file of `roo_lsp/tools`: a pydantic model of its arguments whose docstring is
what the model reads, and two functions. `targets` names the paths a call is about, from the
arguments alone; `prepare` looks and describes, and changes nothing. Only what it returns can act.
"""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from inspect import cleandoc
from pathlib import Path
from typing import Any, Generic, Literal, Protocol, TypeVar, cast

from pydantic import BaseModel, ConfigDict, ValidationError, ValidationInfo, model_validator

from roo_lsp.agent.errors import ToolError
from roo_lsp.agent.json_values import Json, JsonObject
from roo_lsp.agent.messages import Image
from roo_lsp.agent.ports import (
    Asker,
    CommandRunner,
    Feature,
    FileSystem,
    LanguageServers,
    Searcher,
    TaskModes,
)
from roo_lsp.agent.recall import Recall
from roo_lsp.agent.skills import Skill

"""A JSON value, where it crosses a border as it is."""


class ToolKind(StrEnum):
    """ACP's tool kinds."""

    READ = "read"
    EDIT = "edit"
    DELETE = "delete"
    MOVE = "move"
    SEARCH = "search"
    EXECUTE = "execute"
    THINK = "think"
    FETCH = "fetch"
    SWITCH_MODE = "switch_mode"
    OTHER = "other"


Group = Literal["read", "edit", "execute", "mcp", "mode", "subtask", "fetch", "always"]
"""What approval a tool falls under: a key of `autoApprove`, or `always` for what acts on nothing."""


_NO_WORDS = ("", "null", "None")
"""What models write for an argument that they leave out, beside null."""


class Arguments(BaseModel):
    """Base of every tool's arguments: what a model adds to them is left out and told, never refused.

    Null stands for an argument that is left out, where it may be left out: with strict tools a
    model has to name every argument. So do the words that models write for null.
    """

    model_config = ConfigDict(extra="forbid", defer_build=True)

    @model_validator(mode="before")
    @classmethod
    def _as_meant(cls, given: Json, info: ValidationInfo) -> Json:
        """Without nulls; where somebody asks (a list as context), without unknown names as well."""
        if not isinstance(given, dict):
            return given
        optional = {name for name, field in cls.model_fields.items() if not field.is_required()}
        values = cast("JsonObject", given).items()
        meant = {name: each for name, each in values if name not in optional or not _is_no(each)}
        if isinstance(info.context, list):
            unknown = [name for name in meant if name not in cls.model_fields]
            cast("list[str]", info.context).extend(unknown)
            for name in unknown:
                del meant[name]
        return meant


def _is_no(value: Json) -> bool:
    return value is None or (isinstance(value, str) and value in _NO_WORDS)


A = TypeVar("A", bound=Arguments)


@dataclass(frozen=True, slots=True)
class Target:
    """A path that a call is about, absolute but not yet resolved, and what it wants there."""

    path: Path
    access: Literal["read", "write"]


@dataclass(frozen=True, slots=True)
class Diff:
    """A change to one file; `old` is None where the file is new, `new` where it goes away."""

    path: Path
    old: str | None
    new: str | None


@dataclass(frozen=True, slots=True)
class Location:
    """A place for an editor to show; `line` is 1-based."""

    path: Path
    line: int | None = None


@dataclass(frozen=True, slots=True)
class ToolResult:
    """How a call ended."""

    text: str
    """What the model is told."""
    failed: bool = False
    diffs: tuple[Diff, ...] = ()
    locations: tuple[Location, ...] = ()
    meta: Mapping[str, Json] = field(default_factory=JsonObject)
    """Goes to clients as `_meta`: line range of a read, exit code of a command."""
    images: tuple[Image, ...] = ()
    """What the model is shown beside the text."""
    ends_turn: bool = False
    """True for a result that is the task's answer (attempt_completion)."""
    settled: bool = False
    """True where the user has said it: the same is not asked again."""

    @property
    def went_wrong(self) -> bool:
        """True for a failure, and for a command that ended with one."""
        code = self.meta.get("exitCode")
        return self.failed or code not in {0, None} or self.meta.get("state") == "signalled"


ShowOutput = Callable[[str], None]
"""Takes output as it comes, while a call runs."""


@dataclass(frozen=True, slots=True)
class Invocation:
    """What a call would do, ready to be shown and then run; `run` acts on exactly this."""

    title: str
    """For people, one line: `Edit src/app.py`."""
    run: Callable[[ShowOutput], Awaitable[ToolResult]]
    diffs: tuple[Diff, ...] = ()
    command: str | None = None
    """The shell text that would run."""
    cwd: Path | None = None
    unconfined: bool = False
    """The command would run outside the sandbox: the user is asked, whatever was said before."""
    note: str = ""
    """What else the user should know before it is allowed, as a phrase."""
    locations: tuple[Location, ...] = ()
    targets: tuple[Target, ...] = ()
    """What it is about beside what the arguments name, judged with that."""
    payload: str = ""
    """What is handed to a program of others, or to another task, whole; shown with the question."""
    about: str = ""
    """What an *always* about it is for, where its group is too much."""
    preapproved: bool = False
    """The user has named it where its group asks for that: it needs no question of its own."""


@dataclass(slots=True)
class Todo:
    """One entry of the task's todo list, in ACP's words."""

    content: str
    status: Literal["pending", "in_progress", "completed"]


@dataclass(slots=True)
class TodoList:
    """The task's todo list; whoever shows it is told of each that takes the place of another."""

    replaced: Callable[[Sequence[Todo]], None] = lambda entries: None  # noqa: ARG005 -- nobody shows it
    entries: Sequence[Todo] = ()

    def replace(self, entries: Sequence[Todo]) -> None:
        """These are the entries from now on."""
        self.entries = tuple(entries)
        self.replaced(self.entries)


@dataclass(frozen=True, slots=True)
class SubtaskWanted:
    """A part of the task for a subtask; `call_id` is the call that gets its result."""

    call_id: str
    mode: str
    prompt: str
    todos: Sequence[Todo] = ()


class Subtasks(Protocol):
    """Tasks below the one that calls; each is run to its end before its call has a result."""

    def refusal(self) -> str | None:
        """Why none can be begun now, in words for the model; else None."""
        ...

    async def run(self, wanted: SubtaskWanted) -> ToolResult:
        """Begin one; cancelling stops it.

        Raises:
            ToolError: it cannot be begun.
        """
        ...

    async def rejoin(self, call_id: str, task_id: str) -> ToolResult:
        """The result of one that was begun before a server ended, which goes on where it was.

        Raises:
            ToolError: it cannot.
        """
        ...


@dataclass(frozen=True, slots=True)
class FileLimits:
    """How much of a file a tool shows."""

    max_read_lines: int = 2000
    max_line_length: int = 2000
    max_file_bytes: int = 20_000_000
    respect_gitignore: bool = True


@dataclass(frozen=True, slots=True)
class Workspace:
    """The folders a task works in, as the client named them; the first is where commands start."""

    folders: Sequence[Path]
    named: Callable[[], Mapping[str, Path]] = dict[str, Path]
    """Folders but the first that a path may begin with the name of; as of now."""

    @property
    def root(self) -> Path:
        return self.folders[0]

    def path(self, asked: str) -> Path:
        """The absolute path for what the model wrote; relative to the folder it begins with the name of,
        else to the first one.

        Raises:
            ToolError: the text cannot be a path.
        """
        if not asked.strip() or "\0" in asked:
            raise ToolError("The path is empty or has a NUL character in it.")
        if len(asked.encode("utf-8", "surrogatepass")) > 4096:  # PATH_MAX of Linux
            raise ToolError("The path is longer than 4096 bytes.")
        named = self.named()
        if named and not asked.startswith("/"):
            first, *rest = Path(asked).parts or (".",)
            if first in named:
                return named[first].joinpath(*rest)
        return self.root / asked

    def show(self, path: Path) -> str:
        """The path as a person and the model name it, so that `path` finds it: relative to the first folder
        when below it, behind the name of another one that has one.
        """
        if path.is_relative_to(self.root):
            return path.relative_to(self.root).as_posix() or "."
        for name, folder in self.named().items():
            if path.is_relative_to(folder):
                return Path(name, path.relative_to(folder)).as_posix()
        return path.as_posix()


Seen = Literal["shown", "named", "hidden"]
"""What the model may be told of a path: what stands there, that there is something, nothing."""


class Sight(Protocol):
    """What may be told and done where a call is led by something other than its arguments."""

    def seen(self, targets: Sequence[Target], approved: Sequence[Target]) -> Sequence[Seen]:
        """Of each target; `approved` are the call's own, and what lies in them may be shown.

        From then on the call reads what these paths were when they were looked at.
        """
        ...

    def refusal(self, targets: Sequence[Target]) -> str | None:
        """Why the targets can never be written, in words for the model; else None."""
        ...


async def nothing_changed() -> Sequence[Diff]:
    """What a task changed where nobody keeps it."""
    return ()


@dataclass(frozen=True, slots=True)
class ToolContext:
    """What a tool may use; everything that reaches outside is a port."""

    workspace: Workspace
    files: FileSystem
    searcher: Searcher
    commands: CommandRunner
    asker: Asker
    todos: TodoList
    limits: FileLimits = FileLimits()
    takes_images: Callable[[], bool] = lambda: False
    """Whether the model takes images, as of now: settings and profiles change."""
    servers: LanguageServers | None = None
    """The editor's other language servers, where it lets them be asked."""
    recall: Recall = field(default_factory=Recall)
    """What the task's tools remember."""
    sight: Sight | None = None
    """Goes with `servers`: what they name was named by nobody here."""
    changes: Callable[[], Awaitable[Sequence[Diff]]] = nothing_changed
    """What the task's own edits made of each file, as it is now; `old` is without them."""
    skills: Callable[[], Mapping[str, Skill]] = dict[str, Skill]
    """Those that the user keeps for the mode, by name, as of now."""
    modes: TaskModes | None = None
    """The task's mode and the others, where it can change."""
    subtasks: Subtasks | None = None
    """Where parts of the task can be handed to others."""
    call_id: str = ""
    """The call that is prepared."""


def no_targets(arguments: Any, context: ToolContext) -> tuple[Target, ...]:
    """For tools that name no path."""
    del arguments, context
    return ()


@dataclass(frozen=True, slots=True)
class Tool(Generic[A]):
    """A tool the model can call."""

    name: str
    kind: ToolKind
    group: Group
    arguments: type[A]
    prepare: Callable[[A, ToolContext], Awaitable[Invocation]]
    """Looks and describes; raises ToolError; has no effect anyone could see."""
    targets: Callable[[A, ToolContext], tuple[Target, ...]] = no_targets
    parallel: bool = False
    """True for calls without side effects, which may run beside their neighbours."""
    needs: Feature | Literal["skills"] | None = None
    """What there has to be for it; without, there is no such tool."""
    beside: Callable[[A, ToolContext], bool] | None = None
    """The same, where it is the call's arguments that tell; raises ToolError where they cannot."""
    rule: str = ""
    """How to use it, beyond what its description says, for the system prompt. Tools with the same
    rule are named in it together, where it has `{tools}`."""
    doing: str = ""
    """What it is doing while it runs, instead of the first word of its titles: `Editing`."""
    writes: bool = False
    """True where its arguments hold the text of files: what grows is told by file and lines."""
    makes: bool = False
    """True where what its path names may not be there yet."""
    final: bool = False
    """True where its call ends the turn: it comes after all others of its answer."""
    asks: bool = False
    """True where it needs somebody to answer: where nobody is there, there is no such tool."""
    told_elsewhere: bool = False
    """True where events of another kind say what it does: front ends leave the call out."""

    @property
    def description(self) -> str:
        return cleandoc(self.arguments.__doc__ or "")

    @property
    def argument_names(self) -> Sequence[str]:
        return list(self.arguments.model_fields)

    def schema(self) -> JsonObject:
        """The arguments' JSON Schema, compact: no titles, no defaults, no repeated description."""
        schema = self.arguments.model_json_schema()
        schema.pop("description", None)
        return _compact(schema)

    def parse(self, arguments: str, ignored: list[str] | None = None) -> A:
        """The arguments of a call; names that the tool does not know are left out, into `ignored`.

        Raises:
            ToolError: naming each argument that is missing or of the wrong type, or the place where
                the JSON breaks; and each that is unknown, unless there is a list for these.
        """
        try:
            return self.arguments.model_validate_json(arguments or "{}", context=ignored)
        except ValidationError as error:
            if ignored:  # an unknown name may be what a missing argument was called
                return self.parse(arguments)
            raise ToolError(self._complaint(error)) from None

    def _complaint(self, error: ValidationError) -> str:
        problems = [
            f"{'.'.join(map(str, each['loc'])) or 'arguments'}: {each['msg']}"
            for each in error.errors(include_url=False, include_context=False, include_input=False)
        ]
        names = ", ".join(
            f"{name}{'' if info.is_required() else ' (optional)'}"
            for name, info in self.arguments.model_fields.items()
        )
        return (
            f"The arguments of {self.name} are not valid: {'; '.join(problems)}. "
            f"It takes a JSON object with: {names or 'nothing'}."
        )


AnyTool = Tool[Any]


def _compact(node: Json) -> Json:
    """A pydantic schema without what costs tokens and tells a model nothing.

    What may be null has its plain type: it may be left out, and there are endpoints that know no
    lists of types.
    """
    if isinstance(node, list):
        return [_compact(item) for item in cast("list[Json]", node)]
    if not isinstance(node, dict):
        return node
    items = cast("JsonObject", node)
    kept = {
        key: {name: _compact(value) for name, value in value.items()}
        if key in {"properties", "$defs"}
        else _compact(value)
        for key, value in items.items()
        if key not in {"title", "default"}
    }
    match kept.get("anyOf"):
        case [{"type": str()} as value, {"type": "null"}]:
            del kept["anyOf"]
            kept |= value
        case _:
            pass
    return kept


def canonical(name: str, arguments: str) -> str:
    """A call's identity for comparing calls: the name and its arguments, whatever the key order."""
    try:
        return f"{name} {json.dumps(json.loads(arguments), sort_keys=True)}"
    except ValueError:
        return f"{name} {arguments}"
