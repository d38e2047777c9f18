"""The verbs about MCP servers: which there are, how they are, and starting one again."""

from typing import Any

from roo_lsp.tasks.inputs import ListServers, RestartServer
from roo_lsp.tasks.refusals import Invalid
from roo_lsp.tasks.service import Service

WAIT_SECONDS = 60.0


async def list_servers(service: Service, argument: ListServers) -> list[dict[str, Any]]:
    """All servers, or the one of a name; with `wait`, once none of them is connecting any more."""
    service.configuration.look()
    if argument.name is not None:
        _check(service, argument.name)
    names = None if argument.name is None else [argument.name]
    await service.servers.settled(names, WAIT_SECONDS if argument.wait else 0)
    found = [each.json() for each in service.servers.all]
    return [each for each in found if argument.name in {None, each["name"]}]


async def restart_server(service: Service, argument: RestartServer) -> list[dict[str, Any]]:
    """Start one again, switch it on or off here, or log in to it; returns as it begins, unless `wait`."""
    _check(service, argument.name)
    server = await service.servers.restart(argument.name, on=argument.enabled, login=argument.login)
    if argument.wait:
        await service.servers.settled([argument.name], WAIT_SECONDS)
    return [server.json()]


def _check(service: Service, name: str) -> None:
    known = [each.entry.name for each in service.servers.all]
    if name not in known:
        raise Invalid(f"name: no MCP server {name!r}; there are: {', '.join(known) or 'none'}")
