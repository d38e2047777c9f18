"""What is configured: servers as Roo's `mcp.json` and `mcp_settings.json` have them, checked one by one.

An entry that is wrong costs itself alone, and is told with its path and the reason. The shape is Roo
Code's `McpHub.ts`: `command`, `args`, `cwd`, `env` or `url`, `type`, `headers`; `disabled`, `timeout`,
`alwaysAllow`, `disabledTools`, `watchPaths`. What other agents write is read too: `${VAR}`,
`${VAR:-default}` and `type: "http"` of a `.mcp.json`.
"""

import json
import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

from roo_lsp.agent.json_values import Json, JsonObject
from roo_lsp.workspace.mcp_files import VARIABLE

TIMEOUT, MAX_TIMEOUT = 60, 3600
"""Seconds of one call, where nothing is heard of it; Roo's."""

_COMMON = ("type", "disabled", "timeout", "alwaysAllow", "disabledTools")
_STDIO = ("command", "args", "cwd", "env", "watchPaths")
_HTTP = ("url", "headers")
_TYPES = {"stdio": "stdio", "streamable-http": "http", "http": "http"}


@dataclass(frozen=True, slots=True)
class EntryProblem:
    """What cannot be used of a file, or of one of its entries."""

    path: str
    """`.roo/mcp.json: mcpServers.github.command`."""
    text: str

    def __str__(self) -> str:
        return f"{self.path}: {self.text}"


@dataclass(frozen=True, slots=True)
class Stdio:
    """A program that speaks on its stdin and stdout."""

    command: str
    args: tuple[str, ...]
    cwd: Path
    env: Mapping[str, str]

    @property
    def line(self) -> str:
        """As one would type it."""
        return shlex.join([self.command, *self.args])


@dataclass(frozen=True, slots=True)
class Http:
    """A server that speaks streamable HTTP."""

    url: str
    headers: Mapping[str, str]

    @property
    def line(self) -> str:
        """Where it is, without what may be a key."""
        parts = urlsplit(self.url)
        port = f":{parts.port}" if parts.port else ""
        return f"{parts.scheme}://{parts.hostname or ''}{port}{parts.path}"


@dataclass(frozen=True, slots=True)
class ServerEntry:
    """One server."""

    name: str
    source: str
    """Where it is configured, for people: `settings`, `.roo/mcp.json`."""
    reach: Stdio | Http | None
    """How it is reached; None where the entry cannot be used."""
    disabled: bool = False
    timeout: float = TIMEOUT
    always_allow: frozenset[str] = frozenset()
    """Names of its tools; `*` is all of them."""
    disabled_tools: frozenset[str] = frozenset()
    watch: tuple[Path, ...] = ()
    """Files that it is started anew for when they change."""
    problem: str = ""
    """Why it cannot be used."""

    @property
    def digest(self) -> str:
        """The same for what is reached in the same way."""
        reach = self.reach
        facts: Json = None
        if isinstance(reach, Stdio):
            facts = [reach.command, reach.args, str(reach.cwd), sorted(reach.env.items())]
        elif isinstance(reach, Http):
            facts = [reach.url, sorted(reach.headers.items())]
        text = json.dumps([self.name, self.source, self.problem, facts, list(map(str, self.watch))])
        return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()

    def allows(self, tool: str) -> bool:
        """Whether the user's word is that this tool needs no question of its own."""
        return "*" in self.always_allow or tool in self.always_allow


@dataclass(frozen=True, slots=True)
class ServerSource:
    """One place servers are configured in."""

    name: str
    """For people."""
    servers: JsonObject
    folder: Path
    """Where its programs start, and what `${workspaceFolder}` is."""
    prefix: str = "mcpServers"
    """What stands before the name in a problem's path."""


def read_file(
    name: str, data: bytes, folder: Path
) -> tuple[ServerSource | None, list[EntryProblem]]:
    """The servers of a file; None where it cannot be read at all."""
    try:
        raw: Json = json.loads(data.decode("utf-8-sig"))
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        return None, [EntryProblem(name, f"it is no JSON: {error.msg}, at {place}")]
    except (UnicodeDecodeError, RecursionError) as error:
        return None, [EntryProblem(name, f"it is no JSON: {error}")]
    servers = cast("JsonObject", raw).get("mcpServers") if isinstance(raw, dict) else None
    if not isinstance(servers, dict):
        return None, [EntryProblem(name, 'expected {"mcpServers": {NAME: {…}}}')]
    return ServerSource(name, cast("JsonObject", servers), folder, f"{name}: mcpServers"), []


def entries(
    sources: Iterable[ServerSource], environ: Mapping[str, str]
) -> tuple[list[ServerEntry], list[EntryProblem]]:
    """The servers of all sources, the strongest source first: of a name, its entry counts whole."""
    found: dict[str, ServerEntry] = {}
    problems: list[EntryProblem] = []
    for source in sources:
        for name, raw in source.servers.items():
            if name not in found:
                found[name], wrong = _entry(source, name, raw, environ)
                problems += wrong
    return list(found.values()), problems


