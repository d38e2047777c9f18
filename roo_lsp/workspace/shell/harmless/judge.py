"""Is every word of a command known to be harmless for its program?"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from roo_lsp.workspace.shell.harmless.kinds import fits
from roo_lsp.workspace.shell.harmless.rows import Operand, Option, Row
from roo_lsp.workspace.shell.harmless.tables import programs
from roo_lsp.workspace.shell.language import Word
from roo_lsp.workspace.shell.place import WorkingFolders

COMMAND = "COMMAND"
"""The kind of an operand, or value, at which the command of a wrapper starts."""
MODULE = "MODULE"
"""The same for a module of Python's, where it is no file of the workspace."""
_BY_A_WIDER_ENTRY = frozenset({"reads", "builds", "lists"})
"""What a subcommand has to be like where the entry only names the program."""
_NUMBER_OPTION = re.compile(r"-\d+")
_INSTALLED = re.compile(
    r"/(usr/(local/)?)?s?bin/[^/]+|(\./)?(\.?venv/bin|node_modules/\.bin)/[^/]+"
)
"""Where programs are installed; those of the workspace an entry has to name by their path."""
_NEGATIVE = re.compile(r"-\d[\w.]*")


@dataclass(frozen=True, slots=True)
class Objection:
    """The word that is not known to be harmless."""

    word: str
    why: str
    """Ends the sentence "… has WORD, …"."""


@dataclass(frozen=True, slots=True)
class Wrapped:
    """All is harmless up to the command that this one starts; it begins at this word."""

    at: int


@dataclass(frozen=True, slots=True)
class Known:
    """All of it is harmless."""

    row: Row


def judge(
    words: Sequence[Word], named: int, place: WorkingFolders, *, subcommands: bool = False
) -> Known | Wrapped | Objection:
    """Look at each word of a command; the first `named` are those of its allow entry.

    With `subcommands` it may be any subcommand that is known, as if the entry named it.
    """
    row = row_of(words[0])
    if row is None:
        return Objection(
            words[min(named, len(words) - 1)].text,
            f"and nothing is known of what {words[0].text} does with it",
        )
    try:
        return _Walk(words, named, place, row, subcommands=subcommands).result()
    except _Stop as stop:
        return stop.objection


def row_of(word: Word) -> Row | None:
    """The row of a program: by its name, or its path outside the workspace."""
    name = word.text
    if "/" in name:
        name = name.removeprefix("./") if name in {"./gradlew", "./mvnw"} else _installed(name)
    return programs().get(name)


def _installed(path: str) -> str:
    return path.rsplit("/", 1)[1] if _INSTALLED.fullmatch(path) else path


class _Stop(Exception):
    def __init__(self, word: Word, why: str) -> None:
        super().__init__(why)
        self.objection = Objection(word.text, why)


