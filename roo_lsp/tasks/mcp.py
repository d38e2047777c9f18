"""The verbs about MCP servers: which there are, how they are, and starting one again."""

import shlex
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from roo_lsp.agent.errors import ToolError
from roo_lsp.agent.figures import plural
from roo_lsp.mcp.catalog import PromptInfo
from roo_lsp.mcp.forms import DECLINE
from roo_lsp.mcp.names import tool_name
from roo_lsp.mcp.servers import McpServer, McpServers
from roo_lsp.tasks.inputs import ListServers, RestartServer
from roo_lsp.tasks.prompt_commands import Commands, PromptCommand
from roo_lsp.tasks.refusals import Invalid, Refused
from roo_lsp.tasks.service import Service
from roo_lsp.workspace.escapes import label

WAIT_SECONDS = 60.0
MOST_OF_PROMPT = 60_000
"""Characters of a server's prompt."""


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


def server_lines(service: Service) -> list[str]:
    """How each server is, one line each, for people."""
    lines: list[str] = []
    for server in service.servers.all:
        entry, catalog = server.entry, server.catalog
        what = plural(len(catalog.tools), "tool")
        if catalog.prompts:
            what += f", {plural(len(catalog.prompts), 'prompt')}"
        if catalog.resources:
            what += f", {plural(len(catalog.resources), 'resource')}"
        why = server.error or (what if server.state == "connected" else "")
        lines.append(
            f"{label(entry.name)}: {server.state}{f', {why}' if why else ''} ({entry.source})"
        )
        lines += [f"  {each}" for each in catalog.left_out]
    return lines or ["No MCP server is set up here."]


def _check(service: Service, name: str) -> None:
    known = [each.entry.name for each in service.servers.all]
    if name not in known:
        raise Invalid(f"name: no MCP server {name!r}; there are: {', '.join(known) or 'none'}")


# --- prompts as slash commands ----------------------------------------------------------------


def prompt_commands(servers: McpServers) -> Commands:
    """The prompts of all servers, by the names that their tools would have."""
    found: dict[str, PromptCommand] = {}
    for server in servers.all:
        for prompt in server.catalog.prompts:
            name = tool_name(server.entry.name, prompt.name)
            shown = f"the MCP server {server.entry.name}"
            hint = " ".join(
                each if each in prompt.required else f"[{each}]" for each in prompt.arguments
            )
            found[name] = PromptCommand(
                name,
                prompt.description or f"{prompt.name} of {shown}",
                partial(_prompt_text, server, prompt),
                hint,
                server.entry.name,
                kind="prompt",
                shown=shown,
            )
    return found


async def _prompt_text(server: McpServer, prompt: PromptInfo, typed: str) -> str:
    """What a server's prompt says with what was typed behind it.

    Raises:
        Refused: an argument is missing, or the server does not give it.
    """
    given = _arguments(prompt, typed)
    if missing := [
        each for each in prompt.arguments if each in prompt.required and each not in given
    ]:
        name = tool_name(server.entry.name, prompt.name)
        raise Refused(f"/{name} needs {', '.join(missing)} behind it.", "unknown_command")
    try:
        outcome = await server.prompt(prompt.name, given, _NobodyAsks())
    except ToolError as error:
        raise Refused(error.text, "unknown_command") from error
    return outcome.text[:MOST_OF_PROMPT].replace("</prompt>", "<\\/prompt>")


def _arguments(prompt: PromptInfo, typed: str) -> Mapping[str, str]:
    """One word each, quoted where it has blanks; the last takes the rest."""
    try:
        words = shlex.split(typed)
    except ValueError:
        words = typed.split()
    names = prompt.arguments
    if len(words) > len(names) > 0:
        words = [*words[: len(names) - 1], " ".join(words[len(names) - 1 :])]
    return dict(zip(names, words, strict=False))


class _NobodyAsks:
    """No server asks anything while one of its prompts is fetched."""

    async def ask(self, question: str, suggestions: Sequence[str], *, own: bool = False) -> str:
        del question, suggestions, own
        return DECLINE
