"""What stands around a task that nobody says: what the user's editor shows, as text for the model."""

from typing import Protocol


class Surroundings(Protocol):
    """Told to the model where it is new, behind the user's words or the last result."""

    async def told(self, *, turn: bool) -> str:
        """What the model has not been told: all of it the first time, later what changed; or nothing.

        `turn` is True behind what the user says, False behind results. What it returns counts as told.
        """
        ...

    def forget(self) -> None:
        """What was told is not sent any more: the next time it is told anew."""
        ...


class NothingAround:
    """`Surroundings` of a task that has none."""

    async def told(self, *, turn: bool) -> str:
        """Nothing."""
        del turn
        return ""

    def forget(self) -> None:
        """Nothing was told."""