class _Walk:
    def __init__(
        self,
        words: Sequence[Word],
        named: int,
        place: WorkingFolders,
        row: Row,
        *,
        subcommands: bool,
    ) -> None:
        self._subcommands = subcommands
        self._words = words
        self._named = named
        self._place = place
        self._row = row
        self._slot = 0
        self._at = 1
        self._seen: set[str] = set()
        self._over = False
        """No option comes any more."""
        self._covered = True
        """Is the subcommand one that the entry names?"""
        self._wrapped: int | None = None

    def result(self) -> Known | Wrapped:
        while self._at < len(self._words) and self._wrapped is None:
            word = self._words[self._at]
            if self._is_option(word):
                self._option(word)
            else:
                self._operand(word)
            self._at += 1
        if self._wrapped is not None:
            return Wrapped(self._wrapped)
        if not self._covered and not self._row.traits & _BY_A_WIDER_ENTRY:
            self._stop("which an entry must name itself")
        if missing := self._missing():
            self._at = len(self._words) - 1
            self._stop(f"and a {missing} is missing, so it does something else")
        return Known(self._row)

    def _missing(self) -> str:
        """What kind of operand has to be there, and is not."""
        for slot in self._row.operands[self._slot :]:
            if slot.kind == COMMAND and not slot.optional:
                return slot.kind.lower()
        return ""

    def _stop(self, why: str) -> None:
        raise _Stop(self._words[min(self._at, len(self._words) - 1)], why)

    @property
    def _is_named(self) -> bool:
        return self._at < self._named

    # --- options ----------------------------------------------------------------------------

    def _is_option(self, word: Word) -> bool:
        if self._over or "anything" in self._row.traits:
            return False
        start = word.text if word.literal else word.head
        return start.startswith("-") and word.text != "-"

    def _option(self, word: Word) -> None:
        text = word.text
        if text == "--" and word.literal:
            self._dashes()
        elif text.startswith("--") or self._is_whole(text):
            self._long(word)
        elif _NUMBER_OPTION.fullmatch(text) and word.literal and "-NUM" in self._row.options:
            pass
        else:
            self._cluster(word)

    def _dashes(self) -> None:
        if self._row.after is not None:
            self._row, self._slot = self._row.after, 0
        elif "nodash" in self._row.traits and not self._is_named:
            self._stop("and it is not known what may follow it")
        else:
            self._over = True

    def _long(self, word: Word) -> None:
        name, sign, value = word.text.partition("=")
        option = self._find(name)
        if option is None:
            self._unknown(word)
            return
        self._seen.add(name)
        if not sign:
            if not word.literal:
                self._stop("which is not written out")
            self._separate(option)
        elif not option.values and value in {"true", "false"} and "booleans" in self._row.traits:
            pass
        elif not option.values or not word.head.startswith(f"{name}="):
            self._unless_named("which is not known with a value")
        else:
            self._value(option.values[0], word, value)
            if len(option.values) > 1:
                self._unless_named("which takes its values as words of their own")

    def _is_whole(self, text: str) -> bool:
        """Is it one option after its one dash, and no cluster of letters?"""
        name = text.partition("=")[0]
        if len(name) == 2 and "onedash" not in self._row.traits:
            return text == name and name in self._row.options
        return self._find(name) is not None

    def _find(self, name: str) -> Option | None:
        options = self._row.options
        if name in options:
            return options[name]
        if "onedash" in self._row.traits:
            return options.get(name[1:] if name.startswith("--") else f"-{name}")
        return None

    def _cluster(self, word: Word) -> None:
        text = word.text
        if not word.literal:
            self._stop("which is not written out")
        for at, letter in enumerate(text[1:], 2):
            option = self._row.options.get(f"-{letter}")
            if option is None:
                self._unknown(word)
                return
            self._seen.add(f"-{letter}")
            if not option.values:
                continue
            if text[at:]:
                self._value(option.values[0], word, text[at:])
                if len(option.values) > 1:
                    self._unless_named("which takes its values as words of their own")
            else:
                self._separate(option)
            return

    def _unknown(self, word: Word) -> None:
        if not self._is_named:
            self._stop("which is not known to be harmless with it")
        if self._at + 1 == self._named < len(self._words):
            self._at += 1
            self._stop(f"which may be the value of {word.text}")
        following = self._words[self._at + 1] if self._at + 1 < self._named else None
        if following and not following.text.startswith("-"):
            self._at += 0 if following.text in self._row.subcommands else 1

    def _separate(self, option: Option) -> None:
        """The values that follow as words of their own."""
        if option.optional:
            return
        for kind in option.values:
            self._at += 1
            if self._at >= len(self._words):
                self._at -= 1
                self._stop("which takes a value")
            if kind in {COMMAND, MODULE}:
                self._command(kind)
                return
            word = self._words[self._at]
            if self._is_named:
                continue
            if word.text.startswith("-") and not (kind == "N" and _NEGATIVE.fullmatch(word.text)):
                self._stop("where a value should be")
            if not fits(kind, word, self._place):
                self._stop(_WHY.get(kind, "which is not known to be harmless there"))

    def _value(self, kind: str, word: Word, text: str) -> None:
        if self._is_named:
            return
        value = Word.of(text)
        if not word.literal:  # the start is written out; the rest may only be text
            if kind != "TEXT" or word.splits:
                self._stop("which is not written out")
            return
        if not fits(kind, value, self._place):
            self._stop(_WHY.get(kind, "which is not known to be harmless there"))

    # --- operands ---------------------------------------------------------------------------

    def _operand(self, word: Word) -> None:
        if self._subcommand(word):
            return
        if "stops" in self._row.traits:
            self._over_from_here()
        slot = self._next_slot()
        if slot is None:
            self._unless_named("and it is not known what it does with that")
            return
        if slot.kind in {COMMAND, MODULE}:
            self._command(slot.kind)
            return
        if not self._covered and "lists" in self._row.traits:
            self._stop("with which it changes something, so an entry must name it itself")
        if not slot.many:
            self._slot += 1
        if self._is_named:
            return
        if "anything" in self._row.traits:
            if word.glob and not self._place.inside(word):
                self._stop("which may name what is outside the workspace")
            return
        self._check_operand(slot, word)

    def _over_from_here(self) -> None:
        """What looks like an option from here on belongs to what is run."""
        for at in range(self._at + 1, len(self._words)):
            word = self._words[at]
            if at >= self._named and (word.text.startswith("-") or not word.literal):
                self._at = at
                self._stop("which goes to what is run, and is not known there")

    def _check_operand(self, slot: Operand, word: Word) -> None:
        if word.text == "-":
            if slot.kind != "PATH" or "reads" not in self._row.traits:
                self._stop("which stands for what is piped into it")
            return
        if not word.literal:
            self._check_expansion(slot, word)
        if (
            not self._over
            and word.text[:1] == "+"
            and slot.kind not in {"DATE", "AWK", "SED", "TEXT"}
        ):
            self._stop("which may be an option")
        if not fits(slot.kind, word, self._place):
            self._stop(_WHY.get(slot.kind, "which is not known to be harmless there"))

    def _check_expansion(self, slot: Operand, word: Word) -> None:
        """A variable or glob as an operand: it must not become an option, nor another operand."""
        if word.splits:
            self._stop("which may become several words")
        if not (self._over or "calm" in self._row.traits) and (
            not word.head or word.head[0] in "-+@"
        ):
            self._stop("which may become an option")
        if word.glob and not slot.many:
            self._stop("which may become several words")

    def _next_slot(self) -> Operand | None:
        while self._slot < len(self._row.operands):
            slot = self._row.operands[self._slot]
            if not slot.unless & self._seen:
                return slot
            self._slot += 1
        return None

    def _subcommand(self, word: Word) -> bool:
        found = self._row.subcommands.get(word.text) if word.literal and not self._over else None
        if found is None:
            if not self._row.subcommands or self._row.operands:
                return False
            self._unless_named("which is no subcommand that is known to be harmless")
            self._row = Row((*self._row.words, word.text), (), frozenset(), "", {})
            return True
        if self._row.operands and self._slot:
            return False
        self._row, self._slot = found, 0
        self._covered = self._is_named or self._subcommands
        if not self._covered and not found.subcommands and not found.traits & _BY_A_WIDER_ENTRY:
            self._stop("a subcommand that an entry must name itself")
        return True

    def _command(self, kind: str) -> None:
        if kind == MODULE:
            self._module(self._words[self._at])
        if not self._words[self._at].literal:
            self._stop("which hides the name of a program")
        self._wrapped = self._at

    def _module(self, word: Word) -> None:
        row = row_of(word)
        if row is None or "module" not in row.traits:
            self._stop("which is no module that is known")
        if any(self._place.exists(f"{word.text.split('.')[0]}{end}") for end in ("", ".py")):
            self._stop("which is a file of the workspace here")

    def _unless_named(self, why: str) -> None:
        if not self._is_named:
            self._stop(why)


_WHY = {
    "PATH": "which is no path of the workspace",
    "OWNPATH": "which is no path of the workspace",
    "TEST": "which is no path of the workspace",
    "NEWPATH": "which is no place in the workspace that may be written",
    "REV": "which is a path outside the workspace, or no revision",
    "SED": "a script that may do more than print",
    "AWK": "a program that may do more than print",
    "JQ": "a filter that may read other files",
    "FORMAT": "a format that may run a program",
    "SCRIPT": "which is no script of the workspace",
    "TARGET": "which is no plain name of a target",
    "REF": "which is no plain name, or that of a file",
    "REMOTE": "which is no plain name of a remote",
}
