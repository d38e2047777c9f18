"""What may happen without the user: decided from rules, real paths, and what was always answered.

Fails closed: what cannot be checked is refused.
"""

import logging
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from roo_lsp.agent.approval import (
    CHANGED,
    UNCHECKED,
    Act,
    Allow,
    Ask,
    Outcome,
    Refuse,
    Verdict,
)
from roo_lsp.agent.modes import MODE_GROUPS, MODES, Modes
from roo_lsp.agent.tool import Group, Target
from roo_lsp.workspace.descriptors import checked, remember_checked
from roo_lsp.workspace.javascript_regex import compiled
from roo_lsp.workspace.paths import PathFacts, is_folder, real_folders, resolve
from roo_lsp.workspace.rooignore import RooIgnore
from roo_lsp.workspace.shell import Lists, decide, prefix_of

log = logging.getLogger(__name__)

NO_LISTS = Lists((), ())


@dataclass(frozen=True, slots=True)
class Rules:
    """What the user's settings and the mode say; the booleans are `autoApprove`."""

    read: bool = True
    read_outside: bool = False
    edit: bool = False
    edit_outside: bool = False
    edit_protected: bool = False
    execute: bool = False
    """Run commands that `commands` allows."""
    commands: Lists = NO_LISTS
    """The entries of `allowedCommands` and `deniedCommands`."""
    other_shell: bool = False
    """Commands run in a shell that is not bash, which is not read here: each is asked."""
    confined: bool = False
    """Commands run in a sandbox."""
    sandbox: str = ""
    """The line about the sandbox that goes with each question about a command."""
    mcp: bool = False
    """Use the tools of MCP servers that the user has named (`alwaysAllow`)."""
    any_mcp: bool = False
    """And all the others."""
    mode_switch: bool = False
    subtask: bool = False
    fetch: bool = False
    mode: str = "code"
    modes: Modes = field(default_factory=lambda: MODES)
    no_commands: str = ""
    """Why every command is refused, where it is."""
    state_dir: Path | None = None
    """The server's own state, which no tool may touch."""
    own_folders: tuple[Path, ...] = ()
    """Folders of the user's own, outside the workspace, that are read as what is in it: of skills."""


Remembered = tuple[str, ...]
"""What an `always` is about, as a key."""


@dataclass(slots=True)
class Surprises:
    """What happened in a task that nobody approved: from the first of them on, nothing that acts is
    approved without the user.
    """

    first: str = ""
    """As a clause; empty as long as there is none."""

    def happened(self, what: str) -> None:
        """One of them."""
        self.first = self.first or what