@dataclass(slots=True)
class _Reader:
    """One entry's fields, each taken out as it is read; what is wrong is kept."""

    rest: JsonObject
    at: str
    folder: Path
    environ: Mapping[str, str]
    problems: list[EntryProblem] = field(default_factory=list[EntryProblem])

    def wrong(self, key: str, text: str) -> None:
        self.problems.append(EntryProblem(f"{self.at}.{key}" if key else self.at, text))

    def text(self, key: str) -> str:
        value = self.rest.pop(key, "")
        if not isinstance(value, str):
            self.wrong(key, f"expected a string, got {_shown(value)}")
            return ""
        return self.filled(key, value)

    def flag(self, key: str) -> bool:
        value = self.rest.pop(key, False)
        if not isinstance(value, bool):
            self.wrong(key, f"expected true or false, got {_shown(value)}")
        return value is True

    def texts(self, key: str) -> tuple[str, ...]:
        value: Json = self.rest.pop(key, None) or list[str]()
        found = cast("list[Json]", value) if isinstance(value, list) else [None]
        if not all(isinstance(each, str) for each in found):
            self.wrong(key, f"expected a list of strings, got {_shown(value)}")
            return ()
        return tuple(self.filled(key, str(each)) for each in found)

    def pairs(self, key: str) -> dict[str, str]:
        value: Json = self.rest.pop(key, None) or JsonObject()
        found = cast("JsonObject", value) if isinstance(value, dict) else {"": None}
        if not all(isinstance(each, str) for each in found.values()):
            self.wrong(key, "expected an object of strings")
            return {}
        return {name: self.filled(f"{key}.{name}", str(each)) for name, each in found.items()}

    def seconds(self, key: str) -> float:
        value = self.rest.pop(key, TIMEOUT)
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.wrong(key, f"expected a number of seconds, got {_shown(value)}")
        elif not 1 <= value <= MAX_TIMEOUT:
            self.wrong(key, f"expected 1 to {MAX_TIMEOUT} seconds, got {value}")
        else:
            return value
        return TIMEOUT

    def filled(self, key: str, text: str) -> str:
        """The text with its variables; one that is not set, and has no default, is a problem."""

        def value(found: re.Match[str]) -> str:
            if found["folder"]:
                return str(self.folder)
            known = self.environ.get(found["name"]) or found["default"]
            if known is None:
                self.wrong(key, f"the environment variable {found['name']} is not set")
                return ""
            return known

        return VARIABLE.sub(value, text)


def _entry(
    source: ServerSource, name: str, raw: Json, environ: Mapping[str, str]
) -> tuple[ServerEntry, list[EntryProblem]]:
    at = f"{source.prefix}.{name}"
    if not isinstance(raw, dict) or not name.strip():
        text = f"expected an object, got {_shown(raw)}" if name.strip() else "a server needs a name"
        return ServerEntry(name, source.name, None, problem=text), [EntryProblem(at, text)]
    given = cast("JsonObject", raw)
    read = _Reader(dict(given), at, source.folder, environ)
    disabled, timeout = read.flag("disabled"), read.seconds("timeout")
    allow, without = read.texts("alwaysAllow"), read.texts("disabledTools")
    watch = tuple(source.folder / each for each in read.texts("watchPaths"))
    reach = _reach(read)
    fatal = list(read.problems)
    for key in read.rest:
        known = ", ".join((*_COMMON, *(_HTTP if isinstance(reach, Http) else _STDIO)))
        read.wrong(key, f"unknown key; known here: {known}")
    # One that is switched off is not complained of: nobody wants it now.
    problems = [] if disabled else read.problems
    entry = ServerEntry(
        name,
        source.name,
        None if fatal else reach,
        disabled,
        timeout,
        frozenset(allow),
        frozenset(without),
        watch,
        "; ".join(
            ": ".join(filter(None, (each.path.removeprefix(at).removeprefix("."), each.text)))
            for each in fatal
        ),
    )
    return entry, problems


def _reach(read: _Reader) -> Stdio | Http | None:
    kind, command, url = read.text("type"), read.text("command"), read.text("url")
    args, cwd, env = read.texts("args"), read.text("cwd"), read.pairs("env")
    headers = read.pairs("headers")
    if read.problems:
        return None
    if command and url:
        read.wrong("", "it has a command and a url: leave one of them out")
    elif kind == "sse":
        read.wrong(
            "type", "HTTP+SSE is the old transport, and not spoken here; use streamable-http"
        )
    elif kind and kind not in _TYPES:
        read.wrong("type", f'expected "stdio" or "streamable-http", got {_shown(kind)}')
    elif not command and not url:
        read.wrong("", "it needs a command (with args) or a url")
    elif kind and _TYPES[kind] != ("http" if url else "stdio"):
        read.wrong("type", f"{kind} does not go with a {'url' if url else 'command'}")
    elif "\0" in "".join((command, *args, cwd, *env, *env.values())):
        read.wrong("", "it has a NUL character in it")
    elif command:
        return Stdio(command, args, read.folder / cwd, env)
    elif (wrong := _unusable(url)) or (wrong := _bad_headers(headers)):
        read.wrong("url" if _unusable(url) else "headers", wrong)
    else:
        return Http(url, headers)
    return None


def _unusable(url: str) -> str:
    try:
        parts = urlsplit(url)
        good = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    return "" if good else f"expected an http or https address, got {_shown(url)}"


def _bad_headers(headers: Mapping[str, str]) -> str:
    for name, value in headers.items():
        if not re.fullmatch(r"[!#$%&'*+.^`|~\w-]+", name, re.ASCII) or re.search(
            r"[\r\n\0]", value
        ):
            return f"{_shown(name)} is no header, or its value is none"
    return ""


def _shown(value: Json) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else f"{text[:57]}…"
