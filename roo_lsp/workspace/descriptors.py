"""Opening what was checked: real paths, in which nothing may have become a link since.

Between the check of a call and its effect anyone may swap a folder for a link. So the check keeps where
each path really led (`remember_checked`), that is what gets opened (`real_path`), and opening follows no link at
all, in no place of the path (`open_real`): a swapped one is an error, never another file.
"""

import ctypes
import errno
import os
import stat
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import cache
from pathlib import Path

QUIET = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_CLOEXEC", 0)
"""Opening a pipe or a terminal by these neither waits nor takes it over; no child inherits it."""
READ = os.O_RDONLY | QUIET | getattr(os, "O_BINARY", 0)
LOOK_IN = os.O_RDONLY | QUIET | getattr(os, "O_DIRECTORY", 0)
"""A folder, to list it."""
STAND_IN = getattr(os, "O_PATH", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_DIRECTORY", 0)
"""A folder, to name what is in it; needs no permission to list it."""
NOT_FOLLOWED = getattr(os, "O_NOFOLLOW", 0)
BY_DESCRIPTOR = {os.open, os.mkdir, os.unlink, os.rename, os.link} <= os.supports_dir_fd

_OPENAT2 = 437
"""The system call's number, the same on every architecture (Linux 5.6)."""
_NO_LINKS = 0x04 | 0x02
"""RESOLVE_NO_SYMLINKS and RESOLVE_NO_MAGICLINKS of linux/openat2.h."""
_AT_FDCWD = -100
_NO_SUCH_CALL = {errno.ENOSYS, errno.EPERM}
"""The kernel is older, or a sandbox around us does not know the call."""
_NO_LINK_ANYWHERE = getattr(os, "O_NOFOLLOW_ANY", 0)
"""macOS has this in `open` itself."""

_checked: ContextVar[Mapping[Path, Path]] = ContextVar("checked", default={})  # noqa: B039 -- never changed


def remember_checked(reals: Mapping[Path, Path]) -> None:
    """Say where the paths of the call that runs in this context led when they were checked."""
    _checked.set(reals)


def checked(path: Path) -> Path | None:
    """Where a path led when the running call was checked; None for a path it is not about."""
    return _checked.get().get(path)


def real_path(path: Path) -> Path:
    """Where a path led when it was checked; where it leads now, if it was not."""
    return _checked.get().get(path) or Path(os.path.realpath(path))


def open_real(path: Path, flags: int) -> int:
    """A descriptor of an absolute path without a link anywhere in it.

    Raises:
        OSError: with ELOOP where there is a link.
    """
    if _NO_LINK_ANYWHERE:
        return os.open(path, flags | _NO_LINK_ANYWHERE)
    descriptor = _openat2(path, flags) if sys.platform == "linux" else None
    return _walk(path, flags) if descriptor is None else descriptor


@contextmanager
def opened(folder: Path) -> Generator[int | None]:
    """The folder, real and free of links, to act in; None where names cannot be relative to one."""
    if not BY_DESCRIPTOR:
        yield None
        return
    descriptor = open_real(folder, STAND_IN)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def made(folder: Path) -> Generator[int | None]:
    """As `opened`, with missing folders made; these go again, where empty, when the block fails."""
    missing: list[Path] = []
    while not os.path.lexists(folder):
        missing.append(folder)
        folder = folder.parent
    done: list[Path] = []
    try:
        for each in reversed(missing):
            with opened(each.parent) as parent, suppress(FileExistsError):
                os.mkdir(each if parent is None else each.name, dir_fd=parent)
                done.append(each)
        with opened(missing[0] if missing else folder) as descriptor:
            yield descriptor
    except BaseException:
        for each in reversed(done):
            with suppress(OSError), opened(each.parent) as parent:
                os.rmdir(each if parent is None else each.name, dir_fd=parent)
        raise


def read_small(path: Path, limit: int) -> bytes | None:
    """What a file of ours to heed holds; None when it is not there.

    Raises:
        OSError: it cannot be read, is no regular file (EINVAL), or has more than `limit` bytes (EFBIG).
    """
    try:
        descriptor = os.open(path, READ)
    except FileNotFoundError:
        if os.path.lexists(path):
            raise
        return None
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file")
        pieces: list[bytes] = []
        room = limit + 1
        while room and (piece := file.read(room)):
            pieces.append(piece)
            room -= len(piece)
    if not room:
        raise OSError(errno.EFBIG, f"it has more than {limit} bytes")
    return b"".join(pieces)


class _How(ctypes.Structure):
    """`struct open_how` of linux/openat2.h."""

    _fields_ = (("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64))


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _openat2(path: Path, flags: int) -> int | None:
    """The descriptor, or None where this call cannot be had."""
    how = _How(flags, 0, _NO_LINKS)
    while True:
        descriptor: int = _libc().syscall(
            _OPENAT2, _AT_FDCWD, os.fsencode(path), ctypes.byref(how), ctypes.sizeof(how)
        )
        if descriptor >= 0:
            return descriptor
        code = ctypes.get_errno()
        if code in _NO_SUCH_CALL:
            return None
        if code != errno.EINTR:
            raise OSError(code, os.strerror(code), os.fspath(path))


def _walk(path: Path, flags: int) -> int:
    """The same, one name after the other."""
    if not BY_DESCRIPTOR:
        return os.open(path, flags)
    root, *names = path.parts
    if not names:
        return os.open(root, flags)
    descriptor = os.open(root, STAND_IN)
    try:
        for name in names[:-1]:
            below = _step(name, STAND_IN, descriptor)
            os.close(descriptor)
            descriptor = below
        return _step(names[-1], flags, descriptor)
    finally:
        os.close(descriptor)


def _step(name: str, flags: int, folder: int) -> int:
    try:
        return os.open(name, flags | NOT_FOLLOWED, dir_fd=folder)
    except NotADirectoryError:
        # What Linux says of a link where a folder was asked for.
        if stat.S_ISLNK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), name) from None
        raise
