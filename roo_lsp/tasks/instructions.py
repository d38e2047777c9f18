"""What a workspace and home bring along for the agent, as it holds now: rules, skills, slash commands."""

import asyncio
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from roo_lsp.agent.skills import Skill
from roo_lsp.settings import RuleSettings
from roo_lsp.tasks.slash import COMMANDS
from roo_lsp.workspace.brought import Brought, brought
from roo_lsp.workspace.descriptors import real_path
from roo_lsp.workspace.instructions import (
    InstructionPlace,
    PlaceReader,
    Unusable,
    find_ruled,
    read_folders,
    read_home,
    ruled_folder,
)
from roo_lsp.workspace.rules import RulesTold, folder_rules, rules
from roo_lsp.workspace.skills import FoundSkills, skills_in
from roo_lsp.workspace.slash_files import PromptFile, commands_in

NAMES = ("AGENTS.md", "AGENT.md", "CLAUDE.md")
PATIENCE = 1.0
"""Seconds that a server takes to find the folders with rules of their own."""


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
    has_folders: bool = False
    """Whether folders have rules of their own that are used."""
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
        self._meet(folders)
        # Each is looked at: what has changed in one says nothing of the others.
        news = [each.look() for each in (self._home, *self._readers)]
        if not any(news) and now == self._looked_at:
            return False
        self._looked_at = now
        places = [each.place for each in self._readers]
        self.found = brought(self._home.place, places, COMMANDS, agents=agents)
        return True

    def _meet(self, folders: tuple[Path, ...]) -> None:
        if tuple(each.root for each in self._readers) != folders:
            self._readers = read_folders(folders)

    def use(self, wanted: RuleSettings, *, trusted: bool) -> None:
        """From now on this holds: what was found at home, and, where it is trusted, in the workspace."""
        self._used = self.found.asked_about() if trusted else ()
        self._wanted = wanted
        self._rules.clear()
        self._of_mode.clear()
        self.has_folders = any(ruled_folder(name) for place in self._used for name in place.files)
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

    async def discover(self) -> bool:
        """Find the folders that have rules of their own: they count from the next look. True where one is new."""
        self._meet(tuple(self.folders))
        found = await asyncio.gather(
            *(asyncio.to_thread(find_ruled, each.root, PATIENCE) for each in self._readers)
        )
        pairs = zip(self._readers, found, strict=True)
        news = [reader.know_ruled(folders) for reader, folders in pairs]  # each is told
        return any(news)

    def of_folders(self, path: Path) -> Sequence[tuple[str, bytes]]:
        """The rules of the folders that a file lies in, from the root down, without those of the root."""
        place, above = self._around(path, self._used)
        return [each for folder in above for each in folder_rules(place, folder)] if place else ()

    def come_upon(self, path: Path) -> Sequence[str]:
        """Files of rules beside or above a file that are not used: new, or not trusted. They count from
        the next look.
        """
        place, above = self._around(path, self.found.folders)
        if place is None or not self._wanted.agents:
            return ()
        known = {name for name, _ in self.of_folders(path)}
        found: list[str] = []
        for folder in above:
            beside = [
                f"{folder}/{name}" for name in NAMES if (place.root / folder / name).is_file()
            ]
            new = [each for each in beside if place.named(each) not in known]
            if new and len(new) == len(beside):
                found.append(place.named(new[0]))
                next(e for e in self._readers if e.root == place.root).know_ruled([folder])
        return found

    def _around(
        self, path: Path, places: Sequence[InstructionPlace]
    ) -> tuple[InstructionPlace | None, Sequence[str]]:
        """The place that a file lies in, and the folders between, from the root down."""
        for place in places:
            for root, file in ((place.root, path), (real_path(place.root), real_path(path))):
                if file.is_relative_to(root):
                    parents = [each.as_posix() for each in file.relative_to(root).parents]
                    return place, parents[-2::-1]
        return None, ()

    def has_command(self, name: str) -> bool:
        """Whether there is a command or a skill of that name, trusted or not."""
        skills = (each.skill.name for each in self.found.skills.found)
        return name in self.found.commands.by_name or name in skills

    def problems(self, *, trusted: bool) -> Sequence[Unusable]:
        """What cannot be used of what could be."""
        of_home = f"{self.found.home.prefix}"
        return [each for each in self.found.problems if trusted or each.path.startswith(of_home)]

    def report(self, mode: str, *, trusted: bool) -> dict[str, Any]:
        """What is used in a mode, and what is not and why."""
        told = self.rules(mode)
        folders = [place.named(e) for place in self._used for e in place.files if ruled_folder(e)]
        return {
            "trusted": trusted,
            "rules": [*told.used, *folders],
            "cut": list(told.cut),
            "skills": {name: each.shown for name, each in self.skills(mode).items()},
            "commands": {name: each.shown for name, each in self.commands().items()},
            "problems": [str(each) for each in self.problems(trusted=trusted)],
        }

    def own_folders(self) -> tuple[Path, ...]:
        """Where the user's own skills lie, outside the workspace: the model may read what is in there."""
        return self._own
