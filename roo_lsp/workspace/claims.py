"""Which server a task belongs to while it runs: a lock that ends with its process, however that ends."""

import os
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

from roo_lsp.agent.errors import RooError
from roo_lsp.workspace.journal import store_errors

try:
    import fcntl
except ImportError:  # Windows: two servers are not kept apart there
    fcntl = None


class Claims:
    """The tasks that one store may write to; each has a file `lock` in its folder.

    `alone` keeps all servers of this user apart, for a moment.
    """

    def __init__(self, alone: Callable[[], AbstractContextManager[None]]) -> None:
        self._alone = alone
        self._held: dict[Path, int] = {}

    def take(self, folder: Path) -> None:
        """Claim a task; nothing happens where that is done already.

        Raises:
            RooError: another server has it, in words.
            StoreError: it is gone, or its folder cannot be used.
        """
        if folder in self._held:
            return
        with self._alone(), store_errors(folder):
            descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | _FLAGS, 0o600)
            try:
                if not try_lock(descriptor):
                    raise _busy(descriptor)
                _sign(descriptor)
            except BaseException:
                os.close(descriptor)
                raise
        self._held[folder] = descriptor

    def free(self, folder: Path) -> None:
        """Let others have it."""
        descriptor = self._held.pop(folder, None)
        if descriptor is not None:
            unlock(descriptor)

    def holds(self, folder: Path) -> bool:
        return folder in self._held

    def elsewhere(self, folders: Iterable[Path]) -> set[Path]:
        """Those that another server has."""
        there = [folder for folder in folders if folder not in self._held]
        if not there:
            return set()
        with self._alone():
            return {folder for folder in there if _is_locked(folder / "lock")}

    def close(self) -> None:
        for folder in list(self._held):
            self.free(folder)


_FLAGS = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)


@contextmanager
def locked(file: Path) -> Generator[None]:
    """Alone with what a lock file stands for, among all servers of this user."""
    with store_errors(file.parent):
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | _FLAGS, 0o600)
    try:
        if fcntl is not None:
            with store_errors(file.parent):
                fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def try_lock(descriptor: int) -> bool:
    """Lock a file until its descriptor is closed; False where somebody else has it."""
    if fcntl is not None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def unlock(descriptor: int) -> None:
    """Unlock and close: a process that is just being started may still have the descriptor, too."""
    if fcntl is not None:
        fcntl.flock(descriptor, fcntl.LOCK_UN)
    os.close(descriptor)


def _is_locked(file: Path) -> bool:
    with suppress(OSError):
        descriptor = os.open(file, os.O_RDWR | _FLAGS)
        try:
            return not try_lock(descriptor)
        finally:
            unlock(descriptor)
    return False


def _sign(descriptor: int) -> None:
    """Who has it since when, for the words others are refused with; a full disk has no room for it."""
    with suppress(OSError):
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"process {os.getpid()}, since {time.strftime('%H:%M')}".encode())


def _busy(descriptor: int) -> RooError:
    who = os.read(descriptor, 100).decode("ascii", "replace")
    return RooError(
        "busy_elsewhere",
        f"Another roo-lsp has this task{f' ({who})' if who else ''}.",
        "Wait until its turn is over, or cancel it there.",
    )
