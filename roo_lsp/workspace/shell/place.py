"""Where a command would run, as far as its text tells, and what of the workspace its words name."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from itertools import islice
from pathlib import Path

from roo_lsp.workspace.paths import resolve
from roo_lsp.workspace.shell.language import Simple, Word

MAX_NAMES = 5000
MAX_PATHS = 500
"""A command for which more names in folders, or more paths, would have to be looked at is asked."""
MAX_FOLDERS = 16
_HARMLESS_FILES = frozenset({"/dev/null"})


@dataclass(slots=True)
class Looks:
    """What may still be looked at for one decision."""

    names: int = MAX_NAMES
    paths: int = MAX_PATHS


@dataclass(frozen=True, slots=True)
class WorkingFolders:
    """The folders a command may run in, after what came before it; none where that is not known."""

    heres: tuple[Path, ...] = ()
    folders: tuple[Path, ...] = ()
    """The workspace, as real paths."""
    looks: Looks = field(default_factory=Looks)

    def inside(self, word: Word) -> bool:
        """Does the word name something of the workspace, links followed, whatever it becomes?"""
        text = word.text
        if word.variable or not text or "\0" in text:
            return False
        if text in _HARMLESS_FILES:
            return True
        if not self.heres:
            return not text.startswith(("/", "~")) and not _climbs(text)
        if word.glob:
            return not _climbs(text) and all(self._globbed(here, text) for here in self.heres)
        return all(self._is_inside(here / text) for here in self.heres)

    def free(self, word: Word) -> bool:
        """Does it name a place of the workspace for a file, and no protected one?"""
        if not self.inside(word):
            return False
        for here in self.heres:
            facts = resolve(Path(os.path.normpath(here / word.text)), self.folders)
            if facts.protected or facts.refused or facts.link or facts.real in self.folders:
                return False
        return True

    def exists(self, text: str) -> bool:
        """Is there anything of that name in one of the folders?"""
        return any(os.path.lexists(here / text) for here in self.heres)

    def _is_inside(self, path: Path) -> bool:
        """Also a path as the kernel walks it: through links, not by its text."""
        self.looks.paths -= 1
        if self.looks.paths < 0:
            return False
        facts = resolve(path, self.folders)
        return facts.inside and facts.refused is None

    def _globbed(self, here: Path, text: str) -> bool:
        """Is all that a glob may become inside, and no option?

        Read more widely than bash does: what stands in brackets, and what was quoted, is not looked
        at.
        """
        found = [("", True)]
        for part in re.sub(r"\[[^/]*", "*", text).split("/"):
            if not any(each in part for each in "*?"):
                found = [(f"{start}{part}/", False) for start, _ in found]
                continue
            if part.startswith(".") and fnmatchcase("..", part):
                return False
            longer: list[tuple[str, bool]] = []
            for start, plain in found:
                if not (plain or self._is_inside(here / start)):
                    return False
                names = self._names(here / start)
                if names is None:
                    return False
                longer += [
                    (f"{start}{name}/", not link) for name, link in names if fnmatchcase(name, part)
                ]
            found = longer
        return not any(
            name.startswith("-") or not (plain or self._is_inside(here / name.removesuffix("/")))
            for name, plain in found
        )

    def _names(self, folder: Path) -> list[tuple[str, bool]] | None:
        """The names in a folder, and which are links; None where they are too many."""
        try:
            with os.scandir(folder) as entries:
                found = [
                    (entry.name, entry.is_symlink())
                    for entry in islice(entries, max(self.looks.names, 0) + 1)
                ]
        except OSError:  # bash finds no names there either
            found = []
        self.looks.names -= len(found) + 1
        return found if self.looks.names >= 0 else None


def _climbs(text: str) -> bool:
    """Does it lead above where it starts, or may it?"""
    depth = 0
    for part in text.split("/"):
        if part == "..":
            depth -= 1
        elif part not in {"", "."}:
            depth += 1
        if depth < 0:
            return True
    return ".." in text.split("/") and any(each in text for each in "*?[")


def real(path: Path) -> Path:
    """The path with its links followed as far as that is possible."""
    try:
        return Path(os.path.realpath(path))
    except OSError:  # a link that may not be read
        return Path(os.path.normpath(path))


@dataclass(slots=True)
class Here:
    """Follows `cd` from one command of a script to the next."""

    place: WorkingFolders
    """Where the next command may run."""
    moved: bool = False
    _visited: tuple[Path, ...] = ()
    """All folders that may be the current one, should a `cd` have failed or not been reached."""
    _outer: list[tuple[int, WorkingFolders, tuple[Path, ...]]] = field(
        default_factory=list[tuple[int, WorkingFolders, tuple[Path, ...]]]
    )
    """What holds again behind the parentheses that are open."""

    @staticmethod
    def start(cwd: Path | None, folders: Sequence[Path]) -> "Here":
        """Before the first command."""
        if cwd is None:
            return Here(WorkingFolders())
        here = real(cwd)
        return Here(WorkingFolders((here,), tuple(map(real, folders)) or (here,)), _visited=(here,))

    def at(self, command: Simple) -> None:
        """The next command is this one."""
        while self._outer and self._outer[-1][0] not in command.groups:
            _, self.place, self._visited = self._outer.pop()
        if command.joined != "&&":
            self.place = replace(self.place, heres=self._visited)
        for group in command.groups[len(self._outer) :]:
            self._outer.append((group, self.place, self._visited))

    def move(self, command: Simple) -> str:
        """Follow a `cd`: only into a folder below, spelled out. Returns what is wrong with it."""
        operands = [word for word in command.words[1:] if word.text != "--"]
        target = operands[0] if len(operands) == 1 else None
        if (
            target is None
            or not target.literal
            or not target.text
            or target.text.startswith(("-", "/"))
            or ".." in Path(target.text).parts
        ):
            return "cd may leave the workspace"
        self.moved = True
        heres: list[Path] = []
        for here in self.place.heres:
            there = real(here / target.text)
            if not there.is_relative_to(here):
                return f"cd leaves the folder by a link, to {there}"
            heres.append(there)
        self._visited = tuple(dict.fromkeys((*self._visited, *heres)))
        if len(self._visited) > MAX_FOLDERS:
            return "The command may be in too many folders"
        alone = command.joined in {"|", "|&"} or command.then in {"|", "|&", "&"}
        self.place = replace(self.place, heres=self._visited if alone else tuple(heres))
        return ""
