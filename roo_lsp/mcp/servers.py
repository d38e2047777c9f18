"""The servers that are configured: started beside everything else, kept, started again, stopped.

None of them is waited for but by who calls it, and what happens to one happens to no other.
"""

import asyncio
import importlib
import os
from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from roo_lsp.agent.errors import ToolError
from roo_lsp.agent.json_values import JsonObject
from roo_lsp.agent.ports import Asker
from roo_lsp.agent.tool import ShowOutput
from roo_lsp.mcp.catalog import CallFailed, CallOutcome, Catalog, Failed, Handle, ServerLine
from roo_lsp.mcp.entries import EntryProblem, Http, ServerEntry
from roo_lsp.mcp.names import tool_name
from roo_lsp.mcp.process import Said
from roo_lsp.workspace.escapes import label

CONNECT_SECONDS = 60.0
"""To connect and to look at what there is: one that npx or uvx fetches first takes so long."""
LOGIN_SECONDS = 330.0
CLOSE_SECONDS = 3.0
WATCH_SECONDS = 2.0
"""Between two looks at the files of `watchPaths`."""
LAST_LINES = 20
"""Of what a server said on stderr, in a list."""

State = Literal["disabled", "connecting", "connected", "failed", "stopped"]
"""`failed` could not be reached, `stopped` ended by itself: the next call starts it again."""


@dataclass(frozen=True, slots=True)
class ServerSurroundings:
    """What servers are told, and where they show something."""

    start: Callable[[Coroutine[Any, Any, Any]], None]
    """Does something beside everything else."""
    tell: Callable[[str], None]
    """Shows the user a message."""
    roots: Callable[[], Sequence[Path]]
    """The folders of the workspace."""
    open_url: Callable[[str], Coroutine[Any, Any, bool]]
    state_dir: Path
    learn: Callable[[str], None] = lambda value: None  # noqa: ARG005 -- where nothing is shown
    """Told of what is a key: it is shown nowhere."""
    before_loading: Callable[[], object] = lambda: None
    """Called in the thread that loads the SDK, before it: what is needed sooner."""
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    connect_seconds: float = CONNECT_SECONDS


