"""`roo-lsp mcp`: the MCP servers that would be used here, and where each comes from. With NAME connects to
that one and lists its tools, resources and prompts, or says why not; `--login` logs in to it first.
"""

import asyncio
import json
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from roo_lsp.agent.figures import plural
from roo_lsp.agent.json_values import JsonObject
from roo_lsp.cli.drawing import escaped
from roo_lsp.cli.options import BadUsage, Parser
from roo_lsp.mcp.entries import ServerEntry
from roo_lsp.tasks.approvals import Pending
from roo_lsp.tasks.opening import FrontEnd, open_service
from roo_lsp.tasks.service import Service
from roo_lsp.tasks.status_line import StatusLine

WAIT_SECONDS = 400.0
"""A login in the browser included."""


def main(arguments: Sequence[str]) -> int:
    """Print the servers, or what one of them has."""
    parser = Parser(prog="roo-lsp mcp", description=__doc__)
    parser.add_argument("name", nargs="?", metavar="NAME", help="connect to this server")
    parser.add_argument("--login", action="store_true", help="log in to it, in the browser")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--workspace", metavar="DIR", default=".", help="default: here")
    given = parser.parse_args(arguments)
    folder = Path(given.workspace).expanduser().absolute()
    if not folder.is_dir():
        raise BadUsage(f"{folder} is not a folder")
    if given.login and not given.name:
        raise BadUsage("--login needs the NAME of a server")
    return asyncio.run(_run(folder, given.name, login=given.login, as_json=given.json))


async def _run(folder: Path, name: str | None, *, login: bool, as_json: bool) -> int:
    console = Console(highlight=False)
    terminal = _Terminal(console)
    front = FrontEnd("roo-lsp mcp", terminal, terminal, attended=False)
    service = open_service(front, [folder], version("roo-lsp"))
    try:
        entries, problems = service.configuration.servers()
        waiting = [] if service.configuration.trusted else _waiting(service)
        if name is None:
            facts = [_configured(each) for each in entries]
            if as_json:
                console.print_json(json.dumps({"servers": facts, "waiting": waiting}))
            else:
                for each in facts:
                    _say(
                        console,
                        f"{each['name']}  {each['state']}  {each['reach']}  ({each['source']})",
                    )
                for line in (*map(str, problems), *waiting):
                    _say(console, line)
                if not (facts or problems or waiting):
                    _say(
                        console,
                        "No MCP server is set up here: roo.mcpServers, .roo/mcp.json, .mcp.json.",
                    )
            return 0
        wanted = [each for each in entries if each.name == name]
        if not wanted:
            known = ", ".join(each.name for each in entries) or "none"
            raise BadUsage(f"no MCP server {name!r}; there are: {known}")
        return await _connect(service, wanted[0], console, login=login, as_json=as_json)
    finally:
        await service.close()


async def _connect(
    service: Service, entry: ServerEntry, console: Console, *, login: bool, as_json: bool
) -> int:
    servers = service.servers
    servers.configure([entry], [])
    await servers.done()
    if login or entry.disabled:
        await servers.restart(entry.name, on=True, login=login)
    await servers.settled(None, WAIT_SECONDS)
    [server] = servers.all
    facts = server.json()
    if as_json:
        console.print_json(json.dumps(facts))
    else:
        _print(console, facts)
    return 0 if server.state == "connected" else 1


def _print(console: Console, facts: JsonObject) -> None:
    _say(console, f"{facts['name']}: {facts['state']}  {facts['reach']}  ({facts['source']})")
    if facts.get("error"):
        _say(console, f"  {facts['error']}")
    if facts["server"]:
        _say(console, f"  {facts['server']}")
    for kind in ("tools", "prompts", "resources"):
        rows: list[JsonObject] = facts[kind]
        if rows:
            _say(console, f"  {plural(len(rows), kind.removesuffix('s'))}:")
        for each in rows:
            told = str(each.get("description") or each.get("uri") or "").partition("\n")[0]
            off = "  (switched off)" if each.get("disabled") else ""
            _say(console, f"    {each['name']}{off}  {told[:100]}")
    for line in facts["leftOut"]:
        _say(console, f"  {line}")
    if facts["stderr"]:
        _say(console, "  It said on stderr:")
        for line in facts["stderr"]:
            _say(console, f"    {line}")


def _configured(entry: ServerEntry) -> JsonObject:
    state = "cannot be used" if entry.problem else "switched off" if entry.disabled else "on"
    reach = entry.reach.line if entry.reach else entry.problem
    return {"name": entry.name, "state": state, "reach": reach, "source": entry.source}


def _waiting(service: Service) -> list[str]:
    """What of the workspace waits for trust."""
    found = [each.line for each in service.configuration.instructions.found.items]
    lines = [line for line in found if "MCP server " in line]
    return [f"Waits for trust (roo-lsp trust .): {line}" for line in lines]


def _say(console: Console, line: str) -> None:
    console.print(Text(escaped(line)), soft_wrap=True)


class _Terminal:
    """`Screen` and `Audience` of a command that runs no task."""

    congested = False

    def __init__(self, console: Console) -> None:
        self._console = console

    def message(self, text: str) -> None:
        _say(self._console, text)

    def warning(self, text: str) -> None:
        """What is wrong is printed with its server."""

    async def open_url(self, url: str) -> bool:
        _say(self._console, f"Open this page in your browser: {url}")
        return False

    async def open_details(self, entry: Pending) -> None: ...

    async def open_document(self, file: Path, *, take_focus: bool = True) -> bool:
        del file, take_focus
        return False

    def begin(self, task_id: str, title: str, status: StatusLine | None = None) -> None: ...
    def send(self, roo: dict[str, Any], message: str) -> None: ...
    def line(self, task_id: str, text: str) -> None: ...
    def end(self, task_id: str, message: str) -> None: ...
    def use_token(self, task_id: str, token: str | int) -> None: ...
    def when_drained(self, callback: Any) -> None: ...
