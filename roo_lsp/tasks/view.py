"""What a front end shows its user, as a port: where they are, what is open, what is complained of."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from roo_lsp.agent.ports import Problem


@dataclass(frozen=True, slots=True)
class OpenDocument:
    """A document that is open."""

    path: Path
    text: str
    unsaved: bool


@dataclass(frozen=True, slots=True)
class Focus:
    """Where the user is; lines are counted from 1."""

    path: Path
    first: int | None = None
    """The line, or the first that is selected; None where only the document is known."""
    last: int | None = None
    """The last line of a selection; None where nothing is selected."""
    age: float | None = None
    """Seconds since the user was seen there; None where the front end says where they are."""


class UserView(Protocol):
    """What a front end shows; all of it is at hand, but for the problems."""

    def focus(self) -> Focus | None:
        """Where the user is, as far as can be told without being told."""
        ...

    def documents(self) -> Sequence[OpenDocument]:
        """What is open, that which was touched last first."""
        ...

    async def problems(self) -> Sequence[Problem] | None:
        """What the language servers complain of, or None where the front end does not say."""
        ...


class NoView:
    """`UserView` of a front end that shows nothing."""

    def focus(self) -> Focus | None:
        """Nowhere."""
        return None

    def documents(self) -> Sequence[OpenDocument]:
        """None."""
        return ()

    async def problems(self) -> Sequence[Problem] | None:
        """Unknown."""
        return None