class McpServer:
    """One of them."""

    def __init__(self, entry: ServerEntry, around: ServerSurroundings, owner: "McpServers") -> None:
        self.entry = entry
        self.state: State = "disabled"
        self.error = ""
        self.login = False
        """True where it wants the user to log in."""
        self.catalog = Catalog()
        self.said = Said()
        self._around = around
        self._owner = owner
        self._handle: Handle | None = None
        self._line: ServerLine | None = None
        self._task: asyncio.Task[None] | None = None
        self._settled = asyncio.Event()
        self._may_restart = True
        """One that ended is started again once; what it then answers lets it be once more."""
        self._modern = False

    def start(self, *, login: bool = False, by_hand: bool = False) -> None:
        """Connect, beside everything else."""
        self._may_restart = self._may_restart or by_hand
        self._settled.clear()
        self.state, self.error, self.login = "connecting", "", False
        around = self._around
        self._line = ServerLine(
            entry=self.entry,
            said=self.said,
            environ=around.environ,
            roots=around.roots,
            tell=around.tell,
            connected=self._connected,
            changed=self._changed,
            # A person in their browser takes longer than a server.
            connect_seconds=LOGIN_SECONDS if login else around.connect_seconds,
            auth=lambda reach: self._owner.auth(reach, login=login),
            open_url=around.open_url,
            modern=self._modern,
        )
        self._task = asyncio.create_task(self._own(self._line))

    async def _own(self, line: ServerLine) -> None:
        """Its whole life, in one task: the SDK is left where it was entered."""
        try:
            sdk = await self._owner.sdk()
            await sdk.stay_connected(line)
            self._ended("disabled", "")
        except Failed as error:
            was = self.state
            self._ended("stopped" if was == "connected" else "failed", error.why)
            self.login = error.login
            self._owner.failed(self, ended=was == "connected")
        except asyncio.CancelledError:
            self._ended("disabled", "")
            raise
        finally:
            self._modern = line.modern
            self._settled.set()

    def _connected(self, handle: Handle, catalog: Catalog) -> None:
        self._handle, self.state = handle, "connected"
        self._changed(catalog)
        self._settled.set()

    def _changed(self, catalog: Catalog) -> None:
        if catalog != self.catalog:
            self.catalog = catalog
            self._owner.changed()

    def _ended(self, state: State, why: str) -> None:
        self._handle, self.state, self.error = None, state, label(why)
        if state != "stopped":  # the tools of one that ended stay: a call of them starts it again
            self._changed(Catalog())

    async def stop(self) -> None:
        """Hang up and end it; nothing of it runs afterwards."""
        task = self._task
        if task is None:
            return
        if self._line is not None:
            self._line.closing.set()
        _, pending = await asyncio.wait({task}, timeout=CLOSE_SECONDS if self._handle else 0)
        for each in pending:
            each.cancel()
            await asyncio.wait({each}, timeout=CLOSE_SECONDS)
        self._task = None

    def off(self) -> None:
        """It is stopped, and stays so."""
        if not self.entry.problem:
            self._ended("disabled", "")

    async def settled(self) -> None:
        """Returns once it is connected, or cannot be."""
        await self._settled.wait()

    def roots_changed(self) -> None:
        if self._line is not None:
            self._line.roots_changed.set()

    def keep_to(self, entry: ServerEntry) -> None:
        """The same server with other words about its tools."""
        self.entry = entry
        if self._line is not None:
            self._line.entry = entry

    # --- calls ------------------------------------------------------------------------------

    async def call(
        self, tool: str, arguments: JsonObject, show: ShowOutput, asker: Asker
    ) -> CallOutcome:
        """Call a tool.

        Raises:
            ToolError: there is no result; in words for the model.
        """
        return await self._asked(lambda handle: handle.call(tool, arguments, show, asker))

    async def read(self, uri: str, asker: Asker) -> CallOutcome:
        """Read a resource; raises as `call`."""
        return await self._asked(lambda handle: handle.read(uri, asker))

    async def prompt(self, name: str, arguments: Mapping[str, str], asker: Asker) -> CallOutcome:
        """What a prompt says; raises as `call`."""
        return await self._asked(lambda handle: handle.prompt(name, arguments, asker))

    async def _asked(
        self, ask: Callable[[Handle], Coroutine[Any, Any, CallOutcome]]
    ) -> CallOutcome:
        try:
            outcome = await ask(await self._way())
        except CallFailed as error:
            if error.gone:
                await self._over()
            if not error.not_done or not self._may_restart:
                raise ToolError(self._blamed(error.why)) from error
            try:
                outcome = await ask(await self._way(anew=True))
            except CallFailed as again:
                raise ToolError(self._blamed(again.why)) from again
        self._may_restart = True
        return outcome

    async def _way(self, *, anew: bool = False) -> Handle:
        """The way to it; one that ended is started again, once."""
        if self.state == "connecting":
            await self._settled.wait()
        if self._handle is not None and self._handle.lost:
            await self._over()
        if anew or (self.state in {"stopped", "failed"} and self._may_restart and not self.login):
            self._may_restart = False
            await self.stop()
            self.start()
            await self._settled.wait()
        if self._handle is None:
            why = self.error or "it is switched off"
            raise ToolError(self._blamed(f"It is not running: {why}."))
        return self._handle

    async def _over(self) -> None:
        """Its end is noticed by who waits for it; for a moment later than by who calls."""
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=CLOSE_SECONDS)

    def _blamed(self, why: str) -> str:
        return f"The MCP server {self.entry.name}: {why}"

    def json(self) -> JsonObject:
        """As `roo.mcp.list` has it."""
        entry, catalog = self.entry, self.catalog
        found: JsonObject = {
            "name": entry.name,
            "state": self.state,
            "source": entry.source,
            "server": catalog.title,
            "reach": label(entry.reach.line) if entry.reach else "",
            "tools": [
                {
                    "name": each.name,
                    "offeredAs": tool_name(entry.name, each.name),
                    "description": each.description,
                    "alwaysAllow": entry.allows(each.name),
                    "disabled": each.name in entry.disabled_tools,
                }
                for each in catalog.tools
            ],
            "prompts": [
                {"name": tool_name(entry.name, each.name), "description": each.description}
                for each in catalog.prompts
            ],
            "resources": [{"uri": each.uri, "name": each.name} for each in catalog.resources],
            "leftOut": list(catalog.left_out),
            "stderr": [label(each) for each in list(self.said.lines)[-LAST_LINES:]],
        }
        if self.error:
            found["error"] = self.error
        if self.login:
            found["login"] = True
        return found


