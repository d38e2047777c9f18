"""What a workspace and home bring along for the agent, as it holds now: rules, skills, slash commands."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from roo_lsp.agent.skills import Skill
from roo_lsp.settings import RuleSettings
from roo_lsp.tasks.slash import COMMANDS
from roo_lsp.workspace.brought import Brought, brought
from roo_lsp.workspace.instructions import (
    InstructionPlace,
    PlaceReader,
    Unusable,
    read_folders,
    read_home,
)
from roo_lsp.workspace.rules import RulesTold, rules
from roo_lsp.workspace.skills import FoundSkills, skills_in
from roo_lsp.workspace.slash_files import PromptFile, commands_in


@dataclass(slots=True)
class Instructions:
    """Looked at by `look`; what is not trusted is asked about and not used."""

    folders: Sequence[Path]
    found: Brought = field(default_factory=Brought)
    """Trusted or not."""
    _home: PlaceReader = field(init=False)
    _readers: list[PlaceReader] = field(default_factory=list[PlaceReader])
    _looked_at: tuple[tuple[Path, ...], bool] | None = None
    _used: Sequence[InstructionPlace] = ()
    """What of the workspace may be used."""
    _wanted: RuleSettings = field(default_factory=RuleSettings)
    _rules: dict[str, RulesTold] = field(default_factory=dict[str, RulesTold])
    """By mode."""
    _skills: FoundSkills = field(default_factory=FoundSkills)
    _of_mode: dict[str, Mapping[str, Skill]] = field(default_factory=dict[str, Mapping[str, Skill]])
    _own: tuple[Path, ...] = ()
    _commands: Mapping[str, PromptFile] = field(default_factory=dict[str, PromptFile])

    def __post_init__(self) -> None:
        self._home = read_home(Path("~").expanduser())

    def look(self, *, agents: bool, workspace: bool = True) -> bool:
        """Read what is another one than it was; True where anything is.

        `agents` is False where AGENTS.md and its like are not wanted, `workspace` where it is none.
        """
        if self._home.root != (home := Path("~").expanduser()):
            self._home = read_home(home)
        folders = tuple(self.folders) if workspace else ()
        now = (folders, agents)
        if self._looked_at is None or self._looked_at[0] != folders:
            self._readers = read_folders(folders)
        # Each is looked at: what has changed in one says nothing of the others.
        news = [each.look() for each in (self._home, *self._readers)]
        if not any(news) and now == self._looked_at:
            return False
        self._looked_at = now
        places = [each.place for each in self._readers]
        self.found = brought(self._home.place, places, COMMANDS, agents=agents)
        return True

    def use(self, wanted: RuleSettings, *, trusted: bool) -> None:
        """From now on this holds: what was found at home, and, where it is trusted, in the workspace."""
        self._used = self.found.asked_about() if trusted else ()
        self._wanted = wanted
        self._rules.clear()
        self._of_mode.clear()
        self._skills = skills_in(self.found.home, self._used)
        own = (each.skill.folder for each in self._skills.found if each.place.home)
        # A link may lead to all of the user's files, which are more than a skill speaks of.
        home = os.path.realpath(self.found.home.root)
        self._own = tuple(e for e in own if not Path(home).is_relative_to(os.path.realpath(e)))
        self._commands = commands_in(self.found.home, self._used, COMMANDS).by_name

    def rules(self, mode: str) -> RulesTold:
        """What the rules say in a mode."""
        told = self._rules.get(mode)
        if told is None:
            wanted = self._wanted
            told = self._rules[mode] = rules(
                self.found.home,
                self._used,
                mode,
                agents=wanted.agents,
                max_bytes=wanted.max_bytes,
            )
        return told

    def skills(self, mode: str) -> Mapping[str, Skill]:
        """Those of a mode, by name."""
        found = self._of_mode.get(mode)
        if found is None:
            of_mode = self._skills.of(mode)
            found = self._of_mode[mode] = {name: each.skill for name, each in of_mode.items()}
        return found

    def commands(self) -> Mapping[str, PromptFile]:
        """The slash commands that stand in files, by name."""
        return self._commands

    def has_command(self, name: str) -> bool:
        """Whether there is a command or a skill of that name, trusted or not."""
        skills = (each.skill.name for each in self.found.skills.found)
        return name in self.found.commands.by_name or name in skills

    def problems(self, *, trusted: bool) -> Sequence[Unusable]:
        """What cannot be used of what could be."""
        of_home = f"{self.found.home.prefix}"
        return [each for each in self.found.problems if trusted or each.path.startswith(of_home)]

    def own_folders(self) -> tuple[Path, ...]:
        """Where the user's own skills lie, outside the workspace: the model may read what is in there."""
        return self._own
