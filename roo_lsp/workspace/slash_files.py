"""Slash commands in files: `.roo/commands/NAME.md`, `.claude/commands/NAME.md`, here and at home.

A command's text becomes a part of what the user says. Nothing in it is run.
"""

import re
import shlex
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Literal

from roo_lsp.workspace.headed import headed
from roo_lsp.workspace.instructions import InstructionPlace, Unusable, command_at
from roo_lsp.workspace.skills import NAME, ineffective

KNOWN = frozenset({"description", "argument-hint", "mode", "name", "version"})
MAX_DESCRIPTION = 200
_PLACEHOLDER = re.compile(r"\$(?:(ARGUMENTS)\b|([1-9])(?!\d|[.,]\d))")
_SHELL = re.compile(r"!`[^`\n]+`|!\{[^}\n]+\}")


@dataclass(frozen=True, slots=True)
class PromptFile:
    """A slash command that stands in a file."""

    name: str
    description: str
    body: str
    shown: str
    """Its file, as people name it."""
    path: str
    """Its file, below its place."""
    source: Literal["project", "home"]
    hint: str = ""
    mode: str = ""
    """What mode it is for; empty: the one there is."""
    notes: tuple[str, ...] = ()

    @property
    def runs_nothing(self) -> bool:
        """Whether something in it would be run by other agents, and is text here."""
        return bool(_SHELL.search(self.body))

    def text(self, arguments: str) -> str:
        """The text with the arguments in their places."""
        return with_arguments(self.body, arguments)


@dataclass(slots=True)
class FoundCommands:
    """Those that there are, and those that cannot be used."""

    by_name: dict[str, PromptFile] = field(default_factory=dict[str, PromptFile])
    problems: list[Unusable] = field(default_factory=list[Unusable])

    def uses(self, path: str, shown: str) -> PromptFile | None:
        """The command that is made of a file."""
        return next(
            (each for each in self.by_name.values() if each.path == path and each.shown == shown),
            None,
        )


def commands_in(
    home: InstructionPlace, folders: Sequence[InstructionPlace], reserved: Collection[str]
) -> FoundCommands:
    """The commands of these places: a folder's before home's, those of `.roo` first.

    `reserved` are the names of what roo-lsp does itself: no file takes their place.
    """
    found = FoundCommands()
    for place in [*folders, home]:
        files = [(path, which) for path in place.files if (which := command_at(path))]
        files.sort(key=lambda each: (each[1][1] != "roo", each[0].count("/"), each[0]))
        for path, (name, _) in files:
            problem = _add(found, place, path, name, reserved)
            if problem is not None:
                found.problems.append(problem)
    return found


def _add(
    found: FoundCommands, place: InstructionPlace, path: str, name: str, reserved: Collection[str]
) -> Unusable | None:
    """Take a file in; or what keeps it from being used."""
    shown = place.named(path)
    if not NAME.fullmatch(name):
        return Unusable(shown, "its name cannot be typed behind a `/`, so it is no command")
    if name.lower() in reserved:
        return Unusable(shown, f"/{name} is a command of roo-lsp itself, so the file is not used")
    text = headed(place.files[path])
    if text is None:
        return Unusable(shown, "it has no text in it, so it is no command")
    problem = None
    if text.problem:
        problem = Unusable(shown, f"{text.problem}; so all of it is the command's text", text.line)
    notes = list(ineffective(text.values, KNOWN))
    if _SHELL.search(text.body):
        notes.append("a command in it (!`…`) is text: it is not run by itself")
    command = PromptFile(
        name,
        " ".join(text.text("description").split())[:MAX_DESCRIPTION] or _first_line(text.body),
        text.body,
        shown,
        path,
        "home" if place.home else "project",
        " ".join((text.text("argument-hint") or " ".join(text.texts("argument-hint"))).split())[
            :80
        ],
        text.text("mode"),
        tuple(notes),
    )
    found.by_name.setdefault(name, command)
    return problem


def _first_line(body: str) -> str:
    return body.strip().partition("\n")[0].lstrip("# ")[:MAX_DESCRIPTION]


def with_arguments(text: str, arguments: str) -> str:
    """`$ARGUMENTS` becomes all that was said, `$1` to `$9` its words; quotes keep words together.

    Where nothing was said the numbered ones stay as they are: in a text that takes no arguments they
    are a part of it. What is put in is not looked through again.
    """
    words = _words(arguments)

    def put(found: re.Match[str]) -> str:
        if found[1]:
            return arguments
        if not words:
            return found[0]
        at = int(found[2]) - 1
        return words[at] if at < len(words) else ""

    return _PLACEHOLDER.sub(put, text)


def _words(arguments: str) -> list[str]:
    try:
        return shlex.split(arguments)
    except ValueError:  # an apostrophe
        return arguments.split()