class McpServers:
    """All of them."""

    def __init__(self, around: ServerSurroundings) -> None:
        self.around = around
        self.version = 0
        """Another number whenever something of what they offer is another."""
        self._servers: dict[str, McpServer] = {}
        self._switched: dict[str, bool] = {}
        """Which the user has switched on or off here, whatever their entries say."""
        self._sdk: asyncio.Future[ModuleType] | None = None
        self._told: set[str] = set()
        self._work: set[asyncio.Task[None]] = set()
        self._watching: asyncio.Task[None] | None = None
        self._watchers: list[Callable[[], None]] = []

    def get(self, name: str) -> McpServer | None:
        return self._servers.get(name)

    @property
    def all(self) -> Collection[McpServer]:
        return self._servers.values()

    def watch(self, watcher: Callable[[], None]) -> None:
        """Have it told here when something of what they offer is another."""
        self._watchers.append(watcher)

    # --- configuration ----------------------------------------------------------------------

    def configure(self, entries: Sequence[ServerEntry], problems: Iterable[EntryProblem]) -> None:
        """These are the servers now: what changed of one touches no other."""
        for problem in problems:
            self._tell_once(f"MCP: {problem}")
        wanted = {entry.name: entry for entry in entries}
        leaving = {
            name: server
            for name, server in self._servers.items()
            if name not in wanted or wanted[name].digest != server.entry.digest
        }
        for name in leaving:
            del self._servers[name]
        before, self._servers = self._servers, {}
        for name, entry in wanted.items():
            server = before.get(name) or McpServer(entry, self.around, self)
            self._servers[name] = server
            server.keep_to(entry)
            self._learn(entry)
            if entry.problem:
                server.state, server.error = "failed", label(entry.problem)
            elif self._is_on(entry) != (server.state != "disabled") or name in leaving:
                self._do(self._turn(server, leaving.pop(name, None), on=self._is_on(entry)))
        for server in leaving.values():
            self._do(self._turn(server, server, on=False))
        self._watch_files()
        self.changed()

    def _is_on(self, entry: ServerEntry) -> bool:
        return self._switched.get(entry.name, not entry.disabled) and not entry.problem

    async def _turn(self, server: McpServer, before: McpServer | None, *, on: bool) -> None:
        """Another server in the place of one before it, which ends first."""
        await (before or server).stop()
        if on and self._servers.get(server.entry.name) is server:
            server.start()

    def _learn(self, entry: ServerEntry) -> None:
        """What an entry holds beside addresses and words may be a key."""
        reach = entry.reach
        if isinstance(reach, Http):
            for value in reach.headers.values():
                self.around.learn(value)
                self.around.learn(value.rpartition(" ")[2])

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._work.add(task)
        task.add_done_callback(self._work.discard)

    async def done(self) -> None:
        """Returns once all that was begun by `configure` is under way."""
        while self._work:
            await asyncio.wait(set(self._work))

    async def settled(self, names: Collection[str] | None, seconds: float) -> None:
        """Wait for servers that are connecting, those with these names or all, so long at most."""
        await self.done()
        waiting = [
            asyncio.ensure_future(each.settled())
            for name, each in self._servers.items()
            if each.state == "connecting" and (names is None or name in names)
        ]
        if waiting:
            await asyncio.wait(waiting, timeout=seconds)
        for each in waiting:
            each.cancel()

    async def restart(self, name: str, *, on: bool | None = None, login: bool = False) -> McpServer:
        """Stop it, and start it again; with `on`, switch it on or off here.

        Raises:
            KeyError: there is no such server.
        """
        server = self._servers[name]
        if on is not None:
            self._switched[name] = on
        await server.stop()
        if self._is_on(server.entry):
            server.start(login=login, by_hand=True)
        else:
            server.off()
        return server

    def roots_changed(self) -> None:
        """The workspace has other folders now."""
        for each in self._servers.values():
            each.roots_changed()

    async def close(self) -> None:
        """End them all."""
        if self._watching is not None:
            self._watching.cancel()
        for each in list(self._work):
            each.cancel()
        await asyncio.gather(*(each.stop() for each in self._servers.values()))

    # --- what servers tell ------------------------------------------------------------------

    def changed(self) -> None:
        """Something of what they offer is another."""
        self.version += 1
        for each in self._watchers:
            each()

    def failed(self, server: McpServer, *, ended: bool) -> None:
        """Tell the user, once, why it is not there."""
        name = server.entry.name
        if server.login:
            how = f"`roo-lsp mcp {name} --login`, or `roo.mcp.restart` with `login`"
            self._tell_once(f"The MCP server {name} wants you to log in: {how}.")
        else:
            what = "ended" if ended else "cannot be used"
            self._tell_once(f"The MCP server {name} {what}: {server.error}.")

    def _tell_once(self, text: str) -> None:
        if text not in self._told:
            self._told.add(text)
            self.around.tell(label(text))

    async def sdk(self) -> ModuleType:
        """The part of this room that needs the SDK, loaded in a thread when it is first wanted."""
        if self._sdk is None:
            self._sdk = asyncio.ensure_future(asyncio.to_thread(self._load))
        return await asyncio.shield(self._sdk)

    def _load(self) -> ModuleType:
        self.around.before_loading()
        return importlib.import_module("roo_lsp.mcp.connection")

    async def auth(self, reach: Http, *, login: bool) -> Any:
        """How requests to a server show who the user is, where they have logged in to it, or do so now."""
        around = self.around
        oauth = await asyncio.to_thread(importlib.import_module, "roo_lsp.mcp.oauth")
        return await oauth.auth_for(
            reach, around.state_dir, around.open_url, around.learn, login=login
        )

    # --- watched files ----------------------------------------------------------------------

    def _watch_files(self) -> None:
        watched = any(each.entry.watch for each in self._servers.values())
        if watched and self._watching is None:
            self._watching = asyncio.create_task(self._watch())
        elif not watched and self._watching is not None:
            self._watching.cancel()
            self._watching = None

    async def _watch(self) -> None:
        """Start a server anew when a file of its `watchPaths` is another one."""
        seen: dict[Path, object] = {}
        while True:
            for server in list(self._servers.values()):
                now = {each: await asyncio.to_thread(_stamp, each) for each in server.entry.watch}
                changed = any(seen.get(each, stamp) != stamp for each, stamp in now.items())
                seen |= now
                if changed and server.state != "disabled":
                    await self.restart(server.entry.name)
            await asyncio.sleep(WATCH_SECONDS)


def _stamp(file: Path) -> object:
    try:
        facts = file.stat()
    except OSError:
        return None
    return facts.st_mtime_ns, facts.st_size, facts.st_ino
