"""What a user can set: the `roo` section and its defaults, and what is wrong with a value.

A source is cleaned by itself: a key that is unknown or of the wrong type is reported with its path
and left out, and takes nothing else with it.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import NoneType
from typing import Annotated, Any, Literal, Union, cast, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel
from pydantic.fields import FieldInfo

from roo_lsp.agent.json_values import object_or_empty

Raw = dict[str, Any]
"""A JSON object as a source has it."""


ORIGIN_KEYS = "ROO_ORIGIN_KEYS"
"""The environment variable by which an editor hands over keys that its user has stored for one origin
each: `ORIGIN=VARIABLE …`, where the variables hold the keys. Such a key goes there and nowhere else."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a value should be, in words, for the message about one that is not."""

    words: str


Seconds = Annotated[float, Field(ge=0), Expected("a number of seconds ≥ 0")]
Count = Annotated[int, Field(ge=0), Expected("a whole number ≥ 0")]
Positive = Annotated[int, Field(gt=0), Expected("a whole number > 0")]
DollarPrice = Annotated[
    float, Field(ge=0), Expected("a number of US dollars per million tokens ≥ 0")
]
Dollars = Annotated[float, Field(ge=0), Expected("a number of US dollars ≥ 0")]
Strings = Annotated[tuple[str, ...], Expected("a list of strings")]


class Section(BaseModel):
    """Base of every part of the settings.

    A key has one spelling, the camelCase of the wire: what decides whether a value widens looks for
    that one, so a second spelling would be a way around it.
    """

    model_config = ConfigDict(
        alias_generator=to_camel,
        extra="forbid",
        frozen=True,
        strict=True,
        defer_build=True,
    )


class TimeoutSettings(Section):
    """Seconds; 0 is no limit."""

    connect: Seconds = Field(default=10, description="To reach the endpoint.")
    first_token: Seconds = Field(
        default=300,
        description="From the request to the first piece of the answer; local models are slow.",
    )
    idle: Seconds = Field(default=120, description="Between two pieces of an answer.")
    total: Seconds = Field(default=0, description="For a whole answer.")


class RetrySettings(Section):
    """For 408, 409, 429, 5xx, connection errors and cut streams; `Retry-After` wins."""

    attempts: Positive = Field(default=5, description="Tries of one request, the first included.")
    max_delay: Seconds = Field(
        default=60, description="The longest wait between two tries, in seconds."
    )


class TlsSettings(Section):
    """How the endpoint is verified, and how we show who we are."""

    ca_file: str | None = Field(
        default=None, description="PEM file of certificate authorities to trust."
    )
    client_cert: str | None = Field(default=None, description="PEM file of our certificate.")
    client_key: str | None = Field(default=None, description="PEM file of its key.")
    verify: bool = Field(default=True, description="Verify the endpoint's certificate.")


class ProviderSettings(Section):
    """The endpoint, and what is sent to it. What is not set is not sent."""

    base_url: str = Field(
        default="",
        description="API endpoint. Empty: $ROO_BASE_URL, $OPENAI_BASE_URL, then a local server.",
    )
    api: Literal["auto", "chat", "responses"] = Field(
        default="auto",
        description="Chat completions, or the Responses API. `auto`: chat, until the endpoint says that "
        "the model wants the other.",
    )
    api_key: str | None = Field(
        default=None, description="The key itself. Better: apiKeyEnv or apiKeyCommand.", repr=False
    )
    api_key_env: str = Field(
        default="OPENAI_API_KEY", description="Name of the environment variable that holds the key."
    )
    api_key_command: Annotated[tuple[str, ...] | None, Expected("a list of strings")] = Field(
        default=None,
        description="Program and arguments that print the key; run once, without a shell.",
    )
    model_id: str = Field(
        default="", description="The model. Empty: the one model the endpoint serves."
    )
    headers: dict[str, str] = Field(default_factory=dict, description="Sent as they are.")
    query: dict[str, str] = Field(default_factory=dict, description="Added to each URL.")
    extra_body: dict[str, Any] = Field(
        default_factory=dict, description="Added to each request body."
    )
    azure_api_version: str | None = Field(
        default=None, description="Set: Azure OpenAI addressing and `api-key` header."
    )
    streaming: bool = Field(default=True, description="False: one whole answer, without deltas.")
    temperature: float | None = Field(default=None, description="Null: not sent.")
    top_p: float | None = Field(default=None, description="Null: not sent.")
    seed: int | None = Field(default=None, description="Null: not sent.")
    max_tokens_field: Literal["auto", "max_tokens", "max_completion_tokens"] = Field(
        default="auto", description="The name that carries model.maxOutputTokens."
    )
    parallel_tool_calls: bool | None = Field(default=None, description="Null: not sent.")
    tool_choice: Literal["auto", "required"] = Field(
        default="auto", description="`required` makes the model call a tool in each answer."
    )
    strict_tools: bool = Field(default=False, description="Send `strict: true` with the tools.")
    reasoning_effort: str | None = Field(
        default=None,
        description="Sent as `reasoning_effort` (Responses: `reasoning.effort`) when set.",
    )
    replay_reasoning: Literal["auto", "always", "never"] = Field(
        default="auto", description="Send reasoning back inside the same turn."
    )
    timeouts: TimeoutSettings = Field(
        default_factory=TimeoutSettings, description="Seconds; 0 is no limit."
    )
    retry: RetrySettings = Field(
        default_factory=RetrySettings, description="How failed requests are made again."
    )
    rate_limit_seconds: Seconds = Field(
        default=0, description="Least time between the starts of two requests, in seconds."
    )
    tls: TlsSettings = Field(default_factory=TlsSettings, description="Certificates.")
    proxy: str | None = Field(default=None, description="URL of an HTTP proxy.")


