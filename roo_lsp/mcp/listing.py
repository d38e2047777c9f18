"""What a server has, listed page by page within limits; what cannot be offered is left out, and told."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Protocol, TypeVar, cast

import mcp_types as types
from mcp import Client
from mcp.shared.exceptions import MCPError
from pydantic import ValidationError

from roo_lsp.mcp.catalog import Catalog, PromptInfo, ResourceInfo, ToolInfo
from roo_lsp.mcp.entries import ServerEntry
from roo_lsp.mcp.schemas import BadSchema, endpoint_schema
from roo_lsp.workspace.escapes import plain

MAX_PAGES = 64
MAX_TOOLS, MAX_PROMPTS, MAX_RESOURCES = 512, 128, 256
"""Of one server; the first that it lists."""
MAX_DESCRIPTION = 1024
"""Characters: what Azure takes of a function's description."""
MAX_INSTRUCTIONS = 2048

T = TypeVar("T")


class _Page(Protocol):
    next_cursor: str | None


P = TypeVar("P", bound=_Page)


async def catalog_of(client: Client, entry: ServerEntry) -> Catalog:
    """All of it.

    Raises:
        MCPError, ValidationError: its tools cannot be listed.
    """
    can, left_out = client.server_capabilities, list[str]()
    tools: Sequence[ToolInfo] = ()
    if can.tools is not None:
        ask = partial(_tools, client, left_out)
        pages = await _all(ask, lambda page: page.tools, MAX_TOOLS, "tools", left_out)
        tools, refused = await asyncio.to_thread(_usable, pages, entry)
        left_out += refused
    prompts: Sequence[PromptInfo] = ()
    if can.prompts is not None:
        found = await _some(client.list_prompts, _prompts, MAX_PROMPTS, "prompts", left_out)
        prompts = [_prompt(each) for each in found]
    resources: list[ResourceInfo] = []
    if can.resources is not None:
        fixed = await _some(client.list_resources, _fixed, MAX_RESOURCES, "resources", left_out)
        resources += [ResourceInfo(r.uri, r.title or r.name, _text(r.description)) for r in fixed]
        templates = await _some(
            client.list_resource_templates,
            _templates,
            MAX_RESOURCES,
            "templates of resources",
            left_out,
        )
        resources += [
            ResourceInfo(t.uri_template, t.title or t.name, _text(t.description)) for t in templates
        ]
    info = client.server_info
    return Catalog(
        title=plain(f"{info.title or info.name} {info.version}")[:200] if info else "",
        protocol=client.protocol_version,
        instructions=plain((client.instructions or "").strip())[:MAX_INSTRUCTIONS],
        tools=tuple(tools),
        prompts=tuple(prompts),
        resources=tuple(resources),
        reads_resources=can.resources is not None,
        left_out=tuple(left_out),
    )


async def _tools(client: Client, left_out: list[str], cursor: str | None) -> types.ListToolsResult:
    """A page of tools; where one is none, the SDK takes none of them: then the others are picked out here."""
    with suppress(ValidationError):
        return await client.list_tools(cursor=cursor)
    # There is no other way to what the server sent than the SDK's own parts.
    session: Any = client.session
    asked: dict[str, Any] = {"method": "tools/list"}
    asked |= {"params": {"cursor": cursor}} if cursor else {}
    options: dict[str, Any] = {}
    session._stamp(asked, options)  # noqa: SLF001
    raw: dict[str, Any] = await session._dispatcher.send_raw_request(  # noqa: SLF001
        "tools/list", asked.get("params"), options
    )
    good: list[types.Tool] = []
    given = raw.get("tools")
    for each in cast("list[Any]", given) if isinstance(given, list) else []:
        try:
            good.append(types.Tool.model_validate(each, by_name=False))
        except ValidationError as error:
            named = cast("dict[str, Any]", each).get("name") if isinstance(each, dict) else each
            first = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(map(str, first["loc"]))
            name = plain(str(named))[:128]
            left_out.append(f"The tool {name} is left out: {place}: {first['msg']}.")
    page = types.ListToolsResult(tools=good, next_cursor=raw.get("nextCursor"))
    session._absorb_tool_listing(page, complete=False)  # noqa: SLF001 -- else it lists after each call
    return page


async def _all(
    ask: Callable[..., Awaitable[P]],
    of: Callable[[P], Sequence[T]],
    most: int,
    what: str,
    left_out: list[str],
) -> list[T]:
    """The first of them, from as many pages as it takes."""
    found: list[T] = []
    cursor: str | None = None
    for _ in range(MAX_PAGES):
        page = await ask(cursor=cursor)
        found += of(page)
        cursor = page.next_cursor
        if cursor is None or len(found) > most:
            break
    if len(found) > most or cursor is not None:
        more = "" if cursor is None else "at least "
        left_out.append(f"Of {more}{len(found)} {what} the first {most} are taken.")
    return found[:most]


async def _some(
    ask: Callable[..., Awaitable[P]],
    of: Callable[[P], Sequence[T]],
    most: int,
    what: str,
    left_out: list[str],
) -> list[T]:
    """As `_all`; where they cannot be listed, that is told, and there are none."""
    try:
        return await _all(ask, of, most, what, left_out)
    except (MCPError, ValidationError) as error:
        left_out.append(f"Its {what} cannot be listed: {str(error)[:300]}")
        return []


def _prompts(page: types.ListPromptsResult) -> list[types.Prompt]:
    return page.prompts


def _fixed(page: types.ListResourcesResult) -> list[types.Resource]:
    return page.resources


def _templates(page: types.ListResourceTemplatesResult) -> list[types.ResourceTemplate]:
    return page.resource_templates


def _usable(tools: Sequence[types.Tool], entry: ServerEntry) -> tuple[list[ToolInfo], list[str]]:
    """The tools that can be offered, and why others are not."""
    found: dict[str, ToolInfo] = {}
    left_out: list[str] = []
    for each in tools:
        name = plain(each.name)[:128]
        if each.name in entry.disabled_tools:
            continue
        if each.name in found or not each.name.strip():
            left_out.append(f"A second tool {name} is left out.")
            continue
        try:
            schema = endpoint_schema(each.input_schema)
        except BadSchema as error:
            left_out.append(f"The tool {name} is left out: {error}.")
            continue
        found[each.name] = ToolInfo(each.name, _text(each.description), schema, _claims(each))
    return list(found.values()), left_out


def _claims(tool: types.Tool) -> str:
    hints = tool.annotations
    if hints is None:
        return ""
    said = {"read-only": hints.read_only_hint, "destructive": hints.destructive_hint}
    return ", ".join(word for word, claimed in said.items() if claimed)


def _prompt(prompt: types.Prompt) -> PromptInfo:
    arguments = prompt.arguments or []
    return PromptInfo(
        prompt.name,
        _text(prompt.description or prompt.title),
        tuple(each.name for each in arguments),
        frozenset(each.name for each in arguments if each.required),
    )


def _text(text: str | None) -> str:
    """A description, as far as it is taken, with nothing in it that hides or controls."""
    shown = plain((text or "").replace("\t", " ").strip())
    return shown if len(shown) <= MAX_DESCRIPTION else f"{shown[: MAX_DESCRIPTION - 1]}…"
