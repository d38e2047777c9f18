"""What the user mentions in what they type, as a port: looked up for the model, behind their words."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from roo_lsp.agent.messages import Image


@dataclass(frozen=True, slots=True)
class Mentioned:
    """What the mentions of one message stand for."""

    meant: str = ""
    """The words with each mention replaced by a pointer; empty without mentions."""
    shown: str = ""
    """What they stand for, as a delimited block of data."""
    images: tuple[Image, ...] = ()
    rest: Callable[[], Awaitable["Mentioned"]] | None = None
    """What the user is to be asked about first, and the answer to that: it may take long."""


class Mentions(Protocol):
    """Looks up what is mentioned, as the tools that read would."""

    async def told(self, words: str) -> Mentioned:
        """What can be said without a question; a mention that cannot be looked up is told as such."""
        ...


class NoMentions:
    """`Mentions` where there are none."""

    async def told(self, words: str) -> Mentioned:
        """Nothing."""
        del words
        return Mentioned()
