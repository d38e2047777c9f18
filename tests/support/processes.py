"""Processes that a test's command started, and what the command shows.

A process is found by a mark: in a sandbox its number is another. Right behind a fork it has its
parent's name still, so a test waits for what it wants to see.
"""

import asyncio
from collections.abc import Callable, Iterable

import psutil

PATIENCE = 60.0
"""Seconds that a test waits for anything."""


class Shown:
    """Keeps what a command shows, and lets a test wait for a text in it."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self._news = asyncio.Event()

    def __call__(self, text: str) -> None:
        self.pieces.append(text)
        self._news.set()

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    async def until(self, wanted: str) -> str:
        async with asyncio.timeout(PATIENCE):
            while wanted not in self.text:
                self._news.clear()
                await self._news.wait()
        return self.text


def sleeping(mark: str) -> list[psutil.Process]:
    """The living `sleep MARK`."""
    return [each for each, words in _living() if words == ["sleep", mark]]


def running(mark: str) -> list[psutil.Process]:
    """The living processes with this mark somewhere in their command line."""
    return [each for each, words in _living() if mark in " ".join(words)]


async def asleep(mark: str, count: int) -> list[psutil.Process]:
    """The living `sleep MARK`, once there are so many."""
    await until(lambda: len(sleeping(mark)) == count)
    return sleeping(mark)


async def ended(*processes: psutil.Process) -> None:
    """Returns when none of them lives; a zombie, which its parent or init has to reap, does not."""
    await until(lambda: not any(map(_lives, processes)))


async def until(condition: Callable[[], bool]) -> None:
    """Look at other processes until it is true: nothing tells us of them."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 -- as above
            await asyncio.sleep(0.01)


def _living() -> Iterable[tuple[psutil.Process, list[str]]]:
    """Each process that is no zombie, and its command line."""
    for each in psutil.process_iter(["cmdline", "status"]):
        if each.info["status"] != psutil.STATUS_ZOMBIE:
            yield each, each.info["cmdline"] or []


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
