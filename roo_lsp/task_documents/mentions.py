"""`@path` and `@path:10-20` in what the user writes: what they name, and what is wrong with it.

A mention gives the model no more than the `context` of `roo.task.start` does: a name, and of a document
that is open the lines. What the workspace's rules keep from the agent is not passed on.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from roo_lsp.agent.errors import ToolError
from roo_lsp.agent.tool import Workspace
from roo_lsp.workspace.rooignore import RooIgnore
from roo_lsp.workspace.uris import is_new

_MENTION = re.compile(
    r"(?<![\w@./`\\])@(?:\"(?P<quoted>[^\"\n]+)\"|(?P<plain>[^\s\"'`,;:()<>\[\]{}@]+))"
    r"(?::(?P<first>\d{1,7})(?:-(?P<last>\d{1,7}))?)?"
)
MOST = 50
"""Mentions of one message that are looked at."""


@dataclass(frozen=True, slots=True)
class Mention:
    """One of them, in a text."""

    start: int
    end: int
    """Code points of the text."""
    name: str
    lines: tuple[int, int] | None
    """First and last, counted from 1."""

    @property
    def looks_like_a_path(self) -> bool:
        """Whether it is more than a word with an `@` in front of it."""
        if is_new(self.name):
            return False
        return "/" in self.name or "." in self.name or self.lines is not None


@dataclass(frozen=True, slots=True)
class Named:
    """What a mention is of, or why it is of nothing."""

    path: Path | None
    problem: str = ""


def mentions_in(text: str) -> Iterator[Mention]:
    """Those of a text, in order."""
    for found in _MENTION.finditer(text):
        name = found["quoted"] or found["plain"]
        end = found.end()
        if found["plain"] and not found["first"]:
            name = name.rstrip(".!?")  # the end of a sentence, not of a name
            end -= len(found["plain"]) - len(name)
        if not name:
            continue
        first = int(found["first"] or 0)
        lines = (first, int(found["last"] or first)) if first else None
        yield Mention(found.start(), end, name, lines)


def named(mention: Mention, workspace: Workspace, ignore: RooIgnore) -> Named:
    """The file or folder, where the agent may be pointed at it."""
    path = _found(mention.name, workspace)
    if path is None:
        return Named(None, f"There is no {mention.name} in the workspace, so nothing is attached.")
    real = Path(os.path.realpath(path))
    if not any(real.is_relative_to(os.path.realpath(each)) for each in workspace.folders):
        return Named(None, f"{mention.name} is outside the workspace, so it is not attached.")
    if ignore.keeps(path, real) or ignore.problem(path, real):
        return Named(None, f"{mention.name} is not attached: .rooignore keeps it from the agent.")
    if mention.lines is not None:
        first, last = mention.lines
        if last < first:
            return Named(None, f"Lines {first}-{last} are none, so nothing is attached.")
        if real.is_dir():
            return Named(None, f"{mention.name} is a folder and has no lines; nothing is attached.")
    return Named(path)


def _found(name: str, workspace: Workspace) -> Path | None:
    try:
        for named_so in (workspace.path(name), *(each / name for each in workspace.folders)):
            path = Path(os.path.normpath(named_so))
            if os.path.lexists(path):
                return path
    except (OSError, ValueError, ToolError):
        pass
    return None
