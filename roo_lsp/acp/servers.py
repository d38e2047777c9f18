"""The client's MCP servers, as settings have them: beside the user's own, and only once they are trusted.

Nobody can see whether the client has them of its user or of a project, so they come over the channel, as
settings of an editor do: one question names each with what it would start.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from acp.schema import AcpMcpServer, HttpMcpServer, McpServerStdio, SseMcpServer

from roo_lsp.agent.json_values import JsonObject

McpServerGiven = HttpMcpServer | SseMcpServer | AcpMcpServer | McpServerStdio


@dataclass(frozen=True, slots=True)
class GivenServers:
    """What a client wants to be used, by name, and what of it cannot be."""

    entries: JsonObject = field(default_factory=JsonObject)
    refused: tuple[str, ...] = ()


def given_servers(servers: Sequence[McpServerGiven], own: Collection[str]) -> GivenServers:
    """The servers of a request; one that is called as one of the user's own gets a name beside it."""
    entries: JsonObject = {}
    refused: list[str] = []
    for server in servers:
        name = server.name if server.name not in own else f"{server.name} (editor)"
        match server:
            case McpServerStdio():
                env = {each.name: each.value for each in server.env}
                entries[name] = {"command": server.command, "args": server.args, "env": env}
            case HttpMcpServer():
                headers = {each.name: each.value for each in server.headers}
                entry = {"type": "streamable-http", "url": server.url, "headers": headers}
                entries[name] = entry
            case SseMcpServer() | AcpMcpServer():
                refused.append(name[:40])
    return GivenServers(entries, tuple(refused))
