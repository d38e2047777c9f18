"""The names of all files below the workspace's folders, as a list that is made beside everything else.

ripgrep walks: a hundred thousand files take it a fraction of a second, `.gitignore` files respected. What
`.rooignore` hides is left out by who shows a name: the patterns are compared with the few that are shown.
"""

import asyncio
import os
import time
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from roo_lsp.workspace.search import clean_environment, find_ripgrep

MOST = 200_000
"""Files of all folders; of more the rest is not there."""
FRESH_SECONDS = 5.0
"""So old the list may be; an older one is used while the next one is made."""
PATIENCE = 1.0
"""Seconds that the first asker waits for; then there is what was found until then."""
_LIST = ("--files", "--no-config", "--no-messages", "--hidden", "--null")
_LEFT_OUT = ("--glob=!.git", "--glob=!node_modules")


@dataclass(slots=True)
class PathList:
    """The list of one workspace; without ripgrep it is empty."""

    folders: Sequence[Path]
    show: Callable[[Path], str]
    """A path as people and models name it."""
    start: Callable[[Coroutine[Any, Any, None]], None]
    """Does something beside everything else."""
    _names: list[str] = field(default_factory=list[str])
    _made: float = float("-inf")
    _making: asyncio.Event | None = None

    async def names(self) -> Sequence[str]:
        """What is known now, folders with a `/` at their end; something newer is on its way where it is old."""
        if self._making is None and time.monotonic() - self._made > FRESH_SECONDS:
            self._making = asyncio.Event()
            self.start(self._make(self._making))
        if self._making is not None and self._made == float("-inf"):
            with suppress(TimeoutError):
                async with asyncio.timeout(PATIENCE):
                    await self._making.wait()
        return self._names

    async def _make(self, made: asyncio.Event) -> None:
        first, names = self._made == float("-inf"), list[str]()
        if first:
            self._names = names  # seen as it grows
        try:
            for folder in tuple(self.folders):
                await self._walk(folder, names)
        finally:
            self._names, self._made, self._making = names, time.monotonic(), None
            made.set()

    async def _walk(self, folder: Path, names: list[str]) -> None:
        program = find_ripgrep(self.folders)
        if program is None:
            return
        try:
            process = await asyncio.create_subprocess_exec(
                program,
                *_LIST,
                *_LEFT_OUT,
                cwd=folder,
                env=clean_environment(),
                stdin=DEVNULL,
                stdout=PIPE,
                stderr=DEVNULL,
            )
        except OSError:
            return
        below = "" if (shown := self.show(folder)) == "." else f"{shown.rstrip('/')}/"
        seen: set[str] = set()
        rest = b""
        assert process.stdout is not None  # noqa: S101 -- a pipe was asked for
        try:
            while len(names) < MOST:
                if not (chunk := await process.stdout.read(1 << 16)):
                    await process.wait()
                    break
                *whole, rest = (rest + chunk).split(b"\0")
                for each in whole:
                    _take(names, seen, below, os.fsdecode(each).replace(os.sep, "/"))
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.kill()
                await process.wait()


def _take(names: list[str], seen: set[str], below: str, file: str) -> None:
    """A file, and the folders that it is the first of."""
    at = len(file)
    while (at := file.rfind("/", 0, at)) > 0 and (parent := file[: at + 1]) not in seen:
        seen.add(parent)
        names.append(below + parent)
    names.append(below + file)
