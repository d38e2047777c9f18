"""git, asked beside everything else: who begins a turn finds the answer there, or goes on without it."""

import asyncio
import os
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from roo_lsp.workspace.checkpoints.git import find_git
from roo_lsp.workspace.repository import GitStatus, Repository, git_status


@dataclass(slots=True)
class GitBeside:
    """The repository that the workspace lies in."""

    folders: Sequence[Path]
    trusted: Callable[[], bool]
    """Whether git may be run there."""
    wanted: Callable[[], bool]
    """Whether the settings want it told by itself."""
    start: Callable[[Coroutine[Any, Any, None]], None]
    """Does something beside everything else."""
    runs: int = 0
    """How often git was asked."""
    _program: Path | None = None
    _looked: bool = False
    _known: tuple[object, GitStatus | None] | None = None
    """The last answer, and what the repository looked like then."""
    _stale: bool = True
    """Something may have changed that its looks do not tell."""
    _done: asyncio.Event = field(default_factory=asyncio.Event)
    _asking: bool = False

    def allowed(self) -> bool:
        """Whether it is told by itself."""
        return self.trusted() and self.wanted()

    def place(self) -> tuple[Path, Repository] | None:
        """Git and the repository, to ask it something else; None where that may not or cannot be."""
        place = Repository.around(self.folders[0]) if self.trusted() else None
        program = self._found() if place is not None else None
        return (program, place) if place is not None and program is not None else None

    def look(self) -> None:
        """Something may have changed: ask again, beside whatever goes on."""
        self._stale = True
        if not self._asking and self.allowed():
            self._asking = True
            self.start(self._ask())

    async def answer(self, seconds: float) -> GitStatus | None:
        """What is so now; None where there is no repository, or no answer in so many seconds."""
        if not self.allowed():
            return None
        place = await asyncio.to_thread(Repository.around, self.folders[0])
        if place is None:
            return None
        if self._known is None or self._stale or self._known[0] != place.stamp:
            self.look()
            try:
                async with asyncio.timeout(seconds):
                    while self._asking:
                        self._done.clear()
                        await self._done.wait()
            except TimeoutError:
                return None
        return self._known[1] if self._known else None

    async def _ask(self) -> None:
        try:
            while self._stale:
                self._stale = False
                self._known = await asyncio.to_thread(self._status)
                self.runs += 1
        finally:
            self._asking = False
            self._done.set()

    def _status(self) -> tuple[object, GitStatus | None]:
        place, program = Repository.around(self.folders[0]), self._found()
        if place is None or program is None:
            return None, None
        stamp = place.stamp
        return stamp, git_status(program, place)

    def _found(self) -> Path | None:
        if not self._looked:
            self._program = find_git(self.folders, os.environ.get("PATH", os.defpath))
            self._looked = True
        return self._program
