"""The decision about one command: approve it, ask, or deny. Fails closed."""

import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from roo_lsp.workspace.paths import exists, is_folder
from roo_lsp.workspace.shell import deny, language, loose
from roo_lsp.workspace.shell.entries import Lists, read
from roo_lsp.workspace.shell.harmless.judge import Objection, Wrapped, judge, row_of
from roo_lsp.workspace.shell.language import NotPlain, Simple, Word
from roo_lsp.workspace.shell.place import Here, real
from roo_lsp.workspace.shell.starts import base_name

log = logging.getLogger(__name__)

MAX_CHARACTERS = 8 * 1024
"""A longer command is asked: nobody reads it, and reading it here would take too long."""
MAX_SCANNED_CHARACTERS = 1 << 20
ASK_YOURSELF = "approve it yourself"
_HARMLESS_FILES = frozenset({"/dev/null"})

CommandDecision = Literal["approve", "ask", "deny"]
IsIgnored = Callable[[Path], bool]


@dataclass(frozen=True, slots=True)
class CommandVerdict:
    """What is to be done with a command, and why, as a sentence for people."""

    decision: CommandDecision
    reason: str
    commands: tuple[tuple[str, ...], ...] = ()
    """The simple commands in it, as words, as far as they are known."""


class _Ask(Exception):
    """Ask; the message is the reason."""


class _Deny(Exception):
    """Deny; the message is the reason."""


def decide(
    command: str,
    lists: Lists,
    cwd: Path | None = None,
    ignored: IsIgnored | None = None,
    folders: Sequence[Path] = (),
) -> CommandVerdict:
    """Whether a command may run without a question.

    Args:
        command: the text for `bash -c`.
        lists: the entries of `allowedCommands` and `deniedCommands`.
        cwd: the real folder it would run in, if known.
        ignored: says of a real path whether it is kept from the agent.
        folders: the folders of the workspace; none: `cwd` is it.
    """
    commands: tuple[tuple[str, ...], ...] = ()
    try:
        judged = _Judge(command, lists, cwd, ignored, folders)
        try:
            reason = judged.approve()
        finally:
            commands = judged.commands
        return CommandVerdict("approve", reason, commands)
    except _Deny as error:
        return CommandVerdict("deny", str(error), commands)
    except _Ask as error:
        return CommandVerdict("ask", str(error), commands)
    except Exception:
        log.exception("a command could not be checked")
        return CommandVerdict("ask", f"The command could not be checked; {ASK_YOURSELF}.", commands)