class WorkspacePolicy:
    """`Policy` of one task: set `rules` anew when settings or the mode change."""

    def __init__(
        self,
        rules: Rules,
        folders: Sequence[Path],
        surprises: Surprises | None = None,
        *,
        now: Callable[[], Rules] | None = None,
        ignore: RooIgnore | None = None,
    ) -> None:
        """`now` tells the rules as they are whenever something is judged: a question may stay open
        for long. `ignore` is the folders' own, where somebody has it already.
        """
        self.rules = rules
        self._now = now
        self._surprises = surprises or Surprises()
        self._asked_folders = folders
        self._reals: dict[Path, Path] = {}
        """Where each folder leads; looked up once, so that a later swap moves nothing inside."""
        self.ignore = ignore or RooIgnore(folders, own=rules.state_dir)
        self._known_folders = frozenset(folders)
        self._always: dict[Remembered, bool] = {}
        """What was always allowed (True) or always denied (False)."""
        self._once: dict[Remembered, tuple[str, str]] = {}
        """Commands that were approved, each with what was said of it then; gone with the next denial."""
        self._prefixes: dict[str, None] = {}
        """What commands may begin with, as entries of `allowedCommands`."""

    @property
    def _folders(self) -> Sequence[Path]:
        """The workspace folders of now, all links followed."""
        for folder in self._asked_folders:
            if folder not in self._reals:
                [self._reals[folder]] = real_folders([folder])
        return tuple(self._reals[folder] for folder in self._asked_folders)

    def pin(self, act: Act) -> Refuse | None:
        try:
            self._look_at_rules()
            facts = self._facts(act.targets)
            # What follows in this call acts on these, and not on what takes their place.
            remember_checked(
                {target.path: fact.real for target, fact in zip(act.targets, facts, strict=True)}
            )
            return self._never(act, facts)
        except Exception:
            log.exception("a call could not be checked")
            return Refuse(UNCHECKED)

    def judge(self, act: Act) -> Verdict:
        try:
            self._look_at_rules()
            self._look_at_folders()
            verdict = self._judge(act)
        except Exception:
            log.exception("a call could not be checked")
            return Refuse(UNCHECKED)
        surprise = self._surprises.first
        if surprise and isinstance(verdict, Allow) and act.group not in {"read", "always"}:
            return Ask(f"nothing is approved without you any more: {surprise}", "")
        return verdict

    def _look_at_rules(self) -> None:
        if self._now is not None:
            self.rules = self._now()

    def _look_at_folders(self) -> None:
        """What was approved for the workspace was not approved for a folder that came since."""
        now = frozenset(self._asked_folders)
        if now - self._known_folders:
            for each in (self._always, self._prefixes, self._once):
                each.clear()
        self._known_folders = now

    def remember(self, act: Act, outcome: Outcome) -> None:
        self._look_at_folders()
        allowed = outcome == "allow_always"
        facts = self._facts(act.targets)
        if outcome in {"reject_once", "reject_always"}:
            self._once.clear()
        if act.group == "execute":
            reals = self.resolved(act.targets)
            here = act.cwd is not None and resolve(act.cwd, self._folders).real == reals[0]
            if act.command is not None and here:
                self._remember_command(act.command, act, reals, outcome)
            return
        if outcome not in {"allow_always", "reject_always"}:
            return
        keys = [
            key
            for target, fact in zip(act.targets, facts, strict=True)
            for key in (self._path_key(target, fact),)
        ]
        if not act.targets:
            keys = [_group_key(act)]
        if None not in keys:  # all of it can be remembered, or nothing is
            self._always |= {key: allowed for key in keys if key is not None}

    def _remember_command(
        self, command: str, act: Act, reals: Sequence[Path], outcome: Outcome
    ) -> None:
        key = self._command_key(command, reals)
        match outcome:
            case "allow_always" | "reject_always":
                self._always[key] = outcome == "allow_always"
            case "allow_always_prefix":
                if prefix := prefix_of(command):
                    self._prefixes[prefix] = None
            case "allow_once":
                asked = self._judge(act)
                if isinstance(asked, Ask) and asked.scope:
                    self._once[key] = (asked.why, asked.note)
            case "reject_once":
                pass

    def resolved(self, targets: Sequence[Target]) -> tuple[Path, ...]:
        return tuple(fact.real for fact in self._facts(targets))

    def confines(self) -> bool:
        return self.rules.confined

    def places(self, targets: Sequence[Target]) -> tuple[tuple[int, int] | None, ...]:
        return tuple(_place(fact.real) for fact in self._facts(targets))

    # --- what can never be ------------------------------------------------------------------

    def _facts(self, targets: Sequence[Target]) -> list[PathFacts]:
        return [resolve(target.path, self._folders) for target in targets]

    def _never(self, act: Act, facts: Sequence[PathFacts]) -> Refuse | None:
        if refusal := self._not_in_mode(act.group):
            return refusal
        if act.group == "execute" and self.rules.no_commands:
            return Refuse(self.rules.no_commands)
        for target, fact in zip(act.targets, facts, strict=True):
            if fact.refused:
                return Refuse(f"{target.path} is refused: {fact.refused}.")
            if self._is_own_state(fact.real):
                return Refuse(f"{target.path} is refused: it is roo-lsp's own state.")
            if self.ignore.keeps(target.path, fact.real):
                return Refuse(f"{target.path} is refused: .rooignore keeps it from the agent.")
            if checked(target.path) not in {None, fact.real}:
                return Refuse(CHANGED)
            if target.access == "write" and (refusal := self._outside_mode(target, fact)):
                return refusal
        return None

    def _not_in_mode(self, group: Group) -> Refuse | None:
        if group not in MODE_GROUPS:
            return None
        mode = self.rules.modes.get(self.rules.mode)
        if mode is not None and mode.allows(group):
            return None
        able = [each.slug for each in self.rules.modes.values() if each.allows(group)]
        return Refuse(
            f"The mode {self.rules.mode!r} has no {group} tools. "
            f"Modes that have them: {', '.join(able) or 'none'}."
        )

    def _outside_mode(self, target: Target, fact: PathFacts) -> Refuse | None:
        """Why the mode's file pattern forbids a write: the path asked for and the real one count."""
        mode = self.rules.modes[self.rules.mode]
        pattern = mode.groups.get("edit")
        if not pattern:
            return None
        expression = compiled(pattern)
        if all(
            expression.found_in(_shown(path, (*self._folders, *self._asked_folders)))
            for path in (target.path, fact.real)
        ):
            return None
        able = [
            each.slug
            for each in self.rules.modes.values()
            if "edit" in each.groups and not each.groups["edit"]
        ]
        return Refuse(
            f"The mode {self.rules.mode!r} may only edit files that match {pattern}"
            f"{f' ({mode.files})' if mode.files else ''}; "
            f"{_shown(fact.real, self._folders)} does not. "
            f"Modes that may edit any file: {', '.join(able) or 'none'}."
        )

    def _is_own_state(self, real: Path) -> bool:
        state = self.rules.state_dir
        return state is not None and real.is_relative_to(os.path.realpath(state))

    # --- what is to be asked ----------------------------------------------------------------

    def _judge(self, act: Act) -> Verdict:
        facts = self._facts(act.targets)
        if refusal := self._never(act, facts):
            return refusal
        if act.command is not None or act.group == "execute":
            verdict = self._judge_command(act.command, act.cwd, facts)
        elif act.targets:
            verdict = _together(
                [
                    self._judge_write(target, fact)
                    if target.access == "write"
                    else self._judge_read(target, fact)
                    for target, fact in zip(act.targets, facts, strict=True)
                ]
            )
        else:
            verdict = self._judge_group(act)
        return self._with_what_is_unknown(verdict, act.targets, facts)

    def _with_what_is_unknown(
        self, verdict: Verdict, targets: Sequence[Target], facts: Sequence[PathFacts]
    ) -> Verdict:
        """The verdict, or a question about all that a `.rooignore` nobody can read may be about."""
        if isinstance(verdict, Refuse):
            return verdict
        for target, fact in zip(targets, facts, strict=True):
            if problem := self.ignore.problem(target.path, fact.real):
                why = f"what to keep from the agent here is not known ({problem})"
                note = verdict.note if isinstance(verdict, Ask) else ""
                return Ask(f"{verdict.why}; {why}" if isinstance(verdict, Ask) else why, "", note)
        return verdict

    def _judge_command(
        self, command: str | None, cwd: Path | None, facts: Sequence[PathFacts]
    ) -> Verdict:
        if command is None or cwd is None or not facts:
            return Ask("it runs something that was not told", "")
        reals = tuple(fact.real for fact in facts)
        if resolve(cwd, self._folders).real != reals[0]:
            return Ask("it runs in another folder than it named", "")
        self.ignore.refresh()
        ignored = self.ignore.ignored if self.ignore.has_patterns else None
        lists = self.rules.commands
        verdict = decide(command, lists, reals[0], ignored, self._folders)
        if verdict.decision == "deny":
            return Refuse(f"This command may not run. {verdict.reason}")
        why, key = self._commands_are_asked(facts[0]), self._command_key(command, reals)
        if verdict.decision == "approve" and not why:
            return self._recalled(key, Allow())
        why = why or f"it runs a command. {verdict.reason}"
        scope = "exactly this command in this folder, for this task"
        plainly = facts[0].inside and not facts[0].protected and not self.rules.other_shell

        def begins_with(prefixes: Iterable[str]) -> bool:
            """Whether these words let it run, as entries of `allowedCommands` would."""
            wider = replace(lists, allowed=(*lists.allowed, *prefixes))
            found = decide(command, wider, reals[0], ignored, self._folders)
            return found.decision == "approve"

        if plainly and self._prefixes and begins_with(self._prefixes):
            return self._recalled(key, Allow())
        if self._once.get(key) == (why, self.rules.sandbox):
            return self._recalled(key, Allow())
        prefix = prefix_of(command) if plainly else ""
        if prefix and not begins_with([prefix]):
            prefix = ""
        return self._recalled(key, Ask(why, scope, self.rules.sandbox, prefix))

    def _commands_are_asked(self, folder: PathFacts) -> str:
        """Why each command in the folder is asked, whatever it is; empty where it is not."""
        if not folder.inside:
            return f"it runs a command outside the workspace, in {folder.real}"
        if folder.protected:
            return f"it runs a command in a protected folder ({folder.protected})"
        if self.rules.execute and self.rules.other_shell:
            return "it runs a command, in a shell that is not bash (roo.commands.shell)"
        return "" if self.rules.execute else "it runs a command"

    def _judge_read(self, target: Target, fact: PathFacts) -> Verdict:
        if fact.inside or self._is_own(fact.real):
            if self.rules.read:
                return self._recalled(self._path_key(target, fact), Allow())
            ask = Ask("it reads in the workspace", "reads in this workspace, for this task")
        else:
            if self.rules.read and self.rules.read_outside:
                return self._recalled(self._path_key(target, fact), Allow())
            ask = Ask(
                f"it reads outside the workspace: {fact.real}",
                f"reads in {_folder(fact.real)}, for this task",
            )
        return self._recalled(self._path_key(target, fact), ask)

    def _judge_write(self, target: Target, fact: PathFacts) -> Verdict:
        asks: list[Verdict] = []
        if fact.protected and not (self.rules.edit and self.rules.edit_protected):
            asks.append(Ask(f"it changes a protected file ({fact.protected})", ""))
        if fact.link:
            asks.append(Ask(f"the path is a link; the file that changes is {fact.real}", ""))
        if fact.hard_links > 1:
            asks.append(Ask(f"the file has {fact.hard_links} names (hard links)", ""))
        if not fact.inside and not (self.rules.edit and self.rules.edit_outside):
            asks.append(Ask(f"it changes a file outside the workspace: {fact.real}", ""))
        if asks:
            return _together(asks)
        if self.rules.edit:
            return self._recalled(self._path_key(target, fact), Allow())
        ask = Ask(
            "it changes a file of the workspace", "edits of files in this workspace, for this task"
        )
        return self._recalled(self._path_key(target, fact), ask)

    def _judge_group(self, act: Act) -> Verdict:
        match act.group:
            case "always":
                return Allow()
            case "read":
                return Allow() if self.rules.read else Ask("it reads", "")
            case "mcp":
                return self._recalled(_group_key(act), self._judge_mcp(act))
            case "mode":
                auto, what = self.rules.mode_switch, "switches of the mode"
            case "subtask":
                auto, what = self.rules.subtask, "new tasks"
            case "fetch":
                auto, what = self.rules.fetch, "fetches from the network"
            case "edit" | "execute":
                return Ask("it does not say what it would act on", "")
        verdict = (
            Allow()
            if auto
            else Ask(f"the setting says to ask for {what}", f"{what}, for this task")
        )
        return self._recalled(_group_key(act), verdict)

    def _judge_mcp(self, act: Act) -> Verdict:
        if self.rules.any_mcp or (self.rules.mcp and act.preapproved):
            return Allow()
        why = "it uses a tool of an MCP server"
        if self.rules.mcp:
            why += ", whose alwaysAllow does not name it"
        return Ask(why, "every call of this tool, whatever is handed to it, for this task")

    def _is_own(self, real: Path) -> bool:
        return any(real.is_relative_to(os.path.realpath(each)) for each in self.rules.own_folders)

    # --- what was answered with always ------------------------------------------------------

    def _recalled(self, key: Remembered | None, verdict: Verdict) -> Verdict:
        match self._always.get(key) if key else None:
            case True:
                return Allow()
            case False:
                return Refuse("The user said to always deny this in this task.")
            case None:
                return verdict

    def _path_key(self, target: Target, fact: PathFacts) -> Remembered | None:
        """What an `always` about this path stands for; None where there is no such thing."""
        if target.access == "read":
            return ("read",) if fact.inside else ("read", os.fspath(_folder(fact.real)))
        if not fact.inside or fact.protected or fact.link or fact.hard_links > 1:
            return None
        return ("edit",)

    def _command_key(self, command: str, reals: Sequence[Path]) -> Remembered:
        return ("execute", command, *map(os.fspath, reals))


def _group_key(act: Act) -> Remembered:
    return ("group", act.group, act.about)


def _place(real: Path) -> tuple[int, int] | None:
    """Device and inode of the folder; None where there is none."""
    try:
        facts = _folder(real).stat()
    except OSError:
        return None
    return facts.st_dev, facts.st_ino


def _folder(real: Path) -> Path:
    return real if is_folder(real) else real.parent


def _shown(path: Path, folders: Sequence[Path]) -> str:
    """The path relative to the folder it lies in, as mode patterns are written."""
    base = next((folder for folder in folders if path.is_relative_to(folder)), None)
    return (path.relative_to(base) if base else path).as_posix()


def _together(verdicts: Sequence[Verdict]) -> Verdict:
    """One verdict for all: a refusal wins, then the questions, as one; its scope only if all have one."""
    for verdict in verdicts:
        if isinstance(verdict, Refuse):
            return verdict
    asks = [verdict for verdict in verdicts if isinstance(verdict, Ask)]
    if not asks:
        return Allow()
    whys = list(dict.fromkeys(ask.why for ask in asks))
    scopes = list(dict.fromkeys(ask.scope for ask in asks))
    return Ask("; ".join(whys), "" if "" in scopes else "; ".join(scopes))
