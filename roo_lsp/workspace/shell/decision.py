"""The decision about one command: approve it, ask, or deny. Fails closed."""

import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from roo_lsp.workspace.shell import deny, language, loose
from roo_lsp.workspace.shell.entries import Lists, read
from roo_lsp.workspace.shell.language import NotPlain, Simple, Word
from roo_lsp.workspace.shell.starts import EVALUATE, TRANSPARENT, WRAPPERS, base_name, inner
from roo_lsp.workspace.shell.vetoes import git_only_reads, objection

log = logging.getLogger(__name__)

MAX_CHARACTERS = 8 * 1024
"""A longer command is asked: nobody reads it, and reading it here would take too long."""
MAX_SCANNED_CHARACTERS = 1 << 20
ASK_YOURSELF = "approve it yourself"
_HARMLESS_FILES = frozenset({"/dev/null"})

Decision = Literal["approve", "ask", "deny"]
Ignored = Callable[[Path], bool]


@dataclass(frozen=True, slots=True)
class CommandVerdict:
    """What is to be done with a command, and why, as a sentence for people."""

    decision: Decision
    reason: str
    commands: tuple[tuple[str, ...], ...] = ()
    """The simple commands in it, as words, as far as they are known."""


class _Ask(Exception):
    """Ask; the message is the reason."""


class _Deny(Exception):
    """Deny; the message is the reason."""


def decide(
    command: str, lists: Lists, cwd: Path | None = None, ignored: Ignored | None = None
) -> CommandVerdict:
    """Whether a command may run without a question.

    Args:
        command: the text for `bash -c`.
        lists: the entries of `allowedCommands` and `deniedCommands`.
        cwd: the real folder it would run in, if known.
        ignored: says of a real path whether it is kept from the agent.
    """
    commands: tuple[tuple[str, ...], ...] = ()
    try:
        judge = _Judge(command, lists, cwd, ignored)
        try:
            reason = judge.approve()
        finally:
            commands = judge.commands
        return CommandVerdict("approve", reason, commands)
    except _Deny as error:
        return CommandVerdict("deny", str(error), commands)
    except _Ask as error:
        return CommandVerdict("ask", str(error), commands)
    except Exception:
        log.exception("a command could not be checked")
        return CommandVerdict("ask", f"The command could not be checked; {ASK_YOURSELF}.", commands)


