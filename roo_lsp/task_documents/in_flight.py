"""What one document is in the middle of: messages on their way, an edit to be made, a change in doubt."""

from dataclasses import dataclass

from roo_lsp.task_documents.inserting import Woven
from roo_lsp.task_documents.rendering import Renderer
from roo_lsp.task_documents.ticks import TickKey


@dataclass(slots=True, eq=False)
class Sent:
    """A message below our place: on its way to the model, or a command of the document's own."""

    text: str
    reply: list[str] | None = None
    """What a command came to."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """An edit, and what of the lines to come it has."""

    woven: Woven
    chunks: int
    """How many chunks were given out whole; of the next one, `shown`."""
    shown: list[str]
    went_on: bool
    keys: dict[str, str]
    """What it sets of the front matter."""
    renderer: Renderer
    moves: int
    base: list[str]
    """The text that it is an edit of."""
    catches_up: bool = False


@dataclass(frozen=True, slots=True)
class Reloaded:
    """A change that made the text what is on disk: read from there, or saved a moment ago."""

    modified: int
    """When the file was written, in nanoseconds."""
    ticks: set[TickKey]
    lines: set[str]