class ModelSettings(Section):
    """What the model can do and what it costs."""

    max_output_tokens: Positive | None = Field(default=None, description="Null: not sent.")
    context_window: Positive = Field(default=128_000, description="Tokens the model can hold.")
    supports_images: bool = Field(
        default=False, description="The model takes images: yours, and those it reads."
    )
    supports_computer_use: bool = Field(
        default=False, description="Without effect: roo-lsp has no tool to use a computer with."
    )
    supports_prompt_cache: bool = Field(
        default=False,
        description="Mark what to cache with `cache_control`, as Anthropic's models want it.",
    )
    input_price: DollarPrice = Field(default=0, description="US dollars per million input tokens.")
    output_price: DollarPrice = Field(
        default=0, description="US dollars per million output tokens."
    )
    cache_reads_price: DollarPrice = Field(
        default=0, description="US dollars per million cached tokens read; 0: as inputPrice."
    )
    cache_writes_price: DollarPrice = Field(
        default=0, description="US dollars per million tokens cached; 0: as inputPrice."
    )


class AutoApprove(Section):
    """Which kinds of calls run without a question."""

    read: bool = Field(default=True, description="Read and search files in the workspace.")
    read_outside: bool = Field(default=False, description="Read files outside the workspace.")
    edit: bool = Field(default=False, description="Change files in the workspace.")
    edit_outside: bool = Field(default=False, description="Change files outside the workspace.")
    edit_protected: bool = Field(
        default=False, description="Change protected files (.git, editor and agent configuration)."
    )
    execute: bool = Field(default=False, description="Run commands that `allowedCommands` covers.")
    mcp: bool = Field(
        default=False, description="Call those tools of MCP servers that `alwaysAllow` names."
    )
    mode: bool = Field(default=False, description="Switch modes.")
    subtask: bool = Field(default=False, description="Start subtasks.")
    fetch: bool = Field(default=False, description="Fetch web pages.")


class LimitSettings(Section):
    """Reaching one asks the user; 0 is no limit."""

    requests: Count = Field(default=0, description="Requests to the model.")
    cost: Dollars = Field(default=0, description="US dollars.")
    mistakes: Count = Field(
        default=3, description="Answers in a row whose calls failed and found nothing new."
    )
    steps: Count = Field(default=0, description="Tool calls.")


class CommandLimits(Section):
    """What one command may take at most, by `setrlimit`; 0 is no limit."""

    processes: Count = Field(default=0, description="Processes of the user, while it runs.")
    memory: Count = Field(default=0, description="Megabytes of memory of each of its processes.")
    file_size: Count = Field(default=0, description="Megabytes of a file that it writes.")


class CommandSettings(Section):
    """How commands run."""

    timeout: Seconds = Field(
        default=0, description="Seconds after which a command is killed; 0 is never."
    )
    shell: Annotated[str, Field(pattern=r"^/")] | None = Field(
        default=None,
        description="Shell to use instead of bash, a whole path; each command is asked then.",
    )
    env: dict[str, str] = Field(default_factory=dict, description="Added to the environment.")
    sandbox: Literal["auto", "required", "off"] = Field(
        default="auto", description="`required` refuses commands where there is no sandbox."
    )
    network: bool = Field(default=False, description="Commands in a sandbox have the network.")
    visible: Strings = Field(
        default=(),
        description="Paths that commands in a sandbox may read beside what tools need, secret or not: "
        "`~/code/lib`.",
    )
    limits: CommandLimits = Field(
        default_factory=CommandLimits, description="What a command may take."
    )


