"""Slash commands that become a part of what the user says: of files, of skills, and `/init`.

The user's words stay as they are; what the command says goes to the model behind them. Nothing in a
command is run. Where names meet, the first source counts: a file of the workspace, one of home, ours,
what others bring (see `PromptCommands.others`), a skill.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace

from roo_lsp.agent.events import CommandsOffered
from roo_lsp.agent.mentions import Mentioned, Mentions
from roo_lsp.agent.skills import Skill
from roo_lsp.tasks.instructions import Instructions
from roo_lsp.tasks.slash import COMMANDS
from roo_lsp.tools.skill import TOOL as SKILL_TOOL
from roo_lsp.workspace.escapes import label
from roo_lsp.workspace.slash_files import PromptFile

MOST = 5
"""Commands of one message."""
_NAMED = re.compile(r"(?:^|(?<=\s))/([\w.-]+)(?=\s|$)")

INIT = """\
Write AGENTS.md in the root of this workspace: what a coding agent that comes here for the first time needs, and \
cannot see at once.
1. Look first: the README and what builds, tests and checks the project (package files, CI, scripts), then how the \
code is laid out. Read what other agents were told, where it is there: CLAUDE.md, .cursor/rules, .cursorrules, \
.github/copilot-instructions.md, GEMINI.md, .roo/rules.
2. Where there is an AGENTS.md, keep what still holds, in its words, and mend or add what does not; write nothing anew \
for the sake of it. Else make one.
3. It has, each only where there is something to say: the commands to build, test and check, and how to run one test; \
how the parts fit together, where that takes more than one file to see; conventions that the tools do not enforce; \
what surprises or breaks. Take every command from a file that you read, and name paths as they are.
4. Leave out what any good engineer does anyway, lists of files, and what you only suppose. Twenty to forty lines.
At the end say what you wrote, and what you could not find out."""


@dataclass(frozen=True, slots=True)
class PromptCommand:
    """A command that the model is told."""

    name: str
    description: str
    text: Callable[[str], Awaitable[str]]
    """What it says, given what stands behind it."""
    hint: str = ""
    source: str = "built-in"
    """`project`, `home`, `built-in`, or who else brings it."""
    kind: str = "command"
    """What it is called by: a command, or as the tool of skills is."""
    mode: str = ""
    """What mode it is for; empty: the one there is."""
    shown: str = ""
    """Its file, as people name it."""
    note: str = ""
    """What the user should know when they use it, as a sentence."""


Commands = Mapping[str, PromptCommand]


@dataclass(frozen=True, slots=True)
class Expansion:
    """What the commands in a message come to."""

    told: str = ""
    """For the model, behind the user's words; empty where there is no command in them."""
    used: tuple[PromptCommand, ...] = ()
    mode: str = ""
    """What mode the first of them that is for one is for."""


