"""`document_symbols`: what a file defines, from the editor's other language servers."""

from pydantic import Field

from roo_lsp.agent.figures import plural
from roo_lsp.agent.ports import Symbol
from roo_lsp.agent.tool import (
    Arguments,
    Invocation,
    Location,
    ShowOutput,
    Tool,
    ToolContext,
    ToolKind,
    ToolResult,
)
from roo_lsp.tools._places import notes_on
from roo_lsp.tools._symbol import NO_ANSWER, servers_of
from roo_lsp.tools._text import name_of, reads, title_line
from roo_lsp.workspace.escapes import label
from roo_lsp.workspace.problems import bounded

MAX_SYMBOLS = 400
"""Symbols in one result."""
NAME_LENGTH = 120


class DocumentSymbols(Arguments):
    """List the classes, functions and other symbols of a file with their lines."""

    path: str = Field(description="The file")


def symbol_told(symbol: Symbol) -> str:
    """`class Name`, with what else is known of it."""
    detail = f" {label(bounded(symbol.detail, NAME_LENGTH))}" if symbol.detail.strip() else ""
    within = f" (in {label(bounded(symbol.within, NAME_LENGTH))})" if symbol.within else ""
    return f"{symbol.kind} {label(bounded(symbol.name, NAME_LENGTH))}{detail}{within}"


def _line(symbol: Symbol) -> str:
    span = str(symbol.line or "?")
    if symbol.end_line and symbol.end_line != symbol.line:
        span += f"-{symbol.end_line}"
    return f"{span} | {'  ' * symbol.depth}{symbol_told(symbol)}"


async def prepare(arguments: DocumentSymbols, context: ToolContext) -> Invocation:
    servers, _ = servers_of(context)
    path = context.workspace.path(arguments.path)
    name = name_of(context, path)

    async def run(output: ShowOutput) -> ToolResult:
        del output
        await context.files.read(path)  # says what is wrong where it cannot be looked into
        found = await servers.document_symbols(path)
        if found is None:
            return ToolResult(NO_ANSWER.format(what=name))
        here = [each for each in found.symbols if each.path == path]
        if not any(each.depth for each in here):
            here.sort(key=lambda each: each.line or 0)
        shown = here[:MAX_SYMBOLS]
        head = f"{plural(len(here), 'symbol')} in {name}."
        notes = notes_on(len(here) - len(shown) + found.more, 0, 0)
        return ToolResult("\n".join([" ".join([head, *notes]), *map(_line, shown)]))

    title = title_line(f"List symbols of {name}", 160)
    return Invocation(title, run, locations=(Location(path),))


TOOL = Tool(
    name="document_symbols",
    kind=ToolKind.SEARCH,
    group="read",
    arguments=DocumentSymbols,
    prepare=prepare,
    targets=lambda arguments, context: reads(context, arguments.path),
    parallel=True,
    needs="documentSymbol",
    doing="Listing",
)
