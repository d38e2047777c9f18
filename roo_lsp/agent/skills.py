"""Skills: instructions for one kind of task, of which the model knows the names and asks for one."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

SHARE = 0.02
"""Part of the context that the list may have."""
MOST = 8_000
"""And so many characters at most."""
CHARACTERS_A_TOKEN = 4
SHORTEST = 24
"""Characters of a description below which the names stand alone."""

HEAD = (
    "# Skills\nEach has instructions for one kind of task. Where one fits, call skill with its name before you "
    "begin, and follow what it says."
)


@dataclass(frozen=True, slots=True)
class Skill:
    """Instructions that the user keeps in a file."""

    name: str
    description: str
    """What it is for, in one line."""
    body: str
    folder: Path
    """Where the files lie that it speaks of; without the links on the way."""
    shown: str
    """Its own file, as people name it."""
    modes: tuple[str, ...] = ()
    """Those that it is for; empty: any."""
    for_model: bool = True
    """Whether the model may ask for it; else it is the user's alone."""
    for_user: bool = True
    """Whether it is offered to the user behind `/`."""

    def text(self, arguments: str = "") -> str:
        """All of it, for the model."""
        given = f"Arguments: {arguments}\n" if arguments else ""
        return f"Skill: {self.name}\n{given}Files it speaks of lie in: {self.folder}\n\n{self.body}"


def skills_told(skills: Collection[Skill], context_window: int) -> tuple[str, bool]:
    """The list for the system prompt, and whether something of it was cut.

    Descriptions get shorter where there are too many for the context, then names are left out.
    """
    room = int(min(MOST, context_window * SHARE * CHARACTERS_A_TOKEN))
    skills = [each for each in skills if each.for_model]
    if not skills:
        return "", False
    names = sum(len(each.name) + 5 for each in skills)
    lengths = [len(each.description) for each in skills]
    cut = names + sum(lengths) > room
    width = _width(lengths, room - names) if cut else max(lengths)
    if width >= SHORTEST or not cut:
        lines = [f"- {each.name}: {_short(each.description, width)}" for each in skills]
    else:
        count = max(1, room * len(skills) // max(1, names)) if names > room else len(skills)
        lines = [f"- {each.name}" for each in skills[:count]]
        if count < len(skills):
            lines.append(f"- and {len(skills) - count} more; call skill with no name for all")
    return "\n".join([HEAD, *lines]), cut


def _width(lengths: Collection[int], room: int) -> int:
    """How long each may be for all of them to have room: what is shorter leaves the rest to others."""
    left = sorted(lengths, reverse=True)
    while left[-1] * len(left) <= room:
        room -= left.pop()
    return max(0, room // len(left))


def _short(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: max(0, width - 1)].rstrip()}…"