class FileSettings(Section):
    """How much of files is read."""

    max_read_lines: Positive = Field(
        default=2000, description="Lines that one read returns at most."
    )
    max_line_length: Positive = Field(
        default=2000, description="Characters of a line that are shown."
    )
    max_file_bytes: Positive = Field(default=20_000_000, description="Larger files are not read.")
    respect_gitignore: bool = Field(
        default=True, description="Leave ignored files out of lists and searches."
    )


class EditorContext(Section):
    """What of the editor's state goes to the model as a turn begins, and later what changed of it."""

    focus: bool = Field(
        default=True,
        description="The document in focus, the line, the selection, and what was typed there.",
    )
    documents: bool = Field(
        default=True,
        description="Which documents are open, and what others than the model changed in files it knows.",
    )
    problems: bool = Field(default=True, description="The problems that the editor shows.")
    git: bool = Field(default=True, description="The branch, its last commit, changed files.")
    tree: bool = Field(
        default=True, description="The top of the workspace, with the first message."
    )
    max_bytes: Annotated[
        int, Field(ge=256, le=65_536), Expected("a number of bytes from 256 to 65536")
    ] = Field(default=2048, description="All of it at once, at most so long.")


class ContextSettings(Section):
    """What happens when the context fills up."""

    condense: bool = Field(default=True, description="Summarise before the window is full.")
    condense_percent: Annotated[
        int, Field(ge=5, le=100), Expected("a whole number from 5 to 100")
    ] = Field(default=80, description="Fullness in percent at which to summarise.")
    editor: EditorContext = Field(
        default_factory=EditorContext, description="What the editor shows, for the model."
    )


class Profile(Section):
    """A named overlay over `provider`, `model` and `context`: only what it sets is laid over them."""

    provider: ProviderSettings = Field(default_factory=ProviderSettings, description="Overlay.")
    model: ModelSettings = Field(default_factory=ModelSettings, description="Overlay.")
    context: ContextSettings = Field(default_factory=ContextSettings, description="Overlay.")


class RuleSettings(Section):
    """What is read of the rules in the workspace and in your home folder."""

    agents: bool = Field(
        default=True, description="Read AGENTS.md and what stands beside it, or CLAUDE.md."
    )
    max_bytes: int = Field(
        default=65536, ge=0, description="Bytes of all rules together; what is cut is said."
    )


class CheckpointSettings(Section):
    """Snapshots of the workspace to go back to."""

    enabled: bool = Field(default=True, description="Take a checkpoint when files were changed.")


class Ui(Section):
    """Which standard surfaces are used."""

    dialogs: bool = Field(default=True, description="Ask by window/showMessageRequest.")
    diagnostics: bool = Field(default=True, description="Show what waits as diagnostics.")
    code_lens: bool = Field(
        default=True, description="Show what waits and what was changed as code lenses."
    )
    progress: bool = Field(default=True, description="Report by work-done progress.")
    transcript: Literal["onDemand", "always", "never"] = Field(
        default="onDemand",
        description="When the editor shows a task's transcript: `onDemand` by `roo.task.open`, "
        "`always` also after its first turn, `never` (that command then says where it is).",
    )


