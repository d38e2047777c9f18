"""What there is to use of a workspace and of home, what of it is asked about, and what cannot be used."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path

from roo_lsp.workspace import mode_files
from roo_lsp.workspace.escapes import label
from roo_lsp.workspace.instructions import (
    InstructionPlace,
    Unusable,
    find_ruled,
    is_rules,
    read_folders,
    ruled_folder,
    skill_at,
)
from roo_lsp.workspace.mcp_files import MCP_FILES, what_servers_do
from roo_lsp.workspace.rules import never_told, rule_text
from roo_lsp.workspace.skills import FoundSkills, skills_in
from roo_lsp.workspace.slash_files import FoundCommands, commands_in
from roo_lsp.workspace.trust import Item

PATIENCE = 10.0
"""Seconds for the folders with rules of their own, where a person waits for nothing else."""
NOTHING = InstructionPlace("~/", {}, home=True)


@dataclass(frozen=True, slots=True)
class Brought:
    """What one look found; nobody has looked at trust."""

    home: InstructionPlace = NOTHING
    folders: Sequence[InstructionPlace] = ()
    skills: FoundSkills = field(default_factory=FoundSkills)
    commands: FoundCommands = field(default_factory=FoundCommands)
    items: tuple[Item, ...] = ()
    """What of the folders is used once it is trusted, each file with what it does."""
    problems: tuple[Unusable, ...] = ()

    def asked_about(self) -> Sequence[InstructionPlace]:
        """The folders with nothing in them but what the items name."""
        named = {item.name for item in self.items}
        return [
            replace(
                place,
                files={
                    name: data for name, data in place.files.items() if place.named(name) in named
                },
            )
            for place in self.folders
        ]


def brought(
    home: InstructionPlace,
    folders: Sequence[InstructionPlace],
    reserved: Collection[str],
    *,
    agents: bool,
) -> Brought:
    """What these places have.

    `reserved` are the names of commands that are ours; `agents` is False where AGENTS.md and its like
    are not wanted.
    """
    skills, commands = skills_in(home, folders), commands_in(home, folders, reserved)
    items = [item for place in folders for item in _items(place, skills, commands, agents=agents)]
    problems = [
        *(each for place in (home, *folders) for each in place.problems),
        *skills.problems,
        *commands.problems,
    ]
    if too_much := next((each for each in folders if each.too_much), None):
        [why] = too_much.problems
        items.append(Item(why.path, "", f"{why.text}: this cannot be checked, or trusted"))
    return Brought(home, folders, skills, commands, tuple(items), tuple(problems))


def _items(
    place: InstructionPlace, skills: FoundSkills, commands: FoundCommands, *, agents: bool
) -> Iterator[Item]:
    idle = never_told(place, agents=agents)
    for name, data in place.files.items():
        use = "" if name in idle else _use(place, name, data, skills, commands)
        if use:
            shown = place.named(name)
            yield Item(shown, sha256(data).hexdigest(), f"{label(shown)}: {len(data)} bytes, {use}")


def _use(
    place: InstructionPlace, name: str, data: bytes, skills: FoundSkills, commands: FoundCommands
) -> str:
    """What a file does once it is trusted, as a phrase; empty where it does nothing."""
    if name in MCP_FILES:
        return what_servers_do(data)
    shown = place.named(name)
    if name.casefold() == mode_files.FILE:
        modes = mode_files.read_modes(shown, data)
        return modes.line if modes.modes else ""
    if folder := ruled_folder(name):
        return f"rules of the folder {label(folder)}" if rule_text(data) else ""
    if is_rules(name):
        if not rule_text(data):
            return ""
        top = name.removeprefix(".roo/").partition("/")[0]
        _, found, mode = top.partition("rules-")
        return f"rules of the mode {label(mode)}" if found else "rules"
    if skill_at(name) is not None:
        for each in skills.found:
            if each.skill.shown == shown and skills.is_hidden(each) is None:
                modes = (
                    f" of the mode {', '.join(map(label, each.skill.modes))}"
                    if each.skill.modes
                    else ""
                )
                return "; ".join([f"the skill {each.skill.name}{modes}", *map(label, each.notes)])
        return ""
    command = commands.uses(name, shown)
    return (
        "; ".join([f"the command /{command.name}", *map(label, command.notes)]) if command else ""
    )


def instruction_files(folders: Sequence[Path], reserved: Collection[str] = ()) -> list[Item]:
    """What of these folders instructs the agent, by name and content."""
    readers = read_folders(folders)
    for reader in readers:
        reader.know_ruled(find_ruled(reader.root, PATIENCE))
        reader.look()
    places = [each.place for each in readers]
    return list(brought(NOTHING, places, reserved, agents=True).items)
