"""Files of the state folder, for their owner alone: replaced whole, or appended to."""

import errno
import os
import tempfile
from contextlib import suppress
from pathlib import Path


def append_private(file: Path, text: str) -> None:
    """Add to a file that only its owner can read, whole or not at all where others append too.

    Raises:
        OSError: it cannot be written.
    """
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
    data = text.encode("utf-8", "surrogatepass")
    handle = os.open(file, flags, 0o600)
    try:
        before = os.fstat(handle).st_size
        if os.write(handle, data) < len(data):  # the disk is full: half of it is none of it
            os.ftruncate(handle, before)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    finally:
        os.close(handle)


def write_private(file: Path, text: str) -> None:
    """Make this the file's whole content, mode 0600; a reader sees the old one or the new one.

    Raises:
        OSError: it cannot be written; the old content stays.
    """
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.stem}-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
        Path(name).replace(file)
    except OSError:
        with suppress(OSError):
            Path(name).unlink()
        raise