class Settings(Section):
    """The `roo` section."""

    provider: ProviderSettings = Field(
        default_factory=ProviderSettings, description="The endpoint."
    )
    model: ModelSettings = Field(default_factory=ModelSettings, description="The model.")
    profiles: dict[str, dict[str, Any]] = Field(
        default_factory=dict,
        description="Named overlays {provider, model, context} over these three.",
    )
    profile: str = Field(default="", description="The active profile.")
    mode_profiles: dict[str, str] = Field(
        default_factory=dict, description="The profile for each mode."
    )
    mode: str = Field(default="code", description="Mode of new tasks.")
    custom_modes: list[dict[str, Any]] = Field(
        default_factory=list[dict[str, Any]],
        description="Modes of your own, as Roo's: slug, name, roleDefinition, groups, …",
    )
    custom_instructions: str = Field(default="", description="Added to the system prompt.")
    auto_approve: AutoApprove = Field(
        default_factory=AutoApprove, description="What runs without a question."
    )
    allowed_commands: Strings = Field(
        default=("git diff", "git log", "git show", "git status"),
        description="Commands that may run without a question, by their first words; beyond those only what "
        "is known to be harmless runs, or anything where an entry ends in a star.",
    )
    denied_commands: Strings = Field(default=(), description="Commands that are refused.")
    limits: LimitSettings = Field(default_factory=LimitSettings, description="When to ask.")
    commands: CommandSettings = Field(
        default_factory=CommandSettings, description="How commands run."
    )
    files: FileSettings = Field(default_factory=FileSettings, description="How files are read.")
    context: ContextSettings = Field(
        default_factory=ContextSettings, description="What happens when the context fills up."
    )
    rules: RuleSettings = Field(
        default_factory=RuleSettings, description="Rules in the workspace and in your home folder."
    )
    checkpoints: CheckpointSettings = Field(
        default_factory=CheckpointSettings, description="Checkpoints."
    )
    mcp_servers: dict[str, dict[str, Any]] = Field(
        default_factory=dict,
        description="MCP servers by name, as in Roo's mcp_settings.json: `command`, `args`, `env`, `cwd` or "
        "`url`, `headers`; `alwaysAllow`, `disabledTools`, `timeout`, `disabled`, `watchPaths`.",
    )
    ui: Ui = Field(default_factory=Ui, description="Which standard surfaces are used.")


NOT_YET_EFFECTIVE: tuple[str, ...] = ("autoApprove.fetch",)
"""Keys that are accepted but whose feature is not there yet; `roo.status` lists those that are set."""


# --- what is wrong with a value -------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SettingProblem:
    """A key that cannot be used."""

    path: str
    """Dotted, from `roo`."""
    text: str

    def __str__(self) -> str:
        return f"{self.path}: {self.text}"


def without_effect(settings: Settings) -> list[SettingProblem]:
    """A problem for each key that promises what roo-lsp cannot do."""
    models = {"roo": {"model": {"supportsComputerUse": settings.model.supports_computer_use}}}
    models |= {f"roo.profiles.{name}": overlay for name, overlay in settings.profiles.items()}
    return [
        SettingProblem(
            f"{path}.model.supportsComputerUse",
            "roo-lsp has no tool to use a computer with, so this changes nothing; leave it out",
        )
        for path, overlay in models.items()
        if object_or_empty(overlay.get("model")).get("supportsComputerUse")
    ]


def cleaned(raw: object) -> tuple[Raw, list[SettingProblem]]:
    """The usable part of a source, with a problem for each key that was left out.

    A null stands for a key that is not set.
    """
    if raw is None:
        return {}, []
    if not isinstance(raw, dict):
        return {}, [SettingProblem("roo", f"expected an object, got {_shown(raw)}")]
    clean = cast("Raw", without_nulls(cast("Raw", raw)))
    problems: list[SettingProblem] = []
    for name, overlay in list(object_or_empty(clean.get("profiles")).items()):
        fixed, found = _clean_model(Profile, overlay)
        clean["profiles"][name] = fixed
        problems += [SettingProblem(f"roo.profiles.{name}.{p.path}", p.text) for p in found]
    fixed, found = _clean_model(Settings, clean)
    problems += [SettingProblem(f"roo.{p.path}", p.text) for p in found]
    for path, holder in _providers(fixed):
        problems += _without_what_is_ours(path, object_or_empty(holder.get("provider")))
    return fixed, problems


def _providers(clean: Raw) -> Iterator[tuple[str, Raw]]:
    """Each object that may hold a `provider`, with its path."""
    yield "roo", clean
    for name, overlay in object_or_empty(clean.get("profiles")).items():
        yield f"roo.profiles.{name}", overlay


_OWN_HEADERS = frozenset(
    [
        "host",
        "connection",
        "keep-alive",
        "proxy-connection",
        "proxy-authenticate",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "content-length",
        "content-type",
    ]
)
"""What belongs to the connection, and not to who asks: RFC 9110 sections 7.2, 7.6.1 and 8.6."""
_OWN_FIELDS = frozenset({"model", "messages", "input", "instructions", "tools", "stream"})
"""What a request is made of: with another text in one of these, what was shown is not what is sent."""