@dataclass(slots=True)
class PromptCommands:
    """All that are offered now."""

    instructions: Instructions
    others: list[Callable[[], Commands]] = field(default_factory=list[Callable[[], Commands]])
    """More sources: what other programs bring."""

    _made: dict[str, tuple[tuple[object, ...], Commands]] = field(
        default_factory=dict[str, tuple[tuple[object, ...], Commands]]
    )
    """By mode, with what they were made of."""
    _told: dict[str, tuple[Commands, CommandsOffered]] = field(
        default_factory=dict[str, tuple[Commands, CommandsOffered]]
    )

    def commands(self, mode: str) -> Commands:
        """By name, as they are in a mode."""
        files, skills = self.instructions.commands(), self.instructions.skills(mode)
        more = [each() for each in self.others]
        made_of = (files, skills, *more)
        made = self._made.get(mode)
        if made is None or made[0] != made_of:
            found = {name: _of_skill(each) for name, each in skills.items() if each.for_user}
            for others in reversed(more):
                found |= others
            found |= {"init": _INIT} | {name: _of_file(each) for name, each in files.items()}
            made = self._made[mode] = (made_of, found)
        return made[1]

    def listed(self, mode: str) -> list[dict[str, str]]:
        """All that `/` offers in a mode, ours as well, in the order of their names."""
        ours = {
            name: (form.description, form.hint.lower(), "built-in", "command")
            for name, form in COMMANDS.items()
        }
        others = {
            name: (each.description, each.hint, each.source, each.kind)
            for name, each in self.commands(mode).items()
        }
        keys = ("description", "argumentHint", "source", "kind")
        return [
            {"name": name, **dict(zip(keys, said, strict=True))}
            for name, said in sorted((others | ours).items())
        ]

    def offered(self, mode: str) -> CommandsOffered:
        """The same as an event."""
        commands = self.commands(mode)
        told = self._told.get(mode)
        if told is None or told[0] is not commands:
            listed = [
                {"name": each["name"], "description": each["description"]}
                | ({"input": {"hint": each["argumentHint"]}} if each["argumentHint"] else {})
                for each in self.listed(mode)
            ]
            told = self._told[mode] = (commands, CommandsOffered(listed))
        return told[1]

    def help_lines(self, mode: str) -> list[str]:
        """What can be said, one command a line."""
        return [
            f"`/{name}{f' {each.hint}' if each.hint else ''}` {each.description}"
            for name, each in sorted(self.commands(mode).items())
        ]


@dataclass(frozen=True, slots=True)
class CommandsAndMentions:
    """`Mentions` that look for commands as well: what one says stands in front of what is mentioned."""

    under: Mentions
    commands: Callable[[], Commands]

    async def told(self, words: str) -> Mentioned:
        said = await expanded(words, self.commands)
        found = await self.under.told(words)
        if not said.told:
            return found
        return replace(found, shown="\n\n".join(filter(None, (said.told, found.shown))))


async def expanded(text: str, offered: Callable[[], Commands]) -> Expansion:
    """The commands that a message names, with what each says; a name that there is not is a word."""
    named = list(_NAMED.finditer(text)) if "/" in text else []
    commands: Commands = offered() if named else {}
    found = [each for each in named if each[1] in commands]
    if not found:
        return Expansion()
    told: dict[str, str] = {}
    for at, match in enumerate(found):
        if match[1] in told or len(told) == MOST:
            continue
        end = found[at + 1].start() if at + 1 < len(found) else len(text)
        behind = text[match.end() : end]
        if text[: found[0].start()].strip():  # in the middle of a sentence: the rest of its line
            behind = behind.partition("\n")[0]
        command = commands[match[1]]
        told[match[1]] = _block(command, await command.text(behind.strip()))
    used = tuple(commands[name] for name in told)
    mode = next((each.mode for each in used if each.mode), "")
    return Expansion("\n\n".join(told.values()), used, mode)


def _block(command: PromptCommand, text: str) -> str:
    where = f' from="{label(command.shown)}"' if command.shown else ""
    return f'<{command.kind} name="{command.name}"{where}>\n{text.strip()}\n</{command.kind}>'


def _of_file(file: PromptFile) -> PromptCommand:
    async def text(arguments: str) -> str:
        return file.text(arguments)

    note = ""
    if file.runs_nothing:
        note = f"/{file.name} has a command in it that other agents run: here it is text, and the model may ask."
    return PromptCommand(
        file.name,
        file.description,
        text,
        file.hint,
        file.source,
        mode=file.mode,
        shown=file.shown,
        note=note,
    )


def _of_skill(skill: Skill) -> PromptCommand:
    async def text(arguments: str) -> str:
        return skill.text(arguments)

    source = "home" if skill.shown.startswith("~/") else "project"
    return PromptCommand(
        skill.name, skill.description, text, source=source, kind=SKILL_TOOL.name, shown=skill.shown
    )


async def _init(arguments: str) -> str:
    return f"{INIT}\n\nThe user adds: {arguments}" if arguments else INIT


_INIT = PromptCommand("init", "Write or improve AGENTS.md for this workspace.", _init)
