"""Skills in files: `NAME/SKILL.md` below `.roo/skills`, `.agents/skills` or `.claude/skills`.

The format is that of the Agent Skills specification, places and precedence are Roo Code's, with
`.claude/skills` behind them. One that cannot be used costs itself alone.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from roo_lsp.agent.skills import Skill
from roo_lsp.workspace.headed import Headed, headed
from roo_lsp.workspace.instructions import InstructionPlace, SkillName, Unusable, skill_at

NAME = re.compile(r"[\w.-]{1,64}")
"""What can be said behind a `/`, and to the model."""
MAX_DESCRIPTION = 1024
KNOWN = frozenset(
    {
        *("name", "description", "license", "compatibility", "metadata", "modeSlugs", "mode"),
        *("disable-model-invocation", "user-invocable", "argument-hint", "version"),
    }
)
"""Keys that mean something here, or say something to people alone."""
_ORDER = ("claude", "agents", "roo")
"""Whose place comes before whose, the last first."""


@dataclass(frozen=True, slots=True)
class FoundSkill:
    """A skill with its rank among those of its name."""

    skill: Skill
    path: str
    """Its file, below its place."""
    place: InstructionPlace
    rank: tuple[bool, int, int, bool]
    notes: tuple[str, ...] = ()
    """What of it has no effect, as phrases."""


@dataclass(slots=True)
class FoundSkills:
    """All that there are."""

    found: list[FoundSkill] = field(default_factory=list[FoundSkill])
    """The first of a name that is for a mode is the one of that mode."""
    problems: list[Unusable] = field(default_factory=list[Unusable])

    def of(self, mode: str) -> Mapping[str, FoundSkill]:
        """Those of a mode, by name, in the order of their names."""
        chosen: dict[str, FoundSkill] = {}
        for each in self.found:
            if not each.skill.modes or mode in each.skill.modes:
                chosen.setdefault(each.skill.name, each)
        return dict(sorted(chosen.items()))

    def is_hidden(self, one: FoundSkill) -> FoundSkill | None:
        """What stands before it in every mode, where something does."""
        for each in self.found:
            if each is one:
                return None
            other = each.skill
            if other.name == one.skill.name and (
                not other.modes or (one.skill.modes and set(one.skill.modes) <= set(other.modes))
            ):
                return each
        return None


def skills_in(home: InstructionPlace, folders: Sequence[InstructionPlace]) -> FoundSkills:
    """The skills of these places: a folder's before home's, the first folder's before another's."""
    all_of_it = FoundSkills()
    for number, place in enumerate([*folders, home]):
        for path, data in place.files.items():
            where = skill_at(path)
            if where is None:
                continue
            text = headed(data)
            try:
                found = _skill(place, path, where, text, -number)
            except _Unfit as unfit:
                all_of_it.problems.append(Unusable(place.named(path), unfit.text, unfit.line))
                continue
            all_of_it.found.append(found)
    all_of_it.found.sort(key=lambda each: each.rank, reverse=True)
    return all_of_it


class _Unfit(Exception):
    def __init__(self, text: str, line: int = 1) -> None:
        super().__init__(text)
        self.text, self.line = text, line


def _skill(
    place: InstructionPlace, path: str, where: SkillName, text: Headed | None, number: int
) -> FoundSkill:
    if text is None:
        raise _Unfit("it has no text in it, so the skill is not used")
    if text.problem:
        raise _Unfit(f"{text.problem}; so the skill is not used", text.line)
    if not NAME.fullmatch(where.name):
        raise _Unfit(
            "its folder has a name that cannot be called: use letters, digits, `-`, `_` and `.`, at most 64"
        )
    description = " ".join(text.text("description").split())
    if not description:
        raise _Unfit("it has no `description`, so nobody knows when to use the skill")
    notes = list(ineffective(text.values, KNOWN))
    if (said := text.text("name")) and said != where.name:
        notes.append(f"it is called by its folder, not “{said[:64]}”")
    if len(description) > MAX_DESCRIPTION:
        description = f"{description[: MAX_DESCRIPTION - 1]}…"
        notes.append(f"its description is cut at {MAX_DESCRIPTION} characters")
    modes = (where.mode,) if where.mode else text.texts("modeSlugs") or text.texts("mode")
    skill = Skill(
        where.name,
        description,
        text.body,
        Path(place.root, path).parent,
        place.named(path),
        modes,
        for_model=text.text("disable-model-invocation").lower() not in {"true", "yes", "on"},
        for_user=text.text("user-invocable").lower() not in {"false", "no", "off"},
    )
    rank = (not place.home, number, _ORDER.index(where.of), bool(modes))
    return FoundSkill(skill, path, place, rank, tuple(notes))


def ineffective(keys: Iterable[str], known: frozenset[str]) -> Iterable[str]:
    """What to say of keys that have no effect here, so that nobody takes them for granted."""
    others = [key for key in keys if key not in known]
    if others:
        names = ", ".join(each[:40] for each in others[:5])
        yield f"{names} in its front matter {'has' if len(others) == 1 else 'have'} no effect"
