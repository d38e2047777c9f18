"""`.rooignore`: what the user keeps from the agent, in the words of a `.gitignore`.

Each workspace folder has its own, at its root, and it holds for paths as they are asked for and as they
really are, whatever their case. What is on disk counts: text that an editor has not saved does not.
A file that cannot be read or understood keeps nothing safe, so everything beside and below it is asked.

It holds for what goes through roo-lsp. Commands and MCP servers read files themselves, and another name
of the same file (a hard link) is another file.
"""

import os
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from roo_lsp.workspace.descriptors import read_small
from roo_lsp.workspace.paths import exists, followed, is_folder
from roo_lsp.workspace.patterns import Patterns, parse

NAME = ".rooignore"
MAX_BYTES = 256_000
MAX_PATTERNS = 2_000
"""Each path is compared with each of them; real files have a few dozen."""

_NONE = Patterns(())


@dataclass(slots=True)
class _Folder:
    """One workspace folder, by its names, and what its file said when it was last looked at."""

    names: tuple[str, ...]
    """As the client named it, and with all links followed."""
    file: Path
    seen: tuple[int, ...] | None = None
    patterns: Patterns = _NONE
    problem: str = ""
    """Why the patterns are not known, as the end of a sentence."""

    def refresh(self) -> None:
        """Read the file again if it is not as it was."""
        seen = _identity(self.file)
        if seen != self.seen:
            self.patterns, self.problem = _read(self.file)
            self.seen = seen

    def ignores(self, below: str, directory: bool) -> bool:  # noqa: FBT001 -- as `Patterns.ignores`
        return self.patterns.ignores(below, folder=directory)

    def ignores_entry(self, below: str, directory: bool) -> bool:  # noqa: FBT001 -- as above
        return bool(self.patterns.verdict(below, folder=directory))

    def below(self, path: str) -> str | None:
        """The path relative to this folder, with `/`; None for itself and what is not in it."""
        for name in self.names:
            if path.startswith(name):
                return path[len(name) :].replace(os.sep, "/")
        return None


@dataclass(slots=True)
class RooIgnore:
    """The `.rooignore` files of all workspace folders, and what is roo-lsp's own."""

    folders: Sequence[Path]
    """As the client named them."""
    own: Path | None = None
    """The server's state, which no walk shows either."""
    _known: list[_Folder] = field(init=False)
    _seen: tuple[Path, ...] = ()
    """The folders that these are of."""
    _own: str = field(init=False, default="")

    def __post_init__(self) -> None:
        self._look()
        self._own = _open_end(os.path.realpath(self.own)) if self.own else ""

    def _look(self) -> None:
        self._seen = tuple(self.folders)
        self._known = [
            _Folder(
                tuple(dict.fromkeys(map(_open_end, (os.path.normpath(folder), real)))),
                Path(real, NAME),
            )
            for folder in self._seen
            for real in (os.path.realpath(folder),)
        ]

    def ignored(self, path: Path) -> bool:
        """True when an absolute path is kept from the agent, or when that cannot be told."""
        real = followed(path)
        return self.keeps(path, real) or bool(self.problem(path, real))

    def keeps(self, asked: Path, real: Path) -> bool:
        """True when a pattern keeps a path from the agent, by its name or by where it leads.

        What is not there may become a file or a folder, so either counts.
        """
        self.refresh()
        kinds = (is_folder(real),) if exists(real) else (True, False)
        return any(
            self._says(_Folder.ignores, path, directory)
            for path in {asked, real}
            for directory in kinds
        )

    def refresh(self) -> None:
        """Read again what changed; for a walk, once before it."""
        if self._seen != tuple(self.folders):
            self._look()
        for folder in self._known:
            folder.refresh()

    @property
    def has_patterns(self) -> bool:
        """True when there is anything that paths are compared with."""
        return any(folder.patterns.lines for folder in self._known)

    def hides(self, path: Path, *, directory: bool) -> bool:
        """True when a walk leaves out a path, or something above it; no link is followed."""
        return self._says(_Folder.ignores, path, directory) or self._is_own(os.fspath(path))

    def hides_entry(self, path: str, *, directory: bool) -> bool:
        """The same for a walk that has left out whatever is hidden above."""
        return self._says(_Folder.ignores_entry, path, directory) or self._is_own(path)

    def problem(self, asked: Path, real: Path) -> str:
        """Why it cannot be told what is kept from the agent in, around or below a path, or empty."""
        texts = [_open_end(os.path.normpath(each)) for each in (asked, real)]
        for folder in self._known:
            if any(t.startswith(n) or n.startswith(t) for t in texts for n in folder.names):
                folder.refresh()
                if folder.problem:
                    return f"{folder.file} cannot be heeded: {folder.problem}"
        return ""

    def _says(
        self,
        how: Callable[[_Folder, str, bool], bool],
        path: Path | str,
        directory: bool,  # noqa: FBT001 -- passed on
    ) -> bool:
        if not self.has_patterns:
            return False
        text = unicodedata.normalize("NFC", os.path.normpath(path))
        return any(
            how(folder, below, directory)
            for folder in self._known
            if (below := folder.below(text)) is not None
        )

    def _is_own(self, path: str) -> bool:
        return bool(self._own) and f"{path}{os.sep}".startswith(self._own)


def _open_end(folder: str) -> str:
    """A folder's name as what is in it begins with it."""
    return f"{folder.rstrip(os.sep)}{os.sep}"


def _identity(file: Path) -> tuple[int, ...] | None:
    """What changes whenever the file does; None where there is nothing."""
    try:
        facts = file.stat()
    except OSError as error:
        return (error.errno or 0,) if os.path.lexists(file) else None
    return (facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns)


def _read(file: Path) -> tuple[Patterns, str]:
    """The patterns, or why there are none to be had."""
    try:
        data = read_small(file, MAX_BYTES)
    except OSError as error:
        return _NONE, (error.strerror or str(error)).lower()
    if data is None:
        return _NONE, ""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return _NONE, "it is not UTF-8 text"
    if "\0" in text:
        return _NONE, "it has NUL characters in it, so it is not UTF-8 text"
    patterns = parse(unicodedata.normalize("NFC", text), ignore_case=True)
    if len(patterns.lines) > MAX_PATTERNS:
        return _NONE, f"it has more than {MAX_PATTERNS} patterns"
    return patterns, ""
