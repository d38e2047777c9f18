"""Append-only files of JSON lines: what is once accepted gets to the disk, also when that is full for a while."""

import asyncio
import errno
import json
import os
from collections import deque
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from roo_lsp.agent.errors import RooError

MAX_OPEN = 64
_FULL = {errno.ENOSPC, errno.EDQUOT}
_datasync = getattr(os, "fdatasync", os.fsync)


class StoreError(RooError):
    """The state folder cannot be used now: what happened to it, and what the user can do."""

    @classmethod
    def of(cls, error: OSError, folder: Path) -> "StoreError":
        """In words for the user."""
        if error.errno in _FULL:
            return cls(
                "internal",
                f"The disk is full: the task cannot be saved in {folder}.",
                "Make room there, then send a message to go on.",
            )
        if error.errno == errno.ENOENT:
            return cls(
                "internal",
                f"What was stored of the task is gone from {folder}.",
                "Start a new task.",
            )
        return cls(
            "internal",
            f"The state folder {folder} cannot be used: {error.strerror}.",
            "Make it writable or set ROO_STATE_DIR to another one, then send a message to go on.",
        )


@contextmanager
def store_errors(folder: Path) -> Generator[None]:
    """Turns what the system says of a folder into a `StoreError`."""
    try:
        yield
    except OSError as error:
        raise StoreError.of(error, folder) from error


class Journals:
    """The files of a store that are being appended to, by one writer each.

    A line that cannot be written waits, and what comes after it waits behind it; each further
    append tries again. So a file never has a gap, and never half a line with another one behind.
    """

    def __init__(self) -> None:
        self._open: dict[Path, int] = {}
        self._waiting: dict[Path, deque[bytes]] = {}
        self._unsynced: set[Path] = set()

    def append(self, file: Path, value: Mapping[str, Any]) -> None:
        """Add a line.

        Raises:
            StoreError: it waits.
        """
        line = line_of(value)
        waiting = self._waiting.get(file)
        if waiting is not None:
            waiting.append(line)
            self.retry(file)
            return
        self._unsynced.add(file)
        try:
            self._write(file, line)
        except OSError as error:
            self._waiting[file] = deque([line])
            raise StoreError.of(error, file.parent) from error

    def retry(self, file: Path) -> None:
        """Write what waits.

        Raises:
            StoreError: it still waits.
        """
        waiting = self._waiting.get(file)
        if waiting is None:
            return
        with store_errors(file.parent):
            while waiting:
                self._write(file, waiting[0])
                waiting.popleft()
        del self._waiting[file]

    def waiting(self, file: Path) -> tuple[bytes, ...]:
        """The lines that are not on disk yet."""
        return tuple(self._waiting.get(file, ()))

    async def sync(self, file: Path) -> None:
        """Returns once what was appended would survive a power failure.

        Raises:
            StoreError: it would not.
        """
        self.retry(file)
        descriptor = self._open.get(file)
        if descriptor is None or file not in self._unsynced:
            return
        with store_errors(file.parent):
            await asyncio.to_thread(_synced, os.dup(descriptor))
        self._unsynced.discard(file)

    def close(self, folder: Path | None = None) -> None:
        """Close the files, those of one folder or all; the next append opens them again."""
        for file in [each for each in self._open if folder is None or each.parent == folder]:
            os.close(self._open.pop(file))
            self._unsynced.discard(file)

    def forget(self, folder: Path) -> None:
        """The folder is deleted: nothing of it is to be written any more."""
        self.close(folder)
        for file in [each for each in self._waiting if each.parent == folder]:
            del self._waiting[file]

    def _write(self, file: Path, line: bytes) -> None:
        descriptor = self._open.get(file)
        if descriptor is None:
            while len(self._open) >= MAX_OPEN:  # the one that was opened first
                os.close(self._open.pop(next(iter(self._open))))
            descriptor = self._open[file] = open_for_append(file)
        try:
            if os.fstat(descriptor).st_nlink == 0:  # deleted by somebody: it would go nowhere
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
            write_all(descriptor, line)
        except OSError:
            os.close(self._open.pop(file))  # opened again, what was torn off is cut away
            raise


def line_of(value: Mapping[str, Any]) -> bytes:
    """The line that stores a value."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return f"{text}\n".encode("utf-8", "replace")  # half a character is not worth an event


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of it."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def lines_of(file: Path) -> Iterator[bytes]:
    """The lines of a file; none when it is not there."""
    with store_errors(file.parent), suppress(FileNotFoundError), file.open("rb") as lines:
        yield from lines


def open_for_append(file: Path) -> int:
    """A descriptor at the end of the last whole line: what a crash tore off is cut away."""
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND
    flags |= getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)
    descriptor = os.open(file, flags, 0o600)
    try:
        size = os.fstat(descriptor).st_size
        if size:
            os.lseek(descriptor, -1, os.SEEK_END)
            if os.read(descriptor, 1) != b"\n":
                os.ftruncate(descriptor, _whole(descriptor, size))
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _whole(descriptor: int, size: int) -> int:
    """The length up to the last line break."""
    end = size
    while end > 0:
        begin = max(0, end - 65536)
        os.lseek(descriptor, begin, os.SEEK_SET)
        at = os.read(descriptor, end - begin).rfind(b"\n")
        if at >= 0:
            return begin + at + 1
        end = begin
    return 0


def _synced(descriptor: int) -> None:
    try:
        _datasync(descriptor)
    finally:
        os.close(descriptor)
