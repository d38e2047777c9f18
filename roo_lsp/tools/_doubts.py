"""Changes that would probably lose something: refused once, with what to do; meant, if made again."""

from pathlib import Path

from roo_lsp.agent.errors import ToolError
from roo_lsp.agent.tool import Arguments, ToolContext
from roo_lsp.workspace.line_diff import alike

AGAIN = "Nothing was changed. If it is meant, make the same call again."
BRIEF = "The new text seems to leave something out."


def refuse_once(
    context: ToolContext, arguments: Arguments, doubt: str | None, do: str = ""
) -> bool:
    """Tell the doubt the first time that these arguments come; True where it is overruled.

    Raises:
        ToolError: it is the first time.
    """
    if doubt is None:
        return False
    key = f"{type(arguments).__name__} {hash(arguments.model_dump_json())}"
    if context.recall.first(key):
        raise ToolError(" ".join(filter(None, (doubt, do, AGAIN))), f"{BRIEF} {AGAIN}")
    return True


def taken_back(context: ToolContext, path: Path, old: str) -> str | None:
    """Why a text that takes the place of all of a file should not, or None: it is not the one known."""
    known = context.recall.text(path)
    if known is None or alike(known, old):
        return None
    return (
        "The file was changed since you read it, and this would undo that. Look at it as it is now."
    )


def much_shorter(context: ToolContext, path: Path, old: str, new: str) -> str | None:
    """Why a file that the model has not seen should not become so much shorter, or None."""
    lines = old.count("\n") + 1
    if context.recall.has_seen(path) or lines <= MANY_LINES or len(new) * 2 >= len(old):
        return None
    return (
        f"You have not read the file in this task, and the new content is less than half of its "
        f"{lines} lines. Read it first: what you do not repeat is lost."
    )


MANY_LINES = 10
"""Lines from which on a file is worth a look before it is replaced."""
