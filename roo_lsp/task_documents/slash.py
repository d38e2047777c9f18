"""Commands in a message: lines at its beginning that start with `/`, done by roo-lsp itself."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

COMMANDS: Mapping[str, str] = {
    "cancel": "Stop the turn that runs.",
    "changes": "Open all that is left to review as one diff.",
    "help": "Say what can be done here.",
    "keep": "Keep everything that the task changed.",
    "mode": "Go on in another mode: /mode ask",
    "new": "Start a new task below.",
    "open": "Open the whole transcript.",
    "profile": "Go on with another profile: /profile local",
    "revert": "Take back everything that the task changed and that is left to review.",
    "status": "Say how the task stands.",
}
WITH_WORD = ("mode", "profile")
"""Those that take a word."""

_LINE = re.compile(r"/([a-z]+)(?:[ \t]+(\S+))?[ \t]*$")


@dataclass(frozen=True, slots=True)
class Command:
    """A command with its word."""

    name: str
    word: str = ""


def split(text: str) -> tuple[list[Command], str]:
    """The commands at the beginning of a message, and the rest, which is for the model."""
    lines = text.split("\n")
    commands: list[Command] = []
    while lines:
        line = lines[0].strip()
        if line:
            found = _LINE.match(line)
            if found is None or found[1] not in COMMANDS:
                break
            if bool(found[2]) != (found[1] in WITH_WORD):
                break
            commands.append(Command(found[1], found[2] or ""))
        del lines[0]
    return commands, "\n".join(lines).strip()


def help_lines() -> Sequence[str]:
    """What can be done, as Markdown."""
    return (
        "Write under `## You` and save: that sends it. While Roo works, its next step hears it.",
        "",
        *(f"- `/{name}` {text}" for name, text in COMMANDS.items()),
        "",
        "`@path` and `@path:10-20` point at files. Settings of this task go between `---` at the top.",
    )
