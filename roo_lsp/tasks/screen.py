"""What tasks need to show beside their events: the port that a front end's windows are behind."""

from pathlib import Path
from typing import Protocol

from roo_lsp.tasks.approvals import Pending


class Screen(Protocol):
    """Where the user reads."""

    def message(self, text: str) -> None:
        """A message that waits for nothing."""
        ...

    def warning(self, text: str) -> None:
        """A message about something that is wrong."""
        ...

    async def open_url(self, url: str) -> bool:
        """Show a page in the user's browser; False where that is not possible, and they were told the address."""
        ...

    async def open_details(self, entry: Pending) -> None:
        """Show all of what waits, as a document."""
        ...

    async def open_document(self, file: Path, *, take_focus: bool = True) -> bool:
        """Show a file; False where that is not possible, and the user was told where it is.

        The focus is taken only for what the user asked for.
        """
        ...
