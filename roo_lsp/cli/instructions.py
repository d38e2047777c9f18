"""What `roo-lsp doctor` says of rules, skills, commands and modes: what was found, used, cut, and why not."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from roo_lsp.agent.skills import skills_told
from roo_lsp.app import user_modes
from roo_lsp.cli.editors.health import Finding
from roo_lsp.settings import Settings
from roo_lsp.tasks.slash import COMMANDS
from roo_lsp.workspace.brought import PATIENCE, Brought, brought
from roo_lsp.workspace.escapes import label
from roo_lsp.workspace.instructions import find_ruled, read_folders, read_home
from roo_lsp.workspace.mode_files import FILE as MODES_FILE
from roo_lsp.workspace.mode_files import ModesRead, read_modes
from roo_lsp.workspace.rules import rules
from roo_lsp.workspace.trust import TrustStore, digest_of, too_wide
from roo_lsp.workspace.user_folders import state_dir

SHOWN = 12
"""Names that one row has."""


def check_instructions(settings: Settings, folder: Path) -> list[Finding]:
    """One row for each kind that there is; none where a workspace and home have nothing."""
    home, [reader] = read_home(Path("~").expanduser()), read_folders([folder])
    if not too_wide(folder):
        reader.know_ruled(find_ruled(folder, PATIENCE))
        reader.look()
    home.look()
    found = brought(home.place, [reader.place], COMMANDS, agents=settings.rules.agents)
    read = [*_modes(found), user_modes()]
    return [*_trust(found, folder), *_used(found, settings, read), *_unused(found, read)]


def _modes(found: Brought) -> Iterator[ModesRead]:
    """Those of the workspace."""
    for place in found.folders:
        for name, data in place.files.items():
            if name.casefold() == MODES_FILE:
                yield read_modes(place.named(name), data)


def _trust(found: Brought, folder: Path) -> Iterator[Finding]:
    """Whether what the workspace brings may be used."""
    if not found.items:
        return
    answer = TrustStore(state_dir() / "trust.json").answer(folder, found.items)
    lines = _listed((item.line for item in found.items), "\n")
    if answer == "trusted":
        yield Finding("trust", "ok", f"You trust what this workspace brings along:\n{lines}")
    elif not digest_of(found.items):
        yield Finding("trust", "failed", lines)
    else:
        why = "You have refused it" if answer == "refused" else "Not used until you trust it"
        yield Finding("trust", "skipped", f"{why}:\n{lines}", f"Run: roo-lsp trust {folder}")


def _used(found: Brought, settings: Settings, read: Sequence[ModesRead]) -> Iterator[Finding]:
    modes = [f"{mode.slug} ({mode.source})" for each in read for mode in each.modes]
    if modes:
        yield Finding("modes", "ok", f"{_listed(modes)}.")
    mode, most = settings.mode, settings.rules.max_bytes
    told = rules(found.home, found.folders, mode, agents=settings.rules.agents, max_bytes=most)
    if told.used or told.cut:
        message = f"In the mode {mode}: {_listed(told.used) or 'none of them'}."
        if told.cut:
            message += f" Cut at {most} bytes: {_listed(told.cut)}."
        hint = "Set rules.maxBytes higher, or say less." if told.cut else ""
        yield Finding("rules", "failed" if told.cut else "ok", message, hint)
    skills = [each.skill for each in found.skills.of(mode).values()]
    if skills:
        window = settings.model.context_window
        cut = skills_told(skills, window)[1]
        message = f"In the mode {mode}: {_listed(f'{e.name} ({e.shown})' for e in skills)}."
        if cut:
            message += " Their descriptions are cut, to fit 2 % of the context."
        hint = "Describe them in fewer words, or set model.contextWindow." if cut else ""
        yield Finding("skills", "failed" if cut else "ok", message, hint)
    commands = found.commands.by_name.values()
    if commands:
        listed = _listed(f"/{each.name} ({each.shown})" for each in commands)
        yield Finding("commands", "ok", f"{listed}.")


def _unused(found: Brought, read: Sequence[ModesRead]) -> Iterator[Finding]:
    """What cannot be used, and what another one stands before."""
    hidden = ((each, found.skills.is_hidden(each)) for each in found.skills.found)
    why = [
        *map(str, found.problems),
        *(str(problem) for each in read for problem in each.problems),
        *(
            f"{each.skill.shown}: {before.skill.shown} stands before it"
            for each, before in hidden
            if before
        ),
    ]
    if why:
        yield Finding("not used", "failed", _listed(why, "\n"))


def _listed(names: Iterable[str], between: str = ", ") -> str:
    all_of_them = list(names)
    more = [f"and {len(all_of_them) - SHOWN} more"] if len(all_of_them) > SHOWN else []
    return between.join([*map(label, all_of_them[:SHOWN]), *more])
