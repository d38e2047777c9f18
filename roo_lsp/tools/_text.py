"""What tools have in common in how they name things to people and to the model."""

import unicodedata
from collections.abc import Sequence
from pathlib import Path

from roo_lsp.agent.errors import ToolError
from roo_lsp.agent.paths_meant import with_names
from roo_lsp.agent.ports import Snapshot
from roo_lsp.agent.tool import Target, ToolContext

MAX_RESULT = 200_000
"""Characters of a result; a model is better served by a part and a way to go on."""


def name_of(context: ToolContext, path: Path) -> str:
    """A path in one line, as it may be used in the next call."""
    return title_line(context.workspace.show(path), 4096)


def title_line(text: str, limit: int = 80) -> str:
    """A text on one line of a title, without characters that move or hide others."""
    shown = "".join(
        each
        if not unicodedata.category(each).startswith("C")
        else each.encode("unicode_escape").decode()
        for each in text
    )
    return shown if len(shown) <= limit else f"{shown[: limit - 1]}…"


def reads(context: ToolContext, path: str) -> tuple[Target, ...]:
    """The target of a call that reads one path."""
    return (Target(context.workspace.path(path), "read"),)


def writes(context: ToolContext, path: str) -> tuple[Target, ...]:
    """The target of a call that writes one path."""
    return (Target(context.workspace.path(path), "write"),)


def nearly_told(labels: Sequence[str]) -> str:
    """What is added to a result when some changes fitted only nearly; empty where all did exactly."""
    if not labels:
        return ""
    return (
        f" {', '.join(labels)} fitted apart from blanks or typographic characters; lines that stay "
        "were left as they are in the file."
    )


async def read_existing(context: ToolContext, path: Path, hint: str) -> Snapshot:
    """A file that is to be changed; `hint` is what to do where it is not there.

    Raises:
        ToolError: it cannot be read.
    """
    there = await context.files.exists(path)
    try:
        return await context.files.read(path)
    except ToolError as error:
        if there:
            raise
        told = await with_names(error, path, context)
        raise ToolError(f"{told.text} {hint}", f"{error.brief} {hint}") from None