class _Judge:
    def __init__(self, text: str, lists: Lists, cwd: Path | None, ignored: Ignored | None) -> None:
        self._text = text
        self._allowed = read(tuple(lists.allowed))
        self._denied = read(tuple(lists.denied))
        self._has_denied = bool(lists.denied)
        self._cwd = cwd
        self._ignored = ignored
        self._moved = False
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
        for redirect in command.redirects:
            if not redirect.target.literal or redirect.target.text not in _HARMLESS_FILES:
                what = "reads" if redirect.operator == "<" else "writes"
                raise _Ask(f"The command {what} {redirect.target.text}; {ASK_YOURSELF}.")
        reason = self._objection(command.words)
        if reason:
            doubt = (
                f" It also {view.doubts[0]}, which could be denied." if view and view.doubts else ""
            )
            raise _Ask(f"{reason}{doubt}")
        self._check_words(command)
        if command.words[0].text == "cd":
            self._move(command.words)
        elif base_name(command.words[0].text) == "git":
            self._check_git_folder()

    def _objection(self, words: Sequence[Word]) -> str:
        """Why no allow entry lets this run; empty if one does."""
        entries = [each for each in self._allowed.words if deny.starts_with(words, each)]
        if not entries:
            return self._unlisted(words)
        reasons = [self._entry_objection(words, entry) for entry in entries]
        return "" if "" in reasons else reasons[0]

    def _unlisted(self, words: Sequence[Word]) -> str:
        shown = _short(" ".join(word.text for word in words))
        reason = f"The setting allowedCommands has no entry for {shown}; {ASK_YOURSELF}."
        bad = next((each for each in self._allowed.bad if words[0].text in each), None)
        return f"{reason} Its entry {bad!r} is no plain words and never matches." if bad else reason

    def _entry_objection(self, words: Sequence[Word], entry: Sequence[str]) -> str:
        text = words[0].text
        name = base_name(text)
        exact = len(words) == len(entry)
        if name in EVALUATE and not exact:
            if not _asks_what_a_name_is(words):
                return (
                    f"{text} changes the shell or runs text, so only the exact command can be in "
                    f"allowedCommands; {ASK_YOURSELF}."
                )
        elif name in TRANSPARENT and not exact:
            return self._wrapped_objection(words, entry)
        elif _starts_another(name, words[len(entry) :]):
            return (
                f"{text} starts another program, so only the exact command can be in "
                f"allowedCommands; {ASK_YOURSELF}."
            )
        return self._option_objection(words, entry)

    def _option_objection(self, words: Sequence[Word], entry: Sequence[str]) -> str:
        name = base_name(words[0].text)
        if name == "git" and len(entry) == 1 and not git_only_reads(words[1:]):
            return (
                "The entry 'git' of allowedCommands stands for subcommands that only read; "
                f"add the subcommand to it, or {ASK_YOURSELF}."
            )
        wrong = objection(name, words[1:], frozenset(entry[1:]))
        shown = " ".join(entry)
        return f"{shown} {wrong}; {ASK_YOURSELF}." if wrong else ""

    def _wrapped_objection(self, words: Sequence[Word], entry: Sequence[str]) -> str:
        command = inner(words)
        if not command:
            return f"It is not plain which program {words[0].text} starts; {ASK_YOURSELF}."
        covered = len(entry) - (len(words) - len(command))
        if covered <= 0:
            return self._objection(command)
        return self._entry_objection(command, entry[-covered:])

    # --- folders and files ------------------------------------------------------------------

    def _check_folder(self) -> None:
        if self._cwd is not None and not self._cwd.is_dir():
            raise _Ask(f"There is no folder {self._cwd} to run in; name another one.")

    def _move(self, words: Sequence[Word]) -> None:
        """Follow a `cd`: only into a folder below, spelled out."""
        operands = [word for word in words[1:] if word.text != "--"]
        target = operands[0] if len(operands) == 1 else None
        parts = Path(target.text).parts if target else ()
        if (
            target is None
            or not target.literal
            or not target.text
            or target.text.startswith(("-", "/"))
            or ".." in parts
        ):
            raise _Ask(f"cd may leave the workspace; {ASK_YOURSELF}.")
        self._moved = True
        if self._cwd is not None:
            real = Path(os.path.realpath(self._cwd / target.text))
            if not real.is_relative_to(os.path.realpath(self._cwd)):
                raise _Ask(f"cd leaves the folder by a link, to {real}; {ASK_YOURSELF}.")
            self._cwd = real

    def _check_git_folder(self) -> None:
        if self._cwd is None:
            if self._moved:
                raise _Ask(f"It is not known in which folder git would run; {ASK_YOURSELF}.")
            return
        for folder in (self._cwd, *self._cwd.parents):
            if _is_bare_repository(folder):
                raise _Ask(
                    f"{folder} has the files of a git repository without a work tree, which can make "
                    f"git run programs; {ASK_YOURSELF}."
                )

    def _check_words(self, command: Simple) -> None:
        if self._ignored is None:
            return
        for word in (*command.words, *(each.target for each in command.redirects)):
            if not word.literal:
                raise _Ask(f"It cannot be seen which files {word.text} stands for; {ASK_YOURSELF}.")
            for text in _as_paths(word.text):
                path = (self._cwd or Path.cwd()) / text
                if any(
                    self._ignored(Path(each(path))) for each in (os.path.realpath, os.path.abspath)
                ):
                    raise _Deny(f"{text} is kept from the agent by .rooignore.")


def _starts_another(name: str, rest: Sequence[Word]) -> bool:
    """Is this a wrapper, with words beyond those that the entry has?"""
    wrapper = WRAPPERS.get(name)
    if wrapper is None:
        return False
    return any(word.text in wrapper.after for word in rest) if wrapper.after else bool(rest)


def _asks_what_a_name_is(words: Sequence[Word]) -> bool:
    """`command -v NAME`."""
    return (
        words[0].text == "command"
        and len(words) > 1
        and words[1].literal
        and words[1].text in {"-v", "-V"}
    )


def _is_bare_repository(folder: Path) -> bool:
    return (
        (folder / "HEAD").exists() and (folder / "objects").is_dir() and (folder / "refs").is_dir()
    )


def _as_paths(text: str) -> list[str]:
    """What in a word may be a path: all of it, or what follows a `=`, a `:` or a short option."""
    parts = [text, text.partition("=")[2], text.rpartition(":")[2]]
    if text.startswith("-"):
        parts.append(text[2:])
    return [part for part in dict.fromkeys(parts) if part and "\0" not in part]


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 80 else line[:77] + "…"
