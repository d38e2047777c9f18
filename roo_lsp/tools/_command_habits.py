"""What models write around commands by habit, and what they could do without one."""

import re

from roo_lsp.agent.tool import ToolContext

_ENTITY = re.compile(r"&(?:lt|gt|amp|quot|#39|apos);")
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_INSTEAD = {
    **dict.fromkeys(("cat", "head", "tail", "less", "more", "nl"), "read_file"),
    **dict.fromkeys(("ls", "tree", "dir"), "list_files"),
    **dict.fromkeys(("grep", "rg", "egrep", "ack", "ag"), "search_files"),
}
"""Tools that do what these programs do."""
_PIPED = re.compile(r"[|;&<>$`]|\n")


def entities_in(command: str) -> str | None:
    """Why HTML entities in a command seem to be meant as characters; None where they are quoted."""
    found = _ENTITY.search(_QUOTED.sub("", command))
    return f"The command has {found[0]} in it, which bash reads as other words." if found else None


def tip(context: ToolContext, command: str) -> str:
    """The first time in a task that a tool would have done it: which, as more of the result."""
    words = command.split()
    tool = _INSTEAD.get(words[0]) if words and not _PIPED.search(command) else None
    if tool is None or not context.recall.first("a tool instead of a command"):
        return ""
    return f"\n({tool} shows this too. read_file, list_files and search_files ask nobody in the workspace.)"
