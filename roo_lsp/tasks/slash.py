"""Commands in what a user says: lines at its beginning that start with `/`, done by roo-lsp itself."""

import difflib
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from roo_lsp.tasks.refusals import Refused


@dataclass(frozen=True, slots=True)
class Form:
    """What a command is, and what follows it on its line."""

    description: str
    hint: str = ""
    """Its word; what stands behind that is for the model."""
    example: str = ""
    takes_text: bool = False
    """No word, but what stands behind the command is for the model."""


COMMANDS: Mapping[str, Form] = {
    "cancel": Form("Stop the turn that runs."),
    "changes": Form("Open all that is left to review as one diff."),
    "compact": Form("Shorten the conversation now."),
    "help": Form("Say what can be done here."),
    "keep": Form("Keep everything that the task changed."),
    "mcp": Form("Say which MCP servers there are, and how each is."),
    "mode": Form("Go on in another mode.", "MODE", "/mode ask"),
    "new": Form("Start a new task with what follows.", takes_text=True),
    "open": Form("Open the whole transcript."),
    "profile": Form("Go on with another profile.", "PROFILE", "/profile local"),
    "revert": Form("Take back everything that the task changed and that is left to review."),
    "status": Form("Say how the task stands."),
}

LONGEST = 40
"""Characters of a name that are looked at and shown; all of ours are shorter."""

_NAME = re.compile(r"/[^\W\d_][\w-]*$")
"""A word with another slash or a dot in it is a path, and none of these."""


@dataclass(frozen=True, slots=True)
class SlashCommand:
    """A command with its word."""

    name: str
    word: str = ""


def split(text: str, prompts: Collection[str] = ()) -> tuple[list[SlashCommand], str]:
    """The commands at the beginning of a message, and the rest, which is for the model.

    `prompts` are names of commands that are for the model: one of them begins the rest.

    Raises:
        Refused: it begins with a command that there is not, or with one that lacks its word or has
            one too many. It is not for the model: it was meant as a command.
    """
    rest, commands = text, list[SlashCommand]()
    while (word := _first_word(rest)) and _NAME.match(word) and word[1:] not in prompts:
        name = word[1:]
        form = COMMANDS.get(name)
        if form is None:
            raise _unknown(name, prompts)
        line, _, below = rest.lstrip().partition("\n")
        behind = line[len(word) :].strip()
        argument = ""
        if form.hint:
            argument, _, behind = behind.partition(" ")
            if not argument:
                raise _unfit(f"/{name} needs a word behind it: {form.example}")
        elif behind and not form.takes_text:
            raise _unfit(f"/{name} stands alone on its line. {SAY_IT}")
        commands.append(SlashCommand(name, argument))
        rest = f"{behind.strip()}\n{below}" if behind else below
        if behind:
            break
    return commands, rest.strip() if commands else text


SAY_IT = "To say it to the model, begin with another word."


def _first_word(text: str) -> str:
    found = re.match(r"\s*(\S+)", text)
    return found[1] if found else ""


def _unknown(name: str, prompts: Collection[str]) -> Refused:
    shown = name if len(name) <= LONGEST else f"{name[:LONGEST]}…"
    near = difflib.get_close_matches(name[:LONGEST].lower(), [*COMMANDS, *prompts], 1, 0.5)
    nearest = f"the nearest is /{near[0]}" if near else "/help lists those that there are"
    return _unfit(f"There is no command /{shown}; {nearest}. {SAY_IT}")


def _unfit(sentence: str) -> Refused:
    return Refused(sentence, "unknown_command")


def help_lines() -> Sequence[str]:
    """What can be done, one command a line."""
    return [
        f"`/{name}{f' {form.hint}' if form.hint else ''}` {form.description}"
        for name, form in COMMANDS.items()
    ]
