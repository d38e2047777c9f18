"""Where the symbol stands that a call is about: models name it and count no columns."""

import re
from collections.abc import Sequence
from pathlib import Path

from pydantic import Field

from roo_lsp.agent.errors import ToolError
from roo_lsp.agent.ports import LanguageServers, Spot, Symbol
from roo_lsp.agent.tool import Arguments, Sight, Target, ToolContext
from roo_lsp.tools._text import name_of, reads, title_line
from roo_lsp.workspace.lines import line_texts

NEAR = 3
"""Lines that are told where a symbol is not on the one that was named."""
LISTED = 10
"""Symbols of one name that are told."""
LINE_LENGTH = 200
"""Characters of a line in a result."""
BODY = 20
"""Lines from where a symbol begins in which its name is looked for: decorators stand above it."""

NO_ANSWER = (
    "No language server of the editor answered about {what}. That does not mean there is nothing: use "
    "search_files."
)
KNOWING = (
    "Where a name is defined, used or to be changed, prefer {tools} to searching: they ask the "
    "editor's language servers, which know the code; search where they have no answer."
)
"""The rule of tools that know what a search would have to guess."""


class AtSymbol(Arguments):
    """Base of the arguments that name a symbol at a place."""

    symbol: str = Field(description="Name as written there; b.name tells it from a.name")
    path: str | None = Field(None, description="File it stands in; else looked up by name")
    line: int | None = Field(None, description="Its line, as in read_file")


def targets(arguments: AtSymbol, context: ToolContext) -> tuple[Target, ...]:
    """The file, or the workspace where a symbol is only named."""
    return reads(context, arguments.path) if arguments.path is not None else everything(context)


def everything(context: ToolContext) -> tuple[Target, ...]:
    """All workspace folders."""
    return tuple(Target(folder, "read") for folder in context.workspace.folders)


def servers_of(context: ToolContext) -> tuple[LanguageServers, Sight]:
    """Whom to ask, and what may be told of the answers.

    Raises:
        ToolError: there is nobody to ask.
    """
    if context.servers is None or context.sight is None:
        raise ToolError("There is no editor here whose language servers could be asked.")
    return context.servers, context.sight


def title_of(what: str, arguments: AtSymbol, context: ToolContext) -> str:
    """`Find definition of name (src/a.py:12)`."""
    where = ""
    if arguments.path is not None:
        name = name_of(context, context.workspace.path(arguments.path))
        where = f" ({name}{f':{arguments.line}' if arguments.line else ''})"
    return title_line(f"{what} {arguments.symbol}{where}", 160)


async def spot_of(arguments: AtSymbol, context: ToolContext) -> Spot:
    """Where it stands.

    Raises:
        ToolError: it does not stand there; says where it does.
    """
    symbol = arguments.symbol.strip()
    if not symbol or "\n" in symbol:
        raise ToolError("symbol has to be a name, on one line.")
    if arguments.path is None:
        if arguments.line is not None:
            raise ToolError("A line needs the path of its file.")
        return await _looked_up(symbol, context)
    path = context.workspace.path(arguments.path)
    lines = line_texts((await context.files.read(path)).text)
    return _spot_in(path, name_of(context, path), lines, symbol, arguments.line)


def _spot_in(path: Path, name: str, lines: Sequence[str], symbol: str, line: int | None) -> Spot:
    shown = title_line(symbol)
    if line is not None and not 1 <= line <= len(lines):
        raise ToolError(f"{name} has {len(lines)} lines; there is no line {line}.")
    numbers = range(1, len(lines) + 1) if line is None else [line]
    for number in numbers:
        if (column := column_of(symbol, text := lines[number - 1])) is not None:
            return Spot(path, number, column, text)
    where = "in" if line is None else f"on line {line} of"
    told = f"{shown} is not {where} {name}."
    if line is None:
        raise ToolError(told)
    there = [n for n, text in enumerate(lines, 1) if column_of(symbol, text) is not None]
    near = sorted(sorted(there, key=lambda n: abs(n - line))[:NEAR])
    quoted = [f"{n} | {lines[n - 1].strip()[:LINE_LENGTH]}" for n in (near or [line])]
    head = "The nearest lines with it:" if near else "It is nowhere in the file. That line reads:"
    raise ToolError("\n".join([f"{told} {head}", *quoted]), told)


def column_of(symbol: str, line: str) -> int | None:
    """Where the last word of the symbol begins, at the first place that has it as a whole."""
    before = r"(?<!\w)" if re.match(r"\w", symbol) else ""
    after = r"(?!\w)" if re.search(r"\w\Z", symbol) else ""
    found = re.search(f"{before}{re.escape(symbol)}{after}", line)
    if found is None:
        return None
    words = list(re.finditer(r"\w+", symbol))
    return found.start() + (words[-1].start() if words else 0)


# --- by its name alone ----------------------------------------------------------------------


async def _looked_up(symbol: str, context: ToolContext) -> Spot:
    servers, sight = servers_of(context)
    shown = title_line(symbol)
    if "workspaceSymbol" not in servers.offered:
        raise ToolError("Give the path and the line: this editor looks up no symbols by name.")
    *outer, last = re.findall(r"\w+", symbol) or [symbol]
    found = await servers.workspace_symbols(last)
    if found is None:
        raise ToolError(NO_ANSWER.format(what=f"the name {shown}") + " Then give path and line.")
    named = [each for each in found.symbols if each.line and _is_called(each, last, outer)]
    seen = sight.seen([Target(each.path, "read") for each in named], everything(context))
    visible = [each for each, how in zip(named, seen, strict=True) if how == "shown"]
    match list({(each.path, each.line): each for each in visible}.values()):
        case [one]:
            return await _name_in(one, last, context)
        case []:
            raise ToolError(
                f"The editor's language servers know no symbol {shown} in the workspace. Give the "
                "path and the line of a place where it stands."
            )
        case several:
            places = [f"{name_of(context, each.path)}:{each.line}" for each in several[:LISTED]]
            more = f" and {len(several) - LISTED} more" if len(several) > LISTED else ""
            raise ToolError(
                f"There are {len(several)} symbols {shown}: {', '.join(places)}{more}. Give the path "
                "and the line of the one you mean."
            )


def _is_called(symbol: Symbol, name: str, outer: Sequence[str]) -> bool:
    """Some servers add the parameters, or what it lies within."""
    *within, last = re.findall(r"\w+", symbol.name.split("(")[0]) or [symbol.name]
    if last != name:
        return False
    around = [*re.findall(r"\w+", symbol.within), *within]
    return not outer or not around or around[-1] == outer[-1]


async def _name_in(symbol: Symbol, name: str, context: ToolContext) -> Spot:
    lines = line_texts((await context.files.read(symbol.path)).text)
    first = symbol.line or 1
    last = min(len(lines), first + BODY, symbol.end_line or first)
    for number in range(first, last + 1):
        if (column := column_of(name, text := lines[number - 1])) is not None:
            return Spot(symbol.path, number, column, text)
    raise ToolError(
        f"{title_line(name)} is not where the language server says, at "
        f"{name_of(context, symbol.path)}:{first}. Give the path and the line."
    )