def _without_what_is_ours(path: str, provider: Raw) -> Iterator[SettingProblem]:
    """Take out headers and fields that are never taken from settings, with a problem for each."""
    for name in list(object_or_empty(provider.get("headers"))):
        if name.strip().casefold() in _OWN_HEADERS:
            del provider["headers"][name]
            text = "the connection sets this header itself; leave it out"
            yield SettingProblem(f"{path}.provider.headers.{name}", text)
    for name in list(object_or_empty(provider.get("extraBody"))):
        if name in _OWN_FIELDS:
            del provider["extraBody"][name]
            text = "a request's own field cannot be replaced; leave it out"
            yield SettingProblem(f"{path}.provider.extraBody.{name}", text)


def _clean_model(model: type[Section], raw: object) -> tuple[Raw, list[SettingProblem]]:
    if not isinstance(raw, dict):
        return {}, [SettingProblem("", f"expected an object, got {_shown(raw)}")]
    clean = cast("Raw", raw)
    problems: list[SettingProblem] = []
    while True:
        try:
            model.model_validate_json(json.dumps(clean))
        except ValidationError as error:
            before = json.dumps(clean)
            for each in error.errors(include_url=False, include_context=False):
                loc = tuple(each["loc"])
                path, value = _drop(clean, loc)
                if path:
                    problems.append(SettingProblem(".".join(path), _complaint(model, path, value)))
            if json.dumps(clean) == before:
                return {}, [*problems, SettingProblem("", str(error.errors()[0]["msg"]))]
        else:
            return clean, problems


def _drop(raw: Raw, loc: Sequence[str | int]) -> tuple[list[str], object]:
    """Remove the key that `loc` leads to, or the innermost one that is an object's own."""
    node: Raw = raw
    path: list[str] = []
    for step in loc:
        if step not in node:
            return [], None
        path.append(str(step))
        inner: object = node[str(step)]
        if not isinstance(inner, dict) or step == loc[-1]:
            return path, node.pop(str(step))
        node = cast("Raw", inner)
    return [], None


def _complaint(model: type[BaseModel], path: Sequence[str], value: object) -> str:
    info = _field_at(model, path)
    if info is None:
        names = _names_at(model, path[:-1])
        meant = [name for name in names if _bare(name) == _bare(path[-1])]
        if meant:
            return f"unknown key; it is spelled {meant[0]}"
        return f"unknown key; known here: {', '.join(names)}" if names else "unknown key"
    return f"expected {_expected(info)}, got {_shown(value)}"


def _bare(name: str) -> str:
    """A key without what spellings differ in."""
    return name.replace("_", "").replace("-", "").casefold()


def _field_at(model: type[BaseModel], path: Sequence[str]) -> FieldInfo | None:
    info: FieldInfo | None = None
    current: type[BaseModel] | None = model
    for step in path:
        if current is None:
            return info  # inside a free-form object: what holds for the object holds here
        info = next((f for f in current.model_fields.values() if f.alias == step), None)
        if info is None:
            return None
        kind = info.annotation
        current = kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None
    return info


def _names_at(model: type[BaseModel], path: Sequence[str]) -> list[str]:
    current = model
    for step in path:
        info = next((f for f in current.model_fields.values() if f.alias == step), None)
        kind = info.annotation if info else None
        if not (isinstance(kind, type) and issubclass(kind, BaseModel)):
            return []
        current = kind
    return [info.alias or name for name, info in current.model_fields.items()]


def _expected(info: FieldInfo) -> str:
    for each in info.metadata:
        if isinstance(each, Expected):
            return each.words
    return _words(info.annotation)


def _words(annotation: Any) -> str:
    origin = get_origin(annotation)
    if origin is Annotated:
        for each in get_args(annotation)[1:]:
            if isinstance(each, Expected):
                return each.words
        return _words(get_args(annotation)[0])
    if origin is Literal:
        return "one of " + ", ".join(json.dumps(value) for value in get_args(annotation))
    if origin is Union or str(origin) == "<class 'types.UnionType'>":
        return " or ".join(_words(each) for each in get_args(annotation))
    if isinstance(origin or annotation, type) and issubclass(origin or annotation, BaseModel):
        return "an object"
    plain = {
        str: "a string",
        bool: "true or false",
        int: "a whole number",
        float: "a number",
        NoneType: "null",
        dict: "an object",
        list: "a list",
        tuple: "a list of strings",
    }
    return plain.get(origin or annotation, "another kind of value")


def _shown(value: object) -> str:
    """A value for a message: short, and never a long one that may be a secret."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else f"{text[:57]}…"


def without_nulls(value: object) -> object:
    if isinstance(value, dict):
        items = cast("Raw", value).items()
        return {key: without_nulls(item) for key, item in items if item is not None}
    return value