class _Judge:
    def __init__(
        self,
        text: str,
        lists: Lists,
        cwd: Path | None,
        ignored: IsIgnored | None,
        folders: Sequence[Path],
    ) -> None:
        self._text = text
        self._allowed = read(tuple(lists.allowed))
        self._denied = read(tuple(lists.denied))
        self._has_denied = bool(lists.denied)
        self._cwd = cwd
        self._ignored = ignored
        self._here = Here.start(cwd, folders)
        self._used: set[tuple[str, ...]] = set()
        """Entries that let a command run."""
        self.commands: tuple[tuple[str, ...], ...] = ()

    def approve(self) -> str:
        """Returns why it is approved; raises `_Ask` or `_Deny` where it is not."""
        hidden = language.hidden_character(self._text)
        script, why = self._script(hidden)
        view = self._view(script, hidden) if self._has_denied else None
        self._name_commands(script, view)
        if view and view.denied:
            raise _Deny(
                f"The setting deniedCommands has {' '.join(view.denied)!r}, and "
                f"{_short(view.how)} would start it; ask for something else."
            )
        self._check_text(hidden, view)
        if self._allowed.everything:
            return self._approve_everything(script, why, view)
        if script is None:
            sure = " and it cannot be said for sure that nothing denied is in it" if view else ""
            raise _Ask(f"The command {why}, so it is not read any further{sure}; {ASK_YOURSELF}.")
        if not script:
            raise _Ask("There is no command.")
        self._check_folder()
        for command in script:
            self._check(command, view)
        wide = sorted(self._used & self._allowed.wide)
        if wide:
            return (
                f"The setting allowedCommands has '{' '.join(wide[0])} *', which is any options and "
                "operands: also those that run other programs, or read and write other files."
            )
        return "The setting allowedCommands has every command in it."

    def _check_text(self, hidden: str | None, view: deny.View | None) -> None:
        """What is wrong with the text or the settings as such."""
        if hidden:
            raise _Ask(
                f"The command has a character that cannot be seen (U+{ord(hidden):04X}); "
                f"look at it closely and {ASK_YOURSELF}."
            )
        if len(self._text) > MAX_CHARACTERS:
            raise _Ask(f"The command is longer than {MAX_CHARACTERS} characters; {ASK_YOURSELF}.")
        if self._denied.bad:
            raise _Ask(
                f"The entry {self._denied.bad[0]!r} of deniedCommands is no plain words, so nothing "
                "can be checked against it; correct the setting."
            )
        if view and not view.complete:
            raise _Ask(
                "The command is too intricate to be sure that nothing denied is in it; "
                f"{ASK_YOURSELF}."
            )
        if not self._text.strip():
            raise _Ask("There is no command.")

    # --- reading ----------------------------------------------------------------------------

    def _script(self, hidden: str | None) -> tuple[Sequence[Simple] | None, str]:
        if hidden or len(self._text) > MAX_CHARACTERS:
            return None, ""
        try:
            return language.parse(self._text), ""
        except NotPlain as error:
            return None, str(error)

    def _view(self, script: Sequence[Simple] | None, hidden: str | None) -> deny.View:
        if len(self._text) > MAX_SCANNED_CHARACTERS:
            raise _Ask(f"The command is too long to be checked; {ASK_YOURSELF}.")
        view = deny.view(self._text, script, self._denied, self._allowed)
        if hidden and view.denied is None:
            seen = "".join(each for each in self._text if not language.hidden_character(each))
            return deny.view(seen, None, self._denied, self._allowed)
        return view

    def _name_commands(self, script: Sequence[Simple] | None, view: deny.View | None) -> None:
        if script is None and view is not None:
            script = view.commands
        elif script is None and len(self._text) <= MAX_CHARACTERS:
            script = loose.read(self._text).commands
        self.commands = tuple(command.texts for command in script or ())

    # --- everything is allowed --------------------------------------------------------------

    def _approve_everything(
        self, script: Sequence[Simple] | None, why: str, view: deny.View | None
    ) -> str:
        if view is not None:
            if script is None:
                raise _Ask(
                    f"The command {why}, so it cannot be said for sure that nothing denied is in it; "
                    f"{ASK_YOURSELF}."
                )
            if view.doubts:
                raise _Ask(
                    f"The command {view.doubts[0]}, so it cannot be said for sure that nothing "
                    f"denied is in it; {ASK_YOURSELF}."
                )
        self._check_ignored(script)
        return "The setting allowedCommands has *, which is every command."

    def _check_ignored(self, script: Sequence[Simple] | None) -> None:
        if self._ignored is None:
            return
        if script is None:
            raise _Ask(f"It cannot be seen which files the command uses; {ASK_YOURSELF}.")
        for command in script:
            if command.words[0].text in {"cd", "pushd", "popd"}:
                raise _Ask(f"It cannot be seen which files are used after a cd; {ASK_YOURSELF}.")
            self._check_words(command)

    # --- one command ------------------------------------------------------------------------

    def _check(self, command: Simple, view: deny.View | None) -> None:
        self._here.at(command)
        for redirect in command.redirects:
            if redirect.operator == "<<":
                continue
            if not redirect.target.literal or redirect.target.text not in _HARMLESS_FILES:
                what = "reads" if redirect.operator == "<" else "writes"
                raise _Ask(f"The command {what} {redirect.target.text}; {ASK_YOURSELF}.")
        given = command.piped or bool(command.stdin)
        if reason := self._objection(command.words, given=given):
            doubt = (
                f" It also {view.doubts[0]}, which could be denied." if view and view.doubts else ""
            )
            raise _Ask(f"{reason}{doubt}")
        if view and view.doubts and self._used & self._allowed.wide:
            raise _Ask(
                f"The command {view.doubts[0]}, so it cannot be said for sure that nothing denied "
                f"is in it; {ASK_YOURSELF}."
            )
        self._check_words(command)
        name = command.words[0].text
        if name == "cd":
            self._move(command)
        elif base_name(name) == "git":
            self._check_git_folder()

    def _objection(self, words: Sequence[Word], *, given: bool) -> str:
        """Why no allow entry lets this run; empty if one does. `given` is: it gets input."""
        entries = [each for each in self._allowed.words if deny.starts_with(words, each)]
        if not entries:
            return self._unlisted(words)
        reasons: list[str] = []
        for entry in entries:
            reason = self._entry_objection(words, entry, " ".join(entry), given=given)
            if entry in self._allowed.wide:
                reason = ""
            if not reason:
                self._used.add(entry)
                return ""
            reasons.append(reason)
        return reasons[0]

    def _unlisted(self, words: Sequence[Word]) -> str:
        shown = _short(" ".join(word.text for word in words))
        reason = f"The setting allowedCommands has no entry for {shown}; {ASK_YOURSELF}."
        bad = next((each for each in self._allowed.bad if words[0].text in each), None)
        return f"{reason} Its entry {bad!r} is no plain words and never matches." if bad else reason

    def _entry_objection(
        self, words: Sequence[Word], entry: Sequence[str], shown: str, *, given: bool
    ) -> str:
        """Why the entry does not let these words run; `shown` is the entry as people know it."""
        found = judge(words, len(entry), self._here.place)
        if isinstance(found, Wrapped):
            inner = words[found.at :]
            if found.at >= len(entry):
                return self._objection(inner, given=given)
            return self._entry_objection(inner, entry[found.at :], shown, given=given)
        if len(words) == len(entry):
            known = row_of(words[0]) if isinstance(found, Objection) else found.row
            if not given or (known is not None and known.traits & {"reads", "stdin"}):
                return ""
        if isinstance(found, Objection):
            if len(words) == len(entry):
                found = Objection(words[0].text, "which is given a text by another command")
            return (
                f"The setting allowedCommands has {shown!r}, but the command has {found.word!r}, "
                f"{found.why}; {ASK_YOURSELF}."
            )
        if given and not found.row.traits & {"reads", "stdin"}:
            return (
                f"The setting allowedCommands has {shown!r}, but here {words[0].text} is given a "
                f"text by another command, and may run it; {ASK_YOURSELF}."
            )
        return ""

    # --- folders and files ------------------------------------------------------------------

    def _check_folder(self) -> None:
        if self._cwd is not None and not is_folder(self._cwd):
            raise _Ask(f"There is no folder {self._cwd} to run in; name another one.")

    def _move(self, command: Simple) -> None:
        if problem := self._here.move(command):
            raise _Ask(f"{problem}; {ASK_YOURSELF}.")

    def _check_git_folder(self) -> None:
        heres = self._here.place.heres
        if not heres and self._here.moved:
            raise _Ask(f"It is not known in which folder git would run; {ASK_YOURSELF}.")
        for here in heres:
            for folder in (here, *here.parents):
                if _is_bare_repository(folder):
                    raise _Ask(
                        f"{folder} has the files of a git repository without a work tree, which can "
                        f"make git run programs; {ASK_YOURSELF}."
                    )

    def _check_words(self, command: Simple) -> None:
        if self._ignored is None:
            return
        heres = self._here.place.heres or (Path.cwd(),)
        for word in (*command.words, *(each.target for each in command.redirects)):
            if not word.literal:
                raise _Ask(f"It cannot be seen which files {word.text} stands for; {ASK_YOURSELF}.")
            for text in _as_paths(word.text):
                for path in (here / text for here in heres):
                    if self._ignored(real(path)) or self._ignored(Path(os.path.normpath(path))):
                        raise _Deny(f"{text} is kept from the agent by .rooignore.")


def _is_bare_repository(folder: Path) -> bool:
    return exists(folder / "HEAD") and is_folder(folder / "objects") and is_folder(folder / "refs")


def _as_paths(text: str) -> list[str]:
    """What in a word may be a path: all of it, or what follows a `=`, a `:` or a short option."""
    parts = [text, text.partition("=")[2], text.rpartition(":")[2]]
    if text.startswith("-"):
        parts.append(text[2:])
    return [part for part in dict.fromkeys(parts) if part and "\0" not in part]


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 80 else line[:77] + "…"
