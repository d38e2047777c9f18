"""What the tools about modes share: which ones there are, and which one a model means."""

from roo_lsp.agent.errors import ToolError
from roo_lsp.agent.ports import TaskModes
from roo_lsp.agent.tool import ToolContext


def modes_of(context: ToolContext) -> TaskModes:
    """The modes of the task.

    Raises:
        ToolError: there are none to choose from.
    """
    if context.modes is None:
        raise ToolError("There is no other mode here.")
    return context.modes


def mode_meant(modes: TaskModes, given: str) -> tuple[str, str]:
    """Slug and name of a mode that a model names by either.

    Raises:
        ToolError: there is none like it.
    """
    names = modes.names()
    wanted = given.strip().casefold()
    for slug, name in names.items():
        if wanted in {slug.casefold(), name.casefold()}:
            return slug, name
    raise ToolError(f"There is no mode {given.strip()[:60]!r}. The modes are: {', '.join(names)}.")
