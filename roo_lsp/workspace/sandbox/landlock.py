"""Linux without bwrap: Landlock. It only holds back writing and TCP, so it is half a sandbox.

The rules bind the thread that takes them on and what it starts; so one thread does, and all
commands are started from there. No start costs anything for it, and nothing runs between fork and
exec. Numbers and layouts: the kernel's `include/uapi/linux/landlock.h` and `prctl.h`.
"""

import ctypes
import os
import stat
import struct
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from roo_lsp.workspace.sandbox.base import Process, ProcessStart, Scratch
from roo_lsp.workspace.sandbox.protect import Found

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
"""The same numbers on every architecture."""
_ASK_VERSION = 1
_RULE_PATH_BENEATH = 1
_PR_SET_NO_NEW_PRIVS = 38
_CAPABILITY_VERSION_3 = 0x20080522

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = (1 << bit for bit in range(4))
_REFER, _TRUNCATE = 1 << 13, 1 << 14
_MAKE_AND_REMOVE = sum(1 << bit for bit in range(4, 13))
_TCP_BIND_AND_CONNECT = 3
_SCOPE_ABSTRACT_SOCKETS_AND_SIGNALS = 3

NETWORK_SINCE = 4
"""The version from which TCP can be refused."""
ALWAYS_WRITABLE = (
    "/tmp",  # noqa: S108
    "/dev/shm",  # noqa: S108
    "/dev/null",
    "/dev/zero",
    "/dev/full",
    "/dev/random",
    "/dev/urandom",
    "/dev/tty",
)


def landlock_version() -> int:
    """The version of Landlock that the kernel speaks; 0 where there is none."""
    if not sys.platform.startswith("linux"):
        return 0
    try:
        return _call(_CREATE_RULESET, None, 0, _ASK_VERSION)
    except OSError:
        return 0


class Landlock:
    """`Jail` with Landlock: writes below some paths only."""

    def __init__(self, writable: Iterable[Path], *, network: bool) -> None:
        self._writable = [*writable, *map(Path, ALWAYS_WRITABLE)]
        self._network = network
        self._thread = ThreadPoolExecutor(1, "landlock", initializer=self._restrict)

    def confine(
        self,
        argv: Sequence[str],
        cwd: Path,
        env: Mapping[str, str],
        scratch: Scratch,
        found: Found,
    ) -> ProcessStart:
        del cwd, scratch, found
        return ProcessStart(argv, {**env, "TMPDIR": "/tmp"})  # noqa: S108

    def spawn(self, start: Callable[[], Process]) -> Process:
        return self._thread.submit(start).result()

    def _restrict(self) -> None:
        """Bind the calling thread, and all that it will start."""
        version = landlock_version()
        handled = _handled(version)
        network = _TCP_BIND_AND_CONNECT if version >= NETWORK_SINCE and not self._network else 0
        scoped = _SCOPE_ABSTRACT_SOCKETS_AND_SIGNALS if version >= 6 else 0
        fields = [handled, network, scoped][: 3 if version >= 6 else 2 if version >= 4 else 1]
        attributes = struct.pack(f"={len(fields)}Q", *fields)
        rules = _call(_CREATE_RULESET, attributes, len(attributes), 0)
        try:
            for path in self._writable:
                _allow(rules, path, handled)
            _drop_capabilities()
            _call(_RESTRICT_SELF, rules, 0)
        finally:
            os.close(rules)


def _handled(version: int) -> int:
    """The ways of writing that this version can refuse."""
    rights = _WRITE_FILE | _MAKE_AND_REMOVE
    if version >= 2:
        rights |= _REFER
    if version >= 3:
        rights |= _TRUNCATE
    return rights


def _allow(rules: int, path: Path, rights: int) -> None:
    try:
        handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not stat.S_ISDIR(os.fstat(handle).st_mode):
            rights &= _WRITE_FILE | _TRUNCATE
        _call(_ADD_RULE, rules, _RULE_PATH_BENEATH, struct.pack("=Qi", rights, handle), 0)
    finally:
        os.close(handle)


def _drop_capabilities() -> None:
    """For the calling thread: root would read any process's memory. Nothing it starts gets them back."""
    library = ctypes.CDLL(None, use_errno=True)
    _checked(library.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    header = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0)
    _checked(library.capset(header, bytes(24)))


def _call(number: int, *arguments: int | bytes | None) -> int:
    """A system call.

    Raises:
        OSError: as the kernel says.
    """
    library = ctypes.CDLL(None, use_errno=True)
    words = [ctypes.c_long(each) if isinstance(each, int) else each for each in arguments]
    return _checked(library.syscall(ctypes.c_long(number), *words))


def _checked(result: int) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result
